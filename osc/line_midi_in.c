/*
 * line_midi_in.c - RTP MIDI that comes: repaired by its journal, then command by command to the others of the room.
 *
 *      packet > may it? > midi_repair > commands > ensemble_midi_rt > their lines; they send when the packet is done
 *
 * A packet that is not taken (malformed, over the rate, against the direction) counts as lost, and the party's journal repairs it.
 */
#include <errno.h>
#include "line_midi.h"

enum { SILENT_US = 10 * 1000 * 1000 };

/* ---- one command ---- */

static void on_command(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct line_midi_in *in = arg;
	struct line_rt *l = &in->line->l;
	struct gesture g = {.from = l->player, .midi = cmd, .clock = l->desc.rate, .repaired = repair};

	if (!repair)
		in->ts += cmd->delta;
	/* "Commands excluded by `cm_unused` are neither forwarded to nor taken from that leg." */
	if (l->desc.subset && !midi_subset_allows(l->desc.subset, cmd))
		return;
	g.ts = in->ts;
	g.at_us = in->begin_us + (uint64_t)(in->ts - in->begin_ts) * 1000000 / l->desc.rate;
	ensemble_midi_rt(l, &g, in->now_us);
}

static void begin(struct line_midi_in *in, uint32_t ts, uint64_t at_us, uint64_t now_us)
{
	in->ts = in->begin_ts = ts;
	in->begin_us = at_us;
	in->now_us = now_us;
	ensemble_batch_rt(in->line->l.player);
}

static void done(struct line_midi_in *in)
{
	ensemble_flush_rt(in->line->l.player, in->now_us);
}

/* ---- packets ---- */

static struct line_midi_in *in_of(struct line_rt *l, const struct line_rtp_in *in)
{
	struct line_midi *m = (struct line_midi *)l;

	return m->in[in - m->rtp.in];
}

static bool may_come(struct line_rt *l, uint64_t now_us)
{
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		tally_up_rt(&line_count(l)->direction);
		return false;
	}
	return ensemble_admits_rt(l, now_us);
}

bool line_midi_in_packet_rt(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us)
{
	struct line_midi_in *mi = in_of(l, in);
	int err;

	if (!may_come(l, now_us))
		return false;
	begin(mi, pkt->ts, line_rtp_captured_rt(&((struct line_midi *)l)->rtp, in, pkt->ts, now_us), now_us);
	err = midi_repair_packet(mi->repair, pkt->seq, pkt->ts, pkt->payload, pkt->len);
	done(mi);
	if (err == EBADMSG)
		tally_up_rt(&line_count(l)->malformed);
	if (err == EALREADY)
		tally_up_rt(&line_count(l)->late);
	mi->live |= !err;
	return err != EBADMSG;
}

/* What it holds is let go, and it is forgotten. */
static void over(struct line_midi_in *mi, uint64_t now_us)
{
	if (mi->live) {
		begin(mi, mi->ts, now_us, now_us);
		midi_repair_end(mi->repair);
		done(mi);
	}
	midi_repair_restart(mi->repair);
	mi->live = false;
}

void line_midi_in_source_rt(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us)
{
	over(in_of(l, in), now_us);
}

void line_midi_in_bye_rt(struct line_rt *l, uint32_t ssrc, uint64_t now_us)
{
	struct line_midi *m = (struct line_midi *)l;

	for (unsigned i = 0; i < LINE_RTP_INS; i++)
		if (m->rtp.in[i].used && m->rtp.in[i].ssrc == ssrc)
			over(m->in[i], now_us);
}

/* A party that begins anew with another SSRC says no BYE for the old one: what that held must not hang while the new one plays. */
void line_midi_in_tick_rt(struct line_midi *m, uint64_t now_us)
{
	bool others = false;

	for (unsigned i = 0; i < LINE_RTP_INS; i++)
		others |= m->rtp.in[i].used && m->in[i]->live && now_us - m->rtp.in[i].heard_us <= SILENT_US;
	for (unsigned i = 0; others && i < LINE_RTP_INS; i++) {
		if (!m->rtp.in[i].used || now_us - m->rtp.in[i].heard_us <= SILENT_US)
			continue;
		over(m->in[i], now_us);
		m->rtp.in[i].used = false;
	}
}

/* ---- made and unmade ---- */

static void in_destroy(void *arg)
{
	struct line_midi_in *in = arg;

	mem_deref(in->repair);
}

int line_midi_in_alloc(struct line_midi *m)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		int err;

		m->in[i] = mem_zalloc(sizeof(*m->in[i]), in_destroy);
		if (!m->in[i])
			return ENOMEM;
		m->in[i]->line = m;
		err = midi_repair_alloc(&m->in[i]->repair, on_command, m->in[i]);
		if (err)
			return err;
	}
	return 0;
}

void line_midi_in_end(struct line_midi *m)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++)
		m->in[i] = mem_deref(m->in[i]);
}

/* "direction without sending": what it holds is released, while the old line may still say so. */
void line_midi_in_inherit_rt(struct line_midi *m, struct line_midi *old, uint64_t now_us)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		struct line_midi_in *mine = m->in[i];

		if (!(m->l.desc.dir & LEG_DIR_RECV))
			over(old->in[i], now_us);
		m->in[i] = old->in[i];
		m->in[i]->line = m;
		old->in[i] = mine;
		mine->line = old;
	}
}

void line_midi_in_close_rt(struct line_midi *m, uint64_t now_us)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++)
		over(m->in[i], now_us);
}
