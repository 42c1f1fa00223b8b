/*
 * odds.h - how often would sound be missing, if a jitter buffer held this much, or that? Counted, over the last minute.
 *
 * For each packet: by how much it came later than the fastest, and how late it might have come with each choice. What never
 * came is missing with every choice. Private to jitter.c. Pure, no allocation.
 */
#ifndef MIXER_ODDS_H
#define MIXER_ODDS_H

#include <stdbool.h>
#include <stdint.h>

enum { ODDS_CHOICES = 4, ODDS_SPANS = 6 };

struct odds_span { uint32_t due, came, late[ODDS_CHOICES]; };     /* frames */

struct odds {
	uint64_t since_us;        /* of the span that runs */
	unsigned at;
	struct odds_span span[ODDS_SPANS];
};

void odds_clear_rt(struct odds *o);
/* So many frames more have been sent, as their numbers say. */
void odds_due_rt(struct odds *o, uint32_t n, uint64_t now_us);
/* One of them came; with which choices it would have been too late, a bit each. */
void odds_came_rt(struct odds *o, unsigned late);
/* Missing a minute with each choice, for frames of that length; false: too little has been seen. */
bool odds_minute(const struct odds *o, uint32_t frame_us, float missing[ODDS_CHOICES]);

#endif
