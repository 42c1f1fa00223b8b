/*
 * session_sdp.c - the exchange of the moment, and headers and bodies of our messages.
 *
 * The layer never reads SDP: it knows who offered, where the answer must go, and when an exchange is in force.
 */
#include <string.h>
#include "multipart.h"
#include "session_impl.h"

bool session_body(struct pl *body, const struct sip_msg *msg)
{
	struct pl all = { (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };

	*body = all;
	if (!all.l)
		return false;
	if (msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return true;
	/* RFC 5621 3: a UA that reads SDP reads it inside multipart/mixed and multipart/alternative too. */
	return pl_isset(&msg->ctyp.type) && !pl_strcasecmp(&msg->ctyp.type, "multipart") &&
		!multipart_find_in(body, &msg->ctyp, &all, "application", "sdp") && body->l;
}

int sdp_their_offer(struct session *s, const char **why, const struct pl *body)
{
	struct mbuf *answer = NULL;
	int err;

	if (s->xchg != XCHG_NONE)
		return EPROTO;
	if (!s->ops || !s->ops->offered)
		return ENOTSUP;
	err = s->ops->offered(&answer, why, body->p, body->l, s->arg);
	if (err) {
		mem_deref(answer);
		return err;
	}
	mem_deref(s->answer);
	s->answer = answer;
	s->xchg = XCHG_THEIRS;
	return 0;
}

int sdp_our_offer(struct session *s, struct mbuf **mb)
{
	int err;

	if (s->xchg != XCHG_NONE)
		return EPROTO;
	if (!s->ops || !s->ops->offer)
		return ENOTSUP;
	err = s->ops->offer(mb, s->arg);
	if (!err)
		s->xchg = XCHG_OURS;
	return err;
}

int sdp_their_answer(struct session *s, const char **why, const struct pl *body)
{
	int err;

	if (s->xchg != XCHG_OURS)
		return EPROTO;
	if (!s->ops || !s->ops->answered)
		return ECANCELED;
	err = s->ops->answered(why, body->p, body->l, s->arg);
	if (err)
		sdp_rollback(s);
	else
		sdp_commit(s);
	return err;
}

void sdp_commit(struct session *s)
{
	s->xchg = XCHG_NONE;
	s->agreed = true;
	s->answer = mem_deref(s->answer);
	if (s->ops && s->ops->commit)
		s->ops->commit(s->arg);
}

void sdp_rollback(struct session *s)
{
	if (s->xchg == XCHG_NONE)
		return;
	s->xchg = XCHG_NONE;
	s->answer = mem_deref(s->answer);
	if (s->ops && s->ops->rollback)
		s->ops->rollback(s->arg);
}

/* --- headers --- */

int hdrs_body(struct mbuf *mb, const struct mbuf *sdp)
{
	if (!sdp)
		return mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	return mbuf_printf(mb, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b", sdp->end, sdp->buf, sdp->end);
}

int hdrs_common(struct mbuf *mb, const struct session *s)
{
	return mbuf_printf(mb, "Allow: %s\r\nAllow-Events: %s\r\nSupported: %s\r\n%s", sip_allow, sip_allow_events, sip_supported,
			   s->extra ? s->extra : "");
}

int hdrs_contact(struct mbuf *mb, const struct session *s, const struct sip_msg *msg)
{
	char contact[512];
	int err = dialog_contact(s->dlg, contact, sizeof(contact), msg->tp, &msg->dst, &msg->src);

	return err ? err : mbuf_printf(mb, "Contact: %s\r\n", contact);
}

int session_reply(struct sessions *ss, struct sip_strans **stp, const struct sip_msg *msg, uint16_t scode,
		  const char *reason, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = sips_vreplyf(ss->sips, stp, msg, scode, reason, fmt, ap);
	va_end(ap);
	return err;
}

int session_reply_err(struct sessions *ss, struct sip_strans **stp, const struct sip_msg *msg, int err, const char *why)
{
	const char *reason;
	uint16_t scode = sip_errno_to_status(err, &reason);

	switch (scode) {
	case 400:
		return session_reply(ss, stp, msg, 400, why ? why : reason, NULL);
	case 488:
		/* RFC 3261 20.43: 304 "Media type not available", 399 for anything else that a person should read. */
		return session_reply(ss, stp, msg, 488, reason, "Warning: 399 %j \"%s\"\r\n", &msg->dst,
				     why ? why : "no common medium");
	case 503:
		return session_reply(ss, stp, msg, 503, reason, "Retry-After: 10\r\n");
	default:
		return session_reply(ss, stp, msg, scode, reason, NULL);
	}
}
