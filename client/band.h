/*
 * band.h - the room as we know it: who is there, how loud, how far away; the beat; words. A model: pure, fed with messages of the
 * house (docs/gestures-control.md) and with what our own engine says, read by screen and JSON.
 */
#ifndef CLIENT_BAND_H
#define CLIENT_BAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "osc/osc.h"

enum { BAND_MAX = 64, BAND_NAME = 32, BAND_TEXT = 120, BAND_TEXTS = 50 };

/* Microseconds, 0: not known. From one's mouth to another's ear. */
struct band_path { uint32_t total, capture, net_up, buffer, mix, net_down, playback; };

struct band_member {
	char     name[BAND_NAME + 1];
	bool     me, muted, hand, speaking, host;
	float    level_db;        /* -127: silence */
	float    mix_db, mix_pan; /* how we hear it, as we asked for */
	struct band_path to_me;
	char     section[BAND_NAME + 1];
};

struct band_own {                 /* our end */
	char     room[128], peer[128], state[16], why[BAND_TEXT + 1];
	char     codec[16], driver[16], device[64];
	uint32_t period, ptime_us;
	bool     muted, deaf, click, srtp, red;
	float    in_db, out_db;
	uint32_t capture_us, net_us, buffer_us, mix_us, playback_us;
	uint32_t jitter_us;
	float    loss_pct, peer_loss_pct, concealed_min;
	uint64_t xruns;
	int      buffer_quanta;   /* of the server's buffer for us; -1: by itself */
	float    buffer_odds[4];  /* concealed frames a minute with 0, 1, 2, 3 quanta; < 0: not known */
};

struct band_beat { bool known, running; uint64_t bar; unsigned in_bar, per_bar; uint32_t mbpm; uint64_t at_us; };

struct band_text { uint64_t at_ms; char from[BAND_NAME + 1]; char text[BAND_TEXT + 1]; };

struct band {
	struct band_own own;
	struct band_beat beat;
	unsigned n;
	struct band_member member[BAND_MAX];      /* in the order they came */
	unsigned n_text, next_text;
	struct band_text text[BAND_TEXTS];
	char     record[16];
	bool     locked;
};

void band_init(struct band *b);
/* A message of the house, or /p/NAME/text. true: something has changed. */
bool band_hear(struct band *b, const struct osc_msg *msg, uint64_t now_us, uint64_t unix_ms);
void band_say(struct band *b, uint64_t unix_ms, const char *from, const char *text);      /* a line of words; from "": ours */
struct band_member *band_find(struct band *b, const char *name);          /* NULL */
/* The room is gone, or another: nobody is there. */
void band_empty(struct band *b);

#endif
