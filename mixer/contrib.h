/*
 * contrib.h - whose sound is in a frame: the CSRC list of a mix (RFC 3550) and its levels (RFC 6465). Pure, no allocation.
 *
 * One list for each length of frame that somebody wants lists for, filled tick by tick: a listener with frames of 20 ms is
 * told of all that were heard in these 20 ms, and the loudest moment of each. The list is made once, however many listen.
 */
#ifndef MIXER_CONTRIB_H
#define MIXER_CONTRIB_H

#include "rtp.h"

enum {
	CONTRIB_KEEP = RTP_CSRC_MAX + 1,  /* who is in the list itself leaves itself out, and still sees as many others */
	CONTRIB_FRAMES = 8,               /* lengths in one room; a ninth gets no list */
	CONTRIB_EXT = 1 + RTP_CSRC_MAX,   /* bytes of the extension: id and length, then a level each */
};

struct contrib_src { uint64_t member; uint32_t ssrc; uint8_t dbov; };       /* member: only for skiph */

struct contrib_frame {
	uint32_t n48;                     /* its length in samples at 48 kHz */
	uint64_t number;                  /* of frames of this length since the zero of the sample count */
	unsigned n;
	struct contrib_src src[CONTRIB_KEEP];     /* the loudest first */
};

struct contrib {
	unsigned n;
	struct contrib_frame frame[CONTRIB_FRAMES];
};

/* The lengths wanted from now on, each once; lists of those that were wanted before are kept as they stand. */
void contrib_want_rt(struct contrib *c, const uint32_t *n48, unsigned n);

/* A tick begins at this sample; then each source that is heard in it, at most 127 - dbov over silence. */
void contrib_tick_rt(struct contrib *c, uint64_t pos);
void contrib_add_rt(struct contrib *c, struct contrib_src src);

typedef bool (contrib_skip_h)(uint64_t member, void *arg);

struct contrib_to {                       /* a listener */
	uint32_t n48;
	uint32_t own;                     /* SSRC of its packets */
	uint8_t id;                       /* of the extension, 1 to 14 */
	contrib_skip_h *skiph;            /* does it not hear that one? NULL: it hears all */
	void *arg;
};

/* Into the header of its next packet. ext is room that must live as long as pkt. Nobody heard, or no such list: pkt stays
 * as it was. */
void contrib_write_rt(const struct contrib *c, struct rtp_pkt *pkt, uint8_t ext[CONTRIB_EXT], const struct contrib_to *to);

#endif
