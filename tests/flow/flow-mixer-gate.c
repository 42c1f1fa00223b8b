/*
 * flow-mixer-gate.c - the decode gate: what is silent is not decoded, and no word loses its beginning.
 *
 *     the same speaker, twice, word by word  )))  gated room     )))  a
 *                                            )))  ungated room   )))  b      a and b are compared, sample by sample
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum { RUN_MS = 9000, WORDS = 4 };

struct kind {
	const char *name, *codec;
	uint32_t clock, ptime_us;
	bool voice, dtx, level;           /* level: says it in its headers */
	double diff_db;           /* what may differ, against the words' level */
	double onset_db;          /* ... and in the first 20 ms of a word, against their level */
	unsigned decoded;         /* percent of frames at most */
};

static const struct kind kinds[] = {
	{"pcmu", "PCMU", 8000, 20000, false, false, false, -45, -45, 42},
	{"pcma", "PCMA", 8000, 20000, false, false, false, -45, -45, 42},
	{"pcmu-30", "PCMU", 8000, 30000, false, false, false, -45, -45, 42},
	{"opus-silk", "opus", 48000, 20000, true, false, false, -30, -35, 42},
	{"opus-dtx", "opus", 48000, 20000, true, true, false, -30, -35, 101},
	{"opus-celt", "opus", 48000, 20000, false, false, false, -30, -30, 101},
	{"opus-celt-10", "opus", 48000, 10000, false, false, false, -30, -30, 101},
	{"opus-celt-level", "opus", 48000, 20000, false, false, true, -30, -30, 42},
	{"g722-level", "G722", 8000, 20000, false, false, true, -40, -20, 42},
	{"g722", "G722", 8000, 20000, false, false, false, -40, -30, 101},
};

/* Words of 400 ms, and pauses of 1.4 to 2 s in which a line hisses at -70 dB. Where they begin goes to start[]. */
static float *words(uint32_t srate, size_t *n, size_t start[WORDS])
{
	uint32_t seed = 7, hiss = 9;
	size_t word = srate * 2 / 5, at = srate / 2;
	float *smp = g_new0(float, (size_t)srate * RUN_MS / 1000);

	*n = (size_t)srate * RUN_MS / 1000;
	signal_noise(smp, *n, &hiss, 3e-4);
	for (unsigned i = 0; i < WORDS; i++) {
		g_autofree float *w = g_new(float, word);

		start[i] = at;
		signal_speech(w, word, srate, &seed, 0.4);
		for (size_t k = 0; k < word; k++)
			smp[at + k] += w[k];
		at += word + srate * (14 + 2 * i) / 10;
	}
	return smp;
}

struct side { struct stage *s; struct bus *b; struct member *talker, *ear; };

static struct side side_new(const struct kind *k, bool gated, const float *smp, size_t n)
{
	struct peer_conf talker = {k->codec, k->clock, 96, 1, k->ptime_us, 0, 0, k->dtx, NULL};
	struct peer_conf ear = {"L16", 48000, 98, 1, 20000, 0, 0, 0, NULL};
	struct bus_conf conf = {.quantum_smp = 480};
	struct side d = {.s = stage_new(1000)};

	d.s->ungated = !gated;
	g_assert_cmpint(bus_alloc(&d.b, d.s->m, &conf), ==, 0);
	d.talker = stage_member(d.s, &talker);
	d.ear = stage_member(d.s, &ear);
	if (k->voice)
		peer_voice(d.talker->peer);
	d.talker->peer->level_id = k->level ? 3 : 0;
	d.talker->desc.level_rx_ext = d.talker->peer->level_id;
	member_set(d.talker);
	d.ear->peer->mute = true;
	d.talker->peer->play = smp;
	d.talker->peer->n_play = n;
	leg_set_bus(d.talker->leg, d.b);
	leg_set_bus(d.ear->leg, d.b);
	return d;
}

static uint64_t side_run(struct side *d, float **heard, size_t n)
{
	struct mixer_stats st;
	uint64_t n_dec;

	stage_run(d->s, RUN_MS);
	mixer_stats(d->s->m, &st);
	n_dec = st.decodes;
	*heard = peer_last(d->ear->peer, n, 0);
	g_assert_cmpuint(d->ear->peer->n_ts_gaps, ==, 0);
	mem_deref(d->b);
	stage_free(d->s);
	return n_dec;
}

static double rms(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double d = (double)a[i] - (b ? (double)b[i] : 0);

		sum += d * d;
	}
	return sqrt(sum / (double)n);
}

/* The first 20 ms of each word, as far as one hears them: where b has sound after a pause. And what came just before, which
 * the gate may have held back, was under its threshold of -60 dB. G.722 has no packet that stands for itself: its decoder
 * has to find its step again. */
static unsigned check_onsets(const struct kind *k, const float *a, const float *b, size_t n)
{
	unsigned n_words = 0;
	size_t quiet = 0;

	for (size_t at = 0; at + 960 <= n; at += 48) {
		double now = rms(b + at, NULL, 240);

		if (now < 2e-3) {
			quiet += 48;
			continue;
		}
		if (quiet > 24000) {
			double db = 20 * log10(rms(a + at, NULL, 960) / rms(b + at, NULL, 960));

			n_words++;
			g_test_message("%s: word %u, first 20 ms %.2f dB against ungated, differ %.1f dB", k->name, n_words, db,
				       20 * log10(rms(a + at, b + at, 960) / rms(b + at, NULL, 960) + 1e-10));
			g_assert_cmpfloat(fabs(db), <, 0.5);
			g_assert_cmpfloat(20 * log10(rms(a + at, b + at, 960) / rms(b + at, NULL, 960) + 1e-10), <, k->onset_db);
			g_assert_cmpfloat(rms(a + at - 1920, b + at - 1920, 1920), <, 1e-3);
		}
		quiet = 0;
	}
	return n_words;
}

static void test_gate(const void *arg)
{
	const struct kind *k = arg;
	const struct codec *c = codec_find(k->codec, k->clock);
	size_t n, heard_n = 48 * (RUN_MS - 300), start[WORDS];
	g_autofree float *smp = words(c->srate, &n, start), *a = NULL, *b = NULL;
	struct side gated = side_new(k, true, smp, n);
	uint64_t dec_a = side_run(&gated, &a, heard_n), dec_b;
	struct side ungated = side_new(k, false, smp, n);
	double diff, word = 0.1;

	dec_b = side_run(&ungated, &b, heard_n);
	diff = 20 * log10(rms(a, b, heard_n) / word + 1e-10);
	g_test_message("%s: %" G_GUINT64_FORMAT " decoded of %" G_GUINT64_FORMAT ", they differ by %.1f dB", k->name, dec_a,
		       dec_b, diff);
	g_assert_cmpuint(check_onsets(k, a, b, heard_n), ==, WORDS - 1);   /* the first comes before the gate has closed */
	g_assert_cmpfloat(diff, <, k->diff_db);
	g_assert_cmpuint(dec_a * 100, <=, dec_b * k->decoded);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/gate/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_gate);
	}
	return g_test_run();
}
