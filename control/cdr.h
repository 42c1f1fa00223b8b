/*
 * cdr.h - call records: one row for each call, written into the store when it is over. Control thread only, but for the
 * pens.
 *
 * The face tells how a call begins, is answered and ends; in which room it was and as what, the events tell. A call that
 * runs is in the store too, so that a process that is killed leaves it behind as one that was cut (store.h).
 */
#ifndef CONTROL_CDR_H
#define CONTROL_CDR_H

#include "control.h"
#include "store.h"

struct cdrs;                      /* those of the house */
int  cdrs_alloc(struct cdrs **bp, struct control *c);
struct cdrs_stats { uint64_t written, failed, left_out; };        /* left_out: refused calls above the bound */
void cdrs_stats(const struct cdrs *b, struct cdrs_stats *st);

/* How many calls had this final status: for figures. h for each that any had. */
void cdrs_statuses(const struct cdrs *b, void (*h)(bool outgoing, uint16_t status, uint64_t n, void *arg), void *arg);

struct cdr;                       /* a call; must be gone before struct cdrs */
struct cdr_call { const char *call_id, *from, *from_name, *to, *room; bool outgoing; };       /* any may be NULL */
int  cdr_begin(struct cdr **cp, struct cdrs *b, const struct cdr_call *call);
/* All of these take NULL. The first final status counts; 2xx is the answer. */
void cdr_final(struct cdr *c, uint16_t status);
void cdr_joined(struct cdr *c, uint32_t member);
/* Writes the row, once: of a call that was answered, and of an outgoing one in any case. An incoming one that never was
 * has been told by cdr_refused. leg: whose counters are noted; may be NULL. */
void cdr_end(struct cdr *c, const char *why, const struct leg *leg);

/* A call that was turned away. Of those some a second are written, and no more: anybody can make them. */
void cdr_refused(struct cdrs *b, const struct cdr_call *call, uint16_t status, const char *why);

/* A row as comma-separated values (RFC 4180), for "%H". What peers have named cannot be a formula of a spreadsheet: a text
 * that begins like one gets an apostrophe. */
struct cdr_row { uint64_t id; const struct store_cdr *cdr; };
int  cdr_csv_head(struct re_printf *pf, const void *unused);
int  cdr_csv(struct re_printf *pf, const struct cdr_row *row);

#endif
