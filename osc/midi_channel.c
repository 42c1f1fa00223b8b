/*
 * midi_channel.c - the state of one MIDI channel: what each command changes, and what it ends.
 *
 * Reset All Controllers (121) is read as RP-015 has it, which RFC 6295 A.3.1 allows: modulation, expression and the pedals 64 to
 * 67, bend and pressures go to their rest, bank, volume, pan, program and effects stay. What went to its rest is no longer
 * active and in no journal, or a receiver that has heard the 121 would be told the value from before it.
 */
#include <string.h>

#include "midi_state.h"

enum { NULL_PARAM = 0x3fff, COUNT_MASK = 63, BUTTON_MAX = 16383, NOTE_COUNT_MAX = 127, RELEASE_DEFAULT = 64 };

void midi_channel_reset(struct midi_chan *c)
{
	memset(c, 0, sizeof(*c));
	c->bend.value = MIDI_CENTRE;
	order_init(&c->cc_order);
	order_init(&c->param_order);
	order_init(&c->note_order);
	order_init(&c->poly_order);
}

/* ---- notes ---- */

static void note_on(struct midi_chan *c, uint8_t num, uint8_t velocity, uint32_t seq, uint32_t ts)
{
	struct midi_note *n = &c->note[num];

	n->state = NOTE_ON;
	n->velocity = velocity;
	n->ts = ts;
	n->seq = seq;
	if (n->count < NOTE_COUNT_MAX)
		n->count++;
	order_newest(&c->note_order, num);
}

/* "A decrement that generates a negative count value is not performed." */
static void note_off(struct midi_chan *c, uint8_t num, uint8_t release, uint32_t seq)
{
	struct midi_note *n = &c->note[num];

	n->state = NOTE_OFF;
	n->release = release;
	n->seq = c->off_seq = seq;
	if (n->count)
		n->count--;
	if (n->silent > n->count)
		n->silent = n->count;
	order_newest(&c->note_order, num);
}

/* All Notes Off and its relatives: no note command before them is "N-active". */
static void notes_end(struct midi_chan *c)
{
	memset(c->note, 0, sizeof(c->note));
	order_init(&c->note_order);
	c->pressure.seq = 0;
	c->pressure.value = 0;
	for (unsigned i = 0; i < MIDI_KEYS; i++)
		c->poly[i].x = true;
}

/* ---- parameters ---- */

static struct midi_param *param_get(struct midi_chan *c, bool nrpn, uint16_t num)
{
	unsigned i;

	for (i = 0; i < c->n_params; i++)
		if (c->param[i].num == num && c->param[i].nrpn == nrpn)
			break;
	if (i == MIDI_PARAMS) {
		i = c->param_order.next[ORDER_ANCHOR];
		c->forgotten = c->param[i].seq;
		c->param[i] = (struct midi_param){.num = num, .nrpn = nrpn};
	} else if (i == c->n_params) {
		c->param[c->n_params++] = (struct midi_param){.num = num, .nrpn = nrpn};
	}
	order_newest(&c->param_order, (uint8_t)i);
	return &c->param[i];
}

const struct midi_param *midi_param_find(const struct midi_chan *c, bool nrpn, uint16_t num)
{
	for (unsigned i = 0; i < c->n_params; i++)
		if (c->param[i].num == num && c->param[i].nrpn == nrpn)
			return &c->param[i];
	return NULL;
}

static void param_open(struct midi_chan *c, uint16_t num, uint32_t seq)
{
	struct midi_select *s = &c->select;

	s->pending = false;
	s->open = num != NULL_PARAM;
	s->num = num;
	if (s->open)
		param_get(c, s->nrpn, num)->seq = seq;
}

static void select_msb(struct midi_chan *c, bool nrpn, uint8_t value, uint32_t seq)
{
	struct midi_select *s = &c->select;

	s->seq = seq;
	s->pending = true;
	s->open = false;
	s->nrpn = nrpn;
	s->msb[nrpn] = value;
}

static void select_lsb(struct midi_chan *c, bool nrpn, uint8_t value, uint32_t seq)
{
	c->select.seq = seq;
	c->select.nrpn = nrpn;
	param_open(c, (uint16_t)(c->select.msb[nrpn] << 7 | value), seq);
}

static void press_button(struct midi_param *p, int step)
{
	p->has_button = true;
	p->a_x = false;
	if (p->a_button + step >= -BUTTON_MAX && p->a_button + step <= BUTTON_MAX)
		p->a_button = (int16_t)(p->a_button + step);
	if (p->c_button + step >= -BUTTON_MAX && p->c_button + step <= BUTTON_MAX)
		p->c_button = (int16_t)(p->c_button + step);
}

/* Buttons "are not counted if they precede ... Data Entry MSB or ... LSB". */
static void buttons_clear(struct midi_param *p)
{
	p->has_button = p->a_x = false;
	p->a_button = p->c_button = 0;
}

static void param_data(struct midi_chan *c, uint8_t num, uint8_t value, uint32_t seq)
{
	struct midi_param *p = param_get(c, c->select.nrpn, c->select.num);

	p->seq = seq;
	switch (num) {
	case CC_DATA_MSB:
		p->has_msb = true;
		p->msb = value;
		p->msb_x = p->has_lsb = false;
		buttons_clear(p);
		break;
	case CC_DATA_LSB:
		p->has_lsb = true;
		p->lsb = value;
		p->lsb_x = false;
		buttons_clear(p);
		break;
	default:
		press_button(p, num == CC_INCREMENT ? 1 : -1);
	}
}

/* RFC 6295 A.3.4: whether a controller belongs to the parameter system is known by where it stands. */
static bool apply_param(struct midi_chan *c, uint8_t num, uint8_t value, uint32_t seq)
{
	switch (num) {
	case CC_NRPN_MSB:
	case CC_RPN_MSB:
		select_msb(c, num == CC_NRPN_MSB, value, seq);
		return true;
	case CC_NRPN_LSB:
	case CC_RPN_LSB:
		select_lsb(c, num == CC_NRPN_LSB, value, seq);
		return true;
	case CC_DATA_MSB:
	case CC_DATA_LSB:
	case CC_INCREMENT:
	case CC_DECREMENT:
		/* "If the LSB command is omitted, the LSB value 0x00 is assumed." */
		if (c->select.pending)
			param_open(c, (uint16_t)(c->select.msb[c->select.nrpn] << 7), seq);
		if (c->select.open)
			param_data(c, num, value, seq);
		return c->select.open;
	default:
		return false;
	}
}

/* ---- controllers ---- */

static void control_rest(struct midi_chan *c, uint8_t num)
{
	struct midi_control *cc = &c->cc[num];

	if (cc->on)
		cc->toggles = (cc->toggles + 1) & COUNT_MASK;
	cc->on = false;
	cc->seq = 0;
	cc->value = num == CC_EXPRESSION ? 127 : 0;
	order_drop(&c->cc_order, num);
}

static void reset_all(struct midi_chan *c)
{
	control_rest(c, CC_MODULATION);
	control_rest(c, CC_EXPRESSION);
	for (uint8_t num = CC_SUSTAIN; num <= CC_SOFT; num++)
		control_rest(c, num);
	c->select = (struct midi_select){0};
	for (unsigned i = 0; i < c->n_params; i++) {
		c->param[i].msb_x = c->param[i].lsb_x = c->param[i].a_x = true;
		c->param[i].c_button = 0;
	}
	c->bend.seq = 0;
	c->bend.value = MIDI_CENTRE;
	c->pressure.seq = 0;
	c->pressure.value = 0;
	memset(c->poly, 0, sizeof(c->poly));
	order_init(&c->poly_order);
	c->bank.x = c->bank.b;
}

static void forget_other(struct midi_chan *c, uint8_t num)
{
	c->cc[num].seq = 0;
	order_drop(&c->cc_order, num);
}

static void apply_mode(struct midi_chan *c, uint8_t num)
{
	if (num == CC_RESET)
		reset_all(c);
	else if (num != CC_LOCAL)
		notes_end(c);
	/* Of two that exclude each other, the list "MAY omit the controller log for ... the other number in the pair". */
	if (num >= CC_OMNI_OFF)
		forget_other(c, num ^ 1);
}

static void apply_bank(struct midi_chan *c, uint8_t num, uint8_t value)
{
	if (num == CC_BANK_MSB) {
		c->bank.b = true;
		c->bank.x = false;
		c->bank.msb = value;
		c->bank.lsb = 0;
	} else if (num == CC_BANK_LSB) {
		c->bank.lsb = value;
	}
}

static void apply_control(struct midi_chan *c, uint8_t num, uint8_t value, uint32_t seq)
{
	struct midi_control *cc = &c->cc[num];

	if (apply_param(c, num, value, seq))
		return;
	if (num >= CC_SOUND_OFF)
		apply_mode(c, num);
	apply_bank(c, num, value);
	if ((value >= 64) != cc->on)
		cc->toggles = (cc->toggles + 1) & COUNT_MASK;
	cc->on = value >= 64;
	cc->value = value;
	cc->count = (cc->count + 1) & COUNT_MASK;
	cc->seq = seq;
	order_newest(&c->cc_order, num);
}

/* ---- the rest ---- */

static void apply_program(struct midi_chan *c, uint8_t program, uint32_t seq)
{
	c->program = (struct midi_program){.seq = seq, .program = program, .b = c->bank.b};
	if (c->bank.b) {
		c->program.msb = c->bank.msb;
		c->program.lsb = c->bank.lsb;
		c->program.x = c->bank.x;
	}
}

static void apply_poly(struct midi_chan *c, uint8_t note, uint8_t value, uint32_t seq)
{
	c->poly[note] = (struct midi_poly){.seq = seq, .value = value};
	order_newest(&c->poly_order, note);
}

void midi_channel_apply(struct midi_chan *c, const struct midi_cmd *cmd, uint32_t seq, uint32_t ts)
{
	const uint8_t a = cmd->data[0], b = cmd->data[1];

	c->seq = seq;
	switch (cmd->status & 0xf0) {
	case MIDI_NOTE_ON:
		if (b)
			note_on(c, a, b, seq, ts);
		else
			note_off(c, a, RELEASE_DEFAULT, seq);
		break;
	case MIDI_NOTE_OFF: note_off(c, a, b, seq); break;
	case MIDI_POLY:     apply_poly(c, a, b, seq); break;
	case MIDI_CC:       apply_control(c, a, b, seq); break;
	case MIDI_PROGRAM:  apply_program(c, a, seq); break;
	case MIDI_PRESSURE: c->pressure.seq = seq; c->pressure.value = a; break;
	default:            c->bend.seq = seq; c->bend.value = (uint16_t)(a | b << 7);
	}
}
