/*
 * session.h - one INVITE dialog, either side of it: the session layer of Tutti, on libre's transactions.
 *
 * What it does: 100rel and PRACK, UPDATE, re-INVITE both ways with 491 back-off, session timers in both roles, 2xx
 * retransmission until ACK, CANCEL, BYE, forked 2xx, requests inside the dialog. What it does not: read SDP (that is
 * asked of the owner through struct session_ops), rooms, sound. Used by the server and by the client.
 *
 * Ownership: the owner holds one reference; after ops->closed the owner derefs (or before it, to hang up: BYE, CANCEL
 * or a final answer is sent as the state demands, and no more ops are called). Control thread only.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <re.h>
#include "sip.h"
#include "dialog.h"

struct session;
struct sessions;                          /* all sessions of one server: finds dialogs, counts, limits */

/* The session description of a request, also inside a multipart body; false: there is none. */
bool session_body(struct pl *body, const struct sip_msg *msg);

/* Bodies are SDP only here; multipart is unpacked below. `why` may be set to a static text for Warning/reason. */
struct session_ops {
	/* The peer offers (INVITE, re-INVITE, UPDATE, PRACK, offer in a 1xx/2xx to our offerless INVITE). Give the answer
	 * in *answer. 0; EBADMSG -> 400; ENOTSUP -> 488; EPROTO -> 491; other -> 500. Nothing is in force yet. */
	int  (*offered)(struct mbuf **answer, const char **why, const void *body, size_t len, void *arg);
	/* We must offer (INVITE came without, or session_modify/session_invite). ENOENT in session_invite: none, the INVITE
	 * goes out without an offer; any other error is returned or ends in 488. */
	int  (*offer)(struct mbuf **offer, void *arg);
	/* The peer answered our offer. */
	int  (*answered)(const char **why, const void *body, size_t len, void *arg);
	/* The exchange is in force / was refused or died: the old state holds. */
	void (*commit)(void *arg);
	void (*rollback)(void *arg);

	void (*progress)(const struct sip_msg *msg, void *arg);           /* outgoing: a 1xx came */
	void (*established)(const struct sip_msg *msg, void *arg);        /* incoming: ACK came; outgoing: 2xx came */
	/* A request inside the dialog that the session layer does not do itself (INFO, REFER, MESSAGE, SUBSCRIBE, NOTIFY).
	 * The owner answers it with sip_treply* and returns true; false: 405 or 501. */
	bool (*request)(struct session *s, const struct sip_msg *msg, void *arg);
	/* It is over: BYE, CANCEL, final error, time-out. scode/reason tell for people ("487 cancelled"); msg may be NULL. */
	void (*closed)(int err, uint16_t scode, const char *reason, const struct sip_msg *msg, void *arg);
};

struct session_conf {
	uint32_t expires_s;               /* our session interval, 1800 */
	uint32_t min_se_s;                /* 90 */
	uint32_t max_sessions;            /* 503 with Retry-After above it */
};

/* A new INVITE (no To tag, or Replaces/Join resolved by the owner). The owner accepts it with session_accept_invite or
 * answers with sips_replyf; it may do so later (e.g. after a 302 look-up). */
typedef void (sessions_invite_h)(const struct sip_msg *msg, void *arg);

int  sessions_alloc(struct sessions **sp, struct sips *sips, const struct session_conf *conf, sessions_invite_h *h, void *arg);
/* The owner derefs its sessions first, then this; what still waits for an ACK or a last answer is dropped. */
void sessions_reconf(struct sessions *s, const struct session_conf *conf);
uint32_t sessions_count(const struct sessions *s);
/* By Call-ID and our tag; from_tag NULL or empty: any. For a Replaces header give its to-tag and from-tag. */
struct session *sessions_find(struct sessions *s, const struct pl *callid, const struct pl *to_tag, const struct pl *from_tag);

/* --- incoming --- */
struct session_in {
	const char *contact_user;         /* user part of our Contact */
	bool isfocus;
	const char *extra;                /* more header lines for 1xx/2xx, each ending in CRLF; may be NULL */
};
/* Makes the dialog and sends nothing but 100. Where the INVITE has an offer ops->offered is called at once; its failure
 * answers the INVITE (400/488/...) and is returned: there is no session then. */
int  session_accept_invite(struct session **sp, struct sessions *ss, const struct sip_msg *msg, const struct session_in *in,
			   const struct session_ops *ops, void *arg);
int  session_ring(struct session *s, uint16_t scode, const char *reason, bool with_sdp);  /* 18x; reliable when the peer can */
int  session_answer(struct session *s);                                                 /* 200 */
int  session_reject(struct session *s, uint16_t scode, const char *reason);             /* then closed is called */

/* --- outgoing --- */
struct session_out {
	const char *uri;                  /* who to call */
	const char *from_uri, *from_name;
	const char *contact_user;
	bool isfocus;
	const char *route;                /* outbound proxy or NULL */
	const char *extra;                /* header lines, e.g. Referred-By, Replaces */
	/* Credentials (auth_answer): asked with the challenge, which must be for their realm. Only challenges from the
	 * address that answered the INVITE come here; a session that came in has none to give. NULL: none. */
	dialog_auth_h *authh; void *auth_arg;
};
int  session_invite(struct session **sp, struct sessions *ss, const struct session_out *out, const struct session_ops *ops, void *arg);

/* --- either --- */
int  session_modify(struct session *s);           /* re-INVITE (or UPDATE when early): calls ops->offer; retries after 491 */
/* A request inside the dialog; resph may be NULL. fmt: headers and body after CSeq, with Content-Length; NULL: no body. It
 * outlives the session: resph is called for the end of it even then, so arg must live as long. */
int  session_request(struct session *s, const char *method, sip_resp_h *resph, void *arg, const char *fmt, ...);
/* BYE, CANCEL or 4xx as the state demands; closed is NOT called; deref follows. reason_hdr: a whole header line for the
 * BYE, "Reason: SIP;cause=200;text=\"...\"\r\n", or NULL. */
void session_hangup(struct session *s, const char *reason_hdr);

const char *session_callid(const struct session *s);
const struct sa *session_peer(const struct session *s);   /* where its messages come from */
enum sip_transp session_transp(const struct session *s);
const char *session_remote_uri(const struct session *s);  /* From (in) or To (out) of the peer */
const char *session_remote_name(const struct session *s);
bool session_established(const struct session *s);        /* a 2xx was sent or received, and it is not over */
bool session_outgoing(const struct session *s);           /* we called */
bool session_heard(const struct session *s);              /* any answer to our INVITE came, if only 100 */

/* A Replaces (RFC 3891) or Join (RFC 3911) header of an INVITE. ENOENT: none; EBADMSG: malformed or several (400). What
 * it does is the owner's matter: sessions_find(callid, to_tag, from_tag), then
 *   none found -> 481; found over already -> 603; early_only and established -> 486; an early one we did not call -> 481. */
struct session_ref { struct pl callid, to_tag, from_tag; bool early_only; };
int  session_replaces(struct session_ref *ref, const struct sip_msg *msg);
int  session_join(struct session_ref *ref, const struct sip_msg *msg);
/* The answer RFC 3891 3 wants for `ref`: 0 and *s, or a status (481, 486) with *reason. */
uint16_t sessions_replaced(struct sessions *ss, struct session **s, const char **reason, const struct session_ref *ref);
struct sip *session_sip(const struct session *s);
/* Its dialog, for another usage of it (RFC 5057): a reference to it outlives the session. */
struct dialog *session_dialog(const struct session *s);

#endif
