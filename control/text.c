/*
 * text.c - peer text made harmless.
 *
 * A display name ends on a terminal, in a web page and in an XML document. It must be UTF-8 there (RFC 3629 3:
 * decoders "MUST protect against decoding invalid sequences", overlong forms and surrogates among them), and it
 * must not move the cursor or turn the direction of what is written after it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "text.h"

/* C1 controls, line and paragraph separators, and what changes the direction of the text after it. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0xa0 || cp == 0x200e || cp == 0x200f || cp == 0x2028 || cp == 0x2029 ||
	       (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff || (cp & 0xfffe) == 0xfffe;
}

static size_t seq_len(unsigned char c)
{
	return c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;
}

size_t text_printable(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = len ? seq_len(p[0]) : 0;

	if (n == 1)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (n == 0 || n > len)
		return 0;
	uint32_t cp = p[0] & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) || is_unsafe(cp))
		return 0;
	return n;
}

size_t text_clean(char *dst, size_t size, const char *src)
{
	const unsigned char *p = (const unsigned char *)(src ? src : "");
	size_t len = strnlen((const char *)p, 4 * size), pos = 0;

	if (size == 0)
		return 0;
	for (size_t i = 0; i < len; ) {
		size_t n = text_printable(p + i, len - i);

		if (pos + (n ? n : 1) >= size)
			break;
		if (n)
			memcpy(dst + pos, p + i, n);
		else
			dst[pos] = '?';
		pos += n ? n : 1;
		i += n ? n : 1;
	}
	dst[pos] = '\0';
	return pos;
}
