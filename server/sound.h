/*
 * sound.h - the kind of m-line that carries sound: m=audio over RTP with codecs of ours.
 */
#ifndef SERVER_SOUND_H
#define SERVER_SOUND_H

#include "offer_line.h"

extern const struct offer_kind sound_kind;

/* Of a part of this kind. */
const struct leg_desc *sound_desc(const void *part);
bool sound_peer_holds(const void *part);          /* the peer does not want to hear us */

#endif
