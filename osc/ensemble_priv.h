/*
 * ensemble_priv.h - between ensemble.c (who hears whom), ensemble_in.c (what comes) and ensemble_tell.c (what the house says).
 */
#ifndef OSC_ENSEMBLE_PRIV_H
#define OSC_ENSEMBLE_PRIV_H

#include "ensemble.h"

/* Kinds of OSC, the best first: 8.6. */
enum { ENSEMBLE_OSC_KINDS = 4 };
extern const enum gestline_kind ensemble_osc_kinds[ENSEMBLE_OSC_KINDS];

/* It may send. */
bool ensemble_speaks_rt(const struct line_rt *l);
/* When this player will have been silent for too long; UINT64_MAX: it will not. */
uint64_t ensemble_silent_at_rt(const struct player_rt *p);
void ensemble_away_rt(struct player_rt *p, uint64_t now_us);
/* A player's own time: what waited at its uplink, and its silence. */
uint64_t ensemble_player_due_rt(struct ticker *t);
void ensemble_player_tick_rt(struct ticker *t, uint64_t now_us);
/* What a party may say under /_gest/; counts what came of it. */
void ensemble_control_rt(struct line_rt *l, const struct osc_msg *msg, uint64_t now_us);
void ensemble_count_rt(struct player_rt *p, const struct gesture *g, unsigned n);
/* ensemble_end.c: what comes in where there are no others; state that had to wait for its turn. */
void ensemble_end_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);
void ensemble_end_held_rt(struct player_rt *p, const struct osc_msg *msg, uint64_t now_us);
/* A control message to one player, if it takes OSC. */
void ensemble_tell_gest_rt(struct player_rt *p, const struct gest *g, uint64_t now_us);

#endif
