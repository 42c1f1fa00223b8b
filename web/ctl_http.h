/*
 * ctl_http.h - a plain HTTP/1.1 client: one request on one connection, by the server's unix socket or by TCP.
 */
#ifndef WEB_CTL_HTTP_H
#define WEB_CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HTTP_BODY_MAX = 64 << 20 };

/* Where the server is. With both, the socket is tried first and, where nobody listens, host and port. */
struct http_server {
	char socket[108], host[256], port[16], token[512];
	bool tcp_only_token;              /* by the socket the server knows who asks: the token is for TCP */
};

struct http_request { const char *method, *path, *accept, *body; bool endless; };        /* endless: no limit of time */

struct http;
/* Says on stderr why it cannot be reached. */
int  http_open(struct http **hp, const struct http_server *s, const struct http_request *rq);
int  http_status(const struct http *h);
/* The body as it comes; 0: its end, else bytes, or a negative errno. */
ssize_t http_read(struct http *h, char *buf, size_t size);
int  http_body(char **body, size_t *len, struct http *h);         /* all of it, NUL behind; free() */
void http_close(struct http *h);

#endif
