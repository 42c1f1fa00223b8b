/*
 * static.c - the console's files. They lie in the binary, so there is no folder to be found, no path to be left by "..", and
 * page and API are of one version.
 *
 * A browser may keep them but asks each time ("no-cache"): 304 while nobody has installed another version. The policy lets a
 * page load and talk to nothing but this server and run nothing that stands in its markup, so that a name which looks like a
 * script stays a name.
 */
#include <libsoup/soup.h>
#include <string.h>
#include "static.h"

static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; "
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

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

static void put_headers(SoupMessageHeaders *h, const struct static_file *f)
{
	soup_message_headers_replace(h, "ETag", f->etag);
	soup_message_headers_replace(h, "Cache-Control", "no-cache");
	soup_message_headers_replace(h, "Content-Security-Policy", policy);
	soup_message_headers_replace(h, "X-Content-Type-Options", "nosniff");
	soup_message_headers_replace(h, "Referrer-Policy", "no-referrer");
	soup_message_headers_replace(h, "Cross-Origin-Opener-Policy", "same-origin");
	soup_message_headers_replace(h, "Cross-Origin-Resource-Policy", "same-origin");
}

bool static_answer(SoupServerMessage *msg, const char *path)
{
	const struct static_file *f = static_find(path);
	SoupMessageHeaders *asked = soup_server_message_get_request_headers(msg);

	if (!f)
		return false;
	put_headers(soup_server_message_get_response_headers(msg), f);
	if (static_known(f, soup_message_headers_get_list(asked, "If-None-Match"))) {
		soup_server_message_set_status(msg, SOUP_STATUS_NOT_MODIFIED, NULL);
		return true;
	}
	soup_server_message_set_status(msg, SOUP_STATUS_OK, NULL);
	soup_server_message_set_response(msg, f->type, SOUP_MEMORY_STATIC, f->data, f->n);
	return true;
}
