/*
 * recordings.c - what was recorded: listed from the store, heard from its folder, and done away with.
 *
 * A name of a file comes from the path of a request: it is one of letters, digits and a few signs, opened below the recording's
 * folder without following links, and sent piece by piece, so that an hour of sound is never in memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "request.h"
#include "control/store.h"

enum { PIECE = 65536, FILES_MAX = 4096 };

/* --- finding --- */

struct finding { const char *id; bool found; struct store_recording rec; };

static bool is_it(const struct store_recording *rec, void *arg)
{
	struct finding *f = arg;

	if (strcmp(rec->id, f->id))
		return true;
	f->rec = *rec;
	f->found = true;
	return false;
}

/* A token that is bound to a room does not learn that there are others. */
static bool find(struct request *r, struct store_recording *rec)
{
	struct finding f = { .id = r->at.param[0] };
	int err = r->house->conf.store ?
		  store_recordings(r->house->conf.store, r->who.room[0] ? r->who.room : NULL, is_it, &f) : 0;

	if (err || !f.found) {
		request_errno(r, err ? err : ENOENT, err ? NULL : "no such recording");
		return false;
	}
	*rec = f.rec;
	return true;
}

static int open_dir(const struct store_recording *rec)
{
	return open(rec->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool name_good(const char *name)
{
	return name[0] != '.' && strlen(name) < 128 &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~@-")] == '\0';
}

/* Each regular file of the folder. */
static void each_file(const struct store_recording *rec, void (*h)(int dir, const char *name, const struct stat *st, void *arg), void *arg)
{
	int fd = open_dir(rec);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;

	if (!d && fd >= 0)
		(void)close(fd);
	for (struct dirent *e; d && n < FILES_MAX && (e = readdir(d)) != NULL; n++) {
		struct stat st;

		if (name_good(e->d_name) && !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			h(dirfd(d), e->d_name, &st, arg);
	}
	if (d)
		(void)closedir(d);
}

static void put_file(int dir, const char *name, const struct stat *st, void *arg)
{
	(void)dir;
	api_put_file(arg, name, (uint64_t)st->st_size);
}

static void put_recording(JsonBuilder *b, const struct store_recording *rec)
{
	api_recording_begin(b, rec);
	each_file(rec, put_file, b);
	api_recording_end(b);
}

static bool put_one(const struct store_recording *rec, void *arg)
{
	put_recording(arg, rec);
	return true;
}

void on_recordings(struct request *r)
{
	const char *room = request_query(r, "room");
	JsonBuilder *b;
	int err = 0;

	if (room && r->who.room[0] && g_ascii_strcasecmp(room, r->who.room)) {
		request_error(r, 403, "this token is good for one room only");
		return;
	}
	if (r->who.room[0])
		room = r->who.room;
	b = api_recordings_begin();
	if (r->house->conf.store)
		err = store_recordings(r->house->conf.store, room, put_one, b);
	request_json(r, err ? 500 : 200, api_list_end(b));
}

void on_recording(struct request *r)
{
	struct store_recording rec;
	JsonBuilder *b;

	if (!find(r, &rec))
		return;
	b = json_builder_new();
	put_recording(b, &rec);
	request_json(r, 200, api_text(b));
}

/* --- heard --- */

struct sending { SoupServerMessage *msg; int fd; goffset left; };

static void sending_free(struct sending *s)
{
	(void)close(s->fd);
	g_free(s);
}

/* A file that ends too early cannot be told any more by a status: the connection ends. */
static void send_piece(struct sending *s)
{
	SoupMessageBody *body = soup_server_message_get_response_body(s->msg);
	size_t want = s->left < PIECE ? (size_t)s->left : PIECE;
	guchar *piece = want ? g_malloc(want) : NULL;
	ssize_t n = want ? read(s->fd, piece, want) : 0;
	GIOStream *io;

	if (n > 0) {
		s->left -= n;
		soup_message_body_append_take(body, piece, (gsize)n);
		return;
	}
	g_free(piece);
	if (!want) {
		soup_message_body_complete(body);
		return;
	}
	io = soup_server_message_steal_connection(s->msg);
	(void)g_io_stream_close(io, NULL, NULL);
	g_object_unref(io);
}

static void on_wrote_piece(SoupServerMessage *msg, gpointer arg)
{
	send_piece(arg);
	soup_server_message_unpause(msg);
}

static void on_sent(gpointer arg, GObject *msg)
{
	(void)msg;
	sending_free(arg);
}

static void send_file(struct request *r, int fd, goffset first, goffset length)
{
	struct sending *s = g_new0(struct sending, 1);

	soup_message_headers_set_content_length(soup_server_message_get_response_headers(r->msg), length);
	s->msg = r->msg;
	s->fd = fd;
	s->left = length;
	g_object_weak_ref(G_OBJECT(r->msg), on_sent, s);
	if (!strcmp(soup_server_message_get_method(r->msg), "HEAD"))
		return;
	(void)lseek(fd, first, SEEK_SET);
	soup_message_body_set_accumulate(soup_server_message_get_response_body(r->msg), FALSE);
	g_signal_connect(r->msg, "wrote-chunk", G_CALLBACK(on_wrote_piece), s);
	send_piece(s);
}

static const char *type_of(const char *name)
{
	static const struct { const char *end, *type; } types[] = {
		{ ".opus", "audio/ogg; codecs=opus" }, { ".ogg", "audio/ogg" }, { ".oga", "audio/ogg" }, { ".flac", "audio/flac" },
		{ ".wav", "audio/wav" }, { ".json", "application/json" }, { ".txt", "text/plain; charset=utf-8" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_has_suffix(name, types[i].end))
			return types[i].type;
	return "application/octet-stream";
}

/* RFC 9110 14.2: one range is served; several, or what cannot be read, as if none were asked for. 416: beyond the end. */
static unsigned range_of(struct request *r, goffset size, goffset *first, goffset *length)
{
	SoupMessageHeaders *h = soup_server_message_get_request_headers(r->msg);
	SoupRange *range = NULL;
	unsigned status = 200;
	int n = 0;

	*first = 0;
	*length = size;
	if (!request_said(r, "Range")[0] || request_said(r, "If-Range")[0])
		return 200;
	if (soup_message_headers_get_ranges(h, size, &range, &n) && n == 1) {
		status = range[0].start < 0 || range[0].start >= size || range[0].end < range[0].start ? 416 : 206;
		*first = range[0].start;
		*length = MIN(range[0].end, size - 1) - range[0].start + 1;
	}
	else if (!n && g_str_has_prefix(request_said(r, "Range"), "bytes=")) {
		status = 416;
	}
	if (range)
		soup_message_headers_free_ranges(h, range);
	return status;
}

static void answer_file(struct request *r, int fd, const char *name, const struct stat *st)
{
	goffset first, length;
	unsigned status = range_of(r, st->st_size, &first, &length);
	char text[96];

	request_header(r, "Accept-Ranges", "bytes");
	if (status == 416) {
		g_snprintf(text, sizeof(text), "bytes */%" G_GOFFSET_FORMAT, (goffset)st->st_size);
		request_header(r, "Content-Range", text);
		request_error(r, 416, "beyond the end of the file");
		(void)close(fd);
		return;
	}
	if (status == 206) {
		g_snprintf(text, sizeof(text), "bytes %" G_GOFFSET_FORMAT "-%" G_GOFFSET_FORMAT "/%" G_GOFFSET_FORMAT, first,
			   first + length - 1, (goffset)st->st_size);
		request_header(r, "Content-Range", text);
	}
	request_header(r, "Content-Type", type_of(name));
	request_header(r, "Cache-Control", "private, no-cache");
	request_empty(r, status);
	send_file(r, fd, first, length);
}

void on_recording_file(struct request *r)
{
	const char *name = r->at.param[1];
	struct store_recording rec;
	struct stat st;
	int dir, fd = -1;

	if (!find(r, &rec))
		return;
	dir = name_good(name) ? open_dir(&rec) : -1;
	if (dir >= 0) {
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		(void)close(dir);
	}
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			(void)close(fd);
		request_errno(r, ENOENT, "no such file");
		return;
	}
	answer_file(r, fd, name, &st);
}

/* --- done away with --- */

static void remove_file(int dir, const char *name, const struct stat *st, void *arg)
{
	(void)st;
	if (unlinkat(dir, name, 0))
		*(int *)arg = errno;
}

static void take_forget(struct request *r)
{
	r->err = store_recording_del(r->house->conf.store, r->at.param[0]);
	r->changed = !r->err;
}

static void draw_forget(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, NULL);
	else
		request_json(r, 200, api_ok(0));
}

void on_recording_del(struct request *r)
{
	struct store_recording rec;
	int err = 0;

	if (!find(r, &rec))
		return;
	if (!strcmp(rec.state, "running") || !strcmp(rec.state, "paused")) {
		request_error(r, 409, "it is still being recorded");
		return;
	}
	each_file(&rec, remove_file, &err);
	if (!err && rmdir(rec.dir) && errno != ENOENT)
		err = errno;
	if (err)
		request_errno(r, err == EACCES || err == EPERM ? EIO : err, "its files cannot be removed");
	else
		request_ask(r, take_forget, draw_forget);
}
