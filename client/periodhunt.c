/*
 * periodhunt.c - the smallest period that runs clean.
 */
#include <string.h>
#include "periodhunt.h"

enum { SETTLE_US = 300000, TRIAL_US = 10000000, ROW_US = 5000000, TRIAL_XRUNS = 2, LATER_XRUNS = 6 };

static const uint32_t periods[] = {PERIODHUNT_FIRST, 96, 128, 192, 256, PERIODHUNT_LAST};

void periodhunt_init(struct periodhunt *h, uint32_t period)
{
	memset(h, 0, sizeof(*h));
	h->fixed = period != 0;
	h->period = period ? period : PERIODHUNT_FIRST;
}

void periodhunt_runs(struct periodhunt *h, uint32_t period, uint64_t now_us)
{
	h->period = period;
	h->began_us = now_us;
	h->row = 0;
}

/* A device that has only some lengths may have given a longer one than it was asked for: the next is longer than that.
 * */
static bool longer(struct periodhunt *h)
{
	for (unsigned i = 0; i < sizeof(periods) / sizeof(*periods); i++)
		if (periods[i] > h->period) {
			h->period = periods[i];
			return true;
		}
	return false;
}

bool periodhunt_xrun(struct periodhunt *h, uint64_t now_us)
{
	const uint64_t age_us = now_us - h->began_us;

	/* Threads and caches are cold when it begins. */
	if (h->fixed || age_us < SETTLE_US)
		return false;
	if (!h->row || now_us - h->row_us > ROW_US) {
		h->row = 0;
		h->row_us = now_us;
	}
	h->row++;
	return h->row >= (age_us < TRIAL_US ? TRIAL_XRUNS : LATER_XRUNS) && longer(h);
}
