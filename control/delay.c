/*
 * delay.c - one member's delays, from what its leg has measured and what its end says of itself.
 *
 * What a phone does not say it may still report: the delay of its end by extended reports (RFC 3611 4.7.3): "the sum of the
 * total sample accumulation and encoding delay associated with the sending direction and the jitter buffer, decoding, and playout
 * buffer delay associated with the receiving direction". Its frames are seen, the rest of it is taken for its way to the
 * ear. How its microphone gets to its frames it does not say: as who is heard it stays "at least".
 */
#include <string.h>
#include "delay.h"

/* Opus adds to each frame what its encoder looks ahead: 2.5 ms without the modes for speech, 4 ms more with them. Frames of up to
 * 5 ms can have none of those. */
enum { OPUS_LOOK_US = 2500, OPUS_VOICE_LOOK_US = 6500, OPUS_MUSIC_FRAME_US = 5000 };

#define BIT(part) (1u << (part))
enum {
	TO_MIX = (1 << DELAY_HEARD) - 1,
	FROM_MIX = ((1 << DELAY_PARTS) - 1) & ~TO_MIX,
};

static void put(struct delay *d, enum delay_part part, uint64_t us)
{
	d->us[part] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	d->known |= (uint8_t)BIT(part);
}

/* Less than nothing it is only where a card takes many frames at once (mixer.h). */
static uint32_t no_less(int32_t us)
{
	return us > 0 ? (uint32_t)us : 0;
}

static uint32_t look_us(const struct leg_stats *s)
{
	if (strcmp(s->rx_codec, "opus"))
		return 0;
	return s->rx_frame_us <= OPUS_MUSIC_FRAME_US ? OPUS_LOOK_US : OPUS_VOICE_LOOK_US;
}

/* The least of its round trips, with which goes the longest that a packet waits. */
static bool tells_way(const struct delay_end *end, uint64_t now_ms)
{
	return end->rtt_us && now_ms < end->rtt_ms + DELAY_RTT_MS;
}

static void put_ways(struct delay *d, const struct leg_stats *s, const struct delay_end *end, uint64_t now_ms)
{
	uint32_t rtt = tells_way(end, now_ms) ? end->rtt_us : s->rtt_us;

	if (!rtt)
		return;
	put(d, DELAY_UP, rtt / 2);
	put(d, DELAY_DOWN, rtt / 2);
}

static void put_end(struct delay *d, const struct leg_stats *s, const struct delay_end *end)
{
	uint32_t end_us = s->peer.end_ms * 1000u;

	if (end->told) {
		if (d->us[DELAY_FRAME] > end->capture_us)
			d->us[DELAY_FRAME] = end->capture_us;     /* its sound card may give a frame and more at once */
		put(d, DELAY_CAPTURE, end->capture_us - d->us[DELAY_FRAME]);
		put(d, DELAY_OWN_BUFFER, end->buffer_us);
		put(d, DELAY_PLAYBACK, end->playback_us);
	} else if (s->peer.known && end_us && s->rx_frame_us) {
		put(d, DELAY_OWN_BUFFER, end_us > s->rx_frame_us ? end_us - s->rx_frame_us : 0);
		put(d, DELAY_PLAYBACK, 0);        /* it is in that */
	}
}

void delay_of(struct delay *d, const struct leg_stats *s, const struct delay_end *end, uint64_t now_ms)
{
	memset(d, 0, sizeof(*d));
	if (s->rx_packets && s->rx_frame_us) {
		put(d, DELAY_FRAME, s->rx_frame_us + look_us(s));
		put(d, DELAY_BUFFER, no_less(tells_way(end, now_ms) ? s->rx_wait_us : s->rx_delay_us));
	}
	if (s->tx_packets)
		put(d, DELAY_SEND, no_less(tells_way(end, now_ms) ? s->tx_wait_us : s->tx_delay_us));
	put_ways(d, s, end, now_ms);
	put_end(d, s, end);
}

static uint32_t sum(const struct delay *d, unsigned from, unsigned to)
{
	uint64_t us = 0;

	while (from < to)
		us += d->us[from++];
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

uint32_t delay_to_mix(const struct delay *d)
{
	return sum(d, 0, DELAY_HEARD);
}

uint32_t delay_from_mix(const struct delay *d)
{
	return sum(d, DELAY_HEARD, DELAY_PARTS);
}

bool delay_to_mix_whole(const struct delay *d)
{
	return (d->known & TO_MIX) == TO_MIX;
}

bool delay_from_mix_whole(const struct delay *d)
{
	return (d->known & FROM_MIX) == FROM_MIX;
}

uint32_t delay_between(const struct delay *a, const struct delay *b, bool *whole)
{
	uint64_t us = (uint64_t)delay_to_mix(a) + delay_from_mix(b);

	if (whole)
		*whole = delay_to_mix_whole(a) && delay_from_mix_whole(b);
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

const char *delay_part_name(enum delay_part part)
{
	static const char *const names[DELAY_PARTS] = {
		[DELAY_CAPTURE] = "capture", [DELAY_FRAME] = "frame", [DELAY_UP] = "up", [DELAY_BUFFER] = "buffer",
		[DELAY_SEND] = "send", [DELAY_DOWN] = "down", [DELAY_OWN_BUFFER] = "own_buffer", [DELAY_PLAYBACK] = "playback",
	};

	return (unsigned)part < DELAY_PARTS ? names[part] : "?";
}
