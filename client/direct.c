/*
 * direct.c - see direct.h.
 *
 * An end that says nothing of itself (a telephone, or a call without gestures) has at least collected a frame before
 * it could send one: that stands for its capture, and the sum is "at least". The way is half of the round trip, which
 * is the truth where the network is as slow one way as the other.
 */
#include <string.h>
#include "direct.h"

bool direct_measure(struct band *b, const struct direct_near *near)
{
	const uint32_t rtt = near->rtt ? near->rtt : b->far.rtt;
	struct band_path p = {0};
	struct band_member *m = b->member;
	bool was_least;

	if (!b->n)
		return false;
	was_least = m->at_least;
	if (near->heard) {
		p.capture = b->far.told ? b->far.capture : near->frame;
		p.net_up = rtt / 2;
		p.buffer = near->buffer;
		p.playback = near->playback;
		p.total = p.capture + p.net_up + p.buffer + p.playback;
	}
	m->at_least = near->heard && (!b->far.told || !rtt);
	if (m->at_least == was_least && !memcmp(&m->to_me, &p, sizeof(p)))
		return false;
	m->to_me = p;
	return true;
}
