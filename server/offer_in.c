/*
 * offer_in.c - their offer, our answer.
 */
#include "offer_gest.h"
#include "offer_state.h"

static bool is_gesture(const struct sdesc_media *m)
{
	const struct offer_kind *kind = offer_line_kind(m);

	return kind && gest_is(kind);
}

static bool any_port(const struct sdesc *d)
{
	for (size_t i = 0; i < d->n_media; i++)
		if (d->media[i].port)
			return true;
	return false;
}

/* One line of theirs, if it is on, a kind's, and there is room for one more of that kind. */
static int try_line(struct offer *o, struct offer_state *st, const char **why, const struct sdesc *d, size_t i)
{
	const struct sdesc_media *m = &d->media[i];
	const struct offer_kind *kind = offer_line_kind(m);
	struct offer_line *l = &st->line[i];
	const char *text = NULL;
	struct offer_ctx ctx;
	int err;

	if (!m->port || !kind || l->part || offer_state_lines_on(st, kind) >= kind->max)
		return 0;
	ctx = offer_context_at(o, st, i, kind);
	err = kind->answer(&l->part, &text, &ctx, offer_state_part(o->agreed, i, kind), d, m);
	if (!err) {
		l->kind = kind;
		return 0;
	}
	if (text && (!*why || err != ENOTSUP))
		*why = text;
	return err == ENOTSUP ? 0 : err;
}

static bool is_alternative(const struct offer_state *st, size_t i)
{
	for (unsigned k = 0; k < st->groups.n; k++)
		if (!st->groups.group[k].fid && offer_groups_has(&st->groups.group[k], i))
			return true;
	return false;
}

/* "The answerer accepts at most one line of the group (the first it can use)"; two that are one stream count as one. */
static bool has_alternative(const struct offer_state *st, size_t i)
{
	for (unsigned k = 0; k < st->groups.n; k++) {
		const struct offer_group *g = &st->groups.group[k];

		for (unsigned n = 0; n < g->n && !g->fid && offer_groups_has(g, i); n++)
			if (st->line[g->line[n]].part && !offer_groups_fid(&st->groups, g->line[n], i))
				return true;
	}
	return false;
}

static int answer_groups(struct offer *o, struct offer_state *st, const char **why, const struct sdesc *d)
{
	int err = 0;

	for (unsigned k = 0; k < st->groups.n; k++) {
		const struct offer_group *g = &st->groups.group[k];

		for (unsigned n = 0; n < g->n && !g->fid && !err; n++)
			if (!has_alternative(st, g->line[n]))
				err = try_line(o, st, why, d, g->line[n]);
	}
	return err;
}

static bool is_running(const struct offer *o, size_t i)
{
	const struct offer_line *l = offer_state_line(o->agreed, i);

	return l && l->part;
}

/* A line that is in force now is asked before others of its kind, so that a second audio line does not take its place. Of
 * alternatives the first that can be used is, wherever it stands. */
static int answer_lines(struct offer *o, struct offer_state *st, const char **why, const struct sdesc *d)
{
	int err = 0;

	for (size_t i = 0; i < d->n_media && !err; i++)
		err = offer_line_read(&st->line[i], &d->media[i]);
	offer_groups_read(&st->groups, d, is_gesture);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if (is_running(o, i) && !is_alternative(st, i))
			err = try_line(o, st, why, d, i);
	if (!err)
		err = answer_groups(o, st, why, d);
	for (size_t i = 0; i < d->n_media && !err; i++)
		if (!is_running(o, i) && !is_alternative(st, i))
			err = try_line(o, st, why, d, i);
	return err;
}

/* RFC 3264 6: "The "t=" line in the answer MUST equal that of the offer." */
static int read_time(struct offer_state *st, const struct sdesc *d)
{
	return d->time.l ? pl_strdup(&st->time, &d->time) : str_dup(&st->time, "0 0");
}

static int make_answer(struct offer_state **sp, struct offer *o, const char **why, const struct sdesc *d)
{
	struct offer_state *st;
	int err;

	/* RFC 3264 8: "the number of "m=" lines in the new SDP MUST NOT be less than in the previous". */
	if (o->agreed && d->n_media < o->agreed->n_line)
		return offer_refuse(why, EBADMSG, "fewer m= lines than before");
	err = offer_state_alloc(&st, d->n_media);
	if (err)
		return err;
	*why = NULL;
	err = read_time(st, d);
	if (!err)
		err = answer_lines(o, st, why, d);
	/* An offer may switch all off, but what it switches on must be of use. */
	if (!err && !offer_state_lines_on(st, NULL) && (!o->agreed || any_port(d)))
		err = *why ? ENOTSUP : offer_refuse(why, ENOTSUP, "no medium in common");
	if (!err)
		err = offer_state_print(o, st);
	if (err)
		mem_deref(st);
	else
		*sp = st;
	return err;
}

int offer_answer(struct offer *o, struct mbuf **answer, const char **why, const void *body, size_t len)
{
	const char *text = "no memory";
	struct offer_state *st = NULL;
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
		err = offer_state_copy_body(answer, st);
	if (!err)
		o->pending = st;
	else
		mem_deref(st);
	if (err && why)
		*why = text;
	return err == E2BIG ? EBADMSG : err;
}
