/*
 * sound.h - a piece of sound whole in memory, mono at 48 kHz: the music of a lonely member. Refcounted, immutable.
 */
#ifndef CONTROL_SOUND_H
#define CONTROL_SOUND_H

#include <stddef.h>

struct sound;

enum { SOUND_MAX_S = 300 };

/* WAV, FLAC, Ogg and what else libsndfile reads, 8 to 192 kHz, up to 8 channels (else ENOTSUP). E2BIG over
 * SOUND_MAX_S, ENODATA empty, EBADMSG no sound file, or the errno of opening it. Blocks while it reads: for start
 * and reload. */
int sound_load(struct sound **sp, const char *path);
int sound_tune(struct sound **sp);        /* the built-in one */
int sound_take(struct sound **sp, float *smp, size_t n);  /* of smp (mem_alloc), which is its own from then on */
/* For whoever gave it to a bus, instead of mem_deref: the media threads may read it for a moment still. */
void sound_retire(struct sound *s);
void sound_close(void);                   /* after the mixer has gone: what was retired and still waits */
const float *sound_smp(const struct sound *s);
size_t sound_len(const struct sound *s);

#endif
