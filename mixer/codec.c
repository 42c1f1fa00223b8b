/*
 * codec.c - the table of codecs, and finding one in it.
 */
#include <strings.h>

#include "codec_priv.h"

#define ROW(kind, name_, pt_, clock_, srate_, channels_, bytes_ms_) { \
	.name = name_, .pt = pt_, .clock = clock_, .srate = srate_, .max_channels = channels_, \
	.max_bytes_ms = bytes_ms_, \
	.enc_alloc = kind##_enc_alloc, .dec_alloc = kind##_dec_alloc, .encode_rt = kind##_encode_rt, \
	.decode_rt = kind##_decode_rt, .conceal_rt = kind##_conceal_rt, .duration_rt = kind##_duration_rt, .delay_us = kind##_delay_us, \
	.reset_rt = kind##_reset_rt, .doubt_rt = kind##_doubt_rt, \
	.enc_copy_rt = kind##_enc_copy_rt, .energy_rt = kind##_energy_rt, \
}

enum { PT_DYNAMIC = 0xff, PT_L16_STEREO = 10, PT_L16_MONO = 11 };

/* In order of preference for a voice room: wide band before narrow, cheap on the wire before dear. */
static const struct codec table[] = {
	ROW(codec_opus, "opus", PT_DYNAMIC, 48000, 48000, 2, 64),
	ROW(codec_g722, "G722", 9,          8000,  16000, 1, 8),
	ROW(codec_g711, "PCMU", 0,          8000,  8000,  1, 8),
	ROW(codec_g711, "PCMA", 8,          8000,  8000,  1, 8),
	ROW(codec_l16,  "L16",  PT_DYNAMIC, 48000, 48000, 2, 96),
	ROW(codec_l16,  "L16",  PT_DYNAMIC, 44100, 44100, 2, 89),
	ROW(codec_l16,  "L16",  PT_DYNAMIC, 16000, 16000, 2, 32),
	ROW(codec_l16,  "L16",  PT_DYNAMIC, 8000,  8000,  2, 16),
	ROW(codec_l16,  "L24",  PT_DYNAMIC, 48000, 48000, 2, 144),
	ROW(codec_l16,  "L24",  PT_DYNAMIC, 44100, 44100, 2, 133),
	ROW(codec_l16,  "L24",  PT_DYNAMIC, 16000, 16000, 2, 48),
	ROW(codec_l16,  "L24",  PT_DYNAMIC, 8000,  8000,  2, 24),
};

enum { N_CODECS = sizeof(table) / sizeof(table[0]) };

const struct codec *codec_find(const char *name, uint32_t clock)
{
	if (!name)
		return NULL;

	/* RFC 4855, 3: encoding names are case-insensitive, in media types and in SDP. */
	for (size_t i = 0; i < N_CODECS; i++)
		if (!strcasecmp(table[i].name, name) && (!clock || table[i].clock == clock))
			return &table[i];
	return NULL;
}

const struct codec *codec_list(size_t *n)
{
	*n = N_CODECS;
	return table;
}
