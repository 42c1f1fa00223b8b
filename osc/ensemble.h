/*
 * ensemble.h - what belongs to the forward thread: the players of a room, and how a gesture comes from one to the others.
 * Private to osc/.
 *
 *      socket > line (in) > player's state > each other player: the best of its lines > line (out) > socket
 *
 * One packet in, one packet out per receiver, at once. All memory was taken on the control thread; nothing here allocates.
 * The kinds of line are tables of functions (struct line_ops); the ensemble knows none of them.
 */
#ifndef OSC_ENSEMBLE_H
#define OSC_ENSEMBLE_H

#include "beatclock.h"
#include "beatout.h"
#include "forward.h"
#include "gest.h"
#include "gestline.h"
#include "midi_state.h"
#include "osckeys.h"
#include "oscrate.h"
#include "relay.h"
#include "views.h"

struct ensemble_rt;
struct player_rt;
struct line_rt;
struct line_port;

/* One gesture on its way. Either a valid OSC packet (message or bundle; a single message when it is repaired), or a MIDI
 * command. Lives until the call returns. */
struct gesture {
	struct player_rt *from;
	const uint8_t *osc;               /* NULL: it is MIDI */
	size_t   len;
	const struct midi_cmd *midi;
	uint64_t at_us;                   /* captured, on the server's clock */
	uint32_t ts, clock;               /* RTP time of it at its source; clock 0: it came without */
	bool     timed;                   /* time tags of it mean something, and plus `shift` they are of the server's wallclock */
	uint64_t shift;                   /* in 2^-32 s */
	uint64_t timetag;                 /* of a message that is handed on without its bundle; 0 or OSC_NOW: it has none */
	bool     repaired;                /* told by a journal, */
	bool     exact;                   /* which told when it was, too: at_us */
	bool     event;                   /* even where its address would be state: it was sent to one only */
};

/* A kind of line, both directions. */
struct line_ops {
	/* Memory for it: on the control thread, whole; *lp's first member is struct line_rt, made by line_alloc. Changes of a running
	 * line come as a new one that inherits (`old` may be NULL) on the forward thread. */
	int  (*alloc)(struct line_rt **lp, const struct relay_conf *conf, const struct gestline *desc);
	/* Takes over; after it the line hears and is heard. What is left in `old` is freed. */
	void (*inherit_rt)(struct line_rt *l, struct line_rt *old, uint64_t now_us);
	/* A datagram. sock: 0 RTP or data, 1 RTCP. buf has LINE_ROOM octets more behind it. */
	void (*recv_rt)(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us);
	/* A gesture of another player for this line's player, not yet in its view. Bridged: lines of OSC get OSC, G1 gets MIDI. */
	void (*send_rt)(struct line_rt *l, const struct gesture *g, uint64_t now_us);
	/* A message of the house, as it is. NULL: the line takes no OSC. */
	void (*tell_rt)(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us);
	/* A player has come (its state is to be told), is gone (what it holds is to be released). Only what joined is sent and leaves.
	 * A line that may not send any more (hold) hears all leave, and sends nothing. */
	void (*join_rt)(struct line_rt *l, struct player_rt *from, uint64_t now_us);
	void (*leave_rt)(struct line_rt *l, struct player_rt *from, uint64_t now_us);
	/* The party asks for the state of all it hears. */
	void (*refresh_rt)(struct line_rt *l, uint64_t now_us);
	/* Reports, guards, snapshots, what waited for a token. UINT64_MAX: nothing is due. */
	uint64_t (*due_rt)(struct line_rt *l);
	void (*tick_rt)(struct line_rt *l, uint64_t now_us);
	void (*close_rt)(struct line_rt *l, uint64_t now_us);     /* RTCP BYE, sockets stay with their owner */
	/* Clock, start, stop from the house; NULL: the line takes no MIDI. */
	void (*tell_midi_rt)(struct line_rt *l, const struct midi_cmd *cmd, uint64_t now_us);
	/* The packet that gestures came in is done: what waits goes. NULL: nothing waits. */
	void (*flush_rt)(struct line_rt *l, uint64_t now_us);
};

enum { LINE_ROOM = 64, ENSEMBLE_PLAYERS = 256, SLOT_WORDS = ENSEMBLE_PLAYERS / 64 };

enum { UNMAPPED_KEPT = 64 };

/* Players of an ensemble as bits, by their slot. */
struct slots { uint64_t bit[SLOT_WORDS]; };
static inline bool slots_has(const struct slots *s, unsigned i) { return s->bit[i / 64] >> (i % 64) & 1; }
static inline void slots_add(struct slots *s, unsigned i) { s->bit[i / 64] |= UINT64_C(1) << (i % 64); }
static inline void slots_take(struct slots *s, unsigned i) { s->bit[i / 64] &= ~(UINT64_C(1) << (i % 64)); }

extern const struct line_ops line_osc_ops;        /* G2 */
extern const struct line_ops line_udp_ops;        /* G3 */
extern const struct line_ops line_tcp_ops;        /* G4, G5 */
extern const struct line_ops line_midi_ops;       /* G1 */

struct line_sock { int handle; bool open; struct sa local, to; };

struct line_rt {
	const struct line_ops *ops;
	struct gestline desc;
	struct player_rt *player;
	struct forward *forward;
	struct line_port *port;
	struct line_sock sock[2];
	struct ticker ticker;
	struct slots told;                /* whose join it has heard */
	uint64_t heard_us;                /* the last packet that was the party's */
	bool     opened;                  /* G3: a datagram came from the party's address; G4, G5: it is connected; else always */
	void (*end)(struct line_rt *l);   /* control thread: what else it has */
	struct give give;
};

/* Of `size` octets (its kind's struct), with a copy of the description; for alloc. `end` frees what else the kind has, or NULL. */
int line_alloc(struct line_rt **lp, size_t size, const struct line_ops *ops, const struct gestline *desc, void (*end)(struct line_rt *l));

/* A participant on the forward thread. */
struct player_rt {
	struct le le;                     /* of ensemble_rt */
	struct ensemble_rt *ensemble;     /* NULL: nowhere */
	struct forward *forward;
	uint32_t id;                      /* of all players this process ever had */
	unsigned slot;                    /* in its ensemble */
	char     name[VIEW_NAME_MAX + 1], cname[64];
	struct line_rt *line[GESTLINE_KINDS];
	struct osckeys *keys;             /* its OSC state, without prefix; of a MIDI player as bridged */
	int64_t  set_no;                  /* counts the settings of keys: key->mark; key->last: when it last came alive */
	struct midi_state midi;           /* its MIDI state; of an OSC player as bridged. seq: the ensemble's midi_no */
	bool     more;                    /* of one packet of it more comes at once: lines of MIDI wait for the last (flush_rt) */
	const struct kinds *kinds;        /* what it declared */
	const struct oscmap *map;         /* its own, for who hears MIDI; NULL: none */
	size_t   sysex_max;
	uint32_t unmapped[UNMAPPED_KEPT]; /* hashes of addresses it has been told of, error 9: "once per address" */
	struct slots meets;               /* section 8.4: whose OSC it may hear */
	bool     away;                    /* nothing was heard of it for too long */
	bool     surface;
	bool     end;                     /* relay_conf.end: all it says is for the house */
	bool     listens;                 /* it has said something to the house, and so hears of it */
	struct beatclock beatclock;       /* its MIDI clock */
	uint32_t beat_run;                /* the start of the room's beat that it was told of */
	uint32_t silence_ms;
	uint32_t ssrc;                    /* of its stream where it sends RTP, else any: it stands for it in lists of sources */
	char     party_cname[64];         /* as it says itself (SDES), to know it again when its packets come back */
	struct oscrate *up;               /* "the same bucket [..] guards the uplink" */
	struct bucket up_midi;
	struct gest_said said;
	struct ticker ticker;
	struct player_count n;
	struct give give;
	struct job_wait spare;
};

struct ensemble_rt {
	struct list players;
	struct player_rt *slot[ENSEMBLE_PLAYERS];
	struct owners *owners;            /* NULL: nothing is claimed */
	uint32_t midi_no;                 /* counts the MIDI commands of all: which of two players set a thing last */
	struct beatout beatout;
	struct give give;
	struct job_wait spare;
};

/* ---- what lines call ---- */

/* A gesture came in on l: rate, reserved addresses, /tutti/, /to/, /_gest/, state, and on to the others. Malformed packets do
 * not get here. */
void ensemble_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);
void ensemble_midi_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);
/* "one packet in, one packet out per receiving leg": between these two calls a player's gestures are of one packet. */
void ensemble_batch_rt(struct player_rt *p);
void ensemble_flush_rt(struct player_rt *p, uint64_t now_us);
/* May this packet of MIDI be taken, by the rate? What is not is lost as by the network, and its journal repairs it. */
bool ensemble_admits_rt(struct line_rt *l, uint64_t now_us);

/* On to all who hear `from` on a line of that kind of gesture (G1: MIDI, else OSC); to one. false: it does not hear it so. */
void ensemble_to_all_rt(const struct gesture *g, uint64_t now_us);
bool ensemble_to_player_rt(struct player_rt *to, const struct gesture *g, uint64_t now_us);
/* Into the state of its player: state, and what an event ends. false: it says what was known already. */
bool ensemble_keep_rt(struct player_rt *p, const struct osc_msg *msg, enum osc_kind kind, uint64_t now_us);

/* ---- ensemble_bridge: what one says in OSC for who hears MIDI, and the other way round ---- */

/* After it has been kept. `to`: NULL all. */
void ensemble_also_midi_rt(const struct osc_msg *msg, const struct gesture *g, struct player_rt *to, uint64_t now_us);
/* Before it is applied to its player's MIDI state; keys are kept. */
void ensemble_also_osc_rt(const struct gesture *g, uint64_t now_us);
/* All it holds was released: so are the keys of its notes. */
void ensemble_let_go_rt(struct player_rt *p, uint64_t now_us);

/* "At most one /_gest/error per code and second", to the player itself. code: enum gest_error. */
void ensemble_error_rt(struct player_rt *p, int code, const char *addr, uint64_t now_us);

/* Each other player of the ensemble that l's player may hear, in the order they came; NULL begins and ends. */
struct player_rt *ensemble_next_rt(const struct line_rt *l, const struct player_rt *after);
struct player_rt *ensemble_named_rt(const struct ensemble_rt *e, const char *name, size_t len);

/* The line has opened, or closed (l->opened): joins and leaves follow. */
void ensemble_settle_rt(struct line_rt *l, uint64_t now_us);

/* Out. An errno: EAGAIN when the socket takes no more now; what could not be sent is gone. */
int  line_send_rt(struct line_rt *l, unsigned sock, const uint8_t *buf, size_t len);
/* Something of the party's came. */
void line_heard_rt(struct line_rt *l, uint64_t now_us);

/* An octet string of the forward thread's, OSC_MAX_STREAM long at least, for what is being written; valid until the next use.
 * Who uses which: */
enum { SCRATCH_VIEW, SCRATCH_PACKET, SCRATCH_GEST, SCRATCH_STRIP };
uint8_t *forward_scratch_rt(struct line_rt *l, unsigned which, size_t *size);

struct relay_count *line_count(struct line_rt *l);

/* ---- jobs of the control thread ---- */

void ensemble_enter_rt(struct ensemble_rt *e, struct player_rt *p, unsigned slot);      /* ensemble_meets_rt says who hears it */
void ensemble_exit_rt(struct player_rt *p, uint64_t now_us);      /* all hear it leave; its state stays with it */
void ensemble_line_rt(struct player_rt *p, enum gestline_kind kind, struct line_rt *l, struct line_port *port, uint64_t now_us);   /* NULL: none */
void ensemble_meets_rt(struct player_rt *p, const struct slots *hears, const struct slots *heard, uint64_t now_us);
void ensemble_owners_rt(struct ensemble_rt *e, struct owners *o, uint64_t now_us);
void player_tell_rt(struct player_rt *p, const uint8_t *osc, size_t len, uint64_t now_us);
void ensemble_tell_midi_rt(struct ensemble_rt *e, const struct midi_cmd *cmd, uint64_t now_us);

#endif
