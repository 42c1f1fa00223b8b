/*
 * jitter_priv.h - what the four files of the jitter buffer share: its state, and arithmetic on it.
 *
 *     jitter.c      what it is (read that first), making it, the slots
 *     jitter_put.c  packets in: follow the stream, measure it, store
 *     jitter_get.c  sound out: a packet, or what stands for one
 *     jitter_late.c a packet is too late, or the reader was
 */
#ifndef MIXER_JITTER_PRIV_H
#define MIXER_JITTER_PRIV_H

#include "arrival.h"
#include "jitter.h"
#include "need.h"
#include "odds.h"

enum {
	JITTER_DROPOUT      = 3000,       /* RFC 3550 A.1, MAX_DROPOUT */
	JITTER_MISORDER     = 100,        /* and MAX_MISORDER */
	JITTER_FRAME_MAX_MS = 120,
	JITTER_FIT_FRAMES   = 3,          /* a buffer that finds its target holds no more */
};

enum kind { EMPTY = 0, PACKET, SKIPPED };

struct slot {
	enum kind kind;
	uint8_t   pt;
	bool      marker;
	uint16_t  seq;
	size_t    len;
	int64_t   ts;             /* unwrapped */
	uint64_t  came_us;
	uint8_t  *payload;
};

/* The stream as it arrives. */
struct arriving {
	bool     any;
	uint32_t ssrc;
	uint16_t newest;          /* highest sequence number seen */
	uint32_t ts;              /* of the newest packet; and the same unwrapped: */
	int64_t  ts64;
	uint64_t origin_us;
	int64_t  transit_us;
	uint16_t bad_seq;         /* would confirm a jump */
	bool     bad_any;
	uint32_t step;            /* last difference of timestamps between neighbours */
	unsigned late_run;
	int64_t  late_us;         /* what the last of them needed; */
	unsigned alike;           /* and how many before it as much */
	unsigned late_score;      /* up with each late one, down with those in time */
	bool     again;           /* this one came inside a later packet */
	bool     due_any;         /* odds know what was sent up to: */
	uint16_t due_seq;
};

/* How much later than the fastest packet those came that were taken from later ones: over this period and the last. */
struct rescued {
	uint64_t since_us;
	uint32_t cur_us, prev_us;
};

/* The stream as it is given out. */
struct playing {
	bool     begun;           /* next_seq and next_ts mean something */
	bool     idle;            /* nothing came for long: fill up anew before playing */
	bool     paused;          /* the last thing heard of the sender was no sound */
	bool     late;            /* a packet came too late since we last looked at growing; */
	bool     untimely;          /* by our timing, not by the net's */
	bool     silent;          /* the last answer filled a pause */
	bool     quiet, may_learn;
	uint16_t next_seq;
	int64_t  next_ts;
	int64_t  frame_ts;        /* of the packet last given out */
	uint64_t history;         /* bit i: next_seq - 1 - i has been here */
	uint32_t concealed;       /* ticks given out as LOST or WAIT for what may still come */
	uint32_t asked;           /* of the last LOST that offered `next`; 0: the last answer was another */
	uint32_t owed;            /* ticks that the reader dropped and no packet was passed over for yet */
	uint32_t credit;          /* ticks of the packet last declared lost not yet concealed */
	uint64_t shrunk_us, grown_us, rest_us;
	int64_t  delay_us;        /* of the packet last given out: how long after its timestamp it is played */
	bool     settling;        /* another target was chosen: gone to at once */
};

struct jitter {
	struct jitter_conf conf;
	struct slot *slot;
	uint8_t *mem;                     /* payloads, one behind the other as they came; then from the beginning */
	size_t room, end;                 /* its size; where the last one ends */
	uint16_t mask;
	uint16_t held, head, newest;      /* head and newest hold only while held > 0 */
	uint32_t frame;                   /* ticks in a packet, as far as known; 0: not yet */
	struct arriving in;
	struct playing out;
	struct rescued rescued;
	struct jitter_stats stats;
	struct arrival arrival;
	int8_t hold;                      /* frames; -1: as configured; */
	uint32_t tick;                    /* to a reader who takes so much at a time, in ticks of the clock; 0: not known; */
	uint32_t ahead;                   /* and has so much before what it asks for */
	struct need need;                 /* fixed: how long before their time packets have to be here; */
	struct odds odds;                 /* how much longer before it they should be */
	int steps;                        /* that it says: quarters of a frame; -1: it is not known yet */
};

/* From the begin of the oldest packet held to the end of the youngest. */
int64_t jitter_span_ticks(const struct jitter *j);
int64_t jitter_target_us(const struct jitter *j);
int64_t jitter_floor_us(const struct jitter *j);  /* the least it may be */

/* How many places from..to-1 hold neither a packet nor one used elsewhere. */
unsigned jitter_missing(const struct jitter *j, uint16_t from, uint16_t to);
bool jitter_too_late(const struct jitter *j, uint16_t seq, int64_t ts64);
/* One that was: is it our timing that was wrong, and not the net's? */
bool jitter_untimely_rt(struct jitter *j, int64_t ts64, uint64_t now_us);
unsigned jitter_late_max(const struct jitter *j); /* so many late ones and none in time: begin anew */
void jitter_remove_rt(struct jitter *j);          /* takes the head out */
/* What is due moves on to `seq`; of the places passed, `here` tells whether the last one had a packet. */
void jitter_advance_rt(struct jitter *j, uint16_t seq, bool here);
void jitter_pass_rt(struct jitter *j);            /* the head will not be played: what is due begins behind it */
void jitter_bound_rt(struct jitter *j);           /* the bound that nothing moves: of too much sound the oldest goes */

static inline int64_t us_of(const struct jitter *j, int64_t ticks)
{
	return ticks * 1000000 / (int64_t)j->conf.clock;
}

static inline int64_t ticks_of_ms(const struct jitter *j, uint32_t ms)
{
	return (int64_t)ms * j->conf.clock / 1000;
}

static inline struct slot *at(const struct jitter *j, uint16_t seq)
{
	return &j->slot[seq & j->mask];
}

static inline bool is_kind(const struct jitter *j, uint16_t seq, enum kind kind)
{
	return at(j, seq)->kind == kind && at(j, seq)->seq == seq;
}

static inline int64_t frame_or(const struct jitter *j, uint32_t n_ts)
{
	return j->frame ? j->frame : n_ts;
}

/* The one rule. A packet that comes now is played when its first sample is due: the less time is left until then, the greater
 * is what it needs. It is too late when that is more than the delay there is. */
static inline int64_t need_us(const struct jitter *j, int64_t ts, uint64_t now_us)
{
	return (int64_t)(now_us - j->in.origin_us) - us_of(j, ts) + need_ahead_us(&j->need, ts);
}

/* What packets need that the network did not delay. */
static inline int64_t least_us(const struct jitter *j)
{
	return j->conf.fixed && need_known(&j->need) ? j->need.most_us : j->arrival.base_us;
}

/* The delay of the sound of `ts` if it were given out now, over what it needs. */
static inline int64_t due_us(const struct jitter *j, int64_t ts, uint64_t now_us)
{
	const int64_t ahead = j->conf.fixed && j->out.begun && !j->out.idle ? us_of(j, j->ahead) : 0;

	return (int64_t)(now_us - j->in.origin_us) - us_of(j, ts) + ahead - least_us(j);
}

/* By how much an answer that is no packet makes the delay longer. */
static inline int64_t jitter_step_us(const struct jitter *j)
{
	const int64_t us = us_of(j, j->tick && j->tick < j->frame ? j->tick : j->frame);

	return us ? us : 1;
}

#endif
