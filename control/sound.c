/*
 * sound.c - a piece of sound whole in memory.
 *
 * Read once, at start or reload, mixed down to one channel and brought to 48 kHz, so that a media thread only
 * copies: from the rates of calls by the mixer's filter, from any other by libsamplerate, which needs no table for a
 * ratio like 47999 to 48000. The media threads read it without a reference of their own (references are not atomic), and a bus reads
 * on for a moment after control has let go of it, while its last leg fades out. So a sound given up is kept for a
 * second of grace, or, when the loop has ended before that, until sound_close.
 */
#include <errno.h>
#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <re.h>
#include "mixer/resample.h"
#include "mixer/tune.h"
#include "sound.h"
#include "wheel.h"

enum { RATE = 48000, CHUNK = 1024, CHANNELS_MAX = 8, RATE_MIN = 8000, RATE_MAX = 192000, GRACE_MS = 1000 };

struct sound {
	struct le le;             /* in `retired` */
	struct wheel_tmr grace;
	float *smp;
	size_t n, size;
};

static struct list retired;

static void sound_destructor(void *data)
{
	struct sound *s = data;

	wheel_cancel(&s->grace);
	list_unlink(&s->le);
	mem_deref(s->smp);
}

static void grace_over(void *arg)
{
	mem_deref(arg);
}

void sound_retire(struct sound *s)
{
	if (!s)
		return;
	if (mem_nrefs(s) > 1) {
		mem_deref(s);
		return;
	}
	list_append(&retired, &s->le, s);
	wheel_start(&s->grace, GRACE_MS, grace_over, s);
}

void sound_close(void)
{
	list_flush(&retired);
}

const float *sound_smp(const struct sound *s)
{
	return s->smp;
}

size_t sound_len(const struct sound *s)
{
	return s->n;
}

int sound_take(struct sound **sp, float *smp, size_t n)
{
	struct sound *s = mem_zalloc(sizeof(*s), sound_destructor);

	if (!s)
		return ENOMEM;
	s->smp = smp;
	s->n = n;
	*sp = s;
	return 0;
}

int sound_tune(struct sound **sp)
{
	struct sound *s = mem_zalloc(sizeof(*s), sound_destructor);
	int err;

	if (!s)
		return ENOMEM;
	err = tune_make(&s->smp, &s->n);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

static int grow(struct sound *s, size_t more)
{
	if (s->n + more <= s->size)
		return 0;
	size_t size = s->size ? 2 * s->size : RATE;
	while (size < s->n + more)
		size *= 2;
	float *p = s->smp ? mem_realloc(s->smp, size * sizeof(*p)) : mem_alloc(size * sizeof(*p), NULL);
	if (!p)
		return ENOMEM;
	s->smp = p;
	s->size = size;
	return 0;
}

/* A float file may hold anything, NaN and infinity too. */
static void to_mono(float *dst, const float *src, size_t n, int channels)
{
	for (size_t i = 0; i < n; i++) {
		float sum = 0;

		for (int ch = 0; ch < channels; ch++)
			sum += src[i * (size_t)channels + (size_t)ch];
		sum /= (float)channels;
		dst[i] = isfinite(sum) ? fmaxf(-1.0f, fminf(1.0f, sum)) : 0;
	}
}

struct rate {                             /* to 48 kHz: one of the two */
	struct resample *own;
	SRC_STATE *odd;
	double ratio;
};

static int rate_init(struct rate *r, int from)
{
	int err;

	*r = (struct rate){ .ratio = (double)RATE / from };
	if (from == 8000 || from == 16000 || from == 44100 || from == RATE)
		return resample_alloc(&r->own, (uint32_t)from, RATE, 1);
	r->odd = src_new(SRC_SINC_FASTEST, 1, &err);
	return r->odd ? 0 : ENOMEM;
}

static void rate_close(struct rate *r)
{
	mem_deref(r->own);
	if (r->odd)
		src_delete(r->odd);
}

static int append_odd(struct sound *s, const struct rate *r, const float *mono, size_t n)
{
	SRC_DATA d = { .data_in = mono, .input_frames = (long)n, .src_ratio = r->ratio, .end_of_input = !n };

	do {
		int err = grow(s, CHUNK);

		if (err)
			return err;
		d.data_out = s->smp + s->n;
		d.output_frames = CHUNK;
		if (src_process(r->odd, &d))
			return EBADMSG;
		s->n += (size_t)d.output_frames_gen;
		d.data_in += d.input_frames_used;
		d.input_frames -= d.input_frames_used;
	} while (d.input_frames > 0 || d.output_frames_gen == CHUNK);
	return 0;
}

/* n 0: the end, and what the filter still holds. */
static int append(struct sound *s, const struct rate *r, const float *mono, size_t n)
{
	int err = 0;

	if (r->odd) {
		err = append_odd(s, r, mono, n);
	} else if (n) {
		err = grow(s, resample_max(r->own, n));
		if (!err)
			s->n += resample_rt(r->own, s->smp + s->n, mono, n);
	}
	return err ? err : s->n > (size_t)SOUND_MAX_S * RATE + RATE / 100 ? E2BIG : 0;
}

static int read_all(struct sound *s, SNDFILE *f, const struct rate *r, int channels)
{
	float in[CHUNK * CHANNELS_MAX], mono[CHUNK];
	sf_count_t n;
	int err = 0;

	/* The header's count of frames is only a claim: what is read is what counts. */
	while (!err && (n = sf_readf_float(f, in, CHUNK)) > 0) {
		to_mono(mono, in, (size_t)n, channels);
		err = append(s, r, mono, (size_t)n);
	}
	if (!err)
		err = append(s, r, mono, 0);
	return err ? err : s->n ? 0 : ENODATA;
}

static int convert(struct sound *s, SNDFILE *f, const SF_INFO *info)
{
	struct rate r;
	int err;

	if (info->channels < 1 || info->channels > CHANNELS_MAX || info->samplerate < RATE_MIN ||
	    info->samplerate > RATE_MAX)
		return ENOTSUP;
	err = rate_init(&r, info->samplerate);
	if (!err)
		err = read_all(s, f, &r, info->channels);
	rate_close(&r);
	return err;
}

int sound_load(struct sound **sp, const char *path)
{
	struct sound *s = mem_zalloc(sizeof(*s), sound_destructor);
	SF_INFO info = { 0 };
	SNDFILE *f;
	int err;

	if (!s)
		return ENOMEM;
	errno = 0;
	f = sf_open(path, SFM_READ, &info);
	if (f) {
		err = convert(s, f, &info);
		sf_close(f);
	} else {
		err = sf_error(NULL) == SF_ERR_SYSTEM && errno ? errno : EBADMSG;
	}
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}
