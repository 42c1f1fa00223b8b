/*
 * format.h - one format of a sound line: payload type number to codec, and back to a=rtpmap and a=fmtp.
 */
#ifndef SERVER_FORMAT_H
#define SERVER_FORMAT_H

#include <re.h>
#include "mixer/mixer.h"
#include "offer.h"
#include "sdesc.h"

enum { FORMAT_MAX = 24, FORMAT_PREFS_MAX = 24 };

enum format_what {
	FORMAT_NONE,
	FORMAT_SOUND,             /* codec is set */
	FORMAT_EVENT,             /* telephone-event (RFC 4733) */
	FORMAT_NOISE,             /* CN (RFC 3389) */
	FORMAT_RED,               /* redundant audio (RFC 2198) */
	FORMAT_FOREIGN,           /* nothing we speak, or not allowed */
};

struct format {
	enum format_what what;
	const struct codec *codec;
	uint32_t clock;
	uint8_t  channels;        /* as in rtpmap; opus always 2 */
	uint8_t  inner;           /* FORMAT_RED: what its fmtp names, by our number */
	uint8_t  rx_pt, tx_pt;    /* ours: what the peer sends to us; theirs: what we send */
};

/* What conf.codecs allows, in its order. channels 0: any the codec has. */
struct format_prefs {
	struct { const struct codec *codec; uint32_t clock; uint8_t channels; } pref[FORMAT_PREFS_MAX];
	size_t n;
	bool red;                 /* conf.red */
};

/* "opus G722, L16/48000/2". Unknown names are passed over, and what no datagram holds; EINVAL when nothing is left. */
int  format_prefs_read(struct format_prefs *p, const char *codecs);
struct format format_of_pref(const struct format_prefs *p, size_t i);     /* without numbers, for our offer */

/* A format of an m-line. Both numbers become the one written there. Never fails: FORMAT_FOREIGN. */
void format_read(struct format *f, const struct format_prefs *prefs, const struct sdesc_media *m, const struct pl *fmt);
bool format_same(const struct format *a, const struct format *b);        /* all but the numbers */
/* Redundancy of frames of this length is of use: two fit into a datagram. And can there be such frames? */
bool format_redundant(const struct format *f, uint32_t us);
bool format_may_repeat(const struct format *f, bool music);
/* How many older frames in a packet the fmtp of a redundant format says, each in the codec `inner`; 0: not that codec. Without
 * fmtp it is one. */
uint8_t format_red_gens(const struct sdesc_media *m, uint8_t red_pt, uint8_t inner);
bool format_red_inner(uint8_t *inner, const struct sdesc_media *m, uint8_t red_pt);      /* the first its fmtp names */
int  format_print(struct mbuf *mb, const struct format *f, const struct offer_conf *conf);

/* a=ptime of a line in microseconds, also "2.5" and "1.333"; 0: none, or nonsense. And how it is written before `first`. */
uint32_t format_ptime_us(const struct sdesc_media *m);
int  format_print_ptime(struct mbuf *mb, const struct format *first, uint32_t us);

/* What to tell the encoder for a format of theirs, from its fmtp, a=ptime, a=maxptime and b=AS. */
void format_tx(struct leg_codec *tx, const struct format *f, const struct offer_conf *conf, const struct sdesc_media *m);
/* What we promised to decode. */
void format_rx(struct leg_codec *rx, const struct format *f, const struct offer_conf *conf);

#endif
