/*
 * schedule.c - when a room is open.
 *
 * The n-th time is counted on the calendar, not in seconds: so many days, weeks or months after the first, by the clock
 * on the wall, and mktime says what that is. An hour that summer time skips is the one after it; of an hour that is
 * there twice, one is taken. The 31st of a month that has none is its last day.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "schedule.h"

enum { YEAR_MIN = 2000, YEAR_MAX = 2200, DAY_S = 86400 };

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool is_date(const struct wall *w)
{
	return w->year >= YEAR_MIN && w->year <= YEAR_MAX && w->month >= 1 && w->month <= 12 && w->day >= 1 &&
	       w->day <= month_days(w->year, w->month) && w->hour >= 0 && w->hour <= 23 && w->minute >= 0 && w->minute <= 59;
}

static struct tm tm_of(const struct wall *w)
{
	return (struct tm){ .tm_year = w->year - 1900, .tm_mon = w->month - 1, .tm_mday = w->day, .tm_hour = w->hour,
			    .tm_min = w->minute, .tm_isdst = -1 };
}

static struct wall wall_of(const struct tm *tm)
{
	return (struct wall){ tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour, tm->tm_min };
}

/* As if the clock on the wall were never put forward or back: for differences. */
static int64_t plain_s(const struct wall *w)
{
	struct tm tm = tm_of(w);

	return timegm(&tm);
}

static struct wall plain_wall(int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	return wall_of(&tm);
}

static uint64_t real_ms(const struct wall *w)
{
	struct tm tm = tm_of(w);
	time_t t = mktime(&tm);

	return t > 0 ? (uint64_t)t * 1000 : 1;
}

/* --- text --- */

static int zone_parse(int *offset_s, const char *text)
{
	char sign;
	int hour, minute, n = 0;

	if (strcmp(text, "Z") == 0) {
		*offset_s = 0;
		return 0;
	}
	if (sscanf(text, "%c%2d:%2d%n", &sign, &hour, &minute, &n) != 3 || text[n] || n != 6 || hour < 0 || hour > 14 ||
	    minute < 0 || minute > 59 || (sign != '+' && sign != '-'))
		return EINVAL;
	*offset_s = (hour * 60 + minute) * (sign == '-' ? -60 : 60);
	return 0;
}

int wall_parse(struct wall *w, const char *text)
{
	struct wall read = { 0 };
	int n = 0, offset_s;
	char t;

	if (!text[0]) {
		*w = read;
		return 0;
	}
	if (strspn(text, "0123456789-T :+.Z") != strlen(text) ||
	    sscanf(text, "%4d-%2d-%2d%c%2d:%2d%n", &read.year, &read.month, &read.day, &t, &read.hour, &read.minute, &n) != 6 ||
	    n != 16 || (t != 'T' && t != ' ') || !is_date(&read))
		return EINVAL;
	text += n;
	if (text[0] == ':' && strspn(text + 1, "0123456789.") >= 2)
		text += 1 + strspn(text + 1, "0123456789.");
	if (text[0]) {
		if (zone_parse(&offset_s, text))
			return EINVAL;
		time_t at = (time_t)(plain_s(&read) - offset_s);
		struct tm tm;
		(void)localtime_r(&at, &tm);
		read = wall_of(&tm);
	}
	*w = read;
	return 0;
}

void wall_print(const struct wall *w, char *buf, size_t size)
{
	if (w->year)
		(void)snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d", w->year, w->month, w->day, w->hour, w->minute);
	else if (size)
		buf[0] = '\0';
}

/* --- time --- */

static int64_t longest_s(enum repeat repeat)
{
	switch (repeat) {
	case REPEAT_DAILY:
	case REPEAT_WEEKDAYS: return DAY_S;
	case REPEAT_WEEKLY:   return 7 * DAY_S;
	case REPEAT_MONTHLY:  return 28 * DAY_S;
	default:              return INT64_MAX;
	}
}

bool schedule_valid(const struct schedule *s)
{
	int64_t length;

	if (!s->start.year || !s->end.year)
		return s->repeat == REPEAT_NONE;
	length = plain_s(&s->end) - plain_s(&s->start);
	return length > 0 && length <= longest_s(s->repeat);
}

/* A Saturday or Sunday has none. */
static bool takes_place(const struct schedule *s, const struct wall *w)
{
	struct tm tm = tm_of(w);

	(void)timegm(&tm);
	return s->repeat != REPEAT_WEEKDAYS || (tm.tm_wday >= 1 && tm.tm_wday <= 5);
}

static struct wall nth_start(const struct schedule *s, int64_t n)
{
	struct wall w = s->start;

	if (s->repeat == REPEAT_MONTHLY) {
		int64_t month = (int64_t)w.year * 12 + w.month - 1 + n;

		w.year = (int)(month / 12);
		w.month = (int)(month % 12) + 1;
		if (w.day > month_days(w.year, w.month))
			w.day = month_days(w.year, w.month);
		return w;
	}
	return plain_wall(plain_s(&w) + n * (s->repeat == REPEAT_WEEKLY ? 7 : 1) * DAY_S);
}

/* A number of which it is sure that this time is over, or 0. */
static int64_t first_to_look_at(const struct schedule *s, uint64_t now_ms)
{
	time_t at = (time_t)(now_ms / 1000);
	struct tm tm;
	int64_t n;

	(void)localtime_r(&at, &tm);
	struct wall now = wall_of(&tm);
	if (s->repeat == REPEAT_MONTHLY)
		n = (int64_t)(now.year - s->start.year) * 12 + now.month - s->start.month;
	else
		n = (plain_s(&now) - plain_s(&s->start)) / (s->repeat == REPEAT_WEEKLY ? 7 * DAY_S : DAY_S);
	return n > 3 ? n - 3 : 0;
}

static void nth(const struct schedule *s, int64_t n, uint64_t *start_ms, uint64_t *end_ms)
{
	struct wall start = nth_start(s, n), end;

	end = plain_wall(plain_s(&start) + plain_s(&s->end) - plain_s(&s->start));
	*start_ms = real_ms(&start);
	*end_ms = real_ms(&end);
}

static enum schedule_phase phase(uint64_t now_ms, uint64_t start_ms, uint64_t end_ms)
{
	return now_ms < start_ms ? SCHEDULE_BEFORE : end_ms && now_ms >= end_ms ? SCHEDULE_OVER : SCHEDULE_OPEN;
}

enum schedule_phase schedule_at(const struct schedule *s, uint64_t now_ms, uint64_t *start_ms, uint64_t *end_ms)
{
	*start_ms = s->start.year ? real_ms(&s->start) : 0;
	*end_ms = s->end.year ? real_ms(&s->end) : 0;
	if (s->repeat == REPEAT_NONE)
		return phase(now_ms, *start_ms, *end_ms);
	for (int64_t n = first_to_look_at(s, now_ms);; n++) {
		struct wall w = nth_start(s, n);

		if (!takes_place(s, &w))
			continue;
		nth(s, n, start_ms, end_ms);
		if (now_ms < *end_ms)
			return phase(now_ms, *start_ms, *end_ms);
	}
}
