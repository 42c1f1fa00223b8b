/*
 * entry.c - may it come in, as what, and must it wait?
 *
 *     banned?  >  a seat it had left?  >  PIN  >  locked?  >  full?  >  schedule  >  its name  >  host there?  >  lobby
 *
 * A host passes all but the ban, the PIN that makes it one, and the limit. Who comes back to its seat has said its PIN
 * and was let in before, and is not new in a room that was locked behind it.
 */
#include "entry.h"
#include "keep.h"
#include "state.h"

static int judge_pin(struct entry *e, const struct room *r)
{
	const struct room_conf *rc = &r->conf;

	if (e->pin && e->pin[0] && pin_is(&rc->host_pin, e->pin)) {
		e->role = ROLE_HOST;
		return 0;
	}
	if (e->role == ROLE_HOST || e->invited || e->seat || (!rc->host_pin.rounds && !rc->guest_pin.rounds))
		return 0;
	if (!e->pin)
		return EACCES;
	if (!rc->guest_pin.rounds && !e->pin[0])          /* only hosts have one here, and this one claims to be none */
		return 0;
	return pin_is(&rc->guest_pin, e->pin) ? 0 : EACCES;
}

static bool is_shut(const struct room *r, enum role role)
{
	return role != ROLE_HOST && (r->phase == SCHEDULE_OVER || (r->phase == SCHEDULE_BEFORE && !r->conf.early_wait));
}

/* For what a member of this room would wait now. */
static enum waiting entry_waits(const struct room *r, enum role role, bool admitted)
{
	if (role == ROLE_HOST)
		return WAITING_NO;
	if (r->phase == SCHEDULE_BEFORE)
		return WAITING_START;
	if (r->conf.wait_for_host && !room_has_host(r))
		return WAITING_HOST;
	return r->conf.lobby && !admitted ? WAITING_ADMIT : WAITING_NO;
}

/* An account's host stays one; else the seat says what it was. Who has a seat is not asked for a PIN: who was asked all the same,
 * since its name is only a claim, comes in by the PIN alone. */
static void take_seat(struct entry *e, struct room *r)
{
	if (e->pin)
		return;
	e->seat = keep_seat_for(r, e->uri);
	e->ghost = e->seat || e->moves ? NULL : keep_ghost_for(r, e->uri);
	if (e->ghost) {
		e->lost = keep_seat_of(e->ghost);
		e->seat = &e->lost;
	}
	if (e->seat && e->role != ROLE_HOST)
		e->role = e->seat->role;
}

/* Last of all: nobody is asked who then may not come in. Who comes back to its seat is known. */
static bool says_name(const struct entry *e, const struct room *r)
{
	return e->can_ask && r->conf.announce_names && !r->conf.music && !e->invited && !e->seat;
}

int entry_judge(struct entry *e, struct room *r)
{
	char key[CALLER_KEY_MAX];
	int err;

	caller_key(key, e->uri);
	if (ban_meets(&room_root(r)->bans, key))
		return EPERM;
	take_seat(e, r);
	err = judge_pin(e, r);
	if (err)
		return err;
	if (r->locked && e->role != ROLE_HOST && !e->invited && !e->seat)
		return EPERM;
	if (room_full(r, e->role) && !e->ghost)
		return EUSERS;
	if (is_shut(r, e->role) && !e->invited)
		return EAGAIN;
	if (says_name(e, r))
		return ENOMSG;
	e->waiting = e->invited ? WAITING_NO : entry_waits(r, e->role, e->seat != NULL);
	return 0;
}

void entry_review(struct room *r)
{
	struct le *le = list_head(&r->members);

	while (le && r->n_waiting) {
		struct member *m = le->data;
		enum waiting now = entry_waits(r, m->role, m->admitted);

		le = le->next;
		if (!m->waiting || now == m->waiting)
			continue;
		if (now == WAITING_NO) {
			(void)member_let_in(m);           /* no memory: it waits on, and is looked at again */
			continue;
		}
		m->waiting = now;
		event_tell(r, EVENT_MEMBER_WAITING, m, waiting_name(now));
	}
}

bool control_asks_name(const struct control *c, const char *room, const char *uri)
{
	const struct room *r = c ? room_called(c, room) : NULL;

	return r && r->conf.announce_names && !r->conf.music && !keep_seat_for(r, uri) && !keep_ghost_for(r, uri);
}

bool control_needs_pin(const struct control *c, const char *room, const char *uri)
{
	const struct room *r = c ? room_called(c, room) : NULL;

	return r && (r->conf.host_pin.rounds || r->conf.guest_pin.rounds) && !keep_seat_for(r, uri) &&
	       !keep_ghost_for(r, uri);
}
