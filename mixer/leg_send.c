/*
 * leg_send.c - sound out: collect a frame, encode, number, send.
 *
 * The mix is collected at 48 kHz until a frame is there, whatever quantum it comes in and whatever codec it will go to,
 * so that a codec change loses no sample. RTP time follows the engine's sample count, also through hold, silence and
 * ticks that were dropped: what was not sent is a gap in time, never a shift.
 *
 * A leg that leads others (share.c) collects and encodes for all; they put their own header before its payload.
 */
#include <sys/socket.h>
#include <string.h>
#include "ahead.h"
#include "leg.h"
#include "lend.h"
#include "who.h"

enum { HDR_ROOM = RTP_HDR_LEN + 4 * RTP_CSRC_MAX + RTP_EXT_HDR_LEN + CONTRIB_EXT,
       DTX_HANG_US = 200000, DTX_KEEP_US = 400000, NOISE_RATE = 8000 };
#define SILENCE 1e-10f            /* -100 dB */

static const struct leg_codec *tx_codec(const struct leg_rt *l)
{
	return l->plan && l->plan->enc ? &l->plan->desc.tx : NULL;
}

static const struct sa *destination_rt(const struct leg_rt *l, const struct leg_sock *s, struct sa *tmp)
{
	const struct leg_desc *d = &l->plan->desc;

	if (s->latched)
		return &s->peer;
	if (!s->rtcp || sa_isset(&d->rtcp, SA_ALL))
		return s->rtcp ? &d->rtcp : &d->rtp;
	/* RFC 3550 11: "RTP SHOULD use an even destination port number and the corresponding RTCP stream SHOULD use the
	 * next higher (odd) destination port number." */
	*tmp = d->rtp;
	if (!sa_isset(tmp, SA_ADDR))              /* a call without sound; libre would write a line about it */
		return tmp;
	sa_set_port(tmp, (uint16_t)(sa_port(tmp) + 1));
	return tmp;
}

/* Whose room to work in and counters: another thread's while that helps to send. */
static struct thread *hands_rt(const struct leg_rt *l) { return l->send.by ? l->send.by : l->t; }

void leg_emit_rt(struct leg_rt *l, struct leg_sock *s, uint8_t *buf, size_t len)
{
	struct sa tmp;
	const struct sa *to = destination_rt(l, s, &tmp);

	/* RFC 3264 8.4: "a connection address of 0.0.0.0, in which case it means that neither RTP nor RTCP should be sent to
	 * the peer". */
	if (!sa_isset(to, SA_ALL) || sa_is_any(to) || !sa_port(to))
		return;
	if (sendto(s->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, to->len) < 0)
		return;
	count_up(&l->n.tx_packets);
	count_add(&l->n.tx_bytes, len);
	count_up(&hands_rt(l)->n.tx);
}

static uint32_t rtp_time(const struct leg_send *s)
{
	return s->ts_base + (uint32_t)(s->pos * s->clock / CLOCK_RATE);
}

static void packet_rt(struct leg_rt *l, uint8_t pt, bool marker, uint32_t ts, const uint8_t *payload, size_t len)
{
	struct leg_send *s = &l->send;
	uint8_t *buf = hands_rt(l)->rt.scratch.dgram;
	struct rtp_pkt pkt = {.pt = pt, .marker = marker, .seq = s->seq, .ts = ts, .ssrc = l->ssrc};
	uint8_t ext[CONTRIB_EXT];
	size_t hdr = HDR_ROOM, total;

	if (pt != l->plan->desc.dtmf_tx_pt)       /* keys are ours, not of those in the mix */
		who_write_rt(l, &pkt, ext, len);
	if (rtp_write_hdr(buf, &hdr, &pkt))
		return;
	memcpy(buf + hdr, payload, len);
	total = hdr + len;
	s->seq++;
	if (l->plan->seal_tx && seal_rtp_rt(l->plan->seal_tx, buf, &total, DGRAM_MAX))
		return;
	leg_emit_rt(l, &l->rtp, buf, total);
	l->rep.packets++;
	l->rep.octets += (uint32_t)len;
	l->rep.sent_rtp = true;
}

static bool key_rt(struct leg_rt *l, uint32_t n_ts)
{
	const struct leg_desc *d = &l->plan->desc;
	struct leg_send *s = &l->send;
	uint8_t key[4];
	uint32_t ts;
	bool marker;

	if (d->dtmf_tx_pt == 0xff ||
	    dtmf_write_rt(&s->dtmf, key, &ts, &marker, rtp_time(s), n_ts, s->clock) != 1)
		return false;
	packet_rt(l, d->dtmf_tx_pt, marker, ts, key, sizeof(key));
	s->marker = true;         /* sound begins again after it */
	return true;
}

/* DTX: after a while of true silence nothing is encoded or sent, but for a packet now and then that keeps the path open.
 * Opus does as much by itself only in some of its modes. */
static bool dtx_rt(struct leg_rt *l, const float *smp, size_t n)
{
	const struct codec_param *pa = &tx_codec(l)->param;
	struct leg_send *s = &l->send;

	if (!pa->dtx || mix_energy(smp, n * s->channels) > SILENCE) {
		s->silent_us = 0;
		return false;
	}
	s->silent_us += pa->ptime_us;
	if (s->silent_us < DTX_HANG_US)
		return false;
	if (s->silent_us < DTX_HANG_US + DTX_KEEP_US)
		return true;
	s->silent_us = DTX_HANG_US;
	return false;
}

/* Does its peer hear silence as comfort noise? The noise's clock is 8 kHz, and so is its band. */
static bool takes_noise_rt(const struct leg_rt *l)
{
	const struct leg_codec *tx = tx_codec(l);

	return tx->param.dtx && tx->codec->srate == NOISE_RATE && l->plan->desc.cn_tx_pt != 0xff;
}

/* Length of a CN payload (its level; no spectrum), 0 for nothing, < 0: the frame is to be encoded. */
static int noise_rt(struct leg_rt *l, const float *smp, size_t n)
{
	struct leg_send *s = &l->send;

	switch (hush_frame_rt(&s->hush, mix_energy(smp, n * s->channels), tx_codec(l)->param.ptime_us)) {

	case HUSH_SOUND:
		break;

	case HUSH_NOISE:
		l->t->rt.scratch.payload[0] = s->hush.said;
		return 1;

	case HUSH_NOTHING:
		return 0;
	}
	return -1;
}

/* Length of what lies in scratch.payload; <= 0: nothing to send. */
static int encode_rt(struct leg_rt *l, const float *smp, size_t n)
{
	if (takes_noise_rt(l)) {
		int len = noise_rt(l, smp, n);

		if (len >= 0)
			return len;
	} else if (dtx_rt(l, smp, n)) {
		return 0;
	}
	count_up(&l->t->n.encodes);
	return tx_codec(l)->codec->encode_rt(l->plan->enc, l->t->rt.scratch.payload, DGRAM_MAX - HDR_ROOM - SEAL_ROOM, smp, n);
}

/* Whoever made the payload knows what it is. */
static bool is_noise_rt(const struct leg_rt *l)
{
	const struct leg_rt *from = l->share.leader ? l->share.leader : l;

	return takes_noise_rt(from) && from->send.hush.now == HUSH_NOISE;
}

/* A frame's payload to one who hears it: under its own number, time and key; if it needs that, with `red` bytes of older
 * frames and this one. */
static void deliver_rt(struct leg_rt *l, int len, size_t red, uint32_t n48)
{
	const struct scratch *x = &l->t->rt.scratch;
	struct leg_send *s = &l->send;

	if (key_rt(l, (uint32_t)((uint64_t)n48 * s->clock / CLOCK_RATE)))
		return;
	if (len <= 0) {           /* DTX: time goes on, and the next packet begins a talkspurt */
		s->marker = true;
		return;
	}
	if (is_noise_rt(l)) {
		if (takes_noise_rt(l))
			packet_rt(l, l->plan->desc.cn_tx_pt, false, rtp_time(s), x->payload, (size_t)len);
		s->marker = true;
		return;
	}
	if (red && leg_red_on_rt(l)) {
		packet_rt(l, l->plan->desc.red_tx_pt, s->marker, rtp_time(s), x->red, red);
		count_up(&l->n.redundant);
	} else {
		packet_rt(l, tx_codec(l)->pt, s->marker, rtp_time(s), x->payload, (size_t)len);
	}
	s->marker = false;
}

void leg_deliver_rt(struct leg_rt *l, struct thread *by, int len, size_t red, uint32_t n48)
{
	leg_cpu_begin_rt(l);
	l->send.by = by;
	deliver_rt(l, len, red, n48);
	l->send.by = NULL;
	leg_cpu_end_rt(l);
}

static void deliver_all_rt(struct leg_rt *l, int len, uint32_t n48)
{
	size_t red = leg_red_pack_rt(l, is_noise_rt(l) ? 0 : len);        /* older frames are sound */
	struct le *le;

	deliver_rt(l, len, red, n48);
	leg_cpu_end_rt(l);
	if (lend_rt(l, len, red, n48)) {
		leg_cpu_begin_rt(l);
		return;
	}
	for (le = l->share.followers.head; le; le = le->next) {
		struct leg_rt *f = le->data;

		if (le->next)
			ahead_leg_rt(le->next->data);
		leg_cpu_begin_rt(f);
		f->send.pos = l->send.pos;
		deliver_rt(f, len, red, n48);
		leg_cpu_end_rt(f);
	}
	leg_cpu_begin_rt(l);
}

/* The first frame of the collector, as the codec wants it; false: a resampler of odd ratio still owes a sample. */
static const float *resampled_rt(struct leg_rt *l, size_t n48, size_t n)
{
	struct leg_send *s = &l->send;
	struct scratch *x = &l->t->rt.scratch;
	uint8_t ch = s->channels;
	size_t got;

	if (tx_codec(l)->codec->srate == CLOCK_RATE)
		return s->pcm;
	got = resample_rt(l->plan->down, x->wide, s->pcm, n48);
	if (s->n_odd + got > l->plan->frame_smp + LEG_ODD)
		got = l->plan->frame_smp + LEG_ODD - s->n_odd;
	memcpy(s->odd + s->n_odd * ch, x->wide, got * ch * sizeof(*s->odd));
	s->n_odd += got;
	if (s->n_odd < n)
		return NULL;
	memcpy(x->wide, s->odd, n * ch * sizeof(*s->odd));
	s->n_odd -= n;
	memmove(s->odd, s->odd + n * ch, s->n_odd * ch * sizeof(*s->odd));
	return x->wide;
}

static void frame_rt(struct leg_rt *l, size_t n48)
{
	const struct leg_codec *tx = tx_codec(l);
	size_t n = n48 * tx->codec->srate / CLOCK_RATE;
	struct leg_send *s = &l->send;
	const float *smp = resampled_rt(l, n48, n);

	mean_add_rt(&s->delay, (int64_t)(s->now - s->pos), s->now, LEG_DELAY_US * 48ULL / 1000);
	if (smp)
		deliver_all_rt(l, encode_rt(l, smp, n), (uint32_t)n48);
	s->n -= n48;
	s->pos += n48;
	memmove(s->pcm, s->pcm + n48 * s->channels, s->n * s->channels * sizeof(*s->pcm));
}

/* n_smp <= QUANTUM_MAX in the codec's channels. */
static void collect_rt(struct leg_rt *l, const float *smp, size_t n_smp)
{
	size_t n48 = l->plan->frame_smp;
	struct leg_send *s = &l->send;

	memcpy(s->pcm + s->n * s->channels, smp, n_smp * s->channels * sizeof(*smp));
	s->n += n_smp;
	s->end += n_smp;
	while (s->n >= n48)
		frame_rt(l, n48);
}

static void restart_rt(struct leg_rt *l, uint64_t pos)
{
	struct leg_send *s = &l->send;
	uint32_t n48 = l->plan->frame_smp, n = (uint32_t)(pos % n48);
	struct le *le;

	/* Frames begin at multiples of their length, so that those of all members are full at the same tick. */
	if (pos - n < s->pos) {           /* ... where it has sent up to already: at the next one */
		s->n = 0;
		s->pos = s->end = pos - n + n48;
	} else {
		s->n = n;
		mix_clear(s->pcm, s->n * s->channels);
		s->pos = pos - n;
		s->end = pos;
	}
	s->marker = s->begun = true;
	leg_red_pause_rt(l);
	for (le = l->share.followers.head; le; le = le->next)
		((struct leg_rt *)le->data)->send.marker = true;
}

static void pad_rt(struct leg_rt *l, uint64_t pos)
{
	float *zero = l->t->rt.scratch.tmp;

	while (l->send.end < pos) {
		uint64_t n = pos - l->send.end;

		n = n > QUANTUM_MAX ? QUANTUM_MAX : n;
		mix_clear(zero, n * l->send.channels);
		collect_rt(l, zero, n);
	}
}

bool leg_sending_rt(const struct leg_rt *l)
{
	return tx_codec(l) && (l->plan->desc.dir & LEG_DIR_SEND) && !l->plan->keyless;
}

/* Deaf is silence, not absence: packets go on, so that the path stays open. What is said to it alone it hears all the same. */
static void gain_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos)
{
	bool quiet = l->leaving != LEG_STAYS || atomic_load_explicit(&l->deaf, memory_order_relaxed);

	ramp_aim(&l->send.gain, quiet ? 0 : 1, n_smp, RAMP_SMP);
	ramp_apply(&l->send.gain, mix, mix, (size_t)n_smp * channels);
	say_mix_rt(&l->send.say, l->t, mix, n_smp, channels, l->leaving == LEG_STAYS);
	leg_click_rt(l, mix, n_smp, channels, pos);
	limiter_rt(&l->send.limiter, mix, n_smp, channels);
}

static const float *rechannel_rt(struct leg_rt *l, const float *mix, uint32_t n_smp, uint8_t from)
{
	float *tmp = l->t->rt.scratch.tmp;

	if (l->send.channels == from)
		return mix;
	if (from == 1)
		mix_mono_to_stereo(tmp, mix, n_smp);
	else
		mix_stereo_to_mono(tmp, mix, n_smp);
	return tmp;
}

/* Followers are where their leader is. */
static void lead_rt(struct leg_rt *l)
{
	struct le *le;

	for (le = l->share.followers.head; le; le = le->next) {
		struct leg_send *s = &((struct leg_rt *)le->data)->send;

		s->n = l->send.n;
		s->pos = l->send.pos;
		s->end = l->send.end;
	}
}

void leg_send_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos)
{
	struct leg_send *s = &l->send;
	uint64_t skip = 0;

	if (!leg_sending_rt(l)) {
		s->begun = false;
		ramp_set(&s->gain, 0);
		ramp_set(&s->click, 0);
		say_skip_rt(&s->say, l->t, n_smp);
		limiter_init(&s->limiter);
		return;
	}
	s->now = pos;
	gain_rt(l, mix, n_smp, channels, pos);
	/* A frame or more that was not mixed is not sent: silence in its place would cost as much as sound, and that is why. */
	if (!s->begun || pos >= s->end + l->plan->frame_smp)
		restart_rt(l, pos);
	else if (pos > s->end)
		pad_rt(l, pos);
	else
		skip = s->end - pos;      /* it came from a bus that was further */
	if (skip < n_smp)
		collect_rt(l, rechannel_rt(l, mix, n_smp, channels) + skip * s->channels, n_smp - skip);
	lead_rt(l);
}

void leg_send_copy_rt(struct leg_rt *dst, const struct leg_rt *src)
{
	struct leg_send *d = &dst->send;
	const struct leg_send *s = &src->send;
	const struct codec *c = tx_codec(src)->codec;

	d->n = s->n;
	d->pos = s->pos;
	d->end = s->end;
	d->n_odd = s->n_odd;
	d->silent_us = s->silent_us;
	d->hush = s->hush;
	d->limiter = s->limiter;
	memcpy(d->pcm, s->pcm, s->n * s->channels * sizeof(*s->pcm));
	memcpy(d->odd, s->odd, s->n_odd * s->channels * sizeof(*s->odd));
	resample_copy_rt(dst->plan->down, src->plan->down);
	if (dst->plan->red && src->plan->red)
		*dst->plan->red = *src->plan->red;
	if (c->enc_copy_rt)
		c->enc_copy_rt(dst->plan->enc, src->plan->enc);
}

/* The queue moves into the new plan's memory, perhaps in another number of channels. */
static void requeue_rt(struct leg_send *s, const struct leg_plan *p)
{
	uint8_t from = s->channels, to = p->desc.tx.param.channels;
	size_t room = leg_queue_smp(p) - QUANTUM_MAX, gone = s->n > room ? s->n - room : 0;
	const float *pcm = s->pcm + gone * from;

	s->n -= gone;             /* of a frame much longer than the new ones */
	s->pos += gone;
	s->marker = s->marker || gone;
	if (from == to)
		memcpy(p->send_pcm, pcm, s->n * to * sizeof(*pcm));
	else if (to == 1)
		mix_stereo_to_mono(p->send_pcm, pcm, s->n);
	else
		mix_mono_to_stereo(p->send_pcm, pcm, s->n);
	s->pcm = p->send_pcm;
	s->channels = to;
}

/* Another codec: RTP time goes on from where it is, at the new rate. */
void leg_send_swap_rt(struct leg_rt *l, struct leg_plan *p)
{
	const struct leg_codec *tx = &p->desc.tx;
	struct leg_send *s = &l->send;
	bool same = tx_codec(l) && p->enc && leg_codec_equal(tx, &l->plan->desc.tx);
	float *odd = s->odd;
	uint32_t ts;

	s->odd = p->odd;
	if (!p->enc) {
		s->begun = false;
		s->n = s->n_odd = 0;
		s->pcm = NULL;
		return;
	}
	if (s->pcm)
		requeue_rt(s, p);
	s->pcm = p->send_pcm;
	s->channels = tx->param.channels;
	ts = rtp_time(s);
	s->clock = tx->codec->clock;
	s->ts_base = 0;
	s->ts_base = ts - rtp_time(s);
	if (same) {
		memcpy(s->odd, odd, s->n_odd * s->channels * sizeof(*odd));
	} else {
		/* A ratio like 44.1 to 48 gives a sample more or less at a call: two in hand, so that none is missing. */
		s->n_odd = CLOCK_RATE % tx->codec->srate ? 2 : 0;
		mix_clear(s->odd, s->n_odd * s->channels);
	}
	if (s->pos % p->frame_smp)
		s->begun = false;         /* longer frames: the first one begins where it should, or all would be late */
}
