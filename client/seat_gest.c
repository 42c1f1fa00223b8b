/*
 * seat_gest.c - the room's messages to the band, and ours to the room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "direct.h"
#include "seat_priv.h"
#include "control/log.h"

enum { LATENCY_LEAST_US = 200, LATENCY_AGAIN_S = 20 };

int seat_gest_mix(struct seat *s, const struct band_member *m, bool all)
{
	char addr[64 + BAND_NAME];
	int err;

	if (!all && (m->me || (m->mix_db == 0 && m->mix_pan > 1)))
		return 0;
	(void)re_snprintf(addr, sizeof(addr), "/tutti/me/mix/%s/gain", m->name);
	err = gestend_sayf(s->gestend, addr, "f", (double)m->mix_db);
	(void)re_snprintf(addr, sizeof(addr), "/tutti/me/mix/%s/pan", m->name);
	return err ? err : gestend_sayf(s->gestend, addr, "f", (double)m->mix_pan);
}

static void house_handler(const struct osc_msg *msg, void *arg)
{
	struct seat *s = arg;
	unsigned n = s->band.n;

	if (s->direct ? band_hear_peer(&s->band, msg, seat_unix_ms()) : band_hear(&s->band, msg, seat_now_us(), seat_unix_ms()))
		seat_tell(s);
	if (s->band.n > n)                        /* who has come is heard as we once asked for */
		(void)seat_gest_mix(s, &s->band.member[s->band.n - 1], false);
}

static uint32_t delay_us(const char *name, void *arg)
{
	struct seat *s = arg;
	const struct band_own *o = &s->band.own;
	const struct band_member *m = s->direct ? &s->band.member[0] : band_find(&s->band, name);

	if (m)
		return s->direct && !s->band.n ? 0 : m->to_me.total;
	return *name ? 0 : o->net_us + o->buffer_us + o->playback_us;
}

int seat_gest_open(struct seat *s, char *wrong, size_t size)
{
	const struct joinconf *c = s->set;
	struct relay_conf rc = {
		.rate = 10000, .leave_keep_ms = 30000, .silence_ms = 60000, .sysex_max = 1024,
		.realtime = true, .end = true,
	};
	const struct gestend_conf gc = {
		.osc_port = (uint16_t)c->osc_port, .osc = c->osc, .osc_to = c->osc_to, .osc_open = c->osc_open,
		.align = c->align, .clock_out = c->midi_clock && s->midi, .midi = s->midi,
		.househ = house_handler, .delay_us = delay_us, .arg = s,
	};
	int err;

	if (!c->gestures)
		return 0;
	joinconf_ports(&rc.port_min, &rc.port_max, c);
	err = relay_alloc(&s->relay, &rc);
	if (!err)
		err = ensemble_get(&s->ensemble, s->relay, "room");
	if (!err)
		err = gestend_alloc(&s->gestend, &gc);
	if (!err) {
		s->band.own.osc_port = gestend_osc_port(s->gestend);
		return 0;
	}
	if (err == EINVAL)
		(void)re_snprintf(wrong, size, "osc-to: %s is no HOST:PORT", c->osc_to);
	else if (err == EADDRINUSE)
		(void)re_snprintf(wrong, size, "osc-port: %u is in use", c->osc_port);
	else
		(void)re_snprintf(wrong, size, "gestures: %s", strerror(err));
	return err == EINVAL ? EX_USAGE : EX_OSERR;
}

void seat_gest_close(struct seat *s)
{
	seat_gest_player(s, NULL);
	s->gestend = mem_deref(s->gestend);
	s->ensemble = mem_deref(s->ensemble);
	if (s->relay)
		relay_close(s->relay);
	s->relay = mem_deref(s->relay);
}

bool seat_gest_heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	struct seat *s = arg;

	return gestend_heard(msg, midi, s->gestend);
}

/* gestend holds no reference: ours outlives what it knows. */
void seat_gest_player(struct seat *s, struct player *p)
{
	struct player *was = s->player;

	if (p == was || !s->gestend)
		return;
	s->player = mem_ref(p);
	gestend_set_player(s->gestend, p);
	mem_deref(was);
	s->greeted = false;
	s->section_said = s->section_seen = false;
}

/* What is so with us from the beginning; until the line takes it, once a tick. */
static void greet(struct seat *s)
{
	if (gestend_sayf(s->gestend, "/tutti/ask", ""))
		return;
	s->greeted = true;
	memset(s->told, 0, sizeof(s->told));
	(void)gestend_sayf(s->gestend, "/tutti/levels", "i", 1);
	if (s->band.own.muted_here)
		(void)gestend_sayf(s->gestend, "/tutti/me/mute", "i", 1);
	if (s->wants_click)
		(void)gestend_sayf(s->gestend, "/tutti/me/click", "i", 1);
	if (s->wants_buffer != LEG_BUFFER_AUTO)
		(void)gestend_sayf(s->gestend, "/tutti/me/buffer", "i", s->wants_buffer);
	if (s->wants_red)
		(void)gestend_sayf(s->gestend, "/tutti/me/red", "i", 1);
}

void seat_gest_tick(struct seat *s)
{
	if (s->player && !s->greeted && joincall_state(s->call) == JOINCALL_UP)
		greet(s);
	if (s->greeted && !s->direct)
		seat_section_tick(s);
}

static uint32_t differs(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

/* From the air until the packet leaves: a card that gives more than a frame at once has its end before its time. */
static uint32_t to_packet_us(const struct seat *s)
{
	int64_t us = (int64_t)s->band.own.capture_us + s->last.tx_delay_us;

	return us > 0 ? (uint32_t)us : 0;
}

static uint32_t clock_rtt_us(const struct seat *s)
{
	return s->gestend ? sharedclock_rtt_us(gestend_clock(s->gestend)) : 0;
}

/* Without a server we add up ourselves. */
static void measure_direct(struct seat *s)
{
	const struct band_own *o = &s->band.own;
	const uint32_t rtt = clock_rtt_us(s);
	const struct direct_near near = {
		.heard = s->has_last && s->last.rx_packets, .frame = s->last.rx_frame_us, .rtt = rtt ? rtt : o->rtt_us,
		.buffer = o->buffer_us, .playback = o->playback_us,
	};

	if (direct_measure(&s->band, &near))
		seat_tell(s);
}

/* What the server cannot see of the way between our mouth and its ear, and the way as the clock's exchanges measure it, which
 * the server believes for a minute. */
void seat_gest_second(struct seat *s)
{
	const struct band_own *o = &s->band.own;
	const uint32_t now[4] = {to_packet_us(s), o->playback_us, o->buffer_us, clock_rtt_us(s)};
	bool news = ++s->told_ago >= LATENCY_AGAIN_S;

	if (s->direct && joincall_state(s->call) == JOINCALL_UP)
		measure_direct(s);
	for (int i = 0; i < 4; i++)
		news |= differs(now[i], s->told[i]) >= LATENCY_LEAST_US;
	if (!s->greeted || !news)
		return;
	if (gestend_sayf(s->gestend, "/tutti/me/latency", "iiii", (int)now[0], (int)now[1], (int)now[2], (int)now[3]))
		return;
	memcpy(s->told, now, sizeof(s->told));
	s->told_ago = 0;
}
