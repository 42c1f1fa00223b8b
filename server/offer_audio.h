/*
 * offer_audio.h - the kind of m-line that carries sound: m=audio over RTP with codecs of ours.
 */
#ifndef SERVER_OFFER_AUDIO_H
#define SERVER_OFFER_AUDIO_H

#include "offer_line.h"

extern const struct offer_kind audio_kind;

/* Of a part of this kind. */
const struct leg_desc *audio_desc(const void *part);
const struct dtlskey_peer *audio_dtls(const void *part);
bool audio_peer_holds(const void *part);          /* the peer does not want to hear us */

#endif
