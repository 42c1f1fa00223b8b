/*
 * ivr.h - asks a caller for a room and a PIN by keypad. Knows no call, no sound and no socket: its owner says the
 * words, knows the rooms and ends the call. Control thread only.
 */
#ifndef CONTROL_IVR_H
#define CONTROL_IVR_H

#include <re.h>

struct ivr;

struct ivr_ops {
	/* Words of prompt.h, one after the other; at once, instead of what is being said. n 0: silence. */
	void (*say)(const char *const *word, unsigned n, void *arg);
	/* May the caller try once more? It costs one of the tries that its source has. */
	bool (*may_try)(void *arg);
	/* The room behind these digits; false: there is none. */
	bool (*find)(char *room, size_t size, const char *digits, void *arg);
	bool (*needs_pin)(const char *room, void *arg);
	/* pin NULL: none was asked for. 0: the caller is in, and ivr is done; EACCES: the PIN is wrong; ENOMSG:
	 * it is to say its name first, and enter is asked again; else why not. */
	int  (*enter)(const char *room, const char *pin, void *arg);
	/* Listens for the caller's name, or has heard it: enter comes next. */
	void (*hear)(bool on, void *arg);
	/* A try failed; what: "room" or "pin". */
	void (*failed)(const char *what, void *arg);
	/* Goodbye has been said: end the call. ivr may be freed from inside. */
	void (*end)(const char *why, void *arg);
};

/* room NULL: asks for one first. Speaks 0.7 s later; `ops` outlive it. Freed with mem_deref, but not from inside `enter`. */
int  ivr_alloc(struct ivr **ip, const char *room, const struct ivr_ops *ops, void *arg);
void ivr_key(struct ivr *v, char key);
void ivr_said(struct ivr *v);             /* all words have been said (LEG_EVENT_SAID) */

#endif
