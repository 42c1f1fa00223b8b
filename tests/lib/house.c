/*
 * house.c - the whole server below main.c in one test.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "house.h"
#include "sim.h"

static void settings_read(struct config *cfg, const char *ini)
{
	char *path = NULL, *why = NULL;
	int fd = g_file_open_tmp("tutti-house-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_assert_true(g_file_set_contents(path, ini, -1, NULL));
	if (config_read_file(cfg, path, &why))
		g_error("%s", why);

	close(fd);
	unlink(path);
	g_free(path);
}

static void parts_open(struct house *h)
{
	const struct control_conf cc = {
		.auto_rooms = config_bool(h->cfg, "rooms.auto"), .max_rooms = 100, .max_members_per_room = 100,
		.max_members = 1000, .empty_timeout_s = config_uint(h->cfg, "rooms.empty-timeout"),
		.seat_time_s = config_uint(h->cfg, "rooms.seat-time"),
	};
	const struct sips_conf sc = { .listen = "udp:127.0.0.1:0 tcp:127.0.0.1:0", .software = "house" };
	const struct mixer_conf mc = { .port_min = 34000, .port_max = 48000 };
	enum sip_transp tp;
	struct sa addr;

	g_assert_cmpint(mixer_alloc(&h->mixer, &mc), ==, 0);
	g_assert_cmpint(control_alloc(&h->control, &cc, h->mixer), ==, 0);
	g_assert_cmpint(sips_alloc(&h->sips, &sc), ==, 0);
	g_assert_cmpint(focus_alloc(&h->focus, h->cfg, h->sips, h->control, h->mixer), ==, 0);

	for (size_t n = 0; !sips_listener(h->sips, n, &tp, &addr); n++)
		*(tp == SIP_TRANSP_UDP ? &h->udp : &h->tcp) = addr;
}

void house_open(struct house *h, const char *ini)
{
	memset(h, 0, sizeof(*h));
	g_assert_cmpint(sim_init(1), ==, 0);
	g_assert_cmpint(config_alloc(&h->cfg), ==, 0);
	if (ini)
		settings_read(h->cfg, ini);

	parts_open(h);
	sim_advance(10);
}

void house_turn(struct house *h)
{
	mixer_turn(h->mixer, 1000000 + sim_now_ms() * 1000);
	mixer_dispatch(h->mixer);
}

/* A leg that was let go fades out on the media side first, so it takes a few turns to be gone. */
static void settle(struct house *h)
{
	struct mixer_stats st;

	for (int i = 0; i < 100; i++) {
		sim_advance(10);
		house_turn(h);
		mixer_stats(h->mixer, &st);
		if (!st.legs)
			return;
	}
	g_error("%u legs are left", st.legs);
}

void house_close(struct house *h)
{
	h->focus = mem_deref(h->focus);
	settle(h);
	g_assert_cmpuint(control_members(h->control), ==, 0);

	sips_close(h->sips);
	h->sips    = mem_deref(h->sips);
	h->control = mem_deref(h->control);
	h->mixer   = mem_deref(h->mixer);
	h->cfg     = mem_deref(h->cfg);
	sim_close();
}

struct snapshot *house_room(struct house *h, const char *room)
{
	struct snapshot *s = NULL;

	return snapshot_take(&s, h->control, room) ? NULL : s;
}

unsigned house_members(struct house *h, const char *room)
{
	struct snapshot *s = house_room(h, room);
	unsigned n = s ? (unsigned)s->n_members : 0;

	mem_deref(s);

	return n;
}

const char *house_sdp(uint16_t port, const char *dir)
{
	static char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp),
			  "v=0\r\no=- 1 %u IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			  "m=audio %u RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=%s\r\n", rand_u16(), port, dir);

	return sdp;
}
