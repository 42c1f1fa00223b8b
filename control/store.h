/*
 * store.h - what must outlive the process: rooms, bans, seats, tokens, calls that are over, recordings. SQLite, WAL.
 *
 * Whoever changes something puts the new value; one writer thread brings it into the file in the order it came, many in
 * one transaction. A put copies what it is given and waits for no disk; any thread but media and forward may put. What
 * has been committed survives the death of the process at any moment after; store_sync tells when. A put cannot fail for
 * the caller but by ENOMEM or EBUSY (too much is waiting): an error of the file is logged, counted and told by the next
 * store_sync. While the file cannot be written (disk full, locked by another program) what was put is kept and tried
 * again every second. All of them do nothing on a NULL store, which keeps nothing.
 *
 * Reads ask the file through a connection of the calling thread's own: not on a media or forward thread, and on the
 * control thread only at the start. They do not see what has been put and not yet committed.
 *
 * mem_deref writes what is left and closes; the control loop must not be needed for that.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include <re.h>
#include "command.h"

struct store;

/* `why` (mem_deref) tells in words what was wrong: a file of a later version, no right to write, not a database, another
 * server has it open ... Control thread. */
int  store_open(struct store **sp, const char *path, char **why);

/* h is called on the control thread when all that was put before is in the file; err: not all of it, or not yet. It is not
 * called any more after mem_deref of the store. */
typedef void (store_sync_h)(int err, void *arg);
int  store_sync(struct store *s, store_sync_h *h, void *arg);
struct store_stats { uint64_t puts, commits, errors; uint32_t waiting; };        /* commits: transactions */
void store_stats(const struct store *s, struct store_stats *st);

/* --- rooms: names are compared without case. A ban and a seat need their room in the store, else they are refused. --- */

struct store_room {
	char name[64];
	uint64_t created_ms;
	bool locked, muted_all;
	const struct setting *settings;   /* those that are not the default */
	size_t n_settings;
};
typedef void (store_room_h)(const struct store_room *r, void *arg);
int  store_room_put(struct store *s, const struct store_room *r);         /* new, or in place of what was */
int  store_room_del(struct store *s, const char *name);                   /* with its bans and seats */
int  store_rooms(struct store *s, store_room_h *h, void *arg);            /* in order of creation */

struct store_ban { char room[64], uri[256]; uint64_t at_ms; };
typedef void (store_ban_h)(const struct store_ban *b, void *arg);
int  store_ban_put(struct store *s, const struct store_ban *b);
int  store_ban_del(struct store *s, const char *room, const char *uri);
int  store_bans(struct store *s, store_ban_h *h, void *arg);

/* Who was where and as what, for a phone that calls again after a lost connection or a crash. */
struct store_seat {
	char room[64], uri[256], name[128];
	enum role role;
	bool self_muted, host_muted;
	uint64_t until_ms;                /* 0: sits there now */
};
typedef void (store_seat_h)(const struct store_seat *seat, void *arg);
int  store_seat_put(struct store *s, const struct store_seat *seat);
int  store_seat_del(struct store *s, const char *room, const char *uri);
int  store_seats(struct store *s, store_seat_h *h, void *arg);

/* --- API tokens: only a hash is kept --- */

struct store_token { char id[17], name[64], sha256[65]; char scopes[128], room[64]; uint64_t created_ms, expires_ms; };
typedef void (store_token_h)(const struct store_token *t, void *arg);
int  store_token_put(struct store *s, const struct store_token *t);
int  store_token_del(struct store *s, const char *id);
int  store_tokens(struct store *s, store_token_h *h, void *arg);

/* --- calls that are over --- */

struct store_cdr {
	char call_id[128], from[256], from_name[128], to[256], room[64], role[16], why[64], codec[16];
	bool outgoing;
	uint64_t start_ms, answer_ms, end_ms;     /* answer 0: it never was */
	uint32_t status;                          /* SIP status of the INVITE */
	uint64_t rx_packets, tx_packets, lost, late, concealed;
	uint32_t jitter_us, rtt_us, buffer_ms;
	float r_factor, mos;                      /* 0: not known */
	uint64_t running;                         /* the number it ran under (store_call_put); 0: it did not */
};
typedef bool (store_cdr_h)(uint64_t id, const struct store_cdr *c, void *arg);    /* false: enough */
int  store_cdr_put(struct store *s, const struct store_cdr *c);
/* A call that runs, by its number: not among those that are over, unless the process dies. Then the next store_open ends
 * it, with why "killed" and the last time the process is known to have lived (ten seconds at most before its death). */
int  store_call_put(struct store *s, const struct store_cdr *c);
/* Calls that ended longer ago are forgotten, some at a time; 0: never, which it is until this is called. */
void store_keep_calls(struct store *s, uint32_t days);
/* Newest first, of calls that ended in [from, to) (0: open), of one room (NULL: all), with an id under `before` (0: all),
 * at most `limit` (0: all). */
struct store_cdr_query { uint64_t from_ms, to_ms, before; const char *room; uint32_t limit; };
int  store_cdrs(struct store *s, const struct store_cdr_query *q, store_cdr_h *h, void *arg);

/* --- recordings --- */

struct store_recording {
	char id[33], room[64], dir[256], by[128];
	char state[16];                   /* "running", "paused", "finished", "failed", "cut" (the process died) */
	uint64_t start_ms, end_ms, bytes;
};
typedef bool (store_recording_h)(const struct store_recording *r, void *arg);
int  store_recording_put(struct store *s, const struct store_recording *r);
int  store_recording_del(struct store *s, const char *id);
int  store_recordings(struct store *s, const char *room, store_recording_h *h, void *arg);        /* newest first */

#endif
