/*
 * oscsend_keys.c - of the sender of gestures: which keys belong into journals, and what its receivers have of them.
 *
 * Keys stand in lists, each key in some of them:
 *
 *      told      its value has arrived everywhere              in order of their packets; both together are all keys
 *      open      it belongs into journals
 *      wait      the open ones, who was longest not in a packet first: if not all fit, they take turns
 *      snap      what a snapshot that has begun still has to name
 *
 * A report moves keys from open to told and costs what it moves; a packet costs what it carries.
 */
#include <errno.h>

#include "oscsend_priv.h"

/* A key is in told or in open, never in both. */
enum { LIST_TOLD = 0, LIST_OPEN = 0, LIST_WAIT = 1, LIST_SNAP = 2 };

/* ---- keys ---- */

void send_lists_init(struct oscsend *s)
{
	osckeys_list_init(&s->told, LIST_TOLD);
	osckeys_list_init(&s->open, LIST_OPEN);
	osckeys_list_init(&s->wait, LIST_WAIT);
	osckeys_list_init(&s->todo, LIST_SNAP);
}

/* It belongs into journals. */
static bool send_is_open(const struct oscsend *s, const struct key *key)
{
	return osckeys_in(&s->wait, key);
}

size_t send_entry_size(const struct key *key)
{
	return oscrtp_entry_size(key->len, false);
}

static void key_out_of_lists(struct oscsend *s, struct key *key)
{
	if (send_is_open(s, key)) {
		s->open_bytes -= send_entry_size(key);
		osckeys_take_rt(s->keys, &s->wait, key);
		osckeys_take_rt(s->keys, &s->open, key);
	}
	else
		osckeys_take_rt(s->keys, &s->told, key);
	osckeys_take_rt(s->keys, &s->todo, key);
}

void send_key_drop(struct oscsend *s, struct key *key)
{
	key_out_of_lists(s, key);
	osckeys_drop_rt(s->keys, key);
}

static void key_open(struct oscsend *s, struct key *key)
{
	struct key *after = osckeys_tail(s->keys, &s->open);

	while (after && after->last > key->last)         /* only what came by way of `later` is not the last */
		after = osckeys_prev(s->keys, &s->open, after);
	osckeys_push_after_rt(s->keys, &s->open, key, after);
	osckeys_push_rt(s->keys, &s->wait, key);
	s->open_bytes += send_entry_size(key);
}

/* This packet tells of that key. */
void send_say_key(struct oscsend *s, const struct key *key)
{
	struct said *said = &s->said[s->seq % SAID];

	if (said->n < SAID_KEYS)
		said->key[said->n++] = (uint16_t)(key - s->keys->key);
}

void send_state(struct oscsend *s, const struct osc_msg *msg, int64_t seq)
{
	struct key *key = osckeys_find_rt(s->keys, msg->addr, msg->addr_len);

	if (key && key->last > seq)
		return;
	if (key)
		key_out_of_lists(s, key);

	if (osckeys_set_rt(&key, s->keys, msg)) {
		/* "beyond that new keys are forwarded but not stored"; what an old key had is not true any more */
		s->stats.unstored++;
		if (key)
			osckeys_drop_rt(s->keys, key);
		return;
	}
	key->last = seq;
	key->mark = s->mark++;
	key->run  = 0;
	key_open(s, key);
	if (seq == s->seq)
		send_say_key(s, key);
}

void send_key_told(struct oscsend *s, struct key *key)
{
	s->open_bytes -= send_entry_size(key);
	osckeys_take_rt(s->keys, &s->wait, key);
	osckeys_take_rt(s->keys, &s->open, key);
	if (!key->live) {
		send_key_drop(s, key);
		return;
	}

	/* `told` is in order too, for a snapshot goes through it oldest first */
	for (struct key *after = osckeys_tail(s->keys, &s->told);; after = osckeys_prev(s->keys, &s->told, after)) {
		if (after && after->last > key->last)
			continue;
		osckeys_push_after_rt(s->keys, &s->told, key, after);
		return;
	}
}

/* All receivers have everything before this packet. */
static void send_told_before(struct oscsend *s, int64_t seq)
{
	struct key *key;

	while ((key = osckeys_head(s->keys, &s->open)) != NULL && key->last < seq)
		send_key_told(s, key);
}

int oscsend_load_rt(struct oscsend *s, const struct osc_msg *msg)
{
	struct key *key = osckeys_find_rt(s->keys, msg->addr, msg->addr_len);

	/* joins are said before the first snapshot, and live messages may have gone by then: those are newer */
	if (s->snap.on || !s->snap.joining || s->snap.end >= s->first || kind_never_state(msg->addr, msg->addr_len))
		return EINVAL;
	if (key && key->last >= s->first)
		return 0;
	if (osc_is_nil(msg)) {
		if (key)
			send_key_drop(s, key);
		return 0;
	}

	if (osckeys_set_rt(&key, s->keys, msg))
		return ENOSPC;
	key->last = s->first - OSCRTP_BACK_FAR - 1;
	osckeys_push_after_rt(s->keys, &s->told, key, NULL);
	return 0;
}

/* ---- receivers ---- */

static struct receiver *rx_find(struct oscsend *s, uint32_t ssrc)
{
	struct receiver *anonymous = NULL;

	for (unsigned i = 0; i < OSCSEND_RECEIVERS; i++) {
		if (s->rx[i].used && s->rx[i].known && s->rx[i].ssrc == ssrc)
			return &s->rx[i];
		if (s->rx[i].used && !s->rx[i].known)
			anonymous = &s->rx[i];
	}

	return anonymous;
}

static struct receiver *rx_new(struct oscsend *s)
{
	for (unsigned i = 0; i < OSCSEND_RECEIVERS; i++) {
		if (!s->rx[i].used)
			return &s->rx[i];
	}

	return NULL;
}

/* "CHECK MUST be at most min M(k) + 1." Without any receiver nothing needs to be told twice. */
void send_find_acked(struct oscsend *s)
{
	int64_t has = s->seq - 1, sure = s->seq;

	for (unsigned i = 0; i < OSCSEND_RECEIVERS; i++) {
		if (!s->rx[i].used)
			continue;
		if (s->rx[i].has < has)
			has = s->rx[i].has;
		if (s->rx[i].sure < sure)
			sure = s->rx[i].sure;
	}
	if (has + 1 > s->acked)
		s->acked = has + 1;
	send_told_before(s, sure);
}

static bool all_have(const struct oscsend *s, const struct key *key)
{
	for (unsigned i = 0; i < OSCSEND_RECEIVERS; i++) {
		if (s->rx[i].used && s->rx[i].sure <= key->last && !(key->run >> i & 1))
			return false;
	}

	return true;
}

/* A receiver has this packet, so what it told of keys that were not set again since. */
static void has_packet(struct oscsend *s, struct receiver *rx, int64_t seq)
{
	const struct said *said = &s->said[seq % SAID];

	if (said->seq != seq)
		return;
	if (said->complete)
		rx->sure = seq + 1;
	for (unsigned i = 0; i < said->n; i++) {
		struct key *key = &s->keys->key[said->key[i]];

		if (!key->used || !send_is_open(s, key) || key->last > seq)
			continue;
		key->run |= 1u << (rx - s->rx);
		if (all_have(s, key))
			send_key_told(s, key);
	}
}

int oscsend_receiver_rt(struct oscsend *s, uint32_t ssrc, uint64_t now_us)
{
	struct receiver *rx = rx_find(s, ssrc);

	if (rx && rx->known)
		return 0;
	if (!rx) {
		rx = rx_new(s);
		if (!rx)
			return ENOSPC;
		/* "before its first report, the last packet sent before the sender knew of it"; one that was silent
		 * for long and comes back is new: "a snapshot journal is sent when reports return" */
		*rx = (struct receiver){.used = true, .has = s->seq - 1, .sure = s->seq};
		s->snap.wanted = s->cfg.journal;
	}
	rx->known = true;
	rx->ssrc  = ssrc;
	rx->heard_us = now_us;
	return 0;
}

void oscsend_report_rt(struct oscsend *s, uint32_t ssrc, uint32_t ehsn, uint64_t now_us)
{
	const int64_t has = s->seq - 1 - (uint16_t)((uint16_t)(s->seq - 1) - (uint16_t)ehsn);
	struct receiver *rx;

	if (oscsend_receiver_rt(s, ssrc, now_us))
		return;
	rx = rx_find(s, ssrc);
	rx->heard_us = now_us;
	if (has > rx->has) {
		rx->has = has;
		has_packet(s, rx, has);
	}
	send_find_acked(s);
}

void oscsend_bye_rt(struct oscsend *s, uint32_t ssrc)
{
	struct receiver *rx = rx_find(s, ssrc);

	if (!rx || !rx->known)
		return;
	rx->used = false;
	send_find_acked(s);
}

void send_drop_silent(struct oscsend *s, uint64_t now_us)
{
	bool dropped = false;

	for (unsigned i = 0; i < OSCSEND_RECEIVERS; i++) {
		struct receiver *rx = &s->rx[i];

		if (!rx->used)
			continue;
		if (!rx->heard_us)
			rx->heard_us = now_us;
		if (now_us > rx->heard_us && now_us - rx->heard_us > OSCSEND_GONE_MS * UINT64_C(1000)) {
			rx->used = false;
			dropped = true;
		}
	}
	if (dropped) {
		s->snap.joining = false;
		send_find_acked(s);
	}
}
