/*
 * midi_leg.h - what one receiver of RTP MIDI gets of all players: one merged stream, or a stream for each.
 *
 *      merged        commands > midi_merge > midi_sender > packets of one SSRC
 *      per source    commands >              midi_sender > packets, an SSRC each
 *
 * Pure: no socket, no clock; all memory is taken by midi_leg_alloc(). Whoever owns it hands in commands and reports, and is handed
 * payloads to send. Commands wait until midi_leg_flush_rt(), so that one packet in is one packet out.
 */
#ifndef OSC_MIDI_LEG_H
#define OSC_MIDI_LEG_H

#include "midi_left.h"
#include "midi_merge.h"
#include "midi_sender.h"

enum { MIDI_LEG_STREAMS = 16, MIDI_LEG_CSRCS = 15, MIDI_LEG_MAX = 1500, MIDI_LEG_HOUSE = 0 };

struct midi_leg_conf {
	unsigned sources;        /* streams the receiver takes: 1: merged; more than MIDI_LEG_STREAMS count as that many */
	bool     spread;         /* merged: a channel for each source */
	enum midi_policy policy;
	uint32_t rate;           /* RTP clock */
	size_t   max;            /* octets of a payload, MIDI_LEG_MAX at most */
	uint64_t guard_us;       /* longest silence */
	size_t   sysex_max;      /* octets between F0 and F7; 0: none */
	const struct midi_subset *subset;        /* NULL: all that MIDI defines. Outlives the leg */
};

struct midi_leg_packet {
	unsigned stream;         /* 0 when merged */
	uint16_t seq;
	uint32_t ts;
	bool     marker;
	const uint8_t *payload;
	size_t   len;
	const uint32_t *id;      /* merged: whose commands are in it */
	unsigned n_id;
};

struct midi_leg_ops {
	void (*send_rt)(const struct midi_leg_packet *p, void *arg);
	/* Per source: the stream is that player's from now on; again: it was so before. It is no more (RTCP BYE). */
	void (*begin_rt)(unsigned stream, uint32_t id, bool again, void *arg);
	void (*end_rt)(unsigned stream, void *arg);
};

/* A command on its way. */
struct midi_leg_cmd {
	uint32_t id;             /* of its player; not MIDI_LEG_HOUSE */
	const struct midi_cmd *cmd;
	uint64_t at_us;          /* when it was played, by the server's clock */
	uint32_t ts, clock;      /* and by its source's; clock 0: it has none */
};

struct midi_leg;

int  midi_leg_alloc(struct midi_leg **lp, const struct midi_leg_conf *conf, const struct midi_leg_ops *ops, void *arg);

/* A player that is to be heard, and what it has said so far. Players that join before the first packet are told by its journal. ENOSPC: no
 * place; EALREADY. */
int  midi_leg_join_rt(struct midi_leg *l, uint32_t id, const struct midi_state *st, uint64_t now_us);
bool midi_leg_has(const struct midi_leg *l, uint32_t id);

/* It goes: what it holds is let go. */
void midi_leg_leave_rt(struct midi_leg *l, uint32_t id, uint64_t now_us);

void midi_leg_put_rt(struct midi_leg *l, const struct midi_leg_cmd *cmd, uint64_t now_us);
void midi_leg_flush_rt(struct midi_leg *l, uint64_t now_us);

/* Of the conference itself: clock, start, stop. Sent at once. */
void midi_leg_tell_rt(struct midi_leg *l, const struct midi_cmd *cmd, uint64_t now_us);

/* The receiver's report: the highest number it has had of a stream. */
void midi_leg_report_rt(struct midi_leg *l, unsigned stream, uint32_t ehsn);

/* Hold: nothing is sent, and nobody has joined, until it goes on. Then whoever is to be heard joins again, and what else the receiver was
 * told before it is told to be over. */
void midi_leg_pause_rt(struct midi_leg *l);
void midi_leg_resume_rt(struct midi_leg *l);

/* The same streams under another owner, with another copy of the same subset. */
void midi_leg_inherit_rt(struct midi_leg *l, void *arg, const struct midi_subset *subset);

/* The stream has another SSRC: whoever receives it has heard nothing yet. */
void midi_leg_renumber_rt(struct midi_leg *l, unsigned stream, uint64_t now_us);

/* All of the state is told again. */
void midi_leg_renew_rt(struct midi_leg *l);

uint64_t midi_leg_due_rt(const struct midi_leg *l);
void midi_leg_tick_rt(struct midi_leg *l, uint64_t now_us);

/* A stream's RTP time now, for sender reports. */
uint32_t midi_leg_ts_rt(const struct midi_leg *l, unsigned stream, uint64_t now_us);
/* What its receiver has not got, since it was made. */
void midi_leg_left_rt(struct midi_left *left, const struct midi_leg *l);

#endif
