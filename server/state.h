/*
 * state.h - the state folder: made at the first start with mode 0700, it holds the admin token and, when none is
 * configured, a self-signed certificate. All files 0600, written beside and renamed, so that none is ever half there.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <stdbool.h>

struct state;

/* dir "": $STATE_DIRECTORY, /var/lib/tutti for root, else $XDG_STATE_HOME/tutti or ~/.local/state/tutti. On error *why
 * tells a person what to do; mem_deref(*why). */
int  state_alloc(struct state **sp, const char *dir, char **why);
const char *state_dir(const struct state *s);
const char *state_token(const struct state *s);           /* 64 hex digits */
bool state_token_is_new(const struct state *s);           /* made just now: to be shown once */

/* Path of the self-signed certificate with its key (PEM), made when it is not there. Lives as long as `s`. */
int  state_cert(struct state *s, const char **path, char **why);

#endif
