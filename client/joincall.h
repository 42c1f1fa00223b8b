/*
 * joincall.h - our seat in a room: one SIP call that comes back by itself, with its sound on a leg and its gestures on
 * a player.
 *
 *     joincall > session (server/session.h) > offer (server/offer.h) > leg (mixer/mixer.h), player (osc/relay.h)
 *
 * Control thread. It calls, or with `answer` waits to be called; when the line dies (the network changed, the server
 * was restarted, nothing was heard for a while) it calls again, at first at once and then less and less often, with the
 * same identity, so that it gets its old seat.
 */
#ifndef CLIENT_JOINCALL_H
#define CLIENT_JOINCALL_H

#include <re.h>
#include "mixer/mixer.h"
#include "osc/relay.h"

struct joincall;

struct joincall_conf {
	const char *uri;          /* sip:band@host, sips:..., band@host; NULL with answer */
	bool     answer;          /* waits for calls instead */
	const char *listen;       /* "udp:0.0.0.0:5060 ..."; "": one of each kind, on a port the kernel chooses */
	const char *name;         /* shown to others, and the wish for our name among the players */
	uint32_t number;          /* by which a room knows us again if we have no account (identity.h); 0: drawn */
	const char *user, *password;      /* of the account; NULL: none */
	const char *proxy;        /* outbound, or NULL */
	const char *codecs;       /* as offer_conf.codecs; "": by the distance */
	uint32_t ptime_us;        /* 1333, 2500, 5000 ... */
	unsigned channels;        /* 1 or 2 */
	int      srtp;            /* enum offer_srtp */
	int      srtp_keys;       /* enum offer_keying, of our own calls */
	bool     red;
	bool     gestures;        /* a line of OSC is offered */
	bool     tls_verify;      /* the server's certificate must be good */
	const char *tls_ca;       /* file; NULL: the system's */
	uint32_t silence_ms;      /* without a packet: the line is dead; 0: 5000 */
	struct mixer *mixer;
	struct bus *bus;          /* where the leg plays */
	struct relay *relay;      /* NULL: no gestures */
	struct ensemble *ensemble;
	player_house_h *gesth;    /* what comes on the line of gestures, with gest_arg */
	void    *gest_arg;
	uint32_t jitter_ms;       /* with what our buffer begins, before it finds its size */
};

enum joincall_state {
	JOINCALL_IDLE, JOINCALL_CALLING, JOINCALL_RINGING, JOINCALL_UP,
	JOINCALL_WAITING,         /* to call again */
	JOINCALL_OVER,
};

/* Also when nothing but a detail has changed. why: for people, "" where there is nothing to say. */
typedef void (joincall_h)(enum joincall_state st, const char *why, void *arg);

int  joincall_alloc(struct joincall **cp, const struct joincall_conf *conf, joincall_h *h, void *arg);
int  joincall_start(struct joincall *c);          /* calls, or is ready to be called */
void joincall_hangup(struct joincall *c);         /* for good: BYE; OVER is told when it is done */

enum joincall_state joincall_state(const struct joincall *c);
struct leg *joincall_leg(const struct joincall *c);               /* NULL: none now */
struct player *joincall_player(const struct joincall *c);         /* NULL: none now */

struct joincall_info {
	char     peer[256], codec[16], transport[8];
	uint32_t ptime_us;
	unsigned channels;
	bool     srtp, red, gestures, focus;      /* focus: a conference, not another tutti-join */
	char     keys[8];                         /* "none", "sdes", "dtls" */
	uint32_t again_s;                         /* WAITING: in how many seconds; */
	unsigned tries;                           /* how often it was tried since it was last up */
	uint16_t scode;           /* OVER: the answer that says no for good; 503: a bad certificate; 0: by BYE, or by ourselves */
	uint64_t up_ms;                           /* since it has been up, unix time */
};
void joincall_info(const struct joincall *c, struct joincall_info *i);

/* A listening address (tests, --answer). ENOENT after the last. */
int  joincall_listener(const struct joincall *c, size_t n, enum sip_transp *tp, struct sa *addr);

#endif
