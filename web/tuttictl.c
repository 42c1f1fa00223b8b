/*
 * tuttictl.c - a running server from the terminal or a script.
 *
 *     tuttictl NOUN VERB ARGUMENT...  >  a row of ctl_words.c  >  a request  >  the answer, for a person or as it came
 *
 * A client of the server's own HTTP API and nothing more: no server code is linked, so that it runs on any machine that can reach
 * the server. What it can do stands in one table, from which help and completion come.
 */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

static void put_command(FILE *f, const struct ctl_word *w)
{
	char left[80];

	(void)snprintf(left, sizeof(left), "%s%s%s %s", w->noun, w->verb ? " " : "", w->verb ? w->verb : "", w->args);
	fprintf(f, "  %-40s %s\n", left, w->help);
}

/* noun NULL: all of them. */
static void put_commands(FILE *f, const char *noun)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	for (size_t i = 0; i < n; i++)
		if (!noun || !strcmp(w[i].noun, noun))
			put_command(f, &w[i]);
}

static bool is_noun(const char *noun)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	for (size_t i = 0; noun && i < n; i++)
		if (!strcmp(w[i].noun, noun))
			return true;
	return false;
}

static int usage(const char *noun)
{
	fputs("usage: tuttictl [OPTION...] COMMAND [ARGUMENT...]\n\n", stderr);
	put_commands(stderr, is_noun(noun) ? noun : NULL);
	fputs("\ntuttictl --help tells the options\n", stderr);
	return CTL_USAGE;
}

static int help(char **v, int n)
{
	int used;
	const struct ctl_word *w = ctl_find(v, n, &used);

	if (w) {
		put_command(stdout, w);
		return CTL_OK;
	}
	puts("usage: tuttictl [OPTION...] COMMAND [ARGUMENT...]\n");
	put_commands(stdout, n && is_noun(v[0]) ? v[0] : NULL);
	puts("\nA MEMBER is a number, or a name or address that only one member of the room has.\n");
	ctl_options_help();
	puts("\nexit status: 0 done, 1 refused, 2 wrong use, 3 the server cannot be reached");
	return CTL_OK;
}

int main(int argc, char **argv)
{
	struct ctl c = { .json = false };
	struct ctl_args a = { .v = argv + 1, .n = argc - 1 };
	int used = 0;

	if (ctl_options(&c, a.v, &a.n))
		return CTL_USAGE;
	if (a.n && !strcmp(a.v[0], "help"))
		return help(a.v + 1, a.n - 1);
	if (c.help)
		return help(a.v, a.n);
	a.word = ctl_find(a.v, a.n, &used);
	if (!a.word)
		return usage(a.n ? a.v[0] : NULL);
	a.v += used;
	a.n -= used;
	if (!ctl_args_fit(a.word, a.n)) {
		fputs("usage:\n", stderr);
		put_command(stderr, a.word);
		return CTL_USAGE;
	}
	if (ctl_options_fit(&c, a.word))
		return CTL_USAGE;
	return ctl_run(&c, &a);
}
