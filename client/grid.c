/*
 * grid.c - cells, and strings and bars on them.
 */
#include <errno.h>
#include <re.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "glyph.h"
#include "grid.h"

static void grid_destructor(void *arg)
{
	struct grid *g = arg;

	mem_deref(g->cell);
}

int grid_alloc(struct grid **gp, unsigned cols, unsigned rows)
{
	struct grid *g = mem_zalloc(sizeof(*g), grid_destructor);

	if (!g)
		return ENOMEM;
	g->cols = cols < 1 ? 1 : cols > GRID_COLS ? GRID_COLS : cols;
	g->rows = rows < 1 ? 1 : rows > GRID_ROWS ? GRID_ROWS : rows;
	g->cell = mem_zalloc(sizeof(*g->cell) * g->cols * g->rows, NULL);
	if (!g->cell) {
		mem_deref(g);
		return ENOMEM;
	}
	grid_clear(g);
	*gp = g;
	return 0;
}

static struct cell *at(struct grid *g, unsigned x, unsigned y)
{
	return &g->cell[y * g->cols + x];
}

/* Every octet, so that two pictures can be compared whole. */
static void set(struct cell *c, const char *text, enum grid_style style)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->text, text, strlen(text));
	c->style = (unsigned char)style;
}

void grid_clear(struct grid *g)
{
	for (unsigned i = 0; i < g->cols * g->rows; i++)
		set(&g->cell[i], " ", GRID_PLAIN);
}

static void put_mark(struct grid *g, unsigned x, unsigned y, const struct glyph *mark)
{
	struct cell *c = at(g, x, y);

	if (strlen(c->text) + strlen(mark->text) < sizeof(c->text))
		strcat(c->text, mark->text);
}

unsigned grid_put(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style, const char *text)
{
	unsigned last = x;

	if (end > g->cols)
		end = g->cols;
	while (*text && y < g->rows) {
		struct glyph c = glyph_next(text);

		text += c.len;
		if (!c.width && x > last)
			put_mark(g, last, y, &c);
		if (!c.width)
			continue;
		if (x + c.width > end)
			break;
		last = x;
		set(at(g, x, y), g->ascii && (unsigned char)c.text[0] > 0x7f ? "?" : c.text, style);
		if (c.width == 2)
			set(at(g, x + 1, y), g->ascii ? "?" : "", style);
		x += c.width;
	}
	return x;
}

unsigned grid_putf(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return grid_put(g, x, y, end, style, buf);
}

void grid_right(struct grid *g, unsigned y, unsigned end, enum grid_style style, const char *text)
{
	unsigned w = glyph_width(text);

	if (w <= end)
		grid_put(g, end - w, y, end, style, text);
}

void grid_fill(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style)
{
	for (; x < end && x < g->cols && y < g->rows; x++)
		set(at(g, x, y), " ", style);
}

static enum grid_style meter_style(float db)
{
	return db < -12 ? GRID_GOOD : db < -3 ? GRID_WARN : GRID_BAD;
}

void grid_meter(struct grid *g, unsigned x, unsigned y, unsigned end, float db)
{
	static const char *const part[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	const unsigned n = end > x ? end - x : 0;
	const float full = (db < -60 ? 0 : db > 0 ? 60 : db + 60) / 60 * (float)n;
	const unsigned whole = (unsigned)full, eighths = (unsigned)((full - (float)whole) * 8);

	for (unsigned i = 0; i < n && i <= whole; i++) {
		enum grid_style style = meter_style((float)i * 60 / (float)n - 60);

		if (i < whole)
			grid_put(g, x + i, y, end, style, g->ascii ? "#" : "█");
		else if (eighths)
			grid_put(g, x + i, y, end, style, g->ascii ? "-" : part[eighths - 1]);
	}
}

void grid_text(const struct grid *g, char *buf, unsigned long size)
{
	unsigned long n = 0;

	for (unsigned y = 0; y < g->rows; y++) {
		for (unsigned x = 0; x < g->cols; x++) {
			const char *text = g->cell[y * g->cols + x].text;

			if (n + strlen(text) + 2 >= size)
				break;
			memcpy(buf + n, text, strlen(text));
			n += strlen(text);
		}
		while (n && buf[n - 1] == ' ')
			n--;
		if (n + 1 < size)
			buf[n++] = '\n';
	}
	buf[n < size ? n : size - 1] = '\0';
}
