/*
 * ensemble_names.c - what a room remembers: the names it has given, and for half a minute the state of who left.
 *
 * "Names are unique in a conference for its whole life: the name of a party that left is not given to another party (the same SIP
 * identity may get it back)." So the list only grows, up to a bound, while the ensemble lives.
 */
#include <errno.h>
#include <string.h>
#include "relay_priv.h"

static bool name_octet(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* "it derives the name from the user part of the SIP From URI, replacing other characters by `-`; derived names start with a letter,
 * digit or `-`" */
static void derive(char name[VIEW_NAME_MAX + 1], const char *identity)
{
	const char *p = strchr(identity, ':'), *at;
	size_t n = 0;

	p  = p ? p + 1 : identity;
	at = strchr(p, '@');
	for (; *p && p != at && *p != ';' && *p != '?' && n < VIEW_NAME_MAX; p++)
		name[n++] = name_octet(*p) ? *p : '-';
	if (!n)
		memcpy(name, "player", n = 6);
	name[n] = '\0';
	if (name[0] == '_' || name[0] == '.')
		name[0] = '-';
}

/* "An illegal or empty wish is treated as absent (one that is only too long is cut, section 13)." */
void ensemble_name_wish(char name[VIEW_NAME_MAX + 1], const char *wish, const char *identity)
{
	const size_t len = strlen(wish), cut = len < VIEW_NAME_MAX ? len : VIEW_NAME_MAX;

	if (!views_name_ok(wish, cut)) {
		derive(name, identity);
		return;
	}
	memcpy(name, wish, cut);
	name[cut] = '\0';
}

static struct ensemble_name *find(const struct ensemble *e, const char *name)
{
	for (struct le *le = e->names.head; le; le = le->next) {
		struct ensemble_name *n = le->data;

		if (!strcmp(n->name, name))
			return n;
	}
	return NULL;
}

static bool is_its(const struct ensemble_name *n, const char *identity)
{
	return !n->taken && identity[0] && !strcmp(n->identity, identity);
}

static void with_number(char out[VIEW_NAME_MAX + 1], const char *base, unsigned i)
{
	char tail[16];
	size_t len = strlen(base), n;

	if (re_snprintf(tail, sizeof(tail), "-%u", i) < 0)
		return;
	n = strlen(tail);
	if (len + n > VIEW_NAME_MAX)
		len = VIEW_NAME_MAX - n;         /* "the base being cut so that name plus suffix is at most 32" */
	str_ncpy(out, base, len + 1);
	str_ncpy(out + len, tail, n + 1);
}

static int add(struct ensemble_name **np, struct ensemble *e, const char *name, const char *identity)
{
	struct ensemble_name *n;

	if (e->n_names >= ENSEMBLE_NAMES)
		return ENOSPC;
	n = mem_zalloc(sizeof(*n), NULL);
	if (!n)
		return ENOMEM;
	str_ncpy(n->name, name, sizeof(n->name));
	str_ncpy(n->identity, identity, sizeof(n->identity));
	n->taken = true;
	list_append(&e->names, &n->le, n);
	e->n_names++;
	*np = n;
	return 0;
}

int ensemble_name_give(struct ensemble_name **np, struct ensemble *e, const char *wish, const char *identity)
{
	char first[VIEW_NAME_MAX + 1], name[VIEW_NAME_MAX + 1];
	struct ensemble_name *n;

	ensemble_name_wish(first, wish, identity);
	str_ncpy(name, first, sizeof(name));
	for (unsigned i = 2; (n = find(e, name)) != NULL; i++) {
		if (is_its(n, identity)) {
			n->taken = true;
			*np = n;
			return 0;
		}
		with_number(name, first, i);
	}
	return add(np, e, name, identity);
}

void ensemble_name_free(struct ensemble *e, struct ensemble_name *n)
{
	n->taken = false;
	if (n->used)
		return;
	list_unlink(&n->le);
	e->n_names--;
	mem_deref(n);
}

/* ---- state of who left ---- */

static void gone_destroy(void *arg)
{
	struct ensemble_gone *g = arg;

	list_unlink(&g->le);
	mem_deref(g->keys);
}

static void gone_drop(struct ensemble *e, struct ensemble_gone *g)
{
	e->n_gone--;
	mem_deref(g);
}

static void ensemble_gone_expire(struct ensemble *e)
{
	const uint64_t now = forward_clock_us(e->relay->forward), keep = e->relay->conf.leave_keep_ms * UINT64_C(1000);
	struct ensemble_gone *g;

	while ((g = list_ledata(e->gone.head)) != NULL && (e->n_gone > ENSEMBLE_GONE || now > g->at_us + keep))
		gone_drop(e, g);
}

/* "releases what it holds": a note that sounded when it left does not when it comes back. */
static void release_notes(struct osckeys *keys)
{
	struct osc_msg msg;

	for (unsigned i = 0; i < keys->slots; i++) {
		struct key *key = &keys->key[i];

		if (!key->used)
			continue;
		osckeys_msg_rt(&msg, keys, key);
		if (!key->live || (kind_is_note(msg.addr, msg.addr_len) && kind_is_held(&msg)))
			osckeys_drop_rt(keys, key);
	}
}

void ensemble_gone_add(struct ensemble *e, const char *identity, const char *name, struct player_rt *rt)
{
	struct ensemble_gone *g;

	ensemble_gone_expire(e);
	if (!rt->keys->n || !identity[0])
		return;
	g = mem_zalloc(sizeof(*g), gone_destroy);
	if (!g)
		return;                   /* forgotten: the state comes again as it is played */
	str_ncpy(g->identity, identity, sizeof(g->identity));
	str_ncpy(g->name, name, sizeof(g->name));
	g->at_us  = forward_clock_us(e->relay->forward);
	g->keys   = rt->keys;
	g->set_no = rt->set_no;
	rt->keys  = NULL;
	release_notes(g->keys);
	list_append(&e->gone, &g->le, g);
	e->n_gone++;
	ensemble_gone_expire(e);
}

void ensemble_gone_back(struct ensemble *e, const char *identity, const char *name, struct player_rt *rt)
{
	struct le *le;

	ensemble_gone_expire(e);
	for (le = e->gone.head; le; le = le->next) {
		struct ensemble_gone *g = le->data;

		if (!g || strcmp(g->identity, identity) || strcmp(g->name, name))
			continue;
		mem_deref(rt->keys);
		rt->keys   = g->keys;
		rt->set_no = g->set_no;
		g->keys    = NULL;
		gone_drop(e, g);
		return;
	}
}
