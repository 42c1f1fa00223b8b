/*
 * echo.c - the unit of cost: a bare UDP echo. Every packet goes back to where it came from, and nothing else happens.
 *
 *     echo PORT N         N sockets from PORT on, on 127.0.0.1
 *
 * One socket for each peer, as a conference server has for its phones; one thread; epoll, recvfrom, sendto. No batching
 * and no tricks: what a server costs more than this, it costs for what it does with the sound. Level-triggered, one
 * packet a turn: so it makes the system calls that any server must make.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { EVENTS = 256 };

static int sock_add(int ep, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLIN};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ev.data.fd = fd;
	return fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) ? errno : 0;
}

static void give_back(int fd)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t buf[2048];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n >= 0)
		sendto(fd, buf, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&from, len);
}

int main(int argc, char **argv)
{
	unsigned port = argc == 3 ? (unsigned)atoi(argv[1]) : 0, n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	struct epoll_event ev[EVENTS];
	struct rlimit files;
	int ep = epoll_create1(0), err = 0;

	if (!port || !n || port + n > 65536) {
		fputs("usage: echo PORT N\n", stderr);
		return 64;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned i = 0; i < n && !err; i++)
		err = sock_add(ep, (uint16_t)(port + i));
	if (err) {
		fprintf(stderr, "echo: %s\n", strerror(err));
		return 69;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int got = epoll_wait(ep, ev, EVENTS, -1);

		for (int i = 0; i < got; i++)
			give_back(ev[i].data.fd);
	}
}
