/*
 * forward.h - the forward thread: waits for packets and for what is due, and wakes the control thread with what is done with.
 * Private to osc/.
 *
 *      control  -- jobs (ring) -->  forward
 *      control  <-- gives, says --  forward
 *
 * A job is a function and two pointers: it runs once on the forward thread, in the order of posting. Memory that the thread has
 * done with is given back by a struct give inside it, which is never lost. What players say to the house is said upwards, and
 * counted and dropped when the control thread does not come to hear it.
 *
 * Without a thread (relay_wire) everything happens in forward_turn_rt, on the caller's clock.
 */
#ifndef OSC_FORWARD_H
#define OSC_FORWARD_H

#include <re.h>
#include "osc.h"
#include "tally.h"

struct forward;

enum { FORWARD_SCRATCHES = 4, FORWARD_SCRATCH_SIZE = OSC_MAX_STREAM + 1024, FORWARD_SAY_MAX = 1280, FORWARD_SAYS = 256 };

/* ---- control thread ---- */

struct job {
	void (*run_rt)(struct forward *f, void *obj, void *arg, uint64_t now_us);
	void *obj, *arg;
};
struct job_wait {                 /* a job that found the ring full */
	struct le le;
	struct job job;
};

/* When it came and when it was played, the moment for which it was said (0: at once), and whether a journal told it; by the forward
 * thread's clock. */
struct forward_when { uint64_t at_us, played_us, due_us; bool repaired; };

/* What a player said to the house. */
struct forward_said {
	struct forward_when when; /* of an end; else zero */
	uint32_t player;          /* player_rt's id */
	uint16_t len;             /* 0: it is MIDI */
	uint8_t  bytes[FORWARD_SAY_MAX];  /* an OSC message, or status and data octets */
};
typedef void (forward_say_h)(const struct forward_said *said, void *arg);

/* threaded false: no thread, forward_turn_rt is called by hand. says: how much of what is said may wait, FORWARD_SAYS is usual. */
int  forward_alloc(struct forward **fp, bool threaded, bool realtime, uint32_t says, forward_say_h *sayh, void *arg);
/* spare: used when the ring is full, so that the ends of things cannot fail; NULL: one is made (ENOMEM). */
int  forward_post(struct forward *f, const struct job *job, struct job_wait *spare);
/* The thread is joined, jobs that are left are done here, and given back. What is posted later is done when it is freed. */
void forward_close(struct forward *f);
void forward_dispatch(struct forward *f);         /* what came back and what was said */
struct relay_count *forward_count(struct forward *f);
uint64_t forward_clock_us(const struct forward *f);        /* its clock, as it last looked */
uint64_t forward_unix_us(const struct forward *f, uint64_t at_us);        /* the wallclock's time at that time of it */

/* ---- forward thread ---- */

/* One round: jobs, sockets, what is due. Gives when it wants to be called again. */
uint64_t forward_turn_rt(struct forward *f, uint64_t now_us);

/* A descriptor that is looked after. ready_rt takes a bounded amount: what is left shows again. */
struct watch {
	int  fd;
	bool on;
	uint32_t events;          /* EPOLLIN, EPOLLOUT */
	void (*ready_rt)(struct watch *w, uint32_t events, uint64_t now_us);
	void *arg;
};
int  watch_add_rt(struct forward *f, struct watch *w, uint32_t events);   /* again: other events. An errno. */
void watch_del_rt(struct forward *f, struct watch *w);

/* Something that wants to be called at a time. due_rt is asked after each round, a millisecond apart at least while packets come. */
struct ticker {
	struct le le;
	uint64_t (*due_rt)(struct ticker *t);             /* UINT64_MAX: nothing is due */
	void (*tick_rt)(struct ticker *t, uint64_t now_us);
	void *arg;
};
void ticker_add_rt(struct forward *f, struct ticker *t);
void ticker_del_rt(struct forward *f, struct ticker *t);

struct give {
	struct give *next;
	void (*done)(void *obj);          /* control thread; mem_deref will often do */
	void *obj;
};
void give_back_rt(struct forward *f, struct give *g, void (*done)(void *obj), void *obj);

/* false: nobody listens fast enough; counted. when: NULL where nobody asks. */
bool forward_say_rt(struct forward *f, uint32_t player, const uint8_t *bytes, size_t len, bool midi, const struct forward_when *when);
unsigned forward_says_left_rt(const struct forward *f);           /* so much may still be said now */

uint8_t *forward_buf_rt(struct forward *f, unsigned which);       /* FORWARD_SCRATCH_SIZE octets */
uint8_t *forward_dgram_rt(struct forward *f, size_t *size);       /* for what comes in */
uint64_t forward_unix_us_rt(const struct forward *f, uint64_t now_us);
uint32_t forward_random_rt(struct forward *f);

#endif
