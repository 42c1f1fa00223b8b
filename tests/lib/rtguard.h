/*
 * rtguard.h - between begin and end this thread must not allocate or free: a call of malloc and the like is counted.
 *
 * Stands in the place of the C library's functions, so not in sanitizer builds, nor in that of -Dchecks=rtguard, where
 * mixer/rtguard.c does and aborts: there it counts nothing.
 */
#ifndef TESTS_LIB_RTGUARD_H
#define TESTS_LIB_RTGUARD_H

void     rtguard_begin(void);
unsigned rtguard_end(void);       /* how many calls there were */

#endif
