/*
 * fuzz-bridge.c - any bytes as an OSC packet become valid MIDI or nothing; any bytes as a MIDI list become valid OSC or
 * nothing, and that, read again, becomes valid MIDI. With a map and without.
 */
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "osc/bridge.h"
#include "osc/rtpmidi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct oscmap *a_map(void)
{
	static const char *const lines[] = {
		"both /a 0:f:0:1 cc:1:7", "both /b/%n 0:i:0:127 note:%c:%n", "both /c/%c/%n 2:d:-1:1 note:%c:%n",
		"out /d - start",
		"both /e/%c 0:h:9999999999:-9999999999 bend:%c",
	};
	static struct oscmap *map;

	if (!map) {
		must(!oscmap_alloc(&map));
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			(void)oscmap_add(map, lines[i], strlen(lines[i]));
	}
	return map;
}

static void commands(const struct osc_msg *msg, const struct oscmap *map)
{
	struct bridge_cmds out;
	const enum bridge_answer answer = bridge_to_midi_rt(&out, map, msg, 256);

	must(out.n <= BRIDGE_CMDS_MAX && (out.n > 0) == (answer == BRIDGE_SAID));
	for (unsigned i = 0; i < out.n; i++)
		must(midi_is_valid(&out.cmd[i]) && out.cmd[i].status != MIDI_SENSE && out.cmd[i].status != MIDI_RESET);
}

static void from_osc(const uint8_t *data, size_t size)
{
	struct osc_iter it;
	struct osc_msg msg;

	if (osc_check(data, size, OSC_MAX_DGRAM))
		return;
	osc_iter_init(&it, data, size);
	while (osc_next(&it, &msg)) {
		commands(&msg, NULL);
		commands(&msg, a_map());
	}
}

static void valid(const uint8_t *buf, size_t len, const struct bridge_taker *to)
{
	struct osc_msg msg;

	must(len <= to->max && !osc_msg_read(&msg, buf, len) && !osc_addr_is_pattern(msg.addr, msg.addr_len));
	must(!to->types || strspn(msg.tags, to->types) == msg.n_tags);
	commands(&msg, to->map);
}

static void command(const struct midi_state *before, const struct midi_cmd *cmd, const struct bridge_taker *to)
{
	static uint8_t buf[BRIDGE_OSC_MAX];
	size_t len = sizeof(buf);
	unsigned i = 0;

	must((bridge_to_osc_rt(buf, &len, to, before, cmd) == BRIDGE_SAID) == (len > 0));
	while (len) {
		valid(buf, len, to);
		len = sizeof(buf);
		bridge_silenced_rt(buf, &len, to, before, cmd, &i);
	}
}

static void from_midi(const uint8_t *data, size_t size)
{
	static struct midi_state st;
	const struct bridge_taker to[] = {
		{.max = OSC_MAX_DGRAM, .sysex_max = MIDI_SYSEX_MAX},
		{.map = a_map(), .types = "ifdhb", .max = 64, .sysex_max = 16}, {.types = "s", .max = 1200},
	};
	struct rtpmidi_iter it;
	struct midi_cmd cmd;
	struct rtpmidi m;
	uint32_t seq = 0;

	if (rtpmidi_read(&m, data, size))
		return;
	midi_state_init(&st);
	rtpmidi_begin(&it, &m);
	while (rtpmidi_next(&it, &cmd)) {
		for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
			command(&st, &cmd, &to[i]);
		midi_state_apply(&st, &cmd, ++seq, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	from_osc(data, size);
	from_midi(data, size);
	return 0;
}
