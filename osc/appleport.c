/*
 * appleport.c - the ports of all rooms, and the players behind them: who came by a door gets a name, a player and a line.
 *
 * IPv4 and IPv6 are a door each, for a Mac takes whatever address DNS-SD gives it first.
 */
#include <errno.h>
#include <string.h>
#include "control/log.h"
#include "addrlist.h"
#include "appleport.h"
#include "dnssd.h"
#include "line_apple.h"
#include "portbook.h"
#include "relay_priv.h"

enum { DOORS = 2 };

struct guest {
	struct player *player;
	uint32_t session;
};

struct appleport {
	struct le le;
	struct appleports *all;
	char     room[ENSEMBLE_ROOM_MAX + 1];
	uint16_t port;
	bool     written;                 /* there whether the room is open or not */
	struct ensemble *ensemble;
	struct dnssd_entry *entry;
	struct threshold {
		struct appleport *port;
		struct appledoor *door;   /* NULL: no such addresses here */
		struct guest guest[APPLEPEERS_SLOTS];
	} at[DOORS];
};

struct appleports {
	struct relay *relay;              /* a reference */
	struct dnssd *dnssd;
	struct portbook *book;
	struct addrlist *from;            /* also the forward thread's; it does not change */
	struct appleports_conf conf;
	struct list ports;
	struct appleports_stats was;      /* of ports that are gone */
};

/* ---- who comes ---- */

/* "1 to 32 of A-Z a-z 0-9 - _ ., not starting with _ or ." */
static void make_wish(char wish[VIEW_NAME_MAX + 1], const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = 0;
	bool gap = false;

	for (; *name && n < VIEW_NAME_MAX; name++) {
		if (!strchr(good, *name) || (!n && (*name == '_' || *name == '.'))) {
			gap = n > 0;
			continue;
		}
		if (gap && n + 1 < VIEW_NAME_MAX)
			wish[n++] = '-';
		gap = false;
		wish[n++] = *name;
	}
	wish[n] = '\0';
	if (!n)
		str_ncpy(wish, "midi", VIEW_NAME_MAX + 1);
}

static void log_guest(const char *what, const struct appleport *p, const struct player *player, const char *theirs,
	const struct sa *from)
{
	char quoted[4 * APPLEMIDI_NAME_MAX + 3], addr[64];

	(void)re_snprintf(addr, sizeof(addr), "%J", from);
	log_info(what, "room=%s player=%s from=%s calls-itself=%s", p->room, player_name(player), addr,
		log_quote(quoted, sizeof(quoted), theirs, strlen(theirs)));
}

static int player_for(struct player **pp, const struct appleport *p, const struct apple_news *news)
{
	struct player_conf conf = {.member = 0};

	make_wish(conf.wish, news->name);
	(void)re_snprintf(conf.identity, sizeof(conf.identity), "applemidi:%s@%j", conf.wish, &news->from);
	(void)re_snprintf(conf.cname, sizeof(conf.cname), "applemidi@%j", &news->from);
	return player_alloc(pp, p->all->relay, p->ensemble, &conf);
}

static void came(struct threshold *t, const struct apple_news *news)
{
	struct guest *g = &t->guest[news->slot];
	struct line_rt *line = NULL;
	int err;

	g->player = mem_deref(g->player);
	g->session = news->session;
	err = player_for(&g->player, t->port, news);
	if (!err)
		err = line_apple_alloc(&line, &t->port->all->relay->conf, t->door, news->slot, news->session);
	if (!err)
		err = player_put_line(g->player, line);
	if (!err) {
		log_guest("applemidi.joined", t->port, g->player, news->name, &news->from);
		return;
	}
	log_warning("applemidi.no-place", "room=%s error=\"%s\"", t->port->room, strerror(err));
	mem_deref(line);
	g->player = mem_deref(g->player);
	appledoor_dismiss(t->door, news->slot, news->session);
}

static void news_handler(const struct apple_news *news, void *arg)
{
	struct threshold *t = arg;
	struct guest *g = &t->guest[news->slot];

	if (news->in) {
		came(t, news);
	} else if (g->player && g->session == news->session) {
		log_info("applemidi.left", "room=%s player=%s", t->port->room, player_name(g->player));
		g->player = mem_deref(g->player);
	}
}

/* Forward thread. */
static bool allow(const struct sa *from, void *arg)
{
	return addrlist_has(arg, from);
}

/* ---- ports ---- */

static void add_stats(struct appleports_stats *s, const struct appleport *p)
{
	for (unsigned i = 0; i < DOORS; i++) {
		struct appledoor_stats d;

		if (!p->at[i].door)
			continue;
		appledoor_stats(p->at[i].door, &d);
		s->malformed += d.malformed;
		s->stranger += d.stranger;
		s->refused += d.refused;
		s->ignored += d.ignored;
		s->sessions += d.proven;
	}
}

/* The players first: their lines say BY, and the others hear them leave. */
static void port_destroy(void *arg)
{
	struct appleport *p = arg;

	mem_deref(p->entry);
	if (p->le.list)
		add_stats(&p->all->was, p);
	list_unlink(&p->le);
	for (unsigned i = 0; i < DOORS; i++) {
		for (unsigned k = 0; k < APPLEPEERS_SLOTS; k++)
			mem_deref(p->at[i].guest[k].player);
		if (p->at[i].door)
			appledoor_end(p->at[i].door);
	}
	mem_deref(p->ensemble);
}

static int open_door(struct appleport *p, unsigned i, const struct sa *local)
{
	struct appleports *a = p->all;
	struct relay_conf conf = a->relay->conf;
	struct applepeers_conf peers = {.ssrc = rand_u32(), .secret = {rand_u64(), rand_u64()}, .max = a->conf.max,
		.max_per_address = a->conf.max_per_address, .allow = allow, .arg = a->from};
	struct line_port *port;
	int err;

	conf.port_min = p->port;
	conf.port_max = (uint16_t)(p->port + 1);
	str_ncpy(peers.name, p->room, sizeof(peers.name));
	err = appledoor_alloc(&p->at[i].door, a->relay->forward, &conf, local, &peers, news_handler, &p->at[i]);
	if (err)
		return err;
	port = appledoor_port(p->at[i].door);
	list_append(&a->relay->ports, &port->le, port);
	return 0;
}

static int open_doors(struct appleport *p)
{
	struct sa any;
	int err, six;

	if (sa_isset(&p->all->conf.local, SA_ADDR))
		return open_door(p, 0, &p->all->conf.local);
	(void)sa_set_str(&any, "0.0.0.0", 0);
	err = open_door(p, 0, &any);
	(void)sa_set_str(&any, "::", 0);
	six = open_door(p, 1, &any);
	return six == EAFNOSUPPORT || six == EADDRNOTAVAIL || !six ? err : six;
}

static int port_alloc(struct appleport **pp, struct appleports *a, const char *room)
{
	struct appleport *p = mem_zalloc(sizeof(*p), port_destroy);
	int err;

	if (!p)
		return ENOMEM;
	p->all = a;
	for (unsigned i = 0; i < DOORS; i++)
		p->at[i].port = p;
	str_ncpy(p->room, room, sizeof(p->room));
	err = portbook_take(a->book, &p->port, room);
	if (err) {
		mem_deref(p);
		return err;
	}
	err = ensemble_get(&p->ensemble, a->relay, room);
	if (!err)
		err = open_doors(p);
	if (err) {
		portbook_give(a->book, room);
		mem_deref(p);
		return err;
	}
	list_append(&a->ports, &p->le, p);
	*pp = p;
	return 0;
}

static void tell_network(struct appleport *p)
{
	const int err = p->all->dnssd ? dnssd_register(&p->entry, p->all->dnssd, p->room, "_apple-midi._udp", p->port, NULL) : 0;

	if (err)
		log_warning("applemidi.not-known", "room=%s error=\"%s\"", p->room, strerror(err));
}

static void open_port(struct appleports *a, const char *room, bool written)
{
	struct appleport *p;
	const int err = port_alloc(&p, a, room);

	if (err == ENOSPC) {
		log_warning("applemidi.no-port", "room=%s hint=\"all ports of gesture.applemidi are taken\"", room);
		return;
	}
	if (err) {
		log_error("applemidi.not-open", "room=%s error=\"%s\"", room, strerror(err));
		return;
	}
	p->written = written;
	tell_network(p);
	log_info("applemidi.open", "room=%s port=%u", room, p->port);
}

static struct appleport *find(const struct appleports *a, const char *room)
{
	struct le *le;

	LIST_FOREACH(&a->ports, le) {
		struct appleport *p = le->data;

		if (!str_casecmp(p->room, room))
			return p;
	}
	return NULL;
}

void appleports_room(struct appleports *a, const char *room, bool open)
{
	struct appleport *p = a ? find(a, room) : NULL;

	if (!a || (p && p->written))
		return;
	if (open && !p) {
		open_port(a, room, false);
	} else if (!open && p) {
		portbook_give(a->book, room);
		mem_deref(p);
	}
}

/* ---- all of them ---- */

static void ports_destroy(void *arg)
{
	struct appleports *a = arg;

	list_flush(&a->ports);
	mem_deref(a->book);
	mem_deref(a->from);
	mem_deref(a->relay);
}

const char *appleports_check(const char *ports, const char *from)
{
	struct addrlist list;

	if (ports && portbook_alloc(NULL, ports))
		return "words are LOW-HIGH, PORT or ROOM:PORT; a port is even, from 1024 on, and stands for itself and the next; 512 at most";
	if (from && addrlist_read(&list, from))
		return "words are local, any, an IP address, or ADDRESS/BITS";
	return NULL;
}

int appleports_alloc(struct appleports **ap, struct relay *r, struct dnssd *d, const struct appleports_conf *conf)
{
	struct appleports *a;
	const char *room;
	int err;

	if (!ap || !r || !conf || !conf->max || conf->max > APPLEPEERS_MAX)
		return EINVAL;
	a = mem_zalloc(sizeof(*a), ports_destroy);
	if (!a)
		return ENOMEM;
	a->relay = mem_ref(r);
	a->dnssd = d;
	a->conf = *conf;
	err = portbook_alloc(&a->book, conf->ports);
	if (!err) {
		a->from = mem_zalloc(sizeof(*a->from), NULL);
		err = a->from ? addrlist_read(a->from, conf->from) : ENOMEM;
	}
	if (err) {
		mem_deref(a);
		return err;
	}
	for (unsigned i = 0; (room = portbook_written(a->book, i)) != NULL; i++)
		open_port(a, room, true);
	*ap = a;
	return 0;
}

int appleports_bound(const struct appleports *a, const char *room, struct sa at[2])
{
	const struct appleport *p = find(a, room);
	const struct line_port *port = p ? appledoor_port(p->at[0].door ? p->at[0].door : p->at[1].door) : NULL;

	if (!port)
		return ENOENT;
	at[0] = port->local[0];
	at[1] = port->local[1];
	return 0;
}

void appleports_stats(const struct appleports *a, struct appleports_stats *s)
{
	struct le *le;

	*s = a->was;
	LIST_FOREACH(&a->ports, le) {
		const struct appleport *p = le->data;

		add_stats(s, p);
		s->ports++;
		for (unsigned i = 0; i < DOORS * APPLEPEERS_SLOTS; i++)
			s->players += p->at[i / APPLEPEERS_SLOTS].guest[i % APPLEPEERS_SLOTS].player != NULL;
	}
}
