/*
 * rtguard.h - holds media threads to their word: no allocation, no lock, no log, no system call but those few.
 *
 * Only in a build with -Dchecks=rtguard; in any other these are nothing. Between begin and end (they nest) a thread that
 * calls malloc, pthread_mutex_lock, fprintf or the like is told so on stderr and aborted. A media thread on its own has
 * its system calls watched from rtguard_thread_rt on, to its end.
 */
#ifndef MIXER_RTGUARD_H
#define MIXER_RTGUARD_H

#ifdef TUTTI_RTGUARD
#include <stdbool.h>

void rtguard_begin_rt(void);
void rtguard_end_rt(void);
/* Which descriptors it may write, and read, and from now on nothing else. false: this system lets nobody watch system calls. */
bool rtguard_thread_rt(const int *may_write, unsigned n, int may_read);
#else
static inline void rtguard_begin_rt(void) {}
static inline void rtguard_end_rt(void) {}
static inline void rtguard_thread_rt(const int *may_write, unsigned n, int may_read) { (void)may_write, (void)n, (void)may_read; }
#endif

#endif
