/*
 * seal.c - SRTP and SRTCP on libre's AES and OpenSSL's SHA-1.
 *
 *     RTP  CM    header | encrypted payload | tag                  tag = HMAC(packet || ROC)
 *     RTP  GCM   header | encrypted payload + tag                  header is the associated data
 *     RTCP CM    8 bytes | encrypted | E,index | tag
 *     RTCP GCM   8 bytes | encrypted + tag | E,index               8 bytes and E,index are associated data
 *
 * Decided against libre's own srtp context: it keeps a place for a source, and turns its roll-over counter, before it
 * has looked at the tag, so that eight forged packets end a call; it allocates at the first packet of a source; and it
 * shortens the SRTCP tag of AES_CM_128_HMAC_SHA1_32, which RFC 4568 section 6.2 does not. Against its HMAC, and all that
 * OpenSSL 3 offers for it: they allocate at each packet. The old SHA1_ functions do not, and their state can be copied,
 * so the key is hashed once.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string.h>
#include "seal.h"

enum {
	N_SOURCES = 8,
	KEY_LEN = 16,
	AUTH_LEN = 20,
	GCM_TAG = 16,
	RTCP_TAG = 10,    /* RFC 4568 6.2: 80 bits, also with SHA1_32 */
	INDEX_LEN = 4,
	WINDOW = 64,      /* RFC 3711 3.3.2: "at least 64" */
};

struct replay {
	uint64_t top;     /* highest index taken */
	uint64_t mask;    /* bit n: top - n was taken */
	bool any;
};

struct source {
	bool used;
	uint32_t ssrc;
	uint64_t last_use;
	uint32_t roc;
	uint16_t top_seq;
	bool any_rtp;
	struct replay rtp, rtcp;
	uint32_t rtcp_index;      /* of the next one to seal */
};

struct hmac_sha {                 /* RFC 2104, with the key's two blocks already hashed */
	SHA_CTX inner, outer;
};

struct keys {
	struct aes *aes;
	struct hmac_sha hmac;
	uint8_t salt[14];
	size_t tag;
};

struct seal {
	bool gcm;
	struct keys rtp, rtcp;
	uint64_t uses;
	struct source sources[N_SOURCES];
};

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void hmac_init(struct hmac_sha *h, const uint8_t *key, size_t len)
{
	uint8_t in[SHA_CBLOCK], out[SHA_CBLOCK];

	for (size_t i = 0; i < SHA_CBLOCK; i++) {
		in[i] = 0x36 ^ (i < len ? key[i] : 0);
		out[i] = 0x5c ^ (i < len ? key[i] : 0);
	}
	SHA1_Init(&h->inner);
	SHA1_Update(&h->inner, in, sizeof(in));
	SHA1_Init(&h->outer);
	SHA1_Update(&h->outer, out, sizeof(out));
	explicit_bzero(in, sizeof(in));
	explicit_bzero(out, sizeof(out));
}

static void hmac_tag(const struct hmac_sha *h, uint8_t tag[AUTH_LEN], const uint8_t *buf, size_t len)
{
	SHA_CTX ctx = h->inner;

	SHA1_Update(&ctx, buf, len);
	SHA1_Final(tag, &ctx);
	ctx = h->outer;
	SHA1_Update(&ctx, tag, AUTH_LEN);
	SHA1_Final(tag, &ctx);
}

/* --- keys (RFC 3711 4.3) --- */

/* 4.3.1: key_id is label || r, x is key_id XOR master salt, and the key is the AES-CM of x; without a derivation rate r
 * is 0. */
static int derive(uint8_t *out, size_t len, uint8_t label, const uint8_t *master, const uint8_t *salt, size_t salt_len)
{
	static const uint8_t zero[32];
	uint8_t x[AES_BLOCK_SIZE] = {0};
	struct aes *aes = NULL;
	int err;

	memcpy(x, salt, salt_len);
	x[7] ^= label;
	err = aes_alloc(&aes, AES_MODE_CTR, master, KEY_LEN * 8, x);
	if (!err)
		err = aes_encr(aes, out, zero, len);
	mem_deref(aes);
	return err;
}

static int keys_init(struct keys *k, bool gcm, uint8_t label, size_t tag, const struct leg_key *key)
{
	const uint8_t *salt = key->key + KEY_LEN;
	size_t salt_len = key->len - KEY_LEN;
	uint8_t cipher[KEY_LEN], auth[AUTH_LEN];
	int err;

	k->tag = tag;
	err = derive(cipher, sizeof(cipher), label, key->key, salt, salt_len);
	if (!err)
		err = derive(k->salt, salt_len, (uint8_t)(label + 2), key->key, salt, salt_len);
	if (!err)
		err = aes_alloc(&k->aes, gcm ? AES_MODE_GCM : AES_MODE_CTR, cipher, KEY_LEN * 8, NULL);
	if (!err && !gcm) {
		err = derive(auth, sizeof(auth), (uint8_t)(label + 1), key->key, salt, salt_len);
		if (!err)
			hmac_init(&k->hmac, auth, sizeof(auth));
	}
	explicit_bzero(cipher, sizeof(cipher));
	explicit_bzero(auth, sizeof(auth));
	return err;
}

static void seal_destructor(void *arg)
{
	struct seal *s = arg;

	mem_deref(s->rtp.aes);
	mem_deref(s->rtcp.aes);
	explicit_bzero(arg, sizeof(*s));
}

int seal_alloc(struct seal **sp, const struct leg_key *key)
{
	bool gcm = key->suite == LEG_SRTP_AEAD_AES128_GCM;
	struct seal *s;
	int err;

	if (key->suite == LEG_SRTP_NONE || key->len != (gcm ? KEY_LEN + 12 : KEY_LEN + 14))
		return EINVAL;
	s = mem_zalloc(sizeof(*s), seal_destructor);
	if (!s)
		return ENOMEM;
	s->gcm = gcm;
	err = keys_init(&s->rtp, gcm, 0, gcm ? GCM_TAG : key->suite == LEG_SRTP_AES128_SHA1_32 ? 4 : 10, key);
	if (!err)
		err = keys_init(&s->rtcp, gcm, 3, gcm ? GCM_TAG : RTCP_TAG, key);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

bool seal_key_equal(const struct leg_key *a, const struct leg_key *b)
{
	if (a->suite != b->suite)
		return false;
	return a->suite == LEG_SRTP_NONE || (a->len == b->len && a->len <= sizeof(a->key) && !memcmp(a->key, b->key, a->len));
}

/* --- sources and indices --- */

static struct source *source_find_rt(struct seal *s, uint32_t ssrc)
{
	for (int i = 0; i < N_SOURCES; i++)
		if (s->sources[i].used && s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	return NULL;
}

/* Only for a source that holds the key: takes the place that was idle longest when the table is full. */
static struct source *source_get_rt(struct seal *s, uint32_t ssrc)
{
	struct source *src = source_find_rt(s, ssrc), *old = &s->sources[0];

	if (!src) {
		for (int i = 0; i < N_SOURCES && old->used; i++)
			if (!s->sources[i].used || s->sources[i].last_use < old->last_use)
				old = &s->sources[i];
		memset(old, 0, sizeof(*old));
		old->used = true;
		old->ssrc = ssrc;
		src = old;
	}
	src->last_use = ++s->uses;
	return src;
}

/* RFC 3711 3.3.1 and Appendix A: the roll-over counter that puts seq nearest to the highest one seen. */
static uint32_t guess_roc(const struct source *src, uint16_t seq)
{
	if (!src || !src->any_rtp)
		return 0;
	if (src->top_seq < 32768)
		return seq - src->top_seq > 32768 && src->roc ? src->roc - 1 : src->roc;
	return src->top_seq - 32768 > seq ? src->roc + 1 : src->roc;
}

static bool replay_seen(const struct replay *r, uint64_t index)
{
	if (!r->any || index > r->top)
		return false;
	return r->top - index >= WINDOW || (r->mask >> (r->top - index) & 1);
}

static void replay_take(struct replay *r, uint64_t index)
{
	if (!r->any || index > r->top) {
		uint64_t step = r->any ? index - r->top : WINDOW;

		r->mask = step >= WINDOW ? 1 : r->mask << step | 1;
		r->top = index;
		r->any = true;
	} else {
		r->mask |= 1ULL << (r->top - index);
	}
}

static void source_advance(struct source *src, uint32_t roc, uint16_t seq)
{
	if (!src->any_rtp || roc > src->roc || (roc == src->roc && seq > src->top_seq)) {
		src->roc = roc;
		src->top_seq = seq;
		src->any_rtp = true;
	}
}

/* --- ciphers --- */

/* CM, RFC 3711 4.1.1: "IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16)", i of 48 bits. */
static void iv_cm(uint8_t iv[AES_BLOCK_SIZE], const struct keys *k, uint32_t ssrc, uint32_t high, uint16_t low)
{
	uint8_t x[10];

	memcpy(iv, k->salt, 14);
	iv[14] = iv[15] = 0;
	put32(x, ssrc);
	put32(x + 4, high);
	x[8] = (uint8_t)(low >> 8);
	x[9] = (uint8_t)low;
	for (int i = 0; i < 10; i++)
		iv[4 + i] ^= x[i];
}

/* GCM, RFC 7714 8.1: "00 00 || SSRC || ROC || SEQ" XOR salt; 9.1 for SRTCP: "00 00 || SSRC || 00 00 || index". */
static void iv_gcm(uint8_t iv[12], const struct keys *k, uint32_t ssrc, uint32_t high, uint16_t low)
{
	uint8_t x[12] = {0};

	put32(x + 2, ssrc);
	put32(x + 6, high);
	x[10] = (uint8_t)(low >> 8);
	x[11] = (uint8_t)low;
	for (int i = 0; i < 12; i++)
		iv[i] = x[i] ^ k->salt[i];
}

static int crypt_cm(struct keys *k, uint32_t ssrc, uint32_t high, uint16_t low, uint8_t *p, size_t len)
{
	uint8_t iv[AES_BLOCK_SIZE];

	iv_cm(iv, k, ssrc, high, low);
	aes_set_iv(k->aes, iv);
	return len ? aes_encr(k->aes, p, p, len) : 0;     /* counter mode: the same both ways */
}

static bool tag_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)                  /* in constant time */
		diff |= a[i] ^ b[i];
	return !diff;
}

/* Length of the RTP header with CSRCs and extension, 0 when it is none. */
static size_t rtp_header(const uint8_t *buf, size_t len)
{
	size_t n;

	if (len < 12 || buf[0] >> 6 != 2)
		return 0;
	n = 12 + 4u * (buf[0] & 15);
	if (buf[0] & 0x10) {
		if (n + 4 > len)
			return 0;
		n += 4 + 4u * get16(buf + n + 2);
	}
	return n <= len ? n : 0;
}

static int gcm_seal(struct keys *k, const uint8_t iv[12], const uint8_t *aad, size_t aad_len, const uint8_t *aad2,
		    uint8_t *p, size_t len)
{
	int err;

	aes_set_iv(k->aes, iv);
	err = aes_encr(k->aes, NULL, aad, aad_len);
	if (!err && aad2)
		err = aes_encr(k->aes, NULL, aad2, INDEX_LEN);
	if (!err && len)
		err = aes_encr(k->aes, p, p, len);
	if (!err)
		err = aes_get_authtag(k->aes, p + len, GCM_TAG);
	return err;
}

static int gcm_open(struct keys *k, const uint8_t iv[12], const uint8_t *aad, size_t aad_len, const uint8_t *aad2,
		    uint8_t *p, size_t len)
{
	int err;

	aes_set_iv(k->aes, iv);
	err = aes_decr(k->aes, NULL, aad, aad_len);
	if (!err && aad2)
		err = aes_decr(k->aes, NULL, aad2, INDEX_LEN);
	if (!err && len)
		err = aes_decr(k->aes, p, p, len);
	if (err)
		return err;
	return aes_authenticate(k->aes, p + len, GCM_TAG) ? EACCES : 0;
}

/* --- RTP --- */

int seal_rtp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size)
{
	size_t hdr = rtp_header(buf, *len), n = *len - hdr;
	uint16_t seq = hdr ? get16(buf + 2) : 0;
	uint32_t ssrc = hdr ? get32(buf + 8) : 0, roc;
	uint8_t tag[AUTH_LEN], iv[12];
	struct source *src;
	int err;

	if (!hdr)
		return EBADMSG;
	if (*len + SEAL_ROOM > size)
		return ENOSPC;
	src = source_get_rt(s, ssrc);
	roc = guess_roc(src, seq);
	source_advance(src, roc, seq);
	if (s->gcm) {
		iv_gcm(iv, &s->rtp, ssrc, roc, seq);
		err = gcm_seal(&s->rtp, iv, buf, hdr, NULL, buf + hdr, n);
	} else {
		err = crypt_cm(&s->rtp, ssrc, roc, seq, buf + hdr, n);
		put32(buf + *len, roc);
		hmac_tag(&s->rtp.hmac, tag, buf, *len + 4);
		memcpy(buf + *len, tag, s->rtp.tag);
	}
	if (!err)
		*len += s->rtp.tag;
	return err;
}

/* Tag first, with the counter the packet would have; only then is anything remembered. */
int seal_open_rtp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size)
{
	uint8_t want[AUTH_LEN], got[AUTH_LEN], iv[12];
	struct source *src;
	size_t hdr, body;
	uint32_t ssrc, roc;
	uint16_t seq;
	uint64_t index;
	int err;

	hdr = rtp_header(buf, *len);
	if (!hdr || *len < hdr + s->rtp.tag || *len + SEAL_ROOM > size)
		return EBADMSG;
	body = *len - s->rtp.tag;
	seq = get16(buf + 2);
	ssrc = get32(buf + 8);
	src = source_find_rt(s, ssrc);
	roc = guess_roc(src, seq);
	index = (uint64_t)roc << 16 | seq;
	if (src && replay_seen(&src->rtp, index))
		return EALREADY;
	if (s->gcm) {
		iv_gcm(iv, &s->rtp, ssrc, roc, seq);
		err = gcm_open(&s->rtp, iv, buf, hdr, NULL, buf + hdr, body - hdr);
	} else {
		memcpy(got, buf + body, s->rtp.tag);
		put32(buf + body, roc);
		hmac_tag(&s->rtp.hmac, want, buf, body + 4);
		err = tag_equal(want, got, s->rtp.tag) ? 0 : EACCES;
		if (!err)
			err = crypt_cm(&s->rtp, ssrc, roc, seq, buf + hdr, body - hdr);
	}
	if (err)
		return EACCES;
	src = source_get_rt(s, ssrc);
	replay_take(&src->rtp, index);
	source_advance(src, roc, seq);
	*len = body;
	return 0;
}

/* --- RTCP --- */

int seal_rtcp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size)
{
	uint8_t tag[AUTH_LEN], iv[12], word[INDEX_LEN];
	struct source *src;
	uint32_t ssrc, index;
	size_t n = *len;
	int err;

	if (n < 8)
		return EBADMSG;
	if (n + SEAL_ROOM > size)
		return ENOSPC;
	ssrc = get32(buf + 4);
	src = source_get_rt(s, ssrc);
	/* RFC 3711 3.4: "The SRTCP index MUST be set to zero before the first SRTCP packet is sent, and MUST be incremented
	 * by one, modulo 2^31, after each SRTCP packet is sent." */
	index = src->rtcp_index;
	src->rtcp_index = (index + 1) & 0x7fffffff;
	put32(word, 1u << 31 | index);
	if (s->gcm) {
		iv_gcm(iv, &s->rtcp, ssrc, index >> 16, (uint16_t)index);
		err = gcm_seal(&s->rtcp, iv, buf, 8, word, buf + 8, n - 8);
		memcpy(buf + n + GCM_TAG, word, INDEX_LEN);
	} else {
		err = crypt_cm(&s->rtcp, ssrc, index >> 16, (uint16_t)index, buf + 8, n - 8);
		memcpy(buf + n, word, INDEX_LEN);
		hmac_tag(&s->rtcp.hmac, tag, buf, n + INDEX_LEN);
		memcpy(buf + n + INDEX_LEN, tag, s->rtcp.tag);
	}
	if (!err)
		*len = n + INDEX_LEN + s->rtcp.tag;
	return err;
}

int seal_open_rtcp_rt(struct seal *s, uint8_t *buf, size_t *len, size_t size)
{
	uint8_t want[AUTH_LEN], iv[12];
	const uint8_t *word;
	struct source *src;
	uint32_t ssrc, index;
	size_t body;
	int err;

	if (*len < 8 + INDEX_LEN + s->rtcp.tag || *len + SEAL_ROOM > size)
		return EBADMSG;
	body = *len - INDEX_LEN - s->rtcp.tag;
	word = s->gcm ? buf + *len - INDEX_LEN : buf + body;
	ssrc = get32(buf + 4);
	index = get32(word) & 0x7fffffff;
	src = source_find_rt(s, ssrc);
	if (src && replay_seen(&src->rtcp, index))
		return EALREADY;
	if (s->gcm) {
		if (!(word[0] & 0x80))
			return EBADMSG;           /* authenticated only: nobody we offer to sends it */
		iv_gcm(iv, &s->rtcp, ssrc, index >> 16, (uint16_t)index);
		err = gcm_open(&s->rtcp, iv, buf, 8, word, buf + 8, body - 8);
	} else {
		hmac_tag(&s->rtcp.hmac, want, buf, body + INDEX_LEN);
		err = tag_equal(want, buf + body + INDEX_LEN, s->rtcp.tag) ? 0 : EACCES;
		if (!err && (word[0] & 0x80))
			err = crypt_cm(&s->rtcp, ssrc, index >> 16, (uint16_t)index, buf + 8, body - 8);
	}
	if (err)
		return EACCES;
	src = source_get_rt(s, ssrc);
	replay_take(&src->rtcp, index);
	*len = body;
	return 0;
}
