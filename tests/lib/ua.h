/*
 * ua.h - a SIP peer made of raw text, for flow tests told like a ladder. It knows just enough to fill in Via, tags, CSeq
 * and Contact; what it sends and what it expects stands in the test.
 *
 *     ua_alloc(&ann, SIP_TRANSP_UDP, &server);
 *     ua_request(ann, "INVITE", NULL, OFFER);
 *     ua_expect(ann, "SIP/2.0 100");
 *     ua_expect(ann, "SIP/2.0 200");
 *     ua_ack(ann, NULL);
 *     ua_request(ann, "BYE", NULL, NULL);
 *     ua_expect(ann, "SIP/2.0 200");
 *
 * ua_expect fails the test and prints the ladder so far when something else comes, or nothing in 40 s (simulated).
 */
#ifndef TESTS_LIB_UA_H
#define TESTS_LIB_UA_H

#include <re.h>

enum { UA_MSG_MAX = 65536 };

struct ua {
	int fd;
	enum sip_transp tp;
	struct sa me, server;
	char to[128];                     /* "sip:room@127.0.0.1:5060": Request-URI and To of new dialogs */
	char target[512];                 /* Request-URI inside a dialog: the peer's Contact */
	char callid[64], ltag[32], rtag[64];
	char peer_from[512];              /* From of the request that called us, for requests of ours inside its dialog */
	char routes[1024];                /* Route lines of our in-dialog requests */
	uint32_t cseq, inv_cseq;
	char branch[64], inv_branch[64];
	char via_extra[128];              /* more Via parameters, e.g. ";rport" */
	char contact[256];                /* Contact value; "" leaves it out */
	char supported[128];              /* Supported and Allow lines of requests */
	bool called;                      /* we were called: our To is their From */
	char msg[UA_MSG_MAX];             /* the message expected last */
	char req[UA_MSG_MAX];             /* the request received last: ua_reply answers it */
	void *ssl_ctx, *ssl;              /* TLS: SSL_CTX, SSL */
	char *rx; size_t rx_len;          /* bytes of a stream, or nothing */
};

int  ua_alloc(struct ua **uap, enum sip_transp tp, const struct sa *server);
/* From another address of this machine, e.g. "127.0.0.2". */
int  ua_alloc_at(struct ua **uap, enum sip_transp tp, const struct sa *server, const char *address);
void ua_tls_max(int version);             /* of TLS peers made from now on, e.g. TLS1_1_VERSION; 0: any */
void ua_new_call(struct ua *ua);          /* fresh Call-ID and tags */

/* hdrs: more header lines with CRLF, may be NULL. body: SDP, may be NULL. Branch, CSeq and Content-Length are filled in;
 * ACK and CANCEL take those of the last INVITE. */
void ua_request(struct ua *ua, const char *method, const char *hdrs, const char *body);
void ua_ack(struct ua *ua, const char *body);             /* of a 2xx, in the dialog */
void ua_ack_failed(struct ua *ua);                        /* of a 3xx..6xx, in the transaction */
void ua_cancel(struct ua *ua);
/* To the request received last (ua->req). Adds our tag and Contact. */
void ua_reply(struct ua *ua, unsigned scode, const char *reason, const char *hdrs, const char *body);
void ua_raw(struct ua *ua, const char *text, size_t len);

/* The next message must begin with prefix. 100 Trying is passed over unless asked for. Returns ua->msg; a To tag, Contact
 * and Record-Route in a response to INVITE or SUBSCRIBE and a From tag in a request are taken over. */
const char *ua_expect(struct ua *ua, const char *prefix);
/* The same with its own patience; NULL when nothing came. */
const char *ua_wait(struct ua *ua, uint32_t timeout_ms);
void ua_expect_none(struct ua *ua, uint32_t ms);
bool ua_has(const struct ua *ua, const char *text);       /* in the message expected last, anywhere */
const char *ua_header(const struct ua *ua, const char *name, char *buf, size_t size);   /* "" when it is not there */
const char *ua_body(const struct ua *ua);

#endif
