/*
 * census.c - members counted, and their reception observed every ten seconds.
 *
 * The histograms are of observations, not of members: a second of bad sound of one member weighs as much as that of
 * another, and none that has left is forgotten.
 */
#include <string.h>
#include "census.h"
#include "state.h"

struct census {
	struct control *control;
	struct tmr tmr;
	struct census_quality quality;
};

static const double bounds[][CENSUS_BOUNDS] = {
	[CENSUS_JITTER] = { 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2 },
	[CENSUS_RTT]    = { 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1 },
	[CENSUS_BUFFER] = { 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.2, 0.5 },
	[CENSUS_LOSS]   = { 0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 },
};

const double *census_bounds(enum census_what what)
{
	return bounds[what];
}

void census_add(struct census_hist *h, const double *upto, double value)
{
	h->n++;
	h->sum += value;
	for (size_t i = 0; i < CENSUS_BOUNDS; i++)
		h->upto[i] += value <= upto[i];
}

static void each_member(const struct control *c, void (*h)(const struct member *m, void *arg), void *arg)
{
	struct le *a, *b;

	LIST_FOREACH(&c->rooms, a) {
		const struct room *r = a->data;

		LIST_FOREACH(&r->members, b)
			h(b->data, arg);
	}
}

/* --- how well --- */

static void observe(const struct member *m, void *arg)
{
	struct census_quality *q = arg;
	struct leg_stats st;
	uint64_t all;

	if (!m->face.leg)
		return;
	leg_stats(m->face.leg, &st);
	all = st.rx_packets + st.rx_lost;
	if (!all)
		return;                           /* it has sent nothing yet: there is nothing to say */
	census_add(&q->jitter_s, bounds[CENSUS_JITTER], st.jitter_us / 1e6);
	census_add(&q->buffer_s, bounds[CENSUS_BUFFER], st.buffer_ms / 1e3);
	census_add(&q->loss_ratio, bounds[CENSUS_LOSS], (double)st.rx_lost / (double)all);
	if (st.rtt_us)
		census_add(&q->rtt_s, bounds[CENSUS_RTT], st.rtt_us / 1e6);
}

static void tick(void *arg)
{
	struct census *s = arg;

	each_member(s->control, observe, &s->quality);
	tmr_start(&s->tmr, CENSUS_EVERY_MS, tick, s);
}

void census_quality(const struct census *s, struct census_quality *q)
{
	*q = s->quality;
}

/* --- how many --- */

struct counting { struct census_kind *kind; size_t n; };

static void count(const struct member *m, void *arg)
{
	struct counting *c = arg;
	struct leg_stats st = { .tx_codec = "" };
	const char *codec, *transport = m->transport[0] ? m->transport : "none";
	size_t i = 0;

	if (m->face.leg)
		leg_stats(m->face.leg, &st);
	codec = st.tx_codec[0] ? st.tx_codec : "none";
	while (i < c->n && (strcmp(c->kind[i].codec, codec) || strcmp(c->kind[i].transport, transport)))
		i++;
	if (i == CENSUS_KINDS)
		i = CENSUS_KINDS - 1;             /* there are fewer codecs times transports than that */
	if (i == c->n) {
		str_ncpy(c->kind[i].codec, codec, sizeof(c->kind[i].codec));
		str_ncpy(c->kind[i].transport, transport, sizeof(c->kind[i].transport));
		c->kind[i].n = 0;
		c->n++;
	}
	c->kind[i].n++;
}

size_t census_kinds(const struct census *s, struct census_kind kind[CENSUS_KINDS])
{
	struct counting c = { .kind = kind };

	each_member(s->control, count, &c);
	return c.n;
}

/* --- life --- */

static void destructor(void *arg)
{
	struct census *s = arg;

	tmr_cancel(&s->tmr);
}

int census_alloc(struct census **cp, struct control *c)
{
	struct census *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return ENOMEM;
	s->control = c;
	tmr_start(&s->tmr, CENSUS_EVERY_MS, tick, s);
	*cp = s;
	return 0;
}
