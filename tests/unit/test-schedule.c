/* When a room is open, on a calendar with summer time. */
#include <glib.h>
#include <string.h>
#include <time.h>
#include "control/schedule.h"

static struct wall wall(const char *text)
{
	struct wall w;

	g_assert_cmpint(wall_parse(&w, text), ==, 0);
	return w;
}

static uint64_t utc_ms(const char *text)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(text, NULL);

	g_assert_nonnull(t);
	return (uint64_t)g_date_time_to_unix(t) * 1000;
}

static const enum repeat none = REPEAT_NONE, daily = REPEAT_DAILY, weekdays = REPEAT_WEEKDAYS, weekly = REPEAT_WEEKLY,
			 monthly = REPEAT_MONTHLY;

/* The clock on the wall is that of Berlin; now, and start and end, in UTC ("" where there is none). */
static const struct {
	const char *start, *end;
	const enum repeat *repeat;
	const char *now;
	enum schedule_phase phase;
	const char *starts, *ends;
} row[] = {
	{ "", "", &none, "2026-01-01T00:00:00Z", SCHEDULE_OPEN, "", "" },
	{ "2026-01-02T10:00", "", &none, "2026-01-02T08:59:59Z", SCHEDULE_BEFORE, "2026-01-02T09:00:00Z", "" },
	{ "2026-01-02T10:00", "", &none, "2026-01-02T09:00:00Z", SCHEDULE_OPEN, "2026-01-02T09:00:00Z", "" },
	{ "", "2026-01-02T10:00", &none, "2026-01-02T08:59:59Z", SCHEDULE_OPEN, "", "2026-01-02T09:00:00Z" },
	{ "", "2026-01-02T10:00", &none, "2026-01-02T09:00:00Z", SCHEDULE_OVER, "", "2026-01-02T09:00:00Z" },
	/* Before, in, between, in again; over the night in which summer time begins it stays at ten on the wall. */
	{ "2026-03-27T10:00", "2026-03-27T11:30", &daily, "2020-01-01T00:00:00Z", SCHEDULE_BEFORE, "2026-03-27T09:00:00Z", "2026-03-27T10:30:00Z" },
	{ "2026-03-27T10:00", "2026-03-27T11:30", &daily, "2026-03-28T10:29:59Z", SCHEDULE_OPEN, "2026-03-28T09:00:00Z", "2026-03-28T10:30:00Z" },
	{ "2026-03-27T10:00", "2026-03-27T11:30", &daily, "2026-03-28T10:30:00Z", SCHEDULE_BEFORE, "2026-03-29T08:00:00Z", "2026-03-29T09:30:00Z" },
	{ "2026-03-27T10:00", "2026-03-27T11:30", &daily, "2026-10-25T09:00:00Z", SCHEDULE_OPEN, "2026-10-25T09:00:00Z", "2026-10-25T10:30:00Z" },
	/* Over midnight. */
	{ "2026-01-01T23:00", "2026-01-02T01:00", &daily, "2026-02-01T23:30:00Z", SCHEDULE_OPEN, "2026-02-01T22:00:00Z", "2026-02-02T00:00:00Z" },
	/* All day, every day: one ends when the next begins. */
	{ "2026-01-01T00:00", "2026-01-02T00:00", &daily, "2026-07-01T22:00:00Z", SCHEDULE_OPEN, "2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z" },
	/* Friday 21 November 2025; then Monday. */
	{ "2025-11-21T09:00", "2025-11-21T10:00", &weekdays, "2025-11-21T08:30:00Z", SCHEDULE_OPEN, "2025-11-21T08:00:00Z", "2025-11-21T09:00:00Z" },
	{ "2025-11-21T09:00", "2025-11-21T10:00", &weekdays, "2025-11-21T09:00:00Z", SCHEDULE_BEFORE, "2025-11-24T08:00:00Z", "2025-11-24T09:00:00Z" },
	{ "2025-11-22T09:00", "2025-11-22T10:00", &weekdays, "2025-11-01T09:00:00Z", SCHEDULE_BEFORE, "2025-11-24T08:00:00Z", "2025-11-24T09:00:00Z" },
	{ "2025-11-21T09:00", "2025-11-21T10:00", &weekly, "2027-01-01T00:00:00Z", SCHEDULE_BEFORE, "2027-01-01T08:00:00Z", "2027-01-01T09:00:00Z" },
	{ "2025-11-21T09:00", "2025-11-28T09:00", &weekly, "2025-12-25T00:00:00Z", SCHEDULE_OPEN, "2025-12-19T08:00:00Z", "2025-12-26T08:00:00Z" },
	/* The last day of a month that has no 31st. */
	{ "2026-01-31T20:00", "2026-01-31T21:00", &monthly, "2026-02-01T00:00:00Z", SCHEDULE_BEFORE, "2026-02-28T19:00:00Z", "2026-02-28T20:00:00Z" },
	{ "2026-01-31T20:00", "2026-01-31T21:00", &monthly, "2028-02-29T19:30:00Z", SCHEDULE_OPEN, "2028-02-29T19:00:00Z", "2028-02-29T20:00:00Z" },
	{ "2026-01-31T20:00", "2026-01-31T21:00", &monthly, "2026-12-31T20:00:00Z", SCHEDULE_BEFORE, "2027-01-31T19:00:00Z", "2027-01-31T20:00:00Z" },
	{ "2026-01-31T23:30", "2026-02-01T00:30", &monthly, "2026-04-30T22:00:00Z", SCHEDULE_OPEN, "2026-04-30T21:30:00Z", "2026-04-30T22:30:00Z" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct schedule s = { wall(row[i].start), wall(row[i].end), *row[i].repeat };
		uint64_t starts, ends;

		g_test_message("row %zu: %s", i, row[i].now);
		g_assert_true(schedule_valid(&s));
		g_assert_cmpint(schedule_at(&s, utc_ms(row[i].now), &starts, &ends), ==, row[i].phase);
		g_assert_cmpuint(starts, ==, row[i].starts[0] ? utc_ms(row[i].starts) : 0);
		g_assert_cmpuint(ends, ==, row[i].ends[0] ? utc_ms(row[i].ends) : 0);
	}
}

/* At every hour of three years what it says fits itself: now is before the end, starts only ever grow, and open means between. */
static void test_every_hour(void)
{
	static const enum repeat kinds[] = { REPEAT_DAILY, REPEAT_WEEKDAYS, REPEAT_WEEKLY, REPEAT_MONTHLY };

	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
		struct schedule s = { wall("2026-01-30T22:30"), wall("2026-01-31T03:15"), kinds[k] };
		uint64_t last = 0, now = utc_ms("2026-01-01T00:00:00Z");

		for (int hour = 0; hour < 3 * 366 * 24; hour++, now += 3600000) {
			uint64_t starts, ends;
			enum schedule_phase p = schedule_at(&s, now, &starts, &ends);

			g_assert_cmpuint(now, <, ends);
			g_assert_cmpuint(starts, <, ends);
			g_assert_cmpuint(starts, >=, last);
			g_assert_cmpint(p == SCHEDULE_OPEN, ==, now >= starts);
			g_assert_cmpint(p, !=, SCHEDULE_OVER);
			last = starts;
		}
	}
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/schedule/rows", test_rows);
	g_test_add_func("/schedule/every-hour", test_every_hour);
	return g_test_run();
}
