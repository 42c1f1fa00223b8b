/*
 * midi_state.c - the state of a whole stream: system commands here, channels in midi_channel.c.
 *
 * SysEx commands lie one after the other in a ring of octets; at most one is open (its end has not come), and it is the last,
 * so each lies in one piece. Older ones are written over, which whoever sends prevents by waiting (midi_sender).
 */
#include <string.h>

#include "journal.h"
#include "midi_state.h"

enum { POSITION_MASK = 524287, CLOCKS_PER_BEAT = 6 };

/* ---- order ---- */

void order_init(struct midi_order *o)
{
	for (unsigned i = 0; i <= ORDER_ANCHOR; i++)
		o->next[i] = o->prev[i] = (uint8_t)i;
}

void order_drop(struct midi_order *o, uint8_t i)
{
	o->next[o->prev[i]] = o->next[i];
	o->prev[o->next[i]] = o->prev[i];
	o->next[i] = o->prev[i] = i;
}

void order_newest(struct midi_order *o, uint8_t i)
{
	uint8_t last;

	order_drop(o, i);
	last = o->prev[ORDER_ANCHOR];
	o->next[last] = i;
	o->prev[i] = last;
	o->next[i] = ORDER_ANCHOR;
	o->prev[ORDER_ANCHOR] = i;
}

/* ---- SysEx ---- */

bool midi_sysex_octet(uint8_t *octet, const struct midi_sysexes *x, const struct midi_sysex_entry *e, size_t i)
{
	if (i >= e->len || x->end - e->at > MIDI_SYSEX_MAX)
		return false;
	*octet = x->pool[(e->at + i) % MIDI_SYSEX_MAX];
	return true;
}

static void sysex_begin(struct midi_sysexes *x)
{
	if (x->open)
		midi_sysex_at(x, x->n - 1)->sta = STA_CANCELLED;
	*midi_sysex_at(x, x->n++) = (struct midi_sysex_entry){.at = x->end, .count = ++x->count,
		.unsure = x->unsure};
	if (x->n - x->first > MIDI_SYSEXES)
		x->first = x->n - MIDI_SYSEXES;
	x->open = true;
}

/* What is longer than is kept loses its beginning, and is then known by no octet. */
static void sysex_append(struct midi_sysexes *x, const struct midi_cmd *cmd, uint32_t seq)
{
	struct midi_sysex_entry *e = midi_sysex_at(x, x->n - 1);

	e->seq = seq;
	for (size_t i = 0; i < cmd->len; i++)
		x->pool[x->end++ % MIDI_SYSEX_MAX] = cmd->body[i];
	e->len = (uint16_t)(e->len + cmd->len > UINT16_MAX ? UINT16_MAX : e->len + cmd->len);
}

static void mtc_full_frame(struct midi_mtc *m, const uint8_t *hmsf, uint32_t seq)
{
	m->seq = m->complete_seq = seq;
	m->quarters = m->partial = m->backward = false;
	memcpy(m->complete, hmsf, 4);
}

/* The finished command's octets in a row, when they are few enough to mean anything here. */
static size_t sysex_copy(uint8_t *out, size_t room, const struct midi_sysexes *x, const struct midi_sysex_entry *e)
{
	if (e->len > room)
		return 0;
	for (size_t i = 0; i < e->len; i++)
		if (!midi_sysex_octet(&out[i], x, e, i))
			return 0;
	return e->len;
}

/* Reset State commands undo all before them; "finished MTC Full Frame commands ... are coded in Chapter F". */
static void sysex_finish(struct midi_state *st, uint8_t sta, uint32_t seq)
{
	struct midi_sysexes *x = &st->sys.sysex;
	struct midi_sysex_entry *e = midi_sysex_at(x, x->n - 1);
	uint8_t octets[8];
	size_t n;

	e->sta = sta;
	e->seq = seq;
	x->open = false;
	if (sta == STA_CANCELLED)
		return;
	n = sysex_copy(octets, sizeof(octets), x, e);
	if (midi_is_full_frame(octets, n)) {
		mtc_full_frame(&st->sys.mtc, octets + 4, seq);
		x->n--;
		x->end -= (uint32_t)n;
	} else if (midi_is_reset_sysex(octets, n)) {
		midi_state_reset(st);
		x->first = x->n - 1;
		st->sys.seq = seq;
	}
}

static void apply_sysex(struct midi_state *st, const struct midi_cmd *cmd, uint32_t seq)
{
	struct midi_sysexes *x = &st->sys.sysex;

	if (cmd->part == MIDI_WHOLE || cmd->part == MIDI_FIRST)
		sysex_begin(x);
	if (!x->open)
		return;                   /* the rest of one whose beginning never came */
	sysex_append(x, cmd, seq);
	if (cmd->part == MIDI_CANCEL)
		sysex_finish(st, STA_CANCELLED, seq);
	else if (cmd->part == MIDI_WHOLE || cmd->part == MIDI_LAST)
		sysex_finish(st, cmd->dropped ? STA_DROPPED : STA_FINISHED, seq);
}

/* ---- the sequencer (RFC 6295 B.3) ---- */

static void apply_clock(struct midi_sequencer *q)
{
	if (q->played)
		q->position = (q->position + 1) & POSITION_MASK;
	q->played = true;
}

static void apply_sequencer(struct midi_sequencer *q, const struct midi_cmd *cmd, uint32_t seq)
{
	if (cmd->status == MIDI_CLOCK && !q->running)
		return;                   /* "if the rules ... require a change in the Chapter Q bitfield contents" */
	q->seq = seq;
	switch (cmd->status) {
	case MIDI_POSITION:
		q->position = CLOCKS_PER_BEAT * (cmd->data[0] | (uint32_t)cmd->data[1] << 7);
		q->played = false;
		break;
	case MIDI_START:
		q->position = 0;
		q->played = false;
		q->running = q->started = true;
		break;
	case MIDI_CONTINUE:
		q->running = true;
		q->started = false;
		break;
	case MIDI_STOP:
		q->running = false;
		break;
	default:
		apply_clock(q);
	}
}

/* ---- MIDI time code (RFC 6295 B.4) ---- */

static bool is_drop_frame(unsigned rate) { return rate == 2; }

void midi_mtc_two_later(uint8_t n[8])
{
	static const unsigned rates[4] = {24, 25, 30, 30};
	const unsigned rate = n[7] >> 1 & 3;
	unsigned frame = n[0] | (n[1] & 1u) << 4, sec = n[2] | (n[3] & 3u) << 4, min = n[4] | (n[5] & 3u) << 4;
	unsigned hour = n[6] | (n[7] & 1u) << 4;

	frame += 2;
	if (frame >= rates[rate]) {
		frame -= rates[rate];
		sec++;
	}
	if (sec >= 60) {
		sec = 0;
		min = (min + 1) % 60;
		hour = (hour + (min == 0)) % 24;
		/* Drop frame: no frames 0 and 1 at the beginning of a minute, but of every tenth. */
		if (is_drop_frame(rate) && min % 10 && frame < 2)
			frame += 2;
	}
	n[0] = frame & 0x0f;
	n[1] = (uint8_t)((n[1] & 0x0e) | frame >> 4);
	n[2] = sec & 0x0f;
	n[3] = (uint8_t)((n[3] & 0x0c) | sec >> 4);
	n[4] = min & 0x0f;
	n[5] = (uint8_t)((n[5] & 0x0c) | min >> 4);
	n[6] = hour & 0x0f;
	n[7] = (uint8_t)((n[7] & 0x0e) | hour >> 4);
}

static void mtc_begin(struct midi_mtc *m, bool backward, uint8_t type, uint8_t nibble)
{
	memset(m->nibble, 0, sizeof(m->nibble));
	m->partial = true;
	m->backward = backward;
	m->point = type;
	m->nibble[type] = nibble;
}

/* "This offset compensates for the two-frame latency of the Quarter Frame encoding for forward tape movement." */
static void mtc_complete(struct midi_mtc *m, uint32_t seq)
{
	memcpy(m->complete, m->nibble, sizeof(m->complete));
	if (!m->backward)
		midi_mtc_two_later(m->complete);
	m->quarters = true;
	m->partial = false;
	m->complete_seq = seq;
}

static void apply_quarter(struct midi_mtc *m, uint8_t data, uint32_t seq)
{
	const uint8_t type = data >> 4 & 7, nibble = data & 0x0f;

	m->seq = seq;
	if (m->partial && type == (m->backward ? m->point - 1 : m->point + 1)) {
		m->point = type;
		m->nibble[type] = nibble;
		if (type == (m->backward ? 0 : 7))
			mtc_complete(m, seq);
	} else if (type == 0 || type == 7) {
		mtc_begin(m, type == 7, type, nibble);
	} else {
		m->partial = false;
	}
}

/* ---- the other system commands ---- */

static void count_one(struct midi_counted *c, uint32_t seq)
{
	c->seq = seq;
	c->count = (c->count + 1) & 0x7f;
}

static void apply_undef(struct midi_undef *u, const struct midi_cmd *cmd, uint32_t seq)
{
	u->seq = seq;
	u->count++;
	u->len = (uint8_t)(cmd->len > MIDI_UNDEF_MAX ? MIDI_UNDEF_MAX : cmd->len);
	if (u->len)
		memcpy(u->data, cmd->body, u->len);
}

static void apply_system(struct midi_state *st, const struct midi_cmd *cmd, uint32_t seq)
{
	struct midi_system *sys = &st->sys;

	sys->seq = seq;
	switch (cmd->status) {
	case MIDI_SYSEX:     apply_sysex(st, cmd, seq); break;
	case MIDI_QUARTER:   apply_quarter(&sys->mtc, cmd->data[0], seq); break;
	case MIDI_SONG:      sys->song.seq = seq; sys->song.song = cmd->data[0]; break;
	case MIDI_UNDEF_F4:  apply_undef(&sys->f4, cmd, seq); break;
	case MIDI_UNDEF_F5:  apply_undef(&sys->f5, cmd, seq); break;
	case MIDI_UNDEF_F9:  apply_undef(&sys->f9, cmd, seq); break;
	case MIDI_UNDEF_FD:  apply_undef(&sys->fd, cmd, seq); break;
	case MIDI_TUNE:      count_one(&sys->tune, seq); break;
	case MIDI_SENSE:     count_one(&sys->sense, seq); break;
	case MIDI_RESET:
		midi_state_reset(st);
		count_one(&sys->reset, seq);
		sys->seq = seq;
		break;
	default:             apply_sequencer(&sys->sequencer, cmd, seq);
	}
}

/* ---- the whole ---- */

void midi_state_init(struct midi_state *st)
{
	memset(st, 0, sizeof(*st));
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		midi_channel_reset(&st->chan[i]);
}

void midi_state_apply(struct midi_state *st, const struct midi_cmd *cmd, uint32_t seq, uint32_t ts)
{
	if (midi_is_channel(cmd->status))
		midi_channel_apply(&st->chan[cmd->status & 0x0f], cmd, seq, ts);
	else if (cmd->status >= 0xf0)
		apply_system(st, cmd, seq);
}

void midi_state_reset(struct midi_state *st)
{
	struct midi_system *sys = &st->sys;

	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		if (st->chan[i].seq)
			midi_channel_reset(&st->chan[i]);
	sys->tune.seq = sys->sense.seq = sys->song.seq = 0;
	sys->f4.seq = sys->f5.seq = sys->f9.seq = sys->fd.seq = 0;
	sys->sequencer = (struct midi_sequencer){0};
	sys->mtc = (struct midi_mtc){0};
	sys->sysex.first = sys->sysex.n;
	sys->sysex.open = false;
}

static void renew(uint32_t *seq, uint32_t to)
{
	if (*seq)
		*seq = to;
}

static void renew_channel(struct midi_chan *c, uint32_t seq)
{
	for (unsigned i = 0; i < MIDI_KEYS; i++) {
		renew(&c->cc[i].seq, seq);
		renew(&c->poly[i].seq, seq);
		renew(&c->note[i].seq, seq);
	}
	for (unsigned i = 0; i < c->n_params; i++)
		renew(&c->param[i].seq, seq);
	renew(&c->seq, seq);
	renew(&c->program.seq, seq);
	renew(&c->select.seq, seq);
	renew(&c->bend.seq, seq);
	renew(&c->pressure.seq, seq);
	renew(&c->off_seq, seq);
}

static void renew_system(struct midi_system *sys, uint32_t seq)
{
	uint32_t *all[] = {&sys->seq, &sys->reset.seq, &sys->tune.seq, &sys->sense.seq, &sys->song.seq, &sys->f4.seq, &sys->f5.seq,
		&sys->f9.seq, &sys->fd.seq, &sys->sequencer.seq, &sys->mtc.seq, &sys->mtc.complete_seq};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		renew(all[i], seq);
	sys->sysex.first = sys->sysex.open ? sys->sysex.n - 1 : sys->sysex.n;
	if (sys->sysex.open)
		midi_sysex_at(&sys->sysex, sys->sysex.n - 1)->seq = seq;
}

void midi_state_renew(struct midi_state *st, unsigned part, uint32_t seq)
{
	if (part < MIDI_CHANNELS)
		renew_channel(&st->chan[part], seq);
	else
		renew_system(&st->sys, seq);
}

/* Keys that are up are no news to who never heard them go down. */
static void strip_channel(struct midi_chan *c)
{
	for (uint8_t i = 0; i < MIDI_KEYS; i++) {
		if (i >= CC_SOUND_OFF) {
			order_drop(&c->cc_order, i);
			c->cc[i].seq = 0;
		}
		c->cc[i].count = 0;
		c->cc[i].toggles = c->cc[i].on;
		if (!c->note[i].count) {
			order_drop(&c->note_order, i);
			c->note[i] = (struct midi_note){0};
		}
	}
	c->off_seq = c->forgotten = 0;
}

void midi_state_strip(struct midi_state *st)
{
	struct midi_system *sys = &st->sys;

	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		strip_channel(&st->chan[i]);
	sys->reset = sys->tune = sys->sense = (struct midi_counted){0};
	sys->f4 = sys->f5 = sys->f9 = sys->fd = (struct midi_undef){0};
	sys->sysex = (struct midi_sysexes){0};
	sys->mtc = (struct midi_mtc){0};
}
