/*
 * verdict.h - what a sound check found, as figures, in plain words and as JSON. Pure.
 *
 *     mouth > card > us -- up --> server -- down --> them > card > ear       25 ms is where playing together suffers
 *                    us -- up --> echo   -- down --> us                      what is measured
 *
 * So who is as far from the server as we are hears us after the round trip of the echo and two cards; who is farther or
 * nearer, after so much more or less. What is left of the bound, for the way from the server to them, is the answer.
 */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { VERDICT_TRIALS = 8, VERDICT_BOUND_US = 25000, VERDICT_KM_PER_MS = 100 };

struct verdict_trial {                    /* one codec and frame length */
	const char *codec;
	uint32_t frame_us, seconds;
	bool     done;                    /* else: why it was not */
	char     why[100];
	unsigned chirps, heard;
	uint32_t sound_us, sound_min_us, sound_max_us;    /* from mouth to own ear, without the card */
	uint32_t rtt_us;                  /* of the network; 0: not known */
	uint32_t jitter_us;
	uint32_t buffer_us;               /* ours, in the end */
	double   loss_pct, late_pct, peer_loss_pct;
	double   concealed_min;           /* frames a minute that were made up */
	char     srtp;                    /* 'y', 'n' */
};

enum verdict_grade {
	VERDICT_NONE,             /* nothing came back */
	VERDICT_PLAY,             /* in time, with players that are near enough */
	VERDICT_LOOSE,            /* a little late: slow pieces, followed by ear */
	VERDICT_TALK,
	VERDICT_BAD,              /* even talking suffers */
};

struct verdict {
	enum verdict_grade grade;
	int      best;                    /* trial; -1: none */
	bool     holes;                   /* the line loses more than one hears with pleasure */
	bool     shaky;                   /* its jitter is longer than a few frames */
	uint32_t total_us;                /* mouth to ear of who is as far from the server as we are */
	uint32_t reach_us;                /* so far from the server, one way, may others be; with PLAY */
	uint32_t reach_km;
	uint32_t buffer_frames;           /* to begin with */
	char     words[320];
};

/* card_us: from the air into the card's callback and out of it again, both together. */
void verdict_judge(struct verdict *v, const struct verdict_trial *t, unsigned n, uint32_t card_us);
void verdict_print(FILE *f, const struct verdict *v, const struct verdict_trial *t, unsigned n, uint32_t card_us);
void verdict_json(FILE *f, const struct verdict *v, const struct verdict_trial *t, unsigned n,
		  uint32_t card_us);              /* one line */

#endif
