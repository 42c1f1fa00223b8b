/*
 * gate.c - the decode gate: which packets of a voice are worth decoding.
 *
 *     packets    . . . . W O R D . . . . . . . . . . . . W O R D
 *     gate       closed  open    (hang)      | closed      open
 *     decoded          . W O R D . . . . . .             . W O R D        the last ones before it: late, and unheard
 *
 * How loud a packet is, it says itself: a level in its header (RFC 6464), the VAD bits of Opus, the codes of G.711 by a
 * table. One loud packet opens the gate, and it is heard from its first sample; so nothing of a word is lost but what lay
 * below the threshold. The packets before it are decoded then, for the decoder's memory, and not played: their time was
 * silence. It closes when for HANG_US nothing was loud, and a newcomer's begins closed: two hundred who come in at once
 * and listen are not two hundred voices.
 *
 * Silent is what lies below -60 dBov, or, up to -50, near the lowest of the last seconds: the hiss of a line.
 */
#include <string.h>
#include "gate.h"

enum { HANG_US = 400000, WINDOW_US = 1000000 };
#define SILENT    1e-6f
#define HISS_MAX  1e-5f
#define HISS_OVER 4.0f            /* 6 dB */

static void follow_floor_rt(struct gate *g, float energy, uint32_t us)
{
	if (energy < g->floor || !g->known)
		g->floor = energy;
	g->known = true;
	if (!g->window_us || energy < g->low)
		g->low = energy;
	g->window_us += us;
	if (g->window_us < WINDOW_US)
		return;
	g->floor = g->low;
	g->window_us = 0;
}

bool gate_update_rt(struct gate *g, float energy, uint32_t us)
{
	bool silent;

	follow_floor_rt(g, energy, us);
	silent = energy < SILENT || (energy < HISS_MAX && energy < HISS_OVER * g->floor);
	g->quiet_us = silent ? g->quiet_us + us : 0;
	if (!silent)
		g->open = true;
	else if (g->quiet_us >= HANG_US)
		g->open = false;
	return g->open;
}

bool gate_keep_rt(struct gate *g, const uint8_t *payload, size_t len)
{
	struct gate_packet *k;

	if (len > GATE_BYTES) {
		g->n = 0;
		return false;
	}
	if (g->n == GATE_KEEP) {
		g->first = (uint8_t)((g->first + 1) % GATE_KEEP);
		g->n--;
	}
	k = &g->kept[(g->first + g->n++) % GATE_KEEP];
	k->len = (uint16_t)len;
	memcpy(k->buf, payload, len);
	return true;
}
