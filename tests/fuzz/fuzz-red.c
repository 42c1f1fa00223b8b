/*
 * fuzz-red.c - any bytes as redundant payloads of a stream: what is read lies inside the packet, what fills a hole lies
 * inside the hole and in order, and what is written reads back.
 *
 * Five bytes are the next packet: steps of its number and timestamp, marker, length; then so many bytes of payload.
 */
#include <stdlib.h>
#include <string.h>
#include "mixer/red.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const uint8_t *p, size_t n, const struct rtp_pkt *pkt)
{
	must(p >= pkt->payload && n <= pkt->len && p + n <= pkt->payload + pkt->len);
}

static void receive(struct red_rx *r, const struct rtp_pkt *pkt)
{
	struct rtp_pkt out[RED_BLOCKS_MAX];
	const struct red_rx before = *r;
	unsigned n = 0;

	if (red_packets_rt(r, out, &n, pkt)) {
		must(!memcmp(&before, r, sizeof(before)));
		return;
	}
	must(n >= 1 && n <= RED_BLOCKS_MAX);
	must(out[n - 1].seq == pkt->seq && out[n - 1].ts == pkt->ts);
	for (unsigned i = 0; i < n; i++)
		inside(out[i].payload, out[i].len, pkt);
	for (unsigned i = 0; i + 1 < n; i++) {
		must(before.any && before.ssrc == pkt->ssrc);
		must(rtp_seq_diff(out[i].seq, before.seq) > 0 && rtp_ts_diff(out[i].ts, before.ts) > 0);
		must(rtp_seq_diff(out[i + 1].seq, out[i].seq) > 0 && rtp_ts_diff(out[i + 1].ts, out[i].ts) > 0);
		must(out[i].len > 0 && !out[i].marker);
	}
}

static void write_back(struct red_tx *t, uint32_t ts, const uint8_t *frame, size_t len, size_t room)
{
	struct red_block b[RED_BLOCKS_MAX];
	uint8_t buf[1500];
	unsigned n = 0;
	const int got = red_write_rt(t, buf, room, (uint8_t)len, ts, frame, len);

	if (got < 0)
		return;
	must((size_t)got <= room && !red_read(b, &n, buf, (size_t)got));
	must(b[n - 1].len == len && !memcmp(b[n - 1].payload, frame, len) && b[n - 1].pt == (len & 0x7f));
	must(n <= 1u + t->n_gen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[1200];
	struct rtp_pkt p = {.ssrc = 1, .seq = 0xfff0, .ts = 0xffff0000u};
	struct red_rx r = {0};
	struct red_tx t;

	red_tx_init(&t, size ? data[0] & 3 : 1);
	while (size >= 5) {
		size_t len = data[4];

		p.seq    = (uint16_t)(p.seq + (int8_t)data[0]);
		p.ts    += (uint32_t)((int8_t)data[1] * 80 * (data[3] & 2 ? 40 : 1));
		p.marker = data[3] & 1;
		p.ssrc  += data[3] >= 0xf0;
		data += 5;
		size -= 5;
		if (len > size)
			len = size;
		p.payload = data;
		p.len = len;
		receive(&r, &p);
		write_back(&t, p.ts, data, len, 8 + len * 2);
		if (p.marker)
			write_back(&t, p.ts + 1, zero, 900 + len, sizeof(zero));
		data += len;
		size -= len;
	}

	return 0;
}
