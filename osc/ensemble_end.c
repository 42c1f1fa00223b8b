/*
 * ensemble_end.c - the relay of an end (relay_conf.end): what its party says is for the house and for nobody else.
 *
 *      line (in) > the protocol's own, the clock: answered here
 *                > rate > the ring to the control thread > player_conf.househ, with its times
 *
 * State for which there is no token, or no room in the ring, waits as the latest value of its address, so that what is heard in
 * the end is true. Events are dropped. The protocol's own messages are few, and a leave must not be missed: a part of the ring is theirs.
 */
#include <string.h>
#include "ensemble.h"
#include "ensemble_priv.h"
#include "house_rt.h"
#include "mixer/rtcp.h"

enum { RESERVED = 64, FULL_US = 2000, FAR_S = 3600 };

/* By our clock; 0: at once. In 2^-32 s, "and plus `shift` they are of the server's wallclock", which is ours here. */
static uint64_t due_of(const struct player_rt *p, const struct gesture *g, uint64_t timetag, uint64_t now_us)
{
	int64_t ahead, us;

	if (timetag == OSC_NOW)
		timetag = g->timetag;
	if (!g->timed || timetag <= OSC_NOW)
		return 0;
	ahead = (int64_t)(timetag + g->shift - rtcp_ntp(forward_unix_us_rt(p->forward, now_us)));
	if (ahead > (int64_t)FAR_S << 32 || ahead < -((int64_t)FAR_S << 32))
		return 0;
	us = (int64_t)now_us + (ahead >> 12) * 1000000 / (1 << 20);
	return us > 0 ? (uint64_t)us : 0;
}

/* As if there were no token for a while. */
static void hold(struct player_rt *p, const struct osc_msg *msg, uint64_t now_us)
{
	p->up->bucket.has     = 0;
	p->up->bucket.last_us = now_us + FULL_US;
	(void)oscrate_offer_rt(p->up, msg, OSC_STATE, now_us);
}

static void say(struct player_rt *p, const struct osc_msg *msg, enum osc_kind kind, const struct forward_when *when, uint64_t now_us)
{
	if (forward_says_left_rt(p->forward) > RESERVED && forward_say_rt(p->forward, p->id, msg->raw, msg->len, false, when))
		return;
	tally_up_rt(&forward_count(p->forward)->house_full);
	if (kind == OSC_STATE && msg->len <= FORWARD_SAY_MAX)
		hold(p, msg, now_us);
}

/* Refresh and ping are answered here; joins and leaves are what the house wants to know. */
static void protocol(struct line_rt *l, const struct osc_msg *msg, const struct forward_when *when, uint64_t now_us)
{
	struct gest g;

	gest_read(&g, msg);
	if (gest_from_party(g.kind))
		ensemble_control_rt(l, msg, now_us);
	else
		forward_say_rt(l->forward, l->player->id, msg->raw, msg->len, false, when);
}

static void one_message(struct line_rt *l, const struct osc_msg *msg, const struct gesture *g, uint64_t timetag, uint64_t now_us)
{
	struct player_rt *p = l->player;
	const struct forward_when when = {.at_us = now_us, .played_us = g->at_us, .due_us = due_of(p, g, timetag, now_us),
		.repaired = g->repaired};
	const enum osc_kind kind = kind_of(p->kinds, msg);

	if (!strncmp(msg->addr, "/_gest/", 7)) {
		protocol(l, msg, &when, now_us);
		return;
	}
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		tally_up_rt(&forward_count(p->forward)->direction);
		return;
	}
	ensemble_count_rt(p, g, 1);
	if (house_rt(l, msg, now_us))
		return;
	switch (oscrate_offer_rt(p->up, msg, kind, now_us)) {

	case OSCRATE_SEND:    say(p, msg, kind, &when, now_us); break;
	case OSCRATE_HELD:    tally_up_rt(&forward_count(p->forward)->coalesced); break;
	case OSCRATE_DROPPED: tally_up_rt(&forward_count(p->forward)->rate_dropped); break;
	}
}

void ensemble_end_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct osc_iter it;
	struct osc_msg msg;

	osc_iter_init(&it, g->osc, g->len);
	while (osc_next(&it, &msg))
		one_message(l, &msg, g, it.timetag, now_us);
}

void ensemble_end_held_rt(struct player_rt *p, const struct osc_msg *msg, uint64_t now_us)
{
	const struct forward_when when = {.at_us = now_us, .played_us = now_us, .repaired = true};
	uint8_t buf[FORWARD_SAY_MAX];
	struct osc_msg copy;

	if (msg->len > sizeof(buf))
		return;
	memcpy(buf, msg->raw, msg->len);          /* it may have to wait again, and is the table's own */
	if (!osc_msg_read(&copy, buf, msg->len))
		say(p, &copy, OSC_STATE, &when, now_us);
}
