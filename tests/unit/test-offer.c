/*
 * test-offer.c - offers answered, our offers accepted, and what a refusal leaves behind.
 *
 * Most of it is tables: their lines in, our lines out, each written by hand. Lines are compared from t= on; keys of ours
 * are random and show as "inline:*".
 */
#include <glib.h>
#include <string.h>
#include <time.h>
#include "server/offer.h"
#include "server/sdes.h"
#include "server/sdesc.h"

/* What hostile SDP may cost: 1 ms is promised, and measured on the machine of the authors (0.75 at most); a machine half as
 * fast passes too. Under a sanitizer only that it does not grow without bounds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COST_NS = 50000000 };
#else
enum { COST_NS = 2000000 };
#endif

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY30B "AVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define SHA80 "AES_CM_128_HMAC_SHA1_80"
#define SHA32 "AES_CM_128_HMAC_SHA1_32"
#define GCM "AEAD_AES_128_GCM"

#define TAIL "a=ptime:20\r\na=sendrecv\r\n"
#define PCMU "a=rtpmap:0 PCMU/8000\r\n"
#define PCMA "a=rtpmap:8 PCMA/8000\r\n"
#define OPUS(pt) "a=rtpmap:" pt " opus/48000/2\r\na=fmtp:" pt " minptime=10;useinbandfec=1;usedtx=1\r\n"
#define EVENT(pt, clock) "a=rtpmap:" pt " telephone-event/" clock "\r\na=fmtp:" pt " 0-15\r\n"
#define PLAIN "m=audio 20000 RTP/AVP 0\r\n" PCMU TAIL
#define AUDIO "m=audio 4000 RTP/AVP 0\r\n"

/* --- help --- */

enum { OFF = 1, REQUIRED = 2, IP6 = 4, MUSIC = 8, STEREO = 16, HOLD = 32, NARROW = 64, WIDE = 128, CD = 256, LEVELS = 512, RED = 1024,
	NO_NOISE = 2048 };

static struct offer *make(unsigned flags)
{
	struct offer_conf conf = {
		.codecs = flags & NARROW ? "PCMA" : flags & WIDE ? "L16/48000/2 L16/48000 opus" :
			flags & CD ? "L16/44100/2 L16/44100" : "opus G722 PCMU PCMA",
		.music = flags & MUSIC, .answer_stereo = flags & STEREO, .ptime_us = flags & MUSIC ? 3000 : 20000,
		.srtp = flags & OFF ? OFFER_SRTP_OFF : flags & REQUIRED ? OFFER_SRTP_REQUIRED : OFFER_SRTP_OPTIONAL,
		.session_name = "room\r\n1", .levels = flags & LEVELS, .red = flags & RED, .comfort_noise = !(flags & NO_NOISE),
	};
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&conf.media, flags & IP6 ? "2001:db8::10" : "198.51.100.10", 20000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, 0);
	offer_set_hold(o, flags & HOLD);
	return o;
}

static char *text_of(struct mbuf *mb)
{
	char *text;

	g_assert_cmpuint(mb->pos, ==, 0);
	text = g_strndup((char *)mb->buf, mb->end);
	mem_deref(mb);
	return text;
}

/* Every body of ours must be one that we could read, and says so in full. */
static void check_valid(const char *text)
{
	const char *why = "";
	struct sdesc *d = NULL;

	g_assert_cmpint(sdesc_read(&d, &why, text, strlen(text)), ==, 0);
	g_assert_true(d->time.l && d->conn.set && g_str_has_suffix(text, "\r\n") && strstr(text, "\r\ns=room  1\r\n"));
	mem_deref(d);
}

static char *answer_text(struct offer *o, const char *body)
{
	struct mbuf *mb = NULL;
	const char *why = "";
	char *text;
	int err = offer_answer(o, &mb, &why, body, strlen(body));

	g_assert_cmpstr(why, ==, "");
	g_assert_cmpint(err, ==, 0);
	text = text_of(mb);
	check_valid(text);
	return text;
}

static char *offer_text(struct offer *o)
{
	struct mbuf *mb = NULL;
	char *text;

	g_assert_cmpint(offer_make(o, &mb), ==, 0);
	text = text_of(mb);
	check_valid(text);
	return text;
}

static int accept_text(struct offer *o, const char *body)
{
	const char *why = NULL;
	int err = offer_accept(o, &why, body, strlen(body));

	if (err)
		g_test_message("refused: %s", why ? why : "-");
	g_assert_true(!err == !why);
	return err;
}

/* From t= on, keys of ours hidden. */
static char *lines_of(const char *text)
{
	g_autoptr(GRegex) key = g_regex_new("inline:[A-Za-z0-9+/=]+", 0, 0, NULL);

	return g_regex_replace_literal(key, strstr(text, "\r\nt=") + 2, -1, 0, "inline:*", 0, NULL);
}

static uint64_t version_of(const char *text)
{
	struct sdesc *d = NULL;
	const char *why;
	uint64_t version;

	g_assert_cmpint(sdesc_read(&d, &why, text, strlen(text)), ==, 0);
	version = d->sess_version;
	mem_deref(d);
	return version;
}

static struct leg_desc desc_of(struct offer *o, bool pending)
{
	struct leg_desc desc;

	g_assert_cmpint(offer_leg(o, pending, &desc), ==, 0);
	return desc;
}

static struct sa rtp_of(struct offer *o, bool pending)
{
	return desc_of(o, pending).rtp;
}

static uint16_t port_of(struct offer *o)
{
	struct sa sa = rtp_of(o, false);

	return sa_port(&sa);
}

static void agree(struct offer *o, const char *body)
{
	g_free(answer_text(o, body));
	offer_commit(o);
	g_assert_true(offer_agreed(o) && !offer_pending(o));
}

/* --- their offer, our answer --- */

static const struct { const char *name; unsigned flags; const char *offer, *answer; } answers[] = {
	{"static, no rtpmap", 0, HEAD "m=audio 4000 RTP/AVP 0 8\r\n", "m=audio 20000 RTP/AVP 0 8\r\n" PCMU PCMA TAIL},
	{"their order", 0, HEAD "m=audio 4000 RTP/AVP 8 0\r\n", "m=audio 20000 RTP/AVP 8 0\r\n" PCMA PCMU TAIL},
	{"unknown ones left out", 0, HEAD "m=audio 4000 RTP/AVP 18 3 97 8\r\na=rtpmap:97 speex/8000\r\n",
		"m=audio 20000 RTP/AVP 8\r\n" PCMA TAIL},
	{"only what is allowed", NARROW, HEAD "m=audio 4000 RTP/AVP 0 9 8\r\n", "m=audio 20000 RTP/AVP 8\r\n" PCMA TAIL},
	{"the same number twice", 0, HEAD "m=audio 4000 RTP/AVP 0 0 0\r\n", PLAIN},
	{"dynamic", 0, HEAD "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 OPUS/48000/2\r\n",
		"m=audio 20000 RTP/AVP 111\r\n" OPUS("111") TAIL},
	{"a dynamic number for PCMU", 0, HEAD "m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 PCMU/8000\r\n",
		"m=audio 20000 RTP/AVP 99\r\na=rtpmap:99 PCMU/8000\r\n" TAIL},
	{"a static number taken for another", 0, HEAD "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 speex/8000\r\n",
		"m=audio 20000 RTP/AVP 8\r\n" PCMA TAIL},
	{"G722 at 8000", 0, HEAD "m=audio 4000 RTP/AVP 9\r\n", "m=audio 20000 RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n" TAIL},
	{"L16 with channels", WIDE, HEAD "m=audio 4000 RTP/AVP 96 97 98\r\na=rtpmap:96 L16/48000/2\r\na=rtpmap:97 L16/48000\r\n"
		"a=rtpmap:98 L16/16000\r\n", "m=audio 20000 RTP/AVP 96 97\r\na=rtpmap:96 L16/48000/2\r\na=rtpmap:97 L16/48000\r\n" TAIL},
	{"L16 with too many", WIDE, HEAD "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 L16/48000/6\r\na=rtpmap:97 L16/48000\r\n",
		"m=audio 20000 RTP/AVP 97\r\na=rtpmap:97 L16/48000\r\n" TAIL},
	{"stereo that no datagram holds", CD, HEAD "m=audio 4000 RTP/AVP 10 11\r\n",
		"m=audio 20000 RTP/AVP 11\r\na=rtpmap:11 L16/44100\r\n" TAIL},
	{"Opus with stereo", STEREO, HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		"m=audio 20000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=fmtp:96 minptime=10;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1\r\n" TAIL},
	{"Opus for music", MUSIC, HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
		"m=audio 20000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=3;useinbandfec=1\r\n"
		"a=ptime:3\r\na=sendrecv\r\n"},

	{"keys", 0, HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n",
		"m=audio 20000 RTP/AVP 0 101\r\n" PCMU EVENT("101", "8000") TAIL},
	{"keys at each clock", 0, HEAD "m=audio 4000 RTP/AVP 96 0 101 102 103\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=rtpmap:101 telephone-event/48000\r\na=rtpmap:102 telephone-event/8000\r\na=rtpmap:103 telephone-event/16000\r\n",
		"m=audio 20000 RTP/AVP 96 0 101 102\r\n" OPUS("96") PCMU EVENT("101", "48000") EVENT("102", "8000") TAIL},
	{"keys at another clock only", 0, HEAD "m=audio 4000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n", "m=audio 20000 RTP/AVP 96 101\r\n" OPUS("96") EVENT("101", "8000") TAIL},
	{"comfort noise", 0, HEAD "m=audio 4000 RTP/AVP 0 13\r\n",
		"m=audio 20000 RTP/AVP 0 13\r\n" PCMU "a=rtpmap:13 CN/8000\r\n" TAIL},
	{"comfort noise without its codec", 0, HEAD "m=audio 4000 RTP/AVP 96 13\r\na=rtpmap:96 opus/48000/2\r\n",
		"m=audio 20000 RTP/AVP 96\r\n" OPUS("96") TAIL},

	{"redundant, switched off", 0, HEAD "m=audio 4000 RTP/AVP 63 0\r\na=rtpmap:63 red/8000\r\na=fmtp:63 0/0\r\n", PLAIN},
	{"redundant", RED, HEAD "m=audio 4000 RTP/AVP 0 8 63 101\r\na=rtpmap:63 RED/8000\r\na=fmtp:63 8/8\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n", "m=audio 20000 RTP/AVP 0 8 63 101\r\n" PCMU PCMA
		"a=rtpmap:63 red/8000\r\na=fmtp:63 8/8\r\n" EVENT("101", "8000") TAIL},
	{"redundant in its place", RED, HEAD "m=audio 4000 RTP/AVP 18 63 0 97 111 98\r\na=rtpmap:63 red/8000/1\r\n"
		"a=rtpmap:97 red/48000/2\r\na=fmtp:97 111/111/111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:98 red/48000/2\r\n",
		"m=audio 20000 RTP/AVP 63 0 97 111\r\na=rtpmap:63 red/8000\r\na=fmtp:63 0/0\r\n" PCMU
		"a=rtpmap:97 red/48000/2\r\na=fmtp:97 111/111\r\n" OPUS("111") TAIL},
	{"redundant without its codec", RED, HEAD "m=audio 4000 RTP/AVP 0 63\r\na=rtpmap:63 red/16000\r\na=fmtp:63 0/0\r\n", PLAIN},
	{"redundant in the codec of another clock", RED, HEAD "m=audio 4000 RTP/AVP 96 0 63\r\na=rtpmap:96 opus/48000/2\r\n"
		"a=rtpmap:63 red/8000\r\na=fmtp:63 96/96\r\n", "m=audio 20000 RTP/AVP 96 0 63\r\n" OPUS("96") PCMU
		"a=rtpmap:63 red/8000\r\na=fmtp:63 0/0\r\n" TAIL},

	{"extended reports", 0, HEAD AUDIO "a=rtcp-xr:pkt-loss-rle voip-metrics rcvr-rtt=all:64 stat-summary=loss,jitt\r\n",
		PLAIN "a=rtcp-xr:voip-metrics rcvr-rtt=all\r\n"},
	{"extended reports, one of them", 0, HEAD AUDIO "a=rtcp-mux\r\na=rtcp-xr:rcvr-rtt=sender\r\n",
		PLAIN "a=rtcp-mux\r\na=rtcp-xr:rcvr-rtt=all\r\n"},
	{"extended reports for the session", 0, HEAD "a=rtcp-xr:VOIP-METRICS\r\n" AUDIO, PLAIN "a=rtcp-xr:voip-metrics\r\n"},
	{"extended reports of other kinds", 0, HEAD AUDIO "a=rtcp-xr:pkt-rcpt-times voip-metrics-2 rcvr-rtt\r\n", PLAIN},
	{"extended reports of no kind", 0, HEAD AUDIO "a=rtcp-xr\r\n", PLAIN},

	{"sendonly", 0, HEAD AUDIO "a=sendonly\r\n", "m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=recvonly\r\n"},
	{"recvonly", 0, HEAD AUDIO "a=recvonly\r\n", "m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=sendonly\r\n"},
	{"inactive", 0, HEAD AUDIO "a=inactive\r\n", "m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=inactive\r\n"},
	{"direction of the session", 0, HEAD "a=sendonly\r\n" AUDIO,
		"m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=recvonly\r\n"},
	{"direction of the line goes first", 0, HEAD "a=inactive\r\n" AUDIO "a=sendrecv\r\n", PLAIN},
	{"our hold", HOLD, HEAD AUDIO, "m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=sendonly\r\n"},
	{"hold of both", HOLD, HEAD AUDIO "a=sendonly\r\n", "m=audio 20000 RTP/AVP 0\r\n" PCMU "a=ptime:20\r\na=inactive\r\n"},
	{"old hold", 0, HEAD AUDIO "c=IN IP4 0.0.0.0\r\n", PLAIN},
	{"old hold of the other IP version", IP6, HEAD AUDIO "c=IN IP4 0.0.0.0\r\n", PLAIN},

	{"AVPF", 0, HEAD "m=audio 4000 RTP/AVPF 0\r\na=rtcp-fb:0 nack\r\n", "m=audio 20000 RTP/AVPF 0\r\n" PCMU TAIL},
	{"rtcp-mux", 0, HEAD AUDIO "a=rtcp-mux\r\n", PLAIN "a=rtcp-mux\r\n"},
	{"ICE is passed over", 0, HEAD "a=ice-ufrag:x\r\na=ice-pwd:y\r\n" AUDIO "a=candidate:1 1 udp 1 192.0.2.1 4000 typ host\r\n"
		"a=setup:actpass\r\n", PLAIN},
	{"BUNDLE of one", 0, HEAD "a=group:BUNDLE 0\r\n" AUDIO "a=mid:0\r\n", PLAIN "a=mid:0\r\n"},
	{"IPv6", IP6, "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n" AUDIO, PLAIN},
	{"address of the line", IP6, HEAD AUDIO "c=IN IP6 2001:db8::1\r\n", PLAIN},

	{"video", 0, HEAD AUDIO "m=video 4002 RTP/AVP 96 97\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n",
		PLAIN "m=video 0 RTP/AVP 96 97\r\na=mid:v\r\n"},
	{"video first", 0, HEAD "m=video 4002 RTP/AVP 96\r\n" AUDIO, "m=video 0 RTP/AVP 96\r\n" PLAIN},
	{"second audio", 0, HEAD AUDIO "m=audio 4002 RTP/AVP 8\r\n", PLAIN "m=audio 0 RTP/AVP 8\r\n"},
	{"audio that is not sound", 0, HEAD "m=audio 5004 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/44100\r\n" AUDIO
		"m=audio 5006 RTP/AVP 98\r\na=rtpmap:98 osc/1000\r\n",
		"m=audio 0 RTP/AVP 97\r\n" PLAIN "m=audio 0 RTP/AVP 98\r\n"},
	{"application, text, image", 0, HEAD "m=application 9 DTLS/SCTP webrtc-datachannel\r\n" AUDIO "m=text 5000 RTP/AVP 98\r\n"
		"m=image 4004 udptl t38\r\n", "m=application 0 DTLS/SCTP webrtc-datachannel\r\n" PLAIN "m=text 0 RTP/AVP 98\r\n"
		"m=image 0 udptl t38\r\n"},
	{"off stays off", 0, HEAD "m=audio 0 RTP/AVP 8 0\r\n" AUDIO, "m=audio 0 RTP/AVP 8 0\r\n" PLAIN},
	{"DTLS beside a plain line", 0, HEAD "m=audio 3000 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256 00\r\n" AUDIO,
		"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" PLAIN},
	{"ATM beside a plain line", 0, HEAD "m=audio 3000 RTP/AVP 0\r\nc=ATM NSAP 47.0\r\n" AUDIO, "m=audio 0 RTP/AVP 0\r\n" PLAIN},

	{"SAVP", 0, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:5 " SHA32 " inline:" KEY30 "\r\na=crypto:6 " SHA80 " inline:" KEY30 "\r\n",
		"m=audio 20000 RTP/SAVP 0\r\n" PCMU TAIL "a=crypto:5 " SHA32 " inline:*\r\n"},
	{"SAVPF, GCM behind unknown ones", REQUIRED, HEAD "m=audio 4000 RTP/SAVPF 0\r\na=crypto:1 AEAD_AES_256_GCM inline:" KEY28 "\r\n"
		"a=crypto:2 " SHA80 " inline:" KEY30 "|1:4\r\na=crypto:3 " GCM " inline:" KEY28 "\r\n",
		"m=audio 20000 RTP/SAVPF 0\r\n" PCMU TAIL "a=crypto:3 " GCM " inline:*\r\n"},
	{"best effort", 0, HEAD AUDIO "a=crypto:1 " SHA80 " inline:" KEY30 "\r\n", PLAIN "a=crypto:1 " SHA80 " inline:*\r\n"},
	{"best effort, switched off", OFF, HEAD AUDIO "a=crypto:1 " SHA80 " inline:" KEY30 "\r\n", PLAIN},
	{"best effort, no key for us", 0, HEAD AUDIO "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY30 "\r\n", PLAIN},
};

static void test_answers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct offer *o = make(answers[i].flags);
		g_autofree char *want = g_strconcat("t=0 0\r\n", answers[i].answer, NULL);
		g_autofree char *text = NULL, *lines = NULL, *again = NULL;

		g_test_message("%s", answers[i].name);
		text = answer_text(o, answers[i].offer);
		lines = lines_of(text);
		g_assert_cmpstr(lines, ==, want);
		offer_commit(o);
		again = answer_text(o, answers[i].offer);
		g_assert_cmpstr(again, ==, text);                 /* byte for byte: version and keys too */
		mem_deref(o);
	}
}

static const struct { const char *name; unsigned flags; const char *offer; int err; const char *why; } refusals[] = {
	{"no lines", 0, HEAD, ENOTSUP, "no medium in common"},
	{"video only", 0, HEAD "m=video 4000 RTP/AVP 96\r\n", ENOTSUP, "no medium in common"},
	{"all off", 0, HEAD "m=audio 0 RTP/AVP 0\r\n", ENOTSUP, "no medium in common"},
	{"no codec", 0, HEAD "m=audio 4000 RTP/AVP 18\r\n", ENOTSUP, "no codec in common"},
	{"only keys", 0, HEAD "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", ENOTSUP, "no codec in common"},
	{"no codec that is allowed", NARROW, HEAD AUDIO, ENOTSUP, "no codec in common"},
	{"DTLS", 0, HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256 00\r\n", ENOTSUP,
		"keys by DTLS are not supported, only a=crypto"},
	{"DTLS in SAVP", 0, HEAD "a=fingerprint:sha-256 00\r\nm=audio 4000 RTP/SAVP 0\r\n", ENOTSUP,
		"keys by DTLS are not supported, only a=crypto"},
	{"SAVP without a key", 0, HEAD "m=audio 4000 RTP/SAVP 0\r\n", ENOTSUP, "RTP/SAVP without a=crypto"},
	{"SAVP with an MKI", 0, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30 "|1:4\r\n", ENOTSUP,
		"a=crypto with an MKI is not supported"},
	{"SAVP, switched off", OFF, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n", ENOTSUP,
		"SRTP is switched off here"},
	{"plain, SRTP required", REQUIRED, HEAD AUDIO, ENOTSUP, "SRTP is required here"},
	{"transport", 0, HEAD "m=audio 4000 TCP/RTP/AVP 0\r\n", ENOTSUP, "a transport that is not supported"},
	{"two ports", 0, HEAD "m=audio 4000/2 RTP/AVP 0\r\n", ENOTSUP, "several ports in one line are not supported"},
	{"host name", 0, HEAD AUDIO "c=IN IP4 host.example\r\n", ENOTSUP, "a host name in c= is not supported"},
	{"host name as IPv6", 0, HEAD AUDIO "c=IN IP6 nobody.invalid\r\n", ENOTSUP, "a host name in c= is not supported"},
	{"network", 0, HEAD AUDIO "c=ATM IP4 192.0.2.1\r\n", ENOTSUP, "a network type that is not supported"},
	{"other IP version", IP6, HEAD AUDIO, ENOTSUP, "an address of the other IP version"},
	{"multicast", 0, HEAD AUDIO "c=IN IP4 224.2.36.42/127\r\n", ENOTSUP, "multicast is not supported"},
	{"broadcast", 0, HEAD AUDIO "c=IN IP4 255.255.255.255\r\n", ENOTSUP, "multicast is not supported"},
	{"multicast of IPv6", IP6, HEAD AUDIO "c=IN IP6 ff15::101/3\r\n", ENOTSUP, "multicast is not supported"},
	{"no c=", 0, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n" AUDIO, EBADMSG, "no c= for a line that is on"},
	{"payload type 300", 0, HEAD "m=audio 4000 RTP/AVP 300\r\n", EBADMSG, "m= with a bad payload type"},
	{"port 65536", 0, HEAD "m=audio 65536 RTP/AVP 0\r\n", EBADMSG, "m= with a bad port"},
	{"port 99999 in a line that is not for us", 0, HEAD AUDIO "m=video 99999 RTP/AVP 96\r\n", EBADMSG, "m= with a bad port"},
	{"no SDP", 0, "hello", EBADMSG, "does not begin with v=0"},
	{"empty", 0, "", EBADMSG, "empty"},
};

static void refuse_one(struct offer *o, size_t i)
{
	struct mbuf *mb = NULL;
	const char *why = NULL;

	g_test_message("%s", refusals[i].name);
	g_assert_cmpint(offer_answer(o, &mb, &why, refusals[i].offer, strlen(refusals[i].offer)), ==, refusals[i].err);
	g_assert_cmpstr(why, ==, refusals[i].why);
	g_assert_null(mb);
	g_assert_false(offer_pending(o));
}

static void test_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		struct offer *o = make(refusals[i].flags);

		refuse_one(o, i);
		g_assert_false(offer_agreed(o));
		mem_deref(o);
	}
}

/* Refused as a first offer only: a session that lives may be switched off, and has other settings than NARROW. */
static bool first_only(size_t i)
{
	return refusals[i].flags & NARROW || !strcmp(refusals[i].name, "all off") || !strcmp(refusals[i].name, "no lines");
}

/* What RFC 3261 14.1 promises: after a refused re-INVITE everything is as if it had never been. */
static void test_refusal_leaves_session(void)
{
	static const char secure[] = HEAD "m=audio 4000 RTP/SAVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=crypto:1 " SHA80 " inline:" KEY30 "\r\n";
	static const char secure6[] = "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
		"m=audio 4000 RTP/SAVP 0 8\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n";

	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		bool off = refusals[i].flags & OFF;
		struct offer *o = make(refusals[i].flags);
		const char *first = off ? HEAD AUDIO : refusals[i].flags & IP6 ? secure6 : secure;
		struct leg_desc before, after;
		g_autofree char *a = NULL, *b = NULL;

		if (first_only(i)) {
			mem_deref(o);
			continue;
		}
		a = answer_text(o, first);
		offer_commit(o);
		before = desc_of(o, false);
		refuse_one(o, i);
		after = desc_of(o, false);
		g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
		b = answer_text(o, first);
		g_assert_cmpstr(a, ==, b);
		offer_rollback(o);
		mem_deref(o);
	}
}

static const char *const wrong_answers[] = {
	HEAD "m=audio 4000 RTP/AVP 0\r\n",                                /* not secure */
	HEAD "m=audio 4000 RTP/SAVP 0\r\n",                               /* no key */
	HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:2 " SHA80 " inline:" KEY30 "\r\n",      /* wrong tag */
	HEAD "m=audio 4000 RTP/SAVP 18\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n",     /* no codec */
	HEAD "m=audio 4000 RTP/SAVP 300\r\n",
	HEAD "m=video 4000 RTP/SAVP 0\r\n",
	HEAD,
	HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\nm=video 0 RTP/AVP 96\r\n",
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n",
	"",
};

static void test_wrong_answer_leaves_session(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wrong_answers); i++) {
		struct offer *o = make(0);
		struct leg_desc before, after;

		agree(o, HEAD "m=audio 4000 RTP/SAVP 0 8\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n");
		before = desc_of(o, false);
		g_free(offer_text(o));
		g_test_message("wrong answer %zu", i);
		g_assert_cmpint(accept_text(o, wrong_answers[i]), !=, 0);
		offer_commit(o);                                          /* nothing to put in force: changes nothing */
		g_assert_true(offer_pending(o));
		offer_rollback(o);
		after = desc_of(o, false);
		g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
		mem_deref(o);
	}
}

/* --- what the media side is told --- */

static void test_leg(void)
{
	struct offer *o = make(0);
	struct leg_desc d;

	agree(o, HEAD "m=audio 4000 RTP/AVP 96 0 13 101 102\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
		 "a=rtpmap:102 telephone-event/48000\r\na=rtcp:5000 IN IP4 192.0.2.9\r\n");
	d = desc_of(o, false);
	g_assert_cmpstr(d.tx.codec->name, ==, "opus");
	g_assert_cmpuint(d.tx.pt, ==, 96);
	g_assert_cmpuint(d.n_rx, ==, 2);
	g_assert_cmpuint(d.rx[1].pt, ==, 0);
	g_assert_cmpuint(d.dtmf_rx_pt[0], ==, 101);                       /* heard at both clocks */
	g_assert_cmpuint(d.dtmf_rx_pt[1], ==, 102);
	g_assert_cmpuint(d.dtmf_tx_pt, ==, 102);                          /* goes with the codec we send */
	g_assert_cmpuint(d.dtmf_clock, ==, 48000);
	g_assert_cmpuint(d.cn_rx_pt, ==, 13);
	g_assert_cmpuint(d.dir, ==, LEG_DIR_BOTH);
	g_assert_cmpuint(sa_in(&d.rtp), ==, 0xc0000201);
	g_assert_cmpuint(sa_port(&d.rtp), ==, 4000);
	g_assert_cmpuint(sa_in(&d.rtcp), ==, 0xc0000209);
	g_assert_cmpuint(sa_port(&d.rtcp), ==, 5000);
	g_assert_false(d.rtcp_mux);
	g_assert_cmpint(d.srtp_tx.suite, ==, LEG_SRTP_NONE);
	mem_deref(o);
}

/* --- header extensions --- */

#define EXT(id, name) "a=extmap:" id " urn:ietf:params:rtp-hdrext:" name "\r\n"
#define LEVEL(id) EXT(id, "ssrc-audio-level vad=off")
#define MANY(id) EXT(id, "csrc-audio-level")

static const struct { const char *name; unsigned flags; const char *session, *lines, *answer; uint8_t level, levels; } exts[] = {
	{"none", LEVELS, "", "", "", 0, 0},
	{"both", LEVELS, "", EXT("6", "ssrc-audio-level") MANY("7"), LEVEL("6/recvonly") MANY("7/sendonly"), 6, 7},
	{"switched off", 0, "", EXT("6", "ssrc-audio-level") MANY("7"), "", 0, 0},
	{"vad=on", LEVELS, "", EXT("1", "ssrc-audio-level vad=on"), LEVEL("1/recvonly"), 1, 0},
	{"vad=off", LEVELS, "", LEVEL("14"), LEVEL("14/recvonly"), 14, 0},
	{"they only send", LEVELS, "", EXT("1/sendonly", "ssrc-audio-level") MANY("2/sendonly"), LEVEL("1/recvonly"), 1, 0},
	{"they only receive", LEVELS, "", EXT("1/recvonly", "ssrc-audio-level") MANY("2/recvonly"), MANY("2/sendonly"), 0, 2},
	{"inactive", LEVELS, "", EXT("1/inactive", "ssrc-audio-level") MANY("2/inactive"), "", 0, 0},
	{"in the session part", LEVELS, MANY("3"), EXT("4", "ssrc-audio-level"), LEVEL("4/recvonly") MANY("3/sendonly"), 4, 3},
	{"the line's meaning of an id goes first", LEVELS, MANY("3"), EXT("3", "toffset"), "", 0, 0},
	{"others", LEVELS, "", EXT("1", "toffset") "a=extmap:2 http://example.com/x a=b c\r\n" MANY("3"), MANY("3/sendonly"), 0, 3},
	{"capitals", LEVELS, "", "a=extmap:2 URN:IETF:params:rtp-hdrext:CSRC-audio-level\r\n", MANY("2/sendonly"), 0, 2},
	{"encrypted", LEVELS, "", EXT("2", "encrypt urn:ietf:params:rtp-hdrext:csrc-audio-level"), "", 0, 0},
	{"ids 0, 15, 16, 256", LEVELS, "", MANY("0") MANY("15") MANY("16") MANY("256") EXT("255", "ssrc-audio-level"), "", 0, 0},
	{"provisional ids", LEVELS, "", MANY("4096") EXT("4096", "ssrc-audio-level"), "", 0, 0},
	{"ids that are none", LEVELS, "", MANY("") MANY("x") MANY("-1") MANY("1x") MANY("/sendrecv") MANY("99999999999999999999")
		MANY("1/") MANY("1/both") "a=extmap\r\na=extmap:\r\na=extmap:3\r\n", "", 0, 0},
	{"after those", LEVELS, "", MANY("0") MANY("x") MANY("12"), MANY("12/sendonly"), 0, 12},
	{"one name twice", LEVELS, "", MANY("3") MANY("4"), MANY("3/sendonly"), 0, 3},
	{"one id twice", LEVELS, "", MANY("3") EXT("3", "ssrc-audio-level"), MANY("3/sendonly"), 0, 3},
	{"one id twice, first unknown", LEVELS, "", EXT("3", "toffset") MANY("3"), "", 0, 0},
};

static void test_extensions(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(exts); i++) {
		g_autofree char *body = g_strconcat(HEAD, exts[i].session, AUDIO, exts[i].lines, NULL);
		g_autofree char *want = g_strconcat("t=0 0\r\n" PLAIN, exts[i].answer, NULL), *text = NULL, *lines = NULL;
		struct offer *o = make(exts[i].flags);
		struct leg_desc d;

		g_test_message("%s", exts[i].name);
		text = answer_text(o, body);
		lines = lines_of(text);
		g_assert_cmpstr(lines, ==, want);
		d = desc_of(o, true);
		g_assert_cmpuint(d.level_rx_ext, ==, exts[i].level);
		g_assert_cmpuint(d.levels_tx_ext, ==, exts[i].levels);
		mem_deref(o);
	}
}

#define OFFERED LEVEL("1/recvonly") MANY("2/sendonly")

/* Our offer is always OFFERED. */
static const struct { const char *name, *lines; uint8_t level, levels; } ext_answers[] = {
	{"none", "", 0, 0},
	{"both", EXT("1/sendonly", "ssrc-audio-level vad=off") MANY("2/recvonly"), 1, 2},
	{"no directions", EXT("1", "ssrc-audio-level") MANY("2"), 1, 2},
	{"wrong directions", EXT("1/recvonly", "ssrc-audio-level") MANY("2/sendonly"), 0, 0},
	{"ids of others", EXT("2/sendonly", "ssrc-audio-level") MANY("1/recvonly"), 0, 0},
	{"one not offered", EXT("1/sendonly", "ssrc-audio-level") EXT("3", "toffset"), 1, 0},
	{"inactive", EXT("1/inactive", "ssrc-audio-level") MANY("2/inactive"), 0, 0},
};

static void test_extensions_offered(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ext_answers); i++) {
		g_autofree char *body = g_strconcat(HEAD, AUDIO, ext_answers[i].lines, NULL);
		struct offer *o = make(LEVELS);
		g_autofree char *ours = offer_text(o);
		struct leg_desc d = desc_of(o, true);

		g_test_message("%s", ext_answers[i].name);
		g_assert_nonnull(strstr(ours, TAIL "a=rtcp-mux\r\n" OFFERED));
		g_assert_cmpuint(d.level_rx_ext, ==, 1);                  /* may come as soon as the offer is out */
		g_assert_cmpuint(d.levels_tx_ext, ==, 0);
		g_assert_cmpint(accept_text(o, body), ==, 0);
		d = desc_of(o, true);
		g_assert_cmpuint(d.level_rx_ext, ==, ext_answers[i].level);
		g_assert_cmpuint(d.levels_tx_ext, ==, ext_answers[i].levels);
		mem_deref(o);
	}
}

/* An id keeps its meaning as long as the line lives, and theirs are not ours to use. */
static void test_extension_ids(void)
{
	struct offer *o = make(LEVELS);
	GString *all = g_string_new(HEAD AUDIO);
	char *text;

	agree(o, HEAD AUDIO MANY("9") EXT("1", "toffset"));
	text = offer_text(o);
	g_assert_nonnull(strstr(text, LEVEL("2/recvonly") MANY("9/sendonly")));
	g_free(text);
	g_assert_cmpint(accept_text(o, HEAD AUDIO EXT("2", "ssrc-audio-level")), ==, 0);
	offer_commit(o);
	g_assert_cmpuint(desc_of(o, false).level_rx_ext, ==, 2);
	g_assert_cmpuint(desc_of(o, false).levels_tx_ext, ==, 0);
	agree(o, HEAD AUDIO);
	g_assert_cmpuint(desc_of(o, false).level_rx_ext, ==, 0);
	text = offer_text(o);
	g_assert_nonnull(strstr(text, LEVEL("2/recvonly") MANY("9/sendonly")));
	g_free(text);
	offer_rollback(o);
	agree(o, HEAD AUDIO EXT("2", "toffset"));         /* theirs now, where ours was refused */
	text = offer_text(o);
	g_assert_nonnull(strstr(text, LEVEL("3/recvonly") MANY("9/sendonly")));
	g_free(text);
	mem_deref(o);

	o = make(LEVELS);
	for (unsigned i = 1; i < 14; i++)
		g_string_append_printf(all, "a=extmap:%u urn:x:%u\r\n", i, i);
	agree(o, all->str);
	text = offer_text(o);                             /* one is left, for the first of the two */
	g_assert_nonnull(strstr(text, LEVEL("14/recvonly")));
	g_assert_null(strstr(text, "csrc-audio-level"));
	g_free(text);
	mem_deref(o);
	g_string_free(all, TRUE);
}

/* Comfort noise is sent for silence to who offered it with a codec at 8 kHz. */
static const struct { unsigned flags; const char *line; uint8_t rx, tx; } noises[] = {
	{0, "m=audio 4000 RTP/AVP 0 13\r\n", 13, 13},
	{0, "m=audio 4000 RTP/AVP 8 97\r\na=rtpmap:97 CN/8000\r\n", 97, 97},
	{0, "m=audio 4000 RTP/AVP 0\r\n", 0xff, 0xff},
	{0, "m=audio 4000 RTP/AVP 9 0 13\r\n", 13, 0xff},                   /* G.722 is sent, of 16 kHz */
	{0, "m=audio 4000 RTP/AVP 96 0 13\r\na=rtpmap:96 opus/48000/2\r\n", 13, 0xff},
	{MUSIC, "m=audio 4000 RTP/AVP 0 13\r\n", 13, 0xff},
	{NO_NOISE, "m=audio 4000 RTP/AVP 0 13\r\n", 13, 0xff},
};

static void test_noise(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(noises); i++) {
		g_autofree char *sdp = g_strconcat(HEAD, noises[i].line, NULL);
		struct offer *o = make(noises[i].flags);
		struct leg_desc d;

		agree(o, sdp);
		d = desc_of(o, false);
		g_assert_cmpuint(d.cn_rx_pt, ==, noises[i].rx);
		g_assert_cmpuint(d.cn_tx_pt, ==, noises[i].tx);
		g_assert_true(d.tx.param.dtx == (noises[i].tx != 0xff));
		mem_deref(o);
	}
}

static const struct { const char *attr; uint16_t port; } rtcps[] = {
	{"a=rtcp:5000", 5000}, {"a=rtcp:0", 0}, {"a=rtcp:70000", 0}, {"a=rtcp:x", 0}, {"a=rtcp", 0}, {"a=x", 0},
	{"a=rtcp:5000 IN IP6 2001:db8::1", 0}, {"a=rtcp:5000 IN IP4 host.example", 0}, {"a=rtcp:5000\r\na=rtcp-mux", 0},
};

static void test_rtcp(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rtcps); i++) {
		g_autofree char *body = g_strdup_printf("%s%s%s\r\n", HEAD, AUDIO, rtcps[i].attr);
		struct offer *o = make(0);
		struct leg_desc d;

		g_test_message("%s", rtcps[i].attr);
		agree(o, body);
		d = desc_of(o, false);
		g_assert_cmpuint(sa_af(&d.rtcp) == AF_UNSPEC ? 0 : sa_port(&d.rtcp), ==, rtcps[i].port);
		mem_deref(o);
	}
}

/* What the peer writes about its own ears steers our encoder. */
static const struct { unsigned flags; const char *lines; struct codec_param p; } params[] = {
	{0, "a=x", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime:40", {.channels = 1, .ptime_us = 40000, .voice = true}},
	{0, "a=ptime:40\r\na=maxptime:20", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=maxptime:10", {.channels = 1, .ptime_us = 10000, .voice = true}},
	{0, "a=ptime:30", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime:120", {.channels = 1, .ptime_us = 60000, .voice = true}},
	{0, "a=ptime:3", {.channels = 1, .ptime_us = 10000, .voice = true}},
	{0, "a=ptime:0", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime:soon", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime:-20", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=ptime:99999999999", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{MUSIC, "a=x", {.channels = 1, .ptime_us = 2500, .lowdelay = true}},
	{MUSIC, "a=ptime:3", {.channels = 1, .ptime_us = 2500, .lowdelay = true}},
	{MUSIC, "a=ptime:2.5", {.channels = 1, .ptime_us = 2500, .lowdelay = true}},
	{MUSIC, "a=ptime:5", {.channels = 1, .ptime_us = 5000, .lowdelay = true}},
	{MUSIC, "a=fmtp:96 minptime=10", {.channels = 1, .ptime_us = 10000, .lowdelay = true}},
	{0, "a=fmtp:96 stereo=1;sprop-stereo=1", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{STEREO, "a=fmtp:96 stereo=1", {.channels = 2, .ptime_us = 20000, .voice = true}},
	{STEREO, "a=fmtp:96 stereo=0;sprop-stereo=1", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "a=fmtp:96 useinbandfec=1; usedtx=1; cbr=1",
		{.channels = 1, .ptime_us = 20000, .voice = true, .fec = true, .dtx = true, .cbr = true, .loss_pct = 10}},
	{0, "a=fmtp:96 maxaveragebitrate=24000;maxplaybackrate=16000",
		{.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 24000, .max_playback = 16000}},
	{0, "a=fmtp:96 maxaveragebitrate=1;maxplaybackrate=1",
		{.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 6000, .max_playback = 8000}},
	{0, "a=fmtp:96 maxaveragebitrate=9999999;maxplaybackrate=96000",
		{.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 510000, .max_playback = 48000}},
	{0, "a=fmtp:96 maxaveragebitrate=-5;maxplaybackrate=99999999999", {.channels = 1, .ptime_us = 20000, .voice = true}},
	{0, "b=AS:40", {.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 24000}},
	{0, "b=AS:1", {.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 6000}},
	{0, "b=AS:40\r\na=fmtp:96 maxaveragebitrate=20000", {.channels = 1, .ptime_us = 20000, .voice = true, .bitrate = 20000}},
};

static void test_params(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(params); i++) {
		g_autofree char *body = g_strdup_printf("%sm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n%s\r\n", HEAD,
							params[i].lines);
		struct offer *o = make(params[i].flags);
		const struct codec_param *want = &params[i].p;
		struct codec_param p;

		g_test_message("%s", params[i].lines);
		agree(o, body);
		p = desc_of(o, false).tx.param;
		g_assert_cmpuint(p.channels, ==, want->channels);
		g_assert_cmpuint(p.ptime_us, ==, want->ptime_us);
		g_assert_cmpuint(p.bitrate, ==, want->bitrate);
		g_assert_cmpuint(p.max_playback, ==, want->max_playback);
		g_assert_cmpuint(p.loss_pct, ==, want->loss_pct);
		g_assert_true(p.fec == want->fec && p.dtx == want->dtx && p.cbr == want->cbr);
		g_assert_true(p.lowdelay == want->lowdelay && p.voice == want->voice);
		g_assert_cmpuint(desc_of(o, false).rx[0].param.channels, ==, params[i].flags & STEREO ? 2 : 1);
		mem_deref(o);
	}
}

/* --- a musician's end: the same engine on both sides --- */

static const struct { const char *codecs; uint32_t us; bool keys; const char *codec, *says; uint32_t settled; } musicians[] = {
	{"L16/48000/2 opus", 1333, true, "L16", "a=ptime:1.333\r\n", 1333}, {"L16/48000/2 opus", 2500, false, "L16", "a=ptime:2.5\r\n", 2500},
	{"L16/48000/2 opus", 5000, true, "L16", "a=ptime:5\r\n", 5000}, {"L16/48000 opus", 10000, true, "L16", "a=ptime:10\r\n", 10000},
	{"opus L16/48000/2", 2500, true, "opus", "a=ptime:3\r\n", 2500}, {"opus", 1333, true, "opus", "a=ptime:3\r\n", 2500},
	{"opus", 20000, false, "opus", "a=ptime:3\r\n", 2500},       /* 20 is what is written when nothing is wished */
};

static struct offer *musician(size_t i)
{
	const struct offer_conf conf = {
		.codecs = musicians[i].codecs, .music = true, .answer_stereo = true, .ptime_us = musicians[i].us,
		.srtp_offered = musicians[i].keys, .srtp = OFFER_SRTP_OPTIONAL, .session_name = "room  1",
	};
	struct offer_conf c = conf;
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&c.media, "198.51.100.20", 30000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &c), ==, 0);
	return o;
}

static void both_send(struct offer *a, struct offer *b, size_t i)
{
	const struct leg_desc da = desc_of(a, false), db = desc_of(b, false);

	g_assert_cmpuint(da.tx.param.ptime_us, ==, musicians[i].settled);
	g_assert_cmpuint(db.tx.param.ptime_us, ==, musicians[i].settled);
	g_assert_cmpstr(da.tx.codec->name, ==, musicians[i].codec);
	g_assert_cmpint(da.srtp_tx.len > 0, ==, musicians[i].keys);
	g_assert_cmpmem(da.srtp_tx.key, da.srtp_tx.len, db.srtp_rx.key, db.srtp_rx.len);
	g_assert_cmpmem(da.srtp_rx.key, da.srtp_rx.len, db.srtp_tx.key, db.srtp_tx.len);
}

/* What is offered is what both send, and it stays that when either offers again. */
static void test_musician(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(musicians); i++) {
		struct offer *a = musician(i), *b = make(WIDE | MUSIC | STEREO);
		g_autofree char *offered = offer_text(a), *answered = NULL, *again = NULL, *answered2 = NULL;

		g_test_message("%s %u", musicians[i].codecs, musicians[i].us);
		g_assert_true(strstr(offered, "RTP/AVP ") && !strstr(offered, "a=crypto") == !musicians[i].keys);
		answered = answer_text(b, offered);
		g_assert_nonnull(strstr(answered, musicians[i].says));
		g_assert_cmpint(accept_text(a, answered), ==, 0);
		offer_commit(a);
		offer_commit(b);
		both_send(a, b, i);
		again = offer_text(b);
		g_assert_nonnull(strstr(again, musicians[i].says));
		answered2 = answer_text(a, again);
		g_assert_cmpint(accept_text(b, answered2), ==, 0);
		offer_commit(a);
		offer_commit(b);
		both_send(a, b, i);
		mem_deref(a);
		mem_deref(b);
	}
}

/* Who can do no SRTP leaves the keys out, and the call is plain. */
static void test_keys_not_taken(void)
{
	struct offer *a = musician(0), *b = make(WIDE | MUSIC | STEREO | OFF);
	g_autofree char *offered = offer_text(a), *answered = answer_text(b, offered);

	g_assert_null(strstr(answered, "a=crypto"));
	g_assert_cmpint(accept_text(a, answered), ==, 0);
	offer_commit(a);
	g_assert_cmpuint(desc_of(a, false).srtp_tx.len + desc_of(a, false).srtp_rx.len, ==, 0);
	mem_deref(a);
	mem_deref(b);
}

/* One packet, one datagram. */
static const struct { unsigned flags; const char *map, *ptime; uint32_t us; } datagrams[] = {
	{WIDE, "L16/48000/2", "20", 5000}, {WIDE, "L16/48000", "20", 10000}, {WIDE, "L16/48000/2", "60", 5000},
	{WIDE | MUSIC, "L16/48000/2", "3", 2500}, {WIDE | MUSIC, "L16/48000/2", "2.5", 2500},
	{WIDE | MUSIC, "L16/48000/2", "1.333", 1333}, {WIDE | MUSIC, "L16/48000/2", "1", 1333}, {WIDE, "L16/48000/2", "1.333", 5000},
	{WIDE | MUSIC, "L16/48000/2", "1.3339999", 1333}, {WIDE | MUSIC, "L16/48000/2", "2.6.7", 2500},
	{CD, "L16/44100", "20", 10000}, {CD, "L16/44100", "15", 10000}, {CD | MUSIC, "L16/44100", "5", 10000},
	{0, "PCMU/8000", "20", 20000}, {0, "PCMU/8000", "60", 60000}, {0, "PCMU/8000", "12.3", 10000},
	{0, "PCMU/8000", "15", 15000}, {0, "G722/8000", "200", 60000},
};

static void test_datagrams(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(datagrams); i++) {
		g_autofree char *body = g_strdup_printf("%sm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 %s\r\na=ptime:%s\r\n",
							HEAD, datagrams[i].map, datagrams[i].ptime);
		struct offer *o = make(datagrams[i].flags);

		g_test_message("%s at %s ms", datagrams[i].map, datagrams[i].ptime);
		agree(o, body);
		g_assert_cmpuint(desc_of(o, false).tx.param.ptime_us, ==, datagrams[i].us);
		mem_deref(o);
	}
}

static const struct { const char *lines; unsigned flags; uint8_t dir; bool holds; } dirs[] = {
	{"a=sendrecv\r\n", 0, LEG_DIR_BOTH, false},
	{"a=sendonly\r\n", 0, LEG_DIR_RECV, true},
	{"a=recvonly\r\n", 0, LEG_DIR_SEND, false},
	{"a=inactive\r\n", 0, LEG_DIR_INACTIVE, true},
	{"c=IN IP4 0.0.0.0\r\n", 0, LEG_DIR_RECV, true},
	{"c=IN IP4 0.0.0.0\r\na=inactive\r\n", 0, LEG_DIR_INACTIVE, true},
	{"c=IN IP6 ::\r\n", 0, LEG_DIR_RECV, true},
	{"a=sendrecv\r\n", HOLD, LEG_DIR_SEND, false},
	{"a=sendonly\r\n", HOLD, LEG_DIR_INACTIVE, true},
	{"a=recvonly\r\n", HOLD, LEG_DIR_SEND, false},
};

static void test_directions(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *body = g_strconcat(HEAD, AUDIO, dirs[i].lines, NULL);
		struct offer *o = make(0);
		struct sa rtp;

		g_test_message("%s", dirs[i].lines);
		agree(o, HEAD AUDIO);
		g_assert_false(offer_peer_holds(o));
		offer_set_hold(o, dirs[i].flags & HOLD);
		agree(o, body);
		g_assert_cmpuint(desc_of(o, false).dir, ==, dirs[i].dir);
		g_assert_true(offer_peer_holds(o) == dirs[i].holds);
		rtp = rtp_of(o, false);
		g_assert_cmpuint(sa_in(&rtp), ==, 0xc0000201);            /* an old hold keeps where it was */
		agree(o, HEAD AUDIO);
		g_assert_false(offer_peer_holds(o));
		mem_deref(o);
	}
}

/* --- our offer, their answer --- */

#define OURS "m=audio 20000 RTP/AVP 96 9 0 8 102 101\r\n" OPUS("96") "a=rtpmap:9 G722/8000\r\n" PCMU PCMA \
	EVENT("102", "48000") EVENT("101", "8000")

static void test_offer(void)
{
	struct offer *o = make(0);
	g_autofree char *text = offer_text(o), *lines = lines_of(text);
	struct leg_desc d;

	g_assert_cmpstr(lines, ==, "t=0 0\r\n" OURS TAIL "a=rtcp-mux\r\na=rtcp-xr:voip-metrics rcvr-rtt=all\r\n");
	d = desc_of(o, true);                                             /* ready to hear already */
	g_assert_cmpuint(d.n_rx, ==, 4);
	g_assert_cmpuint(d.dir, ==, LEG_DIR_RECV);
	g_assert_null(d.tx.codec);
	g_assert_cmpint(offer_leg(o, false, &d), ==, ENOENT);

	/* Their numbers are theirs: opus at 120, events at 121. */
	g_assert_cmpint(accept_text(o, HEAD "m=audio 4000 RTP/AVP 0 120 121\r\na=rtpmap:120 opus/48000/2\r\n"
				       "a=rtpmap:121 telephone-event/8000\r\na=ptime:30\r\na=rtcp-mux\r\n"), ==, 0);
	offer_commit(o);
	d = desc_of(o, false);
	g_assert_cmpstr(d.tx.codec->name, ==, "PCMU");
	g_assert_cmpuint(d.tx.param.ptime_us, ==, 30000);
	g_assert_cmpuint(d.n_rx, ==, 2);
	g_assert_cmpuint(d.rx[1].pt, ==, 96);
	g_assert_cmpuint(d.dtmf_rx_pt[0], ==, 101);
	g_assert_cmpuint(d.dtmf_tx_pt, ==, 121);
	g_assert_true(d.rtcp_mux);
	g_assert_true(!d.xr_voip && !d.xr_rtt);                           /* the answer did not ask for them */
	mem_deref(o);
}

/* --- redundant audio, extended reports --- */

/* What their fmtp says is what we send. */
static void test_redundant(void)
{
	static const struct { const char *lines; uint8_t gen; } rows[] = {
		{"", 1}, {"a=fmtp:63 0/0\r\n", 1}, {"a=fmtp:63 0/0/0\r\n", 2}, {"a=fmtp:63 0/0 \r\n", 1}, {"a=fmtp:63 0\r\n", 0},
		{"a=fmtp:63 0/5\r\n", 0}, {"a=fmtp:63 8/8\r\n", 0}, {"a=fmtp:63 0/0/8\r\n", 1}, {"a=fmtp:63 x/0\r\n", 0},
		{"a=fmtp:63 //\r\n", 0}, {"a=fmtp:63 0/999\r\n", 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *body = g_strconcat(HEAD "m=audio 4000 RTP/AVP 0 8 63\r\na=rtpmap:63 red/8000\r\n", rows[i].lines, NULL);
		struct offer *o = make(RED);
		struct leg_desc d;

		g_test_message("%s", rows[i].lines);
		agree(o, body);
		d = desc_of(o, false);
		g_assert_cmpuint(d.n_rx, ==, 2);
		g_assert_cmpuint(d.n_red_rx, ==, 1);                      /* heard in any case */
		g_assert_cmpuint(d.red_rx[0].pt, ==, 63);
		g_assert_cmpuint(d.red_rx[0].clock, ==, 8000);
		g_assert_cmpuint(d.red_tx_gen, ==, rows[i].gen);
		g_assert_cmpuint(d.red_tx_pt, ==, 63);
		agree(o, HEAD AUDIO);
		d = desc_of(o, false);
		g_assert_cmpuint(d.n_red_rx + d.red_tx_gen, ==, 0);
		mem_deref(o);
	}
}

/* Only what goes with the codec in use is sent, and nothing for frames that fill a datagram by themselves. */
static void test_redundant_codec(void)
{
	struct offer *o = make(RED);
	struct leg_desc d;

	agree(o, HEAD "m=audio 4000 RTP/AVP 0 96 63\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 96/96\r\n");
	d = desc_of(o, false);
	g_assert_cmpuint(d.n_red_rx, ==, 1);
	g_assert_cmpuint(d.red_tx_gen, ==, 0);
	mem_deref(o);
	o = make(RED | WIDE);
	agree(o, HEAD "m=audio 4000 RTP/AVP 97 63\r\na=rtpmap:97 L16/48000\r\na=rtpmap:63 red/48000\r\na=fmtp:63 97/97\r\n");
	d = desc_of(o, false);
	g_assert_cmpuint(d.n_red_rx, ==, 1);
	g_assert_cmpuint(d.red_tx_gen, ==, 0);
	mem_deref(o);
}

static void test_redundant_offer(void)
{
	struct offer *o = make(RED);
	g_autofree char *text = offer_text(o), *lines = lines_of(text), *again = NULL;
	struct leg_desc d = desc_of(o, true);

	g_assert_cmpstr(lines, ==, "t=0 0\r\nm=audio 20000 RTP/AVP 96 9 0 8 97 98 102 101\r\n" OPUS("96")
			"a=rtpmap:9 G722/8000\r\n" PCMU PCMA "a=rtpmap:97 red/48000/2\r\na=fmtp:97 96/96\r\n"
			"a=rtpmap:98 red/8000\r\na=fmtp:98 9/9\r\n" EVENT("102", "48000") EVENT("101", "8000") TAIL
			"a=rtcp-mux\r\na=rtcp-xr:voip-metrics rcvr-rtt=all\r\n");
	g_assert_cmpuint(d.n_red_rx, ==, 2);                              /* ready to hear already */
	g_assert_cmpuint(d.red_rx[1].pt, ==, 98);
	g_assert_cmpuint(d.red_rx[1].clock, ==, 8000);
	g_assert_cmpint(accept_text(o, HEAD "m=audio 4000 RTP/AVP 120 121\r\na=rtpmap:120 opus/48000/2\r\n"
				       "a=rtpmap:121 red/48000/2\r\na=fmtp:121 120/120\r\na=rtcp-xr:voip-metrics\r\n"), ==, 0);
	offer_commit(o);
	d = desc_of(o, false);
	g_assert_cmpuint(d.n_red_rx, ==, 1);
	g_assert_cmpuint(d.red_rx[0].pt, ==, 97);                         /* we hear our number and send theirs */
	g_assert_cmpuint(d.red_tx_pt, ==, 121);
	g_assert_cmpuint(d.red_tx_gen, ==, 1);
	g_assert_true(d.xr_voip && !d.xr_rtt);
	again = offer_text(o);                                            /* numbers stay */
	g_assert_nonnull(strstr(again, " 97 98 102 101\r\n"));
	g_assert_cmpint(accept_text(o, HEAD "m=audio 4000 RTP/AVP 0\r\n"), ==, 0);
	offer_commit(o);
	d = desc_of(o, false);
	g_assert_cmpuint(d.n_red_rx + d.red_tx_gen, ==, 0);
	g_assert_true(!d.xr_voip && !d.xr_rtt);
	mem_deref(o);
}

static const struct { const char *name; unsigned flags; const char *answer; int err; uint8_t tx_pt; } accepts[] = {
	{"one codec", 0, HEAD "m=audio 4000 RTP/AVP 8\r\n", 0, 8},
	{"our number without rtpmap", 0, HEAD "m=audio 4000 RTP/AVP 96\r\n", 0, 96},
	{"AVPF for AVP", 0, HEAD "m=audio 4000 RTP/AVPF 8\r\n", 0, 8},
	{"not offered ones are passed over", 0, HEAD "m=audio 4000 RTP/AVP 18 8\r\n", 0, 8},
	{"nothing we offered", 0, HEAD "m=audio 4000 RTP/AVP 18\r\n", ENOTSUP, 0},
	{"refused", 0, HEAD "m=audio 0 RTP/AVP 8\r\n", ENOTSUP, 0},
	{"secure unasked", 0, HEAD "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n", ENOTSUP, 0},
	{"secure", REQUIRED, HEAD "m=audio 4000 RTP/SAVP 8\r\na=crypto:3 " GCM " inline:" KEY28 "\r\n", 0, 8},
	{"secure, but plain", REQUIRED, HEAD "m=audio 4000 RTP/AVP 8\r\n", ENOTSUP, 0},
	{"tag of another", REQUIRED, HEAD "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 " GCM " inline:" KEY28 "\r\n", EBADMSG, 0},
	{"one line more", 0, HEAD "m=audio 4000 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n", EBADMSG, 0},
	{"no line", 0, HEAD, EBADMSG, 0},
	{"another type", 0, HEAD "m=video 4000 RTP/AVP 8\r\n", EBADMSG, 0},
};

static void test_accepts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(accepts); i++) {
		struct offer *o = make(accepts[i].flags);

		g_test_message("%s", accepts[i].name);
		g_free(offer_text(o));
		g_assert_cmpint(accept_text(o, accepts[i].answer), ==, accepts[i].err);
		if (!accepts[i].err)
			g_assert_cmpuint(desc_of(o, true).tx.pt, ==, accepts[i].tx_pt);
		mem_deref(o);
	}
}

static void test_offer_secure(void)
{
	struct offer *o = make(REQUIRED);
	g_autofree char *text = offer_text(o), *lines = lines_of(text), *again = NULL;
	struct leg_desc d;

	g_assert_nonnull(strstr(lines, "m=audio 20000 RTP/SAVP "));
	g_assert_nonnull(strstr(lines, "a=crypto:1 " SHA80 " inline:*\r\na=crypto:2 " SHA32 " inline:*\r\na=crypto:3 " GCM " inline:*\r\n"));
	g_assert_cmpint(accept_text(o, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:3 " GCM " inline:" KEY28 "\r\n"), ==, 0);
	offer_commit(o);
	d = desc_of(o, false);
	g_assert_cmpint(d.srtp_tx.suite, ==, LEG_SRTP_AEAD_AES128_GCM);
	g_assert_cmpuint(d.srtp_rx.key[27], ==, 27);
	again = offer_text(o);                                            /* the suite in use first, with its key */
	g_assert_nonnull(strstr(again, "a=crypto:3 " GCM));
	g_assert_true(strstr(again, "a=crypto:3") < strstr(again, "a=crypto:1"));
	g_assert_cmpint(memcmp(strstr(again, "a=crypto:3"), strstr(text, "a=crypto:3"), strlen("a=crypto:3 " GCM " inline:") + 40), ==, 0);
	mem_deref(o);
}

/* --- a session's life --- */

static void test_versions(void)
{
	struct offer *o = make(0);
	g_autofree char *a = answer_text(o, HEAD AUDIO), *b = NULL, *c = NULL, *d = NULL, *e = NULL, *f = NULL;
	struct mbuf *mb;
	const char *why;

	offer_commit(o);
	b = answer_text(o, HEAD AUDIO "a=sendonly\r\n");                  /* other answer, next version */
	g_assert_cmpuint(version_of(b), ==, version_of(a) + 1);
	offer_rollback(o);
	c = answer_text(o, HEAD AUDIO "a=sendonly\r\n");                  /* the same again is the same version */
	g_assert_cmpstr(c, ==, b);
	offer_rollback(o);
	d = answer_text(o, HEAD AUDIO "a=inactive\r\n");                  /* never one number for two texts */
	g_assert_cmpuint(version_of(d), ==, version_of(b) + 1);
	offer_rollback(o);
	e = answer_text(o, HEAD AUDIO);                                   /* what is agreed keeps its number */
	g_assert_cmpstr(e, ==, a);

	g_assert_cmpint(offer_answer(o, &mb, &why, HEAD AUDIO, strlen(HEAD AUDIO)), ==, EPROTO);
	g_assert_cmpint(offer_make(o, &mb), ==, EPROTO);
	g_assert_cmpint(offer_accept(o, &why, HEAD AUDIO, strlen(HEAD AUDIO)), ==, EPROTO);
	offer_commit(o);
	g_assert_cmpint(offer_accept(o, &why, HEAD AUDIO, strlen(HEAD AUDIO)), ==, EPROTO);
	f = offer_text(o);
	g_assert_cmpint(offer_answer(o, &mb, &why, HEAD AUDIO, strlen(HEAD AUDIO)), ==, EPROTO);
	mem_deref(o);
}

static void test_keys_over_time(void)
{
	static const char one[] = HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n";
	static const char moved[] = HEAD "m=audio 4002 RTP/SAVP 8\r\na=crypto:1 " SHA80 " inline:" KEY30 "\r\n";
	static const char two[] = HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 " SHA80 " inline:" KEY30B "\r\n";
	struct offer *o = make(0);
	struct leg_desc a, b, c;

	agree(o, one);
	a = desc_of(o, false);
	agree(o, moved);
	b = desc_of(o, false);
	g_assert_true(sdes_same(&a.srtp_tx, &b.srtp_tx));
	agree(o, two);
	c = desc_of(o, false);
	g_assert_false(sdes_same(&a.srtp_tx, &c.srtp_tx));
	agree(o, one);                                                    /* a key that was left is not used again */
	b = desc_of(o, false);
	g_assert_false(sdes_same(&a.srtp_tx, &b.srtp_tx));
	agree(o, HEAD AUDIO);                                             /* nor after a while in the clear */
	g_assert_cmpuint(desc_of(o, false).srtp_tx.len, ==, 0);
	agree(o, one);
	c = desc_of(o, false);
	g_assert_cmpuint(c.srtp_tx.len, ==, 30);
	g_assert_false(sdes_same(&b.srtp_tx, &c.srtp_tx));
	mem_deref(o);
}

static void test_changes(void)
{
	struct offer *o = make(0);
	struct leg_desc d;
	char *text, *lines;

	/* Another codec. */
	agree(o, HEAD "m=audio 4000 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\na=mid:0\r\n");
	agree(o, HEAD "m=audio 4000 RTP/AVP 8\r\na=mid:0\r\n");
	g_assert_cmpstr(desc_of(o, false).tx.codec->name, ==, "PCMA");

	/* Video comes, and stays in its place. */
	agree(o, HEAD "m=audio 4000 RTP/AVP 8\r\na=mid:0\r\nm=video 4002 RTP/AVP 99\r\na=mid:1\r\n");

	/* Our offer: all lines, the codec in use first, all others, numbers as they always were (opus 111; not 96). */
	text = offer_text(o);
	lines = lines_of(text);
	g_assert_cmpstr(lines, ==, "t=0 0\r\nm=audio 20000 RTP/AVP 8 111 9 0 101 102\r\n" PCMA OPUS("111") "a=rtpmap:9 G722/8000\r\n"
			PCMU EVENT("101", "8000") EVENT("102", "48000") TAIL "a=mid:0\r\nm=video 0 RTP/AVP 99\r\na=mid:1\r\n");
	g_free(lines);
	g_free(text);
	offer_rollback(o);

	/* Fewer lines than before is no offer. */
	{
		struct mbuf *mb = NULL;
		const char *why = NULL;

		g_assert_cmpint(offer_answer(o, &mb, &why, HEAD AUDIO, strlen(HEAD AUDIO)), ==, EBADMSG);
		g_assert_cmpstr(why, ==, "fewer m= lines than before");
	}

	/* Sound is taken away, which is no refusal, and comes back. */
	text = answer_text(o, HEAD "m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 99\r\n");
	g_assert_nonnull(strstr(text, "m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 99\r\n"));
	g_free(text);
	offer_commit(o);
	g_assert_cmpint(offer_leg(o, false, &d), ==, ENOENT);
	text = offer_text(o);                                             /* off stays off */
	g_assert_nonnull(strstr(text, "m=audio 0 RTP/AVP 8\r\n"));
	g_free(text);
	g_assert_cmpint(accept_text(o, HEAD "m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 99\r\n"), ==, 0);
	offer_commit(o);
	agree(o, HEAD "m=audio 4000 RTP/AVP 8\r\nm=video 0 RTP/AVP 99\r\n");
	g_assert_cmpint(offer_leg(o, false, &d), ==, 0);
	mem_deref(o);
}

/* Our re-offer of a secure line: the peer may answer with its key, another suite, or (best effort) without any. */
static void test_keys_in_our_offer(void)
{
	static const char effort[] = HEAD AUDIO "a=crypto:9 " SHA32 " inline:" KEY30 "\r\n";
	struct offer *o = make(0);
	struct leg_desc a, b;

	agree(o, effort);
	a = desc_of(o, false);
	g_assert_cmpint(a.srtp_tx.suite, ==, LEG_SRTP_AES128_SHA1_32);
	g_free(offer_text(o));
	g_assert_cmpint(accept_text(o, HEAD AUDIO "a=crypto:2 " SHA32 " inline:" KEY30 "\r\n"), ==, 0);
	offer_commit(o);
	b = desc_of(o, false);
	g_assert_true(sdes_same(&a.srtp_tx, &b.srtp_tx));
	g_free(offer_text(o));
	g_assert_cmpint(accept_text(o, HEAD AUDIO "a=crypto:1 " SHA80 " inline:" KEY30 "\r\n"), ==, 0);
	offer_commit(o);
	g_assert_cmpint(desc_of(o, false).srtp_tx.suite, ==, LEG_SRTP_AES128_SHA1_80);
	g_free(offer_text(o));
	g_assert_cmpint(accept_text(o, HEAD AUDIO), ==, 0);
	offer_commit(o);
	g_assert_cmpint(desc_of(o, false).srtp_tx.suite, ==, LEG_SRTP_NONE);
	agree(o, effort);
	b = desc_of(o, false);
	g_assert_false(sdes_same(&a.srtp_tx, &b.srtp_tx));
	mem_deref(o);
}

/* The line in force keeps its place when another audio line is switched on before it. */
static void test_line_stays(void)
{
	struct offer *o = make(0);

	agree(o, HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n");
	agree(o, HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n");
	g_assert_cmpuint(port_of(o), ==, 4002);
	agree(o, HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 8\r\n");
	g_assert_cmpuint(port_of(o), ==, 4000);
	mem_deref(o);
}

static void test_hold(void)
{
	struct offer *o = make(0);
	g_autofree char *held = NULL, *back = NULL;

	agree(o, HEAD AUDIO);
	offer_set_hold(o, true);
	held = offer_text(o);
	g_assert_nonnull(strstr(held, "a=sendonly\r\n"));
	g_assert_cmpint(accept_text(o, HEAD AUDIO "a=recvonly\r\n"), ==, 0);
	g_assert_cmpuint(desc_of(o, false).dir, ==, LEG_DIR_BOTH);        /* not yet */
	offer_commit(o);
	g_assert_cmpuint(desc_of(o, false).dir, ==, LEG_DIR_SEND);
	g_assert_false(offer_peer_holds(o));
	offer_set_hold(o, false);
	back = offer_text(o);
	g_assert_nonnull(strstr(back, "a=sendrecv\r\n"));
	g_assert_cmpuint(version_of(back), ==, version_of(held) + 1);
	/* A peer that does not understand hold may answer more than it should: it is still only what both allow. */
	g_assert_cmpint(accept_text(o, HEAD AUDIO "a=sendonly\r\n"), ==, 0);
	offer_commit(o);
	g_assert_cmpuint(desc_of(o, false).dir, ==, LEG_DIR_RECV);
	mem_deref(o);
}

static void test_head(void)
{
	struct offer *o = make(IP6);
	g_autofree char *text = offer_text(o);

	g_assert_nonnull(strstr(text, " 1 IN IP6 2001:db8::10\r\ns=room  1\r\nc=IN IP6 2001:db8::10\r\nt=0 0\r\nm=audio 20000 RTP/AVP "));
	g_assert_true(g_str_has_prefix(text, "v=0\r\no=- "));
	mem_deref(o);
}

static void test_time(void)
{
	struct offer *o = make(0);
	g_autofree char *text = answer_text(o, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=12 34\r\n" AUDIO);

	g_assert_nonnull(strstr(text, "\r\nt=12 34\r\n"));
	mem_deref(o);
}

static const struct { const char *codecs; int err; const char *formats; } confs[] = {
	{"PCMU", 0, " RTP/AVP 0 101\r\n"},
	{"PCMA,PCMU", 0, " RTP/AVP 8 0 101\r\n"},
	{" speex , PCMA\tPCMU ,", 0, " RTP/AVP 8 0 101\r\n"},
	{"pcmu pcmu", 0, " RTP/AVP 0 101\r\n"},
	{"L16/44100 L16/16000/2", 0, " RTP/AVP 11 96 97 98\r\n"},
	{"L16/44100/2 PCMU", 0, " RTP/AVP 0 101\r\n"},
	{"L16/44100/2", EINVAL, NULL},
	{"PCMU/16000", EINVAL, NULL},
	{"PCMU/8000/2", EINVAL, NULL},
	{"speex", EINVAL, NULL},
	{"", EINVAL, NULL},
	{NULL, EINVAL, NULL},
};

static void test_conf(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
		struct offer_conf conf = {.codecs = confs[i].codecs, .ptime_us = 20000};
		struct offer *o = NULL;
		struct mbuf *mb;
		char *text;

		g_test_message("%s", confs[i].codecs ? confs[i].codecs : "-");
		g_assert_cmpint(sa_set_str(&conf.media, "192.0.2.1", 4000), ==, 0);
		g_assert_cmpint(offer_alloc(&o, &conf), ==, confs[i].err);
		if (confs[i].err)
			continue;
		g_assert_cmpint(offer_make(o, &mb), ==, 0);
		text = text_of(mb);
		g_assert_nonnull(strstr(text, confs[i].formats));
		g_assert_nonnull(strstr(text, "\r\ns=-\r\n"));          /* no name given */
		g_free(text);
		mem_deref(o);
	}
}

static void test_conf_incomplete(void)
{
	struct offer_conf conf = {.codecs = "PCMU"};
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&conf.media, "192.0.2.1", 4000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, EINVAL);              /* no ptime */
	conf.ptime_us = 20000;
	sa_set_port(&conf.media, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, EINVAL);              /* no port */
}

/* --- another reader --- */

static struct sdp_session *libre_session(struct sdp_media **m)
{
	struct sdp_session *sess = NULL;
	struct sa laddr;

	g_assert_cmpint(sa_set_str(&laddr, "192.0.2.7", 0), ==, 0);
	g_assert_cmpint(sdp_session_alloc(&sess, &laddr), ==, 0);
	g_assert_cmpint(sdp_media_add(m, sess, "audio", 4000, "RTP/AVP"), ==, 0);
	g_assert_cmpint(sdp_format_add(NULL, *m, false, "109", "opus", 48000, 2, NULL, NULL, NULL, false, "stereo=1"), ==, 0);
	g_assert_cmpint(sdp_format_add(NULL, *m, false, "8", "PCMA", 8000, 1, NULL, NULL, NULL, false, NULL), ==, 0);
	g_assert_cmpint(sdp_format_add(NULL, *m, false, "101", "telephone-event", 8000, 1, NULL, NULL, NULL, false, "0-15"), ==, 0);
	return sess;
}

static void check_libre(struct sdp_media *m, const char *opus)
{
	const struct sdp_format *f = sdp_media_rformat(m, NULL);

	g_assert_nonnull(f);
	g_assert_cmpstr(f->name, ==, "opus");
	g_assert_cmpstr(f->id, ==, opus);
	g_assert_nonnull(sdp_media_rformat(m, "telephone-event"));
	g_assert_cmpuint(sa_port(sdp_media_raddr(m)), ==, 20000);
	g_assert_cmpuint(sa_in(sdp_media_raddr(m)), ==, 0xc633640a);
	g_assert_cmpint(sdp_media_dir(m), ==, SDP_SENDRECV);
}

/* libre's own SDP, which has read every phone's for years, as the peer: once it offers, once it answers. */
static void test_libre(void)
{
	struct sdp_session *theirs;
	struct sdp_media *m;
	struct mbuf *offer = NULL, *answer = NULL;
	struct offer *o = make(LEVELS);
	const char *why;

	theirs = libre_session(&m);
	g_assert_cmpint(sdp_encode(&offer, theirs, true), ==, 0);
	g_assert_cmpint(offer_answer(o, &answer, &why, offer->buf, offer->end), ==, 0);
	g_assert_cmpint(sdp_decode(theirs, answer, false), ==, 0);
	check_libre(m, "109");
	offer = mem_deref(offer);
	answer = mem_deref(answer);
	mem_deref(theirs);
	mem_deref(o);

	o = make(LEVELS);
	theirs = libre_session(&m);
	g_assert_cmpint(offer_make(o, &offer), ==, 0);
	g_assert_cmpint(sdp_decode(theirs, offer, true), ==, 0);
	g_assert_cmpint(sdp_encode(&answer, theirs, false), ==, 0);
	g_assert_cmpint(offer_accept(o, &why, answer->buf, answer->end), ==, 0);
	check_libre(m, "96");
	g_assert_cmpstr(desc_of(o, true).tx.codec->name, ==, "opus");
	mem_deref(offer);
	mem_deref(answer);
	mem_deref(theirs);
	mem_deref(o);
}

/* --- cost --- */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static GString *repeat(const char *head, const char *fmt, unsigned n)
{
	GString *s = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(s, "%s", fmt);
	return s;
}

/* Lines of 64 formats, each looked up among attributes of which none is it: the dearest that passes the bounds. */
static GString *worst(unsigned n_lines, unsigned n_attr)
{
	GString *s = g_string_new(HEAD);

	for (unsigned n = 0; n < n_lines; n++) {
		g_string_append(s, "m=audio 4000 RTP/AVP 0");
		for (unsigned i = 64; i < 127; i++)
			g_string_append_printf(s, " %u", i);
		g_string_append(s, "\r\na=rtpmap:0 x/1");
		for (unsigned i = 1; i < n_attr; i++)
			g_string_append(s, i % 2 ? "\r\na=rtpmap:127 x/8" : "\r\na=fmtp:127 x=1");
		g_string_append(s, "\r\n");
	}
	return s;
}

static void measure(const char *name, GString *body, int want)
{
	uint64_t best = UINT64_MAX;

	for (unsigned n = 0; n < 5; n++) {
		struct offer *o = make(LEVELS);
		struct mbuf *mb = NULL;
		const char *why;
		uint64_t start = cpu_ns();
		int err = offer_answer(o, &mb, &why, body->str, body->len);

		best = MIN(best, cpu_ns() - start);
		g_assert_cmpint(err, ==, want);
		mem_deref(mb);
		mem_deref(o);
	}
	g_test_message("%s (%zu bytes): %u us", name, body->len, (unsigned)(best / 1000));
	g_assert_cmpuint(best, <, COST_NS);
	g_string_free(body, TRUE);
}

static void test_cost(void)
{
	measure("thousands of m-lines", repeat(HEAD, "m=audio 4000 RTP/AVP 0\r\n", 2700), EBADMSG);
	measure("thousands of attributes", repeat(HEAD AUDIO, "a=x\r\n", 13000), EBADMSG);
	measure("thousands of extensions", repeat(HEAD AUDIO, MANY("3"), 1100), EBADMSG);
	measure("512 extensions", repeat(HEAD AUDIO, MANY("x"), 512), 0);
	measure("64 lines with extensions", repeat(HEAD, AUDIO MANY("3") EXT("3", "toffset") MANY("4096"), 64), 0);
	measure("64 audio lines", repeat(HEAD, AUDIO, 64), 0);
	measure("64 audio lines for nobody", repeat(HEAD, "m=audio 4000 RTP/AVP 99 98 97 96\r\na=rtpmap:99 a/1\r\n", 64), ENOTSUP);
	measure("64 KB of one line", repeat(HEAD AUDIO "a=", "xxxxxxxx", 8100), 0);
	measure("formats and attributes", worst(1, 512), ENOTSUP);
	measure("... in several lines", worst(7, 512), ENOTSUP);
	measure("... in many lines", worst(60, 50), ENOTSUP);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/offer/answers", test_answers);
	g_test_add_func("/offer/refusals", test_refusals);
	g_test_add_func("/offer/refusal-leaves-session", test_refusal_leaves_session);
	g_test_add_func("/offer/wrong-answer-leaves-session", test_wrong_answer_leaves_session);
	g_test_add_func("/offer/leg", test_leg);
	g_test_add_func("/offer/rtcp", test_rtcp);
	g_test_add_func("/offer/noise", test_noise);
	g_test_add_func("/offer/extensions", test_extensions);
	g_test_add_func("/offer/extensions-offered", test_extensions_offered);
	g_test_add_func("/offer/extension-ids", test_extension_ids);
	g_test_add_func("/offer/params", test_params);
	g_test_add_func("/offer/datagrams", test_datagrams);
	g_test_add_func("/offer/directions", test_directions);
	g_test_add_func("/offer/offer", test_offer);
	g_test_add_func("/offer/redundant", test_redundant);
	g_test_add_func("/offer/redundant-codec", test_redundant_codec);
	g_test_add_func("/offer/redundant-offer", test_redundant_offer);
	g_test_add_func("/offer/accepts", test_accepts);
	g_test_add_func("/offer/offer-secure", test_offer_secure);
	g_test_add_func("/offer/versions", test_versions);
	g_test_add_func("/offer/musician", test_musician);
	g_test_add_func("/offer/keys-not-taken", test_keys_not_taken);
	g_test_add_func("/offer/keys-over-time", test_keys_over_time);
	g_test_add_func("/offer/keys-in-our-offer", test_keys_in_our_offer);
	g_test_add_func("/offer/changes", test_changes);
	g_test_add_func("/offer/line-stays", test_line_stays);
	g_test_add_func("/offer/hold", test_hold);
	g_test_add_func("/offer/head", test_head);
	g_test_add_func("/offer/time", test_time);
	g_test_add_func("/offer/conf", test_conf);
	g_test_add_func("/offer/conf-incomplete", test_conf_incomplete);
	g_test_add_func("/offer/libre", test_libre);
	g_test_add_func("/offer/cost", test_cost);
	return g_test_run();
}
