/*
 * stage.h - an engine without threads, some peers and their legs, and a clock that the test turns.
 */
#ifndef TESTS_LIB_STAGE_H
#define TESTS_LIB_STAGE_H

#include "peer.h"

enum { STAGE_MAX = 32 };

struct member {
	struct peer *peer;
	struct leg *leg;
	struct leg_desc desc;     /* as last set */
	/* events */
	char keys[32];
	unsigned n_latched, n_timeout, n_back, n_bye, n_talking, n_floor, n_said;
	bool talking, floor;
	struct sa latched;
};

struct stage {
	struct mixer *m;
	uint64_t now_us;
	uint32_t step_us;
	struct member *member[STAGE_MAX];
	unsigned n;
	uint32_t timeout_ms;      /* of legs made from now on; as well: */
	uint32_t jitter_min_ms, jitter_start_ms, jitter_music_ms;
	bool jitter_music_fit;
	bool ungated, agc, noise_gate;
};

struct stage *stage_new(uint32_t step_us);
void stage_free(struct stage *s);                         /* ends all that is left */
struct member *stage_member(struct stage *s, const struct peer_conf *conf);      /* a leg that sends to its peer and back */
void stage_remove(struct stage *s, struct member *mb);
void member_set(struct member *mb);                       /* leg_set_desc of its desc */
struct leg_stats member_stats(const struct member *mb);
void stage_step(struct stage *s);                         /* one step of the clock */
void stage_run(struct stage *s, uint32_t ms);
void stage_forget(struct stage *s);                       /* all recordings start anew */

/* What mb hears at hz over the last n_ms, in dB relative to a tone of amplitude `peak`. */
double member_hears_db(const struct member *mb, double hz, double peak, uint32_t n_ms);

#endif
