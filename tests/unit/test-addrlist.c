/* Lists of addresses: what is in, what is not, what is none. */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include "osc/addrlist.h"

static const struct { const char *list, *addr; bool in; } row[] = {
	{"", "127.0.0.1", false},
	{"any", "192.0.2.1", true},
	{"any", "2001:db8::1", true},
	{"local", "127.0.0.1", true},
	{"local", "127.9.9.9", true},
	{"local", "::1", true},
	{"local", "198.51.100.77", false},
	{"local", "2001:db8::1", false},
	{"192.0.2.7", "192.0.2.7", true},
	{"192.0.2.7", "192.0.2.6", false},
	{"192.0.2.7", "::ffff:192.0.2.7", true},
	{"192.0.2.7", "2001:db8::1", false},
	{"192.0.2.0/25", "192.0.2.127", true},
	{"192.0.2.0/25", "192.0.2.128", false},
	{"192.0.2.99/24", "192.0.2.1", true},              /* bits behind the network do not count */
	{"192.0.2.0/31", "192.0.2.2", false},
	{"0.0.0.0/0", "8.8.8.8", true},
	{"0.0.0.0/0", "::1", false},
	{"2001:db8::/33", "2001:db8:7fff::1", true},
	{"2001:db8::/33", "2001:db8:8000::1", false},
	{"192.0.2.1, 2001:db8::7 local", "2001:db8::7", true},
	{"192.0.2.1,local", "127.0.0.1", true},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct addrlist l;
		struct sa sa;

		g_assert_cmpint(addrlist_read(&l, row[i].list), ==, 0);
		g_assert_cmpint(sa_set_str(&sa, row[i].addr, 5004), ==, 0);
		if (addrlist_has(&l, &sa) != row[i].in)
			g_error("%s in \"%s\"", row[i].addr, row[i].list);
	}
}

static void test_wrong(void)
{
	static const char *const wrong[] = {"Any", "host.example", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/-1", "192.0.2.1/0x8",
		"2001:db8::/129", "192.0.2", "/24", "192.0.2.1/24/24",
		"11111111111111111111111111111111111111111111111111111111111111111111"};
	struct addrlist l;
	GString *long_one = g_string_new("");

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		if (addrlist_read(&l, wrong[i]) != EINVAL)
			g_error("%s was taken", wrong[i]);
	}
	for (unsigned i = 0; i <= ADDRLIST_MAX; i++)
		g_string_append(long_one, "192.0.2.1 ");
	g_assert_cmpint(addrlist_read(&l, long_one->str), ==, E2BIG);
	g_string_free(long_one, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/addrlist/rows", test_rows);
	g_test_add_func("/addrlist/wrong", test_wrong);
	return g_test_run();
}
