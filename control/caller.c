/*
 * caller.c - a caller's URI as a key: user and host in small letters, nothing else. A phone that calls again may come
 * from another port, with other parameters, by sips instead of sip.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "caller.h"

static const char *past_scheme(const char *uri)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(uri, schemes[i], strlen(schemes[i])) == 0)
			return uri + strlen(schemes[i]);
	return uri;
}

/* The port behind a host, but not what is inside the brackets of an IPv6 address. */
static size_t without_port(const char *key, size_t n)
{
	size_t end = n;

	while (end && isdigit((unsigned char)key[end - 1]))
		end--;
	if (end < n && end && key[end - 1] == ':' && memchr(key, '@', end))
		return end - 1;
	return n;
}

void caller_key(char key[CALLER_KEY_MAX], const char *uri)
{
	const char *from = past_scheme(uri ? uri : "");
	size_t n = strcspn(from, ";?> "), at = 0;

	if (n >= CALLER_KEY_MAX)
		n = CALLER_KEY_MAX - 1;
	n = without_port(from, n);
	for (; at < n; at++)
		key[at] = (char)tolower((unsigned char)from[at]);
	key[at] = '\0';
}

bool caller_known(const char *key)
{
	static const char *const hidden[] = { "anonymous", "unknown", "unavailable", "restricted" };
	const char *host = strchr(key, '@');
	size_t n = host ? (size_t)(host - key) : strlen(key);

	if (n == 0 || (host && strcmp(host + 1, "anonymous.invalid") == 0))
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (strlen(hidden[i]) == n && memcmp(key, hidden[i], n) == 0)
			return false;
	return true;
}

bool caller_matches(const char *banned, const char *key)
{
	size_t n = strlen(banned);

	if (strchr(banned, '@'))
		return strcmp(banned, key) == 0;
	return n && strncmp(banned, key, n) == 0 && (key[n] == '\0' || key[n] == '@');
}
