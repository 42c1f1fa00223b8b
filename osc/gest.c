/*
 * gest.c - the control messages: a table of addresses and tags, and one letter of the struct for each argument.
 */
#include <errno.h>
#include <string.h>

#include "gest.h"

/* fields: n, N (now), m (name), t (text), in the order of the arguments */
static const struct {
	const char *addr, *tags, *fields;
	bool party;
} kinds[GEST_KINDS] = {
	[GEST_REFRESH]        = {"/_gest/refresh", "", "", true},
	[GEST_PING]           = {"/_gest/ping", "i", "n", true},
	[GEST_PONG]           = {"/_gest/pong", "it", "nN", true},
	[GEST_JOIN]           = {"/_gest/join", "s", "m", false},
	[GEST_LEAVE]          = {"/_gest/leave", "s", "m", false},
	[GEST_SNAPSHOT_BEGIN] = {"/_gest/snapshot/begin", "si", "mn", false},
	[GEST_SNAPSHOT_END]   = {"/_gest/snapshot/end", "s", "m", false},
	[GEST_OWNER_OF]       = {"/_gest/owner", "ss", "tm", false},
	[GEST_ERROR]          = {"/_gest/error", "iss", "nmt", false},
};

static void to_arg(struct osc_arg *a, const struct gest *g, char tag, char field)
{
	a->tag = tag;
	switch (field) {
	case 'n': a->v.i = g->n; break;
	case 'N': a->v.t = g->now; break;
	case 'm': a->v.s = g->name ? g->name : ""; break;
	default:  a->v.s = g->text ? g->text : ""; break;
	}
}

static void from_arg(struct gest *g, const struct osc_arg *a, char field)
{
	switch (field) {
	case 'n': g->n = a->v.i; break;
	case 'N': g->now = a->v.t; break;
	case 'm': g->name = a->v.s; break;
	default:  g->text = a->v.s; break;
	}
}

int gest_write(uint8_t *buf, size_t *len, const struct gest *g)
{
	struct osc_arg args[3];
	struct osc_writer w;
	size_t n;

	if (g->kind <= GEST_OTHER || g->kind >= GEST_KINDS)
		return EINVAL;

	n = strlen(kinds[g->kind].tags);
	for (size_t i = 0; i < n; i++)
		to_arg(&args[i], g, kinds[g->kind].tags[i], kinds[g->kind].fields[i]);
	osc_w_init(&w, buf, *len);
	osc_w_msg(&w, kinds[g->kind].addr, args, n);

	return osc_w_end(&w, len);
}

/* "Control addresses are compared literally" */
static enum gest_kind kind_by_address(const struct osc_msg *msg)
{
	for (int i = GEST_OTHER + 1; i < GEST_KINDS; i++) {
		if (!strcmp(kinds[i].addr, msg->addr) && !strcmp(kinds[i].tags, msg->tags))
			return (enum gest_kind)i;
	}

	return GEST_OTHER;
}

void gest_read(struct gest *g, const struct osc_msg *msg)
{
	const char *field;
	struct osc_args it;
	struct osc_arg a;

	*g = (struct gest){.kind = kind_by_address(msg)};
	if (g->kind == GEST_OTHER)
		return;

	osc_args_init(&it, msg);
	for (field = kinds[g->kind].fields; *field && osc_arg_next(&it, &a); field++)
		from_arg(g, &a, *field);
}

bool gest_from_party(enum gest_kind kind)
{
	return kind > GEST_OTHER && kind < GEST_KINDS && kinds[kind].party;
}

bool gest_may_say(struct gest_said *s, enum gest_error code, uint64_t now_us)
{
	if (code <= GEST_NONE || code >= GEST_ERRORS || now_us < s->next_us[code])
		return false;

	s->next_us[code] = now_us + 1000000;
	return true;
}
