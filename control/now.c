/*
 * now.c - the time of day. In a file of its own so that a test may put a clock of its own in its place.
 */
#include <time.h>
#include "state.h"

uint64_t unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
