/*
 * scan.h - the value of an SDP attribute, taken from its front: words, numbers, single octets.
 *
 * "ABNF strings are case-insensitive; type tags and addresses are not": words are compared without case, what is cut
 * out with scan_until is the caller's. Private to osc/.
 */
#ifndef OSC_SCAN_H
#define OSC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct scan {
	const char *p, *end;
};

static inline struct scan scan_begin(const char *p, size_t len)
{
	return (struct scan){p, p + len};
}

static inline size_t scan_left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

static inline bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* What stands before the next `stop`, or all; the stop stays. */
static inline struct scan scan_until(struct scan *s, char stop)
{
	const char *at = scan_left(s) ? memchr(s->p, stop, scan_left(s)) : NULL;
	const struct scan part = {s->p, at ? at : s->end};

	s->p = part.end;
	return part;
}

static inline bool scan_is(const struct scan *s, const char *word)
{
	return scan_left(s) == strlen(word) && !strncasecmp(s->p, word, scan_left(s));
}

/* It begins with that word, which is taken. */
static inline bool scan_word(struct scan *s, const char *word)
{
	const size_t n = strlen(word);

	if (scan_left(s) < n || strncasecmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

static inline bool scan_is_digit(char c) { return c >= '0' && c <= '9'; }

static inline bool scan_is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* name-char */
static inline bool scan_is_name(char c)
{
	return scan_is_alpha(c) || scan_is_digit(c) || c == '-' || c == '_' || c == '.';
}

/* One to `digits` digits, nine at most. */
static inline bool scan_digits(struct scan *s, unsigned digits, unsigned *value)
{
	unsigned n = 0;

	*value = 0;
	while (s->p < s->end && scan_is_digit(*s->p)) {
		if (++n > digits)
			return false;
		*value = 10 * *value + (unsigned)(*s->p++ - '0');
	}
	return n > 0;
}

/* number = [ "-" ] 1*10DIGIT [ "." 1*9DIGIT ] */
static inline bool scan_number(struct scan *s, double *value)
{
	const bool minus = scan_char(s, '-');
	unsigned n = 0;
	double x = 0, unit = 1;

	for (; s->p < s->end && scan_is_digit(*s->p) && n <= 10; n++)
		x = 10 * x + (*s->p++ - '0');
	if (n < 1 || n > 10)
		return false;
	if (scan_char(s, '.')) {
		for (n = 0; s->p < s->end && scan_is_digit(*s->p) && n <= 9; n++) {
			x = 10 * x + (*s->p++ - '0');
			unit *= 10;
		}
		if (n < 1 || n > 9)
			return false;
	}
	*value = (minus ? -x : x) / unit;
	return true;
}

#endif
