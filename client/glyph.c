/*
 * glyph.c - UTF-8 to characters and their widths.
 *
 * The C library's wcwidth depends on the locale and on its version; a picture must not. So the few ranges that matter
 * stand here: what is wide in East Asian scripts and emoji (Unicode's EastAsianWidth W and F), marks that take no
 * place, and controls. Marks of the direction of writing are controls here: one of them in a name would turn the rest
 * of the line round.
 */
#include <stdbool.h>
#include <string.h>
#include "glyph.h"

struct range { uint32_t from, to; };

static const struct range wide[] = {
	{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
	{0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
	{0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static const struct range mark[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},   {0x064b, 0x065f},
	{0x0900, 0x0902}, {0x093a, 0x093a}, {0x093c, 0x093c}, {0x0941, 0x0948},   {0x094d, 0x094d},
	{0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},
	{0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};

static const struct range bad[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f},   {0x00ad, 0x00ad},    {0x061c, 0x061c}, {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x206f},   {0xd800, 0xf8ff},    {0xfeff, 0xfeff}, {0xfff0, 0xfffc},
	{0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xf0000, 0x10ffff},
};

#define IN(cp, list) is_in(cp, list, sizeof(list) / sizeof((list)[0]))

static bool is_in(uint32_t cp, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].from && cp <= r[i].to)
			return true;
	return false;
}

/* Octets of a well-formed character (RFC 3629: shortest form, no surrogates); 0: there is none. */
static size_t decode(uint32_t *cp, const unsigned char *s)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (n == 1) {
		*cp = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	*cp = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	return *cp < least[n] || *cp > 0x10ffff ? 0 : n;
}

struct glyph glyph_next(const char *s)
{
	struct glyph g = {.text = "?", .width = 1, .len = 1};
	uint32_t cp;
	size_t n = decode(&cp, (const unsigned char *)s);

	if (!n)
		return g;
	g.len = n;
	if (IN(cp, bad))
		return g;
	memcpy(g.text, s, n);
	g.text[n] = '\0';
	g.width = IN(cp, mark) ? 0 : IN(cp, wide) ? 2 : 1;
	return g;
}

unsigned glyph_width(const char *s)
{
	unsigned w = 0;

	while (*s) {
		struct glyph g = glyph_next(s);

		w += g.width;
		s += g.len;
	}
	return w;
}

size_t glyph_clean(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	while (src && *src) {
		struct glyph g = glyph_next(src);
		size_t len = strlen(g.text);

		if (n + len >= size)
			break;
		memcpy(dst + n, g.text, len);
		n += len;
		src += g.len;
	}
	if (size)
		dst[n] = '\0';
	return n;
}
