/*
 * relay.c - the gestures' door: one relay, its ensembles, and what players say to the house.
 */
#include <errno.h>
#include <string.h>
#include "lineport.h"
#include "mixer/rtcp.h"
#include "oscstream.h"
#include "relay_priv.h"

enum { HOUSE_A_SECOND = 200, TELL_MAX = 4096, END_RATE = 10000, END_SAYS = 1024 };

/* ---- relay ---- */

static void relay_destroy(void *arg)
{
	struct relay *r = arg;

	mem_deref(r->forward);
	mem_deref(r->tls);
}

static struct player *player_of(const struct relay *r, uint32_t id)
{
	for (struct le *le = r->players.head; le; le = le->next) {
		struct player *p = le->data;

		if (p->rt->id == id)
			return p;
	}
	return NULL;
}

/* The player's own rate bounds what it may send; this, what it may make the control thread do. */
static bool too_often(struct player *p, uint64_t now_us)
{
	const uint64_t second = now_us / 1000000;

	if (second != p->house_second) {
		p->house_second = second;
		p->house_n = 0;
	}
	return ++p->house_n > HOUSE_A_SECOND;
}

static void house_hears(struct player *p, const struct osc_msg *msg, const struct midi_cmd *midi)
{
	const struct relay_house *h = &p->relay->house;

	if (p->conf.househ && p->conf.househ(msg, midi, p->conf.arg))
		return;
	if (h->said)
		h->said(p, msg, midi, h->arg);
}

static void said_handler(const struct forward_said *said, void *arg)
{
	struct relay *r = arg;
	struct player *p = player_of(r, said->player);
	struct midi_cmd cmd;
	struct osc_msg msg;

	if (!p || (!r->conf.end && too_often(p, forward_clock_us(r->forward))))
		return;
	r->said = (struct player_said){.at_us = said->when.at_us, .played_us = said->when.played_us, .due_us = said->when.due_us,
		.repaired = said->when.repaired};
	if (said->len) {
		if (!osc_msg_read(&msg, said->bytes, said->len))
			house_hears(p, &msg, NULL);
		return;
	}
	cmd = (struct midi_cmd){.status = said->bytes[0], .data = {said->bytes[1], said->bytes[2]}};
	house_hears(p, NULL, &cmd);
}

void relay_set_house(struct relay *r, const struct relay_house *h)
{
	r->house = h ? *h : (struct relay_house){0};
}

int relay_alloc(struct relay **rp, const struct relay_conf *conf)
{
	struct relay *r;
	int err;

	if (!rp || !conf)
		return EINVAL;
	r = mem_zalloc(sizeof(*r), relay_destroy);
	if (!r)
		return ENOMEM;
	r->conf = *conf;
	r->conf.mtu  = conf->mtu ? conf->mtu : OSCRTP_MTU;
	r->conf.rate = conf->rate && conf->rate <= OSCRATE_MAX ? conf->rate : conf->end ? END_RATE : OSCRATE_DEFAULT;
	r->conf.tls_cert = NULL;
	err = conf->tls_cert ? tlskey_alloc(&r->tls, conf->tls_cert) : 0;
	if (!err)
		err = forward_alloc(&r->forward, !conf->wire, conf->realtime, conf->end ? END_SAYS : FORWARD_SAYS, said_handler, r);
	if (err) {
		mem_deref(r);
		return err;
	}
	*rp = r;
	return 0;
}

const char *relay_fingerprint(const struct relay *r)
{
	return r->tls ? tlskey_fingerprint(r->tls) : NULL;
}

uint64_t relay_clock_us(const struct relay *r)
{
	return forward_clock_us(r->forward);
}

uint64_t relay_ntp(const struct relay *r, uint64_t at_us)
{
	return rtcp_ntp(forward_unix_us(r->forward, at_us));
}

void relay_close(struct relay *r)
{
	if (r)
		forward_close(r->forward);
}

uint64_t relay_turn(struct relay *r, uint64_t now_us)
{
	uint64_t due = forward_turn_rt(r->forward, now_us);

	forward_dispatch(r->forward);
	return due;
}

void relay_wire_recv(struct relay *r, int handle, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us)
{
	for (struct le *le = r->ports.head; le; le = le->next) {
		struct line_port *port = le->data;

		for (unsigned i = 0; i < port->n; i++) {
			if (port->handle[i] == handle) {
				line_port_wire_rt(port, i, from, buf, len, now_us);
				return;
			}
		}
	}
}

void relay_stats(const struct relay *r, struct relay_stats *s)
{
	const struct relay_count *n = forward_count(r->forward);
	struct lineport_stats st;

	lineport_total(&st);
	*s = (struct relay_stats){
		.stream_taken = st.connections, .stream_stranger = st.strangers, .stream_second = st.second,
		.stream_refused = st.refused, .stream_slow = st.overflowed, .stream_bad = oscstream_bad(),
		.midi_sysex = tally_get(&n->sysex), .midi_unplaced = tally_get(&n->unplaced), .midi_held = tally_get(&n->held),
		.midi_clock = tally_get(&n->clock), .midi_absorbed = tally_get(&n->absorbed),
		.rx_packets = tally_get(&n->rx_packets), .tx_packets = tally_get(&n->tx_packets),
		.messages_in = tally_get(&n->messages_in), .messages_out = tally_get(&n->messages_out),
		.malformed = tally_get(&n->malformed), .stranger = tally_get(&n->stranger), .auth = tally_get(&n->auth),
		.direction = tally_get(&n->direction), .rate_dropped = tally_get(&n->rate_dropped),
		.coalesced = tally_get(&n->coalesced), .type_dropped = tally_get(&n->type_dropped),
		.owner_dropped = tally_get(&n->owner_dropped), .too_big = tally_get(&n->too_big),
		.unmapped = tally_get(&n->unmapped), .repaired = tally_get(&n->repaired), .late = tally_get(&n->late),
		.unstored = tally_get(&n->unstored), .snapshots = tally_get(&n->snapshots), .loops = tally_get(&n->loops),
		.house_full = tally_get(&n->house_full),
		.dtls = tally_get(&n->dtls), .dtls_dropped = tally_get(&n->dtls_dropped),
		.keyed = r->keyed, .keyless = r->keyless};
	for (struct le *le = r->players.head; le; le = le->next) {
		const struct player *p = le->data;

		s->players++;
		for (unsigned k = 0; k < GESTLINE_KINDS; k++)
			s->lines += p->has[k];
	}
}

/* ---- ensembles ---- */

static void ensemble_rt_freed(void *obj)
{
	mem_deref(obj);
}

static void ensemble_rt_destroy(void *arg)
{
	struct ensemble_rt *rt = arg;

	mem_deref(rt->owners);
}

static void ensemble_end_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct ensemble_rt *rt = obj;

	(void)arg;
	(void)now_us;
	beatout_end_rt(rt, f);
	give_back_rt(f, &rt->give, ensemble_rt_freed, rt);
}

static void ensemble_destroy(void *arg)
{
	struct ensemble *e = arg;

	list_unlink(&e->le);
	list_flush(&e->names);
	list_flush(&e->gone);
	if (e->rt)
		forward_post(e->relay->forward, &(struct job){ensemble_end_rt, e->rt, NULL}, &e->rt->spare);
	mem_deref(e->owners);
	mem_deref(e->relay);
}

int ensemble_get(struct ensemble **ep, struct relay *r, const char *room)
{
	struct ensemble *e;

	if (!ep || !r || !room || strlen(room) > ENSEMBLE_ROOM_MAX)
		return EINVAL;
	for (struct le *le = r->ensembles.head; le; le = le->next) {
		e = le->data;
		if (!str_casecmp(e->room, room)) {
			*ep = mem_ref(e);
			return 0;
		}
	}
	e = mem_zalloc(sizeof(*e), ensemble_destroy);
	if (!e)
		return ENOMEM;
	e->relay = mem_ref(r);
	str_ncpy(e->room, room, sizeof(e->room));
	e->rt = mem_zalloc(sizeof(*e->rt), ensemble_rt_destroy);
	e->owners = mem_zalloc(sizeof(*e->owners), NULL);
	if (!e->rt || !e->owners) {
		mem_deref(e);
		return ENOMEM;
	}
	list_append(&r->ensembles, &e->le, e);
	*ep = e;
	if (r->house.opened)
		r->house.opened(e, r->house.arg);
	return 0;
}

const char *ensemble_room(const struct ensemble *e)
{
	return e->room;
}

int ensemble_place(struct ensemble *e, struct player *p)
{
	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++) {
		if (!e->slot[i]) {
			e->slot[i] = p;
			p->slot = i;
			return 0;
		}
	}
	return ENOSPC;
}

/* ---- who meets whom (section 8.4) ---- */

struct meeting {
	struct give give;
	struct slots hears, heard;
};

static void meeting_freed(void *obj)
{
	mem_deref(obj);
}

static void meeting_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct meeting *m = arg;

	ensemble_meets_rt(obj, &m->hears, &m->heard, now_us);
	give_back_rt(f, &m->give, meeting_freed, m);
}

static const struct gestspace *space_of(const struct player *p)
{
	static const enum gestline_kind kinds[] = {GESTLINE_OSC, GESTLINE_TLS, GESTLINE_TCP, GESTLINE_UDP};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (p->has[kinds[i]] && p->desc[kinds[i]].space)
			return p->desc[kinds[i]].space;
	}
	return NULL;
}

void ensemble_meets(const struct ensemble *e, const struct player *p, struct slots *hears, struct slots *heard)
{
	const struct gestspace *own = space_of(p);

	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++) {
		const struct gestspace *its = e->slot[i] ? space_of(e->slot[i]) : NULL;

		if (!e->slot[i])
			continue;
		if (e->relay->conf.any_space || gestspace_meets(its, own))
			slots_add(hears, i);
		if (e->relay->conf.any_space || gestspace_meets(own, its))
			slots_add(heard, i);
	}
}

int ensemble_meet(struct ensemble *e, struct player *p)
{
	struct meeting *m = mem_zalloc(sizeof(*m), NULL);
	int err;

	if (!m)
		return ENOMEM;
	ensemble_meets(e, p, &m->hears, &m->heard);
	err = forward_post(e->relay->forward, &(struct job){meeting_rt, p->rt, m}, NULL);
	if (err)
		mem_deref(m);
	return err;
}

/* ---- claims (section 10.5) ---- */

struct owning {
	struct give give;
	struct owners *owners;
};

static void owning_freed(void *obj)
{
	struct owning *o = obj;

	mem_deref(o->owners);
	mem_deref(o);
}

static void owning_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct ensemble_rt *rt = obj;
	struct owning *o = arg;
	struct owners *old = rt->owners;

	ensemble_owners_rt(rt, o->owners, now_us);
	o->owners = old;
	give_back_rt(f, &o->give, owning_freed, o);
}

int ensemble_owners_post(struct ensemble *e)
{
	struct owning *o = mem_zalloc(sizeof(*o), NULL);
	int err;

	if (!o)
		return ENOMEM;
	o->owners = mem_alloc(sizeof(*o->owners), NULL);
	if (!o->owners) {
		mem_deref(o);
		return ENOMEM;
	}
	memcpy(o->owners, e->owners, sizeof(*o->owners));
	err = forward_post(e->relay->forward, &(struct job){owning_rt, e->rt, o}, NULL);
	if (err)
		owning_freed(o);
	return err;
}

/* ---- what the house says ---- */

struct telling {
	struct give give;
	size_t len;
	uint8_t bytes[];
};

static void telling_freed(void *obj)
{
	mem_deref(obj);
}

static void telling_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct telling *t = arg;

	player_tell_rt(obj, t->bytes, t->len, now_us);
	give_back_rt(f, &t->give, telling_freed, t);
}

int player_tell(struct player *p, const uint8_t *osc, size_t len)
{
	struct telling *t;
	int err;

	if (!p || !osc || osc_check(osc, len, TELL_MAX))
		return EINVAL;
	t = mem_zalloc(sizeof(*t) + len, NULL);
	if (!t)
		return ENOMEM;
	t->len = len;
	memcpy(t->bytes, osc, len);
	err = forward_post(p->relay->forward, &(struct job){telling_rt, p->rt, t}, NULL);
	if (err)
		mem_deref(t);
	return err;
}

unsigned ensemble_list(const struct ensemble *e, struct player_info *list, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ENSEMBLE_PLAYERS && n < max; i++) {
		const struct player *p = e->slot[i];
		const struct player_count *c = p ? &p->rt->n : NULL;

		if (!p)
			continue;
		list[n] = (struct player_info){.member = p->conf.member, .messages_in = tally_get(&c->messages_in),
			.messages_out = tally_get(&c->messages_out), .lost = tally_get(&c->lost),
			.repaired = tally_get(&c->repaired), .rtt_us = (uint32_t)tally_get(&c->rtt_us),
			.heard_us = tally_get(&c->heard_us)};
		str_ncpy(list[n].name, p->name, sizeof(list[n].name));
		for (unsigned k = 0; k < GESTLINE_KINDS; k++)
			list[n].kinds |= (uint8_t)(p->has[k] << k);
		n++;
	}
	return n;
}
