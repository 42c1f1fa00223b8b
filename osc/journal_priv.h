/*
 * journal_priv.h - between the files of the journal: octets taken in order with an end, octets put in order with an end.
 */
#ifndef OSC_JOURNAL_PRIV_H
#define OSC_JOURNAL_PRIV_H

#include <string.h>

#include "journal.h"

/* Reads stay inside; what is missing reads as 0 and sets bad. */
struct octets_in {
	const uint8_t *at, *end;
	bool bad;
};

static inline uint8_t in_octet(struct octets_in *in)
{
	if (in->at == in->end) {
		in->bad = true;
		return 0;
	}
	return *in->at++;
}

static inline uint16_t in_word(struct octets_in *in)
{
	const unsigned hi = in_octet(in);

	return (uint16_t)(hi << 8 | in_octet(in));
}

static inline const uint8_t *in_run(struct octets_in *in, size_t n)
{
	const uint8_t *at = in->at;

	if ((size_t)(in->end - in->at) < n) {
		in->bad = true;
		in->at = in->end;
		return at;
	}
	in->at += n;
	return at;
}

/* Octets up to and with the first that has its high bit set; bad when there is none. */
static inline const uint8_t *in_marked(struct octets_in *in, size_t *n)
{
	const uint8_t *at = in->at;

	while (in->at < in->end && !(*in->at & 0x80))
		in->at++;
	if (in->at == in->end)
		in->bad = true;
	else
		in->at++;
	*n = (size_t)(in->at - at);
	return at;
}

/* What does not fit is not written and sets full. */
struct octets_out {
	uint8_t *buf;
	size_t   len, room;
	bool     full;
};

static inline void out_octet(struct octets_out *out, unsigned v)
{
	if (out->len == out->room)
		out->full = true;
	else
		out->buf[out->len++] = (uint8_t)v;
}

static inline void out_word(struct octets_out *out, unsigned v)
{
	out_octet(out, v >> 8);
	out_octet(out, v);
}

static inline void out_run(struct octets_out *out, const uint8_t *data, size_t n)
{
	if (out->room - out->len < n) {
		out->full = true;
	} else if (n) {
		memcpy(out->buf + out->len, data, n);
		out->len += n;
	}
}

static inline unsigned bit(bool set, unsigned mask) { return set ? mask : 0; }

void journal_read_channel(struct octets_in *in, struct journal_channel *c);
void journal_put_channel(struct octets_out *out, const struct journal_channel *c);
void journal_read_system(struct octets_in *in, struct journal_system *sys);
void journal_put_system(struct octets_out *out, const struct journal_system *sys);

#endif
