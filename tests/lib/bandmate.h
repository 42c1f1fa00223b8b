/*
 * bandmate.h - a musician's gestures: a program and an instrument at a client's end (client/gestend.h), a relay of its own, and the line
 * to a server's relay or to another's, on a network and a clock turned by hand.
 *
 *     program, instrument ~~ gestend ~~ relay ~~ gestnet ~~ the server's relay ~~ gestnet ~~ relay ~~ gestend ~~ program, instrument
 *
 * Programs are real sockets on loopback, which are read whenever the clock is turned; instruments are midiwires.
 */
#ifndef TESTS_LIB_BANDMATE_H
#define TESTS_LIB_BANDMATE_H

#include <glib.h>
#include "client/gestend.h"
#include "client/midiwire.h"
#include "tests/lib/gestnet.h"

enum { MATE_SEEN = 4096, MATE_PLAYED = 4096 };

/* Where they play. */
struct bandroom {
	struct gestnet *net;
	struct ensemble *band;
	uint32_t rate;                    /* that lines agree on */
	void (*runh)(unsigned ms);        /* lets time pass; NULL: only gestures are there */
};

void bandroom_open(struct bandroom *r, uint32_t rate, uint32_t seed);
void bandroom_close(struct bandroom *r);
void bandroom_run(struct bandroom *r, unsigned ms);

struct mate {
	/* Before it comes. */
	uint32_t delay_us, rate;          /* of all sound to it; what its relay takes, 0: as a client's does */
	struct gestlink link;             /* delay_us 0: as it is by itself */
	bool     align;
	bool     card;                    /* its instrument plays when mate_cycle says so */
	uint32_t (*delayh)(const char *name, void *mate);         /* NULL: delay_us */
	/* As it is. */
	const char *name;
	struct bandroom *at;
	struct relay *relay;
	struct ensemble *ensemble;
	struct player *far, *room;        /* it at the server; the room at it */
	struct gestend *g;
	struct midiwire *wire;
	uint64_t ahead_us;                /* its clock, of the network's */
	int      fd;                      /* the program */
	GHashTable *state, *set;          /* what the program knows, and has set: address to value */
	unsigned n_seen, n_played, n_house;
	struct { uint64_t at_us; int value; char addr[48]; } seen[MATE_SEEN];     /* by the program, at its own time */
	struct { uint64_t at_us; uint8_t data[3]; } played[MATE_PLAYED];          /* by the instrument */
	uint8_t  held[16][128];
	struct { uint64_t on, off, stray; } notes[16];    /* of each channel: began, ended; ends of what did not sound */
};

void mate_comes(struct mate *m, struct bandroom *at, const char *name, uint64_t ahead_us);
void mate_goes(struct mate *m);
void mate_calls(struct mate *m);                          /* it is in a call from the beginning */
void mate_hangs_up(struct mate *m);
void mate_calls_mate(struct mate *a, struct mate *b);     /* without a server; both have hung up */
void mate_link(const struct mate *m, const struct gestlink *link);

void mate_sends(struct mate *m, const uint8_t *osc, size_t len);
void mate_sets(struct mate *m, const char *addr, int value);
void mate_plays(struct mate *m, uint8_t status, uint8_t a, uint8_t b);
void mate_plays_at(struct mate *m, uint64_t at_us, uint8_t status, uint8_t a, uint8_t b);
/* It is looked at all that is to be done; also by gestnet, each step. */
void mate_turn(uint64_t now_us, void *mate);
/* A cycle of its card begins at at_us of its own clock. */
void mate_cycle(struct mate *m, uint64_t at_us, uint32_t n_smp);

unsigned mate_sounding(const struct mate *m);             /* notes of the instrument */
unsigned mate_sounding_osc(const struct mate *m);         /* notes that the program thinks are held */

#endif
