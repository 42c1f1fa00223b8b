/*
 * fuzz-midifmtp.c - any bytes as the parameters of RTP MIDI: what is read is written, read again the same, answered and asked.
 */
#include <stdlib.h>
#include <string.h>
#include "osc/midi_fmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static size_t written(char *buf, size_t room, const struct midi_fmtp *f)
{
	must(midi_fmtp_write(buf, &room, f) == 0);
	return room;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char once[4 * FMTP_LEN_MAX], twice[4 * FMTP_LEN_MAX];
	struct midi_fmtp f, again, answer;
	struct midi_subset subset;
	size_t n;

	if (midi_fmtp_read(&f, (const char *)data, size))
		return 0;
	n = written(once, sizeof(once), &f);
	must(midi_fmtp_read(&again, once, n) == 0);
	must(written(twice, sizeof(twice), &again) == n && !memcmp(once, twice, n));
	if (midi_fmtp_answer(&answer, &f, 48000, size & 1) == 0)
		written(twice, sizeof(twice), &answer);
	midi_subset_make(&subset, &f);
	for (unsigned status = 0x80; status < 0x100; status++) {
		const struct midi_cmd cmd = midi_short((uint8_t)status, size & 0x7f, 1);

		midi_subset_allows(&subset, &cmd);
	}
	return 0;
}
