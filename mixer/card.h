/*
 * card.h - an engine that a sound card turns: the other end of a line, a client's mixer.
 *
 *     card's callback > card_turn_rt > sockets, buffers, decode > what the card plays
 *                                    > what the card took, encode > sockets
 *
 * The client is a conference of two: the leg that calls the room, and the card. So it has all that a leg has (latch, SRTP,
 * jitter buffer, drift resampled away, redundancy, reports), and no second engine. The engine is one without a thread (mixer_conf.n_threads 0); the
 * card's thread is its media thread: what it runs ends in _rt. Its time is the card's: samples played since it began, so
 * that the card's clock is exactly 48 kHz to it, and all else drifts.
 *
 * A bus has one card at most. Periods and quanta of other lengths meet in two queues, which hold no more than they must.
 */
#ifndef MIXER_CARD_H
#define MIXER_CARD_H

#include "mixer.h"

struct card;

enum { CARD_CH = 2, CARD_PERIOD_MAX = 4096 };     /* interleaved; frames */

struct card_conf {
	uint32_t period_smp;      /* what card_turn_rt is called with, as a rule; another is taken too */
};

/* Control thread. b is of an engine without threads, and must outlive the card. EINVAL, ENOMEM. */
int  card_alloc(struct card **cp, struct bus *b, const struct card_conf *conf);

/* The card's thread, or a test: one period. in: what it took, NULL: silence; out: what it is to play; both n frames of
 * CARD_CH. now_us: CLOCK_MONOTONIC, or a test's clock; it is looked at only to see that periods were left out (an xrun),
 * which are dropped and counted. */
void card_turn_rt(struct card *c, const float *in, float *out, uint32_t n, uint64_t now_us);

/* Any thread; a change is a ramp. */
void card_set_mute(struct card *c, bool on);              /* nobody hears what it takes */
void card_set_gain(struct card *c, float in, float out);  /* linear */
void card_set_self(struct card *c, float gain);           /* how loud one hears oneself, at once; 0: not at all */

struct card_stats {
	uint64_t periods, xruns, dropped_smp;
	uint32_t wait_in_smp, wait_out_smp;       /* in the two queues */
	uint8_t  level_in_dbov, level_out_dbov;   /* of the loudest since the last time it was asked; 127: silence */
	uint32_t busy_us, busy_max_us;            /* of a period's time that the turn took: mean, and longest since it was asked */
};
void card_stats(struct card *c, struct card_stats *s);

/* The moment, by CLOCK_MONOTONIC, at which the sample of the engine's count (mixer_smp) is handed to the card or was; any thread. */
uint64_t card_smp_us(const struct card *c, uint64_t smp);

#endif
