/*
 * flow-delay.c - the table of delays against the ear: what it says is how long a sound takes.
 *
 *     a's mouth  card  frame ~~3 ms~~ leg > bus > leg ~~9 ms~~ buffer  card  b's ear
 *
 *     a pulse of 2 ms, over and over; where it is in what b gets, and when that came, tells the whole of it but for what
 *     belongs to the two ends: those parts are what the ends say
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "control/control.h"
#include "control/event.h"
#include "control/snapshot.h"
#include "control/wheel.h"
#include "tests/lib/stage.h"
#include "tests/unit/handclock.h"

enum { STEP_US = 50, LOOP_MS = 250, PULSE_US = 2000, WINDOW_MS = 500 };

struct kind {
	const char *name;
	struct peer_conf conf;
};

static const struct kind l16 = {"l16-64", {"L16", 48000, 96, 1, 1334, 0, 0, false, NULL}};
static const struct kind opus = {"opus-2.5", {"opus", 48000, 97, 1, 2500, 0, 0, false, NULL}};
static const struct kind pcmu = {"pcmu-20", {"PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL}};

struct end {
	const struct kind *kind;
	struct member *mb;
	struct face face;
	uint32_t id;
	uint32_t way_us;
	uint32_t card_us, buffer_us, playback_us;         /* of its own */
	unsigned n_packets, n_came;
	double came_us, least_us; /* n_came of the last: when packet 0 would have come, by each of them, and the first; without its way */
	bool tells;               /* of its way: then its buffer is told for the fastest packet, else for the mean */
	float *pulse, *silence;
	size_t n_pulse;           /* of the loop; the pulse is in its middle */
};

static struct stage *stage;
static struct control *control;
static struct event_lsnr *lsnr;
static struct end end[3];
static unsigned n_ends, n_over, n_well;
static const struct actor sys = {.kind = ACTOR_SYSTEM};

static void on_bye(void *arg, const char *why) { (void)arg, (void)why; }

static void on_event(const struct event *ev, void *arg)
{
	(void)arg;
	n_over += ev->type == EVENT_DELAY && ev->delay.over;
	n_well += ev->type == EVENT_DELAY && !ev->delay.over;
}

/* --- the house --- */

static void begin(void)
{
	static const struct control_conf conf = {.auto_rooms = true, .empty_timeout_s = 1};

	memset(end, 0, sizeof(end));
	n_ends = n_over = n_well = 0;
	stage = stage_new(STEP_US);
	stage->jitter_min_ms = 0;
	g_assert_cmpint(control_alloc(&control, &conf, stage->m), ==, 0);
}

static void done(void)
{
	lsnr = mem_deref(lsnr);
	control = mem_deref(control);
	for (unsigned i = 0; i < n_ends; i++)
		end[i].mb->peer->play = NULL;
	stage_free(stage);
	for (unsigned i = 0; i < n_ends; i++)
		g_free(end[i].pulse), g_free(end[i].silence);
}

/* A raised cosine, which no filter on the way turns into something else. */
static void make_pulse(struct end *e)
{
	const uint32_t srate = e->mb->peer->codec->srate;
	const double half = srate * (PULSE_US / 2e6);

	e->n_pulse = srate * LOOP_MS / 1000;
	e->pulse = g_new0(float, e->n_pulse);
	e->silence = g_new0(float, e->n_pulse);
	for (size_t i = 0; i < e->n_pulse; i++) {
		double x = ((double)i - (double)e->n_pulse / 2) / half;

		if (fabs(x) < 1)
			e->pulse[i] = (float)(0.25 * (1 + cos(G_PI * x)));
	}
	e->mb->peer->play = e->pulse;
	e->mb->peer->n_play = e->n_pulse;
}

/* phase_us: when its first frame goes out, against all else. */
static struct end *joins(const struct kind *kind, uint32_t way_us, uint32_t phase_us)
{
	struct end *e = &end[n_ends++];
	struct command cmd = {.verb = VERB_JOIN, .room = "music-band", .uri = "sip:x@y", .name = kind->name, .role = ROLE_SPEAKER, .face = &e->face};
	struct result res = {0};

	e->kind = kind;
	e->way_us = way_us;
	e->mb = stage_member(stage, &kind->conf);
	e->mb->peer->way_us = way_us;
	e->mb->peer->next_us = stage->now_us + phase_us;
	make_pulse(e);
	e->face = (struct face){.leg = e->mb->leg, .bye = on_bye, .arg = e};
	g_assert_cmpint(control_run(control, &sys, &cmd, &res), ==, 0);
	e->id = res.member;
	if (!lsnr)
		g_assert_cmpint(event_listen(&lsnr, control, "music-band", on_event, NULL), ==, 0);
	return e;
}

/* As tutti-join does: all until its packet leaves, and its exchanges of /tutti/clock. */
static void says(struct end *e, uint32_t card_us, uint32_t buffer_us, uint32_t playback_us)
{
	struct actor a = {.kind = ACTOR_MEMBER, .member = e->id};
	const struct peer *p = e->mb->peer;
	uint32_t packet_us = p->conf.ptime_us + (p->codec->delay_us ? p->codec->delay_us(p->enc) : 0);

	e->card_us = card_us;
	e->buffer_us = buffer_us;
	e->playback_us = playback_us;
	e->tells = true;
	g_assert_cmpint(control_run(control, &a, &(struct command){.verb = VERB_LATENCY, .member = e->id, .capture_us = card_us + packet_us,
				    .buffer_us = buffer_us, .playback_us = playback_us, .rtt_us = 2 * e->way_us}, NULL), ==, 0);
}

static double frame_us(const struct end *e)
{
	const struct peer *p = e->mb->peer;

	return floor(p->conf.ptime_us * (p->codec->srate / 1e6)) * 1e6 / p->codec->srate;
}

static void note_packet(struct end *e)
{
	double came_us;

	if (e->mb->peer->n_packets == e->n_packets)
		return;
	e->n_packets = e->mb->peer->n_packets;
	came_us = (double)stage->now_us - e->n_packets * frame_us(e);
	e->came_us += came_us;
	e->least_us = e->n_came++ ? MIN(e->least_us, came_us) : came_us;
}

static void run(unsigned ms)
{
	for (unsigned i = 0; i < n_ends; i++) {
		end[i].n_came = 0;
		end[i].came_us = 0;
	}
	for (uint64_t until = stage->now_us + ms * 1000ULL; stage->now_us < until;) {
		stage_step(stage);
		for (unsigned i = 0; i < n_ends; i++)
			note_packet(&end[i]);
	}
	(void)clock_advance(ms);
}

/* --- the ear --- */

/* Where the sender's pulse is in smp, in samples; it is made anew at this rate. */
static double find_pulse(const float *smp, size_t n, uint32_t srate)
{
	const int half = (int)(srate * (PULSE_US / 2e6));
	double best = 0, at[3] = {0}, last = 0;
	size_t where = 0;

	for (size_t i = (size_t)half; i + (size_t)half < n; i++) {
		double sum = 0;

		for (int k = -half; k <= half; k++)
			sum += (double)smp[(int)i + k] * 0.5 * (1 + cos(G_PI * k / half));
		if (where && where + 1 == i)
			at[2] = sum;
		if (sum > best) {
			best = sum;
			where = i;
			at[0] = last;
			at[1] = sum;
		}
		last = sum;
	}
	g_assert_cmpfloat(best, >, 0.1 * half);
	return (double)where + 0.5 * (at[0] - at[2]) / (at[0] - 2 * at[1] + at[2]);
}

/* From mouth to ear, in ms: when the pulse came to b's ear, less when it was at a's mouth, which is known but for whole loops. */
static double measured_ms(const struct end *a, const struct end *b)
{
	const struct peer *p = a->mb->peer, *r = b->mb->peer;
	const double srate = r->codec->srate, srate_in = p->codec->srate;
	const size_t n = (size_t)(srate * WINDOW_MS / 1000), frame = (size_t)(r->conf.ptime_us * srate / 1e6);
	g_autofree float *smp = peer_last(r, n, 0);
	/* b plays a packet's first sample when it has come, been buffered and gone through the card. */
	double last_ms = ((b->tells ? b->least_us : b->came_us / b->n_came) + b->n_packets * frame_us(b)) / 1000;
	double first_ms = last_ms - ((double)n - (double)frame) / srate * 1000;
	double ear_ms = first_ms + find_pulse(smp, n, r->codec->srate) / srate * 1000 + (b->way_us + b->buffer_us + b->playback_us) / 1000.0;
	/* What leaves next is sample n_smp, and was in the air a frame and the card's time before. */
	double mouth_ms = (double)p->next_us / 1000 + ((double)a->n_pulse / 2 - (double)(p->n_smp % a->n_pulse)) / srate_in * 1000 -
			  (a->kind->conf.ptime_us + a->card_us) / 1000.0;

	return fmod(fmod(ear_ms - mouth_ms, LOOP_MS) + LOOP_MS, LOOP_MS);
}

/* The one alone, for an ear that would hear several. */
static void solo(const struct end *a)
{
	for (unsigned i = 0; i < n_ends; i++)
		end[i].mb->peer->play = &end[i] == a ? end[i].pulse : end[i].silence;
	run(1000);
}

static double said_ms(const struct end *a, const struct end *b, bool whole)
{
	struct delay from, to;
	bool all;
	uint32_t us;

	g_assert_cmpint(control_delay(control, a->id, &from), ==, 0);
	g_assert_cmpint(control_delay(control, b->id, &to), ==, 0);
	us = delay_between(&from, &to, &all);
	g_test_message("  %s: frame %u, buffer %u; %s: send %u", a->kind->name, from.us[DELAY_FRAME], from.us[DELAY_BUFFER], b->kind->name,
		       to.us[DELAY_SEND]);
	g_assert_cmpint(all, ==, whole);
	return us / 1000.0;
}

static void equal(const struct end *a, const struct end *b, bool whole)
{
	double said = said_ms(a, b, whole), is = measured_ms(a, b);

	g_test_message("from %s at %.0f ms to %s at %.0f ms: said %.2f, measured %.2f ms", a->kind->name, a->way_us / 1000.0, b->kind->name,
		       b->way_us / 1000.0, said, is);
	g_assert_cmpfloat_with_epsilon(said, is, 0.5);
}

/* --- stories --- */

static void test_pair(const void *arg)
{
	const struct kind *kind = arg;

	for (unsigned i = 0; i < 4; i++) {
		begin();
		joins(kind, 3000, 1000 + i * 300 / STEP_US * STEP_US);
		joins(kind, 9000, 1500 + (i * 5 + 2) % 7 * 150);
		says(&end[0], 700, 1300, 2000);
		says(&end[1], 1900, 600, 3100);
		run(1500);
	run(1000);
		equal(&end[0], &end[1], true);
		equal(&end[1], &end[0], true);
		done();
	}
}

static void test_mixed(void)
{
	begin();
	joins(&l16, 3000, 1000);
	joins(&opus, 9000, 1700);
	says(&end[0], 700, 1300, 2000);
	says(&end[1], 1900, 600, 3100);
	run(1500);
	run(1000);
	equal(&end[0], &end[1], true);
	equal(&end[1], &end[0], true);
	done();
}

/* A phone says nothing: what is seen here counts, and the sum is at least. It raises nobody's delay. */
static void test_phone(void)
{
	double before;

	begin();
	joins(&l16, 3000, 1000);
	joins(&l16, 9000, 1700);
	says(&end[0], 700, 1300, 2000);
	says(&end[1], 1900, 600, 3100);
	run(1500);
	run(1000);
	equal(&end[0], &end[1], true);
	before = measured_ms(&end[0], &end[1]);
	joins(&pcmu, 0, 400);
	run(9000);                                /* until its buffer has found its size */
	solo(&end[0]);
	equal(&end[0], &end[1], true);
	g_assert_cmpfloat_with_epsilon(measured_ms(&end[0], &end[1]), before, 0.03);
	equal(&end[0], &end[2], false);
	solo(&end[2]);
	equal(&end[2], &end[0], false);
	done();
}

/* A pair over the bound is told of, once, and when it is well again; also when one of it has left. */
static void test_warning(void)
{
	struct snapshot_delays *s = NULL;

	begin();
	joins(&l16, 3000, 1000);
	joins(&l16, 9000, 1700);
	says(&end[0], 700, 1300, 2000);
	says(&end[1], 1900, 600, 3100);
	for (int i = 0; i < 5; i++)
		run(1000);
	g_assert_cmpuint(n_over, ==, 0);
	says(&end[0], 12000, 1300, 2000);
	for (int i = 0; i < 5; i++)
		run(1000);
	g_assert_cmpuint(n_over, ==, 1);
	says(&end[0], 700, 1300, 2000);
	for (int i = 0; i < 5; i++)
		run(1000);
	g_assert_cmpuint(n_well, ==, 1);
	says(&end[0], 12000, 1300, 2000);
	for (int i = 0; i < 5; i++)
		run(1000);
	g_assert_cmpuint(n_over, ==, 2);
	g_assert_cmpint(control_run(control, &sys, &(struct command){.verb = VERB_LEAVE, .member = end[1].id}, NULL), ==, 0);
	run(1000);
	g_assert_cmpint(snapshot_delays(&s, control, "music-band"), ==, 0);
	g_assert_cmpuint(s->n, ==, 1);
	g_assert_cmpuint(s->member[0].warned, ==, 0);
	mem_deref(s);
	done();
}

int main(int argc, char *argv[])
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	clock_open();
	g_test_add_data_func("/delay/l16-64", &l16, test_pair);
	g_test_add_data_func("/delay/opus-2.5", &opus, test_pair);
	g_test_add_func("/delay/mixed", test_mixed);
	g_test_add_func("/delay/phone", test_phone);
	g_test_add_func("/delay/warning", test_warning);
	err = g_test_run();
	clock_close();
	wheel_close();
	libre_close();
	return err;
}
