/*
 * line_out.h - what lines of OSC share on their way out: the receiver's view, its rate, and the state of who has come.
 *
 *      gesture > view > rate > put_rt            put_rt: the line's own, with whatever it is that carries packets
 *                         `-> held, per key > put_rt as soon as there is a token
 *
 * Forward thread, but for line_out_alloc.
 */
#ifndef OSC_LINE_OUT_H
#define OSC_LINE_OUT_H

#include "ensemble.h"

struct out_item {
	const uint8_t *osc;
	size_t   len;
	struct player_rt *from;           /* NULL: the house */
	uint64_t at_us;
	uint32_t ts, clock;               /* as in struct gesture */
	bool     event, exact;
};

struct line_out {
	struct line_rt *line;
	struct oscrate *rate;
	bool     full;                    /* the line takes no more now: state waits, under its key */
	void (*put_rt)(struct line_rt *l, const struct out_item *it, uint64_t now_us);
	bool     framed;                  /* snapshots begin and end (G3 to G5) */
	bool     twice;                   /* and are said again after half a second (G3) */
	/* state still to be told, one player after the other */
	struct slots todo, again;
	uint64_t again_us, asked_us;
	int      slot;                    /* whose turn it is; -1: nobody's */
	unsigned at;
	int64_t  upto;                    /* keys that were alive by then */
	/* refresh: every live key once in each interval */
	uint32_t refresh_ms;
	uint64_t refresh_us;
	unsigned refresh_slot, refresh_at;
	uint64_t round_us;                /* when the round began that is under way */
};

int  line_out_alloc(struct line_out *o, struct line_rt *l, const struct gestline *desc);
void line_out_end(struct line_out *o);
/* What waited in the old line of a new one comes along, if it may still be sent. */
void line_out_inherit_rt(struct line_out *o, struct line_out *old, uint64_t now_us);

void line_out_send_rt(struct line_out *o, const struct gesture *g, uint64_t now_us);
/* A message of the house, past view and rate. */
void line_out_tell_rt(struct line_out *o, const uint8_t *osc, size_t len, uint64_t now_us);
/* /_gest/join, /_gest/leave; both take care of what is still to be told. state: and then its state, message by message. */
void line_out_join_rt(struct line_out *o, struct player_rt *from, bool state, uint64_t now_us);
void line_out_leave_rt(struct line_out *o, struct player_rt *from, uint64_t now_us);
/* What put_rt could not send, in the receiver's view: if it is state it waits; not for VIEW_SOURCE. */
void line_out_hold_rt(struct line_out *o, const struct osc_msg *seen, uint64_t now_us);
/* What waited is worth nothing any more: nobody is there, and who comes is told everything. */
void line_out_forget_rt(struct line_out *o);
/* The state of all, again; twice a second at most, however often it is asked for. */
void line_out_refresh_rt(struct line_out *o, uint64_t now_us);
uint64_t line_out_due_rt(struct line_out *o);
void line_out_tick_rt(struct line_out *o, uint64_t now_us);

/* One message in this line's view of its source, in SCRATCH_VIEW; 0: not for it. */
size_t line_out_view_rt(struct line_out *o, uint8_t **buf, struct player_rt *from, const uint8_t *osc, size_t len, unsigned *errors);
/* "A flat snapshot has each key once (last writer)": is it this one's? */
bool line_out_last_writer_rt(const struct line_out *o, const struct player_rt *from, const struct osc_msg *msg, const struct key *key);

#endif
