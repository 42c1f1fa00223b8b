/*
 * pattern.c - OSC address patterns in linear time.
 *
 * A matcher that tries one way through a pattern and goes back when it fails needs exponential time for a few stars
 * or braces (a pattern of 26 octets kept a well known library busy for half a minute). Here all ways are walked at
 * once: the set of places in the pattern where a match could stand is a row of bits, one for each octet of the
 * pattern, and each octet of the address turns one row into the next. No way is ever tried twice, nothing is kept but
 * two rows of 256 bits.
 *
 *      pattern   / a * [ 0 - 9 ] / {on,off}
 *      places    ^ ^ ^ ^           ^ ^  ^   ^     a place is where the next octet will be looked at: a plain octet, a `?`, the
 *                                                  bracket of a class, an octet of a word in braces, the end
 *
 * A star is a place that stays itself, and opens the one after it at once; a brace opens the beginning of each of its
 * words; the comma or brace after a word opens what follows the braces. Classes are read from the text each time one
 * is at a place: a place costs what its text is long, so a row costs at most the length of the pattern.
 */
#include <stdint.h>
#include <string.h>

#include "pattern.h"

enum { WORDS = (PATTERN_MAX + 1 + 63) / 64 };

struct row {
	uint64_t bit[WORDS];
};

struct text {
	const char *p;
	size_t n;
};

/* ---- the text ---- */

/* Where a class or a brace that begins at `at` ends: its closing octet. 0: it does not, or has in it what it must
 * not. */
static size_t closing(const struct text *t, size_t at)
{
	const char close = t->p[at] == '[' ? ']' : '}';

	for (size_t i = at + 1; i < t->n; i++) {
		if (t->p[i] == close)
			return i;
		if (strchr("/*?[]{}", t->p[i]) || (close == ']' && t->p[i] == ','))
			return 0;
	}

	return 0;
}

/* [] and [!] would match nothing; no one writes them on purpose. */
static bool class_empty(const struct text *t, size_t at, size_t end)
{
	return t->p[at] == '[' && end - at == (t->p[at + 1] == '!' ? 2 : 1);
}

static bool octet_ok(char c)
{
	return c >= 0x21 && c <= 0x7e && c != '#';
}

static bool shape_ok(const struct text *t)
{
	unsigned wild = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char c = t->p[i];
		size_t end;

		if (c == '[' || c == '{') {
			end = closing(t, i);
			if (!end || class_empty(t, i, end))
				return false;
			i = end;
			wild++;
		}
		else if (c == ']' || c == '}' || c == ',')
			return false;
		else if (c == '*' || c == '?')
			wild++;
		else if (c == '/' && i + 1 < t->n && t->p[i + 1] == '/') {
			if (i + 2 < t->n && t->p[i + 2] == '/')
				return false;
			wild++;
		}
	}

	return wild <= PATTERN_WILD;
}

bool pattern_ok(const char *pattern, size_t len)
{
	const struct text t = {pattern, len};

	if (len < 2 || len > PATTERN_MAX || pattern[0] != '/' || pattern[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!octet_ok(pattern[i]))
			return false;
	}

	return shape_ok(&t);
}

/* ---- rows ---- */

static bool has(const struct row *r, size_t i)
{
	return r->bit[i / 64] >> (i % 64) & 1;
}

static void set(struct row *r, size_t i)
{
	r->bit[i / 64] |= UINT64_C(1) << (i % 64);
}

/* The place, and all that it opens without an octet of the address. Each is opened once for a row. */
static void open_place(struct row *r, const struct text *t, size_t at)
{
	while (at < t->n && !has(r, at)) {
		set(r, at);
		if (t->p[at] == '{') {
			const size_t end = closing(t, at);

			/* words that begin here; an empty one opens what follows, by the comma or brace it begins
			 * with */
			for (size_t i = at + 1; i < end; i++) {
				if (t->p[i] == ',')
					open_place(r, t, i + 1);
			}
			at++;
		}
		else if (t->p[at] == '}')
			at++;
		else if (t->p[at] == ',')         /* a word has ended */
			at += strcspn(t->p + at, "}") + 1;
		else if (t->p[at] == '*')
			at++;
		else
			return;
	}
	if (at == t->n)
		set(r, at);
}

static bool class_has(const struct text *t, size_t at, size_t end, char c)
{
	const bool not = t->p[at + 1] == '!';
	bool found = false;

	for (size_t i = at + (not ? 2 : 1); i < end; i++) {
		char lo = t->p[i], hi = lo;

		/* "two characters separated by a minus sign indicate the range of characters between the given two";
		 * a minus at the end is itself, and the wrong way round is the same range */
		if (i + 2 < end && t->p[i + 1] == '-') {
			hi = t->p[i + 2];
			i += 2;
		}
		found = found || (lo <= hi ? c >= lo && c <= hi : c >= hi && c <= lo);
	}

	return found != not;
}

/* What the octet `c` makes of one place. */
static void step(struct row *next, const struct text *t, size_t at, char c)
{
	const char p = t->p[at];
	size_t end;

	switch (p) {
	case '*':
		if (c != '/')
			open_place(next, t, at);
		return;
	case '?':
		if (c != '/')
			open_place(next, t, at + 1);
		return;
	case '[':
		end = closing(t, at);
		if (c != '/' && class_has(t, at, end, c))
			open_place(next, t, end + 1);
		return;
	case '/':
		/* "//": this place is the first slash and takes one; then the second slash is a place that takes
		 * anything, and at each slash the rest may begin */
		if (at && t->p[at - 1] == '/') {
			set(next, at);
			if (c == '/')
				open_place(next, t, at + 1);
		}
		else if (c == '/') {
			if (at + 1 < t->n && t->p[at + 1] == '/') {
				set(next, at + 1);
				open_place(next, t, at + 2);
			}
			else
				open_place(next, t, at + 1);
		}
		return;
	case '{':                         /* these took their part when they were opened */
	case ',':
	case '}':
		return;
	default:
		if (p == c)
			open_place(next, t, at + 1);
		return;
	}
}

bool pattern_match(const char *pattern, size_t len, const char *addr, size_t addr_len)
{
	char copy[PATTERN_MAX + 1];
	const struct text t = {copy, len};
	struct row now = {{0}};

	if (!pattern_ok(pattern, len))
		return false;
	memcpy(copy, pattern, len);
	copy[len] = '\0';

	open_place(&now, &t, 0);
	for (size_t i = 0; i < addr_len; i++) {
		struct row next = {{0}};

		for (unsigned w = 0; w < WORDS; w++) {
			for (uint64_t bits = now.bit[w]; bits; bits &= bits - 1) {
				const size_t at = 64 * w + (size_t)__builtin_ctzll(bits);

				if (at < len)
					step(&next, &t, at, addr[i]);
			}
		}
		now = next;
	}

	return has(&now, len);
}

/* ---- two patterns ---- */

static bool is_wild(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr("*?[]{}", p[i]) || (p[i] == '/' && i + 1 < n && p[i + 1] == '/'))
			return true;
	}

	return false;
}

static bool has_deep(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] == '/' && p[i + 1] == '/')
			return true;
	}

	return false;
}

static size_t part_len(const char *p, size_t n)
{
	const char *slash = memchr(p, '/', n);

	return slash ? (size_t)(slash - p) : n;
}

/* "they overlap when they have the same number of parts and each pair of parts is equal or one of them contains a
 * pattern character" */
static bool parts_overlap(const char *a, size_t a_len, const char *b, size_t b_len)
{
	while (a_len && b_len) {
		const size_t na = part_len(++a, --a_len), nb = part_len(++b, --b_len);

		if (!(na == nb && !memcmp(a, b, na)) && !is_wild(a, na) && !is_wild(b, nb))
			return false;
		a += na;
		b += nb;
		a_len -= na;
		b_len -= nb;
	}

	return !a_len && !b_len;
}

bool pattern_overlap(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (!pattern_ok(a, a_len) || !pattern_ok(b, b_len))
		return false;

	if (!is_wild(a, a_len))
		return pattern_match(b, b_len, a, a_len);
	if (!is_wild(b, b_len))
		return pattern_match(a, a_len, b, b_len);
	if (has_deep(a, a_len) || has_deep(b, b_len))
		return true;

	return parts_overlap(a, a_len, b, b_len);
}

static char tag_kind(char c)
{
	return strchr("ifdh", c) ? 'i' : c == 'F' ? 'T' : c;
}

bool pattern_tags_meet(const char *a, const char *b)
{
	while (*a && *b && tag_kind(*a) == tag_kind(*b))
		a++, b++;

	return !*a && !*b;
}
