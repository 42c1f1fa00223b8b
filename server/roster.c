/*
 * roster.c - a room as its subscribers know it.
 *
 *     items    [user 7] [user 9] [state 12] [user 13]      seq = 13
 *     told 9                    ^ this subscriber is owed the state and one user
 *
 * Compared with the room's snapshot only when a NOTIFY is about to go out: a burst of a thousand events is one comparison.
 * Who is gone stays behind as long as a subscriber has not been told.
 */
#include <string.h>
#include "roster.h"
#include "xmltext.h"

enum { BUCKETS = 256 };

/* A change that has no number yet. */
#define NEW UINT64_MAX

/* --- users and endpoints --- */

static void endpoint_destructor(void *arg)
{
	struct roster_endpoint *e = arg;

	list_unlink(&e->le);
	hash_unlink(&e->he);
}

static void user_destructor(void *arg)
{
	struct roster_user *u = arg;

	list_flush(&u->endpoints);
	list_unlink(&u->item.le);
	hash_unlink(&u->he);
	mem_deref(u->entity);
	mem_deref(u->name);
}

static bool is_entity(struct le *le, void *arg)
{
	const struct roster_user *u = le->data;

	return !strcmp(u->entity, arg);
}

static bool is_id(struct le *le, void *arg)
{
	const struct roster_endpoint *e = le->data;

	return e->id == *(const uint32_t *)arg;
}

static struct roster_endpoint *endpoint_find(const struct roster *r, uint32_t id)
{
	return list_ledata(hash_lookup(r->endpoints, id, is_id, &id));
}

/* RFC 4575 5.5: a user's entity is its URI, and the key by which partial documents are merged. Who hides its own shares it with
 * everybody who does (RFC 3323 4.1.1.3), so it gets one of ours. */
static void entity_of(char *buf, size_t size, const struct roster *r, const struct snapshot_member *m)
{
	const char *host = strstr(m->uri, "anonymous.invalid");

	if (!m->uri[0] || host || r->hides)
		(void)re_snprintf(buf, size, "sip:anonymous-%u@anonymous.invalid", m->id);
	else
		xmltext_uri(buf, size, m->uri);
}

static int user_find(struct roster_user **up, struct roster *r, const struct snapshot_member *m)
{
	char entity[ROSTER_ENTITY_MAX];
	struct roster_user *u;
	uint32_t key;

	entity_of(entity, sizeof(entity), r, m);
	key = hash_joaat_str(entity);
	u = list_ledata(hash_lookup(r->users, key, is_entity, entity));
	if (!u) {
		u = mem_zalloc(sizeof(*u), user_destructor);
		if (!u)
			return ENOMEM;
		if (str_dup(&u->entity, entity) || str_dup(&u->name, "")) {
			mem_deref(u);
			return ENOMEM;
		}
		u->item.user = u;
		hash_append(r->users, key, &u->he, u);
		list_append(&r->items, &u->item.le, &u->item);
	}
	*up = u;

	return 0;
}

static int endpoint_add(struct roster_endpoint **ep, struct roster *r, const struct snapshot_member *m)
{
	struct roster_endpoint *e;
	struct roster_user *u;
	int err;

	err = user_find(&u, r, m);
	if (err)
		return err;

	e = mem_zalloc(sizeof(*e), endpoint_destructor);
	if (!e)
		return ENOMEM;

	e->id   = m->id;
	e->user = u;
	e->gone = true;                   /* it comes in below, like one that comes back */
	list_append(&u->endpoints, &e->le, e);
	hash_append(r->endpoints, e->id, &e->he, e);
	*ep = e;

	return 0;
}

/* --- what changed --- */

/* RFC 4575 5.7.2, muted-via-focus: "the endpoint's media is not being mixed into the conference". */
static bool not_mixed(const struct snapshot_member *m)
{
	return m->muted || m->role == ROLE_LISTENER;
}

static void endpoint_enters(struct roster_endpoint *e)
{
	if (e->gone && e->user->n_here++ == 0)
		e->user->born = e->user->named = NEW;

	e->gone   = false;
	e->why[0] = '\0';
	e->born   = NEW;
}

static void endpoint_follow(struct roster_endpoint *e, const struct snapshot_member *m)
{
	bool enters = e->gone || e->since_ms != m->since_ms;

	if (!enters && e->hold == m->hold && e->muted == not_mixed(m) && e->deaf == m->deaf)
		return;

	if (enters)
		endpoint_enters(e);

	e->since_ms   = m->since_ms;
	e->hold       = m->hold;
	e->muted      = not_mixed(m);
	e->deaf       = m->deaf;
	e->dialed_out = m->dialed_out;
	e->seq        = NEW;
	e->user->touched = true;
}

/* What a gateway writes where a name should be: the number itself, or the whole address. */
static bool is_address(const char *name)
{
	return strchr(name, '@') || strspn(name, "0123456789+-()./ ") == strlen(name);
}

/* Of a user with several endpoints the first that has a name gives it, and the highest role counts. */
static void identity_note(const struct roster *r, struct roster_user *u, const struct snapshot_member *m)
{
	if (!u->name_now || !u->name_now[0])
		u->name_now = r->hides && is_address(m->name) ? "" : m->name;
	if (u->role_now < m->role)
		u->role_now = m->role;
}

static int member_follow(struct roster *r, const struct snapshot_member *m)
{
	struct roster_endpoint *e = endpoint_find(r, m->id);
	int err = e ? 0 : endpoint_add(&e, r, m);

	if (err)
		return err;

	e->mark = r->mark;
	e->timed = r->music;
	e->delay = m->delay;
	endpoint_follow(e, m);
	identity_note(r, e->user, m);

	return 0;
}

static void endpoints_leave(const struct roster *r, struct roster_user *u)
{
	struct le *le;

	LIST_FOREACH(&u->endpoints, le) {
		struct roster_endpoint *e = le->data;

		if (e->gone || e->mark == r->mark)
			continue;

		e->gone = true;
		e->seq  = NEW;
		u->n_here--;
		u->touched = true;
	}
}

static int identity_follow(struct roster_user *u)
{
	const char *name = u->name_now ? u->name_now : "";
	char *copy = NULL;

	if (!u->n_here || (u->role == u->role_now && !strcmp(u->name, name)))
		return 0;

	if (str_dup(&copy, name))
		return ENOMEM;

	mem_deref(u->name);
	u->name    = copy;
	u->role    = u->role_now;
	u->named   = NEW;
	u->touched = true;

	return 0;
}

static uint64_t next_seq(struct roster *r, struct roster_item *item)
{
	item->seq = ++r->seq;
	list_unlink(&item->le);
	list_append(&r->items, &item->le, item);

	return item->seq;
}

static void number(uint64_t *field, uint64_t seq)
{
	if (*field == NEW)
		*field = seq;
}

/* One number for the user and all of it that changed. */
static void user_settle(struct roster *r, struct roster_user *u)
{
	uint64_t seq;
	struct le *le;

	if (!u->touched)
		return;

	u->touched = false;
	seq = next_seq(r, &u->item);
	number(&u->born, seq);
	number(&u->named, seq);

	LIST_FOREACH(&u->endpoints, le) {
		struct roster_endpoint *e = le->data;

		number(&e->seq, seq);
		number(&e->born, seq);
	}
}

static void state_settle(struct roster *r, const struct snapshot *s)
{
	size_t n = s ? s->n_members - s->n_waiting : 0;
	bool active = s != NULL, locked = s && s->locked;

	if (r->state.seq && r->n_members == n && r->active == active && r->locked == locked)
		return;

	r->n_members = n;
	r->active    = active;
	r->locked    = locked;
	(void)next_seq(r, &r->state);
}

typedef int (user_h)(struct roster *r, struct roster_user *u);

static int users_apply(struct roster *r, user_h *h)
{
	struct le *le = r->items.head;
	int err = 0;

	while (le && !err) {
		struct roster_item *item = le->data;

		le = le->next;
		if (item->user)
			err = h(r, item->user);
	}

	return err;
}

static int user_begin(struct roster *r, struct roster_user *u)
{
	(void)r;
	u->name_now = NULL;
	u->role_now = ROLE_LISTENER;

	return 0;
}

static int user_end(struct roster *r, struct roster_user *u)
{
	int err;

	if (u->mark == r->mark)
		return 0;                         /* it has moved to the end of the list, and is met again */

	u->mark = r->mark;
	endpoints_leave(r, u);
	err = identity_follow(u);
	u->name_now = NULL;
	user_settle(r, u);
	r->n_users += u->n_here ? 1 : 0;

	return err;
}

/* --- the door --- */

static void roster_destructor(void *arg)
{
	struct roster *r = arg;

	if (r->state.le.list)
		list_unlink(&r->state.le);

	while (r->items.head) {
		struct roster_item *item = r->items.head->data;

		mem_deref(item->user);
	}
	mem_deref(r->users);
	mem_deref(r->endpoints);
}

int roster_alloc(struct roster **rp)
{
	struct roster *r = mem_zalloc(sizeof(*r), roster_destructor);
	int err;

	if (!r)
		return ENOMEM;

	err = hash_alloc(&r->users, BUCKETS);
	if (!err)
		err = hash_alloc(&r->endpoints, BUCKETS);

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

/* Who was told of by another entity than the one it has from now on goes, and comes anew. */
static bool unlink_endpoint(struct le *le, void *arg)
{
	hash_unlink(le);
	(void)arg;

	return false;
}

static void hide(struct roster *r, bool hides)
{
	if (r->hides != hides)
		(void)hash_apply(r->endpoints, unlink_endpoint, NULL);
	r->hides = hides;
}

/* Users are settled before the list is walked by anybody, so an error in the middle leaves numbers behind, never NEW. */
int roster_follow(struct roster *r, const struct snapshot *s)
{
	int err = 0, bad;

	r->mark++;
	r->n_users = 0;
	(void)users_apply(r, user_begin);

	if (s)
		hide(r, s->hide_numbers);
	r->music = s && s->music;
	for (size_t i = 0; s && i < s->n_members && !err; i++)
		if (!s->member[i].waiting)
			err = member_follow(r, &s->member[i]);

	state_settle(r, s);
	bad = users_apply(r, user_end);

	return err ? err : bad;
}

void roster_left(struct roster *r, uint32_t member, const char *why)
{
	struct roster_endpoint *e = endpoint_find(r, member);

	if (e && !e->gone)
		str_ncpy(e->why, why, sizeof(e->why));
}

static void user_prune(struct roster_user *u, uint64_t told)
{
	struct le *le = u->endpoints.head;

	while (le) {
		struct roster_endpoint *e = le->data;

		le = le->next;
		if (e->gone && e->seq <= told)
			mem_deref(e);
	}

	if (!u->endpoints.head)
		mem_deref(u);
}

void roster_prune(struct roster *r, uint64_t told)
{
	struct le *le = r->items.head;

	while (le) {
		struct roster_item *item = le->data;

		le = le->next;
		if (item->seq > told)
			return;
		if (item->user)
			user_prune(item->user, told);
	}
}

const struct roster_item *roster_after(const struct roster *r, uint64_t told)
{
	const struct le *le = r->items.tail, *first = NULL;

	for (; le; le = le->prev) {
		const struct roster_item *item = le->data;

		if (item->seq <= told)
			break;
		first = le;
	}

	return first ? first->data : NULL;
}
