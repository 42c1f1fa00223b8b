/*
 * applemidi.h - the session packets of AppleMIDI (what macOS, iOS and rtpMIDI speak beside RTP MIDI), to values and back.
 *
 * The protocol has no public standard; this is what such programs send. A packet begins with FF FF, which RTP cannot.
 * Pure: no allocation, may be called on any thread.
 */
#ifndef OSC_APPLEMIDI_H
#define OSC_APPLEMIDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { APPLEMIDI_VERSION = 2, APPLEMIDI_NAME_MAX = 127, APPLEMIDI_PACKET_MAX = 16 + APPLEMIDI_NAME_MAX + 1 };

enum applemidi_kind {
	APPLEMIDI_IN = 0x494e,       /* invitation: token, ssrc, name */
	APPLEMIDI_OK = 0x4f4b,       /* accepted */
	APPLEMIDI_NO = 0x4e4f,       /* rejected */
	APPLEMIDI_BY = 0x4259,       /* end */
	APPLEMIDI_CK = 0x434b,       /* clock: count 0, 1, 2 and as many times more */
	APPLEMIDI_RS = 0x5253,       /* receiver feedback: a sequence number up to which all has come */
	APPLEMIDI_RL = 0x524c,       /* a receiver's limit in bits a second */
};

struct applemidi {
	enum applemidi_kind kind;
	uint32_t ssrc;
	uint32_t token;              /* IN OK NO BY */
	char     name[APPLEMIDI_NAME_MAX + 1];   /* IN OK; what the peer sent, cut: to be made harmless before it is shown */
	uint8_t  count;              /* CK */
	uint64_t time[3];            /* CK: 100 us; those not yet known are 0, whatever the packet has there */
	uint16_t seq;                /* RS */
	uint32_t limit;              /* RL */
};

bool applemidi_is(const uint8_t *buf, size_t len);

/* EBADMSG: too short, or no command there is; EPROTO: another version of the protocol. */
int  applemidi_read(struct applemidi *pkt, const uint8_t *buf, size_t len);

/* *len is in: room (APPLEMIDI_PACKET_MAX is enough), out: length. ENOSPC, EINVAL. */
int  applemidi_write(uint8_t *buf, size_t *len, const struct applemidi *pkt);

#endif
