/*
 * siphash.c - SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF"), two rounds a word and four at the end.
 */
#include "siphash.h"

static uint64_t turn_left(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = turn_left(v[1], 13) ^ v[0]; v[0] = turn_left(v[0], 32);
	v[2] += v[3]; v[3] = turn_left(v[3], 16) ^ v[2];
	v[0] += v[3]; v[3] = turn_left(v[3], 21) ^ v[0];
	v[2] += v[1]; v[1] = turn_left(v[1], 17) ^ v[2]; v[2] = turn_left(v[2], 32);
}

uint64_t siphash(const uint64_t key[2], const uint64_t *word, unsigned n)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573};
	const uint64_t last = (uint64_t)(8 * n) << 56;

	for (unsigned i = 0; i <= n; i++) {
		const uint64_t m = i < n ? word[i] : last;

		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
