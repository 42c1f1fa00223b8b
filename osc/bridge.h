/*
 * bridge.h - a gesture of one kind as one of the other: OSC messages as MIDI commands, MIDI commands as OSC messages.
 *
 *      /midi/1/note/60 ,i 100   <->   90 3c 64          the address space urn:x-gest:midi:1
 *      /synth/gain ,f 0.5       <->   b0 07 40          where a=osc-map says so
 *
 * One message or command at a time, without delay. Pure, no allocation, any thread. All that has to be remembered of a
 * MIDI source is its struct midi_state, of an OSC source its struct osckeys.
 */
#ifndef OSC_BRIDGE_H
#define OSC_BRIDGE_H

#include "midi_state.h"
#include "osckeys.h"
#include "oscmap.h"

enum {
	BRIDGE_CMDS_MAX = 6,      /* a parameter: four for number and value, two for the null number */
	/* Room that is enough for each message: an address, 101 tags and arguments, or the longest SysEx. */
	BRIDGE_OSC_MAX  = OSC_ADDR_MAX + 1 + 8 + MIDI_SYSEX_MAX + 8,
};

enum bridge_answer {
	BRIDGE_SAID,
	BRIDGE_SILENT,            /* understood, and there is nothing to say: Active Sense, NaN, a lone N */
	BRIDGE_UNKNOWN,           /* GEST_NO_MIDI: neither the map nor the address space has it */
	BRIDGE_TYPE,              /* GEST_TYPE: the receiver takes no tag it could be told with */
	BRIDGE_BIG,               /* GEST_TOO_BIG: a SysEx longer than is passed on, a message longer than is taken */
};

/* ---- OSC to MIDI (section 12.3) ---- */

/* Bodies point into the message. */
struct bridge_cmds {
	unsigned n;
	struct midi_cmd cmd[BRIDGE_CMDS_MAX];
};

/* One message of a sender with that map (NULL: none), without /p/NAME. SysEx of at most sysex_max octets between F0
 * and F7. */
enum bridge_answer bridge_to_midi_rt(struct bridge_cmds *out, const struct oscmap *map, const struct osc_msg *msg,
	size_t sysex_max);

/* ---- MIDI to OSC (section 12.2) ---- */

/* Who is told. */
struct bridge_taker {
	const struct oscmap *map; /* the receiver's; NULL: none */
	const char *types;        /* NULL: all */
	size_t   max;             /* longest packet */
	size_t   sysex_max;
};

/*
 * One command as one message, without prefix. `before` is the state of its source before midi_state_apply() of it: what
 * parameter is selected, what bank, how a SysEx began. *len is in: room, BRIDGE_OSC_MAX is enough; out: octets, 0
 * unless BRIDGE_SAID.
 */
enum bridge_answer bridge_to_osc_rt(uint8_t *buf, size_t *len, const struct bridge_taker *to,
	const struct midi_state *before, const struct midi_cmd *cmd);

/*
 * Keys that change with a command without being named by its message: by All Notes Off and its relatives, Reset All
 * Controllers, System Reset. The next such message from *i on, 0 at first; *len 0: there is no other. They are state,
 * told after the message of the command itself. (Of NoteOff with a release velocity, /midi/C/off/N, see
 * kind_off_key().)
 */
void bridge_silenced_rt(uint8_t *buf, size_t *len, const struct bridge_taker *to, const struct midi_state *before,
	const struct midi_cmd *cmd, unsigned *i);

/* A message of the address space, made for who takes all (no map, no types), for this taker. true: *len octets in
 * buf, 0 when it can have none of it (*answer says why); false: it is as good as it is. */
bool bridge_retell_rt(uint8_t *buf, size_t *len, enum bridge_answer *answer, const struct bridge_taker *to,
	const struct osc_msg *msg);

#endif
