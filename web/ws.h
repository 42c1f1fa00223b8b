/*
 * ws.h - WebSocket frames (RFC 6455), the server's side: text out; what comes in is short and only looked at for its kind.
 * Pure.
 */
#ifndef WEB_WS_H
#define WEB_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_PAYLOAD_MAX = 4096, WS_HEAD_MAX = 10 };
enum ws_op { WS_CONTINUED = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* The head of an unmasked frame that is whole; returns its length. */
size_t ws_head(uint8_t head[WS_HEAD_MAX], enum ws_op op, size_t payload);

/* Bytes in, frames out: what is left of a frame waits here for the rest. */
struct ws_reader { uint8_t buf[WS_PAYLOAD_MAX + 14]; size_t n; bool fragmented; };
/* h for each whole frame, unmasked; false ends the reading. Returns 0; EPROTO: the peer breaks the rules; EMSGSIZE: too
 * large a frame; ECANCELED: h said so. After an error the connection must end. */
typedef bool (ws_frame_h)(enum ws_op op, const uint8_t *payload, size_t n, void *arg);
int ws_read(struct ws_reader *r, const uint8_t *data, size_t n, ws_frame_h *h, void *arg);

#endif
