/*
 * section.h - groups of members with one fader: for all, and in the mix of one of them. Private to control/.
 *
 * A section is a name that members have. It needs no making: what was said of it holds for who has its name, now or later.
 */
#ifndef CONTROL_SECTION_H
#define CONTROL_SECTION_H

#include <re.h>
#include "command.h"

struct member;
struct room;

enum { SECTIONS_MAX = 32 };       /* of a room that have another gain than 0 dB; that one member hears otherwise */

struct section {
	struct le le;             /* room.sections, or member.sections */
	char name[SECTION_MAX + 1];
	float gain_db;
};

float section_gain_db(const struct list *sections, const char *name);     /* 0: nothing was said of it */
void section_forget(struct member *m);            /* it is in another room: its section, and how it heard others there */

#endif
