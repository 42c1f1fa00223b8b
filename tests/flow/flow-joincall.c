/*
 * flow-joincall.c - a musician's seat as ladders: how it calls, what it gives up for, how it comes back, and two of them without a server.
 *
 * Against a house (house.h), a phone of raw text (ua.h), or each other. Engines are turned by hand, 5 ms at a time; relays have a wire
 * instead of sockets: what one sends is handed to whoever has that port.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "client/joincall.h"
#include "control/control.h"
#include "mixer/card.h"
#include "osc/osc.h"
#include "server/offer.h"
#include "tests/lib/house.h"
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

enum { ENDS = 3, PORT_BASE = 30000, PORTS = 400, STEP_MS = 5, STEP_SMP = 240, SECOND = 48000, SAYS = 64 };

#define OPEN "[media]\nmax-load = 100\n"

/* --- a wire for gestures --- */

static struct { struct relay *relay; int handle; } plugs[PORTS];
static unsigned n_plugs;

static uint64_t now_us(void)
{
	return 1000000 + sim_now_ms() * 1000;
}

static int wire_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	struct relay **owner = arg;

	(void)kind;
	(void)rtcp;
	g_assert_cmpuint(n_plugs, <, PORTS);
	*handle = (int)n_plugs;
	plugs[n_plugs].relay  = *owner;
	plugs[n_plugs].handle = *handle;
	return sa_set_str(local, "127.0.0.1", (uint16_t)(PORT_BASE + n_plugs++));
}

static void wire_close(int handle, void *arg)
{
	(void)arg;
	plugs[handle].relay = NULL;
}

static void wire_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	unsigned i = sa_port(to) - PORT_BASE;
	struct sa from;

	(void)arg;
	(void)sa_set_str(&from, "127.0.0.1", (uint16_t)(PORT_BASE + handle));
	if (i < n_plugs && plugs[i].relay)
		relay_wire_recv(plugs[i].relay, (int)i, &from, buf, len, now_us());
}

/* --- ends --- */

struct end {
	struct mixer *mixer;
	struct bus *bus;
	struct card *card;
	struct relay *relay;
	struct ensemble *ensemble;
	struct joincall *call;
	struct relay_wire wire;
	enum joincall_state told[SAYS];
	uint64_t told_ms[SAYS];
	unsigned n_told;
	char why[128], heard[64];
	float out[2 * SECOND];            /* what the card played, left */
	size_t n_out, n_in;
	double hz;                        /* what it takes; 0: silence */
};

static struct end ends[ENDS];
static struct house house;
static bool housed, house_stands;        /* stands: nobody turns its engine */

static void call_handler(enum joincall_state st, const char *why, void *arg)
{
	struct end *e = arg;

	g_assert_cmpuint(e->n_told, <, SAYS);
	e->told_ms[e->n_told] = sim_now_ms();
	e->told[e->n_told++] = st;
	if (why[0])
		g_strlcpy(e->why, why, sizeof(e->why));
}

static bool gest_handler(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	struct end *e = arg;

	(void)midi;
	if (msg)
		g_strlcpy(e->heard, msg->addr, sizeof(e->heard));
	return true;
}

static struct joincall_conf conf_of(struct end *e)
{
	return (struct joincall_conf){
		.listen = "", .name = "Anna", .channels = 2, .ptime_us = 1333, .srtp = OFFER_SRTP_OPTIONAL, .gestures = true, .mixer = e->mixer,
		.bus = e->bus, .relay = e->relay, .ensemble = e->ensemble, .gesth = gest_handler, .gest_arg = e, .jitter_ms = 5,
	};
}

static void relay_open(struct end *e)
{
	struct relay_conf rc = {.port_min = PORT_BASE, .port_max = PORT_BASE + PORTS, .rate = 5000, .leave_keep_ms = 30000, .silence_ms = 60000};

	e->wire = (struct relay_wire){.open = wire_open, .close = wire_close, .send = wire_send, .arg = &e->relay};
	rc.wire = &e->wire;
	g_assert_cmpint(relay_alloc(&e->relay, &rc), ==, 0);
	g_assert_cmpint(ensemble_get(&e->ensemble, e->relay, "here"), ==, 0);
}

static struct end *end_open(unsigned i)
{
	static const struct mixer_conf mc = {.port_min = 30000, .port_max = 33999};
	static const struct bus_conf bc = {.music = true};
	static const struct card_conf cc = {.period_smp = STEP_SMP};
	struct end *e = &ends[i];

	memset(e, 0, sizeof(*e));
	g_assert_cmpint(mixer_alloc(&e->mixer, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&e->bus, e->mixer, &bc), ==, 0);
	g_assert_cmpint(card_alloc(&e->card, e->bus, &cc), ==, 0);
	relay_open(e);
	return e;
}

static void card_turn(struct end *e)
{
	float in[2 * STEP_SMP], out[2 * STEP_SMP], mono[STEP_SMP];

	signal_sine(mono, STEP_SMP, e->n_in, SECOND, e->hz, e->hz > 0 ? 0.25 : 0);
	for (unsigned i = 0; i < STEP_SMP; i++)
		in[2 * i] = in[2 * i + 1] = mono[i];
	card_turn_rt(e->card, in, out, STEP_SMP, now_us());
	e->n_in += STEP_SMP;
	for (unsigned i = 0; i < STEP_SMP && e->n_out < G_N_ELEMENTS(e->out); i++)
		e->out[e->n_out++] = out[2 * i];
	mixer_dispatch(e->mixer);
}

static void turn(void)
{
	sim_advance(STEP_MS);
	if (housed && !house_stands)
		house_turn(&house);
	for (unsigned i = 0; i < ENDS; i++) {
		if (!ends[i].mixer)
			continue;
		card_turn(&ends[i]);
		(void)relay_turn(ends[i].relay, now_us());
	}
}

static void pass(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += STEP_MS)
		turn();
}

static bool comes(struct end *e, enum joincall_state st, uint32_t within_ms)
{
	for (uint32_t t = 0; t < within_ms; t += STEP_MS) {
		if (e->call && joincall_state(e->call) == st)
			return true;
		turn();
	}
	g_test_message("state %d after %u ms, why \"%s\"", e->call ? (int)joincall_state(e->call) : -1, within_ms, e->why);
	return false;
}

static void starts(struct end *e, const struct joincall_conf *conf)
{
	e->n_told = 0;
	e->why[0] = '\0';
	g_assert_cmpint(joincall_alloc(&e->call, conf, call_handler, e), ==, 0);
	g_assert_cmpint(joincall_start(e->call), ==, 0);
}

static void end_close(struct end *e)
{
	struct mixer_stats st;

	if (e->call && joincall_state(e->call) != JOINCALL_OVER) {
		joincall_hangup(e->call);
		g_assert_true(comes(e, JOINCALL_OVER, 1000));
	}
	e->call = mem_deref(e->call);
	pass(100);
	mixer_stats(e->mixer, &st);
	g_assert_cmpuint(st.legs, ==, 0);
	e->ensemble = mem_deref(e->ensemble);
	(void)relay_turn(e->relay, now_us());
	e->relay = mem_deref(e->relay);
	e->card  = mem_deref(e->card);
	e->bus   = mem_deref(e->bus);
	e->mixer = mem_deref(e->mixer);
}

static void opens(const char *ini)
{
	n_plugs = 0;
	house_stands = false;
	housed = ini != NULL;
	if (housed)
		house_open(&house, ini);
	else
		g_assert_cmpint(sim_init(1), ==, 0);
	sim_settle(0);
}

static void closes(void)
{
	for (unsigned i = 0; i < ENDS; i++)
		if (ends[i].mixer)
			end_close(&ends[i]);
	if (housed)
		house_close(&house);
	else
		sim_close();
	housed = false;
}

static const char *address(const char *user, const struct sa *at, const char *param)
{
	static char uri[128];

	(void)re_snprintf(uri, sizeof(uri), "%s@%J%s", user, at, param);
	return uri;
}

/* How loud the tone is in the last half second of what the card played. */
static double hears(struct end *e, double hz)
{
	e->n_out = 0;
	pass(1000);
	return signal_tone_peak(e->out + SECOND / 2, SECOND / 2, SECOND, hz);
}

/* --- a room --- */

static void test_joins(void)
{
	static const char *const params[] = {"", ";transport=tcp"};

	for (size_t i = 0; i < G_N_ELEMENTS(params); i++) {
		struct end *e;
		struct joincall_conf conf;
		struct joincall_info info;
		struct snapshot *s;

		opens(OPEN);
		sim_settle(i ? 2 : 0);
		e = end_open(0);
		conf = conf_of(e);
		conf.uri = address("music-band", i ? &house.tcp : &house.udp, params[i]);
		starts(e, &conf);
		g_assert_true(comes(e, JOINCALL_UP, 2000));
		joincall_info(e->call, &info);
		g_assert_cmpstr(info.codec, ==, "L16");
		g_assert_cmpuint(info.ptime_us, ==, 1333);
		g_assert_cmpuint(info.channels, ==, 2);
		g_assert_cmpstr(info.transport, ==, i ? "TCP" : "UDP");
		g_assert_true(info.srtp && info.focus && !info.gestures);
		g_assert_nonnull(joincall_leg(e->call));
		s = house_room(&house, "music-band");
		g_assert_cmpuint(s->n_members, ==, 1);
		g_assert_cmpstr(s->member[0].name, ==, "Anna");
		mem_deref(s);
		pass(10000);                              /* it is asked now and then, and answers */
		g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_UP);
		joincall_hangup(e->call);
		g_assert_true(comes(e, JOINCALL_OVER, 1000));
		g_assert_cmpuint(house_members(&house, "music-band"), ==, 0);
		closes();
	}
}

/* Two of them in a room hear each other. */
static void test_two(void)
{
	struct joincall_conf conf;

	opens(OPEN);
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = end_open(i);

		e->hz = i ? 700 : 440;
		conf = conf_of(e);
		conf.uri = address("music-band", &house.udp, "");
		conf.ptime_us = i ? 2500 : 1333;
		conf.codecs = i ? "opus" : "";
		starts(e, &conf);
		g_assert_true(comes(e, JOINCALL_UP, 2000));
	}
	/* Opus of 2.5 ms, of which two come at once here: what is made up between them is no exact tone */
	g_assert_cmpfloat(fabs(hears(&ends[0], 700) - 0.25), <, 0.06);
	g_assert_cmpfloat(hears(&ends[0], 440), <, 0.01);
	g_assert_cmpfloat(fabs(hears(&ends[1], 440) - 0.25), <, 0.03);
	closes();
}

static const struct { const char *user, *password; bool in; } accounts[] = {
	{"chair", "secret", true}, {"chair", "wrong", false}, {NULL, NULL, false}, {"nobody", "secret", false},
};

static void test_digest(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(accounts); i++) {
		struct joincall_conf conf;
		struct end *e;

		opens("[auth]\nrequired = yes\n[account chair]\npassword = secret\nrole = host\n" OPEN);
		e = end_open(0);
		conf = conf_of(e);
		conf.uri = address("music-band", &house.udp, "");
		conf.user = accounts[i].user;
		conf.password = accounts[i].password;
		starts(e, &conf);
		g_assert_true(comes(e, accounts[i].in ? JOINCALL_UP : JOINCALL_OVER, 2000));
		if (!accounts[i].in)
			g_assert_nonnull(strstr(e->why, "401"));
		closes();
	}
}

static void test_kicked(void)
{
	const struct actor system = {.kind = ACTOR_SYSTEM};
	struct command kick = {.verb = VERB_KICK, .text = "too loud"};
	struct joincall_conf conf;
	struct snapshot *s;
	struct end *e;

	opens(OPEN);
	e = end_open(0);
	conf = conf_of(e);
	conf.uri = address("music-band", &house.udp, "");
	starts(e, &conf);
	g_assert_true(comes(e, JOINCALL_UP, 2000));
	s = house_room(&house, "music-band");
	kick.member = s->member[0].id;
	mem_deref(s);
	g_assert_cmpint(control_run(house.control, &system, &kick, NULL), ==, 0);
	g_assert_true(comes(e, JOINCALL_OVER, 1000));
	g_assert_cmpstr(e->why, ==, "too loud");
	pass(20000);
	g_assert_cmpuint(house_members(&house, "music-band"), ==, 0);
	closes();
}

/* The server's engine stands still, and goes on: the seat is taken again, by the same one. */
static void test_silence(void)
{
	struct joincall_conf conf;
	struct snapshot *s;
	struct end *e;

	opens(OPEN);
	e = end_open(0);
	conf = conf_of(e);
	conf.uri = address("music-band", &house.udp, "");
	conf.silence_ms = 3000;
	starts(e, &conf);
	g_assert_true(comes(e, JOINCALL_UP, 2000));
	pass(1000);
	house_stands = true;
	pass(4000);
	house_stands = false;
	g_assert_true(comes(e, JOINCALL_UP, 2000));
	pass(3000);
	g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_UP);
	s = house_room(&house, "music-band");
	g_assert_cmpuint(s->n_members, ==, 1);
	g_assert_cmpstr(s->member[0].name, ==, "Anna");
	mem_deref(s);
	g_assert_nonnull(strstr(e->why, "nothing is heard"));
	closes();
}

/* --- a phone of raw text in the server's place --- */

static struct ua *ua;

static const char *sdp(const char *dir)
{
	static char text[512];

	g_snprintf(text, sizeof(text), "v=0\r\no=- 1 %u IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		   "m=audio 9 RTP/AVP 96\r\na=rtpmap:96 L16/48000/2\r\na=ptime:5\r\na=%s\r\n", (unsigned)sim_now_ms(), dir);
	return text;
}

static struct end *ua_waits(void)
{
	struct sa any;

	opens(NULL);
	(void)sa_set_str(&any, "127.0.0.1", 0);
	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &any), ==, 0);
	return end_open(0);
}

static void starts_to_ua(struct end *e, struct joincall_conf *conf, uint32_t silence_ms)
{
	enum sip_transp tp;

	conf->uri = address("band", &ua->me, "");
	conf->gestures = false;
	conf->silence_ms = silence_ms;
	starts(e, conf);
	g_assert_cmpint(joincall_listener(e->call, 0, &tp, &ua->server), ==, 0);
}

static void ua_opens(struct end **e, uint32_t silence_ms)
{
	struct joincall_conf conf;

	*e = ua_waits();
	conf = conf_of(*e);
	starts_to_ua(*e, &conf, silence_ms);
}

static void ua_closes(void)
{
	ua = mem_deref(ua);
	closes();
}

/* The musician may have another port by now. */
static void is_called(const char *user)
{
	char want[64];
	enum sip_transp tp;

	g_snprintf(want, sizeof(want), "INVITE sip:%s@", user);
	ua_new_call(ua);
	ua_expect(ua, want);
	g_assert_cmpint(joincall_listener(ends[0].call, 0, &tp, &ua->server), ==, 0);
}

static void takes_call(void)
{
	is_called("band");
	ua_reply(ua, 200, "OK", NULL, sdp("sendrecv"));
	ua_expect(ua, "ACK ");
}

static const struct { unsigned scode; const char *reason; bool final; } answers[] = {
	{404, "Not Found", true}, {403, "Forbidden", true}, {486, "Busy Here", true}, {603, "Decline", true}, {488, "Not Acceptable Here", true},
	{503, "Service Unavailable", false}, {500, "Server Internal Error", false}, {408, "Request Timeout", false},
	{480, "Not Open Now", false}, {405, "Method Not Allowed", false},
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct end *e;

		ua_opens(&e, 60000);
		g_test_message("%u", answers[i].scode);
		is_called("band");
		ua_reply(ua, answers[i].scode, answers[i].reason, NULL, NULL);
		ua_expect(ua, "ACK ");
		if (answers[i].final) {
			g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_OVER);
			g_assert_nonnull(strstr(e->why, answers[i].reason));
			ua_expect_none(ua, 20000);
		} else {
			is_called("band");
			ua_reply(ua, 404, "Not Found", NULL, NULL);
			ua_expect(ua, "ACK ");
		}
		ua_closes();
	}
}

/* 0, 1, 2, 4, 8, 15, 15 s, and always as the same one. */
static void test_patience(void)
{
	static const uint32_t wait_ms[] = {0, 1000, 2000, 4000, 8000, 15000, 15000};
	char from[256] = "", again[256];
	uint64_t refused_ms = 0;
	struct end *e;

	ua_opens(&e, 60000);
	for (size_t i = 0; i <= G_N_ELEMENTS(wait_ms); i++) {
		is_called("band");
		if (i)
			g_assert_cmpuint(sim_now_ms() - refused_ms, ==, wait_ms[i - 1]);
		g_strlcpy(again, ua_header(ua, "From", again, sizeof(again)), sizeof(again));
		again[strcspn(again, ";")] = '\0';
		if (i)
			g_assert_cmpstr(again, ==, from);
		g_strlcpy(from, again, sizeof(from));
		ua_reply(ua, 503, "Service Unavailable", NULL, NULL);
		ua_expect(ua, "ACK ");
		refused_ms = sim_now_ms();
	}
	ua_closes();
}

/* Nobody is there: the INVITE is given up after 4 s, and none of it comes later, when another one is on its way. */
static void test_nobody(void)
{
	char first[128], second[128];
	struct end *e;

	ua_opens(&e, 60000);
	is_called("band");
	g_strlcpy(first, ua_header(ua, "Call-ID", first, sizeof(first)), sizeof(first));
	do {
		is_called("band");
		g_strlcpy(second, ua_header(ua, "Call-ID", second, sizeof(second)), sizeof(second));
	} while (!strcmp(first, second));
	g_assert_cmpuint(sim_now_ms(), <, 4200);
	ua_reply(ua, 200, "OK", NULL, sdp("sendrecv"));
	ua_expect(ua, "ACK ");
	for (int i = 0; i < 10; i++) {
		const char *msg = ua_wait(ua, 3000);

		g_assert_true(!msg || g_str_has_prefix(msg, "OPTIONS "));
		if (msg)
			ua_reply(ua, 200, "OK", NULL, NULL);
	}
	ua_closes();
}

/* A server that was restarted does not know the call: 481, and it is called again at once. */
static void test_restarted(void)
{
	struct end *e;
	uint64_t then;

	ua_opens(&e, 60000);
	takes_call();
	g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_UP);
	ua_expect(ua, "OPTIONS ");
	ua_reply(ua, 200, "OK", NULL, NULL);
	ua_expect(ua, "OPTIONS ");
	ua_reply(ua, 481, "Call/Transaction Does Not Exist", NULL, NULL);
	then = sim_now_ms();
	ua_expect(ua, "BYE ");
	ua_reply(ua, 481, "Call/Transaction Does Not Exist", NULL, NULL);
	takes_call();
	g_assert_cmpuint(sim_now_ms() - then, <, 100);
	g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_UP);
	g_assert_cmpstr(e->why, ==, "the server was restarted");
	ua_closes();
}

static const struct { const char *reason; bool again; } byes[] = {
	{NULL, false}, {"Reason: SIP;cause=200;text=\"kicked\"\r\n", false}, {"Reason: SIP;cause=200;text=\"room ended\"\r\n", false},
	{"Reason: SIP;cause=200;text=\"server stopped\"\r\n", true}, {"Reason: SIP;cause=200;text=\"rtp-timeout\"\r\n", true},
	{"Reason: Q.850;cause=41\r\n", true}, {"Reason: Q.850;cause=410\r\n", false}, {"Reason: Q.850;cause=16\r\n", false},
	{"Reason: SIP;cause=503;text=\"moving house\"\r\n", true},
};

static void test_byes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(byes); i++) {
		struct end *e;
		uint64_t then;

		g_test_message("%s", byes[i].reason ? byes[i].reason : "no reason");
		ua_opens(&e, 60000);
		takes_call();
		ua_request(ua, "BYE", byes[i].reason, NULL);
		ua_expect(ua, "SIP/2.0 200");
		then = sim_now_ms();
		if (byes[i].again) {
			takes_call();
			g_assert_cmpuint(sim_now_ms() - then, >=, 1000);
			g_assert_cmpuint(sim_now_ms() - then, <, 1200);
		} else {
			ua_expect_none(ua, 20000);
			g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_OVER);
		}
		ua_closes();
	}
}

static const struct { const char *to; unsigned scode; } refers[] = {
	{"<sip:other@%J>", 202}, {"<sip:other@example.com>", 603}, {"<sips:other@%J>", 603}, {"<sip:%J>", 603}, {"nonsense <", 400},
};

static void test_refers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refers); i++) {
		char to[128], line[160], want[32];
		struct end *e;

		ua_opens(&e, 60000);
		takes_call();
		(void)re_snprintf(to, sizeof(to), refers[i].to, &ua->me);
		g_snprintf(line, sizeof(line), "Refer-To: %s\r\n", to);
		g_snprintf(want, sizeof(want), "SIP/2.0 %u", refers[i].scode);
		ua_request(ua, "REFER", line, NULL);
		ua_expect(ua, want);
		if (refers[i].scode == 202) {
			ua_expect(ua, "NOTIFY ");
			ua_reply(ua, 200, "OK", NULL, NULL);
			ua_expect(ua, "BYE ");
			ua_reply(ua, 200, "OK", NULL, NULL);
			is_called("other");
			ua_reply(ua, 404, "Not Found", NULL, NULL);
			ua_expect(ua, "ACK ");
		}
		ua_closes();
	}
}

static void test_in_dialog(void)
{
	struct end *e;

	ua_opens(&e, 60000);
	takes_call();
	ua_request(ua, "INFO", "Content-Type: application/dtmf-relay\r\n", NULL);
	ua_expect(ua, "SIP/2.0 200");
	ua_request(ua, "INVITE", NULL, sdp("sendonly"));
	ua_expect(ua, "SIP/2.0 200");
	g_assert_true(ua_has(ua, "a=recvonly"));
	ua_ack(ua, NULL);
	ua_request(ua, "SUBSCRIBE", "Event: conference\r\n", NULL);
	ua_expect(ua, "SIP/2.0 405");
	g_assert_cmpint(joincall_state(e->call), ==, JOINCALL_UP);
	ua_closes();
}

/* --- without a server --- */

static struct sa answers_at(struct end *e)
{
	struct joincall_conf conf = conf_of(e);
	enum sip_transp tp;
	struct sa addr;

	conf.answer = true;
	conf.name = "Ben";
	conf.listen = "udp:127.0.0.1:0 tcp:127.0.0.1:0";
	starts(e, &conf);
	g_assert_cmpint(joincall_listener(e->call, 0, &tp, &addr), ==, 0);
	return addr;
}

static void calls(struct end *e, const struct sa *at)
{
	struct joincall_conf conf = conf_of(e);

	conf.uri = address("ben", at, "");
	starts(e, &conf);
}

static void plays(struct end *e, const char *addr)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = 1};
	struct osc_writer w;
	uint8_t buf[128];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(player_tell(joincall_player(e->call), buf, len), ==, 0);
}

static void test_direct(void)
{
	struct end *anna, *ben;
	struct joincall_info info;
	struct sa at;

	opens(NULL);
	ben  = end_open(1);
	anna = end_open(0);
	at   = answers_at(ben);
	anna->hz = 440;
	ben->hz  = 700;
	calls(anna, &at);
	g_assert_true(comes(anna, JOINCALL_UP, 2000));
	g_assert_true(comes(ben, JOINCALL_UP, 1000));
	joincall_info(ben->call, &info);
	g_assert_cmpstr(info.codec, ==, "L16");
	g_assert_cmpuint(info.ptime_us, ==, 1333);
	g_assert_true(info.srtp && info.gestures && !info.focus);
	joincall_info(anna->call, &info);
	g_assert_cmpuint(info.ptime_us, ==, 1333);
	g_assert_true(info.srtp && info.gestures && !info.focus);
	g_assert_cmpstr(player_name(joincall_player(ben->call)), ==, "Anna");
	g_assert_cmpstr(player_name(joincall_player(anna->call)), ==, "ben");
	g_assert_cmpfloat(fabs(hears(anna, 700) - 0.25), <, 0.01);
	g_assert_cmpfloat(fabs(hears(ben, 440) - 0.25), <, 0.01);
	plays(anna, "/tutti/me/hand");
	pass(100);
	g_assert_cmpstr(ben->heard, ==, "/tutti/me/hand");
	joincall_hangup(anna->call);
	g_assert_true(comes(anna, JOINCALL_OVER, 1000));
	g_assert_true(comes(ben, JOINCALL_IDLE, 1000));
	g_assert_null(joincall_leg(ben->call));
	closes();
}

/* One at a time; who comes second is told so, and who comes after is taken. */
static void test_busy(void)
{
	struct end *anna, *ben, *carl;
	struct sa at;

	opens(NULL);
	anna = end_open(0);
	ben  = end_open(1);
	carl = end_open(2);
	at   = answers_at(ben);
	calls(anna, &at);
	g_assert_true(comes(ben, JOINCALL_UP, 2000));
	calls(carl, &at);
	g_assert_true(comes(carl, JOINCALL_OVER, 2000));
	g_assert_cmpstr(carl->why, ==, "Busy Here (486)");
	carl->call = mem_deref(carl->call);
	joincall_hangup(anna->call);
	g_assert_true(comes(ben, JOINCALL_IDLE, 2000));
	calls(carl, &at);
	g_assert_true(comes(carl, JOINCALL_UP, 2000));
	closes();
}

/* --- keys by DTLS --- */

static struct joincall_conf by_dtls(struct end *e, enum offer_srtp srtp)
{
	struct joincall_conf conf = conf_of(e);

	conf.srtp = srtp;
	conf.srtp_keys = OFFER_KEYING_DTLS;
	return conf;
}

static const struct { const char *ini; enum offer_srtp srtp; const char *keys; } dtls_rooms[] = {
	{OPEN, OFFER_SRTP_REQUIRED, "dtls"}, {OPEN, OFFER_SRTP_OPTIONAL, "dtls"}, {OPEN "srtp = off\n", OFFER_SRTP_OPTIONAL, "none"},
	{OPEN "srtp = required\n", OFFER_SRTP_OPTIONAL, "dtls"},
};

/* One with DTLS and one without hear each other in a room; who has it is up when there are keys. */
static void test_dtls(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(dtls_rooms); i++) {
		struct joincall_conf conf;
		struct joincall_info info;

		opens(dtls_rooms[i].ini);
		for (unsigned n = 0; n < 2; n++) {
			struct end *e = end_open(n);

			e->hz = n ? 700 : 440;
			conf = n ? conf_of(e) : by_dtls(e, dtls_rooms[i].srtp);
			conf.uri = address("music-band", &house.udp, "");
			starts(e, &conf);
			g_assert_true(comes(e, JOINCALL_UP, 2000));
			joincall_info(e->call, &info);
			g_assert_cmpstr(info.keys, ==, n && i != 2 ? "sdes" : dtls_rooms[i].keys);
			g_assert_true(info.srtp == (i != 2));
		}
		g_assert_cmpfloat(fabs(hears(&ends[0], 700) - 0.25), <, 0.03);
		g_assert_cmpfloat(fabs(hears(&ends[1], 440) - 0.25), <, 0.03);
		closes();
	}
}

/* The server calls; its offer has a fingerprint and no key. */
static void test_dtls_dialled(void)
{
	const struct actor system = {.kind = ACTOR_SYSTEM};
	struct joincall_conf conf;
	struct joincall_info info;
	struct command dial = {.verb = VERB_DIAL, .room = "music-band"};
	enum sip_transp tp;
	struct sa at;

	opens(OPEN "srtp = required\nsrtp-keys = dtls\n[dial]\nallow = sip:*@127.0.0.1*\n");
	(void)end_open(0);
	(void)end_open(1);
	ends[0].hz = 440;
	ends[1].hz = 700;
	conf = by_dtls(&ends[0], OFFER_SRTP_REQUIRED);
	conf.uri = address("music-band", &house.udp, "");
	starts(&ends[0], &conf);
	g_assert_true(comes(&ends[0], JOINCALL_UP, 2000));
	conf = conf_of(&ends[1]);
	conf.answer = true;
	conf.listen = "udp:127.0.0.1:0";
	starts(&ends[1], &conf);
	g_assert_cmpint(joincall_listener(ends[1].call, 0, &tp, &at), ==, 0);
	dial.uri = address("sip:ben", &at, "");
	g_assert_cmpint(control_run(house.control, &system, &dial, NULL), ==, 0);
	g_assert_true(comes(&ends[1], JOINCALL_UP, 3000));
	joincall_info(ends[1].call, &info);
	g_assert_cmpstr(info.keys, ==, "dtls");
	/* by Opus, which the server likes best */
	g_assert_cmpfloat(fabs(hears(&ends[0], 700) - 0.25), <, 0.06);
	g_assert_cmpfloat(fabs(hears(&ends[1], 440) - 0.25), <, 0.06);
	closes();
}

static void test_dtls_direct(void)
{
	struct joincall_conf conf;
	struct joincall_info info;
	struct sa at;

	opens(NULL);
	(void)end_open(0);
	(void)end_open(1);
	at = answers_at(&ends[1]);
	ends[0].hz = 440;
	ends[1].hz = 700;
	conf = by_dtls(&ends[0], OFFER_SRTP_REQUIRED);
	conf.uri = address("ben", &at, "");
	starts(&ends[0], &conf);
	for (unsigned n = 0; n < 2; n++) {
		g_assert_true(comes(&ends[n], JOINCALL_UP, 2000));
		joincall_info(ends[n].call, &info);
		g_assert_cmpstr(info.keys, ==, "dtls");
		g_assert_true(info.srtp && info.gestures);
	}
	g_assert_cmpfloat(fabs(hears(&ends[0], 700) - 0.25), <, 0.01);
	g_assert_cmpfloat(fabs(hears(&ends[1], 440) - 0.25), <, 0.01);
	plays(&ends[0], "/tutti/me/hand");
	pass(100);
	g_assert_cmpstr(ends[1].heard, ==, "/tutti/me/hand");
	closes();
}

/* The lobby asks when there are keys: who says nothing then is let go after a while. */
static void test_dtls_lobby(void)
{
	struct joincall_conf conf;

	opens(OPEN);
	conf = by_dtls(end_open(0), OFFER_SRTP_REQUIRED);
	conf.uri = address("lobby", &house.udp, "");
	starts(&ends[0], &conf);
	g_assert_true(comes(&ends[0], JOINCALL_UP, 2000));
	pass(20000);
	g_assert_cmpint(joincall_state(ends[0].call), ==, JOINCALL_UP);
	for (uint32_t ms = 0; ms < 120000 && joincall_state(ends[0].call) == JOINCALL_UP; ms += 1000)
		pass(1000);
	g_assert_cmpint(joincall_state(ends[0].call), !=, JOINCALL_UP);
	g_test_message("%s", ends[0].why);
	closes();
}

/* Somebody answers with a fingerprint and no handshake: no sound, and after a while another call. */
static void test_dtls_silent(void)
{
	static const char print[] = "m=audio 9 UDP/TLS/RTP/SAVP 96\r\na=rtpmap:96 L16/48000/2\r\na=setup:active\r\na=rtcp-mux\r\na=fingerprint:sha-256 "
		"4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF\r\n";
	g_autofree char *text = g_strconcat("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n", print, NULL);
	struct joincall_conf conf = by_dtls(ua_waits(), OFFER_SRTP_REQUIRED);

	starts_to_ua(&ends[0], &conf, 3000);
	is_called("band");
	g_assert_true(ua_has(ua, "UDP/TLS/RTP/SAVP ") && ua_has(ua, "a=setup:actpass") && ua_has(ua, "a=fingerprint:sha-256 ") &&
		      ua_has(ua, "a=tls-id:") && ua_has(ua, "a=rtcp-mux") && !ua_has(ua, "a=crypto"));
	ua_reply(ua, 200, "OK", NULL, text);
	ua_expect(ua, "ACK ");
	g_assert_cmpint(joincall_state(ends[0].call), !=, JOINCALL_UP);
	pass(6000);
	g_assert_nonnull(strstr(ends[0].why, "no keys"));
	g_assert_cmpint(ends[0].told[ends[0].n_told - 1], !=, JOINCALL_UP);
	ua_closes();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/joincall/joins", test_joins);
	g_test_add_func("/joincall/two", test_two);
	g_test_add_func("/joincall/digest", test_digest);
	g_test_add_func("/joincall/kicked", test_kicked);
	g_test_add_func("/joincall/silence", test_silence);
	g_test_add_func("/joincall/refused", test_refused);
	g_test_add_func("/joincall/patience", test_patience);
	g_test_add_func("/joincall/nobody", test_nobody);
	g_test_add_func("/joincall/restarted", test_restarted);
	g_test_add_func("/joincall/byes", test_byes);
	g_test_add_func("/joincall/refers", test_refers);
	g_test_add_func("/joincall/in-dialog", test_in_dialog);
	g_test_add_func("/joincall/direct", test_direct);
	g_test_add_func("/joincall/busy", test_busy);
	g_test_add_func("/joincall/dtls", test_dtls);
	g_test_add_func("/joincall/dtls-dialled", test_dtls_dialled);
	g_test_add_func("/joincall/dtls-direct", test_dtls_direct);
	g_test_add_func("/joincall/dtls-silent", test_dtls_silent);
	g_test_add_func("/joincall/dtls-lobby", test_dtls_lobby);
	return g_test_run();
}
