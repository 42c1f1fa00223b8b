/*
 * fuzz-slip.c - any bytes as a stream, SLIP and size: in one piece and in small ones the same packets come, none
 * longer than may be, and each written again is read again.
 */
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "osc/slip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 64 };

struct sum {
	unsigned n;
	uint64_t hash;
	int err;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void again(enum slip_kind kind, const uint8_t *pkt, size_t len)
{
	uint8_t buf[2 * MAX + 4];
	const uint8_t *p = buf, *got;
	size_t n = slip_room(len), got_len;
	struct slip *s;

	must(!slip_write(buf, &n, kind, pkt, len) && !slip_alloc(&s, kind, MAX));
	must(!slip_read(s, &got, &got_len, &p, &n) && got_len == len && !memcmp(got, pkt, len) && !n);
	mem_deref(s);
}

static struct sum feed(enum slip_kind kind, const uint8_t *data, size_t size, size_t piece)
{
	struct sum sum = {0};
	const uint8_t *pkt;
	struct slip *s;
	size_t len;

	must(!slip_alloc(&s, kind, MAX));
	for (size_t at = 0; at < size; at += piece) {
		const uint8_t *p = data + at;
		size_t left = size - at < piece ? size - at : piece;

		while (!(sum.err = slip_read(s, &pkt, &len, &p, &left))) {
			must(len >= 8 && len <= MAX && len % 4 == 0);
			sum.n++;
			for (size_t i = 0; i < len; i++)
				sum.hash = sum.hash * 31 + pkt[i];
			if (piece == size)
				again(kind, pkt, len);
		}
	}
	mem_deref(s);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	for (enum slip_kind kind = SLIP_END; kind <= SLIP_SIZE; kind++) {
		const struct sum whole = feed(kind, data, size, size), parts = feed(kind, data, size, 3);

		must(whole.n == parts.n && whole.hash == parts.hash && whole.err == parts.err);
	}
	return 0;
}
