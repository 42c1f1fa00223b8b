/*
 * callkeys.h - the keys of a call's sound, wherever they come from: in the descriptions, or agreed on by the two ends
 * with DTLS. It gives the leg what was agreed on, with the keys when there are any.
 *
 * Owner: a call, of the server or of a client; it ends this before its leg. Control thread. No handler is called from
 * inside callkeys_alloc or callkeys_follow, nor after mem_deref.
 */
#ifndef SERVER_CALLKEYS_H
#define SERVER_CALLKEYS_H

#include "mixer/dtlskey.h"
#include "mixer/mixer.h"

struct callkeys;
struct offer;

struct callkeys_conf {
	struct leg *leg;
	struct dtlscert *cert;            /* NULL: no keys by DTLS; a reference is held */
	void (*readyh)(void *arg);        /* keys by DTLS are there: sound comes and goes from now on */
	/* There will be none: no sound ever. The leg is left silent. `why` is a static text. */
	void (*failedh)(const char *why, void *arg);
	void *arg;
};

int  callkeys_alloc(struct callkeys **kp, const struct callkeys_conf *conf);
/* What is agreed on by now, and with `desc` into the leg: keys that were agreed on by DTLS stay as long as it is the
 * same association. Errors of leg_set_desc. */
int  callkeys_follow(struct callkeys *k, const struct offer *o, const struct leg_desc *desc);
void callkeys_take(struct callkeys *k);           /* on LEG_EVENT_DTLS */
bool callkeys_waiting(const struct callkeys *k);  /* for keys by DTLS */

enum leg_keys callkeys_how(const struct callkeys *k);     /* as it is agreed on; DTLS may still be waiting */

#endif
