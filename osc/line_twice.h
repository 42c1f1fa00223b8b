/*
 * line_twice.h - each packet of a line again, a little later, while its party says that packets are lost and that
 * helps.
 *
 * A journal tells what a lost packet set, but not when that was. The packet itself tells both: the same octets again
 * (RFC 3550 A.1: a duplicate is counted and passed over). So a note that was lost is late by AGAIN_US, which its time
 * tag makes good, instead of until the next packet.
 *
 * What is sent twice where packets are lost because there are too many makes that worse. So it is bounded: in octets a
 * second, by reports that must come, and it ends where loss does not fall by it (line_twice.c). The forward thread's;
 * no allocation.
 */
#ifndef OSC_LINE_TWICE_H
#define OSC_LINE_TWICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest packet; how many wait, and in how much memory; octets a second, with 28 of IP and UDP to each packet: a
 * third of what a line of mono L16 takes; how many of them at once. */
enum { LINE_TWICE_MAX = 1472, LINE_TWICE_WAIT = 8, LINE_TWICE_BYTES = 2048, LINE_TWICE_RATE = 32000,
       LINE_TWICE_BURST = 8000 };

struct line_twice {
	uint64_t until_us;        /* the party has told of loss: until then; 0: never */
	uint64_t begun_us, heard_us;      /* since when; when a report last came */
	uint64_t rest_us, rested_us;      /* how long it was left the last time it did not help; and until when */
	uint8_t  first_fraction;  /* with what loss it began */
	unsigned in_vain;         /* reports in a row that loss has not halved */
	bool     sent;            /* anything since the last report */
	uint64_t room_us;         /* when room was what it is: octets that may go twice */
	uint32_t room;
	unsigned first, n;
	struct { uint64_t due_us; uint16_t at, len; } wait[LINE_TWICE_WAIT];
	uint8_t  bytes[LINE_TWICE_BYTES];
};

/* A report of the party: the highest fraction lost, of 256, in its blocks about our streams. */
void line_twice_report_rt(struct line_twice *t, uint8_t fraction, uint64_t now_us);
/* What has just been sent. What is too long, or too much, goes once. */
void line_twice_sent_rt(struct line_twice *t, const uint8_t *buf, size_t len, uint64_t now_us);
uint64_t line_twice_due_rt(const struct line_twice *t);           /* UINT64_MAX: nothing waits */
/* The next that is due; NULL: none. Valid until the next call. */
const uint8_t *line_twice_next_rt(struct line_twice *t, size_t *len, uint64_t now_us);
/* What a line knows that takes the place of another; what waits there does not come along. */
void line_twice_inherit_rt(struct line_twice *t, const struct line_twice *old);

#endif
