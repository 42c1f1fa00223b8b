/*
 * fuzz-gestend.c - any bytes at the end of the gestures: from programs, from an instrument, from the room at its socket; what it sends
 * to the room and to the program must be what they could take, and after the room is gone no note is left.
 *
 * Four octets begin a record: what (see below), milliseconds to wait, length (16, low byte first); then so many octets.
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/gestend_priv.h"
#include "client/midiwire.h"
#include "mixer/rtcp.h"
#include "osc/oscrtp.h"
#include "tests/lib/gestnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 64, HEADER = 4, WHAT_PROGRAM = 0, WHAT_MIDI, WHAT_HEARD, WHAT_RTP, WHAT_RTCP, WHAT_GONE, WHAT_ALL };

static struct gestnet *net;
static struct ensemble *ensemble;
static struct player *room;
static struct gestend *end, *peer;        /* what is tried; the party, which is gestnet's */
static struct midiwire *wire;
static struct sa at;
static int program = -1;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void recv_handler(struct gestend *party, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct rtcp_info info;
	struct rtp_pkt pkt;
	struct oscrtp o;

	(void)party, (void)now_us, (void)arg;
	if (sa_port(from) & 1)
		must(!rtcp_read(&info, buf, len));
	else
		must(!rtp_read(&pkt, buf, len) && pkt.pt == 98 && !oscrtp_read(&o, &pkt, OSC_MAX_DGRAM));
}

static uint32_t delay_handler(const char *name, void *arg)
{
	(void)arg;
	return (uint32_t)strlen(name) * 3000;
}

static void open_program(struct sockaddr_in *own)
{
	socklen_t len = sizeof(*own);

	*own = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (program < 0) {
		program = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		must(program >= 0 && !bind(program, (struct sockaddr *)own, len));
	}
	must(!getsockname(program, (struct sockaddr *)own, &len));
}

static void call(void)
{
	const struct player_conf pc = {.wish = "room", .identity = "room", .househ = gestend_heard, .arg = end};
	struct gestline l;
	struct sa local;

	gestline_init(&l, GESTLINE_OSC);
	l.dir  = LEG_DIR_BOTH;
	l.pt   = 98;
	l.rate = 48000;
	l.party_exec = true;
	l.takes.rate = 100;
	l.peer = *gestnet_addr(peer);
	sa_set_str(&local, "192.0.2.10", 0);
	must(!player_alloc(&room, gestnet_relay(net), ensemble, &pc));
	must(!player_port(room, GESTLINE_OSC, &local, &at) && !player_set_line(room, &l));
	gestend_set_player(end, room);
	gestnet_run(net, 1);
}

static void hang_up(void)
{
	gestend_set_player(end, NULL);
	must(!osckeys_slots(end->notes) || !end->notes->n);
	must(align_due(end->align) == UINT64_MAX);
	room = mem_deref(room);
	gestnet_run(net, 2);
}

static void begin(void)
{
	static const struct relay_conf rc = {.port_min = 30000, .port_max = 39999, .sysex_max = 256, .silence_ms = 60000, .end = true};
	struct gestend_conf gc = {.osc = true, .align = true, .clock_out = true, .by_hand = true, .delay_us = delay_handler};
	struct sockaddr_in own;
	char to[32];

	if (!net) {
		mallopt(M_MMAP_THRESHOLD, 1 << 30);
		mallopt(M_TRIM_THRESHOLD, 1 << 30);
		must(!gestnet_alloc(&net, &rc, 1));
	}
	open_program(&own);
	(void)re_snprintf(to, sizeof(to), ":%u", ntohs(own.sin_port));
	gc.osc_to = to;
	must(!midiwire_alloc(&wire));
	gc.midi = wire;
	must(!gestend_alloc(&end, &gc));
	must(!ensemble_get(&ensemble, gestnet_relay(net), "end"));
	must(!gestnet_end_add(&peer, net, recv_handler, NULL, NULL));
	call();
}

static void finish(void)
{
	hang_up();
	end  = mem_deref(end);
	wire = mem_deref(wire);
	peer = mem_deref(peer);
	ensemble = mem_deref(ensemble);
	gestnet_run(net, 2);
}

static void from_room(unsigned what, const uint8_t *buf, size_t len)
{
	struct sa from = *gestnet_addr(peer), to = at;

	sa_set_port(&from, (uint16_t)(sa_port(&from) + (what == WHAT_RTCP)));
	sa_set_port(&to, (uint16_t)(sa_port(&to) + (what == WHAT_RTCP)));
	gestnet_send_from(peer, &from, &to, buf, len);
}

static void happen(unsigned what, const uint8_t *buf, size_t len)
{
	struct osc_msg msg;

	switch (what) {

	case WHAT_PROGRAM:
		if (!osc_check(buf, len, OSCPORT_DGRAM_MAX))      /* as oscport does */
			gestend_out_osc(buf, len, end);
		break;
	case WHAT_MIDI:
		midiwire_came_rt(wire, gestnet_now_us(net), buf, len);
		break;
	case WHAT_HEARD:
		if (!osc_msg_read(&msg, buf, len))
			(void)gestend_heard(&msg, NULL, end);
		break;
	case WHAT_GONE:
		hang_up();
		call();
		break;
	default:
		from_room(what, buf, len);
		break;
	}
}

static void run(unsigned ms)
{
	const struct midiwire_event *ev;
	uint8_t buf[OSCPORT_DGRAM_MAX];
	ssize_t n;

	for (unsigned i = 0; i < ms; i++) {
		gestnet_run(net, 1);
		gestend_turn(end, gestnet_now_us(net));
	}
	while ((ev = midiwire_due_rt(wire, UINT64_MAX)) != NULL)
		must(ev->len && ev->data[0] >= 0x80);
	while ((n = recv(program, buf, sizeof(buf), 0)) > 0)
		must(!osc_check(buf, (size_t)n, sizeof(buf)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	for (unsigned i = 0; i < RECORDS && size >= HEADER; i++) {
		const unsigned what = data[0] % WHAT_ALL;
		size_t len = (size_t)(data[2] | data[3] << 8);

		if (len > size - HEADER)
			len = size - HEADER;
		happen(what, data + HEADER, len);
		run(1 + data[1] % 32);
		data += HEADER + len;
		size -= HEADER + len;
	}
	finish();
	return 0;
}
