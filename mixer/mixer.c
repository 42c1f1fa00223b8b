/*
 * mixer.c - the engine's door: its threads, and what comes back from them.
 *
 *     control   leg_set_desc, leg_set_bus ...  > thread_post > ring >   media thread
 *     control   mixer_dispatch < ring < notes: keys, latches, time-outs; legs, buses and plans to free
 *
 * With n_threads 0 there is one thread object that nobody runs but mixer_turn: the same code, on the caller's clock; or a
 * sound card, on its own (card.c).
 */
#include <linux/capability.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"
#include "leg.h"
#include "move.h"
#include "tap_rt.h"

/* --- what comes back --- */

static void happened(const struct note *n)
{
	struct leg *l = n->leg->ctl;

	/* It has gone to another room since, where somebody else may speak. */
	if (l && n->ev.type == LEG_EVENT_FLOOR && (!l->bus || l->bus->rt != n->obj))
		return;
	if (l && l->conf.eventh)
		l->conf.eventh(&n->ev, l->conf.arg);
}

static void leg_ended(struct leg_rt *rt)
{
	rt->home->load--;
	mem_deref(rt);
}

static void bus_ended(struct bus_rt *b)
{
	list_unlink(&b->all);
	b->t->load--;
	tap_close(b->tap);                /* the engine ends: nobody writes any more */
	tap_close(b->next_tap);
	say_free(&b->say);
	mem_deref(b);
}

static void take_note(struct mixer *m, const struct note *n)
{
	switch (n->type) {

	case NOTE_EVENT:        happened(n); break;
	case NOTE_LEG_DETACHED: leg_returned(n->obj); break;
	case NOTE_LEG_ENDED:    leg_ended(n->obj); break;
	case NOTE_BUS_ENDED:    bus_ended(n->obj); break;
	case NOTE_BUS_LEFT:     move_returned(m, n->obj); break;
	case NOTE_PLAN_DONE:    mem_deref(n->obj); break;
	case NOTE_VIEW_DONE:    leg_view_done(n->obj); break;
	case NOTE_TAP_DONE:     mem_deref(n->obj); break;
	case NOTE_SAY_DONE:     say_done(n->obj); break;
	}
}

void mixer_dispatch(struct mixer *m)
{
	uint64_t rung;
	struct note n;

	if (read(m->event_fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		return;
	for (unsigned i = 0; i < m->n_threads; i++) {
		while (!ring_pop(m->threads[i]->notes, &n))
			take_note(m, &n);
		thread_flush(m->threads[i]);
	}
}

/* --- life --- */

static bool is_freed(enum note_type type)
{
	return type == NOTE_PLAN_DONE || type == NOTE_VIEW_DONE || type == NOTE_SAY_DONE || type == NOTE_TAP_DONE;
}

/* Plans, rows, sounds and taps in commands that will not be carried out, and in notes that nobody will read. */
static void drain(struct thread *t)
{
	struct le *le;
	struct note n;
	struct cmd c;

	while (!ring_pop(t->cmds, &c)) {
		mem_deref(c.plan);
		mem_deref(c.row);
		tap_close(c.tap);
		mem_deref(c.say);
	}
	while ((le = t->waiting.head)) {
		struct cmd_wait *w = (struct cmd_wait *)(void *)le;

		mem_deref(w->cmd.plan);
		mem_deref(w->cmd.row);
		tap_close(w->cmd.tap);
		mem_deref(w->cmd.say);
		list_unlink(le);
		mem_deref(le->data);
	}
	while (!ring_pop(t->notes, &n))
		if (is_freed(n.type))
			mem_deref(n.obj);
	for (struct back *b = t->rt.first, *next; b; b = next) {
		next = b->next;
		if (is_freed(b->type))
			mem_deref(b->obj);
	}
}

static void say_goodbye(struct leg_rt *rt)
{
	if (rt->t && rt->t == rt->home)
		leg_report_rt(rt, thread_clock_us(), true);
}

static void mixer_destructor(void *arg)
{
	struct mixer *m = arg;
	struct le *le;

	for (unsigned i = 0; i < m->n_threads; i++)
		thread_stop(m->threads[i]);
	for (unsigned i = 0; i < m->n_threads; i++)
		drain(m->threads[i]);
	while ((le = m->legs.head)) {
		say_goodbye(le->data);    /* the threads have ended: what was theirs is ours */
		leg_orphan(le->data);
	}
	while ((le = m->buses.head)) {
		struct bus_rt *b = le->data;

		if (b->ctl)
			b->ctl->m = NULL;
		bus_ended(b);
	}
	for (unsigned i = 0; i < m->n_threads; i++)
		mem_deref(m->threads[i]);
	if (m->event_fd >= 0)
		close(m->event_fd);
}

/* What was used once stays in memory. Pages nobody has touched yet are not fetched beforehand: tables of gestures are made for
 * thousands of keys, of which most players use ten; with them each such call took 8 MB instead of less than one.
 * Locking what is yet to be mapped is a trap under a limit: the first allocation over it fails. So only without one. */
static void lock_memory(void)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct cap[2] = {{0}};
	struct rlimit lim;

	syscall(SYS_capget, &hdr, cap);
	if (!(cap[0].effective & (1u << CAP_IPC_LOCK)) &&
	    (getrlimit(RLIMIT_MEMLOCK, &lim) || lim.rlim_cur != RLIM_INFINITY))
		return;
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return;
}

static int threads_start(struct mixer *m)
{
	int err = 0;

	for (unsigned i = 0; i < m->n_threads; i++) {
		m->threads[i]->crew = m->threads;
		m->threads[i]->n_crew = m->n_threads;
	}
	m->realtime = m->conf.realtime && m->conf.n_threads;
	for (unsigned i = 0; i < m->conf.n_threads && !err; i++) {
		err = thread_start(m->threads[i], m->conf.realtime);
		m->realtime = m->realtime && m->threads[i]->realtime;
	}
	return err;
}

int mixer_alloc(struct mixer **mp, const struct mixer_conf *conf)
{
	unsigned n = conf->n_threads ? conf->n_threads : conf->n_turned ? conf->n_turned : 1;
	struct mixer *m;
	int err = 0;

	if (n > THREADS_MAX || conf->port_max < conf->port_min)
		return EINVAL;
	m = mem_zalloc(sizeof(*m), mixer_destructor);
	if (!m)
		return ENOMEM;
	m->conf = *conf;
	m->views.max = VIEW_CELLS_MAX;
	m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->event_fd < 0)
		err = errno;
	for (unsigned i = 0; i < n && !err; i++) {
		err = thread_alloc(&m->threads[i], m->event_fd);
		if (!err)
			m->n_threads++;
	}
	if (!err && conf->realtime)
		lock_memory();
	if (!err)
		err = threads_start(m);
	if (err)
		mem_deref(m);
	else
		*mp = m;
	return err;
}

int mixer_event_fd(const struct mixer *m) { return m->event_fd; }

uint64_t mixer_smp(const struct mixer *m)
{
	return mixer_us_smp(m->conf.n_threads ? thread_clock_us() : count_get(&m->turned_us));
}

bool mixer_realtime(const struct mixer *m) { return m->realtime; }

void mixer_turn(struct mixer *m, uint64_t now_us)
{
	count_set(&m->turned_us, now_us);
	for (unsigned i = 0; !m->conf.n_threads && i < m->n_threads; i++)
		thread_turn_rt(m->threads[i], now_us, false);
}

void mixer_stats(const struct mixer *m, struct mixer_stats *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < m->n_threads; i++) {
		const struct thread_count *n = &m->threads[i]->n;

		s->ticks += count_get(&n->ticks);
		s->late_ticks += count_get(&n->late);
		s->dropped_ticks += count_get(&n->dropped);
		s->rx_packets += count_get(&n->rx);
		s->tx_packets += count_get(&n->tx);
		s->rx_bad += count_get(&n->bad);
		s->rx_stranger += count_get(&n->stranger);
		s->ring_full += count_get(&n->ring_full);
		s->encodes += count_get(&n->encodes);
		s->decodes += count_get(&n->decodes);
		s->busy_us += count_get(&n->busy_us);
		s->lent_packets += count_get(&n->lent);
		s->rx_dtls += count_get(&n->dtls);
		s->dtls_dropped += count_get(&n->dtls_dropped);
	}
	s->moves = m->moves;
	s->legs = m->n_legs;
	s->buses = m->n_buses;
	s->views = m->views.n;
	s->views_refused = m->views.refused;
}

double mixer_load(const struct mixer *m)
{
	uint32_t max = 0;

	for (unsigned i = 0; i < m->n_threads; i++) {
		uint32_t load = atomic_load_explicit(&m->threads[i]->share, memory_order_relaxed);

		max = load > max ? load : max;
	}
	return max / 1e6;
}

/* --- control half of a bus --- */

static void bus_destructor(void *arg)
{
	struct bus *b = arg;
	struct cmd c = {.type = CMD_BUS_END, .bus = b->rt};
	struct le *le;

	list_flush(&b->next_say);
	if (!b->m || !b->rt)
		return;
	for (le = b->m->legs.head; le; le = le->next) {
		struct leg_rt *rt = le->data;

		if (rt->ctl)
			leg_forget_bus(rt->ctl, b);
	}
	b->m->n_buses--;
	b->rt->ctl = NULL;
	if (!bus_moving(b))
		thread_post(b->t, &c, &b->rt->spare);
}

static bool quantum_ok(uint32_t q) { return !q || q == 64 || q == 120 || q == 240 || q == 480 || q == 960; }

int bus_alloc(struct bus **bp, struct mixer *m, const struct bus_conf *conf)
{
	struct cmd c = {.type = CMD_BUS_ADD};
	struct thread *t = mixer_idlest(m);
	struct bus *b;
	int err;

	if (!quantum_ok(conf->quantum_smp))
		return EINVAL;
	b = mem_zalloc(sizeof(*b), bus_destructor);
	if (!b)
		return ENOMEM;
	err = bus_rt_alloc(&c.bus, t, conf);
	if (!err)
		err = thread_post(t, &c, NULL);
	if (err) {
		mem_deref(c.bus);
		mem_deref(b);
		return err;
	}
	b->m = m;
	b->t = t;
	b->rt = c.bus;
	b->rt->ctl = b;
	t->load++;
	b->music = conf->music;
	list_append(&m->buses, &b->rt->all, b->rt);
	m->n_buses++;
	*bp = b;
	return 0;
}
