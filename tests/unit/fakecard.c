/*
 * fakecard.c - a card for ALSA's library that is no card: a plugin which test-device_alsa names in its configuration.
 *
 *     pcm.NAME { type fakecard  rate 48000  channels 2  clean 0  gone 0 }
 *
 * It has no clock: a period is always there to be read, and room for one to be written, so nothing depends on the
 * machine's pace. What it takes is a constant on each channel, 1/4, 1/2, 3/4, 1 of full scale. With a period under
 * `clean` it has an xrun after every 400 ms of sound. After `gone` samples its plug is pulled. It takes S16 and nothing
 * else.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

enum { XRUN_SMP = 19200, PERIOD_BYTES_MIN = 64, PERIOD_BYTES_MAX = 65536, BUFFER_BYTES_MAX = 131072 };

struct card {
	snd_pcm_ioplug_t io;
	long rate, channels, clean, gone;
	int fd;
	int running;
	uint64_t moved, since_xrun;       /* samples */
};

static int card_start(snd_pcm_ioplug_t *io)
{
	((struct card *)io->private_data)->running = 1;
	return 0;
}

static int card_stop(snd_pcm_ioplug_t *io)
{
	((struct card *)io->private_data)->running = 0;
	return 0;
}

static int card_prepare(snd_pcm_ioplug_t *io)
{
	((struct card *)io->private_data)->since_xrun = 0;
	return card_stop(io);
}

static int card_close(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;

	close(c->fd);
	free(c);
	return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	const snd_pcm_uframes_t n = io->period_size;

	if (!c->running)
		return 0;
	if ((long)n < c->clean && c->since_xrun >= XRUN_SMP)
		return -EPIPE;
	if (io->stream == SND_PCM_STREAM_CAPTURE)
		return (snd_pcm_sframes_t)((io->appl_ptr + n) % io->buffer_size);
	return io->appl_ptr < n ? 0 : (snd_pcm_sframes_t)((io->appl_ptr - n) % io->buffer_size);
}

static void fill(const snd_pcm_channel_area_t *area, snd_pcm_uframes_t offset, snd_pcm_uframes_t n, int16_t value)
{
	for (snd_pcm_uframes_t i = offset; i < offset + n; i++)
		*(int16_t *)((char *)area->addr + (area->first + i * area->step) / 8) = value;
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t n)
{
	struct card *c = io->private_data;

	c->moved += n;
	c->since_xrun += n;
	if (c->gone && c->moved > (uint64_t)c->gone)
		return -ENODEV;
	if (io->stream == SND_PCM_STREAM_CAPTURE)
		for (unsigned ch = 0; ch < io->channels; ch++)
			fill(&areas[ch], offset, n, (int16_t)(8192 * (ch + 1) - (ch == 3)));
	return (snd_pcm_sframes_t)n;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = card_start, .stop = card_stop, .prepare = card_prepare, .pointer = card_pointer,
	.transfer = card_transfer, .close = card_close,
};

static int constrain(struct card *c)
{
	const unsigned ch = (unsigned)c->channels, rate = (unsigned)c->rate;
	const struct { int type; unsigned min, max; } row[] = {
		{SND_PCM_IOPLUG_HW_ACCESS, SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_RW_INTERLEAVED},
		{SND_PCM_IOPLUG_HW_FORMAT, SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S16_LE},
		{SND_PCM_IOPLUG_HW_CHANNELS, ch, ch},
		{SND_PCM_IOPLUG_HW_RATE, rate, rate},
		{SND_PCM_IOPLUG_HW_PERIOD_BYTES, PERIOD_BYTES_MIN, PERIOD_BYTES_MAX},
		{SND_PCM_IOPLUG_HW_BUFFER_BYTES, 2 * PERIOD_BYTES_MIN, BUFFER_BYTES_MAX},
		{SND_PCM_IOPLUG_HW_PERIODS, 2, 8},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(row) / sizeof(*row); i++)
		if (row[i].min == row[i].max)
			err = snd_pcm_ioplug_set_param_list(&c->io, row[i].type, 1, &row[i].min);
		else
			err = snd_pcm_ioplug_set_param_minmax(&c->io, row[i].type, row[i].min, row[i].max);
	return err;
}

static void read_conf(struct card *c, snd_config_t *conf)
{
	const struct { const char *key; long *value; } keys[] = {
		{"rate", &c->rate}, {"channels", &c->channels}, {"clean", &c->clean}, {"gone", &c->gone},
	};
	snd_config_t *node;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!snd_config_search(conf, keys[i].key, &node))
			snd_config_get_integer(node, keys[i].value);
}

int SND_PCM_PLUGIN_ENTRY(fakecard)(snd_pcm_t **, const char *, snd_config_t *, snd_config_t *, snd_pcm_stream_t, int);

SND_PCM_PLUGIN_DEFINE_FUNC(fakecard)
{
	struct card *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->rate = 48000;
	c->channels = 2;
	read_conf(c, conf);
	c->fd = eventfd(1, EFD_CLOEXEC);
	c->io.version = SND_PCM_IOPLUG_VERSION;
	c->io.name = "fakecard";
	c->io.callback = &callbacks;
	c->io.private_data = c;
	c->io.poll_fd = c->fd;
	c->io.poll_events = stream == SND_PCM_STREAM_CAPTURE ? POLLIN : POLLOUT;
	err = snd_pcm_ioplug_create(&c->io, name, stream, mode);
	if (err < 0) {
		close(c->fd);
		free(c);
		return err;
	}
	err = constrain(c);
	if (err < 0)
		snd_pcm_ioplug_delete(&c->io);    /* closes */
	*pcmp = c->io.pcm;
	return err;
}

SND_PCM_PLUGIN_SYMBOL(fakecard);
