/*
 * test-delay.c - what a delay is made of; and a room that is watched: what is told of it, when a pair is warned of, and what
 * that costs.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include "control/control.h"
#include "control/snapshot.h"
#include "control/wheel.h"
#include "handclock.h"
#include "nomixer.h"

enum { ENDS = 70 };

static struct control *c;
static struct event_lsnr *lsnr;
static struct leg legs[ENDS];
static struct leg_stats stats[ENDS];
static struct face faces[ENDS];
static uint32_t ids[ENDS];
static unsigned n_delays, n_over, n_well;
static struct event_delay last;

static const struct actor sys = { .kind = ACTOR_SYSTEM };

/* --- parts --- */

static const struct leg_stats player = { .rx_packets = 1, .tx_packets = 1, .rx_codec = "L16", .rx_frame_us = 1333, .rtt_us = 6000,
					 .rx_delay_us = 2000 };
static const struct delay_end said = { .told = true, .capture_us = 2700, .playback_us = 4000, .buffer_us = 1300 };

static const struct delay_end none = { .told = false };

static void test_parts(void)
{
	struct leg_stats s = player;
	struct delay d;

	delay_of(&d, &s, &said, 0);
	g_assert_true(delay_to_mix_whole(&d) && delay_from_mix_whole(&d));
	g_assert_cmpuint(d.us[DELAY_CAPTURE], ==, 2700 - 1333);    /* its frame is in what it says, and shown apart */
	g_assert_cmpuint(d.us[DELAY_FRAME], ==, 1333);
	g_assert_cmpuint(d.us[DELAY_UP], ==, 3000);
	g_assert_cmpuint(d.us[DELAY_BUFFER], ==, 2000);
	g_assert_cmpuint(d.us[DELAY_DOWN], ==, 3000);
	g_assert_cmpuint(d.us[DELAY_OWN_BUFFER], ==, 1300);
	g_assert_cmpuint(d.us[DELAY_PLAYBACK], ==, 4000);
	g_assert_cmpuint(delay_to_mix(&d), ==, 2700 + 3000 + 2000);
	g_assert_cmpuint(delay_between(&d, &d, NULL), ==, delay_to_mix(&d) + delay_from_mix(&d));
	/* Opus looks ahead, the more the longer its frames may be. */
	strcpy(s.rx_codec, "opus");
	s.rx_frame_us = 2500;
	delay_of(&d, &s, &none, 0);
	g_assert_cmpuint(d.us[DELAY_FRAME], ==, 5000);
	s.rx_frame_us = 20000;
	delay_of(&d, &s, &none, 0);
	g_assert_cmpuint(d.us[DELAY_FRAME], ==, 26500);
	delay_of(&d, &s, &said, 0);               /* a card that gives more than a frame at once */
	g_assert_cmpuint(d.us[DELAY_FRAME], ==, 2700);
	g_assert_cmpuint(d.us[DELAY_CAPTURE], ==, 0);
}

/* A round trip that the end measured itself counts for a minute. */
static void test_ways(void)
{
	struct delay_end end = said;
	struct delay d;

	end.rtt_us = 4400;
	end.rtt_ms = 1000;
	delay_of(&d, &player, &end, 1000 + DELAY_RTT_MS - 1);
	g_assert_cmpuint(d.us[DELAY_UP], ==, 2200);
	g_assert_cmpuint(d.us[DELAY_DOWN], ==, 2200);
	delay_of(&d, &player, &end, 1000 + DELAY_RTT_MS);
	g_assert_cmpuint(d.us[DELAY_UP], ==, 3000);
}

static void test_phone(void)
{
	struct leg_stats s = { .rx_packets = 1, .tx_packets = 1, .rx_codec = "PCMU", .rx_frame_us = 20000, .rx_delay_us = 30000, .tx_delay_us = 18667 };
	struct delay d, p;
	bool whole;

	delay_of(&d, &s, &none, 0);               /* it says nothing: only what is seen here */
	g_assert_cmpuint(d.known, ==, 1 << DELAY_FRAME | 1 << DELAY_BUFFER | 1 << DELAY_SEND);
	g_assert_cmpuint(d.us[DELAY_BUFFER], ==, 30000);
	g_assert_cmpuint(d.us[DELAY_SEND], ==, 18667);
	s.tx_delay_us = -300;
	delay_of(&d, &s, &none, 0);
	g_assert_cmpuint(d.us[DELAY_SEND], ==, 0);
	g_assert_false(delay_to_mix_whole(&d) || delay_from_mix_whole(&d));
	s.rtt_us = 10000;
	s.peer = (struct leg_quality){ .known = true, .end_ms = 65 };
	delay_of(&d, &s, &none, 0);               /* what is not its frame is its way to the ear */
	g_assert_cmpuint(d.us[DELAY_OWN_BUFFER], ==, 45000);
	g_assert_true(delay_from_mix_whole(&d));
	g_assert_false(delay_to_mix_whole(&d));
	delay_of(&p, &player, &said, 0);
	g_assert_cmpuint(delay_between(&p, &d, &whole), ==, delay_to_mix(&p) + delay_from_mix(&d));
	g_assert_true(whole);
	(void)delay_between(&d, &p, &whole);
	g_assert_false(whole);
	s.peer.end_ms = 15;                       /* it counts otherwise than the RFC: not less than nothing */
	delay_of(&d, &s, &none, 0);
	g_assert_cmpuint(d.us[DELAY_OWN_BUFFER], ==, 0);
}

/* Nothing adds up beyond what a number holds. */
static void test_bounds(void)
{
	struct delay d = { .us = { 0 } };

	for (int i = 0; i < DELAY_PARTS; i++)
		d.us[i] = UINT32_MAX;
	g_assert_cmpuint(delay_to_mix(&d), ==, UINT32_MAX);
	g_assert_cmpuint(delay_between(&d, &d, NULL), ==, UINT32_MAX);
	for (unsigned i = 0; i <= DELAY_PARTS; i++)
		g_assert_true((*delay_part_name((enum delay_part)i) != '?') == (i < DELAY_PARTS));
}

/* --- a room --- */

static void bye(void *arg, const char *why) { (void)arg, (void)why; }

static void heard(const struct event *ev, void *arg)
{
	(void)arg;
	n_delays += ev->type == EVENT_DELAYS;
	if (ev->type != EVENT_DELAY)
		return;
	g_assert_cmpstr(ev->detail, ==, ev->delay.over ? "over" : "well");
	n_over += ev->delay.over;
	n_well += !ev->delay.over;
	last = ev->delay;
}

static void joins(int i, const char *room)
{
	struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = "sip:x@y", .role = ROLE_SPEAKER, .face = &faces[i] };
	struct result res = { 0 };

	stats[i] = player;
	legs[i] = (struct leg){ .stats = &stats[i] };
	faces[i] = (struct face){ .leg = &legs[i], .bye = bye };
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
	ids[i] = res.member;
}

static void leaves(int i)
{
	g_assert_cmpint(control_run(c, &sys, &(struct command){ .verb = VERB_LEAVE, .member = ids[i] }, NULL), ==, 0);
}

static int says(int i, uint32_t capture, uint32_t playback, uint32_t buffer, uint32_t rtt)
{
	struct actor a = { .kind = ACTOR_MEMBER, .member = ids[i] };

	return control_run(c, &a, &(struct command){ .verb = VERB_LATENCY, .member = ids[i], .capture_us = capture, .playback_us = playback,
						    .buffer_us = buffer, .rtt_us = rtt }, NULL);
}

static void set(const char *room, const char *name, const char *value)
{
	struct setting s = { name, value };

	g_assert_cmpint(control_run(c, &sys, &(struct command){ .verb = VERB_CHANGE, .room = room, .settings = &s, .n_settings = 1 }, NULL), ==, 0);
}

static void seconds(unsigned n)
{
	(void)clock_advance(n * 1000);
}

static void begin(int n, const char *room)
{
	struct control_conf conf = { .auto_rooms = true, .max_rooms = 4, .max_members = 100 };

	n_delays = n_over = n_well = 0;
	g_assert_cmpint(control_alloc(&c, &conf, &the_mixer), ==, 0);
	for (int i = 0; i < n; i++)
		joins(i, room);
	g_assert_cmpint(event_listen(&lsnr, c, room, heard, NULL), ==, 0);
}

static void end(void)
{
	lsnr = mem_deref(lsnr);
	c = mem_deref(c);
}

static struct snapshot_delays *now(const char *room)
{
	struct snapshot_delays *s = NULL;

	g_assert_cmpint(snapshot_delays(&s, c, room), ==, 0);
	return s;
}

static void test_said(void)
{
	struct snapshot_delays *s;
	struct snapshot *whole = NULL;
	struct delay d;

	begin(2, "music-band");
	g_assert_cmpint(says(0, 2700, 4000, 1300, 0), ==, 0);
	g_assert_cmpint(says(0, DELAY_SAID_MAX_US + 1, 0, 0, 0), ==, EINVAL);
	g_assert_cmpint(says(0, 0, DELAY_SAID_MAX_US + 1, 0, 0), ==, EINVAL);
	g_assert_cmpint(says(0, 0, 0, DELAY_SAID_MAX_US + 1, 0), ==, EINVAL);
	g_assert_cmpint(says(0, 0, 0, 0, DELAY_SAID_MAX_US + 1), ==, EINVAL);
	s = now("music-band");
	g_assert_cmpuint(s->n, ==, 2);
	g_assert_cmpuint(s->member[0].id, ==, ids[0]);
	g_assert_cmpuint(s->member[0].d.us[DELAY_PLAYBACK], ==, 4000);
	g_assert_true(delay_to_mix_whole(&s->member[0].d));
	g_assert_false(delay_to_mix_whole(&s->member[1].d));
	g_assert_cmpuint(s->bound_us, ==, 25000);
	g_assert_cmpint(control_delay(c, ids[0], &d), ==, 0);
	g_assert_cmpmem(&d, sizeof(d), &s->member[0].d, sizeof(d));
	g_assert_cmpint(snapshot_take(&whole, c, "music-band"), ==, 0);
	g_assert_cmpmem(&d, sizeof(d), &whole->member[0].delay, sizeof(d));
	mem_deref(whole);
	mem_deref(s);
	g_assert_cmpint(control_delay(c, 99999, &d), ==, ENOENT);
	g_assert_cmpint(snapshot_delays(&s, c, "nowhere"), ==, ENOENT);
	end();
}

/* A buffer that has become shorter by a frame is told of within 0.3 s; who was never told of is not, nor is less. */
static void test_jumps(void)
{
	begin(2, "music-band");
	for (int i = 0; i < 9; i++) {
		(void)clock_advance(100);
		g_assert_cmpuint(n_delays, ==, 0);
	}
	(void)clock_advance(200);
	g_assert_cmpuint(n_delays, ==, 1);
	stats[0].rx_delay_us -= 900;
	(void)clock_advance(300);
	g_assert_cmpuint(n_delays, ==, 1);
	stats[0].rx_delay_us -= 433;
	(void)clock_advance(300);
	g_assert_cmpuint(n_delays, ==, 2);
	stats[1].rtt_us += 5000;
	(void)clock_advance(300);
	g_assert_cmpuint(n_delays, ==, 3);
	seconds(5);
	g_assert_cmpuint(n_delays, ==, 3);
	end();
}

/* Once a second at most, and only for what is more than half a millisecond of a pair. */
static void test_news(void)
{
	struct snapshot_delays *s;

	begin(2, "music-band");
	seconds(1);
	g_assert_cmpuint(n_delays, ==, 1);
	seconds(10);
	g_assert_cmpuint(n_delays, ==, 1);
	stats[0].rtt_us += 400;
	seconds(2);
	g_assert_cmpuint(n_delays, ==, 1);
	stats[0].rtt_us += 400;                   /* little by little is more as well */
	seconds(1);
	g_assert_cmpuint(n_delays, ==, 2);
	s = now("music-band");
	g_assert_true(s->member[0].new_to && s->member[0].new_from);
	g_assert_false(s->member[1].new_to || s->member[1].new_from);
	mem_deref(s);
	for (int i = 0; i < 100; i++) {
		stats[0].rtt_us += 200;
		(void)clock_advance(100);
	}
	g_assert_cmpuint(n_delays, ==, 12);
	leaves(1);
	seconds(5);
	g_assert_cmpuint(n_delays, ==, 12);       /* there is no pair */
	joins(1, "music-band");
	seconds(2);
	g_assert_cmpuint(n_delays, ==, 13);
	end();
}

static void test_voice(void)
{
	struct snapshot_delays *s;

	begin(2, "talk");
	stats[0].rtt_us = 900000;
	seconds(10);
	g_assert_cmpuint(n_delays + n_over, ==, 0);
	s = now("talk");                          /* who asks is told */
	g_assert_cmpuint(s->n, ==, 2);
	g_assert_false(s->watched);
	g_assert_cmpuint(s->member[0].d.us[DELAY_UP], ==, 450000);
	mem_deref(s);
	end();
}

/* From 0 to 1 it is the half of 0 before the mix and that of 1 behind it. */
static void pair_is(uint32_t us)
{
	const uint32_t rest = 3000 + 2000 + 3000;

	g_assert_cmpint(says(0, us - rest, 0, 0, 0), ==, 0);
	g_assert_cmpint(says(1, 0, 0, 0, 0), ==, 0);
}

static void test_warning(void)
{
	struct delay_figures f;
	struct snapshot_delays *s;

	begin(2, "music-band");
	pair_is(24900);
	seconds(10);
	g_assert_cmpuint(n_over, ==, 0);
	pair_is(25100);
	seconds(2);
	pair_is(24900);                           /* not for long */
	seconds(1);
	pair_is(25100);
	seconds(2);
	g_assert_cmpuint(n_over, ==, 0);
	seconds(1);
	g_assert_cmpuint(n_over, ==, 1);
	g_assert_cmpuint(last.from, ==, ids[0]);
	g_assert_cmpuint(last.to, ==, ids[1]);
	g_assert_cmpuint(last.us, ==, 25100);
	g_assert_cmpuint(last.bound_us, ==, 25000);
	seconds(20);
	g_assert_cmpuint(n_over, ==, 1);          /* once */
	s = now("music-band");
	g_assert_cmpuint(s->member[0].warned, ==, 2);     /* at member[1] */
	g_assert_cmpuint(s->member[1].warned, ==, 0);
	mem_deref(s);
	control_delay_figures(c, &f);
	g_assert_cmpuint(f.rooms, ==, 1);
	g_assert_cmpuint(f.pairs, ==, 2);
	g_assert_cmpuint(f.warned, ==, 1);
	g_assert_cmpuint(f.max_us, ==, 25100);
	pair_is(23100);                           /* under it, and not yet well */
	seconds(20);
	g_assert_cmpuint(n_well, ==, 0);
	pair_is(23000);
	seconds(2);
	g_assert_cmpuint(n_well, ==, 0);
	seconds(1);
	g_assert_cmpuint(n_well, ==, 1);
	g_assert_cmpuint(last.from, ==, ids[0]);
	end();
}

static void test_bound(void)
{
	begin(2, "music-band");
	set("music-band", "delay-bound", "0");
	pair_is(900000);
	seconds(10);
	g_assert_cmpuint(n_over, ==, 0);
	set("music-band", "delay-bound", "1000");
	seconds(10);
	g_assert_cmpuint(n_over, ==, 0);
	set("music-band", "delay-bound", "30");
	seconds(10);
	g_assert_cmpuint(n_over, ==, 1);
	set("music-band", "delay-bound", "0");
	seconds(10);
	g_assert_cmpuint(n_well, ==, 1);
	end();
}

/* Who comes to the place of who left inherits no warning. */
static void test_leaver(void)
{
	struct snapshot_delays *s;

	begin(3, "music-band");
	pair_is(40000);
	seconds(4);
	g_assert_cmpuint(n_over, ==, 2);          /* 1 and 2 hear it late */
	leaves(0);
	s = now("music-band");
	g_assert_cmpuint(s->n, ==, 2);
	g_assert_cmpuint(s->member[0].warned | s->member[1].warned, ==, 0);
	mem_deref(s);
	seconds(1);
	s = now("music-band");
	g_assert_cmpuint(s->member[0].warned | s->member[1].warned, ==, 0);
	mem_deref(s);
	joins(0, "music-band");
	seconds(10);
	g_assert_cmpuint(n_over, ==, 2);
	g_assert_cmpuint(n_well, ==, 0);
	end();
}

/* A band where all are late is told of bit by bit; and there are rooms nobody watches. */
static void test_many(void)
{
	struct snapshot_delays *s;
	struct delay_figures f;
	struct timespec t[2];
	double ms;

	begin(DELAY_WATCHED, "music-band");
	for (int i = 0; i < DELAY_WATCHED; i++)
		g_assert_cmpint(says(i, 30000, 0, 0, 0), ==, 0);
	seconds(3);
	g_assert_cmpuint(n_over, ==, 16);
	seconds(1);
	g_assert_cmpuint(n_over, ==, 32);
	seconds(300);
	g_assert_cmpuint(n_over, ==, DELAY_WATCHED * (DELAY_WATCHED - 1));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[0]);
	for (int i = 0; i < 100; i++) {
		stats[0].rtt_us += 1000;          /* there is news each time */
		seconds(1);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[1]);
	ms = ((double)(t[1].tv_sec - t[0].tv_sec) * 1e3 + (double)(t[1].tv_nsec - t[0].tv_nsec) / 1e6) / 100;
	g_test_message("64 members: %.3f ms of CPU a second", ms);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	g_assert_cmpfloat(ms, <, 1);
#endif
	control_delay_figures(c, &f);
	g_assert_cmpuint(f.pairs, ==, DELAY_WATCHED * (DELAY_WATCHED - 1));
	g_assert_cmpuint(f.median_us, ==, 38000);
	n_delays = 0;
	joins(DELAY_WATCHED, "music-band");       /* one too many */
	stats[0].rtt_us += 1000;
	seconds(5);
	s = now("music-band");
	g_assert_false(s->watched);
	g_assert_cmpuint(s->n, ==, DELAY_WATCHED + 1);
	g_assert_cmpuint(s->member[0].warned, ==, 0);
	mem_deref(s);
	g_assert_cmpuint(n_delays, ==, 1);        /* that there is nothing any more */
	leaves(DELAY_WATCHED);
	seconds(2);
	g_assert_cmpuint(n_delays, ==, 2);
	end();
}

/* What an end said goes with it into another room. */
static void test_move(void)
{
	struct delay d;

	begin(2, "music-band");
	joins(2, "music-choir");
	g_assert_cmpint(says(0, 5000, 6000, 7000, 0), ==, 0);
	g_assert_cmpint(control_run(c, &sys, &(struct command){ .verb = VERB_MOVE, .member = ids[0], .room = "music-choir" }, NULL), ==, 0);
	g_assert_cmpint(control_delay(c, ids[0], &d), ==, 0);
	g_assert_cmpuint(d.us[DELAY_CAPTURE] + d.us[DELAY_FRAME], ==, 5000);
	seconds(3);
	end();
}

int main(int argc, char *argv[])
{
	int status;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	clock_open();
	g_test_add_func("/delay/parts", test_parts);
	g_test_add_func("/delay/ways", test_ways);
	g_test_add_func("/delay/phone", test_phone);
	g_test_add_func("/delay/bounds", test_bounds);
	g_test_add_func("/delay/said", test_said);
	g_test_add_func("/delay/news", test_news);
	g_test_add_func("/delay/jumps", test_jumps);
	g_test_add_func("/delay/voice", test_voice);
	g_test_add_func("/delay/warning", test_warning);
	g_test_add_func("/delay/bound", test_bound);
	g_test_add_func("/delay/leaver", test_leaver);
	g_test_add_func("/delay/many", test_many);
	g_test_add_func("/delay/move", test_move);
	status = g_test_run();
	clock_close();
	wheel_close();
	libre_close();
	return status;
}
