/*
 * device.h - a running sound device: JACK, ALSA, files, a tone, or nothing; all of them call back once a period.
 *
 * Owner: who opened it. The callback runs on the device's own thread and may do what _rt functions may. mem_deref stops
 * it and waits for the callback to end.
 */
#ifndef CLIENT_DEVICE_H
#define CLIENT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct device;
struct midiwire;

enum { DEVICE_INPUTS_MAX = 8, DEVICE_PERIOD_MAX = 4096 };

/* in, out: n frames, two channels interleaved, 48 kHz. at_us: CLOCK_MONOTONIC of the period's first sample. */
typedef void (device_turn_h)(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg);

struct device_conf {
	const char *driver;       /* "jack", "alsa", "file", "tone", "null"; "auto": JACK, ALSA, or null and why */
	const char *device;       /* of ALSA: "default", "hw:1"; of JACK: the server's name; "": the usual one */
	const char *name;         /* of the JACK client, "tutti-join" */
	unsigned inputs;          /* 1 to DEVICE_INPUTS_MAX; more than two are laid from left to right */
	uint32_t period;          /* frames; 0: JACK's, and of ALSA the smallest that runs clean */
	bool     connect;         /* JACK: to the first capture and playback ports */
	const char *in_file, *out_file;   /* WAV or FLAC, beside whatever card there is; NULL: none */
	bool     loop;            /* in_file over and over */
	bool     hold;            /* in_file waits for device_play */
	float    tone_hz;         /* of "tone" */
	struct midiwire *midi;    /* JACK MIDI ports too; NULL: none */
	device_turn_h *turnh;
	void    *arg;
};

/* *why: what is wrong, in words, or what is to be told although it runs (auto found nothing); "": nothing. Valid until
 * the next device_open. Control thread. ENODEV: no such device; ENOTSUP: not built in, or not at 48 kHz; EINVAL, ENOENT
 * and the like: a file. */
int  device_open(struct device **dp, const char **why, const struct device_conf *conf);

struct device_info {
	const char *driver;
	char     device[128];
	uint32_t rate, period;
	/* Of a period's first sample: from the air to at_us of its callback, and from there to the air, as the driver
	 * says. So a period is part of it, as it is in the device. What is no sound in the air (files, tones; JACK's
	 * ports without a connection) has 0. */
	uint32_t capture_us, playback_us;
	uint64_t xruns;
	bool     in_ended;        /* in_file has been played to its end */
	bool     gone;            /* the device or its server has gone away */
	bool     realtime;        /* the callback's thread has a real-time priority */
	uint64_t file_lost_smp;   /* of in_file and out_file: the disk was too slow */
};
void device_info(const struct device *d, struct device_info *info);

/* in_file begins with the next callback, if it was held: when there is somebody to hear it. Control thread. */
void device_play(struct device *d);

/* Drivers and the devices they find, as lines for people. */
void device_list(FILE *f);

#endif
