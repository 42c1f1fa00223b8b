/*
 * systemd.c - sd_notify(3) in a few lines: the protocol is one datagram to a Unix socket, and linking libsystemd for it
 * would bring compression and crypto libraries into the server.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "systemd.h"

static int send_to(const char *path, const char *text)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, err = 0;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(un.sun_path))
		return EINVAL;
	memcpy(un.sun_path, path, len);
	if (path[0] == '@')
		un.sun_path[0] = '\0';    /* the abstract name space */

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	/* A manager that does not read must not stop the calls: the queue is full, the word is lost. */
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&un,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		err = errno;
	(void)close(fd);
	return err;
}

int systemd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char text[256];
	struct timespec ts;

	if (!path || !*path)
		return 0;

	/* Type=notify-reload compares this stamp with the time of its own signal. */
	if (0 == strcmp(state, "RELOADING=1") && 0 == clock_gettime(CLOCK_MONOTONIC, &ts))
		(void)snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%llu", state,
			       (unsigned long long)ts.tv_sec * 1000000 + (unsigned long long)ts.tv_nsec / 1000);
	else
		(void)snprintf(text, sizeof(text), "%s", state);

	return send_to(path, text);
}

uint64_t systemd_watchdog_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10);
}

bool systemd_journal(void)
{
	return getenv("JOURNAL_STREAM") != NULL;
}
