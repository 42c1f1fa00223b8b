/*
 * relay_players.c - the players of bench-relay: one thread plays and hears for all of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "relay_players.h"

enum { RTP_HDR = 12, PAYLOAD_HDR = 4, ELEMENT_HDR = 4, KEYS = 4, REPORT_MS = 500, SR = 200 };

struct players it;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);        /* the clock of the kernel's stamps */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- octets ---- */

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, 4);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return ntohl(v);
}

/* "/f/K ,hi TIME N": state, so that the relay has journals to write. */
static size_t message_make(uint8_t *p, unsigned key, uint64_t ns, uint32_t n)
{
	static const uint8_t head[] = {'/', 'f', '/', '0', 0, 0, 0, 0, ',', 'h', 'i', 0};

	memcpy(p, head, sizeof(head));
	p[3] = (uint8_t)('0' + key);
	put32(p + 12, (uint32_t)(ns >> 32));
	put32(p + 16, (uint32_t)ns);
	put32(p + 20, n);
	return 24;
}

/* When it was sent; 0 if it is none of ours. */
static uint64_t message_time(const uint8_t *p, size_t len)
{
	size_t at = strnlen((const char *)p, len) / 4 * 4 + 4;

	if (len < 12 || *p != '/' || at + 16 > len || memcmp(p + at, ",hi", 4))
		return 0;
	return (uint64_t)get32(p + at + 4) << 32 | get32(p + at + 8);
}

/* An element and an empty journal whose checkpoint is the packet itself: all before it has been reported. */
static size_t rtp_make(uint8_t *p, struct end *e, size_t len)
{
	const uint16_t seq = htons(e->seq);

	p[0] = 0x80;
	p[1] = 0x80 | PT;
	memcpy(p + 2, &seq, 2);
	put32(p + 4, (uint32_t)(now_ns() / 1000 * RATE / 1000000));
	put32(p + 8, e->ssrc);
	p[12] = 0x20;
	p[13] = 1;
	memcpy(p + 14, &seq, 2);
	put32(p + 16, (uint32_t)len << 16);
	e->seq++;
	return RTP_HDR + PAYLOAD_HDR + ELEMENT_HDR + len;
}

/* ---- the players ---- */

static void play(unsigned i, unsigned n)
{
	uint8_t buf[128];
	struct end *e = &it.end[i];
	const size_t at = it.rtp ? RTP_HDR + PAYLOAD_HDR + ELEMENT_HDR : 0;
	size_t len = message_make(buf + at, n / it.n % KEYS, 0, n);
	uint64_t ns;

	if (it.rtp)
		len = rtp_make(buf, e, len);
	ns = now_ns();
	message_make(buf + at, n / it.n % KEYS, ns, n);
	if (sendto(e->fd, buf, len, 0, (struct sockaddr *)&e->to, sizeof(e->to)) == (ssize_t)len && ns >= it.from_ns)
		it.sent++;
}

/* "EHSNR": only so do journals end. */
static void report(struct end *e)
{
	uint8_t buf[32] = {0x81, RR, 0, 7};

	if (!e->hears)
		return;
	put32(buf + 4, e->ssrc);
	put32(buf + 8, e->heard_ssrc);
	put32(buf + 16, e->heard_seq);
	sendto(e->fd, buf, sizeof(buf), 0, (struct sockaddr *)&e->to, sizeof(e->to));
}

static void transit(uint64_t sent_ns, uint64_t stamp_ns)
{
	if (sent_ns && sent_ns >= it.from_ns && it.n_us < it.max_us)
		it.us[it.n_us++] = ((double)stamp_ns - (double)sent_ns) / 1000;
}

static void heard_rtp(struct end *e, const uint8_t *p, size_t len, uint64_t stamp_ns)
{
	size_t at = RTP_HDR + 4u * (p[0] & 15);
	unsigned num;

	if (len < at + PAYLOAD_HDR || (p[1] & 0x7f) != PT)
		return;
	if (!e->hears || get32(p + 8) != e->heard_ssrc)
		e->heard_seq = 0;
	e->hears      = true;
	e->heard_ssrc = get32(p + 8);
	e->heard_seq += (uint16_t)((p[2] << 8 | p[3]) - (int)e->heard_seq);
	num = p[at + 1];
	for (at += PAYLOAD_HDR; num && at + ELEMENT_HDR <= len; num--) {
		const size_t n = (size_t)(p[at] << 8 | p[at + 1]);

		if (at + ELEMENT_HDR + n > len)
			return;
		transit(message_time(p + at + ELEMENT_HDR, n), stamp_ns);
		at += ELEMENT_HDR + n;
	}
}

static bool hear(struct end *e)
{
	uint8_t buf[BUF], control[128];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	const ssize_t len = recvmsg(e->fd, &msg, MSG_DONTWAIT);
	struct timespec t = {0};

	if (len < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&t, CMSG_DATA(c), sizeof(t));
	}
	if (!it.rtp)
		transit(message_time(buf, (size_t)len), (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
	else if (len >= RTP_HDR && buf[1] != SR && buf[1] != RR)
		heard_rtp(e, buf, (size_t)len, (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
	return true;
}

void players_open(void)
{
	it.epoll = epoll_create1(0);
	it.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	need(it.epoll >= 0 && it.timer >= 0, "epoll");
	for (unsigned i = 0; i < it.n; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};
		struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		const int on = 1, room = 1 << 20;

		it.end[i].fd = socket(AF_INET, SOCK_DGRAM, 0);
		need(it.end[i].fd >= 0 && !bind(it.end[i].fd, (struct sockaddr *)&at, sizeof(at)), "socket");
		setsockopt(it.end[i].fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
		setsockopt(it.end[i].fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		need(!epoll_ctl(it.epoll, EPOLL_CTL_ADD, it.end[i].fd, &ev), "epoll");
		it.end[i].ssrc = 0x1000 + i;
		it.end[i].seq  = (uint16_t)(100 * i);
	}
	need(!epoll_ctl(it.epoll, EPOLL_CTL_ADD, it.timer, &(struct epoll_event){.events = EPOLLIN, .data.u32 = UINT32_MAX}), "epoll");
}

void *players_run(void *arg)
{
	const uint64_t step = 1000000000 / it.per_second, began = now_ns(), total = (uint64_t)(it.seconds * 1000 + WARM_MS) * 1000000;
	struct itimerspec pace = {{0, (long)step}, {0, (long)step}};
	uint64_t report_at = began;
	unsigned n = 0;

	it.from_ns = began + WARM_MS * 1000000ULL;
	it.n_us = it.sent = it.late = 0;
	timerfd_settime(it.timer, 0, &pace, NULL);
	for (uint64_t now = began; now < began + total + 200000000; now = now_ns()) {
		struct epoll_event ev[64];
		const int ready = epoll_wait(it.epoll, ev, 64, 10);

		for (int i = 0; i < ready; i++) {
			uint64_t ticks = 0;

			if (ev[i].data.u32 != UINT32_MAX) {
				while (hear(&it.end[ev[i].data.u32]))
					;
				continue;
			}
			if (read(it.timer, &ticks, sizeof(ticks)) < 0 || now >= began + total)
				continue;
			it.late += ticks - 1;
			for (; ticks; ticks--, n++)
				play(n % it.n, n);
		}
		if (it.rtp && now >= report_at) {
			for (unsigned i = 0; i < it.n; i++)
				report(&it.end[i]);
			report_at += REPORT_MS * 1000000ULL;
		}
	}
	if (arg)
		*(volatile bool *)arg = true;
	return NULL;
}
