/*
 * screen.c - head, own end, the table of players, what was said, and the foot, from the top down:
 *
 *     tutti-join  music-band                          120 bpm  bar 12  ● ○ ○ ○
 *     L16 stereo 1.33 ms  SRTP  jack 64 frames  loss 0.0/0.0 %  jitter 0.1 ms
 *     in  ████████▌         -18                       out ██████████▍      -12
 *     our way: ..., buffer: ...
 *       player          level                delay = capture net buffer mix play   mix
 *     > anna        M   ████████▌       -18   8.4      1.3   2.1    1.3 1.3  1.3  -6.0 L30
 *     12:34 anna: from the top
 *     q leave  m mute  ...
 *
 * Where rows are few the second, fourth and then the third line go, and messages; where columns are few the parts of
 * delays and the mix. The table is in screen_table.c.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "glyph.h"
#include "screen_priv.h"

/* --- head --- */

static unsigned beat_dots(struct grid *g, unsigned x, const struct band_beat *t)
{
	unsigned per = t->per_bar ? t->per_bar : 4;

	if (per > 12)
		return grid_putf(g, x, 0, g->cols, GRID_BAR, "%u/%u", t->in_bar + 1, per);
	for (unsigned i = 0; i < per; i++) {
		bool on = t->running && i == t->in_bar;

		x = grid_put(g, x, 0, g->cols, GRID_BAR, g->ascii ? on ? "X" : "." : on ? "●" : "○");
	}
	return x;
}

static void draw_beat(struct grid *g, const struct band *b, unsigned from)
{
	const struct band_beat *t = &b->beat;
	unsigned dots = t->per_bar > 12 ? 5 : t->per_bar ? t->per_bar : 4;
	char text[96], bar[32] = "";

	if (!t->known)
		return;
	if (t->running && t->bar >= 0)
		(void)snprintf(bar, sizeof(bar), "bar %lld  ", (long long)t->bar + 1);
	else if (t->running)
		(void)snprintf(bar, sizeof(bar), "count %lld  ", (long long)t->bar);
	(void)snprintf(text, sizeof(text), "%.1f bpm  %s", t->mbpm / 1000.0, bar);
	if (from + strlen(text) + dots + 2 > g->cols)
		text[0] = '\0';
	if (from + dots + 2 > g->cols)
		return;
	(void)grid_put(g, g->cols - 1 - dots - (unsigned)strlen(text), 0, g->cols, GRID_BAR, text);
	(void)beat_dots(g, g->cols - 1 - dots, t);
}

static void draw_head(struct grid *g, const struct band *b, const struct screen_view *v)
{
	unsigned x;

	grid_fill(g, 0, 0, g->cols, GRID_BAR);
	x = grid_put(g, 1, 0, g->cols, GRID_BAR, b->own.room[0] ? b->own.room : "tutti-join");
	if (v->up_s)
		x = grid_putf(g, x + 2, 0, g->cols, GRID_BAR, "%u:%02u", v->up_s / 60, v->up_s % 60);
	else
		x = grid_put(g, x + 2, 0, g->cols, GRID_BAR, b->own.state);
	if (b->locked)
		x = grid_put(g, x + 2, 0, g->cols, GRID_BAR, "locked");
	if (b->recording)
		x = grid_put(g, x + 2, 0, g->cols, GRID_BAR, "REC");
	draw_beat(g, b, x + 2);
}

/* --- own end --- */

/* "1.33", "2.5", "20" */
static const char *ms_text(char buf[16], uint32_t us)
{
	(void)snprintf(buf, 16, "%.2f", us / 1000.0);
	while (strchr(buf, '.') && (buf[strlen(buf) - 1] == '0' || buf[strlen(buf) - 1] == '.'))
		buf[strlen(buf) - 1] = '\0';
	return buf;
}

static void draw_line(struct grid *g, const struct band *b, unsigned y)
{
	const struct band_own *o = &b->own;
	char ms[16];
	unsigned x = 1;

	if (o->why[0]) {
		grid_put(g, x, y, g->cols - 1, GRID_WARN, o->why);
		return;
	}
	if (o->codec[0])
		x = grid_putf(g, x, y, g->cols, GRID_PLAIN, "%s %s ms  ", o->codec, ms_text(ms, o->ptime_us));
	if (o->srtp)
		x = grid_put(g, x, y, g->cols, GRID_PLAIN, !strcmp(o->keys, "dtls") ? "SRTP by DTLS  " : "SRTP  ");
	x = grid_putf(g, x, y, g->cols, GRID_PLAIN, "%s %u", o->driver, o->period);
	if (o->xruns)
		x = grid_putf(g, x, y, g->cols, GRID_WARN, "  %llu xrun%s", (unsigned long long)o->xruns, o->xruns == 1 ? "" : "s");
	x = grid_putf(g, x, y, g->cols, o->loss_pct > 1 || o->peer_loss_pct > 1 ? GRID_WARN : GRID_PLAIN, "  loss %.1f/%.1f %%", (double)o->loss_pct,
		      (double)o->peer_loss_pct);
	x = grid_putf(g, x, y, g->cols, GRID_PLAIN, "  jitter %.1f ms", o->jitter_us / 1000.0);
	if (o->concealed_min > 0)
		(void)grid_putf(g, x, y, g->cols, GRID_WARN, "  %.0f gaps/min", (double)o->concealed_min);
}

static unsigned draw_one_meter(struct grid *g, unsigned x, unsigned y, unsigned end, const char *name, float db, const char *state)
{
	unsigned room = (unsigned)strlen(state) + 6;

	x = grid_putf(g, x, y, end, GRID_PLAIN, "%s ", name);
	if (x + room + 4 < end)
		grid_meter(g, x, y, end - room, db);
	if (end > room && db > -100)
		(void)grid_putf(g, end - room, y, end, GRID_DIM, " %4.0f", (double)db);
	if (end > room)
		(void)grid_put(g, end - room + 6, y, end, GRID_BAD, state);
	return end;
}

static void draw_meters(struct grid *g, const struct band *b, unsigned y)
{
	unsigned half = g->cols / 2;
	char volume[16] = "";

	if (b->own.volume_db <= -0.05f || b->own.volume_db >= 0.05f)
		(void)snprintf(volume, sizeof(volume), "%+.0f dB", (double)b->own.volume_db);
	(void)draw_one_meter(g, 1, y, half - 1, "in ", b->own.in_db, band_muted(b) ? "MUTED" : "");
	(void)draw_one_meter(g, half + 1, y, g->cols - 1, "out", b->own.out_db, band_deaf(b) ? "DEAF" : volume);
}

static void draw_way(struct grid *g, const struct band *b, unsigned y)
{
	const struct band_own *o = &b->own;
	unsigned x = grid_putf(g, 1, y, g->cols, GRID_DIM, "here: capture %.1f  network %.1f  buffer %.1f  mix %.1f  playback %.1f ms", o->capture_us / 1000.0,
			       o->net_us / 1000.0, o->buffer_us / 1000.0, o->mix_us / 1000.0, o->playback_us / 1000.0);
	char line[96] = "";
	size_t n = 0;

	for (unsigned i = 0; i < 4 && o->buffer_odds[0] >= 0; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %s%u:%.3g", o->buffer_quanta == (int)i ? ">" : "", i, (double)o->buffer_odds[i]);
	if (n && x + n + 20 < g->cols)
		(void)grid_putf(g, x, y, g->cols, GRID_DIM, "   buffer %sgaps/min%s", o->buffer_quanta < 0 ? "auto " : "", line);
}

/* --- words, foot --- */

static void draw_texts(struct grid *g, const struct band *b, const struct screen_view *v, unsigned y, unsigned end)
{
	unsigned n = end > y ? end - y : 0, skip = b->n_text > n ? b->n_text - n : 0;

	for (unsigned i = skip; i < b->n_text; i++, y++) {
		const struct band_text *t = band_text(b, i);
		unsigned s = (unsigned)((t->at_ms / 1000 + (uint64_t)(int64_t)v->utc_off_s) % 86400), x;

		x = grid_putf(g, 1, y, g->cols, GRID_DIM, "%02u:%02u ", s / 3600, s / 60 % 60);
		if (strcmp(t->from, "*"))
			x = grid_putf(g, x, y, g->cols, GRID_BOLD, "%s: ", t->from[0] ? t->from : "you");
		grid_put(g, x, y, g->cols - 1, strcmp(t->from, "*") ? GRID_PLAIN : GRID_WARN, t->text);
	}
}

/* The end of what is typed is what is seen. */
static void draw_typing(struct grid *g, const struct screen_view *v, unsigned y)
{
	const char *text = v->typed;
	unsigned x = grid_put(g, 1, y, g->cols, GRID_BAR, "say: ");

	while (*text && x + glyph_width(text) + 2 > g->cols)
		text += glyph_next(text).len;
	x = grid_put(g, x, y, g->cols - 1, GRID_BAR, text);
	grid_put(g, x, y, g->cols, GRID_BAR, "_");
}

static void draw_foot(struct grid *g, const struct screen_view *v, unsigned y)
{
	static const char *const keys[] = {"m mute", "h hand", "c click", "b beat", "+- volume", "arrows mix", "t say", "? help", "q leave"};
	unsigned x = 1;

	grid_fill(g, 0, y, g->cols, GRID_BAR);
	if (v->typing) {
		draw_typing(g, v, y);
		return;
	}
	if (v->leaving) {
		grid_put(g, 1, y, g->cols, GRID_BAR, "Leave? y, or q again; any other key stays");
		return;
	}
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]) && x + strlen(keys[i]) < g->cols; i++)
		x = grid_putf(g, x, y, g->cols, GRID_BAR, "%s  ", keys[i]);
}

static void draw_help(struct grid *g, unsigned y, unsigned end)
{
	static const char *const line[] = {
		"m  mute                        M  deaf: hear nothing",
		"h  raise the hand              t  write a line to the others",
		"c  hear the click              + -  volume of what you hear",
		"b  start, stop the beat: where a host is in, hosts alone",
		"r  record (hosts)",
		"up down, k j    choose a player",
		"left right      its loudness in your mix, 0 as all hear it",
		", .  p          its place left and right, as all hear it",
		"B  next choice of the server's buffer: auto, 0, 1, 2, 3",
		"delay: milliseconds from that player's mouth to your ear, with",
		"       capture, network, jitter buffer, mix, playback",
		"before a name: @ host, - only listens; behind it: * speaks, M, H",
		"loss: of packets to us / from us",
		"q  leave                       ?  back",
	};

	for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]) && y < end; i++, y++)
		grid_put(g, 2, y, g->cols - 1, GRID_PLAIN, line[i]);
}

void screen_draw(struct grid *g, const struct band *b, struct screen_view *v)
{
	unsigned y = 1, foot = g->rows - 1, texts, list_end;

	grid_clear(g);
	draw_head(g, b, v);
	if (g->rows >= 6)
		draw_line(g, b, y++);
	if (g->rows >= 8 && g->cols >= 30)
		draw_meters(g, b, y++);
	if (g->rows >= 18 && g->cols >= SCREEN_WIDE)
		draw_way(g, b, y++);
	y += g->rows >= 20;
	texts = g->rows >= 30 ? g->rows / 4 : g->rows >= 14 ? 4 : g->rows >= 10;
	if (texts > b->n_text)
		texts = b->n_text;
	list_end = foot - texts;
	if (v->help)
		draw_help(g, y, foot);
	else {
		screen_members(g, b, v, y, list_end);
		draw_texts(g, b, v, list_end, foot);
	}
	if (g->rows > 2)
		draw_foot(g, v, foot);
}
