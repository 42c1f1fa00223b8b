/*
 * conftab.h - what reader, pens and checks of the settings share; private to config*.c and conf*.c.
 */
#ifndef SERVER_CONFTAB_H
#define SERVER_CONFTAB_H

#include "config.h"

#define CONF_SEP " \t,"           /* between the words of a list */

int conf_word(struct pl *word, const char **list);

#endif
