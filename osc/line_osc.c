/*
 * line_osc.c - RTP lines of OSC (G2): the payload "osc" of section 6, both directions.
 *
 *      out[0]     the server's own stream: control messages, the house, and all players that have no stream of their own (merged)
 *      out[1..]   a player's stream each, where the party takes several (gest-sources)
 *
 * Each has a sender (oscsend) with its own numbers, checkpoint and journal, driven by this party's reports: T2. All senders are there
 * from the beginning; one that is used again for another player begins anew under another SSRC.
 */
#include <errno.h>
#include <string.h>
#include "line_osc.h"

enum { MERGED_KEYS = 16384, MERGED_BYTES = 1024 * 1024, HEADROOM = 8, ASKED_US = 500000, PACKETS_A_TICK = 8 };

/* ---- out ---- */

static uint8_t *packet_buf(struct line_osc *o, size_t *size)
{
	*size = FORWARD_SCRATCH_SIZE - LINE_ROOM;
	return forward_buf_rt(o->l.forward, SCRATCH_PACKET);
}

/* 10.3: "ts_out = ts_in × rate_out / rate_in + constant (the constant random, fixed for the life of the stream [..])"; sender reports
 * follow it. A source whose clock is not known goes by the server's. */
static uint32_t mapped(struct line_osc *o, struct line_rtp_out *out, struct osc_times *t, const struct out_item *it)
{
	const uint32_t own = line_rtp_ts_rt(&o->rtp, out, it->at_us);
	uint32_t ts;

	if (!it->clock)
		return own;
	if (!t->known || t->clock != it->clock)
		*t = (struct osc_times){.known = true, .clock = it->clock, .last_in = it->ts, .base = own};
	t->units  += rtp_ts_diff(it->ts, t->last_in);
	t->last_in = it->ts;
	ts = t->base + (uint32_t)(t->units * o->l.desc.rate / it->clock);
	out->ts_base += ts - own;
	return ts;
}

static void too_big(struct line_osc *o, const struct out_item *it, uint64_t now_us)
{
	struct osc_iter iter;
	struct osc_msg msg;

	(void)o;
	osc_iter_init(&iter, it->osc, it->len);
	if (it->from && osc_next(&iter, &msg))
		ensemble_error_rt(it->from, GEST_TOO_BIG, msg.addr, now_us);
}

/* What a journal told with its time goes on with it: in a bundle with that time tag, where there is room for one. */
static void stamp(const struct line_osc *o, struct oscsend_item *item, uint8_t buf[OSCSEND_MTU_MAX],
		  const struct out_item *it)
{
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	if (!it->exact || osc_is_bundle(it->osc, it->len) || osc_msg_read(&msg, it->osc, it->len))
		return;
	osc_w_init(&w, buf, o->l.desc.takes.max < OSCSEND_MTU_MAX ? o->l.desc.takes.max : OSCSEND_MTU_MAX);
	osc_w_bundle(&w, line_rtp_ntp_rt(&o->rtp, it->at_us));
	osc_w_copy(&w, &msg, "", 0);
	osc_w_bundle_end(&w);
	if (osc_w_end(&w, &len))
		return;
	item->osc = buf;
	item->len = len;
}

static void put_rt(struct line_rt *l, const struct out_item *it, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;
	struct line_rtp_out *out = line_rtp_of(&o->rtp, it->from);
	struct oscsend_time now = {.us = now_us, .ntp = line_rtp_ntp_rt(&o->rtp, now_us)};
	struct oscsend_item item = {.osc = it->osc, .len = it->len, .event = it->event, .kinds = it->from ? it->from->kinds : NULL};
	const bool merged = !out;
	uint8_t stamped[OSCSEND_MTU_MAX];
	size_t len;
	uint8_t *buf;
	int err;

	/* 5.6: "On G2 the others go merged in the server's SSRC with prefix; in `source` view not at all." */
	if (merged && it->from && l->desc.view == VIEW_SOURCE)
		return;
	/* T1: what waited from before is in its source's own snapshot */
	if (!merged && out->through)
		return;
	if (merged)
		out = &o->rtp.out[0];
	item.ts = merged ? line_rtp_ts_rt(&o->rtp, out, it->at_us) : mapped(o, out, &o->times[out - o->rtp.out], it);
	now.ts = line_rtp_ts_rt(&o->rtp, out, now_us);
	stamp(o, &item, stamped, it);
	buf = packet_buf(o, &len);
	err = oscsend_mixed_rt(o->send[out - o->rtp.out], buf, &len, &item, 1, &(uint32_t){it->from ? it->from->ssrc : 0},
			       merged && it->from, &now);
	if (!err)
		line_rtp_send_rt(&o->rtp, out, buf, len, now_us);
	else if (err == EMSGSIZE)
		too_big(o, it, now_us);
}

/* ---- players come and go ---- */

/* Its state into the first snapshot of a stream. false: that has gone already. */
static bool load(struct line_osc *o, struct oscsend *s, struct player_rt *from)
{
	for (unsigned i = 0; i < from->keys->slots; i++) {
		const struct key *key = &from->keys->key[i];
		struct osc_msg msg, seen;
		unsigned errors;
		uint8_t *buf;
		size_t len;

		if (!key->used || !key->live)
			continue;
		osckeys_msg_rt(&msg, from->keys, key);
		if (!line_out_last_writer_rt(&o->out, from, &msg, key))
			continue;
		len = line_out_view_rt(&o->out, &buf, from, msg.raw, msg.len, &errors);
		if (len && !osc_msg_read(&seen, buf, len) && oscsend_load_rt(s, &seen) == EINVAL && !kind_never_state(seen.addr, seen.addr_len))
			return false;
	}
	return true;
}

/* A stream of its own, if there is one left; 0: the merged one. */
static unsigned open_stream(struct line_osc *o, struct player_rt *from, uint64_t now_us)
{
	struct line_rtp_out *out = line_rtp_open_rt(&o->rtp, from, now_us);
	const unsigned i = out ? (unsigned)(out - o->rtp.out) : 0;

	if (!out)
		return 0;
	/* So no stream of the server's has a number that a stream which goes through may have later. */
	if (o->through.on && o->l.desc.view == VIEW_SOURCE)
		line_rtp_anew_rt(&o->rtp, out, 0, now_us);
	oscsend_reset_rt(o->send[i], out->ssrc, (uint16_t)forward_random_rt(o->l.forward));
	o->times[i].known = false;
	line_through_open_rt(o, out, now_us);
	return i;
}

void line_osc_tell_anew_rt(struct line_osc *o, struct line_rtp_out *out)
{
	const unsigned i = (unsigned)(out - o->rtp.out);

	oscsend_reset_rt(o->send[i], out->ssrc, (uint16_t)forward_random_rt(o->l.forward));
	o->times[i].known = false;
	(void)load(o, o->send[i], out->from);     /* a stream that begins takes all */
}

static void forget_merged(struct line_osc *o, const struct player_rt *from)
{
	char prefix[4 + VIEW_NAME_MAX] = "/p/";

	memcpy(prefix + 3, from->name, strlen(from->name) + 1);
	if (o->l.desc.view == VIEW_PREFIX)
		oscsend_forget_rt(o->send[0], prefix);
}

/* "those that joined first, if there are more": a stream that is free again is for who waited longest in the merged one. */
static void promote(struct line_osc *o, uint64_t now_us)
{
	for (struct player_rt *p = NULL; (p = ensemble_next_rt(&o->l, p)) != NULL;) {
		unsigned i;

		if (!slots_has(&o->l.told, p->slot) || line_rtp_of(&o->rtp, p))
			continue;
		i = open_stream(o, p, now_us);
		if (!i)
			return;
		forget_merged(o, p);
		if (!o->rtp.out[i].through)
			(void)load(o, o->send[i], p);     /* a stream that begins takes all */
	}
}

static void join_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;
	const unsigned i = open_stream(o, from, now_us);

	if (o->rtp.out[i].through) {              /* its source tells its state */
		line_out_join_rt(&o->out, from, false, now_us);
		return;
	}
	/* with rec=none there is no snapshot: what there is is said and repeated */
	line_out_join_rt(&o->out, from, !load(o, o->send[i], from) || !l->desc.journal, now_us);
}

static void leave_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;
	struct line_rtp_out *out = line_rtp_of(&o->rtp, from);

	line_out_leave_rt(&o->out, from, now_us);
	slots_take(&o->through.apart, from->slot);
	if (!out) {
		forget_merged(o, from);
		return;
	}
	line_rtp_shut_rt(&o->rtp, out, now_us);
	promote(o, now_us);
}

static void snapshot(struct line_osc *o, unsigned i, uint64_t now_us)
{
	if (o->rtp.out[i].through) {
		line_through_ask_rt(o, &o->rtp.out[i], now_us);
		return;
	}
	oscsend_snapshot_rt(o->send[i]);
	tally_up_rt(&line_count(&o->l)->snapshots);
}

/* At most two a second, however often it is asked for. */
static bool may_ask(struct line_osc *o, uint64_t now_us)
{
	if (o->asked_us && now_us - o->asked_us < ASKED_US)
		return false;
	o->asked_us = now_us;
	return true;
}

static void refresh_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	if (!may_ask(o, now_us))
		return;
	for (unsigned i = 0; i < o->rtp.n_out; i++) {
		if (o->rtp.out[i].used)
			snapshot(o, i, now_us);
	}
	if (!l->desc.journal)
		line_out_refresh_rt(&o->out, now_us);
}

/* ---- RTCP ---- */

static void report_rt(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, uint32_t ehsn, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	oscsend_report_rt(o->send[out - o->rtp.out], reporter, ehsn, now_us);
}

static void bye_rt(struct line_rt *l, uint32_t ssrc, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	for (unsigned i = 0; i < o->rtp.n_out; i++)
		oscsend_bye_rt(o->send[i], ssrc);
	line_through_bye_rt(o, ssrc, now_us);
}

static void pli_rt(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	if (may_ask(o, now_us))
		snapshot(o, (unsigned)(out - o->rtp.out), now_us);
}

static void renumber_rt(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	if (out->through)
		line_through_apart_rt(o, out, now_us);
	else
		oscsend_renumber_rt(o->send[out - o->rtp.out], out->ssrc);
}

static const struct line_rtp_ops rtp_ops = {
	.packet_rt = line_osc_packet_rt, .source_rt = line_osc_source_rt, .report_rt = report_rt, .bye_rt = bye_rt,
	.refresh_rt = pli_rt, .renumber_rt = renumber_rt, .block_rt = line_through_block_rt, .sender_rt = line_through_sender_rt,
	.relayed_rt = line_through_report_rt, .shut_rt = line_through_shut_rt,
};

/* ---- life ---- */

static void end(struct line_rt *l)
{
	struct line_osc *o = (struct line_osc *)l;

	for (unsigned i = 0; i < LINE_RTP_OUTS; i++)
		mem_deref(o->send[i]);
	for (unsigned i = 0; i < LINE_RTP_INS; i++)
		mem_deref(o->recv[i]);
	line_out_end(&o->out);
	line_rtp_end(&o->rtp);
}

static int senders_alloc(struct line_osc *o, const struct gestline *desc)
{
	int err = 0;

	for (unsigned i = 0; i < o->rtp.n_out && !err; i++) {
		const struct oscsend_cfg cfg = {.pt = desc->pt, .mtu = o->mtu, .max = o->l.desc.takes.max, .journal = desc->journal,
			.red = desc->takes.red, .guard_ms = desc->takes.guard_ms, .tt_exec = true, .clock_rate = desc->rate,
			.receiver = true, .seed = rand_u64(),
			.keys_max = i ? 0 : MERGED_KEYS, .bytes_max = i ? 0 : MERGED_BYTES};

		err = oscsend_alloc(&o->send[i], &cfg);
	}
	return err;
}

static int alloc(struct line_rt **lp, const struct relay_conf *conf, const struct gestline *desc)
{
	/* 5.4: flat: "one merged SSRC" */
	const unsigned outs = desc->view == VIEW_FLAT ? 1 : desc->sources;
	struct line_osc *o;
	struct line_rt *l;
	int err = line_alloc(&l, sizeof(*o), &line_osc_ops, desc, end);

	if (err)
		return err;
	o = (struct line_osc *)l;
	o->mtu = conf->mtu < OSCSEND_MTU_MAX ? conf->mtu : OSCSEND_MTU_MAX;
	/* "an OSC packet that does not fit (`max`, or path MTU less headers) is not sent on G2" */
	if (l->desc.takes.max > o->mtu - HEADROOM)
		l->desc.takes.max = (o->mtu - HEADROOM) & ~(size_t)3;
	o->through.on = conf->transparent;
	bucket_init(&o->through.up, conf->rate, 0);
	o->out.put_rt = put_rt;
	o->out.refresh_ms = desc->journal ? 0 : desc->takes.refresh_ms;
	err = line_rtp_alloc(&o->rtp, l, desc, &rtp_ops, outs);
	if (!err)
		err = line_out_alloc(&o->out, l, desc);
	if (!err)
		err = senders_alloc(o, desc);
	if (!err)
		err = line_osc_recv_alloc(o, desc);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

/* Streams for which there is no place any more, or that look otherwise from now on. */
static void shut(struct line_osc *o, struct line_osc *old, bool otherwise, uint64_t now_us)
{
	for (unsigned i = 1; i < LINE_RTP_OUTS; i++) {
		struct line_rtp_out *out = &old->rtp.out[i];

		if (!out->used || (i < o->rtp.n_out && !otherwise))
			continue;
		slots_take(&o->l.told, out->from->slot);
		line_rtp_shut_rt(&old->rtp, out, now_us);
	}
}

static void take_over(struct line_osc *o, struct line_osc *old, bool otherwise)
{
	const struct gestline *d = &o->l.desc;

	for (unsigned i = 0; i < o->rtp.n_out && i < old->rtp.n_out; i++) {
		struct oscsend *s = o->send[i];

		o->send[i] = old->send[i];
		old->send[i] = s;
		o->times[i] = old->times[i];
		(void)oscsend_change_rt(o->send[i], d->pt, d->takes.max, d->takes.red, d->takes.guard_ms);   /* bounds were looked at */
	}
	if (otherwise) {
		oscsend_forget_rt(o->send[0], "");
		memset(&o->l.told, 0, sizeof(o->l.told));
	}
}

static void inherit_rt(struct line_rt *l, struct line_rt *old_line, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l, *old = (struct line_osc *)old_line;
	const bool same = old && old->l.desc.journal == l->desc.journal && old->l.desc.rate == l->desc.rate;
	const bool otherwise = same && old->l.desc.view != l->desc.view;

	if (same)
		shut(o, old, otherwise, now_us);
	else if (old)
		line_rtp_close_rt(&old->rtp, now_us);
	if (old)
		line_through_inherit_rt(o, old, same);
	line_rtp_inherit_rt(&o->rtp, same ? &old->rtp : NULL, now_us);
	line_out_inherit_rt(&o->out, same ? &old->out : NULL, now_us);
	for (unsigned i = 0; same && i < LINE_RTP_INS; i++) {
		struct oscrecv *r = o->recv[i];

		o->recv[i] = old->recv[i];
		old->recv[i] = r;
		oscrecv_change_rt(o->recv[i], l->desc.space ? &l->desc.space->kinds : NULL, o);
	}
	if (same) {
		take_over(o, old, otherwise);
		o->asked_us = old->asked_us;
		return;
	}
	memset(&l->told, 0, sizeof(l->told));
	oscsend_reset_rt(o->send[0], o->rtp.out[0].ssrc, (uint16_t)forward_random_rt(l->forward));
}

static void recv_rt(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	line_rtp_recv_rt(&((struct line_osc *)l)->rtp, sock, from, buf, len, now_us);
}

static void send_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	if (!line_through_has_rt(o, g->from, now_us))
		line_out_send_rt(&o->out, g, now_us);
}

static void tell_rt(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us)
{
	line_out_tell_rt(&((struct line_osc *)l)->out, osc, len, now_us);
}

static bool talks(const struct line_rt *l)
{
	return l->desc.dir & LEG_DIR_SEND;
}

static uint64_t due_rt(struct line_rt *l)
{
	struct line_osc *o = (struct line_osc *)l;
	uint64_t due = line_rtp_due_rt(&o->rtp), d = line_out_due_rt(&o->out);

	due = d < due ? d : due;
	d = line_through_due_rt(o);
	due = d < due ? d : due;
	for (unsigned i = 0; talks(l) && i < o->rtp.n_out; i++) {
		d = o->rtp.out[i].used && !o->rtp.out[i].through ? oscsend_due_rt(o->send[i]) : UINT64_MAX;
		due = d < due ? d : due;
	}
	return due;
}

static void streams_tick(struct line_osc *o, unsigned i, uint64_t now_us)
{
	for (unsigned k = 0; k < PACKETS_A_TICK && oscsend_due_rt(o->send[i]) <= now_us; k++) {
		struct line_rtp_out *out = &o->rtp.out[i];
		const struct oscsend_time now = {.us = now_us, .ntp = line_rtp_ntp_rt(&o->rtp, now_us),
			.ts = line_rtp_ts_rt(&o->rtp, out, now_us)};
		size_t len;
		uint8_t *buf = packet_buf(o, &len);

		if (oscsend_tick_rt(o->send[i], buf, &len, &now))
			return;
		line_rtp_send_rt(&o->rtp, out, buf, len, now_us);
	}
}

static void tick_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_osc *o = (struct line_osc *)l;

	line_out_tick_rt(&o->out, now_us);
	for (unsigned i = 0; talks(l) && i < o->rtp.n_out; i++) {
		if (o->rtp.out[i].used && !o->rtp.out[i].through)
			streams_tick(o, i, now_us);
	}
	line_rtp_tick_rt(&o->rtp, now_us);
	line_osc_ask_rt(o, now_us);
	line_through_tick_rt(o, now_us);
}

static void close_rt(struct line_rt *l, uint64_t now_us)
{
	line_rtp_close_rt(&((struct line_osc *)l)->rtp, now_us);
}

const struct line_ops line_osc_ops = {
	.alloc = alloc, .inherit_rt = inherit_rt, .recv_rt = recv_rt, .send_rt = send_rt, .tell_rt = tell_rt,
	.join_rt = join_rt, .leave_rt = leave_rt, .refresh_rt = refresh_rt, .due_rt = due_rt, .tick_rt = tick_rt,
	.close_rt = close_rt,
};
