/*
 * line_tcp.c - TCP/OSC and TCP/TLS/OSC (G4, G5): whole packets from a duct, whose other end has the connection (lineport.h).
 *
 * The duct's marks say when there is a connection and when its peer does not read. Then state waits here, the last value of each
 * key, and events go on into the queue of the connection, until that is too long and it ends: "state messages for it are
 * coalesced, and when 256 KiB wait the connection is closed".
 *
 * The duct itself is full when the control thread was away for some hundred packets. That is looked at again every 2 ms.
 */
#include <errno.h>
#include "duct.h"
#include "line_out.h"

enum { STUCK_US = 2000 };

struct line_tcp {
	struct line_rt l;
	struct line_out out;
	bool     unread;                  /* the peer does not read */
	uint64_t stuck_us;                /* the duct takes no more: when to try again; 0: it does */
};

static void set_full(struct line_tcp *t)
{
	t->out.full = t->unread || t->stuck_us;
}

static void put_rt(struct line_rt *l, const struct out_item *it, uint64_t now_us)
{
	struct line_tcp *t = (struct line_tcp *)l;
	struct osc_msg msg;

	if (!l->opened || line_send_rt(l, 0, it->osc, it->len) != EAGAIN)
		return;
	t->stuck_us = now_us + STUCK_US;
	set_full(t);
	if (!it->event && !osc_is_bundle(it->osc, it->len) && !osc_msg_read(&msg, it->osc, it->len))
		line_out_hold_rt(&t->out, &msg, now_us);
	else
		tally_up_rt(&line_count(l)->rate_dropped);
}

static void end(struct line_rt *l)
{
	line_out_end(&((struct line_tcp *)l)->out);
}

static int alloc(struct line_rt **lp, const struct relay_conf *conf, const struct gestline *desc)
{
	struct line_rt *l;
	struct line_tcp *t;
	int err = line_alloc(&l, sizeof(*t), &line_tcp_ops, desc, end);

	(void)conf;
	if (err)
		return err;
	t = (struct line_tcp *)l;
	t->out.put_rt = put_rt;
	t->out.framed = true;
	if (l->desc.takes.max > STREAM_MAX)       /* no longer packet goes through a duct */
		l->desc.takes.max = STREAM_MAX;
	err = line_out_alloc(&t->out, l, desc);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static void inherit_rt(struct line_rt *l, struct line_rt *old, uint64_t now_us)
{
	struct line_tcp *t = (struct line_tcp *)l, *o = (struct line_tcp *)old;

	l->opened = l->desc.opened || (old && old->opened);
	t->unread   = old && o->unread;
	t->stuck_us = old ? o->stuck_us : 0;
	set_full(t);
	line_out_inherit_rt(&t->out, old ? &o->out : NULL, now_us);
}

/* A connection after another begins with everything: its party may have been started again. */
static void mark_rt(struct line_rt *l, enum duct_mark mark, uint64_t now_us)
{
	struct line_tcp *t = (struct line_tcp *)l;

	t->unread = mark == DUCT_FULL;
	t->stuck_us = 0;
	set_full(t);
	if (mark == DUCT_DOWN)
		line_out_forget_rt(&t->out);
	if (mark == DUCT_UP || mark == DUCT_DOWN) {
		l->opened = mark == DUCT_UP;
		ensemble_settle_rt(l, now_us);
	}
}

static void recv_rt(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	const struct gesture g = {.from = l->player, .osc = buf, .len = len, .at_us = now_us};
	const enum duct_mark mark = duct_mark(buf, len);

	(void)sock;
	(void)from;                       /* asked when it connected */
	line_heard_rt(l, now_us);
	if (mark != DUCT_NONE)
		mark_rt(l, mark, now_us);
	else if (osc_check(buf, len, STREAM_MAX))
		ensemble_error_rt(l->player, GEST_MALFORMED, "/", now_us);
	else
		ensemble_osc_rt(l, &g, now_us);
}

static void send_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	line_out_send_rt(&((struct line_tcp *)l)->out, g, now_us);
}

static void tell_rt(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us)
{
	line_out_tell_rt(&((struct line_tcp *)l)->out, osc, len, now_us);
}

static void join_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	line_out_join_rt(&((struct line_tcp *)l)->out, from, true, now_us);
}

static void leave_rt(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	line_out_leave_rt(&((struct line_tcp *)l)->out, from, now_us);
}

static void refresh_rt(struct line_rt *l, uint64_t now_us)
{
	line_out_refresh_rt(&((struct line_tcp *)l)->out, now_us);
}

static uint64_t due_rt(struct line_rt *l)
{
	const struct line_tcp *t = (const struct line_tcp *)l;

	if (!l->opened || !t->stuck_us)
		return line_out_due_rt(&((struct line_tcp *)l)->out);
	return t->stuck_us;
}

static void tick_rt(struct line_rt *l, uint64_t now_us)
{
	struct line_tcp *t = (struct line_tcp *)l;

	if (t->stuck_us && now_us >= t->stuck_us) {
		t->stuck_us = 0;
		set_full(t);
	}
	line_out_tick_rt(&t->out, now_us);
}

static void close_rt(struct line_rt *l, uint64_t now_us)
{
	(void)now_us;
	l->opened = false;
}

const struct line_ops line_tcp_ops = {
	.alloc = alloc, .inherit_rt = inherit_rt, .recv_rt = recv_rt, .send_rt = send_rt, .tell_rt = tell_rt,
	.join_rt = join_rt, .leave_rt = leave_rt, .refresh_rt = refresh_rt, .due_rt = due_rt, .tick_rt = tick_rt,
	.close_rt = close_rt,
};
