/*
 * midi_sender.c - the sender's history, and the checkpoint that says how much of it a journal must cover.
 *
 *      first        checkpoint                 next
 *        |--------------|------------------------|
 *         all reported    in every journal until   the commands put since: in its list, in the journals after it
 *                         a report covers it
 *
 * Until the first report the checkpoint is the first packet. (Read literally, RFC 6295 C.2.2.2 would allow one more and
 * leave the very first packet unprotected.)
 *
 * When nobody reports and the journal outgrows the packet, the checkpoint moves on to where it fits: the receiver is treated
 * as gone. If it reports again after all, one sequence number is left out, so that every receiver looks into the journal,
 * and the journal tells the state again: as many channels as fit, the next ones when those have been reported.
 *
 * Guard packets (RFC 4696): 100 ms after the last command, again 100 ms later, then at doubled distances up to the guard
 * time; with closed loop none but those of the guard time once the receiver has reported all.
 */
#include <errno.h>
#include <string.h>
#include <re.h>

#include "journal.h"
#include "journal_make.h"
#include "midi_release.h"
#include "midi_sender.h"
#include "rtpmidi.h"

enum {
	SEQ_BASE    = 1 << 16,           /* extended numbers begin here: 0 means never */
	HDR_MAX     = 2,
	JOURNAL_MIN = 3,
	MAX_LEAST   = 64,
	SYSEX_LIVE  = 900,               /* octets of logs in one system journal, whose LENGTH ends at 1023 */
	GUARD_US    = 100 * 1000,
	GUARD_STEPS = 10,                /* under a minute */
	RENEW_GAP   = 1,
	RENEW_SPARE = 32,                /* octets left for commands that come meanwhile */
	ALL_PARTS   = (1 << MIDI_PARTS) - 1,
	LONG_AGO    = 0x40000000,        /* RTP clock: hours */
};

struct midi_sender {
	struct midi_sender_conf conf;
	struct midi_state state;         /* all packets before next */
	struct rtpmidi_list list;        /* of packet next */
	size_t   list_sysex;             /* octets of SysEx logs its commands will need */
	unsigned list_sysexes;
	uint32_t first, next;
	uint32_t checkpoint;
	bool     gone;                   /* the checkpoint has moved on without a report */
	unsigned renewing;               /* parts of the state, as bits, that are still to be told again */
	uint32_t renewed;                /* the packet from which on the last of them were told */
	uint32_t newest;                 /* packet of the newest command; 0: none */
	uint64_t sent_us, due_us;
	unsigned guard_step;
	struct midi_sender_stats stats;
};

/* ---- telling everything again ---- */

/* As much as a packet holds is told now, the rest when that is reported. One part is told even if it does not fit. The system
 * comes first: a reset that was lost would undo what came before it. */
static void renew_some(struct midi_sender *s)
{
	size_t room = s->conf.max - RENEW_SPARE, n;
	bool any = false;

	for (unsigned k = 0; k < MIDI_PARTS; k++) {
		const unsigned i = (k + MIDI_CHANNELS) % MIDI_PARTS;

		if (!(s->renewing & 1u << i))
			continue;
		n = journal_part_len(&s->state, i);
		if (n > room && any && s->conf.policy != MIDI_ANCHOR)
			break;
		midi_state_renew(&s->state, i, s->next);
		s->renewing &= ~(1u << i);
		any |= n > 0;
		room -= n > room ? room : n;
	}
	s->renewed = s->newest = s->next;
	s->guard_step = 0;
	s->due_us = 0;
}

void midi_sender_renew(struct midi_sender *s)
{
	s->next += RENEW_GAP;
	if (s->conf.policy == MIDI_CLOSED_LOOP)
		s->checkpoint = s->next;
	s->gone = false;
	s->renewing = ALL_PARTS;
	renew_some(s);
}

/* What was told has been heard: the next part. */
static void renew_more(struct midi_sender *s)
{
	s->next += RENEW_GAP;
	renew_some(s);
}

static void take_state(struct midi_sender *s, const struct midi_state *from)
{
	s->state = *from;
	midi_state_strip(&s->state);
	for (unsigned i = 0; i < MIDI_PARTS; i++)
		midi_state_renew(&s->state, i, 1);
	s->renewing = ALL_PARTS;
	renew_some(s);
}

int midi_sender_alloc(struct midi_sender **sp, const struct midi_sender_conf *conf, const struct midi_state *from)
{
	struct midi_sender *s;

	if (!sp || conf->max < MAX_LEAST)
		return EINVAL;
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return ENOMEM;
	s->conf = *conf;
	s->first = s->next = s->checkpoint = SEQ_BASE + conf->seq;
	midi_state_init(&s->state);
	if (from)
		take_state(s, from);
	rtpmidi_list_init(&s->list);
	if (!from)
		s->due_us = UINT64_MAX;
	*sp = s;
	return 0;
}

/* "nothing is struck late": struck so long ago that no NoteOn of these is worth it. */
static void age_notes(struct midi_state *st, uint32_t ts)
{
	for (unsigned i = 0; i < MIDI_CHANNELS; i++)
		for (unsigned n = 0; st->chan[i].seq && n < MIDI_KEYS; n++)
			st->chan[i].note[n].ts = ts - LONG_AGO;
}

static void apply_told(const struct midi_cmd *cmd, void *arg)
{
	struct midi_sender *s = arg;

	midi_state_apply(&s->state, cmd, s->next, 0);
}

/* The checkpoint cannot move: what is over must be said. Notes that go on are not: they would have been struck in the pause. */
static void resume_anchored(struct midi_sender *s, const struct midi_state *from)
{
	midi_release_rt(&s->state, apply_told, s);
	midi_retell_rt(from, apply_told, s);
	s->renewing = ALL_PARTS;
	renew_some(s);
}

void midi_sender_begin_rt(struct midi_sender *s, const struct midi_state *from, bool goes_on, uint32_t ts)
{
	const bool before = s->next != s->first, resumes = goes_on && before;

	rtpmidi_list_init(&s->list);
	s->list_sysex = 0;
	s->list_sysexes = 0;
	s->gone = false;
	if (before)
		s->next += RENEW_GAP;
	if (resumes && s->conf.policy == MIDI_ANCHOR) {
		resume_anchored(s, from);
	} else {
		s->first = s->checkpoint = s->next;
		take_state(s, from);
	}
	age_notes(&s->state, ts);
}

/* ---- commands in ---- */

/* What a SysEx will cost the journal as long as it is not reported. */
static int admit_sysex(const struct midi_sender *s, const struct midi_cmd *cmd)
{
	const struct midi_sysexes *x = &s->state.sys.sysex;
	const bool more = x->open && cmd->part != MIDI_WHOLE && cmd->part != MIDI_FIRST;
	const size_t had = more ? x->entry[(x->n - 1) % MIDI_SYSEXES].len : 0;
	unsigned n;
	const size_t live = journal_sysex_len(x, s->checkpoint, &n) + s->list_sysex;

	if (cmd->len + had + 2 > SYSEX_LIVE || cmd->len + 16 > s->conf.max / 2)
		return EMSGSIZE;
	if (live + cmd->len + 2 > SYSEX_LIVE || live + cmd->len + 2 > s->conf.max / 2 ||
		n + s->list_sysexes + 1 >= MIDI_SYSEXES)
		return EAGAIN;
	return 0;
}

int midi_sender_put(struct midi_sender *s, const struct midi_cmd *cmd)
{
	const size_t room = s->conf.max - HDR_MAX - JOURNAL_MIN;
	int err = 0;

	if (cmd->status == MIDI_SYSEX && cmd->part != MIDI_CANCEL && s->conf.policy != MIDI_BARE)
		err = admit_sysex(s, cmd);
	if (!err)
		err = rtpmidi_list_add(&s->list, cmd, room);
	if (err)
		return err;
	if (cmd->status == MIDI_SYSEX) {
		s->list_sysex += cmd->len + 2;
		s->list_sysexes++;
	}
	s->stats.commands++;
	return 0;
}

/* ---- packets out ---- */

/* The least checkpoint whose journal fits; what lies before it is no longer protected. */
static void move_on(struct midi_sender *s, uint8_t *buf, size_t room, struct journal_when *when)
{
	uint32_t low = s->checkpoint, high = s->next;   /* low does not fit, high is an empty journal */

	while (high - low > 1) {
		size_t len = room;

		when->checkpoint = low + (high - low) / 2;
		if (journal_make(buf, &len, &s->state, when))
			low = when->checkpoint;
		else
			high = when->checkpoint;
	}
	s->checkpoint = when->checkpoint = high;
	s->gone = true;
	s->stats.moved_on++;
}

static int put_journal(uint8_t *buf, size_t *len, struct midi_sender *s, uint32_t ts)
{
	struct journal_when when = {.checkpoint = s->checkpoint, .next = s->next, .ts = ts, .play = s->conf.play};
	size_t room = *len;

	if (s->conf.policy == MIDI_BARE) {
		*len = 0;
		return 0;
	}
	if (journal_make(buf, len, &s->state, &when) == 0)
		return 0;
	move_on(s, buf, room, &when);
	*len = room;
	return journal_make(buf, len, &s->state, &when);
}

static void remember_list(struct midi_sender *s, uint32_t ts)
{
	const struct rtpmidi m = {.z = s->list.z, .list = s->list.buf, .list_len = s->list.len};
	struct rtpmidi_iter it;
	struct midi_cmd cmd;

	rtpmidi_begin(&it, &m);
	while (rtpmidi_next(&it, &cmd)) {
		ts += cmd.delta;
		midi_state_apply(&s->state, &cmd, s->next, ts);
		if (midi_is_channel(cmd.status)) {
			struct midi_chan *c = &s->state.chan[cmd.status & 0x0f];

			s->stats.forgotten += c->forgotten >= s->checkpoint;
			c->forgotten = 0;
		}
	}
	rtpmidi_list_init(&s->list);
	s->list_sysex = 0;
	s->list_sysexes = 0;
}

/* 100 ms after the last command, again 100 ms later, then at doubled distances. */
static void plan_guard(struct midi_sender *s, bool commands, uint64_t now_us)
{
	uint64_t wait_us;

	s->sent_us = now_us;
	s->due_us = UINT64_MAX;
	if (s->conf.policy == MIDI_BARE)
		return;
	if (commands)
		s->guard_step = 0;
	wait_us = (uint64_t)GUARD_US << (s->guard_step ? s->guard_step - 1 : 0);
	if (s->guard_step < GUARD_STEPS)
		s->guard_step++;
	if (s->conf.guard_us && wait_us > s->conf.guard_us)
		wait_us = s->conf.guard_us;
	s->due_us = now_us + wait_us;
}

int midi_sender_packet(uint8_t *buf, size_t *len, uint16_t *seq, bool *marker, struct midi_sender *s, uint32_t ts,
	uint64_t now_us)
{
	const bool commands = s->list.n > 0;
	size_t at = s->conf.max, n;
	int err;

	if (*len < s->conf.max)
		return ENOSPC;
	err = rtpmidi_write(buf, &at, &s->list, false, s->conf.policy != MIDI_BARE);
	if (err)
		return err;
	n = s->conf.max - at;
	err = put_journal(buf + at, &n, s, ts);
	if (err)
		return err;

	*len = at + n;
	*seq = (uint16_t)s->next;
	*marker = commands;
	if (commands)
		s->newest = s->next;
	remember_list(s, ts);
	plan_guard(s, commands, now_us);
	s->next++;
	s->stats.packets++;
	return 0;
}

/* ---- reports ---- */

void midi_sender_report(struct midi_sender *s, uint32_t ehsn)
{
	const uint32_t last = s->next - 1;
	const uint32_t high = last - (uint16_t)(last - ehsn);   /* the receiver counts rounds from its own beginning */

	/* Anchor: "the sender uses the first packet in the stream as the checkpoint packet for all packets". */
	if (s->conf.policy != MIDI_CLOSED_LOOP || s->next == s->first || high < s->first)
		return;
	if (s->gone) {
		midi_sender_renew(s);
		return;
	}
	/* "MUST choose a checkpoint packet with extended sequence number N, such that M(k) >= (N - 1)" */
	if (high + 1 > s->checkpoint)
		s->checkpoint = high + 1;
	if (s->renewing && high >= s->renewed) {
		renew_more(s);
	} else if (high >= s->newest) {
		s->guard_step = GUARD_STEPS;
		s->due_us = s->conf.guard_us ? s->sent_us + s->conf.guard_us : UINT64_MAX;
	}
}

uint64_t midi_sender_due_us(const struct midi_sender *s)
{
	return s->due_us;
}

const struct midi_state *midi_sender_state(const struct midi_sender *s)
{
	return &s->state;
}

const struct midi_sender_stats *midi_sender_stats(const struct midi_sender *s)
{
	return &s->stats;
}
