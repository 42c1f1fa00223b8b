/*
 * screen.h - draws the room on a grid of cells of any size. Pure: the same band and the same times give the same
 * picture.
 */
#ifndef CLIENT_SCREEN_H
#define CLIENT_SCREEN_H

#include "band.h"
#include "grid.h"

/* What belongs to who looks, not to the room. */
struct screen_view {
	char     chosen[BAND_NAME + 1];           /* whose loudness the arrows turn; "": nobody's */
	unsigned first;                           /* the uppermost member in view; screen_draw keeps it right */
	bool     help, leaving, typing;
	char     typed[BAND_TEXT + 1];
	uint32_t up_s;                            /* how long the call is up; 0: it is not */
	uint64_t now_us;
	int      utc_off_s;                       /* of the clock on the wall, for the times of messages */
};

void screen_draw(struct grid *g, const struct band *b, struct screen_view *v);
/* Up and down in the list, round its ends. */
void screen_choose(const struct band *b, struct screen_view *v, int step);

#endif
