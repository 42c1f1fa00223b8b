/*
 * codec_opus.c - Opus (RFC 6716, 7587) by libopus, always at 48 kHz, any frame from 2.5 to 120 ms.
 *
 * Encoder and decoder are one flat block each: libopus initialises memory we give it, allocates nothing later, and a
 * state can be copied with memcpy. What a payload holds is read from its TOC by libopus' own parser, which also refuses
 * what RFC 6716, 3.4 calls malformed.
 */
#include <errno.h>
#include <string.h>
#include <opus.h>
#include <re.h>

#include "codec_priv.h"

enum {
	RATE      = 48000,
	UNIT_SMP  = 120,          /* 2.5 ms: every length in Opus is a multiple */
	DTX_BYTES = 2,
};

struct codec_enc {
	OpusEncoder *opus;
	uint8_t ch;
	bool    dtx;
};

struct codec_dec {
	OpusDecoder *opus;
	uint8_t ch;
	float   scratch[2 * UNIT_SMP];
};

static void enc_destructor(void *arg)
{
	struct codec_enc *e = arg;

	mem_deref(e->opus);
}

/* RFC 7587, 6.1: "maxplaybackrate: a hint about the maximum output sampling rate that the receiver is capable of
 * rendering". */
static int bandwidth_of(uint32_t rate)
{
	if (!rate || rate >= 48000)
		return OPUS_BANDWIDTH_FULLBAND;
	if (rate >= 24000)
		return OPUS_BANDWIDTH_SUPERWIDEBAND;
	if (rate >= 16000)
		return OPUS_BANDWIDTH_WIDEBAND;
	return rate >= 12000 ? OPUS_BANDWIDTH_MEDIUMBAND : OPUS_BANDWIDTH_NARROWBAND;
}

static int application_of(const struct codec_param *p)
{
	if (p->lowdelay)
		return OPUS_APPLICATION_RESTRICTED_LOWDELAY;
	return p->voice ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO;
}

static int configure(OpusEncoder *o, const struct codec_param *p)
{
	const opus_int32 rate = p->bitrate ? (opus_int32)(p->bitrate < 510000 ? p->bitrate : 510000) : OPUS_AUTO;
	const int rets[] = {
		opus_encoder_ctl(o, OPUS_SET_BITRATE(rate)),
		opus_encoder_ctl(o, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(p->max_playback))),
		opus_encoder_ctl(o, OPUS_SET_COMPLEXITY(p->complexity < 10 ? p->complexity : 10)),
		opus_encoder_ctl(o, OPUS_SET_PACKET_LOSS_PERC(p->loss_pct < 100 ? p->loss_pct : 100)),
		opus_encoder_ctl(o, OPUS_SET_INBAND_FEC(p->fec)),
		opus_encoder_ctl(o, OPUS_SET_DTX(p->dtx)),
		opus_encoder_ctl(o, OPUS_SET_VBR(!p->cbr)),
	};

	for (size_t i = 0; i < sizeof(rets) / sizeof(rets[0]); i++)
		if (rets[i] != OPUS_OK)
			return EINVAL;
	return 0;
}

int codec_opus_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p)
{
	struct codec_enc *e;
	int err;

	if (p->channels < 1 || p->channels > 2)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), enc_destructor);
	if (!e)
		return ENOMEM;

	e->ch = p->channels;
	e->dtx = p->dtx;
	e->opus = mem_zalloc((size_t)opus_encoder_get_size(p->channels), NULL);
	if (!e->opus) {
		err = ENOMEM;
		goto out;
	}
	if (opus_encoder_init(e->opus, RATE, p->channels, application_of(p)) != OPUS_OK) {
		err = EINVAL;
		goto out;
	}
	err = configure(e->opus, p);
out:
	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err;
}

/* opus_defines.h: OPUS_GET_LOOKAHEAD is "the total samples of delay added by the entire codec". */
uint32_t codec_opus_delay_us(const struct codec_enc *e)
{
	opus_int32 n = 0;

	opus_encoder_ctl(e->opus, OPUS_GET_LOOKAHEAD(&n));
	return (uint32_t)((uint64_t)n * 1000000 / RATE);
}

static void dec_destructor(void *arg)
{
	struct codec_dec *d = arg;

	mem_deref(d->opus);
}

int codec_opus_dec_alloc(struct codec_dec **dp, const struct codec *c, const struct codec_param *p)
{
	struct codec_dec *d;
	int err = 0;

	if (p->channels < 1 || p->channels > 2)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), dec_destructor);
	if (!d)
		return ENOMEM;

	d->ch = p->channels;
	d->opus = mem_zalloc((size_t)opus_decoder_get_size(p->channels), NULL);
	if (!d->opus)
		err = ENOMEM;
	else if (opus_decoder_init(d->opus, RATE, p->channels) != OPUS_OK)
		err = EINVAL;

	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

static int errno_of(int ret)
{
	switch (ret) {
	case OPUS_BAD_ARG:          return -EINVAL;
	case OPUS_BUFFER_TOO_SMALL: return -EOVERFLOW;
	default:                    return -EIO;
	}
}

int codec_opus_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	int n;

	if (n_smp > CODEC_SMP_MAX)
		return -EINVAL;

	n = opus_encode_float(e->opus, smp, (int)n_smp, buf, size < INT32_MAX ? (opus_int32)size : INT32_MAX);
	if (n < 0)
		return errno_of(n);

	/* opus.h: "If the return value is 2 bytes or less, then the packet does not need to be transmitted (DTX)." */
	return e->dtx && n <= DTX_BYTES ? 0 : n;
}

/* opus.h: an encoder state "is a single contiguous block" that may be copied; both blocks are of one size, as there are as
 * many channels in both. */
void codec_opus_enc_copy_rt(struct codec_enc *dst, const struct codec_enc *src)
{
	if (dst->ch == src->ch)
		memcpy(dst->opus, src->opus, (size_t)opus_encoder_get_size(src->ch));
}

/* RFC 6716, 4.2.3: the LP layer begins with a VAD flag for each of its frames and one for LBRR, for the mid channel and
 * then for the side: "Because these are the first symbols decoded by the range coder and because they are coded as binary
 * values with uniform probability, they can be extracted directly from the most significant bits of the first byte of
 * compressed data." */
static bool silk_active_rt(uint8_t toc, uint8_t first)
{
	static const uint8_t frames_of[4] = {1, 1, 2, 3};         /* of 10, 20, 40, 60 ms */
	const unsigned config = toc >> 3, n = frames_of[config < 12 ? config & 3 : config & 1];
	const unsigned vad = 0xffu << (8 - n) & 0xff;
	const unsigned mask = toc & 4 ? vad | vad >> (n + 1) : vad;

	return first & mask;
}

/* Frames without a byte are DTX; those of SILK have VAD bits; a CELT frame of silence is two bytes long. */
static bool frame_active_rt(uint8_t toc, const unsigned char *frame, int len)
{
	if (len < 2)
		return false;
	return toc >> 3 >= 16 ? len > 2 : silk_active_rt(toc, frame[0]);
}

bool codec_opus_energy_rt(float *energy, const struct codec *c, const uint8_t *buf, size_t len)
{
	const unsigned char *frame[48];
	opus_int16 size[48];
	unsigned char toc;
	int n;

	if (len < 1 || len > INT16_MAX)
		return false;

	n = opus_packet_parse(buf, (opus_int32)len, &toc, frame, size, NULL);
	for (int i = 0; i < n; i++)
		if (frame_active_rt(toc, frame[i], size[i]))
			return false;
	*energy = 0;
	return n > 0;
}

int codec_opus_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)
{
	int n;

	if (len < 1 || len > INT16_MAX)
		return -EBADMSG;

	n = opus_packet_get_nb_samples(buf, (opus_int32)len, RATE);
	return n < 1 || n > CODEC_SMP_MAX ? -EBADMSG : n;
}

int codec_opus_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len)
{
	const int max = max_smp < CODEC_SMP_MAX ? (int)max_smp : CODEC_SMP_MAX;
	int n;

	/* No payload would mean concealment to libopus; it is asked for by conceal_rt only. */
	if (len < 1 || len > INT16_MAX)
		return -EBADMSG;

	n = opus_decode_float(d->opus, buf, (opus_int32)len, smp, max, 0);
	return n < 1 ? -EBADMSG : n;
}

/* Whole units of 2.5 ms, with the FEC data of `next` for their end if there is any. */
static size_t lost_units_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	const size_t n = n_smp < CODEC_SMP_MAX ? n_smp : CODEC_SMP_MAX;
	int got = -1;

	if (next && n == n_smp)
		got = opus_decode_float(d->opus, next, (opus_int32)next_len, smp, (int)n, 1);
	if (got < 1)
		got = opus_decode_float(d->opus, NULL, 0, smp, (int)n, 0);
	return got < 1 ? 0 : (size_t)got;
}

/* What is left over of less than one unit: its beginning is heard, the rest is dropped. */
static bool lost_rest_rt(struct codec_dec *d, float *smp, size_t n_smp)
{
	if (opus_decode_float(d->opus, NULL, 0, d->scratch, UNIT_SMP, 0) != UNIT_SMP)
		return false;

	memcpy(smp, d->scratch, n_smp * d->ch * sizeof(*smp));
	return true;
}

int codec_opus_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	size_t at = 0, whole = n_smp - n_smp % UNIT_SMP;

	if (next_len < 1 || next_len > INT16_MAX)
		next = NULL;

	while (at < whole) {
		const size_t n = lost_units_rt(d, smp + at * d->ch, whole - at, next, next_len);

		if (!n)
			break;
		at += n;
	}
	if (at == whole && at < n_smp && lost_rest_rt(d, smp + at * d->ch, n_smp - at))
		at = n_smp;

	memset(smp + at * d->ch, 0, (n_smp - at) * d->ch * sizeof(*smp));
	return (int)n_smp;
}

void codec_opus_reset_rt(struct codec_dec *d)
{
	opus_decoder_ctl(d->opus, OPUS_RESET_STATE);
}
