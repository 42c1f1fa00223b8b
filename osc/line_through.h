/*
 * line_through.h - between line_through.c (which streams go through, and their packets) and line_through_report.c (their RTCP).
 */
#ifndef OSC_LINE_THROUGH_H
#define OSC_LINE_THROUGH_H

#include "line_osc.h"

/* The line of RTP OSC of a player; NULL: none. */
struct line_osc *line_through_line(const struct player_rt *p);
/* The line its source plays on, if that is the only one. */
struct line_osc *line_through_source(const struct player_rt *from);
/* The stream the party plays now; NULL: none. */
struct line_rtp_in *line_through_stream(struct line_osc *o);
/* Where `to` gets the stream of `from`, and it goes through; NULL: it does not. */
struct line_rtp_out *line_through_out(struct line_osc *to, const struct player_rt *from);
/* To T2: another stream, with the state from the beginning. */
void line_through_end_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us);

#endif
