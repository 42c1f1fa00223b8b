/*
 * soundcheck.h - tutti-join --check sip:echo@host: how late one's own sound is when it comes back from the server, with
 * each frame length, and what that means for playing together.
 *
 *     chirp > device's thread > card > leg -- server's echo -- leg > card > device's thread > searched for them
 *
 * Control thread; the device (the null one, if no other is wanted) turns an engine of the check's own. It plays no
 * sound and takes none.
 */
#ifndef CLIENT_SOUNDCHECK_H
#define CLIENT_SOUNDCHECK_H

#include "joincall.h"
#include "verdict.h"

struct soundcheck;

struct soundcheck_conf {
	const char *uri;
	const char *name, *user, *password, *proxy, *tls_ca;
	bool     tls_verify;
	int      srtp, srtp_keys; /* enum offer_srtp, enum offer_keying */
	const char *driver, *device;      /* as device_conf; NULL: "null", "" */
	uint32_t period;          /* 0: 64 */
	uint16_t port_min, port_max;      /* of RTP; 0: usual ones */
	double   seconds;         /* of each trial; 0: 10 */
};

struct soundcheck_report {
	struct verdict verdict;
	unsigned n;
	struct verdict_trial trial[VERDICT_TRIALS];
	uint32_t card_us;         /* of the device, both ways */
};

/* Once at the end; r is NULL with an error, of which why tells. The check may be freed in it. */
typedef void (soundcheck_h)(int err, const char *why, const struct soundcheck_report *r, void *arg);
/* On the way, for people: "L16, frames of 1.33 ms". May be NULL. */
typedef void (soundcheck_step_h)(const char *what, void *arg);

/* Strings are the caller's, and must live as long. Begins at once. */
int soundcheck_alloc(struct soundcheck **sp, const struct soundcheck_conf *conf, soundcheck_step_h *steph,
		     soundcheck_h *h, void *arg);

#endif
