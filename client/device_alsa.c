/*
 * device_alsa.c - ALSA: both directions of one device, a thread that waits for each period.
 *
 *     start: fill playback with silence, both begin > wait > read a period > turn > write a period > ...
 *                       ^                                             |
 *                       +----- xrun: count, maybe a longer period ----+
 *
 * The two are linked where the driver can, so that they begin at the same sample and what is between them is known:
 * playback holds two periods when it begins and one when the callback runs. With no period chosen it begins with 64
 * samples, and takes the next longer one when that does not run clean (periodhunt). A device without a microphone plays
 * all the same.
 *
 * A plugin may have no clock at all (null, file): it is held to the pace of CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <re.h>
#include "alsapcm.h"
#include "device_priv.h"
#include "periodhunt.h"

enum { AHEAD_US = 50000, LATENCY_EVERY = 64, FAILURES_MAX = 10, AGAIN_NS = 100000000 };

struct alsa_device {
	struct device *d;
	struct alsapcm in, out;
	bool linked;
	struct periodhunt hunt;
	pthread_t tid;
	bool running;
	atomic_bool stop;
	uint32_t period;          /* of a turn */
	uint64_t began_us, turned_smp, turns;     /* since it was started */
	unsigned failures;        /* one after the other */
};

/* --- the device's thread --- */

static uint32_t prefill(const struct alsa_device *a)
{
	const uint32_t longest = a->out.period > a->period ? a->out.period : a->period;

	return 2 * longest < a->out.buffer ? 2 * longest : a->out.buffer;
}

static int start(struct alsa_device *a)
{
	int err = snd_pcm_prepare(a->out.h);

	if (!err && a->in.h && !a->linked)
		err = snd_pcm_prepare(a->in.h);
	memset(a->out.smp, 0, (size_t)a->period * a->out.ch * sizeof(float));
	for (uint32_t left = prefill(a); !err && left;) {
		const uint32_t n = left < a->period ? left : a->period;

		err = alsapcm_write_rt(&a->out, n);
		left -= n;
	}
	if (!err)
		err = snd_pcm_start(a->out.h);
	if (!err && a->in.h && !a->linked)
		err = snd_pcm_start(a->in.h);
	a->began_us = device_now_us();
	a->turned_smp = a->turns = 0;
	return err;
}

/* Beside the period itself: what the card's and the driver's own queues add. */
static void latency_rt(struct alsa_device *a, uint64_t late_us)
{
	snd_pcm_sframes_t delay = 0, avail = 0;

	if (a->in.h && !snd_pcm_delay(a->in.h, &delay)) {
		avail = snd_pcm_avail_update(a->in.h);
		delay = avail >= 0 && delay > avail ? delay - avail : 0;
		a->d->capture_us = device_smp_us(a->period + (uint64_t)delay);
	}
	if (!snd_pcm_delay(a->out.h, &delay) && delay >= 0)
		a->d->playback_us = device_smp_us((uint64_t)delay) + (uint32_t)late_us;
}

/* A period that was long over when we came has others behind it; the first sample of ours is so much older. */
static uint64_t late_us_rt(struct alsa_device *a)
{
	const snd_pcm_sframes_t avail = a->in.h ? snd_pcm_avail_update(a->in.h) : 0;

	return avail > 0 ? device_smp_us((uint64_t)avail) : 0;
}

/* A microphone with one channel is heard as all inputs. */
static void sound_of_rt(const struct alsa_device *a, struct device_sound *s)
{
	memset(s, 0, sizeof(*s));
	s->in_step = a->in.ch;
	s->out_step = a->out.ch;
	for (unsigned i = 0; i < a->d->conf.inputs; i++)
		if (a->in.h && (i < a->in.ch || a->in.ch == 1))
			s->in[i] = a->in.smp + (a->in.ch == 1 ? 0 : i);
	for (unsigned i = 0; i < DEVICE_CH && i < a->out.ch; i++)
		s->out[i] = a->out.smp + i;
}

static void nap(uint64_t ns)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	nanosleep(&ts, NULL);
}

static void pace_rt(const struct alsa_device *a)
{
	const uint64_t should_us = a->turned_smp / DEVICE_RATE * 1000000 + device_smp_us(a->turned_smp % DEVICE_RATE);
	const uint64_t gone_us = device_now_us() - a->began_us;

	if (should_us > gone_us + AHEAD_US)
		nap((should_us - gone_us - AHEAD_US) * 1000);
}

static int turn_rt(struct alsa_device *a)
{
	struct device_sound sound;
	uint64_t late_us;
	int err = alsapcm_wait_rt(a->in.h ? &a->in : &a->out);

	if (!err && a->in.h)
		err = alsapcm_read_rt(&a->in, a->period);
	if (err)
		return err;
	late_us = late_us_rt(a);
	if (a->turns++ % LATENCY_EVERY == 0)
		latency_rt(a, late_us);
	sound_of_rt(a, &sound);
	device_turn_rt(a->d, &sound, a->period, device_now_us() - late_us);
	err = alsapcm_write_rt(&a->out, a->period);
	a->turned_smp += a->period;
	pace_rt(a);
	return err;
}

static int open_both(struct alsa_device *a);
static void close_both(struct alsa_device *a);

/* Both stand still; it goes on from silence, with the same period or the next. */
static int restart(struct alsa_device *a, bool anew)
{
	int err = 0;

	if (anew || !a->out.h) {
		close_both(a);
		err = open_both(a) ? -EIO : 0;    /* nobody may have had time to let go of it: tried again */
	}
	else {
		snd_pcm_drop(a->out.h);
		if (a->in.h && !a->linked)
			snd_pcm_drop(a->in.h);
	}
	if (!err)
		err = start(a);
	if (!err && anew)
		periodhunt_runs(&a->hunt, a->period, device_now_us());
	return err;
}

static bool is_gone(int err)
{
	return err == -ENODEV || err == -ENXIO || err == -ENOTTY || err == -ETIMEDOUT;
}

static void *alsa_main(void *arg)
{
	struct alsa_device *a = arg;
	int err = start(a);

	periodhunt_runs(&a->hunt, a->period, device_now_us());
	while (!a->stop) {
		if (!err)
			err = turn_rt(a);
		if (!err) {
			a->failures = 0;
			continue;
		}
		if (is_gone(err) || a->failures++ >= FAILURES_MAX)
			break;
		if (a->failures > 1)
			nap(AGAIN_NS);
		atomic_fetch_add_explicit(&a->d->xruns, 1, memory_order_relaxed);
		err = restart(a, periodhunt_xrun(&a->hunt, device_now_us()));
	}
	if (!a->stop)
		a->d->gone = true;
	return NULL;
}

/* --- opening --- */

static void close_both(struct alsa_device *a)
{
	if (a->linked)
		snd_pcm_unlink(a->in.h);
	a->linked = false;
	alsapcm_close(&a->in);
	alsapcm_close(&a->out);
}

static int open_both(struct alsa_device *a)
{
	const struct device *d = a->d;
	int err = alsapcm_open(&a->out, d->label, false, DEVICE_CH, a->hunt.period);

	if (err)
		return err;
	err = alsapcm_open(&a->in, d->label, true, d->conf.inputs, a->hunt.period);
	if (err && err != ENODEV)
		goto out;
	err = 0;
	a->period = a->in.h ? a->in.period : a->out.period;
	a->linked = a->in.h && !snd_pcm_link(a->in.h, a->out.h);
	a->d->period = a->period;
	a->d->capture_us = a->in.h ? device_smp_us(a->period) : 0;
	a->d->playback_us = device_smp_us(a->period);
out:
	if (err)
		close_both(a);
	return err;
}

/* ALSA writes to stderr what we say better, and would write over the screen. */
static void quiet_handler(const char *file, int line, const char *function, int err, const char *fmt, ...)
{
	(void)file, (void)line, (void)function, (void)err, (void)fmt;
}

static void destructor(void *arg)
{
	struct alsa_device *a = arg;

	a->stop = true;
	if (a->running)
		pthread_join(a->tid, NULL);
	close_both(a);
}

static int alsa_open(struct device *d)
{
	struct alsa_device *a = mem_zalloc(sizeof(*a), destructor);
	int err;

	if (!a)
		return device_why(ENOMEM, "out of memory");
	a->d = d;
	d->state = a;
	snd_lib_error_set_handler(quiet_handler);
	str_ncpy(d->label, *d->device ? d->device : "default", sizeof(d->label));
	periodhunt_init(&a->hunt, d->conf.period);
	err = open_both(a);
	if (err)
		return err;
	if (a->in.h)
		device_why(0, "%s", "");
	err = device_thread(&a->tid, &d->realtime, alsa_main, a);
	a->running = !err;
	return err ? device_why(err, "no thread: %s", strerror(err)) : 0;
}

/* --- the list --- */

/* The many names by which ALSA's own configuration offers a card again. */
static bool of_interest(const char *name)
{
	static const char *const not[] = {
		"surround", "front", "rear", "center_lfe", "side", "iec958", "hdmi", "dmix", "dsnoop", "usbstream",
		"sysdefault", "lavrate", "samplerate", "speexrate", "upmix", "vdownmix", "jack", "oss", "modem",
	};

	for (size_t i = 0; i < ARRAY_SIZE(not); i++)
		if (!strncmp(name, not[i], strlen(not[i])))
			return false;
	return true;
}

static void list_one(FILE *f, const void *hint)
{
	char *name = snd_device_name_get_hint(hint, "NAME"), *desc = snd_device_name_get_hint(hint, "DESC");

	if (name && of_interest(name))
		fprintf(f, "       %-28s %.*s\n", name, desc ? (int)strcspn(desc, "\n") : 0, desc ? desc : "");
	free(name);
	free(desc);
}

static void alsa_list(FILE *f)
{
	void **hints = NULL;

	snd_lib_error_set_handler(quiet_handler);
	if (snd_device_name_hint(-1, "pcm", &hints) < 0)
		return;
	for (size_t i = 0; hints[i]; i++)
		list_one(f, hints[i]);
	snd_device_name_free_hint(hints);
}

const struct device_driver device_alsa = {
	.name = "alsa", .what = "a card by itself; --device: one of", .openh = alsa_open, .listh = alsa_list,
};
