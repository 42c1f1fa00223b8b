/*
 * who.h - what a bus's tick tells about its members: who is in the mix, and who has the floor. Media thread only.
 */
#ifndef MIXER_WHO_H
#define MIXER_WHO_H

#include "leg.h"

void who_init(struct bus_rt *b);
void who_join_rt(struct leg_rt *l);                       /* into the bus it is in now */
void who_leave_rt(struct bus_rt *b, struct leg_rt *l);
void who_members_rt(struct bus_rt *b);                    /* some came, went, or have another description */

/* Once a tick: before the first leg has played, behind each, and when all are in the sum. */
void who_begin_rt(struct bus_rt *b);
void who_hear_rt(struct bus_rt *b, struct leg_rt *l);
void who_end_rt(struct bus_rt *b);

/* Who is in the frame that l sends now, if it asked for that, into the header of a packet with a payload of len bytes.
 * ext lives as long as pkt. A packet that would not fit into a datagram with it goes without. */
void who_write_rt(const struct leg_rt *l, struct rtp_pkt *pkt, uint8_t ext[CONTRIB_EXT], size_t len);

#endif
