/*
 * oscsend_priv.h - what the files of the sender of gestures share.
 *
 *      oscsend            packets, snapshots, guard packets: what leaves, and when
 *      oscsend_keys       which keys are open, what receivers have of them
 *      oscsend_journal    what goes into a packet's journal; events and bundled state kept for the next ones
 */
#ifndef OSC_OSCSEND_PRIV_H
#define OSC_OSCSEND_PRIV_H

#include "oscsend.h"

enum {
	LATER      = 32,
	SENT_EVENTS = OSCSEND_MTU_MAX / OSC_LEN_MIN,
	SENT        = OSCSEND_RED_MAX + 1, /* packets whose events are kept: the one being made too */
	SAID        = 256,        /* packets of which it is remembered what state they told */
	SAID_KEYS   = 120,
};

struct sent_event {
	uint16_t at, len;
	uint32_t ts;
	int64_t  mark;
	uint64_t due;             /* time tag it waits for; 0: none */
	bool     state;           /* state of a known time */
};

/* Events of one of the last packets, and state of which it is known when it was set. */
struct sent {
	int64_t  seq;
	unsigned n;
	size_t   used;
	struct sent_event ev[SENT_EVENTS];
	uint8_t  bytes[OSCSEND_MTU_MAX];
};

/* What state one of the last packets told. */
struct said {
	int64_t  seq;
	bool     complete;        /* all keys that were open */
	uint16_t n, key[SAID_KEYS];
};

struct later {
	int64_t  seq;
	uint64_t ntp;
	size_t   len;             /* 0: free */
	uint8_t  bytes[OSCSEND_MTU_MAX];
};

struct receiver {
	bool     used, known;     /* known: its SSRC is */
	uint32_t ssrc;
	int64_t  has;             /* highest number it reported */
	int64_t  sure;            /* what was set before this it has */
	uint64_t heard_us;
};

struct snap {
	bool     wanted, on;
	bool     joining;         /* to be repeated until it is reported */
	int64_t  check, end;
	uint64_t next_us;
};

struct oscsend {
	struct oscsend_cfg cfg;
	struct osckeys *keys;
	struct osckeys_list told, open, wait, todo;
	size_t   open_bytes;      /* of the journal entries of all open keys */
	int64_t  first, seq;      /* of the first packet and of the next, extended */
	int64_t  acked;           /* CHECK */
	int64_t  mark;            /* messages sent */
	uint32_t ts;              /* of the last packet */
	uint64_t last_us;         /* when it was sent */
	uint64_t guard_us;        /* silence before the next guard packet */
	struct receiver rx[OSCSEND_RECEIVERS];
	struct snap snap;
	struct sent *sent;        /* by packet number */
	struct said *said;        /* by packet number */
	struct later *later;      /* NULL without tt_exec */
	struct oscsend_stats stats;
};

/* ---- oscsend_keys ---- */

size_t send_entry_size(const struct key *key);
/* Its value has arrived everywhere. */
void send_key_told(struct oscsend *s, struct key *key);
/* Packet `seq` has told this state. */
void send_state(struct oscsend *s, const struct osc_msg *msg, int64_t seq);
/* The packet being made tells of that key. */
void send_say_key(struct oscsend *s, const struct key *key);
void send_lists_init(struct oscsend *s);
void send_key_drop(struct oscsend *s, struct key *key);
/* What do all have? After a report, a packet, the end of a receiver. */
void send_find_acked(struct oscsend *s);
void send_drop_silent(struct oscsend *s, uint64_t now_us);

/* ---- oscsend_journal ---- */

/* Writes the journal of the packet being made from *p to `end` at most. false: it is partial. */
bool send_journal(struct oscsend *s, uint8_t **p, const uint8_t *end, uint32_t ts, uint64_t now_ntp);
/* How far back packet `seq` lies from the one being made, as entries say it. */
uint16_t send_back_of(const struct oscsend *s, int64_t seq);
/* The packet being made has this item: what it says is remembered. */
void send_item(struct oscsend *s, const struct oscsend_item *item, const struct oscsend_time *now);
/* Bundles whose time has come. */
void send_apply_later(struct oscsend *s, uint64_t now_ntp);
bool send_waits(const struct oscsend *s);         /* is there something in `later` that a receiver may have lost? */

#endif
