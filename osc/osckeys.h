/*
 * osckeys.h - what state is: the last message of each address, within bounds.
 *
 * A table of OSC messages by address, with all its memory taken when it is made (which the system backs with pages
 * only as they are touched). Nothing else allocates, so every other function may run on a media or forward thread;
 * one thread at a time. A key whose last message was nil is deleted but still known, with the number of the packet
 * that said so.
 *
 * The order in which keys matter is the owner's business: it strings them in lists of its own, of which each key can
 * be in four. Pointers to keys stay valid until osckeys_drop_rt; message bytes only until the next osckeys_set_rt.
 */
#ifndef OSC_OSCKEYS_H
#define OSC_OSCKEYS_H

#include "osc.h"

enum {
	OSCKEYS_SOURCE_MAX   = 4096,         /* of one source, */
	OSCKEYS_SOURCE_BYTES = 256 * 1024,   /* and its messages together; */
	OSCKEYS_MAX          = 65534,        /* of a table: a merged stream has the keys of many sources */
	OSCKEYS_BYTES_MAX    = 16 * 1024 * 1024,
	OSCKEYS_LISTS = 4,
	OSCKEYS_NONE  = 0xffff,
};

struct key {
	uint32_t hash;
	uint16_t next_hash;       /* of the same bucket, or of the free ones */
	uint16_t addr_len;
	uint32_t at, len;         /* its message in the table's bytes */
	uint8_t  listed;          /* a bit for each list it is in */
	bool     used;
	bool     live;            /* false: its last message was nil */
	bool     held;            /* a note whose value is over 0, or any other key that is live */
	struct { uint16_t prev, next; } link[OSCKEYS_LISTS];
	/* the owner's */
	int64_t  last;            /* number of the packet that set it */
	int64_t  mark;            /* receiver: the snapshot that named it; sender: its message's place among all sent */
	uint32_t run;             /* receiver: the packet that set it; sender: a bit for each receiver that has it */
};

struct osckeys_list {
	uint16_t head, tail, n;
	uint8_t  id;              /* which of the links */
};

struct osckeys {
	unsigned n, n_max;        /* keys, deleted ones counted */
	unsigned slots;           /* places in `key` that have ever been used */
	size_t   bytes, bytes_max;    /* of all messages */
	/* private */
	struct key *key;
	uint16_t   *bucket;
	uint32_t    mask;
	uint16_t    free;
	uint64_t    seed;
	uint8_t    *heap;
	size_t      heap_len, heap_size;
};

/* `seed`: secret, so that no peer can choose addresses that fall into one bucket. EINVAL: bounds over OSCKEYS_MAX,
 * OSCKEYS_BYTES_MAX. */
int  osckeys_alloc(struct osckeys **kp, unsigned n_max, size_t bytes_max, uint64_t seed);

struct key *osckeys_find_rt(const struct osckeys *k, const char *addr, size_t len);
/* Sets, or makes, the key of a message, which is not one of the table's own. ENOSPC: the table is full; then an older
 * message of that key, if there is one, stays. */
int  osckeys_set_rt(struct key **key, struct osckeys *k, const struct osc_msg *msg);
/* Forgets it. It must be in no list. */
void osckeys_drop_rt(struct osckeys *k, struct key *key);
/* Forgets all; lists of them are the caller's to empty. */
void osckeys_clear_rt(struct osckeys *k);
void osckeys_msg_rt(struct osc_msg *msg, const struct osckeys *k, const struct key *key);
/* All live keys, in no order: slots from 0 on, of which some are empty. */
static inline unsigned osckeys_slots(const struct osckeys *k) { return k->slots; }
bool osckeys_slot_rt(struct osc_msg *msg, const struct osckeys *k, unsigned i);
const uint8_t *osckeys_raw_rt(const struct osckeys *k, const struct key *key);              /* key->len octets */

void osckeys_list_init(struct osckeys_list *l, uint8_t id);
bool osckeys_in(const struct osckeys_list *l, const struct key *key);
/* Behind all others; behind that one, NULL: before all others. Nothing if it is in already. */
void osckeys_push_rt(struct osckeys *k, struct osckeys_list *l, struct key *key);
void osckeys_push_after_rt(struct osckeys *k, struct osckeys_list *l, struct key *key, struct key *after);
void osckeys_take_rt(struct osckeys *k, struct osckeys_list *l, struct key *key);  /* nothing if it is not in */
struct key *osckeys_head(const struct osckeys *k, const struct osckeys_list *l);
struct key *osckeys_tail(const struct osckeys *k, const struct osckeys_list *l);
struct key *osckeys_next(const struct osckeys *k, const struct osckeys_list *l, const struct key *key);
struct key *osckeys_prev(const struct osckeys *k, const struct osckeys_list *l, const struct key *key);

#endif
