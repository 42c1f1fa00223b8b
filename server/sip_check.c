/*
 * sip_check.c - checks that hold for every method: RFC 3261 8.2.1 to 8.2.3; and how many a second from one source.
 */
#include <string.h>
#include "control/log.h"
#include "multipart.h"
#include "sip_priv.h"
#include "sipguard.h"

static bool has_handler(const struct sips *s, const struct pl *method)
{
	for (struct le *le = s->handlers.head; le; le = le->next) {
		const struct handler *h = le->data;

		if (h->method && !pl_strcmp(method, h->method))
			return true;
	}
	return false;
}

bool sips_method_in(const char *list, const struct pl *method)
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
	if (sips_method_in(sip_allow, &msg->met) || has_handler(s, &msg->met))
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
bool sips_check(struct sips *s, const struct sip_msg *msg)
{
	if (!check_text(s, msg))
		return false;
	if (!pl_strcmp(&msg->met, "ACK"))
		return true;
	if (!check_method(s, msg) || !check_uri(s, msg))
		return false;
	return !pl_strcmp(&msg->met, "CANCEL") || (check_require(s, msg) && check_body(s, msg) && check_accept(s, msg));
}

const char *sips_text(char *buf, size_t size, const struct pl *pl)
{
	size_t n = pl->l < size - 1 ? pl->l : size - 1;

	if (n)
		memcpy(buf, pl->p, n);
	buf[n] = '\0';
	return buf;
}

void sips_security(const struct sip_msg *msg, const char *action)
{
	char method[32], user[64], ip[64];

	(void)re_snprintf(ip, sizeof(ip), "%j", &msg->src);
	log_security(action, sips_text(method, sizeof(method), &msg->met), sips_text(user, sizeof(user), &msg->from.uri.user), ip,
		     sa_port(&msg->src), sip_transp_name(msg->tp));
}

bool sips_check_rate(struct sips *s, const struct sip_msg *msg)
{
	bool invite = !pl_strcmp(&msg->met, "INVITE");

	if (pl_isset(&msg->to.tag) || !pl_strcmp(&msg->met, "ACK") || !pl_strcmp(&msg->met, "CANCEL"))
		return true;
	if (limit_take(invite ? s->invites : s->requests, &msg->src, tmr_jiffies()))
		return true;
	++s->stats.limited;
	sips_security(msg, "rate-limit");
	/* Without a transaction: a flood must not fill the tables. */
	(void)sip_replyf(sips_of(s, msg), msg, 503, "Service Unavailable", "Retry-After: 5\r\nContent-Length: 0\r\n\r\n");
	sips_count(s, 503);
	return false;
}
