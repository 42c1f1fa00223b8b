/*
 * joinconf_read.c - where settings come from: a file, the flags, and for the password two more places.
 *
 *     key = value            # a comment begins a line or stands behind a space
 *     key = "a # inside"
 *
 * A flag is --key VALUE or --key=VALUE; of yes and no --key and --no-key do. What stands alone is the room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "joinconf_priv.h"

enum { LINE_MAX_LEN = 1024, LINES_MAX = 10000 };

/* --- file --- */

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t\r\n", s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

static void cut_comment(char *s)
{
	for (char *p = s; *p; p++)
		if (*p == '#' && (p == s || p[-1] == ' ' || p[-1] == '\t')) {
			*p = '\0';
			return;
		}
}

/* The value in its place; NULL: a quote that does not end. */
static char *read_value(char *s)
{
	char *end;

	s = trim(s);
	if (*s != '"') {
		cut_comment(s);
		return trim(s);
	}
	end = strrchr(s + 1, '"');
	if (!end)
		return NULL;
	*end++ = '\0';
	end = trim(end);
	return *end && *end != '#' ? NULL : s + 1;
}

static int read_line(struct joinconf *c, char *line, bool open, char *wrong, size_t size)
{
	char *key = trim(line), *eq = strchr(key, '='), *value;
	const struct joinconf_row *row;

	if (!*key || *key == '#')
		return 0;
	if (!eq) {
		(void)snprintf(wrong, size, "neither a comment nor key = value");
		return EINVAL;
	}
	*eq = '\0';
	key = trim(key);
	row = joinconf_find(key, strlen(key));
	value = read_value(eq + 1);
	if (!row)
		(void)snprintf(wrong, size, "no such setting: %.60s", key);
	else if (!value)
		(void)snprintf(wrong, size, "%s: a quote that does not end, or text behind it", key);
	else if (row->secret && *value && open)
		(void)snprintf(wrong, size, "%s: others can read this file; chmod 600 it", key);
	else
		return joinconf_set(c, row, value, wrong, size);
	return EINVAL;
}

static int read_lines(struct joinconf *c, FILE *f, bool open, char *wrong, size_t size)
{
	char line[LINE_MAX_LEN], why[JOINCONF_WRONG];
	int err = 0;

	for (unsigned n = 1; !err && n <= LINES_MAX && fgets(line, sizeof(line), f); n++) {
		if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n') {
			(void)snprintf(why, sizeof(why), "too long");
			err = EINVAL;
		}
		else
			err = read_line(c, line, open, why, sizeof(why));
		if (err)
			(void)snprintf(wrong, size, "line %u: %.200s", n, why);
	}
	return err;
}

int joinconf_file(struct joinconf *c, const char *path, char *wrong, size_t size)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	int err;

	if (!f)
		err = errno;
	else if (fstat(fileno(f), &st))
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	else {
		err = read_lines(c, f, st.st_mode & 077, wrong, size);
		fclose(f);
		return err;
	}
	if (f)
		fclose(f);
	(void)snprintf(wrong, size, "%s", strerror(err));
	return err;
}

int joinconf_path(char *path, size_t size)
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	if (dir && *dir == '/')
		n = snprintf(path, size, "%s/tutti/join.conf", dir);
	else if (home && *home)
		n = snprintf(path, size, "%s/.config/tutti/join.conf", home);
	return n > 0 && (size_t)n < size ? 0 : ENOENT;
}

/* --- flags --- */

struct flags { int argc, i; char **argv; struct joinconf *c; const char **path; char *wrong; size_t size; };

static const char *next_word(struct flags *f, const char *value, const char *flag)
{
	if (value)
		return value;
	if (f->i + 1 < f->argc)
		return f->argv[++f->i];
	(void)snprintf(f->wrong, f->size, "--%.60s: wants a value", flag);
	return NULL;
}

static int print(void (*pen)(FILE *f))
{
	pen(stdout);
	return ECANCELED;
}

static void print_version(FILE *f)
{
	fprintf(f, "tutti-join %s\n", TUTTI_VERSION);
}

/* ENOENT: no verb. */
static int run_verb(struct flags *f, const char *flag, size_t len, const char *value)
{
	static const struct { const char *flag; void (*pen)(FILE *f); } pens[] = {
		{"help", joinconf_help},
		{"version", print_version},
		{"sample-config", joinconf_sample},
		{"man-page", joinconf_man},
	};

	for (size_t i = 0; i < sizeof(pens) / sizeof(pens[0]); i++)
		if (!value && strlen(pens[i].flag) == len && !memcmp(pens[i].flag, flag, len))
			return print(pens[i].pen);
	if (!value && len == 5 && !memcmp(flag, "check", 5))
		f->c->check = true;
	else if (!value && len == 7 && !memcmp(flag, "devices", 7))
		f->c->devices = true;
	else if (len == 6 && !memcmp(flag, "config", 6)) {
		const char *path = next_word(f, value, flag);

		if (!path)
			return EINVAL;
		if (f->path)
			*f->path = path;
	}
	else
		return ENOENT;
	return 0;
}

static int set_flag(struct flags *f, const struct joinconf_row *row, const char *flag, const char *value)
{
	char why[JOINCONF_WRONG];
	int err;

	if (row->secret) {
		(void)snprintf(
			f->wrong, f->size,
			"--%s: everybody on this machine can read flags; use --password-file, TUTTI_JOIN_PASSWORD "
			"or the file of settings",
			row->key);
		return EINVAL;
	}
	if (row->type == JOINCONF_YESNO && !value)
		value = "yes";
	value = next_word(f, value, flag);
	if (!value)
		return EINVAL;
	err = joinconf_set(f->c, row, value, why, sizeof(why));
	if (err)
		(void)snprintf(f->wrong, f->size, "--%.200s", why);
	return err;
}

static int read_flag(struct flags *f, const char *flag)
{
	size_t len = strcspn(flag, "=");
	const char *value = flag[len] ? flag + len + 1 : NULL;
	const struct joinconf_row *row = joinconf_find(flag, len);
	char why[JOINCONF_WRONG];
	int err;

	if (row)
		return set_flag(f, row, flag, value);
	if (len > 3 && !value && !strncmp(flag, "no-", 3)) {
		row = joinconf_find(flag + 3, len - 3);
		if (row && row->type == JOINCONF_YESNO)
			return joinconf_set(f->c, row, "no", why, sizeof(why));
	}
	err = run_verb(f, flag, len, value);
	if (err == ENOENT) {
		(void)snprintf(f->wrong, f->size, "--%.*s: no such flag; --help tells which there are",
			       len > 60 ? 60 : (int)len, flag);
		err = EINVAL;
	}
	return err;
}

static int read_room(struct flags *f, const char *word, bool *given)
{
	if (*given) {
		(void)snprintf(f->wrong, f->size, "%.100s: one room only", word);
		return EINVAL;
	}
	*given = true;
	return joinconf_set(f->c, joinconf_find("uri", 3), word, f->wrong, f->size);
}

int joinconf_argv(struct joinconf *c, int argc, char **argv, const char **path, char *wrong, size_t size)
{
	struct flags f = {.argc = argc, .argv = argv, .c = c, .path = path, .wrong = wrong, .size = size};
	bool given = false;
	int err = 0;

	if (path)
		*path = NULL;
	for (f.i = 1; !err && f.i < argc; f.i++) {
		const char *word = argv[f.i];

		if (!strcmp(word, "-h") || !strcmp(word, "-V"))
			err = print(word[1] == 'h' ? joinconf_help : print_version);
		else if (!strncmp(word, "--", 2) && word[2])
			err = read_flag(&f, word + 2);
		else if (*word == '-') {
			(void)snprintf(wrong, size, "%.60s: no such flag; --help tells which there are", word);
			err = EINVAL;
		}
		else
			err = read_room(&f, word, &given);
	}
	return err;
}

/* --- all of it --- */

static int read_password(struct joinconf *c, char *wrong, size_t size)
{
	char line[sizeof(c->password) + 1] = "";
	const char *env = getenv("TUTTI_JOIN_PASSWORD");
	FILE *f;

	if (!c->password_file[0]) {
		if (env && *env && !c->password[0])
			return joinconf_set(c, joinconf_find("password", 8), env, wrong, size);
		return 0;
	}
	f = fopen(c->password_file, "re");
	if (!f || !fgets(line, sizeof(line), f)) {
		(void)snprintf(wrong, size, "--password-file %.150s: %s", c->password_file,
			       f ? "empty" : strerror(errno));
		if (f)
			fclose(f);
		return EINVAL;
	}
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return joinconf_set(c, joinconf_find("password", 8), line, wrong, size);
}

static int read_own_file(struct joinconf *c, const char *path, char *wrong, size_t size)
{
	char own[512], why[JOINCONF_WRONG] = "";
	int err = path ? 0 : joinconf_path(own, sizeof(own));

	if (!err)
		err = joinconf_file(c, path ? path : own, why, sizeof(why));
	if (!path && (err == ENOENT || err == ENOTDIR))
		return 0;
	if (err)
		(void)snprintf(wrong, size, "%.200s: %.200s", path ? path : own, why);
	return err;
}

int joinconf_load(struct joinconf *c, int argc, char **argv, char *wrong, size_t size)
{
	struct joinconf flags;
	const char *path;
	int err;

	joinconf_init(&flags);            /* first only for what they say of the file, and whether they are right */
	err = joinconf_argv(&flags, argc, argv, &path, wrong, size);
	if (err)
		return err;
	joinconf_init(c);
	err = read_own_file(c, path, wrong, size);
	if (!err)
		err = joinconf_argv(c, argc, argv, NULL, wrong, size);
	if (!err)
		err = read_password(c, wrong, size);
	return err;
}
