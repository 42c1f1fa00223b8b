/*
 * register.h - REGISTER as a client towards trunks, with refresh and OPTIONS keep-alive.
 */
#ifndef SERVER_REGISTER_H
#define SERVER_REGISTER_H

#include <re.h>
#include "sip.h"

struct trunk;

struct trunk_conf {
	const char *name;
	const char *uri;                  /* "sip:provider.example" registrar and peer */
	const char *user, *password, *realm;
	uint32_t expires_s;               /* 0: no REGISTER, only a peer */
	uint32_t keepalive_s;             /* OPTIONS; 0: none */
};

/* Starts at once. EINVAL: no SIP URI, or expires_s without a user. Control thread; ends before the sips it was given. */
int  trunk_alloc(struct trunk **tp, struct sips *sips, const struct trunk_conf *conf);
/* Registered (when it registers) and the last OPTIONS was answered (when there are any). */
bool trunk_up(const struct trunk *t);
/* Does a message come from this trunk: the address in its URI, or what that resolved to when we sent the last
 * requests? (A trunk given by name that neither registers nor keeps alive is never resolved, and so never
 * recognised.) */
bool trunk_is_peer(const struct trunk *t, const struct sa *src);
/* Un-REGISTER; then deref. The last exchange lives on by itself until it is answered or sips_close. */
void trunk_stop(struct trunk *t);

#endif
