/*
 * oscsend_journal.c - of the sender of gestures: what goes into a packet's journal, and what has to be kept for the
 * next ones.
 *
 * Where not all fits, events get half of the room and what state leaves: they are worth something only now, but must
 * not starve state, which heals for good.
 *
 * A state entry does not say when its key was set. Where that is known, by the time tag of the bundle it came in, the
 * message stands in the journals of the next packets as an event, too, which has an AGE: who lost its packet carries it
 * out with its time, and "its key counts as set by that packet", so that the state entry behind it says nothing new.
 * That is a help and no duty: it gets the room that is left, and a journal without it is as complete.
 *
 * With tt_exec "bundled messages with a future time tag are not journalled before that time": they lie in `later`
 * until then. If that is full, state is journalled at once: early is better than never. A receiver that has lost such a bundle
 * would take the loss for covered by a journal without it, and the value would never come: so until the time has come journals are
 * partial (P=1). Then the receiver asks, and a snapshot tells the value, early.
 */
#include <string.h>

#include "oscsend_priv.h"

enum {
	PICKS  = 128,             /* more entries than a packet can hold: an entry has 12 octets at least */
	MISSES = 8,               /* entries too long for what room is left, before the search for shorter ones ends */
	STAMP_S = 10,             /* time tags further away are no times */
};

struct pick {
	const uint8_t *osc;
	size_t   len;
	int64_t  seq, mark;
	uint32_t age;
	bool     event;
};

struct journal {
	struct pick pick[PICKS];
	unsigned n;
	size_t   room;
	bool     partial;
};

/* ---- the journal of a packet ---- */

static void pick_add(struct journal *j, const struct pick *p)
{
	j->pick[j->n++] = *p;
	j->room -= oscrtp_entry_size(p->len, p->event);
}

static bool pick_fits(const struct journal *j, size_t len, bool event)
{
	return j->n < PICKS && oscrtp_entry_size(len, event) <= j->room;
}

static void pick_event(struct journal *j, const struct sent *sent, const struct sent_event *e, uint32_t ts)
{
	const int32_t age = rtp_ts_diff(ts, e->ts);

	pick_add(j, &(struct pick){sent->bytes + e->at, e->len, sent->seq, e->mark, age > 0 ? (uint32_t)age : 0, true});
}

/* "Every event sent in the last `red` packets SHOULD have an E=1 entry": the newest first, they were told least
 * often. false: not all fit. */
static bool pick_events(struct oscsend *s, struct journal *j, size_t room, bool state, uint32_t ts, uint64_t now_ntp)
{
	const size_t keep = j->room - room;

	for (unsigned back = 1; back <= s->cfg.red; back++) {
		const struct sent *sent = &s->sent[(s->seq - back) % SENT];

		for (unsigned i = sent->seq == s->seq - back ? sent->n : 0; i-- > 0;) {
			const struct sent_event *e = &sent->ev[i];

			if (e->state != state || e->due > now_ntp)
				continue;
			if (j->room - keep < oscrtp_entry_size(e->len, true) || !pick_fits(j, e->len, true))
				return false;
			pick_event(j, sent, e, ts);
		}
	}
	return true;
}

static void pick_states(struct oscsend *s, struct journal *j)
{
	unsigned misses = 0;
	struct key *key = osckeys_head(s->keys, &s->wait), *next;

	for (unsigned left = s->wait.n; left && misses < MISSES; left--, key = next) {
		next = osckeys_next(s->keys, &s->wait, key);
		if (!pick_fits(j, key->len, false)) {
			misses++;
			continue;
		}
		pick_add(j, &(struct pick){osckeys_raw_rt(s->keys, key), key->len, key->last, key->mark, 0, false});
		send_say_key(s, key);
		osckeys_take_rt(s->keys, &s->wait, key);
		osckeys_push_rt(s->keys, &s->wait, key);
		if (!next)
			next = osckeys_head(s->keys, &s->wait);
	}
}

static bool before(const struct pick *a, const struct pick *b)
{
	return a->seq != b->seq ? a->seq < b->seq : a->mark < b->mark;
}

/* Few, and nearly in order. */
static void sort_picks(struct journal *j)
{
	for (unsigned i = 1; i < j->n; i++) {
		const struct pick p = j->pick[i];
		unsigned k = i;

		for (; k && before(&p, &j->pick[k - 1]); k--)
			j->pick[k] = j->pick[k - 1];
		j->pick[k] = p;
	}
}

static void pick_all(struct oscsend *s, struct journal *j, uint32_t ts, uint64_t now_ntp)
{
	const size_t half = j->room / 2, spare = j->room > s->open_bytes ? j->room - s->open_bytes : 0;
	unsigned events;

	j->n = 0;
	j->partial = !pick_events(s, j, half > spare ? half : spare, false, ts, now_ntp);
	events = j->n;
	pick_states(s, j);
	s->said[s->seq % SAID].complete = j->n - events == s->wait.n;
	if (!s->said[s->seq % SAID].complete)
		j->partial = true;
	(void)pick_events(s, j, j->room, true, ts, now_ntp);
	sort_picks(j);
}

uint16_t send_back_of(const struct oscsend *s, int64_t seq)
{
	return s->seq - seq < OSCRTP_BACK_FAR ? (uint16_t)(s->seq - seq) : OSCRTP_BACK_FAR;
}

static uint8_t *write_journal(const struct oscsend *s, uint8_t *p, const struct journal *j)
{
	for (unsigned i = 0; i < j->n; i++) {
		const struct pick *k = &j->pick[i];

		p = oscrtp_write_entry(p, &(struct oscrtp_entry){k->event, send_back_of(s, k->seq), k->age,
			k->osc, k->len});
	}

	return p;
}

bool send_journal(struct oscsend *s, uint8_t **p, const uint8_t *end, uint32_t ts, uint64_t now_ntp)
{
	struct journal j;

	j.room = (size_t)(end - *p);
	pick_all(s, &j, ts, now_ntp);
	*p = write_journal(s, *p, &j);

	return !j.partial;
}

/* ---- what a packet says is remembered ---- */

static bool in_future(const struct oscsend *s, uint64_t timetag, uint64_t now_ntp)
{
	return s->cfg.tt_exec && timetag > now_ntp && timetag != OSC_NOW;
}

static void event_sent(struct oscsend *s, const struct osc_msg *msg, const struct sent_event *e)
{
	struct sent *sent = &s->sent[s->seq % SENT];
	struct sent_event *new = &sent->ev[sent->n];

	if (sent->n == SENT_EVENTS || sizeof(sent->bytes) - sent->used < msg->len)
		return;                   /* cannot be: they were in one packet */

	memcpy(sent->bytes + sent->used, msg->raw, msg->len);
	*new = *e;
	new->at   = (uint16_t)sent->used;
	new->len  = (uint16_t)msg->len;
	new->mark = s->mark++;
	sent->used += msg->len;
	sent->n++;
}

/* Has that message a time of its own, and which? */
static bool stamped(const struct oscsend *s, uint32_t *ts, uint64_t timetag, const struct oscsend_time *now)
{
	const int64_t ago = (int64_t)(now->ntp - timetag), most = (int64_t)STAMP_S << 32;         /* 2^-32 s */

	if (!s->cfg.tt_exec || !s->cfg.clock_rate || timetag == OSC_NOW || ago > most || ago < -most)
		return false;
	*ts = now->ts - (uint32_t)((ago >> 8) * s->cfg.clock_rate >> 24);
	return true;
}

static bool put_off(struct oscsend *s, const struct osc_msg *msg, uint64_t ntp)
{
	for (unsigned i = 0; i < LATER; i++) {
		struct later *l = &s->later[i];

		if (l->len)
			continue;
		l->seq = s->seq;
		l->ntp = ntp;
		l->len = msg->len;
		memcpy(l->bytes, msg->raw, msg->len);
		return true;
	}

	return false;
}

bool send_waits(const struct oscsend *s)
{
	for (unsigned i = 0; s->later && i < LATER; i++) {
		if (s->later[i].len && s->later[i].seq >= s->acked)
			return true;
	}
	return false;
}

void send_apply_later(struct oscsend *s, uint64_t now_ntp)
{
	for (unsigned i = 0; s->later && i < LATER; i++) {
		struct later *l = &s->later[i];
		struct osc_msg msg;

		if (!l->len || l->ntp > now_ntp)
			continue;
		/* what all receivers have got in its packet needs no journal, but a snapshot must know it */
		if (!osc_msg_read(&msg, l->bytes, l->len))
			send_state(s, &msg, l->seq);
		l->len = 0;
	}
}

/* /midi/C/off/N: "the key note/N becomes 0", so a receiver that never hears of the event still lets the note go. */
static void note_ends(struct oscsend *s, const struct osc_msg *msg, uint64_t timetag)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg zero;
	size_t len;

	if (!kind_off_key(buf, &len, msg) || osc_msg_read(&zero, buf, len))
		return;
	if (!timetag || !put_off(s, &zero, timetag))
		send_state(s, &zero, s->seq);
}

static void send_message(struct oscsend *s, const struct oscsend_item *item, const struct osc_msg *msg,
			 uint64_t timetag, const struct oscsend_time *now)
{
	const bool future = in_future(s, timetag, now->ntp);
	struct sent_event e = {.ts = item->ts, .due = future ? timetag : 0};
	const bool known = stamped(s, &e.ts, timetag, now);

	if (item->event || kind_of(item->kinds, msg) == OSC_EVENT) {
		event_sent(s, msg, &e);
		note_ends(s, msg, e.due);
		return;
	}
	e.state = true;
	if (known)
		event_sent(s, msg, &e);
	if (!future || !put_off(s, msg, timetag))
		send_state(s, msg, s->seq);
}

void send_item(struct oscsend *s, const struct oscsend_item *item, const struct oscsend_time *now)
{
	struct osc_iter it;
	struct osc_msg msg;

	osc_iter_init(&it, item->osc, item->len);
	while (osc_next(&it, &msg))
		send_message(s, item, &msg, it.timetag, now);
}
