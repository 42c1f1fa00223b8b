/*
 * fuzz-house.c - any bytes as a message to the house, as the map of a surface, and as MIDI played on one: what is taken is
 * within bounds, and a map that is taken moves nothing that no map may.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "osc/surface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAP_MAX = 512 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_order(const struct house_order *o)
{
	must(o->what == HOUSE_NOTHING || o->what == HOUSE_LEVELS || o->what == HOUSE_ASK || o->cmd.verb < VERB_N);
	must(isfinite(o->cmd.value) && o->cmd.value >= -60 && o->cmd.value <= 400);
	must(o->cmd.pan >= -1 && o->cmd.pan <= COMMAND_PAN_SAME && o->cmd.beats <= 32);
	must(memchr(o->name, '\0', sizeof(o->name)) != NULL);
}

static void message(const uint8_t *data, size_t size)
{
	struct house_order o;
	struct osc_iter it;
	struct osc_msg msg;

	if (osc_check(data, size, OSC_MAX_DGRAM))
		return;
	osc_iter_init(&it, data, size);
	while (osc_next(&it, &msg))
		if (!house_read(&o, &msg))
			check_order(&o);
}

static void map(const uint8_t *data, size_t size)
{
	static struct surface s;
	char text[MAP_MAX + 1];
	const char *wrong = text;
	struct house_order o;
	size_t n = size < MAP_MAX ? size : MAP_MAX;

	memcpy(text, data, n);
	text[n] = '\0';
	if (surface_read(&s, text, &wrong)) {
		must(wrong >= text && wrong <= text + n);
		return;
	}
	for (unsigned status = 0x80; status < 0xf0; status += 3)
		for (unsigned a = 0; a < 128; a += 5) {
			struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)(a * 7 & 0x7f));

			if (!surface_order(&o, &s, &cmd)) {
				check_order(&o);
				must(o.cmd.verb != VERB_FOLLOW && o.nth <= 128);
			}
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	message(data, size);
	map(data, size);
	return 0;
}
