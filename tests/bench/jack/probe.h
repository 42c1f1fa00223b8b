/*
 * probe.h - a short sound whose arrival can be told to a part of a sample, and what many arrivals say together.
 * Arithmetic.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBE_SMP = 128 };         /* 2.7 ms at 48 kHz */

#define PROBE_PEAK 0.5

/* 500 Hz to 9 kHz under a Hann window: what a codec of speech or music keeps. */
void probe_make(float smp[PROBE_SMP]);

struct probe_hit {
	double at;                /* sample of its first one */
	double level_db;          /* against how it was sent */
	double likeness;          /* 0 to 1: how much of what is there is the probe */
};
/* The place in smp where it fits best; false: nowhere is it like enough. */
bool probe_find(struct probe_hit *hit, const float *smp, size_t n);

struct probe_figures { unsigned n; double least, p50, p95, p99, most, mean; };
void probe_figures(struct probe_figures *f, double *v, unsigned n);       /* sorts v */

#endif
