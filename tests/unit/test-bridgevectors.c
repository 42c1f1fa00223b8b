/*
 * test-bridgevectors.c - the independent vectors of the bridge between OSC and MIDI (vectors.h).
 */
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>

#include "osc/bridge.h"
#include "vectors.h"

/* NULL when there is no line. */
static struct oscmap *map_of(JsonObject *v)
{
	JsonArray *lines = json_object_get_array_member(v, "maps");
	struct oscmap *m = NULL;

	for (guint i = 0; i < json_array_get_length(lines); i++) {
		const char *line = json_array_get_string_element(lines, i);

		if (!m)
			g_assert_cmpint(oscmap_alloc(&m), ==, 0);
		g_assert_cmpint(oscmap_add(m, line, strlen(line)), ==, 0);
	}
	return m;
}

static size_t unhex(uint8_t *buf, const char *hex)
{
	const size_t n = strlen(hex) / 2;

	g_assert_cmpint(str_hex(buf, n, hex), ==, 0);
	return n;
}

static struct osc_arg arg_of(char tag, JsonArray *args, guint i, uint8_t *octets)
{
	struct osc_arg a = {.tag = tag};
	const bool nan = tag == 'f' && json_node_get_value_type(json_array_get_element(args, i)) == G_TYPE_STRING;

	switch (tag) {
	case 'i': a.v.i = (int32_t)json_array_get_int_element(args, i); break;
	case 'f': a.v.f = nan ? NAN : (float)json_array_get_double_element(args, i); break;
	case 's': a.v.s = json_array_get_string_element(args, i); break;
	case 'b':
		a.v.b.len = (uint32_t)unhex(octets, json_array_get_string_element(args, i));
		a.v.b.p = octets;
		break;
	case 'm':
		unhex(a.v.m, json_array_get_string_element(args, i));
		break;
	default:
		break;
	}
	return a;
}

static void same_commands(const struct bridge_cmds *cmds, JsonArray *want)
{
	g_assert_cmpuint(cmds->n, ==, json_array_get_length(want));
	for (guint i = 0; i < cmds->n; i++) {
		uint8_t octets[64], expected[64];
		const size_t n = midi_write(octets, sizeof(octets), &cmds->cmd[i]);
		const size_t m = unhex(expected, json_array_get_string_element(want, i));

		g_assert_cmpmem(octets, n, expected, m);
	}
}

static void to_midi(JsonObject *v)
{
	const char *tags = json_object_get_string_member(v, "types");
	JsonArray *args = json_object_get_array_member(v, "args");
	struct oscmap *map = map_of(v);
	struct osc_arg list[4];
	uint8_t buf[256], octets[4][16];
	struct bridge_cmds cmds;
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	for (guint i = 0; i < strlen(tags); i++)
		list[i] = arg_of(tags[i], args, i, octets[i]);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, json_object_get_string_member(v, "address"), list, strlen(tags));
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_assert_cmpint(bridge_to_midi_rt(&cmds, map, &msg, 256) == BRIDGE_SAID, ==, cmds.n > 0);
	same_commands(&cmds, json_object_get_array_member(v, "midi"));
	mem_deref(map);
}

static void same_arguments(const struct osc_msg *msg, JsonArray *want)
{
	struct osc_args it;
	struct osc_arg a;
	guint i = 0;

	osc_args_init(&it, msg);
	for (; osc_arg_next(&it, &a); i++) {
		if (a.tag == 'i')
			g_assert_cmpint(a.v.i, ==, json_array_get_int_element(want, i));
		else
			g_assert_cmpfloat(a.v.f, ==, (float)json_array_get_double_element(want, i));
	}
	g_assert_cmpuint(i, ==, json_array_get_length(want));
}

static void to_osc(JsonObject *v)
{
	static struct midi_state nothing;
	struct oscmap *map = map_of(v);
	const struct bridge_taker to = {.map = map, .types = json_object_get_string_member(v, "accept"), .max = 1200,
		.sysex_max = 256};
	uint8_t octets[8], buf[BRIDGE_OSC_MAX];
	size_t n = unhex(octets, json_object_get_string_member(v, "midi")), len = sizeof(buf);
	const struct midi_cmd cmd = midi_short(octets[0], n > 1 ? octets[1] : 0, n > 2 ? octets[2] : 0);
	struct osc_msg msg;

	midi_state_init(&nothing);
	bridge_to_osc_rt(buf, &len, &to, &nothing, &cmd);
	if (json_object_get_null_member(v, "address")) {
		g_assert_cmpuint(len, ==, 0);
	} else {
		g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
		g_assert_cmpstr(msg.addr, ==, json_object_get_string_member(v, "address"));
		g_assert_cmpstr(msg.tags, ==, json_object_get_string_member(v, "types"));
		same_arguments(&msg, json_object_get_array_member(v, "args"));
	}
	mem_deref(map);
}

static unsigned n_vectors;

static void vector(JsonObject *v, const char *name)
{
	if (!strcmp(json_object_get_string_member(v, "dir"), "osc->midi"))
		to_midi(v);
	else
		to_osc(v);
	n_vectors++;
}

static void bridge_json(void)
{
	each("bridge.json", vector);
	g_test_message("%u vectors", n_vectors);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bridgevectors/bridge", bridge_json);
	return g_test_run();
}
