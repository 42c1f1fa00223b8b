/*
 * session_timer.c - session timers (RFC 4028), both roles.
 *
 *     refresher:   at half the interval UPDATE (or re-INVITE when the peer has no UPDATE); BYE when none came through
 *     the other:   BYE when the interval less min(32 s, a third) passes without a refresh
 *
 * A peer without the extension is refreshed by us, so that a dead one is noticed.
 */
#include <string.h>
#include "session_impl.h"

enum { BUSY_AGAIN_MS = 5000 };

struct se { bool set; uint32_t s; bool uac, uas; uint32_t min_se_s; };

static void se_read(struct se *se, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES), *min = sip_msg_hdr(msg, SIP_HDR_MIN_SE);
	struct pl num, params, who;

	memset(se, 0, sizeof(*se));
	if (min && !re_regex(min->val.p, min->val.l, "[0-9]+", &num))
		se->min_se_s = pl_u32(&num);
	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+[^]*", &num, &params))
		return;
	se->set = true;
	se->s = num.l > 9 ? 999999999 : pl_u32(&num);
	if (sip_param(&params, "refresher", &who)) {
		se->uac = !pl_strcasecmp(&who, "uac");
		se->uas = !pl_strcasecmp(&who, "uas");
	}
}

bool timer_check(struct sessions *ss, const struct sip_msg *msg)
{
	struct se se;

	se_read(&se, msg);
	/* RFC 4028 9: 422 only where the UAC knows the extension, for else it could not act on it. */
	if (!se.set || se.s >= ss->conf.min_se_s || !sip_msg_names(msg, SIP_HDR_SUPPORTED, "timer"))
		return true;
	(void)session_reply(ss, NULL, msg, 422, "Session Interval Too Small", "Min-SE: %u\r\n", ss->conf.min_se_s);
	return false;
}

static uint32_t at_least(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void timer_as_uas(struct session *s, const struct sip_msg *req)
{
	uint32_t ours = s->ss->conf.expires_s;
	struct se se;

	se_read(&se, req);
	s->peer_timer = sip_msg_names(req, SIP_HDR_SUPPORTED, "timer") || sip_msg_names(req, SIP_HDR_REQUIRE, "timer");
	if (!se.set)
		s->se_s = ours ? at_least(ours, se.min_se_s) : 0;
	else {
		/* "The UAS MAY reduce its value but MUST NOT set it to a value lower than the value in the Min-SE". */
		s->se_s = ours && ours < se.s ? at_least(ours, se.min_se_s) : se.s;
		s->se_s = at_least(s->se_s, s->ss->conf.min_se_s);
	}
	/* Table 2 of RFC 4028: a UAC without the extension cannot refresh; one that names a refresher is obeyed. */
	s->refresh_ours = !s->peer_timer || se.uas;
}

int timer_hdrs_reply(struct mbuf *mb, const struct session *s)
{
	if (!s->se_s)
		return 0;
	/* "If the refresher parameter ... is 'uac', the UAS MUST place a Require header field into the response with the
	 * value 'timer'." */
	return mbuf_printf(mb, "Session-Expires: %u;refresher=%s\r\n%s", s->se_s, s->refresh_ours ? "uas" : "uac",
			   s->refresh_ours ? "" : "Require: timer\r\n");
}

int timer_hdrs_request(struct mbuf *mb, const struct session *s)
{
	uint32_t se = s->se_s ? s->se_s : s->ss->conf.expires_s;

	if (!se)
		return 0;
	if (!s->established)
		return mbuf_printf(mb, "Session-Expires: %u\r\nMin-SE: %u\r\n", at_least(se, s->min_se_s), s->min_se_s);
	/* 7.4: who refreshes stays who it was; in this request we are the UAC. */
	return mbuf_printf(mb, "Session-Expires: %u;refresher=%s\r\nMin-SE: %u\r\n", at_least(se, s->min_se_s),
			   s->refresh_ours ? "uac" : "uas", s->min_se_s);
}

void timer_as_uac(struct session *s, const struct sip_msg *resp)
{
	struct se se;

	se_read(&se, resp);
	if (se.set && se.s) {
		s->se_s = se.s;
		s->refresh_ours = !se.uas;
	}
	else if (s->ss->conf.expires_s) {
		s->se_s = at_least(s->ss->conf.expires_s, s->min_se_s);
		s->refresh_ours = true;
	}
	else
		s->se_s = 0;
}

bool timer_too_small(struct session *s, const struct sip_msg *resp)
{
	struct se se;

	se_read(&se, resp);
	if (!se.min_se_s || se.min_se_s <= s->min_se_s || se.min_se_s > 86400)
		return false;
	s->min_se_s = se.min_se_s;
	s->se_s = at_least(s->se_s, se.min_se_s);
	return true;
}

static void expired(void *arg)
{
	struct session *s = mem_ref(arg);

	session_bye(s, "Reason: SIP;cause=408;text=\"session expired\"\r\n");
	session_close(s, ETIMEDOUT, 408, "session expired", NULL);
	mem_deref(s);
}

static void refresh(void *arg)
{
	struct session *s = arg;
	int err = EBUSY;

	/* Whatever is under way now refreshes as well; look again soon. */
	if (!session_busy(s))
		err = s->peer_update ? session_send_update(s, false) : session_send_reinvite(s);
	if (err)
		wheel_start(&s->tmr_refresh, BUSY_AGAIN_MS, refresh, s);
}

void timer_arm(struct session *s)
{
	uint64_t ms = (uint64_t)s->se_s * 1000, early;

	timer_stop(s);
	if (!ms || s->closed)
		return;
	if (s->refresh_ours) {
		wheel_start(&s->tmr_refresh, ms / 2, refresh, s);
		wheel_start(&s->tmr_expire, ms, expired, s);
		return;
	}
	/* 10: "... before the session expires ... The minimum of 32 seconds and one third of the session interval is
	 * RECOMMENDED." */
	early = ms / 3 < 32000 ? ms / 3 : 32000;
	wheel_start(&s->tmr_expire, ms - early, expired, s);
}

void timer_stop(struct session *s)
{
	wheel_cancel(&s->tmr_refresh);
	wheel_cancel(&s->tmr_expire);
}
