/*
 * login.h - may who sends this be a player? The first message of a client that has no SIP, judged. Pure, one thread.
 *
 *      /tutti/login ,s secret            or ,ss secret name       or ,ssi secret name port
 *                   ,sss secret name view                         or ,ssis secret name port view
 *
 * `port`: of the same host, where it wants to hear; without it, where it sends from. `view`: prefix or flat, as in a=osc-view; without
 * it prefix. From an address of the list anything valid will do, and the secret is not looked at.
 */
#ifndef OSC_LOGIN_H
#define OSC_LOGIN_H

#include "addrlist.h"
#include "views.h"

enum {
	LOGIN_SOURCES = 256,      /* whose wrong secrets are remembered */
	LOGIN_WRONG   = 5,        /* so many, and then for */
	LOGIN_MUTE_MS = 60000,    /* it is not listened to */
};

struct logins {
	const char *secret;       /* borrowed; "" or NULL: nobody comes in by one */
	const struct addrlist *list;
	struct {
		struct sa addr;
		unsigned  wrong;
		uint64_t  last_ms;
	} source[LOGIN_SOURCES];
};

enum login_verdict {
	LOGIN_NOTHING,            /* not worth an answer, nor a line in the log */
	LOGIN_IN,
	LOGIN_REFUSED,            /* a wrong secret */
	LOGIN_MUTED,              /* the last of too many wrong ones: from now on LOGIN_NOTHING for a minute */
};

struct login {
	char     name[VIEW_NAME_MAX + 1];         /* a name to wish for; "": none, or none that may be one */
	uint16_t port;                            /* 0: the one it sends from */
	enum osc_view view;                       /* VIEW_PREFIX or VIEW_FLAT */
	bool     said;                            /* it was a login, not a gesture already */
};

/* A datagram, or a packet of a stream, that comes from nobody we know. */
enum login_verdict login_judge(struct login *login, struct logins *l, const struct sa *from, const uint8_t *pkt, size_t len,
			       uint64_t now_ms);

bool login_is(const struct osc_msg *msg);         /* /tutti/login */
bool login_is_bye(const struct osc_msg *msg);     /* /tutti/logout */

#endif
