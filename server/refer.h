/*
 * refer.h - REFER brings in and sends away (RFC 3515, 4579 5.5 to 5.11): to the focus it dials somebody into the room,
 * from a member with a room of ours as Refer-To it moves that member. Progress goes back as NOTIFY with a sipfrag.
 */
#ifndef SERVER_REFER_H
#define SERVER_REFER_H

#include "call.h"

/* In a member's dialog, and outside any. Both always answer. */
void refer_in_dialog(struct focus *f, struct call *c, const struct sip_msg *msg);
bool refer_outside(const struct sip_msg *msg, void *arg);         /* arg: struct focus */

#endif
