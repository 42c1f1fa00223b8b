/*
 * midithread.h - the device side of a midiwire for a device that sleeps: a thread that waits for one of three, the
 * device, the wire's control side, and the moment at which something is due.
 */
#ifndef CLIENT_MIDITHREAD_H
#define CLIENT_MIDITHREAD_H

#include <poll.h>
#include <stdbool.h>
#include "midiwire.h"

struct midithread;

enum { MIDITHREAD_POLLS = 8 };

/* All on the thread. */
struct midithread_ops {
	/* What is to be waited for, MIDITHREAD_POLLS at most; asked once. */
	unsigned (*polls)(struct pollfd *fds, void *arg);
	/* Takes all there is, which came now. false: the device has gone. */
	bool (*read_rt)(uint64_t now_us, void *arg);
	/* Now is its moment. false: it cannot be played. */
	bool (*play_rt)(const struct midiwire_event *due, void *arg);
};

/* It keeps the wire. Control thread; mem_deref ends the thread, nothing is called afterwards. errno of the system. */
int  midithread_alloc(struct midithread **tp, struct midiwire *w, const struct midithread_ops *ops, void *arg);
bool midithread_gone(const struct midithread *t);

#endif
