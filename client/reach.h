/*
 * reach.h - where a call goes: what people write made a SIP URI, the address behind it, our own towards it; and whether
 * and when to try again.
 */
#ifndef CLIENT_REACH_H
#define CLIENT_REACH_H

#include <re.h>

enum { REACH_MAX = 256 };

struct reach {
	char     uri[REACH_MAX];          /* to call */
	char     user[128], host[128];    /* user "": none */
	uint16_t port;                    /* 0: the usual one */
	enum sip_transp tp;               /* SIP_TRANSP_NONE: nothing was said */
	bool     secure;                  /* sips */
	struct sa addr;                   /* of a number; of a name unset, until it is looked up */
};

/* Forgiving: "band@host", "<sip:band@host:5070;transport=tcp>", "sips:band@[::1]", "band@::1", spaces around it.
 * EINVAL. */
int  reach_read(struct reach *r, const char *text);
/* The same with another transport. */
int  reach_uri(char *buf, size_t size, const struct reach *r, enum sip_transp tp);
/* For names that only this machine or its own network knows: "sip:127.0.0.1:5060;transport=tcp;lr". "": not needed. */
int  reach_route(char *buf, size_t size, const struct reach *r, enum sip_transp tp);
/* Is the call to stay on this machine or its network? An address that is not known: no. */
bool reach_near(const struct reach *r);
/* RFC 3261 18.1.1: a request of more than 1300 bytes goes by TCP, and by UDP where nobody takes that. Ours are longer;
 * on one's own network that does not matter. try: 0 for the first. */
enum sip_transp reach_transp(const struct reach *r, unsigned try);

/* The address we have towards dst, as the kernel chooses it. dst unset: towards anybody far away. */
int  reach_source(struct sa *src, const struct sa *dst);

/* The address behind a name, asked for on a thread of its own. mem_deref: nobody wants it any more. Control thread. */
struct reach_lookup;
typedef void (reach_h)(int err, const struct sa *addr, void *arg);
int  reach_lookup(struct reach_lookup **lp, const char *host, reach_h *h, void *arg);

/* "sip:anna-1f2e3d4c@host": who we are to the server, by the account (user; NULL, "": none), else by the name and a
 * number that nobody else has. */
void reach_identity(char buf[REACH_MAX], const char *user, const char *name, uint32_t number, const char *host);

/* How long to wait before the nth try after the line was lost: 0, 1, 2, 4, 8, 15 s ... */
uint32_t reach_wait_ms(unsigned n);
/* A final answer to an INVITE: is it one that will not be another in a minute? */
bool reach_is_final(uint16_t scode);
/* Reason header of a BYE (NULL: none): is it one after which who was sent away should not come back by itself? */
bool reach_bye_is_final(const struct pl *reason);

#endif
