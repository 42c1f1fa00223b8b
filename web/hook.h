/*
 * hook.h - events to other programs' doors: POST of JSON, signed, tried again, and put aside when nobody opens. Web thread.
 */
#ifndef WEB_HOOK_H
#define WEB_HOOK_H

#include "feed.h"
#include "web.h"

struct hooks;
struct house;

enum { HOOK_WAITING_MAX = 1000, HOOK_TRIES = 8, HOOK_TIMEOUT_S = 10, HOOK_DEAD_MAX = 10 * 1024 * 1024 };

struct hooks_count { uint64_t delivered, failed, dead; uint32_t waiting; };

int  hooks_alloc(struct hooks **hp, struct house *h);
/* Those of the settings, in place of those before: one that stays keeps what waits for it. Copies. */
void hooks_set(struct hooks *h, const struct web_hook *hook, size_t n);
void hooks_offer(struct hooks *h, const struct told *t, const char *json);
void hooks_count(const struct hooks *h, struct hooks_count *n);

/* "t=UNIX,v1=HEX": HMAC-SHA256 with the secret over "UNIX.body". g_free. */
char *hook_signature(const char *secret, uint64_t unix_s, const char *body);
/* Does a list of types name this one? Empty: all but the many small ones (talking, speaker, keys). "*": all. */
bool hook_wants(const char *events, const char *type);
/* Milliseconds until the next try after so many. */
unsigned hook_pause_ms(unsigned tries);

#endif
