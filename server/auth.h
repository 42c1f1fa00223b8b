/*
 * auth.h - accounts and digest challenge (RFC 3261 22, RFC 8760: SHA-256 and MD5, qop=auth), nonces with life time
 * and counts; and our own credentials as a client, sent only to the realm and peer they belong to.
 */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include <re.h>

struct auth;

struct auth_account { const char *user, *password, *role; };      /* role: "host", "speaker", "listener" */
typedef bool (auth_lookup_h)(struct auth_account *acc, const struct pl *user, void *arg);

int  auth_alloc(struct auth **ap, const char *realm, uint32_t nonce_life_s, auth_lookup_h *h, void *arg);

enum auth_verdict {
	AUTH_OK,                  /* acc is filled */
	AUTH_NONE,                /* no credentials for our realm: challenge */
	AUTH_STALE,               /* nonce too old or its count reused: challenge with stale=true */
	AUTH_WRONG,               /* wrong user or password: challenge again; the caller logs and counts */
	AUTH_BAD,                 /* malformed, auth-int, unknown algorithm: 400 */
};
enum auth_verdict auth_check(struct auth *a, struct auth_account *acc, const struct sip_msg *msg, bool proxy, uint64_t now_ms);
/* WWW-Authenticate (or Proxy-) lines, SHA-256 first then MD5, for sip_treplyf("%H"-style): written to buf. */
int  auth_challenge(struct auth *a, char *buf, size_t size, const struct sip_msg *msg, bool proxy, bool stale, uint64_t now_ms);

/* Digest as a client, MD5 and SHA-256: computes the Authorization header line for a 401/407. EPERM when the
 * challenge's realm is not `realm` (empty realm in the table: never) or nothing in it can be answered. */
struct auth_cred { const char *realm, *user, *password; bool any_realm; };        /* any_realm: whichever it names */
int  auth_answer(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri,
		 const struct auth_cred *cred, uint32_t *nc);

#endif
