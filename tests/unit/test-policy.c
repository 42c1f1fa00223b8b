/* Every role, every verb, on itself and on others: the table as the manual tells it, written a second time. */
#include <errno.h>
#include <glib.h>
#include "control/policy.h"

/* Letters are rights: '-' none, 'o' only on, 'f' unless a host muted it, 'y' yes. Order: listener, speaker, host. */
static const struct { enum verb verb; const char *self, *others; } want[] = {
	{ VERB_CREATE,   "--y", "--y" },
	{ VERB_END,      "--y", "--y" },
	{ VERB_JOIN,     "yyy", "--y" },
	{ VERB_LEAVE,    "yyy", "---" },
	{ VERB_KICK,     "--y", "--y" },
	{ VERB_MUTE,     "ofy", "--y" },
	{ VERB_DEAF,     "yyy", "--y" },
	{ VERB_HOLD,     "yyy", "---" },
	{ VERB_GAIN,     "-yy", "--y" },
	{ VERB_ROLE,     "--y", "--y" },
	{ VERB_HAND,     "yyy", "--y" },
	{ VERB_LOCK,     "--y", "--y" },
	{ VERB_MUTE_ALL, "--y", "--y" },
	{ VERB_MOVE,     "yyy", "--y" },
	{ VERB_DIAL,     "--y", "--y" },
	{ VERB_KEY,      "yyy", "---" },
	{ VERB_PAN,      "-yy", "--y" },
	{ VERB_VIEW,     "yyy", "--y" },
	{ VERB_CHANGE, "--y", "--y" },
	{ VERB_CLEAR, "--y", "--y" },
	{ VERB_ADMIT, "--y", "--y" },
	{ VERB_REFUSE, "--y", "--y" },
	{ VERB_BAN, "--y", "--y" },
	{ VERB_UNBAN, "--y", "--y" },
	{ VERB_ASK_UNMUTE, "--y", "--y" },
	{ VERB_FLOOR, "-yy", "--y" },
	{ VERB_BREAKOUT, "--y", "--y" },
	{ VERB_RECALL, "--y", "--y" },
	{ VERB_ANNOUNCE, "--y", "--y" },
	{ VERB_PLAY, "--y", "--y" },
	{ VERB_COUNT, "yyy", "--y" },
	{ VERB_RECORD, "--y", "--y" },
	{ VERB_TEMPO, "--y", "--y" },
	{ VERB_TRANSPORT, "--y", "--y" },
	{ VERB_CLICK, "yyy", "--y" },
	{ VERB_FOLLOW, "--y", "--y" },
	{ VERB_CONTROLLER, "yyy", "--y" },
	{ VERB_BUFFER, "yyy", "--y" },
	{ VERB_RED, "yyy", "--y" },
	{ VERB_CLICK_SYNC, "yyy", "--y" },
	{ VERB_SECTION, "-yy", "--y" },
	{ VERB_SECTION_GAIN, "--y", "--y" },
	{ VERB_SECTION_VIEW, "yyy", "--y" },
	{ VERB_LATENCY, "yyy", "--y" },
};

static int expected(char right, bool on, bool held)
{
	switch (right) {
	case 'y': return 0;
	case 'o': return on ? 0 : EPERM;
	case 'f': return on || !held ? 0 : EPERM;
	default:  return EPERM;
	}
}

static void test_table(void)
{
	g_assert_cmpuint(G_N_ELEMENTS(want), ==, VERB_N);
	for (unsigned i = 0; i < VERB_N; i++) {
		g_assert_cmpint(want[i].verb, ==, i);
		for (unsigned bits = 0; bits < ROLE_N * 8; bits++) {
			unsigned role = bits / 8;
			bool self = bits & 1, on = bits & 2, held = bits & 4;
			char right = (self ? want[i].self : want[i].others)[role];

			g_assert_cmpint(policy_check((enum role)role, want[i].verb, self, on, held), ==,
					expected(right, on, held));
		}
	}
}

/* What is no role and no verb may nothing. */
static void test_range(void)
{
	g_assert_cmpint(policy_check(ROLE_N, VERB_LEAVE, true, true, false), ==, EPERM);
	g_assert_cmpint(policy_check((enum role)-1, VERB_LEAVE, true, true, false), ==, EPERM);
	g_assert_cmpint(policy_check(ROLE_HOST, VERB_N, true, true, false), ==, EPERM);
	g_assert_cmpint(policy_check(ROLE_HOST, (enum verb)-1, true, true, false), ==, EPERM);
}

/* More role never means less right. */
static void test_monotone(void)
{
	for (unsigned v = 0; v < VERB_N; v++)
		for (unsigned s = 0; s < 2; s++)
			for (unsigned r = 1; r < ROLE_N; r++)
				g_assert_cmpint(policy_right((enum role)r, (enum verb)v, s), >=,
						policy_right((enum role)(r - 1), (enum verb)v, s));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/table", test_table);
	g_test_add_func("/policy/range", test_range);
	g_test_add_func("/policy/monotone", test_monotone);
	return g_test_run();
}
