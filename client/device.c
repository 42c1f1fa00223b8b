/*
 * device.c - a sound device by its name, and what all have in common: inputs laid from left to right, files beside the
 * card.
 *
 *     driver's thread > device_turn_rt > inputs to two channels > + in_file > turnh > out_file < > driver's outputs
 *
 * A driver brings its samples as pointers with a step, so that JACK's ports (a block each) and ALSA's frames
 * (interleaved) go through one loop. Where a period is longer than the callback takes (DEVICE_PERIOD_MAX) it is cut.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include "device.h"
#include "device_priv.h"

enum { PRIORITY = 60, STACK = 1024 * 1024 };

static const struct device_driver *const drivers[] = {
#if HAVE_JACK
	&device_jack,
#endif
#if HAVE_ALSA
	&device_alsa,
#endif
	&device_file, &device_tone, &device_null,
};

/* Of each thread its own: ALSA's opens again by itself, and nobody asks why. */
static _Thread_local char why_text[256];

int device_why(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why_text, sizeof(why_text), fmt, ap);
	va_end(ap);
	return err;
}

const char *device_words(void)
{
	why_text[0] = '\0';
	return why_text;
}

uint64_t device_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int device_thread(pthread_t *tid, atomic_bool *realtime, void *(*run)(void *), void *arg)
{
	struct sched_param prio = {.sched_priority = PRIORITY};
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &prio);
	*realtime = true;         /* before it begins, as it may look */
	err = pthread_create(tid, &attr, run, arg);
	if (err) {
		*realtime = false;
		pthread_attr_setinheritsched(&attr, PTHREAD_INHERIT_SCHED);
		err = pthread_create(tid, &attr, run, arg);
	}
	pthread_attr_destroy(&attr);
	return err;
}

/* --- the driver's thread --- */

static void mix_input_rt(float *buf, const float *in, uint32_t step, const float pan[DEVICE_CH], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		buf[i * DEVICE_CH]     += in[i * step] * pan[0];
		buf[i * DEVICE_CH + 1] += in[i * step] * pan[1];
	}
}

static void turn_part_rt(struct device *d, const struct device_sound *s, uint32_t from, uint32_t n, uint64_t at_us)
{
	memset(d->rt.in, 0, n * DEVICE_CH * sizeof(float));
	for (unsigned i = 0; i < d->conf.inputs; i++)
		if (s->in[i])
			mix_input_rt(d->rt.in, s->in[i] + (size_t)from * s->in_step, s->in_step, d->pan[i], n);
	if (d->play && d->playing)
		playfile_add_rt(d->play, d->rt.in, n);
	d->conf.turnh(d->rt.in, d->rt.out, n, at_us, d->conf.arg);
	if (d->take)
		takefile_put_rt(d->take, d->rt.out, n);
	for (unsigned ch = 0; ch < DEVICE_CH; ch++)
		for (uint32_t i = 0; s->out[ch] && i < n; i++)
			s->out[ch][(size_t)(from + i) * s->out_step] = d->rt.out[i * DEVICE_CH + ch];
}

void device_turn_rt(struct device *d, const struct device_sound *s, uint32_t n, uint64_t at_us)
{
	for (uint32_t from = 0; from < n; from += DEVICE_PERIOD_MAX) {
		const uint32_t part = n - from < DEVICE_PERIOD_MAX ? n - from : DEVICE_PERIOD_MAX;

		turn_part_rt(d, s, from, part, at_us + device_smp_us(from));
	}
}

/* --- control thread --- */

static void destructor(void *arg)
{
	struct device *d = arg;

	mem_deref(d->state);
	mem_deref(d->play);
	mem_deref(d->take);
}

/* As a balance knob: what is in the middle is as loud on both sides as it came, so that one input is heard unchanged on
 * both. */
static void pan_inputs(struct device *d)
{
	const unsigned n = d->conf.inputs;

	for (unsigned i = 0; i < n; i++) {
		const float place = n > 1 ? (float)i / (float)(n - 1) : 0.5f;

		d->pan[i][0] = place < 0.5f ? 1.0f : 2.0f - 2.0f * place;
		d->pan[i][1] = place > 0.5f ? 1.0f : 2.0f * place;
	}
}

static bool conf_valid(const struct device_conf *c)
{
	return c && c->turnh && c->driver && c->inputs >= 1 && c->inputs <= DEVICE_INPUTS_MAX &&
	       c->period <= DEVICE_PERIOD_MAX;
}

static int device_make(struct device **dp, const struct device_conf *conf, const struct device_driver *driver)
{
	struct device *d = mem_zalloc(sizeof(*d), destructor);

	if (!d)
		return ENOMEM;
	d->conf = *conf;
	d->driver = driver;
	str_ncpy(d->device, conf->device ? conf->device : "", sizeof(d->device));
	str_ncpy(d->name, conf->name && *conf->name ? conf->name : "tutti-join", sizeof(d->name));
	d->conf.device = d->device;
	d->conf.name = d->name;
	d->playing = !conf->hold;
	pan_inputs(d);
	*dp = d;
	return 0;
}

static int open_files(struct device *d)
{
	int err = 0;

	if (d->conf.in_file)
		err = playfile_open(&d->play, d->conf.in_file, d->conf.loop);
	if (!err && d->conf.out_file)
		err = takefile_open(&d->take, d->conf.out_file);
	d->conf.in_file = d->conf.out_file = NULL;        /* whose they are may go */
	return err;
}

static int open_with(struct device **dp, const struct device_conf *conf, const struct device_driver *driver)
{
	struct device *d;
	int err = device_make(&d, conf, driver);

	if (err)
		return err;
	err = open_files(d);
	if (!err)
		err = driver->openh(d);
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

static const struct device_driver *driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strcmp(drivers[i]->name, name))
			return drivers[i];
	return NULL;
}

/* The cards, best first. A file that cannot be opened is none the sooner with another driver. */
static int open_auto(struct device **dp, const struct device_conf *conf)
{
	static const char *const cards[] = {"jack", "alsa"};
	char said[sizeof(why_text)] = "";
	int err = ENODEV;

	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		const struct device_driver *driver = driver_find(cards[i]);

		if (!driver)
			continue;
		err = open_with(dp, conf, driver);
		if (err != ENODEV && err != ENOTSUP)
			return err;
		if (strlen(said) + strlen(why_text) + 3 < sizeof(said))
			re_snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s", *said ? "; " : "",
			            why_text);
	}
	err = open_with(dp, conf, &device_null);
	if (!err)
		device_why(0, "no sound is played or taken: %s", *said ? said : "built without JACK and ALSA");
	return err;
}

static bool driver_known(const char *name)
{
	return !strcmp(name, "jack") || !strcmp(name, "alsa");
}

int device_open(struct device **dp, const char **why, const struct device_conf *conf)
{
	const struct device_driver *driver;

	if (!dp || !why || !conf_valid(conf))
		return EINVAL;
	*why = device_words();
	if (!strcmp(conf->driver, "auto"))
		return open_auto(dp, conf);
	driver = driver_find(conf->driver);
	if (driver)
		return open_with(dp, conf, driver);
	if (driver_known(conf->driver))
		return device_why(ENOTSUP, "this program was built without %s", conf->driver);
	return device_why(EINVAL, "no such driver: %s", conf->driver);
}

void device_info(const struct device *d, struct device_info *info)
{
	if (d->driver->askh && !d->gone)
		d->driver->askh((struct device *)d);
	memset(info, 0, sizeof(*info));
	info->driver = d->driver->name;
	str_ncpy(info->device, d->label, sizeof(info->device));
	info->rate = DEVICE_RATE;
	info->period = d->period;
	info->capture_us = d->capture_us;
	info->playback_us = d->playback_us;
	info->xruns = d->xruns;
	info->in_ended = d->play && playfile_ended(d->play);
	info->gone = d->gone;
	info->realtime = d->realtime;
	info->file_lost_smp = (d->play ? playfile_lost(d->play) : 0) + (d->take ? takefile_lost(d->take) : 0);
}

void device_play(struct device *d)
{
	d->playing = true;
}

void device_list(FILE *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		fprintf(f, "%-5s  %s\n", drivers[i]->name, drivers[i]->what);
		if (drivers[i]->listh)
			drivers[i]->listh(f);
	}
}
