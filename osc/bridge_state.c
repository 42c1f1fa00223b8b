/*
 * bridge_state.c - the state of a MIDI source as OSC messages, one after the other, and keys that change without being
 * named.
 */
#include "bridge_priv.h"

/* ---- the whole state ---- */

enum stage { STAGE_PROGRAM, STAGE_CC, STAGE_PARAM, STAGE_BEND, STAGE_PRESSURE, STAGE_POLY, STAGE_NOTE, STAGES };

static const unsigned stage_size[STAGES] = {1, CC_SOUND_OFF, MIDI_PARAMS, 1, 1, MIDI_KEYS, MIDI_KEYS};

static enum bridge_answer say_if(struct bridge_out *out, bool is_set, enum osctarget_kind kind, unsigned channel,
	unsigned num, unsigned value)
{
	const struct osctarget t = {.kind = kind, .channel = (uint8_t)channel, .num = (uint16_t)num};

	return is_set ? bridge_say(out, &t, value) : BRIDGE_SILENT;
}

static enum bridge_answer say_param(struct bridge_out *out, unsigned channel, const struct midi_chan *c, unsigned i)
{
	const struct midi_param *p = &c->param[i];
	unsigned value;

	if (i >= c->n_params || !p->seq || !bridge_param_value(&value, p))
		return BRIDGE_SILENT;
	return say_if(out, true, p->nrpn ? TARGET_NRPN : TARGET_RPN, channel, p->num, value);
}

static enum bridge_answer say_program(struct bridge_out *out, unsigned channel, const struct midi_program *p)
{
	return p->seq ? bridge_say_program(out, channel, p->program, p->b, p->msb, p->lsb) : BRIDGE_SILENT;
}

static enum bridge_answer channel_item(struct bridge_out *out, const struct bridge_walk *w, const struct midi_state *st,
	bool notes)
{
	const struct midi_chan *c = &st->chan[w->channel];
	const unsigned ch = w->channel, i = w->i;

	switch (w->stage) {
	case STAGE_PROGRAM:  return say_program(out, ch, &c->program);
	case STAGE_CC:       return say_if(out, c->cc[i].seq, TARGET_CC, ch, i, c->cc[i].value);
	case STAGE_PARAM:    return say_param(out, ch, c, i);
	case STAGE_BEND:     return say_if(out, c->bend.seq, TARGET_BEND, ch, 0, c->bend.value);
	case STAGE_PRESSURE: return say_if(out, c->pressure.seq, TARGET_PRESSURE, ch, 0, c->pressure.value);
	case STAGE_POLY:     return say_if(out, c->poly[i].seq && !c->poly[i].x, TARGET_POLY, ch, i, c->poly[i].value);
	default:             return say_if(out, notes && c->note[i].count, TARGET_NOTE, ch, i, c->note[i].velocity);
	}
}

/* The next place; a channel that never said anything is one step. */
static void advance(struct bridge_walk *w, const struct midi_state *st)
{
	w->i++;
	if (st->chan[w->channel].seq && w->i < stage_size[w->stage])
		return;
	w->i = 0;
	w->stage++;
	if (st->chan[w->channel].seq && w->stage < STAGES)
		return;
	w->stage = 0;
	w->channel++;
}

void bridge_walk_rt(uint8_t *buf, size_t *len, struct bridge_walk *w, const struct bridge_taker *to,
	const struct midi_state *st, bool notes)
{
	struct bridge_out out = {.to = to, .buf = buf, .room = *len, .len = len};
	enum bridge_answer said = BRIDGE_SILENT;

	*len = 0;
	while (said != BRIDGE_SAID && w->channel < MIDI_CHANNELS) {
		said = channel_item(&out, w, st, notes);
		advance(w, st);
	}
	/* What belongs to no channel is told after the last one. */
	if (said != BRIDGE_SAID && w->channel++ == MIDI_CHANNELS)
		(void)say_if(&out, st->sys.song.seq, TARGET_SONG, 0, 0, st->sys.song.song);
}

/* ---- what ends without being named ---- */

/* What of a channel changes with a command that names none of it. */
enum { ENDS_NOTES = 1, RESTS = 2 };

static unsigned changes(const struct midi_cmd *cmd, unsigned channel)
{
	if (cmd->status == MIDI_RESET)
		return ENDS_NOTES;
	if (cmd->status == MIDI_SYSEX)
		return cmd->part == MIDI_WHOLE && midi_is_reset_sysex(cmd->body, cmd->len) ? ENDS_NOTES : 0;
	if (cmd->status != (MIDI_CC | channel) || cmd->data[0] < CC_SOUND_OFF || cmd->data[0] == CC_LOCAL)
		return 0;
	return cmd->data[0] == CC_RESET ? RESTS : ENDS_NOTES;
}

/* One thing after the other: notes, pressures of notes, then these. Where they go is where midi_channel.c has them
 * go. */
enum { STEP_NOTE = 0, STEP_POLY = MIDI_KEYS, STEP_CC = 2 * MIDI_KEYS, STEP_BEND = STEP_CC + 6, STEP_PRESSURE, STEPS };

static const struct { uint8_t num, rest; } controls[STEP_BEND - STEP_CC] = {
	{CC_MODULATION, 0}, {CC_EXPRESSION, 127}, {CC_SUSTAIN, 0}, {CC_SUSTAIN + 1, 0}, {CC_SUSTAIN + 2, 0},
	{CC_SOFT, 0},
};

static enum bridge_answer say_step(struct bridge_out *out, const struct midi_chan *c, unsigned channel, unsigned step,
	unsigned what)
{
	if (step < STEP_POLY)
		return say_if(out, what & ENDS_NOTES && c->note[step].count, TARGET_NOTE, channel, step, 0);
	if (step == STEP_PRESSURE)
		return say_if(out, c->pressure.seq, TARGET_PRESSURE, channel, 0, 0);
	if (!(what & RESTS))
		return BRIDGE_SILENT;
	if (step < STEP_CC)
		return say_if(out, c->poly[step - STEP_POLY].seq, TARGET_POLY, channel, step - STEP_POLY, 0);
	if (step == STEP_BEND)
		return say_if(out, c->bend.seq, TARGET_BEND, channel, 0, MIDI_CENTRE);
	return say_if(out, c->cc[controls[step - STEP_CC].num].seq, TARGET_CC, channel, controls[step - STEP_CC].num,
		controls[step - STEP_CC].rest);
}

void bridge_silenced_rt(uint8_t *buf, size_t *len, const struct bridge_taker *to, const struct midi_state *before,
	const struct midi_cmd *cmd, unsigned *i)
{
	struct bridge_out out = {.to = to, .buf = buf, .room = *len, .len = len};

	*len = 0;
	while (*i < MIDI_CHANNELS * STEPS && !*len) {
		const unsigned channel = *i / STEPS, step = (*i)++ % STEPS, what = changes(cmd, channel);

		if (what)
			(void)say_step(&out, &before->chan[channel], channel, step, what);
		else
			*i = (channel + 1) * STEPS;
	}
}
