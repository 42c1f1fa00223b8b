/*
 * test-osckeys.c - the table of keys against a hash table of GLib's, at and over its bounds.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/osckeys.h"

static struct osc_msg message(uint8_t *buf, size_t room, unsigned n, size_t blob)
{
	static const uint8_t zero[2048];
	const struct osc_arg a[2] = {{.tag = 'i', .v.i = (int32_t)n}, {.tag = 'b', .v.b = {zero, (uint32_t)blob}}};
	struct osc_writer w;
	struct osc_msg msg;
	char addr[64];
	size_t len;

	g_snprintf(addr, sizeof(addr), "/some/key/%u", n);
	osc_w_init(&w, buf, room);
	osc_w_msg(&w, addr, a, blob ? 2 : 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return msg;
}

/* 200,000 random sets and drops; the table and the judge say the same, down to who did not fit. */
static void model(void)
{
	GHashTable *judge = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
	GRand *r = g_rand_new_with_seed(8);
	size_t bytes = 0;
	unsigned full = 0;
	struct osckeys *k;

	g_assert_cmpint(osckeys_alloc(&k, 100, 20000, 42), ==, 0);
	for (int i = 0; i < 200000; i++) {
		const unsigned n = (unsigned)g_rand_int_range(r, 0, 150);
		uint8_t buf[2200];
		struct osc_msg msg = message(buf, sizeof(buf), n, g_rand_double(r) < 0.3 ? (size_t)g_rand_int_range(r, 0, 1000) : 0), got;
		GBytes *old = g_hash_table_lookup(judge, GUINT_TO_POINTER(n));
		const size_t old_len = old ? g_bytes_get_size(old) : 0;
		struct key *key = osckeys_find_rt(k, msg.addr, msg.addr_len);

		g_assert_cmpint(key != NULL, ==, old != NULL);
		if (key) {
			osckeys_msg_rt(&got, k, key);
			g_assert_cmpmem(got.raw, got.len, g_bytes_get_data(old, NULL), old_len);
		}
		if (key && g_rand_double(r) < 0.2) {
			osckeys_drop_rt(k, key);
			g_hash_table_remove(judge, GUINT_TO_POINTER(n));
			bytes -= old_len;
			continue;
		}
		if (bytes - old_len + msg.len > 20000 || (!old && g_hash_table_size(judge) == 100)) {
			g_assert_cmpint(osckeys_set_rt(&key, k, &msg), ==, ENOSPC);
			full++;
			continue;
		}
		g_assert_cmpint(osckeys_set_rt(&key, k, &msg), ==, 0);
		bytes += msg.len - old_len;
		g_hash_table_replace(judge, GUINT_TO_POINTER(n), g_bytes_new(msg.raw, msg.len));
		g_assert_cmpuint(k->bytes, ==, bytes);
		g_assert_cmpuint(k->n, ==, g_hash_table_size(judge));
	}
	g_assert_cmpuint(full, >, 1000);
	mem_deref(k);
	g_hash_table_unref(judge);
	g_rand_free(r);
}

static void lists(void)
{
	struct osckeys_list a, b;
	struct key *key[4];
	struct osckeys *k;
	uint8_t buf[64];

	g_assert_cmpint(osckeys_alloc(&k, 4, 1000, 1), ==, 0);
	osckeys_list_init(&a, 0);
	osckeys_list_init(&b, 1);
	for (unsigned i = 0; i < 4; i++) {
		const struct osc_msg msg = message(buf, sizeof(buf), i, 0);

		g_assert_cmpint(osckeys_set_rt(&key[i], k, &msg), ==, 0);
		osckeys_push_rt(k, &b, key[i]);
	}
	osckeys_push_rt(k, &a, key[1]);
	osckeys_push_after_rt(k, &a, key[0], NULL);
	osckeys_push_after_rt(k, &a, key[3], key[1]);
	osckeys_push_after_rt(k, &a, key[2], key[1]);
	osckeys_push_rt(k, &a, key[2]);              /* is in already */
	g_assert_cmpuint(a.n, ==, 4);
	for (unsigned i = 0; i < 4; i++) {
		g_assert_true(osckeys_head(k, &a) == key[i]);
		g_assert_true(osckeys_in(&a, key[i]) && osckeys_in(&b, key[i]));
		osckeys_take_rt(k, &a, key[i]);
		osckeys_take_rt(k, &a, key[i]);      /* is out already */
	}
	g_assert_null(osckeys_head(k, &a));
	g_assert_null(osckeys_tail(k, &a));
	g_assert_cmpuint(b.n, ==, 4);
	g_assert_true(osckeys_tail(k, &b) == key[3] && osckeys_prev(k, &b, key[3]) == key[2] && !osckeys_next(k, &b, key[3]));
	mem_deref(k);
}

static void nil(void)
{
	const struct osc_arg n = {.tag = 'N'};
	struct osc_writer w;
	struct osc_msg msg;
	struct key *key;
	struct osckeys *k;
	uint8_t buf[64];
	size_t len;

	g_assert_cmpint(osckeys_alloc(&k, 4, 1000, 1), ==, 0);
	msg = message(buf, sizeof(buf), 1, 0);
	g_assert_cmpint(osckeys_set_rt(&key, k, &msg), ==, 0);
	g_assert_true(key->live && key->held);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/some/key/1", &n, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_assert_cmpint(osckeys_set_rt(&key, k, &msg), ==, 0);
	g_assert_false(key->live);
	g_assert_cmpuint(k->n, ==, 1);
	mem_deref(k);
}

static void bounds(void)
{
	struct osckeys *k;

	g_assert_cmpint(osckeys_alloc(&k, 0, 100, 1), ==, EINVAL);
	g_assert_cmpint(osckeys_alloc(&k, OSCKEYS_MAX + 1, 100, 1), ==, EINVAL);
	g_assert_cmpint(osckeys_alloc(&k, 1, OSCKEYS_BYTES_MAX + 1, 1), ==, EINVAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/osckeys/model", model);
	g_test_add_func("/osckeys/lists", lists);
	g_test_add_func("/osckeys/nil", nil);
	g_test_add_func("/osckeys/bounds", bounds);
	return g_test_run();
}
