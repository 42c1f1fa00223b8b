/*
 * mac.c - what a Mac or an iPad does, as far as a session and its music go.
 */
#include <glib.h>
#include <string.h>
#include "mixer/rtp.h"
#include "mac.h"

enum { MTU = 1200, CLOCK_UNIT_US = 100, FEEDBACK_US = 300 * 1000 };

static void heard(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct mac *m = arg;

	m->struck += (cmd->status & 0xf0) == MIDI_NOTE_ON && cmd->data[1];
	m->released += midi_is_note_off(cmd);
}

static void mac_send(struct mac *m, enum applesession_port port, const uint8_t *buf, size_t len)
{
	gestnet_send_from(m->end, &m->own[port], &m->server[port], buf, len);
}

static void mac_say(struct mac *m, enum applesession_port port, const struct applemidi *pkt)
{
	uint8_t buf[APPLEMIDI_PACKET_MAX];
	size_t len = sizeof(buf);

	g_assert_cmpint(applemidi_write(buf, &len, pkt), ==, 0);
	mac_send(m, port, buf, len);
}

static void mac_act(struct mac *m, const struct applesession_out *out)
{
	for (unsigned i = 0; i < out->n; i++)
		mac_say(m, out->send[i].port, &out->send[i].pkt);
	m->opened |= out->opened;
	m->closed |= out->closed;
	m->refused |= out->refused;
	if (out->has_seq && !m->no_feedback)
		midi_sender_report(m->sender, out->seq);
}

static uint64_t mac_clock_us(const struct mac *m, uint64_t now_us)
{
	return now_us - m->begun_us;
}

static void mac_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct mac *m = arg;
	const enum applesession_port port = sa_cmp(from, &m->server[1], SA_ALL) ? APPLEMIDI_DATA : APPLEMIDI_CONTROL;
	struct applesession_out out;
	struct applemidi pkt;
	struct rtp_pkt rtp;

	if (m->crashed)
		return;
	if (applemidi_is(buf, len)) {
		g_assert_cmpint(applemidi_read(&pkt, buf, len), ==, 0);
		(void)applesession_recv(&m->session, &out, port, &pkt, mac_clock_us(m, now_us));
		mac_act(m, &out);
		return;
	}
	g_assert_cmpint(port, ==, APPLEMIDI_DATA);
	g_assert_cmpint(rtp_read(&rtp, buf, len), ==, 0);
	g_assert_cmpuint(rtp.pt, ==, 97);
	g_assert_cmphex(rtp.ssrc, ==, m->session.peer_ssrc);
	g_assert_cmpint(midi_repair_packet(m->repair, rtp.seq, rtp.ts, rtp.payload, rtp.len), !=, EBADMSG);
	if (m->feedback_us == UINT64_MAX)
		m->feedback_us = now_us + FEEDBACK_US;
}

static void mac_flush(struct mac *m, uint64_t now_us)
{
	struct rtp_pkt rtp = {.pt = m->pt, .ts = (uint32_t)(mac_clock_us(m, now_us) / CLOCK_UNIT_US), .ssrc = m->session.conf.ssrc};
	uint8_t buf[RTP_HDR_LEN + MTU];
	size_t hdr = sizeof(buf), len = MTU;

	g_assert_cmpint(midi_sender_packet(buf + RTP_HDR_LEN, &len, &rtp.seq, &rtp.marker, m->sender, rtp.ts, now_us), ==, 0);
	rtp.marker &= !m->no_marker;
	if (m->no_journal) {
		buf[RTP_HDR_LEN] &= (uint8_t)~0x40;
		len = 1u + (buf[RTP_HDR_LEN] & 0x0f);
	}
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &rtp), ==, 0);
	mac_send(m, APPLEMIDI_DATA, buf, hdr + len);
}

static void mac_tick(struct gestend *end, uint64_t now_us, void *arg)
{
	struct mac *m = arg;
	struct applesession_out out;
	struct applemidi rs;

	if (m->crashed)
		return;
	if (mac_clock_us(m, now_us) >= m->session.due_us) {
		applesession_tick(&m->session, &out, mac_clock_us(m, now_us));
		mac_act(m, &out);
	}
	if (now_us >= m->feedback_us) {
		m->feedback_us = UINT64_MAX;
		rs = applesession_feedback(&m->session, (uint16_t)midi_repair_highest(m->repair));
		if (!m->no_feedback)
			mac_say(m, APPLEMIDI_CONTROL, &rs);
	}
	if (m->opened && !m->closed && now_us >= midi_sender_due_us(m->sender))
		mac_flush(m, now_us);
}

void mac_play(struct mac *m, uint8_t status, uint8_t a, uint8_t b)
{
	const struct midi_cmd cmd = midi_short(status, a, b);

	g_assert_cmpint(midi_sender_put(m->sender, &cmd), ==, 0);
	mac_flush(m, gestnet_now_us(m->net));
}

void mac_begin(struct mac *m, struct gestnet *net, const struct sa server[2], const char *name)
{
	struct applesession_conf conf = {.initiator = true, .ssrc = gestnet_draw(net, UINT32_MAX), .token = gestnet_draw(net, UINT32_MAX)};
	const struct midi_sender_conf sender = {.policy = MIDI_CLOSED_LOOP, .seq = (uint16_t)gestnet_draw(net, 65536), .max = MTU,
		.play = 400};

	*m = (struct mac){.net = net, .pt = 97, .feedback_us = UINT64_MAX, .begun_us = gestnet_draw(net, 1000000)};
	g_assert_cmpint(gestnet_end_add(&m->end, net, mac_recv, mac_tick, m), ==, 0);
	m->own[0] = m->own[1] = *gestnet_addr(m->end);
	sa_set_port(&m->own[1], (uint16_t)(sa_port(&m->own[0]) + 1));
	m->server[0] = server[0];
	m->server[1] = server[1];
	str_ncpy(conf.name, name, sizeof(conf.name));
	g_assert_cmpint(midi_sender_alloc(&m->sender, &sender, NULL), ==, 0);
	g_assert_cmpint(midi_repair_alloc(&m->repair, heard, m), ==, 0);
	applesession_open(&m->session, &conf, mac_clock_us(m, gestnet_now_us(net)));
}

void mac_leave(struct mac *m)
{
	struct applesession_out out;

	applesession_close(&m->session, &out);
	mac_act(m, &out);
}

void mac_end(struct mac *m)
{
	m->end = mem_deref(m->end);
	m->sender = mem_deref(m->sender);
	m->repair = mem_deref(m->repair);
}
