/*
 * journal_channel.c - a channel's journal and its chapters (RFC 6295 appendix A) to values and back.
 *
 *      |S|CHAN|H|LENGTH 10|P|C|M|W|N|E|T|A|  chapters in this order
 *
 *      P  3 octets            program and bank           N  2 + 2n + bits   notes struck, and a bit for each released
 *      C  1 + 2n              controllers                E  1 + 2n          overlapping notes, release velocities
 *      M  2 or 3 + logs       parameters (RPN, NRPN)     T  1               pressure of the channel
 *      W  2                   pitch wheel                A  1 + 2n          pressure of single notes
 */
#include "journal_priv.h"

enum { HDR_LEN = 3, M_HDR_LEN = 2 };

/* ---- lists of logs of two octets, whose header is S and their number less one ---- */

static void read_list(struct octets_in *in, struct journal_list *l)
{
	const uint8_t head = in_octet(in);

	l->s = head & 0x80;
	l->n = (head & 0x7fu) + 1;
	l->logs = in_run(in, 2 * (size_t)l->n);
}

static void put_list(struct octets_out *out, const struct journal_list *l)
{
	if (!l->n || l->n > JOURNAL_LOGS_MAX) {
		out->full = true;
		return;
	}
	out_octet(out, bit(l->s, 0x80) | (l->n - 1));
	out_run(out, l->logs, 2 * (size_t)l->n);
}

/* ---- P ---- */

static void read_p(struct octets_in *in, struct journal_p *p)
{
	const uint8_t *at = in_run(in, 3);

	if (!in->bad)
		*p = (struct journal_p){.s = at[0] & 0x80, .program = at[0] & 0x7f, .b = at[1] & 0x80, .msb = at[1] & 0x7f,
			.x = at[2] & 0x80, .lsb = at[2] & 0x7f};
}

static void put_p(struct octets_out *out, const struct journal_p *p)
{
	out_octet(out, bit(p->s, 0x80) | p->program);
	out_octet(out, bit(p->b, 0x80) | p->msb);
	out_octet(out, bit(p->x, 0x80) | p->lsb);
}

/* ---- M ---- */

/* "If the top-level Chapter M header codes Z = 1 and either U = 1 or W = 1, all logs in the parameter log list MUST use a
 * modified header format", without Q and PNUM-MSB. */
static bool is_brief(const struct journal_m *m)
{
	return m->z && (m->u || m->w);
}

static int16_t read_button(struct octets_in *in, bool *x)
{
	const uint16_t w = in_word(in);
	const int16_t n = (int16_t)(w & 0x3fff);

	*x = w & 0x4000;
	return w & 0x8000 ? (int16_t)-n : n;
}

static void read_param_fields(struct octets_in *in, struct journal_param *p, uint8_t toc)
{
	bool reserved;
	uint8_t v;

	if (p->j = toc & 0x80, p->j) {
		v = in_octet(in);
		p->msb = v & 0x7f;
		p->msb_x = v & 0x80;
	}
	if (p->k = toc & 0x40, p->k) {
		v = in_octet(in);
		p->lsb = v & 0x7f;
		p->lsb_x = v & 0x80;
	}
	if (p->l = toc & 0x20, p->l)
		p->a_button = read_button(in, &p->a_x);
	if (p->m = toc & 0x10, p->m)
		p->c_button = read_button(in, &reserved);
	if (p->n = toc & 0x08, p->n) {
		v = in_octet(in);
		p->count = v & 0x7f;
		p->count_x = v & 0x80;
	}
}

static void read_param(struct octets_in *in, struct journal_param *p, const struct journal_m *m)
{
	uint8_t v = in_octet(in);

	*p = (struct journal_param){.s = v & 0x80, .num = v & 0x7f, .nrpn = m->w && !m->u};
	if (!is_brief(m)) {
		v = in_octet(in);
		p->nrpn = v & 0x80;
		p->num |= (uint16_t)((v & 0x7f) << 7);
	}
	v = in_octet(in);
	p->t = v & 0x04;
	p->v = v & 0x02;
	read_param_fields(in, p, v);
}

bool journal_param_next(struct journal_param *param, const struct journal_m *m, size_t *at)
{
	struct octets_in in = {.at = m->logs + *at, .end = m->logs + m->len};

	if (in.at == in.end)
		return false;
	read_param(&in, param, m);
	*at = (size_t)(in.at - m->logs);
	return !in.bad;
}

static void read_m(struct octets_in *in, struct journal_m *m)
{
	const uint8_t *start = in->at;
	const uint16_t head = in_word(in);
	const size_t length = head & 0x3ff;
	struct octets_in logs;
	struct journal_param param;

	*m = (struct journal_m){.s = head & 0x8000, .p = head & 0x4000, .e = head & 0x2000, .u = head & 0x1000,
		.w = head & 0x0800, .z = head & 0x0400};
	if (in->bad || length < M_HDR_LEN || (size_t)(in->end - start) < length) {
		in->bad = true;
		return;
	}
	logs = (struct octets_in){.at = in->at, .end = start + length};
	if (m->p) {
		const uint8_t v = in_octet(&logs);

		m->q = v & 0x80;
		m->pending = v & 0x7f;
	}
	m->logs = logs.at;
	m->len = (size_t)(logs.end - logs.at);
	while (logs.at < logs.end && !logs.bad)
		read_param(&logs, &param, m);
	in->at = start + length;
	in->bad |= logs.bad;
}

static size_t put_button(uint8_t *at, int16_t n, bool x)
{
	const unsigned w = bit(n < 0, 0x8000) | bit(x, 0x4000) | ((unsigned)(n < 0 ? -n : n) & 0x3fff);

	at[0] = (uint8_t)(w >> 8);
	at[1] = (uint8_t)w;
	return 2;
}

size_t journal_param_put(uint8_t *at, const struct journal_param *p, bool brief)
{
	size_t n = 0;

	at[n++] = (uint8_t)(bit(p->s, 0x80) | (p->num & 0x7f));
	if (!brief)
		at[n++] = (uint8_t)(bit(p->nrpn, 0x80) | (p->num >> 7 & 0x7f));
	at[n++] = (uint8_t)(bit(p->j, 0x80) | bit(p->k, 0x40) | bit(p->l, 0x20) | bit(p->m, 0x10) | bit(p->n, 0x08) |
		bit(p->t, 0x04) | bit(p->v, 0x02));
	if (p->j)
		at[n++] = (uint8_t)(bit(p->msb_x, 0x80) | p->msb);
	if (p->k)
		at[n++] = (uint8_t)(bit(p->lsb_x, 0x80) | p->lsb);
	if (p->l)
		n += put_button(at + n, p->a_button, p->a_x);
	if (p->m)
		n += put_button(at + n, p->c_button, false);
	if (p->n)
		at[n++] = (uint8_t)(bit(p->count_x, 0x80) | p->count);
	return n;
}

static void put_m(struct octets_out *out, const struct journal_m *m)
{
	const size_t length = M_HDR_LEN + m->p + m->len;

	if (length > JOURNAL_LENGTH_MAX) {
		out->full = true;
		return;
	}
	out_word(out, bit(m->s, 0x8000) | bit(m->p, 0x4000) | bit(m->e, 0x2000) | bit(m->u, 0x1000) | bit(m->w, 0x0800) |
		bit(m->z, 0x0400) | (unsigned)length);
	if (m->p)
		out_octet(out, bit(m->q, 0x80) | m->pending);
	out_run(out, m->logs, m->len);
}

/* ---- N ---- */

/* "The value pairs (LOW = 15, HIGH = 0) and (LOW = 15, HIGH = 1) code an empty NoteOff bitfield structure ... Other (LOW >
 * HIGH) value pairs MUST NOT appear in the header." They are read as empty too. "If LEN = 127, LOW = 15, and HIGH = 0, the
 * note list holds 128 note logs." */
static void read_n(struct octets_in *in, struct journal_n *n)
{
	const uint8_t head = in_octet(in), range = in_octet(in);
	const unsigned low = range >> 4, high = range & 0x0f;

	n->b = head & 0x80;
	n->notes.n = head & 0x7f;
	if (n->notes.n == 127 && low == 15 && high == 0)
		n->notes.n = 128;
	n->notes.logs = in_run(in, 2 * (size_t)n->notes.n);
	n->low = (uint8_t)low;
	n->n_off = low <= high ? high - low + 1 : 0;
	n->off = in_run(in, n->n_off);
}

static void put_n(struct octets_out *out, const struct journal_n *n)
{
	const unsigned len = n->notes.n;

	if (len > JOURNAL_LOGS_MAX || n->n_off > 16u - n->low || (len == JOURNAL_LOGS_MAX && n->n_off)) {
		out->full = true;
		return;
	}
	out_octet(out, bit(n->b, 0x80) | (len == JOURNAL_LOGS_MAX ? 127 : len));
	if (n->n_off)
		out_octet(out, (unsigned)n->low << 4 | (n->low + n->n_off - 1));
	else
		out_octet(out, len == 127 ? 0xf1 : 0xf0);
	out_run(out, n->notes.logs, 2 * (size_t)len);
	out_run(out, n->off, n->n_off);
}

/* ---- the whole channel ---- */

static void read_chapters(struct octets_in *in, struct journal_channel *c)
{
	if (c->toc & CHAPTER_P)
		read_p(in, &c->p);
	if (c->toc & CHAPTER_C)
		read_list(in, &c->c);
	if (c->toc & CHAPTER_M)
		read_m(in, &c->m);
	if (c->toc & CHAPTER_W) {
		const uint8_t first = in_octet(in), second = in_octet(in);

		c->w.s = first & 0x80;
		c->w.first = first & 0x7f;
		c->w.second = second & 0x7f;
	}
	if (c->toc & CHAPTER_N)
		read_n(in, &c->n);
	if (c->toc & CHAPTER_E)
		read_list(in, &c->e);
	if (c->toc & CHAPTER_T) {
		const uint8_t v = in_octet(in);

		c->t.s = v & 0x80;
		c->t.pressure = v & 0x7f;
	}
	if (c->toc & CHAPTER_A)
		read_list(in, &c->a);
}

void journal_read_channel(struct octets_in *in, struct journal_channel *c)
{
	const uint8_t *start = in->at;
	const uint16_t head = in_word(in);
	const size_t length = head & 0x3ff;
	struct octets_in chapters;

	c->s = head & 0x8000;
	c->chan = head >> 11 & 0x0f;
	c->h = head & 0x0400;
	c->toc = in_octet(in);
	if (in->bad || length < HDR_LEN || (size_t)(in->end - start) < length) {
		in->bad = true;
		return;
	}
	chapters = (struct octets_in){.at = in->at, .end = start + length};
	read_chapters(&chapters, c);
	in->at = start + length;
	in->bad |= chapters.bad;
}

static void put_chapters(struct octets_out *out, const struct journal_channel *c)
{
	if (c->toc & CHAPTER_P)
		put_p(out, &c->p);
	if (c->toc & CHAPTER_C)
		put_list(out, &c->c);
	if (c->toc & CHAPTER_M)
		put_m(out, &c->m);
	if (c->toc & CHAPTER_W) {
		out_octet(out, bit(c->w.s, 0x80) | c->w.first);
		out_octet(out, c->w.second);
	}
	if (c->toc & CHAPTER_N)
		put_n(out, &c->n);
	if (c->toc & CHAPTER_E)
		put_list(out, &c->e);
	if (c->toc & CHAPTER_T)
		out_octet(out, bit(c->t.s, 0x80) | c->t.pressure);
	if (c->toc & CHAPTER_A)
		put_list(out, &c->a);
}

void journal_put_channel(struct octets_out *out, const struct journal_channel *c)
{
	const size_t start = out->len;
	size_t length;
	unsigned head;

	out_word(out, 0);
	out_octet(out, c->toc);
	put_chapters(out, c);
	length = out->len - start;
	if (out->full || length > JOURNAL_LENGTH_MAX) {
		out->full = true;
		return;
	}
	head = bit(c->s, 0x8000) | (c->chan & 0x0fu) << 11 | bit(c->h, 0x0400) | (unsigned)length;
	out->buf[start] = (uint8_t)(head >> 8);
	out->buf[start + 1] = (uint8_t)head;
}
