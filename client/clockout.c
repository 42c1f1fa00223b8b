/*
 * clockout.c - MIDI clock from beats that are told.
 *
 * Clocks are counted and not timed: a beat that turns out to be a little earlier or later than was thought moves those
 * that follow, and none is left out or played twice. Without news for some beats the room is taken to be gone.
 */
#include "midiwire.h"
#include "mixer/beat.h"
#include "osc/midi_merge.h"
#include "clockout.h"

/* EARLY: so long before their time clocks go to the device, which plays them at it. */
enum { EARLY_US = 5000, PATIENCE_BEATS = 4, TURN_MAX = 2 * BEAT_CLOCKS, POSITION_PER_BEAT = 4, POSITION_MAX = 0x3fff };

void clockout_init(struct clockout *c, struct midiwire *wire)
{
	*c = (struct clockout){.wire = wire, .per_bar = BEAT_BAR};
}

void clockout_bar(struct clockout *c, unsigned per_bar)
{
	if (per_bar && per_bar <= BEAT_BAR_MAX)
		c->per_bar = (uint8_t)per_bar;
}

static void play(struct clockout *c, const uint8_t *bytes, size_t len, uint64_t at_us)
{
	c->last_us = at_us > c->last_us ? at_us : c->last_us;
	(void)midiwire_play(c->wire, c->last_us, bytes, len);
}

static uint64_t time_of(const struct clockout *c, uint64_t pulse)
{
	const double beat_us = 60e9 / c->mbpm;
	const double off = ((double)pulse - (double)c->beat * BEAT_CLOCKS) * beat_us / BEAT_CLOCKS;
	const double at = (double)c->at_us + off;

	return at > 0 ? (uint64_t)at : 0;
}

/* As the server's own start (osc/beatout.c): "Song Position Pointer: the number of MIDI beats (1 beat = six MIDI
 * clocks)". */
static void begin(struct clockout *c, uint64_t at_us)
{
	const uint64_t n = c->beat * POSITION_PER_BEAT > POSITION_MAX ? POSITION_MAX : c->beat * POSITION_PER_BEAT;
	const uint8_t position[] = {MIDI_POSITION, n & 0x7f, (uint8_t)(n >> 7)},
		      go[] = {c->beat ? MIDI_CONTINUE : MIDI_START};

	if (c->beat)
		play(c, position, sizeof(position), at_us);
	play(c, go, sizeof(go), at_us);
	c->pulse = c->beat * BEAT_CLOCKS;
	c->begun = true;
}

void clockout_beat(struct clockout *c, uint64_t at_us, int32_t bar, uint32_t in_bar, uint32_t mbpm, uint64_t now_us)
{
	if (mbpm < BEAT_MBPM_MIN || mbpm > BEAT_MBPM_MAX || in_bar >= BEAT_BAR_MAX || bar < 0)
		return;                   /* counting in: who follows a clock begins with the first bar */
	c->beat  = (uint64_t)bar * c->per_bar + in_bar;
	c->at_us = at_us;
	c->mbpm  = mbpm;
	c->running = true;
	/* another run, or bars of another length */
	if (c->begun &&
	    (c->pulse > (c->beat + 2) * BEAT_CLOCKS || c->pulse + (uint64_t)2 * BEAT_CLOCKS < c->beat * BEAT_CLOCKS))
		c->begun = false;
	if (!c->begun && !in_bar)
		begin(c, at_us > now_us ? at_us : now_us);
	clockout_turn(c, now_us);
}

void clockout_stop(struct clockout *c, uint64_t now_us)
{
	static const uint8_t stop[] = {MIDI_STOP};

	if (c->begun)
		play(c, stop, sizeof(stop), now_us);
	c->running = c->begun = false;
}

uint64_t clockout_due(const struct clockout *c)
{
	uint64_t at;

	if (!c->begun)
		return UINT64_MAX;
	at = time_of(c, c->pulse);
	return at > EARLY_US ? at - EARLY_US : 0;
}

void clockout_turn(struct clockout *c, uint64_t now_us)
{
	static const uint8_t clock[] = {MIDI_CLOCK};

	for (int i = 0; i < TURN_MAX && clockout_due(c) <= now_us; i++) {
		if (c->pulse >= (c->beat + PATIENCE_BEATS) * BEAT_CLOCKS) {
			clockout_stop(c, now_us);
			return;
		}
		play(c, clock, sizeof(clock), time_of(c, c->pulse++));
	}
}
