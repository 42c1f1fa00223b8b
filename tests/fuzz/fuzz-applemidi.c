/*
 * fuzz-applemidi.c - any bytes as an AppleMIDI packet: what is read is written and read the same; then as what a peer sends to
 * both kinds of session: at most two packets answer one, and they can be written.
 */
#include <stdlib.h>
#include <string.h>
#include "osc/applesession.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void write_again(const struct applemidi *pkt)
{
	uint8_t buf[APPLEMIDI_PACKET_MAX];
	size_t len = sizeof(buf);
	struct applemidi again;

	must(applemidi_write(buf, &len, pkt) == 0);
	must(applemidi_read(&again, buf, len) == 0);
	must(again.kind == pkt->kind && again.ssrc == pkt->ssrc && again.token == pkt->token && again.count == pkt->count);
	must(again.seq == pkt->seq && again.limit == pkt->limit && !strcmp(again.name, pkt->name));
	must(!memcmp(again.time, pkt->time, sizeof(pkt->time)));
}

static void check(const struct applesession_out *out)
{
	must(out->n <= 2);
	for (unsigned i = 0; i < out->n; i++)
		write_again(&out->send[i].pkt);
}

/* Pieces of a length in their first octet; the second says the port and how late. */
static void session(bool initiator, const uint8_t *data, size_t size)
{
	const struct applesession_conf conf = {.initiator = initiator, .ssrc = 1, .token = 2, .name = "tutti"};
	struct applesession_out out;
	struct applesession s;
	struct applemidi pkt;
	uint64_t now_us = 0;

	applesession_open(&s, &conf, now_us);
	while (size >= 2) {
		const size_t n = data[0] < size - 2 ? data[0] : size - 2;

		now_us += (uint64_t)(data[1] & 0x7f) * 1000000;
		applesession_tick(&s, &out, now_us);
		check(&out);
		if (applemidi_read(&pkt, data + 2, n) == 0) {
			applesession_recv(&s, &out, data[1] & 0x80 ? APPLEMIDI_DATA : APPLEMIDI_CONTROL, &pkt, now_us);
			check(&out);
		}
		data += n + 2;
		size -= n + 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct applemidi pkt;

	if (applemidi_read(&pkt, data, size) == 0)
		write_again(&pkt);
	session(false, data, size);
	session(true, data, size);
	return 0;
}
