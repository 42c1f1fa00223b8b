/*
 * midi_state.h - what a MIDI stream has said so far: the newest command of each kind, in which packet it came, in what order.
 *
 * A sender makes journals from it, a receiver compares journals with it; both feed it every command by midi_state_apply(), so
 * that counts and states agree on both ends when nothing is lost. Its size is fixed and there is one entry for each thing a
 * command can set, so it does not grow with the length of a session.
 *
 * seq: the extended number of the packet a command came in; 0 means never, or undone by a reset ("active" in the RFC's words).
 */
#ifndef OSC_MIDI_STATE_H
#define OSC_MIDI_STATE_H

#include "midi.h"

enum {
	MIDI_PARAMS    = 64,        /* parameters of one channel that are remembered; after that the oldest is forgotten */
	MIDI_SYSEXES   = 64,        /* SysEx commands that are remembered */
	MIDI_SYSEX_MAX = 4096,      /* their octets in all, and so of one */
	MIDI_UNDEF_MAX = 16,        /* data octets of an undefined command */
};

/* Entries 0 to 127 in order of their newest command: a ring through the anchor 128. next == prev == itself: not in it. */
enum { ORDER_ANCHOR = 128 };
struct midi_order {
	uint8_t next[ORDER_ANCHOR + 1], prev[ORDER_ANCHOR + 1];
};

struct midi_program {
	uint32_t seq;
	uint8_t  program, msb, lsb;
	bool     b, x;              /* as in chapter P */
};

struct midi_control {
	uint32_t seq;
	uint8_t  value;
	uint8_t  count;             /* commands, modulo 64 */
	uint8_t  toggles;           /* off to on and on to off, modulo 64 */
	bool     on;
};

struct midi_param {
	uint32_t seq;
	uint16_t num;
	bool     nrpn;
	bool     has_msb, has_lsb, has_button;
	bool     msb_x, lsb_x, a_x;
	uint8_t  msb, lsb;
	int16_t  a_button, c_button;
};

/* Which parameter the next data entry is for (RFC 6295 A.1, "parameter system transaction"). */
struct midi_select {
	uint32_t seq;               /* newest command of 98 to 101 */
	bool     pending;           /* the MSB has come and the LSB not yet */
	bool     open;
	bool     nrpn;              /* of the pending or open one */
	uint8_t  msb[2];            /* of RPN and NRPN, for a number whose MSB is left out */
	uint16_t num;
};

enum midi_note_state { NOTE_NONE, NOTE_ON, NOTE_OFF };

struct midi_note {
	uint32_t seq;
	uint32_t ts;                /* when it was struck, RTP clock */
	uint8_t  state;
	uint8_t  velocity, release;
	uint8_t  count;             /* NoteOns less NoteOffs, not under 0, 127 at most */
	uint8_t  silent;            /* of count, those a receiver knows of and did not strike, because that was long ago */
};

struct midi_poly {
	uint32_t seq;
	uint8_t  value;
	bool     x;
};

struct midi_chan {
	uint32_t seq;               /* the newest of all below */
	struct midi_program program;
	struct { bool b, x; uint8_t msb, lsb; } bank;      /* what the next Program Change would use */
	struct midi_control cc[MIDI_KEYS];
	struct midi_order   cc_order;
	struct midi_select  select;
	struct midi_param   param[MIDI_PARAMS];
	struct midi_order   param_order;
	unsigned            n_params;
	uint32_t            forgotten;                     /* seq of a parameter there was no room for */
	struct { uint32_t seq; uint16_t value; } bend;
	struct { uint32_t seq; uint8_t value; } pressure;
	struct midi_note    note[MIDI_KEYS];
	struct midi_order   note_order;
	uint32_t            off_seq;                       /* newest NoteOff */
	struct midi_poly    poly[MIDI_KEYS];
	struct midi_order   poly_order;
};

struct midi_counted {
	uint32_t seq;
	uint8_t  count;
};

struct midi_undef {
	uint32_t seq;
	uint8_t  count;
	uint8_t  len;
	uint8_t  data[MIDI_UNDEF_MAX];
};

struct midi_sequencer {
	uint32_t seq;
	bool     running;
	bool     played;            /* D of chapter Q: the position has sounded */
	bool     started;           /* by Start, not by Continue */
	uint32_t position;          /* MIDI clocks, modulo 524288 */
};

/* MIDI time code. Nibbles by message type. */
struct midi_mtc {
	uint32_t seq;               /* newest command of any kind */
	uint32_t complete_seq;
	bool     quarters;          /* complete holds eight nibbles, else four octets */
	uint8_t  complete[8];
	bool     partial;
	bool     backward;
	uint8_t  point;
	uint8_t  nibble[8];
};

struct midi_sysex_entry {
	uint32_t seq;               /* of the newest octet */
	uint32_t at;                /* of its data, in octets ever remembered */
	uint16_t len;
	uint8_t  sta;               /* enum journal_sta; STA_UNFINISHED: the one that is open */
	uint8_t  count;
	bool     unsure;            /* a receiver does not know whether the sender counts as it does */
};

struct midi_sysexes {
	struct midi_sysex_entry entry[MIDI_SYSEXES];
	uint32_t n;                 /* entries ever made */
	uint32_t first;             /* the oldest one that still counts */
	uint32_t end;               /* octets ever remembered */
	uint8_t  count;             /* SysEx commands, modulo 256 */
	bool     open;
	bool     unsure;
	uint8_t  pool[MIDI_SYSEX_MAX];
};

struct midi_system {
	uint32_t seq;               /* the newest of all below */
	struct midi_counted reset, tune, sense;
	struct { uint32_t seq; uint8_t song; } song;
	struct midi_undef f4, f5, f9, fd;
	struct midi_sequencer sequencer;
	struct midi_mtc mtc;
	struct midi_sysexes sysex;
};

struct midi_state {
	struct midi_chan   chan[MIDI_CHANNELS];
	struct midi_system sys;
};

void midi_state_init(struct midi_state *st);

/* seq > 0 and not under that of the command before; ts: RTP clock. */
void midi_state_apply(struct midi_state *st, const struct midi_cmd *cmd, uint32_t seq, uint32_t ts);

/* A Reset State command: nothing before it is active. Counts of resets, tune requests and senses go on. */
void midi_state_reset(struct midi_state *st);

/* As if all that is active in a channel (or, part MIDI_CHANNELS, the system) had just been said in packet seq; SysEx commands
 * that are over excepted. */
enum { MIDI_PARTS = MIDI_CHANNELS + 1 };
void midi_state_renew(struct midi_state *st, unsigned part, uint32_t seq);

/* Leaves what is the state of an instrument, and no events and counts: what somebody must be told to whom a stream begins now. */
void midi_state_strip(struct midi_state *st);

const struct midi_param *midi_param_find(const struct midi_chan *c, bool nrpn, uint16_t num);

/* Octet i of a remembered SysEx; false when it has been written over. */
bool midi_sysex_octet(uint8_t *octet, const struct midi_sysexes *x, const struct midi_sysex_entry *e, size_t i);
static inline struct midi_sysex_entry *midi_sysex_at(struct midi_sysexes *x, uint32_t i) { return &x->entry[i % MIDI_SYSEXES]; }

/* A frame of MIDI time code that began two frames ago, forward: nibbles by message type, in place (RFC 6295 B.4). */
void midi_mtc_two_later(uint8_t nibble[8]);

/* ---- between the files of the state ---- */

void midi_channel_apply(struct midi_chan *c, const struct midi_cmd *cmd, uint32_t seq, uint32_t ts);
void midi_channel_reset(struct midi_chan *c);

void order_init(struct midi_order *o);
void order_drop(struct midi_order *o, uint8_t i);
void order_newest(struct midi_order *o, uint8_t i);

#endif
