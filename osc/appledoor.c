/*
 * appledoor.c - a line of its own kind that has the sockets, and hands what comes to the lines of the players.
 *
 * News go up by a ring; the bell is given back like anything the forward thread has done with. There is always room to say that
 * somebody has gone: who comes when half of the ring is full is sent away.
 */
#include <errno.h>
#include <string.h>
#include "mixer/ring.h"
#include "appledoor.h"
#include "forward.h"
#include "line_apple.h"
#include "line_port.h"

enum { NEWS = 4 * APPLEPEERS_MAX, SESSION_MASK = 0xffffff };

struct appledoor {
	struct line_rt l;                 /* first: the port's packets are for it */
	struct applepeers *peers;
	struct line_port *port;
	struct ring *news;
	struct {
		uint32_t session;
		struct line_apple *line;
	} slot[APPLEPEERS_SLOTS];
	tally_t malformed, stranger, refused, ignored, proven;
	_Atomic bool ringing;
	struct give bell, give;
	struct job_wait begin_spare, end_spare;
	/* control thread */
	struct forward *forward;
	appledoor_news_h *newsh;          /* NULL: ended */
	void *arg, *allow_arg;            /* allow_arg: a reference */
};

/* ---- news ---- */

/* Control thread. */
static void read_news(void *obj)
{
	struct appledoor *d = obj;
	struct apple_news news;

	atomic_store(&d->ringing, false);
	while (!ring_pop(d->news, &news)) {
		if (d->newsh)
			d->newsh(&news, d->arg);
	}
}

static void tell_news(struct appledoor *d, const struct apple_news *news)
{
	(void)ring_push(d->news, news);           /* there is room: see `came` */
	if (!atomic_exchange(&d->ringing, true))
		give_back_rt(d->l.forward, &d->bell, read_news, d);
}

static void went(struct appledoor *d, unsigned slot)
{
	const struct apple_news news = {.slot = slot, .session = d->slot[slot].session};

	if (d->slot[slot].line)
		line_apple_gone_rt(d->slot[slot].line);
	d->slot[slot].line = NULL;
	tell_news(d, &news);
}

static void send_all(struct appledoor *d, const struct applepeers_out *out)
{
	for (unsigned i = 0; i < out->n; i++) {
		d->l.sock[out->send[i].port].to = out->send[i].to;
		line_send_rt(&d->l, out->send[i].port, out->send[i].buf, out->send[i].len);
	}
}

static void came(struct appledoor *d, unsigned slot)
{
	const struct applepeer *p = applepeers_get(d->peers, slot);
	struct apple_news news = {.in = true, .slot = slot, .session = ++d->slot[slot].session, .from = p->control};
	struct applepeers_out out;

	d->slot[slot].line = NULL;
	if (ring_count(d->news) >= NEWS / 2) {
		applepeers_close(d->peers, &out, slot);
		send_all(d, &out);
		return;
	}
	memcpy(news.name, p->session.peer_name, sizeof(news.name));
	tell_news(d, &news);
}

/* ---- packets ---- */

static void copy_stats(struct appledoor *d)
{
	const struct applepeers_stats *s = applepeers_stats(d->peers);

	tally_set_rt(&d->malformed, s->malformed);
	tally_set_rt(&d->stranger, s->stranger);
	tally_set_rt(&d->refused, s->refused);
	tally_set_rt(&d->ignored, s->ignored);
	tally_set_rt(&d->proven, s->proven);
}

/* Who was pushed out goes before who pushed. */
static void act(struct appledoor *d, const struct applepeers_out *out)
{
	send_all(d, out);
	if (out->closed >= 0)
		went(d, (unsigned)out->closed);
	if (out->proven >= 0)
		came(d, (unsigned)out->proven);
	if (out->reported >= 0 && d->slot[out->reported].line)
		line_apple_report_rt(d->slot[out->reported].line, out->seq);
}

static void door_recv_rt(struct line_rt *l, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	struct appledoor *d = (struct appledoor *)l;
	struct applepeers_out out;

	applepeers_recv(d->peers, &out, sock ? APPLEMIDI_DATA : APPLEMIDI_CONTROL, from, buf, len, now_us);
	act(d, &out);
	copy_stats(d);
	if (out.rtp >= 0 && d->slot[out.rtp].line)
		line_apple_rtp_rt(d->slot[out.rtp].line, buf, len, now_us);
	else if (out.heard >= 0 && d->slot[out.heard].line)
		line_apple_heard_rt(d->slot[out.heard].line, now_us);
}

static uint64_t door_due_rt(struct ticker *t)
{
	const struct appledoor *d = t->arg;

	return applepeers_due_us(d->peers);
}

static void door_tick_rt(struct ticker *t, uint64_t now_us)
{
	struct appledoor *d = t->arg;
	struct applepeers_out out;

	while (applepeers_tick(d->peers, &out, now_us))
		act(d, &out);
}

/* What the ensemble asks of lines, nobody asks of this one: it is no player's. */
static const struct line_ops door_ops = {.recv_rt = door_recv_rt};

/* ---- the lines of the sessions ---- */

bool appledoor_attach_rt(struct appledoor *d, unsigned slot, uint32_t session, struct line_apple *l)
{
	const struct applepeer *p = applepeers_get(d->peers, slot);

	if (!p || !p->proven || d->slot[slot].session != session)
		return false;
	d->slot[slot].line = l;
	return true;
}

void appledoor_detach_rt(struct appledoor *d, unsigned slot, struct line_apple *l)
{
	struct applepeers_out out;

	if (d->slot[slot].line != l)
		return;
	d->slot[slot].line = NULL;
	applepeers_close(d->peers, &out, slot);
	act(d, &out);
}

void appledoor_send_rt(struct appledoor *d, unsigned slot, const uint8_t *buf, size_t len)
{
	const struct applepeer *p = applepeers_get(d->peers, slot);

	if (!p)
		return;
	d->l.sock[APPLEMIDI_DATA].to = p->data;
	line_send_rt(&d->l, APPLEMIDI_DATA, buf, len);
}

void appledoor_feedback_rt(struct appledoor *d, unsigned slot, uint16_t seq)
{
	struct applepeers_out out;

	applepeers_feedback(d->peers, &out, slot, seq);
	send_all(d, &out);
}

const struct applepeer *appledoor_peer_rt(const struct appledoor *d, unsigned slot)
{
	return applepeers_get(d->peers, slot);
}

/* ---- beginning and end ---- */

static void begin_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct appledoor *d = obj;

	(void)arg;
	(void)now_us;
	line_port_set_rt(d->port, &d->l);
	ticker_add_rt(f, &d->l.ticker);
}

static void door_freed(void *obj)
{
	mem_deref(obj);
}

static void end_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct appledoor *d = obj;
	struct applepeers_out out;

	(void)arg;
	(void)now_us;
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		applepeers_close(d->peers, &out, i);
		send_all(d, &out);
		if (d->slot[i].line)
			line_apple_gone_rt(d->slot[i].line);
		d->slot[i].line = NULL;
	}
	line_port_set_rt(d->port, NULL);
	ticker_del_rt(f, &d->l.ticker);
	give_back_rt(f, &d->give, door_freed, d);
}

/* arg: the session and the slot, in one word. */
static void dismiss_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct appledoor *d = obj;
	const uintptr_t word = (uintptr_t)arg;
	const unsigned slot = word % APPLEPEERS_SLOTS;
	struct applepeers_out out;

	(void)f;
	(void)now_us;
	if (((d->slot[slot].session ^ (word / APPLEPEERS_SLOTS)) & SESSION_MASK) || d->slot[slot].line)
		return;
	applepeers_close(d->peers, &out, slot);
	act(d, &out);
}

static void door_destroy(void *arg)
{
	struct appledoor *d = arg;

	mem_deref(d->peers);
	mem_deref(d->news);
	mem_deref(d->allow_arg);
	mem_deref(d->forward);
}

int appledoor_alloc(struct appledoor **dp, struct forward *f, const struct relay_conf *conf, const struct sa *local,
	const struct applepeers_conf *peers, appledoor_news_h *newsh, void *arg)
{
	struct appledoor *d = mem_zalloc(sizeof(*d), door_destroy);
	int err;

	if (!d)
		return ENOMEM;
	d->forward = mem_ref(f);
	d->newsh = newsh;
	d->arg = arg;
	d->allow_arg = mem_ref(peers->arg);
	d->l.ops = &door_ops;
	d->l.forward = f;
	d->l.ticker = (struct ticker){.due_rt = door_due_rt, .tick_rt = door_tick_rt, .arg = d};
	err = applepeers_alloc(&d->peers, peers);
	if (!err)
		err = ring_alloc(&d->news, sizeof(struct apple_news), NEWS);
	if (!err)
		err = line_port_alloc(&d->port, f, conf, NULL, GESTLINE_MIDI, local);
	if (err) {
		mem_deref(d);
		return err;
	}
	(void)forward_post(f, &(struct job){begin_rt, d, NULL}, &d->begin_spare);
	*dp = d;
	return 0;
}

struct line_port *appledoor_port(struct appledoor *d)
{
	return d->port;
}

/* Without memory for the job the session stays, unheard, until the peer ends it. */
void appledoor_dismiss(struct appledoor *d, unsigned slot, uint32_t session)
{
	const uintptr_t word = (uintptr_t)(session & SESSION_MASK) * APPLEPEERS_SLOTS + slot;

	(void)forward_post(d->forward, &(struct job){dismiss_rt, d, (void *)word}, NULL);
}

void appledoor_end(struct appledoor *d)
{
	struct line_port *port = d->port;

	d->newsh = NULL;
	(void)forward_post(d->forward, &(struct job){end_rt, d, NULL}, &d->end_spare);
	line_port_end(port);              /* after it */
}

void appledoor_stats(const struct appledoor *d, struct appledoor_stats *s)
{
	*s = (struct appledoor_stats){
		.malformed = tally_get(&d->malformed),
		.stranger = tally_get(&d->stranger),
		.refused = tally_get(&d->refused),
		.ignored = tally_get(&d->ignored),
		.proven = tally_get(&d->proven),
	};
}
