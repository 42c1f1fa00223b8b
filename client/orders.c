/*
 * orders.c - bytes to lines to acts. A line that is too long is passed over to its end, once complained of. 256 octets
 * a turn, so that a script that floods us does not hold up the call.
 */
#include <errno.h>
#include <fcntl.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "orders.h"

enum { LINE = 512 };

struct orders {
	int fd;
	bool listening, skipping;
	char line[LINE];
	size_t n;
	struct tmr more;
	act_h *acth;
	orders_wrong_h *wrongh;
	void *act_arg, *wrong_arg;
};

static void run_line(struct orders *o)
{
	char wrong[160];
	struct act a;
	int err = act_read(&a, o->line, wrong, sizeof(wrong));

	if (!err) {
		err = o->acth(&a, o->act_arg);
		(void)snprintf(wrong, sizeof(wrong), "%.100s: %s", o->line,
			       err == ENOTCONN ? "nobody is there to hear it"
			       : err == ENOENT ? "no such player"
					       : strerror(err));
	}
	if (err && err != ENODATA)
		o->wrongh(wrong, o->wrong_arg);
}

static void take(struct orders *o, char c)
{
	bool whole = c == '\n';

	if (whole && !o->skipping) {
		if (o->n && o->line[o->n - 1] == '\r')
			o->n--;
		o->line[o->n] = '\0';
		run_line(o);
	}
	else if (!whole && !o->skipping && o->n + 1 < sizeof(o->line) && c)
		o->line[o->n++] = c;
	else if (!whole && !o->skipping) {
		o->skipping = true;
		o->wrongh("too long a line", o->wrong_arg);
	}
	if (whole) {
		o->n = 0;
		o->skipping = false;
	}
}

static void stop(struct orders *o)
{
	if (o->listening)
		fd_close(o->fd);
	o->listening = false;
	tmr_cancel(&o->more);
}

/* true: there may be more. */
static bool read_some(struct orders *o)
{
	char buf[256];
	ssize_t n = read(o->fd, buf, sizeof(buf));

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		stop(o);
	for (ssize_t i = 0; i < n; i++)
		take(o, buf[i]);
	return n > 0;
}

static void read_handler(int flags, void *arg)
{
	struct orders *o = mem_ref(arg);

	(void)flags;
	(void)read_some(o);
	mem_deref(o);
}

static void read_more(void *arg)
{
	struct orders *o = mem_ref(arg);

	if (read_some(o))
		tmr_start(&o->more, 1, read_more, o);
	mem_deref(o);
}

/* Files and /dev/null are ready at once, and epoll refuses them. */
static bool can_be_waited_for(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
}

static void destructor(void *arg)
{
	stop(arg);
}

int orders_alloc(struct orders **op, int fd, act_h *acth, orders_wrong_h *wrongh, void *act_arg, void *wrong_arg)
{
	struct orders *o = mem_zalloc(sizeof(*o), destructor);
	int flags = fcntl(fd, F_GETFL);

	if (!o)
		return ENOMEM;
	o->fd = fd;
	o->acth = acth;
	o->wrongh = wrongh;
	o->act_arg = act_arg;
	o->wrong_arg = wrong_arg;
	*op = o;
	if (flags < 0)
		return 0;                         /* closed: no orders */
	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	o->listening = can_be_waited_for(fd) && !fd_listen(fd, FD_READ, read_handler, o);
	if (!o->listening)
		tmr_start(&o->more, 1, read_more, o);
	return 0;
}
