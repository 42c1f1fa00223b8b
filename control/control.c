/*
 * control.c - the one call by which a face acts, and what a leg has to say.
 *
 *     control_run:  arguments there?  >  room, member found?  >  policy  >  the verb's function  >  event(s)
 *
 * Everything happens on the control thread and is finished when control_run returns; there is no queue to be behind
 * on.
 */
#include <math.h>
#include <string.h>
#include "log.h"
#include "keep.h"
#include "policy.h"
#include "sound.h"
#include "spoken.h"
#include "state.h"

enum { ROOM_BUCKETS = 1024, MEMBER_BUCKETS = 4096 };

/* --- making and ending --- */

static void drop_room(struct room *r)
{
	struct le *le;

	while ((le = list_head(&r->members)) != NULL) {
		struct member *m = le->data;

		if (m->face.leg)
			leg_set_bus(m->face.leg, NULL);   /* a bus may not go while a leg is in it */
		mem_deref(m);
	}
	mem_deref(r);
}

static void control_destructor(void *data)
{
	struct control *c = data;
	struct le *le;

	while ((le = list_head(&c->rooms)) != NULL)
		drop_room(le->data);
	spoken_orphan(c->spoken);
	event_forget(&c->lsnrs);
	mem_deref(c->room_names);
	mem_deref(c->aliases);
	mem_deref(c->members);
	mem_deref(c->seats);
	sound_retire(c->alone);
	mem_deref((void *)c->conf.alone_file);
}

/* The music of a lonely member: the file when one is given and can be read, else our own tune. */
static int load_alone(struct sound **sp, const struct control_conf *conf)
{
	*sp = NULL;
	if (!conf->alone_music)
		return 0;
	if (conf->alone_file && conf->alone_file[0]) {
		char quoted[256];
		int err = sound_load(sp, conf->alone_file);

		if (!err)
			return 0;
		log_warning("rooms.alone-file", "file=%s error=%s using=built-in",
			    log_quote(quoted, sizeof(quoted), conf->alone_file, strlen(conf->alone_file)), strerror(err));
	}
	return sound_tune(sp);
}

static bool same_alone(const struct control_conf *a, const struct control_conf *b)
{
	const char *fa = a->alone_file ? a->alone_file : "", *fb = b->alone_file ? b->alone_file : "";

	return a->alone_music == b->alone_music && strcmp(fa, fb) == 0;
}

static int take_conf(struct control *c, const struct control_conf *conf)
{
	char *file = NULL;
	int err = conf->alone_file ? str_dup(&file, conf->alone_file) : 0;

	if (err)
		return err;
	mem_deref((void *)c->conf.alone_file);
	c->conf = *conf;
	c->conf.alone_file = file;
	if (conf->keypad)
		c->keypad = *conf->keypad;
	else
		keypad_defaults(&c->keypad);
	c->conf.keypad = NULL;
	return 0;
}

int control_alloc(struct control **cp, const struct control_conf *conf, struct mixer *mixer)
{
	struct control *c;
	int err;

	if (!cp || !conf || !mixer)
		return EINVAL;
	c = mem_zalloc(sizeof(*c), control_destructor);
	if (!c)
		return ENOMEM;
	c->mixer = mixer;
	c->n_events = unix_ms() * 1000;   /* above all that a process before this one has used */
	err = hash_alloc(&c->room_names, ROOM_BUCKETS);
	if (err)
		goto out;
	err = hash_alloc(&c->aliases, ROOM_BUCKETS);
	if (err)
		goto out;
	err = hash_alloc(&c->members, MEMBER_BUCKETS);
	if (err)
		goto out;
	err = seats_alloc(&c->seats);
	if (err)
		goto out;
	err = take_conf(c, conf);
	if (err)
		goto out;
	err = load_alone(&c->alone, conf);
	if (err)
		goto out;
	keep_restore(c);
out:
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

/* Rooms that are open keep the music they have: their buses are reading it. */
void control_reconf(struct control *c, const struct control_conf *conf)
{
	struct sound *alone = NULL;

	if (!c || !conf)
		return;
	if (!same_alone(&c->conf, conf)) {
		if (load_alone(&alone, conf))
			alone = NULL;
		sound_retire(c->alone);
		c->alone = alone;
	}
	if (take_conf(c, conf))
		log_error("control.reconf", "error=%s", strerror(ENOMEM));
}

void control_set_dialer(struct control *c, const struct face *dialer)
{
	c->dialer = dialer ? *dialer : (struct face){ 0 };
}

void control_set_players(struct control *c, control_players_h *h, void *arg)
{
	c->playersh    = h;
	c->players_arg = arg;
}

void control_drain(struct control *c)
{
	c->draining = true;
}

/* --- questions --- */

uint32_t control_members(const struct control *c)
{
	return c->n_members;
}

uint32_t control_rooms(const struct control *c)
{
	return c->n_rooms;
}

uint64_t control_speakers(const struct control *c)
{
	return c->n_speakers;
}

uint64_t control_number(const struct control *c)
{
	return c->n_events;
}

uint64_t control_room_version(const struct control *c, const char *room)
{
	const struct room *r = room_find(c, room);

	return r ? r->version : 0;
}

int control_levels(const struct control *c, const char *room, void (*h)(uint32_t member, uint8_t dbov, void *arg), void *arg)
{
	const struct room *r = room_find(c, room);
	struct le *le;

	if (!r)
		return ENOENT;
	LIST_FOREACH(&r->members, le) {
		const struct member *m = le->data;

		h(m->id, m->face.leg && member_heard(m) ? leg_level(m->face.leg) : 127, arg);
	}
	return 0;
}

bool control_room_exists(const struct control *c, const char *name)
{
	return room_find(c, name) != NULL;
}

const char *control_room_for(const struct control *c, const char *number)
{
	const struct room *r = c ? room_called(c, number) : NULL;

	return r ? r->name : NULL;
}

enum waiting control_member_waiting(const struct control *c, uint32_t member)
{
	const struct member *m = member_by_id(c, member);

	return m ? m->waiting : WAITING_NO;
}

bool control_room_is_music(const struct control *c, const char *name)
{
	const struct room *r = room_find(c, name);

	return r ? r->conf.music : room_name_is_music(c, name);
}

const char *control_member_room(const struct control *c, uint32_t member)
{
	const struct member *m = member_by_id(c, member);

	return m && m->room ? m->room->name : NULL;
}

/* --- commands --- */

static bool args_there(unsigned args, const struct command *cmd)
{
	return !((args & ARG_ROOM && (!cmd->room || !cmd->room[0])) || (args & ARG_MEMBER && !cmd->member) ||
		 (args & ARG_VALUE && !isfinite(cmd->value)) || (args & ARG_ROLE && (unsigned)cmd->role >= ROLE_N) ||
		 (args & ARG_URI && (!cmd->uri || !cmd->uri[0])) || (args & ARG_NAME && !cmd->name) ||
		 (args & ARG_TEXT && !cmd->text) || (args & ARG_FACE && !cmd->face) || (args & ARG_OTHER && !cmd->other) ||
		 (args & ARG_PAN && !isfinite(cmd->pan)) || (args & ARG_SETTINGS && (!cmd->settings || !cmd->n_settings)) ||
		 (args & ARG_WHERE && !cmd->member && (!cmd->room || !cmd->room[0])));
}

static int find(struct act *a, unsigned finds)
{
	if (finds == VERB_FINDS_EITHER)
		finds = a->cmd->member ? VERB_FINDS_MEMBER : VERB_FINDS_ROOM;
	if (finds & VERB_FINDS_MEMBER) {
		a->member = member_by_id(a->c, a->cmd->member);
		if (!a->member)
			return ENOENT;
		a->room = a->member->room;
	}
	if (finds & VERB_FINDS_ROOM) {
		a->room = room_called(a->c, a->cmd->room);
		if (!a->room || (a->member && a->member->room != a->room))
			return ENOENT;
	}
	return 0;
}

/* A member acts on its own room and those beside it only, and by the role it has there now; not while it waits. */
/* A band needs no host to count in. */
static bool may_lead(const struct act *a, const struct member *actor)
{
	const bool beat = a->cmd->verb == VERB_TEMPO || a->cmd->verb == VERB_TRANSPORT || a->cmd->verb == VERB_FOLLOW;

	return beat && actor->role == ROLE_SPEAKER && actor->room->conf.music && !room_has_host(actor->room);
}

static int member_may(const struct act *a)
{
	const struct member *actor = member_by_id(a->c, a->actor->member);

	if (!actor)
		return ENOENT;
	if (!room_related(a->room ? a->room : room_called(a->c, a->cmd->room), actor->room))
		return EPERM;
	if (actor->waiting && !a->self)
		return EPERM;
	if (actor->room == a->room && may_lead(a, actor))
		return 0;
	return policy_check(actor->role, a->cmd->verb, a->self, a->cmd->on, a->member && a->member->host_muted);
}

static int may(struct act *a)
{
	switch (a->actor->kind) {
	case ACTOR_SYSTEM:
		return 0;
	case ACTOR_MEMBER:
		a->self = a->member && a->member->id == a->actor->member;
		return member_may(a);
	case ACTOR_ACCOUNT:               /* who joins brings itself */
		return policy_check(a->actor->role, a->cmd->verb, a->cmd->verb == VERB_JOIN, a->cmd->on, false);
	}
	return EPERM;
}

int control_run(struct control *c, const struct actor *actor, const struct command *cmd, struct result *res)
{
	const struct verb_run *v = cmd ? verb_run(cmd->verb) : NULL;
	struct act a = { .c = c, .actor = actor, .cmd = cmd, .res = res };
	int err;

	if (!c || !actor || !v || !args_there(command_info(cmd->verb)->args, cmd))
		return EINVAL;
	if (c->telling)
		return EDEADLK;           /* a listener must post what it wants changed (event.h) */
	err = find(&a, v->finds);
	if (err)
		return err;
	err = may(&a);
	return err ? err : v->run(&a);
}

/* --- what a leg says --- */

static void leg_silent(struct member *m)
{
	m->rtp_lost = true;
	if (!m->hold)
		member_lost(m);
}

static void leg_back(struct member *m)
{
	m->rtp_lost = false;
	wheel_cancel(&m->lost_tmr);
}

static void leg_floor(struct member *m, bool on)
{
	if ((on && !m->waiting) || m->room->speaker == m->id)
		room_speaker(m->room, on ? m->id : 0);
}

static void leg_key(struct member *m, char key)
{
	const char text[2] = { key, '\0' };
	struct actor self = { .kind = ACTOR_MEMBER, .member = m->id, .role = m->role };
	struct command cmd = { .verb = VERB_KEY, .member = m->id, .text = text };
	int err = control_run(m->c, &self, &cmd, NULL);

	if (err)
		log_debug("member.key", "member=%u error=%s", m->id, strerror(err));
}

void control_leg_event(struct control *c, uint32_t member, const struct leg_event *ev)
{
	struct member *m = c && ev ? member_by_id(c, member) : NULL;

	if (!m || !m->room || c->telling)
		return;
	switch (ev->type) {
	case LEG_EVENT_DTMF:
		leg_key(m, ev->key);
		break;
	case LEG_EVENT_TALKING:
		m->leg_talking = ev->on;
		member_changed(m, NULL);
		break;
	case LEG_EVENT_RTP_TIMEOUT:
		leg_silent(m);
		break;
	case LEG_EVENT_RTP_BACK:
		leg_back(m);
		break;
	case LEG_EVENT_FLOOR:
		leg_floor(m, ev->on);
		break;
	case LEG_EVENT_SAID:
	case LEG_EVENT_DTLS:              /* the face takes it */
	case LEG_EVENT_LATCHED:           /* the face logs it */
	case LEG_EVENT_BYE:               /* RFC 3550 6.6: an end of a source, not of the call; SIP says that */
		break;
	}
}
