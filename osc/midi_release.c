/*
 * midi_release.c - a state said as commands.
 */
#include "midi_release.h"

enum { RELEASE_DEFAULT = 64, NULL_HALF = 127, STEPS_MAX = 128 };

struct teller {
	midi_said_h *h;
	void    *arg;
	unsigned chan;
};

static void say(const struct teller *t, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);

	t->h(&cmd, t->arg);
}

static void say_control(const struct teller *t, unsigned num, unsigned value)
{
	say(t, MIDI_CC | t->chan, num, value);
}

/* ---- who goes ---- */

static void release_channel(const struct teller *t, const struct midi_chan *c)
{
	for (unsigned note = 0; note < MIDI_KEYS; note++)
		for (unsigned n = c->note[note].count; n; n--)
			say(t, MIDI_NOTE_OFF | t->chan, note, RELEASE_DEFAULT);
	for (unsigned num = CC_SUSTAIN; num <= CC_HOLD2; num++)
		if (c->cc[num].on)
			say_control(t, num, 0);
}

void midi_release_rt(const struct midi_state *st, midi_said_h *h, void *arg)
{
	struct teller t = {.h = h, .arg = arg};

	for (t.chan = 0; t.chan < MIDI_CHANNELS; t.chan++)
		if (st->chan[t.chan].seq)
			release_channel(&t, &st->chan[t.chan]);
}

/* ---- who comes ---- */

static void tell_program(const struct teller *t, const struct midi_program *p)
{
	if (!p->seq)
		return;
	if (p->b) {
		say_control(t, CC_BANK_MSB, p->msb);
		say_control(t, CC_BANK_LSB, p->lsb);
	}
	say(t, MIDI_PROGRAM | t->chan, p->program, 0);
}

static void tell_number(const struct teller *t, bool nrpn, unsigned num)
{
	say_control(t, nrpn ? CC_NRPN_MSB : CC_RPN_MSB, num >> 7);
	say_control(t, nrpn ? CC_NRPN_LSB : CC_RPN_LSB, num & 0x7f);
}

static void tell_steps(const struct teller *t, int steps)
{
	const unsigned num = steps > 0 ? CC_INCREMENT : CC_DECREMENT;

	for (int n = steps > 0 ? steps : -steps, i = 0; i < n && i < STEPS_MAX; i++)
		say_control(t, num, 0);
}

static void tell_params(const struct teller *t, const struct midi_chan *c)
{
	for (unsigned i = c->param_order.next[ORDER_ANCHOR]; i != ORDER_ANCHOR; i = c->param_order.next[i]) {
		const struct midi_param *p = &c->param[i];

		if (!p->seq || !(p->has_msb || p->has_lsb || p->has_button))
			continue;
		tell_number(t, p->nrpn, p->num);
		if (p->has_msb)
			say_control(t, CC_DATA_MSB, p->msb);
		if (p->has_lsb)
			say_control(t, CC_DATA_LSB, p->lsb);
		if (p->has_button)
			tell_steps(t, p->a_button);
	}
}

/* Which parameter the next data entry is for; none, if there were any above. */
static void tell_select(const struct teller *t, const struct midi_select *s)
{
	if (s->open)
		tell_number(t, s->nrpn, s->num);
	else if (s->pending)
		say_control(t, s->nrpn ? CC_NRPN_MSB : CC_RPN_MSB, s->msb[s->nrpn]);
	else if (s->seq)
		tell_number(t, false, NULL_HALF << 7 | NULL_HALF);
}

static void tell_controls(const struct teller *t, const struct midi_chan *c)
{
	for (unsigned i = c->cc_order.next[ORDER_ANCHOR]; i != ORDER_ANCHOR; i = c->cc_order.next[i])
		if (c->cc[i].seq && i < CC_SOUND_OFF)
			say_control(t, i, c->cc[i].value);
}

static void tell_channel(const struct teller *t, const struct midi_chan *c)
{
	tell_program(t, &c->program);
	/* Controllers first: data entries among them were none, as no number was selected. */
	tell_controls(t, c);
	tell_params(t, c);
	tell_select(t, &c->select);
	if (c->bend.seq)
		say(t, MIDI_BEND | t->chan, c->bend.value & 0x7f, c->bend.value >> 7);
	if (c->pressure.seq)
		say(t, MIDI_PRESSURE | t->chan, c->pressure.value, 0);
	for (unsigned i = c->poly_order.next[ORDER_ANCHOR]; i != ORDER_ANCHOR; i = c->poly_order.next[i])
		if (c->poly[i].seq && !c->poly[i].x)
			say(t, MIDI_POLY | t->chan, i, c->poly[i].value);
}

void midi_retell_rt(const struct midi_state *st, midi_said_h *h, void *arg)
{
	struct teller t = {.h = h, .arg = arg};

	for (t.chan = 0; t.chan < MIDI_CHANNELS; t.chan++)
		if (st->chan[t.chan].seq)
			tell_channel(&t, &st->chan[t.chan]);
	if (st->sys.song.seq)
		say(&t, MIDI_SONG, st->sys.song.song, 0);
}

/* ---- who must not hear all ---- */

static bool is_barred(const struct midi_subset *s, unsigned status, unsigned a)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, 0);

	return !midi_subset_allows(s, &cmd);
}

static void limit_channel(struct midi_chan *c, unsigned chan, const struct midi_subset *s)
{
	for (uint8_t i = 0; i < MIDI_KEYS; i++) {
		if (c->cc[i].seq && is_barred(s, MIDI_CC | chan, i)) {
			c->cc[i] = (struct midi_control){0};
			order_drop(&c->cc_order, i);
		}
		if (c->note[i].seq && is_barred(s, MIDI_NOTE_ON | chan, i)) {
			c->note[i] = (struct midi_note){0};
			order_drop(&c->note_order, i);
		}
		if (c->poly[i].seq && is_barred(s, MIDI_POLY | chan, i)) {
			c->poly[i] = (struct midi_poly){0};
			order_drop(&c->poly_order, i);
		}
	}
	if (is_barred(s, MIDI_CC | chan, CC_RPN_MSB)) {
		c->select = (struct midi_select){0};
		c->n_params = 0;
		order_init(&c->param_order);
	}
	if (is_barred(s, MIDI_PROGRAM | chan, 0))
		c->program.seq = 0;
	if (is_barred(s, MIDI_PRESSURE | chan, 0))
		c->pressure.seq = 0;
	if (is_barred(s, MIDI_BEND | chan, 0))
		c->bend.seq = 0;
}

void midi_limit_rt(struct midi_state *st, const struct midi_subset *subset)
{
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		if (st->chan[i].seq)
			limit_channel(&st->chan[i], i, subset);
	if (is_barred(subset, MIDI_SONG, 0))
		st->sys.song.seq = 0;
	if (is_barred(subset, MIDI_START, 0))
		st->sys.sequencer.seq = 0;
}
