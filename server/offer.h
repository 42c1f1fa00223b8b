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
#include "osc/gestline.h"
#include "mixer/dtlskey.h"

struct offer;

/* How keys of our own offers are agreed on. In answers the peer's offer decides. */
enum offer_keying { OFFER_KEYING_SDES, OFFER_KEYING_DTLS };

/* OFF: RTP/SAVP is refused. OPTIONAL: taken when offered, also a=crypto or a=fingerprint on RTP/AVP; our own offers are plain.
 * REQUIRED: nothing without a key, our own offers are RTP/SAVP, or UDP/TLS/RTP/SAVP. */
enum offer_srtp { OFFER_SRTP_OFF, OFFER_SRTP_OPTIONAL, OFFER_SRTP_REQUIRED };

/* Lines of gestures beside the sound. */
struct offer_gest_conf {
	uint8_t  takes;                   /* a bit for each enum gestline_kind that is taken when offered */
	uint8_t  offers;                  /* those of our own first offer, alternatives of one another (GALT) */
	size_t   mtu;                     /* of an RTP payload */
	size_t   stream_max;              /* longest OSC packet of a stream */
	uint32_t rate;                    /* messages a second that we take from a line */
	const char *fingerprint;          /* of our certificate, "sha-256 AB:CD.."; NULL: no TLS */
	/* A line of this kind may come into being: its port (the same each time), and what the peer is called here, who wished to
	 * be called so ("": did not). 0 or an errno: then there is no such line. */
	int  (*open)(struct sa *local, char name[VIEW_NAME_MAX + 1], enum gestline_kind kind, const char *wish, void *arg);
	/* Which of its claims are granted, a bit each; NULL: it has none any more. */
	uint32_t (*claims)(struct gestspace *s, void *arg);
	void *arg;
};

struct offer_conf {
	struct sa media;                  /* address and port of our leg, as the peer must see it (external address) */
	/* What is allowed, "opus G722 PCMU PCMA L16/48000/2 L16/48000": NAME (any clock), NAME/CLOCK (mono) or
	 * NAME/CLOCK/CHANNELS. Its order rules our offers; in an answer the peer's order does. */
	const char *codecs;
	bool     music;                   /* profile music: Opus low-delay stereo, small ptime allowed */
	enum offer_srtp srtp;
	enum offer_keying keying;
	/* Of our certificate for media, "sha-256 AB:CD.."; NULL: no keys by DTLS. It must live as long as the offer. */
	const char *dtls_fingerprint;
	struct sa source;                 /* from where their signalling comes (port ignored); unset: not known */
	uint32_t ptime_us;                /* what we like to send and get, 20000; 1333 are 64 samples, 3000 means 2500 in music */
	bool     srtp_offered;            /* with OPTIONAL: keys in our own offers on RTP/AVP, for whoever can */
	const char *session_name;
	bool     comfort_noise;           /* silence goes as comfort noise to who offers CN (voice, codecs at 8 kHz) */
	bool     answer_stereo;           /* Opus: we hear and speak stereo when the peer does */
	bool     levels;                  /* levels in the header, of one and of many (RFC 6464, 6465) */
	bool     red;                     /* redundant audio (RFC 2198) is taken and offered */
	struct offer_gest_conf gest;      /* open NULL: lines of gestures are refused */
};

/* conf is copied. EINVAL: no codec known, no ptime, no media address with a port. */
int  offer_alloc(struct offer **op, const struct offer_conf *conf);

/* Their offer in, our answer out (the caller's mbuf, pos 0); pending until commit. EBADMSG -> 400, ENOTSUP no common
 * medium -> 488 (why tells, a static text), EPROTO an exchange is pending -> 491/500. On error nothing has changed. */
int  offer_answer(struct offer *o, struct mbuf **answer, const char **why, const void *body, size_t len);
/* Our offer out (INVITE without offer, re-INVITE by us, dial-out); pending. Repeats all lines of the agreed state, with
 * every codec we allow, the one in use first. EPROTO: an exchange is pending. */
int  offer_make(struct offer *o, struct mbuf **offer);
/* Their answer to our pending offer. On error (as above) our offer is still pending: roll it back. In a session that was
 * agreed before, an answer may refuse the sound: then offer_leg gives ENOENT. */
int  offer_accept(struct offer *o, const char **why, const void *body, size_t len);
void offer_commit(struct offer *o);                       /* does nothing while our offer has no answer */
void offer_rollback(struct offer *o);
bool offer_pending(const struct offer *o);
bool offer_agreed(const struct offer *o);                 /* at least one exchange is in force */

/* Before the first exchange: the frames, the stereo and the codec settings of music. */
void offer_set_music(struct offer *o, bool music);
void offer_set_hold(struct offer *o, bool hold);          /* our next offer and answers: we do not want to hear them */
/* The sound stream of the agreed state, or of the pending one (while our offer has no answer: what we are ready to hear,
 * without rtp and tx). ENOENT: no audio. `source` is left unset: the caller knows where signalling comes from. While the
 * peer holds with c=0.0.0.0, rtp is where it was before, or unset. */
int  offer_leg(const struct offer *o, bool pending, struct leg_desc *desc);
/* How the keys of that stream come; not on: as offer_leg says. ENOENT as there. */
int  offer_dtls(const struct offer *o, bool pending, struct dtlskey_peer *peer);
bool offer_peer_holds(const struct offer *o);             /* agreed: the peer does not want to hear us, or c=0.0.0.0 */

/* The line of gestures of that kind in the agreed state; NULL: none. Belongs to the state. The mark is another when it has changed. */
enum { OFFER_MARK = 32 };
const struct gestline *offer_gestline(const struct offer *o, enum gestline_kind kind, uint8_t mark[OFFER_MARK]);
/* The answer to our offer took what it could not: another offer is due, which puts that right. */
bool offer_wants_again(const struct offer *o);

/* Does who wrote this description come to make music? Its first codec is uncompressed stereo at 48 kHz, or it wants frames
 * of 5 ms or less. */
bool offer_is_music(const void *body, size_t len);

#endif
