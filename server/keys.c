/*
 * keys.c - one press is one key.
 *
 * Phones there are that tell a key twice: by INFO and in the sound, or by INFO and in RTP. Whoever has been heard in a
 * better way is not listened to in a worse one any more. Only before that is known may one press come twice: the same
 * key, in another way, within a second.
 */
#include "keys.h"

enum { TWICE_MS = 1000 };

static bool heard_better(const struct keys *k, enum keys_way way)
{
	for (int w = 0; w < (int)way; w++)
		if (k->heard[w])
			return true;
	return false;
}

bool keys_take(struct keys *k, char key, enum keys_way way, uint64_t now_ms)
{
	bool first = !k->heard[way];

	k->heard[way] = true;
	if (heard_better(k, way))
		return false;
	if (first && key == k->last && way != k->way && now_ms < k->at_ms + TWICE_MS)
		return false;
	k->last = key;
	k->way = way;
	k->at_ms = now_ms;
	return true;
}
