/*
 * options.h - the command line of tutti.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "config.h"

enum options_mode { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_VERSION, OPTIONS_SAMPLE, OPTIONS_MAN, OPTIONS_OPENAPI, OPTIONS_HELP };
enum { OPTIONS_SET_MAX = 128 };

struct options {
	enum options_mode mode;
	const char *file;                         /* NULL: embedded defaults */
	const char *set[OPTIONS_SET_MAX];         /* "section.key=value" */
	unsigned n_set;
};

/* EINVAL and *why (mem_deref) when the command line is wrong. Strings point into argv. */
int  options_parse(struct options *o, int argc, char *argv[], char **why);
void options_help(FILE *f);
/* The file, then the -o settings over it, then what only shows when all is read. */
int  options_config(struct config **cp, const struct options *o, char **why);

#endif
