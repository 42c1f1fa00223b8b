/*
 * housepen.h - messages of the house to one player, in bundles that fit into a datagram. Private to osc/.
 */
#ifndef OSC_HOUSEPEN_H
#define OSC_HOUSEPEN_H

#include "osc.h"

struct player;

enum { HOUSEPEN_BUF = 1400, HOUSEPEN_ADDR = 64 };

struct housepen { struct osc_writer w; uint8_t buf[HOUSEPEN_BUF]; };

void housepen_begin(struct housepen *p);
void housepen_end(struct housepen *p, struct player *to);         /* sends what was put, if anything; another one has begun */
void housepen_put(struct housepen *p, struct player *to, const char *addr, const struct osc_arg *args, size_t n);
void housepen_i(struct housepen *p, struct player *to, const char *addr, int32_t v);
void housepen_f(struct housepen *p, struct player *to, const char *addr, float v);
void housepen_s(struct housepen *p, struct player *to, const char *addr, const char *v);

/* /tutti/member/NAME/what */
void housepen_member(char addr[HOUSEPEN_ADDR], const char *name, const char *what);

#endif
