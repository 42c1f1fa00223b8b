/*
 * port.c - a pair of UDP sockets from the range: even for RTP, the next for RTCP (RFC 3550 section 11).
 *
 * The search begins at a random place, so that a guess at the next call's port is worth little (RFC 6056's reason) and a
 * port just given back is seldom taken at once, while an old peer may still send to it.
 */
#include <sys/socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <unistd.h>
#include "port.h"

enum { BUFFER = 128 * 1024 };     /* bytes, some 200 ms of a flood; a tick takes 64 packets at most */

static void set_options(int fd, int af)
{
	int on = 1, size = BUFFER, tos = IPTOS_DSCP_EF;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (af == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
}

static int bind_one(int *fdp, const struct sa *local)
{
	int err = 0, fd = socket(sa_af(local), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	set_options(fd, sa_af(local));
	if (bind(fd, &local->u.sa, local->len) < 0)
		err = errno;
	if (err)
		close(fd);
	else
		*fdp = fd;
	return err;
}

static int bind_pair(int fd[2], struct sa *local, uint16_t port)
{
	int err;

	sa_set_port(local, port);
	err = bind_one(&fd[0], local);
	if (err)
		return err;
	sa_set_port(local, (uint16_t)(port + 1));
	err = bind_one(&fd[1], local);
	sa_set_port(local, port);
	if (err)
		close(fd[0]);
	return err;
}

int port_pair(int fd[2], struct sa *local, uint16_t min, uint16_t max)
{
	uint32_t first = (min + 1u) & ~1u, n = max < first + 1u ? 0 : (max - first + 1u) / 2;
	uint32_t start = n ? rand_u32() % n : 0;

	for (uint32_t i = 0; i < n; i++) {
		int err = bind_pair(fd, local, (uint16_t)(first + 2 * ((start + i) % n)));

		if (err != EADDRINUSE)
			return err;
	}
	return EADDRINUSE;
}
