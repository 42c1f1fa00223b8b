/*
 * fuzz-sdesc.c - any bytes as a session description, and everything asked of the tree.
 */
#include <stdlib.h>
#include "server/sdesc.h"
#include "server/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_media(const struct sdesc *d, const struct sdesc_media *m)
{
	struct sdesc_rtpmap map;
	struct pl params, value;
	const char *why;
	struct sdes key;

	if (!m->n_fmt || m->n_fmt > SDESC_FMT_MAX || m->n_attr > SDESC_ATTR_MAX)
		abort();
	(void)sdesc_media_conn(d, m);
	(void)sdes_choose(&key, &why, m);
	for (size_t i = 0; i < m->n_fmt; i++) {
		if (sdesc_rtpmap(&map, m, &m->fmt[i]))
			continue;
		if (map.pt > 127 || !map.clock || !map.name.l)
			abort();
		if (!sdesc_fmtp(&params, m, map.pt))
			(void)sdesc_fmtp_param(&value, &params, "stereo");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct sdesc *d;

	if (sdesc_read(&d, &why, data, size)) {
		if (!why)
			abort();
		return 0;
	}
	if (d->n_media > SDESC_MEDIA_MAX)
		abort();
	for (size_t i = 0; i < d->n_media; i++)
		ask_media(d, &d->media[i]);
	mem_deref(d);
	return 0;
}
