/*
 * beat.h - the beat of a room as a function of the sample count that all rooms share. Pure; a value, copied between threads.
 *
 *     smp   ----|-------|-------|-------|-----|-----|----->
 *     beat      0       1       2       3     4     5          a new tempo begins with a beat, and so does a new bar length
 *     bar       0.0     0.1     0.2     0.3   1.0   1.1
 *               before..........................now
 *
 * Beat n of a run is at its first sample + n * 60 * 48000 / bpm, rounded down, so that nothing adds up however long it runs. A
 * change of tempo holds from the first beat that is at least `lead_smp` away, so that everybody knows of it in time;
 * until then the run before it goes on, which is why there are two.
 */
#ifndef MIXER_BEAT_H
#define MIXER_BEAT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BEAT_MBPM_MIN = 20000, BEAT_MBPM_MAX = 400000, BEAT_MBPM = 120000,        /* thousandths of a beat a minute */
	BEAT_BAR_MAX = 32, BEAT_BAR = 4,
	BEAT_LEAD_SMP = 48000 / 20,
	BEAT_CLOCKS = 24,         /* MIDI: "24 timing clocks per quarter note" */
};

struct beat_run {
	uint64_t at_smp;          /* of its first beat, */
	uint64_t beat, bar;       /* which is this one, in this bar, */
	uint8_t  in_bar;          /* at this place */
	uint8_t  per_bar;
	uint32_t mbpm;
};

struct beat {
	bool running;
	uint32_t lead_smp;        /* of a change of tempo; BEAT_LEAD_SMP, or more where clicks are heard ahead */
	uint64_t stop_smp;        /* while it does not: no beat from here on, only those of the run before */
	struct beat_run now;
	struct beat_run before;   /* holds until now.at_smp; mbpm 0: there is none */
};

struct beat_point {
	uint64_t smp;
	uint64_t beat, bar;       /* while it is counted in they are negative, as int64_t */
	uint8_t  in_bar, per_bar;
	uint32_t mbpm;
	uint32_t pulse;           /* of the beat; 0: the beat itself */
};

void beat_init(struct beat *b);
/* Beat 0 of bar 0 at that sample; or the one after those that were. */
void beat_start(struct beat *b, uint64_t at_smp);
/* The same, with so many bars before bar 0: its beats are heard, and numbered -1 at the last. */
void beat_count_in(struct beat *b, uint64_t at_smp, uint8_t bars);
void beat_continue(struct beat *b, uint64_t at_smp);
void beat_stop(struct beat *b, uint64_t now_smp);
/* EINVAL: out of range. */
int  beat_tempo(struct beat *b, uint64_t now_smp, uint32_t mbpm, uint8_t per_bar);

/* The first of `pulses` to a beat (1: the beats themselves) at or after that sample. false: there is none. */
bool beat_next(struct beat_point *p, const struct beat *b, uint64_t smp, uint32_t pulses);

#endif
