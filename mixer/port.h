/*
 * port.h - a pair of UDP sockets from a range, and how media sockets are set. Control thread.
 */
#ifndef MIXER_PORT_H
#define MIXER_PORT_H

#include <re.h>

/* An even port and the next, both bound, never waiting, with DSCP EF. `local`: the address; in it comes the port. EADDRINUSE: none
 * is free. */
int port_pair(int fd[2], struct sa *local, uint16_t min, uint16_t max);

#endif
