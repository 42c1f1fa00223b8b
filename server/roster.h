/*
 * roster.h - a room as its subscribers know it: users, their endpoints, and what of them changed when. Control thread only.
 *
 * Every change gives its user (or the room's state) the next number and moves it to the end of one list. So what a subscriber
 * that was told up to number n does not know yet is the tail of that list behind n, whatever happened meanwhile and in how many
 * pieces it is told: changes merge, nothing is skipped, and the last state is always the one that is written.
 */
#ifndef SERVER_ROSTER_H
#define SERVER_ROSTER_H

#include "control/snapshot.h"

enum { ROSTER_ENTITY_MAX = 800 };

struct roster_item {                      /* the room's state, or a user */
	struct le le;                     /* roster.items, the last changed at the end */
	uint64_t seq;                     /* 0: the state was never set */
	struct roster_user *user;         /* NULL: the state */
};

struct roster_endpoint {
	struct le le;                     /* roster_user.endpoints */
	struct le he;
	struct roster_user *user;
	uint32_t id, mark;                /* the member's */
	uint64_t since_ms, born, seq;
	bool hold, muted, deaf, dialed_out;
	bool timed;                       /* in a room of music; then as of the last comparison, and no change by itself: */
	struct delay delay;
	bool gone;                        /* why is why; dropped when every subscriber knows */
	char why[32];
};

struct roster_user {                      /* members who have one URI are one user with several endpoints */
	struct roster_item item;
	struct le he;
	struct list endpoints;
	uint64_t born, named;             /* when it came (back), when its name or role changed */
	unsigned n_here;                  /* endpoints that are not gone */
	char *entity, *name;
	enum role role;
	bool touched;
	uint32_t mark;                    /* of the last comparison that is through with it */
	const char *name_now;             /* while the snapshot is read */
	enum role role_now;
};

struct roster {
	struct list items;
	struct roster_item state;
	struct hash *users, *endpoints;
	uint64_t seq;                     /* the last number given */
	uint32_t mark;
	size_t n_users, n_members;        /* who is there */
	bool active, locked, hides, music;        /* hides: the addresses of its members */
};

int  roster_alloc(struct roster **rp);
/* The room is now as s says; NULL: it has ended, everybody is gone. */
int  roster_follow(struct roster *r, const struct snapshot *s);
/* Why a member left, told before the next roster_follow. */
void roster_left(struct roster *r, uint32_t member, const char *why);
/* Every subscriber knows all up to `told`: what is gone since before that is forgotten. */
void roster_prune(struct roster *r, uint64_t told);
/* The first item behind `told`; NULL: there is none. */
const struct roster_item *roster_after(const struct roster *r, uint64_t told);

#endif
