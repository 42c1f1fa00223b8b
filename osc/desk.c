/*
 * desk.c - orders of players: from an address or a fader to control_run.
 *
 * A private mix has two sides, how loud and where; who moves one means the other to stay. A key on a surface turns over what is so
 * now. Both are looked up in the house at that moment, for nothing is kept here.
 */
#include <errno.h>
#include <string.h>
#include "desk_priv.h"

/* The n-th member that is not `me` and is in the mix, from 1. */
static uint32_t nth_other(const struct snapshot *s, uint32_t me, unsigned nth)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (s->member[i].id != me && !s->member[i].waiting && !--nth)
			return s->member[i].id;
	return 0;
}

/* --- an order --- */

static bool is_on(const struct snapshot *s, const struct snapshot_member *m, const struct house_order *o)
{
	switch (o->cmd.verb) {

	case VERB_MUTE:     return m && (o->whom == HOUSE_ME ? m->muted : m->muted_by_host);
	case VERB_DEAF:     return m && m->deaf;
	case VERB_HAND:     return m && m->hand;
	case VERB_CLICK:    return m && m->click;
	case VERB_RED:      return m && m->red;
	case VERB_FLOOR:    return m && (s->floor == m->id || m->hand);
	case VERB_LOCK:     return s->locked;
	case VERB_MUTE_ALL: return s->muted_all;
	case VERB_RECORD:   return !strcmp(o->word_on, "pause") ? !strcmp(s->recording, "paused") : s->recording[0] != '\0';
	default:            return false;
	}
}

static const struct snapshot_member *member_in(const struct snapshot *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (s->member[i].id == id)
			return &s->member[i];
	return NULL;
}

/* Whose state, and for a private mix of whom. ENOENT: nobody of that name. */
static int find(struct house_order *o, struct desk *d, const struct snapshot *s, uint32_t me)
{
	const struct desk_room *r = o->name[0] && !o->nth ? desk_room_sync(d, s) : NULL;
	uint32_t named = o->nth ? nth_other(s, me, o->nth) : r ? desk_member(r, o->name) : 0;

	if ((o->nth || o->name[0]) && !named)
		return ENOENT;
	o->cmd.room = s->room;
	o->cmd.member = o->whom == HOUSE_ME ? me : o->whom == HOUSE_OTHER ? named : 0;
	o->cmd.other = o->mix ? named : 0;
	if (o->worded)
		o->cmd.text = o->word;
	if (o->section)
		o->cmd.name = o->word;
	return 0;
}

static int complete_mix(struct house_order *o, const struct desk *d)
{
	float gain = 0, pan = COMMAND_PAN_SAME;
	int err = control_view(d->control, o->cmd.member, o->cmd.other, &gain, &pan);

	if (o->mix_pan)
		o->cmd.value = gain;
	else
		o->cmd.pan = pan;
	return err;
}

/* Its own member, or one for whom it was let act (VERB_CONTROLLER). 0: nobody. */
uint32_t desk_behind(const struct player *p, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_members && p->name[0]; i++)
		if (p->conf.member ? s->member[i].id == p->conf.member : !strcmp(s->member[i].controller, p->name))
			return s->member[i].id;
	return 0;
}

static const char *room_of(const struct desk *d, const struct player *p)
{
	if (p->conf.member)
		return control_member_room(d->control, p->conf.member);
	return p->ensemble ? ensemble_room(p->ensemble) : NULL;
}

static int command(struct desk *d, struct player *p, struct house_order *o)
{
	const char *room = room_of(d, p);
	struct actor actor = {.kind = ACTOR_MEMBER};
	struct snapshot *s = NULL;
	int err;

	if (!room || snapshot_take(&s, d->control, room))
		return EPERM;             /* nobody is behind it, or not any more */
	actor.member = desk_behind(p, s);
	err = actor.member ? find(o, d, s, actor.member) : EPERM;
	if (!err && o->toggle)
		house_set_flag(o, !is_on(s, member_in(s, o->cmd.member), o));
	if (!err && o->mix)
		err = complete_mix(o, d);
	if (!err)
		err = control_run(d->control, &actor, &o->cmd, NULL);
	mem_deref(s);
	return err;
}

static int order(struct desk *d, struct player *p, struct house_order *o)
{
	switch (o->what) {

	case HOUSE_COMMAND: return command(d, p, o);
	case HOUSE_LEVELS:  houseout_levels(d, p, o->on); break;
	case HOUSE_ASK:     houseout_all(d, p); break;
	case HOUSE_NOTHING: break;
	}
	return 0;
}

static void follow(struct desk *d, const struct player *p, const struct midi_cmd *midi)
{
	uint32_t hundredths = (uint32_t)midi->data[0] | (uint32_t)midi->data[1] << 8;
	const char *room = room_of(d, p);
	struct snapshot *s = NULL;

	if (!room || !control_follows(d->control, room) || snapshot_take(&s, d->control, room))
		return;
	(void)control_follow_tempo(d->control, desk_behind(p, s), hundredths * 10);
	mem_deref(s);
}

static void said(struct player *p, const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	struct desk *d = arg;
	struct house_order o;
	int err;

	if (midi && midi->status == MIDI_CLOCK) {
		follow(d, p, midi);
		return;
	}
	if (msg)
		p->desk.listens = true;
	err = msg ? house_read(&o, msg) : surface_order(&o, &d->surface, midi);
	if (!msg && err)
		return;                   /* the map says nothing of it: it is music */
	if (!err)
		err = order(d, p, &o);
	if (err)
		houseout_error(p, msg ? msg->addr : "/midi", err);
}

/* --- life --- */

/* The room may have a beat by now. */
static void opened(struct ensemble *e, void *arg)
{
	struct desk *d = arg;
	struct beat b;

	if (!control_beat(d->control, ensemble_room(e), &b))
		(void)ensemble_set_beat(e, &b);
}

static void on_event(const struct event *ev, void *arg)
{
	houseout_event(ev, arg);
}

static void desk_destroy(void *arg)
{
	struct desk *d = arg;

	if (d->relay)
		relay_set_house(d->relay, NULL);
	mem_deref(d->lsnr);
	tmr_cancel(&d->levels);
	tmr_cancel(&d->later);
	list_flush(&d->news);
	list_flush(&d->told);
	list_flush(&d->rooms);
	mem_deref(d->relay);
}

int desk_alloc(struct desk **dp, struct relay *r, struct control *c, const char *surface)
{
	struct desk *d;
	int err;

	if (!dp || !r || !c)
		return EINVAL;
	d = mem_zalloc(sizeof(*d), desk_destroy);
	if (!d)
		return ENOMEM;
	tmr_init(&d->levels);
	tmr_init(&d->later);
	d->control = c;
	err = surface_read(&d->surface, surface ? surface : "", NULL);
	if (!err)
		err = event_listen(&d->lsnr, c, NULL, on_event, d);
	if (err) {
		mem_deref(d);
		return err;
	}
	d->relay = mem_ref(r);
	relay_set_house(r, &(struct relay_house){.said = said, .opened = opened, .surface = d->surface.n > 0, .arg = d});
	*dp = d;
	return 0;
}

const char *desk_surface_wrong(const char *surface)
{
	const char *wrong = "";
	struct surface s;

	switch (surface_read(&s, surface, &wrong)) {
	case 0:     return NULL;
	case E2BIG: return "at most 64 rows";
	default:    return "rows are like cc:1:7=me/gain, cc:N:7=me/mix/N/fader, note:1:40=me/mute";
	}
}
