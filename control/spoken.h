/*
 * spoken.h - what happens in a room, told to phones: tones for all, words for the one it concerns.
 *
 * It listens to the events of all rooms. Control thread only; mem_deref ends it. Without one, and without
 * prompts, nothing is said and everything else works.
 */
#ifndef CONTROL_SPOKEN_H
#define CONTROL_SPOKEN_H

#include "control.h"
#include "prompt.h"

struct spoken;
struct member;
struct room;

struct spoken_conf {
	struct prompts *prompts;          /* a reference is taken */
	bool words, tones;                /* words to one alone, tones and words to all: said at all? */
};

int  spoken_alloc(struct spoken **sp, struct control *c, const struct spoken_conf *conf);
void spoken_reconf(struct spoken *s, const struct spoken_conf *conf);

/* To a leg that is no member yet; room NULL: in the server's language. ENOTSUP: there are no words. */
int  spoken_leg(struct control *c, struct leg *l, const char *room, const struct prompt_say *say);

/* --- for control itself --- */

void spoken_member(struct member *m, const char *word);   /* at once, instead of what is being said */
void spoken_words(struct member *m, const char *const *words, unsigned n);
/* What this member is told until it is 0 again answers its key: it comes at once. */
void spoken_by_key(struct control *c, uint32_t member);
bool spoken_recording(const struct room *r);              /* running or paused */
/* A prompt or a file to all in the room; loop: over and over. ENOENT and what prompt_sound says; ENOTSUP. */
int  spoken_play(struct room *r, const char *name, bool loop);
int  spoken_stop(struct room *r);                         /* what is being said to all */
int  spoken_count(struct room *r, struct member *m);      /* how many are in, to m or (NULL) to all */
void spoken_orphan(struct spoken *s);                     /* control goes first */

#endif
