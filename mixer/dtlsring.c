/*
 * dtlsring.c - datagrams of DTLS from one thread to another.
 */
#include <errno.h>
#include <string.h>
#include "dtlsring.h"
#include "mixer.h"

enum { FIRST = 20, LAST = 63 };           /* RFC 7983 7: "[20..63] -+--> forward to DTLS" */

struct dgram { struct sa from; uint16_t len; uint8_t buf[LEG_DTLS_MAX]; };

bool dtlsring_is_dtls_rt(const uint8_t *buf, size_t len) { return len && buf[0] >= FIRST && buf[0] <= LAST; }

bool dtlsring_fits(const uint8_t *buf, size_t len, const struct sa *to)
{
	return dtlsring_is_dtls_rt(buf, len) && len <= LEG_DTLS_MAX && sa_isset(to, SA_ALL) && !sa_is_any(to);
}

int dtlsring_alloc(struct ring **rp)
{
	return ring_alloc(rp, sizeof(struct dgram), LEG_DTLS_WAITING);
}

int dtlsring_push_rt(struct ring *r, const struct sa *from, const uint8_t *buf, size_t len)
{
	struct dgram g;

	if (len > sizeof(g.buf))
		return EMSGSIZE;
	g.from = *from;
	g.len = (uint16_t)len;
	memcpy(g.buf, buf, len);
	return ring_push(r, &g);
}

bool dtlsring_pop(struct ring *r, uint8_t *buf, size_t *len, struct sa *from)
{
	struct dgram g;

	while (r && !ring_pop(r, &g)) {
		if (g.len > *len)
			continue;
		memcpy(buf, g.buf, g.len);
		*len = g.len;
		*from = g.from;
		return true;
	}
	return false;
}
