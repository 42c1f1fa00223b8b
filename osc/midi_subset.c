/*
 * midi_subset.c - which commands a stream may carry: cm_unused and cm_used, applied in their order.
 *
 *      [0-3.9] ACN [60-72]          channels, letters of command types, numbers of controllers or notes
 *      __7F_00-7F_01.02__           SysEx commands by their first octets, in upper case hexadecimal
 *
 * "Letters other than (ABCFGHJKMNPQTVWXYZ) that appear in the list MUST be ignored": one grammar serves both families. Lists are
 * bounded by their text, and a range costs no more than the table it falls into.
 */
#include <string.h>

#include "midi_fmtp.h"
#include "midi_subset.h"

enum { ALL_CHANNELS = 0xffff, DIGITS_MAX = 10 };

struct cursor {
	const char *at, *end;
};

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool take(struct cursor *c, char what)
{
	if (c->at == c->end || *c->at != what)
		return false;
	c->at++;
	return true;
}

static bool take_number(struct cursor *c, uint64_t *n)
{
	unsigned digits = 0;

	for (*n = 0; is_digit(c) && digits < DIGITS_MAX; digits++)
		*n = 10 * *n + (unsigned)(*c->at++ - '0');
	return digits && !is_digit(c) && *n <= UINT32_MAX;
}

typedef void (range_h)(uint64_t low, uint64_t high, void *arg);

/* "Decimal value of left ... MUST be strictly less than decimal value of right". */
static bool take_list(struct cursor *c, range_h *h, void *arg)
{
	do {
		uint64_t low, high;

		if (!take_number(c, &low))
			return false;
		high = low;
		if (take(c, '-') && (!take_number(c, &high) || high <= low))
			return false;
		if (h)
			h(low, high, arg);
	} while (take(c, '.'));
	return true;
}

/* "hex-octet = %x30-37 U-HEXDIG" */
static bool take_octet(struct cursor *c, unsigned *v)
{
	static const char hex[] = { '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F' };
	const char *low;

	if (c->end - c->at < 2 || c->at[0] < '0' || c->at[0] > '7')
		return false;
	low = memchr(hex, c->at[1], sizeof(hex));
	*v = low ? (unsigned)(c->at[0] - '0') << 4 | (unsigned)(low - hex) : 0;
	c->at += 2;
	return low;
}

static bool take_sysex(struct cursor *c)
{
	do {
		do {
			unsigned low, high;

			if (!take_octet(c, &low) || (take(c, '-') && (!take_octet(c, &high) || high <= low)))
				return false;
		} while (take(c, '.'));
	} while (take(c, '_') && !(c->at < c->end && *c->at == '_'));
	return take(c, '_') && c->at == c->end;
}

/* At least one. "The letters ... MUST appear in alphabetical order", which an example of RFC 6295 C.1 does not keep either. */
static bool take_letters(struct cursor *c, const char **letters, size_t *n)
{
	*letters = c->at;
	while (c->at < c->end && *c->at >= 'A' && *c->at <= 'Z')
		c->at++;
	*n = (size_t)(c->at - *letters);
	return *n > 0;
}

static bool is_sysex(const char *text, size_t len)
{
	return len > 2 && text[0] == '_' && text[1] == '_';
}

bool midi_subset_is_valid(const char *text, size_t len)
{
	struct cursor c = {.at = text, .end = text + len};
	const char *letters;
	size_t n;

	if (is_sysex(text, len)) {
		c.at += 2;
		return take_sysex(&c);
	}
	if (is_digit(&c) && !take_list(&c, NULL, NULL))
		return false;
	if (!take_letters(&c, &letters, &n))
		return false;
	return c.at == c.end || (take_list(&c, NULL, NULL) && c.at == c.end);
}

/* ---- what they let through ---- */

static void add_channels(uint64_t low, uint64_t high, void *arg)
{
	uint16_t *mask = arg;

	for (uint64_t i = low; i <= high && i < MIDI_CHANNELS; i++)
		*mask |= (uint16_t)(1u << i);
}

/* One assignment being applied. */
struct assignment {
	struct midi_subset *s;
	bool     used;
	uint16_t channels;
	uint16_t *table;
	size_t   n;
};

static void assign(uint16_t *mask, const struct assignment *a)
{
	if (a->used)
		*mask |= a->channels;
	else
		*mask &= (uint16_t)~a->channels;
}

static void assign_range(uint64_t low, uint64_t high, void *arg)
{
	const struct assignment *a = arg;

	for (uint64_t i = low; i <= high && i < a->n; i++)
		assign(&a->table[i], a);
}

static void assign_system(const struct assignment *a, uint32_t bits)
{
	if (a->used)
		a->s->system |= bits;
	else
		a->s->system &= ~bits;
}

/* The letters of system commands, as bits status & 15. */
static uint32_t system_bits(char letter)
{
	switch (letter) {
	case 'B': return 1u << 15;
	case 'F': return 1u << 1;
	case 'G': return 1u << 6;
	case 'H': return 1u << 3;
	case 'J': return 1u << 4;
	case 'K': return 1u << 5;
	case 'Q': return 1u << 2 | 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12;
	case 'V': return 1u << 14;
	case 'Y': return 1u << 9;
	case 'Z': return 1u << 13;
	default:  return 0;
	}
}

static void assign_table(struct assignment *a, uint16_t *table, size_t n, struct cursor fields)
{
	a->table = table;
	a->n = n;
	if (fields.at == fields.end)
		assign_range(0, n - 1, a);
	else
		take_list(&fields, assign_range, a);
}

static void assign_letter(struct assignment *a, char letter, struct cursor fields)
{
	switch (letter) {
	case 'A': assign_table(a, a->s->poly, MIDI_KEYS, fields); break;
	case 'C': assign_table(a, a->s->control, SUBSET_CONTROLS, fields); break;
	case 'N': assign_table(a, a->s->note, MIDI_KEYS, fields); break;
	case 'M': assign(&a->s->params, a); break;
	case 'P': assign(&a->s->program, a); break;
	case 'T': assign(&a->s->pressure, a); break;
	case 'W': assign(&a->s->bend, a); break;
	case 'X': a->s->sysex = a->used; break;
	default:  assign_system(a, system_bits(letter));
	}
}

static void apply(struct midi_subset *s, const struct fmtp_text *t, bool used)
{
	struct assignment a = {.s = s, .used = used, .channels = ALL_CHANNELS};
	struct cursor c = {.at = t->p, .end = t->p + t->len};
	const char *letters;
	size_t n;

	if (is_sysex(t->p, t->len)) {
		s->sysex |= used;
		return;
	}
	if (is_digit(&c)) {
		a.channels = 0;
		take_list(&c, add_channels, &a.channels);
	}
	take_letters(&c, &letters, &n);
	for (size_t i = 0; i < n; i++)
		assign_letter(&a, letters[i], c);
}

/* "The System Common undefined commands (0xF4, 0xF5) and the System Real-Time Undefined commands (0xF9, 0xFD) are implicitly
 * assigned to cm_unused. All other command types are implicitly assigned to cm_used." */
void midi_subset_make(struct midi_subset *s, const struct midi_fmtp *f)
{
	memset(s, 0xff, sizeof(*s));
	s->sysex = true;
	s->system = 0xffff & ~(system_bits('J') | system_bits('K') | system_bits('Y') | system_bits('Z'));
	for (unsigned i = 0; i < f->n_subsets; i++) {
		if (!strcmp(f->subset[i].name, "cm_unused"))
			apply(s, &f->subset[i].value, false);
		else if (!strcmp(f->subset[i].name, "cm_used"))
			apply(s, &f->subset[i].value, true);
	}
}

static uint16_t mask_of(const struct midi_subset *s, const struct midi_cmd *cmd)
{
	const uint8_t num = cmd->data[0] & 0x7f;

	switch (cmd->status & 0xf0) {
	case MIDI_NOTE_OFF:
	case MIDI_NOTE_ON:  return s->note[num];
	case MIDI_POLY:     return s->poly[num];
	case MIDI_CC:       return num >= CC_NRPN_LSB && num <= CC_RPN_MSB ? s->params & s->control[num] : s->control[num];
	case MIDI_PROGRAM:  return s->program;
	case MIDI_PRESSURE: return s->pressure;
	default:            return s->bend;
	}
}

bool midi_subset_allows(const struct midi_subset *s, const struct midi_cmd *cmd)
{
	if (cmd->status == MIDI_SYSEX)
		return s->sysex;
	if (cmd->status >= 0xf0)
		return s->system >> (cmd->status & 0x0f) & 1;
	return mask_of(s, cmd) >> (cmd->status & 0x0f) & 1;
}
