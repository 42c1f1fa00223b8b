/*
 * journal_system.c - the system journal and its chapters (RFC 6295 appendix B) to values and back.
 *
 *      |S|D|V|Q|F|X|LENGTH 10|  chapters in this order
 *
 *      D  reset, tune request, song select, the undefined commands      F  MIDI time code
 *      V  active sense                                                  X  SysEx, as a list of logs without a header
 *      Q  the sequencer: running or not, and where in the song
 */
#include "journal_priv.h"

enum { HDR_LEN = 2, COMMON_HDR_LEN = 2, REALTIME_HDR_LEN = 1, FIRST_OCTETS = 4 };

/* ---- D ---- */

static void read_count(struct octets_in *in, struct journal_count *c, bool there)
{
	uint8_t v;

	*c = (struct journal_count){.there = there};
	if (!there)
		return;
	v = in_octet(in);
	c->s = v & 0x80;
	c->count = v & 0x7f;
}

static void put_count(struct octets_out *out, const struct journal_count *c)
{
	if (c->there)
		out_octet(out, bit(c->s, 0x80) | c->count);
}

/* Reads what lies between a header and its LENGTH. */
static void read_undef_fields(struct octets_in *in, struct journal_undef *u, const uint8_t *start, size_t length, size_t hdr)
{
	struct octets_in fields;

	if (in->bad || length < hdr || (size_t)(in->end - start) < length) {
		in->bad = true;
		return;
	}
	fields = (struct octets_in){.at = in->at, .end = start + length};
	if (u->c)
		u->count = in_octet(&fields);
	if (u->v)
		u->value = in_marked(&fields, &u->len);
	u->legal = fields.at;
	u->legal_len = (size_t)(fields.end - fields.at);
	in->at = start + length;
	in->bad |= fields.bad;
}

static void read_common(struct octets_in *in, struct journal_undef *u, bool there)
{
	const uint8_t *start = in->at;
	uint16_t head;

	*u = (struct journal_undef){.there = there};
	if (!there)
		return;
	head = in_word(in);
	u->s = head & 0x8000;
	u->c = head & 0x4000;
	u->v = head & 0x2000;
	u->l = head & 0x1000;
	u->dsz = head >> 10 & 3;
	read_undef_fields(in, u, start, head & 0x3ff, COMMON_HDR_LEN);
}

static void read_realtime(struct octets_in *in, struct journal_undef *u, bool there)
{
	const uint8_t *start = in->at;
	uint8_t head;

	*u = (struct journal_undef){.there = there};
	if (!there)
		return;
	head = in_octet(in);
	u->s = head & 0x80;
	u->c = head & 0x40;
	u->l = head & 0x20;
	read_undef_fields(in, u, start, head & 0x1f, REALTIME_HDR_LEN);
}

static void put_undef_fields(struct octets_out *out, const struct journal_undef *u)
{
	if (u->c)
		out_octet(out, u->count);
	if (u->v)
		out_run(out, u->value, u->len);
	out_run(out, u->legal, u->legal_len);
}

static void put_common(struct octets_out *out, const struct journal_undef *u)
{
	const size_t length = COMMON_HDR_LEN + u->c + (u->v ? u->len : 0) + u->legal_len;

	if (!u->there)
		return;
	out->full |= length > JOURNAL_LENGTH_MAX;
	out_word(out, bit(u->s, 0x8000) | bit(u->c, 0x4000) | bit(u->v, 0x2000) | bit(u->l, 0x1000) | (u->dsz & 3u) << 10 |
		((unsigned)length & 0x3ff));
	put_undef_fields(out, u);
}

static void put_realtime(struct octets_out *out, const struct journal_undef *u)
{
	const size_t length = REALTIME_HDR_LEN + u->c + u->legal_len;

	if (!u->there)
		return;
	out->full |= length > 0x1f;
	out_octet(out, bit(u->s, 0x80) | bit(u->c, 0x40) | bit(u->l, 0x20) | ((unsigned)length & 0x1f));
	put_undef_fields(out, u);
}

static void read_d(struct octets_in *in, struct journal_d *d)
{
	const uint8_t head = in_octet(in);

	d->s = head & 0x80;
	read_count(in, &d->reset, head & 0x40);
	read_count(in, &d->tune, head & 0x20);
	read_count(in, &d->song, head & 0x10);
	read_common(in, &d->f4, head & 0x08);
	read_common(in, &d->f5, head & 0x04);
	read_realtime(in, &d->f9, head & 0x02);
	read_realtime(in, &d->fd, head & 0x01);
}

static void put_d(struct octets_out *out, const struct journal_d *d)
{
	out_octet(out, bit(d->s, 0x80) | bit(d->reset.there, 0x40) | bit(d->tune.there, 0x20) | bit(d->song.there, 0x10) |
		bit(d->f4.there, 0x08) | bit(d->f5.there, 0x04) | bit(d->f9.there, 0x02) | bit(d->fd.there, 0x01));
	put_count(out, &d->reset);
	put_count(out, &d->tune);
	put_count(out, &d->song);
	put_common(out, &d->f4);
	put_common(out, &d->f5);
	put_realtime(out, &d->f9);
	put_realtime(out, &d->fd);
}

/* ---- Q and F ---- */

static void read_q(struct octets_in *in, struct journal_q *q)
{
	const uint8_t head = in_octet(in);

	*q = (struct journal_q){.s = head & 0x80, .n = head & 0x40, .d = head & 0x20, .c = head & 0x10, .t = head & 0x08};
	if (q->c)
		q->position = (uint32_t)(head & 7) << 16 | in_word(in);
	if (q->t) {
		q->time_ms = (uint32_t)in_octet(in) << 16;
		q->time_ms |= in_word(in);
	}
}

static void put_q(struct octets_out *out, const struct journal_q *q)
{
	out_octet(out, bit(q->s, 0x80) | bit(q->n, 0x40) | bit(q->d, 0x20) | bit(q->c, 0x10) | bit(q->t, 0x08) |
		(q->c ? q->position >> 16 & 7 : 0));
	if (q->c)
		out_word(out, q->position & 0xffff);
	if (q->t) {
		out_octet(out, q->time_ms >> 16);
		out_word(out, q->time_ms & 0xffff);
	}
}

static void read_f(struct octets_in *in, struct journal_f *f)
{
	const uint8_t head = in_octet(in);

	*f = (struct journal_f){.s = head & 0x80, .c = head & 0x40, .p = head & 0x20, .q = head & 0x10, .d = head & 0x08,
		.point = head & 7};
	for (unsigned i = 0; f->c && i < sizeof(f->complete); i++)
		f->complete[i] = in_octet(in);
	for (unsigned i = 0; f->p && i < sizeof(f->partial); i++)
		f->partial[i] = in_octet(in);
}

static void put_f(struct octets_out *out, const struct journal_f *f)
{
	out_octet(out, bit(f->s, 0x80) | bit(f->c, 0x40) | bit(f->p, 0x20) | bit(f->q, 0x10) | bit(f->d, 0x08) | (f->point & 7u));
	if (f->c)
		out_run(out, f->complete, sizeof(f->complete));
	if (f->p)
		out_run(out, f->partial, sizeof(f->partial));
}

/* ---- X ---- */

/* Figure B.5.2, which is figure 4. */
static uint32_t read_first(struct octets_in *in)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < FIRST_OCTETS; i++) {
		const uint8_t octet = in_octet(in);

		v = v << 7 | (octet & 0x7f);
		if (!(octet & 0x80))
			return v;
	}
	in->bad = true;
	return 0;
}

static void read_sysex(struct octets_in *in, struct journal_sysex *x)
{
	const uint8_t head = in_octet(in);

	*x = (struct journal_sysex){.s = head & 0x80, .t = head & 0x40, .c = head & 0x20, .f = head & 0x10, .d = head & 0x08,
		.l = head & 0x04, .sta = head & 3};
	if (x->t)
		x->tcount = in_octet(in);
	if (x->c)
		x->count = in_octet(in);
	if (x->f)
		x->first = read_first(in);
	if (x->d)
		x->data = in_marked(in, &x->len);
}

bool journal_sysex_next(struct journal_sysex *x, const struct journal_system *sys, size_t *at)
{
	struct octets_in in = {.at = sys->x + *at, .end = sys->x + sys->x_len};

	if (in.at == in.end)
		return false;
	read_sysex(&in, x);
	*at = (size_t)(in.at - sys->x);
	return !in.bad;
}

static void put_first(struct octets_out *out, uint32_t first)
{
	for (int shift = 21; shift > 0; shift -= 7)
		if (first >> shift)
			out_octet(out, 0x80 | (first >> shift & 0x7f));
	out_octet(out, first & 0x7f);
}

size_t journal_sysex_put(uint8_t *at, size_t room, const struct journal_sysex *x)
{
	struct octets_out out = {.buf = at, .room = room};

	out_octet(&out, bit(x->s, 0x80) | bit(x->t, 0x40) | bit(x->c, 0x20) | bit(x->f, 0x10) | bit(x->d, 0x08) |
		bit(x->l, 0x04) | (x->sta & 3u));
	if (x->t)
		out_octet(&out, x->tcount);
	if (x->c)
		out_octet(&out, x->count);
	if (x->f)
		put_first(&out, x->first);
	if (x->d) {
		out_run(&out, x->data, x->len);
		if (!x->len || out.full)
			return 0;
		out.buf[out.len - 1] |= 0x80;
	}
	return out.full ? 0 : out.len;
}

static void read_x(struct octets_in *in, struct journal_system *sys)
{
	struct journal_sysex x;

	sys->x = in->at;
	sys->x_len = (size_t)(in->end - in->at);
	in->bad |= !sys->x_len;
	while (in->at < in->end && !in->bad)
		read_sysex(in, &x);
}

/* ---- the whole ---- */

void journal_read_system(struct octets_in *in, struct journal_system *sys)
{
	const uint8_t *start = in->at;
	const uint16_t head = in_word(in);
	const size_t length = head & 0x3ff;
	struct octets_in chapters;

	sys->s = head & 0x8000;
	sys->toc = head >> 10 & 0x1f;
	sys->x = NULL;
	sys->x_len = 0;
	if (in->bad || length < HDR_LEN || (size_t)(in->end - start) < length) {
		in->bad = true;
		return;
	}
	chapters = (struct octets_in){.at = in->at, .end = start + length};
	if (sys->toc & CHAPTER_D)
		read_d(&chapters, &sys->d);
	if (sys->toc & CHAPTER_V)
		read_count(&chapters, &sys->v, true);
	if (sys->toc & CHAPTER_Q)
		read_q(&chapters, &sys->q);
	if (sys->toc & CHAPTER_F)
		read_f(&chapters, &sys->f);
	if (sys->toc & CHAPTER_X && !chapters.bad)
		read_x(&chapters, sys);
	in->at = start + length;
	in->bad |= chapters.bad;
}

void journal_put_system(struct octets_out *out, const struct journal_system *sys)
{
	const size_t start = out->len;
	size_t length;
	unsigned head;

	out_word(out, 0);
	if (sys->toc & CHAPTER_D)
		put_d(out, &sys->d);
	if (sys->toc & CHAPTER_V)
		put_count(out, &sys->v);
	if (sys->toc & CHAPTER_Q)
		put_q(out, &sys->q);
	if (sys->toc & CHAPTER_F)
		put_f(out, &sys->f);
	if (sys->toc & CHAPTER_X)
		out_run(out, sys->x, sys->x_len);
	length = out->len - start;
	if (out->full || length > JOURNAL_LENGTH_MAX) {
		out->full = true;
		return;
	}
	head = bit(sys->s, 0x8000) | (sys->toc & 0x1fu) << 10 | (unsigned)length;
	out->buf[start] = (uint8_t)(head >> 8);
	out->buf[start + 1] = (uint8_t)head;
}
