/*
 * ctl_options.c - options, wherever they stand on the line. An own reader, because getopt takes the -6 of "gain band 3 -6" for
 * an option.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

static const struct ctl_option table[] = {
	{ "server", "URL", "http://HOST:PORT or unix:PATH of the server ($TUTTI_URL); without it its unix socket\n"
	  "                          is asked and, where there is none, http://127.0.0.1:8080", 's' },
	{ "socket", "PATH", "the unix socket ($TUTTI_SOCKET): tutti.sock in the state folder, which is\n"
	  "                          $TUTTI_STATE_DIR, /var/lib/tutti or ~/.local/state/tutti", 0 },
	{ "token", "TOKEN", "other users see it in the list of processes: prefer a file", 't' },
	{ "token-file", "FILE", "file with the token; for TCP it is admin-token in the state folder", 0 },
	{ "json", NULL, "print the answer as it came", 'j' },
	{ "help", NULL, "this text, or that of the command", 'h' },
	{ "from", "TIME", "cdr: calls that ended at \"2026-11-21 18:00\" or later", 0 },
	{ "to", "TIME", "cdr: and before this", 0 },
	{ "limit", "N", "cdr list: so many (20)", 0 },
	{ "csv", NULL, "cdr export: comma-separated values", 0 },
	{ "scopes", "WORDS", "token create: read, control or admin (read)", 0 },
	{ "room", "ROOM", "token create: good for this room only", 0 },
	{ "days", "N", "token create: good for so long", 0 },
};

enum { TABLE_N = sizeof(table) / sizeof(table[0]) };

const struct ctl_option *ctl_option_table(size_t *n)
{
	*n = TABLE_N;
	return table;
}

void ctl_options_help(void)
{
	for (size_t i = 0; i < TABLE_N; i++) {
		char left[48];

		(void)snprintf(left, sizeof(left), "--%s%s%s", table[i].name, table[i].arg ? " " : "", table[i].arg ? table[i].arg : "");
		printf("  %c%c%s %-20s%s\n", table[i].letter ? '-' : ' ', table[i].letter ? table[i].letter : ' ',
		       table[i].letter ? "," : " ", left, table[i].help);
	}
}

/* --- the server --- */

static int set_url(struct http_server *s, const char *url)
{
	const char *host = url, *end, *port = NULL;
	size_t len;

	if (!strncmp(url, "unix:", 5)) {
		s->host[0] = '\0';
		return (size_t)snprintf(s->socket, sizeof(s->socket), "%s", url + 5) < sizeof(s->socket) ? 0 : ENAMETOOLONG;
	}
	if (!strncmp(url, "https:", 6)) {
		fputs("tuttictl: https is not spoken here; ask the server's own port on its loopback address\n", stderr);
		return EINVAL;
	}
	s->socket[0] = '\0';
	if (!strncmp(url, "http://", 7))
		host += 7;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end)
			return EINVAL;
		if (end[1] == ':')
			port = end + 2;
	} else {
		end = host + strcspn(host, ":/");
		if (*end == ':')
			port = end + 1;
	}
	len = (size_t)(end - host);
	if (!len || len >= sizeof(s->host))
		return EINVAL;
	memcpy(s->host, host, len);
	s->host[len] = '\0';

	len = port ? strcspn(port, "/") : 0;
	if (port && (!len || len >= 6 || strspn(port, "0123456789") < len))
		return EINVAL;
	(void)snprintf(s->port, sizeof(s->port), "%.*s", port ? (int)len : 2, port ? port : "80");
	return 0;
}

/* Where the server of this machine, or of this user, keeps its socket and its token. */
static void state_dir(char *dir, size_t size)
{
	const char *env = getenv("TUTTI_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (env && *env)
		(void)snprintf(dir, size, "%s", env);
	else if (!access("/var/lib/tutti", F_OK) || (!home && !xdg))
		(void)snprintf(dir, size, "/var/lib/tutti");
	else if (xdg && *xdg == '/')
		(void)snprintf(dir, size, "%s/tutti", xdg);
	else
		(void)snprintf(dir, size, "%s/.local/state/tutti", home);
}

static int token_read(char *token, size_t size, const char *file)
{
	FILE *f = fopen(file, "r");
	char line[512];

	if (!f)
		return errno;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	(void)fclose(f);
	line[strcspn(line, " \t\r\n")] = '\0';
	(void)snprintf(token, size, "%s", line);
	return 0;
}

struct given { const char *value[TABLE_N]; };     /* "" where an option takes none */

static const char *given(const struct given *g, const char *name)
{
	for (size_t i = 0; i < TABLE_N; i++)
		if (!strcmp(table[i].name, name))
			return g->value[i];
	return NULL;
}

static int find_server(struct http_server *s, const struct given *g, const char *dir)
{
	const char *url = given(g, "server"), *socket = given(g, "socket"), *env_socket = getenv("TUTTI_SOCKET");
	const char *env_url = getenv("TUTTI_URL");

	if (!url && !socket && env_socket && *env_socket)
		socket = env_socket;
	if (!url && !socket && env_url && *env_url)
		url = env_url;
	if (socket && !url) {
		if ((size_t)snprintf(s->socket, sizeof(s->socket), "%s", socket) < sizeof(s->socket))
			return CTL_OK;
		fprintf(stderr, "tuttictl: %s: the path is too long\n", socket);
		return CTL_USAGE;
	}
	if (url) {
		if (!set_url(s, url))
			return CTL_OK;
		fprintf(stderr, "tuttictl: %s is not http://HOST:PORT or unix:PATH\n", url);
		return CTL_USAGE;
	}
	/* A path that is too long for a socket is one nobody can listen on. */
	if ((size_t)snprintf(s->socket, sizeof(s->socket), "%s/tutti.sock", dir) >= sizeof(s->socket))
		s->socket[0] = '\0';
	(void)snprintf(s->host, sizeof(s->host), "127.0.0.1");
	(void)snprintf(s->port, sizeof(s->port), "8080");
	return CTL_OK;
}

static int find_token(struct http_server *s, const struct given *g, const char *dir)
{
	const char *token = given(g, "token"), *file = given(g, "token-file");
	char def[4096];
	int err;

	(void)snprintf(s->token, sizeof(s->token), "%s", token ? token : "");
	if (strpbrk(s->token, "\r\n ")) {
		fputs("tuttictl: this is no token\n", stderr);
		return CTL_USAGE;
	}
	if (token)
		return CTL_OK;
	(void)snprintf(def, sizeof(def), "%s/admin-token", dir);
	err = token_read(s->token, sizeof(s->token), file ? file : def);
	s->tcp_only_token = !file;
	if (!err || !file)                /* without a token: health and ready need none */
		return CTL_OK;
	fprintf(stderr, "tuttictl: %s: %s\n", file, strerror(err));
	return CTL_USAGE;
}

/* --- the line --- */

static int find_option(const char *word, size_t len)
{
	for (int i = 0; i < TABLE_N; i++) {
		if (word[0] == '-' && word[1] == '-' && strlen(table[i].name) == len - 2 && !strncmp(table[i].name, word + 2, len - 2))
			return i;
		if (len == 2 && word[1] == table[i].letter && table[i].letter)
			return i;
	}
	return -1;
}

/* v[*at] is an option; what it takes stands behind "=" or is the next word. */
static int take_option(struct given *g, char **v, int n, int *at)
{
	const char *word = v[*at], *eq = !strncmp(word, "--", 2) ? strchr(word, '=') : NULL;
	int i = find_option(word, eq ? (size_t)(eq - word) : strlen(word));

	if (i < 0) {
		fprintf(stderr, "tuttictl: there is no option %s\n", word);
		return CTL_USAGE;
	}
	if (!table[i].arg && !eq) {
		g->value[i] = "";
		return CTL_OK;
	}
	if (!table[i].arg || (!eq && *at + 1 >= n)) {
		fprintf(stderr, "tuttictl: --%s takes %s\n", table[i].name, table[i].arg ? table[i].arg : "nothing");
		return CTL_USAGE;
	}
	g->value[i] = eq ? eq + 1 : v[++*at];
	return CTL_OK;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]) && word[1] != '.';
}

int ctl_options(struct ctl *c, char **v, int *n)
{
	struct given g = { .value = { NULL } };
	int left = 0, status = CTL_OK;
	bool all = true;
	char dir[4000];

	for (int i = 0; i < *n && !status; i++) {
		if (all && !strcmp(v[i], "--"))
			all = false;
		else if (all && is_option(v[i]))
			status = take_option(&g, v, *n, &i);
		else
			v[left++] = v[i];
	}
	*n = left;
	c->json = given(&g, "json");
	c->help = given(&g, "help");
	c->csv = given(&g, "csv");
	c->from = given(&g, "from");
	c->to = given(&g, "to");
	c->limit = given(&g, "limit");
	c->scopes = given(&g, "scopes");
	c->room = given(&g, "room");
	c->days = given(&g, "days");
	c->colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	state_dir(dir, sizeof(dir));
	if (!status)
		status = find_server(&c->server, &g, dir);
	if (!status)
		status = find_token(&c->server, &g, dir);
	return status;
}

static bool ctl_option_for(const struct ctl_word *w, const char *name)
{
	const char *p = w->options;
	size_t n = strlen(name);

	for (; p && *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && !strncmp(p, name, n))
			return true;
		p += len;
	}
	return false;
}

int ctl_options_fit(const struct ctl *c, const struct ctl_word *w)
{
	const struct { const char *name; bool given; } some[] = {
		{ "from", c->from }, { "to", c->to }, { "limit", c->limit }, { "csv", c->csv }, { "scopes", c->scopes },
		{ "room", c->room }, { "days", c->days },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		if (!some[i].given || ctl_option_for(w, some[i].name))
			continue;
		fprintf(stderr, "tuttictl: this command has no --%s\n", some[i].name);
		return CTL_USAGE;
	}
	return CTL_OK;
}
