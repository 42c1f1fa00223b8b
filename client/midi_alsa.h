/*
 * midi_alsa.h - ALSA's sequencer as the device side of a midiwire: a client with a port "in" and a port "out", a thread
 * of its own.
 */
#ifndef CLIENT_MIDI_ALSA_H
#define CLIENT_MIDI_ALSA_H

#include <stdbool.h>

struct midi_alsa;
struct midiwire;

/* name: of the client, as aconnect -l shows it. It keeps the wire. ENODEV: this system has no sequencer; ENOTSUP: built
 * without ALSA. *why as in device.h: words, valid until the next call. Control thread; mem_deref ends it. */
int  midi_alsa_alloc(struct midi_alsa **mp, const char **why, struct midiwire *w, const char *name);
bool midi_alsa_gone(const struct midi_alsa *m);           /* the sequencer has gone away */

#endif
