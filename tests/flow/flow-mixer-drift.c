/*
 * flow-mixer-drift.c - a member whose sound card is wrong by 200 millionths: nothing may be lost, made up or repeated of
 * what it sends, and its delay may not grow.
 *
 *     peer, +-200 ppm ))) a tone  >  leg  >  bus  >  leg  ))) an ear with a right clock: is the phase of the tone in one piece?
 *
 * Two to three minutes each, which is some slips (pace.h); with `-m slow` an hour, and more of Opus, whose encoder is most of
 * the work.
 */
#include <glib.h>
#include <math.h>
#include <complex.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/stage.h"

enum { CHUNK_S = 5, SETTLE_S = 60, VOICE_S = 180, MUSIC_S = 110, HOUR_S = 3600, CHUNKS_MAX = (HOUR_S + SETTLE_S) / CHUNK_S };

#define PEAK 0.25
#define SLIP_PPM 5000.0           /* no sound is played faster or slower than this */
#define WINDOW_S 0.2
#define HOP_S 0.05

struct kind {
	const char *name;
	struct peer_conf talker, ear;
	double ppm;
	bool music;
	uint32_t step_us, min_ms, music_ms;
	double tick_ms;           /* of the room */
	bool fit;
};

#define VOICE_EAR {"L16", 48000, 98, 1, 20000, 0, 0, 0, 0}
#define MUSIC_EAR {"L16", 48000, 98, 1, 2500, 0, 0, 0, 0}

static const struct kind kinds[] = {
	{"g711-fast", {"PCMU", 8000, 0, 1, 20000, 31, PEAK, 0, 0}, VOICE_EAR, 200, false, 1000, 0, 0, 20, false},
	{"g711-slow", {"PCMU", 8000, 0, 1, 20000, 31, PEAK, 0, 0}, VOICE_EAR, -200, false, 1000, 0, 0, 20, false},
	{"opus-fast", {"opus", 48000, 96, 1, 20000, 31, PEAK, 0, 0}, VOICE_EAR, 200, false, 1000, 0, 0, 20, false},
	{"opus-slow", {"opus", 48000, 96, 1, 20000, 31, PEAK, 0, 0}, VOICE_EAR, -200, false, 1000, 0, 0, 20, false},
	{"music-opus-fast", {"opus", 48000, 96, 2, 2500, 97, PEAK, 0, 0}, MUSIC_EAR, 200, true, 500, 0, 5, 2.5, false},
	{"music-opus-slow", {"opus", 48000, 96, 2, 2500, 97, PEAK, 0, 0}, MUSIC_EAR, -200, true, 500, 0, 5, 2.5, false},
	{"music-l16-fast", {"L16", 48000, 97, 1, 2500, 97, PEAK, 0, 0}, MUSIC_EAR, 200, true, 500, 0, 5, 2.5, true},
	{"music-l16-slow", {"L16", 48000, 97, 1, 2500, 97, PEAK, 0, 0}, MUSIC_EAR, -200, true, 500, 0, 5, 2.5, true},
};

/* Of the tone at the middle of n samples. Both phasors are turned by products: a sine a sample was half of what this test took. */
static double phase_of(const float *smp, size_t n, double srate, double hz)
{
	double complex sum = 0, tone = cexp(I * G_PI * hz * (double)n / srate), turn = cexp(-I * 2 * G_PI * hz / srate);
	double complex hann = cexp(I * G_PI / (double)n), hann_turn = cexp(I * 2 * G_PI / (double)n);

	for (size_t i = 0; i < n; i++) {
		sum += (0.5 - 0.5 * creal(hann)) * (double)smp[i] * tone;
		tone *= turn;
		hann *= hann_turn;
	}
	return carg(sum) + G_PI / 2;
}

/* The largest step of the phase beyond what one hop at hz is. */
static double worst_step(const float *smp, size_t n, double srate, double hz)
{
	size_t win = (size_t)(srate * WINDOW_S), hop = (size_t)(srate * HOP_S);
	double last = 0, worst = 0;

	for (size_t at = 0; at + win <= n; at += hop) {
		double ph = phase_of(smp + at, win, srate, hz);

		if (at)
			worst = fmax(worst, fabs(remainder(ph - last - 2 * G_PI * hz * (double)hop / srate, 2 * G_PI)));
		last = ph;
	}
	return worst;
}

struct run { struct stage *s; struct bus *b; struct member *talker, *ear; uint64_t last_us; };

static struct run run_new(const struct kind *k)
{
	struct bus_conf conf = {.music = k->music};
	struct run r = {.s = stage_new(k->step_us)};

	r.s->jitter_min_ms = k->min_ms;
	r.s->jitter_music_ms = k->music_ms;
	r.s->jitter_music_fit = k->fit;
	r.s->jitter_start_ms = 10;
	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &conf), ==, 0);
	r.talker = stage_member(r.s, &k->talker);
	r.ear = stage_member(r.s, &k->ear);
	r.talker->peer->ppm = k->ppm;
	r.ear->peer->mute = true;
	g_assert_cmpint(leg_set_bus(r.talker->leg, r.b), ==, 0);
	g_assert_cmpint(leg_set_bus(r.ear->leg, r.b), ==, 0);
	return r;
}

static void run_chunk(struct run *r)
{
	unsigned before;

	stage_forget(r->s);
	before = 0;
	for (uint64_t end = r->s->now_us + CHUNK_S * 1000000ULL; r->s->now_us < end;) {
		stage_step(r->s);
		if (r->ear->peer->n_packets != before)
			r->last_us = r->s->now_us;
		before = r->ear->peer->n_packets;
	}
}

/* From the talker's sample to the ear's, modulo the tone's period. */
static double delay_ms(const struct run *r)
{
	const struct peer *p = r->talker->peer, *e = r->ear->peer;
	double hz = p->conf.hz, rate_in = p->codec->srate * (1 + p->ppm * 1e-6), rate = e->codec->srate;
	size_t n = (size_t)rate, frame = (size_t)(e->conf.ptime_us * rate / 1e6);
	g_autofree float *smp = peer_last(e, n, 0);
	double out_ms = (double)r->last_us / 1e3 - ((double)n / 2 - (double)frame) / rate * 1e3;
	double sample = phase_of(smp, n, rate, hz) / (2 * G_PI * hz) * p->codec->srate;
	double in_ms = ((double)p->next_us + (double)p->next_ns / 1e3) / 1e3 - ((double)p->n_smp - sample) / rate_in * 1e3;

	return out_ms - in_ms;
}

struct counts { uint64_t concealed, lost, late, dropped; };

static struct counts counts_of(const struct run *r)
{
	struct leg_stats st;

	leg_stats(r->talker->leg, &st);
	return (struct counts){st.concealed, st.rx_lost, st.rx_late, count_get(&r->talker->leg->rt->n.jit_dropped)};
}

static double mean(const double *x, unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

static void test_drift(const void *arg)
{
	const struct kind *k = arg;
	unsigned n_chunks = (g_test_slow() ? HOUR_S + SETTLE_S : k->music ? MUSIC_S : VOICE_S) / CHUNK_S, n = 0, slipping = 0;
	double period = 1000 / k->talker.hz / (1 + k->ppm * 1e-6), ms[CHUNKS_MAX], worst = 0, may, first, second, low = 1e9, high = -1e9;
	struct run r = run_new(k);
	struct counts settled = {0}, end;

	may = 2 * G_PI * k->talker.hz * HOP_S * (SLIP_PPM + 200) * 1e-6 + 0.02;
	for (unsigned i = 0; i < n_chunks; i++) {
		g_autofree float *smp = NULL;
		size_t len = 48000 * (CHUNK_S - 1);

		run_chunk(&r);
		slipping += pace_on(&r.talker->leg->rt->play.pace);
		if (i < SETTLE_S / CHUNK_S) {
			settled = counts_of(&r);
			continue;
		}
		smp = peer_last(r.ear->peer, len, 0);
		worst = fmax(worst, worst_step(smp, len, 48000, k->talker.hz));
		ms[n] = delay_ms(&r);
		ms[n] = n ? ms[n - 1] + remainder(ms[n] - ms[n - 1], period) : ms[n] - floor(ms[n] / period) * period;
		low = fmin(low, ms[n]);
		high = fmax(high, ms[n]);
		if (g_test_verbose())
			g_test_message("%u s: %.2f ms%s", i * CHUNK_S, ms[n], pace_on(&r.talker->leg->rt->play.pace) ? ", slips" : "");
		n++;
	}
	end = counts_of(&r);
	first = mean(ms, n / 2);
	second = mean(ms + n / 2, n - n / 2);
	g_test_message("%s: while settling %" G_GUINT64_FORMAT " concealed, %" G_GUINT64_FORMAT " dropped; then %" G_GUINT64_FORMAT
		       ", %" G_GUINT64_FORMAT "; lost %" G_GUINT64_FORMAT ", late %" G_GUINT64_FORMAT "; delay %.2f ms, then %.2f "
		       "(%.2f to %.2f); phase %.3f rad (may be %.3f); slips %.0f %% of the time", k->name, settled.concealed, settled.dropped,
		       end.concealed - settled.concealed, end.dropped - settled.dropped, end.lost, end.late, first, second, low, high,
		       worst, may, 100.0 * slipping / n_chunks);
	g_assert_cmpuint(end.concealed, ==, settled.concealed);
	g_assert_cmpuint(end.dropped, ==, settled.dropped);
	g_assert_cmpuint(end.lost, ==, settled.lost);
	g_assert_cmpuint(end.late, ==, settled.late);
	g_assert_cmpuint(r.ear->peer->n_ts_gaps, ==, 0);
	g_assert_cmpfloat(worst, <, may);
	g_assert_cmpfloat(high - low, <, k->tick_ms * 1.2 + 1);
	g_assert_cmpfloat(second - first, <, k->tick_ms / (g_test_slow() ? 10 : 4));
	mem_deref(r.b);
	stage_free(r.s);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/drift/%s", kinds[i].name);

		if (!g_test_slow() && (strstr(kinds[i].name, "opus-fast") || strstr(kinds[i].name, "music-opus")))
			continue;         /* the others show as well what these do */
		g_test_add_data_func(path, &kinds[i], test_drift);
	}
	return g_test_run();
}
