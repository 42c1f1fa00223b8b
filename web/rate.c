/*
 * rate.c - one token bucket for each key, 4 ways by 256 sets. When a set is full the one that was quiet longest makes room.
 */
#include <glib.h>
#include <string.h>
#include "rate.h"

enum { SETS = 256, WAYS = 4, KEY = 64 };

struct bucket { char key[KEY]; int64_t then_us; double left; };

struct rate {
	uint32_t per_second, burst, seed;
	struct bucket set[SETS][WAYS];
};

struct rate *rate_new(uint32_t per_second, uint32_t burst)
{
	struct rate *r = g_new0(struct rate, 1);

	r->per_second = per_second;
	r->burst = burst;
	r->seed = g_random_int();
	return r;
}

/* Seeded from the first byte on, so that nobody can choose keys that all fall into one set. */
static unsigned set_of(const struct rate *r, const char *key)
{
	uint32_t h = r->seed;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return (h ^ h >> 15) % SETS;
}

static struct bucket *bucket_of(struct rate *r, const char *key, int64_t now_us)
{
	struct bucket *set = r->set[set_of(r, key)], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (!strncmp(set[i].key, key, KEY - 1))
			return &set[i];
		if (set[i].then_us < oldest->then_us)
			oldest = &set[i];
	}
	g_strlcpy(oldest->key, key, KEY);
	oldest->then_us = now_us;
	oldest->left = r->burst;
	return oldest;
}

bool rate_take(struct rate *r, const char *key, int64_t now_us)
{
	struct bucket *b;

	if (!r->per_second || !key[0])
		return true;
	b = bucket_of(r, key, now_us);
	if (now_us > b->then_us)
		b->left = MIN(b->left + (double)(now_us - b->then_us) * r->per_second / 1e6, r->burst);
	b->then_us = now_us;
	if (b->left < 1)
		return false;
	b->left -= 1;
	return true;
}
