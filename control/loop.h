/*
 * loop.h - the control thread: libre's loop, and calls posted to it from other threads.
 */
#ifndef CONTROL_LOOP_H
#define CONTROL_LOOP_H

typedef void (loop_call_h)(void *arg);

int  loop_init(void);                     /* libre_init, descriptor table sized to RLIMIT_NOFILE, post queue */
int  loop_run(void (*signalh)(int sig));  /* until loop_stop */
void loop_stop(void);
void loop_close(void);
int  loop_post(loop_call_h *h, void *arg);        /* any thread but media/forward: h(arg) runs on the control thread */

#endif
