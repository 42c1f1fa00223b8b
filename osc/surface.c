/*
 * surface.c - a MIDI command, the map, and what it asks of the house.
 *
 * Notes are keys: a press turns what has two states over, and does what has none; letting go is nothing. Controllers and the
 * pitch wheels of motor faders are faders: their place is the value, or on from the middle up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "surface.h"

enum { WORD_MAX = 95 };

/* --- the map --- */

static bool number(uint8_t *v, bool *each, const char *s, size_t n, unsigned min, unsigned max)
{
	unsigned x = 0;

	*each = n == 1 && *s == 'N';
	*v = 0;
	if (*each)
		return true;
	if (!n || n > 3 || strspn(s, "0123456789") < n)
		return false;
	for (size_t i = 0; i < n; i++)
		x = x * 10 + (unsigned)(s[i] - '0');
	*v = (uint8_t)(x - min);
	return x >= min && x <= max;
}

/* "cc:1:7", up to the '=' */
static bool source(struct surface *s, const char *w, size_t len)
{
	static const struct { const char *name; uint8_t status; } kinds[] = {
		{"cc:", MIDI_CC}, {"note:", MIDI_NOTE_ON}, {"pitch:", MIDI_BEND},
	};
	const char *end = w + len, *colon;
	size_t k = 0;

	while (k < 3 && strncmp(w, kinds[k].name, strlen(kinds[k].name)) != 0)
		k++;
	if (k == 3)
		return false;
	s->row[s->n].status = kinds[k].status;
	w += strlen(kinds[k].name);
	colon = memchr(w, ':', (size_t)(end - w));
	if ((kinds[k].status == MIDI_BEND) == (colon != NULL))
		return false;
	if (!number(&s->row[s->n].channel, &s->row[s->n].each_channel, w, (size_t)((colon ? colon : end) - w), 1, 16))
		return false;
	s->row[s->n].each_number = false;
	return !colon || number(&s->row[s->n].number, &s->row[s->n].each_number, colon + 1, (size_t)(end - colon - 1), 0, 127);
}

/* N in the address wants one in the source, and one only. */
static bool counts(const struct surface *s)
{
	unsigned n = (unsigned)s->row[s->n].each_channel + s->row[s->n].each_number;

	return n == (strstr(s->row[s->n].addr, "/N/") ? 1 : 0);
}

static bool word(struct surface *s, const char *w)
{
	const char *eq = strchr(w, '=');

	if (!eq || !source(s, w, (size_t)(eq - w)))
		return false;
	if (snprintf(s->row[s->n].addr, sizeof(s->row[0].addr), "/tutti/%s", eq + 1) >= (int)sizeof(s->row[0].addr))
		return false;
	return counts(s) && house_movable(s->row[s->n].addr, s->row[s->n].status == MIDI_NOTE_ON);
}

int surface_read(struct surface *s, const char *text, const char **wrong)
{
	char w[WORD_MAX + 1];
	size_t n;

	memset(s, 0, sizeof(*s));
	for (; *(text += strspn(text, " ")); text += n) {
		n = strcspn(text, " ");
		if (wrong)
			*wrong = text;
		if (s->n == SURFACE_MAX)
			return E2BIG;
		if (n > WORD_MAX)
			return EINVAL;
		memcpy(w, text, n);
		w[n] = '\0';
		if (!word(s, w))
			return EINVAL;
		s->n++;
	}
	return 0;
}

/* --- what is played --- */

/* A row for it; the place in the row's N, from 1. */
static bool row_is(const struct surface *s, unsigned i, const struct midi_cmd *cmd, unsigned *nth)
{
	uint8_t status = cmd->status & 0xf0, channel = cmd->status & 0x0f;

	if (status == MIDI_NOTE_OFF)
		status = MIDI_NOTE_ON;
	if (s->row[i].status != status || (!s->row[i].each_channel && s->row[i].channel != channel))
		return false;
	if (status != MIDI_BEND && !s->row[i].each_number && s->row[i].number != cmd->data[0])
		return false;
	*nth = s->row[i].each_channel ? channel + 1u : s->row[i].each_number ? cmd->data[0] + 1u : 0;
	return true;
}

int surface_order(struct house_order *o, const struct surface *s, const struct midi_cmd *cmd)
{
	struct house_move m = {.key = (cmd->status & 0xe0) == MIDI_NOTE_OFF, .down = !midi_is_note_off(cmd)};

	if (!midi_is_channel(cmd->status))
		return ENOENT;
	if ((cmd->status & 0xf0) == MIDI_BEND)
		m.v = (cmd->data[0] | cmd->data[1] << 7) / 16383.0;
	else
		m.v = cmd->data[1] / 127.0;
	for (unsigned i = 0; i < s->n; i++)
		if (row_is(s, i, cmd, &m.nth))
			return house_move(o, s->row[i].addr, &m);
	return ENOENT;
}
