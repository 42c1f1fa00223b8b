/*
 * band_priv.h - what the model of a room and what is heard of it share.
 */
#ifndef CLIENT_BAND_PRIV_H
#define CLIENT_BAND_PRIV_H

#include "band.h"

float band_limit(float v, float min, float max);
/* false: nobody of that name was there. */
bool band_go(struct band *b, const char *name);
void band_add_text(struct band *b, uint64_t unix_ms, const char *from, const char *text, int32_t nr);

#endif
