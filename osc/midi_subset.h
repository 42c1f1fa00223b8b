/*
 * midi_subset.h - the lists of cm_ and ch_ parameters (RFC 6295 C.1, C.2.3, appendix D): are they well formed?
 */
#ifndef OSC_MIDI_SUBSET_H
#define OSC_MIDI_SUBSET_H

#include <stdbool.h>
#include <stddef.h>

bool midi_subset_is_valid(const char *text, size_t len);

#endif
