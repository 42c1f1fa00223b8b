/*
 * fuzz-seal.c - SRTP and SRTCP from strangers: never opened, never read past its end.
 *
 * First byte: suite and kind; the rest is the packet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "mixer/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seal *get(enum leg_srtp suite)
{
	static struct seal *made[4];
	struct leg_key key = {.suite = suite, .len = suite == LEG_SRTP_AEAD_AES128_GCM ? 28 : 30};

	if (!made[suite] && seal_alloc(&made[suite], &key))
		abort();
	return made[suite];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seal *s;
	uint8_t *buf;
	size_t len;

	if (size < 1 || size > 2048)
		return 0;
	s = get((enum leg_srtp)(1 + data[0] % 3));
	len = size - 1;
	buf = malloc(len + SEAL_ROOM);
	if (!buf)
		return 0;
	memcpy(buf, data + 1, len);
	if (data[0] & 0x80)
		seal_open_rtcp_rt(s, buf, &len, len + SEAL_ROOM);
	else
		seal_open_rtp_rt(s, buf, &len, len + SEAL_ROOM);
	free(buf);
	return 0;
}
