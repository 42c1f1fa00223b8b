/*
 * callgest.c - players behind calls.
 *
 * The answer to an INVITE needs the name of the player before control has let anybody in; so the name is reserved in the room's
 * ensemble, which forgets it if the call never gets there. Who is asked for the room first gets its name when it knows the room, and
 * if that is another than it was told, an offer of ours tells it.
 *
 * An ensemble lives as long as its room: "names are unique in a conference for its whole life".
 */
#include <string.h>
#include "callgest.h"
#include "control/event.h"
#include "control/log.h"
#include "control/snapshot.h"

static const char *const kind_names[GESTLINE_KINDS] = {"midi", "osc", "udp", "tcp", "tls"};

struct callgests {
	const struct config *cfg;
	struct control *control;
	struct relay *relay;
	struct event_lsnr *lsnr;
	struct list calls;                /* struct callgest */
	struct list rooms;                /* struct room_le */
};

struct room_le {
	struct le le;
	struct ensemble *ensemble;
	char name[ROOM_NAME_MAX + 1];
};

struct callgest {
	struct le le;
	struct callgests *all;
	struct player *player;            /* NULL until a line of gestures is offered */
	char identity[256], room[ROOM_NAME_MAX + 1], told[VIEW_NAME_MAX + 1];
	struct sa local, source;
	struct dtlscert *cert;
	uint32_t member;
	bool ended;
	struct gestspace *claims;         /* what it claims of the flat space; NULL: nothing */
	uint32_t granted;
	struct { bool set; uint8_t mark[OFFER_MARK]; } line[GESTLINE_KINDS];
	void (*renamed)(void *arg);
	void *arg;
};

/* --- rooms --- */

static void room_destructor(void *arg)
{
	struct room_le *r = arg;

	list_unlink(&r->le);
	mem_deref(r->ensemble);
}

static struct room_le *room_find_le(const struct callgests *g, const char *name)
{
	for (struct le *le = g->rooms.head; le; le = le->next) {
		struct room_le *r = le->data;

		if (!str_casecmp(r->name, name))
			return r;
	}
	return NULL;
}

/* The ensemble of a room that is open, kept until that ends. */
static struct ensemble *room_ensemble(struct callgests *g, const char *name)
{
	struct room_le *r = room_find_le(g, name);

	if (r)
		return r->ensemble;
	r = mem_zalloc(sizeof(*r), room_destructor);
	if (!r)
		return NULL;
	str_ncpy(r->name, name, sizeof(r->name));
	if (ensemble_get(&r->ensemble, g->relay, name))
		return mem_deref(r);
	list_append(&g->rooms, &r->le, r);
	return r->ensemble;
}

/* --- where a player is --- */

/* In another room it may be called otherwise, and others may own what it owned. */
static void check_told(struct callgest *c)
{
	const uint32_t granted = c->granted;

	if (c->claims)
		c->granted = player_claims(c->player, c->claims);
	if (c->renamed && ((c->told[0] && strcmp(c->told, player_name(c->player))) || c->granted != granted))
		c->renamed(c->arg);
}

/* In the ensemble of its room, or nowhere while it waits. */
static void place(struct callgest *c)
{
	const char *room = c->member ? control_member_room(c->all->control, c->member) : NULL;
	struct ensemble *to = NULL;
	int err;

	if (!c->player)
		return;
	if (room && control_member_waiting(c->all->control, c->member) == WAITING_NO)
		to = room_ensemble(c->all, room);
	if (to == player_ensemble(c->player))
		return;
	err = player_move(c->player, to);
	if (err)
		log_warning("gestures.move", "room=%s member=%u err=%d", room ? room : "-", c->member, err);
	else if (to)
		check_told(c);
}

static void event_handler(const struct event *ev, void *arg)
{
	struct callgests *g = arg;

	if (ev->type == EVENT_ROOM_ENDED)
		mem_deref(room_find_le(g, ev->room));
	/* Who is moved is there again at once; who has left ends its call. */
	if (ev->type != EVENT_MEMBER_JOINED && ev->type != EVENT_MEMBER_WAITING)
		return;
	for (struct le *le = g->calls.head; le; le = le->next) {
		struct callgest *c = le->data;

		if (c->member == ev->member)
			place(c);
	}
}

void callgest_joined(struct callgest *c, uint32_t member)
{
	if (!c)
		return;
	c->member = member;
	if (!c->player)
		return;
	player_set_member(c->player, member);
	place(c);
}

void callgest_end(struct callgest *c)
{
	if (!c)
		return;
	c->ended  = true;
	player_forget_keysh(c->player);
	c->player = mem_deref(c->player);
}

/* --- all of them --- */

/* "osc midi" */
static void print_kinds(char *buf, size_t size, uint8_t kinds)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < GESTLINE_KINDS; i++) {
		if (!(kinds & 1u << i) || n + strlen(kind_names[i]) + 2 > size)
			continue;
		if (n)
			buf[n++] = ' ';
		str_ncpy(buf + n, kind_names[i], size - n);
		n += strlen(kind_names[i]);
	}
}

/* Also those of no call: whoever is in the ensemble of that name. */
static size_t list_players(struct snapshot_player *list, size_t max, const char *room, void *arg)
{
	struct callgests *g = arg;
	struct player_info *info = mem_zalloc(max * sizeof(*info), NULL);
	struct ensemble *e = NULL;
	unsigned n = 0;

	if (info && !ensemble_get(&e, g->relay, room))
		n = ensemble_list(e, info, (unsigned)max);
	for (unsigned i = 0; i < n; i++) {
		list[i] = (struct snapshot_player){
			.member = info[i].member, .messages_in = info[i].messages_in, .messages_out = info[i].messages_out,
			.lost = info[i].lost, .repaired = info[i].repaired, .rtt_us = info[i].rtt_us,
		};
		str_ncpy(list[i].name, info[i].name, sizeof(list[i].name));
		print_kinds(list[i].kinds, sizeof(list[i].kinds), info[i].kinds);
	}
	mem_deref(e);
	mem_deref(info);
	return n;
}

static void all_destructor(void *arg)
{
	struct callgests *g = arg;

	control_set_players(g->control, NULL, NULL);

	mem_deref(g->lsnr);
	list_flush(&g->rooms);
}

int callgests_alloc(struct callgests **gp, const struct config *cfg, struct control *control, struct relay *relay)
{
	struct callgests *g = mem_zalloc(sizeof(*g), all_destructor);
	int err;

	if (!g)
		return ENOMEM;
	g->cfg     = cfg;
	g->control = control;
	g->relay   = relay;
	err = event_listen(&g->lsnr, control, NULL, event_handler, g);
	if (err) {
		mem_deref(g);
		return err;
	}
	control_set_players(control, list_players, g);
	*gp = g;
	return 0;
}

/* --- one --- */

static void destructor(void *arg)
{
	struct callgest *c = arg;

	list_unlink(&c->le);
	player_forget_keysh(c->player);
	mem_deref(c->player);
	mem_deref(c->claims);
	mem_deref(c->cert);
}

int callgest_alloc(struct callgest **cp, struct callgests *g, const struct callgest_conf *conf)
{
	struct callgest *c;

	*cp = NULL;
	if (!g)
		return 0;
	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;
	c->all     = g;
	c->local   = conf->local;
	c->cert    = mem_ref(conf->cert);
	c->renamed = conf->renamed;
	c->arg     = conf->arg;
	str_ncpy(c->identity, conf->identity, sizeof(c->identity));
	str_ncpy(c->room, conf->room, sizeof(c->room));
	sa_set_port(&c->local, 0);
	list_append(&g->calls, &c->le, c);
	*cp = c;
	return 0;
}

/* Where it will be, if it is let in: its name is to be free there. */
static int reserve(struct callgest *c)
{
	const char *room = c->room[0] ? control_room_for(c->all->control, c->room) : NULL;
	struct ensemble *e = NULL;
	int err = c->room[0] ? ensemble_get(&e, c->all->relay, room ? room : c->room) : 0;

	if (!err)
		err = player_reserve(c->player, e);
	mem_deref(e);
	return err;
}

/* A room that hides the addresses of its members does not tell them as names either. */
static bool hides(const struct callgest *c)
{
	struct snapshot *s;
	bool yes;

	if (!c->room[0] || snapshot_take(&s, c->all->control, c->room))
		return false;
	yes = s->hide_numbers;
	mem_deref(s);
	return yes;
}

/* A line without keys is no reason to end the call; what it is told next begins anew. */
static void keys_handler(enum gestline_kind kind, const char *failed, void *arg)
{
	struct callgest *c = arg;

	if (!failed) {
		log_debug("gestures.keys", "member=%u line=%s how=dtls", c->member, kind_names[kind]);
		return;
	}
	log_warning("gestures.keys", "member=%u line=%s how=dtls why=\"%s\"", c->member, kind_names[kind], failed);
	memset(c->line[kind].mark, 0, sizeof(c->line[kind].mark));
}

static int player_make(struct callgest *c, const char *wish)
{
	struct player_conf conf = {.member = c->member, .cert = c->cert, .keysh = keys_handler, .keys_arg = c};
	int err;

	str_ncpy(conf.wish, wish[0] || !hides(c) ? wish : "player", sizeof(conf.wish));
	str_ncpy(conf.identity, c->identity, sizeof(conf.identity));
	(void)re_snprintf(conf.cname, sizeof(conf.cname), "%016llx@tutti", rand_u64());
	err = player_alloc(&c->player, c->all->relay, NULL, &conf);
	if (!err)
		err = reserve(c);
	if (err)
		c->player = mem_deref(c->player);
	else
		place(c);                         /* in a later offer: it is in the room already */
	return err;
}

static int open_line(struct sa *local, char name[VIEW_NAME_MAX + 1], enum gestline_kind kind, const char *wish, void *arg)
{
	struct callgest *c = arg;
	int err = c->player ? 0 : c->ended ? ESHUTDOWN : player_make(c, wish);

	if (!err)
		err = player_port(c->player, kind, &c->local, local);
	if (err) {
		log_debug("gestures.port", "kind=%d err=%d", kind, err);
		return err;
	}
	str_ncpy(name, player_name(c->player), VIEW_NAME_MAX + 1);
	str_ncpy(c->told, name, sizeof(c->told));
	return 0;
}

static uint32_t claim(struct gestspace *s, void *arg)
{
	struct callgest *c = arg;

	mem_deref(c->claims);
	c->claims  = mem_ref(s);
	c->granted = c->player ? player_claims(c->player, s) : 0;
	return c->granted;
}

/* "midi osc" as bits. What is no word of these the settings have refused. */
static uint8_t kinds_of(const char *list)
{
	uint8_t bits = 0;

	for (unsigned i = 0; i < GESTLINE_KINDS; i++) {
		const char *p = strstr(list, kind_names[i]);

		bits |= (uint8_t)(p ? 1u << i : 0);
	}
	return bits;
}

void callgest_offer_conf(struct offer_gest_conf *conf, struct callgest *c)
{
	if (!c)
		return;
	*conf = (struct offer_gest_conf){
		.takes       = kinds_of(config_str(c->all->cfg, "gesture.kinds")),
		.offers      = kinds_of(config_str(c->all->cfg, "gesture.offer")),
		.mtu         = config_uint(c->all->cfg, "gesture.mtu"),
		.stream_max  = OSC_MAX_DGRAM,
		.rate        = config_uint(c->all->cfg, "gesture.rate"),
		.fingerprint = relay_fingerprint(c->all->relay),
		.open        = open_line,
		.claims      = claim,
		.arg         = c,
	};
}

static int set_line(struct callgest *c, const struct gestline *l)
{
	struct gestline with;
	int err;

	gestline_copy(&with, l);
	with.source = c->source;
	err = player_set_line(c->player, &with);
	gestline_reset(&with);
	return err;
}

/* What a stream carried it goes on carrying while nothing of it changes: a session refresh is no new line. */
static void follow_line(struct callgest *c, const struct offer *o, enum gestline_kind kind)
{
	uint8_t mark[OFFER_MARK];
	const struct gestline *l = offer_gestline(o, kind, mark);
	int err;

	if (!l) {
		if (c->line[kind].set)
			player_drop_line(c->player, kind);
		c->line[kind].set = false;
		return;
	}
	if (c->line[kind].set && !memcmp(c->line[kind].mark, mark, sizeof(mark)))
		return;
	err = set_line(c, l);
	if (err) {
		log_warning("gestures.line", "member=%u kind=%d err=%d", c->member, kind, err);
		return;
	}
	c->line[kind].set = true;
	memcpy(c->line[kind].mark, mark, sizeof(mark));
}

void callgest_follow(struct callgest *c, const struct offer *o, const struct sa *source)
{
	if (!c || !c->player)
		return;
	c->source = *source;
	for (unsigned kind = 0; kind < GESTLINE_KINDS; kind++)
		follow_line(c, o, (enum gestline_kind)kind);
}
