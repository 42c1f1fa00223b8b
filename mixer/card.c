/*
 * card.c - an engine that a sound card turns. One period:
 *
 *     card_turn_rt: how late is it (cardclock.c)  >  thread_turn_rt: commands, sockets  >  bus  >  card_run_rt
 *     tick:  every leg plays its part; what the card took is one source more        card_add_rt     (with mute, gain)
 *            the card plays the sum without its own, and of that as much as it likes  card_hear_rt
 *            every leg hears the sum without its own                                leg_send
 *
 * A tick is as long as the period, whatever that is and whatever frames come and go: frames are put together and taken apart
 * in the legs' queues, as they are anyway. So a packet that came before the callback is heard in it, and nothing is ever
 * collected between the card and the mix. Decided against: a quantum as long as the frames, and two queues in which it
 * meets the period (docs/decisions/0110-the-cards-period-is-the-tick.md). A period that no tick can hold is some ticks.
 *
 * The card's thread is the media thread: it alone runs what ends in _rt, and the same two rings join it to control.
 */
#include <math.h>
#include <errno.h>
#include <string.h>
#include "card.h"
#include "card_rt.h"
#include "cardclock.h"
#include "engine.h"
#include "level.h"
#include "limiter.h"
#include "ramp.h"

enum { SILENCE_DBOV = 127, BUSY_SHARE = 64 };

struct card {
	/* control thread */
	struct bus *bus;
	/* never changed */
	struct mixer *m;
	struct thread *t;
	bool simulated;
	/* for all threads */
	_Atomic bool mute;
	_Atomic float gain_in, gain_out, self;
	_Atomic int64_t off_us;                   /* CLOCK_MONOTONIC less our time */
	count_t periods, xruns, dropped;
	_Atomic uint32_t loud_in, loud_out, busy_us, busy_max_us;
	/* the card's thread */
	struct {
		struct cardclock clock;
		uint64_t lost;                    /* samples, before this period */
		const float *in;                  /* what is left of this period; in NULL: silence */
		float *out;
		uint32_t n;
		uint32_t busy_q6;                 /* a mean, in 64ths of a microsecond */
		struct ramp gain_in, gain_out, open, self;
		struct limiter limiter;
		float own[QUANTUM_MAX * CARD_CH]; /* what it took; and of it, what others hear: */
		float told[QUANTUM_MAX * CARD_CH];
	} rt;
};

/* --- control thread --- */

static void card_destructor(void *arg)
{
	struct card *c = arg;

	if (!c->bus || !c->bus->m || c->bus->rt->card != c)
		return;
	c->bus->rt->card = NULL;
	c->bus->rt->running = false;      /* time turns it again, should somebody turn the engine */
	c->bus->rt->changed = true;
	c->t->rt.stamped = false;
}

static void init(struct card *c)
{
	atomic_store_explicit(&c->gain_in, 1, memory_order_relaxed);
	atomic_store_explicit(&c->gain_out, 1, memory_order_relaxed);
	atomic_store_explicit(&c->loud_in, SILENCE_DBOV, memory_order_relaxed);
	atomic_store_explicit(&c->loud_out, SILENCE_DBOV, memory_order_relaxed);
	ramp_set(&c->rt.gain_in, 1);
	ramp_set(&c->rt.gain_out, 1);
	limiter_init(&c->rt.limiter);
}

int card_alloc(struct card **cp, struct bus *b, const struct card_conf *conf)
{
	struct card *c;
	uint64_t pos;

	if (!b->m || b->m->conf.n_threads || b->m->n_threads != 1 || conf->period_smp > CARD_PERIOD_MAX)
		return EINVAL;
	if (b->rt->card)
		return EALREADY;
	c = mem_zalloc(sizeof(*c), card_destructor);
	if (!c)
		return ENOMEM;
	init(c);
	c->m = b->m;
	c->t = b->t;
	c->simulated = conf->simulated;
	/* Nobody's time goes back, whatever clock turned the engine before. */
	pos = mixer_smp(b->m);
	cardclock_init(&c->rt.clock, b->rt->pos > pos ? b->rt->pos : pos);
	c->bus = b;
	b->rt->card = c;
	b->rt->changed = true;
	c->t->rt.stamped = !c->simulated;
	*cp = c;
	return 0;
}

/* --- any thread --- */

static float sane(float gain) { return !(gain > 0) ? 0 : gain > CARD_GAIN_MAX ? CARD_GAIN_MAX : gain; }

void card_set_mute(struct card *c, bool on) { atomic_store_explicit(&c->mute, on, memory_order_relaxed); }

void card_set_gain(struct card *c, float in, float out)
{
	atomic_store_explicit(&c->gain_in, sane(in), memory_order_relaxed);
	atomic_store_explicit(&c->gain_out, sane(out), memory_order_relaxed);
}

void card_set_self(struct card *c, float gain) { atomic_store_explicit(&c->self, sane(gain), memory_order_relaxed); }

void card_stats(struct card *c, struct card_stats *s)
{
	*s = (struct card_stats){
		.periods = count_get(&c->periods), .xruns = count_get(&c->xruns), .dropped_smp = count_get(&c->dropped),
		.level_in_dbov = (uint8_t)atomic_exchange_explicit(&c->loud_in, SILENCE_DBOV, memory_order_relaxed),
		.level_out_dbov = (uint8_t)atomic_exchange_explicit(&c->loud_out, SILENCE_DBOV, memory_order_relaxed),
		.busy_us = atomic_load_explicit(&c->busy_us, memory_order_relaxed),
		.busy_max_us = atomic_exchange_explicit(&c->busy_max_us, 0, memory_order_relaxed)};
}

uint64_t card_smp_us(const struct card *c, uint64_t smp)
{
	return (uint64_t)((int64_t)mixer_smp_us(smp) + atomic_load_explicit(&c->off_us, memory_order_relaxed));
}

/* --- the card's thread: a tick --- */

/* Between an answer and the next one the loudest counts. Should the question come between, it is told again: no harm. */
static void louder_rt(_Atomic uint32_t *dbov, const float *smp, size_t n)
{
	const uint32_t now = level_dbov_rt(smp, n);

	if (now < atomic_load_explicit(dbov, memory_order_relaxed))
		atomic_store_explicit(dbov, now, memory_order_relaxed);
}

static void aim_rt(struct ramp *r, _Atomic float *to, uint32_t n_smp)
{
	ramp_aim(r, atomic_load_explicit(to, memory_order_relaxed), n_smp, RAMP_SMP);
}

/* What is not a number would stay in the sum for ever. */
static void take_rt(struct card *c, uint32_t n_smp)
{
	const size_t n = (size_t)n_smp * CARD_CH;

	aim_rt(&c->rt.gain_in, &c->gain_in, n_smp);
	if (c->rt.in && isfinite(mix_energy(c->rt.in, n))) {
		ramp_apply(&c->rt.gain_in, c->rt.own, c->rt.in, n);
	} else {
		mix_clear(c->rt.own, n);
		c->rt.gain_in.now = ramp_next(&c->rt.gain_in);
	}
	louder_rt(&c->loud_in, c->rt.own, n);
}

bool card_add_rt(struct card *c, float *sum, uint32_t n_smp)
{
	const size_t n = (size_t)n_smp * CARD_CH;

	take_rt(c, n_smp);
	ramp_aim(&c->rt.open, atomic_load_explicit(&c->mute, memory_order_relaxed) ? 0 : 1, n_smp, RAMP_SMP);
	ramp_apply(&c->rt.open, c->rt.told, c->rt.own, n);
	mix_add(sum, c->rt.told, n);
	return !ramp_silent(&c->rt.open);
}

void card_hear_rt(struct card *c, const float *sum, uint32_t n_smp)
{
	const size_t n = (size_t)n_smp * CARD_CH;
	float *out = c->rt.out;

	mix_minus(out, sum, c->rt.told, n);
	aim_rt(&c->rt.self, &c->self, n_smp);
	ramp_apply(&c->rt.self, c->rt.own, c->rt.own, n);
	mix_add(out, c->rt.own, n);
	aim_rt(&c->rt.gain_out, &c->gain_out, n_smp);
	ramp_apply(&c->rt.gain_out, out, out, n);
	limiter_rt(&c->rt.limiter, out, n_smp, CARD_CH);
	louder_rt(&c->loud_out, out, n);
	if (c->rt.in)
		c->rt.in += n;
	c->rt.out += n;
	c->rt.n -= n_smp;
}

/* --- the card's thread: a period --- */

void card_run_rt(struct card *c, struct bus_rt *b, uint64_t now_us)
{
	uint64_t pos = c->rt.clock.smp;

	if (c->rt.lost)
		bus_skip_rt(b, c->rt.lost, now_us);
	b->turn = c->rt.n;
	while (c->rt.n) {
		const uint32_t parts = (c->rt.n + QUANTUM_MAX - 1) / QUANTUM_MAX, n = c->rt.n / parts;

		b->turned = b->turn - c->rt.n;
		bus_tick_rt(b, n, pos, mixer_smp_us(pos));
		pos += n;
	}
	if (b->ending)
		bus_end_rt(b);
}

static void begin_rt(struct card *c, uint32_t n, uint64_t now_us)
{
	struct cardclock *k = &c->rt.clock;

	c->rt.lost = cardclock_begin_rt(k, n, now_us);
	if (c->rt.lost) {
		count_up(&c->xruns);
		count_add(&c->dropped, c->rt.lost);
	}
	atomic_store_explicit(&c->off_us, k->off_ns / 1000, memory_order_relaxed);
	count_set(&c->m->turned_us, mixer_smp_us(k->smp));
	if (!c->simulated)
		c->t->rt.unix_off_us = thread_unix_off_us() + (uint64_t)(k->off_ns / 1000);
}

static void end_rt(struct card *c, uint32_t n, uint64_t begin_us)
{
	const uint64_t end_us = thread_clock_us();
	const uint32_t us = (uint32_t)(end_us - begin_us);

	c->rt.clock.smp += n;
	count_up(&c->periods);
	c->rt.busy_q6 += us - c->rt.busy_q6 / BUSY_SHARE;
	atomic_store_explicit(&c->busy_us, c->rt.busy_q6 / BUSY_SHARE, memory_order_relaxed);
	if (us > atomic_load_explicit(&c->busy_max_us, memory_order_relaxed))
		atomic_store_explicit(&c->busy_max_us, us, memory_order_relaxed);
	thread_worked_rt(c->t, begin_us, end_us);
}

void card_turn_rt(struct card *c, const float *in, float *out, uint32_t n, uint64_t now_us)
{
	const uint64_t begin_us = thread_clock_us();

	if (!n)
		return;
	mix_flush_denormals(true);        /* whose thread this is we do not know, nor whether it is always the same one */
	begin_rt(c, n, now_us);
	c->rt.in = in;
	c->rt.out = out;
	c->rt.n = n;
	thread_turn_rt(c->t, mixer_smp_us(c->rt.clock.smp), true);
	mix_clear(c->rt.out, (size_t)c->rt.n * CARD_CH);          /* the bus is not there yet */
	end_rt(c, n, begin_us);
}
