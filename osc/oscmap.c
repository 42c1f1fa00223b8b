/*
 * oscmap.c - a=osc-map lines: read once, then asked for each gesture.
 *
 *      out  /ch/%c/mod  1:i:-100:100  cc:%c:1
 *      dir  address     argument      target
 *
 * A line that could never be used is taken for malformed: a variable that the other side of the line does not bind in
 * the direction it is read, a value for a target that has none, a scale of no length. Lines whose origin (the address
 * going out, the target coming in) has no variable come first, as "literals before lines with variables" has it; else
 * the order is that of the description.
 */
#include <errno.h>
#include <re.h>

#include "oscmap.h"
#include "scan.h"

enum { DIR_OUT = 1, DIR_IN = 2, LINE_MAX = 8192, NUMBER_MOST = 16383 };

/* Channel and number, as far as they are known. */
struct bound {
	int channel, num;         /* -1: not bound */
};

struct line {
	uint8_t dir;
	bool    addr_channel, addr_num;            /* %c, %n in the address, */
	bool    target_channel, target_num;        /* and in the target */
	size_t  addr_len, head;                    /* octets, and those before the first variable */
	char    addr[OSC_ADDR_MAX + 1];
	struct oscmap_arg arg;                     /* if the target has a value */
	struct osctarget target;
};

struct oscmap {
	unsigned n;
	struct line line[OSCMAP_MAX];
};

int oscmap_alloc(struct oscmap **mp)
{
	*mp = mem_zalloc(sizeof(**mp), NULL);
	return *mp ? 0 : ENOMEM;
}

unsigned oscmap_count(const struct oscmap *m)
{
	return m->n;
}

/* ---- reading a line ---- */

/* mapdir = "in" / "out" / "both" */
static bool read_dir(struct line *l, const struct scan *word)
{
	if (scan_is(word, "out"))
		l->dir = DIR_OUT;
	else if (scan_is(word, "in"))
		l->dir = DIR_IN;
	else if (scan_is(word, "both"))
		l->dir = DIR_OUT | DIR_IN;
	return l->dir != 0;
}

/* printable ASCII except SP # * , / ? [ ] { } */
static bool is_addr_char(char c)
{
	return c > 0x20 && c < 0x7f && !strchr("#*,/?[]{}", c);
}

static bool is_variable(const struct scan *part, char name)
{
	return scan_left(part) == 2 && part->p[0] == '%' && part->p[1] == name;
}

/* map-address = 1*( "/" ( "%c" / "%n" / 1*addr-char ) ) */
static bool read_address(struct line *l, struct scan s)
{
	size_t longest = scan_left(&s);

	if (!longest || longest > OSC_ADDR_MAX)
		return false;
	l->addr_len = longest;
	memcpy(l->addr, s.p, longest);
	while (s.p < s.end) {
		struct scan part;

		if (!scan_char(&s, '/'))
			return false;
		if (!l->addr_channel && !l->addr_num)
			l->head = l->addr_len - scan_left(&s);
		part = scan_until(&s, '/');
		l->addr_channel |= is_variable(&part, 'c');
		l->addr_num |= is_variable(&part, 'n');
		longest += is_variable(&part, 'n') ? 3 : 0;
		if (part.p == part.end)
			return false;
		for (; part.p < part.end; part.p++)
			if (!is_addr_char(*part.p))
				return false;
	}
	return longest <= OSC_ADDR_MAX;
}

/* map-arg = 1*2DIGIT ":" ( i / f / h / d ) ":" number ":" number */
static bool read_arg(struct oscmap_arg *arg, struct scan s)
{
	unsigned index;

	if (!scan_digits(&s, 2, &index) || !scan_char(&s, ':') || s.p == s.end || !*s.p || !strchr("ifhd", *s.p))
		return false;
	arg->index = (uint8_t)index;
	arg->tag = *s.p++;
	if (!scan_char(&s, ':') || !scan_number(&s, &arg->min) || !scan_char(&s, ':') || !scan_number(&s, &arg->max))
		return false;
	return s.p == s.end && (arg->min < arg->max || arg->min > arg->max);
}

/* ":" and "%c" or 1 to 16 */
static bool read_channel(struct line *l, struct scan *s)
{
	struct scan part;
	unsigned n;

	if (!scan_char(s, ':'))
		return false;
	part = scan_until(s, ':');
	l->target_channel = is_variable(&part, 'c');
	if (l->target_channel)
		return true;
	if (!scan_digits(&part, 2, &n) || part.p != part.end || n < 1 || n > 16)
		return false;
	l->target.channel = (uint8_t)(n - 1);
	return true;
}

/* ":" and "%n" or a number that the target can have */
static bool read_num(struct line *l, struct scan *s)
{
	struct scan part;
	unsigned n;

	if (!scan_char(s, ':'))
		return false;
	part = scan_until(s, ':');
	l->target_num = is_variable(&part, 'n');
	if (l->target_num)
		return true;
	if (!scan_digits(&part, 5, &n) || part.p != part.end || !osctarget_number_ok(l->target.kind, n))
		return false;
	l->target.num = (uint16_t)n;
	return true;
}

static bool read_target(struct line *l, struct scan s)
{
	const struct scan word = scan_until(&s, ':');
	unsigned k;

	for (k = TARGET_NOTE; k <= TARGET_TUNE; k++)
		if (scan_is(&word, osctarget_word((enum osctarget_kind)k)))
			break;
	if (k > TARGET_TUNE)
		return false;
	l->target.kind = (enum osctarget_kind)k;
	if (osctarget_has_channel(l->target.kind) && !read_channel(l, &s))
		return false;
	if (osctarget_has_number(l->target.kind) && !read_num(l, &s))
		return false;
	return s.p == s.end;
}

static bool is_usable(const struct line *l)
{
	if (l->dir & DIR_OUT && ((l->target_channel && !l->addr_channel) || (l->target_num && !l->addr_num)))
		return false;
	return !(l->dir & DIR_IN) || !((l->addr_channel && !l->target_channel) || (l->addr_num && !l->target_num));
}

static bool read_line(struct line *l, struct scan s)
{
	struct scan part = scan_until(&s, ' ');

	if (!read_dir(l, &part) || !scan_char(&s, ' ') || !read_address(l, scan_until(&s, ' ')) || !scan_char(&s, ' '))
		return false;
	part = scan_until(&s, ' ');
	if (!scan_char(&s, ' ') || !read_target(l, s))
		return false;
	/* "`-` for targets without value" */
	if (osctarget_has_value(l->target.kind) ? !read_arg(&l->arg, part) : !scan_is(&part, "-"))
		return false;
	return is_usable(l);
}

int oscmap_add(struct oscmap *m, const char *value, size_t len)
{
	struct line l = {0};

	if (len > LINE_MAX || !read_line(&l, scan_begin(value, len)))
		return EBADMSG;
	if (m->n == OSCMAP_MAX)
		return E2BIG;
	m->line[m->n++] = l;
	return 0;
}

/* ---- from OSC ---- */

static bool bind_to(int *bound, struct scan part, unsigned least, unsigned most)
{
	unsigned n;

	/* One way to write a number: keys are compared octet by octet. */
	if (scan_left(&part) > 1 && *part.p == '0')
		return false;
	if (!scan_digits(&part, 5, &n) || part.p != part.end || n < least || n > most)
		return false;
	if (*bound >= 0 && *bound != (int)n)
		return false;
	*bound = (int)n;
	return true;
}

static bool part_fits(struct bound *b, struct scan mine, struct scan part)
{
	if (is_variable(&mine, 'c'))
		return bind_to(&b->channel, part, 1, 16);
	if (is_variable(&mine, 'n'))
		return bind_to(&b->num, part, 0, NUMBER_MOST);
	return scan_left(&mine) == scan_left(&part) && !memcmp(mine.p, part.p, scan_left(&mine));
}

static bool address_fits(struct bound *b, const struct line *l, const struct osc_msg *msg)
{
	struct scan mine = scan_begin(l->addr, l->addr_len), theirs = scan_begin(msg->addr, msg->addr_len);

	*b = (struct bound){-1, -1};
	if (!l->addr_channel && !l->addr_num)
		return l->addr_len == msg->addr_len && !memcmp(l->addr, msg->addr, l->addr_len);
	/* Most lines are not for this address, and end here. */
	if (msg->addr_len < l->head || memcmp(l->addr, msg->addr, l->head) != 0)
		return false;
	while (scan_char(&mine, '/')) {
		if (!scan_char(&theirs, '/') || !part_fits(b, scan_until(&mine, '/'), scan_until(&theirs, '/')))
			return false;
	}
	return theirs.p == theirs.end;
}

/* The argument of that index; array brackets are not counted. */
static int argument(struct osc_arg *a, const struct osc_msg *msg, unsigned index)
{
	struct osc_args it;

	osc_args_init(&it, msg);
	while (osc_arg_next(&it, a)) {
		if (a->tag == '[' || a->tag == ']')
			continue;
		if (!index--)
			return 0;
	}
	return ENOENT;
}

static int value_of(unsigned *value, const struct line *l, const struct osc_msg *msg)
{
	struct osc_arg a;
	int err;

	*value = 0;
	if (osc_is_nil(msg))
		return ENODATA;
	if (!osctarget_has_value(l->target.kind))
		return 0;
	err = argument(&a, msg, l->arg.index);
	return err ? err : oscmap_value(value, &l->arg, &a, osctarget_range(l->target.kind));
}

static int line_out(struct osctarget *t, unsigned *value, const struct line *l, const struct osc_msg *msg)
{
	struct bound b;
	int err;

	if (!address_fits(&b, l, msg))
		return ENOENT;
	*t = l->target;
	if (l->target_channel)
		t->channel = (uint8_t)(b.channel - 1);
	if (l->target_num)
		t->num = (uint16_t)b.num;
	if (l->target_num && !osctarget_number_ok(t->kind, t->num))
		return ENOENT;
	err = value_of(value, l, msg);
	return err == EINVAL ? ENOENT : err;
}

int oscmap_out(struct osctarget *t, unsigned *value, const struct oscmap *m, const struct osc_msg *msg)
{
	for (unsigned with = 0; m && with < 2; with++) {
		for (unsigned i = 0; i < m->n; i++) {
			const struct line *l = &m->line[i];
			int err;

			if (!(l->dir & DIR_OUT) || (l->addr_channel || l->addr_num) != with)
				continue;
			err = line_out(t, value, l, msg);
			if (err != ENOENT)
				return err;
		}
	}
	return ENOENT;
}

/* ---- to OSC ---- */

static bool target_fits(const struct line *l, const struct osctarget *t)
{
	if (l->target.kind != t->kind)
		return false;
	if (osctarget_has_channel(t->kind) && !l->target_channel && l->target.channel != t->channel)
		return false;
	return !osctarget_has_number(t->kind) || l->target_num || l->target.num == t->num;
}

static char *put_number(char *p, unsigned n)
{
	unsigned unit = 1;

	while (n / unit > 9)
		unit *= 10;
	for (; unit; unit /= 10)
		*p++ = (char)('0' + n / unit % 10);
	return p;
}

/* There is room: read_address() has seen to it. */
static void address_of(char *addr, const struct line *l, const struct osctarget *t)
{
	struct scan s = scan_begin(l->addr, l->addr_len);
	char *p = addr;

	while (scan_char(&s, '/')) {
		const struct scan part = scan_until(&s, '/');

		*p++ = '/';
		if (is_variable(&part, 'c') || is_variable(&part, 'n')) {
			p = put_number(p, is_variable(&part, 'c') ? t->channel + 1u : t->num);
		} else {
			memcpy(p, part.p, scan_left(&part));
			p += scan_left(&part);
		}
	}
	*p = '\0';
}

static void line_in(char *addr, struct osc_arg *args, size_t *n_args, const struct line *l, const struct osctarget *t,
	unsigned value)
{
	const struct oscmap_arg *arg = &l->arg;

	address_of(addr, l, t);
	*n_args = 0;
	if (!osctarget_has_value(t->kind))
		return;
	/* What stands before the argument is not MIDI's to know: zeros of the same tag. */
	while (*n_args < arg->index)
		args[(*n_args)++] = (struct osc_arg){.tag = arg->tag};
	args[(*n_args)++] = oscmap_back(arg, value, osctarget_range(t->kind));
}

int oscmap_in(char *addr, struct osc_arg *args, size_t *n_args, const struct oscmap *m, const struct osctarget *t,
	unsigned value)
{
	for (unsigned with = 0; m && with < 2; with++) {
		for (unsigned i = 0; i < m->n; i++) {
			const struct line *l = &m->line[i];

			if (!(l->dir & DIR_IN) || (l->target_channel || l->target_num) != with || !target_fits(l, t))
				continue;
			line_in(addr, args, n_args, l, t, value);
			return 0;
		}
	}
	return ENOENT;
}
