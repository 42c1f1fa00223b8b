/*
 * ensemble_bridge.c - every gesture in both tongues: what a player says in OSC is said once more in MIDI, for those who
 * hear it on a line of MIDI and for its MIDI state; and the other way round. So lines know one tongue, and a player has
 * its state in both.
 *
 *      OSC in  > keys > lines of OSC         MIDI in > as OSC > keys > lines of OSC
 *              > as MIDI > state > G1                > state > G1
 *
 * Time tags of bundles are nothing that MIDI could tell: bridged messages act at once.
 */
#include "bridge.h"
#include "ensemble.h"

enum { RELEASE_DEFAULT = 64 };

/* ---- OSC to MIDI ---- */

static bool hears_midi(const struct player_rt *to, const struct player_rt *from)
{
	const struct line_rt *l = to->line[GESTLINE_MIDI];

	return l && slots_has(&l->told, from->slot);
}

static bool anyone_hears_midi(const struct player_rt *from, const struct player_rt *to)
{
	if (to)
		return hears_midi(to, from);
	for (struct le *le = from->ensemble->players.head; le; le = le->next) {
		if (hears_midi(le->data, from))
			return true;
	}
	return false;
}

/* FNV-1a; never 0 */
static uint32_t hash_of(const struct osc_msg *msg)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < msg->addr_len; i++)
		h = (h ^ (uint8_t)msg->addr[i]) * 16777619u;
	return h | 1;
}

/* "error 9 to the source, once per address", and "at most one [..] per code and second": an address waits for its
 * turn. */
static void unmapped(struct player_rt *p, const struct osc_msg *msg, const struct player_rt *to, uint64_t now_us)
{
	const uint32_t h = hash_of(msg);

	if (!anyone_hears_midi(p, to))
		return;
	if (p->unmapped[h / 2 % UNMAPPED_KEPT] == h || now_us < p->said.next_us[GEST_NO_MIDI]) {
		tally_up_rt(&forward_count(p->forward)->unmapped);
		return;
	}
	p->unmapped[h / 2 % UNMAPPED_KEPT] = h;
	ensemble_error_rt(p, GEST_NO_MIDI, msg->addr, now_us);
}

static void say_midi(const struct gesture *g, const struct midi_cmd *cmd, struct player_rt *to, uint64_t now_us)
{
	struct player_rt *p = g->from;
	struct gesture one = *g;

	one.osc  = NULL;
	one.len  = 0;
	one.midi = cmd;
	if (to) {
		(void)ensemble_to_player_rt(to, &one, now_us);
		return;
	}
	midi_state_apply(&p->midi, cmd, ++p->ensemble->midi_no, g->ts);
	ensemble_to_all_rt(&one, now_us);
}

/* A key that is set while it sounds is struck again, and is let go of once: so it is here. */
static void let_go(const struct gesture *g, const struct midi_cmd *cmd, uint64_t now_us)
{
	const struct midi_cmd off = midi_short(MIDI_NOTE_OFF | (cmd->status & 0x0f), cmd->data[0], RELEASE_DEFAULT);

	if ((cmd->status & 0xf0) != MIDI_NOTE_ON || midi_is_note_off(cmd))
		return;
	while (g->from->midi.chan[cmd->status & 0x0f].note[cmd->data[0]].count)
		say_midi(g, &off, NULL, now_us);
}

void ensemble_also_midi_rt(const struct osc_msg *msg, const struct gesture *g, struct player_rt *to, uint64_t now_us)
{
	struct player_rt *p = g->from;
	struct bridge_cmds cmds;

	switch (bridge_to_midi_rt(&cmds, p->map, msg, p->sysex_max)) {

	case BRIDGE_UNKNOWN:
		unmapped(p, msg, to, now_us);
		break;
	case BRIDGE_BIG:
		if (anyone_hears_midi(p, to))
			ensemble_error_rt(p, GEST_TOO_BIG, msg->addr, now_us);
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < cmds.n; i++) {
		if (!to)
			let_go(g, &cmds.cmd[i], now_us);
		say_midi(g, &cmds.cmd[i], to, now_us);
	}
}

/* ---- MIDI to OSC ---- */

/* What it is, it is under whatever address a receiver's map tells it. */
static void say_osc(const struct gesture *g, const uint8_t *osc, size_t len, uint64_t now_us)
{
	struct gesture one = *g;
	struct osc_msg msg;

	if (osc_msg_read(&msg, osc, len))
		return;
	one.event = kind_of(NULL, &msg) == OSC_EVENT;
	(void)ensemble_keep_rt(g->from, &msg, one.event ? OSC_EVENT : OSC_STATE, now_us);
	one.midi = NULL;
	one.osc  = osc;
	one.len  = len;
	ensemble_to_all_rt(&one, now_us);
}

void ensemble_also_osc_rt(const struct gesture *g, uint64_t now_us)
{
	const struct bridge_taker all = {.max = OSC_MAX_DGRAM, .sysex_max = g->from->sysex_max};
	uint8_t buf[BRIDGE_OSC_MAX];
	size_t len = sizeof(buf);

	(void)bridge_to_osc_rt(buf, &len, &all, &g->from->midi, g->midi);
	if (len)
		say_osc(g, buf, len, now_us);
	for (unsigned i = 0;;) {
		len = sizeof(buf);
		bridge_silenced_rt(buf, &len, &all, &g->from->midi, g->midi, &i);
		if (!len)
			return;
		say_osc(g, buf, len, now_us);
	}
}

void ensemble_let_go_rt(struct player_rt *p, uint64_t now_us)
{
	const struct bridge_taker all = {.max = OSC_MAX_DGRAM};
	const struct midi_cmd reset = midi_short(MIDI_RESET, 0, 0);
	uint8_t buf[BRIDGE_OSC_MAX];

	struct osc_msg msg;

	for (unsigned i = 0;;) {
		size_t len = sizeof(buf);

		bridge_silenced_rt(buf, &len, &all, &p->midi, &reset, &i);
		if (!len)
			return;
		/* What sounds by its map has another key, which is its own business. */
		if (!osc_msg_read(&msg, buf, len) && osckeys_find_rt(p->keys, msg.addr, msg.addr_len))
			(void)ensemble_keep_rt(p, &msg, OSC_STATE, now_us);
	}
}
