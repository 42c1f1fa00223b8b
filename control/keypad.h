/*
 * keypad.h - codes pressed on a phone: which there are, and what they do.
 */
#ifndef CONTROL_KEYPAD_H
#define CONTROL_KEYPAD_H

#include <stdbool.h>
#include <stddef.h>

enum keypad_action {
	KEYPAD_MUTE, KEYPAD_HAND, KEYPAD_QUIETER, KEYPAD_LOUDER, KEYPAD_MUTE_ALL, KEYPAD_LOCK, KEYPAD_RECORD, KEYPAD_COUNT,
	KEYPAD_HELP, KEYPAD_END, KEYPAD_N
};

enum { KEYPAD_CODE_MAX = 4 };

struct keypad_conf { char code[KEYPAD_N][KEYPAD_CODE_MAX + 1]; };         /* "": nothing does that */

const char *keypad_name(enum keypad_action action);       /* "mute-all" */
void keypad_defaults(struct keypad_conf *conf);
/* NULL, or what is wrong with the code by itself: it begins with * or #, then one to three of 0-9 * #. */
const char *keypad_code_wrong(const char *code);
/* Two codes of which one begins the other, or becomes it when a digit is lost. False: there are none. */
bool keypad_confused(enum keypad_action pair[2], const struct keypad_conf *conf);

#endif
