/*
 * flow-notify.c - the conference package as ladders: who subscribes to a room, and what it is told when.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "server/auth.h"
#include "server/notify.h"
#include "tests/lib/house.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"
#include "tests/lib/watcher.h"

static struct house house;

#define EVENT "Event: conference\r\n"

/* --- members without a phone --- */

static void said_bye(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

static const struct face nobody = { .bye = said_bye };
static const struct actor sys = { .kind = ACTOR_SYSTEM };

static int run(const struct command *cmd, uint32_t *member)
{
	struct result res = { 0 };
	int err = control_run(house.control, &sys, cmd, &res);

	if (member)
		*member = res.member;

	return err;
}

static uint32_t joins_as(const char *room, const char *uri, const char *name, enum role role)
{
	const struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = uri, .name = name, .role = role, .face = &nobody };
	uint32_t member;

	g_assert_cmpint(run(&cmd, &member), ==, 0);

	return member;
}

static uint32_t joins(const char *uri)
{
	return joins_as("band", uri, "Somebody", ROLE_SPEAKER);
}

static void leaves(uint32_t member)
{
	g_assert_cmpint(run(&(struct command){ .verb = VERB_LEAVE, .member = member }, NULL), ==, 0);
}

static void mutes(uint32_t member, bool on)
{
	g_assert_cmpint(run(&(struct command){ .verb = VERB_MUTE, .member = member, .on = on }, NULL), ==, 0);
}

static void opens(const char *room)
{
	g_assert_cmpint(run(&(struct command){ .verb = VERB_CREATE, .room = room }, NULL), ==, 0);
}

static void ends(const char *room)
{
	g_assert_cmpint(run(&(struct command){ .verb = VERB_END, .room = room }, NULL), ==, 0);
}

/* --- words of the ladders --- */

static struct ua *phone_by(enum sip_transp tp, const char *user)
{
	struct ua *ua = NULL;

	g_assert_cmpint(ua_alloc(&ua, tp, tp == SIP_TRANSP_TCP ? &house.tcp : &house.udp), ==, 0);
	(void)re_snprintf(ua->to, sizeof(ua->to), "sip:%s@%J", user, tp == SIP_TRANSP_TCP ? &house.tcp : &house.udp);

	return ua;
}

static struct ua *phone(const char *user)
{
	return phone_by(SIP_TRANSP_TCP, user);            /* where a document fits, however long */
}

static void subscribe(struct ua *ua, const char *expires, const char *status)
{
	char hdrs[512];

	(void)re_snprintf(hdrs, sizeof(hdrs), EVENT "%s", expires);
	ua_request(ua, "SUBSCRIBE", hdrs, NULL);
	ua_expect(ua, status);
}

/* A NOTIFY, answered with 200. It has all these texts (the list ends with NULL). */
static void notified(struct ua *ua, ...) __attribute__((sentinel));
static void notified(struct ua *ua, ...)
{
	const char *text;
	va_list ap;

	ua_expect(ua, "NOTIFY ");
	va_start(ap, ua);
	while ((text = va_arg(ap, const char *)) != NULL)
		if (!ua_has(ua, text))
			g_error("no \"%s\" in: %s", text, ua->msg);
	va_end(ap);
	ua_reply(ua, 200, "OK", NULL, NULL);
}

static struct ua *subscribed_by(enum sip_transp tp, const char *room)
{
	struct ua *ua = phone_by(tp, room);

	subscribe(ua, "Expires: 600\r\n", "SIP/2.0 200");
	notified(ua, "Subscription-State: active;expires=600\r\n", "state=\"full\" version=\"1\"", NULL);

	return ua;
}

static struct ua *subscribed(const char *room)
{
	return subscribed_by(SIP_TRANSP_TCP, room);
}

static uint32_t subscriptions(void)
{
	struct notify_stats st;

	notify_stats(house.focus->notify, &st);

	return st.subscriptions;
}

static uint64_t count_of(size_t offset)
{
	struct notify_stats st;

	notify_stats(house.focus->notify, &st);

	return *(const uint64_t *)(const void *)((const char *)&st + offset);
}

#define COUNT(field) count_of(offsetof(struct notify_stats, field))

/* --- the ladder of a subscription --- */

static void basic(void)
{
	struct ua *ann;
	uint32_t ben;
	char v[512];

	house_open(&house, NULL);
	opens("band");
	ann = phone("band");
	subscribe(ann, "Expires: 600\r\n", "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Expires: 600\r\n"));
	g_assert_true(ua_has(ann, "Allow-Events: conference"));
	g_assert_nonnull(strstr(ua_header(ann, "Contact", v, sizeof(v)), ";isfocus"));
	g_assert_nonnull(strstr(ua_header(ann, "Allow", v, sizeof(v)), "SUBSCRIBE"));

	notified(ann, "Event: conference\r\n", "Subscription-State: active;expires=600\r\n", "state=\"full\" version=\"1\"",
		 "Content-Type: application/conference-info+xml\r\n", "<display-text>band</display-text>", "<user-count>0</user-count>",
		 "<active>true</active>", "<locked>false</locked>", "<maximum-user-count>1000</maximum-user-count>", NULL);
	g_assert_nonnull(strstr(ua_header(ann, "Contact", v, sizeof(v)), ";isfocus"));
	ua_expect_none(ann, 5000);

	ben = joins_as("band", "sip:ben@home", "Ben & <Sons>", ROLE_SPEAKER);
	notified(ann, "state=\"partial\" version=\"2\"", "<user entity=\"sip:ben@home\">", "Ben &amp; &lt;Sons&gt;", "speaker",
		 "<status>connected</status>", "dialed-in", "<status>sendrecv</status>", "<user-count>1</user-count>", NULL);
	sim_advance(1000);

	mutes(ben, true);
	notified(ann, "state=\"partial\" version=\"3\"", "<user entity=\"sip:ben@home\" state=\"partial\">",
		 "<status>muted-via-focus</status>", "<status>recvonly</status>", NULL);
	g_assert_false(ua_has(ann, "user-count") || ua_has(ann, "display-text") || ua_has(ann, "joining"));
	sim_advance(1000);

	leaves(ben);
	notified(ann, "version=\"4\"", "<user entity=\"sip:ben@home\" state=\"deleted\">", "<status>disconnected</status>", "departed",
		 "<user-count>0</user-count>", NULL);
	sim_advance(1000);

	g_assert_cmpint(run(&(struct command){ .verb = VERB_LOCK, .room = "band", .on = true }, NULL), ==, 0);
	notified(ann, "version=\"5\"", "<locked>true</locked>", NULL);
	g_assert_false(ua_has(ann, "<users"));

	subscribe(ann, "Expires: 0\r\n", "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Expires: 0\r\n"));
	notified(ann, "Subscription-State: terminated;reason=timeout\r\n", "state=\"full\" version=\"6\"", NULL);
	g_assert_cmpuint(subscriptions(), ==, 0);

	g_assert_cmpint(run(&(struct command){ .verb = VERB_LOCK, .room = "band" }, NULL), ==, 0);
	ua_expect_none(ann, 5000);
	subscribe(ann, "", "SIP/2.0 481");
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void refresh(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, NULL);
	ben = joins("sip:ben@home");
	ann = subscribed("band");

	subscribe(ann, "Expires: 100\r\n", "SIP/2.0 200");
	notified(ann, "active;expires=100\r\n", "version=\"2\"", NULL);
	sim_advance(40000);
	subscribe(ann, "Expires: 90\r\n", "SIP/2.0 200");
	notified(ann, "active;expires=90\r\n", "state=\"full\" version=\"3\"", "sip:ben@home", "<users state=\"full\">", NULL);

	sim_advance(80000);                               /* past the end of the first, not of the second */
	mutes(ben, true);
	notified(ann, "active;expires=10\r\n", "version=\"4\"", NULL);

	sim_advance(9000);
	g_assert_cmpuint(subscriptions(), ==, 1);
	notified(ann, "Subscription-State: terminated;reason=timeout\r\n", "version=\"5\"", NULL);      /* nobody refreshed it */
	g_assert_cmpuint(subscriptions(), ==, 0);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void fetch(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	(void)joins("sip:ben@home");
	ann = phone("band");
	subscribe(ann, "Expires: 0\r\n", "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Expires: 0\r\n"));
	notified(ann, "Subscription-State: terminated;reason=timeout\r\n", "state=\"full\" version=\"1\"", "sip:ben@home", NULL);
	g_assert_cmpuint(subscriptions(), ==, 0);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void room_ends(void)
{
	struct ua *ann, *ben;

	house_open(&house, NULL);
	(void)joins("sip:ben@home");
	ann = subscribed("band");
	ends("band");
	notified(ann, "Subscription-State: terminated;reason=noresource\r\n", "<active>false</active>", "<user-count>0</user-count>",
		 "state=\"deleted\"", "<disconnection-method>booted</disconnection-method>", NULL);
	g_assert_cmpuint(subscriptions(), ==, 0);

	opens("band");                                    /* another room of that name is another resource */
	ben = subscribed("band");
	subscribe(ann, "", "SIP/2.0 481");
	mem_deref(ben);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void drain(void)
{
	struct ua *ann, *ben;

	house_open(&house, NULL);
	(void)joins("sip:ben@home");
	ann = subscribed("band");
	focus_drain(house.focus);
	notified(ann, "Subscription-State: terminated;reason=deactivated\r\n", "version=\"2\"", NULL);

	ben = phone("band");
	subscribe(ben, "", "SIP/2.0 503");
	g_assert_true(ua_has(ben, "Retry-After: "));
	mem_deref(ben);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* The server stops with no time to wait for an answer. */
static void stop(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	opens("band");
	ann = subscribed_by(SIP_TRANSP_UDP, "band");
	house.focus->notify = mem_deref(house.focus->notify);
	ua_expect(ann, "NOTIFY ");
	g_assert_true(ua_has(ann, "Subscription-State: terminated;reason=deactivated\r\n"));
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- refused --- */

static void refused(void)
{
	static const struct { const char *hdrs, *status, *says; } rows[] = {
		{ "Event: presence\r\n",                            "SIP/2.0 489", "Allow-Events: conference" },
		{ "Event: refer\r\n",                               "SIP/2.0 489", "Allow-Events: " },
		{ "Event: conference.winfo\r\n",                    "SIP/2.0 489", "Allow-Events: " },
		{ "",                                               "SIP/2.0 489", "Allow-Events: " },
		{ EVENT EVENT,                                      "SIP/2.0 400", NULL },
		{ "Event: conference;id=\r\n",                      "SIP/2.0 400", NULL },
		{ EVENT "Expires: 59\r\n",                          "SIP/2.0 423", "Min-Expires: 60\r\n" },
		{ EVENT "Expires: soon\r\n",                        "SIP/2.0 400", NULL },
		{ EVENT "Accept: application/pidf+xml\r\n",         "SIP/2.0 406", "Accept: application/conference-info+xml" },
		{ EVENT "Accept: application/*;q=0\r\n",            "SIP/2.0 406", NULL },
		{ EVENT "Require: eventlist\r\n",                   "SIP/2.0 420", "Unsupported: eventlist" },
	};
	struct ua *ann;

	house_open(&house, NULL);
	opens("band");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		ann = phone("band");
		ua_request(ann, "SUBSCRIBE", rows[i].hdrs, NULL);
		ua_expect(ann, rows[i].status);
		g_assert_true(!rows[i].says || ua_has(ann, rows[i].says));
		mem_deref(ann);
	}

	ann = phone("nowhere");
	subscribe(ann, "", "SIP/2.0 404");
	g_assert_false(control_room_exists(house.control, "nowhere"));         /* looking opens no room */
	mem_deref(ann);

	ann = phone("band");
	str_ncpy(ann->rtag, "nobody", sizeof(ann->rtag));
	subscribe(ann, "", "SIP/2.0 481");
	mem_deref(ann);

	ann = phone("band");
	ann->contact[0] = '\0';
	subscribe(ann, "", "SIP/2.0 400");
	mem_deref(ann);

	g_assert_cmpuint(subscriptions(), ==, 0);
	g_assert_cmpuint(COUNT(refused), ==, G_N_ELEMENTS(rows) - 2 + 2);      /* "soon", 420 and 481 are others' to refuse */
	ends("band");
	house_close(&house);
}

static void accepted(void)
{
	static const struct { const char *hdrs, *expires; } rows[] = {
		{ EVENT, "Expires: 3600\r\n" },                                 /* RFC 4575 3.4: "one hour" */
		{ "o: conference\r\n", "Expires: 3600\r\n" },
		{ EVENT "Expires: 60\r\n", "Expires: 60\r\n" },
		{ EVENT "Expires: 999999999\r\n", "Expires: 3600\r\n" },
		{ EVENT "Accept: text/plain, application/conference-info+xml;q=0.5\r\n", "Expires: 3600\r\n" },
		{ EVENT "Accept: */*\r\n", "Expires: 3600\r\n" },
	};

	house_open(&house, NULL);
	opens("band");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct ua *ann = phone("band");

		ua_request(ann, "SUBSCRIBE", rows[i].hdrs, NULL);
		ua_expect(ann, "SIP/2.0 200");
		g_assert_true(ua_has(ann, rows[i].expires));
		notified(ann, "active", NULL);
		subscribe(ann, "Expires: 0\r\n", "SIP/2.0 200");
		notified(ann, "terminated", NULL);
		mem_deref(ann);
	}
	ends("band");
	house_close(&house);
}

/* The challenge in ua->msg answered, as header lines for the next request. */
static const char *credentials(struct ua *ua, const char *user, const char *password)
{
	static char line[512];
	const struct auth_cred cred = { .realm = "tutti", .user = user, .password = password };
	struct mbuf *mb = mbuf_alloc(4096);
	struct sip_msg *msg = NULL;
	uint32_t nc = 0;

	mbuf_write_str(mb, ua->msg);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	g_assert_cmpint(auth_answer(line, sizeof(line), msg, "SUBSCRIBE", ua->to, &cred, &nc), ==, 0);
	mem_deref(msg);
	mem_deref(mb);

	return line;
}

static void digest(void)
{
	struct ua *ann, *ben;

	house_open(&house, "[auth]\nrequired = yes\n[account ua]\npassword = secret\nrole = host\n");
	opens("band");
	ann = phone("band");
	subscribe(ann, "", "SIP/2.0 401");
	g_assert_true(ua_has(ann, "WWW-Authenticate: Digest"));
	g_assert_cmpuint(subscriptions(), ==, 0);
	subscribe(ann, credentials(ann, "ua", "secret"), "SIP/2.0 200");
	notified(ann, "active", NULL);

	ben = phone("band");
	subscribe(ben, "", "SIP/2.0 401");
	subscribe(ben, credentials(ben, "ua", "guess"), "SIP/2.0 401");
	g_assert_cmpuint(subscriptions(), ==, 1);
	mem_deref(ben);
	mem_deref(ann);
	ends("band");
	house_close(&house);

	house_open(&house, "[rooms]\nopen-to = none\n");
	opens("band");
	ann = phone("band");
	subscribe(ann, "", "SIP/2.0 403");
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void locked(void)
{
	struct ua *ann;
	char uri[64];

	house_open(&house, NULL);
	opens("band");
	g_assert_cmpint(run(&(struct command){ .verb = VERB_LOCK, .room = "band", .on = true }, NULL), ==, 0);
	ann = phone("band");
	subscribe(ann, "", "SIP/2.0 403");
	(void)re_snprintf(uri, sizeof(uri), "sip:ua@%J", &ann->me);
	g_assert_cmpint(run(&(struct command){ .verb = VERB_LOCK, .room = "band" }, NULL), ==, 0);
	(void)joins(uri);                                 /* who is inside may see who else is */
	g_assert_cmpint(run(&(struct command){ .verb = VERB_LOCK, .room = "band", .on = true }, NULL), ==, 0);
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, "active", "<locked>true</locked>", NULL);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static int changes(const char *name, const char *value)
{
	const struct setting set = { name, value };

	return run(&(struct command){ .verb = VERB_CHANGE, .room = "band", .settings = &set, .n_settings = 1 }, NULL);
}

/* Rooms with a PIN or a lobby are as closed as a locked one, to who only wants to look. */
static void closed(void)
{
	static const char *const doors[][2] = { { "guest-pin", "1234" }, { "lobby", "on" } };
	struct ua *ann;
	char uri[64];
	uint32_t waiting;

	for (size_t i = 0; i < G_N_ELEMENTS(doors); i++) {
		house_open(&house, NULL);
		opens("band");
		g_assert_cmpint(changes(doors[i][0], doors[i][1]), ==, 0);
		ann = phone("band");
		subscribe(ann, "", "SIP/2.0 403");
		(void)re_snprintf(uri, sizeof(uri), "sip:ua@%J", &ann->me);
		const struct command join = { .verb = VERB_JOIN, .room = "band", .uri = uri, .role = ROLE_SPEAKER, .face = &nobody,
					      .text = "1234" };
		g_assert_cmpint(run(&join, &waiting), ==, 0);
		if (control_member_waiting(house.control, waiting)) {
			subscribe(ann, "", "SIP/2.0 403");        /* before the door it is not inside */
			g_assert_cmpint(run(&(struct command){ .verb = VERB_ADMIT, .member = waiting }, NULL), ==, 0);
		}
		subscribe(ann, "", "SIP/2.0 200");
		notified(ann, "active", NULL);
		mem_deref(ann);
		ends("band");
		house_close(&house);
	}
}

/* Who waits is not in the document; it comes with its being let in. */
static void waiting(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, NULL);
	opens("band");
	ann = subscribed("band");
	g_assert_cmpint(changes("lobby", "on"), ==, 0);
	ben = joins("sip:ben@home");
	ua_expect_none(ann, 2000);
	g_assert_cmpint(run(&(struct command){ .verb = VERB_ADMIT, .member = ben }, NULL), ==, 0);
	notified(ann, "<user entity=\"sip:ben@home\">", "<user-count>1</user-count>", NULL);
	sim_advance(1000);
	g_assert_cmpuint(joins("sip:cem@home"), !=, 0);
	leaves(ben);
	notified(ann, "sip:ben@home", "state=\"deleted\"", "<user-count>0</user-count>", NULL);
	g_assert_false(ua_has(ann, "cem"));
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* With hide-numbers nobody's address is told; who was known by it goes, and comes under another name. And back. */
static void hidden(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	opens("band");
	ann = subscribed("band");
	(void)joins_as("band", "sip:+49301234567@trunk", "+49 30 1234567", ROLE_SPEAKER);
	notified(ann, "sip:+49301234567@trunk", "+49 30 1234567", NULL);
	sim_advance(1000);
	g_assert_cmpint(changes("hide-numbers", "on"), ==, 0);
	notified(ann, "<user entity=\"sip:+49301234567@trunk\" state=\"deleted\">", "@anonymous.invalid", NULL);
	g_assert_false(ua_has(ann, "<display-text>+49"));
	sim_advance(1000);
	(void)joins_as("band", "sip:+49307654321@trunk", "Ben", ROLE_SPEAKER);
	notified(ann, "@anonymous.invalid", "<display-text>Ben</display-text>", NULL);
	g_assert_false(ua_has(ann, "7654321"));
	sim_advance(1000);
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, "state=\"full\"", NULL);
	g_assert_false(ua_has(ann, "1234567") || ua_has(ann, "7654321"));
	sim_advance(1000);
	g_assert_cmpint(changes("hide-numbers", "off"), ==, 0);
	notified(ann, "sip:+49301234567@trunk", "sip:+49307654321@trunk", NULL);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* The document names the conference by the name this server has, where it has one. */
static void domain(void)
{
	struct ua *ann;

	house_open(&house, "[sip]\ndomain = conf.example, other.example\n");
	opens("band");
	ann = phone("band");
	str_ncpy(ann->to, "sip:BAND@conf.example", sizeof(ann->to));
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, " entity=\"sip:BAND@conf.example\"", NULL);
	ua_new_call(ann);
	str_ncpy(ann->to, "sip:band@elsewhere.example", sizeof(ann->to));
	subscribe(ann, "", "SIP/2.0 404");
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void bounds(void)
{
	static const char *const settings[] = {
		"[sip]\nmax-subscriptions = 2\n", "[sip]\nmax-subscriptions-room = 2\n", "[sip]\nmax-subscriptions-source = 2\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		struct ua *ann, *ben, *cat;

		house_open(&house, settings[i]);
		opens("band");
		ann = subscribed("band");
		ben = subscribed("band");
		cat = phone("band");
		subscribe(cat, "", "SIP/2.0 503");
		g_assert_true(ua_has(cat, "Retry-After: "));
		g_assert_cmpuint(COUNT(refused), ==, 1);

		subscribe(ben, "", "SIP/2.0 200");        /* a refresh needs no place */
		notified(ben, "active", NULL);
		subscribe(ann, "Expires: 0\r\n", "SIP/2.0 200");
		notified(ann, "terminated", NULL);
		ua_new_call(cat);
		subscribe(cat, "", "SIP/2.0 200");
		notified(cat, "active", NULL);

		mem_deref(cat);
		mem_deref(ben);
		mem_deref(ann);
		ends("band");
		house_close(&house);
	}
}

/* --- how often --- */

static void merged(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, "[sip]\nnotify-interval = 2000\n");
	ben = joins("sip:ben@home");
	ann = subscribed("band");
	sim_advance(5000);

	mutes(ben, true);                                 /* after a quiet time: at once */
	notified(ann, "version=\"2\"", "muted-via-focus", NULL);

	for (int i = 0; i < 21; i++) {                    /* on and off in 1 s; told once, as it is in the end */
		mutes(ben, i & 1);
		sim_advance(50);
	}
	uint64_t then = sim_now_ms();

	notified(ann, "version=\"3\"", "<status>connected</status>", "<status>sendrecv</status>", NULL);
	g_assert_cmpuint(sim_now_ms() - then, <=, 1200);
	g_assert_cmpuint(sim_now_ms() - then, >=, 800);
	ua_expect_none(ann, 10000);

	mutes(ben, true);
	mutes(ben, false);                                /* nothing has changed in the end, so nothing is said */
	ua_expect_none(ann, 5000);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void one_in_flight(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, "[sip]\nnotify-interval = 0\n");
	ben = joins("sip:ben@home");
	ann = subscribed("band");

	mutes(ben, true);
	ua_expect(ann, "NOTIFY ");
	g_assert_true(ua_has(ann, "version=\"2\""));
	mutes(ben, false);
	(void)joins("sip:cat@home");
	ua_expect_none(ann, 5000);                        /* TCP: nothing again, nothing new */
	ua_reply(ann, 200, "OK", NULL, NULL);
	notified(ann, "version=\"3\"", "sip:ben@home", "sip:cat@home", "<user-count>2</user-count>", NULL);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void max_rate(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, NULL);
	ben = joins("sip:ben@home");
	ann = phone("band");
	ua_request(ann, "SUBSCRIBE", "Event: conference;id=x7;max-rate=0.1\r\n", NULL);
	ua_expect(ann, "SIP/2.0 200");
	notified(ann, "Event: conference;id=x7\r\n", "active;expires=3600;max-rate=0.100\r\n", NULL);

	mutes(ben, true);
	ua_expect_none(ann, 9000);
	notified(ann, "muted-via-focus", NULL);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- failing --- */

static void lost(void)
{
	static const char *const answers[] = { "481 Subscription Does Not Exist", "404 Not Found", "500 Broken" };
	struct ua *ann;
	uint32_t ben;

	house_open(&house, NULL);
	ben = joins("sip:ben@home");
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		ann = subscribed("band");
		mutes(ben, !(i & 1));
		ua_expect(ann, "NOTIFY ");
		ua_reply(ann, (unsigned)atoi(answers[i]), answers[i] + 4, NULL, NULL);
		sim_advance(100);
		g_assert_cmpuint(subscriptions(), ==, 0);
		g_assert_cmpuint(COUNT(failed), ==, i + 1);
		mem_deref(ann);
	}

	opens("empty");
	ann = phone_by(SIP_TRANSP_UDP, "empty");          /* silence for 32 s: told no more */
	subscribe(ann, "", "SIP/2.0 200");
	sim_advance(33000);
	g_assert_cmpuint(subscriptions(), ==, 0);
	mem_deref(ann);
	ends("empty");
	ends("band");
	house_close(&house);
}

static void retry_after(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	opens("band");
	ann = subscribed("band");
	(void)joins("sip:ben@home");
	ua_expect(ann, "NOTIFY ");
	ua_reply(ann, 503, "Service Unavailable", "Retry-After: 10\r\n", NULL);
	(void)joins("sip:cat@home");
	ua_expect_none(ann, 9000);
	notified(ann, "state=\"full\" version=\"3\"", "sip:ben@home", "sip:cat@home", NULL);     /* what was refused is in it */
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- ways --- */

static void route(void)
{
	struct ua *ann;
	char v[512];

	house_open(&house, NULL);
	opens("band");
	ann = phone_by(SIP_TRANSP_UDP, "band");
	(void)re_snprintf(v, sizeof(v), EVENT "Record-Route: <sip:%J;lr>\r\n", &ann->me);
	str_ncpy(ann->contact, "<sip:ann@192.0.2.9:5999>", sizeof(ann->contact));
	ua_request(ann, "SUBSCRIBE", v, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Record-Route: <sip:127.0.0.1"));
	notified(ann, "NOTIFY sip:ann@192.0.2.9:5999 SIP/2.0", "Route: <sip:127.0.0.1", NULL);

	(void)re_snprintf(ann->contact, sizeof(ann->contact), "<sip:ann-now@%J>", &ann->me);
	subscribe(ann, "", "SIP/2.0 200");                /* a target refresh */
	notified(ann, "NOTIFY sip:ann-now@127.0.0.1", NULL);

	ann->cseq -= 2;
	subscribe(ann, "", "SIP/2.0 500");
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

static void numbers(void)
{
	uint32_t last = 0;
	struct ua *ann;
	char v[64];

	house_open(&house, "[sip]\nnotify-interval = 0\n");
	opens("band");
	ann = subscribed("band");
	for (int i = 0; i < 5; i++) {
		char uri[32];

		(void)re_snprintf(uri, sizeof(uri), "sip:m%d@home", i);
		(void)joins(uri);
		notified(ann, NULL);
		ua_header(ann, "CSeq", v, sizeof(v));
		g_assert_true(!last || strtoul(v, NULL, 10) == last + 1);
		last = (uint32_t)strtoul(v, NULL, 10);
	}
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- in a call --- */

static struct ua *calls(const char *room)
{
	struct ua *ua = phone(room);

	ua_request(ua, "INVITE", NULL, house_sdp(4000, "sendrecv"));
	ua_expect(ua, "SIP/2.0 200");
	g_assert_true(ua_has(ua, "Allow-Events: conference"));
	ua_ack(ua, NULL);
	sim_advance(20);

	return ua;
}

static void in_call(void)
{
	struct ua *ann;
	uint32_t ben;

	house_open(&house, NULL);
	ann = calls("band");
	subscribe(ann, "Expires: 600\r\n", "SIP/2.0 200");
	notified(ann, "active;expires=600\r\n", "state=\"full\" version=\"1\"", "<user entity=\"sip:", "connected", NULL);
	ben = joins("sip:ben@home");
	notified(ann, "version=\"2\"", "sip:ben@home", NULL);
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, "active;expires=3600\r\n", "state=\"full\" version=\"3\"", NULL);
	g_assert_cmpuint(subscriptions(), ==, 1);

	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	notified(ann, "Subscription-State: terminated;reason=rejected\r\n", "version=\"4\"", NULL);
	subscribe(ann, "", "SIP/2.0 481");
	leaves(ben);
	mem_deref(ann);
	house_close(&house);
}

static void in_call_kicked(void)
{
	struct snapshot *s;
	struct ua *ann;

	house_open(&house, NULL);
	ann = calls("band");
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, "active", NULL);
	s = house_room(&house, "band");
	g_assert_cmpint(run(&(struct command){ .verb = VERB_KICK, .member = s->member[0].id }, NULL), ==, 0);
	mem_deref(s);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	notified(ann, "terminated;reason=rejected\r\n", "booted", NULL);
	mem_deref(ann);
	house_close(&house);
}

static void in_call_moved(void)
{
	struct snapshot *s;
	struct ua *ann;

	house_open(&house, NULL);
	opens("hall");
	ann = calls("band");
	subscribe(ann, "", "SIP/2.0 200");
	notified(ann, "active", NULL);
	s = house_room(&house, "band");
	g_assert_cmpint(run(&(struct command){ .verb = VERB_MOVE, .member = s->member[0].id, .room = "hall" }, NULL), ==, 0);
	mem_deref(s);
	notified(ann, "terminated;reason=deactivated\r\n", NULL);
	subscribe(ann, "", "SIP/2.0 200");                /* in the same dialog, of the room it is in now */
	notified(ann, "active", "<display-text>hall</display-text>", NULL);
	mem_deref(ann);
	ends("hall");
	house_close(&house);
}

static void in_echo(void)
{
	struct ua *ann;

	house_open(&house, NULL);
	ann = calls("echo");
	subscribe(ann, "", "SIP/2.0 403");
	mem_deref(ann);
	house_close(&house);
}

/* --- who is who --- */

static void two_phones(void)
{
	uint32_t desk, mobile;
	struct ua *ann;

	house_open(&house, "[sip]\nnotify-interval = 0\n");
	desk = joins("sip:ben@home");
	ann = subscribed("band");
	mobile = joins("sip:ben@home");
	notified(ann, "<user entity=\"sip:ben@home\" state=\"partial\">", "<endpoint entity=\"sip:ben@home;member=2\">",
		 "<user-count>2</user-count>", NULL);
	leaves(desk);
	notified(ann, "<user entity=\"sip:ben@home\" state=\"partial\">",
		 "<endpoint entity=\"sip:ben@home;member=1\" state=\"deleted\">", NULL);
	leaves(mobile);
	notified(ann, "<user entity=\"sip:ben@home\" state=\"deleted\">", NULL);

	(void)joins("sip:anonymous@anonymous.invalid");
	(void)joins("sip:anonymous@anonymous.invalid");
	notified(ann, "<user entity=\"sip:anonymous-3@anonymous.invalid\">", "<user entity=\"sip:anonymous-4@anonymous.invalid\">", NULL);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- a large room --- */

static void watch_next(struct watcher *w, struct ua *ua)
{
	ua_expect(ua, "NOTIFY ");
	watcher_read(w, ua_body(ua));
	ua_reply(ua, 200, "OK", NULL, NULL);
}

/* Over UDP no NOTIFY is longer than 1300 bytes; they follow each other until everybody is told. */
static void split_over_udp(void)
{
	struct snapshot *s;
	struct watcher w;
	unsigned n = 0;
	struct ua *ann;
	char uri[64];

	house_open(&house, NULL);
	watcher_open(&w);
	for (int i = 0; i < 50; i++) {
		(void)re_snprintf(uri, sizeof(uri), "sip:member%d@somewhere.example", i);
		(void)joins(uri);
	}
	ann = phone_by(SIP_TRANSP_UDP, "band");
	subscribe(ann, "", "SIP/2.0 200");
	uint64_t then = sim_now_ms();

	while (ua_wait(ann, 300)) {
		g_assert_true(g_str_has_prefix(ann->msg, "NOTIFY "));
		g_assert_cmpuint(strlen(ann->msg), <=, 1300);
		g_assert_true(ua_has(ann, n ? "state=\"partial\" version" : "state=\"full\" version"));
		watcher_read(&w, ua_body(ann));
		ua_reply(ann, 200, "OK", NULL, NULL);
		n++;
	}
	g_assert_cmpuint(n, >, 10);
	g_assert_cmpuint(sim_now_ms() - then, <, 1000);   /* the pieces do not wait for sip.notify-interval */
	s = house_room(&house, "band");
	watcher_compare(&w, s);
	mem_deref(s);
	g_test_message("50 members over UDP: %u NOTIFYs", n);

	subscribe(ann, "Expires: 0\r\n", "SIP/2.0 200");
	do
		watch_next(&w, ann);
	while (ua_has(ann, "Subscription-State: active"));        /* the last piece ends it */
	g_assert_true(ua_has(ann, "terminated;reason=timeout"));
	s = house_room(&house, "band");
	watcher_compare(&w, s);
	mem_deref(s);
	g_assert_cmpuint(subscriptions(), ==, 0);

	watcher_validate(&w);
	watcher_close(&w);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* A change in the middle of a split document. */
static void change_while_split(void)
{
	struct snapshot *s;
	struct watcher w;
	uint32_t member[20];
	struct ua *ann;
	char uri[64];

	house_open(&house, NULL);
	watcher_open(&w);
	for (int i = 0; i < 20; i++) {
		(void)re_snprintf(uri, sizeof(uri), "sip:member%d@somewhere.example", i);
		member[i] = joins(uri);
	}
	ann = phone_by(SIP_TRANSP_UDP, "band");
	subscribe(ann, "", "SIP/2.0 200");
	for (int i = 0; i < 4; i++)
		watch_next(&w, ann);
	mutes(member[0], true);                           /* told already */
	mutes(member[19], true);                          /* not yet */
	leaves(member[1]);
	leaves(member[18]);
	while (ua_wait(ann, 1500)) {
		watcher_read(&w, ua_body(ann));
		ua_reply(ann, 200, "OK", NULL, NULL);
	}
	s = house_room(&house, "band");
	watcher_compare(&w, s);
	mem_deref(s);
	watcher_close(&w);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* --- put together --- */

static uint32_t draw(uint32_t n)
{
	static uint32_t x = 12345;

	x = x * 1664525 + 1013904223;

	return (x >> 16) % n;
}

enum { PEOPLE = 50 };

static uint32_t person_joins(unsigned i)
{
	char uri[64], name[64];

	(void)re_snprintf(uri, sizeof(uri), "sip:person%u@h%u.example", i, i % 7);
	(void)re_snprintf(name, sizeof(name), "P\xc3\xa9r%u \"<&>'", i);

	const struct command cmd = { .verb = VERB_JOIN, .room = "band", .uri = uri, .name = name, .role = (enum role)draw(ROLE_N),
				     .face = &nobody };
	uint32_t member;

	return run(&cmd, &member) ? 0 : member;           /* it may be locked */
}

static void flips(uint32_t member)
{
	static const enum verb verbs[] = { VERB_MUTE, VERB_DEAF, VERB_HOLD };

	(void)run(&(struct command){ .verb = verbs[draw(3)], .member = member, .on = draw(2) }, NULL);
}

static void something_happens(uint32_t member[PEOPLE])
{
	unsigned i = draw(PEOPLE);

	if (!member[i]) {
		member[i] = person_joins(i);
		return;
	}
	switch (draw(6)) {
	case 0:
		leaves(member[i]);
		member[i] = 0;
		break;
	case 1:
		(void)run(&(struct command){ .verb = VERB_ROLE, .member = member[i], .role = (enum role)draw(ROLE_N) }, NULL);
		break;
	case 2:
		(void)run(&(struct command){ .verb = draw(9) ? VERB_LOCK : VERB_MUTE_ALL, .room = "band", .on = draw(2) }, NULL);
		break;
	default:
		flips(member[i]);
		break;
	}
}

/* Over TCP a document holds all there is: at each version the subscriber's room is the room. */
static void puts_together(void)
{
	uint32_t member[PEOPLE] = { 0 };
	struct snapshot *s;
	struct watcher w;
	struct ua *ann;

	house_open(&house, "[sip]\nnotify-interval = 300\n");
	watcher_open(&w);
	opens("band");
	ann = phone("band");
	subscribe(ann, "", "SIP/2.0 200");
	watch_next(&w, ann);

	for (unsigned i = 0; i < 600; i++) {
		for (unsigned n = 1 + draw(8); n; n--)
			something_happens(member);
		while (ua_wait(ann, 400)) {
			watcher_read(&w, ua_body(ann));
			s = house_room(&house, "band");
			watcher_compare(&w, s);
			mem_deref(s);
			ua_reply(ann, 200, "OK", NULL, NULL);
		}
	}
	g_assert_cmpuint(w.version, >, 500);
	watcher_validate(&w);
	watcher_close(&w);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

/* Over UDP, in pieces, while the room never rests, with loss: in the end all is told. */
static void puts_together_in_pieces(void)
{
	uint32_t member[PEOPLE] = { 0 };
	struct snapshot *s;
	struct watcher w;
	struct ua *ann;

	house_open(&house, "[sip]\nnotify-interval = 100\n");
	watcher_open(&w);
	for (unsigned i = 0; i < PEOPLE; i++)
		member[i] = person_joins(i);
	ann = phone_by(SIP_TRANSP_UDP, "band");
	subscribe(ann, "", "SIP/2.0 200");

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 60; i++) {
			something_happens(member);
			if (ua_wait(ann, 20)) {
				watcher_read(&w, ua_body(ann));
				ua_reply(ann, 200, "OK", NULL, NULL);
			}
		}
		while (ua_wait(ann, 400)) {
			watcher_read(&w, ua_body(ann));
			ua_reply(ann, 200, "OK", NULL, NULL);
		}
		s = house_room(&house, "band");
		watcher_compare(&w, s);
		mem_deref(s);
	}
	watcher_close(&w);
	mem_deref(ann);
	ends("band");
	house_close(&house);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notify/basic", basic);
	g_test_add_func("/notify/refresh", refresh);
	g_test_add_func("/notify/fetch", fetch);
	g_test_add_func("/notify/room-ends", room_ends);
	g_test_add_func("/notify/drain", drain);
	g_test_add_func("/notify/stop", stop);
	g_test_add_func("/notify/refused", refused);
	g_test_add_func("/notify/accepted", accepted);
	g_test_add_func("/notify/digest", digest);
	g_test_add_func("/notify/locked", locked);
	g_test_add_func("/notify/closed", closed);
	g_test_add_func("/notify/waiting", waiting);
	g_test_add_func("/notify/hidden", hidden);
	g_test_add_func("/notify/domain", domain);
	g_test_add_func("/notify/bounds", bounds);
	g_test_add_func("/notify/merged", merged);
	g_test_add_func("/notify/one-in-flight", one_in_flight);
	g_test_add_func("/notify/max-rate", max_rate);
	g_test_add_func("/notify/lost", lost);
	g_test_add_func("/notify/retry-after", retry_after);
	g_test_add_func("/notify/route", route);
	g_test_add_func("/notify/numbers", numbers);
	g_test_add_func("/notify/in-call/basic", in_call);
	g_test_add_func("/notify/in-call/kicked", in_call_kicked);
	g_test_add_func("/notify/in-call/moved", in_call_moved);
	g_test_add_func("/notify/in-call/echo", in_echo);
	g_test_add_func("/notify/two-phones", two_phones);
	g_test_add_func("/notify/large/udp", split_over_udp);
	g_test_add_func("/notify/large/change", change_while_split);
	g_test_add_func("/notify/merge/tcp", puts_together);
	g_test_add_func("/notify/merge/udp", puts_together_in_pieces);

	return g_test_run();
}
