/*
 * test-census.c - members counted by codec and transport, their reception observed; levels, views and numbers for faces.
 */
#include <glib.h>
#include <string.h>
#include "control/census.h"
#include "control/event.h"
#include "control/snapshot.h"
#include "nomixer.h"

static struct mixer engine;
static struct leg legs[3];
static uint32_t ids[3];

static struct control *house(void)
{
	static const struct control_conf conf = { .auto_rooms = true, .max_rooms = 4, .max_members = 8, .max_members_per_room = 8 };
	struct control *c;

	memset(legs, 0, sizeof(legs));
	g_assert_cmpint(control_alloc(&c, &conf, &engine), ==, 0);
	return c;
}

static int run(struct control *c, struct command cmd, struct result *res)
{
	const struct actor sys = { .kind = ACTOR_SYSTEM };

	return control_run(c, &sys, &cmd, res);
}

static void join(struct control *c, int i, const char *transport)
{
	struct face face = { .leg = i < 2 ? &legs[i] : NULL, .transport = transport };
	struct result res = { 0 };

	g_assert_cmpint(run(c, (struct command){ .verb = VERB_JOIN, .room = "band", .uri = "sip:x@y", .role = ROLE_SPEAKER, .face = &face },
			    &res), ==, 0);
	ids[i] = res.member;
}

static void test_kinds(void)
{
	struct control *c = house();
	struct census_kind kind[CENSUS_KINDS];
	struct census *s;

	g_assert_cmpint(census_alloc(&s, c), ==, 0);
	g_assert_cmpuint(census_kinds(s, kind), ==, 0);
	join(c, 0, "UDP");
	join(c, 1, "UDP");
	join(c, 2, NULL);
	g_assert_cmpuint(census_kinds(s, kind), ==, 2);
	g_assert_cmpstr(kind[0].transport, ==, "UDP");
	g_assert_cmpuint(kind[0].n, ==, 2);
	g_assert_cmpstr(kind[1].transport, ==, "none");
	g_assert_cmpstr(kind[1].codec, ==, "none");
	g_assert_cmpuint(kind[1].n, ==, 1);
	mem_deref(s);
	mem_deref(c);
}

static void test_hist(void)
{
	static const double values[] = { 0, 0.0001, 0.001, 0.0011, 0.5, 0.9 };
	const double *bounds = census_bounds(CENSUS_LOSS);
	struct census_hist h = { .n = 0 };

	for (enum census_what w = CENSUS_JITTER; w <= CENSUS_LOSS; w++)
		for (int i = 1; i < CENSUS_BOUNDS; i++)
			g_assert_cmpfloat(census_bounds(w)[i - 1], <, census_bounds(w)[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		census_add(&h, bounds, values[i]);
	g_assert_cmpuint(h.n, ==, 6);
	g_assert_cmpuint(h.upto[0], ==, 1);
	g_assert_cmpuint(h.upto[1], ==, 3);
	g_assert_cmpuint(h.upto[2], ==, 4);
	g_assert_cmpuint(h.upto[CENSUS_BOUNDS - 1], ==, 5);
	g_assert_cmpfloat_with_epsilon(h.sum, 1.4022, 1e-9);
}

static void add_level(uint32_t member, uint8_t dbov, void *arg)
{
	g_string_append_printf(arg, "%u:%u ", member, dbov);
}

/* Who is not heard is silent, whatever its phone sends. */
static void test_levels(void)
{
	struct control *c = house();
	GString *got = g_string_new(NULL);
	char *wanted;

	join(c, 0, "UDP");
	join(c, 1, "UDP");
	join(c, 2, NULL);
	g_assert_cmpint(run(c, (struct command){ .verb = VERB_MUTE, .member = ids[1], .on = true }, NULL), ==, 0);
	g_assert_cmpint(control_levels(c, "nowhere", add_level, got), ==, ENOENT);
	g_assert_cmpint(control_levels(c, "BAND", add_level, got), ==, 0);
	wanted = g_strdup_printf("%u:%u %u:127 %u:127 ", ids[0], leg_level(&legs[0]), ids[1], ids[2]);
	g_assert_cmpuint(leg_level(&legs[0]), <, 127);
	g_assert_cmpstr(got->str, ==, wanted);
	g_free(wanted);
	g_string_free(got, TRUE);
	mem_deref(c);
}

static void on_event(const struct event *ev, void *arg)
{
	*(uint64_t *)arg = ev->number;
}

static void test_numbers(void)
{
	struct control *c = house();
	struct event_lsnr *l;
	uint64_t last = 0, before = control_number(c);

	g_assert_cmpint(event_listen(&l, c, NULL, on_event, &last), ==, 0);
	g_assert_cmpuint(control_room_version(c, "band"), ==, 0);
	join(c, 0, "UDP");
	g_assert_cmpuint(last, ==, control_number(c));
	g_assert_cmpuint(last, ==, before + 2);           /* the room, and who came */
	g_assert_cmpuint(control_room_version(c, "band"), ==, 2);
	mem_deref(l);
	mem_deref(c);
}

static void test_views(void)
{
	struct control *c = house();
	struct snapshot_views *v;

	g_assert_cmpint(snapshot_views(&v, c, "band"), ==, ENOENT);
	join(c, 0, "UDP");
	join(c, 1, "UDP");
	g_assert_cmpint(snapshot_views(&v, c, "band"), ==, 0);
	g_assert_cmpuint(v->n, ==, 0);
	mem_deref(v);
	g_assert_cmpint(run(c, (struct command){ .verb = VERB_VIEW, .member = ids[0], .other = ids[1], .value = -12, .pan = 0.5f }, NULL), ==, 0);
	g_assert_cmpint(snapshot_views(&v, c, "band"), ==, 0);
	g_assert_cmpuint(v->n, ==, 1);
	g_assert_cmpuint(v->view[0].listener, ==, ids[0]);
	g_assert_cmpuint(v->view[0].other, ==, ids[1]);
	g_assert_cmpfloat_with_epsilon(v->view[0].gain_db, -12, 0.01f);
	g_assert_cmpfloat(v->view[0].pan, ==, 0.5f);
	mem_deref(v);
	mem_deref(c);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(libre_init(), ==, 0);
	g_test_add_func("/census/kinds", test_kinds);
	g_test_add_func("/census/hist", test_hist);
	g_test_add_func("/census/levels", test_levels);
	g_test_add_func("/census/numbers", test_numbers);
	g_test_add_func("/census/views", test_views);
	return g_test_run();
}
