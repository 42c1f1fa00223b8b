/*
 * sipguard.c - one pass over the raw text of a message, header by header, folded lines as they lie.
 *
 * It judges only what libre would drop in silence or read wrongly, and stays lenient where the field is. The list follows
 * RFC 4475 3.1.2 and 3.3 and RFC 5118; what it lets pass libre still has to decode.
 */
#include <string.h>
#include "sipguard.h"

enum { HEADERS_MAX = 512, SCALAR_MAX = 2147483647 };

enum field { F_VIA, F_FROM, F_TO, F_CALLID, F_CSEQ, F_MAXFWD, F_CLEN, F_CTYPE, F_CONTACT, F_EXPIRES, F_N };

static const struct { const char *name; char compact; bool single; bool needed; const char *missing, *many; } fields[F_N] = {
	[F_VIA]     = { "Via",            'v', false, true,  "Missing Via header", NULL },
	[F_FROM]    = { "From",           'f', true,  true,  "Missing From header", "Several From headers" },
	[F_TO]      = { "To",             't', true,  true,  "Missing To header", "Several To headers" },
	[F_CALLID]  = { "Call-ID",        'i', true,  true,  "Missing Call-ID header", "Several Call-ID headers" },
	[F_CSEQ]    = { "CSeq",            0,  true,  true,  "Missing CSeq header", "Several CSeq headers" },
	[F_MAXFWD]  = { "Max-Forwards",    0,  true,  false, NULL, "Several Max-Forwards headers" },
	[F_CLEN]    = { "Content-Length", 'l', true,  false, NULL, "Several Content-Length headers" },
	[F_CTYPE]   = { "Content-Type",   'c', true,  false, NULL, "Several Content-Type headers" },
	[F_CONTACT] = { "Contact",        'm', false, false, NULL, NULL },
	[F_EXPIRES] = { "Expires",         0,  true,  false, NULL, "Several Expires headers" },
};

struct scan {
	const char *p, *end;              /* what is left of the header section */
	struct pl name, val, line;        /* the header read last; line has name and value without the last line end */
	enum field id;                    /* F_N: another */
};

static enum field field_of(const struct pl *name)
{
	for (int i = 0; i < F_N; i++) {
		if (!pl_strcasecmp(name, fields[i].name))
			return (enum field)i;
		if (name->l == 1 && fields[i].compact && (name->p[0] | 0x20) == fields[i].compact)
			return (enum field)i;
	}
	return F_N;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(struct pl *pl)
{
	while (pl->l && is_space(pl->p[0])) {
		pl->p++;
		pl->l--;
	}
	while (pl->l && is_space(pl->p[pl->l - 1]))
		pl->l--;
}

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : NULL;
}

/* 1: a header was read; 0: the empty line, p stands behind it; -1: malformed or no end. */
static int scan_next(struct scan *s)
{
	const char *start = s->p, *stop, *colon;

	stop = line_end(start, s->end);
	if (!stop)
		return -1;
	if (start[0] == '\n' || (start[0] == '\r' && start[1] == '\n')) {
		s->p = stop;
		return 0;
	}
	while (stop < s->end && (*stop == ' ' || *stop == '\t')) {
		stop = line_end(stop, s->end);
		if (!stop)
			return -1;
	}
	s->p = stop;
	s->line.p = start;
	s->line.l = (size_t)(stop - start);
	while (s->line.l && (s->line.p[s->line.l - 1] == '\n' || s->line.p[s->line.l - 1] == '\r'))
		s->line.l--;
	colon = memchr(start, ':', s->line.l);
	if (!colon)
		return -1;
	s->name.p = start;
	s->name.l = (size_t)(colon - start);
	s->val.p = colon + 1;
	s->val.l = s->line.l - s->name.l - 1;
	trim(&s->name);
	trim(&s->val);
	s->id = field_of(&s->name);
	return s->name.l ? 1 : -1;
}

static void refuse(struct sipguard *g, uint16_t scode, const char *reason)
{
	if (g->act != SIPGUARD_PASS)
		return;
	g->act = SIPGUARD_REPLY;
	g->scode = scode;
	g->reason = reason;
}

/* Digits only and not above max; LWS around them is trimmed already. */
static bool scalar(uint64_t *v, const char *p, size_t l, uint64_t max)
{
	*v = 0;
	if (!l)
		return false;
	for (size_t i = 0; i < l; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(p[i] - '0');
		if (*v > max)
			return false;
	}
	return true;
}

/* --- the first line --- */

static void check_host(struct sipguard *g, const struct pl *uri)
{
	const char *end = uri->p + uri->l, *host = memchr(uri->p, ':', uri->l), *stop;
	unsigned colons = 0;

	if (!host || (strncasecmp(uri->p, "sip:", 4) && strncasecmp(uri->p, "sips:", 5)))
		return;
	host++;
	for (const char *p = end; p > host; p--) {
		if (p[-1] == '@') {
			host = p;
			break;
		}
	}
	for (stop = host; stop < end && *stop != ';' && *stop != '?'; stop++)
		colons += *stop == ':';
	/* RFC 5118 4.2: "The IPv6 reference ... is not enclosed in [ and ]": 400. */
	if (host < stop && *host != '[' && colons > 1)
		refuse(g, 400, "IPv6 address without brackets");
	/* RFC 5954: three colons can never be right. */
	for (const char *p = host; p + 2 < stop; p++) {
		if (p[0] == ':' && p[1] == ':' && p[2] == ':')
			refuse(g, 400, "Malformed IPv6 address");
	}
	/* RFC 3261 19.1.1: headers are not allowed in a Request-URI. */
	if (memchr(stop, '?', (size_t)(end - stop)))
		refuse(g, 400, "Headers in Request-URI");
	if (host == stop)
		refuse(g, 400, "Request-URI without host");
}

/* The space before the last "SIP/" of the line. */
static const char *version_space(const struct pl *line)
{
	for (size_t i = line->l; i >= 5; i--) {
		if (!strncasecmp(line->p + i - 5, " SIP/", 5))
			return line->p + i - 5;
	}
	return NULL;
}

static void check_request_uri(struct sipguard *g, const struct pl *uri)
{
	for (size_t i = 0; i < uri->l; i++) {
		unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f)
			refuse(g, 400, "Malformed Request-URI");
	}
	if (!uri->l || !memchr(uri->p, ':', uri->l))
		refuse(g, 400, "Malformed Request-URI");
	check_host(g, uri);
}

static void check_request_line(struct sipguard *g, struct pl *method, const struct pl *line)
{
	const char *sp1 = memchr(line->p, ' ', line->l), *sp2 = version_space(line);
	struct pl uri, version;

	if (!sp1 || !sp2 || sp1 == line->p) {
		g->act = SIPGUARD_DROP;           /* not SIP */
		return;
	}
	method->p = line->p;
	method->l = (size_t)(sp1 - line->p);
	if (sp2 == sp1) {
		refuse(g, 400, "Malformed request line");
		return;
	}
	uri.p = sp1 + 1;
	uri.l = (size_t)(sp2 - uri.p);
	version.p = sp2 + 1;
	version.l = (size_t)(line->p + line->l - version.p);
	if (is_space(version.p[version.l - 1]))
		refuse(g, 400, "Spaces at end of request line");
	if (pl_strcasecmp(&version, "SIP/2.0"))
		refuse(g, 505, "Version Not Supported");
	check_request_uri(g, &uri);
}

static void check_status_line(struct sipguard *g, const struct pl *line)
{
	uint64_t scode;

	if (line->l < 12 || strncasecmp(line->p, "SIP/2.0 ", 8) || !scalar(&scode, line->p + 8, 3, 699) || scode < 100 ||
	    (line->l > 11 && line->p[11] != ' '))
		g->act = SIPGUARD_DROP;
}

/* --- header values --- */

/* "a;;b", "a;", ",," outside quotes and angle brackets. */
static bool stray_separators(const struct pl *val)
{
	bool quote = false, after = true;
	unsigned angle = 0;

	for (size_t i = 0; i < val->l; i++) {
		char c = val->p[i];

		if (quote) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quote = false;
			continue;
		}
		if (is_space(c))
			continue;
		if (c == '"')
			quote = true;
		angle += c == '<';
		angle -= c == '>' && angle;
		if (!angle && (c == ';' || c == ',')) {
			if (after)
				return true;
			after = true;
			continue;
		}
		after = false;
	}
	return after;
}

static bool quotes_balance(const struct pl *val)
{
	bool quote = false;

	for (size_t i = 0; i < val->l; i++) {
		if (quote && val->p[i] == '\\')
			i++;
		else if (val->p[i] == '"')
			quote = !quote;
	}
	return !quote;
}

static void check_cseq(struct sipguard *g, const struct pl *val, const struct pl *method)
{
	size_t digits = 0;
	struct pl met;
	uint64_t n;

	while (digits < val->l && !is_space(val->p[digits]))
		digits++;
	met.p = val->p + digits;
	met.l = val->l - digits;
	trim(&met);
	if (!scalar(&n, val->p, digits, SCALAR_MAX))
		refuse(g, 400, "CSeq number out of range");
	else if (!met.l || (method->p && pl_cmp(&met, method)))
		refuse(g, 400, "CSeq method does not match");
}

static void check_field(struct sipguard *g, const struct scan *s, const struct pl *method, uint64_t *clen)
{
	uint64_t v;

	switch (s->id) {
	case F_CSEQ:
		check_cseq(g, &s->val, method);
		break;
	case F_CLEN:
		if (!scalar(clen, s->val.p, s->val.l, SCALAR_MAX))
			refuse(g, 400, "Malformed Content-Length");
		break;
	case F_MAXFWD:
		if (!scalar(&v, s->val.p, s->val.l, 255))
			refuse(g, 400, "Max-Forwards out of range");
		break;
	case F_EXPIRES:
		/* RFC 3261 20.19: "an integral number of seconds between 0 and (2**32)-1" */
		if (!scalar(&v, s->val.p, s->val.l, 4294967295u))
			refuse(g, 400, "Expires out of range");
		break;
	case F_VIA:
		if (stray_separators(&s->val))
			refuse(g, 400, "Malformed Via header");
		break;
	case F_CONTACT:
		if (!quotes_balance(&s->val) || stray_separators(&s->val))
			refuse(g, 400, "Malformed Contact header");
		break;
	case F_FROM:
	case F_TO:
		if (!s->val.l || !quotes_balance(&s->val))
			refuse(g, 400, s->id == F_TO ? "Malformed To header" : "Malformed From header");
		break;
	case F_CALLID:
		if (!s->val.l)
			refuse(g, 400, "Empty Call-ID header");
		break;
	default:
		break;
	}
}

static void check_counts(struct sipguard *g, const unsigned n[F_N])
{
	for (int i = 0; i < F_N; i++) {
		if (fields[i].needed && !n[i])
			refuse(g, 400, fields[i].missing);
		if (fields[i].single && n[i] > 1)
			refuse(g, 400, fields[i].many);
	}
}

static void check_headers(struct sipguard *g, struct scan *s, const struct pl *method, const char *text, size_t len)
{
	unsigned n[F_N] = { 0 }, total = 0;
	uint64_t clen = 0;
	int r;

	while ((r = scan_next(s)) > 0) {
		if (++total > HEADERS_MAX) {
			refuse(g, 400, "Too many headers");
			return;
		}
		if (s->id == F_N)
			continue;
		n[s->id]++;
		check_field(g, s, method, &clen);
	}
	if (r < 0) {
		refuse(g, 400, "Malformed header line");
		return;
	}
	check_counts(g, n);
	if (!n[F_CLEN])
		return;
	/* RFC 3261 18.3: "If there are additional bytes in the transport packet beyond the end of the body, they MUST be
	 * discarded. If the transport packet ends before the end of the message body, this is considered an error." */
	if (clen > len - (size_t)(s->p - text))
		refuse(g, 400, "Content-Length larger than message");
	else
		g->len = (size_t)(s->p - text) + (size_t)clen;
}

/* libre's own decoder has the last word: what it cannot read must not vanish. */
static void check_decode(struct sipguard *g, const char *text)
{
	struct mbuf *mb = mbuf_alloc(g->len);
	struct sip_msg *msg = NULL;

	if (!mb)
		return;
	(void)mbuf_write_mem(mb, (const uint8_t *)text, g->len);
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb))
		refuse(g, 400, "Malformed header");
	mem_deref(msg);
	mem_deref(mb);
}

void sipguard_check(struct sipguard *g, const char *text, size_t len, bool stream)
{
	struct pl line, method = PL_INIT;
	struct scan s = { .p = text, .end = text + len };
	const char *stop = line_end(text, s.end);
	bool response;

	memset(g, 0, sizeof(*g));
	g->len = len;
	if (!stop) {
		g->act = SIPGUARD_DROP;
		return;
	}
	line.p = text;
	line.l = (size_t)(stop - text) - 1;
	if (line.l && line.p[line.l - 1] == '\r')
		line.l--;
	response = line.l >= 4 && !strncasecmp(line.p, "SIP/", 4);
	if (response)
		check_status_line(g, &line);
	else
		check_request_line(g, &method, &line);
	if (g->act == SIPGUARD_DROP)
		return;
	s.p = stop;
	check_headers(g, &s, &method, text, len);
	if (g->act == SIPGUARD_PASS && !stream)
		check_decode(g, text);
	/* "ACK ... MUST NOT be responded to", and nothing is ever said to a response. */
	if (g->act == SIPGUARD_REPLY && (response || !pl_strcmp(&method, "ACK")))
		g->act = SIPGUARD_DROP;
}

/* --- the answer from raw text --- */

static int write_via(struct mbuf *mb, const struct pl *line, const struct sa *src)
{
	const char *rport = NULL;

	if (memchr(line->p, ',', line->l))
		return mbuf_printf(mb, "%r\r\n", line);
	for (size_t i = 0; i + 6 <= line->l; i++) {
		if (!strncasecmp(line->p + i, ";rport", 6) && (i + 6 == line->l || line->p[i + 6] == ';'))
			rport = line->p + i + 6;
	}
	if (rport)
		return mbuf_printf(mb, "%b=%u%b;received=%j\r\n", line->p, (size_t)(rport - line->p), sa_port(src), rport,
				   (size_t)(line->p + line->l - rport), src);
	return mbuf_printf(mb, "%r;received=%j\r\n", line, src);
}

static bool has_tag(const struct pl *val)
{
	return !re_regex(val->p, val->l, ";[ \t\r\n]*tag[ \t\r\n]*=", NULL, NULL);
}

int sipguard_reply(struct mbuf *mb, const char *text, size_t len, const struct sa *src, const struct sipguard *g,
		   const char *software)
{
	struct scan s = { .end = text + len, .p = line_end(text, text + len) };
	unsigned vias = 0, total = 0, n[F_N] = { 0 };
	int err;

	if (!s.p)
		return EBADMSG;
	err = mbuf_printf(mb, "SIP/2.0 %u %s\r\n", g->scode, g->reason);
	while (!err && total++ < HEADERS_MAX && scan_next(&s) > 0) {
		switch (s.id) {
		case F_VIA:
			err = vias++ ? mbuf_printf(mb, "%r\r\n", &s.line) : write_via(mb, &s.line, src);
			break;
		case F_TO:
			if (n[s.id]++)
				break;
			err = mbuf_printf(mb, "%r", &s.line);
			if (!has_tag(&s.val))
				err |= mbuf_printf(mb, ";tag=%016llx", rand_u64());
			err |= mbuf_write_str(mb, "\r\n");
			break;
		case F_FROM:
		case F_CALLID:
		case F_CSEQ:
			if (!n[s.id]++)
				err = mbuf_printf(mb, "%r\r\n", &s.line);
			break;
		default:
			break;
		}
	}
	if (!err)
		err = mbuf_printf(mb, "Server: %s\r\nContent-Length: 0\r\n\r\n", software);
	return err ? err : vias ? 0 : EBADMSG;
}
