/*
 * bus.c - a room's mix. One tick:
 *
 *     every leg plays its part        own[]     > tap, if somebody records (tap.c)
 *     sum of all that are heard       sum[]     and of what the room is told (say.c); > tap
 *     every leg hears                 sum - own, or the loop for the lonely, or its own echo   > leg_send
 *     ... and who has a mix of its own  what that makes of the others (view_rt.c)
 *     ... or just the sum             once for all of one codec (share.c)                      > leg_send
 *     who was leaving and is silent   goes
 *
 * And the ticks follow the voices: as long as the packets of all that are heard wait for the tick, it comes a little
 * earlier each time, until the last of them just makes it. So who speaks alone is heard at once.
 *
 * Stereo as soon as one member has two channels, mono else. The quantum follows the members: what a tick mixes is heard
 * when the frame it goes into is full, so the best quantum for a frame of 20 ms is 20 ms: a packet is mixed whole, at the
 * first tick after it came, and leaves at that tick. With one of 10 ms its first half would wait 10 ms for the second.
 * So a room has the longest quantum that divides the frames of all that listen. A shorter one is taken at once, and costs
 * nobody a seam: the next tick is due when the last one's sound ends. A longer one wants sound that has not come yet, and
 * waits for a moment in which nobody is heard, but not for ever.
 *
 * A bus with a sound card (card.c) has its periods for ticks, whatever their length: nothing there waits for a whole tick.
 *
 * A tick that is more than LATE_US late (and more than one quantum) is dropped and counted: catching up further would only
 * queue delay.
 */
#include <string.h>
#include "ahead.h"
#include "bus.h"
#include "card_rt.h"
#include "leg.h"
#include "move.h"
#include "share.h"
#include "tap_rt.h"
#include "view_rt.h"
#include "who.h"

enum { LATE_US = 10000, PATIENCE_SMP = 10 * CLOCK_RATE };
/* A step is 0.5 % of a tick: no buffer on the way sees more in it than a clock a bit fast. */
enum { SHIFT_STEP_US = 100, SHIFT_MARGIN_US = 2000, SHIFT_TICKS = 16 };
#define HUSH 1e-6f                /* -60 dB */

static const uint32_t quanta[] = {960, 480, 240, 120, 64};

int bus_rt_alloc(struct bus_rt **bp, struct thread *t, const struct bus_conf *conf)
{
	struct bus_rt *b = mem_zalloc(sizeof(*b), NULL);

	if (!b)
		return ENOMEM;
	b->t = t;
	b->conf = *conf;
	b->quantum = b->wanted = conf->quantum_smp ? conf->quantum_smp : QUANTUM_MAX;
	b->channels = 1;
	who_init(b);
	*bp = b;
	return 0;
}

static uint64_t due_us(uint64_t pos) { return (pos * 1000 + 47) / 48; }

static uint64_t tick_us(const struct bus_rt *b) { return due_us(b->pos) + (uint64_t)b->shift_us; }

uint64_t bus_due_us_rt(const struct bus_rt *b)
{
	if (b->running)
		return tick_us(b);
	return list_isempty(&b->legs) ? UINT64_MAX : 0;   /* just got its first leg */
}

/* --- members --- */

void bus_join_rt(struct bus_rt *b, struct leg_rt *l)
{
	list_append(&b->legs, &l->le, l);
	l->bus = b;
	l->leaving = LEG_STAYS;
	b->changed = true;
	ramp_set(&l->play.gain, 0);
	ramp_set(&l->send.gain, 0);
	ramp_set(&l->send.alone, 0);
	l->tap.told = 0;
	ramp_set(&l->send.say.open, 0);
	ramp_set(&l->send.click, 0);
	l->play.entering = true;
	leg_play_join_rt(l);
	who_join_rt(l);
}

static void bye_rt(struct leg_rt *l, uint64_t now_us)
{
	leg_report_rt(l, now_us, true);
}

void bus_part_rt(struct bus_rt *b, struct leg_rt *l, uint64_t now_us)
{
	enum leg_leaving how = l->leaving;
	struct thread *t = b->t;

	share_part_rt(l);
	who_leave_rt(b, l);
	tap_left_rt(b, l);
	list_unlink(&l->le);
	b->changed = true;
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
			bus_part_rt(b, l, now_us);
	}
}

void bus_end_rt(struct bus_rt *b)
{
	b->ending = true;
	say_clear_rt(&b->say, b->t);
	if (!list_isempty(&b->legs))
		return;
	list_unlink(&b->le);
	thread_back_rt(b->t, &b->back, NOTE_BUS_ENDED, b);
}

/* --- the mix --- */

/* Does q divide what all members send? No frame is too short for the shortest. */
static bool suits_rt(const struct bus_rt *b, uint32_t q)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next) {
		uint32_t n48 = leg_frame_rt(le->data);

		if (n48 % q)
			return false;
	}
	return true;
}

static uint32_t best_quantum_rt(const struct bus_rt *b)
{
	unsigned n = b->conf.music ? ARRAY_SIZE(quanta) : 2, i = 0;

	if (b->conf.quantum_smp)
		return b->conf.quantum_smp;
	while (i < n - 1 && !suits_rt(b, quanta[i]))
		i++;
	return quanta[i];
}

/* Someone came, went or has another codec. */
static void members_rt(struct bus_rt *b)
{
	struct le *le;

	if (!b->changed)
		return;
	b->changed = false;
	b->channels = b->card ? 2 : 1;
	for (le = b->legs.head; le; le = le->next)
		if (leg_channels_rt(le->data) == 2)
			b->channels = 2;
	b->wanted = best_quantum_rt(b);
	who_members_rt(b);
	b->waited = 0;
	b->hushed = false;        /* not known: nobody listened for it */
}

static void quantum_rt(struct bus_rt *b)
{
	if (b->card)
		b->wanted = b->quantum;
	if (b->wanted == b->quantum)
		return;
	b->waited += b->quantum;
	if (b->pos % b->wanted)           /* all frames begin at a multiple of their length */
		return;
	if (b->wanted < b->quantum || b->hushed || b->waited > PATIENCE_SMP)
		b->quantum = b->wanted;
}

/* Music keeps the beat it has. */
static bool shifts_rt(const struct bus_rt *b) { return !b->conf.quantum_smp && !b->conf.music && !b->limbo && !b->card; }

/* Has everybody who was heard in the last ticks been early? INT32_MAX: nobody was heard. */
static void shift_rt(struct bus_rt *b, int32_t spare_us)
{
	int64_t q_us = (int64_t)due_us(b->quantum);

	if (!shifts_rt(b))
		return;
	if (spare_us == INT32_MAX) {      /* a pause: the way back from too far ahead of the sample count */
		memset(&b->early, 0, sizeof(b->early));
		if (b->shift_us <= -q_us)
			b->shift_us += q_us;
		return;
	}
	if (!b->early.ticks || spare_us < b->early.cur_us)
		b->early.cur_us = spare_us;
	if (++b->early.ticks >= SHIFT_TICKS) {
		b->early.prev_us = b->early.cur_us;
		b->early.ticks = 0;
	}
	if (b->early.prev_us <= SHIFT_MARGIN_US || spare_us <= SHIFT_MARGIN_US || b->shift_us <= -q_us)
		return;
	b->shift_us -= SHIFT_STEP_US;
	b->early.prev_us -= SHIFT_STEP_US;
}

/* Plays its part; true: it is heard. */
static bool part_rt(struct bus_rt *b, struct leg_rt *l, uint8_t ch, uint64_t now_us)
{
	leg_cpu_turn_rt(l);
	leg_play_rt(l, b->quantum, ch, now_us);
	leg_cpu_end_rt(l);
	who_hear_rt(b, l);
	return l->heard;
}

void bus_say_rt(struct bus_rt *b, struct say_batch *say)
{
	say_put_rt(&b->say, b->t, say);
	if ((list_isempty(&b->legs) && !b->card) || b->ending)    /* nobody is there, and who comes later is not meant */
		say_clear_rt(&b->say, b->t);
}

/* What all are told is one source more: it costs an add, and who hears the same still does. */
static void announce_rt(struct bus_rt *b, uint8_t ch)
{
	if (b->limbo)
		return;
	b->hushed = b->hushed && !b->say.first;
	say_mix_rt(&b->say, b->t, b->sum, b->quantum, ch, true);
}

static void sum_rt(struct bus_rt *b, uint8_t ch, uint64_t now_us)
{
	const size_t n = (size_t)b->quantum * ch;
	const bool said = say_on_rt(&b->say);
	bool played = false;
	struct leg_rt **last = &b->heard;
	int32_t spare = INT32_MAX;
	struct le *le;

	mix_clear(b->sum, n);
	b->hushed = true;
	who_begin_rt(b);
	if (b->tap)
		tap_begin_rt(b);
	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		ahead_walk_rt(le);
		if (!part_rt(b, l, ch, now_us))
			continue;
		if (!b->limbo) {
			view_place_rt(l, b->quantum);
			view_add_rt(b->sum, l, b->quantum, ch);
			*last = l;
			last = &l->next_heard;
		}
		if (shifts_rt(b)) {
			int32_t us = leg_spare_us_rt(l);

			spare = us < spare ? us : spare;
		}
		if (b->wanted != b->quantum)
			b->hushed = b->hushed && mix_energy(l->own, n) < HUSH;
	}
	*last = NULL;
	if (b->card)
		played = card_add_rt(b->card, b->sum, b->quantum);
	announce_rt(b, ch);
	if (b->tap)
		tap_end_rt(b, b->heard || said || played);
	b->quiet = mix_energy(b->sum, n) < HUSH;
	shift_rt(b, spare);
	who_end_rt(b);
}

bool bus_alone_rt(const struct bus_rt *b)
{
	return b->conf.alone && b->conf.n_alone && !b->limbo && !b->card && b->legs.head && b->legs.head == b->legs.tail;
}

static void alone_rt(struct bus_rt *b, struct leg_rt *l, float *out, uint8_t ch)
{
	uint32_t q = b->quantum;
	float *tmp = b->t->rt.scratch.tmp;

	ramp_aim(&l->send.alone, bus_alone_rt(b) ? 1 : 0, q, LEG_ALONE_SMP);
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
	size_t n = b->quantum * ch;
	float *tmp = b->t->rt.scratch.tmp;

	ramp_aim(&l->send.echo, atomic_load_explicit(&l->echo, memory_order_relaxed), b->quantum, RAMP_SMP);
	if (ramp_silent(&l->send.echo) || !l->heard)
		return;
	ramp_apply(&l->send.echo, tmp, l->own, n);
	mix_add(out, tmp, n);
}

static void hear_rt(struct bus_rt *b, struct leg_rt *l, uint8_t ch)
{
	size_t n = b->quantum * ch;
	float *out = b->t->rt.scratch.out;

	if (b->limbo || !l->heard)
		memcpy(out, b->sum, n * sizeof(*out));        /* limbo's sum is silence */
	else
		view_minus_rt(out, b->sum, l, b->quantum, ch);
	view_hear_rt(b, l, out, ch);
	alone_rt(b, l, out, ch);
	echo_rt(b, l, out, ch);
	leg_send_rt(l, out, b->quantum, ch, b->pos);
}

static void tick_rt(struct bus_rt *b, uint64_t now_us)
{
	struct le *le;
	uint8_t ch;

	members_rt(b);
	quantum_rt(b);
	ch = b->channels;
	sum_rt(b, ch, now_us);
	if (b->card)
		card_hear_rt(b->card, b->sum, b->quantum);
	/* First who follows whom, as they must begin where the leader is, not where it will be. */
	for (le = b->legs.head; le; le = le->next) {
		view_update_rt(b, le->data);
		share_update_rt(b, le->data);
	}
	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		if (!l->share.leader || l->share.leader == l) {
			leg_cpu_begin_rt(l);
			hear_rt(b, l, ch);
			leg_cpu_end_rt(l);
		}
		leg_watch_rt(l, now_us);
	}
	if (b->conf.n_alone)
		b->alone_pos = (b->alone_pos + b->quantum) % b->conf.n_alone;
	departures_rt(b, now_us);
	if (list_isempty(&b->legs) && !b->card)
		say_clear_rt(&b->say, b->t);
	count_up(&b->t->n.ticks);
}

void bus_tick_rt(struct bus_rt *b, uint32_t n_smp, uint64_t pos, uint64_t now_us)
{
	b->running = true;
	b->quantum = n_smp;
	b->pos = pos;
	tick_rt(b, now_us);
	b->pos += n_smp;
}

/* --- time --- */

static bool wake_rt(struct bus_rt *b, uint64_t now_us)
{
	if (list_isempty(&b->legs)) {
		b->running = false;
	} else if (!b->running) {
		uint32_t q;

		members_rt(b);
		q = b->quantum = b->wanted;
		b->shift_us = 0;
		memset(&b->early, 0, sizeof(b->early));
		b->running = true;
		tap_woke_rt(b);
		b->pos = (now_us * 48 / 1000 + q - 1) / q * q;
	}
	return b->running;
}

/* What should have been played in the ticks that were dropped is not played after them. */
static void catch_up_rt(struct bus_rt *b, uint64_t n_smp, uint64_t now_us)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next) {
		const struct leg_rt *l = le->data;
		int i = l->play.jitter;

		if (l->plan && i >= 0)
			jitter_catch_up_rt(l->plan->jitter[i], (uint32_t)(n_smp * l->plan->jitter_conf[i].clock / CLOCK_RATE), now_us);
	}
}

static void drop_late_rt(struct bus_rt *b, uint64_t now_us)
{
	uint32_t q = b->quantum;
	uint64_t late_us = now_us - tick_us(b);
	uint64_t n = late_us * 48 / 1000 / q;     /* whole quanta late: their time is over */

	if (move_arrived_rt(b, late_us) || late_us <= LATE_US || n < 2)
		return;
	b->pos += n * q;
	count_add(&b->t->n.dropped, n);
	catch_up_rt(b, n * q, now_us);
}

void bus_skip_rt(struct bus_rt *b, uint64_t n_smp, uint64_t now_us)
{
	count_add(&b->t->n.dropped, b->quantum ? n_smp / b->quantum : 1);
	catch_up_rt(b, n_smp, now_us);
}

void bus_run_rt(struct bus_rt *b, uint64_t now_us, bool may_drop)
{
	if (b->card) {
		card_run_rt(b->card, b, now_us);
		return;
	}
	if (!wake_rt(b, now_us) || now_us < tick_us(b))
		return;
	if (may_drop)
		drop_late_rt(b, now_us);
	while (b->running && now_us >= tick_us(b)) {
		uint64_t q_us = due_us(b->quantum), behind_us = (now_us - tick_us(b)) / q_us * q_us;

		if (behind_us)
			count_up(&b->t->n.late);
		/* Ticks that catch up happen when they should have: else the jitter buffer would give two frames at once. */
		tick_rt(b, now_us - behind_us);
		b->pos += b->quantum;
		b->running = !list_isempty(&b->legs);
	}
	if (b->ending)
		bus_end_rt(b);
	else if (b->departing)
		move_go_rt(b);
}
