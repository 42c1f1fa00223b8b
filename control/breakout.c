/*
 * breakout.c - smaller rooms beside a room: ROOM.NAME beside ROOM.
 *
 * One opens for the first member that is taken there, with the settings of the room but its numbers and hours, and
 * ends when it is empty. Nobody else comes in by calling it: it is locked, and the PIN of the room is its own. The hosts
 * of the room have their say in all of them.
 */
#include <string.h>
#include "verbs.h"

static void conf_beside(struct room_conf *rc, const struct room *root, const char *name)
{
	*rc = root->conf;
	memset(rc->alias, 0, sizeof(rc->alias));
	memset(&rc->schedule, 0, sizeof(rc->schedule));
	rc->n_aliases = 0;
	rc->keep = rc->lobby = rc->wait_for_host = rc->end_with_host = rc->record_auto = false;
	memset(rc->title, 0, sizeof(rc->title));
	memcpy(rc->title, name, strnlen(name, sizeof(rc->title) - 1));
}

static int find_or_open(struct room **rp, struct room *root, const char *name)
{
	char full[ROOM_NAME_MAX + 1];
	struct room_conf rc;
	int err;

	if (re_snprintf(full, sizeof(full), "%s.%s", root->name, name) < 0 || !name[0] || !control_room_name_valid(full))
		return EINVAL;
	*rp = room_called(root->c, full);
	if (*rp)
		return (*rp)->parent == root ? 0 : EEXIST;
	conf_beside(&rc, root, name);
	err = room_begin(rp, root->c, full, &rc, root);
	if (err)
		return err;
	(*rp)->locked = true;
	event_tell(*rp, EVENT_ROOM_CHANGED, NULL, "locked");
	return 0;
}

static int take(struct member *m, struct room *to, const char *detail)
{
	const struct entry led = { .role = m->role, .invited = true };

	return m->room == to ? 0 : verb_move_member(m, to, &led, detail);
}

int verb_breakout(struct act *a)
{
	struct room *to;
	int err;

	if (a->member->waiting)
		return EINVAL;
	err = find_or_open(&to, room_root(a->room), a->cmd->name);
	return err ? err : take(a->member, to, "breakout");
}

static int bring_back(struct room *child, struct room *root)
{
	struct le *le = list_head(&child->members);
	int err = 0;

	while (le) {
		struct member *m = le->data;
		int one;

		le = le->next;
		one = take(m, root, "recalled");
		err = err ? err : one;
	}
	return err;
}

/* Who cannot come back, because there is no memory for it now, stays where it is, and so does its room. */
int verb_recall(struct act *a)
{
	struct room *root = room_root(a->room);
	struct le *le = list_head(&a->c->rooms);
	int err = 0;

	while (le) {
		struct room *child = le->data;
		int one;

		le = le->next;
		if (child->parent != root)
			continue;
		one = bring_back(child, root);
		err = err ? err : one;
		if (child->n_members == 0)
			room_end(child, "recalled");
	}
	return err;
}
