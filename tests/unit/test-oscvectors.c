/*
 * test-oscvectors.c - the independent vectors of OSC, stream framing and the RTP payload: in a folder `shared` beside
 * the checkout, or where TUTTI_VECTORS says. They are no part of this tree; without them the tests are skipped.
 */
#include <errno.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <re.h>
#include <string.h>

#include "osc/oscrtp.h"
#include "osc/slip.h"
#include "vectors.h"

/* Exactly as long as it is, so that the address sanitizer sees the first octet too far. */
static uint8_t *unhex(size_t *len, const char *hex)
{
	uint8_t *buf;

	*len = strlen(hex) / 2;
	buf  = g_malloc(*len ? *len : 1);
	g_assert_cmpint(str_hex(buf, *len, hex), ==, 0);
	return buf;
}

/* ---- osc.json ---- */

/* Said to be decoded, but malformed by the rules the vectors themselves are to be read by: what another library makes
 * of them. */
static const char *const malformed[] = {
	"pyosc-dgram_knob_rotates",       /* rule 1: 14 octets */
	"pyosc-dgram_no_params",          /* rule 4: "the type tag string is present" */
	"pyosc-dgram_unknown_param_type", /* rule 4: "an unknown tag makes the message malformed" */
	"pyosc-dgram_bundle_in_bundle",   /* rule 6: an element of 40 octets, with 36 left */
	"pyosc-dgram_invalid_index",      /* rule 6: an element longer than its bundle */
	"pyosc-dgram_unknown_type",       /* rule 6, and rule 3: no slash */
};

static bool is_malformed(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(malformed); i++) {
		if (!strcmp(malformed[i], name))
			return true;
	}

	return false;
}

/* Written anew, step by step, it is the same packet; but for padding that is tolerated. */
static void rewrite(const uint8_t *buf, size_t len, bool same)
{
	uint8_t *out = g_malloc(len);
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	enum osc_step step;
	size_t n;

	osc_w_init(&w, out, len);
	osc_iter_init(&it, buf, len);
	while ((step = osc_step(&it, &msg)) != OSC_END) {
		g_assert_cmpint(step, !=, OSC_BAD);
		if (step == OSC_OPEN)
			osc_w_bundle(&w, it.timetag);
		else if (step == OSC_CLOSE)
			osc_w_bundle_end(&w);
		else
			osc_w_copy(&w, &msg, "", 0);
	}
	g_assert_cmpint(osc_w_end(&w, &n), ==, 0);
	g_assert_cmpuint(n, ==, len);
	g_assert_cmpint(osc_check(out, n, n), ==, 0);
	if (same)
		g_assert_cmpmem(out, n, buf, len);
	g_free(out);
}

static void osc_vector(JsonObject *v, const char *name)
{
	const char *kind = json_object_get_string_member(v, "kind");
	const bool good = strcmp(kind, "reject") && !is_malformed(name);
	size_t len;
	uint8_t *buf = unhex(&len, json_object_get_string_member(v, "hex"));

	g_test_message("%s: %s", name, good ? kind : "reject");
	g_assert_cmpint(osc_check(buf, len, OSC_MAX_STREAM), ==, good ? 0 : EBADMSG);
	if (good)
		rewrite(buf, len, !strcmp(kind, "decode"));
	g_free(buf);
}

static void osc_json(void)
{
	each("osc.json", osc_vector);
}

/* ---- framing.json ---- */

static void framing_fed(JsonObject *v, enum slip_kind kind, size_t piece)
{
	JsonNode *expect = json_object_get_member(v, "expect");
	JsonArray *want = JSON_NODE_HOLDS_ARRAY(expect) ? json_node_get_array(expect) : NULL;
	size_t len, pkt_len, left, got = 0;
	uint8_t *buf = unhex(&len, json_object_get_string_member(v, "stream"));
	const uint8_t *pkt, *p;
	struct slip *s;
	int err = EAGAIN;

	g_assert_cmpint(slip_alloc(&s, kind, 65536), ==, 0);
	for (size_t at = 0; at < len && err != EPROTO; at += piece) {
		p = buf + at;
		left = len - at < piece ? len - at : piece;
		while (!(err = slip_read(s, &pkt, &pkt_len, &p, &left))) {
			size_t n;
			uint8_t *one;

			if (osc_check(pkt, pkt_len, 65536))
				continue;
			g_assert_nonnull(want);
			g_assert_cmpuint(got, <, json_array_get_length(want));
			one = unhex(&n, json_array_get_string_element(want, (guint)got++));
			g_assert_cmpmem(pkt, pkt_len, one, n);
			g_free(one);
		}
	}
	if (want)
		g_assert_cmpuint(got, ==, json_array_get_length(want));
	else
		g_assert_cmpint(err, ==, EPROTO);
	mem_deref(s);
	g_free(buf);
}

static void framing_vector(JsonObject *v, const char *name)
{
	const enum slip_kind kind = g_str_has_prefix(name, "slip") ? SLIP_END : SLIP_SIZE;

	g_test_message("%s", name);
	for (size_t piece = 1; piece < 80; piece++)
		framing_fed(v, kind, piece);
}

static void framing_json(void)
{
	each("framing.json", framing_vector);
}

/* ---- rtposc.json ---- */

static void same_message(const uint8_t *osc, size_t len, const char *hex)
{
	size_t n;
	uint8_t *want = unhex(&n, hex);

	g_assert_cmpmem(osc, len, want, n);
	g_free(want);
}

static void same_elements(const struct oscrtp *o, JsonArray *want)
{
	const uint8_t *p = o->elems;
	struct oscrtp_elem e;

	g_assert_cmpuint(o->num, ==, json_array_get_length(want));
	for (guint i = 0; i < o->num; i++) {
		JsonArray *one = json_array_get_array_element(want, i);

		p = oscrtp_elem(&e, p);
		g_assert_cmpint(e.delta, ==, json_array_get_int_element(one, 0));
		same_message(e.osc, e.len, json_array_get_string_element(one, 1));
	}
}

static void same_entries(const struct oscrtp *o, JsonArray *want)
{
	const uint8_t *p = o->entries;
	struct oscrtp_entry e;

	for (guint i = 0; i < json_array_get_length(want); i++) {
		JsonObject *one = json_array_get_object_element(want, i);

		g_assert_true(p < o->end);
		p = oscrtp_entry(&e, p);
		g_assert_cmpint(e.event, ==, json_object_get_int_member(one, "E"));
		g_assert_cmpint(e.back, ==, json_object_get_int_member(one, "BACK"));
		if (e.event)
			g_assert_cmpint(e.age, ==, json_object_get_int_member(one, "AGE"));
		same_message(e.osc, e.len, json_object_get_string_member(one, "message"));
	}
	g_assert_true(p == o->end);
}

static void written_again(const struct oscrtp *o, const uint8_t *buf, size_t len)
{
	uint8_t out[1500], *w = oscrtp_write_hdr(out, o);
	const uint8_t *p = o->elems;
	struct oscrtp_entry t;
	struct oscrtp_elem e;

	for (unsigned i = 0; i < o->num; i++) {
		p = oscrtp_elem(&e, p);
		w = oscrtp_write_elem(w, &e);
	}
	for (p = o->entries; p < o->end;) {
		p = oscrtp_entry(&t, p);
		w = oscrtp_write_entry(w, &t);
	}
	g_assert_cmpmem(out, (size_t)(w - out), buf, len);
}

static void rtp_vector(JsonObject *v, const char *name)
{
	size_t len;
	uint8_t *buf = unhex(&len, json_object_get_string_member(v, "hex"));
	const bool good = json_object_get_boolean_member(v, "valid");
	struct rtp_pkt pkt;
	struct oscrtp o;
	JsonObject *want;

	g_test_message("%s", name);
	g_assert_cmpint(rtp_read(&pkt, buf, len), ==, 0);
	g_assert_cmpint(oscrtp_read(&o, &pkt, OSC_MAX_DGRAM), ==, good ? 0 : EBADMSG);
	if (good) {
		want = json_object_get_object_member(v, "decode");
		g_assert_cmpint(o.j, ==, json_object_get_int_member(want, "J"));
		g_assert_cmpint(o.p, ==, json_object_get_int_member(want, "P"));
		g_assert_cmpint(o.s, ==, json_object_get_int_member(want, "S"));
		g_assert_cmpint(o.check, ==, json_object_get_int_member(want, "check"));
		same_elements(&o, json_object_get_array_member(want, "events"));
		same_entries(&o, json_object_get_array_member(want, "journal"));
		written_again(&o, pkt.payload, pkt.len);
	}
	g_free(buf);
}

static void rtposc_json(void)
{
	each("rtposc.json", rtp_vector);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscvectors/osc", osc_json);
	g_test_add_func("/oscvectors/framing", framing_json);
	g_test_add_func("/oscvectors/rtposc", rtposc_json);
	return g_test_run();
}
