/*
 * direct.h - how far the other end is in a call without a server: from its mouth to our ear, with the parts of that.
 *
 *     mouth  capture  ~way~  our buffer  playback  ear
 *            \_ told _/      \______ ours _______/
 *
 * In a room the server knows both ends and adds them up (control/delay.h); here each end tells the other its own
 * figures on the line of gestures, as it would tell a server, and adds up by itself. Pure.
 */
#ifndef CLIENT_DIRECT_H
#define CLIENT_DIRECT_H

#include "band.h"

/* What our end has measured, in microseconds; 0: not known. */
struct direct_near {
	bool     heard;           /* its sound comes */
	uint32_t frame;           /* the length of its packets */
	uint32_t rtt;             /* there and back again */
	uint32_t buffer, playback;
};

/* Into the one member of the band: to_me and at_least. true: it is otherwise than it was. */
bool direct_measure(struct band *b, const struct direct_near *near);

#endif
