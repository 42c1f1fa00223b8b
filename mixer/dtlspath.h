/*
 * dtlspath.h - the keys of one path, as long as it is there: the association that its descriptions ask for, one after
 * the other, and the keys that came of it.
 *
 * It sees datagrams and gives datagrams, as dtlskey does. Owner: who has the socket. Control thread. No handler is
 * called from inside dtlspath_alloc or dtlspath_follow, nor after mem_deref.
 */
#ifndef MIXER_DTLSPATH_H
#define MIXER_DTLSPATH_H

#include "dtlskey.h"

struct dtlspath;

struct dtlspath_conf {
	struct dtlscert *cert;            /* NULL: no keys by DTLS: failedh says so; a reference is held */
	dtlskey_send_h *sendh;
	void (*readyh)(void *arg);        /* dtlspath_keys gives them */
	dtlskey_failed_h *failedh;        /* there will be none, unless dtlspath_follow begins anew */
	void *arg;
};

int  dtlspath_alloc(struct dtlspath **pp, const struct dtlspath_conf *conf);
/* What is settled by now (not `on`: keys do not come this way), and where the peer is said to be. What is the same
 * association as before stays, with its keys; one that has failed begins anew. */
void dtlspath_follow(struct dtlspath *p, const struct dtlskey_peer *peer, const struct sa *addr);
void dtlspath_take(struct dtlspath *p, const uint8_t *buf, size_t len, const struct sa *from);
bool dtlspath_keys(const struct dtlspath *p, struct leg_key *tx, struct leg_key *rx);     /* false: none; untouched */
bool dtlspath_done(const struct dtlspath *p);             /* there are keys */
bool dtlspath_waiting(const struct dtlspath *p);          /* for keys */

#endif
