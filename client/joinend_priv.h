/*
 * joinend_priv.h - what the two halves of a call share: joinend.c, its dialog, and joinend_media.c, what is agreed on
 * in it.
 */
#ifndef CLIENT_JOINEND_PRIV_H
#define CLIENT_JOINEND_PRIV_H

#include "joinend.h"
#include "server/callkeys.h"
#include "server/offer.h"

struct ping { struct joinend *e; };       /* outlives the call it is about */

struct joinend {
	struct joinend_conf conf;
	struct session *session;
	struct offer *offer;
	struct leg *leg;
	struct callkeys *srtp;            /* it puts what is agreed on into the leg */
	struct player *player;
	struct ping *ping;                /* one that is under way; NULL: none */
	struct tmr tmr_ping, tmr_patience, tmr_over, tmr_again;
	struct sa local;
	char user[128], peer[128], uri[256], moved[256], why[128];
	uint32_t auth_nc, wait_ms;
	uint16_t scode;
	uint64_t up_ms;
	bool told_up;                     /* not before there are keys */
	bool called, rings, up, over, final, focus, line_set;     /* called: the other side did */
	uint8_t mark[OFFER_MARK];
};

/* joinend.c */
void joinend_tell(struct joinend *e, enum joinend_what what);
void joinend_tell_up(struct joinend *e);  /* if it is, and can be heard */

/* joinend_media.c: the leg and the offer engine; then what a session asks of its owner. */
int  joinend_media_open(struct joinend *e);
void joinend_media_close(struct joinend *e);
int  joinend_offered(struct mbuf **answer, const char **why, const void *body, size_t len, void *arg);
int  joinend_offer(struct mbuf **mb, void *arg);
int  joinend_answered(const char **why, const void *body, size_t len, void *arg);
void joinend_commit(void *arg);
void joinend_rollback(void *arg);

#endif
