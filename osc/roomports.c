/*
 * roomports.c - hears of rooms that open and close, and says so to whoever has ports for them.
 */
#include <errno.h>
#include <re.h>
#include "control/control.h"
#include "control/event.h"
#include "control/snapshot.h"
#include "appleport.h"
#include "dnssd.h"
#include "roomports.h"

struct roomports {
	struct dnssd *dnssd;
	struct appleports *apple;
	struct event_lsnr *lsnr;
};

const char *roomports_check_ports(const char *text)
{
	return appleports_check(text, NULL);
}

const char *roomports_check_from(const char *text)
{
	return appleports_check(NULL, text);
}

static void event_handler(const struct event *ev, void *arg)
{
	struct roomports *p = arg;

	if (ev->type == EVENT_ROOM_CREATED || ev->type == EVENT_ROOM_ENDED)
		appleports_room(p->apple, ev->room, ev->type == EVENT_ROOM_CREATED);
}

static int follow(struct roomports *p, struct control *c)
{
	struct snapshot_rooms *rooms;
	int err = event_listen(&p->lsnr, c, NULL, event_handler, p);

	if (!err)
		err = snapshot_rooms(&rooms, c);
	if (err)
		return err;
	for (size_t i = 0; i < rooms->n; i++)
		appleports_room(p->apple, rooms->room[i].room, true);
	mem_deref(rooms);
	return 0;
}

static void roomports_destroy(void *arg)
{
	struct roomports *p = arg;

	mem_deref(p->lsnr);
	mem_deref(p->apple);
	mem_deref(p->dnssd);
}

int roomports_alloc(struct roomports **rp, struct control *c, struct relay *r, const struct roomports_conf *conf)
{
	const struct appleports_conf apple = {.ports = conf->applemidi, .from = conf->applemidi_from,
		.max = conf->applemidi_sessions};
	struct roomports *p;
	int err = 0;

	*rp = NULL;
	if (!*conf->applemidi)
		return 0;
	p = mem_zalloc(sizeof(*p), roomports_destroy);
	if (!p)
		return ENOMEM;
	if (conf->announce)
		err = dnssd_alloc(&p->dnssd);
	if (!err)
		err = appleports_alloc(&p->apple, r, p->dnssd, &apple);
	if (!err)
		err = follow(p, c);
	if (err)
		mem_deref(p);
	else
		*rp = p;
	return err;
}

void roomports_stats(const struct roomports *p, struct roomports_stats *s)
{
	struct appleports_stats a = {.players = 0};

	if (p)
		appleports_stats(p->apple, &a);
	*s = (struct roomports_stats){.malformed = a.malformed, .stranger = a.stranger, .sessions = a.sessions, .refused = a.refused,
		.ignored = a.ignored, .players = a.players};
}
