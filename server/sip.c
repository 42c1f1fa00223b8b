/*
 * sip.c - one libre stack per local address, the guard in front, requests handed on by method.
 *
 *     datagram > guard > libre: decode, transaction > sips_check > limit > handlers in order > 481 | 405
 *     stream            > libre: decode, transaction > guard > sips_check > ...
 */
#include <string.h>
#include <unistd.h>
#include "control/log.h"
#include "sip_priv.h"

enum { STACKS_MAX = 64, HASH_SIZE = 1024 };

const char sip_allow[] = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, SUBSCRIBE";
const char sip_allow_events[] = "conference, refer";
const char sip_supported[] = "100rel, timer, replaces, join, norefersub";
const char sip_accept[] = "application/sdp, multipart/mixed, multipart/alternative";

/* --- answers --- */

struct sip *sips_of(const struct sips *s, const struct sip_msg *msg)
{
	const struct stack *k = s && msg ? sips_stack_of(s, msg->tp, &msg->dst) : NULL;

	return k ? k->sip : NULL;
}

bool sips_has(const struct sips *s, const struct sip *sip)
{
	for (struct le *le = s->stacks.head; le; le = le->next) {
		if (((struct stack *)le->data)->sip == sip)
			return true;
	}
	return false;
}

void sips_count(const struct sips *s, uint16_t scode)
{
	struct sips *m = (struct sips *)s;

	if (scode / 100 < ARRAY_SIZE(m->stats.responses))
		++m->stats.responses[scode / 100];
}

static void tell_refused(const struct sips *s, const struct sip_msg *msg, uint16_t scode, const char *reason)
{
	if (s->refusedh && scode >= 300 && !pl_strcmp(&msg->met, "INVITE") && !pl_isset(&msg->to.tag))
		s->refusedh(msg, scode, reason, s->refused_arg);
}

void sips_watch(struct sips *s, sips_refused_h *h, void *arg)
{
	s->refusedh    = h;
	s->refused_arg = arg;
}

int sips_reply(const struct sips *s, struct sip_strans **stp, struct mbuf **mbp, const struct sip_msg *msg, bool rec_route,
	       uint16_t scode, const char *reason, const struct mbuf *hdrs)
{
	struct sip *sip = sips_of(s, msg);

	if (!sip)
		return EINVAL;
	sips_count(s, scode);
	tell_refused(s, msg, scode, reason);
	if (!hdrs)
		return sip_treplyf(stp, mbp, sip, msg, rec_route, scode, reason, NULL);
	return sip_treplyf(stp, mbp, sip, msg, rec_route, scode, reason, "%b", hdrs->buf, hdrs->end);
}

int sips_vreplyf(const struct sips *s, struct sip_strans **stp, const struct sip_msg *msg, uint16_t scode,
		 const char *reason, const char *fmt, va_list ap)
{
	struct mbuf *mb = mbuf_alloc(256);
	int err;

	if (!mb)
		return ENOMEM;
	err = fmt ? mbuf_vprintf(mb, fmt, ap) : 0;
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (!err)
		err = sips_reply(s, stp, NULL, msg, false, scode, reason, mb);
	mem_deref(mb);
	return err;
}

int sips_replyf(const struct sips *s, const struct sip_msg *msg, uint16_t scode, const char *reason, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = sips_vreplyf(s, NULL, msg, scode, reason, fmt, ap);
	va_end(ap);
	return err;
}

/* --- dispatch --- */

static void nobody_took(struct sips *s, const struct sip_msg *msg)
{
	static const char in_dialog[] = "BYE, PRACK, UPDATE, INFO, CANCEL";

	if (!pl_strcmp(&msg->met, "ACK"))
		return;
	/* A To tag passes sips_check_rate, for dialogs must not suffer; without a dialog behind it, it counts after all. */
	if (pl_isset(&msg->to.tag) && !limit_take(s->requests, &msg->src, tmr_jiffies())) {
		++s->stats.limited;
		sips_security(msg, "rate-limit");
		return;
	}
	if (!pl_strcmp(&msg->met, "CANCEL")) {
		(void)sips_replyf(s, msg, 481, "Transaction Does Not Exist", NULL);
		return;
	}
	/* RFC 3261 12.2.2: "If the UAS wishes to reject the request because it does not wish to recreate the dialog, it
	 * MUST respond to the request with a 481". */
	if (pl_isset(&msg->to.tag) || sips_method_in(in_dialog, &msg->met)) {
		(void)sips_replyf(s, msg, 481, "Call/Transaction Does Not Exist", NULL);
		return;
	}
	if (!pl_strcmp(&msg->met, "OPTIONS")) {
		(void)sips_replyf(s, msg, 200, "OK", "Allow: %s\r\nAllow-Events: %s\r\nSupported: %s\r\nAccept: %s\r\n"
				  "Accept-Encoding: identity\r\n", sip_allow, sip_allow_events, sip_supported, sip_accept);
		return;
	}
	(void)sips_replyf(s, msg, 405, "Method Not Allowed", "Allow: %s\r\n", sip_allow);
}

bool sips_take(const struct sip_msg *msg, void *arg)
{
	struct stack *k = arg;
	struct sips *s = k->s;

	if (sips_is_probe(k, msg)) {
		sips_probed(k, msg);
		return true;
	}
	if (s->closed)
		return true;
	++s->stats.requests;
	if (!sips_check_rate(s, msg) || !sips_check(s, msg))
		return true;
	for (struct le *le = s->handlers.head; le; ) {
		const struct handler *h = le->data;

		le = le->next;
		if ((!h->method || !pl_strcmp(&msg->met, h->method)) && h->h(msg, h->arg))
			return true;
	}
	nobody_took(s, msg);
	return true;
}

/* Only what no client transaction wanted comes here: late 2xx for the session layer, and answers to nothing. */
static bool response_handler(const struct sip_msg *msg, void *arg)
{
	const struct stack *k = arg;

	for (struct le *le = k->s->handlers.head; le && !k->s->closed; ) {
		const struct handler *h = le->data;

		le = le->next;
		if (!h->method && h->h(msg, h->arg))
			return true;
	}
	return true;
}

/* --- stacks --- */

static void stack_destructor(void *arg)
{
	struct stack *k = arg;

	list_unlink(&k->le);
	mem_deref(k->front);
	mem_deref(k->req);
	mem_deref(k->resp);
	if (k->sip) {
		sip_close(k->sip, true);
		mem_deref(k->sip);
	}
	if (k->probe_fd >= 0)
		close(k->probe_fd);
}

static int stack_alloc(struct stack **kp, struct sips *s, const struct sa *addr)
{
	struct stack *k;
	int err;

	if (list_count(&s->stacks) >= STACKS_MAX)
		return E2BIG;
	k = mem_zalloc(sizeof(*k), stack_destructor);
	if (!k)
		return ENOMEM;
	k->probe_fd = -1;
	k->s = s;
	sa_cpy(&k->addr, addr);
	sa_set_port(&k->addr, 0);
	err = sip_alloc(&k->sip, s->dnsc, HASH_SIZE, HASH_SIZE, HASH_SIZE, s->software, NULL, NULL);
	if (err)
		goto out;
	err  = sip_listen(&k->req, k->sip, true, sips_take, k);
	err |= sip_listen(&k->resp, k->sip, false, response_handler, k);
	err |= sip_listen(&k->front, k->sip, true, sips_front, k);
	if (err)
		goto out;
	sips_to_front(k->front);
	list_append(&s->stacks, &k->le, k);
	*kp = k;
out:
	if (err)
		mem_deref(k);
	return err;
}

static int transport_add(struct sips *s, enum sip_transp tp, const struct sa *addr)
{
	struct stack *k = NULL;
	int err;

	for (struct le *le = s->stacks.head; le; le = le->next) {
		struct stack *other = le->data;

		if (sa_cmp(&other->addr, addr, SA_ADDR) && !sa_isset(&other->at[tp], SA_ADDR)) {
			k = other;
			break;
		}
	}
	if (!k) {
		err = stack_alloc(&k, s, addr);
		if (err)
			return err;
	}
	err = tp == SIP_TRANSP_TLS ? sip_transp_add(k->sip, tp, addr, s->tls) : sip_transp_add(k->sip, tp, addr);
	if (!err)
		err = sip_transp_laddr(k->sip, &k->at[tp], tp, addr);
	if (!err && tp == SIP_TRANSP_UDP)
		err = sips_probe(k);
	return err;
}

struct wildcard { struct sips *s; enum sip_transp tp; struct sa addr; int err; size_t n; };

static bool wildcard_if(const char *ifname, const struct sa *sa, void *arg)
{
	struct wildcard *w = arg;
	struct sa addr = *sa;

	if (sa_af(sa) != sa_af(&w->addr) || sa_is_linklocal(sa))
		return false;
	sa_set_port(&addr, sa_port(&w->addr));
	w->err = transport_add(w->s, w->tp, &addr);
	w->n++;
	return w->err != 0;
}

static int listen_on(struct sips *s, enum sip_transp tp, const struct sa *addr)
{
	struct wildcard w = { .s = s, .tp = tp, .addr = *addr };

	if (!sa_is_any(addr))
		return transport_add(s, tp, addr);
	(void)net_if_apply(wildcard_if, &w);
	return w.err ? w.err : w.n ? 0 : EADDRNOTAVAIL;
}

/* "udp:127.0.0.1:5060", "tls:[::1]" (default port) */
static int word_read(enum sip_transp *tp, struct sa *addr, const struct pl *word)
{
	struct pl proto, rest;
	const char *colon = memchr(word->p, ':', word->l);

	if (!colon)
		return EINVAL;
	proto.p = word->p;
	proto.l = (size_t)(colon - word->p);
	rest.p = colon + 1;
	rest.l = word->l - proto.l - 1;
	if (!pl_strcasecmp(&proto, "udp"))
		*tp = SIP_TRANSP_UDP;
	else if (!pl_strcasecmp(&proto, "tcp"))
		*tp = SIP_TRANSP_TCP;
	else if (!pl_strcasecmp(&proto, "tls"))
		*tp = SIP_TRANSP_TLS;
	else
		return EINVAL;
	if (!sa_decode(addr, rest.p, rest.l))
		return 0;
	if (rest.l > 2 && rest.p[0] == '[' && rest.p[rest.l - 1] == ']') {
		rest.p++;
		rest.l -= 2;
	}
	return sa_set(addr, &rest, sip_transp_port(*tp, 0)) ? EINVAL : 0;
}

static int listen_words(struct sips *s, const struct sips_conf *conf)
{
	static const char space[] = " \t\r\n,";
	int err = 0;

	for (const char *p = conf->listen + strspn(conf->listen, space); *p && !err; p += strspn(p, space)) {
		struct pl word = { p, strcspn(p, space) };
		enum sip_transp tp;
		struct sa addr;

		p += word.l;
		err = word_read(&tp, &addr, &word);
		if (!err && tp == SIP_TRANSP_TLS)
			err = sips_tls_open(s, conf);
		if (!err)
			err = listen_on(s, tp, &addr);
		if (err) {
			char text[128];

			log_error("sip.listen", "word=%s error=\"%s\"", sips_text(text, sizeof(text), &word), strerror(err));
		}
	}
	return err;
}

static void sips_destructor(void *arg)
{
	struct sips *s = arg;

	sips_close(s);
	list_flush(&s->handlers);
	mem_deref(s->dnsc);
	mem_deref(s->tls);
	mem_deref(s->tls_peer);
	mem_deref(s->software);
	mem_deref(s->invites);
	mem_deref(s->requests);
	mem_deref(s->bad);
}

void sips_close(struct sips *s)
{
	if (!s)
		return;
	s->closed = true;
	list_flush(&s->stacks);
}

static int dns_open(struct sips *s)
{
	struct sa nsv[8];
	uint32_t n = ARRAY_SIZE(nsv);

	/* Without a name server numeric peers still work. */
	if (dns_srv_get(NULL, 0, nsv, &n))
		n = 0;
	return dnsc_alloc(&s->dnsc, NULL, nsv, n);
}

int sips_alloc(struct sips **sp, const struct sips_conf *conf)
{
	struct sips *s;
	int err;

	if (!sp || !conf || !conf->listen)
		return EINVAL;
	s = mem_zalloc(sizeof(*s), sips_destructor);
	if (!s)
		return ENOMEM;
	if (conf->external && *conf->external && sa_set_str(&s->external, conf->external, 0)) {
		err = EINVAL;
		goto out;
	}
	err  = str_dup(&s->software, conf->software && *conf->software ? conf->software : "Tutti");
	err |= limit_alloc(&s->invites, conf->invite_rate, conf->invite_rate * 4);
	err |= limit_alloc(&s->requests, conf->request_rate, conf->request_rate * 4);
	err |= limit_alloc(&s->bad, 20, 100);
	if (err)
		goto out;
	err = dns_open(s);
	if (err)
		goto out;
	err = listen_words(s, conf);
	if (!err && !s->stacks.head)
		err = EINVAL;
out:
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

static void handler_destructor(void *arg)
{
	struct handler *h = arg;

	list_unlink(&h->le);
	mem_deref(h->method);
}

int sips_handle(struct sips *s, const char *method, sips_request_h *fn, void *arg)
{
	struct handler *h;

	if (!s || !fn)
		return EINVAL;
	h = mem_zalloc(sizeof(*h), handler_destructor);
	if (!h)
		return ENOMEM;
	if (method && str_dup(&h->method, method)) {
		mem_deref(h);
		return ENOMEM;
	}
	h->h = fn;
	h->arg = arg;
	list_append(&s->handlers, &h->le, h);
	return 0;
}

void sips_forget(struct sips *s, const void *arg)
{
	for (struct le *le = s->handlers.head; le; ) {
		struct handler *h = le->data;

		le = le->next;
		if (h->arg == arg)
			mem_deref(h);
	}
}

const char *sips_software(const struct sips *s)
{
	return s->software;
}

void sips_stats(const struct sips *s, struct sips_stats *st)
{
	*st = s->stats;
}
