/*
 * offer.h - SDP offer and answer (RFC 3264) to struct leg_desc and back, over immutable values.
 *
 * One struct offer per dialog holds the agreed state. A step (their offer read and answered, or our offer and their
 * answer) makes a NEW state beside the old one; offer_commit puts it in force, offer_rollback forgets it. So a refused
 * re-INVITE leaves the session exactly as it was. m-lines keep their order for ever; a line we do not know gets port 0.
 */
#ifndef SERVER_OFFER_H
#define SERVER_OFFER_H

#include <re.h>
#include "mixer/mixer.h"

struct offer;

enum offer_srtp { OFFER_SRTP_OFF, OFFER_SRTP_OPTIONAL, OFFER_SRTP_REQUIRED };

struct offer_conf {
	struct sa media;                  /* address and port of our leg, as the peer must see it (external address) */
	const char *codecs;               /* order of preference, "opus G722 PCMU PCMA L16/48000/2 L16/48000 ..." */
	bool     music;                   /* profile music: Opus low-delay stereo, small ptime allowed */
	enum offer_srtp srtp;
	bool     secure_signalling;       /* came over TLS: SDES keys may be offered */
	uint32_t ptime_ms;                /* what we like to send, 20 */
	const char *session_name;
	bool     answer_stereo;
};

int  offer_alloc(struct offer **op, const struct offer_conf *conf);

/* Their offer in, our answer out; pending until commit. EBADMSG -> 400 (why says it), ENOTSUP no common medium -> 488,
 * EPROTO an offer is pending -> 491/500. */
int  offer_answer(struct offer *o, struct mbuf **answer, const char **why, const void *body, size_t len);
/* Our offer out (INVITE without offer, re-INVITE by us, dial-out); pending. Repeats all lines of the agreed state. */
int  offer_make(struct offer *o, struct mbuf **offer);
/* Their answer to our pending offer. */
int  offer_accept(struct offer *o, const char **why, const void *body, size_t len);
void offer_commit(struct offer *o);
void offer_rollback(struct offer *o);
bool offer_pending(const struct offer *o);
bool offer_agreed(const struct offer *o);                 /* at least one exchange is in force */

/* The body last sent in the agreed state, for a repeat (e.g. 2xx to a session refresh without SDP needs none). */
void offer_set_hold(struct offer *o, bool hold);          /* our next offer: sendonly */
/* The sound stream of the agreed state (or of the pending one while it is only offered/answered). ENOENT: no audio. */
int  offer_leg(const struct offer *o, bool pending, struct leg_desc *desc);
bool offer_peer_holds(const struct offer *o);             /* agreed: the peer does not want to hear us, or c=0.0.0.0 */

#endif
