/*
 * ensemble.h - what belongs to the forward thread: the players of a room, and how a gesture comes from one to the others.
 * Private to osc/.
 *
 *      socket > line (in) > player's state > each other player: the best of its lines > line (out) > socket
 *
 * One packet in, one packet out per receiver, at once. All memory was taken on the control thread; nothing here allocates.
 * The four kinds of line are tables of functions (struct line_ops); the ensemble knows none of them.
 */
#ifndef OSC_ENSEMBLE_H
#define OSC_ENSEMBLE_H

#include "gestline.h"
#include "midi_state.h"
#include "osckeys.h"
#include "relay.h"

struct forward;                   /* the thread (forward.h) */
struct ensemble_rt;
struct player_rt;
struct line_rt;

/* One gesture on its way. Either a valid OSC packet (message or bundle; a single message when it is repaired), or a MIDI
 * command. Lives until the call returns. */
struct gesture {
	struct player_rt *from;
	const uint8_t *osc;               /* NULL: it is MIDI */
	size_t   len;
	const struct midi_cmd *midi;
	uint64_t at_us;                   /* captured, on the server's clock */
	bool     repaired;                /* told by a journal */
	bool     keep;                    /* state and events are told apart by kind_of(from's kinds); this one: state that a snapshot told */
};

/* A kind of line, both directions. */
struct line_ops {
	/* Memory for it: on the control thread, whole; *lp's first member is struct line_rt. Changes of a running line come as a
	 * new one that inherits (`old` may be NULL) on the forward thread. */
	int  (*alloc)(struct line_rt **lp, struct player_rt *p, const struct gestline *desc);
	void (*inherit_rt)(struct line_rt *l, struct line_rt *old, uint64_t now_us);
	/* A datagram, or octets of a stream. sock: 0 RTP or data, 1 RTCP. */
	void (*recv_rt)(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us);
	/* A gesture of another player for this line's player, not yet in its view, not yet bridged. */
	void (*send_rt)(struct line_rt *l, const struct gesture *g, uint64_t now_us);
	/* A message of the house, as it is. */
	void (*tell_rt)(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us);
	/* A player has come (its state is to be told), is gone (what it holds is to be released). */
	void (*join_rt)(struct line_rt *l, struct player_rt *from, uint64_t now_us);
	void (*leave_rt)(struct line_rt *l, struct player_rt *from, uint64_t now_us);
	/* Reports, guards, snapshots, what waited for a token. UINT64_MAX: nothing is due. */
	uint64_t (*due_rt)(const struct line_rt *l);
	void (*tick_rt)(struct line_rt *l, uint64_t now_us);
	void (*close_rt)(struct line_rt *l, uint64_t now_us);     /* RTCP BYE, sockets stay with their owner */
};

extern const struct line_ops line_osc_ops;        /* G2 */
extern const struct line_ops line_udp_ops;        /* G3 */
extern const struct line_ops line_tcp_ops;        /* G4, G5 */
extern const struct line_ops line_midi_ops;       /* G1 */

struct line_sock { int handle; bool open; struct sa local; };

struct line_rt {
	const struct line_ops *ops;
	struct gestline desc;
	struct player_rt *player;
	struct line_sock sock[2];
	uint64_t heard_us;                /* the last packet that was the party's */
	bool     opened;                  /* G3: a datagram came from the party's address */
};

/* A participant on the forward thread. */
struct player_rt {
	struct le le;                     /* of ensemble_rt */
	struct ensemble_rt *ensemble;
	struct player *ctl;
	uint32_t id;                      /* of all players this process ever had */
	char     name[VIEW_NAME_MAX + 1], cname[64];
	struct line_rt *line[GESTLINE_KINDS];
	struct osckeys *keys;             /* its OSC state, without prefix */
	struct midi_state midi;           /* its MIDI state */
	const struct kinds *kinds;        /* what it declared */
};

/* ---- what lines call ---- */

/* A gesture came in on l: rate, reserved addresses, /tutti/, /to/, /_gest/, state, and on to the others. Malformed packets do
 * not get here. */
void ensemble_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);
void ensemble_midi_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);

/* "At most one /_gest/error per code and second", to the player itself. code: enum gest_error. */
void ensemble_error_rt(struct player_rt *p, int code, const char *addr, uint64_t now_us);

/* May l's player hear `from`? Not itself, direction, section 8.4, and l is the line it hears it on (8.6). */
bool ensemble_hears_rt(const struct line_rt *l, const struct player_rt *from);

/* Each other player of the ensemble that l's player may hear, in the order they came; NULL begins and ends. */
struct player_rt *ensemble_next_rt(const struct line_rt *l, const struct player_rt *after);

/* Out. */
void line_send_rt(struct line_rt *l, unsigned sock, const uint8_t *buf, size_t len);

/* An octet string of the forward thread's, OSC_MAX long at least, for what is being written; valid until the next use. */
uint8_t *forward_scratch_rt(struct line_rt *l, unsigned which, size_t *size);

struct relay_count;               /* counters with one writer; relay.c */
struct relay_count *line_count(struct line_rt *l);

#endif
