/*
 * offer_out.c - our offer, their answer.
 */
#include "offer_audio.h"
#include "offer_gest.h"
#include "offer_state.h"

/* --- our offer --- */

static int offer_again(struct offer_state *st, const struct offer *o)
{
	struct offer_ctx ctx = offer_context(o);
	int err = 0;

	for (size_t i = 0; i < st->n_line && !err; i++) {
		const struct offer_line *from = &o->agreed->line[i];

		offer_line_repeat(&st->line[i], from);
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

static int line_first(struct offer_line *l, const struct offer *o, const struct offer_kind *kind, const char *type, const char *proto,
		      const char *fmts)
{
	struct offer_ctx ctx = offer_context(o);
	int err = str_dup(&l->type, type);

	err |= str_dup(&l->proto, proto);
	err |= str_dup(&l->fmts, fmts);
	l->kind = kind;
	return err ? ENOMEM : kind->offer(&l->part, &ctx, NULL);
}

static int offer_first(struct offer_state *st, const struct offer *o)
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
	struct offer_state *st;
	int err;

	if (!o || !offer)
		return EINVAL;
	if (o->pending)
		return EPROTO;
	err = offer_state_alloc(&st, o->agreed ? o->agreed->n_line : n_offered(o));
	if (err)
		return err;
	err = o->agreed ? offer_again(st, o) : offer_first(st, o);
	st->offered = true;
	if (!err)
		err = offer_state_print(o, st);
	if (!err)
		err = offer_state_copy_body(offer, st);
	if (err)
		mem_deref(st);
	else
		o->pending = st;
	return err;
}

static int accept_line(struct offer *o, struct offer_state *st, const char **why, const struct sdesc *d, size_t i)
{
	const struct offer_line *offered = &o->pending->line[i];
	const struct sdesc_media *m = &d->media[i];
	struct offer_line *l = &st->line[i];
	struct offer_ctx ctx;
	int err;

	offer_line_repeat(l, offered);
	if (pl_strcmp(&m->type, offered->type))
		return offer_refuse(why, EBADMSG, "the answer's m= lines are not the offer's");
	/* RFC 3264 6: a stream offered with port 0 stays refused, whatever the answer says. */
	if (!offered->part || !m->port)
		return 0;
	ctx = offer_context_at(o, st, i, l->kind);
	err = l->kind->accept(&l->part, why, &ctx, offered->part, offer_state_part(o->agreed, i, l->kind), d, m);
	if (!err || err == ENOMEM || !gest_is(l->kind))
		return err;
	/* "offerer ends the line with a new offer (port 0)": the call goes on without it. */
	st->again = true;
	return 0;
}

/* "If it accepted more than one: the offerer MUST use only the first accepted in its own order for sending, MUST be ready to
 * receive on all of them." */
static void leave_spares(struct offer_state *st)
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
static bool may_leave_out(const struct offer_state *offered, size_t from)
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

static int make_accepted(struct offer_state **sp, struct offer *o, const char **why, const struct sdesc *d)
{
	struct offer_state *st;
	int err;

	if (d->n_media > o->pending->n_line || !may_leave_out(o->pending, d->n_media))
		return offer_refuse(why, EBADMSG, "the answer has another number of m= lines than the offer");
	err = offer_state_alloc(&st, d->n_media);
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
	if (!err && !offer_state_lines_on(st, NULL) && !o->agreed)
		err = offer_refuse(why, ENOTSUP, "the answer refuses every medium");
	if (err)
		mem_deref(st);
	else
		*sp = st;
	return err;
}

int offer_accept(struct offer *o, const char **why, const void *body, size_t len)
{
	const char *text = "no memory";
	struct offer_state *st = NULL;
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
