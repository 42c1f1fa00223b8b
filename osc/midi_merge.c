/*
 * midi_merge.c - who holds which note and which pedal, and which of what is played comes through.
 *
 *      source, channel ---.  NoteOn: always        .--- channel of the merged stream: how many hold each note,
 *      source, channel ---+  NoteOff: the last one  +    how many have each switch down
 *      source, channel ---'                        '--- state of the merged stream
 *
 * A source's NoteOff ends its hold however often it has struck the note, as on a synthesizer, and as the OSC key of a note has it.
 * A receiver may count all the same (RFC 6295 A.7 does), so with the last holder's NoteOff go as many as NoteOns are open: in the
 * merged stream they are always balanced.
 */
#include <errno.h>
#include <string.h>
#include <re.h>

#include "midi_merge_priv.h"
#include "midi_release.h"

enum { SWITCH_ON = 64, RELEASE_DEFAULT = 64 };

static void merge_destroy(void *arg)
{
	struct midi_merge *m = arg;

	mem_deref(m->sysex);
}

int midi_merge_alloc(struct midi_merge **mp, const struct midi_merge_conf *conf)
{
	struct midi_merge *m;

	if (!mp || !conf->sources || conf->sources > MERGE_SOURCES_MAX || conf->sysex_max > MIDI_SYSEX_MAX)
		return EINVAL;
	m = mem_zalloc(sizeof(*m), merge_destroy);
	if (!m)
		return ENOMEM;
	m->conf = *conf;
	if (conf->sysex_max) {
		m->sysex = mem_alloc(conf->sources * conf->sysex_max, NULL);
		if (!m->sysex) {
			mem_deref(m);
			return ENOMEM;
		}
	}
	midi_merge_clear_rt(m);
	*mp = m;
	return 0;
}

void midi_merge_clear_rt(struct midi_merge *m)
{
	midi_state_init(&m->state);
	memset(m->books, 0, sizeof(m->books));
	memset(m->source, 0, sizeof(m->source));
	m->has_master = m->stopped = false;
}

void midi_merge_subset_rt(struct midi_merge *m, const struct midi_subset *subset)
{
	m->conf.subset = subset;
}

/* ---- out ---- */

bool merge_may_rt(const struct midi_merge *m, unsigned status, unsigned a)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, 0);

	return !m->conf.subset || midi_subset_allows(m->conf.subset, &cmd);
}

void merge_emit_rt(struct midi_merge *m, const struct midi_cmd *cmd)
{
	if (m->conf.subset && !midi_subset_allows(m->conf.subset, cmd))
		return;
	midi_state_apply(&m->state, cmd, 1, 0);
	m->stats.out++;
	m->h(cmd, m->arg);
}

void merge_short_rt(struct midi_merge *m, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);

	merge_emit_rt(m, &cmd);
}

/* ---- sources ---- */

static struct merge_source *merge_find_rt(struct midi_merge *m, uint32_t id)
{
	for (unsigned i = 0; i < m->conf.sources; i++)
		if (m->source[i].used && m->source[i].id == id)
			return &m->source[i];
	return NULL;
}

bool midi_merge_has(const struct midi_merge *m, uint32_t id)
{
	for (unsigned i = 0; i < m->conf.sources; i++)
		if (m->source[i].used && m->source[i].id == id)
			return true;
	return false;
}

int merge_place_rt(struct merge_source **srcp, struct midi_merge *m, uint32_t id)
{
	if (merge_find_rt(m, id))
		return EALREADY;
	for (unsigned i = 0; i < m->conf.sources; i++) {
		struct merge_source *src = &m->source[i];

		if (src->used)
			continue;
		memset(src, 0, sizeof(*src));
		src->used = true;
		src->id = id;
		src->sysex = m->sysex ? m->sysex + i * m->conf.sysex_max : NULL;
		*srcp = src;
		return 0;
	}
	return ENOSPC;
}

/* "everything from the k-th participant is put on MIDI channel ((k-1) mod 16)+1" */
unsigned merge_channel_rt(const struct midi_merge *m, const struct merge_source *src, unsigned chan)
{
	return m->conf.spread ? (unsigned)(src - m->source) % MIDI_CHANNELS : chan;
}

/* ---- notes ---- */

void merge_hold_rt(struct merge_part *part, struct merge_books *b, unsigned note)
{
	if (merge_holds(part, note))
		return;
	part->held[note / 8] |= (uint8_t)(1 << note % 8);
	part->n_held++;
	b->holders[note]++;
	b->n_held++;
}

static void merge_unhold_rt(struct merge_part *part, struct merge_books *b, unsigned note)
{
	if (!merge_holds(part, note))
		return;
	part->held[note / 8] &= (uint8_t)~(1 << note % 8);
	part->n_held--;
	b->holders[note]--;
	b->n_held--;
}

/* "NoteOff is forwarded when the last holder releases." */
static void note_off(struct midi_merge *m, struct merge_part *part, unsigned chan, const struct midi_cmd *cmd)
{
	const unsigned note = cmd->data[0];
	unsigned open = m->state.chan[chan].note[note].count;

	merge_unhold_rt(part, &m->books[chan], note);
	if (m->books[chan].holders[note]) {
		m->stats.withheld++;
		return;
	}
	do
		merge_emit_rt(m, cmd);
	while (open-- > 1);
}

static void merge_release_notes_rt(struct midi_merge *m, struct merge_part *part, unsigned chan)
{
	for (unsigned note = 0; note < MIDI_KEYS && part->n_held; note++) {
		const struct midi_cmd off = midi_short((uint8_t)(MIDI_NOTE_OFF | chan), (uint8_t)note, RELEASE_DEFAULT);

		if (merge_holds(part, note))
			note_off(m, part, chan, &off);
	}
}

/* ---- controllers ---- */

/* "off is forwarded only when every source has it off" */
static void set_switch(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	const unsigned i = num - CC_SUSTAIN;
	const bool was = part->down >> i & 1, is = value >= SWITCH_ON;
	uint16_t *down = &m->books[chan].down[i];

	if (is && !was)
		++*down;
	else if (!is && was)
		--*down;
	part->down = (uint8_t)(is ? part->down | 1u << i : part->down & ~(1u << i));
	if (is || !*down)
		merge_short_rt(m, MIDI_CC | chan, num, value);
	else
		m->stats.withheld++;
}

static void merge_release_switches_rt(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned last)
{
	for (unsigned num = CC_SUSTAIN; num <= last; num++)
		if (part->down >> (num - CC_SUSTAIN) & 1)
			set_switch(m, part, chan, num, 0);
}

static bool others_press(const struct merge_part *part, const struct merge_books *b, unsigned last)
{
	for (unsigned i = 0; i <= last - CC_SUSTAIN; i++)
		if (b->down[i] > (part->down >> i & 1))
			return true;
	return false;
}

/* Reset All Controllers ends no note, but lets the pedals 64 to 67 go: those of others as well. */
static void reset_controllers(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned value)
{
	struct merge_books *b = &m->books[chan];

	part->select = (struct merge_select){0};
	if (b->n_held > part->n_held || others_press(part, b, CC_SOFT)) {
		merge_release_switches_rt(m, part, chan, CC_SOFT);
		m->stats.withheld++;
		return;
	}
	for (unsigned i = 0; i <= CC_SOFT - CC_SUSTAIN; i++)
		b->down[i] = 0;
	part->down &= (uint8_t)~((1u << (CC_SOFT - CC_SUSTAIN + 1)) - 1);
	merge_short_rt(m, MIDI_CC | chan, CC_RESET, value);
}

/* "Channel Mode 120-127 of a source releases only that source's notes (as NoteOffs), except when it is the only holder on the
 * channel." What has no notes to end, Local Control, is kept from the others as well. */
static void put_mode(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	struct merge_books *b = &m->books[chan];

	if (num == CC_RESET) {
		reset_controllers(m, part, chan, value);
	} else if (b->n_held > part->n_held) {
		if (num != CC_LOCAL)
			merge_release_notes_rt(m, part, chan);
		m->stats.withheld++;
	} else {
		for (unsigned note = 0; num != CC_LOCAL && note < MIDI_KEYS; note++)
			merge_unhold_rt(part, b, note);
		merge_short_rt(m, MIDI_CC | chan, num, value);
	}
}

static void put_control(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	if (num >= CC_SOUND_OFF)
		put_mode(m, part, chan, num, value);
	else if (num >= CC_SUSTAIN && num <= CC_HOLD2)
		set_switch(m, part, chan, num, value);
	else if (!merge_param_rt(m, part, chan, num, value))
		merge_short_rt(m, MIDI_CC | chan, num, value);
}

/* ---- in ---- */

static void put_channel(struct midi_merge *m, struct merge_source *src, const struct midi_cmd *cmd)
{
	struct merge_part *part = &src->part[cmd->status & 0x0f];
	const unsigned chan = merge_channel_rt(m, src, cmd->status & 0x0f);
	struct midi_cmd out = *cmd;

	out.delta = 0;
	out.status = (uint8_t)((cmd->status & 0xf0) | chan);
	if (midi_is_note_off(cmd)) {
		note_off(m, part, chan, &out);
		return;
	}
	switch (cmd->status & 0xf0) {
	case MIDI_NOTE_ON:
		merge_hold_rt(part, &m->books[chan], cmd->data[0]);
		merge_emit_rt(m, &out);
		break;
	case MIDI_CC:
		put_control(m, part, chan, cmd->data[0], cmd->data[1]);
		break;
	case MIDI_PROGRAM:
		merge_program_rt(m, part, chan, &out);
		break;
	default:
		merge_emit_rt(m, &out);
	}
}

static void nobody(const struct midi_cmd *cmd, void *arg)
{
	(void)cmd;
	(void)arg;
}

void midi_merge_put_rt(struct midi_merge *m, uint32_t id, const struct midi_cmd *cmd, uint64_t now_us, midi_merge_h *h, void *arg)
{
	struct merge_source *src = merge_find_rt(m, id);

	if (!src) {
		m->stats.unknown++;
		return;
	}
	m->h = h ? h : nobody;
	m->arg = arg;
	m->stats.in++;
	if (midi_is_channel(cmd->status))
		put_channel(m, src, cmd);
	else if (cmd->status >= MIDI_SYSEX)
		merge_system_rt(m, src, cmd, now_us);
}

void merge_release_rt(struct midi_merge *m, struct merge_source *src)
{
	for (unsigned i = 0; i < MIDI_CHANNELS; i++) {
		const unsigned chan = merge_channel_rt(m, src, i);

		merge_release_notes_rt(m, &src->part[i], chan);
		merge_release_switches_rt(m, &src->part[i], chan, CC_HOLD2);
	}
}

void midi_merge_leave_rt(struct midi_merge *m, uint32_t id, midi_merge_h *h, void *arg)
{
	struct merge_source *src = merge_find_rt(m, id);

	if (!src)
		return;
	m->h = h ? h : nobody;
	m->arg = arg;
	merge_release_rt(m, src);
	if (m->has_master && m->master == id)
		m->has_master = false;
	src->used = false;
}

void merge_forget_rt(struct midi_merge *m)
{
	memset(m->books, 0, sizeof(m->books));
	for (unsigned i = 0; i < m->conf.sources; i++)
		memset(m->source[i].part, 0, sizeof(m->source[i].part));
}

const struct midi_state *midi_merge_state(const struct midi_merge *m)
{
	return &m->state;
}

const struct midi_merge_stats *midi_merge_stats(const struct midi_merge *m)
{
	return &m->stats;
}
