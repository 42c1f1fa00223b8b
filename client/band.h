/*
 * band.h - the room as we know it: who is there, how loud, how far away; the beat; words. A model: pure, fed with
 * messages of the house (docs/gestures-control.md) and with what our own engine says, read by screen and JSON.
 */
#ifndef CLIENT_BAND_H
#define CLIENT_BAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "osc/osc.h"

enum { BAND_MAX = 64, BAND_NAME = 32, BAND_TEXT = 120, BAND_TEXTS = 50 };
#define BAND_PAN_SAME 2.0f

/* Microseconds, 0: not known. From one's mouth to another's ear. */
struct band_path { uint32_t total, capture, net_up, buffer, mix, net_down, playback; };

struct band_member {
	char     name[BAND_NAME + 1];
	bool     me, muted, hand, speaking;
	char     role[12];        /* "host", "speaker", "listener"; "": not told */
	float    level_db;        /* -127: silence */
	float    mix_db, mix_pan; /* how we hear it, as we asked for; 0 dB and BAND_PAN_SAME: as all do */
	struct band_path to_me;
	bool     at_least;        /* of to_me something is not known */
	char     section[BAND_NAME + 1];
};

/* Messages and commands of programs and instruments here. bad, lost: not taken from them, not brought to them; late: with align. */
struct band_gest { uint64_t osc_in, osc_out, osc_bad, midi_in, midi_out, midi_lost, held, dropped, late; uint32_t late_us; };

struct band_own {                 /* our end */
	char     room[128], peer[128], state[16], why[BAND_TEXT + 1];
	char     codec[16], driver[16], device[64];
	uint32_t period, ptime_us;
	bool     muted, deaf, hand, click, red;     /* as the room says */
	bool     srtp, gestures;
	char     keys[8];                 /* of SRTP: "none", "sdes", "dtls" */
	float    in_db, out_db, volume_db, gain_db, self_db;
	bool     muted_here, deaf_here;   /* by ourselves, whatever the room says: is heard by nobody, hears nothing */
	uint32_t capture_us, net_us, buffer_us, mix_us, playback_us;
	uint32_t jitter_us, rtt_us, again_s, osc_port;
	float    loss_pct, peer_loss_pct, concealed_min;
	uint64_t up_since_ms;     /* unix time; 0: it is not up */
	uint64_t xruns, concealed, rx_packets, tx_packets;
	struct band_gest gest;
	int      buffer_quanta;   /* of the server's buffer for us; -1: by itself */
	float    buffer_odds[4];  /* concealed frames a minute with 0, 1, 2, 3 quanta; < 0: not known */
};

/* What the other end of a call without a server says of itself, microseconds (direct.h). */
struct band_far { bool told; uint32_t capture, playback, buffer, rtt; };

/* bar: below 0 while it is counted in. */
struct band_beat { bool known, running; int64_t bar; unsigned in_bar, per_bar; uint32_t mbpm; uint64_t at_us; };

/* What we asked for of somebody's loudness and place in our ears; it outlives their going and ours. */
struct band_mix { char name[BAND_NAME + 1]; float db, pan; };

/* nr: of the sender's, by which a line that is told again is known; 0: none. */
struct band_text { uint64_t at_ms; int32_t nr; char from[BAND_NAME + 1]; char text[BAND_TEXT + 1]; };

struct band {
	struct band_own own;
	struct band_beat beat;
	struct band_far far;
	unsigned n;
	struct band_member member[BAND_MAX];      /* in the order they came */
	unsigned n_mix;
	struct band_mix mix[BAND_MAX];
	unsigned n_text, next_text;
	uint64_t texts;           /* ever */
	struct band_text text[BAND_TEXTS];
	bool     recording, locked;
	char     me[BAND_NAME + 1];               /* our name here; "": not known yet */
};

void band_init(struct band *b);
static inline bool band_muted(const struct band *b) { return b->own.muted || b->own.muted_here; }
static inline bool band_deaf(const struct band *b) { return b->own.deaf || b->own.deaf_here; }
/* A message of the house, or words (/p/NAME/text). true: something has changed. */
bool band_hear(struct band *b, const struct osc_msg *msg, uint64_t now_us, uint64_t unix_ms);
/* Of a call without a server: what the other end says to a house that is not there is about itself. */
bool band_hear_peer(struct band *b, const struct osc_msg *msg, uint64_t unix_ms);
/* A line of words; from "": ours. */
void band_say(struct band *b, uint64_t unix_ms, const char *from, const char *text);
/* Comes as one who was told of; NULL: the room is full, or it is no name. */
struct band_member *band_come(struct band *b, const char *name);
void band_set_mix(struct band *b, const char *name, float db, float pan);
/* The ith of what was said, 0 the oldest that is kept. */
const struct band_text *band_text(const struct band *b, unsigned i);
struct band_member *band_find(struct band *b, const char *name);          /* NULL */
/* The room is gone, or another: nobody is there. */
void band_empty(struct band *b);

#endif
