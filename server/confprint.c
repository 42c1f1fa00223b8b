/*
 * confprint.c - two pens for the table of settings: the commented sample file and the man page tutti.conf(5).
 */
#include <string.h>
#include "config.h"

enum { WIDTH = 100 };

static const char *type_name(const struct config_setting *t)
{
	switch (t->type) {
	case CONFIG_STR:
		return "text";
	case CONFIG_BOOL:
		return "yes or no";
	case CONFIG_UINT:
		return "number";
	case CONFIG_LIST:
		return "list";
	case CONFIG_RANGE:
		return "range within";
	case CONFIG_ENUM:
		return "one of";
	}
	return "";
}

static const char *key_of(const struct config_setting *t)
{
	return strchr(t->name, '.') + 1;
}

static void wrap(FILE *f, const char *text)
{
	size_t col = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (col && col + 1 + n > WIDTH) {
			fputc('\n', f);
			col = 0;
		}
		if (!col)
			fputc('#', f);
		fprintf(f, " %.*s", (int)n, text);
		col += n + 1;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

/* --- sample --- */

static void sample_setting(FILE *f, const struct config_setting *t, bool optional)
{
	const char *quote;

	wrap(f, t->help);
	fprintf(f, "# (%s%s%s%s)\n", type_name(t), t->choices ? " " : "", t->choices ? t->choices : "",
		t->live ? "" : "; a change needs a restart");
	quote = *t->def == '#' ? "\"" : "";
	fprintf(f, "%s%s =%s%s%s%s\n\n", optional ? "#" : "", key_of(t), *t->def ? " " : "", quote, t->def, quote);
}

static void sample_table(FILE *f)
{
	size_t n, len = 0;
	const struct config_setting *t = config_table(&n);
	const char *section = "";

	for (size_t i = 0; i < n; ++i) {
		size_t l = strcspn(t[i].name, ".");

		if (l != len || strncmp(section, t[i].name, l)) {
			section = t[i].name;
			len = l;
			fprintf(f, "[%.*s]\n\n", (int)len, section);
		}
		sample_setting(f, &t[i], true);
	}
}

static void sample_kind(FILE *f, const struct config_kind *k)
{
	wrap(f, k->help);
	fprintf(f, "#\n#[%s %s]\n", k->name, k->instance);
	for (size_t i = 0; i < k->n_keys; ++i) {
		const struct config_setting *t = &k->keys[i];

		fprintf(f, "#%s =%s%s", key_of(t), *t->def ? " " : "", t->def);
		fprintf(f, "%s# %s%s%s%s\n", *t->def ? "  " : " ", t->help, t->choices ? " (" : "",
			t->choices ? t->choices : "", t->choices ? ")" : "");
	}
	fputc('\n', f);
}

void config_print_sample(FILE *f)
{
	size_t n;
	const struct config_kind *k = config_kinds(&n);

	fputs("# tutti.conf - every setting with its default. Remove the # before the ones you change.\n"
	      "# `tutti --check FILE` looks for mistakes; `systemctl reload tutti` or SIGHUP takes up what can change.\n"
	      "# A value with \"#\" or \";\" after a space, or with spaces at its ends, stands in double quotes.\n\n", f);
	sample_table(f);
	for (size_t i = 0; i < n; ++i)
		sample_kind(f, &k[i]);
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

static void man_setting(FILE *f, const struct config_setting *t)
{
	fputs(".TP\n.B ", f);
	roff(f, key_of(t));
	fputs("\n", f);
	roff(f, t->help);
	fputs("\n.br\n", f);
	roff(f, type_name(t));
	if (t->choices) {
		fputs(" ", f);
		roff(f, t->choices);
	}
	if (*t->def) {
		fputs("; default ", f);
		roff(f, t->def);
	}
	fputs(t->live ? ".\n" : "; a change needs a restart.\n", f);
}

static void man_table(FILE *f)
{
	size_t n, len = 0;
	const struct config_setting *t = config_table(&n);
	const char *section = "";

	for (size_t i = 0; i < n; ++i) {
		size_t l = strcspn(t[i].name, ".");

		if (l != len || strncmp(section, t[i].name, l)) {
			section = t[i].name;
			len = l;
			fprintf(f, ".SS [%.*s]\n", (int)len, section);
		}
		man_setting(f, &t[i]);
	}
}

void config_print_man(FILE *f)
{
	size_t n;
	const struct config_kind *k = config_kinds(&n);

	fputs(".\\\" Made by tutti --man-page from its table of settings.\n"
	      ".TH TUTTI.CONF 5 \"\" \"Tutti\" \"File formats\"\n"
	      ".SH NAME\ntutti.conf \\- settings of the conference server tutti\n"
	      ".SH SYNOPSIS\n.I /etc/tutti/tutti.conf\n"
	      ".SH DESCRIPTION\n"
	      "Sections in brackets, and in each of them lines\n.I key\n=\n.IR value .\n"
	      "A # or ; at the beginning of a line or after a space begins a comment. A value may stand in double quotes, in\n"
	      "which \\e\" and \\e\\e are a quote and a backslash. Lists are words with spaces or commas between them.\n"
	      "A key may be set once. Without a file every setting has its default.\n"
	      ".PP\nOn SIGHUP the file is read again: what can change without dropping a call changes, and a line in the log\n"
	      "names each setting that needs a restart. A file with a mistake changes nothing.\n"
	      ".SH SETTINGS\n", f);
	man_table(f);
	fputs(".SH SECTIONS THAT REPEAT\n", f);
	for (size_t i = 0; i < n; ++i) {
		fprintf(f, ".SS [%s %s]\n", k[i].name, k[i].instance);
		roff(f, k[i].help);
		fputs("\n", f);
		for (size_t j = 0; j < k[i].n_keys; ++j)
			man_setting(f, &k[i].keys[j]);
	}
	fputs(".SH EXAMPLE\n.nf\n"
	      "[sip]\nlisten = udp:192.0.2.10:5060 tls:192.0.2.10:5061\n\n"
	      "[rooms]\nopen\\-to = none\n\n"
	      "[account ann]\npassword = \"a long one\"\nrole = host\n.fi\n"
	      ".SH SEE ALSO\n.BR tutti (8)\n", f);
}
