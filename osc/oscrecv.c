/*
 * oscrecv.c - the receiver of one RTP stream of gestures.
 *
 *      number of the packet          a new number      highest + 1        higher: lost some     old, not had      had
 *      journal, state entries        yes               if S or dirty      yes                   if S or dirty     -
 *      journal, event entries        not late          -                  in the gap, not late  -                 -
 *      its own messages              all               all                all                   state not set     -
 *                                                                                               by later ones
 *
 * For every key the number of the packet that set it is kept (key->last), and nothing older sets it again; for
 * numbers, which of the last 1024 came. These two answer every question. Numbers are extended to 64 bits and only
 * grow; when a sender begins anew, they begin anew above all there were, so that what is known stays older than what
 * comes.
 *
 * "Dirty" is who lost what no journal told: it takes state entries wherever it sees them and asks for a snapshot. It
 * is clean when every packet from the snapshot's first to its last has come; then keys that neither the snapshot nor
 * anything since has named are void. Each snapshot entry marks its key with the snapshot's beginning, so that is one
 * look at each key.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "oscrecv.h"

enum {
	DROPOUT  = 3000,          /* RFC 3550 A.1, here with the limits of the payload format */
	MISORDER = 100,
	BIT_WORDS = OSCRECV_WINDOW / 64,
};

enum { LIST_LIVE = 0, LIST_DEAD = 1 };

struct oscrecv {
	struct oscrecv_cfg cfg;
	uint32_t late;            /* clock units */
	struct osckeys *keys;
	struct osckeys_list live, dead;
	bool     any;             /* a packet has come, */
	bool     fresh;           /* or none yet since the numbers began anew */
	int64_t  highest;
	uint32_t cycle0;          /* taken off for reports */
	uint64_t window[BIT_WORDS];
	bool     bad;             /* a number out of order came: the one that would follow it */
	uint16_t bad_seq;
	bool     dirty;
	uint64_t ask_us;          /* not before */
	bool     end;             /* the last packet of a snapshot has come */
	int64_t  end_check, end_seq;
	uint32_t run;
	struct oscrecv_stats stats;
};

/* One packet on its way through. */
struct visit {
	const struct rtp_pkt *pkt;
	struct oscrtp o;
	int64_t seq, check;
	int64_t old;              /* highest before it */
	bool    none;             /* there was none */
	bool    loss;
};

/* Of a message: when it was captured, and the time tag of its bundle. */
struct when {
	uint32_t ts;
	uint64_t timetag;
};

/* ---- life ---- */

static void oscrecv_destroy(void *arg)
{
	struct oscrecv *r = arg;

	mem_deref(r->keys);
}

int oscrecv_alloc(struct oscrecv **rp, const struct oscrecv_cfg *cfg)
{
	struct oscrecv *r;
	int err;

	if (!rp || !cfg || !cfg->clock_rate || cfg->clock_rate > 192000 || cfg->late_ms > OSCRECV_LATE_MAX_MS)
		return EINVAL;
	r = mem_zalloc(sizeof(*r), oscrecv_destroy);
	if (!r)
		return ENOMEM;

	r->cfg   = *cfg;
	r->late  = (uint32_t)((uint64_t)cfg->late_ms * cfg->clock_rate / 1000);
	r->fresh = true;
	if (!r->cfg.max)
		r->cfg.max = OSC_MAX_DGRAM;
	err = osckeys_alloc(&r->keys, cfg->keys_max ? cfg->keys_max : OSCKEYS_SOURCE_MAX,
			 cfg->bytes_max ? cfg->bytes_max : OSCKEYS_SOURCE_BYTES, cfg->seed);
	if (err) {
		mem_deref(r);
		return err;
	}
	osckeys_list_init(&r->live, LIST_LIVE);
	osckeys_list_init(&r->dead, LIST_DEAD);

	*rp = r;
	return 0;
}

void oscrecv_anew_rt(struct oscrecv *r)
{
	r->fresh = true;
	r->bad   = r->end = false;
}

void oscrecv_change_rt(struct oscrecv *r, const struct kinds *kinds, void *arg)
{
	r->cfg.kinds = kinds;
	r->cfg.arg   = arg;
}

bool oscrecv_dirty(const struct oscrecv *r)
{
	return r->dirty;
}

bool oscrecv_highest(const struct oscrecv *r, uint32_t *ehsn)
{
	*ehsn = (uint32_t)r->highest - r->cycle0;
	return r->any;
}

const struct osckeys *oscrecv_state(const struct oscrecv *r)
{
	return r->keys;
}

const struct oscrecv_stats *oscrecv_stats(const struct oscrecv *r)
{
	return &r->stats;
}

bool oscrecv_refresh_rt(struct oscrecv *r, uint64_t now_us)
{
	if (!r->cfg.journal || !r->dirty || now_us < r->ask_us)
		return false;

	r->ask_us = now_us + OSCRECV_REFRESH_MS * UINT64_C(1000);
	return true;
}

/* ---- which numbers came ---- */

static bool window_has(const struct oscrecv *r, int64_t seq)
{
	if (r->fresh || seq > r->highest || seq <= r->highest - OSCRECV_WINDOW)
		return false;

	return r->window[seq % OSCRECV_WINDOW / 64] >> (seq % 64) & 1;
}

static void window_set(struct oscrecv *r, int64_t seq, bool on)
{
	uint64_t *w = &r->window[seq % OSCRECV_WINDOW / 64];
	const uint64_t bit = UINT64_C(1) << (seq % 64);

	*w = on ? *w | bit : *w & ~bit;
}

static void window_move(struct oscrecv *r, int64_t highest)
{
	if (r->fresh || highest - r->highest >= OSCRECV_WINDOW)
		memset(r->window, 0, sizeof(r->window));
	else
		for (int64_t i = r->highest + 1; i <= highest; i++)
			window_set(r, i, false);

	r->highest = highest;
	r->fresh   = false;
	window_set(r, highest, true);
}

/* ---- executing ---- */

static void tell(struct oscrecv *r, const struct visit *v, enum oscrecv_cause cause, const struct osc_msg *msg,
		 enum osc_kind kind, struct when when)
{
	const struct oscrecv_note note = {cause, msg, kind, v->pkt->seq, when.ts, when.timetag};

	if (r->cfg.h)
		r->cfg.h(&note, r->cfg.arg);
}

static struct when now_of(const struct visit *v)
{
	return (struct when){v->pkt->ts, OSC_NOW};
}

static void forget(struct oscrecv *r, struct key *key)
{
	osckeys_take_rt(r->keys, &r->live, key);
	osckeys_take_rt(r->keys, &r->dead, key);
	osckeys_drop_rt(r->keys, key);
}

/* "`s.last` of a deleted key is kept for at least 1024 packets." After that it is in the way. */
static void forget_dead(struct oscrecv *r)
{
	struct key *key;

	while ((key = osckeys_head(r->keys, &r->dead)) != NULL && key->last < r->highest - OSCRECV_WINDOW)
		forget(r, key);
}

static void relist(struct oscrecv *r, struct key *key)
{
	osckeys_take_rt(r->keys, &r->live, key);
	osckeys_take_rt(r->keys, &r->dead, key);
	osckeys_push_rt(r->keys, key->live ? &r->live : &r->dead, key);
}

/* The value of a key is now that of this message, said by packet `seq`. */
static struct key *keep(struct oscrecv *r, const struct osc_msg *msg, int64_t seq)
{
	struct key *key = osckeys_find_rt(r->keys, msg->addr, msg->addr_len);

	if (osckeys_set_rt(&key, r->keys, msg)) {
		forget_dead(r);
		key = osckeys_find_rt(r->keys, msg->addr, msg->addr_len);
		if (osckeys_set_rt(&key, r->keys, msg)) {
			r->stats.unstored++;
			if (key)
				forget(r, key);   /* what it had is not true any more */
			return NULL;
		}
	}
	key->last = seq;
	relist(r, key);
	return key;
}

/* ---- elements ---- */

/* /midi/C/off/N: "the key note/N becomes 0" */
static void note_ends(struct oscrecv *r, const struct osc_msg *msg, int64_t seq)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg zero;
	struct key *key;
	size_t len;

	if (!kind_off_key(buf, &len, msg) || osc_msg_read(&zero, buf, len))
		return;
	key = osckeys_find_rt(r->keys, zero.addr, zero.addr_len);
	if (!key || key->last <= seq)
		keep(r, &zero, seq);
}

static void live_message(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg, struct when when)
{
	const enum osc_kind kind = kind_of(r->cfg.kinds, msg);

	if (kind == OSC_STATE)
		keep(r, msg, v->seq);
	else
		note_ends(r, msg, v->seq);
	tell(r, v, OSCRECV_LIVE, msg, kind, when);
}

/* "state messages [...] are executed only if the key has not been set by a later packet, nor by a journal entry that
 * names this packet or a later one"; what an earlier message of this same packet has set is set by neither. */
static void old_message(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg, struct when when)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg zero;
	struct key *key;
	size_t len;

	if (kind_of(r->cfg.kinds, msg) != OSC_STATE) {
		/* An old event is over, but not what it did to its note: journals are silent of it, as its packet has come. */
		if (!kind_off_key(buf, &len, msg) || osc_msg_read(&zero, buf, len))
			return;
		msg = &zero;
	}
	key = osckeys_find_rt(r->keys, msg->addr, msg->addr_len);
	if (key && key->last >= v->seq && !(key->last == v->seq && key->run == r->run))
		return;

	key = keep(r, msg, v->seq);
	if (key)
		key->run = r->run;
	tell(r, v, OSCRECV_LIVE, msg, OSC_STATE, when);
}

typedef void (message_h)(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg, struct when when);

static void elements(struct oscrecv *r, const struct visit *v, message_h *h)
{
	const uint8_t *p = v->o.elems;
	struct oscrtp_elem e;
	struct osc_iter it;
	struct osc_msg msg;

	for (unsigned i = 0; i < v->o.num; i++) {
		p = oscrtp_elem(&e, p);
		osc_iter_init(&it, e.osc, e.len);
		while (osc_next(&it, &msg))
			h(r, v, &msg, (struct when){v->pkt->ts + e.delta, it.timetag});
	}
}

/* ---- journals ---- */

/* "a note whose end was lost is released and none is struck late" */
static bool strikes_late(const struct visit *v, const struct osc_msg *msg, const struct key *key)
{
	return v->o.s && kind_is_note(msg->addr, msg->addr_len) && kind_is_held(msg) && !(key && key->held);
}

static void state_entry(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg, int64_t origin)
{
	struct key *key = osckeys_find_rt(r->keys, msg->addr, msg->addr_len);

	if (strikes_late(v, msg, key) || (key && key->last >= origin))
		return;

	key = keep(r, msg, origin);
	if (key && v->o.s)
		key->mark = v->check;
	r->stats.states++;
	tell(r, v, OSCRECV_STATE, msg, OSC_STATE, now_of(v));
}

static void event_entry(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg,
			const struct oscrtp_entry *e, int64_t origin)
{
	struct key *key;

	if (!v->loss || (!v->none && origin <= v->old))
		return;
	if (e->age > r->late) {
		r->stats.late++;
		return;
	}

	/* "Once executed, its key counts as set by that packet", should this receiver take it for state when it comes
	 * late */
	key = osckeys_find_rt(r->keys, msg->addr, msg->addr_len);
	if (kind_of(r->cfg.kinds, msg) == OSC_STATE) {
		if (!key || key->last < origin)
			keep(r, msg, origin);
	}
	else {
		if (key && key->last < origin)
			key->last = origin;
		note_ends(r, msg, origin);
	}
	r->stats.events++;
	tell(r, v, OSCRECV_EVENT, msg, OSC_EVENT, (struct when){v->pkt->ts - e->age, OSC_NOW});
}

/* Named by a snapshot, whether or not that says anything new. */
static void mark(struct oscrecv *r, const struct visit *v, const struct osc_msg *msg)
{
	struct key *key = v->o.s ? osckeys_find_rt(r->keys, msg->addr, msg->addr_len) : NULL;

	if (key && key->mark < v->check)
		key->mark = v->check;
}

static void entries(struct oscrecv *r, const struct visit *v)
{
	struct oscrtp_entry e;
	struct osc_msg msg;

	for (const uint8_t *p = v->o.entries; p < v->o.end;) {
		int64_t origin;

		p = oscrtp_entry(&e, p);
		origin = v->seq - e.back;
		if (osc_msg_read(&msg, e.osc, e.len))
			return;           /* cannot be: oscrtp_read has read it */
		if (!e.event)
			mark(r, v, &msg);
		if (e.back < OSCRTP_BACK_FAR && window_has(r, origin))
			continue;
		if (e.event)
			event_entry(r, v, &msg, &e, origin);
		else if (!kind_never_state(msg.addr, msg.addr_len))
			state_entry(r, v, &msg, origin);
	}
}

/* ---- snapshots ---- */

static void make_void(struct oscrecv *r, const struct visit *v, struct key *key)
{
	const struct osc_arg nil = {.tag = 'N'};
	uint8_t buf[OSC_ADDR_MAX + 9];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osckeys_msg_rt(&msg, r->keys, key);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, msg.addr, &nil, 1);
	forget(r, key);
	if (!osc_w_end(&w, &len) && !osc_msg_read(&msg, buf, len))
		tell(r, v, OSCRECV_VOID, &msg, OSC_STATE, now_of(v));
}

static bool all_came(const struct oscrecv *r, int64_t from, int64_t to)
{
	for (int64_t i = from; i <= to; i++) {
		if (!window_has(r, i))
			return false;
	}

	return true;
}

/* "When it is complete, a receiver that stores state deletes the keys that neither the snapshot nor a packet from its
 * CHECK on has set" */
static void snapshot_end(struct oscrecv *r, const struct visit *v)
{
	struct key *key, *next;

	if (v->o.s && !v->o.p && (!r->end || v->seq > r->end_seq)) {
		r->end = true;
		r->end_check = v->check;
		r->end_seq   = v->seq;
	}
	if (!r->end || !all_came(r, r->end_check, r->end_seq))
		return;

	for (key = osckeys_head(r->keys, &r->live); key; key = next) {
		next = osckeys_next(r->keys, &r->live, key);
		if (key->mark < r->end_check && key->last < r->end_check)
			make_void(r, v, key);
	}
	r->dirty = false;
	r->end   = false;
}

/* ---- packets ---- */

static void new_packet(struct oscrecv *r, struct visit *v, uint64_t now_us)
{
	const bool covered = !v->o.s && !v->o.p && v->o.j && !v->none && v->check <= v->old + 1;

	if (!v->none)
		r->stats.lost += (uint64_t)(v->seq - v->old - 1);
	if (v->o.j && (v->loss || v->o.s || r->dirty))
		entries(r, v);
	if (v->none || (v->loss && !covered)) {
		/* "a new SSRC not during its first second: the server sends a snapshot by itself" */
		if (!r->any)
			r->ask_us = now_us + OSCRECV_REFRESH_MS * UINT64_C(1000);
		r->dirty = r->cfg.journal;
	}
	elements(r, v, live_message);
	window_move(r, v->seq);
	r->any = true;
}

static void old_packet(struct oscrecv *r, struct visit *v)
{
	r->stats.old++;
	if (v->o.j && (v->o.s || r->dirty))
		entries(r, v);
	r->run++;
	elements(r, v, old_message);
	window_set(r, v->seq, true);
}

/* Extends the number. EALREADY, EPROTO as the packet's. */
static int place(struct oscrecv *r, struct visit *v, uint16_t seq)
{
	const uint16_t up = (uint16_t)(seq - (uint16_t)r->highest);

	v->none = r->fresh;
	v->old  = r->highest;
	v->seq  = r->any ? r->highest + up : 0x10000 + seq;
	if (r->fresh) {
		if (!r->any)
			r->cycle0 = 0x10000;
		return 0;
	}
	if (up > UINT16_MAX - MISORDER)
		v->seq -= 0x10000;
	else if (up > DROPOUT) {
		/* "resynchronise after two consecutive packets" */
		if (!r->bad || seq != r->bad_seq) {
			r->bad     = true;
			r->bad_seq = (uint16_t)(seq + 1);
			r->stats.jumped++;
			return EPROTO;
		}
		r->fresh = v->none = true;
		v->seq = r->highest + up;
		r->end = false;
	}
	r->bad = false;
	if (!v->none && (window_has(r, v->seq) || v->seq <= r->highest - OSCRECV_WINDOW)) {
		r->stats.duplicate++;
		return EALREADY;
	}

	return 0;
}

int oscrecv_packet_rt(struct oscrecv *r, const struct rtp_pkt *pkt, uint64_t now_us)
{
	struct visit v = {.pkt = pkt};
	int err;

	if (oscrtp_read(&v.o, pkt, r->cfg.max)) {
		r->stats.malformed++;
		return EBADMSG;
	}
	err = place(r, &v, pkt->seq);
	if (err)
		return err;

	r->stats.packets++;
	v.check = v.seq - (uint16_t)(pkt->seq - v.o.check);
	v.loss  = v.none || v.seq > v.old + 1;
	if (v.none || v.seq > v.old)
		new_packet(r, &v, now_us);
	else
		old_packet(r, &v);
	snapshot_end(r, &v);

	return 0;
}
