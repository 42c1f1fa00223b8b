/*
 * schedule.h - when a room is open: a first time, and every so often again. Arithmetic only; `now` is handed in.
 * Private to control/.
 *
 * Times are what a clock on the wall of the server shows (its time zone, TZ): a room at eight in the evening stays at
 * eight when summer time begins or ends.
 */
#ifndef CONTROL_SCHEDULE_H
#define CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum repeat { REPEAT_NONE, REPEAT_DAILY, REPEAT_WEEKDAYS, REPEAT_WEEKLY, REPEAT_MONTHLY, REPEAT_N };

struct wall { int year, month, day, hour, minute; };      /* year 0: not set */

struct schedule {
	struct wall start, end;           /* of the first time; either may be missing, but not when it is repeated */
	enum repeat repeat;
};

enum schedule_phase {
	SCHEDULE_OPEN,
	SCHEDULE_BEFORE,                  /* it will be */
	SCHEDULE_OVER,                    /* it was, and will not be again */
};

/* "2026-11-21T20:00" as it is on the wall, with a "Z" or "+01:00" behind it brought to the wall's; a space will do for
 * the T, seconds are taken and dropped. "": not set. EINVAL. */
int  wall_parse(struct wall *w, const char *text);
void wall_print(const struct wall *w, char *buf, size_t size);

bool schedule_valid(const struct schedule *s);            /* ends after it starts; repeated, before it starts again */
/* Where it stands at now_ms; start and end of the time that is, or is next; 0: open on that side. */
enum schedule_phase schedule_at(const struct schedule *s, uint64_t now_ms, uint64_t *start_ms, uint64_t *end_ms);

#endif
