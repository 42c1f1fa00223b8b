/*
 * fuzz-sipguard.c - any bytes: the guard ends, keeps inside the message, and what it answers begins with a status line.
 */
#include <stdlib.h>
#include <string.h>
#include "server/sipguard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sipguard g;
	struct mbuf *mb;
	char *text = malloc(size ? size : 1);     /* exact, so that the sanitizer sees a step beyond */
	struct sa src;

	if (!text)
		return 0;
	memcpy(text, data, size);
	sa_set_str(&src, "127.0.0.1", 5060);
	for (int stream = 0; stream < 2; stream++) {
		sipguard_check(&g, text, size, stream);
		if (g.len > size)
			abort();
		if (g.act != SIPGUARD_REPLY)
			continue;
		if (g.scode < 400 || g.scode > 599 || !g.reason)
			abort();
		mb = mbuf_alloc(512);
		if (!sipguard_reply(mb, text, size, &src, &g, "fuzz") && (mb->end < 12 || memcmp(mb->buf, "SIP/2.0 ", 8)))
			abort();
		mem_deref(mb);
	}
	free(text);
	return 0;
}
