/*
 * fuzz-oscmap.c - any bytes as a line of a map. What is taken can be used: the message it makes of its target is, read
 * by the same line, that target again.
 */
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "osc/oscmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool fine_scale(const struct osc_arg *arg)
{
	/* Whole numbers and floats may be too coarse to tell 128 values apart. */
	return arg->tag == 'd';
}

static void there_and_back(const struct oscmap *map, const struct osctarget *t, unsigned value)
{
	struct osc_arg args[OSCMAP_ARGS_MAX];
	char addr[OSC_ADDR_MAX + 1];
	uint8_t buf[4096];
	struct osctarget got = {0};
	struct osc_writer w;
	struct osc_msg msg;
	size_t n, len;
	unsigned back;

	if (oscmap_in(addr, args, &n, map, t, value))
		return;
	must(n <= OSCMAP_ARGS_MAX && (n > 0) == osctarget_has_value(t->kind));
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	must(!osc_w_end(&w, &len) && !osc_msg_read(&msg, buf, len));
	if (oscmap_out(&got, &back, map, &msg))
		return;                   /* an in line only */
	must(got.kind == t->kind);
	must(!osctarget_has_channel(t->kind) || got.channel == t->channel);
	must(!osctarget_has_number(t->kind) || got.num == t->num);
	must(!n || !fine_scale(&args[n - 1]) || back == value || back + 1 == value || back == value + 1);
}

static void words(const char *line, size_t len, const char *dir)
{
	char text[9000];
	struct oscmap *map;
	const char *space = memchr(line, ' ', len);
	const int rest = space ? (int)(len - (size_t)(space - line)) : 0;
	const int n = space ? snprintf(text, sizeof(text), "%s%.*s", dir, rest, space) : -1;

	must(!oscmap_alloc(&map));
	if (n > 0 && (size_t)n < sizeof(text) && !oscmap_add(map, text, (size_t)n))
		for (unsigned k = 0; k < TARGETS; k++)
			for (unsigned ch = 0; ch < 16; ch++)
				for (unsigned num = 0; num < 16384; num += num < 128 ? 1 : 127) {
					const struct osctarget t = {(enum osctarget_kind)k, (uint8_t)ch, (uint16_t)num};

					if (!osctarget_number_ok(t.kind, num))
						break;
					there_and_back(map, &t, osctarget_range(t.kind) / 3);
				}
	mem_deref(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oscmap *map;

	must(!oscmap_alloc(&map));
	(void)oscmap_add(map, (const char *)data, size);
	must(oscmap_count(map) <= 1);
	if (oscmap_count(map))
		words((const char *)data, size, "both");
	mem_deref(map);
	return 0;
}
