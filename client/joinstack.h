/*
 * joinstack.h - a SIP stack with the session layer on it, as a call needs it; and the words for where it listens.
 */
#ifndef CLIENT_JOINSTACK_H
#define CLIENT_JOINSTACK_H

#include "server/session.h"
#include "server/sip.h"

enum { JOINSTACK_LISTEN = 256 };

struct joinstack_conf {
	const char *listen;       /* as sips_conf */
	const char *tls_peer;     /* whose certificate must be good; NULL: any will do */
	const char *tls_ca;
	sessions_invite_h *inviteh;
	void *arg;
};

int  joinstack_open(struct sips **sipsp, struct sessions **sessionsp, const struct joinstack_conf *conf);
void joinstack_close(struct sips **sipsp, struct sessions **sessionsp);

/* On the address src, on ports that are free; tp: TLS only where a call goes by it. EINVAL. */
int  joinstack_at(char words[JOINSTACK_LISTEN], const struct sa *src, enum sip_transp tp);
/* On all addresses. */
const char *joinstack_anywhere(void);

#endif
