/*
 * test-device_jack.c - a real jackd on its dummy driver, the device, and another client beside it that plays to it and
 * hears it.
 *
 *     ear:out > tutti:in_1 .. turn .. tutti:out_1 > ear:in
 *     ear:midi_out > tutti:midi_in     tutti:midi_out > ear:midi_in
 *
 * jackd has no real-time priority here and may leave out cycles; nothing is judged by how many there were, but what was
 * in each must be right. Skipped where there is no jackd.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <glib.h>
#include <jack/jack.h>
#include <jack/midiport.h>
#include <re.h>
#include "client/device.h"
#include "client/midiwire.h"

enum { RATE = 48000, CH = 2, PERIOD = 1024, NOTE_AT = 37, GOOD = 20, CLOCK_US = 30 };

static char *server_name;
static GPid server_pid;

/* --- jackd --- */

/* It does not outlive a test that was aborted: jackd holds one of eight places on a machine. */
static void die_with_parent(gpointer arg)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static bool server_start(const char *rate)
{
	static unsigned n;
	char *argv[] = {"jackd", "-n", NULL, "-r", "-d", "dummy", "-r", (char *)rate, "-p", "1024", NULL};
	const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
	                          G_SPAWN_STDERR_TO_DEV_NULL;
	GError *error = NULL;

	g_free(server_name);
	server_name = g_strdup_printf("tuttitest%d-%u", (int)getpid(), n++);
	argv[2] = server_name;
	if (!g_spawn_async(NULL, argv, NULL, flags, die_with_parent, NULL, &server_pid, &error)) {
		g_clear_error(&error);
		return false;
	}
	return true;
}

static void server_stop(void)
{
	if (!server_pid)
		return;
	kill(server_pid, SIGTERM);
	waitpid(server_pid, NULL, 0);
	server_pid = 0;
}

/* --- the other client --- */

struct ear {
	jack_client_t *client;
	jack_port_t *out, *in, *midi_out, *midi_in;
	_Atomic uint32_t good, bad;       /* buffers heard: an unbroken part of what was played; neither */
	uint32_t count;
	atomic_bool send_note;            /* set by the test, done by the callback */
	_Atomic uint64_t sent_us, heard_us;       /* the note's moment */
	_Atomic uint8_t heard_key;
};

/* JACK's clock need not be CLOCK_MONOTONIC. The look that took the least tells how far apart they are. */
static uint64_t ahead_us;

static void find_clock(void)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < 1000; i++) {
		const int64_t before = g_get_monotonic_time(), theirs = (int64_t)jack_get_time();
		const int64_t after = g_get_monotonic_time();

		if (after - before < least) {
			least = after - before;
			ahead_us = (uint64_t)((before + after) / 2 - theirs);
		}
	}
}

static uint64_t cycle_us(jack_client_t *client)
{
	jack_nframes_t frames;
	jack_time_t now = 0, next;
	float period;

	jack_get_cycle_times(client, &frames, &now, &next, &period);
	return now + ahead_us;
}

static void judge(struct ear *e, const float *in, jack_nframes_t n)
{
	bool silent = true, ramp = in[0] > 0;

	for (jack_nframes_t i = 0; i < n; i++) {
		silent = silent && in[i] == 0;
		ramp = ramp && in[i] == in[0] + (float)i;
	}
	if (ramp)
		e->good++;
	else if (!silent)
		e->bad++;
}

static int ear_process(jack_nframes_t n, void *arg)
{
	struct ear *e = arg;
	float *out = jack_port_get_buffer(e->out, n);
	void *midi_out = jack_port_get_buffer(e->midi_out, n), *midi_in = jack_port_get_buffer(e->midi_in, n);
	const uint8_t note[] = {0x91, 64, 99};
	jack_midi_event_t ev;

	judge(e, jack_port_get_buffer(e->in, n), n);
	if (e->count + n > 1 << 23)
		e->count = 0;
	for (jack_nframes_t i = 0; i < n; i++)
		out[i] = (float)++e->count;       /* whole numbers: exact, and each another */
	jack_midi_clear_buffer(midi_out);
	if (e->send_note && n > NOTE_AT && !jack_midi_event_write(midi_out, NOTE_AT, note, sizeof(note))) {
		e->send_note = false;
		e->sent_us = cycle_us(e->client) + NOTE_AT * 1000000ull / RATE;
	}
	for (uint32_t i = 0; i < jack_midi_get_event_count(midi_in); i++)
		if (!jack_midi_event_get(&ev, midi_in, i) && ev.size == 3) {
			e->heard_us = cycle_us(e->client) + ev.time * 1000000ull / RATE;
			e->heard_key = ev.buffer[1];
		}
	return 0;
}

static void quiet(const char *text)
{
}

static void ear_open(struct ear *e)
{
	memset(e, 0, sizeof(*e));
	jack_set_error_function(quiet);
	jack_set_info_function(quiet);
	for (unsigned i = 0; !e->client; i++) {
		g_assert_cmpuint(i, <, 300);
		e->client = jack_client_open("ear", JackNoStartServer | JackServerName, NULL, server_name);
		if (!e->client)
			g_usleep(100000);
	}
	find_clock();
	e->out      = jack_port_register(e->client, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
	e->in       = jack_port_register(e->client, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
	e->midi_out = jack_port_register(e->client, "midi_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
	e->midi_in  = jack_port_register(e->client, "midi_in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
	g_assert_cmpint(jack_set_process_callback(e->client, ear_process, e), ==, 0);
	g_assert_cmpint(jack_activate(e->client), ==, 0);
}

static void link_ports(struct ear *e, const char *from, const char *to)
{
	g_assert_cmpint(jack_connect(e->client, from, to), ==, 0);
}

/* --- the device --- */

struct player { _Atomic uint32_t n; _Atomic uint64_t at_us; };

static void turn(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg)
{
	struct player *p = arg;

	memcpy(out, in, n * CH * sizeof(*out));
	p->at_us = at_us;
	p->n = p->n + n;
}

static struct device_conf conf_of(struct player *p, struct midiwire *w)
{
	memset(p, 0, sizeof(*p));
	return (struct device_conf){
		.driver = "jack", .device = server_name, .name = "tutti", .inputs = 2, .midi = w,
		.turnh = turn, .arg = p,
	};
}

static struct device *open_ok(const struct device_conf *conf)
{
	struct device *d = NULL;
	const char *why = NULL;
	int err = device_open(&d, &why, conf);

	if (err)
		g_error("device_open: %s (%s)", why, g_strerror(err));
	g_assert_cmpstr(why, ==, "");
	return d;
}

#define WAIT(cond) \
	for (unsigned i_ = 0; !(cond); i_++) { \
		g_assert_cmpuint(i_, <, 30000); \
		g_usleep(2000); \
	}

static bool connected(struct ear *e, const char *from, const char *to)
{
	const char **names = jack_port_get_all_connections(e->client, jack_port_by_name(e->client, from));
	bool found = false;

	for (size_t i = 0; names && names[i]; i++)
		found = found || !strcmp(names[i], to);
	jack_free(names);
	return found;
}

static void test_sound(void)
{
	struct ear e;
	struct player p;
	struct device_conf conf = conf_of(&p, NULL);
	struct device_info info;
	struct device *d;

	ear_open(&e);
	d = open_ok(&conf);
	link_ports(&e, "ear:out", "tutti:in_1");
	link_ports(&e, "tutti:out_1", "ear:in");
	WAIT(e.good >= GOOD);
	g_assert_cmpuint(e.bad, ==, 0);
	g_assert_cmpuint(p.n % PERIOD, ==, 0);
	g_assert_null(jack_port_by_name(e.client, "tutti:midi_in"));

	/* the first is left, the second right */
	g_assert_cmpint(jack_disconnect(e.client, "tutti:out_1", "ear:in"), ==, 0);
	g_usleep(200000);
	e.good = 0;
	link_ports(&e, "tutti:out_2", "ear:in");
	g_usleep(200000);
	g_assert_cmpuint(e.good, ==, 0);
	link_ports(&e, "ear:out", "tutti:in_2");
	WAIT(e.good >= GOOD);
	g_assert_cmpuint(e.bad, ==, 0);

	device_info(d, &info);
	g_assert_cmpstr(info.driver, ==, "jack");
	g_assert_cmpstr(info.device, ==, "tutti");
	g_assert_cmpuint(info.period, ==, PERIOD);
	g_assert_false(info.gone);
	mem_deref(d);
	g_assert_null(jack_port_by_name(e.client, "tutti:in_1"));
	jack_client_close(e.client);
}

/* To the card's ports, whose latencies JACK tells; and the moment it says is ours. */
static void test_connect(void)
{
	const uint64_t period_us = PERIOD * 1000000ull / RATE;
	struct ear e;
	struct player p;
	struct device_conf conf = conf_of(&p, NULL);
	struct device_info info;
	struct device *d;
	uint64_t before_us;

	ear_open(&e);
	conf.connect = true;
	d = open_ok(&conf);
	g_assert_true(connected(&e, "system:capture_1", "tutti:in_1"));
	g_assert_true(connected(&e, "system:capture_2", "tutti:in_2"));
	g_assert_true(connected(&e, "tutti:out_1", "system:playback_1"));
	g_assert_true(connected(&e, "tutti:out_2", "system:playback_2"));
	before_us = (uint64_t)g_get_monotonic_time();
	p.n = 0;
	WAIT(p.n >= 2 * PERIOD);
	/* JACK smooths its times, so they may lie before or after what a busy machine makes of them. */
	g_assert_cmpuint(p.at_us + 5 * period_us, >=, before_us);
	g_assert_cmpuint(p.at_us, <=, (uint64_t)g_get_monotonic_time() + 5 * period_us);
	/* The server works it out some time after it was connected. */
	WAIT((device_info(d, &info), info.capture_us) == period_us);
	WAIT((device_info(d, &info), info.playback_us) >= period_us);
	mem_deref(d);
	jack_client_close(e.client);
}

/* In: the frame at which it was written is its moment. */
static void test_midi_in(void)
{
	struct ear e;
	struct player p;
	struct midiwire *w;
	struct midiwire_event ev;
	struct device_conf conf;
	struct device *d;

	g_assert_cmpint(midiwire_alloc(&w), ==, 0);
	conf = conf_of(&p, w);
	ear_open(&e);
	d = open_ok(&conf);
	link_ports(&e, "ear:midi_out", "tutti:midi_in");
	for (unsigned i = 0; i < 5; i++) {
		e.send_note = true;
		WAIT(midiwire_take(w, &ev));
		g_assert_cmpuint(ev.len, ==, 3);
		g_assert_cmpuint(ev.data[1], ==, 64);
		g_assert_cmpuint(e.sent_us, !=, 0);
		g_assert_cmpfloat_with_epsilon((double)ev.at_us, (double)e.sent_us, CLOCK_US);
	}
	mem_deref(d);
	mem_deref(w);
	jack_client_close(e.client);
}

static void play_note(struct midiwire *w, uint64_t at_us, uint8_t key)
{
	const uint8_t note[] = {0x90, key, 1};

	g_assert_cmpint(midiwire_play(w, at_us, note, sizeof(note)), ==, 0);
}

/* Out: at its moment to the sample, unless a cycle was left out; what is late, at once. */
static void test_midi_out(void)
{
	struct ear e;
	struct player p;
	struct midiwire *w;
	struct device_conf conf;
	struct device *d;
	unsigned exact = 0;

	g_assert_cmpint(midiwire_alloc(&w), ==, 0);
	conf = conf_of(&p, w);
	ear_open(&e);
	d = open_ok(&conf);
	link_ports(&e, "tutti:midi_out", "ear:midi_in");
	for (uint8_t key = 1; exact < 5; key = key % 100 + 1) {
		const uint64_t at_us = (uint64_t)g_get_monotonic_time() + 100000 + key * 777u;

		play_note(w, at_us, key);
		WAIT(e.heard_key == key);
		g_assert_cmpuint(e.heard_us + 1000000 / RATE + CLOCK_US, >=, at_us);      /* never before it */
		exact += e.heard_us < at_us + CLOCK_US;
	}
	play_note(w, 1000, 101);
	WAIT(e.heard_key == 101);
	mem_deref(d);
	mem_deref(w);
	jack_client_close(e.client);
}

/* Another period while it runs, asked for by somebody else and by us; and the server's end. */
static void test_changes(void)
{
	struct ear e;
	struct player p;
	struct device_conf conf = conf_of(&p, NULL);
	struct device_info info;
	struct device *d;

	ear_open(&e);
	conf.period = 512;
	d = open_ok(&conf);
	g_assert_cmpuint(jack_get_buffer_size(e.client), ==, 512);
	WAIT((device_info(d, &info), info.period) == 512);
	g_assert_cmpint(jack_set_buffer_size(e.client, 8192), ==, 0);     /* longer than the callback takes: in parts */
	WAIT((device_info(d, &info), info.period) == 8192);
	link_ports(&e, "ear:out", "tutti:in_1");
	link_ports(&e, "tutti:out_1", "ear:in");
	WAIT(e.good >= 3);
	g_assert_cmpuint(e.bad, ==, 0);
	jack_client_close(e.client);
	server_stop();
	WAIT((device_info(d, &info), info.gone));
	mem_deref(d);
}

static void test_bad(void)
{
	struct ear e;
	struct player p;
	struct device_conf conf = conf_of(&p, NULL);
	struct device *d = NULL;
	const char *why = NULL;

	conf.device = "tutti-no-such-server";
	g_assert_cmpint(device_open(&d, &why, &conf), ==, ENODEV);
	g_assert_nonnull(strstr(why, "no JACK server tutti-no-such-server"));
	g_assert_true(server_start("44100"));
	ear_open(&e);
	conf.device = server_name;
	g_assert_cmpint(device_open(&d, &why, &conf), ==, ENOTSUP);
	g_assert_nonnull(strstr(why, "-r 48000"));
	jack_client_close(e.client);
	server_stop();
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!server_start("48000")) {
		g_test_message("no jackd");
		g_print("1..0 # SKIP no jackd\n");
		return 0;
	}
	libre_init();
	g_test_add_func("/device_jack/sound", test_sound);
	g_test_add_func("/device_jack/connect", test_connect);
	g_test_add_func("/device_jack/midi-in", test_midi_in);
	g_test_add_func("/device_jack/midi-out", test_midi_out);
	g_test_add_func("/device_jack/changes", test_changes);
	g_test_add_func("/device_jack/bad", test_bad);
	err = g_test_run();
	server_stop();
	libre_close();
	g_free(server_name);
	return err;
}
