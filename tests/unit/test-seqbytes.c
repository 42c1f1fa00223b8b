/*
 * test-seqbytes.c - ALSA's sequencer events to whole MIDI messages and back; and a system without a sequencer.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <re.h>
#include "client/midi_alsa.h"
#include "client/midiwire.h"
#include "client/seqbytes.h"

struct heard { unsigned n; size_t len[16]; uint8_t data[16][MIDIWIRE_MAX]; };

static void hear(const uint8_t *data, size_t len, void *arg)
{
	struct heard *h = arg;

	g_assert_cmpuint(h->n, <, 16);
	h->len[h->n] = len;
	if (len <= MIDIWIRE_MAX)
		memcpy(h->data[h->n], data, len);
	h->n++;
}

/* Out and in again: what left as an event arrives as the same octets. */
static void test_messages(void)
{
	static const struct { size_t len; uint8_t data[8]; } row[] = {
		{3, {0x90, 60, 100}}, {3, {0x8f, 60, 1}}, {3, {0xa1, 60, 9}}, {3, {0xb2, 7, 127}}, {2, {0xc3, 5}},
		{2, {0xd4, 66}}, {3, {0xe5, 1, 64}}, {2, {0xf1, 0x35}}, {3, {0xf2, 2, 3}}, {2, {0xf3, 4}}, {1, {0xf6}},
		{1, {0xf8}}, {1, {0xfa}}, {1, {0xfb}}, {1, {0xfc}}, {1, {0xfe}}, {1, {0xff}},
		{5, {0xf0, 0x7e, 1, 2, 0xf7}}, {2, {0xf0, 0xf7}},
	};
	struct seqbytes *b;

	g_assert_cmpint(seqbytes_alloc(&b), ==, 0);
	for (unsigned twice = 0; twice < 2; twice++)
		for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
			struct heard h = {.n = 0};
			snd_seq_event_t ev;

			g_assert_cmpint(seqbytes_out_rt(b, &ev, row[i].data, row[i].len), ==, 0);
			seqbytes_in_rt(b, &ev, hear, &h);
			g_assert_cmpuint(h.n, ==, 1);
			g_assert_cmpmem(h.data[0], h.len[0], row[i].data, row[i].len);
		}
	mem_deref(b);
}

static void test_no_messages(void)
{
	static const struct { size_t len; uint8_t data[8]; } row[] = {
		{0, {0}}, {1, {60}}, {2, {0x90, 60}}, {4, {0x90, 60, 1, 2}}, {6, {0x90, 60, 1, 0x90, 61, 1}},
		{3, {0xc0, 1, 2}},
		{1, {0xf0}}, {3, {0xf0, 1, 2}}, {1, {0xf7}},
	};
	struct seqbytes *b;
	snd_seq_event_t ev;

	g_assert_cmpint(seqbytes_alloc(&b), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(seqbytes_out_rt(b, &ev, row[i].data, row[i].len), ==, EBADMSG);
	mem_deref(b);
}

/* One event, several messages; and events that are no MIDI. */
static void test_several(void)
{
	static const uint8_t coarse[] = {0xb2, 7, 8}, fine[] = {0xb2, 39, 1};
	struct heard h = {.n = 0};
	struct seqbytes *b;
	snd_seq_event_t ev;

	g_assert_cmpint(seqbytes_alloc(&b), ==, 0);
	snd_seq_ev_clear(&ev);
	ev.type = SND_SEQ_EVENT_CONTROL14;
	snd_seq_ev_set_fixed(&ev);
	ev.data.control.channel = 2;
	ev.data.control.param = 7;
	ev.data.control.value = 8 * 128 + 1;
	seqbytes_in_rt(b, &ev, hear, &h);
	g_assert_cmpuint(h.n, ==, 2);
	g_assert_cmpmem(h.data[0], h.len[0], coarse, 3);
	g_assert_cmpmem(h.data[1], h.len[1], fine, 3);

	snd_seq_ev_clear(&ev);
	ev.type = SND_SEQ_EVENT_PORT_SUBSCRIBED;
	seqbytes_in_rt(b, &ev, hear, &h);
	g_assert_cmpuint(h.n, ==, 2);
	mem_deref(b);
}

static void piece(struct seqbytes *b, struct heard *h, uint8_t *data, size_t n)
{
	snd_seq_event_t ev;

	snd_seq_ev_clear(&ev);
	snd_seq_ev_set_sysex(&ev, (unsigned)n, data);
	seqbytes_in_rt(b, &ev, hear, h);
}

static void test_sysex(void)
{
	uint8_t whole[] = {0xf0, 1, 2, 3, 4, 5, 0xf7}, big[256] = {0}, clock = 0xf8, note[] = {0x90, 60, 1}, end = 0xf7;
	struct heard h = {.n = 0};
	struct seqbytes *b;
	snd_seq_event_t ev;

	g_assert_cmpint(seqbytes_alloc(&b), ==, 0);
	/* in pieces, with a clock between them */
	piece(b, &h, whole, 3);
	g_assert_cmpint(seqbytes_out_rt(b, &ev, &clock, 1), ==, 0);
	seqbytes_in_rt(b, &ev, hear, &h);
	piece(b, &h, whole + 3, 4);
	g_assert_cmpuint(h.n, ==, 2);
	g_assert_cmpmem(h.data[0], h.len[0], &clock, 1);
	g_assert_cmpmem(h.data[1], h.len[1], whole, sizeof(whole));

	/* a middle without a beginning; one that a note cuts off */
	h.n = 0;
	piece(b, &h, whole + 3, 4);
	piece(b, &h, whole, 3);
	g_assert_cmpint(seqbytes_out_rt(b, &ev, note, 3), ==, 0);
	seqbytes_in_rt(b, &ev, hear, &h);
	piece(b, &h, whole + 3, 4);
	g_assert_cmpuint(h.n, ==, 1);

	/* too long: told once, by its length, and the next is whole again */
	h.n = 0;
	big[0] = 0xf0;
	piece(b, &h, big, sizeof(big));
	big[0] = 1;
	for (unsigned i = 0; i < 40; i++)
		piece(b, &h, big, sizeof(big));
	piece(b, &h, &end, 1);
	g_assert_cmpuint(h.n, ==, 1);
	g_assert_cmpuint(h.len[0], >, MIDIWIRE_MAX);
	piece(b, &h, whole, sizeof(whole));
	g_assert_cmpmem(h.data[1], h.len[1], whole, sizeof(whole));
	mem_deref(b);
}

/* Whether this system has a sequencer or not: it runs and ends, or says why not. */
static void test_sequencer(void)
{
	struct midiwire *w;
	struct midi_alsa *m = NULL;
	const char *why = NULL;
	int err;

	g_assert_cmpint(midiwire_alloc(&w), ==, 0);
	err = midi_alsa_alloc(&m, &why, w, "tutti-test");
	if (err) {
		g_assert_cmpint(err, ==, ENODEV);
		g_assert_nonnull(strstr(why, "sequencer"));
	}
	else {
		g_assert_cmpstr(why, ==, "");
		g_assert_false(midi_alsa_gone(m));
	}
	mem_deref(m);
	g_assert_cmpuint(mem_nrefs(w), ==, 1);
	mem_deref(w);
}

/* Without one, as where snd-seq is not loaded: what is missing, and how to mend it. */
static void test_no_sequencer(void)
{
	struct midiwire *w;
	struct midi_alsa *m = NULL;
	const char *why = NULL;

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
		g_test_trap_assert_passed();
		return;
	}
	g_setenv("ALSA_CONFIG_PATH", "/nowhere/alsa.conf", TRUE);     /* read once in a process */
	g_assert_cmpint(midiwire_alloc(&w), ==, 0);
	g_assert_cmpint(midi_alsa_alloc(&m, &why, w, "tutti-test"), ==, ENODEV);
	g_assert_true(g_str_has_prefix(why, "no MIDI by ALSA: no sequencer (") && g_str_has_suffix(why, "; as root: modprobe snd-seq)"));
	g_assert_null(m);
	g_assert_cmpuint(mem_nrefs(w), ==, 1);
	mem_deref(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seqbytes/messages", test_messages);
	g_test_add_func("/seqbytes/no-messages", test_no_messages);
	g_test_add_func("/seqbytes/several", test_several);
	g_test_add_func("/seqbytes/sysex", test_sysex);
	g_test_add_func("/seqbytes/sequencer", test_sequencer);
	g_test_add_func("/seqbytes/no-sequencer", test_no_sequencer);
	return g_test_run();
}
