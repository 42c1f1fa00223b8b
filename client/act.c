/*
 * act.c - a line becomes an act, by one table.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "act.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

enum takes {
	TAKES_NOTHING, TAKES_SWITCH, TAKES_WORD, TAKES_NAME, TAKES_VALUE, TAKES_NAME_VALUE, TAKES_BUFFER, TAKES_TEXT,
};

static const struct row {
	const char *word;
	enum act_kind kind;
	enum takes takes;
	const char *usage, *words;        /* words: of those that are allowed */
	float min, max;
} rows[] = {
	{"mute", ACT_MUTE, TAKES_SWITCH, "mute on|off|toggle", NULL, 0, 0},
	{"deaf", ACT_DEAF, TAKES_SWITCH, "deaf on|off|toggle", NULL, 0, 0},
	{"hand", ACT_HAND, TAKES_SWITCH, "hand on|off|toggle", NULL, 0, 0},
	{"click", ACT_CLICK, TAKES_SWITCH, "click on|off|toggle", NULL, 0, 0},
	{"sync", ACT_SYNC, TAKES_WORD, "sync room|ear|mix", "room|ear|mix", 0, 0},
	{"beat", ACT_BEAT, TAKES_WORD, "beat start|stop|continue", "start|stop|continue", 0, 0},
	{"tempo", ACT_TEMPO, TAKES_VALUE, "tempo BPM", NULL, 20, 400},
	{"countin", ACT_COUNTIN, TAKES_VALUE, "countin BARS", NULL, 0, 8},
	{"record", ACT_RECORD, TAKES_SWITCH, "record on|off|toggle", NULL, 0, 0},
	{"volume", ACT_VOLUME, TAKES_VALUE, "volume DB", NULL, -60, 20},
	{"gain", ACT_GAIN, TAKES_VALUE, "gain DB", NULL, -60, 20},
	{"self", ACT_SELF, TAKES_VALUE, "self DB", NULL, -60, 20},
	{"mix", ACT_MIX, TAKES_NAME_VALUE, "mix NAME DB", NULL, -60, 20},
	{"pan", ACT_PAN, TAKES_NAME_VALUE, "pan NAME -1..1|2", NULL, -1, 2},
	{"buffer", ACT_BUFFER, TAKES_BUFFER, "buffer auto|0|1|2|3", NULL, 0, 3},
	{"red", ACT_RED, TAKES_SWITCH, "red on|off", NULL, 0, 0},
	{"section", ACT_SECTION, TAKES_NAME, "section NAME", NULL, 0, 0},
	{"say", ACT_SAY, TAKES_TEXT, "say TEXT", NULL, 0, 0},
	{"leave", ACT_LEAVE, TAKES_NOTHING, "leave", NULL, 0, 0},
};

const char *act_usage(size_t n)
{
	return n < N(rows) ? rows[n].usage : NULL;
}

/* The next word, ended in its place; "" at the end. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");

	*line = word + strcspn(word, " \t");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

static int read_switch(struct act *a, const char *word)
{
	static const char *const how[] = {"off", "on", "toggle"};

	for (size_t i = 0; i < N(how); i++)
		if (!strcmp(word, how[i])) {
			a->how = (enum act_how)i;
			return 0;
		}
	return EINVAL;
}

static bool is_one_of(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (; *words; words += strcspn(words, "|"), words += *words == '|')
		if (strcspn(words, "|") == len && !memcmp(words, word, len))
			return true;
	return false;
}

static int copy(char *dst, size_t size, const char *src, bool may_be_empty)
{
	size_t n = strlen(src);

	if (n >= size || (!n && !may_be_empty))
		return EINVAL;
	memcpy(dst, src, n + 1);
	return 0;
}

static int read_value(struct act *a, const struct row *r, const char *word)
{
	char *end;

	if (!*word || strspn(word, "+-.0123456789") != strlen(word))
		return EINVAL;
	a->value = strtof(word, &end);
	return *end || a->value < r->min || a->value > r->max ? EINVAL : 0;
}

static int read_buffer(struct act *a, const struct row *r, const char *word)
{
	if (!strcmp(word, "auto")) {
		a->value = -1;
		return 0;
	}
	return read_value(a, r, word) || a->value != floorf(a->value) ? EINVAL : 0;
}

static int read_args(struct act *a, const struct row *r, char *rest)
{
	const char *word;

	if (r->takes == TAKES_TEXT)
		return copy(a->text, sizeof(a->text), rest + strspn(rest, " \t"), false);
	word = next_word(&rest);
	switch (r->takes) {
	case TAKES_SWITCH:
		return read_switch(a, word);
	case TAKES_WORD:
		return is_one_of(word, r->words) ? copy(a->word, sizeof(a->word), word, false) : EINVAL;
	case TAKES_NAME:
		return copy(a->word, sizeof(a->word), word, true);
	case TAKES_VALUE:
		return read_value(a, r, word);
	case TAKES_NAME_VALUE:
		return copy(a->name, sizeof(a->name), word, false) ? EINVAL : read_value(a, r, next_word(&rest));
	case TAKES_BUFFER:
		return read_buffer(a, r, word);
	default:
		return *word ? EINVAL : 0;
	}
}

static bool is_clean(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

int act_read(struct act *a, const char *line, char *wrong, size_t size)
{
	char buf[256], *rest = buf;
	const char *word;

	memset(a, 0, sizeof(*a));
	if (strlen(line) >= sizeof(buf) || !is_clean(line)) {
		(void)snprintf(wrong, size, "too long, or with control characters");
		return EINVAL;
	}
	strcpy(buf, line);                        /* it fits */
	word = next_word(&rest);
	if (!*word || *word == '#')
		return ENODATA;
	for (size_t i = 0; i < N(rows); i++) {
		if (strcmp(word, rows[i].word) != 0)
			continue;
		a->kind = rows[i].kind;
		if (!read_args(a, &rows[i], rest))
			return 0;
		(void)snprintf(wrong, size, "usage: %s", rows[i].usage);
		return EINVAL;
	}
	(void)snprintf(wrong, size, "no such command: %.40s", word);
	return EINVAL;
}
