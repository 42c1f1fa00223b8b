/*
 * main.c - read config, build the parts bottom up, run the loop, take them down top down. The one file that knows every part.
 *
 *     config  state  |  loop  store  mixer  control  record  sips  focus  web  |  loop_run  |  ... and back
 *
 * Signals are blocked in every thread and read here from a descriptor: a handler would run in whichever thread the kernel
 * picks, and the media threads are not to be interrupted.
 *
 *     SIGHUP            reads the file again
 *     SIGTERM, SIGINT   drain: no new calls; ends with the last call or after sip.drain seconds. Another one: at once.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#define DEBUG_MODULE "tutti"
#define DEBUG_LEVEL 4
#include <re_dbg.h>
#include "config.h"
#include "focus.h"
#include "notify.h"
#include "options.h"
#include "parts.h"
#include "sip.h"
#include "state.h"
#include "systemd.h"
#include "control/cdr.h"
#include "control/census.h"
#include "control/control.h"
#include "control/log.h"
#include "control/loop.h"
#include "control/record.h"
#include "control/sound.h"
#include "control/spoken.h"
#include "control/store.h"
#include "mixer/mixer.h"
#include "osc/desk.h"
#include "osc/relay.h"
#include "osc/roomports.h"
#include "web/web.h"

enum { DRAIN_POLL_MS = 100, FAREWELL_MS = 300, BALANCE_MS = 1000 };

static struct server {
	struct options options;
	struct config *config;
	struct state *state;
	struct store *store;
	struct mixer *mixer;
	struct control *control;
	struct census *census;
	struct record *record;
	struct prompts *prompts;
	struct spoken *spoken;
	struct sips *sips;
	struct relay *relay;
	struct desk *desk;
	struct roomports *roomports;
	struct focus *focus;
	struct web *web;
	uint64_t started;
	int signal_fd;
	bool draining;
	uint64_t drain_until;
	struct tmr drain_tmr, watchdog_tmr, balance_tmr;
	uint64_t watchdog_ticks;
} server = {.signal_fd = -1};

static int fail(const char *part, int err)
{
	log_error("server.failed", "part=%s error=\"%s\"", part, strerror(err));
	return err;
}

/* `why` names what stands in a file: quoted, for it may hold anything. */
static void log_why(const char *what, const char *detail, const char *why, int err)
{
	char buf[512];

	if (!why)
		why = strerror(err);
	log_error(what, "%s error=%s", detail, log_quote(buf, sizeof(buf), why, strlen(why)));
}

static int complain(char *why, int err)
{
	(void)fprintf(stderr, "tutti: %s\n", why ? why : strerror(err));
	mem_deref(why);
	return err;
}

/* --- config to the parts --- */

static int record_use(const struct config *c)
{
	struct record_conf rc;
	char *dir;
	int err = parts_record(&rc, &dir, c, server.state);

	if (!err)
		err = server.record ? record_reconf(server.record, &rc) : record_alloc(&server.record, server.control, &rc);
	mem_deref(dir);
	return err;
}

static int voice_start(const struct config *c)
{
	const struct prompt_conf pc = parts_prompt(c);
	struct spoken_conf sc;
	int err = prompts_alloc(&server.prompts, &pc);

	if (err)
		return err;
	sc = parts_spoken(c, server.prompts);
	return spoken_alloc(&server.spoken, server.control, &sc);
}

static void voice_reload(const struct config *c)
{
	const struct prompt_conf pc = parts_prompt(c);
	const struct spoken_conf sc = parts_spoken(c, server.prompts);

	spoken_reconf(server.spoken, &sc);
	if (prompts_reconf(server.prompts, &pc))
		log_error("prompts.reload", "error=\"%s\"", strerror(ENOMEM));
}

static const char *osc_secret(const char *room, void *arg)
{
	(void)arg;
	return config_sub(server.config, "osc", room, "secret");
}

static void use_log_level(const struct config *c)
{
	enum log_level lv;

	if (0 == log_level_parse(&lv, config_str(c, "log.level")))
		log_set_level(lv);
}

static void warn_open_secrets(const struct config *c, const char *path)
{
	struct stat st;

	if (path && config_has_secrets(c) && 0 == stat(path, &st) && (st.st_mode & S_IROTH))
		log_warning("config.readable", "file=%s hint=\"it holds passwords and everybody may read it: chmod 640\"", path);
}

enum { HOOKS_MAX = 32 };

struct hook_list { struct web_hook hook[HOOKS_MAX]; size_t n; };

static void add_hook(const char *name, void *arg)
{
	struct hook_list *l = arg;
	const struct config *c = server.config;

	if (l->n == HOOKS_MAX) {
		log_warning("config.webhooks", "what=\"more than %u, left out\" name=%s", HOOKS_MAX, name);
		return;
	}
	l->hook[l->n++] = (struct web_hook){ name, config_sub(c, "webhook", name, "url"), config_sub(c, "webhook", name, "secret"),
					     config_sub(c, "webhook", name, "events") };
}

static void collect_hooks(struct hook_list *l)
{
	l->n = 0;
	config_sections(server.config, "webhook", add_hook, l);
}

/* --- reload --- */

static void needs_restart(const char *name, void *arg)
{
	(void)arg;
	log_warning("config.needs-restart", "setting=\"%s\"", name);
}

static void reload(void)
{
	struct config *next = NULL;
	struct hook_list hooks;
	struct control_conf cc;
	char *why = NULL;
	int err;

	(void)systemd_notify("RELOADING=1");
	err = options_config(&next, &server.options, &why);
	if (err) {
		log_why("config.refused", "hint=\"the old settings stay\"", why, err);
	}
	else {
		config_reload(server.config, next, needs_restart, NULL);
		use_log_level(server.config);
		warn_open_secrets(server.config, server.options.file);
		cc = parts_control(server.config, server.store);
		control_reconf(server.control, &cc);
		store_keep_calls(server.store, config_uint(server.config, "state.keep-calls"));
		if (record_use(server.config))
			log_error("record.reconf", "error=\"%s\"", strerror(ENOMEM));
		voice_reload(server.config);
		focus_reload(server.focus, server.config);
		collect_hooks(&hooks);
		web_hooks(server.web, hooks.hook, hooks.n);
		log_info("config.reloaded", "file=%s", server.options.file ? server.options.file : "none");
	}
	mem_deref(why);
	mem_deref(next);
	(void)systemd_notify("READY=1");
}

/* --- the end --- */

static void stop(void *arg)
{
	(void)arg;
	loop_stop();
}

/* The last calls are told BYE and subscribers that it is over; a moment is left for it to leave and for the answers to come. */
static void farewell(void)
{
	uint32_t calls = focus_calls(server.focus);
	struct notify_stats ns;

	notify_stats(server.focus->notify, &ns);

	log_info("server.stop", "calls=%u", calls);
	server.focus = mem_deref(server.focus);
	if (calls || ns.notifies)
		tmr_start(&server.drain_tmr, FAREWELL_MS, stop, NULL);
	else
		loop_stop();
}

static void drain_poll(void *arg)
{
	(void)arg;
	if (!focus_calls(server.focus) || tmr_jiffies() >= server.drain_until)
		farewell();
	else
		tmr_start(&server.drain_tmr, DRAIN_POLL_MS, drain_poll, NULL);
}

static void drain(void)
{
	uint32_t limit_s = config_uint(server.config, "sip.drain");

	server.draining = true;
	server.drain_until = tmr_jiffies() + (uint64_t)limit_s * 1000;
	(void)systemd_notify("STOPPING=1");
	control_drain(server.control);
	focus_drain(server.focus);
	log_info("server.drain", "calls=%u limit_s=%u", focus_calls(server.focus), limit_s);
	drain_poll(NULL);
}

static void terminate(void)
{
	if (!server.draining)
		drain();
	else if (server.focus)
		farewell();
	else
		loop_stop();
}

static void signal_handler(int flags, void *arg)
{
	struct signalfd_siginfo si;

	(void)flags;
	(void)arg;
	if (read(server.signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGHUP && !server.draining)
		reload();
	else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
		terminate();
}

static int block_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);           /* a limit on files is an error of write to whoever writes */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return EINVAL;
	server.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return server.signal_fd < 0 ? errno : 0;
}

/* --- alive --- */

static void mixer_handler(int flags, void *arg)
{
	(void)flags;
	(void)arg;
	mixer_dispatch(server.mixer);
}

static void record_handler(int flags, void *arg)
{
	(void)flags;
	(void)arg;
	record_dispatch(server.record);
}

/* Reached only while the control loop turns; and while there are rooms, only if the media threads' ticks go on too. */
static void watchdog(void *arg)
{
	uint64_t *period_ms = arg;
	struct mixer_stats st;

	mixer_stats(server.mixer, &st);
	if (!st.buses || st.ticks != server.watchdog_ticks)
		(void)systemd_notify("WATCHDOG=1");
	server.watchdog_ticks = st.ticks;
	tmr_start(&server.watchdog_tmr, *period_ms, watchdog, period_ms);
}

/* Rooms grow and shrink: now and then one is better off on another media thread. */
static void balance(void *arg)
{
	(void)arg;
	mixer_balance(server.mixer, tmr_jiffies());
	tmr_start(&server.balance_tmr, BALANCE_MS, balance, NULL);
}

static void start_watchdog(void)
{
	static uint64_t period_ms;

	period_ms = systemd_watchdog_us() / 1000 / 3;
	if (period_ms)
		watchdog(&period_ms);
}

/* libre speaks to stderr of itself, with text of peers in it: one line of ours instead. */
static void libre_says(int level, const char *p, size_t len, void *arg)
{
	char text[256];

	(void)level;
	(void)arg;
	log_debug("libre", "text=%s", log_quote(text, sizeof(text), p, len));
}

/* --- what a person needs --- */

static void print_addr(const char *uri_host, void *arg)
{
	(void)arg;
	printf("  dial    sip:ROOM@%s\n", uri_host);
}

static void greet(void)
{
	printf("tutti " TUTTI_VERSION " is ready\n");
	sips_print(server.sips, print_addr, NULL);
	printf("          any ROOM you like opens one%s; sip:echo@... plays back what it hears\n",
	       config_bool(server.config, "rooms.auto") ? "" : " (not now: rooms.auto is off)");
	if (config_str(server.config, "http.listen")[0])
		printf("  http    http://%s/ is the console, which asks for the token; /metrics, /healthz, /api/v1/\n",
		       config_str(server.config, "http.listen"));
	printf("  state   %s\n", state_dir(server.state));

	/* The journal is read by more people than the folder. */
	if (state_token_is_new(server.state) && !systemd_journal())
		printf("  token   %s\n          of the administrator; shown this once, kept in %s/admin-token\n",
		       state_token(server.state), state_dir(server.state));
	(void)fflush(stdout);

	log_info("server.ready", "version=" TUTTI_VERSION " pid=%d realtime=%s", (int)getpid(),
		 mixer_realtime(server.mixer) ? "yes" : "no");
	if (config_bool(server.config, "media.realtime") && !mixer_realtime(server.mixer))
		log_warning("media.not-realtime", "hint=\"CAP_SYS_NICE or LimitRTPRIO is missing; sound may break under load\"");
}

/* --- up and down --- */

static void collect_notify(struct web_status *st)
{
	struct notify_stats ns = { .subscriptions = 0 };

	if (server.focus)
		notify_stats(server.focus->notify, &ns);

	st->subscriptions     = ns.subscriptions;
	st->notifies          = ns.notifies;
	st->notify_failed     = ns.failed;
	st->subscribe_refused = ns.refused;
}

static void add_status(bool outgoing, uint16_t status, uint64_t n, void *arg)
{
	struct web_status *st = arg;

	if (st->n_calls_by_status < WEB_STATUSES)
		st->calls_by_status[st->n_calls_by_status++] = (struct web_calls){ outgoing, status, n };
}

static void collect_members(struct web_status *st)
{
	st->n_kinds = census_kinds(server.census, st->kind);
	census_quality(server.census, &st->quality);
	control_delay_figures(server.control, &st->delays);
	if (server.focus)
		cdrs_statuses(server.focus->cdrs, add_status, st);
	store_stats(server.store, &st->store);
}

static void collect_record(struct web_status *st)
{
	struct record_stats rs;

	record_stats(server.record, &rs);
	st->recordings        = rs.running;
	st->recordings_begun  = rs.started;
	st->recordings_failed = rs.failed;
}

static void collect_gestures(struct web_gestures *g)
{
	struct roomports_stats ps;
	struct relay_stats rs;

	relay_stats(server.relay, &rs);
	roomports_stats(server.roomports, &ps);
	*g = (struct web_gestures){
		.players = rs.players, .lines = rs.lines, .packets_in = rs.rx_packets, .packets_out = rs.tx_packets,
		.messages_in = rs.messages_in, .messages_out = rs.messages_out, .repaired = rs.repaired,
		.coalesced = rs.coalesced, .snapshots = rs.snapshots, .malformed = rs.malformed + ps.malformed,
		.apple_players = ps.players, .apple_sessions = ps.sessions, .apple_refused = ps.refused,
		.stranger = rs.stranger + rs.auth + ps.stranger, .rate = rs.rate_dropped, .late = rs.late,
		.plain_ports = ps.plain.ports, .plain_players = ps.plain.peers, .plain_logins = ps.plain.logins,
		.plain_refused = ps.plain.refused, .plain_full = ps.plain.full, .plain_idle = ps.plain.idle,
		.plain_overflowed = ps.plain.overflowed, .plain_flooded = ps.plain.flooded,
		.stream_taken = rs.stream_taken, .stream_stranger = rs.stream_stranger, .stream_second = rs.stream_second,
		.stream_refused = rs.stream_refused, .stream_slow = rs.stream_slow, .stream_bad = rs.stream_bad,
		.sysex = rs.midi_sysex, .unplaced = rs.midi_unplaced, .full = rs.unstored + rs.house_full,
		.midi_held = rs.midi_held, .midi_clock = rs.midi_clock, .midi_absorbed = rs.midi_absorbed,
		.dtls = rs.dtls, .dtls_dropped = rs.dtls_dropped, .keyed = rs.keyed, .keyless = rs.keyless,
		.other = rs.direction + rs.type_dropped + rs.owner_dropped + rs.too_big + rs.unmapped + rs.loops + ps.ignored,
	};
}

static void web_collect(struct web_status *st, void *arg)
{
	struct sips_stats ss;

	(void)arg;
	memset(st, 0, sizeof(*st));
	sips_stats(server.sips, &ss);
	mixer_stats(server.mixer, &st->mixer);
	st->version = TUTTI_VERSION;
	st->ready = !server.draining;
	st->draining = server.draining;
	st->realtime = mixer_realtime(server.mixer);
	st->uptime_s = (tmr_jiffies() - server.started) / 1000;
	st->rooms = control_rooms(server.control);
	st->members = control_members(server.control);
	st->speakers = control_speakers(server.control);
	st->calls = server.focus ? focus_calls(server.focus) : 0;
	st->sip_requests = ss.requests;
	st->sip_bad = ss.bad;
	st->sip_limited = ss.limited;
	collect_notify(st);
	collect_members(st);
	if (server.focus)
		cdrs_stats(server.focus->cdrs, &st->cdr);
	collect_record(st);
	if (server.relay)
		collect_gestures(&st->gestures);
	memcpy(st->sip_responses, ss.responses, sizeof(st->sip_responses));
}

struct account_list { void (*h)(const char *name, const char *role, void *h_arg); void *h_arg; };

static void tell_account(const char *name, void *arg)
{
	struct account_list *l = arg;

	l->h(name, config_sub(server.config, "account", name, "role"), l->h_arg);
}

static void web_accounts(void (*h)(const char *name, const char *role, void *h_arg), void *h_arg, void *arg)
{
	struct account_list l = { h, h_arg };

	(void)arg;
	config_sections(server.config, "account", tell_account, &l);
}

/* http.socket: "" is beside the state, "none" is none. */
static int web_socket(char **path)
{
	const char *set = config_str(server.config, "http.socket");

	if (0 == strcmp(set, "none"))
		return str_dup(path, "");
	return *set ? str_dup(path, set) : re_sdprintf(path, "%s/tutti.sock", state_dir(server.state));
}

static int web_open(void)
{
	struct web_conf conf = {
		.listen = config_str(server.config, "http.listen"),
		.token = state_token(server.state),
		.rate = config_uint(server.config, "http.rate"),
		.control = server.control,
		.store = server.store,
		.collect = web_collect,
		.accounts = web_accounts,
	};
	struct hook_list hooks;
	char *path = NULL;
	int err = web_socket(&path);

	collect_hooks(&hooks);
	conf.state_dir = state_dir(server.state);
	conf.hooks = hooks.hook;
	conf.n_hooks = hooks.n;
	conf.socket = path;
	if (!err && (*conf.listen || *conf.socket))
		err = web_start(&server.web, &conf);
	mem_deref(path);
	return err;
}

static int store_start(char **why)
{
	char *path = NULL;
	int err = re_sdprintf(&path, "%s/tutti.db", state_dir(server.state));

	if (!err)
		err = store_open(&server.store, path, why);
	store_keep_calls(server.store, config_uint(server.config, "state.keep-calls"));
	mem_deref(path);
	return err;
}

static int build(void)
{
	const struct config *c = server.config;
	struct control_conf cc;
	struct relay_conf rc = parts_relay(c);
	struct roomports_conf rpc = parts_roomports(c);
	struct mixer_conf mc = parts_mixer(c);
	struct sips_conf sc;
	char *why = NULL;
	int err;

	rpc.osc_room_secret = osc_secret;
	err = state_alloc(&server.state, config_str(c, "state.dir"), &why);
	if (!err)
		err = parts_sips(&sc, c, server.state, &why);
	sc.software = "Tutti " TUTTI_VERSION;
	if (!err)
		err = store_start(&why);
	if (err) {
		log_why("server.failed", "part=state", why, err);
		mem_deref(why);
		return err;
	}

	err = mixer_alloc(&server.mixer, &mc);
	if (err)
		return fail("mixer", err);
	err = fd_listen(mixer_event_fd(server.mixer), FD_READ, mixer_handler, NULL);
	if (err)
		return fail("mixer events", err);
	cc = parts_control(c, server.store);
	err = control_alloc(&server.control, &cc, server.mixer);
	if (err)
		return fail("control", err);
	err = census_alloc(&server.census, server.control);
	if (err)
		return fail("census", err);
	err = record_use(c);
	if (!err)
		err = fd_listen(record_fd(server.record), FD_READ, record_handler, NULL);
	if (err)
		return fail("record", err);
	err = voice_start(c);
	if (err)
		return fail("prompts", err);
	err = sips_alloc(&server.sips, &sc);
	if (err)
		return fail("sip.listen", err);
	rc.tls_cert = sc.tls_cert;
	err = relay_alloc(&server.relay, &rc);
	if (err)
		return fail("gestures", err);
	err = desk_alloc(&server.desk, server.relay, server.control, config_str(c, "gesture.surface"));
	if (err)
		return fail("gestures to the house", err);
	err = roomports_alloc(&server.roomports, server.control, server.relay, &rpc);
	if (err)
		return fail("ports of rooms", err);
	err = focus_alloc(&server.focus, c, server.sips, server.control, server.mixer);
	if (!err)
		err = focus_gestures(server.focus, server.relay);
	if (err)
		return fail("focus", err);
	err = web_open();
	return err ? fail("http.listen", err) : 0;
}

static void take_down(void)
{
	tmr_cancel(&server.drain_tmr);
	tmr_cancel(&server.watchdog_tmr);
	tmr_cancel(&server.balance_tmr);
	if (server.signal_fd >= 0)
		fd_close(server.signal_fd);

	server.web = mem_deref(server.web);
	server.focus = mem_deref(server.focus);
	if (server.sips)
		sips_close(server.sips);
	server.sips = mem_deref(server.sips);
	server.roomports = mem_deref(server.roomports);
	server.desk = mem_deref(server.desk);
	relay_close(server.relay);
	server.relay = mem_deref(server.relay);   /* what players hold is released while the ports are open */
	if (server.record)
		fd_close(record_fd(server.record));
	server.record = mem_deref(server.record);         /* what is recorded gets its end while the media threads turn */
	server.spoken = mem_deref(server.spoken);
	server.census = mem_deref(server.census);
	server.control = mem_deref(server.control);
	server.prompts = mem_deref(server.prompts);
	if (server.mixer)
		fd_close(mixer_event_fd(server.mixer));
	server.mixer = mem_deref(server.mixer);
	sound_close();                    /* no bus reads the music any more */
	server.store = mem_deref(server.store);   /* what was put last is written */
	server.state = mem_deref(server.state);
	server.config = mem_deref(server.config);
}

static int run(void)
{
	int err;

	(void)umask(077);
	err = block_signals();
	if (!err)
		err = loop_init();
	if (err)
		return fail("loop", err);

	dbg_init(DBG_WARNING, DBG_NONE);
	dbg_handler_set(libre_says, NULL);
	use_log_level(server.config);
	warn_open_secrets(server.config, server.options.file);

	server.started = tmr_jiffies();
	err = build();
	if (!err)
		err = fd_listen(server.signal_fd, FD_READ, signal_handler, NULL);
	if (!err) {
		greet();
		(void)systemd_notify("READY=1");
		start_watchdog();
		balance(NULL);
		err = loop_run(NULL);
	}
	take_down();
	loop_close();
	if (server.signal_fd >= 0)
		(void)close(server.signal_fd);
	return err;
}

static int print_openapi(void)
{
	char *text = NULL;
	int err = web_openapi(&text, TUTTI_VERSION);

	if (!err && (puts(text) < 0 || fflush(stdout)))
		err = EIO;
	mem_deref(text);
	return err;
}

int main(int argc, char *argv[])
{
	char *why = NULL;
	int err = options_parse(&server.options, argc, argv, &why);

	if (err) {
		(void)complain(why, err);
		options_help(stderr);
		return 2;
	}

	switch (server.options.mode) {
	case OPTIONS_VERSION:
		printf("tutti " TUTTI_VERSION " (libre %s)\n", sys_libre_version_get());
		return 0;
	case OPTIONS_SAMPLE:
		config_print_sample(stdout);
		return ferror(stdout) || fflush(stdout);
	case OPTIONS_MAN:
		config_print_man(stdout);
		return ferror(stdout) || fflush(stdout);
	case OPTIONS_OPENAPI:
		return print_openapi() ? 1 : 0;
	case OPTIONS_HELP:
		options_help(stdout);
		return 0;
	case OPTIONS_CHECK:
	case OPTIONS_RUN:
		break;
	}

	err = options_config(&server.config, &server.options, &why);
	if (err) {
		(void)complain(why, err);
		return 1;
	}
	if (server.options.mode == OPTIONS_CHECK) {
		printf("%s: ok\n", server.options.file ? server.options.file : "built-in settings");
		mem_deref(server.config);
		return 0;
	}
	return run() ? 1 : 0;
}
