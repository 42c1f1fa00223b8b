/*
 * test-rtguard.c - the guard bites: a codec that does what _rt code must not, in the engine, on a thread of its own and on one
 * turned by hand.
 */
#include <sys/resource.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <re.h>
#include "mixer/rtguard.h"
#include "tests/lib/stage.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *volatile sink;

static void plant_nothing(void) {}

static void plant_malloc(void)
{
	sink = malloc(100);
}

static void plant_lock(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void plant_print(void)
{
	fprintf(stderr, "%d words\n", 3);
}

static void plant_open(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
}

static void plant_write(void)
{
	if (write(STDERR_FILENO, "a line\n", 7) < 0)
		return;
}

static const struct plant {
	const char *name;
	void (*h)(void);
	const char *said;         /* NULL: nothing, it lives */
	bool by_seccomp;          /* so only on a thread of its own */
} plants[] = {
	{"nothing", plant_nothing, NULL, false},
	{"malloc", plant_malloc, "*rtguard: malloc on a media thread*", false},
	{"lock", plant_lock, "*rtguard: pthread_mutex_lock on a media thread*", false},
	{"print", plant_print, "*rtguard: printf on a media thread*", false},
	{"open", plant_open, "*rtguard: system call * on a media thread*", true},
	{"write", plant_write, "*rtguard: system call * on a media thread*", true},
};

static const struct plant *planted;
static unsigned n_encoded;
static const struct codec *pcmu;

static int encode_rt(struct codec_enc *e, uint8_t *buf, size_t size, const float *smp, size_t n_smp)
{
	n_encoded++;
	planted->h();
	return pcmu->encode_rt(e, buf, size, smp, n_smp);
}

/* A member that is sent sound by the codec with the plant in it. */
static void run_engine(unsigned n_threads)
{
	struct mixer_conf conf = {.n_threads = n_threads, .port_min = 30000, .port_max = 39999};
	const struct peer_conf pc = {"PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL};
	struct leg_conf lc = {.cname = "guard", .jitter_max_ms = 200};
	struct peer *peer = peer_new(&pc);
	struct mixer *m = NULL;
	struct leg_desc desc;
	struct codec evil;
	struct leg *leg;

	pcmu = codec_find("PCMU", 8000);
	evil = *pcmu;
	evil.encode_rt = encode_rt;
	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	sa_set_str(&lc.local, "127.0.0.1", 0);
	g_assert_cmpint(leg_alloc(&leg, m, &lc), ==, 0);
	peer_desc(peer, &desc);
	desc.tx.codec = &evil;
	g_assert_cmpint(leg_set_desc(leg, &desc), ==, 0);
	for (uint64_t i = 1; i < 50; i++) {
		if (n_threads)
			g_usleep(10000);
		else
			mixer_turn(m, i * 10000);
		mixer_dispatch(m);
	}
	mem_deref(leg);
	mem_deref(m);
	peer_free(peer);
	g_assert_cmpuint(n_encoded, >, 5);
}

static void *try_seccomp(void *arg)
{
	const int may_write = STDERR_FILENO;

	*(bool *)arg = rtguard_thread_rt(&may_write, 1, STDIN_FILENO);
	return NULL;
}

static bool seccomp_works(void)
{
	pthread_t tid;
	bool ok = false;

	g_assert_cmpint(pthread_create(&tid, NULL, try_seccomp, &ok), ==, 0);
	g_assert_cmpint(pthread_join(tid, NULL), ==, 0);
	return ok;
}

static void bites(const struct plant *p, unsigned n_threads)
{
	const struct rlimit no_core = {0, 0};

	if (g_test_subprocess()) {
		setrlimit(RLIMIT_CORE, &no_core);
		planted = p;
		run_engine(n_threads);
		exit(0);
	}
	if (p->by_seccomp && !seccomp_works()) {
		g_test_skip("this system lets nobody watch system calls");
		return;
	}
	g_test_trap_subprocess(NULL, 10000000, 0);
	if (!p->said) {
		g_test_trap_assert_passed();
		return;
	}
	g_test_trap_assert_failed();
	g_test_trap_assert_stderr(p->said);
}

static void test_own_thread(const void *arg) { bites(arg, 1); }

static void test_by_hand(const void *arg) { bites(arg, 0); }

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(plants); i++) {
		g_autofree char *own = g_strdup_printf("/rtguard/thread/%s", plants[i].name);
		g_autofree char *hand = g_strdup_printf("/rtguard/by-hand/%s", plants[i].name);

		g_test_add_data_func(own, &plants[i], test_own_thread);
		if (!plants[i].by_seccomp)
			g_test_add_data_func(hand, &plants[i], test_by_hand);
	}
	return g_test_run();
}
