/*
 * snapshot.h - a whole room as a value, for whoever draws it. Made on the control thread; a plain refcounted value
 * that holds copies only, so it may be handed (given away) to another thread.
 */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include "command.h"
#include "mixer/mixer.h"

struct snapshot_member {
	uint32_t id;
	char uri[256], name[128], call_id[128];
	enum role role;
	bool muted;               /* by itself or by a host */
	bool muted_by_host, deaf, hold, hand, talking, dialed_out;
	float gain_db, pan;
	uint64_t since_ms;        /* unix time */
	struct leg_stats leg;     /* as of now */
};

struct snapshot {
	char room[64];
	uint64_t version, created_ms;
	bool locked, muted_all, music;
	uint32_t speaker;         /* id of who has the floor; 0: nobody */
	size_t n_members;
	struct snapshot_member member[];
};

struct control;
int snapshot_take(struct snapshot **sp, struct control *c, const char *room);       /* ENOENT */
/* All rooms in short, in order of creation. Freed with mem_deref. */
struct snapshot_brief {
	char room[64];
	uint64_t version, created_ms;
	bool locked, muted_all, music;
	bool persistent;          /* stays when the last member has left */
	uint32_t n_members;
};
struct snapshot_rooms { size_t n; struct snapshot_brief room[]; };
int snapshot_rooms(struct snapshot_rooms **rp, struct control *c);

/* Who hears whom otherwise than all do. Freed with mem_deref. */
struct snapshot_view { uint32_t listener, other; float gain_db, pan; };         /* pan COMMAND_PAN_SAME: where all hear it */
struct snapshot_views { size_t n; struct snapshot_view view[]; };
int snapshot_views(struct snapshot_views **vp, struct control *c, const char *room);    /* ENOENT */

#endif
