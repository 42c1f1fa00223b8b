/*
 * cards.h - players with sound cards, a server between them and the lines to it, on one simulated clock.
 *
 *     end a (card, engine)  ---- line ----  server (a music room)  ---- line ----  end b      or, without a server,  a ---- b
 *
 * Everything is real but time: engines, codecs, sockets on loopback. A line holds each datagram for as long as it is told,
 * loses some, and the card of each end is called by its own clock. Things happen in the order of their moments, to the
 * microsecond; the server works when a packet comes and when a tick is due. A run with the same seed goes the same way.
 *
 * What an end took and played lies at known moments: sample i of its input at in_us, of its output at out_us.
 */
#ifndef TESTS_LIB_CARDS_H
#define TESTS_LIB_CARDS_H

#include "mixer/card.h"
#include "tests/lib/peer.h"

enum { CARDS_MAX = 8, CARDS_LOOP = 9600, CARDS_BURST = 480, CARDS_KEPT = 48000 * 8, LINE_PACKETS = 512 };

struct line_conf {
	double delay_us, jitter_us;       /* one way: from, and up to so much more */
	double loss_pct;
};

struct end;

struct line {                             /* between two sockets that stand for the other side: [0] the end's, [1] the server's */
	struct line_conf conf;
	int fd[2];
	struct sa addr[2], to[2];         /* our sockets; and whom each of them speaks for sends to */
	struct { double due_us; unsigned to; size_t len; uint8_t buf[2048]; } late[LINE_PACKETS];
	unsigned n_late, n_sent, n_lost;
	struct end *end[2];               /* whose engine is there; [1] NULL: the server's */
	uint32_t seed;
};

struct end_conf {
	struct peer_conf codec;           /* tone and peak say nothing */
	uint32_t period;
	double ppm, phase_us;             /* of its card */
	bool fit;                         /* the buffers of its line find their size, on both sides */
	bool sdes;
	uint32_t jitter_ms;               /* of both */
	struct line_conf line;
};

struct end {
	struct end_conf conf;
	struct mixer *m;
	struct bus *b;
	struct card *c;
	struct leg *leg, *far;            /* its own; the server's, or the other end's */
	struct line *line;
	double next_us;                   /* of its card's next period; of the first one: */
	double first_us;
	uint64_t n;                       /* samples of it so far */
	bool sounds;                      /* a burst of noise at the beginning of each CARDS_LOOP */
	const float *play;                /* or this, mono, over and over */
	size_t n_play;
	float heard[CARDS_KEPT];          /* left, by the number of the sample */
	double busy_us;
	void (*turnedh)(struct end *e, double at_us, uint64_t smp, void *arg);    /* a period: its moment, and its first sample */
	void *arg;
};

struct cards {
	struct mixer *m;                  /* the server; NULL: none */
	struct bus *b;
	double now_us, turned_us;
	struct end *end[CARDS_MAX];
	unsigned n;
	struct line *line[CARDS_MAX];
	unsigned n_lines;
	uint32_t seed;
	float burst[CARDS_BURST];
};

struct cards *cards_new(bool server, uint32_t seed);
void cards_free(struct cards *s);
struct end *cards_end(struct cards *s, const struct end_conf *conf);      /* joins the room */
void cards_call(struct cards *s, struct end *a, struct end *b);           /* without a server; the line is a's */
void cards_run(struct cards *s, double ms);
void end_xrun(struct end *e, uint32_t n_periods);         /* its card is not served for so long; what it took is lost */

/* From what `from` takes to what `to` plays: the mean of the bursts of the last n_ms, which must all be heard, in ms; spread:
 * between the least and the most. */
double cards_delay_ms(const struct cards *s, const struct end *from, const struct end *to, uint32_t n_ms, double *spread);
struct leg_stats end_stats(const struct leg *l);
double end_rate(const struct end *e);                     /* samples in a microsecond */

#endif
