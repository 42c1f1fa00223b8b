/*
 * subscribe.c - what a SUBSCRIBE asks for (RFC 6665 4.1.2, RFC 4575 3, RFC 6446).
 */
#include <string.h>
#include "confinfo.h"
#include "sip.h"
#include "subscribe.h"

enum { INTERVAL_MAX_MS = 3600000 };

static uint16_t refuse(const char **reason, uint16_t scode, const char *text)
{
	*reason = text;

	return scode;
}

static void trim(struct pl *pl)
{
	while (pl->l && (pl->p[0] == ' ' || pl->p[0] == '\t'))
		pl_advance(pl, 1);
	while (pl->l && (pl->p[pl->l - 1] == ' ' || pl->p[pl->l - 1] == '\t'))
		pl->l--;
}

/* "value;params" into both. */
static void split(struct pl *value, struct pl *params, const struct pl *text)
{
	const char *semi = text->l ? memchr(text->p, ';', text->l) : NULL;

	*value = *text;
	params->p = text->p + text->l;
	params->l = 0;
	if (semi) {
		value->l  = (size_t)(semi - text->p);
		params->p = semi + 1;
		params->l = text->l - value->l - 1;
	}
	trim(value);
}

/* RFC 3261 25.1: token. It goes back in every NOTIFY. */
static bool is_token(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		char c = pl->p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("-.!%*_+`'~", c))))
			return false;
	}

	return pl->l > 0;
}

/* RFC 6446 3: "max-rate": NOTIFYs a second, a decimal. */
static int max_rate(uint32_t *interval_ms, const struct pl *value)
{
	struct pl v = *value;
	double rate, ms;

	trim(&v);
	for (size_t i = 0; i < v.l; i++)
		if ((v.p[i] < '0' || v.p[i] > '9') && v.p[i] != '.')
			return EBADMSG;

	if (!v.l || v.l > 12)
		return EBADMSG;

	rate = pl_float(&v);
	if (!(rate > 0.0))
		return EBADMSG;

	ms = 1000.0 / rate;
	*interval_ms = ms < 1.0 ? 1 : ms < INTERVAL_MAX_MS ? (uint32_t)ms : INTERVAL_MAX_MS;

	return 0;
}

static uint16_t read_event(struct subscribe *s, const char **reason, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_EVENT);
	struct pl package, params, v;

	/* RFC 6665 8.2.1: "there MUST be exactly one event type listed per Event header field". */
	if (hdr && sip_msg_hdr_count(msg, SIP_HDR_EVENT) > 1)
		return refuse(reason, 400, "Several Events");

	if (hdr)
		split(&package, &params, &hdr->val);

	if (!hdr || pl_strcmp(&package, "conference"))
		return refuse(reason, 489, "Bad Event");

	if (sip_param(&params, "id", &v)) {
		trim(&v);
		if (!is_token(&v) || v.l > SUBSCRIBE_ID_MAX)
			return refuse(reason, 400, "Bad Event Id");
		(void)pl_strcpy(&v, s->id, sizeof(s->id));
	}

	if (sip_param(&params, "max-rate", &v) && max_rate(&s->interval_ms, &v))
		return refuse(reason, 400, "Bad Max-Rate");

	return 0;
}

static uint16_t read_expires(struct subscribe *s, const char **reason, const struct sip_msg *msg)
{
	struct pl v = msg->expires;

	s->expires_s = SUBSCRIBE_DEFAULT_S;
	if (!sip_msg_hdr(msg, SIP_HDR_EXPIRES))
		return 0;                         /* RFC 4575 3.4: "one hour" */

	trim(&v);
	for (size_t i = 0; i < v.l; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return refuse(reason, 400, "Bad Expires");

	if (!v.l)
		return refuse(reason, 400, "Bad Expires");

	/* RFC 6665 4.2.1.1: a notifier may shorten, and "MUST NOT increase" it. Ten digits may be more than 32 bits hold. */
	s->expires_s = v.l > 9 || pl_u32(&v) > SUBSCRIBE_DEFAULT_S ? SUBSCRIBE_DEFAULT_S : pl_u32(&v);
	if (s->expires_s && s->expires_s < SUBSCRIBE_MIN_S)
		return refuse(reason, 423, "Interval Too Brief");

	return 0;
}

static bool takes_type(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct pl range, params, q;

	(void)msg;
	(void)arg;
	split(&range, &params, &hdr->val);
	if (pl_strcasecmp(&range, confinfo_type) && pl_strcasecmp(&range, "application/*") && pl_strcasecmp(&range, "*/*"))
		return false;

	return !sip_param(&params, "q", &q) || pl_float(&q) > 0.0;
}

uint16_t subscribe_read(struct subscribe *s, const char **reason, const struct sip_msg *msg)
{
	uint16_t scode;

	memset(s, 0, sizeof(*s));

	scode = read_event(s, reason, msg);
	if (!scode)
		scode = read_expires(s, reason, msg);
	if (scode)
		return scode;

	/* RFC 4575 3.5: without Accept, "application/conference-info+xml" is what it stands for. */
	if (sip_msg_hdr(msg, SIP_HDR_ACCEPT) && !sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT, takes_type, NULL))
		return refuse(reason, 406, "Not Acceptable");

	return 0;
}
