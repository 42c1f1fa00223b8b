/*
 * config.h - settings as one table: name, type, default, help. The commented sample file, the man page tutti.conf(5) and
 * `tutti --check FILE` come from it.
 *
 * A file has INI sections; `sip.listen` is key `listen` in section [sip]. Values are read once into struct config; SIGHUP
 * reads the file again and says which changed settings need a restart (config_reload).
 *
 * Control thread only. Strings handed out stay valid until the setting is set again or the config is freed.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <re.h>
#include <stdio.h>

enum config_type { CONFIG_STR, CONFIG_BOOL, CONFIG_UINT, CONFIG_LIST, CONFIG_RANGE, CONFIG_ENUM };

struct config_setting {
	const char *name;         /* "sip.listen"; for a repeated section "account.password" */
	enum config_type type;
	const char *def;
	const char *choices;      /* ENUM: "voice|music"; UINT: "min..max" */
	bool live;                /* can change on SIGHUP */
	const char *help;         /* one or more sentences, wrapped by the pens */
	/* What the type alone does not tell; NULL, or what is wrong with the value. */
	const char *(*check)(const char *value);
};

/* A section that repeats: [account NAME], [trunk NAME], [did NUMBER]. */
struct config_kind {
	const char *name, *instance;      /* "account", "NAME" */
	const char *help;
	const struct config_setting *keys;
	size_t n_keys;
};

struct config;
struct keypad_conf;

int  config_alloc(struct config **cp);                                    /* all defaults */
/* EINVAL and *why = "FILE:12: unknown setting sip.lisen (did you mean sip.listen?)"; mem_deref(*why). Stays unchanged on
 * error; other errnos when the file cannot be read. Settings the file does not name keep their value. */
int  config_read_file(struct config *c, const char *path, char **why);
int  config_read_text(struct config *c, const char *name, const char *text, size_t len, char **why);
int  config_set(struct config *c, const char *name, const char *value, char **why);     /* -o section.key=value */
/* What only shows when all is read: e.g. a session interval below its minimum. */
int  config_check(const struct config *c, char **why);

const char *config_str(const struct config *c, const char *name);        /* aborts on a name that is not in the table */
bool config_bool(const struct config *c, const char *name);
uint32_t config_uint(const struct config *c, const char *name);
void config_range(const struct config *c, const char *name, uint32_t *min, uint32_t *max);
/* Lists: words, split at white space and commas. Calls h for each. */
void config_list(const struct config *c, const char *name, void (*h)(const char *word, void *arg), void *arg);
/* Sections that repeat, e.g. [account ann], [trunk work], [did +4930123]: calls h for each instance. */
void config_sections(const struct config *c, const char *kind, void (*h)(const char *instance, void *arg), void *arg);
/* NULL-free: the default where the file does not name the key or the instance; aborts on an unknown kind or key. */
const char *config_sub(const struct config *c, const char *kind, const char *instance, const char *key);
bool config_sub_bool(const struct config *c, const char *kind, const char *instance, const char *key);
uint32_t config_sub_uint(const struct config *c, const char *kind, const char *instance, const char *key);
void config_keypad(const struct config *c, struct keypad_conf *conf);
bool config_has_secrets(const struct config *c);          /* a password was set: the file wants mode 0600 */

/* Live settings move over from `next`; names of changed settings that need a restart go to h. Sections that repeat are
 * always live. */
void config_reload(struct config *c, const struct config *next, void (*h)(const char *name, void *arg), void *arg);

const struct config_setting *config_table(size_t *n);
const struct config_kind *config_kinds(size_t *n);
void config_print_sample(FILE *f);
void config_print_man(FILE *f);           /* tutti.conf(5) as roff */

#endif
