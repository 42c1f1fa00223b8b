/*
 * terminal.h - the view in a terminal: keys in, cells out, on the control thread.
 *
 * One for a process. mem_deref gives the terminal back as it was; so does an exit or a crash.
 */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include "act.h"
#include "band.h"

struct terminal;

struct terminal_conf {
	const struct band *band;          /* looked at when it is drawn */
	act_h *acth;
	void *arg;
};

bool terminal_able(void);                 /* stdin and stdout are one, and it can more than a printer */
/* ENOTTY; EALREADY. */
int  terminal_open(struct terminal **tp, const struct terminal_conf *conf);
void terminal_changed(struct terminal *t);        /* drawn within a twentieth of a second */
void terminal_resized(struct terminal *t);        /* SIGWINCH came */

#endif
