/*
 * oscquery_tree.c - a room's address space as JSON.
 *
 * Nodes are sorted by address, with the slash before all other octets, so that what lies below an address stands in one
 * run behind it. A container is never stored: it is where the next parts of two neighbours part.
 *
 *      {"FULL_PATH": "/p/anna", "ACCESS": 0, "CONTENTS": {"gain": {"FULL_PATH": "/p/anna/gain", "ACCESS": 1, "TYPE": "f",
 *       "VALUE": [0.5]}}}
 *
 * RANGE is told of the MIDI address space, whose ranges everybody knows. Not here: CLIPMODE, UNIT, TAGS, CRITICAL,
 * EXTENDED_TYPE.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "kind.h"
#include "oscquery_tree.h"

static const char *const names[OSCQUERY_ATTRS] = {
	[OSCQUERY_FULL_PATH]   = "FULL_PATH",
	[OSCQUERY_CONTENTS]    = "CONTENTS",
	[OSCQUERY_TYPE]        = "TYPE",
	[OSCQUERY_ACCESS]      = "ACCESS",
	[OSCQUERY_VALUE]       = "VALUE",
	[OSCQUERY_RANGE]       = "RANGE",
	[OSCQUERY_DESCRIPTION] = "DESCRIPTION",
};

enum oscquery_attr oscquery_attr(const char *name, size_t len)
{
	for (unsigned i = OSCQUERY_FULL_PATH; i < OSCQUERY_ATTRS; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return (enum oscquery_attr)i;

	return OSCQUERY_ATTRS;
}

/* --- text --- */

/* Octets of the UTF-8 sequence that begins here; 0: none does. */
static size_t utf8_len(const uint8_t *p, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (n < 2 || n > len)
		return n == 1 ? 1 : 0;

	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}

	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static int put_octet(struct mbuf *mb, uint8_t c)
{
	if (c == '"' || c == '\\')
		return mbuf_printf(mb, "\\%c", c);
	if (c < 0x20 || c == 0x7f)
		return mbuf_printf(mb, "\\u%04x", c);

	return mbuf_write_u8(mb, c);
}

/* As a JSON string with its quotes: what is not UTF-8 becomes U+FFFD. */
static int oscquery_text(struct mbuf *mb, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	int err = mbuf_write_u8(mb, '"');

	while (len && !err) {
		const size_t n = utf8_len(p, len), step = n ? n : 1;

		if (n == 1)
			err = put_octet(mb, *p);
		else
			err = n ? mbuf_write_mem(mb, p, n) : mbuf_write_str(mb, "\xef\xbf\xbd");
		p   += step;
		len -= step;
	}

	return err ? err : mbuf_write_u8(mb, '"');
}

static int put_text(struct mbuf *mb, const char *text)
{
	return oscquery_text(mb, text, strlen(text));
}

/* --- values --- */

/* JSON knows no infinities. */
static int put_real(struct mbuf *mb, double d, int digits)
{
	char text[40];

	if (!isfinite(d))
		return mbuf_write_str(mb, "null");

	(void)snprintf(text, sizeof(text), "%.*g", digits, d);
	return mbuf_write_str(mb, text);
}

static int put_char(struct mbuf *mb, uint32_t c)
{
	const char one = (char)c;

	return c < 0x80 ? oscquery_text(mb, &one, 1) : mbuf_write_str(mb, "null");
}

/* What JSON has no form for is null: blobs, MIDI, time tags. */
static int put_value(struct mbuf *mb, const struct osc_arg *a)
{
	switch (a->tag) {

	case 'i':
		return mbuf_printf(mb, "%d", a->v.i);

	case 'h':
		return mbuf_printf(mb, "%lld", (long long)a->v.h);

	case 'f':
		return put_real(mb, (double)a->v.f, 9);

	case 'd':
		return put_real(mb, a->v.d, 17);

	case 's':
	case 'S':
		return put_text(mb, a->v.s);

	case 'c':
		return put_char(mb, a->v.c);

	case 'r':
		return mbuf_printf(mb, "\"#%02X%02X%02X%02X\"", a->v.m[0], a->v.m[1], a->v.m[2], a->v.m[3]);

	case 'T':
	case 'F':
		return mbuf_write_str(mb, a->tag == 'T' ? "true" : "false");

	default:
		return mbuf_write_str(mb, "null");
	}
}

static int put_values(struct mbuf *mb, const struct oscquery_node *node)
{
	struct osc_args it;
	struct osc_arg arg;
	struct osc_msg msg;
	bool first = true;
	int err = osc_msg_read(&msg, node->msg, node->len);

	if (err)
		return err;

	osc_args_init(&it, &msg);
	err = mbuf_write_u8(mb, '[');
	while (!err && osc_arg_next(&it, &arg)) {
		if (arg.tag == ']') {
			err = mbuf_write_u8(mb, ']');
			first = false;
			continue;
		}
		if (!first)
			err = mbuf_write_u8(mb, ',');
		first = arg.tag == '[';
		if (!err)
			err = first ? mbuf_write_u8(mb, '[') : put_value(mb, &arg);
	}

	return err ? err : mbuf_write_u8(mb, ']');
}

/* The highest value of an address of urn:x-gest:midi:1, also under /p/NAME; 0: it is none. */
static unsigned midi_top(const struct oscquery_node *node)
{
	static const struct { const char *part; unsigned top; } kinds[] = {
		{"note", 127}, {"poly", 127}, {"cc", 127}, {"program", 127}, {"pressure", 127},
		{"bend", 16383}, {"rpn", 16383}, {"nrpn", 16383},
	};
	const char *p = node->addr + kind_prefix(node->addr, strlen(node->addr));
	size_t n;

	if (strncmp(p, "/midi/", 6))
		return 0;
	p += 6;
	p += strspn(p, "0123456789");
	if (*p++ != '/')
		return 0;
	n = strcspn(p, "/");
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].part) == n && !memcmp(kinds[i].part, p, n))
			return kinds[i].top;

	return 0;
}

/* "`f` is also accepted and means the fraction 0..1 of the full range" */
static int put_range(struct mbuf *mb, const struct oscquery_node *node)
{
	const unsigned top = midi_top(node);

	if (node->min < node->max)
		return mbuf_printf(mb, "[{\"MIN\":%d,\"MAX\":%d}]", (int)node->min, (int)node->max);

	if (!top || (strcmp(node->tags, "i") && strcmp(node->tags, "f")))
		return ENODATA;

	return mbuf_printf(mb, "[{\"MIN\":0,\"MAX\":%u}]", *node->tags == 'i' ? top : 1);
}

/* --- the tree --- */

/* The slash before all others, so that "/a/b" stands between "/a" and "/a-b". */
static int compare(const void *a, const void *b)
{
	const uint8_t *p = (const uint8_t *)((const struct oscquery_node *)a)->addr;
	const uint8_t *q = (const uint8_t *)((const struct oscquery_node *)b)->addr;

	while (*p && *p == *q)
		p++, q++;

	return (*p == '/' ? 1 : *p) - (*q == '/' ? 1 : *q);
}

unsigned oscquery_sort(struct oscquery_node *nodes, unsigned n)
{
	unsigned left = n ? 1 : 0;

	if (n)
		qsort(nodes, n, sizeof(*nodes), compare);
	for (unsigned i = 1; i < n; i++)
		if (compare(&nodes[left - 1], &nodes[i]))
			nodes[left++] = nodes[i];

	return left;
}

static bool is_below(const struct oscquery_node *node, const char *path, size_t len)
{
	return 0 == strncmp(node->addr, path, len) && (node->addr[len] == '/' || !node->addr[len]);
}

/* All nodes at a path and below it are one run. */
static unsigned run(const struct oscquery_node *nodes, unsigned n, const char *path, size_t len)
{
	unsigned i = 0;

	while (i < n && is_below(&nodes[i], path, len))
		i++;

	return i;
}

static int put_node(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, const char *path, size_t len, unsigned depth);

static int put_contents(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, size_t len, unsigned depth)
{
	int err = mbuf_write_u8(mb, '{');

	for (unsigned i = 0; i < n && !err;) {
		const char *part = nodes[i].addr + len + 1;
		const size_t part_len = strcspn(part, "/");
		const unsigned k = run(nodes + i, n - i, nodes[i].addr, len + 1 + part_len);

		if (i)
			err = mbuf_write_u8(mb, ',');
		if (!err)
			err = oscquery_text(mb, part, part_len);
		if (!err)
			err = mbuf_write_u8(mb, ':');
		if (!err)
			err = put_node(mb, nodes + i, k, nodes[i].addr, len + 1 + part_len, depth + 1);
		i += k;
	}

	return err ? err : mbuf_write_u8(mb, '}');
}

static int put_attr(struct mbuf *mb, const struct oscquery_node *own, const struct oscquery_node *below, unsigned n,
		    const char *path, size_t len, enum oscquery_attr attr, unsigned depth)
{
	switch (attr) {

	case OSCQUERY_FULL_PATH:
		return len ? oscquery_text(mb, path, len) : put_text(mb, "/");

	case OSCQUERY_CONTENTS:
		return n && depth < OSCQUERY_DEPTH ? put_contents(mb, below, n, len, depth) : ENODATA;

	case OSCQUERY_TYPE:
		return own ? put_text(mb, own->tags) : ENODATA;

	case OSCQUERY_ACCESS:
		return mbuf_printf(mb, "%d", own ? (int)own->access : OSCQUERY_NONE);

	case OSCQUERY_VALUE:
		return own && own->msg ? put_values(mb, own) : ENODATA;

	case OSCQUERY_RANGE:
		return own ? put_range(mb, own) : ENODATA;

	case OSCQUERY_DESCRIPTION:
		return own && own->text ? put_text(mb, own->text) : ENODATA;

	default:
		return ENODATA;
	}
}

/* "NAME": value, if there is one: what was begun is taken back if not. */
static int put_named(struct mbuf *mb, const struct oscquery_node *own, const struct oscquery_node *below, unsigned n,
		     const char *path, size_t len, enum oscquery_attr attr, unsigned depth)
{
	const size_t pos = mb->pos, end = mb->end;
	int err = mbuf_printf(mb, "%s\"%s\":", attr == OSCQUERY_FULL_PATH ? "" : ",", names[attr]);

	if (!err)
		err = put_attr(mb, own, below, n, path, len, attr, depth);
	if (err == ENODATA) {
		mb->pos = pos;
		mb->end = end;
		err = 0;
	}
	return err;
}

static int put_node(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, const char *path, size_t len, unsigned depth)
{
	const struct oscquery_node *own = n && !nodes[0].addr[len] && len ? nodes : NULL;
	const struct oscquery_node *below = own ? nodes + 1 : nodes;
	int err = mbuf_write_u8(mb, '{');

	for (unsigned a = OSCQUERY_FULL_PATH; a < OSCQUERY_ATTRS && !err; a++)
		err = put_named(mb, own, below, own ? n - 1 : n, path, len, (enum oscquery_attr)a, depth);

	return err ? err : mbuf_write_u8(mb, '}');
}

/* One attribute alone: {"VALUE": [0.5]} */
static int put_alone(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, const char *path, size_t len,
		     enum oscquery_attr attr)
{
	const struct oscquery_node *own = n && !nodes[0].addr[len] && len ? nodes : NULL;
	int err = mbuf_printf(mb, "{\"%s\":", names[attr]);

	if (!err)
		err = put_attr(mb, own, own ? nodes + 1 : nodes, own ? n - 1 : n, path, len, attr, 0);

	return err ? err : mbuf_write_u8(mb, '}');
}

int oscquery_write(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, const char *path, size_t len,
		   enum oscquery_attr attr)
{
	unsigned at = 0, k;

	if (len == 1 && *path == '/')
		len = 0;
	while (at < n && !is_below(&nodes[at], path, len))
		at++;
	k = run(nodes + at, n - at, path, len);
	if (!k && len)
		return ENOENT;
	if (attr == OSCQUERY_ALL)
		return put_node(mb, nodes + at, k, path, len, 0);

	return put_alone(mb, nodes + at, k, path, len, attr);
}
