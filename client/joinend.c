/*
 * joinend.c - one call of ours.
 *
 *     session  asks: an offer, an answer, put it in force    >  offer  >  leg, player
 *     session  says: it is over            \
 *     leg      says: nothing is heard       >  over: told in the next turn of the loop, for it may come up from below
 *     pings    say: nobody knows this call /
 *
 * A server that was restarted knows nothing of the call, and says so only when it is asked: so it is asked, by OPTIONS
 * in the dialog.
 */
#include <string.h>
#include <sys/time.h>
#include "joinend_priv.h"
#include "reach.h"
#include "server/auth.h"

enum {
	PATIENCE_MS = 4000,               /* for any answer at all, */
	RINGS_MS = 60000,                 /* and for the last one */
	PING_MS = 2000, FAREWELL_MS = 1000,
};

void joinend_tell(struct joinend *e, enum joinend_what what)
{
	const struct joinend_news n = {.what = what,
				       .final = e->final,
				       .wait_ms = e->wait_ms,
				       .scode = e->scode,
				       .why = e->why,
				       .deaf = e->session && session_outgoing(e->session) && !session_heard(e->session),
				       .moved = e->moved[0] ? e->moved : NULL};

	if (e->conf.h)
		e->conf.h(&n, e->conf.arg);
}

void joinend_tell_up(struct joinend *e)
{
	if (!e->up || e->over || e->told_up || callkeys_waiting(e->srtp))
		return;
	e->told_up = true;
	joinend_tell(e, JOINEND_UP);
}

static void over_handler(void *arg)
{
	joinend_tell(arg, JOINEND_OVER);                  /* the owner lets go of it */
}

/* Words of the other side may end on a terminal. */
static void words_copy(char *buf, size_t size, const char *words)
{
	size_t n = 0;

	for (; *words && n < size - 1; words++)
		buf[n++] = *words >= ' ' && *words < 0x7f ? *words : '?';
	buf[n] = '\0';
}

static void over(struct joinend *e, bool final, const char *why)
{
	if (e->over)
		return;
	e->over  = true;
	e->final = final;
	words_copy(e->why, sizeof(e->why), why);
	tmr_cancel(&e->tmr_ping);
	tmr_cancel(&e->tmr_patience);
	tmr_start(&e->tmr_over, 0, over_handler, e);
}

void joinend_lost(struct joinend *e, const char *why)
{
	if (!e || e->over)
		return;
	if (e->session)
		session_hangup(e->session, NULL);
	over(e, false, why);
}

static void destructor(void *arg)
{
	struct joinend *e = arg;

	tmr_cancel(&e->tmr_ping);
	tmr_cancel(&e->tmr_patience);
	tmr_cancel(&e->tmr_over);
	if (e->ping)
		e->ping->e = NULL;
	mem_deref(e->session);
	joinend_media_close(e);
}

/* --- is anybody there? --- */

static void ping_send(void *arg);

static void ping_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct ping *p = arg;
	struct joinend *e = p->e;

	if (msg && !err && msg->scode < 200)
		return;
	if (e) {
		e->ping = NULL;
		if (msg && !err && msg->scode == 481)
			joinend_lost(e, "the server was restarted");
		else if (err && err != ECONNABORTED)
			joinend_lost(e, "no connection");
		else if (!e->over)
			tmr_start(&e->tmr_ping, PING_MS, ping_send, e);
	}
	mem_deref(p);
}

static void ping_send(void *arg)
{
	struct joinend *e = arg;
	struct ping *p = mem_zalloc(sizeof(*p), NULL);

	if (!p || session_request(e->session, "OPTIONS", ping_answered, p, NULL)) {
		mem_deref(p);
		tmr_start(&e->tmr_ping, PING_MS, ping_send, e);
		return;
	}
	p->e = e;
	e->ping = p;
}

static void patience_over(void *arg)
{
	struct joinend *e = arg;

	if (session_heard(e->session) && !e->rings) {
		e->rings = true;
		tmr_start(&e->tmr_patience, RINGS_MS - PATIENCE_MS, patience_over, e);
		return;
	}
	joinend_lost(e, "no answer");
}

/* --- the dialog --- */

static void op_progress(const struct sip_msg *msg, void *arg)
{
	struct joinend *e = arg;

	if (!e->over && msg->scode >= 180)
		joinend_tell(e, JOINEND_RINGING);
}

static bool is_focus(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = msg ? sip_msg_hdr(msg, SIP_HDR_CONTACT) : NULL;
	struct sip_addr addr;

	return hdr && !sip_addr_decode(&addr, &hdr->val) && sip_param(&addr.params, "isfocus", NULL);
}

static uint64_t unix_ms(void)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	return (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
}

static void op_established(const struct sip_msg *msg, void *arg)
{
	struct joinend *e = arg;

	if (e->over)
		return;
	tmr_cancel(&e->tmr_patience);
	if (session_outgoing(e->session))
		e->focus = is_focus(msg);
	e->up    = true;
	e->up_ms = unix_ms();
	tmr_start(&e->tmr_ping, PING_MS, ping_send, e);
	joinend_tell_up(e);
}

static bool bye_final(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = msg ? sip_msg_xhdr(msg, "Reason") : NULL;

	return reach_bye_is_final(hdr ? &hdr->val : NULL);
}

/* What is between the quotes of text="...", for people. */
static void bye_words(char *buf, size_t size, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = msg ? sip_msg_xhdr(msg, "Reason") : NULL;
	struct pl text = PL_INIT;

	buf[0] = '\0';
	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "text=\"[^\"]*\"", &text))
		return;
	text.l = MIN(text.l, size - 1);
	(void)pl_strcpy(&text, buf, size);
}

static void closed_bye(struct joinend *e, const struct sip_msg *msg)
{
	char words[100];

	bye_words(words, sizeof(words), msg);
	e->wait_ms = FAREWELL_MS;         /* who ends takes a moment */
	over(e, bye_final(msg), words);
}

static void op_closed(int err, uint16_t scode, const char *reason, const struct sip_msg *msg, void *arg)
{
	const char *tls = sips_tls_problem(((struct joinend *)arg)->conf.sips);
	struct joinend *e = arg;
	char words[120];

	e->scode = msg && !msg->req ? scode : 0;
	if (msg && msg->req && e->up) {
		closed_bye(e, msg);
		return;
	}
	if (err && tls && !e->up) {
		(void)re_snprintf(words, sizeof(words), "its certificate is not good: %s", tls);
		e->scode = 503;                   /* for scripts: it is not our password */
		over(e, true, words);
		return;
	}
	(void)re_snprintf(words, sizeof(words), e->scode ? "%s (%u)" : "%s",
			  reason && reason[0] ? reason : "no connection", e->scode);
	over(e, e->scode && !e->up && reach_is_final(e->scode), words);
}

static int refer_target(char *buf, size_t size, const struct joinend *e, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	struct sip_addr addr;
	struct reach now, to;
	char text[REACH_MAX];

	if (!hdr || sip_addr_decode(&addr, &hdr->val) || pl_strcpy(&addr.auri, text, sizeof(text)))
		return EBADMSG;
	if (reach_read(&to, text) || reach_read(&now, e->uri))
		return EPERM;
	/* Elsewhere our credentials and our sound are nobody's to send to. */
	if (str_casecmp(to.host, now.host) || to.secure != now.secure || !to.user[0])
		return EPERM;
	str_ncpy(buf, to.uri, size);
	return 0;
}

/* To another room of the same server. RFC 3515 2.4.4 wants a NOTIFY at once; the dialog ends, and the subscription with
 * it. */
static void refer(struct joinend *e, const struct sip_msg *msg)
{
	int err = refer_target(e->moved, sizeof(e->moved), e, msg);

	if (err) {
		e->moved[0] = '\0';
		(void)sips_replyf(e->conf.sips, msg, err == EBADMSG ? 400 : 603,
				  err == EBADMSG ? "Bad Refer-To" : "Decline", NULL);
		return;
	}
	(void)sips_replyf(e->conf.sips, msg, 202, "Accepted", NULL);
	(void)session_request(
		e->session, "NOTIFY", NULL, NULL,
		"Event: refer;id=%u\r\nSubscription-State: terminated;reason=noresource\r\n"
		"Content-Type: message/sipfrag;version=2.0\r\nContent-Length: 20\r\n\r\nSIP/2.0 100 Trying\r\n",
		msg->cseq.num);
	joinend_lost(e, "called to another room");
}

static bool op_request(struct session *s, const struct sip_msg *msg, void *arg)
{
	struct joinend *e = arg;

	(void)s;
	if (!pl_strcmp(&msg->met, "INFO"))                /* keys pressed over there: nobody has asked for any */
		(void)sips_replyf(e->conf.sips, msg, 200, "OK", NULL);
	else if (!pl_strcmp(&msg->met, "REFER") && e->up && !e->over && session_outgoing(e->session))
		refer(e, msg);
	else if (!pl_strcmp(&msg->met, "REFER"))
		(void)sips_replyf(e->conf.sips, msg, 603, "Decline", NULL);
	else
		return false;
	return true;
}

static const struct session_ops ops = {
	.offered = joinend_offered, .offer = joinend_offer, .answered = joinend_answered, .commit = joinend_commit,
	.rollback = joinend_rollback,
	.progress = op_progress, .established = op_established, .request = op_request, .closed = op_closed,
};

/* dialog.c asks only for challenges of whoever answered the INVITE; the account is of that server, whatever it calls
 * its realm. */
static int auth_handler(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri,
			void *arg)
{
	struct joinend *e = arg;
	const struct auth_cred cred = {
		.any_realm = true, .user = e->conf.call->user, .password = e->conf.call->password};

	return auth_answer(buf, size, challenge, method, uri, &cred, &e->auth_nc);
}

/* --- making one --- */

static int alloc(struct joinend **ep, const struct joinend_conf *conf, const char *uri, bool called)
{
	struct joinend *e = mem_zalloc(sizeof(*e), destructor);
	int err;

	if (!e)
		return ENOMEM;
	e->conf   = *conf;
	e->called = called;
	e->local  = conf->local;
	sa_set_port(&e->local, 0);
	str_ncpy(e->user, conf->user ? conf->user : "", sizeof(e->user));
	str_ncpy(e->uri, uri, sizeof(e->uri));
	str_ncpy(e->peer, conf->peer ? conf->peer : "", sizeof(e->peer));
	err = joinend_media_open(e);
	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err;
}

int joinend_call(struct joinend **ep, const struct joinend_conf *conf, const struct session_out *out)
{
	struct session_out o = *out;
	struct joinend *e = NULL;
	int err = alloc(&e, conf, out->uri, false);

	if (err)
		return err;
	o.contact_user = e->user;
	if (conf->call->user && conf->call->password) {
		o.authh    = auth_handler;
		o.auth_arg = e;
	}
	err = session_invite(&e->session, conf->sessions, &o, &ops, e);
	if (err) {
		mem_deref(e);
		return err;
	}
	tmr_start(&e->tmr_patience, PATIENCE_MS, patience_over, e);
	*ep = e;
	return 0;
}

int joinend_answer(struct joinend **ep, const struct joinend_conf *conf, const struct sip_msg *msg)
{
	const struct session_in in = {.contact_user = conf->user};
	struct joinend *e = NULL;
	char uri[256] = "";
	int err;

	(void)pl_strcpy(&msg->from.auri, uri, sizeof(uri));
	err = alloc(&e, conf, uri, true);
	if (err) {
		(void)sips_replyf(conf->sips, msg, 503, "Service Unavailable", "Retry-After: 5\r\n");
		return err;
	}
	err = session_accept_invite(&e->session, conf->sessions, msg, &in, &ops, e);
	if (err) {                                        /* the session layer has answered */
		mem_deref(e);
		return err;
	}
	e->focus = is_focus(msg);
	err = session_answer(e->session);
	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err;
}

/* --- asked of one --- */

struct leg *joinend_leg(const struct joinend *e)         { return e && !e->over ? e->leg : NULL; }
struct player *joinend_player(const struct joinend *e)   { return e && !e->over && e->line_set ? e->player : NULL; }

void joinend_info(const struct joinend *e, struct joincall_info *i)
{
	struct leg_desc d;

	str_ncpy(i->peer, e->uri, sizeof(i->peer));
	str_ncpy(i->transport, sip_transp_name(session_transp(e->session)), sizeof(i->transport));
	i->gestures = player_has_line(e->player, GESTLINE_OSC);
	i->focus    = e->focus;
	i->up_ms    = e->up_ms;
	if (offer_leg(e->offer, false, &d) || !d.tx.codec)
		return;
	str_ncpy(i->codec, d.tx.codec->name, sizeof(i->codec));
	i->ptime_us = d.tx.param.ptime_us;
	i->channels = d.tx.param.channels;
	i->srtp     = callkeys_how(e->srtp) != LEG_KEYS_NONE;
	str_ncpy(i->keys, leg_keys_name(callkeys_how(e->srtp)), sizeof(i->keys));
	i->red      = d.red_tx_gen > 0 || d.n_red_rx > 0;
}
