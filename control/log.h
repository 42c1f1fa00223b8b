/*
 * log.h - error, warning, info, debug: one happening, one line, `key=value`, rate limited.
 *
 *     log_info("call.answered", "room=%s from=%s codec=%s", ...);
 *   -> 2026-11-20T10:00:00.123Z info call.answered room=band from="sip:ann@example.org" codec=opus
 *
 * Under systemd (JOURNAL_STREAM set) a line begins with the journald priority <3>..<7> and has no time. Peer text
 * goes in only as an argument, never as format, quoted with log_quote where it may hold spaces; control bytes are
 * escaped. Any thread but media and forward may log; a line is one write(2).
 */
#ifndef CONTROL_LOG_H
#define CONTROL_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LV_ERROR = 3, LOG_LV_WARNING = 4, LOG_LV_INFO = 6, LOG_LV_DEBUG = 7 };

void log_set_level(enum log_level lv);
void log_set_sink(void (*sink)(const char *line, void *arg), void *arg);    /* tests; NULL: stderr again */
int  log_level_parse(enum log_level *lv, const char *name);

#define LOG_PRINTF(a, b) __attribute__((format(printf, a, b)))
void log_line(enum log_level lv, const char *what, const char *fmt, ...) LOG_PRINTF(3, 4);
#define log_error(...)   log_line(LOG_LV_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LV_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LV_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LV_DEBUG, __VA_ARGS__)

/* Peer text made safe: in double quotes, backslash escapes, cut at size. Returns buf. */
const char *log_quote(char *buf, size_t size, const char *text, size_t len);

/* The stable line for fail2ban: `security action=... method=... user=... from=<ip> port=N transport=udp`. */
void log_security(const char *action, const char *method, const char *user, const char *ip, unsigned port,
		  const char *transport);

#endif
