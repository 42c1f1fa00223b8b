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
enum bridge_answer bridge_say_program(struct bridge_out *out, unsigned channel, unsigned program, bool bank,
	unsigned msb, unsigned lsb);
/* An end of a note: as a map has it, or by `release`. */
enum bridge_answer bridge_say_off(struct bridge_out *out, unsigned channel, unsigned num, unsigned release);
/* What an address under /midi/ is about. */
bool bridge_address(struct osctarget *t, const struct osc_msg *msg);
/* What a parameter has been set to; false: nobody has said, as far as is remembered. p may be NULL. */
bool bridge_param_value(unsigned *value, const struct midi_param *p);

#endif
