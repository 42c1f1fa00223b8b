/*
 * test-order.c - JSON to command: every verb of the table with what it needs, without each of it, and with what is wrong.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "web/body.h"
#include "web/order.h"

static int take(struct order *o, const char *verb, uint32_t member, const char *json, char **why)
{
	const char *wrong;
	JsonObject *body = body_parse(json, strlen(json), &wrong);
	int err;

	g_assert_nonnull(body);
	err = order_read(o, command_find(verb), "band", member, body, why);
	json_object_unref(body);
	return err;
}

static void refused(const char *verb, const char *json, const char *wanted)
{
	struct order o;
	char *why = NULL;

	g_assert_cmpint(take(&o, verb, 7, json, &why), ==, EINVAL);
	g_assert_cmpstr(why, ==, wanted);
	g_free(why);
	order_clear(&o);
}

static void test_values(void)
{
	struct order o;
	char *why = NULL;

	g_assert_cmpint(take(&o, "view", 7, "{\"other\":4294967295,\"value\":-6.5,\"pan\":-1}", &why), ==, 0);
	g_assert_cmpint(o.cmd.verb, ==, VERB_VIEW);
	g_assert_cmpuint(o.cmd.member, ==, 7);
	g_assert_cmpuint(o.cmd.other, ==, UINT32_MAX);
	g_assert_cmpfloat(o.cmd.value, ==, -6.5f);
	g_assert_cmpfloat(o.cmd.pan, ==, -1);
	g_assert_cmpstr(o.cmd.room, ==, "band");
	order_clear(&o);

	g_assert_cmpint(take(&o, "role", 7, "{\"role\":\"host\"}", &why), ==, 0);
	g_assert_cmpint(o.cmd.role, ==, ROLE_HOST);
	order_clear(&o);

	g_assert_cmpint(take(&o, "kick", 7, "{\"text\":\"noise \\u00e4\"}", &why), ==, 0);
	g_assert_cmpstr(o.cmd.text, ==, "noise \xc3\xa4");
	order_clear(&o);

	g_assert_cmpint(take(&o, "latency", 7, "{\"capture_us\":2700,\"playback_us\":4000,\"buffer_us\":0,\"rtt_us\":6000}", &why), ==, 0);
	g_assert_cmpuint(o.cmd.capture_us, ==, 2700);
	g_assert_cmpuint(o.cmd.playback_us, ==, 4000);
	g_assert_cmpuint(o.cmd.buffer_us, ==, 0);
	g_assert_cmpuint(o.cmd.rtt_us, ==, 6000);
	order_clear(&o);

	g_assert_cmpint(take(&o, "lock", 0, "{\"on\":true}", &why), ==, 0);
	g_assert_true(o.cmd.on);
	g_assert_cmpstr(o.cmd.room, ==, "band");
	order_clear(&o);

	/* Only a move names another room than the path. */
	g_assert_cmpint(take(&o, "move", 7, "{\"room\":\"choir\"}", &why), ==, 0);
	g_assert_cmpstr(o.cmd.room, ==, "choir");
	order_clear(&o);
}

static void test_refused(void)
{
	static const struct { const char *verb, *json, *why; } rows[] = {
		{ "lock", "{}", "on: is missing" },
		{ "lock", "{\"on\":1}", "on: true or false is wanted" },
		{ "lock", "{\"on\":null}", "on: true or false is wanted" },
		{ "lock", "{\"on\":true,\"of\":1}", "of: no such argument" },
		{ "lock", "{\"on\":true,\"room\":\"choir\"}", "room: the path names it" },
		{ "lock", "{\"on\":true,\"member\":1}", "member: no such argument" },
		{ "move", "{}", "room: is missing" },
		{ "gain", "{\"value\":\"1\"}", "value: a number is wanted" },
		{ "gain", "{\"value\":1e300}", "value: out of range" },
		{ "gain", "{\"value\":[]}", "value: a number is wanted" },
		{ "role", "{\"role\":\"boss\"}", "role: listener, speaker or host is wanted" },
		{ "role", "{\"role\":2}", "role: a string is wanted" },
		{ "dial", "{\"uri\":{}}", "uri: a string is wanted" },
		{ "view", "{\"other\":0,\"value\":0,\"pan\":0}", "other: out of range" },
		{ "view", "{\"other\":-1,\"value\":0,\"pan\":0}", "other: out of range" },
		{ "view", "{\"other\":4294967296,\"value\":0,\"pan\":0}", "other: out of range" },
		{ "view", "{\"other\":1.5,\"value\":0,\"pan\":0}", "other: the number of a member is wanted" },
		{ "view", "{\"other\":1,\"value\":0}", "pan: is missing" },
		{ "latency", "{\"capture_us\":1,\"playback_us\":1}", "buffer_us: is missing" },
		{ "latency", "{\"capture_us\":1.5,\"playback_us\":1,\"buffer_us\":1}", "capture_us: a whole number is wanted" },
		{ "latency", "{\"capture_us\":1,\"playback_us\":-1,\"buffer_us\":1}", "playback_us: a whole number is wanted" },
		{ "latency", "{\"capture_us\":1,\"playback_us\":1,\"buffer_us\":4294967296}", "buffer_us: a whole number is wanted" },
		{ "change", "{\"settings\":[]}", "settings: an object is wanted" },
		{ "change", "{\"settings\":{\"a\":{}}}", "a: a text, a number, true, false or a list of words is wanted" },
		{ "change", "{\"settings\":{\"a\":[\"x y\"]}}", "a: a text, a number, true, false or a list of words is wanted" },
		{ "change", "{\"settings\":{\"a\":[[\"x\"]]}}", "a: a text, a number, true, false or a list of words is wanted" },
		{ "change", "{\"settings\":{\"a\":1.5}}", "a: a text, a number, true, false or a list of words is wanted" },
	};
	char *text = g_strnfill(ORDER_TEXT_MAX + 1, 'x'), *json = g_strdup_printf("{\"text\":\"%s\"}", text);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		refused(rows[i].verb, rows[i].json, rows[i].why);
	refused("kick", json, "text: too long");
	g_free(json);
	g_free(text);
}

static void test_settings(void)
{
	static const struct { const char *name, *value; } wanted[] = {
		{ "a", "x" }, { "b", "12" }, { "c", "on" }, { "d", "off" }, { "e", "p q 7" }, { "f", "" }, { "g", "" },
	};
	struct order o;
	char *why = NULL;

	g_assert_cmpint(take(&o, "change", 0, "{\"settings\":{\"a\":\"x\",\"b\":12,\"c\":true,\"d\":false,\"e\":[\"p\",\"q\",7],"
			     "\"f\":null,\"g\":[]}}", &why), ==, 0);
	g_assert_cmpuint(o.cmd.n_settings, ==, G_N_ELEMENTS(wanted));
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		g_assert_cmpstr(o.cmd.settings[i].name, ==, wanted[i].name);
		g_assert_cmpstr(o.cmd.settings[i].value, ==, wanted[i].value);
	}
	g_assert_false(o.cmd.on);
	order_clear(&o);
}

static void test_too_many_settings(void)
{
	GString *s = g_string_new("{\"settings\":{\"s\":1");

	for (int i = 1; i < ORDER_SETTINGS_MAX; i++)
		g_string_append_printf(s, ",\"s%d\":1", i);
	g_string_append(s, ",\"more\":1}}");
	refused("change", s->str, "settings: too many");
	g_string_free(s, TRUE);
}

/* What the table says a verb needs is asked for, field by field. */
static void test_every_verb(void)
{
	static const char all[] = "{\"on\":true,\"value\":1,\"pan\":0,\"role\":\"host\",\"uri\":\"u\",\"name\":\"n\",\"text\":\"t\","
				  "\"other\":9,\"settings\":{\"a\":\"b\"},\"capture_us\":1,\"playback_us\":2,\"buffer_us\":3,"
				  "\"rtt_us\":4%s}";
	size_t n;
	const struct order_field *f = order_fields(&n);

	for (unsigned v = 0; v < VERB_N; v++) {
		const struct verb_info *info = command_info((enum verb)v);
		char *json = g_strdup_printf(all, info->verb == VERB_MOVE ? ",\"room\":\"x\"" : ""), *why = NULL;
		const char *wrong;
		struct order o;

		if (!order_offers(info, true) && !order_offers(info, false)) {
			g_assert_true(info->args & ARG_FACE);
			g_free(json);
			continue;
		}
		g_assert_cmpint(take(&o, info->name, 7, json, &why), ==, 0);
		order_clear(&o);
		for (size_t i = 0; i < n; i++) {
			JsonObject *body = body_parse(json, strlen(json), &wrong), *less = json_object_new();
			GList *names = json_object_get_members(body);

			for (GList *l = names; l; l = l->next)
				if (strcmp(l->data, f[i].name))
					json_object_set_member(less, l->data, json_node_copy(json_object_get_member(body, l->data)));
			g_assert_cmpint(order_read(&o, info, "band", 7, less, &why), ==, order_needs(info) & f[i].arg ? EINVAL : 0);
			g_clear_pointer(&why, g_free);
			order_clear(&o);
			g_list_free(names);
			json_object_unref(body);
			json_object_unref(less);
		}
		g_free(json);
	}
}

static void test_offers(void)
{
	g_assert_false(order_offers(NULL, false));
	g_assert_false(order_offers(command_find("join"), false));
	g_assert_true(order_offers(command_find("lock"), false));
	g_assert_false(order_offers(command_find("lock"), true));
	g_assert_true(order_offers(command_find("kick"), true));
	g_assert_false(order_offers(command_find("kick"), false));
	g_assert_true(order_offers(command_find("count"), true));
	g_assert_true(order_offers(command_find("count"), false));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/order/values", test_values);
	g_test_add_func("/order/refused", test_refused);
	g_test_add_func("/order/settings", test_settings);
	g_test_add_func("/order/too-many-settings", test_too_many_settings);
	g_test_add_func("/order/every-verb", test_every_verb);
	g_test_add_func("/order/offers", test_offers);
	return g_test_run();
}
