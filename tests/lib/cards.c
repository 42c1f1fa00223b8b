/*
 * cards.c - players with sound cards on a simulated clock.
 */
#include <sys/socket.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "cards.h"
#include "mixer/engine.h"
#include "rtguard.h"
#include "signal.h"

enum { START_US = 1000000000, IDLE_US = 1000, BLUR = 8 };

static double dice(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) / 16777216.0;
}

double end_rate(const struct end *e) { return 48e-3 * (1 + e->conf.ppm * 1e-6); }

/* --- lines --- */

static int line_socket(struct sa *addr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(sa_set_str(addr, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(bind(fd, &addr->u.sa, addr->len), ==, 0);
	g_assert_cmpint(getsockname(fd, &addr->u.sa, &addr->len), ==, 0);
	return fd;
}

static struct line *line_new(struct cards *s, const struct line_conf *conf)
{
	struct line *l = g_new0(struct line, 1);

	l->conf = *conf;
	l->seed = s->seed += 77;
	for (unsigned i = 0; i < 2; i++)
		l->fd[i] = line_socket(&l->addr[i]);
	g_assert_cmpuint(s->n_lines, <, CARDS_MAX);
	s->line[s->n_lines++] = l;
	return l;
}

static void line_hold(struct line *l, unsigned to, const uint8_t *buf, size_t len, double now_us)
{
	l->n_sent++;
	if (dice(&l->seed) * 100 < l->conf.loss_pct) {
		l->n_lost++;
		return;
	}
	g_assert_cmpuint(l->n_late, <, LINE_PACKETS);
	l->late[l->n_late].due_us = now_us + l->conf.delay_us + dice(&l->seed) * l->conf.jitter_us;
	l->late[l->n_late].to = to;
	l->late[l->n_late].len = len;
	memcpy(l->late[l->n_late++].buf, buf, len);
}

static void line_take(struct line *l, double now_us)
{
	uint8_t buf[2048];
	ssize_t n;

	for (unsigned i = 0; i < 2; i++)
		while ((n = recv(l->fd[i], buf, sizeof(buf), 0)) > 0)
			line_hold(l, !i, buf, (size_t)n, now_us);
}

/* What is due, the first that was sent first. came: for which of the two sides. */
static void line_give(struct line *l, double now_us, bool came[2])
{
	unsigned kept = 0;

	for (unsigned i = 0; i < l->n_late; i++) {
		unsigned to = l->late[i].to;

		if (l->late[i].due_us > now_us) {
			if (kept != i)
				l->late[kept] = l->late[i];
			kept++;
			continue;
		}
		if (sa_isset(&l->to[to], SA_ALL) &&
		    sendto(l->fd[to], l->late[i].buf, l->late[i].len, 0, &l->to[to].u.sa, l->to[to].len) >= 0)
			came[to] = true;
	}
	l->n_late = kept;
}

static double line_due_us(const struct line *l)
{
	double due = INFINITY;

	for (unsigned i = 0; i < l->n_late; i++)
		due = MIN(due, l->late[i].due_us);
	return due;
}

/* --- making it --- */

/* Noise, as a telephone can carry it: each sample is a mean of some. */
static void burst_make(struct cards *s)
{
	float white[CARDS_BURST + 2 * BLUR];
	double sum = 0;

	signal_noise(white, G_N_ELEMENTS(white), &s->seed, 0.2);
	for (unsigned i = 0; i < CARDS_BURST; i++) {
		for (unsigned k = 0; k < 2 * BLUR; k++)
			s->burst[i] += white[i + k] * (float)(k < BLUR ? k + 1 : 2 * BLUR - k);
		sum += (double)s->burst[i] * s->burst[i];
	}
	for (unsigned i = 0; i < CARDS_BURST; i++)
		s->burst[i] *= (float)(0.2 / sqrt(sum / CARDS_BURST));
}

struct cards *cards_new(bool server, uint32_t seed)
{
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};
	struct bus_conf bc = {.music = true};
	struct cards *s = g_new0(struct cards, 1);

	s->seed = seed;
	s->now_us = START_US;
	burst_make(s);
	if (!server)
		return s;
	g_assert_cmpint(mixer_alloc(&s->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&s->b, s->m, &bc), ==, 0);
	return s;
}

static void leg_free(struct mixer *m, struct leg **l)
{
	*l = mem_deref(*l);
	if (m)
		mixer_dispatch(m);
}

void cards_free(struct cards *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct end *e = s->end[i];

		leg_free(s->m, &e->far);
		leg_free(e->m, &e->leg);
		mem_deref(e->c);
		mem_deref(e->b);
		mem_deref(e->m);
		g_free(e);
	}
	for (unsigned i = 0; i < s->n_lines; i++) {
		close(s->line[i]->fd[0]);
		close(s->line[i]->fd[1]);
		g_free(s->line[i]);
	}
	mem_deref(s->b);
	mem_deref(s->m);
	g_free(s);
}

static struct leg *leg_new(struct mixer *m, struct bus *b, const struct end_conf *conf, const struct sa *to,
			   const struct leg_key *tx, const struct leg_key *rx)
{
	struct leg_conf lc = {.cname = "tutti@test", .jitter_max_ms = 200, .jitter_music_ms = conf->jitter_ms,
			      .jitter_music_fit = conf->fit};
	struct peer *p = peer_new(&conf->codec);
	struct leg *l = NULL;
	struct leg_desc d;

	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(leg_alloc(&l, m, &lc), ==, 0);
	peer_desc(p, &d);
	peer_free(p);
	d.tx.param.lowdelay = d.rx[0].param.lowdelay = conf->codec.ptime_us < 10000;
	d.tx.param.bitrate = d.rx[0].param.bitrate = 128000;
	d.rtp = *to;
	sa_init(&d.rtcp, AF_UNSPEC);
	d.rtcp_mux = true;
	if (conf->sdes) {
		d.srtp_tx = *tx;
		d.srtp_rx = *rx;
	}
	g_assert_cmpint(leg_set_desc(l, &d), ==, 0);
	g_assert_cmpint(leg_set_bus(l, b), ==, 0);
	return l;
}

static void keys(struct leg_key k[2])
{
	for (unsigned i = 0; i < 2; i++) {
		k[i] = (struct leg_key){.suite = LEG_SRTP_AES128_SHA1_80, .len = 30};
		memset(k[i].key, 17 + (int)i, k[i].len);
	}
}

static struct end *end_new(struct cards *s, const struct end_conf *conf)
{
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};
	struct card_conf cc = {.period_smp = conf->period, .simulated = true};
	struct bus_conf bc = {.music = true};
	struct end *e = g_new0(struct end, 1);

	e->conf = *conf;
	g_assert_cmpint(mixer_alloc(&e->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&e->b, e->m, &bc), ==, 0);
	g_assert_cmpint(card_alloc(&e->c, e->b, &cc), ==, 0);
	e->first_us = e->next_us = s->now_us + conf->phase_us;
	g_assert_cmpuint(s->n, <, CARDS_MAX);
	s->end[s->n++] = e;
	return e;
}

/* A leg of e at one end of its line, and one of m at the other. */
static void connect_end(struct cards *s, struct end *e, struct mixer *m, struct bus *b, struct end *other)
{
	struct leg_key k[2];

	keys(k);
	e->line = line_new(s, &e->conf.line);
	e->line->end[0] = e;
	e->line->end[1] = other;
	e->leg = leg_new(e->m, e->b, &e->conf, &e->line->addr[0], &k[0], &k[1]);
	e->far = leg_new(m, b, &e->conf, &e->line->addr[1], &k[1], &k[0]);
	e->line->to[0] = *leg_local(e->leg);
	e->line->to[1] = *leg_local(e->far);
}

struct end *cards_end(struct cards *s, const struct end_conf *conf)
{
	struct end *e = end_new(s, conf);

	if (s->m)
		connect_end(s, e, s->m, s->b, NULL);
	return e;
}

void cards_call(struct cards *s, struct end *a, struct end *b)
{
	connect_end(s, a, b->m, b->b, b);
}

void end_xrun(struct end *e, uint32_t n_periods)
{
	const uint64_t n = (uint64_t)n_periods * e->conf.period;

	for (uint64_t i = 0; i < n; i++)
		e->heard[(e->n + i) % CARDS_KEPT] = 0;
	e->n += n;
	e->next_us += (double)n / end_rate(e);
}

/* --- time --- */

static float input(const struct cards *s, const struct end *e, uint64_t i)
{
	if (e->play)
		return e->play[i % e->n_play];
	return e->sounds && i % CARDS_LOOP < CARDS_BURST ? s->burst[i % CARDS_LOOP] : 0;
}

static void end_turn(struct cards *s, struct end *e)
{
	static float in[CARD_PERIOD_MAX * 2], out[CARD_PERIOD_MAX * 2];
	const uint32_t n = e->conf.period;

	for (uint32_t i = 0; i < n; i++)
		in[2 * i] = in[2 * i + 1] = input(s, e, e->n + i);
	rtguard_begin();
	card_turn_rt(e->c, in, out, n, (uint64_t)e->next_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mixer_dispatch(e->m);
	for (uint32_t i = 0; i < n; i++)
		e->heard[(e->n + i) % CARDS_KEPT] = out[2 * i];
	if (e->turnedh)
		e->turnedh(e, e->next_us, e->n, e->arg);
	e->n += n;
	e->next_us += n / end_rate(e);
}

static void server_turn(struct cards *s)
{
	s->turned_us = s->now_us;
	rtguard_begin();
	mixer_turn(s->m, (uint64_t)s->now_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mixer_dispatch(s->m);
}

static double server_due_us(const struct cards *s)
{
	if (!s->m)
		return INFINITY;
	return fmax(fmin((double)thread_due_us_rt(s->m->threads[0]), s->turned_us + IDLE_US), s->now_us);
}

/* The next moment at which something happens. */
static double next_us(const struct cards *s, double end_us)
{
	double next = fmin(end_us, server_due_us(s));

	for (unsigned i = 0; i < s->n; i++)
		next = fmin(next, s->end[i]->next_us);
	for (unsigned i = 0; i < s->n_lines; i++)
		next = fmin(next, line_due_us(s->line[i]));
	return next;
}

/* The kernel would say when a packet came. Here it is looked at when it does. */
static void end_listens(struct cards *s, const struct end *e)
{
	const uint64_t smp = mixer_smp(e->m), later_us = (uint64_t)s->now_us - card_smp_us(e->c, smp);

	if (e->n)
		thread_listen_rt(e->m->threads[0], mixer_smp_us(smp) + later_us);
}

static void arrivals(struct cards *s)
{
	bool server = server_due_us(s) <= s->now_us;

	for (unsigned i = 0; i < s->n_lines; i++) {
		bool came[2] = {false};

		line_give(s->line[i], s->now_us, came);
		if (came[0])
			end_listens(s, s->line[i]->end[0]);
		if (came[1] && s->line[i]->end[1])
			end_listens(s, s->line[i]->end[1]);
		server = server || came[1];
	}
	if (server && s->m)
		server_turn(s);
}

static void step(struct cards *s)
{
	arrivals(s);
	for (unsigned i = 0; i < s->n; i++)
		if (s->end[i]->next_us <= s->now_us)
			end_turn(s, s->end[i]);
	for (unsigned i = 0; i < s->n_lines; i++)
		line_take(s->line[i], s->now_us);
}

void cards_run(struct cards *s, double ms)
{
	const double end_us = s->now_us + ms * 1000;

	while (s->now_us < end_us) {
		step(s);
		s->now_us = fmax(next_us(s, end_us), s->now_us + 0.5);
	}
}

/* --- what was heard --- */

struct leg_stats end_stats(const struct leg *l)
{
	struct leg_stats st;

	leg_stats(l, &st);
	return st;
}

/* How well the burst is heard from its sample at on. */
static double likeness(const struct cards *s, const struct end *e, uint64_t at)
{
	double sum = 0;

	for (unsigned i = 0; i < CARDS_BURST; i++)
		sum += (double)s->burst[i] * e->heard[(at + i) % CARDS_KEPT];
	return sum;
}

/* Where, between two samples, it lies best of all behind `from`. */
static double place(const struct cards *s, const struct end *e, uint64_t from)
{
	uint64_t best = from + 1;
	double most = -1, a, b, c;

	for (uint64_t at = from + 1; at < from + CARDS_LOOP - CARDS_BURST; at++) {
		double like = likeness(s, e, at);

		if (like > most) {
			most = like;
			best = at;
		}
	}
	a = likeness(s, e, best - 1);
	b = likeness(s, e, best);
	c = likeness(s, e, best + 1);
	g_assert_cmpfloat(b, >, 0.25 * CARDS_BURST * 0.2 * 0.2);   /* it is there at all */
	return (double)best + (a - c) / (2 * (a - 2 * b + c));
}

double cards_delay_ms(const struct cards *s, const struct end *from, const struct end *to, uint32_t n_ms, double *spread)
{
	const double began_us = from->first_us - from->conf.period / end_rate(from);
	double sum = 0, least = INFINITY, most = -INFINITY;
	unsigned n = 0;
	uint64_t burst;

	for (burst = (from->n - n_ms * 48) / CARDS_LOOP + 1; (burst + 1) * CARDS_LOOP < from->n; burst++) {
		const double in_us = began_us + (double)(burst * CARDS_LOOP) / end_rate(from);
		const double at = (in_us - to->first_us) * end_rate(to);
		const double us = to->first_us + place(s, to, (uint64_t)at) / end_rate(to) - in_us;

		if (at + CARDS_LOOP > (double)to->n)
			break;
		sum += us;
		least = fmin(least, us);
		most = fmax(most, us);
		n++;
	}
	g_assert_cmpuint(n, >, 0);
	if (spread)
		*spread = (most - least) / 1000;
	return sum / n / 1000;
}
