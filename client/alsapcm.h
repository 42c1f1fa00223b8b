/*
 * alsapcm.h - the two directions of an ALSA device, opened at 48 kHz: for device_alsa.
 */
#ifndef CLIENT_ALSAPCM_H
#define CLIENT_ALSAPCM_H

#include <stdbool.h>
#include <stdint.h>
#include <alsa/asoundlib.h>
#include "pcmformat.h"

enum { ALSAPCM_CH_MAX = 64, ALSAPCM_PERIOD_MAX = 4096 };

struct alsapcm {
	snd_pcm_t *h;             /* NULL: there is none */
	const struct pcmformat *format;
	unsigned ch;
	uint32_t period, buffer;
	uint8_t *raw;             /* a period of the card's samples, interleaved; and the same as float */
	float *smp;
};

/* channels: wanted; it may have become others. Returns 0, or an errno with words in device_why. */
int  alsapcm_open(struct alsapcm *p, const char *name, bool capture, unsigned channels, uint32_t period);
void alsapcm_close(struct alsapcm *p);

/* n frames at most a period, waiting for them; a negative error of ALSA's, -ETIMEDOUT when the device stands still. */
int  alsapcm_read_rt(struct alsapcm *p, uint32_t n);      /* to smp */
int  alsapcm_write_rt(struct alsapcm *p, uint32_t n);     /* from smp */
int  alsapcm_wait_rt(struct alsapcm *p);

#endif
