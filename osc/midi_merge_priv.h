/*
 * midi_merge_priv.h - between the files of the merge.
 */
#ifndef OSC_MIDI_MERGE_PRIV_H
#define OSC_MIDI_MERGE_PRIV_H

#include "midi_merge.h"

enum { MERGE_SWITCHES = CC_HOLD2 - CC_SUSTAIN + 1 };     /* sustain, portamento, sostenuto, soft, legato, hold 2 */

/* Which parameter a source's next data entry is for. */
struct merge_select {
	bool     pending, open, nrpn;
	uint8_t  msb[2];
	uint16_t num;
};

/* One MIDI channel of a source: the unit that holds notes and pedals. */
struct merge_part {
	uint8_t  held[MIDI_KEYS / 8];
	uint8_t  n_held;
	uint8_t  down;                    /* a bit for each switch */
	uint8_t  bank_msb, bank_lsb;
	struct merge_select select;
};

struct merge_source {
	bool     used;
	uint32_t id;
	struct merge_part part[MIDI_CHANNELS];
	bool     collecting;
	uint64_t sysex_us;                /* when its SysEx began */
	size_t   sysex_len;
	uint8_t *sysex;
};

/* How many parts hold what, by channel of the merged stream. */
struct merge_books {
	uint16_t holders[MIDI_KEYS];
	uint16_t n_held;
	uint16_t down[MERGE_SWITCHES];
};

struct midi_merge {
	struct midi_merge_conf conf;
	struct midi_state  state;         /* of the merged stream */
	struct merge_books books[MIDI_CHANNELS];
	bool     has_master, stopped;
	uint32_t master;
	uint64_t master_us, stop_us;      /* when it was last heard; when it said Stop */
	struct midi_merge_stats stats;
	midi_merge_h *h;                  /* of the call that runs */
	void    *arg;
	uint8_t *sysex;
	struct merge_source source[MERGE_SOURCES_MAX];
};

/* Into the merged stream, if the receiver may be sent it. */
void merge_emit_rt(struct midi_merge *m, const struct midi_cmd *cmd);
void merge_short_rt(struct midi_merge *m, unsigned status, unsigned a, unsigned b);
bool merge_may_rt(const struct midi_merge *m, unsigned status, unsigned a);

/* The channel of the merged stream that a source's channel goes to. */
unsigned merge_channel_rt(const struct midi_merge *m, const struct merge_source *src, unsigned chan);

int  merge_place_rt(struct merge_source **srcp, struct midi_merge *m, uint32_t id);

void merge_hold_rt(struct merge_part *part, struct merge_books *b, unsigned note);
static inline bool merge_holds(const struct merge_part *part, unsigned note)
{
	return part->held[note / 8] >> note % 8 & 1;
}

/* midi_merge_param.c: bank selects and parameter numbers, which must not get mixed up between sources. */
bool merge_param_rt(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value);
void merge_program_rt(struct midi_merge *m, const struct merge_part *part, unsigned chan, const struct midi_cmd *cmd);

/* midi_merge_system.c */
void merge_system_rt(struct midi_merge *m, struct merge_source *src, const struct midi_cmd *cmd, uint64_t now_us);

/* Notes and pedals of all its parts come up. */
void merge_release_rt(struct midi_merge *m, struct merge_source *src);
/* Every instrument was reset: nobody holds anything. */
void merge_forget_rt(struct midi_merge *m);

#endif
