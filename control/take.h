/*
 * take.h - one recording: blocks of taps in, files of sound and their manifest out. One thread at a time; may wait for the disk.
 *
 * It has a time of its own, in samples from 0, in which all its files lie. A time in which the recording was paused, or nobody
 * was in the room, is cut out of it; one that was lost is filled with silence, if it is short. The manifest says where.
 */
#ifndef CONTROL_TAKE_H
#define CONTROL_TAKE_H

#include <re.h>
#include "command.h"
#include "mixer/tap.h"
#include "recfile.h"

struct take;

enum { TAKE_STEMS_MAX = 64, TAKE_MEMBERS_MAX = 5000 };

struct take_conf {
	char id[33], room[64], by[128];
	char dir[512];            /* of this recording; made by take_open, whose parent too if it is missing */
	enum recfile_kind kind;
	bool stems;
	uint64_t max_smp;         /* 0: no end */
	uint64_t min_free;        /* bytes on the disk; 0: all of it may be used */
	uint64_t started_ms;      /* unix time */
};

struct take_member { uint64_t leg; uint32_t id; enum role role; char uri[256], name[128]; };

int  take_open(struct take **kp, const struct take_conf *conf);
/* What another tap gives comes next. */
void take_splice(struct take *k);
/* An errno of writing. ENOSPC also when no more than min_free is left, ETIMEDOUT: it is max_smp long. */
int  take_block(struct take *k, const struct tap_block *b);
void take_member(struct take *k, const struct take_member *mb);   /* before or after its first block */
void take_left(struct take *k, uint64_t leg);             /* also if no block tells it, as in a pause; what is still on its way comes into its stem */
void take_pause(struct take *k, bool on);                 /* in the manifest */
/* Now and then: everything as far as the mix, a manifest when it is time; now_ms of any clock. `caught_up`: the tap is empty. */
int  take_round(struct take *k, uint64_t now_ms, bool caught_up);
/* The files get their last form. `state`, `why`: as in the manifest; not copied. mem_deref without it leaves them as after a crash. */
int  take_finish(struct take *k, const char *state, const char *why);
uint64_t take_bytes(const struct take *k);

#endif
