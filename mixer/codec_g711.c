/*
 * codec_g711.c - PCMU and PCMA (ITU-T G.711).
 *
 * The laws themselves are loops of the mix: kernel_one.h says them, kernel_body.h does them in vectors, without tables.
 */
#include <errno.h>
#include <re.h>

#include "codec_priv.h"
#include "mix.h"
#include "plc.h"

enum { ENERGY_SMP = 160 };

typedef void (g711_to_h)(uint8_t *dst, const float *src, size_t n);
typedef void (g711_from_h)(float *dst, const uint8_t *src, size_t n);

struct codec_enc {
	g711_to_h *to;
};

struct codec_dec {
	g711_from_h *from;
	struct plc *plc;
};

static bool is_mu(const struct codec *c)
{
	return c->name[3] == 'U';
}

int codec_g711_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p)
{
	struct codec_enc *e;

	if (p->channels != 1)
		return EINVAL;

	e = mem_zalloc(sizeof(*e), NULL);
	if (!e)
		return ENOMEM;

	e->to = is_mu(c) ? mix_to_pcmu : mix_to_pcma;
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

	d->from = is_mu(c) ? mix_from_pcmu : mix_from_pcma;
	err = plc_alloc(&d->plc, c->srate, 1);
	if (err) {
		mem_deref(d);
		return err;
	}

	*dp = d;
	return 0;
}

int codec_g711_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	if (n_smp > size || n_smp > CODEC_SMP_MAX)
		return -EOVERFLOW;

	e->to(buf, smp, n_smp);
	return (int)n_smp;
}

int codec_g711_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)
{
	return len < 1 || len > CODEC_SMP_MAX || channels != 1 ? -EBADMSG : (int)len;
}

bool codec_g711_energy_rt(float *energy, const struct codec *c, const uint8_t *buf, size_t len)
{
	g711_from_h *from = is_mu(c) ? mix_from_pcmu : mix_from_pcma;
	float smp[ENERGY_SMP], sum = 0.0f;

	for (size_t at = 0; at < len; at += ENERGY_SMP) {
		const size_t n = len - at < ENERGY_SMP ? len - at : ENERGY_SMP;

		from(smp, buf + at, n);
		sum += mix_energy(smp, n) * (float)n;
	}
	*energy = len ? sum / (float)len : 0.0f;
	return len > 0;
}

int codec_g711_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len)
{
	if (len < 1 || len > max_smp)
		return -EBADMSG;

	d->from(smp, buf, len);
	plc_good_rt(d->plc, smp, len);
	return (int)len;
}

int codec_g711_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len)
{
	plc_fill_rt(d->plc, smp, n_smp);
	return (int)n_smp;
}

void codec_g711_reset_rt(struct codec_dec *d)
{
	plc_reset_rt(d->plc);
}
