/*
 * flow-gestures.c - players over links that lose, reorder and double packets, on a clock turned by hand. Two promises
 * are held to: after a quiet second every receiver knows what its sender knows, and no event is executed twice or
 * late. And nothing is allocated on the way.
 *
 *      player > oscsend > link (0 - 30 % lost) > oscrecv > model
 *                   ^ reports, requests < link (as bad) <
 *
 * Everything is drawn from seeds: two runs do the same.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "mixer/rtp.h"
#include "osc/oscrecv.h"
#include "osc/oscsend.h"
#include "tests/lib/rtguard.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#endif
#ifdef SLOW
enum { MANY = 100000 };                       /* watched step by step, it takes ten times as long */
#else
enum { MANY = 1000000 };
#endif

enum { FLIGHT = 512, BUF = 1500, RATE = 48000, EVENTS = 1 << 20, RTCP_US = 500000 };

/* ---- a link ---- */

struct parcel {
	uint64_t at_us;
	size_t   len;
	uint8_t  buf[BUF];
};

struct link {
	GRand   *rand;
	double   loss, twice;
	unsigned jitter_us;
	unsigned n;
	struct parcel in[FLIGHT];
};

static void put(struct link *l, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct parcel *p;

	if (g_rand_double(l->rand) < l->loss || l->n == FLIGHT)
		return;
	p = &l->in[l->n++];
	p->at_us = now_us + 10000 + (l->jitter_us ? (uint64_t)g_rand_int_range(l->rand, 0, (gint32)l->jitter_us) : 0);
	p->len = len;
	memcpy(p->buf, buf, len);
	if (g_rand_double(l->rand) < l->twice)
		put(l, buf, len, now_us + 3000);
}

static bool get(struct link *l, struct parcel *out, uint64_t now_us)
{
	unsigned first = 0;

	for (unsigned i = 1; i < l->n; i++) {
		if (l->in[i].at_us < l->in[first].at_us)
			first = i;
	}
	if (!l->n || l->in[first].at_us > now_us)
		return false;
	*out = l->in[first];
	l->in[first] = l->in[--l->n];
	return true;
}

/* ---- one player and who hears it ---- */

struct play {
	GRand *rand;
	struct link there, back;
	struct oscsend *tx;
	struct oscrecv *rx;
	uint64_t now_us;
	unsigned n_keys;
	bool     rests;
	int32_t  n_event;                     /* numbers of /hit events sent */
	uint8_t *executed;                    /* how often each was */
	GHashTable *heard;                    /* address to value, as a listener who does what it is told */
	uint64_t next_report_us;
	uint64_t n_packets, late_events;
	unsigned allocations;                 /* in functions that must not */
	uint64_t sent_us[1024];               /* of the last events */
};

static struct oscsend_time at(const struct play *p)
{
	return (struct oscsend_time){p->now_us, p->now_us, (uint32_t)(p->now_us * 48 / 1000)};
}

static void heard(const struct oscrecv_note *note, void *arg)
{
	struct play *p = arg;
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, note->msg);
	if (!strcmp(note->msg->addr, "/hit")) {
		g_assert_true(osc_arg_next(&it, &a));     /* the I */
		g_assert_true(osc_arg_next(&it, &a));
		g_assert_cmpint(a.v.i, <, p->n_event);
		g_assert_cmpuint(p->executed[a.v.i]++, ==, 0);
		/* the way, its jitter, what `late` allows, and the guard packet's delay */
		if (p->now_us - p->sent_us[a.v.i % 1024] > 200000)
			p->late_events++;
		return;
	}
	if (note->kind != OSC_STATE)
		return;
	if (osc_is_nil(note->msg))
		g_hash_table_remove(p->heard, note->msg->addr);
	else
		g_hash_table_replace(p->heard, g_strdup(note->msg->addr), g_bytes_new(note->msg->raw, note->msg->len));
}

/* The listener may allocate; who calls it may not. */
static void hears(const struct oscrecv_note *note, void *arg)
{
	struct play *p = arg;

	p->allocations += rtguard_end();
	heard(note, arg);
	rtguard_begin();
}

static size_t state_write(struct play *p, uint8_t *buf, size_t room)
{
	char addr[64];
	struct osc_writer w;
	struct osc_arg a = {.tag = 'f'};
	size_t len;

	g_snprintf(addr, sizeof(addr), "/synth/%d/parameter", g_rand_int_range(p->rand, 0, (gint32)p->n_keys));
	a.v.f = (float)g_rand_double(p->rand);
	if (g_rand_double(p->rand) < 0.05)
		a.tag = 'N';
	else if (g_rand_double(p->rand) < 0.1)
		a = (struct osc_arg){.tag = 's', .v.s = g_rand_boolean(p->rand) ? "a longer value than others have" : "x"};
	osc_w_init(&w, buf, room);
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static size_t event_write(struct play *p, uint8_t *buf, size_t room)
{
	struct osc_arg a[2] = {{.tag = 'I'}, {.tag = 'i', .v.i = p->n_event}};
	struct osc_writer w;
	size_t len;

	p->sent_us[p->n_event % 1024] = p->now_us;
	g_assert_cmpint(++p->n_event, <, EVENTS);
	osc_w_init(&w, buf, room);
	osc_w_msg(&w, "/hit", a, 2);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static size_t bundle_write(struct play *p, uint8_t *buf, size_t room)
{
	uint8_t one[256];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osc_w_init(&w, buf, room);
	osc_w_bundle(&w, OSC_NOW);
	for (int i = g_rand_int_range(p->rand, 1, 5); i > 0; i--) {
		len = i == 1 ? event_write(p, one, sizeof(one)) : state_write(p, one, sizeof(one));
		g_assert_cmpint(osc_msg_read(&msg, one, len), ==, 0);
		osc_w_copy(&w, &msg, "", 0);
	}
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static void play_something(struct play *p)
{
	uint8_t osc[3][300], buf[BUF];
	struct oscsend_item item[3];
	const unsigned n = (unsigned)g_rand_int_range(p->rand, 1, 4);
	const struct oscsend_time now = at(p);
	size_t len = sizeof(buf);
	int err;

	for (unsigned i = 0; i < n; i++) {
		const double what = g_rand_double(p->rand);
		const size_t l = what < 0.6 ? state_write(p, osc[i], 300) : what < 0.8 ? event_write(p, osc[i], 300) :
			bundle_write(p, osc[i], 300);

		item[i] = (struct oscsend_item){osc[i], l, now.ts, NULL, false};
	}
	rtguard_begin();
	err = oscsend_packet_rt(p->tx, buf, &len, item, n, &now);
	p->allocations += rtguard_end();
	g_assert_cmpint(err, ==, 0);
	p->n_packets++;
	put(&p->there, buf, len, p->now_us);
}

static void speak_for_itself(struct play *p)
{
	const struct oscsend_time now = at(p);
	uint8_t buf[BUF];
	size_t len = sizeof(buf);
	int err;

	if (oscsend_due_rt(p->tx) > p->now_us)
		return;
	rtguard_begin();
	err = oscsend_tick_rt(p->tx, buf, &len, &now);
	p->allocations += rtguard_end();
	if (!err) {
		p->n_packets++;
		put(&p->there, buf, len, p->now_us);
	}
}

static void receive(struct play *p)
{
	struct parcel in;
	struct rtp_pkt pkt;
	int err;

	while (get(&p->there, &in, p->now_us)) {
		g_assert_cmpint(rtp_read(&pkt, in.buf, in.len), ==, 0);
		rtguard_begin();
		err = oscrecv_packet_rt(p->rx, &pkt, p->now_us);
		p->allocations += rtguard_end();
		g_assert_cmpint(err, !=, EBADMSG);
	}
}

/* Reports go back on a bad link too: an 'R' and a number; an 'S' asks for a snapshot. */
static void report(struct play *p)
{
	uint8_t buf[5] = {'R'};
	struct parcel in;
	uint32_t ehsn;

	if (p->now_us >= p->next_report_us && oscrecv_highest(p->rx, &ehsn)) {
		p->next_report_us = p->now_us + RTCP_US;
		memcpy(buf + 1, &ehsn, 4);
		put(&p->back, buf, 5, p->now_us);
	}
	if (oscrecv_refresh_rt(p->rx, p->now_us)) {
		buf[0] = 'S';
		put(&p->back, buf, 5, p->now_us);
	}
	while (get(&p->back, &in, p->now_us)) {
		memcpy(&ehsn, in.buf + 1, 4);
		if (in.buf[0] == 'R')
			oscsend_report_rt(p->tx, 4711, ehsn, p->now_us);
		else
			oscsend_snapshot_rt(p->tx);
	}
}

static void run(struct play *p, unsigned ms, double per_ms)
{
	while (ms--) {
		p->now_us += 1000;
		for (double due = per_ms; due > 0; due -= 1) {
			if (due >= 1 || g_rand_double(p->rand) < due)
				play_something(p);
		}
		speak_for_itself(p);
		receive(p);
		report(p);
	}
}

static bool same_value(const struct osckeys *a, const struct key *key, const struct osckeys *b)
{
	struct osc_msg msg, other;
	const struct key *found;

	osckeys_msg_rt(&msg, a, key);
	found = osckeys_find_rt(b, msg.addr, msg.addr_len);
	if (!found || !found->live)
		return false;
	osckeys_msg_rt(&other, b, found);
	return msg.len == other.len && !memcmp(msg.raw, other.raw, msg.len);
}

/* How many keys one knows and the other does not, or otherwise. */
static unsigned unlike(const struct osckeys *a, const struct osckeys *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->slots; i++) {
		if (a->key[i].used && a->key[i].live && !same_value(a, &a->key[i], b))
			n++;
	}
	return n;
}

static unsigned unlike_heard(const struct play *p)
{
	const struct osckeys *k = oscrecv_state(p->rx);
	unsigned n = 0, live = 0;

	for (unsigned i = 0; i < k->slots; i++) {
		struct osc_msg msg;
		GBytes *b;

		if (!k->key[i].used || !k->key[i].live)
			continue;
		live++;
		osckeys_msg_rt(&msg, k, &k->key[i]);
		b = g_hash_table_lookup(p->heard, msg.addr);
		n += !b || g_bytes_get_size(b) != msg.len || memcmp(g_bytes_get_data(b, NULL), msg.raw, msg.len);
	}
	return n + (live != g_hash_table_size(p->heard));
}

static void agree(const struct play *p)
{
	const struct osckeys *tx = oscsend_state(p->tx), *rx = oscrecv_state(p->rx);

	g_assert_cmpuint(unlike(tx, rx), ==, 0);
	g_assert_cmpuint(unlike(rx, tx), ==, 0);
	g_assert_cmpuint(unlike_heard(p), ==, 0);
	g_assert_cmpuint(p->allocations, ==, 0);
}

static struct play *play_new(guint32 seed, double loss, unsigned jitter_us, unsigned n_keys, uint32_t guard_ms)
{
	struct play *p = g_new0(struct play, 1);
	const struct oscsend_cfg tx = {.ssrc = seed, .seq = (uint16_t)(seed * 40503u), .pt = 98, .journal = true, .red = 3,
		.guard_ms = guard_ms, .receiver = true, .seed = seed};
	const struct oscrecv_cfg rx = {.clock_rate = RATE, .late_ms = 100, .journal = true, .seed = seed + 1, .h = hears, .arg = p};

	p->rand = g_rand_new_with_seed(seed);
	p->there = (struct link){.rand = p->rand, .loss = loss, .twice = loss / 3, .jitter_us = jitter_us};
	p->back  = (struct link){.rand = p->rand, .loss = loss, .twice = loss / 3, .jitter_us = jitter_us};
	p->n_keys = n_keys;
	p->now_us = 1000000;
	p->executed = g_malloc0(EVENTS);
	p->heard = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
	g_assert_cmpint(oscsend_alloc(&p->tx, &tx), ==, 0);
	g_assert_cmpint(oscrecv_alloc(&p->rx, &rx), ==, 0);
	return p;
}

static void play_free(struct play *p)
{
	mem_deref(p->tx);
	mem_deref(p->rx);
	g_hash_table_unref(p->heard);
	g_free(p->executed);
	g_rand_free(p->rand);
	g_free(p);
}

static unsigned missed(const struct play *p)
{
	unsigned n = 0;

	for (int32_t i = 0; i < p->n_event; i++)
		n += !p->executed[i];
	return n;
}

/* ---- tests ---- */

static void quiet_second(void)
{
	static const struct { double loss; unsigned jitter_us, keys; double per_ms; } links[] = {
		{0, 0, 40, 0.2}, {0, 30000, 40, 0.2}, {0.01, 0, 40, 0.5}, {0.05, 20000, 40, 0.2}, {0.1, 5000, 30, 0.05},
		{0.2, 20000, 30, 0.1}, {0.3, 0, 30, 0.02}, {0.3, 30000, 30, 0.3},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
		for (guint32 seed = 1; seed <= 6; seed++) {
			struct play *p = play_new(seed * 1000 + i, links[i].loss, links[i].jitter_us, links[i].keys, 100);

			for (unsigned turn = 0; turn < 10; turn++) {
				run(p, 1500, links[i].per_ms);
				run(p, 1000, 0);
				agree(p);
			}
			g_assert_cmpuint(p->late_events, ==, 0);
			if (links[i].loss == 0 && links[i].jitter_us == 0)
				g_assert_cmpuint(missed(p), ==, 0);
			else if (links[i].jitter_us == 0 && links[i].loss < 0.02)
				g_assert_cmpuint(missed(p) * 100, <, (guint)p->n_event);
			play_free(p);
		}
	}
}

/* More state than journals can hold, at 20 % loss: they are partial, and a second is not enough. But it heals. */
static void heavy(void)
{
	struct play *p = play_new(77, 0.2, 20000, 2000, 100);

	for (unsigned turn = 0; turn < 3; turn++) {
		run(p, 3000, 1);
		g_assert_cmpuint(oscsend_stats(p->tx)->partial, >, 0);
		run(p, 60000, 0);
		agree(p);
	}
	play_free(p);
}

/* Who comes late is told everything, and nothing that was in between. */
static void late_joiner(void)
{
	struct play *p = play_new(5, 0.1, 10000, 300, 200);
	const double loss = p->there.loss;

	p->there.loss = 1;
	run(p, 5000, 0.3);
	g_assert_cmpuint(oscrecv_state(p->rx)->n, ==, 0);
	p->there.loss = loss;
	run(p, 20000, 0.05);
	run(p, 5000, 0);
	agree(p);
	play_free(p);
}

/* The link is cut for longer than the sender waits for reports; afterwards all is well again. */
static void cut(void)
{
	struct play *p = play_new(6, 0, 0, 50, 100);

	run(p, 2000, 0.2);
	p->there.loss = p->back.loss = 1;
	run(p, 40000, 0.1);
	p->there.loss = p->back.loss = 0;
	run(p, 4000, 0);
	agree(p);
	play_free(p);
}

/* In processor time, which other programs do not change much. */
static void million(void)
{
	const clock_t began = clock();
	struct play *p = play_new(99, 0.1, 20000, 40, 100);
	double seconds;

	while (p->n_packets < MANY) {
		run(p, 4000, 5);
		run(p, 1000, 0);
		agree(p);
		p->n_event = 0;                   /* the book of events is not that long */
		memset(p->executed, 0, EVENTS);
	}
	seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	g_test_message("%" G_GUINT64_FORMAT " packets in %.1f s of processor time", p->n_packets, seconds);
	g_assert_cmpfloat(seconds, <, 20);
	play_free(p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gestures/quiet-second", quiet_second);
	g_test_add_func("/gestures/heavy", heavy);
	g_test_add_func("/gestures/late-joiner", late_joiner);
	g_test_add_func("/gestures/cut", cut);
	g_test_add_func("/gestures/million", million);
	return g_test_run();
}
