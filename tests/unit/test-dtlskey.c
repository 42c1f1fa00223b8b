/*
 * test-dtlskey.c - two ends agree on keys over a network that loses, doubles, delays and lies; on simulated time.
 *
 *     end[0] active  --- wire: seeded, datagrams wait in timers ---  end[1] passive        end[2]: somebody else
 */
#include <glib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "mixer/dtlshake.h"
#include "mixer/fingerprint.h"
#include "tests/lib/sim.h"

enum { ENDS = 3, GIVE_UP_MS = 30000 };

struct wire;

struct end {
	struct wire *w;
	struct dtlscert *cert;
	char print[DTLSKEY_PRINT_MAX];    /* of its certificate */
	struct sa addr;
	struct dtlskey *key;
	struct leg_key tx, rx;
	unsigned n_keys, n_failed, n_sent, longest;
	const char *why;
	int drop;                         /* of the next datagrams it sends, how many; behind so many others */
	int drop_after;
	bool free_at_send, free_at_keys;
};

struct wire {
	struct end end[ENDS];
	GRand *rand;
	unsigned loss, twice, delay_ms;   /* percent, percent, at most */
	unsigned n_held;
};

struct datagram { struct tmr tmr; struct wire *w; struct sa from, to; size_t len; uint8_t bytes[2048]; };

static void arrive(void *arg)
{
	struct datagram *g = arg;
	struct wire *w = g->w;

	w->n_held--;
	for (int i = 0; i < ENDS; i++)
		if (w->end[i].key && sa_cmp(&w->end[i].addr, &g->to, SA_ALL))
			dtlskey_take(w->end[i].key, g->bytes, g->len, &g->from);
	g_free(g);
}

static void put(struct wire *w, const uint8_t *buf, size_t len, const struct sa *from, const struct sa *to)
{
	struct datagram *g = g_new0(struct datagram, 1);

	g_assert_cmpuint(len, <=, sizeof(g->bytes));
	*g = (struct datagram){.w = w, .from = *from, .to = *to, .len = len};
	memcpy(g->bytes, buf, len);
	w->n_held++;
	tmr_start(&g->tmr, w->delay_ms ? (guint32)g_rand_int_range(w->rand, 1, (gint32)w->delay_ms) : 1, arrive, g);
}

static bool chance(struct wire *w, unsigned percent) { return (unsigned)g_rand_int_range(w->rand, 0, 100) < percent; }

static void on_send(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	struct end *e = arg;

	e->n_sent++;
	e->longest = MAX(e->longest, (unsigned)len);
	if (e->free_at_send)
		e->key = mem_deref(e->key);
	if (e->drop_after > 0) {
		e->drop_after--;
	} else if (e->drop > 0) {
		e->drop--;
		return;
	}
	if (chance(e->w, e->w->loss))
		return;
	put(e->w, buf, len, &e->addr, to);
	if (chance(e->w, e->w->twice))
		put(e->w, buf, len, &e->addr, to);
}

static void on_keys(const struct leg_key *tx, const struct leg_key *rx, void *arg)
{
	struct end *e = arg;

	e->n_keys++;
	e->tx = *tx;
	e->rx = *rx;
	if (e->free_at_keys)
		e->key = mem_deref(e->key);
}

static void on_failed(const char *why, void *arg)
{
	struct end *e = arg;

	e->n_failed++;
	e->why = why;
	e->key = mem_deref(e->key);
}

static struct wire *wire_new(uint32_t seed)
{
	struct wire *w = g_new0(struct wire, 1);

	g_assert_cmpint(sim_init(seed), ==, 0);
	w->rand = g_rand_new_with_seed(seed);
	for (int i = 0; i < ENDS; i++) {
		struct end *e = &w->end[i];

		e->w = w;
		g_assert_cmpint(dtlscert_alloc(&e->cert), ==, 0);
		g_strlcpy(e->print, dtlscert_fingerprint(e->cert), sizeof(e->print));
		g_assert_cmpint(sa_set_str(&e->addr, "192.0.2.1", (uint16_t)(4000 + i)), ==, 0);
	}
	return w;
}

static void wire_free(struct wire *w)
{
	for (int i = 0; i < ENDS; i++)
		mem_deref(w->end[i].key);
	for (int i = 0; i < ENDS; i++)
		w->end[i].key = NULL;
	sim_advance(2000);                /* what is on its way arrives at nobody */
	g_assert_cmpuint(w->n_held, ==, 0);
	for (int i = 0; i < ENDS; i++)
		mem_deref(w->end[i].cert);
	g_rand_free(w->rand);
	g_free(w);
	sim_close();
}

static int begin_with(struct end *e, bool active, const struct end *peer, const char *print, size_t mtu)
{
	struct dtlskey_conf conf = {.peer = {.on = true, .active = active}, .addr = peer->addr, .cert = e->cert, .mtu = mtu,
				    .sendh = on_send, .keysh = on_keys, .failedh = on_failed, .arg = e};

	g_strlcpy(conf.peer.fingerprint, print, sizeof(conf.peer.fingerprint));
	return dtlskey_alloc(&e->key, &conf);
}

static void begin(struct end *e, bool active, const struct end *peer)
{
	g_assert_cmpint(begin_with(e, active, peer, peer->print, 0), ==, 0);
}

static bool both_done(void *arg)
{
	struct wire *w = arg;

	return w->end[0].n_keys + w->end[0].n_failed && w->end[1].n_keys + w->end[1].n_failed;
}

static void assert_agreed(const struct end *a, const struct end *b)
{
	g_assert_cmpuint(a->n_keys, ==, 1);
	g_assert_cmpuint(b->n_keys, ==, 1);
	g_assert_cmpint(a->tx.suite, ==, b->rx.suite);
	g_assert_cmpmem(a->tx.key, a->tx.len, b->rx.key, b->rx.len);
	g_assert_cmpmem(a->rx.key, a->rx.len, b->tx.key, b->tx.len);
	g_assert_cmpint(memcmp(a->tx.key, a->rx.key, a->tx.len), !=, 0);
	g_assert_cmpuint(a->n_failed + b->n_failed, ==, 0);
}

static uint64_t agree(struct wire *w)
{
	const uint64_t since = sim_now_ms();

	begin(&w->end[0], true, &w->end[1]);
	begin(&w->end[1], false, &w->end[0]);
	g_assert_true(sim_run_until(both_done, w, GIVE_UP_MS + 1000));
	assert_agreed(&w->end[0], &w->end[1]);
	return sim_now_ms() - since;
}

/* --- what is agreed on --- */

static const struct profile { const char *name; enum leg_srtp suite; size_t len; } profiles[] = {
	{"SRTP_AEAD_AES_128_GCM", LEG_SRTP_AEAD_AES128_GCM, 28},
	{"SRTP_AES128_CM_SHA1_80", LEG_SRTP_AES128_SHA1_80, 30},
	{"SRTP_AES128_CM_SHA1_32", LEG_SRTP_AES128_SHA1_32, 30},
	{"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", LEG_SRTP_AES128_SHA1_80, 30},
};

/* One end knows only these, as the client and as the server: where both have a choice it is the server's. */
static void test_profiles(void)
{
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(profiles); i++) {
		const struct profile *p = &profiles[i / 2];
		struct wire *w = wire_new(1);

		if (strchr(p->name, ':') && i % 2) {
			wire_free(w);
			continue;
		}
		g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(dtlscert_context(w->end[i % 2].cert), p->name), ==, 0);
		g_assert_cmpuint(agree(w), <, 100);
		g_assert_cmpint(w->end[0].tx.suite, ==, p->suite);
		g_assert_cmpuint(w->end[0].tx.len, ==, p->len);
		g_assert_cmpuint(w->end[0].longest, <=, 1200);
		wire_free(w);
	}
}

static uint8_t block[56];

static void on_info(const SSL *ssl, int where, int ret)
{
	(void)ret;
	if (where & SSL_CB_HANDSHAKE_DONE)
		g_assert_cmpint(SSL_export_keying_material((SSL *)(uintptr_t)ssl, block, sizeof(block), "EXTRACTOR-dtls_srtp",
							   strlen("EXTRACTOR-dtls_srtp"), NULL, 0, 0), ==, 1);
}

/* RFC 5764 4.2: the client's key, the server's key, the client's salt, the server's salt; what one writes the other reads. */
static void test_halves(void)
{
	struct wire *w = wire_new(14);
	const struct leg_key *client = &w->end[0].tx, *server = &w->end[0].rx;

	SSL_CTX_set_info_callback(dtlscert_context(w->end[1].cert), on_info);
	agree(w);
	g_assert_cmpmem(client->key, 16, block, 16);
	g_assert_cmpmem(server->key, 16, block + 16, 16);
	g_assert_cmpmem(client->key + 16, 12, block + 32, 12);
	g_assert_cmpmem(server->key + 16, 12, block + 44, 12);
	wire_free(w);
}

static void test_no_profile(void)
{
	struct wire *w = wire_new(2);

	for (int i = 0; i < 2; i++)
		g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(dtlscert_context(w->end[i].cert), profiles[i].name), ==, 0);
	begin(&w->end[0], true, &w->end[1]);
	begin(&w->end[1], false, &w->end[0]);
	g_assert_true(sim_run_until(both_done, w, 6000));
	for (int i = 0; i < 2; i++)
		g_assert_cmpstr(w->end[i].why, ==, "no SRTP profile in common");
	wire_free(w);
}

struct rsa { EVP_PKEY *key; X509 *x; };

static int show_rsa(SSL *ssl, void *arg)
{
	const struct rsa *r = arg;

	SSL_certs_clear(ssl);
	return SSL_use_certificate(ssl, r->x) == 1 && SSL_use_PrivateKey(ssl, r->key) == 1;
}

static void become_rsa(struct end *e, struct rsa *r)
{
	r->key = EVP_RSA_gen(4096);
	r->x = X509_new();
	g_assert_nonnull(r->key);
	ASN1_INTEGER_set(X509_get_serialNumber(r->x), 1);
	X509_gmtime_adj(X509_getm_notBefore(r->x), -2000000);     /* long over: nobody asks */
	X509_gmtime_adj(X509_getm_notAfter(r->x), -1000000);
	X509_set_pubkey(r->x, r->key);
	g_assert_cmpint(X509_sign(r->x, r->key, EVP_sha256()), >, 0);
	g_assert_cmpint(fingerprint_write(e->print, sizeof(e->print), r->x), ==, 0);
	SSL_CTX_set_cert_cb(dtlscert_context(e->cert), show_rsa, r);
}

/* Theirs may be RSA, whoever is the client; and long ones come in many small pieces. */
static void test_rsa(void)
{
	for (int i = 0; i < 2; i++) {
		struct wire *w = wire_new(3);
		struct rsa rsa;

		become_rsa(&w->end[i], &rsa);
		g_assert_cmpint(begin_with(&w->end[0], true, &w->end[1], w->end[1].print, 256), ==, 0);
		g_assert_cmpint(begin_with(&w->end[1], false, &w->end[0], w->end[0].print, 256), ==, 0);
		g_assert_true(sim_run_until(both_done, w, 1000));
		assert_agreed(&w->end[0], &w->end[1]);
		g_assert_cmpuint(w->end[i].longest, <=, 256);
		g_assert_cmpuint(w->end[i].n_sent, >, 5);
		wire_free(w);
		X509_free(rsa.x);
		EVP_PKEY_free(rsa.key);
	}
}

/* --- networks --- */

static void test_losses(void)
{
	uint64_t worst = 0;

	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct wire *w = wire_new(seed);
		uint64_t ms;

		w->loss = 25;
		w->twice = 20;
		w->delay_ms = 60;         /* of each its own: their order is lost */
		ms = agree(w);
		worst = MAX(worst, ms);
		wire_free(w);
	}
	g_test_message("a quarter lost, a fifth twice, 1 to 60 ms: 40 of 40 agreed, the slowest after %u ms", (unsigned)worst);
}

/* The server has its keys, and its last words are lost: the client asks again until it has heard them. */
static void test_last_words(void)
{
	struct wire *w = wire_new(5);

	begin(&w->end[0], true, &w->end[1]);
	begin(&w->end[1], false, &w->end[0]);
	w->end[1].drop_after = 1;
	w->end[1].drop = 3;
	g_assert_true(sim_run_until(both_done, w, GIVE_UP_MS));
	assert_agreed(&w->end[0], &w->end[1]);
	g_assert_cmpuint(sim_now_ms(), >, 800);
	g_assert_cmpint(w->end[1].drop, ==, 0);
	wire_free(w);
}

static void test_silence(void)
{
	for (int i = 0; i < 2; i++) {
		struct wire *w = wire_new(6);

		begin(&w->end[0], i == 0, &w->end[1]);
		sim_advance(GIVE_UP_MS - 10);
		g_assert_cmpuint(w->end[0].n_failed, ==, 0);
		sim_advance(20);
		g_assert_cmpuint(w->end[0].n_failed, ==, 1);
		g_assert_cmpstr(w->end[0].why, ==, "no answer");
		g_test_message("%u datagrams", w->end[0].n_sent);
		g_assert_cmpuint(w->end[0].n_sent, ==, i == 0 ? 13 : 0);
		sim_advance(60000);
		g_assert_cmpuint(w->end[0].n_failed, ==, 1);
		wire_free(w);
	}
}

/* --- who it is --- */

static void test_wrong_print(void)
{
	for (int i = 0; i < 2; i++) {
		struct wire *w = wire_new(7);

		g_assert_cmpint(begin_with(&w->end[0], true, &w->end[1], w->end[i ? 1 : 2].print, 0), ==, 0);
		g_assert_cmpint(begin_with(&w->end[1], false, &w->end[0], w->end[i ? 2 : 0].print, 0), ==, 0);
		g_assert_true(sim_run_until(both_done, w, 6000));
		g_assert_cmpuint(w->end[0].n_failed, ==, 1);
		g_assert_cmpuint(w->end[1].n_failed, ==, 1);
		g_assert_cmpstr(w->end[i].why, ==, "the certificate is not the one announced");
		g_assert_cmpstr(w->end[1 - i].why, ==, "the peer refused");
		wire_free(w);
	}
}

static char *print_of(const X509 *x, const char *name, const EVP_MD *md)
{
	GString *s = g_string_new(name);
	uint8_t is[EVP_MAX_MD_SIZE];
	unsigned len;

	g_assert_cmpint(X509_digest(x, md, is, &len), ==, 1);
	for (unsigned i = 0; i < len; i++)
		g_string_append_printf(s, "%c%02x", i ? ':' : ' ', is[i]);
	return g_string_free(s, FALSE);
}

static void test_prints(void)
{
	struct wire *w = wire_new(8);
	const X509 *x = SSL_CTX_get0_certificate(dtlscert_context(w->end[0].cert));
	g_autofree char *s1 = print_of(x, "sha-1", EVP_sha1()), *s224 = print_of(x, "sha-224", EVP_sha224());
	g_autofree char *s256 = print_of(x, "SHA-256", EVP_sha256()), *s384 = print_of(x, "sha-384", EVP_sha384());
	g_autofree char *s512 = print_of(x, "Sha-512", EVP_sha512());
	g_autofree char *two = g_strdup_printf("%s,%s", w->end[1].print, w->end[0].print);
	g_autofree char *mixed = g_strdup_printf("%s, %s", s1, s512), *cut = g_strndup(s256, strlen(s256) - 1);
	g_autofree char *more = g_strdup_printf("%s:00", s256), *colon = g_strdup_printf("%s:", s256);
	const struct { const char *text; bool ok, is; } rows[] = {
		{s256, true, true}, {s384, true, true}, {s512, true, true}, {w->end[0].print, true, true}, {two, true, true},
		{mixed, true, true}, {w->end[1].print, true, false}, {s1, false, false}, {s224, false, false},
		{cut, false, false}, {more, false, false}, {colon, false, false}, {"", false, false}, {",", false, false},
		{"sha-256", false, false}, {"sha-256 ", false, false}, {"sha-256 GG:00", false, false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(dtlskey_fingerprint_ok(rows[i].text), ==, rows[i].ok);
		g_assert_cmpint(fingerprint_is(rows[i].text, x), ==, rows[i].is);
	}
	g_assert_false(dtlskey_fingerprint_ok(NULL));
	g_assert_cmpint(begin_with(&w->end[0], true, &w->end[1], s1, 0), ==, EINVAL);
	g_assert_cmpint(begin_with(&w->end[0], true, &w->end[1], s256, 255), ==, EINVAL);
	wire_free(w);
}

static void test_same(void)
{
	struct dtlskey_peer a = {.on = true, .active = true, .fingerprint = "sha-256 AB", .tls_id = "x"}, b = a, off = {0}, off2 = {0};

	g_strlcpy(b.fingerprint, "SHA-256 ab", sizeof(b.fingerprint));
	off2.active = true;
	g_assert_true(dtlskey_peer_same(&a, &b));
	g_assert_true(dtlskey_peer_same(&off, &off2));
	g_assert_false(dtlskey_peer_same(&a, &off));
	b.active = false;
	g_assert_false(dtlskey_peer_same(&a, &b));
	b = a;
	b.tls_id[0] = 'X';
	g_assert_false(dtlskey_peer_same(&a, &b));
	b = a;
	b.fingerprint[8] = 'C';
	g_assert_false(dtlskey_peer_same(&a, &b));
}

/* --- who else speaks --- */

/* Its ClientHello comes before the peer's, and it goes on as far as it can. */
static void test_race(void)
{
	struct wire *w = wire_new(9);

	begin(&w->end[1], false, &w->end[0]);
	begin(&w->end[2], true, &w->end[1]);
	sim_advance(300);
	g_assert_cmpuint(w->end[2].n_sent, >, 1);
	g_assert_cmpuint(w->end[1].n_failed, ==, 0);
	begin(&w->end[0], true, &w->end[1]);
	g_assert_true(sim_run_until(both_done, w, 1000));
	assert_agreed(&w->end[0], &w->end[1]);
	sim_advance(10000);
	g_assert_cmpuint(w->end[2].n_keys, ==, 0);
	g_assert_cmpuint(w->end[2].n_failed, ==, 1);
	wire_free(w);
}

/* With the peer's own address: first a ClientHello that nothing follows, then one with ciphers that nobody wants. */
static void test_false_address(void)
{
	struct wire *w = wire_new(10);

	w->end[2].addr = w->end[0].addr;
	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(SSL_CTX_set_cipher_list(dtlscert_context(w->end[2].cert), i ? "AES128-SHA" : "ECDHE"), ==, 1);
		if (!w->end[1].key)
			begin(&w->end[1], false, &w->end[0]);
		begin(&w->end[2], true, &w->end[1]);
		sim_advance(1);
		w->end[2].key = mem_deref(w->end[2].key);
		sim_advance(100);
	}
	g_assert_cmpuint(w->end[1].n_sent, >, 0);
	begin(&w->end[0], true, &w->end[1]);
	g_assert_true(sim_run_until(both_done, w, 1000));
	assert_agreed(&w->end[0], &w->end[1]);
	wire_free(w);
}

/* More strangers than there are places: the peer gets in when they have been silent for a while. */
static void test_crowd(void)
{
	struct wire *w = wire_new(11);

	begin(&w->end[1], false, &w->end[0]);
	for (uint16_t i = 0; i < 50; i++) {
		sa_set_port(&w->end[2].addr, (uint16_t)(6000 + i));
		begin(&w->end[2], true, &w->end[1]);
		sim_advance(1);
		w->end[2].key = mem_deref(w->end[2].key);
	}
	sim_advance(10);
	begin(&w->end[0], true, &w->end[1]);
	g_assert_true(sim_run_until(both_done, w, 8000));
	assert_agreed(&w->end[0], &w->end[1]);
	wire_free(w);
}

static const uint8_t fatal[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40};

static void rubbish(struct wire *w, int to)
{
	uint8_t buf[200];
	size_t len = (size_t)g_rand_int_range(w->rand, 1, sizeof(buf));

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)g_rand_int(w->rand);
	buf[0] = (uint8_t)g_rand_int_range(w->rand, 20, 64);
	if (g_rand_boolean(w->rand) && len > 13) {        /* a record of its own */
		buf[0] = "\x14\x15\x17\x18"[g_rand_int_range(w->rand, 0, 4)];
		memcpy(buf + 1, "\xfe\xfd\0\0", 4);
		buf[11] = 0;
		buf[12] = (uint8_t)(len - 13);
		if (buf[0] == 20 && g_rand_boolean(w->rand))
			buf[12] = buf[13] = 1;            /* a change of ciphers as it should be */
	}
	put(w, buf, len, &w->end[1 - to].addr, &w->end[to].addr);
	put(w, fatal, sizeof(fatal), &w->end[1 - to].addr, &w->end[to].addr);
}

/* Nobody who has not the keys ends it, neither on the way there nor afterwards. */
static void test_rubbish(void)
{
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct wire *w = wire_new(seed);

		w->delay_ms = 20;
		for (int i = 0; i < 20; i++)
			rubbish(w, i % 2);
		agree(w);
		for (int i = 0; i < 200; i++)
			rubbish(w, i % 2);
		sim_advance(GIVE_UP_MS + 1000);
		assert_agreed(&w->end[0], &w->end[1]);
		wire_free(w);
	}
}

/* The peer's next handshake, without a word in the signalling, finds nobody. */
static void test_once(void)
{
	struct wire *w = wire_new(12);
	struct leg_key tx;

	agree(w);
	tx = w->end[1].tx;
	mem_deref(w->end[0].key);
	w->end[1].n_sent = 0;
	begin(&w->end[0], true, &w->end[1]);
	sim_advance(GIVE_UP_MS + 1000);
	g_assert_cmpuint(w->end[0].n_keys, ==, 1);
	g_assert_cmpuint(w->end[0].n_failed, ==, 1);
	g_assert_cmpuint(w->end[1].n_keys, ==, 1);
	g_assert_cmpuint(w->end[1].n_sent, ==, 0);
	g_assert_cmpmem(&tx, sizeof(tx), &w->end[1].tx, sizeof(tx));
	wire_free(w);
}

/* --- whose it is --- */

static void test_freed(void)
{
	for (int i = 0; i < 4; i++) {
		struct wire *w = wire_new(13);

		w->end[i / 2].free_at_send = i % 2;
		w->end[i / 2].free_at_keys = !(i % 2);
		begin(&w->end[0], true, &w->end[1]);
		begin(&w->end[1], false, &w->end[0]);
		sim_advance(100);
		g_assert_null(w->end[i / 2].key);
		g_assert_cmpuint(w->end[i / 2].n_keys, ==, i % 2 ? 0 : 1);
		if (i % 2)
			g_assert_cmpuint(w->end[i / 2].n_sent, ==, 1);
		sim_advance(GIVE_UP_MS + 1000);
		g_assert_cmpuint(w->end[i / 2].n_failed, ==, 0);
		wire_free(w);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dtlskey/profiles", test_profiles);
	g_test_add_func("/dtlskey/halves", test_halves);
	g_test_add_func("/dtlskey/no-profile", test_no_profile);
	g_test_add_func("/dtlskey/rsa", test_rsa);
	g_test_add_func("/dtlskey/losses", test_losses);
	g_test_add_func("/dtlskey/last-words", test_last_words);
	g_test_add_func("/dtlskey/silence", test_silence);
	g_test_add_func("/dtlskey/wrong-print", test_wrong_print);
	g_test_add_func("/dtlskey/prints", test_prints);
	g_test_add_func("/dtlskey/same", test_same);
	g_test_add_func("/dtlskey/race", test_race);
	g_test_add_func("/dtlskey/false-address", test_false_address);
	g_test_add_func("/dtlskey/crowd", test_crowd);
	g_test_add_func("/dtlskey/rubbish", test_rubbish);
	g_test_add_func("/dtlskey/once", test_once);
	g_test_add_func("/dtlskey/freed", test_freed);
	return g_test_run();
}
