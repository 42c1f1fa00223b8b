/*
 * orders.h - commands of a script, one a line, from a descriptor: act.h says what they are. Control thread.
 */
#ifndef CLIENT_ORDERS_H
#define CLIENT_ORDERS_H

#include "act.h"

struct orders;

typedef void (orders_wrong_h)(const char *why, void *arg);

/* fd is set to non-blocking and stays the caller's. Its end is no order. What cannot be waited for (a file) is read at
 * once. */
int orders_alloc(struct orders **op, int fd, act_h *acth, orders_wrong_h *wrongh, void *act_arg, void *wrong_arg);

#endif
