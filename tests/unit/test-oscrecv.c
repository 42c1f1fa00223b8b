/*
 * test-oscrecv.c - a receiver of gestures, packet by packet: what is executed, what is not, when it asks.
 *
 * Packets are words: elements, then after "|" entries. An address alone is state, with ! an event; entries have E or
 * S and BACK before the address, E also @AGE in ms. "a=1" has a value, "a=" is nil.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <stdio.h>
#include <string.h>

#include "osc/oscrecv.h"

struct ear {
	struct oscrecv *r;
	GString *heard;           /* "L a=1 S b=2 E x V c" */
};

static void hears(const struct oscrecv_note *note, void *arg)
{
	struct ear *ear = arg;
	struct osc_args it;
	struct osc_arg a = {.tag = 0};

	osc_args_init(&it, note->msg);
	osc_arg_next(&it, &a);
	g_string_append_printf(ear->heard, "%s%c %s", ear->heard->len ? " " : "", "LSEV"[note->cause], note->msg->addr + 1);
	if (a.tag == 'i')
		g_string_append_printf(ear->heard, "=%d", a.v.i);
	else if (a.tag == 'N')
		g_string_append(ear->heard, "=");
}

static size_t osc_of(uint8_t *buf, size_t room, const char *word)
{
	gchar **kv = g_strsplit(word, "=", 2);
	gchar *addr = g_strconcat("/", *kv[0] == '!' ? kv[0] + 1 : kv[0], NULL);
	struct osc_arg a = {.tag = *kv[0] == '!' ? 'I' : 'i', .v.i = 1};
	struct osc_writer w;
	size_t len;

	if (kv[1] && !*kv[1])
		a.tag = 'N';
	else if (kv[1])
		a.v.i = atoi(kv[1]);
	osc_w_init(&w, buf, room);
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_free(addr);
	g_strfreev(kv);
	return len;
}

static uint8_t *entry_of(uint8_t *p, const char *word)
{
	uint8_t osc[128];
	char addr[64];
	unsigned back, age = 0;
	size_t len;

	if (sscanf(word + 1, "%u@%u:%63s", &back, &age, addr) != 3)
		g_assert_cmpint(sscanf(word + 1, "%u:%63s", &back, addr), ==, 2);
	len = osc_of(osc, sizeof(osc), addr);
	return oscrtp_write_entry(p, &(struct oscrtp_entry){*word == 'E', (uint16_t)back, age * 48, osc, len});
}

/* flags: j, p, s; a packet's number, CHECK, words. What was heard is compared, in order. */
static int packet(struct ear *ear, uint16_t seq, const char *flags, uint16_t check, const char *words, const char *want, uint64_t ms)
{
	struct oscrtp o = {.j = strchr(flags, 'j'), .p = strchr(flags, 'p'), .s = strchr(flags, 's'), .check = check};
	gchar **w = g_strsplit(words, " ", 0);
	uint8_t buf[1500], osc[128], *p = buf + OSCRTP_HDR_LEN;
	struct rtp_pkt pkt = {.seq = seq, .ts = (uint32_t)ms * 48, .payload = buf};
	bool entries = false;
	int err;

	for (unsigned i = 0; w[i]; i++) {
		if (!strcmp(w[i], "|"))
			entries = true;
		else if (entries)
			p = entry_of(p, w[i]);
		else if (*w[i]) {
			p = oscrtp_write_elem(p, &(struct oscrtp_elem){0, osc, osc_of(osc, sizeof(osc), w[i])});
			o.num++;
		}
	}
	g_strfreev(w);
	oscrtp_write_hdr(buf, &o);
	pkt.marker = o.num > 0;
	pkt.len    = (size_t)(p - buf);
	g_string_truncate(ear->heard, 0);
	err = oscrecv_packet_rt(ear->r, &pkt, ms * 1000);
	g_assert_cmpstr(ear->heard->str, ==, want);
	return err;
}

static struct ear *begin(unsigned keys_max)
{
	struct ear *ear = g_new0(struct ear, 1);
	const struct oscrecv_cfg cfg = {.clock_rate = 48000, .late_ms = 40, .journal = true, .keys_max = keys_max, .h = hears, .arg = ear};

	ear->heard = g_string_new("");
	g_assert_cmpint(oscrecv_alloc(&ear->r, &cfg), ==, 0);
	return ear;
}

static void end(struct ear *ear)
{
	mem_deref(ear->r);
	g_string_free(ear->heard, TRUE);
	g_free(ear);
}

#define OK(...) g_assert_cmpint(packet(__VA_ARGS__), ==, 0)

/* From the first packet, which is a snapshot, everything in order: entries are not looked at. */
static void in_order(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	g_assert_false(oscrecv_dirty(e->r));
	OK(e, 11, "j", 10, "a=1 !x", "L a=1 L x", 2);
	OK(e, 12, "j", 10, "b=1 | S1:a=1 E1@1:!x", "L b=1", 3);
	g_assert_false(oscrecv_dirty(e->r));
	g_assert_cmpint(packet(e, 12, "j", 10, "b=1", "", 3), ==, EALREADY);
	end(e);
}

/* State that a journal tells as an event, with its time: once, before the state entry; late, by the state entry; and
 * not once more when its packet comes after all. */
static void stamped(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 13, "j", 11, "c=3 | E2@9:a=1 E1@4:a=2 S1:a=2", "E a=1 E a=2 L c=3", 20);
	OK(e, 12, "j", 11, "a=2", "", 21);
	OK(e, 11, "j", 11, "a=1", "", 22);
	OK(e, 15, "j", 11, "c=4 | E1@41:a=5 S1:a=5", "S a=5 L c=4", 80);
	g_assert_false(oscrecv_dirty(e->r));
	end(e);
}

/* A covered loss: journal first, then the packet. Events only when they are of the gap and not late. */
static void covered(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 11, "j", 11, "a=1", "L a=1", 2);
	OK(e, 14, "j", 12, "d=1 | S3:a=1 E2@40:!x S2:b=2 E1@41:!y S1:c=3", "E x S b=2 S c=3 L d=1", 5);
	g_assert_false(oscrecv_dirty(e->r));
	g_assert_cmpuint(oscrecv_stats(e->r)->late, ==, 1);
	g_assert_cmpuint(oscrecv_stats(e->r)->lost, ==, 2);

	/* 12 and 13 come after all: their events are not executed again, nor their state, which is newer by now */
	OK(e, 13, "j", 12, "!y c=3", "", 6);
	OK(e, 12, "j", 12, "!x b=2 q=5", "L q=5", 6);
	g_assert_cmpint(packet(e, 12, "j", 12, "!x b=2", "", 6), ==, EALREADY);
	end(e);
}

/* "the key was set by the packet BACK names or a later one" */
static void newer_wins(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 12, "j", 11, "a=12", "L a=12", 2);
	OK(e, 11, "j", 11, "a=11 b=11 b=111", "L b=11 L b=111", 2);
	OK(e, 15, "j", 11, "c=1 | S5:a=10 S2:b=13 S1:b=14", "S b=13 S b=14 L c=1", 3);
	end(e);
}

/* Not covered: CHECK too young, a partial journal, a snapshot packet. Then it asks, once a second, and takes state
 * where it sees it. */
static void dirty(void)
{
	static const struct { const char *flags; uint16_t check; } how[] = {{"j", 13}, {"jp", 11}, {"js", 14}, {"jsp", 13}};

	for (unsigned i = 0; i < G_N_ELEMENTS(how); i++) {
		struct ear *e = begin(0);

		OK(e, 10, "js", 10, "", "", 1);
		OK(e, 11, "j", 11, "a=1", "L a=1", 2);
		OK(e, 14, how[i].flags, how[i].check, "", i == 2 ? "V a=" : "", 3);
		if (i == 2) {             /* a whole snapshot makes clean at once; what it does not name is void */
			g_assert_false(oscrecv_dirty(e->r));
			end(e);
			continue;
		}
		g_assert_true(oscrecv_dirty(e->r));
		OK(e, 15, "j", 14, "z=1 | S3:b=2", "S b=2 L z=1", 4);
		g_assert_true(oscrecv_refresh_rt(e->r, 1001000));
		g_assert_false(oscrecv_refresh_rt(e->r, 2000999));
		g_assert_true(oscrecv_refresh_rt(e->r, 2001000));
		end(e);
	}
}

/* "a new SSRC not during its first second" */
static void newcomer(void)
{
	struct ear *e = begin(0);

	OK(e, 500, "j", 400, "a=1 | S32767:z=9 E2@10:!x S1:b=2", "S z=9 E x S b=2 L a=1", 1000);
	g_assert_true(oscrecv_dirty(e->r));
	g_assert_false(oscrecv_refresh_rt(e->r, 1999999));
	g_assert_true(oscrecv_refresh_rt(e->r, 2000000));
	end(e);
}

/* Three packets with an event between them; keys that neither the snapshot nor anything since names are void. */
static void snapshot(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 11, "j", 11, "a=1 b=1 c=1 d=1", "L a=1 L b=1 L c=1 L d=1", 2);
	OK(e, 15, "j", 14, "", "", 3);
	g_assert_true(oscrecv_dirty(e->r));
	OK(e, 16, "jsp", 16, "| S5:a=1 S4:e=7", "S e=7", 4);
	OK(e, 17, "j", 15, "c=2", "L c=2", 4);
	g_assert_true(oscrecv_dirty(e->r));
	OK(e, 18, "js", 16, "| S4:f=8", "S f=8 V b= V d=", 5);
	g_assert_false(oscrecv_dirty(e->r));
	end(e);
}

/* A hole in it: it is not complete before the hole is filled. */
static void snapshot_hole(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "j", 10, "a=1", "L a=1", 1);
	OK(e, 11, "jsp", 11, "| S32767:b=1", "S b=1", 2);
	OK(e, 13, "js", 11, "| S32767:c=1", "S c=1", 3);
	g_assert_true(oscrecv_dirty(e->r));
	OK(e, 12, "jsp", 11, "| S32767:d=1 S2:a=1", "S d=1", 3);
	g_assert_false(oscrecv_dirty(e->r));
	end(e);
}

/* "a note whose end was lost is released and none is struck late" */
static void notes(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 11, "j", 11, "midi/1/note/60=100 midi/1/note/61=100", "L midi/1/note/60=100 L midi/1/note/61=100", 1);
	OK(e, 13, "j", 13, "", "", 2);
	OK(e, 14, "js", 14, "| S2:midi/1/note/60=90 S2:midi/1/note/62=100 S2:midi/1/cc/7=5",
	   "S midi/1/note/60=90 S midi/1/cc/7=5 V midi/1/note/61=", 3);
	end(e);
}

/* What cannot be state is not taken for it, whatever an entry says. */
static bool holds(const struct ear *ear, const char *addr)
{
	const struct osckeys *keys = oscrecv_state(ear->r);
	const struct key *key = osckeys_find_rt(keys, addr, strlen(addr));

	return key && key->held;
}

/* /midi/C/off/N: "the key note/N becomes 0" */
static void off(void)
{
	struct ear *ear = begin(0);

	g_assert_cmpint(packet(ear, 1, "js", 1, "midi/1/note/60=9 midi/1/note/61=9", "L midi/1/note/60=9 L midi/1/note/61=9", 0), ==, 0);
	g_assert_true(holds(ear, "/midi/1/note/60"));
	g_assert_cmpint(packet(ear, 2, "j", 1, "midi/1/off/60=33", "L midi/1/off/60=33", 10), ==, 0);
	g_assert_false(holds(ear, "/midi/1/note/60"));
	g_assert_true(holds(ear, "/midi/1/note/61"));
	/* lost, and told by a journal: an event while there is time, */
	g_assert_cmpint(packet(ear, 4, "j", 1, "x | E1@5:midi/1/off/61=3", "E midi/1/off/61=3 L x=1", 20), ==, 0);
	g_assert_false(holds(ear, "/midi/1/note/61"));
	/* and then a key */
	g_assert_cmpint(packet(ear, 6, "j", 1, "x | S1:midi/1/note/61=0", "S midi/1/note/61=0 L x=1", 30), ==, 0);
	/* and when its packet comes late: journals are silent of what has come */
	g_assert_cmpint(packet(ear, 7, "j", 1, "midi/1/note/62=9", "L midi/1/note/62=9", 40), ==, 0);
	g_assert_cmpint(packet(ear, 9, "j", 1, "", "", 40), ==, 0);
	g_assert_cmpint(packet(ear, 8, "j", 1, "midi/1/off/62=33", "L midi/1/note/62=0", 40), ==, 0);
	g_assert_false(holds(ear, "/midi/1/note/62"));
	end(ear);
}

static void no_state(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "j", 10, "| S32767:_gest/leave=1 S32767:to/bob/x=1 S32767:a*=1 S32767:b=1", "S b=1", 1);
	g_assert_cmpuint(oscrecv_state(e->r)->n, ==, 1);
	end(e);
}

/* Deleted keys: what deleted them is remembered, so that nothing older brings them back. */
static void nil(void)
{
	struct ear *e = begin(0);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 12, "j", 11, "| S1:a=", "S a=", 2);
	OK(e, 11, "j", 11, "a=5 b=5", "L b=5", 2);
	g_assert_cmpuint(oscrecv_state(e->r)->n, ==, 2);
	end(e);
}

/* Deleted keys make room once they are old. */
static void full(void)
{
	struct ear *e = begin(2);

	OK(e, 10, "js", 10, "", "", 1);
	OK(e, 11, "j", 10, "a=1 b=", "L a=1 L b=", 2);
	OK(e, 12, "j", 10, "c=1", "L c=1", 2);
	g_assert_cmpuint(oscrecv_stats(e->r)->unstored, ==, 1);
	OK(e, 1200, "j", 13, "", "", 3);
	OK(e, 1201, "j", 13, "c=2", "L c=2", 3);
	g_assert_cmpuint(oscrecv_stats(e->r)->unstored, ==, 1);
	g_assert_cmpuint(oscrecv_state(e->r)->n, ==, 2);
	end(e);
}

/* RFC 3550 A.1: one packet out of all order is not taken, two in a row are a new beginning. */
static void jump(void)
{
	struct ear *e = begin(0);
	uint32_t ehsn;

	OK(e, 65000, "js", 65000, "", "", 1);
	OK(e, 65001, "j", 65000, "a=1", "L a=1", 2);
	g_assert_cmpint(packet(e, 20000, "j", 19999, "x=1", "", 3), ==, EPROTO);
	OK(e, 65002, "j", 65000, "b=1", "L b=1", 4);
	g_assert_cmpint(packet(e, 20000, "j", 19999, "x=1", "", 3), ==, EPROTO);
	OK(e, 20001, "j", 19999, "y=1 | S1:x=1", "S x=1 L y=1", 4);
	g_assert_true(oscrecv_dirty(e->r));
	OK(e, 20002, "j", 19999, "a=2", "L a=2", 4);
	g_assert_true(oscrecv_highest(e->r, &ehsn));
	g_assert_cmphex(ehsn, ==, 0x10000 + 20002);

	/* the edges: 3000 lost are a loss, 100 old is old */
	OK(e, 23002, "j", 20003, "", "", 5);
	OK(e, 22903, "j", 20003, "q=1", "L q=1", 5);
	g_assert_cmpint(packet(e, 22901, "j", 20003, "r=1", "", 5), ==, EPROTO);
	end(e);
}

/* Around the end of the numbers, with a loss just there. */
static void wrap(void)
{
	struct ear *e = begin(0);
	uint32_t ehsn;

	OK(e, 65534, "js", 65534, "", "", 1);
	OK(e, 1, "j", 65535, "| S2:a=1 E1@1:!x", "S a=1 E x", 2);
	g_assert_false(oscrecv_dirty(e->r));
	OK(e, 65535, "j", 65535, "a=1 b=1", "L b=1", 2);
	g_assert_true(oscrecv_highest(e->r, &ehsn));
	g_assert_cmphex(ehsn, ==, 0x10001);
	end(e);
}

/* rec=none: nothing is repaired and nothing asked for. */
static void no_journal(void)
{
	struct ear *e = begin(0);
	const struct oscrecv_cfg cfg = {.clock_rate = 48000, .h = hears, .arg = e};

	mem_deref(e->r);
	g_assert_cmpint(oscrecv_alloc(&e->r, &cfg), ==, 0);
	OK(e, 10, "", 0, "a=1", "L a=1", 1);
	OK(e, 15, "", 0, "b=1", "L b=1", 2);
	OK(e, 14, "", 0, "b=0 c=1", "L c=1", 2);
	g_assert_false(oscrecv_refresh_rt(e->r, 60000000));
	end(e);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscrecv/in-order", in_order);
	g_test_add_func("/oscrecv/covered", covered);
	g_test_add_func("/oscrecv/stamped", stamped);
	g_test_add_func("/oscrecv/newer-wins", newer_wins);
	g_test_add_func("/oscrecv/dirty", dirty);
	g_test_add_func("/oscrecv/newcomer", newcomer);
	g_test_add_func("/oscrecv/snapshot", snapshot);
	g_test_add_func("/oscrecv/snapshot-hole", snapshot_hole);
	g_test_add_func("/oscrecv/notes", notes);
	g_test_add_func("/oscrecv/off", off);
	g_test_add_func("/oscrecv/no-state", no_state);
	g_test_add_func("/oscrecv/nil", nil);
	g_test_add_func("/oscrecv/full", full);
	g_test_add_func("/oscrecv/jump", jump);
	g_test_add_func("/oscrecv/wrap", wrap);
	g_test_add_func("/oscrecv/no-journal", no_journal);
	return g_test_run();
}
