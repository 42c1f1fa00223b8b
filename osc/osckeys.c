/*
 * osckeys.c - the last message of each address.
 *
 *      bucket[hash] > key > key ..         chains of numbers, twice as many buckets as keys
 *      heap   |size,key| message |size,key| message ..        messages in blocks, one behind the other
 *
 * A message that is not longer than the one before takes its place; a longer one goes to the end of the heap, and
 * what it leaves is a hole. When the end is reached the blocks still in use are moved down over the holes. The heap
 * is a quarter longer than all messages may be together, so that this moves at most four octets for each one written,
 * however the peer writes.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "osckeys.h"
#include "kind.h"

struct block {
	uint32_t size;            /* of the message, and of the room it has */
	uint32_t key;
};

/* ---- hash ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
	const unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint32_t hash_of(const struct osckeys *k, const char *addr, size_t len)
{
	uint64_t h = k->seed ^ len, word;

	for (; len >= 8; addr += 8, len -= 8) {
		memcpy(&word, addr, 8);
		h = fold(h ^ word, k->seed | 1);
	}
	word = 0;
	memcpy(&word, addr, len);
	h = fold(h ^ word, k->seed | 1);

	return (uint32_t)(h ^ h >> 32);
}

/* ---- lists ---- */

void osckeys_list_init(struct osckeys_list *l, uint8_t id)
{
	*l = (struct osckeys_list){OSCKEYS_NONE, OSCKEYS_NONE, 0, id};
}

static uint16_t number_of(const struct osckeys *k, const struct key *key)
{
	return (uint16_t)(key - k->key);
}

static struct key *at(const struct osckeys *k, uint16_t i)
{
	return i == OSCKEYS_NONE ? NULL : &k->key[i];
}

bool osckeys_in(const struct osckeys_list *l, const struct key *key)
{
	return key->listed >> l->id & 1;
}

struct key *osckeys_head(const struct osckeys *k, const struct osckeys_list *l)
{
	return at(k, l->head);
}

struct key *osckeys_tail(const struct osckeys *k, const struct osckeys_list *l)
{
	return at(k, l->tail);
}

struct key *osckeys_next(const struct osckeys *k, const struct osckeys_list *l, const struct key *key)
{
	return at(k, key->link[l->id].next);
}

struct key *osckeys_prev(const struct osckeys *k, const struct osckeys_list *l, const struct key *key)
{
	return at(k, key->link[l->id].prev);
}

/* `first` and `second` are neighbours from now on; NULL: the end of the list on that side. */
static void join(struct osckeys *k, struct osckeys_list *l, struct key *first, struct key *second)
{
	const uint16_t one = first ? number_of(k, first) : OSCKEYS_NONE;
	const uint16_t two = second ? number_of(k, second) : OSCKEYS_NONE;

	if (first)
		first->link[l->id].next = two;
	else
		l->head = two;
	if (second)
		second->link[l->id].prev = one;
	else
		l->tail = one;
}

void osckeys_push_after_rt(struct osckeys *k, struct osckeys_list *l, struct key *key, struct key *after)
{
	struct key *before = after ? osckeys_next(k, l, after) : osckeys_head(k, l);

	if (osckeys_in(l, key))
		return;

	join(k, l, after, key);
	join(k, l, key, before);
	key->listed |= (uint8_t)(1u << l->id);
	l->n++;
}

void osckeys_push_rt(struct osckeys *k, struct osckeys_list *l, struct key *key)
{
	osckeys_push_after_rt(k, l, key, osckeys_tail(k, l));
}

void osckeys_take_rt(struct osckeys *k, struct osckeys_list *l, struct key *key)
{
	if (!osckeys_in(l, key))
		return;

	join(k, l, osckeys_prev(k, l, key), osckeys_next(k, l, key));
	key->listed &= (uint8_t)~(1u << l->id);
	l->n--;
}

/* ---- the table ---- */

static void osckeys_destroy(void *arg)
{
	struct osckeys *k = arg;

	mem_deref(k->key);
	mem_deref(k->bucket);
	mem_deref(k->heap);
}

static void all_free(struct osckeys *k)
{
	for (uint32_t i = 0; i <= k->mask; i++)
		k->bucket[i] = OSCKEYS_NONE;
	k->free  = OSCKEYS_NONE;
	k->slots = 0;                     /* what lies beyond was never looked at, and needs no page */
}

void osckeys_clear_rt(struct osckeys *k)
{
	all_free(k);
	k->n = 0;
	k->bytes = k->heap_len = 0;
}

int osckeys_alloc(struct osckeys **kp, unsigned n_max, size_t bytes_max, uint64_t seed)
{
	struct osckeys *k;
	uint32_t buckets = 16;

	if (!kp || !n_max || n_max > OSCKEYS_MAX || !bytes_max || bytes_max > OSCKEYS_BYTES_MAX)
		return EINVAL;

	k = mem_zalloc(sizeof(*k), osckeys_destroy);
	if (!k)
		return ENOMEM;
	while (buckets < 2 * n_max)
		buckets *= 2;
	k->n_max     = n_max;
	k->bytes_max = bytes_max;
	k->seed      = seed;
	k->mask      = buckets - 1;
	k->heap_size = bytes_max + bytes_max / 4 + (n_max + 1) * sizeof(struct block) + OSC_ADDR_MAX;
	k->key    = mem_alloc(n_max * sizeof(*k->key), NULL);
	k->bucket = mem_alloc(buckets * sizeof(*k->bucket), NULL);
	k->heap   = mem_alloc(k->heap_size, NULL);
	if (!k->key || !k->bucket || !k->heap) {
		mem_deref(k);
		return ENOMEM;
	}
	all_free(k);

	*kp = k;
	return 0;
}

static bool is_key(const struct osckeys *k, const struct key *key, uint32_t hash, const char *addr, size_t len)
{
	return key->hash == hash && key->addr_len == len && !memcmp(k->heap + key->at, addr, len);
}

struct key *osckeys_find_rt(const struct osckeys *k, const char *addr, size_t len)
{
	const uint32_t hash = hash_of(k, addr, len);
	uint16_t i = k->bucket[hash & k->mask];

	while (i != OSCKEYS_NONE && !is_key(k, &k->key[i], hash, addr, len))
		i = k->key[i].next_hash;

	return at(k, i);
}

static void close_holes(struct osckeys *k)
{
	size_t to = 0;

	for (size_t from = 0; from < k->heap_len;) {
		struct block b;
		struct key *key;
		size_t next;

		memcpy(&b, k->heap + from, sizeof(b));
		next = from + sizeof(b) + b.size;
		key  = &k->key[b.key];
		if (key->used && key->at == from + sizeof(b)) {
			memmove(k->heap + to + sizeof(b), k->heap + key->at, key->len);
			key->at = (uint32_t)(to + sizeof(b));
			b.size = key->len;
			memcpy(k->heap + to, &b, sizeof(b));
			to += sizeof(b) + b.size;
		}
		from = next;
	}
	k->heap_len = to;
}

/* A message's octets into the heap, behind all others. */
static void store(struct osckeys *k, struct key *key, const struct osc_msg *msg)
{
	const struct block b = {(uint32_t)msg->len, number_of(k, key)};

	if (k->heap_size - k->heap_len < sizeof(b) + msg->len) {
		key->len = 0;             /* what it had is a hole too */
		key->at  = 0;
		close_holes(k);
	}
	memcpy(k->heap + k->heap_len, &b, sizeof(b));
	key->at = (uint32_t)(k->heap_len + sizeof(b));
	memcpy(k->heap + key->at, msg->raw, msg->len);
	k->heap_len += sizeof(b) + msg->len;
}

static struct key *make(struct osckeys *k, const struct osc_msg *msg)
{
	const bool again = k->free != OSCKEYS_NONE;
	struct key *key;

	if (!again && k->slots == k->n_max)
		return NULL;
	key = &k->key[again ? k->free : k->slots++];
	if (again)
		k->free = key->next_hash;

	memset(key, 0, sizeof(*key));
	key->used      = true;
	key->hash      = hash_of(k, msg->addr, msg->addr_len);
	key->addr_len  = (uint16_t)msg->addr_len;
	key->next_hash = k->bucket[key->hash & k->mask];
	k->bucket[key->hash & k->mask] = number_of(k, key);
	k->n++;
	return key;
}

static size_t room_of(const struct osckeys *k, const struct key *key)
{
	struct block b;

	if (!key->len)
		return 0;
	memcpy(&b, k->heap + key->at - sizeof(b), sizeof(b));
	return b.size;
}

int osckeys_set_rt(struct key **keyp, struct osckeys *k, const struct osc_msg *msg)
{
	struct key *key = osckeys_find_rt(k, msg->addr, msg->addr_len);

	if (k->bytes - (key ? key->len : 0) + msg->len > k->bytes_max)
		return ENOSPC;
	if (!key)
		key = make(k, msg);
	if (!key)
		return ENOSPC;

	k->bytes = k->bytes - key->len + msg->len;
	if (msg->len <= room_of(k, key))
		memmove(k->heap + key->at, msg->raw, msg->len);
	else
		store(k, key, msg);
	key->len  = (uint32_t)msg->len;
	key->live = !osc_is_nil(msg);
	key->held = key->live && (!kind_is_note(msg->addr, msg->addr_len) || kind_is_held(msg));

	*keyp = key;
	return 0;
}

void osckeys_drop_rt(struct osckeys *k, struct key *key)
{
	const uint16_t i = number_of(k, key);
	uint16_t *p = &k->bucket[key->hash & k->mask];

	while (*p != i)
		p = &k->key[*p].next_hash;
	*p = key->next_hash;

	k->bytes -= key->len;
	key->used = false;
	key->next_hash = k->free;
	k->free = i;
	k->n--;
}

void osckeys_msg_rt(struct osc_msg *msg, const struct osckeys *k, const struct key *key)
{
	if (osc_msg_read(msg, k->heap + key->at, key->len))
		memset(msg, 0, sizeof(*msg));     /* cannot be: it was a message when it was stored */
}

bool osckeys_slot_rt(struct osc_msg *msg, const struct osckeys *k, unsigned i)
{
	if (!k->key[i].used || !k->key[i].live)
		return false;
	osckeys_msg_rt(msg, k, &k->key[i]);
	return true;
}

const uint8_t *osckeys_raw_rt(const struct osckeys *k, const struct key *key)
{
	return k->heap + key->at;
}
