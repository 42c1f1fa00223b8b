/*
 * engine.h - the mixer's own fields, for the control halves of legs and buses. Control thread only.
 */
#ifndef MIXER_ENGINE_H
#define MIXER_ENGINE_H

#include "balance.h"
#include "port.h"
#include "thread.h"
#include "bus.h"
#include "view.h"

struct mixer {
	struct mixer_conf conf;
	struct thread *threads[THREADS_MAX];
	unsigned n_threads;
	int event_fd;
	bool realtime;
	struct list legs;         /* struct leg_rt, also those that are on their way out */
	struct list buses;        /* struct bus_rt, as well */
	uint32_t n_legs, n_buses; /* that their owners still hold */
	struct balance balance;
	uint64_t moves;           /* of rooms, from thread to thread */
	_Atomic uint64_t turned_us;       /* n_threads 0: the time of the last turn; a card's thread writes it */
	struct view_pool views;
};

struct thread *mixer_idlest(const struct mixer *m);

#endif
