/*
 * fuzz-dtmf.c - any telephone-event payloads at any timestamps: what is reported is a key, and no event is told twice
 * in a row. Six bytes are one packet: two of timestamp step, four of payload.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mixer/dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dtmf_rx rx = { 0 };
	uint32_t ts = 0xffffff00u;
	char key = 0;

	for (size_t i = 0; i < size; i += 6) {
		const size_t left = size - i;
		const uint8_t *payload = data + i + 2;
		const size_t len = left < 2 ? 0 : left < 6 ? left - 2 : 4;
		int n;

		if (left >= 2)
			ts += (uint32_t)(int16_t)(data[i] << 8 | data[i + 1]) * (data[i] & 1 ? 1 : 16);
		n = dtmf_read_rt(&rx, &key, ts, len ? payload : data, len);
		must(n == 0 || n == 1 || n == -EBADMSG);
		must((n == -EBADMSG) == (len < 4));
		if (n == 1)
			must(dtmf_event(key) == payload[0]);
		if (n >= 0)
			must(dtmf_read_rt(&rx, &key, ts, payload, len) == 0);
	}

	return 0;
}
