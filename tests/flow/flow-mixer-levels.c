/*
 * flow-mixer-levels.c - who is in the mix, and who has the floor: what listeners read in headers, and control hears.
 *
 *     a ))) b )))  > bus >  c: CSRC a b, levels -9 -15        a: CSRC b        d, who did not ask: 12 bytes of header
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum { ID = 5 };

static struct bus *make_bus(struct stage *s, uint32_t quantum)
{
	struct bus_conf conf = {.quantum_smp = quantum};
	struct bus *b = NULL;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	return b;
}

static struct member *join(struct stage *s, struct bus *b, const struct peer_conf *conf, bool asks)
{
	struct member *mb = stage_member(s, conf);

	mb->peer->levels_id = mb->desc.levels_tx_ext = asks ? ID : 0;
	member_set(mb);
	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	return mb;
}

static struct member *l16(struct stage *s, struct bus *b, uint32_t ptime_us, double hz, double peak, bool asks)
{
	const struct peer_conf c = {"L16", 48000, 98, 1, ptime_us, hz, peak, 0, NULL};

	return join(s, b, &c, asks);
}

static void end(struct stage *s, struct bus *b)
{
	while (s->n)
		stage_remove(s, s->member[0]);
	mem_deref(b);
	stage_free(s);
}

/* What the last packet that mb got says of `of`, in -dBov; -1: it is not in the list. */
static int level_of(const struct member *mb, const struct member *of)
{
	const struct rtp_pkt *p = &mb->peer->in;
	size_t len = 0;
	const uint8_t *level = rtp_ext_find(p, ID, &len);

	g_assert_cmpuint(len, ==, p->n_csrc);
	for (unsigned i = 0; i < p->n_csrc; i++)
		if (p->csrc[i] == of->peer->ssrc)
			return level[i];
	return -1;
}

static void says(const struct member *mb, const struct member *of)
{
	double want = -20 * log10(of->peer->conf.peak) + 3.01;
	int got = level_of(mb, of);

	g_test_message("%.0f Hz: said %d, is %.1f", of->peer->conf.hz, got, want);
	g_assert_cmpfloat(fabs(got - want), <, 1);
}

static void is_plain(const struct member *mb)
{
	g_assert_cmpuint(mb->peer->n_packets, >, 0);
	g_assert_cmpuint(mb->peer->in.n_csrc, ==, 0);
	g_assert_null(mb->peer->in.ext);
}

/* --- lists --- */

static const struct { const char *name; uint32_t quantum, ptime_us; } row[] = {
	{"20 ms", 960, 20000}, {"10 ms in ticks of 10", 480, 10000}, {"5 ms in ticks of 10", 480, 5000},
	{"10 ms in ticks of 2.5", 120, 10000}, {"2.5 ms", 120, 2500},
};

static void test_list(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		struct stage *s = stage_new(1000);
		struct bus *b = make_bus(s, row[i].quantum);
		struct member *a = l16(s, b, MIN(row[i].ptime_us, 10000), 441.7, 0.5, true);
		struct member *c = l16(s, b, MIN(row[i].ptime_us, 10000), 703.3, 0.25, true);
		const struct peer_conf ear_conf = {"PCMU", 8000, 0, 1, row[i].ptime_us, 0, 0, 0, NULL};
		struct member *ear = join(s, b, &ear_conf, true), *deafened, *other = join(s, b, &ear_conf, false);

		g_test_message("%s", row[i].name);
		deafened = join(s, b, &ear_conf, true);
		leg_set_deaf(deafened->leg, true);
		stage_run(s, 1500);
		g_assert_cmpuint(ear->peer->in.n_csrc, ==, 2);
		says(ear, a);
		says(ear, c);
		g_assert_cmpuint(a->peer->in.n_csrc, ==, 1);      /* never its own */
		says(a, c);
		g_assert_cmpuint(c->peer->in.n_csrc, ==, 1);
		says(c, a);
		is_plain(other);
		is_plain(deafened);
		end(s, b);
	}
}

/* Muted, silent, gone: not in the mix, not in the list. With nobody left the header is plain. */
static void test_changes(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0), *elsewhere = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *c = l16(s, b, 10000, 703.3, 0.25, false);
	struct member *ear = l16(s, b, 10000, 0, 0, true);

	stage_run(s, 1000);
	g_assert_cmpuint(ear->peer->in.n_csrc, ==, 2);
	leg_set_mute(a->leg, true);
	stage_run(s, 200);
	g_assert_cmpint(level_of(ear, a), ==, -1);
	says(ear, c);
	c->peer->conf.peak = 0;
	stage_run(s, 500);
	is_plain(ear);
	leg_set_mute(a->leg, false);
	stage_run(s, 200);
	g_assert_cmpuint(ear->peer->in.n_csrc, ==, 1);
	says(ear, a);
	leg_set_gain(a->leg, 0.25);               /* the level is of what it sends */
	stage_run(s, 200);
	says(ear, a);
	g_assert_cmpint(leg_set_bus(a->leg, elsewhere), ==, 0);
	stage_run(s, 200);
	is_plain(ear);
	mem_deref(elsewhere);
	end(s, b);
}

/* In a mix of its own: whom it has silenced is not in it, and one it hears softer says what it sends. */
static void test_own_mix(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *c = l16(s, b, 10000, 703.3, 0.25, false);
	struct member *ear = l16(s, b, 10000, 0, 0, true), *twin = l16(s, b, 10000, 0, 0, true);

	g_assert_cmpint(leg_set_view(ear->leg, a->leg, 0, LEG_PAN_SAME), ==, 0);
	g_assert_cmpint(leg_set_view(ear->leg, c->leg, 0.5f, LEG_PAN_SAME), ==, 0);
	stage_run(s, 1000);
	g_assert_cmpuint(ear->peer->in.n_csrc, ==, 1);
	says(ear, c);
	g_assert_cmpuint(twin->peer->in.n_csrc, ==, 2);
	g_assert_cmpint(leg_set_view(ear->leg, a->leg, 1, LEG_PAN_SAME), ==, 0);
	stage_run(s, 500);
	says(ear, a);
	end(s, b);
}

/* Keys are sent in the leg's own name. */
static void test_keys(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *ear = l16(s, b, 10000, 0, 0, true);

	stage_run(s, 1000);
	says(ear, a);
	ear->peer->conf.pt = ear->peer->key_pt;   /* looks at the packets of keys now */
	ear->peer->key_pt = 127;
	g_assert_cmpint(leg_send_dtmf(ear->leg, "5"), ==, 0);
	stage_run(s, 300);
	g_assert_cmpuint(ear->peer->in.pt, ==, 101);
	is_plain(ear);
	end(s, b);
}

/* Of 20 the 15 loudest; one of these sees 15 others. All hear one stream, but for those in the sum. */
static void test_many(void)
{
	enum { TALKERS = 20 };
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0);
	struct member *mb[TALKERS], *ear, *twin;

	for (unsigned i = 0; i < TALKERS; i++)
		mb[i] = l16(s, b, 10000, 300 + 31.7 * i, 0.2 * pow(10, -1.5 * i / 20), i == 3 || i == 17);
	ear = l16(s, b, 10000, 0, 0, true);
	twin = l16(s, b, 10000, 0, 0, false);
	stage_run(s, 3000);
	g_assert_nonnull(ear->leg->rt->share.leader);     /* one payload, two headers */
	g_assert_true(ear->leg->rt->share.leader == twin->leg->rt->share.leader);
	g_assert_cmpuint(ear->peer->in.n_csrc, ==, 15);
	is_plain(twin);
	for (unsigned i = 0; i < TALKERS; i++) {
		if (i < 15)
			says(ear, mb[i]);
		else
			g_assert_cmpint(level_of(ear, mb[i]), ==, -1);
	}
	g_assert_cmpuint(mb[3]->peer->in.n_csrc, ==, 15);
	g_assert_cmpint(level_of(mb[3], mb[3]), ==, -1);
	says(mb[3], mb[15]);
	g_assert_cmpuint(mb[17]->peer->in.n_csrc, ==, 15);
	g_assert_cmpint(level_of(mb[17], mb[15]), ==, -1);
	end(s, b);
}

/* CSRCs and extension are in the part that is authenticated and not encrypted. */
static void test_srtp(void)
{
	static const enum leg_srtp suite[] = {LEG_SRTP_AES128_SHA1_80, LEG_SRTP_AES128_SHA1_32, LEG_SRTP_AEAD_AES128_GCM};

	for (unsigned i = 0; i < G_N_ELEMENTS(suite); i++) {
		struct leg_key tx = {suite[i], {1, 2, 3}, suite[i] == LEG_SRTP_AEAD_AES128_GCM ? 28 : 30}, rx = tx;
		struct stage *s = stage_new(1000);
		struct bus *b = make_bus(s, 0);
		struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *ear;

		rx.key[0] = 9;
		ear = l16(s, b, 10000, 0, 0, true);
		ear->desc.srtp_tx = tx;
		ear->desc.srtp_rx = rx;
		peer_secure(ear->peer, &rx, &tx);
		member_set(ear);
		stage_run(s, 1000);
		says(ear, a);
		g_assert_cmpuint(ear->peer->n_bad, ==, 0);
		g_assert_cmpfloat(fabs(member_hears_db(ear, 441.7, 0.5, 500)), <, 0.5);
		end(s, b);
	}
}

/* Asked for, given up and asked for again in the middle of a call, without a gap in the numbers. */
static void test_renegotiated(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *ear = l16(s, b, 10000, 0, 0, true);

	stage_run(s, 500);
	says(ear, a);
	ear->desc.levels_tx_ext = 0;
	member_set(ear);
	stage_run(s, 100);
	is_plain(ear);
	ear->desc.levels_tx_ext = 14;
	member_set(ear);
	stage_run(s, 100);
	g_assert_cmpuint(ear->peer->in.n_csrc, ==, 1);
	g_assert_nonnull(rtp_ext_find(&ear->peer->in, 14, NULL));
	g_assert_cmpuint(ear->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(ear->peer->n_ts_gaps, ==, 0);
	end(s, b);
}

/* Who sends under the SSRC that we use towards the listener, or under the listener's own, is no loop to it. */
static void test_collision(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 441.7, 0.5, false), *c = l16(s, b, 10000, 703.3, 0.25, false);
	struct member *ear = l16(s, b, 10000, 0, 0, true);

	a->peer->ssrc = leg_ssrc(ear->leg);
	c->peer->ssrc = ear->peer->ssrc;
	stage_run(s, 500);
	is_plain(ear);
	end(s, b);
}

/* --- the floor --- */

enum { LONG = 48000 * 4 };

static float word[LONG];

/* mb speaks for so long, and is silent then. */
static void speaks(struct stage *s, struct member *mb, uint32_t ms)
{
	uint32_t seed = (uint32_t)s->now_us;

	signal_speech(word, LONG, 48000, &seed, 0.3);
	mb->peer->play = word;
	mb->peer->n_play = LONG;
	mb->peer->n_smp = 0;
	stage_run(s, ms);
	mb->peer->play = NULL;
}

static void coughs(struct stage *s, struct member *mb)
{
	uint32_t seed = 9;

	signal_noise(word, LONG, &seed, 0.3);
	mb->peer->play = word;
	mb->peer->n_play = LONG;
	stage_run(s, 250);
	mb->peer->play = NULL;
	stage_run(s, 1000);
}

static void test_turns(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0), *elsewhere = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 0, 0, false), *c = l16(s, b, 10000, 0, 0, false);
	struct member *d = l16(s, b, 10000, 0, 0, false);

	stage_run(s, 500);
	g_assert_cmpuint(a->n_floor + c->n_floor + d->n_floor, ==, 0);
	speaks(s, a, 3000);
	g_assert_true(a->floor && a->n_floor == 1);
	stage_run(s, 1000);
	g_assert_cmpuint(a->n_floor, ==, 1);      /* silent, it keeps the floor */
	speaks(s, c, 3000);
	g_assert_true(c->floor && c->n_floor == 1);
	coughs(s, d);
	g_assert_cmpuint(d->n_floor, ==, 0);
	leg_set_mute(c->leg, true);
	stage_run(s, 100);
	g_assert_true(!c->floor && c->n_floor == 2);
	speaks(s, c, 3000);
	g_assert_cmpuint(c->n_floor, ==, 2);      /* muted, it never gets it */
	speaks(s, a, 3000);
	g_assert_true(a->floor && a->n_floor == 2);
	/* Who goes leaves it behind. */
	g_assert_cmpint(leg_set_bus(a->leg, elsewhere), ==, 0);
	stage_run(s, 1500);
	g_assert_null(d->leg->rt->bus->floor.holder);
	speaks(s, d, 3000);
	g_assert_true(d->floor && d->n_floor == 1);
	g_assert_cmpuint(a->n_floor + c->n_floor, ==, 4);
	mem_deref(elsewhere);
	end(s, b);
}

/* The news waits in the ring while the member goes to another room: there it means nothing. */
static void test_late_news(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0), *elsewhere = make_bus(s, 0);
	struct member *a = l16(s, b, 10000, 0, 0, false);

	speaks(s, a, 100);
	a->peer->play = word;
	while (!a->leg->rt->bus->floor.holder) {
		s->now_us += s->step_us;
		peer_send(a->peer, s->now_us);
		mixer_turn(s->m, s->now_us);
	}
	g_assert_cmpint(leg_set_bus(a->leg, elsewhere), ==, 0);
	mixer_dispatch(s->m);
	g_assert_cmpuint(a->n_floor, ==, 0);
	stage_run(s, 3000);
	g_assert_cmpuint(a->n_floor, ==, 1);      /* there it gets one of its own */
	mem_deref(elsewhere);
	end(s, b);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/levels/list", test_list);
	g_test_add_func("/levels/changes", test_changes);
	g_test_add_func("/levels/own-mix", test_own_mix);
	g_test_add_func("/levels/keys", test_keys);
	g_test_add_func("/levels/many", test_many);
	g_test_add_func("/levels/srtp", test_srtp);
	g_test_add_func("/levels/renegotiated", test_renegotiated);
	g_test_add_func("/levels/collision", test_collision);
	g_test_add_func("/levels/turns", test_turns);
	g_test_add_func("/levels/late-news", test_late_news);
	return g_test_run();
}
