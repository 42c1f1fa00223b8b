/*
 * applesession.c - who may say what when in an AppleMIDI session.
 *
 * Of the clock exchanges the one with the shortest round trip is kept, as its middle is known best; after EXCHANGES more a new
 * one is taken, because clocks drift.
 */
#include <errno.h>
#include <string.h>

#include "applesession.h"

enum {
	SECOND_US   = 1000 * 1000,
	UNIT_US     = 100,
	TRIES       = 12,            /* invitations, one a second */
	FIRST_SYNCS = 6,             /* at shorter distance */
	EXCHANGES   = 8,
	SYNC_S      = 10,
	SILENCE_S   = 60,
};

static void out_clear(struct applesession_out *out)
{
	memset(out, 0, sizeof(*out));
}

static struct applemidi *reply(struct applesession_out *out, enum applesession_port port, enum applemidi_kind kind)
{
	struct applemidi *pkt = &out->send[out->n].pkt;

	out->send[out->n++].port = port;
	pkt->kind = kind;
	return pkt;
}

static void reply_session(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	enum applemidi_kind kind, uint32_t token)
{
	struct applemidi *pkt = reply(out, port, kind);

	pkt->token = token;
	pkt->ssrc = s->conf.ssrc;
	if (kind == APPLEMIDI_IN || kind == APPLEMIDI_OK)
		memcpy(pkt->name, s->conf.name, sizeof(pkt->name));
}

static void invite(struct applesession *s, struct applesession_out *out, uint64_t now_us)
{
	reply_session(s, out, s->state == APPLE_INVITING_DATA ? APPLEMIDI_DATA : APPLEMIDI_CONTROL, APPLEMIDI_IN, s->token);
	s->tries++;
	s->due_us = now_us + SECOND_US;
}

static void become_closed(struct applesession *s, struct applesession_out *out)
{
	s->state = APPLE_CLOSED;
	s->due_us = UINT64_MAX;
	out->closed = true;
}

static void become_open(struct applesession *s, struct applesession_out *out, uint64_t now_us)
{
	s->state = APPLE_OPEN;
	s->tries = 0;
	s->heard_us = now_us;
	s->due_us = s->conf.initiator ? now_us : now_us + (uint64_t)SILENCE_S * SECOND_US;
	out->opened = true;
}

void applesession_open(struct applesession *s, const struct applesession_conf *conf, uint64_t now_us)
{
	*s = (struct applesession){.conf = *conf, .token = conf->token, .due_us = conf->initiator ? now_us : UINT64_MAX,
		.state = conf->initiator ? APPLE_INVITING_CONTROL : APPLE_WAITING};
}

/* ---- invitations ---- */

/* The invitation on the second port, or one that is repeated because our answer was lost. */
static int recv_known(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	const struct applemidi *pkt, uint64_t now_us)
{
	reply_session(s, out, port, APPLEMIDI_OK, pkt->token);
	if (s->state == APPLE_HALF && port == APPLEMIDI_DATA)
		become_open(s, out, now_us);
	return 0;
}

static int recv_invitation(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	const struct applemidi *pkt, uint64_t now_us)
{
	if (s->conf.initiator || s->state == APPLE_CLOSED) {
		reply_session(s, out, port, APPLEMIDI_NO, pkt->token);
		return EPROTO;
	}
	if (s->state != APPLE_WAITING && pkt->ssrc == s->peer_ssrc && pkt->token == s->token)
		return recv_known(s, out, port, pkt, now_us);
	if (s->state != APPLE_WAITING || port != APPLEMIDI_CONTROL) {
		reply_session(s, out, port, APPLEMIDI_NO, pkt->token);
		return EPROTO;
	}
	s->state = APPLE_HALF;
	s->peer_ssrc = pkt->ssrc;
	s->token = pkt->token;
	memcpy(s->peer_name, pkt->name, sizeof(s->peer_name));
	s->due_us = now_us + (uint64_t)TRIES * SECOND_US;
	reply_session(s, out, port, APPLEMIDI_OK, pkt->token);
	return 0;
}

static int recv_answer(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	const struct applemidi *pkt, uint64_t now_us)
{
	const bool control = s->state == APPLE_INVITING_CONTROL && port == APPLEMIDI_CONTROL;
	const bool data = s->state == APPLE_INVITING_DATA && port == APPLEMIDI_DATA;

	if ((!control && !data) || pkt->token != s->token || (data && pkt->ssrc != s->peer_ssrc && pkt->kind == APPLEMIDI_OK))
		return EPROTO;
	if (pkt->kind == APPLEMIDI_NO) {
		out->refused = true;
		become_closed(s, out);
		return 0;
	}
	if (data) {
		become_open(s, out, now_us);
		return 0;
	}
	s->peer_ssrc = pkt->ssrc;
	memcpy(s->peer_name, pkt->name, sizeof(s->peer_name));
	s->state = APPLE_INVITING_DATA;
	s->tries = 0;
	invite(s, out, now_us);
	return 0;
}

/* ---- clocks ---- */

static void take_offset(struct applesession *s, uint64_t theirs_1, uint64_t ours_1, uint64_t theirs_2, uint64_t ours_2,
	bool middle_ours)
{
	const uint64_t trip = middle_ours ? theirs_2 - theirs_1 : ours_2 - ours_1;

	if (s->has_offset && trip > s->round_trip && s->n_clocks++ % EXCHANGES)
		return;
	s->has_offset = true;
	s->round_trip = trip;
	/* Unsigned: hostile times may wrap, and then the offset is nonsense, but defined. */
	s->offset = middle_ours ? (int64_t)(theirs_1 + trip / 2 - ours_1) : (int64_t)(theirs_1 - (ours_1 + trip / 2));
}

static void send_clock(struct applesession *s, struct applesession_out *out, uint64_t now_us)
{
	struct applemidi *pkt = reply(out, APPLEMIDI_DATA, APPLEMIDI_CK);

	pkt->ssrc = s->conf.ssrc;
	pkt->time[0] = s->clock[0] = now_us / UNIT_US;
	s->sent_clock = true;
	s->due_us = now_us + (s->tries++ < FIRST_SYNCS ? SECOND_US + SECOND_US / 2 : (uint64_t)SYNC_S * SECOND_US);
}

static int recv_clock_0(struct applesession *s, struct applesession_out *out, const struct applemidi *pkt, uint64_t now_us)
{
	struct applemidi *answer;

	if (s->conf.initiator)
		return EPROTO;
	answer = reply(out, APPLEMIDI_DATA, APPLEMIDI_CK);
	answer->ssrc = s->conf.ssrc;
	answer->count = 1;
	answer->time[0] = s->clock[0] = pkt->time[0];
	answer->time[1] = s->clock[1] = now_us / UNIT_US;
	s->sent_clock = true;
	s->due_us = now_us + (uint64_t)SILENCE_S * SECOND_US;
	return 0;
}

static int recv_clock_1(struct applesession *s, struct applesession_out *out, const struct applemidi *pkt, uint64_t now_us)
{
	const uint64_t now = now_us / UNIT_US;
	struct applemidi *answer;

	if (!s->conf.initiator || !s->sent_clock || pkt->time[0] != s->clock[0])
		return EPROTO;
	answer = reply(out, APPLEMIDI_DATA, APPLEMIDI_CK);
	*answer = *pkt;
	answer->ssrc = s->conf.ssrc;
	answer->count = 2;
	answer->time[2] = now;
	s->sent_clock = false;
	take_offset(s, pkt->time[1], pkt->time[0], 0, now, false);
	return 0;
}

static int recv_clock_2(struct applesession *s, const struct applemidi *pkt)
{
	if (s->conf.initiator || !s->sent_clock || pkt->time[0] != s->clock[0] || pkt->time[1] != s->clock[1] ||
		pkt->time[2] < pkt->time[0])
		return EPROTO;
	s->sent_clock = false;
	take_offset(s, pkt->time[0], pkt->time[1], pkt->time[2], 0, true);
	return 0;
}

static int recv_clock(struct applesession *s, struct applesession_out *out, const struct applemidi *pkt, uint64_t now_us)
{
	int err;

	if (s->state != APPLE_OPEN || pkt->ssrc != s->peer_ssrc)
		return EPROTO;
	if (pkt->count == 0)
		err = recv_clock_0(s, out, pkt, now_us);
	else
		err = pkt->count == 1 ? recv_clock_1(s, out, pkt, now_us) : recv_clock_2(s, pkt);
	if (!err)
		s->heard_us = now_us;
	return err;
}

/* ---- the rest ---- */

static int recv_by(struct applesession *s, struct applesession_out *out, const struct applemidi *pkt)
{
	if (s->state == APPLE_WAITING || s->state == APPLE_CLOSED || pkt->ssrc != s->peer_ssrc || pkt->token != s->token)
		return EPROTO;
	become_closed(s, out);
	return 0;
}

static int recv_feedback(struct applesession *s, struct applesession_out *out, const struct applemidi *pkt)
{
	if (s->state != APPLE_OPEN || pkt->ssrc != s->peer_ssrc)
		return EPROTO;
	if (pkt->kind == APPLEMIDI_RL) {
		s->limit = pkt->limit;
		return 0;
	}
	out->has_seq = true;
	out->seq = pkt->seq;
	return 0;
}

int applesession_recv(struct applesession *s, struct applesession_out *out, enum applesession_port port,
	const struct applemidi *pkt, uint64_t now_us)
{
	out_clear(out);
	switch (pkt->kind) {
	case APPLEMIDI_IN: return recv_invitation(s, out, port, pkt, now_us);
	case APPLEMIDI_OK:
	case APPLEMIDI_NO: return recv_answer(s, out, port, pkt, now_us);
	case APPLEMIDI_BY: return recv_by(s, out, pkt);
	case APPLEMIDI_CK: return port == APPLEMIDI_DATA ? recv_clock(s, out, pkt, now_us) : EPROTO;
	default:           return recv_feedback(s, out, pkt);
	}
}

void applesession_tick(struct applesession *s, struct applesession_out *out, uint64_t now_us)
{
	out_clear(out);
	if (now_us < s->due_us)
		return;
	switch (s->state) {
	case APPLE_INVITING_CONTROL:
	case APPLE_INVITING_DATA:
		if (s->tries < TRIES)
			invite(s, out, now_us);
		else
			become_closed(s, out);
		break;
	case APPLE_HALF:
		become_closed(s, out);
		break;
	case APPLE_OPEN:
		if (now_us - s->heard_us >= (uint64_t)SILENCE_S * SECOND_US)
			applesession_close(s, out);
		else if (s->conf.initiator)
			send_clock(s, out, now_us);
		else
			s->due_us = s->heard_us + (uint64_t)SILENCE_S * SECOND_US;
		break;
	default:
		s->due_us = UINT64_MAX;
	}
}

void applesession_close(struct applesession *s, struct applesession_out *out)
{
	out_clear(out);
	if (s->state == APPLE_OPEN || s->state == APPLE_HALF || s->state == APPLE_INVITING_DATA)
		reply_session(s, out, APPLEMIDI_CONTROL, APPLEMIDI_BY, s->token);
	become_closed(s, out);
}

struct applemidi applesession_feedback(const struct applesession *s, uint16_t seq)
{
	return (struct applemidi){.kind = APPLEMIDI_RS, .ssrc = s->conf.ssrc, .seq = seq};
}
