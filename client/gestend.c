/*
 * gestend.c - our end of the gestures: made and ended, its time, and the room that comes and goes.
 *
 * One timer, set to the microsecond, for whatever is due next: libre's count in milliseconds, which is more than a note
 * may be late.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "gestend_priv.h"
#include "midiwire.h"

/* LOOK_US: how often it is looked whether the room's line is there yet. */
enum { LOOK_US = 20000, NOTES = 2048, NOTES_BYTES = 256 * 1024 };

/* --- time --- */

uint64_t gestend_now(const struct gestend *g)
{
	struct timespec ts;

	if (g->conf.by_hand)
		return g->hand_us;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t due(const struct gestend *g)
{
	uint64_t at = sooner(align_due(g->align), clockout_due(&g->beat));

	if (g->player && !g->ready)
		at = sooner(at, g->look_us);
	if (g->ready)
		at = sooner(at, sooner(g->clock.next_us, gestend_out_due(g)));
	return at;
}

void gestend_arm(struct gestend *g)
{
	struct itimerspec it = {0};
	const uint64_t at = due(g);

	if (g->conf.by_hand || at == g->armed_us)
		return;
	g->armed_us = at;
	if (at != UINT64_MAX) {           /* 0 would be never */
		it.it_value.tv_sec  = (time_t)(at / 1000000);
		it.it_value.tv_nsec = (long)(at % 1000000) * 1000 + 1;
	}
	(void)timerfd_settime(g->timer_fd, TFD_TIMER_ABSTIME, &it, NULL);
}

static void ask_time(struct gestend *g, uint64_t now_us)
{
	uint8_t buf[ROOMCLOCK_MSG_MAX];
	size_t len;

	if (roomclock_ask(&g->clock, buf, &len, now_us))
		(void)gestend_out_tell(g, buf, len, 1);
}

/* Its line comes after the player, and may change: another rate, or none while it is held. */
static void look(struct gestend *g, uint64_t now_us)
{
	struct gestline_takes takes;
	const bool is = g->player && player_takes(g->player, &takes);
	const bool was = g->ready;

	g->look_us = now_us + LOOK_US;
	g->ready = is;
	if (!is || (was && takes.rate == g->rate_agreed))
		return;
	if (!was)
		roomclock_begin(&g->clock, now_us);
	gestend_out_begin(g, &takes);
}

static void turn(struct gestend *g, uint64_t now_us)
{
	look(g, now_us);
	if (g->ready) {
		ask_time(g, now_us);
		gestend_out_turn(g, now_us);
	}
	gestend_in_turn(g, now_us);
}

void gestend_turn(struct gestend *g, uint64_t now_us)
{
	g->hand_us = now_us;
	if (g->port)
		oscport_read(g->port);
	if (g->conf.midi)
		gestend_out_midi(g);
	turn(g, now_us);
}

static void timer_handler(int flags, void *arg)
{
	struct gestend *g = arg;
	uint64_t expired;

	(void)flags;
	if (read(g->timer_fd, &expired, sizeof(expired)) < 0)
		return;
	g->armed_us = UINT64_MAX;
	turn(g, gestend_now(g));
	gestend_arm(g);
}

static void midi_handler(int flags, void *arg)
{
	(void)flags;
	gestend_out_midi(arg);
	gestend_arm(arg);
}

/* --- the room --- */

void gestend_set_player(struct gestend *g, struct player *p)
{
	if (!g || g->player == p)
		return;
	gestend_in_end(g);
	g->player = p;
	g->ready  = false;
	roomclock_init(&g->clock);
	look(g, gestend_now(g));
	gestend_arm(g);
}

bool gestend_heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	static const struct player_said nothing;
	struct gestend *g = arg;

	(void)midi;
	if (!msg)
		return true;              /* its line carries no MIDI, but in OSC */
	gestend_in_hear(g, msg, g->player ? player_said(g->player) : &nothing);
	gestend_arm(g);
	return true;
}

static bool read_args(struct osc_arg *arg, const char *tags, va_list ap)
{
	for (; *tags; tags++, arg++) {
		arg->tag = *tags;
		switch (*tags) {

		case 'i': arg->v.i = va_arg(ap, int); break;
		case 'f': arg->v.f = (float)va_arg(ap, double); break;
		case 's': arg->v.s = va_arg(ap, const char *); break;
		case 'h': arg->v.h = va_arg(ap, int64_t); break;
		default: return false;
		}
	}
	return true;
}

int gestend_sayf(struct gestend *g, const char *addr, const char *tags, ...)
{
	struct osc_arg args[8];
	uint8_t buf[GESTEND_MSG_MAX];
	struct osc_writer w;
	size_t len;
	va_list ap;
	bool ok;

	if (!g || strlen(tags) > sizeof(args) / sizeof(args[0]))
		return EINVAL;
	va_start(ap, tags);
	ok = read_args(args, tags, ap);
	va_end(ap);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, strlen(tags));
	if (!ok || osc_w_end(&w, &len))
		return EINVAL;
	return gestend_out_tell(g, buf, len, 1);
}

/* --- life --- */

static void destructor(void *arg)
{
	struct gestend *g = arg;

	if (g->align && g->notes)
		gestend_in_end(g);
	if (g->timer_fd >= 0) {
		fd_close(g->timer_fd);
		close(g->timer_fd);
	}
	if (g->midi_listened)
		fd_close(midiwire_fd(g->conf.midi));
	mem_deref(g->port);
	mem_deref(g->keys);
	mem_deref(g->rate);
	mem_deref(g->midi_in);
	mem_deref(g->align);
	mem_deref(g->mix);
	mem_deref(g->notes);
}

static int open_port(struct gestend *g)
{
	const struct oscport_conf conf = {.port = g->conf.osc_port, .open = g->conf.osc_open, .to = g->conf.osc_to,
		.by_hand = g->conf.by_hand, .h = gestend_out_osc, .arg = g};

	return g->conf.osc ? oscport_alloc(&g->port, &conf) : 0;
}

static int open_midi(struct gestend *g)
{
	int err;

	if (!g->conf.midi)
		return 0;
	err = midimix_alloc(&g->mix, g->conf.midi);
	g->midi_in = mem_zalloc(sizeof(*g->midi_in), NULL);
	if (err || !g->midi_in)
		return err ? err : ENOMEM;
	midi_state_init(g->midi_in);
	if (g->conf.clock_out)
		clockout_init(&g->beat, g->conf.midi);
	if (g->conf.by_hand)
		return 0;
	err = fd_listen(midiwire_fd(g->conf.midi), FD_READ, midi_handler, g);
	g->midi_listened = !err;
	return err;
}

static int open_timer(struct gestend *g)
{
	if (g->conf.by_hand)
		return 0;
	g->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return g->timer_fd < 0 ? errno : fd_listen(g->timer_fd, FD_READ, timer_handler, g);
}

int gestend_alloc(struct gestend **gp, const struct gestend_conf *conf)
{
	struct gestend *g;
	int err;

	if (!gp || !conf)
		return EINVAL;
	g = mem_zalloc(sizeof(*g), destructor);
	if (!g)
		return ENOMEM;
	g->conf = *conf;
	g->timer_fd = -1;
	g->armed_us = UINT64_MAX;
	roomclock_init(&g->clock);
	err = osckeys_alloc(&g->keys, OSCKEYS_SOURCE_MAX, OSCKEYS_SOURCE_BYTES, rand_u64());
	if (!err)
		err = osckeys_alloc(&g->notes, NOTES, NOTES_BYTES, rand_u64());
	if (!err)
		err = align_alloc(&g->align);
	if (!err)
		err = open_timer(g);
	if (!err)
		err = open_midi(g);
	if (!err)
		err = open_port(g);
	g->conf.osc_to = NULL;            /* the caller's, and read */
	if (err)
		mem_deref(g);
	else
		*gp = g;
	return err;
}

uint16_t gestend_osc_port(const struct gestend *g)
{
	return g ? oscport_port(g->port) : 0;
}

const struct sharedclock *gestend_clock(const struct gestend *g)
{
	return &g->clock.clock;
}

void gestend_stats(const struct gestend *g, struct gestend_stats *s)
{
	struct oscport_stats port;

	*s = g->n;
	oscport_stats(g->port, &port);
	s->osc_in   = port.in;
	s->osc_out  = port.out;
	s->osc_bad += port.bad;
	s->midi_out = midimix_played(g->mix);
}
