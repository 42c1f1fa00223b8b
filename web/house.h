/*
 * house.h - what all of the HTTP face shares. Private to web/. All of it is the web thread's, but for conf.
 */
#ifndef WEB_HOUSE_H
#define WEB_HOUSE_H

#include <libsoup/soup.h>
#include "rate.h"
#include "token.h"
#include "web.h"

struct doorman;
struct feed;
struct hooks;

struct house_count { uint64_t requests[6], refused_auth, refused_rate, too_big; };

struct house {
	struct web_conf conf;
	GMainContext *ctx;
	SoupServer *server;
	struct doorman *doorman;          /* connections */
	struct tokens *tokens;
	struct feed *stream;            /* events */
	struct hooks *hooks;
	struct rate *by_source, *by_token, *wrong_tokens;
	GHashTable *asked;                /* struct request that the control thread has */
	struct house_count count;
};

#endif
