/*
 * appledoor.h - one pair of AppleMIDI ports on the forward thread: packets to the sessions, and who came and went to the control
 * thread. Private to osc/.
 *
 *      socket > appledoor > applepeers (who is it?)  > answers
 *                        `> line_apple (its RTP)     > ensemble
 *
 * A proven session is told upwards as news; the control thread makes a player and a line for it, which attaches itself. RTP that
 * comes before is dropped, as if lost: the journal of the next packet says it.
 */
#ifndef OSC_APPLEDOOR_H
#define OSC_APPLEDOOR_H

#include "applepeers.h"
#include "ensemble.h"

struct appledoor;
struct line_apple;

/* Who came (in) or went. session counts those of a slot. */
struct apple_news {
	bool     in;
	unsigned slot;
	uint32_t session;
	struct sa from;
	char     name[APPLEMIDI_NAME_MAX + 1];    /* as the peer wrote it */
};
typedef void (appledoor_news_h)(const struct apple_news *news, void *arg);

/* ---- control thread ---- */

/* Its sockets are open, the port's number is told. EADDRINUSE. conf->port_min and port_max are the pair; of peers->arg, an object of
 * libre's, a reference is kept. */
int  appledoor_alloc(struct appledoor **dp, struct forward *f, const struct relay_conf *conf, const struct sa *local,
	const struct applepeers_conf *peers, appledoor_news_h *newsh, void *arg);
/* To be found by the handles of a test's wire. */
struct line_port *appledoor_port(struct appledoor *d);
/* The house has no place for it. */
void appledoor_dismiss(struct appledoor *d, unsigned slot, uint32_t session);
/* BY to all; no news after that. */
void appledoor_end(struct appledoor *d);

struct appledoor_stats { uint64_t malformed, stranger, refused, ignored, proven; };
void appledoor_stats(const struct appledoor *d, struct appledoor_stats *s);

/* ---- forward thread ---- */

/* false: that session is over already. */
bool appledoor_attach_rt(struct appledoor *d, unsigned slot, uint32_t session, struct line_apple *l);
/* The line ends, and with it the session: BY. */
void appledoor_detach_rt(struct appledoor *d, unsigned slot, struct line_apple *l);
void appledoor_send_rt(struct appledoor *d, unsigned slot, const uint8_t *buf, size_t len);
void appledoor_feedback_rt(struct appledoor *d, unsigned slot, uint16_t seq);
const struct applepeer *appledoor_peer_rt(const struct appledoor *d, unsigned slot);

#endif
