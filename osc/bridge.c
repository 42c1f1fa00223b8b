/*
 * bridge.c - OSC messages as MIDI commands: by the sender's map, else by the address space urn:x-gest:midi:1.
 *
 *      address, argument  >  target, value  >  one command, or the three to six that a program or a parameter takes
 *
 * Numbers in addresses have one way to be written, without leading zeros: two addresses that mean one note would be two
 * keys. A note whose value is taken away (a lone N) ends; of other things that are not told any more MIDI has nothing
 * to say.
 */
#include <errno.h>
#include <string.h>

#include "bridge_priv.h"
#include "scan.h"

enum { RELEASE_DEFAULT = 64, NUMBER_MOST = 16383 };

/* ---- addresses ---- */

static bool part_number(struct scan part, unsigned *n, unsigned least, unsigned most)
{
	if (scan_left(&part) > 1 && *part.p == '0')
		return false;
	return scan_digits(&part, 5, n) && part.p == part.end && *n >= least && *n <= most;
}

static bool part_is(const struct scan *part, const char *word)
{
	return scan_left(part) == strlen(word) && !memcmp(part->p, word, scan_left(part));
}

static bool kind_read(enum osctarget_kind *kind, const struct scan *word, enum osctarget_kind first,
	enum osctarget_kind last)
{
	for (unsigned k = first; k <= last; k++) {
		if (!part_is(word, osctarget_word((enum osctarget_kind)k)))
			continue;
		*kind = (enum osctarget_kind)k;
		return true;
	}
	return false;
}

/* start, song .. and what else has no channel */
static bool system_read(struct osctarget *t, struct scan s)
{
	const struct scan word = scan_until(&s, '/');

	return s.p == s.end &&
	       (kind_read(&t->kind, &word, TARGET_START, TARGET_TUNE) ||
		kind_read(&t->kind, &word, TARGET_SONG, TARGET_MTC));
}

/* C/WORD or C/WORD/N */
static bool channel_read(struct osctarget *t, const struct scan *channel, struct scan s)
{
	const struct scan word = scan_until(&s, '/');
	unsigned n;

	if (!part_number(*channel, &n, 1, 16))
		return false;
	t->channel = (uint8_t)(n - 1);
	if (!kind_read(&t->kind, &word, TARGET_NOTE, TARGET_BEND) &&
	    !kind_read(&t->kind, &word, TARGET_OFF, TARGET_OFF))
		return false;
	if (!osctarget_has_number(t->kind))
		return s.p == s.end;
	if (!scan_char(&s, '/') || !part_number(s, &n, 0, NUMBER_MOST) || !osctarget_number_ok(t->kind, n))
		return false;
	t->num = (uint16_t)n;
	return true;
}

static bool is_midi(const struct osc_msg *msg)
{
	return msg->addr_len > 6 && !memcmp(msg->addr, "/midi/", 6);
}

bool bridge_address(struct osctarget *t, const struct osc_msg *msg)
{
	struct scan s = scan_begin(msg->addr, msg->addr_len), first;

	*t = (struct osctarget){0};
	if (!is_midi(msg))
		return false;
	s.p += 6;
	first = scan_until(&s, '/');
	t->kind = TARGET_SYSEX;
	if (s.p == s.end)
		return part_is(&first, "sysex");
	s.p++;
	return part_is(&first, "sys") ? system_read(t, s) : channel_read(t, &first, s);
}

/* ---- commands ---- */

static void put(struct bridge_cmds *out, uint8_t status, unsigned a, unsigned b)
{
	out->cmd[out->n++] = midi_short(status, a & 0x7f, b & 0x7f);
}

/* "P = 0-16383: number, data entry MSB and LSB, then the null number". That of the registered parameters ends both
 * kinds. */
static void put_param(struct bridge_cmds *out, const struct osctarget *t, unsigned value)
{
	const uint8_t status = MIDI_CC | t->channel;
	const bool nrpn = t->kind == TARGET_NRPN;

	put(out, status, nrpn ? CC_NRPN_MSB : CC_RPN_MSB, t->num >> 7);
	put(out, status, nrpn ? CC_NRPN_LSB : CC_RPN_LSB, t->num);
	put(out, status, CC_DATA_MSB, value >> 7);
	put(out, status, CC_DATA_LSB, value);
	put(out, status, CC_RPN_MSB, 127);
	put(out, status, CC_RPN_LSB, 127);
}

static void put_target(struct bridge_cmds *out, const struct osctarget *t, unsigned v)
{
	const uint8_t ch = t->channel;

	switch (t->kind) {
	case TARGET_NOTE:
		if (v)
			put(out, MIDI_NOTE_ON | ch, t->num, v);
		else
			put(out, MIDI_NOTE_OFF | ch, t->num, RELEASE_DEFAULT);
		break;
	case TARGET_OFF:      put(out, MIDI_NOTE_OFF | ch, t->num, v); break;
	case TARGET_POLY:     put(out, MIDI_POLY | ch, t->num, v); break;
	case TARGET_CC:
	case TARGET_MODE:     put(out, MIDI_CC | ch, t->num, v); break;
	case TARGET_RPN:
	case TARGET_NRPN:     put_param(out, t, v); break;
	case TARGET_PROGRAM:  put(out, MIDI_PROGRAM | ch, v, 0); break;
	case TARGET_PRESSURE: put(out, MIDI_PRESSURE | ch, v, 0); break;
	case TARGET_BEND:     put(out, MIDI_BEND | ch, v, v >> 7); break;
	case TARGET_START:    put(out, MIDI_START, 0, 0); break;
	case TARGET_CONTINUE: put(out, MIDI_CONTINUE, 0, 0); break;
	case TARGET_STOP:     put(out, MIDI_STOP, 0, 0); break;
	case TARGET_CLOCK:    put(out, MIDI_CLOCK, 0, 0); break;
	case TARGET_TUNE:     put(out, MIDI_TUNE, 0, 0); break;
	case TARGET_SONG:     put(out, MIDI_SONG, v, 0); break;
	case TARGET_POSITION: put(out, MIDI_POSITION, v, v >> 7); break;
	case TARGET_MTC:      put(out, MIDI_QUARTER, v, 0); break;
	default:              break;
	}
}

/* ---- arguments ---- */

/* "Of an i argument without a map line the integer itself is the MIDI value, clamped"; f "means the fraction 0..1 of
 * the full range". The wider tags go with them, T and F are all and nothing. */
static int plain_value(unsigned *v, const struct osc_arg *a, unsigned range)
{
	const bool whole = a->tag == 'i' || a->tag == 'h';
	const struct oscmap_arg scale = {.min = 0, .max = whole ? range : 1};

	return oscmap_value(v, &scale, a, range);
}

/* All arguments of a message as values, of which there may be `most`. */
static int values_of(unsigned *v, unsigned *n, unsigned most, const struct osc_msg *msg, unsigned range)
{
	struct osc_args it;
	struct osc_arg a;
	int err;

	*n = 0;
	osc_args_init(&it, msg);
	while (osc_arg_next(&it, &a)) {
		if (*n == most)
			return EINVAL;
		err = plain_value(&v[(*n)++], &a, range);
		if (err)
			return err;
	}
	return 0;
}

/* "with three values: program, bank MSB, bank LSB (CC 0, CC 32, then program)" */
static enum bridge_answer program(struct bridge_cmds *out, const struct osctarget *t, const struct osc_msg *msg)
{
	unsigned v[3], n;
	const int err = values_of(v, &n, 3, msg, 127);

	if (err == EDOM)
		return BRIDGE_SILENT;
	if (err || (n != 1 && n != 3))
		return BRIDGE_UNKNOWN;
	if (n == 3) {
		put(out, MIDI_CC | t->channel, CC_BANK_MSB, v[1]);
		put(out, MIDI_CC | t->channel, CC_BANK_LSB, v[2]);
	}
	put_target(out, t, v[0]);
	return BRIDGE_SAID;
}

static enum bridge_answer sysex(struct bridge_cmds *out, const struct osc_msg *msg, size_t sysex_max)
{
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, msg);
	if (msg->n_tags != 1 || !osc_arg_next(&it, &a) || a.tag != 'b')
		return BRIDGE_UNKNOWN;
	if (a.v.b.len > sysex_max)
		return BRIDGE_BIG;
	/* "F0, the blob (all octets <= 0x7F), F7" */
	for (uint32_t i = 0; i < a.v.b.len; i++)
		if (a.v.b.p[i] & 0x80)
			return BRIDGE_UNKNOWN;
	out->cmd[out->n++] = midi_sysex(a.v.b.p, a.v.b.len);
	return BRIDGE_SAID;
}

static enum bridge_answer plain(struct bridge_cmds *out, const struct osctarget *t, const struct osc_msg *msg)
{
	const bool has_value = osctarget_has_value(t->kind);
	unsigned v[1] = {0}, n;
	const int err = values_of(v, &n, has_value, msg, osctarget_range(t->kind));

	if (err == EDOM)
		return BRIDGE_SILENT;
	if (err || n != has_value)
		return BRIDGE_UNKNOWN;
	put_target(out, t, v[0]);
	return BRIDGE_SAID;
}

/* "A message with one argument of type m is accepted at any address under /midi/ and read as the three MIDI octets
 * after the port octet." */
static enum bridge_answer raw(struct bridge_cmds *out, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;
	int n;

	osc_args_init(&it, msg);
	if (!osc_arg_next(&it, &a))
		return BRIDGE_UNKNOWN;
	n = midi_data_len(a.v.m[1]);
	if (n < 0 || a.v.m[1] == MIDI_UNDEF_F9 || a.v.m[1] == MIDI_UNDEF_FD)
		return BRIDGE_UNKNOWN;
	/* "Active Sense and System Reset are never bridged." */
	if (a.v.m[1] == MIDI_SENSE || a.v.m[1] == MIDI_RESET)
		return BRIDGE_SILENT;
	if ((n > 0 && a.v.m[2] & 0x80) || (n > 1 && a.v.m[3] & 0x80))
		return BRIDGE_UNKNOWN;
	put(out, a.v.m[1], n > 0 ? a.v.m[2] : 0, n > 1 ? a.v.m[3] : 0);
	return BRIDGE_SAID;
}

static enum bridge_answer taken_away(struct bridge_cmds *out, const struct osctarget *t)
{
	if (t->kind != TARGET_NOTE)
		return BRIDGE_SILENT;
	put_target(out, t, 0);
	return BRIDGE_SAID;
}

enum bridge_answer bridge_to_midi_rt(struct bridge_cmds *out, const struct oscmap *map, const struct osc_msg *msg,
	size_t sysex_max)
{
	struct osctarget t;
	unsigned value;

	out->n = 0;
	switch (oscmap_out(&t, &value, map, msg)) {
	case 0:
		put_target(out, &t, value);
		return BRIDGE_SAID;
	case EDOM:
		return BRIDGE_SILENT;
	case ENODATA:
		return taken_away(out, &t);
	default:
		break;
	}
	if (is_midi(msg) && msg->n_tags == 1 && msg->tags[0] == 'm')
		return raw(out, msg);
	if (!bridge_address(&t, msg))
		return BRIDGE_UNKNOWN;
	if (osc_is_nil(msg))
		return taken_away(out, &t);
	if (t.kind == TARGET_SYSEX)
		return sysex(out, msg, sysex_max);
	return t.kind == TARGET_PROGRAM ? program(out, &t, msg) : plain(out, &t, msg);
}
