/*
 * gestend.h - our end of the gestures: what local programs and instruments play goes to the room, what the room plays
 * goes to them.
 *
 *     OSC programs     ~~ UDP, oscport \
 *     ALSA, JACK MIDI  ~~ midiwire      gestend: time, alignment ~~ relay (its one player is the room) ~~ RTP OSC ~~
 * server the screen       ~~ band         /
 *
 * MIDI travels as OSC in the address space /midi/ (docs/gesture-sdp.md, 13), so that one line with one journal carries
 * all, and the server bridges it to who hears MIDI. Control thread. The relay is one of an end (relay_conf.end).
 *
 * Times: what is played is stamped with its moment in the server's time (a bundle with a time tag). What is heard is
 * carried out at once, or with `align` at the moment at which the sound that was played with it is heard: its stamp, by
 * our clock, and the delay from that player to us.
 */
#ifndef CLIENT_GESTEND_H
#define CLIENT_GESTEND_H

#include <re.h>
#include "osc/osc.h"
#include "osc/relay.h"
#include "osc/sharedclock.h"

struct gestend;
struct midiwire;

struct gestend_conf {
	uint16_t osc_port;        /* we listen there, on loopback; 0: any */
	bool     osc;             /* a local port at all */
	const char *osc_to;       /* "127.0.0.1:9001": what is heard goes there; "": to whoever last sent something */
	bool     osc_open;        /* listens on all addresses, not only on loopback */
	bool     align;
	bool     clock_out;       /* the room's beat as MIDI clock; wants midi */
	struct midiwire *midi;    /* NULL: none; outlives the gestend */
	bool     by_hand;         /* tests: no timer and no descriptor of its own, gestend_turn is called */
	/* Every message of the house (/tutti/..., and /p/NAME/text), for the screen; NULL: nobody asks. */
	void (*househ)(const struct osc_msg *msg, void *arg);
	/* Delay of that player's sound to us, in microseconds; 0: not known. Name "": from what the server itself plays
	 * (the click) to our ear; of a call without a server, the other's. NULL: not known of anybody. */
	uint32_t (*delay_us)(const char *name, void *arg);
	void *arg;
};

/* EINVAL: osc_to is no address; EADDRINUSE: osc_port. */
int  gestend_alloc(struct gestend **gp, const struct gestend_conf *conf);
/* The player that is the room; NULL: none now (state is kept, notes of the room end). It holds no reference: tell it
 * before the player ends. */
void gestend_set_player(struct gestend *g, struct player *p);
/* For joincall_conf.gesth, with the gestend as arg: player_house_h. */
bool gestend_heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg);

/* Something of our own to the room: "/tutti/me/mute", "i", 1. tags: i f s h. ENOTCONN. */
int  gestend_sayf(struct gestend *g, const char *addr, const char *tags, ...);

uint16_t gestend_osc_port(const struct gestend *g);       /* 0: none */
const struct sharedclock *gestend_clock(const struct gestend *g);         /* the server's time by ours */

struct gestend_stats {
	uint64_t osc_in, osc_out,
		osc_bad; /* packets of programs; bad: malformed, too long, or an address that is not theirs */
	uint64_t midi_in, midi_out;               /* commands of instruments */
	uint64_t held, dropped; /* messages that waited, and events that were lost: more than the room takes */
	uint64_t late;                            /* with align: what came after its moment, */
	uint32_t late_us;                         /* and how much at most */
};
void gestend_stats(const struct gestend *g, struct gestend_stats *s);

/* by_hand: what has come from programs and instruments, and what is due. */
void gestend_turn(struct gestend *g, uint64_t now_us);

#endif
