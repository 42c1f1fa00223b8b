/*
 * fuzz-oscrtp.c - any bytes as the packets of a stream of gestures, to a receiver; and what it executes, on through a
 * sender to a second receiver, which must find no fault with a single packet and end with the same state.
 *
 * Four octets begin a packet: step of its number, milliseconds and flags, length (16, low byte first); then its
 * payload.
 */
#include <errno.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "osc/oscrecv.h"
#include "osc/oscsend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct chain {
	struct oscsend *tx;
	struct oscrecv *last;
	uint64_t now_us;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct oscsend_time now(const struct chain *c)
{
	return (struct oscsend_time){c->now_us, c->now_us, (uint32_t)(c->now_us * 48 / 1000)};
}

static void arrive(struct chain *c, const uint8_t *buf, size_t len)
{
	struct rtp_pkt pkt;

	must(!rtp_read(&pkt, buf, len) && pkt.len <= OSCRTP_MTU);
	must(!oscrecv_packet_rt(c->last, &pkt, c->now_us));
}

static void forward(const struct oscrecv_note *note, void *arg)
{
	const struct oscsend_time t = now(arg);
	struct chain *c = arg;
	uint8_t buf[1500], osc[OSCRTP_MTU];
	struct oscsend_item item = {osc, 0, t.ts, NULL, false};
	struct osc_writer w;
	size_t len = sizeof(buf);
	int err;

	osc_w_init(&w, osc, sizeof(osc));
	osc_w_copy(&w, note->msg, "", 0);
	if (osc_w_end(&w, &item.len))
		return;                           /* longer than a packet may be */
	err = oscsend_packet_rt(c->tx, buf, &len, &item, 1, &t);
	must(!err || err == EMSGSIZE);
	if (!err)
		arrive(c, buf, len);
}

static void own(struct chain *c)
{
	const struct oscsend_time t = now(c);
	uint8_t buf[1500];
	size_t len = sizeof(buf);

	if (!oscsend_tick_rt(c->tx, buf, &len, &t))
		arrive(c, buf, len);
}

static bool same(const struct osckeys *a, const struct osckeys *b)
{
	for (unsigned i = 0; i < a->slots; i++) {
		struct osc_msg msg, other;
		struct key *key;

		if (!a->key[i].used || !a->key[i].live)
			continue;
		osckeys_msg_rt(&msg, a, &a->key[i]);
		key = osckeys_find_rt(b, msg.addr, msg.addr_len);
		if (!key || !key->live)
			return false;
		osckeys_msg_rt(&other, b, key);
		if (other.len != msg.len || memcmp(other.raw, msg.raw, msg.len))
			return false;
	}
	return true;
}

static void feed(struct chain *c, struct oscrecv *first, const uint8_t *data, size_t size)
{
	struct rtp_pkt pkt = {.seq = 0xfff0};
	uint32_t ehsn;

	while (size >= 4) {
		const size_t want = (size_t)data[2] | (size_t)data[3] << 8, n = want < size - 4 ? want : size - 4;

		pkt.seq     = (uint16_t)(pkt.seq + (int8_t)data[0] * (data[1] & 2 ? 97 : 1));
		pkt.ts     += 480;
		pkt.payload = data + 4;
		pkt.len     = n;
		pkt.marker  = n > 1 && data[5];
		c->now_us  += 1000u * data[1];
		oscrecv_packet_rt(first, &pkt, c->now_us);
		oscrecv_refresh_rt(first, c->now_us);
		own(c);
		if (data[1] & 4 && oscrecv_highest(c->last, &ehsn))
			oscsend_report_rt(c->tx, 1, ehsn, c->now_us);
		if (data[1] & 8)
			oscsend_snapshot_rt(c->tx);
		data += 4 + n;
		size -= 4 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chain c = {.now_us = 1000000};
	const struct oscsend_cfg tx = {.pt = 98, .journal = true, .red = 3, .guard_ms = 200, .receiver = true, .keys_max = 64,
		.bytes_max = 4096, .seq = 0xfff8};
	const struct oscrecv_cfg one = {.clock_rate = 48000, .late_ms = 40, .journal = true, .keys_max = 32, .bytes_max = 2048, .h = forward,
		.arg = &c};
	const struct oscrecv_cfg two = {.clock_rate = 48000, .late_ms = 40, .journal = true, .keys_max = 64, .bytes_max = 4096};
	struct oscrecv *first = NULL;

	must(!oscsend_alloc(&c.tx, &tx) && !oscrecv_alloc(&first, &one) && !oscrecv_alloc(&c.last, &two));
	feed(&c, first, data, size);
	if (!oscsend_stats(c.tx)->unstored && !oscrecv_stats(c.last)->unstored)
		must(same(oscsend_state(c.tx), oscrecv_state(c.last)) && same(oscrecv_state(c.last), oscsend_state(c.tx)));
	mem_deref(c.tx);
	mem_deref(first);
	mem_deref(c.last);
	return 0;
}
