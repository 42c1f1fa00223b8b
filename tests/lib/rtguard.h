/*
 * rtguard.h - between begin and end this thread must not allocate or free: a call of malloc and the like is counted.
 *
 * And the other way round: one that fails, to see what a constructor leaves behind.
 *
 * Stands in the place of the C library's functions, so not in sanitizer builds, nor in that of -Dchecks=rtguard, where
 * mixer/rtguard.c does and aborts: there it counts nothing.
 */
#ifndef TESTS_LIB_RTGUARD_H
#define TESTS_LIB_RTGUARD_H

#include <stdbool.h>

void     rtguard_begin(void);
unsigned rtguard_end(void);       /* how many calls there were */

/* The nth allocation of this thread from now on fails, and only that; 0: none does any more. True if one has failed since
 * the call before. */
bool rtguard_fail(unsigned nth);

#endif
