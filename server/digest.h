/*
 * digest.h - the Digest scheme (RFC 7616) itself: parameters out of a header, and the arithmetic. Private to auth.
 */
#ifndef SERVER_DIGEST_H
#define SERVER_DIGEST_H

#include <re.h>

enum digest_alg { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALG_N };      /* the strongest last */
enum { DIGEST_HEX_MAX = 64 + 1 };

/* A challenge or credentials. Values are without their quotes, escapes left as they are; p NULL: not there. */
struct digest_params {
	struct pl username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, stale, userhash;
};

/* ENOENT: another scheme. EBADMSG: malformed, a parameter twice, too many, control bytes. */
int digest_decode(struct digest_params *d, const struct pl *hval);
/* No algorithm is MD5. ENOTSUP: one we do not do. */
int digest_alg(enum digest_alg *alg, const struct pl *name);
const char *digest_alg_name(enum digest_alg alg);

struct digest_input {
	enum digest_alg alg;
	struct pl user, realm, password, method, uri, nonce, nc, cnonce, qop;     /* qop unset: as in RFC 2069 */
};
int digest_response(char hex[DIGEST_HEX_MAX], const struct digest_input *in);

bool digest_token_in(const struct pl *list, const char *token);   /* "auth,auth-int" */

#endif
