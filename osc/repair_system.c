/*
 * repair_system.c - the system journal against the state as heard.
 *
 * SysEx logs are matched with the commands heard since the checkpoint, in order: what was heard is a part of what was sent, so
 * whatever finds no partner was lost. They are matched by COUNT, which also counts MTC full frames that chapter X does not
 * hold; so where some of those may have been lost (or the beginning of the stream), by their octets until a log tells the
 * count again. Octets alone would take a second GM System On for the first.
 */
#include <string.h>

#include "midi_repair_priv.h"

enum { CLOCKS_MAX = 96, CLOCKS_PER_BEAT = 6, BEATS_MAX = 16383, SYSEX_HELD_MAX = JOURNAL_LENGTH_MAX };

/* ---- D and V ---- */

/* Whether one of these was lost. What came before the first packet is no loss. */
static bool count_differs(const struct midi_repair *r, const struct journal_count *log, struct midi_counted *own)
{
	const bool differs = log->there && log->count != own->count;

	return differs && !r->fresh;
}

static void repair_counted(struct midi_repair *r, uint8_t status, const struct journal_count *log, struct midi_counted *own)
{
	if (count_differs(r, log, own))
		repair_short(r, status, 0, 0);
	if (log->there)
		own->count = log->count;
}

static bool undef_differs(const struct journal_undef *log, const struct midi_undef *own)
{
	if (log->c)
		return log->count != own->count;
	if (!log->v || !own->seq || log->len != own->len)
		return true;
	for (size_t i = 0; i < log->len; i++)
		if (journal_octet(log->value, i) != own->data[i])
			return true;
	return false;
}

static void repair_undef(struct midi_repair *r, uint8_t status, const struct journal_undef *log, struct midi_undef *own)
{
	uint8_t data[MIDI_UNDEF_MAX];
	struct midi_cmd cmd = {.status = status, .body = data};

	if (!log->there)
		return;
	if (undef_differs(log, own) && log->len <= sizeof(data) && !r->fresh) {
		for (cmd.len = 0; cmd.len < log->len; cmd.len++)
			data[cmd.len] = journal_octet(log->value, cmd.len);
		repair_do(r, &cmd);
	}
	if (log->c)
		own->count = log->count;
}

static void repair_d(struct midi_repair *r, const struct journal_d *d)
{
	struct midi_system *own = &r->state.sys;

	repair_counted(r, MIDI_TUNE, &d->tune, &own->tune);
	if (d->song.there && (!own->song.seq || own->song.song != d->song.count))
		repair_short(r, MIDI_SONG, d->song.count, 0);
	repair_undef(r, MIDI_UNDEF_F4, &d->f4, &own->f4);
	repair_undef(r, MIDI_UNDEF_F5, &d->f5, &own->f5);
	repair_undef(r, MIDI_UNDEF_F9, &d->f9, &own->f9);
	repair_undef(r, MIDI_UNDEF_FD, &d->fd, &own->fd);
}

/* ---- Q ---- */

static void make_clocks(struct midi_repair *r, uint32_t n)
{
	while (n--)
		repair_short(r, MIDI_CLOCK, 0, 0);
}

/* Running on both ends and not far behind: the clocks that were lost. */
static bool catch_up(struct midi_repair *r, const struct journal_q *q)
{
	const struct midi_sequencer *own = &r->state.sys.sequencer;
	const uint32_t n = q->position - own->position + q->d - own->played;

	if (!own->running || q->position < own->position || n > CLOCKS_MAX || (!q->d && q->position != own->position))
		return false;
	make_clocks(r, n);
	if (!q->n)
		repair_short(r, MIDI_STOP, 0, 0);
	return true;
}

/* A song position counts beats of six clocks, the rest is made up by clocks. */
static void go_to(struct midi_repair *r, const struct journal_q *q)
{
	const uint32_t beats = q->position / CLOCKS_PER_BEAT;
	const uint32_t clocks = q->position % CLOCKS_PER_BEAT + q->d;

	if (r->state.sys.sequencer.running)
		repair_short(r, MIDI_STOP, 0, 0);
	if (!q->c && q->n) {
		repair_short(r, MIDI_START, 0, 0);
	} else {
		repair_short(r, MIDI_POSITION, beats > BEATS_MAX ? 0x7f : beats & 0x7f, beats > BEATS_MAX ? 0x7f : beats >> 7);
		if (q->n || clocks)
			repair_short(r, MIDI_CONTINUE, 0, 0);
	}
	if (q->n || clocks)
		make_clocks(r, clocks);
	if (!q->n && r->state.sys.sequencer.running)
		repair_short(r, MIDI_STOP, 0, 0);
}

static void repair_q(struct midi_repair *r, const struct journal_q *q)
{
	struct midi_sequencer *own = &r->state.sys.sequencer;

	if (own->running == q->n && own->played == q->d && own->position == q->position)
		return;
	if (own->played == q->d && own->position == q->position && (q->c || !q->n || q->d))
		repair_short(r, q->n ? MIDI_CONTINUE : MIDI_STOP, 0, 0);
	else if (!catch_up(r, q))
		go_to(r, q);
	own->started = q->n && !q->c;
	own->position = q->position;
	own->played = q->d;
	own->running = q->n;
}

/* ---- F ---- */

static void unpack_nibbles(uint8_t nibble[8], const uint8_t octets[4])
{
	for (unsigned i = 0; i < 8; i++)
		nibble[i] = i % 2 ? octets[i / 2] & 0x0f : octets[i / 2] >> 4;
}

/* hr mn sc fr of a full frame, whichever way the journal has it. */
static void full_frame(uint8_t hmsf[4], const struct journal_f *f)
{
	uint8_t n[8];

	if (!f->q) {
		for (unsigned i = 0; i < 4; i++)
			hmsf[i] = f->complete[i] & 0x7f;
		return;
	}
	unpack_nibbles(n, f->complete);
	hmsf[0] = (uint8_t)(n[6] | (n[7] & 7) << 4);
	hmsf[1] = (uint8_t)(n[4] | (n[5] & 3) << 4);
	hmsf[2] = (uint8_t)(n[2] | (n[3] & 3) << 4);
	hmsf[3] = (uint8_t)(n[0] | (n[1] & 1) << 4);
}

static bool same_complete(const struct midi_mtc *own, const struct journal_f *f)
{
	uint8_t n[8];

	if (!own->complete_seq || own->quarters != f->q)
		return false;
	if (!f->q)
		return !memcmp(own->complete, f->complete, sizeof(f->complete));
	unpack_nibbles(n, f->complete);
	return !memcmp(own->complete, n, sizeof(n));
}

static void make_full_frame(struct midi_repair *r, const struct journal_f *f)
{
	uint8_t body[8] = {0x7f, 0x7f, 0x01, 0x01};
	const struct midi_cmd cmd = midi_sysex(body, sizeof(body));

	full_frame(body + 4, f);
	repair_do(r, &cmd);
	/* A count of SysEx that the sender does not have; and what the journal said, to compare with the next. */
	r->state.sys.sysex.count--;
	if (f->q) {
		unpack_nibbles(r->state.sys.mtc.complete, f->complete);
		r->state.sys.mtc.quarters = true;
	}
}

static void repair_partial(struct midi_repair *r, const struct journal_f *f)
{
	struct midi_mtc *own = &r->state.sys.mtc;
	const int step = f->d ? -1 : 1, begin = f->d ? 7 : 0;
	uint8_t nibble[8];

	unpack_nibbles(nibble, f->partial);
	if (own->partial && own->backward == f->d && own->point == f->point && !memcmp(own->nibble, nibble, sizeof(nibble)))
		return;
	for (int type = begin; type >= 0 && type <= 7; type += step) {
		repair_short(r, MIDI_QUARTER, (uint8_t)(type << 4 | nibble[type]), 0);
		if (type == f->point)
			return;
	}
}

static void repair_f(struct midi_repair *r, const struct journal_f *f)
{
	if (f->c && !same_complete(&r->state.sys.mtc, f))
		make_full_frame(r, f);
	if (f->p)
		repair_partial(r, f);
	else
		r->state.sys.mtc.partial = false;
}

/* ---- X ---- */

/* Does the log's DATA stand in the remembered command, as far as that one goes? */
static bool agrees(const struct midi_sysexes *x, const struct midi_sysex_entry *e, const struct journal_sysex *log)
{
	uint8_t octet;

	for (size_t i = log->first; i < e->len && i - log->first < log->len; i++)
		if (!midi_sysex_octet(&octet, x, e, i) || octet != journal_octet(log->data, i - log->first))
			return false;
	return true;
}

static bool is_same(const struct midi_sysexes *x, const struct midi_sysex_entry *e, const struct journal_sysex *log)
{
	if (e->sta == STA_UNFINISHED || e->sta != log->sta)
		return false;
	if (log->c && !e->unsure)
		return e->count == log->count;
	return !log->d || (e->len == log->first + log->len && agrees(x, e, log));
}

static void take_count(struct midi_sysex_entry *e, const struct journal_sysex *log)
{
	if (!log->c)
		return;
	e->count = log->count;
	e->unsure = false;
}

/* The first command from *own on, and before those made just now, that is the log's. */
static bool was_heard(struct midi_sysexes *x, uint32_t *own, uint32_t end, const struct journal_sysex *log)
{
	for (uint32_t i = *own; (int32_t)(end - i) > 0; i++)
		if (is_same(x, midi_sysex_at(x, i), log)) {
			take_count(midi_sysex_at(x, i), log);
			*own = i + 1;
			return true;
		}
	return false;
}

static void make_segment(struct midi_repair *r, const struct journal_sysex *log, size_t from, enum midi_part part)
{
	uint8_t data[SYSEX_HELD_MAX];
	struct midi_cmd cmd = {.status = MIDI_SYSEX, .part = part, .body = data, .dropped = log->sta == STA_DROPPED};

	for (size_t i = from; i < log->len && cmd.len < sizeof(data); i++)
		data[cmd.len++] = journal_octet(log->data, i);
	if (cmd.len || part == MIDI_LAST || part == MIDI_WHOLE || part == MIDI_CANCEL)
		repair_do(r, &cmd);
}

static void cancel_open(struct midi_repair *r)
{
	static const struct journal_sysex nothing;

	if (r->state.sys.sysex.open)
		make_segment(r, &nothing, 0, MIDI_CANCEL);
}

/* Begun and cancelled while nobody heard: nothing to do, but the next journal must find it known. */
static void note_cancelled(struct midi_repair *r)
{
	const struct midi_cmd first = {.status = MIDI_SYSEX, .part = MIDI_FIRST};
	const struct midi_cmd cancel = {.status = MIDI_SYSEX, .part = MIDI_CANCEL};

	midi_state_apply(&r->state, &first, r->seq, r->ts);
	midi_state_apply(&r->state, &cancel, r->seq, r->ts);
}

/* The command that is open here goes on, if the log is about it. */
static bool continue_open(struct midi_repair *r, const struct journal_sysex *log)
{
	struct midi_sysexes *x = &r->state.sys.sysex;
	const struct midi_sysex_entry *e = midi_sysex_at(x, x->n - 1);

	if (log->sta == STA_CANCELLED) {
		if (x->open)
			cancel_open(r);
		else
			note_cancelled(r);
		return true;
	}
	if (!x->open)
		return false;
	if (log->first > e->len || log->first + log->len < e->len || !agrees(x, e, log))
		return false;
	make_segment(r, log, e->len - log->first, log->sta == STA_UNFINISHED ? MIDI_MIDDLE : MIDI_LAST);
	return true;
}

/* False: only the tail of it is known, and half a command is none. */
static bool repair_sysex(struct midi_repair *r, const struct journal_sysex *log)
{
	if (continue_open(r, log))
		return true;
	if (!log->d || log->first)
		return false;
	cancel_open(r);
	make_segment(r, log, 0, log->sta == STA_UNFINISHED ? MIDI_FIRST : MIDI_WHOLE);
	return true;
}

static void repair_x(struct midi_repair *r, const struct journal_system *sys, uint32_t checkpoint)
{
	struct midi_sysexes *x = &r->state.sys.sysex;
	const uint32_t end = x->n;
	uint32_t own = end;
	struct journal_sysex log;
	size_t at = 0;

	while (own != x->first && x->entry[(own - 1) % MIDI_SYSEXES].seq >= checkpoint)
		own--;
	while (journal_sysex_next(&log, sys, &at)) {
		if ((int32_t)(own - x->first) < 0)
			own = x->first;       /* one that was made good has reset all before it */
		if (!was_heard(x, &own, end, &log) && repair_sysex(r, &log))
			take_count(midi_sysex_at(x, x->n - 1), &log);
		if (log.c) {
			x->count = log.count;
			x->unsure = false;
		}
	}
}

/* What resets comes first: System Reset, then SysEx, among which GM System On may be. What the rest says came after them, or
 * it would not be active. */
void repair_system(struct midi_repair *r, const struct journal_system *sys, uint32_t checkpoint)
{
	if (sys->toc & CHAPTER_D)
		repair_counted(r, MIDI_RESET, &sys->d.reset, &r->state.sys.reset);
	if (sys->toc & CHAPTER_X)
		repair_x(r, sys, checkpoint);
	else if (sys->toc & CHAPTER_F || r->fresh)
		r->state.sys.sysex.unsure = true;
	if (sys->toc & CHAPTER_D)
		repair_d(r, &sys->d);
	if (sys->toc & CHAPTER_V)
		repair_counted(r, MIDI_SENSE, &sys->v, &r->state.sys.sense);
	if (sys->toc & CHAPTER_Q)
		repair_q(r, &sys->q);
	if (sys->toc & CHAPTER_F)
		repair_f(r, &sys->f);
}
