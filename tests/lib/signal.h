/*
 * signal.h - sounds for tests, and sound judged in numbers.
 *
 * Mono float, full scale +-1.0. Levels are dB of the mean square: a full-scale sine is -3.01 dB, as in RFC 6464. All of
 * it is a function of its arguments alone; noise takes a seed that it moves on, so calls can follow each other.
 */
#ifndef TESTS_LIB_SIGNAL_H
#define TESTS_LIB_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

/* Samples first .. first+n-1 of an endless sine that begins at 0: blocks fit together. `peak` is its amplitude. */
void signal_sine(float *smp, size_t n, size_t first, double srate, double hz, double peak);
void signal_chirp(float *smp, size_t n, double srate, double hz_from, double hz_to, double peak);
void signal_noise(float *smp, size_t n, uint32_t *seed, double rms);     /* white, uniform */
/* Syllables of 120 to 280 ms, a gliding pitch with formants, pauses of 60 to 250 ms. `peak` of the loudest syllable is
 * reached, the softest are 12 dB under it. */
void signal_speech(float *smp, size_t n, double srate, uint32_t *seed, double peak);

double signal_level_db(const float *smp, size_t n);                      /* -200 for silence */
/* Amplitude of the tone at hz (Goertzel under a Hann window, so other tones 4 * srate / n away do not leak in). */
double signal_tone_peak(const float *smp, size_t n, double srate, double hz);
/* Power of the best-fit sine at hz over the power of what is left (a constant offset counts as noise). */
double signal_snr_db(const float *smp, size_t n, double srate, double hz);
/* Longest run of samples under the threshold. A sine under which it is 0.1 of the peak has runs of 3 % of a period. */
size_t signal_gap(const float *smp, size_t n, double threshold);
/* By how many samples (0 .. max) `smp` is behind `ref`: the lag of the best correlation over the first n - max. */
size_t signal_delay(const float *smp, const float *ref, size_t n, size_t max);
/* Clicks: places (5 ms apart or more) whose second difference is over `ratio` times the median one. A sine has 1.42, so
 * ratio 3 finds a step of a few hundredths of it; noise and speech want 12 or more. */
size_t signal_clicks(const float *smp, size_t n, double srate, double ratio);
/* Largest jump of the phase of the tone at hz from one 10 ms window to the next, in radians: sees a dropped or repeated
 * frame even where its joint is smooth. */
double signal_phase_jump(const float *smp, size_t n, double srate, double hz);

#endif
