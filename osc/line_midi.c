/*
 * line_midi.c - a line of RTP MIDI (G1): what the others play, as MIDI, to this line's party.
 *
 *      gesture, as MIDI (ensemble_bridge) > midi_leg > packets of the server's SSRC, or of one for each player
 *
 * T2 of section 10.2: the line has sequence numbers, journals and checkpoints of its own, driven by this party's reports alone.
 * What comes from the party is in line_midi_in.c.
 */
#include <string.h>
#include "line_midi.h"

enum { MTU = 1200 };

static struct line_midi *of(struct line_rt *l)
{
	return (struct line_midi *)l;
}

/* ---- packets out ---- */

static struct player_rt *player_of(const struct line_midi *m, uint32_t id)
{
	for (struct le *le = m->l.player->ensemble ? m->l.player->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *p = le->data;

		if (p->id == id)
			return p;
	}
	return NULL;
}

/* "With 1 the server merges everything into one stream with its own SSRC and lists the contributing sources as CSRCs." */
static void list_sources(struct rtp_pkt *pkt, const struct line_midi *m, const struct midi_leg_packet *p)
{
	for (unsigned i = 0; i < p->n_id && pkt->n_csrc < RTP_CSRC_MAX; i++) {
		const struct player_rt *from = player_of(m, p->id[i]);

		if (from && from->ssrc)
			pkt->csrc[pkt->n_csrc++] = from->ssrc;
	}
}

static void on_send(const struct midi_leg_packet *p, void *arg)
{
	struct line_midi *m = arg;
	struct line_rtp_out *out;
	struct rtp_pkt pkt = {.pt = m->l.desc.pt, .marker = p->marker || m->l.desc.always_marked, .seq = p->seq, .ts = p->ts};
	size_t size, hdr;
	uint8_t *buf = forward_scratch_rt(&m->l, SCRATCH_PACKET, &size);

	if (m->out_of[p->stream] >= LINE_RTP_OUTS)
		return;
	out = &m->rtp.out[m->out_of[p->stream]];
	pkt.ssrc = out->ssrc;
	list_sources(&pkt, m, p);
	hdr = size;
	if (rtp_write_hdr(buf, &hdr, &pkt) || hdr + p->len + SEAL_ROOM > size)
		return;
	memcpy(buf + hdr, p->payload, p->len);
	/* "The server sends sender reports that fit the outgoing timestamps." */
	out->ts_base += midi_leg_ts_rt(m->leg, p->stream, m->now_us) - line_rtp_ts_rt(&m->rtp, out, m->now_us);
	line_rtp_send_rt(&m->rtp, out, buf, hdr + p->len, m->now_us);
}

static void on_begin(unsigned stream, uint32_t id, bool again, void *arg)
{
	struct line_midi *m = arg;
	struct line_rtp_out *out;

	if (again) {
		if (m->out_of[stream] && m->out_of[stream] < LINE_RTP_OUTS)
			m->rtp.out[m->out_of[stream]].from = player_of(m, id);
		return;
	}
	m->out_of[stream] = 0;                    /* the conference itself speaks with the line's own SSRC */
	if (id == MIDI_LEG_HOUSE)
		return;
	out = line_rtp_open_rt(&m->rtp, player_of(m, id), m->now_us);
	m->out_of[stream] = (uint8_t)(out ? out - m->rtp.out : LINE_RTP_OUTS);
}

static void on_end(unsigned stream, void *arg)
{
	struct line_midi *m = arg;
	const unsigned i = m->out_of[stream];

	m->out_of[stream] = LINE_RTP_OUTS;
	if (i && i < LINE_RTP_OUTS)
		line_rtp_shut_rt(&m->rtp, &m->rtp.out[i], m->now_us);
}

static const struct midi_leg_ops leg_ops = {.send_rt = on_send, .begin_rt = on_begin, .end_rt = on_end};

/* ---- made and unmade ---- */

static void end(struct line_rt *l)
{
	struct line_midi *m = of(l);

	line_midi_in_end(m);
	line_rtp_end(&m->rtp);
	m->leg = mem_deref(m->leg);
}

static void report_rt(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, uint32_t ehsn, uint64_t now_us)
{
	struct line_midi *m = of(l);

	(void)reporter;
	m->now_us = now_us;
	for (unsigned i = 0; i < MIDI_LEG_STREAMS; i++)
		if (m->out_of[i] == out - m->rtp.out)
			midi_leg_report_rt(m->leg, i, ehsn);
}

static void renumber_rt(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us)
{
	struct line_midi *m = of(l);

	m->now_us = now_us;
	for (unsigned i = 0; i < MIDI_LEG_STREAMS; i++)
		if (m->out_of[i] == out - m->rtp.out)
			midi_leg_renumber_rt(m->leg, i, now_us);
}

static const struct line_rtp_ops rtp_ops = {
	.packet_rt = line_midi_in_packet_rt, .source_rt = line_midi_in_source_rt, .bye_rt = line_midi_in_bye_rt,
	.report_rt = report_rt, .renumber_rt = renumber_rt,
};

static int alloc_leg(struct line_midi *m, const struct relay_conf *conf)
{
	const struct gestline *d = &m->l.desc;
	const size_t mtu = conf->mtu ? conf->mtu : MTU;
	const struct midi_leg_conf c = {.sources = d->sources > 1 ? m->rtp.n_out - 1 : 1, .spread = d->spread,
		.policy = d->lossless ? MIDI_BARE : d->anchor ? MIDI_ANCHOR : MIDI_CLOSED_LOOP, .rate = d->rate,
		.max = mtu < MIDI_LEG_MAX ? mtu : MIDI_LEG_MAX, .guard_us = d->guard_us,
		.sysex_max = conf->sysex_max < MIDI_SYSEX_MAX ? conf->sysex_max : MIDI_SYSEX_MAX, .subset = d->subset};

	return midi_leg_alloc(&m->leg, &c, &leg_ops, m);
}

static int alloc(struct line_rt **lp, const struct relay_conf *conf, const struct gestline *desc)
{
	struct line_rt *l;
	struct line_midi *m;
	int err = line_alloc(&l, sizeof(*m), &line_midi_ops, desc, end);

	if (err)
		return err;
	m = of(l);
	memset(m->out_of, desc->sources > 1 ? LINE_RTP_OUTS : 0, sizeof(m->out_of));
	err = line_rtp_alloc(&m->rtp, l, desc, &rtp_ops, desc->sources > 1 ? (desc->sources < LINE_RTP_OUTS ? desc->sources : LINE_RTP_OUTS - 1) + 1 : 1);
	if (!err)
		err = line_midi_in_alloc(m);
	if (!err)
		err = alloc_leg(m, conf);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static bool same_subset(const struct midi_subset *a, const struct midi_subset *b)
{
	return a == b || (a && b && !memcmp(a->note, b->note, sizeof(a->note)) && !memcmp(a->poly, b->poly, sizeof(a->poly)) &&
			  !memcmp(a->control, b->control, sizeof(a->control)) && a->program == b->program &&
			  a->pressure == b->pressure && a->bend == b->bend && a->params == b->params && a->system == b->system &&
			  a->sysex == b->sysex);
}

static bool same_streams(const struct line_midi *a, const struct line_midi *b)
{
	const struct gestline *x = &a->l.desc, *y = &b->l.desc;

	return a->rtp.n_out == b->rtp.n_out && x->spread == y->spread && x->anchor == y->anchor && x->lossless == y->lossless &&
		x->rate == y->rate && x->guard_us == y->guard_us && same_subset(x->subset, y->subset);
}

static void take_leg(struct line_midi *m, struct line_midi *old)
{
	struct midi_leg *leg = m->leg;

	m->leg = old->leg;
	m->told = old->told;
	old->leg = leg;
	midi_leg_inherit_rt(m->leg, m, m->l.desc.subset);
	memcpy(m->out_of, old->out_of, sizeof(m->out_of));
}

/* Streams of another kind are others: BYE for those there were, and whoever is heard joins again. */
static void drop_streams(struct line_midi *m, struct line_midi *old, uint64_t now_us)
{
	for (unsigned i = 0; i < old->rtp.n_out; i++)
		if (old->rtp.out[i].used)
			line_rtp_shut_rt(&old->rtp, &old->rtp.out[i], now_us);
	memset(&m->l.told, 0, sizeof(m->l.told));
}

static void inherit_rt(struct line_rt *l, struct line_rt *old, uint64_t now_us)
{
	struct line_midi *m = of(l), *o = old ? of(old) : NULL;

	m->now_us = now_us;
	if (o) {
		o->now_us = now_us;
		line_midi_in_inherit_rt(m, o, now_us);
		if (same_streams(m, o))
			take_leg(m, o);
		else
			drop_streams(m, o, now_us);
	}
	line_rtp_inherit_rt(&m->rtp, o ? &o->rtp : NULL, now_us);
	if (l->desc.dir & LEG_DIR_SEND)
		midi_leg_resume_rt(m->leg);
	else
		midi_leg_pause_rt(m->leg);
}

static void recv_rt(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	of(l)->now_us = now_us;
	line_rtp_recv_rt(&of(l)->rtp, sock, from, buf, len, now_us);
}

/* ---- who comes and goes ---- */

static void join_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_midi *m = of(l);

	m->now_us = now_us;
	midi_leg_join_rt(m->leg, from->id, &from->midi, now_us);
}

/* "those that joined first, if there are more": who waited for a stream may have the one that is free now. */
static void leave_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_midi *m = of(l);
	struct line_rtp_out *out = line_rtp_of(&m->rtp, from);

	m->now_us = now_us;
	midi_leg_leave_rt(m->leg, from->id, now_us);
	if (out)
		out->from = NULL;                 /* on hold its stream stays, in case it is still here afterwards */
	for (struct player_rt *p = ensemble_next_rt(l, NULL); p; p = ensemble_next_rt(l, p))
		if (p != from && slots_has(&l->told, p->slot) && !midi_leg_has(m->leg, p->id))
			midi_leg_join_rt(m->leg, p->id, &p->midi, now_us);
}

/* ---- gestures out ---- */

static void send_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	const struct midi_leg_cmd c = {.id = g->from->id, .cmd = g->midi, .at_us = g->at_us, .ts = g->ts, .clock = g->clock};
	struct line_midi *m = of(l);
	struct midi_left left;

	m->now_us = now_us;
	tally_up_rt(&line_count(l)->messages_out);
	tally_up_rt(&l->player->n.messages_out);
	midi_leg_put_rt(m->leg, &c, now_us);
	if (!g->from->more)
		midi_leg_flush_rt(m->leg, now_us);
	midi_leg_left_rt(&left, m->leg);
	midi_left_tell_rt(line_count(l), &m->told, &left);
}

static void flush_rt(struct line_rt *l, uint64_t now_us)
{
	of(l)->now_us = now_us;
	midi_leg_flush_rt(of(l)->leg, now_us);
}

static void tell_midi_rt(struct line_rt *l, const struct midi_cmd *cmd, uint64_t now_us)
{
	of(l)->now_us = now_us;
	midi_leg_tell_rt(of(l)->leg, cmd, now_us);
}

static void refresh_rt(struct line_rt *l, uint64_t now_us)
{
	of(l)->now_us = now_us;
	midi_leg_renew_rt(of(l)->leg);
}

/* ---- time ---- */

static uint64_t due_rt(struct line_rt *l)
{
	const uint64_t leg = midi_leg_due_rt(of(l)->leg), rtp = line_rtp_due_rt(&of(l)->rtp);

	return leg < rtp ? leg : rtp;
}

static void tick_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_midi *m = of(l);

	m->now_us = now_us;
	midi_leg_tick_rt(m->leg, now_us);
	if (line_rtp_due_rt(&m->rtp) <= now_us) {
		line_rtp_tick_rt(&m->rtp, now_us);
		line_midi_in_tick_rt(m, now_us);
	}
}

static void close_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_midi *m = of(l);

	m->now_us = now_us;
	line_midi_in_close_rt(m, now_us);
	midi_leg_pause_rt(m->leg);
	line_rtp_close_rt(&m->rtp, now_us);
}

const struct line_ops line_midi_ops = {
	.alloc = alloc, .inherit_rt = inherit_rt, .recv_rt = recv_rt, .send_rt = send_rt, .flush_rt = flush_rt,
	.tell_midi_rt = tell_midi_rt, .join_rt = join_rt, .leave_rt = leave_rt, .refresh_rt = refresh_rt, .due_rt = due_rt, .tick_rt = tick_rt,
	.close_rt = close_rt,
};
