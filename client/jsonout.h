/*
 * jsonout.h - the room as JSON for scripts: an object a line, told by what has changed since the last look
 * (docs/tutti-join.md, JSON).
 *
 * Pure: lines go to a handler, the time is given. Looks are the caller's to space out; a look tells each thing once at
 * most.
 */
#ifndef CLIENT_JSONOUT_H
#define CLIENT_JSONOUT_H

#include "band.h"

enum { JSONOUT_LINE = 4096 };     /* octets of a line at most, with its end: what a pipe takes in one piece */

struct jsonout;

typedef void (jsonout_h)(const char *line, size_t len, void *arg);

int  jsonout_alloc(struct jsonout **jp, jsonout_h *h, void *arg);
void jsonout_look(struct jsonout *j, const struct band *b, uint64_t unix_ms);
void jsonout_stats(struct jsonout *j, const struct band *b, uint64_t unix_ms);
void jsonout_error(struct jsonout *j, uint64_t unix_ms, const char *why);
/* Lines that could not be taken; told before the next. */
void jsonout_lost(struct jsonout *j, uint64_t unix_ms, uint64_t lines);

#endif
