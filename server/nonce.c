/*
 * nonce.c - nonces without memory, counts with little.
 *
 *     nonce = hex( time, 8 bytes | salt, 8 bytes | HMAC-SHA256(secret, time, salt), first 16 bytes )
 *
 * A nonce proves itself: a flood of requests without credentials costs no memory. Only one that was used with a right
 * password gets an entry: its highest count and which of the 64 before it were seen, so that requests which
 * overtake each other on the way are no replay. The table is fixed, in sets of WAYS; when a set is full the oldest
 * nonce goes, and the set remembers its time: a nonce as old, not in the table, may have been there once and is
 * refused. So a replay never passes; at worst, when thousands authenticate at once, a phone is asked for its
 * password once more (stale).
 *
 * The secret is made at start: a restart makes all nonces stale, which phones answer without asking their user.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include "nonce.h"

enum { SECRET = 32, HEAD = 16, TAG = 16, N_SETS = 1024, WAYS = 8, WINDOW = 64 };

struct used {
	uint8_t tag[TAG];
	uint64_t at_ms;           /* when the nonce was made; 0: free */
	uint32_t top;             /* highest count seen */
	uint64_t seen;            /* bit i: count top - i */
};

struct nonces {
	uint64_t life_ms;
	uint8_t secret[SECRET];
	struct { struct used way[WAYS]; uint64_t floor_ms; } set[N_SETS];
};

static void nonces_destructor(void *data)
{
	struct nonces *n = data;

	OPENSSL_cleanse(n->secret, sizeof(n->secret));
}

int nonces_alloc(struct nonces **np, uint64_t life_ms)
{
	struct nonces *n = mem_zalloc(sizeof(*n), nonces_destructor);

	if (!n)
		return ENOMEM;
	n->life_ms = life_ms;
	if (RAND_bytes(n->secret, sizeof(n->secret)) != 1) {
		mem_deref(n);
		return EIO;
	}
	*np = n;
	return 0;
}

static int seal(const struct nonces *n, uint8_t tag[TAG], const uint8_t head[HEAD])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!HMAC(EVP_sha256(), n->secret, SECRET, head, HEAD, md, &len) || len < TAG)
		return EIO;
	memcpy(tag, md, TAG);
	return 0;
}

int nonce_make(struct nonces *n, char nonce[NONCE_LEN + 1], uint64_t now_ms)
{
	uint8_t raw[HEAD + TAG];
	int err;

	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(now_ms >> (56 - 8 * i));
	if (RAND_bytes(raw + 8, 8) != 1)
		return EIO;
	err = seal(n, raw + HEAD, raw);
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(raw); i++) {
		nonce[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		nonce[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	nonce[NONCE_LEN] = '\0';
	return 0;
}

/* As nonce_make writes them: lower case only. */
static int digit(char ch)
{
	return ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Ours and young? Then its time and tag. */
static int open_nonce(const struct nonces *n, uint64_t *at_ms, uint8_t tag[TAG], const struct pl *nonce,
		      uint64_t now_ms)
{
	uint8_t raw[HEAD + TAG];

	if (nonce->l != NONCE_LEN)
		return ETIMEDOUT;
	for (size_t i = 0; i < sizeof(raw); i++) {
		int hi = digit(nonce->p[2 * i]), lo = digit(nonce->p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return ETIMEDOUT;
		raw[i] = (uint8_t)(hi << 4 | lo);
	}
	if (seal(n, tag, raw) || CRYPTO_memcmp(tag, raw + HEAD, TAG) != 0)
		return ETIMEDOUT;
	*at_ms = 0;
	for (int i = 0; i < 8; i++)
		*at_ms = *at_ms << 8 | raw[i];
	return *at_ms <= now_ms && now_ms - *at_ms <= n->life_ms ? 0 : ETIMEDOUT;
}

static int count(struct used *u, uint32_t nc)
{
	if (nc > u->top) {
		uint32_t step = nc - u->top;

		u->seen = step < WINDOW ? u->seen << step | 1 : 1;
		u->top = nc;
		return 0;
	}
	uint32_t back = u->top - nc;
	if (back >= WINDOW || u->seen >> back & 1)
		return ETIMEDOUT;
	u->seen |= 1ull << back;
	return 0;
}

int nonce_use(struct nonces *n, const struct pl *nonce, uint32_t nc, uint64_t now_ms)
{
	struct used *oldest;
	uint8_t tag[TAG];
	uint64_t at_ms;
	int err = open_nonce(n, &at_ms, tag, nonce, now_ms);

	if (err || nc == 0)
		return ETIMEDOUT;
	unsigned s = (tag[0] << 8 | tag[1]) % N_SETS;
	oldest = &n->set[s].way[0];
	for (unsigned i = 0; i < WAYS; i++) {
		struct used *u = &n->set[s].way[i];

		if (u->at_ms && memcmp(u->tag, tag, TAG) == 0)
			return count(u, nc);
		if (u->at_ms < oldest->at_ms)
			oldest = u;
	}
	if (at_ms <= n->set[s].floor_ms)
		return ETIMEDOUT;
	if (oldest->at_ms)
		n->set[s].floor_ms = oldest->at_ms;
	if (at_ms <= n->set[s].floor_ms)          /* itself older than all that are kept */
		return ETIMEDOUT;
	*oldest = (struct used){ .at_ms = at_ms, .top = nc, .seen = 1 };
	memcpy(oldest->tag, tag, TAG);
	return 0;
}
