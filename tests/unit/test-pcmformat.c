/*
 * test-pcmformat.c - a card's samples to float and back: every integer survives, what is too loud is cut.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <glib.h>
#include "client/pcmformat.h"

static const struct pcmformat *format(const char *name)
{
	for (size_t i = 0; pcmformat_at(i); i++)
		if (!strcmp(pcmformat_at(i)->name, name))
			return pcmformat_at(i);
	g_error("no format %s", name);
}

static void test_values(void)
{
	static const struct { const char *name; uint8_t raw[4]; float smp; } row[] = {
		{"S16_LE",   {0x00, 0x00},             0.0f},
		{"S16_LE",   {0x00, 0x40},             0.5f},
		{"S16_LE",   {0x00, 0x80},            -1.0f},
		{"S16_LE",   {0x01, 0x00},             0x1p-15f},
		{"S24_3LE",  {0x00, 0x00, 0x40},       0.5f},
		{"S24_3LE",  {0xff, 0xff, 0xff},      -0x1p-23f},
		{"S24_3LE",  {0x00, 0x00, 0x80},      -1.0f},
		{"S32_LE",   {0x00, 0x00, 0x00, 0xc0}, -0.5f},
		{"S32_LE",   {0x00, 0x01, 0x00, 0x00}, 0x1p-23f},
		{"FLOAT_LE", {0x00, 0x00, 0x80, 0x3f}, 1.0f},
		{"FLOAT_LE", {0x00, 0x00, 0x40, 0xc0}, -3.0f},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		const struct pcmformat *f = format(row[i].name);
		uint8_t raw[4];
		float smp;

		f->read_rt(&smp, row[i].raw, 1);
		g_assert_true(smp == row[i].smp);
		f->write_rt(raw, &smp, 1);
		g_assert_cmpmem(raw, f->size, row[i].raw, f->size);
	}
}

static void test_all_s16(void)
{
	const struct pcmformat *f = format("S16_LE");
	uint8_t *raw = g_malloc(2 * 65536), *back = g_malloc(2 * 65536);
	float *smp = g_new(float, 65536);

	for (unsigned i = 0; i < 65536; i++) {
		raw[2 * i] = (uint8_t)i;
		raw[2 * i + 1] = (uint8_t)(i >> 8);
	}
	f->read_rt(smp, raw, 65536);
	f->write_rt(back, smp, 65536);
	g_assert_cmpmem(raw, 2 * 65536, back, 2 * 65536);
	g_free(raw);
	g_free(back);
	g_free(smp);
}

static void test_cut(void)
{
	static const float loud[] = {1.0f, 7.5f, -7.5f, INFINITY, -INFINITY};
	static const bool high[] = {true, true, false, true, false};

	for (size_t k = 0; pcmformat_at(k); k++) {
		const struct pcmformat *f = pcmformat_at(k);

		if (!strcmp(f->name, "FLOAT_LE"))
			continue;
		for (size_t i = 0; i < G_N_ELEMENTS(loud); i++) {
			uint8_t raw[4];

			f->write_rt(raw, &loud[i], 1);
			for (size_t o = 0; o < f->size; o++)
				g_assert_cmphex(raw[o], ==, (o == f->size - 1 ? 0x7f : 0xff) ^ (high[i] ? 0 : 0xff));
		}
	}
}

/* A sample that is no number goes to a card of whole numbers as silence. */
static void test_nan(void)
{
	const float nan = NAN;
	uint8_t raw[4];

	for (size_t k = 0; pcmformat_at(k); k++) {
		memset(raw, 0xff, sizeof(raw));
		pcmformat_at(k)->write_rt(raw, &nan, 1);
		if (strcmp(pcmformat_at(k)->name, "FLOAT_LE"))
			g_assert_cmpmem(raw, pcmformat_at(k)->size, "\0\0\0", pcmformat_at(k)->size);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pcmformat/values", test_values);
	g_test_add_func("/pcmformat/all-s16", test_all_s16);
	g_test_add_func("/pcmformat/cut", test_cut);
	g_test_add_func("/pcmformat/nan", test_nan);
	return g_test_run();
}
