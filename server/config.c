/*
 * config.c - values beside the table of conftab.c: one string a setting, checked when it is set, converted when asked for
 * (a handful of times at start, so nothing is gained by keeping the converted value too).
 *
 * A file is read into a copy, which takes the place of the old values only when the whole file was right.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "config.h"
#include "conftab.h"
#include "ini.h"
#include "control/keypad.h"

enum { KEYS_MAX = 8, SECTIONS_MAX = 10000 };

struct value {
	char *str;                /* NULL: the default */
	unsigned line;            /* where the file that is being read said it; 0: not yet */
};

struct section {
	struct le le;
	const struct config_kind *kind;
	char *instance;
	unsigned line;
	struct value key[KEYS_MAX];
};

struct config {
	struct value *value;      /* one for each line of the table */
	struct list sections;     /* struct section, as the file orders them */
};

/* --- values --- */

static void section_destructor(void *arg)
{
	struct section *s = arg;

	list_unlink(&s->le);
	mem_deref(s->instance);
	for (size_t i = 0; i < KEYS_MAX; ++i)
		mem_deref(s->key[i].str);
}

static void config_destructor(void *arg)
{
	struct config *c = arg;
	size_t n;

	config_table(&n);
	for (size_t i = 0; c->value && i < n; ++i)
		mem_deref(c->value[i].str);
	mem_deref(c->value);
	list_flush(&c->sections);
}

int config_alloc(struct config **cp)
{
	struct config *c = mem_zalloc(sizeof(*c), config_destructor);
	size_t n;

	if (!c)
		return ENOMEM;

	config_table(&n);
	c->value = mem_zalloc(n * sizeof(*c->value), NULL);
	if (!c->value) {
		mem_deref(c);
		return ENOMEM;
	}
	*cp = c;
	return 0;
}

static struct section *section_find(const struct config *c, const struct config_kind *kind, const char *instance)
{
	for (struct le *le = c->sections.head; le; le = le->next) {
		struct section *s = le->data;
		if (s->kind == kind && 0 == strcmp(s->instance, instance))
			return s;
	}
	return NULL;
}

static int section_add(struct section **sp, struct config *c, const struct config_kind *kind, const char *instance)
{
	struct section *s = mem_zalloc(sizeof(*s), section_destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->kind = kind;
	err = str_dup(&s->instance, instance);
	if (err) {
		mem_deref(s);
		return err;
	}
	list_append(&c->sections, &s->le, s);
	*sp = s;
	return 0;
}

static int value_copy(struct value *dst, const struct value *src)
{
	dst->str = mem_deref(dst->str);
	dst->line = 0;
	return src->str ? str_dup(&dst->str, src->str) : 0;
}

static int section_copy(struct config *c, const struct section *src)
{
	struct section *s;
	int err = section_add(&s, c, src->kind, src->instance);

	for (size_t i = 0; !err && i < src->kind->n_keys; ++i)
		err = value_copy(&s->key[i], &src->key[i]);
	return err;
}

static int config_copy(struct config **cp, const struct config *src)
{
	struct config *c;
	size_t n;
	int err = config_alloc(&c);

	if (err)
		return err;

	config_table(&n);
	for (size_t i = 0; !err && i < n; ++i)
		err = value_copy(&c->value[i], &src->value[i]);
	for (struct le *le = src->sections.head; le && !err; le = le->next)
		err = section_copy(c, le->data);

	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

/* --- finding a name, and guessing what was meant --- */

static const struct config_setting *find(size_t *i, const char *name)
{
	size_t n;
	const struct config_setting *t = config_table(&n);

	for (*i = 0; *i < n; ++*i) {
		if (0 == strcmp(t[*i].name, name))
			return &t[*i];
	}
	return NULL;
}

static const struct config_kind *find_kind(const char *name)
{
	size_t n;
	const struct config_kind *k = config_kinds(&n);

	for (size_t i = 0; i < n; ++i) {
		if (0 == strcmp(k[i].name, name))
			return &k[i];
	}
	return NULL;
}

/* Letters to change, add or drop to come from a to b; texts above 63 letters are as far as they are long. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[64];

	if (la > 63 || lb > 63)
		return la > lb ? la : lb;
	for (size_t j = 0; j <= lb; ++j)
		row[j] = j;
	for (size_t i = 1; i <= la; ++i) {
		size_t diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; ++j) {
			size_t best = diag + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

static void guess(const struct config_setting *t, size_t n, const char *name, const char **best, size_t *far)
{
	for (size_t i = 0; i < n; ++i) {
		size_t d = distance(name, t[i].name);
		const char *key = strchr(t[i].name, '.') + 1;

		/* The right key in the wrong section, or without one, is a near miss too. */
		if (0 == strcmp(key, strchr(name, '.') ? strchr(name, '.') + 1 : name) && d > 3)
			d = 3;
		if (d < *far) {
			*far = d;
			*best = t[i].name;
		}
	}
}

/* With -o only the table can be reached, so nothing of a [section NAME] is offered. */
static int unknown(const char *what, const char *name, bool in_file, char **why)
{
	const char *best = NULL;
	size_t far = 4, n;
	const struct config_setting *t = config_table(&n);
	const struct config_kind *k;

	guess(t, n, name, &best, &far);
	k = config_kinds(&n);
	for (size_t i = 0; in_file && i < n; ++i)
		guess(k[i].keys, k[i].n_keys, name, &best, &far);

	if (best)
		(void)re_sdprintf(why, "unknown %s %s (did you mean %s?)", what, name, best);
	else
		(void)re_sdprintf(why, "unknown %s %s", what, name);
	return EINVAL;
}

/* --- types --- */

/* 1, 0, or -1: neither */
static int conf_bool(const char *value)
{
	static const char *const on[] = {"yes", "on", "true", "1"}, *const off[] = {"no", "off", "false", "0"};

	for (size_t i = 0; i < 4; ++i) {
		if (0 == strcasecmp(value, on[i]))
			return 1;
		if (0 == strcasecmp(value, off[i]))
			return 0;
	}
	return -1;
}

/* All digits, nothing else, and no overflow: strtoul alone takes " -1" and "12x". */
static bool number(uint32_t *u, const char *s, size_t len)
{
	uint64_t v = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; ++i) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*u = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool in_bounds(const char *choices, uint32_t v)
{
	const char *dots = strstr(choices, "..");
	uint32_t min, max;

	return number(&min, choices, (size_t)(dots - choices)) && number(&max, dots + 2, strlen(dots + 2)) && v >= min &&
	       v <= max;
}

static bool range(const char *value, uint32_t *min, uint32_t *max)
{
	const char *dash = strchr(value, '-');

	return dash && number(min, value, (size_t)(dash - value)) && number(max, dash + 1, strlen(dash + 1));
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	while (len) {
		size_t n = strcspn(choices, "|");
		if (n == len && 0 == strncmp(choices, value, n))
			return true;
		if (!choices[n])
			break;
		choices += n + 1;
	}
	return false;
}

static bool is_secret(const struct config_setting *t)
{
	return strstr(t->name, ".password") || strstr(t->name, ".secret") || strstr(t->name, "-secret");
}

static int wrong(char **why, const struct config_setting *t, const char *value, const char *what)
{
	/* A secret stays out of logs, also a wrong one. */
	if (is_secret(t))
		(void)re_sdprintf(why, "%s: %s", t->name, what);
	else
		(void)re_sdprintf(why, "%s = %s: %s", t->name, *value ? value : "(empty)", what);
	return EINVAL;
}

static int check_value(const struct config_setting *t, const char *value, char **why)
{
	const char *what = NULL;
	char buf[128];
	uint32_t min, max;

	switch (t->type) {
	case CONFIG_STR:
	case CONFIG_LIST:
		break;
	case CONFIG_BOOL:
		if (conf_bool(value) < 0)
			what = "yes or no";
		break;
	case CONFIG_UINT:
		if (!number(&min, value, strlen(value)) || !in_bounds(t->choices, min)) {
			(void)re_snprintf(buf, sizeof(buf), "a number, %s", t->choices);
			what = buf;
		}
		break;
	case CONFIG_RANGE:
		if (!range(value, &min, &max) || !in_bounds(t->choices, min) || !in_bounds(t->choices, max) ||
		    max < min + 3) {
			(void)re_snprintf(buf, sizeof(buf), "a range FIRST-LAST within %s, at least four wide",
					  t->choices);
			what = buf;
		}
		break;
	case CONFIG_ENUM:
		if (!is_choice(t->choices, value)) {
			(void)re_snprintf(buf, sizeof(buf), "one of %s", t->choices);
			what = buf;
		}
		break;
	}
	if (!what && t->check)
		what = t->check(value);
	return what ? wrong(why, t, value, what) : 0;
}

static int value_set(struct value *v, const struct config_setting *t, const char *value, char **why)
{
	char *str;
	int err = check_value(t, value, why);

	if (!err)
		err = str_dup(&str, value);
	if (err)
		return err;

	mem_deref(v->str);
	v->str = str;
	return 0;
}

int config_set(struct config *c, const char *name, const char *value, char **why)
{
	size_t i;
	const struct config_setting *t = find(&i, name);

	*why = NULL;
	if (!t)
		return unknown("setting", name, false, why);
	return value_set(&c->value[i], t, value, why);
}

/* --- reading a file --- */

struct reading {
	struct config *c;
	struct section *s;        /* the [account NAME] we are in */
	size_t n_sections;
	char *why;
};

static bool is_section(const char *name)
{
	size_t n, len = strlen(name);
	const struct config_setting *t = config_table(&n);

	for (size_t i = 0; i < n; ++i) {
		if (0 == strncmp(t[i].name, name, len) && t[i].name[len] == '.')
			return true;
	}
	return false;
}

static int said_twice(struct reading *r, const char *name, unsigned line)
{
	(void)re_sdprintf(&r->why, "%s was already set in line %u", name, line);
	return EINVAL;
}

static int begin_section(struct reading *r, const struct ini_item *it)
{
	const struct config_kind *kind = find_kind(it->section);
	int err;

	r->s = NULL;
	if (!kind) {
		if (!is_section(it->section))
			return unknown("section", it->section, true, &r->why);
		if (*it->instance) {
			(void)re_sdprintf(&r->why, "section %s has no name: [%s]", it->section, it->section);
			return EINVAL;
		}
		return 0;
	}

	if (!*it->instance) {
		(void)re_sdprintf(&r->why, "section %s needs a name: [%s %s]", kind->name, kind->name, kind->instance);
		return EINVAL;
	}
	r->s = section_find(r->c, kind, it->instance);
	if (r->s) {
		(void)re_sdprintf(&r->why, "[%s %s] was already in line %u", kind->name, it->instance, r->s->line);
		return EINVAL;
	}
	if (++r->n_sections > SECTIONS_MAX) {
		(void)re_sdprintf(&r->why, "more than %u sections", SECTIONS_MAX);
		return EINVAL;
	}
	err = section_add(&r->s, r->c, kind, it->instance);
	if (!err)
		r->s->line = it->line;
	return err;
}

static int set_in_section(struct reading *r, const struct ini_item *it, const char *name)
{
	const struct config_kind *kind = r->s->kind;

	for (size_t i = 0; i < kind->n_keys; ++i) {
		struct value *v = &r->s->key[i];

		if (strcmp(kind->keys[i].name, name))
			continue;
		if (v->line)
			return said_twice(r, name, v->line);
		v->line = it->line;
		return value_set(v, &kind->keys[i], it->value, &r->why);
	}
	return unknown("setting", name, true, &r->why);
}

static int set_item(struct reading *r, const struct ini_item *it, const char *name)
{
	size_t i;
	const struct config_setting *t = find(&i, name);

	if (!t)
		return unknown("setting", name, true, &r->why);
	if (r->c->value[i].line)
		return said_twice(r, name, r->c->value[i].line);
	r->c->value[i].line = it->line;
	return value_set(&r->c->value[i], t, it->value, &r->why);
}

static int item_handler(const struct ini_item *it, const char **why, void *arg)
{
	struct reading *r = arg;
	char *name = NULL;
	int err;

	(void)why;
	if (!it->key)
		return begin_section(r, it);

	err = re_sdprintf(&name, "%s.%s", it->section, it->key);
	if (!err)
		err = r->s ? set_in_section(r, it, name) : set_item(r, it, name);
	mem_deref(name);
	return err;
}

/* A key without which a section says nothing: the ones whose default would not pass their own check. */
static int check_sections(const struct config *c, unsigned *line, char **why)
{
	for (struct le *le = c->sections.head; le; le = le->next) {
		const struct section *s = le->data;

		for (size_t i = 0; i < s->kind->n_keys; ++i) {
			const struct config_setting *t = &s->kind->keys[i];

			if (s->key[i].str || !t->check || !t->check(t->def))
				continue;
			*line = s->line;
			(void)re_sdprintf(why, "[%s %s] needs a %s", s->kind->name, s->instance,
					  strchr(t->name, '.') + 1);
			return EINVAL;
		}
	}
	return 0;
}

static void take_over(struct config *c, struct config *next)
{
	struct list sections = c->sections;
	struct value *value = c->value;

	c->value = next->value;
	next->value = value;

	list_init(&c->sections);
	while (next->sections.head) {
		struct le *le = next->sections.head;
		void *s = le->data;
		list_unlink(le);
		list_append(&c->sections, le, s);
	}
	while (sections.head) {
		struct le *le = sections.head;
		void *s = le->data;
		list_unlink(le);
		mem_deref(s);
	}
}

int config_read_text(struct config *c, const char *name, const char *text, size_t len, char **why)
{
	struct reading r = {0};
	const char *what = NULL;
	unsigned line = 0;
	size_t n;
	int err = config_copy(&r.c, c);

	*why = NULL;
	if (err)
		return err;
	config_table(&n);

	/* The sections of a file read before are not kept beside those of this one. */
	list_flush(&r.c->sections);
	err = ini_read(text, len, item_handler, &r, &what, &line);
	if (!err)
		err = check_sections(r.c, &line, &r.why);
	if (!err)
		take_over(c, r.c);
	else if (r.why || what)
		(void)re_sdprintf(why, "%s:%u: %s", name, line, r.why ? r.why : what);

	for (size_t i = 0; i < n; ++i)
		c->value[i].line = 0;
	mem_deref(r.why);
	mem_deref(r.c);
	return err;
}

int config_read_file(struct config *c, const char *path, char **why)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;
	int err;

	*why = NULL;
	if (!f) {
		err = errno;
		(void)re_sdprintf(why, "%s: %m", path, err);
		return err;
	}

	text = mem_alloc(INI_TEXT_MAX + 1, NULL);
	if (!text) {
		(void)fclose(f);
		return ENOMEM;
	}
	n = fread(text, 1, INI_TEXT_MAX + 1, f);
	err = ferror(f) ? EIO : 0;
	(void)fclose(f);

	if (err)
		(void)re_sdprintf(why, "%s: cannot be read", path);
	else
		err = config_read_text(c, path, text, n, why);
	mem_deref(text);
	return err;
}

void config_keypad(const struct config *c, struct keypad_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (int i = 0; i < KEYPAD_N; ++i) {
		char name[32];

		(void)re_snprintf(name, sizeof(name), "keypad.%s", keypad_name((enum keypad_action)i));
		str_ncpy(conf->code[i], config_str(c, name), sizeof(conf->code[i]));
	}
}

static int check_keypad(const struct config *c, char **why)
{
	enum keypad_action pair[2];
	struct keypad_conf conf;

	config_keypad(c, &conf);
	if (!keypad_confused(pair, &conf))
		return 0;
	(void)re_sdprintf(why, "keypad.%s (%s) and keypad.%s (%s): one begins the other, or becomes it when a key gets lost",
			  keypad_name(pair[0]), conf.code[pair[0]], keypad_name(pair[1]), conf.code[pair[1]]);
	return EINVAL;
}

int config_check(const struct config *c, char **why)
{
	static const struct {
		const char *low, *high;
	} order[] = {
		{"sip.min-se", "sip.session-expires"},
		{"media.jitter-min", "media.jitter-max"},
		{"media.jitter-start", "media.jitter-max"},
	};

	*why = NULL;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); ++i) {
		uint32_t low = config_uint(c, order[i].low), high = config_uint(c, order[i].high);

		if (low > high) {
			(void)re_sdprintf(why, "%s (%u) is above %s (%u)", order[i].low, low, order[i].high, high);
			return EINVAL;
		}
	}
	return check_keypad(c, why);
}

/* --- asking --- */

const char *config_str(const struct config *c, const char *name)
{
	size_t i;
	const struct config_setting *t = find(&i, name);

	if (!t)
		abort();                  /* a name in our own code that is not in our own table */
	return c->value[i].str ? c->value[i].str : t->def;
}

bool config_bool(const struct config *c, const char *name)
{
	return conf_bool(config_str(c, name)) == 1;
}

uint32_t config_uint(const struct config *c, const char *name)
{
	const char *s = config_str(c, name);
	uint32_t v;

	if (!number(&v, s, strlen(s)))
		abort();
	return v;
}

void config_range(const struct config *c, const char *name, uint32_t *min, uint32_t *max)
{
	if (!range(config_str(c, name), min, max))
		abort();
}

void config_list(const struct config *c, const char *name, void (*h)(const char *word, void *arg), void *arg)
{
	const char *list = config_str(c, name);
	struct pl pl;

	while (0 == conf_word(&pl, &list)) {
		char *word;

		if (pl_strdup(&word, &pl))
			return;
		h(word, arg);
		mem_deref(word);
	}
}

void config_sections(const struct config *c, const char *kind, void (*h)(const char *instance, void *arg), void *arg)
{
	const struct config_kind *k = find_kind(kind);

	if (!k)
		abort();
	for (struct le *le = c->sections.head; le; le = le->next) {
		const struct section *s = le->data;
		if (s->kind == k)
			h(s->instance, arg);
	}
}

const char *config_sub(const struct config *c, const char *kind, const char *instance, const char *key)
{
	const struct config_kind *k = find_kind(kind);
	const struct section *s;

	if (!k)
		abort();
	s = section_find(c, k, instance);
	for (size_t i = 0; i < k->n_keys; ++i) {
		if (0 == strcmp(strchr(k->keys[i].name, '.') + 1, key))
			return s && s->key[i].str ? s->key[i].str : k->keys[i].def;
	}
	abort();
}

bool config_sub_bool(const struct config *c, const char *kind, const char *instance, const char *key)
{
	return conf_bool(config_sub(c, kind, instance, key)) == 1;
}

uint32_t config_sub_uint(const struct config *c, const char *kind, const char *instance, const char *key)
{
	const char *s = config_sub(c, kind, instance, key);
	uint32_t v;

	if (!number(&v, s, strlen(s)))
		abort();
	return v;
}

static bool table_has_secrets(const struct config *c)
{
	size_t n;
	const struct config_setting *t = config_table(&n);

	for (size_t i = 0; i < n; ++i) {
		if (c->value[i].str && *c->value[i].str && is_secret(&t[i]))
			return true;
	}
	return false;
}

bool config_has_secrets(const struct config *c)
{
	if (table_has_secrets(c))
		return true;
	for (struct le *le = c->sections.head; le; le = le->next) {
		const struct section *s = le->data;

		for (size_t i = 0; i < s->kind->n_keys; ++i) {
			if (s->key[i].str && is_secret(&s->kind->keys[i]))
				return true;
		}
	}
	return false;
}

/* --- SIGHUP --- */

static int replace_sections(struct config *dst, const struct config *src)
{
	int err = 0;

	list_flush(&dst->sections);
	for (struct le *le = src->sections.head; le && !err; le = le->next)
		err = section_copy(dst, le->data);
	return err;
}

void config_reload(struct config *c, const struct config *next, void (*h)(const char *name, void *arg), void *arg)
{
	size_t n;
	const struct config_setting *t = config_table(&n);

	for (size_t i = 0; i < n; ++i) {
		if (0 == strcmp(config_str(c, t[i].name), config_str(next, t[i].name)))
			continue;
		if (t[i].live)
			(void)value_copy(&c->value[i], &next->value[i]);
		else
			h(t[i].name, arg);
	}

	(void)replace_sections(c, next);
}
