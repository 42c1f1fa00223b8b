/*
 * surface.h - a MIDI control surface that acts on the house: a map from faders and keys to the addresses of house.h.
 *
 *     cc:1:7=me/gain  cc:N:7=me/mix/N/fader  note:1:40=me/mute  note:1:41=transport/start  pitch:N=me/mix/N/fader
 *
 * "N" in the place of the channel is any channel, and in the address then the other member of that number, from 1, in the order in
 * which they came; in the place of the number it is counted from that of the first row's (cc:1:N and 0..127). Pure.
 */
#ifndef OSC_SURFACE_H
#define OSC_SURFACE_H

#include "house.h"

enum { SURFACE_MAX = 64, SURFACE_ADDR_MAX = 63 };

struct surface {
	unsigned n;
	struct {
		uint8_t status;   /* MIDI_CC, MIDI_NOTE_ON or MIDI_BEND */
		bool    each_channel, each_number;
		uint8_t channel, number;
		char    addr[SURFACE_ADDR_MAX + 1];       /* whole: "/tutti/me/mix/N/fader" */
	} row[SURFACE_MAX];
};

/* EINVAL: *wrong (may be NULL) is the word that is none; E2BIG: more rows than SURFACE_MAX. Empty: a map without rows. */
int  surface_read(struct surface *s, const char *text, const char **wrong);
/* ENOENT: the map says nothing of this command. Else as house_read; o->toggle: o->on is to be what it is not now. */
int  surface_order(struct house_order *o, const struct surface *s, const struct midi_cmd *cmd);

#endif
