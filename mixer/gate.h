/*
 * gate.h - the decode gate: which packets of a voice are worth decoding. A value; media thread only.
 */
#ifndef MIXER_GATE_H
#define MIXER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_KEEP = 3, GATE_BYTES = 320 };

struct gate_packet { uint16_t len; uint8_t buf[GATE_BYTES]; };

struct gate {
	bool     open, known;     /* known: it has seen a packet */
	float    floor, low;      /* the lowest energy of the last one to two seconds; and of the second that runs */
	uint32_t window_us, quiet_us;
	uint8_t  n, first;        /* kept, and where the oldest is */
	struct gate_packet kept[GATE_KEEP];
};

/* The i-th of those kept, the oldest first. */
static inline const struct gate_packet *gate_kept(const struct gate *g, int i)
{
	return &g->kept[(g->first + i) % GATE_KEEP];
}

/* A packet of so much energy (mean square) and length: is the gate open for it? */
bool gate_update_rt(struct gate *g, float energy, uint32_t us);

/* A packet that is not decoded now, but may have to be when the next one is loud. false: too long to be kept. */
bool gate_keep_rt(struct gate *g, const uint8_t *payload, size_t len);

#endif
