/*
 * gestline.c - a line of gestures as a value: its defaults, copies, and the format parameters it comes from.
 *
 * "A parameter given twice, or with a value outside its syntax, makes the payload type or the line unacceptable": the
 * reader says EPROTO and nothing more. Unknown parameters, and known ones of another kind of line, are passed over
 * unread.
 */
#include <errno.h>
#include <string.h>

#include "gestline.h"
#include "scan.h"

enum { FMTP_TEXT_MAX = 8192, MAX_LEAST = 64 };

static bool is_stream(enum gestline_kind kind)
{
	return kind == GESTLINE_TCP || kind == GESTLINE_TLS;
}

/* ---- values ---- */

static void takes_init(struct gestline_takes *t, enum gestline_kind kind)
{
	*t = (struct gestline_takes){
		.types = "ifsb", .max = is_stream(kind) ? 65536 : 1200, .red = 2,
		.guard_ms = 1000, .late_ms = 40, .refresh_ms = 1000, .rate = 1000,
	};
}

void gestline_init(struct gestline *l, enum gestline_kind kind)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->dir = LEG_DIR_BOTH;            /* "a=sendrecv" is what a line is that does not say otherwise */
	l->pt = 0xff;
	l->rate = 48000;
	l->journal = true;
	l->view = VIEW_PREFIX;
	l->sources = 1;
	sa_init(&l->peer, AF_UNSPEC);
	sa_init(&l->peer_rtcp, AF_UNSPEC);
	sa_init(&l->source, AF_UNSPEC);
	takes_init(&l->takes, kind);
}

void gestline_copy(struct gestline *dst, const struct gestline *src)
{
	if (dst == src)
		return;
	*dst = *src;
	dst->subset = mem_ref(src->subset);
	dst->space = mem_ref(src->space);
}

void gestline_reset(struct gestline *l)
{
	mem_deref(l->subset);
	mem_deref(l->space);
	explicit_bzero(l, sizeof(*l));
}

/* ---- format parameters ---- */

/* 1*DIGIT "." 1*DIGIT, of any length: "above 1.1 is read as 1.1". */
static bool digits_over(struct scan *s, unsigned limit, bool *over)
{
	const char *from = s->p;
	unsigned n = 0;

	for (; s->p < s->end && scan_is_digit(*s->p); s->p++)
		n = n > 9 ? 10 : 10 * n + (unsigned)(*s->p - '0');
	*over = n > limit;
	return s->p > from;
}

static bool read_version(struct gestline_fmtp *f, struct scan v)
{
	const struct scan all = v;
	bool above_0, above_1, minor;
	struct scan again = all;

	if (!digits_over(&v, 0, &above_0) || !scan_char(&v, '.') || !digits_over(&v, 0, &minor) || v.p != v.end)
		return false;
	(void)digits_over(&again, 1, &above_1);
	f->takes.deep = above_1 || (above_0 && minor);
	return true;
}

static bool is_tag(char c)
{
	return c && strchr("ifsbhtdScrmTFNI[]", c);
}

static bool read_types(struct gestline_fmtp *f, struct scan v)
{
	const size_t n = scan_left(&v);

	if (!n || n > GESTLINE_TYPES_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_tag(v.p[i]))
			return false;
	memcpy(f->takes.types, v.p, n);
	f->takes.types[n] = '\0';
	return true;
}

static bool read_number(uint32_t *value, struct scan v, unsigned digits, unsigned least, unsigned most)
{
	unsigned n;

	if (!scan_digits(&v, digits, &n) || v.p != v.end || n < least || n > most)
		return false;
	*value = n;
	return true;
}

static bool read_max(struct gestline_fmtp *f, enum gestline_kind kind, struct scan v)
{
	uint32_t n;

	if (!read_number(&n, v, 7, MAX_LEAST, is_stream(kind) ? OSC_MAX_STREAM : OSC_MAX_DGRAM) || n % 4)
		return false;
	f->takes.max = n;
	return true;
}

static bool read_red(struct gestline_fmtp *f, struct scan v)
{
	uint32_t n;

	if (!read_number(&n, v, 1, 0, 8))
		return false;
	f->takes.red = (uint8_t)n;
	return true;
}

/* A list of two words; one that stands there again adds nothing. */
static bool read_list(uint8_t *list, uint8_t *n, struct scan v, const char *const word[2])
{
	*n = 0;
	do {
		const struct scan one = scan_until(&v, ',');
		const unsigned k = scan_is(&one, word[0]) ? 0 : 1;

		if (!scan_is(&one, word[k]))
			return false;
		if (*n == 0 || (*n == 1 && list[0] != k))
			list[(*n)++] = (uint8_t)k;
	} while (scan_char(&v, ','));
	return true;
}

static bool read_rec(struct gestline_fmtp *f, struct scan v)
{
	static const char *const words[2] = {"none", "journal"};
	uint8_t list[2] = {0};

	if (!read_list(list, &f->n_rec, v, words))
		return false;
	for (unsigned i = 0; i < f->n_rec; i++)
		f->rec_journal[i] = list[i] == 1;
	return true;
}

static bool read_framing(struct gestline_fmtp *f, struct scan v)
{
	static const char *const words[2] = {"slip", "size"};
	uint8_t list[2] = {0};

	if (!read_list(list, &f->n_framing, v, words))
		return false;
	for (unsigned i = 0; i < f->n_framing; i++)
		f->framing[i] = list[i] == 1 ? GESTLINE_SIZE : GESTLINE_SLIP;
	return true;
}

static bool read_tt(struct gestline_fmtp *f, struct scan v)
{
	f->exec = scan_is(&v, "exec");
	return f->exec || scan_is(&v, "none");
}

enum param { P_VERSION, P_TYPES, P_MAX, P_FRAMING, P_REC, P_RED, P_GUARD, P_LATE, P_REFRESH, P_RATE, P_TT, PARAMS };

#define G2 (1u << GESTLINE_OSC)
#define G3 (1u << GESTLINE_UDP)
#define G45 (1u << GESTLINE_TCP | 1u << GESTLINE_TLS)
static const struct { const char *name; unsigned kinds; } params[PARAMS] = {
	{"version", G2 | G3 | G45}, {"types", G2 | G3 | G45}, {"max", G2 | G3 | G45}, {"framing", G45}, {"rec", G2},
	{"red", G2}, {"guard", G2}, {"late", G2}, {"refresh", G2 | G3}, {"rate", G2 | G3 | G45}, {"tt", G2 | G3 | G45},
};
#undef G2
#undef G3
#undef G45

/* PARAMS: unknown, or of another kind: ignored */
static enum param find(const struct scan *name, enum gestline_kind kind)
{
	for (unsigned i = 0; i < PARAMS; i++)
		if (scan_is(name, params[i].name))
			return params[i].kinds >> kind & 1 ? (enum param)i : PARAMS;
	return PARAMS;
}

static bool read_value(struct gestline_fmtp *f, enum gestline_kind kind, enum param p, struct scan v)
{
	switch (p) {
	case P_VERSION: return read_version(f, v);
	case P_TYPES:   return read_types(f, v);
	case P_MAX:     return read_max(f, kind, v);
	case P_FRAMING: return read_framing(f, v);
	case P_REC:     return read_rec(f, v);
	case P_RED:     return read_red(f, v);
	case P_GUARD:   return read_number(&f->takes.guard_ms, v, 5, 0, 60000);
	case P_LATE:    return read_number(&f->takes.late_ms, v, 5, 0, 10000);
	case P_REFRESH: return read_number(&f->takes.refresh_ms, v, 5, 0, 60000);
	case P_RATE:    return read_number(&f->takes.rate, v, 6, 1, 100000);
	default:        return read_tt(f, v);
	}
}

static bool read_param(struct gestline_fmtp *f, enum gestline_kind kind, struct scan one, unsigned *seen)
{
	const struct scan name = scan_until(&one, '=');
	const enum param p = find(&name, kind);

	if (name.p == name.end)
		return false;
	if (p == PARAMS)
		return true;
	if (*seen >> p & 1 || !scan_char(&one, '='))
		return false;
	*seen |= 1u << p;
	return read_value(f, kind, p, one);
}

int gestline_fmtp_read(struct gestline_fmtp *f, enum gestline_kind kind, const char *text, size_t len)
{
	struct scan s = scan_begin(text, len);
	unsigned seen = 0;

	memset(f, 0, sizeof(*f));
	takes_init(&f->takes, kind);
	f->n_rec = 1;
	f->rec_journal[0] = true;
	if (len > FMTP_TEXT_MAX)
		return EPROTO;
	for (;;) {
		while (scan_char(&s, ' '))
			;
		if (s.p == s.end)
			break;
		if (!read_param(f, kind, scan_until(&s, ';'), &seen))
			return EPROTO;
		if (!scan_char(&s, ';'))
			break;
	}
	/* "1.1 adds the // operator and required types T F N I t" */
	if (f->takes.deep && !(seen >> P_TYPES & 1))
		memcpy(f->takes.types, "ifsbTFNIt", 10);
	return 0;
}
