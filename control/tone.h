/*
 * tone.h - short sounds that need no words: somebody came, left, yes, no, your turn. Computed.
 */
#ifndef CONTROL_TONE_H
#define CONTROL_TONE_H

#include "sound.h"

enum tone { TONE_NONE, TONE_JOIN, TONE_LEAVE, TONE_YES, TONE_NO, TONE_ASK, TONE_NEWS, TONE_N };

int tone_make(struct sound **sp, enum tone tone);         /* EINVAL: there is no such; ENOMEM */

#endif
