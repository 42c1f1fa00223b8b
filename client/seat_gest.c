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

enum { LATENCY_AGAIN_S = 20 };

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

static void own_latency(struct latency *l, const struct seat *s, const struct leg_stats *stats)
{
	const struct band_own *o = &s->band.own;

	latency_of(l, o->capture_us, o->playback_us, stats, s->gestend ? sharedclock_rtt_us(gestend_clock(s->gestend)) : 0);
}

/* Half of it is what we have told, and somebody has told us again: up to two seconds old, while the buffer moves. */
static uint32_t path_us(const struct seat *s, const struct band_path *p)
{
	const struct leg *leg = joincall_leg(s->call);
	struct leg_stats stats;
	struct latency now;

	if (!p->total || !leg)
		return p->total;
	leg_stats(leg, &stats);
	own_latency(&now, s, &stats);
	return latency_live(p->total, (s->direct ? p->buffer : 0) + p->playback, &now);
}

static uint32_t delay_us(const char *name, void *arg)
{
	struct seat *s = arg;
	const struct band_own *o = &s->band.own;
	const struct band_member *m = s->direct ? &s->band.member[0] : band_find(&s->band, name);

	if (m)
		return s->direct && !s->band.n ? 0 : path_us(s, &m->to_me);
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
	memset(&s->told, 0, sizeof(s->told));
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

/* Without a server nobody else adds up how late we hear the other. */
static void measure_direct(struct seat *s, const struct latency *ours)
{
	const struct direct_near near = {
		.heard = s->has_last && s->last.rx_packets, .frame = s->last.rx_frame_us,
		.rtt = ours->rtt_us ? ours->rtt_us : s->band.own.rtt_us, .buffer = ours->buffer_us, .playback = ours->playback_us,
	};

	if (direct_measure(&s->band, &near))
		seat_tell(s);
}

/* What the server cannot see of the way between our mouth and its ear, and the way as the clock's exchanges measure it, which
 * the server believes for a minute. */
static void gest_figures(struct seat *s)
{
	struct midiwire_stats wire = {0};
	struct gestend_stats st;

	gestend_stats(s->gestend, &st);
	if (s->midi)
		midiwire_stats(s->midi, &wire);
	s->band.own.gest = (struct band_gest){
		.osc_in = st.osc_in, .osc_out = st.osc_out, .osc_bad = st.osc_bad, .midi_in = st.midi_in, .midi_out = st.midi_out,
		.midi_lost = wire.dropped, .held = st.held, .dropped = st.dropped, .late = st.late, .late_us = st.late_us,
	};
}

void seat_gest_second(struct seat *s)
{
	struct latency now;

	if (s->gestend)
		gest_figures(s);
	own_latency(&now, s, &s->last);
	if (s->direct && joincall_state(s->call) == JOINCALL_UP)
		measure_direct(s, &now);
	if (!s->greeted || (++s->told_ago < LATENCY_AGAIN_S && !latency_differs(&now, &s->told)))
		return;
	if (gestend_sayf(s->gestend, LATENCY_ADDR, "iiii", (int)now.capture_us, (int)now.playback_us, (int)now.buffer_us, (int)now.rtt_us))
		return;
	s->told = now;
	s->told_ago = 0;
}
