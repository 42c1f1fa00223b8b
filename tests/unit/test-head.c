/*
 * test-head.c - heads of requests: which are let in, which are refused and how, which are not yet whole.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "web/head.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"

static void test_rows(void)
{
	static const struct { const char *head; int status; } rows[] = {
		{ "", EAGAIN }, { "GET / HTTP/1.1", EAGAIN }, { GET, EAGAIN }, { GET "\r", EAGAIN }, { GET "\r\n", 0 },
		{ "GET / HTTP/1.0\r\n\r\n", 0 }, { "GET / HTTP/1.0\n\n", 0 }, { "GET / HTTP/1.0\nHost: x\n\nbody\r\n\r\n", 0 },
		{ GET "\r\nanything: goes\r\nContent-Length: -1\r\n\r\n", 0 },            /* behind the head */
		{ GET "Content-Length: 5\r\n\r\n", 0 }, { GET "content-length:  5 \r\n\r\n", 0 },
		{ GET "Content-Length: -1\r\n\r\n", 400 }, { GET "Content-Length: x\r\n\r\n", 400 }, { GET "Content-Length:\r\n\r\n", 400 },
		{ GET "Content-Length: 5, 5\r\n\r\n", 400 }, { GET "Content-Length: 99999999999999999999\r\n\r\n", 400 },
		{ GET "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 }, { GET "Content-Length: +5\r\n\r\n", 400 },
		{ GET "Transfer-Encoding: chunked\r\n\r\n", 0 }, { GET "TRANSFER-ENCODING: Chunked\r\n\r\n", 0 },
		{ GET "Transfer-Encoding: gzip\r\n\r\n", 501 }, { GET "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
		{ GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400 },
		{ GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ GET "Transfer-Encoding : gzip\r\n\r\n", 400 }, { GET " Transfer-Encoding: gzip\r\n\r\n", 400 },
		{ GET "X: y\r\n folded\r\n\r\n", 400 }, { GET ": y\r\n\r\n", 400 }, { GET "no colon\r\n\r\n", 400 },
		{ GET "X\x01: y\r\n\r\n", 400 }, { "\r\n\r\n", 400 }, { "\n\n", 400 }, { "\r\n" GET "\r\n", 400 }, { "\n", 400 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *why = NULL;
		int status = head_judge(rows[i].head, strlen(rows[i].head), &why);

		if (status != rows[i].status)
			g_error("row %zu: %d instead of %d (%s)", i, status, rows[i].status, why);
		g_assert_true(status <= 0 || status == EAGAIN || why);
	}
}

static void test_size(void)
{
	char *x = g_strnfill(HEAD_MAX, 'x'), *nul = g_memdup2(GET "a\0b: c\r\n\r\n", sizeof(GET) + 9);
	const char *why;

	g_assert_cmpint(head_judge(x, HEAD_MAX - 1, &why), ==, EAGAIN);
	g_assert_cmpint(head_judge(x, HEAD_MAX, &why), ==, 431);
	g_assert_cmpint(head_judge(nul, sizeof(GET) + 9, &why), ==, 400);
	g_free(nul);
	g_free(x);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/head/rows", test_rows);
	g_test_add_func("/head/size", test_size);
	return g_test_run();
}
