/*
 * sip.c - one libre stack per local address, the guard in front, requests handed on by method.
 *
 *     datagram > guard > libre: decode, transaction > sip_check > limit > handlers in order > 481 | 405
 *     stream            > libre: decode, transaction > guard > sip_check > ...
 *
 * The udp socket of a libre transport is private to it, but every message carries it: so each UDP transport is sent one
 * request from a socket of our own the moment it is open, a probe with a secret Call-ID, and the message that comes out of
 * libre shows the socket on which the guard then sits. It is the first datagram in the socket's queue.
 */
#include <string.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "control/log.h"
#include "sip.h"
#include "sipguard.h"
#include "limit.h"
#include "multipart.h"

enum { STACKS_MAX = 64, HASH_SIZE = 1024, DATAGRAM_MAX = 65535, SOCKET_BUFFER = 1 << 20, SEEN_SETS = 1024, SEEN_WAYS = 4 };
#define TP_N ((int)SIP_TRANSP_TLS + 1)

const char sip_allow[] = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, SUBSCRIBE";
const char sip_allow_events[] = "conference, refer";
const char sip_supported[] = "100rel, timer, replaces, join, norefersub";
const char sip_accept[] = "application/sdp, multipart/mixed, multipart/alternative";

/* A server transaction as libre finds it (branch, sent-by, method), and whose request it was. */
struct seen { uint32_t key, id; uint64_t then_ms; bool diverted; };

struct stack {
	struct le le;
	struct sips *s;
	struct sip *sip;
	struct sip_lsnr *front, *req, *resp;
	struct seen seen[SEEN_SETS][SEEN_WAYS];
	struct sa addr;
	struct sa at[TP_N];               /* listening addresses, unset where there is no transport */
	int probe_fd;
	char probe_id[40];
	bool guarded;
};

struct handler {
	struct le le;
	char *method;
	sips_request_h *h;
	void *arg;
};

struct sips {
	struct list stacks, handlers;
	struct dnsc *dnsc;
	struct tls *tls;
	char *software, *tls_peer;
	const char *tls_problem;
	struct sa external;
	struct limit *invites, *requests, *bad;
	struct sips_stats stats;
	sips_refused_h *refusedh;
	void *refused_arg;
	bool closed;
};

/* --- small things others use --- */

bool sip_param(const struct pl *params, const char *name, struct pl *val)
{
	const char *p = params->p, *end = p ? p + params->l : NULL;
	size_t n = strlen(name);

	while (p && p < end) {
		const char *semi = memchr(p, ';', end - p), *stop = semi ? semi : end, *eq;

		while (p < stop && (*p == ' ' || *p == '\t'))
			p++;
		eq = memchr(p, '=', stop - p);
		size_t l = (size_t)((eq ? eq : stop) - p);

		while (l && (p[l - 1] == ' ' || p[l - 1] == '\t'))
			l--;
		if (l == n && !strncasecmp(p, name, n)) {
			if (val) {
				val->p = eq ? eq + 1 : stop;
				val->l = (size_t)(stop - val->p);
			}
			return true;
		}
		p = semi ? semi + 1 : end;
	}
	return false;
}

bool sip_msg_names(const struct sip_msg *msg, enum sip_hdrid id, const char *token)
{
	return sip_msg_hdr_has_value(msg, id, token);
}

bool sip_sa_private(const struct sa *sa)
{
	uint32_t a;

	if (sa_is_loopback(sa) || sa_is_linklocal(sa))
		return true;
	if (sa_af(sa) == AF_INET6)
		return (sa->u.in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
	a = sa_in(sa);
	return (a >> 24) == 10 || (a >> 20) == 0xac1 || (a >> 16) == 0xc0a8 || (a >> 22) == (0x64400000u >> 22);
}

uint16_t sip_errno_to_status(int err, const char **reason)
{
	static const struct { int err; uint16_t scode; const char *reason; } map[] = {
		{ EBADMSG, 400, "Bad Request" },           { EACCES, 403, "Forbidden" },
		{ EPERM,   403, "Forbidden" },             { ENOENT, 404, "Not Found" },
		{ ETIMEDOUT, 408, "Request Timeout" },     { ENOTSUP, 488, "Not Acceptable Here" },
		{ EPROTO,  491, "Request Pending" },       { EBUSY,  486, "Busy Here" },
		{ ENOSYS,  501, "Not Implemented" },       { ENOMEM, 503, "Service Unavailable" },
		{ EAGAIN,  480, "Not Open Now" },          { ENOSPC, 503, "Service Unavailable" },
		{ EINVAL,  400, "Bad Request" },           { EUSERS, 486, "Busy Here" },
		{ ESHUTDOWN, 503, "Service Unavailable" }, { EEXIST, 409, "Conflict" },
		{ E2BIG,   513, "Message Too Large" },     { EMSGSIZE, 513, "Message Too Large" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		if (map[i].err == err) {
			*reason = map[i].reason;
			return map[i].scode;
		}
	}
	*reason = "Server Internal Error";
	return 500;
}

/* --- Via --- */

static void skip_space(struct pl *pl)
{
	while (pl->l && strchr(" \t\r\n", pl->p[0]) && pl->p[0])
		pl_advance(pl, 1);
}

static bool skip_word(struct pl *pl, const char *word)
{
	size_t n = strlen(word);

	skip_space(pl);
	if (pl->l < n || strncasecmp(pl->p, word, n))
		return false;
	pl_advance(pl, (ssize_t)n);
	skip_space(pl);
	return true;
}

static struct pl take_until(struct pl *pl, const char *stop)
{
	struct pl word = { pl->p, 0 };

	while (pl->l && !(pl->p[0] && strchr(stop, pl->p[0]))) {
		pl_advance(pl, 1);
		word.l++;
	}
	return word;
}

/* "h:5060", "[::1]:5060"; libre's own takes no dots inside brackets (::ffff:192.0.2.1). */
static void host_port(struct pl *host, struct pl *port, const struct pl *sentby)
{
	struct pl p = *sentby;
	bool bracket = p.p[0] == '[';

	if (bracket)
		pl_advance(&p, 1);
	*host = take_until(&p, bracket ? "]" : ":");
	if (bracket && p.l)
		pl_advance(&p, 1);
	if (p.l && p.p[0] == ':')
		pl_advance(&p, 1);
	*port = p;
}

/* libre's decoder refuses a Via without a branch, and with it the message: a datagram would be lost in silence and a
 * connection closed, though RFC 3261 17.2.3 wants such requests of RFC 2543 clients answered. The loader finds this one
 * before the library's; where it does not, only those clients lose. The whole value stands in for the branch, and
 * front_handler tells their requests apart. */
int sip_via_decode(struct sip_via *via, const struct pl *pl)
{
	struct pl p, transp, host, port;

	if (!via || !pl)
		return EINVAL;
	p = *pl;
	if (!skip_word(&p, "SIP") || !skip_word(&p, "/") || !skip_word(&p, "2.0") || !skip_word(&p, "/"))
		return EBADMSG;
	transp = take_until(&p, " \t\r\n;");
	skip_space(&p);
	via->sentby = take_until(&p, " \t\r\n;,");
	skip_space(&p);
	if (!transp.l || !via->sentby.l || (p.l && p.p[0] != ';'))
		return EBADMSG;
	via->tp = !pl_strcasecmp(&transp, "UDP") ? SIP_TRANSP_UDP : !pl_strcasecmp(&transp, "TCP") ? SIP_TRANSP_TCP :
		!pl_strcasecmp(&transp, "TLS") ? SIP_TRANSP_TLS : SIP_TRANSP_NONE;
	host_port(&host, &port, &via->sentby);
	sa_init(&via->addr, AF_INET);
	(void)sa_set(&via->addr, &host, 0);
	if (pl_isset(&port))
		sa_set_port(&via->addr, (uint16_t)pl_u32(&port));
	via->params = p;
	via->val = *pl;
	if (!sip_param(&p, "branch", &via->branch) || !via->branch.l)
		via->branch = *pl;
	return 0;
}

/* --- answers --- */

static struct stack *stack_of(const struct sips *s, enum sip_transp tp, const struct sa *local)
{
	struct stack *same = NULL;

	for (struct le *le = s->stacks.head; le; le = le->next) {
		struct stack *k = le->data;

		if (!sa_cmp(&k->addr, local, SA_ADDR))
			continue;
		if ((int)tp >= 0 && (int)tp < TP_N && sa_isset(&k->at[tp], SA_ADDR)) {
			if (sa_port(&k->at[tp]) == sa_port(local))
				return k;
			same = k;
		}
		else if (!same)
			same = k;
	}
	return same;
}

struct sip *sips_of(const struct sips *s, const struct sip_msg *msg)
{
	const struct stack *k = s && msg ? stack_of(s, msg->tp, &msg->dst) : NULL;

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

static void count_reply(const struct sips *s, uint16_t scode)
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
	count_reply(s, scode);
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

/* --- checks that hold for every method: RFC 3261 8.2.1 to 8.2.3 --- */

static bool has_handler(const struct sips *s, const struct pl *method)
{
	for (struct le *le = s->handlers.head; le; le = le->next) {
		const struct handler *h = le->data;

		if (h->method && !pl_strcmp(method, h->method))
			return true;
	}
	return false;
}

static bool method_in(const char *list, const struct pl *method)
{
	for (const char *p = list; *p; ) {
		size_t n = strcspn(p, ", ");

		if (n == method->l && !memcmp(p, method->p, n))
			return true;
		p += n;
		p += strspn(p, ", ");
	}
	return false;
}

static bool collect_unsupported(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	static const char *const known[] = { "100rel", "timer", "replaces", "join", "norefersub" };
	struct mbuf *mb = arg;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!pl_strcasecmp(&hdr->val, known[i]))
			return false;
	}
	(void)mbuf_printf(mb, "%s%r", mb->pos ? ", " : "", &hdr->val);
	return false;
}

static bool check_require(struct sips *s, const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(64);
	bool ok = true;

	if (!mb)
		return true;
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, collect_unsupported, mb);
	if (mb->end) {
		/* "the UAS MUST respond by generating a response with status code 420 ... MUST add an Unsupported" */
		(void)sips_replyf(s, msg, 420, "Bad Extension", "Unsupported: %b\r\nSupported: %s\r\n", mb->buf, mb->end,
				  sip_supported);
		ok = false;
	}
	mem_deref(mb);
	return ok;
}

static bool body_optional(const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_CONTENT_DISPOSITION);
	struct pl v;

	return h && sip_param(&h->val, "handling", &v) && !pl_strcasecmp(&v, "optional");
}

static int multipart_check(const struct sip_msg *msg)
{
	struct pl part, body = { (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };

	return multipart_find_in(&part, &msg->ctyp, &body, "application", "sdp");
}

static bool check_body(struct sips *s, const struct sip_msg *msg)
{
	const struct sip_hdr *enc = sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING);

	if (!mbuf_get_left(msg->mb) || body_optional(msg))
		return true;
	if (enc && pl_strcasecmp(&enc->val, "identity")) {
		(void)sips_replyf(s, msg, 415, "Unsupported Content-Encoding", "Accept-Encoding: identity\r\nAccept: %s\r\n",
				  sip_accept);
		return false;
	}
	if (pl_strcmp(&msg->met, "INVITE") && pl_strcmp(&msg->met, "UPDATE") && pl_strcmp(&msg->met, "PRACK"))
		return true;
	if (msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return true;
	if (pl_isset(&msg->ctyp.type) && !pl_strcasecmp(&msg->ctyp.type, "multipart")) {
		int err = multipart_check(msg);

		if (!err)
			return true;
		if (err == EBADMSG) {
			(void)sips_replyf(s, msg, 400, "Malformed multipart body", NULL);
			return false;
		}
	}
	(void)sips_replyf(s, msg, 415, "Unsupported Media Type", "Accept: %s\r\nAccept-Encoding: identity\r\n", sip_accept);
	return false;
}

static bool accepts_sdp(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct pl range = hdr->val, q;
	const char *semi = memchr(hdr->val.p, ';', hdr->val.l);

	if (semi)
		range.l = (size_t)(semi - range.p);
	while (range.l && (range.p[range.l - 1] == ' ' || range.p[range.l - 1] == '\t'))
		range.l--;
	if (pl_strcasecmp(&range, "application/sdp") && pl_strcasecmp(&range, "application/*") && pl_strcasecmp(&range, "*/*"))
		return false;
	return !sip_param(&hdr->val, "q", &q) || pl_float(&q) > 0.0;
}

static bool check_accept(struct sips *s, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->met, "INVITE") || !sip_msg_hdr(msg, SIP_HDR_ACCEPT))
		return true;
	if (sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT, accepts_sdp, NULL))
		return true;
	(void)sips_replyf(s, msg, 406, "Not Acceptable", "Accept: %s\r\n", sip_accept);
	return false;
}

/* RFC 3261 8.2.1: "generate a 405 (Method Not Allowed) response", with Allow; a method nobody has heard of is no other case
 * for who reads the answer. */
static bool check_method(struct sips *s, const struct sip_msg *msg)
{
	if (method_in(sip_allow, &msg->met) || has_handler(s, &msg->met))
		return true;
	(void)sips_replyf(s, msg, 405, "Method Not Allowed", "Allow: %s\r\n", sip_allow);
	return false;
}

static bool check_uri(struct sips *s, const struct sip_msg *msg)
{
	static const char *const schemes[] = { "sip", "sips", "tel" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!pl_strcasecmp(&msg->uri.scheme, schemes[i]))
			return true;
	}
	(void)sips_replyf(s, msg, 416, "Unsupported URI Scheme", NULL);
	return false;
}

/* The same text checks as for datagrams; a stream's message is whole and decoded by now. */
static bool check_text(struct sips *s, const struct sip_msg *msg)
{
	struct sipguard g;
	const char *text = msg->met.p;

	if (msg->tp == SIP_TRANSP_UDP)
		return true;
	sipguard_check(&g, text, (size_t)((const char *)msg->mb->buf + msg->mb->end - text), true);
	if (g.act == SIPGUARD_PASS)
		return true;
	++s->stats.bad;
	if (g.act == SIPGUARD_REPLY)
		(void)sips_replyf(s, msg, g.scode, g.reason, NULL);
	return false;
}

/* True: go on with it. False: it was answered or dropped. */
static bool sip_check(struct sips *s, const struct sip_msg *msg)
{
	if (!check_text(s, msg))
		return false;
	if (!pl_strcmp(&msg->met, "ACK"))
		return true;
	if (!check_method(s, msg) || !check_uri(s, msg))
		return false;
	return !pl_strcmp(&msg->met, "CANCEL") || (check_require(s, msg) && check_body(s, msg) && check_accept(s, msg));
}

static const char *pl_text(char *buf, size_t size, const struct pl *pl)
{
	size_t n = pl->l < size - 1 ? pl->l : size - 1;

	if (n)
		memcpy(buf, pl->p, n);
	buf[n] = '\0';
	return buf;
}

static void note_security(const struct sip_msg *msg, const char *action)
{
	char method[32], user[64], ip[64];

	(void)re_snprintf(ip, sizeof(ip), "%j", &msg->src);
	log_security(action, pl_text(method, sizeof(method), &msg->met), pl_text(user, sizeof(user), &msg->from.uri.user), ip,
		     sa_port(&msg->src), sip_transp_name(msg->tp));
}

static bool check_rate(struct sips *s, const struct sip_msg *msg)
{
	bool invite = !pl_strcmp(&msg->met, "INVITE");

	if (pl_isset(&msg->to.tag) || !pl_strcmp(&msg->met, "ACK") || !pl_strcmp(&msg->met, "CANCEL"))
		return true;
	if (limit_take(invite ? s->invites : s->requests, &msg->src, tmr_jiffies()))
		return true;
	++s->stats.limited;
	note_security(msg, "rate-limit");
	/* Without a transaction: a flood must not fill the tables. */
	(void)sip_replyf(sips_of(s, msg), msg, 503, "Service Unavailable", "Retry-After: 5\r\nContent-Length: 0\r\n\r\n");
	count_reply(s, 503);
	return false;
}

/* --- dispatch --- */

static void nobody_took(struct sips *s, const struct sip_msg *msg)
{
	static const char in_dialog[] = "BYE, PRACK, UPDATE, INFO, CANCEL";

	if (!pl_strcmp(&msg->met, "ACK"))
		return;
	/* A To tag passes check_rate, for dialogs must not suffer; without a dialog behind it, it counts after all. */
	if (pl_isset(&msg->to.tag) && !limit_take(s->requests, &msg->src, tmr_jiffies())) {
		++s->stats.limited;
		note_security(msg, "rate-limit");
		return;
	}
	if (!pl_strcmp(&msg->met, "CANCEL")) {
		(void)sips_replyf(s, msg, 481, "Transaction Does Not Exist", NULL);
		return;
	}
	/* RFC 3261 12.2.2: "If the UAS wishes to reject the request because it does not wish to recreate the dialog, it
	 * MUST respond to the request with a 481". */
	if (pl_isset(&msg->to.tag) || method_in(in_dialog, &msg->met)) {
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

static void on_probe(struct stack *k, const struct sip_msg *msg);

static bool is_probe(const struct stack *k, const struct sip_msg *msg)
{
	return k->probe_id[0] && msg->tp == SIP_TRANSP_UDP && !pl_strcmp(&msg->callid, k->probe_id);
}

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct stack *k = arg;
	struct sips *s = k->s;

	if (is_probe(k, msg)) {
		on_probe(k, msg);
		return true;
	}
	if (s->closed)
		return true;
	++s->stats.requests;
	if (!check_rate(s, msg) || !sip_check(s, msg))
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
static bool front_handler(const struct sip_msg *msg, void *arg)
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
	return request_handler(msg, k);
}

/* libre has its own listener before any of ours. A listener begins with its list element; where that does not hold, the
 * stack works without this. */
static void to_front(struct sip_lsnr *lsnr)
{
	struct le *le = (void *)lsnr;
	struct list *list = le->list;

	if (le->data != lsnr || !list || list->tail != le)
		return;
	list_unlink(le);
	list_prepend(list, le, lsnr);
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
		count_reply(k->s, g->scode);
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

static void on_probe(struct stack *k, const struct sip_msg *msg)
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

static int probe_send(struct stack *k)
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
	err  = sip_listen(&k->req, k->sip, true, request_handler, k);
	err |= sip_listen(&k->resp, k->sip, false, response_handler, k);
	err |= sip_listen(&k->front, k->sip, true, front_handler, k);
	if (err)
		goto out;
	to_front(k->front);
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
		err = probe_send(k);
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

/* --- who we talk to by TLS: libre 1.1 looks at no certificate, so OpenSSL's context is told what must be in it --- */

static int tls_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static int tls_judged(int ok, X509_STORE_CTX *x)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct sips *s = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tls_index()) : NULL;

	if (!ok && s)
		s->tls_problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(x));
	return ok;
}

/* RFC 6066 3: a server with many names must know which one is meant; an address is none. */
static void tls_begins(const SSL *ssl, int where, int ret)
{
	const struct sips *s = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tls_index());
	struct sa sa;

	(void)ret;
	if (where & SSL_CB_HANDSHAKE_START && s && !SSL_is_server(ssl) && sa_set_str(&sa, s->tls_peer, 0))
		SSL_set_tlsext_host_name((SSL *)ssl, s->tls_peer);
}

static int tls_watch_peer(struct sips *s, const struct sips_conf *conf)
{
	SSL_CTX *ctx = tls_openssl_context(s->tls);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	struct sa sa;

	if (conf->tls_ca && *conf->tls_ca ? !SSL_CTX_load_verify_locations(ctx, conf->tls_ca, NULL) : !SSL_CTX_set_default_verify_paths(ctx))
		return ENOENT;
	if (str_dup(&s->tls_peer, conf->tls_peer) || !SSL_CTX_set_ex_data(ctx, tls_index(), s))
		return ENOMEM;
	if (!sa_set_str(&sa, conf->tls_peer, 0) ? !X509_VERIFY_PARAM_set1_ip_asc(param, conf->tls_peer) :
						 !X509_VERIFY_PARAM_set1_host(param, conf->tls_peer, 0))
		return EINVAL;
	SSL_CTX_set_info_callback(ctx, tls_begins);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tls_judged);
	return 0;
}

static int tls_open(struct sips *s, const struct sips_conf *conf)
{
	const char *cert = conf->tls_cert && *conf->tls_cert ? conf->tls_cert : NULL;
	int err;

	if (s->tls)
		return 0;
	if (!cert && !conf->client)
		return ENOENT;
	err = tls_alloc(&s->tls, TLS_METHOD_SSLV23, cert, NULL);
	if (err)
		return err;
	SSL_CTX_set_min_proto_version(tls_openssl_context(s->tls), TLS1_2_VERSION);
	return conf->tls_peer ? tls_watch_peer(s, conf) : 0;
}

const char *sips_tls_problem(const struct sips *s)
{
	return s ? s->tls_problem : NULL;
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
			err = tls_open(s, conf);
		if (!err)
			err = listen_on(s, tp, &addr);
		if (err) {
			char text[128];

			log_error("sip.listen", "word=%s error=\"%s\"", pl_text(text, sizeof(text), &word), strerror(err));
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

/* --- which stack, which address --- */

static int source_towards(struct sa *src, const struct sa *dst)
{
	struct sa peer = *dst;
	int fd, err = 0;

	if (!sa_port(&peer))
		sa_set_port(&peer, SIP_PORT);
	fd = socket(sa_af(&peer), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	src->len = sizeof(src->u);
	if (connect(fd, &peer.u.sa, peer.len) || getsockname(fd, &src->u.sa, &src->len))
		err = errno;
	close(fd);
	return err;
}

static bool stack_does(const struct stack *k, enum sip_transp tp)
{
	if ((int)tp >= 0 && (int)tp < TP_N)
		return sa_isset(&k->at[tp], SA_ADDR);
	return true;
}

int sips_towards(const struct sips *s, struct sip **sip, enum sip_transp tp, const struct sa *dst)
{
	const struct stack *best = NULL;
	struct sa src;
	bool known = dst && sa_isset(dst, SA_ADDR), routed = known && !source_towards(&src, dst);

	for (struct le *le = s->stacks.head; le; le = le->next) {
		const struct stack *k = le->data;

		if (!stack_does(k, tp) || (known && sa_af(&k->addr) != sa_af(dst)))
			continue;
		if (routed && sa_cmp(&k->addr, &src, SA_ADDR)) {
			best = k;
			break;
		}
		if (!best || (sa_is_loopback(&best->addr) && !sa_is_loopback(&k->addr) && !(known && sa_is_loopback(dst))))
			best = k;
	}
	if (!best)
		return EPROTONOSUPPORT;
	*sip = best->sip;
	return 0;
}

int sips_public(const struct sips *s, struct sa *addr, enum sip_transp tp, const struct sa *local, const struct sa *peer)
{
	const struct stack *k = stack_of(s, tp, local);
	uint16_t port = (int)tp < 0 ? 0 : sa_port(local);

	/* An accepted or opened connection has a port of its own; peers must call the one we listen on. */
	if (k && (int)tp >= 0 && (int)tp < TP_N && sa_isset(&k->at[tp], SA_ADDR))
		port = sa_port(&k->at[tp]);
	if (sa_isset(&s->external, SA_ADDR) && sa_af(&s->external) == sa_af(local) && peer && !sip_sa_private(peer))
		sa_cpy(addr, &s->external);
	else
		sa_cpy(addr, local);
	sa_set_port(addr, port);
	return 0;
}

int sips_contact(const struct sips *s, char *buf, size_t size, const char *user, bool isfocus, enum sip_transp tp,
		 const struct sa *local, const struct sa *peer)
{
	struct sa addr;
	struct pl pl;
	int n;

	(void)sips_public(s, &addr, tp, local, peer);
	pl_set_str(&pl, user ? user : "");
	n = re_snprintf(buf, size, "<sip:%H%s%J%s>%s", uri_user_escape, &pl, pl.l ? "@" : "", &addr,
			sip_transp_param(tp), isfocus ? ";isfocus" : "");
	return n < 0 ? ENOSPC : 0;
}

int sips_listener(const struct sips *s, size_t n, enum sip_transp *tp, struct sa *addr)
{
	for (struct le *le = s->stacks.head; le; le = le->next) {
		const struct stack *k = le->data;

		for (int t = 0; t < TP_N; t++) {
			if (!sa_isset(&k->at[t], SA_ADDR) || n--)
				continue;
			*tp = (enum sip_transp)t;
			sa_cpy(addr, &k->at[t]);
			return 0;
		}
	}
	return ENOENT;
}

void sips_print(const struct sips *s, void (*h)(const char *uri_host, void *arg), void *arg)
{
	enum sip_transp tp;
	struct sa addr;
	char text[128];

	for (size_t n = 0; !sips_listener(s, n, &tp, &addr); n++) {
		if (sa_port(&addr) == sip_transp_port(tp, 0))
			(void)re_snprintf(text, sizeof(text), sa_af(&addr) == AF_INET6 ? "[%j]%s" : "%j%s", &addr, sip_transp_param(tp));
		else
			(void)re_snprintf(text, sizeof(text), "%J%s", &addr, sip_transp_param(tp));
		h(text, arg);
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
