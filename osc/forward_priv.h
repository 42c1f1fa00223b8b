/*
 * forward_priv.h - between forward.c (the thread) and forward_control.c (the control thread's side).
 */
#ifndef OSC_FORWARD_PRIV_H
#define OSC_FORWARD_PRIV_H

#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>
#include "forward.h"

enum { FORWARD_EVENTS = 64, FORWARD_DGRAM_SIZE = 65536 + 64 };

struct forward {
	/* control thread */
	struct list waiting;      /* struct job_wait */
	pthread_t tid;
	bool threaded, running;
	forward_say_h *sayh;
	void *arg;
	uint32_t n_says;
	/* both */
	struct ring *jobs, *gives, *says;
	int wake_fd, event_fd;
	_Atomic bool stop, backlog;
	_Atomic uint64_t clock_us;
	struct relay_count n;
	/* forward thread */
	int epoll;
	struct list tickers;
	struct give *first, **last;
	struct epoll_event ev[FORWARD_EVENTS];
	int n_ev, at_ev;
	bool noted, job_done;
	uint64_t scanned_us, due_us, unix_off_us, random;
	uint8_t *scratch[FORWARD_SCRATCHES], *dgram;
};

void *forward_main_rt(void *arg);         /* the thread */
uint64_t forward_now_us(clockid_t id);
void forward_ring(int fd);

#endif
