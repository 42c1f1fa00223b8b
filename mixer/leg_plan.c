/*
 * leg_plan.c - everything one leg_desc needs, made on the control thread as a whole, so that the media thread has only
 * to change one pointer, and what was agreed never holds by half.
 *
 * Where old and new agree, the media thread moves the object with its state from the old plan to the new one: an Opus
 * decoder goes on decoding, a jitter buffer keeps its packets, an SRTP context its roll-over counter.
 */
#include <string.h>
#include "leg.h"

enum { PTIME_MAX_MS = 100, SLOTS_MIN = 16, SLOTS_MAX = 64, SLOT_US = 10000, PAYLOAD_MIN = 64, PAYLOAD_MAX = 3840, UNIT_SMP = 120 };

static void plan_destructor(void *arg)
{
	struct leg_plan *p = arg;

	for (int i = 0; i < LEG_RX_MAX; i++) {
		mem_deref(p->rx[i].dec);
		mem_deref(p->rx[i].up);
	}
	for (int i = 0; i < LEG_JITTERS; i++)
		mem_deref(p->jitter[i]);
	mem_deref(p->play_pcm);
	mem_deref(p->send_pcm);
	mem_deref(p->odd);
	mem_deref(p->enc);
	mem_deref(p->red);
	mem_deref(p->inband);
	mem_deref(p->down);
	mem_deref(p->seal_rx);
	mem_deref(p->seal_tx);
	explicit_bzero(&p->desc.srtp_rx, sizeof(p->desc.srtp_rx));
	explicit_bzero(&p->desc.srtp_tx, sizeof(p->desc.srtp_tx));
}

bool leg_codec_equal(const struct leg_codec *a, const struct leg_codec *b)
{
	const struct codec_param *p = &a->param, *q = &b->param;

	return a->codec == b->codec && a->pt == b->pt && p->channels == q->channels && p->ptime_us == q->ptime_us &&
	       p->bitrate == q->bitrate && p->max_playback == q->max_playback && p->complexity == q->complexity &&
	       p->loss_pct == q->loss_pct && p->fec == q->fec && p->dtx == q->dtx && p->cbr == q->cbr &&
	       p->lowdelay == q->lowdelay && p->voice == q->voice;
}

static bool codec_usable(const struct leg_codec *c)
{
	return c->codec && c->param.channels >= 1 && c->param.channels <= c->codec->max_channels &&
	       c->param.channels <= MIX_CH && c->codec->srate && c->codec->clock;
}

static bool is_opus(const struct leg_codec *c) { return !strcmp(c->codec->name, "opus"); }

static size_t payload_max(const struct leg_codec *c)
{
	size_t n = c->codec->max_bytes_ms * c->param.channels * PTIME_MAX_MS;

	/* What a codec can pack into 120 ms is one thing, what fits into a datagram that is not cut in pieces another. */
	if (is_opus(c) && n > RTP_MTU)
		n = RTP_MTU;
	return n < PAYLOAD_MIN ? PAYLOAD_MIN : n > PAYLOAD_MAX ? PAYLOAD_MAX : n;
}

/* The buffer for a clock: found, or planned; all codecs of one clock share it. */
static int plan_jitter(struct leg_plan *p, const struct leg_codec *c, const struct plan_conf *conf)
{
	struct jitter_conf *j;
	/* Who is sent frames of 10 ms or more rarely sends shorter ones; the buffer then holds less than max_ms. */
	uint32_t slot_us = c->param.ptime_us && c->param.ptime_us < SLOT_US ? SLOT_US / 4 : SLOT_US;
	uint32_t slots = conf->jitter_max_ms * 1000 / slot_us + 4;
	/* The longest delay, a packet over it before the oldest goes, and one that the end of the room may be too short for. */
	size_t room = conf->jitter_max_ms * c->codec->max_bytes_ms * c->param.channels + 2 * payload_max(c);
	int i;

	for (i = 0; i < p->n_jitter; i++)
		if (p->jitter_conf[i].clock == c->codec->clock)
			break;
	if (i == LEG_JITTERS)
		return -1;
	j = &p->jitter_conf[i];
	if (i == p->n_jitter) {
		p->n_jitter++;
		*j = (struct jitter_conf){
			.clock = c->codec->clock, .min_ms = conf->jitter_min_ms, .max_ms = conf->jitter_max_ms,
			.start_ms = conf->jitter_start_ms, .fixed = conf->music, .fit = conf->fit, .steered = true,
			.n_slots = (uint16_t)(slots < SLOTS_MIN ? SLOTS_MIN : slots > SLOTS_MAX ? SLOTS_MAX : slots) };
	}
	if (payload_max(c) > j->max_payload)
		j->max_payload = payload_max(c);
	if (room > j->room)
		j->room = room;
	return i;
}

/* Opus bends tones, and who has it has telephone-event. In music a chord may be a key. */
static bool keys_in_sound(const struct leg_plan *p)
{
	for (int i = 0; i < LEG_DTMF_MAX; i++)
		if (p->desc.dtmf_rx_pt[i] != 0xff)
			return false;
	for (int i = 0; i < p->n_rx; i++)
		if (!is_opus(&p->rx[i].c))
			return !p->music;
	return false;
}

static int plan_inband(struct leg_plan *p)
{
	if (!keys_in_sound(p))
		return 0;
	p->inband = mem_zalloc(sizeof(*p->inband), NULL);
	return p->inband ? 0 : ENOMEM;
}

static int plan_rx_init(struct leg_plan *p, const struct plan_conf *conf)
{
	int err = 0;

	p->channels = 1;
	for (int i = 0; i < p->desc.n_rx && !err; i++) {
		struct plan_rx *rx = &p->rx[p->n_rx];

		rx->c = p->desc.rx[i];
		if (!codec_usable(&rx->c))
			return EINVAL;
		rx->jitter = plan_jitter(p, &rx->c, conf);
		if (rx->jitter < 0)
			return EINVAL;
		p->n_rx++;
		rx->fec = is_opus(&rx->c);
		/* 2.5 ms is a whole number of samples at nearly every rate, and what Opus can conceal. */
		rx->unit = rx->fec || rx->c.codec->srate != CLOCK_RATE ? UNIT_SMP : 1;
		if (rx->c.param.channels > p->channels)
			p->channels = rx->c.param.channels;
		err = rx->c.codec->dec_alloc(&rx->dec, rx->c.codec, &rx->c.param);
		if (!err)
			err = resample_alloc(&rx->up, rx->c.codec->srate, CLOCK_RATE, rx->c.param.channels);
	}
	for (int i = 0; i < p->n_jitter && !err; i++)
		err = jitter_alloc(&p->jitter[i], &p->jitter_conf[i]);
	if (!err)
		p->play_pcm = mem_zalloc((PCM_MAX + PACE_ROOM) * p->channels * sizeof(float), NULL);
	return err ? err : p->play_pcm ? 0 : ENOMEM;
}

/* The frame to send, in samples at 48 kHz. SDP says 64 samples as 1.33 ms, and not always with the same digits. 5 ms at
 * 44.1 kHz is no whole number of samples; 10 ms is one at every rate. */
static uint32_t frame_smp(struct codec_param *p, uint32_t srate)
{
	uint32_t n48 = (p->ptime_us * 48 + 500) / 1000;

	if (srate != CLOCK_RATE && (uint64_t)p->ptime_us * srate % 1000000) {
		p->ptime_us = (p->ptime_us + 9999) / 10000 * 10000;
		n48 = p->ptime_us * 48 / 1000;
	}
	return n48;
}

static int plan_tx_init(struct leg_plan *p)
{
	struct leg_codec *tx = &p->desc.tx;
	int err;

	if (!tx->codec)
		return 0;
	if (!codec_usable(tx) || tx->param.ptime_us < 1333 || tx->param.ptime_us > LEG_FRAME_MAX * 1000 / 48)
		return EINVAL;
	p->frame_smp = frame_smp(&tx->param, tx->codec->srate);
	err = tx->codec->enc_alloc(&p->enc, tx->codec, &tx->param);
	if (!err)
		err = resample_alloc(&p->down, CLOCK_RATE, tx->codec->srate, tx->param.channels);
	if (!err)
		p->tx_delay_us = resample_delay_us(p->down) + (tx->codec->delay_us ? tx->codec->delay_us(p->enc) : 0);
	p->send_pcm = mem_zalloc(leg_queue_smp(p) * tx->param.channels * sizeof(float), NULL);
	p->odd = mem_zalloc((p->frame_smp + LEG_ODD) * tx->param.channels * sizeof(float), NULL);
	if (p->desc.red_tx_gen) {
		p->red = mem_zalloc(sizeof(*p->red), NULL);
		if (!p->red)
			return ENOMEM;
		red_tx_init(p->red, p->desc.red_tx_gen);
		p->desc.red_tx_gen = p->red->n_gen;       /* the most we do */
	}
	return err ? err : p->send_pcm && p->odd ? 0 : ENOMEM;
}

int leg_plan_alloc(struct leg_plan **pp, const struct leg_desc *d, const struct plan_conf *conf)
{
	struct leg_plan *p;
	int err;

	if (d->n_rx > LEG_RX_MAX)
		return EINVAL;
	p = mem_zalloc(sizeof(*p), plan_destructor);
	if (!p)
		return ENOMEM;
	p->desc = *d;
	p->music = conf->music;
	p->fit = conf->fit;
	p->gated = conf->gated;
	p->keyless = d->dtls && (d->srtp_rx.suite == LEG_SRTP_NONE || d->srtp_tx.suite == LEG_SRTP_NONE);
	err = plan_rx_init(p, conf);
	if (!err)
		err = plan_inband(p);
	if (!err)
		err = plan_tx_init(p);
	if (!err && d->srtp_rx.suite != LEG_SRTP_NONE)
		err = seal_alloc(&p->seal_rx, &d->srtp_rx);
	if (!err && d->srtp_tx.suite != LEG_SRTP_NONE)
		err = seal_alloc(&p->seal_tx, &d->srtp_tx);
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

#define SWAP(a, b) do { __typeof__(a) tmp_ = (a); (a) = (b); (b) = tmp_; } while (0)

static bool jitter_conf_equal(const struct jitter_conf *a, const struct jitter_conf *b)
{
	return a->clock == b->clock && a->min_ms == b->min_ms && a->max_ms == b->max_ms && a->start_ms == b->start_ms &&
	       a->fixed == b->fixed && a->fit == b->fit && a->max_payload >= b->max_payload &&
	       a->room >= b->room && a->n_slots == b->n_slots;
}

static void inherit_rx_rt(struct leg_plan *p, struct leg_plan *old)
{
	for (int i = 0; i < p->n_rx; i++)
		for (int k = 0; k < old->n_rx; k++)
			if (leg_codec_equal(&p->rx[i].c, &old->rx[k].c)) {
				SWAP(p->rx[i].dec, old->rx[k].dec);
				SWAP(p->rx[i].up, old->rx[k].up);
				break;
			}
	for (int i = 0; i < p->n_jitter; i++)
		for (int k = 0; k < old->n_jitter; k++)
			if (jitter_conf_equal(&old->jitter_conf[k], &p->jitter_conf[i])) {
				SWAP(p->jitter[i], old->jitter[k]);
				SWAP(p->jitter_conf[i], old->jitter_conf[k]);
				break;
			}
}

void leg_plan_inherit_rt(struct leg_plan *p, struct leg_plan *old)
{
	inherit_rx_rt(p, old);
	if (p->enc && old->enc && leg_codec_equal(&p->desc.tx, &old->desc.tx)) {
		SWAP(p->enc, old->enc);
		if (p->red && old->red && p->red->n_gen == old->red->n_gen)
			SWAP(p->red, old->red);
		SWAP(p->down, old->down);
	}
	if (p->inband && old->inband)
		SWAP(p->inband, old->inband);
	p->key_rx_equal = seal_key_equal(&p->desc.srtp_rx, &old->desc.srtp_rx);
	if (p->key_rx_equal)
		SWAP(p->seal_rx, old->seal_rx);
	if (seal_key_equal(&p->desc.srtp_tx, &old->desc.srtp_tx))
		SWAP(p->seal_tx, old->seal_tx);
}
