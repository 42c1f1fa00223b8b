/*
 * ctl_run.c - commands that are more than one request with one answer: pages of calls, files, tokens, text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl.h"
#include "ctl_text.h"

enum { PAGE = 500 };

/* --- calls --- */

/* "2026-11-21", "2026-11-21 18:00[:30]" (local time), or milliseconds since 1970. */
static int parse_time(uint64_t *ms, const char *name, const char *text)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S" };
	char *end;

	*ms = 0;
	if (!text)
		return CTL_OK;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *rest = strptime(text, forms[i], &tm);

		if (rest && !*rest) {
			*ms = (uint64_t)mktime(&tm) * 1000;
			return CTL_OK;
		}
	}
	*ms = strtoull(text, &end, 10);
	if (end != text && !*end && *ms > 10000000000)
		return CTL_OK;
	fprintf(stderr, "tuttictl: --%s: a time is \"2026-11-21 18:00\" or milliseconds since 1970, not %s\n", name, text);
	return CTL_USAGE;
}

static void add_query(struct txt *t, const char *name, const char *value)
{
	txt_printf(t, "%s%s=", strchr(t->p, '?') ? "&" : "?", name);
	txt_url(t, value);
}

static void add_query_number(struct txt *t, const char *name, uint64_t n)
{
	if (n)
		txt_printf(t, "%s%s=%llu", strchr(t->p, '?') ? "&" : "?", name, (unsigned long long)n);
}

/* The question without `before`, which changes from page to page. */
static int calls_path(struct txt *t, const struct ctl *c, const struct ctl_args *a, unsigned limit)
{
	uint64_t from, to;
	int status = parse_time(&from, "from", c->from);

	if (!status)
		status = parse_time(&to, "to", c->to);
	if (status)
		return status;
	txt_str(t, "/api/v1/calls");
	if (!t->bad && ctl_arg(a, "ROOM"))
		add_query(t, "room", ctl_arg(a, "ROOM"));
	if (!t->bad) {
		add_query_number(t, "from", from);
		add_query_number(t, "to", to);
		add_query_number(t, "limit", limit);
	}
	return t->bad ? CTL_UNREACHABLE : CTL_OK;
}

static int print_answer(const struct ctl *c, const char *path, const char *what,
			void (*show)(const struct ctl *c, const struct json *answer))
{
	struct json *root = NULL;
	char *text = NULL;
	int status = ctl_get(c->json ? NULL : &root, &text, c, path, what);

	if (!status && c->json) {
		put_clean(text, strlen(text));
		putchar('\n');
	} else if (!status) {
		show(c, root);
	}
	json_free(root);
	free(text);
	return status;
}

int run_cdr_list(const struct ctl *c, const struct ctl_args *a)
{
	unsigned long limit = c->limit ? strtoul(c->limit, NULL, 10) : 20;
	struct txt path = { .p = NULL };
	int status;

	if (!limit || limit > 1000) {
		fputs("tuttictl: --limit is 1 to 1000\n", stderr);
		return CTL_USAGE;
	}
	status = calls_path(&path, c, a, (unsigned)limit);
	if (!status)
		status = print_answer(c, path.p, "cdr list", show_calls);
	txt_free(&path);
	return status;
}

/* A page of CSV without its head line, but for the first one; *before: number of its last record, 0: there was none. */
static void put_csv_page(const char *text, bool first, uint64_t *before)
{
	const char *rows = strchr(text, '\n'), *last = NULL;

	rows = rows ? rows + 1 : text + strlen(text);
	for (const char *p = rows; *p;) {
		const char *end = strchr(p, '\n');

		last = p;
		p = end ? end + 1 : p + strlen(p);
	}
	fputs(first ? text : rows, stdout);
	*before = last ? strtoull(last, NULL, 10) : 0;
}

/* An object of plain members, on one line. */
static void put_object(const struct json *object)
{
	struct txt t = { .p = NULL };

	for (const struct json *j = object->child; j; j = j->next) {
		txt_str(&t, j == object->child ? "{" : ",");
		txt_json(&t, j->key ? j->key : "");
		txt_str(&t, ":");
		if (j->type == JSON_STRING)
			txt_json(&t, j->text);
		else if (j->type == JSON_NUMBER)
			txt_add(&t, j->text, strspn(j->text, "-+.eE0123456789"));
		else
			txt_str(&t, j->type == JSON_TRUE ? "true" : j->type == JSON_FALSE ? "false" : "null");
	}
	txt_str(&t, "}\n");
	if (!t.bad)
		(void)fwrite(t.p, 1, t.n, stdout);
	txt_free(&t);
}

/* A page of JSON, a record a line. */
static int put_json_page(char *text, uint64_t *before)
{
	struct json *root = NULL;
	int err = json_parse(&root, text, strlen(text));
	const struct json *list = json_get(root, "calls");

	*before = 0;
	for (const struct json *j = list ? list->child : NULL; j; j = j->next) {
		put_object(j);
		*before = json_whole(j, "id");
	}
	json_free(root);
	return err ? CTL_UNREACHABLE : CTL_OK;
}

int run_cdr_export(const struct ctl *c, const struct ctl_args *a)
{
	struct txt path = { .p = NULL };
	uint64_t before = 0;
	bool first = true;
	size_t base;
	int status = calls_path(&path, c, a, PAGE);

	if (!status && c->csv)
		add_query(&path, "format", "csv");
	base = path.n;
	do {
		char *text = NULL;

		path.n = base;
		if (!status && before)
			add_query_number(&path, "before", before);
		if (!status && !path.bad)
			status = ctl_get(NULL, &text, c, path.p, "cdr export");
		before = 0;
		if (!status && text && c->csv)
			put_csv_page(text, first, &before);
		else if (!status && text)
			status = put_json_page(text, &before);
		first = false;
		free(text);
	} while (!status && before && !ferror(stdout));
	txt_free(&path);
	return fflush(stdout) && !status ? CTL_REFUSED : status;
}

/* --- recordings --- */

int run_record_list(const struct ctl *c, const struct ctl_args *a)
{
	struct txt path = { .p = NULL };
	int status;

	txt_str(&path, "/api/v1/recordings");
	if (!path.bad && ctl_arg(a, "ROOM"))
		add_query(&path, "room", ctl_arg(a, "ROOM"));
	status = path.bad ? CTL_UNREACHABLE : print_answer(c, path.p, "record list", show_recordings);
	txt_free(&path);
	return status;
}

/* As it comes: a recording may be larger than memory. */
static int copy_out(struct http *h)
{
	char buf[16384];
	ssize_t n;

	while ((n = http_read(h, buf, sizeof(buf))) > 0)
		if (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n)
			break;
	if (!n && !fflush(stdout))
		return CTL_OK;
	fprintf(stderr, "tuttictl: %s\n", strerror(n < 0 ? (int)-n : errno));
	return n < 0 ? CTL_UNREACHABLE : CTL_REFUSED;
}

int run_record_get(const struct ctl *c, const struct ctl_args *a)
{
	struct http_request rq = { .method = "GET", .accept = "*/*" };
	struct txt path = { .p = NULL };
	struct http *h = NULL;
	int status;

	txt_str(&path, "/api/v1/recordings/");
	txt_url(&path, ctl_arg(a, "RECORDING"));
	txt_str(&path, "/files/");
	txt_url(&path, ctl_arg(a, "FILE"));
	rq.path = path.p;
	status = path.bad ? CTL_UNREACHABLE : ctl_open(&h, c, &rq, "record get");
	if (!status)
		status = copy_out(h);
	http_close(h);
	txt_free(&path);
	return status;
}

/* --- tokens --- */

static int token_body(struct txt *t, const struct ctl *c, const char *name)
{
	unsigned long days = c->days ? strtoul(c->days, NULL, 10) : 0;

	if (c->days && (!days || days > 36500)) {
		fputs("tuttictl: --days is 1 to 36500\n", stderr);
		return CTL_USAGE;
	}
	txt_str(t, "{\"name\":");
	txt_json(t, name);
	txt_str(t, ",\"scopes\":");
	txt_json(t, c->scopes ? c->scopes : "read");
	if (c->room) {
		txt_str(t, ",\"room\":");
		txt_json(t, c->room);
	}
	if (days)
		txt_printf(t, ",\"expires_ms\":%llu", ((unsigned long long)time(NULL) + days * 86400) * 1000);
	txt_str(t, "}");
	return t->bad ? CTL_UNREACHABLE : CTL_OK;
}

int run_token_create(const struct ctl *c, const struct ctl_args *a)
{
	struct http_request rq = { .method = "POST", .path = "/api/v1/tokens" };
	struct txt body = { .p = NULL };
	struct json *root = NULL;
	struct http *h = NULL;
	char *text = NULL;
	size_t len = 0;
	int status = token_body(&body, c, ctl_arg(a, "NAME"));

	rq.body = body.p;
	if (!status)
		status = ctl_open(&h, c, &rq, "token create");
	if (!status && http_body(&text, &len, h))
		status = CTL_UNREACHABLE;
	if (!status && c->json) {
		put_clean(text, len);
		putchar('\n');
	} else if (!status && !json_parse(&root, text, len)) {
		/* The secret alone on standard output, so that it can go into a file. */
		put_clean(json_text(root, "token"), strlen(json_text(root, "token")));
		putchar('\n');
		fprintf(stderr, "id %.16s; the token is shown this once\n", json_text(root, "id"));
	}
	json_free(root);
	free(text);
	http_close(h);
	txt_free(&body);
	return status;
}

/* --- text --- */

/* metrics, health, ready: what came is printed, also of a refusal. */
int run_text(const struct ctl *c, const struct ctl_args *a)
{
	const struct http_request rq = { .method = "GET", .path = a->word->path };
	struct http *h = NULL;
	char *body = NULL;
	size_t len = 0;
	int status = CTL_UNREACHABLE;

	if (http_open(&h, &c->server, &rq))
		return CTL_UNREACHABLE;
	if (!http_body(&body, &len, h)) {
		status = http_status(h) == 200 ? CTL_OK : CTL_REFUSED;
		put_clean(body, len);
		if (len && body[len - 1] != '\n')
			putchar('\n');
	}
	free(body);
	http_close(h);
	return status;
}
