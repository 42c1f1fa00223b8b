/*
 * flow-midi-loss.c - players over bad links: after each quiet second the instrument at the far end is in the state of the one
 * that is played, whatever was lost, doubled or late.
 *
 *      player > put > midi_sender > packet > link (loss, doubles, other order) > midi_repair > instrument
 *                          ^------------------ reports (lost as often) -------------'
 *
 * The two instruments here know nothing of journals: what they compare is what a synthesizer would have done. All is seeded.
 */
#include <string.h>
#include <time.h>
#include <glib.h>
#include <re.h>

#include "osc/midi_repair.h"
#include "osc/midi_sender.h"

enum {
	CHANNELS = 3, PARAM_NUMS = 4, IN_FLIGHT = 32, PAYLOAD = 4000, MTU = 1400,
	QUIET_US = 1000 * 1000, GUARD_US = 100 * 1000, REPORT_US = 250 * 1000,
	SYSEX_LOG = 1 << 14,
};

/* ---- an instrument ---- */

struct part {
	unsigned note[128];
	int cc[120], poly[128], program, bend, pressure;
	int param[2][16384], button[2][16384];   /* steps since the last data entry: the journal forgets older ones */
	int msb[2];
	bool open, pending, nrpn;
	int num;
};

struct instrument {
	struct part part[CHANNELS];
	int song;
	bool running, played;
	unsigned position;
	uint8_t partial[8192];
	size_t n_partial;
	bool open;
	guint sysex[SYSEX_LOG];
	size_t n_sysex;
};

static void part_notes_off(struct part *p)
{
	memset(p->note, 0, sizeof(p->note));
	p->pressure = 0;
}

static void part_init(struct part *p)
{
	memset(p, 0, sizeof(*p));
	p->bend = 8192;
	p->cc[11] = 127;
}

static void instrument_reset(struct instrument *in)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		part_init(&in->part[i]);
	in->song = 0;
	in->running = in->played = false;
	in->position = 0;
}

static void part_reset_controls(struct part *p)
{
	p->cc[1] = p->cc[64] = p->cc[65] = p->cc[66] = p->cc[67] = 0;
	p->cc[11] = 127;
	p->bend = 8192;
	p->pressure = 0;
	memset(p->poly, 0, sizeof(p->poly));
	p->open = p->pending = false;
	p->msb[0] = p->msb[1] = 0;
}

static void part_select(struct part *p, int num)
{
	p->pending = false;
	p->num = num;
	p->open = num != 0x3fff;
}

/* True when the command was one for a parameter. */
static bool part_param(struct part *p, int num, int value)
{
	int *v, *button;

	if (num == 99 || num == 101) {
		p->nrpn = num == 99;
		p->msb[p->nrpn] = value;
		p->pending = true;
		p->open = false;
		return true;
	}
	if (num == 98 || num == 100) {
		p->nrpn = num == 98;
		part_select(p, p->msb[p->nrpn] << 7 | value);
		return true;
	}
	if (num != 6 && num != 38 && num != 96 && num != 97)
		return false;
	if (p->pending)
		part_select(p, p->msb[p->nrpn] << 7);
	if (!p->open)
		return false;
	v = &p->param[p->nrpn][p->num];
	button = &p->button[p->nrpn][p->num];
	*v = num == 6 ? value << 7 : num == 38 ? (*v & ~0x7f) | value : *v;
	*button = num == 6 || num == 38 ? 0 : *button + (num == 96 ? 1 : -1);
	return true;
}

static void part_control(struct part *p, int num, int value)
{
	if (part_param(p, num, value))
		return;
	if (num == 121)
		part_reset_controls(p);
	else if (num >= 120 && num != 122)
		part_notes_off(p);
	else if (num < 120)
		p->cc[num] = value;
}

static void part_play(struct part *p, const struct midi_cmd *cmd)
{
	const int a = cmd->data[0], b = cmd->data[1];

	switch (cmd->status & 0xf0) {
	case MIDI_NOTE_OFF: p->note[a] -= p->note[a] > 0; break;
	case MIDI_NOTE_ON:
		if (b)
			p->note[a] += p->note[a] < 127;
		else
			p->note[a] -= p->note[a] > 0;
		break;
	case MIDI_POLY:     p->poly[a] = b; break;
	case MIDI_CC:       part_control(p, a, b); break;
	case MIDI_PROGRAM:  p->program = a; break;
	case MIDI_PRESSURE: p->pressure = a; break;
	default:            p->bend = a | b << 7;
	}
}

static guint hash_of(const uint8_t *data, size_t n)
{
	guint h = 2166136261u;

	while (n--)
		h = (h ^ *data++) * 16777619u;
	return h;
}

static void sysex_done(struct instrument *in)
{
	in->open = false;
	if (midi_is_reset_sysex(in->partial, in->n_partial))
		instrument_reset(in);
	if (!midi_is_full_frame(in->partial, in->n_partial))
		in->sysex[in->n_sysex++ % SYSEX_LOG] = hash_of(in->partial, in->n_partial);
}

static void sysex_play(struct instrument *in, const struct midi_cmd *cmd)
{
	if (cmd->part == MIDI_WHOLE || cmd->part == MIDI_FIRST) {
		g_assert_false(in->open);
		in->n_partial = 0;
		in->open = true;
	}
	g_assert_true(in->open);
	g_assert_cmpuint(in->n_partial + cmd->len, <=, sizeof(in->partial));
	if (cmd->len)
		memcpy(in->partial + in->n_partial, cmd->body, cmd->len);
	in->n_partial += cmd->len;
	if (cmd->part == MIDI_CANCEL)
		in->open = false;
	else if (cmd->part == MIDI_WHOLE || cmd->part == MIDI_LAST)
		sysex_done(in);
}

static void instrument_play(struct instrument *in, const struct midi_cmd *cmd)
{
	if (midi_is_channel(cmd->status)) {
		g_assert_cmpuint(cmd->status & 0x0f, <, CHANNELS);
		part_play(&in->part[cmd->status & 0x0f], cmd);
		return;
	}
	switch (cmd->status) {
	case MIDI_SYSEX:    sysex_play(in, cmd); break;
	case MIDI_RESET:    instrument_reset(in); in->open = false; break;
	case MIDI_SONG:     in->song = cmd->data[0]; break;
	case MIDI_START:    in->position = 0; in->played = false; in->running = true; break;
	case MIDI_CONTINUE: in->running = true; break;
	case MIDI_STOP:     in->running = false; break;
	case MIDI_POSITION: in->position = 6u * (cmd->data[0] | (unsigned)cmd->data[1] << 7); in->played = false; break;
	case MIDI_CLOCK:
		if (in->running) {
			in->position += in->played;
			in->played = true;
		}
	}
}

/* ---- the world ---- */

struct flying {
	bool     there;
	uint64_t at_us;
	uint16_t seq;
	uint32_t ts;
	size_t   len;
	uint8_t  payload[PAYLOAD];
};

struct world {
	GRand *rand;
	double loss, doubled, swapped;
	bool resets;
	bool sysex_lost;              /* SysEx of the time without reports is not made good, and so no GM System On */
	struct midi_sender *sender;
	struct midi_repair *repair;
	struct instrument near, far;
	struct flying flying[IN_FLIGHT];
	uint64_t now_us, report_us;
	struct midi_cmd put[64];
	uint8_t body[64][256];
	unsigned n_put;
	unsigned sysex_left;
	uint64_t packets;
};

static unsigned upto(struct world *w, unsigned n)
{
	return (unsigned)g_rand_int_range(w->rand, 0, (gint32)n);
}

static bool chance(struct world *w, double p)
{
	return g_rand_double(w->rand) < p;
}

static void far_plays(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct world *w = arg;

	g_assert_true(midi_is_valid(cmd) || (cmd->status == MIDI_SYSEX && cmd->part == MIDI_MIDDLE));
	instrument_play(&w->far, cmd);
}

static void world_open(struct world *w, guint32 seed, const struct midi_sender_conf *conf)
{
	w->rand = g_rand_new_with_seed(seed);
	instrument_reset(&w->near);
	instrument_reset(&w->far);
	g_assert_cmpint(midi_sender_alloc(&w->sender, conf, NULL), ==, 0);
	g_assert_cmpint(midi_repair_alloc(&w->repair, far_plays, w), ==, 0);
}

static void world_close(struct world *w)
{
	mem_deref(w->sender);
	mem_deref(w->repair);
	g_rand_free(w->rand);
	g_free(w);
}

static bool put_cmd(struct world *w, const struct midi_cmd *cmd)
{
	if (w->n_put == G_N_ELEMENTS(w->put) || midi_sender_put(w->sender, cmd))
		return false;
	w->put[w->n_put] = *cmd;
	if (cmd->len) {
		memcpy(w->body[w->n_put], cmd->body, cmd->len);
		w->put[w->n_put].body = w->body[w->n_put];
	}
	w->n_put++;
	return true;
}

static void put(struct world *w, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);

	put_cmd(w, &cmd);
}

static void arrive(struct world *w, struct flying *f)
{
	const int err = midi_repair_packet(w->repair, f->seq, f->ts, f->payload, f->len);

	g_assert_true(!err || err == EALREADY);
	f->there = false;
}

static void launch(struct world *w, const struct flying *packet)
{
	const unsigned copies = chance(w, w->loss) ? 0 : chance(w, w->doubled) ? 2 : 1;

	for (unsigned n = 0; n < copies; n++)
		for (unsigned i = 0; i < IN_FLIGHT; i++)
			if (!w->flying[i].there) {
				w->flying[i] = *packet;
				w->flying[i].there = true;
				w->flying[i].at_us = w->now_us + 5000 + (chance(w, w->swapped) ? upto(w, 40000) : 0);
				break;
			}
}

static void send_packet(struct world *w)
{
	struct flying f = {.ts = (uint32_t)(w->now_us * 48 / 1000), .len = PAYLOAD};
	bool marker;

	g_assert_cmpint(midi_sender_packet(f.payload, &f.len, &f.seq, &marker, w->sender, f.ts, w->now_us), ==, 0);
	g_assert_cmpint(marker, ==, w->n_put > 0);
	for (unsigned i = 0; i < w->n_put; i++)
		instrument_play(&w->near, &w->put[i]);
	w->n_put = 0;
	w->packets++;
	launch(w, &f);
}

static void report(struct world *w)
{
	if (w->now_us < w->report_us)
		return;
	w->report_us = w->now_us + REPORT_US;
	if (midi_repair_highest(w->repair) && !chance(w, w->loss))
		midi_sender_report(w->sender, midi_repair_highest(w->repair));
}

static void step(struct world *w, uint64_t us)
{
	w->now_us += us;
	for (;;) {
		struct flying *next = NULL;

		for (unsigned i = 0; i < IN_FLIGHT; i++)
			if (w->flying[i].there && w->flying[i].at_us <= w->now_us && (!next || w->flying[i].at_us < next->at_us))
				next = &w->flying[i];
		if (!next)
			break;
		arrive(w, next);
	}
	report(w);
}

/* ---- a player ---- */

static void play_note(struct world *w, unsigned chan)
{
	const unsigned note = 48 + upto(w, 24);

	if (w->near.part[chan].note[note] && !chance(w, 0.1))
		put(w, MIDI_NOTE_OFF | chan, note, chance(w, 0.7) ? 64 : upto(w, 128));
	else
		put(w, MIDI_NOTE_ON | chan, note, chance(w, 0.1) ? 0 : 1 + upto(w, 127));
}

static void play_control(struct world *w, unsigned chan)
{
	static const uint8_t nums[] = {0, 1, 7, 10, 11, 32, 33, 64, 64, 64, 66, 69, 6, 38, 84, 96};

	put(w, MIDI_CC | chan, nums[upto(w, sizeof(nums))], chance(w, 0.3) ? 127 * upto(w, 2) : upto(w, 128));
}

static void play_param(struct world *w, unsigned chan)
{
	const bool nrpn = chance(w, 0.5);
	const unsigned num = upto(w, 4) ? upto(w, PARAM_NUMS) : 300 + upto(w, PARAM_NUMS);

	switch (upto(w, 8)) {
	case 0: put(w, MIDI_CC | chan, nrpn ? 99 : 101, num >> 7); return;
	case 1: put(w, MIDI_CC | chan, 6, upto(w, 128)); return;
	case 2: put(w, MIDI_CC | chan, 96 + upto(w, 2), 0); return;
	case 3:
		put(w, MIDI_CC | chan, 101, 127);
		put(w, MIDI_CC | chan, 100, 127);
		return;
	default:
		put(w, MIDI_CC | chan, nrpn ? 99 : 101, num >> 7);
		put(w, MIDI_CC | chan, nrpn ? 98 : 100, num & 0x7f);
		if (chance(w, 0.8))
			put(w, MIDI_CC | chan, 6, upto(w, 128));
		if (chance(w, 0.5))
			put(w, MIDI_CC | chan, 38, upto(w, 128));
		if (chance(w, 0.3))
			put(w, MIDI_CC | chan, 96 + upto(w, 2), 0);
		if (chance(w, 0.3)) {
			put(w, MIDI_CC | chan, 101, 127);
			put(w, MIDI_CC | chan, 100, 127);
		}
	}
}

static void play_sysex(struct world *w)
{
	uint8_t data[60];
	struct midi_cmd cmd = midi_sysex(data, 1 + upto(w, chance(w, 0.5) ? 4 : sizeof(data)));

	for (size_t i = 0; i < cmd.len; i++)
		data[i] = (uint8_t)upto(w, chance(w, 0.5) ? 2 : 128);
	data[0] = 0x7d;
	if (w->sysex_left) {
		w->sysex_left--;
		cmd.part = w->sysex_left ? MIDI_MIDDLE : MIDI_LAST;
		if (chance(w, 0.1) || !put_cmd(w, &cmd)) {
			cmd.part = MIDI_CANCEL;
			cmd.len = 0;
			w->sysex_left = put_cmd(w, &cmd) ? 0 : 1;
		}
	} else if (chance(w, 0.5)) {
		cmd.part = MIDI_FIRST;
		if (put_cmd(w, &cmd))
			w->sysex_left = 1 + upto(w, 3);
	} else {
		cmd.dropped = chance(w, 0.1);
		put_cmd(w, &cmd);
	}
}

static void play_system(struct world *w)
{
	static const uint8_t clocks[] = {MIDI_CLOCK, MIDI_CLOCK, MIDI_CLOCK, MIDI_CLOCK, MIDI_CLOCK, MIDI_START, MIDI_STOP,
		MIDI_CONTINUE, MIDI_TUNE, MIDI_SENSE, MIDI_UNDEF_F9};

	switch (upto(w, 12)) {
	case 0:  put(w, MIDI_SONG, upto(w, 128), 0); break;
	case 1:  put(w, MIDI_POSITION, upto(w, 128), upto(w, 4)); break;
	case 2:  put(w, MIDI_QUARTER, upto(w, 128), 0); break;
	default: put(w, clocks[upto(w, sizeof(clocks))], 0, 0);
	}
}

static void play_reset(struct world *w)
{
	static const uint8_t gm[] = {0x7e, 0x7f, 0x09, 0x01};
	const struct midi_cmd gm_on = midi_sysex(gm, sizeof(gm));

	if (w->sysex_left)
		return;
	if (w->sysex_lost || chance(w, 0.5))
		put(w, MIDI_RESET, 0, 0);
	else
		put_cmd(w, &gm_on);
}

static void play_mode(struct world *w, unsigned chan)
{
	static const uint8_t nums[] = {121, 121, 121, 120, 123, 122, 124, 125, 126, 127};

	put(w, MIDI_CC | chan, nums[upto(w, sizeof(nums))], 0);
}

static void play(struct world *w)
{
	const unsigned chan = upto(w, CHANNELS);
	const unsigned what = upto(w, 1000);

	/* "Commands other than System Real-Time MIDI commands MUST NOT appear between SysEx command segments". */
	if (w->sysex_left)
		play_sysex(w);
	else if (what < 450)
		play_note(w, chan);
	else if (what < 600)
		play_control(w, chan);
	else if (what < 680)
		play_param(w, chan);
	else if (what < 720)
		put(w, MIDI_BEND | chan, upto(w, 128), upto(w, 128));
	else if (what < 750)
		put(w, MIDI_PRESSURE | chan, upto(w, 128), 0);
	else if (what < 800)
		put(w, MIDI_POLY | chan, 48 + upto(w, 24), upto(w, 128));
	else if (what < 830)
		put(w, MIDI_PROGRAM | chan, upto(w, 128), 0);
	else if (what < 950)
		play_system(w);
	else if (what < 985)
		play_sysex(w);
	else if (what < 997)
		play_mode(w, chan);
	else if (w->resets)
		play_reset(w);
}

/* ---- what must hold ---- */

static void compare_part(struct world *w, unsigned chan)
{
	const struct part *near = &w->near.part[chan], *far = &w->far.part[chan];
	const struct midi_chan *heard = &midi_repair_state(w->repair)->chan[chan];

	for (unsigned i = 0; i < 128; i++) {
		g_assert_cmpint(far->note[i] > 0, <=, near->note[i] > 0);
		g_assert_cmpint(near->note[i] > 0, ==, heard->note[i].count > 0);
		g_assert_cmpint(far->note[i] > 0, ==, heard->note[i].count > heard->note[i].silent);
		g_assert_cmpint(near->poly[i], ==, far->poly[i]);
	}
	for (unsigned i = 0; i < 120; i++)
		g_assert_cmpint(near->cc[i], ==, far->cc[i]);
	g_assert_cmpint(near->program, ==, far->program);
	g_assert_cmpint(near->bend, ==, far->bend);
	g_assert_cmpint(near->pressure, ==, far->pressure);
	g_assert_cmpmem(near->param, sizeof(near->param), far->param, sizeof(far->param));
	g_assert_cmpmem(near->button, sizeof(near->button), far->button, sizeof(far->button));
}

static void compare(struct world *w)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		compare_part(w, i);
	g_assert_cmpint(w->near.song, ==, w->far.song);
	g_assert_cmpint(w->near.running, ==, w->far.running);
	g_assert_cmpint(w->near.played, ==, w->far.played);
	g_assert_cmpuint(w->near.position, ==, w->far.position);
	if (w->resets)
		return;                   /* what a reset undoes need not be made good */
	g_assert_cmpint(w->near.open, ==, w->far.open);
	g_assert_cmpuint(w->near.n_sysex, ==, w->far.n_sysex);
	g_assert_cmpmem(w->near.sysex, sizeof(w->near.sysex), w->far.sysex, sizeof(w->far.sysex));
}

static void quiet_second(struct world *w)
{
	const uint64_t end_us = w->now_us + QUIET_US;

	while (w->now_us < end_us) {
		step(w, 5000);
		if (midi_sender_due_us(w->sender) <= w->now_us)
			send_packet(w);
	}
	step(w, 100000);
}

static void run(struct world *w, uint64_t packets)
{
	while (w->packets < packets) {
		for (unsigned n = 100 + upto(w, 200); n; n--) {
			for (unsigned k = upto(w, 4); k; k--)
				play(w);
			if (w->n_put || midi_sender_due_us(w->sender) <= w->now_us)
				send_packet(w);
			step(w, 1000 + upto(w, 12000));
		}
		quiet_second(w);
		compare(w);
	}
}

/* ---- the tests ---- */

static struct world *world(double loss, double doubled, double swapped)
{
	struct world *w = g_new0(struct world, 1);

	w->loss = loss;
	w->doubled = doubled;
	w->swapped = swapped;
	return w;
}

static struct midi_sender_conf conf_of(enum midi_policy policy)
{
	return (struct midi_sender_conf){.policy = policy, .seq = 65000, .max = MTU, .play = 4800, .guard_us = GUARD_US};
}

static void links(void)
{
	static const struct { double loss, doubled, swapped; } row[] = {
		{0, 0, 0}, {0, 0.1, 0.2}, {0.01, 0, 0}, {0.05, 0.02, 0.05}, {0.1, 0, 0.1}, {0.2, 0.1, 0.1}, {0.3, 0.02, 0.2},
	};
	const struct midi_sender_conf conf = conf_of(MIDI_CLOSED_LOOP);

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++)
		for (guint32 seed = 1; seed <= 6; seed++) {
			struct world *w = world(row[i].loss, row[i].doubled, row[i].swapped);

			w->resets = seed % 2;
			g_test_message("loss %.2f doubled %.2f swapped %.2f seed %u", row[i].loss, row[i].doubled, row[i].swapped, seed);
			world_open(w, seed * 1000 + i, &conf);
			run(w, 4000);
			g_assert_cmpuint(midi_repair_stats(w->repair)->bad, ==, 0);
			g_assert_cmpuint(midi_repair_stats(w->repair)->uncovered, ==, 0);
			g_assert_cmpuint(midi_sender_stats(w->sender)->moved_on, ==, 0);
			if (!row[i].loss && !row[i].swapped)
				g_assert_cmpuint(midi_repair_stats(w->repair)->repairs, ==, 0);
			world_close(w);
		}
}

/* The checkpoint stays at the first packet: no reports are needed, and journals hold one entry for each thing ever said. */
static void anchor(void)
{
	struct midi_sender_conf conf = conf_of(MIDI_ANCHOR);

	conf.max = PAYLOAD;
	for (guint32 seed = 1; seed <= 6; seed++) {
		struct world *w = world(0.2, 0.1, 0.1);

		w->resets = seed % 2;
		world_open(w, seed, &conf);
		w->report_us = UINT64_MAX;
		run(w, 4000);
		g_assert_cmpuint(midi_repair_stats(w->repair)->uncovered, ==, 0);
		g_assert_cmpuint(midi_sender_stats(w->sender)->moved_on, ==, 0);
		world_close(w);
	}
}

/* No report comes and the journal outgrows the packet; then the receiver is back and is told everything. */
static void gone_and_back(void)
{
	struct midi_sender_conf conf = conf_of(MIDI_CLOSED_LOOP);

	uint64_t moved = 0, uncovered = 0;

	conf.max = 700;
	for (guint32 seed = 1; seed <= 6; seed++) {
		struct world *w = world(0.3, 0, 0);

		w->resets = w->sysex_lost = true;
		world_open(w, seed, &conf);
		w->report_us = UINT64_MAX;
		for (unsigned n = 0; n < 3000; n++) {
			play(w);
			send_packet(w);
			step(w, 2000);
			w->loss = n < 1500 ? 0.3 : 1;
		}
		moved += midi_sender_stats(w->sender)->moved_on;
		w->report_us = 0;
		w->loss = 0;
		for (unsigned n = 0; n < 4; n++)
			quiet_second(w);
		uncovered += midi_repair_stats(w->repair)->uncovered;
		compare(w);
		world_close(w);
	}
	g_assert_cmpuint(moved, >, 0);
	g_assert_cmpuint(uncovered, >, 0);
}

/* Somebody comes in the middle: a sender of its own, whose first journal tells what holds, and strikes nothing late. */
static void late_joiner(void)
{
	const struct midi_sender_conf conf = conf_of(MIDI_CLOSED_LOOP);

	for (guint32 seed = 1; seed <= 6; seed++) {
		struct world *first = world(0, 0, 0), *w = world(0.2, 0, 0.1);
		unsigned sounding = 0;

		first->resets = w->resets = true;
		world_open(first, seed, &conf);
		run(first, 500);
		while (first->sysex_left) {
			play(first);
			send_packet(first);
		}
		world_open(w, seed, &conf);
		mem_deref(w->sender);
		g_assert_cmpint(midi_sender_alloc(&w->sender, &conf, midi_sender_state(first->sender)), ==, 0);
		w->now_us = first->now_us;
		w->near = first->near;
		quiet_second(w);
		quiet_second(w);
		compare(w);
		for (unsigned i = 0; i < CHANNELS; i++)
			for (unsigned k = 0; k < 128; k++)
				sounding += w->far.part[i].note[k];
		g_assert_cmpuint(sounding, ==, 0);
		run(w, 500);
		world_close(w);
		world_close(first);
	}
}

static void million(void)
{
	const struct midi_sender_conf conf = conf_of(MIDI_CLOSED_LOOP);
#ifdef __SANITIZE_ADDRESS__
	const uint64_t packets = 50000;
#else
	const uint64_t packets = 1000000;
#endif
	struct world *w = world(0.1, 0.02, 0.05);
	const clock_t begin = clock();
	double seconds;

	w->resets = true;
	world_open(w, 4711, &conf);
	run(w, packets);
	seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;     /* of this processor: others may want the machine */
	g_assert_cmpfloat(seconds, <, 20);
	g_test_message("%.1f s for %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " lost, %" G_GUINT64_FORMAT " repairs",
		seconds, w->packets, midi_repair_stats(w->repair)->lost, midi_repair_stats(w->repair)->repairs);
	world_close(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midi-loss/links", links);
	g_test_add_func("/midi-loss/anchor", anchor);
	g_test_add_func("/midi-loss/gone-and-back", gone_and_back);
	g_test_add_func("/midi-loss/late-joiner", late_joiner);
	g_test_add_func("/midi-loss/million", million);
	return g_test_run();
}
