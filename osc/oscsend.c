/*
 * oscsend.c - the sender of one RTP stream of gestures.
 *
 *      packet I  =  header | what is new | journal: what packets CHECK .. I-1 said, as far as it still matters
 *
 * Of state, the last value of each key that was set in CHECK .. I-1; of events, those of the last few packets. CHECK
 * follows what the receivers have reported, so a receiver that has the packet before CHECK and gets this one knows
 * everything, however many were lost in between.
 *
 * That holds as long as journals are complete. A receiver that lost packets and then got one with a partial journal
 * reports that one all the same, and CHECK moves past what it lacks. So a key leaves the journals only when its value
 * is known to have arrived: it was in the very packet that was reported, or that packet's journal was complete. "Keys
 * set only before the checkpoint MAY appear."
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "oscsend_priv.h"

enum {
	CHECK_SPAN = 32000,       /* how far CHECK may lie back: half the number space, less some for reordering */
	SNAP_SPAN  = 1000,        /* packets a snapshot may take with those in between: receivers remember 1024 */
	SNAP_GAP_US   = 5000,     /* "at most one packet per 5 ms" */
	SNAP_AGAIN_US = 1000000,
};

/* ---- life ---- */

static void oscsend_destroy(void *arg)
{
	struct oscsend *s = arg;

	mem_deref(s->keys);
	mem_deref(s->sent);
	mem_deref(s->said);
	mem_deref(s->later);
}

static int cfg_set(struct oscsend *s, const struct oscsend_cfg *cfg)
{
	struct oscsend_cfg *c = &s->cfg;

	*c = *cfg;
	c->mtu = c->mtu ? c->mtu : OSCRTP_MTU;
	c->max = c->max ? c->max : OSC_MAX_DGRAM;
	c->keys_max  = c->keys_max ? c->keys_max : OSCKEYS_SOURCE_MAX;
	c->bytes_max = c->bytes_max ? c->bytes_max : OSCKEYS_SOURCE_BYTES;

	return c->mtu < 64 || c->mtu > OSCSEND_MTU_MAX || c->red > OSCSEND_RED_MAX || c->pt > 127 ||
	       c->guard_ms > OSCSEND_GUARD_MAX_MS ? EINVAL : 0;
}

static int alloc_parts(struct oscsend *s)
{
	int err = osckeys_alloc(&s->keys, s->cfg.keys_max, s->cfg.bytes_max, s->cfg.seed);

	if (err)
		return err;
	s->sent = mem_zalloc(SENT * sizeof(*s->sent), NULL);
	s->said = mem_zalloc(SAID * sizeof(*s->said), NULL);
	if (s->cfg.tt_exec)
		s->later = mem_zalloc(LATER * sizeof(*s->later), NULL);

	return s->sent && s->said && (s->later || !s->cfg.tt_exec) ? 0 : ENOMEM;
}

int oscsend_alloc(struct oscsend **sp, const struct oscsend_cfg *cfg)
{
	struct oscsend *s;
	int err;

	if (!sp || !cfg)
		return EINVAL;
	s = mem_zalloc(sizeof(*s), oscsend_destroy);
	if (!s)
		return ENOMEM;

	err = cfg_set(s, cfg);
	if (!err)
		err = alloc_parts(s);
	if (err) {
		mem_deref(s);
		return err;
	}

	send_lists_init(s);
	s->first = s->seq = s->acked = 0x10000 + cfg->seq;
	s->guard_us    = 100000;
	s->snap.wanted = s->snap.joining = cfg->journal;
	if (cfg->receiver)
		s->rx[0] = (struct receiver){.used = true, .has = s->first - 1, .sure = s->first};

	*sp = s;
	return 0;
}

const struct osckeys *oscsend_state(const struct oscsend *s)
{
	return s->keys;
}

const struct oscsend_stats *oscsend_stats(const struct oscsend *s)
{
	return &s->stats;
}

/* ---- packets ---- */

struct build {
	struct rtp_pkt rtp;
	struct oscrtp  hdr;
	uint8_t *begin, *p, *end; /* of the payload */
};

static uint32_t later_ts(uint32_t a, uint32_t b)
{
	return rtp_ts_diff(a, b) > 0 ? a : b;
}

/* "Timestamps of consecutive packets never decrease (mod 2^32)." */
static int build_begin(struct oscsend *s, struct build *b, uint8_t *buf, size_t room, uint32_t ts)
{
	size_t n = room;

	b->rtp.marker = b->hdr.num > 0;
	b->rtp.pt   = s->cfg.pt;
	b->rtp.seq  = (uint16_t)s->seq;
	b->rtp.ts   = s->seq == s->first ? ts : later_ts(ts, s->ts);
	b->rtp.ssrc = s->cfg.ssrc;
	if (rtp_write_hdr(buf, &n, &b->rtp) || room - n < s->cfg.mtu)
		return ENOSPC;

	s->sent[s->seq % SENT].n = 0;
	s->sent[s->seq % SENT].used = 0;
	s->sent[s->seq % SENT].seq = s->seq;
	s->said[s->seq % SAID].n = 0;
	s->said[s->seq % SAID].seq = s->seq;
	s->said[s->seq % SAID].complete = false;
	b->begin = buf + n;
	b->end   = b->begin + s->cfg.mtu;
	b->p     = b->begin + OSCRTP_HDR_LEN;
	return 0;
}

static void build_end(struct oscsend *s, struct build *b, uint64_t now_us)
{
	oscrtp_write_hdr(b->begin, &b->hdr);
	s->ts      = b->rtp.ts;
	s->last_us = now_us;
	s->seq++;
	s->stats.packets++;
	if (b->hdr.p && !b->hdr.s)
		s->stats.partial++;
	send_find_acked(s);                    /* without receivers it follows the packets */
}

static void build_journal(struct oscsend *s, struct build *b, uint64_t now_ntp)
{
	const int64_t oldest = s->seq - CHECK_SPAN;

	if (!s->cfg.journal)
		return;
	b->hdr.j = true;
	b->hdr.p = !send_journal(s, &b->p, b->end, b->rtp.ts, now_ntp) || send_waits(s);
	b->hdr.check = (uint16_t)(s->acked > oldest ? s->acked : oldest);
}

static void build_items(struct build *b, const struct oscsend_item *item, unsigned n)
{
	uint16_t delta = 0;

	for (unsigned i = 0; i < n; i++) {
		const int32_t off = rtp_ts_diff(item[i].ts, b->rtp.ts);

		if (off > delta)
			delta = off < UINT16_MAX ? (uint16_t)off : UINT16_MAX;
		b->p = oscrtp_write_elem(b->p, &(struct oscrtp_elem){delta, item[i].osc, item[i].len});
	}
}

static int items_fit(const struct oscsend *s, const struct oscsend_item *item, unsigned n)
{
	size_t size = OSCRTP_HDR_LEN;

	if (!n || n > OSCRTP_NUM_MAX)
		return EINVAL;
	for (unsigned i = 0; i < n; i++) {
		if (item[i].len > s->cfg.max)
			return EMSGSIZE;
		if (osc_check(item[i].osc, item[i].len, s->cfg.max))
			return EBADMSG;
		size += oscrtp_elem_size(item[i].len);
	}

	return size <= s->cfg.mtu ? 0 : EMSGSIZE;
}

int oscsend_mixed_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_item *item, unsigned n,
		     const uint32_t *csrc, uint8_t n_csrc, const struct oscsend_time *now)
{
	struct build b = {.hdr.num = (uint8_t)n};
	int err = items_fit(s, item, n);

	if (!err && n_csrc > RTP_CSRC_MAX)
		err = EINVAL;
	if (err)
		return err;

	b.rtp.n_csrc = n_csrc;
	if (n_csrc)
		memcpy(b.rtp.csrc, csrc, n_csrc * sizeof(*csrc));
	err = build_begin(s, &b, buf, *len, item[0].ts);
	if (err)
		return err;

	send_drop_silent(s, now->us);
	send_apply_later(s, now->ntp);
	build_items(&b, item, n);
	build_journal(s, &b, now->ntp);

	for (unsigned i = 0; i < n; i++)
		send_item(s, &item[i], now);
	s->guard_us = 20000;
	build_end(s, &b, now->us);

	*len = (size_t)(b.p - buf);
	return 0;
}

int oscsend_packet_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_item *item, unsigned n,
		      const struct oscsend_time *now)
{
	return oscsend_mixed_rt(s, buf, len, item, n, NULL, 0, now);
}

/* ---- what the stream says by itself ---- */

/* "20 ms after the last packet with an event message, then 100, 200, 400, .. ms apart, never more than `guard` apart"
 * */
static uint64_t guard_due(const struct oscsend *s)
{
	const uint64_t most = s->cfg.guard_ms * UINT64_C(1000);

	if (!s->cfg.journal || !most || s->seq == s->first)
		return UINT64_MAX;

	return s->last_us + (s->guard_us < most ? s->guard_us : most);
}

static bool snap_repeats(const struct oscsend *s)
{
	return s->snap.joining && s->acked <= s->snap.end;
}

static uint64_t snap_due(const struct oscsend *s)
{
	if (!s->cfg.journal)
		return UINT64_MAX;
	if (s->snap.on || s->snap.wanted)
		return s->snap.next_us;

	return snap_repeats(s) ? s->snap.next_us + SNAP_AGAIN_US : UINT64_MAX;
}

uint64_t oscsend_due_rt(const struct oscsend *s)
{
	const uint64_t guard = guard_due(s), snap = snap_due(s);

	return guard < snap ? guard : snap;
}

void oscsend_snapshot_rt(struct oscsend *s)
{
	s->snap.wanted = s->cfg.journal;
}

/* All keys that are not nil, oldest first: told and open are in that order, together they are not. */
static void todo_fill(struct oscsend *s)
{
	struct key *told = osckeys_head(s->keys, &s->told), *open = osckeys_head(s->keys, &s->open);

	while (told || open) {
		struct key *key = !open || (told && told->last <= open->last) ? told : open;

		if (key->live)
			osckeys_push_rt(s->keys, &s->todo, key);
		if (key == told)
			told = osckeys_next(s->keys, &s->told, told);
		else
			open = osckeys_next(s->keys, &s->open, open);
	}
}

static void snap_begin(struct oscsend *s)
{
	struct key *key;

	while ((key = osckeys_head(s->keys, &s->todo)) != NULL)
		osckeys_take_rt(s->keys, &s->todo, key);
	send_apply_later(s, UINT64_MAX);
	todo_fill(s);
	s->snap.check  = s->seq;
	s->snap.wanted = false;
	s->snap.on     = true;
	s->stats.snapshots++;
}

static void snap_entries(struct oscsend *s, struct build *b)
{
	struct key *key;

	while ((key = osckeys_head(s->keys, &s->todo)) != NULL) {
		if (send_entry_size(key) > (size_t)(b->end - b->p))
			return;
		b->p = oscrtp_write_entry(b->p, &(struct oscrtp_entry){false, send_back_of(s, key->last), 0,
			osckeys_raw_rt(s->keys, key), key->len});
		send_say_key(s, key);
		osckeys_take_rt(s->keys, &s->todo, key);
	}
}

static int snap_packet(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_time *now)
{
	struct build b = {.hdr = {.j = true, .s = true}};

	if (build_begin(s, &b, buf, *len, now->ts))
		return ENOSPC;

	/* who asks while one is under way gets another after it: to begin anew each time would never come to an end */
	if (!s->snap.on || s->seq - s->snap.check >= SNAP_SPAN)
		snap_begin(s);
	snap_entries(s, &b);
	b.hdr.p     = s->todo.n > 0;
	b.hdr.check = (uint16_t)s->snap.check;
	s->snap.on  = b.hdr.p;
	s->snap.end = s->seq;
	s->snap.next_us = now->us + SNAP_GAP_US;
	build_end(s, &b, now->us);

	*len = (size_t)(b.p - buf);
	return 0;
}

static int guard_packet(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_time *now)
{
	struct build b = {.hdr.num = 0};

	if (build_begin(s, &b, buf, *len, now->ts))
		return ENOSPC;

	build_journal(s, &b, now->ntp);
	s->guard_us = s->guard_us < 100000 ? 100000 : s->guard_us * 2;
	if (s->guard_us > OSCSEND_GUARD_MAX_MS * UINT64_C(1000))
		s->guard_us = OSCSEND_GUARD_MAX_MS * UINT64_C(1000);
	s->stats.guards++;
	build_end(s, &b, now->us);

	*len = (size_t)(b.p - buf);
	return 0;
}

int oscsend_tick_rt(struct oscsend *s, uint8_t *buf, size_t *len, const struct oscsend_time *now)
{
	send_drop_silent(s, now->us);
	send_apply_later(s, now->ntp);
	if (now->us >= snap_due(s)) {
		s->snap.wanted = s->snap.wanted || !s->snap.on;
		return snap_packet(s, buf, len, now);
	}
	if (now->us >= guard_due(s))
		return guard_packet(s, buf, len, now);

	return EAGAIN;
}
