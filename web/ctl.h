/*
 * ctl.h - tuttictl between its files: what the command line said, the table of commands, and what runs them.
 */
#ifndef WEB_CTL_H
#define WEB_CTL_H

#include "ctl_http.h"
#include "ctl_json.h"

enum { CTL_OK = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };     /* exit statuses */
enum { CTL_ARGS_MAX = 256 };

struct ctl {
	struct http_server server;
	bool json, colour, help;
	const char *from, *to, *limit, *scopes, *room, *days;   /* NULL: not given */
	bool csv;
};

struct ctl_word;
struct ctl_args { const struct ctl_word *word; char **v; int n; };

/* A command: noun and verb, or one word alone. The rest tells how it becomes a request. */
struct ctl_word {
	const char *noun, *verb;          /* verb NULL: none */
	/* Names of the arguments; [X]: may be left out, X...: one or more, [X...]: any number. A MEMBER... is done for each. */
	const char *args;
	const char *help;
	const char *method, *path;        /* {X}: the argument X, escaped; {MEMBER}: its number, also when it was named otherwise */
	/* The body's fields: name=JSON, name$X a string, name#X a number (name#X:2, 2 where there is no X), name@X a member's
	 * number, name~X its address, name!X on or off (on where there is no X), name*X an object of the settings X. Otherwise left out when X is. */
	const char *body;
	void (*show)(const struct ctl *c, const struct json *answer);     /* NULL: nothing to say but that it is done */
	int  (*run)(const struct ctl *c, const struct ctl_args *a);       /* instead of all that; NULL: as told above */
	const char *options;              /* the long ones it takes besides those for all */
};

/* ctl_options.c: 0, CTL_USAGE (said why on stderr). The words that are left are moved to the front of v. */
int  ctl_options(struct ctl *c, char **v, int *n);
void ctl_options_help(void);
struct ctl_option { const char *name, *arg, *help; char letter; };        /* arg NULL: takes none */
const struct ctl_option *ctl_option_table(size_t *n);
int  ctl_options_fit(const struct ctl *c, const struct ctl_word *w);

/* ctl_words.c */
const struct ctl_word *ctl_words(size_t *n);
/* The command at the beginning of v, and how many words name it; NULL: there is none. */
const struct ctl_word *ctl_find(char **v, int n, int *used);
/* One argument after the other of a word's list: false after the last one. */
struct ctl_arg { char name[16]; bool optional, many; };
bool ctl_arg_next(struct ctl_arg *arg, const char **list);
bool ctl_args_fit(const struct ctl_word *w, int n);
const char *ctl_arg(const struct ctl_args *a, const char *name);          /* its (first) value or NULL */
int  ctl_arg_index(const struct ctl_args *a, const char *name);           /* of its first value in v; -1: not there */
const char *ctl_choices(const char *name);                                /* "on off"; NULL: anything */

/* ctl_ask.c: a request and what became of it. All answer with an exit status and have said on stderr what was wrong. */
int  ctl_run(const struct ctl *c, const struct ctl_args *a);
int  ctl_get(struct json **root, char **text, const struct ctl *c, const char *path, const char *what);
int  ctl_open(struct http **hp, const struct ctl *c, const struct http_request *rq, const char *what);

/* ctl_show.c: answers for people. */
void show_outline(const struct ctl *c, const struct json *answer);
void show_rooms(const struct ctl *c, const struct json *answer);
void show_room(const struct ctl *c, const struct json *answer);
void show_members(const struct ctl *c, const struct json *answer);
void show_players(const struct ctl *c, const struct json *answer);
void show_delays(const struct ctl *c, const struct json *answer);     /* ctl_delays.c */
void show_views(const struct ctl *c, const struct json *answer);
void show_recordings(const struct ctl *c, const struct json *answer);
void show_calls(const struct ctl *c, const struct json *answer);
void show_tokens(const struct ctl *c, const struct json *answer);
void show_accounts(const struct ctl *c, const struct json *answer);
void show_settings(const struct ctl *c, const struct json *answer);
void show_bans(const struct ctl *c, const struct json *answer);
void show_verbs(const struct ctl *c, const struct json *answer);

/* Commands that are more than one request. */
int  run_cdr_list(const struct ctl *c, const struct ctl_args *a);
int  run_cdr_export(const struct ctl *c, const struct ctl_args *a);
int  run_record_list(const struct ctl *c, const struct ctl_args *a);
int  run_record_get(const struct ctl *c, const struct ctl_args *a);
int  run_token_create(const struct ctl *c, const struct ctl_args *a);
int  run_text(const struct ctl *c, const struct ctl_args *a);
int  run_watch(const struct ctl *c, const struct ctl_args *a);
int  run_completion(const struct ctl *c, const struct ctl_args *a);

#endif
