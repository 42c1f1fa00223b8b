/*
 * leg_play.c - from the jitter buffer to sound: decode, conceal, resample, gain.
 *
 * Frames of any length and rate become a queue of samples at 48 kHz, from which each tick takes a quantum. Wherever one
 * kind of sound follows another (a codec change, the end of a talkspurt, hold), the old decoder is asked for 5 ms more,
 * which fade out as the "tail" under the new sound that fades in: a change never shows as a step.
 *
 *     jitter_get > decode | conceal | silence, noise > resample > append (blend the tail) > pcm > gain > own
 *
 * What fills in for a packet that is not there is never longer than this tick needs (ask_rt): a packet that is late by a
 * millisecond waits for the end of what stood in for it, and that delay stays.
 */
#include <math.h>
#include <string.h>
#include "leg.h"

enum { CONCEAL_MAX = CLOCK_RATE / 10, SEAM = 120 };

#define QUIET 1e-6f               /* -60 dB: where a frame left out is not missed */

/* n_smp of one channel count to another; dst and src differ. */
static void channels_rt(float *dst, uint8_t to, const float *src, uint8_t from, size_t n_smp)
{
	if (to == from)
		memcpy(dst, src, n_smp * to * sizeof(*dst));
	else if (to == 2)
		mix_mono_to_stereo(dst, src, n_smp);
	else
		mix_stereo_to_mono(dst, src, n_smp);
}

static void fade_rt(float *smp, size_t n_smp, uint8_t channels, float from, float to)
{
	mix_ramp(smp, smp, from, to, n_smp * channels);
}

/* Lays the tail under what was just put at the queue's place `at`. */
static void blend_rt(struct leg_play *p, size_t at, size_t n_smp)
{
	size_t n = p->n_tail < n_smp ? p->n_tail : n_smp;
	float *smp = p->pcm + at * p->channels;

	if (p->fade_in) {
		fade_rt(smp, n_smp < RAMP_SMP ? n_smp : RAMP_SMP, p->channels, 0, 1);
		p->fade_in = false;
	}
	if (!n)
		return;
	mix_add(smp, p->tail, n * p->channels);
	p->n_tail -= n;
	memmove(p->tail, p->tail + n * p->channels, p->n_tail * p->channels * sizeof(*p->tail));
}

static void append_rt(struct leg_play *p, const float *smp, size_t n_smp, uint8_t channels)
{
	size_t room = PCM_MAX - p->n;

	if (n_smp > room)
		n_smp = room;
	channels_rt(p->pcm + p->n * p->channels, p->channels, smp, channels, n_smp);
	p->n += n_smp;
	blend_rt(p, p->n - n_smp, n_smp);
}

static void append_zero_rt(struct leg_play *p, size_t n_smp)
{
	if (n_smp > PCM_MAX - p->n)
		n_smp = PCM_MAX - p->n;
	mix_clear(p->pcm + p->n * p->channels, n_smp * p->channels);
	p->n += n_smp;
	blend_rt(p, p->n - n_smp, n_smp);
}

/* How much to ask for when the tick still needs n_smp: as little as the codec can conceal. */
static size_t ask_rt(const struct leg_play *p, size_t n_smp)
{
	size_t unit = p->cur ? p->cur->unit : 1;

	return (n_smp + unit - 1) / unit * unit;
}

/* What the sender's last CN packet describes, at the rate of the codec it stands in for. */
static void append_noise_rt(struct leg_rt *l, size_t n_smp)
{
	struct scratch *x = &l->t->rt.scratch;
	struct leg_play *p = &l->play;
	size_t n = n_smp * p->cur->c.codec->srate / CLOCK_RATE;
	uint8_t ch = p->cur->c.param.channels;

	cn_fill_rt(&p->cn, x->wide, n);
	channels_rt(x->pcm, ch, x->wide, 1, n);
	append_rt(p, x->wide, resample_rt(p->cur->up, x->wide, x->pcm, n), ch);
}

/* n_smp at 48 kHz from what the current decoder thinks comes next. Returns samples at 48 kHz in scratch.wide. */
static size_t conceal_rt(struct leg_rt *l, size_t n_smp, const uint8_t *next, size_t next_len)
{
	struct scratch *x = &l->t->rt.scratch;
	struct plan_rx *rx = l->play.cur;
	size_t n = n_smp * rx->c.codec->srate / CLOCK_RATE;

	if (n > CODEC_SMP_MAX)
		n = CODEC_SMP_MAX;
	if (!n || rx->c.codec->conceal_rt(rx->dec, x->pcm, n, next, next_len) < 0)
		return 0;
	return resample_rt(rx->up, x->wide, x->pcm, n);
}

/* The sound that was ends here. */
static void end_sound_rt(struct leg_rt *l)
{
	struct leg_play *p = &l->play;
	size_t n;

	if (!p->cur || !p->sounding)
		return;
	p->sounding = false;
	p->concealing = 0;
	n = conceal_rt(l, LEG_TAIL, NULL, 0);
	if (n > LEG_TAIL)
		n = LEG_TAIL;
	channels_rt(p->tail, p->channels, l->t->rt.scratch.wide, p->cur->c.param.channels, n);
	fade_rt(p->tail, n, p->channels, 1, 0);
	p->n_tail = n;
}

static uint32_t ticks_of(size_t n_smp, uint32_t clock)
{
	return (uint32_t)((uint64_t)n_smp * clock / CLOCK_RATE);
}

static void quiet_rt(struct leg_rt *l, size_t n_smp)
{
	end_sound_rt(l);
	if (l->play.noisy && l->play.cur)
		append_noise_rt(l, n_smp);
	else
		append_zero_rt(&l->play, n_smp);
}

/* So much of what was lost is made up for; counted in frames. */
static void concealed_rt(struct leg_rt *l, size_t n_smp)
{
	struct leg_play *p = &l->play;
	uint32_t frame = p->frame_smp ? p->frame_smp : 1, before = (p->concealing + frame - 1) / frame;

	p->concealing += (uint32_t)n_smp;
	count_add(&l->n.concealed, (p->concealing + frame - 1) / frame - before);
}

/* n_smp that did not come. */
static void lost_rt(struct leg_rt *l, size_t n_smp)
{
	struct leg_play *p = &l->play;
	size_t n = 0;

	if (p->cur && p->sounding && p->concealing < CONCEAL_MAX)
		n = conceal_rt(l, n_smp, NULL, 0);
	if (!n) {
		quiet_rt(l, n_smp);
		return;
	}
	concealed_rt(l, n_smp);
	append_rt(p, l->t->rt.scratch.wide, n, p->cur->c.param.channels);
}

/* The packet after the lost one is here and may hold it once more, coarser: then the whole frame comes back from there,
 * or what of it was not made up yet. false: this codec has no such thing. */
static bool recover_rt(struct leg_rt *l, struct jitter *j, const struct jitter_frame *f, size_t n_smp)
{
	struct leg_play *p = &l->play;
	size_t skip = p->frame_smp ? p->concealing % p->frame_smp : 0, n = n_smp;
	uint8_t ch;

	if (!f->next || !p->cur || !p->cur->fec || !p->sounding || f->next_pt != p->cur->c.pt)
		return false;
	ch = p->cur->c.param.channels;
	if (n_smp < p->frame_smp - skip)
		n = p->frame_smp;
	else
		skip = 0;
	if (skip) {               /* from what was made up into what was there */
		n = conceal_rt(l, SEAM, NULL, 0);
		channels_rt(p->tail, p->channels, l->t->rt.scratch.wide, ch, n);
		fade_rt(p->tail, n, p->channels, 1, 0);
		p->n_tail = n;
		p->fade_in = true;
		n = p->frame_smp;
	}
	if (conceal_rt(l, n, f->next, f->next_len) <= skip)
		return false;
	append_rt(p, l->t->rt.scratch.wide + skip * ch, n - skip, ch);
	concealed_rt(l, n - skip);
	jitter_played_rt(j, ticks_of(n - skip, p->cur->c.codec->clock));
	return true;
}

static struct plan_rx *find_rx_rt(struct leg_plan *plan, uint8_t pt, int jitter)
{
	for (int i = 0; i < plan->n_rx; i++)
		if (plan->rx[i].c.pt == pt && plan->rx[i].jitter == jitter)
			return &plan->rx[i];
	return NULL;
}

static void frame_rt(struct leg_rt *l, struct jitter *j, const struct jitter_frame *f, size_t ask)
{
	struct scratch *x = &l->t->rt.scratch;
	struct leg_play *p = &l->play;
	struct plan_rx *rx = find_rx_rt(l->plan, f->pt, p->jitter);
	const struct codec *c;
	int n;

	if (!rx) {                /* its codec went with the last description */
		count_up(&l->n.discarded);
		quiet_rt(l, ask);
		return;
	}
	c = rx->c.codec;
	/* The buffer passed over a packet to shorten the delay: a seam, unless concealment led up to it. */
	if (rx != p->cur || (f->seq != p->next_seq && !p->concealing))
		end_sound_rt(l);
	p->next_seq = (uint16_t)(f->seq + 1);
	if (rx != p->cur) {
		p->cur = rx;
		atomic_store_explicit(&l->n.rx_codec, c, memory_order_relaxed);
	}
	n = c->decode_rt(rx->dec, x->pcm, CODEC_SMP_MAX, f->payload, f->len);
	if (n <= 0) {
		count_up(&l->n.bad);
		lost_rt(l, ask);
		return;
	}
	jitter_played_rt(j, (uint32_t)((uint64_t)n * c->clock / c->srate));
	jitter_quiet_rt(j, mix_energy(x->pcm, (size_t)n * rx->c.param.channels) < QUIET);
	p->frame_smp = (uint32_t)((uint64_t)n * CLOCK_RATE / c->srate);
	p->concealing = 0;
	p->fade_in = !p->sounding;
	p->sounding = true;
	append_rt(p, x->wide, resample_rt(rx->up, x->wide, x->pcm, (size_t)n), rx->c.param.channels);
}

/* A frame more in the queue, or n_smp of what stands for it. */
static void pull_rt(struct leg_rt *l, size_t n_smp, uint64_t now_us)
{
	struct leg_play *p = &l->play;
	struct jitter *j = l->plan->jitter[p->jitter];
	size_t ask = ask_rt(p, n_smp);
	struct jitter_frame f;

	memset(&f, 0, sizeof(f));
	switch (jitter_get_rt(j, &f, ticks_of(ask, l->plan->jitter_conf[p->jitter].clock), now_us)) {

	case JITTER_FRAME:
		frame_rt(l, j, &f, ask);
		return;

	case JITTER_LOST:
		if (!recover_rt(l, j, &f, ask))
			lost_rt(l, ask);
		break;

	case JITTER_WAIT:
		if (p->concealing)
			lost_rt(l, ask);
		else
			quiet_rt(l, ask);
		break;

	case JITTER_SILENCE:
		quiet_rt(l, ask);
		break;
	}
	if (p->jitter_next >= 0) {
		p->jitter = p->jitter_next;
		p->jitter_next = -1;
	}
}

static void fill_rt(struct leg_rt *l, uint32_t n_smp, uint64_t now_us)
{
	struct leg_play *p = &l->play;

	while (p->n < n_smp) {
		size_t before = p->n;

		if (l->plan && (l->plan->desc.dir & LEG_DIR_RECV) && p->jitter >= 0) {
			pull_rt(l, n_smp - p->n, now_us);
		} else {
			end_sound_rt(l);
			p->noisy = false;
			append_zero_rt(p, n_smp - p->n);
		}
		if (p->n == before)
			append_zero_rt(p, n_smp - p->n);      /* a resampler that gave nothing yet */
	}
}

static void loudness_rt(struct leg_rt *l, const float *smp, uint32_t n_smp, uint8_t channels)
{
	struct leg_event ev = {.type = LEG_EVENT_TALKING};

	atomic_store_explicit(&l->n.level, level_dbov_rt(smp, n_smp * channels), memory_order_relaxed);
	if (!level_update_rt(&l->play.level, smp, n_smp * channels, n_smp * 1000 / 48))
		return;
	ev.on = l->play.level.talking;
	atomic_store_explicit(&l->n.talking, ev.on, memory_order_relaxed);
	thread_event_rt(l->t, l, &ev);
}

static float wanted_gain_rt(const struct leg_rt *l)
{
	if (l->leaving != LEG_STAYS || atomic_load_explicit(&l->mute, memory_order_relaxed))
		return 0;
	return atomic_load_explicit(&l->gain, memory_order_relaxed);
}

void leg_play_rt(struct leg_rt *l, uint32_t n_smp, uint8_t channels, uint64_t now_us)
{
	struct leg_play *p = &l->play;

	fill_rt(l, n_smp, now_us);
	loudness_rt(l, p->pcm, n_smp, p->channels);
	channels_rt(l->own, channels, p->pcm, p->channels, n_smp);
	p->n -= n_smp;
	memmove(p->pcm, p->pcm + (size_t)n_smp * p->channels, p->n * p->channels * sizeof(*p->pcm));

	ramp_aim(&p->gain, wanted_gain_rt(l), n_smp, RAMP_SMP);
	l->heard = !ramp_silent(&p->gain);
	if (l->heard)
		ramp_apply(&p->gain, l->own, l->own, (size_t)n_smp * channels);
	/* A decoder gone mad must not take the room with it: NaN would stay in every sum. */
	if (l->heard && !isfinite(mix_energy(l->own, (size_t)n_smp * channels)))
		l->heard = false;
}

/* A fixed buffer keeps for ever what it began with, and another bus may have had a longer tick. Now nobody hears it. */
void leg_play_join_rt(struct leg_rt *l)
{
	struct leg_play *p = &l->play;

	if (!l->plan || !l->plan->music)
		return;
	for (int i = 0; i < l->plan->n_jitter; i++)
		jitter_reset_rt(l->plan->jitter[i]);
	p->n = p->n_tail = 0;
	p->sounding = false;
}

static struct plan_rx *same_codec_rt(struct leg_plan *p, const struct leg_codec *c)
{
	for (int i = 0; i < p->n_rx; i++)
		if (leg_codec_equal(&p->rx[i].c, c))
			return &p->rx[i];
	return NULL;
}

/* The queue in another number of channels, in place. */
static void rechannel_rt(struct leg_play *p, uint8_t channels)
{
	if (channels == p->channels)
		return;
	if (channels == 1) {
		mix_stereo_to_mono(p->pcm, p->pcm, p->n);
		mix_stereo_to_mono(p->tail, p->tail, p->n_tail);
	} else {
		for (size_t i = p->n; i-- > 0;)
			p->pcm[2 * i] = p->pcm[2 * i + 1] = p->pcm[i];
		for (size_t i = p->n_tail; i-- > 0;)
			p->tail[2 * i] = p->tail[2 * i + 1] = p->tail[i];
	}
	p->channels = channels;
}

void leg_play_swap_rt(struct leg_rt *l, struct leg_plan *plan)
{
	struct leg_play *p = &l->play;
	struct plan_rx *same = p->cur ? same_codec_rt(plan, &p->cur->c) : NULL;
	uint32_t clock = l->plan && p->jitter >= 0 ? l->plan->jitter_conf[p->jitter].clock : 0;

	if (!same)
		end_sound_rt(l);
	rechannel_rt(p, plan->channels ? plan->channels : 1);
	p->cur = same;
	p->jitter = p->jitter_next = -1;
	for (int i = 0; i < plan->n_jitter; i++)
		if (plan->jitter_conf[i].clock == clock)
			p->jitter = i;
}
