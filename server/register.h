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

int  trunk_alloc(struct trunk **tp, struct sips *sips, const struct trunk_conf *conf);   /* starts at once */
bool trunk_up(const struct trunk *t);
const char *trunk_name(const struct trunk *t);
/* Does a message come from this trunk (its resolved addresses)? */
bool trunk_is_peer(const struct trunk *t, const struct sa *src);
void trunk_stop(struct trunk *t);                 /* un-REGISTER; then deref */

#endif
