/*
 * midimix.c - names to numbers, OSC to MIDI, and the merge that the server has for its receivers of MIDI too.
 *
 * Nothing is played before what was played already, so that the end of a note is behind its beginning, which may still
 * wait in the device.
 */
#include <errno.h>
#include <re.h>
#include <string.h>
#include "midiwire.h"
#include "midimix.h"
#include "osc/bridge.h"
#include "osc/midi_merge.h"

enum { NAME_ROOM = 36 };

struct midimix {
	struct midiwire *wire;
	struct midi_merge *merge;
	char     name[MIDIMIX_PLAYERS][NAME_ROOM];
	bool     used[MIDIMIX_PLAYERS];
	uint64_t at_us, played;
};

static void destructor(void *arg)
{
	struct midimix *m = arg;

	mem_deref(m->merge);
}

int midimix_alloc(struct midimix **mp, struct midiwire *wire)
{
	const struct midi_merge_conf conf = {.sources = MIDIMIX_PLAYERS, .sysex_max = MIDIMIX_SYSEX_MAX};
	struct midimix *m = mem_zalloc(sizeof(*m), destructor);
	int err;

	if (!m)
		return ENOMEM;
	m->wire = wire;
	err = midi_merge_alloc(&m->merge, &conf);
	if (err)
		mem_deref(m);
	else
		*mp = m;
	return err;
}

static void merged(const struct midi_cmd *cmd, void *arg)
{
	struct midimix *m = arg;
	uint8_t bytes[MIDIWIRE_MAX];
	const size_t n = midi_write(bytes, sizeof(bytes), cmd);

	if (n && !midiwire_play(m->wire, m->at_us, bytes, n))
		m->played++;
}

static int find(const struct midimix *m, const char *name)
{
	for (int i = 0; i < MIDIMIX_PLAYERS; i++)
		if (m->used[i] && !strcmp(m->name[i], name))
			return i;
	return -1;
}

/* -1: there are too many. */
static int find_or_join(struct midimix *m, const char *name)
{
	int i = find(m, name);

	if (i >= 0)
		return i;
	for (i = 0; i < MIDIMIX_PLAYERS && m->used[i]; i++)
		;
	if (i == MIDIMIX_PLAYERS || midi_merge_join_rt(m->merge, (uint32_t)i, NULL, m->at_us, merged, m))
		return -1;
	m->used[i] = true;
	str_ncpy(m->name[i], name, NAME_ROOM);
	return i;
}

/* Who has left is said to have let go of everything once more, as its keys become void. */
static bool ends_only(const struct bridge_cmds *cmds)
{
	return cmds->n == 1 && midi_is_note_off(&cmds->cmd[0]);
}

void midimix_play(struct midimix *m, const char *name, const struct osc_msg *msg, uint64_t at_us)
{
	struct bridge_cmds cmds;
	int id;

	if (bridge_to_midi_rt(&cmds, NULL, msg, MIDIMIX_SYSEX_MAX) != BRIDGE_SAID ||
	    (ends_only(&cmds) && find(m, name) < 0))
		return;
	m->at_us = at_us > m->at_us ? at_us : m->at_us;
	id = find_or_join(m, name);
	for (unsigned i = 0; id >= 0 && i < cmds.n; i++)
		midi_merge_put_rt(m->merge, (uint32_t)id, &cmds.cmd[i], m->at_us, merged, m);
}

void midimix_leave(struct midimix *m, const char *name, uint64_t now_us)
{
	m->at_us = now_us > m->at_us ? now_us : m->at_us;
	for (int i = 0; i < MIDIMIX_PLAYERS; i++) {
		if (!m->used[i] || (name && strcmp(m->name[i], name) != 0))
			continue;
		midi_merge_leave_rt(m->merge, (uint32_t)i, merged, m);
		m->used[i] = false;
	}
}

uint64_t midimix_played(const struct midimix *m)
{
	return m ? m->played : 0;
}
