/*
 * web.h - HTTP on libsoup, in a thread and a GLib loop of its own: health, metrics, the JSON API, the stream of events.
 *
 * The web thread never touches a room: it posts a question or a command to the control thread, which answers with a plain
 * value.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stdint.h>
#include "control/cdr.h"
#include "control/census.h"
#include "control/control.h"
#include "control/delay.h"
#include "control/store.h"

struct web;

enum { WEB_STATUSES = 64 };
struct web_calls { bool outgoing; uint16_t status; uint64_t n; };

/* Numbers of the whole server, gathered on the control thread by whoever knows all parts. */
struct web_status {
	const char *version;
	bool ready, draining, realtime;
	uint64_t uptime_s;
	uint32_t rooms, members, calls;
	uint32_t subscriptions;           /* to the state of rooms */
	uint64_t notifies, notify_failed, subscribe_refused;
	uint64_t speakers;                /* how often a floor has passed */
	uint32_t recordings;              /* that run, or are paused */
	uint64_t recordings_begun, recordings_failed;
	uint64_t sip_requests, sip_bad, sip_limited, sip_responses[7];    /* by class: [2] is 2xx */
	struct mixer_stats mixer;
	size_t n_kinds, n_calls_by_status;
	struct census_kind kind[CENSUS_KINDS];
	struct census_quality quality;
	struct delay_figures delays;
	struct web_calls calls_by_status[WEB_STATUSES];
	struct store_stats store;
	struct cdrs_stats cdr;
	/* Gestures: players and their lines now; then counters. */
	struct web_gestures {
		uint32_t players, lines;
		uint64_t packets_in, packets_out, messages_in, messages_out, repaired, coalesced, snapshots;
		uint64_t malformed, stranger, rate, late, full, sysex, unplaced, other;
		uint64_t midi_held, midi_clock, midi_absorbed;    /* MIDI that merged streams leave out by rule */
		uint32_t apple_players;      /* of players, those of AppleMIDI */
		uint64_t apple_sessions, apple_refused;
		uint32_t plain_ports, plain_players;      /* of players, those of plain OSC */
		uint64_t plain_logins, plain_refused, plain_full, plain_idle, plain_overflowed, plain_flooded;
		/* Connections of lines of TCP and TLS in calls: those that were taken, and why others were not, or were ended. */
		uint64_t stream_taken, stream_stranger, stream_second, stream_refused, stream_slow;
		uint64_t stream_bad;         /* frames without a packet, on all streams of OSC */
		uint64_t dtls, dtls_dropped, keyed, keyless;      /* keys by DTLS, as struct relay_stats has them */
	} gestures;
};

/* Where events go by HTTP: [webhook NAME] of the settings. events "": all but the many small ones; "*": all. */
struct web_hook { const char *name, *url, *secret, *events; };

struct web_conf {
	const char *listen;               /* "127.0.0.1:8080" or "[::1]:8080"; "": not by TCP */
	const char *socket;               /* path of a unix socket; "": none */
	const char *token;                /* the administrator's bearer token */
	uint32_t rate;                    /* requests a second of one address, and of one token; 0: no limit */
	const char *state_dir;            /* for what no webhook took; NULL: it is only logged */
	const struct web_hook *hooks;
	size_t n_hooks;
	struct control *control;
	struct store *store;              /* NULL: what is changed is not waited for, and tokens are not kept */
	/* Both on the control thread. */
	void (*collect)(struct web_status *st, void *arg);
	void (*accounts)(void (*h)(const char *name, const char *role, void *h_arg), void *h_arg, void *arg);
	void *arg;
};

/* Listens and starts the thread. EADDRINUSE and the like when it cannot. mem_deref stops it and waits for the thread;
 * the control loop must not be running any more, or not be waited for by a request: call it after loop_run returned. */
int web_start(struct web **wp, const struct web_conf *conf);

/* Reload: these and no others from now on. Control thread. */
void web_hooks(struct web *w, const struct web_hook *hooks, size_t n);

/* The description of the API (OpenAPI 3) as JSON text; mem_deref. */
int web_openapi(char **text, const char *version);

#endif
