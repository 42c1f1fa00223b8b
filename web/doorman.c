/*
 * doorman.c - who may come in by HTTP, and for how long it may say nothing.
 *
 * GLib accepts, libsoup serves: libsoup's own listener (3.2) keeps a reference to the socket of every connection it ever
 * accepted, and it waits for ever. Here a connection has a minute to bring a whole request, counted from its beginning or
 * from the last answer, and two to take more of an answer. It is shut down, and libsoup sees its end.
 *
 * A connection serves one request: libsoup (3.2) never lets go of one that the other end closes between two requests, so none
 * is kept open for a second (decision 75).
 *
 * libsoup does not tell the socket of a connection that it did not accept itself, but it does give back the address object it
 * was handed with it: one for each connection, by which it is known here, and which goes when it goes.
 */
#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "api.h"
#include "doorman.h"
#include "head.h"
#include "house.h"
#include "control/log.h"

enum { SWEEP_S = 5, LINGER_MS = 2000 };

struct conn {
	GSocket *socket;
	struct doorman *doorman;
	bool local, busy;
	int64_t since_us;
	char source[64];
};

struct doorman {
	struct house *house;
	GSocketService *service;
	GHashTable *conns;                /* remote address: struct conn */
	GHashTable *sources;              /* text: how many */
	GSource *sweep;
	char *unix_path;
};

/* --- in and out --- */

static unsigned n_of(const struct doorman *d, const char *source)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(d->sources, source));
}

static void count(struct doorman *d, const char *source, int add)
{
	unsigned n = n_of(d, source) + (unsigned)add;

	if (n)
		g_hash_table_insert(d->sources, g_strdup(source), GUINT_TO_POINTER(n));
	else
		g_hash_table_remove(d->sources, source);
}

static void conn_free(gpointer arg)
{
	struct conn *c = arg;

	count(c->doorman, c->source, -1);
	g_object_unref(c->socket);
	g_free(c);
}

static void gone(gpointer arg, GObject *remote)
{
	struct doorman *d = arg;

	g_hash_table_remove(d->conns, remote);
}

static void forget(struct doorman *d, GSocketAddress *remote)
{
	if (g_hash_table_remove(d->conns, remote))
		g_object_weak_unref(G_OBJECT(remote), gone, d);
}

static bool by_ourselves(GSocket *socket)
{
	GCredentials *cred = g_socket_get_credentials(socket, NULL);
	uid_t uid = cred ? g_credentials_get_unix_user(cred, NULL) : (uid_t)-1;

	g_clear_object(&cred);
	return uid == 0 || uid == geteuid();
}

static void source_of(char *buf, size_t size, GSocketAddress *remote)
{
	char *ip = remote && G_IS_INET_SOCKET_ADDRESS(remote) ?
		   g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote))) : NULL;

	g_strlcpy(buf, ip ? ip : "unix", size);
	g_free(ip);
}

static bool add(struct doorman *d, GSocket *socket, GSocketAddress *remote)
{
	bool is_unix = g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX;
	struct conn *c;
	char source[64];

	source_of(source, sizeof(source), is_unix ? NULL : remote);
	if (g_hash_table_size(d->conns) >= DOORMAN_CONNS || n_of(d, source) >= DOORMAN_CONNS_SOURCE) {
		log_warning("web.connections", "from=%s what=\"too many, closed\"", source);
		return false;
	}
	c = g_new0(struct conn, 1);
	g_strlcpy(c->source, source, sizeof(c->source));
	c->doorman = d;
	c->socket = g_object_ref(socket);
	c->local = is_unix && by_ourselves(socket);
	if (!is_unix)                             /* head and body of an answer are two writes: the second shall not wait */
		(void)g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
	c->since_us = g_get_monotonic_time();
	g_hash_table_insert(d->conns, remote, c);
	count(d, c->source, 1);
	g_object_weak_ref(G_OBJECT(remote), gone, d);
	return true;
}

/* An object of its own for each connection. libsoup wants to write an address into the URI of a request without Host: of the
 * unix socket it gets this machine's. */
static GSocketAddress *address(GSocketAddress *addr)
{
	GInetSocketAddress *inet = addr && G_IS_INET_SOCKET_ADDRESS(addr) ? G_INET_SOCKET_ADDRESS(addr) : NULL;
	GSocketAddress *own = inet ? g_inet_socket_address_new(g_inet_socket_address_get_address(inet),
							       g_inet_socket_address_get_port(inet)) :
			      g_inet_socket_address_new_from_string("127.0.0.1", 80);

	g_clear_object(&addr);
	return own;
}

/* --- refused --- */

struct farewell { GIOStream *io; GSocket *socket; int64_t until_us; };

/* RFC 9112 9.6: what still comes is read and thrown away, or its reset would take the answer with it. */
static gboolean linger(GSocket *socket, GIOCondition cond, gpointer arg)
{
	struct farewell *f = arg;
	char buf[65536];

	(void)cond;
	if (g_get_monotonic_time() < f->until_us && g_socket_receive(socket, buf, sizeof(buf), NULL, NULL) > 0)
		return G_SOURCE_CONTINUE;
	return G_SOURCE_REMOVE;
}

static void farewell_free(gpointer arg)
{
	struct farewell *f = arg;

	(void)g_io_stream_close(f->io, NULL, NULL);
	g_object_unref(f->io);
	g_object_unref(f->socket);
	g_free(f);
}

static const char *phrase_of(unsigned status)
{
	const char *phrase = soup_status_get_phrase(status);

	return status == 413 ? "Content Too Large" : phrase ? phrase : "Refused";
}

/* Takes both references. */
static void say_no(struct doorman *d, GIOStream *io, GSocket *socket, unsigned status, const char *why)
{
	char *json = api_error(status, why);
	char *text = g_strdup_printf("HTTP/1.1 %u %s\r\nServer: tutti\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
				     "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
				     status, phrase_of(status), strlen(json), json);
	struct farewell *f = g_new0(struct farewell, 1);
	GSource *source;

	f->io = io;
	f->socket = socket;
	f->until_us = g_get_monotonic_time() + LINGER_MS * 1000;
	g_socket_set_blocking(socket, FALSE);
	g_socket_set_timeout(socket, LINGER_MS / 1000);
	(void)g_socket_send(socket, text, strlen(text), NULL, NULL);
	(void)g_socket_shutdown(socket, FALSE, TRUE, NULL);
	source = g_socket_create_source(socket, G_IO_IN, NULL);
	g_source_set_callback(source, (GSourceFunc)(void (*)(void))linger, f, farewell_free);
	g_source_attach(source, d->house->ctx);
	g_source_unref(source);
	g_free(json);
	g_free(text);
}

/* --- knocking: the head is looked at while it still lies in the socket --- */

struct knock { struct doorman *doorman; GSocketConnection *c; GSocketAddress *local, *remote; };

static void knock_free(gpointer arg)
{
	struct knock *k = arg;

	g_object_unref(k->c);
	g_object_unref(k->local);
	g_object_unref(k->remote);
	g_free(k);
}

/* The kernel wakes us when more has come than we know, and not before: else a slow head would keep us awake. */
static void wake_above(GSocket *socket, size_t n)
{
	(void)g_socket_set_option(socket, SOL_SOCKET, SO_RCVLOWAT, (gint)n + 1, NULL);
}

static void let_in(struct knock *k)
{
	wake_above(g_socket_connection_get_socket(k->c), 0);
	(void)soup_server_accept_iostream(k->doorman->house->server, G_IO_STREAM(k->c), k->local, k->remote, NULL);
}

static gboolean on_knock(GSocket *socket, GIOCondition cond, gpointer arg)
{
	struct knock *k = arg;
	char head[HEAD_MAX];
	const char *why;
	ssize_t n = recv(g_socket_get_fd(socket), head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	int status = n > 0 ? head_judge(head, (size_t)n, &why) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(cond & (G_IO_HUP | G_IO_ERR)))
		return G_SOURCE_CONTINUE;
	if (n <= 0) {
		(void)g_io_stream_close(G_IO_STREAM(k->c), NULL, NULL);
	}
	else if (status == EAGAIN && !(cond & (G_IO_HUP | G_IO_ERR))) {
		wake_above(socket, (size_t)n);
		return G_SOURCE_CONTINUE;
	}
	else if (!status) {
		let_in(k);
	}
	else {
		wake_above(socket, 0);
		forget(k->doorman, k->remote);
		say_no(k->doorman, g_object_ref(G_IO_STREAM(k->c)), g_object_ref(socket), status == EAGAIN ? 400 : (unsigned)status, why);
	}
	return G_SOURCE_REMOVE;
}

static void knock(struct doorman *d, GSocketConnection *c, GSocketAddress *local, GSocketAddress *remote)
{
	GSocket *socket = g_socket_connection_get_socket(c);
	struct knock *k = g_new0(struct knock, 1);
	GSource *source;

	k->doorman = d;
	k->c = g_object_ref(c);
	k->local = g_object_ref(local);
	k->remote = g_object_ref(remote);
	if (g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX) {        /* no SO_RCVLOWAT there; and no strangers */
		let_in(k);
		knock_free(k);
		return;
	}
	source = g_socket_create_source(socket, G_IO_IN, NULL);
	g_source_set_callback(source, (GSourceFunc)(void (*)(void))on_knock, k, knock_free);
	g_source_attach(source, d->house->ctx);
	g_source_unref(source);
}

static gboolean on_connection(GSocketService *s, GSocketConnection *c, GObject *source, gpointer arg)
{
	GSocketAddress *remote = address(g_socket_connection_get_remote_address(c, NULL));
	GSocketAddress *local = address(g_socket_connection_get_local_address(c, NULL));
	struct doorman *d = arg;

	(void)s; (void)source;
	if (add(d, g_socket_connection_get_socket(c), remote))
		knock(d, c, local, remote);
	else
		(void)g_io_stream_close(G_IO_STREAM(c), NULL, NULL);
	g_object_unref(local);
	g_object_unref(remote);
	return TRUE;
}

/* --- how long --- */

static gboolean sweep(gpointer arg)
{
	struct doorman *d = arg;
	int64_t now = g_get_monotonic_time();
	GHashTableIter it;
	gpointer value;

	g_hash_table_iter_init(&it, d->conns);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		struct conn *c = value;

		if (now - c->since_us > (int64_t)(c->busy ? DOORMAN_STUCK_S : DOORMAN_IDLE_S) * G_USEC_PER_SEC)
			(void)g_socket_shutdown(c->socket, TRUE, TRUE, NULL);
	}
	return G_SOURCE_CONTINUE;
}

static struct conn *conn_of(const struct doorman *d, SoupServerMessage *msg)
{
	GSocketAddress *remote = soup_server_message_get_remote_address(msg);

	return remote ? g_hash_table_lookup(d->conns, remote) : NULL;
}

static void on_over(SoupServer *s, SoupServerMessage *msg, gpointer arg)
{
	struct conn *c = conn_of(arg, msg);

	(void)s;
	if (!c)
		return;
	c->busy = false;
	c->since_us = g_get_monotonic_time();
}

static void on_wrote(SoupServerMessage *msg, guint n, gpointer arg)
{
	struct conn *c = conn_of(arg, msg);

	(void)n;
	if (c)
		c->since_us = g_get_monotonic_time();
}

void doorman_busy(struct doorman *d, SoupServerMessage *msg)
{
	struct conn *c = conn_of(d, msg);

	if (!c)
		return;
	c->busy = true;
	c->since_us = g_get_monotonic_time();
	g_signal_connect(msg, "wrote-body-data", G_CALLBACK(on_wrote), d);
}

bool doorman_local(const struct doorman *d, SoupServerMessage *msg)
{
	const struct conn *c = conn_of(d, msg);

	return c && c->local;
}

/* --- out of libsoup's hands --- */

bool doorman_give(struct doorman *d, SoupServerMessage *msg, GIOStream **io, GSocket **socket)
{
	struct conn *c = conn_of(d, msg);

	if (!c)
		return false;
	*socket = g_object_ref(c->socket);
	forget(d, soup_server_message_get_remote_address(msg));
	*io = soup_server_message_steal_connection(msg);
	g_socket_set_blocking(*socket, FALSE);
	return true;
}

void doorman_refuse(struct doorman *d, SoupServerMessage *msg, unsigned status, const char *why)
{
	GIOStream *io;
	GSocket *socket;

	if (doorman_give(d, msg, &io, &socket))
		say_no(d, io, socket, status, why);
}

/* --- listening --- */

static int listen_at(struct doorman *d, GSocketAddress *addr, GSocketProtocol protocol, const char *text)
{
	GError *error = NULL;
	int err = 0;

	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(d->service), addr, G_SOCKET_TYPE_STREAM, protocol, NULL, NULL, &error)) {
		log_error("web.listen", "address=%s why=\"%s\"", text, error->message);
		g_error_free(error);
		err = EADDRINUSE;
	}
	g_object_unref(addr);
	return err;
}

int doorman_listen(struct doorman *d, const char *text)
{
	GSocketAddress *addr;
	struct sa sa;
	char host[64];

	if (sa_decode(&sa, text, strlen(text)))
		return EINVAL;
	(void)re_snprintf(host, sizeof(host), "%j", &sa);
	addr = g_inet_socket_address_new_from_string(host, sa_port(&sa));
	return addr ? listen_at(d, addr, G_SOCKET_PROTOCOL_TCP, text) : EINVAL;
}

/* An address added while it waits for connections has GLib cancel that wait, and who had been accepted by it is reset: the
 * first callers of a server that has just started. */
void doorman_open(struct doorman *d)
{
	g_socket_service_start(d->service);
}

/* A socket that nobody listens to was left by a server that was killed. */
static int make_way(const struct sockaddr_un *un)
{
	struct stat st;
	int fd, err;

	if (lstat(un->sun_path, &st))
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	err = connect(fd, (const struct sockaddr *)un, sizeof(*un)) ? 0 : EADDRINUSE;
	(void)close(fd);
	return err ? err : unlink(un->sun_path) ? errno : 0;
}

int doorman_listen_unix(struct doorman *d, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int err;

	if (strlen(path) >= sizeof(un.sun_path))
		return ENAMETOOLONG;
	g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
	err = make_way(&un);
	if (!err)
		err = listen_at(d, g_unix_socket_address_new(path), G_SOCKET_PROTOCOL_DEFAULT, path);
	if (err)
		return err;
	d->unix_path = g_strdup(path);
	/* The server's umask made it our own user's; its group may come too. */
	return chmod(path, 0660) ? errno : 0;
}

static void forget_all(struct doorman *d)
{
	GHashTableIter it;
	gpointer remote;

	g_hash_table_iter_init(&it, d->conns);
	while (g_hash_table_iter_next(&it, &remote, NULL)) {
		g_object_weak_unref(remote, gone, d);
		g_hash_table_iter_remove(&it);
	}
}

static void destructor(void *arg)
{
	struct doorman *d = arg;

	if (d->sweep)
		g_source_destroy(d->sweep);
	g_clear_pointer(&d->sweep, g_source_unref);
	if (d->service) {
		g_socket_service_stop(d->service);
		g_socket_listener_close(G_SOCKET_LISTENER(d->service));
		g_object_unref(d->service);
	}
	if (d->unix_path)
		(void)unlink(d->unix_path);
	g_free(d->unix_path);
	forget_all(d);
	g_hash_table_destroy(d->conns);
	g_hash_table_destroy(d->sources);
}

int doorman_alloc(struct doorman **dp, struct house *h)
{
	struct doorman *d = mem_zalloc(sizeof(*d), destructor);

	if (!d)
		return ENOMEM;
	d->house = h;
	d->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	d->conns = g_hash_table_new_full(NULL, NULL, NULL, conn_free);
	d->service = g_socket_service_new();
	g_socket_service_stop(d->service);        /* until doorman_open */
	g_signal_connect(d->service, "incoming", G_CALLBACK(on_connection), d);
	g_signal_connect(h->server, "request-finished", G_CALLBACK(on_over), d);
	g_signal_connect(h->server, "request-aborted", G_CALLBACK(on_over), d);
	d->sweep = g_timeout_source_new_seconds(SWEEP_S);
	g_source_set_callback(d->sweep, sweep, d, NULL);
	g_source_attach(d->sweep, h->ctx);
	*dp = d;
	return 0;
}
