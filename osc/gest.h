/*
 * gest.h - the control messages under /_gest/, and what a sender is told went wrong.
 *
 * Pure, no allocation. "They are events, are never forwarded and never stored."
 */
#ifndef OSC_GEST_H
#define OSC_GEST_H

#include "osc.h"

enum gest_error {
	GEST_NONE, GEST_MALFORMED, GEST_TOO_BIG, GEST_TYPE, GEST_RESERVED, GEST_OWNER, GEST_RATE, GEST_FULL,
	GEST_UNKNOWN, GEST_NO_MIDI, GEST_ERRORS,
};

enum gest_kind {
	GEST_OTHER,               /* not a control message, or not one anybody may send us: ignored */
	GEST_REFRESH,
	GEST_PING,
	GEST_PONG,
	GEST_JOIN,
	GEST_LEAVE,
	GEST_SNAPSHOT_BEGIN,
	GEST_SNAPSHOT_END,
	GEST_OWNER_OF,
	GEST_ERROR,
	GEST_KINDS,
};

struct gest {
	enum gest_kind kind;
	int32_t  n;               /* of ping and pong; how many messages a snapshot has; code of an error */
	uint64_t now;             /* pong */
	const char *name;         /* of join, leave, snapshot; owner; address of an error */
	const char *text;         /* pattern of an owner; words of an error */
};

/* *len is in: room, out: octets. ENOSPC; EINVAL: nothing that has an address. */
int  gest_write(uint8_t *buf, size_t *len, const struct gest *g);
/* Strings point into the message. GEST_OTHER: wrong tags too. */
void gest_read(struct gest *g, const struct osc_msg *msg);
/* What a party may send: the server takes no other. */
bool gest_from_party(enum gest_kind kind);

/* "At most one `/_gest/error` per code and second." Zeroed by its owner before the first. */
struct gest_said {
	uint64_t next_us[GEST_ERRORS];
};

bool gest_may_say(struct gest_said *s, enum gest_error code, uint64_t now_us);

#endif
