/*
 * leg.c - control half of a leg: its sockets for life, its descriptions, and on which thread its media half lives.
 *
 * To another thread a leg goes in three steps: its thread is asked to let go (it fades out first), gives it back by ring,
 * and then it is given to the new thread. What is wanted of it meanwhile is kept here and told at the end.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"
#include "leg.h"
#include "move.h"
#include "view_rt.h"

#define GAIN_MAX 16.0f            /* +24 dB */

/* --- media half: made and freed here --- */

static void rt_destructor(void *arg)
{
	struct leg_rt *rt = arg;

	list_unlink(&rt->all);
	if (rt->rtp.fd >= 0)
		close(rt->rtp.fd);
	if (rt->rtcp.fd >= 0)
		close(rt->rtcp.fd);
	mem_deref(rt->plan);
	mem_deref(rt->dtls);
	mem_deref(rt->view.row);
	view_end_clear(&rt->views);
	say_free(&rt->send.say);
}

static void rt_init(struct leg_rt *rt, const struct leg_conf *conf)
{
	rt->ssrc = rand_u32();
	memcpy(rt->cname, conf->cname, sizeof(rt->cname));
	rt->cname[sizeof(rt->cname) - 1] = 0;
	rt->rtp_timeout_ms = conf->rtp_timeout_ms;
	rt->agc = conf->agc;
	rt->noise_gate = conf->noise_gate;
	rt->red_asked = conf->red_asked;
	atomic_store_explicit(&rt->gain, 1, memory_order_relaxed);
	atomic_store_explicit(&rt->buffer, LEG_BUFFER_AUTO, memory_order_relaxed);
	for (int i = 0; i <= LEG_BUFFER_MAX; i++)
		atomic_store_explicit(&rt->n.odds[i], -1, memory_order_relaxed);
	atomic_store_explicit(&rt->n.level, 127, memory_order_relaxed);
	rt->play.channels = rt->send.channels = 1;
	rt->play.jitter = rt->play.jitter_next = -1;
	cn_init(&rt->play.cn, rand_u32());
	rt->rep.seed = rand_u32();
	level_init(&rt->play.level);
	noisegate_init(&rt->play.noisegate, NULL);
	agc_init(&rt->play.agc, NULL);
	pace_init(&rt->play.pace);
	memset(rt->play.dbov, LEG_NO_LEVEL, sizeof(rt->play.dbov));
	/* RFC 3550 5.1: "The initial value of the sequence number SHOULD be random", and of the timestamp as well. For
	 * SRTP it stays in the lower half: a first packet lost must not hide that the number wrapped (RFC 3711 3.3.1). */
	rt->send.seq = rand_u16() & 0x7fff;
	rt->send.ts_base = rand_u32();
	rt->send.clock = 8000;
	limiter_init(&rt->send.limiter);
	view_init_rt(rt);
}

static int rt_alloc(struct leg_rt **rtp, struct leg *l, const struct mixer_conf *mc)
{
	struct leg_rt *rt = mem_zalloc(sizeof(*rt), rt_destructor);
	int err, fd[2] = {-1, -1};

	if (!rt)
		return ENOMEM;
	rt->rtp.fd = rt->rtcp.fd = -1;
	rt_init(rt, &l->conf);
	err = port_pair(fd, &l->local, mc->port_min, mc->port_max);
	rt->rtp.fd = fd[0];
	rt->rtcp.fd = fd[1];
	if (err)
		mem_deref(rt);
	else
		*rtp = rt;
	return err;
}

/* --- where it lives --- */

static int give(struct leg *l, struct thread *t, struct bus *b)
{
	struct cmd c = {.type = CMD_LEG_ADD, .leg = l->rt, .bus = b ? b->rt : NULL};
	int err = thread_post(t, &c, NULL);

	if (err)
		return err;
	l->rt->home = t;
	t->load++;
	return 0;
}

static void tell_what_waited(struct leg *l)
{
	struct cmd c = {.type = CMD_LEG_PLAN, .leg = l->rt, .plan = l->next_plan};

	if (l->next_plan && !thread_post(l->rt->home, &c, NULL))
		l->next_plan = NULL;
	c = (struct cmd){.type = CMD_LEG_DTMF, .leg = l->rt};
	memcpy(c.keys, l->next_keys, sizeof(c.keys));
	if (l->next_keys[0] && !thread_post(l->rt->home, &c, NULL))
		l->next_keys[0] = 0;
	c = (struct cmd){.type = CMD_LEG_VIEW, .leg = l->rt, .row = l->next_row};
	if (l->next_row && !thread_post(l->rt->home, &c, NULL))
		l->next_row = NULL;
	leg_say_flush(l);
}

/* Freed while it moved: a thread has still to say its BYE. */
static void end_homeless(struct leg_rt *rt)
{
	struct cmd c = {.type = CMD_LEG_ADD, .leg = rt};

	if (thread_post(rt->home, &c, NULL)) {
		mem_deref(rt);
		return;
	}
	rt->home->load++;
	c.type = CMD_LEG_END;
	thread_post(rt->home, &c, &rt->spare);
}

void leg_land(struct leg *l)
{
	struct leg_rt *rt = l->rt;

	l->parked = l->bus && bus_moving(l->bus);
	if (l->parked)
		return;
	l->moving = false;
	if (give(l, l->bus ? l->bus->t : mixer_idlest(l->m), l->bus)) {
		rt->ctl = NULL;
		l->rt = NULL;             /* no memory to say so: silent from here, and every call gives ENODEV */
		mem_deref(rt);
		return;
	}
	tell_what_waited(l);
}

void leg_returned(struct leg_rt *rt)
{
	rt->home->load--;
	if (rt->ctl)
		leg_land(rt->ctl);
	else
		end_homeless(rt);
}

void leg_orphan(struct leg_rt *rt)
{
	if (rt->ctl) {
		rt->ctl->rt = NULL;
		rt->ctl->m = NULL;
		rt->ctl->bus = NULL;
	}
	mem_deref(rt);
}

static int move(struct leg *l, struct bus *b)
{
	struct leg_rt *rt = l->rt;
	struct cmd c = {.type = CMD_LEG_MOVE, .leg = rt, .bus = b ? b->rt : NULL};
	int err;

	if (l->moving)
		return 0;                 /* on its way: it is told at its arrival */
	if (b && (b->t != rt->home || bus_moving(b)))
		c.type = CMD_LEG_DETACH;
	err = thread_post(rt->home, &c, NULL);
	if (!err)
		l->moving = c.type == CMD_LEG_DETACH;
	return err;
}

void leg_arrived(struct leg_rt *rt, const struct bus *b)
{
	struct cmd c = {.type = CMD_LEG_END, .leg = rt};
	struct leg *l = rt->ctl;

	rt->aboard = false;
	if (!l) {                         /* freed on the way */
		thread_post(rt->home, &c, &rt->spare);
		return;
	}
	l->moving = false;
	tell_what_waited(l);
	if (!b || l->bus != b)            /* it was freed, or is no longer wanted */
		move(l, l->bus);
}

void leg_forget_bus(struct leg *l, const struct bus *b)
{
	if (l->bus == b)
		leg_set_bus(l, NULL);
}

/* --- life --- */

static void leg_destructor(void *arg)
{
	struct leg *l = arg;
	struct leg_rt *rt = l->rt;

	mem_deref(l->next_plan);
	mem_deref(l->next_row);
	list_flush(&l->next_say);
	explicit_bzero(&l->desc, sizeof(l->desc));
	if (!rt)
		return;
	l->m->n_legs--;
	rt->ctl = NULL;
	if (!l->moving) {
		struct cmd c = {.type = CMD_LEG_END, .leg = rt};

		thread_post(rt->home, &c, &rt->spare);
	} else if (l->parked) {
		end_homeless(rt);
	}
}

int leg_alloc(struct leg **lp, struct mixer *m, const struct leg_conf *conf)
{
	struct leg *l;
	int err;

	if (!sa_isset(&conf->local, SA_ADDR))
		return EINVAL;
	l = mem_zalloc(sizeof(*l), leg_destructor);
	if (!l)
		return ENOMEM;
	l->conf = *conf;
	l->local = conf->local;
	err = rt_alloc(&l->rt, l, &m->conf);
	if (!err) {
		err = give(l, mixer_idlest(m), NULL);
		if (err)
			l->rt = mem_deref(l->rt);
	}
	if (err) {
		mem_deref(l);
		return err;
	}
	l->m = m;
	l->rt->ctl = l;
	view_end_init(&l->rt->views, &m->views);
	l->rt->view_id = l->rt->views.id;
	list_append(&m->legs, &l->rt->all, l->rt);
	m->n_legs++;
	*lp = l;
	return 0;
}

const struct sa *leg_local(const struct leg *l) { return &l->local; }

uint32_t leg_ssrc(const struct leg *l) { return l->rt ? l->rt->ssrc : 0; }

uint64_t leg_id(const struct leg *l) { return l->rt ? l->rt->view_id : 0; }

/* --- what is wanted of it --- */

static int plan(struct leg *l)
{
	const struct leg_conf *lc = &l->conf;
	bool fit = l->music && lc->jitter_music_fit;
	struct plan_conf conf = {.jitter_min_ms = !l->music ? lc->jitter_min_ms : fit ? 0 : lc->jitter_music_ms,
				 .jitter_start_ms = !l->music ? lc->jitter_start_ms : fit ? lc->jitter_music_ms : 0,
				 .jitter_max_ms = lc->jitter_max_ms, .music = l->music, .fit = fit,
				 .gated = !l->music && !lc->ungated};
	struct cmd c = {.type = CMD_LEG_PLAN, .leg = l->rt};
	int err = l->desc.dtls ? leg_dtls_open(l) : 0;

	if (!err)
		err = leg_plan_alloc(&c.plan, &l->desc, &conf);
	if (err)
		return err;
	c.plan->dtls = l->desc.dtls ? l->rt->dtls : NULL;
	if (l->moving) {
		mem_deref(l->next_plan);
		l->next_plan = c.plan;
		return 0;
	}
	err = thread_post(l->rt->home, &c, NULL);
	if (err)
		mem_deref(c.plan);
	return err;
}

int leg_set_desc(struct leg *l, const struct leg_desc *d)
{
	struct leg_desc before;
	int err;

	if (!l->rt)
		return ENODEV;
	before = l->desc;
	l->desc = *d;
	err = plan(l);
	if (err)
		l->desc = before;
	else
		l->described = true;
	explicit_bzero(&before, sizeof(before));
	return err;
}

int leg_set_bus(struct leg *l, struct bus *b)
{
	int err = 0;

	if (!l->rt || (b && !b->m))
		return ENODEV;
	if (l->bus == b)
		return 0;
	err = move(l, b);
	if (err)
		return err;
	l->bus = b;
	if (l->parked)
		leg_land(l);
	if (l->rt && b && b->music != l->music) {
		l->music = b->music;
		if (l->described)
			err = plan(l);    /* its jitter buffers are of the other kind now */
	}
	return err;
}

int leg_set_echo(struct leg *l, bool on)
{
	if (!l->rt)
		return ENODEV;
	atomic_store_explicit(&l->rt->echo, on, memory_order_relaxed);
	return 0;
}

void leg_set_mute(struct leg *l, bool on)
{
	if (l->rt)
		atomic_store_explicit(&l->rt->mute, on, memory_order_relaxed);
}

void leg_set_deaf(struct leg *l, bool on)
{
	if (l->rt)
		atomic_store_explicit(&l->rt->deaf, on, memory_order_relaxed);
}

void leg_set_gain(struct leg *l, float gain)
{
	if (!l->rt || !isfinite(gain))
		return;
	gain = gain < 0 ? 0 : gain > GAIN_MAX ? GAIN_MAX : gain;
	atomic_store_explicit(&l->rt->gain, gain, memory_order_relaxed);
}

void leg_set_red(struct leg *l, enum leg_red_choice choice)
{
	if (l->rt)
		atomic_store_explicit(&l->rt->red_choice, (uint8_t)choice, memory_order_relaxed);
}

int leg_set_buffer(struct leg *l, int frames)
{
	if (frames < LEG_BUFFER_AUTO || frames > LEG_BUFFER_MAX)
		return EINVAL;
	if (l->rt)
		atomic_store_explicit(&l->rt->buffer, (int8_t)frames, memory_order_relaxed);
	return 0;
}

int leg_send_dtmf(struct leg *l, const char *keys)
{
	struct cmd c = {.type = CMD_LEG_DTMF, .leg = l->rt};

	if (!l->rt)
		return ENODEV;
	if (!l->described || l->desc.dtmf_tx_pt == 0xff)
		return ENOTSUP;
	for (const char *k = keys; *k; k++)
		if (dtmf_event(*k) < 0)
			return EINVAL;
	if (strlen(keys) + (l->moving ? strlen(l->next_keys) : 0) >= sizeof(c.keys))
		return ENOSPC;
	if (l->moving) {
		strcat(l->next_keys, keys);
		return 0;
	}
	memcpy(c.keys, keys, strlen(keys) + 1);
	return thread_post(l->rt->home, &c, NULL);
}

/* --- what it counted --- */

static void codec_name(char name[16], const struct codec *_Atomic *c)
{
	const struct codec *codec = atomic_load_explicit(c, memory_order_relaxed);

	if (codec)
		re_snprintf(name, 16, "%s", codec->name);
}

void leg_stats(const struct leg *l, struct leg_stats *s)
{
	struct leg_count *n;

	memset(s, 0, sizeof(*s));
	if (!l->rt)
		return;
	n = &l->rt->n;
	s->rx_packets = count_get(&n->rx_packets);
	s->rx_bytes = count_get(&n->rx_bytes);
	s->tx_packets = count_get(&n->tx_packets);
	s->tx_bytes = count_get(&n->tx_bytes);
	s->rx_lost = count_get(&n->jit_lost);
	s->rx_late = count_get(&n->jit_late);
	s->rx_duplicate = count_get(&n->jit_dup);
	s->rx_reordered = count_get(&n->jit_reord);
	s->rx_bad = count_get(&n->bad);
	s->rx_stranger = count_get(&n->stranger);
	s->rx_auth = count_get(&n->auth);
	s->concealed = count_get(&n->concealed);
	s->discarded = count_get(&n->discarded) + count_get(&n->jit_dropped);
	s->rx_dtls = count_get(&n->rx_dtls);
	s->dtls_dropped = count_get(&n->dtls_dropped);
	s->keys = leg_desc_keys(&l->desc);
	s->recovered = count_get(&n->recovered);
	s->tx_redundant = count_get(&n->redundant);
	s->rx_ago_ms = (uint32_t)count_get(&n->rx_ago_ms);
	s->cpu_us = count_get(&n->cpu_ns) / 1000;
	s->jitter_us = (uint32_t)count_get(&n->jitter_us);
	s->buffer_ms = (uint32_t)count_get(&n->buffer_ms);
	s->rtt_us = (uint32_t)count_get(&n->rtt_us);
	s->rx_delay_us = (int32_t)count_get(&n->rx_delay_us);
	s->rx_wait_us = (int32_t)count_get(&n->rx_wait_us);
	s->tx_delay_us = (int32_t)count_get(&n->tx_delay_us);
	s->tx_wait_us = (int32_t)count_get(&n->tx_wait_us);
	for (int i = 0; i <= LEG_BUFFER_MAX; i++)
		s->odds[i] = atomic_load_explicit(&n->odds[i], memory_order_relaxed);
	s->rx_frame_us = (uint32_t)count_get(&n->rx_frame_us);
	s->level_dbov = (uint8_t)atomic_load_explicit(&n->level, memory_order_relaxed);
	s->peer_fraction_lost = (uint8_t)atomic_load_explicit(&n->fraction, memory_order_relaxed);
	s->talking = atomic_load_explicit(&n->talking, memory_order_relaxed);
	s->latched = atomic_load_explicit(&n->latched, memory_order_relaxed);
	codec_name(s->rx_codec, &n->rx_codec);
	codec_name(s->tx_codec, &n->tx_codec);
	leg_xr_stats(s, n);
}

uint8_t leg_level(const struct leg *l)
{
	return l->rt ? (uint8_t)atomic_load_explicit(&l->rt->n.level, memory_order_relaxed) : 127;
}
