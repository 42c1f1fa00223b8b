/*
 * line_udp.c - UDP/OSC (G3): one datagram is one OSC packet, as unmodified OSC software sends and takes it.
 *
 * Nothing protects it, so only the address that was agreed on counts, port and all, and nothing is sent before a datagram came from
 * there: otherwise a forged offer would turn the state of a room on whoever it names.
 */
#include "line_out.h"

struct line_udp {
	struct line_rt l;
	struct line_out out;
};

static void put_rt(struct line_rt *l, const struct out_item *it, uint64_t now_us)
{
	(void)now_us;
	if (l->opened)
		(void)line_send_rt(l, 0, it->osc, it->len);
}

static void end(struct line_rt *l)
{
	line_out_end(&((struct line_udp *)l)->out);
}

static int alloc(struct line_rt **lp, const struct relay_conf *conf, const struct gestline *desc)
{
	struct line_rt *l;
	struct line_udp *u;
	int err = line_alloc(&l, sizeof(*u), &line_udp_ops, desc, end);

	(void)conf;
	if (err)
		return err;
	u = (struct line_udp *)l;
	u->out.put_rt = put_rt;
	u->out.framed = u->out.twice = true;
	u->out.refresh_ms = desc->takes.refresh_ms;
	err = line_out_alloc(&u->out, l, desc);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static void inherit_rt(struct line_rt *l, struct line_rt *old, uint64_t now_us)
{
	struct line_udp *u = (struct line_udp *)l, *o = (struct line_udp *)old;

	l->opened = l->desc.opened || (old && old->opened && sa_cmp(&old->desc.peer, &l->desc.peer, SA_ALL));
	line_out_inherit_rt(&u->out, old ? &o->out : NULL, now_us);
}

static void recv_rt(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	const struct gesture g = {.from = l->player, .osc = buf, .len = len, .at_us = now_us};

	(void)sock;
	/* 14: "The server accepts media only from the negotiated remote address" */
	if (!sa_cmp(from, sa_isset(&l->desc.peer_from, SA_ALL) ? &l->desc.peer_from : &l->desc.peer, SA_ALL)) {
		tally_up_rt(&line_count(l)->stranger);
		return;
	}
	line_heard_rt(l, now_us);
	if (!l->opened) {                 /* "any datagram from the negotiated address opens it" */
		l->opened = true;
		ensemble_settle_rt(l, now_us);
	}
	if (osc_check(buf, len, OSC_MAX_DGRAM)) {
		ensemble_error_rt(l->player, GEST_MALFORMED, "/", now_us);
		return;
	}
	ensemble_osc_rt(l, &g, now_us);
}

static void send_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	line_out_send_rt(&((struct line_udp *)l)->out, g, now_us);
}

static void tell_rt(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us)
{
	line_out_tell_rt(&((struct line_udp *)l)->out, osc, len, now_us);
}

static void join_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	line_out_join_rt(&((struct line_udp *)l)->out, from, true, now_us);
}

static void leave_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	line_out_leave_rt(&((struct line_udp *)l)->out, from, now_us);
}

static void refresh_rt(struct line_rt *l, uint64_t now_us)
{
	line_out_refresh_rt(&((struct line_udp *)l)->out, now_us);
}

static uint64_t due_rt(struct line_rt *l)
{
	return line_out_due_rt(&((struct line_udp *)l)->out);
}

static void tick_rt(struct line_rt *l, uint64_t now_us)
{
	line_out_tick_rt(&((struct line_udp *)l)->out, now_us);
}

static void close_rt(struct line_rt *l, uint64_t now_us)
{
	(void)now_us;
	l->opened = false;
}

const struct line_ops line_udp_ops = {
	.alloc = alloc, .inherit_rt = inherit_rt, .recv_rt = recv_rt, .send_rt = send_rt, .tell_rt = tell_rt,
	.join_rt = join_rt, .leave_rt = leave_rt, .refresh_rt = refresh_rt, .due_rt = due_rt, .tick_rt = tick_rt,
	.close_rt = close_rt,
};
