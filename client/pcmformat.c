/*
 * pcmformat.c - a card's samples to float and back.
 *
 * One loop for integers of 2, 3 and 4 octets, which the compiler makes three of. A float holds 24 bits, so of 32 the
 * last eight, which no card has, are rounded.
 */
#include <math.h>
#include <string.h>
#include "pcmformat.h"

static inline void read_int(float *out, const uint8_t *in, size_t n, unsigned size)
{
	for (size_t i = 0; i < n; i++, in += size) {
		uint32_t v = 0;

		for (unsigned k = 0; k < size; k++)
			v |= (uint32_t)in[k] << (8 * (4 - size + k));
		out[i] = (float)(int32_t)v * 0x1p-31f;
	}
}

static inline void write_int(uint8_t *out, const float *in, size_t n, unsigned size)
{
	const double full = (double)(1ull << (8 * size - 1));

	for (size_t i = 0; i < n; i++, out += size) {
		const double v = isnan(in[i]) ? 0 : fmin(fmax((double)in[i] * full, -full), full - 1);
		const uint32_t bits = (uint32_t)(int32_t)lrint(v);

		for (unsigned k = 0; k < size; k++)
			out[k] = (uint8_t)(bits >> (8 * k));
	}
}

static void read_s16_rt(float *out, const uint8_t *in, size_t n)  { read_int(out, in, n, 2); }
static void read_s24_rt(float *out, const uint8_t *in, size_t n)  { read_int(out, in, n, 3); }
static void read_s32_rt(float *out, const uint8_t *in, size_t n)  { read_int(out, in, n, 4); }
static void write_s16_rt(uint8_t *out, const float *in, size_t n) { write_int(out, in, n, 2); }
static void write_s24_rt(uint8_t *out, const float *in, size_t n) { write_int(out, in, n, 3); }
static void write_s32_rt(uint8_t *out, const float *in, size_t n) { write_int(out, in, n, 4); }

static void read_float_rt(float *out, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++, in += 4) {
		uint32_t v = 0;

		for (unsigned k = 0; k < 4; k++)
			v |= (uint32_t)in[k] << (8 * k);
		memcpy(&out[i], &v, sizeof(v));
	}
}

static void write_float_rt(uint8_t *out, const float *in, size_t n)
{
	for (size_t i = 0; i < n; i++, out += 4) {
		uint32_t v;

		memcpy(&v, &in[i], sizeof(v));
		for (unsigned k = 0; k < 4; k++)
			out[k] = (uint8_t)(v >> (8 * k));
	}
}

static const struct pcmformat formats[] = {
	{"S32_LE",   4, read_s32_rt,   write_s32_rt},
	{"S24_3LE",  3, read_s24_rt,   write_s24_rt},
	{"FLOAT_LE", 4, read_float_rt, write_float_rt},
	{"S16_LE",   2, read_s16_rt,   write_s16_rt},
};

const struct pcmformat *pcmformat_at(size_t i)
{
	return i < sizeof(formats) / sizeof(*formats) ? &formats[i] : NULL;
}
