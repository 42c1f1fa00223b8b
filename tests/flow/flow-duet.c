/*
 * flow-duet.c - anna plays a note and a sound at the same sample of her card, and moves a fader: how far apart are they with bob?
 *
 *     anna's card > engine ---- line ---- server's mix  ---- line ---- engine > bob's card > his out port
 *     her instrument, program > gestend ~~ relay ~~ link ~~ the server's relay ~~ link ~~ relay ~~ gestend > his instrument, program
 *
 * Cards run fast and slow by 200 ppm, and each machine's clock is somewhere else. Bob has --align, carl has not; both listen to the sound
 * of bob's card. What they know of their delays is what the real ends say and what the server makes of it (client/latency.h,
 * control/delay_watch.c), once a second, jumps sooner. Times are those of JACK: the frame of a cycle, for notes and sound.
 *
 * The last line of each test is a row of the table in docs/gestures-end.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "client/direct.h"
#include "client/latency.h"
#include "control/delay.h"
#include "mixer/card.h"
#include "tests/lib/bandmate.h"
#include "tests/lib/cards.h"

enum { MS = 1000, STEP_US = 250, SETTLE_MS = 35000, BURSTS = 60, BURST_MS = CARDS_LOOP / 48, NOTE_OFF = CARDS_LOOP / 2,
	FADER_MS = 20, NEWS_US = 250, JUMP_US = 1000, JUMP_MS = 200, LATE_US = 1000 };

/* p95_us: the most that 95 of 100 gestures that came in time may be away from their sound, notes and faders alike. Frames of 120 samples and
 * periods of 128: when the cards' drift brings it to where it slips, bob's buffer is a frame of 2.5 ms longer and shorter in turn for two seconds,
 * and so is the sound. late_pct: the most that may come later than their sound is due: lost, the duplicate too, and the next packet tells of
 * it; or, over ways that shake, without a server's mix and buffer, by which sound is later. */
struct net {
	const char *name;
	unsigned delay_ms, jitter_ms, loss;
	const char *codec;
	uint32_t ptime_us, period;
	bool direct;
	double p95_us, late_pct;
};

static const struct net nets[] = {
	{"one-room", 0, 0, 0, "L16", 1334, 64, false, 2000, 0},
	{"town", 5, 1, 0, "L16", 1334, 64, false, 2000, 0},
	{"town-opus", 5, 1, 1, "opus", 2500, 128, false, 2000, 5},
	{"country", 10, 2, 1, "L16", 1334, 64, false, 2000, 5},
	{"country-loss", 10, 2, 5, "L16", 1334, 64, false, 2000, 10},
	{"far", 20, 5, 2, "L16", 1334, 64, false, 2000, 25},
	{"farther", 40, 5, 5, "L16", 1334, 64, false, 2000, 15},
	{"direct-town", 5, 1, 1, "L16", 1334, 64, true, 2000, 5},
	{"direct-far", 40, 5, 5, "L16", 1334, 64, true, 2000, 25},
};

/* late: carried out after bob's own reckoning, for it came too late for that. us: of the others. */
struct apart { unsigned n, late; double us[BURSTS]; };

/* What one of them tells the other side of itself. */
struct told { struct latency said; struct delay_end end; bool has; };

static struct bandroom hall;
static struct cards *cards;
static struct end *a_card, *b_card;
static struct mate anna, bob, carl;
static struct told a_told, b_told;
static const struct net *net;
static double behind_us;                  /* the clock of gestures, behind that of the cards */
static uint64_t turned_us;
static uint32_t ours_us;                  /* of what bob has been told of his delay, his own part */
static uint32_t reckoned_us, most_us;     /* his delay, as he reckons it; the most since this burst began */

/* --- the two worlds, turned together --- */

static uint64_t mate_time(const struct mate *m, double card_us)
{
	return (uint64_t)(card_us - behind_us) + m->ahead_us;
}

static void anna_turned(struct end *e, double at_us, uint64_t smp, void *arg)
{
	(void)arg;
	for (uint64_t i = smp; i < smp + e->conf.period; i++) {
		const uint64_t at = mate_time(&anna, at_us) + (i - smp) * 1000000 / 48000;
		const uint8_t key = (uint8_t)(i / CARDS_LOOP % 100);

		if (!anna.g || (i % CARDS_LOOP && i % CARDS_LOOP != NOTE_OFF))
			continue;
		mate_plays_at(&anna, at, i % CARDS_LOOP ? 0x80 : 0x90, key, 100);
		if (i % CARDS_LOOP == 0)
			mate_sets(&anna, "/pad", (int)(i / CARDS_LOOP) + 1);
	}
}

static void bob_turned(struct end *e, double at_us, uint64_t smp, void *arg)
{
	(void)smp;
	(void)arg;
	if (bob.wire)
		mate_cycle(&bob, mate_time(&bob, at_us), e->conf.period);
	if (carl.wire)
		mate_cycle(&carl, mate_time(&carl, at_us), e->conf.period);
}

/* --- what they know of their delays --- */

static void says(struct told *t, const struct end *e, const struct mate *m)
{
	const struct leg_stats s = end_stats(e->leg);
	struct latency now;

	/* A port of JACK's has no latency of its own. */
	latency_of(&now, 0, 0, &s, sharedclock_rtt_us(gestend_clock(m->g)));
	if (!t->has || latency_differs(&now, &t->said))
		t->said = now;
	t->has = true;
	t->end = (struct delay_end){.told = true, .capture_us = t->said.capture_us, .playback_us = t->said.playback_us,
		.buffer_us = t->said.buffer_us, .rtt_us = t->said.rtt_us};
}

/* As control/delay_watch.c tells it, if a half of it is otherwise by more than that. */
static void through_server(uint32_t by_us)
{
	const struct leg_stats a = end_stats(a_card->far), b = end_stats(b_card->far);
	static uint32_t to, from;
	struct delay da, db;
	bool whole;
	uint32_t us;

	delay_of(&da, &a, &a_told.end, 0);
	delay_of(&db, &b, &b_told.end, 0);
	us = delay_between(&da, &db, &whole);
	if (!whole || (bob.delay_us && llabs((long long)delay_to_mix(&da) - to) <= by_us &&
		       llabs((long long)delay_from_mix(&db) - from) <= by_us))
		return;
	to = delay_to_mix(&da);
	from = delay_from_mix(&db);
	ours_us = db.us[DELAY_OWN_BUFFER] + db.us[DELAY_PLAYBACK];
	bob.delay_us = us;
}

/* In a call of two the one leg is anna's, and what stands for the far one is bob's. */
static void directly(void)
{
	static struct band band = {.n = 1};
	const struct leg_stats s = end_stats(a_card->far);
	struct direct_near near = {.heard = true, .frame = s.rx_frame_us};
	struct latency own;

	latency_of(&own, 0, 0, &s, sharedclock_rtt_us(gestend_clock(bob.g)));
	near.rtt = own.rtt_us;
	near.buffer = own.buffer_us;
	band.far = (struct band_far){.told = a_told.has, .capture = a_told.said.capture_us, .rtt = a_told.said.rtt_us};
	(void)direct_measure(&band, &near);
	ours_us = near.buffer;
	bob.delay_us = band.member[0].to_me.total;
}

/* As client/seat_gest.c has it. */
static uint32_t bobs_delay(const char *name, void *arg)
{
	const struct leg_stats s = end_stats(net->direct ? a_card->far : b_card->leg);
	struct latency now;

	(void)name;
	(void)arg;
	latency_of(&now, 0, 0, &s, sharedclock_rtt_us(gestend_clock(bob.g)));
	reckoned_us = bob.delay_us ? latency_live(bob.delay_us, ours_us, &now) : 0;
	most_us = reckoned_us > most_us ? reckoned_us : most_us;
	return reckoned_us;
}

static void second(void)
{
	says(&a_told, a_card, &anna);
	if (net->direct) {
		directly();
		return;
	}
	says(&b_told, b_card, &bob);
	through_server(NEWS_US);
}

static void run(unsigned ms)
{
	for (unsigned i = 0; i < ms * MS / STEP_US; i++) {
		cards_run(cards, STEP_US / 1000.0);
		gestnet_step(hall.net, STEP_US);
		turned_us += STEP_US;
		if (anna.room && bob.room && turned_us % 1000000 == 0)
			second();
		else if (anna.room && bob.room && !net->direct && turned_us % (JUMP_MS * MS) == 0)
			through_server(JUMP_US);
		if (anna.room && turned_us % (FADER_MS * MS) == 0)
			mate_sets(&anna, "/fader/1", (int)(turned_us / MS));
	}
}

/* --- how far apart --- */

static double likeness(const float *heard, uint64_t at)
{
	double sum = 0;

	for (unsigned i = 0; i < CARDS_BURST; i++)
		sum += (double)cards->burst[i] * (double)heard[(at + i) % CARDS_KEPT];
	return sum;
}

/* When bob's port plays the burst; NAN: too much of it was lost. */
static double heard_us(double in_us)
{
	const uint64_t from = (uint64_t)((in_us - b_card->first_us) * end_rate(b_card)), to = from + 150 * 48;
	uint64_t best = from;
	double most = -1, like;

	for (uint64_t at = from; at < to; at++) {
		like = likeness(b_card->heard, at);
		if (like > most) {
			most = like;
			best = at;
		}
	}
	if (most < 0.5 * CARDS_BURST * 0.2 * 0.2)
		return NAN;
	return b_card->first_us + (double)best / end_rate(b_card);
}

static double note_us(const struct mate *m, uint8_t key, double in_us)
{
	for (unsigned i = 0; i < m->n_played; i++) {
		const double at = (double)(m->played[i].at_us - m->ahead_us) + behind_us;

		if (m->played[i].data[0] == 0x90 && m->played[i].data[1] == key && at > in_us - 10 * MS)
			return at;
	}
	return NAN;
}

static double pad_us(const struct mate *m, int value)
{
	for (unsigned i = 0; i < m->n_seen; i++)
		if (m->seen[i].value == value && g_str_has_suffix(m->seen[i].addr, "/pad"))
			return (double)(m->seen[i].at_us - m->ahead_us) + behind_us;
	return NAN;
}

static void put(struct apart *x, double at_us, double in_us, double sound_us)
{
	if (isnan(at_us) || isnan(sound_us))
		return;
	if (at_us > in_us + most_us + LATE_US)
		x->late++;
	else
		x->us[x->n++] = at_us - sound_us;
}

static int by_size(const void *a, const void *b)
{
	const double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct figures { double late_pct, median, p95, max; };

/* The median has a sign, before: less than 0. */
static struct figures figures_of(struct apart *x)
{
	struct figures f;

	g_assert_cmpuint(x->n + x->late, >=, BURSTS * 7 / 10);    /* the rest of the sound was lost */
	g_assert_cmpuint(x->n, >, 0);
	f.late_pct = 100.0 * x->late / (x->n + x->late);
	qsort(x->us, x->n, sizeof(x->us[0]), by_value);
	f.median = x->us[x->n / 2];
	qsort(x->us, x->n, sizeof(x->us[0]), by_size);
	f.p95 = fabs(x->us[(x->n * 95 + 99) / 100 - 1]);
	f.max = fabs(x->us[x->n - 1]);
	return f;
}

/* --- the band --- */

static struct end *card_of(double ppm)
{
	struct end_conf c = {.codec = {net->codec, 48000, 97, 1, net->ptime_us, 0, 0, false, NULL}, .period = net->period, .ppm = ppm,
		.phase_us = ppm > 0 ? 100 : 700, .fit = true, .jitter_ms = 5};

	c.line = (struct line_conf){.delay_us = net->delay_ms * MS, .jitter_us = net->jitter_ms * MS, .loss_pct = net->loss};
	return cards_end(cards, &c);
}

static void open_sound(void)
{
	cards = cards_new(!net->direct, 1);
	behind_us = cards->now_us - (double)gestnet_now_us(hall.net);
	a_card = card_of(200);
	b_card = card_of(-200);
	if (net->direct)
		cards_call(cards, a_card, b_card);
	a_card->sounds = true;
	a_card->turnedh = anna_turned;
	b_card->turnedh = bob_turned;
}

static void comes(struct mate *m, const char *name, uint64_t ahead_us)
{
	m->card = m != &anna;
	m->link = (struct gestlink){.loss = net->loss, .delay_us = net->delay_ms ? net->delay_ms * MS : 1, .jitter_us = net->jitter_ms * MS};
	mate_comes(m, &hall, name, ahead_us);
}

static void open_band(void)
{
	hall.runh = NULL;
	bandroom_open(&hall, 500, 1);
	open_sound();
	hall.runh = run;
	bob.align = true;
	bob.delayh = bobs_delay;
	comes(&anna, "anna", 5000000);
	comes(&bob, "bob", 77000000);
	if (net->direct) {
		mate_hangs_up(&anna);
		mate_hangs_up(&bob);
		mate_calls_mate(&anna, &bob);
	} else {
		comes(&carl, "carl", 1000000);
	}
	run(SETTLE_MS);
}

static void close_band(void)
{
	if (carl.g)
		mate_goes(&carl);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
	cards_free(cards);
	memset(&a_told, 0, sizeof(a_told));
	memset(&b_told, 0, sizeof(b_told));
}

static void one_burst(struct apart x[3])
{
	uint64_t burst = a_card->n / CARDS_LOOP + 1;
	double in_us, sound;

	bob.n_played = bob.n_seen = carl.n_played = carl.n_seen = 0;
	most_us = reckoned_us;
	in_us = a_card->first_us + (double)(burst * CARDS_LOOP) / end_rate(a_card);
	while (cards->now_us < in_us + (BURST_MS - 20) * MS)
		run(1);
	sound = heard_us(in_us);
	put(&x[0], note_us(&bob, (uint8_t)(burst % 100), in_us), in_us, sound);
	put(&x[1], pad_us(&bob, (int)burst + 1), in_us, sound);
	put(&x[2], note_us(&carl, (uint8_t)(burst % 100), in_us), in_us, sound);
	if (g_test_verbose())
		g_test_message("note %.0f, fader %.0f, sound %.0f (bob reckons %u, %u at most)",
			       note_us(&bob, (uint8_t)(burst % 100), in_us) - in_us,
			       pad_us(&bob, (int)burst + 1) - in_us, sound - in_us, reckoned_us, most_us);
}

static void test_duet(gconstpointer arg)
{
	struct apart x[3] = {{.n = 0}};
	struct gestend_stats st;
	struct figures note, pad, now = {0};

	net = arg;
	open_band();
	for (unsigned i = 0; i < BURSTS; i++)
		one_burst(x);
	gestend_stats(bob.g, &st);
	note = figures_of(&x[0]);
	pad = figures_of(&x[1]);
	if (!net->direct)
		now = figures_of(&x[2]);
	g_test_message("| %u | %u | %u | %s | %.0f %% | %.1f | %.1f | %.1f | %.0f %% | %.1f | %.1f | %.1f | %.1f |",
		       net->delay_ms, net->jitter_ms, net->loss, net->codec,
		       note.late_pct, note.median / MS, note.p95 / MS, note.max / MS,
		       pad.late_pct, pad.median / MS, pad.p95 / MS, pad.max / MS, now.median / MS);
	g_test_message("%u notes and %u faders of %d compared; %d messages late, by %.1f ms at most",
		       x[0].n + x[0].late, x[1].n + x[1].late, BURSTS, (int)st.late, st.late_us / 1e3);
	close_band();
	g_assert_cmpfloat(note.p95, <=, net->p95_us);
	g_assert_cmpfloat(pad.p95, <=, net->p95_us);
	g_assert_cmpfloat(note.late_pct, <=, net->late_pct);
	g_assert_cmpfloat(pad.late_pct, <=, net->late_pct);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(nets); i++) {
		char *name = g_strdup_printf("/duet/%s", nets[i].name);

		g_test_add_data_func(name, &nets[i], test_duet);
		g_free(name);
	}
	return g_test_run();
}
