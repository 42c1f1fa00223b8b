/*
 * leg_dtls.c - datagrams of DTLS on a leg's path (RFC 5764): up to whoever makes keys of them, and down from there.
 *
 *     media    socket > leg_recv > leg_dtls_rt > ring > LEG_EVENT_DTLS        control    leg_take_dtls
 *                                                                                        leg_send_dtls > socket
 *
 * The ring is made with the first description that wants it and stays for the leg's life; a plan only points at it. Its
 * writer is whichever thread has the leg, and legs change threads by rings themselves, so that there is one at a time.
 *
 * Only the RTP socket: RFC 5764 has an association for each pair of ports, so with DTLS we ask for rtcp-mux (RFC 8843
 * even has it mandatory), and a peer that refuses it gets no reports.
 */
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include "leg.h"

enum { FIRST = 20, LAST = 63 };           /* RFC 7983 7: "[20..63] -+--> forward to DTLS" */

struct dgram { struct sa from; uint16_t len; uint8_t buf[LEG_DTLS_MAX]; };

/* --- media thread --- */

bool leg_is_dtls_rt(const uint8_t *buf, size_t len) { return len && buf[0] >= FIRST && buf[0] <= LAST; }

void leg_dtls_rt(struct leg_rt *l, const uint8_t *buf, size_t len, const struct sa *from)
{
	struct leg_event ev = {.type = LEG_EVENT_DTLS, .addr = *from};
	struct dgram g;

	count_up(&l->n.rx_dtls);
	count_up(&l->t->n.dtls);
	if (len <= sizeof(g.buf)) {
		g.from = *from;
		g.len = (uint16_t)len;
		memcpy(g.buf, buf, len);
	}
	if (len > sizeof(g.buf) || ring_push(l->plan->dtls, &g)) {
		count_up(&l->n.dtls_dropped);
		count_up(&l->t->n.dtls_dropped);
	}
	/* For each, also one that was dropped: events may be lost, and what waits must not wait for ever. */
	thread_event_rt(l->t, l, &ev);
}

/* --- control thread --- */

enum leg_keys leg_desc_keys(const struct leg_desc *d)
{
	return d->dtls ? LEG_KEYS_DTLS : d->srtp_tx.len ? LEG_KEYS_SDES : LEG_KEYS_NONE;
}

const char *leg_keys_name(enum leg_keys keys)
{
	static const char *const names[] = {"none", "sdes", "dtls"};

	return names[keys];
}

int leg_dtls_open(struct leg *l)
{
	return l->rt->dtls ? 0 : ring_alloc(&l->rt->dtls, sizeof(struct dgram), LEG_DTLS_WAITING);
}

bool leg_take_dtls(struct leg *l, uint8_t *buf, size_t *len, struct sa *from)
{
	struct dgram g;

	while (l->rt && l->rt->dtls && !ring_pop(l->rt->dtls, &g)) {
		if (g.len > *len)
			continue;
		memcpy(buf, g.buf, g.len);
		*len = g.len;
		*from = g.from;
		return true;
	}
	return false;
}

/* The socket is the leg's for life, and to send by it one need not be its thread. */
int leg_send_dtls(struct leg *l, const uint8_t *buf, size_t len, const struct sa *to)
{
	if (!l->rt)
		return ENODEV;
	if (!leg_is_dtls_rt(buf, len) || len > LEG_DTLS_MAX || !sa_isset(to, SA_ALL) || sa_is_any(to))
		return EINVAL;
	if (sendto(l->rt->rtp.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, to->len) < 0)
		return errno;
	return 0;
}
