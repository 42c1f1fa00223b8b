/*
 * body.h - a request's body: strict JSON (RFC 8259) within bounds, looked at before the library reads it. Pure.
 */
#ifndef WEB_BODY_H
#define WEB_BODY_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

enum { BODY_SIZE_MAX = 65536, BODY_DEPTH_MAX = 16, BODY_VALUES_MAX = 256 };

/* The object in `text` (no bytes at all: an empty one), freed with json_object_unref; or NULL, and what is wrong with it. */
JsonObject *body_parse(const char *text, size_t len, const char **why);

#endif
