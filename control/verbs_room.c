/*
 * verbs_room.c - what each verb does to a room.
 *
 * Setting what is already so is no change: it answers 0 and tells nothing.
 */
#include "keep.h"
#include "verbs.h"

/* All of a command's settings, or none: they are read into a copy. */
static int take_settings(struct room_conf *rc, const struct act *a)
{
	const struct command *cmd = a->cmd;

	for (size_t i = 0; i < cmd->n_settings; i++) {
		int err = setting_parse(rc, cmd->settings[i].name, cmd->settings[i].value, false);

		if (err && a->res)
			a->res->wrong = cmd->settings[i].name;
		if (err)
			return err;
	}
	return 0;
}

static int refused(const struct act *a, const char *wrong, int err)
{
	if (a->res)
		a->res->wrong = wrong;
	return err;
}

/* What is opened by command is kept, and what has never been anything else is wrong from the start. */
int verb_create(struct act *a)
{
	struct control *c = a->c;
	const char *name = a->cmd->room, *wrong;
	struct room_conf rc;
	struct room *r;
	int err;

	if (!control_room_name_valid(name))
		return EINVAL;
	if (room_called(c, name))
		return EEXIST;
	room_defaults(c, name, &rc);
	rc.keep = true;
	err = take_settings(&rc, a);
	if (err)
		return err;
	wrong = settings_wrong(&rc);
	if (wrong)
		return refused(a, wrong, EINVAL);
	err = room_begin(&r, c, name, &rc, NULL);
	if (err)
		return refused(a, err == EEXIST ? "aliases" : NULL, err);
	keep_room(r);
	return 0;
}

int verb_change(struct act *a)
{
	struct room_conf rc = a->room->conf;
	const char *wrong = NULL;
	int err;

	if (a->cmd->on) {
		room_defaults(a->c, a->room->name, &rc);
		rc.keep = !a->room->parent;
	}
	err = take_settings(&rc, a);
	if (err)
		return err;
	err = room_reconf(a->room, &rc, &wrong);
	return err ? refused(a, wrong, err) : 0;
}

/* A host who ends a meeting does not mean that the room is to be gone for ever; who runs the server may. */
int verb_end(struct act *a)
{
	char buf[VERB_WHY_MAX];
	const char *why = verb_why(buf, a, "ended");

	if (a->actor->kind == ACTOR_MEMBER)
		room_clear(a->room, why);
	else
		room_end(a->room, why);
	return 0;
}

int verb_clear(struct act *a)
{
	char buf[VERB_WHY_MAX];

	room_clear(a->room, verb_why(buf, a, "cleared"));
	return 0;
}

int verb_lock(struct act *a)
{
	if (a->room->locked == a->cmd->on)
		return 0;
	a->room->locked = a->cmd->on;
	event_tell(a->room, EVENT_ROOM_CHANGED, NULL, a->cmd->on ? "locked" : "unlocked");
	keep_room(a->room);
	return 0;
}

static void mute_them(struct room *r, bool on)
{
	struct le *le;

	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if ((on && m->role == ROLE_HOST) || (!on && floor_mutes(r, m)))
			continue;
		verb_flag(m, &m->host_muted, on, "muted-by-host", "unmuted-by-host");
	}
}

/* The room remembers it for those who come later; said again, it mutes those whom a host has freed since. */
int verb_mute_all(struct act *a)
{
	struct room *r = a->room;
	bool on = a->cmd->on;

	if (r->muted_all != on) {
		r->muted_all = on;
		event_tell(r, EVENT_ROOM_CHANGED, NULL, on ? "muted-all" : "unmuted-all");
		keep_room(r);
	}
	mute_them(r, on);
	return 0;
}

int verb_dial(struct act *a)
{
	const struct face *d = &a->c->dialer;

	if (a->c->draining)
		return ESHUTDOWN;
	return d->dial ? d->dial(d->arg, a->room->name, a->cmd->uri) : EPERM;
}

/* --- bans --- */

static void send_away(struct room *r, const char *banned, struct list *gone)
{
	struct le *le = list_head(&r->members);
	char key[CALLER_KEY_MAX];

	while (le) {
		struct member *m = le->data;

		le = le->next;
		caller_key(key, m->uri);
		if (!caller_matches(banned, key))
			continue;
		member_out(m, "banned");
		list_append(gone, &m->le, m);
	}
}

/* The room and those beside it; byes are said when all is settled. */
static void send_all_away(struct room *root, const char *banned)
{
	struct list gone = LIST_INIT;
	struct le *le;

	LIST_FOREACH(&root->c->rooms, le)
		if (room_root(le->data) == root)
			send_away(le->data, banned, &gone);
	while ((le = list_head(&gone)) != NULL) {
		list_unlink(le);
		member_bye(le->data, "banned");
	}
}

int verb_ban(struct act *a)
{
	struct room *r = room_root(a->room);
	char key[CALLER_KEY_MAX];
	int err = 0;

	caller_key(key, a->cmd->uri);
	if (!key[0])
		return EINVAL;
	if (ban_find(&r->bans, key))
		return 0;
	err = ban_add(&r->bans, key, unix_ms());
	if (err)
		return err;
	keep_ban(r, ban_find(&r->bans, key));
	seat_drop(a->c->seats, r->name, key);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "banned");
	send_all_away(r, key);
	return 0;
}

int verb_unban(struct act *a)
{
	struct room *r = room_root(a->room);
	char key[CALLER_KEY_MAX];
	struct ban *b;

	caller_key(key, a->cmd->uri);
	b = ban_find(&r->bans, key);
	if (!b)
		return ENOENT;
	mem_deref(b);
	keep_unban(r, key);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "unbanned");
	return 0;
}
