/*
 * sip_words.c - words of SIP messages: parameters, addresses, an errno as a status; and a Via as libre should read it.
 */
#include <string.h>
#include "sip.h"

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
 * sips_front tells their requests apart. */
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
