/*
 * session_impl.h - what the files of the session layer share; nobody else includes it.
 *
 *     session.c        all sessions, finding one, its end, requests inside the dialog
 *     session_in.c     INVITE and re-INVITE that come: answer, 2xx until ACK, CANCEL
 *     session_out.c    INVITE, re-INVITE, UPDATE that go: responses, ACK, forks, 491
 *     session_rel.c    reliable provisional responses, both sides (RFC 3262)
 *     session_timer.c  session timers, both roles (RFC 4028)
 *     session_sdp.c    the offer/answer exchange of the moment (RFC 3264, 6337), replies with bodies
 */
#ifndef SERVER_SESSION_IMPL_H
#define SERVER_SESSION_IMPL_H

#include "control/wheel.h"
#include "session.h"

enum { ENDED_MAX = 1024 };

enum xchg {
	XCHG_NONE,
	XCHG_OURS,                /* our offer is out */
	XCHG_THEIRS,              /* their offer is read, our answer lies in s->answer */
};

struct again {                    /* something sent again and again until it is acknowledged */
	struct tmr tmr;
	struct mbuf *mb;
	struct sip_msg *msg;      /* the request it answers */
	struct sa dst;
	uint32_t delay_ms, spent_ms;
};

struct session {
	struct le le;
	struct sessions *ss;
	struct dialog *dlg;
	const struct session_ops *ops;        /* NULL: the owner has let go */
	void *arg;
	char *extra, *remote_uri, *remote_name;
	bool out;
	bool established;                     /* a 2xx was sent or received */
	bool heard;                           /* an answer to our INVITE came */
	bool told;                            /* ops->established was called */
	bool closed;
	bool leaving;                         /* closed, but a CANCEL or 2xx still waits for its answer: holds itself */
	char *bye_reason;

	enum xchg xchg;
	bool agreed;
	struct mbuf *answer;

	struct sip_strans *st;                /* the INVITE we have not answered yet */
	struct sip_msg *inv;                  /* the last INVITE that came */
	struct again ok;                      /* our 2xx, until its ACK */

	struct dreq *req;                     /* our INVITE, re-INVITE or UPDATE under way */
	struct dreq *upd;                     /* our UPDATE beside an INVITE of ours that is still open */
	unsigned n_forks;
	char *early;                          /* SDP of an unreliable 1xx in our dialog */
	struct mbuf *offer;                   /* its body, to send it again after 422 */
	struct mbuf *ack;                     /* headers and body of the ACK we sent last */
	uint32_t ack_cseq;
	bool acked;                           /* ack_cseq is valid */
	struct tmr tmr_modify;
	bool modify_wanted;

	bool peer_rel, peer_update, peer_timer;
	struct again rel;                     /* our reliable 1xx, until its PRACK */
	uint32_t rseq;                        /* the last we sent */
	bool answer_wanted;                   /* 2xx waits for a PRACK */
	bool ring_wanted, ring_sdp; uint16_t ring_scode; char *ring_reason;
	uint32_t peer_rseq; bool peer_rseq_set;

	uint32_t se_s, min_se_s;              /* agreed session interval, 0: none */
	bool refresh_ours;
	struct wheel_tmr tmr_refresh, tmr_expire;
};

struct sessions {
	struct sips *sips;
	struct hash *ht;
	struct session_conf conf;
	sessions_invite_h *inviteh;
	void *arg;
	uint32_t n;
	uint64_t ended[ENDED_MAX];            /* our tags of dialogs that are over, newest overwrites oldest: RFC 3891's 603 */
	uint32_t n_ended;
};

/* session.c */
int  session_new(struct session **sp, struct sessions *ss, struct dialog *dlg, const struct session_ops *ops, void *arg);
void session_close(struct session *s, int err, uint16_t scode, const char *reason, const struct sip_msg *msg);
void session_bye(struct session *s, const char *reason_hdr);
void session_left(struct session *s);     /* what a leaving session waited for came */
void session_learn(struct session *s, const struct sip_msg *msg);     /* Allow, Supported of the peer */
void again_start(struct again *a, struct mbuf *mb, const struct sip_msg *msg, tmr_h *h, void *arg);
bool again_next(struct again *a, struct session *s, tmr_h *h, uint32_t max_ms);     /* false: 64*T1 are over */
void again_stop(struct again *a);

/* session_sdp.c */
int  sdp_their_offer(struct session *s, const char **why, const struct pl *body);
int  sdp_our_offer(struct session *s, struct mbuf **mb);
int  sdp_their_answer(struct session *s, const char **why, const struct pl *body);
void sdp_commit(struct session *s);
void sdp_rollback(struct session *s);
int  hdrs_body(struct mbuf *mb, const struct mbuf *sdp);              /* Content-Type, Content-Length, body */
int  hdrs_common(struct mbuf *mb, const struct session *s);           /* Allow, Supported, extra */
int  hdrs_contact(struct mbuf *mb, const struct session *s, const struct sip_msg *msg);
int  session_reply_err(struct sessions *ss, struct sip_strans **stp, const struct sip_msg *msg, int err, const char *why);
int  session_reply(struct sessions *ss, struct sip_strans **stp, const struct sip_msg *msg, uint16_t scode,
		   const char *reason, const char *fmt, ...);

/* session_in.c */
void session_invite_in(struct sessions *ss, const struct sip_msg *msg);
void session_reinvite_in(struct session *s, const struct sip_msg *msg);
void session_ack_in(struct session *s, const struct sip_msg *msg);
void session_update_in(struct session *s, const struct sip_msg *msg);

/* session_out.c */
bool session_late_response(struct sessions *ss, const struct sip_msg *msg);
bool session_busy(const struct session *s);
void session_modify_kick(struct session *s);
int  session_send_update(struct session *s, bool with_offer);
int  session_send_reinvite(struct session *s);

/* session_rel.c */
void rel_prack_in(struct session *s, const struct sip_msg *msg);
void rel_response(struct session *s, const struct sip_msg *msg);

/* session_timer.c */
bool timer_check(struct sessions *ss, const struct sip_msg *msg);     /* false: answered 422 */
void timer_as_uas(struct session *s, const struct sip_msg *req);
void timer_as_uac(struct session *s, const struct sip_msg *resp);
bool timer_too_small(struct session *s, const struct sip_msg *resp);  /* 422: true when it is worth a second try */
int  timer_hdrs_reply(struct mbuf *mb, const struct session *s);
int  timer_hdrs_request(struct mbuf *mb, const struct session *s);
void timer_arm(struct session *s);
void timer_stop(struct session *s);

#endif
