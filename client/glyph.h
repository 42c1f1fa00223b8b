/*
 * glyph.h - text of others on a grid of cells: one character at a time, none that a terminal would obey. Pure, and the
 * same whatever the locale is.
 */
#ifndef CLIENT_GLYPH_H
#define CLIENT_GLYPH_H

#include <stddef.h>
#include <stdint.h>

enum { GLYPH_LEN = 4 };

struct glyph {
	char     text[GLYPH_LEN + 1];     /* UTF-8; '?' for what is no character, or controls */
	unsigned width;                   /* cells: 0 for a mark on the one before, 1, 2 */
	size_t   len;                     /* octets it took of the source */
};

/* The next of s, which is not at its end. */
struct glyph glyph_next(const char *s);
/* Cells that a text takes. */
unsigned glyph_width(const char *s);
/* Copies as much as fits, between characters, in harmless characters. Returns the length. */
size_t glyph_clean(char *dst, size_t size, const char *src);

#endif
