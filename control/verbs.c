/*
 * verbs.c - the verbs' functions as one table.
 */
#include "text.h"
#include "verbs.h"

enum { R = VERB_FINDS_ROOM, M = VERB_FINDS_MEMBER, E = VERB_FINDS_EITHER };

static const struct verb_run table[VERB_N] = {
	[VERB_CREATE]     = { 0, verb_create },
	[VERB_END]        = { R, verb_end },
	[VERB_JOIN]       = { 0, verb_join },
	[VERB_LEAVE]      = { M, verb_leave },
	[VERB_KICK]       = { M, verb_kick },
	[VERB_MUTE]       = { M, verb_mute },
	[VERB_DEAF]       = { M, verb_deaf },
	[VERB_HOLD]       = { M, verb_hold },
	[VERB_GAIN]       = { M, verb_gain },
	[VERB_ROLE]       = { M, verb_role },
	[VERB_HAND]       = { M, verb_hand },
	[VERB_LOCK]       = { R, verb_lock },
	[VERB_MUTE_ALL]   = { R, verb_mute_all },
	[VERB_MOVE]       = { M, verb_move },
	[VERB_DIAL]       = { R, verb_dial },
	[VERB_KEY]        = { M, verb_key },
	[VERB_PAN]        = { M, verb_pan },
	[VERB_VIEW]       = { M, verb_view },
	[VERB_CHANGE]     = { R, verb_change },
	[VERB_CLEAR]      = { R, verb_clear },
	[VERB_ADMIT]      = { M, verb_admit },
	[VERB_REFUSE]     = { M, verb_refuse },
	[VERB_BAN]        = { R, verb_ban },
	[VERB_UNBAN]      = { R, verb_unban },
	[VERB_ASK_UNMUTE] = { M, verb_ask_unmute },
	[VERB_FLOOR]      = { M, verb_floor },
	[VERB_BREAKOUT]   = { R | M, verb_breakout },
	[VERB_RECALL]     = { R, verb_recall },
	[VERB_ANNOUNCE]   = { R, verb_announce },
	[VERB_PLAY]       = { R, verb_play },
	[VERB_COUNT]      = { E, verb_count },
	[VERB_RECORD]     = { R, verb_record },
	[VERB_TEMPO]      = { R, verb_tempo },
	[VERB_TRANSPORT]  = { R, verb_transport },
	[VERB_CLICK]      = { M, verb_click },
	[VERB_FOLLOW]     = { E, verb_follow },
	[VERB_CONTROLLER] = { M, verb_controller },
	[VERB_BUFFER]     = { M, verb_buffer },
	[VERB_RED]        = { M, verb_red },
	[VERB_CLICK_SYNC] = { M, verb_click_sync },
	[VERB_SECTION]    = { M, verb_section },
	[VERB_SECTION_GAIN] = { R, verb_section_gain },
	[VERB_SECTION_VIEW] = { M, verb_section_view },
	[VERB_LATENCY]    = { M, verb_latency },
};

const struct verb_run *verb_run(enum verb verb)
{
	return (unsigned)verb < VERB_N ? &table[verb] : NULL;
}

const char *verb_why(char buf[VERB_WHY_MAX], const struct act *a, const char *ours)
{
	if (!a->cmd->text || !a->cmd->text[0])
		return ours;
	text_clean(buf, VERB_WHY_MAX, a->cmd->text);
	return buf;
}
