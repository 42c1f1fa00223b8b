/*
 * duct.c - between a stream on the control thread and a line on the forward thread.
 *
 *      peer > stream > packet > send ~~~~ forward thread          a full pair holds the stream, which holds the peer
 *      peer < stream < recv ~~~~~~~~~~~~~ forward thread          a peer that does not read: DUCT_FULL, and at 256 KiB its end
 *
 * Marks go before packets. They are kept as what the other end knows against what is so; a connection that fell and rose
 * unseen is told as both.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "duct.h"

enum { BUFFER = 256 * 1024, PACKETS = 64, MARK_LEN = 4 };

struct duct {
	int fd;
	struct oscstream *s;
	void (*down)(int err, void *arg);
	void *arg;
	bool up, fell, full;              /* as it is */
	bool told_up, told_full;          /* as the other end knows it */
	bool stuck;                       /* the pair is full: what is owed waits for FD_WRITE */
};

static const char marks[][MARK_LEN] = {
	[DUCT_UP]   = {'+', 'u', 'p', 0},
	[DUCT_DOWN] = {'+', 'd', 'n', 0},
	[DUCT_FULL] = {'+', 'f', 'u', 0},
	[DUCT_FREE] = {'+', 'f', 'r', 0},
};

enum duct_mark duct_mark(const uint8_t *buf, size_t len)
{
	for (unsigned i = DUCT_UP; len == MARK_LEN && i <= DUCT_FREE; i++)
		if (!memcmp(buf, marks[i], MARK_LEN))
			return (enum duct_mark)i;

	return DUCT_NONE;
}

static void duct_event(int flags, void *arg);

static void duct_close(struct duct *d)
{
	if (d->fd < 0)
		return;

	fd_close(d->fd);
	(void)close(d->fd);
	d->fd = -1;
}

static void duct_destroy(void *arg)
{
	struct duct *d = arg;

	mem_deref(d->s);
	duct_close(d);
}

static void watch(struct duct *d)
{
	if (d->fd >= 0)           /* the same again is a system call, no more */
		(void)fd_listen(d->fd, FD_READ | (d->stuck ? FD_WRITE : 0), duct_event, d);
}

/* false: the pair is full */
static bool pass(struct duct *d, const void *buf, size_t len)
{
	if (d->fd < 0 || send(d->fd, buf, len, MSG_NOSIGNAL) >= 0)
		return true;
	/* Anything else than "full" is the end of the other side: nobody is there to miss the packet. */
	if (errno != EAGAIN && errno != ENOBUFS)
		return true;

	d->stuck = true;
	watch(d);
	return false;
}

static bool tell(struct duct *d, enum duct_mark m)
{
	return pass(d, marks[m], MARK_LEN);
}

/* true: the other end knows how it is */
static bool tell_all(struct duct *d)
{
	if (d->told_up && (!d->up || d->fell)) {
		if (!tell(d, DUCT_DOWN))
			return false;
		d->told_up = d->told_full = false;
	}
	d->fell = false;
	if (d->up && !d->told_up) {
		if (!tell(d, DUCT_UP))
			return false;
		d->told_up = true;
	}
	if (d->told_up && d->full != d->told_full) {
		if (!tell(d, d->full ? DUCT_FULL : DUCT_FREE))
			return false;
		d->told_full = d->full;
	}

	return true;
}

static bool packet_handler(const uint8_t *pkt, size_t len, void *arg)
{
	struct duct *d = arg;

	return tell_all(d) && pass(d, pkt, len);
}

static void drained_handler(void *arg)
{
	struct duct *d = arg;

	d->full = false;
	(void)tell_all(d);
}

static void down_handler(int err, void *arg)
{
	struct duct *d = mem_ref(arg);

	duct_detach(d);
	if (d->down)
		d->down(err, d->arg);
	mem_deref(d);
}

static void to_peer(struct duct *d, const uint8_t *pkt, size_t len)
{
	if (!d->s || oscstream_send(d->s, pkt, len) || !d->s)
		return;

	if (!d->full && oscstream_waiting(d->s) > DUCT_FULL_AT) {
		d->full = true;
		(void)tell_all(d);
	}
}

static void duct_event(int flags, void *arg)
{
	static uint8_t buf[STREAM_MAX];           /* of the one control thread */
	struct duct *d = mem_ref(arg);

	if (flags & FD_WRITE) {
		d->stuck = false;
		watch(d);
		if (tell_all(d) && d->s)
			oscstream_resume(d->s);
	}
	for (unsigned i = 0; i < PACKETS && d->fd >= 0; i++) {
		const ssize_t n = recv(d->fd, buf, sizeof(buf), 0);

		if (n < 0)
			break;
		if (n == 0)
			duct_close(d);            /* the line is gone */
		else
			to_peer(d, buf, (size_t)n);
	}
	mem_deref(d);
}

int duct_alloc(struct duct **dp, int *fd)
{
	struct duct *d = mem_zalloc(sizeof(*d), duct_destroy);
	const int size = BUFFER;
	int pair[2], err;

	if (!d)
		return ENOMEM;

	d->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		err = errno;
		mem_deref(d);
		return err;
	}
	for (unsigned i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	d->fd = pair[0];
	err = fd_listen(d->fd, FD_READ, duct_event, d);
	if (err) {
		(void)close(pair[1]);
		mem_deref(d);
		return err;
	}

	*fd = pair[1];
	*dp = d;
	return 0;
}

void duct_attach(struct duct *d, struct oscstream *s, void (*down)(int err, void *arg), void *arg)
{
	const struct oscstream_conf conf = {.packet = packet_handler, .drained = drained_handler, .down = down_handler, .arg = d};

	duct_detach(d);
	d->s    = mem_ref(s);
	d->down = down;
	d->arg  = arg;
	d->up   = true;
	d->full = false;
	oscstream_handlers(s, &conf);
	(void)tell_all(d);
}

void duct_detach(struct duct *d)
{
	if (!d->s)
		return;

	d->s    = mem_deref(d->s);
	d->up   = false;
	d->fell = true;
	d->full = false;
	(void)tell_all(d);
}

bool duct_attached(const struct duct *d)
{
	return d->s != NULL;
}
