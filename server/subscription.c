/*
 * subscription.c - a room that is watched, and one that watches it.
 *
 *     event ─ watch is stale ─ (0 ms) ─ each subscription: one on its way? too soon? ─ compare the roster ─ NOTIFY
 *                                              answered, or time has come ─┘
 *
 * At most one NOTIFY of a subscription is on its way: what happens meanwhile is in the next one. Changes are told no more often
 * than sip.notify-interval; the first after a quiet time at once, what a SUBSCRIBE asked for and an end always at once. What does
 * not fit into a message follows with the answer to it.
 */
#include <string.h>
#include "confinfo.h"
#include "subscription.h"
#include "control/event.h"
#include "control/log.h"

enum {
	DATAGRAM_MAX = 1300,              /* RFC 3261 18.1.1 */
	DATAGRAM_MIN = 600,               /* of a document, however long the headers are */
	STREAM_MAX   = 60000,
	HEADERS      = 440,               /* what does not come from the dialog: Via, Contact and the names of the others */
	REST_MAX_S   = 120, LAST_S = 32,
};

/* --- the room --- */

static void watch_destructor(void *arg)
{
	struct watch *w = arg;

	tmr_cancel(&w->tmr);
	list_unlink(&w->le);
	mem_deref(w->lsnr);
	mem_deref(w->roster);
}

/* What every subscriber has been told of need not be kept. */
static void prune(struct watch *w)
{
	uint64_t known = UINT64_MAX;
	struct le *le;

	LIST_FOREACH(&w->subscriptions, le) {
		const struct subscription *s = le->data;

		if (known > s->known)
			known = s->known;
	}

	roster_prune(w->roster, known);
}

static void watch_compare(struct watch *w)
{
	struct snapshot *snap = NULL;
	int err;

	if (!w->stale || w->over)
		return;

	w->stale = false;
	err = snapshot_take(&snap, w->notify->focus->control, w->room);
	if (!err) {
		prune(w);
		err = roster_follow(w->roster, snap);
	}
	if (err) {
		log_warning("notify.roster", "room=%s err=%d", w->room, err);
		w->stale = true;
	}

	mem_deref(snap);
}

/* RFC 6665 4.1.3: "noresource: The subscription has been terminated because the resource state that was being monitored no longer
 * exists." A member that was led to another room subscribes again, for its dialog now stands for that one. */
static const char *ended_by(const struct watch *w, const struct subscription *s)
{
	const char *room = s->call ? call_room(s->call) : NULL;

	if (w->over)
		return "noresource";
	if (s->call && (!room || str_casecmp(room, w->room)))
		return room ? "deactivated" : "rejected";

	return NULL;
}

static void watch_go(void *arg)
{
	struct watch *w = mem_ref(arg);
	struct le *le = w->subscriptions.head;

	while (le) {
		struct subscription *s = le->data;
		const char *reason = ended_by(w, s);

		le = le->next;
		if (reason)
			subscription_end(s, reason);
		else
			subscription_go(s);
	}

	mem_deref(w);
}

/* The room may not be touched from here (event.h), and much may happen in one go: compared afterwards. */
static void event_handler(const struct event *ev, void *arg)
{
	struct watch *w = arg;

	switch (ev->type) {

	case EVENT_ROOM_ENDED:
		list_unlink(&w->le);                      /* the name is free for another room */
		w->over = true;
		(void)roster_follow(w->roster, NULL);
		break;

	case EVENT_MEMBER_LEFT:
		roster_left(w->roster, ev->member, ev->detail);
		w->stale = true;
		break;

	case EVENT_ROOM_CHANGED:
	case EVENT_MEMBER_JOINED:
	case EVENT_MEMBER_CHANGED:
		w->stale = true;
		break;

	default:                                          /* who talks and what keys are pressed is not in the document */
		return;
	}

	if (!tmr_isrunning(&w->tmr))
		tmr_start(&w->tmr, 0, watch_go, w);
}

static struct watch *watch_find(const struct notify *n, const char *room)
{
	for (struct le *le = n->watches.head; le; le = le->next) {
		struct watch *w = le->data;

		if (!str_casecmp(w->room, room))
			return w;
	}

	return NULL;
}

int watch_get(struct watch **wp, struct notify *n, const char *room)
{
	struct watch *w = watch_find(n, room);
	int err;

	if (w) {
		*wp = mem_ref(w);
		return 0;
	}

	w = mem_zalloc(sizeof(*w), watch_destructor);
	if (!w)
		return ENOMEM;

	w->notify = n;
	w->stale  = true;
	str_ncpy(w->room, room, sizeof(w->room));
	list_append(&n->watches, &w->le, w);

	err = roster_alloc(&w->roster);
	if (!err)
		err = event_listen(&w->lsnr, n->focus->control, room, event_handler, w);

	if (err)
		mem_deref(w);
	else
		*wp = w;

	return err;
}

/* --- the subscriber --- */

static void log_sub(const struct subscription *s, const char *what, const char *why, unsigned detail)
{
	char peer[64], callid[96];

	(void)re_snprintf(peer, sizeof(peer), "%J", &s->dlg->peer);
	log_info(what, "room=%s peer=%s call=%s why=\"%s\" status=%u", s->watch->room, peer,
		 log_quote(callid, sizeof(callid), s->dlg->callid, str_len(s->dlg->callid)), why, detail);
}

static void subscription_destructor(void *arg)
{
	struct subscription *s = arg;

	wheel_cancel(&s->expiry);
	wheel_cancel(&s->pace);
	dreq_forget(s->req);
	list_unlink(&s->le);
	if (s->le_all.list) {
		list_unlink(&s->le_all);
		s->watch->notify->stats.subscriptions--;
	}
	mem_deref(s->dlg);
	mem_deref(s->watch);
}

/* The address to write into the document: RFC 4575 5.1, "the conference URI". */
static int entity_write(struct subscription *s)
{
	const struct focus *f = s->watch->notify->focus;
	const char *domain = config_str(f->cfg, "sip.domain");
	char contact[512];
	struct pl pl;
	int err;

	if (domain[0])
		return re_snprintf(s->entity, sizeof(s->entity), "sip:%s@%b", s->watch->room, domain, strcspn(domain, ", \t\r\n")) < 0 ? ENOSPC : 0;

	err = sips_contact(f->sips, contact, sizeof(contact), s->watch->room, false, s->dlg->tp, &s->dlg->laddr, &s->dlg->peer);
	if (err)
		return err;

	pl.p = contact + 1;
	pl.l = strcspn(pl.p, ">");

	return pl_strcpy(&pl, s->entity, sizeof(s->entity));
}

int subscription_alloc(struct subscription **sp, struct watch *w, struct dialog *dlg, struct call *call)
{
	struct subscription *s = mem_zalloc(sizeof(*s), subscription_destructor);
	int err;

	if (!s)
		return ENOMEM;

	s->watch = mem_ref(w);
	s->dlg   = mem_ref(dlg);
	s->call  = call;
	err = entity_write(s);
	if (err) {
		mem_deref(s);
		return err;
	}

	list_append(&w->subscriptions, &s->le, s);
	list_append(&w->notify->subscriptions, &s->le_all, s);
	w->notify->stats.subscriptions++;
	*sp = s;

	return 0;
}

static void expired(void *arg)
{
	subscription_end(arg, "timeout");
}

void subscription_take(struct subscription *s, const struct subscribe *ask)
{
	if (!s->until_ms)
		log_sub(s, ask->expires_s ? "notify.begun" : "notify.fetched", "subscribe", 200);

	memcpy(s->id, ask->id, sizeof(s->id));
	s->full     = true;               /* RFC 4575 3.3: a refresh gets the full state too */
	s->asked_ms = ask->interval_ms;
	s->until_ms = tmr_jiffies() + (uint64_t)ask->expires_s * 1000;

	if (ask->expires_s) {
		wheel_start(&s->expiry, (uint64_t)ask->expires_s * 1000, expired, s);
	}
	else {
		wheel_cancel(&s->expiry);
		s->ending = "timeout";
	}
}

/* --- a NOTIFY --- */

static uint32_t interval_ms(const struct subscription *s)
{
	uint32_t ours = config_uint(s->watch->notify->focus->cfg, "sip.notify-interval");

	return s->asked_ms > ours ? s->asked_ms : ours;
}

static size_t room_for_document(const struct subscription *s)
{
	const struct dialog *d = s->dlg;
	size_t head = HEADERS + str_len(d->local) + str_len(d->remote) + str_len(d->callid) + str_len(d->user) + str_len(d->target) +
		      str_len(s->id) + str_len(sips_software(s->watch->notify->focus->sips));

	if (dialog_over_stream(d))
		return STREAM_MAX;

	for (size_t i = 0; i < d->n_routes; i++)
		head += str_len(d->routes[i]) + 10;

	/* Longer headers than that leave no choice. */
	return head + DATAGRAM_MIN < DATAGRAM_MAX ? DATAGRAM_MAX - head : DATAGRAM_MIN;
}

/* What is owed, as a document; *last: nothing stays for another one. */
static int document(struct mbuf *mb, bool *last, struct subscription *s)
{
	const struct watch *w = s->watch;
	const struct confinfo c = {
		.entity    = s->entity,
		.name      = w->room,
		.max_users = config_uint(w->notify->focus->cfg, "rooms.max-members"),
		.version   = s->version + 1,
		.full      = s->full,
		.told      = s->full ? 0 : s->told,
		.known     = s->full ? 0 : s->known,
		.max_bytes = room_for_document(s),
	};
	uint64_t told;
	int err;

	err = confinfo_write(mb, &told, &c, w->roster);
	if (err)
		return err;

	*last    = told >= w->roster->seq;
	s->told  = told;
	s->known = *last ? told : c.known;
	s->full  = false;
	s->more  = !*last;
	s->version++;

	return 0;
}

/* RFC 6665 4.1.3. While the rest of an ended subscription is still to come it is active for as long as that may take. */
static int write_state(struct mbuf *mb, const struct subscription *s, bool final)
{
	uint64_t now = tmr_jiffies();
	uint32_t left_s = s->until_ms > now ? (uint32_t)((s->until_ms - now + 999) / 1000) : 0;
	int err;

	if (final)
		return mbuf_printf(mb, "Subscription-State: terminated;reason=%s\r\n", s->ending);

	err = mbuf_printf(mb, "Subscription-State: active;expires=%u", s->ending && left_s < LAST_S ? LAST_S : left_s);
	/* RFC 6446 3.3: "the notifier MUST ... indicate the adopted maximum rate", which may be lower than what was asked for */
	if (s->asked_ms)
		err |= mbuf_printf(mb, ";max-rate=%u.%03u", 1000 / interval_ms(s), 1000000 / interval_ms(s) % 1000);

	return err | mbuf_write_str(mb, "\r\n");
}

static int write_notify(struct mbuf *mb, const struct subscription *s, bool final, const struct mbuf *body)
{
	int err;

	err  = mbuf_printf(mb, "Event: conference%s%s\r\n", s->id[0] ? ";id=" : "", s->id);
	err |= write_state(mb, s, final);
	err |= mbuf_printf(mb, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%b", confinfo_type, body->end, body->buf, body->end);

	return err;
}

static void response(int err, const struct sip_msg *msg, void *arg);

static int notify_send(struct subscription *s, bool *final)
{
	struct mbuf *body = mbuf_alloc(2048), *mb = mbuf_alloc(2560);
	bool last;
	int err = ENOMEM;

	if (!body || !mb)
		goto out;

	err = document(body, &last, s);
	if (err)
		goto out;

	*final = last && s->ending;
	err = write_notify(mb, s, *final, body);
	if (err)
		goto out;

	err = dialog_request(&s->req, s->dlg, "NOTIFY", mb, response, s);
	if (!err)
		s->watch->notify->stats.notifies++;

 out:
	mem_deref(body);
	mem_deref(mb);

	return err;
}

/* Nobody is there to be told. */
static void lost(struct subscription *s, const char *why, unsigned status)
{
	s->watch->notify->stats.failed++;
	log_sub(s, "notify.lost", why, status);
	mem_deref(s);
}

static void rested(void *arg)
{
	struct subscription *s = arg;

	s->resting = false;
	subscription_go(s);
}

/* RFC 6665 4.2.2: a NOTIFY that fails ends the subscription, but one that was refused for now (with Retry-After) may be sent again.
 * What it carried is lost, so a full document goes next. */
static bool may_rest(struct subscription *s, const struct sip_msg *msg)
{
	static const uint16_t for_now[] = { 413, 480, 486, 500, 503, 600, 603 };
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	uint32_t wait_s = hdr ? pl_u32(&hdr->val) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(for_now); i++) {
		if (msg->scode != for_now[i] || !wait_s || wait_s > REST_MAX_S)
			continue;

		s->full = s->resting = true;
		wheel_start(&s->pace, (uint64_t)wait_s * 1000, rested, s);
		return true;
	}

	return false;
}

static void response(int err, const struct sip_msg *msg, void *arg)
{
	struct subscription *s = arg;

	if (!err && msg->scode < 200)
		return;

	if (err) {
		lost(s, "no answer", 408);
	}
	else if (msg->scode < 300) {
		(void)dialog_target(s->dlg, msg);         /* RFC 6665 4.4.1: NOTIFY is a target refresh request */
		subscription_go(s);
	}
	else if (!may_rest(s, msg)) {
		lost(s, "refused", msg->scode);
	}
}

static void send_now(struct subscription *s)
{
	bool final = false;
	int err;

	wheel_cancel(&s->pace);
	s->next_ms = tmr_jiffies() + interval_ms(s);

	err = notify_send(s, &final);
	if (err) {
		lost(s, "cannot be sent", (unsigned)err);
	}
	else if (final) {
		log_sub(s, "notify.ended", s->ending, 200);
		mem_deref(s);
	}
}

static void pace(void *arg)
{
	subscription_go(arg);
}

void subscription_go(struct subscription *s)
{
	uint64_t now = tmr_jiffies();
	bool asked = s->full || s->more || s->ending;

	if (s->req || s->resting)
		return;

	if (!asked && !s->watch->stale && s->told >= s->watch->roster->seq)
		return;

	if (!asked && now < s->next_ms) {
		if (!wheel_running(&s->pace))
			wheel_start(&s->pace, s->next_ms - now, pace, s);
		return;
	}

	watch_compare(s->watch);
	if (asked || s->told < s->watch->roster->seq)
		send_now(s);
}

void subscription_end(struct subscription *s, const char *reason)
{
	if (s->ending)
		return;

	s->ending = reason;
	wheel_cancel(&s->expiry);
	subscription_go(s);
}

void subscription_farewell(struct subscription *s, const char *reason)
{
	bool final;

	dreq_forget(s->req);                              /* s->req will be another's */
	s->ending = reason;
	s->full   = false;
	s->told   = s->known = s->watch->roster->seq;     /* a short one: nobody is left to send the rest */
	(void)notify_send(s, &final);
	log_sub(s, "notify.ended", reason, 200);
	mem_deref(s);
}
