/*
 * ctl_http.c - a plain HTTP/1.1 client (RFC 9112).
 *
 * No server code is linked, so that tuttictl runs on any machine that can reach the server. TLS is not spoken: the unix socket
 * needs none, the HTTP port listens on loopback by default, and a proxy in front of it does TLS.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "ctl_http.h"
#include "ctl_text.h"

enum { TIMEOUT_S = 30, BUF = 16384 };

struct http {
	int fd, status;
	char buf[BUF + 1];
	size_t at, end;                   /* read and not yet used */
	enum { BODY_LENGTH, BODY_CHUNKS, BODY_CLOSE } framing;
	uint64_t left;                    /* of the body or of this chunk */
	bool in_chunks, over;
};

/* --- connecting --- */

static void limit_time(int fd, bool endless)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S }, none = { .tv_sec = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, endless ? &none : &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int connect_socket(int *fdp, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int err = 0, fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		err = errno;
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

static int connect_tcp(int *fdp, const struct http_server *s)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	int err = getaddrinfo(s->host, s->port, &hints, &list), fd = -1;

	if (err) {
		fprintf(stderr, "tuttictl: %s: %s\n", s->host, gai_strerror(err));
		return EHOSTUNREACH;
	}
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
		if (fd < 0) {
			err = errno;
			continue;
		}
		limit_time(fd, false);
		if (!connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		err = errno;
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	*fdp = fd;
	return fd < 0 ? err : 0;
}

static int connect_any(int *fdp, bool *tcp, const struct http_server *s)
{
	int err = s->socket[0] ? connect_socket(fdp, s->socket) : ENOENT;

	if (s->socket[0] && err && (!s->host[0] || err == EACCES)) {
		fprintf(stderr, "tuttictl: cannot reach %s: %s\n", s->socket, strerror(err));
		if (!s->host[0])
			return err;
	}
	*tcp = err;
	if (!err)
		return 0;
	err = connect_tcp(fdp, s);
	if (err)
		fprintf(stderr, "tuttictl: cannot reach %s port %s: %s\n", s->host, s->port, strerror(err));
	return err;
}

/* --- the request --- */

static int send_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int send_request(int fd, bool tcp, const struct http_server *s, const struct http_request *rq)
{
	bool v6 = strchr(s->host, ':');
	struct txt t = { .p = NULL };
	int err;

	txt_printf(&t, "%s %s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: tuttictl\r\nAccept: %s\r\n", rq->method, rq->path, v6 ? "[" : "",
		    s->host[0] ? s->host : "localhost", v6 ? "]" : "", rq->accept ? rq->accept : "application/json, text/plain, */*");
	if (s->token[0] && (tcp || !s->tcp_only_token))
		txt_printf(&t, "Authorization: Bearer %s\r\n", s->token);
	if (rq->body)
		txt_printf(&t, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(rq->body));
	txt_printf(&t, "Connection: close\r\n\r\n%s", rq->body ? rq->body : "");
	err = t.bad ? ENOMEM : send_all(fd, t.p, t.n);
	txt_free(&t);
	return err;
}

/* --- the answer --- */

/* More into the buffer, behind what is there. */
static int more(struct http *h)
{
	ssize_t n;

	if (h->at) {
		memmove(h->buf, h->buf + h->at, h->end - h->at);
		h->end -= h->at;
		h->at = 0;
	}
	if (h->end == BUF)
		return EMSGSIZE;
	do {
		n = recv(h->fd, h->buf + h->end, BUF - h->end, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	h->end += (size_t)n;
	h->buf[h->end] = '\0';
	return n ? 0 : ECONNRESET;
}

/* One line without its end, at h->buf + *at; it ends with a NUL and the buffer goes on behind it. */
static int line(struct http *h, char **lp)
{
	char *end;
	int err;

	while (!(end = memchr(h->buf + h->at, '\n', h->end - h->at))) {
		err = more(h);
		if (err)
			return err;
	}
	*lp = h->buf + h->at;
	h->at = (size_t)(end + 1 - h->buf);
	*end = '\0';
	if (end > *lp && end[-1] == '\r')
		end[-1] = '\0';
	return 0;
}

static const char *header(const char *text, const char *name)
{
	size_t n = strlen(name);

	return !strncasecmp(text, name, n) && text[n] == ':' ? text + n + 1 + strspn(text + n + 1, " \t") : NULL;
}

static int head(struct http *h)
{
	const char *v;
	char *l;
	int err = line(h, &l);

	if (err)
		return err;
	if (sscanf(l, "HTTP/1.%*1[01] %3d", &h->status) != 1)
		return EBADMSG;
	h->framing = BODY_CLOSE;
	while (!(err = line(h, &l)) && *l) {
		v = header(l, "Transfer-Encoding");
		if (v && !strncasecmp(v, "chunked", 7))
			h->framing = BODY_CHUNKS;
		v = header(l, "Content-Length");
		if (v && h->framing == BODY_CLOSE) {
			h->framing = BODY_LENGTH;
			h->left = strtoull(v, NULL, 10);
		}
	}
	if (h->status == 204 || h->status == 304)
		h->over = true;
	return err;
}

/* RFC 9112 7.1: the size of the next chunk; the last one has none, and trailers follow it. */
static int next_chunk(struct http *h)
{
	char *l, *end;
	int err = 0;

	if (h->in_chunks) {               /* the line end behind the data */
		err = line(h, &l);
		if (!err && *l)
			return EBADMSG;
	}
	if (!err)
		err = line(h, &l);
	if (err)
		return err;
	h->left = strtoull(l, &end, 16);
	if (end == l || (*end && *end != ';' && *end != ' '))
		return EBADMSG;
	h->in_chunks = true;
	while (!h->left && !err && *l)
		err = line(h, &l);
	h->over = !h->left;
	return err;
}

ssize_t http_read(struct http *h, char *buf, size_t size)
{
	size_t n;
	int err = 0;

	if (h->framing == BODY_CHUNKS && !h->left && !h->over)
		err = next_chunk(h);
	if (h->framing == BODY_LENGTH && !h->left)
		h->over = true;
	if (!err && !h->over && h->at == h->end) {
		err = more(h);
		if (err == ECONNRESET && h->framing == BODY_CLOSE) {
			h->over = true;
			err = 0;
		}
	}
	if (err || h->over)
		return -err;
	n = h->end - h->at < size ? h->end - h->at : size;
	if (h->framing != BODY_CLOSE && n > h->left)
		n = (size_t)h->left;
	memcpy(buf, h->buf + h->at, n);
	h->at += n;
	h->left -= h->framing == BODY_CLOSE ? 0 : n;
	return (ssize_t)n;
}

int http_body(char **body, size_t *len, struct http *h)
{
	struct txt t = { .p = NULL };
	char buf[BUF];
	ssize_t n;

	txt_str(&t, "");
	while ((n = http_read(h, buf, sizeof(buf))) > 0 && t.n < HTTP_BODY_MAX)
		txt_add(&t, buf, (size_t)n);
	if (n || t.bad) {
		txt_free(&t);
		return n > 0 ? EMSGSIZE : n < 0 ? (int)-n : ENOMEM;
	}
	*body = t.p;
	*len = t.n;
	return 0;
}

int http_status(const struct http *h)
{
	return h->status;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	(void)close(h->fd);
	free(h);
}

int http_open(struct http **hp, const struct http_server *s, const struct http_request *rq)
{
	struct http *h = calloc(1, sizeof(*h));
	bool tcp;
	int err;

	if (!h)
		return ENOMEM;
	err = connect_any(&h->fd, &tcp, s);
	if (err) {
		free(h);
		return err;
	}
	limit_time(h->fd, false);
	err = send_request(h->fd, tcp, s, rq);
	if (!err)
		err = head(h);
	if (err) {
		fprintf(stderr, "tuttictl: no good answer: %s\n", strerror(err));
		http_close(h);
		return err;
	}
	limit_time(h->fd, rq->endless);
	*hp = h;
	return 0;
}
