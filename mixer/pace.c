/*
 * pace.c - when to play a sender's sound faster or slower, and by how much.
 *
 *      excess |     .            .            a packet waits for its tick between nothing and one tick, always the same
 *             |   .   \        .   \          time. If the sender's clock is fast it waits ever longer: at more than a
 *         over|-.------\-----.------\---      tick, one tick's worth is played away ("a slip") and it is as it was.
 *             |         \  .         \        If it is slow the wait grows shorter, and a tick's worth is added before it
 *          low|----------.-----------         is none.
 *             +----------------------> time
 *
 * A slip is exactly one tick long, or some, in samples. So the reader's queue holds afterwards what it held before, and the
 * packet after it is asked for at the same place in a tick. Played at the sender's speed all the time, each frame would
 * end elsewhere in the tick, which then wants the next packet by up to a tick sooner: for that the delay would have to be a
 * tick longer for ever. And most of the time nothing has to be computed (docs/decisions/0046-slips.md).
 *
 * The smallest excess of the last one to two seconds counts, for frames and ticks of different lengths let it go up and
 * down. The clock is asked (drift.h) only which of two things a short wait is: bad luck, which is nothing to mend, or a
 * slow sender on its way to come late.
 *
 * A voice is played up to 0.3 % faster, music 0.1 %: 5 and 1.7 hundredths of a semitone. Where the delay is far too long,
 * a voice 0.5 %.
 */
#include <string.h>
#include "pace.h"

enum {
	WINDOW_US  = 1000000,
	OVER_US    = 1000,
	MARGIN_US  = 200,
	TICKS_MAX  = 8,
	OWING_MIN  = 64,
	FALLS      = 3,           /* so many seconds make a slow sender, until its clock is known */
};

#define VOICE_PPM  3000.0f
#define HURRY_PPM  5000.0f
#define MUSIC_PPM  1000.0f
#define SLOW_PPM   -15.0f         /* no more than what estimates err by */
#define SLOWEST_PPM -300.0f       /* what falls faster than that falls by what the net does */
#define REACT_S    2.0f           /* until a window says so */
#define LAG_S      1.0f           /* so old may the packets be that the delay is measured from */

int pace_init(struct pace *p)
{
	memset(p, 0, sizeof(*p));
	drift_init(&p->drift, 8000);
	return warp_init(&p->warp, 1);
}

/* What was measured of the delay holds no more; the sound goes on. */
static void pace_clear_rt(struct pace *p)
{
	p->seen = p->sure = false;
	p->falls = p->fell_us = p->seconds = 0;
}

void pace_source_rt(struct pace *p)
{
	drift_reset_rt(&p->drift);
	pace_clear_rt(p);
	p->ppm = 0;
}

void pace_stop_rt(struct pace *p)
{
	p->on = false;
	p->left = 0;
	pace_clear_rt(p);
}

void pace_pause_rt(struct pace *p)
{
	if (!p->on || warp_silent(&p->warp))
		pace_stop_rt(p);
}

void pace_channels_rt(struct pace *p, uint8_t channels)
{
	warp_channels_rt(&p->warp, channels);
}

void pace_packet_rt(struct pace *p, uint32_t clock, uint32_t ts, uint64_t now_us)
{
	if (clock != p->drift.clock)
		drift_init(&p->drift, clock);
	drift_packet_rt(&p->drift, ts, now_us);
}

/* --- is it time for a slip? --- */

static struct pace_least least_of(struct pace_least a, struct pace_least b)
{
	return (struct pace_least){a.excess_us < b.excess_us ? a.excess_us : b.excess_us, a.queued < b.queued ? a.queued : b.queued};
}

static void fall_rt(struct pace *p)
{
	const int32_t fall_us = p->before.excess_us - p->least.excess_us;

	p->seconds++;
	if (p->sure && fall_us > 0 && fall_us < -SLOWEST_PPM) {
		p->falls++;
		p->fell_us += (uint32_t)fall_us;
	}
	else {
		p->falls = p->fell_us = 0;
	}
}

/* The sender's clock against ours; false: nothing is known, or nothing to mind. */
static bool slow(const struct pace *p, float *ppm)
{
	if (!drift_known(&p->drift, ppm)) {
		if (p->falls < FALLS)
			return false;
		*ppm = -(float)p->fell_us / (float)p->falls;
	}
	if (*ppm < SLOWEST_PPM)
		*ppm = SLOWEST_PPM;
	return *ppm <= SLOW_PPM;
}

bool pace_fast(const struct pace *p)
{
	float ppm;

	return drift_known(&p->drift, &ppm) && ppm >= -SLOW_PPM;
}

/* true: a second is over; *least is of it and of the one before. */
static bool note_rt(struct pace *p, struct pace_least *least, const struct pace_level *l, uint64_t now_us)
{
	const struct pace_least now = {l->excess_us, l->queued};
	const bool known = p->sure;

	if (!p->seen) {
		p->seen = true;
		p->since_us = now_us;
		p->least = now;
	}
	if (now_us - p->since_us < WINDOW_US) {
		p->least = least_of(p->least, now);
		return false;
	}
	*least = least_of(p->least, p->before);
	fall_rt(p);
	p->before = p->least;
	p->least = now;
	p->since_us = now_us;
	p->sure = true;
	return known;
}

/* The shortest wait that is left to a sender with a slow clock: it shortens while the slip runs, and looks longer than it
 * is, as the delay is measured from a packet some seconds old, unless the target has that in it. INT32_MIN: any. */
static int32_t low_us(const struct pace *p, const struct pace_level *l)
{
	const float gentle = l->music ? MUSIC_PPM : VOICE_PPM;
	float ppm, us;

	if (!slow(p, &ppm))
		return l->hold ? -(int32_t)l->tick_us / 4 : INT32_MIN;

	us = -ppm * ((float)l->tick_us / gentle + REACT_S + (l->music ? LAG_S : 0.0f));
	return MARGIN_US + (int32_t)us;
}

/* What the warp holds back is missing in the queue. Where the delay becomes shorter the next packet is here already; the
 * slip only must not take the last bit of it. Where it becomes longer it is not; the first frame is stretched by that. Both
 * only once: afterwards so much stays in the queue. */
static void slip_rt(struct pace *p, const struct pace_level *l, int32_t ticks, uint32_t queued)
{
	const uint32_t lacking = queued < WARP_DELAY ? WARP_DELAY - queued : 0;
	const uint32_t n = (uint32_t)(ticks < 0 ? -ticks : ticks);
	const uint64_t tick_smp = ((uint64_t)l->tick_us * PACE_RATE + 500000) / 1000000;

	p->shorter = ticks > 0;
	p->left = (n * tick_smp - (p->shorter ? lacking : 0)) << 32;
	p->owing = !p->shorter && lacking;
	p->ppm = l->music ? MUSIC_PPM : n > 1 ? HURRY_PPM : VOICE_PPM;
	if (!p->shorter)
		p->ppm = -p->ppm;
	pace_clear_rt(p);
}

static int32_t ticks_rt(const struct pace *p, const struct pace_level *l, int32_t least_us)
{
	const int32_t tick = (int32_t)l->tick_us, over = tick / 8 < OVER_US ? tick / 8 : OVER_US;
	const int32_t low = low_us(p, l), high = (low > 0 ? low : 0) + over;
	float ppm;

	if (least_us < low)
		return -1;
	if (l->resting || least_us - high < tick)
		return 0;
	if (l->music && p->seconds <= FALLS && !drift_known(&p->drift, &ppm))
		return 0;         /* perhaps it is slow, and needs what there is */
	return (least_us - high) / tick < TICKS_MAX ? (least_us - high) / tick : TICKS_MAX;
}

bool pace_frame_rt(struct pace *p, const struct pace_level *l, uint64_t now_us)
{
	struct pace_least least;
	int32_t ticks;

	if (p->left || p->on || !note_rt(p, &least, l, now_us) || !l->tick_us)
		return false;
	ticks = ticks_rt(p, l, least.excess_us);
	if (ticks)
		slip_rt(p, l, ticks, least.queued);
	return ticks > 0;
}

/* --- sound --- */

void pace_join_rt(struct pace *p, const float *last, uint8_t channels)
{
	warp_join_rt(&p->warp, last, channels);
	p->on = true;
}

/* The slip is done: what the warp holds back is heard now, and what follows goes by it. */
static size_t part_rt(struct pace *p, float *out)
{
	if (p->left)
		return 0;
	p->on = false;
	pace_clear_rt(p);
	return warp_part_rt(&p->warp, out);
}

size_t pace_rt(struct pace *p, float *out, const float *in, size_t n)
{
	size_t n_out;

	if (p->owing && n >= OWING_MIN) {
		p->owing = false;
		return warp_stretch_rt(&p->warp, out, in, n);
	}
	n_out = warp_slip_rt(&p->warp, out, in, n, p->ppm, &p->left);
	return n_out + part_rt(p, out + n_out * p->warp.ch);
}

size_t pace_zero_rt(struct pace *p, size_t n)
{
	float held[WARP_DELAY * WARP_CH];         /* as silent as the rest */
	size_t n_out;

	if (p->owing && n >= OWING_MIN) {
		p->owing = false;
		warp_reset_rt(&p->warp, p->warp.ch);
	}
	n_out = warp_skip_rt(&p->warp, n, p->ppm, &p->left);
	return n_out + part_rt(p, held);
}

bool pace_silent(const struct pace *p) { return warp_silent(&p->warp); }

size_t pace_need(const struct pace *p, size_t n_out)
{
	if (!p->on)
		return n_out;
	return p->owing && n_out >= OWING_MIN ? n_out : warp_need(&p->warp, n_out, p->ppm);
}
