/*
 * tlskey.h - the server's certificate for lines of TLS, and fingerprints (RFC 8122). Control thread.
 */
#ifndef OSC_TLSKEY_H
#define OSC_TLSKEY_H

#include <stdbool.h>
#include <stddef.h>

struct tlskey;
struct ssl_ctx_st;
struct ssl_st;

enum { TLSKEY_TEXT = 3 * 64 + 16 };       /* the longest fingerprint as text, sha-512 */

/* `path`: certificate and key in PEM. ENOENT, EINVAL: not to be read, or the one does not fit the other. */
int  tlskey_alloc(struct tlskey **kp, const char *path);
struct ssl_ctx_st *tlskey_context(const struct tlskey *k);
const char *tlskey_fingerprint(const struct tlskey *k);           /* "sha-256 AB:CD:.." */

/* Is it the value of a=fingerprint, with a hash that is still good for something: sha-256, sha-384, sha-512? */
bool tlskey_text_ok(const char *text);
/* Does the certificate that this peer showed have that fingerprint? false too when it showed none. */
bool tlskey_is_peer(const struct ssl_st *ssl, const char *text);

#endif
