/*
 * seat_section.c - the section we play in: the one of the settings, else the one we were in the last time in this room.
 *
 *     wanted > said, as soon as the room calls us by a name > seen: from now on whatever the room says is what we want
 *
 * A room forgets who has left, or was made anew with its server; so we ask in each call again. Until the room has said
 * what we asked for, what it says is older than that. A host may put us elsewhere: that is kept, too.
 */
#include <errno.h>
#include <string.h>
#include "identity.h"
#include "seat_priv.h"

void seat_section_begin(struct seat *s)
{
	s->number = identity_take();
	if (s->set->answer)
		return;
	if (s->set->section[0])
		str_ncpy(s->section, s->set->section, sizeof(s->section));
	else
		identity_section(s->section, sizeof(s->section), seat_room(s));
}

static int say(struct seat *s)
{
	char addr[32 + BAND_NAME];

	(void)re_snprintf(addr, sizeof(addr), "/tutti/member/%s/section", s->band.me);
	return s->gestend ? gestend_sayf(s->gestend, addr, "s", s->section) : ENOTCONN;
}

static void see(struct seat *s, const char *name)
{
	s->section_seen = true;
	str_ncpy(s->section, name, sizeof(s->section));
	identity_keep_section(seat_room(s), s->section);
}

void seat_section_tick(struct seat *s)
{
	const struct band_member *m = s->band.me[0] ? band_find(&s->band, s->band.me) : NULL;

	if (!m)
		return;
	if (!s->section_said && !s->section[0])
		s->section_said = s->section_seen = true;
	if (!s->section_said)
		s->section_said = !strcmp(m->section, s->section) || !say(s);
	if (!strcmp(m->section, s->section) != s->section_seen)
		see(s, m->section);
}

int seat_section_set(struct seat *s, const char *name)
{
	if (!s->band.me[0] || s->direct)
		return ENOTCONN;
	str_ncpy(s->section, name, sizeof(s->section));
	s->section_seen = false;
	return say(s);
}
