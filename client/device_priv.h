/*
 * device_priv.h - what the drivers share: the device they turn, and how.
 *
 * A driver's open fills rate, period, label and state, and starts the thread that calls device_turn_rt. Its state is a
 * mem object whose destructor stops that thread and waits for it: from then on nothing is called.
 */
#ifndef CLIENT_DEVICE_PRIV_H
#define CLIENT_DEVICE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include "device.h"

enum { DEVICE_RATE = 48000, DEVICE_CH = 2, DEVICE_PERIOD_DEF = 64 };

struct playfile;
struct takefile;

struct device_driver {
	const char *name;
	const char *what;         /* for device_list */
	int  (*openh)(struct device *d);
	void (*listh)(FILE *f);   /* the devices it finds, or NULL */
	void (*askh)(struct device *d);           /* control thread: latencies are asked anew, or NULL */
};

extern const struct device_driver device_jack, device_alsa, device_file, device_tone, device_null;

struct device {
	struct device_conf conf;
	char device[128], name[64];               /* conf's, copied */
	const struct device_driver *driver;
	void *state;              /* of the driver; ends first */
	struct playfile *play;
	struct takefile *take;
	char label[128];
	float pan[DEVICE_INPUTS_MAX][DEVICE_CH];
	_Atomic uint32_t period, capture_us, playback_us;
	_Atomic uint64_t xruns;
	atomic_bool gone, realtime, playing;
	struct {
		float in[DEVICE_PERIOD_MAX * DEVICE_CH], out[DEVICE_PERIOD_MAX * DEVICE_CH];
	} rt;
};

/* --- device.c --- */

/* in[i]: n samples each of conf.inputs (a NULL is silence), `step` floats from one to the next; out likewise for two
 * channels. Any n. */
struct device_sound { const float *in[DEVICE_INPUTS_MAX]; float *out[DEVICE_CH]; uint32_t in_step, out_step; };
void device_turn_rt(struct device *d, const struct device_sound *s, uint32_t n, uint64_t at_us);

/* Words for people, in the one place that *why points to. Returns err. */
int  device_why(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* That place, now empty. */
const char *device_words(void);
uint64_t device_now_us(void);
/* With SCHED_FIFO where that is allowed; *realtime says so. */
int  device_thread(pthread_t *tid, atomic_bool *realtime, void *(*run)(void *), void *arg);

static inline uint32_t device_smp_us(uint64_t n_smp)
{
	return (uint32_t)(n_smp * 1000000 / DEVICE_RATE);
}

/* --- device_play.c, device_take.c: files, on a thread of their own --- */

/* The file's first seconds have been read when it returns. errno of the system, EBADMSG: no sound in it. */
int  playfile_open(struct playfile **pp, const char *path, bool loop);
/* Adds n frames to buf. */
void playfile_add_rt(struct playfile *p, float *buf, uint32_t n);
bool playfile_ended(const struct playfile *p);
uint64_t playfile_lost(const struct playfile *p);

int  takefile_open(struct takefile **tp, const char *path);
void takefile_put_rt(struct takefile *t, const float *buf, uint32_t n);
uint64_t takefile_lost(const struct takefile *t);

#endif
