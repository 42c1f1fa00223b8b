/*
 * load_sound.c - what the callers say: one second each, encoded once at start and played again and again.
 *
 *     speech    a buzz with two formants in four syllables a second, at a few pitches: a level meter takes it for speech
 *     quiet     the noise of a room, -66 dBFS: a codec sends it at its full rate, which digital silence it does not
 *     chirp     a sweep of 32 ms four times a second over low speech: a matched filter finds it to a part of a sample
 *     tone      one sine per talker, 61 Hz apart: who is heard, how loud, and whether one hears oneself
 *
 * Opus is encoded twice round, and the second round is kept, so that the seam is none to the decoder.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

enum {
	VOICES = 4, TONE_FIRST = 420, TONE_STEP = 61, TONES_MAX = 48, OPUS_SMP_MAX = 5760,
	TIMELINE_MAX_SMP = 48000 * 625,   /* an hour of a phone */
};

static const struct { const char *name; uint8_t pt; uint32_t rate; } codecs[] = {
	[CODEC_PCMU] = {"PCMU", 0, 8000}, [CODEC_PCMA] = {"PCMA", 8, 8000},
	[CODEC_OPUS] = {"opus", 96, 48000}, [CODEC_L16] = {"L16", 97, 48000},
};

const char *codec_name(enum codec c) { return codecs[c].name; }

uint8_t codec_pt(enum codec c) { return codecs[c].pt; }

/* ---- G.711 ---- */

static int16_t clip(float v)
{
	return (int16_t)lrintf(fmaxf(-1.0f, fminf(v, 32767.0f / 32768)) * 32768);
}

static uint8_t ulaw(int16_t pcm)
{
	int v = pcm, sign = 0, exp = 7;

	if (v < 0) {
		v = -v;
		sign = 0x80;
	}
	if (v > 32635)
		v = 32635;
	v += 0x84;
	while (exp > 0 && !(v & (0x80 << exp)))
		exp--;
	return (uint8_t)~(sign | exp << 4 | (v >> (exp + 3) & 0x0f));
}

static uint8_t alaw(int16_t pcm)
{
	int v = pcm, sign = 0x80, exp = 7;

	if (v < 0) {
		v = -v - 1;
		sign = 0;
	}
	while (exp > 0 && !(v & (0x80 << exp)))
		exp--;
	return (uint8_t)((sign | exp << 4 | (v >> (exp ? exp + 3 : 4) & 0x0f)) ^ 0x55);
}

static float ulaw_back(uint8_t u)
{
	int v;

	u = (uint8_t)~u;
	v = ((((u & 15) << 3) + 0x84) << (u >> 4 & 7)) - 0x84;
	return (float)(u & 0x80 ? -v : v) / 32768;
}

static float alaw_back(uint8_t a)
{
	int exp, v;

	a ^= 0x55;
	exp = a >> 4 & 7;
	v = (a & 15) << 4;
	v = exp ? (v + 0x108) << (exp - 1) : v + 8;
	return (float)(a & 0x80 ? v : -v) / 32768;
}

/* ---- a second of sound ---- */

static void add_speech(float *pcm, const struct load *l, unsigned voice, double peak)
{
	double pitch = 110 + 25 * voice;

	for (uint32_t i = 0; i < l->rate; i++) {
		double t = (double)i / l->rate, syllable = sin(M_PI * fmod(t * 4, 1.0));
		double v = sin(2 * M_PI * pitch * t) + 0.6 * sin(2 * M_PI * 4 * pitch * t) + 0.3 * sin(2 * M_PI * 13 * pitch * t);

		pcm[i] += (float)(peak / 1.9 * syllable * v);
	}
}

static void add_noise(float *pcm, const struct load *l)
{
	uint64_t dice = 1;

	for (uint32_t i = 0; i < l->rate; i++)
		pcm[i] += (float)((dice_throw(&dice) - 0.5) * 2 * 0.0008);
}

/* Up to where G.711 ends; so also for Opus as voice, which does not keep the wave's shape above. */
size_t sound_chirp(float *pcm, const struct load *l)
{
	size_t n = l->rate * CHIRP_MS / 1000;
	double from = 400, to = l->rate == 8000 || l->o.ptime_ms >= 10 ? 3300 : 6500, dur = CHIRP_MS / 1000.0;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i / l->rate, edge = fmin(1, fmin((double)i, (double)(n - 1 - i)) / (0.1 * (double)n));

		pcm[i] = (float)(0.5 * sin(M_PI / 2 * edge) * sin(2 * M_PI * (from * t + (to - from) / (2 * dur) * t * t)));
	}
	return n;
}

/* At another place of a packet each time, and never near its edge: half a sample there would be another packet. */
size_t sound_chirp_at(const struct load *l, uint32_t k)
{
	size_t frame = (size_t)l->rate / 1000 * (k * CHIRP_SPACE_MS + 20) / l->n_smp;

	return frame * l->n_smp + l->n_smp * (k + 1) / (CHIRPS_A_SECOND + 1);
}

static void add_chirps(float *pcm, const struct load *l)
{
	float *chirp = calloc(l->rate, sizeof(float));
	size_t n = chirp ? sound_chirp(chirp, l) : 0;

	for (uint32_t k = 0; k < CHIRPS_A_SECOND; k++)
		for (size_t i = 0; i < n; i++)
			pcm[sound_chirp_at(l, k) + i] += chirp[i];
	free(chirp);
}

double sound_tone_hz(const struct load *l, uint32_t talker)
{
	(void)l;
	return TONE_FIRST + TONE_STEP * (talker % TONES_MAX);
}

/* All together stay below full scale. */
double sound_tone_peak(const struct load *l)
{
	uint32_t talkers = l->o.talkers < l->o.calls ? l->o.talkers : l->o.calls;
	double a_room = ceil((double)talkers / l->o.rooms);

	return fmin(0.1, 0.5 / fmax(1, a_room));
}

static void add_tone(float *pcm, const struct load *l, uint32_t talker)
{
	double hz = sound_tone_hz(l, talker), peak = sound_tone_peak(l);

	for (uint32_t i = 0; i < l->rate; i++)
		pcm[i] += (float)(peak * sin(2 * M_PI * hz * i / l->rate));
}

/* ---- encode ---- */

static OpusEncoder *opus_make(const struct load *l)
{
	/* As the server's own: restricted low delay for what musicians use, else voice. */
	int app = l->o.ptime_ms < 10 ? OPUS_APPLICATION_RESTRICTED_LOWDELAY : OPUS_APPLICATION_VOIP, err;
	OpusEncoder *enc = opus_encoder_create(48000, (int)l->o.channels, app, &err);

	if (!enc)
		return NULL;
	opus_encoder_ctl(enc, OPUS_SET_BITRATE((int)l->o.bitrate));
	opus_encoder_ctl(enc, OPUS_SET_COMPLEXITY(5));
	return enc;
}

static int encode_frame(struct loop *lp, uint32_t f, const struct load *l, OpusEncoder *enc, const float *smp)
{
	uint8_t *out = lp->data + (size_t)f * FRAME_MAX;
	uint32_t n = l->n_smp, ch = l->o.channels;
	int len = (int)n;

	if (l->o.codec == CODEC_OPUS) {
		float wide[OPUS_SMP_MAX * 2];

		for (uint32_t i = 0; i < n * ch; i++)
			wide[i] = smp[i / ch];
		len = opus_encode_float(enc, wide, (int)n, out, FRAME_MAX);
	} else if (l->o.codec == CODEC_L16) {
		for (uint32_t i = 0; i < n * ch; i++) {
			uint16_t v = htons((uint16_t)clip(smp[i / ch]));

			memcpy(out + 2 * i, &v, 2);
		}
		len = (int)(2 * n * ch);
	} else {
		for (uint32_t i = 0; i < n; i++)
			out[i] = l->o.codec == CODEC_PCMU ? ulaw(clip(smp[i])) : alaw(clip(smp[i]));
	}
	if (len <= 0)
		return EINVAL;
	lp->len[f] = (uint16_t)len;
	return 0;
}

static int loop_make(struct loop *lp, struct load *l, const float *pcm)
{
	OpusEncoder *enc = l->o.codec == CODEC_OPUS ? opus_make(l) : NULL;
	int err = 0, rounds = enc ? 2 : 1, ahead = 0;

	lp->n = l->rate / l->n_smp;
	lp->len = calloc(lp->n, sizeof(*lp->len));
	lp->data = calloc(lp->n, FRAME_MAX);
	if (!lp->len || !lp->data || (l->o.codec == CODEC_OPUS && !enc))
		err = ENOMEM;
	for (int r = 0; r < rounds && !err; r++)
		for (uint32_t f = 0; f < lp->n && !err; f++)
			err = encode_frame(lp, f, l, enc, pcm + (size_t)f * l->n_smp);
	if (enc) {
		opus_encoder_ctl(enc, OPUS_GET_LOOKAHEAD(&ahead));
		opus_encoder_destroy(enc);
	}
	l->lookahead = (uint32_t)ahead;
	return err;
}

static void voice_fill(float *pcm, const struct load *l, uint32_t voice)
{
	memset(pcm, 0, l->rate * sizeof(*pcm));
	add_noise(pcm, l);
	if (l->o.measure == MEASURE_LEVELS) {
		add_tone(pcm, l, voice);
	} else if (l->o.measure == MEASURE_DELAY && !voice) {
		add_speech(pcm, l, voice, 0.02);
		add_chirps(pcm, l);
	} else {
		add_speech(pcm, l, voice, l->o.measure == MEASURE_DELAY ? 0.02 : 0.15);
	}
}

int sound_make(struct load *l)
{
	float *pcm;
	int err;

	l->rate = codecs[l->o.codec].rate;
	l->n_smp = (uint32_t)lrint(l->o.ptime_ms * l->rate / 1000);
	if (!l->n_smp || l->rate % l->n_smp || l->n_smp > OPUS_SMP_MAX ||
	    (l->o.codec != CODEC_OPUS && l->n_smp * l->o.channels * (l->o.codec == CODEC_L16 ? 2 : 1) > FRAME_MAX))
		return EINVAL;
	l->n_voices = l->o.measure == MEASURE_LEVELS ? TONES_MAX : VOICES;
	l->voices = calloc(l->n_voices, sizeof(*l->voices));
	pcm = calloc(l->rate, sizeof(*pcm));
	err = l->voices && pcm ? 0 : ENOMEM;
	if (!err) {
		add_noise(pcm, l);
		err = loop_make(&l->quiet, l, pcm);
	}
	for (uint32_t v = 0; v < l->n_voices && !err; v++) {
		voice_fill(pcm, l, v);
		err = loop_make(&l->voices[v], l, pcm);
	}
	free(pcm);
	return err;
}

static void loop_free(struct loop *lp)
{
	free(lp->len);
	free(lp->data);
}

void sound_free(struct load *l)
{
	loop_free(&l->quiet);
	for (uint32_t v = 0; l->voices && v < l->n_voices; v++)
		loop_free(&l->voices[v]);
	free(l->voices);
}

/* Call i is in room i % rooms, so the first ones are the first talkers of their rooms: they chirp. Without rooms all do. */
const struct loop *sound_of(const struct load *l, uint32_t index, bool talker)
{
	if (!talker)
		return &l->quiet;
	if (l->o.measure == MEASURE_LEVELS)
		return &l->voices[index / l->o.rooms % l->n_voices];
	if (l->o.measure == MEASURE_DELAY)
		return &l->voices[l->o.raw || index < l->o.rooms ? 0 : 1 + index % (l->n_voices - 1)];
	return &l->voices[index % l->n_voices];
}

/* ---- decode ---- */

/* The first channel of a packet; returns the samples, 0 for none. */
static size_t decode_packet(float *out, const struct load *l, OpusDecoder *dec, const uint8_t *p, size_t len)
{
	uint32_t ch = l->o.channels;
	size_t n = len;

	if (l->o.codec == CODEC_OPUS) {
		float wide[OPUS_SMP_MAX * 2];
		int got = opus_decode_float(dec, p, (opus_int32)len, wide, OPUS_SMP_MAX, 0);

		for (int i = 0; i < got; i++)
			out[i] = wide[(uint32_t)i * ch];
		return got > 0 ? (size_t)got : 0;
	}
	if (l->o.codec == CODEC_L16) {
		n = len / (2 * ch);
		for (size_t i = 0; i < n; i++)
			out[i] = (float)(int16_t)(p[2 * ch * i] << 8 | p[2 * ch * i + 1]) / 32768;
		return n;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = l->o.codec == CODEC_PCMU ? ulaw_back(p[i]) : alaw_back(p[i]);
	return n;
}

/* All that a call heard, each packet where its timestamp says; what is missing is silence. */
int sound_decode(float **pcm, size_t *n, const struct load *l, const struct tape *t)
{
	OpusDecoder *dec = NULL;
	int32_t span = 0;
	int err;

	for (size_t i = 0; i < t->n; i++) {
		int32_t at = (int32_t)(t->rec[i].ts - t->rec[0].ts);

		span = at > span ? at : span;
	}
	if (!t->n || (uint32_t)span > TIMELINE_MAX_SMP)
		return EINVAL;
	*n = (size_t)span + l->rate * 60 / 1000;
	*pcm = calloc(*n, sizeof(**pcm));
	if (l->o.codec == CODEC_OPUS)
		dec = opus_decoder_create(48000, (int)l->o.channels, &err);
	if (!*pcm || (l->o.codec == CODEC_OPUS && !dec)) {
		free(*pcm);
		return ENOMEM;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct rec *r = &t->rec[i];
		int32_t at = (int32_t)(r->ts - t->rec[0].ts);
		float smp[OPUS_SMP_MAX];
		size_t got;

		if (at < 0 || r->len > FRAME_MAX)
			continue;
		got = decode_packet(smp, l, dec, t->data + r->off, r->len);
		got = got > *n - (size_t)at ? *n - (size_t)at : got;
		memcpy(*pcm + at, smp, got * sizeof(*smp));
	}
	if (dec)
		opus_decoder_destroy(dec);
	return 0;
}
