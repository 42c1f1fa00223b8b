/*
 * sim.h - a clock and a network that a test turns by hand. The real server stack runs on loopback sockets in the test's
 * own thread; its clock is simulated.
 *
 * How: the test program defines gettimeofday(), clock_gettime(), epoll_wait() and sendto(), and libre, a shared library,
 * takes those. epoll_wait() looks at the real descriptors first; only when nothing is ready does it set the clock
 * forward, to the next timer or the end of the wait, whichever comes first. So an hour of SIP passes in a second, nothing
 * ever sleeps, and a run with the same seed goes the same way.
 *
 *     sim_init(1);
 *     ... sips_alloc, sessions_alloc, a struct ua or two (ua.h) ...
 *     g_assert_true(sim_run_until(is_done, arg, 32000));
 *     sim_advance(500);
 *     sim_close();
 *
 * Only the thread that called sim_init is on simulated time; media threads keep the real clock. Objects are freed before
 * sim_close. One sim at a time; sim_init may be called again after sim_close.
 */
#ifndef TESTS_LIB_SIM_H
#define TESTS_LIB_SIM_H

#include <stdbool.h>
#include <stdint.h>

int  sim_init(uint32_t seed);             /* loop_init() and the clock */
void sim_close(void);                     /* loop_close(); under the address sanitizer what was not freed fails the test */

uint64_t sim_now_ms(void);                /* since sim_init */
/* Runs the loop until cond(arg), asked before every wait; false: timeout_ms of simulated time passed first. */
bool sim_run_until(bool (*cond)(void *arg), void *arg, uint32_t timeout_ms);
void sim_advance(uint32_t ms);            /* runs the loop for that long */

/* Without sim_init: from now on each look at the monotonic clock finds it so much later than the last one, so that what is
 * measured does not depend on how busy the machine is. 0: off. Returns how many looks there were before. */
uint64_t sim_tick(uint32_t us);

/* Datagrams sent by anybody in this thread, from now on. Percent, seeded. Delay: uniform in min..max. 0: off. */
void sim_loss(unsigned percent);
void sim_duplicate(unsigned percent);
void sim_delay(uint32_t min_ms, uint32_t max_ms);
/* Drops the next n datagrams whose bytes begin with prefix ("ACK ", "SIP/2.0 200"): for the one loss a ladder is about. */
void sim_drop_next(unsigned n, const char *prefix);

/* Streams are not delivered at once under load: with TCP peers a wait looks this long (real time) before time moves on.
 * struct ua sets it to 2 for TCP. */
void sim_settle(unsigned real_ms);

#endif
