/*
 * test-dtmf.c - packets in, keys out, whatever of them is lost; keys in, packets out.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "mixer/dtmf.h"

static void test_keys(void)
{
	static const char all[] = "0123456789*#ABCD";

	for (unsigned i = 0; i < 256; i++)
		g_assert_cmpint(dtmf_key((uint8_t)i), ==, i < 16 ? all[i] : 0);
	for (int c = 0; c < 128; c++) {
		const char *p = c ? strchr(all, g_ascii_toupper((char)c)) : NULL;

		g_assert_cmpint(dtmf_event((char)c), ==, p ? (int)(p - all) : -1);
	}
}

struct pkt { uint32_t ts; uint8_t event; bool end; uint16_t duration; };

static const struct {
	const char *name;
	struct pkt p[12];         /* until duration 0 */
	const char *keys;
} rows[] = {
	{ "one key", { {0, 1, 0, 160}, {0, 1, 0, 320}, {0, 1, 1, 480}, {0, 1, 1, 480}, {0, 1, 1, 480} }, "1" },
	{ "begin lost", { {0, 11, 0, 320}, {0, 11, 1, 480}, {0, 11, 1, 480} }, "#" },
	{ "only an end came", { {0, 10, 1, 480} }, "*" },
	{ "ends lost, the same key again", { {0, 1, 0, 160}, {0, 1, 0, 320}, {1280, 1, 0, 160}, {1280, 1, 1, 480} }, "11" },
	{ "two keys", { {0, 1, 0, 160}, {0, 1, 1, 480}, {1280, 2, 0, 160}, {1280, 2, 1, 480} }, "12" },
	{ "a retransmitted end after the next key", { {0, 1, 0, 160}, {0, 1, 1, 480}, {1280, 2, 0, 160}, {0, 1, 1, 480},
		{1280, 2, 1, 480} }, "12" },
	{ "end before begin", { {0, 5, 1, 480}, {0, 5, 0, 160}, {0, 5, 0, 320} }, "5" },
	{ "a long key in three segments", { {0, 3, 0, 160}, {0, 3, 0, 65535}, {65535, 3, 0, 160}, {65535, 3, 0, 65535},
		{131070, 3, 0, 160}, {131070, 3, 1, 400} }, "3" },
	{ "the end of a segment lost", { {0, 3, 0, 160}, {65535, 3, 0, 160}, {65535, 3, 1, 400} }, "3" },
	{ "after an end it is a new press, however far", { {0, 3, 0, 160}, {0, 3, 1, 65535}, {65535, 3, 0, 160} }, "33" },
	{ "another key after a full segment", { {0, 3, 0, 65535}, {65535, 4, 0, 160} }, "34" },
	{ "timestamp wraps", { {0xffffff00u, 1, 0, 160}, {0xffffff00u, 1, 1, 480}, {0x400, 2, 0, 160} }, "12" },
	{ "timestamps began anew", { {5000000, 1, 1, 480}, {1000, 2, 1, 480} }, "12" },
	{ "flash and tones are no keys", { {0, 16, 0, 160}, {0, 16, 1, 480}, {1280, 66, 1, 480}, {2560, 7, 1, 480} }, "7" },
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct dtmf_rx rx = { 0 };
		char got[16] = "";

		g_test_message("%s", rows[i].name);
		for (const struct pkt *p = rows[i].p; p->duration; p++) {
			const uint8_t b[4] = { p->event, (uint8_t)(p->end ? 0x8a : 0x0a), (uint8_t)(p->duration >> 8),
				(uint8_t)p->duration };
			char key = '?';
			const int n = dtmf_read_rt(&rx, &key, p->ts, b, sizeof(b));

			g_assert_true(n == 0 || n == 1);
			if (n)
				got[strlen(got)] = key;
		}
		g_assert_cmpstr(got, ==, rows[i].keys);
	}
}

static void test_read_short(void)
{
	static const uint8_t b[4] = { 1, 0x8a, 0, 160 };
	struct dtmf_rx rx = { 0 };
	char key;

	for (size_t n = 0; n < 4; n++)
		g_assert_cmpint(dtmf_read_rt(&rx, &key, 0, b, n), ==, -EBADMSG);
	g_assert_cmpint(dtmf_read_rt(&rx, &key, 0, b, 4), ==, 1);
}

/* Every frame size and clock: the keys come out as pushed, with the right times, and each event ends three times. */
static void test_write(void)
{
	static const struct { uint32_t clock, frame_us; } row[] = { {8000, 20000}, {8000, 10000}, {8000, 60000}, {48000, 20000},
		{48000, 2500}, {16000, 30000} };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		const uint32_t n_ts = row[i].clock / 1000 * row[i].frame_us / 1000;
		const uint32_t tone = row[i].clock / 10, pause = row[i].clock * 6 / 100;
		struct dtmf_tx tx = { 0 };
		struct dtmf_rx rx = { 0 };
		uint32_t begin = 0, last_sent = 0;
		unsigned ends = 0, markers = 0;
		char got[16] = "";

		g_assert_cmpint(dtmf_tx_push(&tx, '5'), ==, 0);
		g_assert_cmpint(dtmf_tx_push(&tx, '5'), ==, 0);
		g_assert_cmpint(dtmf_tx_push(&tx, 'd'), ==, 0);
		for (uint32_t ts = 0xfffff000u, n = 0; n < 3 * row[i].clock / n_ts; n++, ts += n_ts) {
			uint8_t b[4];
			uint32_t ev_ts = 0;
			bool marker;
			char key;

			if (!dtmf_write_rt(&tx, b, &ev_ts, &marker, ts, n_ts, row[i].clock))
				continue;
			if (marker) {
				g_assert_cmpuint(ev_ts, ==, ts);
				if (markers)
					g_assert_cmpuint(ts - last_sent, >=, pause);
				markers++;
				begin = ts;
			}
			g_assert_cmpuint(ev_ts, ==, begin);
			if (b[1] & 0x80) {
				g_assert_cmpuint(b[2] << 8 | b[3], >=, tone);
				g_assert_cmpuint(b[2] << 8 | b[3], <, tone + n_ts);
				ends++;
			}
			else
				g_assert_cmpuint(b[2] << 8 | b[3], ==, ts + n_ts - begin);
			if (dtmf_read_rt(&rx, &key, ev_ts, b, 4) == 1)
				got[strlen(got)] = key;
			last_sent = ts;
		}
		g_assert_cmpstr(got, ==, "55D");
		g_assert_cmpuint(ends, ==, 9);
		g_assert_cmpuint(markers, ==, 3);
	}
}

static void test_push(void)
{
	struct dtmf_tx tx = { 0 };

	g_assert_cmpint(dtmf_tx_push(&tx, 'x'), ==, EINVAL);
	g_assert_cmpint(dtmf_tx_push(&tx, 0), ==, EINVAL);
	for (int i = 0; i < 32; i++)
		g_assert_cmpint(dtmf_tx_push(&tx, '1'), ==, 0);
	g_assert_cmpint(dtmf_tx_push(&tx, '1'), ==, ENOSPC);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dtmf/keys", test_keys);
	g_test_add_func("/dtmf/read", test_read);
	g_test_add_func("/dtmf/read-short", test_read_short);
	g_test_add_func("/dtmf/write", test_write);
	g_test_add_func("/dtmf/push", test_push);
	return g_test_run();
}
