/*
 * test-pattern.c - address patterns: a table, a slow matcher that is obviously right to compare with, and bombs.
 */
#include <glib.h>
#include <string.h>

#include "osc/pattern.h"

static const struct {
	const char *pattern, *addr;
	bool match;
} table[] = {
	{"/a/b", "/a/b", true},
	{"/a/b", "/a/c", false},
	{"/a/b", "/a/b/c", false},
	{"/a/b/c", "/a/b", false},
	{"/a/?", "/a/b", true},
	{"/a/?", "/a/bc", false},
	{"/a/?b", "/a//b", false},
	{"/a/*", "/a/anything", true},
	{"/a/*", "/a/b/c", false},
	{"/*/b", "/a/b", true},
	{"/*/b", "/b", false},
	{"/a*b*c", "/axxbyybzzc", true},
	{"/a*b*c", "/axxbyybzz", false},
	{"/*", "/x", true},
	{"/a*", "/a", true},
	{"/**", "/abc", true},
	{"/synth/[0-3]/gain", "/synth/2/gain", true},
	{"/synth/[0-3]/gain", "/synth/4/gain", false},
	{"/synth/[!a-c]/gain", "/synth/d/gain", true},
	{"/synth/[!a-c]/gain", "/synth/b/gain", false},
	{"/[!a]", "//", false},
	{"/[a-]", "/-", true},
	{"/[-a]", "/-", true},
	{"/[a-]", "/b", false},
	{"/[c-a]", "/b", true},
	{"/[a!]", "/!", true},
	{"/{synth,drum}/gain", "/drum/gain", true},
	{"/{synth,drum}/gain", "/synt/gain", false},
	{"/{a,ab}c", "/abc", true},
	{"/{a,ab}bc", "/abc", true},
	{"/{ab,a}b", "/abb", true},
	{"/x{,y}z", "/xz", true},
	{"/x{,y}z", "/xyz", true},
	{"/x{}z", "/xz", true},
	{"/x{y,}", "/x", true},
	{"/{a,b}{c,d}", "/bc", true},
	{"/{a,b}*", "/c", false},
	{"/{a,b}*{c,d}", "/axxd", true},
	{"//b", "/b", true},
	{"//b", "/a/b", true},
	{"//b", "/x/y/z/b", true},
	{"//b", "/x/y/z/bb", false},
	{"/a//b", "/a/b", true},
	{"/a//b", "/a/x/y/b", true},
	{"/a//b", "/x/b", false},
	{"/a//b//c", "/a/q/b/r/s/c", true},
	{"/a//b//c", "/a/q/c/r/s/b", false},
	{"/a//*", "/a/x/y", true},
	/* not patterns */
	{"/a[", "/a[", false},
	{"/a{b", "/ab", false},
	{"/a{b/c}", "/ab", false},
	{"/a]", "/a]", false},
	{"/a,b", "/a,b", false},
	{"/[]", "/a", false},
	{"/[!]", "/a", false},
	{"/{a*}", "/ab", false},
	{"/a///b", "/a/b", false},
	{"/a/", "/a/", false},
	{"a", "a", false},
	{"/*********", "/a", false},
};

static void matches(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_test_message("%s %s", table[i].pattern, table[i].addr);
		g_assert_cmpint(pattern_match(table[i].pattern, strlen(table[i].pattern), table[i].addr, strlen(table[i].addr)), ==,
				table[i].match);
	}
}

static void bounds(void)
{
	char p[300];

	memset(p, 'a', sizeof(p));
	p[0] = '/';
	g_assert_true(pattern_ok(p, PATTERN_MAX));
	g_assert_false(pattern_ok(p, PATTERN_MAX + 1));
	g_assert_true(pattern_match(p, PATTERN_MAX, p, PATTERN_MAX));
	g_assert_true(pattern_ok("/*?*?*?*?", 9));
	g_assert_false(pattern_ok("/*?*?*?*?*", 10));
	g_assert_false(pattern_ok("/", 1));
	g_assert_false(pattern_ok("/a b", 4));
}

static const struct {
	const char *a, *b;
	bool overlap;
} pairs[] = {
	{"/a/b", "/a/b", true},
	{"/a/b", "/a/c", false},
	{"/a/*", "/a/b", true},
	{"/a/*", "/b/b", false},
	{"/a/*", "/*/b", true},
	{"/a/*", "/a/*/c", false},
	{"/a/x*", "/a/y*", true},         /* by the rule, though nothing matches both */
	{"/a/*", "/b/*", false},
	{"/lights/*", "/lights/{1,2}", true},
	{"/a//b", "/c/*", true},
	{"/a[", "/a*", false},
};

static void overlaps(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_test_message("%s %s", pairs[i].a, pairs[i].b);
		g_assert_cmpint(pattern_overlap(pairs[i].a, strlen(pairs[i].a), pairs[i].b, strlen(pairs[i].b)), ==, pairs[i].overlap);
		g_assert_cmpint(pattern_overlap(pairs[i].b, strlen(pairs[i].b), pairs[i].a, strlen(pairs[i].a)), ==, pairs[i].overlap);
	}
}

static void tags(void)
{
	g_assert_true(pattern_tags_meet("f", "i"));
	g_assert_true(pattern_tags_meet("dT", "hF"));
	g_assert_true(pattern_tags_meet("", ""));
	g_assert_false(pattern_tags_meet("f", "s"));
	g_assert_false(pattern_tags_meet("f", "ff"));
	g_assert_false(pattern_tags_meet("T", "I"));
}

/* ---- one way at a time, with going back: right, and slow ---- */

static bool slow(const char *p, const char *a);

static bool slow_class(const char *p, const char *a)
{
	const char *end = strchr(p, ']');
	const bool not = p[1] == '!';
	bool found = false;

	if (!*a || *a == '/')
		return false;
	for (const char *c = p + (not ? 2 : 1); c < end; c++) {
		if (c + 2 < end && c[1] == '-') {
			found |= (*a >= c[0] && *a <= c[2]) || (*a >= c[2] && *a <= c[0]);
			c += 2;
		}
		else
			found |= *c == *a;
	}
	return found != not && slow(end + 1, a + 1);
}

static bool slow_words(const char *p, const char *a)
{
	const char *end = strchr(p, '}'), *word = p + 1;

	for (const char *c = word; c <= end; c++) {
		if (*c != ',' && *c != '}')
			continue;
		if (!strncmp(word, a, (size_t)(c - word)) && slow(end + 1, a + (c - word)))
			return true;
		word = c + 1;
	}
	return false;
}

static bool slow_deep(const char *p, const char *a)
{
	for (; *a; a++) {
		if (*a == '/' && slow(p + 2, a + 1))
			return true;
	}
	return false;
}

static bool slow(const char *p, const char *a)
{
	switch (*p) {
	case '\0': return !*a;
	case '*': return slow(p + 1, a) || (*a && *a != '/' && slow(p, a + 1));
	case '?': return *a && *a != '/' && slow(p + 1, a + 1);
	case '[': return slow_class(p, a);
	case '{': return slow_words(p, a);
	case '/':
		if (p[1] == '/')
			return *a == '/' && slow_deep(p, a);
		/* fall through */
	default: return *p == *a && slow(p + 1, a + 1);
	}
}

static void same_as_slow(void)
{
	static const char *const piece[] = {"a", "b", "/", "//", "*", "?", "[ab]", "[!a]", "{a,b}", "{ab,,a}", "{b}", "/a", "/b"};
	GRand *r = g_rand_new_with_seed(11);
	unsigned matched = 0, tried = 0;

	while (tried < 300000) {
		char p[64] = "/", a[32] = "/";
		size_t n = 1;

		for (int i = g_rand_int_range(r, 1, 7); i > 0; i--)
			g_strlcat(p, piece[g_rand_int_range(r, 0, G_N_ELEMENTS(piece))], sizeof(p));
		for (int i = g_rand_int_range(r, 1, 8); i > 0; i--, n++)
			a[n] = "aab/"[g_rand_int_range(r, 0, a[n - 1] == '/' ? 3 : 4)];
		if (a[n - 1] == '/')
			a[n++] = 'b';
		a[n] = '\0';
		if (!pattern_ok(p, strlen(p)))
			continue;
		tried++;
		if (pattern_match(p, strlen(p), a, n) != slow(p, a))
			g_error("%s %s: %d", p, a, slow(p, a));
		matched += slow(p, a);
	}
	g_test_message("%u of %u matched", matched, tried);
	g_assert_cmpuint(matched, >, tried / 50);
	g_rand_free(r);
}

/* ---- bombs ---- */

/* Each would keep a matcher that goes back busy for ages. Here the cost is the product of two lengths: told in
 * processor time, with a bound a thousand times what it needs. */
static void bombs(void)
{
	static const char *const bomb[] = {
		"/*a*a*a*a*a*a*a*b",
		"/{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}{a,aa,aaa,aaaa}b",
		"/{,a,,a,,a}{,a,,a,,a}{,a,,a,,a}*{,a,,a,,a}*{,a,,a,,a}b",
		"//a//a//a//a//a//a//a//b",
		"/[a-z]*[!b]*[a-z]*[!b]*b",
	};
	char addr[256], dirs[256];
	clock_t began = clock();

	memset(addr, 'a', 255);
	addr[0] = '/';
	for (unsigned i = 0; i < 255; i++)
		dirs[i] = i % 2 ? 'a' : '/';

	for (unsigned i = 0; i < G_N_ELEMENTS(bomb); i++) {
		g_assert_true(pattern_ok(bomb[i], strlen(bomb[i])));
		g_assert_false(pattern_match(bomb[i], strlen(bomb[i]), addr, 255));
		g_assert_false(pattern_match(bomb[i], strlen(bomb[i]), dirs, 254));
	}
	g_assert_cmpfloat((double)(clock() - began) / CLOCKS_PER_SEC, <, 2.0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pattern/matches", matches);
	g_test_add_func("/pattern/bounds", bounds);
	g_test_add_func("/pattern/overlaps", overlaps);
	g_test_add_func("/pattern/tags", tags);
	g_test_add_func("/pattern/same-as-slow", same_as_slow);
	g_test_add_func("/pattern/bombs", bombs);
	return g_test_run();
}
