/*
 * device_timer.c - devices without a card, turned by the clock: nothing, a tone, files.
 *
 * A thread waits for absolute deadlines on CLOCK_MONOTONIC: the period k begins at start + k periods, so lateness never
 * adds up. A thread that comes too late is treated as a card would treat it: the periods that were missed are left out
 * and counted as an xrun, nothing is made up for. It may come later than with a card (LATE_US), as nobody is there to
 * hear it. What the callback is told is the deadline, not the moment at which the thread woke up.
 *
 * Sound goes through no air here: capture and playback take no time. The tone is an input, on both channels; with the
 * driver "file" the files of device.c are all there is.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include "device_priv.h"

enum { LATE_US = 20000 };

static const float TONE_PEAK = 0.1f;      /* -20 dBFS: a musician's level */

struct timer_device {
	struct device *d;
	pthread_t tid;
	bool running;
	atomic_bool stop;
	uint32_t period;
	double step, phase;       /* of the tone, in radians; step 0: none */
	float tone[DEVICE_PERIOD_MAX];
};

static void sleep_until_rt(uint64_t ns)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void tone_rt(struct timer_device *t)
{
	for (uint32_t i = 0; i < t->period; i++) {
		t->tone[i] = TONE_PEAK * (float)sin(t->phase);
		t->phase += t->step;
	}
	t->phase = fmod(t->phase, 2 * M_PI);
}

static void turn_rt(struct timer_device *t, uint64_t at_us)
{
	struct device_sound sound = {.in_step = 1, .out_step = 1};

	if (t->step > 0) {
		tone_rt(t);
		sound.in[0] = t->tone;
	}
	device_turn_rt(t->d, &sound, t->period, at_us);
}

static uint64_t smp_ns(uint64_t n_smp)
{
	return n_smp / DEVICE_RATE * 1000000000 + n_smp % DEVICE_RATE * 1000000000 / DEVICE_RATE;
}

static void *timer_main(void *arg)
{
	struct timer_device *t = arg;
	uint64_t start_ns = device_now_us() * 1000, smp = 0;

	while (!t->stop) {
		const uint64_t due_ns = start_ns + smp_ns(smp);
		uint64_t now_ns;

		sleep_until_rt(due_ns);
		now_ns = device_now_us() * 1000;
		if (now_ns > due_ns + LATE_US * 1000ull) {
			start_ns += now_ns - due_ns;
			atomic_fetch_add_explicit(&t->d->xruns, 1, memory_order_relaxed);
		}
		turn_rt(t, (start_ns + smp_ns(smp)) / 1000);
		smp += t->period;
	}
	return NULL;
}

static void destructor(void *arg)
{
	struct timer_device *t = arg;

	t->stop = true;
	if (t->running)
		pthread_join(t->tid, NULL);
}

static int timer_open(struct device *d)
{
	struct timer_device *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return device_why(ENOMEM, "out of memory");
	t->d = d;
	t->period = d->conf.period ? d->conf.period : DEVICE_PERIOD_DEF;
	if (d->driver == &device_tone)
		t->step = 2 * M_PI * (double)d->conf.tone_hz / DEVICE_RATE;
	d->state = t;
	d->period = t->period;
	d->conf.inputs = 1;       /* in the middle */
	d->pan[0][0] = d->pan[0][1] = 1.0f;
	err = device_thread(&t->tid, &d->realtime, timer_main, t);
	t->running = !err;
	return err ? device_why(err, "no thread: %s", strerror(err)) : 0;
}

static int tone_open(struct device *d)
{
	const float hz = d->conf.tone_hz;

	if (!(hz > 0 && hz < (float)DEVICE_RATE / 2))
		return device_why(EINVAL, "a tone is over 0 and under %d Hz", DEVICE_RATE / 2);
	re_snprintf(d->label, sizeof(d->label), "%.1f Hz", (double)hz);
	return timer_open(d);
}

static int file_open(struct device *d)
{
	if (!d->play && !d->take)
		return device_why(EINVAL, "the driver \"file\" wants a file to play or a file to write");
	return timer_open(d);
}

const struct device_driver device_file = {.name = "file", .what = "plays a file, writes another", .openh = file_open};
const struct device_driver device_tone = {.name = "tone", .what = "a sine", .openh = tone_open};
const struct device_driver device_null = {.name = "null", .what = "silence", .openh = timer_open};
