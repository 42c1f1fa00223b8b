/*
 * rtguard.c - stands in front of the C library in a build with -Dchecks=rtguard, and aborts who calls it when it must not.
 *
 * Functions of a program's own come before those of libraries, also for calls that libraries make. So these here are
 * what libre, OpenSSL and the codecs get when they ask for memory, a lock or a stream, and they pass on to the C library
 * unless the thread is in _rt code. A lock that nobody else holds makes no system call, so it is looked for by name;
 * system calls are looked for by seccomp: whatever is not in the list raises SIGSYS on the thread that made it.
 *
 * Not watched: what the C library calls inside itself, and snprintf, which needs none of all this.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rtguard.h"

#if defined(__x86_64__)
# define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
# define ARCH AUDIT_ARCH_AARCH64
#endif

static _Thread_local unsigned depth;

/* --- who was caught --- */

static struct iovec words(const char *s) { return (struct iovec){(void *)(uintptr_t)s, strlen(s)}; }

/* writev is kept for this: a log that writes to stderr by write is not let through. */
static void say(const char *what, const char *of)
{
	struct iovec v[] = {words("rtguard: "), words(what), words(of), words(" on a media thread\n")};

	if (writev(STDERR_FILENO, v, 4) < 0)
		return;
}

static void caught(const char *what)
{
	if (!depth)
		return;
	depth = 0;
	say(what, "");
	abort();
}

void rtguard_begin_rt(void) { depth++; }

void rtguard_end_rt(void) { depth--; }

/* --- memory --- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void  __libc_free(void *p);

void *malloc(size_t n)
{
	caught("malloc");
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	caught("calloc");
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	caught("realloc");
	return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	caught("aligned_alloc");
	return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	void *got;

	caught("posix_memalign");
	if (align % sizeof(void *) || !align || align & (align - 1))
		return EINVAL;
	got = __libc_memalign(align, n);
	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}

void free(void *p)
{
	if (p)
		caught("free");
	__libc_free(p);
}

/* --- the next of that name, in the C library --- */

static void *next(void *_Atomic *known, const char *name)
{
	void *f = *known;

	if (!f)
		*known = f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

#define NEXT(type, name) ((type *)(uintptr_t)next(&known, name))

/* --- locks --- */

typedef int (mutex_f)(pthread_mutex_t *m);
typedef int (rwlock_f)(pthread_rwlock_t *l);

int pthread_mutex_lock(pthread_mutex_t *m)
{
	static void *_Atomic known;

	caught("pthread_mutex_lock");
	return NEXT(mutex_f, "pthread_mutex_lock")(m);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	static void *_Atomic known;

	caught("pthread_rwlock_rdlock");
	return NEXT(rwlock_f, "pthread_rwlock_rdlock")(l);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	static void *_Atomic known;

	caught("pthread_rwlock_wrlock");
	return NEXT(rwlock_f, "pthread_rwlock_wrlock")(l);
}

/* --- streams --- */

typedef int (vfprintf_f)(FILE *f, const char *fmt, va_list ap);
typedef size_t (fwrite_f)(const void *p, size_t size, size_t n, FILE *f);
typedef int (fputs_f)(const char *s, FILE *f);

static int print(FILE *f, const char *fmt, va_list ap)
{
	static void *_Atomic known;

	caught("printf");
	return NEXT(vfprintf_f, "vfprintf")(f, fmt, ap);
}

int vfprintf(FILE *f, const char *fmt, va_list ap) { return print(f, fmt, ap); }

int vprintf(const char *fmt, va_list ap) { return print(stdout, fmt, ap); }

int fprintf(FILE *f, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = print(f, fmt, ap);
	va_end(ap);
	return n;
}

int printf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = print(stdout, fmt, ap);
	va_end(ap);
	return n;
}

/* What a library built with -D_FORTIFY_SOURCE calls. */
int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap);
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
int __printf_chk(int flag, const char *fmt, ...);

int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return print(f, fmt, ap);
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = print(f, fmt, ap);
	va_end(ap);
	return n;
}

int __printf_chk(int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = print(stdout, fmt, ap);
	va_end(ap);
	return n;
}

size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
	static void *_Atomic known;

	caught("fwrite");
	return NEXT(fwrite_f, "fwrite")(p, size, n, f);
}

int fputs(const char *s, FILE *f)
{
	static void *_Atomic known;

	caught("fputs");
	return NEXT(fputs_f, "fputs")(s, f);
}

int puts(const char *s)
{
	int n = fputs(s, stdout);

	return n < 0 ? n : fputs("\n", stdout);
}

/* --- system calls --- */

#ifdef ARCH

static const int allowed[] = {
	SYS_epoll_pwait, SYS_epoll_ctl, SYS_recvmsg, SYS_recvfrom, SYS_sendto, SYS_sendmsg, SYS_ppoll,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_sched_yield,          /* while another thread ends what it took (lend.c) */
	SYS_clock_gettime,        /* where the kernel cannot tell the time without one */
	/* its end, and abort */
	SYS_exit, SYS_exit_group, SYS_madvise, SYS_munmap, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
	SYS_getpid, SYS_gettid, SYS_tgkill, SYS_rt_sigaction,
};

enum { PROGRAM_MAX = 512 };

struct program { struct sock_filter f[PROGRAM_MAX]; unsigned short n; };

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->f[p->n++] = (struct sock_filter){code, jt, jf, k};
}

static void load(struct program *p, size_t at) { emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)at, 0, 0); }

static void allow_if(struct program *p, int value)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)value, 0, 1);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* The low half of the first argument: a descriptor. */
static void allow_with(struct program *p, int nr, int fd)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4);
	load(p, offsetof(struct seccomp_data, args) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
	allow_if(p, fd);
	load(p, offsetof(struct seccomp_data, nr));
}

static void compile(struct program *p, const int *may_write, unsigned n, int may_read)
{
	p->n = 0;
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
	load(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		allow_if(p, allowed[i]);
	allow_with(p, SYS_read, may_read);
	for (unsigned i = 0; i < n && p->n < PROGRAM_MAX - 12; i++)
		allow_with(p, SYS_write, may_write[i]);
	allow_with(p, SYS_writev, STDERR_FILENO);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	char digits[12], *d = digits + sizeof(digits) - 1;
	int nr = info->si_syscall;

	(void)sig;
	(void)context;
	*d = 0;
	do
		*--d = (char)('0' + nr % 10);
	while (nr /= 10);
	depth = 0;
	say("system call ", d);
	abort();
}

bool rtguard_thread_rt(const int *may_write, unsigned n, int may_read)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	struct program p;
	struct sock_fprog prog = {.filter = p.f};

	compile(&p, may_write, n, may_read);
	prog.len = p.n;
	if (!sigaction(SIGSYS, &sa, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return true;
	say("seccomp is refused: nobody watches system calls", "");
	return false;
}

#else

bool rtguard_thread_rt(const int *may_write, unsigned n, int may_read)
{
	(void)may_write, (void)n, (void)may_read;
	return false;
}

#endif
