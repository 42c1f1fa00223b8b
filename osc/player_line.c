/*
 * player_line.c - a player's ports and lines, as the control thread sees them.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "relay_priv.h"

/* What a kind of line is made of; NULL: this build has none. */
static const struct line_ops *ops_of(enum gestline_kind kind)
{
	static const struct line_ops *const ops[GESTLINE_KINDS] = {
		[GESTLINE_MIDI] = &line_midi_ops, [GESTLINE_OSC] = &line_osc_ops, [GESTLINE_UDP] = &line_udp_ops,
		[GESTLINE_TCP] = &line_tcp_ops, [GESTLINE_TLS] = &line_tcp_ops,
	};

	return (unsigned)kind < GESTLINE_KINDS ? ops[kind] : NULL;
}

int player_port(struct player *p, enum gestline_kind kind, const struct sa *local, struct sa *bound)
{
	int err = 0;

	if (!p || !local || !bound || !ops_of(kind))
		return EINVAL;
	if (!p->port[kind]) {
		err = line_port_alloc(&p->port[kind], p->relay->forward, &p->relay->conf, p->relay->tls, kind, local);
		if (!err)
			list_append(&p->relay->ports, &p->port[kind]->le, p->port[kind]);
	}
	if (!err)
		*bound = p->port[kind]->local[0];
	return err;
}

int player_adopt(struct player *p, enum gestline_kind kind, int fd, const struct sa *local)
{
	int err;

	if (!p || !local || !ops_of(kind) || p->port[kind]) {
		close(fd);
		return EINVAL;
	}
	err = line_port_adopt(&p->port[kind], p->relay->forward, kind, fd, local);
	if (!err)
		list_append(&p->relay->ports, &p->port[kind]->le, p->port[kind]);
	return err;
}

struct injecting {
	struct give give;
	enum gestline_kind kind;
	struct sa from;
	size_t  len;
	uint8_t bytes[];
};

static void injecting_freed(void *obj)
{
	mem_deref(obj);
}

static void injecting_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct injecting *in = arg;
	struct player_rt *rt = obj;
	struct line_rt *l = rt->line[in->kind];

	if (l)
		l->ops->recv_rt(l, 0, &in->from, in->bytes, in->len, now_us);
	give_back_rt(f, &in->give, injecting_freed, in);
}

int player_inject(struct player *p, enum gestline_kind kind, const struct sa *from, const uint8_t *buf, size_t len)
{
	struct injecting *in;
	int err;

	if (!player_has_line(p, kind) || len > OSC_MAX_DGRAM)
		return EINVAL;
	in = mem_zalloc(sizeof(*in) + len + LINE_ROOM, NULL);
	if (!in)
		return ENOMEM;
	in->kind = kind;
	in->from = *from;
	in->len  = len;
	memcpy(in->bytes, buf, len);
	err = forward_post(p->relay->forward, &(struct job){injecting_rt, p->rt, in}, NULL);
	if (err)
		mem_deref(in);
	return err;
}

struct lining {
	struct give give;
	enum gestline_kind kind;
	struct line_rt *line;
	struct line_port *port;
};

static void lining_freed(void *obj)
{
	mem_deref(obj);
}

static void lining_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct lining *li = arg;

	ensemble_line_rt(obj, li->kind, li->line, li->port, now_us);
	give_back_rt(f, &li->give, lining_freed, li);
}

static int line_post(struct player *p, enum gestline_kind kind, struct line_rt *l)
{
	struct lining *li = mem_zalloc(sizeof(*li), NULL);
	int err;

	if (!li)
		return ENOMEM;
	li->kind = kind;
	li->line = l;
	li->port = p->port[kind];
	err = forward_post(p->relay->forward, &(struct job){lining_rt, p->rt, li}, NULL);
	if (err)
		mem_deref(li);
	return err;
}

static bool is_sound(const struct gestline *l)
{
	const bool rtp = l->kind == GESTLINE_MIDI || l->kind == GESTLINE_OSC;

	return l->takes.rate && l->takes.rate <= OSCRATE_MAX && l->takes.max >= 64 && l->dir <= LEG_DIR_BOTH &&
	       (rtp || !l->dtls.on) && (!rtp || (l->pt < 128 && l->rate >= 8000 && l->rate <= 192000 && l->sources));
}

/* A stream's port lets nobody in before it knows whom. */
static int open_port(struct player *p, const struct gestline *l)
{
	struct lineport *port = p->port[l->kind]->lineport;

	return port ? lineport_set(port, l) : 0;
}

int player_set_line(struct player *p, const struct gestline *l)
{
	if (!p || !l || !ops_of(l->kind) || !p->port[l->kind] || !is_sound(l))
		return EINVAL;
	if (l->dtls.on)
		return player_keys(p, l);
	p->keys[l->kind] = mem_deref(p->keys[l->kind]);
	return player_line(p, l);
}

int player_line(struct player *p, const struct gestline *l)
{
	struct line_rt *rt = NULL;
	int err = open_port(p, l);

	if (err)
		return err;
	err = ops_of(l->kind)->alloc(&rt, &p->relay->conf, l);
	if (err)
		return err;
	gestline_reset(&p->desc[l->kind]);
	gestline_copy(&p->desc[l->kind], l);
	p->has[l->kind] = true;
	if (p->ensemble)
		err = ensemble_meet(p->ensemble, p);      /* before the line, which else would hear who is not for it */
	if (!err)
		err = line_post(p, l->kind, rt);
	if (err)
		mem_deref(rt);
	return err;
}

int player_put_line(struct player *p, struct line_rt *rt)
{
	const enum gestline_kind kind = rt->desc.kind;
	int err;

	if (p->port[kind] || p->has[kind])
		return EALREADY;
	err = line_post(p, kind, rt);
	if (err)
		return err;
	gestline_copy(&p->desc[kind], &rt->desc);
	p->has[kind] = true;
	return 0;
}

void player_mute_line(struct player *p, enum gestline_kind kind)
{
	if (!player_has_line(p, kind) || line_post(p, kind, NULL))
		return;
	gestline_reset(&p->desc[kind]);
	p->has[kind] = false;
	if (p->ensemble)
		(void)ensemble_meet(p->ensemble, p);      /* without memory for it, it hears whom it heard */
}

void player_drop_line(struct player *p, enum gestline_kind kind)
{
	if (!p || (unsigned)kind >= GESTLINE_KINDS || (!p->has[kind] && !p->keys[kind]))
		return;
	p->keys[kind] = mem_deref(p->keys[kind]);
	player_mute_line(p, kind);
	if (p->has[kind] || !p->port[kind])
		return;
	line_port_end(p->port[kind]);
	list_unlink(&p->port[kind]->le);
	p->port[kind] = NULL;
}

bool player_has_line(const struct player *p, enum gestline_kind kind)
{
	return p && (unsigned)kind < GESTLINE_KINDS && p->has[kind];
}

uint32_t player_claims(struct player *p, const struct gestspace *s)
{
	struct ensemble *e = p->ensemble ? p->ensemble : p->reserved;
	uint32_t granted = 0;

	if (!e)
		return 0;
	/* "A claim ends with the party's call or a re-INVITE without it." */
	owners_release(e->owners, p->rt->id);
	for (unsigned i = 0; s && i < s->n_claim; i++) {
		if (!owners_claim(e->owners, p->rt->id, s->claim[i]))
			granted |= 1u << i;
	}
	return ensemble_owners_post(e) ? 0 : granted;
}

bool player_takes(const struct player *p, struct gestline_takes *takes)
{
	static const enum gestline_kind kinds[] = {GESTLINE_OSC, GESTLINE_TLS, GESTLINE_TCP, GESTLINE_UDP};

	for (unsigned i = 0; p && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!p->has[kinds[i]] || !(p->desc[kinds[i]].dir & LEG_DIR_SEND))
			continue;
		*takes = p->desc[kinds[i]].takes;
		return true;
	}
	return false;
}
