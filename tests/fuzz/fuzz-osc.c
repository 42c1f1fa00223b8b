/*
 * fuzz-osc.c - any bytes as an OSC packet: what is valid can be walked, written again, classified, matched and shown
 * in every view, and what comes out is valid; what is not valid is walked all the same, inside its bounds. And any
 * bytes as a pattern and an address.
 */
#include <stdlib.h>
#include <string.h>

#include "osc/gest.h"
#include "osc/kind.h"
#include "osc/views.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static unsigned walk(const uint8_t *data, size_t size)
{
	struct osc_iter it;
	struct osc_args args;
	struct osc_msg msg;
	struct osc_arg a;
	struct gest g;
	unsigned n = 0, sum = 0;

	osc_iter_init(&it, data, size);
	while (osc_next(&it, &msg)) {
		must(msg.raw >= data && msg.raw + msg.len <= data + size && strlen(msg.addr) == msg.addr_len);
		osc_args_init(&args, &msg);
		for (n++; osc_arg_next(&args, &a);) {
			if (a.tag == 's' || a.tag == 'S')
				sum += (unsigned)strlen(a.v.s);
			else if (a.tag == 'b' && a.v.b.len)
				sum += a.v.b.p[0] + a.v.b.p[a.v.b.len - 1];
		}
		gest_read(&g, &msg);
		must(kind_of(NULL, &msg) == OSC_EVENT || !kind_never_state(msg.addr, msg.addr_len));
	}
	return n + (sum & 0);
}

static void written_again(const uint8_t *data, size_t size)
{
	uint8_t *out = malloc(size);
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	enum osc_step step;
	size_t len;

	must(out != NULL);
	osc_w_init(&w, out, size);
	osc_iter_init(&it, data, size);
	while ((step = osc_step(&it, &msg)) != OSC_END) {
		must(step != OSC_BAD);
		if (step == OSC_OPEN)
			osc_w_bundle(&w, it.timetag);
		else if (step == OSC_CLOSE)
			osc_w_bundle_end(&w);
		else
			osc_w_copy(&w, &msg, "", 0);
	}
	must(!osc_w_end(&w, &len) && len == size && !osc_check(out, len, size));
	must(walk(out, len) == walk(data, size));
	free(out);
}

static void views(const uint8_t *data, size_t size, unsigned n)
{
	static struct owners owners;
	static uint8_t out[2000];
	struct views v = {.types = size & 8 ? "ifs" : NULL, .deep = size & 16, .max = 64 + size % 1400, .receiver = "bob", .source = "anna",
		.source_id = 1, .owners = &owners};

	owners.n = 0;
	must(!owners_claim(&owners, 2, "/a*/[b-d]"));
	for (v.view = VIEW_PREFIX; v.view <= VIEW_FLAT; v.view++) {
		size_t len = sizeof(out);

		views_write_rt(out, &len, &v, data, size);
		must(len <= v.max);
		must(!len || (!osc_check(out, len, v.max) && walk(out, len) <= n));
	}
}

/* The first octet says where the pattern ends. */
static void patterns(const uint8_t *data, size_t size)
{
	const size_t n = size ? data[0] : 0;
	const char *p = (const char *)data + 1;

	if (size < 1 + n)
		return;
	pattern_match(p, n, p + n, size - 1 - n);
	must(pattern_overlap(p, n, p + n, size - 1 - n) == pattern_overlap(p + n, size - 1 - n, p, n));
	must(!pattern_match(p, n, p, n) || pattern_ok(p, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned n = walk(data, size);

	patterns(data, size);
	if (!osc_check(data, size, OSC_MAX_STREAM)) {
		written_again(data, size);
		views(data, size, n);
	}
	return 0;
}
