/*
 * test-oscmap.c - a=osc-map lines: which are taken, what they say in both directions.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>

#include "osc/oscmap.h"

static const struct { const char *line; int err; } lines[] = {
	{"out /synth/gain 0:f:0:1 cc:1:7", 0},
	{"OUT /synth/gain 0:f:0:1 CC:1:7", 0},
	{"in /pad/%n 0:f:0:1 note:10:%n", 0},
	{"both /ch/%c/mod 99:i:-100:100.5 cc:%c:1", 0},
	{"out /x 0:d:1:0 rpn:16:16383", 0},             /* a scale may go down */
	{"out /go - start", 0},
	{"out /%cx 0:i:0:1 bend:1", 0},                 /* no variable: not a whole part */
	{"out /a 0:i:0:9999999999.999999999 mode:1:120", 0},
	{"", EBADMSG},
	{"out", EBADMSG},
	{"send /a 0:f:0:1 cc:1:7", EBADMSG},
	{"out  /a 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a 0:f:0:1 cc:1:7 ", EBADMSG},
	{"out a 0:f:0:1 cc:1:7", EBADMSG},
	{"out / 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a/ 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a//b 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a* 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a#b 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a,b 0:f:0:1 cc:1:7", EBADMSG},
	{"out /a 100:f:0:1 cc:1:7", EBADMSG},
	{"out /a :f:0:1 cc:1:7", EBADMSG},
	{"out /a 0:s:0:1 cc:1:7", EBADMSG},
	{"out /a 0:F:0:1 cc:1:7", EBADMSG},             /* type tags have a case */
	{"out /a 0:f:0:0 cc:1:7", EBADMSG},
	{"out /a 0:f:1 cc:1:7", EBADMSG},
	{"out /a 0:f:0:nan cc:1:7", EBADMSG},
	{"out /a 0:f:0:1e9 cc:1:7", EBADMSG},
	{"out /a 0:f:0:+1 cc:1:7", EBADMSG},
	{"out /a 0:f:0:1. cc:1:7", EBADMSG},
	{"out /a 0:f:0:12345678901 cc:1:7", EBADMSG},
	{"out /a 0:f:0:1 cc:0:7", EBADMSG},
	{"out /a 0:f:0:1 cc:17:7", EBADMSG},
	{"out /a 0:f:0:1 cc:1:120", EBADMSG},
	{"out /a 0:f:0:1 mode:1:119", EBADMSG},
	{"out /a 0:f:0:1 note:1:128", EBADMSG},
	{"out /a 0:f:0:1 nrpn:1:16384", EBADMSG},
	{"out /a 0:f:0:1 cc:1", EBADMSG},
	{"out /a 0:f:0:1 bend:1:2", EBADMSG},
	{"out /a 0:f:0:1 sysex", EBADMSG},
	{"out /a 0:f:0:1 song", EBADMSG},
	{"out /a 0:f:0:1 start", EBADMSG},
	{"out /a - cc:1:7", EBADMSG},
	{"out /a 0:f:0:1 cc:%c:7", EBADMSG},            /* which channel? */
	{"out /a/%n 0:f:0:1 cc:1:7", 0},                /* any of them */
	{"in /a 0:f:0:1 cc:%c:7", 0},                   /* any of them */
	{"in /a/%n 0:f:0:1 cc:1:7", EBADMSG},           /* which number? */
	{"both /a/%n 0:f:0:1 cc:1:7", EBADMSG},
};

static void grammar(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		gchar *exact = g_memdup2(lines[i].line, strlen(lines[i].line) + 1);
		struct oscmap *m;

		g_test_message("%s", lines[i].line);
		g_assert_cmpint(oscmap_alloc(&m), ==, 0);
		g_assert_cmpint(oscmap_add(m, exact, strlen(exact)), ==, lines[i].err);
		g_assert_cmpuint(oscmap_count(m), ==, lines[i].err ? 0 : 1);
		mem_deref(m);
		g_free(exact);
	}
}

static void bounds(void)
{
	gchar *addr = g_strnfill(300, 'a'), *line;
	struct oscmap *m;

	g_assert_cmpint(oscmap_alloc(&m), ==, 0);
	line = g_strdup_printf("out /%.254s 0:f:0:1 cc:1:7", addr);
	g_assert_cmpint(oscmap_add(m, line, strlen(line)), ==, 0);
	g_free(line);
	line = g_strdup_printf("out /%.255s 0:f:0:1 cc:1:7", addr);
	g_assert_cmpint(oscmap_add(m, line, strlen(line)), ==, EBADMSG);
	g_free(line);
	/* As written it is short enough, with a number of five digits it is not. */
	line = g_strdup_printf("in /%.250s/%%n 0:f:0:1 rpn:1:%%n", addr);
	g_assert_cmpint(oscmap_add(m, line, strlen(line)), ==, EBADMSG);
	g_free(line);
	while (oscmap_count(m) < OSCMAP_MAX)
		g_assert_cmpint(oscmap_add(m, "out /go - start", 15), ==, 0);
	g_assert_cmpint(oscmap_add(m, "out /go - start", 15), ==, E2BIG);
	mem_deref(m);
	g_free(addr);
}

static struct oscmap *some(void)
{
	static const char *const all[] = {
		"out /pad/%n 0:f:0:1 note:10:%n",
		"both /pad/36 1:i:-10:10 cc:2:3",
		"in /knob/%n 0:f:0:1 cc:2:%n",
		"in /knob/four 2:h:0:1270 cc:2:4",
		"out /same/%n/%n 0:i:0:127 note:1:%n",
		"both /at/%c/%n 0:d:0:16383 nrpn:%c:%n",
		"out /mode/%n 0:i:0:127 mode:1:%n",
		"both /go - start",
	};
	struct oscmap *m;

	g_assert_cmpint(oscmap_alloc(&m), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_assert_cmpint(oscmap_add(m, all[i], strlen(all[i])), ==, 0);
	return m;
}

static struct osc_msg message(const char *addr, const struct osc_arg *args, size_t n)
{
	static uint8_t buf[512];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return msg;
}

#define I(x) {.tag = 'i', .v.i = (x)}
#define F(x) {.tag = 'f', .v.f = (x)}
#define D(x) {.tag = 'd', .v.d = (x)}
#define TAG(x) {.tag = (x)}

static const struct {
	const char *addr;
	size_t n;
	struct osc_arg args[5];
	int err;
	struct osctarget t;
	unsigned value;
} outs[] = {
	{"/pad/35", 1, {F(0.5f)}, 0, {TARGET_NOTE, 9, 35}, 64},
	{"/pad/36", 2, {TAG('T'), I(0)}, 0, {TARGET_CC, 1, 3}, 64},             /* a literal before lines with variables */
	{"/pad/36", 1, {F(1)}, 0, {TARGET_NOTE, 9, 36}, 127},                   /* without that argument, the next line */
	{"/pad/36", 4, {TAG('['), I(7), TAG(']'), I(10)}, 0, {TARGET_CC, 1, 3}, 127},
	{"/pad/128", 1, {F(1)}, ENOENT, {0}, 0},
	{"/pad/07", 1, {F(1)}, ENOENT, {0}, 0},
	{"/pad/", 0, {{0}}, ENOENT, {0}, 0},
	{"/pad/x", 1, {F(1)}, ENOENT, {0}, 0},
	{"/pad", 1, {F(1)}, ENOENT, {0}, 0},
	{"/pad/1/2", 1, {F(1)}, ENOENT, {0}, 0},
	{"/pad/1", 1, {F(-3)}, 0, {TARGET_NOTE, 9, 1}, 0},
	{"/pad/1", 1, {F(NAN)}, EDOM, {0}, 0},
	{"/pad/1", 1, {F(INFINITY)}, EDOM, {0}, 0},
	{"/pad/1", 1, {D(-INFINITY)}, EDOM, {0}, 0},
	{"/pad/1", 1, {D(1e308)}, 0, {TARGET_NOTE, 9, 1}, 127},
	{"/pad/1", 1, {TAG('N')}, ENODATA, {TARGET_NOTE, 9, 1}, 0},
	{"/pad/1", 1, {TAG('I')}, ENOENT, {0}, 0},
	{"/pad/*", 1, {F(1)}, ENOENT, {0}, 0},
	{"/same/5/5", 1, {I(1)}, 0, {TARGET_NOTE, 0, 5}, 1},
	{"/same/5/6", 1, {I(1)}, ENOENT, {0}, 0},
	{"/at/16/16383", 1, {D(16383)}, 0, {TARGET_NRPN, 15, 16383}, 16383},
	{"/at/17/0", 1, {D(0)}, ENOENT, {0}, 0},
	{"/at/0/0", 1, {D(0)}, ENOENT, {0}, 0},
	{"/mode/123", 1, {I(0)}, 0, {TARGET_MODE, 0, 123}, 0},
	{"/mode/1", 1, {I(0)}, ENOENT, {0}, 0},
	{"/knob/3", 1, {F(1)}, ENOENT, {0}, 0},                                 /* in only */
	{"/go", 0, {{0}}, 0, {TARGET_START, 0, 0}, 0},
	{"/GO", 0, {{0}}, ENOENT, {0}, 0},                                      /* addresses have a case */
};

static void out(void)
{
	struct oscmap *m = some();

	for (size_t i = 0; i < G_N_ELEMENTS(outs); i++) {
		struct osctarget t = {0};
		struct osc_msg msg;
		unsigned value = 999;

		g_test_message("%s %zu", outs[i].addr, i);
		if (outs[i].addr[strlen(outs[i].addr) - 1] == '/')
			continue;         /* not a valid address: nobody could send it */
		msg = message(outs[i].addr, outs[i].args, outs[i].n);
		g_assert_cmpint(oscmap_out(&t, &value, m, &msg), ==, outs[i].err);
		if (outs[i].err == ENOENT || outs[i].err == EDOM)
			continue;
		g_assert_cmpint(t.kind, ==, outs[i].t.kind);
		g_assert_cmpuint(t.channel, ==, outs[i].t.channel);
		g_assert_cmpuint(t.num, ==, outs[i].t.num);
		g_assert_cmpuint(value, ==, outs[i].value);
	}
	mem_deref(m);
}

static void in(void)
{
	const struct osctarget three = {TARGET_CC, 1, 3}, four = {TARGET_CC, 1, 4}, five = {TARGET_CC, 1, 5},
		other = {TARGET_CC, 2, 5};
	const struct osctarget param = {TARGET_NRPN, 15, 16383}, start = {.kind = TARGET_START},
		note = {TARGET_NOTE, 9, 35};
	struct oscmap *m = some();
	struct osc_arg args[OSCMAP_ARGS_MAX];
	char addr[OSC_ADDR_MAX + 1];
	size_t n;

	g_assert_cmpint(oscmap_in(addr, args, &n, m, &three, 64), ==, 0);       /* -10 + 64/127 * 20 = 0.08 */
	g_assert_cmpstr(addr, ==, "/pad/36");
	g_assert_cmpuint(n, ==, 2);
	g_assert_cmpint(args[0].tag, ==, 'i');
	g_assert_cmpint(args[0].v.i, ==, 0);
	g_assert_cmpint(args[1].v.i, ==, 0);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &four, 127), ==, 0);
	g_assert_cmpstr(addr, ==, "/knob/four");
	g_assert_cmpuint(n, ==, 3);
	g_assert_cmpint(args[2].v.h, ==, 1270);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &five, 127), ==, 0);
	g_assert_cmpstr(addr, ==, "/knob/5");
	g_assert_cmpfloat(args[0].v.f, ==, 1);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &other, 127), ==, ENOENT);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &param, 5), ==, 0);
	g_assert_cmpstr(addr, ==, "/at/16/16383");
	g_assert_cmpfloat(args[0].v.d, ==, 5);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &start, 0), ==, 0);
	g_assert_cmpstr(addr, ==, "/go");
	g_assert_cmpuint(n, ==, 0);
	g_assert_cmpint(oscmap_in(addr, args, &n, m, &note, 5), ==, ENOENT);    /* out only */
	g_assert_cmpint(oscmap_in(addr, args, &n, NULL, &note, 5), ==, ENOENT);
	mem_deref(m);
}

/* There and back on every scale is the same value, where the scale tells 128 values apart. */
static void scales(void)
{
	static const struct oscmap_arg all[] = {
		{0, 'f', 0, 1}, {0, 'f', 1, 0}, {0, 'f', -9999999999.0, 9999999999.0}, {0, 'd', 0, 0.000000001},
		{0, 'i', -64, 63},
		{0, 'i', 1000, 0}, {0, 'h', -9999999999.0, 9999999999.0},
	};
	static const struct oscmap_arg wide = {0, 'i', 0, 9999999999.0};
	struct osc_arg a;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		for (unsigned v = 0; v <= 127; v++) {
			unsigned back;

			a = oscmap_back(&all[i], v, 127);
			g_assert_cmpint(a.tag, ==, all[i].tag);
			g_assert_cmpint(oscmap_value(&back, &all[i], &a, 127), ==, 0);
			g_assert_cmpuint(back, ==, v);
		}
	}
	a = oscmap_back(&wide, 127, 127);
	g_assert_cmpint(a.v.i, ==, INT32_MAX);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscmap/grammar", grammar);
	g_test_add_func("/oscmap/bounds", bounds);
	g_test_add_func("/oscmap/out", out);
	g_test_add_func("/oscmap/in", in);
	g_test_add_func("/oscmap/scales", scales);
	return g_test_run();
}
