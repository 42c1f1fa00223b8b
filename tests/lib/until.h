/* until.h - turns the loop of this program until something is so. */
#ifndef TESTS_LIB_UNTIL_H
#define TESTS_LIB_UNTIL_H

#include <stdbool.h>

/* Asked once a millisecond, 20 s at most. */
void turn_until(bool (*is_so)(void *arg), void *arg);

#endif
