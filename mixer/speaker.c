/*
 * speaker.c - who is the loudest speaker of a room.
 *
 *     level over -55 dBov  >  score: rises in half a second, falls in one             (how loud, on the whole)
 *                          >  loud_us: grows while loud, shrinks a quarter as fast    (how long, pauses forgiven)
 *
 *     a challenger has been loud for 300 ms, or 500 while the holder talks
 *                  and its score was 3 dB over the holder's all of the last 400 ms    > the floor is its
 *
 * So a cough fails by its length, a short interjection by its score, and two who talk at once do not take the floor from
 * each other with each syllable. Events are held back for min_us after the last one; then the best of that moment counts.
 */
#include <string.h>

#include "speaker.h"

#define MARGIN  3.0f              /* dB over the holder */
#define FORGET  0.5f              /* a score of less is none */

enum {
	FAINT_DBOV    = 55,       /* scores count from here up */
	RISE_US       = 500000,
	FALL_US       = 1000000,
	LOUD_US       = 300000,   /* to get a floor whose holder is silent */
	LOUD_TAKE_US  = 500000,   /* ... who talks */
	LOUD_MAX_US   = 1000000,
	LEAD_US       = 400000,
};

void speaker_init(struct speaker *s, uint32_t min_event_ms)
{
	memset(s, 0, sizeof(*s));
	list_init(&s->active);
	s->min_us = min_event_ms > 60000 ? 60000000 : min_event_ms * 1000;
	s->since_us = s->min_us;
}

void speaker_join(struct speaker_leg *l, uint32_t id)
{
	memset(l, 0, sizeof(*l));
	l->id = id;
}

void speaker_hear_rt(struct speaker *s, struct speaker_leg *l, uint8_t dbov)
{
	l->talking = true;
	l->loud = dbov < FAINT_DBOV ? (float)(FAINT_DBOV - dbov) : 0.0f;
	if (!l->le.list)
		list_append(&s->active, &l->le, l);
}

/* One tick of one member, told or not. False: it is long silent. */
static bool follow_rt(struct speaker_leg *l, uint32_t tick_us)
{
	const uint32_t tau = l->loud > l->score ? RISE_US : FALL_US;
	/* falling, it is no longer the sound it was: the hang of `talking` and an echo do not count as loud */
	const bool loud = l->loud > 0.0f && l->loud >= l->score * 0.8f;
	const bool talking = l->talking;

	l->score += (l->loud - l->score) * (float)tick_us / (float)(tau + tick_us);
	if (loud)
		l->loud_us = l->loud_us + tick_us < LOUD_MAX_US ? l->loud_us + tick_us : LOUD_MAX_US;
	else
		l->loud_us -= tick_us / 4 < l->loud_us ? tick_us / 4 : l->loud_us;

	l->loud = 0.0f;
	return talking || l->score > FORGET;
}

static void lead_rt(const struct speaker *s, struct speaker_leg *l, uint32_t tick_us)
{
	const float bar = s->holder ? s->holder->score + MARGIN : MARGIN;

	if (l->score <= bar)
		l->lead_us = 0;
	else if (l->lead_us < LEAD_US)
		l->lead_us += tick_us;
}

static bool may_take(const struct speaker *s, const struct speaker_leg *l)
{
	const bool held = s->holder && s->holder->talking;

	if (l == s->holder || !l->talking)
		return false;
	if (!held)
		return l->loud_us >= LOUD_US && l->lead_us;
	return l->loud_us >= LOUD_TAKE_US && l->lead_us >= LEAD_US;
}

static void rest_rt(struct speaker *s, struct speaker_leg *l)
{
	list_unlink(&l->le);
	l->score = 0.0f;
	l->loud_us = l->lead_us = 0;
}

static struct speaker_leg *challenger_rt(struct speaker *s, uint32_t tick_us)
{
	struct speaker_leg *best = NULL;
	struct le *le = s->active.head;

	while (le) {
		struct speaker_leg *l = le->data;

		le = le->next;
		if (!follow_rt(l, tick_us)) {
			rest_rt(s, l);
			continue;
		}
		lead_rt(s, l, tick_us);
		if (may_take(s, l) && (!best || l->score > best->score))
			best = l;
	}

	return best;
}

static bool tell_rt(struct speaker *s, struct speaker_event *ev, uint32_t id)
{
	ev->now = id;
	ev->before = s->told;
	s->told = id;
	s->since_us = 0;

	return true;
}

bool speaker_tick_rt(struct speaker *s, struct speaker_event *ev, uint32_t tick_us)
{
	struct speaker_leg *best;
	struct le *le;

	best = challenger_rt(s, tick_us);
	for (le = s->active.head; le; le = le->next)
		((struct speaker_leg *)le->data)->talking = false;
	if (s->holder && !s->holder->le.list)
		s->holder->talking = false;

	if (s->since_us < s->min_us) {
		s->since_us += tick_us;
		return false;
	}
	if (best) {
		s->holder = best;
		return tell_rt(s, ev, best->id);
	}
	/* who had it has left: that, too, is told once */
	return !s->holder && s->told != SPEAKER_NONE ? tell_rt(s, ev, SPEAKER_NONE) : false;
}

void speaker_leave_rt(struct speaker *s, struct speaker_leg *l)
{
	list_unlink(&l->le);
	if (s->holder == l)
		s->holder = NULL;
}
