/*
 * oscquery_keys.c - the live state of all players of a room.
 *
 *      control                     forward
 *      piece  --- job --->         copies the messages of one player into the piece
 *      piece  <-- give ---         ... and again with the next, until there is none
 *
 * A piece is as large as all the state one player may have, so no player is told in part.
 */
#include <errno.h>
#include <string.h>
#include "relay_priv.h"
#include "house.h"
#include "oscquery_keys.h"

enum { PIECE = OSCKEYS_SOURCE_BYTES + 4 * OSCKEYS_SOURCE_MAX, ADDR_ROOM = OSC_ADDR_MAX + 1 };

/* What crosses the threads. It belongs to whoever has it just now. */
struct piece {
	struct give give;
	struct ensemble *ensemble;        /* a reference: the job may outlive the question */
	struct oscquery_keys *asker;      /* a reference */
	unsigned slot;                    /* the next to look at; ENSEMBLE_PLAYERS: all were */
	char     name[VIEW_NAME_MAX + 1];
	size_t   len;
	uint8_t  buf[PIECE];              /* length (32), message, .. */
};

struct oscquery_keys {
	oscquery_keys_h *done;
	void *arg;
	bool gone;
	struct oscquery_found found;
	struct list blocks;               /* memory of what was found */
};

struct block { struct le le; uint8_t bytes[]; };

/* --- memory of what was found --- */

static void block_destroy(void *arg)
{
	list_unlink(&((struct block *)arg)->le);
}

static void *block(struct oscquery_keys *k, size_t len)
{
	struct block *b = mem_zalloc(sizeof(*b) + len, block_destroy);

	if (!b)
		return NULL;
	list_append(&k->blocks, &b->le, b);
	return b->bytes;
}

static void keys_destroy(void *arg)
{
	struct oscquery_keys *k = arg;

	list_flush(&k->blocks);
	mem_deref(k->found.node);
}

static struct oscquery_node *new_node(struct oscquery_keys *k)
{
	if (k->found.n == OSCQUERY_TREE_MAX) {
		k->found.cut = true;
		return NULL;
	}
	return &k->found.node[k->found.n];
}

/* --- forward thread --- */

static void copy_keys_rt(struct piece *p, const struct player_rt *from)
{
	for (unsigned i = 0; i < osckeys_slots(from->keys); i++) {
		struct osc_msg msg;
		uint32_t n;

		if (!osckeys_slot_rt(&msg, from->keys, i) || p->len + sizeof(n) + msg.len > sizeof(p->buf))
			continue;
		n = (uint32_t)msg.len;
		memcpy(p->buf + p->len, &n, sizeof(n));
		memcpy(p->buf + p->len + sizeof(n), msg.raw, msg.len);
		p->len += sizeof(n) + msg.len;
	}
}

static void piece_came(void *obj);

static void piece_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct ensemble_rt *e = obj;
	struct piece *p = arg;

	(void)now_us;
	p->len = 0;
	while (p->slot < ENSEMBLE_PLAYERS && !e->slot[p->slot])
		p->slot++;
	if (p->slot < ENSEMBLE_PLAYERS) {
		memcpy(p->name, e->slot[p->slot]->name, sizeof(p->name));
		copy_keys_rt(p, e->slot[p->slot++]);
	}
	give_back_rt(f, &p->give, piece_came, p);
}

/* --- control thread --- */

static void piece_destroy(void *arg)
{
	struct piece *p = arg;

	mem_deref(p->ensemble);
	mem_deref(p->asker);
}

static int piece_post(struct piece *p)
{
	return forward_post(p->ensemble->relay->forward, &(struct job){piece_rt, p->ensemble->rt, p}, NULL);
}

/* A player's message under its name. */
static int add_message(struct oscquery_keys *k, const char *name, const uint8_t *raw, size_t len)
{
	struct oscquery_node *node = new_node(k);
	char prefix[VIEW_NAME_MAX + 4];
	struct osc_msg msg;
	char *addr;
	uint8_t *copy;

	if (!node || osc_msg_read(&msg, raw, len))
		return 0;
	(void)re_snprintf(prefix, sizeof(prefix), "/p/%s", name);
	copy = block(k, len);
	addr = block(k, strlen(prefix) + msg.addr_len + 1);
	if (!copy || !addr)
		return ENOMEM;
	memcpy(copy, raw, len);
	memcpy(addr, prefix, strlen(prefix));
	memcpy(addr + strlen(prefix), msg.addr, msg.addr_len);
	(void)osc_msg_read(&msg, copy, len);
	*node = (struct oscquery_node){.addr = addr, .tags = msg.tags, .access = OSCQUERY_READ, .msg = copy, .len = len};
	k->found.n++;
	return 0;
}

static int add_piece(struct oscquery_keys *k, const struct piece *p)
{
	int err = 0;

	for (size_t at = 0; at < p->len && !err;) {
		uint32_t n;

		memcpy(&n, p->buf + at, sizeof(n));
		err = add_message(k, p->name, p->buf + at + sizeof(n), n);
		at += sizeof(n) + n;
	}

	return err;
}

static int add_house_row(struct oscquery_keys *k, const struct house_addr *row, const char *name)
{
	const char *hole = name ? strstr(row->address, "/NAME") : NULL;
	struct oscquery_node *node = new_node(k);
	char *addr;

	if (!node)
		return 0;
	addr = block(k, ADDR_ROOM);
	if (!addr)
		return ENOMEM;
	if (hole)
		(void)re_snprintf(addr, ADDR_ROOM, "%b/%s%s", row->address, (size_t)(hole - row->address), name, hole + 5);
	else
		(void)re_snprintf(addr, ADDR_ROOM, "%s", row->address);
	*node = (struct oscquery_node){.addr = addr, .tags = row->tags, .access = (enum oscquery_access)row->access,
				       .text = row->text, .min = row->min, .max = row->max};
	k->found.n++;
	return 0;
}

/* An address with NAME in it stands there once for each player. */
static int add_house(struct oscquery_keys *k, const struct ensemble *e)
{
	static struct player_info list[ENSEMBLE_PLAYERS];         /* of the one control thread */
	const unsigned n = ensemble_list(e, list, ENSEMBLE_PLAYERS);
	const struct house_addr *row;
	int err = 0;

	for (size_t i = 0; !err && (row = house_addr_at(i)) != NULL; i++) {
		const bool each = strstr(row->address, "/NAME") != NULL;

		if (!each)
			err = add_house_row(k, row, NULL);
		for (unsigned p = 0; each && p < n && !err; p++)
			err = add_house_row(k, row, list[p].name);
	}

	return err;
}

static void finish(struct piece *p, int err)
{
	struct oscquery_keys *k = p->asker;

	if (!err)
		err = add_house(k, p->ensemble);
	k->found.n = oscquery_sort(k->found.node, k->found.n);
	if (!k->gone)
		k->done(err ? NULL : &k->found, k->arg);
	mem_deref(p);
}

static void piece_came(void *obj)
{
	struct piece *p = obj;
	int err;

	if (p->asker->gone) {
		mem_deref(p);
		return;
	}
	err = add_piece(p->asker, p);
	if (!err && p->slot < ENSEMBLE_PLAYERS) {
		err = piece_post(p);
		if (!err)
			return;
	}
	finish(p, err);
}

int oscquery_keys_ask(struct oscquery_keys **kp, struct ensemble *e, oscquery_keys_h *done, void *arg)
{
	struct oscquery_keys *k = mem_zalloc(sizeof(*k), keys_destroy);
	struct piece *p = mem_zalloc(sizeof(*p), piece_destroy);
	int err = ENOMEM;

	if (k)
		k->found.node = mem_zalloc(OSCQUERY_TREE_MAX * sizeof(*k->found.node), NULL);
	if (k && p && k->found.node) {
		k->done = done;
		k->arg  = arg;
		p->ensemble = mem_ref(e);
		p->asker    = mem_ref(k);
		err = piece_post(p);
	}
	if (err) {
		mem_deref(p);
		mem_deref(k);
		return err;
	}
	*kp = k;
	return 0;
}

void oscquery_keys_drop(struct oscquery_keys *k)
{
	if (!k)
		return;
	k->gone = true;
	mem_deref(k);
}
