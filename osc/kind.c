/*
 * kind.c - is an OSC message state or an event? The first rule that applies decides:
 *
 *      1. a wildcard in the address                                  event
 *      2. declared by the sender                                     as declared
 *      3. no argument, any of type I or m; /_gest/, /to/            event
 *         some addresses of the MIDI space                           event
 *      4. all others                                                 state
 *
 * /_gest/ and /to/ are asked before rule 2: nobody's declaration may make the server keep and repeat what was meant
 * for it, or for one participant only.
 */
#include <errno.h>
#include <string.h>

#include "kind.h"

static bool begins(const char *addr, size_t len, const char *with)
{
	const size_t n = strlen(with);

	return len >= n && !memcmp(addr, with, n);
}

size_t kind_prefix(const char *addr, size_t len)
{
	const char *slash = begins(addr, len, "/p/") ? memchr(addr + 3, '/', len - 3) : NULL;

	return slash && slash > addr + 3 ? (size_t)(slash - addr) : 0;
}

/* A number of one to `digits` digits up to a slash or the end; octets of it, 0: none. */
static size_t number(const char *p, size_t len, size_t digits)
{
	size_t n = 0;

	while (n < len && n <= digits && p[n] >= '0' && p[n] <= '9')
		n++;

	return n && n <= digits && (n == len || p[n] == '/') ? n : 0;
}

/* /midi/C/WORD/N */
static bool midi_is(const char *addr, size_t len, const char *word)
{
	size_t n;

	if (!begins(addr, len, "/midi/"))
		return false;
	addr += 6;
	len  -= 6;
	n = number(addr, len, 2);
	if (!n || !begins(addr + n, len - n, word))
		return false;
	addr += n + strlen(word);
	len  -= n + strlen(word);

	return len && number(addr, len, 3) == len;
}

static bool midi_event(const char *addr, size_t len)
{
	static const char *const sys[] = {"/midi/sys/position", "/midi/sys/mtc", "/midi/sysex"};

	for (size_t i = 0; i < sizeof(sys) / sizeof(sys[0]); i++) {
		if (len == strlen(sys[i]) && !memcmp(addr, sys[i], len))
			return true;
	}

	return midi_is(addr, len, "/off/") || midi_is(addr, len, "/mode/");
}

bool kind_is_note(const char *addr, size_t len)
{
	const size_t skip = kind_prefix(addr, len);

	return midi_is(addr + skip, len - skip, "/note/");
}

/* Where "/off/" begins, after which there is a number only; 0: it is no such address. */
static size_t off_at(const char *addr, size_t len)
{
	const size_t skip = kind_prefix(addr, len);

	if (!midi_is(addr + skip, len - skip, "/off/"))
		return 0;
	return skip + 6 + number(addr + skip + 6, len - skip - 6, 2);
}

bool kind_off_key(uint8_t *buf, size_t *len, const struct osc_msg *msg)
{
	const size_t at = off_at(msg->addr, msg->addr_len);
	static const char note[] = {'/', 'n', 'o', 't', 'e'};
	const struct osc_arg zero = {.tag = 'i'};
	char addr[OSC_ADDR_MAX + 2];
	struct osc_writer w;

	if (!at || msg->addr_len >= OSC_ADDR_MAX)
		return false;
	memcpy(addr, msg->addr, at);
	memcpy(addr + at, note, sizeof(note));
	memcpy(addr + at + sizeof(note), msg->addr + at + 4, msg->addr_len - at - 4 + 1);
	osc_w_init(&w, buf, KIND_OFF_MAX);
	osc_w_msg(&w, addr, &zero, 1);
	return osc_w_end(&w, len) == 0;
}

bool kind_is_held(const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, msg);
	if (!osc_arg_next(&it, &a))
		return false;

	switch (a.tag) {
	case 'i': return a.v.i > 0;
	case 'h': return a.v.h > 0;
	case 'f': return a.v.f > 0;
	case 'd': return a.v.d > 0;
	case 'T': return true;
	default:  return false;
	}
}

bool kind_never_state(const char *addr, size_t len)
{
	const size_t skip = kind_prefix(addr, len);

	return begins(addr + skip, len - skip, "/_gest/") || begins(addr, len, "/to/") ||
	       osc_addr_is_pattern(addr, len);
}

int kinds_add(struct kinds *k, const char *pattern, enum osc_kind kind)
{
	const size_t len = strlen(pattern);

	if (!pattern_ok(pattern, len))
		return EINVAL;
	if (k->n == KIND_SPACES_MAX)
		return E2BIG;

	memcpy(k->space[k->n].pattern, pattern, len + 1);
	k->space[k->n].len  = (uint8_t)len;
	k->space[k->n].kind = kind;
	k->n++;
	return 0;
}

static bool declared(enum osc_kind *kind, const struct kinds *k, const char *addr, size_t len)
{
	for (unsigned i = 0; i < k->n; i++) {
		if (!pattern_match(k->space[i].pattern, k->space[i].len, addr, len))
			continue;
		*kind = k->space[i].kind;
		return true;
	}

	return false;
}

enum osc_kind kind_of(const struct kinds *k, const struct osc_msg *m)
{
	const size_t skip = kind_prefix(m->addr, m->addr_len);
	const char *addr = m->addr + skip;
	const size_t len = m->addr_len - skip;
	enum osc_kind kind;

	if (kind_never_state(m->addr, m->addr_len))
		return OSC_EVENT;
	if (k && k->n && (declared(&kind, k, m->addr, m->addr_len) || (skip && declared(&kind, k, addr, len))))
		return kind;
	if (!m->n_tags || memchr(m->tags, 'I', m->n_tags) || memchr(m->tags, 'm', m->n_tags) || midi_event(addr, len))
		return OSC_EVENT;

	return OSC_STATE;
}
