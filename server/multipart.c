/*
 * multipart.c - finds one part in a multipart body.
 *
 * The body is cut at its delimiters, part by part; nothing is copied. A part that is itself multipart is looked into, two
 * levels deep and no more. Which part counts depends on the subtype:
 *
 *     mixed        the first of the wanted type. A part of another type must be handled too, unless it says
 *                  handling=optional: RFC 3261 20.11 "If the handling parameter is missing, the value "required"
 *                  SHOULD be assumed". We cannot, so the answer is ENOTSUP (415).
 *     alternative  the last of the wanted type: RFC 2046 5.1.4 "the best choice is the LAST part of a type supported".
 *     related      the first part only, or the one `start` names: RFC 2387; the others belong to it.
 */
#include <string.h>
#include "multipart.h"

enum { BOUNDARY_MAX = 70 };               /* RFC 2046 5.1.1 */

struct head { struct msg_ctype ctype; struct pl id; bool optional, encoded; };

struct want { const char *type, *subtype; };

static int look(struct pl *part, const struct msg_ctype *ctype, const struct pl *body, const struct want *want, unsigned depth);

/* --- parameters --- */

static void trim(struct pl *pl)
{
	while (pl->l && strchr(" \t\r\n", *pl->p))
		pl_advance(pl, 1);
	while (pl->l && strchr(" \t\r\n", pl->p[pl->l - 1]))
		pl->l--;
}

/* Length of a parameter up to its semicolon; one in quotes does not end it. */
static size_t param_len(const struct pl *rest)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->l; i++) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		else if (rest->p[i] == ';' && !quoted)
			break;
	}
	return i;
}

/* ";charset=utf-8;boundary="a b"": the value without quotes. */
static bool param(struct pl *value, const struct pl *params, const char *name)
{
	struct pl rest = *params, one, key;
	const char *eq;

	while (rest.l) {
		one.p = rest.p;
		one.l = param_len(&rest);
		pl_advance(&rest, (ssize_t)(one.l < rest.l ? one.l + 1 : one.l));
		eq = pl_strchr(&one, '=');
		if (!eq)
			continue;
		key.p = one.p;
		key.l = (size_t)(eq - one.p);
		trim(&key);
		if (pl_strcasecmp(&key, name))
			continue;
		value->p = eq + 1;
		value->l = one.l - (size_t)(eq - one.p) - 1;
		trim(value);
		if (value->l >= 2 && value->p[0] == '"' && value->p[value->l - 1] == '"') {
			value->p++;
			value->l -= 2;
		}
		return true;
	}
	return false;
}

/* --- cutting --- */

struct delimiter { size_t start, end; bool last; };       /* from the line break before it to behind its own */

static bool is_delimiter(struct delimiter *d, const struct pl *body, size_t at, const struct pl *boundary)
{
	size_t i = at + 2 + boundary->l;

	if (i > body->l || memcmp(body->p + at, "--", 2) || memcmp(body->p + at + 2, boundary->p, boundary->l))
		return false;
	d->last = i + 2 <= body->l && !memcmp(body->p + i, "--", 2);
	if (d->last)
		i += 2;
	while (i < body->l && (body->p[i] == ' ' || body->p[i] == '\t' || body->p[i] == '\r'))
		i++;
	if (i < body->l && body->p[i] != '\n')
		return false;             /* the boundary is only the beginning of a longer word */
	d->end = i < body->l ? i + 1 : i;
	/* RFC 2046 5.1.1: "The CRLF preceding the boundary delimiter line is conceptually attached to the boundary". */
	d->start = at;
	if (d->start && body->p[d->start - 1] == '\n')
		d->start--;
	if (d->start && d->start < at && body->p[d->start - 1] == '\r')
		d->start--;
	return true;
}

/* The next delimiter at or after `from`, which is the beginning of a line. */
static bool find_delimiter(struct delimiter *d, const struct pl *body, size_t from, const struct pl *boundary)
{
	while (from < body->l) {
		const char *lf;

		if (is_delimiter(d, body, from, boundary))
			return true;
		lf = memchr(body->p + from, '\n', body->l - from);
		if (!lf)
			return false;
		from = (size_t)(lf - body->p) + 1;
	}
	return false;
}

/* --- a part's own headers --- */

static void read_header(struct head *h, struct pl name, struct pl value)
{
	struct pl text;

	trim(&name);
	trim(&value);
	if (!pl_strcasecmp(&name, "Content-Type") || !pl_strcasecmp(&name, "c"))
		(void)msg_ctype_decode(&h->ctype, &value);
	else if (!pl_strcasecmp(&name, "Content-ID"))
		h->id = value;
	else if (!pl_strcasecmp(&name, "Content-Disposition"))
		h->optional = param(&text, &value, "handling") && !pl_strcasecmp(&text, "optional");
	else if (!pl_strcasecmp(&name, "Content-Transfer-Encoding"))
		h->encoded = pl_strcasecmp(&value, "binary") && pl_strcasecmp(&value, "8bit") && pl_strcasecmp(&value, "7bit");
}

/* End of a header with its continuation lines. */
static size_t header_len(const struct pl *rest)
{
	size_t i = 0;

	while (i < rest->l) {
		const char *lf = memchr(rest->p + i, '\n', rest->l - i);

		if (!lf)
			return rest->l;
		i = (size_t)(lf - rest->p) + 1;
		if (i >= rest->l || (rest->p[i] != ' ' && rest->p[i] != '\t'))
			break;
	}
	return i;
}

/* Splits a part at its empty line. RFC 2046 5.1: without a Content-Type it is text/plain. */
static int read_head(struct head *h, struct pl *content, const struct pl *part)
{
	struct pl rest = *part, line, value;

	memset(h, 0, sizeof(*h));
	pl_set_str(&h->ctype.type, "text");
	pl_set_str(&h->ctype.subtype, "plain");
	while (rest.l) {
		const char *colon;

		line.p = rest.p;
		line.l = header_len(&rest);
		pl_advance(&rest, (ssize_t)line.l);
		trim(&line);
		if (!line.l) {
			*content = rest;
			return 0;
		}
		colon = pl_strchr(&line, ':');
		if (!colon)
			return EBADMSG;
		value.p = colon + 1;
		value.l = line.l - (size_t)(colon - line.p) - 1;
		line.l = (size_t)(colon - line.p);
		read_header(h, line, value);
	}
	*content = rest;
	return 0;
}

/* --- choosing --- */

/* One part: is it, or does it hold, what we look for? */
static int judge(struct pl *found, const struct head *h, const struct pl *content, const struct want *want, unsigned depth)
{
	if (msg_ctype_cmp(&h->ctype, want->type, want->subtype)) {
		if (h->encoded)
			return ENOTSUP;
		*found = *content;
		return 0;
	}
	if (!pl_strcasecmp(&h->ctype.type, "multipart"))
		return depth < MULTIPART_DEPTH_MAX ? look(found, &h->ctype, content, want, depth + 1) : ENOTSUP;
	return ENOENT;
}

enum kind { MIXED, ALTERNATIVE, RELATED };

struct search { enum kind kind; struct pl start; bool found, refused; unsigned n; };

static int next_part(struct search *s, struct pl *part, const struct pl *bytes, const struct want *want, unsigned depth)
{
	struct pl content, found;
	struct head h;
	int err;

	if (++s->n > MULTIPART_PARTS_MAX || read_head(&h, &content, bytes))
		return EBADMSG;
	if (s->kind == RELATED && (s->start.l ? pl_cmp(&h.id, &s->start) : s->n > 1))
		return 0;
	err = judge(&found, &h, &content, want, depth);
	if (err == EBADMSG)
		return err;
	if (err) {
		s->refused |= !h.optional;
		return 0;
	}
	if (!s->found || s->kind == ALTERNATIVE)
		*part = found;
	s->found = true;
	return 0;
}

static int verdict(const struct search *s)
{
	if (!s->found)
		return ENOENT;
	return s->refused && s->kind == MIXED ? ENOTSUP : 0;
}

static void read_kind(struct search *s, const struct msg_ctype *ctype)
{
	memset(s, 0, sizeof(*s));
	if (!pl_strcasecmp(&ctype->subtype, "alternative"))
		s->kind = ALTERNATIVE;
	if (!pl_strcasecmp(&ctype->subtype, "related")) {
		s->kind = RELATED;
		(void)param(&s->start, &ctype->params, "start");
	}
}

static int look(struct pl *part, const struct msg_ctype *ctype, const struct pl *body, const struct want *want, unsigned depth)
{
	struct delimiter here, next;
	struct pl boundary, bytes;
	struct search s;
	int err;

	if (!param(&boundary, &ctype->params, "boundary") || !boundary.l || boundary.l > BOUNDARY_MAX)
		return EBADMSG;
	read_kind(&s, ctype);
	if (!find_delimiter(&here, body, 0, &boundary))
		return EBADMSG;
	while (!here.last) {
		if (!find_delimiter(&next, body, here.end, &boundary))
			return EBADMSG;   /* never closed */
		bytes.p = body->p + here.end;
		/* An empty part: the line break behind `here` is also the one before `next`. */
		bytes.l = next.start > here.end ? next.start - here.end : 0;
		err = next_part(&s, part, &bytes, want, depth);
		if (err)
			return err;
		here = next;
	}
	return verdict(&s);
}

int multipart_find_in(struct pl *part, const struct msg_ctype *ctype, const struct pl *body, const char *type, const char *subtype)
{
	struct want want = {type, subtype};

	if (!part || !ctype || !body || !type || !subtype)
		return EINVAL;
	return look(part, ctype, body, &want, 1);
}

int multipart_find(struct pl *part, const struct pl *ctype_params, const struct pl *body, const char *type, const char *subtype)
{
	struct msg_ctype ctype = {.type = PL("multipart"), .subtype = PL("mixed")};

	if (!ctype_params)
		return EINVAL;
	ctype.params = *ctype_params;
	return multipart_find_in(part, &ctype, body, type, subtype);
}
