/*
 * caller.h - a caller's URI as a key by which it is known again. Private to control/.
 */
#ifndef CONTROL_CALLER_H
#define CONTROL_CALLER_H

#include <stdbool.h>
#include <stddef.h>

enum { CALLER_KEY_MAX = 256 };

/* "sip:Ann@Example.com:5070;x=y" is ann@example.com. "": nothing is left of it. */
void caller_key(char key[CALLER_KEY_MAX], const char *uri);
bool caller_known(const char *key);                       /* a caller that hides is like any other that does */
/* What is banned: a key, or a name without a host, which is that name at any host. */
bool caller_matches(const char *banned, const char *key);

#endif
