/*
 * bridge_priv.h - between the files of the bridge.
 */
#ifndef OSC_BRIDGE_PRIV_H
#define OSC_BRIDGE_PRIV_H

#include "bridge.h"

/* One message being written. */
struct bridge_out {
	const struct bridge_taker *to;
	uint8_t *buf;
	size_t   room, *len;
};

enum bridge_answer bridge_say(struct bridge_out *out, const struct osctarget *t, unsigned value);
/* What an address under /midi/ is about. */
bool bridge_address(struct osctarget *t, const struct osc_msg *msg);

#endif
