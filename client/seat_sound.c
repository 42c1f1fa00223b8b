/*
 * seat_sound.c - the engine that a sound device turns.
 *
 * When the device goes away (jackd ends, a USB card is pulled) a clock of our own turns the engine instead, so that the
 * call stays up, and every few seconds the device is looked for again. Two must never turn it: the one is closed before
 * the other is opened.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sysexits.h>
#include "midi_alsa.h"
#include "seat_priv.h"
#include "control/log.h"

enum { DEVICE_AGAIN_MS = 3000, PERIOD = 64 };

static void turn_rt(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg)
{
	card_turn_rt(arg, in, out, n, at_us);
}

static float linear(double db)
{
	return db <= -59.95 ? 0 : powf(10, (float)db / 20);
}

static struct device_conf device_conf(struct seat *s, const char *driver)
{
	const struct joinconf *c = s->set;

	return (struct device_conf){
		.driver = driver,
		.device = c->device,
		.name = c->jack_name,
		.inputs = c->inputs,
		.period = c->period,
		.connect = c->connect,
		.in_file = c->in_file[0] ? c->in_file : NULL,
		.out_file = c->out_file[0] ? c->out_file : NULL,
		.loop = c->loop,
		.hold = true,
		.tone_hz = (float)c->tone_hz,
		.midi = !strcmp(c->midi_driver, "auto") || !strcmp(c->midi_driver, "jack") ? s->midi : NULL,
		.turnh = turn_rt,
		.arg = s->card,
	};
}

static void describe(struct seat *s)
{
	struct band_own *o = &s->band.own;
	struct device_info i;

	device_info(s->device, &i);
	str_ncpy(o->driver, i.driver, sizeof(o->driver));
	str_ncpy(o->device, i.device, sizeof(o->device));
	o->period = i.period;
	o->capture_us = i.capture_us;
	o->playback_us = i.playback_us;
}

static int open_device(struct seat *s, const char *driver, const char **why)
{
	const struct device_conf conf = device_conf(s, driver);
	int err = device_open(&s->device, why, &conf);

	if (!err)
		describe(s);
	return err;
}

static void stand_in(struct seat *s)
{
	const struct device_conf conf = {
		.driver = "null", .name = "", .device = "", .inputs = 2, .period = PERIOD,
		.turnh = turn_rt, .arg = s->card,
	};
	const char *why;

	s->standing_in = true;
	if (!device_open(&s->device, &why, &conf))
		describe(s);
}

static void again_handler(void *arg)
{
	struct seat *s = arg;
	const char *why = "";

	s->device = mem_deref(s->device);
	if (open_device(s, s->set->driver, &why))
		stand_in(s);
	else {
		s->standing_in = false;
		seat_sound_begin(s);
		band_say(&s->band, seat_unix_ms(), "*", "the sound device is back");
		return;
	}
	tmr_start(&s->device_tmr, DEVICE_AGAIN_MS, again_handler, s);
}

static void lost_device(struct seat *s)
{
	log_info("device.gone", "driver=%s", s->band.own.driver);
	band_say(&s->band, seat_unix_ms(), "*", "the sound device has gone; looking for it again");
	s->device = mem_deref(s->device);
	stand_in(s);
	tmr_start(&s->device_tmr, DEVICE_AGAIN_MS, again_handler, s);
}

static void mixer_handler(int flags, void *arg)
{
	(void)flags;
	mixer_dispatch(arg);
}

static int open_engine(struct seat *s)
{
	struct mixer_conf mc = {.n_threads = 0};
	const struct bus_conf bc = {.music = true};
	const struct card_conf cc = {.period_smp = s->set->period ? s->set->period : PERIOD};
	int err;

	joinconf_ports(&mc.port_min, &mc.port_max, s->set);
	err = mixer_alloc(&s->mixer, &mc);
	if (!err)
		err = fd_listen(mixer_event_fd(s->mixer), FD_READ, mixer_handler, s->mixer);
	if (!err)
		err = bus_alloc(&s->bus, s->mixer, &bc);
	if (!err)
		err = card_alloc(&s->card, s->bus, &cc);
	return err;
}

static int open_sound(struct seat *s, char *wrong, size_t size)
{
	const char *why = "";
	int err = open_engine(s);

	if (err) {
		(void)re_snprintf(wrong, size, "sound: %s", strerror(err));
		return EX_OSERR;
	}
	seat_sound_gains(s);
	err = open_device(s, s->set->driver, &why);
	if (err) {
		(void)re_snprintf(wrong, size, "%s", why && *why ? why : strerror(err));
		return err == ENOENT || err == EACCES || err == EINVAL || err == EBADMSG ? EX_NOINPUT : EX_IOERR;
	}
	if (why && *why)
		band_say(&s->band, seat_unix_ms(), "*", why);
	return 0;
}

/* A wire has one device side: JACK's ports came with the device, else it is ALSA's sequencer. */
static int open_midi(struct seat *s, char *wrong, size_t size)
{
	const char *word = s->set->midi_driver, *why = "";
	const bool jack = !strcmp(s->band.own.driver, "jack");
	int err;

	if (!s->midi || (jack && strcmp(word, "alsa") != 0))
		return 0;
	if (!strcmp(word, "jack")) {
		(void)re_snprintf(wrong, size, "midi: JACK's ports need the driver jack");
		return EX_USAGE;
	}
	err = midi_alsa_alloc(&s->sequencer, &why, s->midi, s->set->jack_name);
	if (!err || !strcmp(word, "auto")) {
		if (err)
			log_info("midi.none", "why=\"%s\"", why);
		return 0;
	}
	(void)re_snprintf(wrong, size, "midi: %s", *why ? why : strerror(err));
	return EX_IOERR;
}

int seat_sound_open(struct seat *s, char *wrong, size_t size)
{
	int status = open_sound(s, wrong, size);

	return status ? status : open_midi(s, wrong, size);
}

void seat_sound_begin(struct seat *s)
{
	if (s->device && s->call && joincall_state(s->call) == JOINCALL_UP)
		device_play(s->device);
}

void seat_sound_close(struct seat *s)
{
	tmr_cancel(&s->device_tmr);
	s->device = mem_deref(s->device);         /* nobody turns the engine from here on */
	s->card = mem_deref(s->card);
	s->bus = mem_deref(s->bus);
	if (s->mixer)
		fd_close(mixer_event_fd(s->mixer));
	s->mixer = mem_deref(s->mixer);
	s->sequencer = mem_deref(s->sequencer);
	s->midi = mem_deref(s->midi);
}

/* --- what it does --- */

void seat_sound_gains(struct seat *s)
{
	const struct band_own *o = &s->band.own;

	card_set_mute(s->card, o->muted_here);
	card_set_gain(s->card, linear((double)o->gain_db), o->deaf_here ? 0 : linear((double)o->volume_db));
	card_set_self(s->card, linear((double)o->self_db));
}

void seat_sound_levels(struct seat *s)
{
	struct card_stats cs;

	card_stats(s->card, &cs);
	s->band.own.in_db = -(float)cs.level_in_dbov;
	s->band.own.out_db = -(float)cs.level_out_dbov;
	s->band.own.xruns = cs.xruns;
}

static float rate(float was, float now)
{
	float v = was * 0.8f + now * 0.2f;

	return v < 0.05f ? 0 : v;
}

/* Of the last second or so: a stream that goes well again is shown to. */
static void leg_figures(struct seat *s, const struct leg_stats *now)
{
	struct band_own *o = &s->band.own;
	const struct leg_stats *was = &s->last;
	uint64_t got = now->rx_packets - was->rx_packets, lost = now->rx_lost - was->rx_lost;

	o->jitter_us = now->jitter_us;
	o->rtt_us = now->rtt_us;
	o->net_us = now->rtt_us / 2;
	o->buffer_us = now->rx_delay_us > 0 ? (uint32_t)now->rx_delay_us : 0;
	o->mix_us = now->tx_delay_us > 0 ? (uint32_t)now->tx_delay_us : 0;
	o->peer_loss_pct = (float)now->peer_fraction_lost * 100 / 256;
	o->concealed = now->concealed;
	o->rx_packets = now->rx_packets;
	o->tx_packets = now->tx_packets;
	if (s->has_last && now->rx_packets >= was->rx_packets) {
		o->loss_pct = rate(o->loss_pct, got + lost ? (float)lost * 100 / (float)(got + lost) : 0);
		o->concealed_min = rate(o->concealed_min, (float)(now->concealed - was->concealed) * 60);
	}
	s->last = *now;
	s->has_last = true;
}

void seat_sound_figures(struct seat *s)
{
	const struct leg *leg = joincall_leg(s->call);
	struct device_info i;
	struct leg_stats ls;

	describe(s);
	device_info(s->device, &i);
	if (s->sequencer && midi_alsa_gone(s->sequencer)) {
		s->sequencer = mem_deref(s->sequencer);
		band_say(&s->band, seat_unix_ms(), "*", "ALSA's sequencer has gone, and MIDI with it");
	}
	if (i.gone && !s->standing_in)
		lost_device(s);
	else if (i.in_ended && !strcmp(i.driver, "file") && !s->set->loop && s->set->seconds <= 0)
		seat_leave(s);
	if (!leg)
		return;
	leg_stats(leg, &ls);
	leg_figures(s, &ls);
}
