/*
 * roomports.c - hears of rooms that open and close, and says so to whoever has ports for them.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "control/control.h"
#include "control/event.h"
#include "control/log.h"
#include "control/snapshot.h"
#include "addrlist.h"
#include "appleport.h"
#include "dnssd.h"
#include "oscquery.h"
#include "plain.h"
#include "portbook.h"
#include "roomports.h"

/* A port of plain OSC as the local network knows it. */
struct told {
	struct le le;
	char room[PORTBOOK_ROOM_MAX + 1];
	struct dnssd_entry *udp, *tcp;
};

struct roomports {
	struct dnssd *dnssd;
	struct appleports *apple;
	struct plain *plain;
	struct oscquery *query;
	struct portbook *book;            /* of plain OSC */
	struct list told;                 /* struct told, of its ports */
	struct dnssd_entry *query_told;
	const char *(*secret)(const char *room, void *arg);
	void *arg;
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

const char *roomports_check_osc(const char *text)
{
	return portbook_alloc(NULL, text) ? "each word is LOW-HIGH, a range of ports, or ROOM:PORT, an even one" : NULL;
}

/* --- what the local network is told --- */

static void told_destroy(void *arg)
{
	struct told *t = arg;

	list_unlink(&t->le);
	mem_deref(t->udp);
	mem_deref(t->tcp);
}

static void tell(struct dnssd_entry **ep, const struct roomports *p, const char *what, const char *type, uint16_t port,
	const char *const *txt)
{
	const int err = dnssd_register(ep, p->dnssd, what, type, port, txt);

	if (err)
		log_warning("osc.not-known", "name=%s type=%s error=\"%s\"", what, type, strerror(err));
}

/* What only this machine can reach is nobody else's business. */
static bool is_for_others(const struct roomports *p, const struct sa *at)
{
	return p->dnssd && !sa_is_loopback(at);
}

static void plain_tell(struct roomports *p, const char *room)
{
	static const char *const txt[] = {"txtvers=1", "version=1.1", NULL};
	struct told *t;
	struct sa at;

	if (plain_local(p->plain, room, &at) || !is_for_others(p, &at))
		return;
	t = mem_zalloc(sizeof(*t), told_destroy);
	if (!t)
		return;
	str_ncpy(t->room, room, sizeof(t->room));
	list_append(&p->told, &t->le, t);
	tell(&t->udp, p, room, "_osc._udp", sa_port(&at), txt);
	tell(&t->tcp, p, room, "_osc._tcp", sa_port(&at), txt);
}

static void plain_untell(struct roomports *p, const char *room)
{
	struct le *le;

	LIST_FOREACH(&p->told, le) {
		struct told *t = le->data;

		if (!str_casecmp(t->room, room)) {
			mem_deref(t);
			return;
		}
	}
}

/* --- plain OSC --- */

static bool is_written(const struct roomports *p, const char *room)
{
	const char *name;

	for (unsigned i = 0; (name = portbook_written(p->book, i)) != NULL; i++)
		if (!str_casecmp(name, room))
			return true;

	return false;
}

/* What cannot be opened is logged (plain.c), and the room goes on without. */
static void plain_room_open(struct roomports *p, const char *room)
{
	const char *secret = p->secret ? p->secret(room, p->arg) : "";
	uint16_t port;

	if (portbook_take(p->book, &port, room))
		return;
	if (plain_open(p->plain, room, port, *secret ? secret : NULL))
		portbook_give(p->book, room);
	else
		plain_tell(p, room);
}

static void plain_room(struct roomports *p, const char *room, bool open)
{
	if (!p->plain || is_written(p, room))     /* open all the time */
		return;

	if (open) {
		plain_room_open(p, room);
		return;
	}
	plain_untell(p, room);
	plain_close(p->plain, room);
	portbook_give(p->book, room);
}

static int plain_start(struct roomports *p, struct relay *r, const struct roomports_conf *conf)
{
	struct addrlist from;
	struct plain_conf pc = {.relay = r, .secret = conf->osc_secret, .allow = &from, .peers_max = conf->osc_players,
				.idle_s = conf->osc_idle_s};
	const char *room;
	int err;

	if (!*conf->osc)
		return 0;
	p->secret = conf->osc_room_secret;
	p->arg    = conf->arg;
	err = addrlist_read(&from, conf->osc_from);
	if (!err)
		err = sa_set_str(&pc.local, conf->osc_address, 0);
	if (!err)
		err = portbook_alloc(&p->book, conf->osc);
	if (!err)
		err = plain_alloc(&p->plain, &pc);
	for (unsigned i = 0; !err && (room = portbook_written(p->book, i)) != NULL; i++)
		plain_room_open(p, room);

	return err;
}

static int query_start(struct roomports *p, struct relay *r, const struct roomports_conf *conf)
{
	struct addrlist from;
	struct oscquery_conf qc = {.relay = r, .from = &from, .plain = p->plain};
	int err;

	if (!*conf->osc_query)
		return 0;
	err = addrlist_read(&from, conf->osc_from);
	if (!err)
		err = sa_decode(&qc.local, conf->osc_query, str_len(conf->osc_query));
	if (!err)
		err = oscquery_alloc(&p->query, &qc);
	if (!err && is_for_others(p, &qc.local))
		tell(&p->query_told, p, "Tutti", "_oscjson._tcp", sa_port(&qc.local), NULL);
	if (err)
		log_error("osc.query", "listen=%s error=\"%s\"", conf->osc_query, strerror(err));
	return err;
}

/* --- all --- */

static void set_room(struct roomports *p, const char *room, bool open)
{
	if (p->apple)
		appleports_room(p->apple, room, open);
	plain_room(p, room, open);
}

static void event_handler(const struct event *ev, void *arg)
{
	struct roomports *p = arg;

	if (ev->type == EVENT_ROOM_CREATED || ev->type == EVENT_ROOM_ENDED)
		set_room(p, ev->room, ev->type == EVENT_ROOM_CREATED);
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
		set_room(p, rooms->room[i].room, true);
	mem_deref(rooms);
	return 0;
}

static void roomports_destroy(void *arg)
{
	struct roomports *p = arg;

	mem_deref(p->lsnr);
	list_flush(&p->told);
	mem_deref(p->query_told);
	mem_deref(p->apple);
	mem_deref(p->query);
	mem_deref(p->plain);
	mem_deref(p->book);
	mem_deref(p->dnssd);
}

int roomports_alloc(struct roomports **rp, struct control *c, struct relay *r, const struct roomports_conf *conf)
{
	const struct appleports_conf apple = {.ports = conf->applemidi, .from = conf->applemidi_from,
		.max = conf->applemidi_sessions};
	struct roomports *p;
	int err = 0;

	*rp = NULL;
	if (!*conf->applemidi && !*conf->osc && !*conf->osc_query)
		return 0;
	p = mem_zalloc(sizeof(*p), roomports_destroy);
	if (!p)
		return ENOMEM;
	if (conf->announce)
		err = dnssd_alloc(&p->dnssd);
	if (!err && *conf->applemidi)
		err = appleports_alloc(&p->apple, r, p->dnssd, &apple);
	if (!err)
		err = plain_start(p, r, conf);
	if (!err)
		err = query_start(p, r, conf);
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

	if (p && p->apple)
		appleports_stats(p->apple, &a);
	*s = (struct roomports_stats){.malformed = a.malformed, .stranger = a.stranger, .sessions = a.sessions, .refused = a.refused,
		.ignored = a.ignored, .players = a.players};
	if (p && p->plain)
		plain_stats(p->plain, &s->plain);
}
