/*
 * seqbytes.h - ALSA's sequencer events to whole MIDI messages and back. No device, no thread.
 *
 * An event may be several messages (a 14-bit controller), and a message several events (SysEx in pieces).
 */
#ifndef CLIENT_SEQBYTES_H
#define CLIENT_SEQBYTES_H

#include <stddef.h>
#include <stdint.h>
#include <alsa/asoundlib.h>

struct seqbytes;

/* A whole message, status first; SysEx from F0 to F7. len over MIDIWIRE_MAX: one that was too long, without its octets.
 * */
typedef void (seqbytes_h)(const uint8_t *data, size_t len, void *arg);

int  seqbytes_alloc(struct seqbytes **bp);
void seqbytes_in_rt(struct seqbytes *b, const snd_seq_event_t *ev, seqbytes_h *h, void *arg);
/* A whole message as one event; ev is valid until the next call. EBADMSG: it is none. */
int  seqbytes_out_rt(struct seqbytes *b, snd_seq_event_t *ev, const uint8_t *data, size_t len);

#endif
