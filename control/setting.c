/*
 * setting.c - the settings of a room: one table, from which come the parser, the printer, the list that the HTTP
 * face gives to forms, and the table in docs/conference.md.
 *
 * A row says where in struct room_conf the value lies and of what kind it is; a kind knows how to read and write it.
 * A choice of two is a bool, the second word being true; on and off are taken as true and false, 1 and 0, yes and no.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "setting_priv.h"
#include "text.h"

enum kind { KIND_TEXT, KIND_NAMES, KIND_PIN, KIND_NUMBER, KIND_TWO, KIND_REPEAT, KIND_TIME };

struct row {
	struct setting_info info;
	enum kind kind;
	size_t at, size;
};

#define AT(field) offsetof(struct room_conf, field), sizeof(((struct room_conf *)0)->field)
#define TEXT(name, field, help) { { name, "text", "", NULL, 0, 0, false, help }, KIND_TEXT, AT(field) }
#define PIN(name, field, help) { { name, "pin", "", NULL, 0, 0, true, help }, KIND_PIN, AT(field) }
#define NUMBER(name, field, def, lo, hi, help) { { name, "number", def, NULL, lo, hi, false, help }, KIND_NUMBER, AT(field) }
#define TWO(name, field, def, words, help) { { name, "choice", def, words, 0, 0, false, help }, KIND_TWO, AT(field) }
#define SWITCH(name, field, def, help) TWO(name, field, def, "off|on", help)
#define TIME(name, field, help) { { name, "time", "", NULL, 0, 0, false, help }, KIND_TIME, AT(field) }

static const struct row table[] = {
	TEXT("title", title, "Name of the room, for people."),
	{ { "aliases", "names", "", NULL, 0, 0, false,
	    "Other names and numbers that lead to the room, at most 16: letters, digits and ._~+- (32 of them), with commas." },
	  KIND_NAMES, AT(alias) },
	TWO("profile", music, "voice", "voice|music",
	    "What the sound is made for. Changed only while nobody is in. Default: by the name, and rooms.profile."),
	PIN("host-pin", host_pin, "4 to 12 digits that make a caller a host."),
	PIN("guest-pin", guest_pin, "4 to 12 digits without which nobody else comes in."),
	NUMBER("max-members", max_members, "0", 0, 100000,
	       "Members at one time, those who wait as well; hosts come in all the same. 0: as many as the server takes."),
	TEXT("language", language, "Language of what is said to callers: the name of a set of prompts. Empty: the server's."),
	SWITCH("lobby", lobby, "off", "Callers wait until a host lets them in."),
	SWITCH("wait-for-host", wait_for_host, "off", "Callers wait as long as no host is in."),
	SWITCH("end-with-host", end_with_host, "off", "When the last host has left all are sent away, end-grace seconds later."),
	NUMBER("end-grace", end_grace_s, "60", 0, 86400, "Seconds between the last host's leaving and the end, in which it may come back."),
	NUMBER("empty-timeout", empty_timeout_s, "5", 0, 86400,
	       "Seconds a room that is not kept lives on when it is empty. Default: rooms.empty-timeout."),
	SWITCH("floor", floor, "off", "One speaker at a time, and hosts: who wants to speak raises the hand."),
	SWITCH("mute-on-entry", mute_on_entry, "off", "Who comes in is muted and may unmute itself; hosts are not."),
	SWITCH("tones", tones, "on", "A tone tells who is in that somebody came or left."),
	SWITCH("announce-names", announce_names, "off", "Callers say their name, and it is played when they come and leave."),
	TWO("record", record_auto, "manual", "manual|auto", "auto: recorded as soon as somebody is in."),
	NUMBER("delay-bound", delay_bound_ms, "25", 0, 1000,
	       "In rooms of music: milliseconds from mouth to ear above which two members are warned of each other. 0: never."),
	SWITCH("hide-numbers", hide_numbers, "off", "Phones that watch the room are not told the addresses of the others."),
	TIME("start", schedule.start, "From when it is open. Hosts may come in before."),
	TIME("end", schedule.end, "Until when; five minutes before, the room is told, and then all are sent away."),
	{ { "repeat", "choice", "none", "none|daily|weekdays|weekly|monthly", 0, 0, false,
	    "How often it is open again, at the same hour of the server's clock; wants start and end." },
	  KIND_REPEAT, AT(schedule.repeat) },
	TWO("early", early_wait, "wait", "turn-away|wait", "What becomes of callers before the start."),
	SWITCH("keep", keep, "off",
	       "The room stays when it is empty and when the server is started again. Default of a room that is opened by command: on."),
};

/* --- the table --- */

const struct setting_info *setting_at(size_t i)
{
	return i < sizeof(table) / sizeof(table[0]) ? &table[i].info : NULL;
}

static const struct row *row_find(const char *name)
{
	for (size_t i = 0; name && setting_at(i); i++)
		if (strcmp(table[i].info.name, name) == 0)
			return &table[i];
	return NULL;
}

const struct setting_info *setting_find(const char *name)
{
	const struct row *row = row_find(name);

	return row ? &row->info : NULL;
}

/* --- kinds: text to value --- */

/* What cannot be shown is refused, not made harmless: who sets it can set it right. */
static int text_parse(char *field, size_t size, const char *value)
{
	char clean[SETTING_TEXT_MAX];

	if (text_clean(clean, sizeof(clean), value) >= size || strcmp(clean, value) != 0)
		return EINVAL;
	memset(field, 0, size);
	memcpy(field, clean, strlen(clean) + 1);
	return 0;
}

static bool is_among(const struct room_conf *rc, const char *alias)
{
	for (uint32_t i = 0; i < rc->n_aliases; i++)
		if (strcasecmp(rc->alias[i], alias) == 0)
			return true;
	return false;
}

static int names_parse(struct room_conf *rc, const char *value)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+-";
	struct room_conf read = { 0 };

	for (const char *p = value; *p; ) {
		size_t n = strspn(p, chars);

		if (n >= ALIAS_MAX || (n && read.n_aliases == ALIASES_MAX))
			return EINVAL;
		if (n) {
			memcpy(read.alias[read.n_aliases], p, n);
			read.alias[read.n_aliases][n] = '\0';
			if (!is_among(&read, read.alias[read.n_aliases]))
				read.n_aliases++;
			else
				memset(read.alias[read.n_aliases], 0, ALIAS_MAX);
		}
		p += n;
		if (*p && !strchr(", ", *p))
			return EINVAL;
		p += *p ? 1 : 0;
	}
	memcpy(rc->alias, read.alias, sizeof(rc->alias));
	rc->n_aliases = read.n_aliases;
	return 0;
}

static int number_parse(uint32_t *field, const struct setting_info *info, const char *value)
{
	size_t n = strspn(value, "0123456789");
	unsigned long read = n && n <= 9 && !value[n] ? strtoul(value, NULL, 10) : (unsigned long)info->hi + 1;

	if (read < info->lo || read > info->hi)
		return EINVAL;
	*field = (uint32_t)read;
	return 0;
}

/* The place of a word in "none|daily|weekly"; -1: it is not there. */
static int choice_place(const char *choices, const char *word)
{
	size_t n = strlen(word);

	for (int place = 0; n; place++) {
		size_t len = strcspn(choices, "|");

		if (len == n && memcmp(choices, word, n) == 0)
			return place;
		if (!choices[len])
			break;
		choices += len + 1;
	}
	return -1;
}

static int two_parse(bool *field, const struct setting_info *info, const char *value)
{
	static const char *const words[] = { "off|on", "false|true", "no|yes", "0|1" };
	int place = choice_place(info->choices, value);

	for (size_t i = 1; place < 0 && i < 4 && strcmp(info->choices, words[0]) == 0; i++)
		place = choice_place(words[i], value);
	if (place < 0)
		return EINVAL;
	*field = place == 1;
	return 0;
}

/* The same digits again are no change: the hash stays what it was. */
static int pin_take(struct pin *pin, const char *value, bool stored)
{
	if (stored)
		return pin_parse(pin, value);
	return pin_is(pin, value) ? 0 : pin_set(pin, value);
}

int setting_parse(struct room_conf *rc, const char *name, const char *value, bool stored)
{
	const struct row *row = row_find(name);
	void *field = row ? (char *)rc + row->at : NULL;
	int place;

	if (!row || !value)
		return EINVAL;
	switch (row->kind) {
	case KIND_TEXT:   return text_parse(field, row->size, value);
	case KIND_NAMES:  return names_parse(rc, value);
	case KIND_PIN:    return pin_take(field, value, stored);
	case KIND_NUMBER: return number_parse(field, &row->info, value);
	case KIND_TWO:    return two_parse(field, &row->info, value);
	case KIND_TIME:   return wall_parse(field, value);
	case KIND_REPEAT:
		place = choice_place(row->info.choices, value);
		if (place < 0)
			return EINVAL;
		rc->schedule.repeat = (enum repeat)place;
		return 0;
	}
	return EINVAL;
}

/* --- kinds: value to text --- */

static void choice_print(const char *choices, unsigned place, char *text)
{
	while (place--)
		choices += strcspn(choices, "|") + 1;
	(void)snprintf(text, SETTING_TEXT_MAX, "%.*s", (int)strcspn(choices, "|"), choices);
}

static void names_print(const struct room_conf *rc, char *text)
{
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < rc->n_aliases; i++)
		n += (size_t)snprintf(text + n, SETTING_TEXT_MAX - n, "%s%s", i ? "," : "", rc->alias[i]);
}

_Static_assert((int)ALIASES_MAX * (int)ALIAS_MAX <= (int)SETTING_TEXT_MAX && (int)PIN_TEXT_MAX <= (int)SETTING_TEXT_MAX,
	       "a value fits");

void setting_print(const struct room_conf *rc, const struct setting_info *info, char text[SETTING_TEXT_MAX], bool secrets)
{
	const struct row *row = row_find(info->name);
	const void *field = (const char *)rc + row->at;

	text[0] = '\0';
	switch (row->kind) {
	case KIND_TEXT:   (void)snprintf(text, SETTING_TEXT_MAX, "%s", (const char *)field); break;
	case KIND_NAMES:  names_print(rc, text); break;
	case KIND_NUMBER: (void)snprintf(text, SETTING_TEXT_MAX, "%u", (unsigned)*(const uint32_t *)field); break;
	case KIND_TWO:    choice_print(info->choices, *(const bool *)field, text); break;
	case KIND_TIME:   wall_print(field, text, SETTING_TEXT_MAX); break;
	case KIND_REPEAT: choice_print(info->choices, rc->schedule.repeat, text); break;
	case KIND_PIN:
		if (secrets)
			pin_print(field, text);
		break;
	}
}

/* --- all of them --- */

void settings_default(struct room_conf *rc)
{
	memset(rc, 0, sizeof(*rc));
	for (size_t i = 0; setting_at(i); i++)
		(void)setting_parse(rc, table[i].info.name, table[i].info.def, false);
}

const char *settings_wrong(const struct room_conf *rc)
{
	if (!schedule_valid(&rc->schedule))
		return rc->schedule.repeat != REPEAT_NONE && (!rc->schedule.start.year || !rc->schedule.end.year) ? "repeat" : "end";
	return NULL;
}

bool settings_equal(const struct room_conf *a, const struct room_conf *b)
{
	char of_a[SETTING_TEXT_MAX], of_b[SETTING_TEXT_MAX];

	for (size_t i = 0; setting_at(i); i++) {
		setting_print(a, setting_at(i), of_a, true);
		setting_print(b, setting_at(i), of_b, true);
		if (strcmp(of_a, of_b) != 0)
			return false;
	}
	return true;
}
