/*
 * midi_leg_priv.h - between the files of the leg.
 */
#ifndef OSC_MIDI_LEG_PRIV_H
#define OSC_MIDI_LEG_PRIV_H

#include "midi_leg.h"

enum { LEG_PLAY_PARTS = 10 };     /* a NoteOn that was lost is struck for a tenth of a second after */

struct leg_stream {
	struct midi_leg *leg;
	struct midi_sender *sender;
	unsigned index;
	bool     used;
	bool     reserved;                /* id has had it and may come back */
	uint32_t id;
	uint32_t base;                    /* RTP time at 0 of the server's clock */
	uint32_t ts;                      /* of what was sent last */
	/* of commands that wait */
	unsigned n_list;
	uint32_t list_first, list_last;
	uint32_t csrc[MIDI_LEG_CSRCS];
	unsigned n_csrc;
	/* from the source's clock to this one */
	bool     mapped;
	uint32_t in_ts, in_clock, out_ts;
	uint64_t rest, mapped_us;
	/* SysEx in segments */
	bool     sysex_open, sysex_dropping;
	size_t   sysex_len;
};

struct midi_leg {
	struct midi_leg_conf conf;
	const struct midi_leg_ops *ops;
	void    *arg;
	struct midi_merge *merge;         /* NULL: a stream for each source */
	bool     begun, paused;
	unsigned n_streams;
	struct leg_stream stream[MIDI_LEG_STREAMS];
	struct midi_left left;            /* beside what the merge left out */
	struct midi_state scratch;
	uint8_t  buf[MIDI_LEG_MAX];
};

/* A call on its way through the merge. */
struct leg_call {
	struct midi_leg *leg;
	uint32_t id, ts;
	uint64_t now_us;
};

bool leg_may_rt(const struct midi_leg *l, const struct midi_cmd *cmd);

/* The stream's RTP time at a time of the server's clock; of a command. */
uint32_t leg_stream_now_rt(const struct leg_stream *st, uint64_t at_us);
uint32_t leg_stream_map_rt(struct leg_stream *st, const struct midi_leg_cmd *cmd);

int  leg_stream_put_rt(struct leg_stream *st, const struct midi_cmd *cmd, uint32_t ts, uint64_t now_us);
void leg_stream_sysex_rt(struct leg_stream *st, const struct midi_cmd *cmd, uint32_t ts, uint64_t now_us);
void leg_stream_cancel_rt(struct leg_stream *st, uint32_t ts, uint64_t now_us);
void leg_stream_csrc_rt(struct leg_stream *st, uint32_t id);
void leg_stream_flush_rt(struct leg_stream *st, uint64_t now_us);
void leg_stream_guard_rt(struct leg_stream *st, uint64_t now_us);

#endif
