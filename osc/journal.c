/*
 * journal.c - the frame of a recovery journal (RFC 6295 section 5).
 *
 *      |S|Y|A|H|TOTCHAN| checkpoint 16 | system journal if Y | TOTCHAN + 1 channel journals if A
 *
 * "If a structure contains a LENGTH field, a receiver MUST use the LENGTH field value to advance past the structure during
 * parsing, rather than use knowledge about the internal format of the structure": what a journal holds beyond the
 * chapters known here is passed over, what a chapter says beyond its journal's LENGTH makes the packet malformed.
 */
#include <errno.h>

#include "journal_priv.h"

enum { HDR_S = 0x80, HDR_Y = 0x40, HDR_A = 0x20, HDR_H = 0x10 };

struct journal_log journal_log_at(const struct journal_list *l, unsigned i)
{
	const uint8_t *at = l->logs + 2 * (size_t)i;

	return (struct journal_log){.s = at[0] & 0x80, .num = at[0] & 0x7f, .flag = at[1] & 0x80, .value = at[1] & 0x7f};
}

void journal_log_put(uint8_t at[2], const struct journal_log *log)
{
	at[0] = (uint8_t)(bit(log->s, 0x80) | log->num);
	at[1] = (uint8_t)(bit(log->flag, 0x80) | log->value);
}

/* "Channel journals MUST appear in the recovery journal in ascending channel-number order": a sender that is widely read
 * as a model does not, so order is forgiven; "a MIDI channel MAY be represented by (at most) one" is not. */
static int read_channels(struct journal *j, struct octets_in *in, unsigned n)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < n; i++) {
		struct journal_channel *c = &j->channel[i];

		journal_read_channel(in, c);
		if (in->bad || seen & 1u << c->chan)
			return EBADMSG;
		seen |= 1u << c->chan;
	}
	j->n_channels = n;
	return 0;
}

int journal_read(struct journal *j, const uint8_t *buf, size_t len)
{
	struct octets_in in = {.at = buf, .end = buf + len};
	const uint8_t head = in_octet(&in);

	j->s = head & HDR_S;
	j->y = head & HDR_Y;
	j->h = head & HDR_H;
	j->n_channels = 0;
	j->checkpoint = in_word(&in);
	if (j->y)
		journal_read_system(&in, &j->sys);
	if (in.bad)
		return EBADMSG;
	if (head & HDR_A && read_channels(j, &in, (head & 0x0fu) + 1))
		return EBADMSG;
	return in.at == in.end ? 0 : EBADMSG;
}

int journal_write(uint8_t *buf, size_t *len, const struct journal *j)
{
	struct octets_out out = {.buf = buf, .room = *len};
	const unsigned n = j->n_channels;

	if (n > MIDI_CHANNELS)
		return EINVAL;
	out_octet(&out, bit(j->s, HDR_S) | bit(j->y, HDR_Y) | bit(n > 0, HDR_A) | bit(j->h, HDR_H) | (n ? n - 1 : 0));
	out_word(&out, j->checkpoint);
	if (j->y)
		journal_put_system(&out, &j->sys);
	for (unsigned i = 0; i < n; i++)
		journal_put_channel(&out, &j->channel[i]);
	*len = out.len;
	return out.full ? EMSGSIZE : 0;
}
