/*
 * seqbytes.c - ALSA's sequencer events to whole MIDI messages and back, by ALSA's own coder.
 *
 * The coder writes a status into every message (no running status), so where one ends is known from its first octet.
 * SysEx comes in pieces of a size that the sender chose; they are put together here, and another status in between ends
 * what was begun.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "midiwire.h"
#include "seqbytes.h"

enum { SYSEX = 0xf0, SYSEX_END = 0xf7, REALTIME = 0xf8, DECODED_MAX = 64 };

struct seqbytes {
	snd_midi_event_t *in, *out;
	size_t n_sysex;           /* octets so far; 0: none is open */
	uint8_t sysex[MIDIWIRE_MAX];
};

static void destructor(void *arg)
{
	struct seqbytes *b = arg;

	if (b->in)
		snd_midi_event_free(b->in);
	if (b->out)
		snd_midi_event_free(b->out);
}

int seqbytes_alloc(struct seqbytes **bp)
{
	struct seqbytes *b = mem_zalloc(sizeof(*b), destructor);

	if (!b)
		return ENOMEM;
	if (snd_midi_event_new(MIDIWIRE_MAX, &b->in) < 0 || snd_midi_event_new(MIDIWIRE_MAX, &b->out) < 0) {
		mem_deref(b);
		return ENOMEM;
	}
	snd_midi_event_no_status(b->in, 1);
	*bp = b;
	return 0;
}

static size_t message_len(uint8_t status)
{
	static const uint8_t channel[] = {3, 3, 3, 3, 2, 2, 3}, system[] = {0, 2, 3, 2, 1, 1, 1, 0};

	if (status < 0x80)
		return 0;
	if (status >= REALTIME)
		return 1;
	return status < SYSEX ? channel[(status >> 4) - 8] : system[status & 7];
}

static void split_rt(const uint8_t *data, size_t n, seqbytes_h *h, void *arg)
{
	while (n) {
		const size_t len = message_len(data[0]);

		if (!len || len > n)
			return;
		h(data, len, arg);
		data += len;
		n -= len;
	}
}

/* A piece. What is too long is counted on, but not kept. */
static void sysex_rt(struct seqbytes *b, const uint8_t *piece, size_t n, seqbytes_h *h, void *arg)
{
	if (!n)
		return;
	if (piece[0] == SYSEX)
		b->n_sysex = 0;
	else if (!b->n_sysex)
		return;           /* the middle of one whose beginning we have not heard */
	if (b->n_sysex + n <= MIDIWIRE_MAX)
		memcpy(b->sysex + b->n_sysex, piece, n);
	b->n_sysex = b->n_sysex + n <= MIDIWIRE_MAX ? b->n_sysex + n : MIDIWIRE_MAX + 1;
	if (piece[n - 1] == SYSEX_END) {
		h(b->sysex, b->n_sysex, arg);
		b->n_sysex = 0;
	}
}

void seqbytes_in_rt(struct seqbytes *b, const snd_seq_event_t *ev, seqbytes_h *h, void *arg)
{
	uint8_t data[DECODED_MAX];
	long n;

	if (ev->type == SND_SEQ_EVENT_SYSEX) {
		sysex_rt(b, ev->data.ext.ptr, ev->data.ext.len, h, arg);
		return;
	}
	snd_midi_event_reset_decode(b->in);
	n = snd_midi_event_decode(b->in, data, sizeof(data), ev);
	if (n <= 0)
		return;           /* no MIDI: somebody connected, a note with a length */
	if (data[0] < REALTIME)
		b->n_sysex = 0;
	split_rt(data, (size_t)n, h, arg);
}

/* SysEx as it stands, which the coder would only copy; all else must be exactly one message. */
int seqbytes_out_rt(struct seqbytes *b, snd_seq_event_t *ev, const uint8_t *data, size_t len)
{
	snd_seq_ev_clear(ev);
	if (len >= 2 && data[0] == SYSEX && data[len - 1] == SYSEX_END) {
		snd_seq_ev_set_sysex(ev, (unsigned)len, (void *)data);
		return 0;
	}
	if (!len || message_len(data[0]) != len)
		return EBADMSG;
	snd_midi_event_reset_encode(b->out);
	if (snd_midi_event_encode(b->out, data, (long)len, ev) != (long)len || ev->type == SND_SEQ_EVENT_NONE)
		return EBADMSG;
	return 0;
}
