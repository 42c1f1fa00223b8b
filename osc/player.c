/*
 * player.c - a participant as the control thread sees it: its name, its ports, its lines, its room.
 *
 * Each change is a job for the forward thread, in the order it was asked for. What a job takes over is given back when it has been
 * replaced. Ends cannot fail: their jobs wait inside what ends.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "relay_priv.h"

/* ---- ends ---- */

static void seat_destroy(void *arg)
{
	struct seat *s = arg;

	mem_deref(s->rt.keys);
	mem_deref(s->rt.up);
	mem_deref(s->ensemble);
}

/* Its state is kept for a while. */
static void seat_freed(void *obj)
{
	struct seat *s = obj;

	if (s->ensemble)
		ensemble_gone_add(s->ensemble, s->identity, s->rt.name, &s->rt);
	mem_deref(s);
}

static void player_end_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct player_rt *rt = obj;

	(void)arg;
	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		if (rt->line[k])
			ensemble_line_rt(rt, k, NULL, rt->line[k]->port, now_us);
	}
	ensemble_exit_rt(rt, now_us);
	ticker_del_rt(f, &rt->ticker);
	give_back_rt(f, &rt->give, seat_freed, rt);
}

static void claims_end(struct ensemble *e, const struct player *p)
{
	const unsigned n = e->owners->n;

	owners_release(e->owners, p->rt->id);
	if (e->owners->n != n)
		(void)ensemble_owners_post(e);    /* without memory for it the claims outlive the player for now */
}

static void leave_ensemble(struct player *p)
{
	struct ensemble *e = p->ensemble;

	if (!e)
		return;
	claims_end(e, p);
	e->slot[p->slot] = NULL;
	if (p->name_in)
		p->name_in->taken = false;
}

static void unreserve(struct player *p)
{
	if (!p->reserved)
		return;
	claims_end(p->reserved, p);
	ensemble_name_free(p->reserved, p->name_in);
	p->name_in  = NULL;
	p->reserved = mem_deref(p->reserved);
}

static void player_destroy(void *arg)
{
	struct player *p = arg;

	list_unlink(&p->le);
	unreserve(p);
	if (p->seat && p->rt) {
		leave_ensemble(p);
		p->seat->ensemble = p->ensemble;
		p->ensemble = NULL;
		forward_post(p->relay->forward, &(struct job){player_end_rt, p->rt, NULL}, &p->rt->spare);
	}
	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		mem_deref(p->keys[k]);
		line_port_end(p->port[k]);        /* after its line */
		gestline_reset(&p->desc[k]);
	}
	mem_deref(p->ensemble);
	mem_deref(p->conf.cert);
	mem_deref(p->relay);
}

/* ---- a player comes ---- */

struct entering {
	struct give give;
	struct ensemble_rt *to;           /* NULL: nowhere */
	unsigned slot;
	char     name[VIEW_NAME_MAX + 1];
	struct osckeys *keys;             /* its state from now on; NULL: that which it has */
	int64_t  set_no;
	struct slots hears, heard;        /* section 8.4 */
};

static void entering_freed(void *obj)
{
	struct entering *en = obj;

	mem_deref(en->keys);
	mem_deref(en);
}

static void enter_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct entering *en = arg;
	struct player_rt *rt = obj;
	struct osckeys *old = rt->keys;

	if (rt->ensemble) {                       /* what it said there is of that room */
		ensemble_exit_rt(rt, now_us);
		osckeys_clear_rt(rt->keys);
		midi_state_init(&rt->midi);
	}
	if (en->keys) {
		rt->keys   = en->keys;
		rt->set_no = en->set_no;
		en->keys   = old;
	}
	memcpy(rt->name, en->name, sizeof(rt->name));
	if (en->to) {
		ensemble_enter_rt(en->to, rt, en->slot);
		ensemble_meets_rt(rt, &en->hears, &en->heard, now_us);
	}
	give_back_rt(f, &en->give, entering_freed, en);
}

/* That which is held for it there, or one now. */
static int take_name(struct player *p, struct ensemble *e)
{
	if (p->reserved != e) {
		unreserve(p);
		return ensemble_name_give(&p->name_in, e, p->conf.wish, p->conf.identity);
	}
	p->reserved = mem_deref(p->reserved);
	return 0;
}

/* Into an ensemble, with a name and a slot there. */
static int enter(struct player *p, struct ensemble *e)
{
	struct entering *en = mem_zalloc(sizeof(*en), NULL);
	struct player_rt back = {0};
	int err;

	if (!en)
		return ENOMEM;
	err = take_name(p, e);
	if (!err)
		err = ensemble_place(e, p);
	if (!err) {
		p->name_in->used = true;
		str_ncpy(p->name, p->name_in->name, sizeof(p->name));
		str_ncpy(en->name, p->name, sizeof(en->name));
		ensemble_gone_back(e, p->conf.identity, p->name, &back);
		en->keys   = back.keys;
		en->set_no = back.set_no;
		en->to     = e->rt;
		en->slot   = p->slot;
		ensemble_meets(e, p, &en->hears, &en->heard);
		err = forward_post(p->relay->forward, &(struct job){enter_rt, p->rt, en}, NULL);
		if (err)
			e->slot[p->slot] = NULL;
	}
	if (err) {
		if (p->name_in)
			ensemble_name_free(e, p->name_in);
		p->name_in = NULL;
		entering_freed(en);
		return err;
	}
	p->ensemble = mem_ref(e);
	return 0;
}

static int seat_alloc(struct player *p)
{
	struct relay *r = p->relay;
	struct seat *s = mem_zalloc(sizeof(*s), seat_destroy);
	struct player_rt *rt;
	int err;

	if (!s)
		return ENOMEM;
	rt = &s->rt;
	rt->forward    = r->forward;
	rt->id         = ++r->players_ever;
	rt->ssrc       = rand_u32();
	rt->surface    = p->conf.surface || r->house.surface;
	rt->silence_ms = r->conf.silence_ms;
	rt->sysex_max  = r->conf.sysex_max;
	rt->end        = r->conf.end;
	str_ncpy(rt->cname, p->conf.cname, sizeof(rt->cname));
	str_ncpy(s->identity, p->conf.identity, sizeof(s->identity));
	midi_state_init(&rt->midi);
	bucket_init(&rt->up_midi, r->conf.rate, forward_clock_us(r->forward));
	err = osckeys_alloc(&rt->keys, OSCKEYS_SOURCE_MAX, OSCKEYS_SOURCE_BYTES, rand_u64());
	if (!err)
		err = oscrate_alloc(&rt->up, r->conf.rate, 0, 0, rand_u64(), forward_clock_us(r->forward));
	if (err) {
		mem_deref(s);
		return err;
	}
	p->seat = s;
	p->rt   = rt;
	return 0;
}

int player_alloc(struct player **pp, struct relay *r, struct ensemble *e, const struct player_conf *conf)
{
	struct player *p;
	int err;

	if (!pp || !r || !conf)
		return EINVAL;
	p = mem_zalloc(sizeof(*p), player_destroy);
	if (!p)
		return ENOMEM;
	p->relay = mem_ref(r);
	p->conf  = *conf;
	mem_ref(p->conf.cert);
	err = seat_alloc(p);
	if (!err && e)
		err = enter(p, e);
	if (err) {
		mem_deref(p);
		return err;
	}
	list_append(&r->players, &p->le, p);
	*pp = p;
	return 0;
}

const char *player_name(const struct player *p)
{
	return p->name;
}

struct relay *player_relay(const struct player *p)
{
	return p->relay;
}

const struct player_said *player_said(const struct player *p)
{
	return &p->relay->said;
}

struct ensemble *player_ensemble(const struct player *p)
{
	return p->ensemble;
}

void player_set_member(struct player *p, uint32_t member)
{
	p->conf.member = member;
}

int player_reserve(struct player *p, struct ensemble *e)
{
	int err;

	if (!p || p->ensemble)
		return EINVAL;
	unreserve(p);
	if (!e) {
		ensemble_name_wish(p->name, p->conf.wish, p->conf.identity);
		return 0;
	}
	err = ensemble_name_give(&p->name_in, e, p->conf.wish, p->conf.identity);
	if (err)
		return err;
	p->reserved = mem_ref(e);
	str_ncpy(p->name, p->name_in->name, sizeof(p->name));
	return 0;
}

static int go_nowhere(struct player *p)
{
	struct entering *en = mem_zalloc(sizeof(*en), NULL);
	int err;

	if (!en)
		return ENOMEM;
	str_ncpy(en->name, p->name, sizeof(en->name));
	err = forward_post(p->relay->forward, &(struct job){enter_rt, p->rt, en}, NULL);
	if (err)
		mem_deref(en);
	return err;
}

int player_move(struct player *p, struct ensemble *e)
{
	struct ensemble *old;
	int err = 0;

	if (!p)
		return EINVAL;
	if (e == p->ensemble)
		return 0;
	if (p->ensemble) {
		err = go_nowhere(p);
		if (err)
			return err;
		leave_ensemble(p);
		old = p->ensemble;
		p->ensemble = NULL;
		p->name_in  = NULL;
		mem_deref(old);
	}
	return e ? enter(p, e) : 0;
}
