/*
 * test-offergest.c - lines of gestures offered, answered and accepted.
 *
 * Tables: their lines in, ours out, each written by hand. Lines are compared from t= on; keys of ours are random and show as
 * "inline:*". The descriptions of the RFCs lie beside the checkout and are skipped without.
 */
#include <glib.h>
#include <string.h>
#include <time.h>
#include "server/offer.h"
#include "server/sdesc.h"
#include "vectors.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.21\r\ns=-\r\nc=IN IP4 192.0.2.21\r\nt=0 0\r\n"
#define HEAD0 "v=0\r\no=- 1 1 IN IP4 192.0.2.21\r\ns=-\r\nc=IN IP4 192.0.2.21\r\n"
#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define PRINT "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"
#define OURPRINT "sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD"
#define TAKES "version=1.1; types=ifsbhtdScrmTFNI[]; max="
#define AUDIO "m=audio 40000 RTP/AVP 0\r\n"
#define SOUND "m=audio 30000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
#define OSC(pt) "a=rtpmap:" pt " osc/48000\r\n"
#define OURS_OF(tt) "m=application 30010 RTP/AVP 98\r\na=rtpmap:98 osc/48000\r\na=fmtp:98 " TAKES "1200; rec=journal; red=2; guard=1000; " \
	"rate=2000; tt=" tt "\r\n"
#define OUROSC OURS_OF("exec")
#define HEARDOSC OURS_OF("none")          /* we send nothing there */
#define NAMED "a=gest-name:anna\r\na=sendrecv\r\n"
#define MIDI "m=audio 40012 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n"
#define OURMIDI "m=audio 30008 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n"
#define UDP "m=application 57120 UDP/OSC osc\r\n"
#define OURUDP "m=application 30012 UDP/OSC osc\r\na=fmtp:osc " TAKES "1472; refresh=1000; rate=2000; tt=none\r\n"
#define TCP "m=application 9 TCP/OSC osc\r\n"
#define TLS "m=application 9 TCP/TLS/OSC osc\r\n"
#define OURTLS "m=application 30016 TCP/TLS/OSC osc\r\na=fmtp:osc " TAKES "65536; framing=slip; rate=2000; tt=none\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"

/* --- help --- */

struct desk { unsigned opened; char wish[64]; const struct gestspace *space; unsigned claims; uint32_t grant; bool full; };

static struct desk desk;

static int open_line(struct sa *local, char *name, enum gestline_kind kind, const char *wish, void *arg)
{
	struct desk *d = arg;

	if (d->full)
		return EMFILE;
	d->opened |= 1u << kind;
	g_strlcpy(d->wish, wish, sizeof(d->wish));
	g_strlcpy(name, wish[0] ? wish : "anna", VIEW_NAME_MAX + 1);
	return sa_set_str(local, "198.51.100.10", (uint16_t)(30008 + 2 * kind));
}

static uint32_t claim(struct gestspace *s, void *arg)
{
	struct desk *d = arg;

	d->space = s;
	d->claims++;
	return d->grant;
}

enum { ALL = 0x1f, OSC_AND_MIDI = 1 << GESTLINE_OSC | 1 << GESTLINE_MIDI };

static struct offer *make(uint8_t takes, uint8_t offers, enum offer_srtp srtp)
{
	struct offer_conf conf = {
		.codecs = "PCMU", .ptime_us = 20000, .srtp = srtp, .session_name = "room",
		.gest = {.takes = takes, .offers = offers, .mtu = 1200, .stream_max = 65536, .rate = 2000, .fingerprint = OURPRINT,
			 .open = open_line, .claims = claim, .arg = &desk},
	};
	struct offer *o = NULL;

	desk = (struct desk){.grant = UINT32_MAX};
	g_assert_cmpint(sa_set_str(&conf.media, "198.51.100.10", 30000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, 0);
	return o;
}

static char *lines_of(const struct mbuf *mb)
{
	g_autofree char *text = g_strndup((char *)mb->buf, mb->end);
	g_autoptr(GRegex) key = g_regex_new("inline:[A-Za-z0-9+/=]+", 0, 0, NULL);
	const char *why = "";
	struct sdesc *d;

	g_assert_cmpint(sdesc_read(&d, &why, text, strlen(text)), ==, 0);
	mem_deref(d);
	return g_regex_replace_literal(key, strstr(text, "\r\nt=") + 2, -1, 0, "inline:*", 0, NULL);
}

static char *answer_to(struct offer *o, const char *body)
{
	struct mbuf *mb = NULL;
	const char *why = "";
	char *text;

	g_assert_cmpint(offer_answer(o, &mb, &why, body, strlen(body)), ==, 0);
	text = lines_of(mb);
	mem_deref(mb);
	return text;
}

static char *our_offer(struct offer *o)
{
	struct mbuf *mb = NULL;
	char *text;

	g_assert_cmpint(offer_make(o, &mb), ==, 0);
	text = lines_of(mb);
	mem_deref(mb);
	return text;
}

static void accept_answer(struct offer *o, const char *body)
{
	const char *why = "";

	g_assert_cmpint(offer_accept(o, &why, body, strlen(body)), ==, 0);
	offer_commit(o);
}

static const struct gestline *line_of(struct offer *o, enum gestline_kind kind)
{
	uint8_t mark[OFFER_MARK];

	return offer_gestline(o, kind, mark);
}

/* --- their offer, our answer --- */

static const char example_17_1[] = HEAD0 "t=0 0\r\na=group:GALT osc midi\r\na=gest-name:anna\r\n"
	AUDIO "a=mid:aud\r\n"
	"m=application 40010 RTP/AVP 98\r\nb=AS:64\r\na=rtpmap:98 osc/48000\r\n"
	"a=fmtp:98 version=1.1; types=ifsbTFNIt; max=1200; rec=journal,none; red=2; guard=500; late=40; tt=exec\r\n"
	"a=osc-schema:send https://example.org/osc/theremin/2 sha-256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\r\n"
	"a=osc-space:send /key ,ii kind=event\r\na=osc-space:both /synth/*/gain ,f kind=state range=0:1\r\na=osc-schema:recv *\r\n"
	"a=osc-view:prefix,source\r\na=gest-sources:8\r\na=osc-map:out /synth/gain 0:f:0:1 cc:1:7\r\n"
	"a=osc-map:out /pad/%n 0:f:0:1 note:10:%n\r\na=sendrecv\r\na=mid:osc\r\n"
	"m=audio 40012 RTP/AVP 97\r\nb=AS:20\r\na=rtpmap:97 rtp-midi/48000\r\n"
	"a=fmtp:97 j_update=closed-loop; rtp_ptime=0; rtp_maxptime=0; guardtime=48000\r\na=gest-sources:8\r\na=sendrecv\r\na=mid:midi\r\n";

static const struct { const char *name; uint8_t takes; const char *offer, *answer; } answers[] = {
	{"17.1, OSC-aware", ALL, example_17_1,
		"t=0 0\r\na=group:GALT osc\r\n" SOUND "a=mid:aud\r\n"
		"m=application 30010 RTP/AVP 98\r\nb=AS:64\r\na=rtpmap:98 osc/48000\r\n"
		"a=fmtp:98 " TAKES "1200; rec=journal; red=2; guard=1000; rate=2000; tt=exec\r\n"
		"a=osc-schema:recv *\r\na=osc-schema:send *\r\na=osc-view:prefix\r\na=gest-sources:1\r\na=gest-name:anna\r\na=sendrecv\r\na=mid:osc\r\n"
		"m=audio 0 RTP/AVP 97\r\na=mid:midi\r\n"},
	{"17.1 where OSC is off", 1 << GESTLINE_MIDI, example_17_1,
		"t=0 0\r\na=group:GALT midi\r\n" SOUND "a=mid:aud\r\nm=application 0 RTP/AVP 98\r\na=mid:osc\r\n"
		"m=audio 30008 RTP/AVP 97\r\nb=AS:20\r\na=rtpmap:97 rtp-midi/48000\r\n"
		"a=fmtp:97 j_update=closed-loop; guardtime=48000; rtp_ptime=0; rtp_maxptime=0\r\n"
		"a=gest-sources:1\r\na=gest-name:anna\r\na=sendrecv\r\na=mid:midi\r\n"},
	{"17.1 where gestures are off", 0, example_17_1,
		"t=0 0\r\n" SOUND "a=mid:aud\r\nm=application 0 RTP/AVP 98\r\na=mid:osc\r\nm=audio 0 RTP/AVP 97\r\na=mid:midi\r\n"},
	{"17.3, UDP and TLS", ALL, HEAD "a=gest-name:desk\r\n"
		UDP "a=fmtp:osc version=1.0; types=ifsb; max=1472; refresh=2000\r\na=osc-view:flat\r\na=osc-own:/lights/*\r\na=mid:u\r\n"
		TLS "a=fmtp:osc framing=slip,size; max=1048576\r\na=setup:actpass\r\na=connection:new\r\na=fingerprint:" PRINT "\r\na=mid:t\r\n",
		"t=0 0\r\n" OURUDP "a=osc-view:flat\r\na=osc-own:/lights/*\r\na=gest-name:desk\r\na=sendrecv\r\na=mid:u\r\n"
		OURTLS "a=gest-name:desk\r\na=sendrecv\r\na=setup:passive\r\na=connection:new\r\na=fingerprint:" OURPRINT "\r\na=mid:t\r\n"},
	{"17.4, and no certificate of ours", ALL, HEAD AUDIO
		"m=application 40010 UDP/TLS/RTP/SAVPF 98\r\na=rtpmap:98 osc/48000\r\na=rtcp-fb:98 nack pli\r\na=rtcp-mux\r\na=setup:actpass\r\n"
		"a=fingerprint:" PRINT "\r\na=fmtp:98 version=1.1; rec=journal\r\na=osc-view:source\r\na=gest-sources:*\r\n",
		"t=0 0\r\n" SOUND "m=application 0 UDP/TLS/RTP/SAVPF 98\r\n"},
	{"17.4 with SDES", ALL, HEAD AUDIO
		"m=application 40010 RTP/SAVPF 98\r\na=rtpmap:98 osc/48000\r\na=rtcp-fb:98 nack pli\r\na=rtcp-mux\r\n" CRYPTO
		"a=fmtp:98 version=1.1; rec=journal\r\na=osc-view:source\r\na=gest-sources:*\r\n",
		"t=0 0\r\n" SOUND "m=application 30010 RTP/SAVPF 98\r\na=rtpmap:98 osc/48000\r\n"
		"a=fmtp:98 " TAKES "1200; rec=journal; red=2; guard=1000; rate=2000; tt=exec\r\na=rtcp-fb:98 nack pli\r\n"
		"a=osc-view:source\r\na=gest-sources:1\r\n" NAMED "a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*\r\n"},

	{"gestures alone", ALL, HEAD UDP, "t=0 0\r\n" OURUDP NAMED},
	{"a phone", ALL, HEAD AUDIO, "t=0 0\r\n" SOUND},
	{"no rtpmap", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n", "t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"another encoding", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\na=rtpmap:98 h224/4800\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"an unknown proto", ALL, HEAD AUDIO "m=application 4 SCTP/OSC osc\r\n", "t=0 0\r\n" SOUND "m=application 0 SCTP/OSC osc\r\n"},
	{"OSC as sound", ALL, HEAD AUDIO "m=audio 4 RTP/AVP 98\r\n" OSC("98"), "t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 98\r\n"},
	{"MIDI as an application", ALL, HEAD AUDIO "m=application 4 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 97\r\n"},
	{"the name without case", ALL, HEAD "m=application 4 RTP/AVP 98\r\na=rtpmap:98 OSC/48000\r\n",
		"t=0 0\r\nm=application 30010 RTP/AVP 98\r\na=rtpmap:98 OSC/48000\r\na=fmtp:98 " TAKES "1200; rec=journal; red=2; guard=1000; "
		"rate=2000; tt=exec\r\n" NAMED},
	{"a parameter after the clock", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\na=rtpmap:98 osc/48000/1\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"clocks out of range", ALL, HEAD AUDIO "m=application 4 RTP/AVP 96 97 98\r\na=rtpmap:96 osc/7999\r\na=rtpmap:97 osc/192001\r\n" OSC("98"),
		"t=0 0\r\n" SOUND OUROSC NAMED},
	{"the first of several types", ALL, HEAD "m=application 4 RTP/AVP 99 98\r\na=rtpmap:99 osc/44100\r\n" OSC("98"),
		"t=0 0\r\nm=application 30010 RTP/AVP 99\r\na=rtpmap:99 osc/44100\r\na=fmtp:99 " TAKES "1200; rec=journal; red=2; guard=1000; "
		"rate=2000; tt=exec\r\n" NAMED},
	{"the ninth is not looked at", ALL, HEAD AUDIO "m=application 4 RTP/AVP 1 2 3 4 5 6 7 8 98\r\n" OSC("98"),
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 1 2 3 4 5 6 7 8 98\r\n"},
	{"a bad parameter", ALL, HEAD "m=application 4 RTP/AVP 99 98\r\na=rtpmap:99 osc/44100\r\na=fmtp:99 max=13\r\n" OSC("98"), "t=0 0\r\n" OUROSC NAMED},
	{"a parameter twice", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 red=1; red=1\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"two fmtp lines", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 red=1\r\na=fmtp:98 late=1\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"unknown parameters", ALL, HEAD "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 framing=slip; refresh=9; x=1;\r\n", "t=0 0\r\n" OUROSC NAMED},
	{"rec=none first", ALL, HEAD "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rec=none,journal\r\n",
		"t=0 0\r\nm=application 30010 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 " TAKES "1200; rec=none; red=2; guard=1000; rate=2000; tt=exec\r\n" NAMED},
	{"an unknown rec", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rec=fec\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"an unknown framing", ALL, HEAD AUDIO TCP "a=fmtp:osc framing=lines\r\n", "t=0 0\r\n" SOUND "m=application 0 TCP/OSC osc\r\n"},
	{"no framing said", ALL, HEAD TCP "a=setup:active\r\n", "t=0 0\r\nm=application 30014 TCP/OSC osc\r\na=fmtp:osc " TAKES
		"65536; framing=slip; rate=2000; tt=none\r\n" NAMED "a=setup:passive\r\na=connection:new\r\n"},
	{"framing by size", ALL, HEAD TCP "a=fmtp:osc framing=size,slip\r\n", "t=0 0\r\nm=application 30014 TCP/OSC osc\r\na=fmtp:osc " TAKES
		"65536; framing=size; rate=2000; tt=none\r\n" NAMED "a=setup:passive\r\na=connection:new\r\n"},
	{"who wants to be passive", ALL, HEAD AUDIO TCP "a=setup:passive\r\n", "t=0 0\r\n" SOUND "m=application 0 TCP/OSC osc\r\n"},
	{"who holds the connection", ALL, HEAD AUDIO TCP "a=setup:holdconn\r\n", "t=0 0\r\n" SOUND "m=application 0 TCP/OSC osc\r\n"},
	{"TLS without a fingerprint", ALL, HEAD AUDIO TLS, "t=0 0\r\n" SOUND "m=application 0 TCP/TLS/OSC osc\r\n"},
	{"TLS with SHA-1", ALL, HEAD AUDIO TLS "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
		"t=0 0\r\n" SOUND "m=application 0 TCP/TLS/OSC osc\r\n"},
	{"TLS with half a fingerprint", ALL, HEAD AUDIO TLS "a=fingerprint:sha-256 4A:AD\r\n", "t=0 0\r\n" SOUND "m=application 0 TCP/TLS/OSC osc\r\n"},
	{"two formats over UDP", ALL, HEAD AUDIO "m=application 9 UDP/OSC osc osc2\r\n", "t=0 0\r\n" SOUND "m=application 0 UDP/OSC osc osc2\r\n"},
	{"two lines of a kind", ALL, HEAD UDP "m=application 4 UDP/OSC osc\r\n", "t=0 0\r\n" OURUDP NAMED "m=application 0 UDP/OSC osc\r\n"},
	{"both kinds, no group: a gateway", ALL, HEAD "m=application 4 RTP/AVP 98\r\n" OSC("98") MIDI, "t=0 0\r\n" OUROSC NAMED OURMIDI NAMED},
	{"source for one", ALL, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=osc-view:source\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\n"},
	{"source for one, or flat", ALL, HEAD "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=osc-view:source,flat\r\na=gest-sources:1\r\n",
		"t=0 0\r\n" OUROSC "a=osc-view:flat\r\na=gest-sources:1\r\n" NAMED},
	{"source over UDP", ALL, HEAD UDP "a=osc-view:source,prefix\r\na=gest-sources:4\r\n", "t=0 0\r\n" OURUDP "a=osc-view:prefix\r\n" NAMED},
	{"no view we know", ALL, HEAD AUDIO UDP "a=osc-view:tilted\r\n", "t=0 0\r\n" SOUND "m=application 0 UDP/OSC osc\r\n"},
	{"an illegal wish", ALL, HEAD UDP "a=gest-name:_anna\r\n", "t=0 0\r\n" OURUDP NAMED},
	{"a wish that is too long", ALL, HEAD UDP "a=gest-name:abcdefghijklmnopqrstuvwxyz0123456789\r\n",
		"t=0 0\r\n" OURUDP "a=gest-name:abcdefghijklmnopqrstuvwxyz012345\r\na=sendrecv\r\n"},
	{"their directions", ALL, HEAD "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=sendonly\r\n" MIDI "a=recvonly\r\n",
		"t=0 0\r\n" HEARDOSC "a=gest-name:anna\r\na=recvonly\r\n" OURMIDI "a=gest-name:anna\r\na=sendonly\r\n"},
	{"capabilities are ignored", ALL, HEAD "a=tcap:1 RTP/SAVP\r\n" UDP "a=pcfg:1 t=1\r\n", "t=0 0\r\n" OURUDP NAMED},

	{"GALT with an unknown mid", ALL, HEAD "a=group:GALT nobody midi\r\n" MIDI "a=mid:midi\r\n", "t=0 0\r\na=group:GALT midi\r\n" OURMIDI NAMED "a=mid:midi\r\n"},
	{"GALT with a rejected mid", ALL, HEAD "a=group:GALT o midi\r\nm=application 0 RTP/AVP 98\r\na=mid:o\r\n" MIDI "a=mid:midi\r\n",
		"t=0 0\r\na=group:GALT midi\r\nm=application 0 RTP/AVP 98\r\na=mid:o\r\n" OURMIDI NAMED "a=mid:midi\r\n"},
	{"GALT, the first that we can use", ALL, HEAD "a=group:GALT o midi\r\nm=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 red=9\r\na=mid:o\r\n"
		MIDI "a=mid:midi\r\n", "t=0 0\r\na=group:GALT midi\r\nm=application 0 RTP/AVP 98\r\na=mid:o\r\n" OURMIDI NAMED "a=mid:midi\r\n"},
	{"GALT, its order and not that of the lines", ALL, HEAD "a=group:GALT u o\r\nm=application 4 RTP/AVP 98\r\n" OSC("98") "a=mid:o\r\n" UDP "a=mid:u\r\n",
		"t=0 0\r\na=group:GALT u\r\nm=application 0 RTP/AVP 98\r\na=mid:o\r\n" OURUDP NAMED "a=mid:u\r\n"},
	{"GALT with none", ALL, HEAD "a=group:GALT o\r\n" AUDIO "m=application 4 RTP/AVP 98\r\na=mid:o\r\n",
		"t=0 0\r\n" SOUND "m=application 0 RTP/AVP 98\r\na=mid:o\r\n"},
	{"GALT of two directions", ALL, HEAD "a=group:GALT o midi\r\nm=application 4 RTP/AVP 98\r\n" OSC("98") "a=sendonly\r\na=mid:o\r\n"
		MIDI "a=recvonly\r\na=mid:midi\r\n",
		"t=0 0\r\n" HEARDOSC "a=gest-name:anna\r\na=recvonly\r\na=mid:o\r\n" OURMIDI "a=gest-name:anna\r\na=sendonly\r\na=mid:midi\r\n"},
	{"GALT with the sound in it", ALL, HEAD "a=group:GALT o a\r\n" AUDIO "a=mid:a\r\nm=application 4 RTP/AVP 98\r\n" OSC("98") "a=mid:o\r\n",
		"t=0 0\r\na=group:GALT o\r\n" SOUND "a=mid:a\r\n" OUROSC NAMED "a=mid:o\r\n"},

	{"MIDI that may lose", ALL, HEAD AUDIO MIDI "a=fmtp:97 j_sec=none\r\n", "t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 97\r\n"},
	{"MIDI with an unknown update", ALL, HEAD AUDIO MIDI "a=fmtp:97 j_update=psychic\r\n", "t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 97\r\n"},
	{"MIDI at another clock", ALL, HEAD AUDIO "m=audio 40012 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/8000\r\n", "t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 97\r\n"},
	{"MIDI as anchor", ALL, HEAD MIDI "a=fmtp:97 j_update=anchor; guardtime=1\r\n",
		"t=0 0\r\n" OURMIDI "a=fmtp:97 j_update=anchor; guardtime=240\r\n" NAMED},
	{"MIDI in mpeg4-generic", ALL, HEAD "m=audio 40012 RTP/AVP 96\r\na=rtpmap:96 mpeg4-generic/44100\r\n"
		"a=fmtp:96 streamtype=5; mode=rtp-midi; profile-level-id=12; config=7A0A\r\n",
		"t=0 0\r\nm=audio 30008 RTP/AVP 96\r\na=rtpmap:96 mpeg4-generic/44100\r\n"
		"a=fmtp:96 streamtype=5; mode=rtp-midi; profile-level-id=12; config=7A0A\r\n" NAMED},
	{"mpeg4-generic with sound", ALL, HEAD AUDIO "m=audio 40012 RTP/AVP 96\r\na=rtpmap:96 mpeg4-generic/44100\r\na=fmtp:96 mode=AAC-hbr\r\n",
		"t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 96\r\n"},
	{"musicport without a group", ALL, HEAD AUDIO MIDI "a=fmtp:97 musicport=1\r\n", "t=0 0\r\n" SOUND "m=audio 0 RTP/AVP 97\r\n"},
	{"virtual sendrecv", ALL, HEAD "a=group:FID 1 2\r\n" MIDI "a=fmtp:97 musicport=12\r\na=sendonly\r\na=mid:1\r\n"
		"m=audio 40014 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=12\r\na=recvonly\r\na=mid:2\r\n",
		"t=0 0\r\na=group:FID 1 2\r\n" OURMIDI "a=fmtp:97 musicport=12\r\na=gest-name:anna\r\na=recvonly\r\na=mid:1\r\n"
		OURMIDI "a=fmtp:97 musicport=12\r\na=gest-name:anna\r\na=sendonly\r\na=mid:2\r\n"},
	{"virtual sendrecv under SRTP", ALL, HEAD "a=group:FID 1 2\r\nm=audio 40012 RTP/SAVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n" CRYPTO
		"a=fmtp:97 musicport=12\r\na=sendonly\r\na=mid:1\r\nm=audio 40014 RTP/SAVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n" CRYPTO
		"a=fmtp:97 musicport=12\r\na=recvonly\r\na=mid:2\r\n",
		"t=0 0\r\nm=audio 30008 RTP/SAVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=12\r\na=gest-name:anna\r\na=recvonly\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*\r\na=mid:1\r\nm=audio 0 RTP/SAVP 97\r\na=mid:2\r\n"},
	{"two identities", ALL, HEAD "a=group:FID 1 2\r\n" MIDI "a=fmtp:97 musicport=12\r\na=mid:1\r\n"
		"m=audio 40014 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=12\r\na=mid:2\r\n",
		"t=0 0\r\n" OURMIDI "a=fmtp:97 musicport=12\r\n" NAMED "a=mid:1\r\nm=audio 0 RTP/AVP 97\r\na=mid:2\r\n"},
	{"sound first, MIDI as another format of it", ALL, HEAD "m=audio 40000 RTP/AVP 0 97\r\na=rtpmap:97 rtp-midi/48000\r\n", "t=0 0\r\n" SOUND},
};

static void test_answers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct offer *o = make(answers[i].takes, 0, OFFER_SRTP_OPTIONAL);
		char *text;

		g_test_message("%s", answers[i].name);
		text = answer_to(o, answers[i].offer);
		g_assert_cmpstr(text, ==, answers[i].answer);
		g_free(text);
		mem_deref(o);
	}
}

/* Nothing is opened for a line that is refused for what it says. */
static void test_opens(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	char *text;

	g_free(answer_to(o, HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=osc-view:tilted\r\n" TLS));
	g_assert_cmpuint(desk.opened, ==, 0);
	offer_rollback(o);
	g_free(answer_to(o, HEAD AUDIO UDP));
	g_assert_cmpuint(desk.opened, ==, 1 << GESTLINE_UDP);
	offer_rollback(o);
	desk.full = true;
	text = answer_to(o, HEAD AUDIO UDP);
	g_assert_cmpstr(text, ==, "t=0 0\r\n" SOUND "m=application 0 UDP/OSC osc\r\n");
	g_free(text);
	mem_deref(o);
}

static void test_required(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_REQUIRED);
	g_autofree char *text = answer_to(o, HEAD "m=application 4 RTP/SAVP 98\r\n" OSC("98") CRYPTO UDP TCP MIDI);

	g_assert_nonnull(strstr(text, "m=application 30010 RTP/SAVP 98"));
	g_assert_nonnull(strstr(text, "m=application 0 UDP/OSC"));
	g_assert_nonnull(strstr(text, "m=application 0 TCP/OSC"));
	g_assert_nonnull(strstr(text, "m=audio 0 RTP/AVP 97"));
	mem_deref(o);
}

static void test_limits(void)
{
	static const struct { const char *line; unsigned most; } few[] = {
		{"a=osc-space:send /a ,i\r\n", 64}, {"a=osc-map:out /a 0:i:0:1 cc:1:7\r\n", 128},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(few); i++) {
		for (unsigned n = few[i].most; n <= few[i].most + 1; n++) {
			struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
			g_autoptr(GString) s = g_string_new(HEAD AUDIO UDP);
			g_autofree char *text;

			for (unsigned k = 0; k < n; k++)
				g_string_append(s, few[i].line);
			text = answer_to(o, s->str);
			g_assert_true(!strstr(text, "m=application 0 ") == (n == few[i].most));
			mem_deref(o);
		}
	}
}

/* --- what the relay is told --- */

static void test_values(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	const struct gestline *l;
	struct sa peer;

	g_free(answer_to(o, example_17_1));
	g_assert_null(line_of(o, GESTLINE_OSC));
	offer_commit(o);
	l = line_of(o, GESTLINE_OSC);
	g_assert_nonnull(l);
	g_assert_null(line_of(o, GESTLINE_MIDI));
	(void)sa_set_str(&peer, "192.0.2.21", 40010);
	g_assert_true(sa_cmp(&l->peer, &peer, SA_ALL));
	g_assert_cmpuint(l->pt, ==, 98);
	g_assert_cmpuint(l->rate, ==, 48000);
	g_assert_cmpuint(l->dir, ==, LEG_DIR_BOTH);
	g_assert_cmpuint(l->sources, ==, 8);
	g_assert_cmpuint(l->takes.guard_ms, ==, 500);
	g_assert_cmpstr(l->takes.types, ==, "ifsbTFNIt");
	g_assert_true(l->journal && l->party_exec && l->takes.deep && !l->pli && !l->srtp_tx.len);
	g_assert_cmpint(l->view, ==, VIEW_PREFIX);
	g_assert_nonnull(l->space);
	g_assert_cmpuint(l->space->n_space, ==, 2);
	mem_deref(o);
}

static void test_pair(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	const struct gestline *l;

	g_free(answer_to(o, HEAD "a=group:FID 1 2\r\n" MIDI "a=fmtp:97 musicport=12\r\na=sendonly\r\na=mid:1\r\n"
		"m=audio 40014 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=12\r\na=recvonly\r\na=mid:2\r\n"));
	offer_commit(o);
	l = line_of(o, GESTLINE_MIDI);
	g_assert_cmpuint(l->dir, ==, LEG_DIR_BOTH);
	g_assert_cmpuint(sa_port(&l->peer), ==, 40014);
	g_assert_cmpuint(sa_port(&l->peer_from), ==, 40012);
	g_free(our_offer(o));
	offer_rollback(o);
	mem_deref(o);
}

static void test_keys(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	const struct gestline *l;

	g_free(answer_to(o, HEAD "m=application 4 RTP/SAVP 98\r\n" OSC("98") CRYPTO "a=rtcp:77\r\n"));
	offer_commit(o);
	l = line_of(o, GESTLINE_OSC);
	g_assert_true(l->srtp_tx.len && l->srtp_rx.len);
	g_assert_cmpuint(sa_port(&l->peer_rtcp), ==, 77);
	mem_deref(o);
}

/* --- later offers --- */

#define RUNNING HEAD AUDIO "m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rec=journal\r\n"
#define LATER(lines) HEAD AUDIO lines

static const struct { const char *name, *offer; bool on, same; } later[] = {
	{"the same again", RUNNING, true, true},
	{"no way any more", RUNNING "a=inactive\r\n", true, false},
	{"another port", LATER("m=application 6 RTP/AVP 98\r\n" OSC("98")), true, false},
	{"another clock", LATER("m=application 4 RTP/AVP 98\r\na=rtpmap:98 osc/44100\r\n"), false, false},
	{"another clock or the one there is", LATER("m=application 4 RTP/AVP 99 98\r\na=rtpmap:99 osc/44100\r\n" OSC("98")), true, true},
	{"another rec", LATER("m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rec=none\r\n"), false, false},
	{"another rec or the one there is", LATER("m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rec=none,journal\r\n"), true, true},
	{"another profile", LATER("m=application 4 RTP/AVPF 98\r\n" OSC("98")), false, false},
	{"another transport", LATER(UDP), false, false},
	{"off", LATER("m=application 0 RTP/AVP 98\r\n"), false, false},
	{"another rate", LATER("m=application 4 RTP/AVP 98\r\n" OSC("98") "a=fmtp:98 rate=5\r\n"), true, false},
	{"a map", RUNNING "a=osc-map:out /a 0:i:0:1 cc:1:7\r\n", true, false},
};

static void test_later(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(later); i++) {
		struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
		uint8_t before[OFFER_MARK], after[OFFER_MARK] = {0};

		g_test_message("%s", later[i].name);
		g_free(answer_to(o, RUNNING));
		offer_commit(o);
		g_assert_nonnull(offer_gestline(o, GESTLINE_OSC, before));
		g_free(answer_to(o, later[i].offer));
		offer_commit(o);
		g_assert_true((offer_gestline(o, GESTLINE_OSC, after) != NULL) == later[i].on);
		g_assert_true(!memcmp(before, after, sizeof(before)) == later[i].same);
		g_assert_null(line_of(o, GESTLINE_UDP));
		mem_deref(o);
	}
}

/* From MIDI to OSC in one offer: the MIDI line to port 0, an OSC line to a port. */
static void test_switch(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);

	g_free(answer_to(o, HEAD AUDIO MIDI));
	offer_commit(o);
	g_assert_nonnull(line_of(o, GESTLINE_MIDI));
	g_free(answer_to(o, HEAD AUDIO "m=audio 0 RTP/AVP 97\r\nm=application 4 RTP/AVP 98\r\n" OSC("98")));
	offer_commit(o);
	g_assert_null(line_of(o, GESTLINE_MIDI));
	g_assert_nonnull(line_of(o, GESTLINE_OSC));
	mem_deref(o);
}

static void test_framing(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	char *text;

	g_free(answer_to(o, HEAD TCP "a=fmtp:osc framing=size,slip\r\n"));
	offer_commit(o);
	text = answer_to(o, HEAD TCP "a=fmtp:osc framing=slip,size\r\na=connection:existing\r\n");
	g_assert_nonnull(strstr(text, "framing=size"));
	g_assert_nonnull(strstr(text, "a=connection:existing"));
	offer_commit(o);
	g_assert_false(line_of(o, GESTLINE_TCP)->renew);
	g_free(text);
	g_free(answer_to(o, HEAD TCP "a=fmtp:osc framing=slip,size\r\na=connection:new\r\n"));
	offer_commit(o);
	g_assert_true(line_of(o, GESTLINE_TCP)->renew);
	mem_deref(o);
}

static void test_claims(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	char *text;

	desk.grant = 2;
	text = answer_to(o, HEAD UDP "a=osc-view:flat\r\na=osc-own:/a/*\r\na=osc-own:/b/*\r\n");
	g_assert_nonnull(strstr(text, "a=osc-view:flat\r\na=osc-own:/b/*\r\na=gest-name"));
	g_free(text);
	offer_commit(o);
	g_assert_nonnull(desk.space);
	/* Refused: what holds is what held. */
	g_free(answer_to(o, HEAD UDP "a=osc-view:flat\r\na=osc-own:/c/*\r\n"));
	g_assert_cmpstr(desk.space->claim[0], ==, "/c/*");
	offer_rollback(o);
	g_assert_cmpstr(desk.space->claim[0], ==, "/a/*");
	/* "A claim ends with ... a re-INVITE without it." */
	g_free(answer_to(o, HEAD UDP "a=osc-view:flat\r\n"));
	offer_commit(o);
	g_assert_null(desk.space);
	mem_deref(o);
	/* Without the flat view nobody claims. */
	o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	g_free(answer_to(o, HEAD UDP "a=osc-own:/a/*\r\n"));
	g_assert_cmpuint(desk.claims, ==, 0);
	mem_deref(o);
}

/* --- our offer, their answer --- */

#define OFFERED "t=0 0\r\na=group:GALT osc midi\r\nm=audio 30000 RTP/AVP 0 "
#define ANSWER HEAD "m=audio 41000 RTP/AVP 0\r\n"
#define NO_OSC "m=application 0 RTP/AVP 98\r\n"
#define YES_OSC "m=application 41010 RTP/AVP 98\r\n" OSC("98")
#define NO_MIDI "m=audio 0 RTP/AVP 97\r\n"
#define YES_MIDI "m=audio 41012 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n"

static const struct { const char *name, *answer; bool osc, midi, again; } accepted[] = {
	{"17.2, only MIDI", ANSWER "a=mid:aud\r\n" NO_OSC "a=mid:osc\r\n" YES_MIDI
		"a=fmtp:97 j_update=closed-loop; rtp_ptime=0; rtp_maxptime=0; guardtime=48000\r\na=mid:midi\r\n", false, true, false},
	{"OSC", ANSWER YES_OSC NO_MIDI, true, false, false},
	{"a phone", ANSWER NO_OSC NO_MIDI, false, false, false},
	{"a phone that leaves them out", ANSWER, false, false, false},
	{"... one of them", ANSWER YES_OSC, true, false, false},
	{"both of a group", ANSWER YES_OSC YES_MIDI, true, true, true},
	{"another payload type", ANSWER "m=application 41010 RTP/AVP 99\r\na=rtpmap:99 osc/48000\r\n" NO_MIDI, false, false, true},
	{"another clock", ANSWER "m=application 41010 RTP/AVP 98\r\na=rtpmap:98 osc/44100\r\n" NO_MIDI, false, false, true},
	{"a list of rec", ANSWER YES_OSC "a=fmtp:98 rec=journal,none\r\n" NO_MIDI, false, false, true},
	{"rec=none", ANSWER YES_OSC "a=fmtp:98 rec=none\r\n" NO_MIDI, true, false, false},
	{"a list of views", ANSWER YES_OSC "a=osc-view:prefix,flat\r\n" NO_MIDI, false, false, true},
	{"one view", ANSWER YES_OSC "a=osc-view:flat\r\n" NO_MIDI, true, false, false},
	{"sources for one", ANSWER YES_OSC "a=osc-view:source\r\n" NO_MIDI, false, false, true},
	{"another profile", ANSWER "m=application 41010 RTP/AVPF 98\r\n" OSC("98") NO_MIDI, false, false, true},
	{"a parameter twice", ANSWER YES_OSC "a=fmtp:98 red=1;red=1\r\n" NO_MIDI, false, false, true},
	{"MIDI that may lose", ANSWER NO_OSC YES_MIDI "a=fmtp:97 j_sec=none\r\n", false, false, true},
	{"mpeg4-generic", ANSWER NO_OSC "m=audio 41012 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000\r\na=fmtp:97 mode=rtp-midi\r\n", false, false, true},
};

static void test_accepted(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(accepted); i++) {
		struct offer *o = make(0, OSC_AND_MIDI, OFFER_SRTP_OPTIONAL);
		char *text = our_offer(o);

		g_test_message("%s", accepted[i].name);
		g_assert_true(g_str_has_prefix(text, OFFERED));
		g_assert_nonnull(strstr(text, "a=fmtp:97 j_update=closed-loop; rtp_ptime=0; rtp_maxptime=0; guardtime=48000\r\n"));
		g_assert_nonnull(strstr(text, "rec=journal,none;"));
		g_assert_nonnull(strstr(text, "a=osc-view:prefix,source,flat\r\n"));
		g_free(text);
		accept_answer(o, accepted[i].answer);
		g_assert_true((line_of(o, GESTLINE_OSC) != NULL) == accepted[i].osc);
		g_assert_true((line_of(o, GESTLINE_MIDI) != NULL) == accepted[i].midi);
		g_assert_true(offer_wants_again(o) == accepted[i].again);
		/* Of two that were accepted only the first is sent to, and both are listened to. */
		if (accepted[i].osc && accepted[i].midi) {
			g_assert_cmpuint(line_of(o, GESTLINE_OSC)->dir, ==, LEG_DIR_BOTH);
			g_assert_cmpuint(line_of(o, GESTLINE_MIDI)->dir, ==, LEG_DIR_RECV);
		}
		text = our_offer(o);
		g_assert_true((strstr(text, "m=application 30010") != NULL) == accepted[i].osc);
		g_assert_true((strstr(text, "m=audio 30008") != NULL) == (accepted[i].midi && !accepted[i].osc));
		g_free(text);
		mem_deref(o);
	}
}

/* What runs is offered again as it runs, and an answer that agrees changes nothing. */
static void test_again(void)
{
	struct offer *o = make(0, OSC_AND_MIDI, OFFER_SRTP_OPTIONAL);
	uint8_t before[OFFER_MARK], after[OFFER_MARK];
	char *text;

	g_free(our_offer(o));
	accept_answer(o, ANSWER YES_OSC "a=fmtp:98 rec=none\r\n" NO_MIDI);
	g_assert_nonnull(offer_gestline(o, GESTLINE_OSC, before));
	text = our_offer(o);
	g_assert_nonnull(strstr(text, "rec=none;"));
	g_assert_null(strstr(text, "journal"));
	g_assert_nonnull(strstr(text, "a=osc-view:prefix\r\n"));
	g_free(text);
	accept_answer(o, ANSWER YES_OSC "a=fmtp:98 rec=none\r\n" NO_MIDI);
	g_assert_nonnull(offer_gestline(o, GESTLINE_OSC, after));
	g_assert_cmpmem(before, OFFER_MARK, after, OFFER_MARK);
	mem_deref(o);
}

static void test_streams_offered(void)
{
	struct offer *o = make(0, 1 << GESTLINE_TLS | 1 << GESTLINE_UDP, OFFER_SRTP_OPTIONAL);
	char *text = our_offer(o);

	g_assert_nonnull(strstr(text, "a=group:GALT osc-tls osc-udp\r\n"));
	g_assert_nonnull(strstr(text, "framing=slip,size; rate"));
	g_assert_nonnull(strstr(text, "a=setup:passive\r\na=connection:new\r\na=fingerprint:" OURPRINT "\r\n"));
	g_free(text);
	/* "framing: REQUIRED in the answer" */
	accept_answer(o, ANSWER TLS "a=setup:active\r\na=fingerprint:" PRINT "\r\nm=application 0 UDP/OSC osc\r\n");
	g_assert_null(line_of(o, GESTLINE_TLS));
	g_assert_true(offer_wants_again(o));
	mem_deref(o);
	o = make(0, 1 << GESTLINE_TLS, OFFER_SRTP_OPTIONAL);
	g_free(our_offer(o));
	accept_answer(o, ANSWER TLS "a=fmtp:osc framing=size\r\na=setup:active\r\na=fingerprint:" PRINT "\r\n");
	g_assert_cmpint(line_of(o, GESTLINE_TLS)->framing, ==, GESTLINE_SIZE);
	g_assert_cmpstr(line_of(o, GESTLINE_TLS)->fingerprint, ==, PRINT);
	mem_deref(o);
}

/* Without a port for gestures the call is made all the same. */
static void test_no_port(void)
{
	struct offer *o = make(0, OSC_AND_MIDI, OFFER_SRTP_OPTIONAL);
	char *text;

	desk.full = true;
	text = our_offer(o);
	g_assert_nonnull(strstr(text, "m=application 0 RTP/AVP 98\r\na=mid:osc\r\n"));
	g_free(text);
	accept_answer(o, ANSWER NO_OSC NO_MIDI);
	mem_deref(o);
}

/* --- descriptions of the RFCs --- */

static void answer_foreign(const char *name, const char *body)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	struct mbuf *mb = NULL;
	const char *why = NULL;
	int err = offer_answer(o, &mb, &why, body, strlen(body));

	if (err)
		g_test_message("%s: %s", name, why);
	g_assert_true(!err || (err != ENOMEM && why));
	mem_deref(mb);
	mem_deref(o);
}

static void test_foreign(void)
{
	g_autofree char *dir = path_of("sdp");
	GDir *d = g_dir_open(dir, 0, NULL);
	unsigned n = 0;

	if (!d) {
		g_test_skip("no gesture vectors beside the checkout (TUTTI_VECTORS names their folder)");
		return;
	}
	for (const char *name; (name = g_dir_read_name(d)) != NULL;) {
		g_autofree char *path = g_build_filename(dir, name, NULL), *text = NULL;
		gchar **part;

		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		part = g_strsplit(text, "\n\n", 0);
		for (unsigned i = 0; part[i]; i++, n++)
			answer_foreign(name, part[i]);
		g_strfreev(part);
	}
	g_dir_close(d);
	g_assert_cmpuint(n, >, 20);
}

/* RFC 6295 C.7.2, the second party's answer turned into an offer: render=null for the renderers we do not repeat. */
static void test_rfc6295(void)
{
	struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
	g_autofree char *text = answer_to(o, HEAD "m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 mpeg4-generic/44100\r\n"
		"a=fmtp:96 streamtype=5; mode=rtp-midi; config=\"\"; profile-level-id=12; cm_unused=ABCFGHJKMNPQTVWXYZ; cm_used=2NPTW; "
		"cm_default=X0-16; rtp_ptime=0; rtp_maxptime=0; guardtime=44100; render=synthetic; rinit=audio/asc; inline=\"egoA\"\r\n");

	g_assert_nonnull(strstr(text, "a=fmtp:96 guardtime=44100; rtp_ptime=0; rtp_maxptime=0; streamtype=5; mode=rtp-midi; profile-level-id=12; "
		"config=\"\"; cm_unused=ABCFGHJKMNPQTVWXYZ; cm_used=2NPTW; render=synthetic; rinit=audio/asc; inline=\"egoA\"\r\n"));
	offer_commit(o);
	g_assert_true(line_of(o, GESTLINE_MIDI)->always_marked);
	g_assert_nonnull(line_of(o, GESTLINE_MIDI)->subset);
	g_assert_cmpuint(line_of(o, GESTLINE_MIDI)->guard_us, ==, 1000000);
	mem_deref(o);
}

/* --- cost --- */

/* What hostile SDP may cost: as in test-offer.c, where a millisecond is promised. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COST_NS = 60000000 };
#else
enum { COST_NS = 3000000 };
#endif

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void measure(const char *name, GString *body)
{
	uint64_t best = UINT64_MAX;

	for (unsigned n = 0; n < 5; n++) {
		struct offer *o = make(ALL, 0, OFFER_SRTP_OPTIONAL);
		struct mbuf *mb = NULL;
		const char *why;
		uint64_t start = cpu_ns();

		(void)offer_answer(o, &mb, &why, body->str, body->len);
		best = MIN(best, cpu_ns() - start);
		mem_deref(mb);
		mem_deref(o);
	}
	g_test_message("%s (%zu bytes): %u us", name, body->len, (unsigned)(best / 1000));
	g_assert_cmpuint(best, <, COST_NS);
	g_string_free(body, TRUE);
}

static GString *many(const char *head, const char *line, unsigned n, const char *tail)
{
	GString *s = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append(s, line);
	return g_string_append(s, tail);
}

/* Lines of 64 formats, each of which looks well until its parameters are read. */
static GString *worst(unsigned n_lines, const char *media, const char *encoding, const char *params)
{
	GString *s = g_string_new(HEAD);

	for (unsigned n = 0; n < n_lines; n++) {
		g_string_append(s, media);
		for (unsigned i = 64; i < 127; i++)
			g_string_append_printf(s, " %u", i);
		g_string_append(s, "\r\n");
		for (unsigned i = 64; i < 127; i++)
			g_string_append_printf(s, "a=rtpmap:%u %s/48000\r\na=fmtp:%u %s\r\n", i, encoding, i, params);
	}
	return s;
}

static void test_cost(void)
{
	measure("a group of many words", many(HEAD "a=group:GALT", " x", 20000, "\r\n" UDP "a=mid:y\r\n"));
	measure("many groups", many(HEAD, "a=group:GALT 1 2 3 4 5 6 7 8 9\r\n", 400, UDP "a=mid:9\r\n"));
	measure("64 lines of one group", many(HEAD "a=group:FID 1 2 3\r\na=group:GALT 1 2 3\r\n",
		"m=audio 4 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=1\r\na=mid:1\r\n", 64, ""));
	measure("64 lines with a space", many(HEAD, UDP "a=osc-space:send /a ,i\r\na=osc-view:tilted\r\n", 64, ""));
	measure("512 claims of one", many(HEAD UDP "a=osc-view:flat\r\n", "a=osc-own:/a/?/*/[a-z]/{b,c}\r\n", 500, ""));
	measure("parameters that are refused last", worst(9, "m=application 4 RTP/AVP 63", "osc", "version=1.1; types=ifsb; max=1200; red=2; red=2"));
	measure("... of MIDI", worst(8, "m=audio 4 RTP/AVP 64", "rtp-midi", "cm_unused=ABC; cm_used=__7F_00-7F_01_01__; j_sec=none"));
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/offergest/answers", test_answers);
	g_test_add_func("/offergest/opens", test_opens);
	g_test_add_func("/offergest/required", test_required);
	g_test_add_func("/offergest/limits", test_limits);
	g_test_add_func("/offergest/values", test_values);
	g_test_add_func("/offergest/pair", test_pair);
	g_test_add_func("/offergest/keys", test_keys);
	g_test_add_func("/offergest/later", test_later);
	g_test_add_func("/offergest/switch", test_switch);
	g_test_add_func("/offergest/framing", test_framing);
	g_test_add_func("/offergest/claims", test_claims);
	g_test_add_func("/offergest/accepted", test_accepted);
	g_test_add_func("/offergest/again", test_again);
	g_test_add_func("/offergest/streams", test_streams_offered);
	g_test_add_func("/offergest/no-port", test_no_port);
	g_test_add_func("/offergest/cost", test_cost);
	g_test_add_func("/offergest/foreign", test_foreign);
	g_test_add_func("/offergest/rfc6295", test_rfc6295);
	return g_test_run();
}
