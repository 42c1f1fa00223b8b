/*
 * bridge_silenced.c - keys that change with a MIDI command without being named by its message.
 */
#include "bridge_priv.h"

static enum bridge_answer say_if(struct bridge_out *out, bool is_set, enum osctarget_kind kind, unsigned channel,
	unsigned num, unsigned value)
{
	const struct osctarget t = {.kind = kind, .channel = (uint8_t)channel, .num = (uint16_t)num};

	return is_set ? bridge_say(out, &t, value) : BRIDGE_SILENT;
}

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
