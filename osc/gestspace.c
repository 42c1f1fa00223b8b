/*
 * gestspace.c - what a party says of its address space, and whether what one sends is what another wants.
 *
 * Lines that break the grammar are ignored, as unknown attributes are. What is bounded is refused when there is more of
 * it (EPROTO: the media line gets port 0); of claims, those that are too many are just not granted.
 */
#include <errno.h>
#include <string.h>

#include "gestline.h"
#include "oscmap.h"
#include "scan.h"

enum { LINE_MAX = 8192, TOKEN_MAX = 16 };

static void space_destroy(void *arg)
{
	struct gestspace *s = arg;

	mem_deref(s->map);
}

int gestspace_alloc(struct gestspace **sp)
{
	*sp = mem_zalloc(sizeof(**sp), space_destroy);
	return *sp ? 0 : ENOMEM;
}

/* ---- pieces ---- */

/* dir = "send" / "recv" / "both", and the space after it */
static bool read_dir(uint8_t *dir, struct scan *s)
{
	const struct scan word = scan_until(s, ' ');

	if (scan_is(&word, "send"))
		*dir = LEG_DIR_SEND;
	else if (scan_is(&word, "recv"))
		*dir = LEG_DIR_RECV;
	else if (scan_is(&word, "both"))
		*dir = LEG_DIR_BOTH;
	else
		return false;
	return scan_char(s, ' ');
}

/* An OSC 1.0 pattern, or an address; "pattern length at most 255, at most 8 wildcards, else ignored" */
static bool pattern_read(char out[PATTERN_MAX + 1], const struct scan *s)
{
	const size_t n = scan_left(s);

	if (!pattern_ok(s->p, n) || osc_addr_has_deep(s->p, n))
		return false;
	memcpy(out, s->p, n);
	out[n] = '\0';
	return true;
}

static bool is_hex(char c)
{
	return scan_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* 2HEXDIG *( [ ":" ] 2HEXDIG ) */
static bool hash_value_ok(struct scan s)
{
	do {
		if (scan_left(&s) < 2 || !is_hex(s.p[0]) || !is_hex(s.p[1]))
			return false;
		s.p += 2;
		(void)(scan_left(&s) > 1 && scan_char(&s, ':'));
	} while (s.p < s.end);
	return true;
}

/* [ SP hash ]: "only helps humans and caches" */
static bool hash_ok(struct scan s)
{
	struct scan func;

	if (s.p == s.end)
		return true;
	if (!scan_char(&s, ' '))
		return false;
	func = scan_until(&s, ' ');
	if (!scan_is(&func, "sha-256") && !scan_is(&func, "sha-384") && !scan_is(&func, "sha-512"))
		return false;
	return scan_char(&s, ' ') && hash_value_ok(s);
}

/* "*" or ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":" 1*( %x21-7E ) */
static bool uri_ok(const struct scan *s)
{
	const char *colon = scan_left(s) ? memchr(s->p, ':', scan_left(s)) : NULL;

	if (scan_is(s, "*"))
		return true;
	if (!colon || colon + 1 == s->end || !scan_is_alpha(*s->p))
		return false;
	for (const char *p = s->p; p < colon; p++)
		if (!scan_is_alpha(*p) && !scan_is_digit(*p) && *p != '+' && *p != '-' && *p != '.')
			return false;
	for (const char *p = colon; p < s->end; p++)
		if (*p < 0x21 || *p > 0x7e)
			return false;
	return true;
}

/* ---- lines ---- */

static int add_schema(struct gestspace *s, struct scan v)
{
	struct scan uri;
	uint8_t dir;

	if (!read_dir(&dir, &v))
		return 0;
	uri = scan_until(&v, ' ');
	if (!uri_ok(&uri) || !hash_ok(v))
		return 0;
	if (scan_left(&uri) > GESTLINE_URI_MAX || s->n_schema == GESTLINE_SCHEMAS)
		return EPROTO;
	s->schema[s->n_schema].dir = dir;
	memcpy(s->schema[s->n_schema].uri, uri.p, scan_left(&uri));
	s->schema[s->n_schema].uri[scan_left(&uri)] = '\0';
	s->n_schema++;
	return 0;
}

/* "," *31type-tag; kept without the comma */
static bool tags_read(char out[GESTLINE_TYPES_MAX + 1], struct scan s)
{
	const size_t n = scan_left(&s);

	if (!scan_char(&s, ',') || n > GESTLINE_TYPES_MAX)
		return false;
	for (const char *p = s.p; p < s.end; p++)
		if (!*p || !strchr("ifsbhtdScrmTFNI[]", *p))
			return false;
	memcpy(out, s.p, n - 1);
	out[n - 1] = '\0';
	return true;
}

static bool range_ok(struct scan s)
{
	double min, max;

	return scan_number(&s, &min) && scan_char(&s, ':') && scan_number(&s, &max) && s.p == s.end;
}

static bool unit_ok(struct scan s)
{
	if (s.p == s.end || scan_left(&s) > TOKEN_MAX)
		return false;
	while (s.p < s.end && scan_is_name(*s.p))
		s.p++;
	return s.p == s.end;
}

/* ext-name [ "=" ext-value ] */
static bool ext_ok(struct scan s)
{
	const struct scan name = scan_until(&s, '=');

	if (name.p == name.end || !scan_is_alpha(*name.p) || scan_left(&name) > 32)
		return false;
	for (const char *p = name.p; p < name.end; p++)
		if (!scan_is_name(*p) || *p == '.')
			return false;
	if (!scan_char(&s, '='))
		return true;
	for (const char *p = s.p; p < s.end; p++)
		if (*p < 0x21 || *p > 0x7e || *p == ';')
			return false;
	return s.p < s.end;
}

struct space_params {
	bool has_kind, has_range, has_unit;
	enum osc_kind kind;
};

static bool space_param(struct space_params *p, struct scan one)
{
	bool *seen = NULL;
	bool ok;

	if (scan_word(&one, "kind=")) {
		seen = &p->has_kind;
		p->kind = scan_is(&one, "state") ? OSC_STATE : OSC_EVENT;
		ok = scan_is(&one, "state") || scan_is(&one, "event");
	} else if (scan_word(&one, "range=")) {
		seen = &p->has_range;
		ok = range_ok(one);
	} else if (scan_word(&one, "unit=")) {
		seen = &p->has_unit;
		ok = unit_ok(one);
	} else {
		return ext_ok(one);
	}
	if (!ok || *seen)
		return false;
	*seen = true;
	return true;
}

static int add_space(struct gestspace *s, struct scan v)
{
	struct space_params params = {0};
	struct scan part;
	uint8_t dir;

	/* "at most 64 lines per media description" */
	if (++s->n_space_lines > GESTLINE_SPACES)
		return EPROTO;
	if (!read_dir(&dir, &v))
		return 0;
	part = scan_until(&v, ' ');
	if (!pattern_read(s->space[s->n_space].pattern, &part) || !scan_char(&v, ' '))
		return 0;
	if (!tags_read(s->space[s->n_space].tags, scan_until(&v, ' ')))
		return 0;
	while (scan_char(&v, ' '))
		if (!space_param(&params, scan_until(&v, ' ')))
			return 0;
	s->space[s->n_space].dir = dir;
	/* "a matching a=osc-space line of the sender says kind=" */
	if (params.has_kind && dir & LEG_DIR_SEND)
		(void)kinds_add(&s->kinds, s->space[s->n_space].pattern, params.kind);
	s->n_space++;
	return 0;
}

static void add_claim(struct gestspace *s, struct scan v)
{
	if (s->n_claim < GESTLINE_CLAIMS && pattern_read(s->claim[s->n_claim], &v))
		s->n_claim++;
}

static int add_map(struct gestspace *s, struct scan v)
{
	int err;

	if (++s->n_map_lines > GESTLINE_MAPS)
		return EPROTO;
	if (!s->map) {
		err = oscmap_alloc(&s->map);
		if (err)
			return err;
	}
	err = oscmap_add(s->map, v.p, scan_left(&v));
	return err == EBADMSG ? 0 : err;
}

int gestspace_attr(struct gestspace *s, const char *name, size_t name_len, const char *value, size_t len)
{
	const struct scan n = scan_begin(name, name_len), v = scan_begin(value, len);

	if (!scan_is(&n, "osc-schema") && !scan_is(&n, "osc-space") && !scan_is(&n, "osc-own") &&
	    !scan_is(&n, "osc-map"))
		return 0;
	if (len > LINE_MAX)
		return EPROTO;
	if (scan_is(&n, "osc-schema"))
		return add_schema(s, v);
	if (scan_is(&n, "osc-space"))
		return add_space(s, v);
	if (scan_is(&n, "osc-map"))
		return add_map(s, v);
	add_claim(s, v);
	return 0;
}

/* ---- single attributes ---- */

unsigned gestline_views_read(enum osc_view *list, unsigned max, const char *value, size_t len)
{
	static const char *const words[] = {[VIEW_PREFIX] = "prefix", [VIEW_SOURCE] = "source", [VIEW_FLAT] = "flat"};
	struct scan s = scan_begin(value, len);
	unsigned n = 0, seen = 0;

	do {
		const struct scan one = scan_until(&s, ',');

		for (unsigned k = VIEW_PREFIX; k <= VIEW_FLAT; k++) {
			if (n == max || seen >> k & 1 || !scan_is(&one, words[k]))
				continue;
			seen |= 1u << k;
			list[n++] = (enum osc_view)k;
		}
	} while (scan_char(&s, ','));
	return n;
}

unsigned gestline_sources_read(const char *value, size_t len)
{
	struct scan s = scan_begin(value, len);
	unsigned n;

	if (scan_is(&s, "*"))
		return GESTLINE_ALL;
	return scan_digits(&s, 4, &n) && s.p == s.end && n ? n : 1;
}

/* ---- section 8.4 ---- */

static bool declares(const struct gestspace *s, uint8_t dir)
{
	for (unsigned i = 0; s && i < s->n_schema; i++)
		if (s->schema[i].dir & dir)
			return true;
	for (unsigned i = 0; s && i < s->n_space; i++)
		if (s->space[i].dir & dir)
			return true;
	return false;
}

static bool has_schema(const struct gestspace *s, uint8_t dir, const char *uri)
{
	for (unsigned i = 0; i < s->n_schema; i++)
		if (s->schema[i].dir & dir && !strcmp(s->schema[i].uri, uri))
			return true;
	return false;
}

static bool schema_shared(const struct gestspace *a, const struct gestspace *b)
{
	for (unsigned i = 0; i < a->n_schema; i++)
		if (a->schema[i].dir & LEG_DIR_SEND && has_schema(b, LEG_DIR_RECV, a->schema[i].uri))
			return true;
	return false;
}

static bool space_wanted(const struct gestspace *b, const char *pattern, const char *tags)
{
	for (unsigned i = 0; i < b->n_space; i++) {
		if (!(b->space[i].dir & LEG_DIR_RECV) || !pattern_tags_meet(tags, b->space[i].tags))
			continue;
		if (pattern_overlap(pattern, strlen(pattern), b->space[i].pattern, strlen(b->space[i].pattern)))
			return true;
	}
	return false;
}

bool gestspace_meets(const struct gestspace *a, const struct gestspace *b)
{
	/* "nothing declared = anything goes" */
	if (!declares(a, LEG_DIR_SEND) || !declares(b, LEG_DIR_RECV))
		return true;
	if (has_schema(a, LEG_DIR_SEND, "*") || has_schema(b, LEG_DIR_RECV, "*") || schema_shared(a, b))
		return true;
	for (unsigned i = 0; i < a->n_space; i++)
		if (a->space[i].dir & LEG_DIR_SEND && space_wanted(b, a->space[i].pattern, a->space[i].tags))
			return true;
	return false;
}
