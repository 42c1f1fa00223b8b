/*
 * recorder.h - the thread that records: it empties taps into takes. One for all recordings, at normal priority; it starts with the
 * first of them.
 *
 * Everything in this header is for the control thread, and nothing waits for the disk but recorder_stop, mem_deref and recorder_sync. A recording is
 * known by a number; what is asked of one that has ended is nothing.
 */
#ifndef CONTROL_RECORDER_H
#define CONTROL_RECORDER_H

#include "take.h"

struct recorder;

int  recorder_alloc(struct recorder **rp);
int  recorder_fd(const struct recorder *r);               /* readable: recorder_news has some */

/* Finishes what is left, and ends the thread: within seconds. Then there may be news once more; nothing else may be asked. */
void recorder_stop(struct recorder *r);

int  recorder_begin(struct recorder *r, uint64_t *number, const struct take_conf *conf);
/* Behind those it has, RECORDER_TAPS_MAX at most; the caller's reference is lent until the news gives it back. */
int  recorder_tap(struct recorder *r, uint64_t number, struct tap *t);
int  recorder_member(struct recorder *r, uint64_t number, const struct take_member *mb);
int  recorder_left(struct recorder *r, uint64_t number, uint64_t leg);
int  recorder_pause(struct recorder *r, uint64_t number, bool on);
int  recorder_end(struct recorder *r, uint64_t number);   /* when its taps are closed and read */

enum { RECORDER_TAPS_MAX = 4 };

enum recorder_what {
	RECORDER_TAP,             /* tap: is read, or will not be: to be let go */
	RECORDER_FINISHED,        /* all is on the disk; not to be spoken of any more. `why`: "", or why it ended by itself */
	RECORDER_FAILED,          /* as well; why and err */
};
struct recorder_news { enum recorder_what what; uint64_t number; struct tap *tap; uint64_t bytes; const char *why; int err; };
bool recorder_news(struct recorder *r, struct recorder_news *n);

/* Waits until all that was asked before is done and all that was in the taps is read. For tests, and for the end. */
void recorder_sync(struct recorder *r);

#endif
