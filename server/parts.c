/*
 * parts.c - the settings as each part of the server wants them.
 */
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "parts.h"

enum { MEDIA_THREADS_MAX = 4, SILENCE_MS = 60000 };

struct control_conf parts_control(const struct config *c, struct store *store)
{
	static struct keypad_conf keypad;
	const char *alone_file = config_str(c, "rooms.alone-file");

	config_keypad(c, &keypad);
	return (struct control_conf){
		.keypad = &keypad,
		.auto_rooms = config_bool(c, "rooms.auto"),
		.music_default = 0 == strcmp(config_str(c, "rooms.profile"), "music"),
		.max_rooms = config_uint(c, "rooms.max"),
		.max_members_per_room = config_uint(c, "rooms.max-members"),
		.max_members = config_uint(c, "sip.max-calls"),
		.alone_music = 0 == strcmp(config_str(c, "rooms.alone"), "music"),
		.alone_file = *alone_file ? alone_file : NULL,
		.empty_timeout_s = config_uint(c, "rooms.empty-timeout"),
		.seat_time_s = config_uint(c, "rooms.seat-time"),
		.store = store,
	};
}

int parts_record(struct record_conf *rc, char **dir, const struct config *c, const struct state *state)
{
	const char *own = config_str(c, "recording.dir");

	*rc = (struct record_conf){
		.flac = 0 == strcmp(config_str(c, "recording.format"), "flac"),
		.stems = config_bool(c, "recording.stems"),
		.max = config_uint(c, "recording.max"),
		.max_hours = config_uint(c, "recording.max-hours"),
		.min_free_mb = config_uint(c, "recording.min-free"),
	};
	*dir = NULL;
	int err = *own ? str_dup(dir, own) : re_sdprintf(dir, "%s/recordings", state_dir(state));
	rc->dir = *dir;
	return err;
}

/* Those that came with the program: beside it where it was built, in ../share where it was installed. "": none. */
static const char *sounds_dir(const struct config *c)
{
	static const char *const places[] = {"sounds", "../share/tutti/sounds"};
	static char path[512];
	const char *dir = config_str(c, "prompts.dir");
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("../share/tutti/sounds"));
	char *name;

	path[n > 0 ? n : 0] = '\0';
	name = strrchr(path, '/');
	for (size_t i = 0; !*dir && name && i < sizeof(places) / sizeof(places[0]); i++) {
		strcpy(name + 1, places[i]);
		if (!access(path, X_OK))
			dir = path;
	}
	return dir;
}

struct prompt_conf parts_prompt(const struct config *c)
{
	return (struct prompt_conf){.dir = sounds_dir(c), .language = config_str(c, "prompts.language")};
}

struct spoken_conf parts_spoken(const struct config *c, struct prompts *prompts)
{
	const char *say = config_str(c, "prompts.say");

	return (struct spoken_conf){
		.prompts = prompts,
		.words = 0 == strcmp(say, "words"),
		.tones = 0 != strcmp(say, "nothing"),
	};
}

struct mixer_conf parts_mixer(const struct config *c)
{
	uint32_t min, max, n = config_uint(c, "media.threads");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	config_range(c, "media.ports", &min, &max);
	if (n == 0)
		n = cores < 1 ? 1 : cores > MEDIA_THREADS_MAX ? MEDIA_THREADS_MAX : (uint32_t)cores;

	return (struct mixer_conf){
		.n_threads = n,
		.realtime = config_bool(c, "media.realtime"),
		.port_min = (uint16_t)min,
		.port_max = (uint16_t)max,
	};
}

struct relay_conf parts_relay(const struct config *c)
{
	uint32_t min, max;

	config_range(c, "media.ports", &min, &max);
	return (struct relay_conf){
		.port_min = (uint16_t)min,
		.port_max = (uint16_t)max,
		.mtu = config_uint(c, "gesture.mtu"),
		.rate = config_uint(c, "gesture.rate"),
		.sysex_max = config_uint(c, "gesture.sysex"),
		.transparent = config_bool(c, "gesture.transparent"),
		.any_space = config_bool(c, "gesture.any-space"),
		.leave_keep_ms = config_uint(c, "gesture.keep") * 1000,
		.silence_ms = SILENCE_MS,
		.realtime = config_bool(c, "media.realtime"),
	};
}

struct roomports_conf parts_roomports(const struct config *c)
{
	return (struct roomports_conf){
		.applemidi = config_str(c, "gesture.applemidi"),
		.applemidi_from = config_str(c, "gesture.applemidi-from"),
		.applemidi_sessions = config_uint(c, "gesture.applemidi-sessions"),
		.announce = config_bool(c, "gesture.announce"),
		.osc = config_bool(c, "gesture.udp-osc") ? config_str(c, "gesture.osc-ports") : "",
		.osc_address = config_str(c, "gesture.osc-address"),
		.osc_from = config_str(c, "gesture.osc-from"),
		.osc_secret = config_str(c, "gesture.osc-secret"),
		.osc_players = config_uint(c, "gesture.osc-players"),
		.osc_idle_s = config_uint(c, "gesture.osc-idle"),
		.osc_query = config_str(c, "gesture.osc-query"),
	};
}

int parts_sips(struct sips_conf *sc, const struct config *c, struct state *state, char **why)
{
	const char *cert = config_str(c, "sip.tls-cert");
	int err = *cert ? 0 : state_cert(state, &cert, why);

	*sc = (struct sips_conf){
		.listen = config_str(c, "sip.listen"),
		.external = config_str(c, "sip.external"),
		.tls_cert = cert,
		.invite_rate = config_uint(c, "sip.invite-rate"),
		.request_rate = config_uint(c, "sip.request-rate"),
	};
	return err;
}
