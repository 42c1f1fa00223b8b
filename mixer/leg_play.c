/*
 * leg_play.c - from the jitter buffer to sound: decode, conceal, resample, level, gain.
 *
 * Frames of any length and rate become a queue of samples at 48 kHz, from which each tick takes a quantum. Wherever one
 * kind of sound follows another (a codec change, the end of a talkspurt, hold), the old decoder is asked for 5 ms more,
 * which fade out as the "tail" under the new sound that fades in: a change never shows as a step.
 *
 *     jitter_get > decode | conceal | silence, noise > resample > append (blend the tail) > pcm > noise gate > agc > gain > own
 *
 * What fills in for a packet that is not there is never longer than this tick needs (ask_rt): a packet that is late by a
 * millisecond waits for the end of what stood in for it, and that delay stays.
 */
#include <math.h>
#include <string.h>
#include "leg.h"
#include "tap_rt.h"

enum { CONCEAL_MAX = CLOCK_RATE / 10, SEAM = 120, PHONE_RATE = 16000 };

#define QUIET 1e-6f               /* -60 dB: where a frame left out is not missed */
#define SILENCE 1e-12f            /* -120 dB */

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

/* Lays the tail under n_smp that come next. */
static void blend_rt(struct leg_play *p, float *smp, size_t n_smp)
{
	size_t n = p->n_tail < n_smp ? p->n_tail : n_smp;

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

static size_t fitting_rt(const struct leg_play *p, size_t n_smp)
{
	size_t room = p->n < PCM_MAX ? PCM_MAX - p->n : 0;

	return n_smp < room ? n_smp : room;
}

/* Most members are silent most of the time; then the queue is only a number. Something is to follow: now it is sound. */
static void unhush_rt(struct leg_play *p)
{
	if (p->hush)
		mix_clear(p->pcm, p->n * p->channels);
	p->hush = false;
}

/* Where what comes next is made ready: in the queue, or on the way through the pace. */
static float *bench_rt(struct leg_rt *l)
{
	struct leg_play *p = &l->play;

	unhush_rt(p);
	return pace_on(&p->pace) ? l->t->rt.scratch.pcm : p->pcm + p->n * p->channels;
}

/* n_smp are ready there. */
static void queue_rt(struct leg_rt *l, size_t n_smp)
{
	struct leg_play *p = &l->play;

	if (pace_on(&p->pace))
		p->n += pace_rt(&p->pace, p->pcm + p->n * p->channels, l->t->rt.scratch.pcm, n_smp);
	else
		p->n += n_smp;
	if (pace_due(&p->pace) && p->n >= WARP_KEEP)
		pace_join_rt(&p->pace, p->pcm + (p->n - WARP_KEEP) * p->channels, p->channels);
}

/* smp is not scratch.pcm. */
static void append_rt(struct leg_rt *l, const float *smp, size_t n_smp, uint8_t channels)
{
	float *to = bench_rt(l);

	n_smp = fitting_rt(&l->play, n_smp);
	channels_rt(to, l->play.channels, smp, channels, n_smp);
	blend_rt(&l->play, to, n_smp);
	queue_rt(l, n_smp);
}

static void append_hush_rt(struct leg_play *p, size_t n_smp)
{
	if (pace_due(&p->pace))
		pace_join_rt(&p->pace, NULL, p->channels);
	p->hush = true;
	p->fade_in = false;
	p->n += pace_on(&p->pace) ? pace_zero_rt(&p->pace, n_smp) : n_smp;
}

static void append_zero_rt(struct leg_rt *l, size_t n_smp)
{
	struct leg_play *p = &l->play;
	float *to;

	n_smp = fitting_rt(p, n_smp);
	if ((p->hush || !p->n) && !p->n_tail && (!pace_on(&p->pace) || pace_silent(&p->pace))) {
		append_hush_rt(p, n_smp);
		return;
	}
	to = bench_rt(l);
	mix_clear(to, n_smp * p->channels);
	blend_rt(p, to, n_smp);
	queue_rt(l, n_smp);
}

/* How much to ask for when the tick still needs n_smp: as little as the codec can conceal. What is late in music is lost, so there
 * what stands for a frame is as long as the frame: a piece of another length, with a few samples in the queue already, would
 * let all that follow come too early or too late. */
static size_t ask_rt(const struct leg_rt *l, size_t n_smp)
{
	const struct leg_play *p = &l->play;
	size_t unit = p->cur ? p->cur->unit : 1, rest;

	if (unit > 1 || !l->plan->music || !p->cur || !p->frame_smp)
		return (n_smp + unit - 1) / unit * unit;
	rest = p->frame_smp - p->concealing % p->frame_smp;
	return p->frame_smp <= l->bus->quantum || rest < n_smp ? rest : n_smp;
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
	append_rt(l, x->wide, resample_rt(p->cur->up, x->wide, x->pcm, n), ch);
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
		append_zero_rt(l, n_smp);
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
	append_rt(l, l->t->rt.scratch.wide, n, p->cur->c.param.channels);
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
	append_rt(l, l->t->rt.scratch.wide + skip * ch, n - skip, ch);
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

/* --- the decode gate --- */

/* What the packet says of its loudness. */
static bool hint_rt(const struct leg_rt *l, const struct plan_rx *rx, const struct jitter_frame *f, float *energy)
{
	const struct leg_play *p = &l->play;
	unsigned i = f->seq % LEG_LEVELS;

	if (p->dbov_seq[i] == f->seq && p->dbov[i] != LEG_NO_LEVEL) {
		*energy = powf(10, -(float)p->dbov[i] / 10);
		return true;
	}
	/* Opus knows speech, not loudness: what is much longer than the silence before it is worth a look. */
	if (p->gate.n && f->len > 2 * (size_t)gate_kept(&p->gate, p->gate.n - 1)->len + 8)
		return false;
	return rx->c.codec->energy_rt && rx->c.codec->energy_rt(energy, rx->c.codec, f->payload, f->len);
}

/* Its time has passed in silence; its packet may yet be decoded. */
static bool pass_rt(struct leg_rt *l, struct jitter *j, const struct plan_rx *rx, const struct jitter_frame *f)
{
	const struct codec *c = rx->c.codec;
	struct leg_play *p = &l->play;
	float energy;
	int n;

	if (!l->plan->gated || p->gate.open || !hint_rt(l, rx, f, &energy))
		return false;
	n = c->duration_rt(c, f->payload, f->len, rx->c.param.channels);
	if (n <= 0 || n > CODEC_SMP_MAX)
		return false;
	if (gate_update_rt(&p->gate, energy, (uint32_t)((uint64_t)n * 1000000 / c->srate)) ||
	    !gate_keep_rt(&p->gate, f->payload, f->len))
		return false;
	jitter_played_rt(j, (uint32_t)((uint64_t)n * c->clock / c->srate));
	jitter_quiet_rt(j, true);
	p->frame_smp = (uint32_t)((uint64_t)n * CLOCK_RATE / c->srate);
	p->concealing = 0;
	quiet_rt(l, p->frame_smp);
	return true;
}

/* The packets before the one that is to be decoded: for the decoder's memory and the filter's. */
static void catch_up_rt(struct leg_rt *l, struct plan_rx *rx)
{
	struct scratch *x = &l->t->rt.scratch;
	struct gate *g = &l->play.gate;

	for (int i = 0; i < g->n; i++) {
		const struct gate_packet *k = gate_kept(g, i);
		int n = rx->c.codec->decode_rt(rx->dec, x->pcm, CODEC_SMP_MAX, k->buf, k->len);

		count_up(&l->t->n.decodes);
		if (n > 0)
			resample_rt(rx->up, x->wide, x->pcm, (size_t)n);
	}
	g->n = 0;
}

/* After decoding: is it let through? While the gate is open, it goes by what is heard, not by what packets say. */
static bool through_rt(struct leg_rt *l, float energy, size_t n48)
{
	struct gate *g = &l->play.gate;

	return !l->plan->gated || gate_update_rt(g, energy, (uint32_t)(n48 * 1000 / 48));
}

/* Another encoder than that of the frame before: the old sound ends here, and no decoder knows of it. */
static void other_source_rt(struct leg_rt *l)
{
	struct leg_play *p = &l->play;

	end_sound_rt(l);
	for (int i = 0; i < l->plan->n_rx; i++)
		l->plan->rx[i].c.codec->reset_rt(l->plan->rx[i].dec);
	p->gate.n = 0;
	p->concealing = 0;
	p->other_source = false;
}

/* Who comes back to a codec rarely goes on where it was with that; and what was held back is of the other one. */
static void other_codec_rt(struct leg_rt *l, struct plan_rx *rx)
{
	struct leg_play *p = &l->play;

	rx->c.codec->reset_rt(rx->dec);
	p->gate.n = 0;
	p->cur = rx;
	atomic_store_explicit(&l->n.rx_codec, rx->c.codec, memory_order_relaxed);
}

/* A phone without telephone-event presses its keys in its sound. */
static void keys_rt(struct leg_rt *l, const struct plan_rx *rx, size_t n)
{
	const float *smp = l->t->rt.scratch.pcm;
	struct inband *d = l->plan->inband;
	struct leg_event ev = {.type = LEG_EVENT_DTMF, .on = true};

	if (!d || rx->fec)        /* Opus */
		return;
	if (d->srate != rx->c.codec->srate)
		inband_init(d, rx->c.codec->srate);
	if (rx->c.param.channels == 2) {
		mix_stereo_to_mono(l->t->rt.scratch.wide, smp, n);
		smp = l->t->rt.scratch.wide;
	}
	ev.key = inband_rt(d, smp, n);
	if (ev.key)
		thread_event_rt(l->t, l, &ev);
}

/* Is what is too much there for a reason, or made good by the pace soon? Where the shortest delay was asked for, that
 * is too slow. */
static bool paced_rt(const struct leg_rt *l, const struct jitter *j)
{
	const struct pace *p = &l->play.pace;

	return pace_slows(p) || (pace_fast(p) && !l->plan->fit && jitter_held_at(j) < 0);
}

static void frame_rt(struct leg_rt *l, struct jitter *j, const struct jitter_frame *f, size_t ask)
{
	struct scratch *x = &l->t->rt.scratch;
	struct leg_play *p = &l->play;
	struct plan_rx *rx = find_rx_rt(l->plan, f->pt, p->jitter);
	const struct codec *c;
	float energy;
	bool caught_up;
	int n;

	if (!rx) {                /* its codec went with the last description */
		count_up(&l->n.discarded);
		quiet_rt(l, ask);
		return;
	}
	c = rx->c.codec;
	if (p->other_source)
		other_source_rt(l);
	/* The buffer passed over a packet to shorten the delay: a seam, unless concealment led up to it. */
	if (rx != p->cur || (f->seq != p->next_seq && !p->concealing))
		end_sound_rt(l);
	p->next_seq = (uint16_t)(f->seq + 1);
	if (rx != p->cur)
		other_codec_rt(l, rx);
	if (pass_rt(l, j, rx, f))
		return;
	caught_up = p->gate.n;
	catch_up_rt(l, rx);
	n = c->decode_rt(rx->dec, x->pcm, CODEC_SMP_MAX, f->payload, f->len);
	count_up(&l->t->n.decodes);
	if (n <= 0) {
		count_up(&l->n.bad);
		lost_rt(l, ask);
		return;
	}
	jitter_played_rt(j, (uint32_t)((uint64_t)n * c->clock / c->srate));
	keys_rt(l, rx, (size_t)n);
	energy = mix_energy(x->pcm, (size_t)n * rx->c.param.channels);
	jitter_quiet_rt(j, energy < QUIET && !(l->plan->music && paced_rt(l, j)));
	p->frame_smp = (uint32_t)((uint64_t)n * CLOCK_RATE / c->srate);
	p->concealing = 0;
	if (!through_rt(l, energy, p->frame_smp)) {
		resample_rt(rx->up, x->wide, x->pcm, (size_t)n);
		quiet_rt(l, p->frame_smp);
		return;
	}
	/* Out of silence, but for what the gate held back: that joins by itself. */
	p->fade_in = !p->sounding && !caught_up;
	p->sounding = true;
	append_rt(l, x->wide, resample_rt(rx->up, x->wide, x->pcm, (size_t)n), rx->c.param.channels);
}

/* Does its delay want to be made longer or shorter by playing it slower or faster? */
static void level_rt(struct leg_rt *l, struct jitter *j, uint64_t now_us)
{
	struct pace_level level = {.tick_us = (uint32_t)((uint64_t)l->bus->quantum * 1000000 / CLOCK_RATE), .music = l->plan->music,
				   .hold = l->plan->music && !l->plan->fit && jitter_held_at(j) < 0};
	struct jitter_stats s;

	jitter_stats(j, &s);
	level.excess_us = s.excess_us;
	level.resting = s.resting;
	level.queued = (uint32_t)l->play.n;
	if (pace_frame_rt(&l->play.pace, &level, now_us))
		jitter_shrunk_rt(j, now_us);
}

/* How long ago did it come that is now put behind what is queued? (leg_stats.rx_delay_us) */
static void delay_rt(struct leg_rt *l, const struct jitter_frame *f, uint64_t now_us)
{
	const struct plan_rx *rx = find_rx_rt(l->plan, f->pt, l->play.jitter);
	size_t ahead = l->play.n + (pace_on(&l->play.pace) ? WARP_DELAY : 0);
	int64_t us = (int64_t)(now_us - f->came_us) + (int64_t)(ahead * 1000000 / CLOCK_RATE);

	if (!rx)
		return;
	us += resample_delay_us(rx->up);
	mean_add_rt(&l->play.delay, us, now_us, LEG_DELAY_US);
	waits_add_rt(&l->play.waits, f->ts, rx->c.codec->clock, f->came_us, us, now_us, LEG_DELAY_US);
}

/* A card's period may be some ticks, but all of them are at its begin: what comes later is too late for the last of
 * them, too. So that is the moment at which the buffer is asked, and what comes before in the period is ahead of what
 * is asked for. */
static enum jitter_result ask_jitter_rt(struct leg_rt *l, struct jitter_frame *f, size_t ask, uint64_t now_us)
{
	const struct bus_rt *b = l->bus;
	struct leg_play *p = &l->play;
	struct jitter *j = l->plan->jitter[p->jitter];
	const uint32_t clock = l->plan->jitter_conf[p->jitter].clock, turned = b->card ? b->turned : 0;

	if (l->plan->music)
		jitter_hold_rt(j, atomic_load_explicit(&l->buffer, memory_order_relaxed),
			       ticks_of(b->card ? b->turn : b->quantum, clock), ticks_of(turned + p->n, clock));
	return jitter_get_rt(j, f, ticks_of(ask, clock), now_us - (l->plan->music ? mixer_smp_us(turned) : 0));
}

/* A frame more in the queue, or n_smp of what stands for it. */
static void pull_rt(struct leg_rt *l, size_t n_smp, uint64_t now_us)
{
	struct leg_play *p = &l->play;
	struct jitter *j = l->plan->jitter[p->jitter];
	size_t ask = ask_rt(l, n_smp);
	struct jitter_frame f;

	memset(&f, 0, sizeof(f));
	switch (ask_jitter_rt(l, &f, ask, now_us)) {

	case JITTER_FRAME:
		leg_xr_frame_rt(l, j);
		delay_rt(l, &f, now_us);
		level_rt(l, j, now_us);
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
		pace_pause_rt(&p->pace);
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
		size_t before = p->n, need = pace_need(&p->pace, n_smp - p->n);

		if (l->plan && (l->plan->desc.dir & LEG_DIR_RECV) && p->jitter >= 0) {
			pull_rt(l, need, now_us);
		} else {
			end_sound_rt(l);
			p->noisy = false;
			append_zero_rt(l, need);
		}
		if (p->n == before)       /* a resampler that gave nothing yet */
			append_zero_rt(l, pace_need(&p->pace, n_smp - p->n));
	}
}

/* n_smp of smp stand for n_all. */
static void loudness_rt(struct leg_rt *l, const float *smp, uint32_t n_smp, uint8_t channels, uint32_t n_all)
{
	struct leg_event ev = {.type = LEG_EVENT_TALKING};

	atomic_store_explicit(&l->n.level, level_dbov_rt(smp, n_smp * channels), memory_order_relaxed);
	if (!level_update_rt(&l->play.level, smp, n_smp * channels, n_all * 1000 / 48))
		return;
	ev.on = l->play.level.talking;
	atomic_store_explicit(&l->n.talking, ev.on, memory_order_relaxed);
	thread_event_rt(l->t, l, &ev);
}

/* What is asked for of a talker's loudness; music stays as it was played. */
static void polish_rt(struct leg_rt *l, uint32_t n_smp)
{
	struct leg_play *p = &l->play;
	bool phone = p->cur && p->cur->c.codec->srate <= PHONE_RATE;

	if (l->noise_gate && phone && !l->plan->music)
		noisegate_rt(&p->noisegate, &p->level, p->pcm, n_smp, p->channels);
	agc_set(&p->agc, l->agc && !l->plan->music);
	agc_rt(&p->agc, &p->level, p->pcm, n_smp, p->channels);
}

static float wanted_gain_rt(const struct leg_rt *l)
{
	if (l->leaving != LEG_STAYS || atomic_load_explicit(&l->mute, memory_order_relaxed))
		return 0;
	return atomic_load_explicit(&l->gain, memory_order_relaxed);
}

/* Who comes into music that is being played fades in, from its first sound on; who is muted then begins as all do when it is not. */
static void enter_rt(struct leg_rt *l)
{
	const float want = wanted_gain_rt(l);
	struct leg_play *p = &l->play;

	if (!l->plan->music || l->leaving != LEG_STAYS || (p->sounding && (want == 0 || p->gain.now == want)))
		p->entering = false;
}

/* Who is silent is not in the sum. A decoder gone mad must not take the room with it either: NaN would stay in there. */
static bool audible_rt(const float *smp, size_t n)
{
	float energy = mix_energy(smp, n);

	return isfinite(energy) && energy > SILENCE;
}

void leg_play_rt(struct leg_rt *l, uint32_t n_smp, uint8_t channels, uint64_t now_us)
{
	struct leg_play *p = &l->play;
	bool silent;

	l->heard = false;
	if (!l->plan) {
		ramp_set(&p->gain, p->entering ? 0 : wanted_gain_rt(l));
		return;
	}
	fill_rt(l, n_smp, now_us);
	if (p->entering)
		enter_rt(l);
	/* Most members of a room are silent most of the time; that takes no longer than to see it. */
	silent = p->hush || mix_energy(p->pcm, (size_t)n_smp * p->channels) == 0;
	loudness_rt(l, p->pcm, silent ? 0 : n_smp, p->channels, n_smp);
	if (!silent) {
		polish_rt(l, n_smp);
		channels_rt(l->own, channels, p->pcm, p->channels, n_smp);
	}
	if (l->bus->tap)
		tap_leg_rt(l, n_smp, silent);
	p->n -= n_smp;
	if (!p->hush)
		memmove(p->pcm, p->pcm + (size_t)n_smp * p->channels, p->n * p->channels * sizeof(*p->pcm));

	ramp_aim(&p->gain, leg_waits_rt(l) ? 0 : wanted_gain_rt(l), n_smp, leg_ramp_rt(l));
	if (silent) {
		p->gain.now = ramp_next(&p->gain);
		return;
	}
	l->heard = !ramp_silent(&p->gain);
	if (l->heard)
		ramp_apply(&p->gain, l->own, l->own, (size_t)n_smp * channels);
	if (l->heard)
		l->heard = audible_rt(l->own, (size_t)n_smp * channels);
}

int32_t leg_spare_us_rt(const struct leg_rt *l)
{
	const struct leg_play *p = &l->play;
	struct jitter_stats s;

	if (!p->sounding || p->concealing || p->jitter < 0)
		return 0;
	jitter_stats(l->plan->jitter[p->jitter], &s);
	return s.excess_us;
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
	pace_stop_rt(&p->pace);
	p->sounding = false;
}

/* Has its sender perhaps begun to encode anew? */
static void doubt_rt(const struct plan_rx *rx)
{
	if (rx && rx->c.codec->doubt_rt)
		rx->c.codec->doubt_rt(rx->dec);
}

static struct plan_rx *same_codec_rt(struct leg_plan *p, const struct leg_codec *c)
{
	for (int i = 0; i < p->n_rx; i++)
		if (leg_codec_equal(&p->rx[i].c, c))
			return &p->rx[i];
	return NULL;
}

/* The queue moves into the new plan's memory, perhaps in another number of channels. */
static void requeue_rt(struct leg_play *p, float *pcm, uint8_t channels)
{
	float tail[LEG_TAIL * MIX_CH];

	if (p->n && !p->hush)
		channels_rt(pcm, channels, p->pcm, p->channels, p->n);
	channels_rt(tail, channels, p->tail, p->channels, p->n_tail);
	memcpy(p->tail, tail, p->n_tail * channels * sizeof(*tail));
	p->pcm = pcm;
	p->channels = channels;
	pace_channels_rt(&p->pace, channels);
}

void leg_play_swap_rt(struct leg_rt *l, struct leg_plan *plan)
{
	struct leg_play *p = &l->play;
	struct plan_rx *same = p->cur ? same_codec_rt(plan, &p->cur->c) : NULL;
	uint32_t clock = l->plan && p->jitter >= 0 ? l->plan->jitter_conf[p->jitter].clock : 0;

	if (!same)
		end_sound_rt(l);
	else
		doubt_rt(p->cur);
	requeue_rt(p, plan->play_pcm, plan->channels);
	p->cur = same;
	p->jitter = p->jitter_next = -1;
	for (int i = 0; i < plan->n_jitter; i++)
		if (plan->jitter_conf[i].clock == clock)
			p->jitter = i;
}
