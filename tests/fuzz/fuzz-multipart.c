/*
 * fuzz-multipart.c - any bytes as a multipart body; the first line is the Content-Type.
 */
#include <stdlib.h>
#include <string.h>
#include "server/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	struct pl head, body, part = PL_INIT;
	struct msg_ctype ctype;

	if (!lf)
		return 0;
	head.p = (const char *)data;
	head.l = (size_t)(lf - data);
	body.p = (const char *)lf + 1;
	body.l = size - head.l - 1;
	if (msg_ctype_decode(&ctype, &head))
		return 0;
	if (multipart_find_in(&part, &ctype, &body, "application", "sdp"))
		return 0;
	if (part.l > body.l || part.p < body.p || part.p + part.l > body.p + body.l)
		abort();
	return 0;
}
