/*
 * grid.h - a picture of character cells, and what draws on it. Pure; what does not fit is cut.
 */
#ifndef CLIENT_GRID_H
#define CLIENT_GRID_H

#include <stdbool.h>

/* BAR: head and foot; MARK: chosen */
enum grid_style { GRID_PLAIN, GRID_BOLD, GRID_DIM, GRID_GOOD, GRID_WARN, GRID_BAD, GRID_BAR, GRID_MARK };
enum { GRID_COLS = 512, GRID_ROWS = 256 };

/* text "": the right half of the wide character before. */
struct cell { char text[16]; unsigned char style; };

struct grid {
	unsigned cols, rows;      /* at most GRID_COLS, GRID_ROWS */
	bool     ascii;           /* the terminal shows nothing else */
	struct cell *cell;        /* cols * rows, row by row */
};

int  grid_alloc(struct grid **gp, unsigned cols, unsigned rows);
void grid_clear(struct grid *g);
/* From x up to, without, `end`. Returns the first cell behind it. */
unsigned grid_put(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style, const char *text);
unsigned grid_putf(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Ends at, without, `end`. */
void grid_right(struct grid *g, unsigned y, unsigned end, enum grid_style style, const char *text);
void grid_fill(struct grid *g, unsigned x, unsigned y, unsigned end, enum grid_style style);
/* A level as a bar from -60 dB to 0. */
void grid_meter(struct grid *g, unsigned x, unsigned y, unsigned end, float db);
/* As text, for tests and captures: no space at the ends of lines. size: cols * rows * 16 is enough. */
void grid_text(const struct grid *g, char *buf, unsigned long size);

#endif
