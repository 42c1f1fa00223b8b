/*
 * midi_alsa.c - ALSA's sequencer as the device side of a midiwire.
 *
 *     others' ports > "in"  > midithread: seqbytes > midiwire_came_rt
 *     midiwire_due_rt > midithread: seqbytes > "out" > others' ports
 *
 * Decided against: the sequencer's own queues for what is due: they count from a zero of their own, on
 * a timer that need not be CLOCK_MONOTONIC, and what waits in one cannot be taken back one by one.
 */
#include <errno.h>
#include <stdint.h>
#include <re.h>
#include "midi_alsa.h"

#if HAVE_ALSA
#include <string.h>
#include <alsa/asoundlib.h>
#include "device_priv.h"
#include "midithread.h"
#include "seqbytes.h"

struct midi_alsa {
	struct midiwire *w;
	struct midithread *thread;
	snd_seq_t *seq;
	struct seqbytes *bytes;
	int in, out;              /* ports */
	uint64_t now_us;
};

/* --- its thread --- */

static void came_rt(const uint8_t *data, size_t len, void *arg)
{
	struct midi_alsa *m = arg;

	midiwire_came_rt(m->w, m->now_us, data, len);
}

static bool read_rt(uint64_t now_us, void *arg)
{
	struct midi_alsa *m = arg;
	snd_seq_event_t *ev;
	int err;

	m->now_us = now_us;
	/* ENOSPC: we were too slow, some are lost. */
	while ((err = snd_seq_event_input(m->seq, &ev)) >= 0 || err == -ENOSPC)
		if (err >= 0)
			seqbytes_in_rt(m->bytes, ev, came_rt, m);
	return err == -EAGAIN || err == -EINTR;
}

static bool play_rt(const struct midiwire_event *due, void *arg)
{
	struct midi_alsa *m = arg;
	snd_seq_event_t ev;

	if (seqbytes_out_rt(m->bytes, &ev, due->data, due->len))
		return false;
	snd_seq_ev_set_source(&ev, (unsigned char)m->out);
	snd_seq_ev_set_subs(&ev);
	snd_seq_ev_set_direct(&ev);
	return snd_seq_event_output_direct(m->seq, &ev) >= 0;
}

static unsigned polls(struct pollfd *fds, void *arg)
{
	const struct midi_alsa *m = arg;

	return (unsigned)snd_seq_poll_descriptors(m->seq, fds, MIDITHREAD_POLLS, POLLIN);
}

static const struct midithread_ops ops = {polls, read_rt, play_rt};

/* --- control thread --- */

static void destructor(void *arg)
{
	struct midi_alsa *m = arg;

	mem_deref(m->thread);
	if (m->seq)
		snd_seq_close(m->seq);
	mem_deref(m->bytes);
	mem_deref(m->w);
}

static void quiet_handler(const char *file, int line, const char *function, int err, const char *fmt, ...)
{
	(void)file, (void)line, (void)function, (void)err, (void)fmt;
}

static int add_port(struct midi_alsa *m, const char *name, unsigned caps)
{
	return snd_seq_create_simple_port(m->seq, name, caps,
	                                  SND_SEQ_PORT_TYPE_MIDI_GENERIC | SND_SEQ_PORT_TYPE_APPLICATION);
}

static int open_seq(struct midi_alsa *m, const char *name)
{
	int err;

	snd_lib_error_set_handler(quiet_handler);
	err = snd_seq_open(&m->seq, "default", SND_SEQ_OPEN_DUPLEX, SND_SEQ_NONBLOCK);
	if (err < 0) {
		m->seq = NULL;
		if (err == -EACCES)
			return device_why(ENODEV, "no MIDI by ALSA: /dev/snd/seq is not ours to open (group audio?)");
		return device_why(ENODEV, "no MIDI by ALSA: no sequencer (%s; as root: modprobe snd-seq)",
				  snd_strerror(err));
	}
	snd_seq_set_client_name(m->seq, name);
	m->in  = add_port(m, "in", SND_SEQ_PORT_CAP_WRITE | SND_SEQ_PORT_CAP_SUBS_WRITE);
	m->out = add_port(m, "out", SND_SEQ_PORT_CAP_READ | SND_SEQ_PORT_CAP_SUBS_READ);
	if (m->in < 0 || m->out < 0)
		return device_why(ENODEV, "no MIDI by ALSA: its sequencer makes no ports");
	return 0;
}

int midi_alsa_alloc(struct midi_alsa **mp, const char **why, struct midiwire *w, const char *name)
{
	struct midi_alsa *m;
	int err;

	if (!mp || !why || !w || !name)
		return EINVAL;
	m = mem_zalloc(sizeof(*m), destructor);
	if (!m)
		return ENOMEM;
	m->w = mem_ref(w);
	*why = device_words();
	err = open_seq(m, name);
	if (!err)
		err = seqbytes_alloc(&m->bytes);
	if (!err) {
		err = midithread_alloc(&m->thread, w, &ops, m);
		if (err)
			(void)device_why(err, "no MIDI by ALSA: %s", strerror(err));
	}
	if (err)
		mem_deref(m);
	else
		*mp = m;
	return err;
}

bool midi_alsa_gone(const struct midi_alsa *m)
{
	return midithread_gone(m->thread);
}

#else

int midi_alsa_alloc(struct midi_alsa **mp, const char **why, struct midiwire *w, const char *name)
{
	if (why)
		*why = "this program was built without ALSA";
	return ENOTSUP;
}

bool midi_alsa_gone(const struct midi_alsa *m)
{
	return true;
}

#endif
