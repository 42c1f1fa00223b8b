/*
 * dialog.c - a SIP dialog and requests inside it.
 */
#include <string.h>
#include "dialog.h"

enum { TRIES_MAX = 3, AUTH_MAX = 1024 };

struct dreq {
	struct dreq **ptr;
	struct dialog *d;
	struct sip_request *req;
	struct mbuf *hdrs;
	char *method;
	char *auth;
	sip_resp_h *h;
	void *arg;
	uint32_t cseq;
	unsigned tries;
	bool canceled, heard;
};

/* --- text --- */

/* Header text as one line: folds become spaces, other control bytes vanish. */
static int text_dup(char **dst, const struct pl *pl)
{
	char *s = mem_alloc(pl->l + 1, NULL), *w = s;

	if (!s)
		return ENOMEM;
	for (size_t i = 0; i < pl->l; i++) {
		unsigned char c = (unsigned char)pl->p[i];

		if (c == '\r')
			continue;
		*w++ = c == '\n' || c == '\t' ? ' ' : c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	*w = '\0';
	mem_deref(*dst);
	*dst = s;
	return 0;
}

static bool uri_plain(const struct pl *uri)
{
	for (size_t i = 0; i < uri->l; i++) {
		unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f)
			return false;
	}
	return uri->l > 0;
}

/* RFC 3261 12.2.1.1: the Request-URI has no "headers" and no method parameter. */
static void uri_strip(struct pl *uri)
{
	struct uri u;

	if (!uri_decode(&u, uri) && pl_isset(&u.headers)) {
		for (const char *p = uri->p + uri->l; p > uri->p; p--) {
			if (p[-1] == '?') {
				uri->l = (size_t)(p - 1 - uri->p);
				break;
			}
		}
	}
}

static bool uri_scheme_ok(const struct uri *u)
{
	return !pl_strcasecmp(&u->scheme, "sip") || !pl_strcasecmp(&u->scheme, "sips");
}

/* --- making --- */

static void dialog_destructor(void *arg)
{
	struct dialog *d = arg;

	mem_deref(d->callid);
	mem_deref(d->ltag);
	mem_deref(d->rtag);
	mem_deref(d->local);
	mem_deref(d->remote);
	mem_deref(d->target);
	mem_deref(d->user);
	for (size_t i = 0; i < d->n_routes; i++)
		mem_deref(d->routes[i]);
}

static void routes_clear(struct dialog *d)
{
	for (size_t i = 0; i < d->n_routes; i++)
		d->routes[i] = mem_deref(d->routes[i]);
	d->n_routes = 0;
}

static bool add_route(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct dialog *d = arg;

	if (d->n_routes < DIALOG_ROUTES_MAX && !text_dup(&d->routes[d->n_routes], &hdr->val))
		d->n_routes++;
	return false;
}

static void note_path(struct dialog *d, const struct sip_msg *msg)
{
	d->sip = sips_of(d->sips, msg);
	d->tp = msg->tp;
	sa_cpy(&d->peer, &msg->src);
	sa_cpy(&d->laddr, &msg->dst);
}

static int contact_uri(struct sip_addr *addr, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);

	if (!hdr || sip_addr_decode(addr, &hdr->val) || !uri_plain(&addr->auri) || !uri_scheme_ok(&addr->uri))
		return EBADMSG;
	return 0;
}

/* A peer that sits right behind its connection or NAT is best reached where its requests come from. */
static bool reuse_wanted(const struct dialog *d, const struct sip_msg *msg, const struct uri *contact)
{
	struct sa sa;

	if (sip_msg_hdr_count(msg, SIP_HDR_VIA) > 1)
		return d->n_routes > 0 && msg->tp != SIP_TRANSP_UDP;
	if (msg->tp != SIP_TRANSP_UDP)
		return true;
	if (d->n_routes || sa_set(&sa, &contact->host, 0))
		return false;
	return sip_sa_private(&sa) && !sa_cmp(&sa, &msg->src, SA_ADDR);
}

int dialog_target(struct dialog *d, const struct sip_msg *msg)
{
	struct sip_addr addr;
	int err;

	if (!sip_msg_hdr(msg, SIP_HDR_CONTACT))
		return msg->req && !d->target ? EBADMSG : 0;
	err = contact_uri(&addr, msg);
	if (err)
		return err;
	if (msg->req) {
		note_path(d, msg);
		d->reuse = reuse_wanted(d, msg, &addr.uri);
	}
	uri_strip(&addr.auri);
	return text_dup(&d->target, &addr.auri);
}

static struct dialog *dialog_new(struct sips *sips, const char *user, bool isfocus)
{
	struct dialog *d = mem_zalloc(sizeof(*d), dialog_destructor);

	if (!d)
		return NULL;
	d->sips = sips;
	d->isfocus = isfocus;
	d->tp = SIP_TRANSP_NONE;
	d->lseq = 1 + rand_u16();
	if (user && *user && str_dup(&d->user, user))
		return mem_deref(d);
	return d;
}

int dialog_accept(struct dialog **dp, struct sips *sips, const struct sip_msg *msg, const char *user, bool isfocus)
{
	struct dialog *d = dialog_new(sips, user, isfocus);
	char *to = NULL;
	int err;

	if (!d)
		return ENOMEM;
	d->secure = !pl_strcasecmp(&msg->uri.scheme, "sips");
	/* RFC 3261 12.1.1: "The route set MUST be set to the list of URIs in the Record-Route header field from the
	 * request, taken in order". */
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_RECORD_ROUTE, add_route, d);
	err  = text_dup(&d->callid, &msg->callid);
	err |= text_dup(&d->rtag, &msg->from.tag);
	err |= text_dup(&d->remote, &msg->from.val);
	err |= text_dup(&to, &msg->to.val);
	err |= re_sdprintf(&d->ltag, "%016llx", msg->tag);
	if (!err)
		err = re_sdprintf(&d->local, "%s;tag=%s", to, d->ltag);
	if (!err)
		err = dialog_target(d, msg);
	mem_deref(to);
	d->rseq = msg->cseq.num;
	d->rseq_set = true;
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int dialog_make(struct dialog **dp, struct sips *sips, const char *uri, const char *from_uri, const char *from_name,
		const char *user, bool isfocus, const char *route)
{
	struct dialog *d = dialog_new(sips, user, isfocus);
	struct pl pl;
	struct uri u;
	int err;

	if (!d)
		return ENOMEM;
	pl_set_str(&pl, uri);
	if (!uri_plain(&pl) || uri_decode(&u, &pl)) {
		err = EINVAL;
		goto out;
	}
	d->secure = !pl_strcasecmp(&u.scheme, "sips");
	err  = re_sdprintf(&d->callid, "%016llx%016llx", rand_u64(), rand_u64());
	err |= re_sdprintf(&d->ltag, "%016llx", rand_u64());
	err |= str_dup(&d->target, uri);
	if (err)
		goto out;
	err = re_sdprintf(&d->remote, "<%s>", uri);
	if (from_name && *from_name && !strpbrk(from_name, "\"\\\r\n"))
		err |= re_sdprintf(&d->local, "\"%s\" <%s>;tag=%s", from_name, from_uri, d->ltag);
	else
		err |= re_sdprintf(&d->local, "<%s>;tag=%s", from_uri, d->ltag);
	if (route && *route) {
		err |= route[0] == '<' ? str_dup(&d->routes[0], route) : re_sdprintf(&d->routes[0], "<%s>", route);
		d->n_routes = d->routes[0] ? 1 : 0;
	}
out:
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int dialog_answered(struct dialog *d, const struct sip_msg *msg)
{
	struct sip_addr addr;
	int err;

	if (!pl_isset(&msg->to.tag))
		return EBADMSG;
	err  = text_dup(&d->rtag, &msg->to.tag);
	err |= text_dup(&d->remote, &msg->to.val);
	if (err)
		return err;
	note_path(d, msg);
	/* RFC 3261 12.1.2: "... from the Record-Route header field from the response, taken in reverse order" */
	routes_clear(d);
	(void)sip_msg_hdr_apply(msg, false, SIP_HDR_RECORD_ROUTE, add_route, d);
	if (contact_uri(&addr, msg))
		return 0;                         /* a 1xx need not have one */
	uri_strip(&addr.auri);
	return text_dup(&d->target, &addr.auri);
}

int dialog_fork(struct dialog **dp, const struct dialog *old, const struct sip_msg *msg)
{
	struct dialog *d = dialog_new(old->sips, old->user, old->isfocus);
	int err;

	if (!d)
		return ENOMEM;
	err  = str_dup(&d->callid, old->callid);
	err |= str_dup(&d->ltag, old->ltag);
	err |= str_dup(&d->local, old->local);
	err |= str_dup(&d->target, old->target);
	d->lseq = old->lseq;
	d->secure = old->secure;
	d->authh = old->authh;
	d->auth_arg = old->auth_arg;
	sa_cpy(&d->auth_peer, &old->auth_peer);
	if (!err)
		err = dialog_answered(d, msg);
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

bool dialog_seq(struct dialog *d, const struct sip_msg *msg)
{
	/* RFC 3261 12.2.2: "If the remote sequence number was not empty, but the sequence number of the request is lower
	 * than the remote sequence number, the request is out of order and MUST be rejected with a 500". */
	if (d->rseq_set && msg->cseq.num <= d->rseq)
		return false;
	d->rseq = msg->cseq.num;
	d->rseq_set = true;
	return true;
}

bool dialog_is(const struct dialog *d, const struct pl *callid, const struct pl *ltag, const struct pl *rtag)
{
	if (pl_strcmp(callid, d->callid) || pl_strcmp(ltag, d->ltag))
		return false;
	return !rtag || !d->rtag || !pl_strcmp(rtag, d->rtag);
}

/* --- next hop --- */

static bool is_loose(const char *route)
{
	struct sip_addr addr;
	struct pl pl;

	pl_set_str(&pl, route);
	return sip_addr_decode(&addr, &pl) || sip_param(&addr.uri.params, "lr", NULL);
}

static int route_uri(struct pl *uri, const char *route)
{
	struct sip_addr addr;
	struct pl pl;
	int err;

	pl_set_str(&pl, route);
	err = sip_addr_decode(&addr, &pl);
	if (!err)
		*uri = addr.auri;
	return err;
}

/* RFC 3261 12.2.1.1: loose: Request-URI is the target and all routes are sent; strict: Request-URI is the first route,
 * the others follow and the target comes last. */
static int write_routes(struct mbuf *mb, struct pl *ruri, const struct dialog *d)
{
	bool strict = d->n_routes && !is_loose(d->routes[0]);
	int err = 0;

	pl_set_str(ruri, d->target);
	if (strict) {
		err = route_uri(ruri, d->routes[0]);
		uri_strip(ruri);
	}
	for (size_t i = strict ? 1 : 0; i < d->n_routes; i++)
		err |= mbuf_printf(mb, "Route: %s\r\n", d->routes[i]);
	if (strict)
		err |= mbuf_printf(mb, "Route: <%s>\r\n", d->target);
	return err;
}

static enum sip_transp uri_transp(const struct uri *u)
{
	struct pl v;

	if (!pl_strcasecmp(&u->scheme, "sips"))
		return SIP_TRANSP_TLS;
	if (!sip_param(&u->params, "transport", &v))
		return SIP_TRANSP_NONE;
	return !pl_strcasecmp(&v, "tcp") ? SIP_TRANSP_TCP : !pl_strcasecmp(&v, "tls") ? SIP_TRANSP_TLS :
		!pl_strcasecmp(&v, "udp") ? SIP_TRANSP_UDP : SIP_TRANSP_NONE;
}

/* As next_hop goes: over the connection the peer came in on, or as its route or Contact says. Without a word there it is UDP. */
bool dialog_over_stream(const struct dialog *d)
{
	enum sip_transp tp = d->tp;
	struct pl text;
	struct uri u;

	if (!d->reuse || !sips_has(d->sips, d->sip)) {
		pl_set_str(&text, d->target);
		if ((d->n_routes && route_uri(&text, d->routes[0])) || uri_decode(&u, &text))
			return false;
		tp = uri_transp(&u);
	}
	return tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS;
}

static bool stack_can(struct sip *sip, enum sip_transp tp, const struct sa *dst)
{
	struct sa any;
	struct sa to;

	sa_init(&to, AF_INET);
	if (dst && sa_isset(dst, SA_ADDR))
		sa_cpy(&to, dst);
	if (!sip)
		return false;
	if (tp != SIP_TRANSP_NONE)
		return !sip_transp_laddr(sip, &any, tp, &to);
	return !sip_transp_laddr(sip, &any, SIP_TRANSP_UDP, &to) || !sip_transp_laddr(sip, &any, SIP_TRANSP_TCP, &to) ||
		!sip_transp_laddr(sip, &any, SIP_TRANSP_TLS, &to);
}

/* Which stack, and a route of the kind libre takes ("sip:", never "sips:"), into buf. */
static int next_hop(struct sip **sip, char *buf, size_t size, struct uri *route, const struct dialog *d)
{
	enum sip_transp tp;
	struct pl text;
	struct uri u;
	struct sa dst;
	int err;

	if (d->reuse && sips_has(d->sips, d->sip)) {
		if (re_snprintf(buf, size, "sip:%J%s", &d->peer, d->tp == SIP_TRANSP_UDP ? ";transport=udp" :
				sip_transp_param(d->tp)) < 0)
			return ENOSPC;
		*sip = d->sip;
		pl_set_str(&text, buf);
		return uri_decode(route, &text);
	}
	pl_set_str(&text, d->target);
	err = d->n_routes ? route_uri(&text, d->routes[0]) : 0;
	if (err || uri_decode(&u, &text))
		return EINVAL;
	if (!uri_scheme_ok(&u))
		return EPROTONOSUPPORT;
	tp = uri_transp(&u);
	if (sip_param(&u.params, "maddr", &text))
		u.host = text;
	sa_init(&dst, AF_UNSPEC);
	(void)sa_set(&dst, &u.host, 0);
	*sip = d->sip;
	if (!sips_has(d->sips, d->sip) || !stack_can(d->sip, tp, &dst)) {
		err = sips_towards(d->sips, sip, tp, &dst);
		if (err)
			return err;
	}
	if (u.port)
		err = re_snprintf(buf, size, u.af == AF_INET6 ? "sip:[%r]:%u%s" : "sip:%r:%u%s", &u.host, u.port,
				  tp == SIP_TRANSP_UDP ? ";transport=udp" : sip_transp_param(tp)) < 0 ? ENOSPC : 0;
	else
		err = re_snprintf(buf, size, u.af == AF_INET6 ? "sip:[%r]%s" : "sip:%r%s", &u.host,
				  tp == SIP_TRANSP_UDP ? ";transport=udp" : sip_transp_param(tp)) < 0 ? ENOSPC : 0;
	if (err)
		return err;
	pl_set_str(&text, buf);
	return uri_decode(route, &text);
}

/* --- requests --- */

static void dreq_destructor(void *arg)
{
	struct dreq *r = arg;

	if (r->ptr)
		*r->ptr = NULL;
	mem_deref(r->req);
	mem_deref(r->d);
	mem_deref(r->hdrs);
	mem_deref(r->method);
	mem_deref(r->auth);
}

static bool wants_contact(const char *method)
{
	static const char *const with[] = { "INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER" };

	for (size_t i = 0; i < ARRAY_SIZE(with); i++) {
		if (!strcmp(method, with[i]))
			return true;
	}
	return false;
}

int dialog_contact(const struct dialog *d, char *buf, size_t size, enum sip_transp tp, const struct sa *src,
		   const struct sa *dst)
{
	size_t n;
	int err = sips_contact(d->sips, buf, size, d->user, d->isfocus, tp, src, dst);

	if (err || !d->secure)
		return err;
	n = strlen(buf);
	if (n + 2 > size)
		return ENOSPC;
	memmove(buf + 5, buf + 4, n - 4 + 1);             /* "<sip:" becomes "<sips:" */
	buf[4] = 's';
	return 0;
}

static int write_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
	const struct dreq *r = arg;
	char contact[512];
	int err;

	if (!wants_contact(r->method))
		return 0;
	err = dialog_contact(r->d, contact, sizeof(contact), tp, src, dst);
	return err ? err : mbuf_printf(mb, "Contact: %s\r\n", contact);
}

static int write_head(struct mbuf *mb, struct pl *ruri, const struct dialog *d, uint32_t cseq, const char *method,
		      const char *auth, const struct mbuf *hdrs)
{
	int err;

	err  = mbuf_write_str(mb, "Max-Forwards: 70\r\n");
	err |= write_routes(mb, ruri, d);
	err |= mbuf_printf(mb, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nUser-Agent: %s\r\n", d->local, d->remote,
			   d->callid, cseq, method, sips_software(d->sips));
	if (auth)
		err |= mbuf_write_str(mb, auth);
	if (hdrs)
		err |= mbuf_write_mem(mb, hdrs->buf, hdrs->end);
	else
		err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	mb->pos = 0;
	return err;
}

static void dreq_response(int err, const struct sip_msg *msg, void *arg);

static int dreq_send(struct dreq *r)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct uri route;
	struct sip *sip;
	struct pl ruri;
	char hop[512];
	int err;

	if (!mb)
		return ENOMEM;
	err = next_hop(&sip, hop, sizeof(hop), &route, r->d);
	if (err)
		goto out;
	err = write_head(mb, &ruri, r->d, r->cseq, r->method, r->auth, r->hdrs);
	if (err)
		goto out;
	err = sip_request(&r->req, sip, true, r->method, -1, ruri.p, (int)ruri.l, &route, mb, (size_t)r->d, write_contact,
			  dreq_response, r);
out:
	mem_deref(mb);
	return err;
}

static int again(struct dreq *r)
{
	r->tries++;
	r->cseq = ++r->d->lseq;
	r->heard = false;
	return dreq_send(r);
}

static bool peer_may_challenge(struct dialog *d, const struct sip_msg *msg)
{
	/* Whoever answers our first request is the peer the credentials were configured for. A Contact or a route that
	 * leads elsewhere later must not fetch a digest. */
	if (!sa_isset(&d->auth_peer, SA_ADDR))
		sa_cpy(&d->auth_peer, &msg->src);
	return sa_cmp(&d->auth_peer, &msg->src, SA_ADDR);
}

/* True: the request is on its way again. */
static bool challenged(struct dreq *r, const struct sip_msg *msg)
{
	char line[AUTH_MAX];
	struct pl uri;
	char *text = NULL;
	bool strict;
	int err;

	if (!r->d->authh || r->tries + 1 >= TRIES_MAX || r->canceled || !peer_may_challenge(r->d, msg))
		return false;
	strict = r->d->n_routes && !is_loose(r->d->routes[0]);
	pl_set_str(&uri, r->d->target);
	if (strict && route_uri(&uri, r->d->routes[0]))
		return false;
	err = pl_strdup(&text, &uri);
	if (!err)
		err = r->d->authh(line, sizeof(line), msg, r->method, text, r->d->auth_arg);
	mem_deref(text);
	if (err)
		return false;
	mem_deref(r->auth);
	r->auth = NULL;
	return !str_dup(&r->auth, line) && !again(r);
}

static void dreq_response(int err, const struct sip_msg *msg, void *arg)
{
	struct dreq *r = arg;
	sip_resp_h *h;

	if (msg && !err) {
		r->heard = true;
		if (msg->scode < 200) {
			if (r->h)
				r->h(err, msg, r->arg);
			return;
		}
		if (r->d->authh && !sa_isset(&r->d->auth_peer, SA_ADDR) && msg->scode < 300)
			sa_cpy(&r->d->auth_peer, &msg->src);
		if ((msg->scode == 401 || msg->scode == 407) && challenged(r, msg))
			return;
	}
	/* The connection the peer came in on may be closed by now: its Contact is the other way. */
	if (err && err != ECONNABORTED && r->d->reuse && !r->heard && !r->canceled && r->tries + 1 < TRIES_MAX) {
		r->d->reuse = false;
		if (!again(r))
			return;
	}
	h = r->h;
	r->h = NULL;
	if (r->ptr) {
		*r->ptr = NULL;
		r->ptr = NULL;
	}
	if (h)
		h(err, msg, r->arg);
	mem_deref(r);
}

int dialog_request(struct dreq **rp, struct dialog *d, const char *method, const struct mbuf *hdrs, sip_resp_h *h, void *arg)
{
	struct dreq *r = mem_zalloc(sizeof(*r), dreq_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->d = mem_ref(d);
	r->h = h;
	r->arg = arg;
	err = str_dup(&r->method, method);
	r->hdrs = mem_ref((void *)hdrs);
	if (!err) {
		r->cseq = ++d->lseq;
		err = dreq_send(r);
	}
	if (err) {
		mem_deref(r);
		return err;
	}
	if (rp) {
		r->ptr = rp;
		*rp = r;
	}
	return 0;
}

void dreq_cancel(struct dreq *r)
{
	if (!r)
		return;
	r->canceled = true;
	sip_request_cancel(r->req);
}

void dreq_forget(struct dreq *r)
{
	if (!r)
		return;
	if (r->ptr)
		*r->ptr = NULL;
	r->ptr = NULL;
	r->h = NULL;
}

int dialog_ack(struct dialog *d, uint32_t cseq, const struct mbuf *hdrs)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct uri route;
	struct sip *sip;
	struct pl ruri;
	char hop[512];
	int err;

	if (!mb)
		return ENOMEM;
	err = next_hop(&sip, hop, sizeof(hop), &route, d);
	if (!err)
		err = write_head(mb, &ruri, d, cseq, "ACK", NULL, hdrs);
	if (!err)
		err = sip_request(NULL, sip, false, "ACK", -1, ruri.p, (int)ruri.l, &route, mb, (size_t)d, NULL, NULL, NULL);
	mem_deref(mb);
	return err;
}
