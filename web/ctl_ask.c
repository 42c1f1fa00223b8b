/*
 * ctl_ask.c - a command as a request, and what became of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "ctl.h"
#include "ctl_text.h"

static void say(const struct ctl_word *w, const char *what)
{
	fprintf(stderr, "tuttictl: %s%s%s: %s\n", w->noun, w->verb ? " " : "", w->verb ? w->verb : "", what);
}

/* --- asking --- */

/* A refusal, in the server's words: {"status":404,"error":"no such room"}. */
static int refused(struct http *h, const char *what)
{
	struct txt t = { .p = NULL };
	struct json *root = NULL;
	char *body = NULL;
	size_t len = 0;
	const char *error;

	if (!http_body(&body, &len, h))
		(void)json_parse(&root, body, len);
	error = json_text(root, "error");
	if (!*error)
		error = http_status(h) == 401 ? "a token is needed: --token-file" : http_status(h) == 404 ? "there is no such thing" :
			"refused";
	txt_clean(&t, error, strlen(error), NULL);
	fprintf(stderr, "tuttictl: %s: %s (%d)\n", what, t.bad || !t.p ? "refused" : t.p, http_status(h));
	txt_free(&t);
	json_free(root);
	free(body);
	return CTL_REFUSED;
}

int ctl_open(struct http **hp, const struct ctl *c, const struct http_request *rq, const char *what)
{
	struct http *h = NULL;

	if (http_open(&h, &c->server, rq))
		return CTL_UNREACHABLE;
	if (http_status(h) / 100 != 2) {
		int status = refused(h, what);

		http_close(h);
		return status;
	}
	*hp = h;
	return CTL_OK;
}

/* The whole answer: as text, and where `root` is given as a tree into it. */
static int ask(struct json **root, char **text, const struct ctl *c, const struct http_request *rq, const char *what)
{
	struct http *h = NULL;
	size_t len = 0;
	int status = ctl_open(&h, c, rq, what), err;

	if (status)
		return status;
	err = http_body(text, &len, h);
	http_close(h);
	if (!err && root && len)
		err = json_parse(root, *text, len);
	if (!err)
		return CTL_OK;
	fprintf(stderr, "tuttictl: %s: no good answer: %s\n", what, strerror(err));
	free(*text);
	*text = NULL;
	return CTL_UNREACHABLE;
}

int ctl_get(struct json **root, char **text, const struct ctl *c, const char *path, const char *what)
{
	const struct http_request rq = { .method = "GET", .path = path };

	*text = NULL;
	if (root)
		*root = NULL;
	return ask(root, text, c, &rq, what);
}

/* --- a member by number, address or name --- */

/* ann of sip:ann@example.org */
static bool is_user(const char *uri, const char *name)
{
	const char *user = strchr(uri, ':'), *at = user ? strchr(user, '@') : NULL;

	return at && strlen(name) == (size_t)(at - user - 1) && !strncasecmp(user + 1, name, strlen(name));
}

static bool is_called(const struct json *m, const char *name)
{
	return !strcasecmp(json_text(m, "name"), name) || !strcasecmp(json_text(m, "uri"), name) || is_user(json_text(m, "uri"), name);
}

static bool is_number(const char *name)
{
	return name && *name && strspn(name, "0123456789") == strlen(name);
}

static int member_named(const struct json **mp, const struct json *room, const char *name)
{
	const struct json *list = json_get(room, "members");
	int n = 0;

	for (const struct json *m = list ? list->child : NULL; m; m = m->next) {
		if (is_number(name) ? json_whole(m, "id") != strtoul(name, NULL, 10) : !is_called(m, name))
			continue;
		*mp = m;
		n++;
	}
	if (n == 1)
		return CTL_OK;
	fprintf(stderr, "tuttictl: %s: %s\n", name, n ? "more than one member is called so; give its number" : "no such member");
	return CTL_REFUSED;
}

struct found { unsigned long id; char uri[512]; };

static int find_member(struct found *f, const struct ctl *c, const struct ctl_args *a, const char *name)
{
	const struct json *m = NULL;
	struct txt path = { .p = NULL };
	struct json *room = NULL;
	char *text = NULL;
	int status;

	txt_str(&path, "/api/v1/rooms/");
	txt_url(&path, ctl_arg(a, "ROOM"));
	status = path.bad ? CTL_UNREACHABLE : ctl_get(&room, &text, c, path.p, "member");
	if (!status)
		status = member_named(&m, room, name);
	if (!status) {
		f->id = (unsigned long)json_whole(m, "id");
		(void)snprintf(f->uri, sizeof(f->uri), "%s", json_text(m, "uri"));
	}
	json_free(room);
	free(text);
	txt_free(&path);
	return status;
}

/* A number is taken as it is: the server knows whether there is such a member. */
static int member_number(unsigned long *id, const struct ctl *c, const struct ctl_args *a, const char *name)
{
	struct found f;
	int status;

	if (is_number(name)) {
		*id = strtoul(name, NULL, 10);
		return CTL_OK;
	}
	status = find_member(&f, c, a, name);
	if (!status)
		*id = f.id;
	return status;
}

/* --- path and body --- */

static int make_path(struct txt *t, const struct ctl *c, const struct ctl_args *a, const char *member)
{
	unsigned long id = 0;
	char name[16];
	int status;

	for (const char *p = a->word->path; *p;) {
		size_t n = strcspn(p, "{");

		txt_add(t, p, n);
		p += n;
		if (!*p)
			break;
		n = strcspn(p, "}");
		(void)snprintf(name, sizeof(name), "%.*s", (int)n - 1, p + 1);
		p += n + 1;
		if (strcmp(name, "MEMBER")) {
			txt_url(t, ctl_arg(a, name));
			continue;
		}
		status = member_number(&id, c, a, member);
		if (status)
			return status;
		txt_printf(t, "%lu", id);
	}
	return CTL_OK;
}

/* A decimal number, as JSON wants it: "+3" and ".5" are 3 and 0.5 to a person. */
static int put_number(struct txt *t, const char *name, const char *value)
{
	char *end;
	double d = value ? strtod(value, &end) : 0;

	if (!value || end == value || *end || !(d >= -1e9 && d <= 1e9) || strpbrk(value, "xXnN")) {
		fprintf(stderr, "tuttictl: %s is a number, not %s\n", name, value ? value : "nothing");
		return CTL_USAGE;
	}
	txt_printf(t, "%.10g", d);
	return CTL_OK;
}

static int put_on(struct txt *t, const char *value)
{
	static const char *const words[][2] = { { "on", "true" }, { "yes", "true" }, { "off", "false" }, { "no", "false" } };

	for (size_t i = 0; value && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i][0], value))
			continue;
		txt_str(t, words[i][1]);
		return CTL_OK;
	}
	fprintf(stderr, "tuttictl: on or off, not %s\n", value ? value : "nothing");
	return CTL_USAGE;
}

static int put_settings(struct txt *t, const struct ctl_args *a, int first)
{
	txt_str(t, "{");
	for (int i = first; i < a->n; i++) {
		char *eq = strchr(a->v[i], '=');

		if (!eq || eq == a->v[i]) {
			fprintf(stderr, "tuttictl: a setting is NAME=VALUE, not %s\n", a->v[i]);
			return CTL_USAGE;
		}
		*eq = '\0';
		txt_str(t, i > first ? "," : "");
		txt_json(t, a->v[i]);
		txt_str(t, ":");
		txt_json(t, eq + 1);
		*eq = '=';
	}
	txt_str(t, "}");
	return CTL_OK;
}

static int put_member(struct txt *t, const struct ctl *c, const struct ctl_args *a, const char *value)
{
	unsigned long id = 0;
	int status = member_number(&id, c, a, value);

	if (!status)
		txt_printf(t, "%lu", id);
	return status;
}

static int put_address(struct txt *t, const struct ctl *c, const struct ctl_args *a, const char *value)
{
	struct found f;
	int status = find_member(&f, c, a, value);

	if (!status)
		txt_json(t, f.uri);
	return status;
}

struct field { char name[16], arg[16], def[16]; char kind; };

/* name$X, name#X:2 ... */
static void read_field(struct field *f, const char *word, size_t len)
{
	size_t n = strcspn(word, "=$#@~!*"), colon;
	const char *arg = word + n + 1;
	int rest = (int)(len - n - 1);

	(void)snprintf(f->name, sizeof(f->name), "%.*s", (int)n, word);
	f->kind = word[n];
	f->def[0] = '\0';
	(void)snprintf(f->arg, sizeof(f->arg), "%.*s", rest, arg);
	colon = strcspn(f->arg, ":");
	if (f->kind == '#' && f->arg[colon]) {
		(void)snprintf(f->def, sizeof(f->def), "%s", f->arg + colon + 1);
		f->arg[colon] = '\0';
	}
	if (f->kind == '!')
		(void)snprintf(f->def, sizeof(f->def), "on");
}

static int put_field(struct txt *t, const struct field *f, const struct ctl *c, const struct ctl_args *a, const char *value)
{
	switch (f->kind) {
	case '=':
		txt_str(t, f->arg);
		return CTL_OK;
	case '#':
		return put_number(t, f->arg, value);
	case '@':
		return put_member(t, c, a, value);
	case '~':
		return put_address(t, c, a, value);
	case '!':
		return put_on(t, value);
	case '*':
		return put_settings(t, a, ctl_arg_index(a, f->arg));
	default:
		txt_json(t, value);
		return CTL_OK;
	}
}

static int make_body(struct txt *t, const struct ctl *c, const struct ctl_args *a)
{
	const char *p = a->word->body, *value;
	int status = CTL_OK, n = 0;
	struct field f;

	txt_str(t, "{");
	for (; !status && *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		read_field(&f, p, len);
		p += len;
		value = ctl_arg(a, f.arg);
		if (!value && f.def[0])
			value = f.def;
		if (!value && f.kind != '=')
			continue;
		txt_printf(t, "%s\"%s\":", n++ ? "," : "", f.name);
		status = put_field(t, &f, c, a, value);
	}
	txt_str(t, "}");
	return status;
}

/* --- running --- */

static int show(const struct ctl *c, const struct ctl_word *w, char *text)
{
	struct json *root = NULL;
	size_t len = strlen(text);

	if (c->json) {
		put_clean(text, len);
		if (len && text[len - 1] != '\n')
			putchar('\n');
	} else if (len && json_parse(&root, text, len)) {
		say(w, "the answer is no JSON");
		return CTL_UNREACHABLE;
	} else if (w->show && root) {
		w->show(c, root);
	} else if (json_whole(root, "member")) {
		printf("member %llu\n", (unsigned long long)json_whole(root, "member"));
	}
	json_free(root);
	return fflush(stdout) ? CTL_REFUSED : CTL_OK;
}

static int run_once(const struct ctl *c, const struct ctl_args *a, const char *member)
{
	struct txt path = { .p = NULL }, body = { .p = NULL };
	struct http_request rq = { .method = a->word->method };
	char what[64], *text = NULL;
	int status = make_path(&path, c, a, member);

	(void)snprintf(what, sizeof(what), "%s%s%s", a->word->noun, a->word->verb ? " " : "", a->word->verb ? a->word->verb : "");
	if (!status && a->word->body)
		status = make_body(&body, c, a);
	if (!status && (path.bad || body.bad))
		status = CTL_UNREACHABLE;
	rq.path = path.p;
	rq.body = a->word->body ? body.p : NULL;
	if (!status)
		status = ask(NULL, &text, c, &rq, what);
	if (!status)
		status = show(c, a->word, text);
	free(text);
	txt_free(&path);
	txt_free(&body);
	return status;
}

/* For each of the members that are named; the worst of what came is the status. */
int ctl_run(const struct ctl *c, const struct ctl_args *a)
{
	const char *list = a->word->args;
	int first = ctl_arg_index(a, "MEMBER"), worst = CTL_OK;
	struct ctl_arg arg = { .many = false };

	if (a->word->run)
		return a->word->run(c, a);
	while (ctl_arg_next(&arg, &list) && strcmp(arg.name, "MEMBER"))
		;
	if (first < 0)
		return run_once(c, a, NULL);
	for (int i = first; i < (arg.many ? a->n : first + 1); i++) {
		int status = run_once(c, a, a->v[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}
