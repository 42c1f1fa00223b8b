/*
 * cdr.c - call records.
 *
 *     face:    begin ─ final(200) ─ joined ─ end          one call, from its side
 *     events:          member-joined, member-left         which room, which role
 *
 * A call may go from room to room and its role may change: what it was at the end is what the row says. While it runs its
 * row stands among those that run, under a number of this process; when it is over the one takes the place of the other
 * in one transaction.
 */
#include <string.h>
#include "cdr.h"
#include "log.h"
#include "snapshot.h"
#include "state.h"
#include "text.h"

enum { BUCKETS = 1024, REFUSED_RATE = 20, REFUSED_BURST = 200, STATUS_END = 700 };

struct cdrs {
	struct store *store;
	struct control *control;
	struct event_lsnr *lsnr;
	struct hash *by_member;
	uint64_t last;                    /* number of a call that runs */
	uint64_t refused_at_ms;           /* the bucket of refused calls */
	uint32_t refused_left;
	struct cdrs_stats stats;
	uint64_t status[2][STATUS_END];   /* incoming, outgoing: calls by their final status */
};

struct cdr {
	struct le he;                     /* cdrs.by_member */
	struct cdrs *book;
	uint32_t member;
	struct store_cdr row;
	bool ended;
};

/* --- rows --- */

#define set(field, text) text_clean(field, sizeof(field), text)

static void row_begin(struct store_cdr *row, const struct cdr_call *call)
{
	*row = (struct store_cdr){ .outgoing = call->outgoing, .start_ms = unix_ms() };
	set(row->call_id, call->call_id);
	set(row->from, call->from);
	set(row->from_name, call->from_name);
	set(row->to, call->to);
	set(row->room, call->room);
}

static void count_status(struct cdrs *b, bool outgoing, uint16_t status)
{
	if (status < STATUS_END)
		b->status[outgoing][status]++;
}

void cdrs_statuses(const struct cdrs *b, void (*h)(bool outgoing, uint16_t status, uint64_t n, void *arg), void *arg)
{
	for (int out = 0; b && out < 2; out++)
		for (uint16_t i = 0; i < STATUS_END; i++)
			if (b->status[out][i])
				h(out, i, b->status[out][i], arg);
}

static void row_write(struct cdrs *b, const struct store_cdr *row)
{
	if (store_cdr_put(b->store, row))
		b->stats.failed++;
	else if (b->store)
		b->stats.written++;
}

static void row_runs(struct cdr *c)
{
	if (c->row.answer_ms && !c->ended && store_call_put(c->book->store, &c->row))
		c->book->stats.failed++;
}

static void row_seat(struct store_cdr *row, const char *room, enum role role)
{
	set(row->room, room);
	set(row->role, role_name(role));
}

static void row_leg(struct store_cdr *row, const struct leg *leg)
{
	struct leg_stats st;

	if (!leg)
		return;
	leg_stats(leg, &st);
	set(row->codec, st.rx_codec[0] ? st.rx_codec : st.tx_codec);
	row->rx_packets = st.rx_packets;
	row->tx_packets = st.tx_packets;
	row->lost = st.rx_lost;
	row->late = st.rx_late;
	row->concealed = st.concealed;
	row->jitter_us = st.jitter_us;
	row->rtt_us = st.rtt_us;
	row->buffer_ms = st.buffer_ms;
	if (!st.heard.known)
		return;
	/* A conversation's is known only where the round trip is. */
	row->r_factor = st.heard.r < 127 ? st.heard.r : 0;
	row->mos = (float)(st.heard.mos_cq < 127 ? st.heard.mos_cq : st.heard.mos_lq < 127 ? st.heard.mos_lq : 0) / 10;
}

/* --- events --- */

static bool is_member(struct le *le, void *arg)
{
	const struct cdr *c = le->data;

	return c->member == *(uint32_t *)arg;
}

static struct cdr *find(const struct cdrs *b, uint32_t member)
{
	return member ? list_ledata(hash_lookup(b->by_member, member, is_member, &member)) : NULL;
}

static void on_event(const struct event *ev, void *arg)
{
	struct cdrs *b = arg;
	struct cdr *c = find(b, ev->member);
	struct snapshot_member m;

	if (!c || (ev->type != EVENT_MEMBER_JOINED && ev->type != EVENT_MEMBER_LEFT) || event_member(&m, ev))
		return;
	row_seat(&c->row, ev->room, m.role);
	if (ev->type == EVENT_MEMBER_JOINED)      /* moved, or let in */
		row_runs(c);
}

/* --- a call --- */

static void cdr_destructor(void *arg)
{
	struct cdr *c = arg;

	hash_unlink(&c->he);
}

int cdr_begin(struct cdr **cp, struct cdrs *b, const struct cdr_call *call)
{
	struct cdr *c;

	if (!cp || !b || !call)
		return EINVAL;
	c = mem_zalloc(sizeof(*c), cdr_destructor);
	if (!c)
		return ENOMEM;
	c->book = b;
	row_begin(&c->row, call);
	c->row.running = ++b->last;
	*cp = c;
	return 0;
}

void cdr_final(struct cdr *c, uint16_t status)
{
	if (!c || c->row.status || status < 200)
		return;
	c->row.status = status;
	count_status(c->book, c->row.outgoing, status);
	if (status < 300)
		c->row.answer_ms = unix_ms();
	row_runs(c);
}

void cdr_joined(struct cdr *c, uint32_t member)
{
	const struct member *m;

	if (!c)
		return;
	hash_unlink(&c->he);
	c->member = member;
	hash_append(c->book->by_member, member, &c->he, c);
	m = member_by_id(c->book->control, member);
	if (m)
		row_seat(&c->row, m->room ? m->room->name : "", m->role);
	row_runs(c);
}

void cdr_end(struct cdr *c, const char *why, const struct leg *leg)
{
	if (!c || c->ended)
		return;
	c->ended = true;
	hash_unlink(&c->he);
	if (!c->row.answer_ms && !c->row.outgoing)
		return;
	c->row.end_ms = unix_ms();
	set(c->row.why, why);
	row_leg(&c->row, leg);
	row_write(c->book, &c->row);
}

/* --- those that were turned away --- */

/* A bucket that fills by REFUSED_RATE a second. A clock that is set back refills nothing until it has caught up. */
static bool refused_fits(struct cdrs *b, uint64_t now_ms)
{
	uint64_t more = now_ms > b->refused_at_ms ? (now_ms - b->refused_at_ms) * REFUSED_RATE / 1000 : 0;

	if (more) {
		b->refused_left = more + b->refused_left > REFUSED_BURST ? REFUSED_BURST : b->refused_left + (uint32_t)more;
		b->refused_at_ms = now_ms;
	}
	if (!b->refused_left)
		return false;
	b->refused_left--;
	return true;
}

void cdr_refused(struct cdrs *b, const struct cdr_call *call, uint16_t status, const char *why)
{
	struct store_cdr row;

	if (!b || !call)
		return;
	row_begin(&row, call);
	count_status(b, call->outgoing, status);
	if (!refused_fits(b, row.start_ms)) {
		b->stats.left_out++;
		return;
	}
	row.end_ms = row.start_ms;
	row.status = status;
	set(row.why, why);
	row_write(b, &row);
}

/* --- all of them --- */

static void destructor(void *arg)
{
	struct cdrs *b = arg;

	if (b->stats.left_out)
		log_info("cdr.left-out", "refused=%llu", (unsigned long long)b->stats.left_out);
	mem_deref(b->lsnr);
	mem_deref(b->by_member);
}

int cdrs_alloc(struct cdrs **bp, struct control *c)
{
	struct cdrs *b;
	int err;

	if (!bp || !c)
		return EINVAL;
	b = mem_zalloc(sizeof(*b), destructor);
	if (!b)
		return ENOMEM;
	b->control = c;
	b->store = c->conf.store;
	err = hash_alloc(&b->by_member, BUCKETS);
	if (!err)
		err = event_listen(&b->lsnr, c, NULL, on_event, b);
	if (err)
		mem_deref(b);
	else
		*bp = b;
	return err;
}

void cdrs_stats(const struct cdrs *b, struct cdrs_stats *st)
{
	*st = b ? b->stats : (struct cdrs_stats){ .written = 0 };
}
