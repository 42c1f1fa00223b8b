/*
 * fuzz-jitter.c - a random sequence of packets, skips and reads. It must hold: never more inside than max_ms and n_slots,
 * no frame twice, every get answered with what it promises, every packet accounted for.
 *
 * (max_ms is one longest packet here: a single packet is held in any case, or it could never be played.)
 * Four bytes are one step: what, then three bytes that mean what it likes.
 */
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "mixer/jitter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MS = 120, N_SLOTS = 12, STEPS_MAX = 4000 };

struct world {
	struct jitter *j;
	uint64_t now_us;
	uint16_t seq;
	uint32_t ts, ssrc, serial;
	uint64_t accepted, given;
	uint8_t seen[STEPS_MAX];          /* by serial number, which travels in the payload */
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void put(struct world *w, int8_t d_seq, int8_t d_ts, uint8_t how)
{
	uint8_t payload[64] = { 0 };
	struct rtp_pkt p = { .ssrc = w->ssrc, .payload = payload, .marker = how & 1, .pt = how >> 1 & 1 };

	p.seq = (uint16_t)(w->seq + (how & 4 ? d_seq * 100 : d_seq));
	p.ts  = w->ts + (uint32_t)((how & 8 ? d_ts * 4000 : d_ts * 20));
	p.len = how & 16 ? sizeof(payload) : 8;
	if (how & 32 && how & 64)
		p.len = 0;
	memcpy(payload, &w->serial, sizeof(w->serial));

	w->accepted += (how & 128 ? jitter_put_again_rt : jitter_put_rt)(w->j, &p, w->now_us) == 0 && p.len;
	w->serial++;
	w->seq = p.seq;
	w->ts  = p.ts;
}

static void get(struct world *w, uint32_t n_ts)
{
	struct jitter_frame f;
	const enum jitter_result what = jitter_get_rt(w->j, &f, n_ts, w->now_us);
	uint32_t serial;

	must(what == JITTER_FRAME || what == JITTER_LOST || what == JITTER_SILENCE || what == JITTER_WAIT);
	must((what == JITTER_FRAME) == (f.payload != NULL));
	must(!f.next || what == JITTER_LOST);
	if (f.next) {
		memcpy(&serial, f.next, sizeof(serial));
		must(f.next_len >= 8 && serial < w->serial);
	}
	if (what != JITTER_FRAME)
		return;

	must(f.len >= 8 && f.len <= 32);
	memcpy(&serial, f.payload, sizeof(serial));
	must(serial < w->serial && !w->seen[serial]);
	w->seen[serial] = 1;
	w->given++;
}

static void check(const struct world *w)
{
	struct jitter_stats s;

	jitter_stats(w->j, &s);
	must(s.depth_ms <= MAX_MS);
	must(s.put == w->accepted && s.got == w->given && s.got <= s.put);
}

static void step(struct world *w, const uint8_t b[4])
{
	switch (b[0] & 7) {
	case 0: case 1: put(w, 1, 8, 0); w->now_us += 20000; break;         /* a good packet */
	case 2: put(w, (int8_t)b[1], (int8_t)b[2], b[3]); break;
	case 3: jitter_skip_rt(w->j, (uint16_t)(w->seq + (int8_t)b[1])); break;
	case 4: get(w, b[1] * 4u); break;
	case 5: get(w, b[1]); jitter_played_rt(w->j, b[2] * 4u); break;
	case 6: w->now_us += b[1] * (b[2] & 1 ? 100000ull : 100ull); break;
	case 7:
		if (b[1] < 4)
			jitter_reset_rt(w->j);
		else if (b[1] < 8)
			w->ssrc++;
		else
			jitter_quiet_rt(w->j, b[1] & 1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jitter_conf conf = { .clock = 8000, .min_ms = 0, .max_ms = MAX_MS, .max_payload = 32, .n_slots = N_SLOTS };
	static struct world w;

	if (size < 2)
		return 0;

	memset(&w, 0, sizeof(w));
	conf.fixed  = data[0] & 1;
	conf.min_ms = data[0] >> 1 & 0x3f;
	w.seq       = (uint16_t)(data[1] << 8 | 0xf0);
	w.ts        = (uint32_t)data[1] << 24 | 0xff0000;
	must(jitter_alloc(&w.j, &conf) == 0);

	for (size_t i = 2; i + 4 <= size && w.serial < STEPS_MAX; i += 4) {
		step(&w, data + i);
		check(&w);
	}

	/* whatever came before: a reader that goes on asking empties it */
	for (unsigned i = 0; i < 200; i++) {
		get(&w, 160);
		w.now_us += 20000;
	}
	{
		struct jitter_stats s;

		jitter_stats(w.j, &s);
		must(s.depth_ms == 0);
	}
	mem_deref(w.j);

	return 0;
}
