/*
 * device_take.c - a file of what is played: WAV of floats, bit for bit, or FLAC; written on a thread of its own.
 *
 *     takefile_put_rt > ring > libsndfile, every NAP_MS
 *
 * The header of a WAV is brought up to date with every write, so that what was written before a crash can be played.
 * When the disk is so slow that the ring is full, frames are lost and counted, and silence takes their place as soon as
 * there is room, so that what follows is where it belongs in time.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <re.h>
#include <sndfile.h>
#include "mixer/ring.h"
#include "device_priv.h"

enum { RING_SMP = 1 << 17, CHUNK = 4096, NAP_MS = 20, PATH_SIZE = 512 };

struct frame { float ch[DEVICE_CH]; };

struct takefile {
	SNDFILE *f;
	struct ring *ring;
	pthread_t tid;
	bool running;
	atomic_bool stop;
	_Atomic uint64_t lost;
	uint64_t owed;            /* callback: lost ones that have not been filled with silence */
	uint64_t written;
	char path[PATH_SIZE];     /* as it was asked for */
	struct frame buf[CHUNK];
};

/* The last that has sound of ours in it, and how many there are by now. Control thread. */
static struct { char path[PATH_SIZE]; unsigned n; } before;

/* --- the callback's thread --- */

static void pay_rt(struct takefile *t, uint32_t n)
{
	static const struct frame silence;

	/* No more than as much again in one callback. */
	for (; t->owed && n && !ring_push(t->ring, &silence); n--)
		t->owed--;
}

void takefile_put_rt(struct takefile *t, const float *buf, uint32_t n)
{
	uint32_t i = 0;

	pay_rt(t, n);
	if (!t->owed)
		while (i < n && !ring_push(t->ring, &buf[i * DEVICE_CH]))
			i++;
	if (i < n) {
		t->owed += n - i;
		atomic_fetch_add_explicit(&t->lost, n - i, memory_order_relaxed);
	}
}

/* --- its own thread --- */

static void write_all(struct takefile *t)
{
	size_t n;

	do {
		for (n = 0; n < CHUNK && !ring_pop(t->ring, &t->buf[n]); n++)
			;
		t->written += n;
		if (n && sf_writef_float(t->f, t->buf[0].ch, (sf_count_t)n) != (sf_count_t)n)
			atomic_fetch_add_explicit(&t->lost, n, memory_order_relaxed);
	} while (n == CHUNK);
}

static void *writer_main(void *arg)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	struct takefile *t = arg;

	while (!t->stop) {
		write_all(t);
		nanosleep(&nap, NULL);
	}
	write_all(t);
	return NULL;
}

/* --- control thread --- */

static void remember(const struct takefile *t)
{
	if (strcmp(before.path, t->path))
		before.n = 0;
	str_ncpy(before.path, t->path, sizeof(before.path));
	before.n++;
}

static void destructor(void *arg)
{
	struct takefile *t = arg;

	t->stop = true;
	if (t->running)
		pthread_join(t->tid, NULL);
	if (t->written)
		remember(t);
	if (t->f)
		sf_close(t->f);
	mem_deref(t->ring);
}

static int format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	/* Past 4 GB (three hours) a WAV needs the longer header; a file that is shorter at its end becomes a plain one.
	 * */
	if (dot && !strcasecmp(dot, ".wav"))
		return SF_FORMAT_RF64 | SF_FORMAT_FLOAT;
	if (dot && !strcasecmp(dot, ".flac"))
		return SF_FORMAT_FLAC | SF_FORMAT_PCM_24;
	return 0;
}

/* The name, with a number before its end from the second on. Its format is known, so it has a dot. */
static void name_file(char *name, size_t size, const char *path)
{
	const char *dot = strrchr(path, '.');

	if (strcmp(before.path, path))
		str_ncpy(name, path, size);
	else
		re_snprintf(name, size, "%b-%u%s", path, (size_t)(dot - path), before.n + 1, dot);
}

static int open_sound(struct takefile *t, const char *path)
{
	SF_INFO info = {.samplerate = DEVICE_RATE, .channels = DEVICE_CH, .format = format_of(path)};
	char name[PATH_SIZE + 16];
	int err;

	if (!info.format)
		return device_why(EINVAL, "%s: a file to write ends in .wav or .flac", path);
	if (strlen(path) >= sizeof(t->path))
		return device_why(ENAMETOOLONG, "the name of the file to write is too long");
	str_ncpy(t->path, path, sizeof(t->path));
	name_file(name, sizeof(name), path);
	t->f = sf_open(name, SFM_WRITE, &info);
	if (!t->f) {
		err = errno ? errno : EIO;
		return device_why(err, "%s: %s", path, strerror(err));
	}
	sf_command(t->f, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
	sf_command(t->f, SFC_SET_UPDATE_HEADER_AUTO, NULL, SF_TRUE);
	sf_command(t->f, SFC_SET_CLIPPING, NULL, SF_TRUE);        /* of FLAC: what is too loud is not wrapped around */
	return 0;
}

int takefile_open(struct takefile **tp, const char *path)
{
	struct takefile *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return device_why(ENOMEM, "out of memory");
	err = open_sound(t, path);
	if (!err)
		err = ring_alloc(&t->ring, sizeof(struct frame), RING_SMP);
	if (!err)
		err = pthread_create(&t->tid, NULL, writer_main, t);
	t->running = !err;
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

uint64_t takefile_lost(const struct takefile *t)
{
	return atomic_load_explicit(&t->lost, memory_order_relaxed);
}
