/*
 * line_twice.c - a short queue of packets that go again, and whether they should.
 *
 * Duplicates count as received (RFC 3550 A.3), so a party that gets all twice may tell of no loss at all: what it told
 * is believed for five minutes, and then found out anew.
 *
 * Where what is lost does not depend on what is sent, half as much is told of as before, or less: of a packet that
 * comes twice both have to be lost, and where duplicates are counted too it takes a loss of more than half that any is
 * seen. Where it is not halved in three reports in a row - "circuit breakers" of RFC 8083 wait as long - loss grows
 * with what is sent, or comes in bursts that take both: then it is left for half a minute, and twice as long each time
 * that it has not helped again. Without reports nobody knows, and all goes once.
 *
 * Packets wait in one ring of octets, each in one piece. Decided against: room for eight of the longest, 12 KiB in each
 * line, as packets of gestures are short and long ones (a state told whole) are told again anyway.
 */
#include <string.h>
#include "line_twice.h"

enum {
	AGAIN_US = 2000, BELIEVED_US = 300000000, DEAF_US = 20000000, REST_US = 30000000, REST_MAX_US = 480000000,
	SETTLED_US = 1500000,             /* before, a report may be of packets that went once */
	VAIN_MAX = 3, HEADERS = 28,
};

static bool is_on(const struct line_twice *t, uint64_t now_us)
{
	return now_us < t->until_us;
}

static void begin(struct line_twice *t, uint8_t fraction, uint64_t now_us)
{
	t->first_fraction = fraction;
	t->begun_us = now_us;
	t->until_us = now_us + BELIEVED_US;
	t->in_vain = 0;
}

static void leave(struct line_twice *t, uint64_t now_us)
{
	t->rest_us = !t->rest_us ? REST_US : t->rest_us < REST_MAX_US ? 2 * t->rest_us : REST_MAX_US;
	t->rested_us = now_us + t->rest_us;
	t->until_us = now_us;
	t->n = 0;
}

/* While it is on: does it help? */
static void judge(struct line_twice *t, uint8_t fraction, uint64_t now_us)
{
	if (now_us - t->begun_us < SETTLED_US)
		return;
	if (now_us - t->begun_us > BELIEVED_US / 2)
		t->rest_us = 0;           /* it has helped for long: what it was left for before is over */
	if (fraction)
		t->until_us = now_us + BELIEVED_US;
	t->in_vain = 2 * fraction > t->first_fraction ? t->in_vain + 1 : 0;
	if (t->in_vain == VAIN_MAX)
		leave(t, now_us);
}

void line_twice_report_rt(struct line_twice *t, uint8_t fraction, uint64_t now_us)
{
	const bool sent = t->sent;

	t->heard_us = now_us;
	t->sent = false;
	if (!sent)
		return;                   /* it tells of nothing */
	if (is_on(t, now_us))
		judge(t, fraction, now_us);
	else if (fraction && now_us >= t->rested_us)
		begin(t, fraction, now_us);
}

/* A place of that length beside those that wait; LINE_TWICE_BYTES: there is none. */
static unsigned place(const struct line_twice *t, size_t len)
{
	const unsigned first = t->wait[t->first].at, last = (t->first + t->n - 1) % LINE_TWICE_WAIT;
	const unsigned end = t->n ? t->wait[last].at + t->wait[last].len : 0;

	if (!t->n)
		return 0;
	if (end <= first)                 /* they go around */
		return end + len <= first ? end : LINE_TWICE_BYTES;
	if (end + len <= LINE_TWICE_BYTES)
		return end;
	return len <= first ? 0 : LINE_TWICE_BYTES;
}

static bool take_room(struct line_twice *t, size_t len, uint64_t now_us)
{
	const uint64_t more = (now_us - t->room_us) * LINE_TWICE_RATE / 1000000;

	if (more) {
		t->room = more > LINE_TWICE_BURST - t->room ? LINE_TWICE_BURST : t->room + (uint32_t)more;
		t->room_us = now_us;
	}
	if (t->room < len + HEADERS)
		return false;
	t->room -= (uint32_t)len + HEADERS;
	return true;
}

void line_twice_sent_rt(struct line_twice *t, const uint8_t *buf, size_t len, uint64_t now_us)
{
	const unsigned i = (t->first + t->n) % LINE_TWICE_WAIT;
	unsigned at;

	t->sent = true;
	if (!is_on(t, now_us) || now_us - t->heard_us > DEAF_US)
		return;
	if (!len || len > LINE_TWICE_MAX || t->n == LINE_TWICE_WAIT)
		return;
	at = place(t, len);
	if (at == LINE_TWICE_BYTES || !take_room(t, len, now_us))
		return;
	t->wait[i].due_us = now_us + AGAIN_US;
	t->wait[i].at = (uint16_t)at;
	t->wait[i].len = (uint16_t)len;
	memcpy(t->bytes + at, buf, len);
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
	return t->bytes + t->wait[i].at;
}

void line_twice_inherit_rt(struct line_twice *t, const struct line_twice *old)
{
	memcpy(t, old, offsetof(struct line_twice, first));
}
