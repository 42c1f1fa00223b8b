/*
 * test-hush.c - frames of so much energy in, what is sent out of them: a letter a frame of 20 ms.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/hush.h"

/* '#' sound of -20 dBov, '=' of -55; a digit n: noise of -(60 + 5 n) dBov but for 0, which is -61; '_' nothing at all.
 * Out: 's' sound, 'N' a CN packet, '.' nothing. */
static const struct { const char *name, *in, *out; int said; } rows[] = {
	{"sound-is-sound", "####====####", "ssssssssssss", -1},
	{"hang", "##__________", "sssssssssssN", 127},
	{"short-pause", "##________##", "ssssssssssss", -1},
	{"then-nothing", "#_______________", "ssssssssssN.....", 127},
	{"back-at-once", "#___________#___", "ssssssssssN.ssss", 127},
	{"hangs-anew", "#___________#___________", "ssssssssssN.ssssssssssN.", 127},
	{"level", "#2222222222", "ssssssssssN", 70},
	{"just-under", "#0000000000", "ssssssssssN", 61},
	{"steady-noise", "#222222222222222222222", "ssssssssssN...........", 70},
	{"louder-noise", "#222222222200000000", "ssssssssssN....N...", -1},
	{"softer-noise", "#222222222233333333333333333333", "ssssssssssN....N...............", 73},
	{"over-the-threshold", "#2222222222222=222", "ssssssssssN...ssss", 70},
};

static float energy(char c)
{
	return c == '_' ? 0.0f : powf(10, (c == '#' ? -20.0f : c == '=' ? -55.0f : c == '0' ? -61.0f : -60.0f - 5.0f * (float)(c - '0')) / 10);
}

static void row(gconstpointer data)
{
	const size_t i = GPOINTER_TO_UINT(data), n = strlen(rows[i].in);
	g_autofree char *out = g_malloc0(n + 1);
	struct hush h;

	hush_init(&h);
	for (size_t k = 0; k < n; k++)
		out[k] = "sN."[hush_frame_rt(&h, energy(rows[i].in[k]), 20000)];
	g_assert_cmpstr(out, ==, rows[i].out);
	if (rows[i].said >= 0)
		g_assert_cmpint(h.said, ==, rows[i].said);
}

/* An hour of silence: a packet a second. */
static void keeps_the_path(void)
{
	unsigned n = 0;
	struct hush h;

	hush_init(&h);
	for (unsigned i = 0; i < 3600 * 50; i++)
		n += hush_frame_rt(&h, 1e-9f, 20000) == HUSH_NOISE;
	g_assert_cmpuint(n, >=, 3598);
	g_assert_cmpuint(n, <=, 3600);
	g_assert_cmpuint(h.said, ==, 90);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *path = g_strdup_printf("/hush/%s", rows[i].name);

		g_test_add_data_func(path, GUINT_TO_POINTER(i), row);
		g_free(path);
	}
	g_test_add_func("/hush/keeps-the-path", keeps_the_path);
	return g_test_run();
}
