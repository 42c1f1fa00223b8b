/*
 * midipeer.c - a party of RTP MIDI.
 */
#include <string.h>
#include <glib.h>
#include <re.h>

#include "midipeer.h"
#include "mixer/rtcp.h"

enum { PACKET = 1500, PAYLOAD = 1200, REPORT_US = 250 * 1000, GUARD_US = 100 * 1000, IN_FLIGHT_US = 100 * 1000, SILENT_US = 5000 * 1000 };

/* ---- what comes ---- */

static void sound(struct midipeer_stream *s, const struct midi_cmd *cmd)
{
	uint8_t *n = &s->sounding[cmd->status & 0x0f][cmd->data[0] & 0x7f];

	if (midi_is_note_off(cmd))
		*n = (uint8_t)(*n - (*n > 0));
	else if ((cmd->status & 0xf0) == MIDI_NOTE_ON)
		*n = (uint8_t)(*n + (*n < 127));
	else if ((cmd->status & 0xf0) == MIDI_CC && cmd->data[0] >= CC_SOUND_OFF && cmd->data[0] != CC_RESET &&
		 cmd->data[0] != CC_LOCAL)
		memset(s->sounding[cmd->status & 0x0f], 0, sizeof(s->sounding[0]));
}

static void on_command(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct midipeer_stream *s = arg;

	(void)repair;
	g_assert_cmpint(cmd->status, !=, MIDI_RESET);             /* "System Reset is never forwarded." */
	s->commands++;
	if (midi_is_channel(cmd->status))
		sound(s, cmd);
	s->starts += cmd->status == MIDI_START || cmd->status == MIDI_CONTINUE;
	s->stops += cmd->status == MIDI_STOP;
	if (cmd->status == MIDI_CLOCK)
		s->clock_us[s->clocks++ > 0] = s->heard_us;
	s->sysexes += cmd->status == MIDI_SYSEX && (cmd->part == MIDI_WHOLE || cmd->part == MIDI_LAST);
}

static struct midipeer_stream *stream_of(struct midipeer *p, uint32_t ssrc)
{
	struct midipeer_stream *free = NULL;

	for (unsigned i = 0; i < MIDIPEER_STREAMS; i++) {
		if (p->stream[i].ssrc == ssrc)
			return &p->stream[i];
		if (!p->stream[i].ssrc && !free)
			free = &p->stream[i];
	}
	g_assert_nonnull(free);
	memset(free->sounding, 0, sizeof(free->sounding));
	free->name[0] = '\0';
	free->sysexes = free->commands = free->clocks = free->starts = free->stops = 0;
	free->ssrc = ssrc;
	g_assert_cmpint(midi_repair_alloc(&free->repair, on_command, free), ==, 0);
	return free;
}

/* "a receiver MUST ensure that the rendered MIDI performance does not end with indefinite artifacts" */
static void stream_end(struct midipeer_stream *s)
{
	midi_repair_end(s->repair);
	s->repair = mem_deref(s->repair);
	s->ssrc = 0;
}

static void recv_rtcp(struct midipeer *p, const uint8_t *buf, size_t len)
{
	struct rtcp_info info;

	g_assert_cmpint(rtcp_read(&info, buf, len), ==, 0);
	for (unsigned i = 0; i < info.n_blocks; i++)
		if (info.block[i].ssrc == p->ssrc) {
			midi_sender_report(p->tx, info.block[i].ext_seq);
			p->reports++;
		}
	for (unsigned i = 0; i < MIDIPEER_STREAMS; i++)
		if (p->stream[i].ssrc == info.ssrc && info.cname[0])
			g_strlcpy(p->stream[i].name, info.cname, sizeof(p->stream[i].name));
	p->byes += info.bye;
	for (unsigned i = 0; info.bye && i < MIDIPEER_STREAMS; i++)
		if (p->stream[i].ssrc == info.ssrc)
			stream_end(&p->stream[i]);
}

static void recv_rtp(struct midipeer *p, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct midipeer_stream *s;
	struct rtp_pkt pkt;

	g_assert_cmpint(rtp_read(&pkt, buf, len), ==, 0);
	g_assert_cmpint(pkt.pt, ==, MIDIPEER_PT);
	s = stream_of(p, pkt.ssrc);
	s->heard_us = now_us;
	p->n_csrc = pkt.n_csrc;
	p->marker = pkt.marker;
	memcpy(p->csrc, pkt.csrc, sizeof(p->csrc));
	midi_repair_packet(s->repair, pkt.seq, pkt.ts, pkt.payload, pkt.len);
	g_assert_cmpuint(midi_repair_stats(s->repair)->bad, ==, 0);
}

static void on_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct midipeer *p = arg;

	(void)end;
	(void)from;
	if (rtp_is_rtcp(buf, len)) {
		recv_rtcp(p, buf, len);
		return;
	}
	g_assert_true(!p->hold_us || now_us - p->hold_us < IN_FLIGHT_US);        /* "hold pauses delivery" */
	recv_rtp(p, buf, len, now_us);
}

/* ---- what goes ---- */

void midipeer_send(struct midipeer *p)
{
	uint8_t buf[PACKET];
	struct rtp_pkt pkt = {.pt = MIDIPEER_PT, .ssrc = p->ssrc};
	size_t hdr = sizeof(buf), len;
	const uint64_t now_us = gestnet_now_us(p->net);

	pkt.ts = (uint32_t)(now_us * 48 / 1000);
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &pkt), ==, 0);
	len = sizeof(buf) - hdr;
	g_assert_cmpint(midi_sender_packet(buf + hdr, &len, &pkt.seq, &pkt.marker, p->tx, pkt.ts, now_us), ==, 0);
	hdr = sizeof(buf);
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &pkt), ==, 0);
	gestnet_send(p->end, &p->server, buf, hdr + len);
	p->pending = false;
	p->sent++;
}

void midipeer_cmd(struct midipeer *p, const struct midi_cmd *cmd)
{
	if (midi_sender_put(p->tx, cmd))
		return;
	midi_state_apply(&p->said, cmd, ++p->n_said, 0);
	p->pending = true;
}

void midipeer_play(struct midipeer *p, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);

	midipeer_cmd(p, &cmd);
	midipeer_send(p);
}

static void send_report(struct midipeer *p)
{
	struct rtcp_block block[RTCP_BLOCKS_MAX] = {0};
	struct rtcp_report rep = {.ssrc = p->ssrc, .blocks = block, .cname = "peer"};
	uint8_t buf[PACKET];
	int n;

	for (unsigned i = 0; i < MIDIPEER_STREAMS && rep.n_blocks < RTCP_BLOCKS_MAX; i++) {
		const struct midipeer_stream *s = &p->stream[i];

		if (!s->ssrc || !midi_repair_highest(s->repair))
			continue;
		block[rep.n_blocks].ssrc = s->ssrc;
		block[rep.n_blocks++].ext_seq = midi_repair_highest(s->repair);
	}
	n = rtcp_write(buf, sizeof(buf), &rep);
	g_assert_cmpint(n, >, 0);
	gestnet_send(p->end, &p->server, buf, (size_t)n);
}

static void on_tick(struct gestend *end, uint64_t now_us, void *arg)
{
	struct midipeer *p = arg;

	(void)end;
	if (p->line.dir & LEG_DIR_RECV && (p->pending || midi_sender_due_us(p->tx) <= now_us))
		midipeer_send(p);
	if (now_us < p->report_us)
		return;
	p->report_us = now_us + REPORT_US;
	send_report(p);
	for (unsigned i = 0; i < MIDIPEER_STREAMS; i++)
		if (p->stream[i].ssrc && now_us - p->stream[i].heard_us > SILENT_US)
			stream_end(&p->stream[i]);
}

/* ---- coming and going ---- */

void midipeer_join(struct midipeer *p, struct gestnet *net, struct ensemble *room, const char *name, unsigned sources, bool anchor)
{
	const struct midi_sender_conf conf = {.seq = (uint16_t)gestnet_draw(net, 65536), .max = PAYLOAD, .play = MIDIPEER_RATE / 10,
		.guard_us = GUARD_US};
	struct player_conf c = {.member = 0};
	struct sa local;

	memset(p, 0, sizeof(*p));
	midi_state_init(&p->said);
	p->net = net;
	p->ssrc = 1 + gestnet_draw(net, 1u << 31);
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(midi_sender_alloc(&p->tx, &conf, NULL), ==, 0);
	g_assert_cmpint(gestnet_end_add(&p->end, net, on_recv, on_tick, p), ==, 0);
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, GESTLINE_MIDI, &local, &p->server), ==, 0);
	gestline_init(&p->line, GESTLINE_MIDI);
	p->line.dir = LEG_DIR_BOTH;
	p->line.peer = p->line.peer_rtcp = *gestnet_addr(p->end);
	p->line.rtcp_mux = true;
	p->line.pt = MIDIPEER_PT;
	p->line.rate = MIDIPEER_RATE;
	p->line.sources = sources;
	p->line.anchor = anchor;
	p->line.guard_us = GUARD_US;
	g_assert_cmpint(player_set_line(p->player, &p->line), ==, 0);
}

void midipeer_set_dir(struct midipeer *p, uint8_t dir)
{
	p->line.dir = dir;
	p->hold_us = dir & LEG_DIR_SEND ? 0 : gestnet_now_us(p->net);
	g_assert_cmpint(player_set_line(p->player, &p->line), ==, 0);
}

void midipeer_leave(struct midipeer *p)
{
	p->player = mem_deref(p->player);
	p->end = mem_deref(p->end);
	p->tx = mem_deref(p->tx);
	for (unsigned i = 0; i < MIDIPEER_STREAMS; i++)
		if (p->stream[i].ssrc)
			stream_end(&p->stream[i]);
	gestline_reset(&p->line);
}

struct midipeer_stream *midipeer_hears(struct midipeer *p, const char *from)
{
	for (unsigned i = 0; i < MIDIPEER_STREAMS; i++)
		if (p->stream[i].ssrc && (!from || !strcmp(p->stream[i].name, from)))
			return &p->stream[i];
	return NULL;
}

bool midipeer_sounds(struct midipeer *p, const char *from, unsigned chan, unsigned note)
{
	const struct midipeer_stream *s = midipeer_hears(p, from);

	return s && s->sounding[chan][note];
}
