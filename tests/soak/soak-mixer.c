/*
 * soak-mixer.c - an hour of a room's life on a clock turned by hand: does anything grow, does anybody hear a click?
 *
 *     speaker, clean path ))) room ))) three ears: L16, PCMU, Opus
 *     far, 2 % lost, 25 ms jitter ))) the same room
 *     up to eight others like it, in seconds 0 to 45 of each minute: they join, half of them with SRTP, mute, hold, change
 *     their codec, move to another room and back, press keys, leave
 *
 * Each minute is the same programme with other dice, and ends with 15 seconds in which the others are gone. Then the
 * minutes are compared: how late the ears hear the speaker, how much the far one's jitter buffer holds, the heap, the
 * descriptors, what was encoded and decoded. And all the time: nobody hears a jump in the speaker's voice.
 *
 * The speaker's voice is a tone with a slow one under it, whose phase tells how late it is. SOAK_MINUTES=60 for the hour.
 */
#include <dirent.h>
#include <glib.h>
#include <complex.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include "mixer/engine.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum {
	EARS = 3, OTHERS = 8,
	BUSY_S = 45, MINUTE_S = 60,
	WINDOW_MS = 3000,         /* what is judged at once */
	LOSS_PCT = 2, JITTER_US = 25000,
	MINUTES = 2, MINUTES_MAX = 24 * 60,
};

#define RULER_HZ 11.0
#define TONE_HZ  443.0
#define RULER    0.1
#define TONE     0.2
#define SOFT     0.02             /* the others */

static const struct peer_conf speaker_conf = {"L16", 48000, 98, 1, 10000, 0, 0, false, NULL};

static const struct peer_conf far_conf = {"PCMU", 8000, 0, 1, 20000, 1511.3, SOFT, false, NULL};

static const struct peer_conf ear_conf[EARS] = {
	{"L16", 48000, 98, 1, 10000, 0, 0, false, NULL},
	{"PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL},
	{"opus", 48000, 96, 1, 20000, 0, 0, false, NULL},
};

static const struct peer_conf other_conf[] = {
	{"PCMU", 8000, 0, 1, 20000, 709.3, SOFT, false, NULL},
	{"PCMA", 8000, 8, 1, 30000, 811.7, SOFT, false, NULL},
	{"G722", 8000, 9, 1, 20000, 907.1, SOFT, false, NULL},
	{"L16", 44100, 99, 1, 10000, 1013.9, SOFT, false, NULL},
	{"opus", 48000, 96, 1, 20000, 1109.1, SOFT, true, NULL},
	{"opus", 48000, 96, 2, 10000, 1213.3, SOFT, false, NULL},
};

struct other {
	struct member *mb;
	bool sealed, held, deaf, muted, away;
};

struct minute {
	double delay_ms[EARS], jump[EARS], bend;
	size_t heap;
	unsigned fds;
	uint32_t far_ms;
	uint64_t encodes, decodes, ticks;         /* of the quiet seconds */
	uint64_t cpu_us;
	unsigned n_join, n_leave, n_hold, n_codec, n_mute, n_move, n_key;
};

struct soak {
	struct stage *s;
	struct bus *room, *aside;
	struct member *speaker, *far, *ear[EARS];
	uint64_t last_us[EARS];   /* when an ear's last packet came */
	unsigned n_packets[EARS];
	struct other other[OTHERS];
	float *voice;
	struct minute min[MINUTES_MAX];
};

/* --- the ones who stay --- */

static float *voice(void)
{
	float *smp = g_new(float, 48000);

	for (size_t i = 0; i < 48000; i++)
		smp[i] = (float)(RULER * sin(2 * G_PI * RULER_HZ * (double)i / 48000) + TONE * sin(2 * G_PI * TONE_HZ * (double)i / 48000));
	return smp;
}

static struct bus *room_new(struct stage *s, uint32_t quantum)
{
	struct bus_conf conf = {.quantum_smp = quantum};
	struct bus *b = NULL;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	return b;
}

static void rough_path(struct peer *p)
{
	p->drop_pct = LOSS_PCT;
	p->jitter_us = JITTER_US;
	p->net_seed = (uint32_t)g_test_rand_int();
}

static void soak_open(struct soak *k)
{
	k->s = stage_new(1000);
	k->voice = voice();
	k->room = room_new(k->s, 480);
	k->aside = room_new(k->s, 0);
	k->speaker = stage_member(k->s, &speaker_conf);
	k->speaker->peer->play = k->voice;
	k->speaker->peer->n_play = 48000;
	g_assert_cmpint(leg_set_bus(k->speaker->leg, k->room), ==, 0);
	k->far = stage_member(k->s, &far_conf);
	rough_path(k->far->peer);
	g_assert_cmpint(leg_set_bus(k->far->leg, k->room), ==, 0);
	for (unsigned i = 0; i < EARS; i++) {
		k->ear[i] = stage_member(k->s, &ear_conf[i]);
		k->ear[i]->peer->mute = true;
		g_assert_cmpint(leg_set_bus(k->ear[i]->leg, k->room), ==, 0);
	}
}

static void soak_close(struct soak *k)
{
	while (k->s->n)
		stage_remove(k->s, k->s->member[0]);
	mem_deref(k->room);
	mem_deref(k->aside);
	stage_free(k->s);
	g_free(k->voice);
}

/* --- the others --- */

static struct peer_conf any_codec(void)
{
	return other_conf[g_test_rand_int_range(0, G_N_ELEMENTS(other_conf))];
}

static struct leg_key any_key(void)
{
	struct leg_key key = {.suite = LEG_SRTP_AES128_SHA1_80, .len = 30};

	for (size_t i = 0; i < key.len; i++)
		key.key[i] = (uint8_t)g_test_rand_int();
	return key;
}

/* What an SDP says of it now: its codec, its keys, whether it is held. */
static void other_describe(struct other *o)
{
	struct leg_key up = any_key(), down = any_key();
	struct leg_desc *d = &o->mb->desc;

	peer_desc(o->mb->peer, d);
	d->dir = o->held ? LEG_DIR_INACTIVE : LEG_DIR_BOTH;
	if (o->sealed) {
		peer_secure(o->mb->peer, &up, &down);
		d->srtp_rx = up;
		d->srtp_tx = down;
	}
	member_set(o->mb);
}

static void other_join(struct soak *k, struct other *o)
{
	struct peer_conf conf = any_codec();

	*o = (struct other){.mb = stage_member(k->s, &conf), .sealed = g_test_rand_bit()};
	rough_path(o->mb->peer);
	other_describe(o);
	g_assert_cmpint(leg_set_bus(o->mb->leg, k->room), ==, 0);
}

static void other_leave(struct soak *k, struct other *o)
{
	if (o->mb)
		stage_remove(k->s, o->mb);
	o->mb = NULL;
}

/* A re-INVITE with another codec, or the same, with an encoder that begins anew; new keys, too. */
static void other_codec(struct other *o)
{
	struct peer_conf conf = any_codec();

	peer_codec(o->mb->peer, &conf);
	other_describe(o);
}

static void other_act(struct soak *k, struct minute *m, struct other *o)
{
	switch (g_test_rand_int_range(0, 9)) {

	case 0:
		other_leave(k, o);
		m->n_leave++;
		return;
	case 1:
	case 2:
		o->held = !o->held;
		other_describe(o);
		m->n_hold++;
		break;
	case 3:
		other_codec(o);
		m->n_codec++;
		break;
	case 4:
	case 5:
		o->muted = !o->muted;
		leg_set_mute(o->mb->leg, o->muted);
		m->n_mute++;
		break;
	case 6:
		o->deaf = !o->deaf;
		leg_set_deaf(o->mb->leg, o->deaf);
		leg_set_gain(o->mb->leg, o->deaf ? 0.5f : 1.0f);
		break;
	case 7:
		o->away = !o->away;
		g_assert_cmpint(leg_set_bus(o->mb->leg, o->away ? k->aside : k->room), ==, 0);
		m->n_move++;
		break;
	case 8:
		peer_key(o->mb->peer, 5);
		g_assert_cmpint(leg_send_dtmf(o->mb->leg, "7"), ==, 0);
		m->n_key++;
		break;
	}
}

static void other_turn(struct soak *k, struct minute *m)
{
	struct other *o = &k->other[g_test_rand_int_range(0, OTHERS)];

	if (o->mb) {
		other_act(k, m, o);
	} else {
		other_join(k, o);
		m->n_join++;
	}
}

/* --- what the ears hear --- */

static void run(struct soak *k, uint32_t ms)
{
	for (uint64_t end = k->s->now_us + ms * 1000ULL; k->s->now_us < end;) {
		stage_step(k->s);
		for (unsigned i = 0; i < EARS; i++) {
			if (k->ear[i]->peer->n_packets != k->n_packets[i])
				k->last_us[i] = k->s->now_us;
			k->n_packets[i] = k->ear[i]->peer->n_packets;
		}
	}
}

/* The sharpest bend: a step of x is one of x, the voice and the others have 0.01. */
static double bend(const float *smp, size_t n)
{
	double most = 0;

	for (size_t i = 1; i + 1 < n; i++)
		most = MAX(most, fabs((double)smp[i - 1] - 2.0 * (double)smp[i] + (double)smp[i + 1]));
	return most;
}

static void listen_in(struct soak *k, struct minute *m)
{
	for (unsigned i = 0; i < EARS; i++) {
		double srate = k->ear[i]->peer->codec->srate;
		size_t n = (size_t)srate * (WINDOW_MS - 100) / 1000;
		g_autofree float *smp = peer_last(k->ear[i]->peer, n, 0);

		m->jump[i] = MAX(m->jump[i], signal_phase_jump(smp, n, srate, TONE_HZ));
		if (!i)
			m->bend = MAX(m->bend, bend(smp, n));
		g_assert_cmpuint(k->ear[i]->peer->n_ts_gaps + k->ear[i]->peer->n_seq_gaps + k->ear[i]->peer->n_bad, ==, 0);
		peer_forget(k->ear[i]->peer);
		k->n_packets[i] = 0;
	}
}

static double phase_of(const float *smp, size_t n, double srate)
{
	double complex sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)smp[i] * cexp(-I * 2 * G_PI * RULER_HZ * (double)i / srate);
	return carg(sum) + G_PI / 2;
}

/* When the ear heard a sample against when the speaker's packet with it left, within a period of the ruler (91 ms). */
static double delay_ms(const struct soak *k, unsigned ear)
{
	const struct peer *p = k->speaker->peer, *r = k->ear[ear]->peer;
	double srate = r->codec->srate, frame = r->conf.ptime_us * srate / 1e6, period = 1000 / RULER_HZ;
	g_autofree float *smp = peer_last(r, (size_t)srate, 0);
	double out_ms = (double)k->last_us[ear] / 1000 - (srate - frame) / srate * 1000;
	double in_ms = (double)p->next_us / 1000 - (double)p->n_smp / 48 + phase_of(smp, (size_t)srate, srate) / (2 * G_PI) * period;

	return out_ms - in_ms - floor((out_ms - in_ms) / period) * period;
}

/* --- a minute --- */

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void busy_seconds(struct soak *k, struct minute *m)
{
	for (uint32_t ms = 0; ms < BUSY_S * 1000; ms += 250) {
		other_turn(k, m);
		run(k, 250);
		if ((ms + 250) % WINDOW_MS == 0)
			listen_in(k, m);
	}
	for (unsigned i = 0; i < OTHERS; i++)
		other_leave(k, &k->other[i]);
}

static void quiet_seconds(struct soak *k, struct minute *m)
{
	struct mixer_stats before, after;

	run(k, WINDOW_MS);        /* who left has faded out */
	listen_in(k, m);
	mixer_stats(k->s->m, &before);
	for (uint32_t ms = WINDOW_MS; ms < (MINUTE_S - BUSY_S) * 1000; ms += WINDOW_MS) {
		run(k, WINDOW_MS);
		for (unsigned i = 0; i < EARS; i++)
			m->delay_ms[i] = delay_ms(k, i);
		listen_in(k, m);
	}
	mixer_stats(k->s->m, &after);
	m->ticks = after.ticks - before.ticks;
	m->encodes = after.encodes - before.encodes;
	m->decodes = after.decodes - before.decodes;
	g_assert_cmpuint(after.legs, ==, 2 + EARS);
	g_assert_cmpuint(after.ring_full, ==, 0);
}

static void minute_run(struct soak *k, struct minute *m)
{
	uint64_t cpu = cpu_us();
	struct leg_stats st;

	busy_seconds(k, m);
	quiet_seconds(k, m);
	leg_stats(k->far->leg, &st);
	m->far_ms = st.buffer_ms;
	m->cpu_us = cpu_us() - cpu;
	m->heap = mallinfo2().uordblks;
	m->fds = descriptors();
}

static void minute_tell(const struct minute *m, unsigned no)
{
	g_test_message("minute %u: late %.1f %.1f %.1f ms, far one's buffer %u ms, phase %.3f %.3f %.3f, bend %.4f, heap %zu KiB, %u fds, %u joined %u left "
		       "%u held %u codecs %u muted %u moved %u keys, %" G_GUINT64_FORMAT " ticks %" G_GUINT64_FORMAT " encoded %"
		       G_GUINT64_FORMAT " decoded, CPU %.2f s", no, m->delay_ms[0], m->delay_ms[1], m->delay_ms[2], m->far_ms,
		       m->jump[0], m->jump[1], m->jump[2], m->bend, m->heap / 1024, m->fds, m->n_join, m->n_leave, m->n_hold, m->n_codec,
		       m->n_mute, m->n_move, m->n_key, m->ticks, m->encodes, m->decodes, (double)m->cpu_us / 1e6);
}

/* --- the verdict --- */

static unsigned minutes_wanted(void)
{
	const char *env = getenv("SOAK_MINUTES");
	unsigned n = env ? (unsigned)strtoul(env, NULL, 10) : MINUTES;

	return CLAMP(n, 2, MINUTES_MAX);
}

/* But for what the far one lost. */
static void same_work(uint64_t n, uint64_t first)
{
	g_assert_cmpuint(n, >=, first * 95 / 100);
	g_assert_cmpuint(n, <=, first * 105 / 100);
}

static void judge(const struct minute *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		/* 443 Hz in 10 ms: a frame left out turns it by 2.7, the noise of PCMU and Opus by some hundredths */
		g_assert_cmpfloat(m[i].jump[0], <, 0.15);
		g_assert_cmpfloat(m[i].jump[1], <, 0.25);
		g_assert_cmpfloat(m[i].jump[2], <, 0.35);
		g_assert_cmpfloat(m[i].bend, <, 0.04);
		for (unsigned e = 0; e < EARS; e++)
			g_assert_cmpfloat(fabs(m[i].delay_ms[e] - m[0].delay_ms[e]), <, 1.5);
		g_assert_cmpuint(m[i].far_ms, <, 80);
		g_assert_cmpuint(m[i].fds, ==, m[0].fds);
		same_work(m[i].ticks, m[0].ticks);
		same_work(m[i].encodes, m[0].encodes);
		same_work(m[i].decodes, m[0].decodes);
	}
	/* the first minute fills the tables that are made once, and malloc's own */
	g_assert_cmpuint(m[n - 1].heap, <, m[n > 2 ? 1 : 0].heap + 64 * 1024);
}

static void test_soak(void)
{
	struct soak *k = g_new0(struct soak, 1);
	unsigned n = minutes_wanted();

	soak_open(k);
	run(k, 3000);
	for (unsigned i = 0; i < EARS; i++)
		peer_forget(k->ear[i]->peer);
	for (unsigned i = 0; i < n; i++) {
		minute_run(k, &k->min[i]);
		minute_tell(&k->min[i], i + 1);
	}
	judge(k->min, n);
	soak_close(k);
	g_free(k);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/soak/minutes", test_soak);
	return g_test_run();
}
