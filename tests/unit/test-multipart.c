/*
 * test-multipart.c - the session description found among other parts.
 */
#include <glib.h>
#include <string.h>
#include "server/multipart.h"

#define SDP  "Content-Type: application/sdp\r\n\r\n"
#define TEXT "Content-Type: text/plain\r\n\r\n"
#define OPT  "Content-Type: text/plain\r\nContent-Disposition: render; handling=optional\r\n\r\n"
#define INNER "--in\r\n" SDP "I\r\n--in--\r\n"

/* want: the content found, NULL when err. */
static const struct { const char *name, *subtype, *params, *body; int err; const char *want; } rows[] = {
	{"alone", "mixed", ";boundary=x", "--x\r\n" SDP "v=0\r\n--x--\r\n", 0, "v=0"},
	{"preamble, epilogue", "mixed", ";boundary=x", "hello\r\n--x\r\n" SDP "A\r\n--x--\r\nbye", 0, "A"},
	{"line breaks belong to content", "mixed", ";boundary=x", "--x\r\n" SDP "A\r\n\r\n--x--", 0, "A\r\n"},
	{"LF only", "mixed", ";boundary=x", "--x\nContent-Type: application/sdp\n\nA\nB\n--x--\n", 0, "A\nB"},
	{"quoted boundary", "mixed", "; charset=u ; Boundary=\"a; b\"", "--a; b\r\n" SDP "A\r\n--a; b--\r\n", 0, "A"},
	{"blanks behind the boundary", "mixed", ";boundary=x", "--x \t\r\n" SDP "A\r\n--x-- \r\n", 0, "A"},
	{"boundary as a beginning", "mixed", ";boundary=x", "--x\r\n" SDP "A\r\n--xy\r\nB\r\n--x--", 0, "A\r\n--xy\r\nB"},
	{"boundary within a line", "mixed", ";boundary=x", "--x\r\n" SDP "A --x--\r\n--x--", 0, "A --x--"},
	{"folded header", "mixed", ";boundary=x", "--x\r\nContent-Type:\r\n application/sdp\r\n\r\nA\r\n--x--", 0, "A"},
	{"compact header, capitals", "mixed", ";boundary=x", "--x\r\nc: APPLICATION/SDP\r\n\r\nA\r\n--x--", 0, "A"},
	{"with parameters", "mixed", ";boundary=x", "--x\r\nContent-Type: application/sdp;charset=utf-8\r\n\r\nA\r\n--x--", 0, "A"},
	{"the first of two", "mixed", ";boundary=x", "--x\r\n" SDP "A\r\n--x\r\n" SDP "B\r\n--x--", 0, "A"},
	{"empty part", "mixed", ";boundary=x", "--x\r\n" SDP "--x--", 0, ""},
	{"optional part beside it", "mixed", ";boundary=x", "--x\r\n" OPT "T\r\n--x\r\n" SDP "A\r\n--x--", 0, "A"},
	{"binary is no encoding", "mixed", ";boundary=x",
		"--x\r\nContent-Transfer-Encoding: Binary\r\n" SDP "A\r\n--x--", 0, "A"},

	{"a part we must handle", "mixed", ";boundary=x", "--x\r\n" TEXT "T\r\n--x\r\n" SDP "A\r\n--x--", ENOTSUP, NULL},
	{"handling=required", "mixed", ";boundary=x", "--x\r\nContent-Type: a/b\r\nContent-Disposition: x;handling=required\r\n"
		"\r\nT\r\n--x\r\n" SDP "A\r\n--x--", ENOTSUP, NULL},
	{"base64", "mixed", ";boundary=x", "--x\r\nContent-Transfer-Encoding: base64\r\n" SDP "QQ==\r\n--x--", ENOENT, NULL},
	{"not there", "mixed", ";boundary=x", "--x\r\n" OPT "T\r\n--x--", ENOENT, NULL},
	{"no content type is text", "mixed", ";boundary=x", "--x\r\n\r\nT\r\n--x--", ENOENT, NULL},
	{"no boundary", "mixed", ";charset=x", "--x\r\n" SDP "A\r\n--x--", EBADMSG, NULL},
	{"empty boundary", "mixed", ";boundary=", "--\r\n" SDP "A\r\n----", EBADMSG, NULL},
	{"boundary too long", "mixed", ";boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
		"x", EBADMSG, NULL},
	{"never opened", "mixed", ";boundary=x", SDP "A", EBADMSG, NULL},
	{"never closed", "mixed", ";boundary=x", "--x\r\n" SDP "A\r\n", EBADMSG, NULL},
	{"empty body", "mixed", ";boundary=x", "", EBADMSG, NULL},
	{"header without colon", "mixed", ";boundary=x", "--x\r\nhello\r\n\r\nA\r\n--x--", EBADMSG, NULL},

	{"alternative takes the last", "alternative", ";boundary=x",
		"--x\r\n" TEXT "T\r\n--x\r\n" SDP "A\r\n--x\r\n" SDP "B\r\n--x\r\n" TEXT "T\r\n--x--", 0, "B"},
	{"related takes the first", "related", ";boundary=x", "--x\r\n" SDP "A\r\n--x\r\n" TEXT "T\r\n--x--", 0, "A"},
	{"related with another root", "related", ";boundary=x", "--x\r\n" TEXT "T\r\n--x\r\n" SDP "A\r\n--x--", ENOENT, NULL},
	{"related names its root", "related", ";boundary=x;start=\"<b@c>\"",
		"--x\r\n" TEXT "T\r\n--x\r\nContent-ID: <b@c>\r\n" SDP "A\r\n--x--", 0, "A"},

	{"nested", "mixed", ";boundary=x",
		"--x\r\nContent-Type: multipart/mixed;boundary=in\r\n\r\n" INNER "\r\n--x--", 0, "I"},
	{"nested, optional outside", "mixed", ";boundary=x",
		"--x\r\n" OPT "T\r\n--x\r\nContent-Type: multipart/alternative;boundary=in\r\n\r\n--in\r\n" TEXT "T\r\n" INNER "\r\n--x--",
		0, "I"},
	{"nested three deep", "mixed", ";boundary=x",
		"--x\r\nContent-Type: multipart/mixed;boundary=y\r\n\r\n--y\r\nContent-Type: multipart/mixed;boundary=in\r\n\r\n"
		INNER "\r\n--y--\r\n--x--", ENOENT, NULL},
	{"nested, malformed", "mixed", ";boundary=x",
		"--x\r\nContent-Type: multipart/mixed;boundary=in\r\n\r\nnothing\r\n--x--", EBADMSG, NULL},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct msg_ctype ctype = {.type = PL("multipart")};
		struct pl body, part = PL_INIT;
		int err;

		g_test_message("%s", rows[i].name);
		pl_set_str(&ctype.subtype, rows[i].subtype);
		pl_set_str(&ctype.params, rows[i].params);
		pl_set_str(&body, rows[i].body);
		err = multipart_find_in(&part, &ctype, &body, "application", "sdp");
		g_assert_cmpint(err, ==, rows[i].err);
		if (!err)
			g_assert_cmpmem(part.p, part.l, rows[i].want, strlen(rows[i].want));
		if (!strcmp(rows[i].subtype, "mixed"))
			g_assert_cmpint(multipart_find(&part, &ctype.params, &body, "application", "sdp"), ==, rows[i].err);
	}
}

/* A Content-Type as libre's decoder hands it over. */
static void test_ctype(void)
{
	struct pl value = PL("multipart/mixed; boundary=\"unique-1\""), body = PL("--unique-1\r\n" SDP "A\r\n--unique-1--\r\n"), part;
	struct msg_ctype ctype;

	g_assert_cmpint(msg_ctype_decode(&ctype, &value), ==, 0);
	g_assert_cmpint(multipart_find_in(&part, &ctype, &body, "application", "sdp"), ==, 0);
	g_assert_cmpmem(part.p, part.l, "A", 1);
}

static void test_many(void)
{
	struct pl params = PL(";boundary=x"), body, part;

	for (unsigned n = MULTIPART_PARTS_MAX - 1; n <= MULTIPART_PARTS_MAX; n++) {
		GString *text = g_string_new(NULL);

		for (unsigned i = 0; i < n; i++)
			g_string_append(text, "--x\r\n" OPT "T\r\n");
		g_string_append(text, "--x\r\n" SDP "A\r\n--x--\r\n");
		body.p = text->str;
		body.l = text->len;
		g_assert_cmpint(multipart_find(&part, &params, &body, "application", "sdp"), ==,
				n < MULTIPART_PARTS_MAX ? 0 : EBADMSG);
		g_string_free(text, TRUE);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/multipart/rows", test_rows);
	g_test_add_func("/multipart/ctype", test_ctype);
	g_test_add_func("/multipart/many", test_many);
	return g_test_run();
}
