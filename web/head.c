/*
 * head.c - what libsoup 3.2 does not bear well is refused before: a length that is none and a transfer coding it does not know
 * (it loses the path each time, which may be long), "-1" as a length (it reads for ever), folded lines, heads without end.
 *
 * What frames a body is read strictly: two lengths, or a length and a coding, are how one request is smuggled in another.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "head.h"

struct seen { bool length, coding; };

static bool token(const char *p, size_t n)
{
	static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t i = 0; i < n; i++)
		if (!p[i] || !strchr(chars, p[i]))
			return false;
	return n > 0;
}

static bool is(const char *p, size_t n, const char *text)
{
	return n == strlen(text) && !strncasecmp(p, text, n);
}

static bool digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0 && n < 19;
}

static void trim(const char **p, size_t *n)
{
	while (*n && (**p == ' ' || **p == '\t')) {
		(*p)++;
		(*n)--;
	}
	while (*n && strchr(" \t\r", (*p)[*n - 1]))
		(*n)--;
}

/* RFC 9112 6.1: "a server that receives a request message with a transfer coding it does not understand SHOULD respond with
 * 501"; 6.3: both Transfer-Encoding and Content-Length "might indicate an attempt to perform request smuggling". */
static int judge_field(struct seen *seen, const char *name, size_t n_name, const char *value, size_t n, const char **why)
{
	bool length = is(name, n_name, "Content-Length"), coding = is(name, n_name, "Transfer-Encoding");

	if (!length && !coding)
		return 0;
	trim(&value, &n);
	*why = "Content-Length: one number is wanted, or chunks";
	if (seen->length || seen->coding || (length && !digits(value, n)))
		return 400;
	seen->length = length;
	seen->coding = coding;
	*why = "Transfer-Encoding: only chunked is known";
	return coding && !is(value, n, "chunked") ? 501 : 0;
}

static int judge_line(struct seen *seen, const char *line, size_t n, const char **why)
{
	const char *colon = memchr(line, ':', n);
	size_t n_name = colon ? (size_t)(colon - line) : 0;

	*why = "a line of the head that is no field";
	if (!colon || !token(line, n_name))
		return 400;
	return judge_field(seen, line, n_name, colon + 1, n - n_name - 1, why);
}

int head_judge(const char *head, size_t n, const char **why)
{
	const char *end = memmem(head, n, "\n\r\n", 3), *bare = memmem(head, n, "\n\n", 2), *line, *next;
	struct seen seen = { .length = false };
	int status = 0;

	*why = "an empty line before the request";        /* libsoup would pass over it, and read a head we did not see */
	if (n && (head[0] == '\r' || head[0] == '\n'))
		return 400;
	if (!end || (bare && bare < end))
		end = bare;
	*why = "the head is larger than 16384 bytes";
	if (!end)
		return n >= HEAD_MAX ? 431 : EAGAIN;
	*why = "a NUL in the head";
	if (memchr(head, '\0', (size_t)(end - head)))
		return 400;
	line = memchr(head, '\n', (size_t)(end - head) + 1);
	for (line++; line <= end && !status; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line) + 1);
		status = judge_line(&seen, line, (size_t)(next - line), why);
	}
	return status;
}
