/*
 * midi_merge_system.c - one leads the clock, SysEx goes only as a whole, and what would reset others is kept from them.
 */
#include <string.h>

#include "midi_merge_priv.h"

enum { MASTER_US = 2000 * 1000, SYSEX_US = 2000 * 1000 };

/* ---- who leads ---- */

/* "from one source at a time, the first that sends one; it loses the role after Stop plus 2 s, on 2 s of silence, or when it
 * leaves" */
static bool leads(struct midi_merge *m, const struct merge_source *src, uint8_t status, uint64_t now_us)
{
	const bool over = !m->has_master || now_us - m->master_us > MASTER_US ||
		(m->stopped && now_us - m->stop_us > MASTER_US);

	if (!over && m->master != src->id) {
		m->stats.not_master++;
		return false;
	}
	if (over) {
		m->has_master = true;
		m->master = src->id;
		m->stopped = false;
	}
	m->master_us = now_us;
	if (status == MIDI_START || status == MIDI_CONTINUE) {
		m->stopped = false;
	} else if (status == MIDI_STOP && !m->stopped) {
		m->stopped = true;
		m->stop_us = now_us;
	}
	return true;
}

/* ---- SysEx ---- */

static void whole_sysex(struct midi_merge *m, const struct merge_source *src, const struct midi_cmd *cmd, uint64_t now_us)
{
	if (cmd->len > m->conf.sysex_max) {
		m->stats.sysex_dropped++;
		return;
	}
	if (midi_is_full_frame(cmd->body, cmd->len) && !leads(m, src, MIDI_SYSEX, now_us))
		return;
	merge_emit_rt(m, cmd);
	if (midi_is_reset_sysex(cmd->body, cmd->len))
		merge_forget_rt(m);
}

static void drop_sysex(struct midi_merge *m, struct merge_source *src)
{
	src->collecting = false;
	m->stats.sysex_dropped++;
}

/* "only whole commands (segments are collected, at most 4096 octets and 2 s), never interleaved" */
static void collect_sysex(struct midi_merge *m, struct merge_source *src, const struct midi_cmd *cmd, uint64_t now_us)
{
	struct midi_cmd whole;

	if (cmd->part == MIDI_FIRST) {
		if (src->collecting)
			drop_sysex(m, src);
		src->collecting = true;
		src->sysex_us = now_us;
		src->sysex_len = 0;
	}
	if (!src->collecting) {
		m->stats.sysex_dropped += cmd->part == MIDI_LAST;
		return;
	}
	if (cmd->part == MIDI_CANCEL || now_us - src->sysex_us > SYSEX_US || src->sysex_len + cmd->len > m->conf.sysex_max) {
		drop_sysex(m, src);
		return;
	}
	if (cmd->len)
		memcpy(src->sysex + src->sysex_len, cmd->body, cmd->len);
	src->sysex_len += cmd->len;
	if (cmd->part != MIDI_LAST)
		return;
	src->collecting = false;
	whole = midi_sysex(src->sysex, src->sysex_len);
	whole.dropped = cmd->dropped;
	whole_sysex(m, src, &whole, now_us);
}

static void put_sysex(struct midi_merge *m, struct merge_source *src, const struct midi_cmd *cmd, uint64_t now_us)
{
	struct midi_cmd whole = *cmd;

	if (cmd->part != MIDI_WHOLE) {
		collect_sysex(m, src, cmd, now_us);
		return;
	}
	if (src->collecting)
		drop_sysex(m, src);
	whole.delta = 0;
	whole_sysex(m, src, &whole, now_us);
}

/* ---- all of them ---- */

/* "System Reset: absorbed, treated as release of that source's notes." Its pedals come up with them, and its banks and numbers are
 * those of an instrument that is switched on. */
static void reset_source(struct midi_merge *m, struct merge_source *src)
{
	merge_release_rt(m, src);
	memset(src->part, 0, sizeof(src->part));
	src->collecting = false;
	m->stats.absorbed++;
}

void merge_system_rt(struct midi_merge *m, struct merge_source *src, const struct midi_cmd *cmd, uint64_t now_us)
{
	switch (cmd->status) {
	case MIDI_SYSEX:
		put_sysex(m, src, cmd, now_us);
		break;
	case MIDI_QUARTER:
	case MIDI_POSITION:
	case MIDI_CLOCK:
	case MIDI_START:
	case MIDI_CONTINUE:
	case MIDI_STOP:
		if (leads(m, src, cmd->status, now_us))
			merge_short_rt(m, cmd->status, cmd->data[0], cmd->data[1]);
		break;
	case MIDI_SONG:
	case MIDI_TUNE:
		merge_short_rt(m, cmd->status, cmd->data[0], cmd->data[1]);
		break;
	case MIDI_RESET:
		reset_source(m, src);
		break;
	default:                          /* Active Sense, and what MIDI does not define */
		m->stats.absorbed++;
	}
}
