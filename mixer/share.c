/*
 * share.c - encode once: members who hear the same in the same codec send the same payloads.
 *
 *     bus.leaders    [ a ]         [ d ]          one for each codec, its settings and frame
 *                      |             |
 *                    b c e         f g h i        followers: header, number, time stamp and key are their own
 *
 * Everybody has an encoder of its own, and the leader's is the one that runs. Whoever is to hear something else (it is in
 * the sum and must not hear itself, it is deaf, it leaves) takes a copy of the leader's stream as it stands: what waits
 * for a whole frame, the filter, the encoder. Its decoder finds no seam. When the leader itself parts it goes on with
 * what it has, and a follower takes the copy and the lead. So nothing is allocated, and no stream is encoded that nobody
 * hears.
 *
 * Back it goes when it has heard the same as all for so long that what waits in both queues is the same, and both limiters
 * turn it down by the same: the next peak over full scale makes them equal, or two seconds without one. An encoder with
 * memory has by then another one than the leader's; it changes over in a moment when all are quiet, or after PATIENCE_SMP.
 * Who has just come, and has heard two frames of its own encoder at most, follows at once: a room that fills while somebody
 * talks would else encode for each newcomer, three seconds long.
 */
#include "share.h"
#include "view_rt.h"

enum { SETTLE_SMP = CLOCK_RATE / 100, PATIENCE_SMP = 3 * CLOCK_RATE };

/* All but the payload type, which stands in the header; but for who may get redundancy (RFC 2198), inside the payload. */
static bool same_codec(const struct leg_plan *p, const struct leg_plan *q)
{
	struct leg_codec c = p->desc.tx;

	if (p->desc.red_tx_gen != q->desc.red_tx_gen)
		return false;
	if (!p->desc.red_tx_gen)
		c.pt = q->desc.tx.pt;
	return p->frame_smp == q->frame_smp && leg_codec_equal(&c, &q->desc.tx);
}

static bool in_step(const struct leg_rt *l, const struct leg_rt *leader)
{
	return l->send.pos == leader->send.pos && l->send.n == leader->send.n && l->send.channels == leader->send.channels &&
	       l->send.limiter.gain == leader->send.limiter.gain;
}

/* Does it hear just the sum, or what its own mix makes of that, and for more than this tick? */
static bool hears_all_rt(const struct bus_rt *b, const struct leg_rt *l)
{
	const struct leg_send *s = &l->send;

	return !b->limbo && !l->heard && l->leaving == LEG_STAYS && leg_sending_rt(l) && s->begun &&
	       !atomic_load_explicit(&l->deaf, memory_order_relaxed) && s->gain.now == 1 && s->gain.to == 1 &&
	       !atomic_load_explicit(&l->echo, memory_order_relaxed) && ramp_silent(&s->echo) && ramp_silent(&s->alone) &&
	       !say_on_rt(&s->say) && leg_clickless_rt(l) &&
	       !bus_alone_rt(b) && view_steady_rt(l);
}

static struct leg_rt *leader_for_rt(const struct bus_rt *b, const struct leg_rt *l)
{
	struct le *le;

	for (le = b->leaders.head; le; le = le->next) {
		struct leg_rt *leader = le->data;

		if (same_codec(l->plan, leader->plan) && in_step(l, leader) && view_same_rt(l, leader))
			return leader;
	}
	return NULL;
}

static void lead_rt(struct bus_rt *b, struct leg_rt *l)
{
	l->share.leader = l;
	l->share.known = true;
	list_append(&b->leaders, &l->share.le, l);
}

static void follow_rt(struct leg_rt *l, struct leg_rt *leader)
{
	l->share.leader = leader;
	l->share.known = true;
	list_append(&leader->share.followers, &l->share.le, l);
}

/* Another encoder's next frame: would its ear hear that? */
static bool may_change_rt(const struct bus_rt *b, const struct leg_rt *l)
{
	return !l->plan->desc.tx.codec->enc_copy_rt || b->quiet || !l->share.known || l->share.same_smp > PATIENCE_SMP;
}

static void join_rt(struct bus_rt *b, struct leg_rt *l)
{
	struct leg_rt *leader;

	l->share.same_smp += b->quantum;
	if (l->share.same_smp < l->plan->frame_smp + SETTLE_SMP)
		return;
	leader = leader_for_rt(b, l);
	if (!leader)
		lead_rt(b, l);
	else if (may_change_rt(b, l))
		follow_rt(l, leader);
}

/* The first follower takes the others over. */
static void hand_over_rt(struct leg_rt *l)
{
	struct leg_rt *heir = list_ledata(l->share.followers.head);
	struct le *le;

	if (!heir)
		return;
	list_unlink(&heir->share.le);
	leg_send_copy_rt(heir, l);
	lead_rt(l->bus, heir);
	while ((le = l->share.followers.head)) {
		struct leg_rt *f = le->data;

		list_unlink(le);
		follow_rt(f, heir);
	}
}

void share_part_rt(struct leg_rt *l)
{
	struct leg_rt *leader = l->share.leader;

	l->share.same_smp = 0;
	if (!leader)
		return;
	list_unlink(&l->share.le);
	if (leader == l)
		hand_over_rt(l);
	else
		leg_send_copy_rt(l, leader);
	l->share.leader = NULL;
}

void share_update_rt(struct bus_rt *b, struct leg_rt *l)
{
	if (hears_all_rt(b, l)) {
		if (!l->share.leader)
			join_rt(b, l);
		return;
	}
	if (!b->limbo && l->send.begun && l->send.gain.now == 1)
		l->share.known = true;    /* ... by its ear, at its full volume */
	share_part_rt(l);
}
