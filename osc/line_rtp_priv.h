/*
 * line_rtp_priv.h - between line_rtp.c (streams) and line_report.c (RTCP).
 */
#ifndef OSC_LINE_RTP_PRIV_H
#define OSC_LINE_RTP_PRIV_H

#include "line_rtp.h"

struct line_rtp_out *line_rtp_out_find_rt(struct line_rtp *r, uint32_t ssrc);
struct line_rtp_in *line_rtp_in_find_rt(struct line_rtp *r, uint32_t ssrc);

void line_report_begin_rt(struct line_rtp *r, uint64_t now_us);   /* something was sent, or came */
void line_report_read_rt(struct line_rtp *r, const uint8_t *buf, size_t len, uint64_t now_us);
void line_rtp_bye_rt(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us);

#endif
