/*
 * device_jack.c - JACK, and PipeWire's in its place: a client with ports that anybody may connect.
 *
 *     in_1 .. in_N  > process_rt: turn > out_1, out_2         JACK's thread, once a cycle
 *     midi_in       > midiwire                > midi_out
 *
 * A cycle's time is what JACK's own clock said at its beginning. That is CLOCK_MONOTONIC with some, with jackd2
 * CLOCK_MONOTONIC_RAW, which NTP does not steer (they are 100 ms apart after half a day), or a HPET. So every cycle
 * looks at both, one after the other, and takes the difference if nothing came in between. MIDI has the same base:
 * frame k of a cycle is k samples after its beginning, in and out.
 *
 * A server is never started from here: whoever has one runs it with the card and period of his choice. Latencies are
 * asked when somebody wants to know, from our ports, as JACK has summed them up over the graph; we set none, as sound
 * ends and begins with us.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <re.h>
#include <jack/jack.h>
#include <jack/midiport.h>
#include "device_priv.h"
#include "midiwire.h"

enum { LOOK_US = 20, LOOKS = 16, TRIES = 4, AGAIN_MS = 250 };

struct jack_device {
	struct device *d;
	jack_client_t *client;
	jack_port_t *in[DEVICE_INPUTS_MAX], *out[DEVICE_CH], *midi_in, *midi_out;
	uint64_t ahead_us;        /* CLOCK_MONOTONIC of JACK's clock, modulo 2^64 */
};

/* --- JACK's threads --- */

/* How long it took; what was seen is kept if that was no longer than `most_us`. */
static uint64_t look_at_clocks_rt(struct jack_device *j, uint64_t most_us)
{
	const uint64_t before = device_now_us(), theirs = jack_get_time(), took = device_now_us() - before;

	if (took <= most_us)
		j->ahead_us = before + took / 2 - theirs;
	return took;
}

/* The moment at which this cycle began. */
static uint64_t cycle_us_rt(struct jack_device *j)
{
	jack_nframes_t frames;
	jack_time_t now, next;
	float period_us;

	if (jack_get_cycle_times(j->client, &frames, &now, &next, &period_us))
		return device_now_us();
	look_at_clocks_rt(j, LOOK_US);
	return now + j->ahead_us;
}

static void midi_in_rt(struct jack_device *j, jack_nframes_t n, uint64_t at_us)
{
	void *buf = jack_port_get_buffer(j->midi_in, n);
	jack_midi_event_t ev;

	for (uint32_t i = 0; i < jack_midi_get_event_count(buf); i++)
		if (!jack_midi_event_get(&ev, buf, i))
			midiwire_came_rt(j->d->conf.midi, at_us + device_smp_us(ev.time), ev.buffer, ev.size);
}

static void midi_out_rt(struct jack_device *j, jack_nframes_t n, uint64_t at_us)
{
	const uint64_t end_us = at_us + device_smp_us(n);
	void *buf = jack_port_get_buffer(j->midi_out, n);
	const struct midiwire_event *ev;
	jack_nframes_t at, last = 0;

	jack_midi_clear_buffer(buf);
	while ((ev = midiwire_due_rt(j->d->conf.midi, end_us))) {
		at = ev->at_us > at_us ? (jack_nframes_t)((ev->at_us - at_us) * DEVICE_RATE / 1000000) : 0;
		at = at < n ? at : n - 1;
		last = at > last ? at : last;     /* JACK wants them in order */
		if (jack_midi_event_write(buf, last, ev->data, ev->len))
			midiwire_refused_rt(j->d->conf.midi);
	}
}

static int process_rt(jack_nframes_t n, void *arg)
{
	struct jack_device *j = arg;
	const uint64_t at_us = cycle_us_rt(j);
	struct device_sound sound = {.in_step = 1, .out_step = 1};

	if (j->midi_in)
		midi_in_rt(j, n, at_us);
	for (unsigned i = 0; i < j->d->conf.inputs; i++)
		sound.in[i] = jack_port_get_buffer(j->in[i], n);
	for (unsigned i = 0; i < DEVICE_CH; i++)
		sound.out[i] = jack_port_get_buffer(j->out[i], n);
	device_turn_rt(j->d, &sound, n, at_us);
	if (j->midi_out)
		midi_out_rt(j, n, at_us);
	return 0;
}

static int xrun_handler(void *arg)
{
	struct jack_device *j = arg;

	atomic_fetch_add_explicit(&j->d->xruns, 1, memory_order_relaxed);
	return 0;
}

static int period_handler(jack_nframes_t n, void *arg)
{
	struct jack_device *j = arg;

	j->d->period = n;
	return 0;
}

/* JACK would else pass latencies through us, from our outputs to our inputs. What we play comes from elsewhere. */
static void latency_handler(jack_latency_callback_mode_t mode, void *arg)
{
	(void)mode;
	(void)arg;
}

static void shutdown_handler(jack_status_t code, const char *reason, void *arg)
{
	struct jack_device *j = arg;

	j->d->gone = true;
}

/* libjack writes to stderr what we say better, and would write over the screen. */
static void quiet_handler(const char *text)
{
	(void)text;
}

/* --- control thread --- */

static uint32_t latency_us(jack_port_t *const *port, unsigned n, jack_latency_callback_mode_t mode)
{
	jack_nframes_t most = 0;
	jack_latency_range_t range;

	for (unsigned i = 0; i < n; i++) {
		jack_port_get_latency_range(port[i], mode, &range);
		if (range.max > most)
			most = range.max;
	}
	return device_smp_us(most);
}

static void jack_ask(struct device *d)
{
	struct jack_device *j = d->state;

	d->capture_us  = latency_us(j->in, d->conf.inputs, JackCaptureLatency);
	d->playback_us = latency_us(j->out, DEVICE_CH, JackPlaybackLatency);
}

static void destructor(void *arg)
{
	struct jack_device *j = arg;

	if (j->client)
		jack_client_close(j->client);     /* ends the callbacks, also of a server that has gone */
}

static int open_client(struct jack_device *j, const struct device *d)
{
	const char *server = d->device;
	jack_status_t status = 0;

	jack_set_error_function(quiet_handler);
	jack_set_info_function(quiet_handler);
	j->client = *server ? jack_client_open(d->name, JackNoStartServer | JackServerName, &status, server)
			    : jack_client_open(d->name, JackNoStartServer, &status);
	if (j->client)
		return 0;
	if (status & JackVersionError)
		return device_why(ENODEV, "the JACK server is of another version than this program's library");
	return device_why(ENODEV, "no JACK server%s%s runs (start one, e.g. jackd -d alsa -r %d -p 64; with PipeWire: "
	                  "pw-jack tutti-join)", *server ? " " : "", server, DEVICE_RATE);
}

static int check_rate(const struct jack_device *j)
{
	const unsigned rate = jack_get_sample_rate(j->client);

	if (rate == DEVICE_RATE)
		return 0;
	return device_why(ENOTSUP, "JACK runs at %u Hz: start JACK with -r %d", rate, DEVICE_RATE);
}

/* The shortest of some looks, as this thread may be put aside during one. */
static void find_clock(struct jack_device *j)
{
	uint64_t least = UINT64_MAX, took;

	for (unsigned i = 0; i < LOOKS; i++) {
		took = look_at_clocks_rt(j, least);
		least = took < least ? took : least;
	}
}

static jack_port_t *add_port(struct jack_device *j, const char *name, const char *type, unsigned long flags, int *err)
{
	jack_port_t *port = jack_port_register(j->client, name, type, flags, 0);

	if (!port)
		*err = device_why(ENODEV, "JACK makes no port %s", name);
	return port;
}

static int add_ports(struct jack_device *j, const struct device *d)
{
	char name[16];
	int err = 0;

	for (unsigned i = 0; i < d->conf.inputs; i++) {
		re_snprintf(name, sizeof(name), "in_%u", i + 1);
		j->in[i] = add_port(j, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, &err);
	}
	for (unsigned i = 0; i < DEVICE_CH; i++) {
		re_snprintf(name, sizeof(name), "out_%u", i + 1);
		j->out[i] = add_port(j, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, &err);
	}
	if (d->conf.midi) {
		j->midi_in  = add_port(j, "midi_in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, &err);
		j->midi_out = add_port(j, "midi_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, &err);
	}
	return err;
}

static int set_handlers(struct jack_device *j)
{
	jack_on_info_shutdown(j->client, shutdown_handler, j);
	if (jack_set_process_callback(j->client, process_rt, j) || jack_set_xrun_callback(j->client, xrun_handler, j) ||
	    jack_set_buffer_size_callback(j->client, period_handler, j) ||
	    jack_set_latency_callback(j->client, latency_handler, j))
		return device_why(ENODEV, "JACK takes no callbacks");
	return 0;
}

/* PipeWire shows what is played as ports, too; whoever heard these would send the others back to themselves. */
static bool is_monitor(const char *port)
{
	return strcasestr(port, "monitor") != NULL;
}

static unsigned physical(const char **found, const char *const *names, unsigned max)
{
	unsigned n = 0;

	for (; names && *names && n < max; names++)
		if (!is_monitor(*names))
			found[n++] = *names;
	return n;
}

/* The first ports of the card, one to one; a card with a single one has it for all. */
static void connect_inputs(struct jack_device *j)
{
	const char **names = jack_get_ports(j->client, NULL, JACK_DEFAULT_AUDIO_TYPE,
	                                    JackPortIsPhysical | JackPortIsOutput);
	const char *found[DEVICE_INPUTS_MAX];
	const unsigned n = physical(found, names, DEVICE_INPUTS_MAX);

	for (unsigned i = 0; i < j->d->conf.inputs && n; i++)
		if (i < n || n == 1)
			jack_connect(j->client, found[n == 1 ? 0 : i], jack_port_name(j->in[i]));
	jack_free(names);
}

static void connect_outputs(struct jack_device *j)
{
	const char **names = jack_get_ports(j->client, NULL, JACK_DEFAULT_AUDIO_TYPE,
	                                    JackPortIsPhysical | JackPortIsInput);
	const char *found[DEVICE_CH];
	const unsigned n = physical(found, names, DEVICE_CH);

	for (unsigned i = 0; i < DEVICE_CH && n; i++)
		jack_connect(j->client, jack_port_name(j->out[i]), found[i % n]);
	jack_free(names);
}

/* A server that is late for its own periods just now does not answer in time; a moment later it does. */
static bool begins(struct jack_device *j)
{
	for (unsigned tried = 1; jack_activate(j->client); tried++) {
		if (tried == TRIES)
			return false;
		sys_msleep(AGAIN_MS);
	}
	return true;
}

static int start(struct jack_device *j)
{
	struct device *d = j->d;

	find_clock(j);
	d->period = jack_get_buffer_size(j->client);
	d->realtime = jack_is_realtime(j->client);
	if (!begins(j))
		return device_why(ENODEV, "JACK does not let us begin");
	if (d->conf.period && d->conf.period != d->period && jack_set_buffer_size(j->client, d->conf.period))
		device_why(0, "JACK stays at its period of %u samples", d->period);
	if (d->conf.connect) {
		connect_inputs(j);
		connect_outputs(j);
	}
	return 0;
}

static int jack_open(struct device *d)
{
	struct jack_device *j = mem_zalloc(sizeof(*j), destructor);
	int err;

	if (!j)
		return device_why(ENOMEM, "out of memory");
	j->d = d;
	d->state = j;
	err = open_client(j, d);
	if (!err)
		err = check_rate(j);
	if (!err)
		err = add_ports(j, d);
	if (!err)
		err = set_handlers(j);
	if (!err)
		err = start(j);
	if (err) {
		d->state = mem_deref(j);
		return err;
	}
	str_ncpy(d->label, jack_get_client_name(j->client), sizeof(d->label));
	return 0;
}

/* With no client of our own: only whether there is a server. */
static void jack_list(FILE *f)
{
	jack_status_t status = 0;
	jack_client_t *client;
	const char **names;

	jack_set_error_function(quiet_handler);
	jack_set_info_function(quiet_handler);
	client = jack_client_open("tutti-join-list", JackNoStartServer, &status);
	if (!client) {
		fprintf(f, "       no server runs\n");
		return;
	}
	fprintf(f, "       a server runs: %u Hz, periods of %u samples\n", jack_get_sample_rate(client),
	        jack_get_buffer_size(client));
	names = jack_get_ports(client, NULL, JACK_DEFAULT_AUDIO_TYPE, JackPortIsPhysical);
	for (unsigned i = 0; names && names[i]; i++)
		fprintf(f, "       %s\n", names[i]);
	jack_free(names);
	jack_client_close(client);
}

const struct device_driver device_jack = {
	.name = "jack", .what = "JACK, or PipeWire's (pw-jack); --device: the server's name",
	.openh = jack_open, .listh = jack_list, .askh = jack_ask,
};
