/*
 * keep.c - what of the house outlives a call, and the process.
 *
 * A seat is worth keeping when its member would otherwise come back as somebody else: it has said a PIN or was let in,
 * was made a host, is muted. While it sits there the store knows it as well (until 0), because a process that is killed
 * says no farewell. A room's smaller rooms have no seats: who is lost there comes back into the room itself.
 *
 * The store takes what it is given and waits for no disk; an error of it is its own to tell (store.h).
 */
#include <string.h>
#include "keep.h"
#include "log.h"
#include "state.h"
#include "store.h"

static bool is_stored(const struct room *r)
{
	return r->kept && r->c->conf.store;
}

/* --- rooms --- */

enum { N_SETTINGS_MAX = 64 };

/* Those settings that are not what they would be anyway. */
static size_t settings_to_keep(const struct room *r, struct setting set[N_SETTINGS_MAX],
			       char text[N_SETTINGS_MAX][SETTING_TEXT_MAX])
{
	struct room_conf usual;
	char def[SETTING_TEXT_MAX];
	const struct setting_info *info;
	size_t n = 0;

	room_defaults(r->c, r->name, &usual);
	for (size_t i = 0; (info = setting_at(i)) != NULL && n < N_SETTINGS_MAX; i++) {
		setting_print(&usual, info, def, true);
		setting_print(&r->conf, info, text[n], true);
		if (strcmp(def, text[n]) == 0)
			continue;
		set[n].name = info->name;
		set[n].value = text[n];
		n++;
	}
	return n;
}

static void put_room(const struct room *r)
{
	static char text[N_SETTINGS_MAX][SETTING_TEXT_MAX];       /* of the one control thread */
	struct setting set[N_SETTINGS_MAX];
	struct store_room sr = { .created_ms = r->created_ms, .locked = r->locked, .muted_all = r->muted_all, .settings = set };

	memcpy(sr.name, r->name, sizeof(sr.name));
	sr.n_settings = settings_to_keep(r, set, text);
	(void)store_room_put(r->c->conf.store, &sr);
	memset(text, 0, sizeof(text));                            /* hashes of PINs among them */
}

void keep_room(struct room *r)
{
	struct le *le;
	bool begins = !r->kept;

	if (!r->c->conf.store)
		return;
	if (!r->conf.keep) {
		if (r->kept)
			(void)store_room_del(r->c->conf.store, r->name);
		r->kept = false;
		return;
	}
	put_room(r);
	r->kept = true;
	if (begins)
		LIST_FOREACH(&r->bans, le)
			keep_ban(r, le->data);
}

void keep_room_gone(struct room *r)
{
	seats_drop_room(r->c->seats, r->name);
	if (is_stored(r))
		(void)store_room_del(r->c->conf.store, r->name);
	r->kept = false;
}

void keep_ban(const struct room *r, const struct ban *b)
{
	struct store_ban sb = { .at_ms = b->at_ms };

	if (!is_stored(r))
		return;
	memcpy(sb.room, r->name, sizeof(sb.room));
	memcpy(sb.uri, b->uri, sizeof(sb.uri));
	(void)store_ban_put(r->c->conf.store, &sb);
}

void keep_unban(const struct room *r, const char *uri)
{
	if (is_stored(r))
		(void)store_ban_del(r->c->conf.store, r->name, uri);
}

/* --- seats --- */

static bool is_worth(const struct member *m, const struct room *root)
{
	const struct room_conf *rc = &root->conf;

	return rc->host_pin.rounds || rc->guest_pin.rounds || rc->lobby || rc->mute_on_entry || root->locked ||
	       m->role != m->came || m->self_muted || m->host_muted;
}

static void put_seat(const struct member *m, const struct room *root, const struct seat *seat)
{
	struct store_seat ss = { .role = seat->role, .self_muted = seat->self_muted, .host_muted = seat->host_muted,
				 .until_ms = seat->until_ms };

	if (!is_stored(root))
		return;
	memcpy(ss.room, seat->room, sizeof(ss.room));
	memcpy(ss.uri, seat->uri, sizeof(ss.uri));
	memcpy(ss.name, m->name, sizeof(ss.name));
	(void)store_seat_put(root->c->conf.store, &ss);
}

/* The mute that comes from the floor is the room's, not the member's. */
struct seat keep_seat_of(const struct member *m)
{
	const struct room *root = room_root(m->room);
	struct seat s = { .role = m->role, .self_muted = m->self_muted,
			  .host_muted = m->host_muted && !floor_mutes(m->room, m) };

	memcpy(s.room, root->name, sizeof(s.room));
	caller_key(s.uri, m->uri);
	return s;
}

static bool may_sit(const struct member *m, const struct room *root, struct seat *seat)
{
	*seat = keep_seat_of(m);
	return m->c->conf.seat_time_s && !m->waiting && caller_known(seat->uri) && is_worth(m, root);
}

void keep_seat(struct member *m)
{
	struct room *root = m->room ? room_root(m->room) : NULL;
	struct seat seat;

	if (!root || !is_stored(root))
		return;
	if (!may_sit(m, root, &seat)) {
		keep_seat_gone(m);
		m->seated = false;
		return;
	}
	if (m->seated && m->seat_role == seat.role && m->seat_self_muted == seat.self_muted &&
	    m->seat_host_muted == seat.host_muted)
		return;
	m->seated = true;
	m->seat_role = seat.role;
	m->seat_self_muted = seat.self_muted;
	m->seat_host_muted = seat.host_muted;
	put_seat(m, root, &seat);
}

void keep_seat_free(struct member *m)
{
	struct room *root = room_root(m->room);
	struct seat seat;

	if (!may_sit(m, root, &seat))
		return;
	seat.until_ms = unix_ms() + (uint64_t)m->c->conf.seat_time_s * 1000;
	if (seat_put(m->c->seats, &seat, unix_ms()))
		return;
	put_seat(m, root, &seat);
	m->seated = false;                /* what the store has is a free seat now, and stays */
}

void keep_seat_gone(const struct member *m)
{
	const struct room *root = room_root(m->room);
	char key[CALLER_KEY_MAX];

	if (!m->seated || !is_stored(root))
		return;
	caller_key(key, m->uri);
	(void)store_seat_del(m->c->conf.store, root->name, key);
}

const struct seat *keep_seat_for(const struct room *r, const char *uri)
{
	char key[CALLER_KEY_MAX];

	caller_key(key, uri);
	return r->c->conf.seat_time_s && caller_known(key) ? seat_find(r->c->seats, r->name, key, unix_ms()) : NULL;
}

enum { GHOST_MS = 5000 };

/* A call that holds sends nothing and is well; one that was never described has no sound to miss. */
static bool is_ghost(const struct member *m)
{
	struct leg_stats st;

	if (m->hold || m->waiting || !m->face.leg)
		return false;
	leg_stats(m->face.leg, &st);
	return st.rx_packets && st.rx_ago_ms >= GHOST_MS;
}

struct member *keep_ghost_for(const struct room *r, const char *uri)
{
	char key[CALLER_KEY_MAX], of[CALLER_KEY_MAX];
	struct le *le;

	caller_key(key, uri);
	if (!r->c->conf.seat_time_s || !caller_known(key))
		return NULL;
	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		caller_key(of, m->uri);
		if (strcmp(of, key) == 0 && is_ghost(m))
			return m;
	}
	return NULL;
}

/* --- after a start --- */

static void restore_room(const struct store_room *sr, void *arg)
{
	struct control *c = arg;
	struct room_conf rc;
	struct room *r;
	int err;

	if (!control_room_name_valid(sr->name))
		return;
	room_defaults(c, sr->name, &rc);
	for (size_t i = 0; i < sr->n_settings; i++)
		if (setting_parse(&rc, sr->settings[i].name, sr->settings[i].value, true))
			log_warning("store.setting", "room=%s setting=%s using=default", sr->name, sr->settings[i].name);
	rc.keep = true;
	if (settings_wrong(&rc))
		memset(&rc.schedule, 0, sizeof(rc.schedule));
	err = room_begin(&r, c, sr->name, &rc, NULL);
	if (err) {
		log_error("store.room", "room=%s error=\"%s\"", sr->name, strerror(err));
		return;
	}
	r->kept = true;
	r->created_ms = sr->created_ms;
	r->locked = sr->locked;
	r->muted_all = sr->muted_all;
}

static void restore_ban(const struct store_ban *sb, void *arg)
{
	struct room *r = room_find(arg, sb->room);

	if (r && !ban_find(&r->bans, sb->uri))
		(void)ban_add(&r->bans, sb->uri, sb->at_ms);
}

/* Who sat there when the process ended may come back as if it had left now. */
static void restore_seat(const struct store_seat *ss, void *arg)
{
	struct control *c = arg;
	uint64_t now = unix_ms();
	struct seat seat = { .role = ss->role, .self_muted = ss->self_muted, .host_muted = ss->host_muted,
			     .until_ms = ss->until_ms ? ss->until_ms : now + (uint64_t)c->conf.seat_time_s * 1000 };
	struct store_seat free = *ss;

	memcpy(seat.room, ss->room, sizeof(seat.room));
	memcpy(seat.uri, ss->uri, sizeof(seat.uri));
	if (!room_find(c, ss->room) || seat.until_ms <= now || seat_put(c->seats, &seat, now)) {
		(void)store_seat_del(c->conf.store, ss->room, ss->uri);
		return;
	}
	free.until_ms = seat.until_ms;
	if (!ss->until_ms)
		(void)store_seat_put(c->conf.store, &free);
}

void keep_restore(struct control *c)
{
	struct store *s = c->conf.store;
	int err;

	if (!s)
		return;
	err = store_rooms(s, restore_room, c);
	if (!err)
		err = store_bans(s, restore_ban, c);
	if (!err)
		err = store_seats(s, restore_seat, c);
	if (err)
		log_error("store.restore", "error=\"%s\"", strerror(err));
}
