/*
 * fingerprint.h - certificates by their hash, as a=fingerprint says it (RFC 8122). Control thread.
 */
#ifndef MIXER_FINGERPRINT_H
#define MIXER_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>

struct x509_st;

enum { FINGERPRINT_MAX = 3 * 64 + 16 };           /* sha-512 as text, with its end */

/* "sha-256 AB:CD..". EINVAL: it has none, or there is no room. */
int  fingerprint_write(char *text, size_t size, const struct x509_st *cert);
/* One value, or several with commas between: is there one that we can check; and is it of that certificate? */
bool fingerprint_ok(const char *text);
bool fingerprint_is(const char *text, const struct x509_st *cert);

#endif
