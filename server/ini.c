/*
 * ini.c - one pass over the text, one line at a time in a buffer of its own, where it may be cut into strings.
 *
 * Decided against: continuation lines (a long list reads well on one line, and a stray indent would change a meaning in
 * silence) and includes (a path in a file that was read as root is one thing more to trust).
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "ini.h"

struct reader {
	char section[INI_LINE_MAX];
	char instance[INI_LINE_MAX];
	char line[INI_LINE_MAX];
	unsigned n_line;
	ini_h *h;
	void *arg;
	const char **why;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip(char *p)
{
	while (blank(*p))
		++p;
	return p;
}

static void trim_end(char *p)
{
	size_t n = strlen(p);

	while (n && blank(p[n - 1]))
		p[--n] = '\0';
}

static int fail(struct reader *r, const char *why)
{
	*r->why = why;
	return EINVAL;
}

/* Only after white space: a SIP URI holds ';' and a password may hold '#'. */
static void cut_comment(char *p)
{
	for (char *q = p; *q; ++q) {
		if ((*q == '#' || *q == ';') && (q == p || blank(q[-1]))) {
			*q = '\0';
			return;
		}
	}
}

static int unquote(struct reader *r, char **value)
{
	char *in = *value + 1, *out = *value;

	while (*in && *in != '"') {
		if (*in == '\\' && (in[1] == '"' || in[1] == '\\'))
			++in;
		*out++ = *in++;
	}
	if (*in != '"')
		return fail(r, "closing quote is missing");

	in = skip(in + 1);
	if (*in && *in != '#' && *in != ';')
		return fail(r, "text after the closing quote");

	*out = '\0';
	return 0;
}

static int read_section(struct reader *r, char *p)
{
	char *end = strchr(p, ']'), *inst;

	if (!end)
		return fail(r, "closing ] is missing");
	inst = skip(end + 1);
	if (*inst && *inst != '#' && *inst != ';')
		return fail(r, "text after ]");
	*end = '\0';

	p = skip(p);
	trim_end(p);
	if (!*p)
		return fail(r, "section without a name");

	inst = p + strcspn(p, " \t");
	if (*inst) {
		*inst = '\0';
		inst = skip(inst + 1);
	}
	strcpy(r->section, p);            /* both are parts of a line, and as long as a line may be */
	strcpy(r->instance, inst);

	return r->h(&(struct ini_item){r->n_line, r->section, r->instance, NULL, NULL}, r->why, r->arg);
}

static int read_setting(struct reader *r, char *p)
{
	char *eq = strchr(p, '='), *value;

	if (!eq)
		return fail(r, "neither [section] nor key = value");
	*eq = '\0';
	trim_end(p);
	if (!*p)
		return fail(r, "a value without a key");
	if (!r->section[0])
		return fail(r, "a setting before the first [section]");

	value = skip(eq + 1);
	if (*value == '"') {
		int err = unquote(r, &value);
		if (err)
			return err;
	}
	else {
		cut_comment(value);
		trim_end(value);
	}

	return r->h(&(struct ini_item){r->n_line, r->section, r->instance, p, value}, r->why, r->arg);
}

static int read_line(struct reader *r, const char *text, size_t len)
{
	char *p;

	if (len && text[len - 1] == '\r')
		--len;
	if (len >= sizeof(r->line))
		return fail(r, "line is too long");
	for (size_t i = 0; i < len; ++i) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return fail(r, "control character");
	}

	memcpy(r->line, text, len);
	r->line[len] = '\0';
	p = skip(r->line);

	if (!*p || *p == '#' || *p == ';')
		return 0;
	return *p == '[' ? read_section(r, p + 1) : read_setting(r, p);
}

int ini_read(const char *text, size_t len, ini_h *h, void *arg, const char **why, unsigned *line)
{
	struct reader r = {.h = h, .arg = arg, .why = why};
	int err = 0;

	*line = 0;
	*why = NULL;
	if (len > INI_TEXT_MAX) {
		*why = "file is too long";
		return E2BIG;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {       /* some editors begin with a byte order mark */
		text += 3;
		len -= 3;
	}

	while (len && !err) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		++r.n_line;
		err = read_line(&r, text, n);
		n += nl ? 1 : 0;
		text += n;
		len -= n;
	}

	*line = r.n_line;
	return err;
}
