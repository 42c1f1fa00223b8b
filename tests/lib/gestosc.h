/*
 * gestosc.h - a party of RTP OSC (G2) on a gestnet: it sends with oscsend, hears with an oscrecv for each SSRC, and reports as
 * section 9 wants it. Where PLI was agreed on it asks by that and answers it.
 */
#ifndef TESTS_LIB_GESTOSC_H
#define TESTS_LIB_GESTOSC_H

#include "osc/oscrecv.h"
#include "osc/oscsend.h"
#include "gestnet.h"

enum { GESTOSC_SOURCES = 32 };

struct gestosc;

/* What it hears; ssrc: of which stream, name: as SDES said, "" so far. */
typedef void (gestosc_h)(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg);

struct gestosc_stats { uint64_t packets, lost, repaired, byes, refreshes, reports, asked; };

/* The line's description is the server's; its peer becomes this party's address. The player must have a port for it. */
int  gestosc_alloc(struct gestosc **gp, struct gestnet *net, struct player *p, struct gestline *l, gestosc_h *h, void *arg);
int  gestosc_play(struct gestosc *g, const uint8_t *osc, size_t len);
struct gestend *gestosc_end(struct gestosc *g);
/* Its value of a key in any stream; NULL: none. */
const struct key *gestosc_key(struct gestosc *g, const char *addr, struct osc_msg *msg);
unsigned gestosc_sources(const struct gestosc *g);        /* streams that were not ended by BYE */
const struct osckeys *gestosc_sent(const struct gestosc *g);
void gestosc_stats(const struct gestosc *g, struct gestosc_stats *s);
/* Asks by PLI for the state of all it hears. */
void gestosc_pli(struct gestosc *g);
/* As if its program began anew, or two had chosen the same number. */
void gestosc_set_ssrc(struct gestosc *g, uint32_t ssrc);
uint32_t gestosc_ssrc(const struct gestosc *g, unsigned i);       /* of the i-th stream it heard */
/* Its wallclock, in its sender reports: so much ahead of gestnet_now_us. */
void gestosc_set_clock(struct gestosc *g, uint64_t ahead_us);
void gestosc_mute(struct gestosc *g, bool mute);          /* says nothing any more, reports neither */

/* Did the last packet of the one come to the other as it was: SSRC, number, time, payload? */
bool gestosc_same(const struct gestosc *from, const struct gestosc *to);
uint32_t gestosc_named(const struct gestosc *g, const char *name);        /* the stream it hears of that name; 0: none */
uint32_t gestosc_own_ssrc(const struct gestosc *g);
bool gestosc_reported(const struct gestosc *g, uint32_t ssrc, uint64_t since_us); /* that one reports of what it sends, and said no BYE */

/* How many packets what that one reported is behind what was sent; -1: it has reported nothing. */
int gestosc_behind(const struct gestosc *g, uint32_t ssrc);

#endif
