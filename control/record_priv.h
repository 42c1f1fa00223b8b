/*
 * record_priv.h - recording, for the rest of control. Private to control/.
 */
#ifndef CONTROL_RECORD_PRIV_H
#define CONTROL_RECORD_PRIV_H

#include "record.h"

struct room;
struct actor;

/* ENOTSUP: nobody records here. ENOENT: this room is not being recorded. EEXIST: it is, and paused. ENOSPC: too many are.
 * EAGAIN: it was paused and resumed faster than the disk takes it. */
int  record_start(struct room *r, const char *by);
int  record_pause(struct room *r, bool on);
int  record_stop(struct room *r);
/* Somebody has come in, or all have gone: a room with record=auto begins when somebody is in, and ends when nobody is. */
void record_auto(struct room *r);
void record_rebus(struct room *r);                /* it has another bus */
const char *record_state(const struct room *r);   /* "", "running", "paused" */

#endif
