/*
 * bench-room.c - what a member of a room costs, against a bare echo of the same packets in the same run.
 *
 *     build/tests/bench/bench-room [pcmu|opus|l16|music] [MEMBERS] [TURNS] [TALKERS]
 *
 *     l16      stereo, 64 samples, a music room      music    Opus, stereo, 2.5 ms, a music room
 *
 * One thread, real sockets on loopback, an engine whose clock is turned by hand. In each turn (a frame of the members) all
 * send a packet to the echo, it is turned and measured, and then the same to the room, once for what it does when packets
 * come and once for its tick. What the peers do is not in the figures. Thread CPU time, the median of all turns: so other
 * work on the machine, which slows both alike, leaves the ratio as it is. The figures are a little harder than those of
 * `make bench`: an echo that is woken for each packet costs more than this one, which finds all of them at once.
 *
 * For instructions instead of time: valgrind --tool=callgrind --toggle-collect=mixer_turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <re.h>

#include "mixer/mixer.h"

enum { EVENTS = 256, LOOP = 100, PAYLOAD_MAX = 1400, HDR = 12, PORT_MIN = 20000, PORT_MAX = 49999, MS_SETTLE = 2000,
       MS_SETTLE_OPUS = 5000, START_US = 1000000000 };

static const struct kind {
	const char *arg, *codec;
	uint32_t clock;
	uint8_t pt, channels;
	uint32_t frame;           /* samples at 48 kHz */
	uint32_t bitrate;
	bool music;
} kinds[] = {
	{"pcmu", "PCMU", 8000, 0, 1, 960, 0, false},
	{"opus", "opus", 48000, 96, 1, 960, 32000, false},
	{"l16", "L16", 48000, 97, 2, 64, 0, true},
	{"music", "opus", 48000, 96, 2, 120, 96000, true},
};

struct sound { uint16_t len[LOOP]; uint8_t buf[LOOP][PAYLOAD_MAX]; };

struct end {
	int peer, echo;
	struct sockaddr_in echo_at;
	struct leg *leg;
	struct sockaddr_in leg_at;
	uint16_t seq;
	uint32_t ts;
	unsigned at;              /* in its loop of sound */
	bool talks;
};

static struct {
	const struct kind *kind;
	const struct codec *codec;
	struct sound talk, hush;
	struct end *end;
	unsigned n, turns, talkers;
	int echo_epoll;
	struct mixer *m;
	struct bus *bus;
	double now_us;
	double *echo_ns, *recv_ns, *tick_ns;
	unsigned n_ns;
} it;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-room: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_size);
	return n ? v[n / 2] : NAN;
}

/* --- sound --- */

static struct codec_param param(void)
{
	const struct kind *k = it.kind;

	return (struct codec_param){.channels = k->channels, .ptime_us = (uint32_t)(k->frame * 1000 / 48), .complexity = 5,
				    .bitrate = k->bitrate, .voice = !k->music, .lowdelay = k->music};
}

/* A vowel that swells four times a second, or the hiss of a quiet room. */
static float sample(size_t i, uint32_t srate, bool talks)
{
	const double t = (double)i / srate;
	double v = 0;

	if (!talks)
		return (float)((rand() % 2001 - 1000) * 2e-7);
	for (int h = 1; h < 8; h++)
		v += sin(2 * M_PI * 140 * h * t) / h;
	return (float)(v * 0.06 * (1.1 + sin(2 * M_PI * 4 * t)));
}

static void sound_make(struct sound *s, bool talks)
{
	const size_t n = (size_t)it.kind->frame * it.codec->srate / 48000;
	const struct codec_param pa = param();
	struct codec_enc *enc;
	float smp[2 * 960];

	need(!it.codec->enc_alloc(&enc, it.codec, &pa), "encoder");
	for (size_t f = 0; f < LOOP; f++) {
		int len;

		for (size_t i = 0; i < n; i++)
			for (uint8_t c = 0; c < pa.channels; c++)
				smp[i * pa.channels + c] = sample(f * n + i, it.codec->srate, talks);
		len = it.codec->encode_rt(enc, s->buf[f], PAYLOAD_MAX, smp, n);
		need(len > 0, "encode");
		s->len[f] = (uint16_t)len;
	}
	mem_deref(enc);
}

/* --- the two ends of a line --- */

static int sock(struct sockaddr_in *at)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	need(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)), "socket");
	need(!getsockname(fd, (struct sockaddr *)&a, &len), "getsockname");
	*at = a;
	return fd;
}

static void on_event(const struct leg_event *ev, void *arg)
{
	(void)ev;
	(void)arg;
}

static void leg_make(struct end *e, const struct sockaddr_in *peer)
{
	struct leg_conf conf = {.cname = "tutti@bench", .jitter_min_ms = 10, .jitter_max_ms = 200, .jitter_music_ms = 5,
				.agc = true, .noise_gate = true, .rtp_timeout_ms = 30000, .eventh = on_event};
	struct leg_desc d;

	leg_desc_clear(&d);
	need(!sa_set_str(&conf.local, "127.0.0.1", 0) && !sa_set_sa(&d.rtp, (const struct sockaddr *)peer), "address");
	d.rtcp_mux = true;
	d.dir = LEG_DIR_BOTH;
	d.tx = (struct leg_codec){.codec = it.codec, .pt = it.kind->pt, .param = param()};
	d.rx[d.n_rx++] = d.tx;
	d.dtmf_rx_pt[0] = d.dtmf_tx_pt = 101;
	d.dtmf_clock = it.codec->clock;
	need(!leg_alloc(&e->leg, it.m, &conf) && !leg_set_desc(e->leg, &d) && !leg_set_bus(e->leg, it.bus), "leg");
	e->leg_at = leg_local(e->leg)->u.in;
}

static void end_make(struct end *e, unsigned i)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct sockaddr_in at;

	e->peer = sock(&at);
	e->echo = sock(&e->echo_at);
	ev.data.fd = e->echo;
	need(!epoll_ctl(it.echo_epoll, EPOLL_CTL_ADD, e->echo, &ev), "epoll_ctl");
	e->talks = i < it.talkers;
	e->at = i * 7 % LOOP;
	e->seq = (uint16_t)(i * 11);
	leg_make(e, &at);
}

static void end_say(const struct end *e, const struct sockaddr_in *to)
{
	const struct sound *s = e->talks ? &it.talk : &it.hush;
	const size_t len = s->len[e->at];
	uint8_t buf[HDR + PAYLOAD_MAX] = {0x80, it.kind->pt, (uint8_t)(e->seq >> 8), (uint8_t)e->seq, (uint8_t)(e->ts >> 24),
					  (uint8_t)(e->ts >> 16), (uint8_t)(e->ts >> 8), (uint8_t)e->ts, 1, 2, 3, 4};

	memcpy(buf + HDR, s->buf[e->at], len);
	need(sendto(e->peer, buf, HDR + len, 0, (const struct sockaddr *)to, sizeof(*to)) > 0, "sendto");
}

static void all_say(bool to_echo)
{
	for (struct end *e = it.end; e < it.end + it.n; e++)
		end_say(e, to_echo ? &e->echo_at : &e->leg_at);
}

static void all_hear(void)
{
	uint8_t buf[2048];

	for (struct end *e = it.end; e < it.end + it.n; e++)
		while (recv(e->peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
}

static void all_go_on(void)
{
	for (struct end *e = it.end; e < it.end + it.n; e++) {
		e->seq++;
		e->ts += (uint32_t)((uint64_t)it.kind->frame * it.codec->clock / 48000);
		e->at = (e->at + 1) % LOOP;
	}
}

/* --- what is measured --- */

/* As echo.c does it. */
static void echo_turn(void)
{
	struct epoll_event ev[EVENTS];
	int got;

	while ((got = epoll_wait(it.echo_epoll, ev, EVENTS, 0)) > 0)
		for (int i = 0; i < got; i++) {
			struct sockaddr_storage from;
			socklen_t len = sizeof(from);
			uint8_t buf[2048];
			ssize_t n = recvfrom(ev[i].data.fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

			if (n >= 0)
				sendto(ev[i].data.fd, buf, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&from, len);
		}
}

static uint64_t ticks(void)
{
	struct mixer_stats s;

	mixer_stats(it.m, &s);
	return s.ticks;
}

static double room_ns(double now_us)
{
	const double begin = cpu_ns();

	mixer_turn(it.m, (uint64_t)now_us);
	return cpu_ns() - begin;
}

/* Packets first, then the tick; a turn in which the room's tick fell elsewhere tells nothing about the two. */
static void turn(bool measure)
{
	const double frame_us = it.kind->frame / 0.048;
	double echo, recv, tick;
	uint64_t before, between;

	all_say(true);
	echo = cpu_ns();
	echo_turn();
	echo = cpu_ns() - echo;
	all_hear();

	all_say(false);
	before = ticks();
	recv = room_ns(it.now_us);
	between = ticks();
	tick = room_ns(it.now_us + frame_us / 2);
	mixer_dispatch(it.m);
	all_hear();
	all_go_on();
	it.now_us += frame_us;
	if (!measure || between != before || ticks() != before + 1)
		return;
	it.echo_ns[it.n_ns] = echo / it.n;
	it.recv_ns[it.n_ns] = recv / it.n;
	it.tick_ns[it.n_ns++] = tick / it.n;
}

static void tell(size_t heap, uint64_t encodes, uint64_t decodes)
{
	const double echo = median(it.echo_ns, it.n_ns), recv = median(it.recv_ns, it.n_ns), tick = median(it.tick_ns, it.n_ns);

	printf("%-5s %5u members, %u talk: %6.0f ns = %5.2f x echo (packets in %.0f, tick %.0f; echo %.0f); %u of %u turns; "
	       "%.1f encodes, %.1f decodes a turn; heap of a leg %.1f KiB\n", it.kind->arg, it.n, it.talkers, recv + tick,
	       (recv + tick) / echo, recv, tick, echo, it.n_ns, it.turns, (double)encodes / it.turns,
	       (double)decodes / it.turns, (double)heap / 1024.0 / it.n);
}

static size_t heap_used(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void room_make(void)
{
	const struct mixer_conf conf = {.port_min = PORT_MIN, .port_max = PORT_MAX};
	const struct bus_conf bus = {.music = it.kind->music};

	need(!mixer_alloc(&it.m, &conf) && !bus_alloc(&it.bus, it.m, &bus), "mixer");
	/* between ticks, wherever those are */
	it.now_us = START_US + it.kind->frame / 0.048 * 3 / 4;
}

static void run(void)
{
	const double settle_us = 1000.0 * (strcmp(it.kind->codec, "opus") ? MS_SETTLE : MS_SETTLE_OPUS);
	struct mixer_stats before, after;
	size_t heap;

	room_make();
	heap = heap_used();
	for (unsigned i = 0; i < it.n; i++)
		end_make(&it.end[i], i);
	heap = heap_used() - heap;
	for (double end = it.now_us + settle_us; it.now_us < end;)
		turn(false);
	mixer_stats(it.m, &before);
	for (unsigned i = 0; i < it.turns; i++)
		turn(true);
	mixer_stats(it.m, &after);
	tell(heap, after.encodes - before.encodes, after.decodes - before.decodes);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argc > 1 ? argv[1] : "pcmu", kinds[i].arg))
			it.kind = &kinds[i];
	it.n = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
	it.turns = argc > 3 ? (unsigned)atoi(argv[3]) : 200;
	it.talkers = argc > 4 ? (unsigned)atoi(argv[4]) : it.kind && it.kind->music ? it.n : 8;
	if (!it.kind || !it.n || !it.turns) {
		fputs("usage: bench-room [pcmu|opus|l16|music] [MEMBERS] [TURNS] [TALKERS]\n", stderr);
		return 64;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	it.codec = codec_find(it.kind->codec, it.kind->clock);
	it.end = calloc(it.n, sizeof(*it.end));
	it.echo_ns = calloc(it.turns, sizeof(double));
	it.recv_ns = calloc(it.turns, sizeof(double));
	it.tick_ns = calloc(it.turns, sizeof(double));
	it.echo_epoll = epoll_create1(0);
	need(it.codec && it.end && it.echo_ns && it.recv_ns && it.tick_ns && it.echo_epoll >= 0, "memory");
	sound_make(&it.talk, true);
	sound_make(&it.hush, false);
	run();
	for (unsigned i = 0; i < it.n; i++)
		mem_deref(it.end[i].leg);
	mem_deref(it.bus);
	mem_deref(it.m);
	return 0;
}
