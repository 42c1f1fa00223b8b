/*
 * fuzz-journal.c - any bytes as a recovery journal: what is read is written and read the same. Then the bytes as a stream of
 * packets: the repair makes only commands there are, not too many, and the state it ends in makes a journal that can be read.
 */
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "osc/journal.h"
#include "osc/journal_make.h"
#include "osc/midi_repair.h"

enum { MADE_MAX = 4096, LISTED_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What LENGTH covered beyond the chapters is not written again, so the second writing is the one that must be the same. */
static void write_again(const struct journal *j)
{
	static uint8_t once[65536], twice[65536];
	size_t n = sizeof(once), n2 = sizeof(twice);
	struct journal again;

	if (journal_write(once, &n, j))
		return;                      /* a chapter longer than its LENGTH said, in what was passed over */
	must(journal_read(&again, once, n) == 0);
	must(journal_write(twice, &n2, &again) == 0);
	must(n == n2 && !memcmp(once, twice, n));
}

static void command(const struct midi_cmd *cmd, bool repair, void *arg)
{
	unsigned *made = arg;

	must(midi_data_len(cmd->status) != -2);
	must(!repair || ++*made <= MADE_MAX);
}

static void make_journal(const struct midi_state *st)
{
	static const struct journal_when ever = {.checkpoint = 1, .next = UINT32_MAX};
	static uint8_t buf[32768];
	size_t n = sizeof(buf);
	struct journal j;

	if (journal_make(buf, &n, st, &ever) == 0)
		must(journal_read(&j, buf, n) == 0);
}

/* Packets of a length in their first octet, numbered by the second. */
static void stream(const uint8_t *data, size_t size)
{
	struct midi_repair *r;
	unsigned made = 0;
	uint16_t seq = 1;

	if (midi_repair_alloc(&r, command, &made))
		return;
	while (size >= 2) {
		const size_t n = data[0] < size - 2 ? data[0] : size - 2;

		seq = (uint16_t)(seq + (data[1] & 0x0f));
		made = 0;
		midi_repair_packet(r, seq, 0, data + 2, n);
		data += n + 2;
		size -= n + 2;
	}
	make_journal(midi_repair_state(r));
	made = 0;
	midi_repair_end(r);
	mem_deref(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal j;

	if (journal_read(&j, data, size) == 0)
		write_again(&j);
	stream(data, size);
	return 0;
}
