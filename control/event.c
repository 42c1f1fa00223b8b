/*
 * event.c - the one place where a room's version is counted, and where it is told.
 *
 * Listeners of the room hear it first, then those of all rooms, each in the order it came. While one is being told
 * the state stands still: control_run refuses (EDEADLK), so every listener sees the room as of the event's version.
 * A listener may free itself or any other one from inside the call.
 */
#include "state.h"

struct event_lsnr {
	struct le le;             /* room.lsnrs or control.lsnrs */
	struct control *c;        /* NULL when control or the room has gone */
	event_h *h;
	void *arg;
};

static const char *const names[] = {
	[EVENT_ROOM_CREATED] = "room-created", [EVENT_ROOM_CHANGED] = "room-changed", [EVENT_ROOM_ENDED] = "room-ended",
	[EVENT_SPEAKER] = "speaker", [EVENT_DELAYS] = "delays", [EVENT_DELAY] = "delay",
	[EVENT_MEMBER_WAITING] = "member-waiting",
	[EVENT_MEMBER_JOINED] = "member-joined", [EVENT_MEMBER_CHANGED] = "member-changed",
	[EVENT_MEMBER_TALKING] = "member-talking", [EVENT_MEMBER_KEY] = "member-key", [EVENT_MEMBER_LEFT] = "member-left",
};

const char *event_name(enum event_type type)
{
	return (unsigned)type < ARRAY_SIZE(names) ? names[type] : "?";
}

static void lsnr_destructor(void *data)
{
	struct event_lsnr *l = data;

	if (l->c && l->c->next_lsnr == &l->le)
		l->c->next_lsnr = l->le.next;
	list_unlink(&l->le);
}

int event_listen(struct event_lsnr **lp, struct control *c, const char *room, event_h *h, void *arg)
{
	struct room *r = NULL;
	struct event_lsnr *l;

	if (!lp || !c || !h)
		return EINVAL;
	if (room && !(r = room_find(c, room)))
		return ENOENT;
	l = mem_zalloc(sizeof(*l), lsnr_destructor);
	if (!l)
		return ENOMEM;
	l->c = c;
	l->h = h;
	l->arg = arg;
	list_append(r ? &r->lsnrs : &c->lsnrs, &l->le, l);
	*lp = l;
	return 0;
}

void event_forget(struct list *lsnrs)
{
	struct le *le;

	while ((le = list_head(lsnrs)) != NULL) {
		struct event_lsnr *l = le->data;

		list_unlink(&l->le);
		l->c = NULL;
	}
}

static void tell_list(struct control *c, const struct list *lsnrs, const struct event *ev)
{
	struct le *le = list_head(lsnrs);

	while (le) {
		struct event_lsnr *l = le->data;

		c->next_lsnr = le->next;
		l->h(ev, l->arg);
		le = c->next_lsnr;
	}
	c->next_lsnr = NULL;
}

static void tell(struct room *r, struct event *ev)
{
	struct control *c = r->c;

	ev->number = ++c->n_events;
	ev->version = ++r->version;
	ev->at_ms = unix_ms();
	ev->room = r->name;
	c->telling++;
	tell_list(c, &r->lsnrs, ev);
	tell_list(c, &c->lsnrs, ev);
	c->telling--;
}

void event_tell(struct room *r, enum event_type type, const struct member *m, const char *detail)
{
	struct event ev = { .type = type, .member = m ? m->id : 0, .detail = detail ? detail : "", .who = m };

	tell(r, &ev);
}

void event_tell_delay(struct room *r, enum event_type type, const struct event_delay *delay)
{
	struct event ev = { .type = type, .detail = !delay ? "" : delay->over ? "over" : "well" };

	if (delay)
		ev.delay = *delay;
	tell(r, &ev);
}
