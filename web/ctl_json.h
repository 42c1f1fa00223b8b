/*
 * ctl_json.h - JSON text to a tree, for tuttictl, which links no library but C's.
 */
#ifndef WEB_CTL_JSON_H
#define WEB_CTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum { JSON_DEPTH_MAX = 64, JSON_NODES_MAX = 2000000 };

struct json {
	enum json_type type;
	char *key;                /* in an object */
	char *text;               /* a string's, unescaped; a number's digits, which something else follows */
	struct json *child, *next;
};

/* The tree points into `text`, which is changed and ends with a NUL behind its len bytes. EBADMSG, E2BIG (too deep or too many),
 * ENOMEM. What stands behind the value is EBADMSG, too. */
int  json_parse(struct json **rp, char *text, size_t len);
void json_free(struct json *root);

/* All take NULL and anything that is no object: then there is nothing. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_text(const struct json *object, const char *key);        /* a string, else "" */
double json_number(const struct json *object, const char *key);           /* a number, else 0 */
uint64_t json_whole(const struct json *object, const char *key);
bool json_true(const struct json *object, const char *key);
size_t json_length(const struct json *list);

#endif
