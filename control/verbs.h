/*
 * verbs.h - what each verb does. control_run has found the room and the member, and policy has allowed it. Private to
 * control/.
 */
#ifndef CONTROL_VERBS_H
#define CONTROL_VERBS_H

#include "entry.h"
#include "state.h"

enum { VERB_WHY_MAX = 64 };

/* verbs_room.c */
int verb_create(struct act *a);
int verb_change(struct act *a);
int verb_end(struct act *a);
int verb_clear(struct act *a);
int verb_lock(struct act *a);
int verb_mute_all(struct act *a);
int verb_dial(struct act *a);
int verb_ban(struct act *a);
int verb_unban(struct act *a);

/* verbs_move.c: coming, going, and waiting */
int verb_join(struct act *a);
int verb_leave(struct act *a);
int verb_kick(struct act *a);
int verb_move(struct act *a);
int verb_admit(struct act *a);
int verb_refuse(struct act *a);
/* Into another room as e says, told as `detail` there. The sound moves first: where the new mix refuses it nothing has changed. */
int verb_move_member(struct member *m, struct room *to, const struct entry *e, const char *detail);
bool verb_may_give(const struct act *a, enum role role);  /* nobody brings in a role above its own */

/* breakout.c */
int verb_breakout(struct act *a);
int verb_recall(struct act *a);

/* verbs_member.c */
int verb_mute(struct act *a);
int verb_deaf(struct act *a);
int verb_hold(struct act *a);
int verb_gain(struct act *a);
int verb_pan(struct act *a);
int verb_view(struct act *a);
int verb_role(struct act *a);
int verb_hand(struct act *a);
int verb_key(struct act *a);
int verb_ask_unmute(struct act *a);
int verb_floor(struct act *a);
int verb_controller(struct act *a);
int verb_buffer(struct act *a);
int verb_red(struct act *a);
int verb_latency(struct act *a);
void verb_flag(struct member *m, bool *flag, bool on, const char *detail_on, const char *detail_off);

/* Why, in the words of the command or in ours. */
const char *verb_why(char buf[VERB_WHY_MAX], const struct act *a, const char *ours);

#endif
