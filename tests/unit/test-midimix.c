/*
 * test-midimix.c - several players on one instrument.
 */
#include <string.h>
#include <glib.h>
#include <re.h>
#include "client/midimix.h"
#include "client/midiwire.h"

static struct midiwire *wire;
static struct midimix *m;
static GString *played;

static void begin(void)
{
	g_assert_cmpint(midiwire_alloc(&wire), ==, 0);
	g_assert_cmpint(midimix_alloc(&m, wire), ==, 0);
	played = g_string_new(NULL);
}

static void end(void)
{
	m = mem_deref(m);
	wire = mem_deref(wire);
	g_string_free(played, TRUE);
}

static void plays(const char *name, const char *addr, int value, uint64_t at_us)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	struct osc_msg msg;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	midimix_play(m, name, &msg, at_us);
}

static void heard(const char *want)
{
	const struct midiwire_event *ev;

	g_string_truncate(played, 0);
	while ((ev = midiwire_due_rt(wire, UINT64_MAX)) != NULL) {
		for (unsigned i = 0; i < ev->len; i++)
			g_string_append_printf(played, "%02x", ev->data[i]);
		g_string_append_printf(played, "@%u ", (unsigned)ev->at_us);
	}
	g_assert_cmpstr(played->str, ==, want);
}

static void test_owners(void)
{
	begin();
	plays("anna", "/midi/1/note/60", 100, 10);
	plays("bob", "/midi/1/note/60", 90, 20);
	heard("903c64@10 903c5a@20 ");
	plays("anna", "/midi/1/note/60", 0, 30);
	heard("");
	midimix_leave(m, "bob", 40);
	heard("803c40@40 803c40@40 ");            /* as many as were struck */
	plays("anna", "/midi/2/cc/64", 127, 50);
	plays("anna", "/midi/16/bend", 8192, 50);
	plays("anna", "/fader/1", 1, 50);
	heard("b1407f@50 ef0040@50 ");
	midimix_leave(m, NULL, 60);
	heard("b14000@60 ");
	g_assert_cmpuint(midimix_played(m), ==, 7);
	end();
}

/* The end of a note is not before its beginning, which waits in the device. */
static void test_order(void)
{
	begin();
	plays("anna", "/midi/1/note/60", 100, 500);
	midimix_leave(m, "anna", 100);
	heard("903c64@500 803c40@500 ");
	end();
}

static void test_many(void)
{
	char name[16];

	begin();
	for (int i = 0; i < MIDIMIX_PLAYERS + 10; i++) {
		g_snprintf(name, sizeof(name), "p%d", i);
		plays(name, "/midi/1/note/60", 100, 1);
	}
	g_assert_cmpuint(midimix_played(m), ==, MIDIMIX_PLAYERS);
	midimix_leave(m, "p0", 2);
	plays("p0", "/midi/1/note/60", 0, 2);     /* it has gone: that takes no place */
	plays("p1", "/midi/1/off/60", 3, 2);
	plays("late", "/midi/1/note/61", 100, 3); /* there is a place again */
	g_assert_cmpuint(midimix_played(m), ==, MIDIMIX_PLAYERS + 1);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midimix/owners", test_owners);
	g_test_add_func("/midimix/order", test_order);
	g_test_add_func("/midimix/many", test_many);
	return g_test_run();
}
