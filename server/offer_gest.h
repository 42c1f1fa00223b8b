/*
 * offer_gest.h - the kinds of m-lines that carry gestures: RTP MIDI, OSC over RTP, UDP, TCP and TLS.
 *
 *      offer_gest        what they have in common: names, views, address spaces, keys, the printing of attributes
 *      offer_gest_midi   m=audio with rtp-midi, or mpeg4-generic with mode=rtp-midi
 *      offer_gest_rtp    m=application with osc/CLOCK
 *      offer_gest_raw    m=application UDP/OSC, TCP/OSC, TCP/TLS/OSC
 *
 * The first part of the file is for offer.c, the rest for the kinds.
 */
#ifndef SERVER_OFFER_GEST_H
#define SERVER_OFFER_GEST_H

#include "offer_keys.h"
#include "offer_line.h"
#include "offer_net.h"

extern const struct offer_kind gest_midi_kind, gest_osc_kind, gest_udp_kind, gest_tcp_kind, gest_tls_kind;

bool gest_is(const struct offer_kind *kind);
const struct offer_kind *gest_kind(enum gestline_kind kind);
/* Of a part of one of these kinds. */
const struct gestline *gest_line(const void *part);
const uint8_t *gest_mark(const void *part);
bool gest_on_rtp(enum gestline_kind kind);
/* The answer accepted it beside one that we like better: we only listen, and our next offer leaves it out. */
void gest_spare(void *part);
bool gest_is_spare(const void *part);
bool gest_is_pair(const void *part);      /* it speaks for the other line of its kind too */

/* --- for the kinds --- */

struct gest {
	struct gestline line;
	struct offer_keys keys;
	struct sa local;
	char     proto[24];
	char     encoding[16];            /* RTP: the name in our rtpmap */
	char     name[VIEW_NAME_MAX + 1];
	uint8_t  dir;                     /* what our description says */
	bool     as, viewed, counted, spaces;     /* b=AS, osc-view, gest-sources, osc-schema are in our description */
	bool     spare;
	bool     existing;                /* streams: a=connection:existing */
	bool     pair;                    /* MIDI: the second of two lines, whose `line` tells of both */
	uint64_t musicport;               /* MIDI: and 1; 0: none */
	uint32_t claims;                  /* granted, a bit for each of line.space->claim */
	char    *fmtp;                    /* MIDI: our parameters; NULL: none */
	bool     offered;                 /* ours, not answered yet: lists of class N stand in it */
	uint8_t  mark[OFFER_MARK];
};

enum { GEST_LEN_MAX = 8192, GEST_FORMATS = 8 };         /* of one attribute's value; payload types looked at */

int  gest_refuse(const char **why, int err, const char *text);
/* A part with the numbers and keys of the one before it (may be NULL). */
int  gest_new(struct gest **gp, enum gestline_kind kind, const struct gest *before);
/* The end of each of the three ways to make one: it is the caller's, or after an error nobody's. Returns the error. */
int  gest_hand_over(void **part, struct gest *g, int err);

/* First half of an answer: may it be at all, transport, direction, keys. */
int  gest_begin(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *before, const struct sdesc *d,
		const struct sdesc_media *m);
/* Second half: what they say of names and addresses, our port, our name. */
int  gest_finish(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc *d, const struct sdesc_media *m);
/* The same for our offers, */
int  gest_offer(struct gest *g, const struct offer_ctx *ctx, const struct gest *before);
/* and for the answers to them. */
int  gest_accept(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *offered, const struct gest *before,
		 const struct sdesc *d, const struct sdesc_media *m);

/* "98 osc/48000/..": the encoding of a payload type. False: none, or more than one. extra: a parameter after the clock. */
bool gest_rtpmap(struct sdesc_rtpmap *map, bool *extra, const struct sdesc_media *m, const struct pl *fmt);
/* The a=fmtp of a payload type, or of "osc" (pt -1). 0: params may be empty; EPROTO: there are two. */
int  gest_fmtp(struct pl *params, const struct sdesc_media *m, int pt);
/* May this payload type ask for the state by RTCP PLI? */
bool gest_has_pli(const struct sdesc_media *m, uint8_t pt);

int  gest_print_as(struct mbuf *mb, const struct gest *g);        /* below m= */
int  gest_print_takes(struct mbuf *mb, size_t max);               /* parameters: version, types, max */
/* What all lines say after their own. ours: in an offer, where lists stand. */
int  gest_print_attrs(struct mbuf *mb, const struct gest *g, bool ours);

#endif
