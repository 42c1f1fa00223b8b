/* Calls posted from other threads arrive on the control thread, all of them, in each thread's order. */
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <sys/resource.h>
#include <re.h>
#include "control/loop.h"

enum { N_THREADS = 4, N_CALLS = 5000 };

struct call { unsigned thread, seq; };

static pthread_t control_thread;
static unsigned got[N_THREADS], total;

static void on_call(void *arg)
{
	struct call *c = arg;

	g_assert_true(pthread_equal(pthread_self(), control_thread));
	g_assert_cmpuint(c->seq, ==, got[c->thread]);
	got[c->thread]++;
	g_free(c);
	if (++total == N_THREADS * N_CALLS)
		loop_stop();
}

static void *poster(void *arg)
{
	for (unsigned i = 0; i < N_CALLS; i++) {
		struct call *c = g_new(struct call, 1);
		c->thread = GPOINTER_TO_UINT(arg);
		c->seq = i;
		g_assert_cmpint(loop_post(on_call, c), ==, 0);
	}
	return NULL;
}

static void test_post(void)
{
	pthread_t t[N_THREADS];

	control_thread = pthread_self();
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(loop_init(), ==, EALREADY);
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_create(&t[i], NULL, poster, GUINT_TO_POINTER(i));
	g_assert_cmpint(loop_run(NULL), ==, 0);
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_join(t[i], NULL);
	g_assert_cmpuint(total, ==, N_THREADS * N_CALLS);
	loop_close();
}

static void nop(void *arg)
{
}

static void test_bounds(void)
{
	struct rlimit rl;
	int err = 0;

	g_assert_cmpint(loop_post(nop, NULL), ==, ESHUTDOWN);
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &rl), ==, 0);
	g_assert_true(rl.rlim_cur == rl.rlim_max || rl.rlim_cur >= 65536);
	g_assert_cmpint(loop_post(NULL, NULL), ==, EINVAL);
	for (unsigned i = 0; i < 100000 && !err; i++)
		err = loop_post(nop, NULL);
	g_assert_cmpint(err, ==, ENOBUFS);
	loop_close();                             /* with calls still waiting: none is run, none is leaked */
}

static int chain = 3;

static void post_again(void *arg)
{
	if (--chain == 0)
		loop_stop();
	else
		g_assert_cmpint(loop_post(post_again, NULL), ==, 0);
}

static void test_chain(void)
{
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(loop_post(post_again, NULL), ==, 0);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpint(chain, ==, 0);
	loop_close();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/loop/post", test_post);
	g_test_add_func("/loop/bounds", test_bounds);
	g_test_add_func("/loop/chain", test_chain);
	return g_test_run();
}
