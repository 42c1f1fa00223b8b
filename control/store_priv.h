/*
 * store_priv.h - the store between its files: jobs on their way to the file, and the connection that writes them. Private
 * to control/store*.c.
 */
#ifndef CONTROL_STORE_PRIV_H
#define CONTROL_STORE_PRIV_H

#include <pthread.h>
#include <sqlite3.h>
#include "store.h"

enum store_kind {
	STORE_ROOM_PUT, STORE_ROOM_DEL, STORE_BAN_PUT, STORE_BAN_DEL, STORE_SEAT_PUT, STORE_SEAT_DEL, STORE_TOKEN_PUT,
	STORE_TOKEN_DEL, STORE_CALL_PUT, STORE_CDR_PUT, STORE_RECORDING_PUT, STORE_RECORDING_DEL, STORE_SYNC,
};

struct store_sync { store_sync_h *h; void *arg; int err; };

/* One put on its way. What it carries is a copy: nothing in it points out of the block. */
struct store_job {
	struct store_job *next;
	size_t size;                      /* of the block */
	enum store_kind kind;
	union {
		struct store_room room;
		struct store_ban ban;
		struct store_seat seat;
		struct store_token token;
		struct store_cdr cdr;
		struct store_recording recording;
		struct store_sync sync;
	} u;
};

struct jobs { struct store_job *first, **last; };

struct store {
	char *path;
	struct store_writer *writer;      /* the thread's, once it runs */
	pthread_t thread;
	bool running;
	int event_fd;

	pthread_mutex_t lock;             /* all below */
	pthread_cond_t wake;
	struct jobs queue, synced;
	size_t n_bytes;                   /* of all that is not written yet */
	struct store_stats stats;
	uint32_t keep_days;
	bool keep_changed, closing;
};

static inline void jobs_init(struct jobs *l)
{
	l->first = NULL;
	l->last = &l->first;
}
void jobs_append(struct jobs *l, struct store_job *j);
void jobs_move(struct jobs *to, struct jobs *from);       /* all of `from` behind `to` */
struct store_job *jobs_shift(struct jobs *l);             /* it must not be empty */
void jobs_free(struct jobs *l);

/* store_thread.c: empties the queue until the store is closing; its argument is the store. */
void *store_thread(void *store);

/* store_schema.c: a file of an earlier version is brought to ours, one of a later version or of somebody else refused. */
int  store_migrate(sqlite3 *db, char **why);
int  store_errno(int rc);                         /* SQLite's code as an errno */

/* store_write.c: the connection that writes, and its prepared statements. One thread at a time. */
struct store_writer;
int  store_writer_open(struct store_writer **wp, const char *path, char **why);   /* mem_deref closes */
/* Jobs from `first` up to and without `end`, in one transaction. 0: it is in the file, but for *refused jobs that SQLite
 * would not have (logged); else nothing of it is, and it may be tried again. */
int  store_write(struct store_writer *w, const struct store_job *first, const struct store_job *end, uint32_t *refused);
int  store_alive(struct store_writer *w, uint64_t now_ms);        /* the time a call that runs will have ended, if we die */
int  store_prune(struct store_writer *w, uint64_t before_ms, bool *more);

#endif
