/*
 * fuzz-rtpmidi.c - any bytes as an RTP MIDI payload: what is read keeps its bounds, and written again it reads the same.
 */
#include <stdlib.h>
#include <string.h>
#include "osc/rtpmidi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Segments without octets are read and not written. */
static bool is_writable(const struct midi_cmd *cmd)
{
	return cmd->status != MIDI_SYSEX || cmd->len || (cmd->part != MIDI_FIRST && cmd->part != MIDI_MIDDLE);
}

static void same(const struct rtpmidi *a, const struct rtpmidi *b)
{
	struct rtpmidi_iter ia, ib;
	struct midi_cmd ca, cb;
	uint32_t skipped = 0;

	rtpmidi_begin(&ia, a);
	rtpmidi_begin(&ib, b);
	while (rtpmidi_next(&ia, &ca)) {
		if (!is_writable(&ca)) {
			skipped = 1;
			continue;
		}
		must(rtpmidi_next(&ib, &cb));
		must(skipped || ca.delta == cb.delta);
		must(ca.status == cb.status && ca.part == cb.part && ca.dropped == cb.dropped && !memcmp(ca.data, cb.data, 2));
		must(ca.len == cb.len && (!ca.len || !memcmp(ca.body, cb.body, ca.len)));
	}
	must(!rtpmidi_next(&ib, &cb));
}

static void write_again(const struct rtpmidi *m)
{
	static struct rtpmidi_list list;
	uint8_t buf[RTPMIDI_LIST_MAX + 2];
	size_t len = sizeof(buf);
	struct rtpmidi_iter it;
	struct rtpmidi again;
	struct midi_cmd cmd;

	rtpmidi_list_init(&list);
	rtpmidi_begin(&it, m);
	while (rtpmidi_next(&it, &cmd))
		if (is_writable(&cmd) && rtpmidi_list_add(&list, &cmd, RTPMIDI_LIST_MAX))
			return;               /* running status at its best can be shorter than what was written */
	must(rtpmidi_write(buf, &len, &list, m->p, false) == 0);
	must(rtpmidi_read(&again, buf, len) == 0);
	must(again.p == m->p);
	same(m, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtpmidi m;

	if (rtpmidi_read(&m, data, size) == 0)
		write_again(&m);
	return 0;
}
