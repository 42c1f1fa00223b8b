/*
 * plc.c - sound for a packet that did not come.
 *
 *     history (40 ms)           loss                                       stream resumes
 *     ~~~~~~~~~~~[ pattern ]   [ pattern ][ pattern ][ patte...             ~~~~~~~~~~~
 *                               full 10 ms, then fades, silent at 80 ms    >< 4 ms blended
 *
 * Voice repeats itself every 2.5 to 15 ms. The pitch is found by correlation at about 8 kHz and then refined at the
 * full rate; what is repeated is the last whole number of pitch periods that lasts at least 8 ms, because repeating a
 * single short one buzzes. The end of the pattern is cross-faded into what preceded its beginning, so its loop has no
 * seam; the step that is left at the very beginning is taken away by an offset that dies within 2 ms. What is made up is
 * never louder than the loudest of the history: with losses between frames of a millisecond, offsets would otherwise pile
 * up. All channels share one pitch, so a stereo image does not wander.
 *
 * Against spandsp's plc_*: it does the same for one channel of 16-bit samples at 8 kHz only.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "plc.h"

enum {
	LAG_MIN_US  = 2500,
	LAG_MAX_US  = 15000,
	MATCH_US    = 15000,      /* length that is compared */
	PATTERN_US  = 8000,       /* at least */
	SEAM_US     = 2500,
	HISTORY_US  = 40000,      /* > LAG_MAX + MATCH, > longest pattern + SEAM */
	FULL_US     = 10000,
	FADE_US     = 70000,
	BLEND_US    = 4000,
	STEP_US     = 500,        /* time constant of the offset */
	CH_MAX      = 2,
};

struct plc {
	uint32_t srate;
	uint8_t  ch;
	size_t   n_hist;          /* per channel */
	size_t   pos;             /* where the next sample goes in the ring, = the oldest */
	float   *hist;            /* ring */
	float   *line;            /* the ring, straightened, oldest first: made at a loss */
	float   *mono;            /* ... its channels summed */
	size_t   pattern;         /* length; it is the end of `line` */
	size_t   at;              /* next of the pattern */
	size_t   lost;            /* samples concealed since the last good one */
	float    step[CH_MAX], decay;
	float    peak[CH_MAX];    /* of `line` */
};

static size_t us_to_smp(const struct plc *p, uint32_t us)
{
	return (size_t)((uint64_t)us * p->srate / 1000000);
}

static void plc_destructor(void *arg)
{
	struct plc *p = arg;

	mem_deref(p->hist);
	mem_deref(p->line);
	mem_deref(p->mono);
}

int plc_alloc(struct plc **pp, uint32_t srate, uint8_t channels)
{
	struct plc *p;

	if (srate < 8000 || srate > 48000 || channels < 1 || channels > CH_MAX)
		return EINVAL;

	p = mem_zalloc(sizeof(*p), plc_destructor);
	if (!p)
		return ENOMEM;

	p->srate = srate;
	p->ch = channels;
	p->n_hist = us_to_smp(p, HISTORY_US);
	p->decay = expf(-1e6f / (STEP_US * (float)srate));
	p->hist = mem_zalloc(p->n_hist * channels * sizeof(float), NULL);
	p->line = mem_zalloc(p->n_hist * channels * sizeof(float), NULL);
	p->mono = mem_zalloc(p->n_hist * sizeof(float), NULL);
	if (!p->hist || !p->line || !p->mono) {
		mem_deref(p);
		return ENOMEM;
	}

	*pp = p;
	return 0;
}

static void remember_rt(struct plc *p, const float *smp, size_t n)
{
	size_t part;

	if (n > p->n_hist) {
		smp += (n - p->n_hist) * p->ch;
		n = p->n_hist;
	}

	part = n < p->n_hist - p->pos ? n : p->n_hist - p->pos;
	memcpy(p->hist + p->pos * p->ch, smp, part * p->ch * sizeof(*smp));
	memcpy(p->hist, smp + part * p->ch, (n - part) * p->ch * sizeof(*smp));
	p->pos = (p->pos + n) % p->n_hist;
}

static void straighten_rt(struct plc *p)
{
	const size_t n = p->n_hist - p->pos;

	memcpy(p->line, p->hist + p->pos * p->ch, n * p->ch * sizeof(float));
	memcpy(p->line + n * p->ch, p->hist, p->pos * p->ch * sizeof(float));
	for (size_t c = 0; c < p->ch; c++)
		p->peak[c] = 0.0f;
	for (size_t i = 0; i < p->n_hist; i++) {
		const float *x = p->line + i * p->ch;

		p->mono[i] = p->ch == 2 ? x[0] + x[1] : x[0];
		for (size_t c = 0; c < p->ch; c++)
			p->peak[c] = fmaxf(p->peak[c], fabsf(x[c]));
	}
}

/* How well the last `len` samples agree with those `lag` earlier: normalised, looking at every stride-th. */
static float likeness_rt(const struct plc *p, size_t lag, size_t len, size_t stride)
{
	const float *a = p->mono + p->n_hist - len, *b = a - lag;
	float ab = 0.0f, bb = 1e-9f;

	for (size_t i = 0; i < len; i += stride) {
		ab += a[i] * b[i];
		bb += b[i] * b[i];
	}
	return ab / sqrtf(bb);
}

static size_t best_lag_rt(const struct plc *p, size_t lo, size_t hi, size_t lag_step, size_t stride)
{
	const size_t len = us_to_smp(p, MATCH_US);
	float best = -INFINITY;
	size_t at = hi;

	for (size_t lag = lo; lag <= hi; lag += lag_step) {
		const float like = likeness_rt(p, lag, len, stride);

		if (like > best) {
			best = like;
			at = lag;
		}
	}
	return at;
}

static size_t pitch_rt(const struct plc *p)
{
	const size_t lo = us_to_smp(p, LAG_MIN_US), hi = us_to_smp(p, LAG_MAX_US), stride = p->srate / 8000;
	size_t lag = best_lag_rt(p, lo, hi, stride, stride);

	if (stride == 1)
		return lag;
	return best_lag_rt(p, lag > lo + stride ? lag - stride : lo, lag + stride < hi ? lag + stride : hi, 1, stride);
}

/* Makes the pattern's end lead into its beginning. */
static void seam_rt(struct plc *p)
{
	const size_t n = us_to_smp(p, SEAM_US);
	float *end = p->line + (p->n_hist - n) * p->ch;
	const float *before = end - p->pattern * p->ch;

	for (size_t i = 0; i < n; i++) {
		const float w = (float)(i + 1) / (float)(n + 1);

		for (size_t c = 0; c < p->ch; c++, end++, before++)
			*end += w * (*before - *end);
	}
}

static void begin_rt(struct plc *p)
{
	size_t lag, last;

	straighten_rt(p);
	lag = pitch_rt(p);
	p->pattern = lag;
	while (p->pattern < us_to_smp(p, PATTERN_US))
		p->pattern += lag;
	p->at = 0;

	last = p->n_hist - 1;
	for (size_t c = 0; c < p->ch; c++)
		p->step[c] = p->line[last * p->ch + c] - p->line[(last - p->pattern) * p->ch + c];
	seam_rt(p);
}

static float fade_rt(const struct plc *p, size_t lost)
{
	const size_t full = us_to_smp(p, FULL_US), fade = us_to_smp(p, FADE_US);

	if (lost < full)
		return 1.0f;
	return lost < full + fade ? 1.0f - (float)(lost - full) / (float)fade : 0.0f;
}

static void next_rt(struct plc *p, float *frame)
{
	const float *x = p->line + (p->n_hist - p->pattern + p->at) * p->ch;
	const float gain = fade_rt(p, p->lost);

	for (size_t c = 0; c < p->ch; c++) {
		p->step[c] = fabsf(p->step[c]) > 1e-7f ? p->step[c] * p->decay : 0.0f;   /* never a slow denormal */
		frame[c] = gain * fmaxf(-p->peak[c], fminf(x[c] + p->step[c], p->peak[c]));
	}
	p->at = p->at + 1 < p->pattern ? p->at + 1 : 0;
	p->lost++;
}

void plc_seam_rt(struct plc *p)
{
	if (!p->lost)
		begin_rt(p);
	p->lost++;
}

void plc_reset_rt(struct plc *p)
{
	memset(p->hist, 0, p->n_hist * p->ch * sizeof(*p->hist));
	p->lost = 0;
}

void plc_fill_rt(struct plc *p, float *smp, size_t n_smp)
{
	const size_t silent = us_to_smp(p, FULL_US + FADE_US);
	size_t i = 0;

	if (!p->lost)
		begin_rt(p);

	for (; i < n_smp && p->lost < silent; i++)
		next_rt(p, smp + i * p->ch);
	memset(smp + i * p->ch, 0, (n_smp - i) * p->ch * sizeof(*smp));
	remember_rt(p, smp, n_smp);
}

static void blend_rt(struct plc *p, float *smp, size_t n_smp)
{
	size_t n = us_to_smp(p, BLEND_US);

	n = n < n_smp ? n : n_smp;
	for (size_t i = 0; i < n; i++) {
		const float w = (float)(i + 1) / (float)(n + 1);
		float old[CH_MAX];

		next_rt(p, old);
		for (size_t c = 0; c < p->ch; c++, smp++)
			*smp = old[c] + w * (*smp - old[c]);
	}
}

void plc_good_rt(struct plc *p, float *smp, size_t n_smp)
{
	if (p->lost && n_smp) {
		blend_rt(p, smp, n_smp);
		p->lost = 0;
	}
	remember_rt(p, smp, n_smp);
}
