/*
 * test-offermusic.c - who comes to make music, and how short frames are agreed between two ends and a server.
 */
#include <glib.h>
#include <string.h>
#include "server/offer.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define AUDIO(pt, map) "m=audio 4000 RTP/AVP " pt "\r\na=rtpmap:" pt " " map "\r\n"

static const struct { const char *body; bool music; } bodies[] = {
	{HEAD AUDIO("96", "L16/48000/2"), true},
	{HEAD AUDIO("96", "l24/48000/2") "a=ptime:20\r\n", true},
	{HEAD AUDIO("96", "L16/48000"), false},
	{HEAD AUDIO("96", "L16/44100/2"), false},
	{HEAD AUDIO("96", "L16/48000") "a=ptime:1.333\r\n", true},
	{HEAD AUDIO("96", "opus/48000/2"), false},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:20\r\n", false},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:3\r\n", true},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:2.5\r\n", true},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:5\r\n", true},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:5.001\r\n", false},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:0\r\n", false},
	{HEAD AUDIO("96", "opus/48000/2") "a=ptime:soon\r\n", false},
	{HEAD "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 L16/48000/2\r\n", false},        /* a phone that could as well */
	{HEAD "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/48000/2\r\n", false},
	{HEAD "m=video 4000 RTP/AVP 96\r\na=ptime:1\r\n" AUDIO("97", "L16/48000/2"), true},
	{HEAD AUDIO("97", "PCMU/8000") AUDIO("96", "L16/48000/2"), false},
	{HEAD "m=audio 4000 udp 96\r\na=ptime:1\r\n", false},
	{HEAD, false}, {"", false}, {"nonsense", false},
};

static void wishes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_test_message("%s", bodies[i].body);
		g_assert_true(offer_is_music(bodies[i].body, strlen(bodies[i].body)) == bodies[i].music);
	}
}

/* --- both ends of an exchange --- */

static struct offer *end(const char *codecs, uint32_t ptime_us)
{
	struct offer_conf conf = {.codecs = codecs, .music = true, .answer_stereo = true, .ptime_us = ptime_us, .session_name = "x",
				  .red = true};
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&conf.media, "192.0.2.7", 20000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, 0);
	return o;
}

static struct leg_desc agreed(const struct offer *o)
{
	struct leg_desc d;

	g_assert_cmpint(offer_leg(o, false, &d), ==, 0);
	return d;
}

/* Who has which codecs and wants which frames; what is written and what is sent in the end. */
static const struct {
	const char *a, *b;
	uint32_t a_us, b_us;
	const char *offered, *answered;
	const char *codec;
	uint32_t frame_us;
} pairs[] = {
	{"L16/48000/2 opus", "opus G722 PCMU L16/48000/2", 1333, 20000, "a=ptime:1.333\r\n", "a=ptime:1.333\r\n", "L16", 1333},
	{"L24/48000/2", "opus L24/48000/2", 1333, 20000, "a=ptime:1.333\r\n", "a=ptime:1.333\r\n", "L24", 1333},
	{"L16/48000/2", "L16/48000/2", 20000, 1333, "a=ptime:20\r\n", "a=ptime:1.333\r\n", "L16", 1333},
	{"L16/48000/2", "L16/48000/2", 2500, 1333, "a=ptime:2.5\r\n", "a=ptime:2.5\r\n", "L16", 2500},
	{"L16/48000/2", "L16/48000/2", 5000, 20000, "a=ptime:5\r\n", "a=ptime:5\r\n", "L16", 5000},
	{"L16/48000", "L16/48000", 1333, 1333, "a=ptime:1.333\r\n", "a=ptime:1.333\r\n", "L16", 1333},
	{"opus L16/48000/2", "opus L16/48000/2", 2500, 20000, "a=ptime:3\r\n", "a=ptime:3\r\n", "opus", 2500},
	{"opus L16/48000/2", "L16/48000/2", 2500, 20000, "a=ptime:3\r\n", "a=ptime:2.5\r\n", "L16", 2500},
	{"opus L16/48000/2", "L16/48000/2", 1333, 20000, "a=ptime:2\r\n", "a=ptime:1.333\r\n", "L16", 1333},
	{"opus", "opus", 20000, 2500, "a=ptime:20\r\n", "a=ptime:3\r\n", "opus", 2500},
};

static void exchange(size_t i)
{
	struct offer *a = end(pairs[i].a, pairs[i].a_us), *b = end(pairs[i].b, pairs[i].b_us);
	struct mbuf *offer = NULL, *answer = NULL;
	g_autofree char *asked = NULL, *got = NULL;
	const char *why;

	g_assert_cmpint(offer_make(a, &offer), ==, 0);
	asked = g_strndup((char *)offer->buf, offer->end);
	g_assert_cmpint(offer_answer(b, &answer, &why, offer->buf, offer->end), ==, 0);
	got = g_strndup((char *)answer->buf, answer->end);
	g_assert_cmpint(offer_accept(a, &why, answer->buf, answer->end), ==, 0);
	offer_commit(a);
	offer_commit(b);
	g_assert_nonnull(strstr(asked, pairs[i].offered));
	g_assert_nonnull(strstr(got, pairs[i].answered));
	for (int k = 0; k < 2; k++) {
		struct leg_desc d = agreed(k ? b : a);
		bool small = pairs[i].frame_us <= 2500 || !strcmp(pairs[i].codec, "opus");

		/* redundancy goes with the codec that is offered first, where two frames fit into a datagram */
		if (!small || !strncmp(pairs[i].a, pairs[i].codec, strlen(pairs[i].codec)))
			g_assert_cmpuint(d.red_tx_gen > 0, ==, small);

		g_assert_cmpstr(d.tx.codec->name, ==, pairs[i].codec);
		g_assert_cmpuint(d.tx.param.ptime_us, ==, pairs[i].frame_us);
	}
	mem_deref(offer);
	mem_deref(answer);
	mem_deref(a);
	mem_deref(b);
}

static void short_frames(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_test_message("%s at %u us calls %s at %u us", pairs[i].a, pairs[i].a_us, pairs[i].b, pairs[i].b_us);
		exchange(i);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/offer/music/wishes", wishes);
	g_test_add_func("/offer/music/short-frames", short_frames);
	return g_test_run();
}
