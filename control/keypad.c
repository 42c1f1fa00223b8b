/*
 * keypad.c - codes pressed on a phone become commands of that member: one table.
 *
 * A code is run as soon as it is whole; one begun and not finished is forgotten after three seconds. Every key is
 * told as an event whether it belongs to a code or not.
 */
#include <string.h>
#include "state.h"

enum { INTER_DIGIT_MS = 3000, GAIN_STEP_DB = 3, GAIN_MIN_DB = -30, GAIN_MAX_DB = 12 };

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

static const struct {
	const char *keys;
	void (*fill)(struct member *m, struct command *cmd);
} codes[] = {
	{ "*3", toggle_hand },
	{ "*4", quieter },                /* its own voice in the mix */
	{ "*6", toggle_mute },
	{ "*7", louder },
};

static void forget(void *arg)
{
	struct member *m = arg;

	m->n_keys = 0;
}

static void run_code(struct member *m, size_t i)
{
	struct actor self = { .kind = ACTOR_MEMBER, .member = m->id, .role = m->role };
	struct command cmd = { .member = m->id };

	codes[i].fill(m, &cmd);
	/* A code that is not allowed does nothing: a keypad has no words for EPERM. */
	(void)control_run(m->c, &self, &cmd, NULL);
}

static bool is_prefix(const struct member *m, const char *code)
{
	return strncmp(m->keys, code, m->n_keys) == 0;
}

int keypad_press(struct member *m, char key)
{
	char detail[2] = { key, '\0' };
	bool begun = false;

	if (!key || !strchr("0123456789*#ABCD", key))
		return EINVAL;
	event_tell(m->room, EVENT_MEMBER_KEY, m, detail);
	wheel_cancel(&m->key_tmr);
	if (key == '*')
		m->n_keys = 0;            /* every code begins with it: begin anew */
	m->keys[m->n_keys++] = key;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!is_prefix(m, codes[i].keys))
			continue;
		if (strlen(codes[i].keys) == m->n_keys) {
			m->n_keys = 0;
			run_code(m, i);
			return 0;
		}
		begun = true;
	}
	if (begun)
		wheel_start(&m->key_tmr, INTER_DIGIT_MS, forget, m);
	else
		m->n_keys = 0;
	return 0;
}
