/*
 * joinconf_print.c - pens for the table of settings: --help, the sample file, the man page, the table of
 * docs/tutti-join.md.
 */
#include <string.h>
#include "joinconf_priv.h"

static const char *range_of(const struct joinconf_row *r)
{
	return r->type == JOINCONF_YESNO ? "yes|no" : r->range;
}

/* "VALUE" of --flag VALUE; "" of a switch. */
static const char *value_of(const struct joinconf_row *r)
{
	if (r->metavar)
		return r->metavar;
	return r->type == JOINCONF_YESNO ? "" : r->type == JOINCONF_WORD ? "WORD" : "N";
}

static bool new_group(const struct joinconf_row *r, size_t i)
{
	return !i || strcmp(r[i].group, r[i - 1].group) != 0;
}

/* --- help --- */

static void help_row(FILE *f, const struct joinconf_row *r)
{
	char left[64];
	const char *range = r->type == JOINCONF_WORD ? r->range : NULL;

	if (!strcmp(r->key, "uri"))
		(void)snprintf(left, sizeof(left), "URI");
	else if (r->type == JOINCONF_YESNO && !strcmp(r->def, "yes"))
		(void)snprintf(left, sizeof(left), "--no-%s", r->key);
	else
		(void)snprintf(left, sizeof(left), "--%s %s", r->key, value_of(r));
	fprintf(f, "  %-24s %s%s", left, r->type == JOINCONF_YESNO && !strcmp(r->def, "yes") ? "not: " : "", r->help);
	if (range)
		fprintf(f, " (%s)", range);
	if (r->type != JOINCONF_YESNO && *r->def && strcmp(r->def, "0"))
		fprintf(f, " [%s]", r->def);
	fputc('\n', f);
}

void joinconf_help(FILE *f)
{
	size_t n, n_verbs;
	const struct joinconf_row *r = joinconf_rows(&n);
	const struct joinconf_verb *v = joinconf_verbs(&n_verbs);

	fputs("usage: tutti-join [--FLAG [VALUE]]... sip:band@host\n"
	      "       tutti-join --answer | --check sip:echo@host | --devices\n\n"
	      "Calls a room of musicians and plays in it: sound, gestures, and a view of the room in the terminal.\n\n",
	      f);
	for (size_t i = 0; i < n_verbs; i++)
		fprintf(f, "  --%-22s %s\n", v[i].metavar ? "config FILE" : v[i].flag, v[i].help);
	for (size_t i = 0; i < n; i++) {
		if (new_group(r, i))
			fprintf(f, "\n%s\n", r[i].group);
		if (!r[i].secret)
			help_row(f, &r[i]);
	}
	fputs("\nEvery setting is also a line of the file: \"in-file = band.wav\". A switch is turned over by "
	      "--no-FLAG, or by --FLAG.\n",
	      f);
}

/* --- sample --- */

void joinconf_sample(FILE *f)
{
	size_t n;
	const struct joinconf_row *r = joinconf_rows(&n);

	fputs("# join.conf - every setting of tutti-join with its default; its place is ~/.config/tutti/join.conf.\n"
	      "# Remove the # before the ones you change. A flag of the same name is stronger.\n", f);
	for (size_t i = 0; i < n; i++) {
		if (new_group(r, i))
			fprintf(f, "\n# --- %s ---\n", r[i].group);
		fprintf(f, "\n# %s", r[i].help);
		if (range_of(&r[i]))
			fprintf(f, " (%s)", range_of(&r[i]));
		fprintf(f, "\n#%s =%s%s\n", r[i].key, *r[i].def ? " " : "", r[i].def);
	}
}

/* --- man page --- */

static void roff(FILE *f, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", f);
	for (; *text; ++text) {
		if (*text == '\\')
			fputs("\\e", f);
		else if (*text == '-')
			fputs("\\-", f);
		else if (*text == '~')
			fputs("\\(ti", f);
		else
			fputc(*text, f);
	}
}

static void man_flag(FILE *f, const struct joinconf_row *r)
{
	if (!strcmp(r->key, "uri"))
		fputs(".I URI", f);
	else if (r->secret) {
		fputs("(in the file) ", f);
		roff(f, r->key);
	}
	else {
		fputs(r->type == JOINCONF_YESNO ? ".BR " : ".BI ", f);
		roff(f, "--");
		roff(f, r->key);
		if (r->type == JOINCONF_YESNO)
			fputs(" \", \" \\-\\-no\\-", f);
		else
			fputs(" \" ", f);
		roff(f, r->type == JOINCONF_YESNO ? r->key : value_of(r));
		if (r->type != JOINCONF_YESNO)
			fputc('"', f);
	}
	fputc('\n', f);
}

static void man_row(FILE *f, const struct joinconf_row *r)
{
	fputs(".TP\n", f);
	man_flag(f, r);
	roff(f, r->help);
	if (range_of(r)) {
		fputs(" (", f);
		roff(f, range_of(r));
		fputs(")", f);
	}
	if (*r->def) {
		fputs("; default ", f);
		roff(f, r->def);
	}
	fputs(".\n", f);
}

static void man_rows(FILE *f)
{
	size_t n, n_verbs;
	const struct joinconf_row *r = joinconf_rows(&n);
	const struct joinconf_verb *v = joinconf_verbs(&n_verbs);

	for (size_t i = 0; i < n_verbs; i++) {
		fputs(".TP\n.B ", f);
		roff(f, "--");
		roff(f, v[i].flag);
		fputs(v[i].metavar ? " FILE\n" : "\n", f);
		roff(f, v[i].help);
		fputs(".\n", f);
	}
	for (size_t i = 0; i < n; i++) {
		if (new_group(r, i))
			fprintf(f, ".SS %s\n", r[i].group);
		man_row(f, &r[i]);
	}
}

static const char man_head[] =
	".\\\" Made by tutti-join --man-page from its table of settings.\n"
	".TH TUTTI-JOIN 1 \"\" \"Tutti\" \"User Commands\"\n"
	".SH NAME\ntutti\\-join \\- play in a room of musicians\n"
	".SH SYNOPSIS\n.B tutti\\-join\n.RI [ FLAG ...]\n.I sip:band@host\n.br\n"
	".B tutti\\-join \\-\\-answer\n.RI [ FLAG ...]\n.br\n"
	".B tutti\\-join \\-\\-check\n.I sip:echo@host\n.br\n"
	".B tutti\\-join \\-\\-devices\n"
	".SH DESCRIPTION\n"
	"Calls a room of a Tutti conference server and plays in it. The sound comes from and goes to JACK, ALSA or "
	"files; beside it runs a\n"
	"line of gestures for OSC programs and MIDI. In a terminal it shows who is there, how loud, and how many "
	"milliseconds away; without\n"
	"one it writes lines, with\n.B \\-\\-json\nobjects for scripts, which may answer with commands.\n"
	".PP\nThe call comes back by itself when the network or the server was gone. Two of them can call each other "
	"without a server.\n"
	".SH FLAGS\n";

static const char man_tail[] =
	".SH KEYS\n"
	".TP\n.B m\nmute.\n.TP\n.B M\ndeaf: hear nothing.\n.TP\n.B h\nraise the hand.\n.TP\n.B c\nhear the click.\n"
	".TP\n.B b\nstart and stop the room's beat; where a host is in the room, hosts alone.\n.TP\n.B r\nrecord the "
	"room (hosts).\n.TP\n.B + \\-\nvolume of what is heard.\n"
	".TP\n.B up, down\nchoose a player, or the keys k and j.\n.TP\n.B left, right\nhow loud that player is in "
	"one's own mix.\n"
	".TP\n.B , .\nits place from left to right; p: back to where all hear it.\n.TP\n.B 0\nits loudness as all hear "
	"it.\n"
	".TP\n.B t\nwrite a line to the others; Enter sends it.\n.TP\n.B ?\nhelp.\n.TP\n.B q\nleave; it asks once.\n"
	".SH EXIT STATUS\n"
	".TP\n.B 0\nleft, by itself or as told.\n.TP\n.B 64\na flag or a line of the file is wrong.\n.TP\n.B 66\na "
	"file could not be read.\n"
	".TP\n.B 69\nthere is no such room, or nobody answers there for good.\n.TP\n.B 71\nthe system refuses: memory, "
	"sockets.\n"
	".TP\n.B 74\nthe sound device is not there.\n.TP\n.B 77\nnot allowed in.\n"
	".SH FILES\n.I ~/.config/tutti/join.conf\n.br\nLines\n.IR \"key = value\" ,\nkeys being the flags without "
	"their dashes. Must be readable by its owner\n"
	"alone where it holds a password.\n"
	".SH ENVIRONMENT\n.TP\n.B TUTTI_JOIN_PASSWORD\nthe password, where neither flags nor file name one.\n"
	".TP\n.B NO_COLOR\nno colours.\n.TP\n.B TERM\ndumb: no view.\n"
	".SH EXAMPLES\n.nf\n"
	"tutti\\-join sip:music\\-band@example.org\n"
	"tutti\\-join \\-\\-driver file \\-\\-in\\-file guitar.wav \\-\\-out\\-file heard.wav \\-\\-seconds 30 "
	"sip:music\\-band@example.org\n"
	"tutti\\-join \\-\\-check sip:echo@example.org\n.fi\n"
	".SH SEE ALSO\n.BR tutti (8),\n.BR tuttictl (1)\n";

void joinconf_man(FILE *f)
{
	fputs(man_head, f);
	man_rows(f);
	fputs(man_tail, f);
}

/* --- docs --- */

void joinconf_table(FILE *f)
{
	size_t n;
	const struct joinconf_row *r = joinconf_rows(&n);

	fputs("| setting | values | default | |\n|---|---|---|---|\n", f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "| `%s` | ", r[i].key);
		for (const char *p = range_of(&r[i]) ? range_of(&r[i]) : value_of(&r[i]); *p; p++)
			fputs(*p == '|' ? ", " : (char[]){*p, 0}, f);
		fprintf(f, " | %s | %s |\n", r[i].def, r[i].help);
	}
}
