/*
 * sip_front.c - what is looked at before libre does: requests that its transactions would take for others, and raw
 * datagrams.
 *
 * The udp socket of a libre transport is private to it, but every message carries it: so each UDP transport is sent one
 * request from a socket of our own the moment it is open, a probe with a secret Call-ID, and the message that comes out
 * of libre shows the socket on which the guard then sits. It is the first datagram in the socket's queue.
 */
#include <string.h>
#include <unistd.h>
#include "sip_priv.h"
#include "sipguard.h"

enum { DATAGRAM_MAX = 65535, SOCKET_BUFFER = 1 << 20 };

/* --- in front of libre's transactions --- */

static uint32_t mix_pl(uint32_t h, const struct pl *pl)
{
	return (h << 7 | h >> 25) ^ (pl->l ? hash_joaat((const uint8_t *)pl->p, pl->l) : 0);
}

/* Its entry, or the oldest of the set. */
static struct seen *seen_find(struct stack *k, uint32_t key)
{
	struct seen *set = k->seen[(key ^ key >> 16) % SEEN_SETS], *oldest = set;

	for (int i = 0; i < SEEN_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].then_ms < oldest->then_ms)
			oldest = &set[i];
	}
	return oldest;
}

/* libre takes whatever has the same branch and sent-by for a retransmission and sends the old answer the old way. A client
 * that reuses a branch (or has none, RFC 2543) for another request, or over another connection, would never hear of us. */
bool sips_front(const struct sip_msg *msg, void *arg)
{
	struct stack *k = arg;
	uint64_t now = tmr_jiffies();
	uint32_t key = 0, id;
	struct seen *e;

	if (!pl_strcmp(&msg->met, "ACK") || !pl_strcmp(&msg->met, "CANCEL"))
		return false;
	key = mix_pl(mix_pl(mix_pl(key, &msg->via.branch), &msg->via.sentby), &msg->met);
	id  = mix_pl(mix_pl(mix_pl(msg->cseq.num, &msg->callid), &msg->from.tag), &msg->to.tag);
	id  = mix_pl(mix_pl(id, &msg->ruri), &msg->clen);
	/* A datagram may come again from another port, when a NAT forgets; a stream's request does not change connections. */
	if (msg->tp != SIP_TRANSP_UDP)
		id ^= sa_hash(&msg->src, SA_ALL) * 31 + (uint32_t)msg->tp;
	e = seen_find(k, key);
	if (e->key != key || now - e->then_ms > 64 * SIP_T1) {
		*e = (struct seen){ .key = key, .id = id, .then_ms = now };
		return false;
	}
	if (e->id == id && !e->diverted)
		return false;
	if (e->id == id && !pl_strcmp(&msg->met, "INVITE"))
		return true;                      /* its answer is repeated by who answered it */
	*e = (struct seen){ .key = key, .id = id, .then_ms = now, .diverted = true };
	return sips_take(msg, k);
}

/* libre has its own listener before any of ours. A listener begins with its list element; where that does not hold, the
 * stack works without this. */
void sips_to_front(struct sip_lsnr *lsnr)
{
	struct le *le = (void *)lsnr;
	struct list *list = le->list;

	if (le->data != lsnr || !list || list->tail != le)
		return;
	list_unlink(le);
	list_prepend(list, le, lsnr);
}

/* --- the guard's seat --- */

static void guard_reply(struct stack *k, struct sa *src, const struct mbuf *mb, const struct sipguard *g)
{
	struct mbuf *out;

	if (!limit_take(k->s->bad, src, tmr_jiffies()))
		return;
	out = mbuf_alloc(512);
	if (!out)
		return;
	if (!sipguard_reply(out, (const char *)mbuf_buf(mb), mbuf_get_left(mb), src, g, k->s->software)) {
		out->pos = 0;
		(void)sip_send(k->sip, NULL, SIP_TRANSP_UDP, src, out);
		sips_count(k->s, g->scode);
	}
	mem_deref(out);
}

static bool guard_recv(struct sa *src, struct mbuf *mb, void *arg)
{
	struct stack *k = arg;
	struct sipguard g;

	/* STUN begins with two zero bits and a short keep-alive is CRLF: libre knows both. */
	if (mbuf_get_left(mb) <= 4 || mbuf_buf(mb)[0] < 2)
		return false;
	sipguard_check(&g, (const char *)mbuf_buf(mb), mbuf_get_left(mb), false);
	if (g.act == SIPGUARD_PASS) {
		mb->end = mb->pos + g.len;
		return false;
	}
	++k->s->stats.bad;
	if (g.act == SIPGUARD_REPLY)
		guard_reply(k, src, mb, &g);
	return true;
}

bool sips_is_probe(const struct stack *k, const struct sip_msg *msg)
{
	return k->probe_id[0] && msg->tp == SIP_TRANSP_UDP && !pl_strcmp(&msg->callid, k->probe_id);
}

void sips_probed(struct stack *k, const struct sip_msg *msg)
{
	struct udp_sock *us = msg->sock;

	udp_rxsz_set(us, DATAGRAM_MAX);
	(void)udp_sockbuf_set(us, SOCKET_BUFFER);
	/* The socket owns its helpers and frees them. */
	k->guarded = udp_register_helper(NULL, us, 0, NULL, guard_recv, k) == 0;
	k->probe_id[0] = '\0';
	close(k->probe_fd);
	k->probe_fd = -1;
}

int sips_probe(struct stack *k)
{
	const struct sa *to = &k->at[SIP_TRANSP_UDP];
	struct sa from = *to;
	char text[512];
	int n;

	(void)re_snprintf(k->probe_id, sizeof(k->probe_id), "%016llx%016llx", rand_u64(), rand_u64());
	sa_set_port(&from, 0);
	k->probe_fd = socket(sa_af(to), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->probe_fd < 0)
		return errno;
	n = re_snprintf(text, sizeof(text),
			"OPTIONS sip:guard SIP/2.0\r\nVia: SIP/2.0/UDP %J;branch=z9hG4bK%s\r\nFrom: <sip:guard>;tag=1\r\n"
			"To: <sip:guard>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			&from, k->probe_id, k->probe_id);
	if (n < 0)
		return ENOMEM;
	if (bind(k->probe_fd, &from.u.sa, from.len) || sendto(k->probe_fd, text, n, 0, &to->u.sa, to->len) < 0)
		return errno;
	return 0;
}
