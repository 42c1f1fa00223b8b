/*
 * osc.c - OSC packets: validator, reader, writer.
 *
 *      message   "/address" NUL..   ",tags" NUL..   arguments          everything in steps of four octets
 *      bundle    "#bundle" NUL   time tag   (size   message or bundle) ...
 *
 * A packet is judged whole before anything in it is used: half a bundle executed is worse than none. The walk needs a
 * stack of bundle ends, eight deep; there is no recursion, so no packet can ask for more of ours than that.
 *
 * Two things the wire format leaves open are decided strictly here. What follows the last argument is no part of a
 * message, so a message with octets left over is malformed: it could not be sent on unchanged. And a comma is taken
 * only between a brace and the one that closes it in the same part of the address, since anywhere else it would begin
 * the tags for a reader that is less careful; `#` nowhere.
 */
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "bytes.h"
#include "osc.h"

static const char bundle_word[8] = "#bundle";

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Octets of a string with its NULs, its length without; 0: it does not end inside. */
static size_t string_size(size_t *n, const uint8_t *p, size_t left)
{
	const uint8_t *nul = memchr(p, 0, left);
	size_t size;

	if (!nul)
		return 0;
	*n = (size_t)(nul - p);
	size = padded(*n + 1);

	return size <= left ? size : 0;
}

/* ---- addresses ---- */

/* The rules of an address; a pattern is one too. */
static bool osc_addr_ok(const char *addr, size_t len)
{
	bool brace = false, comma = false;

	if (len < 2 || len > OSC_ADDR_MAX || addr[0] != '/' || addr[len - 1] == '/')
		return false;

	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)addr[i];

		if (c < 0x21 || c > 0x7e || c == '#' || (c == ',' && !brace))
			return false;
		if (c == '/' && brace && comma)
			return false;
		if (c == '{' || c == '}' || c == '/') {
			brace = c == '{' || (brace && c != '}' && c != '/');
			comma = false;
		}
		comma = comma || c == ',';
	}

	return !(brace && comma);
}

bool osc_addr_has_deep(const char *addr, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (addr[i] == '/' && addr[i + 1] == '/')
			return true;
	}

	return false;
}

bool osc_addr_is_pattern(const char *addr, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (addr[i]) {
		case '*':
		case '?':
		case '[':
		case ']':
		case '{':
		case '}':
			return true;
		case '/':
			if (i + 1 < len && addr[i + 1] == '/')
				return true;
			break;
		default:
			break;
		}
	}

	return false;
}

/* ---- arguments ---- */

/* Octets of the argument at p, -1: not inside, or not a tag anybody knows. */
static ssize_t arg_size(char tag, const uint8_t *p, size_t left)
{
	size_t n, size;

	switch (tag) {
	case 'i': case 'f': case 'c': case 'r': case 'm':
		return left >= 4 ? 4 : -1;
	case 'h': case 't': case 'd':
		return left >= 8 ? 8 : -1;
	case 's': case 'S':
		size = string_size(&n, p, left);
		return size ? (ssize_t)size : -1;
	case 'b':
		if (left < 4 || get_be32(p) > INT32_MAX || get_be32(p) > left - 4)
			return -1;
		size = 4 + padded(get_be32(p));
		return size <= left ? (ssize_t)size : -1;
	case 'T': case 'F': case 'N': case 'I': case '[': case ']':
		return 0;
	default:
		return -1;
	}
}

static bool brackets_ok(const char *tags, size_t n)
{
	unsigned depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (tags[i] == '[' && ++depth > OSC_ARRAY_DEPTH)
			return false;
		if (tags[i] == ']' && !depth--)
			return false;
	}

	return depth == 0;
}

static bool args_ok(const struct osc_msg *m)
{
	const uint8_t *p = m->args;
	size_t left = m->args_len;

	for (size_t i = 0; i < m->n_tags; i++) {
		const ssize_t n = arg_size(m->tags[i], p, left);

		if (n < 0)
			return false;
		p    += n;
		left -= (size_t)n;
	}

	return left == 0;
}

int osc_msg_read(struct osc_msg *m, const uint8_t *buf, size_t len)
{
	size_t addr, tags, n;

	if (!buf || len < OSC_LEN_MIN || len % 4 || buf[0] != '/')
		return EBADMSG;

	addr = string_size(&m->addr_len, buf, len);
	if (!addr || addr == len || !osc_addr_ok((const char *)buf, m->addr_len))
		return EBADMSG;

	tags = buf[addr] == ',' ? string_size(&n, buf + addr, len - addr) : 0;
	if (!tags)
		return EBADMSG;

	m->addr     = (const char *)buf;
	m->tags     = (const char *)buf + addr + 1;
	m->n_tags   = n - 1;
	m->args     = buf + addr + tags;
	m->args_len = len - addr - tags;
	m->raw      = buf;
	m->len      = len;

	return brackets_ok(m->tags, m->n_tags) && args_ok(m) ? 0 : EBADMSG;
}

void osc_args_init(struct osc_args *it, const struct osc_msg *m)
{
	*it = (struct osc_args){m->tags, m->tags + m->n_tags, m->args, m->args + m->args_len};
}

static float to_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static double to_double(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static void arg_value(struct osc_arg *a, const uint8_t *p)
{
	switch (a->tag) {
	case 'i': a->v.i = (int32_t)get_be32(p); break;
	case 'f': a->v.f = to_float(get_be32(p)); break;
	case 'h': a->v.h = (int64_t)get_be64(p); break;
	case 't': a->v.t = get_be64(p); break;
	case 'd': a->v.d = to_double(get_be64(p)); break;
	case 'c': a->v.c = get_be32(p); break;
	case 'r':
	case 'm': memcpy(a->v.m, p, 4); break;
	case 's':
	case 'S': a->v.s = (const char *)p; break;
	case 'b': a->v.b.len = get_be32(p); a->v.b.p = p + 4; break;
	default: break;
	}
}

bool osc_arg_next(struct osc_args *it, struct osc_arg *a)
{
	ssize_t n;

	if (it->tag == it->tag_end)
		return false;

	memset(a, 0, sizeof(*a));
	a->tag = *it->tag;
	n = arg_size(a->tag, it->pos, (size_t)(it->end - it->pos));
	if (n < 0) {
		it->tag = it->tag_end;
		return false;
	}

	arg_value(a, it->pos);
	it->tag++;
	it->pos += n;
	return true;
}

bool osc_is_nil(const struct osc_msg *m)
{
	return m->n_tags == 1 && m->tags[0] == 'N';
}

/* ---- packets ---- */

bool osc_is_bundle(const uint8_t *buf, size_t len)
{
	return len >= OSC_BUNDLE_HDR && !memcmp(buf, bundle_word, sizeof(bundle_word));
}

void osc_iter_init(struct osc_iter *it, const uint8_t *buf, size_t len)
{
	it->depth   = 0;
	it->timetag = OSC_NOW;
	it->pos     = buf;
	it->end[0]  = len ? buf + len : buf;      /* of nothing there may be no place */
	it->time[0] = OSC_NOW;
}

static bool bundle_enter(struct osc_iter *it, const uint8_t *p, size_t len)
{
	if (it->depth == OSC_BUNDLE_DEPTH)
		return false;

	it->depth++;
	it->time[it->depth] = get_be64(p + 8);
	it->end[it->depth]  = p + len;
	it->pos = p + OSC_BUNDLE_HDR;
	return true;
}

/* The element at the position: behind it in *p, *len; inside a bundle its size stands before it. */
static bool element(struct osc_iter *it, const uint8_t **p, size_t *len)
{
	const size_t left = (size_t)(it->end[it->depth] - it->pos);

	*p = it->pos;
	*len = left;
	if (it->depth) {
		if (left < 4)
			return false;
		*p  += 4;
		*len = get_be32(it->pos);
		if (!*len || *len % 4 || *len > left - 4)
			return false;
	}
	it->pos = *p + *len;

	return true;
}

enum osc_step osc_step(struct osc_iter *it, struct osc_msg *msg)
{
	const uint8_t *p;
	size_t len;

	it->timetag = it->time[it->depth];
	if (it->pos == it->end[it->depth]) {
		if (!it->depth)
			return OSC_END;
		it->depth--;              /* its end is where the outer one goes on */
		return OSC_CLOSE;
	}

	if (!element(it, &p, &len))
		return OSC_BAD;
	if (osc_is_bundle(p, len)) {
		if (!bundle_enter(it, p, len))
			return OSC_BAD;
		it->timetag = it->time[it->depth];
		return OSC_OPEN;
	}

	return osc_msg_read(msg, p, len) ? OSC_BAD : OSC_MSG;
}

bool osc_next(struct osc_iter *it, struct osc_msg *msg)
{
	for (;;) {
		switch (osc_step(it, msg)) {
		case OSC_MSG:
			return true;
		case OSC_END:
			return false;
		case OSC_BAD:
			it->depth = 0;
			it->pos   = it->end[0];
			return false;
		default:
			break;
		}
	}
}

int osc_check(const uint8_t *buf, size_t len, size_t max)
{
	struct osc_iter it;
	struct osc_msg msg;
	enum osc_step step;

	if (!buf || len < OSC_LEN_MIN || len % 4 || len > max)
		return EBADMSG;

	osc_iter_init(&it, buf, len);
	do
		step = osc_step(&it, &msg);
	while (step != OSC_END && step != OSC_BAD);

	return step == OSC_END ? 0 : EBADMSG;
}

/* ---- writing ---- */

void osc_w_init(struct osc_writer *w, uint8_t *buf, size_t room)
{
	memset(w, 0, sizeof(*w));
	w->buf  = buf;
	w->room = room;
}

/* `n` octets more; NULL: no room, or an error before. */
static uint8_t *take(struct osc_writer *w, size_t n)
{
	uint8_t *p;

	if (!w->err && n > w->room - w->len)
		w->err = ENOSPC;
	if (w->err)
		return NULL;

	p = w->buf + w->len;
	w->len += n;
	return p;
}

static void put_string(struct osc_writer *w, const char *s, size_t n)
{
	uint8_t *p = take(w, padded(n + 1));

	if (!p)
		return;
	memset(p + padded(n + 1) - 4, 0, 4);
	memcpy(p, s, n);
}

static void put_blob(struct osc_writer *w, const uint8_t *b, uint32_t n)
{
	uint8_t *p = n <= INT32_MAX ? take(w, 4 + padded(n)) : NULL;

	if (!p) {
		w->err = w->err ? w->err : EINVAL;
		return;
	}
	put_be32(p, n);
	if (!n)
		return;
	memset(p + padded(n), 0, 4);      /* the last word; the size moved it by four */
	memcpy(p + 4, b, n);
}

static void put_word(struct osc_writer *w, const void *v)
{
	uint32_t bits;
	uint8_t *p = take(w, 4);

	if (!p)
		return;
	memcpy(&bits, v, sizeof(bits));
	put_be32(p, bits);
}

static void put_long(struct osc_writer *w, const void *v)
{
	uint64_t bits;
	uint8_t *p = take(w, 8);

	if (!p)
		return;
	memcpy(&bits, v, sizeof(bits));
	put_be64(p, bits);
}

static void put_arg(struct osc_writer *w, const struct osc_arg *a)
{
	uint8_t *p;

	switch (a->tag) {
	case 'i': put_word(w, &a->v.i); break;
	case 'f': put_word(w, &a->v.f); break;
	case 'c': put_word(w, &a->v.c); break;
	case 'h': put_long(w, &a->v.h); break;
	case 't': put_long(w, &a->v.t); break;
	case 'd': put_long(w, &a->v.d); break;
	case 'r':
	case 'm':
		p = take(w, 4);
		if (p)
			memcpy(p, a->v.m, 4);
		break;
	case 's':
	case 'S': put_string(w, a->v.s, strlen(a->v.s)); break;
	case 'b': put_blob(w, a->v.b.p, a->v.b.len); break;
	case 'T': case 'F': case 'N': case 'I': case '[': case ']': break;
	default: w->err = w->err ? w->err : EINVAL; break;
	}
}

static void put_tags(struct osc_writer *w, const struct osc_arg *args, size_t n)
{
	const size_t size = padded(n + 2);
	uint8_t *p = take(w, size);

	if (!p)
		return;
	memset(p + size - 4, 0, 4);
	p[0] = ',';
	for (size_t i = 0; i < n; i++)
		p[1 + i] = (uint8_t)args[i].tag;
	if (!brackets_ok((const char *)p + 1, n))
		w->err = EINVAL;
}

/* Inside a bundle an element has its size before it. */
static size_t element_begin(struct osc_writer *w)
{
	if (w->depth)
		take(w, 4);
	else if (w->len)
		w->err = w->err ? w->err : EINVAL;          /* a packet is one message or one bundle */

	return w->len;
}

static void element_end(struct osc_writer *w, size_t begin)
{
	if (w->depth && !w->err)
		put_be32(w->buf + begin - 4, (uint32_t)(w->len - begin));
}

void osc_w_bundle(struct osc_writer *w, uint64_t timetag)
{
	size_t begin;
	uint8_t *p;

	if (w->depth == OSC_BUNDLE_DEPTH)
		w->err = w->err ? w->err : EINVAL;
	begin = element_begin(w);
	p = take(w, OSC_BUNDLE_HDR);
	if (!p)
		return;

	memcpy(p, bundle_word, sizeof(bundle_word));
	put_be64(p + 8, timetag);
	w->size_at[w->depth++] = begin;
}

void osc_w_bundle_end(struct osc_writer *w)
{
	if (w->err)
		return;
	if (!w->depth) {
		w->err = EINVAL;
		return;
	}
	w->depth--;
	element_end(w, w->size_at[w->depth]);
}

void osc_w_msg(struct osc_writer *w, const char *addr, const struct osc_arg *args, size_t n)
{
	const size_t begin = element_begin(w);

	if (!osc_addr_ok(addr, strlen(addr)))
		w->err = w->err ? w->err : EINVAL;

	put_string(w, addr, strlen(addr));
	put_tags(w, args, n);
	for (size_t i = 0; i < n; i++)
		put_arg(w, &args[i]);
	element_end(w, begin);
}

/* "Padding octets that are not NUL are tolerated and MUST be rewritten as NUL when the packet is re-encoded." */
static void clean_padding(uint8_t *args, const struct osc_msg *m)
{
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, m);
	for (const uint8_t *at = it.pos; osc_arg_next(&it, &a); at = it.pos) {
		const size_t size = (size_t)(it.pos - at);
		size_t used = size;

		if (a.tag == 's' || a.tag == 'S')
			used = strlen(a.v.s);
		else if (a.tag == 'b')
			used = 4 + (size_t)a.v.b.len;
		memset(args + (at - m->args) + used, 0, size - used);
	}
}

void osc_w_copy(struct osc_writer *w, const struct osc_msg *m, const char *prefix, size_t skip)
{
	const size_t n_prefix = strlen(prefix), begin = element_begin(w);
	char addr[OSC_ADDR_MAX + 1];
	size_t n;
	uint8_t *p;

	n = skip <= m->addr_len ? n_prefix + m->addr_len - skip : 0;
	if (n < 2 || n > OSC_ADDR_MAX) {
		w->err = w->err ? w->err : EINVAL;
		return;
	}
	memcpy(addr, prefix, n_prefix + 1);
	memcpy(addr + n_prefix, m->addr + skip, n - n_prefix);
	if (!osc_addr_ok(addr, n))
		w->err = w->err ? w->err : EINVAL;

	put_string(w, addr, n);
	put_string(w, m->tags - 1, m->n_tags + 1);
	p = take(w, m->args_len);
	if (p && m->args_len) {
		memcpy(p, m->args, m->args_len);
		clean_padding(p, m);
	}
	element_end(w, begin);
}

int osc_w_end(struct osc_writer *w, size_t *len)
{
	if (!w->err && (w->depth || w->len < OSC_LEN_MIN))
		w->err = EINVAL;

	*len = w->err ? 0 : w->len;
	return w->err;
}
