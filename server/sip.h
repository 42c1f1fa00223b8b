/*
 * sip.h - transports of the SIP stack: one libre stack per local address, a guard in front of each, requests by method.
 *
 * libre picks the first transport of a type and family when it sends, so every local address gets a `struct sip` of its
 * own (UDP, TCP, TLS); replies go out where the request came in, requests of our own through the stack whose address
 * the kernel would use towards the peer. A wildcard address is expanded to the machine's addresses.
 *
 * The guard (sipguard.c) sees every datagram before libre does: what libre would drop in silence gets the 400 RFC 3261
 * wants, floods are cut, and libre never sees a message it mishandles. After libre's decoder the checks of RFC 3261 8.2
 * that hold for every method run in one place (sip_check): 405, 420, 416, 415, 400, 505, 483, 482.
 */
#ifndef SERVER_SIP_H
#define SERVER_SIP_H

#include <re.h>

struct sips;                              /* all stacks of this server */
struct sip_end { struct sip *sip; struct sa laddr; };     /* one of them; see sips_end_for */

struct sips_conf {
	const char *listen;               /* "udp:127.0.0.1:5060 tcp:... tls:[::1]:5061" */
	const char *external;             /* address for Contact and SDP towards the outside; "" none */
	const char *tls_cert;             /* PEM with certificate and key */
	const char *software;             /* Server: / User-Agent: */
	uint32_t invite_rate;             /* new INVITEs a second per source address; 0: no limit */
	uint32_t request_rate;            /* other out-of-dialog requests a second per source address */
};

/* One handler per method for requests outside the session layer; returns true when it answered. */
typedef bool (sips_request_h)(const struct sip_msg *msg, void *arg);

int  sips_alloc(struct sips **sp, const struct sips_conf *conf);
int  sips_handle(struct sips *s, const char *method, sips_request_h *h, void *arg);
void sips_close(struct sips *s);

/* The stack a message came in on, and the one to use towards a peer. */
struct sip *sips_of(const struct sips *s, const struct sip_msg *msg);
int  sips_towards(const struct sips *s, struct sip **sip, enum sip_transp tp, const struct sa *dst);
/* The address to write into Contact and SDP for a peer: external outside, own address inside. tp NONE: no port. */
int  sips_public(const struct sips *s, struct sa *addr, enum sip_transp tp, const struct sa *local, const struct sa *peer);
/* "<sip:USER@host:port;transport=tcp>;isfocus" into buf. */
int  sips_contact(const struct sips *s, char *buf, size_t size, const char *user, bool isfocus, enum sip_transp tp,
		  const struct sa *local, const struct sa *peer);
void sips_print(const struct sips *s, void (*h)(const char *uri_host, void *arg), void *arg);    /* addresses to dial */

struct sips_stats { uint64_t requests, bad, limited, responses[7]; };
void sips_stats(const struct sips *s, struct sips_stats *st);

/* Headers every answer of ours shares. */
extern const char sip_allow[];            /* "INVITE, ACK, ..." exactly what is handled */
extern const char sip_supported[];        /* "100rel, timer, replaces, join, ..." exactly what is done */
extern const char sip_accept[];           /* "application/sdp, multipart/mixed, ..." */

uint16_t sip_errno_to_status(int err, const char **reason);

#endif
