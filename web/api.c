/*
 * api.c - snapshot and status to JSON. Every object is built with json-glib's builder, so peer text is always escaped.
 */
#include <json-glib/json-glib.h>
#include <math.h>
#include "api.h"
#include "order.h"
#include "control/setting.h"

static JsonBuilder *object_begin(void)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);

	return b;
}

char *api_text(JsonBuilder *b)
{
	JsonGenerator *gen = json_generator_new();
	JsonNode *root = json_builder_get_root(b);
	char *text;

	json_generator_set_root(gen, root);
	text = json_generator_to_data(gen, NULL);

	json_node_unref(root);
	g_object_unref(gen);
	g_object_unref(b);

	return text;
}

static char *object_end(JsonBuilder *b)
{
	json_builder_end_object(b);

	return api_text(b);
}

static void put_str(JsonBuilder *b, const char *name, const char *val)
{
	char *utf8 = g_utf8_make_valid(val, -1);          /* peer text may be anything */

	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, utf8);
	g_free(utf8);
}

static void put_int(JsonBuilder *b, const char *name, uint64_t val)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)val);
}

static void put_signed(JsonBuilder *b, const char *name, int64_t v)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, v);
}

static void put_bool(JsonBuilder *b, const char *name, bool val)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, val);
}

/* 0 is not known, or has not been: null. */
static void put_known(JsonBuilder *b, const char *name, uint64_t val)
{
	json_builder_set_member_name(b, name);
	if (val)
		json_builder_add_int_value(b, (gint64)val);
	else
		json_builder_add_null_value(b);
}

static void put_or_null(JsonBuilder *b, const char *name, const char *val)
{
	json_builder_set_member_name(b, name);
	if (val[0])
		json_builder_add_string_value(b, val);
	else
		json_builder_add_null_value(b);
}

char *api_error(unsigned status, const char *message)
{
	JsonBuilder *b = object_begin();

	put_int(b, "status", status);
	put_str(b, "error", message);

	return object_end(b);
}

char *api_status(const struct web_status *st)
{
	JsonBuilder *b = object_begin();

	put_str(b, "version", st->version);
	put_bool(b, "ready", st->ready);
	put_bool(b, "draining", st->draining);
	put_bool(b, "realtime", st->realtime);
	put_int(b, "uptime_s", st->uptime_s);
	put_int(b, "rooms", st->rooms);
	put_int(b, "members", st->members);
	put_int(b, "calls", st->calls);

	return object_end(b);
}

static void put_brief(JsonBuilder *b, const struct snapshot_brief *r)
{
	json_builder_begin_object(b);
	put_str(b, "room", r->room);
	put_str(b, "title", r->title);
	put_int(b, "members", r->n_members);
	put_int(b, "waiting", r->n_waiting);
	put_bool(b, "locked", r->locked);
	put_bool(b, "muted_all", r->muted_all);
	put_str(b, "profile", r->music ? "music" : "voice");
	put_str(b, "recording", r->recording);
	put_int(b, "version", r->version);
	put_int(b, "created_ms", r->created_ms);
	put_bool(b, "persistent", r->persistent);
	json_builder_end_object(b);
}

char *api_rooms(const struct snapshot_rooms *rooms, const char *only)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "rooms");
	json_builder_begin_array(b);
	for (size_t i = 0; i < rooms->n; i++)
		if (!only[0] || !g_ascii_strcasecmp(only, rooms->room[i].room))
			put_brief(b, &rooms->room[i]);
	json_builder_end_array(b);

	return object_end(b);
}

char *api_players(const struct snapshot_players *p)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "players");
	json_builder_begin_array(b);
	for (size_t i = 0; i < p->n; i++) {
		const struct snapshot_player *one = &p->player[i];

		json_builder_begin_object(b);
		put_str(b, "name", one->name);
		put_str(b, "kinds", one->kinds);
		put_known(b, "member", one->member);
		put_int(b, "messages_in", (gint64)one->messages_in);
		put_int(b, "messages_out", (gint64)one->messages_out);
		put_int(b, "lost", (gint64)one->lost);
		put_int(b, "repaired", (gint64)one->repaired);
		put_known(b, "rtt_us", one->rtt_us);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);

	return object_end(b);
}

char *api_views(const struct snapshot_views *v)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "views");
	json_builder_begin_array(b);
	for (size_t i = 0; i < v->n; i++) {
		json_builder_begin_array(b);
		json_builder_add_int_value(b, v->view[i].listener);
		json_builder_add_int_value(b, v->view[i].other);
		json_builder_add_double_value(b, (double)v->view[i].gain_db);
		json_builder_add_double_value(b, (double)v->view[i].pan);
		json_builder_end_array(b);
	}
	json_builder_end_array(b);

	return object_end(b);
}

/* XR_UNKNOWN is null: a script that adds up must not take 127 for a figure. */
static void put_figure(JsonBuilder *b, const char *name, uint8_t value, double scale)
{
	json_builder_set_member_name(b, name);
	if (value >= 127)
		json_builder_add_null_value(b);
	else
		json_builder_add_double_value(b, value / scale);
}

static void put_part(JsonBuilder *b, const char *name, uint8_t of_256)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, of_256 * 100 / 256.0);
}

/* null: not known. */
static void put_quality(JsonBuilder *b, const char *name, const struct leg_quality *q)
{
	json_builder_set_member_name(b, name);
	if (!q->known) {
		json_builder_add_null_value(b);
		return;
	}
	json_builder_begin_object(b);
	put_figure(b, "r_factor", q->r, 1);
	put_figure(b, "mos_listening", q->mos_lq, 10);
	put_figure(b, "mos_conversation", q->mos_cq, 10);
	put_part(b, "lost_percent", q->loss);
	put_part(b, "late_percent", q->discard);
	put_part(b, "burst_lost_percent", q->burst_density);
	put_part(b, "gap_lost_percent", q->gap_density);
	put_int(b, "burst_ms", q->burst_ms);
	put_int(b, "gap_ms", q->gap_ms);
	put_int(b, "delay_ms", q->end_ms);
	json_builder_end_object(b);
}

/* Frames concealed a minute with 0, 1, 2, 3 of them held; null: not known. */
static void put_odds(JsonBuilder *b, const struct leg_stats *s)
{
	json_builder_set_member_name(b, "buffer_odds");
	if (s->odds[0] < 0) {
		json_builder_add_null_value(b);
		return;
	}
	json_builder_begin_array(b);
	for (size_t i = 0; i < G_N_ELEMENTS(s->odds); i++)
		json_builder_add_double_value(b, round((double)s->odds[i] * 10) / 10);
	json_builder_end_array(b);
}

static void put_leg(JsonBuilder *b, const struct leg_stats *s)
{
	json_builder_set_member_name(b, "media");
	json_builder_begin_object(b);
	put_str(b, "receive_codec", s->rx_codec);
	put_str(b, "send_codec", s->tx_codec);
	put_str(b, "keys", leg_keys_name(s->keys));
	put_int(b, "packets_received", s->rx_packets);
	put_int(b, "packets_sent", s->tx_packets);
	put_int(b, "packets_lost", s->rx_lost);
	put_int(b, "packets_late", s->rx_late);
	put_int(b, "packets_reordered", s->rx_reordered);
	put_int(b, "packets_discarded", s->discarded);
	put_int(b, "frames_recovered", s->recovered);
	put_int(b, "frames_concealed", s->concealed);
	put_int(b, "redundant_packets_sent", s->tx_redundant);
	put_part(b, "peer_lost_percent", s->peer_fraction_lost);
	put_int(b, "jitter_us", s->jitter_us);
	put_int(b, "buffer_ms", s->buffer_ms);
	put_odds(b, s);
	put_int(b, "round_trip_us", s->rtt_us);
	put_int(b, "level_dbov", s->level_dbov);
	put_int(b, "cpu_us", s->cpu_us);
	put_quality(b, "quality", &s->heard);
	put_quality(b, "peer_quality", &s->peer);
	json_builder_end_object(b);
}

static void put_member(JsonBuilder *b, const struct snapshot_member *m)
{
	json_builder_begin_object(b);
	put_int(b, "id", m->id);
	put_str(b, "uri", m->uri);
	put_str(b, "name", m->name);
	put_str(b, "role", role_name(m->role));
	put_bool(b, "muted", m->muted);
	put_bool(b, "muted_by_host", m->muted_by_host);
	put_bool(b, "deaf", m->deaf);
	put_bool(b, "hold", m->hold);
	put_bool(b, "hand", m->hand);
	put_known(b, "hand_ms", m->hand ? m->hand_ms : 0);
	put_bool(b, "talking", m->talking);
	put_bool(b, "dialed_out", m->dialed_out);
	put_or_null(b, "waiting", waiting_name(m->waiting));
	json_builder_set_member_name(b, "gain_db");
	json_builder_add_double_value(b, (double)m->gain_db);
	json_builder_set_member_name(b, "pan");
	json_builder_add_double_value(b, (double)m->pan);
	put_bool(b, "click", m->click);
	json_builder_set_member_name(b, "click_db");
	json_builder_add_double_value(b, (double)m->click_db);
	put_str(b, "click_sync", click_sync_name(m->click_sync));
	put_signed(b, "buffer", m->buffer);
	put_bool(b, "redundant", m->red);
	put_or_null(b, "section", m->section);
	put_or_null(b, "controller", m->controller);
	put_int(b, "since_ms", m->since_ms);
	put_leg(b, &m->leg);
	json_builder_end_object(b);
}

/* A member by id and name; null: nobody. */
static void put_person(JsonBuilder *b, const char *name, const struct snapshot *s, uint32_t id)
{
	json_builder_set_member_name(b, name);
	for (size_t i = 0; i < s->n_members && id; i++) {
		if (s->member[i].id != id)
			continue;
		json_builder_begin_object(b);
		put_int(b, "id", id);
		put_str(b, "name", s->member[i].name);
		json_builder_end_object(b);
		return;
	}
	json_builder_add_null_value(b);
}

static void put_settings(JsonBuilder *b, const struct snapshot *s)
{
	json_builder_set_member_name(b, "settings");
	json_builder_begin_object(b);
	for (size_t i = 0; i < s->n_settings; i++)
		put_str(b, s->settings[i].name, s->settings[i].value);
	json_builder_end_object(b);
	put_bool(b, "has_host_pin", s->has_host_pin);
	put_bool(b, "has_guest_pin", s->has_guest_pin);
}

static void put_hours(JsonBuilder *b, const struct snapshot *s)
{
	put_str(b, "hours", s->hours == SNAPSHOT_OPEN ? "open" : s->hours == SNAPSHOT_BEFORE ? "before" : "over");
	put_known(b, "starts_ms", s->starts_ms);
	put_known(b, "ends_ms", s->ends_ms);
}

static void put_sections(JsonBuilder *b, const struct snapshot *s)
{
	json_builder_set_member_name(b, "sections");
	json_builder_begin_object(b);
	for (size_t i = 0; i < s->n_sections; i++) {
		json_builder_set_member_name(b, s->section[i].name);
		json_builder_add_double_value(b, (double)s->section[i].gain_db);
	}
	json_builder_end_object(b);
}

static void put_tempo(JsonBuilder *b, const struct snapshot *s)
{
	const struct snapshot_tempo *t = &s->tempo;

	json_builder_set_member_name(b, "tempo");
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "bpm");
	json_builder_add_double_value(b, t->mbpm / 1000.0);
	put_int(b, "beats", t->beats);
	put_bool(b, "running", t->running);
	put_signed(b, "beat", t->beat);
	put_int(b, "count_in", t->count_in);
	put_known(b, "origin", t->running ? t->origin : 0);
	put_person(b, "follow", s, t->follow);
	json_builder_end_object(b);
}

char *api_room(const struct snapshot *s)
{
	JsonBuilder *b = object_begin();

	put_str(b, "room", s->room);
	put_str(b, "title", s->title);
	put_int(b, "version", s->version);
	put_int(b, "created_ms", s->created_ms);
	put_bool(b, "locked", s->locked);
	put_bool(b, "muted_all", s->muted_all);
	put_str(b, "profile", s->music ? "music" : "voice");
	put_bool(b, "persistent", s->kept);
	put_str(b, "recording", s->recording);
	put_or_null(b, "parent", s->parent);
	put_hours(b, s);
	put_person(b, "speaker", s, s->speaker);
	put_person(b, "floor", s, s->floor);
	put_tempo(b, s);
	put_sections(b, s);
	put_int(b, "waiting", s->n_waiting);
	put_int(b, "bans", s->n_bans);
	put_settings(b, s);

	json_builder_set_member_name(b, "members");
	json_builder_begin_array(b);
	for (size_t i = 0; i < s->n_members; i++)
		put_member(b, &s->member[i]);
	json_builder_end_array(b);

	return object_end(b);
}

char *api_bans(const struct snapshot_bans *bans)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "bans");
	json_builder_begin_array(b);
	for (size_t i = 0; i < bans->n; i++) {
		json_builder_begin_object(b);
		put_str(b, "uri", bans->ban[i].uri);
		put_int(b, "at_ms", bans->ban[i].at_ms);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);

	return object_end(b);
}

static void put_warning(JsonBuilder *b, const struct event_delay *d)
{
	json_builder_set_member_name(b, "delay");
	json_builder_begin_object(b);
	put_int(b, "from", d->from);
	put_int(b, "to", d->to);
	json_builder_set_member_name(b, "ms");
	json_builder_add_double_value(b, d->us / 1000.0);
	put_int(b, "bound_ms", d->bound_us / 1000);
	put_bool(b, "over", d->over);
	json_builder_end_object(b);
}

char *api_event(const struct told *t)
{
	JsonBuilder *b = object_begin();

	put_int(b, "number", t->ev.number);
	put_str(b, "room", t->room);
	put_int(b, "version", t->ev.version);
	put_str(b, "type", event_name(t->ev.type));
	put_int(b, "at_ms", t->ev.at_ms);
	put_str(b, "detail", t->detail);
	json_builder_set_member_name(b, "member");
	if (t->has_member)
		put_member(b, &t->member);
	else
		json_builder_add_null_value(b);
	if (t->ev.type == EVENT_DELAY)
		put_warning(b, &t->ev.delay);

	return object_end(b);
}

static void put_fields(JsonBuilder *b, unsigned args)
{
	size_t n;
	const struct order_field *f = order_fields(&n);

	json_builder_set_member_name(b, "needs");
	json_builder_begin_array(b);
	for (size_t i = 0; i < n; i++)
		if (args & f[i].arg)
			json_builder_add_string_value(b, f[i].name);
	json_builder_end_array(b);
}

static void put_verb(JsonBuilder *b, const struct verb_info *v)
{
	json_builder_begin_object(b);
	put_str(b, "verb", v->name);
	put_str(b, "of", v->args & ARG_WHERE ? "either" : v->args & ARG_MEMBER ? "member" : "room");
	put_fields(b, order_needs(v));
	put_str(b, "help", v->help);
	json_builder_end_object(b);
}

char *api_verbs(void)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "verbs");
	json_builder_begin_array(b);
	for (unsigned i = 0; i < VERB_N; i++) {
		const struct verb_info *v = command_info((enum verb)i);

		if (order_offers(v, true) || order_offers(v, false))
			put_verb(b, v);
	}
	json_builder_end_array(b);

	return object_end(b);
}

static void put_choices(JsonBuilder *b, const char *choices)
{
	char **word = g_strsplit(choices, "|", 0);

	json_builder_set_member_name(b, "choices");
	json_builder_begin_array(b);
	for (char **w = word; *w; w++)
		json_builder_add_string_value(b, *w);
	json_builder_end_array(b);
	g_strfreev(word);
}

static void put_setting(JsonBuilder *b, const struct setting_info *s)
{
	json_builder_begin_object(b);
	put_str(b, "name", s->name);
	put_str(b, "type", s->kind);
	put_str(b, "default", s->def);
	if (s->choices)
		put_choices(b, s->choices);
	if (s->hi) {
		put_int(b, "min", s->lo);
		put_int(b, "max", s->hi);
	}
	put_bool(b, "secret", s->secret);
	put_str(b, "help", s->help);
	json_builder_end_object(b);
}

char *api_settings(void)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, "settings");
	json_builder_begin_array(b);
	for (size_t i = 0; setting_at(i); i++)
		put_setting(b, setting_at(i));
	json_builder_end_array(b);

	return object_end(b);
}

char *api_session(const struct who *who)
{
	JsonBuilder *b = object_begin();

	put_str(b, "name", who->name);
	put_str(b, "scope", scope_name(who->scope));
	put_or_null(b, "room", who->room);

	return object_end(b);
}

char *api_ok(uint32_t member)
{
	JsonBuilder *b = object_begin();

	put_bool(b, "ok", true);
	if (member)
		put_int(b, "member", member);

	return object_end(b);
}

/* --- lists --- */

static JsonBuilder *list_begin(const char *name)
{
	JsonBuilder *b = object_begin();

	json_builder_set_member_name(b, name);
	json_builder_begin_array(b);

	return b;
}

char *api_list_end(JsonBuilder *b)
{
	json_builder_end_array(b);

	return object_end(b);
}

static void put_real(JsonBuilder *b, const char *name, double val)
{
	json_builder_set_member_name(b, name);
	if (val > 0)
		json_builder_add_double_value(b, val);
	else
		json_builder_add_null_value(b);
}

JsonBuilder *api_calls_begin(void)
{
	return list_begin("calls");
}

void api_put_call(JsonBuilder *b, uint64_t id, const struct store_cdr *c)
{
	json_builder_begin_object(b);
	put_int(b, "id", id);
	put_str(b, "call_id", c->call_id);
	put_str(b, "from", c->from);
	put_str(b, "from_name", c->from_name);
	put_str(b, "to", c->to);
	put_str(b, "room", c->room);
	put_str(b, "role", c->role);
	put_str(b, "why", c->why);
	put_str(b, "codec", c->codec);
	put_bool(b, "outgoing", c->outgoing);
	put_int(b, "start_ms", c->start_ms);
	put_known(b, "answer_ms", c->answer_ms);
	put_int(b, "end_ms", c->end_ms);
	put_int(b, "status", c->status);
	put_int(b, "rx_packets", c->rx_packets);
	put_int(b, "tx_packets", c->tx_packets);
	put_int(b, "lost", c->lost);
	put_int(b, "late", c->late);
	put_int(b, "concealed", c->concealed);
	put_int(b, "jitter_us", c->jitter_us);
	put_known(b, "rtt_us", c->rtt_us);
	put_int(b, "buffer_ms", c->buffer_ms);
	put_real(b, "r_factor", (double)c->r_factor);
	put_real(b, "mos", (double)c->mos);
	json_builder_end_object(b);
}

char *api_calls_end(JsonBuilder *b, uint64_t next)
{
	json_builder_end_array(b);
	put_known(b, "next", next);

	return object_end(b);
}

JsonBuilder *api_tokens_begin(void)
{
	return list_begin("tokens");
}

void api_put_token(JsonBuilder *b, const struct store_token *tok, const char *secret)
{
	json_builder_begin_object(b);
	put_str(b, "id", tok->id);
	put_str(b, "name", tok->name);
	put_str(b, "scope", scope_name(scope_parse(tok->scopes)));
	put_or_null(b, "room", tok->room);
	put_int(b, "created_ms", tok->created_ms);
	put_known(b, "expires_ms", tok->expires_ms);
	if (secret)
		put_str(b, "token", secret);
	json_builder_end_object(b);
}

JsonBuilder *api_accounts_begin(void)
{
	return list_begin("accounts");
}

void api_put_account(JsonBuilder *b, const char *name, const char *role)
{
	json_builder_begin_object(b);
	put_str(b, "name", name);
	put_str(b, "role", role);
	json_builder_end_object(b);
}

JsonBuilder *api_recordings_begin(void)
{
	return list_begin("recordings");
}

void api_recording_begin(JsonBuilder *b, const struct store_recording *rec)
{
	json_builder_begin_object(b);
	put_str(b, "id", rec->id);
	put_str(b, "room", rec->room);
	put_str(b, "by", rec->by);
	put_str(b, "state", rec->state);
	put_int(b, "start_ms", rec->start_ms);
	put_known(b, "end_ms", rec->end_ms);
	put_int(b, "bytes", rec->bytes);
	json_builder_set_member_name(b, "files");
	json_builder_begin_array(b);
}

void api_put_file(JsonBuilder *b, const char *name, uint64_t bytes)
{
	json_builder_begin_object(b);
	put_str(b, "name", name);
	put_int(b, "bytes", bytes);
	json_builder_end_object(b);
}

void api_recording_end(JsonBuilder *b)
{
	json_builder_end_array(b);
	json_builder_end_object(b);
}
