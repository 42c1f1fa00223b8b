/*
 * stage.c - an engine, some peers and their legs on a clock turned by hand.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "rtguard.h"
#include "signal.h"
#include "stage.h"

enum { START_US = 1000000000 };

struct stage *stage_new(uint32_t step_us)
{
	struct mixer_conf conf = {.port_min = 40000, .port_max = 49999};
	struct stage *s = g_new0(struct stage, 1);

	g_assert_cmpint(mixer_alloc(&s->m, &conf), ==, 0);
	s->now_us = START_US;
	s->step_us = step_us;
	s->jitter_min_ms = 20;
	return s;
}

static void on_event(const struct leg_event *ev, void *arg)
{
	struct member *mb = arg;
	size_t n = strlen(mb->keys);

	switch (ev->type) {

	case LEG_EVENT_DTMF:
		if (n + 1 < sizeof(mb->keys))
			mb->keys[n] = ev->key;
		break;
	case LEG_EVENT_LATCHED:
		mb->n_latched++;
		mb->latched = ev->addr;
		break;
	case LEG_EVENT_RTP_TIMEOUT: mb->n_timeout++; break;
	case LEG_EVENT_RTP_BACK:    mb->n_back++; break;
	case LEG_EVENT_TALKING:
		mb->n_talking++;
		mb->talking = ev->on;
		break;
	case LEG_EVENT_BYE:         mb->n_bye++; break;
	case LEG_EVENT_SAID:        mb->n_said++; break;
	case LEG_EVENT_DTLS:        break;
	case LEG_EVENT_FLOOR:
		mb->n_floor++;
		mb->floor = ev->on;
		break;
	}
}

struct member *stage_member(struct stage *s, const struct peer_conf *conf)
{
	struct member *mb = g_new0(struct member, 1);
	struct leg_conf lc = {.cname = "tutti@test", .jitter_min_ms = s->jitter_min_ms, .ungated = s->ungated, .agc = s->agc, .noise_gate = s->noise_gate, .jitter_max_ms = 200,
			      .jitter_start_ms = s->jitter_start_ms, .jitter_music_ms = s->jitter_music_ms,
			      .jitter_music_fit = s->jitter_music_fit, .rtp_timeout_ms = s->timeout_ms, .eventh = on_event, .arg = mb};

	g_assert_cmpuint(s->n, <, STAGE_MAX);
	g_assert_cmpint(sa_set_str(&lc.local, conf->host ? conf->host : "127.0.0.1", 0), ==, 0);
	mb->peer = peer_new(conf);
	g_assert_cmpint(leg_alloc(&mb->leg, s->m, &lc), ==, 0);
	mb->peer->to = *leg_local(mb->leg);
	peer_desc(mb->peer, &mb->desc);
	member_set(mb);
	s->member[s->n++] = mb;
	return mb;
}

void member_set(struct member *mb)
{
	g_assert_cmpint(leg_set_desc(mb->leg, &mb->desc), ==, 0);
}

void stage_remove(struct stage *s, struct member *mb)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->member[i] == mb)
			s->member[i] = s->member[--s->n];
	mem_deref(mb->leg);
	peer_free(mb->peer);
	g_free(mb);
}

void stage_free(struct stage *s)
{
	while (s->n)
		stage_remove(s, s->member[0]);
	mem_deref(s->m);
	g_free(s);
}

struct leg_stats member_stats(const struct member *mb)
{
	struct leg_stats st;

	leg_stats(mb->leg, &st);
	return st;
}

void stage_step(struct stage *s)
{
	s->now_us += s->step_us;
	for (unsigned i = 0; i < s->n; i++)
		peer_send(s->member[i]->peer, s->now_us);
	rtguard_begin();
	mixer_turn(s->m, s->now_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mixer_dispatch(s->m);
	for (unsigned i = 0; i < s->n; i++)
		peer_receive(s->member[i]->peer);
}

void stage_run(struct stage *s, uint32_t ms)
{
	for (uint64_t end = s->now_us + ms * 1000ULL; s->now_us < end;)
		stage_step(s);
}

void stage_forget(struct stage *s)
{
	for (unsigned i = 0; i < s->n; i++)
		peer_forget(s->member[i]->peer);
}

double member_hears_db(const struct member *mb, double hz, double peak, uint32_t n_ms)
{
	size_t n = (size_t)n_ms * mb->peer->codec->srate / 1000;
	g_autofree float *smp = peer_last(mb->peer, n, 0);

	return 20 * log10(signal_tone_peak(smp, n, mb->peer->codec->srate, hz) / peak + 1e-10);
}
