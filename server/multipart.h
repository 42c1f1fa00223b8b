/*
 * multipart.h - finds one part in a multipart body (RFC 2046, RFC 5621): the session description among others.
 */
#ifndef SERVER_MULTIPART_H
#define SERVER_MULTIPART_H

#include <re.h>

enum { MULTIPART_DEPTH_MAX = 2, MULTIPART_PARTS_MAX = 16 };

/* ctype_params: what follows "multipart/mixed" in Content-Type. *part points into the body. The outer type is taken as
 * multipart/mixed; multipart_find_in knows the others. 0; EBADMSG malformed -> 400; ENOENT no such part (or it is encoded,
 * e.g. base64) -> 415; ENOTSUP there is one, but also a part we do not know and must handle -> 415. */
int  multipart_find(struct pl *part, const struct pl *ctype_params, const struct pl *body, const char *type, const char *subtype);
/* ctype is the body's whole Content-Type: mixed (first fitting part), alternative (last), related (root part). */
int  multipart_find_in(struct pl *part, const struct msg_ctype *ctype, const struct pl *body, const char *type, const char *subtype);

#endif
