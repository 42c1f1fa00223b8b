/*
 * gcd.h - the greatest number that divides both.
 */
#ifndef MIXER_GCD_H
#define MIXER_GCD_H

#include <stdint.h>

static inline uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		const uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

#endif
