/*
 * recfile.h - one file of sound being written: floats in, Ogg/Opus or FLAC out, through GStreamer's encoders.
 *
 * Used by one thread, the recorder's, but for recfile_prepare. What is written can be played up to less than a second ago, whenever the
 * process dies. Every call may write to the disk. Nothing here makes a thread.
 */
#ifndef CONTROL_RECFILE_H
#define CONTROL_RECFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recfile;

enum recfile_kind { RECFILE_OPUS, RECFILE_FLAC };

/* Control thread, before there are threads that read the environment. Loads nothing. */
void recfile_prepare(void);

/* A new file, mode 0600, at 48 kHz. EEXIST; ENOTSUP: GStreamer or its plugin for this kind is not there; or an errno of open.
 * mem_deref closes it as it is; what recfile_finish would have written is missing. */
int  recfile_open(struct recfile **fp, const char *path, enum recfile_kind kind, unsigned channels);

/* n_smp more per channel, interleaved; NULL: silence. Over full scale is full scale. An errno of write (ENOSPC, EFBIG ...): then no more
 * goes into it. */
int  recfile_write(struct recfile *f, const float *smp, size_t n_smp);
int  recfile_flush(struct recfile *f);            /* what was written goes to the encoder */
int  recfile_finish(struct recfile *f);           /* the last of it, and the header's final form; ... then mem_deref */

/* FLAC of a process that died before recfile_finish: the length goes into its header, as far as its frames are whole. EALREADY: it is
 * there; ENODATA: not one frame; EBADMSG: not written by us. Any thread that may wait for the disk. */
int  recfile_mend(const char *path);

uint64_t recfile_bytes(const struct recfile *f);
const char *recfile_suffix(enum recfile_kind kind);       /* "opus", "flac" */

#endif
