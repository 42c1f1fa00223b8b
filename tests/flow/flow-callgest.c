/*
 * flow-callgest.c - calls with gestures as ladders: who is called what, who hears whose gestures, and who does not yet.
 *
 * The house is whole (house.h), the relay has a wire instead of sockets: what it sends is kept for the phone whose port it went to.
 */
#include <glib.h>
#include <string.h>
#include "osc/osc.h"
#include "osc/relay.h"
#include "tests/lib/house.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define KINDS "[gesture]\nkinds = midi osc udp tcp tls\n"

/* --- a wire --- */

enum { HEARD = 64, ADDR_ROOM = 256, PORT_BASE = 30000, N_PORTS = 6000 };

struct heard { uint16_t port; char addr[ADDR_ROOM]; };

static struct house house;
static struct relay *relay;
static struct heard heard[HEARD];
static unsigned rtp[N_PORTS];         /* packets of RTP or RTCP to each port */
static unsigned n_heard;
static int n_handles;

static uint64_t now_us(void)
{
	return 1000000 + sim_now_ms() * 1000;
}

static int wire_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	(void)kind;
	(void)rtcp;
	(void)arg;
	*handle = n_handles++;
	return sa_set_str(local, "127.0.0.1", (uint16_t)(PORT_BASE + *handle));
}

static void wire_close(int handle, void *arg)
{
	(void)handle;
	(void)arg;
}

/* Every message of what comes, bundles taken apart. */
static void wire_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	struct osc_msg msg;

	(void)handle;
	(void)arg;
	if (len > 1 && buf[0] >> 6 == 2 && sa_port(to) < N_PORTS)
		rtp[sa_port(to)]++;
	if (n_heard == HEARD || osc_msg_read(&msg, buf, len))
		return;
	heard[n_heard].port = sa_port(to);
	g_strlcpy(heard[n_heard].addr, msg.addr, sizeof(heard[n_heard].addr));
	n_heard++;
}

static const struct relay_wire wire = {.open = wire_open, .close = wire_close, .send = wire_send};

static void turn(void)
{
	for (int i = 0; i < 4; i++) {
		sim_advance(10);
		house_turn(&house);
		(void)relay_turn(relay, now_us());
	}
}

static void opens(const char *ini)
{
	const struct relay_conf conf = {.port_min = PORT_BASE, .port_max = PORT_BASE + 100, .rate = 2000, .sysex_max = 256,
					.leave_keep_ms = 30000, .silence_ms = 60000, .wire = &wire};

	house_open(&house, ini ? ini : KINDS);
	n_handles = 0;
	n_heard = 0;
	g_assert_cmpint(relay_alloc(&relay, &conf), ==, 0);
	g_assert_cmpint(focus_gestures(house.focus, relay), ==, 0);
}

static void closes(void)
{
	struct relay *r = relay;

	turn();
	house.focus = mem_deref(house.focus);
	(void)relay_turn(r, now_us());
	relay = mem_deref(r);
	house_close(&house);
}

/* --- words of the ladders --- */

struct phone { struct ua *ua; uint16_t port; int handle; };

static const char *sdp(uint16_t port, const char *lines)
{
	static char text[4096];

	g_snprintf(text, sizeof(text), HEAD "m=audio 4000 RTP/AVP 0\r\nm=application %u UDP/OSC osc\r\n%s", port, lines);
	return text;
}

static void calls(struct phone *p, const char *room, uint16_t port, const char *lines)
{
	p->port = port;
	g_assert_cmpint(ua_alloc(&p->ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(p->ua->to, sizeof(p->ua->to), "sip:%s@%J", room, &house.udp);
	ua_request(p->ua, "INVITE", NULL, sdp(port, lines));
	ua_expect(p->ua, "SIP/2.0 200");
	p->handle = ua_has(p->ua, "m=application 0 ") ? -1 :
		(int)g_ascii_strtoull(strstr(ua_body(p->ua), "m=application ") + 14, NULL, 10) - PORT_BASE;
	ua_ack(p->ua, NULL);
	turn();
}

static void hangs_up(struct phone *p)
{
	ua_request(p->ua, "BYE", NULL, NULL);
	ua_expect(p->ua, "SIP/2.0 200");
	p->ua = mem_deref(p->ua);
	turn();
}

static void plays(const struct phone *p, const char *addr, int32_t value)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[512];
	struct sa from;
	size_t len;

	(void)sa_set_str(&from, "127.0.0.1", p->port);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	relay_wire_recv(relay, p->handle, &from, buf, len, now_us());
	turn();
}

static bool hears(const struct phone *p, const char *addr)
{
	for (unsigned i = 0; i < n_heard; i++)
		if (heard[i].port == p->port && !strcmp(heard[i].addr, addr))
			return true;
	return false;
}

static void forget(void)
{
	n_heard = 0;
}

/* A datagram from the party opens a line over UDP; then it is told who is there. */
static void wakes(const struct phone *p)
{
	plays(p, "/awake", 1);
	forget();
}

static uint32_t member(const char *room, size_t i)
{
	struct snapshot *s = house_room(&house, room);
	uint32_t id;

	g_assert_nonnull(s);
	g_assert_cmpuint(s->n_members, >, i);
	id = s->member[i].id;
	mem_deref(s);
	return id;
}

static void shows(const char *room, size_t i, const char *name, const char *kinds, uint32_t id)
{
	struct snapshot_players *p;

	g_assert_cmpint(snapshot_players(&p, house.control, room), ==, 0);
	g_assert_cmpuint(p->n, >, i);
	g_assert_cmpstr(p->player[i].name, ==, name);
	g_assert_cmpstr(p->player[i].kinds, ==, kinds);
	g_assert_cmpuint(p->player[i].member, ==, id);
	mem_deref(p);
}

/* --- ladders --- */

static void test_two_play(void)
{
	struct phone anna, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	g_assert_true(ua_has(anna.ua, "a=gest-name:anna"));
	calls(&bob, "band", 5002, "a=gest-name:anna\r\n");
	g_assert_true(ua_has(bob.ua, "a=gest-name:anna-2"));
	wakes(&anna);
	wakes(&bob);

	plays(&anna, "/synth/gain", 7);
	g_assert_true(hears(&bob, "/p/anna/synth/gain"));
	g_assert_false(hears(&anna, "/p/anna/synth/gain"));
	plays(&bob, "/key", 3);
	g_assert_true(hears(&anna, "/p/anna-2/key"));
	shows("band", 0, "anna", "udp", member("band", 0));
	shows("band", 1, "anna-2", "udp", member("band", 1));

	hangs_up(&bob);
	g_assert_true(hears(&anna, "/_gest/leave"));
	forget();
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	g_assert_true(ua_has(bob.ua, "a=gest-name:bob"));
	hangs_up(&bob);
	hangs_up(&anna);
	closes();
}

/* An ordinary phone sees nothing of it. */
static void test_phone(void)
{
	struct phone anna;
	struct ua *ua = NULL;

	opens(NULL);
	calls(&anna, "band", 5000, "");
	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(ua->to, sizeof(ua->to), "sip:band@%J", &house.udp);
	ua_request(ua, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ua, "SIP/2.0 200");
	g_assert_false(ua_has(ua, "m=application"));
	g_assert_false(ua_has(ua, "gest-"));
	g_assert_false(ua_has(ua, "group:"));
	ua_ack(ua, NULL);
	turn();
	ua_request(ua, "BYE", NULL, NULL);
	ua_expect(ua, "SIP/2.0 200");
	mem_deref(ua);
	hangs_up(&anna);
	closes();
}

/* Gestures without sound: a call that lasts. */
static void test_no_sound(void)
{
	struct phone anna = {.port = 5000};

	opens(NULL);
	g_assert_cmpint(ua_alloc(&anna.ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(anna.ua->to, sizeof(anna.ua->to), "sip:band@%J", &house.udp);
	ua_request(anna.ua, "INVITE", NULL, HEAD "m=application 5000 UDP/OSC osc\r\n");
	ua_expect(anna.ua, "SIP/2.0 200");
	ua_ack(anna.ua, NULL);
	for (int i = 0; i < 300; i++) {
		sim_advance(1000);
		house_turn(&house);
	}
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	hangs_up(&anna);
	closes();
}

static void test_hold(void)
{
	struct phone anna, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	wakes(&anna);
	wakes(&bob);
	ua_request(bob.ua, "INVITE", NULL, sdp(5002, "a=inactive\r\n"));
	ua_expect(bob.ua, "SIP/2.0 200");
	ua_ack(bob.ua, NULL);
	turn();
	forget();
	plays(&anna, "/a", 1);
	plays(&bob, "/b", 1);
	g_assert_false(hears(&bob, "/p/anna/a"));
	g_assert_false(hears(&anna, "/p/bob/b"));
	/* Back: it is told what it missed. */
	ua_request(bob.ua, "INVITE", NULL, sdp(5002, ""));
	ua_expect(bob.ua, "SIP/2.0 200");
	ua_ack(bob.ua, NULL);
	turn();
	wakes(&bob);
	plays(&anna, "/a", 2);
	g_assert_true(hears(&bob, "/p/anna/a"));
	hangs_up(&bob);
	hangs_up(&anna);
	closes();
}

/* A line that is taken away, and the same description again: nothing is disturbed. */
static void test_later(void)
{
	struct phone anna, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	wakes(&anna);
	wakes(&bob);
	ua_request(bob.ua, "INVITE", NULL, sdp(5002, "a=gest-name:bob\r\n"));
	ua_expect(bob.ua, "SIP/2.0 200");
	ua_ack(bob.ua, NULL);
	turn();
	g_assert_false(hears(&bob, "/_gest/snapshot/begin"));
	ua_request(bob.ua, "INVITE", NULL, sdp(0, ""));
	ua_expect(bob.ua, "SIP/2.0 200");
	ua_ack(bob.ua, NULL);
	turn();
	g_assert_true(hears(&anna, "/_gest/leave"));
	forget();
	plays(&anna, "/a", 2);
	g_assert_false(hears(&bob, "/p/anna/a"));
	hangs_up(&bob);
	hangs_up(&anna);
	closes();
}

static void runs(const struct command *cmd)
{
	const struct actor system = {.kind = ACTOR_SYSTEM};

	g_assert_cmpint(control_run(house.control, &system, cmd, NULL), ==, 0);
	turn();
}

/* The name of who wishes none is made of its address, but not where addresses are hidden. */
static void test_name(void)
{
	const struct setting hide = {"hide-numbers", "on"};
	struct phone anna, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "");
	g_assert_true(ua_has(anna.ua, "a=gest-name:ua\r\n"));
	runs(&(struct command){.verb = VERB_CHANGE, .room = "band", .settings = &hide, .n_settings = 1});
	calls(&bob, "band", 5002, "");
	g_assert_true(ua_has(bob.ua, "a=gest-name:player\r\n"));
	hangs_up(&bob);
	hangs_up(&anna);
	closes();
}

/* Who waits to be let in is not heard and does not hear. */
static void test_lobby(void)
{
	const struct setting lobby = {"lobby", "on"};
	struct phone anna, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	wakes(&anna);
	runs(&(struct command){.verb = VERB_CHANGE, .room = "band", .settings = &lobby, .n_settings = 1});
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	g_assert_true(ua_has(bob.ua, "a=gest-name:bob"));
	forget();
	plays(&bob, "/b", 1);
	plays(&anna, "/a", 1);
	g_assert_false(hears(&anna, "/p/bob/b"));
	g_assert_false(hears(&anna, "/_gest/join"));
	g_assert_false(hears(&bob, "/p/anna/a"));
	runs(&(struct command){.verb = VERB_ADMIT, .member = member("band", 1)});
	wakes(&bob);
	plays(&bob, "/b", 2);
	plays(&anna, "/a", 2);
	g_assert_true(hears(&anna, "/p/bob/b"));
	g_assert_true(hears(&bob, "/p/anna/a"));
	hangs_up(&bob);
	hangs_up(&anna);
	closes();
}

/* To another room, where somebody has the name: told by an offer of ours. */
static void test_move(void)
{
	struct phone anna, other, bob;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	calls(&other, "choir", 5004, "a=gest-name:anna\r\n");
	wakes(&anna);
	wakes(&bob);
	wakes(&other);
	runs(&(struct command){.verb = VERB_MOVE, .member = member("band", 0), .room = "choir"});
	ua_expect(anna.ua, "INVITE ");
	g_assert_true(strstr(anna.ua->req, "a=gest-name:anna-2\r\n") != NULL);
	ua_reply(anna.ua, 200, "OK", NULL, HEAD "m=audio 4000 RTP/AVP 0\r\nm=application 5000 UDP/OSC osc\r\n");
	ua_expect(anna.ua, "ACK ");
	turn();
	forget();
	plays(&anna, "/a", 1);
	g_assert_true(hears(&other, "/p/anna-2/a"));
	g_assert_false(hears(&bob, "/p/anna/a"));
	g_assert_false(hears(&bob, "/p/anna-2/a"));
	hangs_up(&bob);
	hangs_up(&other);
	hangs_up(&anna);
	closes();
}

/* RFC 6295 C.5: one line to play on, one to hear on; together a player. Reports go to both. */
static void test_pair(void)
{
	static const uint8_t note[] = {0x80, 0xe1, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 0x03, 0x90, 0x3c, 0x64};
	struct phone anna = {.port = 5010}, bob;
	struct sa from;

	opens(NULL);
	memset(rtp, 0, sizeof(rtp));
	calls(&bob, "band", 5002, "a=gest-name:bob\r\n");
	wakes(&bob);
	g_assert_cmpint(ua_alloc(&anna.ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(anna.ua->to, sizeof(anna.ua->to), "sip:band@%J", &house.udp);
	ua_request(anna.ua, "INVITE", NULL, HEAD "a=group:FID 1 2\r\na=gest-name:anna\r\n"
		"m=audio 5010 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=1\r\na=sendonly\r\na=mid:1\r\n"
		"m=audio 5012 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\na=fmtp:97 musicport=1\r\na=recvonly\r\na=mid:2\r\n");
	ua_expect(anna.ua, "SIP/2.0 200");
	g_assert_true(ua_has(anna.ua, "a=group:FID 1 2\r\n"));
	anna.handle = (int)g_ascii_strtoull(strstr(ua_body(anna.ua), "m=audio ") + 8, NULL, 10) - PORT_BASE;
	ua_ack(anna.ua, NULL);
	turn();
	(void)sa_set_str(&from, "127.0.0.1", 5012);
	relay_wire_recv(relay, anna.handle, &from, note, sizeof(note), now_us());
	turn();
	g_assert_false(hears(&bob, "/p/anna/midi/1/note/60"));
	(void)sa_set_str(&from, "127.0.0.1", 5010);
	relay_wire_recv(relay, anna.handle, &from, note, sizeof(note), now_us());
	for (int i = 0; i < 20; i++)
		turn();
	g_assert_true(hears(&bob, "/p/anna/midi/1/note/60"));
	g_assert_cmpuint(rtp[5010], ==, 0);
	g_assert_cmpuint(rtp[5011], >, 0);
	rtp[5012] = 0;
	plays(&bob, "/midi/1/note/62", 80);
	g_assert_cmpuint(rtp[5012], >, 0);
	g_assert_cmpuint(rtp[5013], >, 0);
	hangs_up(&anna);
	hangs_up(&bob);
	closes();
}

/* A call that is refused, and one whose gestures are off. */
static void test_refused(void)
{
	struct phone anna;
	struct ua *ua = NULL;

	opens(NULL);
	calls(&anna, "band", 5000, "a=gest-name:anna\r\n");
	wakes(&anna);
	runs(&(struct command){.verb = VERB_LOCK, .room = "band", .on = true});
	forget();
	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(ua->to, sizeof(ua->to), "sip:band@%J", &house.udp);
	ua_request(ua, "INVITE", NULL, sdp(5002, "a=gest-name:mallory\r\n"));
	ua_expect(ua, "SIP/2.0 4");
	ua_ack_failed(ua);
	mem_deref(ua);
	turn();
	g_assert_cmpuint(n_heard, ==, 0);
	hangs_up(&anna);
	closes();

	opens("[gesture]\nkinds = no\n");
	calls(&anna, "band", 5000, "");
	g_assert_cmpint(anna.handle, ==, -1);
	hangs_up(&anna);
	closes();
}

/* We call, and offer: an ordinary phone has an ordinary call. */
static void test_dial(void)
{
	struct ua *ua = NULL;
	char uri[128];

	opens("[gesture]\nkinds = udp\noffer = udp\n[dial]\nallow = sip:*@127.0.0.1*\n");
	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(uri, sizeof(uri), "sip:bob@%J", &ua->me);
	runs(&(struct command){.verb = VERB_CREATE, .room = "band"});
	runs(&(struct command){.verb = VERB_DIAL, .room = "band", .uri = uri});
	ua_expect(ua, "INVITE ");
	g_assert_true(strstr(ua->req, "a=group:GALT osc-udp\r\n") && strstr(ua->req, " UDP/OSC osc\r\n"));
	g_assert_true(strstr(ua->req, "a=gest-name:bob\r\n") != NULL);
	ua_reply(ua, 200, "OK", NULL, HEAD "m=audio 4000 RTP/AVP 0\r\nm=application 0 UDP/OSC osc\r\n");
	ua_expect(ua, "ACK ");
	turn();
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	ua_request(ua, "BYE", NULL, NULL);
	ua_expect(ua, "SIP/2.0 200");
	mem_deref(ua);
	turn();
	closes();
}

/* It takes both of our alternatives: sent to on the first, and asked again with the other off. */
static void test_dial_both(void)
{
	struct ua *ua = NULL;
	char uri[128];

	opens("[gesture]\noffer = osc midi\n[dial]\nallow = sip:*@127.0.0.1*\n");
	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	(void)re_snprintf(uri, sizeof(uri), "sip:bob@%J", &ua->me);
	runs(&(struct command){.verb = VERB_CREATE, .room = "band"});
	runs(&(struct command){.verb = VERB_DIAL, .room = "band", .uri = uri});
	ua_expect(ua, "INVITE ");
	g_assert_true(strstr(ua->req, "a=group:GALT osc midi\r\n") != NULL);
	ua_reply(ua, 200, "OK", NULL, HEAD "m=audio 4000 RTP/AVP 0\r\nm=application 5020 RTP/AVP 98\r\na=rtpmap:98 osc/48000\r\n"
		"m=audio 5022 RTP/AVP 97\r\na=rtpmap:97 rtp-midi/48000\r\n");
	ua_expect(ua, "ACK ");
	ua_expect(ua, "INVITE ");
	g_assert_true(strstr(ua->req, "a=group:GALT osc\r\n") && strstr(ua->req, "m=audio 0 RTP/AVP 97\r\n"));
	ua_reply(ua, 200, "OK", NULL, HEAD "m=audio 4000 RTP/AVP 0\r\nm=application 5020 RTP/AVP 98\r\na=rtpmap:98 osc/48000\r\n"
		"m=audio 0 RTP/AVP 97\r\n");
	ua_expect(ua, "ACK ");
	turn();
	shows("band", 0, "bob", "osc", member("band", 0));
	ua_expect_none(ua, 2000);
	ua_request(ua, "BYE", NULL, NULL);
	ua_expect(ua, "SIP/2.0 200");
	mem_deref(ua);
	turn();
	closes();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/callgest/two-play", test_two_play);
	g_test_add_func("/callgest/phone", test_phone);
	g_test_add_func("/callgest/no-sound", test_no_sound);
	g_test_add_func("/callgest/hold", test_hold);
	g_test_add_func("/callgest/later", test_later);
	g_test_add_func("/callgest/name", test_name);
	g_test_add_func("/callgest/lobby", test_lobby);
	g_test_add_func("/callgest/move", test_move);
	g_test_add_func("/callgest/pair", test_pair);
	g_test_add_func("/callgest/refused", test_refused);
	g_test_add_func("/callgest/dial", test_dial);
	g_test_add_func("/callgest/dial-both", test_dial_both);
	return g_test_run();
}
