/*
 * gestend_in.c - what the room plays, on its way to programs and instruments here.
 *
 *     /p/NAME/..   > when? > align > oscport; under /midi/ also midimix > midiwire
 *     /tutti/..    > the clock, the beat; the screen; oscport
 *     /_gest/leave > what NAME holds ends
 *
 * Programs that have been told of a note are told of its end, whatever becomes of who plays it.
 */
#include <string.h>
#include "gestend_priv.h"
#include "osc/gest.h"
#include "osc/kind.h"

/* EARLY_US: so long before its time MIDI goes to the device, which plays it at its time. AHEAD_US: who wants something
 * done that much later means it; less is the error of two clocks. */
enum { EARLY_US = 3000, AHEAD_US = 20000, FAR_US = 10000000, TURN_MAX = 512 };

static bool begins(const char *addr, const char *with)
{
	return !strncmp(addr, with, strlen(with));
}

/* --- programs --- */

static void note_in(struct gestend *g, const struct osc_msg *msg)
{
	struct key *key;

	if (kind_is_held(msg)) {
		(void)osckeys_set_rt(&key, g->notes, msg);
		return;
	}
	key = osckeys_find_rt(g->notes, msg->addr, msg->addr_len);
	if (key)
		osckeys_drop_rt(g->notes, key);
}

static void follow_notes(struct gestend *g, const struct osc_msg *msg)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg off;
	size_t len;

	if (kind_is_note(msg->addr, msg->addr_len))
		note_in(g, msg);
	else if (kind_off_key(buf, &len, msg) && !osc_msg_read(&off, buf, len))
		note_in(g, &off);
}

static void to_programs(struct gestend *g, const struct osc_msg *msg)
{
	if (g->port && !oscport_send(g->port, msg->raw, msg->len))
		follow_notes(g, msg);
}

static void end_note(struct gestend *g, const struct osc_msg *note)
{
	const struct osc_arg zero = {.tag = 'i'};
	uint8_t buf[KIND_OFF_MAX];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, note->addr, &zero, 1);
	if (!osc_w_end(&w, &len))
		(void)oscport_send(g->port, buf, len);
}

/* All below /p/NAME; NULL: all. */
static void end_notes(struct gestend *g, const char *name)
{
	struct osc_msg note;

	for (unsigned i = 0; g->port && i < osckeys_slots(g->notes); i++) {
		if (!osckeys_slot_rt(&note, g->notes, i))
			continue;
		if (name &&
		    (!begins(note.addr, "/p/") || !begins(note.addr + 3, name) || note.addr[3 + strlen(name)] != '/'))
			continue;
		end_note(g, &note);
		osckeys_drop_rt(g->notes, osckeys_find_rt(g->notes, note.addr, note.addr_len));
	}
}

/* --- times --- */

static uint32_t delay_us(const struct gestend *g, const char *name)
{
	return g->conf.align && g->conf.delay_us ? g->conf.delay_us(name, g->conf.arg) : 0;
}

static void count_late(struct gestend *g, uint64_t by_us)
{
	g->n.late++;
	if (by_us > g->n.late_us)
		g->n.late_us = by_us < UINT32_MAX ? (uint32_t)by_us : UINT32_MAX;
}

/* When what NAME played is to be carried out; 0: at once. "Who wants an even rhythm plays an element at its mapped time
 * plus a delay of its own choosing, or at the time tag": what has lost its tag has the time of its packet. */
static uint64_t moment(struct gestend *g, const char *name, const struct player_said *said, uint64_t now_us)
{
	const uint32_t delay = delay_us(g, name);
	const uint64_t at = (said->due_us ? said->due_us : said->played_us) + delay;

	if (!delay && at <= now_us + AHEAD_US)
		return 0;
	if (at > now_us)
		return at < now_us + FAR_US ? at : now_us + FAR_US;
	count_late(g, now_us - at);
	return 0;
}

/* The same message as who plays it says it. */
static struct osc_msg without_name(const struct osc_msg *msg)
{
	const size_t skip = kind_prefix(msg->addr, msg->addr_len);
	struct osc_msg own = *msg;

	own.addr     += skip;
	own.addr_len -= skip;
	return own;
}

static void carry_out(struct gestend *g, enum align_what what, const char *name, const struct osc_msg *msg,
		      uint64_t at_us)
{
	const struct osc_msg own = without_name(msg);

	if (what == ALIGN_OSC)
		to_programs(g, msg);
	else
		midimix_play(g->mix, name, &own, at_us);
}

static void do_at(struct gestend *g, enum align_what what, const char *name, const struct osc_msg *msg, uint64_t at_us,
		  uint64_t now_us)
{
	const uint32_t early = what == ALIGN_MIDI ? EARLY_US : 0;

	if (!at_us)
		at_us = now_us;
	if (at_us <= now_us + early && !align_waits(g->align, what, name, msg))
		carry_out(g, what, name, msg, at_us);
	else
		(void)align_put(g->align, what, name, msg, at_us, early);
}

/* --- what comes --- */

/* NAME of /p/NAME/.., "" where there is none. */
static void read_name(char name[VIEW_NAME_MAX + 1], const struct osc_msg *msg)
{
	const size_t skip = kind_prefix(msg->addr, msg->addr_len), n = skip > 3 ? skip - 3 : 0;

	memcpy(name, msg->addr + 3 * (n > 0), n <= VIEW_NAME_MAX ? n : 0);
	name[n <= VIEW_NAME_MAX ? n : 0] = '\0';
}

static void played(struct gestend *g, const struct osc_msg *msg, const struct player_said *said, uint64_t now_us)
{
	const struct osc_msg own = without_name(msg);
	char name[VIEW_NAME_MAX + 1];
	uint64_t at;

	read_name(name, msg);
	at = moment(g, name, said, now_us);
	if (g->conf.househ && !strcmp(own.addr, "/text"))
		g->conf.househ(msg, g->conf.arg);
	if (g->mix && begins(own.addr, "/midi/"))
		do_at(g, ALIGN_MIDI, name, msg, at, now_us);
	if (g->port)
		do_at(g, ALIGN_OSC, name, msg, at, now_us);
}

static void read_ints(int32_t *v, unsigned n, const struct osc_msg *msg)
{
	struct osc_arg a;
	struct osc_args it;

	osc_args_init(&it, msg);
	for (unsigned i = 0; i < n; i++)
		v[i] = osc_arg_next(&it, &a) && a.tag == 'i' ? a.v.i : -1;
}

/* A beat whose message was lost and is told again was some time ago, and nobody knows when. */
static void beat(struct gestend *g, const struct osc_msg *msg, const struct player_said *said, uint64_t now_us)
{
	const uint64_t at = said->due_us ? said->due_us : now_us;
	int32_t v[3];

	read_ints(v, 3, msg);
	if (!said->repaired && v[1] >= 0 && v[2] > 0)
		clockout_beat(&g->beat, at + delay_us(g, ""), v[0], (uint32_t)v[1], (uint32_t)v[2], now_us);
}

static void follow_beat(struct gestend *g, const struct osc_msg *msg, const struct player_said *said, uint64_t now_us)
{
	int32_t v;

	if (!g->beat.wire)
		return;
	read_ints(&v, 1, msg);
	if (!strcmp(msg->addr, "/tutti/beat"))
		beat(g, msg, said, now_us);
	else if (!strcmp(msg->addr, "/tutti/tempo/bar") && v > 0)
		clockout_bar(&g->beat, (unsigned)v);
	else if (!strcmp(msg->addr, "/tutti/transport") && !v)
		clockout_stop(&g->beat, now_us);
}

static void house(struct gestend *g, const struct osc_msg *msg, const struct player_said *said, uint64_t now_us)
{
	if (roomclock_hear(&g->clock, msg, said->at_us ? said->at_us : now_us))
		return;
	follow_beat(g, msg, said, now_us);
	if (g->conf.househ)
		g->conf.househ(msg, g->conf.arg);
	to_programs(g, msg);
}

static void leaves(struct gestend *g, const char *name, uint64_t now_us)
{
	align_drop(g->align, name);
	end_notes(g, name);
	if (g->mix)
		midimix_leave(g->mix, name, now_us);
}

void gestend_in_hear(struct gestend *g, const struct osc_msg *msg, const struct player_said *said)
{
	uint64_t now_us = gestend_now(g);
	struct gest gest;

	if (said->at_us > now_us)
		now_us = said->at_us;
	if (begins(msg->addr, "/_gest/")) {
		gest_read(&gest, msg);
		if (gest.kind == GEST_LEAVE)
			leaves(g, gest.name, now_us);
	} else if (begins(msg->addr, "/tutti/")) {
		house(g, msg, said, now_us);
	} else {
		played(g, msg, said, now_us);
	}
}

void gestend_in_turn(struct gestend *g, uint64_t now_us)
{
	const struct align_item *item;

	for (int i = 0; i < TURN_MAX && (item = align_take(g->align, now_us)) != NULL; i++)
		carry_out(g, item->what, item->from, &item->msg, item->due_us);
	clockout_turn(&g->beat, now_us);
}

void gestend_in_end(struct gestend *g)
{
	leaves(g, NULL, gestend_now(g));
	clockout_stop(&g->beat, gestend_now(g));
}
