/*
 * format.c - one format of a sound line.
 *
 * The peer's fmtp says what it likes to receive, so it steers our encoder; ours says the same to the peer and steers our
 * decoder (RFC 7587 7: all Opus parameters are declarative but the sprop- ones). A packet must fit into one datagram,
 * which is what limits the frame length of L16: 20 ms of stereo at 48 kHz would be 3840 bytes.
 */
#include <string.h>
#include "format.h"

enum {
	PTIME_MIN_US = 2500, PTIME_VOICE_MIN_US = 10000, PTIME_MAX_US = 60000, PTIME_USUAL_US = 20000,
	FRAME_64_US = 1333,               /* 64 samples at 48 kHz, as sound cards count */
	PAYLOAD_MAX = 1400,               /* RTP_MTU less IPv6, UDP, RTP and SRTP headers */
	OPUS_BITRATE_MIN = 6000, OPUS_BITRATE_MAX = 510000,     /* RFC 7587 6.1 */
	OVERHEAD_BITS = 40 * 8,           /* IPv4, UDP and RTP header of a packet, which b=AS counts */
	COMPLEXITY = 5, LOSS_PCT = 10,
};

static bool is_opus(const struct format *f)
{
	return f->codec && !str_casecmp(f->codec->name, "opus");
}

/* --- what a datagram holds --- */

static uint64_t frame_bytes(const struct format *f, uint32_t us)
{
	return (uint64_t)f->codec->max_bytes_ms * f->channels * us / 1000;
}

/* In one datagram, and a whole number of samples: 5 ms at 44.1 kHz is none. */
static bool fits(const struct format *f, uint32_t us)
{
	return frame_bytes(f, us) <= PAYLOAD_MAX &&
		((uint64_t)f->codec->srate * us % 1000000 == 0 || (us % FRAME_64_US == 0 && f->codec->srate == 48000));
}

/* The longest frame that fits, up to us; 0: none does. */
static uint32_t fit_datagram(const struct format *f, uint32_t us)
{
	static const uint32_t steps[] = {60000, 50000, 40000, 30000, 20000, 10000, 5000, PTIME_MIN_US};

	if (us < PTIME_MIN_US && fits(f, FRAME_64_US))
		return FRAME_64_US;
	if (fits(f, us))
		return us;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] <= us && fits(f, steps[i]))
			return steps[i];
	/* Longer than was asked for is still better than nothing to hear. */
	for (size_t i = sizeof(steps) / sizeof(steps[0]); i-- > 0; )
		if (fits(f, steps[i]))
			return steps[i];
	return 0;
}

/* Uncompressed stereo at 44.1 kHz is not: 10 ms are 1764 bytes, and less is no whole number of samples. */
static bool sendable(const struct format *f)
{
	return is_opus(f) || fit_datagram(f, PTIME_MAX_US);
}

/* --- what is allowed --- */

struct format format_of_pref(const struct format_prefs *p, size_t i)
{
	struct format f = {.what = FORMAT_SOUND, .codec = p->pref[i].codec, .clock = p->pref[i].codec->clock};

	f.channels = is_opus(&f) ? 2 : MAX(p->pref[i].channels, 1);
	return f;
}

static void read_pref(struct format_prefs *p, const struct pl *word)
{
	struct format f;
	struct pl rest = *word, part[3] = {PL_INIT, PL_INIT, PL_INIT};
	uint64_t clock = 0, channels = 0;
	const struct codec *codec;
	char name[32];

	for (size_t i = 0; i < 3 && rest.l; i++) {
		const char *slash = pl_strchr(&rest, '/');

		part[i] = rest;
		part[i].l = slash ? (size_t)(slash - rest.p) : rest.l;
		pl_advance(&rest, (ssize_t)(part[i].l + (slash ? 1 : 0)));
	}
	(void)sdesc_number(&clock, &part[1], UINT32_MAX);
	(void)sdesc_number(&channels, &part[2], 2);
	if (p->n >= FORMAT_PREFS_MAX || pl_strcpy(&part[0], name, sizeof(name)))
		return;
	codec = codec_find(name, (uint32_t)clock);
	if (!codec)
		return;
	p->pref[p->n].codec = codec;
	p->pref[p->n].clock = (uint32_t)clock;
	p->pref[p->n].channels = (uint8_t)(clock && !channels ? 1 : channels);
	f = format_of_pref(p, p->n);
	if (f.channels <= codec->max_channels && sendable(&f))
		p->n++;
}

int format_prefs_read(struct format_prefs *p, const char *codecs)
{
	static const char between[] = " \t,";
	struct pl word;

	memset(p, 0, sizeof(*p));
	for (word.p = codecs ? codecs : ""; *word.p; word.p += word.l) {
		word.p += strspn(word.p, between);
		word.l = strcspn(word.p, between);
		if (word.l)
			read_pref(p, &word);
	}
	return p->n ? 0 : EINVAL;
}

static const struct codec *allowed(const struct format_prefs *prefs, const char *name, uint32_t clock, uint8_t channels)
{
	for (size_t i = 0; i < prefs->n; i++) {
		const struct codec *c = codec_find(name, clock);

		if (!c || str_casecmp(prefs->pref[i].codec->name, c->name))
			continue;
		if (prefs->pref[i].clock && prefs->pref[i].clock != clock)
			continue;
		if (!str_casecmp(c->name, "opus"))
			return c;         /* one or two channels is a matter of fmtp, see format_read */
		if (prefs->pref[i].channels && prefs->pref[i].channels != channels)
			continue;
		if (channels >= 1 && channels <= c->max_channels)
			return c;
	}
	return NULL;
}

/* --- reading --- */

void format_read(struct format *f, const struct format_prefs *prefs, const struct sdesc_media *m, const struct pl *fmt)
{
	struct sdesc_rtpmap map;
	uint64_t pt = 0xff;
	char name[32];

	(void)sdesc_number(&pt, fmt, 127);
	*f = (struct format){.what = FORMAT_FOREIGN, .rx_pt = (uint8_t)pt, .tx_pt = (uint8_t)pt};
	if (sdesc_rtpmap(&map, m, fmt) || pl_strcpy(&map.name, name, sizeof(name)))
		return;
	f->clock = map.clock;
	f->channels = map.channels;
	if (!str_casecmp(name, "telephone-event")) {
		f->what = FORMAT_EVENT;
	} else if (!str_casecmp(name, "CN")) {
		f->what = FORMAT_NOISE;
	} else if (!str_casecmp(name, "red") && prefs->red) {
		f->what = FORMAT_RED;
	} else {
		f->codec = allowed(prefs, name, map.clock, map.channels);
		/* RFC 7587 7: "the number of channels MUST be 2". Some write none; there is only one Opus. */
		if (is_opus(f))
			f->channels = 2;
		if (f->codec && !sendable(f))
			f->codec = NULL;
		f->what = f->codec ? FORMAT_SOUND : FORMAT_FOREIGN;
	}
}

bool format_same(const struct format *a, const struct format *b)
{
	return a->what == b->what && a->codec == b->codec && a->clock == b->clock && a->channels == b->channels;
}

/* --- redundancy --- */

bool format_redundant(const struct format *f, uint32_t us)
{
	/* RFC 2198 3: "block length: 10 bits" */
	return f->what == FORMAT_SOUND && (is_opus(f) || (fits(f, us) && fits(f, 2 * us) && frame_bytes(f, us) < 1024));
}

/* Of the frames that could be sent at all, with these wishes. */
bool format_may_repeat(const struct format *f, bool music)
{
	if (f->what != FORMAT_SOUND)
		return false;
	return format_redundant(f, !music ? (uint32_t)PTIME_MAX_US : f->codec->srate == 48000 ? (uint32_t)FRAME_64_US : (uint32_t)PTIME_MIN_US);
}

/* RFC 2198 5: "a=fmtp:121 0/5": the payload types of the frame itself and of each older one, divided by slashes. Cuts one off. */
static bool next_inner(uint64_t *pt, struct pl *rest)
{
	const char *slash = pl_strchr(rest, '/');
	struct pl one = {rest->p, slash ? (size_t)(slash - rest->p) : rest->l};

	pl_advance(rest, (ssize_t)(one.l + (slash ? 1 : 0)));
	while (one.l && one.p[one.l - 1] == ' ')
		one.l--;
	return sdesc_number(pt, &one, 127);
}

bool format_red_inner(uint8_t *inner, const struct sdesc_media *m, uint8_t red_pt)
{
	struct pl rest;
	uint64_t pt;

	if (sdesc_fmtp(&rest, m, red_pt) || !next_inner(&pt, &rest))
		return false;
	*inner = (uint8_t)pt;
	return true;
}

uint8_t format_red_gens(const struct sdesc_media *m, uint8_t red_pt, uint8_t inner)
{
	uint8_t n = 0;
	struct pl rest;
	uint64_t pt;

	if (sdesc_fmtp(&rest, m, red_pt))
		return 1;
	if (!next_inner(&pt, &rest) || pt != inner)
		return 0;
	while (rest.l && n < UINT8_MAX && next_inner(&pt, &rest) && pt == inner)
		n++;
	return n;
}

/* --- printing --- */

static int print_opus(struct mbuf *mb, const struct format *f, const struct offer_conf *conf)
{
	int err;

	err = mbuf_printf(mb, "a=fmtp:%u minptime=%u;useinbandfec=1", f->rx_pt, conf->music ? 3 : 10);
	if (!conf->music)
		err |= mbuf_printf(mb, ";usedtx=1");
	if (conf->answer_stereo)
		err |= mbuf_printf(mb, ";stereo=1;sprop-stereo=1");
	return err | mbuf_printf(mb, "\r\n");
}

int format_print(struct mbuf *mb, const struct format *f, const struct offer_conf *conf)
{
	const char *name = f->codec ? f->codec->name : f->what == FORMAT_EVENT ? "telephone-event" :
		f->what == FORMAT_RED ? "red" : "CN";
	int err;

	err = mbuf_printf(mb, "a=rtpmap:%u %s/%u", f->rx_pt, name, f->clock);
	if (f->channels > 1)
		err |= mbuf_printf(mb, "/%u", f->channels);
	err |= mbuf_printf(mb, "\r\n");
	if (is_opus(f))
		err |= print_opus(mb, f, conf);
	/* RFC 4733 2.4.1: the events we can receive; flash (16) would not be heard by anybody. */
	if (f->what == FORMAT_EVENT)
		err |= mbuf_printf(mb, "a=fmtp:%u 0-15\r\n", f->rx_pt);
	if (f->what == FORMAT_RED)
		err |= mbuf_printf(mb, "a=fmtp:%u %u/%u\r\n", f->rx_pt, f->inner, f->inner);
	return err;
}

/* --- frame length --- */

/* RFC 8866 6.4: "ptime-value = non-zero-int-or-real". "20", "2.5" or "1.333" in milliseconds; 0: not there or nonsense. */
static uint32_t read_ms(const struct pl *pl)
{
	struct pl whole = *pl, part = PL_INIT, zero = PL("0");
	const char *dot = pl_strchr(pl, '.');
	uint64_t ms, us;

	while (whole.l && whole.p[whole.l - 1] == ' ')
		whole.l--;
	if (dot && dot < whole.p + whole.l) {
		part.p = dot + 1;
		part.l = MIN((size_t)(whole.p + whole.l - dot) - 1, (size_t)3);
		whole.l = (size_t)(dot - whole.p);
	}
	if (!sdesc_number(&ms, &whole, 1000) || !sdesc_number(&us, part.l ? &part : &zero, 999))
		return 0;
	for (size_t i = part.l; i < 3; i++)
		us *= 10;
	return (uint32_t)(ms * 1000 + us);
}

static uint32_t attr_us(const struct sdesc_media *m, const char *name)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, name, NULL);

	return a && a->value.l ? read_ms(&a->value) : 0;
}

uint32_t format_ptime_us(const struct sdesc_media *m)
{
	return attr_us(m, "ptime");
}

int format_print_ptime(struct mbuf *mb, const struct format *first, uint32_t us)
{
	/* RFC 7587 6.1: "Possible values are 3, 5, 10, 20, 40, 60, or an arbitrary multiple of an Opus frame size rounded up to the
	 * next full integer value" */
	if (us % 1000 == 0 || !first || is_opus(first))
		return mbuf_printf(mb, "a=ptime:%u\r\n", (us + 999) / 1000);
	/* RFC 8866 6.4: "ptime-value = non-zero-int-or-real" */
	return us % 100 ? mbuf_printf(mb, "a=ptime:%u.%03u\r\n", us / 1000, us % 1000) :
			  mbuf_printf(mb, "a=ptime:%u.%u\r\n", us / 1000, us % 1000 / 100);
}

/* RFC 7587 7: "ptime ... rounded up to the next full integer", so 3 says 2.5. Opus frames have fixed lengths. */
static uint32_t fit_opus(uint32_t us)
{
	static const uint32_t frames[] = {60000, 40000, 20000, 10000, 5000};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (us >= frames[i])
			return frames[i];
	return PTIME_MIN_US;
}

/* 20 is what a server writes that calls phones too: who wants short frames sends them nevertheless. And 3 says 2.5 of L16
 * beside Opus too: 144 samples would fit no quantum. */
static uint32_t wanted_us(uint32_t us, const struct format *f, const struct offer_conf *conf)
{
	if (!conf->music)
		return us;
	if (us == PTIME_USUAL_US)
		us = MIN(us, conf->ptime_us);
	return us == 3000 && f->codec->srate == 48000 ? PTIME_MIN_US : us;
}

static uint32_t frame_us(const struct format *f, const struct offer_conf *conf, const struct sdesc_media *m, uint32_t min_us)
{
	uint32_t music = is_opus(f) || f->codec->srate != 48000 ? PTIME_MIN_US : FRAME_64_US, least = conf->music ? music : PTIME_VOICE_MIN_US;
	uint32_t us = format_ptime_us(m), max_us = attr_us(m, "maxptime");

	if (!us)
		us = conf->ptime_us;
	us = wanted_us(us, f, conf);
	us = MAX(us, min_us);
	if (max_us && us > max_us)
		us = max_us;
	us = MIN(MAX(us, least), (uint32_t)PTIME_MAX_US);
	return is_opus(f) ? fit_opus(us) : fit_datagram(f, us);
}

/* --- parameters --- */

static uint32_t param_number(const struct pl *fmtp, const char *name, uint32_t min, uint32_t max)
{
	struct pl value;
	uint64_t n;

	if (sdesc_fmtp_param(&value, fmtp, name) || !sdesc_number(&n, &value, UINT32_MAX) || !n)
		return 0;
	return (uint32_t)MIN(MAX(n, min), max);
}

static bool param_on(const struct pl *fmtp, const char *name)
{
	struct pl value;

	return !sdesc_fmtp_param(&value, fmtp, name) && !pl_strcmp(&value, "1");
}

/* b=AS counts headers too (RFC 3550 6.2): take them off what is left for Opus. */
static uint32_t bandwidth(uint32_t kbps, uint32_t ptime_us)
{
	uint64_t bits = (uint64_t)kbps * 1000, overhead = (uint64_t)OVERHEAD_BITS * 1000000 / ptime_us;

	if (!kbps)
		return 0;
	if (bits < overhead + OPUS_BITRATE_MIN)
		return OPUS_BITRATE_MIN;
	return (uint32_t)MIN(bits - overhead, (uint64_t)OPUS_BITRATE_MAX);
}

static void opus_tx(struct codec_param *p, const struct format *f, const struct offer_conf *conf, const struct sdesc_media *m)
{
	struct pl fmtp = PL_INIT;
	uint32_t as;

	(void)sdesc_fmtp(&fmtp, m, f->tx_pt);
	/* RFC 7587 6.1: "stereo: specifies whether the decoder prefers receiving stereo or mono ... the default is mono" */
	p->channels = conf->answer_stereo && param_on(&fmtp, "stereo") ? 2 : 1;
	p->ptime_us = frame_us(f, conf, m, param_number(&fmtp, "minptime", 3, 60) * 1000);
	p->bitrate = param_number(&fmtp, "maxaveragebitrate", OPUS_BITRATE_MIN, OPUS_BITRATE_MAX);
	p->max_playback = param_number(&fmtp, "maxplaybackrate", 8000, 48000);
	p->fec = param_on(&fmtp, "useinbandfec");
	p->dtx = param_on(&fmtp, "usedtx");
	p->cbr = param_on(&fmtp, "cbr");
	p->loss_pct = p->fec ? LOSS_PCT : 0;
	as = bandwidth(m->bandwidth_as, p->ptime_us);
	if (as && (!p->bitrate || as < p->bitrate))
		p->bitrate = as;
}

static void common(struct codec_param *p, const struct format *f, const struct offer_conf *conf)
{
	memset(p, 0, sizeof(*p));
	p->channels = f->channels;
	p->complexity = COMPLEXITY;
	p->lowdelay = conf->music;
	p->voice = !conf->music;
}

void format_tx(struct leg_codec *tx, const struct format *f, const struct offer_conf *conf, const struct sdesc_media *m)
{
	tx->codec = f->codec;
	tx->pt = f->tx_pt;
	common(&tx->param, f, conf);
	if (is_opus(f))
		opus_tx(&tx->param, f, conf, m);
	else
		tx->param.ptime_us = frame_us(f, conf, m, 0);
}

void format_rx(struct leg_codec *rx, const struct format *f, const struct offer_conf *conf)
{
	rx->codec = f->codec;
	rx->pt = f->rx_pt;
	common(&rx->param, f, conf);
	rx->param.ptime_us = conf->ptime_us;
	if (is_opus(f))
		rx->param.channels = conf->answer_stereo ? 2 : 1;
}
