/*
 * digest.c - the Digest scheme itself.
 *
 * libre reads digest headers too, but drops the algorithm, takes a parameter twice, and knows MD5 only.
 */
#include <string.h>
#include <openssl/evp.h>
#include "digest.h"

enum { PARAMS_MAX = 32, VALUE_MAX = 512 };

static const struct { const char *name; size_t offset; } fields[] = {
#define F(n) { #n, offsetof(struct digest_params, n) }
	F(username), F(realm), F(nonce), F(uri), F(response), F(algorithm), F(cnonce), F(opaque), F(qop), F(nc), F(stale),
	F(userhash),
#undef F
};

/* --- reading --- */

static bool is_token(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       (ch && strchr("-.!%*_+`'~", ch));
}

static bool is_ctl(char ch)
{
	return (unsigned char)ch < 0x20 || ch == 0x7f;
}

static void skip_space(struct pl *in)
{
	while (in->l && (*in->p == ' ' || *in->p == '\t' || *in->p == '\r' || *in->p == '\n'))
		pl_advance(in, 1);
}

static bool take_char(struct pl *in, char ch)
{
	skip_space(in);
	if (!in->l || *in->p != ch)
		return false;
	pl_advance(in, 1);
	return true;
}

static struct pl take_token(struct pl *in)
{
	struct pl t = { in->p, 0 };

	while (in->l && is_token(*in->p)) {
		pl_advance(in, 1);
		t.l++;
	}
	return t;
}

static int take_quoted(struct pl *val, struct pl *in)
{
	*val = (struct pl){ in->p, 0 };
	while (in->l && *in->p != '"') {
		size_t n = *in->p == '\\' && in->l > 1 ? 2 : 1;

		if (is_ctl(*in->p) || is_ctl(in->p[n - 1]))
			return EBADMSG;
		pl_advance(in, (ssize_t)n);
		val->l += n;
	}
	return take_char(in, '"') ? 0 : EBADMSG;
}

static int take_value(struct pl *val, struct pl *in)
{
	skip_space(in);
	if (take_char(in, '"')) {
		int err = take_quoted(val, in);
		if (err)
			return err;
	} else {
		*val = take_token(in);
		if (!val->l)
			return EBADMSG;
	}
	return val->l > VALUE_MAX ? EBADMSG : 0;
}

/* RFC 7235 2.1: "each parameter name MUST only occur once per challenge". Names we do not know are skipped. */
static int keep(struct digest_params *d, const struct pl *name, const struct pl *val)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (pl_strcasecmp(name, fields[i].name))
			continue;
		struct pl *field = (struct pl *)((char *)d + fields[i].offset);
		if (field->p)
			return EBADMSG;
		*field = *val;
		return 0;
	}
	return 0;
}

static int take_param(struct digest_params *d, struct pl *in)
{
	struct pl name, val;
	int err;

	skip_space(in);
	name = take_token(in);
	if (!name.l || !take_char(in, '='))
		return EBADMSG;
	err = take_value(&val, in);
	return err ? err : keep(d, &name, &val);
}

int digest_decode(struct digest_params *d, const struct pl *hval)
{
	struct pl in = *hval, scheme;
	int err = 0;

	memset(d, 0, sizeof(*d));
	skip_space(&in);
	scheme = take_token(&in);
	if (pl_strcasecmp(&scheme, "Digest"))
		return ENOENT;
	for (int i = 0; i < PARAMS_MAX && !err; i++) {
		while (take_char(&in, ','))       /* RFC 7230 7: empty list elements are let pass */
			;
		skip_space(&in);
		if (!in.l)
			return 0;
		err = take_param(d, &in);
		skip_space(&in);
		if (!err && in.l && *in.p != ',')
			err = EBADMSG;
	}
	return EBADMSG;
}

static const char *const alg_names[DIGEST_ALG_N] = { [DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256" };

const char *digest_alg_name(enum digest_alg alg)
{
	return alg_names[alg];
}

int digest_alg(enum digest_alg *alg, const struct pl *name)
{
	if (!name->p) {                   /* RFC 7616 3.3: "If this is not present, it is assumed to be MD5" */
		*alg = DIGEST_MD5;
		return 0;
	}
	for (unsigned i = 0; i < DIGEST_ALG_N; i++) {
		if (!pl_strcasecmp(name, alg_names[i])) {
			*alg = (enum digest_alg)i;
			return 0;
		}
	}
	return ENOTSUP;
}

bool digest_token_in(const struct pl *list, const char *token)
{
	struct pl in = *list;

	while (in.l) {
		struct pl t;

		while (take_char(&in, ','))
			;
		skip_space(&in);
		t = take_token(&in);
		if (!t.l)
			return false;
		if (!pl_strcasecmp(&t, token))
			return true;
		skip_space(&in);
	}
	return false;
}

/* --- arithmetic --- */

static int hash_hex(char hex[DIGEST_HEX_MAX], enum digest_alg alg, const struct pl *part[], size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok;

	if (!ctx)
		return ENOMEM;
	ok = EVP_DigestInit_ex(ctx, alg == DIGEST_SHA256 ? EVP_sha256() : EVP_md5(), NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1) == 1) && EVP_DigestUpdate(ctx, part[i]->p, part[i]->l) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, md, &len) == 1 && 2 * len < DIGEST_HEX_MAX;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return ENOTSUP;           /* a crypto policy without MD5 */
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[md[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
	}
	hex[2 * len] = '\0';
	return 0;
}

/* RFC 7616 3.4.1: response = KD(H(A1), unq(nonce) ":" nc ":" unq(cnonce) ":" unq(qop) ":" H(A2)) */
int digest_response(char hex[DIGEST_HEX_MAX], const struct digest_input *in)
{
	char a1[DIGEST_HEX_MAX], a2[DIGEST_HEX_MAX];
	struct pl ha1, ha2;
	int err;

	err = hash_hex(a1, in->alg, (const struct pl *[]){ &in->user, &in->realm, &in->password }, 3);
	if (err)
		return err;
	err = hash_hex(a2, in->alg, (const struct pl *[]){ &in->method, &in->uri }, 2);
	if (err)
		return err;
	pl_set_str(&ha1, a1);
	pl_set_str(&ha2, a2);
	if (!in->qop.p)
		return hash_hex(hex, in->alg, (const struct pl *[]){ &ha1, &in->nonce, &ha2 }, 3);
	return hash_hex(hex, in->alg, (const struct pl *[]){ &ha1, &in->nonce, &in->nc, &in->cnonce, &in->qop, &ha2 }, 6);
}
