/*
 * ctl_words.c - every command as one table: help, arguments, the request it becomes; completion and help come from it.
 */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

#define ROOM "/api/v1/rooms/{ROOM}"
#define MEMBER ROOM "/members/{MEMBER}"
#define GET(noun, verb, args, path, show, help) { noun, verb, args, help, "GET", path, NULL, show, NULL, NULL }
#define POST(noun, verb, args, path, body, help) { noun, verb, args, help, "POST", path, body, NULL, NULL, NULL }
#define DELETE(noun, verb, args, path, help) { noun, verb, args, help, "DELETE", path, NULL, NULL, NULL, NULL }
#define RUN(noun, verb, args, run, options, help) { noun, verb, args, help, NULL, NULL, NULL, NULL, run, options }

static const struct ctl_word words[] = {
	GET("status", NULL, "", "/api/v1/status", show_outline, "version, uptime, rooms, members, calls"),

	GET("room", "list", "", "/api/v1/rooms", show_rooms, "all rooms"),
	GET("room", "show", "ROOM", ROOM, show_room, "a room, its settings and its members"),
	POST("room", "create", "ROOM [SETTING=VALUE...]", "/api/v1/rooms", "room$ROOM settings*SETTING=VALUE",
	     "make a room that stays"),
	{ "room", "set", "ROOM SETTING=VALUE...", "change settings of a room: all of them or none", "PATCH", ROOM,
	  "settings*SETTING=VALUE", NULL, NULL, NULL },
	POST("room", "clear", "ROOM", ROOM "/clear", "", "send all members away; the room stays"),
	POST("room", "end", "ROOM", ROOM "/end", "", "send all members away and close the room"),
	DELETE("room", "delete", "ROOM", ROOM, "end a room and forget its settings"),
	POST("room", "lock", "ROOM", ROOM "/lock", "on=true", "let nobody new in but hosts"),
	POST("room", "unlock", "ROOM", ROOM "/lock", "on=false", "let people in again"),
	POST("room", "mute-all", "ROOM", ROOM "/mute-all", "on=true", "mute all but hosts, and who comes later"),
	POST("room", "unmute-all", "ROOM", ROOM "/mute-all", "on=false", "take that back"),
	POST("room", "floor", "ROOM MEMBER [ON]", MEMBER "/floor", "on!ON", "give a member the floor, or (off) take it"),
	POST("room", "ban", "ROOM URI", ROOM "/ban", "uri$URI", "never let this address in again"),
	POST("room", "unban", "ROOM URI", ROOM "/unban", "uri$URI", "take back a ban"),
	GET("room", "bans", "ROOM", ROOM "/bans", show_bans, "addresses that are never let in"),
	POST("room", "breakout", "ROOM NAME MEMBER...", MEMBER "/breakout", "name$NAME", "take members to a smaller room beside this one"),
	POST("room", "recall", "ROOM", ROOM "/recall", "", "bring all back from the smaller rooms"),
	POST("room", "announce", "ROOM SOUND", ROOM "/announce", "text$SOUND", "play a prompt or a file of sound, once"),
	POST("room", "play", "ROOM SOUND", ROOM "/play", "on=true text$SOUND", "play a file of sound over and over"),
	POST("room", "silence", "ROOM", ROOM "/play", "on=false", "end that"),
	POST("room", "count", "ROOM", ROOM "/count", "", "tell all how many are in the room"),
	POST("room", "tempo", "ROOM BPM [BEATS]", ROOM "/tempo", "value#BPM beats#BEATS:0", "beats a minute of the room, and how many make a bar"),
	POST("room", "beat", "ROOM WHAT", ROOM "/transport", "text$WHAT", "the room's beat: start, stop or continue"),
	POST("room", "count-in", "ROOM BARS", ROOM "/transport", "text=\"count-in\" value#BARS", "bars before bar 0 at each start of the beat"),
	POST("room", "section-gain", "ROOM SECTION DB", ROOM "/section-gain", "name$SECTION value#DB", "loudness of all in a section, on top of their own"),
	POST("room", "follow", "ROOM MEMBER [ON]", MEMBER "/follow", "on!ON", "the room's tempo is that of a member's MIDI clock"),
	GET("room", "players", "ROOM", ROOM "/players", show_players, "who plays gestures in a room, and how it goes"),
	GET("room", "delays", "ROOM", ROOM "/delays", show_delays, "how long a sound takes from each to each, and what that is made of"),
	GET("room", "views", "ROOM", ROOM "/views", show_views, "who hears whom otherwise than all do"),

	GET("member", "list", "ROOM", ROOM, show_members, "the members of a room"),
	POST("member", "mute", "ROOM MEMBER...", MEMBER "/mute", "on=true", "the others do not hear the member"),
	POST("member", "unmute", "ROOM MEMBER...", MEMBER "/mute", "on=false", "they do"),
	POST("member", "ask-unmute", "ROOM MEMBER...", MEMBER "/ask-unmute", "", "ask the member to unmute itself, and let it"),
	POST("member", "deaf", "ROOM MEMBER...", MEMBER "/deaf", "on=true", "the member hears nothing"),
	POST("member", "undeaf", "ROOM MEMBER...", MEMBER "/deaf", "on=false", "it does"),
	POST("member", "hand", "ROOM MEMBER [ON]", MEMBER "/hand", "on!ON", "raise or (off) lower its hand"),
	POST("member", "role", "ROOM MEMBER ROLE", MEMBER "/role", "role$ROLE", "make it a listener, speaker or host"),
	POST("member", "gain", "ROOM MEMBER DB", MEMBER "/gain", "value#DB", "its loudness in the mix, -60 to 20 dB"),
	POST("member", "pan", "ROOM MEMBER PAN", MEMBER "/pan", "pan#PAN", "its place in the mix, -1 left to 1 right"),
	POST("member", "view", "ROOM MEMBER OTHER DB [PAN]", MEMBER "/view", "other@OTHER value#DB pan#PAN:2",
	     "how the member hears another, and where; -60 is silence"),
	POST("member", "click", "ROOM MEMBER [ON] [DB]", MEMBER "/click", "on!ON value#DB:0", "it hears the room's beat, so loud"),
	POST("member", "click-sync", "ROOM MEMBER WHEN", MEMBER "/click-sync", "text$WHEN",
	     "when it hears the beat: room (with the mix), ear (on the beat), mix (so that it plays into the mix on the beat)"),
	POST("member", "buffer", "ROOM MEMBER FRAMES", MEMBER "/buffer", "value#FRAMES", "what its jitter buffer holds, 0 to 3 frames; -1: by itself"),
	POST("member", "red", "ROOM MEMBER [ON]", MEMBER "/red", "on!ON", "it is sent each frame twice"),
	POST("member", "section", "ROOM MEMBER SECTION", MEMBER "/section", "text$SECTION", "the section it plays in"),
	POST("member", "no-section", "ROOM MEMBER", MEMBER "/section", "text=\"\"", "it plays in none"),
	POST("member", "section-view", "ROOM MEMBER SECTION DB", MEMBER "/section-view", "name$SECTION value#DB",
	     "how it hears all of a section, also who joins it later; -60 is silence"),
	POST("member", "controller", "ROOM MEMBER PLAYER", MEMBER "/controller", "text$PLAYER", "a player of gestures without a call acts for it"),
	POST("member", "no-controller", "ROOM MEMBER", MEMBER "/controller", "text=\"\"", "no player does any more"),
	POST("member", "latency", "ROOM MEMBER CAPTURE PLAYBACK BUFFER [RTT]", MEMBER "/latency",
	     "capture_us#CAPTURE playback_us#PLAYBACK buffer_us#BUFFER rtt_us#RTT", "what its end needs, in microseconds"),
	POST("member", "move", "ROOM MEMBER TO", MEMBER "/move", "room$TO", "take the member to another room"),
	POST("member", "admit", "ROOM MEMBER...", MEMBER "/admit", "", "let a waiting member in"),
	POST("member", "refuse", "ROOM MEMBER...", MEMBER "/refuse", "", "send a waiting member away"),
	POST("member", "kick", "ROOM MEMBER [REASON]", MEMBER "/kick", "text$REASON", "send the member away"),
	POST("member", "ban", "ROOM MEMBER", ROOM "/ban", "uri~MEMBER", "never let the member's address in again"),
	POST("member", "count", "ROOM MEMBER", MEMBER "/count", "", "tell the member how many are in the room"),

	POST("call", NULL, "ROOM URI", ROOM "/dial", "uri$URI", "call somebody into a room"),

	POST("record", "start", "ROOM", ROOM "/record", "text=\"start\"", "record a room"),
	POST("record", "stop", "ROOM", ROOM "/record", "text=\"stop\"", "no more"),
	POST("record", "pause", "ROOM", ROOM "/record", "text=\"pause\"", "leave out what is said now"),
	POST("record", "resume", "ROOM", ROOM "/record", "text=\"resume\"", "go on"),
	RUN("record", "list", "[ROOM]", run_record_list, NULL, "recordings, the newest first"),
	GET("record", "show", "RECORDING", "/api/v1/recordings/{RECORDING}", show_outline, "a recording and its files"),
	RUN("record", "get", "RECORDING FILE", run_record_get, NULL, "a file of a recording, to standard output"),
	DELETE("record", "delete", "RECORDING", "/api/v1/recordings/{RECORDING}", "delete a recording and its files"),

	RUN("cdr", "list", "[ROOM]", run_cdr_list, "from to limit", "calls that are over, the newest first"),
	RUN("cdr", "export", "[ROOM]", run_cdr_export, "from to csv", "all of them: --csv, or a JSON object on each line"),

	RUN("token", "create", "NAME", run_token_create, "scopes room days", "make an API token; it is shown this once"),
	GET("token", "list", "", "/api/v1/tokens", show_tokens, "API tokens"),
	DELETE("token", "revoke", "TOKEN", "/api/v1/tokens/{TOKEN}", "a token, by its id, is good for nothing any more"),

	GET("accounts", NULL, "", "/api/v1/accounts", show_accounts, "who may call with a password"),
	GET("settings", NULL, "", "/api/v1/settings", show_settings, "settings that a room can have"),
	GET("verbs", NULL, "", "/api/v1/verbs", show_verbs, "what can be done to rooms and members"),

	RUN("watch", NULL, "[ROOM]", run_watch, NULL, "what happens, as it happens; with levels where a room is named"),

	{ "metrics", NULL, "", "counters as Prometheus text", "GET", "/metrics", NULL, NULL, run_text, NULL },
	{ "health", NULL, "", "is it alive; exit status 1 when not", "GET", "/healthz", NULL, NULL, run_text, NULL },
	{ "ready", NULL, "", "does it take calls; exit status 1 when not", "GET", "/readyz", NULL, NULL, run_text, NULL },

	RUN("completion", NULL, "SHELL [ROOM]", run_completion, NULL, "a script that completes these commands; rooms and members: names for it"),
};

/* Words of earlier versions. */
static const struct ctl_word rooms = GET("rooms", NULL, "", "/api/v1/rooms", show_rooms, "as room list");
static const struct ctl_word room = GET("room", NULL, "ROOM", ROOM, show_room, "as room show");

const struct ctl_word *ctl_words(size_t *n)
{
	*n = sizeof(words) / sizeof(words[0]);
	return words;
}

const struct ctl_word *ctl_find(char **v, int n, int *used)
{
	for (size_t i = 0; n && i < sizeof(words) / sizeof(words[0]); i++) {
		const struct ctl_word *w = &words[i];

		if (strcmp(w->noun, v[0]) || (w->verb && (n < 2 || strcmp(w->verb, v[1]))))
			continue;
		*used = w->verb ? 2 : 1;
		return w;
	}
	*used = 1;
	if (n && !strcmp(v[0], rooms.noun))
		return &rooms;
	return n == 2 && !strcmp(v[0], room.noun) ? &room : NULL;
}

/* --- arguments --- */

bool ctl_arg_next(struct ctl_arg *arg, const char **list)
{
	const char *p = *list + strspn(*list, " ");
	size_t n = strcspn(p, " "), len;

	if (!n)
		return false;
	*list = p + n;
	arg->optional = *p == '[';
	p += arg->optional;
	len = strcspn(p, " ].");
	arg->many = !strncmp(p + len, "...", 3);
	(void)snprintf(arg->name, sizeof(arg->name), "%.*s", (int)len, p);
	return true;
}

bool ctl_args_fit(const struct ctl_word *w, int n)
{
	const char *list = w->args;
	int least = 0, most = 0;
	struct ctl_arg arg;

	while (ctl_arg_next(&arg, &list)) {
		least += !arg.optional;
		most += arg.many ? CTL_ARGS_MAX : 1;
	}
	return n >= least && n <= most;
}

int ctl_arg_index(const struct ctl_args *a, const char *name)
{
	const char *list = a->word->args;
	struct ctl_arg arg;

	for (int i = 0; i < a->n && ctl_arg_next(&arg, &list); i++)
		if (!strcmp(arg.name, name))
			return i;
	return -1;
}

const char *ctl_arg(const struct ctl_args *a, const char *name)
{
	int i = ctl_arg_index(a, name);

	return i < 0 ? NULL : a->v[i];
}

const char *ctl_choices(const char *name)
{
	static const struct { const char *name, *choices; } table[] = {
		{ "ON", "on off" }, { "ROLE", "listener speaker host" }, { "SHELL", "bash zsh rooms members" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].name, name))
			return table[i].choices;
	return NULL;
}
