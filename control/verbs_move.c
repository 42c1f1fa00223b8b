/*
 * verbs_move.c - coming, going, and waiting.
 */
#include "keep.h"
#include "verbs.h"

/* Nobody brings in a role above its own. The system has none above it. */
bool verb_may_give(const struct act *a, enum role role)
{
	if (a->actor->kind == ACTOR_SYSTEM)
		return true;
	if (a->actor->kind == ACTOR_ACCOUNT)
		return role <= a->actor->role;
	const struct member *m = member_by_id(a->c, a->actor->member);
	return m && role <= m->role;
}

/* --- join --- */

/* As what it comes in, and with which of its flags. Who comes back finds them as it left them. */
static void take_place(struct member *m, const struct entry *e, const struct room *r)
{
	m->role = m->given = e->role;
	m->waiting = e->waiting;
	m->admitted = e->invited || e->seat;
	m->self_muted = e->seat ? e->seat->self_muted : r->conf.mute_on_entry && m->role != ROLE_HOST;
	m->host_muted = e->seat && !r->conf.floor ? e->seat->host_muted : member_is_muted_there(m, r);
	if (!e->seat)
		return;
	if (e->ghost)
		e->ghost->seated = false; /* the seat is not its own any more */
	else
		seat_drop(m->c->seats, e->seat->room, e->seat->uri);
	m->seated = true;                 /* the store has it, as something that is not true any more */
	m->seat_role = ROLE_N;
}

static void tell_entry(struct member *m, const char *detail)
{
	struct room *r = m->room;

	if (m->waiting)
		event_tell(r, EVENT_MEMBER_WAITING, m, waiting_name(m->waiting));
	else
		event_tell(r, EVENT_MEMBER_JOINED, m, detail);
	keep_seat(m);
}

static int bring_in(struct act *a, struct room *r, const struct entry *e)
{
	struct control *c = a->c;
	bool back = e->seat != NULL;
	struct member *m = NULL;
	int err = member_alloc(&m, c, a->cmd);

	if (err)
		return err;
	take_place(m, e, r);
	err = member_into(m, r);
	if (err) {
		mem_deref(m);
		return err;
	}
	room_add(r, m);
	hash_append(c->members, m->id, &m->he, m);
	c->n_members++;
	if (a->res)
		a->res->member = m->id;
	tell_entry(m, m->dialed_out ? "dialed-out" : back ? "back" : "");
	room_hosts_changed(r);
	if (e->ghost)
		member_end(e->ghost, "replaced", true);
	return 0;
}

int verb_join(struct act *a)
{
	const struct command *cmd = a->cmd;
	struct control *c = a->c;
	/* Whom a host has called in is invited: a locked door does not stop him. */
	struct entry e = { .uri = cmd->uri, .pin = cmd->text, .role = cmd->role, .invited = cmd->face->dialed_out,
			   .can_ask = cmd->face->can_ask };
	struct room *r = NULL;
	int err;

	if (c->draining)
		return ESHUTDOWN;
	if (!verb_may_give(a, cmd->role))
		return EPERM;
	if (c->conf.max_members && c->n_members >= c->conf.max_members)
		return EUSERS;
	err = room_find_or_begin(&r, c, cmd->room, cmd->on);
	if (!err)
		err = entry_judge(&e, r);
	return err ? err : bring_in(a, r, &e);
}

/* --- going --- */

int verb_leave(struct act *a)
{
	char buf[VERB_WHY_MAX];

	keep_seat_free(a->member);
	member_end(a->member, verb_why(buf, a, "bye"), false);
	return 0;
}

int verb_kick(struct act *a)
{
	char buf[VERB_WHY_MAX];

	member_end(a->member, verb_why(buf, a, "kicked"), true);
	return 0;
}

/* --- waiting --- */

int verb_admit(struct act *a)
{
	return a->member->waiting ? member_let_in(a->member) : 0;
}

int verb_refuse(struct act *a)
{
	char buf[VERB_WHY_MAX];

	if (!a->member->waiting)
		return EINVAL;
	member_end(a->member, verb_why(buf, a, "refused"), true);
	return 0;
}

/* --- moving --- */

struct flags { enum role role; enum waiting waiting; bool host_muted; };

static struct flags flags_of(const struct member *m)
{
	return (struct flags){ m->role, m->waiting, m->host_muted };
}

static void flags_set(struct member *m, struct flags f)
{
	m->role = f.role;
	m->waiting = f.waiting;
	m->host_muted = f.host_muted;
}

/* What the floor of one room has muted is free in the next, which may mute it by its own rules. */
static struct flags flags_there(const struct member *m, const struct room *to, const struct entry *e)
{
	struct flags f = { e->role, e->waiting, m->host_muted && !floor_mutes(m->room, m) };

	f.host_muted |= e->role != ROLE_HOST && (to->muted_all || to->conf.floor);
	return f;
}

/* Between the two events it is in neither room. */
int verb_move_member(struct member *m, struct room *to, const struct entry *e, const char *detail)
{
	struct room *from = m->room;
	struct flags was = flags_of(m), then = flags_there(m, to, e);
	int err;

	flags_set(m, then);
	err = member_into(m, to);
	if (err) {
		flags_set(m, was);
		member_apply(m);
		return err;
	}
	if (!room_related(from, to)) {
		keep_seat_gone(m);
		m->seated = false;
	}
	m->waiting = was.waiting;
	room_remove(m);
	m->waiting = then.waiting;
	m->admitted = e->invited || e->seat;
	room_tell_left(from, m, "moved");
	room_add(to, m);
	tell_entry(m, detail);
	member_changed(m, NULL);          /* it may be in the middle of a word */
	room_hosts_changed(from);
	room_hosts_changed(to);
	return 0;
}

/* A host may lead its people elsewhere, but a room where others are already does not get a host by another room's choice. */
static enum role role_there(const struct act *a, struct room *to)
{
	const struct member *m = a->member;
	bool gift = m->role > m->given;

	return a->actor->kind == ACTOR_MEMBER && to->n_members && gift && !room_related(m->room, to) ? m->given : m->role;
}

/* The system and accounts may lead anybody anywhere; a host among the rooms beside its own, and all may come back from them. */
static bool is_led(const struct act *a, struct room *to)
{
	const struct member *actor = member_by_id(a->c, a->actor->member);

	if (a->actor->kind != ACTOR_MEMBER)
		return true;
	return room_related(a->room, to) && !a->member->waiting && (to == room_root(to) || (actor && actor->role == ROLE_HOST));
}

int verb_move(struct act *a)
{
	struct member *m = a->member;
	struct room *to;
	int err = room_find_or_begin(&to, a->c, a->cmd->room, false);

	if (err || to == m->room)
		return err;
	struct entry e = { .uri = m->uri, .pin = a->cmd->text, .role = role_there(a, to), .invited = is_led(a, to), .moves = true };
	err = entry_judge(&e, to);
	return err ? err : verb_move_member(m, to, &e, "moved");
}
