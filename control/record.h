/*
 * record.h - recording of rooms: who records what now, and what becomes of it. Control thread only.
 *
 * The verb `record` acts (command.h): start, pause, resume, stop. What happens is told as EVENT_ROOM_CHANGED with the detail
 * "recording-started", "recording-paused", "recording-resumed", "recording-stopped" or "recording-failed". Files and their manifest lie in
 * DIR/ID/, and the store has a row for each (store.h). docs/recording.md says what is in them.
 */
#ifndef CONTROL_RECORD_H
#define CONTROL_RECORD_H

#include <re.h>

struct control;
struct record;

struct record_conf {
	const char *dir;                  /* made at the first recording, mode 0700 */
	bool flac, stems;
	uint32_t max;                     /* at one time, those that are being finished too; 0: none may be begun */
	uint32_t max_hours;               /* of one; 0: no end */
	uint32_t min_free_mb;             /* on the disk; 0: all may be used */
};

/* Recordings that a process before this one did not finish are marked "cut". The control must outlive it; mem_deref finishes
 * all that run, which takes up to some seconds. */
int  record_alloc(struct record **rp, struct control *c, const struct record_conf *conf);
int  record_reconf(struct record *r, const struct record_conf *conf);     /* for those that begin from now on */
int  record_fd(const struct record *r);           /* readable when record_dispatch has work */
void record_dispatch(struct record *r);
void record_sync(struct record *r);               /* for tests: waits until all sound that is there is with the encoders */

struct record_stats { uint32_t running; uint64_t started, failed; };      /* paused ones run, too */
void record_stats(const struct record *r, struct record_stats *s);

#endif
