/*
 * soundcheck_rig.c - the engine of a sound check, its card, and the thread of that: chirps go in, what comes out is
 * written down and heard by nobody.
 *
 * It is written into memory that is there before it begins, and read when that thread is gone.
 */
#include <string.h>
#include "chirp.h"
#include "soundcheck_priv.h"

enum { PORT_MIN = 40000, PORT_MAX = 48998 };

/* --- the device's thread --- */

static void turn_rt(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg)
{
	struct rig_rt *r = arg;
	const bool go = atomic_load_explicit(&r->go, memory_order_acquire);
	float taken[2 * DEVICE_PERIOD_MAX];

	(void)in;
	if (!n || n > DEVICE_PERIOD_MAX)
		return;
	for (uint32_t i = 0; i < n; i++)
		taken[2 * i] = taken[2 * i + 1] = go ? chirp_at(r->n_in + i) : 0;
	card_turn_rt(r->card, taken, out, n, at_us);
	for (uint32_t i = 0; go && i < n && r->n_heard < r->max; i++)
		r->heard[r->n_heard++] = (out[2 * i] + out[2 * i + 1]) / 2;
	if (go)
		r->n_in += n;
	memset(out, 0, 2 * n * sizeof(*out));     /* to us, not to anybody's ears */
}

/* --- an engine for each trial --- */

static void engine_handler(int flags, void *arg)
{
	const struct soundcheck *s = arg;

	(void)flags;
	mixer_dispatch(s->mixer);
}

void soundcheck_rig_close(struct soundcheck *s)
{
	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_poll);
	s->device = mem_deref(s->device);         /* its thread is gone now */
	s->call   = mem_deref(s->call);
	s->card   = mem_deref(s->card);
	s->bus    = mem_deref(s->bus);
	if (s->mixer)
		fd_close(mixer_event_fd(s->mixer));
	s->mixer = mem_deref(s->mixer);
}

static int device_start(struct soundcheck *s)
{
	const struct device_conf dc = {
		.driver = s->conf.driver ? s->conf.driver : "null",
		.device = s->conf.device ? s->conf.device : "",
		.name = "tutti-check",
		.inputs = 1,
		.period = s->period,
		.turnh = turn_rt,
		.arg = &s->rt,
	};
	struct device_info info;
	const char *why = "";
	int err = device_open(&s->device, &why, &dc);

	if (err) {
		str_ncpy(s->why, why[0] ? why : strerror(err), sizeof(s->why));
		return err;
	}
	device_info(s->device, &info);
	s->report.card_us = info.capture_us + info.playback_us;
	/* No card: as good as one that a musician would have, with two periods each way. */
	if (!s->report.card_us)
		s->report.card_us = (uint32_t)(4ull * s->period * 1000000 / SOUNDCHECK_RATE);
	return 0;
}

int soundcheck_rig_open(struct soundcheck *s)
{
	const struct mixer_conf mc = {.port_min = s->conf.port_min ? s->conf.port_min : PORT_MIN,
				      .port_max = s->conf.port_max ? s->conf.port_max : PORT_MAX};
	const struct bus_conf bc = {.music = true};
	const struct card_conf cc = {.period_smp = s->period};
	int err = mixer_alloc(&s->mixer, &mc);

	if (!err)
		err = fd_listen(mixer_event_fd(s->mixer), FD_READ, engine_handler, s);
	if (!err)
		err = bus_alloc(&s->bus, s->mixer, &bc);
	if (!err)
		err = card_alloc(&s->card, s->bus, &cc);
	s->rt.card = s->card;
	s->rt.n_in = 0;
	s->rt.n_heard = 0;
	atomic_store(&s->rt.go, false);
	return err ? err : device_start(s);
}
