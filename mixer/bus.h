/*
 * bus.h - media half of a bus: the legs in one room and their mix. Media thread only, but for alloc.
 *
 * All buses count samples at 48 kHz from the same origin, the zero of now_us, in steps of their own quantum, so that a
 * leg that moves from one to another keeps its place in time, and frames of one length begin at the same samples in all. A thread's limbo is a bus whose legs do not hear each other.
 */
#ifndef MIXER_BUS_H
#define MIXER_BUS_H

#include "contrib.h"
#include "say.h"
#include "speaker.h"
#include "thread.h"

struct bus {                      /* control half */
	struct mixer *m;          /* NULL: the engine is gone */
	struct thread *t;
	struct bus_rt *rt;
	bool music;
	struct beat beat;         /* as last told; again when it comes to another thread */
	struct list next_say;     /* struct say_batch: while it is on its way to another thread */
	uint32_t say_serial;
	unsigned n_say;           /* pieces that have not come back */
};

struct card;

struct bus_rt {
	struct bus *ctl;          /* control thread: NULL when it is gone there */
	struct le all;            /* control thread: of all there are */
	struct cmd_wait spare;    /* control thread: for the command that ends it */
	struct cmd_wait spare_move;       /* control thread: for those that move it */
	struct tap *next_tap;     /* control thread: what to tell it at its arrival, if tap_waits */
	bool tap_waits;
	struct thread *to;        /* control thread: where it is going; NULL: it stays */
	_Atomic uint32_t share;   /* of a core that its ticks used lately, in millionths */
	struct le le;
	struct back back;
	struct thread *t;
	struct bus_conf conf;
	bool limbo, ending;
	bool departing;           /* asked to leave its thread */
	bool arrived;             /* and now it is on another, where nothing has run yet */
	uint64_t busy_us;         /* in the thread's second that runs */
	bool running;             /* ticking: it has legs */
	uint64_t pos;             /* sample count of the next tick */
	uint32_t quantum, wanted; /* of this tick; and what would be best */
	uint32_t turn, turned;    /* a card's period, some ticks at one moment; of it, what was before this one */
	uint32_t waited;          /* samples, for a moment to change it */
	int64_t shift_us;         /* of its ticks against the sample count: 0 to a quantum earlier */
	struct { int32_t cur_us, prev_us; unsigned ticks; } early;        /* how early all that are heard were, lately */
	bool changed;             /* its members: look at them anew */
	bool hushed;              /* nobody was loud in the last tick */
	uint8_t channels;
	size_t alone_pos;
	struct say say;           /* to all in it */
	struct beat beat;         /* for who hears it (click.h) */
	struct list legs;
	struct list leaders;      /* of those who hear the same (share.c) */
	struct contrib contrib;   /* who.c: who is in the frames of this tick */
	struct speaker floor;
	bool quiet;               /* the sum of this tick */
	struct tap *tap;          /* who records it; NULL: nobody */
	struct card *card;        /* whose periods are its ticks; NULL: time's are */
	struct leg_rt *heard;     /* who is in it */
	float sum[QUANTUM_MAX * MIX_CH];
};

int  bus_tell_beat(struct bus *b);                /* control thread */
int  bus_rt_alloc(struct bus_rt **bp, struct thread *t, const struct bus_conf *conf);
void bus_run_rt(struct bus_rt *b, uint64_t now_us, bool may_drop);        /* all ticks due */
void bus_tick_rt(struct bus_rt *b, uint32_t n_smp, uint64_t pos, uint64_t now_us);        /* one of a card */
void bus_skip_rt(struct bus_rt *b, uint64_t n_smp, uint64_t now_us);       /* so much of its time was left out */
void bus_end_rt(struct bus_rt *b);
void bus_part_rt(struct bus_rt *b, struct leg_rt *l, uint64_t now_us);     /* it is silent, and goes where it is to go */
uint64_t bus_due_us_rt(const struct bus_rt *b);                            /* of the next tick; UINT64_MAX: none */
void bus_say_rt(struct bus_rt *b, struct say_batch *say);
void bus_join_rt(struct bus_rt *b, struct leg_rt *leg);
bool bus_alone_rt(const struct bus_rt *b);                                 /* just one, and something for it to hear */

#endif
