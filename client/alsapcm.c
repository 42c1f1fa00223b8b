/*
 * alsapcm.c - one direction of an ALSA device: its parameters, and a period to and from it.
 *
 * Plain reads and writes of interleaved frames, as any device and any plugin knows them; the copy they cost is nothing
 * beside a period. Nothing starts by itself (start_threshold), so that both directions begin together. Every wait ends:
 * a device whose plug was pulled may say so, or never say anything again.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "alsapcm.h"
#include "device_priv.h"

enum { WAIT_MS = 1000, PERIODS = 2 };

/* --- the device's thread --- */

int alsapcm_wait_rt(struct alsapcm *p)
{
	const int n = snd_pcm_wait(p->h, WAIT_MS);

	return n > 0 ? 0 : n < 0 ? n : -ETIMEDOUT;
}

static int move_rt(struct alsapcm *p, bool capture, uint8_t *at, uint32_t n)
{
	const size_t frame = p->format->size * p->ch;

	while (n) {
		snd_pcm_sframes_t got = capture ? snd_pcm_readi(p->h, at, n) : snd_pcm_writei(p->h, at, n);

		if (got == -EAGAIN || !got) {
			int err = alsapcm_wait_rt(p);

			if (err)
				return err;
			continue;
		}
		if (got < 0)
			return (int)got;
		at += (size_t)got * frame;
		n -= (uint32_t)got;
	}
	return 0;
}

int alsapcm_read_rt(struct alsapcm *p, uint32_t n)
{
	int err = move_rt(p, true, p->raw, n);

	if (!err)
		p->format->read_rt(p->smp, p->raw, (size_t)n * p->ch);
	return err;
}

int alsapcm_write_rt(struct alsapcm *p, uint32_t n)
{
	p->format->write_rt(p->raw, p->smp, (size_t)n * p->ch);
	return move_rt(p, false, p->raw, n);
}

/* --- opening --- */

static int no_rate(const char *name)
{
	return device_why(ENOTSUP, "ALSA's device %s does not run at %d Hz (plug%s converts)",
	                  name, DEVICE_RATE, name);
}

static int pick_format(struct alsapcm *p, snd_pcm_hw_params_t *hw)
{
	for (size_t i = 0; (p->format = pcmformat_at(i)); i++)
		if (!snd_pcm_hw_params_set_format(p->h, hw, snd_pcm_format_value(p->format->name)))
			return 0;
	return -EINVAL;
}

/* What is wanted, or the nearest there is: a microphone has one, a studio's interface 18 and no other number. */
static int pick_channels(struct alsapcm *p, snd_pcm_hw_params_t *hw, unsigned channels)
{
	int err = snd_pcm_hw_params_set_channels_near(p->h, hw, &channels);

	p->ch = channels;
	return err ? err : channels > ALSAPCM_CH_MAX ? -EINVAL : 0;
}

static int pick_sizes(struct alsapcm *p, snd_pcm_hw_params_t *hw, uint32_t wish)
{
	snd_pcm_uframes_t period = wish, buffer;
	int err = snd_pcm_hw_params_set_period_size_near(p->h, hw, &period, NULL);

	buffer = period * PERIODS;
	if (!err)
		err = snd_pcm_hw_params_set_buffer_size_near(p->h, hw, &buffer);
	if (!err)
		err = snd_pcm_hw_params(p->h, hw);
	if (!err)
		err = snd_pcm_hw_params_get_period_size(hw, &period, NULL);
	if (!err)
		err = snd_pcm_hw_params_get_buffer_size(hw, &buffer);
	if (!err && (period < 1 || period > ALSAPCM_PERIOD_MAX || buffer < period))
		err = -EINVAL;
	p->period = (uint32_t)period;
	p->buffer = (uint32_t)buffer;
	return err;
}

static int set_hw(struct alsapcm *p, const char *name, unsigned channels, uint32_t period)
{
	snd_pcm_hw_params_t *hw;
	int err;

	snd_pcm_hw_params_alloca(&hw);
	err = snd_pcm_hw_params_any(p->h, hw);
	if (err < 0)
		goto out;
	if (snd_pcm_hw_params_set_rate(p->h, hw, DEVICE_RATE, 0))
		return no_rate(name);
	err = snd_pcm_hw_params_set_access(p->h, hw, SND_PCM_ACCESS_RW_INTERLEAVED);
	if (!err)
		err = pick_format(p, hw);
	if (!err)
		err = pick_channels(p, hw, channels);
	if (!err)
		err = pick_sizes(p, hw, period);
out:
	return err < 0 ? device_why(ENODEV, "ALSA's device %s: %s", name, snd_strerror(err)) : 0;
}

static int set_sw(struct alsapcm *p)
{
	snd_pcm_sw_params_t *sw;
	snd_pcm_uframes_t boundary;
	int err;

	snd_pcm_sw_params_alloca(&sw);
	err = snd_pcm_sw_params_current(p->h, sw);
	if (!err)
		err = snd_pcm_sw_params_get_boundary(sw, &boundary);
	if (!err)
		err = snd_pcm_sw_params_set_start_threshold(p->h, sw, boundary);
	if (!err)
		err = snd_pcm_sw_params_set_avail_min(p->h, sw, p->period);
	if (!err)
		err = snd_pcm_sw_params(p->h, sw);
	return err < 0 ? device_why(ENODEV, "ALSA: %s", snd_strerror(err)) : 0;
}

static int make_buffers(struct alsapcm *p)
{
	/* ALSAPCM_PERIOD_MAX: the other direction's period is turned in both. */
	p->raw = mem_zalloc(ALSAPCM_PERIOD_MAX * p->ch * p->format->size, NULL);
	p->smp = mem_zalloc(ALSAPCM_PERIOD_MAX * p->ch * sizeof(float), NULL);
	return p->raw && p->smp ? 0 : device_why(ENOMEM, "out of memory");
}

int alsapcm_open(struct alsapcm *p, const char *name, bool capture, unsigned channels, uint32_t period)
{
	int err;

	memset(p, 0, sizeof(*p));
	err = snd_pcm_open(&p->h, name, capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
	if (err < 0) {
		p->h = NULL;
		return device_why(ENODEV, "ALSA's device %s %s: %s", name, capture ? "takes no sound" : "plays nothing",
		                  snd_strerror(err));
	}
	err = set_hw(p, name, channels, period);
	if (!err)
		err = set_sw(p);
	if (!err)
		err = make_buffers(p);
	if (err)
		alsapcm_close(p);
	return err;
}

void alsapcm_close(struct alsapcm *p)
{
	if (p->h)
		snd_pcm_close(p->h);
	p->h = NULL;
	p->raw = mem_deref(p->raw);
	p->smp = mem_deref(p->smp);
}
