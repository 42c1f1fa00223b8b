/*
 * log.c - one happening, one line, one write(2).
 *
 * A line is built whole on the stack: time (or journald's priority), level, what, text. Whatever bytes the text
 * brings, the line stays one line: control bytes and broken UTF-8 leave as \xHH, and so do the characters that turn
 * the direction of writing around, for an operator reads these lines on a terminal.
 *
 * A flood must not fill the disk nor stop the control thread: of one `what`, RATE lines a second pass, the rest is
 * counted, and the count is told as log.suppressed by the first line (of any kind) after that second. The table of
 * counts is small and fixed; two names that meet in a slot push each other out, which only lets more lines pass.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "text.h"

enum { LINE_MAX_LEN = 2048, RATE = 50, N_SLOTS = 64 };

struct slot {                             /* what was said of one `what` in its present second */
	char what[40];
	uint64_t second;
	unsigned n, suppressed;
};

static struct {
	pthread_mutex_t lock;
	struct slot slot[N_SLOTS];
	unsigned n_suppressing;           /* slots that have something to tell */
	void (*sink)(const char *line, void *arg);
	void *sink_arg;
} lg = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Atomic int level = LOG_LV_INFO;

static const struct { enum log_level lv; const char *name; } levels[] = {
	{ LOG_LV_ERROR, "error" }, { LOG_LV_WARNING, "warning" }, { LOG_LV_INFO, "info" }, { LOG_LV_DEBUG, "debug" },
};
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]) };

void log_set_level(enum log_level lv)
{
	atomic_store(&level, (int)lv);
}

static const char *level_name(enum log_level lv)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (levels[i].lv == lv)
			return levels[i].name;
	return "info";
}

int log_level_parse(enum log_level *lv, const char *name)
{
	if (!lv || !name)
		return EINVAL;
	for (size_t i = 0; i < N_LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*lv = levels[i].lv;
			return 0;
		}
	}
	return EINVAL;
}

void log_set_sink(void (*sink)(const char *line, void *arg), void *arg)
{
	pthread_mutex_lock(&lg.lock);
	lg.sink = sink;
	lg.sink_arg = arg;
	pthread_mutex_unlock(&lg.lock);
}

/* --- bytes made safe --- */

/* Copies text with what is not printable escaped; whole characters only, always terminated. Returns bytes written. */
static size_t escape(char *dst, size_t size, const char *text, size_t len, bool quoted)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t pos = 0;

	for (size_t i = 0; i < len; ) {
		char out[5];
		size_t n = text_printable(p + i, len - i), took = n ? n : 1;

		if (n && quoted && (p[i] == '"' || p[i] == '\\')) {
			out[0] = '\\';
			out[1] = (char)p[i];
			n = 2;
		} else if (n) {
			memcpy(out, p + i, n);
		} else {
			n = (size_t)snprintf(out, sizeof(out), "\\x%02x", p[i]);
		}
		if (pos + n >= size)
			break;
		memcpy(dst + pos, out, n);
		pos += n;
		i += took;
	}
	dst[pos] = '\0';
	return pos;
}

const char *log_quote(char *buf, size_t size, const char *text, size_t len)
{
	if (!buf || size == 0)
		return "";
	if (size < 3) {
		buf[0] = '\0';
		return buf;
	}
	buf[0] = '"';
	size_t n = escape(buf + 1, size - 2, text ? text : "", text ? len : 0, true);
	buf[n + 1] = '"';
	buf[n + 2] = '\0';
	return buf;
}

/* --- the line --- */

/* systemd.exec(5) wants device and inode compared: the variable is inherited by those whose output goes elsewhere, too. */
static bool to_journal(void)
{
	static _Atomic int known = -1;
	int is = atomic_load(&known);

	if (is < 0) {
		const char *js = getenv("JOURNAL_STREAM");
		unsigned long dev, ino;
		struct stat st;

		is = js && sscanf(js, "%lu:%lu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
		     st.st_dev == dev && st.st_ino == ino;
		atomic_store(&known, is);
	}
	return is;
}

static size_t head(char *line, size_t size, enum log_level lv, const char *what)
{
	int n;

	if (to_journal()) {
		n = snprintf(line, size, "<%d>%s %.64s", (int)lv, level_name(lv), what);
	} else {
		struct timespec ts;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		n = snprintf(line, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %.64s", tm.tm_year + 1900, tm.tm_mon + 1,
			     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000, level_name(lv), what);
	}
	return n < 0 ? 0 : (size_t)n;
}

/* Locked. A line that cannot be written is lost: there is nowhere left to complain. */
static void put(enum log_level lv, const char *what, const char *text)
{
	char line[LINE_MAX_LEN + 1];
	size_t n = head(line, LINE_MAX_LEN, lv, what);

	if (text[0]) {
		line[n++] = ' ';
		n += escape(line + n, LINE_MAX_LEN - n, text, strlen(text), false);
	}
	if (lg.sink) {
		line[n] = '\0';
		lg.sink(line, lg.sink_arg);
		return;
	}
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

/* --- the limit --- */

static uint64_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

static void tell(struct slot *s)
{
	char text[96];

	snprintf(text, sizeof(text), "what=%s lines=%u", s->what, s->suppressed);
	s->suppressed = 0;
	lg.n_suppressing--;
	put(LOG_LV_WARNING, "log.suppressed", text);
}

static void tell_all_before(uint64_t second)
{
	for (size_t i = 0; i < N_SLOTS && lg.n_suppressing; i++)
		if (lg.slot[i].suppressed && lg.slot[i].second != second)
			tell(&lg.slot[i]);
}

static struct slot *slot_of(const char *what)
{
	uint32_t h = 2166136261u;

	for (const char *p = what; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &lg.slot[h % N_SLOTS];
}

/* Locked. May this line be said? */
static bool limit_pass(const char *what)
{
	uint64_t second = now_s();
	struct slot *s = slot_of(what);

	tell_all_before(second);
	if (s->second != second || strncmp(s->what, what, sizeof(s->what) - 1) != 0) {
		if (s->suppressed)
			tell(s);
		snprintf(s->what, sizeof(s->what), "%s", what);
		s->second = second;
		s->n = 0;
	}
	if (s->n++ < RATE)
		return true;
	if (s->suppressed++ == 0)
		lg.n_suppressing++;
	return false;
}

static void say(enum log_level lv, const char *limit, const char *what, const char *text)
{
	pthread_mutex_lock(&lg.lock);
	if (limit_pass(limit))
		put(lv, what, text);
	pthread_mutex_unlock(&lg.lock);
}

void log_line(enum log_level lv, const char *what, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	va_list ap;

	if ((int)lv > atomic_load(&level))
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	say(lv, what, what, text);
}

/* The limit counts each address by itself, so that one that floods does not hide the others from fail2ban. */
void log_security(const char *action, const char *method, const char *user, const char *ip, unsigned port,
		  const char *transport)
{
	char text[512], quser[160], limit[64];

	snprintf(text, sizeof(text), "action=%.32s method=%.32s user=%s from=%.64s port=%u transport=%.16s", action,
		 method, log_quote(quser, sizeof(quser), user, user ? strlen(user) : 0), ip, port, transport);
	snprintf(limit, sizeof(limit), "security:%.48s", ip);
	say(LOG_LV_WARNING, limit, "security", text);
}
