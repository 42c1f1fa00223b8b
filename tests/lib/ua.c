/*
 * ua.c - a SIP peer made of raw text.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <glib.h>
#include "sim.h"
#include "ua.h"

enum { LADDER_MAX = 64, PATIENCE_MS = 40000 };

/* The last lines of the ladder, printed when an expectation fails. */
static char ladder[LADDER_MAX][160];
static unsigned ladder_n;

static void ladder_note(const struct ua *ua, const char *arrow, const char *text)
{
	(void)snprintf(ladder[ladder_n++ % LADDER_MAX], sizeof(ladder[0]), "%8llu ms  ua:%u %s %.100s",
		       (unsigned long long)sim_now_ms(), sa_port(&ua->me), arrow, text);
	ladder[(ladder_n - 1) % LADDER_MAX][strcspn(ladder[(ladder_n - 1) % LADDER_MAX], "\r\n")] = '\0';
}

static void ladder_print(void)
{
	for (unsigned i = ladder_n > LADDER_MAX ? ladder_n - LADDER_MAX : 0; i < ladder_n; i++)
		fprintf(stderr, "# %s\n", ladder[i % LADDER_MAX]);
}

static void ua_destructor(void *arg)
{
	struct ua *ua = arg;

	SSL_free(ua->ssl);
	SSL_CTX_free(ua->ssl_ctx);
	if (ua->fd >= 0)
		close(ua->fd);
	free(ua->rx);
}

void ua_new_call(struct ua *ua)
{
	static unsigned n;

	n++;
	(void)re_snprintf(ua->callid, sizeof(ua->callid), "call%u.%u", n, sa_port(&ua->me));
	(void)re_snprintf(ua->ltag, sizeof(ua->ltag), "ua%u", n);
	ua->rtag[0] = ua->target[0] = ua->routes[0] = '\0';
	ua->called = false;
}

/* Nagle and delayed ACKs are real time, which does not pass here. */
static void quick(const struct ua *ua)
{
	int one = 1;

	(void)setsockopt(ua->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(ua->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static int open_socket(struct ua *ua, const char *address)
{
	struct sa any;
	int type = ua->tp == SIP_TRANSP_UDP ? SOCK_DGRAM : SOCK_STREAM;

	sa_cpy(&any, &ua->server);
	sa_set_port(&any, 0);
	if (address && sa_set_str(&any, address, 0))
		return EINVAL;
	ua->fd = socket(sa_af(&any), type | SOCK_CLOEXEC, 0);
	if (ua->fd < 0 || bind(ua->fd, &any.u.sa, any.len))
		return errno;
	if (type == SOCK_STREAM) {
		sim_settle(2);
		if (connect(ua->fd, &ua->server.u.sa, ua->server.len))
			return errno;
		quick(ua);
	}
	ua->me.len = sizeof(ua->me.u);
	return getsockname(ua->fd, &ua->me.u.sa, &ua->me.len) ? errno : 0;
}

static int tls_max;

void ua_tls_max(int version)
{
	tls_max = version;
}

static bool shake(void *arg)
{
	return SSL_do_handshake(((struct ua *)arg)->ssl) == 1;
}

static int open_tls(struct ua *ua)
{
	ua->ssl_ctx = SSL_CTX_new(TLS_client_method());
	ua->ssl = ua->ssl_ctx ? SSL_new(ua->ssl_ctx) : NULL;
	if (!ua->ssl || fcntl(ua->fd, F_SETFL, O_NONBLOCK))
		return ENOMEM;
	if (tls_max) {
		SSL_set_security_level(ua->ssl, 0);
		(void)SSL_set_min_proto_version(ua->ssl, TLS1_VERSION);
		(void)SSL_set_max_proto_version(ua->ssl, tls_max);
	}
	SSL_set_fd(ua->ssl, ua->fd);
	SSL_set_connect_state(ua->ssl);
	return sim_run_until(shake, ua, 5000) ? 0 : ECONNREFUSED;
}

int ua_alloc(struct ua **uap, enum sip_transp tp, const struct sa *server)
{
	return ua_alloc_at(uap, tp, server, NULL);
}

int ua_alloc_at(struct ua **uap, enum sip_transp tp, const struct sa *server, const char *address)
{
	struct ua *ua = mem_zalloc(sizeof(*ua), ua_destructor);
	int err;

	if (!ua)
		return ENOMEM;
	ua->tp = tp;
	sa_cpy(&ua->server, server);
	err = open_socket(ua, address);
	if (!err && tp == SIP_TRANSP_TLS)
		err = open_tls(ua);
	if (err) {
		mem_deref(ua);
		return err;
	}
	(void)re_snprintf(ua->to, sizeof(ua->to), "sip:room@%J", server);
	(void)re_snprintf(ua->contact, sizeof(ua->contact), "<sip:ua@%J%s>", &ua->me, sip_transp_param(tp));
	(void)re_snprintf(ua->supported, sizeof(ua->supported), "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n");
	(void)re_snprintf(ua->via_extra, sizeof(ua->via_extra), ";rport");
	ua->cseq = 1;
	ua_new_call(ua);
	*uap = ua;
	return 0;
}

void ua_raw(struct ua *ua, const char *text, size_t len)
{
	ssize_t n;

	ladder_note(ua, "-->", text);
	n = ua->ssl ? SSL_write(ua->ssl, text, (int)len) : ua->tp == SIP_TRANSP_UDP ? sendto(ua->fd, text, len, 0, &ua->server.u.sa, ua->server.len) :
		send(ua->fd, text, len, MSG_NOSIGNAL);
	g_assert_cmpint(n, ==, (ssize_t)len);
}

/* SDP unless the test says otherwise. */
static const char *content_type(const char *hdrs, const char *body)
{
	return body && !(hdrs && strstr(hdrs, "Content-Type:")) ? "Content-Type: application/sdp\r\n" : "";
}

static void send_request(struct ua *ua, const char *method, uint32_t cseq, const char *branch, const char *ruri,
			 bool with_rtag, const char *hdrs, const char *body)
{
	char *text = NULL, rtag[80] = "";

	if (with_rtag && ua->rtag[0])
		(void)re_snprintf(rtag, sizeof(rtag), ";tag=%s", ua->rtag);
	g_assert_cmpint(re_sdprintf(&text,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/%s %J;branch=%s%s\r\n"
		"%s"
		"Max-Forwards: 70\r\n"
		"From: <sip:ua@%J>;tag=%s\r\n"
		"To: <%s>%s\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %u %s\r\n"
		"%s%s%s%s%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		method, ruri, sip_transp_name(ua->tp), &ua->me, branch, ua->via_extra, ua->routes, &ua->me, ua->ltag,
		ua->called ? ua->peer_from : ua->to, rtag, ua->callid, cseq, method,
		ua->contact[0] ? "Contact: " : "", ua->contact, ua->contact[0] ? "\r\n" : "",
		strcmp(method, "ACK") ? ua->supported : "", hdrs ? hdrs : "", content_type(hdrs, body),
		body ? strlen(body) : (size_t)0, body ? body : ""), ==, 0);
	ua_raw(ua, text, strlen(text));
	mem_deref(text);
}

void ua_request(struct ua *ua, const char *method, const char *hdrs, const char *body)
{
	bool inside = ua->rtag[0] != '\0';

	(void)re_snprintf(ua->branch, sizeof(ua->branch), "z9hG4bKua%u.%u", ++ua->cseq, sa_port(&ua->me));
	if (!strcmp(method, "INVITE")) {
		ua->inv_cseq = ua->cseq;
		memcpy(ua->inv_branch, ua->branch, sizeof(ua->branch));
	}
	send_request(ua, method, ua->cseq, ua->branch, inside && ua->target[0] ? ua->target : ua->to, true, hdrs, body);
}

void ua_ack(struct ua *ua, const char *body)
{
	char branch[64];
	static unsigned n;

	(void)re_snprintf(branch, sizeof(branch), "z9hG4bKack%u", ++n);
	send_request(ua, "ACK", ua->inv_cseq, branch, ua->target[0] ? ua->target : ua->to, true, NULL, body);
}

void ua_ack_failed(struct ua *ua)
{
	send_request(ua, "ACK", ua->inv_cseq, ua->inv_branch, ua->to, true, NULL, NULL);
}

void ua_cancel(struct ua *ua)
{
	send_request(ua, "CANCEL", ua->inv_cseq, ua->inv_branch, ua->to, false, NULL, NULL);
}

/* --- reading a message --- */

static const char *line_find(const char *msg, const char *name, const char *after)
{
	const char *p = after ? after : msg, *end = strstr(msg, "\r\n\r\n");
	size_t n = strlen(name);

	while ((p = strstr(p, "\r\n")) != NULL && p < end) {
		p += 2;
		if (!strncasecmp(p, name, n) && p[n] == ':')
			return p;
	}
	return NULL;
}

static const char *header_of(const char *msg, const char *name, char *buf, size_t size)
{
	const char *p = line_find(msg, name, NULL);
	size_t n;

	buf[0] = '\0';
	if (!p)
		return buf;
	p += strlen(name) + 1;
	p += strspn(p, " ");
	n = strcspn(p, "\r\n");
	n = n < size - 1 ? n : size - 1;
	memcpy(buf, p, n);
	buf[n] = '\0';
	return buf;
}

const char *ua_header(const struct ua *ua, const char *name, char *buf, size_t size)
{
	return header_of(ua->msg, name, buf, size);
}

bool ua_has(const struct ua *ua, const char *text)
{
	return strstr(ua->msg, text) != NULL;
}

const char *ua_body(const struct ua *ua)
{
	const char *p = strstr(ua->msg, "\r\n\r\n");

	return p ? p + 4 : "";
}

static void tag_of(char *buf, size_t size, const char *value)
{
	const char *p = strstr(value, ";tag=");

	if (p)
		(void)snprintf(buf, size, "%.*s", (int)strcspn(p + 5, ";> \r\n"), p + 5);
}

static void uri_of(char *buf, size_t size, const char *value)
{
	const char *p = strchr(value, '<');

	if (p)
		(void)snprintf(buf, size, "%.*s", (int)strcspn(p + 1, ">"), p + 1);
}

static void learn(struct ua *ua)
{
	char v[1024];

	if (!strncmp(ua->msg, "SIP/2.0 ", 8)) {
		header_of(ua->msg, "CSeq", v, sizeof(v));
		if (strstr(v, "INVITE") || (strstr(v, "SUBSCRIBE") && ua->msg[8] == '2')) {
			tag_of(ua->rtag, sizeof(ua->rtag), header_of(ua->msg, "To", v, sizeof(v)));
			uri_of(ua->target, sizeof(ua->target), header_of(ua->msg, "Contact", v, sizeof(v)));
		}
		return;
	}
	memcpy(ua->req, ua->msg, sizeof(ua->req));
	if (strncmp(ua->msg, "INVITE ", 7) || ua->rtag[0])
		return;
	ua->called = true;
	(void)header_of(ua->msg, "Call-ID", ua->callid, sizeof(ua->callid));
	tag_of(ua->rtag, sizeof(ua->rtag), header_of(ua->msg, "From", v, sizeof(v)));
	uri_of(ua->peer_from, sizeof(ua->peer_from), v);
	uri_of(ua->target, sizeof(ua->target), header_of(ua->msg, "Contact", v, sizeof(v)));
}

void ua_reply(struct ua *ua, unsigned scode, const char *reason, const char *hdrs, const char *body)
{
	struct mbuf *mb = mbuf_alloc(1024);
	static const char *const copied[] = { "Via", "Record-Route", "From", "To", "Call-ID", "CSeq" };

	(void)mbuf_printf(mb, "SIP/2.0 %u %s\r\n", scode, reason);
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		for (const char *p = NULL; (p = line_find(ua->req, copied[i], p)) != NULL; ) {
			int n = (int)strcspn(p, "\r");

			(void)mbuf_printf(mb, "%b", p, (size_t)n);
			if (!strcmp(copied[i], "To") && scode > 100 && !g_strstr_len(p, n, ";tag="))
				(void)mbuf_printf(mb, ";tag=%s", ua->ltag);
			(void)mbuf_write_str(mb, "\r\n");
		}
	}
	if (ua->contact[0])
		(void)mbuf_printf(mb, "Contact: %s\r\n", ua->contact);
	(void)mbuf_printf(mb, "%s%s%sContent-Length: %zu\r\n\r\n%s", ua->supported, hdrs ? hdrs : "",
			  content_type(hdrs, body), body ? strlen(body) : (size_t)0, body ? body : "");
	(void)mbuf_write_u8(mb, 0);
	ua_raw(ua, (char *)mb->buf, mb->end - 1);
	mem_deref(mb);
}

/* --- receiving --- */

static bool take_stream(struct ua *ua)
{
	char buf[16384], *end;
	size_t head, clen = 0;
	const char *p;
	ssize_t n = ua->ssl ? SSL_read(ua->ssl, buf, sizeof(buf)) : recv(ua->fd, buf, sizeof(buf), MSG_DONTWAIT);

	quick(ua);
	if (n > 0) {
		ua->rx = realloc(ua->rx, ua->rx_len + (size_t)n + 1);
		memcpy(ua->rx + ua->rx_len, buf, (size_t)n);
		ua->rx_len += (size_t)n;
		ua->rx[ua->rx_len] = '\0';
	}
	if (!ua->rx_len || !(end = strstr(ua->rx, "\r\n\r\n")))
		return false;
	head = (size_t)(end + 4 - ua->rx);
	p = line_find(ua->rx, "Content-Length", NULL);
	if (p)
		clen = strtoul(p + 15, NULL, 10);
	if (ua->rx_len < head + clen)
		return false;
	g_assert_cmpuint(head + clen, <, sizeof(ua->msg));
	memcpy(ua->msg, ua->rx, head + clen);
	ua->msg[head + clen] = '\0';
	memmove(ua->rx, ua->rx + head + clen, ua->rx_len - head - clen + 1);
	ua->rx_len -= head + clen;
	return true;
}

static bool take(void *arg)
{
	struct ua *ua = arg;
	ssize_t n;

	if (ua->tp != SIP_TRANSP_UDP)
		return take_stream(ua);
	n = recv(ua->fd, ua->msg, sizeof(ua->msg) - 1, MSG_DONTWAIT);
	if (n < 0)
		return false;
	ua->msg[n] = '\0';
	return true;
}

const char *ua_wait(struct ua *ua, uint32_t timeout_ms)
{
	if (!sim_run_until(take, ua, timeout_ms))
		return NULL;
	ladder_note(ua, "<--", ua->msg);
	learn(ua);
	return ua->msg;
}

const char *ua_expect(struct ua *ua, const char *prefix)
{
	do {
		if (!ua_wait(ua, PATIENCE_MS)) {
			ladder_print();
			g_error("expected \"%s\", nothing came", prefix);
		}
	} while (!strncmp(ua->msg, "SIP/2.0 100", 11) && strncmp(prefix, "SIP/2.0 100", 11));
	if (strncmp(ua->msg, prefix, strlen(prefix))) {
		ladder_print();
		g_error("expected \"%s\", got: %.2000s", prefix, ua->msg);
	}
	return ua->msg;
}

void ua_expect_none(struct ua *ua, uint32_t ms)
{
	if (ua_wait(ua, ms)) {
		ladder_print();
		g_error("expected silence, got: %.2000s", ua->msg);
	}
}
