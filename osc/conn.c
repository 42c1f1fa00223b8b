/*
 * conn.c - a connection by TCP, plain or under TLS.
 *
 * What cannot be sent at once waits in one buffer; when that grows over its bound, the connection ends: a peer that does
 * not read is told so by its end, not by the server's memory. TLS is OpenSSL's on the descriptor itself. It allocates as
 * it likes, which is why this lives on the control thread, not on the one that forwards.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "conn.h"
#include "tlskey.h"

enum { PIECE = 16384, PIECES = 4, HANDSHAKE_MS = 10000, KERNEL_WAIT = 64 * 1024 };

enum conn_state { CONN_NEW, CONN_SHAKES, CONN_UP, CONN_DOWN };

struct conn {
	struct conn_conf conf;
	char fingerprint[TLSKEY_TEXT];
	enum conn_state state;
	int fd;
	SSL *ssl;
	struct tmr tmr;
	int watched;                      /* FD_*, as libre was told */
	bool held, wants_write;
	uint8_t *out;                     /* CONN_WAIT_MAX octets, once something waits */
	size_t out_at, out_len;
};

static void conn_event(int flags, void *arg);
static void conn_timer(void *arg);

static void conn_close(struct conn *c)
{
	tmr_cancel(&c->tmr);
	if (c->watched)
		fd_close(c->fd);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->watched = 0;
	SSL_free(c->ssl);
	c->ssl = NULL;
}

static void conn_destroy(void *arg)
{
	struct conn *c = arg;

	conn_close(c);
	mem_deref(c->out);
}

static void go_down(struct conn *c, int err)
{
	if (c->state == CONN_DOWN)
		return;

	c->state = CONN_DOWN;
	conn_close(c);
	c->conf.down(err, c->conf.arg);
}

/* Which events are of interest changes with what waits. */
static void conn_watch(struct conn *c)
{
	int flags = c->held ? 0 : FD_READ;

	if (c->fd < 0)
		return;
	if (c->out_len || c->wants_write)
		flags |= FD_WRITE;
	if (c->state == CONN_SHAKES)
		flags |= FD_READ;
	if (flags == c->watched)
		return;
	if (fd_listen(c->fd, flags, conn_event, c))
		go_down(c, ENOMEM);
	else
		c->watched = flags;
}

/* What OpenSSL says to a negative count. EAGAIN: later. */
static int tls_error(struct conn *c, int n)
{
	switch (SSL_get_error(c->ssl, n)) {

	case SSL_ERROR_WANT_READ:
		return EAGAIN;

	case SSL_ERROR_WANT_WRITE:
		c->wants_write = true;
		return EAGAIN;

	case SSL_ERROR_ZERO_RETURN:
		return EPIPE;

	default:
		return EPROTO;
	}
}

static int octets_read(struct conn *c, uint8_t *buf, size_t *len)
{
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		n = SSL_read(c->ssl, buf, (int)*len);
	}
	else {
		n = recv(c->fd, buf, *len, 0);
	}
	if (n > 0) {
		*len = (size_t)n;
		return 0;
	}
	if (c->ssl)
		return tls_error(c, (int)n);

	return n == 0 ? EPIPE : errno == EINTR || errno == EWOULDBLOCK ? EAGAIN : errno;
}

static int octets_write(struct conn *c, const uint8_t *buf, size_t *len)
{
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		n = SSL_write(c->ssl, buf, (int)*len);
	}
	else {
		n = send(c->fd, buf, *len, MSG_NOSIGNAL);
	}
	*len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return 0;
	if (c->ssl)
		return tls_error(c, (int)n);

	return errno == EINTR || errno == EWOULDBLOCK ? EAGAIN : errno;
}

/* true: all is gone now that had waited */
static bool flush(struct conn *c, int *err)
{
	*err = 0;
	if (!c->out_len)
		return false;

	while (c->out_len) {
		size_t n = c->out_len;

		*err = octets_write(c, c->out + c->out_at, &n);
		if (*err)
			break;
		c->out_at  += n;
		c->out_len -= n;
	}
	if (*err == EAGAIN)
		*err = 0;
	if (!c->out_len)
		c->out_at = 0;

	return !*err && !c->out_len;
}

static void read_some(struct conn *c)
{
	static uint8_t buf[PIECE];        /* of the one control thread */

	for (unsigned i = 0; i < PIECES && c->state == CONN_UP && !c->held; i++) {
		size_t n = sizeof(buf);
		const int err = octets_read(c, buf, &n);

		if (err == EAGAIN)
			return;
		if (err) {
			go_down(c, err == EPIPE ? 0 : err);
			return;
		}
		c->conf.recv(buf, n, c->conf.arg);
	}
	/* What OpenSSL has deciphered already makes no descriptor readable. */
	if (c->state == CONN_UP && !c->held && c->ssl && SSL_pending(c->ssl))
		tmr_start(&c->tmr, 0, conn_timer, c);
}

static void is_up(struct conn *c)
{
	tmr_cancel(&c->tmr);
	c->state = CONN_UP;
	if (c->conf.up)
		c->conf.up(c->conf.arg);
	if (c->state == CONN_UP)
		conn_watch(c);
}

/* "the fingerprint MUST be checked before any OSC packet is handled" */
static void shake(struct conn *c)
{
	int n, err;

	ERR_clear_error();
	n = SSL_accept(c->ssl);
	if (n == 1) {
		if (tlskey_is_peer(c->ssl, c->fingerprint))
			is_up(c);
		else
			go_down(c, EACCES);
		return;
	}
	err = tls_error(c, n);
	if (err != EAGAIN)
		go_down(c, EPROTO);
}

static void flush_some(struct conn *c)
{
	int err;
	const bool drained = flush(c, &err);

	if (err)
		go_down(c, err);
	else if (drained && c->conf.drained)
		c->conf.drained(c->conf.arg);
}

static void conn_event(int flags, void *arg)
{
	struct conn *c = mem_ref(arg);

	c->wants_write = false;
	if (c->state == CONN_SHAKES)
		shake(c);
	if (c->state == CONN_UP && c->out_len)
		flush_some(c);
	if (c->state == CONN_UP && (flags & ~FD_WRITE || c->ssl))
		read_some(c);
	conn_watch(c);
	mem_deref(c);
}

static void conn_timer(void *arg)
{
	struct conn *c = mem_ref(arg);

	if (c->state == CONN_NEW && !c->ssl) {
		is_up(c);
	}
	else if (c->state == CONN_NEW) {
		c->state = CONN_SHAKES;
		tmr_start(&c->tmr, HANDSHAKE_MS, conn_timer, c);
		conn_watch(c);
	}
	else if (c->state == CONN_SHAKES) {
		go_down(c, ETIMEDOUT);
	}
	else if (c->state == CONN_UP) {
		read_some(c);
	}
	mem_deref(c);
}

static void set_options(int fd)
{
	int on = 1, tos = IPTOS_DSCP_EF, size = KERNEL_WAIT;

	/* "TCP_NODELAY MUST be set" */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Megabytes would wait in the kernel: seconds of gestures that nobody can coalesce any more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

static int start_tls(struct conn *c)
{
	if (!c->conf.tls)
		return 0;
	if (!tlskey_text_ok(c->conf.fingerprint))
		return EINVAL;

	(void)re_snprintf(c->fingerprint, sizeof(c->fingerprint), "%s", c->conf.fingerprint);
	c->ssl = SSL_new(tlskey_context(c->conf.tls));
	return c->ssl && SSL_set_fd(c->ssl, c->fd) ? 0 : ENOMEM;
}

int conn_alloc(struct conn **cp, int fd, const struct conn_conf *conf)
{
	struct conn *c = mem_zalloc(sizeof(*c), conn_destroy);
	int err;

	if (!c) {
		(void)close(fd);
		return ENOMEM;
	}
	tmr_init(&c->tmr);
	c->conf = *conf;
	c->fd   = fd;
	set_options(fd);
	err = start_tls(c);
	if (err)
		mem_deref(c);
	else {
		tmr_start(&c->tmr, 0, conn_timer, c);
		*cp = c;
	}
	return err;
}

/* Room for `len` more, without moving what waits more often than it is worth. */
static int make_room(struct conn *c, size_t len)
{
	if (!c->out)
		c->out = mem_alloc(CONN_WAIT_MAX, NULL);
	if (!c->out)
		return ENOMEM;
	if (c->out_len + len > CONN_WAIT_MAX)
		return ENOBUFS;

	if (c->out_at + c->out_len + len > CONN_WAIT_MAX) {
		memmove(c->out, c->out + c->out_at, c->out_len);
		c->out_at = 0;
	}
	return 0;
}

static int put(struct conn *c, const uint8_t *buf, size_t len)
{
	int err = make_room(c, len);

	if (err)
		return err;

	memcpy(c->out + c->out_at + c->out_len, buf, len);
	c->out_len += len;
	return 0;
}

int conn_send(struct conn *c, const uint8_t *buf, size_t len)
{
	int err = 0;

	if (c->state != CONN_UP)
		return ENOTCONN;

	mem_ref(c);
	while (len && !c->out_len && !err) {
		size_t n = len;

		err = octets_write(c, buf, &n);
		buf += n;
		len -= n;
	}
	if (!err || err == EAGAIN)
		err = len ? put(c, buf, len) : 0;
	if (err)
		go_down(c, err);
	else
		conn_watch(c);
	mem_deref(c);

	return err;
}

size_t conn_waiting(const struct conn *c)
{
	return c->out_len;
}

void conn_hold(struct conn *c, bool hold)
{
	if (c->held == hold)
		return;
	c->held = hold;
	if (c->state != CONN_UP)
		return;

	if (!hold && c->ssl && SSL_pending(c->ssl))
		tmr_start(&c->tmr, 0, conn_timer, c);
	conn_watch(c);
}
