/*
 * offer_audio.c - a sound line offered, answered and accepted.
 *
 * Three ways to make a part: `answer` from their line, `offer` from our wishes, `accept` from our offer and their line.
 * Each ends in a struct leg_desc. Payload types: in an answer both sides use the offerer's numbers; when we offered, we
 * receive with our numbers and send with the ones in the answer (RFC 3264 5.1, 6.1). `bound` remembers what every number
 * has ever meant on this line, because RFC 3264 8.3.2 forbids to give it another meaning later.
 */
#include <string.h>
#include "offer_audio.h"
#include "offer_ext.h"
#include "offer_keys.h"
#include "offer_net.h"

struct audio {
	char     proto[24];
	struct format fmt[FORMAT_MAX];    /* in the order of our description */
	size_t   n_fmt;
	struct format bound[128];         /* by our payload type */
	struct offer_keys keys;
	struct offer_ext ext;
	uint8_t  dir;                     /* what our description says */
	bool     peer_holds;
	bool     xr_voip, xr_rtt;         /* what our description says */
	uint32_t ptime_us;                /* that was settled; 0: nothing yet */
	struct leg_desc desc;
};

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

static void destructor(void *arg)
{
	struct audio *s = arg;

	offer_keys_wipe(&s->keys);
	sdes_wipe(&s->desc.srtp_rx);
	sdes_wipe(&s->desc.srtp_tx);
}

/* What is carried over from one exchange to the next: numbers, keys, ids of extensions. */
static struct audio *part_new(const struct audio *before)
{
	struct audio *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return NULL;
	if (before) {
		memcpy(s->bound, before->bound, sizeof(s->bound));
		memcpy(s->keys.own, before->keys.own, sizeof(s->keys.own));
		s->ext = before->ext;
	}
	sa_init(&s->desc.rtp, AF_UNSPEC);
	sa_init(&s->desc.rtcp, AF_UNSPEC);
	sa_init(&s->desc.source, AF_UNSPEC);
	s->desc.dtmf_tx_pt = s->desc.cn_rx_pt = s->desc.cn_tx_pt = 0xff;
	memset(s->desc.dtmf_rx_pt, 0xff, sizeof(s->desc.dtmf_rx_pt));
	return s;
}

/* --- transport --- */

static int read_transport(struct audio *s, const char **why, const struct offer_conf *conf, const struct audio *before,
			  const struct sdesc *d, const struct sdesc_media *m)
{
	int err = offer_net_rtp(&s->desc.rtp, why, conf, before ? &before->desc.rtp : NULL, d, m);

	if (!err && !s->desc.rtcp_mux)
		offer_net_rtcp(&s->desc.rtcp, &s->desc.rtp, m);
	return err;
}

/* What we do, given what both descriptions say. */
static void settle_dir(struct audio *s, uint8_t theirs, bool held)
{
	s->desc.dir = s->dir & offer_dir_flip(theirs);
	if (held)
		s->desc.dir &= (uint8_t)~LEG_DIR_SEND;
	s->peer_holds = held || !(theirs & LEG_DIR_RECV);
}

/* --- formats --- */

static bool has(const struct audio *s, const struct format *f)
{
	for (size_t i = 0; i < s->n_fmt; i++)
		if (format_same(&s->fmt[i], f))
			return true;
	return false;
}

static bool has_clock(const struct audio *s, enum format_what what, uint32_t clock)
{
	for (size_t i = 0; i < s->n_fmt; i++)
		if (s->fmt[i].what == what && s->fmt[i].clock == clock)
			return true;
	return false;
}

static size_t count(const struct audio *s, enum format_what what)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_fmt; i++)
		n += s->fmt[i].what == what;
	return n;
}

static bool has_number(const struct audio *s, uint8_t pt)
{
	for (size_t i = 0; i < s->n_fmt; i++)
		if (s->fmt[i].tx_pt == pt)
			return true;
	return false;
}

static void add(struct audio *s, const struct format *f)
{
	if (s->n_fmt < FORMAT_MAX && (f->what != FORMAT_SOUND || count(s, FORMAT_SOUND) < LEG_RX_MAX))
		s->fmt[s->n_fmt++] = *f;
}

static const struct format *first(const struct audio *s, enum format_what what, uint32_t clock)
{
	for (size_t i = 0; i < s->n_fmt; i++)
		if (s->fmt[i].what == what && (!clock || s->fmt[i].clock == clock))
			return &s->fmt[i];
	return NULL;
}

/* Key presses and noise go with the codecs: RFC 4733 2.1: "the clock rate of telephone-event MUST be that of the audio".
 * Some offer 8000 only beside Opus; then that one is better than none. */
static bool useful(const struct audio *s, const struct format *f)
{
	if (f->what == FORMAT_EVENT)
		return has_clock(s, FORMAT_SOUND, f->clock);
	return f->what == FORMAT_NOISE && f->clock == 8000 && f->channels == 1 && has_clock(s, FORMAT_SOUND, 8000);
}

/* Whose frames it repeats: the codec its fmtp names, else the first of that clock. */
static void red_inner(struct audio *s, struct format *f, const struct sdesc_media *m)
{
	const struct format *sound = first(s, FORMAT_SOUND, f->clock);
	uint8_t pt;

	f->inner = sound->rx_pt;
	for (size_t i = 0; format_red_inner(&pt, m, f->tx_pt) && i < s->n_fmt; i++)
		if (s->fmt[i].what == FORMAT_SOUND && s->fmt[i].clock == f->clock && s->fmt[i].tx_pt == pt)
			f->inner = s->fmt[i].rx_pt;
}

/* Redundant audio stands where it stood in the offer: before its codec says that the peer likes it better. One of each
 * clock. */
static void add_red(struct audio *s, const struct format theirs[], size_t i, const struct sdesc_media *m)
{
	struct format f = theirs[i];
	size_t at = 0;

	if (!has_clock(s, FORMAT_SOUND, f.clock) || has_clock(s, FORMAT_RED, f.clock) || has_number(s, f.tx_pt) ||
	    s->n_fmt >= FORMAT_MAX || count(s, FORMAT_RED) >= LEG_RED_MAX)
		return;
	for (size_t k = 0; k < i && at < s->n_fmt; k++)
		at += s->fmt[at].tx_pt == theirs[k].tx_pt;
	red_inner(s, &f, m);
	memmove(&s->fmt[at + 1], &s->fmt[at], (s->n_fmt - at) * sizeof(s->fmt[0]));
	s->fmt[at] = f;
	s->n_fmt++;
}

/* RFC 3264 6.1: the answerer "SHOULD use the same order" of formats as the offer. */
static int read_formats(struct audio *s, const char **why, const struct format_prefs *prefs, const struct sdesc_media *m)
{
	struct format theirs[SDESC_FMT_MAX];

	for (size_t i = 0; i < m->n_fmt; i++) {
		format_read(&theirs[i], prefs, m, &m->fmt[i]);
		s->bound[theirs[i].rx_pt & 127] = theirs[i];
		if (theirs[i].what == FORMAT_SOUND && !has_number(s, theirs[i].tx_pt))
			add(s, &theirs[i]);
	}
	if (!s->n_fmt)
		return refuse(why, ENOTSUP, "no codec in common");
	for (size_t i = 0; i < m->n_fmt; i++)
		if (theirs[i].what == FORMAT_RED)
			add_red(s, theirs, i, m);
	for (size_t i = 0; i < m->n_fmt; i++)
		if (useful(s, &theirs[i]) && !has_number(s, theirs[i].tx_pt))
			add(s, &theirs[i]);
	for (size_t i = 0; i < m->n_fmt && !count(s, FORMAT_EVENT); i++)
		if (theirs[i].what == FORMAT_EVENT)
			add(s, &theirs[i]);
	return 0;
}

static void describe_rx(struct audio *s, const struct offer_conf *conf)
{
	s->desc.n_rx = 0;
	for (size_t i = 0; i < s->n_fmt; i++)
		if (s->fmt[i].what == FORMAT_SOUND)
			format_rx(&s->desc.rx[s->desc.n_rx++], &s->fmt[i], conf);
	s->desc.n_red_rx = 0;
	for (size_t i = 0; i < s->n_fmt && s->desc.n_red_rx < LEG_RED_MAX; i++) {
		if (s->fmt[i].what != FORMAT_RED)
			continue;
		s->desc.red_rx[s->desc.n_red_rx].pt = s->fmt[i].rx_pt;
		s->desc.red_rx[s->desc.n_red_rx++].clock = s->fmt[i].clock;
	}
}

/* What we send once more goes by their fmtp. */
static void describe_red_tx(struct audio *s, const struct format *sound, const struct sdesc_media *m)
{
	const struct format *red = first(s, FORMAT_RED, sound->clock);

	if (!red || !format_redundant(sound, s->desc.tx.param.ptime_us))
		return;
	s->desc.red_tx_pt = red->tx_pt;
	s->desc.red_tx_gen = format_red_gens(m, red->tx_pt, sound->tx_pt);
}

/* RFC 3611 5.1: "a=rtcp-xr:voip-metrics rcvr-rtt=all:64": what the peer wants to get (5.2), and for round trips that it
 * answers. The same in a line and in the session part. */
static void read_xr(struct leg_desc *desc, const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "rtcp-xr", NULL);
	struct pl rest, word;

	if (!a)
		a = sdesc_attr(d, "rtcp-xr");
	if (!a || !a->value.p)
		return;
	rest = a->value;
	while (sdesc_word(&word, &rest)) {
		if (!pl_strcasecmp(&word, "voip-metrics"))
			desc->xr_voip = true;
		else if (word.l >= 9 && !strncasecmp(word.p, "rcvr-rtt=", 9))
			desc->xr_rtt = true;
	}
}

static int print_xr(struct mbuf *mb, const struct audio *s)
{
	if (!s->xr_voip && !s->xr_rtt)
		return 0;
	return mbuf_printf(mb, "a=rtcp-xr:%s%s%s\r\n", s->xr_voip ? "voip-metrics" : "", s->xr_voip && s->xr_rtt ? " " : "",
			   s->xr_rtt ? "rcvr-rtt=all" : "");
}

/* A phone may press keys at any clock it offered, whatever codec it speaks. */
static void describe_keys(struct audio *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_fmt && n < LEG_DTMF_MAX; i++)
		if (s->fmt[i].what == FORMAT_EVENT)
			s->desc.dtmf_rx_pt[n++] = s->fmt[i].rx_pt;
}

static void describe_ext(struct audio *s)
{
	s->desc.level_rx_ext = offer_ext_id(&s->ext, OFFER_EXT_LEVEL);
	s->desc.levels_tx_ext = offer_ext_id(&s->ext, OFFER_EXT_LEVELS);
}

/* RFC 3389 5: a CN number in the description says that comfort noise may be sent. Opus has a silence of its own. */
static void describe_noise(struct audio *s, const struct offer_conf *conf, const struct format *noise)
{
	s->desc.cn_rx_pt = noise->rx_pt;
	if (!conf->comfort_noise || conf->music || s->desc.tx.codec->srate != noise->clock)
		return;
	s->desc.cn_tx_pt = noise->tx_pt;
	s->desc.tx.param.dtx = true;
}

static void describe(struct audio *s, const struct offer_conf *conf, const struct sdesc_media *m)
{
	const struct format *sound = first(s, FORMAT_SOUND, 0), *event, *noise = first(s, FORMAT_NOISE, 0);

	s->desc.srtp_tx = s->keys.tx;
	s->desc.srtp_rx = s->keys.rx;
	s->desc.dtls = s->keys.dtls.peer.on;
	describe_rx(s, conf);
	describe_ext(s);
	format_tx(&s->desc.tx, sound, conf, m);
	s->ptime_us = s->desc.tx.param.ptime_us;
	describe_keys(s);
	describe_red_tx(s, sound, m);
	event = first(s, FORMAT_EVENT, sound->clock);
	if (!event)
		event = first(s, FORMAT_EVENT, 0);
	if (event) {
		s->desc.dtmf_tx_pt = event->tx_pt;
		s->desc.dtmf_clock = event->clock;
	}
	if (noise)
		describe_noise(s, conf, noise);
}

/* --- the three steps --- */

static struct offer_keys_line keys_of(const struct offer_ctx *ctx, const struct audio *before)
{
	return (struct offer_keys_line){.conf = ctx->conf, .before = before ? &before->keys : NULL};
}

static bool mine(const struct sdesc_media *m)
{
	return !pl_strcmp(&m->type, "audio");
}

static int make_answer(struct audio *s, const char **why, const struct offer_ctx *ctx, const struct audio *before,
		       const struct sdesc *d, const struct sdesc_media *m)
{
	struct offer_keys_line keys = keys_of(ctx, before);
	uint8_t theirs = offer_dir_theirs(d, m);
	int err;

	err = offer_net_profile(&keys.profile, why, &m->proto);
	if (err)
		return err;
	if (m->n_ports != 1)
		return refuse(why, ENOTSUP, "several ports in one line are not supported");
	(void)pl_strcpy(&m->proto, s->proto, sizeof(s->proto));
	/* RFC 5761 5.1.1: the answer has a=rtcp-mux only if the offer had it. */
	s->desc.rtcp_mux = sdesc_media_attr(m, "rtcp-mux", NULL) != NULL;
	err = read_transport(s, why, ctx->conf, before, d, m);
	if (!err)
		err = read_formats(s, why, ctx->prefs, m);
	if (!err)
		err = offer_keys_answer(&s->keys, why, &keys, d, m);
	if (err)
		return err;
	s->ext.on = 0;
	if (ctx->conf->levels)
		offer_ext_answer(&s->ext, d, m);
	read_xr(&s->desc, d, m);
	s->xr_voip = s->desc.xr_voip;
	s->xr_rtt = s->desc.xr_rtt;
	s->dir = offer_dir_flip(theirs) & (ctx->hold ? LEG_DIR_SEND : LEG_DIR_BOTH);
	settle_dir(s, theirs, offer_net_held(d, m));
	describe(s, ctx->conf, m);
	return 0;
}

static int answer(void **part, const char **why, const struct offer_ctx *ctx, const void *before, const struct sdesc *d,
		  const struct sdesc_media *m)
{
	struct audio *s = part_new(before);
	int err;

	if (!s)
		return ENOMEM;
	err = make_answer(s, why, ctx, before, d, m);
	if (err)
		mem_deref(s);
	else
		*part = s;
	return err;
}

static bool is_free(const struct audio *s, uint8_t pt)
{
	return s->bound[pt].what == FORMAT_NONE;
}

/* A number for a format in our offer: what it was before, its static one, the usual one, or any that is free. -1: none. */
static int number(const struct audio *s, const struct format *f)
{
	static const struct { enum format_what what; uint32_t clock; uint8_t pt; } usual[] = {
		{FORMAT_EVENT, 8000, 101}, {FORMAT_EVENT, 48000, 102}, {FORMAT_NOISE, 8000, 13},
	};
	int fixed = f->codec ? sdesc_static_pt(f->codec->name, f->clock, f->channels) : -1;

	for (uint8_t pt = 0; pt < 128; pt++)
		if (format_same(&s->bound[pt], f))
			return pt;
	if (fixed >= 0 && is_free(s, (uint8_t)fixed))
		return fixed;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i].what == f->what && usual[i].clock == f->clock && is_free(s, usual[i].pt))
			return usual[i].pt;
	/* RFC 3551 3: 96 to 127 are dynamic; when they are used up, the unassigned ones from 35 on that do not look
	 * like RTCP when multiplexed (RFC 5761 4). */
	for (uint8_t pt = 96; pt < 128; pt++)
		if (is_free(s, pt))
			return pt;
	for (uint8_t pt = 35; pt < 64; pt++)
		if (is_free(s, pt))
			return pt;
	return -1;
}

static void offer_format(struct audio *s, struct format f)
{
	int pt;

	if (has(s, &f))
		return;
	pt = number(s, &f);
	if (pt < 0)
		return;
	f.rx_pt = f.tx_pt = (uint8_t)pt;
	s->bound[pt] = f;
	add(s, &f);
}

/* Behind the codecs: who takes the first we offer does not send everything twice for that. */
static void offer_red(struct audio *s, const struct format *sound, bool music)
{
	if (format_may_repeat(sound, music) && !has_clock(s, FORMAT_RED, sound->clock) && count(s, FORMAT_RED) < LEG_RED_MAX)
		offer_format(s, (struct format){.what = FORMAT_RED, .clock = sound->clock, .channels = sound->channels,
						.inner = sound->rx_pt});
}

/* The codec in use stays first, so that a hold or a refresh does not change it; then all we allow, in our order. */
static void offer_formats(struct audio *s, const struct format_prefs *prefs, const struct audio *before, bool music)
{
	const struct format *in_use = before ? first(before, FORMAT_SOUND, 0) : NULL;
	size_t n_sound;

	if (in_use)
		offer_format(s, *in_use);
	for (size_t i = 0; i < prefs->n; i++)
		offer_format(s, format_of_pref(prefs, i));
	n_sound = s->n_fmt;
	for (size_t i = 0; i < n_sound && prefs->red; i++)
		offer_red(s, &s->fmt[i], music);
	for (size_t i = 0; i < n_sound; i++)
		offer_format(s, (struct format){.what = FORMAT_EVENT, .clock = s->fmt[i].clock, .channels = 1});
	if (before && before->desc.cn_rx_pt != 0xff)
		offer_format(s, (struct format){.what = FORMAT_NOISE, .clock = 8000, .channels = 1});
}

static int offer(void **part, const struct offer_ctx *ctx, const void *arg)
{
	const struct audio *before = arg;
	const struct offer_keys_line keys = keys_of(ctx, before);
	struct audio *s = part_new(before);
	int err;

	if (!s)
		return ENOMEM;
	str_ncpy(s->proto, before ? before->proto : offer_net_profile_name(offer_keys_profile(&keys)), sizeof(s->proto));
	s->ptime_us = before ? before->ptime_us : 0;
	offer_formats(s, ctx->prefs, before, ctx->conf->music);
	err = offer_keys_offer(&s->keys, &keys);
	s->desc.dtls = s->keys.dtls.peer.on;
	s->dir = ctx->hold ? LEG_DIR_SEND : LEG_DIR_BOTH;
	/* RFC 3264 5.1: the offerer "MUST be prepared to receive media ... as soon as it sends the offer". */
	s->desc.dir = s->dir & LEG_DIR_RECV;
	s->desc.rtcp_mux = before ? before->desc.rtcp_mux : true;
	s->ext.on = 0;
	if (ctx->conf->levels)
		offer_ext_offer(&s->ext);
	s->xr_voip = before ? before->xr_voip : true;
	s->xr_rtt = before ? before->xr_rtt : true;
	s->desc.xr_voip = before && before->desc.xr_voip;
	s->desc.xr_rtt = before && before->desc.xr_rtt;
	describe_rx(s, ctx->conf);
	s->desc.level_rx_ext = offer_ext_id(&s->ext, OFFER_EXT_LEVEL);
	if (err)
		mem_deref(s);
	else
		*part = s;
	return err;
}

/* What a format of their answer is of what we offered. Some leave out the rtpmap of a number that we named. */
static const struct format *offered_as(const struct audio *offered, const struct format *theirs)
{
	for (size_t i = 0; i < offered->n_fmt; i++)
		if (format_same(&offered->fmt[i], theirs))
			return &offered->fmt[i];
	for (size_t i = 0; i < offered->n_fmt; i++)
		if (!theirs->clock && offered->fmt[i].rx_pt == theirs->tx_pt)
			return &offered->fmt[i];
	return NULL;
}

static int accept_formats(struct audio *s, const char **why, const struct format_prefs *prefs, const struct audio *offered,
			  const struct sdesc_media *m)
{
	for (size_t i = 0; i < m->n_fmt; i++) {
		const struct format *ours;
		struct format f;

		format_read(&f, prefs, m, &m->fmt[i]);
		ours = offered_as(offered, &f);
		if (!ours || has(s, ours))
			continue;
		f.rx_pt = ours->rx_pt;
		f.what = ours->what;
		f.codec = ours->codec;
		f.clock = ours->clock;
		f.channels = ours->channels;
		f.inner = ours->inner;
		add(s, &f);
	}
	return count(s, FORMAT_SOUND) ? 0 : refuse(why, ENOTSUP, "the answer has no codec in common");
}

static int answer_profile(enum offer_profile *ours, const char **why, const struct audio *offered, const struct sdesc_media *m)
{
	enum offer_profile theirs;
	struct pl proto;
	int err;

	pl_set_str(&proto, offered->proto);
	err = offer_net_profile(ours, why, &proto);
	if (!err)
		err = offer_net_profile(&theirs, why, &m->proto);
	return !err && *ours != theirs ? refuse(why, ENOTSUP, "the answer's transport is not the one offered") : err;
}

static int make_accept(struct audio *s, const char **why, const struct offer_ctx *ctx, const struct audio *offered,
		       const struct audio *before, const struct sdesc *d, const struct sdesc_media *m)
{
	struct offer_keys_line keys = keys_of(ctx, before);
	int err;

	err = answer_profile(&keys.profile, why, offered, m);
	if (err)
		return err;
	str_ncpy(s->proto, offered->proto, sizeof(s->proto));
	s->desc.rtcp_mux = offered->desc.rtcp_mux && sdesc_media_attr(m, "rtcp-mux", NULL);
	err = read_transport(s, why, ctx->conf, before, d, m);
	if (!err)
		err = accept_formats(s, why, ctx->prefs, offered, m);
	if (!err)
		err = offer_keys_accept(&s->keys, why, &keys, &offered->keys, d, m);
	if (err)
		return err;
	offer_ext_accept(&s->ext, &offered->ext, d, m);
	read_xr(&s->desc, d, m);
	s->xr_voip = offered->xr_voip;
	s->xr_rtt = offered->xr_rtt;
	s->dir = offered->dir;
	settle_dir(s, offer_dir_theirs(d, m), offer_net_held(d, m));
	describe(s, ctx->conf, m);
	return 0;
}

static int accept_answer(void **part, const char **why, const struct offer_ctx *ctx, const void *offered, const void *before,
			 const struct sdesc *d, const struct sdesc_media *m)
{
	struct audio *s = part_new(offered);
	int err;

	if (!s)
		return ENOMEM;
	err = make_accept(s, why, ctx, offered, before, d, m);
	if (err)
		mem_deref(s);
	else
		*part = s;
	return err;
}

/* RFC 3264 6.1: "the ptime ... in the answer" is what we would like to get. In music that is what we send: who asked for 64
 * samples would else be asked for 20 ms in return, and again by every later offer of ours. */
static int print_ptime(struct mbuf *mb, const struct audio *s, const struct offer_conf *conf)
{
	return format_print_ptime(mb, first(s, FORMAT_SOUND, 0), conf->music && s->ptime_us ? s->ptime_us : conf->ptime_us);
}

static int print(struct mbuf *mb, const struct offer_ctx *ctx, const void *part)
{
	const struct audio *s = part;
	int err;

	err = mbuf_printf(mb, "m=audio %u %s", sa_port(&ctx->conf->media), s->proto);
	for (size_t i = 0; i < s->n_fmt; i++)
		err |= mbuf_printf(mb, " %u", s->fmt[i].rx_pt);
	err |= mbuf_printf(mb, "\r\n");
	for (size_t i = 0; i < s->n_fmt; i++)
		err |= format_print(mb, &s->fmt[i], ctx->conf);
	err |= print_ptime(mb, s, ctx->conf);
	err |= mbuf_printf(mb, "a=%s\r\n", offer_dir_name(s->dir));
	if (s->desc.rtcp_mux)
		err |= mbuf_printf(mb, "a=rtcp-mux\r\n");
	err |= offer_ext_print(mb, &s->ext);
	err |= print_xr(mb, s);
	return err | offer_keys_print(mb, &s->keys);
}

const struct offer_kind audio_kind = {
	.name = "sound", .max = 1, .mine = mine, .answer = answer, .offer = offer, .accept = accept_answer, .print = print,
};

const struct leg_desc *audio_desc(const void *part)
{
	return &((const struct audio *)part)->desc;
}

const struct dtlskey_peer *audio_dtls(const void *part)
{
	return &((const struct audio *)part)->keys.dtls.peer;
}

bool audio_peer_holds(const void *part)
{
	return ((const struct audio *)part)->peer_holds;
}
