/*
 * midi_repair.c - which packets are taken, when the journal is looked at, and the commands in between.
 *
 * After a gap (and at the first packet, which "a receiver MUST process ... as if it were a packet that ends a loss event") the
 * journal is compared with the state as heard, and what differs is carried out, before the packet's own commands. S bits,
 * which would allow to skip most of it after the loss of one packet, are not trusted: senders exist that set them wrongly,
 * and comparing costs little.
 *
 * A journal from the network must not become a flood: a packet makes at most REPAIRS_MAX commands.
 */
#include <errno.h>
#include <re.h>

#include "midi_repair_priv.h"
#include "rtpmidi.h"

enum {
	REPAIRS_MAX = 4096,
	MAX_DROPOUT = 3000, MAX_MISORDER = 100,   /* RFC 3550 A.1 */
	NO_JUMP     = 1 << 16,
	SEQ_BASE    = 1 << 16,                    /* extended numbers begin here: 0 means never */
};

int midi_repair_alloc(struct midi_repair **rp, midi_command_h *h, void *arg)
{
	struct midi_repair *r;

	if (!rp || !h)
		return EINVAL;
	r = mem_zalloc(sizeof(*r), NULL);
	if (!r)
		return ENOMEM;
	midi_state_init(&r->state);
	r->h = h;
	r->arg = arg;
	r->jumped = NO_JUMP;
	*rp = r;
	return 0;
}

void repair_do(struct midi_repair *r, const struct midi_cmd *cmd)
{
	if (!r->budget) {
		r->stats.cut++;
		return;
	}
	r->budget--;
	r->stats.repairs++;
	midi_state_apply(&r->state, cmd, r->seq, r->ts);
	r->h(cmd, true, r->arg);
}

void repair_short(struct midi_repair *r, uint8_t status, uint8_t a, uint8_t b)
{
	const struct midi_cmd cmd = midi_short(status, a, b);

	repair_do(r, &cmd);
}

/* ---- the journal ---- */

/* "The checkpoint history covers the loss event if the Checkpoint Packet Seqnum field is less than or equal to one plus the
 * highest RTP sequence number previously received on the stream (modulo 2^16)." */
static bool is_covered(const struct midi_repair *r, const struct journal *j)
{
	return (int16_t)(uint16_t)(j->checkpoint - (uint16_t)(r->highest + 1)) <= 0;
}

static void silence_others(struct midi_repair *r, const struct journal *j)
{
	const struct journal_channel *by_number[MIDI_CHANNELS] = {0};

	for (unsigned i = 0; i < j->n_channels; i++)
		by_number[j->channel[i].chan] = &j->channel[i];
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		repair_silence(r, i, by_number[i]);
}

static void repair_all(struct midi_repair *r, const struct journal *j, uint32_t seq)
{
	r->uncovered = r->started && !is_covered(r, j);
	r->stats.uncovered += r->uncovered;
	if (j->y)
		repair_system(r, &j->sys, seq - (uint16_t)(seq - j->checkpoint));
	if (r->uncovered)
		silence_others(r, j);
	for (unsigned i = 0; i < j->n_channels; i++)
		repair_channel(r, &j->channel[i]);
}

/* No journal where there should be one: nothing is known of what was lost, so nothing may go on sounding. */
static void repair_blindly(struct midi_repair *r)
{
	r->stats.uncovered++;
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		repair_silence(r, i, NULL);
}

static void open_repair(struct midi_repair *r, uint32_t seq, uint32_t ts)
{
	r->budget = REPAIRS_MAX;
	r->seq = seq - 1;
	r->ts = ts;
	r->fresh = !r->started;
}

/* ---- packets ---- */

/* RFC 3550 A.1: far away is believed when the next packet follows. Returns 0 and the extended number. */
static int place(struct midi_repair *r, uint32_t *ext, bool *restart, uint16_t seq)
{
	const int16_t ahead = (int16_t)(seq - (uint16_t)r->highest);

	*restart = false;
	if (!r->started) {
		*ext = SEQ_BASE + seq;
		return 0;
	}
	if (ahead > 0 && ahead < MAX_DROPOUT) {
		*ext = r->highest + (uint32_t)ahead;
		r->jumped = NO_JUMP;
		return 0;
	}
	if (ahead <= 0 && ahead > -MAX_MISORDER) {
		r->stats.late++;
		return EALREADY;
	}
	if (seq != r->jumped) {
		r->jumped = (uint16_t)(seq + 1);
		return EPROTO;
	}
	r->jumped = NO_JUMP;
	*restart = true;
	*ext = r->highest + (uint16_t)ahead;
	return 0;
}

static void run_list(struct midi_repair *r, const struct rtpmidi *m, uint32_t seq, uint32_t ts)
{
	struct rtpmidi_iter it;
	struct midi_cmd cmd;

	rtpmidi_begin(&it, m);
	while (rtpmidi_next(&it, &cmd)) {
		/* The rest of a SysEx whose beginning is unknown is no command. */
		if (cmd.status == MIDI_SYSEX && cmd.part != MIDI_WHOLE && cmd.part != MIDI_FIRST && !r->state.sys.sysex.open)
			continue;
		ts += cmd.delta;
		midi_state_apply(&r->state, &cmd, seq, ts);
		r->h(&cmd, false, r->arg);
	}
}

int midi_repair_packet(struct midi_repair *r, uint16_t seq, uint32_t ts, const uint8_t *payload, size_t len)
{
	struct rtpmidi m;
	struct journal j;
	uint32_t ext;
	bool restart, gap;
	int err;

	if (rtpmidi_read(&m, payload, len) || (m.journal && journal_read(&j, m.journal, m.journal_len))) {
		r->stats.bad++;
		return EBADMSG;
	}
	err = place(r, &ext, &restart, seq);
	if (err)
		return err;

	gap = !r->started || restart || ext != r->highest + 1;
	open_repair(r, ext, ts);
	if (r->started && gap && !restart)
		r->stats.lost += ext - r->highest - 1;
	if (restart)
		repair_blindly(r);
	if (gap && m.journal)
		repair_all(r, &j, ext);
	else if (gap && r->started && !restart)
		repair_blindly(r);
	r->started = true;
	r->highest = ext;
	r->stats.packets++;
	run_list(r, &m, ext, ts);
	return 0;
}

void midi_repair_end(struct midi_repair *r)
{
	open_repair(r, r->highest + 1, r->ts);
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		repair_silence(r, i, NULL);
	if (r->state.sys.sysex.open)
		repair_do(r, &(struct midi_cmd){.status = MIDI_SYSEX, .part = MIDI_CANCEL});
}

void midi_repair_restart(struct midi_repair *r)
{
	midi_state_init(&r->state);
	r->started = false;
	r->highest = 0;
	r->jumped = NO_JUMP;
}

uint32_t midi_repair_highest(const struct midi_repair *r)
{
	return r->started ? r->highest : 0;
}

const struct midi_state *midi_repair_state(const struct midi_repair *r)
{
	return &r->state;
}

const struct midi_repair_stats *midi_repair_stats(const struct midi_repair *r)
{
	return &r->stats;
}
