/*
 * options.c - few options, for settings live in the file; -o reaches every one of them for a test or a first try. Secrets
 * cannot be given here: argv is read by everybody on the machine.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include "options.h"

static const char help[] =
	"usage: tutti [-f FILE] [-o SECTION.KEY=VALUE]...\n"
	"       tutti --check [FILE] | --sample-config | --man-page | --openapi | --version | --help\n"
	"\n"
	"A SIP conference server. Without a file it runs on built-in defaults, in the foreground, and logs to stderr.\n"
	"\n"
	"  -f, --file FILE            read settings from FILE\n"
	"  -o, --set SECTION.KEY=VALUE   set one setting, over the file; may be repeated\n"
	"      --check [FILE]         look for mistakes in FILE (and in -o), and end\n"
	"      --sample-config        print a file with every setting and its default\n"
	"      --man-page             print tutti.conf(5)\n"
	"      --openapi              print the description of the HTTP API (OpenAPI 3)\n"
	"      --version, --help\n"
	"\n"
	"SIGHUP reads the file again. SIGTERM takes no new calls and ends when the last is over (at most sip.drain seconds);\n"
	"a second one ends at once.\n";

void options_help(FILE *f)
{
	fputs(help, f);
}

static int add_set(struct options *o, const char *arg, char **why)
{
	if (!arg || !strchr(arg, '=')) {
		(void)re_sdprintf(why, "-o %s: wants SECTION.KEY=VALUE", arg ? arg : "");
		return EINVAL;
	}
	if (o->n_set == OPTIONS_SET_MAX) {
		(void)re_sdprintf(why, "more than %u times -o", OPTIONS_SET_MAX);
		return EINVAL;
	}
	o->set[o->n_set++] = arg;
	return 0;
}

int options_parse(struct options *o, int argc, char *argv[], char **why)
{
	enum { OPT_CHECK = 256, OPT_VERSION, OPT_SAMPLE, OPT_MAN, OPT_OPENAPI, OPT_HELP };
	static const struct option longopts[] = {
		{"file", required_argument, NULL, 'f'}, {"set", required_argument, NULL, 'o'},
		{"check", optional_argument, NULL, OPT_CHECK}, {"version", no_argument, NULL, OPT_VERSION},
		{"sample-config", no_argument, NULL, OPT_SAMPLE}, {"man-page", no_argument, NULL, OPT_MAN},
		{"openapi", no_argument, NULL, OPT_OPENAPI},
		{"help", no_argument, NULL, OPT_HELP}, {NULL, 0, NULL, 0},
	};
	int c, err = 0;

	memset(o, 0, sizeof(*o));
	*why = NULL;
	optind = 0;                       /* from the start, also when a test calls twice */
	opterr = 0;

	while (!err && (c = getopt_long(argc, argv, ":f:o:hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->file = optarg;
			break;
		case 'o':
			err = add_set(o, optarg, why);
			break;
		case OPT_CHECK:
			o->mode = OPTIONS_CHECK;
			if (optarg)
				o->file = optarg;
			break;
		case 'V':
		case OPT_VERSION:
			o->mode = OPTIONS_VERSION;
			break;
		case OPT_SAMPLE:
			o->mode = OPTIONS_SAMPLE;
			break;
		case OPT_MAN:
			o->mode = OPTIONS_MAN;
			break;
		case OPT_OPENAPI:
			o->mode = OPTIONS_OPENAPI;
			break;
		case 'h':
		case OPT_HELP:
			o->mode = OPTIONS_HELP;
			break;
		default:
			(void)re_sdprintf(why, c == ':' ? "%s: a value is missing" : "%s: unknown option", argv[optind - 1]);
			err = EINVAL;
		}
	}
	if (err)
		return err;

	/* `--check FILE`: getopt leaves the file as a plain word. */
	if (o->mode == OPTIONS_CHECK && optind < argc)
		o->file = argv[optind++];
	if (optind < argc) {
		(void)re_sdprintf(why, "%s: unexpected argument", argv[optind]);
		return EINVAL;
	}
	return 0;
}

static int apply(struct config *c, const char *set, char **why)
{
	const char *eq = strchr(set, '=');
	char *name = NULL, *what = NULL;
	int err = re_sdprintf(&name, "%b", set, (size_t)(eq - set));

	if (!err)
		err = config_set(c, name, eq + 1, &what);
	if (what)
		(void)re_sdprintf(why, "-o %s: %s", name, what);
	mem_deref(what);
	mem_deref(name);
	return err;
}

int options_config(struct config **cp, const struct options *o, char **why)
{
	struct config *c = NULL;
	int err;

	*why = NULL;
	err = config_alloc(&c);
	if (!err && o->file)
		err = config_read_file(c, o->file, why);
	for (unsigned i = 0; !err && i < o->n_set; ++i)
		err = apply(c, o->set[i], why);
	if (!err) {
		err = config_check(c, why);
		if (err && o->file && *why) {
			char *text = NULL;
			(void)re_sdprintf(&text, "%s: %s", o->file, *why);
			mem_deref(*why);
			*why = text;
		}
	}
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
