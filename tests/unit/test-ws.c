/*
 * test-ws.c - WebSocket frames: heads out, frames in, whole and in pieces, and what the rules forbid.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "web/ws.h"

static GString *seen;
static bool go_on;

static bool on_frame(enum ws_op op, const uint8_t *payload, size_t n, void *arg)
{
	g_assert_true(arg == seen);
	g_string_append_printf(seen, "%d:%.*s;", op, (int)n, (const char *)payload);
	return go_on;
}

static GByteArray *frame(GByteArray *out, uint8_t first, const char *text)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	size_t n = strlen(text);
	uint8_t head[4] = { first, (uint8_t)(0x80 | (n < 126 ? n : 126)), (uint8_t)(n >> 8), (uint8_t)n };

	g_byte_array_append(out, head, n < 126 ? 2 : 4);
	g_byte_array_append(out, mask, 4);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)text[i] ^ mask[i % 4];

		g_byte_array_append(out, &c, 1);
	}
	return out;
}

static int read_by(const GByteArray *in, size_t step)
{
	struct ws_reader r = { .n = 0 };
	int err = 0;

	g_string_truncate(seen, 0);
	for (size_t i = 0; i < in->len && !err; i += step)
		err = ws_read(&r, in->data + i, MIN(step, in->len - i), on_frame, seen);
	return err;
}

static void test_in(void)
{
	char *large = g_strnfill(WS_PAYLOAD_MAX, 'x');
	GByteArray *in = g_byte_array_new();
	char *wanted = g_strdup_printf("1:hi;9:;2:%s;1:par;9:mid;0:t;8:;", large);

	frame(in, 0x81, "hi");
	frame(in, 0x89, "");
	frame(in, 0x82, large);
	frame(in, 0x01, "par");                   /* control frames may stand between the parts of a message */
	frame(in, 0x89, "mid");
	frame(in, 0x80, "t");
	frame(in, 0x88, "");
	for (size_t step = 1; step <= in->len; step += step < 20 ? 1 : 777) {
		g_assert_cmpint(read_by(in, step), ==, 0);
		g_assert_cmpstr(seen->str, ==, wanted);
	}
	g_free(wanted);
	g_free(large);
	g_byte_array_free(in, TRUE);
}

static void test_forbidden(void)
{
	static const struct { uint8_t bytes[14]; size_t n; int err; } rows[] = {
		{ { 0x81, 0x02, 'h', 'i' }, 4, EPROTO },                  /* not masked */
		{ { 0xc1, 0x80, 0, 0, 0, 0 }, 6, EPROTO },                /* RSV */
		{ { 0x83, 0x80, 0, 0, 0, 0 }, 6, EPROTO },                /* no such opcode */
		{ { 0x8b, 0x80, 0, 0, 0, 0 }, 6, EPROTO },
		{ { 0x09, 0x80, 0, 0, 0, 0 }, 6, EPROTO },                /* a ping in parts */
		{ { 0x89, 0xfe, 0, 126 }, 4, EPROTO },                    /* ... and too long */
		{ { 0x80, 0x80, 0, 0, 0, 0 }, 6, EPROTO },                /* goes on with nothing */
		{ { 0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0 }, 12, EPROTO },       /* begins anew within */
		{ { 0x81, 0xfe, 0x10, 0x01 }, 4, EMSGSIZE },
		{ { 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 10, EMSGSIZE },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		GByteArray in = { .data = (guint8 *)rows[i].bytes, .len = (guint)rows[i].n };

		g_assert_cmpint(read_by(&in, 1), ==, rows[i].err);
		g_assert_cmpint(read_by(&in, 14), ==, rows[i].err);
	}
}

static void test_enough(void)
{
	GByteArray *in = g_byte_array_new();

	frame(in, 0x88, "");
	frame(in, 0x81, "late");
	go_on = false;
	g_assert_cmpint(read_by(in, in->len), ==, ECANCELED);
	g_assert_cmpstr(seen->str, ==, "8:;");
	go_on = true;
	g_byte_array_free(in, TRUE);
}

static void test_out(void)
{
	static const struct { size_t payload, n; uint8_t head[WS_HEAD_MAX]; } rows[] = {
		{ 0, 2, { 0x81, 0 } }, { 125, 2, { 0x81, 125 } }, { 126, 4, { 0x81, 126, 0, 126 } },
		{ 65535, 4, { 0x81, 126, 0xff, 0xff } }, { 65536, 10, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 } },
	};
	uint8_t head[WS_HEAD_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpuint(ws_head(head, WS_TEXT, rows[i].payload), ==, rows[i].n);
		g_assert_cmpmem(head, rows[i].n, rows[i].head, rows[i].n);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	seen = g_string_new(NULL);
	go_on = true;
	g_test_add_func("/ws/in", test_in);
	g_test_add_func("/ws/forbidden", test_forbidden);
	g_test_add_func("/ws/enough", test_enough);
	g_test_add_func("/ws/out", test_out);
	return g_test_run();
}
