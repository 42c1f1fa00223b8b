/* Seats that wait for who has left them: found again in time, bounded in number. */
#include <glib.h>
#include <string.h>
#include "control/seat.h"

static int put(struct seats *s, const char *room, const char *uri, uint64_t until, uint64_t now)
{
	struct seat seat = { .role = ROLE_HOST, .self_muted = true, .until_ms = until };

	g_strlcpy(seat.room, room, sizeof(seat.room));
	g_strlcpy(seat.uri, uri, sizeof(seat.uri));
	return seat_put(s, &seat, now);
}

static void test_time(void)
{
	struct seats *s;
	const struct seat *seat;

	g_assert_cmpint(seats_alloc(&s), ==, 0);
	g_assert_cmpint(put(s, "Band", "ann@host", 300, 0), ==, 0);
	seat = seat_find(s, "bAND", "ann@host", 299);
	g_assert_nonnull(seat);
	g_assert_cmpint(seat->role, ==, ROLE_HOST);
	g_assert_true(seat->self_muted && !seat->host_muted);
	g_assert_null(seat_find(s, "band", "ann@host", 300));
	g_assert_null(seat_find(s, "band", "bob@host", 0));
	g_assert_null(seat_find(s, "other", "ann@host", 0));
	g_assert_cmpint(put(s, "band", "ann@host", 500, 200), ==, 0);     /* in place of the other */
	g_assert_cmpuint(seats_count(s), ==, 1);
	g_assert_nonnull(seat_find(s, "band", "ann@host", 400));
	g_assert_cmpint(put(s, "band", "bob@host", 900, 600), ==, 0);     /* what is over is swept */
	g_assert_cmpuint(seats_count(s), ==, 1);
	seat_drop(s, "band", "bob@host");
	seat_drop(s, "band", "bob@host");
	g_assert_cmpuint(seats_count(s), ==, 0);
	mem_deref(s);
}

static void test_rooms(void)
{
	struct seats *s;

	g_assert_cmpint(seats_alloc(&s), ==, 0);
	put(s, "a", "1@h", 100, 0);
	put(s, "b", "1@h", 100, 0);
	put(s, "A", "2@h", 100, 0);
	seats_drop_room(s, "a");
	g_assert_cmpuint(seats_count(s), ==, 1);
	g_assert_nonnull(seat_find(s, "b", "1@h", 0));
	mem_deref(s);
}

static void test_bound(void)
{
	struct seats *s;
	char uri[32];

	g_assert_cmpint(seats_alloc(&s), ==, 0);
	for (int i = 0; i < SEATS_MAX + 100; i++) {
		g_snprintf(uri, sizeof(uri), "%d@h", i);
		g_assert_cmpint(put(s, "a", uri, 1000, 0), ==, 0);
	}
	g_assert_cmpuint(seats_count(s), ==, SEATS_MAX);
	g_assert_null(seat_find(s, "a", "99@h", 0));              /* the oldest are gone */
	g_assert_nonnull(seat_find(s, "a", "100@h", 0));
	g_assert_nonnull(seat_find(s, "a", uri, 0));
	mem_deref(s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seat/time", test_time);
	g_test_add_func("/seat/rooms", test_rooms);
	g_test_add_func("/seat/bound", test_bound);
	return g_test_run();
}
