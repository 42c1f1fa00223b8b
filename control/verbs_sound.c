/*
 * verbs_sound.c - what is played to a room: announcements, files, how many are in. What it sounds like is spoken.c's.
 */
#include <errno.h>
#include "spoken.h"
#include "state.h"

int verb_announce(struct act *a)
{
	return spoken_play(a->room, a->cmd->text, false);
}

int verb_play(struct act *a)
{
	if (!a->cmd->on)
		return spoken_stop(a->room);
	return a->cmd->text ? spoken_play(a->room, a->cmd->text, true) : EINVAL;
}

int verb_count(struct act *a)
{
	return spoken_count(a->room, a->member);
}
