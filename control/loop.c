/*
 * loop.c - libre's loop as the control thread, and the road into it.
 *
 * libre indexes its table by descriptor, media sockets too, so the table is sized to RLIMIT_NOFILE, which is first
 * raised as far as the system allows. Calls from other threads lie in a list under a lock and wake the loop by an
 * eventfd; the list is bounded, for a thread that posts faster than control works must be told (ENOBUFS), not fed
 * memory.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <re.h>
#include "loop.h"
#include "wheel.h"

enum { FDS_MAX = 65536, POSTS_MAX = 65536 };

struct post {
	struct post *next;
	loop_call_h *h;
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	struct post *first, **last;
	unsigned n;
	int efd;
} loop = { .lock = PTHREAD_MUTEX_INITIALIZER, .efd = -1 };

static int raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return 1024;
	rlim_t want = rl.rlim_max == RLIM_INFINITY || rl.rlim_max > FDS_MAX ? FDS_MAX : rl.rlim_max;
	if (rl.rlim_cur < want) {
		struct rlimit more = { .rlim_cur = want, .rlim_max = rl.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			rl.rlim_cur = want;
	}
	return rl.rlim_cur > FDS_MAX ? FDS_MAX : (int)rl.rlim_cur;
}

/* Takes the whole list at once: what a call posts is run in the next turn, so the loop's other work is never starved. */
static struct post *take(void)
{
	pthread_mutex_lock(&loop.lock);
	struct post *p = loop.first;
	loop.first = NULL;
	loop.last = &loop.first;
	loop.n = 0;
	pthread_mutex_unlock(&loop.lock);
	return p;
}

static void run_posts(int flags, void *arg)
{
	uint64_t count;

	if (read(loop.efd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	for (struct post *p = take(), *next; p; p = next) {
		next = p->next;
		p->h(p->arg);
		free(p);
	}
}

int loop_post(loop_call_h *h, void *arg)
{
	static const uint64_t one = 1;
	struct post *p;
	int err = 0;

	if (!h)
		return EINVAL;
	p = malloc(sizeof(*p));
	if (!p)
		return ENOMEM;
	*p = (struct post){ .h = h, .arg = arg };
	pthread_mutex_lock(&loop.lock);
	if (loop.efd < 0) {
		err = ESHUTDOWN;
	} else if (loop.n >= POSTS_MAX) {
		err = ENOBUFS;
	} else if (loop.n == 0 && write(loop.efd, &one, sizeof(one)) < 0) {      /* only the first wakes the loop */
		err = errno;
	} else {
		*loop.last = p;
		loop.last = &p->next;
		loop.n++;
	}
	pthread_mutex_unlock(&loop.lock);
	if (err)
		free(p);
	return err;
}

int loop_init(void)
{
	int err;

	if (loop.efd >= 0)
		return EALREADY;
	err = libre_init();
	if (err)
		return err;
	err = fd_setsize(raise_nofile());
	if (err)
		goto out;
	loop.last = &loop.first;
	loop.efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop.efd < 0) {
		err = errno;
		goto out;
	}
	err = fd_listen(loop.efd, FD_READ, run_posts, NULL);
out:
	if (err)
		loop_close();
	return err;
}

int loop_run(void (*signalh)(int sig))
{
	return re_main(signalh);
}

void loop_stop(void)
{
	re_cancel();
}

/* Calls still waiting are not run: what they would speak to is already taken down. */
void loop_close(void)
{
	wheel_close();
	pthread_mutex_lock(&loop.lock);
	int efd = loop.efd;
	loop.efd = -1;
	pthread_mutex_unlock(&loop.lock);
	for (struct post *p = take(), *next; p; p = next) {
		next = p->next;
		free(p);
	}
	if (efd >= 0) {
		fd_close(efd);
		close(efd);
	}
	libre_close();
}
