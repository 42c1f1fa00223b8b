/*
 * midi_alsa.c - ALSA's sequencer as the device side of a midiwire.
 *
 *     others' ports > "in"  > thread: seqbytes > midiwire_came_rt
 *     midiwire_due_rt > thread: seqbytes > "out" > others' ports
 *
 * The thread sleeps until one of three: the sequencer has something, control has something (midiwire_bell_fd), or
 * something is due (a timer on CLOCK_MONOTONIC, which is the wire's clock). What comes in gets the moment at which the
 * thread read it. Decided against: the sequencer's own queues for what is due: they count from a zero of their own, on
 * a timer that need not be CLOCK_MONOTONIC, and what waits in one cannot be taken back one by one.
 */
#include <errno.h>
#include <stdint.h>
#include <re.h>
#include "midi_alsa.h"

#if HAVE_ALSA
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <alsa/asoundlib.h>
#include "device_priv.h"
#include "midiwire.h"
#include "seqbytes.h"

enum { POLL_SEQ_MAX = 8, FD_STOP = 0, FD_BELL, FD_TIMER, FD_SEQ };

struct midi_alsa {
	struct midiwire *w;
	snd_seq_t *seq;
	struct seqbytes *bytes;
	int in, out;              /* ports */
	int stop_fd, timer_fd;
	pthread_t tid;
	bool running;
	atomic_bool realtime, gone;
	uint64_t now_us;
};

/* --- its thread --- */

static void came_rt(const uint8_t *data, size_t len, void *arg)
{
	struct midi_alsa *m = arg;

	midiwire_came_rt(m->w, m->now_us, data, len);
}

/* false: the sequencer has gone. */
static bool read_rt(struct midi_alsa *m)
{
	snd_seq_event_t *ev;
	int err;

	m->now_us = device_now_us();
	/* ENOSPC: we were too slow, some are lost. */
	while ((err = snd_seq_event_input(m->seq, &ev)) >= 0 || err == -ENOSPC)
		if (err >= 0)
			seqbytes_in_rt(m->bytes, ev, came_rt, m);
	return err == -EAGAIN || err == -EINTR;
}

static void send_rt(struct midi_alsa *m, const struct midiwire_event *due)
{
	snd_seq_event_t ev;

	if (seqbytes_out_rt(m->bytes, &ev, due->data, due->len)) {
		midiwire_refused_rt(m->w);
		return;
	}
	snd_seq_ev_set_source(&ev, (unsigned char)m->out);
	snd_seq_ev_set_subs(&ev);
	snd_seq_ev_set_direct(&ev);
	if (snd_seq_event_output_direct(m->seq, &ev) < 0)
		midiwire_refused_rt(m->w);
}

static void play_rt(struct midi_alsa *m)
{
	const struct midiwire_event *due;
	struct itimerspec when = {.it_value = {0}};
	uint64_t next_us;

	while ((due = midiwire_due_rt(m->w, device_now_us() + 1)))
		send_rt(m, due);
	next_us = midiwire_next_us_rt(m->w);
	if (next_us != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(next_us / 1000000);
		when.it_value.tv_nsec = (long)(next_us % 1000000 * 1000) + 1;     /* 0 would stop it */
	}
	timerfd_settime(m->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void silence_bell_rt(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;           /* EAGAIN */
}

static void *midi_main(void *arg)
{
	struct midi_alsa *m = arg;
	struct pollfd fds[FD_SEQ + POLL_SEQ_MAX] = {
		[FD_STOP]  = {.fd = m->stop_fd, .events = POLLIN},
		[FD_BELL]  = {.fd = midiwire_bell_fd(m->w), .events = POLLIN},
		[FD_TIMER] = {.fd = m->timer_fd, .events = POLLIN},
	};
	const nfds_t n = FD_SEQ + (nfds_t)snd_seq_poll_descriptors(m->seq, fds + FD_SEQ, POLL_SEQ_MAX, POLLIN);

	while (!(fds[FD_STOP].revents & POLLIN)) {
		if (poll(fds, n, -1) < 0)
			continue;         /* EINTR */
		for (unsigned i = FD_BELL; i <= FD_TIMER; i++)
			if (fds[i].revents)
				silence_bell_rt(fds[i].fd);
		if (!read_rt(m)) {
			m->gone = true;
			break;
		}
		play_rt(m);
	}
	return NULL;
}

/* --- control thread --- */

static void destructor(void *arg)
{
	const uint64_t one = 1;
	struct midi_alsa *m = arg;

	if (m->running && write(m->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(m->tid, NULL);
	if (m->seq)
		snd_seq_close(m->seq);
	if (m->stop_fd >= 0)
		close(m->stop_fd);
	if (m->timer_fd >= 0)
		close(m->timer_fd);
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

static int start(struct midi_alsa *m)
{
	int err = 0;

	m->stop_fd  = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (m->stop_fd < 0 || m->timer_fd < 0)
		err = errno;
	if (!err)
		err = device_thread(&m->tid, &m->realtime, midi_main, m);
	m->running = !err;
	return err ? device_why(err, "no MIDI by ALSA: %s", strerror(err)) : 0;
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
	m->stop_fd = m->timer_fd = -1;
	m->w = mem_ref(w);
	*why = device_words();
	err = open_seq(m, name);
	if (!err)
		err = seqbytes_alloc(&m->bytes);
	if (!err)
		err = start(m);
	if (err)
		mem_deref(m);
	else
		*mp = m;
	return err;
}

bool midi_alsa_gone(const struct midi_alsa *m)
{
	return m->gone;
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
