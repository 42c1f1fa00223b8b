/*
 * checkrun.h - tutti-join --check as a program: the settings, the loop, what is printed, the exit status.
 */
#ifndef CLIENT_CHECKRUN_H
#define CLIENT_CHECKRUN_H

#include "joinconf.h"

/* To stdout the figures and the verdict, as JSON where that is set; to stderr what is being tried. Returns a status of
 * sysexits.h. */
int  checkrun(const struct joinconf *c);

#endif
