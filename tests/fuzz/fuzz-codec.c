/*
 * fuzz-codec.c - any bytes as payloads, for every decoder and for comfort noise.
 *
 *     input:  which codec (1), channels (1), then up to 8 times: what to do (1), length (2), payload (length)
 *
 * What a decoder gives must fit, be finite, be as long as duration_rt said, and leave what lies behind it alone; a
 * payload it refuses, or has to conceal with, must do it no lasting harm.
 */
#include <math.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/cn.h"
#include "mixer/codec.h"

enum { HEAD = 2, RECORDS = 8, RECORD_HEAD = 3, GUARD = 16 };

#define UNTOUCHED 1e33f

static float smp[2 * CODEC_SMP_MAX + GUARD];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void guard(size_t from)
{
	for (size_t i = from; i < from + GUARD; i++)
		smp[i] = UNTOUCHED;
}

static void check(size_t n, size_t end)
{
	for (size_t i = 0; i < n; i++)
		must(isfinite(smp[i]));
	for (size_t i = end; i < end + GUARD; i++)
		must(smp[i] == UNTOUCHED);
}

static void decode(const struct codec *c, struct codec_dec *d, uint8_t ch, size_t max, const uint8_t *buf, size_t len)
{
	const int said = c->duration_rt(c, buf, len, ch);
	int n;

	must(said == -EBADMSG || (said > 0 && said <= CODEC_SMP_MAX));
	guard(max * ch);
	n = c->decode_rt(d, smp, max, buf, len);
	must(n == -EBADMSG || (n > 0 && (size_t)n <= max && n == said));
	check(n > 0 ? (size_t)n * ch : 0, max * ch);
}

static void conceal(const struct codec *c, struct codec_dec *d, uint8_t ch, size_t n, const uint8_t *buf, size_t len)
{
	guard(n * ch);
	must(c->conceal_rt(d, smp, n, len ? buf : NULL, len) == (int)n);
	check(n * ch, n * ch);
}

static void comfort(struct cn *cn, const uint8_t *buf, size_t len)
{
	(void)cn_parse_rt(cn, buf, len);
	guard(160);
	cn_fill_rt(cn, smp, 160);
	for (size_t i = 0; i < 160; i++)
		must(fabsf(smp[i]) <= 1.0f);
	check(160, 160);
}

static void run(const struct codec *c, struct codec_dec *d, uint8_t ch, const uint8_t *data, size_t size)
{
	static const size_t max[] = {CODEC_SMP_MAX, 960, 160, 121};
	struct cn cn;

	cn_init(&cn, 1);
	for (int i = 0; i < RECORDS && size >= RECORD_HEAD; i++) {
		const uint8_t what = data[0];
		size_t len = (size_t)data[1] << 8 | data[2];

		data += RECORD_HEAD;
		size -= RECORD_HEAD;
		len = len < size ? len : size;
		switch (what & 3) {
		case 0:
		case 1:
			decode(c, d, ch, max[what >> 2 & 3], data, len);
			break;
		case 2:
			conceal(c, d, ch, max[what >> 2 & 3], data, len);
			break;
		default:
			comfort(&cn, data, len);
			break;
		}
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct codec *c;
	struct codec_param prm = {0};
	struct codec_dec *d = NULL;
	size_t n;

	if (size < HEAD)
		return 0;

	c = codec_list(&n);
	c += data[0] % n;
	prm.channels = 1 + data[1] % c->max_channels;
	must(c->dec_alloc(&d, c, &prm) == 0);
	run(c, d, prm.channels, data + HEAD, size - HEAD);
	mem_deref(d);
	return 0;
}
