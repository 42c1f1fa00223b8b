/*
 * journal_make.c - from the state of a stream to its recovery journal (RFC 6295 appendices A and B).
 *
 * The lists of the state are in order of their newest command, so each is walked from its newest end until the checkpoint
 * lies behind: the work is that of what goes into the journal, not of what a channel can hold. Logs are laid down from the
 * end of their buffer backwards, which leaves them "oldest-first".
 *
 * The tools: values for controllers, values and toggles for the pedals 64 to 69 (the off in on-off-on is heard otherwise),
 * counts for the channel modes 120 to 127, with the value where it says something (122, 126). Parameters use the value tool,
 * SysEx the list tool with COUNT.
 */
#include <errno.h>

#include "journal_make.h"
#include "journal_priv.h"

enum {
	CC_LOGS = MIDI_KEYS + 16,
	FLAG_S = 0x80, FLAG_Y = 0x40, FLAG_A = 0x20, HDR_LEN = 3,
	RELEASE_DEFAULT = 64, COUNT_TOOL = 0x40,
	SYSEX_HDR_LEN = 2,
};

/* Logs of one channel, each list filled from its end. */
struct lists {
	uint8_t c[2 * CC_LOGS], n[2 * MIDI_KEYS], e[4 * MIDI_KEYS], a[2 * MIDI_KEYS];
	uint8_t m[MIDI_PARAMS * JOURNAL_PARAM_LEN];
	uint8_t off[MIDI_KEYS / 8];
};

struct maker {
	const struct journal_when *when;
	struct octets_out out;
	bool s;                           /* of what is being made: "S bits MUST be set to 1", but ... */
};

static bool is_due(const struct maker *mk, uint32_t seq)
{
	return seq && seq >= mk->when->checkpoint;
}

/* ... "if a recovery journal element in packet I encodes data about a command stored in the MIDI command section of packet
 * I - 1 ... the S bit of the recovery journal element MUST be set to 0", and of all that contain it. */
static bool s_of(struct maker *mk, uint32_t seq)
{
	const bool s = seq + 1 != mk->when->next;

	mk->s &= s;
	return s;
}

/* Puts a log before those that are there. */
static void before(struct journal_list *l, uint8_t *end, bool s, uint8_t num, bool flag, uint8_t value)
{
	const struct journal_log log = {.s = s, .num = num, .flag = flag, .value = value};

	l->n++;
	l->s &= s;
	l->logs = end - 2 * (size_t)l->n;
	journal_log_put(end - 2 * (size_t)l->n, &log);
}

/* ---- channels ---- */

static void make_p(struct maker *mk, struct journal_channel *jc, const struct midi_program *p)
{
	jc->toc |= CHAPTER_P;
	jc->p = (struct journal_p){.s = s_of(mk, p->seq), .program = p->program, .b = p->b, .msb = p->msb, .x = p->x,
		.lsb = p->lsb};
}

/* "count tool log (if any), followed by value tool log (if any), followed by toggle tool log (if any)" */
static void make_control(struct journal_list *l, uint8_t *end, bool s, uint8_t num, const struct midi_control *cc)
{
	if (num >= CC_SUSTAIN && num <= CC_HOLD2)
		before(l, end, s, num, true, cc->toggles);
	if (num < CC_SOUND_OFF || num == CC_LOCAL || num == CC_MONO)
		before(l, end, s, num, false, cc->value);
	if (num >= CC_SOUND_OFF)
		before(l, end, s, num, true, COUNT_TOOL | cc->count);
}

static void make_c(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c, struct lists *lists)
{
	uint8_t *end = lists->c + sizeof(lists->c);

	jc->c = (struct journal_list){.s = true};
	for (uint8_t i = c->cc_order.prev[ORDER_ANCHOR]; i != ORDER_ANCHOR && is_due(mk, c->cc[i].seq); i = c->cc_order.prev[i])
		make_control(&jc->c, end, s_of(mk, c->cc[i].seq), i, &c->cc[i]);
	if (jc->c.n)
		jc->toc |= CHAPTER_C;
}

static struct journal_param param_log(const struct midi_param *p, bool s)
{
	return (struct journal_param){.s = s, .nrpn = p->nrpn, .num = p->num, .v = true,
		.j = p->has_msb, .msb = p->msb, .msb_x = p->msb_x,
		.k = p->has_lsb, .lsb = p->lsb, .lsb_x = p->lsb_x,
		.l = p->has_button, .a_button = p->a_button, .a_x = p->a_x,
		/* "if the X bit of the A-BUTTON field is set to 1", or they are the same, "the C-BUTTON field ... MAY be omitted" */
		.m = p->has_button && !p->a_x && p->c_button != p->a_button, .c_button = p->c_button};
}

/* Which parameters, oldest first; what they have in common goes to the chapter's header. */
static unsigned due_params(struct maker *mk, struct journal_m *m, uint8_t *which, const struct midi_chan *c)
{
	unsigned n = 0;

	m->u = m->w = m->z = true;
	for (uint8_t i = c->param_order.prev[ORDER_ANCHOR]; i != ORDER_ANCHOR && is_due(mk, c->param[i].seq);
		i = c->param_order.prev[i]) {
		m->u &= !c->param[i].nrpn;
		m->w &= c->param[i].nrpn;
		m->z &= c->param[i].num < 128;
		which[MIDI_PARAMS - ++n] = i;
	}
	if (!n || !m->z || !(m->u || m->w))
		m->u = m->w = m->z = false;
	return n;
}

/* "P ... MUST be set to 1" while the newest parameter command is an MSB; E while a transaction is in progress. */
static void make_m(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c, struct lists *lists)
{
	uint8_t which[MIDI_PARAMS];
	struct journal_m *m = &jc->m;
	unsigned n;

	*m = (struct journal_m){.s = true, .p = c->select.pending, .e = c->select.open, .logs = lists->m,
		.q = c->select.nrpn, .pending = c->select.msb[c->select.nrpn]};
	n = due_params(mk, m, which, c);
	if (!n && !is_due(mk, c->select.seq))
		return;
	jc->toc |= CHAPTER_M;
	if (is_due(mk, c->select.seq))
		m->s &= s_of(mk, c->select.seq);
	for (unsigned i = MIDI_PARAMS - n; i < MIDI_PARAMS; i++) {
		const struct midi_param *p = &c->param[which[i]];
		const struct journal_param log = param_log(p, s_of(mk, p->seq));

		m->s &= log.s;
		m->len += journal_param_put(lists->m + m->len, &log, m->z);
	}
}

static void set_off(struct journal_n *n, unsigned *low, unsigned *high, uint8_t *bits, uint8_t note)
{
	const unsigned octet = note / 8u;

	bits[octet] |= (uint8_t)(0x80 >> note % 8);
	if (octet < *low)
		*low = octet;
	if (octet > *high)
		*high = octet;
	n->low = (uint8_t)*low;
	n->n_off = *high - *low + 1;
	n->off = bits + *low;
}

/* "Y codes a recommendation to play (Y = 1) or skip (Y = 0) the NoteOn". */
static void make_n(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c, struct lists *lists)
{
	uint8_t *end = lists->n + sizeof(lists->n);
	unsigned low = 15, high = 0;

	memset(lists->off, 0, sizeof(lists->off));
	jc->n = (struct journal_n){.b = true, .low = 15};
	for (uint8_t i = c->note_order.prev[ORDER_ANCHOR]; i != ORDER_ANCHOR && is_due(mk, c->note[i].seq);
		i = c->note_order.prev[i]) {
		const struct midi_note *note = &c->note[i];
		const bool s = s_of(mk, note->seq);

		jc->toc |= CHAPTER_N;
		if (note->state == NOTE_ON)
			before(&jc->n.notes, end, s, i, mk->when->ts - note->ts <= mk->when->play, note->velocity);
		else
			set_off(&jc->n, &low, &high, lists->off, i);
	}
	/* B is the S bit of the NoteOffs; also of one that a NoteOn has followed in the same packet. */
	if (jc->toc & CHAPTER_N && is_due(mk, c->off_seq))
		jc->n.b = s_of(mk, c->off_seq);
}

static bool has_overlap(const struct midi_note *n)
{
	return n->count > (n->state == NOTE_ON);
}

static bool has_release(const struct midi_note *n)
{
	return n->state == NOTE_OFF && n->release != RELEASE_DEFAULT;
}

/* "Note logs whose V bit is set to 1 MUST be dropped from Chapter E in order to reach the 128-log limit." */
static void make_e(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c, struct lists *lists, bool release)
{
	uint8_t *end = lists->e + sizeof(lists->e);

	jc->e = (struct journal_list){.s = true};
	for (uint8_t i = c->note_order.prev[ORDER_ANCHOR]; i != ORDER_ANCHOR && is_due(mk, c->note[i].seq);
		i = c->note_order.prev[i]) {
		const bool s = c->note[i].seq + 1 != mk->when->next;

		if (has_overlap(&c->note[i]))
			before(&jc->e, end, s, i, false, c->note[i].count);
		if (release && has_release(&c->note[i]))
			before(&jc->e, end, s, i, true, c->note[i].release);
	}
	if (jc->e.n > JOURNAL_LOGS_MAX && release)
		make_e(mk, jc, c, lists, false);
	else if (jc->e.n)
		jc->toc |= CHAPTER_E;
}

static void make_a(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c, struct lists *lists)
{
	uint8_t *end = lists->a + sizeof(lists->a);

	jc->a = (struct journal_list){.s = true};
	for (uint8_t i = c->poly_order.prev[ORDER_ANCHOR]; i != ORDER_ANCHOR && is_due(mk, c->poly[i].seq);
		i = c->poly_order.prev[i])
		before(&jc->a, end, s_of(mk, c->poly[i].seq), i, c->poly[i].x, c->poly[i].value);
	if (jc->a.n)
		jc->toc |= CHAPTER_A;
}

static void make_wheels(struct maker *mk, struct journal_channel *jc, const struct midi_chan *c)
{
	if (is_due(mk, c->bend.seq)) {
		jc->toc |= CHAPTER_W;
		jc->w.s = s_of(mk, c->bend.seq);
		jc->w.first = c->bend.value & 0x7f;
		jc->w.second = (uint8_t)(c->bend.value >> 7);
	}
	if (is_due(mk, c->pressure.seq)) {
		jc->toc |= CHAPTER_T;
		jc->t.s = s_of(mk, c->pressure.seq);
		jc->t.pressure = c->pressure.value;
	}
}

static bool make_channel(struct maker *mk, const struct midi_chan *c, unsigned num)
{
	struct journal_channel jc = {.chan = (uint8_t)num};
	const bool s = mk->s;
	struct lists lists;

	if (!is_due(mk, c->seq))
		return false;
	mk->s = true;
	if (is_due(mk, c->program.seq))
		make_p(mk, &jc, &c->program);
	make_c(mk, &jc, c, &lists);
	make_m(mk, &jc, c, &lists);
	make_wheels(mk, &jc, c);
	make_n(mk, &jc, c, &lists);
	make_e(mk, &jc, c, &lists, true);
	make_a(mk, &jc, c, &lists);
	jc.s = mk->s;
	mk->s &= s;
	if (jc.toc)
		journal_put_channel(&mk->out, &jc);
	return jc.toc;
}

/* ---- system ---- */

static struct journal_count count_log(struct maker *mk, uint32_t seq, uint8_t count)
{
	if (!is_due(mk, seq))
		return (struct journal_count){0};
	return (struct journal_count){.there = true, .s = s_of(mk, seq), .count = count};
}

/* "If the DSZ field is set to 0, the command log MUST include the COUNT field", else the VALUE field. */
static struct journal_undef undef_log(struct maker *mk, const struct midi_undef *u, uint8_t *value)
{
	struct journal_undef log = {.there = is_due(mk, u->seq)};

	if (!log.there)
		return log;
	log.s = s_of(mk, u->seq);
	log.c = true;
	log.count = u->count;
	log.dsz = u->len > 3 ? 3 : u->len;
	if (u->len && value) {
		memcpy(value, u->data, u->len);
		value[u->len - 1] |= 0x80;
		log.v = true;
		log.value = value;
		log.len = u->len;
	}
	return log;
}

static void make_d(struct maker *mk, struct journal_system *js, const struct midi_system *sys, uint8_t value[2][MIDI_UNDEF_MAX])
{
	struct journal_d *d = &js->d;
	const bool s = mk->s;

	mk->s = true;
	d->reset = count_log(mk, sys->reset.seq, sys->reset.count);
	d->tune = count_log(mk, sys->tune.seq, sys->tune.count);
	d->song = count_log(mk, sys->song.seq, sys->song.song);
	d->f4 = undef_log(mk, &sys->f4, value[0]);
	d->f5 = undef_log(mk, &sys->f5, value[1]);
	d->f9 = undef_log(mk, &sys->f9, NULL);
	d->fd = undef_log(mk, &sys->fd, NULL);
	d->s = mk->s;
	mk->s &= s;
	if (d->reset.there || d->tune.there || d->song.there || d->f4.there || d->f5.there || d->f9.there || d->fd.there)
		js->toc |= CHAPTER_D;
}

static void make_q(struct maker *mk, struct journal_system *js, const struct midi_sequencer *q)
{
	/* At the start of the song and not yet played, "C = 0 ... if a Start command occurs more recently than a Continue". */
	const bool c = q->position || (q->running && !q->played && !q->started);

	js->toc |= CHAPTER_Q;
	js->q = (struct journal_q){.s = s_of(mk, q->seq), .n = q->running, .d = q->played, .c = c, .position = q->position};
}

static void pack_nibbles(uint8_t out[4], const uint8_t nibble[8])
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(nibble[2 * i] << 4 | nibble[2 * i + 1]);
}

/* "If Chapter F does not contain a PARTIAL field, POINT MUST be set to 7 (if D = 0) or 0 (if D = 1)." */
static void make_f(struct maker *mk, struct journal_system *js, const struct midi_mtc *m)
{
	struct journal_f *f = &js->f;

	js->toc |= CHAPTER_F;
	*f = (struct journal_f){.s = s_of(mk, m->seq), .c = m->complete_seq, .q = m->complete_seq && m->quarters, .p = m->partial,
		.d = m->backward, .point = m->partial ? m->point : m->backward ? 0 : 7};
	if (f->q)
		pack_nibbles(f->complete, m->complete);
	else
		memcpy(f->complete, m->complete, sizeof(f->complete));
	pack_nibbles(f->partial, m->nibble);
}

static uint32_t first_sysex(const struct midi_sysexes *x, uint32_t checkpoint)
{
	uint32_t i = x->n;

	while (i != x->first && x->entry[(i - 1) % MIDI_SYSEXES].seq >= checkpoint)
		i--;
	return i;
}

size_t journal_sysex_len(const struct midi_sysexes *x, uint32_t checkpoint, unsigned *n)
{
	const uint32_t first = first_sysex(x, checkpoint);
	size_t len = 0;

	*n = x->n - first;
	for (uint32_t i = first; i != x->n; i++)
		len += SYSEX_HDR_LEN + x->entry[i % MIDI_SYSEXES].len;
	return len;
}

static size_t sysex_log(uint8_t *at, size_t room, const struct midi_sysexes *x, const struct midi_sysex_entry *e, bool s)
{
	uint8_t data[JOURNAL_LENGTH_MAX];
	struct journal_sysex log = {.s = s, .c = true, .l = true, .sta = e->sta, .count = e->count, .data = data};

	/* "REQUIRED command logs associated with cancelled commands MAY be coded with no DATA field." */
	if (e->sta != STA_CANCELLED && e->len && e->len <= sizeof(data)) {
		log.d = true;
		for (log.len = 0; log.len < e->len; log.len++)
			if (!midi_sysex_octet(&data[log.len], x, e, log.len))
				return 0;
	}
	return e->len > sizeof(data) && !log.d && e->sta != STA_CANCELLED ? 0 : journal_sysex_put(at, room, &log);
}

/* "The S bit of the first log in the list acts as the S bit for Chapter X." */
static void make_x(struct maker *mk, struct journal_system *js, const struct midi_sysexes *x, uint8_t *buf, size_t room)
{
	const uint32_t first = first_sysex(x, mk->when->checkpoint);
	bool chapter_s = true;

	if (room)
		buf[0] = 0;
	js->x = buf;
	for (uint32_t i = first; i != x->n; i++) {
		const struct midi_sysex_entry *e = &x->entry[i % MIDI_SYSEXES];
		const bool s = s_of(mk, e->seq);
		const size_t n = sysex_log(buf + js->x_len, room - js->x_len, x, e, s);

		chapter_s &= s;
		js->x_len += n;
		mk->out.full |= !n;
	}
	if (!js->x_len || !room)
		return;
	js->toc |= CHAPTER_X;
	buf[0] = (uint8_t)((buf[0] & 0x7f) | bit(chapter_s, 0x80));
}

static bool make_system(struct maker *mk, const struct midi_system *sys)
{
	struct journal_system js = {0};
	uint8_t value[2][MIDI_UNDEF_MAX], x[JOURNAL_LENGTH_MAX];

	if (!is_due(mk, sys->seq))
		return false;
	make_d(mk, &js, sys, value);
	js.v = count_log(mk, sys->sense.seq, sys->sense.count);
	js.toc |= js.v.there ? CHAPTER_V : 0;
	if (is_due(mk, sys->sequencer.seq))
		make_q(mk, &js, &sys->sequencer);
	if (is_due(mk, sys->mtc.seq))
		make_f(mk, &js, &sys->mtc);
	make_x(mk, &js, &sys->sysex, x, sizeof(x));
	js.s = mk->s;
	if (js.toc)
		journal_put_system(&mk->out, &js);
	return js.toc;
}

/* ---- the whole ---- */

int journal_make(uint8_t *buf, size_t *len, const struct midi_state *st, const struct journal_when *when)
{
	struct maker mk = {.when = when, .out = {.buf = buf, .room = *len}, .s = true};
	unsigned n = 0;
	bool y;

	out_octet(&mk.out, 0);
	out_word(&mk.out, when->checkpoint & 0xffff);
	y = make_system(&mk, &st->sys);
	for (unsigned i = 0; i < MIDI_CHANNELS && !mk.out.full; i++)
		n += make_channel(&mk, &st->chan[i], i);
	*len = mk.out.len;
	if (mk.out.full)
		return EMSGSIZE;
	buf[0] = (uint8_t)(bit(mk.s, FLAG_S) | bit(y, FLAG_Y) | bit(n, FLAG_A) | (n ? n - 1 : 0));
	return 0;
}

size_t journal_part_len(const struct midi_state *st, unsigned part)
{
	static const struct journal_when ever = {.checkpoint = 1};
	uint8_t buf[2 * JOURNAL_LENGTH_MAX];
	struct maker mk = {.when = &ever, .out = {.buf = buf, .room = sizeof(buf)}, .s = true};

	if (part < MIDI_CHANNELS)
		make_channel(&mk, &st->chan[part], part);
	else
		make_system(&mk, &st->sys);
	return mk.out.len;
}
