/*
 * leg_send.c - sound out: collect a frame, encode, number, send.
 *
 * The mix is collected at 48 kHz until a frame is there, whatever quantum it comes in and whatever codec it will go to,
 * so that a codec change loses no sample. RTP time follows the engine's sample count, also through hold, silence and
 * ticks that were dropped: what was not sent is a gap in time, never a shift.
 */
#include <sys/socket.h>
#include <string.h>
#include "leg.h"

enum { PAD_MAX = 4800, HDR_ROOM = RTP_HDR_LEN, DTX_HANG_US = 200000, DTX_KEEP_US = 400000 };
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
	sa_set_port(tmp, (uint16_t)(sa_port(tmp) + 1));
	return tmp;
}

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
	count_up(&l->t->n.tx);
}

static uint32_t rtp_time(const struct leg_send *s)
{
	return s->ts_base + (uint32_t)(s->pos * s->clock / CLOCK_RATE);
}

/* frame: header room, then payload of len bytes. */
static void packet_rt(struct leg_rt *l, uint8_t pt, bool marker, uint32_t ts, size_t len)
{
	struct leg_send *s = &l->send;
	struct rtp_pkt pkt = {.pt = pt, .marker = marker, .seq = s->seq, .ts = ts, .ssrc = l->ssrc};
	size_t hdr = HDR_ROOM, total = HDR_ROOM + len;

	if (rtp_write_hdr(s->frame, &hdr, &pkt) || hdr != HDR_ROOM)
		return;
	s->seq++;
	if (l->plan->seal_tx && seal_rtp_rt(l->plan->seal_tx, s->frame, &total, DGRAM_MAX))
		return;
	leg_emit_rt(l, &l->rtp, s->frame, total);
	l->rep.packets++;
	l->rep.octets += (uint32_t)len;
	l->rep.sent_rtp = true;
}

static bool key_rt(struct leg_rt *l, uint32_t n_ts)
{
	const struct leg_desc *d = &l->plan->desc;
	struct leg_send *s = &l->send;
	uint32_t ts;
	bool marker;

	if (d->dtmf_tx_pt == 0xff ||
	    dtmf_write_rt(&s->dtmf, s->frame + HDR_ROOM, &ts, &marker, rtp_time(s), n_ts, s->clock) != 1)
		return false;
	packet_rt(l, d->dtmf_tx_pt, marker, ts, 4);
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

static void encode_rt(struct leg_rt *l, const float *smp, size_t n)
{
	const struct leg_codec *tx = tx_codec(l);
	struct leg_send *s = &l->send;
	int len = 0;

	if (!dtx_rt(l, smp, n))
		len = tx->codec->encode_rt(l->plan->enc, s->frame + HDR_ROOM, DGRAM_MAX - HDR_ROOM - SEAL_ROOM, smp, n);
	if (len <= 0) {           /* DTX: time goes on, and the next packet begins a talkspurt */
		s->marker = true;
		return;
	}
	packet_rt(l, tx->pt, s->marker, rtp_time(s), (size_t)len);
	s->marker = false;
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
	if (s->n_odd + got > LEG_FRAME_MAX + 64)
		got = LEG_FRAME_MAX + 64 - s->n_odd;
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

	if (!key_rt(l, (uint32_t)((uint64_t)n48 * s->clock / CLOCK_RATE)) && smp)
		encode_rt(l, smp, n);
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

static bool sending_rt(const struct leg_rt *l)
{
	return tx_codec(l) && (l->plan->desc.dir & LEG_DIR_SEND);
}

/* Deaf is silence, not absence: packets go on, so that the path stays open. */
static void gain_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels)
{
	bool quiet = l->leaving != LEG_STAYS || atomic_load_explicit(&l->deaf, memory_order_relaxed);

	ramp_aim(&l->send.gain, quiet ? 0 : 1, n_smp, RAMP_SMP);
	ramp_apply(&l->send.gain, mix, mix, (size_t)n_smp * channels);
	mix_limit(mix, (size_t)n_smp * channels);
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

void leg_send_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos)
{
	struct leg_send *s = &l->send;
	uint64_t skip = 0;

	if (!sending_rt(l)) {
		s->begun = false;
		ramp_set(&s->gain, 0);
		return;
	}
	gain_rt(l, mix, n_smp, channels);
	if (!s->begun || pos > s->end + PAD_MAX)
		restart_rt(l, pos);
	else if (pos > s->end)
		pad_rt(l, pos);
	else
		skip = s->end - pos;      /* it came from a bus that was further */
	if (skip < n_smp)
		collect_rt(l, rechannel_rt(l, mix, n_smp, channels) + skip * s->channels, n_smp - skip);
}

static void rechannel_queue_rt(struct leg_send *s, uint8_t channels)
{
	if (channels == 1 && s->channels == 2)
		mix_stereo_to_mono(s->pcm, s->pcm, s->n);
	else if (channels == 2 && s->channels == 1)
		for (size_t i = s->n; i-- > 0;)
			s->pcm[2 * i] = s->pcm[2 * i + 1] = s->pcm[i];
	s->channels = channels;
}

/* Another codec: RTP time goes on from where it is, at the new rate. */
void leg_send_swap_rt(struct leg_rt *l, struct leg_plan *p)
{
	const struct leg_codec *tx = &p->desc.tx;
	struct leg_send *s = &l->send;
	uint32_t ts = rtp_time(s);

	if (!p->enc)
		return;
	rechannel_queue_rt(s, tx->param.channels);
	s->clock = tx->codec->clock;
	s->ts_base = 0;
	s->ts_base = ts - rtp_time(s);
	if (!tx_codec(l) || !leg_codec_equal(tx, &l->plan->desc.tx)) {
		/* A ratio like 44.1 to 48 gives a sample more or less at a call: two in hand, so that none is missing. */
		s->n_odd = CLOCK_RATE % tx->codec->srate ? 2 : 0;
		mix_clear(s->odd, s->n_odd * s->channels);
	}
	if (s->pos % p->frame_smp)
		s->begun = false;         /* longer frames: the first one begins where it should, or all would be late */
}
