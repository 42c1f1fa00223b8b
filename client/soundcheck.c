/*
 * soundcheck.c - one call to the echo after the other.
 *
 *     call > settle (buffers find their length) > measure > hang up > look for the chirps > the next
 */
#include <string.h>
#include "chirp.h"
#include "server/offer.h"
#include "soundcheck_priv.h"

enum {
	SETTLE_MS = 4000,
	CONNECT_MS = 10000,
	POLL_MS = 250,
	PERIOD = 64
};

static const struct { const char *name, *codecs; uint32_t frame_us;
} kinds[] = {
	{"L16", "L16/48000/2", 1333},
	{"L16", "L16/48000/2", 2500},
	{"L16", "L16/48000/2", 5000},
	{"Opus", "opus", 2500},
};

/* --- measuring --- */

static struct verdict_trial *trial(struct soundcheck *s) { return &s->report.trial[s->i]; }

static double part(uint64_t n, uint64_t of) { return of ? 100.0 * (double)n / (double)of : 0; }

static void figures(struct soundcheck *s, const struct leg_stats *now)
{
	const uint64_t got = now->rx_packets - s->before.rx_packets, late = now->rx_late - s->before.rx_late;
	const uint64_t missed = now->rx_lost - s->before.rx_lost,
		       lost = missed > late ? missed - late : 0; /* late ones came */
	const double minutes = s->conf.seconds / 60;
	struct verdict_trial *t = trial(s);

	t->loss_pct      = part(lost, got + lost);
	t->late_pct      = part(late, got + lost);
	t->peer_loss_pct = s->n_polls ? 100.0 * s->peer_lost / s->n_polls / 256 : 0;
	t->concealed_min = minutes > 0 ? (double)(now->concealed - s->before.concealed) / minutes : 0;
	t->jitter_us     = s->jitter_max_us;
	t->buffer_us     = s->buffer_us;
	t->rtt_us        = s->rtt_us;
}

static void poll_handler(void *arg)
{
	const struct leg *leg = joincall_leg(((struct soundcheck *)arg)->call);
	struct soundcheck *s = arg;
	struct leg_stats st;

	tmr_start(&s->tmr_poll, POLL_MS, poll_handler, s);
	if (!leg)
		return;
	leg_stats(leg, &st);
	s->jitter_max_us = MAX(s->jitter_max_us, st.jitter_us);
	s->buffer_us  = st.buffer_ms * 1000;
	if (st.rtt_us && (!s->rtt_us || st.rtt_us < s->rtt_us))
		s->rtt_us = st.rtt_us;
	s->peer_lost += st.peer_fraction_lost;
	s->n_polls++;
}

static uint32_t smp_us(uint32_t smp) { return (uint32_t)(smp * 1000000ull / SOUNDCHECK_RATE); }

static void search(struct soundcheck *s)
{
	struct verdict_trial *t = trial(s);
	struct chirp_found found;

	chirp_find(&found, s->rt.heard, s->rt.n_heard);
	t->chirps = found.sent;
	t->heard  = found.heard;
	t->sound_us     = smp_us(found.median_smp);
	t->sound_min_us = smp_us(found.min_smp);
	t->sound_max_us = smp_us(found.max_smp);
}

static void next(struct soundcheck *s);

static void finish(struct soundcheck *s)
{
	struct soundcheck_report *r = &s->report;

	verdict_judge(&r->verdict, r->trial, r->n, r->card_us);
	s->h(0, "", r, s->arg);
}

static void fail(struct soundcheck *s, int err)
{
	soundcheck_rig_close(s);
	s->h(err, s->why[0] ? s->why : strerror(err), NULL, s->arg);
}

static void next_handler(void *arg)
{
	struct soundcheck *s = arg;

	soundcheck_rig_close(s);
	if (trial(s)->done)
		search(s);
	if (++s->i < ARRAY_SIZE(kinds))
		next(s);
	else
		finish(s);
}

/* Not from inside a call of its own. */
static void go_on(struct soundcheck *s)
{
	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_poll);
	tmr_start(&s->tmr_next, 0, next_handler, s);
}

static void measured(void *arg)
{
	struct soundcheck *s = arg;
	const struct leg *leg = joincall_leg(s->call);
	struct leg_stats st;

	s->measuring = false;
	if (!leg)
		return;
	leg_stats(leg, &st);
	figures(s, &st);
	trial(s)->done = true;
	joincall_hangup(s->call);
}

static void settled(void *arg)
{
	struct soundcheck *s = arg;
	const struct leg *leg = joincall_leg(s->call);

	if (!leg)
		return;
	leg_stats(leg, &s->before);
	s->measuring = true;
	atomic_store_explicit(&s->rt.go, true, memory_order_release);
	tmr_start(&s->tmr_poll, POLL_MS, poll_handler, s);
	tmr_start(&s->tmr, (uint64_t)(s->conf.seconds * 1000), measured, s);
}

static void failed_handler(void *arg)
{
	fail(arg, ECONNREFUSED);
}

/* That this codec or frame is not to be had is no end of the check; that nobody is there is. */
static void over(struct soundcheck *s, const char *why)
{
	struct verdict_trial *t = trial(s);

	if (!t->done)
		str_ncpy(t->why, why[0] ? why : "the call ended", sizeof(t->why));
	if (t->done || strstr(why, "(488)") || s->measuring) {
		go_on(s);
		return;
	}
	str_ncpy(s->why, t->why, sizeof(s->why));
	tmr_cancel(&s->tmr_poll);
	tmr_start(&s->tmr, 0, failed_handler, s);
}

static void connect_late(void *arg)
{
	struct soundcheck *s = arg;

	str_ncpy(s->why, s->why[0] ? s->why : "no answer", sizeof(s->why));
	fail(s, ETIMEDOUT);
}

static void call_handler(enum joincall_state st, const char *why, void *arg)
{
	struct soundcheck *s = arg;
	struct joincall_info info;

	switch (st) {

	case JOINCALL_UP:
		if (tmr_isrunning(&s->tmr_poll) || s->measuring)
			return;
		joincall_info(s->call, &info);
		trial(s)->srtp = info.srtp ? 'y' : 'n';
		tmr_start(&s->tmr, SETTLE_MS, settled, s);
		return;

	case JOINCALL_WAITING:
		if (trial(s)->done || s->measuring)
			over(s, why);
		else
			str_ncpy(s->why, why, sizeof(s->why));
		return;

	case JOINCALL_OVER:
		over(s, why);
		return;

	default:
		return;
	}
}

static void step(struct soundcheck *s)
{
	char what[64];

	(void)re_snprintf(what, sizeof(what), "%s, frames of %u.%02u ms", kinds[s->i].name, kinds[s->i].frame_us / 1000,
			  kinds[s->i].frame_us % 1000 / 10);
	if (s->steph)
		s->steph(what, s->arg);
}

static int call(struct soundcheck *s)
{
	const struct joincall_conf conf = {
		.uri = s->conf.uri,
		.listen = "",
		.name = s->conf.name,
		.user = s->conf.user,
		.password = s->conf.password,
		.proxy = s->conf.proxy,
		.codecs = kinds[s->i].codecs,
		.ptime_us = kinds[s->i].frame_us,
		.channels = 2,
		.srtp = s->conf.srtp,
		.srtp_keys = s->conf.srtp_keys,
		.tls_verify = s->conf.tls_verify,
		.tls_ca = s->conf.tls_ca,
		.mixer = s->mixer,
		.bus = s->bus,
		.jitter_ms = (kinds[s->i].frame_us + 999) / 1000,
	};
	int err = joincall_alloc(&s->call, &conf, call_handler, s);

	return err ? err : joincall_start(s->call);
}

static void next(struct soundcheck *s)
{
	struct verdict_trial *t = trial(s);
	int err;

	t->codec    = kinds[s->i].name;
	t->frame_us = kinds[s->i].frame_us;
	t->seconds  = (uint32_t)s->conf.seconds;
	s->report.n = s->i + 1;
	s->measuring = false;
	s->jitter_max_us = s->rtt_us = s->peer_lost = s->n_polls = 0;
	s->why[0] = '\0';
	step(s);
	tmr_start(&s->tmr, CONNECT_MS, connect_late, s);
	err = soundcheck_rig_open(s);
	if (!err)
		err = call(s);
	if (err)
		fail(s, err);
}

static void begin_handler(void *arg)
{
	next(arg);
}

/* --- life --- */

static void destructor(void *arg)
{
	struct soundcheck *s = arg;

	tmr_cancel(&s->tmr_next);
	soundcheck_rig_close(s);
	mem_deref(s->rt.heard);
}

int soundcheck_alloc(struct soundcheck **sp, const struct soundcheck_conf *conf, soundcheck_step_h *steph,
		     soundcheck_h *h, void *arg)
{
	struct soundcheck *s;

	if (!conf->uri || !h || conf->seconds < 0 || conf->seconds > 600)
		return EINVAL;
	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;
	s->conf  = *conf;
	s->steph = steph;
	s->h     = h;
	s->arg   = arg;
	if (s->conf.seconds <= 0)
		s->conf.seconds = 10;
	s->period  = conf->period ? conf->period : PERIOD;
	s->rt.max  = (size_t)(s->conf.seconds * SOUNDCHECK_RATE) + SOUNDCHECK_RATE;
	s->rt.heard = mem_zalloc(s->rt.max * sizeof(float), NULL);
	if (!s->rt.heard) {
		mem_deref(s);
		return ENOMEM;
	}
	tmr_start(&s->tmr_next, 0, begin_handler, s);
	*sp = s;
	return 0;
}
