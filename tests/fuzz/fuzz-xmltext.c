/*
 * fuzz-xmltext.c - any bytes as a peer's text: what comes out is UTF-8 without markup, and a URI of URI characters.
 */
#include <stdlib.h>
#include <string.h>
#include <glib.h>
#include "server/xmltext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool text_ok(const struct mbuf *mb)
{
	const char *p = (const char *)mb->buf;

	for (size_t i = 0; i < mb->end; i++)
		if ((unsigned char)p[i] < ' ' || strchr("<>\"", p[i]))
			return false;

	return g_utf8_validate(p, (gssize)mb->end, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(64);
	char *text = malloc(size + 1), uri[100];

	if (mb && text) {
		memcpy(text, data, size);
		text[size] = '\0';
		if (xmltext_write(mb, text) || (mb->end && !text_ok(mb)))
			abort();
		xmltext_uri(uri, sizeof(uri), text);
		for (const char *p = uri; *p; p++)
			if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("<>\"", *p))
				abort();
	}
	free(text);
	mem_deref(mb);
	return 0;
}
