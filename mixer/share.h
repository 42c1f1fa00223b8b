/*
 * share.h - encode once: members who hear the same in the same codec send the same payloads. Media thread only.
 */
#ifndef MIXER_SHARE_H
#define MIXER_SHARE_H

#include "leg.h"

/* Once a tick, when the sum is there and nobody has heard it yet: with all, or by itself? */
void share_update_rt(struct bus_rt *b, struct leg_rt *l);
void share_part_rt(struct leg_rt *l);             /* by itself from now on, without a seam */

#endif
