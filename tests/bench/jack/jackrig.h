/*
 * jackrig.h - sound and notes put into some JACK ports and looked for at others.
 *
 *     jackrig: ports (this program's, on JACK's thread: it only copies) > record > after the run: find, tell
 */
#ifndef BENCH_JACKRIG_H
#define BENCH_JACKRIG_H

#include <stdbool.h>
#include <stdint.h>
#include <jack/jack.h>
#include "probe.h"

enum { EARS_MAX = 32, PROBES_MAX = 5000, NOTES_MAX = 3 * PROBES_MAX, CYCLES_MAX = 4 << 20 };

struct options {
	const char *server, *name, *to[2], *note_to, *note_from;
	const char *ear[EARS_MAX];
	unsigned n_to, n_ears, n, gap_least_ms, gap_most_ms, seed;
	bool self;                /* our own ear: one period, for sure */
	const char *raw;          /* file for every delay, in ms */
};

struct note { uint64_t at; uint8_t status, key; };       /* in samples since the begin */

struct record {
	jack_nframes_t rate, period, cycle0;
	uint64_t n_smp, done;     /* wanted; so far */
	float *heard[EARS_MAX];
	uint64_t at[PROBES_MAX];  /* when the probes begin */
	unsigned n_probes, next;
	struct note *note;        /* heard */
	unsigned n_notes;
	uint64_t jumps;           /* cycles that did not begin where the one before ended; by how much, together */
	int64_t jumped_smp;
	uint32_t xruns;
	float *late_us;           /* of each cycle: when we ran, against when it began; */
	float *wake_us;           /* when it began, against the one before and a period */
	unsigned n_cycles, cycles_max;
};

int  options_parse(struct options *o, int argc, char **argv);
void record_plan(struct record *r, const struct options *o);      /* when to probe, and room for what is heard */
void record_free(struct record *r);
void record_tell(struct record *r, const struct options *o);      /* one line of JSON */

#endif
