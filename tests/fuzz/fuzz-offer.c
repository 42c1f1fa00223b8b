/*
 * fuzz-offer.c - any bytes as an offer, as a second offer in a session, and as the answer to ours.
 *
 * What comes out must be a description we read ourselves, with as many lines as went in, and a leg whose numbers are in
 * range. A refusal must leave no trace. The first byte chooses the settings; the rest is the body.
 */
#include <stdlib.h>
#include <string.h>
#include "server/offer.h"
#include "server/sdesc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char agreed[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	"m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";

static int open_line(struct sa *local, char *name, enum gestline_kind kind, const char *wish, void *arg)
{
	(void)arg;
	if (!views_name_ok(wish, strlen(wish)) && wish[0])
		abort();
	str_ncpy(name, wish[0] ? wish : "nobody", VIEW_NAME_MAX + 1);
	return sa_set_str(local, "198.51.100.10", (uint16_t)(30000 + 2 * kind));
}

static uint32_t claim(struct gestspace *s, void *arg)
{
	(void)arg;
	return s ? 0x55555555 : 0;
}

static struct offer *make(uint8_t settings)
{
	struct offer_conf conf = {
		.codecs = settings & 1 ? "L16/48000/2 L16 opus" : "opus G722 PCMU PCMA",
		.music = settings & 2, .answer_stereo = settings & 4, .ptime_us = settings & 2 ? 3000 : 20000,
		.levels = settings & 64,
		.srtp = settings & 8 ? OFFER_SRTP_REQUIRED : OFFER_SRTP_OPTIONAL,
		.red = settings & 128,
		.srtp_offered = settings & 4, .keying = settings & 1 ? OFFER_KEYING_DTLS : OFFER_KEYING_SDES,
		.dtls_fingerprint = settings & 2 ? NULL : "sha-256 00",
		.gest = {.takes = 0x1f, .offers = settings & 4 ? 0x1f : settings & 2 ? 3 : 0, .mtu = 1200, .stream_max = 65536,
			 .rate = 2000, .fingerprint = "sha-256 00", .open = open_line, .claims = claim},
	};
	struct offer *o;

	sa_init(&conf.source, AF_UNSPEC);
	if (settings & 64)
		(void)sa_set_str(&conf.source, "192.0.2.1", 5060);
	if (sa_set_str(&conf.media, settings & 16 ? "2001:db8::10" : "198.51.100.10", 20000) || offer_alloc(&o, &conf))
		abort();
	offer_set_hold(o, settings & 32);
	return o;
}

static void check_gestures(const struct offer *o)
{
	for (unsigned kind = 0; kind < GESTLINE_KINDS; kind++) {
		uint8_t mark[OFFER_MARK];
		const struct gestline *l = offer_gestline(o, (enum gestline_kind)kind, mark);

		if (!l)
			continue;
		if (l->kind != kind || l->dir > LEG_DIR_BOTH || l->sources < 1 || l->takes.max % 4 || l->takes.max < 64 ||
		    l->takes.rate < 1 || strlen(l->takes.types) > GESTLINE_TYPES_MAX)
			abort();
		if (kind <= GESTLINE_OSC && (l->pt > 127 || l->rate < 8000 || l->rate > 192000))
			abort();
		if (kind == GESTLINE_TLS && !l->fingerprint[0])
			abort();
	}
}

static void check_dtls(const struct offer *o, bool pending, const struct leg_desc *d)
{
	struct dtlskey_peer p;

	if (offer_dtls(o, pending, &p) || p.on != d->dtls)
		abort();
	if (p.on && (d->srtp_tx.len || d->srtp_rx.len || !p.fingerprint[0] || strlen(p.fingerprint) >= sizeof(p.fingerprint)))
		abort();
}

static void check_leg(const struct offer *o, bool pending)
{
	struct leg_desc d;

	if (offer_leg(o, pending, &d))
		return;
	check_dtls(o, pending, &d);
	if (d.n_rx > LEG_RX_MAX || d.dir > LEG_DIR_BOTH || d.level_rx_ext > 14 || d.levels_tx_ext > 14)
		abort();
	if (d.level_rx_ext && d.level_rx_ext == d.levels_tx_ext)
		abort();
	for (size_t i = 0; i < d.n_rx; i++)
		if (!d.rx[i].codec || d.rx[i].pt > 127 || d.rx[i].param.channels < 1 || d.rx[i].param.channels > 2)
			abort();
	if (d.n_red_rx > LEG_RED_MAX)
		abort();
	for (size_t i = 0; i < d.n_red_rx; i++)
		if (d.red_rx[i].pt > 127 || !d.red_rx[i].clock)
			abort();
	if (d.red_tx_gen && (!d.tx.codec || !d.n_red_rx || d.red_tx_pt > 127 || d.red_tx_pt == d.tx.pt))
		abort();
	if (!d.tx.codec)
		return;
	if (d.tx.pt > 127 || d.tx.param.ptime_us < 1333 || d.tx.param.ptime_us > 60000 ||
	    d.tx.param.channels < 1 || d.tx.param.channels > d.tx.codec->max_channels)
		abort();
}

static size_t lines(const void *body, size_t len)
{
	const char *why;
	struct sdesc *d;
	size_t n;

	if (sdesc_read(&d, &why, body, len))
		abort();
	n = d->n_media;
	mem_deref(d);
	return n;
}

static void check_offer(struct offer *o, const uint8_t *body, size_t len)
{
	struct leg_desc before, after;
	bool was = !offer_leg(o, false, &before);
	struct mbuf *mb = NULL, *again = NULL;
	const char *why = NULL;

	if (offer_answer(o, &mb, &why, body, len)) {
		if (!why || mb || offer_pending(o) || was != !offer_leg(o, false, &after))
			abort();
		if (was && memcmp(&before, &after, sizeof(before)))
			abort();
		return;
	}
	if (lines(mb->buf, mb->end) != lines(body, len))
		abort();
	check_leg(o, true);
	offer_commit(o);
	check_gestures(o);
	/* A connection that an offer wants to keep, or a line that was another kind of gestures, is there only the second time. */
	mb = mem_deref(mb);
	if (offer_answer(o, &mb, &why, body, len))
		abort();
	offer_commit(o);
	if (offer_answer(o, &again, &why, body, len) || again->end != mb->end || memcmp(again->buf, mb->buf, mb->end))
		abort();
	offer_commit(o);
	check_gestures(o);
	mem_deref(again);
	mem_deref(mb);
}

/* Our offer in whatever session there is now; the bytes are its answer. */
static void check_answer(struct offer *o, const uint8_t *body, size_t len)
{
	struct mbuf *mb;
	const char *why = NULL;

	if (offer_make(o, &mb))
		abort();
	(void)lines(mb->buf, mb->end);
	mem_deref(mb);
	check_leg(o, true);
	if (offer_accept(o, &why, body, len)) {
		if (!why || !offer_pending(o))
			abort();
		offer_rollback(o);
		return;
	}
	check_leg(o, true);
	offer_commit(o);
	check_gestures(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct offer *fresh, *session;
	struct mbuf *mb;
	const char *why;

	if (size < 1)
		return 0;
	fresh = make(data[0]);
	session = make(data[0] & (uint8_t)~17);
	if (offer_answer(session, &mb, &why, agreed, sizeof(agreed) - 1))
		abort();
	mem_deref(mb);
	offer_commit(session);
	check_answer(fresh, data + 1, size - 1);
	check_offer(fresh, data + 1, size - 1);
	check_answer(session, data + 1, size - 1);
	check_offer(session, data + 1, size - 1);
	check_answer(session, data + 1, size - 1);
	mem_deref(fresh);
	mem_deref(session);
	return 0;
}
