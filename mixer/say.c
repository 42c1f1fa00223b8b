/*
 * say.c - a queue of pieces of sound, over or instead of a mix.
 *
 *     mix     -------.                  .------      turned down to the piece's `under` in 50 ms, and up again
 *                     \________________/
 *     pieces         [ one ][ two ]                  one after the other; each begins and ends within 2.5 ms, so that
 *                                                    a recording that was cut badly does not click
 *
 * A piece that loops goes on until something follows. What is cut short fades out in 5 ms before the next begins.
 *
 * Its listener has by then an encoder of its own (share.c): who is told something hears something else than all.
 */
#include "say.h"

enum { UNDER_SMP = 2400 };

/* --- batches --- */

static void give_back_rt(struct say *s, struct thread *t, bool finished)
{
	struct say_batch *b = s->first;

	s->first = b->next;
	s->at = 0;
	s->pos = s->begun = 0;
	s->fade = 0;
	b->finished = finished;
	thread_back_rt(t, &b->back, NOTE_SAY_DONE, b);
}

static void drop_after_rt(struct thread *t, struct say_batch *first)
{
	struct say_batch *b = first->next, *next;

	first->next = NULL;
	for (; b; b = next) {
		next = b->next;
		thread_back_rt(t, &b->back, NOTE_SAY_DONE, b);
	}
}

void say_clear_rt(struct say *s, struct thread *t)
{
	while (s->first)
		give_back_rt(s, t, false);
	ramp_set(&s->under, 0);
}

static void cut_rt(struct say *s, struct thread *t)
{
	struct say_batch *b = s->first;

	if (!b)
		return;
	drop_after_rt(t, b);
	if (s->at >= b->n || !s->begun || ramp_silent(&s->open)) {        /* nobody has heard of it yet */
		give_back_rt(s, t, false);
		return;
	}
	b->n = s->at + 1;
	b->cut = true;            /* ... and so it never counts as finished */
	if (!s->fade)
		s->fade = SAY_FADE;
}

void say_put_rt(struct say *s, struct thread *t, struct say_batch *b)
{
	struct say_batch **last = &s->first;

	if (b->cut)
		cut_rt(s, t);
	b->cut = false;
	while (*last)
		last = &(*last)->next;
	b->next = NULL;
	*last = b;
}

/* --- pieces --- */

/* The piece whose turn it is; batches that are done go back. NULL: nothing more. */
static const struct leg_say *piece_rt(struct say *s, struct thread *t)
{
	while (s->first && s->at >= s->first->n)
		give_back_rt(s, t, !s->first->cut);
	return s->first ? &s->first->piece[s->at] : NULL;
}

static void next_piece_rt(struct say *s)
{
	s->at++;
	s->pos = s->begun = 0;
	s->fade = 0;
}

static bool followed(const struct say *s) { return s->at + 1 < s->first->n || s->first->next; }

/* Its gain at this sample: in, out where it ends or is cut. */
static float edge_rt(const struct say *s, const struct leg_say *p, bool ends)
{
	const size_t left = p->n - s->pos;
	float g = p->gain;

	if (s->begun < RAMP_SMP)
		g *= (float)s->begun / RAMP_SMP;
	if (ends && left < RAMP_SMP)
		g *= (float)left / RAMP_SMP;
	if (s->fade)
		g *= (float)s->fade / SAY_FADE;
	return g;
}

/* Samples of one piece: n, or until it ends or its gain changes. Added to dst if there is one. Returns how many. */
static uint32_t run_rt(struct say *s, const struct leg_say *p, float *dst, uint32_t n)
{
	const bool ends = !p->loop || followed(s);
	size_t left = p->n - s->pos;
	bool plain = s->begun >= RAMP_SMP && !s->fade && (!ends || left > RAMP_SMP);

	if (!plain)
		n = 1;
	else if (n > left - (ends ? RAMP_SMP : 0))
		n = (uint32_t)(left - (ends ? RAMP_SMP : 0));
	if (dst)
		mix_add_gain(dst, p->smp + s->pos, edge_rt(s, p, ends), n);
	s->pos += n;
	if (s->begun < RAMP_SMP)
		s->begun++;
	if (s->fade && !--s->fade)
		next_piece_rt(s);
	else if (s->pos >= p->n && !ends)
		s->pos = 0;
	else if (s->pos >= p->n)
		next_piece_rt(s);
	return n;
}

/* n_smp of the queue, added to dst (mono) if there is one. */
static void pieces_rt(struct say *s, struct thread *t, float *dst, uint32_t n_smp)
{
	const struct leg_say *p;

	for (uint32_t i = 0; i < n_smp && (p = piece_rt(s, t));) {
		if (p->loop && followed(s) && !s->fade)
			s->fade = SAY_FADE;
		i += run_rt(s, p, dst ? dst + i : NULL, n_smp - i);
	}
	(void)piece_rt(s, t);     /* what has just ended goes back in this tick */
}

static void turn_down_rt(struct say *s, float *mix, uint32_t n_smp, uint8_t ch, float under)
{
	float from = s->under.now, to;

	ramp_aim(&s->under, under - 1, n_smp, UNDER_SMP);
	to = s->under.now = ramp_next(&s->under);
	if (from != 0 || to != 0)
		mix_ramp(mix, mix, 1 + from, 1 + to, (size_t)n_smp * ch);
}

static void lay_over_rt(struct thread *t, float *mix, const float *said, uint32_t n_smp, uint8_t ch)
{
	float *wide = t->rt.scratch.wide;

	if (ch == 2) {
		mix_mono_to_stereo(wide, said, n_smp);
		said = wide;
	}
	mix_add(mix, said, (size_t)n_smp * ch);
}

void say_mix_rt(struct say *s, struct thread *t, float *mix, uint32_t n_smp, uint8_t ch, bool open)
{
	float *said = t->rt.scratch.pcm;
	const struct leg_say *p;

	ramp_aim(&s->open, open, n_smp, RAMP_SMP);
	if (!say_on_rt(s)) {
		s->open.now = ramp_next(&s->open);
		return;
	}
	p = piece_rt(s, t);
	turn_down_rt(s, mix, n_smp, ch, p && !ramp_silent(&s->open) ? p->under : 1);
	if (!p || ramp_silent(&s->open))
		return;
	mix_clear(said, n_smp);
	pieces_rt(s, t, said, n_smp);
	ramp_apply(&s->open, said, said, n_smp);
	lay_over_rt(t, mix, said, n_smp, ch);
}

void say_skip_rt(struct say *s, struct thread *t, uint32_t n_smp)
{
	ramp_set(&s->open, 0);
	ramp_set(&s->under, 0);
	if (s->first)
		pieces_rt(s, t, NULL, n_smp);
}
