/*
 * relay_players.h - the players of bench-relay: sockets, messages with the time they were sent, and what was heard when.
 */
#ifndef TESTS_BENCH_RELAY_PLAYERS_H
#define TESTS_BENCH_RELAY_PLAYERS_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PT = 98, RATE = 48000, PLAYERS_MAX = 200, BUF = 2048, WARM_MS = 1000, RR = 201 };

struct end {
	int fd;
	struct sockaddr_in to;
	uint16_t seq;
	uint32_t ssrc;
	uint32_t heard_ssrc, heard_seq;   /* the stream it hears, and its highest number, extended */
	bool hears;
};

struct players {
	bool rtp;
	unsigned n, per_second, seconds;
	struct end end[PLAYERS_MAX];
	int epoll, timer;
	double *us;               /* transits */
	size_t n_us, max_us;
	uint64_t from_ns;         /* what was sent earlier does not count */
	uint64_t sent, late;
};

extern struct players it;

/* Or it exits, and says what. */
static inline void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

void players_open(void);
/* Plays and hears: messages at an even pace for WARM_MS and it.seconds, and 200 ms to hear the last. done, if there is one, is set then. */
void *players_run(void *done);

#endif
