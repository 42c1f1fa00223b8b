/*
 * delay.h - how long a sound takes from one member's mouth to another's ear, and what that is made of.
 *
 *     mouth  capture  frame  ~up~  buffer |mix| send  ~down~  own-buffer  playback  ear
 *            \________ of who is heard ___/     \______ of who hears ________________/
 *
 * Nothing in it belongs to a pair: what is before the mix is the same for all who hear a member, what is behind it the same for
 * all whom it hears. So the table of a room is one row a member, and a pair is the sum of two halves.
 *
 * A part that is not known counts for nothing and says so: the sum is "at least". The ways are half of a round trip each, which
 * is the truth where the network is as slow one way as the other; nobody can measure more without a common clock.
 */
#ifndef CONTROL_DELAY_H
#define CONTROL_DELAY_H

#include "command.h"
#include "mixer/mixer.h"

enum delay_part {
	DELAY_CAPTURE,            /* from the air until a packet leaves, as that end says, less: */
	DELAY_FRAME,              /* the length of a packet, and what its encoder looks ahead */
	DELAY_UP,                 /* on the way to us */
	DELAY_BUFFER,             /* until it is mixed */
	DELAY_SEND,               /* until a packet leaves, and what its codec delays */
	DELAY_DOWN,
	DELAY_OWN_BUFFER,         /* of that end: from a packet's coming until it is handed on to be played, as it says */
	DELAY_PLAYBACK,           /* from there to the air, as it says */
	DELAY_PARTS,
	DELAY_HEARD = DELAY_SEND, /* the first part of who hears */
};

struct delay {
	uint32_t us[DELAY_PARTS]; /* 0 where it is not known */
	uint8_t  known;           /* 1 << part */
};

/* What an end says of itself by VERB_LATENCY. */
struct delay_end {
	bool     told;
	uint32_t capture_us;      /* from the air until the packet with that sample leaves: card, frame and encoder */
	uint32_t buffer_us;       /* from a packet's coming until its first sample is handed to the card */
	uint32_t playback_us;     /* from there to the air */
	uint32_t rtt_us;          /* to us and back; 0: not told */
	uint64_t rtt_ms;          /* when it told that, by tmr_jiffies: it counts for DELAY_RTT_MS */
};

enum { DELAY_RTT_MS = 60000, DELAY_SAID_MAX_US = 2000000 };      /* more than two seconds are refused */

/* One member, from what its leg has measured and what it said. now_ms: as rtt_ms. Pure. */
void delay_of(struct delay *d, const struct leg_stats *s, const struct delay_end *end, uint64_t now_ms);

uint32_t delay_to_mix(const struct delay *d);             /* us, of the known parts of each half */
uint32_t delay_from_mix(const struct delay *d);
bool delay_to_mix_whole(const struct delay *d);           /* all of them are known */
bool delay_from_mix_whole(const struct delay *d);
/* From a's mouth to b's ear; *whole (may be NULL): nothing of it is unknown. */
uint32_t delay_between(const struct delay *a, const struct delay *b, bool *whole);
const char *delay_part_name(enum delay_part part);        /* "own_buffer" */

/* --- a room's table, as a value --- */

/* Up to so many members of a room of music are watched: once a second the table is made, changes are told as an event
 * (EVENT_DELAYS; jumps sooner), and pairs over the room's bound (EVENT_DELAY). */
enum { DELAY_WATCHED = 64 };

struct snapshot_delay {
	uint32_t id;
	char name[128], uri[256];
	struct delay d;
	/* Of watched rooms: */
	bool new_to, new_from;    /* half of it is otherwise than when EVENT_DELAYS was told before */
	uint64_t warned;          /* bit k: from it to member[k] it is over the bound, and that has been told */
};

struct snapshot_delays {
	char room[64];
	uint64_t at_ms;           /* unix time */
	uint32_t bound_us;        /* over which a pair is warned of; 0: never */
	bool watched;
	size_t n;                 /* members in the mix that have sound, in order of joining */
	struct snapshot_delay member[];
};

struct control;
/* Freed with mem_deref. ENOENT: no such room. */
int snapshot_delays(struct snapshot_delays **dp, struct control *c, const char *room);
/* One member now. ENOENT: no such member, or it has no sound. */
int control_delay(const struct control *c, uint32_t member, struct delay *d);

/* All watched rooms in figures without names. */
struct delay_figures {
	uint32_t rooms, pairs, warned;
	uint32_t median_us, max_us;       /* of the pairs, to a millisecond; 0: there are none */
};
void control_delay_figures(const struct control *c, struct delay_figures *f);

#endif
