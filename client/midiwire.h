/*
 * midiwire.h - MIDI between a device's thread and the control thread, with times: two rings.
 *
 *     device > midiwire_came_rt > ring > control: midiwire_take
 *     control: midiwire_play > ring > midiwire_due_rt > device, at its moment
 *
 * An event is one whole MIDI message, status first. There is one device side: JACK or ALSA.
 */
#ifndef CLIENT_MIDIWIRE_H
#define CLIENT_MIDIWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MIDIWIRE_MAX = 1024 };     /* octets of an event; longer SysEx is left out and counted */

struct midiwire_event { uint64_t at_us; uint16_t len; uint8_t data[MIDIWIRE_MAX]; };      /* CLOCK_MONOTONIC */

struct midiwire;

int  midiwire_alloc(struct midiwire **wp);
int  midiwire_fd(const struct midiwire *w);               /* readable when there is something to take */
/* device's thread */
void midiwire_came_rt(struct midiwire *w, uint64_t at_us, const uint8_t *data, size_t len);
/* The next event that is due before `before_us`; NULL: none. Valid until the next call. In order of their times, and
 * those of one moment in the order in which they were played. */
const struct midiwire_event *midiwire_due_rt(struct midiwire *w, uint64_t before_us);
/* When the next is due; UINT64_MAX: nothing waits. */
uint64_t midiwire_next_us_rt(struct midiwire *w);
/* For a device that sleeps: readable (8 octets) after midiwire_play. */
int  midiwire_bell_fd(const struct midiwire *w);
/* What was due could not be played: it is not `out` but `dropped`. */
void midiwire_refused_rt(struct midiwire *w);
/* control thread */
bool midiwire_take(struct midiwire *w, struct midiwire_event *ev);
/* ENOSPC: too many wait. EINVAL: no octets, or too many. Both are counted. */
int  midiwire_play(struct midiwire *w, uint64_t at_us, const uint8_t *data, size_t len);

/* dropped: too long, or nobody took them in time, either way. */
struct midiwire_stats { uint64_t in, out, dropped; };
void midiwire_stats(const struct midiwire *w, struct midiwire_stats *s);

#endif
