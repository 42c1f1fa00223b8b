/*
 * flow-streamline.c - lines of TCP and TLS as a call has them: a port, a description, a connection; the relay with its thread.
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
#include "osc/osc.h"
#include "osc/relay.h"
#include "osc/slip.h"
#include "osc/tlskey.h"
#include "server/selfsigned.h"
#include "tests/lib/until.h"

enum { BUF = 65536 };

static struct relay *relay;
static struct ensemble *band;
static char *cert_file[2];        /* the server's, the party's */

/* --- a party: its player in the relay, and its end of the line --- */

struct party {
	struct player *player;
	enum gestline_kind kind;
	struct gestline line;
	struct sa bound;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct slip *slip;
	uint8_t in[BUF], pkt[BUF];
	size_t in_len, in_at;
	const char *want;
	struct osc_msg msg;
	bool closed;
};

static struct party *party_new(const char *name, enum gestline_kind kind, enum gestline_framing framing)
{
	struct player_conf conf = {.member = 0};
	struct party *p = g_new0(struct party, 1);
	struct sa local;

	p->fd   = -1;
	p->kind = kind;
	g_strlcpy(conf.wish, name, sizeof(conf.wish));
	g_strlcpy(conf.identity, name, sizeof(conf.identity));
	g_assert_cmpint(player_alloc(&p->player, relay, band, &conf), ==, 0);
	g_assert_cmpint(sa_set_str(&local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(player_port(p->player, kind, &local, &p->bound), ==, 0);
	gestline_init(&p->line, kind);
	p->line.dir     = LEG_DIR_BOTH;
	p->line.framing = framing;
	g_assert_cmpint(sa_set_str(&p->line.peer, "127.0.0.1", 9), ==, 0);
	return p;
}

static void party_hang_up(struct party *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	mem_deref(p->slip);
	close(p->fd);
	p->ssl  = NULL;
	p->ctx  = NULL;
	p->slip = NULL;
	p->fd   = -1;
}

static void party_free(struct party *p)
{
	party_hang_up(p);
	mem_deref(p->player);
	gestline_reset(&p->line);
	g_free(p);
}

static void party_set_line(struct party *p, int err)
{
	g_assert_cmpint(player_set_line(p->player, &p->line), ==, err);
}

static void party_connect(struct party *p, const char *cert)
{
	p->closed = false;
	p->in_len = p->in_at = 0;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(p->fd, &p->bound.u.sa, p->bound.len), ==, 0);
	g_assert_cmpint(fcntl(p->fd, F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(slip_alloc(&p->slip, p->line.framing == GESTLINE_SIZE ? SLIP_SIZE : SLIP_END, BUF - 4), ==, 0);
	if (!cert)
		return;
	p->ctx = SSL_CTX_new(TLS_client_method());
	g_assert_cmpint(SSL_CTX_use_certificate_chain_file(p->ctx, cert), ==, 1);
	g_assert_cmpint(SSL_CTX_use_PrivateKey_file(p->ctx, cert, SSL_FILETYPE_PEM), ==, 1);
	p->ssl = SSL_new(p->ctx);
	SSL_set_fd(p->ssl, p->fd);
	SSL_set_connect_state(p->ssl);
}

static int party_read(struct party *p)
{
	int n;

	if (p->ssl) {
		n = SSL_read(p->ssl, p->in, sizeof(p->in));
		if (n <= 0 && SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ)
			p->closed = true;
		return n;
	}
	n = (int)recv(p->fd, p->in, sizeof(p->in), 0);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		p->closed = true;
	return n;
}

static bool next_message(struct party *p)
{
	for (;;) {
		const uint8_t *at = p->in + p->in_at, *pkt;
		size_t left = p->in_len - p->in_at, len;
		int n;

		if (left && !slip_read(p->slip, &pkt, &len, &at, &left)) {
			p->in_at = p->in_len - left;
			memcpy(p->pkt, pkt, len);
			g_assert_cmpint(osc_msg_read(&p->msg, p->pkt, len), ==, 0);
			return true;
		}
		n = party_read(p);
		p->in_at  = 0;
		p->in_len = n > 0 ? (size_t)n : 0;
		if (n <= 0)
			return false;
	}
}

static bool has_come(void *arg)
{
	struct party *p = arg;

	while (next_message(p))
		if (!strcmp(p->msg.addr, p->want))
			return true;
	return false;
}

static bool is_closed(void *arg)
{
	struct party *p = arg;

	while (next_message(p))
		;
	return p->closed;
}

static struct osc_arg expect(struct party *p, const char *addr)
{
	struct osc_args it;
	struct osc_arg arg;

	p->want = addr;
	turn_until(has_come, p);
	osc_args_init(&it, &p->msg);
	g_assert_true(osc_arg_next(&it, &arg));
	return arg;
}

static void party_say(struct party *p, const char *addr, int32_t i)
{
	const struct osc_arg arg = {'i', .v.i = i};
	struct osc_writer w;
	uint8_t buf[256], framed[600];
	size_t len, n = sizeof(framed);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(slip_write(framed, &n, p->line.framing == GESTLINE_SIZE ? SLIP_SIZE : SLIP_END, buf, len), ==, 0);
	if (p->ssl)
		g_assert_cmpint(SSL_write(p->ssl, framed, (int)n), ==, (int)n);
	else
		g_assert_cmpint(send(p->fd, framed, n, MSG_NOSIGNAL), ==, (ssize_t)n);
}

static void settle(struct party *p)
{
	static int32_t n;

	party_say(p, "/_gest/ping", ++n);
	g_assert_cmpint(expect(p, "/_gest/pong").v.i, ==, n);
}

static void hall_open(const char *cert)
{
	const struct relay_conf conf = {.port_min = 20000, .port_max = 40000, .leave_keep_ms = 30000, .tls_cert = cert};

	g_assert_cmpint(relay_alloc(&relay, &conf), ==, 0);
	g_assert_cmpint(ensemble_get(&band, relay, "band"), ==, 0);
}

static void hall_close(void)
{
	band = mem_deref(band);
	relay_close(relay);
	relay = mem_deref(relay);
}

/* --- the tests --- */

/* Who connects before the answer waits in front of the door; what it sent meanwhile is not lost. */
static void test_early(void)
{
	struct party *ann, *bob;

	hall_open(NULL);
	ann = party_new("ann", GESTLINE_TCP, GESTLINE_SLIP);
	bob = party_new("bob", GESTLINE_TCP, GESTLINE_SIZE);
	party_set_line(bob, 0);
	party_connect(bob, NULL);
	settle(bob);
	party_connect(ann, NULL);
	party_say(ann, "/fader", 1);
	settle(bob);
	party_set_line(ann, 0);
	g_assert_cmpint(expect(bob, "/p/ann/fader").v.i, ==, 1);
	party_free(ann);
	g_assert_cmpstr(expect(bob, "/_gest/leave").v.s, ==, "ann");
	party_free(bob);
	hall_close();
}

/* "After a loss of the connection the active side may reconnect [..]; the server then sends a snapshot." */
static void test_again(void)
{
	struct relay_stats before, after;
	struct party *ann, *bob;

	hall_open(NULL);
	relay_stats(relay, &before);
	ann = party_new("ann", GESTLINE_TCP, GESTLINE_SLIP);
	bob = party_new("bob", GESTLINE_TCP, GESTLINE_SIZE);
	party_set_line(ann, 0);
	party_set_line(bob, 0);
	party_connect(ann, NULL);
	party_say(ann, "/fader", 1);
	settle(ann);
	for (unsigned i = 0; i < 3; i++) {
		party_connect(bob, NULL);
		g_assert_cmpstr(expect(bob, "/_gest/join").v.s, ==, "ann");
		g_assert_cmpstr(expect(bob, "/_gest/snapshot/begin").v.s, ==, "ann");
		g_assert_cmpint(expect(bob, "/p/ann/fader").v.i, ==, 1 + (int)i);
		g_assert_cmpstr(expect(bob, "/_gest/snapshot/end").v.s, ==, "ann");
		party_hang_up(bob);
		/* while it is away */
		party_say(ann, "/fader", 2 + (int)i);
		settle(ann);
	}
	relay_stats(relay, &after);
	g_assert_cmpuint(after.stream_taken, ==, before.stream_taken + 4);
	g_assert_cmpuint(after.stream_second, ==, before.stream_second);
	party_free(bob);
	party_free(ann);
	hall_close();
}

static void test_tls(void)
{
	struct party *ann, *bob;
	struct tlskey *key;

	hall_open(cert_file[0]);
	g_assert_cmpint(tlskey_alloc(&key, cert_file[0]), ==, 0);
	g_assert_cmpstr(relay_fingerprint(relay), ==, tlskey_fingerprint(key));
	mem_deref(key);
	g_assert_cmpint(tlskey_alloc(&key, cert_file[1]), ==, 0);
	ann = party_new("ann", GESTLINE_TLS, GESTLINE_SLIP);
	bob = party_new("bob", GESTLINE_TCP, GESTLINE_SLIP);
	party_set_line(bob, 0);
	party_connect(bob, NULL);
	party_set_line(ann, EINVAL);              /* without a fingerprint */
	g_strlcpy(ann->line.fingerprint, tlskey_fingerprint(key), sizeof(ann->line.fingerprint));
	party_set_line(ann, 0);

	/* another certificate, no TLS at all: closed, and nothing of it was heard */
	party_connect(ann, cert_file[0]);
	turn_until(is_closed, ann);
	party_hang_up(ann);
	party_connect(ann, NULL);
	party_say(ann, "/fader", 1);
	turn_until(is_closed, ann);
	party_hang_up(ann);

	party_connect(ann, cert_file[1]);
	g_assert_cmpstr(expect(ann, "/_gest/join").v.s, ==, "bob");
	party_say(ann, "/fader", 2);
	g_assert_cmpint(expect(bob, "/p/ann/fader").v.i, ==, 2);
	party_say(bob, "/fader", 3);
	g_assert_cmpint(expect(ann, "/p/bob/fader").v.i, ==, 3);
	party_free(ann);
	party_free(bob);
	mem_deref(key);
	hall_close();
}

static void test_no_certificate(void)
{
	struct player_conf conf = {.wish = "ann"};
	const struct relay_conf bad = {.port_min = 20000, .port_max = 40000, .tls_cert = "/nowhere"};
	struct relay *none = NULL;
	struct player *p;
	struct sa local, bound;

	g_assert_cmpint(relay_alloc(&none, &bad), ==, ENOENT);
	hall_open(NULL);
	g_assert_null(relay_fingerprint(relay));
	g_assert_cmpint(sa_set_str(&local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(player_alloc(&p, relay, band, &conf), ==, 0);
	g_assert_cmpint(player_port(p, GESTLINE_TLS, &local, &bound), ==, ENOTSUP);
	mem_deref(p);
	hall_close();
}

static void make_cert(unsigned i)
{
	const int fd = g_file_open_tmp("tutti-XXXXXX.pem", &cert_file[i], NULL);
	char *pem;
	size_t len;

	g_assert_cmpint(selfsigned_pem(&pem, &len), ==, 0);
	g_assert_cmpint(write(fd, pem, len), ==, (ssize_t)len);
	mem_deref(pem);
	close(fd);
}

int main(int argc, char *argv[])
{
	int ret;

	signal(SIGPIPE, SIG_IGN);
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(loop_init(), ==, 0);
	make_cert(0);
	make_cert(1);
	g_test_add_func("/streamline/early", test_early);
	g_test_add_func("/streamline/again", test_again);
	g_test_add_func("/streamline/tls", test_tls);
	g_test_add_func("/streamline/no-certificate", test_no_certificate);
	ret = g_test_run();
	for (unsigned i = 0; i < 2; i++) {
		unlink(cert_file[i]);
		g_free(cert_file[i]);
	}
	loop_close();
	return ret;
}
