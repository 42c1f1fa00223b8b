/*
 * wire.c - a socket, a buffer and two sources. Written to at once where the kernel takes it, else when it says so.
 */
#include <errno.h>
#include <re.h>
#include <sys/socket.h>
#include "wire.h"

enum { KERNEL_MAX = 128 * 1024 };

struct wire {
	GMainContext *ctx;
	GIOStream *io;
	GSocket *socket;
	GByteArray *out;
	size_t sent;                      /* of out */
	GSource *in_source, *out_source;
	int64_t moved_us;
	bool ending;
	const struct wire_ops *ops;
	void *arg;
};

static void drop_source(GSource **sp)
{
	if (*sp) {
		g_source_destroy(*sp);
		g_clear_pointer(sp, g_source_unref);
	}
}

static void destructor(void *arg)
{
	struct wire *w = arg;

	drop_source(&w->in_source);
	drop_source(&w->out_source);
	if (w->io)
		(void)g_io_stream_close(w->io, NULL, NULL);
	g_clear_object(&w->io);
	g_clear_object(&w->socket);
	if (w->out)
		g_byte_array_free(w->out, TRUE);
}

static GSource *watch(struct wire *w, GIOCondition cond, GSocketSourceFunc h)
{
	GSource *source = g_socket_create_source(w->socket, cond, NULL);

	g_source_set_callback(source, (GSourceFunc)(void (*)(void))h, w, NULL);
	g_source_attach(source, w->ctx);
	return source;
}

static gboolean on_input(GSocket *socket, GIOCondition cond, gpointer arg)
{
	struct wire *w = arg;
	uint8_t buf[4096];
	GError *error = NULL;
	gssize n = g_socket_receive(socket, (gchar *)buf, sizeof(buf), NULL, &error);
	bool wait = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);

	(void)cond;
	g_clear_error(&error);
	if (wait || (n > 0 && w->ops->input(buf, (size_t)n, w->arg)))
		return G_SOURCE_CONTINUE;
	w->ops->gone(w->arg);                     /* w is no more */
	return G_SOURCE_REMOVE;
}

/* EAGAIN: some is left. */
static int push(struct wire *w)
{
	GError *error = NULL;
	bool wait;

	while (w->sent < w->out->len) {
		gssize n = g_socket_send(w->socket, (const gchar *)w->out->data + w->sent, w->out->len - w->sent, NULL, &error);

		if (n < 0) {
			wait = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
			g_clear_error(&error);
			return wait ? EAGAIN : ECONNRESET;
		}
		w->sent += (size_t)n;
		w->moved_us = g_get_monotonic_time();
	}
	g_byte_array_set_size(w->out, 0);
	w->sent = 0;
	if (w->ending)
		(void)g_socket_shutdown(w->socket, FALSE, TRUE, NULL);
	return 0;
}

static gboolean on_output(GSocket *socket, GIOCondition cond, gpointer arg)
{
	struct wire *w = arg;
	int err = push(w);

	(void)socket; (void)cond;
	if (err == EAGAIN)
		return G_SOURCE_CONTINUE;
	g_clear_pointer(&w->out_source, g_source_unref);
	if (err)
		w->ops->gone(w->arg);
	else
		w->ops->drained(w->arg);
	return G_SOURCE_REMOVE;
}

int wire_alloc(struct wire **wp, GMainContext *ctx, GIOStream *io, GSocket *socket, const struct wire_ops *ops, void *arg)
{
	struct wire *w = mem_zalloc(sizeof(*w), destructor);

	if (!w) {
		g_object_unref(io);
		g_object_unref(socket);
		return ENOMEM;
	}
	w->ctx = ctx;
	w->io = io;
	w->socket = socket;
	w->ops = ops;
	w->arg = arg;
	w->out = g_byte_array_new();
	w->moved_us = g_get_monotonic_time();
	g_socket_set_timeout(socket, 0);
	/* The kernel would keep megabytes for one who does not read; what waits is for us to know. */
	(void)g_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, KERNEL_MAX, NULL);
	w->in_source = watch(w, G_IO_IN, on_input);
	*wp = w;
	return 0;
}

/* What is sent is cut off only when it is much: moving bytes costs too. */
void wire_put(struct wire *w, const void *data, size_t n)
{
	if (w->sent == w->out->len)
		w->moved_us = g_get_monotonic_time();
	if (w->sent > w->out->len / 2) {
		g_byte_array_remove_range(w->out, 0, (guint)w->sent);
		w->sent = 0;
	}
	g_byte_array_append(w->out, data, (guint)n);
}

/* An error shows at the source, so that nobody's owner vanishes under his hands. */
void wire_flush(struct wire *w)
{
	if (!w->out_source && push(w))
		w->out_source = watch(w, G_IO_OUT, on_output);
}

size_t wire_waiting(const struct wire *w)
{
	return w->out->len - w->sent;
}

int64_t wire_moved_us(const struct wire *w)
{
	return wire_waiting(w) ? w->moved_us : g_get_monotonic_time();
}

void wire_end(struct wire *w)
{
	w->ending = true;
	wire_flush(w);
}
