/*
 * test-gestline.c - what is said of a line of gestures: format parameters, address spaces, and whether two spaces meet.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "osc/gestline.h"
#include "osc/oscmap.h"

/* ---- format parameters ---- */

static const struct { enum gestline_kind kind; const char *text; int err; } fmtps[] = {
	{GESTLINE_OSC, "", 0},
	{GESTLINE_OSC, "version=1.1; types=ifsbTFNIt; max=1200; rec=journal,none; red=2; guard=500; late=40; tt=exec", 0},
	{GESTLINE_OSC, "version=1.1;types=i;", 0},
	{GESTLINE_OSC, "version=1.1; types=i; ", 0},
	{GESTLINE_OSC, "VERSION=1.1;REC=Journal;tt=EXEC", 0},
	{GESTLINE_OSC, "x-new=3;y;z=a,b", 0},
	{GESTLINE_OSC, "x-new=3;x-new=4", 0},
	{GESTLINE_OSC, "framing=no;framing=size", 0},                   /* of another kind: ignored */
	{GESTLINE_UDP, "red=99;guard=x", 0},
	{GESTLINE_OSC, "version=1", EPROTO},
	{GESTLINE_OSC, "version=1.", EPROTO},
	{GESTLINE_OSC, "version=.1", EPROTO},
	{GESTLINE_OSC, "version", EPROTO},
	{GESTLINE_OSC, "version=1.1.1", EPROTO},
	{GESTLINE_OSC, "version=1.1;version=1.1", EPROTO},
	{GESTLINE_OSC, "types=", EPROTO},
	{GESTLINE_OSC, "types=ifx", EPROTO},
	{GESTLINE_OSC, "types=ifsbifsbifsbifsbifsbifsbifsbifsbi", EPROTO},
	{GESTLINE_OSC, "max=62", EPROTO},
	{GESTLINE_OSC, "max=60", EPROTO},
	{GESTLINE_OSC, "max=64", 0},
	{GESTLINE_OSC, "max=66", EPROTO},
	{GESTLINE_OSC, "max=65504", 0},
	{GESTLINE_OSC, "max=65508", EPROTO},
	{GESTLINE_TCP, "max=1048576", 0},
	{GESTLINE_TCP, "max=1048580", EPROTO},
	{GESTLINE_TCP, "max=00001024", EPROTO},
	{GESTLINE_TCP, "framing=slip", 0},
	{GESTLINE_TLS, "framing=slip,cobs", EPROTO},
	{GESTLINE_TLS, "framing=slip,", EPROTO},
	{GESTLINE_TLS, "framing=", EPROTO},
	{GESTLINE_OSC, "rec=none,journal", 0},
	{GESTLINE_OSC, "rec=fec", EPROTO},
	{GESTLINE_OSC, "red=8", 0},
	{GESTLINE_OSC, "red=9", EPROTO},
	{GESTLINE_OSC, "red=08", EPROTO},
	{GESTLINE_OSC, "guard=60000", 0},
	{GESTLINE_OSC, "guard=60001", EPROTO},
	{GESTLINE_OSC, "guard=-1", EPROTO},
	{GESTLINE_OSC, "guard= 1", EPROTO},
	{GESTLINE_OSC, "guard=1 ;late=1", EPROTO},
	{GESTLINE_OSC, "late=10001", EPROTO},
	{GESTLINE_OSC, "refresh=60001", EPROTO},
	{GESTLINE_OSC, "rate=0", EPROTO},
	{GESTLINE_OSC, "rate=100001", EPROTO},
	{GESTLINE_OSC, "rate=9999999999", EPROTO},
	{GESTLINE_OSC, "tt=maybe", EPROTO},
	{GESTLINE_OSC, "red=1;;late=1", EPROTO},
	{GESTLINE_OSC, ";red=1", EPROTO},
	{GESTLINE_OSC, "=1", EPROTO},
};

static struct gestline_fmtp fmtp(enum gestline_kind kind, const char *text, int err)
{
	gchar *exact = g_memdup2(text, strlen(text) + 1);
	struct gestline_fmtp f;

	g_test_message("%s", text);
	g_assert_cmpint(gestline_fmtp_read(&f, kind, exact, strlen(text)), ==, err);
	g_free(exact);
	return f;
}

static void syntax(void)
{
	gchar *longest;

	for (size_t i = 0; i < G_N_ELEMENTS(fmtps); i++)
		fmtp(fmtps[i].kind, fmtps[i].text, fmtps[i].err);
	longest = g_strnfill(8193, 'x');
	fmtp(GESTLINE_OSC, longest, EPROTO);
	g_free(longest);
}

static void values(void)
{
	struct gestline_fmtp f = fmtp(GESTLINE_OSC, "", 0);

	g_assert_cmpstr(f.takes.types, ==, "ifsb");
	g_assert_cmpuint(f.takes.max, ==, 1200);
	g_assert_cmpuint(f.takes.red, ==, 2);
	g_assert_cmpuint(f.takes.guard_ms, ==, 1000);
	g_assert_cmpuint(f.takes.late_ms, ==, 40);
	g_assert_cmpuint(f.takes.refresh_ms, ==, 1000);
	g_assert_cmpuint(f.takes.rate, ==, 1000);
	g_assert_false(f.takes.deep || f.exec);
	g_assert_cmpuint(f.n_rec, ==, 1);
	g_assert_true(f.rec_journal[0]);
	g_assert_cmpuint(f.n_framing, ==, 0);
	g_assert_cmpuint(fmtp(GESTLINE_TLS, "", 0).takes.max, ==, 65536);

	f = fmtp(GESTLINE_OSC, "rec=none,journal,none;version=1.1;tt=exec;guard=0;rate=100000;red=0", 0);
	g_assert_cmpstr(f.takes.types, ==, "ifsbTFNIt");
	g_assert_true(f.takes.deep && f.exec);
	g_assert_cmpuint(f.n_rec, ==, 2);
	g_assert_false(f.rec_journal[0]);
	g_assert_true(f.rec_journal[1]);
	g_assert_cmpuint(f.takes.guard_ms + f.takes.red, ==, 0);
	g_assert_cmpuint(f.takes.rate, ==, 100000);
	f = fmtp(GESTLINE_TCP, "framing=size,slip;types=i[];version=1.1", 0);
	g_assert_cmpuint(f.n_framing, ==, 2);
	g_assert_cmpint(f.framing[0], ==, GESTLINE_SIZE);
	g_assert_cmpint(f.framing[1], ==, GESTLINE_SLIP);
	g_assert_cmpstr(f.takes.types, ==, "i[]");
}

static void versions(void)
{
	static const struct { const char *text; bool deep; } all[] = {
		{"version=1.0", false}, {"version=0.9", false}, {"version=1.1", true}, {"version=1.2", true},
		{"version=2.0", true},
		{"version=1.00", false}, {"version=00001.0001", true}, {"version=99999999999999999999.0", true},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_assert_cmpint(fmtp(GESTLINE_UDP, all[i].text, 0).takes.deep, ==, all[i].deep);
}

static void lines(void)
{
	struct gestline a, b;

	gestline_init(&a, GESTLINE_TCP);
	g_assert_cmpuint(a.takes.max, ==, 65536);
	g_assert_cmpint(a.view, ==, VIEW_PREFIX);
	g_assert_cmpuint(a.sources, ==, 1);
	g_assert_false(sa_isset(&a.peer, SA_ALL));
	g_assert_cmpint(gestspace_alloc(&a.space), ==, 0);
	gestline_copy(&b, &a);
	g_assert_cmpuint(mem_nrefs(a.space), ==, 2);
	a.srtp_tx.key[3] = 7;
	gestline_reset(&a);
	g_assert_null(a.space);
	g_assert_cmpuint(a.srtp_tx.key[3], ==, 0);
	g_assert_cmpuint(mem_nrefs(b.space), ==, 1);
	gestline_reset(&b);
}

/* ---- attributes ---- */

static int attr(struct gestspace *s, const char *name, const char *value)
{
	gchar *exact = g_memdup2(value, strlen(value) + 1);
	const int err = gestspace_attr(s, name, strlen(name), exact, strlen(value));

	g_free(exact);
	return err;
}

static const struct { const char *name, *value; unsigned schemas, spaces, claims, maps; } attrs[] = {
	{"osc-schema", "send urn:x-gest:midi:1", 1, 0, 0, 0},
	{"osc-schema", "both *", 1, 0, 0, 0},
	{"osc-schema", "recv https://example.org/x sha-256 9f:86d0", 1, 0, 0, 0},
	{"osc-schema", "recv https://example.org/x sha-1 9f86", 0, 0, 0, 0},
	{"osc-schema", "recv https://example.org/x sha-256 9f8", 0, 0, 0, 0},
	{"osc-schema", "recv https://example.org/x sha-256 9f:", 0, 0, 0, 0},
	{"osc-schema", "recv https://example.org/x sha-256", 0, 0, 0, 0},
	{"osc-schema", "recv nocolon", 0, 0, 0, 0},
	{"osc-schema", "recv 1a:b", 0, 0, 0, 0},
	{"osc-schema", "in urn:a", 0, 0, 0, 0},
	{"osc-schema", "recv", 0, 0, 0, 0},
	{"osc-schema", "recv urn:", 0, 0, 0, 0},
	{"osc-space", "send /key ,ii kind=event", 0, 1, 0, 0},
	{"osc-space", "both /synth/*/gain ,f kind=state range=0:1 unit=dB x-mine=3 flag", 0, 1, 0, 0},
	{"osc-space", "recv /a ,", 0, 1, 0, 0},
	{"osc-space", "recv /a ii", 0, 0, 0, 0},
	{"osc-space", "recv /a ,q", 0, 0, 0, 0},
	{"osc-space", "recv /a", 0, 0, 0, 0},
	{"osc-space", "recv a ,i", 0, 0, 0, 0},
	{"osc-space", "recv //a ,i", 0, 0, 0, 0},
	{"osc-space", "recv /a/ ,i", 0, 0, 0, 0},
	{"osc-space", "recv /a[ ,i", 0, 0, 0, 0},
	{"osc-space", "recv /?/?/?/?/?/?/?/?/? ,i", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i kind=maybe", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i kind=state kind=state", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i range=0", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i unit=", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i  unit=a", 0, 0, 0, 0},
	{"osc-space", "recv /a ,i 3x", 0, 0, 0, 0},
	{"osc-own", "/lights/*", 0, 0, 1, 0},
	{"osc-own", "/lights//x", 0, 0, 0, 0},
	{"osc-own", "", 0, 0, 0, 0},
	{"osc-map", "out /go - start", 0, 0, 0, 1},
	{"osc-map", "out /go start", 0, 0, 0, 0},
	{"OSC-MAP", "out /go - start", 0, 0, 0, 1},
	{"osc-query", "https://example.org/", 0, 0, 0, 0},
	{"osc-spacex", "recv /a ,", 0, 0, 0, 0},
};

static void attributes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(attrs); i++) {
		struct gestspace *s;

		g_test_message("%s:%s", attrs[i].name, attrs[i].value);
		g_assert_cmpint(gestspace_alloc(&s), ==, 0);
		g_assert_cmpint(attr(s, attrs[i].name, attrs[i].value), ==, 0);
		g_assert_cmpuint(s->n_schema, ==, attrs[i].schemas);
		g_assert_cmpuint(s->n_space, ==, attrs[i].spaces);
		g_assert_cmpuint(s->n_claim, ==, attrs[i].claims);
		g_assert_cmpuint(s->map ? oscmap_count(s->map) : 0, ==, attrs[i].maps);
		mem_deref(s);
	}
}

/* "kind=" counts for what its writer sends. */
static void kinds(void)
{
	struct gestspace *s;

	g_assert_cmpint(gestspace_alloc(&s), ==, 0);
	attr(s, "osc-space", "send /key ,ii kind=event");
	attr(s, "osc-space", "recv /other ,ii kind=event");
	attr(s, "osc-space", "both /both ,ii kind=state");
	g_assert_cmpuint(s->kinds.n, ==, 2);
	g_assert_cmpstr(s->kinds.space[1].pattern, ==, "/both");
	g_assert_cmpstr(s->space[0].tags, ==, "ii");
	mem_deref(s);
}

static void repeated(const char *name, const char *value, unsigned n, int err)
{
	struct gestspace *s;

	g_assert_cmpint(gestspace_alloc(&s), ==, 0);
	for (unsigned i = 0; i < n; i++)
		g_assert_cmpint(attr(s, name, value), ==, 0);
	g_assert_cmpint(attr(s, name, value), ==, err);
	mem_deref(s);
}

/* "SDP lines over 8 KiB or more than 64 spaces / 128 maps: line at port 0" */
static void too_many(void)
{
	gchar *filler = g_strnfill(8200, 'a'), *line;

	repeated("osc-space", "recv /a ,", 64, EPROTO);
	repeated("osc-space", "recv a ,", 64, EPROTO);          /* lines, not what they are worth */
	repeated("osc-map", "out /go - start", 128, EPROTO);
	repeated("osc-map", "nonsense", 128, EPROTO);
	repeated("osc-schema", "recv urn:a", 16, EPROTO);
	repeated("osc-own", "/a", 100, 0);
	line = g_strdup_printf("recv urn:%s", filler);
	repeated("osc-schema", line, 0, EPROTO);
	repeated("osc-own", line, 0, EPROTO);
	repeated("x-other", line, 0, 0);
	line[9 + 252] = '\0';
	repeated("osc-schema", line, 0, EPROTO);
	line[9 + 251] = '\0';
	repeated("osc-schema", line, 0, 0);
	g_free(line);
	g_free(filler);
}

static void singles(void)
{
	enum osc_view v[3];

	g_assert_cmpuint(gestline_views_read(v, 3, "source,nonsense,prefix,source", 29), ==, 2);
	g_assert_cmpint(v[0], ==, VIEW_SOURCE);
	g_assert_cmpint(v[1], ==, VIEW_PREFIX);
	g_assert_cmpuint(gestline_views_read(v, 1, "flat,prefix", 11), ==, 1);
	g_assert_cmpuint(gestline_views_read(v, 3, "", 0), ==, 0);
	g_assert_cmpuint(gestline_sources_read("8", 1), ==, 8);
	g_assert_cmpuint(gestline_sources_read("*", 1), ==, GESTLINE_ALL);
	g_assert_cmpuint(gestline_sources_read("0", 1), ==, 1);
	g_assert_cmpuint(gestline_sources_read("", 0), ==, 1);
	g_assert_cmpuint(gestline_sources_read("99999", 5), ==, 1);
	g_assert_cmpuint(gestline_sources_read("3x", 2), ==, 1);
}

/* ---- section 8.4 ---- */

static const struct { const char *a[2], *b[2]; bool meet; } spaces[] = {
	{{NULL}, {NULL}, true},
	{{"Ssend urn:a"}, {NULL}, true},
	{{NULL}, {"Srecv urn:a"}, true},
	{{"Srecv urn:b"}, {"Srecv urn:a"}, true},              /* of what it sends A has said nothing */
	{{"Ssend urn:a"}, {"Srecv urn:a"}, true},
	{{"Sboth urn:a"}, {"Sboth urn:a"}, true},
	{{"Ssend urn:a"}, {"Srecv urn:b"}, false},
	{{"Ssend urn:a"}, {"Srecv urn:A"}, false},
	{{"Ssend *"}, {"Srecv urn:b"}, true},
	{{"Ssend urn:a"}, {"Srecv *"}, true},
	{{"Ssend urn:a"}, {"Ssend *", "Srecv urn:b"}, false},
	{{"Psend /a/b ,i"}, {"Precv /a/b ,f"}, true},
	{{"Psend /a/b ,T"}, {"Precv /a/b ,F"}, true},
	{{"Psend /a/b ,i"}, {"Precv /a/b ,s"}, false},
	{{"Psend /a/b ,i"}, {"Precv /a/b ,ii"}, false},
	{{"Psend /a/b ,i"}, {"Precv /a/* ,i"}, true},
	{{"Psend /a/b ,i"}, {"Precv /*/c ,i"}, false},
	{{"Psend /a/* ,i"}, {"Precv /*/c ,i"}, true},
	{{"Psend /a/*/d ,i"}, {"Precv /*/c ,i"}, false},
	{{"Precv /a/b ,i", "Psend /x ,i"}, {"Precv /a/b ,i"}, false},
	{{"Ssend urn:a", "Psend /x ,i"}, {"Srecv urn:b", "Precv /x ,i"}, true},
};

static struct gestspace *space_of(const char *const line[2])
{
	struct gestspace *s;

	g_assert_cmpint(gestspace_alloc(&s), ==, 0);
	for (unsigned i = 0; i < 2 && line[i]; i++)
		g_assert_cmpint(attr(s, line[i][0] == 'S' ? "osc-schema" : "osc-space", line[i] + 1), ==, 0);
	return s;
}

static void meets(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(spaces); i++) {
		struct gestspace *a = space_of(spaces[i].a), *b = space_of(spaces[i].b);

		g_test_message("%zu", i);
		g_assert_cmpint(gestspace_meets(a, b), ==, spaces[i].meet);
		g_assert_true(gestspace_meets(NULL, b) && gestspace_meets(a, NULL));
		mem_deref(a);
		mem_deref(b);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gestline/syntax", syntax);
	g_test_add_func("/gestline/values", values);
	g_test_add_func("/gestline/versions", versions);
	g_test_add_func("/gestline/lines", lines);
	g_test_add_func("/gestline/attributes", attributes);
	g_test_add_func("/gestline/kinds", kinds);
	g_test_add_func("/gestline/too-many", too_many);
	g_test_add_func("/gestline/singles", singles);
	g_test_add_func("/gestline/meets", meets);
	return g_test_run();
}
