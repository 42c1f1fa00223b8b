/*
 * tutti-join.c - the musician's end: settings, a seat in the room, one face, and a good end.
 *
 *     joinconf > seat > { terminal | JSON | lines }        or a sound check, or a list of devices
 *
 * Signals are blocked in every thread and read here from a descriptor: the card's thread is not to be interrupted.
 *
 *     SIGTERM, SIGINT, SIGHUP   good-bye to the room, and the end within two seconds; another one: at once
 *     SIGWINCH                  the view has another size
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <re.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>
#define DEBUG_MODULE "tutti-join"
#define DEBUG_LEVEL 4
#include <re_dbg.h>
#include "checkrun.h"
#include "device.h"
#include "joinconf.h"
#include "jsonout.h"
#include "orders.h"
#include "plainout.h"
#include "seat.h"
#include "terminal.h"
#include "control/log.h"
#include "control/loop.h"

enum { LOOK_MS = 50 };

static struct program {
	struct joinconf conf;
	struct seat *seat;
	struct terminal *terminal;
	struct jsonout *json;
	struct plainout *plain;
	struct orders *orders;
	struct tmr look;
	uint64_t lost_lines;
	bool stopping, changed;
	int signal_fd, status;
	char why[JOINCONF_WRONG];
} program = {.signal_fd = -1};

static uint64_t unix_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- stdout: who does not read does not hold us up --- */

static bool may_write(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

static void write_line(const char *line, size_t len, void *arg)
{
	(void)arg;
	if (!may_write()) {
		program.lost_lines++;
		return;
	}
	if (write(STDOUT_FILENO, line, len) < 0 && errno == EPIPE)
		seat_leave(program.seat);         /* the script has gone */
}

static void write_text(const char *line, void *arg)
{
	char buf[600];
	int n = snprintf(buf, sizeof(buf), "%s\n", line);

	write_line(buf, (size_t)n, arg);
}

static void look(struct program *p)
{
	if (p->lost_lines && p->json && may_write()) {
		jsonout_lost(p->json, unix_ms(), p->lost_lines);
		p->lost_lines = 0;
	}
	if (p->json)
		jsonout_look(p->json, seat_band(p->seat), unix_ms());
	if (p->plain)
		plainout_look(p->plain, seat_band(p->seat));
}

static void look_handler(void *arg)
{
	struct program *p = arg;

	tmr_start(&p->look, LOOK_MS, look_handler, p);
	look(p);
}

/* --- what the seat tells --- */

static void changed_handler(void *arg)
{
	struct program *p = arg;

	if (p->terminal)
		terminal_changed(p->terminal);
}

static void called_handler(void *arg)
{
	changed_handler(arg);
	look(arg);
}

static void second_handler(void *arg)
{
	struct program *p = arg;

	if (p->json)
		jsonout_stats(p->json, seat_band(p->seat), unix_ms());
}

static void ended_handler(int status, const char *why, void *arg)
{
	struct program *p = arg;

	p->status = status;
	str_ncpy(p->why, why, sizeof(p->why));
	look(p);
	loop_stop();
}

static void wrong_handler(const char *why, void *arg)
{
	struct program *p = arg;

	jsonout_error(p->json, unix_ms(), why);
}

/* --- signals --- */

static void stop(struct program *p)
{
	if (p->stopping)
		loop_stop();
	p->stopping = true;
	seat_leave(p->seat);
}

static void signal_handler(int flags, void *arg)
{
	struct program *p = arg;
	struct signalfd_siginfo si;

	(void)flags;
	while (read(p->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGWINCH)
			stop(p);
		else if (p->terminal)
			terminal_resized(p->terminal);
	}
}

static int block_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return EINVAL;
	program.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return program.signal_fd < 0 ? errno : 0;
}

/* --- building --- */

/* A page that must be fetched is a gap in the sound. Where little may be locked, asking for all would make later
 * requests for memory fail. */
static void lock_memory(void)
{
	struct rlimit lim;

	if (!getrlimit(RLIMIT_MEMLOCK, &lim) && (lim.rlim_cur == RLIM_INFINITY || !geteuid()))
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* While the view is up a line of the log would be drawn over it: it becomes one of those that are said. */
static void log_sink(const char *text, void *arg)
{
	struct program *p = arg;

	if (p->seat)
		band_say(seat_band(p->seat), unix_ms(), "*", text);
}

static int open_view(struct program *p)
{
	const struct terminal_conf tc = {.band = seat_band(p->seat), .acth = seat_act, .arg = p->seat};
	int err = terminal_open(&p->terminal, &tc);

	if (!err)
		log_set_sink(log_sink, p);
	return err;
}

static int open_face(struct program *p)
{
	const struct joinconf *c = &p->conf;
	int err = 0;

	if (c->json) {
		err = jsonout_alloc(&p->json, write_line, NULL);
		if (!err)
			err = orders_alloc(&p->orders, STDIN_FILENO, seat_act, wrong_handler, p->seat, p);
	}
	else if (c->ui && terminal_able())
		err = open_view(p);
	else if (!c->quiet)
		err = plainout_alloc(&p->plain, write_text, NULL);
	if (!err && (p->json || p->plain))
		tmr_start(&p->look, 0, look_handler, p);
	return err;
}

static void take_down(struct program *p)
{
	tmr_cancel(&p->look);
	p->orders = mem_deref(p->orders);
	if (p->terminal)
		log_set_sink(NULL, NULL);
	p->terminal = mem_deref(p->terminal);     /* before what may still be said to stderr */
	p->seat = mem_deref(p->seat);
	p->json = mem_deref(p->json);
	p->plain = mem_deref(p->plain);
	if (p->signal_fd >= 0) {
		fd_close(p->signal_fd);
		(void)close(p->signal_fd);
	}
}

/* libre speaks to stderr of itself, with text of peers in it: one line of ours instead. */
static void libre_says(int level, const char *text, size_t len, void *arg)
{
	char buf[256];

	(void)level;
	(void)arg;
	log_debug("libre", "text=%s", log_quote(buf, sizeof(buf), text, len));
}

static int complain(int status, const char *wrong)
{
	(void)fprintf(stderr, "tutti-join: %s\n", wrong);
	return status;
}

static int run(struct program *p)
{
	const struct seat_conf sc = {.conf = &p->conf,
				     .changed = changed_handler,
				     .called = called_handler,
				     .second = second_handler,
				     .ended = ended_handler,
				     .arg = p};
	char wrong[JOINCONF_WRONG] = "";
	int status, err;

	status = seat_alloc(&p->seat, &sc, wrong, sizeof(wrong));
	if (status)
		return complain(status, wrong[0] ? wrong : strerror(ENOMEM));
	lock_memory();
	err = fd_listen(p->signal_fd, FD_READ, signal_handler, p);
	if (!err)
		err = open_face(p);
	if (!err)
		err = seat_start(p->seat);
	if (!err)
		err = loop_run(NULL);
	return err ? complain(EX_OSERR, strerror(err)) : p->status;
}

static int play(struct program *p)
{
	int status;

	if (block_signals() || loop_init())
		return complain(EX_OSERR, strerror(errno));
	status = run(p);
	take_down(p);
	loop_close();
	if (p->why[0] && status && !p->conf.json)
		(void)complain(status, p->why);
	return status;
}

static void use_log(const struct joinconf *c)
{
	enum log_level lv;

	if (!log_level_parse(&lv, c->quiet ? "error" : c->log))
		log_set_level(lv);
}

int main(int argc, char **argv)
{
	char wrong[JOINCONF_WRONG] = "";
	int err = joinconf_load(&program.conf, argc, argv, wrong, sizeof(wrong));

	if (err == ECANCELED)
		return 0;
	if (err)
		return complain(err == EINVAL ? EX_USAGE : EX_NOINPUT, wrong);
	dbg_init(DBG_WARNING, DBG_NONE);
	dbg_handler_set(libre_says, NULL);
	use_log(&program.conf);
	if (program.conf.devices) {
		device_list(stdout);
		return 0;
	}
	if (!program.conf.uri[0] && !program.conf.answer)
		return complain(EX_USAGE, "which room? tutti-join sip:band@host; --help tells more");
	if (program.conf.uri[0] && program.conf.answer)
		return complain(EX_USAGE, "either a room or --answer");
	if (program.conf.check)
		return program.conf.uri[0]
			       ? checkrun(&program.conf)
			       : complain(EX_USAGE, "a sound check needs an address: --check sip:echo@host");
	return play(&program);
}
