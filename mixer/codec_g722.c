/*
 * codec_g722.c - G.722 at 64 kbit/s by spandsp: 16 kHz samples, four bits each, two samples an octet.
 *
 * RFC 3551, 4.5.2: "Even though the actual sampling rate for G.722 audio is 16,000 Hz, the RTP clock rate for the G722
 * payload format is 8,000 Hz because that value was erroneously assigned in RFC 1890 and must remain unchanged for
 * backward compatibility." So `clock` and `srate` differ in this row of the table.
 *
 * Its adaptive state goes on from where it was after a loss; that settles within some milliseconds, under the blend of
 * plc.c. spandsp allocates in its init functions only.
 *
 * It does not settle in time when the encoder begins anew in the middle of its stream, as phones do at a re-INVITE: the step
 * size that the decoder still has is multiplied by what the encoder's grows by, and for 10 ms a tone is 34 dB too loud. No
 * header tells. Where it may be, a packet that is suddenly loud is decoded by a new decoder as well, and the softer one is
 * believed: a true onset then comes some milliseconds late, once.
 */
#include <errno.h>
#include <re.h>
#include <spandsp.h>
#include <spandsp/expose.h>

#include "codec_priv.h"
#include "mix.h"
#include "plc.h"

enum { BITRATE = 64000, BLOCK = 160, SMP_PER_BYTE = 2, DOUBT_SMP = 8000 };

#define LOUDER 4.0f               /* 6 dB: over what was, and over what a new decoder makes of it */

struct codec_enc {
	g722_encode_state_t *g722;
};

struct codec_dec {
	g722_decode_state_t *g722;
	struct plc *plc;
	g722_decode_state_t *trial;       /* begins anew with the packet in doubt */
	float energy;             /* mean square of the last packet */
	size_t doubt;             /* for so many samples more */
};

static void enc_destructor(void *arg)
{
	struct codec_enc *e = arg;

	if (e->g722)
		(void)g722_encode_free(e->g722);
}

int codec_g722_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p)
{
	struct codec_enc *e;

	if (p->channels != 1)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), enc_destructor);
	if (!e)
		return ENOMEM;

	e->g722 = g722_encode_init(NULL, BITRATE, 0);
	if (!e->g722) {
		mem_deref(e);
		return ENOMEM;
	}

	*ep = e;
	return 0;
}

/* A flat block without pointers. */
void codec_g722_enc_copy_rt(struct codec_enc *dst, const struct codec_enc *src)
{
	*dst->g722 = *src->g722;
}

/* Two filters of 24 taps each, of which every second sample is used. */
uint32_t codec_g722_delay_us(const struct codec_enc *e) { return 22 * 1000000 / 16000; }

static void dec_destructor(void *arg)
{
	struct codec_dec *d = arg;

	if (d->g722)
		(void)g722_decode_free(d->g722);
	if (d->trial)
		(void)g722_decode_free(d->trial);
	mem_deref(d->plc);
}

int codec_g722_dec_alloc(struct codec_dec **dp, const struct codec *c, const struct codec_param *p)
{
	struct codec_dec *d;
	int err;

	if (p->channels != 1)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), dec_destructor);
	if (!d)
		return ENOMEM;

	d->g722 = g722_decode_init(NULL, BITRATE, 0);
	d->trial = g722_decode_init(NULL, BITRATE, 0);
	err = d->g722 && d->trial ? plc_alloc(&d->plc, c->srate, 1) : ENOMEM;
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int codec_g722_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	int16_t s16[BLOCK];
	int len = 0;

	if (n_smp % SMP_PER_BYTE)
		return -EINVAL;
	if (n_smp > CODEC_SMP_MAX || n_smp / SMP_PER_BYTE > size)
		return -EOVERFLOW;

	for (size_t at = 0; at < n_smp; at += BLOCK) {
		const size_t n = n_smp - at < BLOCK ? n_smp - at : BLOCK;

		mix_to_s16(s16, smp + at, n);
		len += g722_encode(e->g722, buf + len, s16, (int)n);
	}
	return len;
}

int codec_g722_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)
{
	return len < 1 || len > CODEC_SMP_MAX / SMP_PER_BYTE || channels != 1 ? -EBADMSG : (int)(len * SMP_PER_BYTE);
}

static size_t decode_rt(g722_decode_state_t *g722, float *smp, const uint8_t *buf, size_t len)
{
	int16_t s16[BLOCK];
	size_t n_smp = 0;

	for (size_t at = 0; at < len; at += BLOCK / SMP_PER_BYTE) {
		const size_t part = len - at < BLOCK / SMP_PER_BYTE ? len - at : BLOCK / SMP_PER_BYTE;
		const int n = g722_decode(g722, s16, buf + at, (int)part);

		mix_from_s16(smp + n_smp, s16, (size_t)n);
		n_smp += (size_t)n;
	}
	return n_smp;
}

/* Given a state, spandsp's init only fills it. */
static void renew_rt(g722_decode_state_t *g722)
{
	(void)g722_decode_init(g722, BITRATE, 0);
}

/* What a new decoder would make of it, without keeping the sound. */
static float trial_rt(struct codec_dec *d, const uint8_t *buf, size_t len)
{
	float sum = 0, smp[BLOCK];

	renew_rt(d->trial);
	for (size_t at = 0; at < len; at += BLOCK / SMP_PER_BYTE) {
		const size_t part = len - at < BLOCK / SMP_PER_BYTE ? len - at : BLOCK / SMP_PER_BYTE;
		const size_t n = decode_rt(d->trial, smp, buf + at, part);

		sum += mix_energy(smp, n) * (float)n;
	}
	return sum / (float)(len * SMP_PER_BYTE);
}

/* Has the encoder begun anew? Then smp is decoded once more. */
static void judge_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *buf, size_t len)
{
	const float energy = mix_energy(smp, n_smp);

	d->doubt = d->doubt > n_smp ? d->doubt - n_smp : 0;
	if (energy <= LOUDER * d->energy || energy <= LOUDER * trial_rt(d, buf, len))
		return;
	renew_rt(d->g722);
	(void)decode_rt(d->g722, smp, buf, len);
	plc_seam_rt(d->plc);
}

int codec_g722_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len)
{
	size_t n_smp;

	if (len < 1 || len > CODEC_SMP_MAX / SMP_PER_BYTE || len * SMP_PER_BYTE > max_smp)
		return -EBADMSG;

	n_smp = decode_rt(d->g722, smp, buf, len);
	if (d->doubt)
		judge_rt(d, smp, n_smp, buf, len);
	d->energy = mix_energy(smp, n_smp);
	plc_good_rt(d->plc, smp, n_smp);
	return (int)n_smp;
}

int codec_g722_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	plc_fill_rt(d->plc, smp, n_smp);
	return (int)n_smp;
}

void codec_g722_reset_rt(struct codec_dec *d)
{
	renew_rt(d->g722);
	plc_reset_rt(d->plc);
	d->doubt = 0;
}

void codec_g722_doubt_rt(struct codec_dec *d)
{
	d->doubt = DOUBT_SMP;
}
