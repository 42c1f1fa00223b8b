/*
 * flow-plain.c - software without SIP in a room: clients with sockets of the loopback, the relay with its thread.
 *
 * Nothing is waited for by the clock: a step ends when what it waits for has come. That something did not come is known when
 * what was sent after it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <re.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/loop.h"
#include "osc/osc.h"
#include "osc/oscquery.h"
#include "osc/plain.h"
#include "osc/slip.h"
#include "server/selfsigned.h"
#include "tests/lib/until.h"

enum { BUF = 65536 };

static const char secret[] = "a good secret";

static struct relay *relay;
static struct plain *plain;
static uint16_t port;
static const char *address = "127.0.0.1";
static uint32_t uplink;          /* messages a second taken from a player; 0: as always */

/* --- a client --- */

enum kind { UDP, SLIP, SIZE };

struct client {
	int fd;
	enum kind kind;
	struct slip *slip;
	uint8_t in[BUF];
	size_t in_len, in_at;
	const char *want;                 /* an address */
	struct osc_msg msg;               /* the last that came */
	uint8_t pkt[BUF];
	bool closed;
};

static struct sockaddr_in loopback(unsigned host, uint16_t number)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(0x7f000000 | host)};
}

static struct client *client_sized(enum kind kind, unsigned host, int rcvbuf)
{
	const struct sockaddr_in from = loopback(host, 0), to = loopback(1, port);
	struct client *c = g_new0(struct client, 1);

	c->kind = kind;
	c->fd = socket(AF_INET, (kind == UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (rcvbuf)
		g_assert_cmpint(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)), ==, 0);
	g_assert_cmpint(bind(c->fd, (const struct sockaddr *)&from, sizeof(from)), ==, 0);
	g_assert_cmpint(connect(c->fd, (const struct sockaddr *)&to, sizeof(to)), ==, 0);
	g_assert_cmpint(fcntl(c->fd, F_SETFL, O_NONBLOCK), ==, 0);
	if (kind != UDP)
		g_assert_cmpint(slip_alloc(&c->slip, kind == SLIP ? SLIP_END : SLIP_SIZE, BUF - 4), ==, 0);
	return c;
}

static struct client *client_new(enum kind kind, unsigned host)
{
	return client_sized(kind, host, 0);
}

static void client_free(struct client *c)
{
	close(c->fd);
	mem_deref(c->slip);
	g_free(c);
}

static void client_send(struct client *c, const uint8_t *pkt, size_t len)
{
	uint8_t framed[4096];
	size_t n = sizeof(framed);

	if (c->kind == UDP) {
		g_assert_cmpint(send(c->fd, pkt, len, 0), ==, (ssize_t)len);
		return;
	}
	g_assert_cmpint(slip_write(framed, &n, c->kind == SLIP ? SLIP_END : SLIP_SIZE, pkt, len), ==, 0);
	g_assert_cmpint(send(c->fd, framed, n, MSG_NOSIGNAL), ==, (ssize_t)n);
}

static void say(struct client *c, const char *addr, const struct osc_arg *args, unsigned n)
{
	struct osc_writer w;
	uint8_t buf[1024];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	client_send(c, buf, len);
}

static void say_i(struct client *c, const char *addr, int32_t i)
{
	const struct osc_arg arg = {'i', .v.i = i};

	say(c, addr, &arg, 1);
}

static void login(struct client *c, const char *password, const char *name)
{
	const struct osc_arg args[] = {{'s', .v.s = password}, {'s', .v.s = name}};

	say(c, "/tutti/login", args, 2);
}

/* The next packet's first message; bundles do not occur here. */
static bool next_stream(struct client *c)
{
	for (;;) {
		const uint8_t *p = c->in + c->in_at, *pkt;
		size_t left = c->in_len - c->in_at, len;
		ssize_t n;

		if (left && !slip_read(c->slip, &pkt, &len, &p, &left)) {
			c->in_at = c->in_len - left;
			memcpy(c->pkt, pkt, len);
			g_assert_cmpint(osc_msg_read(&c->msg, c->pkt, len), ==, 0);
			return true;
		}
		n = recv(c->fd, c->in, sizeof(c->in), 0);
		c->in_at  = 0;
		c->in_len = n > 0 ? (size_t)n : 0;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			c->closed = true;
		if (n <= 0)
			return false;
	}
}

static bool next_message(struct client *c)
{
	ssize_t n;

	if (c->kind != UDP)
		return next_stream(c);
	n = recv(c->fd, c->pkt, sizeof(c->pkt), 0);
	if (n < 0)
		return false;
	g_assert_cmpint(osc_msg_read(&c->msg, c->pkt, (size_t)n), ==, 0);
	return true;
}

static bool has_come(void *arg)
{
	struct client *c = arg;

	while (next_message(c))
		if (!strcmp(c->msg.addr, c->want))
			return true;
	return false;
}

static const struct osc_msg *expect(struct client *c, const char *addr)
{
	c->want = addr;
	turn_until(has_come, c);
	return &c->msg;
}

static struct osc_arg first_arg(const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg arg;

	osc_args_init(&it, msg);
	g_assert_true(osc_arg_next(&it, &arg));
	return arg;
}

static void expect_s(struct client *c, const char *addr, const char *text)
{
	g_assert_cmpstr(first_arg(expect(c, addr)).v.s, ==, text);
}

static void expect_i(struct client *c, const char *addr, int32_t i)
{
	g_assert_cmpint(first_arg(expect(c, addr)).v.i, ==, i);
}

/* All that was sent before has been handled, and what came of it is on its way or here. */
static void settle(struct client *witness)
{
	static int32_t n;

	say_i(witness, "/_gest/ping", ++n);
	expect_i(witness, "/_gest/pong", n);
}

static struct client *join(enum kind kind, const char *name)
{
	struct client *c = client_new(kind, 1);

	login(c, secret, name);
	expect_s(c, "/tutti/welcome", name);
	return c;
}

static bool nothing_left(void *arg)
{
	struct plain_stats s;

	(void)arg;
	plain_stats(plain, &s);
	return s.peers == 0;
}

/* --- a room with a port --- */

static void open_room(const char *allow, unsigned peers, uint32_t idle_s)
{
	static struct addrlist list;
	const struct relay_conf rc = {.port_min = 20000, .port_max = 40000, .leave_keep_ms = 30000, .rate = uplink};
	struct plain_conf pc = {.secret = secret, .allow = &list, .peers_max = peers, .idle_s = idle_s};

	struct sa at;

	g_assert_cmpint(addrlist_read(&list, allow), ==, 0);
	g_assert_cmpint(relay_alloc(&relay, &rc), ==, 0);
	g_assert_cmpint(sa_set_str(&pc.local, address, 0), ==, 0);
	pc.relay = relay;
	g_assert_cmpint(plain_alloc(&plain, &pc), ==, 0);
	g_assert_cmpint(plain_open(plain, "band", 0, NULL), ==, 0);
	g_assert_cmpint(plain_local(plain, "BAND", &at), ==, 0);
	port = sa_port(&at);
	g_assert_cmpuint(port, !=, 0);
	g_assert_cmpint(plain_local(plain, "other", &at), ==, ENOENT);
}

static void close_room(void)
{
	plain = mem_deref(plain);
	relay_close(relay);
	relay = mem_deref(relay);
}

/* --- the tests --- */

/* Each kind of client hears each other. */
static void test_all_kinds(void)
{
	static const char *const names[] = {"ann", "bob", "cid"};
	struct client *c[3];

	open_room("", 8, 0);
	for (unsigned i = 0; i < 3; i++)
		c[i] = join((enum kind)i, names[i]);
	for (unsigned i = 0; i < 3; i++) {
		char addr[32];

		g_snprintf(addr, sizeof(addr), "/p/%s/fader", names[i]);
		say_i(c[i], "/fader", 100 + (int)i);
		for (unsigned k = 0; k < 3; k++)
			if (k != i)
				expect_i(c[k], addr, 100 + (int)i);
	}
	/* who leaves is told of: by a word, by the end of its connection */
	say(c[0], "/tutti/logout", NULL, 0);
	expect_s(c[1], "/_gest/leave", "ann");
	expect_s(c[2], "/_gest/leave", "ann");
	client_free(c[1]);
	expect_s(c[2], "/_gest/leave", "bob");
	client_free(c[2]);
	turn_until(nothing_left, NULL);
	client_free(c[0]);
	close_room();
}

/* On all addresses of the machine. */
static void test_everywhere(void)
{
	struct client *ann, *bob;

	address = "0.0.0.0";
	open_room("", 8, 0);
	ann = join(UDP, "ann");
	bob = join(SLIP, "bob");
	say_i(ann, "/fader", 1);
	expect_i(bob, "/p/ann/fader", 1);
	say_i(bob, "/fader", 2);
	expect_i(ann, "/p/bob/fader", 2);
	client_free(bob);
	client_free(ann);
	close_room();
	address = "127.0.0.1";
}

static void test_stranger(void)
{
	struct client *ann, *who, *tcp;
	struct plain_stats s;

	open_room("", 8, 0);
	ann = join(UDP, "ann");
	who = client_new(UDP, 1);
	tcp = client_new(SLIP, 1);
	say_i(who, "/fader", 1);
	say(who, "/_gest/refresh", NULL, 0);
	say_i(who, "/_gest/ping", 7);
	login(who, "a wrong secret", "who");
	login(tcp, "a wrong secret", "tcp");
	for (unsigned i = 0; i < 200; i++)
		say_i(who, "/fader", (int)i);
	expect_i(ann, "/_gest/pong", (say_i(ann, "/_gest/ping", 99), 99));
	/* it comes in now, and so what it said before was handled */
	login(who, secret, "who");
	expect_s(ann, "/_gest/join", "who");
	expect_s(who, "/tutti/welcome", "who");
	say_i(who, "/fader", 1000);
	expect_i(ann, "/p/who/fader", 1000);
	while (!tcp->closed)
		(void)next_message(tcp), settle(ann);
	plain_stats(plain, &s);
	g_assert_cmpuint(s.refused, ==, 2);
	g_assert_cmpuint(s.peers, ==, 2);
	client_free(tcp);
	client_free(who);
	client_free(ann);
	close_room();
}

static bool anything(void *arg)
{
	return next_message(arg);
}

/* What was sent before the right login had no answer at all: the first thing to come is the welcome. */
static void test_no_reflector(void)
{
	struct client *who;

	open_room("", 8, 0);
	who = client_new(UDP, 1);
	login(who, "a wrong secret", "who");
	say_i(who, "/_gest/ping", 7);
	login(who, secret, "who");
	turn_until(anything, who);
	g_assert_cmpstr(who->msg.addr, ==, "/tutti/welcome");
	client_free(who);
	close_room();
}

/* From an address of the list without a word: what comes first is a gesture already. */
static void test_listed(void)
{
	struct client *ann, *udp, *tcp;

	open_room("127.0.0.2", 8, 0);
	ann = join(UDP, "ann");
	udp = client_new(UDP, 2);
	say_i(udp, "/fader", 1);
	expect_i(ann, "/p/osc/fader", 1);
	expect_s(udp, "/tutti/welcome", "osc");
	say_i(udp, "/fader", 2);
	expect_i(ann, "/p/osc/fader", 2);
	tcp = client_new(SIZE, 2);
	say_i(tcp, "/knob", 3);
	expect_i(ann, "/p/osc-2/knob", 3);
	client_free(tcp);
	client_free(udp);
	client_free(ann);
	close_room();
}

/* Somebody else logs it in there; it has no mouth of its own. */
static struct client *ear_new(struct client *mouth, const char *name, const char *view)
{
	struct osc_arg args[] = {{'s', .v.s = secret}, {'s', .v.s = name}, {.tag = 'i'}, {'s', .v.s = view}};
	struct client *ear = client_new(UDP, 1);
	struct sockaddr_in at = loopback(1, 0);
	socklen_t len = sizeof(at);

	g_assert_cmpint(getsockname(ear->fd, (struct sockaddr *)&at, &len), ==, 0);
	args[2].v.i = ntohs(at.sin_port);
	say(mouth, "/tutti/login", args, view ? 4 : 3);
	return ear;
}

/* It plays from one port and hears on another. */
static void test_hears_elsewhere(void)
{
	struct client *ann, *mouth, *ear;

	open_room("", 8, 0);
	ann   = join(UDP, "ann");
	mouth = client_new(UDP, 1);
	ear   = ear_new(mouth, "two", NULL);
	expect_s(ear, "/tutti/welcome", "two");
	say_i(mouth, "/fader", 5);
	expect_i(ann, "/p/two/fader", 5);
	say_i(ann, "/fader", 6);
	expect_i(ear, "/p/ann/fader", 6);
	client_free(ear);
	client_free(mouth);
	client_free(ann);
	close_room();
}

/* Addresses as they were said, by all kinds of lines; and what is said to one alone. */
static void test_flat(void)
{
	struct client *ann;

	open_room("", 8, 0);
	ann = join(UDP, "ann");
	for (enum kind k = UDP; k <= SIZE; k++) {
		const struct osc_arg args[] = {{'s', .v.s = secret}, {'s', .v.s = "sc"}, {'s', .v.s = "flat"}};
		struct client *c = client_new(k, 1);

		say(c, "/tutti/login", args, 3);
		expect_s(c, "/tutti/welcome", "sc");
		say_i(ann, "/fader", 6 + (int)k);
		expect_i(c, "/fader", 6 + (int)k);
		say_i(ann, "/to/sc/c_set", 3);
		expect_i(c, "/c_set", 3);
		say_i(c, "/fader", 8);
		expect_i(ann, "/p/sc/fader", 8);
		say(c, "/tutti/logout", NULL, 0);
		expect_s(ann, "/_gest/leave", "sc");
		client_free(c);
	}
	client_free(ann);
	close_room();
}

static bool is_flooded(void *ear)
{
	struct plain_stats s;

	for (unsigned i = 0; i < 50; i++)
		say_i(ear, "/many", (int)i);
	plain_stats(plain, &s);
	return s.flooded > 0;
}

/* What comes from where a player hears is its own, as a server of sound answers; from the list's addresses, too, which would else
 * be a player more. */
static void test_answers(void)
{
	static const char *const lists[] = {"", "127.0.0.0/8"};

	for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
		struct client *ann, *mouth, *ear, *other;
		struct plain_stats s;

		open_room(lists[i], 8, 0);
		ann   = join(UDP, "ann");
		mouth = client_new(UDP, 1);
		ear   = ear_new(mouth, "sc", "flat");
		expect_s(ear, "/tutti/welcome", "sc");
		say_i(ann, "/to/sc/c_get", 3);
		expect_i(ear, "/c_get", 3);
		say_i(ear, "/c_set", 4);
		expect_i(ann, "/p/sc/c_set", 4);
		plain_stats(plain, &s);
		g_assert_cmpuint(s.peers, ==, 2);

		/* But who logs in there is somebody else. */
		login(ear, secret, "ear");
		expect_s(ann, "/_gest/join", "ear");
		plain_stats(plain, &s);
		g_assert_cmpuint(s.peers, ==, 3);
		g_assert_cmpuint(s.flooded, ==, 0);

		/* Only so many a second, for they are handed over one by one. */
		client_free(mouth);
		mouth = client_new(UDP, 1);
		other = ear_new(mouth, "loud", NULL);
		expect_s(other, "/tutti/welcome", "loud");
		turn_until(is_flooded, other);
		client_free(other);
		client_free(ear);
		client_free(mouth);
		client_free(ann);
		close_room();
	}
}

/* "/_gest/join, /_gest/snapshot/begin, plain state messages, /_gest/snapshot/end" */
static void test_late(void)
{
	for (enum kind k = UDP; k <= SIZE; k++) {
		struct client *ann, *late;

		open_room("", 8, 0);
		ann = join(SLIP, "ann");
		say_i(ann, "/fader", 1);
		say_i(ann, "/fader", 2);
		settle(ann);
		late = join(k, "late");
		say(late, "/_gest/refresh", NULL, 0);
		expect_s(late, "/_gest/snapshot/begin", "ann");
		expect_i(late, "/p/ann/fader", 2);
		expect_s(late, "/_gest/snapshot/end", "ann");
		client_free(late);
		client_free(ann);
		close_room();
	}
}

static void test_full(void)
{
	struct client *ann, *bob, *cid;
	struct plain_stats s;

	open_room("", 2, 0);
	ann = join(UDP, "ann");
	bob = join(SLIP, "bob");
	cid = client_new(UDP, 1);
	login(cid, secret, "cid");
	settle(ann);
	client_free(bob);
	expect_s(ann, "/_gest/leave", "bob");
	login(cid, secret, "cid");
	expect_s(cid, "/tutti/welcome", "cid");
	plain_stats(plain, &s);
	g_assert_cmpuint(s.full, ==, 1);
	client_free(cid);
	client_free(ann);
	close_room();
}

/* A program that was started again under its name takes its place. */
static void test_again(void)
{
	struct client *ann, *old, *again;
	struct plain_stats s;

	open_room("", 8, 0);
	ann = join(UDP, "ann");
	old = join(UDP, "bob");
	again = join(UDP, "bob");
	expect_s(ann, "/_gest/leave", "bob");
	plain_stats(plain, &s);
	g_assert_cmpuint(s.peers, ==, 2);
	client_free(again);
	client_free(old);
	client_free(ann);
	close_room();
}

static void test_idle(void)
{
	struct client *ann, *bob;
	struct plain_stats s;

	open_room("", 8, 1);
	ann = join(SLIP, "ann");
	bob = join(UDP, "bob");
	expect_s(ann, "/_gest/leave", "bob");
	plain_stats(plain, &s);
	g_assert_cmpuint(s.idle, ==, 1);
	client_free(bob);
	client_free(ann);
	close_room();
}

/* Two sockets share the port of a room; nobody else may. */
static void test_port_is_ours(void)
{
	struct client *ann;
	const int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at;

	open_room("", 8, 0);
	ann = join(UDP, "ann");
	at  = loopback(1, port);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), ==, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, -1);
	g_assert_cmpint(errno, ==, EADDRINUSE);
	close(fd);
	client_free(ann);
	close_room();
}

/* The room ends: connections do, too, and its port is free. */
static void test_room_ends(void)
{
	struct client *ann;
	struct sa at;

	open_room("", 8, 0);
	ann = join(SLIP, "ann");
	plain_close(plain, "band");
	g_assert_cmpint(plain_local(plain, "band", &at), ==, ENOENT);
	while (!ann->closed)
		(void)next_message(ann);
	g_assert_cmpint(plain_open(plain, "band", port, NULL), ==, 0);
	client_free(ann);
	close_room();
}

/* --- who does not read --- */

struct flood {
	struct client *from, *to;
	bool events;
	int32_t n;
};

static bool has_flooded(void *arg)
{
	struct flood *f = arg;
	struct plain_stats s;
	struct relay_stats rs;
	struct osc_arg args[2] = {{'i', .v.i = 0}, {.tag = 'b'}};
	static uint8_t blob[400];

	plain_stats(plain, &s);
	args[1].v.b.p = blob;
	args[1].v.b.len = sizeof(blob);
	for (unsigned i = 0; i < (f->events ? 4 : 1); i++) {
		args[0].v.i = ++f->n;
		say(f->from, f->events ? "/to/slow/hit" : "/fader", args, 2);
	}
	relay_stats(relay, &rs);
	return f->events ? s.overflowed > 0 : rs.coalesced >= 200;
}

/* UDP may have lost the last one in the flood: it is said once more, which changes nothing where it is known. */
static bool reads_last(void *arg)
{
	struct flood *f = arg;
	struct osc_arg args[2] = {{'i', .v.i = f->n}, {.tag = 'b'}};

	say(f->from, "/fader", args, 2);
	while (next_message(f->to))
		if (!strcmp(f->to->msg.addr, "/p/ann/fader") && first_arg(&f->to->msg).v.i == f->n)
			return true;
	return false;
}

/* Narrow, so that little waits in the kernel. */
static struct client *join_slow(void)
{
	struct client *c = client_sized(SIZE, 1, 16384);

	login(c, secret, "slow");
	expect_s(c, "/tutti/welcome", "slow");
	return c;
}

/* State is coalesced: it stays connected, and when it reads it has the last value. */
static void test_slow_state(void)
{
	struct flood f = {.events = false};
	struct plain_stats s;

	open_room("", 8, 0);
	f.from = join(UDP, "ann");
	f.to   = join_slow();
	turn_until(has_flooded, &f);
	turn_until(reads_last, &f);
	plain_stats(plain, &s);
	g_assert_cmpuint(s.overflowed, ==, 0);
	client_free(f.to);
	client_free(f.from);
	close_room();
}

/* "when 256 KiB wait the connection is closed" */
static void test_slow_events(void)
{
	struct flood f = {.events = true};

	open_room("", 8, 0);
	f.from = join(UDP, "ann");
	f.to   = join_slow();
	turn_until(has_flooded, &f);
	expect_s(f.from, "/_gest/leave", "slow");
	client_free(f.to);
	client_free(f.from);
	close_room();
}

/* --- OSCQuery --- */

struct question { int fd; GString *text; };

static bool is_answered(void *arg)
{
	struct question *q = arg;
	char buf[4096];
	ssize_t n;

	while ((n = recv(q->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		g_string_append_len(q->text, buf, n);
	return n == 0 || errno == ECONNRESET;
}

/* The whole answer, head and all. */
static char *get(const struct oscquery *query, unsigned host, const char *request)
{
	const struct sockaddr_in from = loopback(host, 0);
	struct question q = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .text = g_string_new(NULL)};
	struct sa at;

	g_assert_cmpint(oscquery_local(query, &at), ==, 0);
	g_assert_cmpint(bind(q.fd, (const struct sockaddr *)&from, sizeof(from)), ==, 0);
	g_assert_cmpint(connect(q.fd, &at.u.sa, at.len), ==, 0);
	g_assert_cmpint(send(q.fd, request, strlen(request), MSG_NOSIGNAL), ==, (ssize_t)strlen(request));
	turn_until(is_answered, &q);
	close(q.fd);
	return g_string_free(q.text, FALSE);
}

static void test_query(void)
{
	static const struct { const char *request, *want; } asked[] = {
		{"GET / HTTP/1.1\r\n\r\n", "\"CONTENTS\":{\"band\":{\"FULL_PATH\":\"/band\",\"ACCESS\":0}}}"},
		{"GET /?HOST_INFO HTTP/1.1\r\n\r\n", "{\"NAME\":\"Tutti\",\"EXTENSIONS\":{\"ACCESS\":true"},
		{"GET /band?HOST_INFO HTTP/1.1\r\n\r\n", "\"OSC_IP\":\"127.0.0.1\",\"OSC_PORT\":"},
		{"GET /band/p/ann/fader HTTP/1.1\r\n\r\n",
		 "{\"FULL_PATH\":\"/p/ann/fader\",\"TYPE\":\"i\",\"ACCESS\":1,\"VALUE\":[42]}"},
		{"GET /band/p/%61nn/fader?VALUE HTTP/1.0\r\n\r\n", "{\"VALUE\":[42]}"},
		{"GET /band/tutti/tempo?RANGE HTTP/1.1\r\n\r\n", "{\"RANGE\":[{\"MIN\":20,\"MAX\":400}]}"},
		{"GET /band/tutti/member/ann/mute?ACCESS HTTP/1.1\r\n\r\n", "{\"ACCESS\":3}"},
		{"GET /band HTTP/1.1\r\n\r\n", "\"p\":{\"FULL_PATH\":\"/p\",\"CONTENTS\":{\"ann\":"},
		{"GET /band/p/ann?VALUE HTTP/1.1\r\n\r\n", "HTTP/1.1 204 "},
		{"GET /band/p/ann?NOTHING HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /band/p/bob HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
		{"GET /other HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
		{"GET /%00 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /%6 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET band HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET\r\n\r\n", "HTTP/1.1 400 "},
		{"POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
	};
	struct addrlist from;
	struct oscquery_conf qc = {.from = &from};
	struct oscquery *query;
	struct client *ann;
	char *text, *big = g_strnfill(9000, 'x');

	open_room("", 8, 0);
	g_assert_cmpint(addrlist_read(&from, "127.0.0.1"), ==, 0);
	g_assert_cmpint(sa_set_str(&qc.local, "127.0.0.1", 0), ==, 0);
	qc.relay = relay;
	qc.plain = plain;
	g_assert_cmpint(oscquery_alloc(&query, &qc), ==, 0);
	ann = join(UDP, "ann");
	say_i(ann, "/fader", 42);
	settle(ann);
	for (unsigned i = 0; i < G_N_ELEMENTS(asked); i++) {
		text = get(query, 1, asked[i].request);
		if (!strstr(text, asked[i].want))
			g_error("%s gave %s", asked[i].request, text);
		g_free(text);
	}
	/* nobody else may ask, and nobody at length */
	text = get(query, 2, "GET / HTTP/1.1\r\n\r\n");
	g_assert_cmpstr(text, ==, "");
	g_free(text);
	text = get(query, 1, big);
	g_assert_true(g_str_has_prefix(text, "HTTP/1.1 431 ") || !*text);
	g_free(text);
	g_free(big);
	client_free(ann);
	mem_deref(query);
	close_room();
}

/* More than the kernel takes at once. */
static void test_big_answer(void)
{
	enum { KEYS = 3000 };
	struct addrlist from;
	struct oscquery_conf qc = {.from = &from};
	struct oscquery *query;
	struct client *ann;
	char *text, *body;

	uplink = 100000;
	open_room("", 8, 0);
	uplink = 0;
	g_assert_cmpint(addrlist_read(&from, "127.0.0.1"), ==, 0);
	g_assert_cmpint(sa_set_str(&qc.local, "127.0.0.1", 0), ==, 0);
	qc.relay = relay;
	g_assert_cmpint(oscquery_alloc(&query, &qc), ==, 0);
	ann = join(SIZE, "ann");
	for (int i = 0; i < KEYS; i++) {
		char addr[64];

		g_snprintf(addr, sizeof(addr), "/a/quite/long/address/of/number/%d", i);
		say_i(ann, addr, i);
	}
	do {
		settle(ann);
		text = get(query, 1, "GET /band/p/ann HTTP/1.1\r\n\r\n");
		body = strstr(text, "\"2999\":");
		if (body)
			break;
		g_free(text);
	} while (true);
	body = strstr(text, "\r\n\r\n") + 4;
	g_assert_cmpuint(strlen(body), >, 256 * 1024);
	g_assert_cmpuint(g_ascii_strtoull(strstr(text, "Content-Length: ") + 16, NULL, 10), ==, strlen(body));
	g_free(text);
	client_free(ann);
	mem_deref(query);
	close_room();
}

int main(int argc, char *argv[])
{
	int ret;

	signal(SIGPIPE, SIG_IGN);
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(loop_init(), ==, 0);
	g_test_add_func("/plain/all-kinds", test_all_kinds);
	g_test_add_func("/plain/everywhere", test_everywhere);
	g_test_add_func("/plain/stranger", test_stranger);
	g_test_add_func("/plain/no-reflector", test_no_reflector);
	g_test_add_func("/plain/listed", test_listed);
	g_test_add_func("/plain/hears-elsewhere", test_hears_elsewhere);
	g_test_add_func("/plain/flat", test_flat);
	g_test_add_func("/plain/answers", test_answers);
	g_test_add_func("/plain/late", test_late);
	g_test_add_func("/plain/full", test_full);
	g_test_add_func("/plain/again", test_again);
	g_test_add_func("/plain/idle", test_idle);
	g_test_add_func("/plain/port-is-ours", test_port_is_ours);
	g_test_add_func("/plain/room-ends", test_room_ends);
	g_test_add_func("/plain/slow-state", test_slow_state);
	g_test_add_func("/plain/slow-events", test_slow_events);
	g_test_add_func("/plain/query", test_query);
	g_test_add_func("/plain/big-answer", test_big_answer);
	ret = g_test_run();
	loop_close();
	return ret;
}
