/*
 * jackrig_tell.c - when to probe, what was found, as one line of JSON; and the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "jackrig.h"

enum { BEFORE_SMP = 4800, SEEK_MS = 240 };

/* --- the command line --- */

static void usage(FILE *f)
{
	fputs("usage: jackrig [options]\n\n"
	      "Puts chirps into a JACK port and looks for them at others: the delay between the two, as JSON.\n\n"
	      "  -s, --server NAME     JACK server\n"
	      "  -c, --name NAME       of this client (jackrig)\n"
	      "  -t, --to PORT         chirps go there; twice for both channels\n"
	      "  -e, --ear PORT        listen to it; up to 32 of them\n"
	      "      --note-to PORT    a MIDI note begins with each chirp\n"
	      "      --note-from PORT  notes come from there: how far from the first ear's chirps?\n"
	      "  -n, --probes N        chirps (200)\n"
	      "      --gap LEAST-MOST  milliseconds between them (250-350)\n"
	      "      --seed N          of the gaps (1)\n"
	      "      --self            our own ear: a period, for sure\n"
	      "      --raw FILE        each delay, in milliseconds, one a line\n\n"
	      "Exit status: 0 measured, also when nothing was heard; 64 wrong use; 69 no JACK, no such port.\n", f);
}

static int number(unsigned *out, const char *s, unsigned least, unsigned most)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end || end == s || v < least || v > most)
		return EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int gap_parse(struct options *o, const char *s)
{
	if (sscanf(s, "%u-%u", &o->gap_least_ms, &o->gap_most_ms) != 2)
		return EINVAL;
	return o->gap_least_ms < 250 || o->gap_most_ms < o->gap_least_ms || o->gap_most_ms > 10000 ? EINVAL : 0;
}

static int option_take(struct options *o, int c)
{
	switch (c) {

	case 's': o->server = optarg; return 0;
	case 'c': o->name = optarg; return 0;
	case 't':
		if (o->n_to == 2)
			return EINVAL;
		o->to[o->n_to++] = optarg;
		return 0;
	case 'e':
		if (o->n_ears == EARS_MAX)
			return EINVAL;
		o->ear[o->n_ears++] = optarg;
		return 0;
	case 'M': o->note_to = optarg; return 0;
	case 'm': o->note_from = optarg; return 0;
	case 'n': return number(&o->n, optarg, 1, PROBES_MAX);
	case 'g': return gap_parse(o, optarg);
	case 'S': return number(&o->seed, optarg, 0, 1U << 30);
	case 'x': o->self = true; return 0;
	case 'r': o->raw = optarg; return 0;
	default: return EINVAL;
	}
}

int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"server", required_argument, NULL, 's'}, {"name", required_argument, NULL, 'c'},
		{"to", required_argument, NULL, 't'},
		{"ear", required_argument, NULL, 'e'}, {"note-to", required_argument, NULL, 'M'},
		{"note-from", required_argument, NULL, 'm'}, {"probes", required_argument, NULL, 'n'},
		{"gap", required_argument, NULL, 'g'}, {"seed", required_argument, NULL, 'S'},
		{"self", no_argument, NULL, 'x'},
		{"raw", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
	};
	int c;

	*o = (struct options){.name = "jackrig", .n = 200, .gap_least_ms = 250, .gap_most_ms = 350, .seed = 1};
	while ((c = getopt_long(argc, argv, "s:c:t:e:n:h", longs, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			exit(0);
		}
		if (option_take(o, c)) {
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc || (!o->self && !o->n_ears)) {
		usage(stderr);
		return EX_USAGE;
	}
	return 0;
}

/* --- the plan --- */

void record_plan(struct record *r, const struct options *o)
{
	unsigned least = o->gap_least_ms * r->rate / 1000, most = o->gap_most_ms * r->rate / 1000;
	uint64_t at = BEFORE_SMP;

	srandom(o->seed);
	for (r->n_probes = 0; r->n_probes < o->n; r->n_probes++) {
		at += least + (unsigned long)random() % (most - least + 1);
		r->at[r->n_probes] = at;
	}
	r->n_smp = at + most + r->rate / 2;
	for (unsigned i = 0; i < EARS_MAX; i++)
		if (i < o->n_ears || (o->self && !i))
			r->heard[i] = calloc(r->n_smp, sizeof(float));
	r->note = calloc(NOTES_MAX, sizeof(*r->note));
	r->cycles_max = (unsigned)(r->n_smp / r->period + 1);
	r->late_us = calloc(r->cycles_max, sizeof(float));
	r->wake_us = calloc(r->cycles_max, sizeof(float));
}

void record_free(struct record *r)
{
	for (unsigned i = 0; i < EARS_MAX; i++)
		free(r->heard[i]);
	free(r->note);
	free(r->late_us);
	free(r->wake_us);
}

/* --- what was found --- */

static void figures_tell(const char *name, double *v, unsigned n, int digits)
{
	struct probe_figures f;

	probe_figures(&f, v, n);
	printf("\"%s\": {\"n\": %u, \"min\": %.*f, \"p50\": %.*f, \"p95\": %.*f, "
	       "\"p99\": %.*f, \"max\": %.*f, \"mean\": %.*f}", name, f.n,
	       digits, f.least, digits, f.p50, digits, f.p95, digits, f.p99, digits, f.most, digits, f.mean);
}

static void us_tell(const char *name, const float *us, unsigned n)
{
	double *v = calloc(n + 1, sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		v[i] = (double)us[i];
	figures_tell(name, v, n, 0);
	free(v);
}

/* When it was heard, -1: not. */
static double heard_at(const struct record *r, unsigned ear, unsigned k, double *level_db)
{
	struct probe_hit hit;
	uint64_t from = r->at[k] - 16;
	size_t n = SEEK_MS * r->rate / 1000;

	if (!probe_find(&hit, r->heard[ear] + from, n))
		return -1;
	*level_db = hit.level_db;
	return (double)from + hit.at;
}

static void ear_tell(const struct record *r, const struct options *o, unsigned ear, FILE *raw)
{
	double ms[PROBES_MAX], level[PROBES_MAX];
	unsigned n = 0;

	for (unsigned k = 0; k < r->n_probes; k++) {
		double at = heard_at(r, ear, k, &level[n]);

		if (at < 0)
			continue;
		ms[n] = (at - (double)r->at[k]) * 1000 / r->rate;
		if (raw)
			fprintf(raw, "%.4f\n", ms[n]);
		n++;
	}
	printf("%s{\"port\": \"%s\", \"missed\": %u, ", ear ? ", " : "",
	       o->self ? "self" : o->ear[ear], r->n_probes - n);
	figures_tell("ms", ms, n, 3);
	printf(", ");
	figures_tell("level_db", level, n, 2);
	printf("}");
}

/* The note-on nearest to a moment; UINT64_MAX: none within a quarter of a second. */
static uint64_t note_near(const struct record *r, double at)
{
	uint64_t best = UINT64_MAX;
	double least = r->rate / 4.0;

	for (unsigned i = 0; i < r->n_notes; i++) {
		double d = fabs((double)r->note[i].at - at);

		if ((r->note[i].status & 0xf0) == 0x90 && d < least) {
			least = d;
			best = r->note[i].at;
		}
	}
	return best;
}

static void notes_tell(const struct record *r)
{
	double apart[PROBES_MAX], distance[PROBES_MAX], late[PROBES_MAX], db;
	unsigned n = 0, on = 0, off = 0;

	for (unsigned k = 0; k < r->n_probes; k++) {
		double at = heard_at(r, 0, k, &db);
		uint64_t note = at < 0 ? UINT64_MAX : note_near(r, at);

		if (note == UINT64_MAX)
			continue;
		apart[n] = ((double)note - at) * 1000 / r->rate;
		distance[n] = fabs(apart[n]);
		late[n] = ((double)note - (double)r->at[k]) * 1000 / r->rate;
		n++;
	}
	for (unsigned i = 0; i < r->n_notes; i++) {
		on += (r->note[i].status & 0xf0) == 0x90;
		off += (r->note[i].status & 0xf0) == 0x80;
	}
	printf(", \"notes\": {\"on\": %u, \"off\": %u, ", on, off);
	figures_tell("ms", late, n, 3);
	printf(", ");
	figures_tell("after_sound_ms", apart, n, 3);
	printf(", ");
	figures_tell("apart_ms", distance, n, 3);
	printf("}");
}

void record_tell(struct record *r, const struct options *o)
{
	FILE *raw = o->raw ? fopen(o->raw, "w") : NULL;

	printf("{\"rate\": %u, \"period\": %u, \"probes\": %u, \"xruns\": %u, \"jumps\": %llu, "
	       "\"jumped_smp\": %lld, ", r->rate, r->period,
	       r->n_probes, r->xruns, (unsigned long long)r->jumps, (long long)r->jumped_smp);
	us_tell("run_late_us", r->late_us, r->n_cycles);
	printf(", ");
	us_tell("wake_us", r->wake_us, r->n_cycles);
	printf(", \"ears\": [");
	for (unsigned i = 0; i < (o->self ? 1 : o->n_ears); i++)
		ear_tell(r, o, i, raw);
	printf("]");
	if (o->note_from)
		notes_tell(r);
	printf("}\n");
	if (raw)
		fclose(raw);
}
