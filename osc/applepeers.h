/*
 * applepeers.h - all AppleMIDI sessions of one pair of ports: packets with addresses go in, packets with addresses come out.
 *
 * An invitation proves nothing: its sender may have written another's address. A session counts (is proven) when the peer has
 * told back a time that was told to that address in a clock exchange; until then nothing is sent but answers, which are few.
 * So this port is no reflector, and who forges addresses pushes out only other invitations, no session.
 *
 * Pure: no socket, no clock, no allocation after applepeers_alloc(). One thread at a time.
 */
#ifndef OSC_APPLEPEERS_H
#define OSC_APPLEPEERS_H

#include <re.h>
#include "applesession.h"

enum {
	APPLEPEERS_MAX     = 64,     /* proven sessions of one port */
	APPLEPEERS_INVITED = 64,     /* that are not proven yet */
	APPLEPEERS_SLOTS   = APPLEPEERS_MAX + APPLEPEERS_INVITED,
};

/* May who has this address come in? */
typedef bool (applepeers_allow_h)(const struct sa *from, void *arg);

struct applepeers_conf {
	uint32_t ssrc;               /* ours, in every session */
	uint64_t secret[2];          /* random */
	char     name[APPLEMIDI_NAME_MAX + 1];
	unsigned max;                /* proven sessions, 1 to APPLEPEERS_MAX */
	unsigned max_per_address;    /* sessions of one IP address; 0: as many as there may be */
	applepeers_allow_h *allow;   /* NULL: everybody; on the thread that calls applepeers_recv */
	void    *arg;
};

/* Read-only outside. */
struct applepeer {
	bool     used, proven;
	struct sa control, data;     /* data: unset before the second invitation */
	uint64_t ahead_us;           /* the clock this peer is shown, less ours */
	uint64_t since_us;
	unsigned wrong;              /* clock packets that told back what was never told */
	struct applesession session;
};

struct applepeers_stats {
	uint64_t malformed, stranger, refused, ignored, pushed_out, proven;
};

/* What to do. Numbers of peers are slots; -1: none. */
struct applepeers_out {
	unsigned n;
	struct {
		struct sa to;
		enum applesession_port port;
		size_t  len;
		uint8_t buf[APPLEMIDI_PACKET_MAX];
	} send[2];
	int  closed;                 /* was proven, is gone; before: */
	int  proven;                 /* is a player from now on */
	int  reported;               /* has had all up to seq */
	int  rtp;                    /* the packet is RTP of this proven peer */
	int  heard;                  /* the packet is of the session of this proven peer */
	uint16_t seq;
};

struct applepeers;

int  applepeers_alloc(struct applepeers **tp, const struct applepeers_conf *conf);

/* A packet that came on one of the two ports. */
void applepeers_recv(struct applepeers *t, struct applepeers_out *out, enum applesession_port port, const struct sa *from,
	const uint8_t *buf, size_t len, uint64_t now_us);

/* When something is due; UINT64_MAX: nothing. Then applepeers_tick, again and again while it says true. */
uint64_t applepeers_due_us(const struct applepeers *t);
bool applepeers_tick(struct applepeers *t, struct applepeers_out *out, uint64_t now_us);

/* Says BY to it. */
void applepeers_close(struct applepeers *t, struct applepeers_out *out, unsigned slot);

/* For a proven peer: up to where all has come. */
void applepeers_feedback(const struct applepeers *t, struct applepeers_out *out, unsigned slot, uint16_t seq);

/* NULL: an empty slot. */
const struct applepeer *applepeers_get(const struct applepeers *t, unsigned slot);
const struct applepeers_stats *applepeers_stats(const struct applepeers *t);

/* The clock the peer was shown, in the unit of RTP timestamps of AppleMIDI (100 us). */
uint32_t applepeer_time(const struct applepeer *p, uint64_t now_us);

#endif
