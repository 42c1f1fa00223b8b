/*
 * bridge_osc.c - MIDI commands as OSC messages: by the receiver's map, else in the address space urn:x-gest:midi:1.
 *
 *      command, state before it  >  target, value  >  address, arguments of tags the receiver takes
 *
 * What a command means may depend on those before it: data entries belong to a selected parameter, programs to a bank,
 * the end of a SysEx to its beginning. All of that is in the state of the source.
 */
#include <string.h>

#include "bridge_priv.h"
#include "kind.h"

enum { RELEASE_DEFAULT = 64, NULL_PARAM = 0x3fff, VALUE_MOST = 16383 };

/* ---- writing ---- */

static bool takes(const struct bridge_taker *to, char tag)
{
	return !to->types || strchr(to->types, tag);
}

static enum bridge_answer write_msg(struct bridge_out *out, const char *addr, const struct osc_arg *args, size_t n)
{
	struct osc_writer w;
	size_t len;

	for (size_t i = 0; i < n; i++)
		if (!takes(out->to, args[i].tag))
			return BRIDGE_TYPE;
	osc_w_init(&w, out->buf, out->room);
	osc_w_msg(&w, addr, args, n);
	if (osc_w_end(&w, &len) || len > out->to->max)
		return BRIDGE_BIG;
	*out->len = len;
	return BRIDGE_SAID;
}

static char *put_word(char *p, const char *word)
{
	while (*word)
		*p++ = *word++;
	return p;
}

static char *put_number(char *p, unsigned n)
{
	unsigned unit = 1;

	*p++ = '/';
	while (n / unit > 9)
		unit *= 10;
	for (; unit; unit /= 10)
		*p++ = (char)('0' + n / unit % 10);
	return p;
}

/* /midi/C/WORD/N, /midi/sys/WORD */
static void plain_address(char *p, const struct osctarget *t)
{
	p = put_word(p, "/midi");
	if (osctarget_has_channel(t->kind))
		p = put_number(p, t->channel + 1u);
	else if (t->kind != TARGET_SYSEX)
		p = put_word(p, "/sys");
	*p++ = '/';
	p = put_word(p, osctarget_word(t->kind));
	if (osctarget_has_number(t->kind))
		p = put_number(p, t->num);
	*p = '\0';
}

/* "Tags are i if the leg accepts i, else f with the fraction." */
static struct osc_arg plain_arg(const struct bridge_taker *to, unsigned value, unsigned range)
{
	const bool whole = takes(to, 'i');
	const struct oscmap_arg scale = {.tag = whole ? 'i' : 'f', .min = 0, .max = whole ? range : 1};

	return oscmap_back(&scale, value, range);
}

static enum bridge_answer say_plain(struct bridge_out *out, const struct osctarget *t, const unsigned *value, size_t n)
{
	struct osc_arg args[3];
	char addr[40];

	plain_address(addr, t);
	for (size_t i = 0; i < n; i++)
		args[i] = plain_arg(out->to, value[i], osctarget_range(t->kind));
	return write_msg(out, addr, args, n);
}

/* By a line of the receiver's; BRIDGE_UNKNOWN: it has none for that. */
static enum bridge_answer say_mapped(struct bridge_out *out, const struct osctarget *t, unsigned value)
{
	struct osc_arg args[OSCMAP_ARGS_MAX];
	char addr[OSC_ADDR_MAX + 1];
	size_t n;

	return oscmap_in(addr, args, &n, out->to->map, t, value) ? BRIDGE_UNKNOWN : write_msg(out, addr, args, n);
}

enum bridge_answer bridge_say(struct bridge_out *out, const struct osctarget *t, unsigned value)
{
	const enum bridge_answer mapped = say_mapped(out, t, value);

	return mapped != BRIDGE_UNKNOWN ? mapped : say_plain(out, t, &value, osctarget_has_value(t->kind));
}

/* With the bank, when one has been selected: a key that says all of it needs no other beside it. */
static enum bridge_answer bridge_say_program(struct bridge_out *out, unsigned channel, unsigned program, bool bank,
	unsigned msb, unsigned lsb)
{
	const struct osctarget t = {.kind = TARGET_PROGRAM, .channel = (uint8_t)channel};
	const unsigned value[3] = {program, msb, lsb};
	const enum bridge_answer mapped = say_mapped(out, &t, program);

	return mapped != BRIDGE_UNKNOWN ? mapped : say_plain(out, &t, value, bank ? 3 : 1);
}

/* ---- channel commands ---- */

static enum bridge_answer say(struct bridge_out *out, enum osctarget_kind kind, unsigned channel, unsigned num,
	unsigned value)
{
	const struct osctarget t = {.kind = kind, .channel = (uint8_t)channel, .num = (uint16_t)num};

	return bridge_say(out, &t, value);
}

/* An end of a note. "A NoteOff with a release velocity other than 64 yields off/N, others note/N 0." A map knows notes only. */
static enum bridge_answer bridge_say_off(struct bridge_out *out, unsigned channel, unsigned num, unsigned release)
{
	const struct osctarget t = {.kind = TARGET_NOTE, .channel = (uint8_t)channel, .num = (uint16_t)num};
	const enum bridge_answer mapped = say_mapped(out, &t, 0);

	if (mapped != BRIDGE_UNKNOWN)
		return mapped;
	return release == RELEASE_DEFAULT ? bridge_say(out, &t, 0) : say(out, TARGET_OFF, channel, num, release);
}

/* The value as it stands, and that many buttons further. The buttons are a sum (RFC 6295 A.4), which goes on beyond the ends of the range:
 * who was told something else than the sum would be one off from whoever joins later. */
static bool param_after(unsigned *value, const struct midi_param *p, int buttons)
{
	int v;

	if (!p || (!p->has_msb && !p->has_lsb))
		return false;
	v = (p->has_msb ? p->msb << 7 : 0) | (p->has_lsb ? p->lsb : 0);
	v += (p->has_button ? p->a_button : 0) + buttons;
	*value = v < 0 ? 0 : v > VALUE_MOST ? VALUE_MOST : (unsigned)v;
	return true;
}

/* What a parameter has been set to; false: nobody has said, as far as is remembered. p may be NULL. */
static bool bridge_param_value(unsigned *value, const struct midi_param *p) { return param_after(value, p, 0); }

/* What a parameter becomes by a data entry. false: it was not known, and a button says only how far from there. */
static bool data_entry(unsigned *value, const struct midi_param *p, const struct midi_cmd *cmd)
{
	switch (cmd->data[0]) {
	case CC_DATA_MSB: *value = (unsigned)cmd->data[1] << 7; return true;
	case CC_DATA_LSB: *value = (p && p->has_msb ? (unsigned)p->msb << 7 : 0) | cmd->data[1]; return true;
	case CC_INCREMENT: return param_after(value, p, 1);
	default:          return param_after(value, p, -1);
	}
}

/* "An RPN/NRPN transaction yields one message when its data entry changes the value." */
static enum bridge_answer param(struct bridge_out *out, unsigned channel, const struct midi_chan *c,
	const struct midi_cmd *cmd)
{
	const struct midi_select *s = &c->select;
	/* RFC 6295 A.4: "If the LSB command is omitted, the LSB value 0x00 is assumed." */
	const uint16_t num = s->pending ? (uint16_t)(s->msb[s->nrpn] << 7) : s->num;
	const struct midi_param *p = midi_param_find(c, s->nrpn, num);
	unsigned value, old;

	if (!data_entry(&value, p, cmd) || (bridge_param_value(&old, p) && old == value))
		return BRIDGE_SILENT;
	return say(out, s->nrpn ? TARGET_NRPN : TARGET_RPN, channel, num, value);
}

static bool is_data_entry(uint8_t num)
{
	return num == CC_DATA_MSB || num == CC_DATA_LSB || num == CC_INCREMENT || num == CC_DECREMENT;
}

static enum bridge_answer control(struct bridge_out *out, unsigned channel, const struct midi_chan *c,
	const struct midi_cmd *cmd)
{
	const uint8_t num = cmd->data[0];

	if (num >= CC_NRPN_LSB && num <= CC_RPN_MSB)
		return BRIDGE_SILENT;
	if (is_data_entry(num) && (c->select.pending || c->select.open))
		return param(out, channel, c, cmd);
	return say(out, num >= CC_SOUND_OFF ? TARGET_MODE : TARGET_CC, channel, num, cmd->data[1]);
}

static enum bridge_answer channel_command(struct bridge_out *out, const struct midi_state *before,
	const struct midi_cmd *cmd)
{
	const unsigned channel = cmd->status & 0x0f;
	const struct midi_chan *c = &before->chan[channel];
	const uint8_t a = cmd->data[0], b = cmd->data[1];

	if (midi_is_note_off(cmd))
		return bridge_say_off(out, channel, a, (cmd->status & 0xf0) == MIDI_NOTE_ON ? RELEASE_DEFAULT : b);
	switch (cmd->status & 0xf0) {
	case MIDI_NOTE_ON:  return say(out, TARGET_NOTE, channel, a, b);
	case MIDI_POLY:     return say(out, TARGET_POLY, channel, a, b);
	case MIDI_CC:       return control(out, channel, c, cmd);
	case MIDI_PROGRAM:  return bridge_say_program(out, channel, a, c->bank.b, c->bank.msb, c->bank.lsb);
	case MIDI_PRESSURE: return say(out, TARGET_PRESSURE, channel, 0, a);
	default:            return say(out, TARGET_BEND, channel, 0, a | (unsigned)b << 7);
	}
}

/* ---- system commands ---- */

static enum bridge_answer write_sysex(struct bridge_out *out, const uint8_t *body, size_t len)
{
	const struct osc_arg arg = {.tag = 'b', .v.b = {.p = body, .len = (uint32_t)len}};

	return write_msg(out, "/midi/sysex", &arg, 1);
}

/* The end of one that came in pieces, whose beginning the state has. */
static enum bridge_answer sysex_end(struct bridge_out *out, const struct midi_sysexes *x, const struct midi_cmd *cmd)
{
	const struct midi_sysex_entry *e;
	uint8_t body[MIDI_SYSEX_MAX];

	if (!x->open)
		return BRIDGE_SILENT;
	e = &x->entry[(x->n - 1) % MIDI_SYSEXES];
	if (e->len + cmd->len > out->to->sysex_max || e->len + cmd->len > sizeof(body))
		return BRIDGE_BIG;
	for (size_t i = 0; i < e->len; i++)
		if (!midi_sysex_octet(&body[i], x, e, i))
			return BRIDGE_BIG;
	if (cmd->len)
		memcpy(body + e->len, cmd->body, cmd->len);
	return write_sysex(out, body, e->len + cmd->len);
}

static enum bridge_answer sysex(struct bridge_out *out, const struct midi_sysexes *x, const struct midi_cmd *cmd)
{
	switch (cmd->part) {
	case MIDI_WHOLE:
		if (cmd->len > out->to->sysex_max || cmd->len > MIDI_SYSEX_MAX)
			return BRIDGE_BIG;
		return write_sysex(out, cmd->body, cmd->len);
	case MIDI_LAST:
		return sysex_end(out, x, cmd);
	default:
		return BRIDGE_SILENT;
	}
}

static enum bridge_answer system_command(struct bridge_out *out, const struct midi_state *before,
	const struct midi_cmd *cmd)
{
	switch (cmd->status) {
	case MIDI_SYSEX:    return sysex(out, &before->sys.sysex, cmd);
	case MIDI_QUARTER:  return say(out, TARGET_MTC, 0, 0, cmd->data[0]);
	case MIDI_POSITION: return say(out, TARGET_POSITION, 0, 0, cmd->data[0] | (unsigned)cmd->data[1] << 7);
	case MIDI_SONG:     return say(out, TARGET_SONG, 0, 0, cmd->data[0]);
	case MIDI_TUNE:     return say(out, TARGET_TUNE, 0, 0, 0);
	case MIDI_CLOCK:    return say(out, TARGET_CLOCK, 0, 0, 0);
	case MIDI_START:    return say(out, TARGET_START, 0, 0, 0);
	case MIDI_CONTINUE: return say(out, TARGET_CONTINUE, 0, 0, 0);
	case MIDI_STOP:     return say(out, TARGET_STOP, 0, 0, 0);
	/* "Active Sense and System Reset are never bridged"; undefined commands have no address. */
	default:            return BRIDGE_SILENT;
	}
}

enum bridge_answer bridge_to_osc_rt(uint8_t *buf, size_t *len, const struct bridge_taker *to,
	const struct midi_state *before, const struct midi_cmd *cmd)
{
	struct bridge_out out = {.to = to, .buf = buf, .room = *len, .len = len};

	*len = 0;
	return midi_is_channel(cmd->status) ? channel_command(&out, before, cmd) : system_command(&out, before, cmd);
}

/* ---- in another's words ---- */

static size_t whole_numbers(unsigned *v, size_t most, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;
	size_t n = 0;

	osc_args_init(&it, msg);
	while (n < most && osc_arg_next(&it, &a) && a.tag == 'i')
		v[n++] = a.v.i > 0 ? (unsigned)a.v.i : 0;
	return n;
}

bool bridge_retell_rt(uint8_t *buf, size_t *len, enum bridge_answer *answer, const struct bridge_taker *to,
	const struct osc_msg *msg)
{
	struct bridge_out out = {.to = to, .buf = buf, .room = *len, .len = len};
	struct osctarget t;
	unsigned v[3] = {0};
	size_t n;

	if ((!to->map && takes(to, 'i')) || !bridge_address(&t, msg) || t.kind == TARGET_SYSEX)
		return false;
	n = whole_numbers(v, 3, msg);
	if (n != msg->n_tags || (n > 0) != osctarget_has_value(t.kind))
		return false;
	*len = 0;
	if (t.kind == TARGET_PROGRAM)
		*answer = bridge_say_program(&out, t.channel, v[0], n == 3, v[1], v[2]);
	else if (t.kind == TARGET_OFF)
		*answer = bridge_say_off(&out, t.channel, t.num, v[0]);
	else
		*answer = bridge_say(&out, &t, v[0]);
	return true;
}
