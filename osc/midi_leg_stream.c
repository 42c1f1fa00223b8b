/*
 * midi_leg_stream.c - one stream of a leg: its clock, the commands that wait for the packet to be whole, SysEx in segments.
 */
#include <errno.h>

#include "midi_leg_priv.h"
#include "rtpmidi.h"

enum { SECOND_US = 1000000, DRIFT_S = 10 };

bool leg_may_rt(const struct midi_leg *l, const struct midi_cmd *cmd)
{
	if (l->conf.subset)
		return midi_subset_allows(l->conf.subset, cmd);
	/* "The System Common undefined commands (0xF4, 0xF5) and the System Real-Time Undefined commands (0xF9, 0xFD) are implicitly
	 * assigned to cm_unused." (RFC 6295 C.1) */
	return cmd->status != MIDI_UNDEF_F4 && cmd->status != MIDI_UNDEF_F5 && cmd->status != MIDI_UNDEF_F9 &&
		cmd->status != MIDI_UNDEF_FD;
}

/* ---- time ---- */

static uint32_t ticks(uint64_t us, uint32_t rate)
{
	return (uint32_t)(us / SECOND_US * rate + us % SECOND_US * rate / SECOND_US);
}

uint32_t leg_stream_now_rt(const struct leg_stream *st, uint64_t at_us)
{
	const uint32_t rate = st->leg->conf.rate;

	if (st->mapped)
		return st->out_ts + ticks(at_us, rate) - ticks(st->mapped_us, rate);
	return st->base + ticks(at_us, rate);
}

static void anchor(struct leg_stream *st, const struct midi_leg_cmd *c)
{
	st->out_ts = leg_stream_now_rt(st, c->at_us);
	st->mapped = true;
	st->in_ts = c->ts;
	st->in_clock = c->clock;
	st->mapped_us = c->at_us;
	st->rest = 0;
}

/* "Per source and leg one mapping ts_out = ts_in x rate_out / rate_in + constant (the constant random, fixed for the life of the stream,
 * fraction carried so that no drift builds up)". A source whose clock jumps has a new constant. */
uint32_t leg_stream_map_rt(struct leg_stream *st, const struct midi_leg_cmd *c)
{
	const uint32_t rate = st->leg->conf.rate;
	const int32_t ahead = (int32_t)(c->ts - st->in_ts);
	int32_t off;
	uint64_t num;

	if (!c->clock)
		return leg_stream_now_rt(st, c->at_us);
	if (!st->mapped || st->in_clock != c->clock) {
		anchor(st, c);
		return st->out_ts;
	}
	if (ahead < 0)
		return st->out_ts - (uint32_t)((uint64_t)(-(int64_t)ahead) * rate / c->clock);
	num = (uint64_t)ahead * rate + st->rest;
	off = (int32_t)(st->out_ts + (uint32_t)(num / c->clock) - leg_stream_now_rt(st, c->at_us));
	if (off > (int32_t)(DRIFT_S * rate) || off < -(int32_t)(DRIFT_S * rate)) {
		anchor(st, c);
		return st->out_ts;
	}
	st->out_ts += (uint32_t)(num / c->clock);
	st->rest = num % c->clock;
	st->in_ts = c->ts;
	st->mapped_us = c->at_us;
	return st->out_ts;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0 ? a : b;
}

/* ---- packets ---- */

static void send_packet(struct leg_stream *st, uint32_t ts, uint64_t now_us)
{
	struct midi_leg *l = st->leg;
	struct midi_leg_packet p = {.stream = st->index, .ts = ts, .payload = l->buf, .len = sizeof(l->buf), .id = st->csrc,
		.n_id = st->n_csrc};

	if (midi_sender_packet(l->buf, &p.len, &p.seq, &p.marker, st->sender, ts, now_us) == 0)
		l->ops->send_rt(&p, l->arg);
	st->n_csrc = 0;
	st->n_list = 0;
}

void leg_stream_flush_rt(struct leg_stream *st, uint64_t now_us)
{
	if (!st->n_list)
		return;
	st->ts = st->list_last;
	send_packet(st, st->list_first, now_us);
}

void leg_stream_guard_rt(struct leg_stream *st, uint64_t now_us)
{
	st->ts = later(leg_stream_now_rt(st, now_us), st->ts);
	send_packet(st, st->ts, now_us);
}

void leg_stream_csrc_rt(struct leg_stream *st, uint32_t id)
{
	for (unsigned i = 0; i < st->n_csrc; i++)
		if (st->csrc[i] == id)
			return;
	if (st->n_csrc < MIDI_LEG_CSRCS && id != MIDI_LEG_HOUSE)
		st->csrc[st->n_csrc++] = id;
}

/* ---- commands ---- */

static int put_timed(struct leg_stream *st, const struct midi_cmd *cmd, uint32_t ts)
{
	struct midi_cmd out = *cmd;
	uint32_t at = later(ts, st->n_list ? st->list_last : st->ts);
	int err;

	out.delta = st->n_list ? at - st->list_last : 0;
	if (out.delta > RTPMIDI_DELTA_MAX) {
		out.delta = RTPMIDI_DELTA_MAX;
		at = st->list_last + out.delta;
	}
	err = midi_sender_put(st->sender, &out);
	if (err)
		return err;
	if (!st->n_list++)
		st->list_first = at;
	st->list_last = at;
	return 0;
}

int leg_stream_put_rt(struct leg_stream *st, const struct midi_cmd *cmd, uint32_t ts, uint64_t now_us)
{
	int err = put_timed(st, cmd, ts);

	if (err == ENOSPC && st->n_list) {
		leg_stream_flush_rt(st, now_us);
		err = put_timed(st, cmd, ts);
	}
	if (err && cmd->status == MIDI_SYSEX)
		st->leg->left.sysex++;
	return err;
}

/* ---- SysEx, whole or in segments ---- */

void leg_stream_cancel_rt(struct leg_stream *st, uint32_t ts, uint64_t now_us)
{
	const struct midi_cmd cancel = {.status = MIDI_SYSEX, .part = MIDI_CANCEL};

	if (st->sysex_open)
		leg_stream_put_rt(st, &cancel, ts, now_us);
	st->sysex_open = false;
}

/* "On per-source legs segments pass through", as long as they are within the limit and the journal can hold them; then what was
 * begun is cancelled. */
void leg_stream_sysex_rt(struct leg_stream *st, const struct midi_cmd *cmd, uint32_t ts, uint64_t now_us)
{
	const struct midi_leg *l = st->leg;
	const bool begins = cmd->part == MIDI_WHOLE || cmd->part == MIDI_FIRST;

	if (begins) {
		leg_stream_cancel_rt(st, ts, now_us);
		st->sysex_dropping = !leg_may_rt(l, cmd);
		st->sysex_len = 0;
	} else if (!st->sysex_open) {
		return;
	}
	if (st->sysex_dropping)
		return;
	st->sysex_len += cmd->len;
	if (st->sysex_len > l->conf.sysex_max || leg_stream_put_rt(st, cmd, ts, now_us)) {
		st->leg->left.sysex += st->sysex_len > l->conf.sysex_max;
		leg_stream_cancel_rt(st, ts, now_us);
		return;
	}
	st->sysex_open = cmd->part == MIDI_FIRST || cmd->part == MIDI_MIDDLE;
}
