/*
 * latency.h - what an end knows of its own delay and says of it (/tutti/me/latency). Pure.
 *
 *     mouth  capture  frame  ~~~~ half of rtt ~~~~  buffer  playback  ear
 *            \__ capture __/                        \______ ours _______/
 *
 * A server adds the halves of two ends (control/delay.h). Two ends without one do it themselves (direct.h).
 */
#ifndef CLIENT_LATENCY_H
#define CLIENT_LATENCY_H

#include "mixer/mixer.h"

#define LATENCY_ADDR "/tutti/me/latency"

struct latency {
	uint32_t capture_us;      /* from the air until the packet with that sample leaves */
	uint32_t playback_us;     /* from when it is handed to the card to the air */
	uint32_t buffer_us;       /* from a packet's coming until its first sample is handed to the card */
	uint32_t rtt_us;          /* to the other side and back; 0: not known */
};

/* capture_us, playback_us: the card's (device_info). */
void latency_of(struct latency *l, uint32_t capture_us, uint32_t playback_us, const struct leg_stats *s, uint32_t rtt_us);
/* A delay to our ear, as it is now: told_us of it was our part when it was told. */
uint32_t latency_live(uint32_t total_us, uint32_t told_us, const struct latency *now);
/* Is it worth telling? Less is noise. */
bool latency_differs(const struct latency *a, const struct latency *b);

#endif
