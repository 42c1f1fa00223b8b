/*
 * oscsend_anew.c - of the sender of gestures: what changes while a stream goes on, or when another begins in its place.
 */
#include <errno.h>
#include <string.h>

#include "oscsend_priv.h"

static void nobody_has_any(struct oscsend *s)
{
	memset(s->rx, 0, sizeof(s->rx));
	if (s->cfg.receiver)
		s->rx[0] = (struct receiver){.used = true, .has = s->first - 1, .sure = s->first};
}

static void nothing_sent(struct oscsend *s)
{
	for (unsigned i = 0; i < SENT; i++)
		s->sent[i].seq = -1;
	for (unsigned i = 0; i < SAID; i++)
		s->said[i].seq = -1;
	for (unsigned i = 0; s->later && i < LATER; i++)
		s->later[i].len = 0;
}

static void begin(struct oscsend *s, uint32_t ssrc)
{
	s->cfg.ssrc = ssrc;
	s->first = s->acked = s->seq;
	s->guard_us = 100000;
	s->snap = (struct snap){.wanted = s->cfg.journal, .joining = s->cfg.journal};
	nobody_has_any(s);
	nothing_sent(s);
}

void oscsend_reset_rt(struct oscsend *s, uint32_t ssrc, uint16_t seq)
{
	osckeys_clear_rt(s->keys);
	send_lists_init(s);
	s->open_bytes = 0;
	s->seq = 0x10000 + seq;
	begin(s, ssrc);
}

void oscsend_renumber_rt(struct oscsend *s, uint32_t ssrc)
{
	struct key *key;

	while ((key = osckeys_head(s->keys, &s->todo)) != NULL)
		osckeys_take_rt(s->keys, &s->todo, key);
	while ((key = osckeys_head(s->keys, &s->open)) != NULL)
		send_key_told(s, key);
	begin(s, ssrc);
	for (key = osckeys_head(s->keys, &s->told); key; key = osckeys_next(s->keys, &s->told, key))
		key->last = s->first - OSCRTP_BACK_FAR - 1;
}

static bool is_under(const struct oscsend *s, const struct key *key, const char *prefix, size_t len)
{
	const char *addr = (const char *)osckeys_raw_rt(s->keys, key);

	return key->addr_len > len && !memcmp(addr, prefix, len) && (!len || addr[len] == '/');
}

void oscsend_forget_rt(struct oscsend *s, const char *prefix)
{
	const size_t len = strlen(prefix);
	bool any = false;

	for (unsigned i = 0; i < s->keys->slots && s->keys->n; i++) {
		struct key *key = &s->keys->key[i];

		if (!key->used || !is_under(s, key, prefix, len))
			continue;
		send_key_drop(s, key);
		any = true;
	}
	if (any)
		s->snap.wanted = s->snap.joining = s->cfg.journal;
}

int oscsend_change_rt(struct oscsend *s, uint8_t pt, size_t max, uint8_t red, uint32_t guard_ms)
{
	if (pt > 127 || red > OSCSEND_RED_MAX || guard_ms > OSCSEND_GUARD_MAX_MS)
		return EINVAL;
	s->cfg.pt  = pt;
	s->cfg.max = max ? max : OSC_MAX_DGRAM;
	s->cfg.red = red;
	s->cfg.guard_ms = guard_ms;
	return 0;
}
