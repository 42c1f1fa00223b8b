/*
 * systemd.h - what a service says to systemd, without libsystemd: one datagram to $NOTIFY_SOCKET. Does nothing elsewhere.
 */
#ifndef SERVER_SYSTEMD_H
#define SERVER_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1", "RELOADING=1" (its time stamp is added), "STOPPING=1", "WATCHDOG=1". 0 when there is no
 * systemd; EAGAIN when it does not read. Never waits. */
int systemd_notify(const char *state);
uint64_t systemd_watchdog_us(void);       /* 0: no watchdog for this process */
bool systemd_journal(void);               /* our output goes to the journal, where others may read it */

#endif
