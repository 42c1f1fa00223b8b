/*
 * prompt.c - what is said to callers.
 *
 *     word > cache > DIR/LANGUAGE/word.flac|.wav > DIR/own language/... > the word's tone > nothing
 *
 * All that can be said is in one table here, with the tone that stands for it where there is no sound. The cache holds
 * a bounded time of sound and lets go of what was used longest ago; what is being said is held by who says it. What was
 * not found is remembered too, so that a set that lacks a word is asked and complained of once.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <re.h>
#include "log.h"
#include "prompt.h"
#include "sound.h"
#include "tone.h"

enum {
	NAME_MAX_LEN = 63, LANGUAGE_MAX = 15, ENTRIES_MAX = 512, BUCKETS = 64,
	CACHE_SMP = 48000 * 150, PROMPT_SMP = 48000 * 20, FILES_SMP = 48000 * 600,
};

#define UNDER_WORD 0.25f          /* -12 dB */

static const struct { const char *name; enum tone tone; } table[] = {
	{ "welcome", TONE_NONE },           { "enter-room", TONE_ASK },         { "enter-pin", TONE_ASK },
	{ "wrong-pin", TONE_NO },           { "no-room", TONE_NO },             { "locked-out", TONE_NO },
	{ "not-open", TONE_NO },            { "not-admitted", TONE_NO },        { "full", TONE_NO },
	{ "try-later", TONE_NO },           { "goodbye", TONE_LEAVE },          { "joining", TONE_YES },
	{ "only-person", TONE_NONE },       { "waiting-host", TONE_ASK },       { "waiting-admit", TONE_ASK },
	{ "waiting-start", TONE_ASK },      { "recorded", TONE_NEWS },          { "recording-started", TONE_NEWS },
	{ "recording-paused", TONE_NEWS },  { "recording-resumed", TONE_NEWS }, { "recording-stopped", TONE_NEWS },
	{ "recording-failed", TONE_NO },    { "muted", TONE_NO },               { "unmuted", TONE_YES },
	{ "muted-by-host", TONE_NO },       { "unmuted-by-host", TONE_YES },    { "asked-unmute", TONE_ASK },
	{ "all-muted", TONE_NO },           { "all-unmuted", TONE_YES },        { "deaf", TONE_NO },
	{ "undeaf", TONE_YES },             { "hand-up", TONE_YES },            { "hand-down", TONE_NO },
	{ "floor-given", TONE_YES },        { "floor-taken", TONE_NO },         { "role-host", TONE_NEWS },
	{ "role-speaker", TONE_NEWS },      { "role-listener", TONE_NEWS },     { "louder", TONE_YES },
	{ "quieter", TONE_YES },            { "locked", TONE_YES },             { "unlocked", TONE_YES },
	{ "not-allowed", TONE_NO },         { "not-possible", TONE_NO },        { "end-confirm", TONE_ASK },
	{ "end-cancelled", TONE_NO },       { "ends-soon", TONE_NEWS },         { "count-before", TONE_NONE },
	{ "count-after", TONE_NONE },       { "help-mute", TONE_NONE },         { "help-hand", TONE_NONE },
	{ "help-quieter", TONE_NONE },      { "help-louder", TONE_NONE },       { "help-mute-all", TONE_NONE },
	{ "help-lock", TONE_NONE },         { "help-record", TONE_NONE },       { "help-count", TONE_NONE },
	{ "help-end", TONE_NONE },          { "key-star", TONE_NONE },          { "key-hash", TONE_NONE },
	{ "say-name", TONE_ASK },           { "name-joined", TONE_NONE },       { "name-left", TONE_NONE },
};

struct entry {
	struct le he, le;         /* prompts.names; prompts.used, the one used last is last */
	struct sound *sound;      /* NULL: there is none */
	char name[LANGUAGE_MAX + 1 + NAME_MAX_LEN + 1];
};

struct prompts {
	struct hash *names;
	struct list used;
	uint32_t n;
	size_t n_smp;
	char *dir;
	char language[LANGUAGE_MAX + 1];
	struct sound *tone[TONE_N];
	struct list files;        /* struct file, of those that are being played, and the last one that was */
};

struct file { struct le le; struct sound *sound; char name[NAME_MAX_LEN + 1]; };

/* --- the table --- */

int prompt_name(const char **name, size_t i)
{
	if (i >= ARRAY_SIZE(table))
		return ENOENT;
	*name = table[i].name;
	return 0;
}

static bool is_prompt(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return true;
	return false;
}

static enum tone tone_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].tone;
	return TONE_NONE;
}

unsigned prompt_number(char words[PROMPT_NUMBER_WORDS][8], uint32_t n)
{
	unsigned k = 0;

	n = n > 9999 ? 9999 : n;
	if (n >= 1000)
		(void)re_snprintf(words[k++], 8, "%u", n / 1000 * 1000);
	n %= 1000;
	if (n >= 100)
		(void)re_snprintf(words[k++], 8, "%u", n / 100 * 100);
	n %= 100;
	if (n || !k)
		(void)re_snprintf(words[k++], 8, "%u", n);
	return k;
}

/* --- the cache --- */

static void entry_destructor(void *data)
{
	struct entry *e = data;

	hash_unlink(&e->he);
	list_unlink(&e->le);
	mem_deref(e->sound);
}

static void forget(struct prompts *p, struct entry *e)
{
	p->n--;
	p->n_smp -= e->sound ? sound_len(e->sound) : 0;
	mem_deref(e);
}

static void forget_all(struct prompts *p)
{
	while (p->used.head)
		forget(p, p->used.head->data);
}

static void prompts_destructor(void *data)
{
	struct prompts *p = data;

	forget_all(p);
	list_flush(&p->files);
	mem_deref(p->names);
	for (int i = 0; i < TONE_N; i++)
		mem_deref(p->tone[i]);
	mem_deref(p->dir);
}

static bool is_entry(struct le *le, void *arg)
{
	const struct entry *e = le->data;

	return strcmp(e->name, arg) == 0;
}

static void keep(struct prompts *p, const char *name, struct sound *s)
{
	struct entry *e = mem_zalloc(sizeof(*e), entry_destructor);

	if (!e)
		return;
	str_ncpy(e->name, name, sizeof(e->name));
	e->sound = mem_ref(s);
	list_append(&p->used, &e->le, e);
	hash_append(p->names, hash_joaat_str(name), &e->he, e);
	p->n++;
	p->n_smp += s ? sound_len(s) : 0;
	while (p->used.head->data != e && (p->n > ENTRIES_MAX || p->n_smp > CACHE_SMP))
		forget(p, p->used.head->data);
}

/* --- files --- */

/* No path: it comes from commands, and leads to a file. */
static bool name_ok(const char *name)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = name ? strnlen(name, NAME_MAX_LEN + 1) : 0;

	return n && n <= NAME_MAX_LEN && name[0] != '.' && strspn(name, chars) == n;
}

/* DIR/folder/name and its endings. */
static int load(struct sound **sp, const char *dir, const char *folder, const char *name)
{
	static const char *const endings[] = { ".flac", ".wav", "" };
	int err = ENOENT;

	for (size_t i = 0; err == ENOENT && i < ARRAY_SIZE(endings); i++) {
		char path[1024];

		if (re_snprintf(path, sizeof(path), "%s/%s%s%s%s", dir, folder, folder[0] ? "/" : "", name, endings[i]) < 0)
			return ENAMETOOLONG;
		err = sound_load(sp, path);
	}
	return err;
}

static void complain(const char *language, const char *name, int err)
{
	log_warning("prompt.missing", "language=%s name=%s error=\"%s\" hint=\"a tone stands for it; told once\"", language, name,
		    strerror(err));
}

/* A word of one language; NULL: there is none. Borrowed, until the cache moves. */
static struct sound *word_of(struct prompts *p, const char *language, const char *name)
{
	char key[LANGUAGE_MAX + 1 + NAME_MAX_LEN + 1];
	struct sound *s = NULL;
	struct le *le;
	int err;

	if (!p->dir[0] || !name_ok(language) || strlen(language) > LANGUAGE_MAX || !name_ok(name))
		return NULL;
	(void)re_snprintf(key, sizeof(key), "%s/%s", language, name);
	le = hash_lookup(p->names, hash_joaat_str(key), is_entry, key);
	if (le) {
		struct entry *e = le->data;

		list_unlink(&e->le);
		list_append(&p->used, &e->le, e);
		return e->sound;
	}
	err = load(&s, p->dir, language, name);
	if (!err && sound_len(s) > PROMPT_SMP) {
		s = mem_deref(s);
		err = E2BIG;
	}
	if (err)
		complain(language, name, err);
	keep(p, key, s);
	le = hash_lookup(p->names, hash_joaat_str(key), is_entry, key);
	mem_deref(s);
	return le ? ((struct entry *)le->data)->sound : NULL;
}

static struct sound *tone_for(struct prompts *p, const char *name)
{
	enum tone tone = tone_of(name);

	if (tone != TONE_NONE && !p->tone[tone])
		(void)tone_make(&p->tone[tone], tone);
	return p->tone[tone];
}

static struct sound *find(struct prompts *p, const char *language, const char *name)
{
	struct sound *s = NULL;

	if (language && language[0])
		s = word_of(p, language, name);
	if (!s)
		s = word_of(p, p->language, name);
	return s ? s : tone_for(p, name);
}

/* --- files to be played --- */

static void file_destructor(void *data)
{
	struct file *f = data;

	list_unlink(&f->le);
	mem_deref(f->sound);
}

/* What nobody plays any more goes; what is left is memory in use. */
static size_t files_in_use(struct prompts *p)
{
	struct le *le = p->files.head;
	size_t n = 0;

	while (le) {
		struct file *f = le->data;

		le = le->next;
		if (mem_nrefs(f->sound) == 1)
			mem_deref(f);
		else
			n += sound_len(f->sound);
	}
	return n;
}

static struct file *file_find(const struct prompts *p, const char *name)
{
	struct le *le;

	for (le = p->files.head; le; le = le->next) {
		struct file *f = le->data;

		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* Ten minutes of sound in all rooms together are 115 MB. A file in many rooms is there once. */
static int file_sound(struct sound **sp, struct prompts *p, const char *name)
{
	size_t in_use = files_in_use(p);
	struct file *f = file_find(p, name);
	int err;

	if (f) {
		*sp = mem_ref(f->sound);
		return 0;
	}
	if (in_use >= FILES_SMP)
		return ENOSPC;
	f = mem_zalloc(sizeof(*f), file_destructor);
	if (!f)
		return ENOMEM;
	err = load(&f->sound, p->dir, "", name);
	if (!err && in_use + sound_len(f->sound) > FILES_SMP)
		err = ENOSPC;
	if (err) {
		mem_deref(f);
		return err;
	}
	str_ncpy(f->name, name, sizeof(f->name));
	list_append(&p->files, &f->le, f);
	*sp = mem_ref(f->sound);
	return 0;
}

int prompt_sound(struct sound **sp, struct prompts *p, const char *language, const char *name)
{
	struct sound *s;

	if (!name_ok(name))
		return EINVAL;
	s = is_prompt(name) ? find(p, language, name) : NULL;
	if (s) {
		*sp = mem_ref(s);
		return 0;
	}
	return p->dir[0] && !is_prompt(name) ? file_sound(sp, p, name) : ENOENT;
}

/* --- saying --- */

static unsigned pieces(struct leg_say list[PROMPT_WORDS_MAX], struct prompts *p, const struct prompt_say *say)
{
	unsigned n = 0;

	for (unsigned i = 0; i < say->n && n < PROMPT_WORDS_MAX; i++) {
		struct sound *s = find(p, say->language, say->word[i]);

		/* The piece holds its sound: the next word's may push it out of the cache. */
		if (s)
			list[n++] = (struct leg_say){ .smp = sound_smp(s), .n = sound_len(s), .owner = mem_ref(s), .gain = 1,
						      .under = UNDER_WORD };
	}
	if (say->then && n < PROMPT_WORDS_MAX)
		list[n++] = (struct leg_say){ .smp = sound_smp(say->then), .n = sound_len(say->then), .owner = mem_ref(say->then),
					      .gain = 1, .under = 0, .loop = true };
	return n;
}

static void let_go(const struct leg_say list[PROMPT_WORDS_MAX], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		mem_deref(list[i].owner);
}

int prompt_to_leg(struct prompts *p, struct leg *l, const struct prompt_say *say)
{
	struct leg_say list[PROMPT_WORDS_MAX];
	unsigned n = pieces(list, p, say);
	int err = n ? leg_say(l, list, n, say->how) : ENOENT;

	let_go(list, n);
	return err;
}

int prompt_to_bus(struct prompts *p, struct bus *b, const struct prompt_say *say)
{
	struct leg_say list[PROMPT_WORDS_MAX];
	unsigned n = pieces(list, p, say);
	int err = n ? bus_say(b, list, n, say->how) : ENOENT;

	let_go(list, n);
	return err;
}

/* --- life --- */

int prompts_reconf(struct prompts *p, const struct prompt_conf *conf)
{
	char *dir = NULL;
	int err;

	if (!conf->language || strlen(conf->language) > LANGUAGE_MAX)
		return EINVAL;
	err = str_dup(&dir, conf->dir ? conf->dir : "");
	if (err)
		return err;
	mem_deref(p->dir);
	p->dir = dir;
	str_ncpy(p->language, conf->language, sizeof(p->language));
	list_flush(&p->files);
	forget_all(p);
	return 0;
}

int prompts_alloc(struct prompts **pp, const struct prompt_conf *conf)
{
	struct prompts *p = mem_zalloc(sizeof(*p), prompts_destructor);
	int err;

	if (!p)
		return ENOMEM;
	err = hash_alloc(&p->names, BUCKETS);
	if (!err)
		err = prompts_reconf(p, conf);
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}
