/*
 * applemidi.c - AppleMIDI session packets.
 *
 *      IN OK NO BY   FFFF kind 16 | version 32 | token 32 | ssrc 32 | name, NUL (IN and OK)
 *      CK            FFFF kind 16 | ssrc 32 | count 8 | unused 24 | time 64 | time 64 | time 64
 *      RS            FFFF kind 16 | ssrc 32 | sequence number 16 | unused 16
 *      RL            FFFF kind 16 | ssrc 32 | bits a second 32
 *
 * Found in the wild: garbage in the unused times of a CK, a sequence number in the low half of RS's last word (read where
 * the high half is 0, written as Apple does), invitations without a name.
 */
#include <errno.h>
#include <string.h>

#include "applemidi.h"

enum { HEAD_LEN = 4, SESSION_LEN = 16, CLOCK_LEN = 36, FEEDBACK_LEN = 12, CLOCKS = 3 };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

bool applemidi_is(const uint8_t *buf, size_t len)
{
	return len >= HEAD_LEN && buf[0] == 0xff && buf[1] == 0xff;
}

static int read_session(struct applemidi *pkt, const uint8_t *buf, size_t len)
{
	const size_t name = len - SESSION_LEN;

	if (len < SESSION_LEN)
		return EBADMSG;
	if (get32(buf + 4) != APPLEMIDI_VERSION)
		return EPROTO;
	pkt->token = get32(buf + 8);
	pkt->ssrc = get32(buf + 12);
	if (pkt->kind == APPLEMIDI_IN || pkt->kind == APPLEMIDI_OK)
		memcpy(pkt->name, buf + SESSION_LEN, name < APPLEMIDI_NAME_MAX ? name : APPLEMIDI_NAME_MAX);
	return 0;
}

static int read_clock(struct applemidi *pkt, const uint8_t *buf, size_t len)
{
	if (len < CLOCK_LEN || buf[8] >= CLOCKS)
		return EBADMSG;
	pkt->ssrc = get32(buf + 4);
	pkt->count = buf[8];
	for (unsigned i = 0; i <= pkt->count; i++)
		pkt->time[i] = (uint64_t)get32(buf + 12 + 8 * i) << 32 | get32(buf + 16 + 8 * i);
	return 0;
}

static int read_feedback(struct applemidi *pkt, const uint8_t *buf, size_t len)
{
	uint32_t word;

	if (len < FEEDBACK_LEN)
		return EBADMSG;
	word = get32(buf + 8);
	pkt->ssrc = get32(buf + 4);
	if (pkt->kind == APPLEMIDI_RS)
		pkt->seq = (uint16_t)(word >> 16 ? word >> 16 : word);
	else
		pkt->limit = word;
	return 0;
}

int applemidi_read(struct applemidi *pkt, const uint8_t *buf, size_t len)
{
	if (!applemidi_is(buf, len))
		return EBADMSG;
	*pkt = (struct applemidi){.kind = (enum applemidi_kind)(buf[2] << 8 | buf[3])};
	switch (pkt->kind) {
	case APPLEMIDI_IN:
	case APPLEMIDI_OK:
	case APPLEMIDI_NO:
	case APPLEMIDI_BY: return read_session(pkt, buf, len);
	case APPLEMIDI_CK: return read_clock(pkt, buf, len);
	case APPLEMIDI_RS:
	case APPLEMIDI_RL: return read_feedback(pkt, buf, len);
	default:           return EBADMSG;
	}
}

static size_t write_session(uint8_t *buf, const struct applemidi *pkt)
{
	const size_t name = pkt->kind == APPLEMIDI_IN || pkt->kind == APPLEMIDI_OK ? strlen(pkt->name) + 1 : 0;

	set32(buf + 4, APPLEMIDI_VERSION);
	set32(buf + 8, pkt->token);
	set32(buf + 12, pkt->ssrc);
	memcpy(buf + SESSION_LEN, pkt->name, name);
	return SESSION_LEN + name;
}

static size_t write_clock(uint8_t *buf, const struct applemidi *pkt)
{
	set32(buf + 4, pkt->ssrc);
	set32(buf + 8, (uint32_t)pkt->count << 24);
	for (unsigned i = 0; i < CLOCKS; i++) {
		const uint64_t time = i <= pkt->count ? pkt->time[i] : 0;

		set32(buf + 12 + 8 * i, (uint32_t)(time >> 32));
		set32(buf + 16 + 8 * i, (uint32_t)time);
	}
	return CLOCK_LEN;
}

int applemidi_write(uint8_t *buf, size_t *len, const struct applemidi *pkt)
{
	uint8_t out[APPLEMIDI_PACKET_MAX] = {0xff, 0xff, (uint8_t)(pkt->kind >> 8), (uint8_t)pkt->kind};
	size_t n;

	switch (pkt->kind) {
	case APPLEMIDI_IN:
	case APPLEMIDI_OK:
	case APPLEMIDI_NO:
	case APPLEMIDI_BY:
		n = write_session(out, pkt);
		break;
	case APPLEMIDI_CK:
		if (pkt->count >= CLOCKS)
			return EINVAL;
		n = write_clock(out, pkt);
		break;
	case APPLEMIDI_RS:
	case APPLEMIDI_RL:
		set32(out + 4, pkt->ssrc);
		set32(out + 8, pkt->kind == APPLEMIDI_RS ? (uint32_t)pkt->seq << 16 : pkt->limit);
		n = FEEDBACK_LEN;
		break;
	default:
		return EINVAL;
	}
	if (*len < n)
		return ENOSPC;
	memcpy(buf, out, n);
	*len = n;
	return 0;
}
