/*
 * gig.h - musicians with sound cards, their lines, and a server, in one process on a clock turned by hand.
 *
 *     card > engine > leg ~~ wire ~~ leg > server's engine ~~ wire ~~ leg > engine > card
 *
 * Each player has an engine of its own that its card turns (mixer/card.h), and a card that may run fast or slow. A
 * wire is a network: it holds each packet for a while and loses some, by dice of its own. The engines' real sockets on
 * loopback carry the packets to the wire and from it. Nothing sleeps; the same seed gives the same run.
 */
#ifndef TESTS_LIB_GIG_H
#define TESTS_LIB_GIG_H

#include "mixer/card.h"
#include "mixer/mixer.h"

enum { GIG_MAX = 32, GIG_BUFFER_FIT = -1 };

/* jitter: up to so much more, each packet for itself. */
struct gig_net { uint32_t delay_us, jitter_us; double loss_pct; };

struct gig_player;
/* A card's period: what it takes is to be written, what it plays is there. smp: of the card, since it began. */
typedef void (gig_take_h)(struct gig_player *p, float *in, uint32_t n, uint64_t smp, void *arg);
typedef void (gig_play_h)(struct gig_player *p, const float *out, uint32_t n, uint64_t smp, void *arg);

struct gig_player_conf {
	const char *codec;
	uint8_t  channels;
	uint32_t ptime_us, period_smp;
	double   ppm;             /* its card is fast by so much */
	struct gig_net up, down;
	int      buffer;          /* frames in both ends' buffers, 0 to 3; GIG_BUFFER_FIT: as the line needs it */
	uint8_t  red;             /* older frames in each packet where the other end loses some */
	gig_take_h *take;         /* NULL: silence */
	gig_play_h *play;         /* NULL: nobody listens */
	void    *arg;
};

struct gig_wire;

struct gig_player {
	struct gig_player_conf conf;
	struct mixer *m;
	struct bus *bus;
	struct card *card;
	struct leg *leg, *far;    /* its own, and the server's for it */
	struct gig_wire *wire;
	double next_us;           /* when its card turns */
	uint64_t smp;             /* of its card, since it began */
};

struct gig {
	struct mixer *m;
	struct bus *room;
	double now_us;
	uint64_t tick;            /* the server's next, of 64 samples */
	unsigned n;
	struct gig_player *player[GIG_MAX];
	uint32_t seed;
	bool exact;               /* the server looks when a packet comes: as if by the kernel's stamps */
};

struct gig *gig_new(uint32_t seed);
void gig_free(struct gig *g);                                     /* and who is left in it */
/* Its card begins somewhere in a period. */
struct gig_player *gig_join(struct gig *g, const struct gig_player_conf *conf);
void gig_leave(struct gig *g, struct gig_player *p);
void gig_run(struct gig *g, uint32_t ms);
/* 0 to n - 1. */
uint32_t gig_dice(struct gig *g, uint32_t n);

#endif
