/*
 * slip.c - OSC packets in a stream of octets.
 *
 *      SLIP_END     END  packet, with END as ESC ESC_END and ESC as ESC ESC_ESC  END        one END between two packets will do
 *      SLIP_SIZE    length (32)  packet                                                     no way back after a wrong length
 *
 * What comes before the first END belongs to a packet whose beginning nobody saw, and is dropped. A frame with a
 * wrong escape is dropped alone; one that grows over `max` is dropped to its END, without being kept.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "bytes.h"
#include "osc.h"
#include "slip.h"

enum { END = 0xc0, ESC = 0xdb, ESC_END = 0xdc, ESC_ESC = 0xdd, SIZE_LEN = 4 };

static void slip_destroy(void *arg)
{
	struct slip *s = arg;

	mem_deref(s->buf);
}

int slip_alloc(struct slip **sp, enum slip_kind kind, size_t max)
{
	struct slip *s;

	if (!sp || max < OSC_LEN_MIN || max > OSC_MAX_STREAM)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), slip_destroy);
	if (!s)
		return ENOMEM;
	s->kind = kind;
	s->max  = max;
	s->buf  = mem_alloc(SIZE_LEN + max, NULL);
	if (!s->buf) {
		mem_deref(s);
		return ENOMEM;
	}

	*sp = s;
	return 0;
}

static void slip_add(struct slip *s, uint8_t c)
{
	if (s->len == s->max)
		s->bad = true;
	if (!s->bad)
		s->buf[s->len++] = c;
}

/* true: the frame that ends here is a packet */
static bool slip_ends(struct slip *s, size_t *len)
{
	const bool whole = s->begun && !s->bad && !s->escaped && s->len >= OSC_LEN_MIN && s->len % 4 == 0;

	if (!whole && (s->len || s->bad || s->escaped))
		s->n_bad++;
	*len = s->len;
	s->len     = 0;
	s->begun   = true;
	s->bad     = false;
	s->escaped = false;

	return whole;
}

static void slip_octet(struct slip *s, uint8_t c)
{
	if (!s->begun) {
		s->bad = true;
		return;
	}
	if (s->escaped) {
		s->escaped = false;
		if (c == ESC_END || c == ESC_ESC)
			slip_add(s, c == ESC_END ? END : ESC);
		else
			s->bad = true;
	}
	else if (c == ESC)
		s->escaped = true;
	else
		slip_add(s, c);
}

static int read_slip(struct slip *s, size_t *pkt_len, const uint8_t **data, size_t *len)
{
	while (*len) {
		const uint8_t c = **data;

		(*data)++;
		(*len)--;
		if (c != END)
			slip_octet(s, c);
		else if (slip_ends(s, pkt_len))
			return 0;
	}

	return EAGAIN;
}

static void fill(struct slip *s, size_t want, const uint8_t **data, size_t *len)
{
	const size_t n = want - s->len < *len ? want - s->len : *len;

	if (n)
		memcpy(s->buf + s->len, *data, n);
	s->len += n;
	*data  += n;
	*len   -= n;
}

/* "a signed 32-bit length; a length that is negative, not a multiple of 4, below 8 or above `max` ends the
 * connection": a negative one is above any max when it is read without a sign. */
static int read_size(struct slip *s, size_t *pkt_len, const uint8_t **data, size_t *len)
{
	size_t n;

	if (s->len < SIZE_LEN)
		fill(s, SIZE_LEN, data, len);
	if (s->len < SIZE_LEN)
		return EAGAIN;

	n = get_be32(s->buf);
	if (n < OSC_LEN_MIN || n > s->max || n % 4) {
		s->dead = true;
		return EPROTO;
	}
	fill(s, SIZE_LEN + n, data, len);
	if (s->len < SIZE_LEN + n)
		return EAGAIN;

	s->len = 0;
	*pkt_len = n;
	return 0;
}

int slip_read(struct slip *s, const uint8_t **pkt, size_t *pkt_len, const uint8_t **data, size_t *len)
{
	int err;

	if (s->dead)
		return EPROTO;

	err = s->kind == SLIP_END ? read_slip(s, pkt_len, data, len) : read_size(s, pkt_len, data, len);
	if (!err)
		*pkt = s->buf + (s->kind == SLIP_SIZE ? SIZE_LEN : 0);

	return err;
}

static int write_size(uint8_t *buf, size_t *len, const uint8_t *pkt, size_t n)
{
	if (*len < SIZE_LEN || *len - SIZE_LEN < n)
		return ENOSPC;

	put_be32(buf, (uint32_t)n);
	memcpy(buf + SIZE_LEN, pkt, n);
	*len = SIZE_LEN + n;
	return 0;
}

int slip_write(uint8_t *buf, size_t *len, enum slip_kind kind, const uint8_t *pkt, size_t pkt_len)
{
	size_t n = 0, need = 2;

	if (pkt_len < OSC_LEN_MIN || pkt_len % 4 || pkt_len > OSC_MAX_STREAM)
		return EINVAL;
	if (kind == SLIP_SIZE)
		return write_size(buf, len, pkt, pkt_len);

	for (size_t i = 0; i < pkt_len; i++)
		need += pkt[i] == END || pkt[i] == ESC ? 2 : 1;
	if (*len < need)
		return ENOSPC;

	buf[n++] = END;
	for (size_t i = 0; i < pkt_len; i++) {
		if (pkt[i] != END && pkt[i] != ESC) {
			buf[n++] = pkt[i];
			continue;
		}
		buf[n++] = ESC;
		buf[n++] = pkt[i] == END ? ESC_END : ESC_ESC;
	}
	buf[n++] = END;

	*len = n;
	return 0;
}
