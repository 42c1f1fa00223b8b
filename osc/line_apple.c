/*
 * line_apple.c - what a player that came by AppleMIDI plays, and what it hears: one merged stream.
 *
 *      RTP > midi_repair > ensemble          feedback (RS) to the peer four times a second at most
 *      ensemble > midi_merge > midi_sender > RTP          the peer's feedback moves the checkpoint
 *
 * Not the line of G1 with other sockets: there is no RTCP, no description, no payload type to agree on, timestamps are those of the
 * clock both ends have compared, and one SSRC is all such software knows. What is common stands in midi_merge, midi_sender and
 * midi_repair.
 *
 * A late joiner is told the state so far as commands, not in a journal: most of this software looks at no journal before it has
 * missed something. Notes that sound are not struck late.
 */
#include <errno.h>
#include <string.h>
#include "mixer/rtp.h"
#include "line_apple.h"
#include "midi_left.h"
#include "midi_merge.h"
#include "midi_repair.h"
#include "midi_sender.h"

enum {
	PT          = 97,            /* what all such software sends and most insists on */
	CLOCK       = 10000,
	UNIT_US     = 1000000 / CLOCK,
	SOURCES     = 48,
	MTU         = 1200,
	STRIKE_LATE = CLOCK * 40 / 1000,
	FEEDBACK_US = 250 * 1000,
	LATE_MAX    = 10 * CLOCK,    /* a capture time further back than that is not believed */
};

struct line_apple {
	struct line_rt l;                 /* first */
	struct appledoor *door;           /* NULL: gone */
	unsigned slot;
	uint32_t session;
	struct midi_repair *repair;
	struct midi_merge *merge;
	struct midi_sender *sender;
	bool     waiting;                 /* commands are in the sender and not yet sent */
	uint64_t now_us;                  /* of the call that runs */
	uint64_t feedback_us;
	uint32_t ts;                      /* of the command that is being repaired or read */
	struct midi_left told;            /* what the counters know of what the merge left out */
};

/* ---- out ---- */

static void flush(struct line_apple *a)
{
	const struct applepeer *p = a->door ? appledoor_peer_rt(a->door, a->slot) : NULL;
	struct rtp_pkt rtp = {.pt = PT};
	uint8_t buf[RTP_HDR_LEN + MTU];
	size_t hdr = sizeof(buf), len = MTU;

	a->waiting = false;
	if (!p)
		return;
	rtp.ssrc = p->session.conf.ssrc;
	rtp.ts = applepeer_time(p, a->now_us);
	if (midi_sender_packet(buf + RTP_HDR_LEN, &len, &rtp.seq, &rtp.marker, a->sender, rtp.ts, a->now_us) ||
		rtp_write_hdr(buf, &hdr, &rtp))
		return;
	appledoor_send_rt(a->door, a->slot, buf, hdr + len);
}

/* Commands of one moment go in one packet. */
static void put(const struct midi_cmd *cmd, void *arg)
{
	struct line_apple *a = arg;
	struct midi_cmd now = *cmd;
	int err;

	now.delta = 0;
	err = midi_sender_put(a->sender, &now);
	if (err == ENOSPC) {
		flush(a);
		err = midi_sender_put(a->sender, &now);
	}
	if (err) {                        /* SysEx that cannot be protected */
		tally_up_rt(&line_count(&a->l)->sysex);
		return;
	}
	a->waiting = true;
	tally_up_rt(&line_count(&a->l)->messages_out);
	tally_up_rt(&a->l.player->n.messages_out);
}

static void begin(struct line_apple *a, uint64_t now_us)
{
	a->now_us = now_us;
}

static void end(struct line_apple *a)
{
	if (a->waiting)
		flush(a);
}

static void apple_send_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;
	struct midi_left left = {0};

	begin(a, now_us);
	midi_merge_put_rt(a->merge, g->from->id, g->midi, now_us, put, a);
	end(a);
	midi_left_of_merge_rt(&left, midi_merge_stats(a->merge));
	midi_left_tell_rt(line_count(l), &a->told, &left);
}

static void apple_tell_midi_rt(struct line_rt *l, const struct midi_cmd *cmd, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	begin(a, now_us);
	put(cmd, a);
	end(a);
}

static void apple_join_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	begin(a, now_us);
	(void)midi_merge_join_rt(a->merge, from->id, &from->midi, now_us, put, a);      /* ENOSPC: it is not heard here */
	end(a);
}

static void apple_leave_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	begin(a, now_us);
	midi_merge_leave_rt(a->merge, from->id, put, a);
	end(a);
}

static void apple_refresh_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	begin(a, now_us);
	midi_sender_renew(a->sender);
	flush(a);
}

/* ---- in ---- */

/* When it was played, on our clock, as far as the clocks have been compared; else now. */
static uint64_t captured_us(const struct line_apple *a, const struct applepeer *p)
{
	/* Shown to the peer is our clock and ahead_us; the session's offset is the peer's clock less that. */
	const uint32_t ours = a->ts - (uint32_t)p->session.offset;
	const int32_t late = rtp_ts_diff(applepeer_time(p, a->now_us), ours);

	return p->session.has_offset && late > 0 && late < LATE_MAX ? a->now_us - (uint64_t)late * UNIT_US : a->now_us;
}

static void command(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct line_apple *a = arg;
	const struct applepeer *p = a->door ? appledoor_peer_rt(a->door, a->slot) : NULL;
	struct gesture g = {.from = a->l.player, .midi = cmd, .clock = CLOCK, .repaired = repair};

	a->ts += cmd->delta;
	g.ts = a->ts;
	g.at_us = p ? captured_us(a, p) : a->now_us;
	ensemble_midi_rt(&a->l, &g, a->now_us);
}

void line_apple_rtp_rt(struct line_apple *a, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct relay_count *n = line_count(&a->l);
	struct rtp_pkt rtp;
	uint64_t lost;
	int err;

	/* Any payload type, marker or not. */
	if (rtp_read(&rtp, buf, len)) {
		tally_up_rt(&n->malformed);
		return;
	}
	line_heard_rt(&a->l, now_us);
	if (!ensemble_admits_rt(&a->l, now_us))
		return;
	begin(a, now_us);
	a->ts = rtp.ts;
	lost = midi_repair_stats(a->repair)->lost;
	err = midi_repair_packet(a->repair, rtp.seq, rtp.ts, rtp.payload, rtp.len);
	tally_add_rt(&a->l.player->n.lost, midi_repair_stats(a->repair)->lost - lost);
	if (err == EBADMSG)
		tally_up_rt(&n->malformed);
	else if (err)
		tally_up_rt(&n->late);
	if (!err && a->feedback_us == UINT64_MAX)
		a->feedback_us = now_us + FEEDBACK_US;
}

void line_apple_report_rt(struct line_apple *a, uint16_t seq)
{
	midi_sender_report(a->sender, seq);
}

void line_apple_heard_rt(struct line_apple *a, uint64_t now_us)
{
	const struct applepeer *p = a->door ? appledoor_peer_rt(a->door, a->slot) : NULL;

	line_heard_rt(&a->l, now_us);
	if (p && p->session.has_offset)
		tally_set_rt(&a->l.player->n.rtt_us, p->session.round_trip * UNIT_US);
}

/* ---- beginning, time, end ---- */

static void apple_inherit_rt(struct line_rt *l, struct line_rt *old, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	(void)old;                        /* a session has one line in its life */
	begin(a, now_us);
	if (!appledoor_attach_rt(a->door, a->slot, a->session, a))
		a->door = NULL;
}

static uint64_t apple_due_rt(struct line_rt *l)
{
	const struct line_apple *a = (const struct line_apple *)l;
	const uint64_t guard_us = midi_sender_due_us(a->sender);

	if (!a->door)
		return UINT64_MAX;
	return guard_us < a->feedback_us ? guard_us : a->feedback_us;
}

static void apple_tick_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	begin(a, now_us);
	if (now_us >= a->feedback_us) {
		a->feedback_us = UINT64_MAX;
		appledoor_feedback_rt(a->door, a->slot, (uint16_t)midi_repair_highest(a->repair));
	}
	if (a->door && now_us >= midi_sender_due_us(a->sender))
		flush(a);
}

static void apple_close_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_apple *a = (struct line_apple *)l;

	(void)now_us;
	if (a->door)
		appledoor_detach_rt(a->door, a->slot, a);
	a->door = NULL;
}

void line_apple_gone_rt(struct line_apple *a)
{
	a->door = NULL;
}

static const struct line_ops line_apple_ops = {
	.inherit_rt = apple_inherit_rt,
	.send_rt = apple_send_rt,
	.join_rt = apple_join_rt,
	.leave_rt = apple_leave_rt,
	.refresh_rt = apple_refresh_rt,
	.due_rt = apple_due_rt,
	.tick_rt = apple_tick_rt,
	.close_rt = apple_close_rt,
	.tell_midi_rt = apple_tell_midi_rt,
};

static void apple_end(struct line_rt *l)
{
	struct line_apple *a = (struct line_apple *)l;

	mem_deref(a->repair);
	mem_deref(a->merge);
	mem_deref(a->sender);
}

int line_apple_alloc(struct line_rt **lp, const struct relay_conf *conf, struct appledoor *d, unsigned slot, uint32_t session)
{
	const struct midi_merge_conf merge = {.sources = SOURCES, .sysex_max = conf->sysex_max};
	const struct midi_sender_conf sender = {.policy = MIDI_CLOSED_LOOP, .seq = rand_u16(),
		.max = conf->mtu < MTU ? conf->mtu : MTU, .play = STRIKE_LATE};
	struct gestline desc;
	struct line_apple *a;
	int err;

	gestline_init(&desc, GESTLINE_MIDI);
	desc.dir = LEG_DIR_BOTH;
	desc.rate = CLOCK;
	desc.pt = PT;
	err = line_alloc((struct line_rt **)&a, sizeof(*a), &line_apple_ops, &desc, apple_end);
	if (err)
		return err;
	a->door = d;
	a->slot = slot;
	a->session = session;
	a->feedback_us = UINT64_MAX;
	err = midi_repair_alloc(&a->repair, command, a);
	if (!err)
		err = midi_merge_alloc(&a->merge, &merge);
	if (!err)
		err = midi_sender_alloc(&a->sender, &sender, NULL);
	if (err)
		mem_deref(a);
	else
		*lp = &a->l;
	return err;
}
