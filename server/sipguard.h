/*
 * sipguard.h - a look at the raw text of a SIP message before libre decodes it.
 *
 * libre drops what it cannot read in silence, and some malformed messages it reads wrongly. Here they get the answer
 * that RFC 3261 wants, built from the raw text. Pure functions, bounded by the size of the message.
 */
#ifndef SERVER_SIPGUARD_H
#define SERVER_SIPGUARD_H

#include <re.h>

enum sipguard_act {
	SIPGUARD_PASS,            /* libre may have it; only the first `len` bytes belong to the message */
	SIPGUARD_DROP,            /* no answer: not SIP, a bad response, a bad ACK */
	SIPGUARD_REPLY,           /* answer with scode and reason */
};

struct sipguard {
	enum sipguard_act act;
	uint16_t scode;
	const char *reason;       /* static text that names the fault */
	size_t len;
};

/* stream: the message came over TCP or TLS, `len` ends with its body. */
void sipguard_check(struct sipguard *g, const char *text, size_t len, bool stream);

/* The answer to a request that cannot be decoded: Via, From, To, Call-ID and CSeq are copied as they stand. EBADMSG:
 * there is nothing to send it back by. */
int  sipguard_reply(struct mbuf *mb, const char *text, size_t len, const struct sa *src, const struct sipguard *g,
		    const char *software);

#endif
