/*
 * xmltext.h - text of peers in XML: whatever bytes come in, what goes out is well-formed and says the same where it can.
 */
#ifndef SERVER_XMLTEXT_H
#define SERVER_XMLTEXT_H

#include <re.h>

/* Text or the value of an attribute in double quotes. Markup is escaped; a byte that is not UTF-8, and a character that XML 1.0
 * forbids, becomes U+FFFD. */
int xmltext_write(struct mbuf *mb, const char *text);
/* A URI: every byte that may not stand in one becomes %XX; cut at size, between characters. */
void xmltext_uri(char *buf, size_t size, const char *uri);

#endif
