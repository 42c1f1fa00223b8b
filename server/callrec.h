/*
 * callrec.h - what a call's record (control/cdr.h) is told by SIP: who called whom, and who was turned away.
 */
#ifndef SERVER_CALLREC_H
#define SERVER_CALLREC_H

#include "call.h"
#include "control/cdr.h"

int  callrec_incoming(struct cdr **cp, struct focus *f, const struct sip_msg *invite, const struct session *s, const char *room);
int  callrec_outgoing(struct cdr **cp, struct focus *f, const struct session *s, const char *from, const struct call_dial *d);
/* From now on every final refusal of a first INVITE is a record. */
void callrec_watch(struct focus *f);

#endif
