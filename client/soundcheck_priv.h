/*
 * soundcheck_priv.h - what the two halves of a sound check share: soundcheck.c, one call after the other, and
 * soundcheck_rig.c, the engine and the card of each.
 */
#ifndef CLIENT_SOUNDCHECK_PRIV_H
#define CLIENT_SOUNDCHECK_PRIV_H

#include <stdatomic.h>
#include "device.h"
#include "mixer/card.h"
#include "soundcheck.h"

enum { SOUNDCHECK_RATE = 48000 };

/* What the device's thread has; the rest is the control thread's while that runs. */
struct rig_rt {
	struct card *card;
	_Atomic bool go;
	uint64_t n_in;
	float *heard;
	size_t n_heard, max;
};

struct soundcheck {
	struct soundcheck_conf conf;
	struct soundcheck_report report;
	struct mixer *mixer;
	struct bus *bus;
	struct card *card;
	struct device *device;
	struct joincall *call;
	struct rig_rt rt;
	struct leg_stats before;
	struct tmr tmr, tmr_next, tmr_poll;
	unsigned i;
	bool measuring;
	uint32_t jitter_max_us, buffer_us, rtt_us, peer_lost, n_polls, period;
	char why[128];
	soundcheck_step_h *steph;
	soundcheck_h *h;
	void *arg;
};

/* soundcheck_rig.c */
int  soundcheck_rig_open(struct soundcheck *s);
void soundcheck_rig_close(struct soundcheck *s);

#endif
