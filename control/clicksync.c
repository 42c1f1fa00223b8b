/*
 * clicksync.c - when each member hears the beat of its room.
 *
 *     beat (of the room's samples)         |
 *     room   the click is in its mix       x ....... heard so much later as its end is away
 *     ear    sooner by the way to its ear  x ------> |
 *     mix    ... and by that from there    x ------> o ------> |    what it plays to it is in the mix on the beat
 *
 * The ways are those of the table of delays (delay.h), as far as they are known, looked at once a second. So with `ear` all hear
 * a click at the same instant, wherever they are. A click that is heard sooner must be known sooner: starts and changes of tempo
 * wait for the one who is furthest away.
 */
#include <errno.h>
#include <string.h>
#include "state.h"
#include "verbs.h"

enum { NEWS_SMP = 12 };           /* a quarter of a millisecond is not followed */

static uint32_t ahead_smp(const struct member *m)
{
	struct delay d;
	uint32_t us;

	if (m->sync == CLICK_ROOM || control_delay(m->c, m->id, &d))
		return 0;
	us = delay_from_mix(&d) + (m->sync == CLICK_MIX ? delay_to_mix(&d) : 0);
	return us > CLICK_AHEAD_MAX_US ? (uint32_t)LEG_CLICK_AHEAD_MAX : (uint32_t)mixer_us_smp(us);
}

static void click_aim(struct member *m)
{
	const uint32_t now = ahead_smp(m), was = m->click_ahead;

	if ((now > was ? now - was : was - now) < NEWS_SMP && now)
		return;
	m->click_ahead = now;
	if (m->face.leg)
		leg_set_click_ahead(m->face.leg, now);
}

uint32_t click_lead(const struct room *r)
{
	uint32_t most = 0;
	struct le *le;

	LIST_FOREACH(&r->members, le) {
		const struct member *m = le->data;

		if (m->click && m->click_ahead > most)
			most = m->click_ahead;
	}
	return most;
}

void clicks_aim(struct room *r)
{
	struct le *le;

	LIST_FOREACH(&r->members, le)
		click_aim(le->data);
}

int verb_click_sync(struct act *a)
{
	struct member *m = a->member;
	enum click_sync sync = CLICK_ROOM;

	while (sync < CLICK_SYNC_N && strcmp(click_sync_name(sync), a->cmd->text) != 0)
		sync++;
	if (sync == CLICK_SYNC_N)
		return EINVAL;
	if (m->sync == sync)
		return 0;
	m->sync = sync;
	click_aim(m);
	member_changed(m, "click");
	return 0;
}
