/*
 * offer.c - SDP offer and answer over immutable states.
 *
 *     agreed ----- offer_answer / offer_make ----> pending ---- offer_accept ----> pending
 *        ^                                            |                               |
 *        |<------------- offer_commit ----------------+-------------------------------+
 *        |               offer_rollback: pending is dropped, agreed was never touched
 *
 * A state is the list of m-lines, each with what its kind made of it, and the body we sent for it. RFC 3264 8: lines are
 * never removed or reordered; one that is off keeps its place with port 0. What can stand in a line is a table of kinds;
 * a line nobody takes is off. The version in o= goes up only when the body differs from what was sent before, so an
 * offer that repeats the agreed one gets the same bytes back.
 */
#include <string.h>
#include "offer.h"
#include "offer_line.h"
#include "sdesc.h"
#include "offer_audio.h"
#include "offer_gest.h"
#include "offer_group.h"

enum { MID_MAX = 64 };

/* In the order they are asked whether a line is theirs. */
static const struct offer_kind *kinds[] = {
	&gest_midi_kind, &audio_kind, &gest_osc_kind, &gest_udp_kind, &gest_tcp_kind, &gest_tls_kind,
};

struct line {
	char *type, *proto, *fmts;        /* as offered, to be repeated when the line is off */
	char *mid;                        /* a=mid or NULL */
	const struct offer_kind *kind;    /* of part */
	void *part;                       /* NULL: off */
};

struct state {
	char *time;                       /* t= */
	struct mbuf *body;                /* what we sent, its version in it */
	uint64_t version;
	bool offered;                     /* our offer, not answered yet */
	bool again;                       /* their answer took what it could not: another offer is due */
	struct offer_groups groups;
	size_t n_line;
	struct line line[];
};

struct offer {
	struct offer_conf conf;
	char *codecs, *session_name;      /* conf's strings */
	struct format_prefs prefs;
	uint64_t sess_id;
	uint64_t version;                 /* last one used */
	struct mbuf *last;                /* last body sent, also if it was rolled back since */
	bool claimed;                     /* the peer holds parts of the flat space */
	bool hold;
	struct state *agreed, *pending;
};

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

static struct offer_ctx context(const struct offer *o)
{
	return (struct offer_ctx){.conf = &o->conf, .prefs = &o->prefs, .hold = o->hold};
}

/* --- states and lines --- */

static void state_destructor(void *arg)
{
	struct state *st = arg;

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

static int state_alloc(struct state **sp, size_t n_line)
{
	struct state *st = mem_zalloc(sizeof(*st) + n_line * sizeof(st->line[0]), state_destructor);

	if (!st)
		return ENOMEM;
	st->n_line = n_line;
	*sp = st;
	return 0;
}

static const struct line *line_at(const struct state *st, size_t i)
{
	return st && i < st->n_line ? &st->line[i] : NULL;
}

/* What a kind had agreed on at this place. */
static const void *part_at(const struct state *st, size_t i, const struct offer_kind *kind)
{
	const struct line *l = line_at(st, i);

	return l && l->kind == kind ? l->part : NULL;
}

/* All formats as they stand in the m-line. */
static struct pl formats_of(const struct sdesc_media *m)
{
	const struct pl *last = &m->fmt[m->n_fmt - 1];

	return (struct pl){m->fmt[0].p, (size_t)(last->p + last->l - m->fmt[0].p)};
}

static int line_read(struct line *l, const struct sdesc_media *m)
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
static void line_repeat(struct line *l, const struct line *from)
{
	l->type = mem_ref(from->type);
	l->proto = mem_ref(from->proto);
	l->fmts = mem_ref(from->fmts);
	l->mid = mem_ref(from->mid);
	l->kind = from->kind;
}

static const struct offer_kind *kind_for(const struct sdesc_media *m)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->mine(m))
			return kinds[i];
	return NULL;
}

static unsigned lines_on(const struct state *st, const struct offer_kind *kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < st->n_line; i++)
		n += st->line[i].part && (!kind || st->line[i].kind == kind);
	return n;
}

static bool is_gesture(const struct sdesc_media *m)
{
	const struct offer_kind *kind = kind_for(m);

	return kind && gest_is(kind);
}

/* What a kind must know of the other lines to judge line i. */
static struct offer_ctx context_at(const struct offer *o, const struct state *st, size_t i, const struct offer_kind *kind)
{
	const struct line *before = line_at(o->agreed, i);
	struct offer_ctx ctx = context(o);

	ctx.other = before && before->part && before->kind != kind && gest_is(before->kind);
	for (size_t k = 0; k < st->n_line && !ctx.sibling; k++) {
		if (k == i || !st->line[k].part || st->line[k].kind != kind)
			continue;
		ctx.sibling = st->line[k].part;
		ctx.sibling_at = k;
	}
	return ctx;
}

static bool any_port(const struct sdesc *d)
{
	for (size_t i = 0; i < d->n_media; i++)
		if (d->media[i].port)
			return true;
	return false;
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

static int print_line(struct mbuf *mb, const struct offer_ctx *ctx, const struct line *l)
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
static int print_group(struct mbuf *mb, const struct state *st, const struct offer_group *g)
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

static int print_state(struct mbuf **mbp, const struct offer *o, const struct state *st, uint64_t version)
{
	const struct sa *media = &o->conf.media;
	const char *af = sa_af(media) == AF_INET6 ? "IP6" : "IP4";
	struct offer_ctx ctx = context(o);
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
static int state_print(struct offer *o, struct state *st)
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

static int copy_body(struct mbuf **out, const struct state *st)
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

/* --- making and ending --- */

static void destructor(void *arg)
{
	struct offer *o = arg;

	mem_deref(o->agreed);
	mem_deref(o->pending);
	mem_deref(o->last);
	mem_deref(o->codecs);
	mem_deref(o->session_name);
}

int offer_alloc(struct offer **op, const struct offer_conf *conf)
{
	struct offer *o;
	int err;

	if (!op || !conf || !conf->codecs || !conf->ptime_ms || !sa_isset(&conf->media, SA_ALL))
		return EINVAL;
	o = mem_zalloc(sizeof(*o), destructor);
	if (!o)
		return ENOMEM;
	o->conf = *conf;
	err = str_dup(&o->codecs, conf->codecs);
	if (!err && conf->session_name)
		err = str_dup(&o->session_name, conf->session_name);
	if (!err)
		err = format_prefs_read(&o->prefs, o->codecs);
	o->prefs.red = conf->red;
	o->conf.codecs = o->codecs;
	o->conf.session_name = o->session_name;
	/* RFC 8866 5.2 wants it unique; 62 bits, because some read it as a signed number. */
	o->sess_id = rand_u64() >> 2;
	if (err)
		mem_deref(o);
	else
		*op = o;
	return err;
}

/* --- their offer --- */

/* One line of theirs, if it is on, a kind's, and there is room for one more of that kind. */
static int try_line(struct offer *o, struct state *st, const char **why, const struct sdesc *d, size_t i)
{
	const struct sdesc_media *m = &d->media[i];
	const struct offer_kind *kind = kind_for(m);
	struct line *l = &st->line[i];
	const char *text = NULL;
	struct offer_ctx ctx;
	int err;

	if (!m->port || !kind || l->part || lines_on(st, kind) >= kind->max)
		return 0;
	ctx = context_at(o, st, i, kind);
	err = kind->answer(&l->part, &text, &ctx, part_at(o->agreed, i, kind), d, m);
	if (!err) {
		l->kind = kind;
		return 0;
	}
	if (text && (!*why || err != ENOTSUP))
		*why = text;
	return err == ENOTSUP ? 0 : err;
}

static bool is_alternative(const struct state *st, size_t i)
{
	for (unsigned k = 0; k < st->groups.n; k++)
		if (!st->groups.group[k].fid && offer_groups_has(&st->groups.group[k], i))
			return true;
	return false;
}

/* "The answerer accepts at most one line of the group (the first it can use)"; two that are one stream count as one. */
static bool has_alternative(const struct state *st, const struct sdesc *d, size_t i)
{
	for (unsigned k = 0; k < st->groups.n; k++) {
		const struct offer_group *g = &st->groups.group[k];

		for (unsigned n = 0; n < g->n && !g->fid && offer_groups_has(g, i); n++)
			if (st->line[g->line[n]].part && !offer_group_fid(d, &d->media[g->line[n]], &d->media[i]))
				return true;
	}
	return false;
}

static int answer_groups(struct offer *o, struct state *st, const char **why, const struct sdesc *d)
{
	int err = 0;

	for (unsigned k = 0; k < st->groups.n; k++) {
		const struct offer_group *g = &st->groups.group[k];

		for (unsigned n = 0; n < g->n && !g->fid && !err; n++)
			if (!has_alternative(st, d, g->line[n]))
				err = try_line(o, st, why, d, g->line[n]);
	}
	return err;
}

/* A line that is in force now is asked before others of its kind, so that a second audio line does not take its place. Of
 * alternatives the first that can be used is, wherever it stands. */
static int answer_lines(struct offer *o, struct state *st, const char **why, const struct sdesc *d)
{
	int err = 0;

	for (size_t i = 0; i < d->n_media && !err; i++)
		err = line_read(&st->line[i], &d->media[i]);
	offer_groups_read(&st->groups, d, is_gesture);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if (line_at(o->agreed, i) && o->agreed->line[i].part && !is_alternative(st, i))
			err = try_line(o, st, why, d, i);
	if (!err)
		err = answer_groups(o, st, why, d);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if ((!line_at(o->agreed, i) || !o->agreed->line[i].part) && !is_alternative(st, i))
			err = try_line(o, st, why, d, i);
	return err;
}

/* RFC 3264 6: "The "t=" line in the answer MUST equal that of the offer." */
static int read_time(struct state *st, const struct sdesc *d)
{
	return d->time.l ? pl_strdup(&st->time, &d->time) : str_dup(&st->time, "0 0");
}

static int make_answer(struct state **sp, struct offer *o, const char **why, const struct sdesc *d)
{
	struct state *st;
	int err;

	/* RFC 3264 8: "the number of "m=" lines in the new SDP MUST NOT be less than in the previous". */
	if (o->agreed && d->n_media < o->agreed->n_line)
		return refuse(why, EBADMSG, "fewer m= lines than before");
	err = state_alloc(&st, d->n_media);
	if (err)
		return err;
	*why = NULL;
	err = read_time(st, d);
	if (!err)
		err = answer_lines(o, st, why, d);
	/* An offer may switch all off, but what it switches on must be of use. */
	if (!err && !lines_on(st, NULL) && (!o->agreed || any_port(d)))
		err = *why ? ENOTSUP : refuse(why, ENOTSUP, "no medium in common");
	if (!err)
		err = state_print(o, st);
	if (err)
		mem_deref(st);
	else
		*sp = st;
	return err;
}

int offer_answer(struct offer *o, struct mbuf **answer, const char **why, const void *body, size_t len)
{
	const char *text = "no memory";
	struct state *st = NULL;
	struct sdesc *d;
	int err;

	if (!o || !answer)
		return EINVAL;
	if (o->pending)
		return EPROTO;
	err = sdesc_read(&d, &text, body, len);
	if (!err) {
		err = make_answer(&st, o, &text, d);
		mem_deref(d);
	}
	if (!err)
		err = copy_body(answer, st);
	if (!err)
		o->pending = st;
	else
		mem_deref(st);
	if (err && why)
		*why = text;
	return err == E2BIG ? EBADMSG : err;
}

/* --- our offer --- */

static int offer_again(struct state *st, const struct offer *o)
{
	struct offer_ctx ctx = context(o);
	int err = 0;

	for (size_t i = 0; i < st->n_line && !err; i++) {
		const struct line *from = &o->agreed->line[i];

		line_repeat(&st->line[i], from);
		/* "SHOULD send a new offer with the others at port 0" */
		if (from->part && !(gest_is(from->kind) && gest_is_spare(from->part)))
			err = from->kind->offer(&st->line[i].part, &ctx, from->part);
		if (err == ENOTSUP && gest_is(from->kind))
			err = 0;
	}
	st->groups = o->agreed->groups;
	st->time = mem_ref(o->agreed->time);
	return err;
}

/* In the order a description of ours has them: "audio, video, OSC, MIDI". */
static const struct { enum gestline_kind kind; const char *type, *proto, *fmts, *mid; } ours[] = {
	{GESTLINE_OSC, "application", "RTP/AVP", "98", "osc"},
	{GESTLINE_TLS, "application", "TCP/TLS/OSC", "osc", "osc-tls"},
	{GESTLINE_TCP, "application", "TCP/OSC", "osc", "osc-tcp"},
	{GESTLINE_UDP, "application", "UDP/OSC", "osc", "osc-udp"},
	{GESTLINE_MIDI, "audio", "RTP/AVP", "97", "midi"},
};

static size_t n_offered(const struct offer *o)
{
	size_t n = 1;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		n += o->conf.gest.open && o->conf.gest.offers & 1u << ours[i].kind;
	return n;
}

static int line_first(struct line *l, const struct offer *o, const struct offer_kind *kind, const char *type, const char *proto,
		      const char *fmts)
{
	struct offer_ctx ctx = context(o);
	int err = str_dup(&l->type, type);

	err |= str_dup(&l->proto, proto);
	err |= str_dup(&l->fmts, fmts);
	l->kind = kind;
	return err ? ENOMEM : kind->offer(&l->part, &ctx, NULL);
}

static int offer_first(struct state *st, const struct offer *o)
{
	struct offer_group *g = &st->groups.group[0];
	int err = str_dup(&st->time, "0 0");

	if (!err)
		err = line_first(&st->line[0], o, &audio_kind, "audio", "RTP/AVP", "0");
	for (size_t i = 0, at = 1; i < sizeof(ours) / sizeof(ours[0]) && !err && at < st->n_line; i++) {
		if (!(o->conf.gest.offers & 1u << ours[i].kind))
			continue;
		err = line_first(&st->line[at], o, gest_kind(ours[i].kind), ours[i].type, ours[i].proto, ours[i].fmts);
		/* No port for gestures is no reason not to call: the line is there, and off. */
		if (err == ENOTSUP)
			err = 0;
		if (!err)
			err = str_dup(&st->line[at].mid, ours[i].mid);
		g->line[g->n++] = (uint8_t)at++;
	}
	st->groups.n = g->n > 0;
	return err;
}

int offer_make(struct offer *o, struct mbuf **offer)
{
	struct state *st;
	int err;

	if (!o || !offer)
		return EINVAL;
	if (o->pending)
		return EPROTO;
	err = state_alloc(&st, o->agreed ? o->agreed->n_line : n_offered(o));
	if (err)
		return err;
	err = o->agreed ? offer_again(st, o) : offer_first(st, o);
	st->offered = true;
	if (!err)
		err = state_print(o, st);
	if (!err)
		err = copy_body(offer, st);
	if (err)
		mem_deref(st);
	else
		o->pending = st;
	return err;
}

static int accept_line(struct offer *o, struct state *st, const char **why, const struct sdesc *d, size_t i)
{
	const struct line *offered = &o->pending->line[i];
	const struct sdesc_media *m = &d->media[i];
	struct line *l = &st->line[i];
	struct offer_ctx ctx;
	int err;

	line_repeat(l, offered);
	if (pl_strcmp(&m->type, offered->type))
		return refuse(why, EBADMSG, "the answer's m= lines are not the offer's");
	/* RFC 3264 6: a stream offered with port 0 stays refused, whatever the answer says. */
	if (!offered->part || !m->port)
		return 0;
	ctx = context_at(o, st, i, l->kind);
	err = l->kind->accept(&l->part, why, &ctx, offered->part, part_at(o->agreed, i, l->kind), d, m);
	if (!err || err == ENOMEM || !gest_is(l->kind))
		return err;
	/* "offerer ends the line with a new offer (port 0)": the call goes on without it. */
	st->again = true;
	return 0;
}

/* "If it accepted more than one: the offerer MUST use only the first accepted in its own order for sending, MUST be ready to
 * receive on all of them." */
static void leave_spares(struct state *st)
{
	for (unsigned k = 0; k < st->groups.n; k++) {
		const struct offer_group *g = &st->groups.group[k];
		bool taken = false;

		for (unsigned n = 0; n < g->n && !g->fid; n++) {
			void *part = st->line[g->line[n]].part;

			if (part && taken) {
				gest_spare(part);
				st->again = true;
			}
			taken |= part != NULL;
		}
	}
}

/* RFC 3264 6 wants as many lines as were offered. A phone that knows nothing of gestures may leave their lines out; then they are off,
 * and were never there. */
static bool may_leave_out(const struct state *offered, size_t from)
{
	for (size_t i = from; i < offered->n_line; i++)
		if (!gest_is(offered->line[i].kind))
			return false;
	return from > 0;
}

static void forget_lines(struct offer_groups *groups, size_t from)
{
	for (unsigned k = 0; k < groups->n; k++) {
		struct offer_group *g = &groups->group[k];
		unsigned n = 0;

		for (unsigned i = 0; i < g->n; i++)
			if (g->line[i] < from)
				g->line[n++] = g->line[i];
		g->n = n;
	}
}

static int make_accepted(struct state **sp, struct offer *o, const char **why, const struct sdesc *d)
{
	struct state *st;
	int err;

	if (d->n_media > o->pending->n_line || !may_leave_out(o->pending, d->n_media))
		return refuse(why, EBADMSG, "the answer has another number of m= lines than the offer");
	err = state_alloc(&st, d->n_media);
	if (err)
		return err;
	st->time = mem_ref(o->pending->time);
	st->body = mem_ref(o->pending->body);
	st->version = o->pending->version;
	st->groups = o->pending->groups;
	forget_lines(&st->groups, d->n_media);
	for (size_t i = 0; i < d->n_media && !err; i++)
		err = accept_line(o, st, why, d, i);
	if (!err)
		leave_spares(st);
	/* In a session that lives the peer may take its sound away; one without any never begins. */
	if (!err && !lines_on(st, NULL) && !o->agreed)
		err = refuse(why, ENOTSUP, "the answer refuses every medium");
	if (err)
		mem_deref(st);
	else
		*sp = st;
	return err;
}

int offer_accept(struct offer *o, const char **why, const void *body, size_t len)
{
	const char *text = "no memory";
	struct state *st;
	struct sdesc *d;
	int err;

	if (!o)
		return EINVAL;
	if (!o->pending || !o->pending->offered)
		return EPROTO;
	err = sdesc_read(&d, &text, body, len);
	if (!err) {
		err = make_accepted(&st, o, &text, d);
		mem_deref(d);
	}
	if (!err) {
		mem_deref(o->pending);
		o->pending = st;
	} else if (why) {
		*why = text;
	}
	return err == E2BIG ? EBADMSG : err;
}

/* --- in force --- */

/* The line of that kind that speaks for all of it. */
static const void *gest_part(const struct state *st, const struct offer_kind *kind)
{
	const void *found = NULL;

	for (size_t i = 0; st && i < st->n_line; i++) {
		const void *part = st->line[i].kind == kind ? st->line[i].part : NULL;

		if (part && (!found || gest_is_pair(part)))
			found = part;
	}
	return found;
}

/* Claims were decided when their description was read; now the ones that hold are those of the agreed state. */
static void claims_follow(struct offer *o)
{
	const struct offer_gest_conf *conf = &o->conf.gest;
	struct gestspace *s = NULL;

	for (unsigned i = 0; i < GESTLINE_KINDS && conf->claims && !s; i++) {
		const void *part = gest_part(o->agreed, gest_kind((enum gestline_kind)i));

		if (part && gest_line(part)->view == VIEW_FLAT && gest_line(part)->space && gest_line(part)->space->n_claim)
			s = gest_line(part)->space;
	}
	if (s || o->claimed)
		(void)conf->claims(s, conf->arg);
	o->claimed = s != NULL;
}

void offer_commit(struct offer *o)
{
	if (!o || !o->pending || o->pending->offered)
		return;
	mem_deref(o->agreed);
	o->agreed = o->pending;
	o->pending = NULL;
	claims_follow(o);
}

void offer_rollback(struct offer *o)
{
	if (!o || !o->pending)
		return;
	o->pending = mem_deref(o->pending);
	/* What it asked for may have been granted. */
	o->claimed |= o->conf.gest.claims != NULL;
	claims_follow(o);
}

bool offer_pending(const struct offer *o)
{
	return o && o->pending;
}

bool offer_agreed(const struct offer *o)
{
	return o && o->agreed;
}

void offer_set_hold(struct offer *o, bool hold)
{
	if (o)
		o->hold = hold;
}

static const void *audio_part(const struct state *st)
{
	for (size_t i = 0; st && i < st->n_line; i++)
		if (st->line[i].kind == &audio_kind && st->line[i].part)
			return st->line[i].part;
	return NULL;
}

int offer_leg(const struct offer *o, bool pending, struct leg_desc *desc)
{
	const void *part = o ? audio_part(pending ? o->pending : o->agreed) : NULL;

	if (!part || !desc)
		return ENOENT;
	*desc = *audio_desc(part);
	return 0;
}

bool offer_peer_holds(const struct offer *o)
{
	const void *part = o ? audio_part(o->agreed) : NULL;

	return part && audio_peer_holds(part);
}

const struct gestline *offer_gestline(const struct offer *o, enum gestline_kind kind, uint8_t mark[OFFER_MARK])
{
	const void *part = o && kind < GESTLINE_KINDS ? gest_part(o->agreed, gest_kind(kind)) : NULL;

	if (!part)
		return NULL;
	memcpy(mark, gest_mark(part), OFFER_MARK);
	return gest_line(part);
}

bool offer_wants_again(const struct offer *o)
{
	return o && o->agreed && o->agreed->again;
}
