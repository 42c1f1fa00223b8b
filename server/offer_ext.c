/*
 * offer_ext.c - header extensions offered, answered and accepted.
 *
 *     their offer     a=extmap:6 ...ssrc-audio-level vad=on         our answer   a=extmap:6/recvonly ... vad=off
 *                     a=extmap:7/recvonly ...csrc-audio-level                    a=extmap:7/sendonly ...
 *                     a=extmap:8 urn:x:unknown                                   (left out)
 *
 * The answer uses the offer's ids and names nothing that was not offered (RFC 8285). Only ids 1 to 14 are taken: the form
 * of one byte has no others, and 15 is reserved. So an extension under a provisional id (4096 and up, for alternatives) is
 * refused. Each kind goes one way only: we read levels of one, we send levels of many. Who answers
 * without a direction, as some phones do, gets the same.
 *
 * An encrypted extension (RFC 6904) has another name and is not taken. vad=off: the bit for speech is not looked at, the
 * level says more.
 */
#include <string.h>
#include "offer_ext.h"
#include "mixer/mixer.h"

enum { ID_MAX = 14 };

static const struct { const char *uri; uint8_t theirs; const char *ours, *attr; } kinds[OFFER_EXT_N] = {
	[OFFER_EXT_LEVEL]  = {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", LEG_DIR_SEND, "recvonly", " vad=off"},
	[OFFER_EXT_LEVELS] = {"urn:ietf:params:rtp-hdrext:csrc-audio-level", LEG_DIR_RECV, "sendonly", ""},
};

struct line { uint8_t id, dir; int kind; };       /* dir: as they see it; kind: OFFER_EXT_N when it is none of ours */

struct theirs {
	uint8_t id[OFFER_EXT_N], dir[OFFER_EXT_N];
	uint16_t taken;
};

static bool read_dir(uint8_t *dir, const struct pl *pl)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	for (uint8_t d = 0; d <= LEG_DIR_BOTH; d++) {
		if (pl_strcmp(pl, names[d]))
			continue;
		*dir = d;
		return true;
	}
	return false;
}

static int kind_of(const struct pl *uri)
{
	int i = 0;

	while (i < OFFER_EXT_N && pl_strcasecmp(uri, kinds[i].uri))
		i++;
	return i;
}

/* "6/sendonly urn:... attributes" */
static bool read_line(struct line *l, const struct sdesc_attr *a)
{
	struct pl rest = a->value, id, uri, dir;
	const char *slash;
	uint64_t n;

	if (pl_strcmp(&a->name, "extmap") || !sdesc_word(&id, &rest) || !sdesc_word(&uri, &rest))
		return false;
	slash = pl_strchr(&id, '/');
	l->dir = LEG_DIR_BOTH;
	if (slash) {
		dir = (struct pl){slash + 1, (size_t)(id.p + id.l - slash - 1)};
		id.l = (size_t)(slash - id.p);
		if (!read_dir(&l->dir, &dir))
			return false;
	}
	if (!sdesc_number(&n, &id, UINT16_MAX) || n < 1 || n > ID_MAX)
		return false;
	l->id = (uint8_t)n;
	l->kind = kind_of(&uri);
	return true;
}

/* The first meaning of an id counts, and the first id of a kind. */
static void read_lines(struct theirs *t, const struct sdesc_attr *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct line l;

		if (!read_line(&l, &a[i]) || t->taken & 1u << l.id)
			continue;
		t->taken |= (uint16_t)(1u << l.id);
		if (l.kind == OFFER_EXT_N || t->id[l.kind])
			continue;
		t->id[l.kind] = l.id;
		t->dir[l.kind] = l.dir;
	}
}

/* Those of the session part hold for all lines. */
static struct theirs read_all(const struct sdesc *d, const struct sdesc_media *m)
{
	struct theirs t = {.taken = 0};

	read_lines(&t, m->attr, m->n_attr);
	read_lines(&t, d->attr, d->n_attr);
	return t;
}

void offer_ext_answer(struct offer_ext *x, const struct sdesc *d, const struct sdesc_media *m)
{
	struct theirs t = read_all(d, m);

	x->on = 0;
	x->taken |= t.taken;
	for (int i = 0; i < OFFER_EXT_N; i++) {
		if (x->id[i] != t.id[i] && t.taken & 1u << x->id[i])
			x->id[i] = 0;             /* ours was refused, and now it means something else */
		if (!t.id[i] || !(t.dir[i] & kinds[i].theirs))
			continue;
		x->id[i] = t.id[i];
		x->on |= (uint8_t)(1u << i);
	}
}

static uint8_t free_id(const struct offer_ext *x)
{
	for (uint8_t id = 1; id <= ID_MAX; id++)
		if (!(x->taken & 1u << id))
			return id;
	return 0;
}

void offer_ext_offer(struct offer_ext *x)
{
	x->on = 0;
	for (int i = 0; i < OFFER_EXT_N; i++) {
		if (!x->id[i])
			x->id[i] = free_id(x);
		if (!x->id[i])
			continue;
		x->taken |= (uint16_t)(1u << x->id[i]);
		x->on |= (uint8_t)(1u << i);
	}
}

void offer_ext_accept(struct offer_ext *x, const struct offer_ext *offered, const struct sdesc *d,
		      const struct sdesc_media *m)
{
	struct theirs t = read_all(d, m);

	*x = *offered;
	x->on = 0;
	for (int i = 0; i < OFFER_EXT_N; i++)
		if (offered->on & 1u << i && t.id[i] == offered->id[i] && t.dir[i] & kinds[i].theirs)
			x->on |= (uint8_t)(1u << i);
}

int offer_ext_print(struct mbuf *mb, const struct offer_ext *x)
{
	int err = 0;

	for (int i = 0; i < OFFER_EXT_N; i++)
		if (x->on & 1u << i)
			err |= mbuf_printf(mb, "a=extmap:%u/%s %s%s\r\n", x->id[i], kinds[i].ours, kinds[i].uri, kinds[i].attr);
	return err;
}

uint8_t offer_ext_id(const struct offer_ext *x, enum offer_ext_kind kind)
{
	return x->on & 1u << kind ? x->id[kind] : 0;
}
