/*
 * beatout.c - beats and clocks, each at its time.
 *
 * A beat's time is that of its sample on the clock which the media threads have too. What this thread was late for is made good at
 * once, so that 24 clocks stay a beat; after more than one beat it goes on from now.
 */
#include <errno.h>
#include "beatout.h"
#include "ensemble_priv.h"
#include "relay_priv.h"
#include "mixer/rtcp.h"

/* "Song Position Pointer: the number of MIDI beats (1 beat = six MIDI clocks)", so four to a quarter; 14 bits. */
enum { POSITION_PER_BEAT = 4, POSITION_MAX = 0x3fff };

static bool leads(const struct beatout *b, uint64_t now_us)
{
	return !b->master_us || now_us >= b->master_us + BEATOUT_MASTER_US;
}

static void midi_rt(struct beatout *b, uint8_t status, uint64_t now_us)
{
	const struct midi_cmd cmd = {.status = status};

	if (leads(b, now_us))
		ensemble_tell_midi_rt(b->ensemble, &cmd, now_us);
}

static void begin_rt(struct line_rt *l, uint64_t beat, uint64_t now_us)
{
	const uint64_t n = beat * POSITION_PER_BEAT > POSITION_MAX ? POSITION_MAX : beat * POSITION_PER_BEAT;
	const struct midi_cmd at = midi_short(MIDI_POSITION, n & 0x7f, (uint8_t)(n >> 7));
	const struct midi_cmd go = {.status = beat ? MIDI_CONTINUE : MIDI_START};

	if (beat)
		l->ops->tell_midi_rt(l, &at, now_us);
	l->ops->tell_midi_rt(l, &go, now_us);
}

/* Who does not know yet that the beat runs: all at its start, and at the beginning of a bar who came since. What is counted in is
 * before the song: MIDI has its clock, and starts with bar 0. */
static void begin_all_rt(struct beatout *b, uint64_t beat, uint64_t now_us)
{
	if ((int64_t)beat < 0)
		return;
	for (struct le *le = leads(b, now_us) ? b->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *p = le->data;
		struct line_rt *l = p->line[GESTLINE_MIDI];

		if (p->beat_run == b->run || !ensemble_speaks_rt(l) || !l->ops->tell_midi_rt)
			continue;
		p->beat_run = b->run;
		begin_rt(l, beat, now_us);
	}
}

/* Bars that are counted in are before bar 0. */
static int32_t bar_number(uint64_t bar)
{
	const int64_t n = (int64_t)bar;

	return (int32_t)(n < 0 ? (n < INT32_MIN ? INT32_MIN : n) : n & INT32_MAX);
}

static size_t write_beat(uint8_t *buf, size_t room, const struct beat_point *p, uint64_t timetag)
{
	const struct osc_arg args[] = {{.tag = 'i', .v.i = bar_number(p->bar)}, {.tag = 'i', .v.i = p->in_bar},
				       {.tag = 'i', .v.i = (int32_t)p->mbpm}};
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, room);
	if (timetag)
		osc_w_bundle(&w, timetag);
	osc_w_msg(&w, "/tutti/beat", args, 3);
	if (timetag)
		osc_w_bundle_end(&w);
	return osc_w_end(&w, &len) ? 0 : len;
}

/* By RTP in a bundle that says the very moment: there the party knows our clock, and so when the beat was, however long this took. */
static void beat_rt(struct beatout *b, const struct beat_point *p, uint64_t now_us)
{
	uint8_t plain[64], timed[96];
	const uint64_t at = forward_unix_us_rt(b->forward, mixer_smp_us(p->smp));
	const size_t n_plain = write_beat(plain, sizeof(plain), p, 0), n_timed = write_beat(timed, sizeof(timed), p, rtcp_ntp(at));

	for (struct le *le = b->ensemble->players.head; le; le = le->next) {
		struct player_rt *p_rt = le->data;
		struct line_rt *rtp = p_rt->line[GESTLINE_OSC];

		if (!p_rt->listens)
			continue;
		if (ensemble_speaks_rt(rtp))
			rtp->ops->tell_rt(rtp, timed, n_timed, now_us);
		else
			player_tell_rt(p_rt, plain, n_plain, now_us);
	}
}

static uint64_t due(struct ticker *t)
{
	const struct beatout *b = t->arg;
	struct beat_point p;

	return beat_next(&p, &b->beat, b->next_smp, BEAT_CLOCKS) ? mixer_smp_us(p.smp) : UINT64_MAX;
}

static void tick(struct ticker *t, uint64_t now_us)
{
	struct beatout *b = t->arg;
	struct beat_point p;

	for (int i = 0; i < BEAT_CLOCKS; i++) {
		if (!beat_next(&p, &b->beat, b->next_smp, BEAT_CLOCKS) || mixer_smp_us(p.smp) > now_us)
			return;
		b->next_smp = p.smp + 1;
		if (!p.pulse && !p.in_bar)
			begin_all_rt(b, p.beat, now_us);
		midi_rt(b, MIDI_CLOCK, now_us);
		if (!p.pulse)
			beat_rt(b, &p, now_us);
	}
	b->next_smp = mixer_us_smp(now_us) + 1;
}

static void beatout_set_rt(struct ensemble_rt *e, struct forward *f, const struct beat *beat, uint64_t now_us)
{
	struct beatout *b = &e->beatout;
	const bool ran = b->beat.running, begins = beat->running && !beat->before.mbpm && mixer_smp_us(beat->now.at_smp) >= now_us;

	b->ensemble = e;
	b->forward  = f;
	b->beat = *beat;
	if (b->next_smp < mixer_us_smp(now_us))
		b->next_smp = mixer_us_smp(now_us);
	if (ran && !beat->running)
		midi_rt(b, MIDI_STOP, now_us);
	if (begins || (beat->running && !b->run))
		b->run = forward_random_rt(f) | 1;        /* another than that of any room a player comes from */
	if (begins)
		begin_all_rt(b, beat->now.beat, now_us);
	if (!b->ticker.arg) {
		b->ticker = (struct ticker){.due_rt = due, .tick_rt = tick, .arg = b};
		ticker_add_rt(f, &b->ticker);
	}
}

void beatout_end_rt(struct ensemble_rt *e, struct forward *f)
{
	if (e->beatout.ticker.arg)
		ticker_del_rt(f, &e->beatout.ticker);
}

void beatout_master_rt(struct ensemble_rt *e, uint64_t now_us)
{
	e->beatout.master_us = now_us;
}

/* ---- control thread ---- */

struct beating {
	struct give give;
	struct beat beat;
};

static void beating_freed(void *obj)
{
	mem_deref(obj);
}

static void beating_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct beating *b = arg;

	beatout_set_rt(obj, f, &b->beat, now_us);
	give_back_rt(f, &b->give, beating_freed, b);
}

int ensemble_set_beat(struct ensemble *e, const struct beat *beat)
{
	struct beating *b = mem_zalloc(sizeof(*b), NULL);
	int err;

	if (!b)
		return ENOMEM;
	b->beat = *beat;
	err = forward_post(e->relay->forward, &(struct job){beating_rt, e->rt, b}, NULL);
	if (err)
		mem_deref(b);
	return err;
}
