/*
 * who.c - what a bus's tick tells about its members.
 *
 *     each that is heard      > contrib: lists for all frame lengths in use     > header of who asked for them (leg_send)
 *     each that talks         > speaker: who has the floor                      > LEG_EVENT_FLOOR, by ring
 *
 * A member that is silent costs two comparisons. Its level is what leg_play measured: as it was sent, before gate and gain.
 *
 * The floor goes with the bus: who leaves has none, and control, which sent it away, knows that by itself. A muted member
 * gives it up at once. Control hears an event of a leg that is on its way to another bus only if it came from the one it
 * is in (mixer.c).
 */
#include <stddef.h>
#include "bus.h"
#include "view.h"
#include "who.h"

enum {
	FLOOR_MIN_MS = 1000,      /* how seldom it passes: a picture that follows it must not flicker */
	IP_UDP = 48,              /* of IPv6 */
	HDR_MAX = RTP_HDR_LEN + 4 * RTP_CSRC_MAX + RTP_EXT_HDR_LEN + CONTRIB_EXT,
	PAYLOAD_MAX = RTP_MTU - IP_UDP - HDR_MAX - SEAL_ROOM,
};

void who_init(struct bus_rt *b)
{
	speaker_init(&b->floor, FLOOR_MIN_MS);
}

void who_join_rt(struct leg_rt *l)
{
	/* RFC 3550 allows an SSRC of 0; to the detector that is nobody. */
	speaker_join(&l->floor, l->ssrc != SPEAKER_NONE ? l->ssrc : ~(uint32_t)SPEAKER_NONE);
}

void who_leave_rt(struct bus_rt *b, struct leg_rt *l)
{
	speaker_leave_rt(&b->floor, &l->floor);
}

static bool wants_lists_rt(const struct leg_rt *l)
{
	return l->plan && l->plan->desc.levels_tx_ext && leg_frame_rt(l);
}

void who_members_rt(struct bus_rt *b)
{
	uint32_t n48[CONTRIB_FRAMES];
	unsigned n = 0, i;
	struct le *le;

	for (le = b->legs.head; le && !b->limbo; le = le->next) {
		const struct leg_rt *l = le->data;

		if (!wants_lists_rt(l))
			continue;
		for (i = 0; i < n && n48[i] != l->plan->frame_smp; i++)
			;
		if (i == n && n < CONTRIB_FRAMES)
			n48[n++] = l->plan->frame_smp;
	}
	contrib_want_rt(&b->contrib, n48, n);
}

void who_begin_rt(struct bus_rt *b)
{
	contrib_tick_rt(&b->contrib, b->pos);
}

static void tell_rt(struct leg_rt *l, bool on)
{
	struct leg_event ev = {.type = LEG_EVENT_FLOOR, .on = on};

	thread_event_rt(l->t, l, &ev);
}

/* Who is muted never has it. What it scored is gone too: unmuted, it begins anew. */
static void give_up_rt(struct bus_rt *b, struct leg_rt *l)
{
	speaker_leave_rt(&b->floor, &l->floor);
	who_join_rt(l);
	tell_rt(l, false);
}

void who_hear_rt(struct bus_rt *b, struct leg_rt *l)
{
	uint8_t dbov;

	if (!l->heard) {
		if (b->floor.holder == &l->floor && atomic_load_explicit(&l->mute, memory_order_relaxed))
			give_up_rt(b, l);
		return;
	}
	if (b->limbo)
		return;
	dbov = (uint8_t)atomic_load_explicit(&l->n.level, memory_order_relaxed);
	if (b->contrib.n && l->rep.src.any)
		contrib_add_rt(&b->contrib, (struct contrib_src){l->view_id, l->rep.src.ssrc, dbov});
	if (l->play.level.talking)
		speaker_hear_rt(&b->floor, &l->floor, dbov);
}

static struct leg_rt *leg_of(struct speaker_leg *s)
{
	return (struct leg_rt *)(void *)((char *)s - offsetof(struct leg_rt, floor));
}

void who_end_rt(struct bus_rt *b)
{
	struct speaker_event ev;

	if (speaker_tick_rt(&b->floor, &ev, b->quantum * 1000 / 48) && b->floor.holder)
		tell_rt(leg_of(b->floor.holder), true);
}

/* Silent in its own mix is not in its mix. */
static bool is_silenced_rt(uint64_t member, void *arg)
{
	const struct view_gain *g = view_row_find_rt(arg, member);

	return g && g->gain == 0;
}

void who_write_rt(const struct leg_rt *l, struct rtp_pkt *pkt, uint8_t ext[CONTRIB_EXT], size_t len)
{
	const struct contrib_to to = {
		.n48 = l->plan->frame_smp, .own = l->rep.src.any ? l->rep.src.ssrc : l->ssrc, .id = l->plan->desc.levels_tx_ext,
		.skiph = l->view.row ? is_silenced_rt : NULL, .arg = l->view.row };

	if (to.id && len <= PAYLOAD_MAX && !ramp_silent(&l->send.gain))      /* who is deaf hears nobody */
		contrib_write_rt(&l->bus->contrib, pkt, ext, &to);
}
