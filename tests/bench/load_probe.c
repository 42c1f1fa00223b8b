/*
 * load_probe.c - what the calls that were listened to heard: how late, how loud, and whether themselves.
 *
 * Delay, as promised by the server ("the server's own delay"):
 *
 *     arrival of the packet that holds a sound - departure of the packet that held it
 *         + the sound's place in the one that came - its place in the one that left - the codecs' own delay
 *
 * The sound is the first sample of a chirp. A matched filter (correlation with the chirp, divided by what the sound
 * around it would give) finds it in what was decoded, a parabola through the peak's neighbours gives the part of a
 * sample. Found means a correlation over FOUND_MIN; what is not found is counted, never guessed. An Opus encoder looks
 * ahead, so what it was given comes out later, and in a later packet: for our own that is counted where the packet leaves,
 * for the server's own where it comes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

enum { SEEK_BEFORE_MS = 12, SEEK_AFTER_MS = 230 };
#define FOUND_MIN 0.4
#define NOTHING_DB (-200.0)

/* ---- delay ---- */

struct ear {                              /* what one call heard */
	const struct tape *t;
	float *pcm;
	size_t n;
};

static double correlate(const float *a, const float *b, size_t n)
{
	float sum[8] = {0};
	double all = 0;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		for (int k = 0; k < 8; k++)
			sum[k] += a[i + (size_t)k] * b[i + (size_t)k];
	for (; i < n; i++)
		all += (double)a[i] * b[i];
	for (int k = 0; k < 8; k++)
		all += sum[k];
	return all;
}

/* Where in pcm[from, to) does the chirp begin? -1: nowhere. */
static double chirp_find(const struct ear *ear, const float *chirp, size_t n, size_t from, size_t to)
{
	double own = correlate(chirp, chirp, n), best = 0, around, before, after, at;
	size_t peak = 0;

	if (to + n + 1 > ear->n)
		to = ear->n > n + 1 ? ear->n - n - 1 : 0;
	for (size_t i = from; i < to; i++) {
		double c = correlate(ear->pcm + i, chirp, n);

		if (c > best) {
			best = c;
			peak = i;
		}
	}
	if (!peak || peak == from)
		return -1;
	around = correlate(ear->pcm + peak, ear->pcm + peak, n);
	if (best < FOUND_MIN * sqrt(own * around))
		return -1;
	before = correlate(ear->pcm + peak - 1, chirp, n);
	after = correlate(ear->pcm + peak + 1, chirp, n);
	at = before + after - 2 * best;
	return (double)peak + (at < 0 ? (before - after) / (2 * at) : 0);
}

/* The packet that holds sample `at` of the timeline. */
static const struct rec *packet_of(const struct tape *t, double at)
{
	const struct rec *best = NULL;

	for (size_t i = 0; i < t->n; i++) {
		int32_t from = (int32_t)(t->rec[i].ts - t->rec[0].ts);

		if (from <= at && (!best || from > (int32_t)(best->ts - t->rec[0].ts)))
			best = &t->rec[i];
	}
	return best;
}

/* Timeline position of what came first at or after a time. */
static size_t position(const struct tape *t, uint64_t at_ns)
{
	for (size_t i = 0; i < t->n; i++) {
		int32_t from = (int32_t)(t->rec[i].ts - t->rec[0].ts);

		if (t->rec[i].at_ns >= at_ns && from >= 0)
			return (size_t)from;
	}
	return SIZE_MAX;
}

static bool delay_of(double *ms, const struct load *l, const struct ear *ear, const struct rec *left, const float *chirp,
		     size_t n)
{
	size_t from = position(ear->t, left->at_ns - SEEK_BEFORE_MS * 1000000ull);
	const struct rec *came;
	double at;

	if (from == SIZE_MAX)
		return false;
	at = chirp_find(ear, chirp, n, from, from + l->rate / 1000 * (SEEK_BEFORE_MS + SEEK_AFTER_MS));
	if (at < 0)
		return false;
	at -= l->o.raw ? 0 : l->lookahead;
	came = packet_of(ear->t, at);
	if (!came)
		return false;
	*ms = (double)(int64_t)(came->at_ns - left->at_ns) / 1e6 +
	      1000 * ((at - (double)(int32_t)(came->ts - ear->t->rec[0].ts) - (double)left->ts) / l->rate);
	return true;
}

static void delay_add(struct found *f, double ms, bool early)
{
	double *more = realloc(f->delay_ms, (f->n_delay + 1) * sizeof(*more));

	if (!more)
		return;
	f->delay_ms = more;
	if (early) {              /* those of the first half stand in front */
		more[f->n_delay] = more[f->n_early];
		more[f->n_early++] = ms;
	} else {
		more[f->n_delay] = ms;
	}
	f->n_delay++;
}

/* Who chirps for this call: the first talker of its room; without rooms its own sound comes back. */
static const struct call *chirper(const struct load *l, const struct call *c)
{
	uint32_t index = (uint32_t)(c - l->calls);
	const struct call *who = l->o.raw ? c : &l->calls[index % l->o.rooms];

	return who == c && !l->o.raw ? NULL : who;
}

static void delays_of_call(struct load *l, const struct call *c, const float *chirp, size_t n)
{
	const struct call *who = chirper(l, c);
	struct ear ear = {.t = c->in};
	double ms;

	if (!who || !who->out || sound_decode(&ear.pcm, &ear.n, l, c->in))
		return;
	for (size_t i = 0; i < who->out->n; i++) {
		const struct rec *left = &who->out->rec[i];

		/* Neither when listening had not begun nor when it ended before the chirp could come. */
		if (left->at_ns < c->in->rec[0].at_ns + SEEK_BEFORE_MS * 1000000ull ||
		    left->at_ns + (SEEK_AFTER_MS + CHIRP_MS + 20) * 1000000ull > c->in->rec[c->in->n - 1].at_ns)
			continue;
		l->found.sought++;
		if (delay_of(&ms, l, &ear, left, chirp, n))
			delay_add(&l->found, ms, i < who->out->n / 2);
	}
	free(ear.pcm);
}

void probe_delays(struct load *l)
{
	float *chirp = calloc(l->rate, sizeof(*chirp));
	struct found *f = &l->found;
	size_t n = chirp ? sound_chirp(chirp, l) : 0;

	for (uint32_t i = 0; i < l->o.calls && n; i++)
		if (l->calls[i].in && l->calls[i].in->n)
			delays_of_call(l, &l->calls[i], chirp, n);
	free(chirp);
	if (!f->n_delay)
		return;
	qsort(f->delay_ms, f->n_early, sizeof(double), compare_doubles);
	qsort(f->delay_ms + f->n_early, f->n_delay - f->n_early, sizeof(double), compare_doubles);
	f->early_p50 = percentile(f->delay_ms, f->n_early, 0.5);
	f->late_p50 = percentile(f->delay_ms + f->n_early, f->n_delay - f->n_early, 0.5);
	qsort(f->delay_ms, f->n_delay, sizeof(double), compare_doubles);
}

/* ---- levels ---- */

/* Peak of the sine of that frequency in one second (Hann window, so that others 4 Hz away do not leak in). */
static double tone_peak(const float *pcm, size_t n, double hz, uint32_t rate)
{
	double re = 0, im = 0, weight = 0;

	for (size_t i = 0; i < n; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n), a = 2 * M_PI * hz * (double)i / rate;

		re += w * pcm[i] * cos(a);
		im += w * pcm[i] * sin(a);
		weight += w;
	}
	return 2 * hypot(re, im) / weight;
}

static double db(double peak) { return peak > 1e-10 ? 20 * log10(peak) : NOTHING_DB; }

static void levels_of_call(struct load *l, uint32_t index)
{
	const struct call *c = &l->calls[index];
	double sent = db(sound_tone_peak(l));
	struct ear ear = {.t = c->in};
	size_t from;

	if (sound_decode(&ear.pcm, &ear.n, l, c->in))
		return;
	from = ear.n / 2;                 /* the middle, where all have arrived and nobody has left */
	for (uint32_t t = index % l->o.rooms; t < l->o.talkers && t < l->o.calls && from + l->rate < ear.n; t += l->o.rooms) {
		double off = db(tone_peak(ear.pcm + from, l->rate, sound_tone_hz(l, t / l->o.rooms), l->rate)) - sent;

		if (t == index) {
			l->found.own_db = l->found.n_own++ ? fmax(l->found.own_db, off) : off;
		} else {
			l->found.n_levels++;
			l->found.level_error_db = fmax(l->found.level_error_db, fabs(off));
		}
	}
	free(ear.pcm);
}

void probe_levels(struct load *l)
{
	for (uint32_t i = 0; i < l->o.calls; i++)
		if (l->calls[i].in && l->calls[i].in->n)
			levels_of_call(l, i);
}
