/*
 * oscquery_tree.h - a room's address space as JSON, as the OSCQuery proposal describes it. Pure but for the text it writes.
 */
#ifndef OSC_OSCQUERY_TREE_H
#define OSC_OSCQUERY_TREE_H

#include "osc.h"

struct mbuf;

enum { OSCQUERY_TREE_MAX = 8192, OSCQUERY_DEPTH = 24 };

/* ACCESS: a bit for "can be read", one for "can be written". */
enum oscquery_access { OSCQUERY_NONE, OSCQUERY_READ, OSCQUERY_WRITE, OSCQUERY_BOTH };

/* One method; strings are borrowed. */
struct oscquery_node {
	const char *addr;
	const char *tags;         /* without comma */
	enum oscquery_access access;
	const char *text;         /* DESCRIPTION, or NULL */
	const uint8_t *msg;       /* a valid message with its VALUE, or NULL */
	size_t   len;
	float    min, max;        /* RANGE; both 0: nothing is known */
};

enum oscquery_attr {
	OSCQUERY_ALL, OSCQUERY_FULL_PATH, OSCQUERY_CONTENTS, OSCQUERY_TYPE, OSCQUERY_ACCESS, OSCQUERY_VALUE, OSCQUERY_RANGE,
	OSCQUERY_DESCRIPTION, OSCQUERY_ATTRS,
};

/* "VALUE" to its number; OSCQUERY_ATTRS: none we know. */
enum oscquery_attr oscquery_attr(const char *name, size_t len);

/* Puts nodes in the order that oscquery_write wants them in; of two with one address the second is dropped. Returns how many are left. */
unsigned oscquery_sort(struct oscquery_node *nodes, unsigned n);
/*
 * The node at `path` ("/" or an address) and what lies below it, or one attribute of it alone. ENOENT: there is none;
 * ENODATA: it has no such attribute; ENOMEM.
 */
int  oscquery_write(struct mbuf *mb, const struct oscquery_node *nodes, unsigned n, const char *path, size_t len,
		    enum oscquery_attr attr);


#endif
