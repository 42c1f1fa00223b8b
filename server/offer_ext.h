/*
 * offer_ext.h - the header extensions of one sound line (a=extmap, RFC 8285) through offers and answers. A value inside
 * the line's part.
 */
#ifndef SERVER_OFFER_EXT_H
#define SERVER_OFFER_EXT_H

#include <re.h>
#include "sdesc.h"

enum offer_ext_kind {
	OFFER_EXT_LEVEL,                  /* how loud the sender of a packet is (RFC 6464): theirs, we read it */
	OFFER_EXT_LEVELS,                 /* how loud each in the mix is (RFC 6465): ours, we send it */
	OFFER_EXT_N,
};

struct offer_ext {
	uint8_t  id[OFFER_EXT_N];         /* 1 to 14 when it has ever been named, else 0; of the line for ever */
	uint16_t taken;                   /* bit n: id n has a meaning on this line, ours or one we do not know */
	uint8_t  on;                      /* bit kind: in our description */
};

/* x is a copy of what the line had before, or zero. None of these can fail: what is odd is passed over. */
void offer_ext_answer(struct offer_ext *x, const struct sdesc *d, const struct sdesc_media *m);
void offer_ext_offer(struct offer_ext *x);
void offer_ext_accept(struct offer_ext *x, const struct offer_ext *offered, const struct sdesc *d,
		      const struct sdesc_media *m);
int  offer_ext_print(struct mbuf *mb, const struct offer_ext *x);
uint8_t offer_ext_id(const struct offer_ext *x, enum offer_ext_kind kind);               /* in use; 0: not */

#endif
