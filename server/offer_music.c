/*
 * offer_music.c - does a description come from somebody who wants to make music?
 *
 * Looked at before there is a room, so before there is an offer engine with rules of its own. What speaks for music is what no
 * phone writes first: uncompressed stereo at 48 kHz, or frames that are shorter than any phone's. A description that cannot
 * be read is none of music; the engine will say what is wrong with it.
 */
#include "format.h"
#include "offer.h"
#include "sdesc.h"

enum { SHORT_US = 5000 };

static bool is_stereo_pcm(const struct sdesc_media *m)
{
	struct sdesc_rtpmap map;

	if (sdesc_rtpmap(&map, m, &m->fmt[0]))
		return false;
	return (!pl_strcasecmp(&map.name, "L16") || !pl_strcasecmp(&map.name, "L24")) && map.clock == 48000 && map.channels == 2;
}

bool offer_is_music(const void *body, size_t len)
{
	struct sdesc *d = NULL;
	const char *why;
	bool music = false;

	if (sdesc_read(&d, &why, body, len))
		return false;
	for (size_t i = 0; i < d->n_media; i++) {
		const struct sdesc_media *m = &d->media[i];
		uint32_t us = format_ptime_us(m);

		if (pl_strcmp(&m->type, "audio") || !m->port || !sdesc_is_rtp(&m->proto))
			continue;
		music = is_stereo_pcm(m) || (us && us <= SHORT_US);
		break;
	}
	mem_deref(d);
	return music;
}
