/*
 * bandmate.c - a musician's gestures, their line, and where they play.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bandmate.h"

enum { MS = 1000, RATE = 48000 };

/* --- where --- */

void bandroom_open(struct bandroom *r, uint32_t rate, uint32_t seed)
{
	const struct relay_conf conf = {.port_min = 30000, .port_max = 39999, .rate = rate, .sysex_max = 256, .leave_keep_ms = 30000,
		.silence_ms = 60000};

	r->rate = rate;
	g_assert_cmpint(gestnet_alloc(&r->net, &conf, seed), ==, 0);
	g_assert_cmpint(ensemble_get(&r->band, gestnet_relay(r->net), "band"), ==, 0);
	bandroom_run(r, 2);
}

void bandroom_close(struct bandroom *r)
{
	r->band = mem_deref(r->band);
	bandroom_run(r, 5);
	r->net = mem_deref(r->net);
}

void bandroom_run(struct bandroom *r, unsigned ms)
{
	if (r->runh)
		r->runh(ms);
	else
		gestnet_run(r->net, ms);
}

/* --- the program --- */

static void program_reads(struct mate *m, uint64_t now_us)
{
	uint8_t buf[2048];
	ssize_t n;

	while ((n = recv(m->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		struct osc_args it;
		struct osc_arg a = {.tag = 'i'};
		struct osc_msg msg;

		g_assert_cmpint(osc_msg_read(&msg, buf, (size_t)n), ==, 0);
		osc_args_init(&it, &msg);
		(void)osc_arg_next(&it, &a);
		g_hash_table_replace(m->state, g_strdup(msg.addr), GINT_TO_POINTER(a.v.i));
		if (m->n_seen == MATE_SEEN)
			continue;
		m->seen[m->n_seen].at_us = now_us;
		m->seen[m->n_seen].value = a.v.i;
		g_strlcpy(m->seen[m->n_seen++].addr, msg.addr, sizeof(m->seen[0].addr));
	}
}

void mate_sends(struct mate *m, const uint8_t *osc, size_t len)
{
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(gestend_osc_port(m->g)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	g_assert_cmpint(sendto(m->fd, osc, len, 0, (const struct sockaddr *)&to, sizeof(to)), ==, (ssize_t)len);
}

void mate_sets(struct mate *m, const char *addr, int value)
{
	const struct osc_arg a = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	mate_sends(m, buf, len);
	g_hash_table_replace(m->set, g_strdup(addr), GINT_TO_POINTER(value));
}

/* --- the instrument --- */

static void follow_note(struct mate *m, const uint8_t *data)
{
	const uint8_t kind = data[0] & 0xf0, channel = data[0] & 0x0f;
	uint8_t *held = &m->held[channel][data[1] & 0x7f];

	if (kind == 0x90 && data[2]) {
		++*held;
		m->notes[channel].on++;
	} else if ((kind == 0x80 || kind == 0x90) && *held) {
		--*held;
		m->notes[channel].off++;
	} else if (kind == 0x80 || kind == 0x90) {
		m->notes[channel].stray++;
	}
}

static void instrument_plays(struct mate *m, const struct midiwire_event *ev, uint64_t at_us)
{
	uint8_t data[3] = {0};

	memcpy(data, ev->data, ev->len < 3 ? ev->len : 3);
	follow_note(m, data);
	if (m->n_played == MATE_PLAYED)
		return;
	m->played[m->n_played].at_us = at_us;
	memcpy(m->played[m->n_played++].data, data, 3);
}

/* One that is served once a step; what comes too late is played now. */
static void instrument_turn(struct mate *m, uint64_t now_us)
{
	const struct midiwire_event *ev;

	while ((ev = midiwire_due_rt(m->wire, now_us)) != NULL)
		instrument_plays(m, ev, ev->at_us > now_us - MS ? ev->at_us : now_us);
}

/* As client/device_jack.c does: at a frame of this cycle. */
void mate_cycle(struct mate *m, uint64_t at_us, uint32_t n_smp)
{
	const struct midiwire_event *ev;

	while ((ev = midiwire_due_rt(m->wire, at_us + (uint64_t)n_smp * 1000000 / RATE)) != NULL) {
		const uint64_t frame = ev->at_us > at_us ? (ev->at_us - at_us) * RATE / 1000000 : 0;

		instrument_plays(m, ev, at_us + MIN(frame, n_smp - 1) * 1000000 / RATE);
	}
}

void mate_plays_at(struct mate *m, uint64_t at_us, uint8_t status, uint8_t a, uint8_t b)
{
	const uint8_t bytes[] = {status, a, b};

	midiwire_came_rt(m->wire, at_us, bytes, sizeof(bytes));
}

void mate_plays(struct mate *m, uint8_t status, uint8_t a, uint8_t b)
{
	mate_plays_at(m, gestnet_now_us(m->at->net) + m->ahead_us, status, a, b);
}

unsigned mate_sounding(const struct mate *m)
{
	unsigned n = 0;

	for (int c = 0; c < 16; c++)
		for (int k = 0; k < 128; k++)
			n += m->held[c][k];
	return n;
}

static void note_is_held(gpointer addr, gpointer value, gpointer n)
{
	if (strstr(addr, "/note/") && GPOINTER_TO_INT(value))
		++*(unsigned *)n;
}

unsigned mate_sounding_osc(const struct mate *m)
{
	unsigned n = 0;

	g_hash_table_foreach(m->state, note_is_held, &n);
	return n;
}

/* --- its end --- */

void mate_turn(uint64_t now_us, void *mate)
{
	struct mate *m = mate;

	if (!m->g)
		return;
	gestend_turn(m->g, now_us);
	(void)relay_turn(m->relay, now_us);       /* what it says goes at once */
	program_reads(m, now_us);
	if (!m->card)
		instrument_turn(m, now_us);
}

static void house_handler(const struct osc_msg *msg, void *arg)
{
	(void)msg;
	((struct mate *)arg)->n_house++;
}

static uint32_t delay_handler(const char *name, void *arg)
{
	struct mate *m = arg;

	return m->delayh ? m->delayh(name, m) : m->delay_us;
}

/* --- the line --- */

static void line_set(struct player *p, const struct sa *peer, uint32_t rate)
{
	struct gestline l;

	gestline_init(&l, GESTLINE_OSC);
	l.dir  = LEG_DIR_BOTH;
	l.pt   = 98;
	l.rate = RATE;
	l.party_exec = true;
	l.takes.rate = rate;
	l.peer = *peer;
	g_assert_cmpint(player_set_line(p, &l), ==, 0);
}

static struct player *player_of(struct relay *r, struct ensemble *in, const char *name, player_house_h *h, void *arg, struct sa *bound)
{
	struct player_conf c = {.househ = h, .arg = arg};
	struct player *p;
	struct sa local;

	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p, r, in, &c), ==, 0);
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p, GESTLINE_OSC, &local, bound), ==, 0);
	return p;
}

static struct player *room_at(struct mate *m, struct sa *bound)
{
	return player_of(m->relay, m->ensemble, "room", gestend_heard, m->g, bound);
}

/* A player at either end of the line. */
void mate_calls(struct mate *m)
{
	struct sa near, far;

	m->far  = player_of(gestnet_relay(m->at->net), m->at->band, m->name, NULL, NULL, &far);
	m->room = room_at(m, &near);
	line_set(m->far, &near, m->at->rate);
	line_set(m->room, &far, m->at->rate);
	gestend_set_player(m->g, m->room);
	bandroom_run(m->at, 100);
}

void mate_calls_mate(struct mate *a, struct mate *b)
{
	struct sa at_a, at_b;

	a->room = room_at(a, &at_a);
	b->room = room_at(b, &at_b);
	line_set(a->room, &at_b, a->at->rate);
	line_set(b->room, &at_a, b->at->rate);
	gestend_set_player(a->g, a->room);
	gestend_set_player(b->g, b->room);
	bandroom_run(a->at, 100);
}

void mate_hangs_up(struct mate *m)
{
	gestend_set_player(m->g, NULL);
	m->room = mem_deref(m->room);
	m->far  = mem_deref(m->far);
	bandroom_run(m->at, 50);
}

void mate_link(const struct mate *m, const struct gestlink *link)
{
	gestnet_relay_link(m->at->net, m->relay, link);
}

/* --- life --- */

static void open_program(struct mate *m)
{
	const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	m->state = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	m->set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	m->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(m->fd, (const struct sockaddr *)&own, sizeof(own)), ==, 0);
}

static void open_end(struct mate *m)
{
	const struct relay_conf rc = {.port_min = 30000, .port_max = 39999, .sysex_max = 256, .silence_ms = 60000, .end = true,
		.rate = m->rate};
	struct gestend_conf gc = {.osc = true, .osc_to = "", .align = m->align, .clock_out = true, .by_hand = true,
		.househ = house_handler, .delay_us = delay_handler, .arg = m};

	g_assert_cmpint(midiwire_alloc(&m->wire), ==, 0);
	gc.midi = m->wire;
	g_assert_cmpint(gestend_alloc(&m->g, &gc), ==, 0);
	g_assert_cmpint(gestnet_relay_add(&m->relay, m->at->net, &rc, m->ahead_us, mate_turn, m), ==, 0);
	g_assert_cmpint(ensemble_get(&m->ensemble, m->relay, "end"), ==, 0);
	if (m->link.delay_us)
		mate_link(m, &m->link);
}

void mate_comes(struct mate *m, struct bandroom *at, const char *name, uint64_t ahead_us)
{
	static const uint8_t hello[] = "/tutti/ask\0\0,\0\0";

	m->name = name;
	m->at = at;
	m->ahead_us = ahead_us;
	open_program(m);
	open_end(m);
	bandroom_run(at, 2);
	mate_calls(m);
	mate_sends(m, hello, sizeof(hello));      /* so it is known */
	bandroom_run(at, 50);
}

void mate_goes(struct mate *m)
{
	if (m->room)
		mate_hangs_up(m);
	m->g = mem_deref(m->g);
	m->wire = mem_deref(m->wire);
	m->ensemble = mem_deref(m->ensemble);
	bandroom_run(m->at, 2);
	gestnet_relay_end(m->at->net, m->relay);
	close(m->fd);
	g_hash_table_destroy(m->state);
	g_hash_table_destroy(m->set);
	memset(m, 0, sizeof(*m));
}
