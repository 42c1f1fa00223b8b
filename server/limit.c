/*
 * limit.c - one token bucket per source address, 4 ways by 1024 sets.
 */
#include <string.h>
#include "limit.h"

enum { SETS = 1024, WAYS = 4 };

struct bucket {
	uint8_t  key[16];
	uint64_t then_ms;
	uint32_t milli;           /* tokens, in thousandths */
};

struct limit {
	uint32_t rate, burst, seed;
	struct bucket set[SETS][WAYS];
};

int limit_alloc(struct limit **lp, uint32_t per_second, uint32_t burst)
{
	struct limit *l = mem_zalloc(sizeof(*l), NULL);

	if (!l)
		return ENOMEM;
	l->rate  = per_second;
	l->burst = burst ? burst : per_second;
	l->seed  = rand_u32();
	*lp = l;
	return 0;
}

static void source_key(uint8_t key[16], const struct sa *src)
{
	memset(key, 0, 16);
	if (sa_af(src) == AF_INET6) {
		memcpy(key, &src->u.in6.sin6_addr, 8);
		key[15] = 6;
	}
	else {
		memcpy(key, &src->u.in.sin_addr, 4);
		key[15] = 4;
	}
}

static struct bucket *set_of(struct limit *l, const uint8_t key[16])
{
	uint8_t seeded[20];

	memcpy(seeded, key, 16);
	memcpy(seeded + 16, &l->seed, 4);
	return l->set[hash_joaat(seeded, sizeof(seeded)) % SETS];
}

static struct bucket *bucket_find(struct limit *l, const uint8_t key[16])
{
	struct bucket *set = set_of(l, key);

	for (int i = 0; i < WAYS; i++)
		if (!memcmp(set[i].key, key, 16))
			return &set[i];
	return NULL;
}

static struct bucket *bucket_of(struct limit *l, const uint8_t key[16], uint64_t now_ms)
{
	struct bucket *found = bucket_find(l, key), *set = set_of(l, key), *oldest = set;

	if (found)
		return found;
	for (int i = 1; i < WAYS; i++)
		if (set[i].then_ms < oldest->then_ms)
			oldest = &set[i];
	memcpy(oldest->key, key, 16);
	oldest->then_ms = now_ms;
	oldest->milli = l->burst * 1000;
	return oldest;
}

void limit_give(struct limit *l, const struct sa *src)
{
	uint8_t key[16];
	struct bucket *b;

	if (!l || !l->rate)
		return;
	source_key(key, src);
	b = bucket_find(l, key);
	if (b && b->milli + 1000 <= l->burst * 1000)
		b->milli += 1000;
}

bool limit_take(struct limit *l, const struct sa *src, uint64_t now_ms)
{
	struct bucket *b;
	uint8_t key[16];
	uint64_t milli;

	if (!l || !l->rate)
		return true;
	source_key(key, src);
	b = bucket_of(l, key, now_ms);
	milli = b->milli + (now_ms > b->then_ms ? (now_ms - b->then_ms) : 0) * l->rate;
	b->then_ms = now_ms;
	b->milli = (uint32_t)(milli < (uint64_t)l->burst * 1000 ? milli : (uint64_t)l->burst * 1000);
	if (b->milli < 1000)
		return false;
	b->milli -= 1000;
	return true;
}
