/*
 * codec_l16.c - samples as they are: L16 (RFC 3551) and L24 (RFC 3190), mono and stereo.
 *
 * RFC 3551, 4.5.11: "L16 denotes uncompressed audio data samples, using 16-bit signed representation with 65,535
 * equally divided steps between minimum and maximum signal level, ranging from -32,768 to 32,767. The value is
 * represented in two's complement notation and transmitted in network byte order (most significant byte first)." L24 is
 * the same with three bytes (RFC 3190, 4). Channels are interleaved, left first (RFC 3551, 4.1).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <string.h>

#include "codec_priv.h"
#include "mix.h"
#include "plc.h"

enum { PIECE = 256 };             /* samples */

struct codec_enc {
	uint8_t ch, width;        /* width: bytes of a sample */
};

struct codec_dec {
	uint8_t ch, width;
	struct plc *plc;
};

static uint8_t width_of(const struct codec *c)
{
	return c->name[1] == '2' ? 3 : 2;
}

int codec_l16_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p)
{
	struct codec_enc *e;

	if (p->channels < 1 || p->channels > c->max_channels)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), NULL);
	if (!e)
		return ENOMEM;

	e->ch = p->channels;
	e->width = width_of(c);
	*ep = e;
	return 0;
}

static void dec_destructor(void *arg)
{
	struct codec_dec *d = arg;

	mem_deref(d->plc);
}

int codec_l16_dec_alloc(struct codec_dec **dp, const struct codec *c, const struct codec_param *p)
{
	struct codec_dec *d;
	int err;

	if (p->channels < 1 || p->channels > c->max_channels)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), dec_destructor);
	if (!d)
		return ENOMEM;

	d->ch = p->channels;
	d->width = width_of(c);
	err = plc_alloc(&d->plc, c->srate, p->channels);
	if (err) {
		mem_deref(d);
		return err;
	}

	*dp = d;
	return 0;
}

/* To the nearest whole number of 24 bits; not a number is 0. */
static int32_t quantise_rt(float x)
{
	const float full = 8388608.0f;
	float v = x * full;

	v = v < full - 1.0f ? v : full - 1.0f;
	v = v > -full ? v : -full;
	return x == x ? (int32_t)(v < 0.0f ? v - 0.5f : v + 0.5f) : 0;
}

/* In pieces: the kernel rounds and saturates, a loop that compilers know turns the bytes round. */
static void put16_rt(uint8_t *buf, const float *smp, size_t n)
{
	int16_t piece[PIECE];

	for (size_t done = 0; done < n; done += PIECE) {
		const size_t now = n - done < PIECE ? n - done : PIECE;

		mix_to_s16(piece, smp + done, now);
		for (size_t i = 0; i < now; i++)
			piece[i] = (int16_t)htons((uint16_t)piece[i]);
		memcpy(buf + 2 * done, piece, 2 * now);
	}
}

static void put24_rt(uint8_t *buf, const float *smp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t v = (uint32_t)quantise_rt(smp[i]);

		buf[3 * i] = (uint8_t)(v >> 16);
		buf[3 * i + 1] = (uint8_t)(v >> 8);
		buf[3 * i + 2] = (uint8_t)v;
	}
}

int codec_l16_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	const size_t n = n_smp * e->ch;

	if (n_smp > CODEC_SMP_MAX || n * e->width > size)
		return -EOVERFLOW;

	if (e->width == 2)
		put16_rt(buf, smp, n);
	else
		put24_rt(buf, smp, n);
	return (int)(n * e->width);
}

static int frames_rt(size_t len, size_t frame)
{
	return len < frame || len % frame || len / frame > CODEC_SMP_MAX ? -EBADMSG : (int)(len / frame);
}

int codec_l16_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)
{
	if (channels < 1 || channels > c->max_channels)
		return -EBADMSG;
	return frames_rt(len, (size_t)channels * width_of(c));
}

static void get16_rt(float *smp, const uint8_t *buf, size_t n)
{
	int16_t piece[PIECE];

	for (size_t done = 0; done < n; done += PIECE) {
		const size_t now = n - done < PIECE ? n - done : PIECE;

		memcpy(piece, buf + 2 * done, 2 * now);
		for (size_t i = 0; i < now; i++)
			piece[i] = (int16_t)ntohs((uint16_t)piece[i]);
		mix_from_s16(smp + done, piece, now);
	}
}

static void get24_rt(float *smp, const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = buf + 3 * i;
		const uint32_t v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8;

		smp[i] = (float)((int32_t)v / 256) * (1.0f / 8388608.0f);
	}
}

int codec_l16_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len)
{
	const int n = frames_rt(len, (size_t)d->ch * d->width);

	if (n < 0 || (size_t)n > max_smp)
		return -EBADMSG;

	if (d->width == 2)
		get16_rt(smp, buf, (size_t)n * d->ch);
	else
		get24_rt(smp, buf, (size_t)n * d->ch);
	plc_good_rt(d->plc, smp, (size_t)n);
	return n;
}

int codec_l16_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	plc_fill_rt(d->plc, smp, n_smp);
	return (int)n_smp;
}

void codec_l16_reset_rt(struct codec_dec *d)
{
	plc_reset_rt(d->plc);
}
