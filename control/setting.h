/*
 * setting.h - the settings of a room as one table: name, kind, default, help. Any thread.
 *
 * Values are text everywhere: commands, store, snapshots, JSON. Times are those of a clock on the server's wall
 * ("2026-11-21T20:00"; taken also with "Z" or "+01:00" behind it).
 */
#ifndef CONTROL_SETTING_H
#define CONTROL_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETTING_TEXT_MAX = 640 };          /* of a value, with its end */

struct setting_info {
	const char *name;
	const char *kind;                 /* "text" "names" "pin" "number" "choice" "time" */
	const char *def;                  /* may be otherwise for a room: the server's own settings, its name */
	const char *choices;              /* "off|on", of a choice; else NULL */
	uint32_t lo, hi;                  /* of a number */
	bool secret;                      /* never shown: only whether it is there */
	const char *help;
};

const struct setting_info *setting_at(size_t i);          /* NULL: behind the last */
const struct setting_info *setting_find(const char *name);        /* NULL: there is none */

#endif
