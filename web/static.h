/*
 * static.h - the console's files, embedded in the binary: found by path, with what a browser is to know of them.
 */
#ifndef WEB_STATIC_H
#define WEB_STATIC_H

#include <stdbool.h>
#include <stddef.h>

struct static_file {
	const char *path, *type;
	const char *etag;                 /* with its quotes */
	const char *data;
	size_t n;
};

extern const struct static_file static_files[];   /* made by embed.py; ends with a path NULL */

const struct static_file *static_find(const char *path);  /* NULL: there is none */
/* Is `etag` among those of an If-None-Match header? NULL: there is no such header. */
bool static_known(const struct static_file *f, const char *if_none_match);

#endif
