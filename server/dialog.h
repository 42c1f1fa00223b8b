/*
 * dialog.h - one SIP dialog (RFC 3261 12), and requests inside it on libre's client transactions.
 *
 * libre's own sip_dialog knows neither strict routes, nor the connection a request came in on, nor which of our addresses
 * to send from; hence this. A request (struct dreq) answers a digest challenge itself when the dialog has credentials,
 * and falls back from a closed connection to the peer's Contact. Control thread only.
 */
#ifndef SERVER_DIALOG_H
#define SERVER_DIALOG_H

#include "sip.h"

/* One Authorization or Proxy-Authorization line, CRLF included, for the challenge; an errno where the challenge is not
 * for the realm whose credentials the owner holds. */
typedef int (dialog_auth_h)(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri,
			    void *arg);

enum { DIALOG_ROUTES_MAX = 16 };

struct dialog {
	struct sips *sips;
	struct sip *sip;                  /* the stack of the last message, or the one chosen */
	enum sip_transp tp;
	struct sa laddr, peer;            /* of the last message; unset before */
	char *callid, *ltag, *rtag;       /* rtag NULL: not known yet */
	char *local, *remote;             /* From and To of our requests, with tags */
	char *target;                     /* the peer's Contact URI */
	char *routes[DIALOG_ROUTES_MAX];  /* "<sip:p1;lr>" in the order to send */
	size_t n_routes;
	char *user;                       /* of our Contact */
	bool isfocus;
	bool reuse;                       /* send over the connection (or to the NAT) the peer's requests come from */
	bool secure;                      /* sips */
	uint32_t lseq, rseq;
	bool rseq_set;
	dialog_auth_h *authh;
	void *auth_arg;
	struct sa auth_peer;              /* who may challenge us: whoever answered our first request */
};

/* From a request that makes a dialog; our tag is msg->tag, as libre's replies write it. EBADMSG: no usable Contact. */
int  dialog_accept(struct dialog **dp, struct sips *sips, const struct sip_msg *msg, const char *user, bool isfocus);
int  dialog_make(struct dialog **dp, struct sips *sips, const char *uri, const char *from_uri, const char *from_name,
		 const char *user, bool isfocus, const char *route);
/* From a response to our first request: tag, route set, target. May be called again for the 2xx: the route set is then
 * taken from it (RFC 3261 13.2.2.4). */
int  dialog_answered(struct dialog *d, const struct sip_msg *msg);
/* Another dialog made by the same request (fork). */
int  dialog_fork(struct dialog **dp, const struct dialog *d, const struct sip_msg *msg);
/* A target refresh request or its 2xx. EBADMSG. */
int  dialog_target(struct dialog *d, const struct sip_msg *msg);
/* A request came: false when its CSeq is out of order (500). */
bool dialog_seq(struct dialog *d, const struct sip_msg *msg);
bool dialog_is(const struct dialog *d, const struct pl *callid, const struct pl *ltag, const struct pl *rtag);

/* Our Contact in a message from src to dst; sips where the dialog is (RFC 3261 12.1.1). */
int  dialog_contact(const struct dialog *d, char *buf, size_t size, enum sip_transp tp, const struct sa *src,
		    const struct sa *dst);

/* Will a request inside it go over TCP or TLS? */
bool dialog_over_stream(const struct dialog *d);

struct dreq;
/* hdrs: headers and body with Content-Length; NULL: none; the buffer is shared, leave it unchanged. *rp (may be NULL) is set to NULL when the
 * request ends; h is called for each provisional and once for the end. */
int  dialog_request(struct dreq **rp, struct dialog *d, const char *method, const struct mbuf *hdrs, sip_resp_h *h, void *arg);
void dreq_cancel(struct dreq *r);         /* INVITE: CANCEL as soon as allowed; h is still called */
void dreq_forget(struct dreq *r);         /* h is not called any more; the request lives on till it ends */
/* The ACK of a 2xx; a new transaction, sent once. hdrs as above, may be NULL. */
int  dialog_ack(struct dialog *d, uint32_t cseq, const struct mbuf *hdrs);

#endif
