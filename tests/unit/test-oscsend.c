/*
 * test-oscsend.c - a sender of gestures, packet by packet: what is in its journals, when it speaks for itself, what
 * reports do.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/oscsend.h"

struct out {
	uint8_t buf[1500];
	struct rtp_pkt pkt;
	struct oscrtp  o;
	gchar  *text;             /* its journal: "E BACK address" and "S BACK address" */
};

static struct oscsend *sender(struct oscsend_cfg cfg)
{
	struct oscsend *s;

	cfg.pt = 98;
	cfg.seed = 5;
	if (!cfg.seq)
		cfg.seq = 65530;          /* soon around */
	g_assert_cmpint(oscsend_alloc(&s, &cfg), ==, 0);
	return s;
}

static struct oscsend_time ms(uint64_t t)
{
	return (struct oscsend_time){t * 1000, t, (uint32_t)(t * 48)};
}

static void look(struct out *x, size_t len)
{
	GString *text = g_string_new("");
	struct oscrtp_entry e;
	struct osc_msg msg;

	g_assert_cmpuint(len, <=, 12 + OSCRTP_MTU);
	g_assert_cmpint(rtp_read(&x->pkt, x->buf, len), ==, 0);
	g_assert_cmpint(oscrtp_read(&x->o, &x->pkt, OSC_MAX_DGRAM), ==, 0);
	for (const uint8_t *p = x->o.entries; p < x->o.end;) {
		p = oscrtp_entry(&e, p);
		g_assert_cmpint(osc_msg_read(&msg, e.osc, e.len), ==, 0);
		g_string_append_printf(text, "%s%c%u %s", text->len ? " " : "", e.event ? 'E' : 'S', e.back, msg.addr);
	}
	g_free(x->text);
	x->text = g_string_free(text, FALSE);
}

static size_t word(uint8_t *buf, size_t room, const char *addr, char tag, size_t blob)
{
	static const uint8_t zero[1500];
	struct osc_arg a[2] = {{.tag = tag}, {.tag = 'b', .v.b = {zero, (uint32_t)blob}}};
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, room);
	osc_w_msg(&w, addr, a, blob ? 2 : 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

/* tag f: state, I: event, N: nil */
static int say(struct oscsend *s, struct out *x, const char *addr, char tag, size_t blob, uint64_t t)
{
	const struct oscsend_time now = ms(t);
	uint8_t osc[1500];
	const struct oscsend_item item = {osc, word(osc, sizeof(osc), addr, tag, blob), now.ts, NULL, false};
	size_t len = sizeof(x->buf);
	const int err = oscsend_packet_rt(s, x->buf, &len, &item, 1, &now);

	if (!err)
		look(x, len);
	return err;
}

static int tick(struct oscsend *s, struct out *x, uint64_t t)
{
	const struct oscsend_time now = ms(t);
	size_t len = sizeof(x->buf);
	const int err = oscsend_tick_rt(s, x->buf, &len, &now);

	if (!err)
		look(x, len);
	return err;
}

/* "The first packet of a stream has S=1, P=0"; then a journal grows, is reported, and is empty again. */
static void closed_loop(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 2, .receiver = true});
	struct out x = {.text = NULL};

	g_assert_cmpint(tick(s, &x, 1), ==, 0);
	g_assert_true(x.o.s && !x.o.p && x.pkt.seq == 65530 && x.o.check == 65530 && !x.pkt.marker);
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 2), ==, 0);
	g_assert_true(!x.o.s && x.pkt.marker && x.o.check == 65530);
	g_assert_cmpstr(x.text, ==, "");
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 3), ==, 0);
	g_assert_cmpstr(x.text, ==, "S1 /a");
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 4), ==, 0);
	g_assert_cmpstr(x.text, ==, "S2 /a S1 /b");
	g_assert_cmpint(say(s, &x, "/c", 'f', 0, 5), ==, 0);
	g_assert_cmpstr(x.text, ==, "S2 /b S1 /a");

	oscsend_report_rt(s, 7, 65532, 5000);
	g_assert_cmpint(say(s, &x, "/d", 'f', 0, 6), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 65533);
	g_assert_cmpstr(x.text, ==, "S2 /a S1 /c");
	oscsend_report_rt(s, 7, 65530, 5000);             /* an old one says nothing new */
	oscsend_report_rt(s, 7, 12345, 5000);             /* nor does one about what was never sent */
	oscsend_report_rt(s, 7, 65535, 5000);
	g_assert_cmpint(say(s, &x, "/e", 'f', 0, 7), ==, 0);
	g_assert_true(x.o.check == 0 && x.pkt.seq == 0);
	g_assert_cmpstr(x.text, ==, "");
	mem_deref(s);
	g_free(x.text);
}

/* The oldest of several receivers counts; who is silent for 25 s does not. */
static void several(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .seq = 100});
	struct out x = {.text = NULL};

	g_assert_cmpint(oscsend_receiver_rt(s, 1, 0), ==, 0);
	g_assert_cmpint(oscsend_receiver_rt(s, 2, 0), ==, 0);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmpint(say(s, &x, "/a", 'f', 0, i), ==, 0);
	oscsend_report_rt(s, 1, 103, 4000);
	oscsend_report_rt(s, 2, 101, 4000);
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 5), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 102);
	g_assert_cmpstr(x.text, ==, "S1 /a");
	oscsend_report_rt(s, 1, 104, 20000000);
	g_assert_cmpint(say(s, &x, "/c", 'f', 0, 25000), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 102);
	g_assert_cmpint(say(s, &x, "/d", 'f', 0, 25100), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 105);
	oscsend_bye_rt(s, 1);
	g_assert_cmpint(say(s, &x, "/e", 'f', 0, 25200), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 107);
	g_assert_cmpstr(x.text, ==, "");
	mem_deref(s);
	g_free(x.text);
}

/* "Every event sent in the last `red` packets SHOULD have an E=1 entry" */
static void events(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 2, .receiver = true});
	struct oscrtp_entry e;
	struct out x = {.text = NULL};

	g_assert_cmpint(say(s, &x, "/x", 'I', 0, 10), ==, 0);
	g_assert_cmpint(say(s, &x, "/y", 'I', 0, 20), ==, 0);
	g_assert_cmpstr(x.text, ==, "E1 /x");
	oscrtp_entry(&e, x.o.entries);
	g_assert_cmpuint(e.age, ==, 480);
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 30), ==, 0);
	g_assert_cmpstr(x.text, ==, "E2 /x E1 /y");
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 40), ==, 0);
	g_assert_cmpstr(x.text, ==, "E2 /y S1 /a");
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 50), ==, 0);
	g_assert_cmpstr(x.text, ==, "S1 /a");
	mem_deref(s);
	g_free(x.text);
}

/* /midi/C/off/N: "the key note/N becomes 0", which journals tell for as long as it takes. */
static void off(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 1, .receiver = true});
	struct out x = {.text = NULL};

	g_assert_cmpint(say(s, &x, "/midi/1/off/60", 'i', 0, 10), ==, 0);
	g_assert_cmpint(say(s, &x, "/x", 'I', 0, 20), ==, 0);
	g_assert_cmpstr(x.text, ==, "E1 /midi/1/off/60 S1 /midi/1/note/60");
	g_assert_cmpint(say(s, &x, "/x", 'I', 0, 30), ==, 0);
	g_assert_cmpstr(x.text, ==, "S2 /midi/1/note/60 E1 /x");
	mem_deref(s);
	g_free(x.text);
}

/* Eight packets back, as far as it goes: no slot is written over too early. */
static void most_red(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = OSCSEND_RED_MAX, .receiver = true});
	struct out x = {.text = NULL};

	g_assert_cmpint(say(s, &x, "/x", 'I', 0, 10), ==, 0);
	for (unsigned i = 1; i <= OSCSEND_RED_MAX; i++)
		g_assert_cmpint(say(s, &x, "/a", 'f', 0, 10 + i), ==, 0);
	g_assert_cmpstr(x.text, ==, "E8 /x S1 /a");
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 30), ==, 0);
	g_assert_cmpstr(x.text, ==, "S1 /a");
	mem_deref(s);
	g_free(x.text);
}

/* A deleted key is told until it has arrived, and then is no key any more. */
static void nil(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .receiver = true, .seq = 100});
	struct out x = {.text = NULL};

	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 1), ==, 0);
	g_assert_cmpint(say(s, &x, "/a", 'N', 0, 2), ==, 0);
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 3), ==, 0);
	g_assert_cmpstr(x.text, ==, "S1 /a");
	g_assert_cmpuint(oscsend_state(s)->n, ==, 2);
	oscsend_report_rt(s, 7, 102, 3000);
	g_assert_cmpuint(oscsend_state(s)->n, ==, 1);
	mem_deref(s);
	g_free(x.text);
}

/* "20 ms after the last packet with an event message, then 100, 200, 400, .. ms apart, never more than `guard` apart"
 * */
static void guards(void)
{
	static const uint64_t when[] = {120, 220, 420, 820, 1320, 1820};
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .guard_ms = 500, .receiver = true});
	struct out x = {.text = NULL};
	unsigned n = 0;

	g_assert_cmpint(tick(s, &x, 0), ==, 0);
	oscsend_report_rt(s, 7, 65530, 1000);
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 100), ==, 0);
	for (uint64_t t = 101; n < G_N_ELEMENTS(when); t++) {
		const bool due = oscsend_due_rt(s) <= t * 1000;

		if (t % 500 == 0)
			oscsend_report_rt(s, 7, x.pkt.seq, t * 1000);
		if (tick(s, &x, t)) {
			g_assert_false(due);
			continue;
		}
		g_assert_true(due);
		g_assert_cmpuint(t, ==, when[n++]);
		g_assert_true(!x.o.s && !x.o.num && !x.pkt.marker);
	}
	mem_deref(s);

	s = sender((struct oscsend_cfg){.journal = false, .guard_ms = 500});
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 100), ==, 0);
	g_assert_false(x.o.j);
	g_assert_cmpuint(oscsend_due_rt(s), ==, UINT64_MAX);
	mem_deref(s);
	g_free(x.text);
}

/* More than fits: all in turns. "n octets of entries take at most ceil(n/1000)+1 packets" */
static void rotation(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .guard_ms = 100, .receiver = true});
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct out x = {.text = NULL};
	size_t octets = 0;
	char addr[32];
	unsigned n;

	g_assert_cmpint(tick(s, &x, 0), ==, 0);
	for (unsigned i = 0; i < 300; i++) {
		g_snprintf(addr, sizeof(addr), "/some/key/%u", i);
		g_assert_cmpint(say(s, &x, addr, 'f', i % 7 * 4, 1), ==, 0);
		octets += 4 + (strlen(addr) + 4) / 4 * 4 + (i % 7 ? 4 + 4 + 4 + i % 7 * 4 : 8);
	}
	g_assert_true(x.o.p);
	for (n = 0; g_hash_table_size(seen) < 300;) {
		gchar **words;

		while (tick(s, &x, oscsend_due_rt(s) / 1000 + 1))
			;
		if (x.o.s)
			continue;
		n++;
		g_assert_true(x.o.p);
		words = g_strsplit(x.text, " ", 0);
		for (unsigned i = 1; words[0] && words[i - 1] && words[i]; i += 2)
			g_hash_table_add(seen, g_strdup(words[i]));
		g_strfreev(words);
	}
	g_test_message("%zu octets in %u packets", octets, n);
	g_assert_cmpuint(n, <=, (octets + 999) / 1000 + 1);
	g_hash_table_unref(seen);
	mem_deref(s);
	g_free(x.text);
}

/* A receiver that reports a packet with a partial journal may lack what was left out: that stays in the journals. */
static void partial_report(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .guard_ms = 100, .receiver = true, .seq = 100});
	struct out x = {.text = NULL};

	for (unsigned i = 0; i < 5; i++) {
		char addr[8];

		g_snprintf(addr, sizeof(addr), "/%u", i);
		g_assert_cmpint(say(s, &x, addr, 'f', 500, 1), ==, 0);
	}
	g_assert_true(x.o.p);             /* 104 has /4 and one of the others */
	g_assert_cmpstr(x.text, ==, "S4 /0");
	oscsend_report_rt(s, 7, 104, 2000);
	g_assert_cmpint(say(s, &x, "/x", 'f', 0, 3), ==, 0);
	g_assert_cmpuint(x.o.check, ==, 105);
	g_assert_cmpstr(x.text, ==, "S4 /1 S3 /2");
	mem_deref(s);
	g_free(x.text);
}

/* A late joiner: what was there before, in as many packets as it takes, one each 5 ms, again until it is reported. */
static void snapshot(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .receiver = true, .seq = 100});
	struct out x = {.text = NULL};
	unsigned keys = 0, packets = 0;
	uint64_t t = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct osc_msg msg;
		uint8_t osc[64];
		char addr[32];

		g_snprintf(addr, sizeof(addr), "/some/key/%u", i);
		g_assert_cmpint(osc_msg_read(&msg, osc, word(osc, sizeof(osc), addr, 'f', 0)), ==, 0);
		g_assert_cmpint(oscsend_load_rt(s, &msg), ==, 0);
	}
	do {
		struct oscrtp_entry e;

		g_assert_cmpint(tick(s, &x, t), ==, 0);
		g_assert_true(x.o.s && x.o.check == 100 && !x.o.num);
		for (const uint8_t *p = x.o.entries; p < x.o.end; keys++) {
			p = oscrtp_entry(&e, p);
			g_assert_cmpuint(e.back, ==, OSCRTP_BACK_FAR);
		}
		packets++;
		g_assert_cmpint(tick(s, &x, t + 4), ==, EAGAIN);
		t += 5;
	} while (x.o.p);
	g_assert_cmpuint(keys, ==, 100);
	g_assert_cmpuint(packets, ==, 3);

	g_assert_cmpint(tick(s, &x, t + 990), ==, EAGAIN);
	g_assert_cmpint(tick(s, &x, t + 1001), ==, 0);
	g_assert_true(x.o.s && x.o.check == 103);
	while (x.o.p)
		g_assert_cmpint(tick(s, &x, t += 1010), ==, 0);
	oscsend_report_rt(s, 7, x.pkt.seq, t * 1000);
	g_assert_cmpuint(oscsend_due_rt(s), ==, UINT64_MAX);

	oscsend_snapshot_rt(s);
	g_assert_cmpint(tick(s, &x, t + 5000), ==, 0);
	g_assert_true(x.o.s);
	mem_deref(s);
	g_free(x.text);
}

/* "bundled messages with a future time tag are not journalled before that time" */
static void future(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 4, .receiver = true, .tt_exec = true});
	struct oscsend_time now = ms(10);
	struct out x = {.text = NULL};
	struct oscsend_item item;
	struct osc_arg state = {.tag = 'f'}, event = {.tag = 'I'};
	struct osc_writer w;
	uint8_t osc[128];
	size_t len, n = sizeof(x.buf);

	osc_w_init(&w, osc, sizeof(osc));
	osc_w_bundle(&w, 100);
	osc_w_msg(&w, "/a", &state, 1);
	osc_w_msg(&w, "/x", &event, 1);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	item = (struct oscsend_item){osc, len, now.ts, NULL, false};
	g_assert_cmpint(oscsend_packet_rt(s, x.buf, &n, &item, 1, &now), ==, 0);

	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 50), ==, 0);
	g_assert_cmpstr(x.text, ==, "");
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 99), ==, 0);
	g_assert_cmpstr(x.text, ==, "S1 /b");
	g_assert_true(x.o.p);             /* who lost /a must not take this for all there is */
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 100), ==, 0);
	g_assert_cmpstr(x.text, ==, "E3 /x S3 /a S1 /b");
	g_assert_false(x.o.p);
	mem_deref(s);
	g_free(x.text);
}

static void future_state(struct oscsend *s, struct out *x, float value, uint64_t when, uint64_t at_ms)
{
	const struct osc_arg a = {.tag = 'f', .v.f = value};
	struct oscsend_time now = ms(at_ms);
	struct oscsend_item item;
	struct osc_writer w;
	uint8_t osc[128];
	size_t len, n = sizeof(x->buf);

	osc_w_init(&w, osc, sizeof(osc));
	osc_w_bundle(&w, when);
	osc_w_msg(&w, "/a", &a, 1);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	item = (struct oscsend_item){osc, len, now.ts, NULL, false};
	g_assert_cmpint(oscsend_packet_rt(s, x->buf, &n, &item, 1, &now), ==, 0);
}

/* A clock of both: t in ms. */
static struct oscsend_time clocked(uint64_t t)
{
	return (struct oscsend_time){t * 1000, (t << 32) / 1000, (uint32_t)(t * 48)};
}

/* A bundle of state that says when it was played; 0: it does not. */
static void say_stamped(struct oscsend *s, struct out *x, uint64_t played, size_t blob, uint64_t t)
{
	const struct oscsend_time now = clocked(t);
	struct osc_arg a[2] = {{.tag = 'f'}, {.tag = 'b', .v.b = {(const uint8_t[1000]){0}, (uint32_t)blob}}};
	struct oscsend_item item;
	struct osc_writer w;
	uint8_t osc[1200];
	size_t len, n = sizeof(x->buf);

	osc_w_init(&w, osc, sizeof(osc));
	osc_w_bundle(&w, played ? (played << 32) / 1000 : OSC_NOW);
	osc_w_msg(&w, "/a", a, 1);
	osc_w_msg(&w, "/b", a, 2);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	item = (struct oscsend_item){osc, len, now.ts, NULL, false};
	g_assert_cmpint(oscsend_packet_rt(s, x->buf, &n, &item, 1, &now), ==, 0);
	look(x, n);
}

/* State of a known time is told with it for a while, before what is told until it has arrived. */
static void stamped(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 2, .receiver = true, .tt_exec = true,
		.clock_rate = 48000});
	struct out x = {.text = NULL};
	struct oscrtp_entry e;

	say_stamped(s, &x, 1007, 0, 1010);
	say_stamped(s, &x, 1020, 0, 1020);
	g_assert_cmpstr(x.text, ==, "E1 /a S1 /a E1 /b S1 /b");
	g_assert_cmpint(oscrtp_entry(&e, x.o.entries) - x.o.entries, ==, 8 + 12);
	g_assert_cmpuint(e.age + 1, >=, 13 * 48);         /* a time tag is no whole sample */
	g_assert_cmpuint(e.age - 1, <=, 13 * 48);
	say_stamped(s, &x, 0, 0, 1030);
	g_assert_cmpstr(x.text, ==, "E2 /a E2 /b E1 /a S1 /a E1 /b S1 /b");
	say_stamped(s, &x, 0, 0, 1040);
	g_assert_cmpstr(x.text, ==, "E2 /a E2 /b S1 /a S1 /b");
	mem_deref(s);
	g_free(x.text);
}

/* An instrument's note is of a frame of the period that runs: its time comes when its packet has long left. */
static void stamped_ahead(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 3, .receiver = true, .tt_exec = true,
		.clock_rate = 48000});
	struct out x = {.text = NULL};
	struct oscrtp_entry e;

	say_stamped(s, &x, 1015, 0, 1010);
	say_stamped(s, &x, 0, 0, 1012);
	g_assert_cmpstr(x.text, ==, "");
	g_assert_true(x.o.p);
	say_stamped(s, &x, 0, 0, 1025);
	g_assert_cmpstr(x.text, ==, "E2 /a E2 /b S1 /a S1 /b");
	g_assert_false(x.o.p);
	oscrtp_entry(&e, x.o.entries);
	g_assert_cmpuint(e.age + 1, >=, 10 * 48);
	g_assert_cmpuint(e.age - 1, <=, 10 * 48);
	mem_deref(s);
	g_free(x.text);
}

/* It is no reason to leave out what must be told, nor to call the journal partial. */
static void stamped_full(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .red = 1, .receiver = true, .tt_exec = true,
		.clock_rate = 48000});
	struct out x = {.text = NULL};

	say_stamped(s, &x, 1010, 400, 1010);
	say_stamped(s, &x, 1020, 400, 1020);
	g_assert_cmpstr(x.text, ==, "S1 /a S1 /b");
	g_assert_false(x.o.p);
	mem_deref(s);
	g_free(x.text);
}

/* Who asks is told all, that of the future too. */
static void future_asked(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .receiver = true, .tt_exec = true});
	struct out x = {.text = NULL};
	struct osc_msg msg;
	struct osc_args it;
	struct osc_arg a;
	const struct key *key;

	future_state(s, &x, 4, 100000, 110);
	oscsend_snapshot_rt(s);
	g_assert_cmpint(tick(s, &x, 200), ==, 0);
	g_assert_true(x.o.s);
	g_assert_nonnull(strstr(x.text, "/a"));
	key = osckeys_find_rt(oscsend_state(s), "/a", 2);
	osckeys_msg_rt(&msg, oscsend_state(s), key);
	osc_args_init(&it, &msg);
	g_assert_true(osc_arg_next(&it, &a));
	g_assert_cmpfloat(a.v.f, ==, 4);
	mem_deref(s);
	g_free(x.text);
}

/* "beyond that new keys are forwarded but not stored" */
static void full(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .receiver = true, .keys_max = 2});
	struct out x = {.text = NULL};

	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 1), ==, 0);
	g_assert_cmpint(say(s, &x, "/b", 'f', 0, 1), ==, 0);
	g_assert_cmpint(say(s, &x, "/c", 'f', 0, 1), ==, 0);
	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 1), ==, 0);
	g_assert_cmpstr(x.text, ==, "S3 /a S2 /b");
	g_assert_cmpuint(oscsend_stats(s)->unstored, ==, 1);
	mem_deref(s);
	g_free(x.text);
}

static void refused(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true, .max = 1000});
	const struct oscsend_time now = ms(1);
	const struct oscsend_item bad = {(const uint8_t *)"/a\0\0;\0\0\0", 8, 0, NULL, false};
	struct oscsend_cfg cfg = {.red = 9};
	struct oscsend *none;
	struct out x = {.text = NULL};
	size_t len = sizeof(x.buf);

	g_assert_cmpint(say(s, &x, "/a", 'f', 1000, 1), ==, EMSGSIZE);
	g_assert_cmpint(oscsend_packet_rt(s, x.buf, &len, &bad, 1, &now), ==, EBADMSG);
	g_assert_cmpint(oscsend_packet_rt(s, x.buf, &len, &bad, 0, &now), ==, EINVAL);
	len = 100;
	g_assert_cmpint(oscsend_tick_rt(s, x.buf, &len, &now), ==, ENOSPC);
	g_assert_cmpuint(oscsend_stats(s)->packets, ==, 0);
	g_assert_cmpint(oscsend_alloc(&none, &cfg), ==, EINVAL);
	cfg = (struct oscsend_cfg){.guard_ms = 60001};
	g_assert_cmpint(oscsend_alloc(&none, &cfg), ==, EINVAL);
	cfg = (struct oscsend_cfg){.mtu = OSCSEND_MTU_MAX + 1};
	g_assert_cmpint(oscsend_alloc(&none, &cfg), ==, EINVAL);
	mem_deref(s);
}

/* "Timestamps of consecutive packets never decrease", and DELTA not from element to element. */
static void times(void)
{
	struct oscsend *s = sender((struct oscsend_cfg){.journal = true});
	struct oscsend_time now = ms(100);
	struct oscsend_item item[3];
	struct oscrtp_elem e;
	struct out x = {.text = NULL};
	uint8_t osc[64];
	size_t n = word(osc, sizeof(osc), "/a", 'f', 0), len = sizeof(x.buf);
	const uint8_t *p;

	g_assert_cmpint(say(s, &x, "/a", 'f', 0, 100), ==, 0);
	for (unsigned i = 0; i < 3; i++)
		item[i] = (struct oscsend_item){osc, n, (uint32_t[]){4700, 4900, 4850}[i], NULL, false};
	g_assert_cmpint(oscsend_packet_rt(s, x.buf, &len, item, 3, &now), ==, 0);
	look(&x, len);
	g_assert_cmpuint(x.pkt.ts, ==, 4800);
	p = oscrtp_elem(&e, x.o.elems);
	g_assert_cmpuint(e.delta, ==, 0);
	p = oscrtp_elem(&e, p);
	g_assert_cmpuint(e.delta, ==, 100);
	oscrtp_elem(&e, p);
	g_assert_cmpuint(e.delta, ==, 100);
	mem_deref(s);
	g_free(x.text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscsend/closed-loop", closed_loop);
	g_test_add_func("/oscsend/several", several);
	g_test_add_func("/oscsend/events", events);
	g_test_add_func("/oscsend/off", off);
	g_test_add_func("/oscsend/most-red", most_red);
	g_test_add_func("/oscsend/nil", nil);
	g_test_add_func("/oscsend/guards", guards);
	g_test_add_func("/oscsend/rotation", rotation);
	g_test_add_func("/oscsend/partial-report", partial_report);
	g_test_add_func("/oscsend/snapshot", snapshot);
	g_test_add_func("/oscsend/future", future);
	g_test_add_func("/oscsend/future-asked", future_asked);
	g_test_add_func("/oscsend/stamped", stamped);
	g_test_add_func("/oscsend/stamped-ahead", stamped_ahead);
	g_test_add_func("/oscsend/stamped-full", stamped_full);
	g_test_add_func("/oscsend/full", full);
	g_test_add_func("/oscsend/refused", refused);
	g_test_add_func("/oscsend/times", times);
	return g_test_run();
}
