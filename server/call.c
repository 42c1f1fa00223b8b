/*
 * call.c - one dialog tied to one member.
 *
 *     session  asks: answer this offer, make one, put it in force   ->  offer  ->  leg
 *     control  says: this member must go                            ->  session (BYE)
 *     leg      says: a key, silence, talking                        ->  control
 *
 * Whatever ends a call (BYE, kick, silence on the wire, a failed dial) ends in call_end, which lets go of the room at once
 * and of the memory in the next turn of the loop: the reason may have come up through the leg or the session themselves.
 */
#include <ctype.h>
#include <string.h>
#include "auth.h"
#include "call.h"
#include "callgest.h"
#include "callkeys.h"
#include "callrec.h"
#include "keys.h"
#include "lobby.h"
#include "notify.h"
#include "offer.h"
#include "refer.h"
#include "control/log.h"
#include "control/wheel.h"

enum { MUSIC_START_MS = 5 };      /* until the network of a player is known */

struct call {
	struct le le;
	struct focus *focus;
	struct session *session;
	struct offer *offer;
	struct leg *leg;
	struct callkeys *srtp;            /* it puts what is agreed on into the leg */
	struct bus *echo_bus;             /* of the echo test: a room of its own, with a tick as short as the caller's frames */
	struct callgest *gest;            /* NULL: no gestures here */
	struct lobby *lobby;              /* it is asked, or was, where it wants to go */
	struct keys keys;
	struct access_who who;
	struct cdr *cdr;                  /* its record; NULL: none could be made */
	struct list refers;               /* REFERs that came in this dialog and still run */
	struct wheel_tmr tmr_dial;
	struct tmr tmr_free;
	struct sa peer;                   /* where its signalling comes from */
	struct face face;
	char room[ROOM_NAME_MAX + 1];     /* to join; where it is now is control's to say */
	uint32_t member;
	enum role role;
	uint32_t auth_nc;
	struct sound *said_name;          /* its caller's, as it was said; NULL: none */
	bool name_asked;
	bool echo, outgoing, answered, held, ending;
	bool lobby_due;                   /* when there are keys: nobody hears a question before */
	bool music;                       /* a room that opens for it is one of music */
	struct tmr tmr_again;             /* an offer of ours is due */
	call_progress_h *progressh;
	void *progress_arg;
};

static void destructor(void *arg)
{
	struct call *c = arg;

	tmr_cancel(&c->tmr_free);
	tmr_cancel(&c->tmr_again);
	wheel_cancel(&c->tmr_dial);
	list_unlink(&c->le);
	list_flush(&c->refers);
	mem_deref(c->lobby);
	mem_deref(c->cdr);
	mem_deref(c->said_name);
	mem_deref(c->session);
	mem_deref(c->srtp);
	mem_deref(c->leg);
	mem_deref(c->echo_bus);
	mem_deref(c->offer);
	mem_deref(c->gest);               /* after the offer, which may ask for claims */
}

struct list *call_refers(struct call *c)
{
	return &c->refers;
}

static void free_later(void *arg)
{
	mem_deref(arg);
}

static void progress(struct call *c, uint16_t scode, const char *reason, bool final)
{
	call_progress_h *h = c->progressh;

	if (final) {
		c->progressh = NULL;
		cdr_final(c->cdr, scode);
	}

	if (h)
		h(scode, reason, final, c->progress_arg);
}

/* Out of the room, out of the list, freed in the next turn. The session must have been told before. */
static void call_drop(struct call *c, const char *why)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	const struct command leave = { .verb = VERB_LEAVE, .member = c->member, .text = why };
	char quoted[96];

	if (c->ending)
		return;

	c->ending = true;
	wheel_cancel(&c->tmr_dial);
	tmr_cancel(&c->tmr_again);
	callgest_end(c->gest);

	log_info("call.ended", "call=%s member=%u why=%s", c->session ? session_callid(c->session) : "-", c->member,
		 log_quote(quoted, sizeof(quoted), why, str_len(why)));

	if (c->member)
		(void)control_run(c->focus->control, &system, &leave, NULL);

	c->member = 0;
	cdr_end(c->cdr, why, c->leg);
	notify_call_gone(c->focus->notify, c);
	tmr_start(&c->tmr_free, 0, free_later, c);
}

/* Who sends a member away may give a reason in any words; in a quoted string they must not end it (RFC 3261 25.1). */
static void reason_line(char *buf, size_t size, unsigned cause, const char *why)
{
	char text[80];
	size_t n = 0;

	for (; *why && n < sizeof(text) - 1; why++)
		if ((unsigned char)*why >= 0x20 && *why != '"' && *why != '\\' && *why != 0x7f)
			text[n++] = *why;
	text[n] = '\0';

	(void)re_snprintf(buf, size, "Reason: SIP;cause=%u;text=\"%s\"\r\n", cause, text);
}

static void end_because(struct call *c, unsigned cause, const char *why)
{
	char reason[128];

	if (!c || c->ending)
		return;

	if (c->session) {
		reason_line(reason, sizeof(reason), cause, why);
		session_hangup(c->session, reason);
	}

	progress(c, 487, "Request Terminated", true);
	call_drop(c, why);
}

void call_end(struct call *c, const char *why)
{
	end_because(c, 200, why);
}

/* --- offers and answers: the session asks, the offer engine knows, the leg obeys --- */

static int op_offered(struct mbuf **answer, const char **why, const void *body, size_t len, void *arg)
{
	struct call *c = arg;

	/* Who tries out an instrument's line must get what a music room would give it. */
	if (c->echo && !offer_agreed(c->offer))
		offer_set_music(c->offer, c->music = offer_is_music(body, len));

	return offer_answer(c->offer, answer, why, body, len);
}

static int op_offer(struct mbuf **offer, void *arg)
{
	struct call *c = arg;

	return offer_make(c->offer, offer);
}

static int op_answered(const char **why, const void *body, size_t len, void *arg)
{
	struct call *c = arg;

	return offer_accept(c->offer, why, body, len);
}

static void hold_follow(struct call *c)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	bool held = offer_peer_holds(c->offer);
	const struct command hold = { .verb = VERB_HOLD, .member = c->member, .on = held };

	if (held == c->held || !c->member)
		return;

	c->held = held;
	(void)control_run(c->focus->control, &system, &hold, NULL);
}

/* Not from inside an exchange: in the next turn of the loop, or when the call is answered. */
static void again_handler(void *arg)
{
	struct call *c = arg;

	if (c->ending || !c->session || !session_established(c->session))
		return;
	if (session_modify(c->session))
		log_debug("call.offer", "call=%s what=\"not again\"", session_callid(c->session));
}

static void offer_again(void *arg)
{
	struct call *c = arg;

	if (!c->ending)
		tmr_start(&c->tmr_again, 0, again_handler, c);
}

static void op_commit(void *arg)
{
	struct call *c = arg;
	struct leg_desc desc;
	int err;

	offer_commit(c->offer);

	if (offer_leg(c->offer, false, &desc))
		leg_desc_clear(&desc);                    /* no sound stream left */

	desc.source = c->session ? *session_peer(c->session) : c->peer;

	err = callkeys_follow(c->srtp, c->offer, &desc);
	if (err)
		log_warning("call.media", "call=%s err=%d", session_callid(c->session), err);

	callgest_follow(c->gest, c->offer, &desc.source);
	memset(&c->keys, 0, sizeof(c->keys));     /* there may be another way for them now */
	hold_follow(c);
	if (offer_wants_again(c->offer))
		offer_again(c);
}

static void op_rollback(void *arg)
{
	struct call *c = arg;

	offer_rollback(c->offer);
}

/* --- the member --- */

static void face_bye(void *arg, const char *why)
{
	struct call *c = arg;

	c->member = 0;                                    /* control has already taken it out of the room */
	call_end(c, why);
}

static void key(struct call *c, char key, enum keys_way way)
{
	const struct leg_event ev = { .type = LEG_EVENT_DTMF, .key = key };

	if (!keys_take(&c->keys, key, way, tmr_jiffies()))
		return;

	if (c->member)
		control_leg_event(c->focus->control, c->member, &ev);
	else if (c->lobby)
		lobby_key(c->lobby, key);
}

static void leg_handler(const struct leg_event *ev, void *arg)
{
	struct call *c = arg;
	char addr[64];

	if (c->ending)
		return;

	switch (ev->type) {

	case LEG_EVENT_RTP_TIMEOUT:                       /* of a member: control's to judge, it may be on hold */
		if (c->member)
			control_leg_event(c->focus->control, c->member, ev);
		else
			call_end(c, "rtp-timeout");
		return;

	case LEG_EVENT_LATCHED:
		(void)re_snprintf(addr, sizeof(addr), "%J", &ev->addr);
		log_debug("call.latched", "call=%s addr=%s", session_callid(c->session), addr);
		return;

	case LEG_EVENT_DTMF:
		key(c, ev->key, ev->on ? KEYS_SOUND : KEYS_RTP);
		return;

	case LEG_EVENT_DTLS:
		callkeys_take(c->srtp);
		return;

	case LEG_EVENT_SAID:
		if (!c->member && c->lobby)
			lobby_said(c->lobby);
		return;

	default:
		if (c->member)
			control_leg_event(c->focus->control, c->member, ev);
		return;
	}
}

static int join(struct call *c, const char *pin)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	struct command cmd = { .verb = VERB_JOIN, .room = c->room, .role = c->role, .face = &c->face, .on = c->music };
	struct result res = { 0 };
	int err;

	cmd.uri  = session_remote_uri(c->session);
	cmd.name = session_remote_name(c->session);
	cmd.text = pin;

	c->face = (struct face){ .leg = c->leg, .bye = face_bye, .arg = c, .call_id = session_callid(c->session),
				 .transport = sip_transp_name(session_transp(c->session)), .dialed_out = c->outgoing,
				 .answered = c->lobby, .can_ask = c->lobby && !c->name_asked,
				 .said_name = c->said_name };

	err = control_run(c->focus->control, &system, &cmd, &res);
	if (!err) {
		c->member = res.member;
		callgest_joined(c->gest, c->member);
		cdr_joined(c->cdr, c->member);
	}

	return err;
}

static int enter_echo(struct call *c)
{
	const struct bus_conf conf = { .music = c->music };
	int err = bus_alloc(&c->echo_bus, c->focus->mixer, &conf);

	if (!err)
		err = leg_set_bus(c->leg, c->echo_bus);

	return err ? err : leg_set_echo(c->leg, true);
}

static int enter(struct call *c)
{
	return c->echo ? enter_echo(c) : join(c, NULL);
}

/* --- the lobby --- */

struct leg *call_leg(const struct call *c)
{
	return c->leg;
}

bool call_find_room(char *room, size_t size, const struct call *c, const char *digits)
{
	return focus_room_typed(c->focus, room, size, digits, &c->who);
}

bool call_needs_pin(const struct call *c, const char *room)
{
	/* From is only a claim: from outside it opens no seat that was kept for somebody. */
	const char *uri = c->who.local || c->who.account[0] || c->who.trunk ? session_remote_uri(c->session) : NULL;

	return c->role != ROLE_HOST && control_needs_pin(c->focus->control, room, uri);
}

static bool asks_name(const struct call *c, const char *room)
{
	return control_asks_name(c->focus->control, room, session_remote_uri(c->session));
}

void call_named(struct call *c, struct sound *name)
{
	c->name_asked = true;
	mem_deref(c->said_name);
	c->said_name = mem_ref(name);
}

int call_enter(struct call *c, const char *room, const char *pin)
{
	int err;

	str_ncpy(c->room, room, sizeof(c->room));
	err = join(c, pin);
	if (err)
		return err;

	hold_follow(c);
	log_info("call.entered", "call=%s room=%s member=%u", session_callid(c->session), c->room, c->member);

	return 0;
}

void call_security(const struct call *c, const char *action)
{
	const struct sa *peer = session_peer(c->session);
	char user[64] = "", ip[64];
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, session_remote_uri(c->session));
	if (!uri_decode(&uri, &pl))
		pl_strcpy(&uri.user, user, sizeof(user));

	(void)re_snprintf(ip, sizeof(ip), "%j", peer);
	log_security(action, "INVITE", user, ip, sa_port(peer), sip_transp_name(session_transp(c->session)));
}

/* --- the dialog --- */

static void op_progress(const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;
	char reason[64];

	pl_strcpy(&msg->reason, reason, sizeof(reason));
	progress(c, msg->scode, reason, false);
}

static void op_established(const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;
	char uri[160];
	int err;

	(void)msg;

	if (c->ending)
		return;

	wheel_cancel(&c->tmr_dial);
	c->answered = true;
	cdr_final(c->cdr, 200);

	if (c->outgoing) {
		err = enter(c);
		if (err) {
			call_end(c, "room refused");
			return;
		}
		progress(c, 200, "OK", true);
		hold_follow(c);
	}

	log_info("call.established", "call=%s room=%s member=%u peer=%s", session_callid(c->session),
		 c->echo ? "echo" : c->room[0] ? c->room : "lobby", c->member,
		 log_quote(uri, sizeof(uri), session_remote_uri(c->session), str_len(session_remote_uri(c->session))));
}

static void op_closed(int err, uint16_t scode, const char *reason, const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	(void)msg;

	if (!c->answered && c->outgoing)
		progress(c, scode ? scode : 408, reason ? reason : "Request Timeout", true);

	call_drop(c, reason && reason[0] ? reason : err ? "error" : "bye");
}

/* INFO with a key (the de facto application/dtmf-relay and application/dtmf). RFC 6086 4.2.2: a body we do not know is 415. */
static bool info_key(char *key, const struct sip_msg *msg)
{
	struct pl body = { (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) }, sig = PL_INIT;

	if (msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay")) {
		if (re_regex(body.p, body.l, "[Ss]1ignal[ ]*=[ ]*[0-9*#A-Da-d]1", NULL, NULL, NULL, &sig))
			return false;
	}
	else if (msg_ctype_cmp(&msg->ctyp, "application", "dtmf")) {
		if (re_regex(body.p, body.l, "[0-9*#A-Da-d]1", &sig))
			return false;
	}
	else {
		return false;
	}

	*key = (char)toupper((unsigned char)sig.p[0]);
	return true;
}

static void info(struct call *c, const struct sip_msg *msg)
{
	const struct sips *sips = c->focus->sips;
	char pressed;

	if (!mbuf_get_left(msg->mb)) {
		(void)sips_replyf(sips, msg, 200, "OK", NULL);
		return;
	}

	if (!info_key(&pressed, msg)) {
		(void)sips_replyf(sips, msg, 415, "Unsupported Media Type", "Accept: application/dtmf-relay, application/dtmf\r\n");
		return;
	}

	(void)sips_replyf(sips, msg, 200, "OK", NULL);
	key(c, pressed, KEYS_INFO);
}

static bool op_request(struct session *s, const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	(void)s;

	if (!pl_strcmp(&msg->met, "INFO"))
		info(c, msg);
	else if (!pl_strcmp(&msg->met, "REFER"))
		refer_in_dialog(c->focus, c, msg);
	else if (!pl_strcmp(&msg->met, "SUBSCRIBE"))
		notify_in_dialog(c->focus->notify, c, msg);
	else
		return false;

	return true;
}

static const struct session_ops ops = {
	.offered = op_offered, .offer = op_offer, .answered = op_answered, .commit = op_commit, .rollback = op_rollback,
	.progress = op_progress, .established = op_established, .request = op_request, .closed = op_closed,
};

/* --- keys by DTLS --- */

static int lobby_open(struct call *c)
{
	c->lobby_due = callkeys_waiting(c->srtp);

	return c->lobby_due ? 0 : lobby_alloc(&c->lobby, c->focus, c, c->room[0] ? c->room : NULL);
}

static void keys_ready(void *arg)
{
	struct call *c = arg;

	if (c->ending)
		return;

	log_debug("call.keys", "call=%s how=dtls", session_callid(c->session));
	if (c->lobby_due && lobby_open(c))
		call_end(c, "answer failed");
}

static void keys_failed(const char *why, void *arg)
{
	struct call *c = arg;
	char text[96];

	if (c->ending)
		return;

	log_warning("call.keys", "call=%s how=dtls why=\"%s\"", session_callid(c->session), why);
	(void)re_snprintf(text, sizeof(text), "no keys by DTLS: %s", why);
	end_because(c, 488, text);
}

static int srtp_make(struct call *c)
{
	const struct callkeys_conf conf = {
		.leg = c->leg, .cert = c->focus->cert, .readyh = keys_ready, .failedh = keys_failed, .arg = c,
	};

	return callkeys_alloc(&c->srtp, &conf);
}

/* --- making one --- */

static int leg_make(struct call *c, const struct sa *local)
{
	const char *music = config_str(c->focus->cfg, "media.jitter-music");
	struct leg_conf conf = {
		.jitter_min_ms  = config_uint(c->focus->cfg, "media.jitter-min"),
		.jitter_max_ms  = config_uint(c->focus->cfg, "media.jitter-max"),
		.jitter_start_ms = config_uint(c->focus->cfg, "media.jitter-start"),
		.jitter_music_ms = MUSIC_START_MS,
		.jitter_music_fit = 0 == strcmp(music, "auto"),
		.agc            = config_bool(c->focus->cfg, "media.agc"),
		.noise_gate     = config_bool(c->focus->cfg, "media.noise-gate"),
		.red_asked      = !config_bool(c->focus->cfg, "media.red"),
		.rtp_timeout_ms = config_uint(c->focus->cfg, "media.rtp-timeout") * 1000,
		.eventh = leg_handler, .arg = c,
	};
	const char *address = config_str(c->focus->cfg, "media.address");
	struct pl pl;

	pl_set_str(&pl, music);
	if (!conf.jitter_music_fit)
		conf.jitter_music_ms = pl_u32(&pl);
	conf.local = *local;
	if (address[0] && sa_set_str(&conf.local, address, 0))
		return EINVAL;

	sa_set_port(&conf.local, 0);
	(void)re_snprintf(conf.cname, sizeof(conf.cname), "%016llx@tutti", rand_u64());

	return leg_alloc(&c->leg, c->focus->mixer, &conf);
}

static enum offer_srtp srtp_policy(const struct config *cfg)
{
	const char *s = config_str(cfg, "media.srtp");

	return !strcmp(s, "required") ? OFFER_SRTP_REQUIRED : !strcmp(s, "off") ? OFFER_SRTP_OFF : OFFER_SRTP_OPTIONAL;
}

static int offer_engine(struct call *c)
{
	struct offer_conf conf = {
		.codecs       = config_str(c->focus->cfg, "media.codecs"),
		.music        = c->room[0] && (c->music || control_room_is_music(c->focus->control, c->room)),
		.srtp         = srtp_policy(c->focus->cfg),
		.ptime_us     = config_uint(c->focus->cfg, "media.ptime") * 1000,
		.comfort_noise = config_bool(c->focus->cfg, "media.comfort-noise"),
		.red          = config_bool(c->focus->cfg, "media.red"),
		.session_name = c->echo ? "echo" : c->room[0] ? c->room : "lobby",
		.levels       = config_bool(c->focus->cfg, "media.levels"),
		.keying       = strcmp(config_str(c->focus->cfg, "media.srtp-keys"), "dtls") ? OFFER_KEYING_SDES : OFFER_KEYING_DTLS,
		.dtls_fingerprint = c->focus->cert ? dtlscert_fingerprint(c->focus->cert) : NULL,
		.source       = c->peer,
	};
	const struct sa *local = leg_local(c->leg);
	int err;

	conf.answer_stereo = conf.music || c->echo;
	conf.red = conf.red || conf.music;        /* a musician may ask for it */
	callgest_offer_conf(&conf.gest, c->gest);

	err = sips_public(c->focus->sips, &conf.media, SIP_TRANSP_NONE, local, &c->peer);
	if (err)
		return err;

	sa_set_port(&conf.media, sa_port(local));

	return offer_alloc(&c->offer, &conf);
}

static int gest_make(struct call *c, const char *identity)
{
	const struct callgest_conf conf = {
		.identity = identity, .room = c->room, .local = *leg_local(c->leg), .cert = c->focus->cert,
		.renamed = offer_again, .arg = c,
	};

	/* Its own sound comes back from the echo; there is nobody to play to. */
	return callgest_alloc(&c->gest, c->echo ? NULL : c->focus->gests, &conf);
}

struct call_to { const struct sa *local, *peer; const char *room, *uri; bool echo, music; };

static int call_alloc(struct call **cp, struct focus *f, const struct call_to *to)
{
	struct call *c = mem_zalloc(sizeof(*c), destructor);
	int err;

	if (!c)
		return ENOMEM;

	c->focus = f;
	c->peer  = *to->peer;
	c->echo  = to->echo;
	c->music = to->music;
	str_ncpy(c->room, to->room, sizeof(c->room));
	list_append(&f->calls, &c->le, c);

	err = leg_make(c, to->local);
	if (!err)
		err = srtp_make(c);
	if (!err)
		err = gest_make(c, to->uri);
	if (!err)
		err = offer_engine(c);

	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

static void refuse_busy(struct focus *f, const struct sip_msg *msg, int err)
{
	log_warning("call.refused", "err=%d what=no-resources", err);
	(void)sips_replyf(f->sips, msg, 503, "Service Unavailable", "Retry-After: 10\r\n");
}

/* What the room said no with, in SIP's words. */
static void reject_errno(struct session *s, int err)
{
	const char *reason = NULL;
	uint16_t scode = sip_errno_to_status(err, &reason);

	(void)session_reject(s, scode, reason);
}

static int answer(struct call *c)
{
	if (!strcmp(config_str(c->focus->cfg, "sip.early"), "ring")) {
		int err = session_ring(c->session, 180, "Ringing", true);
		if (err)
			return err;
	}

	return session_answer(c->session);
}

/* Would it open a room, and does its description want music? One that is there stays what it is. */
static bool opens_for_music(const struct focus *f, const struct sip_msg *msg, const struct call_target *t)
{
	struct pl body;

	return t->room[0] && !t->echo && !control_room_for(f->control, t->room) && session_body(&body, msg) &&
		offer_is_music(body.p, body.l);
}

void call_incoming(struct focus *f, const struct sip_msg *msg, const struct call_target *t)
{
	struct session_in in = { .contact_user = t->echo ? "echo" : t->lobby ? "lobby" : t->room, .isfocus = !t->echo && !t->lobby };
	char uri[256] = "";
	struct call_to to = { .local = &msg->dst, .peer = &msg->src, .room = t->room, .uri = uri, .echo = t->echo };
	struct call *c = NULL;
	bool asked;
	int err;

	(void)pl_strcpy(&msg->from.auri, uri, sizeof(uri));
	to.music = opens_for_music(f, msg, t);
	err = call_alloc(&c, f, &to);
	if (err) {
		refuse_busy(f, msg, err);
		return;
	}

	c->role = t->who.role;
	c->who  = t->who;

	err = session_accept_invite(&c->session, f->sessions, msg, &in, &ops, c);
	if (err) {                                        /* the session layer has answered the INVITE */
		mem_deref(c);
		return;
	}

	(void)callrec_incoming(&c->cdr, f, msg, c->session, t->room);

	asked = t->lobby || (!t->echo && (call_needs_pin(c, t->room) || asks_name(c, t->room)));
	err = asked ? 0 : enter(c);
	if (err) {
		reject_errno(c->session, err);
		return;
	}

	if (t->replaces)
		call_end(t->replaces, "replaced");

	err = answer(c);
	if (!err && asked)
		err = lobby_open(c);

	if (err)
		call_end(c, "answer failed");
	else
		cdr_final(c->cdr, 200);
}

static void dial_timeout(void *arg)
{
	struct call *c = arg;

	progress(c, 408, "Request Timeout", true);
	call_end(c, "no answer");
}

/* The trunk's credentials. auth_answer gives them only to a challenge of the trunk's realm, and the session layer asks
 * only for challenges of the peer that answered the INVITE. */
static int dial_auth(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri, void *arg)
{
	struct call *c = arg;
	struct auth_cred cred = { .any_realm = false };

	if (!focus_trunk_cred(c->focus, &cred, session_remote_uri(c->session)))
		return EPERM;

	return auth_answer(buf, size, challenge, method, uri, &cred, &c->auth_nc);
}

/* The address our sound will come from. A host name is looked up only when the INVITE goes out; until then the way is
 * that of the first address that is not loopback. */
static int dial_addresses(struct sa *local, struct sa *peer, const struct sips *sips, const char *uri)
{
	struct sip *sip = NULL;
	struct uri parsed;
	struct pl pl;
	int err;

	pl_set_str(&pl, uri);
	if (uri_decode(&parsed, &pl))
		return EINVAL;

	if (sa_set(peer, &parsed.host, parsed.port ? parsed.port : SIP_PORT))
		sa_init(peer, AF_UNSPEC);

	err = sips_towards(sips, &sip, SIP_TRANSP_NONE, peer);
	if (err)
		return err;

	for (enum sip_transp tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TLS; tp++)
		if (!sip_transp_laddr(sip, local, tp, NULL))
			return 0;

	return EPROTONOSUPPORT;
}

int call_dial(struct call **cp, struct focus *f, const struct call_dial *d)
{
	struct session_out out = { .uri = d->uri, .contact_user = d->room, .isfocus = true };
	char from[160], extra[320];
	struct sa local, peer;
	const struct call_to to = { .local = &local, .peer = &peer, .room = d->room, .uri = d->uri };
	struct call *c;
	int err;

	if (f->draining)
		return ESHUTDOWN;

	if (!access_may_dial(f->access, d->uri))
		return EPERM;

	err = dial_addresses(&local, &peer, f->sips, d->uri);
	if (err)
		return err;

	err = call_alloc(&c, f, &to);
	if (err)
		return err;

	c->outgoing     = true;
	c->role         = ROLE_SPEAKER;

	(void)re_snprintf(from, sizeof(from), "sip:%s@%j", d->room, &local);
	out.from_uri = config_str(f->cfg, "dial.from")[0] ? config_str(f->cfg, "dial.from") : from;
	out.authh    = dial_auth;
	out.auth_arg = c;

	if (d->referred_by && re_snprintf(extra, sizeof(extra), "Referred-By: %s\r\n", d->referred_by) > 0)
		out.extra = extra;

	err = session_invite(&c->session, f->sessions, &out, &ops, c);
	if (err) {
		mem_deref(c);
		return err;
	}

	(void)callrec_outgoing(&c->cdr, f, c->session, out.from_uri, d);
	c->progressh    = d->progressh;
	c->progress_arg = d->arg;
	wheel_start(&c->tmr_dial, config_uint(f->cfg, "dial.timeout") * 1000, dial_timeout, c);

	if (cp)
		*cp = c;

	return 0;
}

void call_forget_progress(struct call *c)
{
	if (c)
		c->progressh = NULL;
}

struct call *call_by_dialog(struct focus *f, const struct session *s)
{
	for (struct le *le = s ? f->calls.head : NULL; le; le = le->next) {
		struct call *c = le->data;

		if (c->session == s && !c->ending)
			return c;
	}

	return NULL;
}

uint32_t call_member(const struct call *c)
{
	return c->member;
}

struct session *call_session(const struct call *c)
{
	return c->session;
}

const char *call_room(const struct call *c)
{
	return c->member ? control_member_room(c->focus->control, c->member) : NULL;
}
