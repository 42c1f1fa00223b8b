/*
 * oscrecv.h - the receiver of one RTP stream of gestures: what a packet says, and what the lost ones before it said.
 *
 * A state machine without socket or clock, fed with packets and the time; its memory is taken when it is made.
 * Everything in _rt may run on the forward thread, one thread at a time. It keeps the state of its source, which is
 * what a late joiner has to be told.
 *
 * "Handle packets in order of arrival; never wait for a missing packet."
 */
#ifndef OSC_OSCRECV_H
#define OSC_OSCRECV_H

#include "osckeys.h"
#include "kind.h"
#include "oscrtp.h"

enum { OSCRECV_WINDOW = 1024, OSCRECV_REFRESH_MS = 1000, OSCRECV_LATE_MAX_MS = 10000 };

enum oscrecv_cause {
	OSCRECV_LIVE,             /* an element of the packet */
	OSCRECV_STATE,            /* state that a journal or a snapshot told */
	OSCRECV_EVENT,            /* a lost event, not yet too late */
	OSCRECV_VOID,             /* a key no snapshot knows any more: the message is nil */
};

struct oscrecv_note {
	enum oscrecv_cause cause;
	const struct osc_msg *msg;
	enum osc_kind kind;
	uint16_t seq;             /* of the packet at hand */
	uint32_t ts;              /* when it was captured; of OSCRECV_STATE and _VOID: the packet's */
	uint64_t timetag;         /* of its bundle; OSC_NOW for all but OSCRECV_LIVE */
};

/* Called for each message to execute, in order. It lasts until the handler returns; the handler may not call oscrecv.
 * */
typedef void (oscrecv_h)(const struct oscrecv_note *note, void *arg);

struct oscrecv_cfg {
	uint32_t clock_rate;
	uint32_t late_ms;         /* "a recovered event older than this is discarded" */
	size_t   max;             /* longest OSC packet taken; 0: OSC_MAX_DGRAM */
	bool     journal;         /* rec=journal: without, nothing is asked for and nothing is repaired */
	const struct kinds *kinds;    /* what the source declared; must outlive the receiver; NULL: nothing */
	unsigned keys_max;        /* 0: OSCKEYS_SOURCE_MAX */
	size_t   bytes_max;       /* 0: OSCKEYS_SOURCE_BYTES */
	uint64_t seed;
	oscrecv_h *h;
	void *arg;
};

struct oscrecv_stats {
	uint64_t packets;         /* taken */
	uint64_t malformed, duplicate, old, jumped;
	uint64_t lost;            /* numbers missing when a later one came, also those that came after all */
	uint64_t states, events;  /* repaired */
	uint64_t late;            /* lost events told too late */
	uint64_t unstored;        /* state executed that the full table could not keep: error 7 */
};

struct oscrecv;

int  oscrecv_alloc(struct oscrecv **rp, const struct oscrecv_cfg *cfg);

/* A packet of the stream, its RTP header read. EBADMSG: malformed, dropped whole; EALREADY: a duplicate, or too old
 * to tell; EPROTO: its number is out of all order; it is taken if the next one follows it. */
int  oscrecv_packet_rt(struct oscrecv *r, const struct rtp_pkt *pkt, uint64_t now_us);

/* Another stream of the same source begins: its numbers mean nothing beside those before, what is known stays known. */
void oscrecv_anew_rt(struct oscrecv *r);
/* What was declared, and who is told, from now on. */
void oscrecv_change_rt(struct oscrecv *r, const struct kinds *kinds, void *arg);

/* Is it time to ask the sender for its state (PLI, or /_gest/refresh)? true once, then not for a second. */
bool oscrecv_refresh_rt(struct oscrecv *r, uint64_t now_us);
/* Something may be missing that no journal will tell. */
bool oscrecv_dirty(const struct oscrecv *r);
/* Highest number received, extended as for a report block; false: none yet. */
bool oscrecv_highest(const struct oscrecv *r, uint32_t *ehsn);

const struct osckeys *oscrecv_state(const struct oscrecv *r);
const struct oscrecv_stats *oscrecv_stats(const struct oscrecv *r);

#endif
