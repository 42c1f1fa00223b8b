/*
 * fuzz-dtlskey.c - any datagrams to an end that waits for keys, as the client and as the server, and to one that has
 * them.
 *
 * First byte: which end, and from where; then datagrams, each behind two bytes of length. The clock stands still:
 * nothing is sent again.
 */
#include <stdlib.h>
#include <string.h>
#include "mixer/dtlskey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS = 8, QUEUE = 16 };

struct end {
	struct dtlskey *key;
	struct end *peer;
	struct sa addr;
	unsigned n_keys, n_failed, n;
	size_t len[QUEUE];
	uint8_t bytes[QUEUE][2048];
};

static struct dtlscert *cert[2];

static void on_send(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	struct end *e = arg;

	if (len > sizeof(e->bytes[0]) || !sa_isset(to, SA_ALL))
		abort();
	if (e->n == QUEUE)
		return;
	memcpy(e->bytes[e->n], buf, len);
	e->len[e->n++] = len;
}

static void on_keys(const struct leg_key *tx, const struct leg_key *rx, void *arg)
{
	struct end *e = arg;

	if (e->n_keys++ || !tx->len || tx->len != rx->len)
		abort();
}

static void on_failed(const char *why, void *arg)
{
	((struct end *)arg)->n_failed++;
	if (!why)
		abort();
}

static void begin(struct end *e, int i, struct end *peer)
{
	struct dtlskey_conf conf = {.peer = {.on = true, .active = i == 0}, .cert = cert[i], .sendh = on_send, .keysh = on_keys,
				    .failedh = on_failed, .arg = e};

	e->peer = peer;
	sa_set_str(&e->addr, "192.0.2.1", (uint16_t)(4000 + i));
	sa_set_str(&conf.addr, "192.0.2.1", (uint16_t)(4001 - i));
	re_snprintf(conf.peer.fingerprint, sizeof(conf.peer.fingerprint), "%s", dtlscert_fingerprint(cert[1 - i]));
	if (dtlskey_alloc(&e->key, &conf))
		abort();
}

static void carry(struct end *e)
{
	for (unsigned i = 0; i < e->n; i++)
		dtlskey_take(e->peer->key, e->bytes[i], e->len[i], &e->addr);
	e->n = 0;
}

static void feed(struct end *e, const uint8_t *data, size_t size, const struct sa *from)
{
	while (size >= 2) {
		size_t n = (size_t)data[0] << 8 | data[1];

		n = n < size - 2 ? n : size - 2;
		dtlskey_take(e->key, data + 2, n, from);
		data += 2 + n;
		size -= 2 + n;
	}
}

static void on_soon(void *arg)
{
	(void)arg;
	re_cancel();
}

/* Before, among and after what the two say to each other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct end end[2];
	struct tmr soon = {.th = NULL};
	struct end *to;
	struct sa from;

	if (!cert[0] && (libre_init() || dtlscert_alloc(&cert[0]) || dtlscert_alloc(&cert[1])))
		abort();
	if (size < 1 || size > 16384)
		return 0;
	memset(end, 0, sizeof(end));
	for (int i = 0; i < 2; i++)
		begin(&end[i], i, &end[1 - i]);
	to = &end[data[0] & 1];
	from = to->peer->addr;
	if (data[0] & 2)
		sa_set_port(&from, 5000);
	tmr_start(&soon, 0, on_soon, NULL);
	(void)re_main(NULL);              /* the client's first words */
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i == ((unsigned)data[0] >> 2) % ROUNDS)
			feed(to, data + 1, size - 1, &from);
		carry(&end[0]);
		carry(&end[1]);
	}
	for (int i = 0; i < 2; i++)
		mem_deref(end[i].key);
	return 0;
}
