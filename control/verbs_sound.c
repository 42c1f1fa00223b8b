/*
 * verbs_sound.c - what is played to a room: announcements, files, how many are in. Not there yet: ENOTSUP.
 */
#include "state.h"

int verb_announce(struct act *a)
{
	return ENOTSUP;
}

int verb_play(struct act *a)
{
	return ENOTSUP;
}

int verb_count(struct act *a)
{
	return ENOTSUP;
}
