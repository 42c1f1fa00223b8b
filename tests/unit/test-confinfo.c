/*
 * test-confinfo.c - snapshots in, conference-info documents out; peer text escaped; documents of a size.
 */
#include <string.h>
#include <time.h>
#include "server/confinfo.h"
#include "server/xmltext.h"
#include "tests/lib/watcher.h"

enum { MEMBERS_MAX = 1000 };

static struct snapshot *room;
static struct roster *roster;
static struct watcher seen;               /* everything that was written, for the schema */

/* --- a room by hand --- */

static void room_begin_empty(void)
{
	room = mem_zalloc(sizeof(*room) + MEMBERS_MAX * sizeof(room->member[0]), NULL);
	str_ncpy(room->room, "band", sizeof(room->room));
	g_assert_cmpint(roster_alloc(&roster), ==, 0);
}

static void room_done(void)
{
	roster = mem_deref(roster);
	room   = mem_deref(room);
}

static struct snapshot_member *enters(uint32_t id, const char *uri, const char *name)
{
	struct snapshot_member *m = &room->member[room->n_members++];

	memset(m, 0, sizeof(*m));
	m->id       = id;
	m->role     = ROLE_SPEAKER;
	m->since_ms = 1700000000000 + id;
	str_ncpy(m->uri, uri, sizeof(m->uri));
	str_ncpy(m->name, name, sizeof(m->name));

	return m;
}

static void goes(uint32_t id, const char *why)
{
	for (size_t i = 0; i < room->n_members; i++) {
		if (room->member[i].id != id)
			continue;
		memmove(&room->member[i], &room->member[i + 1], (room->n_members - i - 1) * sizeof(room->member[0]));
		room->n_members--;
		roster_left(roster, id, why);
		return;
	}
	g_assert_not_reached();
}

/* What a subscriber is told that knows all up to *told; the text is the caller's. */
static char *document(uint64_t *told, bool full, size_t max_bytes)
{
	const struct confinfo c = { .entity = "sip:band@host", .name = "band", .max_users = 10, .version = 7, .full = full,
				    .told = *told, .known = *told, .max_bytes = max_bytes };
	struct mbuf *mb = mbuf_alloc(64);
	char *text;

	g_assert_cmpint(roster_follow(roster, room), ==, 0);
	g_assert_cmpint(confinfo_write(mb, told, &c, roster), ==, 0);
	text = g_strndup((char *)mb->buf, mb->end);
	g_ptr_array_add(seen.documents, g_strdup(text));
	mem_deref(mb);

	return text;
}

#define HEAD(state) "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\"" \
	" entity=\"sip:band@host\" state=\"" state "\" version=\"7\">\n"
#define FULL HEAD("full") "<conference-description><display-text>band</display-text><conf-uris><entry><uri>sip:band@host</uri>" \
	"<purpose>participation</purpose></entry></conf-uris><maximum-user-count>10</maximum-user-count></conference-description>\n"
#define STATE(n, locked) "<conference-state><user-count>" n "</user-count><active>true</active><locked>" locked "</locked>" \
	"</conference-state>\n"
#define USERS(text) "<users state=\"partial\">\n" text "</users>\n"
#define END "</conference-info>\n"
#define MEDIA(status) "<media id=\"1\"><type>audio</type><status>" status "</status></media>"
#define PHONE(uri, id, status, how, media) "<endpoint entity=\"" uri ";member=" id "\"><status>" status "</status><joining-method>" \
	how "</joining-method><joining-info><when>2023-11-14T22:13:20Z</when></joining-info>" MEDIA(media) "</endpoint>"
#define ANN "<user entity=\"sip:ann@home\"><display-text>Ann</display-text><roles><entry>speaker</entry></roles>" \
	PHONE("sip:ann@home", "1", "connected", "dialed-in", "sendrecv") "</user>\n"

static void tells(uint64_t *told, bool full, const char *expected)
{
	char *text = document(told, full, 60000);

	g_assert_cmpstr(text, ==, expected);
	g_assert_cmpuint(*told, ==, roster->seq);
	g_free(text);
}

/* --- the story of a room --- */

static void story(void)
{
	struct snapshot_member *ann, *ben;
	uint64_t told = 0, late = 0;

	room_begin_empty();
	tells(&told, true, FULL STATE("0", "false") "<users state=\"full\">\n</users>\n" END);

	ann = enters(1, "sip:ann@home", "Ann");
	tells(&told, false, HEAD("partial") STATE("1", "false") USERS(ANN) END);
	tells(&told, false, HEAD("partial") END);         /* nothing new */

	ann->muted = true;
	tells(&told, false, HEAD("partial") USERS("<user entity=\"sip:ann@home\" state=\"partial\"><endpoint entity=\"sip:ann@home;member=1\" "
	      "state=\"partial\"><status>muted-via-focus</status>" MEDIA("recvonly") "</endpoint></user>\n") END);
	ann->muted = false;

	ben = enters(2, "sip:ann@home", "");              /* the same person with another phone, called by a host */
	ben->dialed_out = ben->deaf = true;
	room->locked = true;
	tells(&told, false, HEAD("partial") STATE("2", "true") USERS("<user entity=\"sip:ann@home\" state=\"partial\">"
	      "<endpoint entity=\"sip:ann@home;member=1\" state=\"partial\"><status>connected</status>" MEDIA("sendrecv") "</endpoint>"
	      PHONE("sip:ann@home", "2", "connected", "dialed-out", "sendonly") "</user>\n") END);

	ann->role = ROLE_HOST;
	tells(&told, false, HEAD("partial") USERS("<user entity=\"sip:ann@home\" state=\"partial\"><display-text>Ann</display-text>"
	      "<roles><entry>host</entry></roles></user>\n") END);

	/* In a room of music a medium says how far it is to the mix and back; that alone is no news. */
	room->music = true;
	ann->delay = (struct delay){ .us = { 2700, 1333, 3000, 1400, 0, 3000, 1300, 4070 }, .known = 0xff };
	ben->delay = (struct delay){ .us = { 0, 20000, 1000, 24000, 18667, 1000, 0, 0 }, .known = 0x3e };
	tells(&told, false, HEAD("partial") END);
	ann->muted = true;
	ben->deaf = false;
	tells(&told, false, HEAD("partial") USERS("<user entity=\"sip:ann@home\" state=\"partial\"><endpoint entity=\"sip:ann@home;member=1\" "
	      "state=\"partial\"><status>muted-via-focus</status><media id=\"1\"><type>audio</type><status>recvonly</status>"
	      "<delay xmlns=\"urn:x-tutti:delay:1\" to-mix=\"8.4\" from-mix=\"8.4\"/></media></endpoint>"
	      "<endpoint entity=\"sip:ann@home;member=2\" state=\"partial\"><status>connected</status><media id=\"1\"><type>audio</type>"
	      "<status>sendrecv</status><delay xmlns=\"urn:x-tutti:delay:1\" to-mix=\"45.0\" to-mix-at-least=\"true\" from-mix=\"19.7\" "
	      "from-mix-at-least=\"true\"/></media></endpoint></user>\n") END);
	room->music = false;

	goes(1, "kicked");
	room->locked = false;
	tells(&told, false, HEAD("partial") STATE("1", "false") USERS("<user entity=\"sip:ann@home\" state=\"partial\"><roles><entry>speaker"
	      "</entry></roles><endpoint entity=\"sip:ann@home;member=1\" state=\"deleted\"><status>disconnected</status>"
	      "<disconnection-method>booted</disconnection-method><disconnection-info><reason>kicked</reason></disconnection-info>"
	      "</endpoint></user>\n") END);

	goes(2, "rtp-timeout");
	tells(&told, false, HEAD("partial") STATE("0", "false") USERS("<user entity=\"sip:ann@home\" state=\"deleted\">"
	      "<endpoint entity=\"sip:ann@home;member=2\" state=\"deleted\"><status>disconnected</status><disconnection-method>failed"
	      "</disconnection-method><disconnection-info><reason>rtp-timeout</reason></disconnection-info></endpoint></user>\n") END);

	tells(&late, true, FULL STATE("0", "false") "<users state=\"full\">\n</users>\n" END);   /* the dead are not in a full one */
	roster_prune(roster, told);
	g_assert_cmpuint(list_count(&roster->items), ==, 1);      /* nor kept */
	room_done();
}

/* Status and media of an endpoint, from the flags of its member. */
static void flags(void)
{
	static const struct { bool muted, deaf, hold; enum role role; const char *status, *media; } rows[] = {
		{ 0, 0, 0, ROLE_SPEAKER,  "connected",       "sendrecv" },
		{ 1, 0, 0, ROLE_SPEAKER,  "muted-via-focus", "recvonly" },
		{ 0, 1, 0, ROLE_SPEAKER,  "connected",       "sendonly" },
		{ 1, 1, 0, ROLE_SPEAKER,  "muted-via-focus", "inactive" },
		{ 0, 0, 1, ROLE_SPEAKER,  "on-hold",         "inactive" },
		{ 1, 1, 1, ROLE_HOST,     "on-hold",         "inactive" },
		{ 0, 0, 0, ROLE_LISTENER, "muted-via-focus", "recvonly" },
		{ 0, 0, 0, ROLE_HOST,     "connected",       "sendrecv" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct snapshot_member *m;
		uint64_t told = 0;
		char *text, *says;

		room_begin_empty();
		m = enters(1, "sip:ann@home", "Ann");
		m->muted = rows[i].muted;
		m->deaf  = rows[i].deaf;
		m->hold  = rows[i].hold;
		m->role  = rows[i].role;
		text = document(&told, true, 60000);
		says = g_strdup_printf("<status>%s</status>", rows[i].status);
		g_assert_nonnull(strstr(text, says));
		g_free(says);
		says = g_strdup_printf("<type>audio</type><status>%s</status>", rows[i].media);
		g_assert_nonnull(strstr(text, says));
		g_free(says);
		g_free(text);
		room_done();
	}
}

/* Changes that two subscribers missed at different times, told to each in one document. */
static void catching_up(void)
{
	uint64_t early = 0, late = 0;
	struct snapshot_member *ann;
	char *text;

	room_begin_empty();
	ann = enters(1, "sip:ann@home", "Ann");
	g_free(document(&early, true, 60000));
	ann->muted = true;
	late = early;
	g_free(document(&late, false, 60000));
	ann->deaf = true;
	ann->role = ROLE_HOST;
	(void)enters(2, "sip:ben@home", "Ben");

	text = document(&late, false, 60000);             /* knew of the mute; the rest is new */
	g_assert_nonnull(strstr(text, "<entry>host</entry>"));
	g_assert_nonnull(strstr(text, "sip:ben@home"));
	g_free(text);

	goes(1, "bye");
	ann = enters(1, "sip:ann@home", "Ann");           /* out and in again: as new */
	ann->since_ms += 60000;
	text = document(&early, false, 60000);
	g_assert_nonnull(strstr(text, "<joining-info><when>2023-11-14T22:14:20Z"));
	g_free(text);
	room_done();
}

/* A room that ends between two documents. */
static void ended(void)
{
	const struct confinfo c = { .entity = "sip:band@host", .name = "band", .version = 8, .max_bytes = 60000 };
	struct mbuf *mb = mbuf_alloc(64);
	uint64_t told = 0;

	room_begin_empty();
	(void)enters(1, "sip:ann@home", "Ann");
	g_free(document(&told, true, 60000));
	g_assert_cmpint(roster_follow(roster, NULL), ==, 0);
	g_assert_cmpint(confinfo_write(mb, &told, &(struct confinfo){ .entity = c.entity, .name = c.name, .version = 8, .told = told,
				       .known = told, .max_bytes = 60000 }, roster), ==, 0);
	mbuf_write_u8(mb, 0);
	g_assert_nonnull(strstr((char *)mb->buf, "<active>false</active>"));
	g_assert_nonnull(strstr((char *)mb->buf, "<user entity=\"sip:ann@home\" state=\"deleted\">"));
	mem_deref(mb);
	room_done();
}

/* --- sizes --- */

/* However small the room for it, each document is whole, and all together are the room. */
static void pieces(void)
{
	static const size_t sizes[] = { 0, 600, 700, 1000, 1300, 2000, 5000, 60000 };

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct watcher w;
		uint64_t told = 0;
		unsigned n = 0;

		room_begin_empty();
		for (uint32_t id = 1; id <= 50; id++) {
			char uri[64];

			(void)re_snprintf(uri, sizeof(uri), "sip:member%u@somewhere.example", id % 45);
			(void)enters(id, uri, "Somebody");
		}
		g_assert_cmpint(roster_follow(roster, room), ==, 0);

		watcher_open(&w);
		while (told < roster->seq || !n) {
			struct mbuf *mb = mbuf_alloc(64);
			const struct confinfo c = { .entity = "sip:band@host", .name = "band", .version = n + 1, .full = !n,
						    .told = told, .known = 0, .max_bytes = sizes[i] };

			g_assert_cmpint(confinfo_write(mb, &told, &c, roster), ==, 0);
			g_assert_true(mb->end <= sizes[i] || sizes[i] < 1000);    /* one user alone may be more, and is not cut */
			mbuf_write_u8(mb, 0);
			watcher_read(&w, (char *)mb->buf);
			mem_deref(mb);
			g_assert_cmpuint(++n, <, 60);
		}
		watcher_compare(&w, room);
		watcher_validate(&w);
		watcher_close(&w);
		room_done();
	}
}

static unsigned cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

	return (unsigned)(ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

/* The best of five, in CPU time: a full document of a thousand members, and one change of it found and told. */
static void cost(void)
{
	unsigned full = UINT_MAX, change = UINT_MAX;
	char uri[64];

	room_begin_empty();
	for (uint32_t id = 1; id <= MEMBERS_MAX; id++) {
		(void)re_snprintf(uri, sizeof(uri), "sip:member%u@somewhere.example", id);
		(void)enters(id, uri, "Somebody");
	}
	g_assert_cmpint(roster_follow(roster, room), ==, 0);

	for (int i = 0; i < 5; i++) {
		uint64_t told = 0;
		unsigned t0 = cpu_us(), t1;

		g_free(document(&told, true, 1000000));
		t1 = cpu_us();
		full = MIN(full, t1 - t0);
		room->member[500].muted = !room->member[500].muted;
		g_free(document(&told, false, 1000000));
		change = MIN(change, cpu_us() - t1);
	}
	g_test_message("1000 members: a full document %u us, one change %u us", full, change);
	g_assert_cmpuint(full, <, 200000);                /* far above what it takes, sanitizers too; not squared */
	g_assert_cmpuint(change, <, 20000);
	room_done();
}

/* --- text of peers --- */

static void escaping(void)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "plain",                 "plain" },
		{ "<b>&\"'",               "&lt;b&gt;&amp;&quot;'" },
		{ "P\xc3\xa9r \xf0\x9f\x8e\xb8", "P\xc3\xa9r \xf0\x9f\x8e\xb8" },
		{ "a\tb\r\nc",             "a&#9;b&#13;&#10;c" },
		{ "\x01\x1b[2J\x7f",       "\xef\xbf\xbd\xef\xbf\xbd[2J\x7f" },
		{ "\xff\xc0\xaf",          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut \xe2\x82",          "cut \xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80",          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xef\xbf\xbe",          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "]]>",                   "]]&gt;" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct mbuf *mb = mbuf_alloc(16);

		g_assert_cmpint(xmltext_write(mb, rows[i].in), ==, 0);
		mbuf_write_u8(mb, 0);
		g_assert_cmpstr((char *)mb->buf, ==, rows[i].out);
		mem_deref(mb);
	}
}

static void uris(void)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "sip:ann@home:5060;transport=tcp", "sip:ann@home:5060;transport=tcp" },
		{ "sip:a<\">b@home",                 "sip:a%3C%22%3Eb@home" },
		{ "sip:\xc3\xa9@home",               "sip:%C3%A9@home" },
		{ "sip:[2001:db8::1]",               "sip:[2001:db8::1]" },
	};
	char buf[64];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		xmltext_uri(buf, sizeof(buf), rows[i].in);
		g_assert_cmpstr(buf, ==, rows[i].out);
	}

	xmltext_uri(buf, 8, "sip:\xc3\xa9@home");
	g_assert_cmpstr(buf, ==, "sip:%C3");              /* never the half of an escape */
}

static void hostile_members(void)
{
	uint64_t told = 0;

	room_begin_empty();
	(void)enters(1, "sip:<script>\"@\xff home", "]]> <!-- & \x01");
	(void)enters(2, "", "");
	(void)enters(3, "sip:anonymous@anonymous.invalid", "<user state=\"deleted\">");
	g_free(document(&told, true, 60000));             /* the schema judges it below */
	room_done();
}

static void schema(void)
{
	g_assert_cmpuint(seen.documents->len, >, 10);
	watcher_validate(&seen);
}

int main(int argc, char *argv[])
{
	int status;

	g_test_init(&argc, &argv, NULL);
	watcher_open(&seen);
	g_test_add_func("/confinfo/story", story);
	g_test_add_func("/confinfo/flags", flags);
	g_test_add_func("/confinfo/catching-up", catching_up);
	g_test_add_func("/confinfo/ended", ended);
	g_test_add_func("/confinfo/pieces", pieces);
	g_test_add_func("/confinfo/cost", cost);
	g_test_add_func("/confinfo/escaping", escaping);
	g_test_add_func("/confinfo/uris", uris);
	g_test_add_func("/confinfo/hostile", hostile_members);
	g_test_add_func("/confinfo/schema", schema);
	status = g_test_run();
	watcher_close(&seen);

	return status;
}
