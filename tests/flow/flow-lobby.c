/*
 * flow-lobby.c - callers who are asked where they want to go and for a PIN, as ladders: keys by INFO on the test's clock.
 */
#include <glib.h>
#include <string.h>
#include "control/log.h"
#include "tests/lib/house.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

static struct house house;
static unsigned n_security;
static char last_security[512];

static void on_log(const char *line, void *arg)
{
	if (!strstr(line, "security action="))
		return;
	n_security++;
	g_strlcpy(last_security, line, sizeof(last_security));
}

static void open_house(const char *ini)
{
	n_security = 0;
	log_set_sink(on_log, NULL);
	house_open(&house, ini);
}

static void close_house(void)
{
	house_close(&house);
	log_set_sink(NULL, NULL);
}

/* A room that stays, with settings as "name", "value", ..., NULL. */
static void room_with(const char *room, const char *const *pairs)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	struct setting s[8];
	struct command cmd = { .verb = VERB_CREATE, .room = room };

	g_assert_cmpint(control_run(house.control, &system, &cmd, NULL), ==, 0);
	for (; pairs[2 * cmd.n_settings]; cmd.n_settings++)
		s[cmd.n_settings] = (struct setting){ pairs[2 * cmd.n_settings], pairs[2 * cmd.n_settings + 1] };
	cmd.verb = VERB_CHANGE;
	cmd.settings = s;
	g_assert_cmpint(control_run(house.control, &system, &cmd, NULL), ==, 0);
}

static struct ua *phone_at(const char *address, const char *user)
{
	struct ua *ua = NULL;

	g_assert_cmpint(ua_alloc_at(&ua, SIP_TRANSP_UDP, &house.udp, address), ==, 0);
	(void)re_snprintf(ua->to, sizeof(ua->to), "sip:%s@%J", user, &house.udp);
	return ua;
}

static struct ua *calls_from(struct ua *ua)
{
	ua_request(ua, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ua, "SIP/2.0 200");
	ua_ack(ua, NULL);
	sim_advance(1000);
	return ua;
}

static struct ua *calls(const char *user)
{
	return calls_from(phone_at("127.0.0.1", user));
}

static void press(struct ua *ua, const char *keys)
{
	for (; *keys; keys++) {
		const char body[2] = { *keys, '\0' };

		ua_request(ua, "INFO", "Content-Type: application/dtmf\r\n", body);
		ua_expect(ua, "SIP/2.0 200");
		sim_advance(200);
	}
}

static void hangs_up(struct ua *ua)
{
	ua_request(ua, "BYE", NULL, NULL);
	ua_expect(ua, "SIP/2.0 200");
	mem_deref(ua);
	sim_advance(20);
}

static void is_sent_away(struct ua *ua)
{
	ua_expect(ua, "BYE ");
	ua_reply(ua, 200, "OK", NULL, NULL);
	mem_deref(ua);
	sim_advance(100);
}

static void by_number(void)
{
	static const char *const aliases[] = { "aliases", "4711,4712", NULL };
	struct ua *ann;

	open_house("[rooms]\nauto = no\n");
	room_with("band", aliases);
	ann = calls("lobby");
	g_assert_false(ua_has(ann, ";isfocus"));          /* it is nowhere yet */
	g_assert_cmpuint(focus_calls(house.focus), ==, 1);
	g_assert_cmpuint(control_members(house.control), ==, 0);
	press(ann, "99#");
	g_assert_cmpuint(control_members(house.control), ==, 0);
	g_assert_nonnull(strstr(last_security, "action=room-unknown method=INVITE"));
	press(ann, "4712#");
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	press(ann, "*6");                                 /* now its keys are the room's */
	{
		struct snapshot *s = house_room(&house, "band");

		g_assert_true(s->member[0].muted);
		mem_deref(s);
	}
	hangs_up(ann);
	close_house();
}

/* With rooms.auto a caller who could dial any number can type any. */
static void any_number(void)
{
	struct ua *ann;

	open_house(NULL);
	ann = calls("lobby");
	press(ann, "100#");
	g_assert_cmpuint(house_members(&house, "100"), ==, 1);
	hangs_up(ann);
	close_house();
}

static const char *const pins[] = { "guest-pin", "4711", "host-pin", "0815", NULL };

static void pin(void)
{
	struct ua *ann, *ben;
	struct snapshot *s;

	open_house(NULL);
	room_with("secret", pins);
	ann = calls("secret");
	g_assert_cmpuint(house_members(&house, "secret"), ==, 0);
	press(ann, "4711#");
	g_assert_cmpuint(house_members(&house, "secret"), ==, 1);
	ben = calls("secret");
	press(ben, "0815");
	sim_advance(6000);                                /* who forgets the # */
	s = house_room(&house, "secret");
	g_assert_cmpuint(s->n_members, ==, 2);
	g_assert_cmpint(s->member[0].role, ==, ROLE_SPEAKER);
	g_assert_cmpint(s->member[1].role, ==, ROLE_HOST);
	mem_deref(s);
	g_assert_cmpuint(n_security, ==, 0);
	hangs_up(ann);
	hangs_up(ben);
	close_house();
}

static void wrong_pin(void)
{
	struct ua *ann;

	open_house(NULL);
	room_with("secret", pins);
	ann = calls("secret");
	press(ann, "0000#1111#2222#");
	g_assert_cmpuint(n_security, ==, 3);
	g_assert_nonnull(strstr(last_security, "action=pin-failure method=INVITE"));
	g_assert_nonnull(strstr(last_security, "from=127.0.0.1 port="));
	g_assert_null(strstr(last_security, "2222"));
	is_sent_away(ann);
	g_assert_cmpuint(focus_calls(house.focus), ==, 0);
	close_house();
}

/* Four wrong ones in a minute, and one more that the time between gives: then even the right one is not tried, also in another call; from elsewhere it is. */
static void rate(void)
{
	struct ua *ann;

	open_house("[rooms]\npin-rate = 4\n");
	room_with("secret", pins);
	ann = calls("secret");
	press(ann, "0000#1111#2222#");
	is_sent_away(ann);
	ann = calls("secret");
	press(ann, "0000#1111#4711#");
	g_assert_cmpuint(house_members(&house, "secret"), ==, 0);
	g_assert_nonnull(strstr(last_security, "action=pin-rate"));
	is_sent_away(ann);
	ann = calls_from(phone_at("127.0.0.2", "secret"));
	press(ann, "4711#");
	g_assert_cmpuint(house_members(&house, "secret"), ==, 1);
	hangs_up(ann);
	sim_advance(70000);
	ann = calls("secret");
	press(ann, "4711#");
	g_assert_cmpuint(house_members(&house, "secret"), ==, 1);
	hangs_up(ann);
	close_house();
}

/* Right ones cost nothing: all callers of a trunk have one address. */
static void right_ones(void)
{
	struct ua *ua[8];

	open_house("[rooms]\npin-rate = 2\n");
	room_with("secret", pins);
	for (size_t i = 0; i < G_N_ELEMENTS(ua); i++) {
		ua[i] = calls("secret");
		press(ua[i], "4711#");
	}
	g_assert_cmpuint(house_members(&house, "secret"), ==, G_N_ELEMENTS(ua));
	for (size_t i = 0; i < G_N_ELEMENTS(ua); i++)
		hangs_up(ua[i]);
	close_house();
}

/* A number of a trunk that leads nowhere, and one that the table sends to the lobby. */
static void numbers(void)
{
	struct ua *provider, *ann;

	open_house("[did +4930555]\nroom = lobby\n[trunk work]\nuri = sip:127.0.0.3\nregister = no\nkeepalive = 0\n");
	ann = calls("+4930555");
	press(ann, "100#");
	g_assert_cmpuint(house_members(&house, "100"), ==, 1);
	hangs_up(ann);
	provider = calls_from(phone_at("127.0.0.3", "+493099"));
	g_assert_cmpuint(focus_calls(house.focus), ==, 1);
	g_assert_cmpuint(control_members(house.control), ==, 0);
	hangs_up(provider);
	close_house();
}

static void silent(void)
{
	struct ua *ann;

	open_house(NULL);
	ann = calls("lobby");
	sim_advance(45000);
	is_sent_away(ann);
	close_house();
}

/* Its keys come by DTLS, it says: nobody is asked, or judged by what it presses, before they have; and when they do not, it ends. */
static void no_keys(void)
{
	struct ua *ann;
	char sdp[1024];

	open_house(NULL);
	room_with("jazz", pins);
	ann = phone_at("127.0.0.1", "jazz");
	(void)re_snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			  "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\na=fingerprint:sha-256 4A:AD:B9:B1:3F:82:18:3B:"
			  "54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF\r\na=rtcp-mux\r\n");
	ua_request(ann, "INVITE", NULL, sdp);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, " UDP/TLS/RTP/SAVP 0") && ua_has(ann, "a=setup:active") && ua_has(ann, "a=fingerprint:sha-256 "));
	ua_ack(ann, NULL);
	sim_advance(1000);
	press(ann, "4711#");
	sim_advance(1000);
	g_assert_cmpuint(house_members(&house, "jazz"), ==, 0);
	g_assert_cmpuint(n_security, ==, 0);
	ua_expect_none(ann, 20000);
	sim_advance(12000);
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "cause=488") && ua_has(ann, "no keys by DTLS"));
	ua_reply(ann, 200, "OK", NULL, NULL);
	mem_deref(ann);
	close_house();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lobby/by-number", by_number);
	g_test_add_func("/lobby/any-number", any_number);
	g_test_add_func("/lobby/pin", pin);
	g_test_add_func("/lobby/wrong-pin", wrong_pin);
	g_test_add_func("/lobby/rate", rate);
	g_test_add_func("/lobby/right-ones", right_ones);
	g_test_add_func("/lobby/numbers", numbers);
	g_test_add_func("/lobby/silent", silent);
	g_test_add_func("/lobby/no-keys", no_keys);
	return g_test_run();
}
