/*
 * contrib.c - whose sound is in a frame.
 *
 *     ticks      | a b | a b c | a c |   a   |        frames of two ticks: (a b c) (a c); of four: (a b c)
 *
 * Of more than fit the loudest stay, as they would if all were kept to the end of the frame and sorted then: who falls out
 * is softer than all that stay, and these only grow louder. So it needs no more room than the header has.
 *
 * A member goes by the SSRC of the packets it sends. RFC 3550 5.1: "CSRC identifiers are inserted by mixers [...] using the
 * SSRC identifiers of contributing sources." Two that chose the same one are one in the list.
 */
#include <string.h>
#include "contrib.h"

static const struct contrib_frame *list_rt(const struct contrib *c, uint32_t n48)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->frame[i].n48 == n48)
			return &c->frame[i];
	return NULL;
}

void contrib_want_rt(struct contrib *c, const uint32_t *n48, unsigned n)
{
	struct contrib old = *c;

	c->n = 0;
	for (unsigned i = 0; i < n && i < CONTRIB_FRAMES; i++) {
		const struct contrib_frame *f = list_rt(&old, n48[i]);

		c->frame[c->n++] = f ? *f : (struct contrib_frame){.n48 = n48[i], .number = UINT64_MAX};
	}
}

void contrib_tick_rt(struct contrib *c, uint64_t pos)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct contrib_frame *f = &c->frame[i];
		uint64_t number = pos / f->n48;

		if (number == f->number)
			continue;
		f->number = number;
		f->n = 0;
	}
}

static void frame_add_rt(struct contrib_frame *f, struct contrib_src src)
{
	unsigned at = 0;

	/* Full, and not louder than the softest: if it is in there at all, it was as loud before. */
	if (f->n == CONTRIB_KEEP && src.dbov >= f->src[f->n - 1].dbov)
		return;
	while (at < f->n && f->src[at].ssrc != src.ssrc)
		at++;
	if (at < f->n && f->src[at].dbov <= src.dbov)
		return;
	if (at == CONTRIB_KEEP)
		at--;             /* the softest falls out */
	else if (at == f->n)
		f->n++;
	for (; at && f->src[at - 1].dbov > src.dbov; at--)
		f->src[at] = f->src[at - 1];
	f->src[at] = src;
}

void contrib_add_rt(struct contrib *c, struct contrib_src src)
{
	src.dbov = src.dbov > 127 ? 127 : src.dbov;
	for (unsigned i = 0; i < c->n; i++)
		frame_add_rt(&c->frame[i], src);
}

/* RFC 3550 8.2: an own identifier among the CSRCs is a loop to whoever finds it. So is the one under which this stream
 * goes out. */
static bool is_for_rt(const struct contrib_src *src, const struct rtp_pkt *pkt, const struct contrib_to *to)
{
	return src->ssrc != to->own && src->ssrc != pkt->ssrc && !(to->skiph && to->skiph(src->member, to->arg));
}

void contrib_write_rt(const struct contrib *c, struct rtp_pkt *pkt, uint8_t ext[CONTRIB_EXT], const struct contrib_to *to)
{
	const struct contrib_frame *f = list_rt(c, to->n48);
	uint8_t n = 0;

	for (unsigned i = 0; f && i < f->n && n < RTP_CSRC_MAX; i++) {
		if (!is_for_rt(&f->src[i], pkt, to))
			continue;
		pkt->csrc[n++] = f->src[i].ssrc;
		ext[n] = f->src[i].dbov;
	}
	if (!n)
		return;
	/* RFC 6465: a level for each of the list, in its order. RFC 8285 4.2: the length field is the number of bytes less
	 * one. */
	ext[0] = (uint8_t)(to->id << 4 | (n - 1));
	pkt->n_csrc = n;
	pkt->ext_profile = RTP_EXT_ONE_BYTE;
	pkt->ext = ext;
	pkt->ext_len = 1u + n;
}
