/*
 * seat.c - the parts put together, the call's life told, and the ticks.
 *
 * Made bottom up: engine, device, relay, gestend, call; taken down the other way round, the call first, so that good-bye is said while all is
 * there. The device turns the engine from its first period on, call or none.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/time.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "identity.h"
#include "seat_priv.h"
#include "server/offer.h"

enum { TICK_MS = 50, SECOND_MS = 1000, LEAVE_MS = 1500, NEAR_ENOUGH = 120 };

uint64_t seat_unix_ms(void)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	return (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
}

uint64_t seat_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void seat_tell(struct seat *s)
{
	if (!s->over)
		s->conf.changed(s->conf.arg);
}

static void seat_end(struct seat *s, int status, const char *why)
{
	if (s->over)
		return;
	s->over = true;
	tmr_cancel(&s->tick);
	tmr_cancel(&s->second);
	tmr_cancel(&s->end);
	s->conf.ended(status, why, s->conf.arg);
}

/* As it is said. */
const char *seat_room(const struct seat *s)
{
	return !strncmp(s->set->uri, "sip:", 4) ? s->set->uri + 4 : s->set->uri;
}

/* --- the call --- */

static const char *state_name(enum joincall_state st)
{
	static const char *const name[] = {"idle", "calling", "ringing", "up", "waiting", "over"};

	return name[st];
}

static const char *codec_words(char *buf, size_t size, const struct joincall_info *i)
{
	(void)re_snprintf(buf, size, "%s%s", i->codec, i->channels == 2 ? " stereo" : i->channels == 1 ? " mono" : "");
	return buf;
}

static void describe(struct seat *s, enum joincall_state st, const char *why)
{
	struct band_own *o = &s->band.own;
	struct joincall_info i;

	joincall_info(s->call, &i);
	str_ncpy(o->state, st == JOINCALL_IDLE && s->set->answer ? "ready" : state_name(st), sizeof(o->state));
	str_ncpy(o->why, why, sizeof(o->why));
	str_ncpy(o->peer, i.peer, sizeof(o->peer));
	if (st == JOINCALL_UP)
		(void)codec_words(o->codec, sizeof(o->codec), &i);
	o->ptime_us = i.ptime_us;
	o->srtp = i.srtp;
	str_ncpy(o->keys, i.keys, sizeof(o->keys));
	o->gestures = i.gestures;
	o->again_s = i.again_s;
	if (st == JOINCALL_WAITING)
		(void)re_snprintf(o->why, sizeof(o->why), "%s; again in %u s", *why ? why : "lost", i.again_s);
}

/* "sip:anna-1f@host" is anna-1f. */
static void peer_name(char *name, size_t size, const char *uri)
{
	const char *p = strstr(uri, "sip:");
	size_t n;

	p = p ? p + 4 : strstr(uri, "sips:") ? strstr(uri, "sips:") + 5 : uri;
	n = strcspn(p, "@;>");
	(void)re_snprintf(name, size, "%b", p, n < size ? n : size - 1);
}

/* At both ends of the line: ours here, the server's by its house (seat_gest.c). */
void seat_line_choices(struct seat *s)
{
	struct leg *l = joincall_leg(s->call);

	if (!l)
		return;
	(void)leg_set_buffer(l, s->wants_buffer);
	leg_set_red(l, s->wants_red ? LEG_RED_ALWAYS : LEG_RED_NEVER);
}

static void came_up(struct seat *s)
{
	struct joincall_info i;
	char name[BAND_NAME + 1];

	joincall_info(s->call, &i);
	s->direct = !i.focus;
	s->has_last = false;
	seat_line_choices(s);
	if (!s->band.own.up_since_ms)
		s->band.own.up_since_ms = seat_unix_ms();
	seat_sound_begin(s);
	seat_gest_player(s, joincall_player(s->call));
	if (!s->direct)
		return;
	peer_name(name, sizeof(name), i.peer);
	(void)band_come(&s->band, name);
}

static void went_down(struct seat *s)
{
	seat_gest_player(s, NULL);
	band_empty(&s->band);
	s->band.own.up_since_ms = 0;
	s->has_last = false;
}

/* What is refused for good, for scripts. */
static int status_of(uint16_t scode)
{
	switch (scode) {
	case 0:
		return 0;
	case 401:
	case 403:
	case 407:
		return EX_NOPERM;
	default:
		return EX_UNAVAILABLE;
	}
}

static void call_handler(enum joincall_state st, const char *why, void *arg)
{
	struct seat *s = arg;
	struct joincall_info i;

	if (st == JOINCALL_UP)
		came_up(s);
	else
		went_down(s);
	describe(s, st, why);
	if (!s->over)
		s->conf.called(s->conf.arg);
	if (st != JOINCALL_OVER)
		return;
	joincall_info(s->call, &i);
	seat_end(s, s->leaving ? 0 : status_of(i.scode), why);
}

/* --- ticks --- */

static void tick_handler(void *arg)
{
	struct seat *s = arg;

	tmr_start(&s->tick, TICK_MS, tick_handler, s);
	seat_sound_levels(s);
	seat_gest_tick(s);
	if (s->direct && s->band.n && joincall_leg(s->call))
		s->band.member[0].level_db = -(float)leg_level(joincall_leg(s->call));
	seat_tell(s);
}

static void second_handler(void *arg)
{
	struct seat *s = arg;

	tmr_start(&s->second, SECOND_MS, second_handler, s);
	if (s->band.own.again_s)
		describe(s, joincall_state(s->call), "");
	seat_sound_figures(s);
	seat_gest_second(s);
	if (!s->over)
		s->conf.second(s->conf.arg);
}

static void end_handler(void *arg)
{
	struct seat *s = arg;

	if (!s->leaving)
		seat_leave(s);
	else
		seat_end(s, 0, "");               /* nobody answers our good-bye */
}

void seat_leave(struct seat *s)
{
	if (s->leaving || s->over)
		return;
	s->leaving = true;
	seat_gest_player(s, NULL);
	joincall_hangup(s->call);
	tmr_start(&s->end, LEAVE_MS, end_handler, s);
}

/* --- life --- */

static uint32_t frame_us(const struct seat *s)
{
	double ms = s->set->frame_ms;

	if (ms > 1.3 && ms < 1.4)
		return 1333;
	if (ms > 0)
		return (uint32_t)(ms * 1000);
	/* 64 samples, or 120 where that is what the card takes. */
	return s->band.own.period && s->band.own.period % NEAR_ENOUGH == 0 ? 2500 : 1333;
}

static int srtp_of(const char *word)
{
	return *word == 'r' ? OFFER_SRTP_REQUIRED : !strcmp(word, "off") ? OFFER_SRTP_OFF : OFFER_SRTP_OPTIONAL;
}

static const char *login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw && pw->pw_name ? pw->pw_name : "musician";
}

static int open_call(struct seat *s, char *wrong, size_t size)
{
	const struct joinconf *c = s->set;
	const uint32_t frame = frame_us(s);
	const struct joincall_conf jc = {
		.uri = c->answer ? NULL : c->uri, .answer = c->answer, .listen = c->listen, .name = c->name[0] ? c->name : login_name(),
		.number = s->number,
		.user = c->user[0] ? c->user : NULL, .password = c->password[0] ? c->password : NULL, .proxy = c->proxy[0] ? c->proxy : NULL,
		.codecs = c->codec, .ptime_us = frame, .channels = c->channels, .srtp = srtp_of(c->srtp),
		.srtp_keys = !strcmp(c->srtp_keys, "dtls") ? OFFER_KEYING_DTLS : OFFER_KEYING_SDES, .red = true, .gestures = c->gestures,
		.tls_verify = c->tls_verify, .tls_ca = c->tls_ca[0] ? c->tls_ca : NULL, .mixer = s->mixer, .bus = s->bus, .relay = s->relay,
		.ensemble = s->ensemble, .gesth = seat_gest_heard, .gest_arg = s,
	};
	int err = joincall_alloc(&s->call, &jc, call_handler, s);

	if (err)
		(void)re_snprintf(wrong, size, "%s: %s", c->answer ? "listen" : c->uri, err == EINVAL ? "no address of a room, such as sip:band@host" :
				  strerror(err));
	return !err ? 0 : err == EINVAL ? EX_USAGE : EX_OSERR;
}

/* The seat is the process: taken down in the order in which things lean on one another. */
static void destructor(void *arg)
{
	struct seat *s = arg;

	s->over = true;
	tmr_cancel(&s->tick);
	tmr_cancel(&s->second);
	tmr_cancel(&s->end);
	seat_gest_player(s, NULL);
	s->call = mem_deref(s->call);
	seat_gest_close(s);
	seat_sound_close(s);
}

int seat_alloc(struct seat **sp, const struct seat_conf *conf, char *wrong, size_t size)
{
	struct seat *s = mem_zalloc(sizeof(*s), destructor);
	int status = 0;

	if (!s)
		return EX_OSERR;
	s->conf = *conf;
	s->set = conf->conf;
	s->text_nr = (int32_t)(rand_u32() >> 2);
	band_init(&s->band);
	str_ncpy(s->band.own.room, s->set->answer ? "waiting for a call" : seat_room(s), sizeof(s->band.own.room));
	s->band.own.volume_db = (float)s->set->volume_db;
	s->band.own.gain_db = (float)s->set->gain_db;
	s->band.own.self_db = (float)s->set->self_db;
	s->band.own.muted_here = s->set->mute;
	s->wants_click = s->set->click;
	seat_section_begin(s);
	s->wants_red = s->set->red;
	s->wants_buffer = strcmp(s->set->buffer, "auto") ? s->set->buffer[0] - '0' : LEG_BUFFER_AUTO;
	if (strcmp(s->set->midi_driver, "none") && midiwire_alloc(&s->midi))
		status = EX_OSERR;
	if (!status)
		status = seat_sound_open(s, wrong, size);
	if (!status)
		status = seat_gest_open(s, wrong, size);
	if (!status)
		status = open_call(s, wrong, size);
	if (status)
		mem_deref(s);
	else
		*sp = s;
	return status;
}

int seat_start(struct seat *s)
{
	tmr_start(&s->tick, TICK_MS, tick_handler, s);
	tmr_start(&s->second, SECOND_MS, second_handler, s);
	if (s->set->seconds > 0)
		tmr_start(&s->end, (uint64_t)(s->set->seconds * 1000), end_handler, s);
	return joincall_start(s->call);
}

struct band *seat_band(struct seat *s)
{
	return &s->band;
}
