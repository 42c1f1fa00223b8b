/*
 * wallclock.c - how far a party's wallclock is from ours.
 *
 * A difference with its error is an interval in which the true one lies, and the error grows by what two quartzes may differ. A new report whose
 * interval is not wider replaces the old one; one whose interval does not touch the old one shows that a clock was set. Without
 * a round trip there is only one end to that interval: nothing comes before it was sent.
 */
#include "wallclock.h"

enum { DRIFT_PPM = 100, SLACK_US = 1000, STRAY_US = 1000000, STRAYS = 3, MEASURED_US = 60000000, UNITS = 4295 };

/* 2^-32 s in a microsecond are 4294.97: near enough to compare by. */
static int64_t distance_us(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) / UNITS;
}

static void learn(struct wallclock *w, uint64_t diff, int64_t rtt_us, uint64_t now_us)
{
	*w = (struct wallclock){.known = true, .measured = rtt_us >= 0, .diff = diff,
		.error_us = rtt_us >= 0 ? (uint64_t)rtt_us / 2 : 0, .at_us = now_us};
}

static bool better_measured(const struct wallclock *w, uint64_t diff, int64_t rtt_us, int64_t drift)
{
	const int64_t error = rtt_us / 2, bound = (int64_t)w->error_us + drift, off = distance_us(diff, w->diff);

	if (!w->measured || error <= bound)
		return true;
	return off > error + bound + SLACK_US || off < -error - bound - SLACK_US;
}

/* The way makes it late and never early. One that is very late says nothing, several in a row that the clock was set back. */
static bool better_late(struct wallclock *w, uint64_t diff, int64_t drift)
{
	const int64_t off = distance_us(diff, w->diff);
	const int64_t least = w->measured ? -(int64_t)w->error_us - drift - SLACK_US : drift;

	if (off < least)
		return true;
	w->strays = off > STRAY_US ? w->strays + 1 : 0;
	return w->strays >= STRAYS;
}

void wallclock_report_rt(struct wallclock *w, uint64_t theirs, uint64_t ours, int64_t rtt_us, uint64_t now_us)
{
	const int64_t age = w->known ? (int64_t)(now_us - w->at_us) : 0, drift = age / 1000000 * DRIFT_PPM;
	uint64_t diff = ours - theirs;

	/* RFC 3550 6.4.1: "A sender that has no notion of wallclock or elapsed time may set the NTP timestamp to zero." */
	if (!theirs)
		return;
	if (rtt_us > 0)                   /* half of it, in 2^-32 s */
		diff -= ((uint64_t)rtt_us << 31) / 1000000;
	if (age > MEASURED_US)
		w->measured = false;
	if (!w->known || (rtt_us >= 0 ? better_measured(w, diff, rtt_us, drift) : better_late(w, diff, drift)))
		learn(w, diff, rtt_us, now_us);
}
