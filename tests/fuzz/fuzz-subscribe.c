/*
 * fuzz-subscribe.c - any bytes as the header lines of a SUBSCRIBE: a struct within its bounds, or a status with its reason.
 */
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "server/subscribe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char head[] = "SUBSCRIBE sip:band@host SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
			   "To: <sip:band@host>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n";

static bool in_bounds(const struct subscribe *s)
{
	return strnlen(s->id, sizeof(s->id)) < sizeof(s->id) && !strpbrk(s->id, " ;,\"\r\n") && s->expires_s <= SUBSCRIBE_DEFAULT_S &&
	       (!s->expires_s || s->expires_s >= SUBSCRIBE_MIN_S) && s->interval_ms <= 3600000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(sizeof(head) + size + 4);
	struct sip_msg *msg = NULL;
	const char *reason = NULL;
	struct subscribe s;
	uint16_t scode;

	if (!mb)
		return 0;
	(void)mbuf_write_str(mb, head);
	(void)mbuf_write_mem(mb, data, size);
	(void)mbuf_write_str(mb, "\r\n\r\n");
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb)) {
		scode = subscribe_read(&s, &reason, msg);
		if (scode ? scode < 400 || scode > 499 || !reason : !in_bounds(&s))
			abort();
	}
	mem_deref(msg);
	mem_deref(mb);
	return 0;
}
