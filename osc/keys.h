/*
 * keys.h - what state is: the last message of each address, within bounds.
 *
 * A table of OSC messages by address, with all its memory taken when it is made (which the system backs with pages
 * only as they are touched). Nothing else allocates, so every other function may run on a media or forward thread;
 * one thread at a time. A key whose last message was nil is deleted but still known, with the number of the packet
 * that said so.
 *
 * The order in which keys matter is the owner's business: it strings them in lists of its own, of which each key can
 * be in four. Pointers to keys stay valid until keys_drop_rt; message bytes only until the next keys_set_rt.
 */
#ifndef OSC_KEYS_H
#define OSC_KEYS_H

#include "osc.h"

enum {
	KEYS_SOURCE_MAX   = 4096,         /* of one source, */
	KEYS_SOURCE_BYTES = 256 * 1024,   /* and its messages together; */
	KEYS_MAX          = 65534,        /* of a table: a merged stream has the keys of many sources */
	KEYS_BYTES_MAX    = 16 * 1024 * 1024,
	KEYS_LISTS = 4,
	KEYS_NONE  = 0xffff,
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
	struct { uint16_t prev, next; } link[KEYS_LISTS];
	/* the owner's */
	int64_t  last;            /* number of the packet that set it */
	int64_t  mark;            /* receiver: the snapshot that named it; sender: its message's place among all sent */
	uint32_t run;             /* receiver: the packet that set it; sender: a bit for each receiver that has it */
};

struct keys_list {
	uint16_t head, tail, n;
	uint8_t  id;              /* which of the links */
};

struct keys {
	unsigned n, n_max;        /* keys, deleted ones counted */
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

/* `seed`: secret, so that no peer can choose addresses that fall into one bucket. EINVAL: bounds over KEYS_MAX,
 * KEYS_BYTES_MAX. */
int  keys_alloc(struct keys **kp, unsigned n_max, size_t bytes_max, uint64_t seed);

struct key *keys_find_rt(const struct keys *k, const char *addr, size_t len);
/* Sets, or makes, the key of a message, which is not one of the table's own. ENOSPC: the table is full; then an older
 * message of that key, if there is one, stays. */
int  keys_set_rt(struct key **key, struct keys *k, const struct osc_msg *msg);
/* Forgets it. It must be in no list. */
void keys_drop_rt(struct keys *k, struct key *key);
void keys_msg_rt(struct osc_msg *msg, const struct keys *k, const struct key *key);
const uint8_t *keys_raw_rt(const struct keys *k, const struct key *key);              /* key->len octets */

void keys_list_init(struct keys_list *l, uint8_t id);
bool keys_in(const struct keys_list *l, const struct key *key);
/* Behind all others; behind that one, NULL: before all others. Nothing if it is in already. */
void keys_push_rt(struct keys *k, struct keys_list *l, struct key *key);
void keys_push_after_rt(struct keys *k, struct keys_list *l, struct key *key, struct key *after);
void keys_take_rt(struct keys *k, struct keys_list *l, struct key *key);              /* nothing if it is not in */
struct key *keys_head(const struct keys *k, const struct keys_list *l);
struct key *keys_tail(const struct keys *k, const struct keys_list *l);
struct key *keys_next(const struct keys *k, const struct keys_list *l, const struct key *key);
struct key *keys_prev(const struct keys *k, const struct keys_list *l, const struct key *key);

#endif
