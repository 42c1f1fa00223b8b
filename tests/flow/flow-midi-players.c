/*
 * flow-midi-players.c - several players, several receivers of RTP MIDI over bad links: one that takes a merged stream, one that takes
 * a stream of each, one with journals for ever, one whose channels are spread. Players come and go, receivers are on hold and come late.
 *
 *      players > midi_leg > packets > link (loss, doubles, other order) > midi_repair > what would sound
 *                    ^--------------------- reports (lost as often) ---------'
 *
 * After each quiet second a receiver holds just the notes that players hold, and its controllers are those last set. All is seeded.
 */
#include <string.h>
#include <glib.h>
#include <re.h>

#include "osc/midi_leg.h"
#include "osc/midi_repair.h"
#include "tests/lib/rtguard.h"

enum {
	PLAYERS = 5, RECEIVERS = 5, CHANNELS = 2, NOTES = 6, FIRST = 60, CCS = 6, IN_FLIGHT = 256,
	QUIET_US = 1200 * 1000, REPORT_US = 250 * 1000, RATE = 48000, NOBODY = 99,
};

static const uint8_t ccs[CCS] = {1, 7, 10, 64, 66, 69};

struct part {                     /* what a player does on a channel */
	bool held[NOTES];
	int  cc[CCS], program, bend;
};

struct player {
	bool here;
	uint32_t id;
	struct midi_state state;
	struct part part[CHANNELS];
};

struct flying {
	bool     there;
	uint64_t at_us;
	unsigned stream, run;
	uint16_t seq;
	uint32_t ts;
	size_t   len;
	uint8_t  payload[MIDI_LEG_MAX];
};

/* One stream as it is heard. */
struct ear {
	struct midi_repair *repair;
	unsigned run;             /* counts the streams there have been in this place: an SSRC each */
	uint32_t id, ts;
	int      sounding[CHANNELS + MIDI_CHANNELS][MIDI_KEYS];
};

struct receiver {
	struct world *w;
	struct midi_leg_conf conf;
	struct midi_leg *leg;
	bool     here, held;
	struct ear ear[MIDI_LEG_STREAMS];
	struct flying flying[IN_FLIGHT];
	uint64_t report_us;
};

struct world {
	GRand   *rand;
	double   loss;
	uint64_t now_us, packets, compared;
	unsigned allocations;     /* in functions that must not */
	uint32_t ids, seq;
	struct player player[PLAYERS];
	struct receiver receiver[RECEIVERS];
	unsigned writer[CHANNELS][CCS + 2];        /* who set it last; NOBODY: one who has gone */
};

#define RT(w, call) do { rtguard_begin(); call; (w)->allocations += rtguard_end(); } while (0)

static unsigned upto(struct world *w, unsigned n)
{
	return (unsigned)g_rand_int_range(w->rand, 0, (gint32)n);
}

static bool chance(struct world *w, double p)
{
	return g_rand_double(w->rand) < p;
}

/* ---- a receiver ---- */

static void hears(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct ear *e = arg;
	int *n = &e->sounding[cmd->status & 0x0f][cmd->data[0] & 0x7f];

	(void)repair;
	g_assert_true(midi_is_valid(cmd) || cmd->part == MIDI_MIDDLE);
	if (midi_is_note_off(cmd))
		*n -= *n > 0;
	else if ((cmd->status & 0xf0) == MIDI_NOTE_ON)
		*n += *n < 127;
	else if ((cmd->status & 0xf0) == MIDI_CC && cmd->data[0] == CC_NOTES_OFF)
		memset(e->sounding[cmd->status & 0x0f], 0, sizeof(e->sounding[0]));
}

static void ear_open(struct ear *e, uint32_t id)
{
	mem_deref(e->repair);
	e->repair = NULL;
	e->id = id;
	e->run++;
	memset(e->sounding, 0, sizeof(e->sounding));
	g_assert_cmpint(midi_repair_alloc(&e->repair, hears, e), ==, 0);
}

static void on_begin(unsigned stream, uint32_t id, bool again, void *arg)
{
	struct receiver *r = arg;

	r->w->allocations += rtguard_end();       /* who receives may */
	if (!again)
		ear_open(&r->ear[stream], id);
	rtguard_begin();
}

static void on_end(unsigned stream, void *arg)
{
	struct receiver *r = arg;

	r->w->allocations += rtguard_end();
	ear_open(&r->ear[stream], 0);             /* the BYE comes at once; what is on its way is of no stream */
	rtguard_begin();
}

static void on_send(const struct midi_leg_packet *p, void *arg)
{
	struct receiver *r = arg;
	struct world *w = r->w;
	const unsigned copies = chance(w, w->loss) ? 0 : chance(w, 0.05) ? 2 : 1;
	struct ear *e = &r->ear[p->stream];

	g_assert_false(r->held);                  /* "pauses delivery" */
	g_assert_cmpint((int32_t)(p->ts - e->ts), >=, e->ts ? 0 : INT32_MIN);
	e->ts = p->ts;
	w->packets++;
	for (unsigned n = 0; n < copies; n++) {
		unsigned i = 0;

		while (i < IN_FLIGHT && r->flying[i].there)
			i++;
		g_assert_cmpuint(i, <, IN_FLIGHT);
		r->flying[i] = (struct flying){.there = true, .at_us = w->now_us + 5000 + (chance(w, 0.1) ? upto(w, 40000) : 0),
			.stream = p->stream, .run = e->run, .seq = p->seq, .ts = p->ts, .len = p->len};
		memcpy(r->flying[i].payload, p->payload, p->len);
	}
}

static const struct midi_leg_ops ops = {.send_rt = on_send, .begin_rt = on_begin, .end_rt = on_end};

static void player_joins(struct receiver *r, const struct player *p)
{
	int err;

	RT(r->w, err = midi_leg_join_rt(r->leg, p->id, &p->state, r->w->now_us));
	g_assert_cmpint(err, ==, 0);
}

static void receiver_join_all(struct receiver *r)
{
	for (unsigned i = 0; i < PLAYERS; i++)
		if (r->w->player[i].here)
			player_joins(r, &r->w->player[i]);
}

static void receiver_come(struct receiver *r)
{
	g_assert_cmpint(midi_leg_alloc(&r->leg, &r->conf, &ops, r), ==, 0);
	memset(r->flying, 0, sizeof(r->flying));
	r->here = true;
	if (r->conf.sources == 1)
		ear_open(&r->ear[0], 0);
	receiver_join_all(r);
}

static void receiver_go(struct receiver *r)
{
	r->leg = mem_deref(r->leg);
	for (unsigned i = 0; i < MIDI_LEG_STREAMS; i++) {
		r->ear[i].repair = mem_deref(r->ear[i].repair);
		r->ear[i].ts = 0;
	}
	r->here = r->held = false;
}

static void arrivals(struct receiver *r)
{
	for (;;) {
		struct flying *next = NULL;
		struct ear *e;

		for (unsigned i = 0; i < IN_FLIGHT; i++)
			if (r->flying[i].there && r->flying[i].at_us <= r->w->now_us && (!next || r->flying[i].at_us < next->at_us))
				next = &r->flying[i];
		if (!next)
			return;
		e = &r->ear[next->stream];
		next->there = false;
		if (next->run == e->run)
			midi_repair_packet(e->repair, next->seq, next->ts, next->payload, next->len);
		g_assert_cmpuint(midi_repair_stats(e->repair)->bad, ==, 0);
	}
}

static void reports(struct receiver *r)
{
	if (r->w->now_us < r->report_us)
		return;
	r->report_us = r->w->now_us + REPORT_US;
	for (unsigned i = 0; i < MIDI_LEG_STREAMS; i++)
		if (r->ear[i].repair && midi_repair_highest(r->ear[i].repair) && !chance(r->w, r->w->loss))
			RT(r->w, midi_leg_report_rt(r->leg, i, midi_repair_highest(r->ear[i].repair)));
}

static void step(struct world *w, uint64_t us)
{
	w->now_us += us;
	for (unsigned i = 0; i < RECEIVERS; i++) {
		struct receiver *r = &w->receiver[i];

		if (!r->here)
			continue;
		arrivals(r);
		reports(r);
		if (!r->held && midi_leg_due_rt(r->leg) <= w->now_us)
			RT(w, midi_leg_tick_rt(r->leg, w->now_us));
	}
}

/* ---- players ---- */

static void play(struct world *w, struct player *p, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);
	const struct midi_leg_cmd c = {.id = p->id, .cmd = &cmd, .at_us = w->now_us, .clock = p->id % 2 ? 44100 : 0,
		.ts = (uint32_t)(w->now_us * 441 / 10000)};

	midi_state_apply(&p->state, &cmd, ++w->seq, 0);
	for (unsigned i = 0; i < RECEIVERS; i++)
		if (w->receiver[i].here && !w->receiver[i].held)
			RT(w, midi_leg_put_rt(w->receiver[i].leg, &c, w->now_us));
}

static void flush(struct world *w)
{
	for (unsigned i = 0; i < RECEIVERS; i++)
		if (w->receiver[i].here && !w->receiver[i].held)
			RT(w, midi_leg_flush_rt(w->receiver[i].leg, w->now_us));
}

static void player_come(struct world *w, struct player *p)
{
	memset(p->part, 0, sizeof(p->part));
	midi_state_init(&p->state);
	p->here = true;
	p->id = ++w->ids;
	for (unsigned i = 0; i < RECEIVERS; i++)
		if (w->receiver[i].here && !w->receiver[i].held)
			player_joins(&w->receiver[i], p);
}

static void player_go(struct world *w, struct player *p)
{
	for (unsigned c = 0; c < CHANNELS; c++)
		for (unsigned k = 0; k < CCS + 2; k++)
			if (w->writer[c][k] == (unsigned)(p - w->player))
				w->writer[c][k] = NOBODY;
	for (unsigned i = 0; i < RECEIVERS; i++)
		if (w->receiver[i].here && !w->receiver[i].held)
			RT(w, midi_leg_leave_rt(w->receiver[i].leg, p->id, w->now_us));
	p->here = false;
	memset(p->part, 0, sizeof(p->part));
}

static void play_something(struct world *w, struct player *p)
{
	const unsigned c = upto(w, CHANNELS), n = upto(w, NOTES), what = upto(w, 100), v = upto(w, 128), k = upto(w, CCS);
	const unsigned me = (unsigned)(p - w->player);
	struct part *part = &p->part[c];

	if (what < 60) {
		part->held[n] = chance(w, 0.5);
		play(w, p, (part->held[n] ? MIDI_NOTE_ON : MIDI_NOTE_OFF) | c, FIRST + n, part->held[n] ? 1 + v / 2 : v);
	} else if (what < 85) {
		part->cc[k] = (int)v;
		w->writer[c][k] = me;
		play(w, p, MIDI_CC | c, ccs[k], v);
	} else if (what < 90) {
		part->program = (int)v;
		w->writer[c][CCS] = me;
		play(w, p, MIDI_PROGRAM | c, v, 0);
	} else if (what < 97) {
		part->bend = (int)v << 7;
		w->writer[c][CCS + 1] = me;
		play(w, p, MIDI_BEND | c, 0, v);
	} else if (what < 98) {
		memset(part->held, 0, sizeof(part->held));
		play(w, p, MIDI_CC | c, CC_NOTES_OFF, 0);
	} else {
		play(w, p, what == 98 ? MIDI_SENSE : MIDI_TUNE, 0, 0);
	}
}

/* ---- what must hold ---- */

static void compare_note(const struct ear *e, unsigned chan, unsigned n, bool held, bool exact)
{
	const struct midi_note *note = &midi_repair_state(e->repair)->chan[chan].note[FIRST + n];

	g_assert_cmpint(e->sounding[chan][FIRST + n] > 0, <=, held);
	if (exact)
		g_assert_cmpint(note->count > 0, ==, held);
}

static void compare_merged(struct world *w, const struct receiver *r)
{
	const struct midi_state *st = midi_repair_state(r->ear[0].repair);

	for (unsigned c = 0; c < CHANNELS; c++) {
		const struct midi_chan *chan = &st->chan[c];

		for (unsigned n = 0; n < NOTES; n++) {
			bool held = false;

			for (unsigned i = 0; i < PLAYERS; i++)
				held |= w->player[i].part[c].held[n];
			compare_note(&r->ear[0], c, n, held, r->conf.policy == MIDI_CLOSED_LOOP);
		}
		for (unsigned k = 0; k < CCS; k++) {
			bool down = false;

			for (unsigned i = 0; i < PLAYERS; i++)
				down |= w->player[i].part[c].cc[k] >= 64;
			if (ccs[k] >= 64)
				g_assert_cmpint(chan->cc[ccs[k]].value >= 64, ==, down);
			else if (w->writer[c][k] < PLAYERS)
				g_assert_cmpint(chan->cc[ccs[k]].value, ==, w->player[w->writer[c][k]].part[c].cc[k]);
		}
		if (w->writer[c][CCS] < PLAYERS)
			g_assert_cmpint(chan->program.program, ==, w->player[w->writer[c][CCS]].part[c].program);
		if (w->writer[c][CCS + 1] < PLAYERS)
			g_assert_cmpint(chan->bend.value, ==, w->player[w->writer[c][CCS + 1]].part[c].bend);
	}
}

static void compare_apart(const struct player *p, const struct ear *e, bool exact)
{
	const struct midi_state *st = midi_repair_state(e->repair);

	for (unsigned c = 0; c < CHANNELS; c++) {
		for (unsigned n = 0; n < NOTES; n++)
			compare_note(e, c, n, p->state.chan[c].note[FIRST + n].count > 0, exact);       /* struck twice, let go once */
		for (unsigned k = 0; k < CCS; k++)
			g_assert_cmpint(st->chan[c].cc[ccs[k]].value, ==, p->part[c].cc[k]);
		g_assert_cmpint(st->chan[c].program.program, ==, p->part[c].program);
		if (p->state.chan[c].bend.seq)
			g_assert_cmpint(st->chan[c].bend.value, ==, p->part[c].bend);
	}
}

/* In the order of their coming channel by channel; a place that is left is taken again. */
static void compare_spread(struct world *w, const struct receiver *r)
{
	unsigned want = 0, got = 0;

	for (unsigned i = 0; i < PLAYERS; i++)
		for (unsigned n = 0; n < NOTES; n++)
			want += w->player[i].part[0].held[n] || w->player[i].part[1].held[n];
	for (unsigned c = 0; c < MIDI_CHANNELS; c++)
		for (unsigned n = 0; n < NOTES; n++)
			got += midi_repair_state(r->ear[0].repair)->chan[c].note[FIRST + n].count > 0;
	g_assert_cmpuint(got, ==, want);
}

static void compare(struct world *w, const struct receiver *r)
{
	if (!r->here || r->held)
		return;
	w->compared++;
	if (r->conf.spread)
		compare_spread(w, r);
	else if (r->conf.sources == 1)
		compare_merged(w, r);
	for (unsigned i = 0; r->conf.sources > 1 && i < PLAYERS; i++) {
		unsigned k = 0;

		if (!w->player[i].here)
			continue;
		while (k < MIDI_LEG_STREAMS && r->ear[k].id != w->player[i].id)
			k++;
		g_assert_cmpuint(k, <, MIDI_LEG_STREAMS);
		compare_apart(&w->player[i], &r->ear[k], r->conf.policy == MIDI_CLOSED_LOOP);
	}
}

static void quiet_second(struct world *w)
{
	for (uint64_t end_us = w->now_us + QUIET_US; w->now_us < end_us;)
		step(w, 5000);
	for (unsigned i = 0; i < RECEIVERS; i++)
		compare(w, &w->receiver[i]);
}

/* ---- the course of things ---- */

static void hold(struct receiver *r)
{
	if (r->held) {
		r->held = false;
		RT(r->w, midi_leg_resume_rt(r->leg));
		receiver_join_all(r);
	} else {
		RT(r->w, midi_leg_flush_rt(r->leg, r->w->now_us));
		RT(r->w, midi_leg_pause_rt(r->leg));
		r->held = true;
	}
}

static void come_and_go(struct world *w)
{
	struct receiver *r = &w->receiver[upto(w, RECEIVERS)];
	struct player *p = &w->player[upto(w, PLAYERS)];

	switch (upto(w, 6)) {
	case 0:
		if (r->here)
			receiver_go(r);
		else
			receiver_come(r);
		break;
	case 1:
		if (r->here)
			hold(r);
		break;
	case 2:
	case 3:
		if (p->here)
			player_go(w, p);
		break;
	default:
		if (!p->here)
			player_come(w, p);
	}
}

static void burst(struct world *w)
{
	for (unsigned n = 20 + upto(w, 100); n; n--) {
		for (unsigned k = 1 + upto(w, 4); k; k--) {
			struct player *p = &w->player[upto(w, PLAYERS)];

			if (p->here)
				play_something(w, p);
		}
		flush(w);
		step(w, 1000 + upto(w, 20000));
		if (chance(w, 0.02))
			come_and_go(w);
	}
}

static void world_open(struct world *w, guint32 seed, double loss)
{
	static const struct midi_leg_conf conf = {.sources = 1, .rate = RATE, .max = 1200, .guard_us = 100 * 1000, .sysex_max = 256};

	memset(w, 0, sizeof(*w));
	w->rand = g_rand_new_with_seed(seed);
	w->loss = loss;
	w->now_us = 1000 * 1000;
	for (unsigned c = 0; c < CHANNELS; c++)
		for (unsigned k = 0; k < CCS + 2; k++)
			w->writer[c][k] = NOBODY;
	for (unsigned i = 0; i < RECEIVERS; i++) {
		w->receiver[i].w = w;
		w->receiver[i].conf = conf;
	}
	w->receiver[1].conf.sources = 8;
	w->receiver[2].conf.policy = MIDI_ANCHOR;
	w->receiver[3].conf.spread = true;
	w->receiver[4].conf.sources = 9999;
	w->receiver[4].conf.policy = MIDI_ANCHOR;
	for (unsigned i = 0; i < 3; i++)
		player_come(w, &w->player[i]);
	for (unsigned i = 0; i < RECEIVERS; i++)
		receiver_come(&w->receiver[i]);
}

static void world_close(struct world *w)
{
	for (unsigned i = 0; i < RECEIVERS; i++)
		receiver_go(&w->receiver[i]);
	g_rand_free(w->rand);
}

static void everybody_goes(struct world *w)
{
	for (unsigned i = 0; i < PLAYERS; i++)
		if (w->player[i].here)
			player_go(w, &w->player[i]);
	quiet_second(w);
	for (unsigned i = 0; i < RECEIVERS; i++)
		for (unsigned k = 0; k < MIDI_LEG_STREAMS; k++)
			for (unsigned c = 0; w->receiver[i].ear[k].repair && !w->receiver[i].held && c < MIDI_CHANNELS; c++)
				for (unsigned n = 0; n < MIDI_KEYS; n++)
					g_assert_cmpint(w->receiver[i].ear[k].sounding[c][n], ==, 0);
}

static void links(void)
{
	static const double losses[] = {0, 0.05, 0.15, 0.3};
	static struct world w;
	uint64_t packets = 0, compared = 0;

	for (guint32 seed = 1; seed <= 12; seed++) {
		world_open(&w, seed, losses[seed % G_N_ELEMENTS(losses)]);
		for (unsigned n = 0; n < 25; n++) {
			burst(&w);
			quiet_second(&w);
		}
		everybody_goes(&w);
		g_assert_cmpuint(w.allocations, ==, 0);
		packets += w.packets;
		compared += w.compared;
		world_close(&w);
	}
	g_assert_cmpuint(compared, >, 500);
	g_test_message("%" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " receivers compared", packets, compared);
}

/* "note-offs for every sounding note [..] then RTCP BYE of the SSRC on per-source legs": twice, as nothing is repaired after a BYE. */
static void last_words(void)
{
	static struct world w;
	uint64_t before;

	world_open(&w, 1, 0);
	step(&w, 200000);
	play(&w, &w.player[0], MIDI_NOTE_ON, FIRST, 100);
	flush(&w);
	for (unsigned i = 0; i < 20; i++)
		step(&w, 50000);
	for (unsigned i = 0; i < RECEIVERS; i++)
		if (i != 1)
			receiver_go(&w.receiver[i]);
	before = w.packets;
	player_go(&w, &w.player[0]);
	g_assert_cmpuint(w.packets - before, ==, 2);
	g_assert_false(midi_leg_has(w.receiver[1].leg, w.player[0].id));
	world_close(&w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midi-players/links", links);
	g_test_add_func("/midi-players/last-words", last_words);
	return g_test_run();
}
