/*
 * codec_g711.c - PCMU and PCMA (ITU-T G.711), by tables.
 *
 * Both laws keep a sign, a segment of three bits and four bits within the segment. Decoding looks a byte up; encoding
 * rounds to the law's own resolution (14 bits for mu, 13 for A) and looks the magnitude up, so a sample costs the same
 * at any level. The tables (14 KiB) are computed when the first codec is made.
 */
#include <errno.h>
#include <pthread.h>
#include <re.h>

#include "codec_priv.h"
#include "mix.h"
#include "plc.h"

enum {
	MU_MAX    = 8192,         /* magnitudes of 14-bit samples */
	A_MAX     = 4096,         /* ... of 13-bit samples */
	BLOCK     = 160,
	MU_BIAS   = 33,
};

struct law {
	float    out[256];
	uint8_t  in[MU_MAX];      /* magnitude to code, as of a positive sample */
	int      in_max;
	int      shift;           /* of a 16-bit sample to the law's resolution */
	int      below;           /* taken from a negative magnitude: G.711 counts A-law intervals from -1 down */
};

static struct law mu_law, a_law;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

struct codec_enc {
	const struct law *law;
};

struct codec_dec {
	const struct law *law;
	struct plc *plc;
};

static int mu_expand(uint8_t code)
{
	const int seg = (~code >> 4) & 7, low = ~code & 15;
	const int mag = (((low << 1) + MU_BIAS) << seg) - MU_BIAS;

	return code & 0x80 ? mag : -mag;
}

static uint8_t mu_compress(int mag)
{
	int seg = 0;

	mag += MU_BIAS;
	if (mag > 8191)
		mag = 8191;
	while (mag >> (seg + 6))
		seg++;
	return (uint8_t)~(seg << 4 | ((mag >> (seg + 1)) & 15));
}

static int a_expand(uint8_t code)
{
	const int seg = ((code ^ 0x55) >> 4) & 7, low = (code ^ 0x55) & 15;
	const int mag = seg ? ((low << 1) + 33) << (seg - 1) : (low << 1) + 1;

	return code & 0x80 ? mag : -mag;
}

static uint8_t a_compress(int mag)
{
	int seg = 1;

	if (mag < 32)
		return (uint8_t)((mag >> 1) ^ 0xd5);
	while (mag >> (seg + 5))
		seg++;
	return (uint8_t)((seg << 4 | ((mag >> seg) & 15)) ^ 0xd5);
}

static void tables_make(void)
{
	mu_law.in_max = MU_MAX - 1;
	mu_law.shift = 2;
	a_law.in_max = A_MAX - 1;
	a_law.shift = 3;
	a_law.below = 1;

	for (int i = 0; i < 256; i++) {
		mu_law.out[i] = (float)mu_expand((uint8_t)i) / 8192.0f;
		a_law.out[i] = (float)a_expand((uint8_t)i) / 4096.0f;
	}
	for (int i = 0; i < MU_MAX; i++)
		mu_law.in[i] = mu_compress(i);
	for (int i = 0; i < A_MAX; i++)
		a_law.in[i] = a_compress(i);
}

static const struct law *law_of(const struct codec *c)
{
	(void)pthread_once(&tables_once, tables_make);
	return c->name[3] == 'U' ? &mu_law : &a_law;
}

int codec_g711_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p)
{
	struct codec_enc *e;

	if (p->channels != 1)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), NULL);
	if (!e)
		return ENOMEM;

	e->law = law_of(c);
	*ep = e;
	return 0;
}

static void dec_destructor(void *arg)
{
	struct codec_dec *d = arg;

	mem_deref(d->plc);
}

int codec_g711_dec_alloc(struct codec_dec **dp, const struct codec *c, const struct codec_param *p)
{
	struct codec_dec *d;
	int err;

	if (p->channels != 1)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), dec_destructor);
	if (!d)
		return ENOMEM;

	d->law = law_of(c);
	err = plc_alloc(&d->plc, c->srate, 1);
	if (err) {
		mem_deref(d);
		return err;
	}

	*dp = d;
	return 0;
}

static uint8_t compress_rt(const struct law *law, int s)
{
	int mag = (s < 0 ? -s - law->below : s) >> law->shift;

	if (mag > law->in_max)
		mag = law->in_max;
	return s < 0 ? law->in[mag] ^ 0x80 : law->in[mag];
}

int codec_g711_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	int16_t s16[BLOCK];

	if (n_smp > size || n_smp > CODEC_SMP_MAX)
		return -EOVERFLOW;

	for (size_t at = 0; at < n_smp; at += BLOCK) {
		const size_t n = n_smp - at < BLOCK ? n_smp - at : BLOCK;

		mix_to_s16(s16, smp + at, n);
		for (size_t i = 0; i < n; i++)
			buf[at + i] = compress_rt(e->law, s16[i]);
	}
	return (int)n_smp;
}

int codec_g711_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)
{
	return len < 1 || len > CODEC_SMP_MAX || channels != 1 ? -EBADMSG : (int)len;
}

/* Magnitude of a code in 1/32768, well enough for a mean. */
static int magnitude_rt(uint8_t code, bool mu)
{
	const int c = mu ? ~code & 0x7f : (code ^ 0x55) & 0x7f, seg = c >> 4, low = (c & 15) << 1;

	if (mu)
		return (((low + 33) << seg) - 33) * 4;
	return (seg ? (low + 33) << (seg - 1) : low + 1) * 8;
}

/* Fewer than all samples will do: every second one. */
bool codec_g711_energy_rt(float *energy, const struct codec *c, const uint8_t *buf, size_t len)
{
	const bool mu = c->pt == 0;
	uint64_t sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i += 2, n++) {
		const int64_t mag = magnitude_rt(buf[i], mu);

		sum += (uint64_t)(mag * mag);
	}
	*energy = n ? (float)sum / (float)n / (32768.0f * 32768.0f) : 0.0f;
	return n > 0;
}

int codec_g711_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len)
{
	if (len < 1 || len > max_smp)
		return -EBADMSG;

	for (size_t i = 0; i < len; i++)
		smp[i] = d->law->out[buf[i]];
	plc_good_rt(d->plc, smp, len);
	return (int)len;
}

int codec_g711_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	plc_fill_rt(d->plc, smp, n_smp);
	return (int)n_smp;
}
