/*
 * thread.h - a media thread: takes commands, reads sockets, runs its buses, gives back what is done with.
 *
 * Two rings join it to the control thread. Commands go down (struct cmd); what does not fit waits in a list on the
 * control side. Up come notes: happenings, which are counted and dropped when the ring is full, and things to free,
 * which never are: each has a struct back inside, and waits in a list on the media side.
 */
#ifndef MIXER_THREAD_H
#define MIXER_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include "click.h"
#include "mixer.h"
#include "ring.h"
#include "rtp.h"

struct leg_rt;
struct bus_rt;
struct leg_plan;
struct view_row;
struct tap;
struct say_batch;

enum { CLOCK_RATE = 48000, QUANTUM_MAX = 960, MIX_CH = 2, PCM_MAX = CODEC_SMP_MAX + QUANTUM_MAX, DGRAM_MAX = 4096 };

enum { THREADS_MAX = 64 };        /* of an engine */

/* Counters have one writer, the media thread; anyone may read them. */
typedef _Atomic uint64_t count_t;
static inline void count_add(count_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}
static inline void count_up(count_t *c) { count_add(c, 1); }
static inline void count_set(count_t *c, uint64_t v) { atomic_store_explicit(c, v, memory_order_relaxed); }
static inline uint64_t count_get(const count_t *c) { return atomic_load_explicit((count_t *)c, memory_order_relaxed); }

enum cmd_type {
	CMD_BUS_ADD, CMD_BUS_END,
	CMD_BUS_LEAVE,            /* at the end of a tick, with its legs: it goes to another thread */
	CMD_BUS_ARRIVE,
	CMD_BUS_TAP,              /* tap NULL: none */
	CMD_LEG_ADD,              /* bus NULL: nowhere, in the thread's own limbo */
	CMD_LEG_MOVE,             /* to another bus of the same thread */
	CMD_LEG_DETACH,           /* fade out, then give it back: it goes to another thread */
	CMD_LEG_END,              /* fade out, say BYE, give it back to be freed */
	CMD_LEG_PLAN,
	CMD_LEG_DTMF,
	CMD_LEG_VIEW,
	CMD_LEG_SAY,
	CMD_BUS_SAY,
	CMD_BUS_BEAT,
};

struct cmd {
	enum cmd_type type;
	struct leg_rt *leg;
	struct bus_rt *bus;
	struct leg_plan *plan;
	struct view_row *row;
	struct tap *tap;
	struct say_batch *say;
	struct beat beat;
	char keys[33];
};

struct cmd_wait {                 /* a command that found the ring full */
	struct le le;
	struct cmd cmd;
};

enum note_type {
	NOTE_EVENT, NOTE_LEG_DETACHED, NOTE_LEG_ENDED, NOTE_BUS_ENDED, NOTE_BUS_LEFT, NOTE_PLAN_DONE, NOTE_VIEW_DONE,
	NOTE_TAP_DONE, NOTE_SAY_DONE
};

struct note {
	enum note_type type;
	struct leg_rt *leg;       /* NOTE_EVENT */
	void *obj;                /* what comes back; of an event the bus it happened in, to be compared only */
	struct leg_event ev;
};

struct back {                     /* inside each thing that comes back */
	struct back *next;
	enum note_type type;
	void *obj;
};

struct thread_count { count_t ticks, late, dropped, rx, tx, bad, stranger, ring_full, encodes, decodes, busy_us, lent, dtls, dtls_dropped; };

/* Room to work in, one per thread: contents live no longer than a call. */
struct scratch {
	uint8_t dgram[DGRAM_MAX];
	uint8_t payload[DGRAM_MAX];
	uint8_t red[RTP_MTU];
	float pcm[PCM_MAX * MIX_CH];
	float wide[PCM_MAX * MIX_CH];
	float out[QUANTUM_MAX * MIX_CH];
	float tmp[QUANTUM_MAX * MIX_CH];
};

/* The sending of one frame to many, that other threads may take a part of (lend.c). */
enum { LEND_MAX = 4096, LEND_LEAST = 128, LEND_FROM_SHARE = 500000 };

struct lend {
	_Atomic uint64_t ticket;          /* round, how many, how many of them are taken */
	_Atomic uint32_t done;
	_Atomic uint32_t from_share, least;       /* from which load on, and for how many */
	/* of the round; written before its ticket is */
	uint32_t round;
	int len;
	size_t red;
	uint32_t n48;
	struct leg_rt *leg[LEND_MAX];
};

struct thread {
	/* control thread */
	struct ring *cmds, *notes;
	struct list waiting;      /* struct cmd_wait */
	unsigned load;            /* legs and buses */
	pthread_t tid;
	bool realtime;
	/* both */
	bool running;             /* on its own; set before it begins */
	struct thread *const *crew;       /* all there are, it too; set before any begins */
	unsigned n_crew;
	struct lend lend;
	int wake_fd;              /* control rings it after a command */
	int event_fd;             /* the mixer's: rung after notes */
	_Atomic bool stop;
	_Atomic bool backlog;     /* control has commands waiting for room */
	struct thread_count n;
	_Atomic uint32_t share;   /* of a core that it used lately, in millionths */
	/* media thread */
	struct {
		int epoll;
		struct list buses;
		struct bus_rt *limbo;
		struct back *first, **last;
		bool noted;
		uint64_t turn;            /* counts them */
		uint64_t dropped_before;
		uint64_t busy_us, since_us;       /* in the second that runs */
		uint64_t unix_off_us;     /* add to now_us for wall clock time, for NTP stamps */
		bool stamped;             /* ... and that is true: when the kernel got a packet can be told on our clock */
		struct click_sound click; /* made once, only read */
		struct scratch scratch;
	} rt;
};

int  thread_alloc(struct thread **tp, int event_fd);
int  thread_start(struct thread *t, bool realtime);
void thread_stop(struct thread *t);               /* waits until it has ended; notes may still be in its ring */
int  thread_post(struct thread *t, const struct cmd *cmd, struct cmd_wait *spare);  /* spare: used when the ring is full */
void thread_flush(struct thread *t);              /* control: retry what waits */

void thread_turn_rt(struct thread *t, uint64_t now_us, bool may_drop);
void thread_listen_rt(struct thread *t, uint64_t now_us);          /* only sockets: in tests, for what comes between two turns */
uint64_t thread_due_us_rt(const struct thread *t);        /* of its next tick */
void thread_event_rt(struct thread *t, struct leg_rt *leg, const struct leg_event *ev);
void thread_back_rt(struct thread *t, struct back *b, enum note_type type, void *obj);
void thread_worked_rt(struct thread *t, uint64_t begin_us, uint64_t end_us);       /* a turn took so long */
uint64_t thread_clock_us(void);
uint64_t thread_unix_off_us(void);                        /* now */

#endif
