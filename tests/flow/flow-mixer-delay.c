/*
 * flow-mixer-delay.c - the server's own delay: how long a sound is in the house.
 *
 *     peer a ))) packet arrives at t0, the sound at its sample x   >  bus  >   packet departs at t1, the sound at its y ))) peer b
 *
 *     delay = (t1 + y) - (t0 + x), less what the same two codecs need without a server between them
 *
 * A tone of a long period is its own ruler: its phase tells which sample of what was sent is which of what was heard.
 * Peers begin at all phases against the tick and each other. The resampling filters are part of the house: what they need
 * (at 8 kHz 0.24 ms each way) is in the promise, and printed as well.
 */
#include <glib.h>
#include <math.h>
#include <complex.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/resample.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum { WINDOW_MS = 1000, PATHS_MAX = 400 };

struct kind {
	const char *name;
	struct peer_conf a, b;
	bool music;
	uint32_t step_us, warm_ms;
	unsigned trials;
	double median_ms, tail_ms, tail;          /* what is promised */
	uint32_t start_ms;        /* what the buffer begins with, and finds itself smaller */
};

#define PEAK 0.25

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { PATIENT = false };         /* what takes long to settle shows a sanitizer nothing that the rest does not */
#else
enum { PATIENT = true };
#endif

/* Frames of 64 samples come at all phases of a tick that is as long: 0.67 ms in the mean, and the seed draws 48 paths of them.
 * The defaults find their size. In music that is up to 0.6 ms more than 0, which is what was promised: an eighth of a tick, and the
 * 12 samples that a slip leaves (pace.h). */
static const struct kind kinds[] = {
	{"g711-20ms", {"PCMU", 8000, 0, 1, 20000, 11, PEAK, 0, 0}, {"PCMU", 8000, 0, 1, 20000, 17, PEAK, 0, 0}, false, 500, 6500, 16,
	 11, 21, 0.99, 0},
	{"g711-default", {"PCMU", 8000, 0, 1, 20000, 11, PEAK, 0, 0}, {"PCMU", 8000, 0, 1, 20000, 17, PEAK, 0, 0}, false, 500, 20500, 12,
	 11, 21, 0.99, 10},
	{"g711-one-talks", {"PCMU", 8000, 0, 1, 20000, 11, PEAK, 0, 0}, {"PCMU", 8000, 0, 1, 20000, 17, 0, 0, 0}, false, 500, 6500, 16,
	 3, 4, 0.99, 0},
	{"opus-2.5ms", {"opus", 48000, 96, 2, 2500, 97, PEAK, 0, 0}, {"opus", 48000, 96, 2, 2500, 113, PEAK, 0, 0}, true, 50, 1200, 12,
	 1.8, 3, 0.95, 0},
	{"l16-64", {"L16", 48000, 96, 1, 1334, 97, PEAK, 0, 0}, {"L16", 48000, 96, 1, 1334, 113, PEAK, 0, 0}, true, 50, 1200, 24,
	 0.75, 1.4, 0.95, 0},
	{"opus-2.5ms-default", {"opus", 48000, 96, 2, 2500, 97, PEAK, 0, 0}, {"opus", 48000, 96, 2, 2500, 113, PEAK, 0, 0}, true, 50, 12500, 8,
	 3, 4.5, 0.95, 5},
	{"l16-64-default", {"L16", 48000, 96, 1, 1334, 97, PEAK, 0, 0}, {"L16", 48000, 96, 1, 1334, 113, PEAK, 0, 0}, true, 50, 12500, 8,
	 2, 2.8, 0.95, 5},
};

/* Of x(n) = sin(w n + phase). */
static double phase_of(const float *smp, size_t n, double srate, double hz)
{
	double complex sum = 0;

	for (size_t i = 0; i < n; i++) {
		double hann = 0.5 - 0.5 * cos(2 * G_PI * ((double)i + 0.5) / (double)n);

		sum += hann * (double)smp[i] * cexp(-I * 2 * G_PI * hz * (double)i / srate);
	}
	return carg(sum) + G_PI / 2;
}

static double ms_in_period(double ms, double hz, double lowest)
{
	double period = 1000 / hz;

	return ms - floor((ms - lowest) / period) * period;
}

/* Delay in ms of the codec itself, encoded and decoded n times over, modulo the tone's period. */
static double codec_ms(const struct peer_conf *c, unsigned n_times)
{
	struct peer *p[3];
	size_t frame, total;
	g_autofree float *smp = NULL;
	uint8_t buf[4000];
	double ph;

	for (unsigned k = 0; k < n_times; k++)
		p[k] = peer_new(c);
	frame = (size_t)c->ptime_us * p[0]->codec->srate / 1000000;
	total = frame * (2000000 / c->ptime_us);
	smp = g_new(float, total * 2);
	for (size_t i = 0; i < total; i++)
		for (unsigned ch = 0; ch < c->channels; ch++)
			smp[i * c->channels + ch] = (float)(ch ? 0 : c->peak * sin(2 * G_PI * c->hz * (double)i / p[0]->codec->srate));
	for (size_t at = 0; at < total; at += frame)
		for (unsigned k = 0; k < n_times; k++) {
			float *f = smp + at * c->channels;
			int len = p[k]->codec->encode_rt(p[k]->enc, buf, sizeof(buf), f, frame);

			g_assert_cmpint(p[k]->codec->decode_rt(p[k]->dec, f, frame, buf, (size_t)len), ==, (int)frame);
		}
	total -= total % p[0]->codec->srate;
	for (size_t i = 0; i < total; i++)
		smp[i] = smp[i * c->channels];
	ph = phase_of(smp + total - p[0]->codec->srate, p[0]->codec->srate, p[0]->codec->srate, c->hz);
	for (unsigned k = 0; k < n_times; k++)
		peer_free(p[k]);
	return -ph / (2 * G_PI * c->hz) * 1000;
}

static double path_ms(const struct member *from, const struct member *to, uint64_t last_us)
{
	const struct peer *p = from->peer, *r = to->peer;
	double hz = p->conf.hz, srate = r->codec->srate, srate_in = p->codec->srate;
	size_t n = (size_t)srate * WINDOW_MS / 1000, frame = (size_t)(r->conf.ptime_us * srate / 1e6);
	g_autofree float *smp = peer_last(r, n, 0);
	double ph = phase_of(smp, n, srate, hz);
	/* the first sample of smp: when it left, and which of p's it was */
	double out_ms = (double)last_us / 1000 - ((double)n - (double)frame) / srate * 1000;
	double in_ms = (double)p->next_us / 1000 - (double)p->n_smp / srate_in * 1000 + ph / (2 * G_PI * hz) * 1000;

	return out_ms - in_ms;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

struct trial { double ms[2]; };

/* The begin of a frame, at place i of n. */
static uint64_t phase_us(const struct kind *k, unsigned i, unsigned n)
{
	double us = ((double)i + g_test_rand_double()) / n * k->a.ptime_us;

	return (uint64_t)(us / k->step_us) * k->step_us + k->step_us;
}

static struct trial run_trial(const struct kind *k, unsigned no)
{
	struct bus_conf conf = {.music = k->music};
	struct stage *s = stage_new(k->step_us);
	uint64_t last_us[2] = {0}, end;
	unsigned n_packets[2] = {0};
	struct member *mb[2];
	struct bus *b = NULL;
	struct trial t;

	s->jitter_min_ms = 0;
	s->jitter_start_ms = s->jitter_music_ms = k->start_ms;
	s->jitter_music_fit = k->start_ms;
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	for (unsigned i = 0; i < 2; i++) {
		mb[i] = stage_member(s, i ? &k->b : &k->a);
		mb[i]->peer->next_us = s->now_us + phase_us(k, i ? (no * 5 + 3) % k->trials : no, k->trials);
		g_assert_cmpint(leg_set_bus(mb[i]->leg, b), ==, 0);
	}
	if (k->start_ms) {                /* a recording does not hold that long */
		stage_run(s, k->warm_ms - 200);
		for (unsigned i = 0; i < 2; i++)
			g_assert_cmpuint(mb[i]->peer->n_ts_gaps, ==, 0);
		stage_forget(s);
	}
	for (end = s->now_us + ((k->start_ms ? 200 : k->warm_ms) + WINDOW_MS) * 1000ULL; s->now_us < end;) {
		stage_step(s);
		for (unsigned i = 0; i < 2; i++) {
			if (mb[i]->peer->n_packets == n_packets[i])
				continue;
			n_packets[i] = mb[i]->peer->n_packets;
			last_us[i] = s->now_us;
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(mb[i]->peer->n_ts_gaps, ==, 0);
		t.ms[i] = path_ms(mb[!i], mb[i], last_us[i]);
	}
	stage_free(s);
	mem_deref(b);
	return t;
}

static void test_delay(const void *arg)
{
	const struct kind *k = arg;
	double ms[PATHS_MAX], codec[2] = {codec_ms(&k->a, 2), codec_ms(&k->b, 2)}, med, tail;
	struct resample *up = NULL;
	unsigned n = 0;
	double filters;

	g_assert_cmpint(resample_alloc(&up, k->a.clock, 48000, 1), ==, 0);
	filters = 2 * resample_delay_us(up) / 1000.0;
	mem_deref(up);
	for (unsigned i = 0; i < k->trials; i++) {
		struct trial t = run_trial(k, i);

		if (k->b.peak > 0)
			ms[n++] = ms_in_period(t.ms[0] - codec[1], k->b.hz, -1);
		ms[n++] = ms_in_period(t.ms[1] - codec[0], k->a.hz, -1);
	}
	qsort(ms, n, sizeof(*ms), by_value);
	med = ms[n / 2];
	tail = ms[(unsigned)(k->tail * (n - 1) + 0.5)];
	g_test_message("%s: %u paths, least %.2f, median %.2f, p%.0f %.2f, most %.2f ms (promised %.1f and %.1f), of it filters %.2f ms",
		       k->name, n, ms[0], med, k->tail * 100, tail, ms[n - 1], k->median_ms, k->tail_ms, filters);
	g_assert_cmpfloat(ms[0], >=, k->a.ptime_us / -1000.0);      /* on the edge, what is made up begins a frame */
	g_assert_cmpfloat(med, <=, k->median_ms);
	g_assert_cmpfloat(tail, <=, k->tail_ms);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/delay/%s", kinds[i].name);

		if (PATIENT || !kinds[i].start_ms)
			g_test_add_data_func(path, &kinds[i], test_delay);
	}
	return g_test_run();
}
