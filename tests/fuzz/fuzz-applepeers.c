/*
 * fuzz-applepeers.c - any packets from a few addresses, some of them forged, at any times: nobody is answered but who sent, with
 * one packet at most; who is proven was told a time and told it back; slots stay within their bounds.
 *
 * Pieces of three octets and a packet: length; port, address and one who behaves (0x80: the packet is the answer a real peer
 * would give); time.
 */
#include <stdlib.h>
#include <string.h>
#include "osc/applepeers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 3 };

static struct fuzz {
	struct applepeers *t;
	struct applepeers_out out;
	bool player[APPLEPEERS_SLOTS];
	uint64_t now_us;
	uint8_t told[APPLEMIDI_PACKET_MAX];      /* the last packet that was sent to anybody */
	size_t told_len;
} f;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct sa *from)
{
	unsigned players = 0;

	for (unsigned i = 0; i < f.out.n; i++) {
		must(!from || sa_cmp(&f.out.send[i].to, from, SA_ALL));
		must(applemidi_is(f.out.send[i].buf, f.out.send[i].len));
		f.told_len = f.out.send[i].len;
		memcpy(f.told, f.out.send[i].buf, f.told_len);
	}
	must(f.out.n <= 1);
	if (f.out.closed >= 0) {
		must(f.player[f.out.closed]);
		f.player[f.out.closed] = false;
	}
	if (f.out.proven >= 0) {
		must(!f.player[f.out.proven]);
		f.player[f.out.proven] = true;
	}
	must(f.out.rtp < 0 || f.player[f.out.rtp]);
	must(f.out.reported < 0 || f.player[f.out.reported]);
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		const struct applepeer *p = applepeers_get(f.t, i);

		must(f.player[i] == (p && p->proven));
		players += f.player[i];
	}
	must(players <= MAX);
}

/* The answer to a CK1 is what only who got it can give: it makes players. */
static size_t behave(uint8_t *buf)
{
	struct applemidi pkt;
	size_t len = APPLEMIDI_PACKET_MAX;

	if (applemidi_read(&pkt, f.told, f.told_len) || pkt.kind != APPLEMIDI_CK || pkt.count != 1)
		return 0;
	pkt.ssrc = buf[7];
	pkt.count = 2;
	pkt.time[2] = pkt.time[0] + 1;
	return applemidi_write(buf, &len, &pkt) ? 0 : len;
}

static void piece(uint8_t where, const uint8_t *data, size_t len)
{
	const enum applesession_port port = where & 1 ? APPLEMIDI_DATA : APPLEMIDI_CONTROL;
	uint8_t buf[APPLEMIDI_PACKET_MAX + 256] = {0};
	struct sa from;

	sa_set_in(&from, 0x0a000001u + (where >> 1 & 3), (uint16_t)(5004 + port + 2 * (where >> 3 & 1)));
	memcpy(buf, data, len);
	if (where & 0x80)
		len = behave(buf);
	applepeers_recv(f.t, &f.out, port, &from, buf, len, f.now_us);
	check(&from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct applepeers_conf conf = {.ssrc = 1, .secret = {3, 4}, .name = "tutti", .max = MAX, .max_per_address = 2};

	f = (struct fuzz){.now_us = 1000u * 1000000};
	must(applepeers_alloc(&f.t, &conf) == 0);
	while (size >= 3) {
		const size_t n = data[0] < size - 3 ? data[0] : size - 3;

		f.now_us += (uint64_t)data[2] * data[2] * 1000;
		while (applepeers_due_us(f.t) <= f.now_us && applepeers_tick(f.t, &f.out, f.now_us))
			check(NULL);
		must(applepeers_due_us(f.t) > f.now_us);
		piece(data[1], data + 3, n);
		data += n + 3;
		size -= n + 3;
	}
	f.t = mem_deref(f.t);
	return 0;
}
