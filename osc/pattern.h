/*
 * pattern.h - OSC address patterns: does one match an address, do two overlap.
 *
 * Pure, no allocation, any thread. The time for one address is at most its length times the length of the pattern,
 * whatever the two say; decision 82 tells how. A pattern is text: nothing is prepared, so nothing has to be kept.
 *
 *      ?  one octet      *  any number      [a-z] [!0-9]  one of a class      {ab,cd}  one of these words
 *      none of them crosses a slash;        //  in OSC 1.1: any number of parts, also none, between two slashes
 */
#ifndef OSC_PATTERN_H
#define OSC_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	PATTERN_MAX  = 255,       /* octets, */
	PATTERN_WILD = 8,         /* and wildcards of a pattern that is not ignored */
};

/* Within the bounds, its brackets and braces closed inside their part, nothing but plain octets in them. */
bool pattern_ok(const char *pattern, size_t len);

/* false also for a pattern that is not ok. The address is taken octet by octet: what looks like a wildcard in it is
 * none. */
bool pattern_match(const char *pattern, size_t len, const char *addr, size_t addr_len);

/* Is there an address that both match? By the rule of claims: exact where one of them is literal; else a part of one
 * and the part of the other at its place meet when they are equal or one of them has a wildcard. Two patterns of
 * which one has "//" are said to overlap. false when one is not ok. */
bool pattern_overlap(const char *a, size_t a_len, const char *b, size_t b_len);

/* Type tags (without comma) that meet: equal, where i f d h are one kind and T F another. */
bool pattern_tags_meet(const char *a, const char *b);

#endif
