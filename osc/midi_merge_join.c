/*
 * midi_merge_join.c - sources that come with something they have said already.
 *
 * A stream that begins is seeded: its first journal tells what all sources have set, the newest of each thing, with notes that sound
 * as held. In a stream that runs, what a new source has set is played, but for its notes.
 */
#include <errno.h>

#include "midi_merge_priv.h"
#include "midi_release.h"

enum { NOTES_MOST = 127 };

/* Numbers of packets or commands, which go round. */
static bool newer(uint32_t seq, uint32_t than)
{
	return seq && (!than || (int32_t)(seq - than) > 0);
}

static void seed_notes(struct midi_merge *m, struct merge_part *part, unsigned chan, const struct midi_chan *from)
{
	struct midi_chan *to = &m->state.chan[chan];

	for (uint8_t i = 0; i < MIDI_KEYS; i++) {
		const struct midi_note *note = &from->note[i];

		if (note->state != NOTE_ON || !note->count || !merge_may_rt(m, MIDI_NOTE_ON | chan, i))
			continue;
		merge_hold_rt(part, &m->books[chan], i);
		to->note[i].state = NOTE_ON;
		to->note[i].seq = 1;
		to->note[i].velocity = note->velocity;
		if (to->note[i].count < NOTES_MOST)       /* one for each source */
			to->note[i].count++;
		order_newest(&to->note_order, i);
	}
}

/* "off is forwarded only when every source has it off" */
static void seed_switch(struct midi_merge *m, struct merge_part *part, unsigned chan, unsigned num, const struct midi_control *cc)
{
	struct midi_control *to = &m->state.chan[chan].cc[num];
	uint16_t *down = &m->books[chan].down[num - CC_SUSTAIN];

	if (cc->on ? newer(cc->seq, to->on ? to->seq : 0) : !*down && newer(cc->seq, to->seq))
		*to = *cc;
	if (cc->on) {
		part->down |= (uint8_t)(1u << (num - CC_SUSTAIN));
		++*down;
	}
}

static void seed_controls(struct midi_merge *m, struct merge_part *part, unsigned chan, const struct midi_chan *from)
{
	struct midi_chan *to = &m->state.chan[chan];

	for (uint8_t i = 0; i < CC_SOUND_OFF; i++) {
		if (!from->cc[i].seq || !merge_may_rt(m, MIDI_CC | chan, i))
			continue;
		if (i >= CC_SUSTAIN && i <= CC_HOLD2) {
			seed_switch(m, part, chan, i, &from->cc[i]);
		} else if (newer(from->cc[i].seq, to->cc[i].seq)) {
			to->cc[i] = from->cc[i];
			if (i == CC_BANK_MSB || i == CC_BANK_LSB)
				to->bank = from->bank;
		}
		order_newest(&to->cc_order, i);
	}
}

static struct midi_param *param_place(struct midi_chan *c, const struct midi_param *p)
{
	for (unsigned i = 0; i < c->n_params; i++)
		if (c->param[i].num == p->num && c->param[i].nrpn == p->nrpn)
			return &c->param[i];
	if (c->n_params == MIDI_PARAMS)
		return NULL;
	c->param[c->n_params] = (struct midi_param){0};
	return &c->param[c->n_params++];
}

static void seed_params(struct midi_chan *to, const struct midi_chan *from)
{
	for (unsigned i = from->param_order.next[ORDER_ANCHOR]; i != ORDER_ANCHOR; i = from->param_order.next[i]) {
		struct midi_param *p = param_place(to, &from->param[i]);

		if (!p || !newer(from->param[i].seq, p->seq))
			continue;
		*p = from->param[i];
		order_newest(&to->param_order, (uint8_t)(p - to->param));
	}
	if (newer(from->select.seq, to->select.seq))
		to->select = from->select;
}

static void seed_wheels(struct midi_merge *m, unsigned chan, const struct midi_chan *from)
{
	struct midi_chan *to = &m->state.chan[chan];

	if (newer(from->program.seq, to->program.seq) && merge_may_rt(m, MIDI_PROGRAM | chan, 0))
		to->program = from->program;
	if (newer(from->bend.seq, to->bend.seq) && merge_may_rt(m, MIDI_BEND | chan, 0))
		to->bend = from->bend;
	if (newer(from->pressure.seq, to->pressure.seq) && merge_may_rt(m, MIDI_PRESSURE | chan, 0))
		to->pressure = from->pressure;
	for (uint8_t i = 0; i < MIDI_KEYS; i++)
		if (newer(from->poly[i].seq, to->poly[i].seq) && merge_may_rt(m, MIDI_POLY | chan, i)) {
			to->poly[i] = from->poly[i];
			order_newest(&to->poly_order, i);
		}
}

static void remember_part(struct merge_part *part, const struct midi_chan *from)
{
	part->bank_msb = from->bank.msb;
	part->bank_lsb = from->bank.lsb;
	part->select = (struct merge_select){.pending = from->select.pending, .open = from->select.open, .nrpn = from->select.nrpn,
		.msb = {from->select.msb[0], from->select.msb[1]}, .num = from->select.num};
}

static void seed_channel(struct midi_merge *m, struct merge_part *part, unsigned chan, const struct midi_chan *from)
{
	m->state.chan[chan].seq = 1;
	remember_part(part, from);
	seed_notes(m, part, chan, from);
	seed_controls(m, part, chan, from);
	if (merge_may_rt(m, MIDI_CC | chan, CC_RPN_MSB))
		seed_params(&m->state.chan[chan], from);
	seed_wheels(m, chan, from);
}

static void seed_system(struct midi_merge *m, const struct midi_system *from)
{
	struct midi_system *to = &m->state.sys;

	if (newer(from->song.seq, to->song.seq) && merge_may_rt(m, MIDI_SONG, 0))
		to->song = from->song;
	if (newer(from->sequencer.seq, to->sequencer.seq) && merge_may_rt(m, MIDI_START, 0))
		to->sequencer = from->sequencer;
	to->seq = 1;
}

int midi_merge_seed_rt(struct midi_merge *m, uint32_t id, const struct midi_state *st)
{
	struct merge_source *src;
	const int err = merge_place_rt(&src, m, id);

	if (err)
		return err;
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		if (st->chan[i].seq)
			seed_channel(m, &src->part[i], merge_channel_rt(m, src, i), &st->chan[i]);
	if (st->sys.seq)
		seed_system(m, &st->sys);
	return 0;
}

struct joining {
	struct midi_merge *m;
	uint32_t id;
	uint64_t now_us;
	midi_merge_h *h;
	void    *arg;
};

static void play_said(const struct midi_cmd *cmd, void *arg)
{
	const struct joining *j = arg;

	midi_merge_put_rt(j->m, j->id, cmd, j->now_us, j->h, j->arg);
}

int midi_merge_join_rt(struct midi_merge *m, uint32_t id, const struct midi_state *st, uint64_t now_us, midi_merge_h *h, void *arg)
{
	struct joining j = {.m = m, .id = id, .now_us = now_us, .h = h, .arg = arg};
	struct merge_source *src;
	const int err = merge_place_rt(&src, m, id);

	if (!err && st)
		midi_retell_rt(st, play_said, &j);
	return err;
}
