/*
 * census.h - how many are there, by codec and transport, and how well they are received: figures without names. Control
 * thread only; what it fills in are plain values.
 */
#ifndef CONTROL_CENSUS_H
#define CONTROL_CENSUS_H

#include "control.h"

enum { CENSUS_KINDS = 32, CENSUS_BOUNDS = 10, CENSUS_EVERY_MS = 10000 };

struct census_kind { char codec[16], transport[8]; uint32_t n; };

/* How often a value was at most each bound. */
struct census_hist { uint64_t upto[CENSUS_BOUNDS], n; double sum; };

/* One observation for each member with sound, every ten seconds. */
struct census_quality { struct census_hist jitter_s, rtt_s, buffer_s, loss_ratio; };
enum census_what { CENSUS_JITTER, CENSUS_RTT, CENSUS_BUFFER, CENSUS_LOSS };
const double *census_bounds(enum census_what what);       /* CENSUS_BOUNDS of them, rising */

struct census;
int  census_alloc(struct census **cp, struct control *c);         /* must be gone before control */
size_t census_kinds(const struct census *s, struct census_kind kind[CENSUS_KINDS]);       /* now; the last takes who fits in none */
void census_quality(const struct census *s, struct census_quality *q);
void census_add(struct census_hist *h, const double *bounds, double value);

#endif
