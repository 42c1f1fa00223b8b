/*
 * fuzz-relay.c - any bytes from parties of a room, at the sockets of all kinds of datagram lines, and what else may happen meanwhile;
 * every packet that the relay sends must be one its receiver could take.
 *
 * Four octets begin a record: what (see below), milliseconds to wait, length (16, low byte first); then so many octets.
 */
#include <malloc.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/rtcp.h"
#include "osc/oscrtp.h"
#include "tests/lib/gestnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTIES = 4, RECORDS = 64, HEADER = 4, WHAT_RTCP = 4, WHAT_HOLD = 8, WHAT_RESUME = 12, WHAT_VIEW = 16, WHAT_DROP = 20,
       WHAT_MOVE = 24, WHAT_ALL = 28 };

struct party {
	struct gestend *end;
	struct player *player;
	struct gestline line;
	struct sa server;
};

static struct gestnet *net;
static struct ensemble *room, *other;
static struct party party[PARTIES];

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void recv_handler(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	const struct party *p = arg;
	struct rtcp_info info;
	struct rtp_pkt pkt;
	struct oscrtp o;

	(void)end, (void)now_us;
	if (p->line.kind == GESTLINE_UDP) {
		must(!osc_check(buf, len, OSC_MAX_DGRAM));
	} else if (sa_port(from) & 1) {
		must(!rtcp_read(&info, buf, len));
	} else {
		must(!rtp_read(&pkt, buf, len) && pkt.pt == p->line.pt);
		must(p->line.kind != GESTLINE_OSC || !oscrtp_read(&o, &pkt, OSC_MAX_DGRAM));
	}
}

static void begin_party(struct party *p, enum gestline_kind kind, const char *name, enum osc_view view, unsigned sources)
{
	struct player_conf c = {.member = 0};
	struct sa local;

	str_ncpy(c.wish, name, sizeof(c.wish));
	str_ncpy(c.identity, name, sizeof(c.identity));
	gestline_init(&p->line, kind);
	p->line.dir = LEG_DIR_BOTH;
	p->line.pt = 98;
	p->line.rate = 48000;
	p->line.pli = true;
	p->line.view = view;
	p->line.sources = sources;
	must(!gestnet_end_add(&p->end, net, recv_handler, NULL, p));
	p->line.peer = *gestnet_addr(p->end);
	must(!player_alloc(&p->player, gestnet_relay(net), room, &c));
	sa_set_str(&local, "192.0.2.10", 0);
	must(!player_port(p->player, kind, &local, &p->server));
	must(!player_set_line(p->player, &p->line));
}

static void begin(void)
{
	static bool once;

	if (!once) {                      /* memory is used again and not given back: a relay needs megabytes */
		mallopt(M_MMAP_THRESHOLD, 1 << 30);
		mallopt(M_TRIM_THRESHOLD, 1 << 30);
		must(!gestnet_alloc(&net, NULL, 1));
		once = true;
	}
	must(!ensemble_get(&room, gestnet_relay(net), "jam"));
	must(!ensemble_get(&other, gestnet_relay(net), "other"));
	begin_party(&party[0], GESTLINE_OSC, "anna", VIEW_PREFIX, 1);
	begin_party(&party[1], GESTLINE_UDP, "bob", VIEW_FLAT, 1);
	begin_party(&party[2], GESTLINE_OSC, "eva", VIEW_SOURCE, 3);
	begin_party(&party[3], GESTLINE_MIDI, "mia", VIEW_PREFIX, 1);
	gestnet_run(net, 2);
}

static void end(void)
{
	for (unsigned i = 0; i < PARTIES; i++)
		party[i].player = mem_deref(party[i].player);
	gestnet_run(net, 2);
	for (unsigned i = 0; i < PARTIES; i++) {
		party[i].end = mem_deref(party[i].end);
		gestline_reset(&party[i].line);
	}
	room  = mem_deref(room);
	other = mem_deref(other);
	gestnet_run(net, 2);
}

static void reoffer(struct party *p)
{
	if (player_has_line(p->player, p->line.kind))
		must(!player_set_line(p->player, &p->line));
}

static void happen(unsigned what, struct party *p, const uint8_t *buf, size_t len)
{
	struct sa from = *gestnet_addr(p->end), to = p->server;

	if (what < WHAT_HOLD) {
		const uint16_t rtcp = what >= WHAT_RTCP;

		sa_set_port(&from, (uint16_t)(sa_port(&from) + rtcp));
		sa_set_port(&to, (uint16_t)(sa_port(&to) + rtcp));
		gestnet_send_from(p->end, &from, &to, buf, len);
	} else if (what < WHAT_RESUME) {
		p->line.dir = LEG_DIR_RECV;
		reoffer(p);
	} else if (what < WHAT_VIEW) {
		p->line.dir = LEG_DIR_BOTH;
		reoffer(p);
	} else if (what < WHAT_DROP) {
		p->line.view = (enum osc_view)(len % 3);
		p->line.sources = (unsigned)(1 + len % 4);
		reoffer(p);
	} else if (what < WHAT_MOVE) {
		player_drop_line(p->player, p->line.kind);
	} else {
		must(!player_move(p->player, player_ensemble(p->player) == room ? other : room));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	for (unsigned i = 0; i < RECORDS && size >= HEADER; i++) {
		const unsigned what = data[0] % WHAT_ALL;
		size_t len = (size_t)(data[2] | data[3] << 8);

		if (len > size - HEADER)
			len = size - HEADER;
		happen(what, &party[what % PARTIES], data + HEADER, len);
		gestnet_run(net, 1 + data[1] % 64);
		data += HEADER + len;
		size -= HEADER + len;
	}
	gestnet_run(net, 50);
	end();
	return 0;
}
