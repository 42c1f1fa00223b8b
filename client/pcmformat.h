/*
 * pcmformat.h - a card's samples to float and back: little-endian octets, whatever machine this is.
 *
 * Full scale is 1.0 both ways; what is louder is cut. Integers that were read are written back as they were.
 */
#ifndef CLIENT_PCMFORMAT_H
#define CLIENT_PCMFORMAT_H

#include <stddef.h>
#include <stdint.h>

struct pcmformat {
	const char *name;         /* ALSA's: "S32_LE" */
	size_t size;              /* octets of a sample */
	void (*read_rt)(float *out, const uint8_t *in, size_t n);
	void (*write_rt)(uint8_t *out, const float *in, size_t n);
};

/* The best first; NULL after the last. */
const struct pcmformat *pcmformat_at(size_t i);

#endif
