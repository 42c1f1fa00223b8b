/*
 * control.h - every room, and the one call by which a face acts: control_run(actor, command). Control thread only.
 *
 * Returns: 0; ENOENT no such room or member; EPERM the actor's role may not (policy.c), the room is locked, or the
 * caller is banned; EACCES the room wants a PIN, and there was none or a wrong one; EAGAIN it is not open now (its
 * schedule); EEXIST; EBUSY not while somebody is in; EINVAL an argument missing or out of range; EUSERS too many members,
 * ENOSPC too many rooms or bans; ESHUTDOWN draining; EDEADLK from inside an event. What is refused has changed nothing,
 * but that a call which is turned away may have opened its room.
 *
 * A member that may not be in the mix yet has joined, and waits: control_member_waiting, EVENT_MEMBER_WAITING. When it is
 * let in EVENT_MEMBER_JOINED tells so.
 *
 * A face that ends (its call is over) runs VERB_LEAVE before it frees its leg. A member sent away is out of its
 * room, its leg out of the mix, before bye is called; from inside bye a face may act again. control_alloc's mixer
 * must outlive it; mem_deref ends all rooms without a word to faces or listeners.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "command.h"
#include "event.h"
#include "mixer/beat.h"
#include "mixer/mixer.h"

struct control;
struct sound;
struct store;
struct keypad_conf;
struct snapshot_player;

enum { ROOM_NAME_MAX = 63 };

struct control_conf {
	bool     auto_rooms;              /* rooms.auto: first call opens the room */
	bool     music_default;           /* rooms.profile */
	uint32_t max_rooms, max_members_per_room, max_members;    /* 0: no limit */
	bool     alone_music;             /* a room of one hears music */
	const char *alone_file;           /* NULL: the built-in tune */
	uint32_t empty_timeout_s;         /* an automatic room lives on this long without members */
	const struct keypad_conf *keypad; /* codes of phones; copied. NULL: the defaults */
	uint32_t seat_time_s;             /* so long a seat stays free for who has left it; 0: seats are not kept */
	struct store *store;              /* borrowed; NULL: nothing outlives the process */
};

/* How a face lets control reach a member. Called on the control thread. */
struct face {
	struct leg *leg;                                          /* borrowed; may be NULL for a member without sound */
	void (*bye)(void *arg, const char *why);                  /* the member must go: end its call. It answers with
	                                                             nothing; the member is already out of the room. */
	int  (*dial)(void *arg, const char *room, const char *uri);       /* only in control_set_dialer */
	void *arg;
	const char *call_id;                                      /* for the roster; may be NULL */
	const char *transport;                                    /* "UDP" ..., for figures; may be NULL */
	bool dialed_out;
	bool answered;                                            /* a while ago: it hears what is said to it */
	bool can_ask;                                             /* its caller for its name (ENOMSG); it was not asked yet */
	struct sound *said_name;                                  /* what the caller then said; NULL: nothing */
};

/* Who acts: a member (its role counts), the system (may everything), or an account with a role in every room. */
struct actor { enum { ACTOR_SYSTEM, ACTOR_MEMBER, ACTOR_ACCOUNT } kind; uint32_t member; enum role role; const char *name; };

int  control_alloc(struct control **cp, const struct control_conf *conf, struct mixer *mixer);
/* Reload: for what comes from now on; rooms that are open keep their profile and music. A path that has not changed
 * is not read again. */
void control_reconf(struct control *c, const struct control_conf *conf);
void control_set_dialer(struct control *c, const struct face *dialer);
/* Rooms need not know that there are gestures; who does, says who plays them when it is asked for a snapshot. NULL: nobody. */
typedef size_t (control_players_h)(struct snapshot_player *list, size_t max, const char *room, void *arg);
void control_set_players(struct control *c, control_players_h *h, void *arg);
int  control_run(struct control *c, const struct actor *actor, const struct command *cmd, struct result *res);
void control_drain(struct control *c);                    /* no new rooms or members; ESHUTDOWN for joins */
uint32_t control_members(const struct control *c);
uint32_t control_rooms(const struct control *c);
uint64_t control_speakers(const struct control *c);       /* how often a floor has passed to another member, since the start */

/* The room a number or name leads to: its own name, or that of a room with this alias. NULL: none that is open. */
const char *control_room_for(const struct control *c, const char *number);
/* Must a caller with this URI say a PIN before it can join? Not where it has kept its seat. */
bool control_needs_pin(const struct control *c, const char *room, const char *uri);
/* Does the room want to hear a caller's name before it comes in? */
bool control_asks_name(const struct control *c, const char *room, const char *uri);
enum waiting control_member_waiting(const struct control *c, uint32_t member);
uint64_t control_number(const struct control *c);         /* of the last event */
uint64_t control_room_version(const struct control *c, const char *room);        /* 0: no such room */
/* How loud each member of a room is for the others now, in -dBov (RFC 6464): 127 of one that is not heard. ENOENT. */
int  control_levels(const struct control *c, const char *room, void (*h)(uint32_t member, uint8_t dbov, void *arg), void *arg);

bool control_room_exists(const struct control *c, const char *name);
/* The profile the room has, or would have if it were opened now. */
bool control_room_is_music(const struct control *c, const char *name);
const char *control_member_room(const struct control *c, uint32_t member);       /* NULL when gone */
/* 1..63 of [A-Za-z0-9._~+-], compared without case; "echo", "lobby", "conference" are reserved. */
bool control_room_name_valid(const char *name);
/* How the member hears another: on top of what all hear, as VERB_VIEW sets it. ENOENT: no such two. */
int  control_view(const struct control *c, uint32_t member, uint32_t other, float *gain_db, float *pan);
/* The room's beat, on the sample count that all rooms share (mixer_smp). ENOENT. */
int  control_beat(const struct control *c, const char *room, struct beat *b);
/* Whose MIDI clock sets the room's tempo; 0: nobody's. */
uint32_t control_follows(const struct control *c, const char *room);
/* A player's MIDI clock runs at this tempo: what follows it does as well. At most a few times a second. ENOENT: nothing does. */
int  control_follow_tempo(struct control *c, uint32_t member, uint32_t mbpm);
/* The leg of a member says a key was pressed, it talks, its RTP ended ... (the face's leg handler hands it on). */
void control_leg_event(struct control *c, uint32_t member, const struct leg_event *ev);

#endif
