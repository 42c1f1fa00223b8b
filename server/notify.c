/*
 * notify.c - SUBSCRIBE to a room (RFC 4575, 6665).
 *
 *     SUBSCRIBE sip:ROOM@host           who may come in may look in: access policy, a locked door, then 404
 *     SUBSCRIBE in a call's dialog      of the room that member is in; it ends with the membership
 *     SUBSCRIBE in its own dialog       refresh; Expires: 0 ends it
 *
 *     SUBSCRIBE -> 200 (Expires) -> NOTIFY full -> 200 ... NOTIFY partial -> 200 ... NOTIFY terminated
 *
 * A REFER's subscription is refer.c's and cannot be refreshed; every other package is 489.
 */
#include <string.h>
#include "confinfo.h"
#include "notify.h"
#include "subscription.h"
#include "control/log.h"

/* --- answers --- */

static void refuse(struct notify *n, const struct sip_msg *msg, uint16_t scode, const char *reason)
{
	char more[128] = "", peer[64];

	(void)re_snprintf(peer, sizeof(peer), "%J", &msg->src);
	n->stats.refused++;
	log_info("notify.refused", "peer=%s status=%u reason=\"%s\"", peer, scode, reason);

	/* RFC 6665 8.2.2: a 489 MUST have Allow-Events; RFC 3261 10.2.8: a 423 has Min-Expires. */
	if (scode == 489)
		(void)re_snprintf(more, sizeof(more), "Allow-Events: %s\r\n", sip_allow_events);
	else if (scode == 423)
		(void)re_snprintf(more, sizeof(more), "Min-Expires: %u\r\n", SUBSCRIBE_MIN_S);
	else if (scode == 406)
		(void)re_snprintf(more, sizeof(more), "Accept: %s\r\n", confinfo_type);
	else if (scode == 503)
		(void)re_snprintf(more, sizeof(more), "Retry-After: 60\r\n");

	(void)sips_replyf(n->focus->sips, msg, scode, reason, "%s", more);
}

static void refuse_errno(struct notify *n, const struct sip_msg *msg, int err)
{
	const char *reason = NULL;
	uint16_t scode = sip_errno_to_status(err, &reason);

	refuse(n, msg, scode, reason);
}

/* RFC 6665 4.2.1.1: "200 ... MUST contain an Expires header field". */
static void accept_it(struct notify *n, const struct sip_msg *msg, const struct dialog *d, uint32_t expires_s)
{
	struct mbuf *mb = mbuf_alloc(512);
	char contact[512] = "";
	int err;

	if (!mb)
		return;

	err = dialog_contact(d, contact, sizeof(contact), msg->tp, &msg->dst, &msg->src);
	if (!err)
		err = mbuf_printf(mb, "Expires: %u\r\nContact: %s\r\nAllow: %s\r\nSupported: %s\r\nAllow-Events: %s\r\n"
				  "Content-Length: 0\r\n\r\n", expires_s, contact, sip_allow, sip_supported, sip_allow_events);
	if (!err)
		(void)sips_reply(n->focus->sips, NULL, NULL, msg, true, 200, "OK", mb);

	mem_deref(mb);
}

/* --- bounds --- */

static bool same_source(const struct sa *a, const struct sa *b)
{
	if (sa_af(a) == AF_INET6 && sa_af(b) == AF_INET6)
		return !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 8);      /* a /64 is one house */

	return sa_cmp(a, b, SA_ADDR);
}

/* Is there place for one more? A reason for the log where not. */
static const char *full_house(const struct notify *n, const char *room, const struct sa *src)
{
	const struct config *cfg = n->focus->cfg;
	uint32_t in_room = 0, of_source = 0;

	for (const struct le *le = n->subscriptions.head; le; le = le->next) {
		const struct subscription *s = le->data;

		in_room   += !str_casecmp(s->watch->room, room);
		of_source += same_source(&s->dlg->peer, src);
	}

	if (n->stats.subscriptions >= config_uint(cfg, "sip.max-subscriptions"))
		return "Too Many Subscriptions";
	if (in_room >= config_uint(cfg, "sip.max-subscriptions-room"))
		return "Too Many Subscriptions Of This Room";
	if (of_source >= config_uint(cfg, "sip.max-subscriptions-source"))
		return "Too Many Subscriptions From There";

	return NULL;
}

/* --- which one --- */

static struct subscription *find(const struct notify *n, const struct sip_msg *msg, const char *id)
{
	for (const struct le *le = n->subscriptions.head; le; le = le->next) {
		struct subscription *s = le->data;

		if (!strcmp(s->id, id) && !s->ending && dialog_is(s->dlg, &msg->callid, &msg->to.tag, &msg->from.tag))
			return s;
	}

	return NULL;
}

static const struct subscription *find_dialog(const struct notify *n, const struct sip_msg *msg)
{
	for (const struct le *le = n->subscriptions.head; le; le = le->next) {
		const struct subscription *s = le->data;

		if (dialog_is(s->dlg, &msg->callid, &msg->to.tag, &msg->from.tag))
			return s;
	}

	return NULL;
}

/* --- begun and refreshed --- */

/* Answers in any case. A reference to dlg is taken. */
static void begin(struct notify *n, const struct sip_msg *msg, const char *room, struct dialog *dlg, struct call *c,
		  const struct subscribe *ask)
{
	struct subscription *s = NULL;
	struct watch *w = NULL;
	int err;

	err = watch_get(&w, n, room);
	if (!err)
		err = subscription_alloc(&s, w, dlg, c);
	mem_deref(w);

	if (err) {
		refuse_errno(n, msg, err);
		return;
	}

	subscription_take(s, ask);
	accept_it(n, msg, dlg, ask->expires_s);
	subscription_go(s);
}

static void refresh(struct notify *n, const struct sip_msg *msg, struct subscription *s, const struct subscribe *ask)
{
	/* RFC 6665 4.4.1: SUBSCRIBE is a target refresh request. */
	if (dialog_target(s->dlg, msg)) {
		refuse(n, msg, 400, "Bad Contact");
		return;
	}

	subscription_take(s, ask);
	accept_it(n, msg, s->dlg, ask->expires_s);
	subscription_go(s);
}

/* --- inside a call --- */

void notify_in_dialog(struct notify *n, struct call *c, const struct sip_msg *msg)
{
	const char *reason = NULL, *room = call_room(c);
	struct dialog *dlg = session_dialog(call_session(c));
	struct subscription *s;
	struct subscribe ask;
	uint16_t scode;

	scode = subscribe_read(&ask, &reason, msg);
	if (scode) {
		refuse(n, msg, scode, reason);
		return;
	}

	s = find(n, msg, ask.id);
	if (s) {
		refresh(n, msg, s, &ask);
		return;
	}

	/* The echo test has no room, and who stands before the door does not see who is behind it. */
	if (!room || control_member_waiting(n->focus->control, call_member(c)))
		refuse(n, msg, 403, "Forbidden");
	else if (n->focus->draining)
		refuse(n, msg, 503, "Service Unavailable");
	else if ((reason = full_house(n, room, &msg->src)) != NULL)
		refuse(n, msg, 503, reason);
	else if (dialog_target(dlg, msg))
		refuse(n, msg, 400, "Bad Contact");
	else
		begin(n, msg, room, dlg, c, &ask);
}

void notify_call_gone(struct notify *n, const struct call *c)
{
	struct le *le = n ? n->subscriptions.head : NULL;

	while (le) {
		struct subscription *s = le->data;

		le = le->next;
		if (s->call != c)
			continue;

		s->call = NULL;
		/* RFC 5057: the dialog lives on until its last usage ends. "rejected": do not ask again. */
		subscription_end(s, s->watch->over ? "noresource" : "rejected");
	}
}

/* --- outside --- */

static bool is_member(const struct notify *n, const char *room, const struct sip_msg *msg)
{
	struct snapshot *snap = NULL;
	bool found = false;
	char uri[256];

	if (msg->from.auri.l >= sizeof(uri) || pl_strcpy(&msg->from.auri, uri, sizeof(uri)) ||
	    snapshot_take(&snap, n->focus->control, room))
		return false;

	for (size_t i = 0; i < snap->n_members && !found; i++)
		found = !snap->member[i].waiting && !str_casecmp(snap->member[i].uri, uri);
	mem_deref(snap);

	return found;
}

/* A caller would have to say a PIN, or to be let in; who only looks can do neither. */
static bool is_closed(const struct notify *n, const char *room)
{
	struct snapshot *snap = NULL;
	const char *lobby;
	bool closed;

	if (snapshot_take(&snap, n->focus->control, room))
		return false;
	lobby  = snapshot_setting(snap, "lobby");
	closed = snap->locked || snap->has_guest_pin || (lobby && !strcmp(lobby, "on"));
	mem_deref(snap);

	return closed;
}

/* Who may come in may look in: behind a closed door only hosts and those who are there. */
static bool may_look(const struct notify *n, const char *room, const struct sip_msg *msg, const struct access_who *who)
{
	return who->role == ROLE_HOST || !is_closed(n, room) || is_member(n, room, msg);
}

static void begin_outside(struct notify *n, const struct sip_msg *msg, const struct access_who *who, const struct subscribe *ask)
{
	char room[ROOM_NAME_MAX + 1];
	struct dialog *dlg = NULL;
	const char *reason;
	int err;

	if (!focus_room_open(n->focus, room, sizeof(room), &msg->uri)) {
		refuse(n, msg, 404, "Not Found");
		return;
	}

	if (!may_look(n, room, msg, who)) {
		refuse(n, msg, 403, "Forbidden");
		return;
	}

	reason = full_house(n, room, &msg->src);
	if (reason) {
		refuse(n, msg, 503, reason);
		return;
	}

	err = dialog_accept(&dlg, n->focus->sips, msg, room, true);
	if (err) {
		refuse_errno(n, msg, err);
		return;
	}

	begin(n, msg, room, dlg, NULL, ask);
	mem_deref(dlg);
}

/* In a dialog of ours, or in that of a call that has ended. False: of none (481). */
static bool refresh_outside(struct notify *n, const struct sip_msg *msg)
{
	const struct subscription *any = find_dialog(n, msg);
	const char *reason = NULL;
	struct subscription *s;
	struct subscribe ask;
	uint16_t scode;

	if (!any)
		return false;

	if (!dialog_seq(any->dlg, msg)) {
		refuse(n, msg, 500, "CSeq Out Of Order");
		return true;
	}

	scode = subscribe_read(&ask, &reason, msg);
	s = scode ? NULL : find(n, msg, ask.id);

	if (s)
		refresh(n, msg, s, &ask);
	else
		refuse(n, msg, scode ? scode : 481, scode ? reason : "Subscription Does Not Exist");

	return true;
}

static bool subscribe_handler(const struct sip_msg *msg, void *arg)
{
	struct notify *n = arg;
	const char *reason = NULL;
	struct access_who who;
	struct subscribe ask;
	uint16_t scode;

	if (pl_isset(&msg->to.tag))
		return refresh_outside(n, msg);

	scode = n->focus->draining ? 503 : subscribe_read(&ask, &reason, msg);
	if (scode)
		refuse(n, msg, scode, reason ? reason : "Service Unavailable");
	else if (focus_admit(n->focus, &who, msg))        /* which has answered where not */
		begin_outside(n, msg, &who, &ask);

	return true;
}

/* --- life --- */

static void destructor(void *arg)
{
	struct notify *n = arg;

	sips_forget(n->focus->sips, n);
	while (n->subscriptions.head)
		subscription_farewell(n->subscriptions.head->data, "deactivated");
}

int notify_alloc(struct notify **np, struct focus *f)
{
	struct notify *n = mem_zalloc(sizeof(*n), destructor);
	int err;

	if (!n)
		return ENOMEM;

	n->focus = f;
	err = sips_handle(f->sips, "SUBSCRIBE", subscribe_handler, n);
	if (err)
		mem_deref(n);
	else
		*np = n;

	return err;
}

void notify_drain(struct notify *n)
{
	struct le *le = n->subscriptions.head;

	while (le) {
		struct subscription *s = le->data;

		le = le->next;
		subscription_end(s, "deactivated");
	}
}

void notify_stats(const struct notify *n, struct notify_stats *st)
{
	*st = n->stats;
}
