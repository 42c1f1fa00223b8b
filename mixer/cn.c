/*
 * cn.c - comfort noise (RFC 3389).
 *
 *     white noise -> lattice of the reflection coefficients -> level -> noise with the far room's colour
 *
 * The lattice is the normalised one: each stage is a rotation by the angle whose sine is k. It keeps the power of white
 * noise whatever the coefficients are, so the level in the packet is the level heard, and it cannot ring up, also when
 * hostile payloads change the coefficients all the time (the usual lattice of two multiplications per stage does).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cn.h"

#define K_MAX    0.98f            /* sharper than any room */
#define GLIDE    0.003f           /* per sample: a change of level takes about 20 ms at 16 kHz */
#define WHITE    1.7320508f       /* peak of uniform noise of rms 1 */

void cn_init(struct cn *c, uint32_t seed)
{
	memset(c, 0, sizeof(*c));
	c->seed = seed ? seed : 1;
}

static void level_set_rt(struct cn *c, uint8_t dbov)
{
	c->target = dbov >= 127 ? 0.0f : powf(10.0f, -(float)dbov / 20.0f);
}

void cn_set_level_rt(struct cn *c, uint8_t dbov)
{
	level_set_rt(c, dbov);
	c->order = 0;
}

/* RFC 3389, 3.2: index N stands for the coefficient 258 * (N - 127), in units of 1/32768; 255 is reserved. */
static float coefficient(uint8_t index)
{
	const float k = index == 255 ? 0.0f : 258.0f * (float)(index - 127) / 32768.0f;

	return k > K_MAX ? K_MAX : k < -K_MAX ? -K_MAX : k;
}

/* RFC 3389, 3: "The decoder may reduce the model order by setting higher order reflection coefficients to zero". */
static void spectrum_set_rt(struct cn *c, const uint8_t *index, size_t n)
{
	n = n < CN_ORDER_MAX ? n : CN_ORDER_MAX;
	for (size_t i = 0; i < n; i++) {
		c->k[i] = coefficient(index[i]);
		c->cos_k[i] = sqrtf(1.0f - c->k[i] * c->k[i]);
	}
	for (size_t i = c->order; i <= n; i++)
		c->back[i] = 0.0f;        /* stages that were not there have no past */
	c->order = (uint8_t)n;
}

/* RFC 3389, 3.1: "The magnitude of the noise level is packed into the least significant bits of the noise-level byte
 * with the most significant bit unused and always set to 0". What is unused is not looked at. */
int cn_parse_rt(struct cn *c, const uint8_t *buf, size_t len)
{
	if (len < 1)
		return EBADMSG;

	level_set_rt(c, buf[0] & 0x7f);
	spectrum_set_rt(c, buf + 1, len - 1);
	return 0;
}

static float white_rt(struct cn *c)
{
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 17;
	c->seed ^= c->seed << 5;
	return WHITE * ((float)(c->seed >> 8) * (1.0f / 8388608.0f) - 1.0f);
}

static float lattice_rt(struct cn *c, float x)
{
	for (size_t i = c->order; i-- > 0;) {
		const float forth = x, back = c->back[i];

		x = c->cos_k[i] * forth - c->k[i] * back;
		c->back[i + 1] = c->k[i] * forth + c->cos_k[i] * back;
	}
	c->back[0] = x;
	return x;
}

void cn_fill_rt(struct cn *c, float *smp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float x;

		c->rms += GLIDE * (c->target - c->rms);
		x = c->rms * lattice_rt(c, white_rt(c));
		smp[i] = x > 1.0f ? 1.0f : x < -1.0f ? -1.0f : x;
	}
	if (c->target == 0.0f && c->rms < 1e-7f)
		c->rms = 0.0f;
}
