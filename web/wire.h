/*
 * wire.h - a connection that was taken from libsoup: bytes out through a buffer whose length its owner sees, bytes in as they
 * come. Web thread only.
 */
#ifndef WEB_WIRE_H
#define WEB_WIRE_H

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

struct wire;

struct wire_ops {
	bool (*input)(const uint8_t *data, size_t n, void *arg);  /* false: enough, gone() follows */
	void (*drained)(void *arg);                               /* all that waited is with the kernel */
	void (*gone)(void *arg);                                  /* the other end, or an error: the owner frees the wire */
};

/* Takes both references, also when it fails. */
int  wire_alloc(struct wire **wp, GMainContext *ctx, GIOStream *io, GSocket *socket, const struct wire_ops *ops, void *arg);
void wire_put(struct wire *w, const void *data, size_t n);        /* into the buffer */
void wire_flush(struct wire *w);                                  /* as much of it as the kernel takes; calls nobody */
size_t wire_waiting(const struct wire *w);
int64_t wire_moved_us(const struct wire *w);                      /* when the kernel took something last, or nothing waits */
void wire_end(struct wire *w);                                    /* after what waits: no more out; gone() follows */

#endif
