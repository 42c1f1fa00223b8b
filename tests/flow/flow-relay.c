/*
 * flow-relay.c - players of a room and what they hear of each other, through a relay whose clock and network the test turns.
 */
#include <string.h>
#include <glib.h>
#include "osc/gest.h"
#include "tests/lib/gestnet.h"

enum { HEARD = 4096, TEXT = 96 };

/* A party of plain OSC over UDP: it writes down what it gets. */
struct plain {
	struct player *player;
	struct gestend *end;
	struct sa server;
	unsigned n;
	char heard[HEARD][TEXT];          /* "/p/anna/x f=1.5" */
};

static struct gestnet *net;
static struct ensemble *room;

static void write_down(char *text, size_t size, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;
	size_t n = (size_t)g_snprintf(text, (gulong)size, "%s", msg->addr);

	osc_args_init(&it, msg);
	while (n < size && osc_arg_next(&it, &a)) {
		switch (a.tag) {

		case 'i': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %d", a.v.i); break;
		case 'f': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %g", (double)a.v.f); break;
		case 's': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %s", a.v.s); break;
		default:  n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %c", a.tag); break;
		}
	}
}

static void plain_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct plain *p = arg;
	struct osc_iter it;
	struct osc_msg msg;

	(void)end, (void)from, (void)now_us;
	g_assert_cmpint(osc_check(buf, len, OSC_MAX_DGRAM), ==, 0);
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg)) {
		if (p->n < HEARD)
			write_down(p->heard[p->n++], TEXT, &msg);
	}
}

static unsigned times(const struct plain *p, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += !strcmp(p->heard[i], text);
	return n;
}

static void send_bytes(struct plain *p, const uint8_t *buf, size_t len)
{
	gestnet_send(p->end, &p->server, buf, len);
}

static size_t compose(uint8_t *buf, size_t size, const char *addr, const char *tags, va_list ap)
{
	struct osc_arg a[8] = {0};
	struct osc_writer w;
	size_t n = strlen(tags), len = 0;

	for (size_t i = 0; i < n; i++) {
		a[i].tag = tags[i];
		if (tags[i] == 'i')
			a[i].v.i = va_arg(ap, int);
		else if (tags[i] == 'f')
			a[i].v.f = (float)va_arg(ap, double);
		else if (tags[i] == 's')
			a[i].v.s = va_arg(ap, const char *);
	}
	osc_w_init(&w, buf, size);
	osc_w_msg(&w, addr, a, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static void play(struct plain *p, const char *addr, const char *tags, ...)
{
	uint8_t buf[1024];
	size_t len;
	va_list ap;

	va_start(ap, tags);
	len = compose(buf, sizeof(buf), addr, tags, ap);
	va_end(ap);
	send_bytes(p, buf, len);
}

static void udp_line(struct gestline *l, const struct plain *p)
{
	gestline_init(l, GESTLINE_UDP);
	l->dir = LEG_DIR_BOTH;
	l->peer = *gestnet_addr(p->end);
	l->takes.refresh_ms = 0;
}

static void joins(struct plain *p, const char *name, const char *identity)
{
	struct player_conf c = {.member = 0};

	memset(p, 0, sizeof(*p));
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, identity, sizeof(c.identity));
	g_assert_cmpint(gestnet_end_add(&p->end, net, plain_recv, NULL, p), ==, 0);
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
}

static void takes_line(struct plain *p, const struct gestline *l)
{
	struct sa local;

	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, l->kind, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, l), ==, 0);
}

static void joins_udp(struct plain *p, const char *name)
{
	struct gestline l;

	joins(p, name, name);
	udp_line(&l, p);
	takes_line(p, &l);
	gestnet_run(net, 2);
}

/* Its first datagram, which opens its line. */
static void opens(struct plain *p)
{
	play(p, "/_gest/ping", "i", 7);
	gestnet_run(net, 5);
}

static void leaves(struct plain *p)
{
	p->player = mem_deref(p->player);
	gestnet_run(net, 5);
	p->end = mem_deref(p->end);
}

static void begin(void)
{
	g_assert_cmpint(gestnet_alloc(&net, NULL, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "jam"), ==, 0);
}

static void ends(void)
{
	struct relay_stats s;

	gestnet_run(net, 5);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.players, ==, 0);
	room = mem_deref(room);
	gestnet_run(net, 5);
	g_assert_cmpuint(gestnet_astray(net), ==, 0);
	net = mem_deref(net);
}

static void test_two_hear_each_other(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	joins_udp(&bob, "bob");
	opens(&anna);
	opens(&bob);
	g_assert_cmpuint(times(&anna, "/_gest/join bob"), ==, 1);
	g_assert_cmpuint(times(&bob, "/_gest/join anna"), ==, 1);

	play(&anna, "/synth/gain", "f", 0.5);
	play(&bob, "/pad/hit", "i", 3);
	gestnet_run(net, 5);
	g_assert_cmpuint(times(&bob, "/p/anna/synth/gain 0.5"), ==, 1);
	g_assert_cmpuint(times(&anna, "/p/bob/pad/hit 3"), ==, 1);
	g_assert_cmpuint(times(&anna, "/p/anna/synth/gain 0.5"), ==, 0);

	leaves(&bob);
	g_assert_cmpuint(times(&anna, "/_gest/leave bob"), ==, 1);
	leaves(&anna);
	ends();
}

static void test_nothing_before_a_datagram(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	joins_udp(&bob, "bob");
	opens(&anna);
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 2000);
	g_assert_cmpuint(gestnet_packets(bob.end), ==, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_late_joiner(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	play(&anna, "/x", "i", 1);
	play(&anna, "/y", "f", 2.5);
	play(&anna, "/x", "i", 3);
	play(&anna, "/key", "I");
	play(&anna, "/z", "i", 3);
	play(&anna, "/z", "N");
	gestnet_run(net, 5);
	joins_udp(&bob, "bob");
	opens(&bob);
	gestnet_run(net, 20);
	g_assert_cmpuint(times(&bob, "/_gest/snapshot/begin anna 2"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/anna/x 1"), ==, 0);
	g_assert_cmpuint(times(&bob, "/p/anna/y 2.5"), ==, 1);
	g_assert_cmpuint(times(&bob, "/_gest/snapshot/end anna"), ==, 1);
	g_assert_cmpuint(bob.n, ==, 6);           /* join and pong too */
	gestnet_run(net, 600);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 2);      /* "sent twice, 500 ms apart" */
	gestnet_run(net, 600);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 2);
	leaves(&anna);
	leaves(&bob);
	ends();
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	g_test_add_func("/relay/two", test_two_hear_each_other);
	g_test_add_func("/relay/opened", test_nothing_before_a_datagram);
	g_test_add_func("/relay/late", test_late_joiner);
	err = g_test_run();
	libre_close();
	return err;
}
