/*
 * views.c - how the gestures of one participant look to another.
 *
 * A packet is written anew for each receiver, step by step as it is walked: "when one is partly unacceptable to a
 * receiver (types, size, rate, claim), only the offending messages are left out", while its bundles stay as they
 * were. A packet of which nothing is left is not sent.
 */
#include <errno.h>
#include <string.h>

#include "gest.h"
#include "views.h"

static bool name_octet(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.';
}

bool views_name_ok(const char *name, size_t len)
{
	if (!len || len > VIEW_NAME_MAX || name[0] == '_' || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!name_octet(name[i]))
			return false;
	}

	return true;
}

/* ---- owners ---- */

static bool is_claim(const struct owners *o, unsigned i, uint32_t source, const char *pattern, size_t len)
{
	return o->claim[i].source == source && o->claim[i].len == len && !memcmp(o->claim[i].pattern, pattern, len);
}

int owners_claim(struct owners *o, uint32_t source, const char *pattern)
{
	const size_t len = strlen(pattern);

	if (!pattern_ok(pattern, len) || osc_addr_has_deep(pattern, len))
		return EINVAL;

	for (unsigned i = 0; i < o->n; i++) {
		if (is_claim(o, i, source, pattern, len))
			return 0;
		if (o->claim[i].source != source && pattern_overlap(o->claim[i].pattern, o->claim[i].len, pattern, len))
			return EACCES;
	}
	if (o->n == OWNERS_MAX)
		return E2BIG;

	o->claim[o->n].source = source;
	o->claim[o->n].len    = (uint8_t)len;
	memcpy(o->claim[o->n].pattern, pattern, len + 1);
	o->n++;
	return 0;
}

void owners_release(struct owners *o, uint32_t source)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < o->n; i++) {
		if (o->claim[i].source == source)
			continue;
		if (kept != i)
			o->claim[kept] = o->claim[i];
		kept++;
	}
	o->n = kept;
}

bool owners_may(const struct owners *o, uint32_t source, const char *addr, size_t len)
{
	const bool pattern = osc_addr_is_pattern(addr, len);

	for (unsigned i = 0; i < o->n; i++) {
		if (o->claim[i].source == source)
			continue;
		if (pattern || pattern_match(o->claim[i].pattern, o->claim[i].len, addr, len))
			return false;
	}

	return true;
}

/* ---- addresses ---- */

static bool begins(const char *addr, size_t len, const char *with)
{
	return len >= strlen(with) && !memcmp(addr, with, strlen(with));
}

size_t views_addressee(const char **name, size_t *name_len, const char *addr, size_t len)
{
	const char *slash;

	if (!begins(addr, len, "/to/"))
		return 0;
	slash = memchr(addr + 4, '/', len - 4);
	if (!slash || slash == addr + 4 || slash == addr + len - 1)
		return 0;

	*name = addr + 4;
	*name_len = (size_t)(slash - *name);
	return (size_t)(slash - addr);
}

/* One message for one receiver: how much of its address is taken off, and why it is not sent. */
struct verdict {
	bool     send;
	unsigned errors;
	size_t   skip;
};

static bool types_ok(const char *types, const struct osc_msg *msg)
{
	for (size_t i = 0; types && i < msg->n_tags; i++) {
		if (!strchr(types, msg->tags[i]))
			return false;
	}

	return true;
}

static struct verdict refused(enum gest_error e)
{
	return (struct verdict){.errors = e ? 1u << e : 0};
}

static struct verdict judge_to(const struct views *v, const struct osc_msg *msg)
{
	const char *name;
	size_t name_len, skip = views_addressee(&name, &name_len, msg->addr, msg->addr_len);

	/* "an empty rest is error 8", "`/to/` in `/<rest>` is error 8" */
	if (!skip || begins(msg->addr + skip, msg->addr_len - skip, "/to/"))
		return refused(GEST_UNKNOWN);
	if (!v->receiver || strlen(v->receiver) != name_len || memcmp(v->receiver, name, name_len))
		return refused(GEST_NONE);

	return (struct verdict){true, 0, skip};
}

static struct verdict judge(const struct views *v, const struct osc_msg *msg)
{
	struct verdict d = {true, 0, 0};
	const char *addr = msg->addr;
	size_t len = msg->addr_len;

	if (begins(addr, len, "/to/"))
		d = judge_to(v, msg);
	if (!d.send)
		return d;
	addr += d.skip;
	len  -= d.skip;

	/* "Parties MUST NOT send addresses that begin with `/p/`: dropped, error 4." "Unknown or server-only
	 * `/_gest/` messages from a party are ignored." */
	if (begins(addr, len, "/p/"))
		return refused(GEST_RESERVED);
	if (begins(addr, len, "/_gest/") || (!v->deep && osc_addr_has_deep(addr, len)))
		return refused(GEST_NONE);
	if (!types_ok(v->types, msg))
		return refused(GEST_TYPE);
	if (v->view == VIEW_FLAT && v->owners && !owners_may(v->owners, v->source_id, addr, len))
		return refused(GEST_OWNER);

	return d;
}

/* ---- writing ---- */

/* "A time tag of value 1 ("immediately") is always immediate." */
static uint64_t timetag_of(const struct views *v, uint64_t timetag)
{
	return v->at_once || timetag == OSC_NOW ? OSC_NOW : timetag + v->shift;
}

static size_t padded(size_t n)
{
	return (n + 4) & ~(size_t)3;      /* with its NUL */
}

static unsigned write_message(struct osc_writer *w, const struct views *v, const struct osc_msg *msg, unsigned *n)
{
	char prefix[3 + VIEW_NAME_MAX + 1] = "/p/";
	const struct verdict d = judge(v, msg);
	size_t addr_len, size;

	if (!d.send)
		return d.errors;
	if (v->view == VIEW_PREFIX)
		memcpy(prefix + 3, v->source, strlen(v->source) + 1);
	else
		prefix[0] = '\0';
	addr_len = strlen(prefix) + msg->addr_len - d.skip;
	size = (w->depth ? 4 : 0) + msg->len - padded(msg->addr_len) + padded(addr_len);
	if (addr_len > OSC_ADDR_MAX || size > w->room - w->len)
		return 1u << GEST_TOO_BIG;

	osc_w_copy(w, msg, prefix, d.skip);
	(*n)++;
	return 0;
}

unsigned views_write_rt(uint8_t *buf, size_t *len, const struct views *v, const uint8_t *osc, size_t osc_len)
{
	const size_t room = *len < v->max ? *len : v->max;
	unsigned errors = 0, n = 0;
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	enum osc_step step;

	*len = 0;
	if (v->view == VIEW_PREFIX && (!v->source || !views_name_ok(v->source, strlen(v->source))))
		return 0;

	osc_w_init(&w, buf, room);
	osc_iter_init(&it, osc, osc_len);
	while ((step = osc_step(&it, &msg)) != OSC_END) {
		if (step == OSC_BAD)
			return errors | 1u << GEST_MALFORMED;
		if (step == OSC_OPEN)
			osc_w_bundle(&w, timetag_of(v, it.timetag));
		else if (step == OSC_CLOSE)
			osc_w_bundle_end(&w);
		else if (!w.err)
			errors |= write_message(&w, v, &msg, &n);
	}

	if (!n)                           /* w.err: not even the bundle fits */
		return w.err ? errors | 1u << GEST_TOO_BIG : errors;
	if (osc_w_end(&w, len))           /* bundles deep in a packet that was as long as may be */
		errors |= 1u << GEST_TOO_BIG;

	return errors;
}
