/*
 * applesession.h - one AppleMIDI session, either side, as a state machine: packets and the time go in, packets come out.
 *
 *      initiator                                     listener
 *      IN  control ------------------------------------> OK
 *      IN  data    ------------------------------------> OK       open
 *      CK0 data    ------------------------------------> CK1      again every 10 s; 60 s without: over
 *      CK2 <--------------------------------------------
 *      BY  control ------------------------------------>          or the other way
 *
 * Pure: no socket, no clock, no allocation. Which addresses a packet came from is the caller's to check, before and always.
 */
#ifndef OSC_APPLESESSION_H
#define OSC_APPLESESSION_H

#include "applemidi.h"

enum applesession_port { APPLEMIDI_CONTROL, APPLEMIDI_DATA };

enum applesession_state {
	APPLE_WAITING,               /* a listener nobody has invited */
	APPLE_INVITING_CONTROL,
	APPLE_INVITING_DATA,
	APPLE_HALF,                  /* a listener that has been invited on the control port */
	APPLE_OPEN,
	APPLE_CLOSED,
};

struct applesession_conf {
	bool     initiator;
	uint32_t ssrc;               /* ours */
	uint32_t token;              /* an initiator's: random */
	char     name[APPLEMIDI_NAME_MAX + 1];
};

/* All is read-only outside. */
struct applesession {
	struct applesession_conf conf;
	enum applesession_state state;
	uint32_t peer_ssrc, token;
	char     peer_name[APPLEMIDI_NAME_MAX + 1];
	unsigned tries;
	uint64_t due_us;
	uint64_t heard_us;           /* the last clock packet */
	bool     sent_clock;
	uint64_t clock[2];           /* times we sent and wait to see again */
	unsigned n_clocks;
	bool     has_offset;
	int64_t  offset;             /* the peer's clock less ours, 100 us */
	uint64_t round_trip;         /* of the exchange offset comes from, 100 us */
	uint32_t limit;              /* what the peer asked for, bits a second; 0: nothing */
};

/* What to do: up to two packets, and what has become of the session. */
struct applesession_out {
	unsigned n;
	struct { enum applesession_port port; struct applemidi pkt; } send[2];
	bool opened, closed, refused;
	bool has_seq;
	uint16_t seq;                /* for midi_sender_report() */
};

void applesession_open(struct applesession *s, const struct applesession_conf *conf, uint64_t now_us);

/* EPROTO: the packet does not belong here and now, and changed nothing; an answer may still be in out. */
int  applesession_recv(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	const struct applemidi *pkt, uint64_t now_us);

/* To be called when due_us has come. */
void applesession_tick(struct applesession *s, struct applesession_out *out, uint64_t now_us);

/* Says BY and is closed. */
void applesession_close(struct applesession *s, struct applesession_out *out);

/* A feedback packet to send: up to where all has come. */
struct applemidi applesession_feedback(const struct applesession *s, uint16_t seq);

#endif
