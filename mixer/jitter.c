/*
 * jitter.c - jitter buffer: put at arrival, get at playout time.
 *
 *      slots, by seq modulo their number              next: sequence number and timestamp of the sound that is due
 *      [ ][ ][7][8][ ][10][ ][ ]                      head: the oldest packet held, newest: the youngest
 *             ^head        ^newest
 *
 * The reader takes sound at its own steady pace; each answer it gets lasts as long as the sound in it. So the delay does
 * not have to be scheduled: it is made by the first packet given out, and stays until an answer is given that is no
 * packet (it grows) or a packet is passed over (it shrinks). `due_us` measures it: how long ago would the head have
 * been here had it been as fast as the fastest packet of the last seconds? (arrival.c)
 *
 *      nothing held      conceal, but do not yet give up what is due. If it comes after all, it is played and the delay
 *                        has grown, at once and by just what was missing. If its successor comes instead, it was lost,
 *                        and what was concealed stood for it: the delay has not grown.
 *      a hole            younger packets are here: LOST for the time it spans
 *      a pause           timestamps went on, sequence numbers did not: SILENCE until the next packet's time. Here the
 *                        delay becomes what it should be, both ways.
 *      too much delay    leave out a packet, seldom; soon if the reader says that it is quiet
 *      too little        packets came after their time was concealed: insert concealment up to the target
 *
 * A fixed buffer never waits: concealed time has passed. It moves only where a packet was late that was as fast as any, so that
 * the timing was its own fault (need.c); if the sender's clock ran away; or, where it is to fit, when a packet came late and the
 * target says so. All of that is asked of one figure, need_us: too late is who needs more than the delay there is.
 * A reader that plays faster where excess_us is long (pace.h) leaves little for shrink_rt to do.
 *
 *      a hole that was   the sender says each frame twice (RFC 2198): a lost one comes inside the next packet, so much later.
 *      filled            For as long as that happens the target is what the latest of them took, and nothing is concealed.
 *
 * Decided against: scheduling every packet to a wall clock time. The reader's clock is the sound card of this house, and
 * two clocks in one buffer make every threshold a quarrel between them.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "jitter_priv.h"

enum { SLOTS_MAX = 1024, RARE = 100 };

/* ---- making and resetting ---- */

static void destructor(void *arg)
{
	struct jitter *j = arg;

	mem_deref(j->slot);
	mem_deref(j->mem);
}

static bool conf_ok(const struct jitter_conf *c)
{
	return c->clock >= 1000 && c->clock <= 1000000 && c->max_ms && c->max_ms <= 10000 && c->min_ms <= c->max_ms &&
		c->start_ms <= c->max_ms && c->max_payload && c->max_payload <= 65536 && (!c->room || c->room >= c->max_payload) &&
		c->n_slots >= 2 && c->n_slots <= SLOTS_MAX;
}

int jitter_alloc(struct jitter **jp, const struct jitter_conf *conf)
{
	struct jitter *j;
	uint32_t n = 1;
	int err = 0;

	if (!jp || !conf || !conf_ok(conf))
		return EINVAL;

	/* a power of two divides 65536, so neighbours stay neighbours where the sequence number wraps */
	while (n < conf->n_slots)
		n <<= 1;

	j = mem_zalloc(sizeof(*j), destructor);
	if (!j)
		return ENOMEM;

	j->conf = *conf;
	j->hold = j->steps = -1;
	j->mask = (uint16_t)(n - 1);
	j->slot = mem_zalloc(n * sizeof(*j->slot), NULL);
	j->room = conf->room ? conf->room : n * conf->max_payload;
	j->mem  = mem_zalloc(j->room, NULL);
	if (!j->slot || !j->mem) {
		err = ENOMEM;
		goto out;
	}

	arrival_init(&j->arrival, conf->max_ms, RARE);

 out:
	if (err)
		mem_deref(j);
	else
		*jp = j;

	return err;
}

void jitter_reset_rt(struct jitter *j)
{
	if (!j)
		return;

	for (uint32_t i = 0; i <= j->mask; i++)
		j->slot[i].kind = EMPTY;

	j->held  = 0;
	j->frame = 0;
	memset(&j->in, 0, sizeof(j->in));
	memset(&j->out, 0, sizeof(j->out));
	memset(&j->rescued, 0, sizeof(j->rescued));
	arrival_clear_rt(&j->arrival);
	need_clear_rt(&j->need);
}

/* ---- slots ---- */

void jitter_remove_rt(struct jitter *j)
{
	at(j, j->head)->kind = EMPTY;
	if (!--j->held)
		return;

	do
		j->head++;
	while (!is_kind(j, j->head, PACKET));
}

unsigned jitter_missing(const struct jitter *j, uint16_t from, uint16_t to)
{
	const uint16_t n = (uint16_t)(to - from);
	unsigned missing = n;

	/* what was skipped lies within one round of the slots before `to` */
	for (unsigned i = 1; i <= n && i <= j->mask; i++)
		missing -= is_kind(j, (uint16_t)(to - i), SKIPPED);

	return missing;
}

void jitter_advance_rt(struct jitter *j, uint16_t seq, bool here)
{
	struct playing *out = &j->out;
	const uint16_t n = (uint16_t)(seq - out->next_seq);

	for (unsigned i = 0; i < n && i <= j->mask; i++) {
		const uint16_t passed = (uint16_t)(seq - 1 - i);

		if (is_kind(j, passed, SKIPPED))
			at(j, passed)->kind = EMPTY;
	}
	out->history  = n < 64 ? out->history << n : 0;
	out->history |= n && here;
	out->next_seq = seq;
}

void jitter_pass_rt(struct jitter *j)
{
	const struct slot *s = at(j, j->head);
	const uint16_t seq = s->seq;
	const int64_t ts = s->ts;

	jitter_remove_rt(j);
	if (!j->out.begun)
		return;

	j->stats.lost += jitter_missing(j, j->out.next_seq, seq);
	jitter_advance_rt(j, (uint16_t)(seq + 1), true);
	j->out.next_ts   = is_kind(j, (uint16_t)(seq + 1), PACKET) ? at(j, (uint16_t)(seq + 1))->ts : ts + j->frame;
	j->out.credit    = 0;
	j->out.may_learn = false;
}

void jitter_bound_rt(struct jitter *j)
{
	while (j->held > 1 && jitter_span_ticks(j) > ticks_of_ms(j, j->conf.max_ms)) {
		jitter_pass_rt(j);
		j->stats.overflow++;
	}
}

int64_t jitter_span_ticks(const struct jitter *j)
{
	int64_t span;

	if (!j->held)
		return 0;

	span = at(j, j->newest)->ts - at(j, j->head)->ts + j->frame;
	return span > 0 ? span : 0;
}

/* A fixed buffer's: what was chosen, what it finds (as long as it is not known, what it begins with), or what it was made
 * with; as far as there is room for it. */
static int64_t fixed_us(const struct jitter *j)
{
	const int64_t frame_us = us_of(j, j->frame), room_us = (int64_t)j->conf.max_ms * 1000 - frame_us;
	int64_t us = (int64_t)j->conf.min_ms * 1000, most_us = room_us > 0 ? room_us : 0;

	if (j->hold >= 0) {
		us = frame_us * j->hold;
	}
	else if (j->conf.fit) {
		us = j->steps >= 0 ? frame_us * j->steps * JITTER_FIT_FRAMES / ODDS_STEPS : (int64_t)j->conf.start_ms * 1000;
		if (j->frame && most_us > JITTER_FIT_FRAMES * frame_us)
			most_us = JITTER_FIT_FRAMES * frame_us;
	}
	return us < most_us ? us : most_us;
}

int64_t jitter_floor_us(const struct jitter *j)
{
	const int64_t min_us = (int64_t)j->conf.min_ms * 1000, start_us = (int64_t)j->conf.start_ms * 1000;
	int64_t us = start_us;

	if (j->conf.fixed)
		return fixed_us(j);
	if (arrival_sure(&j->arrival) && j->arrival.latest_us < start_us)
		us = j->arrival.latest_us;

	return us > min_us ? us : min_us;
}

int64_t jitter_target_us(const struct jitter *j)
{
	const int64_t frame_us = us_of(j, j->frame), floor_us = jitter_floor_us(j);
	int64_t us, cap_us;

	if (j->conf.fixed)
		return floor_us;

	/* A target that needs more room than there is would be asked for again and again. */
	cap_us = (int64_t)j->conf.max_ms * 1000 - frame_us;
	if (j->frame && cap_us > frame_us * (j->conf.n_slots - 1))
		cap_us = frame_us * (j->conf.n_slots - 1);

	us = j->arrival.spread_us;
	if (us < j->rescued.cur_us)
		us = j->rescued.cur_us;
	if (us < j->rescued.prev_us)
		us = j->rescued.prev_us;
	if (us > cap_us)
		us = cap_us;

	return us > floor_us ? us : floor_us;
}

void jitter_stats(const struct jitter *j, struct jitter_stats *s)
{
	*s = j->stats;
	s->depth_ms  = (uint32_t)(jitter_span_ticks(j) * 1000 / j->conf.clock);
	s->target_ms = (uint32_t)((jitter_target_us(j) + 999) / 1000);
	s->jitter_us = j->arrival.jitter_q4 >> 4;
}

void jitter_hold_rt(struct jitter *j, int frames, uint32_t n_ts, uint32_t ahead)
{
	if (!j || !j->conf.fixed)
		return;
	j->tick = n_ts;
	j->ahead = ahead;
	if (frames == j->hold || frames > INT8_MAX)
		return;
	j->hold = frames < 0 ? -1 : (int8_t)frames;
	j->out.settling = frames >= 0;
}

int jitter_held_at(const struct jitter *j)
{
	return j->hold;
}

bool jitter_odds(const struct jitter *j, float missing[JITTER_ODDS])
{
	return j->conf.fixed && odds_minute(&j->odds, (uint32_t)us_of(j, j->frame), missing);
}

const struct jitter_stats *jitter_counted(const struct jitter *j)
{
	return &j->stats;
}
