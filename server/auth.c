/*
 * auth.c - who is calling, and who are we when asked.
 *
 * As a server the order of the questions matters: first whether the words are well formed, then whether the
 * response is right, and only then whether the nonce is fresh. stale=true is said to who knows the password (RFC
 * 2617 3.2.1: an invalid nonce "but with a valid digest for that nonce"), and so nobody without one can fill the
 * table of counts. An unknown user is computed like a known one, so that the time of an answer does not tell who
 * exists.
 *
 * qop is required: what has none (RFC 2069) can be replayed for ever. auth-int is refused, for proxies change bodies.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "auth.h"
#include "digest.h"
#include "nonce.h"

struct auth {
	char *realm;
	struct nonces *nonces;
	auth_lookup_h *h;
	void *arg;
};

static void auth_destructor(void *data)
{
	struct auth *a = data;

	mem_deref(a->realm);
	mem_deref(a->nonces);
}

/* May stand between quotes as it is. */
static bool quotable(const char *s)
{
	for (; s && *s; s++)
		if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return s != NULL;
}

int auth_alloc(struct auth **ap, const char *realm, uint32_t nonce_life_s, auth_lookup_h *h, void *arg)
{
	struct auth *a;
	int err;

	if (!ap || !quotable(realm) || !realm[0] || !h)
		return EINVAL;
	a = mem_zalloc(sizeof(*a), auth_destructor);
	if (!a)
		return ENOMEM;
	a->h = h;
	a->arg = arg;
	err = str_dup(&a->realm, realm);
	if (!err)
		err = nonces_alloc(&a->nonces, (uint64_t)nonce_life_s * 1000);
	if (err)
		mem_deref(a);
	else
		*ap = a;
	return err;
}

/* --- as a server --- */

struct seek {                             /* the credentials for a realm, in a message that may carry several */
	const char *realm;
	struct digest_params d;
	int err;                          /* ENOENT: none */
};

static bool is_ours(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct seek *s = arg;
	int err = digest_decode(&s->d, &hdr->val);

	if (err == ENOENT)
		return false;                     /* another scheme */
	if (err || !s->d.realm.p) {
		s->err = EBADMSG;
		return true;
	}
	if (pl_strcmp(&s->d.realm, s->realm))
		return false;                     /* for a proxy on the way */
	s->err = 0;
	return true;
}

/* RFC 7616 3.4.6: the server "MUST assure that the resource designated by the "uri" parameter is the same as the
 * resource specified in the Request-Line; if they are not, the server SHOULD return a 400 Bad Request error". What
 * proxies rightly change in a Request-URI are its parameters and the case of its host. */
static bool same_uri(const struct pl *claimed, const struct sip_msg *msg)
{
	struct uri a;
	const struct uri *b = &msg->uri;

	if (!pl_cmp(claimed, &msg->ruri))
		return true;
	return !uri_decode(&a, claimed) && !pl_casecmp(&a.scheme, &b->scheme) && !pl_cmp(&a.user, &b->user) &&
	       !pl_casecmp(&a.host, &b->host) && a.port == b->port;
}

static int parse_nc(uint32_t *nc, const struct pl *val)
{
	if (val->l != 8)
		return EBADMSG;
	*nc = 0;
	for (size_t i = 0; i < val->l; i++) {
		char ch = val->p[i];
		int v = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 :
			ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;

		if (v < 0)
			return EBADMSG;
		*nc = *nc << 4 | (uint32_t)v;
	}
	return *nc ? 0 : EBADMSG;
}

static bool well_formed(enum digest_alg *alg, uint32_t *nc, const struct digest_params *d, const struct sip_msg *msg)
{
	return d->username.l && d->nonce.l && d->uri.l && d->response.l && d->cnonce.l && d->qop.p &&
	       !pl_strcasecmp(&d->qop, "auth") && !digest_alg(alg, &d->algorithm) && !parse_nc(nc, &d->nc) &&
	       same_uri(&d->uri, msg);
}

/* Equal but for the case of the digits, in a time that tells nothing. */
static bool same_hex(const char *want, const struct pl *got)
{
	char low[DIGEST_HEX_MAX];
	size_t n = strlen(want);

	if (got->l != n)
		return false;
	for (size_t i = 0; i < n; i++)
		low[i] = got->p[i] >= 'A' && got->p[i] <= 'F' ? (char)(got->p[i] + 32) : got->p[i];
	return CRYPTO_memcmp(low, want, n) == 0;
}

static bool response_right(struct auth *a, struct auth_account *acc, enum digest_alg alg, const struct digest_params *d,
			   const struct sip_msg *msg)
{
	bool known = a->h(acc, &d->username, a->arg) && acc->password;
	struct digest_input in = {
		.alg = alg, .user = d->username, .realm = d->realm, .method = msg->met, .uri = d->uri, .nonce = d->nonce,
		.nc = d->nc, .cnonce = d->cnonce, .qop = d->qop,
	};
	char hex[DIGEST_HEX_MAX];

	pl_set_str(&in.password, known ? acc->password : "nobody has this password");
	return !digest_response(hex, &in) && same_hex(hex, &d->response) && known;
}

enum auth_verdict auth_check(struct auth *a, struct auth_account *acc, const struct sip_msg *msg, bool proxy,
			     uint64_t now_ms)
{
	struct auth_account found = { 0 };
	struct seek s = { .realm = a->realm, .err = ENOENT };
	enum digest_alg alg;
	uint32_t nc;

	sip_msg_hdr_apply(msg, true, proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION, is_ours, &s);
	if (s.err == ENOENT)
		return AUTH_NONE;
	if (s.err || !well_formed(&alg, &nc, &s.d, msg))
		return AUTH_BAD;
	if (!response_right(a, &found, alg, &s.d, msg))
		return AUTH_WRONG;
	if (nonce_use(a->nonces, &s.d.nonce, nc, now_ms))
		return AUTH_STALE;
	*acc = found;
	return AUTH_OK;
}

/* RFC 8760: one header field per algorithm, in the order of preference, the most preferred on top. */
int auth_challenge(struct auth *a, char *buf, size_t size, const struct sip_msg *msg, bool proxy, bool stale,
		   uint64_t now_ms)
{
	char nonce[NONCE_LEN + 1];
	size_t pos = 0;
	int err = nonce_make(a->nonces, nonce, now_ms);

	for (int alg = DIGEST_ALG_N - 1; alg >= 0 && !err; alg--) {
		int n = snprintf(buf + pos, size - pos, "%s: Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s\r\n",
				 proxy ? "Proxy-Authenticate" : "WWW-Authenticate", a->realm, nonce,
				 digest_alg_name((enum digest_alg)alg), stale ? ", stale=true" : "");

		if (n < 0 || (size_t)n >= size - pos)
			return EOVERFLOW;
		pos += (size_t)n;
	}
	return err;
}

/* --- as a client --- */

struct choice {
	const char *realm;
	struct digest_params d;
	enum digest_alg alg;
	bool found;
};

/* RFC 8760: a client takes the topmost challenge that it supports. */
static bool can_answer(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct choice *c = arg;
	struct digest_params d;

	if (digest_decode(&d, &hdr->val) || !d.realm.p || !d.nonce.l || (c->realm && pl_strcmp(&d.realm, c->realm)))
		return false;
	if (digest_alg(&c->alg, &d.algorithm) || (d.qop.p && !digest_token_in(&d.qop, "auth")))
		return false;
	c->d = d;
	c->found = true;
	return true;
}

static int make_cnonce(char cnonce[33])
{
	uint8_t raw[16];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return EIO;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(cnonce + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static int print_answer(char *buf, size_t size, bool proxy, const struct choice *c, const struct digest_input *in,
			const char *hex)
{
	const struct digest_params *d = &c->d;
	int n = re_snprintf(buf, size, "%s: Digest username=\"%r\", realm=\"%r\", nonce=\"%r\", uri=\"%r\", response=\"%s\", "
			    "algorithm=%s", proxy ? "Proxy-Authorization" : "Authorization", &in->user, &d->realm, &d->nonce,
			    &in->uri, hex, digest_alg_name(c->alg));
	if (n < 0)
		return EOVERFLOW;
	size_t pos = (size_t)n;
	if (in->qop.p) {
		n = re_snprintf(buf + pos, size - pos, ", qop=auth, cnonce=\"%r\", nc=%r", &in->cnonce, &in->nc);
		if (n < 0)
			return EOVERFLOW;
		pos += (size_t)n;
	}
	if (d->opaque.p) {
		n = re_snprintf(buf + pos, size - pos, ", opaque=\"%r\"", &d->opaque);
		if (n < 0)
			return EOVERFLOW;
		pos += (size_t)n;
	}
	return re_snprintf(buf + pos, size - pos, "\r\n") < 0 ? EOVERFLOW : 0;
}

int auth_answer(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri,
		const struct auth_cred *cred, uint32_t *nc)
{
	bool proxy = challenge->scode == 407;
	struct choice c = { .realm = cred->any_realm ? NULL : cred->realm };
	struct digest_input in = { 0 };
	char cnonce[33], count[9], hex[DIGEST_HEX_MAX];
	int err;

	if (!cred->any_realm && (!cred->realm || !cred->realm[0]))
		return EPERM;
	if (!quotable(cred->user) || !cred->password || !quotable(uri))
		return EINVAL;
	sip_msg_hdr_apply(challenge, true, proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE, can_answer, &c);
	if (!c.found)
		return EPERM;
	err = make_cnonce(cnonce);
	if (err)
		return err;
	snprintf(count, sizeof(count), "%08x", ++*nc);
	in.alg = c.alg;
	in.realm = c.d.realm;
	in.nonce = c.d.nonce;
	pl_set_str(&in.user, cred->user);
	pl_set_str(&in.password, cred->password);
	pl_set_str(&in.method, method);
	pl_set_str(&in.uri, uri);
	pl_set_str(&in.cnonce, cnonce);
	pl_set_str(&in.nc, count);
	if (c.d.qop.p)
		pl_set_str(&in.qop, "auth");
	err = digest_response(hex, &in);
	return err ? err : print_answer(buf, size, proxy, &c, &in, hex);
}
