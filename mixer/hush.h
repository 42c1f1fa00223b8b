/*
 * hush.h - silence sent as comfort noise (RFC 3389): which frames of a mix are sound, which a word about the noise, which
 * nothing. A value; media thread only.
 */
#ifndef MIXER_HUSH_H
#define MIXER_HUSH_H

#include <stdbool.h>
#include <stdint.h>

enum hush_frame {
	HUSH_SOUND,               /* to be encoded */
	HUSH_NOISE,               /* a CN packet of hush.said */
	HUSH_NOTHING,
};

struct hush {
	uint32_t silent_us, since_us;     /* how long silent; since the last CN packet */
	float    energy;          /* of the silence, smoothed */
	uint8_t  said;            /* -dBov in the last CN packet */
	enum hush_frame now;      /* the last answer */
};

void hush_init(struct hush *h);
/* A frame of so much energy (mean square) and length. */
enum hush_frame hush_frame_rt(struct hush *h, float energy, uint32_t us);

#endif
