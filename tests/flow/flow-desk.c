/*
 * flow-desk.c - gestures act on the conference with the rights of the member behind them, and hear what comes of it.
 *
 *     anna (host)  ---- /tutti/room/lock ,i 1 ---->  relay > desk > control
 *     bob, carl    <--- /tutti/room/lock ,i 1 -----  relay < desk < event
 *
 * A relay on gestnet, a control, an engine without threads: all on one clock that the test turns.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <glib.h>
#include "control/control.h"
#include "control/snapshot.h"
#include "control/wheel.h"
#include "osc/appleport.h"
#include "osc/desk.h"
#include "osc/desk_priv.h"
#include "osc/sharedclock.h"
#include "tests/lib/gestnet.h"
#include "tests/lib/mac.h"
#include "tests/lib/midipeer.h"
#include "tests/unit/handclock.h"

enum { HEARD = 1024, TEXT = 96, PARTIES = 4 };

struct party {
	const char *name;
	uint32_t member;
	struct leg *leg;
	struct face face;
	struct player *player;
	struct gestend *end;
	struct sa server;
	unsigned n;
	struct { char text[TEXT]; uint64_t us; } heard[HEARD];
	struct sharedclock clock;
	bool exchanges;
	uint64_t next_us;
	double worst_us;
	unsigned n_replies;
};

static struct gestnet *net;
static struct mixer *mixer;
static struct control *control;
static struct desk *desk;
static struct ensemble *room;
static struct party party[PARTIES];

/* --- a party --- */

static void write_down(char *text, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;
	int n = g_snprintf(text, TEXT, "%s", msg->addr);

	osc_args_init(&it, msg);
	while (n < TEXT && osc_arg_next(&it, &a)) {
		switch (a.tag) {

		case 'i': n += g_snprintf(text + n, (gulong)(TEXT - n), " %d", a.v.i); break;
		case 'f': n += g_snprintf(text + n, (gulong)(TEXT - n), " %g", (double)a.v.f); break;
		case 's': n += g_snprintf(text + n, (gulong)(TEXT - n), " %s", a.v.s); break;
		default:  n += g_snprintf(text + n, (gulong)(TEXT - n), " %c", a.tag); break;
		}
	}
}

/* A client's clock: off by an hour and a bit fast. */
static uint64_t own_us(uint64_t us) { return us + UINT64_C(3600000000) + us / 20000; }

static void clock_reply(struct party *p, const struct osc_msg *msg, uint64_t now_us)
{
	struct sharedtime t;
	struct osc_args it;
	struct osc_arg a[4];

	osc_args_init(&it, msg);
	for (int i = 0; i < 4; i++)
		g_assert_true(osc_arg_next(&it, &a[i]) && a[i].tag == 'h');
	g_assert_cmpuint((uint64_t)a[3].v.h, ==, mixer_us_smp((uint64_t)a[2].v.h));
	if (!a[0].v.h)                    /* it only wanted to know whether there is an answer */
		return;
	g_assert_cmpint(sharedclock_add(&p->clock, (uint64_t)a[0].v.h, (uint64_t)a[1].v.h, (uint64_t)a[2].v.h, own_us(now_us)), ==, 0);
	p->n_replies++;
	g_assert_cmpint(sharedclock_at(&p->clock, &t, own_us(now_us)), ==, 0);
	g_assert_cmpfloat(fabs((double)(int64_t)(t.server_us - now_us)), <=, t.accuracy_us);
	if (p->n_replies > 50)
		p->worst_us = fmax(p->worst_us, fabs((double)(int64_t)(t.server_us - now_us)));
}

static void hears(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct party *p = arg;
	struct osc_iter it;
	struct osc_msg msg;

	(void)end, (void)from;
	g_assert_cmpint(osc_check(buf, len, 1472), ==, 0);
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg)) {
		if (!strcmp(msg.addr, "/tutti/clock/reply"))
			clock_reply(p, &msg, now_us);
		if (p->n < HEARD) {
			p->heard[p->n].us = now_us;
			write_down(p->heard[p->n++].text, &msg);
		}
	}
}

static void says(struct party *p, const char *addr, char tag, double v, const char *s)
{
	struct osc_arg a = {.tag = tag};
	uint8_t buf[512];
	struct osc_writer w;
	size_t len;

	if (tag == 'i')
		a.v.i = (int32_t)v;
	else if (tag == 'f')
		a.v.f = (float)v;
	else if (tag == 'h')
		a.v.h = (int64_t)v;
	else if (tag == 's')
		a.v.s = s;
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &a, tag ? 1 : 0);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	gestnet_send(p->end, &p->server, buf, len);
}

static void asks_the_time(struct gestend *end, uint64_t now_us, void *arg)
{
	struct party *p = arg;

	(void)end;
	if (!p->exchanges || now_us < p->next_us)
		return;
	p->next_us = now_us + 100000;
	says(p, "/tutti/clock", 'h', (double)own_us(now_us), NULL);
}

static unsigned heard(const struct party *p, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += !strcmp(p->heard[i].text, text);
	return n;
}

static void forget(void)
{
	for (int i = 0; i < PARTIES; i++)
		party[i].n = 0;
}

/* --- the house --- */

static void bye(void *arg, const char *why) { (void)arg, (void)why; }

static void run(unsigned ms)
{
	while (ms--) {
		gestnet_run(net, 1);
		mixer_turn(mixer, gestnet_now_us(net));
		mixer_dispatch(mixer);
		if (desk && tmr_isrunning(&desk->later)) {
			tmr_h *th = desk->later.th;

			tmr_cancel(&desk->later);
			th(desk);
		}
	}
}

static void joins(int i, const char *name, enum role role)
{
	struct actor sys = {.kind = ACTOR_SYSTEM};
	struct leg_conf lc = {.cname = "x@test", .jitter_min_ms = 20, .jitter_max_ms = 200};
	struct party *p = &party[i];
	struct command cmd = {.verb = VERB_JOIN, .room = "band", .uri = "sip:x@test", .name = name, .role = role, .face = &p->face};
	struct player_conf pc = {.member = 0};
	struct result res = {0};
	struct gestline l;
	struct sa local;

	memset(p, 0, sizeof(*p));
	p->name = name;
	sa_set_str(&lc.local, "127.0.0.1", 0);
	g_assert_cmpint(leg_alloc(&p->leg, mixer, &lc), ==, 0);
	p->face = (struct face){.leg = p->leg, .bye = bye};
	g_assert_cmpint(control_run(control, &sys, &cmd, &res), ==, 0);
	p->member = pc.member = res.member;
	g_strlcpy(pc.wish, name, sizeof(pc.wish));
	g_strlcpy(pc.identity, name, sizeof(pc.identity));
	g_assert_cmpint(gestnet_end_add(&p->end, net, hears, asks_the_time, p), ==, 0);
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &pc), ==, 0);
	gestline_init(&l, GESTLINE_UDP);
	l.dir = LEG_DIR_BOTH;
	l.peer = *gestnet_addr(p->end);
	l.takes.refresh_ms = 0;
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, l.kind, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, &l), ==, 0);
	run(5);
}

static void leaves(int i)
{
	struct actor sys = {.kind = ACTOR_SYSTEM};

	party[i].player = mem_deref(party[i].player);
	g_assert_cmpint(control_run(control, &sys, &(struct command){.verb = VERB_LEAVE, .member = party[i].member}, NULL), ==, 0);
	party[i].leg = mem_deref(party[i].leg);
	run(5);
}

enum { ANNA, BOB, CARL, DORA };

static const char map[] = "cc:1:7=me/gain cc:N:7=me/mix/N/fader note:1:40=me/mute note:1:41=room/lock";

static void begin_music(bool music)
{
	struct control_conf conf = {.auto_rooms = true, .music_default = music, .max_rooms = 4, .max_members = 10};
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};

	g_assert_cmpint(gestnet_alloc(&net, NULL, 7), ==, 0);
	g_assert_cmpint(mixer_alloc(&mixer, &mc), ==, 0);
	g_assert_cmpint(control_alloc(&control, &conf, mixer), ==, 0);
	g_assert_cmpint(desk_alloc(&desk, gestnet_relay(net), control, map), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
	memset(party, 0, sizeof(party));
	joins(ANNA, "anna", ROLE_HOST);
	joins(BOB, "bob", ROLE_SPEAKER);
	joins(CARL, "carl", ROLE_LISTENER);
}

static void begin(void)
{
	begin_music(false);
}

static void end(void)
{
	for (int i = 0; i < PARTIES; i++)
		if (party[i].player)
			leaves(i);
	room = mem_deref(room);
	desk = mem_deref(desk);
	control = mem_deref(control);
	run(100);
	net = mem_deref(net);
	mixer = mem_deref(mixer);
}

static struct snapshot *now(void)
{
	struct snapshot *s = NULL;

	g_assert_cmpint(snapshot_take(&s, control, "band"), ==, 0);
	return s;
}

static void all_listen(void)
{
	for (int i = 0; i < PARTIES; i++)
		if (party[i].player)
			says(&party[i], "/tutti/ask", 0, 0, NULL);
	run(5);
	forget();
}

/* --- what they may --- */

static void test_rights(void)
{
	struct snapshot *s;

	begin();
	all_listen();
	says(&party[BOB], "/tutti/me/mute", 'i', 1, NULL);
	says(&party[CARL], "/tutti/me/hand", 'f', 1, NULL);
	says(&party[ANNA], "/tutti/member/bob/gain", 'f', -6, NULL);
	run(5);
	s = now();
	g_assert_true(s->member[BOB].muted && !s->member[BOB].muted_by_host);
	g_assert_true(s->member[CARL].hand);
	g_assert_cmpfloat(s->member[BOB].gain_db, ==, -6);
	mem_deref(s);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/me/mute 1"), >=, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/me/gain -6"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/bob/mute 1"), >=, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/me/mute 1"), ==, 0);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/carl/hand 1"), ==, 1);
	forget();
	says(&party[BOB], "/tutti/room/lock", 'i', 1, NULL);
	says(&party[BOB], "/tutti/member/anna/mute", 'i', 1, NULL);
	says(&party[BOB], "/tutti/member/bob/mute", 'i', 0, NULL);        /* of himself by another name: he may */
	says(&party[CARL], "/tutti/me/gain", 'f', 3, NULL);
	says(&party[CARL], "/tutti/transport/start", 0, 0, NULL);
	says(&party[CARL], "/tutti/tempo", 'f', 99, NULL);
	run(5);
	s = now();
	g_assert_false(s->locked || s->member[ANNA].muted || s->member[BOB].muted || s->tempo.running);
	g_assert_cmpfloat(s->member[CARL].gain_db, ==, 0);
	mem_deref(s);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/room/lock not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/member/anna/mute not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/error /tutti/me/gain not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/error /tutti/transport/start not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/error /tutti/tempo not allowed"), ==, 1);
	forget();
	says(&party[ANNA], "/tutti/member/bob/mute", 'i', 1, NULL);
	says(&party[ANNA], "/tutti/room/lock", 'i', 1, NULL);
	run(5);
	says(&party[BOB], "/tutti/me/mute", 'i', 0, NULL);        /* a host has muted him */
	run(5);
	s = now();
	g_assert_true(s->locked && s->member[BOB].muted_by_host);
	mem_deref(s);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/me/mute not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/room/lock 1"), ==, 1);
	end();
}

static void test_wrong(void)
{
	begin();
	says(&party[ANNA], "/tutti/member/nobody/mute", 'i', 1, NULL);
	says(&party[ANNA], "/tutti/what", 'i', 1, NULL);
	says(&party[ANNA], "/tutti/me/mute", 's', 0, "yes");
	says(&party[ANNA], "/tutti/beat", 'i', 1, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/error /tutti/member/nobody/mute no such address, or nobody of that name"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/error /tutti/what no such address, or nobody of that name"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/error /tutti/me/mute other arguments are wanted"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/error /tutti/beat it can only be read"), ==, 1);
	g_assert_cmpuint(party[BOB].n, ==, 0);            /* nothing is forwarded */
	forget();
	for (int i = 0; i < 150; i++)
		says(&party[ANNA], "/tutti/what", 'i', 1, NULL);
	run(5);
	g_assert_cmpuint(party[ANNA].n, <=, 20);
	end();
}

static float gain_of(int i, int other)
{
	float gain, pan;

	leg_view(party[i].leg, party[other].leg, &gain, &pan);
	return gain;
}

/* A player without a member, as one of a port for software without SIP, may ask and listen, and nothing else. */
static void test_nobody_behind(void)
{
	begin();
	player_set_member(party[BOB].player, 0);
	says(&party[BOB], "/tutti/ask", 0, 0, NULL);
	says(&party[BOB], "/tutti/me/mute", 'i', 1, NULL);
	says(&party[BOB], "/tutti/room/lock", 'i', 1, NULL);
	says(&party[BOB], "/tutti/clock", 'h', 0, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/me/mute not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/room/lock not allowed"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/room/lock 0"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/joined anna"), ==, 1);
	forget();
	/* A host lets it act for bob, with bob's rights. */
	g_assert_cmpint(control_run(control, &(struct actor){.kind = ACTOR_MEMBER, .member = party[CARL].member},
				    &(struct command){.verb = VERB_CONTROLLER, .member = party[BOB].member, .text = "bob"}, NULL), ==, EPERM);
	g_assert_cmpint(control_run(control, &(struct actor){.kind = ACTOR_MEMBER, .member = party[ANNA].member},
				    &(struct command){.verb = VERB_CONTROLLER, .member = party[BOB].member, .text = "a/b"}, NULL), ==, EINVAL);
	g_assert_cmpint(control_run(control, &(struct actor){.kind = ACTOR_MEMBER, .member = party[ANNA].member},
				    &(struct command){.verb = VERB_CONTROLLER, .member = party[BOB].member, .text = "bob"}, NULL), ==, 0);
	says(&party[BOB], "/tutti/me/mute", 'i', 1, NULL);
	says(&party[BOB], "/tutti/room/lock", 'i', 1, NULL);
	says(&party[BOB], "/tutti/me/mix/anna/gain", 'f', -20, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/me/mute 1"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/room/lock not allowed"), ==, 1);
	g_assert_cmpfloat(fabsf(gain_of(BOB, ANNA) - 0.1f), <, 1e-3f);
	player_set_member(party[BOB].player, party[BOB].member);
	end();
}

/* --- mixes --- */

static void test_mix(void)
{
	float gain, pan;

	begin();
	says(&party[BOB], "/tutti/me/mix/anna/gain", 'f', -20, NULL);
	run(5);
	says(&party[BOB], "/tutti/me/mix/anna/pan", 'f', -0.5, NULL);
	says(&party[CARL], "/tutti/me/mix/bob/fader", 'f', 0, NULL);
	run(5);
	leg_view(party[BOB].leg, party[ANNA].leg, &gain, &pan);
	g_assert_cmpfloat(fabsf(gain - 0.1f), <, 1e-3f);          /* as it was when only the place was asked for */
	g_assert_cmpfloat(pan, ==, -0.5f);
	g_assert_cmpfloat(gain_of(CARL, BOB), ==, 0);
	g_assert_cmpfloat(gain_of(BOB, CARL), ==, 1);
	says(&party[BOB], "/tutti/me/mix/bob/gain", 'f', 0, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/me/mix/bob/gain other arguments are wanted"), ==, 1);
	end();
}

static void plays(int i, uint8_t status, uint8_t a, uint8_t b)
{
	struct midi_cmd cmd = midi_short(status, a, b);
	const struct relay_house *h = &gestnet_relay(net)->house;

	h->said(party[i].player, NULL, &cmd, h->arg);
	run(2);
}

/* A surface: fader n is the n-th other member in one's own mix; a key turns over what is so. */
static void test_surface(void)
{
	struct snapshot *s;

	begin();
	plays(BOB, 0xb0, 7, 95);          /* channel 1 has a row of its own: my gain */
	plays(BOB, 0xb1, 7, 0);           /* channel 2: the second of the others, carl */
	plays(CARL, 0xb1, 7, 127);        /* ... bob */
	g_assert_cmpfloat(gain_of(BOB, CARL), ==, 0);
	g_assert_cmpfloat(gain_of(BOB, ANNA), ==, 1);
	g_assert_cmpfloat(fabsf(gain_of(CARL, BOB) - 3.1623f), <, 1e-3f);
	plays(BOB, 0xb7, 7, 127);         /* there is no eighth */
	plays(BOB, 0x90, 40, 100);
	plays(BOB, 0x80, 40, 0);
	plays(BOB, 0x90, 41, 100);        /* he may not */
	s = now();
	g_assert_true(s->member[BOB].muted);
	g_assert_false(s->locked);
	mem_deref(s);
	plays(BOB, 0x90, 40, 100);
	plays(ANNA, 0x90, 41, 100);
	s = now();
	g_assert_false(s->member[BOB].muted);
	g_assert_true(s->locked);
	mem_deref(s);
	plays(BOB, 0x90, 60, 100);        /* music */
	end();
}

/* --- what they hear --- */

static void test_events(void)
{
	struct actor sys = {.kind = ACTOR_SYSTEM};

	begin();
	says(&party[ANNA], "/tutti/ask", 0, 0, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/joined bob"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/me/deaf 0"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/tempo 120"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/transport 0"), ==, 1);
	forget();
	joins(DORA, "Dora the second!", ROLE_SPEAKER);
	g_assert_cmpint(control_run(control, &sys, &(struct command){.verb = VERB_LOCK, .room = "band", .on = true}, NULL), ==, 0);
	g_assert_cmpint(control_run(control, &sys, &(struct command){.verb = VERB_TEMPO, .room = "band", .value = 90}, NULL), ==, 0);
	run(5);
	leaves(DORA);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/joined Dora-the-second-"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/left Dora-the-second-"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/room/lock 1"), >=, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/tempo 90"), ==, 1);
	for (unsigned i = 0; i < party[BOB].n; i++)               /* he never asked the house for anything */
		g_assert_false(g_str_has_prefix(party[BOB].heard[i].text, "/tutti/"));
	end();
}

/* Each beat at its time, to who listens; to who comes later too; stopped, none. */
static void test_beat(void)
{
	unsigned n = 0;

	begin();
	all_listen();
	says(&party[ANNA], "/tutti/tempo", 'f', 150, NULL);
	says(&party[ANNA], "/tutti/tempo/bar", 'i', 3, NULL);
	says(&party[ANNA], "/tutti/transport/start", 0, 0, NULL);
	run(4000);
	for (unsigned i = 0; i < party[BOB].n; i++) {
		struct beat b;
		struct beat_point p;
		char want[TEXT];

		if (!g_str_has_prefix(party[BOB].heard[i].text, "/tutti/beat"))
			continue;
		g_assert_cmpint(control_beat(control, "band", &b), ==, 0);
		g_assert_true(beat_next(&p, &b, b.now.at_smp + n * 19200, 1));
		g_snprintf(want, sizeof(want), "/tutti/beat %u %u 150000", n / 3, n % 3);
		g_assert_cmpstr(party[BOB].heard[i].text, ==, want);
		g_assert_cmpuint(party[BOB].heard[i].us, >=, mixer_smp_us(p.smp));
		g_assert_cmpuint(party[BOB].heard[i].us, <=, mixer_smp_us(p.smp) + 2100);         /* the net's and the test's steps */
		n++;
	}
	g_assert_cmpuint(n, ==, 10);
	forget();
	says(&party[ANNA], "/tutti/transport/stop", 0, 0, NULL);
	run(10);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/transport 0"), ==, 1);
	forget();
	run(2000);
	g_assert_cmpuint(party[BOB].n, ==, 0);
	end();
}

/* Two of one name are told apart, and who has left is told by the name it had. */
static void test_names(void)
{
	begin();
	all_listen();
	party[BOB].player = mem_deref(party[BOB].player);         /* a phone now, called bob */
	joins(DORA, "bob", ROLE_SPEAKER);                         /* and a player of that name */
	run(5);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/joined bob"), ==, 1);
	forget();
	says(&party[ANNA], "/tutti/member/bob/mute", 'i', 1, NULL);
	says(&party[ANNA], "/tutti/member/bob-2/mute", 'i', 1, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/bob/mute 1"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/bob-2/mute 1"), ==, 1);       /* 2: the phone's number */
	forget();
	leaves(DORA);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/left bob"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/left bob-2"), ==, 0);
	leaves(BOB);
	end();
}

/* The room ends; players that stay together for a moment have no beat any more. */
static void test_room_ends(void)
{
	struct actor sys = {.kind = ACTOR_SYSTEM};

	begin();
	all_listen();
	says(&party[ANNA], "/tutti/transport/start", 0, 0, NULL);
	run(1000);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/beat 0 1 120000"), ==, 1);
	g_assert_cmpint(control_run(control, &sys, &(struct command){.verb = VERB_END, .room = "band"}, NULL), ==, 0);
	run(10);
	forget();
	run(2000);
	g_assert_cmpuint(party[BOB].n, ==, 0);
	says(&party[BOB], "/tutti/me/mute", 'i', 1, NULL);
	run(10);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/me/mute not allowed"), ==, 1);
	for (int i = 0; i < 3; i++) {
		party[i].player = mem_deref(party[i].player);
		party[i].leg = mem_deref(party[i].leg);
	}
	end();
}

static void test_levels(void)
{
	begin();
	says(&party[BOB], "/tutti/levels", 'i', 1, NULL);
	run(2);
	g_assert_true(tmr_isrunning(&desk->levels));
	desk->levels.th(desk->levels.arg);
	run(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/member/anna/level -127"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/member/bob/level -127"), ==, 1);
	g_assert_cmpuint(party[ANNA].n, ==, 0);
	says(&party[BOB], "/tutti/levels", 'i', 0, NULL);
	run(2);
	tmr_cancel(&desk->levels);
	forget();
	end();
}

/* Over a link with jitter: never further off than it says, and close. */
static void test_clock(void)
{
	static const struct { uint32_t delay_us, jitter_us; double within_us; } table[] = {
		{1000, 0, 1100}, {10000, 5000, 3500}, {30000, 30000, 12000},          /* the net moves once a millisecond */
	};

	begin();
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct gestlink link = {.delay_us = table[i].delay_us, .jitter_us = table[i].jitter_us};

		gestnet_link(party[BOB].end, &link);
		sharedclock_init(&party[BOB].clock);
		party[BOB].n_replies = 0;
		party[BOB].worst_us = 0;
		party[BOB].exchanges = true;
		run(30000);
		party[BOB].exchanges = false;
		run(200);
		g_test_message("delay %u jitter %u us: %u exchanges, off by %.0f us at most", table[i].delay_us, table[i].jitter_us,
			       party[BOB].n_replies, party[BOB].worst_us);
		g_assert_cmpuint(party[BOB].n_replies, >, 290);
		g_assert_cmpfloat(party[BOB].worst_us, <, table[i].within_us);
	}
	end();
}

/* The tempo of a player's MIDI clock, where a host let the room follow it. */
static void test_follow(void)
{
	struct snapshot *s;

	begin();
	plays(BOB, MIDI_CLOCK, 9750 & 0xff, 9750 >> 8);
	s = now();
	g_assert_cmpuint(s->tempo.mbpm, ==, 120000);
	mem_deref(s);
	says(&party[BOB], "/tutti/tempo/follow", 's', 0, "bob");
	run(5);
	g_assert_cmpuint(control_follows(control, "band"), ==, 0);
	says(&party[ANNA], "/tutti/tempo/follow", 's', 0, "bob");
	run(5);
	g_assert_cmpuint(control_follows(control, "band"), ==, party[BOB].member);
	plays(BOB, MIDI_CLOCK, 9750 & 0xff, 9750 >> 8);
	plays(CARL, MIDI_CLOCK, 5000 & 0xff, 5000 >> 8);
	s = now();
	g_assert_cmpuint(s->tempo.mbpm, ==, 97500);
	mem_deref(s);
	says(&party[ANNA], "/tutti/tempo/follow", 's', 0, "");
	run(5);
	g_assert_cmpuint(control_follows(control, "band"), ==, 0);
	end();
}

/* --- MIDI --- */

static struct midipeer drums, synth;

static void midi_joins(struct midipeer *p, const char *name, uint32_t member)
{
	midipeer_join(p, net, room, name, 1, false);
	player_set_member(p->player, member);
	run(50);
}

/* Who takes MIDI gets start, 24 clocks to a beat in time, and stop; not while a player sends clocks of its own. */
static void test_midi_clock(void)
{
	struct midipeer_stream *s;
	struct beat b;
	unsigned n;

	begin();
	midi_joins(&drums, "drums", 0);
	midi_joins(&synth, "synth", 0);
	says(&party[ANNA], "/tutti/transport/start", 0, 0, NULL);
	run(50);
	s = midipeer_hears(&synth, NULL);
	g_assert_nonnull(s);
	g_assert_cmpuint(s->starts, ==, 1);
	g_assert_cmpuint(s->clocks, ==, 0);       /* the first is the beat itself */
	run(2060);
	g_assert_cmpint(control_beat(control, "band", &b), ==, 0);
	g_assert_cmpuint(s->clock_us[0], >=, mixer_smp_us(b.now.at_smp));
	g_assert_cmpuint(s->clock_us[0], <=, mixer_smp_us(b.now.at_smp) + 2100);
	n = (unsigned)((s->clock_us[1] - s->clock_us[0] + 10000) * 2 * BEAT_CLOCKS / 1000000) + 1;
	g_assert_cmpuint(s->clocks, ==, n);
	g_assert_cmpuint(n, >, 90);
	says(&party[ANNA], "/tutti/transport/stop", 0, 0, NULL);
	run(20);
	n = s->clocks;
	run(1000);
	g_assert_cmpuint(s->stops, ==, 1);
	g_assert_cmpuint(s->clocks, ==, n);
	for (int i = 0; i < 200; i++) {           /* the drums' own, at 125 */
		midipeer_play(&drums, MIDI_CLOCK, 0, 0);
		run(20);
		if (i == 50)
			says(&party[ANNA], "/tutti/transport/continue", 0, 0, NULL);
	}
	g_assert_cmpuint(s->clocks, <=, n + 200);         /* those, and none of the house's */
	g_assert_cmpuint(s->starts, ==, 1);
	n = midipeer_hears(&drums, NULL)->clocks;
	run(3000);
	g_assert_cmpuint(midipeer_hears(&drums, NULL)->clocks, >, n);     /* they are silent for long: now the house's again */
	midipeer_leave(&drums);
	midipeer_leave(&synth);
	end();
}

/* Who comes while the beat runs is told to go on at the next bar, once, behind where that is. */
static void test_midi_late(void)
{
	struct midipeer_stream *s;
	unsigned clocks;

	begin();
	says(&party[ANNA], "/tutti/transport/start", 0, 0, NULL);
	run(1000);
	midi_joins(&synth, "synth", 0);
	run(500);
	s = midipeer_hears(&synth, NULL);
	g_assert_nonnull(s);
	g_assert_cmpuint(s->starts, ==, 0);       /* in the middle of the first bar, which takes 2 s */
	clocks = s->clocks;
	g_assert_cmpuint(clocks, >, 20);
	run(700);
	g_assert_cmpuint(s->starts, ==, 1);
	run(5000);
	g_assert_cmpuint(s->starts, ==, 1);
	midipeer_leave(&synth);
	end();
}

/* A player's MIDI clock, over a link with jitter, becomes the room's tempo. */
static void test_midi_follow(void)
{
	static const struct gestlink link = {.delay_us = 10000, .jitter_us = 5000};
	struct snapshot *s;
	unsigned late = 0;

	begin();
	midi_joins(&drums, "drums", party[BOB].member);
	gestnet_link(drums.end, &link);
	says(&party[ANNA], "/tutti/tempo/follow", 's', 0, "bob");
	for (int i = 0; i < 500; i++) {
		midipeer_play(&drums, MIDI_CLOCK, 0, 0);
		late += i % 3 == 2;                       /* 24, 24, 25 ms: 102.74 a minute */
		run(i % 3 == 2 ? 25 : 24);
	}
	s = now();
	g_test_message("%u.%03u a minute", s->tempo.mbpm / 1000, s->tempo.mbpm % 1000);
	g_assert_cmpuint(s->tempo.mbpm, >, 102000);
	g_assert_cmpuint(s->tempo.mbpm, <, 103500);
	g_assert_cmpuint(s->tempo.follow, ==, party[BOB].member);
	mem_deref(s);
	g_assert_cmpuint(late, >, 0);
	midipeer_leave(&drums);
	end();
}

/* Faders of a real line, not told by hand. */
static void test_midi_surface(void)
{
	struct snapshot *s;

	begin();
	midi_joins(&drums, "drums", party[BOB].member);
	midipeer_play(&drums, 0xb1, 7, 0);
	midipeer_play(&drums, 0x90, 40, 100);
	run(50);
	g_assert_cmpfloat(gain_of(BOB, CARL), ==, 0);
	s = now();
	g_assert_true(s->member[BOB].muted);
	mem_deref(s);
	midipeer_leave(&drums);
	end();
}

static void let_act(int whose, const char *name)
{
	g_assert_cmpint(control_run(control, &(struct actor){.kind = ACTOR_MEMBER, .member = party[ANNA].member},
				    &(struct command){.verb = VERB_CONTROLLER, .member = party[whose].member, .text = name}, NULL), ==, 0);
}

static bool is_muted(int i)
{
	struct snapshot *s = now();
	bool muted = false;

	for (size_t k = 0; k < s->n_members; k++)
		muted |= s->member[k].id == party[i].member && s->member[k].muted;
	mem_deref(s);
	return muted;
}

static bool is_locked(void)
{
	struct snapshot *s = now();
	const bool locked = s->locked;

	mem_deref(s);
	return locked;
}

/* A session of AppleMIDI has no member. Its faders do nothing until it is let act for one, then what that member may, and a key on it
 * turns over what is so. Let go it is nobody again. */
static void test_apple(void)
{
	struct appleports_conf conf = {.ports = "band:5004", .from = "any", .max = 4};
	struct appleports *ports;
	struct sa at[2];
	struct mac pad;

	begin();
	g_assert_cmpint(sa_set_str(&conf.local, "10.0.0.1", 0), ==, 0);
	g_assert_cmpint(appleports_alloc(&ports, gestnet_relay(net), NULL, &conf), ==, 0);
	run(10);
	g_assert_cmpint(appleports_bound(ports, "band", at), ==, 0);
	mac_begin(&pad, net, at, "bob's pad");
	run(3000);
	g_assert_true(pad.opened);
	mac_play(&pad, 0xb1, 7, 0);
	mac_play(&pad, 0x90, 40, 100);
	run(50);
	g_assert_cmpfloat(gain_of(BOB, CARL), ==, 1);
	g_assert_false(is_muted(BOB));

	let_act(BOB, "bob-s-pad");
	mac_play(&pad, 0x90, 40, 100);
	mac_play(&pad, 0xb1, 7, 1);
	run(50);
	g_assert_true(is_muted(BOB));
	g_assert_cmpfloat(gain_of(BOB, CARL), <, 0.1f);
	g_assert_cmpfloat(gain_of(CARL, BOB), ==, 1);
	mac_play(&pad, 0x90, 40, 100);
	mac_play(&pad, 0x90, 41, 100);
	run(50);
	g_assert_false(is_muted(BOB));
	g_assert_false(is_locked());              /* bob is no host */

	let_act(BOB, "");
	mac_play(&pad, 0x90, 40, 100);
	run(50);
	g_assert_false(is_muted(BOB));
	let_act(CARL, "bob-s-pad");
	mac_play(&pad, 0x90, 40, 100);
	run(50);
	g_assert_false(is_muted(BOB));
	g_assert_true(is_muted(CARL));
	mac_leave(&pad);
	run(50);
	mem_deref(ports);
	run(50);
	mac_end(&pad);
	end();
}

/* --- delays --- */

static void says_latency(struct party *p, int capture_us, int playback_us, int buffer_us, int rtt_us)
{
	const struct osc_arg a[] = {{.tag = 'i', .v.i = capture_us}, {.tag = 'i', .v.i = playback_us}, {.tag = 'i', .v.i = buffer_us},
				    {.tag = 'i', .v.i = rtt_us}};
	uint8_t buf[128];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/me/latency", a, rtt_us ? 4 : 3);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	gestnet_send(p->end, &p->server, buf, len);
	run(5);
}

/* The table is made once a second. */
static void seconds(unsigned n)
{
	while (n--) {
		(void)clock_advance(1000);
		run(5);
	}
}

static unsigned heard_of(const struct party *p, const char *begin)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += g_str_has_prefix(p->heard[i].text, begin);
	return n;
}

/* Nothing sounds here, so all that is known is what they say: half a round trip, capture, playback and buffer. */
static void test_delays(void)
{
	begin_music(true);
	all_listen();
	says_latency(&party[ANNA], 2500, 4000, 1500, 6000);
	says_latency(&party[BOB], 3500, 2000, 500, 2000);
	seconds(1);
	/* Anna hears Bob after 3.5 + 1 here and 3 + 4 + 1.5 there, and he her after 2.5 + 3 + 1 + 2 + 0.5. */
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/bob/delay 13"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/member/bob/delay/parts 3.5 1 0 0 3 5.5"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/member/anna/delay 9"), ==, 1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/member/anna/delay/parts 2.5 3 0 0 1 2.5"), ==, 1);
	g_assert_cmpuint(heard_of(&party[ANNA], "/tutti/member/anna/delay"), ==, 0);      /* of oneself there is none */
	forget();
	seconds(3);
	g_assert_cmpuint(heard_of(&party[ANNA], "/tutti/member"), ==, 0);         /* nothing is otherwise */
	/* Whose half before the mix changes is told to all, whose half behind it changes is told of all. */
	says_latency(&party[ANNA], 4500, 4000, 1500, 6000);
	seconds(1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/member/anna/delay 11"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/member/anna/delay 7.5"), ==, 1);
	g_assert_cmpuint(heard_of(&party[ANNA], "/tutti/member"), ==, 0);
	g_assert_cmpuint(heard_of(&party[CARL], "/tutti/member/bob"), ==, 0);
	forget();
	/* Who asks is told of all. */
	says(&party[CARL], "/tutti/ask", 0, 0, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/me/name carl"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/member/anna/delay 7.5"), ==, 1);
	g_assert_cmpuint(heard(&party[CARL], "/tutti/member/bob/delay 4.5"), ==, 1);
	g_assert_cmpuint(heard_of(&party[ANNA], "/tutti"), ==, 0);
	forget();
	says(&party[BOB], "/tutti/me/latency", 'i', 1, NULL);
	run(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/error /tutti/me/latency other arguments are wanted"), ==, 1);
	end();
}

static void test_delay_warning(void)
{
	begin_music(true);
	all_listen();
	says_latency(&party[ANNA], 24000, 0, 0, 0);
	says_latency(&party[BOB], 0, 1500, 0, 0);
	seconds(2);
	g_assert_cmpuint(heard_of(&party[BOB], "/tutti/warn"), ==, 0);
	seconds(1);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/warn/delay anna 25.5"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/warn/delay bob 25.5"), ==, 1);
	g_assert_cmpuint(heard_of(&party[CARL], "/tutti/warn"), ==, 0);           /* it is not about him */
	forget();
	says_latency(&party[ANNA], 20000, 0, 0, 0);
	seconds(5);
	g_assert_cmpuint(heard(&party[BOB], "/tutti/warn/delay anna 0"), ==, 1);
	g_assert_cmpuint(heard(&party[ANNA], "/tutti/warn/delay bob 0"), ==, 1);
	end();
}

/* In a room for voices nobody is told. */
static void test_delays_voice(void)
{
	begin();
	all_listen();
	says_latency(&party[ANNA], 90000, 4000, 1500, 6000);
	seconds(5);
	says(&party[BOB], "/tutti/ask", 0, 0, NULL);
	run(5);
	g_assert_cmpuint(heard_of(&party[BOB], "/tutti/member/anna/delay") + heard_of(&party[BOB], "/tutti/warn"), ==, 0);
	end();
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	clock_open();
	g_test_add_func("/desk/rights", test_rights);
	g_test_add_func("/desk/wrong", test_wrong);
	g_test_add_func("/desk/nobody-behind", test_nobody_behind);
	g_test_add_func("/desk/mix", test_mix);
	g_test_add_func("/desk/surface", test_surface);
	g_test_add_func("/desk/events", test_events);
	g_test_add_func("/desk/beat", test_beat);
	g_test_add_func("/desk/names", test_names);
	g_test_add_func("/desk/room-ends", test_room_ends);
	g_test_add_func("/desk/levels", test_levels);
	g_test_add_func("/desk/clock", test_clock);
	g_test_add_func("/desk/follow", test_follow);
	g_test_add_func("/desk/midi-clock", test_midi_clock);
	g_test_add_func("/desk/midi-late", test_midi_late);
	g_test_add_func("/desk/midi-follow", test_midi_follow);
	g_test_add_func("/desk/midi-surface", test_midi_surface);
	g_test_add_func("/desk/apple", test_apple);
	g_test_add_func("/desk/delays", test_delays);
	g_test_add_func("/desk/delay-warning", test_delay_warning);
	g_test_add_func("/desk/delays-voice", test_delays_voice);
	err = g_test_run();
	clock_close();
	wheel_close();
	libre_close();
	return err;
}
