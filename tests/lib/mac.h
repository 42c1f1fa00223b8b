/*
 * mac.h - an AppleMIDI peer on a network of tests (gestnet): the inviting side of a session, a sender and a receiver.
 */
#ifndef TESTS_LIB_MAC_H
#define TESTS_LIB_MAC_H

#include "osc/applesession.h"
#include "osc/midi_repair.h"
#include "osc/midi_sender.h"
#include "tests/lib/gestnet.h"

struct mac {
	struct gestnet *net;
	struct gestend *end;
	struct sa server[2], own[2];
	struct applesession session;
	bool opened, closed, refused;
	struct midi_sender *sender;
	struct midi_repair *repair;
	uint64_t feedback_us;
	uint64_t begun_us;                /* its clock is another than ours */
	unsigned struck, released;        /* notes it has heard begin and end */
	uint8_t pt;
	bool no_marker, no_journal, no_feedback, crashed;      /* manners; to be set after mac_begin */
};

/* It invites at once, and again by itself. server: control and data. */
void mac_begin(struct mac *m, struct gestnet *net, const struct sa server[2], const char *name);
void mac_play(struct mac *m, uint8_t status, uint8_t a, uint8_t b);
void mac_leave(struct mac *m);            /* says BY */
void mac_end(struct mac *m);

#endif
