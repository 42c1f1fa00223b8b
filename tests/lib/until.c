/* until.c - turns the loop of this program until something is so. */
#include <glib.h>
#include <re.h>
#include "control/loop.h"
#include "tests/lib/until.h"

enum { PATIENCE_MS = 20000 };

struct wish {
	bool (*is_so)(void *arg);
	void *arg;
	uint64_t deadline;
	struct tmr tmr;
};

static void look(void *arg)
{
	struct wish *w = arg;

	g_assert_cmpuint(tmr_jiffies(), <, w->deadline);
	if (w->is_so(w->arg))
		loop_stop();
	else
		tmr_start(&w->tmr, 1, look, w);
}

void turn_until(bool (*is_so)(void *arg), void *arg)
{
	struct wish w = {.is_so = is_so, .arg = arg, .deadline = tmr_jiffies() + PATIENCE_MS};

	tmr_start(&w.tmr, 0, look, &w);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	tmr_cancel(&w.tmr);
}
