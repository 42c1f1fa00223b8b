/* fuzz-ws.c - a WebSocket client that sends any bytes, in one piece and byte by byte: the same frames both times. */
#include <stdlib.h>
#include <string.h>
#include "web/ws.h"

struct sum { uint64_t n, bytes, value; };

static bool on_frame(enum ws_op op, const uint8_t *payload, size_t n, void *arg)
{
	struct sum *s = arg;

	if (n > WS_PAYLOAD_MAX)
		abort();
	s->n++;
	s->bytes += n;
	s->value = s->value * 31 + op;
	for (size_t i = 0; i < n; i++)
		s->value = s->value * 31 + payload[i];
	return op != WS_CLOSE;
}

static int read_by(struct sum *s, const uint8_t *data, size_t size, size_t step)
{
	static struct ws_reader r;
	int err = 0;

	memset(&r, 0, sizeof(r));
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < size && !err; i += step)
		err = ws_read(&r, data + i, step < size - i ? step : size - i, on_frame, s);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, bytes;

	if (read_by(&whole, data, size, size ? size : 1) != read_by(&bytes, data, size, 1) || memcmp(&whole, &bytes, sizeof(whole)))
		abort();
	return 0;
}
