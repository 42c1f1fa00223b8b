/*
 * bus.c - a room's mix. One tick:
 *
 *     every leg plays its part        own[]
 *     sum of all that are heard       sum[]
 *     every leg hears                 sum - own, or the loop for the lonely, or its own echo   > leg_send
 *     who was leaving and is silent   goes
 *
 * Stereo as soon as one member has two channels, mono else. A tick that is more than LATE_US late (and more than one
 * quantum) is dropped and counted: catching up further would only queue delay.
 */
#include <string.h>
#include "bus.h"
#include "leg.h"

enum { LATE_US = 10000 };

int bus_rt_alloc(struct bus_rt **bp, struct thread *t, const struct bus_conf *conf)
{
	struct bus_rt *b = mem_zalloc(sizeof(*b), NULL);

	if (!b)
		return ENOMEM;
	b->t = t;
	b->conf = *conf;
	*bp = b;
	return 0;
}

static uint64_t due_us(uint64_t pos) { return (pos * 1000 + 47) / 48; }

uint64_t bus_due_us_rt(const struct bus_rt *b)
{
	if (b->running)
		return due_us(b->pos);
	return list_isempty(&b->legs) ? UINT64_MAX : 0;   /* just got its first leg */
}

/* --- members --- */

void bus_join_rt(struct bus_rt *b, struct leg_rt *l)
{
	list_append(&b->legs, &l->le, l);
	l->bus = b;
	l->leaving = LEG_STAYS;
	ramp_set(&l->play.gain, 0);
	ramp_set(&l->send.gain, 0);
	ramp_set(&l->send.alone, 0);
}

static void bye_rt(struct leg_rt *l, uint64_t now_us)
{
	leg_report_rt(l, now_us, true);
}

static void depart_rt(struct bus_rt *b, struct leg_rt *l, uint64_t now_us)
{
	enum leg_leaving how = l->leaving;
	struct thread *t = b->t;

	list_unlink(&l->le);
	if (how == LEG_MOVES) {
		bus_join_rt(l->next_bus ? l->next_bus : t->rt.limbo, l);
		return;
	}
	if (how == LEG_ENDS)
		bye_rt(l, now_us);
	leg_detach_rt(l);
	thread_back_rt(t, &l->back, how == LEG_ENDS ? NOTE_LEG_ENDED : NOTE_LEG_DETACHED, l);
}

static void departures_rt(struct bus_rt *b, uint64_t now_us)
{
	struct le *le = b->legs.head;

	while (le) {
		struct leg_rt *l = le->data;

		le = le->next;
		if (leg_left_rt(l))
			depart_rt(b, l, now_us);
	}
}

void bus_end_rt(struct bus_rt *b)
{
	b->ending = true;
	if (!list_isempty(&b->legs))
		return;
	list_unlink(&b->le);
	thread_back_rt(b->t, &b->back, NOTE_BUS_ENDED, b);
}

/* --- the mix --- */

static uint8_t channels_rt(const struct bus_rt *b)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next)
		if (leg_channels_rt(le->data) == 2)
			return 2;
	return 1;
}

static void sum_rt(struct bus_rt *b, uint8_t ch, uint64_t now_us)
{
	uint32_t q = b->conf.quantum_smp;
	struct le *le;

	mix_clear(b->sum, q * ch);
	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		leg_play_rt(l, q, ch, now_us);
		if (l->heard && !b->limbo)
			mix_add(b->sum, l->own, q * ch);
	}
}

static bool is_alone(const struct bus_rt *b)
{
	return b->conf.alone && b->conf.n_alone && !b->limbo && b->legs.head && b->legs.head == b->legs.tail;
}

static void alone_rt(struct bus_rt *b, struct leg_rt *l, float *out, uint8_t ch)
{
	uint32_t q = b->conf.quantum_smp;
	float *tmp = b->t->rt.scratch.tmp;

	ramp_aim(&l->send.alone, is_alone(b) ? 1 : 0, q, LEG_ALONE_SMP);
	if (ramp_silent(&l->send.alone))
		return;
	for (uint32_t i = 0; i < q; i++)
		for (uint8_t c = 0; c < ch; c++)
			tmp[i * ch + c] = b->conf.alone[(b->alone_pos + i) % b->conf.n_alone];
	ramp_apply(&l->send.alone, tmp, tmp, q * ch);
	mix_add(out, tmp, q * ch);
}

static void echo_rt(struct bus_rt *b, struct leg_rt *l, float *out, uint8_t ch)
{
	size_t n = b->conf.quantum_smp * ch;
	float *tmp = b->t->rt.scratch.tmp;

	ramp_aim(&l->send.echo, atomic_load_explicit(&l->echo, memory_order_relaxed), b->conf.quantum_smp, RAMP_SMP);
	if (ramp_silent(&l->send.echo) || !l->heard)
		return;
	ramp_apply(&l->send.echo, tmp, l->own, n);
	mix_add(out, tmp, n);
}

static void hear_rt(struct bus_rt *b, struct leg_rt *l, uint8_t ch)
{
	size_t n = b->conf.quantum_smp * ch;
	float *out = b->t->rt.scratch.out;

	if (b->limbo || !l->heard)
		memcpy(out, b->sum, n * sizeof(*out));        /* limbo's sum is silence */
	else
		mix_minus(out, b->sum, l->own, n);
	alone_rt(b, l, out, ch);
	echo_rt(b, l, out, ch);
	leg_send_rt(l, out, b->conf.quantum_smp, ch, b->pos);
}

static void tick_rt(struct bus_rt *b, uint64_t now_us)
{
	uint8_t ch = channels_rt(b);
	struct le *le;

	sum_rt(b, ch, now_us);
	for (le = b->legs.head; le; le = le->next) {
		hear_rt(b, le->data, ch);
		leg_watch_rt(le->data, now_us);
	}
	if (b->conf.n_alone)
		b->alone_pos = (b->alone_pos + b->conf.quantum_smp) % b->conf.n_alone;
	departures_rt(b, now_us);
	count_up(&b->t->n.ticks);
}

/* --- time --- */

static bool wake_rt(struct bus_rt *b, uint64_t now_us)
{
	uint32_t q = b->conf.quantum_smp;

	if (list_isempty(&b->legs)) {
		b->running = false;
	} else if (!b->running) {
		b->running = true;
		b->pos = (now_us * 48 / 1000 + q - 1) / q * q;
	}
	return b->running;
}

static void drop_late_rt(struct bus_rt *b, uint64_t now_us)
{
	uint32_t q = b->conf.quantum_smp;
	uint64_t late_us = now_us - due_us(b->pos);
	uint64_t n = late_us * 48 / 1000 / q;     /* whole quanta late: their time is over */

	if (late_us <= LATE_US || n < 2)
		return;
	b->pos += n * q;
	count_add(&b->t->n.dropped, n);
}

void bus_run_rt(struct bus_rt *b, uint64_t now_us, bool may_drop)
{
	uint32_t q = b->conf.quantum_smp;

	if (!wake_rt(b, now_us) || now_us < due_us(b->pos))
		return;
	if (may_drop)
		drop_late_rt(b, now_us);
	while (b->running && now_us >= due_us(b->pos)) {
		uint64_t behind_us = (now_us - due_us(b->pos)) / due_us(q) * due_us(q);

		if (behind_us)
			count_up(&b->t->n.late);
		/* Ticks that catch up happen when they should have: else the jitter buffer would give two frames at once. */
		tick_rt(b, now_us - behind_us);
		b->pos += q;
		b->running = !list_isempty(&b->legs);
	}
	if (b->ending)
		bus_end_rt(b);
}
