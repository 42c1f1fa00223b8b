/*
 * codec_priv.h - the functions of the codec_*.c files, for the table in codec.c. Private to mixer/.
 */
#ifndef MIXER_CODEC_PRIV_H
#define MIXER_CODEC_PRIV_H

#include "codec.h"

#define CODEC_FUNCTIONS(kind) \
	int kind##_enc_alloc(struct codec_enc **ep, const struct codec *c, const struct codec_param *p); \
	int kind##_dec_alloc(struct codec_dec **dp, const struct codec *c, const struct codec_param *p); \
	int kind##_encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp); \
	int kind##_decode_rt(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len); \
	int kind##_conceal_rt(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len); \
	void kind##_reset_rt(struct codec_dec *d); \
	int kind##_duration_rt(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels)

CODEC_FUNCTIONS(codec_g711);
CODEC_FUNCTIONS(codec_g722);
CODEC_FUNCTIONS(codec_l16);
CODEC_FUNCTIONS(codec_opus);

void codec_g722_doubt_rt(struct codec_dec *d);
#define codec_g711_doubt_rt    NULL
#define codec_l16_doubt_rt     NULL
#define codec_opus_doubt_rt    NULL

bool codec_g711_energy_rt(float *energy, const struct codec *c, const uint8_t *buf, size_t len);
bool codec_opus_energy_rt(float *energy, const struct codec *c, const uint8_t *buf, size_t len);
#define codec_g722_energy_rt   NULL
#define codec_l16_energy_rt    NULL

void codec_g722_enc_copy_rt(struct codec_enc *dst, const struct codec_enc *src);
void codec_opus_enc_copy_rt(struct codec_enc *dst, const struct codec_enc *src);
#define codec_g711_enc_copy_rt NULL
#define codec_l16_enc_copy_rt  NULL

uint32_t codec_g722_delay_us(const struct codec_enc *e);
uint32_t codec_opus_delay_us(const struct codec_enc *e);
#define codec_g711_delay_us    NULL
#define codec_l16_delay_us     NULL

#endif
