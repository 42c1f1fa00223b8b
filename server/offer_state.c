/*
 * offer_state.c - states of an offer, their lines, and their bodies.
 */
#include <string.h>
#include "offer_audio.h"
#include "offer_gest.h"
#include "offer_state.h"

enum { MID_MAX = 64 };

/* In the order they are asked whether a line is theirs. */
static const struct offer_kind *kinds[] = {
	&gest_midi_kind, &audio_kind, &gest_osc_kind, &gest_udp_kind, &gest_tcp_kind, &gest_tls_kind,
};

int offer_refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

struct offer_ctx offer_context(const struct offer *o)
{
	return (struct offer_ctx){.conf = &o->conf, .prefs = &o->prefs, .hold = o->hold};
}

/* --- states and lines --- */

static void state_destructor(void *arg)
{
	struct offer_state *st = arg;

	for (size_t i = 0; i < st->n_line; i++) {
		mem_deref(st->line[i].type);
		mem_deref(st->line[i].proto);
		mem_deref(st->line[i].fmts);
		mem_deref(st->line[i].mid);
		mem_deref(st->line[i].part);
	}
	mem_deref(st->time);
	mem_deref(st->body);
}

int offer_state_alloc(struct offer_state **sp, size_t n_line)
{
	struct offer_state *st = mem_zalloc(sizeof(*st) + n_line * sizeof(st->line[0]), state_destructor);

	if (!st)
		return ENOMEM;
	st->n_line = n_line;
	*sp = st;
	return 0;
}

const struct offer_line *offer_state_line(const struct offer_state *st, size_t i)
{
	return st && i < st->n_line ? &st->line[i] : NULL;
}

/* What a kind had agreed on at this place. */
const void *offer_state_part(const struct offer_state *st, size_t i, const struct offer_kind *kind)
{
	const struct offer_line *l = offer_state_line(st, i);

	return l && l->kind == kind ? l->part : NULL;
}

/* All formats as they stand in the m-line. */
static struct pl formats_of(const struct sdesc_media *m)
{
	const struct pl *last = &m->fmt[m->n_fmt - 1];

	return (struct pl){m->fmt[0].p, (size_t)(last->p + last->l - m->fmt[0].p)};
}

int offer_line_read(struct offer_line *l, const struct sdesc_media *m)
{
	const struct sdesc_attr *mid = sdesc_media_attr(m, "mid", NULL);
	struct pl fmts = formats_of(m);
	int err;

	err = pl_strdup(&l->type, &m->type);
	if (!err)
		err = pl_strdup(&l->proto, &m->proto);
	if (!err)
		err = pl_strdup(&l->fmts, &fmts);
	if (!err && mid && mid->value.l && mid->value.l <= MID_MAX)
		err = pl_strdup(&l->mid, &mid->value);
	return err;
}

/* Shares the strings of a line; its part is made anew by whoever calls. */
void offer_line_repeat(struct offer_line *l, const struct offer_line *from)
{
	l->type = mem_ref(from->type);
	l->proto = mem_ref(from->proto);
	l->fmts = mem_ref(from->fmts);
	l->mid = mem_ref(from->mid);
	l->kind = from->kind;
}

const struct offer_kind *offer_line_kind(const struct sdesc_media *m)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->mine(m))
			return kinds[i];
	return NULL;
}

unsigned offer_state_lines_on(const struct offer_state *st, const struct offer_kind *kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < st->n_line; i++)
		n += st->line[i].part && (!kind || st->line[i].kind == kind);
	return n;
}

/* What a kind must know of the other lines to judge line i. */
struct offer_ctx offer_context_at(const struct offer *o, const struct offer_state *st, size_t i, const struct offer_kind *kind)
{
	const struct offer_line *before = offer_state_line(o->agreed, i);
	struct offer_ctx ctx = offer_context(o);

	ctx.groups = &st->groups;
	ctx.other = before && before->part && before->kind != kind && gest_is(before->kind);
	for (size_t k = 0; k < st->n_line && !ctx.sibling; k++) {
		if (k == i || !st->line[k].part || st->line[k].kind != kind)
			continue;
		ctx.sibling = st->line[k].part;
		ctx.sibling_at = k;
	}
	return ctx;
}

/* --- writing --- */

/* Names of rooms come from people: no control letters in a line of ours. RFC 8866 5.3: "-" when there is no name. */
static int print_name(struct mbuf *mb, const char *name)
{
	int err = mbuf_write_str(mb, "s=");

	if (!name || !name[0])
		err |= mbuf_write_u8(mb, '-');
	for (; name && *name; name++)
		err |= mbuf_write_u8(mb, (unsigned char)*name < 0x20 ? ' ' : (uint8_t)*name);
	return err | mbuf_write_str(mb, "\r\n");
}

static int print_line(struct mbuf *mb, const struct offer_ctx *ctx, const struct offer_line *l)
{
	int err;

	if (l->part)
		err = l->kind->print(mb, ctx, l->part);
	else
		/* RFC 3264 6: "To reject an offered stream, the port number in the ... answer MUST be set to zero". */
		err = mbuf_printf(mb, "m=%s 0 %s %s\r\n", l->type, l->proto, l->fmts);
	if (!err && l->mid)
		err = mbuf_printf(mb, "a=mid:%s\r\n", l->mid);
	return err;
}

/* Mids of a group that are on. RFC 5888 9.1: those of refused lines must not be there. A pair that lost one line is none. */
static int print_group(struct mbuf *mb, const struct offer_state *st, const struct offer_group *g)
{
	unsigned on = 0;
	int err = 0;

	for (unsigned i = 0; i < g->n; i++)
		on += st->line[g->line[i]].part && st->line[g->line[i]].mid;
	if (on < (g->fid ? 2 : 1))
		return 0;
	err = mbuf_printf(mb, "a=group:%s", g->fid ? "FID" : "GALT");
	for (unsigned i = 0; i < g->n; i++)
		if (st->line[g->line[i]].part && st->line[g->line[i]].mid)
			err |= mbuf_printf(mb, " %s", st->line[g->line[i]].mid);
	return err | mbuf_write_str(mb, "\r\n");
}

static int print_state(struct mbuf **mbp, const struct offer *o, const struct offer_state *st, uint64_t version)
{
	const struct sa *media = &o->conf.media;
	const char *af = sa_af(media) == AF_INET6 ? "IP6" : "IP4";
	struct offer_ctx ctx = offer_context(o);
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "v=0\r\no=- %llu %llu IN %s %j\r\n", (unsigned long long)o->sess_id,
			  (unsigned long long)version, af, media);
	err |= print_name(mb, o->session_name);
	err |= mbuf_printf(mb, "c=IN %s %j\r\nt=%s\r\n", af, media, st->time);
	for (unsigned i = 0; i < st->groups.n; i++)
		err |= print_group(mb, st, &st->groups.group[i]);
	for (size_t i = 0; i < st->n_line && !err; i++)
		err = print_line(mb, &ctx, &st->line[i]);
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

static bool same_body(const struct mbuf *a, const struct mbuf *b)
{
	return a && b && a->end == b->end && !memcmp(a->buf, b->buf, a->end);
}

/* RFC 3264 8: "If the version in the origin line does not increment, the SDP MUST be identical to the SDP with that version
 * number." Tried first: what is agreed, then what was sent last (a repeat after a 491). */
int offer_state_print(struct offer *o, struct offer_state *st)
{
	uint64_t versions[3];
	const struct mbuf *bodies[3] = {o->agreed ? o->agreed->body : NULL, o->last, NULL};
	int err;

	versions[0] = o->agreed ? o->agreed->version : 0;
	versions[1] = o->version;
	versions[2] = o->version + 1;
	for (size_t i = 0; i < 3; i++) {
		struct mbuf *mb;

		if (i < 2 && !bodies[i])
			continue;
		err = print_state(&mb, o, st, versions[i]);
		if (err)
			return err;
		if (i == 2 || same_body(mb, bodies[i])) {
			st->body = mb;
			st->version = versions[i];
			break;
		}
		mem_deref(mb);
	}
	o->version = MAX(o->version, st->version);
	mem_deref(o->last);
	o->last = mem_ref(st->body);
	return 0;
}

int offer_state_copy_body(struct mbuf **out, const struct offer_state *st)
{
	struct mbuf *mb = mbuf_alloc(st->body->end);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_write_mem(mb, st->body->buf, st->body->end);
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*out = mb;
	return err;
}
