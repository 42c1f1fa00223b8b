/*
 * gig.c - whose turn it is: the card or tick that is due first; before it, the packets that are.
 */
#include <sys/socket.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "gig.h"
#include "rtguard.h"

enum { START_US = 1000000000, TICK = 8 /* samples: divides every quantum */, PACKET_MAX = 1700, BUFFER_FIT_MS = 5, PT = 97, PT_RED = 98 };

/* --- the network --- */

struct packet { double due_us; uint64_t no; size_t len; uint8_t buf[PACKET_MAX]; };

struct way {                      /* one direction of a wire */
	struct gig_net net;
	GArray *packets;          /* struct packet, by when they are due */
	int in, out;              /* taken from here, given there */
	struct sa to;
	bool to_server;
};

struct gig_wire { struct way up, down; int near, far; uint64_t no; };

uint32_t gig_dice(struct gig *g, uint32_t n)
{
	g->seed = g->seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(g->seed >> 8) * n >> 24);
}

static int socket_bound(struct sa *local)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(sa_set_str(local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(bind(fd, &local->u.sa, local->len), ==, 0);
	g_assert_cmpint(getsockname(fd, &local->u.sa, &local->len), ==, 0);
	return fd;
}

static void way_init(struct way *w, const struct gig_net *net, int in, int out, const struct sa *to, bool to_server)
{
	*w = (struct way){.net = *net, .in = in, .out = out, .to = *to, .to_server = to_server};
	w->packets = g_array_new(false, false, sizeof(struct packet));
}

static struct packet *packet_at(const struct way *w, unsigned i)
{
	return &g_array_index(w->packets, struct packet, i);
}

static void way_hold(struct gig *g, struct way *w, struct packet *p)
{
	unsigned i = w->packets->len;

	if (gig_dice(g, 1000000) < (uint32_t)(w->net.loss_pct * 10000))
		return;
	p->due_us = g->now_us + w->net.delay_us + (w->net.jitter_us ? gig_dice(g, w->net.jitter_us + 1) : 0);
	while (i && packet_at(w, i - 1)->due_us > p->due_us)
		i--;
	g_array_insert_val(w->packets, i, *p);
}

/* What an engine has just sent. */
static void way_take(struct gig *g, struct way *w)
{
	struct packet p;
	ssize_t n;

	while ((n = recv(w->in, p.buf, sizeof(p.buf), 0)) > 0) {
		p.len = (size_t)n;
		way_hold(g, w, &p);
	}
}

static double way_due(const struct way *w) { return w->packets->len ? packet_at(w, 0)->due_us : INFINITY; }

static void way_give(struct way *w)
{
	const struct packet *p = packet_at(w, 0);

	g_assert_cmpint(sendto(w->out, p->buf, p->len, 0, &w->to.u.sa, w->to.len), ==, (ssize_t)p->len);
	g_array_remove_index(w->packets, 0);
}

static struct gig_wire *wire_of(const struct gig *g, unsigned i)
{
	g_assert_nonnull(g->player[i]);
	return g->player[i]->wire;
}

/* All that is due by then; `exact`: the server looks each time. */
static void net_give(struct gig *g, double until_us)
{
	for (unsigned i = 0; i < g->n; i++) {
		struct gig_wire *w = wire_of(g, i);

		while (way_due(&w->down) <= until_us)
			way_give(&w->down);
		while (!g->exact && way_due(&w->up) <= until_us)
			way_give(&w->up);
	}
}

static struct way *next_up(struct gig *g)
{
	struct way *first = NULL;

	for (unsigned i = 0; i < g->n; i++) {
		struct way *w = &wire_of(g, i)->up;

		if (w->packets->len && (!first || way_due(w) < way_due(first)))
			first = w;
	}
	return first;
}

/* --- turns --- */

static void server_turn(struct gig *g, double at_us)
{
	g->now_us = at_us;
	rtguard_begin();
	mixer_turn(g->m, (uint64_t)ceil(at_us));
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mixer_dispatch(g->m);
	for (unsigned i = 0; i < g->n; i++)
		way_take(g, &wire_of(g, i)->down);
}

static void server_arrivals(struct gig *g, double until_us)
{
	for (struct way *w = next_up(g); w && way_due(w) <= until_us; w = next_up(g)) {
		double at = fmax(g->now_us, way_due(w));

		way_give(w);
		server_turn(g, at);
	}
}

static void player_turn(struct gig *g, struct gig_player *p)
{
	float in[CARD_PERIOD_MAX * CARD_CH], out[CARD_PERIOD_MAX * CARD_CH];
	uint32_t n = p->conf.period_smp;

	g->now_us = p->next_us;
	memset(in, 0, n * CARD_CH * sizeof(*in));
	if (p->conf.take)
		p->conf.take(p, in, n, p->smp, p->conf.arg);
	rtguard_begin();
	card_turn_rt(p->card, in, out, n, (uint64_t)p->next_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mixer_dispatch(p->m);
	if (p->conf.play)
		p->conf.play(p, out, n, p->smp, p->conf.arg);
	way_take(g, &p->wire->up);
	p->smp += n;
	p->next_us += n / 0.048 / (1 + p->conf.ppm * 1e-6);
}

static struct gig_player *next_player(struct gig *g)
{
	struct gig_player *first = NULL;

	for (unsigned i = 0; i < g->n; i++)
		if (!first || g->player[i]->next_us < first->next_us)
			first = g->player[i];
	return first;
}

void gig_run(struct gig *g, uint32_t ms)
{
	double end = g->now_us + ms * 1000.0;

	for (;;) {
		struct gig_player *p = next_player(g);
		double tick = (double)mixer_smp_us(g->tick * TICK), at = p ? fmin(p->next_us, tick) : tick;

		if (at >= end)
			break;
		if (g->exact)
			server_arrivals(g, at);
		net_give(g, at);
		if (p && p->next_us < tick) {
			player_turn(g, p);
		} else {
			server_turn(g, tick);
			g->tick++;
		}
	}
	g->now_us = end;
}

/* --- players --- */

static void desc_make(struct leg_desc *d, const struct gig_player_conf *c, const struct sa *to)
{
	struct codec_param pa = {.channels = c->channels, .ptime_us = c->ptime_us, .complexity = 5,
				 .lowdelay = true, .bitrate = 96000};

	leg_desc_clear(d);
	d->rtp = *to;
	d->rtcp_mux = d->xr_rtt = true;
	d->dir = LEG_DIR_BOTH;
	d->tx = (struct leg_codec){.codec = codec_find(c->codec, 48000), .pt = PT, .param = pa};
	g_assert_nonnull(d->tx.codec);
	d->rx[d->n_rx++] = d->tx;
	if (!c->red)
		return;
	d->red_rx[d->n_red_rx++] = (struct leg_red_rx){.clock = 48000, .pt = PT_RED};
	d->red_tx_pt = PT_RED;
	d->red_tx_gen = c->red;
}

static struct leg *leg_new(struct mixer *m, struct bus *b, const struct gig_player_conf *c, const struct sa *to)
{
	struct leg_conf lc = {.cname = "gig@test", .jitter_max_ms = 200, .jitter_music_fit = true,
			      .jitter_music_ms = BUFFER_FIT_MS};
	struct leg_desc d;
	struct leg *l = NULL;

	desc_make(&d, c, to);
	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(leg_alloc(&l, m, &lc), ==, 0);
	g_assert_cmpint(leg_set_desc(l, &d), ==, 0);
	g_assert_cmpint(leg_set_buffer(l, c->buffer == GIG_BUFFER_FIT ? LEG_BUFFER_AUTO : c->buffer), ==, 0);
	g_assert_cmpint(leg_set_bus(l, b), ==, 0);
	return l;
}

static void wire_lay(struct gig *g, struct gig_player *p)
{
	struct gig_wire *w = g_new0(struct gig_wire, 1);
	struct sa near, far;

	w->near = socket_bound(&near);
	w->far = socket_bound(&far);
	p->leg = leg_new(p->m, p->bus, &p->conf, &near);
	p->far = leg_new(g->m, g->room, &p->conf, &far);
	way_init(&w->up, &p->conf.up, w->near, w->far, leg_local(p->far), true);
	way_init(&w->down, &p->conf.down, w->far, w->near, leg_local(p->leg), false);
	p->wire = w;
}

struct gig_player *gig_join(struct gig *g, const struct gig_player_conf *conf)
{
	struct gig_player *p = g_new0(struct gig_player, 1);
	struct mixer_conf mc = {.port_min = 30000, .port_max = 39999};
	struct bus_conf bc = {.music = true};
	struct card_conf cc = {.period_smp = conf->period_smp, .simulated = true};

	g_assert_cmpuint(g->n, <, GIG_MAX);
	p->conf = *conf;
	g_assert_cmpint(mixer_alloc(&p->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&p->bus, p->m, &bc), ==, 0);
	g_assert_cmpint(card_alloc(&p->card, p->bus, &cc), ==, 0);
	p->next_us = g->now_us + gig_dice(g, (uint32_t)(conf->period_smp / 0.048));
	wire_lay(g, p);
	g->player[g->n++] = p;
	return p;
}

static void wire_take_down(struct gig_wire *w)
{
	g_array_free(w->up.packets, true);
	g_array_free(w->down.packets, true);
	close(w->near);
	close(w->far);
	g_free(w);
}

void gig_leave(struct gig *g, struct gig_player *p)
{
	unsigned i = 0;

	while (g->player[i] != p)
		i++;
	memmove(g->player + i, g->player + i + 1, (--g->n - i) * sizeof(*g->player));
	mem_deref(p->far);
	mem_deref(p->leg);
	mem_deref(p->card);
	mem_deref(p->bus);
	mem_deref(p->m);
	wire_take_down(p->wire);
	g_free(p);
}

struct gig *gig_new(uint32_t seed)
{
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};
	struct bus_conf bc = {.music = true};
	struct gig *g = g_new0(struct gig, 1);

	g->seed = seed;
	g->now_us = START_US;
	g->tick = mixer_us_smp(START_US) / TICK + 1;
	g_assert_cmpint(mixer_alloc(&g->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&g->room, g->m, &bc), ==, 0);
	return g;
}

void gig_free(struct gig *g)
{
	while (g->n)
		gig_leave(g, g->player[0]);
	mem_deref(g->room);
	mem_deref(g->m);
	g_free(g);
}
