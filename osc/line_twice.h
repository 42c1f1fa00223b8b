/*
 * line_twice.h - each packet of a line again, a little later, while its party says that packets are lost.
 *
 * A journal tells what a lost packet set, but not when that was. The packet itself tells both: the same octets again (RFC 3550 A.1: a
 * duplicate is counted and passed over). So a note that was lost is late by AGAIN_US, which its time tag makes good, instead of until the
 * next packet. The forward thread's; no allocation.
 */
#ifndef OSC_LINE_TWICE_H
#define OSC_LINE_TWICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_TWICE_MAX = 1472, LINE_TWICE_WAIT = 8 };

struct line_twice {
	uint64_t until_us;        /* the party has told of loss: until then; 0: never */
	unsigned first, n;
	struct { uint64_t due_us; size_t len; uint8_t bytes[LINE_TWICE_MAX]; } wait[LINE_TWICE_WAIT];
};

/* A report block about one of our streams. fraction: of 256. */
void line_twice_report_rt(struct line_twice *t, uint8_t fraction, uint64_t now_us);
/* What has just been sent. What is too long, or too much at once, goes once. */
void line_twice_sent_rt(struct line_twice *t, const uint8_t *buf, size_t len, uint64_t now_us);
uint64_t line_twice_due_rt(const struct line_twice *t);           /* UINT64_MAX: nothing waits */
/* The next that is due; NULL: none. Valid until the next call. */
const uint8_t *line_twice_next_rt(struct line_twice *t, size_t *len, uint64_t now_us);

#endif
