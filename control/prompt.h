/*
 * prompt.h - what is said to callers: sets of short sounds, one folder a language; numbers; tones where a sound is
 * missing.
 *
 *     DIR/en/muted.flac   DIR/en/17.wav   DIR/de/...
 *
 * Loaded when first used, kept while they are used, bounded. Control thread only.
 */
#ifndef CONTROL_PROMPT_H
#define CONTROL_PROMPT_H

#include <stdint.h>
#include "mixer/mixer.h"

struct prompts;
struct sound;

struct prompt_conf {
	const char *dir;                  /* of all languages */
	const char *language;             /* for who asks for none: a folder in there */
};

enum { PROMPT_WORDS_MAX = LEG_SAY_MAX };

int  prompts_alloc(struct prompts **pp, const struct prompt_conf *conf);
int  prompts_reconf(struct prompts *p, const struct prompt_conf *conf);    /* what is loaded is read again */

/* Names of the table (prompt.c), numbers in digits. ENOENT at the end. */
int  prompt_name(const char **name, size_t i);
/* A number as words of the set: "1234" > "1000" "200" "34". Returns how many; what is over 9999 is said as 9999. */
#define PROMPT_NUMBER_WORDS 3
unsigned prompt_number(char words[PROMPT_NUMBER_WORDS][8], uint32_t n);

/* Says the words one after the other; language NULL or "": the server's own. What has no sound is its tone, or nothing. ENOENT:
 * nothing at all was there to be said. Else errors of leg_say and bus_say. */
struct prompt_say { const char *language; const char *const *word; unsigned n; enum leg_say_how how; struct sound *then; };
int  prompt_to_leg(struct prompts *p, struct leg *l, const struct prompt_say *say);      /* then: loops after it; NULL: nothing */
int  prompt_to_bus(struct prompts *p, struct bus *b, const struct prompt_say *say);

/* A prompt, or a file in DIR: letters, digits and ._- , up to 63 of them, no path. Reads the whole file. EINVAL a name that is
 * none; ENOENT; ENOSPC too much is being played already; or what is wrong with the file. */
int  prompt_sound(struct sound **sp, struct prompts *p, const char *language, const char *name);

#endif
