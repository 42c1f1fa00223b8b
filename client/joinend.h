/*
 * joinend.h - one call of ours, from INVITE to BYE: its session, offer, leg and player. joincall has one after the
 * other.
 *
 * Owner: joincall. mem_deref hangs up. JOINEND_OVER is told once, not from inside one of these functions' calls, and
 * nothing after it.
 */
#ifndef CLIENT_JOINEND_H
#define CLIENT_JOINEND_H

#include "joincall.h"
#include "server/session.h"

struct joinend;

enum joinend_what { JOINEND_RINGING, JOINEND_UP, JOINEND_CHANGED, JOINEND_OVER };

struct joinend_news {
	enum joinend_what what;
	/* OVER */
	bool final;               /* not to be tried again */
	uint32_t wait_ms;         /* before it is tried again, at least */
	uint16_t scode;           /* 0: none */
	const char *why;          /* for people; "": the other side has hung up */
	bool deaf;                /* nothing at all came back: what was sent may still be on its way, again and again */
	const char *moved;        /* URI that it shall call instead, NULL: none */
};
typedef void (joinend_h)(const struct joinend_news *n, void *arg);

struct joinend_conf {
	const struct joincall_conf *call;     /* must live as long */
	struct sips *sips;
	struct sessions *sessions;
	struct sa local;          /* our address; its port is not looked at */
	struct sa source;         /* from where an INVITE came; unset: it is ours */
	struct dtlscert *cert;    /* for keys by DTLS; NULL: none */
	bool near;                /* the peer is on this machine or its network */
	const char *user;         /* of our Contact, */
	const char *peer;         /* and what the player behind the line is called */
	joinend_h *h;
	void *arg;
};

int  joinend_call(struct joinend **ep, const struct joinend_conf *conf, const struct session_out *out);
/* An INVITE that came; it is answered in any case. */
int  joinend_answer(struct joinend **ep, const struct joinend_conf *conf, const struct sip_msg *msg);
/* The line is dead: the other side hears BYE, and OVER is told. */
void joinend_lost(struct joinend *e, const char *why);

struct leg *joinend_leg(const struct joinend *e);
struct player *joinend_player(const struct joinend *e);
void joinend_info(const struct joinend *e, struct joincall_info *i);

#endif
