/*
 * say.h - sounds from the control thread laid into what one member hears, or into a room's mix.
 *
 *     say.c        the sound itself: a queue of pieces, over or instead of the mix. Media thread
 *     leg_say.c    the door's calls, and the way of the pieces to the media thread and back
 *
 * Pieces cross in batches, made on the control thread and the media thread's until they come back by ring to be freed.
 * A batch holds a reference to the owner of each piece's samples, which only control takes and gives back.
 */
#ifndef MIXER_SAY_H
#define MIXER_SAY_H

#include "ramp.h"
#include "thread.h"

enum { SAY_FADE = 240 };          /* 5 ms: a piece that is cut short fades out */

struct say_batch {
	struct le le;             /* control: waits until the leg or the bus has arrived */
	struct back back;
	struct leg_rt *leg_rt;    /* whose it is, for who takes it back; one of the two */
	struct bus_rt *bus_rt;
	uint32_t serial;          /* counts batches of that one */
	void *held[LEG_SAY_MAX];  /* control: references to the owners of the samples */
	unsigned n_held;
	/* media thread */
	bool cut;                 /* first: nothing before it is to be said any more; then: it was cut short itself */
	bool finished;            /* all of it was said */
	unsigned n;
	struct say_batch *next;
	struct leg_say piece[];
};

/* Media half, all zero to begin with. */
struct say {
	struct say_batch *first;
	unsigned at;              /* piece of it */
	size_t pos;               /* in that piece; */
	size_t begun;             /* ... how much of it has sounded, no more than RAMP_SMP */
	uint32_t fade;            /* samples left until a piece that was cut short is silent; 0: it was not */
	struct ramp under;        /* less 1: the gain of the mix beneath */
	struct ramp open;         /* 0 while its leg moves */
};

/* Will it be heard, or is the mix still turned down for it? */
static inline bool say_on_rt(const struct say *s) { return s->first || s->under.now != 0 || s->under.to != 0; }

void say_put_rt(struct say *s, struct thread *t, struct say_batch *b);
/* One tick into `mix`, in place. `open`: to be heard at the end of it; while it is not, the pieces wait. */
void say_mix_rt(struct say *s, struct thread *t, float *mix, uint32_t n_smp, uint8_t ch, bool open);
/* ... when nothing is sent: time goes on. */
void say_skip_rt(struct say *s, struct thread *t, uint32_t n_smp);
void say_clear_rt(struct say *s, struct thread *t);       /* nothing more is said */

/* Control thread. */
void say_free(struct say *s);                             /* what is left in a media half that has come back for good */
void say_done(struct say_batch *b);                       /* came back */
void leg_say_flush(struct leg *l);                        /* it is on a thread again */
void bus_say_flush(struct bus *b);

#endif
