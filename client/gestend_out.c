/*
 * gestend_out.c - what programs and instruments here play, on its way to the room.
 *
 *     oscport  > ours to say? > state kept > rate > a bundle with its moment > player_tell
 *     midiwire > as OSC under /midi/ --^
 *
 * The room takes so many messages a second of one player and drops the rest. So we stay a little below that by the same
 * rule that it has: state waits, the latest value of each address, events are dropped. What is set here is told again
 * to a room that is entered again; notes are not struck again.
 */
#include <errno.h>
#include <string.h>
#include "gestend_priv.h"
#include "midiwire.h"
#include "osc/gestline.h"
#include "osc/kind.h"
#include "osc/midi_merge.h"

/* SHARE: of the agreed rate, in tenths: packets may catch up with each other on the way. FUTURE_S: time tags of
 * programs beyond it are no times. */
enum { SHARE = 9, HELD_A_TURN = 64, MIDI_A_TURN = 256, FUTURE_S = 10, BUNDLE_ROOM = 1400 };

static bool begins(const char *addr, const char *with)
{
	return !strncmp(addr, with, strlen(with));
}

/* --- to the player --- */

/* Past the rate, but counted in it. */
int gestend_out_tell(struct gestend *g, const uint8_t *osc, size_t len, unsigned messages)
{
	if (!g->ready)
		return ENOTCONN;
	for (unsigned i = 0; i < messages; i++)
		(void)bucket_take_rt(&g->rate->bucket, gestend_now(g));
	return player_tell(g->player, osc, len);
}

/* What goes to the house or to one has no moment: a server does not pass it on with one. */
static bool is_timed(const char *addr)
{
	return !begins(addr, "/tutti/") && !begins(addr, "/to/");
}

static void tell(struct gestend *g, const struct osc_msg *msg, uint64_t timetag)
{
	uint8_t buf[BUNDLE_ROOM];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	if (is_timed(msg->addr))
		osc_w_bundle(&w, timetag);
	osc_w_copy(&w, msg, "", 0);
	if (is_timed(msg->addr))
		osc_w_bundle_end(&w);
	if (!osc_w_end(&w, &len))
		(void)player_tell(g->player, buf, len);
}

/* --- state --- */

static void keep(struct gestend *g, const struct osc_msg *msg)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg off;
	struct key *key;
	size_t len;

	if (!is_timed(msg->addr))
		return;
	if (kind_of(NULL, msg) == OSC_STATE)
		(void)osckeys_set_rt(&key, g->keys, msg);         /* beyond its bounds: told, and not told again */
	else if (kind_off_key(buf, &len, msg) && !osc_msg_read(&off, buf, len))
		(void)osckeys_set_rt(&key, g->keys, &off);
}

static void offer(struct gestend *g, const struct osc_msg *msg, uint64_t timetag)
{
	if (!g->ready)
		return;
	switch (oscrate_offer_rt(g->rate, msg, kind_of(NULL, msg), gestend_now(g))) {

	case OSCRATE_SEND:    tell(g, msg, timetag); break;
	case OSCRATE_HELD:    g->n.held++; break;
	case OSCRATE_DROPPED: g->n.dropped++; break;
	}
}

static void say(struct gestend *g, const struct osc_msg *msg, uint64_t timetag)
{
	keep(g, msg);
	offer(g, msg, timetag);
}

static uint64_t timetag_now(const struct gestend *g, uint64_t at_us)
{
	return g->player ? relay_ntp(player_relay(g->player), at_us) : OSC_NOW;
}

void gestend_out_begin(struct gestend *g, const struct gestline_takes *takes)
{
	uint32_t rate = takes->rate * SHARE / 10;
	struct osc_msg msg;

	rate = rate ? rate : 1;
	g->rate = mem_deref(g->rate);
	g->rate_agreed = takes->rate;
	g->max = takes->max < GESTEND_MSG_MAX ? takes->max : GESTEND_MSG_MAX;
	if (oscrate_alloc(&g->rate, rate, 0, 0, rand_u64(), gestend_now(g))) {
		g->ready = false;         /* it is tried again */
		return;
	}
	for (unsigned i = 0; i < osckeys_slots(g->keys); i++) {
		if (osckeys_slot_rt(&msg, g->keys, i) && !kind_is_note(msg.addr, msg.addr_len))
			offer(g, &msg, timetag_now(g, gestend_now(g)));
	}
}

void gestend_out_turn(struct gestend *g, uint64_t now_us)
{
	struct osc_msg msg;

	for (int i = 0; i < HELD_A_TURN && oscrate_next_rt(g->rate, &msg, now_us); i++)
		tell(g, &msg, timetag_now(g, now_us));
}

uint64_t gestend_out_due(const struct gestend *g)
{
	return oscrate_due_rt(g->rate, gestend_now(g));
}

/* --- programs --- */

/* What a program may say: the protocol's own and the names of others are not its business. */
static bool is_ours(const struct gestend *g, const struct osc_msg *msg)
{
	return msg->len <= (g->ready ? g->max : GESTEND_MSG_MAX) && !begins(msg->addr, "/p/") &&
	       !begins(msg->addr, "/_gest/");
}

/* A program's time tags are of this machine's wallclock, as ours are. */
static uint64_t moment(uint64_t timetag, uint64_t now)
{
	const int64_t ahead = (int64_t)(timetag - now);

	return timetag == OSC_NOW || ahead <= 0 || ahead > (int64_t)FUTURE_S << 32 ? now : timetag;
}

static void tell_whole(struct gestend *g, const uint8_t *osc, size_t len, uint64_t timetag, unsigned n)
{
	uint8_t buf[BUNDLE_ROOM];
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	size_t size;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, timetag);
	osc_iter_init(&it, osc, len);
	while (osc_next(&it, &msg)) {
		keep(g, &msg);
		osc_w_copy(&w, &msg, "", 0);
	}
	osc_w_bundle_end(&w);
	if (!osc_w_end(&w, &size))
		(void)gestend_out_tell(g, buf, size, n);
}

/* A bundle in one piece: all of it plain gestures, short enough and within the rate. */
static bool say_whole(struct gestend *g, const uint8_t *osc, size_t len, uint64_t now)
{
	const uint64_t now_us = gestend_now(g);
	uint64_t timetag = OSC_NOW;
	struct osc_iter it;
	struct osc_msg msg;
	unsigned n = 0;

	osc_iter_init(&it, osc, len);
	while (osc_next(&it, &msg)) {
		if (!is_ours(g, &msg) || !is_timed(msg.addr) || (n && it.timetag != timetag))
			return false;
		timetag = it.timetag;
		n++;
	}
	if (n < 2 || !g->ready || len > g->max || g->rate->queue.n)
		return false;
	(void)bucket_due_rt(&g->rate->bucket, now_us);
	if (g->rate->bucket.has < n * UINT64_C(1000000))
		return false;
	tell_whole(g, osc, len, moment(timetag, now), n);
	return true;
}

void gestend_out_osc(const uint8_t *osc, size_t len, void *arg)
{
	struct gestend *g = arg;
	const uint64_t now = timetag_now(g, gestend_now(g));
	struct osc_iter it;
	struct osc_msg msg;

	if (!osc_is_bundle(osc, len) || !say_whole(g, osc, len, now)) {
		osc_iter_init(&it, osc, len);
		while (osc_next(&it, &msg)) {
			if (is_ours(g, &msg))
				say(g, &msg, moment(it.timetag, now));
			else
				g->n.osc_bad++;
		}
	}
	gestend_arm(g);
}

/* --- instruments --- */

static bool read_midi(struct midi_cmd *cmd, const struct midiwire_event *ev)
{
	const int n = midi_data_len(ev->data[0]);

	*cmd = (struct midi_cmd){.status = ev->data[0]};
	if (cmd->status == MIDI_SYSEX) {
		cmd->body = ev->data + 1;
		cmd->len  = ev->len - 1u - (ev->data[ev->len - 1] == MIDI_SYSEX_END);
	} else if (n >= 0 && n <= 2 && ev->len == n + 1) {
		memcpy(cmd->data, ev->data + 1, (size_t)n);
	} else {
		return false;
	}
	return midi_is_valid(cmd);
}

static void say_bytes(struct gestend *g, const uint8_t *osc, size_t len, uint64_t at_us)
{
	struct osc_msg msg;

	if (!osc_msg_read(&msg, osc, len) && is_ours(g, &msg))
		say(g, &msg, timetag_now(g, at_us));
}

static void play_midi(struct gestend *g, const struct midi_cmd *cmd, uint64_t at_us)
{
	const struct bridge_taker room = {.max = GESTEND_MSG_MAX, .sysex_max = GESTEND_SYSEX_MAX};
	uint8_t buf[BRIDGE_OSC_MAX];
	size_t len = sizeof(buf);

	g->n.midi_in++;
	(void)bridge_to_osc_rt(buf, &len, &room, g->midi_in, cmd);
	if (len)
		say_bytes(g, buf, len, at_us);
	for (unsigned i = 0;;) {
		len = sizeof(buf);
		bridge_silenced_rt(buf, &len, &room, g->midi_in, cmd, &i);
		if (!len)
			break;
		say_bytes(g, buf, len, at_us);
	}
	midi_state_apply(g->midi_in, cmd, ++g->midi_no, 0);
}

void gestend_out_midi(struct gestend *g)
{
	struct midiwire_event ev;
	struct midi_cmd cmd;

	for (int i = 0; i < MIDI_A_TURN && midiwire_take(g->conf.midi, &ev); i++) {
		if (ev.len && read_midi(&cmd, &ev))
			play_midi(g, &cmd, ev.at_us);
	}
}
