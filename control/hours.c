/*
 * hours.c - what a room's schedule makes happen: who waits for the start comes in, the end is told before, and then all
 * are sent away.
 *
 * The time of day may be set while we wait, so nobody sleeps longer than a minute on it. Whatever is new is found by
 * looking at where the schedule stands now, against where it stood.
 */
#include "entry.h"
#include "state.h"

enum { LOOK_MS = 60000, WARN_MS = 5 * 60000 };

static void look(void *arg);

static void sleep_until_next(struct room *r, uint64_t now)
{
	uint64_t next = r->phase == SCHEDULE_BEFORE ? r->starts_ms : r->ends_ms, left;

	wheel_cancel(&r->clock);
	if (r->phase == SCHEDULE_OVER || next == 0)
		return;
	if (r->phase == SCHEDULE_OPEN && now + WARN_MS < next && r->warned_ms != next)
		next -= WARN_MS;
	left = next > now ? next - now : 0;
	wheel_start(&r->clock, left < LOOK_MS ? left : LOOK_MS, look, r);
}

static void warn(struct room *r, uint64_t now)
{
	if (r->phase != SCHEDULE_OPEN || !r->ends_ms || now + WARN_MS < r->ends_ms || r->warned_ms == r->ends_ms)
		return;
	r->warned_ms = r->ends_ms;
	if (r->n_members)
		event_tell(r, EVENT_ROOM_CHANGED, NULL, "ending");
}

/* The time that was, or was to come, is over: also when the next one begins in this very moment, or when all of it went by
 * while nobody looked. */
static bool is_past(enum schedule_phase was, uint64_t was_ends, const struct room *r)
{
	return was != SCHEDULE_OVER && was_ends && (r->phase == SCHEDULE_OVER || r->ends_ms != was_ends);
}

static void look(void *arg)
{
	struct room *r = arg;
	enum schedule_phase was = r->phase;
	uint64_t was_ends = r->ends_ms, now = unix_ms();

	r->phase = schedule_at(&r->conf.schedule, now, &r->starts_ms, &r->ends_ms);
	warn(r, now);
	sleep_until_next(r, now);
	if (was == SCHEDULE_BEFORE && r->phase == SCHEDULE_OPEN) {
		event_tell(r, EVENT_ROOM_CHANGED, NULL, "opened");
		entry_review(r);
	}
	if (is_past(was, was_ends, r))
		room_clear(r, "schedule");
}

/* Who is in when the settings change stays in, also when the room is not open by them: nobody is thrown out by a form. */
void room_hours(struct room *r)
{
	uint64_t now = unix_ms();

	r->phase = schedule_at(&r->conf.schedule, now, &r->starts_ms, &r->ends_ms);
	warn(r, now);
	sleep_until_next(r, now);
}
