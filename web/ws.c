/*
 * ws.c - WebSocket frames, one after the other from a buffer that is large enough for the largest.
 */
#include <errno.h>
#include <string.h>
#include "ws.h"

size_t ws_head(uint8_t head[WS_HEAD_MAX], enum ws_op op, size_t payload)
{
	head[0] = (uint8_t)(0x80 | op);
	if (payload < 126) {
		head[1] = (uint8_t)payload;
		return 2;
	}
	if (payload < 65536) {
		head[1] = 126;
		head[2] = (uint8_t)(payload >> 8);
		head[3] = (uint8_t)payload;
		return 4;
	}
	head[1] = 127;
	for (int i = 0; i < 8; i++)
		head[2 + i] = (uint8_t)((uint64_t)payload >> (56 - 8 * i));
	return 10;
}

/* RFC 6455 5.2: the length in 7 bits, in 16 or in 64. 0: there are not yet enough bytes. */
static int length(size_t *head, uint64_t *payload, const uint8_t *b, size_t n)
{
	size_t more;

	if (n < 2)
		return EAGAIN;
	*payload = b[1] & 0x7f;
	more = *payload == 126 ? 2 : *payload == 127 ? 8 : 0;
	if (n < 2 + more)
		return EAGAIN;
	if (more)
		*payload = 0;
	for (size_t i = 0; i < more; i++)
		*payload = *payload << 8 | b[2 + i];
	*head = 2 + more;
	return 0;
}

/* 5.1: "The server MUST close the connection upon receiving a frame that is not masked"; 5.2: RSV "MUST be 0"; 5.5: control
 * frames "MUST have a payload length of 125 bytes or less and MUST NOT be fragmented". */
static int check(struct ws_reader *r, uint8_t first, uint8_t second, uint64_t payload)
{
	enum ws_op op = (enum ws_op)(first & 0x0f);
	bool fin = first & 0x80, control = op >= WS_CLOSE;

	if (first & 0x70 || !(second & 0x80) || op > WS_PONG || (op > WS_BINARY && op < WS_CLOSE))
		return EPROTO;
	if (control)
		return fin && payload <= 125 ? 0 : EPROTO;
	if ((op == WS_CONTINUED) != r->fragmented)
		return EPROTO;
	r->fragmented = !fin;
	return payload > WS_PAYLOAD_MAX ? EMSGSIZE : 0;
}

/* One frame from the front of the buffer. EAGAIN: it is not whole. */
static int take_frame(struct ws_reader *r, ws_frame_h *h, void *arg)
{
	bool fragmented = r->fragmented;
	uint64_t payload;
	size_t head, n;
	uint8_t *mask;
	int err = length(&head, &payload, r->buf, r->n);

	if (!err)
		err = check(r, r->buf[0], r->buf[1], payload);
	if (err)
		return err;
	n = (size_t)payload;
	if (r->n < head + 4 + n) {
		r->fragmented = fragmented;
		return EAGAIN;
	}
	mask = r->buf + head;
	for (size_t i = 0; i < n; i++)
		mask[4 + i] ^= mask[i % 4];
	if (!h((enum ws_op)(r->buf[0] & 0x0f), mask + 4, n, arg))
		return ECANCELED;
	r->n -= head + 4 + n;
	memmove(r->buf, r->buf + head + 4 + n, r->n);
	return 0;
}

int ws_read(struct ws_reader *r, const uint8_t *data, size_t n, ws_frame_h *h, void *arg)
{
	int err = 0;

	while (n && !err) {
		size_t room = sizeof(r->buf) - r->n, m = n < room ? n : room;

		memcpy(r->buf + r->n, data, m);
		r->n += m;
		data += m;
		n -= m;
		do
			err = take_frame(r, h, arg);
		while (!err);
		if (err == EAGAIN)
			err = 0;
	}
	return err;
}
