/*
 * midi_leg.c - merged or apart; who has which stream; when packets go.
 *
 * A leg begins with its first packet: whoever has joined until then is told by that packet's journal (a late joiner's snapshot), who comes
 * later by commands (merged) or by the first journal of a stream of its own. After a pause it begins again, in the same streams.
 */
#include <errno.h>
#include <string.h>
#include <re.h>

#include "midi_leg_priv.h"
#include "midi_release.h"

static void leg_destroy(void *arg)
{
	struct midi_leg *l = arg;

	for (unsigned i = 0; i < l->n_streams; i++)
		mem_deref(l->stream[i].sender);
	mem_deref(l->merge);
}

static int alloc_streams(struct midi_leg *l)
{
	struct midi_sender_conf conf = {.policy = l->conf.policy, .max = l->conf.max, .guard_us = l->conf.guard_us,
		.play = l->conf.rate / LEG_PLAY_PARTS};

	l->n_streams = l->conf.sources < MIDI_LEG_STREAMS ? l->conf.sources : MIDI_LEG_STREAMS;
	for (unsigned i = 0; i < l->n_streams; i++) {
		int err;

		conf.seq = (uint16_t)rand_u16();
		err = midi_sender_alloc(&l->stream[i].sender, &conf, NULL);
		if (err)
			return err;
		l->stream[i].base = rand_u32();
		l->stream[i].index = i;
		l->stream[i].leg = l;
	}
	return 0;
}

int midi_leg_alloc(struct midi_leg **lp, const struct midi_leg_conf *conf, const struct midi_leg_ops *ops, void *arg)
{
	struct midi_leg *l;
	int err;

	if (!lp || !conf->sources || !conf->rate || conf->max > MIDI_LEG_MAX)
		return EINVAL;
	l = mem_zalloc(sizeof(*l), leg_destroy);
	if (!l)
		return ENOMEM;
	l->conf = *conf;
	l->ops = ops;
	l->arg = arg;
	err = alloc_streams(l);
	if (!err && conf->sources == 1)
		err = midi_merge_alloc(&l->merge, &(struct midi_merge_conf){.sources = MERGE_SOURCES_MAX,
			.sysex_max = conf->sysex_max, .spread = conf->spread, .subset = conf->subset});
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

/* ---- beginnings ---- */

struct saying {
	struct leg_stream *st;
	uint32_t ts;
	uint64_t now_us;
};

static void say(const struct midi_cmd *cmd, void *arg)
{
	const struct saying *s = arg;

	leg_stream_put_rt(s->st, cmd, s->ts, s->now_us);
}

/* Without journals the state is said by commands. */
static void begin_stream(struct leg_stream *st, const struct midi_state *state, bool again, uint64_t now_us)
{
	struct saying s = {.st = st, .ts = leg_stream_now_rt(st, now_us), .now_us = now_us};

	st->n_list = st->n_csrc = 0;
	st->sysex_open = st->sysex_dropping = false;
	midi_sender_begin_rt(st->sender, state, again, s.ts);
	if (st->leg->conf.policy == MIDI_BARE)
		midi_retell_rt(state, say, &s);
}

static void begin_merged(struct midi_leg *l, uint64_t now_us)
{
	l->begun = true;
	l->stream[0].used = true;
	begin_stream(&l->stream[0], midi_merge_state(l->merge), true, now_us);
}

static void said_merged(const struct midi_cmd *cmd, void *arg)
{
	struct leg_call *c = arg;
	struct leg_stream *st = &c->leg->stream[0];

	if (!leg_stream_put_rt(st, cmd, c->ts, c->now_us))
		leg_stream_csrc_rt(st, c->id);
}

static int join_merged(struct midi_leg *l, uint32_t id, const struct midi_state *st, uint64_t now_us)
{
	struct leg_call c = {.leg = l, .id = id, .ts = leg_stream_now_rt(&l->stream[0], now_us), .now_us = now_us};

	if (!l->begun)
		return midi_merge_seed_rt(l->merge, id, st);
	return midi_merge_join_rt(l->merge, id, st, now_us, said_merged, &c);
}

/* Its own from before a pause, or a free one, or one that somebody left. */
static struct leg_stream *stream_for(struct midi_leg *l, uint32_t id)
{
	struct leg_stream *best = NULL;

	for (unsigned i = 0; i < l->n_streams; i++) {
		struct leg_stream *st = &l->stream[i];

		if (st->used)
			continue;
		if (st->reserved && st->id == id)
			return st;
		if (!best || (best->reserved && !st->reserved))
			best = st;
	}
	return best;
}

static struct leg_stream *stream_of(struct midi_leg *l, uint32_t id)
{
	for (unsigned i = 0; i < l->n_streams; i++)
		if (l->stream[i].used && l->stream[i].id == id)
			return &l->stream[i];
	return NULL;
}

static int join_apart(struct midi_leg *l, uint32_t id, const struct midi_state *state, uint64_t now_us)
{
	struct leg_stream *st = stream_for(l, id);
	bool again;

	if (stream_of(l, id))
		return EALREADY;
	if (!st)
		return ENOSPC;
	again = st->reserved && st->id == id;
	if (!again)
		st->mapped = false;
	st->used = st->reserved = true;
	st->id = id;
	l->scratch = *state;
	if (l->conf.subset)
		midi_limit_rt(&l->scratch, l->conf.subset);
	l->ops->begin_rt(st->index, id, again, l->arg);
	begin_stream(st, &l->scratch, again, now_us);
	return 0;
}

int midi_leg_join_rt(struct midi_leg *l, uint32_t id, const struct midi_state *st, uint64_t now_us)
{
	if (l->paused)
		return EPROTO;
	return l->merge ? join_merged(l, id, st, now_us) : join_apart(l, id, st, now_us);
}

bool midi_leg_has(const struct midi_leg *l, uint32_t id)
{
	if (l->merge)
		return midi_merge_has(l->merge, id);
	for (unsigned i = 0; i < l->n_streams; i++)
		if (l->stream[i].used && l->stream[i].id == id)
			return true;
	return false;
}

/* ---- ends ---- */

static void release_stream(struct leg_stream *st, uint64_t now_us)
{
	struct saying s = {.st = st, .ts = leg_stream_now_rt(st, now_us), .now_us = now_us};

	leg_stream_flush_rt(st, now_us);          /* the state is what has been sent */
	if (st->sysex_open)
		leg_stream_cancel_rt(st, s.ts, now_us);
	midi_release_rt(midi_sender_state(st->sender), say, &s);
	leg_stream_flush_rt(st, now_us);
}

/* Its NoteOffs are told twice, as nothing will be told after the BYE. */
static void leave_apart(struct midi_leg *l, uint32_t id, uint64_t now_us)
{
	struct leg_stream *st = stream_of(l, id);

	if (!st)
		return;
	release_stream(st, now_us);
	leg_stream_guard_rt(st, now_us);
	st->used = st->reserved = false;
	l->ops->end_rt(st->index, l->arg);
}

void midi_leg_leave_rt(struct midi_leg *l, uint32_t id, uint64_t now_us)
{
	struct leg_call c = {.leg = l, .id = id, .ts = leg_stream_now_rt(&l->stream[0], now_us), .now_us = now_us};

	if (l->merge) {
		midi_merge_leave_rt(l->merge, id, l->begun ? said_merged : NULL, &c);
		leg_stream_flush_rt(&l->stream[0], now_us);
	} else {
		leave_apart(l, id, now_us);
	}
}

void midi_leg_pause_rt(struct midi_leg *l)
{
	l->begun = false;
	l->paused = true;
	if (l->merge)
		midi_merge_clear_rt(l->merge);
	for (unsigned i = 0; i < l->n_streams; i++) {
		l->stream[i].used = false;
		l->stream[i].n_list = 0;
	}
}

void midi_leg_resume_rt(struct midi_leg *l)
{
	l->paused = false;
}

/* Who left in the pause. */
static bool is_orphan(const struct leg_stream *st)
{
	return st->reserved && !st->used;
}

static void end_orphan(struct leg_stream *st)
{
	st->reserved = false;
	st->leg->ops->end_rt(st->index, st->leg->arg);
}

/* ---- commands ---- */

/* "System Reset is never forwarded": it ends what its source holds. Active Sense tells of a cable, and this is none. */
static void put_apart(struct midi_leg *l, const struct midi_leg_cmd *c, uint64_t now_us)
{
	struct leg_stream *st = stream_of(l, c->id);
	const uint8_t status = c->cmd->status;

	if (!st) {
		l->left.unplaced++;
		return;
	}
	if (status == MIDI_RESET)
		release_stream(st, now_us);
	else if (status == MIDI_SYSEX)
		leg_stream_sysex_rt(st, c->cmd, leg_stream_map_rt(st, c), now_us);
	else if (status != MIDI_SENSE && leg_may_rt(l, c->cmd))
		leg_stream_put_rt(st, c->cmd, leg_stream_map_rt(st, c), now_us);
}

static void put_merged(struct midi_leg *l, const struct midi_leg_cmd *cmd, uint64_t now_us)
{
	struct leg_call c = {.leg = l, .id = cmd->id, .now_us = now_us};

	if (!l->begun)
		begin_merged(l, now_us);
	c.ts = leg_stream_now_rt(&l->stream[0], cmd->at_us);
	midi_merge_put_rt(l->merge, cmd->id, cmd->cmd, now_us, said_merged, &c);
}

void midi_leg_put_rt(struct midi_leg *l, const struct midi_leg_cmd *cmd, uint64_t now_us)
{
	if (l->paused)
		return;
	if (l->merge)
		put_merged(l, cmd, now_us);
	else
		put_apart(l, cmd, now_us);
}

void midi_leg_flush_rt(struct midi_leg *l, uint64_t now_us)
{
	for (unsigned i = 0; i < l->n_streams; i++)
		if (l->stream[i].used)
			leg_stream_flush_rt(&l->stream[i], now_us);
}

void midi_leg_tell_rt(struct midi_leg *l, const struct midi_cmd *cmd, uint64_t now_us)
{
	const struct midi_leg_cmd c = {.id = MIDI_LEG_HOUSE, .cmd = cmd, .at_us = now_us};

	if (!midi_leg_has(l, MIDI_LEG_HOUSE)) {
		midi_state_init(&l->scratch);
		if (midi_leg_join_rt(l, MIDI_LEG_HOUSE, &l->scratch, now_us))
			return;           /* on hold, or there is no stream left */
	}
	midi_leg_put_rt(l, &c, now_us);
	midi_leg_flush_rt(l, now_us);
}

/* ---- reports and time ---- */

void midi_leg_report_rt(struct midi_leg *l, unsigned stream, uint32_t ehsn)
{
	if (stream < l->n_streams && l->stream[stream].used)
		midi_sender_report(l->stream[stream].sender, ehsn);
}

void midi_leg_inherit_rt(struct midi_leg *l, void *arg, const struct midi_subset *subset)
{
	l->arg = arg;
	l->conf.subset = subset;
	if (l->merge)
		midi_merge_subset_rt(l->merge, subset);
}

void midi_leg_renumber_rt(struct midi_leg *l, unsigned stream, uint64_t now_us)
{
	struct leg_stream *st = &l->stream[stream];

	if (stream >= l->n_streams || !st->used)
		return;
	leg_stream_flush_rt(st, now_us);
	l->scratch = *midi_sender_state(st->sender);
	begin_stream(st, &l->scratch, false, now_us);
}

void midi_leg_renew_rt(struct midi_leg *l)
{
	for (unsigned i = 0; i < l->n_streams; i++)
		if (l->stream[i].used)
			midi_sender_renew(l->stream[i].sender);
}

uint64_t midi_leg_due_rt(const struct midi_leg *l)
{
	uint64_t due = l->merge && !l->begun ? 0 : UINT64_MAX;

	if (l->paused)
		return UINT64_MAX;
	for (unsigned i = 0; i < l->n_streams; i++) {
		const struct leg_stream *st = &l->stream[i];
		const uint64_t at = is_orphan(st) ? 0 : !st->used ? UINT64_MAX : st->n_list ? 0 : midi_sender_due_us(st->sender);

		if (at < due)
			due = at;
	}
	return due;
}

void midi_leg_tick_rt(struct midi_leg *l, uint64_t now_us)
{
	if (l->paused)
		return;
	if (l->merge && !l->begun)
		begin_merged(l, now_us);
	for (unsigned i = 0; i < l->n_streams; i++) {
		struct leg_stream *st = &l->stream[i];

		if (is_orphan(st))
			end_orphan(st);
		if (!st->used)
			continue;
		leg_stream_flush_rt(st, now_us);
		if (midi_sender_due_us(st->sender) <= now_us)
			leg_stream_guard_rt(st, now_us);
	}
}

uint32_t midi_leg_ts_rt(const struct midi_leg *l, unsigned stream, uint64_t now_us)
{
	return leg_stream_now_rt(&l->stream[stream], now_us);
}

void midi_leg_left_rt(struct midi_left *left, const struct midi_leg *l)
{
	*left = l->left;
	if (l->merge)
		midi_left_of_merge_rt(left, midi_merge_stats(l->merge));
}
