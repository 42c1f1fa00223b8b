/*
 * line_apple.h - the line of a player that came by AppleMIDI: RTP MIDI without RTCP, by somebody else's sockets (appledoor).
 * Private to osc/.
 */
#ifndef OSC_LINE_APPLE_H
#define OSC_LINE_APPLE_H

#include "appledoor.h"

/* Control thread. */
int  line_apple_alloc(struct line_rt **lp, const struct relay_conf *conf, struct appledoor *d, unsigned slot, uint32_t session);

/* Forward thread: from the door. */
void line_apple_rtp_rt(struct line_apple *l, const uint8_t *buf, size_t len, uint64_t now_us);
void line_apple_report_rt(struct line_apple *l, uint16_t seq);
void line_apple_heard_rt(struct line_apple *l, uint64_t now_us);
/* There is no door any more, or no session: nothing is sent. */
void line_apple_gone_rt(struct line_apple *l);

#endif
