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
	char recording[8];        /* "", "running", "paused" */
	uint32_t speaker;         /* id of who has the floor; 0: nobody */
	size_t n_members;
	struct snapshot_member member[];
};

struct control;
int snapshot_take(struct snapshot **sp, struct control *c, const char *room);       /* ENOENT */
/* Names of all rooms, in order of creation. Freed with mem_deref. */
struct snapshot_names { size_t n; char name[][64]; };
int snapshot_rooms(struct snapshot_names **np, struct control *c);

#endif
