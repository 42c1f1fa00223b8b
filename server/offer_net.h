/*
 * offer_net.h - what an m-line says of addresses and directions, whatever it carries. Private to the kinds of lines.
 */
#ifndef SERVER_OFFER_NET_H
#define SERVER_OFFER_NET_H

#include "offer_line.h"

const char *offer_dir_name(uint8_t dir);          /* of a set of LEG_DIR_* as its owner sees it */
uint8_t offer_dir_flip(uint8_t dir);              /* as the other end sees it */
uint8_t offer_dir_theirs(const struct sdesc *d, const struct sdesc_media *m);    /* as the peer sees it */

/* Where the peer wants it. `before` is kept (may be NULL) while it holds with 0.0.0.0. ENOTSUP, EBADMSG. */
int  offer_net_rtp(struct sa *rtp, const char **why, const struct offer_conf *conf, const struct sa *before,
		   const struct sdesc *d, const struct sdesc_media *m);
void offer_net_rtcp(struct sa *rtcp, const struct sa *rtp, const struct sdesc_media *m);  /* a=rtcp; else untouched */
bool offer_net_held(const struct sdesc *d, const struct sdesc_media *m);                  /* c=0.0.0.0 */

/* RTP/AVP; RTP/SAVP; UDP/TLS/RTP/SAVP: keys by DTLS (RFC 5764 8); each with its F. ENOTSUP: another. */
enum offer_profile { OFFER_PLAIN, OFFER_SECURE, OFFER_BY_DTLS };
int  offer_net_profile(enum offer_profile *profile, const char **why, const struct pl *proto);
const char *offer_net_profile_name(enum offer_profile profile);           /* as our first offer has it */

#endif
