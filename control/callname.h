/*
 * callname.h - the name that a caller says when it is asked for: heard for three seconds, without the silence around it.
 *
 * The caller is alone in a room of its own meanwhile, so it must be in no other. Control thread only.
 */
#ifndef CONTROL_CALLNAME_H
#define CONTROL_CALLNAME_H

#include "mixer/mixer.h"

struct callname;
struct sound;

enum { CALLNAME_MS = 3000 };

/* Begins to listen. Freed with mem_deref, before its leg. */
int callname_alloc(struct callname **np, struct mixer *m, struct leg *l);
/* What was said; the caller is in no room any more. ENODATA: nothing that one could hear. */
int callname_end(struct sound **sp, struct callname *n);

#endif
