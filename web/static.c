/*
 * static.c - the console's files. They lie in the binary, so there is no folder to be found, no path to be left by "..", and
 * page and API are of one version.
 *
 * A browser may keep them but asks each time (Cache-Control: no-cache): 304 while nobody has installed another version.
 */
#include <string.h>
#include "static.h"

const struct static_file *static_find(const char *path)
{
	for (const struct static_file *f = static_files; f->path; f++)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}

/* RFC 9110 13.1.2: "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match". */
bool static_known(const struct static_file *f, const char *list)
{
	const char *p = list;

	if (!p)
		return false;
	while (*(p += strspn(p, ", \t"))) {
		size_t n = strcspn(p, ",");
		size_t len = n;

		while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (len == 1 && *p == '*')
			return true;
		if (len > 2 && !strncmp(p, "W/", 2))
			p += 2, n -= 2, len -= 2;
		if (len == strlen(f->etag) && !memcmp(p, f->etag, len))
			return true;
		p += n;
	}
	return false;
}
