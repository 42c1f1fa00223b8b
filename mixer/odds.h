/*
 * odds.h - how often would sound be missing, if a jitter buffer held this much, or that? Counted, over the last minute.
 *
 * For each packet: by how much it came later than the fastest, and how late it might have come with each choice. What
 * never came is missing with every choice. The steps are finer than the choices, for a buffer that chooses itself.
 * Private to jitter.c. Pure, no allocation.
 */
#ifndef MIXER_ODDS_H
#define MIXER_ODDS_H

#include <stdbool.h>
#include <stdint.h>

enum { ODDS_CHOICES = 4, ODDS_SPANS = 6, ODDS_STEPS = 12 };

struct odds_span {                /* frames */
	uint32_t due, came, late[ODDS_CHOICES];
	uint32_t wants[ODDS_STEPS + 1];   /* would have been in time with so many steps held, but not with one less */
};

struct odds {
	uint64_t since_us;        /* of the span that runs */
	unsigned at;
	struct odds_span span[ODDS_SPANS];
};

void odds_clear_rt(struct odds *o);
/* So many frames more have been sent, as their numbers say. */
void odds_due_rt(struct odds *o, uint32_t n, uint64_t now_us);
/* One of them came; with which choices it would have been too late, a bit each; and with how many steps in time. */
void odds_came_rt(struct odds *o, unsigned late, unsigned steps);
/* The least number of steps with which no more than `a_minute` frames were missing in the last minute that more steps
 * would have saved; -1: too little has been seen. */
int  odds_steps(const struct odds *o, uint32_t frame_us, uint32_t a_minute);
/* Missing a minute with each choice, for frames of that length; false: too little has been seen. */
bool odds_minute(const struct odds *o, uint32_t frame_us, float missing[ODDS_CHOICES]);

#endif
