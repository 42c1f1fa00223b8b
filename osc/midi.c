/*
 * midi.c - MIDI commands as values: how long they are, and their octets.
 */
#include <string.h>

#include "midi.h"

int midi_data_len(uint8_t status)
{
	static const int8_t system[16] = {-1, 1, 2, 1, -1, -1, 0, -2, 0, 0, 0, 0, 0, 0, 0, 0};

	if (status < 0x80)
		return -2;
	if (status >= 0xf0)
		return system[status & 0x0f];
	return (status & 0xf0) == MIDI_PROGRAM || (status & 0xf0) == MIDI_PRESSURE ? 1 : 2;
}

static bool body_is_valid(const struct midi_cmd *cmd)
{
	for (size_t i = 0; i < cmd->len; i++)
		if (cmd->body[i] & 0x80)
			return false;
	if (cmd->status != MIDI_SYSEX)
		return cmd->part == MIDI_WHOLE;
	/* RFC 6295 3.2: "The last sublist MAY be empty ...; all other sublists MUST contain at least one data octet." */
	if (cmd->part == MIDI_FIRST || cmd->part == MIDI_MIDDLE)
		return cmd->len > 0;
	return cmd->part != MIDI_CANCEL || !cmd->len;
}

bool midi_is_valid(const struct midi_cmd *cmd)
{
	const int n = midi_data_len(cmd->status);

	if (n == -2)
		return false;
	if (n == -1)
		return body_is_valid(cmd);
	return cmd->part == MIDI_WHOLE && !((n > 0 ? cmd->data[0] : 0) & 0x80) && !((n > 1 ? cmd->data[1] : 0) & 0x80);
}

static uint8_t head_of(const struct midi_cmd *cmd)
{
	if (cmd->status != MIDI_SYSEX || cmd->part == MIDI_WHOLE || cmd->part == MIDI_FIRST)
		return cmd->status;
	return MIDI_SYSEX_END;
}

static uint8_t tail_of(const struct midi_cmd *cmd)
{
	if (cmd->status != MIDI_SYSEX)
		return MIDI_SYSEX_END;
	switch (cmd->part) {
	case MIDI_FIRST:
	case MIDI_MIDDLE:
		return MIDI_SYSEX;
	case MIDI_CANCEL:
		return MIDI_UNDEF_F4;
	default:
		return cmd->dropped ? MIDI_UNDEF_F5 : MIDI_SYSEX_END;
	}
}

size_t midi_write(uint8_t *buf, size_t room, const struct midi_cmd *cmd)
{
	const int n = midi_data_len(cmd->status);

	if (n >= 0) {
		if (room < (size_t)n + 1)
			return 0;
		buf[0] = cmd->status;
		memcpy(buf + 1, cmd->data, (size_t)n);
		return (size_t)n + 1;
	}
	if (n == -2 || room < 2 || cmd->len > room - 2)
		return 0;
	buf[0] = head_of(cmd);
	if (cmd->len)
		memcpy(buf + 1, cmd->body, cmd->len);
	buf[cmd->len + 1] = tail_of(cmd);
	return cmd->len + 2;
}

bool midi_is_reset_sysex(const uint8_t *body, size_t len)
{
	if (len != 4 || body[0] != 0x7e)
		return false;
	/* General MIDI off, on, 2 on; DLS on and off. */
	return (body[2] == 0x09 && (body[3] == 0 || body[3] == 1 || body[3] == 3)) ||
		(body[2] == 0x0a && (body[3] == 1 || body[3] == 2));
}

bool midi_is_full_frame(const uint8_t *body, size_t len)
{
	return len == 8 && body[0] == 0x7f && body[2] == 0x01 && body[3] == 0x01;
}
