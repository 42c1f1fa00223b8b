/*
 * rtguard.c - malloc, calloc, realloc and free in front of glibc's own, with a counter.
 *
 * With TUTTI_RTGUARD=abort in the environment the first call aborts, so that a debugger shows who it was.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include "rtguard.h"

static _Thread_local bool guarded;
static _Thread_local unsigned calls, fail_in;
static _Thread_local bool failed;

void rtguard_begin(void)
{
	calls = 0;
	guarded = true;
}

unsigned rtguard_end(void)
{
	guarded = false;
	return calls;
}

bool rtguard_fail(unsigned nth)
{
	bool was = failed;

	fail_in = nth;
	failed = false;
	return was;
}

#if defined(__GLIBC__) && !defined(TUTTI_RTGUARD) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
# if defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#   define RTGUARD_OFF
#  endif
# endif
#else
# define RTGUARD_OFF
#endif

#ifndef RTGUARD_OFF

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void  __libc_free(void *p);

static void called(void)
{
	const char *how;

	if (!guarded)
		return;
	calls++;
	how = getenv("TUTTI_RTGUARD");
	if (how && *how == 'a')
		abort();
}

static bool fails(void)
{
	if (!fail_in || --fail_in)
		return false;
	failed = true;
	return true;
}

void *malloc(size_t n)
{
	called();
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	called();
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	called();
	return fails() ? NULL : __libc_realloc(p, n);
}

void free(void *p)
{
	if (p)
		called();
	__libc_free(p);
}

#endif
