/* test-direct.c - what two ends without a server know of each other in, the delay between them out. */
#include <glib.h>
#include <string.h>
#include "client/direct.h"

static struct band band;

static void up(void)
{
	band_init(&band);
	g_assert_nonnull(band_come(&band, "bob"));
}

/* bob tells figures of itself as it would tell a server. */
static bool tell(const char *addr, const int32_t *v, unsigned n)
{
	static uint8_t buf[256];
	struct osc_arg args[8];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	for (unsigned i = 0; i < n; i++)
		args[i] = (struct osc_arg){.tag = 'i', .v.i = v[i]};
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return band_hear_peer(&band, &msg, 0);
}

static const struct direct_near near = {.heard = true, .frame = 1333, .rtt = 4000, .buffer = 1500, .playback = 2667};

struct row {
	const char *what;
	struct band_far far;
	struct direct_near near;
	struct band_path want;    /* total, capture, up, buffer, mix, down, playback */
	bool least;
};

static const struct row rows[] = {
	{"all is known", {true, 2700, 9000, 9000, 0}, {true, 1333, 4000, 1500, 2667},
	 {8867, 2700, 2000, 1500, 0, 0, 2667}, false},
	{"it says nothing of itself", {0}, {true, 1333, 4000, 1500, 2667}, {7500, 1333, 2000, 1500, 0, 0, 2667}, true},
	{"no round trip yet", {true, 2700, 0, 0, 0}, {true, 1333, 0, 1500, 2667}, {6867, 2700, 0, 1500, 0, 0, 2667},
	 true},
	{"it alone knows the way", {true, 2700, 0, 0, 6000}, {true, 1333, 0, 1500, 2667},
	 {9867, 2700, 3000, 1500, 0, 0, 2667}, false},
	{"our own round trip counts for more", {true, 0, 0, 0, 90000}, {true, 1333, 4000, 0, 0},
	 {2000, 0, 2000, 0, 0, 0, 0}, false},
	{"it is not heard", {true, 2700, 0, 0, 6000}, {false, 0, 4000, 1500, 2667}, {0}, false},
};

static void test_parts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];

		g_test_message("%s", r->what);
		up();
		band.far = r->far;
		(void)direct_measure(&band, &r->near);
		g_assert_cmpmem(&band.member[0].to_me, sizeof(struct band_path), &r->want, sizeof(r->want));
		g_assert_true(band.member[0].at_least == r->least);
		g_assert_false(direct_measure(&band, &r->near));
	}
}

static void test_nobody(void)
{
	band_init(&band);
	g_assert_false(direct_measure(&band, &near));
}

/* What comes from the other end is bounded, and goes with it. */
static void test_told(void)
{
	up();
	g_assert_false(tell("/tutti/me/latency", (int32_t[]){1, 2}, 2));
	g_assert_false(band.far.told);
	g_assert_true(tell("/tutti/me/latency", (int32_t[]){2700, 2667, 1500}, 3));
	g_assert_true(band.far.told);
	g_assert_cmpuint(band.far.rtt, ==, 0);
	g_assert_true(tell("/tutti/me/latency", (int32_t[]){2700, -5, INT32_MAX, 4000}, 4));
	g_assert_cmpuint(band.far.capture, ==, 2700);
	g_assert_cmpuint(band.far.playback, ==, 0);
	g_assert_cmpuint(band.far.buffer, ==, 2000000);
	g_assert_cmpuint(band.far.rtt, ==, 4000);
	g_assert_true(direct_measure(&band, &near));
	g_assert_cmpuint(band.member[0].to_me.total, ==, 2700 + 2000 + 1500 + 2667);
	band_empty(&band);
	g_assert_false(band.far.told);
	g_assert_false(tell("/tutti/me/latency", (int32_t[]){1, 2, 3}, 3));     /* of nobody */
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/direct/parts", test_parts);
	g_test_add_func("/direct/nobody", test_nobody);
	g_test_add_func("/direct/told", test_told);
	return g_test_run();
}
