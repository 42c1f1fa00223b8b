/*
 * codec.h - one table for every codec: bytes to float samples and back.
 *
 * Samples are float, full scale +-1.0, interleaved when there are two channels, at the codec's own rate (`srate`).
 * "n_smp" always counts samples of ONE channel. Encoders and decoders are made on the control thread (alloc may
 * allocate) and used by one media thread; the functions that end in _rt never allocate, lock or log. Freed with
 * mem_deref.
 */
#ifndef MIXER_CODEC_H
#define MIXER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODEC_SMP_MAX = 5760 };    /* 120 ms at 48 kHz: the longest packet any codec here can carry, per channel */

/* Everything negotiated about one codec in one direction. */
struct codec_param {
	uint8_t  channels;        /* 1 or 2: what we encode; decoders always give this many */
	uint32_t ptime_us;        /* frame to send: 2500 .. 60000 */
	uint32_t bitrate;         /* Opus: target, 0 = choose */
	uint32_t max_playback;    /* Opus maxplaybackrate, 0 = 48000 */
	uint8_t  complexity;      /* Opus 0..10 */
	uint8_t  loss_pct;        /* Opus: expected loss, steers in-band FEC */
	bool     fec, dtx, cbr;   /* Opus: useinbandfec, usedtx, cbr */
	bool     lowdelay;        /* Opus: OPUS_APPLICATION_RESTRICTED_LOWDELAY */
	bool     voice;           /* Opus: VOIP application, else AUDIO */
};

struct codec_enc;
struct codec_dec;

struct codec {
	const char *name;         /* as in rtpmap, e.g. "PCMU", "opus", "L16" */
	uint8_t  pt;              /* static payload type, 0xff when dynamic. L16/44100 is 0xff: it has two, 10 and 11 */
	uint32_t clock;           /* RTP clock rate; 8000 for G722 (RFC 3551 4.5.2), 48000 for opus */
	uint32_t srate;           /* of the samples; 16000 for G722 */
	uint8_t  max_channels;
	size_t   max_bytes_ms;    /* largest payload per millisecond and channel, to size buffers */

	int (*enc_alloc)(struct codec_enc **ep, const struct codec *c, const struct codec_param *p);
	int (*dec_alloc)(struct codec_dec **dp, const struct codec *c, const struct codec_param *p);

	/* Bytes written, 0 = nothing to send (DTX), or -errno. n_smp is the param's ptime; Opus takes no other length
	 * than 2.5, 5, 10, 20, 40 or 60 ms (-EINVAL), G722 an even one, the others any that fits into buf (else
	 * -EOVERFLOW). The samples are finite: mix_limit has seen them. */
	int (*encode_rt)(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp);

	/* Samples per channel written (<= max_smp), or -EBADMSG; then the decoder is as it was. They are finite
	 * whatever the payload; those of Opus may be somewhat over full scale. */
	int (*decode_rt)(struct codec_dec *d, float *smp, size_t max_smp, const uint8_t *buf, size_t len);

	/* Fill n_smp samples for a packet that did not come. `next` (may be NULL) is the packet after it: codecs with
	 * in-band FEC recover the lost one from there, the others make up a continuation that fades to silence within
	 * 80 ms and joins what comes next without a click. Always gives n_smp. */
	int (*conceal_rt)(struct codec_dec *d, float *smp, size_t n_smp, const uint8_t *next, size_t next_len);

	/* The next packet is another encoder's: as if just made. */
	void (*reset_rt)(struct codec_dec *d);

	/* The next packets, for half a second, may be those of an encoder that began anew, or may go on: the decoder is to
	 * judge by what it hears. NULL: it makes no difference that could be heard. */
	void (*doubt_rt)(struct codec_dec *d);

	/* Mean square of a payload's samples without decoding it; 0: its sender says that there is nothing to hear. false: it
	 * does not tell. NULL: this codec never does. */
	bool (*energy_rt)(float *energy, const struct codec *c, const uint8_t *buf, size_t len);

	/* dst goes on where src is: both were made with the same parameters. NULL: an encoder without memory. */
	void (*enc_copy_rt)(struct codec_enc *dst, const struct codec_enc *src);

	/* By how much what is decoded lags behind what was encoded; NULL: not at all. */
	uint32_t (*delay_us)(const struct codec_enc *e);

	/* Samples per channel a payload holds without decoding it, or -EBADMSG. */
	int (*duration_rt)(const struct codec *c, const uint8_t *buf, size_t len, uint8_t channels);
};

/* By rtpmap; clock 0 matches any (the first in the list). L16 and L24 exist at 8000, 16000, 44100 and 48000. NULL when
 * unknown. One codec is always the same pointer, inside what codec_list gives. */
const struct codec *codec_find(const char *name, uint32_t clock);
const struct codec *codec_list(size_t *n);                /* all, in order of preference for a voice room */

#endif
