/*
 * jackrig.c - how long a sound is on its way from one JACK port to another, whoever is between them.
 *
 *     our port "out" > their input > ... > their output > our ports "ear_1", "ear_2" ...
 *
 * Every quarter to third of a second a short chirp begins at a sample of its own, anywhere in a period. What is heard
 * is recorded whole and looked through afterwards, so nothing is computed on JACK's thread. With notes: a MIDI note
 * begins at the same sample as the chirp, and the moments at which notes come back are kept.
 *
 * Times are samples of JACK's own count, so a machine that is late moves nothing; that a cycle was left out is seen in
 * the count and told.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <jack/midiport.h>
#include "jackrig.h"

enum { NOTE = 60, NOTE_SMP = 4800, ACTIVATIONS = 5 };

struct rig {
	jack_client_t *client;
	jack_port_t *out[2], *ear[EARS_MAX], *note_out, *note_in;
	unsigned n_out, n_ears;
	float probe[PROBE_SMP];
	struct record rec;
	jack_nframes_t next_frame;
	jack_time_t last_us;
	unsigned note_off;        /* whose end is to be played */
	volatile bool begun, gone;
};

static volatile sig_atomic_t told_to_end;

static void end_h(int sig)
{
	(void)sig;
	told_to_end = 1;
}

/* What of the probe that begins at `begin` lies in the n samples from `from` on. */
static void probe_lay_rt(const struct rig *g, float *out, uint64_t from, jack_nframes_t n, uint64_t begin)
{
	for (unsigned i = 0; i < PROBE_SMP; i++)
		if (begin + i >= from && begin + i < from + n)
			out[begin + i - from] = g->probe[i];
}

static void sound_rt(struct rig *g, jack_nframes_t n)
{
	struct record *r = &g->rec;

	/* first: what we write may be what our own ear reads, and then it is what was written a period ago */
	for (unsigned i = 0; i < g->n_ears; i++)
		memcpy(r->heard[i] + r->done, jack_port_get_buffer(g->ear[i], n), n * sizeof(float));
	for (unsigned i = 0; i < g->n_out; i++) {
		float *out = jack_port_get_buffer(g->out[i], n);

		memset(out, 0, n * sizeof(*out));
		if (r->next > 0)
			probe_lay_rt(g, out, r->done, n, r->at[r->next - 1]);
		if (r->next < r->n_probes && r->at[r->next] < r->done + n)
			probe_lay_rt(g, out, r->done, n, r->at[r->next]);
	}
}

static void note_play_rt(void *buf, jack_nframes_t at, bool on)
{
	const jack_midi_data_t ev[3] = {on ? 0x90 : 0x80, NOTE, 100};

	jack_midi_event_write(buf, at, ev, sizeof(ev));
}

static void notes_rt(struct rig *g, jack_nframes_t n)
{
	struct record *r = &g->rec;
	void *out = jack_port_get_buffer(g->note_out, n), *in = jack_port_get_buffer(g->note_in, n);
	jack_midi_event_t ev;

	jack_midi_clear_buffer(out);
	if (g->note_off < r->next && r->at[g->note_off] + NOTE_SMP < r->done + n) {
		uint64_t at = r->at[g->note_off++] + NOTE_SMP;

		note_play_rt(out, at > r->done ? (jack_nframes_t)(at - r->done) : 0, false);
	}
	if (r->next < r->n_probes && r->at[r->next] < r->done + n)
		note_play_rt(out, (jack_nframes_t)(r->at[r->next] - r->done), true);
	for (uint32_t i = 0; i < jack_midi_get_event_count(in) && r->n_notes < NOTES_MAX; i++)
		if (!jack_midi_event_get(&ev, in, i) && ev.size == 3)
			r->note[r->n_notes++] = (struct note){r->done + ev.time, ev.buffer[0], ev.buffer[1]};
}

/* How the machine keeps time meanwhile. */
static void clock_rt(struct rig *g, jack_nframes_t n)
{
	struct record *r = &g->rec;
	jack_nframes_t frame;
	jack_time_t now = jack_get_time(), us, next;
	float period;

	if (jack_get_cycle_times(g->client, &frame, &us, &next, &period))
		return;
	if (r->done && frame != g->next_frame) {
		r->jumps++;
		r->jumped_smp += (int32_t)(frame - g->next_frame);
	}
	if (r->n_cycles < r->cycles_max) {
		r->late_us[r->n_cycles] = (float)((double)now - (double)us);
		r->wake_us[r->n_cycles] = r->done ? (float)((double)us - (double)g->last_us - 1e6 * n / r->rate) : 0;
		r->n_cycles++;
	}
	g->next_frame = frame + n;
	g->last_us = us;
}

static int process_rt(jack_nframes_t n, void *arg)
{
	struct rig *g = arg;
	struct record *r = &g->rec;

	if (!g->begun || r->done + n > r->n_smp) {
		for (unsigned i = 0; i < g->n_out; i++)
			memset(jack_port_get_buffer(g->out[i], n), 0, n * sizeof(float));
		if (g->note_out)
			jack_midi_clear_buffer(jack_port_get_buffer(g->note_out, n));
		return 0;
	}
	clock_rt(g, n);
	sound_rt(g, n);
	if (g->note_out)
		notes_rt(g, n);
	if (r->next < r->n_probes && r->at[r->next] < r->done + n)
		r->next++;
	r->done += n;
	return 0;
}

static int xrun_h(void *arg)
{
	((struct rig *)arg)->rec.xruns++;
	return 0;
}

static void shutdown_h(void *arg)
{
	((struct rig *)arg)->gone = true;
}

/* --- ports --- */

static jack_port_t *port(struct rig *g, const char *name, const char *type, unsigned long flags)
{
	jack_port_t *p = jack_port_register(g->client, name, type, flags, 0);

	if (!p) {
		fprintf(stderr, "jackrig: no port %s\n", name);
		exit(EX_UNAVAILABLE);
	}
	return p;
}

static void ports_make(struct rig *g, const struct options *o)
{
	char name[16];

	g->n_out = o->n_to > 1 ? o->n_to : 1;
	for (unsigned i = 0; i < g->n_out; i++) {
		snprintf(name, sizeof(name), "out_%u", i + 1);
		g->out[i] = port(g, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput);
	}
	g->n_ears = o->self ? 1 : o->n_ears;
	for (unsigned i = 0; i < g->n_ears; i++) {
		snprintf(name, sizeof(name), "ear_%u", i + 1);
		g->ear[i] = port(g, name, JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput);
	}
	if (!o->note_to && !o->note_from)
		return;
	g->note_out = port(g, "note_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput);
	g->note_in = port(g, "note_in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput);
}

static void join(struct rig *g, const char *from, const char *to)
{
	int err = jack_connect(g->client, from, to);

	if (err && err != EEXIST) {
		fprintf(stderr, "jackrig: cannot connect %s to %s\n", from, to);
		exit(EX_UNAVAILABLE);
	}
}

static void ports_join(struct rig *g, const struct options *o)
{
	for (unsigned i = 0; i < o->n_to; i++)
		join(g, jack_port_name(g->out[i]), o->to[i]);
	for (unsigned i = 0; i < o->n_ears; i++)
		join(g, o->ear[i], jack_port_name(g->ear[i]));
	if (o->self)
		join(g, jack_port_name(g->out[0]), jack_port_name(g->ear[0]));
	if (o->note_to)
		join(g, jack_port_name(g->note_out), o->note_to);
	if (o->note_from)
		join(g, o->note_from, jack_port_name(g->note_in));
}

static void rig_open(struct rig *g, const struct options *o)
{
	jack_status_t st;
	int err;

	g->client = jack_client_open(o->name, JackNoStartServer | (o->server ? JackServerName : 0), &st, o->server);
	if (!g->client) {
		fprintf(stderr, "jackrig: no JACK server%s%s\n", o->server ? " " : "", o->server ? o->server : "");
		exit(EX_UNAVAILABLE);
	}
	g->rec.rate = jack_get_sample_rate(g->client);
	g->rec.period = jack_get_buffer_size(g->client);
	probe_make(g->probe);
	record_plan(&g->rec, o);
	ports_make(g, o);
	jack_set_process_callback(g->client, process_rt, g);
	jack_set_xrun_callback(g->client, xrun_h, g);
	jack_on_shutdown(g->client, shutdown_h, g);
	/* A server that is late for its own periods now and then does not answer in time. */
	for (unsigned i = 0; (err = jack_activate(g->client)) && i < ACTIVATIONS; i++)
		usleep(300000);
	if (err) {
		fputs("jackrig: JACK does not let us begin\n", stderr);
		exit(EX_UNAVAILABLE);
	}
	ports_join(g, o);
}

int main(int argc, char **argv)
{
	static struct rig g;
	struct options o;
	int err = options_parse(&o, argc, argv);

	if (err)
		return err;
	signal(SIGINT, end_h);
	signal(SIGTERM, end_h);
	rig_open(&g, &o);
	usleep(200000);           /* what making ports disturbed is over */
	g.rec.xruns = 0;
	g.begun = true;
	while (!g.gone && !told_to_end && g.rec.done + g.rec.period <= g.rec.n_smp)
		usleep(20000);
	if (!g.gone)
		jack_client_close(g.client);
	if (g.gone || told_to_end) {
		fputs(g.gone ? "jackrig: the JACK server has gone\n" : "jackrig: ended early\n", stderr);
		return EX_UNAVAILABLE;
	}
	record_tell(&g.rec, &o);
	record_free(&g.rec);
	return 0;
}
