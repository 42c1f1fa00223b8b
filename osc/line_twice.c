/*
 * line_twice.c - a short queue of packets that go again.
 *
 * Duplicates count as received (RFC 3550 A.3), so a party that gets all twice may tell of no loss at all: what it told is believed for
 * five minutes, and then found out anew.
 */
#include <string.h>
#include "line_twice.h"

enum { AGAIN_US = 2000, BELIEVED_US = 300000000 };

void line_twice_report_rt(struct line_twice *t, uint8_t fraction, uint64_t now_us)
{
	if (fraction)
		t->until_us = now_us + BELIEVED_US;
}

void line_twice_sent_rt(struct line_twice *t, const uint8_t *buf, size_t len, uint64_t now_us)
{
	const unsigned i = (t->first + t->n) % LINE_TWICE_WAIT;

	if (now_us >= t->until_us || len > LINE_TWICE_MAX || t->n == LINE_TWICE_WAIT)
		return;
	t->wait[i].due_us = now_us + AGAIN_US;
	t->wait[i].len = len;
	memcpy(t->wait[i].bytes, buf, len);
	t->n++;
}

uint64_t line_twice_due_rt(const struct line_twice *t)
{
	return t->n ? t->wait[t->first].due_us : UINT64_MAX;
}

const uint8_t *line_twice_next_rt(struct line_twice *t, size_t *len, uint64_t now_us)
{
	const unsigned i = t->first;

	if (line_twice_due_rt(t) > now_us)
		return NULL;
	t->first = (i + 1) % LINE_TWICE_WAIT;
	t->n--;
	*len = t->wait[i].len;
	return t->wait[i].bytes;
}
