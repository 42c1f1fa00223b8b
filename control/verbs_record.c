/*
 * verbs_record.c - recording a room. Not there yet: ENOTSUP.
 */
#include "state.h"

int verb_record(struct act *a)
{
	return ENOTSUP;
}
