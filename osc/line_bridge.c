/*
 * line_bridge.c - MIDI of a player for a line of OSC (section 12.2).
 *
 * One command is one message; what it ends without naming it (All Notes Off ..) is told as keys that become 0, so that nothing hangs where
 * nobody knows what a channel mode is. Each is then sent like any message of that player: in its receiver's view, at its rate.
 */
#include "bridge.h"
#include "line_out.h"
#include "line_out_priv.h"

static void send_as(struct line_out *o, const struct gesture *g, const uint8_t *osc, size_t len, uint64_t now_us)
{
	struct gesture one = *g;

	one.midi = NULL;
	one.osc  = osc;
	one.len  = len;
	line_out_one_rt(o, &one, osc, len, now_us);
}

/* A NoteOff with a velocity is an event whose key every receiver knows (/midi/C/off/N). */
static bool is_known(const struct midi_cmd *cmd)
{
	return (cmd->status & 0xf0) == MIDI_NOTE_OFF;
}

void line_out_midi_rt(struct line_out *o, const struct gesture *g, uint64_t now_us)
{
	const struct gestline *d = &o->line->desc;
	const struct bridge_taker to = {.map = d->space ? d->space->map : NULL, .types = d->takes.types, .max = d->takes.max,
		.sysex_max = g->from->sysex_max};
	uint8_t *buf = forward_buf_rt(o->line->forward, SCRATCH_STRIP);
	size_t len = BRIDGE_OSC_MAX;
	unsigned i = 0;

	switch (bridge_to_osc_rt(buf, &len, &to, &g->from->midi, g->midi)) {

	case BRIDGE_SAID:    send_as(o, g, buf, len, now_us); break;
	case BRIDGE_TYPE:    ensemble_error_rt(g->from, GEST_TYPE, "/midi", now_us); break;
	case BRIDGE_BIG:     ensemble_error_rt(g->from, GEST_TOO_BIG, "/midi/sysex", now_us); break;
	case BRIDGE_SILENT:
	case BRIDGE_UNKNOWN: break;
	}
	for (len = BRIDGE_OSC_MAX; !is_known(g->midi); len = BRIDGE_OSC_MAX) {
		bridge_silenced_rt(buf, &len, &to, &g->from->midi, g->midi, &i);
		if (!len)
			return;
		send_as(o, g, buf, len, now_us);
	}
}
