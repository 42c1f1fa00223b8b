/*
 * oscquery.c - what can be heard and said in a room, by HTTP as JSON.
 *
 * A server of HTTP for one question and one answer: it reads a head of at most 8 KiB within ten seconds, asks the forward thread for
 * the state of the room's players, and sends. The proposal's answers: 204 for an attribute that is not there, 400 for one nobody
 * knows, 404 for an address.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "conn.h"
#include "oscquery.h"
#include "oscquery_keys.h"
#include "plain.h"
#include "relay_priv.h"

enum { ASKERS_MAX = 16, HEAD_MAX = 8192, PATH_ROOM = 512, PATIENCE_MS = 10000, CHUNK = 128 * 1024, BACKLOG = 16 };

struct oscquery {
	struct oscquery_conf conf;
	struct addrlist from;
	int fd;
	struct list askers;
};

struct asker {
	struct le le;
	struct oscquery *q;
	struct conn *conn;
	struct tmr tmr;
	char head[HEAD_MAX];
	size_t len;
	bool asked;
	char room[ENSEMBLE_ROOM_MAX + 1], path[PATH_ROOM];    /* path within the room */
	enum oscquery_attr attr;
	struct oscquery_keys *keys;
	struct mbuf *out;                 /* what is to be sent from its position on */
};

static void asker_destroy(void *arg)
{
	struct asker *a = arg;

	list_unlink(&a->le);
	tmr_cancel(&a->tmr);
	mem_deref(a->conn);
	oscquery_keys_drop(a->keys);
	mem_deref(a->out);
}

static void asker_end(void *arg)
{
	mem_deref(arg);
}

/* From inside a call of its own. */
static void end_soon(struct asker *a)
{
	tmr_start(&a->tmr, 0, asker_end, a);
}

/* --- answers --- */

static void send_some(void *arg)
{
	struct asker *a = arg;
	size_t n = mbuf_get_left(a->out);

	if (!n) {
		end_soon(a);
		return;
	}
	n = n < CHUNK ? n : CHUNK;
	mbuf_advance(a->out, (ssize_t)n);
	if (!conn_send(a->conn, mbuf_buf(a->out) - n, n) && !conn_waiting(a->conn))
		tmr_start(&a->tmr, 0, send_some, a);
}

static void answer(struct asker *a, unsigned code, const char *reason, const struct mbuf *body)
{
	int err;

	a->out = mbuf_alloc(256 + (body ? body->end : 0));
	if (!a->out) {
		end_soon(a);
		return;
	}
	err = mbuf_printf(a->out, "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			  "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
			  code, reason, body ? body->end : 0);
	if (!err && body)
		err = mbuf_write_mem(a->out, body->buf, body->end);
	mbuf_set_pos(a->out, 0);
	tmr_start(&a->tmr, PATIENCE_MS, asker_end, a);
	if (err)
		end_soon(a);
	else
		send_some(a);
}

static void refuse(struct asker *a, int err)
{
	switch (err) {

	case ENODATA: answer(a, 204, "No Content", NULL); break;
	case EINVAL:  answer(a, 400, "Bad Request", NULL); break;
	case ENOENT:  answer(a, 404, "Not Found", NULL); break;
	case ENOTSUP: answer(a, 405, "Method Not Allowed", NULL); break;
	case E2BIG:   answer(a, 431, "Request Header Fields Too Large", NULL); break;
	default:      answer(a, 503, "Service Unavailable", NULL); break;
	}
}

static void answer_with(struct asker *a, struct mbuf *body, int err)
{
	if (err)
		refuse(a, err);
	else
		answer(a, 200, "OK", body);
	mem_deref(body);
}

static int print_host_info(struct mbuf *mb, const struct asker *a)
{
	const struct plain *plain = a->q->conf.plain;
	struct sa at;
	const bool port = plain && *a->room && !plain_local(plain, a->room, &at);
	int err = mbuf_printf(mb, "{\"NAME\":\"Tutti%s%s\"", *a->room ? " " : "", a->room);

	/* "OSC_IP [..] if it is not there, the address of the HTTP server": where the port is on all of them */
	if (!err && port && !sa_is_any(&at))
		err = mbuf_printf(mb, ",\"OSC_IP\":\"%j\"", &at);
	if (!err && port)
		err = mbuf_printf(mb, ",\"OSC_PORT\":%u,\"OSC_TRANSPORT\":\"UDP\"", sa_port(&at));
	if (!err)
		err = mbuf_write_str(mb, ",\"EXTENSIONS\":{\"ACCESS\":true,\"VALUE\":true,\"RANGE\":true,\"DESCRIPTION\":true,"
				     "\"TAGS\":false,\"EXTENDED_TYPE\":false,\"UNIT\":false,\"CRITICAL\":false,"
				     "\"CLIPMODE\":false,\"LISTEN\":false,\"PATH_CHANGED\":false,\"PATH_ADDED\":false,"
				     "\"PATH_REMOVED\":false,\"PATH_RENAMED\":false}}");
	return err;
}

static int print_rooms(struct mbuf *mb, const struct relay *r)
{
	int err = mbuf_write_str(mb, "{\"FULL_PATH\":\"/\",\"ACCESS\":0,\"CONTENTS\":{");

	for (const struct le *le = r->ensembles.head; le && !err; le = le->next) {
		const struct ensemble *e = le->data;

		if (le != r->ensembles.head)
			err = mbuf_write_u8(mb, ',');
		if (!err)
			err = mbuf_printf(mb, "\"%s\":{\"FULL_PATH\":\"/%s\",\"ACCESS\":0}", e->room, e->room);
	}

	return err ? err : mbuf_write_str(mb, "}}");
}

static void keys_handler(struct oscquery_found *found, void *arg)
{
	struct asker *a = arg;
	struct mbuf *mb = found ? mbuf_alloc(4096) : NULL;
	const int err = mb ? oscquery_write(mb, found->node, found->n, a->path, strlen(a->path), a->attr) : ENOMEM;

	answer_with(a, mb, err);
}

/* --- questions --- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Without %XX. EINVAL: what is left is not printable ASCII, or too long. */
static int decode(char *out, size_t size, const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = p[i];

		if (c == '%') {
			if (len - i < 3 || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
				return EINVAL;
			c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		if (c <= ' ' || c > '~' || n + 1 >= size)
			return EINVAL;
		out[n++] = c;
	}
	out[n] = '\0';
	return 0;
}

/* "/ROOM/ADDRESS" */
static int split(struct asker *a, char *target)
{
	const size_t n = strcspn(target + 1, "/");

	if (*target != '/' || n > ENSEMBLE_ROOM_MAX)
		return EINVAL;
	memcpy(a->room, target + 1, n);
	a->room[n] = '\0';
	str_ncpy(a->path, target[1 + n] ? target + 1 + n : "/", sizeof(a->path));
	return 0;
}

static struct ensemble *find_room(const struct relay *r, const char *room)
{
	for (const struct le *le = r->ensembles.head; le; le = le->next) {
		struct ensemble *e = le->data;

		if (!str_casecmp(e->room, room))
			return e;
	}

	return NULL;
}

static void ask(struct asker *a, bool host_info)
{
	struct ensemble *e = *a->room ? find_room(a->q->conf.relay, a->room) : NULL;
	struct mbuf *mb;
	int err;

	if (*a->room && !e) {
		refuse(a, ENOENT);
	}
	else if (e && !host_info) {
		err = oscquery_keys_ask(&a->keys, e, keys_handler, a);
		if (err)
			refuse(a, err);
	}
	else {
		mb  = mbuf_alloc(1024);
		err = !mb ? ENOMEM : host_info ? print_host_info(mb, a) : print_rooms(mb, a->q->conf.relay);
		answer_with(a, mb, err);
	}
}

/* "GET /band/p/anna?VALUE HTTP/1.1" */
static int read_line(struct asker *a, bool *host_info)
{
	struct pl method, target, query = {.p = NULL};
	char path[PATH_ROOM + ENSEMBLE_ROOM_MAX];
	const char *mark;
	int err;

	if (re_regex(a->head, strcspn(a->head, "\r\n"), "[A-Z]+ [^ ]+ HTTP/1.[01]1", &method, &target, NULL))
		return EINVAL;
	if (pl_strcmp(&method, "GET"))
		return ENOTSUP;
	mark = pl_strchr(&target, '?');
	if (mark) {
		query.p = mark + 1;
		query.l = (size_t)(target.p + target.l - query.p);
		target.l = (size_t)(mark - target.p);
	}
	err = decode(path, sizeof(path), target.p, target.l);
	if (!err)
		err = split(a, path);
	*host_info = query.l && 0 == pl_strcmp(&query, "HOST_INFO");
	a->attr = query.l && !*host_info ? oscquery_attr(query.p, query.l) : OSCQUERY_ALL;
	return err ? err : a->attr == OSCQUERY_ATTRS ? EINVAL : 0;
}

static void recv_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct asker *a = arg;
	const size_t n = len < HEAD_MAX - 1 - a->len ? len : HEAD_MAX - 1 - a->len;
	bool host_info;
	int err;

	if (a->asked)
		return;
	memcpy(a->head + a->len, buf, n);
	a->len += n;
	a->head[a->len] = '\0';
	if (!strstr(a->head, "\r\n\r\n")) {
		a->asked = a->len == HEAD_MAX - 1;
		if (a->asked)
			refuse(a, E2BIG);
		return;
	}
	a->asked = true;
	err = read_line(a, &host_info);
	if (err)
		refuse(a, err);
	else
		ask(a, host_info);
}

static void drained_handler(void *arg)
{
	send_some(arg);
}

static void down_handler(int err, void *arg)
{
	(void)err;
	end_soon(arg);
}

/* --- the port --- */

static void begin(struct oscquery *q, int fd)
{
	struct asker *a = mem_zalloc(sizeof(*a), asker_destroy);
	const struct conn_conf conf = {.recv = recv_handler, .drained = drained_handler, .down = down_handler, .arg = a};

	if (!a) {
		(void)close(fd);
		return;
	}
	a->q = q;
	tmr_init(&a->tmr);
	if (conn_alloc(&a->conn, fd, &conf)) {
		mem_deref(a);
		return;
	}
	list_append(&q->askers, &a->le, a);
	tmr_start(&a->tmr, PATIENCE_MS, asker_end, a);
}

static void accept_handler(int flags, void *arg)
{
	struct oscquery *q = arg;
	struct sa from;
	int fd;

	(void)flags;
	from.len = sizeof(from.u);
	fd = accept4(q->fd, &from.u.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (addrlist_has(&q->from, &from) && list_count(&q->askers) < ASKERS_MAX)
		begin(q, fd);
	else
		(void)close(fd);
}

static void query_destroy(void *arg)
{
	struct oscquery *q = arg;

	list_flush(&q->askers);
	if (q->fd >= 0) {
		fd_close(q->fd);
		(void)close(q->fd);
	}
}

static int open_port(struct oscquery *q)
{
	const struct sa *local = &q->conf.local;
	const int on = 1;

	q->fd = socket(sa_af(local), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return errno;
	(void)setsockopt(q->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(q->fd, &local->u.sa, local->len) < 0 || listen(q->fd, BACKLOG) < 0)
		return errno;
	return fd_listen(q->fd, FD_READ, accept_handler, q);
}

int oscquery_alloc(struct oscquery **qp, const struct oscquery_conf *conf)
{
	struct oscquery *q = mem_zalloc(sizeof(*q), query_destroy);
	int err;

	if (!q)
		return ENOMEM;
	q->fd   = -1;
	q->conf = *conf;
	q->from = *conf->from;
	q->conf.from = NULL;
	err = open_port(q);
	if (err)
		mem_deref(q);
	else
		*qp = q;
	return err;
}

int oscquery_local(const struct oscquery *q, struct sa *local)
{
	local->len = sizeof(local->u);
	return getsockname(q->fd, &local->u.sa, &local->len) < 0 ? errno : 0;
}
