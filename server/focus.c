/*
 * focus.c - INVITE to a room's address becomes "join" (RFC 4353, 4579).
 *
 *     sip:ROOM@host          that room; opened when rooms.auto allows it
 *     sip:conference@host    the factory: a fresh room, named in our Contact (RFC 4579 5.4)
 *     sip:echo@host          your own sound back
 *     sip:lobby@host         asks for the room by keypad (lobby.c); so does a number of a trunk that leads nowhere
 *     tel:, DIDs             the room the [did] table names
 *
 * Admission in this order, cheapest refusal first: draining, access (401/403), a target we know (404), Replaces and
 * Join (481). The rest is call.c's.
 */
#include <string.h>
#include "call.h"
#include "callgest.h"
#include "callrec.h"
#include "focus.h"
#include "limit.h"
#include "notify.h"
#include "refer.h"
#include "register.h"
#include "control/log.h"

struct trunk_le { struct le le; struct trunk *trunk; char *settings; bool wanted; };      /* settings: all of them in one text */

enum { FACTORY_TRIES = 8 };

/* --- trunks --- */

static void trunk_destructor(void *arg)
{
	struct trunk_le *t = arg;

	list_unlink(&t->le);
	if (t->trunk)
		trunk_stop(t->trunk);
	mem_deref(t->trunk);
	mem_deref(t->settings);
}

static struct trunk_conf trunk_settings(const struct config *cfg, const char *name)
{
	return (struct trunk_conf){
		.name = name,
		.uri = config_sub(cfg, "trunk", name, "uri"),
		.user = config_sub(cfg, "trunk", name, "user"),
		.password = config_sub(cfg, "trunk", name, "password"),
		.realm = config_sub(cfg, "trunk", name, "realm"),
		.expires_s = config_sub_bool(cfg, "trunk", name, "register") ? config_sub_uint(cfg, "trunk", name, "expires") : 0,
		.keepalive_s = config_sub_uint(cfg, "trunk", name, "keepalive"),
	};
}

static struct trunk_le *trunk_running(const struct focus *f, const char *settings)
{
	for (struct le *le = f->trunks.head; le; le = le->next) {
		struct trunk_le *t = le->data;

		if (!strcmp(t->settings, settings))
			return t;
	}

	return NULL;
}

static int trunk_start(struct focus *f, const struct trunk_conf *conf, const char *settings)
{
	struct trunk_le *t = mem_zalloc(sizeof(*t), trunk_destructor);
	int err;

	if (!t)
		return ENOMEM;

	t->wanted = true;
	err = str_dup(&t->settings, settings);
	if (!err)
		err = trunk_alloc(&t->trunk, f->sips, conf);

	if (err)
		mem_deref(t);
	else
		list_append(&f->trunks, &t->le, t);

	return err;
}

struct trunk_pass { struct focus *f; bool start; };       /* first all are looked for, then what is missing is started */

static void trunk_visit(const char *name, void *arg)
{
	const struct trunk_pass *pass = arg;
	struct trunk_conf c = trunk_settings(pass->f->cfg, name);
	struct trunk_le *t;
	char *settings = NULL;
	int err;

	err = re_sdprintf(&settings, "%s\n%s\n%s\n%s\n%s\n%u\n%u", name, c.uri, c.user, c.password, c.realm, c.expires_s,
			  c.keepalive_s);
	t = err ? NULL : trunk_running(pass->f, settings);
	if (t)
		t->wanted = true;
	else if (!err && pass->start)
		err = trunk_start(pass->f, &c, settings);

	if (err)
		log_error("trunk.failed", "trunk=%s err=%d", name, err);

	mem_deref(settings);
}

/* A trunk whose settings are what they were goes on undisturbed. One that changed takes its leave before the new one comes:
 * the other way round its un-REGISTER would end the new registration. */
static void trunks_follow(struct focus *f)
{
	struct trunk_pass look = { f, false }, start = { f, true };
	struct le *le;

	LIST_FOREACH(&f->trunks, le)
		((struct trunk_le *)le->data)->wanted = false;

	config_sections(f->cfg, "trunk", trunk_visit, &look);

	for (le = f->trunks.head; le;) {
		struct trunk_le *t = le->data;

		le = le->next;
		if (!t->wanted)
			mem_deref(t);
	}

	config_sections(f->cfg, "trunk", trunk_visit, &start);
}

/* Does this message come from a configured trunk? */
static bool focus_from_trunk(const struct focus *f, const struct sip_msg *msg)
{
	for (const struct le *le = f->trunks.head; le; le = le->next) {
		const struct trunk_le *t = le->data;

		if (trunk_is_peer(t->trunk, &msg->src))
			return true;
	}

	return false;
}

struct cred_query { const struct config *cfg; struct pl host; const char *name; };

static void cred_match(const char *name, void *arg)
{
	struct cred_query *q = arg;
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, config_sub(q->cfg, "trunk", name, "uri"));

	if (!q->name && !uri_decode(&uri, &pl) && !pl_casecmp(&uri.host, &q->host))
		q->name = name;
}

bool focus_trunk_cred(const struct focus *f, struct auth_cred *cred, const char *uri_str)
{
	struct cred_query q = { .cfg = f->cfg };
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, uri_str);
	if (uri_decode(&uri, &pl))
		return false;

	q.host = uri.host;
	config_sections(f->cfg, "trunk", cred_match, &q);
	if (!q.name)
		return false;

	cred->user     = config_sub(f->cfg, "trunk", q.name, "user");
	cred->password = config_sub(f->cfg, "trunk", q.name, "password");
	cred->realm    = config_sub(f->cfg, "trunk", q.name, "realm");

	return cred->user[0] && cred->realm[0];
}

/* --- who --- */

static const char *bare_ip(char *buf, size_t size, const struct sa *sa)
{
	(void)re_snprintf(buf, size, "%j", sa);

	return buf;
}

static void security_line(const char *action, const struct sip_msg *msg)
{
	char user[64] = "", met[32] = "", ip[64];

	pl_strcpy(&msg->from.uri.user, user, sizeof(user));
	pl_strcpy(&msg->met, met, sizeof(met));
	log_security(action, met, user, bare_ip(ip, sizeof(ip), &msg->src), sa_port(&msg->src), sip_transp_name(msg->tp));
}

static void challenge(struct focus *f, const struct sip_msg *msg, const struct access_result *res)
{
	char lines[1024];

	if (res->wrong)
		security_line("auth-failure", msg);

	if (access_challenge(f->access, lines, sizeof(lines), msg, res->stale)) {
		(void)sips_replyf(f->sips, msg, 500, "Server Internal Error", NULL);
		return;
	}

	(void)sips_replyf(f->sips, msg, 401, "Unauthorized", "%s", lines);
}

static bool admit(struct focus *f, struct access_who *who, const struct sip_msg *msg, const struct access_result *res)
{
	*who = res->who;

	switch (res->verdict) {

	case ACCESS_OK:
		return true;

	case ACCESS_CHALLENGE:
		challenge(f, msg, res);
		break;

	case ACCESS_BAD:
		security_line("auth-bad", msg);
		(void)sips_replyf(f->sips, msg, 400, "Bad Authorization", NULL);
		break;

	case ACCESS_FORBIDDEN:
		security_line("forbidden", msg);
		(void)sips_replyf(f->sips, msg, 403, "Forbidden", NULL);
		break;
	}

	return false;
}

bool focus_admit(struct focus *f, struct access_who *who, const struct sip_msg *msg)
{
	struct access_result res;

	access_check(f->access, &res, msg, focus_from_trunk(f, msg));

	return admit(f, who, msg, &res);
}

/* --- where to --- */

/* The user part, unescaped, without its own parameters (sip:+4930;phone-context=x@host); a tel: URI has it as host. */
static int uri_user(char *buf, size_t size, const struct uri *uri)
{
	struct pl user = pl_isset(&uri->user) ? uri->user : uri->host;
	const char *semicolon;

	if (!pl_isset(&uri->user) && pl_strcasecmp(&uri->scheme, "tel"))
		return ENOENT;                            /* sip:host alone names no room */

	semicolon = pl_strchr(&user, ';');
	if (semicolon)
		user.l = semicolon - user.p;

	return re_snprintf(buf, size, "%H", uri_user_unescape, &user) < 0 ? ENOENT : 0;
}

/* Another port of this machine is another server, perhaps a phone on the same desk. */
static bool address_ours(const struct focus *f, const struct sa *addr)
{
	int flags = sa_port(addr) ? SA_ALL : SA_ADDR;
	enum sip_transp tp;
	struct sa ours;

	if (sa_set_str(&ours, config_str(f->cfg, "sip.external"), sa_port(addr)) == 0 && sa_cmp(&ours, addr, flags))
		return true;

	for (size_t n = 0; !sips_listener(f->sips, n, &tp, &ours); n++)
		if (sa_cmp(&ours, addr, flags))
			return true;

	return false;
}

static bool host_ours(const struct focus *f, const struct uri *uri)
{
	struct sa addr;

	if (!pl_strcasecmp(&uri->scheme, "tel"))
		return true;

	if (!sa_set(&addr, &uri->host, uri->port))
		return address_ours(f, &addr);

	return access_domain_named(f->access, &uri->host);
}

bool focus_room_of_uri(const struct focus *f, char *room, size_t size, const struct uri *uri)
{
	char user[ROOM_NAME_MAX + 1];
	const char *did;

	if (!host_ours(f, uri) || uri_user(user, sizeof(user), uri))
		return false;

	did = access_did(f->access, user);
	if (!did && !control_room_name_valid(user))
		return false;

	str_ncpy(room, did ? did : user, size);

	return true;
}

bool focus_room_open(const struct focus *f, char *room, size_t size, const struct uri *uri)
{
	char user[ROOM_NAME_MAX + 1];
	const char *did;

	if ((!access_domain_ours(f->access, &uri->host) && pl_strcasecmp(&uri->scheme, "tel")) || uri_user(user, sizeof(user), uri))
		return false;

	did = access_did(f->access, user);
	str_ncpy(room, did ? did : user, size);

	return control_room_exists(f->control, room);
}

static int factory_room(struct focus *f, char *room, size_t size)
{
	for (int i = 0; i < FACTORY_TRIES; i++) {
		(void)re_snprintf(room, size, "conf-%08x", rand_u32());

		if (!control_room_exists(f->control, room))
			return 0;
	}

	return EEXIST;
}

/* A room opens by itself only for those who came from near or proved who they are. */
static bool may_open(const struct focus *f, const struct access_who *who)
{
	return config_bool(f->cfg, "rooms.auto") && (who->local || who->account[0] || who->trunk);
}

static bool is_number(const char *user)
{
	user += *user == '+';

	return *user && strspn(user, "0123456789") == strlen(user);
}

/* A name, a number of the [did] table or an alias leads to a room. What a trunk sends here for a number that leads nowhere is
 * asked where it wants to go: the one number of a bridge. */
static int room_or_lobby(const struct focus *f, struct call_target *t, const char *user)
{
	const char *did = access_did(f->access, user), *name = did ? did : user, *open = control_room_for(f->control, name);

	if (!str_casecmp(name, "lobby") || (!did && !open && t->who.trunk && is_number(user))) {
		t->lobby = true;
		return 0;
	}

	if (!open && ((!did && !control_room_name_valid(user)) || !may_open(f, &t->who)))
		return ENOENT;

	str_ncpy(t->room, open ? open : name, sizeof(t->room));

	return 0;
}

/* Who only reads numbers off a letter opens no rooms from outside. */
bool focus_room_typed(const struct focus *f, char *room, size_t size, const char *digits, const struct access_who *who)
{
	struct call_target t = { .who = *who };

	if (room_or_lobby(f, &t, digits) || t.lobby)
		return false;

	str_ncpy(room, t.room, size);

	return true;
}

static int resolve(struct focus *f, struct call_target *t, const struct sip_msg *msg)
{
	char user[ROOM_NAME_MAX + 1];
	int err;

	if (!access_domain_ours(f->access, &msg->uri.host) && pl_strcasecmp(&msg->uri.scheme, "tel"))
		return ENOENT;

	err = uri_user(user, sizeof(user), &msg->uri);
	if (err)
		return err;

	if (!str_casecmp(user, "echo")) {
		t->echo = true;
		return 0;
	}

	if (!str_casecmp(user, "conference"))
		return may_open(f, &t->who) ? factory_room(f, t->room, sizeof(t->room)) : EPERM;

	return room_or_lobby(f, t, user);
}

/* --- Replaces and Join --- */

/* Answers itself and returns false when the dialog that Replaces or Join names cannot be followed. */
static bool follow_dialog(struct focus *f, struct call_target *t, const struct sip_msg *msg, const struct session_ref *ref, bool replaces)
{
	const char *reason = "Call/Transaction Does Not Exist";
	struct session *s = NULL;
	struct call *c = NULL;
	uint16_t scode = 0;

	if (replaces)
		scode = sessions_replaced(f->sessions, &s, &reason, ref);
	else
		s = sessions_find(f->sessions, &ref->callid, &ref->to_tag, &ref->from_tag);

	c = call_by_dialog(f, s);
	if (!scode && (!c || !call_room(c)))              /* the echo test has no seat to take and no room to join */
		scode = 481;

	if (scode) {
		(void)sips_replyf(f->sips, msg, scode, reason, NULL);
		return false;
	}

	str_ncpy(t->room, call_room(c), sizeof(t->room));
	if (replaces)
		t->replaces = c;

	return true;
}

/* Where the INVITE wants to go: by the dialog it names, else by its Request-URI. False: it has been answered. */
static bool target_find(struct focus *f, struct call_target *t, const struct sip_msg *msg)
{
	struct session_ref replaces, join;
	int r = session_replaces(&replaces, msg), j = session_join(&join, msg), err;

	/* RFC 3911 4: "If the Join header field is present with a Replaces header field: 400". */
	if (r == EBADMSG || j == EBADMSG || (!r && !j)) {
		(void)sips_replyf(f->sips, msg, 400, "Bad Replaces Or Join", NULL);
		return false;
	}

	if (!r || !j)
		return follow_dialog(f, t, msg, r ? &join : &replaces, !r);

	err = resolve(f, t, msg);
	if (err)
		(void)sips_replyf(f->sips, msg, err == EPERM ? 403 : 404, err == EPERM ? "Forbidden" : "Not Found", NULL);

	return !err;
}

/* --- INVITE --- */

/* Does it want to go to a room that asks for a PIN, and whoever has no seat there? */
static bool wants_pin_room(struct focus *f, const struct sip_msg *msg)
{
	struct call_target t = { .echo = false };

	return !resolve(f, &t, msg) && t.room[0] && control_needs_pin(f->control, t.room, NULL);
}

/* A room with a PIN is open to whoever knows it, also from outside; but for what else is asked of callers. */
static bool admit_invite(struct focus *f, struct access_who *who, const struct sip_msg *msg)
{
	struct access_result res;

	access_check(f->access, &res, msg, focus_from_trunk(f, msg));
	if (res.verdict != ACCESS_FORBIDDEN || !res.outside || !wants_pin_room(f, msg))
		return admit(f, who, msg, &res);

	*who = res.who;

	return true;
}

/* The sound of those present comes first. */
static bool overloaded(const struct focus *f)
{
	return mixer_load(f->mixer) * 100 > config_uint(f->cfg, "media.max-load");
}

static void invite_handler(const struct sip_msg *msg, void *arg)
{
	struct call_target t = { .echo = false };
	struct focus *f = arg;

	if (f->draining || overloaded(f)) {
		(void)sips_replyf(f->sips, msg, 503, "Service Unavailable", "Retry-After: %u\r\n", f->draining ? 60 : 10);
		return;
	}

	if (admit_invite(f, &t.who, msg) && target_find(f, &t, msg))
		call_incoming(f, msg, &t);
}

/* VERB_DIAL ends here. */
static int dial_handler(void *arg, const char *room, const char *uri)
{
	struct focus *f = arg;
	struct call_dial d = { .room = room, .uri = uri };

	if (f->watch) {
		d.progressh = f->watch->progressh;
		d.arg       = f->watch->arg;
	}

	return call_dial(f->watch ? &f->watch->call : NULL, f, &d);
}

/* --- life --- */

static void destructor(void *arg)
{
	struct focus *f = arg;

	list_flush(&f->trunks);
	f->notify = mem_deref(f->notify);
	focus_hangup_all(f, "server stopped");
	list_flush(&f->calls);
	mem_deref(f->gests);
	mem_deref(f->cert);
	mem_deref(f->sessions);
	sips_watch(f->sips, NULL, NULL);
	mem_deref(f->cdrs);
	mem_deref(f->access);
	mem_deref(f->tries);
}

static struct session_conf session_settings(const struct config *cfg)
{
	return (struct session_conf){
		.expires_s    = config_uint(cfg, "sip.session-expires"),
		.min_se_s     = config_uint(cfg, "sip.min-se"),
		.max_sessions = config_uint(cfg, "sip.max-calls"),
	};
}

static int tries_alloc(struct focus *f)
{
	uint32_t rate = config_uint(f->cfg, "rooms.pin-rate");
	struct limit *l = NULL;
	int err = limit_alloc(&l, rate, rate);

	if (err)
		return err;

	mem_deref(f->tries);
	f->tries      = l;
	f->tries_rate = rate;

	return 0;
}

int focus_gestures(struct focus *f, struct relay *relay)
{
	return f && !f->gests ? callgests_alloc(&f->gests, f->cfg, f->control, relay) : EINVAL;
}

int focus_alloc(struct focus **fp, const struct config *cfg, struct sips *sips, struct control *control, struct mixer *mixer)
{
	const struct session_conf sc = session_settings(cfg);
	struct face dialer = { .dial = dial_handler };
	struct focus *f;
	int err;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;

	f->cfg     = cfg;
	f->sips    = sips;
	f->control = control;
	f->mixer   = mixer;
	dialer.arg = f;

	if (dtlscert_alloc(&f->cert))
		log_warning("focus.start", "what=\"no certificate, no keys by DTLS\"");

	err = access_alloc(&f->access, cfg);
	if (!err)
		err = tries_alloc(f);
	if (err)
		goto out;

	err = sessions_alloc(&f->sessions, sips, &sc, invite_handler, f);
	if (err)
		goto out;

	err = sips_handle(sips, "REFER", refer_outside, f);
	if (err)
		goto out;

	err = cdrs_alloc(&f->cdrs, control);
	if (err)
		goto out;

	callrec_watch(f);

	err = notify_alloc(&f->notify, f);
	if (err)
		goto out;

	control_set_dialer(control, &dialer);
	trunks_follow(f);

 out:
	if (err)
		mem_deref(f);
	else
		*fp = f;

	return err;
}

void focus_reload(struct focus *f, const struct config *cfg)
{
	const struct session_conf sc = session_settings(cfg);

	f->cfg = cfg;
	access_reload(f->access, cfg);
	sessions_reconf(f->sessions, &sc);
	/* What was tried before stays counted, unless the rate is another. No memory: the old one stays. */
	if (f->tries_rate != config_uint(cfg, "rooms.pin-rate") && tries_alloc(f))
		log_error("focus.reload", "what=rooms.pin-rate");
	trunks_follow(f);
}

void focus_drain(struct focus *f)
{
	f->draining = true;
	notify_drain(f->notify);
	list_flush(&f->trunks);                           /* un-REGISTER: new calls shall go elsewhere */
}

void focus_hangup_all(struct focus *f, const char *why)
{
	struct le *le = f->calls.head;

	while (le) {
		struct call *c = le->data;

		le = le->next;
		call_end(c, why);
	}
}

uint32_t focus_calls(const struct focus *f)
{
	return list_count(&f->calls);
}
