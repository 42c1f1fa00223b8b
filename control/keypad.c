/*
 * keypad.c - codes pressed on a phone become commands of that member: one table of what they do, one of codes.
 *
 *     keys so far:  is a code begun with them?   yes: wait      no: does the last key begin one?   else: forget
 *                   are they a code?             run it, and say how it went, to that member alone
 *
 * A code is run as soon as it is whole; one begun and not finished is forgotten after three seconds. Every key is told
 * as an event whether it belongs to a code or not. A digit gets lost now and then, so no code may become another by
 * that; keypad_confused sees to it before a table is taken.
 *
 * Louder and quieter are one's own voice in the mix: how loud the others are every phone can set by itself.
 */
#include <errno.h>
#include <string.h>
#include "keypad.h"
#include "policy.h"
#include "spoken.h"
#include "state.h"

enum { INTER_DIGIT_MS = 3000, CONFIRM_MS = 10000, GAIN_STEP_DB = 3, GAIN_MIN_DB = -30, GAIN_MAX_DB = 12 };

/* --- what can be done --- */

static void toggle_mute(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_MUTE;
	cmd->on = !m->self_muted && !m->host_muted;       /* muted by a host it asks to be heard, which policy judges */
}

static void toggle_hand(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_HAND;
	cmd->on = !m->hand;
}

static void gain(struct member *m, struct command *cmd, float step)
{
	float db = m->gain_db + step;

	cmd->verb = VERB_GAIN;
	cmd->value = db < GAIN_MIN_DB ? GAIN_MIN_DB : db > GAIN_MAX_DB ? GAIN_MAX_DB : db;
}

static void quieter(struct member *m, struct command *cmd)
{
	gain(m, cmd, -GAIN_STEP_DB);
}

static void louder(struct member *m, struct command *cmd)
{
	gain(m, cmd, GAIN_STEP_DB);
}

static void toggle_mute_all(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_MUTE_ALL;
	cmd->on = !m->room->muted_all;
}

static void toggle_lock(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_LOCK;
	cmd->on = !m->room->locked;
}

static void toggle_record(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_RECORD;
	cmd->text = spoken_recording(m->room) ? "stop" : "start";
}

static void count(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_COUNT;
}

static void end(struct member *m, struct command *cmd)
{
	cmd->verb = VERB_CLEAR;
}

/* `done` is said where no event tells the member of it; of two, the second when it was turned off. */
static const struct {
	const char *name, *code;
	void (*fill)(struct member *m, struct command *cmd);
	bool of_room;             /* the verb is about the room, not the member */
	const char *done[2], *help;
} actions[KEYPAD_N] = {
	[KEYPAD_MUTE]     = { "mute",     "*6", toggle_mute,     false, { NULL, NULL },           "help-mute" },
	[KEYPAD_HAND]     = { "hand",     "*3", toggle_hand,     false, { NULL, NULL },           "help-hand" },
	[KEYPAD_QUIETER]  = { "quieter",  "*4", quieter,         false, { "quieter", "quieter" }, "help-quieter" },
	[KEYPAD_LOUDER]   = { "louder",   "*7", louder,          false, { "louder", "louder" },   "help-louder" },
	[KEYPAD_MUTE_ALL] = { "mute-all", "*5", toggle_mute_all, true,  { NULL, NULL },           "help-mute-all" },
	[KEYPAD_LOCK]     = { "lock",     "*9", toggle_lock,     true,  { "locked", "unlocked" }, "help-lock" },
	[KEYPAD_RECORD]   = { "record",   "*8", toggle_record,   true,  { NULL, NULL },           "help-record" },
	[KEYPAD_COUNT]    = { "count",    "*2", count,           false, { NULL, NULL },           "help-count" },
	[KEYPAD_HELP]     = { "help",     "*0", NULL,            false, { NULL, NULL },           NULL },
	[KEYPAD_END]      = { "end",      "##", end,             true,  { NULL, NULL },           "help-end" },
};

const char *keypad_name(enum keypad_action action)
{
	return (unsigned)action < KEYPAD_N ? actions[action].name : "?";
}

/* --- a table of codes --- */

void keypad_defaults(struct keypad_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (int i = 0; i < KEYPAD_N; i++)
		str_ncpy(conf->code[i], actions[i].code, sizeof(conf->code[i]));
}

const char *keypad_code_wrong(const char *code)
{
	size_t n = strlen(code);

	if (!n)
		return NULL;
	if (code[0] != '*' && code[0] != '#')
		return "a code begins with * or #, or is empty";
	return n >= 2 && n <= KEYPAD_CODE_MAX && strspn(code, "0123456789*#") == n ? NULL : "a code is two to four of 0-9, * and #";
}

static bool begins(const char *code, const char *other)
{
	return strncmp(code, other, strlen(code)) == 0;
}

/* Is `code` what is left of `other` when one digit of it is lost? */
static bool is_rest(const char *code, const char *other)
{
	size_t n = strlen(other);

	if (strlen(code) + 1 != n)
		return false;
	for (size_t lost = 0; lost < n; lost++)
		if (memcmp(code, other, lost) == 0 && strcmp(code + lost, other + lost + 1) == 0)
			return true;
	return false;
}

bool keypad_confused(enum keypad_action pair[2], const struct keypad_conf *conf)
{
	for (int i = 0; i < KEYPAD_N; i++)
		for (int k = 0; k < KEYPAD_N; k++) {
			const char *a = conf->code[i], *b = conf->code[k];

			if (i == k || !a[0] || !b[0] || (!begins(a, b) && !is_rest(a, b)))
				continue;
			pair[0] = (enum keypad_action)i;
			pair[1] = (enum keypad_action)k;
			return true;
		}
	return false;
}

/* --- running one --- */

static struct actor self(const struct member *m)
{
	return (struct actor){ .kind = ACTOR_MEMBER, .member = m->id, .role = m->role };
}

/* A keypad has no words for errors; a voice has. */
static void say_error(struct member *m, int err)
{
	spoken_member(m, err == EPERM ? "not-allowed" : "not-possible");
}

static void run(struct control *c, uint32_t id, enum keypad_action action)
{
	struct member *m = member_by_id(c, id);
	struct actor actor = self(m);
	struct command cmd = { .verb = VERB_N };
	const char *done;
	int err;

	actions[action].fill(m, &cmd);
	if (actions[action].of_room)
		cmd.room = m->room->name;
	else
		cmd.member = m->id;
	spoken_by_key(c, id);
	err = control_run(c, &actor, &cmd, NULL);
	spoken_by_key(c, 0);
	m = member_by_id(c, id);
	if (!m)
		return;
	done = actions[action].done[!cmd.on && actions[action].of_room];
	if (err)
		say_error(m, err);
	else if (done)
		spoken_member(m, done);
}

static bool may(const struct member *m, enum keypad_action action)
{
	struct member copy = *m;
	struct command cmd = { .verb = VERB_N };

	actions[action].fill(&copy, &cmd);
	return policy_check(m->role, cmd.verb, !actions[action].of_room, cmd.on, m->host_muted) == 0;
}

/* "To mute or unmute yourself, press star 6." ... what this member may do. */
static void help(struct member *m)
{
	const char *words[PROMPT_WORDS_MAX];
	char digits[KEYPAD_N * KEYPAD_CODE_MAX][2];
	unsigned n = 0, n_digits = 0;

	for (int i = 0; i < KEYPAD_N; i++) {
		const char *code = m->c->keypad.code[i];

		if (!code[0] || i == KEYPAD_HELP || !may(m, (enum keypad_action)i) || n + 1 + strlen(code) > PROMPT_WORDS_MAX)
			continue;
		words[n++] = actions[i].help;
		for (; *code; code++) {
			char *d = digits[n_digits++];

			d[0] = *code;
			d[1] = '\0';
			words[n++] = *code == '*' ? "key-star" : *code == '#' ? "key-hash" : d;
		}
	}
	spoken_words(m, words, n);
}

static void forget(void *arg)
{
	struct member *m = arg;

	m->n_keys = 0;
	m->confirming = false;
}

static void act(struct member *m, enum keypad_action action)
{
	switch (action) {

	case KEYPAD_HELP:
		help(m);
		break;
	case KEYPAD_END:
		if (!may(m, action)) {
			say_error(m, EPERM);
			break;
		}
		m->confirming = true;
		wheel_start(&m->key_tmr, CONFIRM_MS, forget, m);
		spoken_member(m, "end-confirm");
		break;
	default:
		run(m->c, m->id, action);
		break;
	}
}

/* --- keys --- */

/* The code that is there as a whole; KEYPAD_N: none. `begun`: there may yet be one. */
static enum keypad_action find(const struct member *m, bool *begun)
{
	enum keypad_action whole = KEYPAD_N;

	*begun = false;
	for (int i = 0; i < KEYPAD_N; i++) {
		const char *code = m->c->keypad.code[i];

		if (!code[0] || strncmp(code, m->keys, m->n_keys) != 0)
			continue;
		if (strlen(code) == m->n_keys)
			whole = (enum keypad_action)i;
		else
			*begun = true;
	}
	return whole;
}

/* What was begun with the keys before does not go on with this one: perhaps it begins something itself. */
static enum keypad_action add(struct member *m, char key, bool *begun)
{
	enum keypad_action found;

	m->keys[m->n_keys++] = key;
	found = find(m, begun);
	if (found != KEYPAD_N || *begun || m->n_keys == 1)
		return found;
	m->keys[0] = key;
	m->n_keys = 1;
	return find(m, begun);
}

static void confirm(struct member *m, char key)
{
	m->confirming = false;
	if (key == '1')
		run(m->c, m->id, KEYPAD_END);
	else
		spoken_member(m, "end-cancelled");
}

int keypad_press(struct member *m, char key)
{
	const char detail[2] = { key, '\0' };
	enum keypad_action found;
	bool begun;

	if (!key || !strchr("0123456789*#ABCD", key))
		return EINVAL;
	event_tell(m->room, EVENT_MEMBER_KEY, m, detail);
	wheel_cancel(&m->key_tmr);
	if (m->confirming) {
		confirm(m, key);
		return 0;
	}
	found = add(m, key, &begun);
	if (begun) {
		wheel_start(&m->key_tmr, INTER_DIGIT_MS, forget, m);
		return 0;
	}
	m->n_keys = 0;
	if (found != KEYPAD_N)
		act(m, found);
	return 0;
}
