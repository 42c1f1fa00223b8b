/*
 * ini.h - an INI file as a stream of (line, section, instance, key, value). Knows no setting.
 *
 *     [section]                 [section instance]
 *     key = value               # comment, ; comment
 *     key = "value with # and \"quotes\""
 *
 * Bounded: 1 MiB of text, 4096 bytes a line.
 */
#ifndef SERVER_INI_H
#define SERVER_INI_H

#include <stddef.h>

enum { INI_TEXT_MAX = 1 << 20, INI_LINE_MAX = 4096 };

struct ini_item {
	unsigned line;
	const char *section;
	const char *instance;     /* "" when the section has none */
	const char *key;          /* NULL: the section itself begins here */
	const char *value;
};

/* *why may be set to a text that lives on; the strings of `it` live during the call only. */
typedef int (ini_h)(const struct ini_item *it, const char **why, void *arg);

/* 0, or what the handler returned, or EINVAL with *why (static text) and *line; E2BIG when too long. */
int ini_read(const char *text, size_t len, ini_h *h, void *arg, const char **why, unsigned *line);

#endif
