/*
 * flow-focus.c - the focus as ladders: who calls what, what they get, and who is in which room afterwards.
 */
#include <glib.h>
#include <string.h>
#include "mixer/engine.h"
#include "server/auth.h"
#include "tests/lib/house.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

static struct house house;

/* The peers a dial-out may reach listen on ports of their own; the allow list lets any number of 127.0.0.1 be dialled. */
#define HOST   "[account chair]\npassword = secret\nrole = host\n[account ear]\npassword = quiet\nrole = listener\n"
#define DIAL   "[dial]\nallow = sip:*@127.0.0.1*\ntimeout = 20\n"

/* --- words of the ladders --- */

static struct ua *phone(const char *user)
{
	struct ua *ua = NULL;

	g_assert_cmpint(ua_alloc(&ua, SIP_TRANSP_UDP, &house.udp), ==, 0);
	if (user)
		(void)re_snprintf(ua->to, sizeof(ua->to), "sip:%s@%J", user, &house.udp);

	return ua;
}

static struct ua *joins(const char *room)
{
	struct ua *ua = phone(room);

	ua_request(ua, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ua, "SIP/2.0 200");
	ua_ack(ua, NULL);
	sim_advance(20);

	return ua;
}

static void hangs_up(struct ua *ua)
{
	ua_request(ua, "BYE", NULL, NULL);
	ua_expect(ua, "SIP/2.0 200");
	mem_deref(ua);
	sim_advance(20);
}

/* INVITE to user gives this status, and nobody is in any room. */
static void refused(const char *user, const char *status)
{
	struct ua *ua = phone(user);

	ua_request(ua, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ua, status);
	ua_ack_failed(ua);
	mem_deref(ua);
	sim_advance(20);
}

static struct snapshot_member member(const char *room, size_t i)
{
	struct snapshot *s = house_room(&house, room);
	struct snapshot_member m;

	g_assert_nonnull(s);
	g_assert_cmpuint(s->n_members, >, i);
	m = s->member[i];
	mem_deref(s);

	return m;
}

/* The challenge in ua->msg answered as `user`, as header lines for the next request. */
static const char *credentials(struct ua *ua, const char *method, const char *user, const char *password)
{
	static char line[512];
	const struct auth_cred cred = { .realm = "tutti", .user = user, .password = password };
	struct mbuf *mb = mbuf_alloc(4096);
	struct sip_msg *msg = NULL;
	uint32_t nc = 0;

	mbuf_write_str(mb, ua->msg);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	g_assert_cmpint(auth_answer(line, sizeof(line), msg, method, ua->to, &cred, &nc), ==, 0);
	mem_deref(msg);
	mem_deref(mb);

	return line;
}

/* From is what the account policy looks at: the peer's raw text is written with it. */
static void request_as(struct ua *ua, const char *method, const char *user, const char *hdrs, const char *body)
{
	char text[4096];
	int n;

	n = re_snprintf(text, sizeof(text),
			"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %J;branch=z9hG4bK%08x\r\nFrom: <sip:%s@x>;tag=%s\r\nTo: <%s>\r\n"
			"Call-ID: %s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\nContact: <sip:%s@%J>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
			method, ua->to, &ua->me, rand_u32(), user, ua->ltag, ua->to, ua->callid, ++ua->cseq, method, user, &ua->me,
			hdrs ? hdrs : "", body ? "Content-Type: application/sdp\r\n" : "", body ? strlen(body) : (size_t)0,
			body ? body : "");
	g_assert_cmpint(n, >, 0);
	ua_raw(ua, text, (size_t)n);
}

/* REFER sip:room to the focus, as the chair with a password. The answer is for the test to expect. */
static struct ua *chair_refers(const char *room, const char *hdrs)
{
	struct ua *ua = phone(room);
	char all[1024];

	request_as(ua, "REFER", "chair", hdrs, NULL);
	ua_expect(ua, "SIP/2.0 401");
	(void)re_snprintf(all, sizeof(all), "%s%s", credentials(ua, "REFER", "chair", "secret"), hdrs);
	request_as(ua, "REFER", "chair", all, NULL);

	return ua;
}

static char *refer_to(const struct ua *callee)
{
	static char hdr[128];

	(void)re_snprintf(hdr, sizeof(hdr), "Refer-To: <sip:ben@%J>\r\n", &callee->me);

	return hdr;
}

/* --- coming in --- */

static void room_of_two(void)
{
	struct ua *ann, *ben;

	house_open(&house, NULL);
	ann = joins("band");
	g_assert_true(ua_has(ann, "Contact: <sip:band@127.0.0.1:"));
	g_assert_true(ua_has(ann, ";isfocus"));
	g_assert_true(ua_has(ann, "m=audio "));
	ben = joins("BAND");                              /* names are one without case */
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);

	hangs_up(ann);
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	ua_expect_none(ben, 5000);                        /* the BYE of one never disturbs another */

	hangs_up(ben);
	sim_advance(6000);
	g_assert_cmpuint(control_rooms(house.control), ==, 0);      /* an automatic room ends when it stays empty */
	house_close(&house);
}

/* A call whose description is that of a musician opens a room of music, whatever its name; a phone does not, nor does a musician
 * change the room of a phone. */
static void opened_for_music(void)
{
	static const char musician[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 4002 RTP/AVP 96\r\na=rtpmap:96 L16/48000/2\r\na=ptime:1.333\r\n";
	static const struct { const char *room; bool musician, music; } calls[] = {
		{ "band", true, true }, { "band", false, true }, { "office", false, false }, { "office", true, false },
	};
	struct ua *ua[G_N_ELEMENTS(calls)];

	house_open(&house, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		struct snapshot *s;

		ua[i] = phone(calls[i].room);
		ua_request(ua[i], "INVITE", NULL, calls[i].musician ? musician : house_sdp(4000, "sendrecv"));
		ua_expect(ua[i], "SIP/2.0 200");
		g_assert_true(!calls[i].musician || ua_has(ua[i], calls[i].music ? "a=ptime:1.333\r\n" : "a=ptime:20\r\n"));
		ua_ack(ua[i], NULL);
		sim_advance(20);
		s = house_room(&house, calls[i].room);
		g_assert_true(s->music == calls[i].music);
		mem_deref(s);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		hangs_up(ua[i]);
	house_close(&house);
}

static void unknown_rooms(void)
{
	house_open(&house, "[rooms]\nauto = no\n");
	refused("band", "SIP/2.0 404");
	refused("conference", "SIP/2.0 403");
	refused("%00", "SIP/2.0 404");
	g_assert_cmpuint(focus_calls(house.focus), ==, 0);
	house_close(&house);

	house_open(&house, NULL);
	refused("no/such*name", "SIP/2.0 404");
	house_close(&house);
}

static void factory(void)
{
	char a[128], b[128];
	struct ua *ann, *ben;

	house_open(&house, NULL);
	ann = joins("conference");
	ua_header(ann, "Contact", a, sizeof(a));
	ben = joins("conference");
	ua_header(ben, "Contact", b, sizeof(b));

	g_assert_true(g_str_has_prefix(a, "<sip:conf-"));
	g_assert_nonnull(strstr(a, ";isfocus"));
	g_assert_cmpstr(a, !=, b);                        /* each call to the factory makes a room of its own */
	g_assert_cmpuint(control_rooms(house.control), ==, 2);

	hangs_up(ann);
	hangs_up(ben);
	house_close(&house);
}

static void echo(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("echo");
	g_assert_false(ua_has(ann, ";isfocus"));
	g_assert_cmpuint(control_members(house.control), ==, 0);
	g_assert_cmpuint(focus_calls(house.focus), ==, 1);
	hangs_up(ann);
	g_assert_cmpuint(focus_calls(house.focus), ==, 0);
	house_close(&house);
}

static void numbers(void)
{
	struct ua *ann, *ben;

	house_open(&house, "[did +4930123]\nroom = band\n");
	ann = joins("+4930123");
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);

	ben = phone(NULL);
	str_ncpy(ben->to, "tel:+4930123", sizeof(ben->to));
	ua_request(ben, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ben, "SIP/2.0 200");
	ua_ack(ben, NULL);
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);

	hangs_up(ann);
	hangs_up(ben);
	house_close(&house);
}

static void closed_to_strangers(void)
{
	house_open(&house, "[rooms]\nopen-to = none\n");
	refused("band", "SIP/2.0 403");
	house_close(&house);
}

static void too_many_calls(void)
{
	struct ua *ann;

	house_open(&house, "[sip]\nmax-calls = 1\n");
	ann = joins("band");
	{
		struct ua *ben = phone("band");

		ua_request(ben, "INVITE", NULL, house_sdp(4000, "sendrecv"));
		ua_expect(ben, "SIP/2.0 503");
		g_assert_true(ua_has(ben, "Retry-After: "));
		ua_ack_failed(ben);
		mem_deref(ben);
	}
	hangs_up(ann);
	ann = joins("band");                              /* there is room again */
	hangs_up(ann);
	house_close(&house);
}

static void load_is(uint32_t percent)
{
	atomic_store(&house.mixer->threads[0]->share, percent * 10000);
}

/* A new call is refused, who is in may change what was agreed, and later there is room again. */
static void overloaded(void)
{
	struct ua *ann, *ben;

	house_open(&house, "[media]\nmax-load = 70\n");
	ann = joins("band");
	load_is(71);
	ben = phone("band");
	ua_request(ben, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ben, "SIP/2.0 503");
	g_assert_true(ua_has(ben, "Retry-After: 10"));
	ua_ack_failed(ben);
	mem_deref(ben);
	sim_advance(20);
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	ua_request(ann, "INVITE", NULL, house_sdp(4000, "sendonly"));
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	load_is(70);
	ben = joins("band");
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);
	hangs_up(ben);
	hangs_up(ann);
	house_close(&house);
}

/* --- accounts --- */

static void account_needs_its_password(void)
{
	struct ua *ann;

	house_open(&house, HOST);
	ann = phone("band");
	request_as(ann, "INVITE", "chair", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 401");
	g_assert_true(ua_has(ann, "algorithm=SHA-256"));
	g_assert_true(ua_has(ann, "algorithm=MD5"));
	request_as(ann, "INVITE", "chair", credentials(ann, "INVITE", "chair", "wrong"), house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 401");
	request_as(ann, "INVITE", "chair", credentials(ann, "INVITE", "ear", "quiet"), house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 403");                    /* a right password does not give somebody else's name */
	g_assert_cmpuint(control_members(house.control), ==, 0);
	mem_deref(ann);
	sim_advance(40000);
	house_close(&house);
}

static void account_gives_its_role(void)
{
	struct ua *ann;

	house_open(&house, HOST "[auth]\nrequired = yes\n");
	ann = phone("band");
	request_as(ann, "INVITE", "chair", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 401");
	request_as(ann, "INVITE", "chair", credentials(ann, "INVITE", "chair", "secret"), house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 200");
	g_assert_cmpint(member("band", 0).role, ==, ROLE_HOST);
	mem_deref(ann);
	house_close(&house);
}

/* --- in a call --- */

static void hold_and_back(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("band");

	ua_request(ann, "INVITE", NULL, house_sdp(4000, "sendonly"));
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "a=recvonly"));
	ua_ack(ann, NULL);
	sim_advance(20);
	g_assert_true(member("band", 0).hold);

	ua_request(ann, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "a=sendrecv"));
	ua_ack(ann, NULL);
	sim_advance(20);
	g_assert_false(member("band", 0).hold);

	hangs_up(ann);
	house_close(&house);
}

static void refused_offer_changes_nothing(void)
{
	static const char video[] = "v=0\r\no=- 1 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
				    "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 speex/8000\r\n";
	struct snapshot_member before, after;
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("band");
	house_turn(&house);
	before = member("band", 0);

	ua_request(ann, "INVITE", NULL, video);
	ua_expect(ann, "SIP/2.0 488");
	ua_ack_failed(ann);
	house_turn(&house);
	after = member("band", 0);
	g_assert_cmpstr(before.leg.tx_codec, ==, "PCMU");
	g_assert_cmpstr(before.leg.tx_codec, ==, after.leg.tx_codec);
	g_assert_cmpstr(before.leg.rx_codec, ==, after.leg.rx_codec);
	g_assert_cmpint(before.id, ==, after.id);

	hangs_up(ann);
	house_close(&house);
}

/* The answer takes redundant audio where the settings say so, and extended reports in any case. */
static void redundant(void)
{
	static const char offer[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 4000 RTP/AVP 0 63\r\na=rtpmap:63 red/8000\r\na=fmtp:63 0/0\r\na=rtcp-xr:voip-metrics\r\n";

	for (unsigned on = 0; on < 2; on++) {
		struct ua *ann;

		house_open(&house, on ? "[media]\nred = yes\n" : NULL);
		ann = phone("band");
		ua_request(ann, "INVITE", NULL, offer);
		ua_expect(ann, "SIP/2.0 200");
		g_assert_true(ua_has(ann, "a=fmtp:63 0/0\r\n") == (on == 1));
		g_assert_true(ua_has(ann, "a=rtcp-xr:voip-metrics\r\n"));
		ua_ack(ann, NULL);
		sim_advance(20);
		house_turn(&house);
		g_assert_cmpstr(member("band", 0).leg.tx_codec, ==, "PCMU");
		hangs_up(ann);
		house_close(&house);
	}
}

static void key_by_info(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("band");
	ua_request(ann, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=*\r\nDuration=160\r\n");
	ua_expect(ann, "SIP/2.0 200");
	ua_request(ann, "INFO", "Content-Type: application/dtmf\r\n", "6");
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(member("band", 0).muted);

	ua_request(ann, "INFO", "Content-Type: application/x-unknown\r\n", "?");
	ua_expect(ann, "SIP/2.0 415");
	g_assert_true(ua_has(ann, "Accept: application/dtmf-relay"));
	hangs_up(ann);
	house_close(&house);
}

static void kicked(void)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	struct command kick = { .verb = VERB_KICK, .text = "too \"loud\"\r\nX: y" };
	struct ua *ann, *ben;

	house_open(&house, NULL);
	ann = joins("band");
	ben = joins("band");
	kick.member = member("band", 0).id;
	g_assert_cmpint(control_run(house.control, &system, &kick, NULL), ==, 0);
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "Reason: SIP;cause=200;text=\"too loud??X: y\"\r\n"));
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect_none(ben, 1000);
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	mem_deref(ann);
	hangs_up(ben);
	house_close(&house);
}

static void locked(void)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	const struct command lock = { .verb = VERB_LOCK, .room = "band", .on = true };
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("band");
	g_assert_cmpint(control_run(house.control, &system, &lock, NULL), ==, 0);
	refused("band", "SIP/2.0 403");
	hangs_up(ann);
	house_close(&house);
}

/* Its day is over: 480, which sends nobody to another server. A host of the room's account would come in. */
static void not_open(void)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	const struct setting end = { "end", "2001-01-01T00:00" };
	const struct command create = { .verb = VERB_CREATE, .room = "band", .settings = &end, .n_settings = 1 };

	house_open(&house, NULL);
	g_assert_cmpint(control_run(house.control, &system, &create, NULL), ==, 0);
	refused("band", "SIP/2.0 480");
	g_assert_cmpint(control_run(house.control, &system, &(struct command){ .verb = VERB_END, .room = "band" }, NULL), ==, 0);
	house_close(&house);
}

/* A banned caller is told no more than that it may not. */
static void banned(void)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	const struct command create = { .verb = VERB_CREATE, .room = "band" };
	const struct command ban = { .verb = VERB_BAN, .room = "band", .uri = "ua" };
	const struct command end = { .verb = VERB_END, .room = "band" };

	house_open(&house, NULL);
	g_assert_cmpint(control_run(house.control, &system, &create, NULL), ==, 0);
	g_assert_cmpint(control_run(house.control, &system, &ban, NULL), ==, 0);
	refused("band", "SIP/2.0 403");
	g_assert_cmpint(control_run(house.control, &system, &end, NULL), ==, 0);
	house_close(&house);
}

static void draining(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	ann = joins("band");
	focus_drain(house.focus);
	refused("band", "SIP/2.0 503");
	ua_expect_none(ann, 1000);                        /* who is in stays in */
	focus_hangup_all(house.focus, "server stops");
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "server stops"));
	ua_reply(ann, 200, "OK", NULL, NULL);
	mem_deref(ann);
	sim_advance(20);
	g_assert_cmpuint(focus_calls(house.focus), ==, 0);
	house_close(&house);
}

/* --- Replaces and Join --- */

static void dialog_header(char *hdr, size_t size, const char *name, const struct ua *ua)
{
	(void)re_snprintf(hdr, size, "%s: %s;to-tag=%s;from-tag=%s\r\n", name, ua->callid, ua->rtag, ua->ltag);
}

static void replaces(void)
{
	struct ua *ann, *ben, *carl;
	char hdr[256];

	house_open(&house, NULL);
	ann = joins("band");
	carl = joins("band");
	dialog_header(hdr, sizeof(hdr), "Replaces", ann);

	ben = phone("anything");                          /* the dialog named counts, not the address */
	ua_request(ben, "INVITE", hdr, house_sdp(4002, "sendrecv"));
	ua_expect(ben, "SIP/2.0 200");
	ua_ack(ben, NULL);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect_none(carl, 1000);
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);
	g_assert_cmpuint(control_rooms(house.control), ==, 1);

	mem_deref(ann);
	hangs_up(ben);
	hangs_up(carl);
	house_close(&house);
}

static void join_header(void)
{
	struct ua *ann, *ben;
	char hdr[256], both[512];

	house_open(&house, NULL);
	ann = joins("band");
	dialog_header(hdr, sizeof(hdr), "Join", ann);
	ben = phone("anything");
	ua_request(ben, "INVITE", hdr, house_sdp(4002, "sendrecv"));
	ua_expect(ben, "SIP/2.0 200");
	ua_ack(ben, NULL);
	ua_expect_none(ann, 1000);
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);
	hangs_up(ben);

	ben = phone("band");
	(void)re_snprintf(both, sizeof(both), "%sReplaces: %s;to-tag=%s;from-tag=%s\r\n", hdr, ann->callid, ann->rtag, ann->ltag);
	ua_request(ben, "INVITE", both, house_sdp(4002, "sendrecv"));
	ua_expect(ben, "SIP/2.0 400");
	ua_ack_failed(ben);
	ua_new_call(ben);
	ua_request(ben, "INVITE", "Join: nobody@x;to-tag=1;from-tag=2\r\n", house_sdp(4002, "sendrecv"));
	ua_expect(ben, "SIP/2.0 481");
	ua_ack_failed(ben);
	mem_deref(ben);
	hangs_up(ann);
	house_close(&house);
}

/* --- REFER --- */

static void refer_moves(void)
{
	struct ua *ann, *ben;
	char hdr[128];

	house_open(&house, NULL);
	ann = joins("band");
	ben = joins("band");
	(void)re_snprintf(hdr, sizeof(hdr), "Refer-To: <sip:choir@%J>\r\n", &house.udp);
	ua_request(ann, "REFER", hdr, NULL);
	ua_expect(ann, "SIP/2.0 202");
	ua_expect(ann, "NOTIFY ");
	g_assert_true(ua_has(ann, "Event: refer"));
	g_assert_true(ua_has(ann, "Subscription-State: terminated"));
	g_assert_true(ua_has(ann, "Content-Type: message/sipfrag"));
	g_assert_nonnull(strstr(ua_body(ann), "SIP/2.0 200 OK"));
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	g_assert_cmpuint(house_members(&house, "choir"), ==, 1);
	hangs_up(ann);
	hangs_up(ben);
	house_close(&house);
}

static void refer_by_who_may_not(void)
{
	struct ua *ann, *ben;

	house_open(&house, DIAL);
	ann = joins("band");
	ben = phone(NULL);
	ua_request(ann, "REFER", refer_to(ben), NULL);    /* a speaker does not dial */
	ua_expect(ann, "SIP/2.0 403");
	ua_request(ann, "REFER", NULL, NULL);
	ua_expect(ann, "SIP/2.0 400");                    /* no Refer-To */
	hangs_up(ann);

	ann = phone("band");
	ua_request(ann, "REFER", refer_to(ben), NULL);    /* outside a dialog, without an account */
	ua_expect(ann, "SIP/2.0 403");
	sim_advance(10000);
	ua_request(ann, "REFER", refer_to(ben), NULL);    /* and now there is no such room any more */
	ua_expect(ann, "SIP/2.0 404");
	ua_expect_none(ben, 1000);
	mem_deref(ann);
	mem_deref(ben);
	house_close(&house);
}

static void nobody_is_dialled_by_default(void)
{
	struct ua *ann, *ben, *chair;

	house_open(&house, HOST);
	ann = joins("band");
	ben = phone(NULL);
	chair = chair_refers("band", refer_to(ben));
	ua_expect(chair, "SIP/2.0 403");
	ua_expect_none(ben, 1000);
	mem_deref(ben);
	mem_deref(chair);
	hangs_up(ann);
	house_close(&house);
}

static void notified(struct ua *ua, const char *frag, const char *state)
{
	ua_expect(ua, "NOTIFY ");
	g_assert_nonnull(strstr(ua_body(ua), frag));
	g_assert_true(ua_has(ua, state));
	ua_reply(ua, 200, "OK", NULL, NULL);
}

static void refer_dials(void)
{
	struct ua *ann, *ben, *chair;

	house_open(&house, HOST DIAL);
	ann = joins("band");
	ben = phone(NULL);
	chair = chair_refers("band", refer_to(ben));
	ua_expect(chair, "SIP/2.0 202");
	notified(chair, "SIP/2.0 100", "Subscription-State: active");

	ua_expect(ben, "INVITE ");
	g_assert_true(ua_has(ben, ";isfocus"));
	g_assert_true(ua_has(ben, "m=audio "));
	ua_reply(ben, 180, "Ringing", NULL, NULL);
	notified(chair, "SIP/2.0 180", "Subscription-State: active");
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	ua_reply(ben, 200, "OK", NULL, house_sdp(4002, "sendrecv"));
	ua_expect(ben, "ACK ");
	notified(chair, "SIP/2.0 200", "Subscription-State: terminated");
	sim_advance(20);
	g_assert_cmpuint(house_members(&house, "band"), ==, 2);
	g_assert_true(member("band", 1).dialed_out);

	hangs_up(ben);
	hangs_up(ann);
	mem_deref(chair);
	house_close(&house);
}

static void refer_dials_in_vain(void)
{
	struct ua *ann, *ben, *chair;

	house_open(&house, HOST DIAL);
	ann = joins("band");
	ben = phone(NULL);

	chair = chair_refers("band", refer_to(ben));
	ua_expect(chair, "SIP/2.0 202");
	notified(chair, "SIP/2.0 100", "active");
	ua_expect(ben, "INVITE ");
	ua_reply(ben, 486, "Busy Here", NULL, NULL);
	ua_expect(ben, "ACK ");
	notified(chair, "SIP/2.0 486", "terminated");
	mem_deref(chair);

	/* Nobody answers: after dial.timeout the call is cancelled. */
	chair = chair_refers("band", refer_to(ben));
	ua_expect(chair, "SIP/2.0 202");
	notified(chair, "SIP/2.0 100", "active");
	ua_expect(ben, "INVITE ");
	ua_reply(ben, 180, "Ringing", NULL, NULL);
	notified(chair, "SIP/2.0 180", "active");
	notified(chair, "SIP/2.0 408", "terminated");
	ua_expect(ben, "CANCEL ");
	mem_deref(chair);
	mem_deref(ben);

	sim_advance(40000);
	g_assert_cmpuint(house_members(&house, "band"), ==, 1);
	hangs_up(ann);
	house_close(&house);
}

/* A busy trunk challenges our BYE in the name of a realm it does not have: no credential leaves the house. */
static void stranger_gets_no_credentials(void)
{
	struct ua *ann, *ben, *chair;

	house_open(&house, HOST DIAL "[trunk work]\nuri = sip:192.0.2.1\nuser = me\npassword = key\nrealm = trunk.example\nregister = no\n");
	ann = joins("band");
	ben = phone(NULL);
	chair = chair_refers("band", refer_to(ben));
	ua_expect(chair, "SIP/2.0 202");
	notified(chair, "SIP/2.0 100", "active");
	ua_expect(ben, "INVITE ");
	ua_reply(ben, 407, "Proxy Authentication Required",
		 "Proxy-Authenticate: Digest realm=\"trunk.example\",nonce=\"n\",qop=\"auth\",algorithm=MD5\r\n", NULL);
	ua_expect(ben, "ACK ");
	notified(chair, "SIP/2.0 407", "terminated");
	ua_expect_none(ben, 5000);
	mem_deref(ben);
	mem_deref(chair);
	hangs_up(ann);
	house_close(&house);
}

/* --- reload --- */

static void needs_restart(const char *name, void *arg)
{
	(void)arg;
	g_error("%s needs a restart", name);
}

static void reload_with(struct house *h, const char *ini)
{
	struct config *next = NULL;
	char *why = NULL;

	g_assert_cmpint(config_alloc(&next), ==, 0);
	if (config_read_text(next, "test", ini, strlen(ini), &why))
		g_error("%s", why);
	config_reload(h->cfg, next, needs_restart, NULL);
	mem_deref(next);
	focus_reload(h->focus, h->cfg);
}

static void registers(struct ua *provider, const char *user, const char *expires)
{
	ua_expect(provider, "REGISTER ");
	g_assert_true(ua_has(provider, user));
	g_assert_true(ua_has(provider, expires));
	ua_reply(provider, 200, "OK", NULL, NULL);
}

static void trunks_after_a_reload(void)
{
	struct ua *provider;
	char one[256], two[256];

	house_open(&house, NULL);
	provider = phone(NULL);
	provider->contact[0] = '\0';
	(void)re_snprintf(one, sizeof(one), "[trunk work]\nuri = sip:%J\nuser = 4711\nkeepalive = 0\n", &provider->me);
	(void)re_snprintf(two, sizeof(two), "[trunk work]\nuri = sip:%J\nuser = 4712\nkeepalive = 0\n", &provider->me);

	reload_with(&house, one);
	registers(provider, "4711", "Expires: ");
	sim_advance(20);
	reload_with(&house, one);
	ua_expect_none(provider, 1000);                   /* nothing changed, nothing said */
	reload_with(&house, two);
	registers(provider, "4711", "Expires: 0");
	registers(provider, "4712", "Expires: ");
	sim_advance(20);
	reload_with(&house, "[sip]\n");
	registers(provider, "4712", "Expires: 0");
	sim_advance(20);
	mem_deref(provider);
	house_close(&house);
}

/* --- hostile --- */

/* Levels in the header: agreed on, and not when they are switched off. */
static void levels(void)
{
	static const char uri[] = "urn:ietf:params:rtp-hdrext:csrc-audio-level";

	for (unsigned on = 0; on < 2; on++) {
		g_autofree char *body = NULL;
		struct ua *ann;

		house_open(&house, on ? NULL : "[media]\nlevels = no\n");
		ann = phone("band");
		body = g_strdup_printf("%sa=extmap:4 %s\r\n", house_sdp(4000, "sendrecv"), uri);
		ua_request(ann, "INVITE", NULL, body);
		ua_expect(ann, "SIP/2.0 200");
		g_assert_true(ua_has(ann, "a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n") == on);
		g_assert_true(ua_has(ann, "extmap") == on);
		ua_ack(ann, NULL);
		sim_advance(20);
		hangs_up(ann);
		house_close(&house);
	}
}

static void hostile_bodies(void)
{
	static const char *const body[] = {
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 99999 RTP/AVP 0\r\n",
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 300\r\n",
		"v=0\r\no=- 1 1 IN IP4 host.invalid\r\ns=-\r\nc=IN IP4 host.invalid\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
		"nonsense",
	};

	house_open(&house, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(body); i++) {
		struct ua *ann = phone("band");
		const char *msg;

		ua_request(ann, "INVITE", NULL, body[i]);
		msg = ua_expect(ann, "SIP/2.0 4");
		g_assert_true(g_str_has_prefix(msg, "SIP/2.0 400") || g_str_has_prefix(msg, "SIP/2.0 488"));
		ua_ack_failed(ann);
		mem_deref(ann);
	}
	sim_advance(20);
	g_assert_cmpuint(focus_calls(house.focus), ==, 0);
	g_assert_cmpuint(control_members(house.control), ==, 0);
	house_close(&house);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);

	g_test_add_func("/focus/room-of-two", room_of_two);
	g_test_add_func("/focus/unknown-rooms", unknown_rooms);
	g_test_add_func("/focus/opened-for-music", opened_for_music);
	g_test_add_func("/focus/factory", factory);
	g_test_add_func("/focus/echo", echo);
	g_test_add_func("/focus/numbers", numbers);
	g_test_add_func("/focus/closed-to-strangers", closed_to_strangers);
	g_test_add_func("/focus/too-many-calls", too_many_calls);
	g_test_add_func("/focus/overloaded", overloaded);
	g_test_add_func("/focus/account/password", account_needs_its_password);
	g_test_add_func("/focus/account/role", account_gives_its_role);
	g_test_add_func("/focus/hold", hold_and_back);
	g_test_add_func("/focus/refused-offer", refused_offer_changes_nothing);
	g_test_add_func("/focus/redundant", redundant);
	g_test_add_func("/focus/key-by-info", key_by_info);
	g_test_add_func("/focus/kicked", kicked);
	g_test_add_func("/focus/locked", locked);
	g_test_add_func("/focus/not-open", not_open);
	g_test_add_func("/focus/banned", banned);
	g_test_add_func("/focus/draining", draining);
	g_test_add_func("/focus/replaces", replaces);
	g_test_add_func("/focus/join", join_header);
	g_test_add_func("/focus/refer/moves", refer_moves);
	g_test_add_func("/focus/refer/forbidden", refer_by_who_may_not);
	g_test_add_func("/focus/refer/nobody-by-default", nobody_is_dialled_by_default);
	g_test_add_func("/focus/refer/dials", refer_dials);
	g_test_add_func("/focus/refer/in-vain", refer_dials_in_vain);
	g_test_add_func("/focus/refer/no-credentials-for-strangers", stranger_gets_no_credentials);
	g_test_add_func("/focus/trunks-after-a-reload", trunks_after_a_reload);
	g_test_add_func("/focus/levels", levels);
	g_test_add_func("/focus/hostile-bodies", hostile_bodies);

	return g_test_run();
}
