/*
 * line_osc_in.c - a packet of the payload "osc" that came: what it says and what lost ones before it said, on to the ensemble.
 *
 * 10.2: "when the server finds a gap from the source, it applies the source's journal at once, and what it learns [..] is forwarded as
 * ordinary events in front of the packet that revealed the gap." oscrecv tells messages one by one in just that order. A bundle goes on as
 * it came: with its first message the whole of it is handed on, and its others are passed over.
 */
#include <errno.h>
#include <string.h>
#include "line_osc.h"

enum { LATE_MS = 40 };

/* The element of the packet in which this message stands. */
static bool element_of(const struct line_osc *o, struct oscrtp_elem *e, const uint8_t *raw)
{
	const uint8_t *p = o->payload.elems;

	for (unsigned i = 0; i < o->payload.num; i++) {
		p = oscrtp_elem(e, p);
		if (raw >= e->osc && raw < e->osc + e->len)
			return true;
	}
	return false;
}

static bool is_single(const struct oscrtp_elem *e)
{
	struct osc_iter it;
	struct osc_msg msg;

	osc_iter_init(&it, e->osc, e->len);
	return osc_next(&it, &msg) && !osc_next(&it, &msg);
}

/* false: it has gone on already. Of a bundle that comes late some messages may be out of date: those that are not go alone. */
static bool widen(struct line_osc *o, struct gesture *g, const struct oscrecv_note *note)
{
	const uint8_t *raw = note->msg->raw;
	struct oscrtp_elem e;

	if (note->cause != OSCRECV_LIVE)
		return true;
	if (o->whole && raw >= o->whole && raw < o->whole_end)
		return false;
	if (!element_of(o, &e, raw) || !osc_is_bundle(e.osc, e.len) || (!o->newer && !is_single(&e)))
		return true;
	g->osc = o->whole = e.osc;
	g->len = e.len;
	o->whole_end = e.osc + e.len;
	return true;
}

static void note_handler(const struct oscrecv_note *note, void *arg)
{
	struct line_osc *o = arg;
	struct gesture g = {.from = o->l.player, .osc = note->msg->raw, .len = note->msg->len, .ts = note->ts, .clock = o->l.desc.rate,
		.timetag = note->timetag, .repaired = note->cause == OSCRECV_STATE || note->cause == OSCRECV_EVENT};

	g.at_us = line_rtp_captured_rt(&o->rtp, o->in, note->ts, o->now_us);
	/* 6.7: with tt=none they have no meaning */
	g.timed = o->l.desc.party_exec && line_rtp_shift_rt(&o->rtp, &g.shift, o->now_us);
	g.exact = g.timed && note->cause == OSCRECV_EVENT;
	if (widen(o, &g, note))
		ensemble_osc_rt(&o->l, &g, o->now_us);
}

int line_osc_recv_alloc(struct line_osc *o, const struct gestline *desc)
{
	int err = 0;

	for (unsigned i = 0; i < LINE_RTP_INS && !err; i++) {
		const struct oscrecv_cfg cfg = {.clock_rate = desc->rate, .late_ms = LATE_MS, .journal = desc->journal,
			.kinds = desc->space ? &desc->space->kinds : NULL, .seed = rand_u64(), .h = note_handler, .arg = o};

		err = oscrecv_alloc(&o->recv[i], &cfg);
	}
	return err;
}

void line_osc_ask_rt(struct line_osc *o, uint64_t now_us)
{
	const struct gest g = {.kind = GEST_REFRESH};
	uint8_t *buf;
	size_t len = FORWARD_SCRATCH_SIZE;

	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		if (!o->rtp.in[i].used || !oscrecv_refresh_rt(o->recv[i], now_us) || line_rtp_ask_rt(&o->rtp, &o->rtp.in[i], now_us))
			continue;
		buf = forward_buf_rt(o->l.forward, SCRATCH_GEST);
		len = FORWARD_SCRATCH_SIZE;
		if (!gest_write(buf, &len, &g))
			line_out_tell_rt(&o->out, buf, len, now_us);
	}
}

void line_osc_source_rt(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	(void)now_us;
	oscrecv_anew_rt(o->recv[in - o->rtp.in]);
}

static bool is_newer(const struct oscrecv *r, uint16_t seq)
{
	uint32_t highest;

	return !oscrecv_highest(r, &highest) || rtp_seq_diff(seq, (uint16_t)highest) > 0;
}

/* "dropped, counted; but `/_gest/` messages may be sent on a recvonly line": of a packet that is not taken they are heard all the same. */
static void closed(struct line_osc *o, uint64_t now_us)
{
	struct gesture g = {.from = o->l.player, .at_us = now_us};
	const uint8_t *p = o->payload.elems;
	struct oscrtp_elem e;
	struct osc_iter it;
	struct osc_msg msg;

	for (unsigned i = 0; i < o->payload.num; i++) {
		p = oscrtp_elem(&e, p);
		osc_iter_init(&it, e.osc, e.len);
		while (osc_next(&it, &msg)) {
			if (strncmp(msg.addr, "/_gest/", 7)) {
				tally_up_rt(&line_count(&o->l)->direction);
				continue;
			}
			g.osc = msg.raw;
			g.len = msg.len;
			ensemble_osc_rt(&o->l, &g, now_us);
		}
	}
}

bool line_osc_packet_rt(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;
	struct oscrecv *r = o->recv[in - o->rtp.in];
	const uint64_t late = oscrecv_stats(r)->late;

	o->in     = in;
	o->now_us = now_us;
	o->newer  = is_newer(r, pkt->seq);
	o->whole  = NULL;
	if (oscrtp_read(&o->payload, pkt, OSC_MAX_DGRAM)) {
		ensemble_error_rt(l->player, GEST_MALFORMED, "/", now_us);
		return false;
	}
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		closed(o, now_us);
		return false;
	}
	line_through_before_rt(o, pkt, now_us);
	/* duplicates and jumps are of no consequence, but that they do not go through either */
	if (!oscrecv_packet_rt(r, pkt, now_us))
		line_through_pass_rt(o, pkt, now_us);
	tally_add_rt(&line_count(l)->late, oscrecv_stats(r)->late - late);
	line_osc_ask_rt(o, now_us);
	return true;
}
