/*
 * line_through_report.c - T1 of section 10.2, the RTCP of streams that go through.
 *
 *      source > SR, CNAME > hearers          NAME is the name the house gave
 *      hearers > block, PLI, BYE > source    each by its own SSRC: "which then computes min M(k) over all of them"
 *
 * "The server MUST NOT acknowledge the source itself and pass the source's journal on unchanged": where all who hear a stream hear it so, the
 * server's reports are silent on it. Only, if it has spoken before, the source waits 25 s for more (6.5): so long the server says
 * what the hindmost of them has said, and nothing more. With SRTP a party has too few places for the reports of all; it hears just that.
 */
#include "line_through.h"

enum { PASS_US = 100000, ASK_US = 250000, GONE_US = 25000000, LINGER_US = 30000000 };

/* Can the reports of this hearer be in its own name? That it plays under the same SSRC, and its stream goes through too, is as it should be. */
static bool by_name(struct line_osc *src, const struct player_rt *hearer, uint32_t reporter)
{
	return reporter && !src->rtp.tx && line_rtp_free_rt(&src->rtp, reporter, line_through_out(src, hearer));
}

/* ---- from the hearers ---- */

void line_through_report_rt(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, const struct rtcp_block *block, uint64_t now_us)
{
	struct line_osc *src = line_through_source(out->from);
	const struct rtcp_report rep = {.ssrc = reporter, .cname = l->player->name, .blocks = block, .n_blocks = 1};

	if (!src || !out->packets || (out->passed_us && now_us - out->passed_us < PASS_US))
		return;
	if (out->reporter != reporter)
		line_through_shut_rt(l, out, now_us);
	out->reporter = reporter;
	out->ehsn = block->ext_seq;
	out->reported_us = out->passed_us = now_us;
	if (by_name(src, l->player, reporter))
		line_rtp_relay_rt(&src->rtp, &rep, "", 0);
}

/* It hears the source no more, or not so: what it had does not count any longer. While its own stream goes through to the source there is no
 * BYE to say in its name; then the source waits 25 s for its reports. */
void line_through_shut_rt(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us)
{
	struct line_osc *src = line_through_source(out->from);
	const struct rtcp_report rep = {.ssrc = out->reporter, .cname = l->player->name, .bye = true};

	const struct line_rtp_out *its = src ? line_through_out(src, l->player) : NULL;

	(void)now_us;
	if (src && by_name(src, l->player, out->reporter) && !(its && its->ssrc == out->reporter))
		line_rtp_relay_rt(&src->rtp, &rep, "", 0);
	out->reporter = 0;
}

void line_through_ask_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us)
{
	struct line_osc *src = line_through_source(out->from);

	(void)now_us;
	if (!src)
		return;
	src->through.ask   = true;
	src->through.asker = by_name(src, o->l.player, out->reporter) ? out->reporter : 0;
}

uint64_t line_through_due_rt(const struct line_osc *o)
{
	return o->through.ask ? o->through.ask_us : UINT64_MAX;
}

static void ask_by_message(struct line_osc *o, uint64_t now_us)
{
	const struct gest g = {.kind = GEST_REFRESH};
	uint8_t *buf = forward_buf_rt(o->l.forward, SCRATCH_GEST);
	size_t len = FORWARD_SCRATCH_SIZE;

	if (!gest_write(buf, &len, &g))
		line_out_tell_rt(&o->out, buf, len, now_us);
}

/* One snapshot is for all who hear the stream: what is wanted within a quarter of a second is asked once. */
void line_through_tick_rt(struct line_osc *o, uint64_t now_us)
{
	const struct rtcp_report rep = {.ssrc = o->through.asker, .cname = "tutti"};
	const struct line_rtp_in *in;

	if (!o->through.ask || now_us < o->through.ask_us)
		return;
	o->through.ask = false;
	o->through.ask_us = now_us + ASK_US;
	in = line_through_stream(o);
	if (!in)
		return;
	if (o->l.desc.pli && rep.ssrc)
		line_rtp_relay_rt(&o->rtp, &rep, "", in->ssrc);
	else if (!line_rtp_ask_rt(&o->rtp, in, now_us))
		ask_by_message(o, now_us);
}

/* ---- our own ---- */

struct hearers { unsigned through, others; };

/* Others: they hear the source in streams of ours, or not by RTP OSC at all. */
static struct hearers count(const struct player_rt *from)
{
	struct hearers n = {0};

	for (struct le *le = from->ensemble ? from->ensemble->players.head : NULL; le; le = le->next) {
		const struct player_rt *to = le->data;
		bool hears = false;

		for (unsigned k = 0; k < GESTLINE_KINDS; k++)
			hears |= to->line[k] && slots_has(&to->line[k]->told, from->slot);
		if (to == from || !hears)
			continue;
		if (line_through_out(line_through_line(to), from))
			n.through++;
		else
			n.others++;
	}
	return n;
}

/* Of what has come, what all who are still there have reported. false: somebody has said nothing yet. */
static bool hindmost(const struct player_rt *from, uint32_t *ehsn, uint64_t now_us)
{
	const uint32_t ours = *ehsn;

	for (struct le *le = from->ensemble->players.head; le; le = le->next) {
		const struct line_rtp_out *out = line_through_out(line_through_line(le->data), from);
		int behind;

		/* 6.5: "A receiver whose reports stop for 5 RTCP intervals (at least 25 s) is dropped" */
		if (!out || now_us - out->reported_us > GONE_US)
			continue;
		if (!out->reporter)
			return false;
		behind = rtp_seq_diff((uint16_t)ours, (uint16_t)out->ehsn);
		if (behind > 0 && ours - (uint32_t)behind < *ehsn)
			*ehsn = ours - (uint32_t)behind;
	}
	return true;
}

bool line_through_block_rt(struct line_rt *l, struct line_rtp_in *in, struct rtcp_block *block, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;
	struct hearers n = {0};

	if (o->through.on && in->ssrc == l->player->ssrc)
		n = count(l->player);
	if (!n.through || (n.others && !o->rtp.tx)) {
		in->acked_us = now_us;
		return true;
	}
	if (!o->rtp.tx && (!in->acked_us || now_us - in->acked_us > LINGER_US))
		return false;
	return hindmost(l->player, &block->ext_seq, now_us);
}

/* ---- from the source ---- */

void line_through_sender_rt(struct line_rt *l, const struct line_rtp_in *in, const struct rtcp_info *info, uint64_t now_us)
{
	const struct player_rt *from = l->player;
	const struct rtcp_report rep = {.ssrc = in->ssrc, .sender = true, .ntp = info->ntp, .rtp_ts = info->rtp_ts, .packets = info->packets,
		.octets = info->octets, .cname = from->party_cname[0] ? from->party_cname : from->name};

	(void)now_us;
	for (struct le *le = from->ensemble ? from->ensemble->players.head : NULL; le; le = le->next) {
		struct line_osc *to = line_through_line(le->data);
		struct line_rtp_out *out = line_through_out(to, from);

		if (out && out->ssrc == in->ssrc && out->packets)
			line_rtp_relay_rt(&to->rtp, &rep, from->name, 0);
	}
}

void line_through_bye_rt(struct line_osc *o, uint32_t ssrc, uint64_t now_us)
{
	const struct player_rt *p = o->l.player;

	for (unsigned i = 1; i < o->rtp.n_out; i++) {
		struct line_rtp_out *out = &o->rtp.out[i];

		if (out->used && out->through && out->reporter == ssrc)
			line_through_shut_rt(&o->l, out, now_us);
	}
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct line_osc *to = line_through_line(le->data);
		struct line_rtp_out *out = line_through_out(to, p);

		if (out && out->ssrc == ssrc)
			line_through_end_rt(to, out, now_us);
	}
}
