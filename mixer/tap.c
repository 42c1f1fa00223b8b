/*
 * tap.c - a room's sound for who records it.
 *
 *     head (reader's)                tail (writer's)      at (writer's own)
 *       v                              v                    v
 *     [ TICK STEM STEM MIX  TICK MIX | TICK MEMBER STEM ... ]       offsets that only count up
 *
 * The writer lays a tick down behind the tail and publishes it by moving the tail, whole. What does not fit is a tick less: the
 * next one says TAP_LOST, and everybody is told of once more, as the lost one may have had news. A block is never cut in
 * two by the end of the memory: what is left there is skipped.
 *
 * Decided against: a ring for each leg. They would fill at different moments, and a mix that is the sum of its stems but for
 * some of them is worth nothing; and a leg would need another one in each room it comes to.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "tap_rt.h"

enum { ALIGN = 32, PAD = 0xff, TICK_MAX = 64 * 1024 };

#define SILENCE 1e-12f            /* -120 dB, as in leg_play */

struct head { uint64_t pos, leg; uint32_t len, n_smp; uint8_t kind, channels, why, muted; };     /* len: of all, with this */

struct tap {
	uint8_t *buf;
	size_t size;
	bool stems;
	struct back back;
	_Atomic bool closed;
	/* media thread */
	uint64_t at, seen;        /* where the next block goes; the reader's head, as last looked at */
	uint64_t serial;          /* of what members have been told of (struct leg_tap); grows when it is to be told again */
	uint8_t why;              /* of the next tick */
	bool failed;              /* this tick does not fit */
	/* reader */
	uint64_t next;            /* after the block that was given out */
	/* both */
	char pad1[64];
	_Atomic uint64_t head;
	char pad2[64];
	_Atomic uint64_t tail;
};

/* --- control thread --- */

static void destructor(void *arg)
{
	struct tap *t = arg;

	mem_deref(t->buf);
}

int tap_alloc(struct tap **tp, size_t size, bool stems)
{
	static uint64_t n;
	struct tap *t;

	if (!tp || size < TICK_MAX)
		return EINVAL;
	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;
	t->size = size / ALIGN * ALIGN;
	t->stems = stems;
	t->serial = ++n << 32;
	t->buf = mem_alloc(t->size, NULL);
	if (!t->buf) {
		mem_deref(t);
		return ENOMEM;
	}
	memset(t->buf, 0, t->size);       /* so that no media thread is the first to touch a page */
	*tp = t;
	return 0;
}

void tap_close(struct tap *t)
{
	if (!t)
		return;
	atomic_store_explicit(&t->closed, true, memory_order_release);
	mem_deref(t);
}

int bus_set_tap(struct bus *b, struct tap *t)
{
	struct cmd c = {.type = CMD_BUS_TAP, .bus = b->rt, .tap = t};
	int err;

	if (!b->m)
		return ENODEV;
	if (b->rt->to) {                  /* on its way to another thread: it is told at its arrival (move.c) */
		tap_close(b->rt->next_tap);
		b->rt->next_tap = mem_ref(t);
		b->rt->tap_waits = true;
		return 0;
	}
	err = thread_post(b->t, &c, NULL);
	if (!err)
		mem_ref(t);
	return err;
}

/* --- media thread --- */

void tap_swap_rt(struct bus_rt *b, struct tap *t)
{
	struct tap *old = b->tap;

	b->tap = t;
	if (!old)
		return;
	atomic_store_explicit(&old->closed, true, memory_order_release);
	thread_back_rt(b->t, &old->back, NOTE_TAP_DONE, old);
}

void tap_woke_rt(struct bus_rt *b)
{
	if (b->tap)
		b->tap->why |= TAP_WOKE;
}

static bool fits_rt(struct tap *t, size_t len)
{
	if (t->at + len - t->seen > t->size)
		t->seen = atomic_load_explicit(&t->head, memory_order_acquire);
	if (t->at + len - t->seen > t->size)
		t->failed = true;
	return !t->failed;
}

static struct head *head_at(const struct tap *t, uint64_t at) { return (struct head *)(void *)(t->buf + at % t->size); }

/* A block with room for so many floats; NULL: the tick does not fit. It is there when tap_take_rt has been told so. */
static struct head *block_rt(struct tap *t, enum tap_kind kind, size_t n_floats)
{
	size_t len = (sizeof(struct head) + n_floats * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN, left = t->size - t->at % t->size;
	struct head *h;

	if (left < len) {
		if (!fits_rt(t, left))
			return NULL;
		*head_at(t, t->at) = (struct head){.len = (uint32_t)left, .kind = PAD};
		t->at += left;
	}
	if (!fits_rt(t, len))
		return NULL;
	h = head_at(t, t->at);
	*h = (struct head){.len = (uint32_t)len, .kind = (uint8_t)kind};
	return h;
}

static void take_rt(struct tap *t, const struct head *h) { t->at += h->len; }

static float *floats_of(struct head *h) { return (float *)(void *)(h + 1); }

void tap_begin_rt(struct bus_rt *b)
{
	struct tap *t = b->tap;
	struct head *h;

	t->at = atomic_load_explicit(&t->tail, memory_order_relaxed);
	t->failed = false;
	h = block_rt(t, TAP_TICK, 0);
	if (!h)
		return;
	h->pos = b->pos;
	h->n_smp = b->quantum;
	h->channels = b->channels;
	h->why = t->why;
	take_rt(t, h);
}

/* It is here, and whether it is muted; once, and when that changes. */
static void member_rt(struct tap *t, struct leg_rt *l, bool muted)
{
	struct leg_tap *lt = &l->tap;
	struct head *h;

	if (lt->told == t->serial && lt->muted == muted)
		return;
	/* New here: it fades in with its gain, or is in the middle of its voice. */
	if (lt->told >> 32 != t->serial >> 32)
		ramp_set(&lt->ramp, l->play.gain.now == 0 ? 0 : 1);
	lt->told = t->serial;
	lt->muted = muted;
	h = block_rt(t, TAP_MEMBER, 0);
	if (!h)
		return;
	h->leg = l->view_id;
	h->muted = muted;
	take_rt(t, h);
}

static bool audible_rt(const float *smp, size_t n)
{
	float energy = mix_energy(smp, n);

	return isfinite(energy) && energy > SILENCE;
}

static void stem_rt(struct tap *t, struct leg_rt *l, uint32_t n_smp)
{
	const size_t n = (size_t)n_smp * l->play.channels;
	struct head *h = block_rt(t, TAP_STEM, n);

	if (!h)
		return;
	ramp_apply(&l->tap.ramp, floats_of(h), l->play.pcm, n);
	if (!audible_rt(floats_of(h), n))
		return;
	h->leg = l->view_id;
	h->pos = l->bus->pos;
	h->n_smp = n_smp;
	h->channels = l->play.channels;
	take_rt(t, h);
}

void tap_leg_rt(struct leg_rt *l, uint32_t n_smp, bool silent)
{
	bool muted = atomic_load_explicit(&l->mute, memory_order_relaxed);
	struct ramp *r = &l->tap.ramp;
	struct tap *t = l->bus->tap;

	member_rt(t, l, muted);
	ramp_aim(r, muted || l->leaving != LEG_STAYS || leg_waits_rt(l) ? 0 : 1, n_smp, leg_ramp_rt(l));
	if (silent || t->failed || !t->stems)
		r->now = ramp_next(r);
	else if (!ramp_silent(r))
		stem_rt(t, l, n_smp);
}

void tap_end_rt(struct bus_rt *b, bool heard)
{
	const size_t n = (size_t)b->quantum * b->channels;
	struct tap *t = b->tap;
	struct head *h = heard && !t->failed ? block_rt(t, TAP_MIX, n) : NULL;

	if (h) {
		h->pos = b->pos;
		h->n_smp = b->quantum;
		h->channels = b->channels;
		memcpy(floats_of(h), b->sum, n * sizeof(float));
		take_rt(t, h);
	}
	if (t->failed) {
		t->why |= TAP_LOST;
		t->serial++;
		return;
	}
	t->why = 0;
	atomic_store_explicit(&t->tail, t->at, memory_order_release);
}

void tap_left_rt(struct bus_rt *b, const struct leg_rt *l)
{
	struct tap *t = b->tap;
	struct head *h;

	if (!t || l->tap.told >> 32 != t->serial >> 32)
		return;
	t->at = atomic_load_explicit(&t->tail, memory_order_relaxed);
	t->failed = false;
	h = block_rt(t, TAP_LEFT, 0);
	if (!h)
		return;
	h->leg = l->view_id;
	h->pos = b->pos + b->quantum;
	take_rt(t, h);
	atomic_store_explicit(&t->tail, t->at, memory_order_release);
}

/* --- reading thread --- */

bool tap_closed(const struct tap *t) { return atomic_load_explicit((_Atomic bool *)&t->closed, memory_order_acquire); }

bool tap_read(struct tap *t, struct tap_block *b)
{
	const uint64_t tail = atomic_load_explicit(&t->tail, memory_order_acquire);
	const struct head *h = NULL;

	for (; t->next != tail; t->next += h->len, h = NULL) {
		h = head_at(t, t->next);
		if (h->kind != PAD)
			break;
	}
	atomic_store_explicit(&t->head, t->next, memory_order_release);
	if (!h)
		return false;
	*b = (struct tap_block){.kind = (enum tap_kind)h->kind, .channels = h->channels, .why = h->why, .muted = h->muted,
				.n_smp = h->n_smp, .pos = h->pos, .leg = h->leg};
	if (h->kind == TAP_STEM || h->kind == TAP_MIX)
		b->smp = (const float *)(const void *)(h + 1);
	t->next += h->len;
	return true;
}
