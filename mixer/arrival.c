/*
 * arrival.c - how much later than the fastest one do a stream's packets come?
 *
 *      packets |#
 *              |##
 *              |####  #                 one histogram of this window, one of the window before; both together are what
 *              |######## # #     #      we know. 99 of 100 (or of another number) lie left of `spread`.
 *              +----------------------> later than the fastest
 *            base       spread
 *
 * The fastest packet and the spread are taken over the last 4 to 8 seconds, so that an old spike, an old route and the
 * drift of the sender's clock are forgotten in a time one can state. An exponential forget was tried on paper and left:
 * after a drop of the delay by 100 ms it takes ln(100) time constants until the old cluster weighs less than 1 %.
 * With fewer packets known than that number every one of them counts: the spread grows at once and shrinks by forgetting.
 */
#include <string.h>
#include "arrival.h"

enum {
	WINDOW_US  = 4000000,
	WINDOW_MIN = 20,          /* packets a window must hold before it replaces the older one: DTX sends few */
	BIN_MIN_US = 500,
};

void arrival_init(struct arrival *a, uint32_t range_ms, uint32_t rare)
{
	memset(a, 0, sizeof(*a));
	a->bin_us = (uint32_t)(((uint64_t)range_ms * 1000 + ARRIVAL_BINS - 1) / ARRIVAL_BINS);
	if (a->bin_us < BIN_MIN_US)
		a->bin_us = BIN_MIN_US;
	a->rare = rare;
}

void arrival_clear_rt(struct arrival *a)
{
	const uint32_t bin_us = a->bin_us, rare = a->rare;

	memset(a, 0, sizeof(*a));
	a->bin_us = bin_us;
	a->rare = rare;
}

/* Who sends 65,535 packets that come equally late in four seconds may be judged by so many. */
static void fill(uint16_t *bin, uint32_t n)
{
	*bin = n > (uint32_t)UINT16_MAX - *bin ? UINT16_MAX : (uint16_t)(*bin + n);
}

/* A faster packet than all before: everything known is that much later now; what leaves the range stays in its last bin. */
static void shift_later(struct arrival_window *w, uint64_t k)
{
	for (int i = ARRIVAL_BINS - 1; i >= 0; i--) {
		const uint32_t n = w->bin[i];
		const uint64_t to = (uint64_t)i + k;

		w->bin[i] = 0;
		fill(&w->bin[to < ARRIVAL_BINS ? to : ARRIVAL_BINS - 1], n);
	}
}

/* The fastest packet is forgotten, bins below k are empty. */
static void shift_sooner(struct arrival_window *w, uint64_t k)
{
	if (k >= ARRIVAL_BINS)
		k = ARRIVAL_BINS - 1;

	memmove(w->bin, w->bin + k, (ARRIVAL_BINS - k) * sizeof(w->bin[0]));
	memset(w->bin + ARRIVAL_BINS - k, 0, k * sizeof(w->bin[0]));
}

static void rotate(struct arrival *a, uint64_t now_us)
{
	uint64_t k;

	a->prev = a->cur;
	memset(&a->cur, 0, sizeof(a->cur));
	a->cur_since_us = now_us;

	k = (uint64_t)(a->prev.min_us - a->anchor_us) / a->bin_us;
	shift_sooner(&a->prev, k);
	a->anchor_us += (int64_t)k * a->bin_us;
}

static void anchor(struct arrival *a, int64_t transit_us)
{
	uint64_t k;

	if (transit_us >= a->anchor_us)
		return;

	k = ((uint64_t)(a->anchor_us - transit_us) + a->bin_us - 1) / a->bin_us;
	shift_later(&a->cur, k);
	shift_later(&a->prev, k);
	a->anchor_us -= (int64_t)k * a->bin_us;
	a->top = k < (uint64_t)(ARRIVAL_BINS - a->top) ? a->top + (int)k : ARRIVAL_BINS - 1;
}

static void count(struct arrival *a, int64_t transit_us)
{
	const uint64_t later = (uint64_t)(transit_us - a->anchor_us) / a->bin_us;
	const int i = later < ARRIVAL_BINS ? (int)later : ARRIVAL_BINS - 1;

	fill(&a->cur.bin[i], 1);
	if (i > a->top)
		a->top = i;
	if (!a->cur.n || transit_us < a->cur.min_us)
		a->cur.min_us = transit_us;
	if (!a->cur.n || transit_us > a->cur.max_us)
		a->cur.max_us = transit_us;
	a->cur.n++;
}

static void evaluate(struct arrival *a)
{
	const uint32_t may_be_later = (a->cur.n + a->prev.n) / a->rare;
	uint32_t later = 0;
	int64_t edge, max;
	int i;

	a->base_us = a->prev.n && a->prev.min_us < a->cur.min_us ? a->prev.min_us : a->cur.min_us;

	while (a->top > 0 && !a->cur.bin[a->top] && !a->prev.bin[a->top])
		a->top--;

	for (i = a->top; i > 0; i--) {
		later += a->cur.bin[i] + a->prev.bin[i];
		if (later > may_be_later)
			break;
	}

	/* Upper edge of the bin; but where packets are read by a tick they may all have the very same transit, and a whole
	 * bin of delay asked for there would cost a whole tick. */
	edge = a->anchor_us + (int64_t)(i + 1) * a->bin_us;
	max  = a->prev.n && a->prev.max_us > a->cur.max_us ? a->prev.max_us : a->cur.max_us;
	a->spread_us = (uint32_t)((edge < max ? edge : max) - a->base_us);
	a->latest_us = (uint32_t)(max - a->base_us);
}

/* RFC 3550 6.4.1: "J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16", in integers as in A.8. */
static void smooth(struct arrival *a, int64_t transit_us)
{
	const int64_t d = transit_us > a->last_us ? transit_us - a->last_us : a->last_us - transit_us;
	const uint32_t d_us = d < 60000000 ? (uint32_t)d : 60000000;

	a->jitter_q4 += d_us - ((a->jitter_q4 + 8) >> 4);
}

void arrival_add_rt(struct arrival *a, int64_t transit_us, uint64_t now_us)
{
	if (!arrival_any(a)) {
		a->anchor_us    = transit_us;
		a->cur_since_us = now_us;
	}
	else {
		smooth(a, transit_us);
		if (now_us - a->cur_since_us >= WINDOW_US && a->cur.n >= WINDOW_MIN)
			rotate(a, now_us);
	}
	a->last_us = transit_us;

	anchor(a, transit_us);
	count(a, transit_us);
	evaluate(a);
}
