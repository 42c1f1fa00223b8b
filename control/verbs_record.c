/*
 * verbs_record.c - recording a room.
 */
#include <errno.h>
#include <string.h>
#include "record_priv.h"
#include "state.h"

/* Who wanted it, for the manifest. */
static const char *actor_name(const struct act *a)
{
	const struct member *m = a->actor->kind == ACTOR_MEMBER ? member_by_id(a->c, a->actor->member) : NULL;

	if (m)
		return m->uri;
	return a->actor->name ? a->actor->name : "";
}

int verb_record(struct act *a)
{
	const char *text = a->cmd->text;

	if (!strcmp(text, "start"))
		return record_start(a->room, actor_name(a));
	if (!strcmp(text, "stop"))
		return record_stop(a->room);
	if (!strcmp(text, "pause"))
		return record_pause(a->room, true);
	if (!strcmp(text, "resume"))
		return record_pause(a->room, false);
	return EINVAL;
}
