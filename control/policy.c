/*
 * policy.c - one table, role x verb.
 *
 * Two columns a role: on itself, and on others or the room. A verb that names a room and no member is always
 * "others", but for join: who joins brings itself. LEAVE, HOLD and KEY tell what a member's own end has done; not
 * even a host says that for somebody else (it would unmute people by pressing their keys), a host has KICK and
 * MUTE. VIEW is about what the member hears, so anybody may on itself. Anybody may MOVE itself: it could as well
 * hang up and call the other room. In a band without a host everybody leads (may_lead in control.c). Who speaks asks for the floor by FLOOR on itself, and gives it back. The system may
 * everything and does not come here.
 */
#include <errno.h>
#include "policy.h"

enum { NO = RIGHT_NO, ON = RIGHT_ON, FREE = RIGHT_FREE, YES = RIGHT_YES };

static const struct { uint8_t self[ROLE_N], others[ROLE_N]; } table[VERB_N] = {
	/*                     on itself:   listener speaker host    on others: listener speaker host */
	[VERB_CREATE]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_END]         = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_JOIN]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_LEAVE]       = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     NO  } },
	[VERB_KICK]        = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_MUTE]        = { .self = {    ON,      FREE,   YES },  .others = { NO,      NO,     YES } },
	[VERB_DEAF]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_HOLD]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     NO  } },
	[VERB_GAIN]        = { .self = {    NO,      YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_ROLE]        = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_HAND]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_LOCK]        = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_MUTE_ALL]    = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_MOVE]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_DIAL]        = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_KEY]         = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     NO  } },
	[VERB_PAN]         = { .self = {    NO,      YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_VIEW]        = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_CHANGE]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_CLEAR]       = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_ADMIT]       = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_REFUSE]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_BAN]         = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_UNBAN]       = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_ASK_UNMUTE]  = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_FLOOR]       = { .self = {    NO,      YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_BREAKOUT]    = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_RECALL]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_ANNOUNCE]    = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_PLAY]        = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_COUNT]       = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_RECORD]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_TEMPO]       = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_TRANSPORT]   = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_CLICK]       = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_FOLLOW]      = { .self = {    NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_CONTROLLER]  = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_BUFFER]      = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_RED]         = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_CLICK_SYNC]  = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_SECTION]     = { .self = {    NO,      YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_SECTION_GAIN] = { .self = {   NO,      NO,     YES },  .others = { NO,      NO,     YES } },
	[VERB_SECTION_VIEW] = { .self = {   YES,     YES,    YES },  .others = { NO,      NO,     YES } },
	[VERB_LATENCY]     = { .self = {    YES,     YES,    YES },  .others = { NO,      NO,     YES } },
};

enum right policy_right(enum role role, enum verb verb, bool self)
{
	if ((unsigned)role >= ROLE_N || (unsigned)verb >= VERB_N)
		return RIGHT_NO;
	return (enum right)(self ? table[verb].self[role] : table[verb].others[role]);
}

int policy_check(enum role role, enum verb verb, bool self, bool on, bool held)
{
	switch (policy_right(role, verb, self)) {
	case RIGHT_YES:  return 0;
	case RIGHT_ON:   return on ? 0 : EPERM;
	case RIGHT_FREE: return on || !held ? 0 : EPERM;
	case RIGHT_NO:   break;
	}
	return EPERM;
}
