/*
 * refer.c - REFER brings in and sends away (RFC 3515, RFC 4579 section 5).
 *
 *     REFER (in a dialog, Refer-To one of our rooms)      the member moves there            VERB_MOVE
 *     REFER (in a dialog, Refer-To anybody else)          the focus calls that one in       VERB_DIAL
 *     REFER sip:ROOM@host outside a dialog                the focus calls that one in       VERB_DIAL
 *
 * Who may is policy's to say (403). Progress goes back as NOTIFY, body sipfrag, in the dialog the REFER came in or made:
 *
 *     REFER -> 202 -> NOTIFY "100 Trying" (active) -> NOTIFY "180 Ringing" (active) -> NOTIFY "200 OK" (terminated)
 *
 * RFC 3515 2.4.4: "each NOTIFY MUST contain a body of type message/sipfrag"; RFC 4488: Refer-Sub: false means none is wanted.
 */
#include <string.h>
#include "refer.h"
#include "control/log.h"

struct refer {
	struct le le;                     /* in its call's list, when it came in a dialog */
	struct focus *focus;
	struct call *via;                 /* the call it came in; NULL outside a dialog */
	struct call *dialed;
	struct dialog *dlg;               /* outside a call: the one the REFER made */
	char contact_user[ROOM_NAME_MAX + 1];
	uint32_t id;                      /* RFC 3515 2.4.6: Event: refer;id=CSeq of the REFER */
	bool quiet;                       /* Refer-Sub: false */
	bool over;
};

static void destructor(void *arg)
{
	struct refer *r = arg;

	list_unlink(&r->le);
	call_forget_progress(r->dialed);
	mem_deref(r->dlg);
}

/* --- NOTIFY --- */

static int notify_send(struct refer *r, const char *state, const char *frag)
{
	static const char fmt[] =
		"Event: refer;id=%u\r\n"
		"Subscription-State: %s\r\n"
		"Content-Type: message/sipfrag;version=2.0\r\n"
		"Content-Length: %zu\r\n\r\n%s";
	struct mbuf *mb;
	int err;

	if (r->via)
		return session_request(call_session(r->via), "NOTIFY", NULL, NULL, fmt, r->id, state, str_len(frag), frag);

	mb = mbuf_alloc(256);
	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, fmt, r->id, state, str_len(frag), frag);
	mb->pos = 0;
	if (!err)
		err = dialog_request(NULL, r->dlg, "NOTIFY", mb, NULL, NULL);
	mem_deref(mb);

	return err;
}

static void notify(struct refer *r, uint16_t scode, const char *reason, bool final)
{
	char frag[128];
	int err;

	if (r->quiet)
		return;

	(void)re_snprintf(frag, sizeof(frag), "SIP/2.0 %u %s\r\n", scode, reason);

	err = notify_send(r, final ? "terminated;reason=noresource" : "active;expires=60", frag);
	if (err)
		log_debug("refer.notify", "err=%d", err);
}

static void finish(struct refer *r, uint16_t scode, const char *reason)
{
	if (r->over)
		return;

	r->over = true;
	notify(r, scode, reason, true);
	r->dialed = NULL;
	mem_deref(r);
}

static void progress_handler(uint16_t scode, const char *reason, bool final, void *arg)
{
	struct refer *r = arg;

	if (final)
		finish(r, scode, reason);
	else
		notify(r, scode, reason, false);
}

/* --- the request --- */

static int refer_to(char *buf, size_t size, struct uri *uri, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	struct sip_addr addr;

	/* RFC 3515 2.4.1: "A REFER request implicitly ... MUST contain exactly one Refer-To". */
	if (!hdr || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1 || sip_addr_decode(&addr, &hdr->val))
		return EBADMSG;

	*uri = addr.uri;

	return pl_strcpy(&addr.auri, buf, size) ? EOVERFLOW : 0;
}

static bool wants_no_subscription(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, "Refer-Sub");

	return hdr && !pl_strcasecmp(&hdr->val, "false");
}

static int refer_alloc(struct refer **rp, struct focus *f, struct call *via, const struct sip_msg *msg)
{
	struct refer *r = mem_zalloc(sizeof(*r), destructor);

	if (!r)
		return ENOMEM;

	r->focus = f;
	r->via   = via;
	r->id    = msg->cseq.num;
	r->quiet = wants_no_subscription(msg);

	if (via)
		list_append(call_refers(via), &r->le, r);

	*rp = r;

	return 0;
}

static void reply_errno(struct focus *f, const struct sip_msg *msg, int err)
{
	const char *reason = NULL;
	uint16_t scode = sip_errno_to_status(err, &reason);

	(void)sips_replyf(f->sips, msg, scode, reason, NULL);
}

static void accepted(struct refer *r, const struct sip_msg *msg)
{
	char contact[256] = "";

	(void)sips_contact(r->focus->sips, contact, sizeof(contact), r->contact_user, true, msg->tp, &msg->dst, &msg->src);
	(void)sips_replyf(r->focus->sips, msg, 202, "Accepted", "Contact: %s\r\n%s", contact,
			  r->quiet ? "Refer-Sub: false\r\n" : "");
}

/* The dial goes through control_run, where policy judges the actor; the watcher is handed past it in focus->watch. */
static int dial(struct refer *r, const struct actor *actor, const char *room, const char *uri)
{
	const struct command cmd = { .verb = VERB_DIAL, .room = room, .uri = uri };
	struct call_watch watch = { .progressh = progress_handler, .arg = r };
	int err;

	r->focus->watch = &watch;
	err = control_run(r->focus->control, actor, &cmd, NULL);
	r->focus->watch = NULL;
	r->dialed = watch.call;

	return err;
}

static void move(struct refer *r, struct call *c, const struct sip_msg *msg, const char *room)
{
	const struct actor self = { .kind = ACTOR_MEMBER, .member = call_member(c) };
	const struct command cmd = { .verb = VERB_MOVE, .member = call_member(c), .room = room };
	int err;

	err = control_run(r->focus->control, &self, &cmd, NULL);
	if (err) {
		reply_errno(r->focus, msg, err);
		mem_deref(r);
		return;
	}

	accepted(r, msg);
	finish(r, 200, "OK");
}

void refer_in_dialog(struct focus *f, struct call *c, const struct sip_msg *msg)
{
	const struct actor self = { .kind = ACTOR_MEMBER, .member = call_member(c) };
	char target[256], room[ROOM_NAME_MAX + 1];
	struct refer *r = NULL;
	struct uri uri;
	int err;

	err = refer_to(target, sizeof(target), &uri, msg);
	if (err) {
		(void)sips_replyf(f->sips, msg, 400, "Bad Refer-To", NULL);
		return;
	}

	if (!call_member(c)) {                            /* the echo test has no room to bring anybody to */
		(void)sips_replyf(f->sips, msg, 403, "Forbidden", NULL);
		return;
	}

	err = refer_alloc(&r, f, c, msg);
	if (err) {
		reply_errno(f, msg, err);
		return;
	}

	str_ncpy(r->contact_user, call_room(c), sizeof(r->contact_user));

	if (focus_room_of_uri(f, room, sizeof(room), &uri)) {
		move(r, c, msg, room);
		return;
	}

	err = dial(r, &self, r->contact_user, target);
	if (err) {
		reply_errno(f, msg, err);
		mem_deref(r);
		return;
	}

	accepted(r, msg);
	notify(r, 100, "Trying", false);
}

bool refer_outside(const struct sip_msg *msg, void *arg)
{
	struct focus *f = arg;
	struct actor actor = { .kind = ACTOR_ACCOUNT };
	struct access_who who;
	struct refer *r = NULL;
	struct uri uri;
	char target[256];
	int err;

	if (!focus_admit(f, &who, msg))
		return true;

	err = refer_to(target, sizeof(target), &uri, msg);
	if (err) {
		(void)sips_replyf(f->sips, msg, 400, "Bad Refer-To", NULL);
		return true;
	}

	err = refer_alloc(&r, f, NULL, msg);
	if (err)
		goto out;

	if (!focus_room_of_uri(f, r->contact_user, sizeof(r->contact_user), &msg->uri) ||
	    !control_room_exists(f->control, r->contact_user)) {
		err = ENOENT;
		goto out;
	}

	actor.role = who.role;
	actor.name = who.account;

	err = dialog_accept(&r->dlg, f->sips, msg, r->contact_user, true);
	if (err)
		goto out;

	err = dial(r, &actor, r->contact_user, target);
	if (err)
		goto out;

	accepted(r, msg);
	notify(r, 100, "Trying", false);

 out:
	if (err) {
		reply_errno(f, msg, err);
		mem_deref(r);
	}

	return true;
}
