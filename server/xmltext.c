/*
 * xmltext.c - text of peers in XML.
 *
 * XML 1.0 2.2: "Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]". Line ends and tabs are written as
 * references, or a reader would take them for spaces in an attribute (3.3.3).
 */
#include <string.h>
#include "xmltext.h"

/* The bytes of the character at p, 0 where there is none that XML takes. */
static size_t char_len(uint32_t *cp, const unsigned char *p)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;

	if (n == 1)
		*cp = p[0];
	else
		*cp = n ? p[0] & (0xff >> (n + 1)) : 0;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)        /* the NUL at the end too */
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}

	if (!n || *cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff) || *cp == 0xfffe || *cp == 0xffff)
		return 0;

	return *cp >= 0x20 || *cp == '\t' || *cp == '\n' || *cp == '\r' ? n : 0;
}

static int write_char(struct mbuf *mb, uint32_t cp, const unsigned char *p, size_t n)
{
	switch (cp) {

	case '&':  return mbuf_write_str(mb, "&amp;");
	case '<':  return mbuf_write_str(mb, "&lt;");
	case '>':  return mbuf_write_str(mb, "&gt;");
	case '"':  return mbuf_write_str(mb, "&quot;");
	case '\t':
	case '\n':
	case '\r': return mbuf_printf(mb, "&#%u;", cp);
	default:   return mbuf_write_mem(mb, p, n);
	}
}

/* Bytes that go as they are. Most text is nothing else. */
static size_t plain_len(const unsigned char *p)
{
	size_t n = 0;

	while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '&' && p[n] != '<' && p[n] != '>' && p[n] != '"')
		n++;

	return n;
}

int xmltext_write(struct mbuf *mb, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int err = 0;

	while (*p && !err) {
		size_t plain = plain_len(p), n;
		uint32_t cp;

		if (plain) {
			err = mbuf_write_mem(mb, p, plain);
			p += plain;
			continue;
		}

		n   = char_len(&cp, p);
		err = n ? write_char(mb, cp, p, n) : mbuf_write_str(mb, "\xef\xbf\xbd");
		p += n ? n : 1;
	}

	return err;
}

/* RFC 3986 2: unreserved, reserved and the percent sign; but not the quotes and brackets that XML or a header would take. */
static bool uri_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("-._~:/?#[]@!$&()*+,;=%", c));
}

void xmltext_uri(char *buf, size_t size, const char *uri)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t pos = 0;

	for (; *uri; uri++) {
		unsigned char c = (unsigned char)*uri;
		size_t n = uri_byte(c) ? 1 : 3;

		if (pos + n >= size)
			break;

		if (n == 1) {
			buf[pos] = (char)c;
		}
		else {
			buf[pos]     = '%';
			buf[pos + 1] = hex[c >> 4];
			buf[pos + 2] = hex[c & 15];
		}
		pos += n;
	}

	buf[pos] = '\0';
}
