/*
 * text.h - peer text made harmless: what may be shown, and what may go into a name that JSON and XML will carry.
 */
#ifndef CONTROL_TEXT_H
#define CONTROL_TEXT_H

#include <stddef.h>

/* Bytes of the character at p when it is well-formed UTF-8 and may be shown on one line; 0: not so. */
size_t text_printable(const unsigned char *p, size_t len);

/* Copies src, '?' for every byte that is not printable, cut between characters at size. NULL is "". Returns the length. */
size_t text_clean(char *dst, size_t size, const char *src);

#endif
