/*
 * test-api.c - status, rooms and members as JSON, and the counters as Prometheus text: whatever peers call themselves.
 */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include "web/api.h"
#include "web/metrics.h"

static JsonObject *parse(JsonParser *parser, char *text)
{
	GError *error = NULL;

	json_parser_load_from_data(parser, text, -1, &error);
	g_assert_no_error(error);
	g_free(text);
	return json_node_get_object(json_parser_get_root(parser));
}

static struct snapshot *room_of(size_t n)
{
	struct snapshot *s = mem_zalloc(sizeof(*s) + n * sizeof(s->member[0]), NULL);

	str_ncpy(s->room, "band", sizeof(s->room));
	s->version = 7;
	s->n_members = n;
	return s;
}

static void test_room(void)
{
	static const char *const names[] = {
		"Ann", "quote \" and \\ back", "line\r\nfeed", "<b>&amp;</b>", "broken \xc3( utf-8 \xff", "",
	};
	JsonParser *parser = json_parser_new();
	struct snapshot *s = room_of(G_N_ELEMENTS(names));
	JsonObject *o;
	JsonArray *members;

	for (size_t i = 0; i < s->n_members; i++) {
		s->member[i].id = (uint32_t)i + 1;
		s->member[i].role = ROLE_SPEAKER;
		str_ncpy(s->member[i].name, names[i], sizeof(s->member[i].name));
	}
	s->member[2].muted = true;
	s->speaker = 2;
	s->member[2].gain_db = -3;
	s->member[2].pan = 0.5f;
	s->member[2].click = true;
	s->tempo = (struct snapshot_tempo){.mbpm = 97500, .beats = 3, .running = true, .origin = 48000, .beat = 7, .follow = 3};

	o = parse(parser, api_room(s));
	g_assert_cmpstr(json_object_get_string_member(o, "room"), ==, "band");
	g_assert_cmpint(json_object_get_int_member(o, "version"), ==, 7);
	g_assert_cmpstr(json_object_get_string_member(o, "profile"), ==, "voice");
	g_assert_cmpint(json_object_get_int_member(json_object_get_object_member(o, "speaker"), "id"), ==, 2);
	g_assert_cmpstr(json_object_get_string_member(json_object_get_object_member(o, "speaker"), "name"), ==, names[1]);
	members = json_object_get_array_member(o, "members");
	g_assert_cmpuint(json_array_get_length(members), ==, s->n_members);

	for (guint i = 0; i < json_array_get_length(members); i++) {
		JsonObject *m = json_array_get_object_element(members, i);
		char *valid = g_utf8_make_valid(names[i], -1);

		g_assert_cmpstr(json_object_get_string_member(m, "name"), ==, valid);
		g_assert_cmpstr(json_object_get_string_member(m, "role"), ==, "speaker");
		g_assert_cmpint(json_object_get_boolean_member(m, "muted"), ==, i == 2);
		g_assert_cmpfloat(json_object_get_double_member(m, "gain_db"), ==, i == 2 ? -3 : 0);
		g_assert_cmpfloat(json_object_get_double_member(m, "pan"), ==, i == 2 ? 0.5 : 0);
		g_assert_cmpint(json_object_get_boolean_member(m, "click"), ==, i == 2);
		g_assert_true(json_object_has_member(json_object_get_object_member(m, "media"), "packets_lost"));
		g_free(valid);
	}
	s->speaker = 0;
	g_assert_true(json_object_get_null_member(parse(parser, api_room(s)), "speaker"));
	mem_deref(s);
	g_object_unref(parser);
}

static void test_quality(void)
{
	JsonParser *parser = json_parser_new();
	struct snapshot *s = room_of(1);
	JsonObject *media, *q;

	s->member[0].leg.recovered = 12;
	s->member[0].leg.cpu_us = 345;
	s->member[0].leg.keys = LEG_KEYS_DTLS;
	s->member[0].leg.peer_fraction_lost = 64;
	s->member[0].leg.heard = (struct leg_quality){.known = true, .r = 91, .mos_lq = 44, .mos_cq = 127, .loss = 128, .burst_ms = 140};
	media = json_object_get_object_member(json_array_get_object_element(
		json_object_get_array_member(parse(parser, api_room(s)), "members"), 0), "media");
	g_assert_cmpint(json_object_get_int_member(media, "frames_recovered"), ==, 12);
	g_assert_cmpint(json_object_get_int_member(media, "cpu_us"), ==, 345);
	g_assert_cmpstr(json_object_get_string_member(media, "keys"), ==, "dtls");
	g_assert_cmpfloat(json_object_get_double_member(media, "peer_lost_percent"), ==, 25);
	q = json_object_get_object_member(media, "quality");
	g_assert_cmpfloat(json_object_get_double_member(q, "r_factor"), ==, 91);
	g_assert_cmpfloat(json_object_get_double_member(q, "mos_listening"), ==, 4.4);
	g_assert_true(json_object_get_null_member(q, "mos_conversation"));
	g_assert_cmpfloat(json_object_get_double_member(q, "lost_percent"), ==, 50);
	g_assert_cmpint(json_object_get_int_member(q, "burst_ms"), ==, 140);
	g_assert_true(json_object_get_null_member(media, "peer_quality"));
	mem_deref(s);
	g_object_unref(parser);
}

static void test_rooms(void)
{
	struct snapshot_rooms *all = mem_zalloc(sizeof(*all) + 2 * sizeof(all->room[0]), NULL);
	JsonParser *parser = json_parser_new();
	JsonArray *rooms;
	JsonObject *o;

	all->n = 2;
	str_ncpy(all->room[0].room, "band", sizeof(all->room[0].room));
	str_ncpy(all->room[1].room, "choir", sizeof(all->room[1].room));
	all->room[1].n_members = 3;
	all->room[1].music = all->room[1].persistent = true;
	rooms = json_object_get_array_member(parse(parser, api_rooms(all, "")), "rooms");
	g_assert_cmpuint(json_array_get_length(rooms), ==, 2);
	o = json_array_get_object_element(rooms, 1);
	g_assert_cmpstr(json_object_get_string_member(o, "room"), ==, "choir");
	g_assert_cmpint(json_object_get_int_member(o, "members"), ==, 3);
	g_assert_cmpstr(json_object_get_string_member(o, "profile"), ==, "music");
	g_assert_true(json_object_get_boolean_member(o, "persistent"));
	rooms = json_object_get_array_member(parse(parser, api_rooms(all, "CHOIR")), "rooms");
	g_assert_cmpuint(json_array_get_length(rooms), ==, 1);
	mem_deref(all);
	g_object_unref(parser);
}

static void test_status(void)
{
	const struct web_status st = {.version = "1.2.3", .ready = true, .rooms = 2, .members = 5, .calls = 6, .uptime_s = 9};
	JsonParser *parser = json_parser_new();
	JsonObject *o = parse(parser, api_status(&st));

	g_assert_cmpstr(json_object_get_string_member(o, "version"), ==, "1.2.3");
	g_assert_true(json_object_get_boolean_member(o, "ready"));
	g_assert_cmpint(json_object_get_int_member(o, "calls"), ==, 6);
	g_object_unref(parser);
}

static void test_error(void)
{
	JsonParser *parser = json_parser_new();
	JsonObject *o = parse(parser, api_error(404, "no \"such\" room"));

	g_assert_cmpint(json_object_get_int_member(o, "status"), ==, 404);
	g_assert_cmpstr(json_object_get_string_member(o, "error"), ==, "no \"such\" room");
	g_object_unref(parser);
}

static bool has_line(const char *text, const char *line)
{
	char *whole = g_strconcat("\n", line, "\n", NULL);
	bool has = strstr(text, whole) != NULL;

	g_free(whole);
	return has;
}

/* Every line is a comment or `name{label="value",...} number`, every name is announced by HELP and TYPE, none twice. */
static void check_lines(const char *text)
{
	char **line = g_strsplit(text, "\n", -1);
	GHashTable *types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	unsigned n = 0;

	for (char **l = line; *l && **l; l++) {
		if (g_str_has_prefix(*l, "# TYPE ")) {
			char **word = g_strsplit(*l, " ", -1);

			g_assert_true(g_hash_table_add(types, g_strdup(word[2])));
			g_assert_true(!strcmp(word[3], "gauge") || !strcmp(word[3], "counter") || !strcmp(word[3], "histogram"));
			g_assert_cmpint(!strcmp(word[3], "counter"), ==, g_str_has_suffix(word[2], "_total"));
			g_strfreev(word);
		}
		if (**l == '#')
			continue;
		g_assert_true(g_regex_match_simple("^tutti_[a-z_]+(\\{([a-z]+=\"[a-zA-Z0-9+.]+\",?)+\\})? [0-9.e+-]+$", *l, 0, 0));
		char *name = g_strndup(*l, strcspn(*l, "{ "));
		char *base = g_regex_match_simple("_(bucket|sum|count)$", name, 0, 0) ? g_strndup(name, (gsize)(strrchr(name, '_') - name)) : g_strdup(name);

		g_assert_true(g_hash_table_contains(types, name) || g_hash_table_contains(types, base));
		g_free(base);
		g_free(name);
		n++;
	}
	g_assert_cmpuint(n, >=, 60);
	g_hash_table_destroy(types);
	g_strfreev(line);
}

static void test_metrics(void)
{
	static const char *const lines[] = {
		"tutti_rooms 3", "tutti_subscriptions 8", "tutti_notifies_total 9", "tutti_notify_failed_total 10",
		"tutti_subscribe_refused_total 11", "tutti_speaker_changes_total 12", "tutti_sip_responses_total{class=\"4xx\"} 4",
		"tutti_rtp_packets_total{dir=\"in\"} 77", "tutti_participants{codec=\"opus\",transport=\"UDP\"} 5",
		"tutti_calls_total{direction=\"out\",code=\"486\"} 2", "tutti_mix_busy_seconds_total 1.5",
		"tutti_leg_jitter_seconds_bucket{le=\"0.002\"} 0", "tutti_leg_jitter_seconds_bucket{le=\"0.005\"} 1",
		"tutti_leg_jitter_seconds_bucket{le=\"0.2\"} 1", "tutti_leg_jitter_seconds_bucket{le=\"+Inf\"} 2",
		"tutti_leg_jitter_seconds_sum 3.004", "tutti_leg_jitter_seconds_count 2", "tutti_leg_loss_ratio_bucket{le=\"0\"} 1",
		"tutti_http_responses_total{class=\"2xx\"} 6", "tutti_http_refused_total{reason=\"rate\"} 7", "tutti_http_watchers 21",
		"tutti_webhook_deliveries_total{result=\"dead\"} 1", "tutti_store_waiting 13",
		"tutti_gesture_stream_bad_frames_total 14", "tutti_gesture_dropped_total{reason=\"full\"} 15",
		"tutti_gesture_dropped_total{reason=\"sysex\"} 16", "tutti_gesture_dropped_total{reason=\"unplaced\"} 17",
		"tutti_gesture_midi_withheld_total{reason=\"held\"} 18", "tutti_gesture_midi_withheld_total{reason=\"clock\"} 19",
		"tutti_gesture_midi_withheld_total{reason=\"cable\"} 20",
	};
	struct web_status st = {.rooms = 3, .speakers = 12, .sip_responses = {0, 1, 2, 3, 4, 5, 6},
				.mixer = {.rx_packets = 77, .busy_us = 1500000}, .subscriptions = 8, .notifies = 9, .notify_failed = 10,
				.subscribe_refused = 11, .n_kinds = 1, .kind = {{"opus", "UDP", 5}}, .n_calls_by_status = 1,
				.calls_by_status = {{true, 486, 2}}, .store = {.waiting = 13},
				.gestures = {.stream_bad = 14, .full = 15, .sysex = 16, .unplaced = 17, .midi_held = 18,
					     .midi_clock = 19, .midi_absorbed = 20}};
	const struct metrics_web w = {.requests = {0, 0, 6}, .refused_rate = 7, .watchers = 21, .hook_dead = 1};
	char *text;

	census_add(&st.quality.jitter_s, census_bounds(CENSUS_JITTER), 0.004);
	census_add(&st.quality.jitter_s, census_bounds(CENSUS_JITTER), 3);
	census_add(&st.quality.loss_ratio, census_bounds(CENSUS_LOSS), 0);
	text = metrics_text(&st, &w);
	check_lines(text);
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!has_line(text, lines[i]))
			g_error("no line %s in %s", lines[i], text);
	g_free(text);
}

/* Two halves a member, a sum each pair; what is not known is null, and makes the sum "at least". */
static void test_delays(void)
{
	JsonParser *parser = json_parser_new();
	struct snapshot_delays *s = mem_zalloc(sizeof(*s) + 2 * sizeof(s->member[0]), NULL);
	JsonObject *o, *to, *from;
	JsonArray *list, *pair;

	str_ncpy(s->room, "band", sizeof(s->room));
	s->bound_us = 25000;
	s->watched = true;
	s->n = 2;
	s->member[0] = (struct snapshot_delay){.id = 7, .name = "a\"\xff", .d = {.us = {2700, 1333, 3000, 1400, 0, 3000, 1300, 4000}, .known = 0xff},
					       .warned = 2};
	s->member[1] = (struct snapshot_delay){.id = 9, .d = {.us = {0, 20000, 1000, 24000, 18667, 1000, 0, 0}, .known = 0x3e}};
	o = parse(parser, api_delays(s));
	g_assert_cmpint(json_object_get_int_member(o, "bound_ms"), ==, 25);
	g_assert_true(json_object_get_boolean_member(o, "watched"));
	list = json_object_get_array_member(o, "members");
	to = json_object_get_object_member(json_array_get_object_element(list, 0), "to_mix");
	from = json_object_get_object_member(json_array_get_object_element(list, 0), "from_mix");
	g_assert_cmpfloat_with_epsilon(json_object_get_double_member(to, "ms"), 8.433, 1e-6);
	g_assert_cmpfloat_with_epsilon(json_object_get_double_member(to, "frame_ms"), 1.333, 1e-6);
	g_assert_cmpfloat_with_epsilon(json_object_get_double_member(from, "own_buffer_ms"), 1.3, 1e-6);
	g_assert_true(json_object_get_boolean_member(from, "whole"));
	g_assert_false(json_object_has_member(from, "capture_ms"));
	to = json_object_get_object_member(json_array_get_object_element(list, 1), "to_mix");
	from = json_object_get_object_member(json_array_get_object_element(list, 1), "from_mix");
	g_assert_true(json_object_get_null_member(to, "capture_ms"));
	g_assert_true(json_object_get_null_member(from, "playback_ms"));
	g_assert_false(json_object_get_boolean_member(to, "whole"));
	list = json_object_get_array_member(o, "delays");
	g_assert_cmpuint(json_array_get_length(list), ==, 2);
	pair = json_array_get_array_element(list, 0);
	g_assert_cmpint(json_array_get_int_element(pair, 0), ==, 7);
	g_assert_cmpint(json_array_get_int_element(pair, 1), ==, 9);
	g_assert_cmpfloat_with_epsilon(json_array_get_double_element(pair, 2), 8.433 + 19.667, 1e-6);
	g_assert_false(json_array_get_boolean_element(pair, 3));
	g_assert_true(json_array_get_boolean_element(pair, 4));
	pair = json_array_get_array_element(list, 1);
	g_assert_false(json_array_get_boolean_element(pair, 4));
	mem_deref(s);
	g_object_unref(parser);
}

static void test_delay_event(void)
{
	JsonParser *parser = json_parser_new();
	struct told t = {.ev = {.type = EVENT_DELAY, .detail = "over", .delay = {.from = 7, .to = 9, .us = 31500, .bound_us = 25000, .over = true}},
			 .room = "band", .detail = "over"};
	JsonObject *o, *d;

	o = parse(parser, api_event(&t));
	g_assert_cmpstr(json_object_get_string_member(o, "type"), ==, "delay");
	d = json_object_get_object_member(o, "delay");
	g_assert_cmpint(json_object_get_int_member(d, "from"), ==, 7);
	g_assert_cmpint(json_object_get_int_member(d, "to"), ==, 9);
	g_assert_cmpfloat_with_epsilon(json_object_get_double_member(d, "ms"), 31.5, 1e-6);
	g_assert_cmpint(json_object_get_int_member(d, "bound_ms"), ==, 25);
	g_assert_true(json_object_get_boolean_member(d, "over"));
	t.ev = (struct event){.type = EVENT_SPEAKER};
	g_assert_false(json_object_has_member(parse(parser, api_event(&t)), "delay"));
	g_object_unref(parser);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/api/room", test_room);
	g_test_add_func("/api/quality", test_quality);
	g_test_add_func("/api/rooms", test_rooms);
	g_test_add_func("/api/status", test_status);
	g_test_add_func("/api/error", test_error);
	g_test_add_func("/api/delays", test_delays);
	g_test_add_func("/api/delay-event", test_delay_event);
	g_test_add_func("/api/metrics", test_metrics);
	return g_test_run();
}
