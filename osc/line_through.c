/*
 * line_through.c - T1 of section 10.2: packets of one party that go to another as they came.
 *
 *      source ~~ line (in) > oscrecv > state, the house, MIDI, hearers with streams of the server's (T2)
 *                      `> before: for whom?   > pass: SSRC, number, time, payload as they are ~~ hearers (T1)
 *
 * "Two ways to forward RTP, never mixed": a stream out (struct line_rtp_out) is the one or the other, and is another stream, with BYE for the
 * one before, when that changes. Through goes what every rule lets through as it is. What is only sometimes so is looked at in each packet:
 * who says something that is not for all (/to/, /tutti/, /_gest/, /p/), has its streams ended here from then on; so has a pair of which the
 * one says what the other does not take. A packet with such a thing cannot just be left out: the journals of those after it would tell it.
 *
 * The server reads all that goes through, for its own state. It never lacks a packet that a hearer has, so a checkpoint that suits them suits it.
 */
#include <string.h>
#include "line_through.h"

/* What the server's answers say, where a party is a source; who wants more of the one or less of the other is not for T1. */
enum { OUR_RED = 2, OUR_GUARD_MS = 1000 };
enum { BACK_MAX = 1000, JUMP_MAX = 3000 };

/* What there is in a packet, as far as somebody may not take it. */
struct what {
	unsigned messages;
	uint32_t tags;            /* bits, by place in `known` */
	size_t   longest, payload;
	bool     deep, reserved, timed, recovered;
};

static const char known[] = "ifsbhtdScrmTFNI[]";

/* ---- who ---- */

struct line_osc *line_through_line(const struct player_rt *p)
{
	return (struct line_osc *)p->line[GESTLINE_OSC];
}

struct line_osc *line_through_source(const struct player_rt *from)
{
	struct line_osc *o = line_through_line(from);

	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		if (k != GESTLINE_OSC && from->line[k] && from->line[k]->desc.dir & LEG_DIR_RECV)
			return NULL;
	}
	return o && o->l.desc.dir & LEG_DIR_RECV ? o : NULL;
}

struct line_rtp_in *line_through_stream(struct line_osc *o)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		struct line_rtp_in *in = &o->rtp.in[i];

		if (in->used && !in->looped && in->ssrc == o->l.player->ssrc)
			return in;
	}
	return NULL;
}

struct line_rtp_out *line_through_out(struct line_osc *to, const struct player_rt *from)
{
	struct line_rtp_out *out = to ? line_rtp_of(&to->rtp, from) : NULL;

	return out && out->through ? out : NULL;
}

/* "takes the source's types, version and max as declared" */
static bool takes_like(const struct gestline_takes *to, const struct gestline_takes *from)
{
	for (const char *t = from->types; *t; t++) {
		if (!strchr(to->types, *t))
			return false;
	}
	return to->deep >= from->deep && to->max >= from->max && to->red <= OUR_RED && to->guard_ms >= OUR_GUARD_MS;
}

/* The source's stream, if it may go through in this place. */
static struct line_rtp_in *wanted(struct line_osc *o, const struct line_rtp_out *out)
{
	struct line_osc *src = line_through_source(out->from);
	const struct gestline *to = &o->l.desc;
	struct line_rtp_in *in;

	if (!src || !src->through.on || src->through.opaque || slots_has(&o->through.apart, out->from->slot))
		return NULL;
	if (to->view != VIEW_SOURCE || !to->journal || !src->l.desc.journal || to->rate != src->l.desc.rate ||
	    !takes_like(&to->takes, &src->l.desc.takes))
		return NULL;
	in = line_through_stream(src);
	return in && line_rtp_free_rt(&o->rtp, in->ssrc, out) ? in : NULL;
}

/* ---- one or the other ---- */

void line_through_end_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us)
{
	line_rtp_anew_rt(&o->rtp, out, 0, now_us);
	line_osc_tell_anew_rt(o, out);
}

void line_through_apart_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us)
{
	slots_add(&o->through.apart, out->from->slot);
	line_through_end_rt(o, out, now_us);
}

/* With SRTP a number of a stream is used once in the life of a key: RFC 3711 9.1, "the two-time pad". The server chooses neither. */
static bool used_before(struct line_osc *o, uint32_t ssrc)
{
	struct line_through *t = &o->through;

	if (!o->rtp.tx)
		return false;
	for (unsigned i = 0; i < t->n_ssrc; i++) {
		if (t->ssrc[i] == ssrc)
			return true;
	}
	if (t->n_ssrc == THROUGH_SSRCS)
		return true;
	t->ssrc[t->n_ssrc++] = ssrc;
	return false;
}

/* A newcomer does not know what was before: the source is asked for a snapshot. */
static void begin(struct line_osc *o, struct line_rtp_out *out, const struct line_rtp_in *in, uint64_t now_us)
{
	if (used_before(o, in->ssrc))
		return;
	line_rtp_anew_rt(&o->rtp, out, in->ssrc, now_us);
	out->through = true;
	out->reported_us = now_us;
	line_through_ask_rt(o, out, now_us);
}

void line_through_open_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us)
{
	const struct line_rtp_in *in = o->through.on ? wanted(o, out) : NULL;

	if (in)
		begin(o, out, in, now_us);
}

bool line_through_has_rt(struct line_osc *o, const struct player_rt *from, uint64_t now_us)
{
	struct line_rtp_out *out = line_through_out(o, from);

	if (!out)
		return false;
	if (wanted(o, out))
		return true;
	line_through_end_rt(o, out, now_us);
	return false;
}

void line_through_inherit_rt(struct line_osc *o, const struct line_osc *old, bool same)
{
	o->through.opaque = old->through.opaque;
	o->through.up     = old->through.up;
	if (same)
		o->through.apart = old->through.apart;
	/* new streams, but maybe the old keys */
	o->through.n_ssrc = old->through.n_ssrc;
	memcpy(o->through.ssrc, old->through.ssrc, sizeof(o->through.ssrc));
}

/* ---- what is in a packet ---- */

static void look_at(struct what *w, const uint8_t *osc, size_t len, bool exec)
{
	struct osc_iter it;
	struct osc_msg msg;

	w->longest = len > w->longest ? len : w->longest;
	osc_iter_init(&it, osc, len);
	while (osc_next(&it, &msg)) {
		w->messages++;
		w->deep |= osc_addr_has_deep(msg.addr, msg.addr_len);
		w->reserved |= !strncmp(msg.addr, "/to/", 4) || !strncmp(msg.addr, "/p/", 3) || !strncmp(msg.addr, "/_gest/", 7) ||
			!strncmp(msg.addr, "/tutti/", 7);
		/* "none: without meaning, receivers act at once"; the server's answers say exec */
		w->timed |= !exec && it.timetag != OSC_NOW;
		for (const char *t = msg.tags; *t; t++)
			w->tags |= strchr(known, *t) ? 1u << (strchr(known, *t) - known) : 0;
	}
}

static void look(struct what *w, const struct line_osc *o, const struct rtp_pkt *pkt)
{
	const uint8_t *p = o->payload.elems;
	unsigned messages;

	*w = (struct what){.payload = pkt->len};
	for (unsigned i = 0; i < o->payload.num; i++) {
		struct oscrtp_elem e;

		p = oscrtp_elem(&e, p);
		look_at(w, e.osc, e.len, o->l.desc.party_exec);
	}
	messages = w->messages;
	for (p = o->payload.entries; o->payload.j && p < o->payload.end;) {
		struct oscrtp_entry e;

		p = oscrtp_entry(&e, p);
		w->recovered |= e.event;
		look_at(w, e.osc, e.len, true);
	}
	w->messages = messages ? messages : 1;
}

static bool fits(const struct line_osc *o, const struct what *w)
{
	const struct gestline_takes *takes = &o->l.desc.takes;

	for (unsigned i = 0; known[i]; i++) {
		if (w->tags >> i & 1 && !strchr(takes->types, known[i]))
			return false;
	}
	return w->longest <= takes->max && w->payload <= o->mtu && (takes->deep || !w->deep);
}

/* ---- a packet on its way ---- */

/* Not in the middle of events that journals tell again: they may have gone to this party in the stream before. */
static void review(struct line_osc *to, struct line_rtp_out *out, const struct what *w, uint64_t now_us)
{
	const struct line_rtp_in *in = wanted(to, out);
	const bool fit = fits(to, w);

	if (out->through && in && out->ssrc == in->ssrc && fit)
		return;
	if (out->through && in && !fit)
		line_through_apart_rt(to, out, now_us);
	else if (out->through)
		line_through_end_rt(to, out, now_us);
	if (in && fit && (!w->recovered || in->src.received <= 1))
		begin(to, out, in, now_us);
}

void line_through_before_rt(struct line_osc *o, const struct rtp_pkt *pkt, uint64_t now_us)
{
	const struct player_rt *from = o->l.player;
	struct what w;

	if (!o->through.on || !from->ensemble)
		return;
	look(&w, o, pkt);
	/* two streams of one party at once are put together by T2 alone */
	o->through.opaque |= w.reserved || w.timed || pkt->ssrc != from->ssrc;
	o->through.messages = w.messages;
	for (struct le *le = from->ensemble->players.head; le; le = le->next) {
		struct line_osc *to = le->data == from ? NULL : line_through_line(le->data);
		struct line_rtp_out *out = to ? line_rtp_of(&to->rtp, from) : NULL;

		if (out)
			review(to, out, &w, now_us);
	}
}

static bool take(struct bucket *b, unsigned n, uint64_t now_us)
{
	bucket_due_rt(b, now_us);                 /* fills it */
	if (b->has < n * UINT64_C(1000000))
		return false;
	b->has -= n * UINT64_C(1000000);
	return true;
}

/* In the order of its source, or nearly: what makes a great leap is another stream. */
static bool in_order(const struct line_rtp_out *out, uint16_t seq)
{
	const int d = rtp_seq_diff(seq, out->top);

	return !out->packets || (d > -BACK_MAX && d < JUMP_MAX);
}

static void pass_to(struct line_osc *to, struct line_rtp_out *out, const struct rtp_pkt *pkt, unsigned messages, uint64_t now_us)
{
	uint8_t *buf = forward_buf_rt(to->l.forward, SCRATCH_PACKET);
	struct rtp_pkt same = *pkt;
	size_t len = FORWARD_SCRATCH_SIZE - LINE_ROOM;

	if (!in_order(out, pkt->seq)) {
		line_through_apart_rt(to, out, now_us);
		return;
	}
	/* Over it "packets are dropped whole": as if by the network, and the journal tells what they said. */
	if (!take(&to->out.rate->bucket, messages, now_us)) {
		tally_up_rt(&line_count(&to->l)->rate_dropped);
		return;
	}
	same.pt  = to->l.desc.pt;
	same.ext = NULL;
	same.ext_len = 0;
	if (rtp_write_hdr(buf, &len, &same) || len + pkt->len > FORWARD_SCRATCH_SIZE - LINE_ROOM)
		return;
	memcpy(buf + len, pkt->payload, pkt->len);
	if (!out->packets || rtp_seq_diff(pkt->seq, out->top) > 0)
		out->top = pkt->seq;
	tally_add_rt(&line_count(&to->l)->messages_out, messages);
	tally_add_rt(&to->l.player->n.messages_out, messages);
	line_rtp_send_rt(&to->rtp, out, buf, len + pkt->len, now_us);
}

void line_through_pass_rt(struct line_osc *o, const struct rtp_pkt *pkt, uint64_t now_us)
{
	const struct player_rt *from = o->l.player;
	bool may = true, asked = false;

	for (struct le *le = o->through.on && from->ensemble ? from->ensemble->players.head : NULL; le; le = le->next) {
		struct line_osc *to = le->data == from ? NULL : line_through_line(le->data);
		struct line_rtp_out *out = line_through_out(to, from);

		if (!out || out->ssrc != pkt->ssrc)
			continue;
		if (!asked)
			may = take(&o->through.up, o->through.messages, now_us);
		asked = true;
		if (may)
			pass_to(to, out, pkt, o->through.messages, now_us);
		else
			tally_up_rt(&line_count(&to->l)->rate_dropped);
	}
}
