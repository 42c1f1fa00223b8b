/*
 * recfile.c - one file of sound being written.
 *
 *     recfile_write > chunk of 100 ms > (pad) opusenc > oggmux (pad) > write     all in the caller's thread
 *                                     > (pad) flacenc (pad) ---------> write, and lseek when it knows the header
 *
 * Buffers are pushed from a pad of our own and end in one, so that the elements work in the thread that pushes. Decided against appsrc and
 * filesink in a pipeline: appsrc brings a thread for each file, and from filesink one hears of a full disk by a message, later.
 *
 * No registry: GStreamer would look into every plugin of the machine at its start, in a process of its own, and
 * write what it found into the home folder. Three plugins are loaded by name, at the first recording, which takes 4 ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include <gst/gst.h>
#include "log.h"
#include "recfile.h"

enum { RATE = 48000, CHUNK = 4800, CHANNELS_MAX = 2, OPUS_BITRATE = 64000, OPUS_COMPLEXITY = 5, N_PLUGINS = 3 };

struct recfile {
	enum recfile_kind kind;
	unsigned channels;
	int fd;
	uint64_t bytes, at;       /* of the file; where the next goes */
	uint64_t n_smp;           /* pushed */
	int err;                  /* of writing; no more is tried */
	GstElement *enc, *mux;    /* mux NULL: the encoder's output is the file */
	GstPad *src, *sink;
	float chunk[CHUNK * CHANNELS_MAX];
	size_t n;                 /* in chunk, per channel */
};

const char *recfile_suffix(enum recfile_kind kind) { return kind == RECFILE_FLAC ? "flac" : "opus"; }

uint64_t recfile_bytes(const struct recfile *f) { return f->bytes; }

void recfile_prepare(void)
{
	(void)setenv("GST_REGISTRY_DISABLE", "yes", 1);
}

/* --- GStreamer, once --- */

static bool load(const char *name)
{
	char path[PATH_MAX];
	GstPlugin *plugin;

	(void)re_snprintf(path, sizeof(path), "%s/libgst%s.so", TUTTI_GST_PLUGINS, name);
	plugin = gst_plugin_load_file(path, NULL);
	if (!plugin)
		return false;
	gst_object_unref(plugin);
	return true;
}

/* It would speak to stderr. */
static void gst_says(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer arg)
{
	char quoted[256];

	log_debug("gstreamer", "text=%s", log_quote(quoted, sizeof(quoted), text, strlen(text)));
}

static bool start(void)
{
	static const char *const names[N_PLUGINS] = {"ogg", "opus", "flac"};
	static bool begun, loaded[N_PLUGINS];

	if (!begun)
		begun = gst_init_check(NULL, NULL, NULL) &&
			g_log_set_handler("GStreamer", G_LOG_LEVEL_MASK, gst_says, NULL);
	for (unsigned i = 0; begun && i < N_PLUGINS; i++)
		loaded[i] = loaded[i] || load(names[i]);
	return begun;
}

/* --- out: what the encoder gives, into the file --- */

static void take_back(const struct recfile *f)
{
	if (ftruncate(f->fd, (off_t)f->bytes))
		return;           /* then it stays */
}

/* All of it or none: half a frame at the end is what players stumble over. */
static int write_all(struct recfile *f, const uint8_t *p, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(f->fd, p + done, len - done);
		int err = errno;

		if (n < 0 && err == EINTR)
			continue;
		if (n < 0) {
			take_back(f);
			return err;
		}
		done += (size_t)n;
	}
	f->at += len;
	if (f->at > f->bytes)
		f->bytes = f->at;
	return 0;
}

static GstFlowReturn on_data(GstPad *pad, GstObject *parent, GstBuffer *buf)
{
	struct recfile *f = gst_pad_get_element_private(pad);
	GstMapInfo map;

	(void)parent;
	if (!f->err && gst_buffer_map(buf, &map, GST_MAP_READ)) {
		f->err = write_all(f, map.data, map.size);
		gst_buffer_unmap(buf, &map);
	}
	gst_buffer_unref(buf);
	return f->err ? GST_FLOW_ERROR : GST_FLOW_OK;
}

/* FLAC's header is written once more at the end, when length and checksum are known: a segment in bytes says where to. */
static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	struct recfile *f = gst_pad_get_element_private(pad);
	const GstSegment *seg;

	(void)parent;
	if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
		gst_event_parse_segment(event, &seg);
		if (seg->format == GST_FORMAT_BYTES && lseek(f->fd, (off_t)seg->start, SEEK_SET) >= 0)
			f->at = seg->start;
	}
	gst_event_unref(event);
	return TRUE;
}

static gboolean on_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
	GstFormat format;

	if (GST_QUERY_TYPE(query) != GST_QUERY_SEEKING)
		return gst_pad_query_default(pad, parent, query);
	gst_query_parse_seeking(query, &format, NULL, NULL, NULL);
	gst_query_set_seeking(query, format, format == GST_FORMAT_BYTES, 0, -1);
	return TRUE;
}

/* --- in: a chunk to the encoder --- */

static int32_t to_24(float v)
{
	if (!(v > -1))            /* also what is not a number */
		return v <= -1 ? -0x800000 : 0;
	return v >= 1 ? 0x7fffff : (int32_t)lrintf(v * 8388607.0f);
}

static int16_t to_16(float v)
{
	if (!(v > -1))
		return v <= -1 ? -0x8000 : 0;
	return (int16_t)(v >= 1 ? 0x7fff : lrintf(v * 32767.0f));
}

static size_t sample_size(const struct recfile *f) { return f->kind == RECFILE_FLAC ? sizeof(int32_t) : sizeof(int16_t); }

static void convert(const struct recfile *f, void *dst, size_t n)
{
	int32_t *d24 = dst;
	int16_t *d16 = dst;

	if (f->kind == RECFILE_FLAC)
		for (size_t i = 0; i < n; i++)
			d24[i] = to_24(f->chunk[i]);
	else
		for (size_t i = 0; i < n; i++)
			d16[i] = to_16(f->chunk[i]);
}

static GstBuffer *make_buffer(const struct recfile *f)
{
	const size_t n = f->n * f->channels;
	GstBuffer *buf = gst_buffer_new_allocate(NULL, n * sample_size(f), NULL);
	GstMapInfo map;

	if (!buf)
		return NULL;
	if (!gst_buffer_map(buf, &map, GST_MAP_WRITE)) {
		gst_buffer_unref(buf);
		return NULL;
	}
	convert(f, map.data, n);
	gst_buffer_unmap(buf, &map);
	GST_BUFFER_PTS(buf) = gst_util_uint64_scale(f->n_smp, GST_SECOND, RATE);
	GST_BUFFER_DURATION(buf) = gst_util_uint64_scale(f->n_smp + f->n, GST_SECOND, RATE) - GST_BUFFER_PTS(buf);
	return buf;
}

int recfile_flush(struct recfile *f)
{
	GstBuffer *buf;

	if (f->err || !f->n)
		return f->err;
	buf = make_buffer(f);
	if (!buf)
		return ENOMEM;
	f->n_smp += f->n;
	f->n = 0;
	if (gst_pad_push(f->src, buf) != GST_FLOW_OK && !f->err)
		f->err = EIO;
	return f->err;
}

int recfile_write(struct recfile *f, const float *smp, size_t n_smp)
{
	int err = f->err;

	while (n_smp && !err) {
		size_t n = n_smp < CHUNK - f->n ? n_smp : CHUNK - f->n;

		if (smp) {
			memcpy(f->chunk + f->n * f->channels, smp, n * f->channels * sizeof(*smp));
			smp += n * f->channels;
		} else {
			memset(f->chunk + f->n * f->channels, 0, n * f->channels * sizeof(*f->chunk));
		}
		f->n += n;
		n_smp -= n;
		if (f->n == CHUNK)
			err = recfile_flush(f);
	}
	return err;
}

int recfile_finish(struct recfile *f)
{
	int err = recfile_flush(f);

	if (!gst_pad_push_event(f->src, gst_event_new_eos()) && !err)
		err = EIO;
	return err ? err : f->err;        /* no fsync: a slow disk would keep all other recordings waiting */
}

/* --- what was left of a FLAC file --- */

enum { BLOCK = 4096, STREAMINFO = 8, TOTAL = STREAMINFO + 13, TAIL = 256 * 1024, FRAME_MIN = 9 };

static uint8_t crc8(const uint8_t *p, size_t n)
{
	uint8_t crc = 0;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 0x07 : 0));
	}
	return crc;
}

static uint16_t crc16(const uint8_t *p, size_t n)
{
	uint16_t crc = 0;

	while (n--) {
		crc ^= (uint16_t)(*p++ << 8);
		for (int i = 0; i < 8; i++)
			crc = (uint16_t)(crc << 1 ^ (crc & 0x8000 ? 0x8005 : 0));
	}
	return crc;
}

/* RFC 9639 9.1.5: the number of a frame is coded like a character of UTF-8, of up to 36 bits. Its length; 0: it is none. */
static size_t coded_number(uint64_t *number, const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < 8 && p[0] & 0x80 >> n)
		n++;
	if (!n) {
		*number = p[0];
		return 1;
	}
	if (n == 1 || n == 8 || n > len)
		return 0;
	*number = n == 7 ? 0 : p[0] & 0x7f >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*number = *number << 6 | (p[i] & 0x3f);
	}
	return n;
}

/* Does a frame of BLOCK samples begin here? As encoders write them who know nothing of the end: 0xfff8, blocks of 4096, 48 kHz. */
static bool frame_at(uint64_t *number, const uint8_t *p, size_t len)
{
	size_t n;

	if (len < FRAME_MIN || p[0] != 0xff || p[1] != 0xf8 || p[2] != 0xca)
		return false;
	n = coded_number(number, p + 4, len - 4);
	return n && 4 + n < len && crc8(p, 4 + n) == p[4 + n];
}

static bool whole(const uint8_t *from, const uint8_t *to)
{
	return to - from > FRAME_MIN && crc16(from, (size_t)(to - from) - 2) == (to[-2] << 8 | to[-1]);
}

/* How many whole frames there are, by the last of them: it ends at the end, or where the next one begins. *len: up to there. */
static uint64_t frames_in(const uint8_t *buf, size_t *len)
{
	const uint8_t *const end = buf + *len, *next = end;
	uint64_t number;

	for (const uint8_t *p = next - 1; p >= buf; p--) {
		if (!frame_at(&number, p, (size_t)(end - p)))
			continue;
		if (whole(p, next)) {
			*len = (size_t)(next - buf);
			return number + 1;
		}
		next = p;                 /* it was cut, or no frame at all: then what was before it ends elsewhere */
	}
	return 0;
}

static int mend(int fd)
{
	uint8_t head[TOTAL + 5], *buf;
	uint64_t frames, total;
	struct stat st;
	size_t len;
	ssize_t n;
	off_t from;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return EBADMSG;
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) || memcmp(head, "fLaC", 4) || (head[4] & 0x7f))
		return EBADMSG;
	/* RFC 9639 8.2: 36 bits, "A value of 0 here means the number of total samples is unknown" */
	if (head[TOTAL] & 0x0f || head[TOTAL + 1] || head[TOTAL + 2] || head[TOTAL + 3] || head[TOTAL + 4])
		return EALREADY;
	buf = mem_alloc(TAIL, NULL);
	if (!buf)
		return ENOMEM;
	from = st.st_size > TAIL ? st.st_size - TAIL : 0;
	n = pread(fd, buf, TAIL, from);
	len = n > 0 ? (size_t)n : 0;
	frames = frames_in(buf, &len);
	mem_deref(buf);
	if (!frames)
		return ENODATA;
	total = frames * BLOCK;
	for (int i = 0; i < 4; i++)
		head[TOTAL + 1 + i] = (uint8_t)(total >> (24 - 8 * i));
	head[TOTAL] |= (uint8_t)(total >> 32 & 0x0f);
	if (ftruncate(fd, from + (off_t)len))
		return errno;
	return pwrite(fd, head + TOTAL, 5, TOTAL) == 5 ? 0 : EIO;
}

int recfile_mend(const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC), err;

	if (fd < 0)
		return errno;
	err = mend(fd);
	close(fd);
	return err;
}

/* --- its life --- */

static void destructor(void *arg)
{
	struct recfile *f = arg;

	f->err = f->err ? f->err : EBADF;         /* what an element may still say at its end is for nobody */
	if (f->enc) {
		gst_element_set_state(f->enc, GST_STATE_NULL);
		gst_object_unref(f->enc);
	}
	if (f->mux) {
		gst_element_set_state(f->mux, GST_STATE_NULL);
		gst_object_unref(f->mux);
	}
	if (f->src) {
		gst_pad_set_active(f->src, FALSE);
		gst_object_unref(f->src);
	}
	if (f->sink) {
		gst_pad_set_active(f->sink, FALSE);
		gst_object_unref(f->sink);
	}
	if (f->fd >= 0)
		close(f->fd);
}

static GstElement *element(const char *name)
{
	GstElement *e = gst_element_factory_make(name, NULL);

	return e ? gst_object_ref_sink(e) : NULL;
}

static bool make_elements(struct recfile *f)
{
	bool flac = f->kind == RECFILE_FLAC;

	f->enc = element(flac ? "flacenc" : "opusenc");
	f->mux = flac ? NULL : element("oggmux");
	if (!f->enc || (!flac && !f->mux))
		return false;
	if (flac) {
		/* A frame of 85 ms: what is not in a whole frame is lost with the process. No table of seek points: it would
		 * have to know the length. */
		g_object_set(f->enc, "blocksize", 4096, "seekpoints", 0, "padding", 0, NULL);
		return true;
	}
	g_object_set(f->enc, "bitrate", OPUS_BITRATE * (int)f->channels, "complexity", OPUS_COMPLEXITY, NULL);
	g_object_set(f->mux, "max-page-delay", (guint64)(GST_SECOND / 2), "max-delay", (guint64)(GST_SECOND / 2), NULL);
	return true;
}

/* Both ends are new references. */
static bool join(GstPad *from, GstPad *to)
{
	bool ok = from && to && gst_pad_link(from, to) == GST_PAD_LINK_OK;

	if (from)
		gst_object_unref(from);
	if (to)
		gst_object_unref(to);
	return ok;
}

static bool make_pads(struct recfile *f)
{
	GstElement *last = f->mux ? f->mux : f->enc;

	f->src = gst_object_ref_sink(gst_pad_new("src", GST_PAD_SRC));
	f->sink = gst_object_ref_sink(gst_pad_new("sink", GST_PAD_SINK));
	gst_pad_set_element_private(f->sink, f);
	gst_pad_set_chain_function(f->sink, on_data);
	gst_pad_set_event_function(f->sink, on_event);
	gst_pad_set_query_function(f->sink, on_query);
	return join(gst_object_ref(f->src), gst_element_get_static_pad(f->enc, "sink")) &&
	       (!f->mux || join(gst_element_get_static_pad(f->enc, "src"), gst_element_request_pad_simple(f->mux, "audio_%u"))) &&
	       join(gst_element_get_static_pad(last, "src"), gst_object_ref(f->sink));
}

/* Of a sound shorter than a frame flacenc seeks to its header before it has said what it gives, and GStreamer complains. Said for it. */
static void announce_flac(struct recfile *f)
{
	GstPad *pad = gst_element_get_static_pad(f->enc, "src");

	gst_pad_push_event(pad, gst_event_new_caps(gst_caps_new_empty_simple("audio/x-flac")));
	gst_object_unref(pad);
}

static bool begin_stream(struct recfile *f)
{
	GstCaps *caps = gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, f->kind == RECFILE_FLAC ? "S24_32LE" : "S16LE",
					    "layout", G_TYPE_STRING, "interleaved", "rate", G_TYPE_INT, RATE,
					    "channels", G_TYPE_INT, (int)f->channels, NULL);
	GstSegment seg;
	bool ok;

	if (f->channels == 2)
		gst_caps_set_simple(caps, "channel-mask", GST_TYPE_BITMASK, G_GUINT64_CONSTANT(3), NULL);
	gst_segment_init(&seg, GST_FORMAT_TIME);
	ok = gst_pad_set_active(f->sink, TRUE) && (!f->mux || gst_element_set_state(f->mux, GST_STATE_PLAYING)) &&
	     gst_element_set_state(f->enc, GST_STATE_PLAYING) && gst_pad_set_active(f->src, TRUE) &&
	     gst_pad_push_event(f->src, gst_event_new_stream_start("recording")) &&
	     gst_pad_push_event(f->src, gst_event_new_caps(caps)) &&
	     gst_pad_push_event(f->src, gst_event_new_segment(&seg));
	gst_caps_unref(caps);
	if (ok && f->kind == RECFILE_FLAC)
		announce_flac(f);
	return ok;
}

int recfile_open(struct recfile **fp, const char *path, enum recfile_kind kind, unsigned channels)
{
	struct recfile *f;
	int err = 0;

	if (!fp || !path || !channels || channels > CHANNELS_MAX)
		return EINVAL;
	if (!start())
		return ENOTSUP;
	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;
	f->kind = kind;
	f->channels = channels;
	f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		err = errno;
	else if (!make_elements(f) || !make_pads(f) || !begin_stream(f))
		err = f->err ? f->err : ENOTSUP;
	if (err)
		mem_deref(f);
	else
		*fp = f;
	return err;
}
