/*
 * relay.h - the gestures' door: the forward thread, the ensembles (a room's players), and the lines of each player.
 *
 *      relay      one for the server; owns the forward thread
 *      ensemble   the players of one room
 *      player     one participant: of a call, of an AppleMIDI session, of a plain OSC port
 *      line       one stream of a player, in one of five kinds (gestline.h)
 *
 * All of this is the control thread's. What belongs to the forward thread is in ensemble.h and comes back by ring when it is
 * done with. libre's objects: mem_deref lets go.
 */
#ifndef OSC_RELAY_H
#define OSC_RELAY_H

#include "gestline.h"
#include "osc.h"

struct dtlscert;

struct relay;
struct ensemble;
struct player;

/* How packets leave and come, where not by sockets: tests turn the relay by hand (relay_turn). */
struct relay_wire {
	/* A "socket" of this line; the handle is what relay_wire_recv names. 0 or an errno. */
	int  (*open)(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg);
	void (*close)(int handle, void *arg);
	void (*send)(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg);
	void *arg;
};

struct relay_conf {
	uint16_t port_min, port_max;
	size_t   mtu;             /* of an RTP payload; 0: 1200 */
	uint32_t rate;            /* messages a second taken from one player */
	size_t   sysex_max;       /* longest SysEx passed on; 0: none */
	bool     transparent;     /* T1 of section 10.2, where it can be */
	bool     any_space;       /* section 8.4's test is switched off */
	uint32_t leave_keep_ms;   /* state of who left is kept so long, 30000 */
	uint32_t silence_ms;      /* RTP time-out, 60000 */
	bool     realtime;
	/* The relay of an end, and of no conference: all that its party says, under whatever address, is told to the player's househ at
	 * once, up to `rate` (10,000); nothing goes on to others, nothing is kept. What player_tell says goes to the party as it is. */
	bool     end;
	const char *tls_cert;     /* file with certificate and key in PEM, for G5; NULL: no line of that kind (ENOTSUP) */
	const struct relay_wire *wire;    /* NULL: sockets and a thread of its own */
};

int  relay_alloc(struct relay **rp, const struct relay_conf *conf);
/* "sha-256 AB:CD:..": of the certificate that G5 lines show; NULL: there is none. */
const char *relay_fingerprint(const struct relay *r);
/* At the end, when there are no calls any more: the thread is joined, and what ends had still to do is done. */
void relay_close(struct relay *r);
/* Without a thread: handles what is due at this time. Returns when it wants to be called again. */
uint64_t relay_turn(struct relay *r, uint64_t now_us);
void relay_wire_recv(struct relay *r, int handle, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us);

struct relay_stats {
	uint64_t rx_packets, tx_packets, messages_in, messages_out;
	uint64_t malformed, stranger, auth, direction, rate_dropped, coalesced, type_dropped, owner_dropped, too_big,
		 unmapped, repaired, late, unstored, snapshots, loops, house_full;
	uint64_t dtls, dtls_dropped;      /* datagrams of DTLS from peers of lines; those of them that were not handed on */
	uint64_t keyed, keyless;          /* lines that got keys by DTLS; that got none */
	/* connections to lines of TCP and TLS (lineport.h): taken; closed; ended, for they were not read */
	uint64_t stream_taken, stream_stranger, stream_second, stream_refused, stream_slow;
	uint64_t stream_bad;             /* frames without a packet, on these and on connections to ports of plain OSC */
	/* MIDI that a receiver has not got (midi_left.h) */
	uint64_t midi_sysex, midi_unplaced, midi_held, midi_clock, midi_absorbed;
	unsigned players, lines;
};
void relay_stats(const struct relay *r, struct relay_stats *s);

/* The ensemble of that name, small and capital letters being the same as in names of rooms: found, or made. A reference for the caller. */
int  ensemble_get(struct ensemble **ep, struct relay *r, const char *room);
const char *ensemble_room(const struct ensemble *e);

/* What a player says to the house, addresses under /tutti/, which are never forwarded; on the control thread, rate limited. `msg`
 * lives until the handler returns. false: not its
 * business, the relay's house is told. MIDI of a player with a surface comes as midi. */
typedef bool (player_house_h)(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg);

/* Of what a househ of an end is being told, by relay_clock_us. */
struct player_said {
	uint64_t at_us, played_us;                /* when it came; when it was played, as far as that is known: else when it came */
	uint64_t due_us;                          /* its time tag; 0: at once, or its sender's clock is not known (yet) */
	bool     repaired;                        /* a journal told it: played_us is that of the packet with the journal, or before */
};

struct player_conf {
	char     wish[VIEW_NAME_MAX + 1];         /* a=gest-name, or "": derived from: */
	char     identity[256];                   /* SIP URI, or what else tells it again */
	char     cname[64];
	uint32_t member;                          /* 0: none, or not yet */
	bool     surface;                         /* its MIDI is also told to househ */
	player_house_h *househ;
	struct dtlscert *cert;                    /* for keys by DTLS; NULL: a line that asks for them is refused. A reference is held */
	/* A line has its keys by DTLS (failed NULL), or will not have any, unless player_set_line begins anew: a static text. */
	void (*keysh)(enum gestline_kind kind, const char *failed, void *arg);
	void    *keys_arg;
	void    *arg;
};
/* It is in the ensemble from the beginning, and has its name; it hears and is heard when a line is there. */
int  player_alloc(struct player **pp, struct relay *r, struct ensemble *e, const struct player_conf *conf);
const char *player_name(const struct player *p);
struct ensemble *player_ensemble(const struct player *p);
void player_set_member(struct player *p, uint32_t member);
/* For a player that is nowhere: the name it would have in that ensemble (NULL: one it would like), held for it until it enters one or
 * ends. A name that nobody ever entered by is free again. */
int  player_reserve(struct player *p, struct ensemble *e);
/* To another room, where its name may have to change. Its old room hears it leave. NULL: nowhere (waiting, held). */
int  player_move(struct player *p, struct ensemble *e);

/* A socket for a line of that kind, before its description is agreed on. Again: the same. */
int  player_port(struct player *p, enum gestline_kind kind, const struct sa *local, struct sa *bound);
/* A datagram socket that is there already, for a line whose packets somebody else carries (osc/plain); it is the relay's from
 * now on. */
int  player_adopt(struct player *p, enum gestline_kind kind, int fd, const struct sa *local);
/* A packet that came before the line's socket was there, as if it came now. */
int  player_inject(struct player *p, enum gestline_kind kind, const struct sa *from, const uint8_t *buf, size_t len);
/* Nobody is told of keys any more. NULL: nothing. */
void player_forget_keysh(struct player *p);
/* In force from now on; where keys come by DTLS, from when they are there. EINVAL: contradicts itself. */
int  player_set_line(struct player *p, const struct gestline *l);
void player_drop_line(struct player *p, enum gestline_kind kind);
bool player_has_line(const struct player *p, enum gestline_kind kind);
/* What its party takes on the line on which it is told things. false: it has none. */
bool player_takes(const struct player *p, struct gestline_takes *takes);
struct relay *player_relay(const struct player *p);
const struct player_said *player_said(const struct player *p);            /* while househ is called */

/* Claims of the flat view (section 10.5): which are granted, a bit for each of s->claim. */
uint32_t player_claims(struct player *p, const struct gestspace *s);

/* From the house to one player; addresses under /tutti/ are nobody's: no prefix, event or state by kind_of. */
int  player_tell(struct player *p, const uint8_t *osc, size_t len);
/* The room's beat: sent in time to who listens to the house, and as MIDI clock. */
int  ensemble_set_beat(struct ensemble *e, const struct beat *beat);

/* Who hears what players say to the house, unless a househ of their own takes it; and of each ensemble that opens. One for
 * the relay. surface: MIDI of all players is told too; that of MIDI_CLOCK is always: the tempo of the player's clock, in hundredths of a
 * beat a minute, low octet first. NULL: nobody any more. */
struct relay_house {
	void (*said)(struct player *p, const struct osc_msg *msg, const struct midi_cmd *midi, void *arg);
	void (*opened)(struct ensemble *e, void *arg);
	bool surface;
	void *arg;
};
void relay_set_house(struct relay *r, const struct relay_house *h);

/* A value to show: who is there and how it goes. */
struct player_info {
	char     name[VIEW_NAME_MAX + 1];
	uint32_t member;
	uint8_t  kinds;           /* a bit for each kind of line */
	uint64_t messages_in, messages_out, lost, repaired;
	uint32_t rtt_us;
	uint64_t heard_us;        /* when something last came of it, on the forward thread's clock; 0: never */
};
/* That clock, now. */
uint64_t relay_clock_us(const struct relay *r);
/* A time of it as our sender reports would have it, and so time tags (RFC 3550 4). */
uint64_t relay_ntp(const struct relay *r, uint64_t at_us);
unsigned ensemble_list(const struct ensemble *e, struct player_info *list, unsigned max);

#endif
