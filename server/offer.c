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

enum { MID_MAX = 64 };

/* In the order they are asked whether a line is theirs. */
static const struct offer_kind *kinds[] = {
	&audio_kind,
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

static const struct offer_kind *kind_of(const struct sdesc_media *m)
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
	const struct offer_kind *kind = kind_of(m);
	struct offer_ctx ctx = context(o);
	struct line *l = &st->line[i];
	const char *text = NULL;
	int err;

	if (!m->port || !kind || l->part || lines_on(st, kind) >= kind->max)
		return 0;
	err = kind->answer(&l->part, &text, &ctx, part_at(o->agreed, i, kind), d, m);
	if (!err) {
		l->kind = kind;
		return 0;
	}
	if (text && (!*why || err != ENOTSUP))
		*why = text;
	return err == ENOTSUP ? 0 : err;
}

/* A line that is in force now is asked before others of its kind, so that a second audio line does not take its place. */
static int answer_lines(struct offer *o, struct state *st, const char **why, const struct sdesc *d)
{
	int err = 0;

	for (size_t i = 0; i < d->n_media && !err; i++)
		err = line_read(&st->line[i], &d->media[i]);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if (line_at(o->agreed, i) && o->agreed->line[i].part)
			err = try_line(o, st, why, d, i);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if (!line_at(o->agreed, i) || !o->agreed->line[i].part)
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
		if (from->part)
			err = from->kind->offer(&st->line[i].part, &ctx, from->part);
	}
	st->time = mem_ref(o->agreed->time);
	return err;
}

static int offer_first(struct state *st, const struct offer *o)
{
	struct offer_ctx ctx = context(o);
	struct line *l = &st->line[0];
	int err;

	err = str_dup(&st->time, "0 0");
	err |= str_dup(&l->type, "audio");
	err |= str_dup(&l->proto, "RTP/AVP");
	err |= str_dup(&l->fmts, "0");
	l->kind = &audio_kind;
	return err ? err : l->kind->offer(&l->part, &ctx, NULL);
}

int offer_make(struct offer *o, struct mbuf **offer)
{
	struct state *st;
	int err;

	if (!o || !offer)
		return EINVAL;
	if (o->pending)
		return EPROTO;
	err = state_alloc(&st, o->agreed ? o->agreed->n_line : 1);
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

static int accept_line(struct offer *o, struct line *l, const char **why, const struct sdesc *d, size_t i)
{
	const struct line *ours = &o->pending->line[i];
	const struct sdesc_media *m = &d->media[i];
	struct offer_ctx ctx = context(o);

	line_repeat(l, ours);
	if (pl_strcmp(&m->type, ours->type))
		return refuse(why, EBADMSG, "the answer's m= lines are not the offer's");
	/* RFC 3264 6: a stream offered with port 0 stays refused, whatever the answer says. */
	if (!ours->part || !m->port)
		return 0;
	return l->kind->accept(&l->part, why, &ctx, ours->part, part_at(o->agreed, i, l->kind), d, m);
}

static int make_accepted(struct state **sp, struct offer *o, const char **why, const struct sdesc *d)
{
	struct state *st;
	int err;

	if (d->n_media != o->pending->n_line)
		return refuse(why, EBADMSG, "the answer has another number of m= lines than the offer");
	err = state_alloc(&st, d->n_media);
	if (err)
		return err;
	st->time = mem_ref(o->pending->time);
	st->body = mem_ref(o->pending->body);
	st->version = o->pending->version;
	for (size_t i = 0; i < d->n_media && !err; i++)
		err = accept_line(o, &st->line[i], why, d, i);
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

void offer_commit(struct offer *o)
{
	if (!o || !o->pending || o->pending->offered)
		return;
	mem_deref(o->agreed);
	o->agreed = o->pending;
	o->pending = NULL;
}

void offer_rollback(struct offer *o)
{
	if (o)
		o->pending = mem_deref(o->pending);
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
