/*
 * minphase.c - the minimum-phase filter of a given loudness curve, by its cepstrum.
 *
 * A filter that rings as much before its peak as after it keeps every phase and delays all sound by half its length. An
 * ear does not hear phase, but it waits. Of all filters that let through as much at every frequency, one delays least; its
 * phase is the Hilbert transform of the logarithm of its loudness curve:
 *
 *     taps -> |spectrum| -> log -> to time: the cepstrum, even -> its past folded onto its future -> exp -> taps
 *
 * |spectrum|^2 + floor^2 has no zeros on the unit circle, where the logarithm would have none, and its factor is of exactly
 * as many taps as there were (spectral factorisation: it is a polynomial of the same degree). What is cut off after the
 * n-th tap is only the cepstrum's aliasing, which a transform of 16 times the length makes small against the floor.
 */
#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <re.h>

#include "minphase.h"

enum { OVERSIZE = 8, SIZE_MIN = 256 };

static void swap_bits(double complex *x, size_t n)
{
	for (size_t i = 1, j = 0; i < n; i++) {
		size_t bit = n / 2;

		for (; j & bit; bit /= 2)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			const double complex t = x[i];

			x[i] = x[j];
			x[j] = t;
		}
	}
}

/* In place, n a power of two; turn[k] = exp(-2 pi i k / n), k < n / 2. Not scaled. */
static void fourier(double complex *x, size_t n, const double complex *turn)
{
	swap_bits(x, n);
	for (size_t half = 1; half < n; half *= 2) {
		const size_t step = n / (2 * half);

		for (size_t at = 0; at < n; at += 2 * half)
			for (size_t k = 0; k < half; k++) {
				double complex *lo = x + at + k, *hi = lo + half;
				const double complex t = *hi * turn[k * step];

				*hi = *lo - t;
				*lo += t;
			}
	}
}

static void turns(double complex *turn, size_t n)
{
	for (size_t k = 0; k < n / 2; k++)
		turn[k] = cexp(-2.0 * M_PI * I * (double)k / (double)n);
}

/* Spectrum to the logarithm of its loudness, a real and even function. */
static void log_loudness(double complex *x, size_t n, double floor)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 0.5 * log(creal(x[i]) * creal(x[i]) + cimag(x[i]) * cimag(x[i]) + floor * floor);
}

/* The cepstrum of what has no past; x comes unscaled from the transform. */
static void fold(double complex *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const double side = i == 0 || i == n / 2 ? 1.0 : i < n / 2 ? 2.0 : 0.0;

		x[i] = side * creal(x[i]) / (double)n;
	}
}

/* For the transform back of a spectrum whose taps are real: conjugates make it the transform forth. */
static void exp_conj(double complex *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = conj(cexp(x[i]));
}

int minphase(double *tap, size_t n, double floor)
{
	double complex *x, *turn;
	size_t size = SIZE_MIN;

	while (size < OVERSIZE * n)
		size *= 2;
	x = mem_zalloc((size + size / 2) * sizeof(*x), NULL);
	if (!x)
		return ENOMEM;

	turn = x + size;
	turns(turn, size);
	for (size_t i = 0; i < n; i++)
		x[i] = tap[i];
	fourier(x, size, turn);
	log_loudness(x, size, floor);
	fourier(x, size, turn);           /* even: forth is back */
	fold(x, size);
	fourier(x, size, turn);
	exp_conj(x, size);
	fourier(x, size, turn);
	for (size_t i = 0; i < n; i++)
		tap[i] = creal(x[i]) / (double)size;
	mem_deref(x);
	return 0;
}
