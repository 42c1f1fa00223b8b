/*
 * manifest.h - what a recording is, as a JSON file beside its sound: who, when, at which sample, what is missing.
 *
 * All places count samples at 48 kHz on the recording's own time, which begins at 0 and stands still while it is paused. The file is
 * written beside and renamed: it is always whole. Used by the recorder's thread, and on the control thread at the start.
 */
#ifndef CONTROL_MANIFEST_H
#define CONTROL_MANIFEST_H

#include <re.h>
#include "command.h"

#define MANIFEST_OPEN UINT64_MAX         /* a place that is not there yet */

enum { MANIFEST_GAPS_MAX = 10000, MANIFEST_MUTES_MAX = 1000, MANIFEST_NAME_MAX = 32 };

struct manifest_gap {
	uint64_t at, samples;
	const char *why;          /* "paused", "empty", "late", "full", "stalled" */
	bool filled;              /* with silence; else what came after follows at once */
};

struct manifest_span { uint64_t from, to; };

struct manifest_member {
	struct le le;
	uint32_t id;
	uint64_t leg;
	char uri[256], name[128];
	enum role role;
	uint64_t joined, left;
	bool muted;
	struct manifest_span *mutes;
	size_t n_mutes, mutes_size;
	uint64_t mutes_more;      /* that are not in it */
	char file[MANIFEST_NAME_MAX];     /* "": none */
	const char *no_file;      /* why; NULL: it was not heard */
	unsigned channels;
	uint64_t offset, samples; /* of the file */
};

struct manifest {
	char id[33], room[64], by[128];
	const char *state;        /* as in store.h */
	const char *why;          /* it ended; "" */
	const char *codec;        /* "opus", "flac" */
	uint64_t started_ms, ended_ms;    /* ended 0: not yet */
	uint64_t samples;
	char mix[MANIFEST_NAME_MAX];
	unsigned mix_channels;
	struct list members;      /* struct manifest_member, in order of joining */
	struct manifest_gap *gaps;
	size_t n_gaps, gaps_size;
	uint64_t gaps_more;
};

void manifest_init(struct manifest *m);
void manifest_clear(struct manifest *m);                  /* frees what is in it */
int  manifest_member_add(struct manifest_member **mp, struct manifest *m, uint64_t leg);
int  manifest_mute(struct manifest_member *mb, uint64_t at, bool on);     /* said again: nothing */
int  manifest_gap(struct manifest *m, const struct manifest_gap *gap);

int  manifest_print(struct mbuf *mb, const struct manifest *m);
int  manifest_write(const struct manifest *m, const char *dir);   /* DIR/manifest.json */
/* The process that wrote it has died: "running" and "paused" become "cut". EALREADY: it had ended; EBADMSG: none of ours. */
int  manifest_cut(const char *dir);
/* All of `recordings`, a folder of such folders, that had not ended; how many. h: for each of them, may be NULL. */
typedef void (manifest_cut_h)(const char *dir, void *arg);
unsigned manifest_cut_all(const char *recordings, manifest_cut_h *h, void *arg);

#endif
