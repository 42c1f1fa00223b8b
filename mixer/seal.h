/*
 * seal.h - SRTP and SRTCP for one direction: packets sealed before they leave, opened when they come (RFC 3711, 7714).
 *
 * A seal is made on the control thread and used by one media thread. Nothing a stranger sends changes its state: a
 * source gets a place in the table, and the roll-over counter moves, only after the tag has been found true.
 */
#ifndef MIXER_SEAL_H
#define MIXER_SEAL_H

#include "mixer.h"

enum { SEAL_ROOM = 24 };          /* most a packet grows: GCM tag 16 + SRTCP index 4, and 4 to work in */

struct seal;

int seal_alloc(struct seal **sp, const struct leg_key *key);      /* EINVAL: the key does not fit its suite */
bool seal_key_equal(const struct leg_key *a, const struct leg_key *b);

/* *len in and out; size is the room in buf, which must be SEAL_ROOM more than *len (ENOSPC). */
int seal_rtp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size);
int seal_rtcp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size);

/* EBADMSG: too short or no RTP; EACCES: tag is wrong; EALREADY: seen before. buf needs SEAL_ROOM behind *len. */
int seal_open_rtp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size);
int seal_open_rtcp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size);

#endif
