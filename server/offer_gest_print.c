/*
 * offer_gest_print.c - what our descriptions say of a line of gestures, whatever its kind.
 */
#include "offer_gest.h"

enum { AS_OSC = 64, AS_MIDI = 20 };       /* kbit/s, for whoever plans by it; nothing is cut off there */

int gest_print_as(struct mbuf *mb, const struct gest *g)
{
	return g->as ? mbuf_printf(mb, "b=AS:%u\r\n", g->line.kind == GESTLINE_MIDI ? AS_MIDI : AS_OSC) : 0;
}

/* The version we understand, all the tags there are, and how much we take. */
int gest_print_takes(struct mbuf *mb, size_t max)
{
	return mbuf_printf(mb, "version=1.1; types=ifsbhtdScrmTFNI[]; max=%zu", max / 4 * 4);
}

static int print_view(struct mbuf *mb, const struct gest *g, bool ours)
{
	static const char *const names[] = {[VIEW_PREFIX] = "prefix", [VIEW_SOURCE] = "source", [VIEW_FLAT] = "flat"};

	if (!g->viewed)
		return 0;
	if (ours)
		return mbuf_printf(mb, "a=osc-view:prefix,%sflat\r\n", g->line.kind == GESTLINE_OSC ? "source," : "");
	return mbuf_printf(mb, "a=osc-view:%s\r\n", names[g->line.view]);
}

static int print_claims(struct mbuf *mb, const struct gest *g)
{
	const struct gestspace *s = g->line.space;
	int err = 0;

	for (unsigned i = 0; s && i < s->n_claim; i++)
		if (g->claims & 1u << i)
			err |= mbuf_printf(mb, "a=osc-own:%s\r\n", s->claim[i]);
	return err;
}

/* "The server declares recv * and, towards a party, send with the union of the other participants' schemas (or *)." Who has
 * declared nothing wants to read nothing of it. */
static int print_osc(struct mbuf *mb, const struct gest *g, bool ours)
{
	int err = 0;

	if (g->spaces)
		err |= mbuf_printf(mb, "a=osc-schema:recv *\r\na=osc-schema:send *\r\n");
	err |= print_view(mb, g, ours);
	return err | print_claims(mb, g);
}

int gest_print_attrs(struct mbuf *mb, const struct gest *g, bool ours)
{
	int err = 0;

	if (g->line.kind != GESTLINE_MIDI)
		err |= print_osc(mb, g, ours);
	/* How many sources we can receive on it. */
	if (g->counted && gest_on_rtp(g->line.kind))
		err |= mbuf_printf(mb, "a=gest-sources:1\r\n");
	err |= mbuf_printf(mb, "a=gest-name:%s\r\na=%s\r\n", g->name, offer_dir_name(g->dir));
	if (g->line.rtcp_mux)
		err |= mbuf_printf(mb, "a=rtcp-mux\r\n");
	return err | offer_keys_print(mb, &g->keys);
}
