/*
 * resample.c - from a codec's rate to the mix's and back, by a polyphase filter.
 *
 * Rates from and to are as M to L in lowest terms. In thought the input gets L-1 zeros after each sample, passes a low
 * pass at from * L, and every M-th sample is kept. In fact only the taps that meet a sample are computed: output t uses
 * phase (t * M) mod L of the filter on the input that ends at (t * M) div L.
 *
 *     in:  |--- taps-1 old ---|------- block -------|        hist, one per channel
 *                    |<- phase p ->|                          dot product of `taps`
 *
 * The filter has the loudness curve of a Kaiser window of 64 dB and the least delay that such a curve can have
 * (minphase.c): at 8 kHz 0.2 ms where the window itself takes 2.2. It is made once per pair of rates and shared by all that
 * use it (the table for 8 kHz is under 1 KiB, for 44.1 kHz 24 KiB); it stays, as it takes a millisecond to make, and those
 * of 44.1 kHz 15. What it costs is phase, which is not heard.
 *
 * 44.1 kHz does it this way too, though libsamplerate was the first thought. Its SRC_SINC_FASTEST allocates nothing in
 * src_process, but keeps its delay back at the start (98 samples come out of the first 110, and those 21 never catch
 * up), takes 60 us for 10 ms where this takes 4, and would be a second thing to test. It stays the tool for a ratio
 * that moves (drift).
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <re.h>

#include "gcd.h"
#include "kernel.h"
#include "minphase.h"
#include "resample.h"

enum {
	BLOCK      = 480,         /* input samples worked on at once */
	RATE_MIN   = 8000,
	RATE_MAX   = 48000,
	PHASES_MAX = 640,
	CH_MAX     = 2,
	LINE       = 64,          /* bytes of the cache; a load across two costs two */
};

#define PASS     0.45             /* of the lower rate */
#define STOP     0.56
#define ATT_DB   64.0
#define FLOOR    1e-5             /* -100 dB: where the curve's zeros are filled up, see minphase.c */

/* One filter, shared by all and never freed: there are no more than pairs of rates. */
struct fir {
	struct fir *next;
	uint32_t from, to;
	struct polyphase p;
	double   delay_s;
	float   *phase;           /* p.phase, which is ours to write; each phase backwards: oldest input first */
	void    *mem;             /* where it lies, from a cache line's begin on */
};

struct resample {
	struct fir *fir;          /* NULL: a copy */
	uint8_t  ch;
	size_t   pos;             /* input index of the next output, counted from the block to come */
	uint32_t ph;              /* and its phase */
	float   *hist[CH_MAX];    /* [taps - 1 + BLOCK] */
};

static struct fir *firs;
static pthread_mutex_t fir_lock = PTHREAD_MUTEX_INITIALIZER;

static double bessel_i0(double x)
{
	double sum = 1.0, term = 1.0;

	for (int k = 1; term > 1e-12 * sum; k++) {
		term *= (x / (2.0 * k)) * (x / (2.0 * k));
		sum += term;
	}
	return sum;
}

/* Tap i of n of the low pass at `rate`, with its cut-off at `cut` Hz; the sum over all taps is 1. */
static double kaiser_tap(size_t i, size_t n, double cut, double rate)
{
	const double beta = 0.1102 * (ATT_DB - 8.7);
	const double half = (double)(n - 1) / 2.0, t = (double)i - half, x = 2.0 * cut / rate * t;
	const double sinc = x == 0.0 ? 1.0 : sin(M_PI * x) / (M_PI * x);
	const double edge = 1.0 - (t / half) * (t / half);

	return 2.0 * cut / rate * sinc * bessel_i0(beta * sqrt(edge > 0.0 ? edge : 0.0)) / bessel_i0(beta);
}

static size_t kaiser_length(double transition, double rate)
{
	return (size_t)ceil((ATT_DB - 7.95) / (2.285 * 2.0 * M_PI * transition / rate)) + 1;
}

/* Scaled so that each phase alone passes a constant unchanged: no hum at the rate of the phases. */
static void phase_normalise(float *phase, size_t taps)
{
	double sum = 0.0;

	for (size_t k = 0; k < taps; k++)
		sum += (double)phase[k];
	for (size_t k = 0; k < taps; k++)
		phase[k] = (float)((double)phase[k] / sum);
}

/* The first moment of the taps: what a filter delays low notes by, in samples. */
static double centre(const double *tap, size_t n)
{
	double sum = 0.0, moment = 0.0;

	for (size_t i = 0; i < n; i++) {
		sum += tap[i];
		moment += tap[i] * (double)i;
	}
	return moment / sum;
}

static void phases_fill(struct fir *f, const double *tap, size_t n)
{
	for (size_t p = 0; p < f->p.l; p++) {
		float *phase = f->phase + p * f->p.taps;

		for (size_t k = 0; k < f->p.taps; k++) {
			const size_t i = p + k * f->p.l;

			phase[f->p.taps - 1 - k] = i < n ? (float)(f->p.l * tap[i]) : 0.0f;
		}
		phase_normalise(phase, f->p.taps);
	}
}

static int fir_fill(struct fir *f, size_t n)
{
	const double low = f->from < f->to ? f->from : f->to, rate = (double)f->from * f->p.l;
	double *tap = mem_zalloc(n * sizeof(*tap), NULL);
	int err;

	if (!tap)
		return ENOMEM;

	for (size_t i = 0; i < n; i++)
		tap[i] = kaiser_tap(i, n, low * (PASS + STOP) / 2.0, rate);
	err = minphase(tap, n, FLOOR);
	if (!err) {
		phases_fill(f, tap, n);
		f->delay_s = centre(tap, n) / rate;
	}
	mem_deref(tap);
	return err;
}

static void fir_destructor(void *arg)
{
	struct fir *f = arg;

	mem_deref(f->mem);
}

static int fir_make(struct fir **fp, uint32_t from, uint32_t to)
{
	const uint32_t g = gcd(from, to), low = from < to ? from : to;
	struct fir *f;
	size_t n;
	int err;

	if (to / g > PHASES_MAX || from / g > PHASES_MAX)
		return EINVAL;

	f = mem_zalloc(sizeof(*f), fir_destructor);
	if (!f)
		return ENOMEM;

	f->from = from;
	f->to = to;
	f->p.l = to / g;
	f->p.m = from / g;
	n = kaiser_length(low * (STOP - PASS), (double)from * f->p.l);
	f->p.taps = (n + f->p.l - 1) / f->p.l;
	f->p.taps = (f->p.taps + KERNEL_TAPS - 1) / KERNEL_TAPS * KERNEL_TAPS;
	f->mem = mem_zalloc(f->p.l * f->p.taps * sizeof(float) + LINE, NULL);
	if (!f->mem) {
		mem_deref(f);
		return ENOMEM;
	}

	f->phase = (float *)(((uintptr_t)f->mem + LINE - 1) / LINE * LINE);
	f->p.phase = f->phase;
	err = fir_fill(f, n);
	if (err)
		mem_deref(f);
	else
		*fp = f;
	return err;
}

static int fir_get(struct fir **fp, uint32_t from, uint32_t to)
{
	struct fir *f;
	int err = 0;

	pthread_mutex_lock(&fir_lock);
	for (f = firs; f; f = f->next)
		if (f->from == from && f->to == to)
			break;
	if (!f) {
		err = fir_make(&f, from, to);
		if (!err) {
			f->next = firs;
			firs = f;
		}
	}
	if (!err)
		*fp = f;
	pthread_mutex_unlock(&fir_lock);
	return err;
}

static void resample_destructor(void *arg)
{
	struct resample *r = arg;

	for (int c = 0; c < CH_MAX; c++)
		mem_deref(r->hist[c]);
}

static int hist_alloc(struct resample *r)
{
	for (int c = 0; c < r->ch; c++) {
		r->hist[c] = mem_zalloc((r->fir->p.taps - 1 + BLOCK) * sizeof(float), NULL);
		if (!r->hist[c])
			return ENOMEM;
	}
	return 0;
}

int resample_alloc(struct resample **rp, uint32_t from, uint32_t to, uint8_t channels)
{
	struct resample *r;
	int err = 0;

	if (from < RATE_MIN || from > RATE_MAX || to < RATE_MIN || to > RATE_MAX || channels < 1 || channels > CH_MAX)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), resample_destructor);
	if (!r)
		return ENOMEM;

	r->ch = channels;
	if (from == to)
		goto out;

	err = fir_get(&r->fir, from, to);
	if (!err)
		err = hist_alloc(r);
out:
	if (err)
		mem_deref(r);
	else
		*rp = r;
	return err;
}

static void load_block_rt(struct resample *r, const float *in, size_t n)
{
	const size_t old = r->fir->p.taps - 1;

	if (r->ch == 1) {
		memcpy(r->hist[0] + old, in, n * sizeof(*in));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		r->hist[0][old + i] = in[2 * i];
		r->hist[1][old + i] = in[2 * i + 1];
	}
}

/* As many outputs as begin within these n. */
static size_t filter_block_rt(struct resample *r, float *out, size_t n)
{
	const struct polyphase *p = &r->fir->p;
	const size_t room = r->pos < n ? (n - r->pos) * p->l - r->ph : 0, n_out = (room + p->m - 1) / p->m;
	const size_t end = r->ph + n_out * p->m;

	for (uint8_t c = 0; c < r->ch; c++)
		kernel_now->polyphase(out + c, r->ch, p, r->ph, r->hist[c] + r->pos, n_out);
	r->pos += end / p->l - n;
	r->ph = (uint32_t)(end % p->l);
	return n_out;
}

size_t resample_rt(struct resample *r, float *out, const float *in, size_t n_in)
{
	size_t n_out = 0;

	if (!r->fir) {
		memcpy(out, in, n_in * r->ch * sizeof(*out));
		return n_in;
	}

	while (n_in) {
		const size_t n = n_in < BLOCK ? n_in : BLOCK;

		load_block_rt(r, in, n);
		n_out += filter_block_rt(r, out + n_out * r->ch, n);
		for (uint8_t c = 0; c < r->ch; c++)
			memmove(r->hist[c], r->hist[c] + n, (r->fir->p.taps - 1) * sizeof(float));
		in += n * r->ch;
		n_in -= n;
	}
	return n_out;
}

size_t resample_max(const struct resample *r, size_t n_in)
{
	return r->fir ? n_in * r->fir->p.l / r->fir->p.m + 1 : n_in;
}

uint32_t resample_delay_us(const struct resample *r)
{
	return r->fir ? (uint32_t)(r->fir->delay_s * 1e6 + 0.5) : 0;
}

void resample_copy_rt(struct resample *dst, const struct resample *src)
{
	if (dst->fir != src->fir || dst->ch != src->ch)
		return;
	dst->pos = src->pos;
	dst->ph = src->ph;
	for (int c = 0; c < src->ch && src->fir; c++)
		memcpy(dst->hist[c], src->hist[c], (src->fir->p.taps - 1) * sizeof(float));
}
