/*
 * ctl_text.c - text that grows, and text that may be shown: names are other people's words.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl_text.h"

static bool grow(struct txt *t, size_t more)
{
	size_t size = t->size ? t->size : 256;
	char *p;

	while (size < t->n + more + 1)
		size *= 2;
	if (t->bad || size == t->size)
		return !t->bad;
	p = realloc(t->p, size);
	t->bad = !p;
	if (p) {
		t->p = p;
		t->size = size;
	}
	return p;
}

void txt_add(struct txt *t, const char *p, size_t n)
{
	if (!grow(t, n))
		return;
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

void txt_str(struct txt *t, const char *s)
{
	txt_add(t, s, strlen(s));
}

void txt_printf(struct txt *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && grow(t, (size_t)n)) {
		(void)vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
		t->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void txt_url(struct txt *t, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~", *s))
			txt_add(t, s, 1);
		else
			txt_printf(t, "%%%02X", (unsigned char)*s);
	}
}

void txt_json(struct txt *t, const char *s)
{
	txt_str(t, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			txt_printf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			txt_printf(t, "\\u%04x", (unsigned)*s);
		else
			txt_add(t, s, 1);
	}
	txt_str(t, "\"");
}

/* Bytes of the UTF-8 character at p and its number, or 0. */
static size_t utf8(unsigned *c, const unsigned char *p, size_t len)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : (*p & 0xf8) == 0xf0 ? 4 : 0;

	if (!n || n > len)
		return 0;
	*c = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

static bool harmless(unsigned c)
{
	return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

void txt_clean(struct txt *t, const char *s, size_t len, size_t *width)
{
	size_t columns = 0;

	while (len) {
		unsigned c = 0;
		size_t n = utf8(&c, (const unsigned char *)s, len);

		if (n && harmless(c)) {
			txt_add(t, s, n);
			columns++;
		} else {
			const size_t before = t->n;

			txt_printf(t, n > 1 ? "\\u%04x" : "\\x%02x", n ? c : (unsigned char)*s);
			columns += t->n - before;
		}
		s += n ? n : 1;
		len -= n ? n : 1;
	}
	if (width)
		*width = columns;
}

void txt_free(struct txt *t)
{
	free(t->p);
	*t = (struct txt){ .p = NULL };
}

void put_clean(const char *s, size_t len)
{
	struct txt t = { .p = NULL };

	while (len) {
		const char *stop = s;

		while (stop < s + len && *stop != '\n' && *stop != '\t')
			stop++;
		txt_clean(&t, s, (size_t)(stop - s), NULL);
		if (stop < s + len)
			txt_add(&t, stop++, 1);
		len -= (size_t)(stop - s);
		s = stop;
	}
	if (t.p)
		(void)fwrite(t.p, 1, t.n, stdout);
	txt_free(&t);
}
