/*
 * sip.h - transports of the SIP stack: one libre stack per local address, a guard in front of each, requests by method.
 *
 * libre picks the first transport of a type and family when it sends, so every local address gets a `struct sip` of its
 * own (UDP, TCP, TLS); replies go out where the request came in, requests of our own through the stack whose address
 * the kernel would use towards the peer. A wildcard address is expanded to the machine's addresses.
 *
 * The guard (sipguard.c) sees every datagram before libre does: what libre would drop in silence gets the 400 RFC 3261
 * wants, floods are cut, and libre never sees a message it mishandles. After libre's decoder the checks of RFC 3261 8.2
 * that hold for every method run in one place (sip_check.c): 405, 420, 416, 415, 406, 400, 501.
 *
 * Control thread only.
 */
#ifndef SERVER_SIP_H
#define SERVER_SIP_H

#include <re.h>

struct sips;                              /* all stacks of this server */

struct sips_conf {
	const char *listen;               /* "udp:127.0.0.1:5060 tcp:... tls:[::1]:5061"; port 0: the kernel chooses */
	const char *external;             /* address for Contact and SDP towards the outside; "" or NULL: none */
	const char *tls_cert;             /* PEM with certificate and key; a client needs none */
	const char *tls_peer;             /* a client's: its server must show a good certificate of this name or address; NULL: any */
	const char *tls_ca;               /* file with who may have signed that; NULL: the system's */
	bool client;                      /* TLS without a certificate of its own */
	const char *software;             /* Server: / User-Agent: */
	uint32_t invite_rate;             /* new INVITEs a second per source address; 0: no limit */
	uint32_t request_rate;            /* other out-of-dialog requests a second per source address */
};

/* One handler per method for requests outside the session layer; returns true when it answered. */
typedef bool (sips_request_h)(const struct sip_msg *msg, void *arg);

/* EINVAL: a word of `listen` cannot be read; other errors come from the sockets. mem_deref ends it. */
int  sips_alloc(struct sips **sp, const struct sips_conf *conf);
/* Handlers are asked in the order they came. method NULL: every request and every stray response (the session layer). */
int  sips_handle(struct sips *s, const char *method, sips_request_h *h, void *arg);
void sips_forget(struct sips *s, const void *arg);       /* every handler with this arg; not from inside a handler */
/* Pending client transactions end with ECONNABORTED, no further handler is called. mem_deref follows. Sessions and
 * other users of `s` are freed before it. */
void sips_close(struct sips *s);

/* The stack a message came in on, and the one to use towards a peer. dst may be NULL or without address (a name not yet
 * looked up): the first stack with that transport whose address is not loopback. EPROTONOSUPPORT: there is none. */
struct sip *sips_of(const struct sips *s, const struct sip_msg *msg);
bool sips_has(const struct sips *s, const struct sip *sip);        /* false after sips_close */
int  sips_towards(const struct sips *s, struct sip **sip, enum sip_transp tp, const struct sa *dst);
/* The address to write into Contact and SDP for a peer: external outside, own address inside. tp NONE: no port. */
int  sips_public(const struct sips *s, struct sa *addr, enum sip_transp tp, const struct sa *local, const struct sa *peer);
/* "<sip:USER@host:port;transport=tcp>;isfocus" into buf. */
int  sips_contact(const struct sips *s, char *buf, size_t size, const char *user, bool isfocus, enum sip_transp tp,
		  const struct sa *local, const struct sa *peer);
void sips_print(const struct sips *s, void (*h)(const char *uri_host, void *arg), void *arg);    /* addresses to dial */
/* The listening address of the nth transport (tests listen on port 0). ENOENT after the last. */
int  sips_listener(const struct sips *s, size_t n, enum sip_transp *tp, struct sa *addr);
const char *sips_software(const struct sips *s);
const char *sips_tls_problem(const struct sips *s);      /* why a certificate was not good, in words; NULL: none was bad */

struct sips_stats { uint64_t requests, bad, limited, responses[7]; };
void sips_stats(const struct sips *s, struct sips_stats *st);
/* All answers go out through these two, so that they are counted. Same contract as sip_treplyf/sip_replyf, except that
 * msg finds the stack; `stp` may be NULL for a final answer. hdrs: header lines, and a body after the Content-Length
 * and empty line; NULL: no body. */
int  sips_reply(const struct sips *s, struct sip_strans **stp, struct mbuf **mbp, const struct sip_msg *msg, bool rec_route,
		uint16_t scode, const char *reason, const struct mbuf *hdrs);
int  sips_vreplyf(const struct sips *s, struct sip_strans **stp, const struct sip_msg *msg, uint16_t scode,
		  const char *reason, const char *fmt, va_list ap);
int  sips_replyf(const struct sips *s, const struct sip_msg *msg, uint16_t scode, const char *reason, const char *hdrs, ...);

/* Called with every final answer other than 2xx to an INVITE outside a dialog, before it goes out. h NULL: nobody. */
typedef void (sips_refused_h)(const struct sip_msg *invite, uint16_t scode, const char *reason, void *arg);
void sips_watch(struct sips *s, sips_refused_h *h, void *arg);

/* Headers every answer of ours shares. */
extern const char sip_allow[];            /* "INVITE, ACK, ..." exactly what is handled */
extern const char sip_allow_events[];     /* "conference, refer" */
extern const char sip_supported[];        /* "100rel, timer, replaces, join, ..." exactly what is done */
extern const char sip_accept[];           /* "application/sdp, multipart/mixed, ..." */

uint16_t sip_errno_to_status(int err, const char **reason);
/* Does a comma-separated header (Supported, Require, Allow) of the message name the token? */
bool sip_msg_names(const struct sip_msg *msg, enum sip_hdrid id, const char *token);
/* A parameter of a URI or header ("lr", "lr=on", "lr="), with or without a value. */
bool sip_param(const struct pl *params, const char *name, struct pl *val);
bool sip_sa_private(const struct sa *sa);         /* loopback, link local, RFC 1918, RFC 6598, RFC 4193 */

#endif
