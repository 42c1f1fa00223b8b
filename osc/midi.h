/*
 * midi.h - MIDI commands as values.
 *
 * Pure: no state, no allocation; may be called on any thread. A command's body points into what it was read from.
 */
#ifndef OSC_MIDI_H
#define OSC_MIDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MIDI_CHANNELS = 16, MIDI_KEYS = 128, MIDI_CENTRE = 8192 };

enum midi_status {
	MIDI_NOTE_OFF  = 0x80,
	MIDI_NOTE_ON   = 0x90,
	MIDI_POLY      = 0xa0,
	MIDI_CC        = 0xb0,
	MIDI_PROGRAM   = 0xc0,
	MIDI_PRESSURE  = 0xd0,
	MIDI_BEND      = 0xe0,
	MIDI_SYSEX     = 0xf0,
	MIDI_QUARTER   = 0xf1,
	MIDI_POSITION  = 0xf2,
	MIDI_SONG      = 0xf3,
	MIDI_UNDEF_F4  = 0xf4,
	MIDI_UNDEF_F5  = 0xf5,
	MIDI_TUNE      = 0xf6,
	MIDI_SYSEX_END = 0xf7,
	MIDI_CLOCK     = 0xf8,
	MIDI_UNDEF_F9  = 0xf9,
	MIDI_START     = 0xfa,
	MIDI_CONTINUE  = 0xfb,
	MIDI_STOP      = 0xfc,
	MIDI_UNDEF_FD  = 0xfd,
	MIDI_SENSE     = 0xfe,
	MIDI_RESET     = 0xff,
};

enum midi_controller {
	CC_BANK_MSB   = 0,
	CC_MODULATION = 1,
	CC_DATA_MSB   = 6,
	CC_EXPRESSION = 11,
	CC_BANK_LSB   = 32,
	CC_DATA_LSB   = 38,
	CC_SUSTAIN    = 64,
	CC_SOFT       = 67,
	CC_HOLD2      = 69,
	CC_INCREMENT  = 96,
	CC_DECREMENT  = 97,
	CC_NRPN_LSB   = 98,
	CC_NRPN_MSB   = 99,
	CC_RPN_LSB    = 100,
	CC_RPN_MSB    = 101,
	CC_SOUND_OFF  = 120,
	CC_RESET      = 121,
	CC_LOCAL      = 122,
	CC_NOTES_OFF  = 123,
	CC_OMNI_OFF   = 124,
	CC_OMNI_ON    = 125,
	CC_MONO       = 126,
	CC_POLY       = 127,
};

/* Which part of a SysEx command a command is (RFC 6295 figure 5). All others are whole. */
enum midi_part { MIDI_WHOLE, MIDI_FIRST, MIDI_MIDDLE, MIDI_LAST, MIDI_CANCEL };

struct midi_cmd {
	uint32_t delta;          /* RTP clock units after the command before it, or after the packet's timestamp */
	uint8_t  status;         /* channel included; MIDI_SYSEX for SysEx and its segments */
	uint8_t  data[2];
	enum midi_part part;
	bool     dropped;        /* whole or last: the source left the F7 out */
	const uint8_t *body;     /* data octets of MIDI_SYSEX, MIDI_UNDEF_F4 and _F5 */
	size_t   len;
};

/* Data octets after a status octet: 0 to 2; -1 for those with a body; -2 for what begins no command (data, F7). */
int  midi_data_len(uint8_t status);

/* Can it be written? Data octets under 0x80, a body where there must be one, a cancel that is empty. */
bool midi_is_valid(const struct midi_cmd *cmd);

/* Written as on a cable, segments with the status octets of figure 5. 0 when it does not fit. */
size_t midi_write(uint8_t *buf, size_t room, const struct midi_cmd *cmd);

/* RFC 6295 A.1: commands that "reset renderers to an initialized 'powerup' condition", among whole SysEx bodies. */
bool midi_is_reset_sysex(const uint8_t *body, size_t len);

/* RFC 6295 B.4: the MTC Full Frame command F0 7F cc 01 01 hr mn sc fr F7. */
bool midi_is_full_frame(const uint8_t *body, size_t len);

static inline struct midi_cmd midi_short(uint8_t status, uint8_t a, uint8_t b)
{
	return (struct midi_cmd){.status = status, .data = {a, b}};
}

static inline struct midi_cmd midi_sysex(const uint8_t *body, size_t len)
{
	return (struct midi_cmd){.status = MIDI_SYSEX, .body = body, .len = len};
}

static inline bool midi_is_channel(uint8_t status)  { return status >= 0x80 && status < 0xf0; }
static inline bool midi_is_realtime(uint8_t status) { return status >= 0xf8; }

/* "NoteOn commands with zero velocity [are considered] to be NoteOff commands" (RFC 6295 A.6). */
static inline bool midi_is_note_off(const struct midi_cmd *cmd)
{
	return (cmd->status & 0xf0) == MIDI_NOTE_OFF || ((cmd->status & 0xf0) == MIDI_NOTE_ON && !cmd->data[1]);
}

#endif
