/*
 * manifest.c - what a recording is, as a JSON file beside its sound.
 *
 * The state stands in the second line, before anything a peer has written, so that a new start can change it without reading JSON.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "manifest.h"

enum { FILE_MAX = 64 * 1024 * 1024, DIRS_MAX = 100000 };

#define BEGINNING "{\n \"state\": \""

/* --- as a value --- */

void manifest_init(struct manifest *m)
{
	memset(m, 0, sizeof(*m));
	m->state = "running";
	m->why = "";
	list_init(&m->members);
}

static void member_destructor(void *arg)
{
	struct manifest_member *mb = arg;

	list_unlink(&mb->le);
	mem_deref(mb->mutes);
}

void manifest_clear(struct manifest *m)
{
	list_flush(&m->members);
	m->gaps = mem_deref(m->gaps);
	m->n_gaps = m->gaps_size = 0;
}

int manifest_member_add(struct manifest_member **mp, struct manifest *m, uint64_t leg)
{
	struct manifest_member *mb = mem_zalloc(sizeof(*mb), member_destructor);

	if (!mb)
		return ENOMEM;
	mb->leg = leg;
	mb->left = MANIFEST_OPEN;
	list_append(&m->members, &mb->le, mb);
	*mp = mb;
	return 0;
}

/* Room for one more of n; the array may move. */
static int grow(void **array, size_t *size, size_t n, size_t elem)
{
	size_t more = *size ? *size * 2 : 4;
	void *p;

	if (n < *size)
		return 0;
	p = *array ? mem_realloc(*array, more * elem) : mem_alloc(more * elem, NULL);
	if (!p)
		return ENOMEM;
	*array = p;
	*size = more;
	return 0;
}

int manifest_mute(struct manifest_member *mb, uint64_t at, bool on)
{
	struct manifest_span *last = mb->n_mutes ? &mb->mutes[mb->n_mutes - 1] : NULL;
	int err;

	if (mb->muted == on)
		return 0;
	mb->muted = on;
	if (!on) {
		if (last && last->to == MANIFEST_OPEN)    /* else it is one of those that are not in it */
			last->to = at;
		return 0;
	}
	if (mb->n_mutes >= MANIFEST_MUTES_MAX) {
		mb->mutes_more++;
		return 0;
	}
	err = grow((void **)&mb->mutes, &mb->mutes_size, mb->n_mutes, sizeof(*mb->mutes));
	if (!err)
		mb->mutes[mb->n_mutes++] = (struct manifest_span){at, MANIFEST_OPEN};
	return err;
}

int manifest_gap(struct manifest *m, const struct manifest_gap *gap)
{
	int err;

	if (m->n_gaps >= MANIFEST_GAPS_MAX) {
		m->gaps_more++;
		return 0;
	}
	err = grow((void **)&m->gaps, &m->gaps_size, m->n_gaps, sizeof(*m->gaps));
	if (!err)
		m->gaps[m->n_gaps++] = *gap;
	return err;
}

/* --- as JSON --- */

/* RFC 8259 7: "All Unicode characters may be placed within the quotation marks, except for the characters that MUST be
 * escaped: quotation mark, reverse solidus, and the control characters". The text is UTF-8 already (text_clean). */
static int string(struct mbuf *mb, const char *text)
{
	int err = mbuf_write_u8(mb, '"');

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20)
			err |= mbuf_printf(mb, "\\u%04x", *p);
		else if (*p == '"' || *p == '\\')
			err |= mbuf_printf(mb, "\\%c", *p);
		else
			err |= mbuf_write_u8(mb, *p);
	}
	return err | mbuf_write_u8(mb, '"');
}

static int field(struct mbuf *mb, const char *name, const char *text)
{
	return mbuf_printf(mb, ",\n \"%s\": ", name) | string(mb, text);
}

static int place(struct mbuf *mb, uint64_t at)
{
	return at == MANIFEST_OPEN ? mbuf_write_str(mb, "null") : mbuf_printf(mb, "%llu", at);
}

static int print_member(struct mbuf *mb, const struct manifest_member *m)
{
	int err = mbuf_printf(mb, "  {\"id\": %u, \"uri\": ", m->id) | string(mb, m->uri) | mbuf_write_str(mb, ", \"name\": ") |
		  string(mb, m->name) | mbuf_printf(mb, ", \"role\": \"%s\", \"joined\": ", role_name(m->role)) |
		  place(mb, m->joined) | mbuf_write_str(mb, ", \"left\": ") | place(mb, m->left);

	if (m->file[0])
		err |= mbuf_printf(mb, ", \"file\": \"%s\", \"channels\": %u, \"offset\": %llu, \"samples\": %llu", m->file, m->channels,
				   m->offset, m->samples);
	else
		err |= mbuf_printf(mb, ", \"file\": null, \"no_file\": \"%s\"", m->no_file ? m->no_file : "not heard");
	err |= mbuf_write_str(mb, ", \"mutes\": [");
	for (size_t i = 0; i < m->n_mutes; i++)
		err |= mbuf_printf(mb, "%s[%llu, ", i ? ", " : "", m->mutes[i].from) | place(mb, m->mutes[i].to) | mbuf_write_u8(mb, ']');
	err |= mbuf_write_u8(mb, ']');
	if (m->mutes_more)
		err |= mbuf_printf(mb, ", \"mutes_more\": %llu", m->mutes_more);
	return err | mbuf_write_u8(mb, '}');
}

static int print_gap(struct mbuf *mb, const struct manifest_gap *g)
{
	return mbuf_printf(mb, "  {\"at\": %llu, \"samples\": %llu, \"why\": \"%s\", \"filled\": %s}", g->at, g->samples, g->why,
			   g->filled ? "true" : "false");
}

static int print_mix(struct mbuf *mb, const struct manifest *m)
{
	if (!m->mix[0])
		return mbuf_write_str(mb, ",\n \"mix\": null");
	return mbuf_printf(mb, ",\n \"mix\": {\"file\": \"%s\", \"channels\": %u, \"offset\": 0, \"samples\": %llu}", m->mix,
			   m->mix_channels, m->samples);
}

int manifest_print(struct mbuf *mb, const struct manifest *m)
{
	int err = mbuf_printf(mb, BEGINNING "%s\",\n \"version\": 1,\n \"id\": \"%s\"", m->state, m->id);
	struct le *le;

	err |= field(mb, "room", m->room) | field(mb, "by", m->by) | field(mb, "why", m->why);
	err |= mbuf_printf(mb, ",\n \"started_ms\": %llu,\n \"ended_ms\": ", m->started_ms);
	err |= m->ended_ms ? mbuf_printf(mb, "%llu", m->ended_ms) : mbuf_write_str(mb, "null");
	err |= mbuf_printf(mb, ",\n \"rate\": 48000,\n \"samples\": %llu,\n \"codec\": \"%s\"", m->samples, m->codec);
	err |= print_mix(mb, m);
	err |= mbuf_write_str(mb, ",\n \"members\": [");
	LIST_FOREACH(&m->members, le)
		err |= mbuf_write_str(mb, le->prev ? ",\n" : "\n") | print_member(mb, le->data);
	err |= mbuf_write_str(mb, "],\n \"gaps\": [");
	for (size_t i = 0; i < m->n_gaps; i++)
		err |= mbuf_write_str(mb, i ? ",\n" : "\n") | print_gap(mb, &m->gaps[i]);
	err |= mbuf_write_u8(mb, ']');
	if (m->gaps_more)
		err |= mbuf_printf(mb, ",\n \"gaps_more\": %llu", m->gaps_more);
	return err | mbuf_write_str(mb, "\n}\n");
}

/* --- as a file --- */

static int write_file(const char *path, const uint8_t *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), err = 0;

	if (fd < 0)
		return errno;
	while (len && !err) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			err = errno == EINTR ? 0 : errno;
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
	if (close(fd) && !err)
		err = errno;
	return err;
}

static int replace(const char *dir, const uint8_t *p, size_t len)
{
	char path[PATH_MAX], beside[PATH_MAX];
	int err;

	if (re_snprintf(path, sizeof(path), "%s/manifest.json", dir) < 0 ||
	    re_snprintf(beside, sizeof(beside), "%s/manifest.json.new", dir) < 0)
		return ENAMETOOLONG;
	err = write_file(beside, p, len);
	if (!err && rename(beside, path))
		err = errno;
	if (err)
		(void)unlink(beside);
	return err;
}

int manifest_write(const struct manifest *m, const char *dir)
{
	struct mbuf *mb = mbuf_alloc(4096);
	int err = mb ? manifest_print(mb, m) : ENOMEM;

	if (!err)
		err = replace(dir, mb->buf, mb->end);
	mem_deref(mb);
	return err;
}

static int read_file(struct mbuf **mbp, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct mbuf *mb = NULL;
	struct stat st;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		err = EBADMSG;
	else if (!(mb = mbuf_alloc((size_t)st.st_size + 1)))
		err = ENOMEM;
	while (!err && mb->end < (size_t)st.st_size) {
		ssize_t n = read(fd, mb->buf + mb->end, (size_t)st.st_size - mb->end);

		if (n <= 0)
			err = n < 0 ? errno : EBADMSG;
		else
			mb->end += (size_t)n;
	}
	close(fd);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

/* Where the text after the state begins, if that state is one of a recording that had not ended. */
static size_t after_state(const struct mbuf *mb, int *err)
{
	static const char *const states[] = {"running\"", "paused\""};
	const size_t begin = sizeof(BEGINNING) - 1;

	*err = EBADMSG;
	if (!mb || mb->end < begin + 16 || memcmp(mb->buf, BEGINNING, begin))
		return 0;
	*err = EALREADY;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (!memcmp(mb->buf + begin, states[i], strlen(states[i]))) {
			*err = 0;
			return begin + strlen(states[i]);
		}
	return 0;
}

int manifest_cut(const char *dir)
{
	struct mbuf *mb = NULL, *out = NULL;
	char path[PATH_MAX];
	size_t rest = 0;
	int err;

	if (re_snprintf(path, sizeof(path), "%s/manifest.json", dir) < 0)
		return ENAMETOOLONG;
	err = read_file(&mb, path);
	if (!err)
		rest = after_state(mb, &err);
	if (!err && !(out = mbuf_alloc(mb->end + 16)))
		err = ENOMEM;
	if (!err)
		err = mbuf_write_str(out, BEGINNING "cut\"") | mbuf_write_mem(out, mb->buf + rest, mb->end - rest);
	if (!err)
		err = replace(dir, out->buf, out->end);
	mem_deref(mb);
	mem_deref(out);
	return err;
}

unsigned manifest_cut_all(const char *recordings, manifest_cut_h *h, void *arg)
{
	DIR *d = opendir(recordings);
	unsigned n = 0, seen = 0;
	struct dirent *e;

	while (d && (e = readdir(d)) && seen++ < DIRS_MAX) {
		char dir[PATH_MAX];

		if (e->d_name[0] == '.' || re_snprintf(dir, sizeof(dir), "%s/%s", recordings, e->d_name) < 0 || manifest_cut(dir))
			continue;
		n++;
		if (h)
			h(dir, arg);
	}
	if (d)
		closedir(d);
	return n;
}
