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
#include "dtlsring.h"
#include "leg.h"

/* --- media thread --- */

void leg_dtls_rt(struct leg_rt *l, const uint8_t *buf, size_t len, const struct sa *from)
{
	struct leg_event ev = {.type = LEG_EVENT_DTLS, .addr = *from};

	count_up(&l->n.rx_dtls);
	count_up(&l->t->n.dtls);
	if (dtlsring_push_rt(l->plan->dtls, from, buf, len)) {
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
	return l->rt->dtls ? 0 : dtlsring_alloc(&l->rt->dtls);
}

bool leg_take_dtls(struct leg *l, uint8_t *buf, size_t *len, struct sa *from)
{
	return l->rt && dtlsring_pop(l->rt->dtls, buf, len, from);
}

/* The socket is the leg's for life, and to send by it one need not be its thread. */
int leg_send_dtls(struct leg *l, const uint8_t *buf, size_t len, const struct sa *to)
{
	if (!l->rt)
		return ENODEV;
	if (!dtlsring_fits(buf, len, to))
		return EINVAL;
	if (sendto(l->rt->rtp.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, to->len) < 0)
		return errno;
	return 0;
}
