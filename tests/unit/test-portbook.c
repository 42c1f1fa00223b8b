/* Pairs of ports: what may be written, and who gets which. */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include "osc/portbook.h"

static const struct { const char *text; int err; } row[] = {
	{"", 0},
	{"5004", 0},
	{"5004-5005", 0},
	{"5003-5008", 0},
	{"band:5004, choir:5006 5010-5020", 0},
	{"a:b:5004", 0},
	{"5005", EINVAL},                        /* odd */
	{"5005-5005", EINVAL},
	{"5004-5004", EINVAL},
	{"5008-5004", EINVAL},
	{"1000-1010", EINVAL},                   /* of the system */
	{"65534", 0},
	{"65536", EINVAL},
	{"70000-70010", EINVAL},
	{"5004 5004", EINVAL},
	{"band:5004 Band:5006", EINVAL},
	{"band:5004 5000-5010", EINVAL},
	{":5004", EINVAL},
	{"band:", EINVAL},
	{"band", EINVAL},
	{"5004-", EINVAL},
	{"-5004", EINVAL},
	{"5004-5006-5008", EINVAL},
	{"20000-21022", 0},
	{"20000-21030", E2BIG},
};

static void test_written(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		const int err = portbook_alloc(NULL, row[i].text);

		if (err != row[i].err)
			g_error("\"%s\": %d", row[i].text, err);
	}
}

static uint16_t take(struct portbook *b, const char *room)
{
	uint16_t port = 0;
	const int err = portbook_take(b, &port, room);

	return err ? (uint16_t)err : port;
}

static void test_taken(void)
{
	struct portbook *b;

	g_assert_cmpint(portbook_alloc(&b, "band:5004 6000-6005"), ==, 0);
	g_assert_cmpstr(portbook_written(b, 0), ==, "band");
	g_assert_null(portbook_written(b, 1));
	g_assert_cmpuint(take(b, "choir"), ==, 6000);
	g_assert_cmpuint(take(b, "choir"), ==, EALREADY);
	g_assert_cmpuint(take(b, "Band"), ==, 5004);
	g_assert_cmpuint(take(b, "duo"), ==, 6002);
	portbook_give(b, "choir");
	g_assert_cmpuint(take(b, "trio"), ==, 6004);      /* what nobody had, though 6000 is free */
	g_assert_cmpuint(take(b, "choir"), ==, 6000);     /* what it had */
	g_assert_cmpuint(take(b, "solo"), ==, ENOSPC);    /* band's is not for others */
	portbook_give(b, "band");
	g_assert_cmpuint(take(b, "solo"), ==, ENOSPC);
	portbook_give(b, "trio");
	portbook_give(b, "choir");
	portbook_give(b, "choir");
	portbook_give(b, "nobody");
	g_assert_cmpuint(take(b, "solo"), ==, 6004);      /* the longest free */
	g_assert_cmpuint(take(b, "trio"), ==, 6000);
	g_assert_cmpuint(take(b, ""), ==, EINVAL);
	mem_deref(b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/portbook/written", test_written);
	g_test_add_func("/portbook/taken", test_taken);
	return g_test_run();
}
