/*
 * card.h - an engine that a sound card turns: the other end of a line, a client's mixer.
 *
 *     card's callback > card_turn_rt > sockets, buffers, decode > what the card plays
 *                                    > what the card took, encode > sockets
 *
 * The client is a conference of two: the leg that calls the room, and the card. So it has all that a leg has (latch,
 * SRTP, jitter buffer, drift resampled away, redundancy, reports), and no second engine. The engine is one without a
 * thread (mixer_conf.n_threads 0); the card's thread is its media thread: what it runs ends in _rt. Its time is the
 * card's: samples played since it began, so that the card's clock is exactly 48 kHz to it, and all else drifts.
 *
 * A bus has one card at most. It is stereo, and its tick is the card's period, whatever bus_conf says: nothing waits
 * between the two.
 */
#ifndef MIXER_CARD_H
#define MIXER_CARD_H

#include "mixer.h"

struct card;

enum { CARD_CH = 2, CARD_PERIOD_MAX = 4096 };     /* interleaved; frames */
#define CARD_GAIN_MAX 16.0f

struct card_conf {
	uint32_t period_smp;      /* what card_turn_rt is called with, as a rule; another is taken too */
	bool simulated;           /* now_us is a test's clock: packets have come when they are looked at */
};

/* Control thread. b is of an engine without threads, which nobody turns while the card is made or freed, and nobody else
 * meanwhile; b must outlive it. EINVAL: it has threads, or too long a period; EALREADY: b has a card; ENOMEM. */
int  card_alloc(struct card **cp, struct bus *b, const struct card_conf *conf);

/* The card's thread, or a test: one period. in: what it took, NULL: silence; out: what it is to play; both n frames of
 * CARD_CH. now_us: CLOCK_MONOTONIC at its begin, or a test's clock; it is looked at only to see that periods were left out
 * (an xrun), which are dropped and counted. One that is late once, or made up for by others that come sooner, was not. */
void card_turn_rt(struct card *c, const float *in, float *out, uint32_t n, uint64_t now_us);

/* Any thread; a change is a ramp. Gains are linear, 0 to CARD_GAIN_MAX. */
void card_set_mute(struct card *c, bool on);              /* nobody hears what it takes; oneself does, as `self` says */
void card_set_gain(struct card *c, float in, float out);  /* 1, 1 at first */
void card_set_self(struct card *c, float gain);           /* how loud one hears oneself, at once; 0, as at first: not at all */

struct card_stats {
	uint64_t periods, xruns, dropped_smp;
	uint8_t  level_in_dbov, level_out_dbov;   /* of the loudest period since the last time it was asked; 127: silence */
	uint32_t busy_us, busy_max_us;            /* of a period's time that the turn took: mean, and longest since it was asked */
};
void card_stats(struct card *c, struct card_stats *s);    /* level_in: after the gain, also while muted */

/* The moment, by CLOCK_MONOTONIC, at which the sample of the engine's count (mixer_smp) is handed to the card or was; any
 * thread. */
uint64_t card_smp_us(const struct card *c, uint64_t smp);

#endif
