/*
 * oscsend.h - the sender of one RTP stream of gestures: numbers packets and repeats in each what earlier ones may
 * have lost.
 *
 * A state machine without socket or clock: it is told what to send, what was reported and what time it is, and fills
 * packets. All its memory is taken when it is made; everything in _rt may run on the forward thread, one thread at a
 * time.
 *
 * Units: now_us is any clock that only goes forward; ts is the stream's RTP clock; now_ntp the wallclock as time tags
 * have it. OSC packets handed in have been through osc_check and are written as they are: where padding may not be
 * NUL, write them anew first (osc_w_copy does).
 */
#ifndef OSC_OSCSEND_H
#define OSC_OSCSEND_H

#include "osckeys.h"
#include "kind.h"
#include "oscrtp.h"

enum {
	OSCSEND_RED_MAX  = 8,
	OSCSEND_RECEIVERS = 8,
	OSCSEND_MTU_MAX  = 1448,
	OSCSEND_GONE_MS  = 25000, /* "at least 25 s" without a report */
	OSCSEND_GUARD_MAX_MS = 60000,
};

struct oscsend_cfg {
	uint32_t ssrc;
	uint16_t seq;             /* of the first packet */
	uint8_t  pt;
	size_t   mtu;             /* of a payload; 0: OSCRTP_MTU */
	size_t   max;             /* longest OSC packet the receiver takes; 0: as long as fits */
	bool     journal;         /* rec=journal */
	uint8_t  red;             /* in how many following packets an event is told again */
	uint32_t guard_ms;        /* longest silence; 0: no guard packets */
	bool     tt_exec;         /* time tags say when to execute */
	uint32_t clock_rate;      /* with tt_exec: state that has a time tag is told with its time, too; 0: it is not */
	bool     receiver;        /* one is there from the first packet on, whatever its SSRC will be */
	unsigned keys_max;        /* 0: OSCKEYS_SOURCE_MAX */
	size_t   bytes_max;       /* 0: OSCKEYS_SOURCE_BYTES */
	uint64_t seed;            /* secret; see osckeys_alloc */
};

struct oscsend_item {
	const uint8_t *osc;       /* message or bundle */
	size_t   len;
	uint32_t ts;              /* when it was captured */
	const struct kinds *kinds;    /* what its sender declared; NULL: nothing */
	bool     event;           /* whatever it says: it was sent to one only */
};

struct oscsend_time {
	uint64_t us;
	uint64_t ntp;             /* used with tt_exec only */
	uint32_t ts;              /* of packets without items, and with clock_rate */
};

struct oscsend_stats {
	uint64_t packets, guards, snapshots;
	uint64_t partial;         /* packets with less in their journal than was due */
	uint64_t unstored;        /* state messages sent that the full table could not keep: error 7 */
};

struct oscsend;

/* EINVAL: a number out of its bounds. */
int  oscsend_alloc(struct oscsend **sp, const struct oscsend_cfg *cfg);

/* A key whose value was sent to others before this stream began: it comes with the first snapshot. EINVAL: after that has
 * begun; ENOSPC: the table is full. */
int  oscsend_load_rt(struct oscsend *s, const struct osc_msg *msg);

/*
 * The next packet: these items, at most 255, and the journal. *len is in: room, out: octets with RTP header.
 * EMSGSIZE: the items are too long for one packet ("not sent on G2": error 2 if it is only one); EBADMSG: not OSC;
 * ENOSPC: room.
 */
int  oscsend_packet_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_item *item, unsigned n,
		       const struct oscsend_time *now);
/* The same, as a mixer: with the sources that contributed. */
int  oscsend_mixed_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_item *item, unsigned n,
		      const uint32_t *csrc, uint8_t n_csrc, const struct oscsend_time *now);

/* When the stream wants to say something of its own: a snapshot or a guard packet. UINT64_MAX: not before something
 * happens. */
uint64_t oscsend_due_rt(const struct oscsend *s);
/* That packet, when it is due; EAGAIN: it is not. */
int  oscsend_tick_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_time *now);

/* Somebody asked for the state. The first snapshot needs no asking: a stream begins with one. */
void oscsend_snapshot_rt(struct oscsend *s);

/* A report block about this stream: from whom, and the extended highest sequence number in it. */
void oscsend_report_rt(struct oscsend *s, uint32_t receiver, uint32_t ehsn, uint64_t now_us);
/* A receiver that is known without having reported. ENOSPC: too many; it has to live with what the others need. */
int  oscsend_receiver_rt(struct oscsend *s, uint32_t receiver, uint64_t now_us);
void oscsend_bye_rt(struct oscsend *s, uint32_t receiver);

/* Another stream begins in the place of this one, knowing nothing. */
void oscsend_reset_rt(struct oscsend *s, uint32_t ssrc, uint16_t seq);
/* This one goes on under another SSRC (collision): all it knows is told again. */
void oscsend_renumber_rt(struct oscsend *s, uint32_t ssrc);
/* Keys under that prefix ("/p/anna"; "": all) are void, without a word for each: a snapshot follows, until it is reported. */
void oscsend_forget_rt(struct oscsend *s, const char *prefix);
/* What a later offer may change. EINVAL: out of bounds. */
int  oscsend_change_rt(struct oscsend *s, uint8_t pt, size_t max, uint8_t red, uint32_t guard_ms);

const struct osckeys *oscsend_state(const struct oscsend *s);
const struct oscsend_stats *oscsend_stats(const struct oscsend *s);

#endif
