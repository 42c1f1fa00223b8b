/*
 * snapshot.h - a whole room as a value, for whoever draws it. Made on the control thread; a plain refcounted value
 * that holds copies only, so it may be handed (given away) to another thread.
 */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include "command.h"
#include "delay.h"
#include "mixer/mixer.h"

struct snapshot_member {
	uint32_t id;
	char uri[256], name[128], call_id[128];
	enum role role;
	bool muted;               /* by itself or by a host */
	bool muted_by_host, deaf, hold, hand, talking, dialed_out;
	enum waiting waiting;     /* in the room, not in the mix */
	uint64_t hand_ms;         /* unix time it raised its hand; who raised it first comes first */
	float gain_db, pan;
	bool click;               /* it hears the room's beat */
	float click_db;
	enum click_sync click_sync;
	int buffer;               /* frames that its jitter buffer holds by choice; BUFFER_AUTO */
	bool red;                 /* it is sent each frame twice, where its end takes that */
	char section[SECTION_MAX + 1];
	char controller[CONTROLLER_MAX + 1];      /* name of a player that acts for it; "": none */
	uint64_t since_ms;        /* unix time */
	struct leg_stats leg;     /* as of now; as well: */
	struct delay delay;       /* from it to the mix and from there to it; not in use: all 0 */
};

enum { SNAPSHOT_SECTIONS = 32 };

struct snapshot {
	char room[64];
	uint64_t version, created_ms;
	bool locked, muted_all, music, kept, hide_numbers, has_host_pin, has_guest_pin;
	uint32_t speaker;         /* id of who has the floor by ear; 0: nobody */
	uint32_t floor;           /* id of who was given the floor, in a room with one speaker at a time; 0: nobody */
	char title[128], parent[64];      /* parent: of a smaller room, the one it is beside; or "" */
	char recording[16];       /* "", "running", "paused" */
	struct snapshot_tempo {
		uint32_t mbpm;            /* thousandths of a beat a minute */
		uint8_t  beats;           /* in a bar */
		bool     running;
		uint64_t origin;          /* this beat is at that sample of the count that all rooms share, and so are those after it: */
		int64_t  beat;            /* < 0 while it is counted in */
		uint32_t count_in;        /* bars before each start */
		uint32_t follow;          /* id of whose MIDI clock sets it; 0: nobody's */
	} tempo;
	size_t n_sections;        /* with a gain */
	struct snapshot_section { char name[SECTION_MAX + 1]; float gain_db; } section[SNAPSHOT_SECTIONS];
	enum { SNAPSHOT_OPEN, SNAPSHOT_BEFORE, SNAPSHOT_OVER } hours;     /* of its schedule */
	uint64_t starts_ms, ends_ms;      /* of the time that is, or is next; 0: open on that side */
	size_t n_bans;
	size_t n_settings;
	const struct setting *settings;   /* all but the secret ones; in this same block */
	size_t n_waiting, n_members;      /* those who wait are members as well */
	struct snapshot_member member[];
};

struct control;
int snapshot_take(struct snapshot **sp, struct control *c, const char *room);       /* ENOENT */
/* The value of a setting; NULL: there is none, or it is secret. */
const char *snapshot_setting(const struct snapshot *s, const char *name);
/* Who is banned from a room, the oldest first. Freed with mem_deref. */
struct snapshot_bans { size_t n; struct { char uri[256]; uint64_t at_ms; } ban[]; };
int snapshot_bans(struct snapshot_bans **bp, struct control *c, const char *room);        /* ENOENT */
/* All rooms in short, in order of creation. Freed with mem_deref. */
struct snapshot_brief {
	char room[64];
	uint64_t version, created_ms;
	bool locked, muted_all, music;
	bool persistent;          /* stays when the last member has left */
	uint32_t n_members, n_waiting;    /* in the mix; before the door */
	char title[128], recording[16];   /* as in struct snapshot */
};
struct snapshot_rooms { size_t n; struct snapshot_brief room[]; };
int snapshot_rooms(struct snapshot_rooms **rp, struct control *c);

/* Who hears whom otherwise than all do. Freed with mem_deref. */
struct snapshot_view { uint32_t listener, other; float gain_db, pan; };         /* pan COMMAND_PAN_SAME: where all hear it */
struct snapshot_views { size_t n; struct snapshot_view view[]; };
int snapshot_views(struct snapshot_views **vp, struct control *c, const char *room);    /* ENOENT */

/* Who plays gestures in a room, as whoever control_set_players named knows. Freed with mem_deref. */
enum { SNAPSHOT_PLAYERS = 256 };
struct snapshot_player {
	char name[33], kinds[32];         /* "osc midi" */
	uint32_t member;                  /* 0: it is in no call */
	uint64_t messages_in, messages_out, lost, repaired;
	uint32_t rtt_us;                  /* 0: not known */
};
struct snapshot_players { size_t n; struct snapshot_player player[SNAPSHOT_PLAYERS]; };
int snapshot_players(struct snapshot_players **pp, struct control *c, const char *room);        /* ENOENT */

#endif
