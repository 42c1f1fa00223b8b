/*
 * device_play.c - a file that is played beside or instead of a card: read and brought to 48 kHz on a thread of its own.
 *
 *     file > libsndfile > two channels > libsamplerate, unless it is 48 kHz > ring > playfile_add_rt
 *
 * The ring holds RING_SMP frames. What fits in it has been read when the file is opened, so that the first callback
 * finds it, and a file that is shorter is played whole however slow the disk is. After that the thread looks every
 * NAP_MS. Of a file with more than two channels the first two are played; mono is on both.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include <samplerate.h>
#include <sndfile.h>
#include "mixer/ring.h"
#include "device_priv.h"

enum { RING_SMP = 1 << 17, CHUNK = 2048, NAP_MS = 20, CH_MAX = 64 };
enum { RATE_MIN = 4000, RATE_MAX = 384000, RATIO_MAX = DEVICE_RATE / RATE_MIN };

struct frame { float ch[DEVICE_CH]; };

struct playfile {
	SNDFILE *f;
	SF_INFO info;
	SRC_STATE *src;           /* NULL: it is at 48 kHz */
	double ratio;
	bool loop;
	struct ring *ring;
	pthread_t tid;
	bool running;
	atomic_bool stop;
	atomic_bool at_end;       /* reader: no frame comes any more */
	atomic_bool ended;        /* callback: and all have been played */
	_Atomic uint64_t lost;
	float raw[CHUNK * CH_MAX], two[CHUNK * DEVICE_CH];
	float done[(CHUNK * RATIO_MAX + 64) * DEVICE_CH];
	size_t n_done, next;      /* of done: frames there, and the next that goes into the ring */
};

/* --- the callback's thread --- */

void playfile_add_rt(struct playfile *p, float *buf, uint32_t n)
{
	const bool at_end = atomic_load_explicit(&p->at_end, memory_order_acquire);
	struct frame fr;

	for (uint32_t i = 0; i < n; i++) {
		if (ring_pop(p->ring, &fr)) {
			if (at_end)
				atomic_store_explicit(&p->ended, true, memory_order_relaxed);
			else
				atomic_fetch_add_explicit(&p->lost, n - i, memory_order_relaxed);
			return;
		}
		buf[i * DEVICE_CH]     += fr.ch[0];
		buf[i * DEVICE_CH + 1] += fr.ch[1];
	}
}

/* --- its own thread --- */

static void to_two(struct playfile *p, size_t n)
{
	const size_t ch = (size_t)p->info.channels;

	for (size_t i = 0; i < n; i++) {
		p->two[i * DEVICE_CH]     = p->raw[i * ch];
		p->two[i * DEVICE_CH + 1] = p->raw[i * ch + (ch > 1)];
	}
}

/* n 0: the end, what is still in the filter comes out. */
static size_t to_rate(struct playfile *p, size_t n)
{
	SRC_DATA data = {
		.data_in = p->two, .input_frames = (long)n, .src_ratio = p->ratio, .end_of_input = !n,
		.data_out = p->done, .output_frames = (long)(sizeof(p->done) / sizeof(*p->done) / DEVICE_CH),
	};

	if (!p->src) {
		memcpy(p->done, p->two, n * DEVICE_CH * sizeof(float));
		return n;
	}
	return src_process(p->src, &data) ? 0 : (size_t)data.output_frames_gen;
}

static size_t read_chunk(struct playfile *p)
{
	sf_count_t n = sf_readf_float(p->f, p->raw, CHUNK);

	if (n <= 0 && p->loop && sf_seek(p->f, 0, SEEK_SET) == 0)
		n = sf_readf_float(p->f, p->raw, CHUNK);
	return n > 0 ? (size_t)n : 0;
}

/* The next frames into `done`. false: the end has been reached. */
static bool refill(struct playfile *p)
{
	const size_t n = read_chunk(p);

	to_two(p, n);
	p->n_done = to_rate(p, n);
	p->next = 0;
	return n || p->n_done;
}

static void fill_ring(struct playfile *p)
{
	while (!p->at_end) {
		for (; p->next < p->n_done; p->next++)
			if (ring_push(p->ring, &p->done[p->next * DEVICE_CH]))
				return;
		if (!refill(p))
			atomic_store_explicit(&p->at_end, true, memory_order_release);
	}
}

static void *reader_main(void *arg)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	struct playfile *p = arg;

	while (!p->stop && !p->at_end) {
		fill_ring(p);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* --- control thread --- */

static void destructor(void *arg)
{
	struct playfile *p = arg;

	p->stop = true;
	if (p->running)
		pthread_join(p->tid, NULL);
	if (p->f)
		sf_close(p->f);
	if (p->src)
		src_delete(p->src);
	mem_deref(p->ring);
}

static int open_sound(struct playfile *p, const char *path)
{
	p->f = sf_open(path, SFM_READ, &p->info);
	if (!p->f) {
		const int err = sf_error(NULL) == SF_ERR_SYSTEM && errno ? errno : EBADMSG;

		return device_why(err, "%s: %s", path, err == EBADMSG ? "no sound that can be read" : strerror(err));
	}
	if (p->info.channels < 1 || p->info.channels > CH_MAX || p->info.samplerate < RATE_MIN ||
	    p->info.samplerate > RATE_MAX)
		return device_why(EBADMSG, "%s: %d channels at %d Hz", path, p->info.channels, p->info.samplerate);
	if (p->info.frames <= 0)
		return device_why(EBADMSG, "%s: no sound in it", path);
	return 0;
}

static int open_src(struct playfile *p)
{
	int err = 0;

	if (p->info.samplerate == DEVICE_RATE)
		return 0;
	p->ratio = (double)DEVICE_RATE / p->info.samplerate;
	p->src = src_new(SRC_SINC_MEDIUM_QUALITY, DEVICE_CH, &err);
	return p->src ? 0 : device_why(ENOMEM, "%s", src_strerror(err));
}

int playfile_open(struct playfile **pp, const char *path, bool loop)
{
	struct playfile *p = mem_zalloc(sizeof(*p), destructor);
	int err;

	if (!p)
		return device_why(ENOMEM, "out of memory");
	p->loop = loop;
	err = open_sound(p, path);
	if (!err)
		err = open_src(p);
	if (!err)
		err = ring_alloc(&p->ring, sizeof(struct frame), RING_SMP);
	if (err)
		goto out;
	fill_ring(p);
	if (!p->at_end) {
		err = pthread_create(&p->tid, NULL, reader_main, p);
		p->running = !err;
	}
out:
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

bool playfile_ended(const struct playfile *p)
{
	return atomic_load_explicit(&p->ended, memory_order_relaxed);
}

uint64_t playfile_lost(const struct playfile *p)
{
	return atomic_load_explicit(&p->lost, memory_order_relaxed);
}
