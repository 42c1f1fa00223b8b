/*
 * conftab.c - the table itself: every setting of Tutti once, in the order of the sample file. A setting is added here and
 * nowhere else; the reader, the sample, the man page and --check follow.
 */
#include <string.h>
#include "config.h"
#include "conftab.h"
#include "control/event.h"
#include "control/keypad.h"
#include "osc/desk.h"
#include "osc/roomports.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- checks that a type alone does not make --- */

/* 0 and the next word of a list in *word; ENOENT at its end. */
int conf_word(struct pl *word, const char **list)
{
	*list += strspn(*list, CONF_SEP);
	word->p = *list;
	word->l = strcspn(*list, CONF_SEP);
	*list += word->l;
	return word->l ? 0 : ENOENT;
}

static bool is_hostname(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 254 && s[0] != '-' && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == n;
}

static bool is_addr(const char *s)
{
	struct sa sa;

	return 0 == sa_set_str(&sa, s, 0);
}

static bool is_addr_port(const struct pl *pl)
{
	const char *colon = memrchr(pl->p, ':', pl->l);
	struct pl port;
	struct sa sa;

	if (!colon)
		return false;

	/* sa_decode takes a port above 65535 modulo 65536: look at the digits first. */
	port.p = colon + 1;
	port.l = (size_t)(pl->p + pl->l - port.p);
	if (port.l < 1 || port.l > 5 || pl_u32(&port) > 65535)
		return false;
	for (size_t i = 0; i < port.l; ++i) {
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
	}

	return 0 == sa_decode(&sa, pl->p, pl->l);
}

static const char *check_listen(const char *value)
{
	struct pl word;
	unsigned n = 0;

	while (0 == conf_word(&word, &value)) {
		static const char *const transp[] = {"udp:", "tcp:", "tls:"};
		bool known = false;

		for (size_t i = 0; i < N(transp); ++i)
			known = known || (word.l > 4 && 0 == strncasecmp(word.p, transp[i], 4));
		if (!known)
			return "each word is udp:, tcp: or tls: and an address, e.g. udp:0.0.0.0:5060 or tls:[::]:5061";
		word.p += 4;
		word.l -= 4;
		if (!is_addr_port(&word))
			return "the part after udp:, tcp: or tls: is an IP address and a port, e.g. 0.0.0.0:5060 or [::]:5060";
		++n;
	}
	if (!n)
		return "at least one address is needed";
	return n > 64 ? "more than 64 addresses" : NULL;
}

static const char *check_http(const char *value)
{
	struct pl pl;

	pl_set_str(&pl, value);
	return !*value || is_addr_port(&pl) ? NULL : "an IP address and a port, e.g. 127.0.0.1:8080, or empty";
}

static const char *check_socket(const char *value)
{
	return !*value || *value == '/' || 0 == strcmp(value, "none") ? NULL : "a path that begins with /, none, or empty";
}

static const char *check_addr(const char *value)
{
	return !*value || is_addr(value) ? NULL : "an IP address, or empty";
}

static const char *check_hosts(const char *value)
{
	struct pl word;
	char host[256];

	while (0 == conf_word(&word, &value)) {
		if (pl_strcpy(&word, host, sizeof(host)) || (!is_hostname(host) && !is_addr(host)))
			return "each word is a host name or an IP address";
	}
	return NULL;
}

static const char *check_music(const char *value)
{
	struct pl pl;

	pl_set_str(&pl, value);
	if (0 == strcmp(value, "auto"))
		return NULL;
	return pl.l && pl.l <= 3 && strspn(value, "0123456789") == pl.l && pl_u32(&pl) <= 100 ? NULL :
	       "auto, or a number from 0 to 100";
}

static const char *check_codecs(const char *value)
{
	static const char *const known[] = {"opus", "G722", "PCMU", "PCMA", "L16"};
	struct pl word;
	unsigned n = 0;

	while (0 == conf_word(&word, &value)) {
		const char *slash = memchr(word.p, '/', word.l);
		bool found = false;

		if (slash)
			word.l = (size_t)(slash - word.p);
		for (size_t i = 0; i < N(known); ++i)
			found = found || 0 == pl_strcasecmp(&word, known[i]);
		if (!found)
			return "known codecs are opus, G722, PCMU, PCMA, L16 (also L16/RATE or L16/RATE/CHANNELS)";
		++n;
	}
	return n ? NULL : "at least one codec is needed";
}

static const char *check_token(const char *value)
{
	return !*value || strpbrk(value, "\"\\") ? "not empty, and without quotes and backslashes" : NULL;
}

static const char *check_lines(const char *value)
{
	static const char *const known[] = {"midi", "osc", "udp", "tcp", "tls"};
	struct pl word;

	if (0 == strcmp(value, "no"))
		return NULL;
	while (0 == conf_word(&word, &value)) {
		bool found = false;

		for (size_t i = 0; i < N(known); ++i)
			found = found || 0 == pl_strcmp(&word, known[i]);
		if (!found)
			return "`no`, or words of midi, osc, udp, tcp, tls";
	}
	return NULL;
}

static const char *check_one_addr(const char *value)
{
	return is_addr(value) ? NULL : "an IP address";
}

static const char *check_secret(const char *value)
{
	return *value && strlen(value) < 8 ? "empty, or at least 8 characters" : NULL;
}

static const char *check_uri(const char *value)
{
	struct pl pl;
	struct uri uri;

	pl_set_str(&pl, value);
	if (0 == strncasecmp(value, "sip:", 4) || 0 == strncasecmp(value, "sips:", 5))
		return uri_decode(&uri, &pl) ? "not a SIP URI" : NULL;
	return "begins with sip: or sips:";
}

static const char *check_uri_or_empty(const char *value)
{
	return *value ? check_uri(value) : NULL;
}

static const char *check_allow(const char *value)
{
	struct pl word;

	while (0 == conf_word(&word, &value)) {
		if (strncasecmp(word.p, "sip:", 4) && strncasecmp(word.p, "sips:", 5) && strncasecmp(word.p, "tel:", 4))
			return "each pattern begins with sip:, sips: or tel:, e.g. sip:*@pbx.example";
	}
	return NULL;
}

static const char *check_code(const char *value)
{
	return keypad_code_wrong(value);
}

static const char *check_language(const char *value)
{
	size_t n = strlen(value);

	return n && n <= 15 && strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n ? NULL :
	       "the name of a folder in prompts.dir, e.g. en";
}

static const char *check_url(const char *value)
{
	const char *host = 0 == strncasecmp(value, "http://", 7) ? value + 7 : 0 == strncasecmp(value, "https://", 8) ? value + 8 : NULL;
	size_t n = host ? strcspn(host, "/?#@") : 0;

	/* A name and a password in it would stand in every log that tells where something was sent to. */
	if (!n || host[n] == '@' || strpbrk(value, " \"\\<>"))
		return "http:// or https://, a host, and what follows; without a name and a password";
	return NULL;
}

static const char *check_events(const char *value)
{
	struct pl word;

	while (0 == conf_word(&word, &value)) {
		bool known = 0 == pl_strcmp(&word, "*");

		for (int i = 0; !known && strcmp(event_name((enum event_type)i), "?"); ++i)
			known = 0 == pl_strcmp(&word, event_name((enum event_type)i));
		if (!known)
			return "types of events, such as member-joined, or *";
	}
	return NULL;
}

static const char *check_filled(const char *value)
{
	return *value ? NULL : "must not be empty";
}

static const char *check_folder(const char *value)
{
	return !*value || (*value == '/' && strlen(value) < 200) ? NULL : "a folder by its whole path, under 200 characters";
}

static const char *check_room(const char *value)
{
	size_t n = strlen(value);

	if (n < 1 || n > 63 ||
	    n != strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+-"))
		return "a room name: 1 to 63 of A-Z a-z 0-9 . _ ~ + -";
	return NULL;
}

/* --- the table --- */

static const struct config_setting table[] = {
	{"sip.listen", CONFIG_LIST,
	 "udp:0.0.0.0:5060 tcp:0.0.0.0:5060 tls:0.0.0.0:5061 udp:[::]:5060 tcp:[::]:5060 tls:[::]:5061", NULL, false,
	 "Where SIP is heard: words TRANSPORT:ADDRESS:PORT with udp, tcp or tls. 0.0.0.0 and [::] stand for every address "
	 "of the machine.", check_listen},
	{"sip.external", CONFIG_STR, "", NULL, false,
	 "The address by which the outside reaches this machine when it stands behind NAT. Written into Contact and SDP "
	 "for peers that are not in a local network; empty: the machine's own addresses.", check_addr},
	{"sip.domain", CONFIG_LIST, "", NULL, true,
	 "Host names this server answers to; requests for another host get 404. Empty: any. Its own addresses always "
	 "count.", check_hosts},
	{"sip.tls-cert", CONFIG_STR, "", NULL, false,
	 "A PEM file with the certificate (and its chain) and the private key. Empty: a self-signed certificate that is "
	 "made in state.dir at the first start.", NULL},
	{"sip.invite-rate", CONFIG_UINT, "50", "0..1000000", false,
	 "New calls a second that one source address may begin; what is above it is refused. 0: no limit.", NULL},
	{"sip.request-rate", CONFIG_UINT, "200", "0..1000000", false,
	 "Other requests outside a call, a second and source address. 0: no limit.", NULL},
	{"sip.max-calls", CONFIG_UINT, "2000", "1..1000000", true,
	 "Calls at one time; the next is answered 503 with Retry-After.", NULL},
	{"sip.max-subscriptions", CONFIG_UINT, "2000", "0..1000000", true,
	 "Subscriptions to the state of rooms (RFC 4575) at one time; the next is answered 503. 0: nobody may subscribe.", NULL},
	{"sip.max-subscriptions-room", CONFIG_UINT, "1000", "0..1000000", true, "The same, of one room.", NULL},
	{"sip.max-subscriptions-source", CONFIG_UINT, "500", "0..1000000", true, "The same, from one source address.", NULL},
	{"sip.notify-interval", CONFIG_UINT, "500", "0..60000", true,
	 "Milliseconds between two NOTIFYs to one subscriber, while things change all the time: they are told together. A subscriber "
	 "may ask for fewer (RFC 6446).", NULL},
	{"sip.session-expires", CONFIG_UINT, "1800", "90..86400", true,
	 "Session interval in seconds (RFC 4028): a call whose phone has vanished ends after it.", NULL},
	{"sip.min-se", CONFIG_UINT, "90", "90..86400", true,
	 "The shortest session interval taken from a peer, in seconds.", NULL},
	{"sip.early", CONFIG_ENUM, "answer", "answer|ring", true,
	 "Calls to a room are answered at once, or shown as ringing for a moment first.", NULL},
	{"sip.drain", CONFIG_UINT, "30", "0..86400", true,
	 "Seconds that calls may go on after SIGTERM, before they are ended. No new ones are taken meanwhile.", NULL},

	{"media.ports", CONFIG_RANGE, "20000-29999", "1024..65535", false,
	 "UDP ports for sound. Every call takes an even port and the one above it.", NULL},
	{"media.address", CONFIG_STR, "", NULL, false,
	 "Local address for sound. Empty: the address the call came in on.", check_addr},
	{"media.threads", CONFIG_UINT, "0", "0..64", false,
	 "Media threads. 0: one a processor core, at most 4.", NULL},
	{"media.realtime", CONFIG_BOOL, "yes", NULL, false,
	 "Ask for real-time priority and locked memory. Where the system refuses, the server says so and goes on without.",
	 NULL},
	{"media.codecs", CONFIG_LIST, "opus G722 PCMU PCMA L16", NULL, true,
	 "Codecs in order of preference.", check_codecs},
	{"media.ptime", CONFIG_UINT, "20", "3..60", true,
	 "Milliseconds of sound in a packet we send, where the phone does not ask for something else.", NULL},
	{"media.srtp", CONFIG_ENUM, "optional", "optional|required|off", true,
	 "Encrypted sound: taken where it is offered, required of all, or not spoken.", NULL},
	{"media.srtp-keys", CONFIG_ENUM, "sdes", "sdes|dtls", true,
	 "How keys come to those whom we call, where media.srtp is required: in SDP (RFC 4568), or agreed on between the ends by DTLS "
	 "(RFC 5764). Who calls chooses for itself.", NULL},
	{"media.rtp-timeout", CONFIG_UINT, "30", "0..3600", true,
	 "Seconds without a packet after which a call that should send is ended. 0: never.", NULL},
	{"media.jitter-min", CONFIG_UINT, "0", "0..500", true,
	 "Smallest delay of the jitter buffer of a voice call, in milliseconds. It grows by itself as far as the network needs.",
	 NULL},
	{"media.jitter-start", CONFIG_UINT, "10", "0..500", true,
	 "Delay with which the jitter buffer of a voice call begins, in milliseconds. Once some seconds of its network are known, "
	 "it goes down as far as those allow.", NULL},
	{"media.jitter-music", CONFIG_STR, "auto", NULL, true,
	 "Delay of the jitter buffer in music rooms, in milliseconds, 0 to 100; then it is fixed, what comes later is concealed. "
	 "auto: begins with 5 and goes by what the network of each player needs, up to three of its frames.", check_music},
	{"media.max-load", CONFIG_UINT, "80", "10..100", true,
	 "Percent of its time that the busiest media thread may be at work; above it new calls get 503, so that the sound of those "
	 "present does not suffer. 100: never.", NULL},
	{"media.jitter-max", CONFIG_UINT, "200", "20..1000", true,
	 "Largest delay of the jitter buffer, in milliseconds; it never grows beyond.", NULL},
	{"media.red", CONFIG_BOOL, "no", NULL, true,
	 "Redundant audio (RFC 2198): offered, and taken where a phone offers it. A phone that loses packets then gets every frame "
	 "twice for as long as it does. Calls made from now on.", NULL},
	{"media.agc", CONFIG_BOOL, "no", NULL, true,
	 "Voice rooms: make every talker about equally loud, up to 20 dB louder or 15 dB softer. Without it sound is as loud as "
	 "it was sent. Calls made from now on.", NULL},
	{"media.noise-gate", CONFIG_BOOL, "no", NULL, true,
	 "Voice rooms: turn phones (PCMU, PCMA, G722) down by 12 dB between their words. Calls made from now on.", NULL},
	{"media.levels", CONFIG_BOOL, "yes", NULL, true,
	 "Audio levels in packet headers, with phones that know them: how loud the caller is (RFC 6464), and who in the room is "
	 "heard and how loud (RFC 6465). no: neither. Calls made from now on.", NULL},
	{"media.comfort-noise", CONFIG_BOOL, "yes", NULL, true,
	 "Voice rooms: to phones at 8 kHz that offer CN (RFC 3389) silence under -60 dBov is sent as a packet that tells its level, "
	 "and one a second. Calls made from now on.", NULL},

	{"http.listen", CONFIG_STR, "127.0.0.1:8080", NULL, false,
	 "Address and port of the HTTP server. Empty: off.", check_http},
	{"http.socket", CONFIG_STR, "", NULL, false,
	 "The same by a unix socket, where root and the user of the server need no token. Its group may write to it, with a token. "
	 "Empty: tutti.sock in the state folder; none: there is none.", check_socket},
	{"http.rate", CONFIG_UINT, "300", "0..1000000", false,
	 "Requests a second of one address, and of one token; what is above is answered 429. 0: no limit.", NULL},

	{"state.dir", CONFIG_STR, "", NULL, false,
	 "Folder for the admin token, the certificate, and tutti.db: rooms that stay, API tokens, calls that are over. Empty: "
	 "systemd's state directory where there is one, /var/lib/tutti for root, else ~/.local/state/tutti.", NULL},
	{"state.keep-calls", CONFIG_UINT, "90", "0..36500", true,
	 "Days that the records of calls are kept. 0: for ever.", NULL},

	{"recording.dir", CONFIG_STR, "", NULL, true,
	 "Folder for recordings, one in it for each; only the server's user may read it. Empty: recordings in the state folder.",
	 check_folder},
	{"recording.format", CONFIG_ENUM, "opus", "opus|flac", true,
	 "Opus takes 8 kB a second and mono file, FLAC (24 bits) up to fifteen times that and loses nothing. Recordings begun from now on.",
	 NULL},
	{"recording.stems", CONFIG_BOOL, "yes", NULL, true,
	 "Beside the mix a file for each member that is heard, all aligned to the sample. Recordings begun from now on.", NULL},
	{"recording.max", CONFIG_UINT, "20", "0..1000", true, "Rooms that may be recorded at one time. 0: none.", NULL},
	{"recording.max-hours", CONFIG_UINT, "12", "0..168", true, "Hours after which a recording ends by itself. 0: never.", NULL},
	{"recording.min-free", CONFIG_UINT, "500", "0..1000000", true,
	 "MB that stay free on the disk: where there is less, recordings end. 0: the disk may become full.", NULL},

	{"rooms.auto", CONFIG_BOOL, "yes", NULL, true,
	 "Any sip:NAME@host opens room NAME on the first call.", NULL},
	{"rooms.profile", CONFIG_ENUM, "voice", "voice|music", true,
	 "Profile of new rooms. Rooms whose name begins with music- always get music.", NULL},
	{"rooms.max", CONFIG_UINT, "500", "1..100000", true, "Rooms at one time.", NULL},
	{"rooms.max-members", CONFIG_UINT, "1000", "1..100000", true, "Members of one room.", NULL},
	{"rooms.empty-timeout", CONFIG_UINT, "5", "0..86400", true,
	 "Seconds an automatic room lives on after its last member left.", NULL},
	{"rooms.seat-time", CONFIG_UINT, "300", "0..86400", true,
	 "Seconds in which a caller who has left a room comes back as who it was, without PIN or lobby. 0: seats are not kept.", NULL},
	{"rooms.alone", CONFIG_ENUM, "music", "music|silence", true, "What a member hears that is alone in a room.", NULL},
	{"rooms.alone-file", CONFIG_STR, "", NULL, true,
	 "A sound file (WAV, FLAC, Ogg ...) for who is alone. Empty: a built-in tune.", NULL},
	{"rooms.open-to", CONFIG_ENUM, "local", "local|any|none", true,
	 "Who may join without an account: callers from local networks, anybody, or nobody.", NULL},

	{"rooms.pin-rate", CONFIG_UINT, "20", "1..1000000", true,
	 "Room numbers and PINs that one source address may type wrong in a minute; then its callers are sent away without being "
	 "asked. All callers of a trunk share its address.", NULL},

	{"prompts.say", CONFIG_ENUM, "words", "words|tones|nothing", true,
	 "What phones are told of what happens: words to the one it concerns and tones to all; only tones for all; or nothing. "
	 "In music rooms only keys are answered.", NULL},
	{"prompts.dir", CONFIG_STR, "", NULL, true,
	 "Folder of the prompts: a folder for each language in it, and files for announcements. Empty: those that came with the "
	 "server. What is missing is said by a tone.", NULL},
	{"prompts.language", CONFIG_STR, "en", NULL, true,
	 "The language of rooms that have no other: a folder in prompts.dir.", check_language},

	{"keypad.mute", CONFIG_STR, "*6", NULL, true, "Code by which a caller mutes itself, and is heard again. Empty, here and below: none.",
	 check_code},
	{"keypad.hand", CONFIG_STR, "*3", NULL, true, "Raises and lowers the hand.", check_code},
	{"keypad.quieter", CONFIG_STR, "*4", NULL, true, "The caller's own voice 3 dB quieter for the others.", check_code},
	{"keypad.louder", CONFIG_STR, "*7", NULL, true, "... and louder.", check_code},
	{"keypad.mute-all", CONFIG_STR, "*5", NULL, true, "Hosts: mutes everybody else, and frees them.", check_code},
	{"keypad.lock", CONFIG_STR, "*9", NULL, true, "Hosts: locks the room, and opens it.", check_code},
	{"keypad.record", CONFIG_STR, "*8", NULL, true, "Hosts: starts the recording, and stops it.", check_code},
	{"keypad.count", CONFIG_STR, "*2", NULL, true, "Says how many are in the room.", check_code},
	{"keypad.help", CONFIG_STR, "*0", NULL, true, "Says which codes there are.", check_code},
	{"keypad.end", CONFIG_STR, "##", NULL, true, "Hosts: ends the conference for all, after a 1 that confirms it.", check_code},

	{"auth.required", CONFIG_BOOL, "no", NULL, true, "Every call needs an account, also from the local network.", NULL},
	{"auth.realm", CONFIG_STR, "tutti", NULL, false, "Realm of the digest challenge.", check_token},
	{"auth.nonce-life", CONFIG_UINT, "300", "10..86400", false,
	 "Seconds a nonce may be used before a new one is asked for.", NULL},

	{"dial.allow", CONFIG_LIST, "", NULL, true,
	 "URIs this server may call, as patterns in which * stands for any characters, e.g. sip:*@pbx.example. "
	 "Empty: nobody.", check_allow},
	{"dial.timeout", CONFIG_UINT, "60", "1..600", true, "Seconds a called phone may ring.", NULL},
	{"dial.from", CONFIG_STR, "", NULL, true,
	 "From URI of outgoing calls. Empty: the room's own.", check_uri_or_empty},

	{"log.level", CONFIG_ENUM, "info", "error|warning|info|debug", true, "How much is logged, to stderr.", NULL},

	{"gesture.kinds", CONFIG_LIST, "midi osc tcp tls", NULL, true,
	 "Lines of gestures that are taken when a call offers them: midi (RTP MIDI), osc (OSC over RTP), udp, tcp and tls (plain OSC). "
	 "udp has no protection at all. `no`: none.", check_lines},
	{"gesture.offer", CONFIG_LIST, "no", NULL, true,
	 "Lines of gestures that calls of ours offer, as alternatives: words as in gesture.kinds, or `no`.", check_lines},
	{"gesture.rate", CONFIG_UINT, "500", "1..100000", false,
	 "OSC messages or MIDI commands a second taken from one player. Players that say nothing take 1000 a second of all others together: "
	 "one alone should not fill that.", NULL},
	{"gesture.mtu", CONFIG_UINT, "1200", "500..8900", false, "Longest RTP payload of gestures, in octets.", NULL},
	{"gesture.sysex", CONFIG_UINT, "256", "0..4096", false,
	 "Longest MIDI System Exclusive passed on, in octets: it can rewrite instruments. 0: none.", NULL},
	{"gesture.any-space", CONFIG_BOOL, "no", NULL, false,
	 "OSC is passed on also to players whose address spaces have nothing in common.", NULL},
	{"gesture.transparent", CONFIG_BOOL, "no", NULL, false,
	 "OSC over RTP goes on as it came, numbers, times and journal, to parties that take a stream of each player (view `source`) and all that "
	 "this one sends; their reports go to who plays. Else the server ends each stream and makes its own.", NULL},
	{"gesture.keep", CONFIG_UINT, "30", "0..3600", false,
	 "Seconds the state of a player who left is kept, for when it comes back.", NULL},
	{"gesture.applemidi", CONFIG_LIST, "", NULL, false,
	 "UDP ports for AppleMIDI (network MIDI of Macs, iPads, rtpmidid). Words: LOW-HIGH, from which each open room has a pair, the "
	 "same room the same pair if possible; ROOM:PORT, that room's own, open all the time. A port is even and stands for itself and the "
	 "next. Empty: none.", roomports_check_ports},
	{"gesture.applemidi-from", CONFIG_LIST, "local", NULL, false,
	 "Who may come there: addresses, ADDRESS/BITS, local (the networks this machine is in when it starts), any. AppleMIDI knows no "
	 "passwords.", roomports_check_from},
	{"gesture.applemidi-sessions", CONFIG_UINT, "16", "1..64", false, "AppleMIDI sessions of one room.", NULL},
	{"gesture.announce", CONFIG_BOOL, "yes", NULL, false,
	 "Ports for software without SIP are told to the local network by DNS-SD, where avahi-daemon runs.", NULL},
	{"gesture.surface", CONFIG_LIST, "", NULL, false,
	 "Faders and keys of players' MIDI controllers that act on the conference: words like cc:1:7=me/gain, cc:N:7=me/mix/N/fader, "
	 "note:1:40=me/mute. See docs/gestures-control.md.", desk_surface_wrong},
	{"gesture.udp-osc", CONFIG_BOOL, "no", NULL, false,
	 "Plain OSC over UDP and TCP, for software without SIP: rooms have a port of gesture.osc-ports. Nothing encrypts it.", NULL},
	{"gesture.osc-ports", CONFIG_LIST, "57200-57398", NULL, false,
	 "Ports for plain OSC. Words: LOW-HIGH, from which each open room has one, the same room the same if possible; ROOM:PORT, that "
	 "room's own, open all the time. A port is even, UDP and TCP.", roomports_check_osc},
	{"gesture.osc-address", CONFIG_STR, "127.0.0.1", NULL, false,
	 "Local address of these ports. 0.0.0.0 or ::: all.", check_one_addr},
	{"gesture.osc-from", CONFIG_LIST, "127.0.0.1 ::1", NULL, false,
	 "Who plays there without a secret: addresses, ADDRESS/BITS, local (the networks this machine is in when it starts), any.",
	 roomports_check_from},
	{"gesture.osc-secret", CONFIG_STR, "", NULL, false,
	 "The word by which others come in: /tutti/login SECRET NAME. It is sent in the clear. Empty: nobody comes in by one, but where a room "
	 "has its own in a section [osc ROOM].", check_secret},
	{"gesture.osc-players", CONFIG_UINT, "16", "1..200", false, "Players of plain OSC in one room.", NULL},
	{"gesture.osc-idle", CONFIG_UINT, "60", "0..86400", false,
	 "Seconds after which a player by UDP leaves of whom nothing came, not even /_gest/ping. 0: never.", NULL},
	{"gesture.osc-query", CONFIG_STR, "", NULL, false,
	 "Address and port where the addresses and values of each room can be read by HTTP (OSCQuery), by those of gesture.osc-from. "
	 "Empty: off.", check_http},
};

static const struct config_setting webhook_keys[] = {
	{"webhook.url", CONFIG_STR, "", NULL, true, "Where events are sent to, http:// or https://.", check_url},
	{"webhook.secret", CONFIG_STR, "", NULL, true,
	 "With it each delivery is signed (HMAC-SHA256), so that the receiver knows who sent it. Empty: unsigned.", NULL},
	{"webhook.events", CONFIG_LIST, "", NULL, true,
	 "Types of events, or * for all. Empty: all but member-talking, member-key and speaker, of which there are many.", check_events},
};

static const struct config_setting account_keys[] = {
	{"account.password", CONFIG_STR, "", NULL, true, "Password of the account.", check_filled},
	{"account.role", CONFIG_ENUM, "speaker", "host|speaker|listener", true, "Its role in every room.", NULL},
};

static const struct config_setting trunk_keys[] = {
	{"trunk.uri", CONFIG_STR, "", NULL, true, "Registrar and peer, e.g. sip:provider.example.", check_uri},
	{"trunk.user", CONFIG_STR, "", NULL, true, "User name there.", NULL},
	{"trunk.password", CONFIG_STR, "", NULL, true, "Password there; sent to nobody else.", NULL},
	{"trunk.realm", CONFIG_STR, "", NULL, true,
	 "The realm the password belongs to. Empty: it is never sent.", NULL},
	{"trunk.register", CONFIG_BOOL, "yes", NULL, true, "REGISTER there; no: only a peer.", NULL},
	{"trunk.expires", CONFIG_UINT, "3600", "30..86400", true, "Seconds a registration is asked for.", NULL},
	{"trunk.keepalive", CONFIG_UINT, "30", "0..3600", true, "Seconds between two OPTIONS. 0: none.", NULL},
};

static const struct config_setting osc_keys[] = {
	{"osc.secret", CONFIG_STR, "", NULL, true,
	 "The word for plain OSC in this room, instead of gesture.osc-secret, from when its port opens.", check_secret},
};

static const struct config_setting did_keys[] = {
	{"did.room", CONFIG_STR, "", NULL, true, "The room that calls to this number join.", check_room},
};

static const struct config_kind kinds[] = {
	{"account", "NAME", "Who may call with a name and a password (digest).", account_keys, N(account_keys)},
	{"trunk", "NAME", "A provider or telephone system that sends calls here.", trunk_keys, N(trunk_keys)},
	{"did", "NUMBER", "A number, and the room it leads to.", did_keys, N(did_keys)},
	{"osc", "ROOM", "A room whose port for plain OSC has a secret of its own.", osc_keys, N(osc_keys)},
	{"webhook", "NAME", "A program that is told by HTTP what happens in the rooms.", webhook_keys, N(webhook_keys)},
};

const struct config_setting *config_table(size_t *n)
{
	*n = N(table);
	return table;
}

const struct config_kind *config_kinds(size_t *n)
{
	*n = N(kinds);
	return kinds;
}
