/*
 * seat_priv.h - what the files of a seat share.
 */
#ifndef CLIENT_SEAT_PRIV_H
#define CLIENT_SEAT_PRIV_H

#include <re.h>
#include "device.h"
#include "gestend.h"
#include "joincall.h"
#include "latency.h"
#include "midiwire.h"
#include "seat.h"
#include "mixer/card.h"
#include "mixer/mixer.h"
#include "osc/relay.h"

struct midi_alsa;

struct seat {
	struct seat_conf conf;
	const struct joinconf *set;
	struct band band;
	/* sound */
	struct mixer *mixer;
	struct bus *bus;
	struct card *card;
	struct midiwire *midi;
	struct midi_alsa *sequencer;      /* the device side of midi, if JACK is not */
	struct device *device;
	bool standing_in;                 /* the device has gone; a clock turns the engine until it is back */
	/* gestures */
	struct relay *relay;
	struct ensemble *ensemble;
	struct gestend *gestend;
	struct player *player;            /* a reference, as long as gestend knows it */
	/* call */
	struct joincall *call;
	uint32_t number;                  /* by which a room knows us again */
	bool direct;                      /* with another end, not with a room */
	bool greeted;                     /* the room has been asked, and told how we are */
	bool wants_click, wants_red;
	char section[BAND_NAME + 1];      /* that we want to be in; "": none */
	bool section_said, section_seen;  /* in this call: to the room, and by it */
	int  wants_buffer;                /* frames; LEG_BUFFER_AUTO */
	bool leaving, over;
	struct latency told;              /* as the other side knows it */
	unsigned told_ago;                /* seconds */
	int32_t text_nr;
	struct tmr tick, second, end, device_tmr;
	struct leg_stats last;
	bool has_last;
};

/* seat_sound.c */
int  seat_sound_open(struct seat *s, char *wrong, size_t size);
void seat_sound_begin(struct seat *s);    /* somebody hears us: a file that is played begins */
void seat_sound_close(struct seat *s);
void seat_sound_gains(struct seat *s);    /* those of the band's own, to the card */
void seat_sound_levels(struct seat *s);
void seat_sound_figures(struct seat *s);

/* seat_gest.c */
int  seat_gest_open(struct seat *s, char *wrong, size_t size);
void seat_gest_close(struct seat *s);
void seat_gest_player(struct seat *s, struct player *p);
bool seat_gest_heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg);      /* player_house_h */
void seat_gest_tick(struct seat *s);
void seat_gest_second(struct seat *s);
/* How we hear a member, to the server; all: also where that is as all hear it. */
int  seat_gest_mix(struct seat *s, const struct band_member *m, bool all);

/* seat_section.c */
void seat_section_begin(struct seat *s);
void seat_section_tick(struct seat *s);
int  seat_section_set(struct seat *s, const char *name);

void seat_line_choices(struct seat *s);   /* buffer and redundancy, to our end of the line */
void seat_tell(struct seat *s);           /* something has changed */

const char *seat_room(const struct seat *s);      /* "band@host" */
uint64_t seat_unix_ms(void);
uint64_t seat_now_us(void);                /* CLOCK_MONOTONIC */

#endif
