/*
 * access.h - who may come in, who may be dialled, and what a number means: the policy a request meets before it is a
 * command. Accounts, local networks, trunks' DIDs and the dial allow list, all from the configuration.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include <re.h>
#include "config.h"
#include "control/control.h"

struct access;

struct access_who {
	enum role role;
	char account[64];                 /* "" when not authenticated */
	bool local;                       /* comes from this machine or a directly connected network */
	bool trunk;                       /* comes from a configured trunk's address */
};

enum access_verdict {
	ACCESS_OK,
	ACCESS_CHALLENGE,                 /* 401 with access_challenge(); `stale` and `wrong` say why */
	ACCESS_BAD,                       /* 400: credentials nobody could accept */
	ACCESS_FORBIDDEN,                 /* 403 */
};

/* outside: forbidden only because of where it comes from; who knows a PIN may come from there. */
struct access_result { enum access_verdict verdict; bool stale, wrong, outside; struct access_who who; };

int  access_alloc(struct access **ap, const struct config *cfg);
void access_reload(struct access *a, const struct config *cfg);

/* May the sender of this request use the focus at all, and as whom? */
void access_check(struct access *a, struct access_result *res, const struct sip_msg *msg, bool from_trunk);
/* WWW-Authenticate lines into buf. */
int  access_challenge(struct access *a, char *buf, size_t size, const struct sip_msg *msg, bool stale);

bool access_may_dial(const struct access *a, const char *uri);    /* dial.allow; by default nobody */
/* The room behind a number or name of the [did] table; NULL when there is none. */
const char *access_did(const struct access *a, const char *number);
/* May a request for this host be meant for us (an empty sip.domain takes any)? Is it a name we call our own? */
bool access_domain_ours(const struct access *a, const struct pl *host);
bool access_domain_named(const struct access *a, const struct pl *host);

/* `*` matches any run of characters, everything else itself (without case). Linear in the text for each star. */
bool access_glob(const char *pattern, const char *text);

#endif
