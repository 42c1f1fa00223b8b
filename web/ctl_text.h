/*
 * ctl_text.h - text that grows, and text that may be shown.
 */
#ifndef WEB_CTL_TEXT_H
#define WEB_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A text without memory stays as it was and is `bad`: asked once, at the end. */
struct txt { char *p; size_t n, size; bool bad; };

void txt_add(struct txt *t, const char *p, size_t n);
void txt_str(struct txt *t, const char *s);
void txt_printf(struct txt *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void txt_url(struct txt *t, const char *s);     /* all but RFC 3986's unreserved characters are escaped */
void txt_json(struct txt *t, const char *s);    /* as a JSON string, with its quotes */
/* What a terminal would obey (control characters, also those of 8 bits, and what turns the direction of writing) is shown
 * instead, and so are bytes that are no UTF-8. `width`: how many columns it takes; may be NULL. */
void txt_clean(struct txt *t, const char *s, size_t len, size_t *width);
void txt_free(struct txt *t);

void put_clean(const char *s, size_t len);        /* to stdout; lines stay lines */

#endif
