/*
 * section.c - groups of members with one fader.
 *
 *     loudness in everybody's mix     gain of the member + gain of its section                member_apply
 *     in the mix of one listener      ... + what it said of the member, or of its section     cells of private mixes
 *
 * What a listener says of a section is written into the cells of all who are in it, and of who comes into it later. So it is
 * heard, shown and undone as any private mix, and the last word counts: of one member after that of its section.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "section.h"
#include "state.h"
#include "verbs.h"

enum { GAIN_MIN_DB = -60, GAIN_MAX_DB = 20 };

/* --- a list of gains by name --- */

static void section_destructor(void *data)
{
	struct section *s = data;

	list_unlink(&s->le);
}

static struct section *find(const struct list *sections, const char *name)
{
	struct le *le;

	LIST_FOREACH(sections, le) {
		struct section *s = le->data;

		if (!strcmp(s->name, name))
			return s;
	}
	return NULL;
}

float section_gain_db(const struct list *sections, const char *name)
{
	const struct section *s = name[0] ? find(sections, name) : NULL;

	return s ? s->gain_db : 0;
}

/* EALREADY: it is so. What is as without a word is not kept. */
static int set(struct list *sections, const char *name, float db)
{
	struct section *s = find(sections, name);

	if (section_gain_db(sections, name) == db)
		return EALREADY;
	if (db == 0) {
		mem_deref(s);
		return 0;
	}
	if (!s && list_count(sections) >= SECTIONS_MAX)
		return ENOSPC;
	if (!s) {
		s = mem_zalloc(sizeof(*s), section_destructor);
		if (!s)
			return ENOMEM;
		strcpy(s->name, name);
		list_append(sections, &s->le, s);
	}
	s->gain_db = db;
	return 0;
}

/* Of letters that an address of gestures can have. */
static bool name_valid(const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = strnlen(name, SECTION_MAX + 1);

	return n >= 1 && n <= SECTION_MAX && strspn(name, plain) == n;
}

static bool gain_valid(float db) { return db >= GAIN_MIN_DB && db <= GAIN_MAX_DB; }

/* --- who hears whom --- */

static void hear(const struct member *listener, const struct member *m, float db)
{
	struct leg *ear = listener->face.leg, *mouth = m->face.leg;
	float gain, pan;

	if (listener == m || !ear || !mouth)
		return;
	leg_view(ear, mouth, &gain, &pan);
	(void)leg_set_view(ear, mouth, db <= GAIN_MIN_DB ? 0 : powf(10.0f, db / 20.0f), pan);   /* ENOSPC: as all hear it */
}

/* It is in another section now: who hears that otherwise, or did the old one, hears it so. */
static void be_heard(const struct member *m, const char *old)
{
	struct le *le;

	LIST_FOREACH(&m->room->members, le) {
		const struct member *listener = le->data;
		float was = section_gain_db(&listener->sections, old), db = section_gain_db(&listener->sections, m->section);

		if (was != db)
			hear(listener, m, db);
	}
}

void section_forget(struct member *m)
{
	bool had = m->section[0];

	m->section[0] = '\0';
	list_flush(&m->sections);
	if (had)
		member_apply(m);
}

/* --- verbs --- */

int verb_section(struct act *a)
{
	const char *name = a->cmd->text;
	struct member *m = a->member;
	char old[SECTION_MAX + 1];

	if (name[0] && !name_valid(name))
		return EINVAL;
	if (!strcmp(m->section, name))
		return 0;
	strcpy(old, m->section);
	strcpy(m->section, name);
	be_heard(m, old);
	member_changed(m, "section");
	return 0;
}

int verb_section_gain(struct act *a)
{
	struct room *r = a->room;
	struct le *le;
	int err;

	if (!name_valid(a->cmd->name) || !gain_valid(a->cmd->value))
		return EINVAL;
	err = set(&r->sections, a->cmd->name, a->cmd->value);
	if (err)
		return err == EALREADY ? 0 : err;
	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if (!strcmp(m->section, a->cmd->name))
			member_apply(m);
	}
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "section");
	return 0;
}

int verb_section_view(struct act *a)
{
	struct member *m = a->member;
	struct le *le;
	int err;

	if (!name_valid(a->cmd->name) || !gain_valid(a->cmd->value))
		return EINVAL;
	if (!m->face.leg)
		return ENOTSUP;
	err = set(&m->sections, a->cmd->name, a->cmd->value);
	if (err && err != EALREADY)
		return err;
	LIST_FOREACH(&m->room->members, le) {
		const struct member *other = le->data;

		if (!strcmp(other->section, a->cmd->name))
			hear(m, other, a->cmd->value);
	}
	event_tell(m->room, EVENT_MEMBER_CHANGED, m, "view");
	return 0;
}
