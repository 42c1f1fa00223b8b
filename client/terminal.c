/*
 * terminal.c - ncurses around screen.c.
 *
 * The picture is drawn on cells of our own, 20 times a second at most and only when something has changed; cells that
 * are other than the last time go to ncurses, which has the words of this terminal. Signals are the program's, not
 * ncurses': it would draw from a handler.
 */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <re.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "stroke.h"
#include "terminal.h"

enum { FRAME_MS = 50, KEYS_AT_ONCE = 64, ESC_MS = 25 };

struct terminal {
	struct terminal_conf conf;
	struct screen_view view;
	struct grid *grid, *shown;
	struct tmr tmr;
	bool dirty, listening, color;
	unsigned empty_reads;
	SCREEN *screen;
};

static struct termios before;             /* as it was */
static volatile sig_atomic_t is_open;

/* --- given back in any case --- */

static void restore(void)
{
	if (is_open) {
		is_open = 0;
		(void)endwin();
	}
}

/* ncurses may be in the middle of anything: the bytes that matter, and the settings. */
static void crashed(int sig)
{
	static const char reset[] = "\033[0m\033[?25h\033[?1049l\r\n";

	if (is_open) {
		(void)!write(STDOUT_FILENO, reset, sizeof(reset) - 1);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	}
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void guard(void)
{
	static const int sigs[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	static bool done;

	if (done)
		return;
	done = true;
	(void)atexit(restore);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct sigaction sa = {.sa_handler = crashed, .sa_flags = SA_RESETHAND};

		(void)sigaction(sigs[i], &sa, NULL);
	}
}

/* --- out --- */

static attr_t style_attr(const struct terminal *t, enum grid_style s)
{
	static const struct { attr_t plain; short pair; attr_t with; } of[] = {
		[GRID_PLAIN] = {A_NORMAL, 0, 0},        [GRID_BOLD] = {A_BOLD, 0, A_BOLD},
		[GRID_DIM] = {A_DIM, 0, A_DIM},         [GRID_GOOD] = {A_NORMAL, 1, 0},
		[GRID_WARN] = {A_NORMAL, 2, 0},         [GRID_BAD] = {A_BOLD, 3, A_BOLD},
		[GRID_BAR] = {A_REVERSE, 0, A_REVERSE}, [GRID_MARK] = {A_BOLD | A_UNDERLINE, 4, A_BOLD},
	};

	return t->color ? of[s].with | COLOR_PAIR(of[s].pair) : of[s].plain;
}

static void use_color(struct terminal *t)
{
	const char *no = getenv("NO_COLOR");

	if ((no && *no) || !has_colors())
		return;
	t->color = true;
	(void)start_color();
	(void)use_default_colors();
	(void)init_pair(1, COLOR_GREEN, -1);
	(void)init_pair(2, COLOR_YELLOW, -1);
	(void)init_pair(3, COLOR_RED, -1);
	(void)init_pair(4, COLOR_CYAN, -1);
}

static int make_grids(struct terminal *t)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};
	int err;

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	(void)resizeterm(ws.ws_row ? ws.ws_row : 24, ws.ws_col ? ws.ws_col : 80);
	t->grid = mem_deref(t->grid);
	t->shown = mem_deref(t->shown);
	err = grid_alloc(&t->grid, ws.ws_col ? ws.ws_col : 80, ws.ws_row ? ws.ws_row : 24);
	if (!err)
		err = grid_alloc(&t->shown, t->grid->cols, t->grid->rows);
	if (!err)
		t->grid->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	(void)clear();
	return err;
}

static int utc_offset(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) ? (int)tm.tm_gmtoff : 0;
}

static void put_cells(struct terminal *t)
{
	for (unsigned y = 0; y < t->grid->rows; y++)
		for (unsigned x = 0; x < t->grid->cols; x++) {
			struct cell *now = &t->grid->cell[y * t->grid->cols + x],
				    *was = &t->shown->cell[y * t->grid->cols + x];

			if (!memcmp(now, was, sizeof(*now)))
				continue;
			*was = *now;
			if (!now->text[0])
				continue;         /* its left half is drawn anew, too, or is as it was */
			(void)attrset(style_attr(t, now->style));
			(void)mvaddstr((int)y, (int)x, now->text);
		}
}

static void draw(struct terminal *t)
{
	struct timeval tv;
	uint64_t ms, since = t->conf.band->own.up_since_ms;

	if (!t->grid || !t->shown)
		return;
	(void)gettimeofday(&tv, NULL);
	ms = (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
	t->view.up_s = since && ms > since ? (uint32_t)((ms - since) / 1000) : 0;
	t->view.utc_off_s = utc_offset();
	screen_draw(t->grid, t->conf.band, &t->view);
	put_cells(t);
	(void)refresh();
}

static void frame_handler(void *arg)
{
	struct terminal *t = arg;

	tmr_start(&t->tmr, FRAME_MS, frame_handler, t);
	if (t->dirty) {
		t->dirty = false;
		draw(t);
	}
}

/* --- in --- */

static uint32_t key_of(wint_t ch, bool function)
{
	if (!function)
		return ch == '\n' || ch == '\r' ? STROKE_ENTER
		       : ch == 27               ? STROKE_ESCAPE
		       : ch == 127 || ch == 8   ? STROKE_BACK
						: (uint32_t)ch;
	switch (ch) {
	case KEY_UP:
		return STROKE_UP;
	case KEY_DOWN:
		return STROKE_DOWN;
	case KEY_LEFT:
		return STROKE_LEFT;
	case KEY_RIGHT:
		return STROKE_RIGHT;
	case KEY_BACKSPACE:
	case KEY_DC:
		return STROKE_BACK;
	case KEY_ENTER:
		return STROKE_ENTER;
	default:
		return 0;
	}
}

/* A terminal that has gone is readable for ever. */
static bool is_gone(struct terminal *t, unsigned n)
{
	t->empty_reads = n ? 0 : t->empty_reads + 1;
	return t->empty_reads > 16;
}

static void keys_handler(int flags, void *arg)
{
	struct terminal *t = mem_ref(arg);        /* an act may end us */
	unsigned n = 0;
	struct act a;
	wint_t ch;
	int kind;

	(void)flags;
	while (n < KEYS_AT_ONCE && (kind = get_wch(&ch)) != ERR) {
		n++;
		if (stroke_take(&t->view, t->conf.band, key_of(ch, kind == KEY_CODE_YES), &a))
			(void)t->conf.acth(&a, t->conf.arg);
	}
	t->dirty = true;
	if (is_gone(t, n)) {
		fd_close(STDIN_FILENO);
		t->listening = false;
	}
	mem_deref(t);
}

/* --- life --- */

bool terminal_able(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static void destructor(void *arg)
{
	struct terminal *t = arg;

	tmr_cancel(&t->tmr);
	if (t->listening)
		fd_close(STDIN_FILENO);
	restore();
	if (t->screen)
		delscreen(t->screen);
	mem_deref(t->grid);
	mem_deref(t->shown);
}

static int take_terminal(struct terminal *t)
{
	(void)setlocale(LC_CTYPE, "");
	(void)set_escdelay(ESC_MS);
	if (tcgetattr(STDIN_FILENO, &before))
		return ENOTTY;
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen)
		return ENOTTY;
	is_open = 1;
	guard();
	(void)set_term(t->screen);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)nodelay(stdscr, TRUE);
	(void)keypad(stdscr, TRUE);
	(void)leaveok(stdscr, TRUE);
	(void)curs_set(0);
	use_color(t);
	return 0;
}

int terminal_open(struct terminal **tp, const struct terminal_conf *conf)
{
	struct terminal *t;
	int err;

	if (is_open)
		return EALREADY;
	if (!terminal_able())
		return ENOTTY;
	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;
	t->conf = *conf;
	err = take_terminal(t);
	if (!err)
		err = make_grids(t);
	if (!err)
		err = fd_listen(STDIN_FILENO, FD_READ, keys_handler, t);
	if (err) {
		mem_deref(t);
		return err;
	}
	t->listening = true;
	t->dirty = true;
	tmr_start(&t->tmr, 0, frame_handler, t);
	*tp = t;
	return 0;
}

void terminal_changed(struct terminal *t)
{
	t->dirty = true;
}

void terminal_resized(struct terminal *t)
{
	(void)make_grids(t);
	t->dirty = true;
}
