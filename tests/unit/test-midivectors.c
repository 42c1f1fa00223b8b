/*
 * test-midivectors.c - the independent vectors of RTP MIDI and AppleMIDI: in a folder `shared` beside the checkout, or where
 * TUTTI_VECTORS says. They are no part of this tree; without them the tests are skipped.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <re.h>

#include "mixer/rtp.h"
#include "osc/applemidi.h"
#include "osc/journal.h"
#include "osc/rtpmidi.h"
#include "vectors.h"

/* Exactly as long as it is, so that the address sanitizer sees the first octet too far. */
static uint8_t *unhex(size_t *len, const char *hex)
{
	uint8_t *buf;

	*len = strlen(hex) / 2;
	buf = g_malloc(*len ? *len : 1);
	g_assert_cmpint(str_hex(buf, *len, hex), ==, 0);
	return buf;
}

static gint64 number(JsonObject *o, const char *name)
{
	return json_object_get_int_member(o, name);
}

static JsonObject *part(JsonObject *o, const char *name)
{
	return json_object_has_member(o, name) ? json_object_get_object_member(o, name) : NULL;
}

static void check_hex(const uint8_t *got, size_t n, const char *want)
{
	char *hex = g_malloc0(2 * n + 1);

	for (size_t i = 0; i < n; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", got[i]);
	g_assert_cmpstr(hex, ==, want);
	g_free(hex);
}

/* ---- the MIDI list ---- */

static void check_list(const struct rtpmidi *m, JsonArray *list)
{
	struct rtpmidi_iter it;
	struct midi_cmd cmd;
	uint8_t octets[1024];

	rtpmidi_begin(&it, m);
	for (guint i = 0; i < json_array_get_length(list); i++) {
		JsonArray *want = json_array_get_array_element(list, i);

		if (!strcmp(json_array_get_string_element(want, 2), "none")) {
			g_assert_false(rtpmidi_next(&it, &cmd));
			g_assert_cmpint(it.void_time, ==, json_array_get_int_element(want, 0));
			return;
		}
		g_assert_true(rtpmidi_next(&it, &cmd));
		g_assert_cmpint(cmd.delta, ==, json_array_get_int_element(want, 0));
		check_hex(octets, midi_write(octets, sizeof(octets), &cmd), json_array_get_string_element(want, 1));
	}
	g_assert_false(rtpmidi_next(&it, &cmd));
}

/* ---- the journal ---- */

static void check_logs(const struct journal_list *l, JsonArray *want, const char *flag, const char *num, const char *value)
{
	g_assert_cmpuint(l->n, ==, json_array_get_length(want));
	for (unsigned i = 0; i < l->n; i++) {
		JsonObject *o = json_array_get_object_element(want, i);
		const struct journal_log log = journal_log_at(l, i);

		g_assert_cmpint(log.s, ==, number(o, "S"));
		g_assert_cmpint(log.num, ==, number(o, num));
		g_assert_cmpint(log.flag, ==, number(o, flag));
		g_assert_cmpint(log.value, ==, number(o, value));
	}
}

static void check_c(const struct journal_list *l, JsonObject *want)
{
	JsonArray *logs = json_object_get_array_member(want, "logs");

	g_assert_cmpint(l->s, ==, number(want, "S"));
	g_assert_cmpuint(l->n, ==, json_array_get_length(logs));
	for (unsigned i = 0; i < l->n; i++) {
		JsonObject *o = json_array_get_object_element(logs, i);
		const struct journal_log log = journal_log_at(l, i);
		const char *tool = json_object_get_string_member(o, "tool");

		g_assert_cmpint(log.num, ==, number(o, "num"));
		g_assert_cmpstr(tool, ==, !log.flag ? "value" : log.value & 0x40 ? "count" : "toggle");
		g_assert_cmpint(log.flag ? log.value & 0x3f : log.value, ==, number(o, "v"));
	}
}

static void check_m(const struct journal_m *m, JsonObject *want)
{
	JsonArray *logs = json_object_get_array_member(want, "logs");
	struct journal_param p;
	size_t at = 0;

	g_assert_cmpint(m->s, ==, number(want, "S"));
	g_assert_cmpint(m->p, ==, number(want, "P"));
	g_assert_cmpint(m->e, ==, number(want, "E"));
	for (unsigned i = 0; i < json_array_get_length(logs); i++) {
		JsonObject *o = json_array_get_object_element(logs, i);

		g_assert_true(journal_param_next(&p, m, &at));
		g_assert_cmpint(p.num & 0x7f, ==, number(o, "lsb"));
		g_assert_cmpint(p.num >> 7, ==, number(o, "msb"));
		g_assert_cmpint(p.nrpn, ==, number(o, "Q"));
		g_assert_cmpint(p.t, ==, number(o, "T"));
		g_assert_cmpint(p.v, ==, number(o, "V"));
		g_assert_cmpint(p.msb, ==, number(o, "entry_msb"));
		g_assert_cmpint(p.lsb, ==, number(o, "entry_lsb"));
		g_assert_cmpint(p.a_button, ==, number(o, "a_button"));
		g_assert_cmpint(p.c_button, ==, number(o, "c_button"));
		g_assert_cmpint(p.count, ==, number(o, "count"));
	}
	g_assert_false(journal_param_next(&p, m, &at));
}

static void check_n(const struct journal_n *n, JsonObject *want)
{
	JsonArray *off = json_object_get_array_member(want, "off");
	unsigned k = 0;

	g_assert_cmpint(n->b, ==, number(want, "B"));
	check_logs(&n->notes, json_object_get_array_member(want, "logs"), "Y", "note", "vel");
	for (uint8_t note = 0; note < 128; note++)
		if (journal_is_off(n, note)) {
			g_assert_cmpuint(k, <, json_array_get_length(off));
			g_assert_cmpint(json_array_get_int_element(off, k++), ==, note);
		}
	g_assert_cmpuint(k, ==, json_array_get_length(off));
}

static void check_channel(const struct journal_channel *c, JsonObject *want)
{
	JsonObject *o;

	g_assert_cmpint(c->s, ==, number(want, "S"));
	g_assert_cmpint(c->chan, ==, number(want, "chan"));
	g_assert_cmpint(c->h, ==, number(want, "H"));
	g_assert_cmpint(c->toc, ==, number(want, "toc"));
	if ((o = part(want, "C")))
		check_c(&c->c, o);
	if ((o = part(want, "M")))
		check_m(&c->m, o);
	if ((o = part(want, "N")))
		check_n(&c->n, o);
	if ((o = part(want, "E")))
		check_logs(&c->e, json_object_get_array_member(o, "logs"), "V", "note", "v");
	if ((o = part(want, "W"))) {
		g_assert_cmpint(c->w.first, ==, number(o, "first"));
		g_assert_cmpint(c->w.second, ==, number(o, "second"));
	}
}

static void check_count(const struct journal_count *c, JsonObject *want)
{
	g_assert_cmpint(c->there, ==, want != NULL);
	if (!want)
		return;
	g_assert_cmpint(c->s, ==, number(want, "S"));
	g_assert_cmpint(c->count, ==, number(want, "v"));
}

static void check_x(const struct journal_system *sys, JsonArray *want)
{
	struct journal_sysex x;
	uint8_t data[256];
	size_t at = 0;

	for (unsigned i = 0; i < json_array_get_length(want); i++) {
		JsonObject *o = json_array_get_object_element(want, i);

		g_assert_true(journal_sysex_next(&x, sys, &at));
		g_assert_cmpint(x.sta, ==, number(o, "sta"));
		g_assert_cmpint(x.l, ==, number(o, "L"));
		if (x.t)
			g_assert_cmpint(x.tcount, ==, number(o, "tcount"));
		for (size_t k = 0; k < x.len; k++)
			data[k] = journal_octet(x.data, k);
		check_hex(data, x.len, json_object_get_string_member(o, "data"));
	}
	g_assert_false(journal_sysex_next(&x, sys, &at));
}

static void check_system(const struct journal_system *sys, JsonObject *want)
{
	JsonObject *o;

	g_assert_cmpint(sys->toc << 2, ==, number(want, "toc"));
	if ((o = part(want, "D"))) {
		check_count(&sys->d.reset, part(o, "reset"));
		check_count(&sys->d.tune, part(o, "tune"));
		check_count(&sys->d.song, part(o, "song"));
		g_assert_cmpint(sys->d.f5.there, ==, part(o, "F5") != NULL);
		g_assert_cmpint(sys->d.f9.there, ==, part(o, "F9") != NULL);
	}
	if ((o = part(want, "V")))
		g_assert_cmpint(sys->v.count, ==, number(o, "count"));
	if ((o = part(want, "Q"))) {
		g_assert_cmpint(sys->q.n, ==, number(o, "N"));
		g_assert_cmpint(sys->q.d, ==, number(o, "D"));
		g_assert_cmpint(sys->q.c, ==, number(o, "C"));
		g_assert_cmpint(sys->q.position, ==, number(o, "pos"));
	}
	if ((o = part(want, "F"))) {
		g_assert_cmpint(sys->f.point, ==, number(o, "point"));
		if (sys->f.c)
			check_hex(sys->f.complete, 4, json_object_get_string_member(o, "complete"));
		if (sys->f.p)
			check_hex(sys->f.partial, 4, json_object_get_string_member(o, "partial"));
	}
	if (json_object_has_member(want, "X"))
		check_x(sys, json_object_get_array_member(want, "X"));
}

static void check_journal(const struct journal *j, JsonObject *want)
{
	JsonArray *channels = json_object_get_array_member(want, "channels");

	g_assert_cmpint(j->s, ==, number(want, "S"));
	g_assert_cmpint(j->y, ==, number(want, "Y"));
	g_assert_cmpint(j->checkpoint, ==, number(want, "checkpoint"));
	g_assert_cmpuint(j->n_channels, ==, json_array_get_length(channels));
	for (unsigned i = 0; i < j->n_channels; i++)
		check_channel(&j->channel[i], json_array_get_object_element(channels, i));
	if (j->y)
		check_system(&j->sys, json_object_get_object_member(want, "system"));
}

/* ---- packets ---- */

static int read_packet(struct rtpmidi *m, struct journal *j, uint8_t **buf, JsonObject *v)
{
	struct rtp_pkt pkt;
	size_t len;
	int err;

	*buf = unhex(&len, json_object_get_string_member(v, "hex"));
	err = rtp_read(&pkt, *buf, len);
	if (!err)
		err = rtpmidi_read(m, pkt.payload, pkt.len);
	if (!err && m->journal)
		err = journal_read(j, m->journal, m->journal_len);
	return err;
}

static void check_decoded(const struct rtpmidi *m, const struct journal *j, JsonObject *want)
{
	g_assert_cmpint(m->list_len, ==, number(want, "len"));
	g_assert_cmpint(m->p, ==, number(want, "P"));
	g_assert_cmpint(m->journal != NULL, ==, number(want, "J"));
	check_list(m, json_object_get_array_member(want, "list"));
	if (m->journal)
		check_journal(j, json_object_get_object_member(want, "journal"));
}

static bool is_decoded(JsonObject *v)
{
	return part(v, "decode") && json_object_has_member(part(v, "decode"), "list");
}

/* What may be refused or tolerated must be read as the vector has it when it is tolerated. */
static void constructed(JsonObject *v, const char *title)
{
	struct rtpmidi m;
	struct journal j;
	uint8_t *buf;
	const int err = read_packet(&m, &j, &buf, v);

	if (!strcmp(json_object_get_string_member(v, "expect"), "valid"))
		g_assert_cmpint(err, ==, 0);
	if (!err && is_decoded(v))
		check_decoded(&m, &j, part(v, "decode"));
	else if (err)
		g_assert_cmpint(err, ==, EBADMSG);
	g_free(buf);
}

/* Of those found in the wild only a LENGTH longer than its chapters is forgiven. */
static void wild(JsonObject *v, const char *title)
{
	struct rtpmidi m;
	struct journal j;
	uint8_t *buf;
	const int err = read_packet(&m, &j, &buf, v);
	JsonArray *errors = json_object_get_array_member(v, "errors");
	const bool forgiven = json_array_get_length(errors) && strstr(json_array_get_string_element(errors, 0), "but chapters use");

	if (json_object_get_boolean_member(v, "valid") || forgiven)
		g_assert_cmpint(err, ==, 0);
	else
		g_assert_cmpint(err, ==, EBADMSG);
	if (!err && is_decoded(v))
		check_decoded(&m, &j, part(v, "decode"));
	g_free(buf);
}

static void apple(JsonObject *v, const char *title)
{
	const char *name = json_object_get_string_member(v, "name");
	struct applemidi pkt, again;
	uint8_t out[APPLEMIDI_PACKET_MAX];
	size_t len, n = sizeof(out);
	uint8_t *buf = unhex(&len, json_object_get_string_member(v, "hex"));
	const int err = applemidi_read(&pkt, buf, len);

	if (!strcmp(name, "short"))
		g_assert_cmpint(err, ==, EBADMSG);
	else if (!strcmp(name, "bad-version"))
		g_assert_cmpint(err, ==, EPROTO);
	else
		g_assert_cmpint(err, ==, 0);
	if (!strcmp(name, "RS"))
		g_assert_cmpint(pkt.seq, ==, 0x1000);
	if (!err) {
		g_assert_cmpint(applemidi_write(out, &n, &pkt), ==, 0);
		g_assert_cmpint(applemidi_read(&again, out, n), ==, 0);
		g_assert_cmpmem(&again, sizeof(again), &pkt, sizeof(pkt));
		if (strcmp(name, "RS") && strcmp(name, "mac-CK0"))
			g_assert_cmpmem(out, n, buf, len);
	}
	g_free(buf);
}

static void test_constructed(void) { each("rtpmidi.json", constructed); }
static void test_wild(void)        { each("rtpmidi-wild.json", wild); }
static void test_apple(void)       { each("applemidi.json", apple); }

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midivectors/constructed", test_constructed);
	g_test_add_func("/midivectors/wild", test_wild);
	g_test_add_func("/midivectors/apple", test_apple);
	return g_test_run();
}
