/*
 * test-oscstream.c - connections that carry OSC: framing both ways, a listener that says "not now", a peer that does not read;
 * the duct's marks in their places; who may connect to a line's port, in the clear and under TLS.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <re.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/loop.h"
#include "osc/lineport.h"
#include "server/selfsigned.h"
#include "tests/lib/until.h"

/* --- one end of a stream --- */

struct end {
	struct oscstream *s;
	GByteArray *got;
	unsigned packets, take;           /* take: packets to take before "not now" */
	bool up, drained, down;
	int why;
};

static void up(void *arg) { ((struct end *)arg)->up = true; }
static void drained(void *arg) { ((struct end *)arg)->drained = true; }

static bool packet(const uint8_t *pkt, size_t len, void *arg)
{
	struct end *e = arg;

	if (e->packets == e->take)
		return false;
	e->packets++;
	g_byte_array_append(e->got, pkt, (guint)len);
	return true;
}

static void down(int err, void *arg)
{
	struct end *e = arg;

	g_assert_false(e->down);
	e->down = true;
	e->why  = err;
}

static bool is_up(void *arg) { return ((struct end *)arg)->up; }
static bool is_down(void *arg) { return ((struct end *)arg)->down; }
static bool has_taken(void *arg) { const struct end *e = arg; return e->packets == e->take; }

/* Returns the other end. */
static int begin(struct end *e, enum slip_kind framing, bool detect)
{
	const struct oscstream_conf conf = {.framing = framing, .detect = detect, .max = 64, .up = up, .packet = packet,
					 .drained = drained, .down = down, .arg = e};
	int pair[2];

	*e = (struct end){.got = g_byte_array_new(), .take = 1000000};
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_assert_cmpint(fcntl(pair[0], F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(oscstream_alloc(&e->s, pair[0], &conf), ==, 0);
	turn_until(is_up, e);
	return pair[1];
}

static void finish(struct end *e, int fd)
{
	mem_deref(e->s);
	g_byte_array_unref(e->got);
	close(fd);
}

static void put(int fd, const void *buf, size_t len)
{
	g_assert_cmpint(write(fd, buf, len), ==, (ssize_t)len);
}

#define PUT(fd, s) put(fd, s, sizeof(s) - 1)

static void test_guess(void)
{
	static const struct { const char *octets; size_t len; } said[] = {
		{"\xc0/abc,def\xc0", 10}, {"/abc,def\xc0", 9}, {"\0\0\0\x8/abc,def", 12},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(said); i++) {
		struct end e;
		const int fd = begin(&e, SLIP_END, true);
		char buf[16];

		e.take = 1;
		put(fd, said[i].octets, said[i].len);
		turn_until(has_taken, &e);
		g_assert_cmpmem(e.got->data, e.got->len, "/abc,def", 8);
		/* and is answered in the same way */
		g_assert_cmpint(oscstream_send(e.s, (const uint8_t *)"/def,abc", 8), ==, 0);
		g_assert_cmpint(read(fd, buf, sizeof(buf)), ==, i == 2 ? 12 : 10);
		g_assert_cmpint(memcmp(buf, i == 2 ? "\0\0\0\x8/def,abc" : "\xc0/def,abc\xc0", i == 2 ? 12 : 10), ==, 0);
		finish(&e, fd);
	}
}

/* Nothing is lost and nothing comes twice, however often the listener is not ready. */
static void test_not_now(void)
{
	struct end e;
	const int fd = begin(&e, SLIP_SIZE, false);
	GByteArray *all = g_byte_array_new();

	for (unsigned i = 0; i < 100; i++) {
		char text[13];

		snprintf(text, sizeof(text), "/n%02u,ab\n...", i);
		PUT(fd, "\0\0\0\xc");
		put(fd, text, 12);
		g_byte_array_append(all, (const guint8 *)text, 12);
	}
	for (unsigned n = 7; n <= 98; n += 7) {
		e.take = n;
		oscstream_resume(e.s);
		turn_until(has_taken, &e);
		g_assert_cmpuint(e.packets, ==, n);
	}
	e.take = 100;
	oscstream_resume(e.s);
	turn_until(has_taken, &e);
	g_assert_cmpmem(e.got->data, e.got->len, all->data, all->len);
	g_byte_array_unref(all);
	finish(&e, fd);
}

/* What holds no packet is left out and counted, also when its connection is over. */
static void test_bad(void)
{
	const uint64_t before = oscstream_bad();
	struct end e;
	int fd = begin(&e, SLIP_END, false);

	e.take = 1;
	PUT(fd, "\xc0/abc\xc0" "/abc,defg\xc0" "\xc0/abc,def\xc0");      /* 4 octets, 9, none, 8 */
	turn_until(has_taken, &e);
	g_assert_cmpmem(e.got->data, e.got->len, "/abc,def", 8);
	finish(&e, fd);
	g_assert_cmpuint(oscstream_bad() - before, ==, 2);

	fd = begin(&e, SLIP_SIZE, false);
	PUT(fd, "\0\0\0\x7");
	turn_until(is_down, &e);
	finish(&e, fd);
	g_assert_cmpuint(oscstream_bad() - before, ==, 3);
}

static void test_ends(void)
{
	struct end e;
	int fd = begin(&e, SLIP_SIZE, false);

	PUT(fd, "\xff\xff\xff\xf8");      /* a negative size "ends the connection" */
	turn_until(is_down, &e);
	g_assert_cmpint(e.why, ==, EPROTO);
	g_assert_cmpint(oscstream_send(e.s, (const uint8_t *)"/abc,def", 8), ==, ENOTCONN);
	finish(&e, fd);

	fd = begin(&e, SLIP_END, false);
	close(fd);
	turn_until(is_down, &e);
	g_assert_cmpint(e.why, ==, 0);
	finish(&e, -1);
}

/* "when 256 KiB wait the connection is closed" */
static void test_does_not_read(void)
{
	static uint8_t pkt[STREAM_MAX] = "/abc";
	struct end e;
	const int fd = begin(&e, SLIP_SIZE, false);
	size_t waited = 0;
	int err = 0;

	while (!err) {
		waited = oscstream_waiting(e.s);
		g_assert_cmpuint(waited, <=, CONN_WAIT_MAX);
		err = oscstream_send(e.s, pkt, 1024);
	}
	g_assert_cmpint(err, ==, ENOBUFS);
	g_assert_cmpuint(waited, >, CONN_WAIT_MAX - 1028);
	g_assert_true(e.down);
	g_assert_cmpint(e.why, ==, ENOBUFS);
	finish(&e, fd);
}

/* --- the duct --- */

static void expect(int fd, const char *what, size_t len)
{
	char buf[STREAM_MAX];
	const ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	g_assert_cmpmem(buf, n < 0 ? 0 : (size_t)n, what, len);
}

static enum duct_mark mark(int fd)
{
	uint8_t buf[64];
	const ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	return n < 0 ? DUCT_NONE : duct_mark(buf, (size_t)n);
}

static bool readable(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void test_duct(void)
{
	struct end e;
	int fd = begin(&e, SLIP_SIZE, false), rt;
	struct duct *d;

	g_assert_cmpint(duct_alloc(&d, &rt), ==, 0);
	g_assert_cmpint(mark(rt), ==, DUCT_NONE);
	duct_attach(d, e.s, down, &e);
	PUT(fd, "\0\0\0\x8/abc,def\0\0\0\x8/xyz,def");
	g_assert_cmpint(mark(rt), ==, DUCT_UP);
	turn_until(readable, &rt);
	expect(rt, "/abc,def", 8);
	expect(rt, "/xyz,def", 8);

	/* back */
	g_assert_cmpint(send(rt, "/out,def", 8, 0), ==, 8);
	turn_until(readable, &fd);
	expect(fd, "\0\0\0\x8/out,def", 12);

	/* gone, and another in its place */
	close(fd);
	turn_until(is_down, &e);
	g_assert_false(duct_attached(d));
	g_assert_cmpint(mark(rt), ==, DUCT_DOWN);
	g_assert_cmpint(mark(rt), ==, DUCT_NONE);
	finish(&e, -1);
	fd = begin(&e, SLIP_END, false);
	duct_attach(d, e.s, down, &e);
	g_assert_cmpint(mark(rt), ==, DUCT_UP);
	duct_detach(d);
	mem_deref(d);
	g_assert_cmpint(mark(rt), ==, DUCT_DOWN);
	close(rt);
	finish(&e, fd);
}

static bool drain_until_free(void *arg)
{
	int *fd = arg;                    /* the peer's, the forward thread's */
	char buf[STREAM_MAX];

	while (recv(fd[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	return mark(fd[1]) == DUCT_FREE;
}

static bool told_full(void *arg)
{
	static uint8_t pkt[1024] = "/abc";
	int *fd = arg;

	(void)send(fd[1], pkt, sizeof(pkt), MSG_DONTWAIT);
	return mark(fd[1]) == DUCT_FULL;
}

/* A peer that does not read: the forward thread is told, and told again when it reads. */
static void test_full(void)
{
	struct end e;
	int fd[2];
	struct duct *d;

	fd[0] = begin(&e, SLIP_SIZE, false);
	g_assert_cmpint(duct_alloc(&d, &fd[1]), ==, 0);
	duct_attach(d, e.s, down, &e);
	g_assert_cmpint(mark(fd[1]), ==, DUCT_UP);
	turn_until(told_full, fd);
	turn_until(drain_until_free, fd);
	g_assert_true(duct_attached(d));
	mem_deref(d);
	close(fd[1]);
	finish(&e, fd[0]);
}

/* The forward thread does not read: the peer has to wait, nothing is lost, the order stays. */
static void test_stuck(void)
{
	enum { N = 20000 };
	struct end e;
	const int fd = begin(&e, SLIP_SIZE, false);
	struct duct *d;
	unsigned sent = 0, got = 0;
	int rt;

	g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(duct_alloc(&d, &rt), ==, 0);
	duct_attach(d, e.s, down, &e);
	g_assert_cmpint(mark(rt), ==, DUCT_UP);
	while (got < N) {
		uint8_t pkt[12] = {0, 0, 0, 8}, buf[64];

		for (; sent < N; sent++) {
			memcpy(pkt + 4, &sent, 4);
			if (send(fd, pkt, sizeof(pkt), MSG_DONTWAIT) != (ssize_t)sizeof(pkt))
				break;
		}
		turn_until(readable, (void *)&rt);
		while (recv(rt, buf, sizeof(buf), MSG_DONTWAIT) == 8) {
			g_assert_cmpint(memcmp(buf, &got, 4), ==, 0);
			got++;
		}
	}
	mem_deref(d);
	close(rt);
	finish(&e, fd);
}

/* --- a line's port --- */

static char *cert_file[2];        /* the server's, the party's */

static void make_cert(unsigned i)
{
	char *pem;
	size_t len;
	GError *err = NULL;
	const int fd = g_file_open_tmp("tutti-XXXXXX.pem", &cert_file[i], &err);

	g_assert_no_error(err);
	g_assert_cmpint(selfsigned_pem(&pem, &len), ==, 0);
	put(fd, pem, len);
	mem_deref(pem);
	close(fd);
}

enum party { HONEST, STRANGER, NAKED, OTHER, OLD };

struct visit {
	struct sa to;
	enum party as;
	bool tls;
	const char *cert;
	gint done;
	bool answered;            /* the echo came back */
	GThread *thread;
};

static int visit_connect(const struct visit *v)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(v->as == STRANGER ? 0x7f000002 : 0x7f000001)};
	const struct timeval patience = {.tv_sec = 5};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&from, sizeof(from)), ==, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), ==, 0);
	g_assert_cmpint(connect(fd, &v->to.u.sa, v->to.len), ==, 0);
	return fd;
}

static bool visit_tls(struct visit *v, int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char buf[16];

	if (v->as != NAKED) {
		g_assert_cmpint(SSL_CTX_use_certificate_chain_file(ctx, v->cert), ==, 1);
		g_assert_cmpint(SSL_CTX_use_PrivateKey_file(ctx, v->cert, SSL_FILETYPE_PEM), ==, 1);
	}
	if (v->as == OLD) {
		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	const bool ok = SSL_connect(ssl) == 1 && SSL_write(ssl, "\xc0/abc,def\xc0", 10) == 10 && SSL_read(ssl, buf, 10) == 10 &&
			0 == memcmp(buf, "\xc0/abc,def\xc0", 10);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return ok;
}

static gpointer visit_thread(gpointer arg)
{
	struct visit *v = arg;
	const int fd = visit_connect(v);
	char buf[16];

	if (v->tls)
		v->answered = visit_tls(v, fd);
	else
		v->answered = send(fd, "\xc0/abc,def\xc0", 10, MSG_NOSIGNAL) == 10 && recv(fd, buf, 10, MSG_WAITALL) == 10;
	close(fd);
	g_atomic_int_set(&v->done, 1);
	return NULL;
}

struct hall { struct lineport *l; struct sa bound; int rt; struct visit *v; enum duct_mark last; };

/* The forward thread's end gives back what comes. */
static bool echo_until_done(void *arg)
{
	struct hall *h = arg;
	uint8_t buf[256];
	ssize_t n;

	while ((n = recv(h->rt, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		if (duct_mark(buf, (size_t)n))
			h->last = duct_mark(buf, (size_t)n);
		else
			(void)send(h->rt, buf, (size_t)n, MSG_DONTWAIT);
	}
	/* What a visitor left must have been seen, too. */
	return g_atomic_int_get(&h->v->done) && h->last != DUCT_UP;
}

static bool visit(struct hall *h, enum party as, bool tls)
{
	struct visit v = {.to = h->bound, .as = as, .tls = tls, .cert = cert_file[as == OTHER ? 0 : 1]};

	h->v = &v;
	v.thread = g_thread_new("visit", visit_thread, &v);
	turn_until(echo_until_done, h);
	g_thread_join(v.thread);
	return v.answered;
}

static void hall_open(struct hall *h, struct gestline *desc, struct tlskey *key)
{
	struct lineport_conf conf = {.port_min = 20000, .port_max = 40000, .tls = key};

	memset(h, 0, sizeof(*h));
	g_assert_cmpint(sa_set_str(&conf.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(lineport_alloc(&h->l, &h->bound, &h->rt, &conf), ==, 0);
	memset(desc, 0, sizeof(*desc));
	desc->kind = key ? GESTLINE_TLS : GESTLINE_TCP;
	g_assert_cmpint(lineport_set(h->l, desc), ==, EINVAL);
	g_assert_cmpint(sa_set_str(&desc->peer, "127.0.0.1", 9), ==, 0);
}

static void test_port(void)
{
	struct gestline desc;
	struct lineport_stats st, before;
	struct hall h;

	lineport_total(&before);
	hall_open(&h, &desc, NULL);
	g_assert_cmpint(lineport_set(h.l, &desc), ==, 0);
	g_assert_true(visit(&h, HONEST, false));
	g_assert_cmpint(h.last, ==, DUCT_DOWN);
	g_assert_false(visit(&h, STRANGER, false));
	g_assert_true(visit(&h, HONEST, false));          /* it may come again */
	mem_deref(h.l);
	lineport_total(&st);              /* what was counted outlives the port */
	g_assert_cmpuint(st.connections, ==, before.connections + 2);
	g_assert_cmpuint(st.strangers, ==, before.strangers + 1);
	close(h.rt);
}

static bool has_mark(void *arg)
{
	struct hall *h = arg;

	h->last = mark(h->rt);
	return h->last != DUCT_NONE;
}

/* "one connection at a time; a second is closed"; with a=connection:new in a later offer it replaces the first. */
static void test_second(void)
{
	struct gestline desc;
	struct lineport_stats st, before;
	struct hall h;
	struct visit v;
	int first;

	lineport_total(&before);
	hall_open(&h, &desc, NULL);
	g_assert_cmpint(lineport_set(h.l, &desc), ==, 0);
	v = (struct visit){.to = h.bound};
	first = visit_connect(&v);
	turn_until(has_mark, &h);
	g_assert_cmpint(h.last, ==, DUCT_UP);
	h.last = DUCT_NONE;
	g_assert_false(visit(&h, HONEST, false));
	lineport_total(&st);
	g_assert_cmpuint(st.second, ==, before.second + 1);

	desc.renew = true;
	g_assert_cmpint(lineport_set(h.l, &desc), ==, 0);
	g_assert_true(visit(&h, HONEST, false));
	g_assert_cmpint(recv(first, &v, 1, 0), ==, 0);
	close(first);
	mem_deref(h.l);
	close(h.rt);
}

static void test_tls(void)
{
	struct gestline desc;
	struct tlskey *server, *party;
	struct lineport_stats st, before;
	struct hall h;

	g_assert_cmpint(tlskey_alloc(&server, "/nowhere"), ==, ENOENT);
	g_assert_cmpint(tlskey_alloc(&server, cert_file[0]), ==, 0);
	g_assert_cmpint(tlskey_alloc(&party, cert_file[1]), ==, 0);
	lineport_total(&before);
	hall_open(&h, &desc, server);
	g_assert_cmpint(lineport_set(h.l, &desc), ==, EINVAL);
	g_strlcpy(desc.fingerprint, tlskey_fingerprint(party), sizeof(desc.fingerprint));
	g_assert_cmpint(lineport_set(h.l, &desc), ==, 0);

	g_assert_true(visit(&h, HONEST, true));
	g_assert_false(visit(&h, OTHER, true));
	g_assert_false(visit(&h, NAKED, true));
	g_assert_false(visit(&h, OLD, true));
	g_assert_false(visit(&h, HONEST, false));         /* no TLS at all */
	g_assert_true(visit(&h, HONEST, true));
	lineport_total(&st);
	g_assert_cmpuint(st.connections, ==, before.connections + 2);
	g_assert_cmpuint(st.refused, ==, before.refused + 4);
	mem_deref(h.l);
	close(h.rt);
	mem_deref(server);
	mem_deref(party);
}

static void test_fingerprints(void)
{
	static const struct { const char *text; bool ok; } texts[] = {
		{"sha-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f", true},
		{"SHA-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f", true},
		{"sha-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e", false},
		{"sha-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:", false},
		{"sha-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:xx", false},
		{"sha-256", false}, {"sha-256 ", false}, {"", false},
		{"md5 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f", false},
		{"sha-1 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13", false},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_cmpint(tlskey_text_ok(texts[i].text), ==, texts[i].ok);
	g_assert_false(tlskey_text_ok(NULL));
}

int main(int argc, char *argv[])
{
	int ret;

	signal(SIGPIPE, SIG_IGN);
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(loop_init(), ==, 0);
	make_cert(0);
	make_cert(1);
	g_test_add_func("/stream/guess", test_guess);
	g_test_add_func("/stream/not-now", test_not_now);
	g_test_add_func("/stream/bad", test_bad);
	g_test_add_func("/stream/ends", test_ends);
	g_test_add_func("/stream/does-not-read", test_does_not_read);
	g_test_add_func("/duct/marks", test_duct);
	g_test_add_func("/duct/full", test_full);
	g_test_add_func("/duct/stuck", test_stuck);
	g_test_add_func("/port/who", test_port);
	g_test_add_func("/port/second", test_second);
	g_test_add_func("/port/tls", test_tls);
	g_test_add_func("/port/fingerprints", test_fingerprints);
	ret = g_test_run();
	for (unsigned i = 0; i < 2; i++) {
		unlink(cert_file[i]);
		g_free(cert_file[i]);
	}
	loop_close();
	return ret;
}
