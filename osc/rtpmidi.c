/*
 * rtpmidi.c - the MIDI command section (RFC 6295 section 3).
 *
 *      |B|J|Z|P| LEN 4 or 12 | [delta] command | delta command | ... | delta [command] |   journal if J
 *
 * Reading walks through the whole list before anything is believed: a packet is good or it is dropped as if it were lost,
 * and the next journal repairs. More forgiving than the text only where peers that exist need it: empty first and middle
 * segments, and the undefined F4 F5 F9 FD, which whoever forwards may leave out by cm_unused.
 */
#include <errno.h>
#include <string.h>

#include "rtpmidi.h"

enum { FLAG_B = 0x80, FLAG_J = 0x40, FLAG_Z = 0x20, FLAG_P = 0x10, DELTA_OCTETS = 4 };

/* ---- reading ---- */

/* Figure 4: one to four octets. */
static int read_delta(struct rtpmidi_iter *it, uint32_t *delta)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < DELTA_OCTETS; i++) {
		if (it->at == it->end)
			return EBADMSG;
		v = v << 7 | (*it->at & 0x7f);
		if (!(*it->at++ & 0x80)) {
			*delta = v;
			return 0;
		}
	}
	return EBADMSG;
}

/* The octets up to the next status octet, which *tail becomes. */
static int read_body(struct rtpmidi_iter *it, struct midi_cmd *cmd, uint8_t *tail)
{
	cmd->body = it->at;
	while (it->at < it->end && !(*it->at & 0x80))
		it->at++;
	if (it->at == it->end)
		return EBADMSG;
	cmd->len = (size_t)(it->at - cmd->body);
	*tail = *it->at++;
	return 0;
}

/* Figure 5: what a SysEx command or segment is stands in its first and last octet. */
static int read_sysex(struct rtpmidi_iter *it, struct midi_cmd *cmd, uint8_t head)
{
	const bool begins = head == MIDI_SYSEX;
	uint8_t tail;

	cmd->status = MIDI_SYSEX;
	if (read_body(it, cmd, &tail))
		return EBADMSG;
	switch (tail) {
	case MIDI_SYSEX_END:
	case MIDI_UNDEF_F5:               /* "dropped 0xF7" */
		cmd->part = begins ? MIDI_WHOLE : MIDI_LAST;
		cmd->dropped = tail == MIDI_UNDEF_F5;
		return 0;
	case MIDI_SYSEX:
		cmd->part = begins ? MIDI_FIRST : MIDI_MIDDLE;
		return 0;
	case MIDI_UNDEF_F4:
		/* "The cancel MUST be empty (thus, 0xF7 0xF4 is the only legal cancel sublist)." */
		cmd->part = MIDI_CANCEL;
		return begins || cmd->len ? EBADMSG : 0;
	default:
		return EBADMSG;
	}
}

static int read_short(struct rtpmidi_iter *it, struct midi_cmd *cmd, int n)
{
	if (it->end - it->at < n)
		return EBADMSG;
	for (int i = 0; i < n; i++) {
		cmd->data[i] = *it->at++;
		if (cmd->data[i] & 0x80)
			return EBADMSG;
	}
	return 0;
}

static int read_cmd(struct rtpmidi_iter *it, struct midi_cmd *cmd)
{
	uint8_t tail;

	cmd->status = *it->at & 0x80 ? *it->at++ : it->running;
	/* "System Common and System Exclusive messages (0xF0 ... 0xF7) cancel the running status state, but System
	 * Real-Time messages (0xF8 ... 0xFF) do not affect the running status state." */
	if (!midi_is_realtime(cmd->status))
		it->running = midi_is_channel(cmd->status) ? cmd->status : 0;

	switch (cmd->status) {
	case MIDI_SYSEX:
	case MIDI_SYSEX_END:
		return read_sysex(it, cmd, cmd->status);
	case MIDI_UNDEF_F4:
	case MIDI_UNDEF_F5:
		return read_body(it, cmd, &tail) || tail != MIDI_SYSEX_END ? EBADMSG : 0;
	case 0:                           /* a data octet, and no status to go with it */
		return EBADMSG;
	default:
		return read_short(it, cmd, midi_data_len(cmd->status));
	}
}

/* 0 and a command; ENODATA at the end. */
static int read_next(struct rtpmidi_iter *it, struct midi_cmd *cmd)
{
	*cmd = (struct midi_cmd){0};
	if (it->at == it->end)
		return ENODATA;
	if (it->delta_next && read_delta(it, &cmd->delta))
		return EBADMSG;
	it->delta_next = true;
	if (it->at == it->end) {
		it->void_time = cmd->delta;
		return ENODATA;
	}
	return read_cmd(it, cmd);
}

static int check_list(const struct rtpmidi *m)
{
	struct rtpmidi_iter it;
	struct midi_cmd cmd;
	int err;

	rtpmidi_begin(&it, m);
	while (!(err = read_next(&it, &cmd)))
		;
	return err == ENODATA ? 0 : err;
}

int rtpmidi_read(struct rtpmidi *m, const uint8_t *buf, size_t len)
{
	size_t at = 1;

	*m = (struct rtpmidi){0};
	if (!len || (buf[0] & FLAG_B && len < 2))
		return EBADMSG;
	m->list_len = buf[0] & 0x0f;
	if (buf[0] & FLAG_B)
		m->list_len = m->list_len << 8 | buf[at++];
	m->z = buf[0] & FLAG_Z;
	m->p = buf[0] & FLAG_P;
	m->list = buf + at;
	if (m->list_len > len - at)
		return EBADMSG;
	at += m->list_len;
	/* "If the J header bit is set to 0, the payload MUST NOT contain a journal section." */
	if (!(buf[0] & FLAG_J))
		return at == len ? check_list(m) : EBADMSG;
	m->journal = buf + at;
	m->journal_len = len - at;
	return m->journal_len ? check_list(m) : EBADMSG;
}

void rtpmidi_begin(struct rtpmidi_iter *it, const struct rtpmidi *m)
{
	*it = (struct rtpmidi_iter){.at = m->list, .end = m->list + m->list_len, .delta_next = m->z};
}

bool rtpmidi_next(struct rtpmidi_iter *it, struct midi_cmd *cmd)
{
	return !read_next(it, cmd);
}

/* ---- writing ---- */

void rtpmidi_list_init(struct rtpmidi_list *l)
{
	l->len = 0;
	l->n = 0;
	l->z = false;
	l->running = 0;
}

static size_t write_delta(uint8_t *buf, uint32_t delta)
{
	size_t n = 0;

	for (int shift = 21; shift > 0; shift -= 7)
		if (delta >> shift)
			buf[n++] = (uint8_t)(0x80 | (delta >> shift & 0x7f));
	buf[n++] = delta & 0x7f;
	return n;
}

int rtpmidi_list_add(struct rtpmidi_list *l, const struct midi_cmd *cmd, size_t room)
{
	uint8_t head[DELTA_OCTETS];
	size_t at = 0, n;

	if (!midi_is_valid(cmd) || cmd->delta > RTPMIDI_DELTA_MAX)
		return EINVAL;
	if (room > sizeof(l->buf))
		room = sizeof(l->buf);
	if (l->n || cmd->delta)
		at = write_delta(head, cmd->delta);
	/* One octet more than it may need where running status saves one. */
	if (l->len + at >= room)
		return ENOSPC;
	n = midi_write(l->buf + l->len + at, room - l->len - at, cmd);
	if (!n)
		return ENOSPC;
	memcpy(l->buf + l->len, head, at);
	if (midi_is_channel(cmd->status) && cmd->status == l->running) {
		memmove(l->buf + l->len + at, l->buf + l->len + at + 1, n - 1);
		n--;
	}
	if (!midi_is_realtime(cmd->status))
		l->running = midi_is_channel(cmd->status) ? cmd->status : 0;
	if (!l->n)
		l->z = at > 0;
	l->len += at + n;
	l->n++;
	return 0;
}

int rtpmidi_write(uint8_t *buf, size_t *len, const struct rtpmidi_list *l, bool phantom, bool has_journal)
{
	const bool wide = l->len > 0x0f;
	const size_t hdr = wide ? 2 : 1;

	if (*len < hdr + l->len)
		return ENOSPC;
	buf[0] = (uint8_t)((wide ? FLAG_B : 0) | (has_journal ? FLAG_J : 0) | (l->z ? FLAG_Z : 0) | (phantom ? FLAG_P : 0));
	buf[0] |= (uint8_t)(wide ? l->len >> 8 : l->len);
	if (wide)
		buf[1] = (uint8_t)l->len;
	memcpy(buf + hdr, l->buf, l->len);
	*len = hdr + l->len;
	return 0;
}
