/*
 * midi_merge_param.c - commands that mean nothing without what was said before them: a Program Change with its bank selects, a data
 * entry with its parameter number.
 *
 * Each source has a bank and a number of its own. Both are said again in the merged stream where another has said something else in
 * between. No number is ever put together from the halves of two.
 */
#include "midi_merge_priv.h"

enum { NULL_NUM = 0x3fff, NO_NUM = -1, NRPN = 1 << 14 };

/* ---- banks ---- */

/* "Before a Program Change the source's own bank selects are sent if the merged stream's differ". Who never selected one means the
 * first bank: that of an instrument that is switched on. */
void merge_program_rt(struct midi_merge *m, const struct merge_part *part, unsigned chan, const struct midi_cmd *cmd)
{
	const struct midi_chan *c = &m->state.chan[chan];

	if (c->bank.msb != part->bank_msb || c->bank.lsb != part->bank_lsb) {
		merge_short_rt(m, MIDI_CC | chan, CC_BANK_MSB, part->bank_msb);
		merge_short_rt(m, MIDI_CC | chan, CC_BANK_LSB, part->bank_lsb);
	}
	merge_emit_rt(m, cmd);
}

/* As midi_channel.c has it: an MSB begins with LSB 0. */
static void note_bank(struct merge_part *part, unsigned num, unsigned value)
{
	if (num == CC_BANK_MSB) {
		part->bank_msb = (uint8_t)value;
		part->bank_lsb = 0;
	} else {
		part->bank_lsb = (uint8_t)value;
	}
}

/* ---- parameter numbers ---- */

/* "If the LSB command is omitted, the LSB value 0x00 is assumed." (RFC 6295 A.1) */
static int number(bool pending, bool open, bool nrpn, unsigned msb, unsigned num)
{
	if (pending)
		return (nrpn ? NRPN : 0) | (int)(msb << 7);
	return open ? (nrpn ? NRPN : 0) | (int)num : NO_NUM;
}

static int number_of_part(const struct merge_select *s)
{
	return number(s->pending, s->open, s->nrpn, s->msb[s->nrpn], s->num);
}

static int number_of_stream(const struct midi_select *s)
{
	return number(s->pending, s->open, s->nrpn, s->msb[s->nrpn], s->num);
}

static void say_number(struct midi_merge *m, unsigned chan, int num)
{
	const bool nrpn = num != NO_NUM && num & NRPN;
	const unsigned n = num == NO_NUM ? NULL_NUM : (unsigned)num & NULL_NUM;

	merge_short_rt(m, MIDI_CC | chan, nrpn ? CC_NRPN_MSB : CC_RPN_MSB, n >> 7);
	merge_short_rt(m, MIDI_CC | chan, nrpn ? CC_NRPN_LSB : CC_RPN_LSB, n & 0x7f);
}

static void select_msb(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	struct merge_select *s = &part->select;

	s->nrpn = num == CC_NRPN_MSB;
	s->pending = true;
	s->open = false;
	s->msb[s->nrpn] = (uint8_t)value;
	merge_short_rt(m, MIDI_CC | chan, num, value);
}

static void select_lsb(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	const struct midi_select *out = &m->state.chan[chan].select;
	struct merge_select *s = &part->select;

	s->nrpn = num == CC_NRPN_LSB;
	s->pending = false;
	s->num = (uint16_t)(s->msb[s->nrpn] << 7 | value);
	s->open = s->num != NULL_NUM;
	/* Another's MSB stands there, or one of the other kind. */
	if (out->nrpn != s->nrpn || out->msb[s->nrpn] != s->msb[s->nrpn])
		merge_short_rt(m, MIDI_CC | chan, num + 1, s->msb[s->nrpn]);
	merge_short_rt(m, MIDI_CC | chan, num, value);
}

/* "before Data Entry/Increment/Decrement the source's parameter number is sent if the merged stream's selected number differs" */
static void enter_data(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	const int want = number_of_part(&part->select);
	const struct midi_select *out = &m->state.chan[chan].select;

	if (number_of_stream(out) != want)
		say_number(m, chan, want);
	if (number_of_stream(out) == want)      /* else the receiver must not be sent numbers */
		merge_short_rt(m, MIDI_CC | chan, num, value);
	if (part->select.pending) {
		part->select.pending = false;
		part->select.open = true;
		part->select.num = (uint16_t)(part->select.msb[part->select.nrpn] << 7);
	}
}

bool merge_param_rt(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, unsigned value)
{
	switch (num) {
	case CC_BANK_MSB:
	case CC_BANK_LSB:
		note_bank(part, num, value);
		return false;
	case CC_NRPN_MSB:
	case CC_RPN_MSB:
		select_msb(m, part, chan, num, value);
		return true;
	case CC_NRPN_LSB:
	case CC_RPN_LSB:
		select_lsb(m, part, chan, num, value);
		return true;
	case CC_DATA_MSB:
	case CC_DATA_LSB:
	case CC_INCREMENT:
	case CC_DECREMENT:
		enter_data(m, part, chan, num, value);
		return true;
	default:
		return false;
	}
}
